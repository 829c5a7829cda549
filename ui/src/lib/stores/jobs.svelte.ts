import { backend, type Fault } from '$lib/backend/backend';
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
    await this.#read(turn, [], Math.min(LARGE_PAGE, Math.max(FIRST_PAGE, first)));
  }

  async loadMore(size = PAGE): Promise<void> {
    if (!this.more || this.loading || this.full) return;
    this.loading = true;
    await this.#read(this.#turn, this.rows, size);
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

  async #read(turn: number, before: readonly Job[], limit: number): Promise<void> {
    const newest = this.#asked.sort === 'newest';
    try {
      const page = await backend().call('job.list', {
        ...this.#asked,
        limit,
        ...(newest ? (this.#next === undefined ? {} : { before: this.#next }) : { offset: before.length }),
      });
      if (turn !== this.#turn) return;
      this.rows = joined(before, page.jobs);
      this.#next = page.next;
      this.more = page.next !== undefined && page.jobs.length > 0;
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
    if (this.#asked.company_id !== undefined && change.company_id !== this.#asked.company_id) return;
    let rows = this.rows;
    for (const job of change.jobs) rows = placed(rows, job, this.#asked, this.more, clock.now);
    this.rows = rows;
  }
}
