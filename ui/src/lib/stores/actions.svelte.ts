import { SvelteSet } from 'svelte/reactivity';
import { backend } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import type { JobId } from '$lib/contract/types';
import { plural } from '$lib/text/format';
import { desk } from './desk.svelte';
import { flashes } from './flash.svelte';
import { router } from './route.svelte';

/** Jobs that were told to stop and have not said that they did. */
export const stopping = new SvelteSet<JobId>();
const restarting = new SvelteSet<JobId>();

export async function cancelJob(jobId: JobId): Promise<void> {
  if (stopping.has(jobId)) return;
  stopping.add(jobId);
  try {
    const done = await backend().call('job.cancel', { job_id: jobId });
    const left = done.left === 0 ? '0 processes left' : `${plural(done.left, 'process', 'processes')} left`;
    flashes.say(`Job #${jobId} stopped: ${left}.`);
  } catch (thrown) {
    const fault = asFault(thrown);
    // It ended by itself just before: what the founder wanted.
    if (fault.code !== 'job.final') flashes.fault(fault);
  } finally {
    stopping.delete(jobId);
  }
}

export async function restartJob(jobId: JobId): Promise<void> {
  if (restarting.has(jobId)) return;
  restarting.add(jobId);
  try {
    const job = await backend().call('job.restart', { job_id: jobId });
    flashes.say(`Job #${jobId} starts again as #${job.job_id}.`);
    router.go({ screen: 'job', jobId: job.job_id });
  } catch (thrown) {
    flashes.fault(asFault(thrown));
  } finally {
    restarting.delete(jobId);
  }
}

/** Sets the company's engine. Rejects with a `Fault`. */
export async function chooseEngine(mode: 'auto' | 'anthropic-api' | 'practice'): Promise<void> {
  try {
    await backend().call('config.set', { company: desk.company, key: 'engine.mode', value: mode });
  } catch (thrown) {
    throw asFault(thrown);
  }
  await desk.reload();
}

export async function openSession(): Promise<void> {
  try {
    const session = await backend().call('session.start', desk.company);
    flashes.say(`Session #${session.session_id} is open.`);
    await desk.reload();
  } catch (thrown) {
    flashes.fault(asFault(thrown));
  }
}

export async function closeSession(): Promise<void> {
  try {
    const done = await backend().call('session.stop', desk.company);
    const cancelled = done.cancelled.length ? ` ${plural(done.cancelled.length, 'job')} cancelled.` : '';
    flashes.say(`Session #${done.session.session_id} is closed.${cancelled}`);
    await desk.reload();
  } catch (thrown) {
    flashes.fault(asFault(thrown));
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
