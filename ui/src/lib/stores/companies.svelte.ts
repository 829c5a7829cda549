import { backend } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import type { Company, CompanyId } from '$lib/contract/types';
import { byCompany, LIVE_STATES } from '$lib/state/job-filter';
import { plural } from '$lib/text/format';
import { desk } from './desk.svelte';

/** As many as one call gives. */
const MANY = 500;

export type Mood = 'problem' | 'waits' | 'working' | 'idle';

export interface Standing {
  readonly mood: Mood;
  readonly words: string;
}

/** How each company stands: two questions to the daemon, however many companies there are. */
class CompaniesStore {
  #asks = $state.raw<ReadonlyMap<CompanyId, number>>(new Map());
  #live = $state.raw<ReadonlyMap<CompanyId, number>>(new Map());
  known = $state(false);
  problem = $state('');

  async load(): Promise<void> {
    try {
      const [questions, jobs] = await Promise.all([
        backend().call('question.list', { open: true, limit: MANY }),
        backend().call('job.list', { states: [...LIVE_STATES], sort: 'newest', offset: 0, limit: MANY }),
        desk.loadCompanies(),
      ]);
      this.#asks = byCompany(questions.questions);
      this.#live = byCompany(jobs.jobs);
      this.known = true;
      this.problem = '';
    } catch (thrown) {
      this.problem = asFault(thrown).message;
    }
  }

  standing(company: Company): Standing {
    // The one at hand is told live.
    const own = desk.value?.company.company_id === company.company_id ? desk.value : undefined;
    const now = own?.company ?? company;
    const asks = own ? own.questions.length : (this.#asks.get(company.company_id) ?? 0);
    const live = own ? own.live_total : (this.#live.get(company.company_id) ?? 0);
    const problem = now.problem ?? now.engine_now.problem;
    if (problem) return { mood: 'problem', words: problem.message };
    if (asks > 0) return { mood: 'waits', words: `${plural(asks, 'question')} for you` };
    if (live > 0) return { mood: 'working', words: `${plural(live, 'job')} under way` };
    return { mood: 'idle', words: own || this.known ? 'Idle' : '' };
  }

  /** Whether another company than the one at hand waits for the founder. */
  get elsewhere(): number {
    return desk.companies.filter((row) => row.company_id !== desk.companyId && this.standing(row).mood === 'waits')
      .length;
  }
}

export const companies = new CompaniesStore();

/** Brings up the company at that place of the list; nothing where there is none. */
export function openCompanyAt(place: number): void {
  const company = desk.companies[place];
  if (company && company.company_id !== desk.companyId) void desk.open({ company_id: company.company_id });
}
