import { backend, type Fault } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import type { EventHit, JobId, Seq } from '$lib/contract/types';

const PAGE = 50;
/** Shorter words are in everything. */
const SHORTEST = 2;
const AFTER_MS = 140;

/** A search within one job: the latest hit first, and on from there to earlier ones. */
export class FindStore {
  query = $state('');
  hits = $state.raw<readonly EventHit[]>([]);
  /** Whether there are earlier hits than those. */
  more = $state(false);
  /** Which of the hits is shown; none before the first. */
  at = $state(-1);
  searching = $state(false);
  /** What the hits are hits of. */
  found = $state('');
  fault = $state.raw<Fault>();
  readonly current = $derived(this.hits[this.at]);
  readonly #jobId: JobId;
  #next: Seq | undefined;
  #turn = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(jobId: JobId) {
    this.#jobId = jobId;
  }

  /** What is typed. It is looked for once nothing more was typed for a moment. */
  type(text: string): void {
    this.query = text;
    clearTimeout(this.#timer);
    if (text.trim().length < SHORTEST) {
      this.#turn += 1;
      this.hits = [];
      this.more = false;
      this.at = -1;
      this.found = '';
      this.fault = undefined;
      this.searching = false;
      return;
    }
    this.searching = true;
    this.#timer = setTimeout(() => void this.#search(), AFTER_MS);
  }

  /** To the next earlier hit; after the earliest, to the latest again. */
  async earlier(): Promise<void> {
    if (this.query.trim() !== this.found) return this.#search();
    if (this.at >= this.hits.length - 1 && this.more) {
      // Whoever holds the key asks again before the page is here.
      if (this.searching) return;
      const turn = this.#turn;
      await this.#read(turn);
      if (turn !== this.#turn) return;
    }
    if (this.hits.length > 0) this.at = (this.at + 1) % this.hits.length;
  }

  /** To the next later hit; after the latest, to the earliest that is known. */
  later(): void {
    if (this.hits.length > 0) this.at = (this.at <= 0 ? this.hits.length : this.at) - 1;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#turn += 1;
  }

  async #search(): Promise<void> {
    clearTimeout(this.#timer);
    const query = this.query.trim();
    if (query.length < SHORTEST) return;
    const turn = ++this.#turn;
    this.#next = undefined;
    this.searching = true;
    await this.#read(turn);
    if (turn !== this.#turn) return;
    this.at = this.hits.length > 0 ? 0 : -1;
  }

  async #read(turn: number): Promise<void> {
    const query = this.query.trim();
    const next = this.#next;
    this.searching = true;
    try {
      const page = await backend().call('event.search', {
        query,
        job_id: this.#jobId,
        limit: PAGE,
        ...(next === undefined ? {} : { before: next }),
      });
      if (turn !== this.#turn) return;
      this.hits = next === undefined ? page.hits : [...this.hits, ...page.hits];
      this.#next = page.next;
      this.more = page.next !== undefined;
      this.found = query;
      this.fault = undefined;
    } catch (thrown) {
      if (turn !== this.#turn) return;
      this.fault = asFault(thrown);
      if (next === undefined) this.hits = [];
    } finally {
      if (turn === this.#turn) this.searching = false;
    }
  }
}
