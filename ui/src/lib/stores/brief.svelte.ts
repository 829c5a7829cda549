import { untrack } from 'svelte';
import { backend, type Fault } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import type { CompanyId, CompanyRef, Job, Money, Origin } from '$lib/contract/types';
import { freshKey } from '$lib/text/directive';

/** How long it is said that a brief was sent. */
const SAYS_SENT_MS = 8000;

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
  #company: CompanyId | undefined;
  readonly #origin: Origin;

  constructor(origin: Origin) {
    this.#origin = origin;
  }

  /** Whose brief it is: its text is kept on this computer until it is sent, over the end of the app. For an effect. */
  keepFor(company: CompanyId | undefined): void {
    if (company === undefined) return;
    const name = `draft/${this.#origin}/${company}`;
    if (company !== this.#company) {
      const kept = localStorage.getItem(name) ?? '';
      // What was typed before there was a company stays; what belongs to another one does not.
      if (this.#company !== undefined || untrack(() => this.text) === '') this.text = kept;
      this.#company = company;
    }
    const text = this.text;
    try {
      if (text === '') localStorage.removeItem(name);
      else localStorage.setItem(name, text);
    } catch (thrown) {
      // Too long for what a page may keep: it stays in the field all the same.
      backend().native.reportError(`A draft is not kept: ${asFault(thrown).message}`, '');
    }
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
      const sent = this.sent;
      setTimeout(() => {
        if (this.sent === sent) this.sent = undefined;
      }, SAYS_SENT_MS);
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
