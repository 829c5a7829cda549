import { flushSync, mount, tick, unmount } from 'svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { router } from '$lib/stores/route.svelte';
import Composer from '$lib/components/Composer.svelte';
import { BriefDraft } from '$lib/stores/brief.svelte';
import { desk } from '$lib/stores/desk.svelte';
import QuickBrief from '../../src/screens/QuickBrief.svelte';
import { busyDesk, jobs } from '../fixture/data';
import { leaves } from '../fixture/leave';
import { fakeBackend, refusal } from './fake';

const job = { ...jobs[3]!, job_id: 300 };
let mounted: Record<string, unknown> | undefined;

function press(element: Element, init: KeyboardEventInit): void {
  element.dispatchEvent(new KeyboardEvent('keydown', { bubbles: true, cancelable: true, ...init }));
}

const part = <T extends HTMLElement>(testid: string) => document.querySelector<T>(`[data-testid="${testid}"]`)!;

async function settled(): Promise<void> {
  for (let i = 0; i < 5; i += 1) await Promise.resolve();
  await tick();
  flushSync();
}

beforeEach(() => {
  desk.value = busyDesk;
  desk.loaded = true;
});

afterEach(async () => {
  if (mounted) await unmount(mounted);
  mounted = undefined;
  document.body.replaceChildren();
  vi.useRealTimers();
});

describe('a draft', () => {
  afterEach(() => localStorage.clear());

  it('outlives the app, for the company that it was written for, until it is sent', async () => {
    fakeBackend({ 'job.submit': () => job });
    const first = new BriefDraft('desk');
    first.keepFor(1);
    first.text = 'Half a thought';
    first.keepFor(1);

    const later = new BriefDraft('desk');
    later.keepFor(undefined);
    expect(later.text).toBe('');
    later.keepFor(1);
    expect(later.text).toBe('Half a thought');
    later.keepFor(2);
    expect(later.text).toBe('');
    later.keepFor(1);
    expect(later.text).toBe('Half a thought');
    const quick = new BriefDraft('quick');
    quick.keepFor(1);
    expect(quick.text).toBe('');

    expect(await later.send({ company_id: 1 })).toBe(true);
    later.keepFor(1);
    const last = new BriefDraft('desk');
    last.keepFor(1);
    expect(last.text).toBe('');
  });

  it('keeps its place in line, its time and the job it waits for', async () => {
    fakeBackend({ 'job.submit': () => job });
    const first = new BriefDraft('desk');
    first.keepFor(1);
    first.text = 'Half a thought';
    const plan = { priority: -10, after: 212, at: Date.now() + 3_600_000, whenBusy: 'replace' as const };
    Object.assign(first, plan);
    first.keepFor(1);

    const later = new BriefDraft('desk');
    later.keepFor(1);
    expect(later.plan).toEqual({ ...plan, agent: 'ceo' });
    later.keepFor(2);
    expect(later.plain).toBe(true);
    later.keepFor(1);
    expect(later.plan).toMatchObject(plan);
    expect(await later.send({ company_id: 1 })).toBe(true);
    later.keepFor(1);
    expect(localStorage.length).toBe(0);
  });

  it('does not bring back a time that has passed, nor what nobody can have written', () => {
    fakeBackend({});
    const kept = (more: unknown) => {
      localStorage.setItem('draft/desk/1', 'Half a thought');
      localStorage.setItem('draft/desk/1/more', JSON.stringify(more));
      const draft = new BriefDraft('desk');
      draft.keepFor(1);
      return draft.plan;
    };
    const none = { priority: 0, after: undefined, at: undefined, whenBusy: 'queue', agent: 'ceo' };
    expect(kept({ at: Date.now() - 1, priority: 10 })).toEqual({ ...none, priority: 10 });
    expect(kept({ at: 'soon', priority: 1e9, after: -3, whenBusy: 'now', agent: 7 })).toEqual(none);
    expect(kept({ at: 1e300, priority: 0.5, after: 1.5, whenBusy: null })).toEqual(none);
    expect(kept(null)).toEqual(none);
  });
});

describe('the composer', () => {
  function compose(): BriefDraft {
    const draft = new BriefDraft('desk');
    mounted = mount(Composer, { target: document.body, props: { draft } });
    flushSync();
    return draft;
  }

  it('sends with Ctrl+Enter, in line and with a session, and empties itself', async () => {
    const { of } = fakeBackend({ 'job.submit': () => job });
    const draft = compose();
    draft.text = 'Write a description';
    flushSync();
    press(part('composer'), { key: 'Enter' });
    expect(of('job.submit')).toHaveLength(0);
    press(part('composer'), { key: 'Enter', ctrlKey: true });
    await settled();
    expect(of('job.submit')[0]?.params).toMatchObject({
      directive: 'Write a description',
      origin: 'desk',
      queue: true,
      start_session: true,
      company: { company_id: 1 },
    });
    expect(draft.text).toBe('');
    expect(document.body.textContent).toContain('job #300');
  });

  it('does not send what an input method has not finished', async () => {
    const { of } = fakeBackend({ 'job.submit': () => job });
    const draft = compose();
    draft.text = 'かな';
    flushSync();
    press(part('composer'), { key: 'Enter', ctrlKey: true, isComposing: true });
    await settled();
    expect(of('job.submit')).toHaveLength(0);
  });

  it('keeps the text when it is refused, and says why and what to do', async () => {
    fakeBackend({
      'job.submit': () => {
        throw refusal;
      },
    });
    const draft = compose();
    draft.text = 'Something long that nobody wants to type again';
    flushSync();
    part('composer-send').click();
    await settled();
    expect(part<HTMLTextAreaElement>('composer').value).toBe('Something long that nobody wants to type again');
    const alert = document.querySelector('[role=alert]');
    expect(alert?.textContent).toContain('limit is reached');
    expect(alert?.textContent).toContain('Raise it in Settings.');
  });

  it('sends one brief for two clicks, and the same name for a second try', async () => {
    let fail = true;
    const { of } = fakeBackend({
      'job.submit': async () => {
        await Promise.resolve();
        if (fail) throw refusal;
        return job;
      },
    });
    const draft = compose();
    draft.text = 'Once';
    flushSync();
    part('composer-send').click();
    part('composer-send').click();
    await settled();
    expect(of('job.submit')).toHaveLength(1);
    fail = false;
    part('composer-send').click();
    await settled();
    const keys = of('job.submit').map((call) => (call.params as { idempotency_key: string }).idempotency_key);
    expect(keys).toHaveLength(2);
    expect(keys[1]).toBe(keys[0]);
    draft.text = 'Once';
    flushSync();
    part('composer-send').click();
    await settled();
    const third = of('job.submit')[2]?.params as { idempotency_key: string };
    expect(third.idempotency_key).not.toBe(keys[0]);
  });

  it('says for a moment that it was sent', async () => {
    vi.useFakeTimers();
    fakeBackend({ 'job.submit': () => job });
    const draft = compose();
    draft.text = 'Write a description';
    await draft.send({});
    flushSync();
    expect(document.body.textContent).toContain('job #300');
    await vi.advanceTimersByTimeAsync(10_000);
    flushSync();
    expect(document.body.textContent).not.toContain('job #300');
  });

  it('has the focus where nothing else has it', () => {
    fakeBackend({});
    compose();
    expect(document.activeElement).toBe(part('composer'));
  });

  it('says why a limit is not taken, and sends with one that is', async () => {
    const { of } = fakeBackend({ 'job.submit': () => job });
    const draft = compose();
    draft.text = 'Write a description';
    flushSync();
    document.querySelector<HTMLElement>('button[title*="may cost at most"]')?.click();
    flushSync();
    const field = () => document.querySelector<HTMLInputElement>('.edit input')!;
    field().value = '-5';
    press(field(), { key: 'Enter' });
    flushSync();
    expect(document.querySelector('[role=alert]')?.textContent).toContain('a number from 0');
    press(part('composer'), { key: 'Enter', ctrlKey: true });
    await settled();
    expect(of('job.submit')).toHaveLength(0);
    field().value = '2,5';
    press(field(), { key: 'Enter', ctrlKey: true });
    await settled();
    expect(of('job.submit')[0]?.params).toMatchObject({ max_cost_usd: 2.5 });
    expect(of('job.submit')).toHaveLength(1);
  });

  it('takes files that are dropped on the window, and says where they go', async () => {
    const { handlers } = fakeBackend({});
    const draft = compose();
    handlers.deliver('native.drag', { over: true, files: 2 });
    flushSync();
    expect(part('drop-here').textContent).toContain('Drop to attach 2 files');
    handlers.deliver('native.dropped', { paths: ['/a/prices.xlsx', '/a/hero.png'] });
    flushSync();
    expect(document.querySelector('[data-testid=drop-here]')).toBeNull();
    expect(draft.attachments).toEqual(['/a/prices.xlsx', '/a/hero.png']);
    expect(part('attachments').textContent).toContain('prices.xlsx');
    handlers.deliver('native.dropped', { paths: [] });
    flushSync();
    expect(document.querySelector('[role=alert]')?.textContent).toContain('no file');
  });

  it('opens the job at once where the founder means to watch it', async () => {
    const { of } = fakeBackend({ 'job.submit': () => job });
    const draft = compose();
    draft.text = 'Write it now';
    draft.foreground = true;
    flushSync();
    expect(part('composer-mode').textContent).toContain('Now, watching');
    part('composer-send').click();
    await settled();
    expect(of('job.submit')[0]?.params).toMatchObject({ foreground: true });
    expect(router.route).toEqual({ screen: 'job', jobId: job.job_id });
    router.go({ screen: 'desk' });
  });

  it('does not send nothing', async () => {
    const { of } = fakeBackend({ 'job.submit': () => job });
    const draft = compose();
    draft.text = '  \n ';
    flushSync();
    part('composer-send').click();
    await settled();
    expect(of('job.submit')).toHaveLength(0);
  });

  it('keeps what was typed while the brief was under way', async () => {
    let answer: (value: unknown) => void = () => undefined;
    fakeBackend({ 'job.submit': () => new Promise((resolve) => (answer = resolve)) });
    const draft = compose();
    draft.text = 'First';
    flushSync();
    part('composer-send').click();
    await settled();
    draft.text = 'Second';
    answer(job);
    await settled();
    expect(draft.text).toBe('Second');
  });
});

describe('Quick brief', () => {
  function open(): HTMLTextAreaElement {
    mounted = mount(QuickBrief, { target: document.body });
    flushSync();
    return part<HTMLTextAreaElement>('quick-text');
  }

  function type(area: HTMLTextAreaElement, text: string): void {
    area.value = text;
    area.dispatchEvent(new Event('input', { bubbles: true }));
    flushSync();
  }

  it('shows what runs and what is asked, and says what will happen before anything is typed', () => {
    fakeBackend({});
    desk.value = { ...busyDesk, questions: leaves.slice(0, 1) };
    open();
    expect(part('quick-fate').textContent).toMatch(/^CEO is busy: will be queued, position \d$/);
    expect(document.querySelectorAll('[data-testid="job-row"]')).toHaveLength(4);
    expect(part('approval-action').textContent).toBe('npm publish --access public');
    expect(part<HTMLButtonElement>('approval-allow').disabled).toBe(false);
    desk.value = { ...busyDesk, live: [], live_total: 0 };
    flushSync();
    expect(document.querySelector('[data-testid="quick-fate"]')).toBeNull();
  });

  it('sends with Enter, says so, and hides', async () => {
    vi.useFakeTimers();
    const { of, hidden } = fakeBackend({ 'job.submit': () => job });
    const area = open();
    type(area, 'Drop the starter plan to $9?');
    press(area, { key: 'Enter', shiftKey: true });
    expect(of('job.submit')).toHaveLength(0);
    press(area, { key: 'Enter' });
    await settled();
    expect(of('job.submit')[0]?.params).toMatchObject({ origin: 'quick', directive: 'Drop the starter plan to $9?' });
    expect(document.body.textContent).toContain('job #300');
    expect(area.value).toBe('');
    expect(hidden).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(2000);
    expect(hidden).toHaveLength(1);
  });

  it('does not hide from somebody who writes the next one already', async () => {
    vi.useFakeTimers();
    const { hidden } = fakeBackend({ 'job.submit': () => job });
    const area = open();
    type(area, 'Drop the starter plan to $9?');
    press(area, { key: 'Enter' });
    await settled();
    type(area, 'And tell');
    await vi.advanceTimersByTimeAsync(2000);
    expect(hidden).toHaveLength(0);
  });

  it('keeps the text and stays when it is refused', async () => {
    vi.useFakeTimers();
    const { hidden } = fakeBackend({
      'job.submit': () => {
        throw refusal;
      },
    });
    const area = open();
    type(area, 'Keep me');
    press(area, { key: 'Enter' });
    await settled();
    await vi.advanceTimersByTimeAsync(5000);
    expect(area.value).toBe('Keep me');
    expect(hidden).toHaveLength(0);
    expect(document.querySelector('[role=alert]')?.textContent).toContain('limit is reached');
  });

  it('hides with Escape and keeps what was typed', async () => {
    const { hidden } = fakeBackend({});
    const area = open();
    type(area, 'Half a thought');
    press(area, { key: 'Escape' });
    await settled();
    expect(hidden).toHaveLength(1);
    expect(area.value).toBe('Half a thought');
  });
});
