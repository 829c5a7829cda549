import { backend, type Fault } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import type { Health } from '$lib/contract/types';

/** How often it is read while it is looked at. */
const EVERY_MS = 3000;

/** How the background process fares, read again while somebody looks. */
export class HealthStore {
  value = $state.raw<Health>();
  fault = $state.raw<Fault>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  #turn = 0;

  /** Begins; returns what ends it. A hidden page asks for nothing, and at once when it is shown. */
  start(): () => void {
    const look = (): void => {
      clearTimeout(this.#timer);
      if (!document.hidden) void this.#go();
    };
    look();
    document.addEventListener('visibilitychange', look);
    return () => {
      this.#closed = true;
      clearTimeout(this.#timer);
      document.removeEventListener('visibilitychange', look);
    };
  }

  async #go(): Promise<void> {
    const turn = ++this.#turn;
    await this.read();
    if (this.#closed || document.hidden || turn !== this.#turn) return;
    this.#timer = setTimeout(() => void this.#go(), EVERY_MS);
  }

  async read(): Promise<void> {
    try {
      const health = await backend().call('daemon.health', {});
      if (this.#closed) return;
      this.value = health;
      this.fault = undefined;
    } catch (thrown) {
      if (!this.#closed) this.fault = asFault(thrown);
    }
  }
}
