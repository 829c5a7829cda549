import type { Desk, DeskChange, Job } from '$lib/contract/types';
import { isFinal } from '$lib/text/names';

/** Jobs that ended, as many as the daemon itself gives. */
const MAX_FINISHED = 20;
const MAX_LIVE = 100;

export interface DeskStep {
  desk: Desk;
  /** What is here no longer tells the whole story: read the Desk again. */
  reload: boolean;
}

/** What a Desk is after a change. Rows replace those of the same id; what is older than what is here is dropped. */
export function applyDeskChange(desk: Desk, change: DeskChange): DeskStep {
  if (change.company_id !== desk.company.company_id) return { desk, reload: false };
  const stale = change.seq < desk.seq;
  let reload = change.reload;
  let live = desk.live;
  let finished = desk.finished;
  let total = desk.live_total;

  for (const job of change.jobs) {
    const known = live.find((row) => row.job_id === job.job_id) ?? finished.find((row) => row.job_id === job.job_id);
    if (known ? known.seq > job.seq || (isFinal(known.state) && !isFinal(job.state)) : stale) continue;
    const wasLive = known ? !isFinal(known.state) : false;
    if (isFinal(job.state)) {
      // Not every live job is on the Desk: this one may have been counted all the same.
      if (!known && total > live.length) reload = true;
      if (wasLive) total -= 1;
      live = live.filter((row) => row.job_id !== job.job_id);
      finished = newestFirst([job, ...finished.filter((row) => row.job_id !== job.job_id)]).slice(0, MAX_FINISHED);
    } else if (known) {
      live = live.map((row) => (row.job_id === job.job_id ? job : row));
    } else if (total > live.length) {
      // It may be one of those that are counted and not shown.
      reload = true;
    } else {
      total += 1;
      live = [...live, job].sort((a, b) => a.job_id - b.job_id).slice(0, MAX_LIVE);
    }
  }

  let team = desk.team;
  if (!stale) {
    for (const agent of change.team) {
      const at = team.findIndex((row) => row.role === agent.role);
      if (at < 0) reload = true;
      else team = team.with(at, agent);
    }
  }

  return {
    desk: {
      ...desk,
      seq: Math.max(desk.seq, change.seq),
      live,
      live_total: Math.max(total, live.length),
      finished,
      team,
      spend: stale ? desk.spend : (change.spend ?? desk.spend),
    },
    reload,
  };
}

function newestFirst(jobs: Job[]): Job[] {
  return jobs.sort((a, b) => (b.finished_at ?? 0) - (a.finished_at ?? 0) || b.job_id - a.job_id);
}

/** How many jobs the next brief waits for: those of the open session, the one at work included. */
export function beforeNext(desk: Desk | undefined): number {
  const session = desk?.session;
  return session ? desk.live.filter((job) => job.session_id === session.session_id).length : 0;
}

/** "3 jobs are running, 1 is queued." */
export function headline(desk: Desk): string {
  const queued = desk.live.filter((job) => job.state === 'queued').length;
  const running = Math.max(0, desk.live_total - queued);
  const tell = (n: number) => `${n} ${n === 1 ? 'job is' : 'jobs are'}`;
  if (running && queued) return `${tell(running)} running, ${queued} queued.`;
  if (running) return `${tell(running)} running.`;
  if (queued) return `${tell(queued)} queued.`;
  return 'Nothing is running.';
}
