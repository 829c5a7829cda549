import { untrack } from 'svelte';
import { backend, type Fault } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import type { CompanyId, CompanyRef, Job, JobId, Money, Origin, Time } from '$lib/contract/types';
import { m } from '$lib/paraglide/messages';
import type { Plan, WhenBusy } from '$lib/state/fate';
import { freshKey } from '$lib/text/directive';
import { count } from '$lib/text/format';

/** How long it is said that a brief was sent. */
const SAYS_SENT_MS = 8000;

const CEO = 'ceo';
/** Files that a brief may have. */
export const MAX_ATTACHMENTS = 20;
/** Of something pasted, in bytes. */
const MAX_PASTED = 20 * 1024 * 1024;

/** What is kept of a draft beside its text. */
interface KeptDraft {
  readonly agent: string;
  readonly limit?: Money | undefined;
  readonly attachments: readonly string[];
  readonly foreground: boolean;
  readonly priority: number;
  readonly after?: JobId | undefined;
  readonly at?: Time | undefined;
  readonly whenBusy: WhenBusy;
}

/** Of a place in line, either way. */
export const MAX_PRIORITY = 100;

/** A number of a job, or a time. */
function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0;
}

/** What was kept, as far as it is what it should be: anybody may have written it. */
function keptDraft(text: string | null): KeptDraft {
  const none: KeptDraft = { agent: CEO, attachments: [], foreground: false, priority: 0, whenBusy: 'queue' };
  if (text === null) return none;
  try {
    const { agent, limit, attachments, foreground, ...plan } = JSON.parse(text) as Partial<KeptDraft>;
    return {
      agent: typeof agent === 'string' && agent !== '' ? agent : CEO,
      attachments: Array.isArray(attachments)
        ? attachments.filter((path): path is string => typeof path === 'string').slice(0, MAX_ATTACHMENTS)
        : [],
      foreground: foreground === true,
      ...(typeof limit === 'number' && limit >= 0 ? { limit } : {}),
      priority:
        Number.isInteger(plan.priority) && Math.abs(plan.priority ?? 0) <= MAX_PRIORITY ? (plan.priority ?? 0) : 0,
      whenBusy: plan.whenBusy === 'replace' || plan.whenBusy === 'keep' ? plan.whenBusy : 'queue',
      ...(isCount(plan.after) ? { after: plan.after } : {}),
      // A time that has passed meanwhile says nothing any more.
      ...(isCount(plan.at) && plan.at > Date.now() ? { at: plan.at } : {}),
    };
  } catch {
    return none;
  }
}

/** The bytes of a file that was pasted, in base64. */
async function base64(file: Blob): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let binary = '';
  for (let i = 0; i < bytes.length; i += 0x8000) binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(binary);
}

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
  /** Whether the founder means to watch it: it is opened once it is sent. */
  foreground = $state(false);
  /** Files that go with it, by their whole paths. */
  attachments = $state.raw<readonly string[]>([]);
  /** Something pasted is on its way to a file. */
  keeping = $state(false);
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
      const more = keptDraft(localStorage.getItem(`${name}/more`));
      // What was typed before there was a company stays; what belongs to another one does not.
      const fresh = this.#company !== undefined || untrack(() => this.text === '' && this.attachments.length === 0);
      if (fresh) {
        this.text = kept;
        this.agent = more.agent;
        this.limit = more.limit;
        this.attachments = more.attachments;
        this.foreground = more.foreground;
        this.priority = more.priority;
        this.after = more.after;
        this.at = more.at;
        this.whenBusy = more.whenBusy;
      }
      this.#company = company;
    }
    const { text, agent, limit, attachments, foreground, priority, after, at, whenBusy } = this;
    const usual = agent === CEO && limit === undefined && attachments.length === 0 && !foreground;
    const plain = usual && this.plain && whenBusy === 'queue';
    try {
      if (text === '') localStorage.removeItem(name);
      else localStorage.setItem(name, text);
      if (plain) localStorage.removeItem(`${name}/more`);
      else {
        const more: KeptDraft = { agent, limit, attachments, foreground, priority, after, at, whenBusy };
        localStorage.setItem(`${name}/more`, JSON.stringify(more));
      }
    } catch (thrown) {
      // Too long for what a page may keep: it stays in the field all the same.
      backend().native.reportError(`A draft is not kept: ${asFault(thrown).message}`, ''); // not words
    }
  }

  /** Lets go of what was kept of a brief that is sent. */
  #forget(company: CompanyId, directive: string): void {
    const name = `draft/${this.#origin}/${company}`;
    if (localStorage.getItem(name) !== directive) return;
    localStorage.removeItem(name);
    localStorage.removeItem(`${name}/more`);
  }

  /** Lays files beside it, each once. What is too much is said, and not attached. */
  attach(paths: readonly string[]): void {
    const all = [...this.attachments, ...paths].filter((path, i, rows) => rows.indexOf(path) === i);
    this.attachments = all.slice(0, MAX_ATTACHMENTS);
    this.fault =
      all.length > MAX_ATTACHMENTS
        ? {
            code: 'request.bad',
            kind: 'user',
            message: m.desk_too_many_files({ count: all.length - MAX_ATTACHMENTS, most: MAX_ATTACHMENTS }),
            fix: m.desk_too_many_files_fix(),
            retryable: false,
          }
        : undefined;
  }

  detach(path: string): void {
    this.attachments = this.attachments.filter((row) => row !== path);
  }

  /** Lets the founder choose files for it. */
  async pick(): Promise<void> {
    try {
      this.attach(await backend().native.pickFiles());
    } catch (thrown) {
      this.fault = asFault(thrown);
    }
  }

  /** Attaches what was pasted and is no text: a picture of the screen for example. */
  async paste(files: readonly File[]): Promise<void> {
    this.keeping = true;
    let tooBig: Fault | undefined;
    try {
      for (const file of files) {
        if (file.size > MAX_PASTED) {
          tooBig = {
            code: 'request.bad',
            kind: 'user',
            message: m.desk_pasted_too_big({ size: count(Math.ceil(file.size / 1024 / 1024)) }),
            fix: m.desk_pasted_too_big_fix(),
            retryable: false,
          };
          continue;
        }
        const ending = file.type.split('/')[1]?.replace(/\W.*$/, '') ?? 'bin';
        const name = file.name === '' || file.name === 'image.png' ? `pasted.${ending}` : file.name;
        this.attach([await backend().native.keepPasted(name, await base64(file))]);
      }
      // Those that were attached after it said nothing of it.
      if (tooBig) this.fault = tooBig;
    } catch (thrown) {
      this.fault = asFault(thrown);
    } finally {
      this.keeping = false;
    }
  }

  get ready(): boolean {
    return this.text.trim() !== '' && !this.sending && !this.keeping;
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
    const attachments = [...this.attachments];
    // Another text, or for somebody else, is another brief. The same one, sent again after an error, must not become two.
    const sending = [JSON.stringify(company), this.agent, ...attachments, directive].join('\n');
    const own = this.#company;
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
        foreground: this.foreground,
        queue: true,
        start_session: true,
        priority: this.priority,
        attachments,
        idempotency_key: this.#key,
        ...(this.agent === CEO ? {} : { agent: this.agent }),
        ...(this.after === undefined ? {} : { after_job_id: this.after }),
        ...(this.at === undefined ? {} : { not_before: this.at }),
        ...(this.limit === undefined ? {} : { max_cost_usd: this.limit }),
      });
      const elsewhere = own !== undefined && own !== this.#company;
      if (elsewhere) this.#forget(own, directive);
      const sent = this.sent;
      setTimeout(() => {
        if (this.sent === sent) this.sent = undefined;
      }, SAYS_SENT_MS);
      this.#keyText = '';
      // What is on screen by now is of another company.
      if (elsewhere) return true;
      // What was typed while it was under way is the next brief.
      if (this.text === directive) this.text = '';
      this.attachments = this.attachments.filter((path) => !attachments.includes(path));
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
