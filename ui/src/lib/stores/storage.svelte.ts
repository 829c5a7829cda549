import { backend, type Fault } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import type { StorageReport } from '$lib/contract/types';

/** What is kept on disk. It is measured when it is looked at: that reads every folder. */
export class StorageStore {
  value = $state.raw<StorageReport>();
  fault = $state.raw<Fault>();
  loading = $state(false);

  async read(): Promise<void> {
    if (this.loading) return;
    this.loading = true;
    try {
      this.value = await backend().call('storage.get', {});
      this.fault = undefined;
    } catch (thrown) {
      this.fault = asFault(thrown);
    } finally {
      this.loading = false;
    }
  }
}
