/*
 * What a page hands to the one that takes its place where it is loaded anew, for another language for example: where the
 * founder was, and what they had begun to write. It is of this window alone, and read once.
 */
const KEPT = 'handed-on';
/** How long what is read anew may take to be as long as it was. */
const PATIENCE_MS = 3000;
/** So many places that were scrolled are kept. */
const MAX_PLACES = 20;

type Handed = Record<string, unknown>;

interface Place {
  readonly focus: string;
  readonly tops: readonly (readonly [path: string, top: number])[];
}

function take(): Handed | undefined {
  const text = sessionStorage.getItem(KEPT);
  if (text === null) return undefined;
  sessionStorage.removeItem(KEPT);
  try {
    const handed: unknown = JSON.parse(text);
    return typeof handed === 'object' && handed !== null ? (handed as Handed) : undefined;
  } catch {
    return undefined;
  }
}

const before = take();
const readers = new Map<string, () => unknown>();

/** Whether this page took the place of another one. */
export const isAnew = before !== undefined;

/** Says what is to be handed on under that name, as JSON has it; returns what ends that. */
export function handOn(name: string, read: () => unknown): () => void {
  readers.set(name, read);
  return () => {
    if (readers.get(name) === read) readers.delete(name);
  };
}

/** What the page before handed on under that name. Anybody may have written it. */
export function handedOn(name: string): unknown {
  return before?.[name];
}

/** Where something is in the page: its places among its siblings, from the body on. */
function pathOf(element: Element): string {
  const path: number[] = [];
  for (let at = element; at.parentElement && at !== document.body; at = at.parentElement)
    path.unshift([...at.parentElement.children].indexOf(at));
  return path.join(' ');
}

function elementAt(path: string): Element | undefined {
  let at: Element | undefined = document.body;
  for (const part of path.split(' ')) at = at?.children[Number(part)];
  return at;
}

function place(): Place {
  const scrolled = [...document.querySelectorAll('*')].filter((element) => element.scrollTop > 0);
  return {
    focus: document.activeElement?.id ?? '',
    tops: scrolled.slice(0, MAX_PLACES).map((element) => [pathOf(element), element.scrollTop]),
  };
}

function isPlace(value: unknown): value is Place {
  if (typeof value !== 'object' || value === null) return false;
  const { focus, tops } = value as Partial<Place>;
  return typeof focus === 'string' && Array.isArray(tops);
}

/** Loads the page anew, and hands on what there is to hand on. */
export function loadAnew(): void {
  const handed: Handed = { place: place() };
  for (const [name, read] of readers) handed[name] = read();
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(handed));
  } catch {
    // Too much for what a page may keep: the place alone.
    sessionStorage.setItem(KEPT, JSON.stringify({ place: handed['place'] }));
  }
  location.reload();
}

/** Goes back to where the page before was, as soon as that is there again; what the founder does meanwhile ends it. */
export function comeBack(): void {
  const was = before?.['place'];
  if (!isPlace(was)) return;
  const until = performance.now() + PATIENCE_MS;
  let { focus, tops } = was;
  const own = new AbortController();
  for (const act of ['wheel', 'pointerdown', 'keydown'])
    addEventListener(act, () => own.abort(), { capture: true, passive: true, once: true, signal: own.signal });

  const look = (): void => {
    if (own.signal.aborted) return;
    const field = focus === '' ? null : document.getElementById(focus);
    if (field && document.activeElement === document.body) field.focus({ preventScroll: true });
    if (field) focus = '';
    tops = tops.filter(([path, top]) => {
      const element = elementAt(path);
      if (!element || element.scrollHeight - element.clientHeight < top) return true;
      element.scrollTop = top;
      return false;
    });
    if ((focus === '' && tops.length === 0) || performance.now() > until) own.abort();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}
