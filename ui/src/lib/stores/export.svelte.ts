import { SvelteSet } from 'svelte/reactivity';
import { backend } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import type { Event, ExportFormat, JobDetail, JobId } from '$lib/contract/types';
import { m } from '$lib/paraglide/messages';
import { toRows } from '$lib/state/rows';
import { copyText } from '$lib/text/clipboard';
import { bytes, count } from '$lib/text/format';
import { jobMarkdown } from '$lib/text/transcript';
import { folderOf, isFinal, shortPath } from '$lib/text/names';
import { tellFault } from './actions.svelte';
import { flashes } from './flash.svelte';
import { link } from './link.svelte';

/** Jobs that are being written to a file right now: a long one takes a while. */
export const exporting = new SvelteSet<JobId>();

/** Writes a job to a file in the founder's folder for downloads, and says where that is. */
export async function exportJob(jobId: JobId, format: ExportFormat): Promise<string | undefined> {
  if (exporting.has(jobId)) return undefined;
  exporting.add(jobId);
  try {
    const written = await backend().call('job.export', { job_id: jobId, format });
    const where = shortPath(written.path, link.info?.user_home);
    flashes.say(m.job_exported({ id: jobId, where, size: bytes(written.bytes) }), 'plain', {
      label: m.job_show_in_folder(),
      run: () => showInFolder(written.path),
    });
    return written.path;
  } catch (thrown) {
    flashes.fault(asFault(thrown));
    return undefined;
  } finally {
    exporting.delete(jobId);
  }
}

/** Opens the folder that a file is in. */
export function showInFolder(path: string): void {
  backend().native.openPath(folderOf(path)).catch(tellFault);
}

const PAGE = 500;
/** Events that a copy of a whole job holds, at most: more is for a file. */
const MAX_COPIED = 5000;

/** Copies a job, or the first part of a very long one, as Markdown. */
export async function copyJob(job: JobDetail): Promise<void> {
  if (exporting.has(job.job_id)) return;
  exporting.add(job.job_id);
  try {
    let events: Event[] = [];
    let more = true;
    while (more && events.length < MAX_COPIED) {
      const after = events.at(-1)?.seq ?? 0;
      const page = await backend().call('event.list', { job_id: job.job_id, after, limit: PAGE });
      events = [...events, ...page.events];
      more = page.more_after && page.events.length > 0;
    }
    const rows = toRows(events, [], isFinal(job.state), job.agent);
    await copyText(jobMarkdown(job, rows, Date.now(), more));
    flashes.say(
      more ? m.job_copied_first({ n: count(events.length), id: job.job_id }) : m.job_copied_whole({ id: job.job_id }),
    );
  } catch (thrown) {
    tellFault(thrown);
  } finally {
    exporting.delete(job.job_id);
  }
}

/** Copies what a job came to, as its agent wrote it. */
export async function copyAnswer(job: JobDetail): Promise<void> {
  try {
    await copyText(job.answer ?? job.result ?? '');
    flashes.say(m.job_copied_answer());
  } catch (thrown) {
    tellFault(thrown);
  }
}
