import { backend, type Fault } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import type { CompanyId, DeskChange, Job, JobId, JobState, SessionId } from '$lib/contract/types';

const PAGE = 100;
/** Rows kept in memory; older ones are found by search or by number. */
const MAX_ROWS = 5000;

/** The list of jobs, newest first, read page by page and kept up to date. */
export class JobsStore {
  rows = $state.raw<readonly Job[]>([]);
  fault = $state.raw<Fault>();
  loaded = $state(false);
  loading = $state(false);
  #next: JobId | undefined;
  more = $state(false);
  #company: CompanyId | undefined;
  #states: readonly JobState[] = [];
  #session: SessionId | undefined;
  #turn = 0;

  listen(): () => void {
    return backend().on('desk.changed', (change) => this.#change(change));
  }

  async open(company: CompanyId | undefined, states: readonly JobState[], session?: SessionId): Promise<void> {
    this.#company = company;
    this.#session = session;
    this.#states = states;
    this.#next = undefined;
    const turn = ++this.#turn;
    this.loading = true;
    await this.#read(turn, []);
  }

  async loadMore(): Promise<void> {
    if (!this.more || this.loading || this.rows.length >= MAX_ROWS) return;
    this.loading = true;
    await this.#read(this.#turn, this.rows);
  }

  get full(): boolean {
    return this.rows.length >= MAX_ROWS;
  }

  async #read(turn: number, before: readonly Job[]): Promise<void> {
    try {
      const page = await backend().call('job.list', {
        states: [...this.#states],
        limit: PAGE,
        ...(this.#company === undefined ? {} : { company_id: this.#company }),
        ...(this.#session === undefined ? {} : { session_id: this.#session }),
        ...(this.#next === undefined ? {} : { before: this.#next }),
      });
      if (turn !== this.#turn) return;
      const oldest = before.at(-1)?.job_id ?? Infinity;
      this.rows = [...before, ...page.jobs.filter((job) => job.job_id < oldest)];
      this.#next = page.next;
      this.more = page.next !== undefined;
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

  #change(change: DeskChange): void {
    if (change.company_id !== this.#company) return;
    let rows = this.rows;
    for (const job of change.jobs) {
      const at = rows.findIndex((row) => row.job_id === job.job_id);
      const fits =
        (this.#states.length === 0 || this.#states.includes(job.state)) &&
        (this.#session === undefined || this.#session === job.session_id);
      const known = rows[at];
      if (known && known.seq > job.seq) continue;
      if (known) rows = fits ? rows.with(at, job) : rows.toSpliced(at, 1);
      else if (fits && job.job_id > (rows.at(-1)?.job_id ?? 0)) {
        const place = rows.findIndex((row) => row.job_id < job.job_id);
        rows = rows.toSpliced(place < 0 ? rows.length : place, 0, job);
      }
    }
    this.rows = rows;
  }
}
