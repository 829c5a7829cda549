import { backend, type Fault } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import type { CompanyId, EventHit, Seq } from '$lib/contract/types';

const PAGE = 50;
const MAX_HITS = 5000;
const TYPING_MS = 120;

/** Where words occur in everything that was said and done, newest first. */
export class HitsStore {
  hits = $state.raw<readonly EventHit[]>([]);
  /** What the hits are for: they stay on screen while others are looked for. */
  words = $state('');
  fault = $state.raw<Fault>();
  loading = $state(false);
  more = $state(false);
  #next: Seq | undefined;
  #company: CompanyId | undefined;
  #turn = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Looks for these words once nobody types any more. */
  ask(words: string, company: CompanyId | undefined): void {
    clearTimeout(this.#timer);
    const turn = ++this.#turn;
    this.#company = company;
    if (words === '') {
      this.hits = [];
      this.words = '';
      this.more = false;
      this.loading = false;
      this.fault = undefined;
      return;
    }
    this.loading = true;
    this.#timer = setTimeout(() => {
      this.#next = undefined;
      void this.#read(turn, words, []);
    }, TYPING_MS);
  }

  async loadMore(): Promise<void> {
    if (!this.more || this.loading || this.hits.length >= MAX_HITS) return;
    this.loading = true;
    await this.#read(this.#turn, this.words, this.hits);
  }

  stop(): void {
    clearTimeout(this.#timer);
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
