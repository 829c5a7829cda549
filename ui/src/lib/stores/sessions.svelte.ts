import { backend, type Fault } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import type { CompanyId, Session, SessionId } from '$lib/contract/types';
import { refreshed } from '$lib/state/pages';

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

  /** Reads the newest; what is on screen, and what was read below that, stays there. */
  async open(company: CompanyId | undefined): Promise<void> {
    const same = company === this.#company;
    if (!same) this.rows = [];
    this.#company = company;
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
      const page = await backend().call('session.list', {
        company: { company_id: this.#company },
        limit: PAGE,
        ...(what !== 'on' || this.#next === undefined ? {} : { before: this.#next }),
      });
      if (turn !== this.#turn) return;
      const before = what === 'again' ? this.rows : [];
      const { rows, whole } = refreshed(page.sessions, before, (row) => row.session_id, page.next !== undefined);
      this.rows = what === 'on' ? [...this.rows, ...page.sessions] : rows;
      if (whole) {
        this.#next = page.next;
        this.more = page.next !== undefined && this.rows.length < MAX_ROWS;
      }
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
