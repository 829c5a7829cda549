import { tick } from 'svelte';
import { backend, type Fault } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import type { JobId, RunId } from '$lib/contract/types';
import { chunkOf, linesOf, withNext, withPrevious, type RawChunk } from '$lib/state/raw-window';

interface Start {
  readonly from: number;
  readonly first: number;
}

/** What an engine's program wrote in a job's latest run, as it came: a window on it that is read page by page. */
export class RawStore {
  chunks = $state.raw<readonly RawChunk[]>([]);
  fault = $state.raw<Fault>();
  loaded = $state(false);
  loading = $state(false);
  /** Whether there are lines after those that are here. */
  more = $state(false);
  runId = $state<RunId>();
  /** Whether the last change was at the start: the list then keeps its place from the end. */
  shifted = $state(false);
  /** On its way to the last line. */
  seeking = $state(false);
  readonly lines = $derived(linesOf(this.chunks));
  readonly #jobId: JobId;
  /** Where pages began that were read, in order: what was let go of is read again from there. */
  #starts: Start[] = [];
  #next: Start = { from: 0, first: 1 };
  #closed = false;

  constructor(jobId: JobId) {
    this.#jobId = jobId;
  }

  close(): void {
    this.#closed = true;
    this.seeking = false;
  }

  get moreBefore(): boolean {
    return (this.chunks[0]?.from ?? 0) > 0;
  }

  /** The page after the last one here. What came since is read by it, too. */
  async readOn(): Promise<void> {
    if (this.loading || this.#closed) return;
    this.loading = true;
    try {
      await this.#readNext();
    } finally {
      this.loading = false;
      this.loaded = true;
    }
  }

  /** The page before the first one here, which was here before. */
  async readBack(): Promise<void> {
    const first = this.chunks[0];
    if (!first || first.from === 0 || this.loading || this.#closed) return;
    const start = this.#starts.findLast((row) => row.from < first.from);
    if (!start) return;
    this.loading = true;
    try {
      const page = await this.#page(start.from);
      if (!page) return;
      const last = this.chunks.at(-1);
      this.shifted = true;
      this.chunks = withPrevious(this.chunks, chunkOf(page, start.from, start.first));
      // What went at the end comes again when one scrolls there.
      const end = this.chunks.at(-1);
      if (end && last && end.from !== last.from) {
        this.#next = this.#starts.find((row) => row.from > end.from) ?? this.#next;
        this.more = true;
      }
      await tick();
      this.shifted = false;
    } finally {
      this.loading = false;
    }
  }

  /** Reads until nothing more is there, or until told to stop. */
  async toEnd(): Promise<void> {
    if (this.seeking) return;
    this.seeking = true;
    try {
      while (this.seeking && this.more && !this.#closed && !this.fault) await this.readOn();
    } finally {
      this.seeking = false;
    }
  }

  async #readNext(): Promise<void> {
    const start = this.#next;
    const page = await this.#page(start.from);
    if (!page) return;
    this.more = page.more && page.next > start.from;
    if (page.lines.length === 0) return;
    if (!this.#starts.some((row) => row.from === start.from)) this.#starts.push(start);
    this.#next = { from: page.next, first: start.first + page.lines.length };
    const before = this.chunks[0];
    const chunks = withNext(this.chunks, chunkOf(page, start.from, start.first));
    if (before && chunks[0] !== before) {
      // A list on screen takes growing and cutting as two changes, not as one.
      this.shifted = false;
      this.chunks = [...this.chunks, ...chunks.slice(-1)];
      await tick();
      this.shifted = true;
      this.chunks = chunks;
      await tick();
      this.shifted = false;
    } else this.chunks = chunks;
  }

  async #page(from: number) {
    try {
      const page = await backend().call('job.raw', {
        job_id: this.#jobId,
        from,
        ...(this.runId === undefined ? {} : { run_id: this.runId }),
      });
      if (this.#closed) return undefined;
      this.runId ??= page.run_id;
      this.fault = undefined;
      return page;
    } catch (thrown) {
      if (!this.#closed) this.fault = asFault(thrown);
      return undefined;
    }
  }
}
