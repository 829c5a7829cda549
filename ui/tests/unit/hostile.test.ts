// @vitest-environment jsdom
import { flushSync, mount, unmount, type Component } from 'svelte';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import ApprovalCard from '$lib/components/ApprovalCard.svelte';
import Attachments from '$lib/components/Attachments.svelte';
import Code from '$lib/components/Code.svelte';
import Diff from '$lib/components/Diff.svelte';
import FileDiffView from '$lib/components/FileDiff.svelte';
import Flashes from '$lib/components/Flashes.svelte';
import Markdown from '$lib/components/Markdown.svelte';
import Plainly from '$lib/components/Plainly.svelte';
import Problem from '$lib/components/Problem.svelte';
import QuestionCard from '$lib/components/QuestionCard.svelte';
import ToolCall from '$lib/components/ToolCall.svelte';
import TranscriptRow from '$lib/components/TranscriptRow.svelte';
import FinishedRow from '$lib/components/FinishedRow.svelte';
import LiveRow from '$lib/components/LiveRow.svelte';
import NextUp from '$lib/components/NextUp.svelte';
import type { Job, Question } from '$lib/contract/types';
import { toRows, type Row } from '$lib/state/rows';
import { toLines } from '$lib/state/tree';
import { BriefDraft } from '$lib/stores/brief.svelte';
import { desk } from '$lib/stores/desk.svelte';
import { flashes } from '$lib/stores/flash.svelte';
import { imagesIn } from '$lib/text/images';
import { rowMarkdown } from '$lib/text/transcript';
import { busyDesk, jobs, questions } from '../fixture/data';
import { BOMBS, CORPUS, hostileDiff, hostileStory, LONG_TEXTS, SCRIPTS, UNSEEN } from '../fixture/hostile';
import { fakeBackend } from './fake';

/** One text through one place, at most: the machine that tests may be a slow one that does other things, too. */
const BOUND_MS = 4000;

let mounted: Record<string, unknown>[] = [];
const requested: string[] = [];

function show<P extends Record<string, unknown>>(what: Component<P>, props: P): void {
  mounted.push(mount(what, { target: document.body, props }));
  flushSync();
}

/** What a page does that believes what it is told. */
function expectHarmless(): void {
  expect((globalThis as { pwned?: unknown }).pwned).toBeUndefined();
  const page = document.body;
  expect(
    page.querySelector('script,iframe,object,embed,link,style,base,meta,form[action],video,audio,source,math,template'),
  ).toBeNull();
  for (const element of page.querySelectorAll('*')) {
    for (const { name, value } of [...element.attributes]) {
      expect(name.startsWith('on'), `${element.tagName} has ${name}`).toBe(false);
      // What is named in words of a title or a label is not fetched.
      if (!['src', 'srcset', 'href', 'style', 'data', 'action', 'poster', 'formaction', 'xlink:href'].includes(name))
        continue;
      if (element.tagName === 'A' && name === 'href') expect(value).toMatch(/^(https?:|mailto:)/i);
      else if (element.tagName === 'IMG')
        expect(value).toMatch(/^data:image\/(png|jpeg|gif|webp|avif|bmp);base64,[A-Za-z0-9+/]+=*$/);
      else expect(value).not.toMatch(/attacker|url\(|javascript:/i);
    }
  }
  expect(requested).toEqual([]);
}

async function within(work: () => void | Promise<void>): Promise<void> {
  const began = performance.now();
  await work();
  expect(performance.now() - began).toBeLessThan(BOUND_MS);
}

beforeAll(() => {
  // Lists ask the window of their own document for it, and this one has none.
  class Sizeless {
    observe(): void {}
    unobserve(): void {}
    disconnect(): void {}
  }
  Object.assign(document.defaultView ?? globalThis, { ResizeObserver: Sizeless });
});

beforeEach(() => {
  fakeBackend({});
  desk.value = busyDesk;
  requested.length = 0;
  for (const name of ['fetch', 'open'] as const)
    vi.stubGlobal(name, (url: unknown) => {
      requested.push(`${name} ${String(url)}`);
      return Promise.reject(new Error('nothing leaves the machine'));
    });
  vi.stubGlobal(
    'XMLHttpRequest',
    class {
      open(_method: string, url: string) {
        requested.push(url);
      }
    },
  );
  vi.stubGlobal('WebSocket', function (url: string) {
    requested.push(url);
  });
});

afterEach(async () => {
  for (const one of mounted) await unmount(one);
  mounted = [];
  document.body.replaceChildren();
  vi.unstubAllGlobals();
});

const job = (text: string, patch: Partial<Job>): Job => ({
  ...(jobs[0] as Job),
  title: text,
  reason: text,
  result: text,
  error: { code: 'x', kind: 'provider', message: text, fix: text, retryable: false },
  activity: { agent: text.slice(0, 40) || 'x', text },
  progress: { done: 1, total: 3, percent: 33, note: text, at: 1 } as unknown as NonNullable<Job['progress']>,
  ...patch,
});

const places: readonly (readonly [string, (text: string) => void])[] = [
  [
    'the transcript, folded and unfolded',
    (text) => {
      const rows = toRows(hostileStory(text), [{ agent: 'ceo', parent: undefined, text: text.slice(0, 16_384) }]);
      expect(toLines(rows, new Set(['1/h1'])).length).toBeGreaterThan(5);
      const one = (row: Row, open: boolean) => show(TranscriptRow, { row, open, ontoggle: () => undefined });
      for (const row of rows) one(row, false);
      for (const row of rows) if (['tool', 'delegation', 'thinking'].includes(row.kind)) one(row, true);
    },
  ],
  ['Markdown', (text) => show(Markdown, { text })],
  ['code', (text) => show(Code, { text, language: 'typescript' })],
  ['a diff', (text) => show(Diff, { diff: `@@ -1 +1 @@\n-${text}\n+${text}` })],
  [
    'a changed file',
    (text) => {
      show(FileDiffView, { file: hostileDiff(text), split: false });
      show(FileDiffView, { file: hostileDiff(text), split: true });
    },
  ],
  [
    'a question',
    (text) => {
      const question: Question = { ...(questions[0] as Question), text, detail: text, options: [text, 'No'] };
      show(QuestionCard, { question, closed: undefined, origin: 'desk' });
    },
  ],
  [
    'rows of jobs',
    (text) => {
      show(LiveRow, { job: job(text, { state: 'running' }) });
      show(LiveRow, { job: job(text, { state: 'waiting' }) });
      show(FinishedRow, { job: job(text, { state: 'completed', finished_at: 2 }) });
      show(FinishedRow, { job: job(text, { state: 'failed', finished_at: 2 }) });
      show(NextUp, { jobs: [job(text, { state: 'scheduled', until: Date.now() + 90_000 })] });
    },
  ],
  [
    'errors and flashes',
    (text) => {
      show(Problem, { fault: { code: 'x', kind: 'internal', message: text, fix: text, retryable: false } });
      flashes.say(text, 'bad', { label: 'Open', run: () => undefined });
      show(Flashes, {});
    },
  ],
  [
    'attached files',
    (text) => {
      const draft = new BriefDraft('desk');
      draft.attach([`/tmp/${text}`]);
      show(Attachments, { draft });
    },
  ],
  ['what is made visible', (text) => show(Plainly, { text: text.slice(0, 60_000), runs: true })],
];

describe.each(places)('hostile text in %s', (_name, put) => {
  it.each([...SCRIPTS, ...UNSEEN])('runs nothing and loads nothing: $name', async ({ text }) => {
    put(text);
    await new Promise((next) => setTimeout(next));
    flushSync();
    expectHarmless();
  });

  it.each([...BOMBS, ...LONG_TEXTS])('is drawn in bounded time: $name', async ({ text }) => {
    await within(() => put(text));
    expectHarmless();
    // What is not drawn is said; a page of millions of characters would not scroll.
    expect(document.body.querySelectorAll('*').length).toBeLessThan(40_000);
  });
});

describe('hostile text', () => {
  it('is asked about with nothing of it hidden', () => {
    const question = {
      ...(questions[0] as Question),
      ask: 'approval',
      approval: { act: 'command', tool: 'Bash', action: 'npm run \u202etset\u202c', digest: 'x' },
    } as unknown as Question;
    show(ApprovalCard, { question, closed: undefined, origin: 'desk' });
    expect(document.body.textContent).toContain('U+202E');
    expectHarmless();
  });

  it('shows commands that turn around as what they are', () => {
    const [row] = toRows(hostileStory('rm \u202eoof\u202c')).filter((each) => each.kind === 'tool');
    show(TranscriptRow, { row: row!, ontoggle: () => undefined });
    expect(document.body.textContent).toContain('U+202E');
  });

  it('is copied as Markdown in which fences hold', () => {
    for (const { text } of [...SCRIPTS, ...UNSEEN, { text: '```\n# out\n```' }, { text: '`````' }]) {
      for (const row of toRows(hostileStory(text))) {
        const copied = rowMarkdown(row);
        if (row.kind !== 'tool') continue;
        const fences = copied.split('\n').filter((each) => /^`{3,}/.test(each));
        // The outer ones are longer than any within.
        expect(Math.max(...fences.map((each) => /^`+/.exec(each)![0].length))).toBeGreaterThanOrEqual(3);
      }
    }
  });

  it('gives only pictures whose bytes are there', () => {
    for (const { text } of CORPUS)
      for (const { source } of imagesIn(text).images) expect(source).toMatch(/^data:image\/png;base64,A+$/);
    const inline = imagesIn(
      '[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}}]',
    );
    expect(inline.images).toHaveLength(1);
    expect(imagesIn('[{"type":"image","mimeType":"image/svg+xml","data":"PHN2Zz4="}]').images).toEqual([]);
  });

  it('shows a picture of a tool, and never one from elsewhere', () => {
    const row = { ...toRows(hostileStory('x')).find((each) => each.kind === 'tool')! } as Row & { kind: 'tool' };
    show(ToolCall, {
      row: {
        ...row,
        output:
          '[{"type":"image","mimeType":"image/png","data":"iVBORw0KGgo="},{"type":"image","source":{"type":"url","url":"https://attacker.example/i.png"}}]',
      },
    });
    expect([...document.querySelectorAll('img')].map((image) => image.getAttribute('src'))).toEqual([
      'data:image/png;base64,iVBORw0KGgo=',
    ]);
    expect(document.body.textContent).toContain('attacker.example');
    expectHarmless();
  });
});
