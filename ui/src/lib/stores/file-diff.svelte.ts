import { backend, type Fault } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import type { FileDiff, JobId } from '$lib/contract/types';

/** One file of a job, compared with what it was before. */
export class FileDiffStore {
  value = $state.raw<FileDiff>();
  fault = $state.raw<Fault>();
  loading = $state(false);
  #turn = 0;

  /** Reads it; what is on screen of the same file stays until then. */
  async open(jobId: JobId, path: string): Promise<void> {
    const turn = ++this.#turn;
    if (this.value?.path !== path) this.value = undefined;
    this.loading = true;
    this.fault = undefined;
    try {
      const value = await backend().call('job.file_diff', { job_id: jobId, path });
      if (turn === this.#turn) this.value = value;
    } catch (thrown) {
      if (turn === this.#turn) this.fault = asFault(thrown);
    } finally {
      if (turn === this.#turn) this.loading = false;
    }
  }
}
