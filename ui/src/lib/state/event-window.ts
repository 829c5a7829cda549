import type { Event, EventPage, Seq } from '$lib/contract/types';

/** Events kept in memory. A job may have a million: the rest is read again as it scrolls into view. */
export const WINDOW_MAX = 2000;
/** How far a window that grew too long is cut back: not one by one, which would move the list at each event. */
const CUT_TO = 1600;

/** A stretch of a job's events, in order, without gaps as far as the daemon told. */
export interface EventWindow {
  readonly events: readonly Event[];
  readonly moreBefore: boolean;
  /** Later events are there that this window does not hold: live ones are not added, or there would be a gap. */
  readonly moreAfter: boolean;
}

export const EMPTY_WINDOW: EventWindow = { events: [], moreBefore: false, moreAfter: false };

export function firstSeq(window: EventWindow): Seq | undefined {
  return window.events[0]?.seq;
}

export function lastSeq(window: EventWindow): Seq {
  return window.events.at(-1)?.seq ?? 0;
}

/** Both lists in order, each event once. */
function merge(a: readonly Event[], b: readonly Event[]): Event[] {
  const last = a.at(-1)?.seq ?? -1;
  const first = b[0]?.seq ?? Infinity;
  if (first > last && isInOrder(b)) return [...a, ...b];
  const bySeq = new Map<Seq, Event>();
  for (const event of a) bySeq.set(event.seq, event);
  for (const event of b) bySeq.set(event.seq, event);
  return [...bySeq.values()].sort((x, y) => x.seq - y.seq);
}

function isInOrder(events: readonly Event[]): boolean {
  return events.every((event, i) => i === 0 || (events[i - 1]?.seq ?? 0) < event.seq);
}

export function fromPage(page: EventPage): EventWindow {
  return { events: merge([], page.events), moreBefore: page.more_before, moreAfter: page.more_after };
}

/** Live events. Late, doubled and disordered ones find their place. */
export function withLive(window: EventWindow, events: readonly Event[]): EventWindow {
  if (window.moreAfter || events.length === 0) return window;
  const start = firstSeq(window);
  // What lies before a window that has earlier events outside would leave a gap behind it.
  const fitting = window.moreBefore && start !== undefined ? events.filter((event) => event.seq >= start) : events;
  const merged = merge(window.events, fitting);
  return merged.length === window.events.length ? window : { ...window, events: merged };
}

/** A page that was read from before this window's first event. */
export function withEarlier(window: EventWindow, page: EventPage): EventWindow {
  return { ...window, events: merge(page.events, window.events), moreBefore: page.more_before };
}

/** A page that was read from after this window's last event. */
export function withLater(window: EventWindow, page: EventPage): EventWindow {
  return { ...window, events: merge(window.events, page.events), moreAfter: page.more_after };
}

/** Lets go of what is too much, at the start. A list on screen takes growing and cutting as two changes, not as one. */
export function cutStart(window: EventWindow): EventWindow {
  if (window.events.length <= WINDOW_MAX) return window;
  return { ...window, events: window.events.slice(-CUT_TO), moreBefore: true };
}

/** The same at the end. */
export function cutEnd(window: EventWindow): EventWindow {
  if (window.events.length <= WINDOW_MAX) return window;
  return { ...window, events: window.events.slice(0, CUT_TO), moreAfter: true };
}

/** The latest page after something was missed: joined where it touches what is here, in its place where it does not. */
export function withResync(window: EventWindow, page: EventPage): EventWindow {
  const first = page.events[0]?.seq;
  const touches = first !== undefined && first <= lastSeq(window) && !window.moreAfter;
  if (touches || (first === undefined && window.events.length > 0)) return withLater(window, page);
  return fromPage(page);
}

/** Whether an event is here, or would be if the job had it. */
export function holds(window: EventWindow, seq: Seq): boolean {
  const first = firstSeq(window);
  if (first === undefined) return false;
  return (seq >= first || !window.moreBefore) && (seq <= lastSeq(window) || !window.moreAfter);
}

/** Two pages that touch: one from before an event, and one from it on. */
export function withAround(before: EventPage, after: EventPage): EventWindow {
  return {
    events: merge(before.events, after.events),
    moreBefore: before.more_before,
    moreAfter: after.more_after,
  };
}
