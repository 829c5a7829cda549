import { describe, expect, it } from 'vitest';
import type { Event } from '$lib/contract/types';
import {
  cutEnd,
  cutStart,
  EMPTY_WINDOW,
  fromPage,
  lastSeq,
  WINDOW_MAX,
  withEarlier,
  withLater,
  withLive,
  withResync,
  type EventWindow,
} from '$lib/state/event-window';
import { toRows } from '$lib/state/rows';
import { lastSaid, NOTHING_LATE, withDelta, withLate, withoutLate, withoutSaid, withoutStored } from '$lib/state/tails';
import { axis, toLanes, toWaits } from '$lib/state/lanes';
import { spans, story } from '../fixture/data';

function event(seq: number, patch: Partial<Event> = {}): Event {
  return {
    seq,
    job_id: 1,
    run_id: 1,
    at: seq * 1000,
    agent: 'ceo',
    kind: 'message',
    text: `m${seq}`,
    ...patch,
  } as Event;
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => event(from + i));
const seqs = (window: EventWindow) => window.events.map((row) => row.seq);
const page = (events: Event[], more_before = false, more_after = false) => ({ events, more_before, more_after });

describe('a window on events', () => {
  it('keeps live events in order, each once', () => {
    let window = fromPage(page(range(10, 12)));
    window = withLive(window, [event(14), event(13)]);
    window = withLive(window, [event(13), event(14), event(15)]);
    expect(seqs(window)).toEqual([10, 11, 12, 13, 14, 15]);
  });

  it('is the same object when there was nothing new', () => {
    const window = fromPage(page(range(1, 3)));
    expect(withLive(window, [event(2), event(3)])).toBe(window);
    expect(withLive(window, [])).toBe(window);
  });

  it('takes no event from before its start while earlier ones are not here', () => {
    const window = fromPage(page(range(10, 12), true));
    expect(seqs(withLive(window, [event(4), event(13)]))).toEqual([10, 11, 12, 13]);
  });

  it('stays bounded, and knows that earlier events are there', () => {
    let window: EventWindow = EMPTY_WINDOW;
    for (let i = 0; i < 50; i += 1) window = cutStart(withLive(window, range(i * 100 + 1, i * 100 + 100)));
    expect(window.events.length).toBeLessThanOrEqual(WINDOW_MAX);
    expect(window.moreBefore).toBe(true);
    expect(lastSeq(window)).toBe(5000);
    expect(seqs(window)).toEqual([...seqs(window)].sort((a, b) => a - b));
  });

  it('lets go of the end when many earlier pages come, and then takes no live events', () => {
    let window = fromPage(page(range(4801, 5000), true));
    for (let first = 4601; first > 2000; first -= 200)
      window = cutEnd(withEarlier(window, page(range(first, first + 199), true)));
    expect(window.events.length).toBeLessThanOrEqual(WINDOW_MAX);
    expect(window.moreAfter).toBe(true);
    expect(withLive(window, [event(6000)])).toBe(window);
    for (let i = 0; i < 5; i += 1)
      window = cutStart(withLater(window, page(range(lastSeq(window) + 1, lastSeq(window) + 200), false, true)));
    expect(window.moreBefore).toBe(true);
    expect(window.events.length).toBeLessThanOrEqual(WINDOW_MAX);
  });

  it('joins a page after a resync where it touches, and starts anew where it does not', () => {
    const window = fromPage(page(range(1, 10)));
    expect(seqs(withResync(window, page(range(8, 14), true)))).toEqual(range(1, 14).map((row) => row.seq));
    expect(seqs(withResync(window, page(range(300, 302), true)))).toEqual([300, 301, 302]);
    expect(withResync(window, page(range(300, 302), true)).moreBefore).toBe(true);
  });
});

describe('the tail of an unfinished message', () => {
  it('grows by agent and delegation, and goes when the message is stored', () => {
    let tails = withDelta([], { job_id: 1, agent: 'ceo', text: 'I will ' });
    tails = withDelta(tails, { job_id: 1, agent: 'cto', parent: 'd1', text: 'Building' });
    tails = withDelta(tails, { job_id: 1, agent: 'ceo', text: 'split this' });
    expect(tails.find((tail) => tail.agent === 'ceo')?.text).toBe('I will split this');
    tails = withoutStored(tails, [event(1)]);
    expect(tails.map((tail) => tail.agent)).toEqual(['cto']);
    const again = withDelta([], { job_id: 1, agent: 'ceo', text: 'Half an answ' });
    expect(withoutStored(again, [event(3, { kind: 'waiting' } as Partial<Event>)])).toEqual([]);
    expect(withoutStored(again, [event(3, { kind: 'waiting', agent: 'cto' } as Partial<Event>)])).toHaveLength(1);
    expect(withoutStored(tails, [event(2, { kind: 'run_exited' } as Partial<Event>)])).toEqual([]);
  });

  it('does not begin again with the end of a message that is stored', () => {
    const piece = (text: string, agent = 'ceo') => ({ job_id: 1, agent, text });
    const tails = withDelta([], piece('I look at what there '));
    const stored = [event(1, { text: 'I look at what there is.' } as Partial<Event>)];
    const late = withLate(NOTHING_LATE, tails, stored);
    // In one piece, in two, and with the beginning of the next message behind it.
    expect(withoutLate(late, piece('is.')).text).toBe('');
    const first = withoutLate(late, piece('i'));
    expect(first.text).toBe('');
    expect(withoutLate(first.late, piece('s.\n')).text).toBe('');
    const next = withoutLate(late, piece('is.Ask a reader'));
    expect(next.text).toBe('Ask a reader');
    expect(withoutLate(next.late, piece('is.')).text).toBe('is.');
    // What somebody else says, and what comes instead of a piece that was lost, is told.
    expect(withoutLate(late, piece('is.', 'cto')).text).toBe('is.');
    expect(withoutLate(late, piece('Ask')).text).toBe('Ask');
    // A message of which all had come has nothing late; one that came before all of its pieces has all of it.
    expect(withLate(NOTHING_LATE, withDelta(tails, piece('is.')), stored).size).toBe(0);
    expect(withoutLate(withLate(NOTHING_LATE, [], stored), piece('I look at')).text).toBe('');
  });

  it('begins, in a job that is opened, without the end of what was said last', () => {
    const said = lastSaid([
      event(1, { text: 'A report.' }),
      event(2, { text: 'Practice: a short report.' }),
    ] as Event[]);
    const piece = (text: string) => ({ job_id: 1, agent: 'ceo', text });
    expect(withoutSaid(said, piece('report.')).text).toBe('');
    const first = withoutSaid(said, piece('report.Practice: and on'));
    expect(first.text).toBe('Practice: and on');
    expect(withoutSaid(first.said, piece('report.')).text).toBe('report.');
    expect(withoutSaid(said, piece('Practice: a')).text).toBe('Practice: a');
  });

  it('is bounded', () => {
    let tails = withDelta([], { job_id: 1, agent: 'ceo', text: 'x'.repeat(100_000) });
    expect(tails[0]?.text.length).toBeLessThanOrEqual(16 * 1024);
    for (let i = 0; i < 100; i += 1) tails = withDelta(tails, { job_id: 1, agent: `a${i}`, text: 'x' });
    expect(tails.length).toBeLessThanOrEqual(16);
  });
});

describe('rows of the transcript', () => {
  it('tells a tool in one row, with how it went', () => {
    const rows = toRows(story());
    const build = rows.find((row) => row.kind === 'tool' && row.subject === 'npm run build');
    expect(build).toMatchObject({ state: 'ok', summary: 'exit 0', duration: 8100, depth: 1 });
    const failed = rows.find((row) => row.kind === 'tool' && row.state === 'failed');
    expect(failed).toMatchObject({ summary: 'exit 1' });
  });

  it('indents what is inside a delegation, and inside one of that', () => {
    const rows = toRows(story());
    expect(rows.find((row) => row.agent === 'cmo')?.depth).toBe(1);
    expect(rows.find((row) => row.agent === 'frontend-engineer')?.depth).toBe(2);
    expect(rows.find((row) => row.kind === 'delegation')).toMatchObject({ to: 'cmo', state: 'ok', duration: 96_000 });
  });

  it('says of what was open when the job ended that it did not finish', () => {
    expect(toRows(story(), [], false).some((row) => row.kind === 'tool' && row.state === 'running')).toBe(true);
    expect(toRows(story(), [], true).some((row) => row.kind === 'tool' && row.state === 'running')).toBe(false);
  });

  it('shows the end of a tool whose start is not here', () => {
    const rows = toRows([
      event(5, {
        kind: 'tool_finished',
        call: 'x',
        tool: 'Write',
        ok: true,
        summary: '+2 lines',
        output: '',
        duration_ms: 3,
        change: { path: 'a.md', created: true, added: 2, removed: 0 },
      } as Partial<Event>),
    ]);
    expect(rows).toMatchObject([{ kind: 'tool', tool: 'Write', subject: 'a.md', state: 'ok' }]);
  });

  it('tells a wait in one row, and still why when it is over', () => {
    const wait = (seq: number, detail: string, over: boolean) =>
      event(seq, { kind: 'waiting', reason: 'rate_limit', detail, over } as Partial<Event>);
    const rows = toRows([wait(1, 'Asked to wait.', false), wait(2, 'Asked once more.', false), wait(3, 'Over.', true)]);
    expect(rows).toMatchObject([{ kind: 'waiting', detail: 'Asked once more.', over: true }]);
  });

  it('shows the answer once', () => {
    const exit = { kind: 'run_exited', outcome: 'completed', result: 'Done.', turns: 1, ended: 0, forced: 0, left: 0 };
    const rows = toRows([event(1, { text: 'Done.\n' } as Partial<Event>), event(2, exit as Partial<Event>)]);
    expect(rows.map((row) => row.kind)).toEqual(['exit']);
  });

  it('marks the unfinished end', () => {
    const rows = toRows(story(), [{ agent: 'cto', parent: 'd2', text: 'While' }]);
    expect(rows.at(-1)).toMatchObject({ kind: 'tail', agent: 'cto', depth: 1, text: 'While' });
  });

  it('gives each row a name of its own', () => {
    const keys = toRows(story(), [{ agent: 'cto', parent: 'd2', text: 'x' }]).map((row) => row.key);
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('lanes', () => {
  it('has one lane an agent, and bars inside it', () => {
    const from = spans[0]!.started_at;
    const lanes = toLanes(spans, from, from + 372_000);
    expect(lanes.map((lane) => lane.agent)).toEqual(['ceo', 'cmo', 'cto', 'cfo', 'frontend-engineer']);
    for (const bar of lanes.flatMap((lane) => lane.bars)) {
      expect(bar.left).toBeGreaterThanOrEqual(0);
      expect(bar.left + bar.width).toBeLessThanOrEqual(100.0001);
      expect(bar.width).toBeGreaterThan(0);
    }
  });

  it('merges what cannot be told apart', () => {
    const tiny = Array.from({ length: 5000 }, (_, i) => ({
      ...spans[0]!,
      span: `s${i}`,
      started_at: i,
      finished_at: i + 1,
    }));
    expect(toLanes(tiny, 0, 5000)[0]?.bars).toHaveLength(1);
  });

  it('writes times along the axis', () => {
    const from = new Date('2026-11-20T08:41:00').getTime();
    expect(axis(from, from + 6 * 60_000, true)).toEqual(['08:41', '08:43', '08:45', 'now']);
    expect(axis(from, from + 9000, false)).toEqual(['08:41:00', '08:41:03', '08:41:06', '08:41:09']);
  });
});

describe('a life with turns in it', () => {
  const changed = (seq: number, state: string, patch: object = {}) =>
    event(seq, { kind: 'job_changed', agent: 'system', state, reason: '', ...patch } as never);

  it('tells that a run failed and another one followed', () => {
    const failed = event(3, {
      kind: 'run_exited',
      agent: 'system',
      outcome: 'failed',
      turns: 1,
      effects: false,
      ended: 2,
      forced: 1,
      left: 0,
    } as never);
    const story = [
      event(2, { kind: 'tool_started', call: 't1', tool: 'Read', subject: 'a', input: {} } as never),
      failed,
      changed(4, 'retrying', { reason: 'The provider could not be reached.', until: 9000 }),
    ];
    const before = toRows(story);
    expect(before.map((row) => row.kind)).toEqual(['tool', 'exit', 'retry']);
    expect(before[0]).toMatchObject({ state: 'failed', summary: 'did not finish' });
    expect(before[1]).toMatchObject({ stopped: { ended: 2, forced: 1, left: 0 } });
    expect(before[2]).toMatchObject({ reason: 'The provider could not be reached.', until: 9000, over: false });
    const after = toRows([...story, changed(5, 'queued'), event(6, { run_id: 2 })]);
    expect(after[2]).toMatchObject({ kind: 'retry', over: true });
    expect(after[3]).toMatchObject({ kind: 'message' });
  });

  it('tells of holds, and of the waits of agents, not of the run that they make up', () => {
    const wait = (seq: number, agent: string, over = false) =>
      event(seq, { kind: 'waiting', agent, reason: 'paused', detail: 'On hold.', over } as never);
    const rows = toRows([
      event(1, { kind: 'held', agent: 'system', held: true, all: false } as never),
      wait(2, 'ceo'),
      wait(3, 'system'),
      event(4, { kind: 'held', agent: 'system', held: false, all: true } as never),
      wait(5, 'ceo', true),
      wait(6, 'system', true),
    ]);
    expect(rows.map((row) => row.kind)).toEqual(['hold', 'waiting', 'hold']);
    expect(rows[1]).toMatchObject({ agent: 'ceo', over: true });
  });
});

describe('waits in the lanes', () => {
  const wait = (seq: number, agent: string, over = false) =>
    event(seq, { kind: 'waiting', agent, reason: 'rate_limit', detail: 'Asked to wait.', over } as never);

  it('stand where the agent waited, and end with the job', () => {
    const events = [wait(2, 'ceo'), wait(3, 'ceo', true), wait(4, 'cto'), wait(4, 'system')];
    expect(toWaits(events)).toEqual([
      { agent: 'ceo', from: 2000, to: 3000, detail: 'Asked to wait.' },
      { agent: 'cto', from: 4000, to: undefined, detail: 'Asked to wait.' },
    ]);
    expect(toWaits(events, 9000)[1]?.to).toBe(9000);
    const turn = { ...spans[0]!, agent: 'ceo', started_at: 1000, finished_at: 6000 };
    const [lane] = toLanes([turn], 1000, 11_000, toWaits(events));
    expect(lane?.waits).toEqual([{ left: 10, width: 10, solid: true, title: 'Asked to wait.' }]);
    expect(toLanes([turn], 5000, 11_000, toWaits(events))[0]?.waits).toEqual([]);
  });

  it('of a run that ended are over', () => {
    const exit = event(7, { kind: 'run_exited', agent: 'system' } as never);
    expect(toWaits([wait(2, 'ceo'), exit])[0]?.to).toBe(7000);
  });
});
