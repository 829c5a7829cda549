import { flushSync, mount, unmount } from 'svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import FinishedRow from '$lib/components/FinishedRow.svelte';
import Flashes from '$lib/components/Flashes.svelte';
import HoldBanner from '$lib/components/HoldBanner.svelte';
import LiveRow from '$lib/components/LiveRow.svelte';
import Palette from '$lib/components/Palette.svelte';
import type { Job } from '$lib/contract/types';
import { withRow } from '$lib/state/job-row';
import { actionsOf } from '$lib/state/job-actions';
import { stopping } from '$lib/stores/actions.svelte';
import { clock } from '$lib/stores/clock.svelte';
import { desk } from '$lib/stores/desk.svelte';
import { flashes } from '$lib/stores/flash.svelte';
import { JobStore } from '$lib/stores/job.svelte';
import { busyDesk, detail, finished, jobs, NOW, otherStates } from '../fixture/data';
import { fakeBackend, refusal } from './fake';
import { button, part, press, settled, text, type } from './page';

const mounted: Record<string, unknown>[] = [];
const running = jobs[0]!;
const waiting = jobs[2]!;

function live(job: Job): void {
  mounted.push(mount(LiveRow, { target: document.body, props: { job } }));
  flushSync();
}

beforeEach(() => {
  desk.value = busyDesk;
  clock.now = NOW;
  for (const flash of flashes.list) flashes.drop(flash.id);
});

afterEach(async () => {
  for (const row of mounted.splice(0)) await unmount(row);
  document.body.replaceChildren();
  stopping.clear();
  vi.useRealTimers();
});

describe('a job under way', () => {
  it('shows how far it is, the step at hand and about how long it takes still', () => {
    live(running);
    const bar = part('[role=progressbar]');
    expect(bar.getAttribute('aria-valuenow')).toBe('62');
    expect(bar.getAttribute('aria-valuetext')).toBe(
      '62 percent, Step 6 of 8 · Finance checks every price on it, about 4 min left',
    );
    expect(text()).toContain('62%');
    expect(text()).toContain('about 4 min left');
  });

  it('says nothing of what it does not know', () => {
    const { progress: _progress, eta: _eta, ...rest } = running;
    live(rest);
    expect(document.querySelector('[role=progressbar]')).toBeNull();
    expect(text()).not.toMatch(/%|left/);
  });

  it('stops telling a time that has passed, or that stands still', () => {
    clock.now = running.eta! + 1;
    live(running);
    expect(text()).not.toContain('left');
    clock.now = NOW;
    flushSync();
    expect(text()).toContain('about 4 min left');
    desk.value = { ...busyDesk, held: true };
    flushSync();
    expect(text()).not.toContain('left');
    expect(text()).toContain('Pausing…');
  });

  it('counts a wait down while one looks', () => {
    live(waiting);
    expect(text()).toContain('Waiting · 1m 35s');
    clock.now = NOW + 60_000;
    flushSync();
    expect(text()).toContain('Waiting · 35s');
  });

  it.each(otherStates.map((job) => [job.state + (job.held ? ', held' : ''), job] as const))(
    'that is %s has a mark with a name, and a way out',
    (_, job) => {
      live(job);
      expect(part('[role=img]').getAttribute('aria-label')).toBeTruthy();
      expect(button(`Cancel job #${job.job_id}, ${job.title}`).disabled).toBe(false);
      expect(button(`Actions of job #${job.job_id}`).getAttribute('aria-haspopup')).toBe('menu');
    },
  );

  it('shows a priority only where it has one', () => {
    live(otherStates[2]!);
    expect(part('[aria-label="Priority 10"]').textContent).toBe('↑10');
    live(running);
    expect(document.querySelectorAll('[aria-label^=Priority]')).toHaveLength(1);
  });
});

describe('cancelling', () => {
  it('says that it is under way, and then what became of the processes', async () => {
    let answer: (value: unknown) => void = () => undefined;
    fakeBackend({ 'job.cancel': () => new Promise((resolve) => (answer = resolve)) });
    live(running);
    mounted.push(mount(Flashes, { target: document.body }));
    button(`Cancel job #${running.job_id}, ${running.title}`).click();
    await settled();
    expect(text('[data-testid=job-row]')).toContain('Stopping…');
    expect(text('[data-testid=job-row]')).toContain('Ending its processes');
    expect(part('.flashes').textContent?.trim()).toBe('');
    answer({ job: { ...running, state: 'cancelled' }, stopped: { ended: 3, forced: 1, left: 0 } });
    await settled();
    expect(text('.flashes')).toContain('Job #212 stopped: 3 processes ended, 1 by force, 0 left.');
  });

  it('of what has ended by itself is no fault', async () => {
    fakeBackend({
      'job.cancel': () => {
        throw { ...refusal, code: 'job.final' };
      },
    });
    live(running);
    mounted.push(mount(Flashes, { target: document.body }));
    button(`Cancel job #${running.job_id}, ${running.title}`).click();
    await settled();
    expect(text('.flashes')).toContain('Job #212 had ended already.');
    expect(text('[data-testid=job-row]')).not.toContain('Stopping');
  });
});

describe("a job's menu", () => {
  const acts = (job: Job, isStopping = false) => actionsOf(job, isStopping).map((row) => row.act);

  it('offers what fits its state, and nothing else', () => {
    expect(acts(running)).toEqual(['pause', 'cancel', 'copy']);
    expect(acts({ ...running, held: true })).toEqual(['resume', 'cancel', 'copy']);
    expect(acts(running, true)).toEqual(['copy']);
    expect(acts(otherStates[0]!)).toContain('run-now');
    expect(acts(otherStates[2]!)).toEqual(['pause', 'cancel', 'copy']);
    expect(acts(otherStates[3]!)).toEqual(['pause', 'cancel', 'copy']);
    for (const job of finished) expect(acts(job)).toEqual(['restart', 'copy']);
  });

  it('works by keyboard: opens, walks, acts, and gives the focus back', async () => {
    const { of } = fakeBackend({ 'job.pause': () => ({ all: false, job: { ...running, held: true } }) });
    live(running);
    const dots = button('Actions of job #212');
    dots.focus();
    press(dots, 'ArrowDown');
    const items = () => [...document.querySelectorAll<HTMLElement>('[role=menuitem]')];
    expect(items().map((item) => item.textContent?.trim().split('\n')[0])).toHaveLength(3);
    expect(document.activeElement).toBe(items()[0]);
    press(items()[0]!, 'ArrowDown');
    expect(document.activeElement).toBe(items()[1]);
    press(items()[1]!, 'Home');
    items()[0]!.click();
    await settled();
    expect(of('job.pause')[0]?.params).toEqual({ job_id: 212 });
    expect(document.activeElement).toBe(dots);
    expect(flashes.list.at(-1)?.text).toBe('Job #212 stops before its next call.');
  });

  it('says when a job that is resumed waits for a hold of everything still', async () => {
    fakeBackend({ 'job.resume': () => ({ all: true, job: running }) });
    live({ ...running, held: true });
    button('Actions of job #212').click();
    flushSync();
    part('[role=menuitem]').click();
    await settled();
    expect(flashes.list.at(-1)?.text).toBe('Job #212 goes on. All work is on hold still.');
  });
});

describe('a job that ended', () => {
  it('says what became of its processes where it was stopped', () => {
    mounted.push(mount(FinishedRow, { target: document.body, props: { job: finished[2]! } }));
    flushSync();
    expect(text()).toContain('Stopped by the founder · 3 processes ended, 1 by force, 0 left');
  });
});

describe('a hold of all work', () => {
  it('stands over everything, with the way out', async () => {
    const { of } = fakeBackend({ 'job.resume': () => ({ all: false }), 'desk.subscribe': () => busyDesk });
    mounted.push(mount(HoldBanner, { target: document.body }));
    flushSync();
    expect(document.body.textContent?.trim()).toBe('');
    desk.value = { ...busyDesk, held: true };
    flushSync();
    expect(text()).toContain('All work is on hold. 2 jobs stop before the next call; nothing new begins.');
    button('Resume').click();
    await settled();
    expect(of('job.resume')[0]?.params).toEqual({});
    expect(document.querySelector('[data-testid=hold-banner]')).toBeNull();
  });
});

describe('a newer row', () => {
  it('takes the wait and the ETA of the older one with it', () => {
    const before = detail({ ...waiting, eta: NOW + 1000 });
    const { until: _until, ...row } = { ...waiting, state: 'running' as const, seq: 9 };
    const after = withRow(before, row);
    expect(after).not.toHaveProperty('until');
    expect(after).not.toHaveProperty('eta');
    expect(after.state).toBe('running');
    expect(after.directive).toBe(before.directive);
    expect(after.run).toEqual(before.run);
  });

  it('that came by note is not undone by an older answer', async () => {
    let answer: (value: unknown) => void = () => undefined;
    let asked = 0;
    const { handlers } = fakeBackend({
      'job.get': () => (asked++ === 0 ? detail(waiting) : new Promise((resolve) => (answer = resolve))),
      'job.spans': () => ({ spans: [], total: 0 }),
      'job.files': () => ({ files: [], total: 1 }),
      'event.list': () => ({ events: [], more_before: false, more_after: false }),
      'event.subscribe': () => ({ subscription: 1 }),
      'event.unsubscribe': () => ({}),
    });
    vi.useFakeTimers();
    const store = new JobStore(waiting.job_id);
    await store.open();
    handlers.deliver('event.added', { subscription: 1, events: [] });
    const { until: _until, ...row } = { ...waiting, state: 'running' as const, seq: 9 };
    handlers.deliver('desk.changed', { seq: 9, company_id: 1, jobs: [row], team: [], reload: false });
    expect(store.detail).not.toHaveProperty('until');
    await vi.advanceTimersByTimeAsync(3000);
    answer(detail({ ...waiting, seq: 4 }));
    await vi.advanceTimersByTimeAsync(10);
    expect(store.detail?.state).toBe('running');
    expect(store.detail).not.toHaveProperty('until');
    store.close();
  });
});

describe('the palette', () => {
  async function open(words: string) {
    const fake = fakeBackend({
      'job.list': () => ({ jobs: [...jobs].reverse() }),
      'event.search': () => ({ hits: [] }),
      'job.cancel': () => ({ job: running, stopped: { ended: 0, forced: 0, left: 0 } }),
      'job.pause': () => ({ all: true }),
      'desk.subscribe': () => busyDesk,
    });
    mounted.push(mount(Palette, { target: document.body }));
    await settled();
    type(part<HTMLInputElement>('[role=combobox]'), words);
    await settled();
    return fake;
  }

  it('acts on a job by its number', async () => {
    const { of } = await open('cancel 212');
    const found = [...document.querySelectorAll('[role=option]')].map((row) => row.textContent?.trim());
    expect(found).toEqual([expect.stringContaining('Cancel job #212')]);
    press(part('[role=combobox]'), 'Enter');
    await settled();
    expect(of('job.cancel')[0]?.params).toEqual({ job_id: 212 });
  });

  it('holds all work', async () => {
    const { of } = await open('pause all');
    press(part('[role=combobox]'), 'Enter');
    await settled();
    expect(of('job.pause')[0]?.params).toEqual({});
    expect(flashes.list.at(-1)?.text).toBe('All work is on hold.');
  });
});
