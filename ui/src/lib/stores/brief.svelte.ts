import { untrack } from 'svelte';
import { backend, type Fault } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import type { CompanyId, CompanyRef, Job, JobId, Money, Origin, Time } from '$lib/contract/types';
import type { Plan, WhenBusy } from '$lib/state/fate';
import { freshKey } from '$lib/text/directive';

/** How long it is said that a brief was sent. */
const SAYS_SENT_MS = 8000;

const CEO = 'ceo';

/** A brief being written: its text outlives a failed send, and a second click sends nothing twice. */
export class BriefDraft {
  text = $state('');
  /** Who is briefed (role). */
  agent = $state(CEO);
  /** The brief's own limit in dollars; undefined for the settings' one. */
  limit = $state<Money>();
  /** Its place in line: higher goes first. */
  priority = $state(0);
  /** The job that must complete before it begins. */
  after = $state<JobId>();
  /** When it begins, at the earliest. */
  at = $state<Time>();
  whenBusy = $state<WhenBusy>('queue');
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
      if (this.#company !== undefined) this.agent = CEO;
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

  get plan(): Plan {
    return { priority: this.priority, after: this.after, at: this.at, whenBusy: this.whenBusy, agent: this.agent };
  }

  /** Whether it starts as any other would: nothing of its plan is the founder's own. */
  get plain(): boolean {
    return this.priority === 0 && this.after === undefined && this.at === undefined;
  }

  /** Back to a brief without a plan of its own. */
  unplan(): void {
    this.priority = 0;
    this.after = undefined;
    this.at = undefined;
    this.whenBusy = 'queue';
  }

  /** Sends it. True when it is stored; else `fault` says why not, and the text stays. */
  async send(company: CompanyRef): Promise<boolean> {
    if (!this.ready) return false;
    const directive = this.text;
    // Another text, or for somebody else, is another brief. The same one, sent again after an error, must not become two.
    const sending = `${this.agent}\n${directive}`;
    if (sending !== this.#keyText) {
      this.#key = freshKey();
      this.#keyText = sending;
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
        priority: this.priority,
        idempotency_key: this.#key,
        ...(this.agent === CEO ? {} : { agent: this.agent }),
        ...(this.after === undefined ? {} : { after_job_id: this.after }),
        ...(this.at === undefined ? {} : { not_before: this.at }),
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
      this.unplan();
      return true;
    } catch (thrown) {
      this.fault = asFault(thrown);
      return false;
    } finally {
      this.sending = false;
    }
  }
}
