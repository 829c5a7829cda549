import type { Money, Span, Time } from '$lib/contract/types';

/** What was done in a delegation, with what was handed on in it: known without reading any of its events. */
export interface Inside {
  readonly turns: number;
  readonly calls: number;
  /** Delegations within it. */
  readonly handed: number;
  /** Of the model calls that ended. */
  readonly cost: Money;
  /** To whom it was handed on and who is at work on it right now, each once. */
  readonly atWork: readonly string[];
}

interface Sum {
  readonly began: Time;
  turns: number;
  calls: number;
  handed: number;
  cost: Money;
  readonly atWork: Set<string>;
}

/** A delegation that names itself as its own parent must not hold the page up. */
const MAX_ANCESTORS = 16;

/** Sums of a job's delegations. Of one whose own span is not here, nothing is known. */
export class Insides {
  readonly #sums = new Map<string, Sum>();

  constructor(spans: readonly Span[]) {
    const parents = new Map<string, string | undefined>();
    /** Who has handed on what they were given, and waits for it. */
    const waiting = new Set<string>();
    for (const span of spans) {
      if (span.kind !== 'delegation') continue;
      parents.set(span.span, span.parent);
      this.#sums.set(span.span, { began: span.started_at, turns: 0, calls: 0, handed: 0, cost: 0, atWork: new Set() });
      if (span.parent !== undefined && span.finished_at === undefined) waiting.add(span.parent);
    }
    for (const span of spans) {
      let parent = span.parent;
      for (let deep = 0; parent !== undefined && deep < MAX_ANCESTORS; deep += 1) {
        const sum = this.#sums.get(parent);
        if (sum) add(sum, span, waiting);
        parent = parents.get(parent);
      }
    }
  }

  /** `key` is the delegation's as rows have it, by run and name; `began` tells those of two runs apart. */
  of(key: string, began?: Time): Inside | undefined {
    const sum = this.#sums.get(key.slice(key.indexOf('/') + 1));
    if (!sum || (began !== undefined && sum.began !== began)) return undefined;
    return { ...sum, atWork: [...sum.atWork] };
  }
}

function add(sum: Sum, span: Span, waiting: ReadonlySet<string>): void {
  if (span.kind === 'tool') sum.calls += 1;
  else if (span.kind === 'turn') {
    sum.turns += 1;
    sum.cost += span.cost_usd;
  } else {
    sum.handed += 1;
    if (span.finished_at === undefined && !waiting.has(span.span)) sum.atWork.add(span.agent);
  }
}
