import { backend, type Fault } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import type { CompanyId, EntryId, JournalEntry } from '$lib/contract/types';
import { refreshed } from '$lib/state/pages';

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

  /** Reads the newest; what is on screen, and what was read below that, stays there. */
  async open(company: CompanyId | undefined, search: string): Promise<void> {
    const words = search.trim();
    if (company !== this.#company) this.rows = [];
    const same = company === this.#company && words === this.#search;
    this.#company = company;
    this.#search = words;
    await this.#read(++this.#turn, same ? 'again' : 'anew');
  }

  async loadMore(): Promise<void> {
    if (!this.more || this.loading || this.rows.length >= MAX_ROWS) return;
    await this.#read(this.#turn, 'on');
  }

  async #read(turn: number, what: 'anew' | 'again' | 'on'): Promise<void> {
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
        ...(what !== 'on' || this.#next === undefined ? {} : { before: this.#next }),
      });
      if (turn !== this.#turn) return;
      const before = what === 'again' ? this.rows : [];
      const { rows, whole } = refreshed(page.entries, before, (row) => row.entry_id, page.next !== undefined);
      this.rows = what === 'on' ? [...this.rows, ...page.entries] : rows;
      if (whole) {
        this.#next = page.next;
        this.more = page.next !== undefined && this.rows.length < MAX_ROWS;
      }
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
