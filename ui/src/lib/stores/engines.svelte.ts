import { untrack } from 'svelte';
import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import { backend, type Fault } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import type { EngineInfo, EngineList, EngineTrial } from '$lib/contract/types';
import { link } from './link.svelte';

/** The engines of this computer, and what came of trying them. Several places show them; they are looked for once. */
class EnginesStore {
  value = $state.raw<EngineList>();
  fault = $state.raw<Fault>();
  loading = $state(false);
  readonly trying = new SvelteSet<string>();
  readonly trials = new SvelteMap<string, EngineTrial>();
  /** Why an engine could not even be tried. */
  readonly faults = new SvelteMap<string, Fault>();
  #generation = -1;

  /** Looks for them where that was not done yet since the daemon came. An effect may ask: it does not hang on this. */
  async ensure(): Promise<void> {
    if (untrack(() => this.#generation === link.generation)) return;
    await untrack(() => this.load());
  }

  async load(): Promise<void> {
    const generation = link.generation;
    this.#generation = generation;
    this.loading = true;
    try {
      const found = await backend().call('engine.list', {});
      if (generation !== this.#generation) return;
      this.value = found;
      this.fault = undefined;
    } catch (thrown) {
      if (generation === this.#generation) this.fault = asFault(thrown);
    } finally {
      if (generation === this.#generation) this.loading = false;
    }
  }

  find(engine: string): EngineInfo | undefined {
    return this.value?.engines.find((row) => row.engine === engine);
  }

  /** Asks an engine one short question. It costs a cent at most. */
  async try(engine: string): Promise<void> {
    if (this.trying.has(engine)) return;
    this.trying.add(engine);
    this.trials.delete(engine);
    this.faults.delete(engine);
    try {
      this.trials.set(engine, await backend().call('engine.try', { engine }));
    } catch (thrown) {
      this.faults.set(engine, asFault(thrown));
    } finally {
      this.trying.delete(engine);
    }
  }

  /** Forgets all of it. */
  reset(): void {
    this.value = undefined;
    this.fault = undefined;
    this.loading = false;
    this.#generation = -1;
    this.trying.clear();
    this.trials.clear();
    this.faults.clear();
  }
}

export const engines = new EnginesStore();
