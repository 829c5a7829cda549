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
