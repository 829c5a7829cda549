import type { Delta, Event } from '$lib/contract/types';

/** The streaming end of a message that is not stored yet, and may never be. */
export interface Tail {
  readonly agent: string;
  readonly parent: string | undefined;
  readonly text: string;
}

const MAX_TAILS = 16;
const MAX_CHARS = 16 * 1024;

function same(tail: Tail, agent: string, parent: string | undefined): boolean {
  return tail.agent === agent && tail.parent === parent;
}

export function withDelta(tails: readonly Tail[], delta: Delta): readonly Tail[] {
  const known = tails.find((tail) => same(tail, delta.agent, delta.parent));
  const text = ((known?.text ?? '') + delta.text).slice(-MAX_CHARS);
  const tail = { agent: delta.agent, parent: delta.parent, text };
  const rest = tails.filter((row) => row !== known);
  return [...rest, tail].slice(-MAX_TAILS);
}

/** What is stored now is no tail any more. */
export function withoutStored(tails: readonly Tail[], events: readonly Event[]): readonly Tail[] {
  if (tails.length === 0) return tails;
  let left = tails;
  for (const event of events) {
    if (event.kind === 'run_exited') return [];
    if (
      event.kind === 'message' ||
      event.kind === 'tool_started' ||
      event.kind === 'delegation_started' ||
      event.kind === 'usage' ||
      // A wait is the end of a call that will be made again, from its beginning.
      event.kind === 'waiting' ||
      event.kind === 'error'
    )
      left = left.filter((tail) => !same(tail, event.agent, event.parent));
  }
  return left;
}

/** The end of a stored message of each speaker whose pieces had not come when the message had. */
export type Late = ReadonlyMap<string, string>;

export const NOTHING_LATE: Late = new Map();

function speaker(agent: string, parent: string | undefined): string {
  return `${agent}/${parent ?? ''}`;
}

/**
 * Pieces are sent after a short pause, and an event is not: the last piece of a message may come after the message.
 * Told before `withoutStored`, which lets the tails go.
 */
export function withLate(late: Late, tails: readonly Tail[], events: readonly Event[]): Late {
  let next = late;
  let left = tails;
  for (const event of events) {
    if (event.kind !== 'message') continue;
    const id = speaker(event.agent, event.parent);
    const begun = left.find((tail) => same(tail, event.agent, event.parent));
    left = left.filter((tail) => tail !== begun);
    const said = begun?.text.trimStart() ?? '';
    const at = event.text.lastIndexOf(said, said === '' ? 0 : undefined);
    // What is late already was said before it.
    const before = begun ? '' : (next.get(id) ?? '');
    const rest = at < 0 ? '' : before + event.text.slice(at + said.length);
    const changed = new Map(next);
    changed.delete(id);
    if (rest !== '' && rest.length <= MAX_CHARS) changed.set(id, rest);
    next = new Map([...changed].slice(-MAX_TAILS));
  }
  return next;
}

/** The last message of each speaker: what is told of them at first, when a job is opened, may be an end of it. */
export function lastSaid(events: readonly Event[]): Late {
  const said = new Map<string, string>();
  for (const event of events) {
    if (event.kind !== 'message') continue;
    const id = speaker(event.agent, event.parent);
    said.delete(id);
    said.set(id, event.text.slice(-MAX_CHARS));
  }
  return new Map([...said].slice(-MAX_TAILS));
}

/** What is left of a first piece without the end of a message that is stored. */
export function withoutSaid(said: Late, delta: Delta): { said: Late; text: string } {
  const id = speaker(delta.agent, delta.parent);
  const last = said.get(id);
  if (last === undefined) return { said, text: delta.text };
  const next = new Map(said);
  next.delete(id);
  let end = Math.min(last.length, delta.text.length);
  while (end > 0 && !last.endsWith(delta.text.slice(0, end))) end -= 1;
  return { said: next, text: delta.text.slice(end) };
}

/** What of a piece is new: nothing of a message that is stored. And what is late after it. */
export function withoutLate(late: Late, delta: Delta): { late: Late; text: string } {
  const id = speaker(delta.agent, delta.parent);
  const rest = late.get(id);
  if (rest === undefined || delta.text === '') return { late, text: delta.text };
  const next = new Map(late);
  next.delete(id);
  if (rest.startsWith(delta.text)) {
    if (rest !== delta.text) next.set(id, rest.slice(delta.text.length));
    return { late: next, text: '' };
  }
  if (!delta.text.startsWith(rest)) return { late: next, text: delta.text };
  const text = delta.text.slice(rest.length);
  return { late: next, text: text.trim() === '' ? '' : text };
}
