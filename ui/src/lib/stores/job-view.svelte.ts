import { filterQuery, type JobFilter } from '$lib/state/job-filter';

const KEPT = 'jobs.filter';

/** What the list of jobs showed last: it comes back as it was left, also after a restart. */
class JobView {
  /** The filter as it stands in the address. */
  query = $state(localStorage.getItem(KEPT) ?? '');
  /** Where the list was left. */
  place: { asked: string; offset: number; rows: number; cursor: number | undefined } | undefined;

  /** How often the search was asked for, as far as it was answered. */
  sought = 0;

  keep(filter: JobFilter): void {
    // What was searched for once is not what is wanted the next day.
    const { session: _, ...rest } = filter;
    this.query = filterQuery({ ...rest, words: '' });
    localStorage.setItem(KEPT, this.query);
  }
}

export const jobView = new JobView();
