import type { Desk, DeskChange, Job } from '$lib/contract/types';
import { m } from '$lib/paraglide/messages';
import { count } from '$lib/text/format';
import { isAtWork, isFinal, isInLine, isLater } from '$lib/text/names';

/** Jobs that ended, as many as the daemon itself gives. */
const MAX_FINISHED = 20;
const MAX_LIVE = 100;
const CEO = 'ceo';

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
  // A job that leaves its line, or is put into it, moves others, of which nobody tells.
  if (live !== desk.live && total <= live.length) live = live.map((job) => placed(job, live));

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
      // Told whole each time, so that one who missed a change is right again after the next.
      questions: stale ? desk.questions : (change.questions ?? desk.questions),
      spend: stale ? desk.spend : (change.spend ?? desk.spend),
    },
    reload,
  };
}

function newestFirst(jobs: Job[]): Job[] {
  return jobs.sort((a, b) => (b.finished_at ?? 0) - (a.finished_at ?? 0) || b.job_id - a.job_id);
}

/** Whether `other` goes before a job of this priority and number in their session's line. */
function isBefore(other: Job, priority: number, jobId: number): boolean {
  if (other.state !== 'queued') return isInLine(other.state);
  // One that is on hold lets the others pass.
  if (other.held) return false;
  return other.priority > priority || (other.priority === priority && other.job_id < jobId);
}

function placed(job: Job, live: readonly Job[]): Job {
  const { position, ...rest } = job;
  if (job.state !== 'queued') return position === undefined ? job : rest;
  const before = live.filter(
    (other) =>
      other.job_id !== job.job_id && other.session_id === job.session_id && isBefore(other, job.priority, job.job_id),
  ).length;
  if (before === (position ?? 0)) return job;
  return before > 0 ? { ...rest, position: before } : rest;
}

/** Jobs of an agent's open session that a brief for it, sent now, would stand behind, the one at work first. */
export function aheadOfNext(desk: Desk | undefined, priority = 0, agent = CEO): Job[] {
  if (!desk) return [];
  // Of sessions the Desk has the CEO's alone; others are known by whose briefs they are.
  const session = desk.session?.session_id;
  const inLine = (job: Job) =>
    agent === CEO ? session !== undefined && job.session_id === session : job.agent === agent;
  return desk.live
    .filter((job) => inLine(job) && isBefore(job, priority, Infinity))
    .sort((a, b) => Number(isHead(b)) - Number(isHead(a)) || b.priority - a.priority || a.job_id - b.job_id);
}

/** Whether a job is the one its session's line waits for. */
function isHead(job: Job): boolean {
  return isAtWork(job.state) || job.state === 'retrying';
}

/** How many jobs the next brief for an agent waits for: those of its open session, the one at work included. */
export function beforeNext(desk: Desk | undefined, priority = 0, agent = CEO): number {
  return aheadOfNext(desk, priority, agent).length;
}

/** "3 jobs are running, 1 queued, 2 planned." */
export function headline(desk: Desk): string {
  if (desk.held) return m.desk_head_held();
  const queued = desk.live.filter((job) => job.state === 'queued').length;
  const later = desk.live.filter((job) => isLater(job.state)).length;
  // Not every live job is on the Desk; of the others it is not said that they wait.
  const working = Math.max(0, desk.live_total - queued - later);
  const all = desk.live.every((job) => job.state === 'running' || job.state === 'queued' || isLater(job.state));
  // What comes first is said in full, the others in short.
  const parts: [number, (said: { count: number }) => string, (said: { n: string }) => string][] = [
    [working, all ? m.desk_head_running : m.desk_head_under_way, () => ''],
    [queued, m.desk_head_queued, m.desk_head_and_queued],
    [later, m.desk_head_planned, m.desk_head_and_planned],
  ];
  const [first, second, third] = parts
    .filter(([number]) => number > 0)
    .map(([number, full, short], i) => (i === 0 ? full({ count: number }) : short({ n: count(number) })));
  if (first === undefined) return m.desk_head_none();
  if (second === undefined) return m.desk_head_one({ first });
  return third === undefined ? m.desk_head_two({ first, second }) : m.desk_head_three({ first, second, third });
}
