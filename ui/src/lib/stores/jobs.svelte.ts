import { backend, type Fault, type Result } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import type { CompanyId, DeskChange, Job, JobId, JobListParams } from '$lib/contract/types';
import { joined, listParams, NO_FILTER, placed, type JobFilter } from '$lib/state/job-filter';
import { clock } from './clock.svelte';

const PAGE = 100;
/** Rows that the list is opened with: what is in view, on large screens too. */
const FIRST_PAGE = 50;
/** Rows at a time where all of them are wanted. */
const LARGE_PAGE = 500;
/** Rows kept in memory; older ones are found by search, by date or by number. */
const MAX_ROWS = 20_000;
/** How long pages of other companies, whose changes nobody tells, stand before they are read again. */
const AGAIN_MS = 15_000;

/** The list of jobs, read page by page and kept up to date. */
export class JobsStore {
  rows = $state.raw<readonly Job[]>([]);
  fault = $state.raw<Fault>();
  loaded = $state(false);
  loading = $state(false);
  more = $state(false);
  #next: JobId | undefined;
  #asked: JobListParams = listParams(NO_FILTER, undefined);
  /** The company whose changes are told. */
  #heard: CompanyId | undefined;
  #turn = 0;
  /** What changed while a page was on its way: the page may be older. */
  #meanwhile: readonly Job[] = [];

  /** Hears of changes of the company at hand, which is the one that is subscribed to. */
  listen(): () => void {
    const end = backend().on('desk.changed', (change) => this.#change(change));
    const timer = setInterval(() => {
      if (!document.hidden && this.#heard !== undefined && this.#asked.company_id !== this.#heard) void this.refresh();
    }, AGAIN_MS);
    return () => {
      end();
      clearInterval(timer);
    };
  }

  /** Reads from the start. What is on screen stays there until the new rows are here. */
  async open(filter: JobFilter, company: CompanyId | undefined, first = FIRST_PAGE): Promise<void> {
    this.#asked = listParams(filter, company);
    this.#heard = company;
    this.#next = undefined;
    const turn = ++this.#turn;
    this.loading = true;
    await this.#read(turn, false, Math.min(LARGE_PAGE, Math.max(FIRST_PAGE, first)));
  }

  /** Reads as many rows as there are anew, after the daemon was away; they stay on screen until then. */
  async again(): Promise<void> {
    const wanted = this.rows.length;
    const turn = ++this.#turn;
    this.loading = true;
    this.#meanwhile = [];
    let rows: readonly Job[] = [];
    let next: JobId | undefined;
    const part = () => Math.min(LARGE_PAGE, Math.max(PAGE, wanted - rows.length));
    try {
      let more = true;
      while (more && (rows.length === 0 || rows.length < wanted)) {
        const page = await this.#page(rows.length, next, part());
        if (turn !== this.#turn) return;
        rows = joined(rows, page.jobs);
        next = page.next;
        more = page.next !== undefined && page.jobs.length > 0;
      }
      this.#next = next;
      this.#take(rows, more);
    } catch (thrown) {
      if (turn === this.#turn) this.fault = asFault(thrown);
    } finally {
      this.#ended(turn);
    }
  }

  async loadMore(size = PAGE): Promise<void> {
    if (!this.more || this.loading || this.full) return;
    this.loading = true;
    await this.#read(this.#turn, true, size);
  }

  /** Reads all there are, as far as they are kept. False where that failed, or something else was asked for meanwhile. */
  async loadAll(): Promise<boolean> {
    const turn = this.#turn;
    while (this.more && !this.full && turn === this.#turn && !this.fault) {
      if (this.loading) await new Promise((done) => setTimeout(done, 20));
      else await this.loadMore(LARGE_PAGE);
    }
    return turn === this.#turn && !this.fault;
  }

  /** Reads the first rows again, in place. */
  async refresh(): Promise<void> {
    if (this.loading) return;
    const turn = this.#turn;
    try {
      const page = await backend().call('job.list', { ...this.#asked, limit: PAGE });
      if (turn !== this.#turn) return;
      let rows = this.rows;
      for (const job of page.jobs) rows = placed(rows, job, this.#asked, this.more, clock.now);
      this.rows = rows;
      this.fault = undefined;
    } catch (thrown) {
      if (turn === this.#turn) this.fault = asFault(thrown);
    }
  }

  /** Jobs that are gone for good. */
  forget(ids: ReadonlySet<JobId>): void {
    this.rows = this.rows.filter((job) => !ids.has(job.job_id));
  }

  get full(): boolean {
    return this.rows.length >= MAX_ROWS;
  }

  /** `on`: below the rows that are here. */
  async #read(turn: number, on: boolean, limit: number): Promise<void> {
    this.#meanwhile = [];
    try {
      const page = await this.#page(on ? this.rows.length : 0, this.#next, limit);
      if (turn !== this.#turn) return;
      this.#next = page.next;
      this.#take(joined(on ? this.rows : [], page.jobs), page.next !== undefined && page.jobs.length > 0);
    } catch (thrown) {
      if (turn === this.#turn) this.fault = asFault(thrown);
    } finally {
      this.#ended(turn);
    }
  }

  #page(offset: number, before: JobId | undefined, limit: number): Promise<Result<'job.list'>> {
    const from = this.#asked.sort !== 'newest' ? { offset } : before === undefined ? {} : { before };
    return backend().call('job.list', { ...this.#asked, limit, ...from });
  }

  #take(rows: readonly Job[], more: boolean): void {
    this.more = more;
    for (const job of this.#meanwhile) rows = placed(rows, job, this.#asked, more, clock.now);
    this.rows = rows;
    this.fault = undefined;
  }

  #ended(turn: number): void {
    if (turn !== this.#turn) return;
    this.loading = false;
    this.loaded = true;
  }

  #change(change: DeskChange): void {
    if (this.#asked.company_id !== undefined && change.company_id !== this.#asked.company_id) return;
    let rows = this.rows;
    for (const job of change.jobs) {
      rows = placed(rows, job, this.#asked, this.more, clock.now);
      if (this.loading) this.#meanwhile = [...this.#meanwhile.filter((row) => row.job_id !== job.job_id), job];
    }
    this.rows = rows;
  }
}
