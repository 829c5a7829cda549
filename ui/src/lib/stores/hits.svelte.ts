import { backend, type Fault } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import type { CompanyId, EventHit, Seq } from '$lib/contract/types';

const PAGE = 50;
const MAX_HITS = 5000;

/** Where words occur in everything that was said and done, newest first. */
export class HitsStore {
  hits = $state.raw<readonly EventHit[]>([]);
  /** What the hits are for: they stay on screen while others are looked for. */
  words = $state('');
  fault = $state.raw<Fault>();
  loading = $state(false);
  more = $state(false);
  /** How long the daemon took to find the first of them. */
  took = $state(0);
  #next: Seq | undefined;
  #company: CompanyId | undefined;
  #turn = 0;
  /** Words that wait for the answer under way: while one types, the daemon is asked one thing at a time. */
  #wanted: string | undefined;
  #asking = false;

  /** Looks for these words at once, or as soon as the answer under way is here. */
  ask(words: string, company: CompanyId | undefined): void {
    this.#turn += 1;
    this.#company = company;
    this.#wanted = words === '' ? undefined : words;
    if (words === '') {
      this.hits = [];
      this.words = '';
      this.more = false;
      this.loading = false;
      this.fault = undefined;
      return;
    }
    this.loading = true;
    if (!this.#asking) void this.#answer();
  }

  async #answer(): Promise<void> {
    this.#asking = true;
    while (this.#wanted !== undefined) {
      const words = this.#wanted;
      this.#wanted = undefined;
      this.#next = undefined;
      const turn = this.#turn;
      const from = performance.now();
      await this.#read(turn, words, []);
      if (turn === this.#turn) this.took = performance.now() - from;
    }
    this.#asking = false;
  }

  async loadMore(): Promise<void> {
    if (!this.more || this.loading || this.hits.length >= MAX_HITS) return;
    this.loading = true;
    await this.#read(this.#turn, this.words, this.hits);
  }

  stop(): void {
    this.#wanted = undefined;
    this.#turn += 1;
  }

  async #read(turn: number, words: string, before: readonly EventHit[]): Promise<void> {
    try {
      const page = await backend().call('event.search', {
        query: words,
        limit: PAGE,
        ...(this.#company === undefined ? {} : { company_id: this.#company }),
        ...(this.#next === undefined ? {} : { before: this.#next }),
      });
      if (turn !== this.#turn) return;
      this.hits = [...before, ...page.hits];
      this.words = words;
      this.#next = page.next;
      this.more = page.next !== undefined && this.hits.length < MAX_HITS;
      this.fault = undefined;
    } catch (thrown) {
      if (turn === this.#turn) this.fault = asFault(thrown);
    } finally {
      if (turn === this.#turn) this.loading = false;
    }
  }
}
