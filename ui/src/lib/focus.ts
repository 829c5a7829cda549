/**
 * Keeps the focus on the page. Where what has it goes, with its screen, its question or its row, the browser gives it
 * to nobody: whoever works with the keyboard, or hears the page, would begin at its start again.
 */

/** What Tab stops at. */
const STOPS = 'a[href], button:not(:disabled), input:not(:disabled), select, textarea:not(:disabled), [tabindex]'; // not words
const FIELDS = 'textarea:not(:disabled), input:not(:disabled):not([type=checkbox]):not([type=radio])';
/** Frames that a screen which is fetched, and then read, may take until it is there. */
const FRAMES = 90;

let seen: HTMLElement | undefined;
/** What is around it, from the inside to the outside. */
let around: Element[] = [];
let turn = 0;

const watch = new MutationObserver((records) => {
  if (!seen || seen.isConnected || hasFocus()) return;
  const gone = around.findIndex((element) => element.isConnected);
  const parent = around[gone];
  const child = gone > 0 ? around[gone - 1] : seen;
  const record = records.findLast((row) => row.target === parent && [...row.removedNodes].includes(child as Node));
  const next = record ? elementAfter(record.nextSibling) : undefined;
  const main = document.querySelector('main');
  seen = undefined;
  // A click that makes something go asks for nothing: no field opens a keyboard, no ring comes up for it by :focus-visible.
  if (next && main?.contains(next) && parent !== main) land(next);
  else if (main) landOnScreen(main);
});

function hasFocus(): boolean {
  const active = document.activeElement;
  return active !== null && active !== document.body && active !== document.documentElement;
}

function elementAfter(node: Node | null): HTMLElement | undefined {
  for (let at = node; at; at = at.nextSibling)
    if (at instanceof HTMLElement && (at.matches(STOPS) || at.querySelector(STOPS))) return at;
  return undefined;
}

/** Never on a button: whoever presses Enter twice would press it. */
function land(element: HTMLElement): void {
  const first = element.matches(STOPS) ? element : element.querySelector<HTMLElement>(STOPS);
  const to = first?.matches(FIELDS) ? first : element;
  if (to === element && !element.hasAttribute('tabindex') && !element.matches(STOPS)) element.tabIndex = -1;
  to.focus({ preventScroll: true });
}

/** On a screen's list, once there is one, else on its title. */
function landOnScreen(main: Element): void {
  const mine = ++turn;
  let title: HTMLElement | undefined;
  const look = (frames: number) => {
    if (mine !== turn || (hasFocus() && document.activeElement !== title)) return;
    const list = main.querySelector<HTMLElement>('[data-land]');
    if (list) {
      list.focus({ preventScroll: true });
      return;
    }
    const heading = main.querySelector<HTMLElement>('h1');
    if (heading && heading !== title) {
      heading.tabIndex = -1;
      heading.focus({ preventScroll: true });
      title = heading;
    }
    if (frames > 0) requestAnimationFrame(() => look(frames - 1));
  };
  requestAnimationFrame(() => look(FRAMES));
}

function remember(event: FocusEvent): void {
  watch.disconnect();
  seen = event.target instanceof HTMLElement ? event.target : undefined;
  around = [];
  for (let at = seen?.parentElement; at; at = at.parentElement) {
    around.push(at);
    watch.observe(at, { childList: true });
  }
}

/** From now on, until the result is called. */
export function keepFocus(): () => void {
  document.addEventListener('focusin', remember);
  return () => {
    document.removeEventListener('focusin', remember);
    watch.disconnect();
    seen = undefined;
  };
}
