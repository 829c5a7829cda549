import { backend } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import type { JobId } from '$lib/contract/types';

/*
 * What the founder has begun to say to jobs at work: kept on this computer until it is sent, over the end of the app.
 */

const NAME = 'draft/follow-up/';
/** Jobs whose drafts are kept, at most: the latest. */
export const MAX_DRAFTS = 40;

export function keptFollowUp(jobId: JobId): string {
  return localStorage.getItem(NAME + jobId) ?? '';
}

export function keepFollowUp(jobId: JobId, text: string): void {
  const name = NAME + jobId;
  if (text.trim() === '') {
    localStorage.removeItem(name);
    return;
  }
  const isNew = localStorage.getItem(name) === null;
  try {
    localStorage.setItem(name, text);
  } catch (thrown) {
    // Too long for what a page may keep: it stays in the field all the same.
    backend().native.reportError(`A follow-up is not kept: ${asFault(thrown).message}`, ''); // not words
  }
  if (isNew) forgetOldest();
}

function forgetOldest(): void {
  const jobs = Object.keys(localStorage)
    .filter((name) => name.startsWith(NAME))
    .map((name) => Number(name.slice(NAME.length)))
    .sort((a, b) => b - a);
  for (const jobId of jobs.slice(MAX_DRAFTS)) localStorage.removeItem(NAME + jobId);
}
