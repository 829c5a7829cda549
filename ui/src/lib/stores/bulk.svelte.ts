import { SvelteSet } from 'svelte/reactivity';
import { backend, type Fault } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import type { ExportFormat, Job, JobId } from '$lib/contract/types';
import { m } from '$lib/paraglide/messages';
import { bytes } from '$lib/text/format';
import { isFinal, shortPath } from '$lib/text/names';
import { stopping } from './actions.svelte';
import { showInFolder } from './export.svelte';
import { flashes } from './flash.svelte';
import { link } from './link.svelte';

/** At once: the daemon has others to serve, too. */
const ABREAST = 4;
/** Jobs that one call forgets at most. */
const FORGET_MAX = 500;

export type BulkAct = 'cancel' | 'restart' | 'export' | 'delete';

/** What is being done with many jobs. */
class Bulk {
  act = $state<BulkAct>();
  done = $state(0);
  of = $state(0);

  /** Does it with each of them, a few at once; one that fails does not keep the others. Gives the first fault. */
  async each(
    act: BulkAct,
    jobs: readonly Job[],
    one: (job: Job) => Promise<void>,
  ): Promise<{ ok: number; faults: Fault[] }> {
    this.act = act;
    this.done = 0;
    this.of = jobs.length;
    const faults: Fault[] = [];
    let ok = 0;
    const rest = [...jobs];
    const work = async () => {
      for (let job = rest.shift(); job; job = rest.shift()) {
        try {
          await one(job);
          ok += 1;
        } catch (thrown) {
          faults.push(asFault(thrown));
        }
        this.done += 1;
      }
    };
    try {
      await Promise.all(Array.from({ length: Math.min(ABREAST, jobs.length) }, work));
    } finally {
      this.act = undefined;
    }
    return { ok, faults };
  }
}

export const bulk = new Bulk();

/** Tells how it went, with why one of them failed. */
function tell(words: string, faults: readonly Fault[], action?: { label: string; run: () => void }): void {
  const first = faults[0];
  if (!first) return flashes.say(words, 'plain', action);
  flashes.fault({
    ...first,
    message: m.jobs_bulk_failed({ done: words, count: faults.length, why: first.message }),
  });
}

/** Those of them that can be cancelled. */
export function cancellable(jobs: readonly Job[]): Job[] {
  return jobs.filter((job) => !isFinal(job.state) && !stopping.has(job.job_id));
}

/** Those of them that have ended: what can be begun anew, or forgotten. */
export function ended(jobs: readonly Job[]): Job[] {
  return jobs.filter((job) => isFinal(job.state));
}

export async function cancelAll(jobs: readonly Job[]): Promise<void> {
  const { ok, faults } = await bulk.each('cancel', cancellable(jobs), async (job) => {
    stopping.add(job.job_id);
    try {
      await backend().call('job.cancel', { job_id: job.job_id });
    } catch (thrown) {
      // It ended by itself just before: what the founder wanted.
      if (asFault(thrown).code !== 'job.final') throw thrown;
    } finally {
      stopping.delete(job.job_id);
    }
  });
  tell(m.jobs_bulk_cancelled({ count: ok }), faults);
}

export async function restartAll(jobs: readonly Job[]): Promise<void> {
  // One after the other, the oldest first: they stand in line as they did.
  const order = ended(jobs).sort((a, b) => a.job_id - b.job_id);
  let last = Promise.resolve();
  const { ok, faults } = await bulk.each('restart', order, (job) => {
    const mine = last.then(async () => {
      await backend().call('job.restart', { job_id: job.job_id, foreground: false });
    });
    last = mine.catch(() => undefined);
    return mine;
  });
  tell(m.jobs_bulk_restarted({ count: ok }), faults);
}

export async function exportAll(jobs: readonly Job[], format: ExportFormat): Promise<void> {
  let size = 0;
  let path = '';
  const { ok, faults } = await bulk.each('export', jobs, async (job) => {
    const written = await backend().call('job.export', { job_id: job.job_id, format });
    size += written.bytes;
    path = written.path;
  });
  const folder = path.replace(/[/\\][^/\\]*$/, '');
  tell(
    ok === 0
      ? m.jobs_bulk_nothing_exported()
      : m.jobs_bulk_exported({
          count: ok,
          folder: shortPath(folder, link.info?.user_home),
          size: bytes(size),
        }),
    faults,
    ok === 0 ? undefined : { label: m.jobs_bulk_show_folder(), run: () => showInFolder(path) },
  );
}

/** Forgets jobs for good; says which of them are gone. */
export async function deleteAll(jobs: readonly Job[]): Promise<ReadonlySet<JobId>> {
  const ids = ended(jobs).map((job) => job.job_id);
  const gone = new SvelteSet<JobId>();
  let size = 0;
  const faults: Fault[] = [];
  bulk.act = 'delete';
  bulk.done = 0;
  bulk.of = ids.length;
  try {
    for (let from = 0; from < ids.length; from += FORGET_MAX) {
      const some = ids.slice(from, from + FORGET_MAX);
      try {
        const done = await backend().call('job.delete', { job_ids: some });
        size += done.bytes;
        for (const id of some) gone.add(id);
      } catch (thrown) {
        faults.push(asFault(thrown));
        break;
      }
      bulk.done += some.length;
    }
  } finally {
    bulk.act = undefined;
  }
  const [first] = faults;
  if (gone.size > 0) flashes.say(m.jobs_bulk_deleted({ count: gone.size, size: bytes(size) }));
  if (first) flashes.fault(first);
  return gone;
}
