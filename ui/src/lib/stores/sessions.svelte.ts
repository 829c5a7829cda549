import { backend, type Fault } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import type { CompanyId, Session, SessionId } from '$lib/contract/types';

const PAGE = 50;
/** Rows kept in memory. */
const MAX_ROWS = 1000;

/** A company's sessions, newest first, read page by page. */
export class SessionsStore {
  rows = $state.raw<readonly Session[]>([]);
  fault = $state.raw<Fault>();
  loaded = $state(false);
  loading = $state(false);
  more = $state(false);
  #next: SessionId | undefined;
  #company: CompanyId | undefined;
  #turn = 0;

  /** Reads from the start; what is on screen stays there meanwhile. */
  async open(company: CompanyId | undefined): Promise<void> {
    if (company !== this.#company) this.rows = [];
    this.#company = company;
    this.#next = undefined;
    await this.#read(++this.#turn, []);
  }

  async loadMore(): Promise<void> {
    if (!this.more || this.loading || this.rows.length >= MAX_ROWS) return;
    await this.#read(this.#turn, this.rows);
  }

  async #read(turn: number, before: readonly Session[]): Promise<void> {
    if (this.#company === undefined) {
      this.loaded = true;
      return;
    }
    this.loading = true;
    try {
      const page = await backend().call('session.list', {
        company: { company_id: this.#company },
        limit: PAGE,
        ...(this.#next === undefined ? {} : { before: this.#next }),
      });
      if (turn !== this.#turn) return;
      this.rows = [...before, ...page.sessions];
      this.#next = page.next;
      this.more = page.next !== undefined && this.rows.length < MAX_ROWS;
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
