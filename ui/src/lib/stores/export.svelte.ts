import { SvelteSet } from 'svelte/reactivity';
import { backend } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import type { ExportFormat, JobId } from '$lib/contract/types';
import { bytes } from '$lib/text/format';
import { folderOf, shortPath } from '$lib/text/names';
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
    flashes.say(`Job #${jobId} is in ${where}, ${bytes(written.bytes)}.`, 'plain', {
      label: 'Show in folder',
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
