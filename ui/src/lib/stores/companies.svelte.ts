import { backend } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import type { Company, CompanyId, Job } from '$lib/contract/types';
import { m } from '$lib/paraglide/messages';
import { byCompany, LIVE_STATES } from '$lib/state/job-filter';
import { dayStart } from '$lib/text/format';
import { desk } from './desk.svelte';

/** As many as one call gives. */
const MANY = 500;
const DAY_MS = 24 * 60 * 60 * 1000;

export type Mood = 'problem' | 'waits' | 'held' | 'working' | 'failed' | 'idle';

export interface Fact {
  readonly mood: Mood;
  readonly words: string;
}

export interface Standing {
  /** Of what is most urgent. */
  readonly mood: Mood;
  /** All that holds, the most urgent first; none while it is not known. */
  readonly facts: readonly Fact[];
}

type Counts = ReadonlyMap<CompanyId, number>;

function failedToday(jobs: readonly Job[]): Job[] {
  const today = dayStart(Date.now());
  return jobs.filter((job) => job.state === 'failed' && (job.finished_at ?? 0) >= today);
}

/** How each company stands: three questions to the daemon, however many companies there are. */
class CompaniesStore {
  #asks = $state.raw<Counts>(new Map());
  #live = $state.raw<Counts>(new Map());
  /** Of those that are under way: how many the founder put on hold. */
  #held = $state.raw<Counts>(new Map());
  #failed = $state.raw<Counts>(new Map());
  known = $state(false);
  problem = $state('');

  async load(): Promise<void> {
    const page = { sort: 'newest', offset: 0, limit: MANY } as const;
    // Those that end today may have begun yesterday.
    const since = dayStart(Date.now()) - DAY_MS;
    try {
      const [questions, live, failed] = await Promise.all([
        backend().call('question.list', { open: true, limit: MANY }),
        backend().call('job.list', { states: [...LIVE_STATES], ...page }),
        backend().call('job.list', { states: ['failed'], since, ...page }),
        desk.loadCompanies(),
      ]);
      this.#asks = byCompany(questions.questions);
      this.#live = byCompany(live.jobs);
      this.#held = byCompany(live.jobs.filter((job) => job.held));
      this.#failed = byCompany(failedToday(failed.jobs));
      this.known = true;
      this.problem = '';
    } catch (thrown) {
      this.problem = asFault(thrown).message;
    }
  }

  standing(company: Company): Standing {
    const id = company.company_id;
    // The one at hand is told live.
    const own = desk.value?.company.company_id === id ? desk.value : undefined;
    const now = own?.company ?? company;
    const problem = now.problem ?? now.engine_now.problem;
    if (problem) return { mood: 'problem', facts: [{ mood: 'problem', words: problem.message }] };
    const asks = own ? own.questions.length : (this.#asks.get(id) ?? 0);
    const live = own ? own.live_total : (this.#live.get(id) ?? 0);
    // All work may be on hold, whichever company is at hand.
    const alone = own ? own.live.filter((job) => job.held).length : (this.#held.get(id) ?? 0);
    const held = desk.value?.held ? live : alone;
    const failed = own ? failedToday(own.finished).length : (this.#failed.get(id) ?? 0);
    const facts: Fact[] = [];
    if (asks > 0) facts.push({ mood: 'waits', words: m.company_questions_for_you({ count: asks }) });
    if (held > 0) facts.push({ mood: 'held', words: m.company_jobs_on_hold({ count: held }) });
    if (live > held) facts.push({ mood: 'working', words: m.company_jobs_under_way({ count: live - held }) });
    if (failed > 0) facts.push({ mood: 'failed', words: m.company_failed_today({ count: failed }) });
    if (facts.length === 0 && (own || this.known)) facts.push({ mood: 'idle', words: m.company_idle() });
    return { mood: facts[0]?.mood ?? 'idle', facts };
  }

  /** Whether another company than the one at hand waits for the founder. */
  get elsewhere(): number {
    return desk.companies.filter(({ company_id: id }) => id !== desk.companyId && (this.#asks.get(id) ?? 0) > 0).length;
  }
}

export const companies = new CompaniesStore();

/** Brings up the company at that place of the list; nothing where there is none. */
export function openCompanyAt(place: number): void {
  const company = desk.companies[place];
  if (company && company.company_id !== desk.companyId) void desk.open({ company_id: company.company_id });
}
