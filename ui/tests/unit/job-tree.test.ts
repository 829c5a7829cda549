import { flushSync, mount, unmount, type Component } from 'svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import Attachments from '$lib/components/Attachments.svelte';
import ChangedFiles from '$lib/components/ChangedFiles.svelte';
import Lanes from '$lib/components/Lanes.svelte';
import TranscriptRow from '$lib/components/TranscriptRow.svelte';
import type { Event, FileDiffState } from '$lib/contract/types';
import { diffLines, diffPairs } from '$lib/state/diff';
import { holds, withAround } from '$lib/state/event-window';
import { keyed, panned, zoomed } from '$lib/state/lanes-view';
import { toRows, type Row } from '$lib/state/rows';
import { lineOfRow, rowOfSeq, toLines } from '$lib/state/tree';
import { inputParts, outputParts } from '$lib/state/tool-view';
import { BriefDraft, MAX_ATTACHMENTS } from '$lib/stores/brief.svelte';
import { exportJob } from '$lib/stores/export.svelte';
import { FindStore } from '$lib/stores/find.svelte';
import { flashes } from '$lib/stores/flash.svelte';
import { JobStore } from '$lib/stores/job.svelte';
import { compare } from '$lib/text/compare';
import { rangesOf, wordsOf } from '$lib/text/found';
import { highlight } from '$lib/text/highlight';
import { fenced, rowMarkdown } from '$lib/text/transcript';
import { detail, jobs, longEvent, spans, story } from '../fixture/data';
import { fakeBackend, refusal } from './fake';
import { button, part, press, settled, text } from './page';

let mounted: Record<string, unknown> | undefined;

function show<P extends Record<string, unknown>>(what: Component<P>, props: P): void {
  mounted = mount(what, { target: document.body, props });
  flushSync();
}

beforeEach(() => localStorage.clear());

afterEach(async () => {
  if (mounted) await unmount(mounted);
  mounted = undefined;
  document.body.replaceChildren();
  flashes.list = [];
  vi.useRealTimers();
});

describe('a job as a tree', () => {
  const rows = toRows(story());
  const spanOf = (to: string) =>
    (rows.find((row) => row.kind === 'delegation' && row.to === to) as Row & { kind: 'delegation' }).span;

  it('folds what was handed on, with what that handed on', () => {
    const cto = spanOf('cto');
    const all = toLines(rows, new Set());
    expect(all).toHaveLength(rows.length);
    const lines = toLines(rows, new Set([cto]));
    const head = lines.find((line) => line.kind === 'row' && line.folded)!;
    expect(head.hidden).toBe(rows.length - lines.length);
    expect(lines.some((line) => line.kind === 'row' && line.row.agent === 'frontend-engineer')).toBe(false);
    // A row in it is found where it is folded away.
    const inside = rows.find((row) => row.agent === 'frontend-engineer')!;
    expect(lines[lineOfRow(lines, inside)]).toBe(head);
  });

  it('keeps a way to unfold where the head is further up than what was read', () => {
    const cto = spanOf('cto');
    const rest = rows.filter((row) => row.within.includes(cto));
    const lines = toLines(rest, new Set([cto]));
    expect(lines).toEqual([expect.objectContaining({ kind: 'rest', span: cto, hidden: rest.length })]);
  });

  it('finds the row of an event, also of one that ended it', () => {
    const done = story().find((event) => event.kind === 'tool_finished')!;
    const row = rowOfSeq(rows, done.seq)!;
    expect(row.kind).toBe('tool');
    expect(row.seq).toBe(done.seq - 1);
  });

  it('does not follow a delegation that is its own parent', () => {
    const loop = [
      {
        seq: 1,
        job_id: 1,
        run_id: 1,
        at: 1,
        agent: 'ceo',
        parent: 'a',
        kind: 'delegation_started',
        span: 'a',
        to: 'cto',
        task: 'x',
      },
      { seq: 2, job_id: 1, run_id: 1, at: 2, agent: 'cto', parent: 'a', kind: 'message', text: 'x' },
    ] as Event[];
    expect(toRows(loop)).toHaveLength(2);
  });
});

describe('a row', () => {
  const rows = toRows(story());

  it('unfolds a tool call with what went in and what came back', () => {
    const row = rows.find((each) => each.kind === 'tool' && each.subject === 'npm run build')!;
    show(TranscriptRow, { row, open: true, ontoggle: () => undefined });
    expect(text('[data-testid=tool-call]')).toContain('--mode production');
    expect(text('[data-testid=tool-call]')).toContain('41 modules');
    expect(text('[data-testid=tool-call]')).not.toContain('[32m');
  });

  it('says how an edit changes what is there', async () => {
    const row = rows.find((each) => each.kind === 'tool' && each.tool === 'Edit')!;
    show(TranscriptRow, { row, open: true, ontoggle: () => undefined });
    await vi.waitFor(() => expect(document.querySelector('[data-line=added]')).not.toBeNull());
    expect(text('[data-line=removed]')).toContain('let headline = "The team');
  });

  it('is copied as Markdown', () => {
    const tool = rows.find((each) => each.kind === 'tool' && each.subject === 'npm run build')!;
    expect(rowMarkdown(tool)).toContain('```bash\nnpm run build -- --mode production');
    expect(fenced('```\nx\n```')).toBe('````\n```\nx\n```\n````');
  });
});

describe('tool calls', () => {
  it('are shown as what they are', () => {
    expect(inputParts('Bash', 'ls', { command: 'ls -la' })[0]).toMatchObject({ kind: 'code', language: 'bash' });
    expect(inputParts('Write', 'a.ts', { file_path: 'a.ts', content: 'x' })[0]).toMatchObject({
      language: 'typescript',
    });
    expect(
      inputParts('MultiEdit', 'a', {
        edits: [
          { old_string: 'a', new_string: 'b' },
          { old_string: 'c', new_string: 'd' },
        ],
      }),
    ).toHaveLength(2);
    expect(inputParts('Read', 'a.ts', { file_path: 'a.ts' })).toEqual([]);
    expect(inputParts('x', '', null)).toEqual([]);
    expect(outputParts('Read', 'main.rs', 'fn main() {}')[0]).toMatchObject({ language: 'rust' });
    expect(outputParts('Bash', 'git diff', '@@ -1 +1 @@\n-a\n+b')[0]).toMatchObject({ kind: 'diff' });
  });

  it('get colours only where their language is known, and never for too much', async () => {
    const lines = await highlight('let x = 1;\nlet y = "two";', 'typescript');
    expect(lines?.map((line) => line.map((token) => token.text).join(''))).toEqual(['let x = 1;', 'let y = "two";']);
    expect(lines?.flat().some((token) => token.colour?.includes('--code-token-keyword'))).toBe(true);
    expect(await highlight('x', 'klingon')).toBeUndefined();
    expect(await highlight('x'.repeat(300_000), 'typescript')).toBeUndefined();
  });

  it('are compared line by line', () => {
    expect(compare('a\nb\nc', 'a\nB\nc').split('\n')).toEqual([' a', '-b', '+B', ' c']);
    expect(compare('', 'x')).toBe('+x');
  });
});

describe('a diff', () => {
  it('knows its lines by their numbers, and stands side by side', () => {
    const rows = diffLines('--- a\n+++ b\n@@ -3,3 +3,4 @@\n one\n-two\n+TWO\n+three\n four');
    expect(rows.find((row) => row.kind === 'added')?.after).toBe(4);
    expect(rows.at(-1)).toMatchObject({ before: 5, after: 6 });
    const pairs = diffPairs(rows.filter((row) => row.kind !== 'head'));
    expect(pairs[2]).toMatchObject({ before: { text: 'two' }, after: { text: 'TWO' } });
    expect(pairs[3]?.before).toBeUndefined();
  });
});

describe('changed files', () => {
  const file = (path: string) => ({ path, agent: 'cto', at: 1, created: false, added: 1, removed: 1 });
  const answer = (state: FileDiffState, diff = '') => ({ path: 'a.ts', state, diff, cut: false, also_by: [214] });

  it('are compared once each, and say what cannot be compared', async () => {
    const { of } = fakeBackend({ 'job.file_diff': () => answer('not_kept') });
    show(ChangedFiles, { jobId: 1, files: [file('a.ts'), file('b.ts')], total: 2, dir: '/c' });
    await settled();
    await settled();
    expect(of('job.file_diff')).toHaveLength(1);
    expect(text('[data-testid=file-diff]')).toContain('was not kept');
    expect(text('[data-testid=also-by]')).toContain('job #214');
    // The list is drawn by what is in view, which here is nothing: the choice is tested by the key.
    press(part('[role=listbox]'), 'ArrowDown');
    await settled();
    expect(of('job.file_diff').map((call) => (call.params as { path: string }).path)).toEqual(['a.ts', 'b.ts']);
  });

  it('say what went wrong, and can be asked for again', async () => {
    let fails = true;
    fakeBackend({
      'job.file_diff': () => {
        if (fails) throw refusal;
        return answer('same');
      },
    });
    show(ChangedFiles, { jobId: 1, files: [file('a.ts')], total: 1, dir: undefined });
    await settled();
    expect(text('[role=alert]')).toContain('limit is reached');
    fails = false;
    button('Try again').click();
    await settled();
    expect(text('[data-testid=file-diff]')).toContain('changed back');
  });
});

describe('lanes', () => {
  const whole = { from: 0, to: 100_000 };

  it('go nearer around a point, and never out of the job', () => {
    const near = zoomed(whole, whole, 4, 0.25);
    expect(near).toEqual({ from: 18_750, to: 43_750 });
    expect(panned(near, whole, -5).from).toBe(0);
    expect(zoomed(near, whole, 1 / 100)).toEqual(whole);
    expect(keyed('0', near, whole)).toEqual(whole);
    expect(keyed('x', near, whole)).toBeUndefined();
  });

  it('are gone through by keys', () => {
    const jumps: number[] = [];
    show(Lanes, {
      job: detail(jobs[0]!),
      spans,
      total: spans.length,
      events: story(),
      onjump: (at: number) => jumps.push(at),
    });
    const lanes = part('[data-testid=lanes]');
    press(lanes, '+');
    expect(lanes.dataset.zoomed).toBe('true');
    press(lanes, 'Enter');
    expect(jumps).toHaveLength(1);
    button('All').click();
    flushSync();
    expect(lanes.dataset.zoomed).toBe('false');
    // From anywhere in the job's screen.
    const zoomBy = mounted?.['zoomBy'] as (event: KeyboardEvent) => boolean;
    expect(zoomBy(new KeyboardEvent('keydown', { key: '+' }))).toBe(true);
    flushSync();
    expect(lanes.dataset.zoomed).toBe('true');
    zoomBy(new KeyboardEvent('keydown', { key: '0' }));
    flushSync();
    expect(lanes.dataset.zoomed).toBe('false');
    expect(zoomBy(new KeyboardEvent('keydown', { key: 'ArrowLeft' }))).toBe(false);
  });
});

describe('a place in a long job', () => {
  const LAST = 20_000;
  const page = (from: number, to: number) =>
    Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => longEvent(from + i));
  const list = ({ after, before, limit = 200 }: { after?: number; before?: number; limit?: number }) => {
    const first = after === undefined ? Math.max(1, (before ?? LAST + 1) - limit) : after + 1;
    const last = after === undefined ? (before ?? LAST + 1) - 1 : Math.min(LAST, after + limit);
    return { events: page(first, last), more_before: first > 1, more_after: last < LAST };
  };
  const open = () =>
    fakeBackend({
      'event.list': list,
      'event.subscribe': () => ({ subscription: 1 }),
      'event.unsubscribe': () => ({}),
    });

  it('is found by its time in few steps, and read around', async () => {
    const { of } = open();
    const store = new JobStore(213);
    const wanted = longEvent(7_777);
    const seq = await store.seqAt(wanted.at);
    expect(seq).toBe(7_777);
    expect(of('event.list').length).toBeLessThan(24);
    expect(await store.show(7_777)).toBe(true);
    expect(holds(store.window, 7_777)).toBe(true);
    expect(store.window).toMatchObject({ moreBefore: true, moreAfter: true });
    expect(store.window.events.length).toBeLessThanOrEqual(200);
  });

  it('stays on screen while the daemon is away, and is read anew once it is there', async () => {
    let away = false;
    const { of } = fakeBackend({
      'event.list': (params: { after?: number; before?: number; limit?: number }) => {
        if (away) throw refusal;
        return list(params);
      },
      'event.subscribe': () => ({ subscription: 1 }),
      'event.unsubscribe': () => ({}),
      'job.get': () => ({ ...detail(jobs[0]!), job_id: 213 }),
      'job.spans': () => ({ spans: [], total: 0 }),
      'job.files': () => ({ files: [], total: 0 }),
      'question.list': () => ({ questions: [] }),
    });
    const store = new JobStore(213);
    await store.open();
    const before = store.window.events.length;
    expect(before).toBeGreaterThan(50);
    away = true;
    await store.reopen();
    expect(store.window.events).toHaveLength(before);
    away = false;
    await store.reopen();
    expect(store.fault).toBeUndefined();
    expect(store.window.events.length).toBeGreaterThanOrEqual(before);
    expect(of('event.subscribe').length).toBeGreaterThan(1);
    store.close();
  });

  it('is one stretch of two pages', () => {
    const around = withAround(
      { events: page(90, 99), more_before: true, more_after: true },
      { events: page(100, 110), more_before: true, more_after: false },
    );
    expect(around.events.map((event) => event.seq)).toEqual(Array.from({ length: 21 }, (_, i) => 90 + i));
    expect(around).toMatchObject({ moreBefore: true, moreAfter: false });
  });
});

describe('find in a job', () => {
  const hit = (seq: number) => ({ seq, job_id: 1, title: '', at: seq, agent: 'cto', snippet: '' });

  it('goes from the latest to earlier ones, page by page, and back', async () => {
    vi.useFakeTimers();
    const { of } = fakeBackend({
      'event.search': ({ before }: { before?: number }) =>
        before === undefined ? { hits: [hit(9), hit(7)], next: 7 } : { hits: [hit(3)] },
    });
    const find = new FindStore(1);
    find.type('he');
    find.type('headline');
    await vi.advanceTimersByTimeAsync(300);
    expect(of('event.search')).toHaveLength(1);
    expect(find.current?.seq).toBe(9);
    await find.earlier();
    await find.earlier();
    expect(find.current?.seq).toBe(3);
    await find.earlier();
    expect(find.current?.seq).toBe(9);
    find.later();
    expect(find.current?.seq).toBe(3);
    find.type('');
    expect(find.hits).toEqual([]);
  });

  it('marks the words of it, whatever they are', () => {
    const element = document.createElement('p');
    element.textContent = 'The headline, the HEADLINES and (a+b)*';
    expect(rangesOf(element, wordsOf('headline')).map(String)).toEqual(['headline', 'HEADLINE']);
    expect(wordsOf('"(a+b" OR x')).toEqual(['or']);
  });
});

describe('files of a brief', () => {
  it('outlive the end of the app, with whom it is for and what it may cost', () => {
    fakeBackend({});
    const draft = new BriefDraft('desk');
    draft.keepFor(1);
    draft.text = 'Look at these';
    draft.agent = 'cfo';
    draft.limit = 2.5;
    draft.attach(['/a/prices.xlsx', '/a/prices.xlsx', '/a/hero.png']);
    draft.keepFor(1);
    const again = new BriefDraft('desk');
    again.keepFor(1);
    expect(again).toMatchObject({
      text: 'Look at these',
      agent: 'cfo',
      limit: 2.5,
      attachments: ['/a/prices.xlsx', '/a/hero.png'],
    });
    again.keepFor(2);
    expect(again.attachments).toEqual([]);
    localStorage.setItem('draft/desk/3/more', '{"attachments":[1,{}],"agent":7');
    again.keepFor(3);
    expect(again.agent).toBe('ceo');
  });

  it('go with it, and are gone once it is sent', async () => {
    const { of } = fakeBackend({ 'job.submit': () => jobs[0] });
    const draft = new BriefDraft('desk');
    draft.text = 'x';
    draft.attach(['/a/b.png']);
    expect(await draft.send({})).toBe(true);
    expect(of('job.submit')[0]?.params).toMatchObject({ attachments: ['/a/b.png'] });
    expect(draft.attachments).toEqual([]);
  });

  it('are twenty at most, and what is pasted is kept as one', async () => {
    fakeBackend({});
    const draft = new BriefDraft('desk');
    await draft.paste([new File([new Uint8Array([1, 2, 3])], 'image.png', { type: 'image/png' })]);
    expect(draft.attachments[0]).toMatch(/pasted\.png$/);
    draft.attach(Array.from({ length: 30 }, (_, i) => `/f/${i}`));
    expect(draft.attachments).toHaveLength(MAX_ATTACHMENTS);
    expect(draft.fault?.message).toContain('11 were not attached');
  });

  it('are taken away one by one', () => {
    fakeBackend({});
    const draft = new BriefDraft('desk');
    draft.attach(['/a/one.png', '/a/two.png']);
    show(Attachments, { draft });
    button('Remove one.png').click();
    flushSync();
    expect(text('[data-testid=attachments]')).toBe('two.png');
  });
});

describe('an export', () => {
  it('says where the file is, and shows it', async () => {
    fakeBackend({ 'job.export': () => ({ path: '/home/ann/Downloads/job-7.md', bytes: 2048 }) });
    expect(await exportJob(7, 'markdown')).toBe('/home/ann/Downloads/job-7.md');
    expect(flashes.list[0]?.text).toContain('Downloads/job-7.md');
    expect(flashes.list[0]?.action?.label).toBe('Show in folder');
  });

  it('that fails says why', async () => {
    fakeBackend({
      'job.export': () => {
        throw refusal;
      },
    });
    expect(await exportJob(7, 'html')).toBeUndefined();
    expect(flashes.list[0]).toMatchObject({ tone: 'bad', text: refusal.message });
  });
});
