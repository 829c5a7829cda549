import type { Desk, Job, JobId, Time } from '$lib/contract/types';
import { isAtWork, isFinal, roleName } from '$lib/text/names';
import { plural, upcoming } from '$lib/text/format';
import { aheadOfNext } from './desk-reduce';

/** What is to happen with a brief that comes while whoever is to do it is busy. */
export type WhenBusy = 'queue' | 'replace' | 'keep';

/** When a brief is to start. */
export interface Plan {
  readonly priority: number;
  readonly after: JobId | undefined;
  readonly at: Time | undefined;
  readonly whenBusy: WhenBusy;
  /** Who is briefed (role). */
  readonly agent: string;
}

/** What will happen with a brief that is sent now. */
export interface Fate {
  /** In a line, for the founder to read before sending; empty where it simply starts. */
  readonly text: string;
  /** Whoever is briefed is busy, and what then is the founder's choice. */
  readonly busy: boolean;
  /** Jobs before it in line. */
  readonly ahead: number;
  /** The one at work, which `replace` cancels. */
  readonly running: Job | undefined;
  /** It is not sent. */
  readonly kept: boolean;
}

export function fateOf(desk: Desk | undefined, plan: Plan, now: Time): Fate {
  const ahead = aheadOfNext(desk, plan.priority, plan.agent);
  const running = ahead.find((job) => isAtWork(job.state) || job.state === 'retrying');
  const fate: Fate = { text: '', busy: false, ahead: ahead.length, running, kept: false };
  const blocker = plan.after === undefined ? undefined : desk?.live.find((job) => job.job_id === plan.after);
  const after = blocker && !isFinal(blocker.state) ? `once #${blocker.job_id} has completed` : '';
  if (plan.at !== undefined && plan.at > now)
    return { ...fate, text: ['Starts', upcoming(plan.at, now), after && `and ${after}`].filter(Boolean).join(' ') };
  if (after) return { ...fate, text: `Starts ${after}` };
  if (ahead.length === 0) return { ...fate, text: desk?.held ? 'All work is on hold: it starts when you resume' : '' };
  const busy = { ...fate, busy: true };
  if (plan.whenBusy === 'keep')
    return { ...busy, text: `${roleName(plan.agent)} is busy: the brief stays here`, kept: true };
  if (plan.whenBusy === 'replace' && running) {
    const rest = ahead.length - 1;
    const then = rest > 0 ? `${plural(rest, 'job is', 'jobs are')} still before this one` : 'starts this one';
    return { ...busy, text: `Cancels #${running.job_id}, then ${then}` };
  }
  return { ...busy, text: `${roleName(plan.agent)} is busy: will be queued, position ${ahead.length}` };
}
