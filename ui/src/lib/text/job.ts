import type { Job, JobId, JobState, StopCounts, Time } from '$lib/contract/types';
import { m } from '$lib/paraglide/messages';
import { clock, count, countdown, dayStart, duration, quoted, upcoming } from './format';
import { doingOf, noteOf } from './told';
import { isAtWork, isFinal, roleName, STATE_NAMES } from './names';

/** A longer wait says until when, and not only how long. */
const LONG_WAIT_MS = 10 * 60_000;

/** How a job looks: its state, or what the founder did to it. */
export type Face = JobState | 'held' | 'pausing' | 'stopping';

export type Tone = '' | 'run' | 'ok' | 'warn' | 'bad';

export const FACE_NAMES: Record<Face, string> = {
  ...STATE_NAMES,
  held: m.work_held(),
  pausing: m.work_pausing(),
  stopping: m.work_stopping(),
};

export const FACE_TONES: Record<Face, Tone> = {
  scheduled: '',
  blocked: '',
  queued: '',
  running: 'run',
  waiting: 'warn',
  retrying: 'warn',
  completed: 'ok',
  failed: 'bad',
  cancelled: '',
  held: '',
  pausing: 'warn',
  stopping: 'warn',
};

/**
 * A job's face. One that is on hold by itself says so, whatever it waits for besides; where all work is, those at work
 * say so, and the others what they wait for.
 */
export function faceOf(job: Job, stopping: boolean, allHeld: boolean): Face {
  if (isFinal(job.state)) return job.state;
  if (stopping) return 'stopping';
  if (!job.held && !(allHeld && isAtWork(job.state))) return job.state;
  return job.state === 'running' ? 'pausing' : 'held';
}

/** How much is done, in percent; undefined where nobody knows. Never 100 before the end. */
export function percentOf(job: Job): number | undefined {
  if (job.state === 'completed') return 100;
  const progress = job.progress;
  if (!progress || progress.total <= 0 || !Number.isFinite(progress.percent)) return undefined;
  return Math.min(99, Math.max(0, Math.round(progress.percent)));
}

/** "Step 3 of 8 · Finance checks the prices"; empty where there is nothing to say. */
export function stepOf(job: Job): string {
  const progress = job.progress;
  if (!progress || progress.total <= 0) return '';
  const step =
    progress.done < progress.total
      ? m.work_step({ n: count(progress.done + 1), total: count(progress.total) })
      : m.work_finishing();
  return [step, noteOf(progress.note.trim())].filter(Boolean).join(' · ');
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** As the rest of a line that has begun. */
export function small(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** "next", "2 before it". */
export function place(position: number): string {
  return position === 1 ? m.work_next() : m.work_before({ count: position });
}

/** What the pill says. `named` has the state in words beside the time. */
export function pillWords(job: Job, face: Face, now: Time, named: boolean): string {
  const name = FACE_NAMES[face];
  const elapsed =
    job.started_at === undefined ? '' : duration((job.finished_at ?? Math.max(now, job.started_at)) - job.started_at);
  const soon = job.until === undefined ? '' : countdown(job.until, now);
  switch (face) {
    case 'scheduled':
      if (job.until === undefined) return name;
      return named ? `${name} · ${upcoming(job.until, now)}` : capital(upcoming(job.until, now));
    case 'blocked':
      if (job.after_job_id === undefined) return name;
      return named ? m.work_state_after({ state: name, id: job.after_job_id }) : m.work_after({ id: job.after_job_id });
    case 'queued':
      return job.position ? `${name} · ${place(job.position)}` : name;
    case 'waiting':
    case 'retrying':
      return soon ? `${name} · ${soon}` : name;
    case 'held':
    case 'pausing':
    case 'stopping':
      return name;
    default:
      return named ? [name, elapsed].filter(Boolean).join(' · ') : elapsed || name;
  }
}

/** A sentence without its full stop, to be followed by more. */
function open(sentence: string): string {
  return sentence.trim().replace(/\.$/, '');
}

/** "3 processes ended, 1 by force, 0 left". */
export function stoppedWords(stopped: StopCounts): string {
  if (stopped.ended === 0) return m.work_processes_left({ count: stopped.left });
  return [
    m.work_processes_ended({ count: stopped.ended }),
    stopped.forced > 0 ? m.work_forced({ n: count(stopped.forced) }) : '',
    m.work_left({ n: count(stopped.left) }),
  ]
    .filter(Boolean)
    .join(', ');
}

/** Whether what became of a job's processes is worth a word in a row: where it was cancelled, or something was found. */
function hasStopped(job: Job): job is Job & { stopped: StopCounts } {
  const stopped = job.stopped;
  return stopped !== undefined && (job.state === 'cancelled' || stopped.ended > 0 || stopped.left > 0);
}

/**
 * What it waits for, in a line, for every state in which it does; empty for the others. `beside`: beside the pill, which
 * says for how long.
 */
export function waitsFor(job: Job, face: Face, now: Time, beside = false): string {
  const soon = job.until === undefined ? '' : countdown(job.until, now);
  switch (face) {
    case 'scheduled': {
      const id = job.after_job_id;
      if (job.until === undefined)
        return id === undefined ? m.work_starts_at_time() : m.work_starts_at_time_after({ id });
      if (!soon) return id === undefined ? m.work_starts_soon() : m.work_starts_soon_after({ id });
      if (beside) return id === undefined ? m.work_starts_in({ soon }) : m.work_starts_in_after({ soon, id });
      const when = upcoming(job.until, now);
      return id === undefined ? m.work_starts_when({ when, soon }) : m.work_starts_when_after({ when, id });
    }
    case 'blocked':
      return job.after_job_id === undefined
        ? open(job.reason) || m.work_starts_other()
        : m.work_starts_once({ id: job.after_job_id });
    case 'queued':
      if (job.position)
        return job.position === 1 ? startsWhenFree(job.agent) : m.work_jobs_before({ count: job.position });
      return m.work_starts_room();
    case 'waiting': {
      const reason = open(job.reason) || m.work_cannot();
      if (job.until === undefined || (beside && soon)) return reason;
      if (!soon) return m.work_goes_on_soon({ reason });
      // A wait of hours is told by the clock, too.
      if (job.until - now > LONG_WAIT_MS) return m.work_goes_on_when({ reason, when: at(job.until, now), soon });
      return m.work_goes_on_in({ reason, soon });
    }
    case 'retrying': {
      const reason = open(job.reason) || m.work_try_failed();
      if (job.until === undefined) return m.work_tries({ reason });
      if (beside && soon) return reason;
      return soon ? m.work_tries_in({ reason, soon }) : m.work_tries_soon({ reason });
    }
    case 'held':
      return job.started_at === undefined ? m.work_held_new() : m.work_held_begun();
    case 'pausing':
      return m.work_stops_before();
    case 'stopping':
      return m.work_ending();
    default:
      return '';
  }
}

/** "at 14:00", "tomorrow 09:00". */
function at(time: Time, now: Time): string {
  const when = upcoming(time, now);
  const days = Math.round((dayStart(time) - dayStart(now)) / 86_400_000);
  if (days <= 0) return m.work_at({ time: clock(time) });
  return days < 7 ? when : m.work_on({ time: when });
}

function startsWhenFree(agent: string): string {
  return agent === 'ceo' ? m.work_starts_ceo() : m.work_starts_free({ name: roleName(agent) });
}

/** What became of the processes of a job that ended, and why it did where the founder stopped it; empty for the others. */
export function stoppedHow(job: Job): string {
  if (!hasStopped(job)) return '';
  const reason = job.state === 'cancelled' ? open(job.reason || m.work_stopped_by_you()) : '';
  return capital([reason, stoppedWords(job.stopped)].filter(Boolean).join(' · '));
}

/** How it ended, in a line, with what became of its processes. */
export function endedHow(job: Job): string {
  const counts = hasStopped(job) ? stoppedWords(job.stopped) : '';
  const with_ = (words: string) => (counts ? `${open(words)} · ${counts}` : words);
  if (job.state === 'completed') return with_(job.result ? quoted(job.result) : m.work_done());
  if (job.state === 'cancelled') return with_(job.reason || `${m.work_stopped_by_you()}.`);
  const why = job.error ? `${job.error.message} ${job.error.fix}`.trim() : job.reason;
  // In a line of a row there is no room to set commands apart.
  return with_(why ? m.work_failed_why({ why: why.replaceAll('`', '') }) : m.work_failed());
}

/** What there is to tell of a job in a line, whatever its state. */
export function toldOf(job: Job, face: Face, now: Time): string {
  if (isFinal(job.state)) return endedHow(job);
  const waits = waitsFor(job, face, now, true);
  if (waits) return waits;
  return job.activity ? `${roleName(job.activity.agent)} ${doingOf(job.activity.text)}` : m.work_starting();
}

/** What a job that was told to stop says once it has. */
export function stoppedFlash(jobId: JobId, stopped: StopCounts, begun: boolean): string {
  return begun || stopped.ended > 0 || stopped.left > 0
    ? m.work_flash_stopped({ id: jobId, how: stoppedWords(stopped) })
    : m.work_flash_unbegun({ id: jobId });
}
