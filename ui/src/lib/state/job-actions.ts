import type { Job } from '$lib/contract/types';
import { m } from '$lib/paraglide/messages';
import { isFinal } from '$lib/text/names';

export type JobAct = 'run-now' | 'pause' | 'resume' | 'cancel' | 'restart' | 'copy';

export interface JobAction {
  readonly act: JobAct;
  readonly label: string;
  readonly detail: string;
}

const ACTIONS: Record<JobAct, Omit<JobAction, 'act'>> = {
  'run-now': { label: m.desk_run_now(), detail: m.desk_run_now_detail() },
  pause: { label: m.desk_pause(), detail: m.desk_pause_detail() },
  resume: { label: m.desk_resume(), detail: m.desk_resume_detail() },
  cancel: { label: m.cancel(), detail: m.desk_cancel_detail() },
  restart: { label: m.desk_restart(), detail: m.desk_restart_detail() },
  copy: { label: m.desk_copy_number(), detail: '' },
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
    return { act, ...words, ...(unbegun ? { detail: m.desk_pause_unbegun() } : {}) };
  });
}
