import { SvelteSet } from 'svelte/reactivity';
import { backend } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import type { Job, JobId, Session } from '$lib/contract/types';
import { m } from '$lib/paraglide/messages';
import type { JobAct } from '$lib/state/job-actions';
import { copyText } from '$lib/text/clipboard';
import { stoppedFlash, stoppedWords } from '$lib/text/job';
import { desk } from './desk.svelte';
import { flashes } from './flash.svelte';
import { link } from './link.svelte';
import { router } from './route.svelte';

/** Jobs that were told to stop and have not said that they did. */
export const stopping = new SvelteSet<JobId>();
const restarting = new SvelteSet<JobId>();

/** Cancels a job. True where it has ended, by this or by itself. */
export async function cancelJob(jobId: JobId): Promise<boolean> {
  if (stopping.has(jobId)) return false;
  stopping.add(jobId);
  try {
    const { job, stopped } = await backend().call('job.cancel', { job_id: jobId });
    flashes.say(stoppedFlash(jobId, stopped, job.started_at !== undefined), stopped.left > 0 ? 'bad' : 'plain');
    return true;
  } catch (thrown) {
    const fault = asFault(thrown);
    // It ended by itself just before: what the founder wanted.
    if (fault.code === 'job.final') {
      flashes.say(m.desk_had_ended({ id: jobId }));
      return true;
    }
    flashes.fault(fault);
    return false;
  } finally {
    stopping.delete(jobId);
  }
}

export async function restartJob(jobId: JobId): Promise<void> {
  if (restarting.has(jobId)) return;
  restarting.add(jobId);
  try {
    const job = await backend().call('job.restart', { job_id: jobId, foreground: false });
    const said = { id: jobId, next: job.job_id };
    flashes.say(job.state === 'queued' ? m.desk_in_line_again(said) : m.desk_starts_again(said));
    router.go({ screen: 'job', jobId: job.job_id });
  } catch (thrown) {
    flashes.fault(asFault(thrown));
  } finally {
    restarting.delete(jobId);
  }
}

async function holdJob(
  jobId: JobId,
  method: 'job.pause' | 'job.resume',
  said: (job: Job, allHeld: boolean) => string,
): Promise<void> {
  try {
    const { job, all } = await backend().call(method, { job_id: jobId });
    if (job) flashes.say(said(job, all));
  } catch (thrown) {
    flashes.fault(asFault(thrown));
  }
}

/** Does with a job what a menu offers. */
export async function act(action: JobAct, jobId: JobId): Promise<void> {
  switch (action) {
    case 'cancel':
      await cancelJob(jobId);
      break;
    case 'restart':
      return restartJob(jobId);
    case 'pause':
      return holdJob(jobId, 'job.pause', (job) =>
        job.state === 'running' ? m.desk_stops_soon({ id: jobId }) : m.desk_on_hold({ id: jobId }),
      );
    case 'resume':
      return holdJob(jobId, 'job.resume', (_, held) =>
        held ? m.desk_goes_on_held({ id: jobId }) : m.desk_goes_on({ id: jobId }),
      );
    case 'run-now':
      return holdJob(jobId, 'job.resume', (_, held) =>
        held ? m.desk_starts_soon_held({ id: jobId }) : m.desk_starts_soon({ id: jobId }),
      );
    case 'copy':
      try {
        await copyText(`#${jobId}`);
        flashes.say(m.desk_copied_number({ id: jobId }));
      } catch (thrown) {
        tellFault(thrown);
      }
  }
}

/** Puts all work on hold, of every company, or lets it go on. */
export async function holdAll(held: boolean): Promise<void> {
  try {
    const { all } = await backend().call(held ? 'job.pause' : 'job.resume', {});
    desk.holds(all);
    flashes.say(all ? m.desk_held() : m.desk_work_goes_on());
  } catch (thrown) {
    flashes.fault(asFault(thrown));
  }
}

/** Writes a value into the company's config; an empty one takes what is there away. Rejects with a `Fault`. */
export async function setConfig(key: string, value: string): Promise<void> {
  try {
    await backend().call('config.set', { company: desk.company, key, value: value === '' ? 'null' : value });
  } catch (thrown) {
    throw asFault(thrown);
  }
  await desk.reload();
}

/** Sets the company's engine, by its name in configs. Rejects with a `Fault`. */
export function chooseEngine(engine: string): Promise<void> {
  return setConfig('engines.use', engine);
}

export async function openSession(): Promise<void> {
  try {
    const session = await backend().call('session.start', desk.company);
    flashes.say(m.desk_session_opened({ id: session.session_id }));
    await desk.reload();
  } catch (thrown) {
    flashes.fault(asFault(thrown));
  }
}

export async function closeSession(): Promise<void> {
  try {
    const done = await backend().call('session.stop', desk.company);
    const [id, count] = [done.session.session_id, done.cancelled.length];
    flashes.say(
      count > 0
        ? m.desk_session_closed_jobs({ id, count, stopped: stoppedWords(done.stopped) })
        : m.desk_session_closed({ id }),
    );
    await desk.reload();
  } catch (thrown) {
    flashes.fault(asFault(thrown));
  }
}

/** Opens an earlier session again; where the CEO's is in its way, that is closed before, with all the others. */
export async function resumeSession(wanted: Session): Promise<void> {
  try {
    if (desk.value?.session?.agent === wanted.agent) await backend().call('session.stop', desk.company);
    const session = await backend().call('session.resume', {
      company: desk.company,
      session_id: wanted.session_id,
    });
    flashes.say(m.desk_session_reopened({ id: session.session_id }));
  } catch (thrown) {
    flashes.fault(asFault(thrown));
  } finally {
    await desk.reload();
  }
}

/** Has the background process read its settings and every config again. */
export async function reloadDaemon(): Promise<void> {
  try {
    await backend().call('daemon.reload', {});
    flashes.say(m.desk_reloaded());
  } catch (thrown) {
    flashes.fault(asFault(thrown));
  }
}

/** Begins the background process anew; the banner says so until it is there again. */
export async function restartDaemon(): Promise<void> {
  link.restarting = true;
  try {
    await backend().call('daemon.restart', {});
  } catch (thrown) {
    const fault = asFault(thrown);
    // It may be gone before its answer is here: what was asked for.
    if (fault.code === 'daemon.unreachable') return;
    link.restarting = false;
    flashes.fault(fault);
  }
}

/** Quits the app; it asks first when work is under way. */
export async function quit(): Promise<void> {
  try {
    await backend().native.quit();
  } catch (thrown) {
    tellFault(thrown);
  }
}

/** For actions of the desktop whose only outcome worth telling is that they failed. */
export function tellFault(thrown: unknown): void {
  flashes.fault(asFault(thrown));
}
