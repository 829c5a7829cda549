import { tick } from 'svelte';
import { backend, type Fault } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import type { ChangedFile, Event, JobDetail, JobId, Question, Seq, Span, Time } from '$lib/contract/types';
import {
  cutEnd,
  cutStart,
  EMPTY_WINDOW,
  firstSeq,
  fromPage,
  holds,
  lastSeq,
  WINDOW_MAX,
  withAround,
  withEarlier,
  withLater,
  withLive,
  withResync,
  type EventWindow,
} from '$lib/state/event-window';
import { rowOf, withRow } from '$lib/state/job-row';
import {
  lastSaid,
  NOTHING_LATE,
  withDelta,
  withLate,
  withoutLate,
  withoutSaid,
  withoutStored,
  type Tail,
} from '$lib/state/tails';
import { isFinal, isProgram } from '$lib/text/names';

const PAGE = 200;
/** Events that a job is opened with: more than a screenful of rows. */
const FIRST_PAGE = 80;
/** Steps of the search for the event of a time: enough for any number of events. */
const MAX_STEPS = 48;
const SPAN_PAGE = 500;
/** Spans that are asked for before it is known how many there are. */
const FIRST_SPANS = 100;
/** By then what was read is drawn. */
const DRAWN_MS = 50;
/** Spans that the lanes are drawn from, at most: the latest. */
const MAX_SPANS = 2000;
const MAX_FILES = 1000;
/** Events among which a program says that it has begun: it does so before all it does. */
const FIRST_EVENTS = 60;
/** Questions that a Desk has, at most. */
const DESK_QUESTIONS = 20;
/** How often facts, lanes and files are read again while events pour in. */
const REFRESH_MS = 1000;
/** And while nothing happens: the heartbeat is a fact too. */
const IDLE_REFRESH_MS = 5000;

type EngineStarted = Event & { kind: 'engine_started' };

/** One job on screen: facts, lanes, files, and a window on its events. */
export class JobStore {
  readonly jobId: JobId;
  detail = $state.raw<JobDetail>();
  window = $state.raw<EventWindow>(EMPTY_WINDOW);
  tails = $state.raw<readonly Tail[]>([]);
  spans = $state.raw<readonly Span[]>([]);
  spanTotal = $state(0);
  files = $state.raw<readonly ChangedFile[]>([]);
  /** What it asks the founder right now. */
  questions = $state.raw<readonly Question[]>([]);
  /** The program that the run works with, as it said when it began; none where the engine is none. */
  program = $state.raw<EngineStarted>();
  fault = $state.raw<Fault>();
  eventsLoaded = $state(false);
  loadingEarlier = $state(false);
  /** Whether the last change of the window was at its start: the list then keeps its place from the end. */
  shifted = $state(false);
  /** Live events that came while the window was elsewhere. */
  unseen = $state(0);

  #ends: (() => void)[] = [];
  #subscription: number | undefined;
  #refreshDue = false;
  #refreshing: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  #waiting: Event[] = [];
  #late = NOTHING_LATE;
  /** What each had said last when it was subscribed, until they are heard again. */
  #said = NOTHING_LATE;
  #frame: number | undefined;
  /** What was asked for last to be shown. */
  #turn = 0;

  constructor(jobId: JobId) {
    this.jobId = jobId;
  }

  /** Reads everything and follows it, until `close`. */
  async open(): Promise<void> {
    this.#ends = [
      backend().on('event.added', ({ events }) => this.#take(events.filter((event) => event.job_id === this.jobId))),
      backend().on('event.delta', (delta) => {
        if (delta.job_id !== this.jobId) return;
        // What was said before it comes before it.
        this.#taken();
        const first = withoutSaid(this.#said, delta);
        const { late, text } = withoutLate(this.#late, { ...delta, text: first.text });
        this.#said = first.said;
        this.#late = late;
        // Who has ended says nothing any more: it is the end of what is stored.
        if (text === '' || this.window.moreAfter || (this.detail && isFinal(this.detail.state))) return;
        this.tails = withDelta(this.tails, { ...delta, text });
      }),
      backend().on('event.resync', ({ subscription }) => {
        if (subscription !== undefined && subscription === this.#subscription) void this.#resync();
      }),
      backend().on('native.link', ({ state }) => {
        // The desktop subscribes anew by itself, and the tails come again.
        if (state !== 'ready') this.tails = [];
      }),
      backend().on('desk.changed', ({ jobs, questions, company_id }) => {
        if (questions && company_id === this.detail?.company_id) {
          // A Desk has the first of them only: whether there are others is asked for.
          if (questions.length >= DESK_QUESTIONS) void this.#readQuestions();
          else this.questions = questions.filter((question) => question.job_id === this.jobId);
        }
        const row = jobs.find((job) => job.job_id === this.jobId);
        if (!row || !this.detail || row.seq < this.detail.seq) return;
        this.detail = withRow(this.detail, row);
        if (isFinal(row.state)) this.tails = [];
        this.#refreshSoon();
      }),
    ];
    const latest = this.#readLatest(FIRST_PAGE);
    const drawn = latest.then(() => new Promise((done) => setTimeout(done, DRAWN_MS)));
    await Promise.all([this.#readDetail(), latest, this.#readSpans(drawn), this.#readFiles()]);
    if (this.detail && isProgram(this.detail.engine)) await this.#readProgram();
    // Who has ended asks nothing any more.
    if (this.detail && !isFinal(this.detail.state)) await this.#readQuestions();
    this.#refreshLater();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#refreshing);
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
    this.#ends.forEach((end) => end());
    this.#unsubscribe();
  }

  async loadEarlier(): Promise<void> {
    const before = firstSeq(this.window);
    if (!this.window.moreBefore || this.loadingEarlier || before === undefined) return;
    this.loadingEarlier = true;
    try {
      const page = await backend().call('event.list', { job_id: this.jobId, before, limit: PAGE });
      // Another place is shown meanwhile, or the start was let go of: there would be a gap.
      if (this.#closed || firstSeq(this.window) !== before) return;
      this.shifted = true;
      this.window = withEarlier(this.window, page);
      await tick();
      this.shifted = false;
      this.window = cutEnd(this.window);
    } catch (thrown) {
      this.fault = asFault(thrown);
    } finally {
      this.loadingEarlier = false;
    }
  }

  async loadLater(): Promise<void> {
    if (!this.window.moreAfter || this.loadingEarlier) return;
    this.loadingEarlier = true;
    try {
      const after = lastSeq(this.window);
      const page = await backend().call('event.list', { job_id: this.jobId, after, limit: PAGE });
      if (this.#closed || lastSeq(this.window) !== after) return;
      this.shifted = false;
      this.window = withLater(this.window, page);
      await this.#cutStart();
      // From here on it follows the end again: nothing may fall between.
      if (!page.more_after) await this.#subscribe();
    } catch (thrown) {
      this.fault = asFault(thrown);
    } finally {
      this.loadingEarlier = false;
    }
  }

  async jumpToLatest(): Promise<void> {
    this.unseen = 0;
    this.#turn += 1;
    if (this.window.moreAfter) await this.#readLatest();
  }

  /** Reads around an event where it is not here. False where that failed, or something else was asked for meanwhile. */
  async show(seq: Seq): Promise<boolean> {
    const turn = ++this.#turn;
    if (holds(this.window, seq)) return true;
    try {
      const half = PAGE / 2;
      const [before, after] = await Promise.all([
        backend().call('event.list', { job_id: this.jobId, before: seq, limit: half }),
        backend().call('event.list', { job_id: this.jobId, after: seq - 1, limit: half }),
      ]);
      if (this.#closed || turn !== this.#turn) return false;
      this.shifted = false;
      this.window = withAround(before, after);
      if (this.window.moreAfter) this.tails = [];
      // It is the end that is shown: what came while it was read is not to be missed.
      else await this.#subscribe();
      return true;
    } catch (thrown) {
      if (!this.#closed) this.fault = asFault(thrown);
      return false;
    }
  }

  /** The first event at or after a time, found in steps: a job of a million takes twenty. None where there is none. */
  async seqAt(at: Time): Promise<Seq | undefined> {
    const here = this.window.events;
    const [first, last] = [here[0], here.at(-1)];
    if (first && last && first.at <= at && (at <= last.at || !this.window.moreAfter))
      return (here.find((event) => event.at >= at) ?? last).seq;
    try {
      const page = (after: Seq) => backend().call('event.list', { job_id: this.jobId, after, limit: 1 });
      const latest = (await backend().call('event.list', { job_id: this.jobId, limit: 1 })).events[0];
      const earliest = (await page(0)).events[0];
      if (!latest || !earliest) return undefined;
      if (at <= earliest.at) return earliest.seq;
      if (at >= latest.at) return latest.seq;
      let before = earliest.seq;
      let found = latest.seq;
      for (let step = 0; step < MAX_STEPS && found - before > 1; step += 1) {
        const middle = before + Math.floor((found - before) / 2);
        const event = (await page(middle - 1)).events[0];
        // Numbers are shared with other jobs: the next one of this job may lie past the middle.
        if (!event || event.seq >= found) found = middle;
        else if (event.at >= at) found = event.seq;
        else before = event.seq;
      }
      return (await page(found - 1)).events[0]?.seq;
    } catch (thrown) {
      if (!this.#closed) this.fault = asFault(thrown);
      return undefined;
    }
  }

  /** The daemon is there again: everything is read anew, and what is on screen stays until then. */
  async reopen(): Promise<void> {
    this.fault = undefined;
    await Promise.all([
      this.#readDetail(),
      this.eventsLoaded && this.window.events.length > 0 ? this.#resync() : this.#readLatest(),
      this.#readSpans(),
      this.#readFiles(),
    ]);
    if (this.detail && !isFinal(this.detail.state)) await this.#readQuestions();
    else this.questions = [];
    this.#refreshLater();
  }

  /** Events wait for the next frame: however many come, rows are made once for it, and a slow frame takes more of them. */
  #take(events: readonly Event[]): void {
    if (events.length === 0) return;
    this.#waiting.push(...events);
    // A page that nobody sees has no frames.
    if (document.hidden || this.#waiting.length > WINDOW_MAX) this.#taken();
    else this.#frame ??= requestAnimationFrame(() => this.#taken());
  }

  #taken(): void {
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
    this.#frame = undefined;
    this.#added(this.#waiting.splice(0));
  }

  #added(events: readonly Event[]): void {
    if (events.length === 0 || this.#closed) return;
    this.#begun(events);
    this.#late = withLate(this.#late, this.tails, events);
    this.tails = withoutStored(this.tails, events);
    if (this.window.moreAfter) this.unseen += events.length;
    this.shifted = false;
    this.window = withLive(this.window, events);
    void this.#cutStart();
    this.#refreshSoon();
  }

  async #cutStart(): Promise<void> {
    if (this.window.events.length <= WINDOW_MAX) return;
    await tick();
    this.shifted = true;
    this.window = cutStart(this.window);
  }

  async #readDetail(): Promise<void> {
    try {
      const detail = await backend().call('job.get', { job_id: this.jobId });
      if (this.#closed) return;
      // A row that came by note meanwhile may be newer than this answer.
      const known = this.detail;
      this.detail = known && known.seq > detail.seq ? withRow(detail, rowOf(known)) : detail;
      this.fault = undefined;
    } catch (thrown) {
      if (!this.#closed) this.fault = asFault(thrown);
    }
  }

  /** The last page, and every event after it from then on: nothing can fall between. */
  async #readLatest(limit = PAGE): Promise<void> {
    const turn = this.#turn;
    try {
      const page = await backend().call('event.list', { job_id: this.jobId, limit });
      if (this.#closed || turn !== this.#turn) return;
      this.shifted = false;
      this.window = fromPage(page);
      this.#begun(page.events);
      await this.#subscribe();
    } catch (thrown) {
      if (!this.#closed) this.fault = asFault(thrown);
    } finally {
      this.eventsLoaded = true;
    }
  }

  async #subscribe(after = lastSeq(this.window)): Promise<void> {
    this.#unsubscribe();
    // What is being said comes again, from its beginning.
    this.tails = [];
    this.#late = NOTHING_LATE;
    this.#said = lastSaid(this.window.events);
    const { subscription } = await backend().call('event.subscribe', {
      job_id: this.jobId,
      after,
      deltas: true,
    });
    // Another one may have been asked for meanwhile, and be here already.
    this.#unsubscribe();
    this.#subscription = subscription;
    if (this.#closed) this.#unsubscribe();
  }

  #unsubscribe(): void {
    const subscription = this.#subscription;
    this.#subscription = undefined;
    if (subscription === undefined) return;
    // The connection may be gone, and the subscription with it: that is what was wanted.
    backend()
      .call('event.unsubscribe', { subscription })
      .catch(() => undefined);
  }

  async #resync(): Promise<void> {
    try {
      const page = await backend().call('event.list', { job_id: this.jobId, limit: PAGE });
      if (this.#closed) return;
      if (!this.window.moreAfter) this.window = withResync(this.window, page);
      // Who reads in the middle is not sent all that lies after it.
      await this.#subscribe(Math.max(page.events.at(-1)?.seq ?? 0, lastSeq(this.window)));
    } catch (thrown) {
      if (!this.#closed) this.fault = asFault(thrown);
    }
  }

  /** The latest start of the CEO's program counts: its people may have others. */
  #begun(events: readonly Event[]): void {
    const started = events.findLast((event) => event.kind === 'engine_started' && event.parent === undefined);
    if (started?.kind === 'engine_started') this.program = started;
  }

  async #readProgram(): Promise<void> {
    if (this.program) return;
    try {
      const page = await backend().call('event.list', { job_id: this.jobId, after: 0, limit: FIRST_EVENTS });
      if (!this.#closed && !this.program) this.#begun(page.events);
    } catch (thrown) {
      if (!this.#closed) this.fault = asFault(thrown);
    }
  }

  async #readQuestions(): Promise<void> {
    try {
      const page = await backend().call('question.list', { job_id: this.jobId, open: true, limit: 50 });
      if (!this.#closed) this.questions = page.questions.toReversed();
    } catch (thrown) {
      if (!this.#closed) this.fault = asFault(thrown);
    }
  }

  /** `before`: what goes before the lanes of a long job, which are many rows. */
  async #readSpans(before?: Promise<unknown>): Promise<void> {
    try {
      const first = await backend().call('job.spans', { job_id: this.jobId, offset: 0, limit: FIRST_SPANS });
      let spans = first.spans;
      if (first.total > spans.length) {
        await before;
        const from = Math.max(spans.length, first.total - MAX_SPANS);
        if (from > spans.length) spans = [];
        for (let offset = from; offset < first.total; offset += SPAN_PAGE) {
          const page = await backend().call('job.spans', { job_id: this.jobId, offset, limit: SPAN_PAGE });
          spans = [...spans, ...page.spans];
          if (page.spans.length === 0) break;
        }
      }
      if (this.#closed) return;
      this.spans = spans;
      this.spanTotal = first.total;
    } catch (thrown) {
      if (!this.#closed) this.fault = asFault(thrown);
    }
  }

  async #readFiles(): Promise<void> {
    try {
      const page = await backend().call('job.files', { job_id: this.jobId, offset: 0, limit: 500 });
      let files = page.files;
      if (page.total > files.length && files.length > 0 && files.length < MAX_FILES) {
        const rest = await backend().call('job.files', { job_id: this.jobId, offset: files.length, limit: 500 });
        files = [...files, ...rest.files];
      }
      if (!this.#closed) this.files = files;
    } catch (thrown) {
      if (!this.#closed) this.fault = asFault(thrown);
    }
  }

  #refreshSoon(): void {
    if (this.#refreshDue || this.#closed) return;
    this.#refreshDue = true;
    clearTimeout(this.#refreshing);
    // Lanes of a long job are many rows: they are read less often.
    const wait = REFRESH_MS * (1 + Math.floor(this.spans.length / 250));
    this.#refreshing = setTimeout(() => void this.#refresh(), wait);
  }

  #refreshLater(): void {
    if (this.#closed || this.#refreshDue || !this.detail || isFinal(this.detail.state)) return;
    clearTimeout(this.#refreshing);
    this.#refreshing = setTimeout(() => void this.#refresh(), IDLE_REFRESH_MS);
  }

  async #refresh(): Promise<void> {
    this.#refreshDue = false;
    const files = this.detail?.files ?? 0;
    if (!document.hidden) {
      await Promise.all([this.#readDetail(), this.#readSpans()]);
      if ((this.detail?.files ?? 0) !== files || this.files.length !== this.detail?.files) await this.#readFiles();
    }
    this.#refreshLater();
  }
}
