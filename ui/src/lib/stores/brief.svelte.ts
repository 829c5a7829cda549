import { backend, type Fault } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import type { CompanyRef, Job, Money, Origin } from '$lib/contract/types';
import { freshKey } from '$lib/text/directive';

/** A brief being written: its text outlives a failed send, and a second click sends nothing twice. */
export class BriefDraft {
  text = $state('');
  /** The brief's own limit in dollars; undefined for the settings' one. */
  limit = $state<Money>();
  sending = $state(false);
  fault = $state.raw<Fault>();
  sent = $state.raw<Job>();
  #key = freshKey();
  #keyText = '';
  readonly #origin: Origin;

  constructor(origin: Origin) {
    this.#origin = origin;
  }

  get ready(): boolean {
    return this.text.trim() !== '' && !this.sending;
  }

  /** Sends it. True when it is stored; else `fault` says why not, and the text stays. */
  async send(company: CompanyRef): Promise<boolean> {
    if (!this.ready) return false;
    const directive = this.text;
    // Another text is another brief. The same one, sent again after an error, must not become two.
    if (directive !== this.#keyText) {
      this.#key = freshKey();
      this.#keyText = directive;
    }
    this.sending = true;
    this.fault = undefined;
    this.sent = undefined;
    try {
      this.sent = await backend().call('job.submit', {
        company,
        directive,
        origin: this.#origin,
        foreground: false,
        queue: true,
        start_session: true,
        idempotency_key: this.#key,
        ...(this.limit === undefined ? {} : { max_cost_usd: this.limit }),
      });
      // What was typed while it was under way is the next brief.
      if (this.text === directive) this.text = '';
      this.#keyText = '';
      this.limit = undefined;
      return true;
    } catch (thrown) {
      this.fault = asFault(thrown);
      return false;
    } finally {
      this.sending = false;
    }
  }
}
