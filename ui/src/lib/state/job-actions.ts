import type { Job } from '$lib/contract/types';
import { isFinal } from '$lib/text/names';

export type JobAct = 'run-now' | 'pause' | 'resume' | 'cancel' | 'restart' | 'copy';

export interface JobAction {
  readonly act: JobAct;
  readonly label: string;
  readonly detail: string;
}

const ACTIONS: Record<JobAct, Omit<JobAction, 'act'>> = {
  'run-now': { label: 'Run now', detail: 'Without waiting for its next try' },
  pause: { label: 'Pause', detail: 'Stops before its next call, and stays as it is' },
  resume: { label: 'Resume', detail: 'Goes on from where it is' },
  cancel: { label: 'Cancel', detail: 'Ends it and every process of it' },
  restart: { label: 'Restart', detail: 'The same brief as a new job' },
  copy: { label: 'Copy its number', detail: '' },
};

/** What can be done with a job as it is, the most likely first. */
export function actionsOf(job: Job, stopping: boolean): JobAction[] {
  const acts: JobAct[] = [];
  if (isFinal(job.state)) acts.push('restart');
  else if (!stopping) {
    if (job.held) acts.push('resume');
    else if (job.state === 'retrying') acts.push('run-now', 'pause');
    else acts.push('pause');
    acts.push('cancel');
  }
  acts.push('copy');
  return acts.map((act) => {
    const words = ACTIONS[act];
    const unbegun = act === 'pause' && job.state !== 'running' && job.state !== 'waiting';
    return { act, ...words, ...(unbegun ? { detail: 'Does not start until you resume it' } : {}) };
  });
}
