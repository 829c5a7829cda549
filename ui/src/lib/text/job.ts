import type { Job, JobId, JobState, StopCounts, Time } from '$lib/contract/types';
import { countdown, duration, plural, quoted, upcoming } from './format';
import { isAtWork, isFinal, roleName, STATE_NAMES } from './names';

/** A longer wait says until when, and not only how long. */
const LONG_WAIT_MS = 10 * 60_000;

/** How a job looks: its state, or what the founder did to it. */
export type Face = JobState | 'held' | 'pausing' | 'stopping';

export type Tone = '' | 'run' | 'ok' | 'warn' | 'bad';

export const FACE_NAMES: Record<Face, string> = {
  ...STATE_NAMES,
  held: 'On hold',
  pausing: 'Pausing…',
  stopping: 'Stopping…',
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
  const step = progress.done < progress.total ? `Step ${progress.done + 1} of ${progress.total}` : 'Finishing';
  return [step, progress.note.trim()].filter(Boolean).join(' · ');
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
  return position === 1 ? 'next' : `${position} before it`;
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
      return named ? `${name} · after #${job.after_job_id}` : `After #${job.after_job_id}`;
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
  const left = `${plural(stopped.left, 'process', 'processes')} left`;
  if (stopped.ended === 0) return left;
  const ended = `${plural(stopped.ended, 'process', 'processes')} ended`;
  return [ended, stopped.forced > 0 ? `${stopped.forced} by force` : '', `${stopped.left} left`]
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
      const after = job.after_job_id === undefined ? '' : `once job #${job.after_job_id} has completed`;
      if (job.until === undefined) return `Starts at its time${after && `, ${after}`}`;
      if (!soon) return `Starts any moment${after && `, ${after}`}`;
      if (beside) return `Starts in ${soon}${after && `, ${after}`}`;
      return `Starts ${upcoming(job.until, now)}, ${after || `in ${soon}`}`;
    }
    case 'blocked':
      return job.after_job_id === undefined
        ? open(job.reason) || 'Starts once another job has completed'
        : `Starts once job #${job.after_job_id} has completed`;
    case 'queued':
      if (job.position)
        return job.position === 1
          ? `Starts when ${job.agent === 'ceo' ? 'the CEO' : roleName(job.agent)} is free`
          : `${job.position} jobs are before it`;
      return 'Starts as soon as there is room';
    case 'waiting': {
      const reason = open(job.reason) || 'Cannot go on for a while';
      if (job.until === undefined || (beside && soon)) return reason;
      if (!soon) return `${reason} · goes on any moment`;
      // A wait of hours is told by the clock, too.
      if (job.until - now > LONG_WAIT_MS) return `${reason} · goes on ${at(job.until, now)}, in ${soon}`;
      return `${reason} · goes on in ${soon}`;
    }
    case 'retrying': {
      const reason = open(job.reason) || 'Its last try failed';
      if (job.until === undefined) return `${reason} · tries again`;
      if (beside && soon) return reason;
      return soon ? `${reason} · tries again in ${soon}` : `${reason} · tries again any moment`;
    }
    case 'held':
      return job.started_at === undefined ? 'Does not start until you resume it' : 'Goes on when you resume it';
    case 'pausing':
      return 'Stops before its next call';
    case 'stopping':
      return 'Ending its processes';
    default:
      return '';
  }
}

/** "at 14:00", "tomorrow 09:00". */
function at(time: Time, now: Time): string {
  const when = upcoming(time, now);
  if (/^\d+:/.test(when)) return `at ${when}`;
  return /^\d/.test(when) ? `on ${when}` : when;
}

/** What became of the processes of a job that ended, and why it did where the founder stopped it; empty for the others. */
export function stoppedHow(job: Job): string {
  if (!hasStopped(job)) return '';
  const reason = job.state === 'cancelled' ? open(job.reason || 'Stopped by you') : '';
  return capital([reason, stoppedWords(job.stopped)].filter(Boolean).join(' · '));
}

/** How it ended, in a line, with what became of its processes. */
export function endedHow(job: Job): string {
  const counts = hasStopped(job) ? stoppedWords(job.stopped) : '';
  const with_ = (words: string) => (counts ? `${open(words)} · ${counts}` : words);
  if (job.state === 'completed') return with_(job.result ? quoted(job.result) : 'Done.');
  if (job.state === 'cancelled') return with_(job.reason || 'Stopped by you.');
  const why = job.error ? `${job.error.message} ${job.error.fix}`.trim() : job.reason;
  // In a line of a row there is no room to set commands apart.
  return with_(why ? `Failed: ${why.replaceAll('`', '')}` : 'Failed.');
}

/** What there is to tell of a job in a line, whatever its state. */
export function toldOf(job: Job, face: Face, now: Time): string {
  if (isFinal(job.state)) return endedHow(job);
  const waits = waitsFor(job, face, now, true);
  if (waits) return waits;
  return job.activity ? `${roleName(job.activity.agent)} ${job.activity.text}` : 'Starting';
}

/** What a job that was told to stop says once it has. */
export function stoppedFlash(jobId: JobId, stopped: StopCounts, begun: boolean): string {
  return begun || stopped.ended > 0 || stopped.left > 0
    ? `Job #${jobId} stopped: ${stoppedWords(stopped)}.`
    : `Job #${jobId} cancelled. It had not begun.`;
}
