import { flushSync, mount, unmount } from 'svelte';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import Composer from '$lib/components/Composer.svelte';
import { BriefDraft } from '$lib/stores/brief.svelte';
import { clock } from '$lib/stores/clock.svelte';
import { desk } from '$lib/stores/desk.svelte';
import { busyDesk, jobs } from '../fixture/data';
import { fakeBackend, refusal } from './fake';
import { button, part, press, settled, text, type } from './page';

let mounted: Record<string, unknown> | undefined;
const sent = { ...jobs[3]!, job_id: 300 };

function compose(words = 'Write a description'): BriefDraft {
  const draft = new BriefDraft('desk');
  mounted = mount(Composer, { target: document.body, props: { draft } });
  draft.text = words;
  flushSync();
  return draft;
}

function choose(label: string): void {
  part('[data-testid=composer-busy]').click();
  flushSync();
  const items = [...document.querySelectorAll<HTMLElement>('[role=menuitemradio]')];
  const found = items.find((item) => item.textContent?.includes(label));
  if (!found) throw new Error(`no choice “${label}” of: ${items.map((item) => item.textContent).join(' | ')}`);
  found.click();
  flushSync();
}

beforeEach(() => {
  clock.now = Date.now();
  desk.value = { ...busyDesk, live: [jobs[0]!, jobs[3]!], live_total: 2 };
});

afterEach(async () => {
  if (mounted) await unmount(mounted);
  mounted = undefined;
  document.body.replaceChildren();
});

describe('a brief while the CEO is busy', () => {
  it('says before it is sent that it will wait, and where', async () => {
    const { of } = fakeBackend({ 'job.submit': () => sent });
    compose();
    expect(text('[data-testid=composer-busy]')).toBe('CEO is busy: will be queued, position 2');
    part('[data-testid=composer-send]').click();
    await settled();
    expect(of('job.submit')[0]?.params).toMatchObject({ queue: true, priority: 0 });
    expect(of('job.cancel')).toHaveLength(0);
  });

  it('can cancel the one at work, once it is itself stored', async () => {
    const { calls } = fakeBackend({
      'job.submit': () => sent,
      'job.cancel': () => ({ job: jobs[0], stopped: { ended: 1, forced: 0, left: 0 } }),
    });
    compose();
    choose('Cancel #212, then start this');
    expect(text('[data-testid=composer-busy]')).toBe('Cancels #212, then 1 job is still before this one');
    part('[data-testid=composer-send]').click();
    await settled();
    expect(calls.map((call) => call.method)).toEqual(['job.submit', 'job.cancel']);
    expect(calls[1]?.params).toEqual({ job_id: 212 });
  });

  it('cancels nothing for a brief that is refused', async () => {
    const { of } = fakeBackend({
      'job.submit': () => {
        throw refusal;
      },
    });
    compose();
    choose('Cancel #212');
    part('[data-testid=composer-send]').click();
    await settled();
    expect(of('job.cancel')).toHaveLength(0);
    expect(text('[role=alert]')).toContain('Raise it in Settings.');
    expect(button('Limits').disabled).toBe(false);
  });

  it('can be kept until the CEO is free, by button and by key', async () => {
    const { of } = fakeBackend({ 'job.submit': () => sent });
    const draft = compose();
    choose('Do not send it yet');
    const send = part<HTMLButtonElement>('[data-testid=composer-send]');
    expect(send.disabled).toBe(true);
    press(part('[data-testid=composer]'), 'Enter', { ctrlKey: true });
    await settled();
    expect(of('job.submit')).toHaveLength(0);
    expect(draft.text).toBe('Write a description');
    desk.value = { ...busyDesk, live: [], live_total: 0 };
    flushSync();
    expect(send.disabled).toBe(false);
  });
});

describe('a brief with a plan', () => {
  function open(): void {
    part('[data-testid=composer-more]').click();
    flushSync();
  }

  it('carries it, says when it starts, and leaves none behind', async () => {
    const { of } = fakeBackend({ 'job.submit': () => sent });
    const draft = compose();
    open();
    const dialog = part('[role=dialog]');
    expect(dialog.getAttribute('aria-label')).toBe('When this brief starts');
    const priority = part<HTMLInputElement>('[data-testid=plan-priority]');
    priority.value = '250';
    priority.dispatchEvent(new Event('change', { bubbles: true }));
    const after = part<HTMLSelectElement>('[data-testid=plan-after]');
    after.value = '212';
    after.dispatchEvent(new Event('change', { bubbles: true }));
    const at = part<HTMLInputElement>('[data-testid=plan-at]');
    type(at, 'in 2h');
    press(at, 'Enter');
    expect(document.querySelector('[role=dialog]')).toBeNull();
    expect(document.activeElement).toBe(part('[data-testid=composer-more]'));
    expect(text('[data-testid=composer-more]')).toMatch(/\d\d:\d\d · after #212 · priority 100$/);
    expect(text('[role=status]')).toMatch(/^Starts .*\d\d:\d\d and once #212 has completed$/);
    part('[data-testid=composer-send]').click();
    await settled();
    const params = of('job.submit')[0]?.params as { not_before: number };
    expect(params).toMatchObject({ priority: 100, after_job_id: 212 });
    expect(Math.abs(params.not_before - Date.now() - 2 * 3_600_000)).toBeLessThan(5000);
    expect(draft.plain).toBe(true);
    expect(text('[data-testid=composer-more]')).toBe('More');
  });

  it('says why a time is not taken, and keeps it', () => {
    compose();
    open();
    const at = part<HTMLInputElement>('[data-testid=plan-at]');
    type(at, 'whenever');
    button('Done').click();
    flushSync();
    expect(text('[role=alert]')).toContain('tomorrow 9:00');
    expect(at.value).toBe('whenever');
    expect(at.getAttribute('aria-invalid')).toBe('true');
    press(at, 'Escape');
    expect(document.querySelector('[role=dialog]')).toBeNull();
  });

  it('is kept where the brief is refused', async () => {
    fakeBackend({
      'job.submit': () => {
        throw {
          ...refusal,
          code: 'job.blocker_not_completed',
          message: 'Job #212 has failed.',
          fix: 'Name another one, or none.',
          data: { job_id: 212 },
        };
      },
    });
    const draft = compose();
    draft.after = 212;
    part('[data-testid=composer-send]').click();
    await settled();
    expect(draft.after).toBe(212);
    expect(text('[role=alert]')).toContain('Name another one, or none.');
    expect(button('Open #212').disabled).toBe(false);
  });
});
