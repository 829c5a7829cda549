import type { CompanyId, Job, JobListParams, JobSort, JobState, SessionId, Time } from '$lib/contract/types';
import { m } from '$lib/paraglide/messages';

/** Which jobs are listed, and in which order. It stands in the address, so that Back and a restart keep it. */
export interface JobFilter {
  /** In these states; empty for all. */
  readonly states: readonly JobState[];
  /** Of one company; none for the one at hand. */
  readonly company?: CompanyId | 'all' | undefined;
  readonly session?: SessionId | undefined;
  /** The role that they were sent to. */
  readonly agent?: string | undefined;
  /** By its name in configs ("acp:gemini"). */
  readonly engine?: string | undefined;
  /** The first day, as "2026-11-20". */
  readonly from?: string | undefined;
  /** The last day. */
  readonly to?: string | undefined;
  readonly sort: JobSort;
  /** What is searched for in everything that was said and done. */
  readonly words: string;
}

export const NO_FILTER: JobFilter = { states: [], sort: 'newest', words: '' };

export const LIVE_STATES: readonly JobState[] = ['running', 'waiting', 'retrying', 'queued', 'scheduled', 'blocked'];
const STATES = new Set<string>([...LIVE_STATES, 'completed', 'failed', 'cancelled']);
export const SORTS: readonly { readonly value: JobSort; readonly label: string }[] = [
  { value: 'newest', label: m.jobs_sort_newest() },
  { value: 'oldest', label: m.jobs_sort_oldest() },
  { value: 'cost', label: m.jobs_sort_cost() },
  { value: 'duration', label: m.jobs_sort_duration() },
];
const MAX_WORDS = 200;

/** The first millisecond of a day that is written as "2026-11-20", in the founder's own time; none where it is no day. */
export function dayAt(day: string | undefined, after = 0): Time | undefined {
  const found = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day ?? '');
  if (!found) return undefined;
  const [year, month, date] = found.slice(1).map(Number) as [number, number, number];
  const at = new Date(year, month - 1, date);
  if (at.getMonth() !== month - 1 || at.getDate() !== date) return undefined;
  at.setDate(date + after);
  return at.getTime();
}

/** A day as "2026-11-20", so many days before that time. */
export function dayOf(at: Time, before = 0): string {
  const date = new Date(at);
  date.setDate(date.getDate() - before);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** Reads a filter from the address. What is nonsense is left out. */
export function parseFilter(query: string): JobFilter {
  const params = new URLSearchParams(query);
  const states = (params.get('state') ?? '').split(',').filter((name) => STATES.has(name)) as JobState[];
  const company = params.get('company');
  const number = Number(company);
  const day = (name: string) => (dayAt(params.get(name) ?? '') === undefined ? undefined : (params.get(name) ?? ''));
  const sort = SORTS.find((row) => row.value === params.get('sort'))?.value ?? 'newest';
  return {
    states: [...new Set(states)],
    ...(company === 'all'
      ? { company: 'all' as const }
      : Number.isSafeInteger(number) && number > 0
        ? { company: number }
        : {}),
    ...(params.get('agent') ? { agent: (params.get('agent') ?? '').slice(0, 64) } : {}),
    ...(params.get('engine') ? { engine: (params.get('engine') ?? '').slice(0, 64) } : {}),
    ...(day('from') ? { from: day('from') } : {}),
    ...(day('to') ? { to: day('to') } : {}),
    sort,
    words: (params.get('q') ?? '').slice(0, MAX_WORDS),
  };
}

/** The filter as it stands in the address; empty for none. Sessions have a place of their own in it. */
export function filterQuery(filter: JobFilter): string {
  const params = new URLSearchParams();
  if (filter.states.length > 0) params.set('state', filter.states.join(','));
  if (filter.company !== undefined) params.set('company', String(filter.company));
  if (filter.agent) params.set('agent', filter.agent);
  if (filter.engine) params.set('engine', filter.engine);
  if (filter.from) params.set('from', filter.from);
  if (filter.to) params.set('to', filter.to);
  if (filter.sort !== 'newest') params.set('sort', filter.sort);
  if (filter.words !== '') params.set('q', filter.words);
  return params.toString();
}

/** Whether it leaves any job out, but for those of other companies. */
export function isNarrow(filter: JobFilter): boolean {
  return (
    filter.states.length > 0 ||
    filter.session !== undefined ||
    filter.agent !== undefined ||
    filter.engine !== undefined ||
    filter.from !== undefined ||
    filter.to !== undefined
  );
}

/** What the daemon is asked for. */
export function listParams(filter: JobFilter, company: CompanyId | undefined): JobListParams {
  const since = dayAt(filter.from);
  const until = dayAt(filter.to, 1);
  const of = filter.company === undefined ? company : filter.company === 'all' ? undefined : filter.company;
  return {
    states: [...filter.states],
    sort: filter.sort,
    offset: 0,
    ...(of === undefined ? {} : { company_id: of }),
    ...(filter.session === undefined ? {} : { session_id: filter.session }),
    ...(filter.agent === undefined ? {} : { agent: filter.agent }),
    ...(filter.engine === undefined ? {} : { engine: filter.engine }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  };
}

/** A job's engine by its name in configs. */
export function engineOf(job: Job): string {
  return job.engine_agent === '' ? job.engine : `${job.engine}:${job.engine_agent}`;
}

/** Whether a job belongs on the list that was asked for so. */
export function fits(job: Job, asked: JobListParams): boolean {
  return (
    (asked.states.length === 0 || asked.states.includes(job.state)) &&
    (asked.company_id === undefined || asked.company_id === job.company_id) &&
    (asked.session_id === undefined || asked.session_id === job.session_id) &&
    (asked.agent === undefined || asked.agent === job.agent) &&
    (asked.engine === undefined || asked.engine === engineOf(job)) &&
    (asked.since === undefined || job.created_at >= asked.since) &&
    (asked.until === undefined || job.created_at < asked.until)
  );
}

/** How long it took, or has taken; -1 where it never began. */
function lasted(job: Job, now: Time): number {
  return job.started_at === undefined ? -1 : (job.finished_at ?? now) - job.started_at;
}

/** Which of two jobs comes first in that order. */
export function compare(sort: JobSort, now: Time): (a: Job, b: Job) => number {
  const newest = (a: Job, b: Job) => b.job_id - a.job_id;
  switch (sort) {
    case 'oldest':
      return (a, b) => a.job_id - b.job_id;
    case 'cost':
      return (a, b) => b.cost_usd - a.cost_usd || newest(a, b);
    case 'duration':
      return (a, b) => lasted(b, now) - lasted(a, now) || newest(a, b);
    default:
      return newest;
  }
}

/** Puts a changed job where it belongs. What would stand below all that was read yet stays away until that is read. */
export function placed(rows: readonly Job[], job: Job, asked: JobListParams, more: boolean, now: Time): readonly Job[] {
  const at = rows.findIndex((row) => row.job_id === job.job_id);
  const known = rows[at];
  if (known && known.seq > job.seq) return rows;
  if (!fits(job, asked)) return known ? rows.toSpliced(at, 1) : rows;
  // Rows do not jump about under the pointer because one of them costs a cent more.
  if (known) return rows.with(at, job);
  const before = compare(asked.sort, now);
  const place = rows.findIndex((row) => before(job, row) < 0);
  if (place >= 0) return rows.toSpliced(place, 0, job);
  return more ? rows : [...rows, job];
}

/** The next page below those before. Orders by what changes move rows from page to page: none stands there twice. */
export function joined(before: readonly Job[], page: readonly Job[]): readonly Job[] {
  const known = new Set(before.map((job) => job.job_id));
  return [...before, ...page.filter((job) => !known.has(job.job_id))];
}

/** How many rows each company has. */
export function byCompany(rows: readonly { company_id: CompanyId }[]): ReadonlyMap<CompanyId, number> {
  const counts = new Map<CompanyId, number>();
  for (const { company_id } of rows) counts.set(company_id, (counts.get(company_id) ?? 0) + 1);
  return counts;
}
