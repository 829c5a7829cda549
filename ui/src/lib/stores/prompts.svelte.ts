import { backend, type Fault } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import type { Event, JobId } from '$lib/contract/types';

export type PromptEvent = Event & { kind: 'prompt' };

const PAGE = 500;
/** Events that are looked through from the start, at most: an agent's prompt is there before all that it does. */
const MAX_EVENTS = 20_000;
const MAX_PROMPTS = 200;

/** What each agent of a job was told first. */
export class PromptsStore {
  rows = $state.raw<readonly PromptEvent[]>([]);
  fault = $state.raw<Fault>();
  loaded = $state(false);
  /** Whether later events were not looked through. */
  cut = $state(false);
  readonly #jobId: JobId;
  #after = 0;
  #reading = false;
  #closed = false;

  constructor(jobId: JobId) {
    this.#jobId = jobId;
  }

  close(): void {
    this.#closed = true;
  }

  /** Reads on from where it was the last time. */
  async read(): Promise<void> {
    if (this.#reading || this.#closed) return;
    this.#reading = true;
    try {
      let seen = 0;
      for (;;) {
        const page = await backend().call('event.list', { job_id: this.#jobId, after: this.#after, limit: PAGE });
        if (this.#closed) return;
        const before = this.#after;
        const found = page.events.filter(
          (event): event is PromptEvent => event.kind === 'prompt' && event.seq > before,
        );
        this.#after = Math.max(before, page.events.at(-1)?.seq ?? 0);
        seen += page.events.length;
        if (found.length > 0) this.rows = [...this.rows, ...found].slice(0, MAX_PROMPTS);
        if (!page.more_after || page.events.length === 0) break;
        if (seen >= MAX_EVENTS || this.rows.length >= MAX_PROMPTS) {
          this.cut = true;
          break;
        }
      }
      this.fault = undefined;
    } catch (thrown) {
      if (!this.#closed) this.fault = asFault(thrown);
    } finally {
      this.#reading = false;
      this.loaded = true;
    }
  }
}
