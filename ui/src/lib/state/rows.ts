import type {
  Approval,
  Ask,
  Confined,
  EngineKind,
  Error as Fault,
  Event,
  FileChange,
  Money,
  NoticeLevel,
  Origin,
  Outcome,
  Seq,
  StopCounts,
  Time,
  WaitReason,
} from '$lib/contract/types';
import { m } from '$lib/paraglide/messages';
import { FOUNDER } from '$lib/text/names';
import type { Tail } from './tails';

export type Progress = 'running' | 'ok' | 'failed';

interface Base {
  readonly key: string;
  readonly at: Time;
  readonly agent: string;
  /** How deep in delegations. */
  readonly depth: number;
  /** The event that it began with; none for what is not stored. */
  readonly seq: Seq | undefined;
  /** The event that ended it, where that is another one. */
  readonly last?: Seq;
  /** The delegations that it is part of, the outermost first, by run and name. */
  readonly within: readonly string[];
}

/** What the transcript shows, one entry a line. */
export type Row = Base &
  (
    | { readonly kind: 'message'; readonly text: string }
    | { readonly kind: 'thinking'; readonly text: string }
    /** What is being said right now. */
    | { readonly kind: 'tail'; readonly text: string }
    | {
        readonly kind: 'tool';
        readonly tool: string;
        readonly subject: string;
        /** What it was called with, as its engine says it. */
        readonly input: unknown;
        readonly state: Progress;
        /** It waits for the founder's leave. */
        readonly asks: boolean;
        readonly summary: string;
        readonly output: string;
        readonly change: FileChange | undefined;
        readonly duration: number | undefined;
      }
    | {
        readonly kind: 'delegation';
        /** Its own name, as rows in it have it in `within`. */
        readonly span: string;
        readonly to: string;
        readonly task: string;
        readonly state: Progress;
        readonly summary: string;
        readonly duration: number | undefined;
        readonly cost: Money | undefined;
      }
    | {
        readonly kind: 'waiting';
        readonly reason: WaitReason;
        readonly detail: string;
        readonly until: Time | undefined;
        readonly over: boolean;
      }
    | { readonly kind: 'notice'; readonly level: NoticeLevel; readonly text: string }
    | { readonly kind: 'error'; readonly error: Fault }
    | {
        readonly kind: 'exit';
        readonly outcome: Outcome;
        readonly result: string | undefined;
        readonly error: Fault | undefined;
        readonly stopped: StopCounts;
      }
    | { readonly kind: 'retry'; readonly reason: string; readonly until: Time | undefined; readonly over: boolean }
    | {
        readonly kind: 'question';
        readonly name: string;
        readonly ask: Ask;
        readonly text: string;
        readonly detail: string;
        /** The act that it is about, where it asks for leave. */
        readonly approval: Approval | undefined;
        /** None while it is open, or where its run ended before one came. */
        readonly answer: string | undefined;
        readonly by: Origin | undefined;
        readonly over: boolean;
      }
    /** What the founder said to a job at work. */
    | { readonly kind: 'follow-up'; readonly text: string; readonly taken: boolean; readonly over: boolean }
    | { readonly kind: 'journal'; readonly text: string; readonly cost: Money }
    /** A program of somebody else's that an agent works with. */
    | {
        readonly kind: 'engine';
        readonly engine: EngineKind;
        readonly engineAgent: string;
        readonly version: string;
        readonly confined: Confined;
      }
    /** Files that were found changed once the run had ended: by commands, or by a program that says nothing of it. */
    | { readonly kind: 'files'; readonly changes: readonly FileChange[] }
    | { readonly kind: 'hold'; readonly held: boolean; readonly all: boolean }
  );

/** Deeper is not set further in. */
const MAX_DEPTH = 4;
/** A delegation that names itself as its own parent must not hold the page up. */
const MAX_ANCESTORS = 16;
const NO_SPANS: readonly string[] = [];
const CEO = 'ceo';
const SYSTEM = 'system';

/** The calls and delegations that began in these events, by run and name, with where their row is. */
type Open = Map<string, number>;

function ancestry(events: readonly Event[]): (event: Event) => readonly string[] {
  const parents = new Map<string, string | undefined>();
  for (const event of events) {
    if (event.kind === 'delegation_started') parents.set(`${event.run_id}/${event.span}`, event.parent);
  }
  const known = new Map<string, readonly string[]>();
  return (event) => {
    if (event.parent === undefined) return NO_SPANS;
    const own = `${event.run_id}/${event.parent}`;
    const found = known.get(own);
    if (found) return found;
    const within: string[] = [];
    let span: string | undefined = event.parent;
    while (span !== undefined && within.length < MAX_ANCESTORS) {
      const key: string = `${event.run_id}/${span}`;
      within.unshift(key);
      span = parents.get(key);
    }
    known.set(own, within);
    return within;
  };
}

/**
 * Events as rows: a tool's start and end in one, a delegation's too. `ended` says that the job has ended: what is still
 * open then never came back. `briefed` is who was given the brief, and answers it.
 */
export function toRows(
  events: readonly Event[],
  tails: readonly Tail[] = [],
  ended = false,
  briefed: string = CEO,
): Row[] {
  const rows: Row[] = [];
  const open: Open = new Map();
  const waits: Open = new Map();
  const asked: Open = new Map();
  const said = new Map<number, number>();
  const withinOf = ancestry(events);

  for (const event of events) {
    const within = withinOf(event);
    const base: Base = {
      key: `e${event.seq}`,
      at: event.at,
      agent: event.agent,
      depth: Math.min(MAX_DEPTH, within.length),
      seq: event.seq,
      within,
    };
    const waitKey = `${event.run_id}/${event.agent}/${event.parent ?? ''}`;
    switch (event.kind) {
      case 'message':
      case 'thinking':
        if (event.text.trim() !== '') rows.push({ ...base, kind: event.kind, text: event.text });
        break;
      case 'tool_started':
        open.set(`${event.run_id}/t/${event.call}`, rows.length);
        rows.push({
          ...base,
          kind: 'tool',
          tool: event.tool,
          subject: event.subject,
          input: event.input,
          state: ended ? 'failed' : 'running',
          asks: false,
          summary: ended ? m.job_did_not_finish() : '',
          output: '',
          change: undefined,
          duration: undefined,
        });
        break;
      case 'tool_finished': {
        const at = open.get(`${event.run_id}/t/${event.call}`);
        const row = at === undefined ? undefined : rows[at];
        const done = {
          state: event.ok ? ('ok' as const) : ('failed' as const),
          asks: false,
          summary: event.summary,
          output: event.output,
          change: event.change,
          duration: event.duration_ms,
          last: event.seq,
        };
        if (at !== undefined && row?.kind === 'tool') rows[at] = { ...row, ...done };
        else
          rows.push({
            ...base,
            kind: 'tool',
            tool: event.tool,
            subject: event.change?.path ?? '',
            input: undefined,
            ...done,
          });
        break;
      }
      case 'delegation_started':
        open.set(`${event.run_id}/d/${event.span}`, rows.length);
        rows.push({
          ...base,
          kind: 'delegation',
          span: `${event.run_id}/${event.span}`,
          to: event.to,
          task: event.task,
          state: ended ? 'failed' : 'running',
          summary: ended ? m.job_did_not_finish() : '',
          duration: undefined,
          cost: undefined,
        });
        break;
      case 'delegation_finished': {
        const at = open.get(`${event.run_id}/d/${event.span}`);
        const row = at === undefined ? undefined : rows[at];
        const done = {
          state: event.ok ? ('ok' as const) : ('failed' as const),
          summary: event.summary,
          duration: event.duration_ms,
          cost: event.cost_usd,
          last: event.seq,
        };
        if (at !== undefined && row?.kind === 'delegation') rows[at] = { ...row, ...done };
        else
          rows.push({
            ...base,
            kind: 'delegation',
            span: `${event.run_id}/${event.span}`,
            to: event.to,
            task: '',
            ...done,
          });
        break;
      }
      case 'waiting': {
        // The run as a whole waits: each of its agents says so, too.
        if (event.agent === SYSTEM) break;
        // Its question has a row of its own.
        if (event.reason === 'answer') break;
        const at = waits.get(waitKey);
        const row = at === undefined ? undefined : rows[at];
        if (at !== undefined && row?.kind === 'waiting')
          rows[at] = {
            ...row,
            reason: event.over ? row.reason : event.reason,
            detail: event.over ? row.detail : event.detail || row.detail,
            until: event.until,
            over: event.over,
          };
        else if (!event.over) {
          waits.set(waitKey, rows.length);
          rows.push({
            ...base,
            kind: 'waiting',
            reason: event.reason,
            detail: event.detail,
            until: event.until,
            over: ended,
          });
        }
        if (event.over) waits.delete(waitKey);
        break;
      }
      case 'notice':
        rows.push({ ...base, kind: 'notice', level: event.level, text: event.text });
        break;
      case 'error':
        rows.push({ ...base, kind: 'error', error: event.error });
        break;
      case 'run_exited':
        closeRun(rows, [open, waits, asked], event.run_id);
        dropEcho(rows, event.result);
        rows.push({
          ...base,
          // The worker has the last word, but the answer is of whoever was briefed.
          agent: event.result === undefined ? event.agent : briefed,
          kind: 'exit',
          outcome: event.outcome,
          result: event.result,
          error: event.error,
          stopped: { ended: event.ended, forced: event.forced, left: event.left },
        });
        break;
      case 'job_changed':
        // Most of it is told by the header; that a run failed and another one follows is a turn of the story.
        if (event.state === 'retrying')
          rows.push({ ...base, kind: 'retry', reason: event.reason, until: event.until, over: ended });
        else settleRetry(rows);
        break;
      case 'held':
        rows.push({ ...base, kind: 'hold', held: event.held, all: event.all });
        break;
      case 'asked':
        asked.set(`${event.run_id}/${event.key}`, rows.length);
        if (event.approval && !ended) markAsking(rows, event.agent, event.approval.tool, true);
        rows.push({
          ...base,
          kind: 'question',
          name: event.key,
          ask: event.ask,
          text: event.text,
          detail: event.detail,
          approval: event.approval,
          answer: undefined,
          by: undefined,
          over: ended,
        });
        break;
      case 'answered': {
        // An answer is the founder's, and of no run: it says in which one was asked.
        const key = `${event.asked_in}/${event.key}`;
        const at = asked.get(key);
        const row = at === undefined ? undefined : rows[at];
        if (at !== undefined && row?.kind === 'question') {
          rows[at] = { ...row, answer: event.answer, by: event.by, over: true, last: event.seq };
          if (row.approval) markAsking(rows, row.agent, row.approval.tool, false);
        }
        // The question is further up than what was read so far.
        else rows.push({ ...base, agent: FOUNDER, kind: 'follow-up', text: event.answer, taken: true, over: true });
        asked.delete(key);
        break;
      }
      case 'follow_up':
        said.set(event.seq, rows.length);
        rows.push({ ...base, agent: FOUNDER, kind: 'follow-up', text: event.text, taken: false, over: ended });
        break;
      case 'follow_up_taken':
        for (const seq of event.seqs) {
          const at = said.get(seq);
          const row = at === undefined ? undefined : rows[at];
          if (at !== undefined && row?.kind === 'follow-up') rows[at] = { ...row, taken: true };
        }
        break;
      case 'journal':
        rows.push({ ...base, kind: 'journal', text: event.text, cost: event.cost_usd });
        break;
      case 'engine_started':
        rows.push({
          ...base,
          kind: 'engine',
          engine: event.engine,
          engineAgent: event.engine_agent,
          version: event.version,
          confined: event.confined,
        });
        break;
      case 'files_found':
        if (event.changes.length > 0) rows.push({ ...base, kind: 'files', changes: event.changes });
        break;
      case 'prompt':
        // Has a view of its own.
        break;
      case 'usage':
      case 'progress':
        // Told by the header, the facts and the bars.
        break;
    }
  }

  for (const tail of tails) {
    const last = events.at(-1);
    const beside = tail.parent === undefined ? undefined : rows.findLast((row) => row.agent === tail.agent);
    rows.push({
      key: `tail/${tail.agent}/${tail.parent ?? ''}`,
      at: last?.at ?? 0,
      agent: tail.agent,
      depth: tail.parent === undefined ? 0 : Math.max(1, beside?.depth ?? 1),
      seq: undefined,
      within: beside?.within ?? NO_SPANS,
      kind: 'tail',
      text: tail.text,
    });
  }
  return rows;
}

/** The agent's call that its question is about waits for the answer, or no longer does. */
function markAsking(rows: Row[], agent: string, tool: string, asks: boolean): void {
  const at = rows.findLastIndex(
    (row) => row.kind === 'tool' && row.agent === agent && row.tool === tool && row.state === 'running',
  );
  const row = rows[at];
  if (row?.kind === 'tool') rows[at] = { ...row, asks };
}

/** What a run that ended left open never came back; another run of the job may follow. */
function closeRun(rows: Row[], opened: readonly Open[], run: number | undefined): void {
  for (const known of opened) {
    for (const [key, at] of known) {
      const row = rows[at];
      if (!key.startsWith(`${run}/`)) continue;
      if (row?.kind === 'tool' && row.state === 'running')
        rows[at] = { ...row, state: 'failed', asks: false, summary: m.job_did_not_finish() };
      if (row?.kind === 'delegation' && row.state === 'running')
        rows[at] = { ...row, state: 'failed', summary: m.job_did_not_finish() };
      if (row?.kind === 'question') rows[at] = { ...row, over: true };
      if (row?.kind === 'waiting') rows[at] = { ...row, over: true };
      known.delete(key);
    }
  }
}

/** The next try has begun, or there will be none. */
function settleRetry(rows: Row[]): void {
  const at = rows.findLastIndex((row) => row.kind === 'retry');
  const row = rows[at];
  if (row?.kind === 'retry' && !row.over) rows[at] = { ...row, over: true };
}

/** The answer is shown once, as the answer. */
function dropEcho(rows: Row[], result: string | undefined): void {
  const last = rows.at(-1);
  if (result !== undefined && last?.kind === 'message' && last.text.trim() === result.trim()) rows.pop();
}
