import { m } from '$lib/paraglide/messages';
import { backend, type Fault, type LinkState, type NativeInfo } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import { flashes } from './flash.svelte';

/** How the page stands with the daemon. */
class Link {
  state = $state<LinkState>('starting');
  error = $state<Fault>();
  info = $state.raw<NativeInfo>();
  /** The founder had the background process begin anew, and it is not there again yet. */
  restarting = $state(false);
  /** Grows each time the daemon is there again: what was read or subscribed before is to be read again. */
  generation = $state(0);
  /** Whether the daemon was there at all since the page was opened. */
  seen = $derived(this.generation > 0);

  async start(): Promise<void> {
    backend().on('native.link', ({ state, error }) => this.#become(state, error));
    try {
      await backend().start();
      await this.readInfo();
      // A note that came meanwhile is newer than what `info` said.
      if (this.info && this.state === 'starting') this.#become(this.info.daemon, undefined);
    } catch (thrown) {
      this.#become('lost', asFault(thrown));
    }
  }

  async readInfo(): Promise<void> {
    this.info = await backend().native.info();
  }

  async retry(): Promise<void> {
    this.state = 'starting';
    this.error = undefined;
    try {
      await backend().native.retry();
    } catch (thrown) {
      this.#become('lost', asFault(thrown));
    }
  }

  #become(state: LinkState, error: Fault | undefined): void {
    const before = this.state;
    this.state = state;
    this.error = state === 'ready' ? undefined : error;
    if (state === 'ready' && before !== 'ready' && this.restarting) {
      this.restarting = false;
      flashes.say(m.shell_restarted());
    }
    if (state === 'lost') this.restarting = false;
    if (state === 'ready' && (before !== 'ready' || this.generation === 0)) this.generation += 1;
  }
}

export const link = new Link();
