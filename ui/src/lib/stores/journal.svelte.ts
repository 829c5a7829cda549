import { backend, type Fault } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import type { CompanyId, EntryId, JournalEntry } from '$lib/contract/types';

const PAGE = 50;
/** Entries kept in memory; older ones are found by search. */
const MAX_ROWS = 1000;

/** A company's journal, newest first, read page by page. */
export class JournalStore {
  rows = $state.raw<readonly JournalEntry[]>([]);
  fault = $state.raw<Fault>();
  loaded = $state(false);
  loading = $state(false);
  more = $state(false);
  /** What the rows were searched for. */
  found = $state('');
  #next: EntryId | undefined;
  #company: CompanyId | undefined;
  #search = '';
  #turn = 0;

  /** Reads from the start; what is on screen stays there meanwhile. */
  async open(company: CompanyId | undefined, search: string): Promise<void> {
    if (company !== this.#company) this.rows = [];
    this.#company = company;
    this.#search = search.trim();
    this.#next = undefined;
    await this.#read(++this.#turn, []);
  }

  async loadMore(): Promise<void> {
    if (!this.more || this.loading || this.rows.length >= MAX_ROWS) return;
    await this.#read(this.#turn, this.rows);
  }

  async #read(turn: number, before: readonly JournalEntry[]): Promise<void> {
    if (this.#company === undefined) {
      this.loaded = true;
      return;
    }
    this.loading = true;
    try {
      const page = await backend().call('journal.list', {
        company: { company_id: this.#company },
        limit: PAGE,
        ...(this.#search === '' ? {} : { search: this.#search }),
        ...(this.#next === undefined ? {} : { before: this.#next }),
      });
      if (turn !== this.#turn) return;
      this.rows = [...before, ...page.entries];
      this.#next = page.next;
      this.more = page.next !== undefined && this.rows.length < MAX_ROWS;
      this.found = this.#search;
      this.fault = undefined;
    } catch (thrown) {
      if (turn === this.#turn) this.fault = asFault(thrown);
    } finally {
      if (turn === this.#turn) {
        this.loading = false;
        this.loaded = true;
      }
    }
  }
}
