import type { Desk, Job, JobId, Time } from '$lib/contract/types';
import { m } from '$lib/paraglide/messages';
import { isAtWork, isFinal, roleName } from '$lib/text/names';
import { upcoming } from '$lib/text/format';
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
  const after = blocker && !isFinal(blocker.state) ? blocker.job_id : undefined;
  if (plan.at !== undefined && plan.at > now) {
    const when = upcoming(plan.at, now);
    return {
      ...fate,
      text: after === undefined ? m.desk_fate_at({ when }) : m.desk_fate_at_after({ when, id: after }),
    };
  }
  if (after !== undefined) return { ...fate, text: m.desk_fate_after({ id: after }) };
  if (ahead.length === 0) return { ...fate, text: desk?.held ? m.desk_fate_held() : '' };
  const busy = { ...fate, busy: true };
  const who = roleName(plan.agent);
  if (plan.whenBusy === 'keep') return { ...busy, text: m.desk_fate_kept({ who }), kept: true };
  if (plan.whenBusy === 'replace' && running) {
    const [rest, id] = [ahead.length - 1, running.job_id];
    const text = rest > 0 ? m.desk_fate_replaces_behind({ count: rest, id }) : m.desk_fate_replaces({ id });
    return { ...busy, text };
  }
  return { ...busy, text: m.desk_fate_queued({ who, n: ahead.length }) };
}
