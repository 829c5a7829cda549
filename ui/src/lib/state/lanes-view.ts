import type { Time } from '$lib/contract/types';

/** The stretch of time that lanes show. */
export interface View {
  readonly from: Time;
  readonly to: Time;
}

/** Nearer than this there is nothing to tell apart. */
const NEAREST_MS = 2000;
/** Of the view, for a step of a key. */
const STEP = 0.2;

/** Keeps a view within the whole, as long as it is where it can be. */
function within(view: View, whole: View): View {
  const span = Math.min(whole.to - whole.from, Math.max(NEAREST_MS, view.to - view.from));
  const from = Math.min(Math.max(view.from, whole.from), whole.to - span);
  return { from, to: from + span };
}

/** Nearer (`by` over 1) or further, around a point: 0 is the left edge, 1 the right one. */
export function zoomed(view: View, whole: View, by: number, around = 0.5): View {
  const span = (view.to - view.from) / by;
  const point = view.from + (view.to - view.from) * around;
  return within({ from: point - span * around, to: point + span * (1 - around) }, whole);
}

/** Further right (over 0) or left, in parts of the view. */
export function panned(view: View, whole: View, by: number): View {
  const step = (view.to - view.from) * by;
  return within({ from: view.from + step, to: view.to + step }, whole);
}

/** Whether a view is the whole, or so near to it that nobody sees the difference. */
export function isWhole(view: View, whole: View): boolean {
  return view.to - view.from >= (whole.to - whole.from) * 0.999;
}

/** What a key does to the view; undefined for keys that are not ours. */
export function keyed(key: string, view: View, whole: View): View | undefined {
  switch (key) {
    case '+':
    case '=':
      return zoomed(view, whole, 1.5);
    case '-':
    case '_':
      return zoomed(view, whole, 1 / 1.5);
    case '0':
      return whole;
    case 'ArrowLeft':
      return panned(view, whole, -STEP);
    case 'ArrowRight':
      return panned(view, whole, STEP);
    default:
      return undefined;
  }
}
