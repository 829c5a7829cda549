import { flushSync, mount, unmount } from 'svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import Flashes from '$lib/components/Flashes.svelte';
import type { Job, JobListParams } from '$lib/contract/types';
import { compare, fits } from '$lib/state/job-filter';
import { bulk } from '$lib/stores/bulk.svelte';
import { desk } from '$lib/stores/desk.svelte';
import { flashes } from '$lib/stores/flash.svelte';
import { jobView } from '$lib/stores/job-view.svelte';
import { link } from '$lib/stores/link.svelte';
import { router } from '$lib/stores/route.svelte';
import Jobs from '../../src/screens/Jobs.svelte';
import { busyDesk, finished, hit, jobs as live } from '../fixture/data';
import { fakeBackend, refusal } from './fake';
import { button, part, press, settled, text, type } from './page';
import { withSizes } from './sizes';

let mounted: Record<string, unknown>[] = [];
let rows: Job[] = [];

/** Props that follow the address, as the page gives them. */
function fromAddress(): { session: number | undefined; query: string | undefined } {
  return {
    get session() {
      return router.route.screen === 'jobs' ? router.route.session : undefined;
    },
    get query() {
      return router.route.screen === 'jobs' ? router.route.query : undefined;
    },
  };
}

const list = (asked: JobListParams) => {
  const all = rows.filter((job) => fits(job, asked)).sort(compare(asked.sort, 0));
  return { jobs: all.slice(0, asked.limit ?? 50) };
};

async function show(answers: Parameters<typeof fakeBackend>[0] = {}) {
  const fake = fakeBackend({ 'job.list': list, 'engine.list': () => ({ engines: [], confinement: {} }), ...answers });
  mounted = [mount(Jobs, { target: document.body, props: fromAddress() }), mount(Flashes, { target: document.body })];
  flushSync();
  await settled();
  return fake;
}

const grid = () => part('[data-testid=job-list]');
const shown = () => [...document.querySelectorAll<HTMLElement>('[data-testid=job-row]')];
const chosen = () => shown().filter((row) => row.getAttribute('aria-selected') === 'true');

withSizes();

beforeEach(() => {
  desk.value = busyDesk;
  desk.companies = [busyDesk.company];
  desk.loaded = true;
  link.generation = 1;
  rows = [...live, ...finished].sort((a, b) => b.job_id - a.job_id);
  jobView.query = '';
  jobView.place = undefined;
  localStorage.clear();
  router.go({ screen: 'jobs' });
});

afterEach(async () => {
  for (const one of mounted) await unmount(one);
  mounted = [];
  flashes.list = [];
  document.body.replaceChildren();
  vi.useRealTimers();
});

describe('the list of jobs', () => {
  it('is walked, chosen from and opened with the keyboard alone', async () => {
    await show();
    grid().focus();
    press(grid(), 'ArrowDown');
    press(grid(), 'ArrowDown');
    press(grid(), ' ');
    press(grid(), 'ArrowDown', { shiftKey: true });
    expect(chosen().map((row) => row.dataset.jobId)).toEqual([`${rows[1]?.job_id}`, `${rows[2]?.job_id}`]);
    expect(text('[data-testid=bulk-count]')).toBe('2 jobs chosen');
    press(grid(), 'a', { ctrlKey: true });
    expect(text('[data-testid=bulk-count]')).toBe(`${rows.length} jobs chosen`);
    press(grid(), 'Escape');
    expect(document.querySelector('[data-testid=bulk-bar]')).toBeNull();
    press(grid(), 'Home');
    press(grid(), 'Enter');
    expect(router.route).toEqual({ screen: 'job', jobId: rows[0]?.job_id });
  });

  it('is chosen from with the mouse: Ctrl for one, Shift for a stretch, and a click still opens', async () => {
    await show();
    const click = (at: number, init: MouseEventInit = {}) => {
      part('[data-testid=job-open]', shown()[at] ?? document).dispatchEvent(
        new MouseEvent('click', { bubbles: true, cancelable: true, ...init }),
      );
      flushSync();
    };
    click(0, { ctrlKey: true });
    click(2, { shiftKey: true });
    expect(chosen()).toHaveLength(3);
    click(1, { ctrlKey: true });
    expect(chosen()).toHaveLength(2);
    expect(router.route.screen).toBe('jobs');
    click(1);
    expect(router.route).toEqual({ screen: 'job', jobId: rows[1]?.job_id });
  });

  it('says before it deletes what goes and what stays, and lets go of just that', async () => {
    const { of } = await show({
      'job.delete': ({ job_ids }: { job_ids: number[] }) => ({ jobs: job_ids.length, events: 9, bytes: 2_000_000 }),
    });
    press(grid(), 'a', { ctrlKey: true });
    press(grid(), 'Delete');
    const over = finished.map((job) => job.job_id).sort((a, b) => b - a);
    const ask = text('dialog');
    expect(ask).toContain(`Delete ${over.length} jobs?`);
    expect(ask).toContain('What they cost stays counted');
    expect(ask).toContain('This cannot be undone');
    expect(ask).toContain('have not ended, and stay as they are');
    expect(of('job.delete')).toHaveLength(0);
    part('[data-testid=bulk-ask]').dispatchEvent(new Event('submit', { bubbles: true, cancelable: true }));
    await settled();
    expect(of('job.delete')[0]?.params).toEqual({ job_ids: over });
    expect(shown()).toHaveLength(live.length);
    expect(text('.flashes')).toContain(`${over.length} jobs deleted, 2.0 MB freed.`);
  });

  it('cancels those that can be, and takes one that had ended for done', async () => {
    let calls = 0;
    const { of } = await show({
      'job.cancel': () => {
        calls += 1;
        if (calls === 2) throw { ...refusal, code: 'job.final' };
        return { job: live[0], stopped: { ended: 1, forced: 0, left: 0 } };
      },
    });
    press(grid(), 'a', { ctrlKey: true });
    part('[data-testid=bulk-cancel]').click();
    flushSync();
    part('[data-testid=bulk-ask]').dispatchEvent(new Event('submit', { bubbles: true, cancelable: true }));
    await settled();
    await settled();
    expect(of('job.cancel')).toHaveLength(live.length);
    expect(text('.flashes')).toContain(`${live.length} jobs cancelled.`);
  });

  it('shows how far it is, and does not say each step of it aloud', async () => {
    await show({ 'job.export': () => new Promise(() => undefined) });
    press(grid(), 'a', { ctrlKey: true });
    bulk.act = 'export';
    bulk.done = 3;
    bulk.of = 40;
    flushSync();
    const bar = part('[data-testid=bulk-bar] [role=progressbar]');
    expect(bar.getAttribute('aria-valuenow')).toBe('3');
    expect(text('[data-testid=bulk-bar]')).toContain('3 of 40');
    for (const told of document.querySelectorAll('[role=status]')) expect(told.textContent).not.toContain('3 of 40');
    bulk.act = undefined;
  });

  it('tells how many exports failed, and why', async () => {
    let calls = 0;
    await show({
      'job.export': () => {
        calls += 1;
        if (calls === 1) throw { ...refusal, message: 'The disk is full.', fix: 'Make room.' };
        return { path: '/home/ann/Downloads/job.md', bytes: 1000 };
      },
    });
    press(grid(), 'a', { ctrlKey: true });
    part('[data-testid=bulk-export]').click();
    flushSync();
    [...document.querySelectorAll<HTMLButtonElement>('[role=menuitem]')]
      .find((row) => row.textContent?.includes('HTML'))
      ?.click();
    await settled();
    await settled();
    expect(text('.flashes')).toContain('1 job failed: The disk is full.');
  });

  it('keeps its filter in the address, and over a restart', async () => {
    const { of } = await show();
    part('[data-testid=jobs-sort]').click();
    flushSync();
    [...document.querySelectorAll<HTMLButtonElement>('[role=menuitemradio]')]
      .find((row) => row.textContent?.includes('Most expensive'))
      ?.click();
    await settled();
    expect(location.hash).toBe('#/jobs?sort=cost');
    expect(of('job.list').at(-1)?.params).toMatchObject({ sort: 'cost', offset: 0, company_id: 1 });
    part<HTMLInputElement>('input[value=failed]').click();
    await settled();
    expect(of('job.list').at(-1)?.params).toMatchObject({ sort: 'cost', states: ['failed'] });
    expect(localStorage.getItem('jobs.filter')).toBe('state=failed&sort=cost');
    expect(shown().every((row) => row.dataset.state === 'failed')).toBe(true);
  });

  it('keeps what is on screen where it cannot be read again', async () => {
    let broken = false;
    await show({
      'job.list': (asked: JobListParams) => {
        if (broken) throw refusal;
        return list(asked);
      },
    });
    broken = true;
    link.generation += 1;
    await settled();
    expect(text()).toContain(refusal.message);
    expect(shown().length).toBe(rows.length);
  });

  it('is not read over and over', async () => {
    const { of } = await show();
    await settled();
    expect(of('job.list')).toHaveLength(1);
  });

  it('says what is missing where there is nothing', async () => {
    rows = [];
    await show();
    expect(text()).toContain('No jobs yet.');
    part<HTMLInputElement>('input[value=failed]').click();
    await settled();
    expect(text()).toContain('No jobs here.');
    button('Show all jobs').click();
    await settled();
    expect(location.hash).toBe('#/jobs');
  });
});

describe('the search', () => {
  it('shows each hit in its context, and leads to the place in the job', async () => {
    vi.useFakeTimers();
    const { of } = await show({
      'event.search': ({ before = 4 }: { before?: number }) => ({
        hits: Array.from({ length: before - 1 }, (_, i) => hit(before - 1 - i, 'Übergabe')),
      }),
    });
    const field = part<HTMLInputElement>('[data-testid=jobs-search]');
    type(field, 'Übergabe');
    await vi.advanceTimersByTimeAsync(500);
    await settled();
    // Once, also after the words went into the address.
    expect(of('event.search')).toHaveLength(1);
    expect(of('event.search')[0]?.params).toEqual({ query: 'Übergabe', limit: 50, company_id: 1 });
    const hits = [...document.querySelectorAll<HTMLElement>('[data-testid=hit]')];
    expect(hits).toHaveLength(3);
    expect(hits.every((row) => row.querySelector('mark')?.textContent === 'Übergabe')).toBe(true);
    expect(location.hash).toBe(`#/jobs?${new URLSearchParams({ q: 'Übergabe' }).toString()}`);
    press(field, 'ArrowDown');
    press(part('[data-testid=hit-list]'), 'ArrowDown');
    press(part('[data-testid=hit-list]'), 'Enter');
    expect(router.route).toEqual({ screen: 'job', jobId: Number(hits[1]?.dataset.jobId), at: 2 });
  });

  it('says what was found and in how long, and tells a screen reader once nobody types any more', async () => {
    vi.useFakeTimers();
    await show({
      'event.search': async () => {
        await new Promise((done) => setTimeout(done, 40));
        return { hits: [hit(1, 'price')] };
      },
    });
    const field = part<HTMLInputElement>('[data-testid=jobs-search]');
    type(field, 'pri');
    await vi.advanceTimersByTimeAsync(60);
    type(field, 'price');
    await vi.advanceTimersByTimeAsync(60);
    await settled();
    expect(text('[data-testid=hits-said]')).toMatch(
      /^1 place in all jobs of .Northwind Labs., newest first Searched in \d+ms/,
    );
    expect(text('[data-testid=hits-told]')).toBe('');
    await vi.advanceTimersByTimeAsync(800);
    await settled();
    expect(text('[data-testid=hits-told]')).toContain('1 place in all jobs');
  });

  it('looks for what another link asks for while the list is up', async () => {
    vi.useFakeTimers();
    const { of } = await show({ 'event.search': () => ({ hits: [] }) });
    const field = part<HTMLInputElement>('[data-testid=jobs-search]');
    type(field, 'zebra');
    await vi.advanceTimersByTimeAsync(500);
    router.go({ screen: 'jobs', query: 'q=lion' });
    flushSync();
    await vi.advanceTimersByTimeAsync(500);
    await settled();
    expect(field.value).toBe('lion');
    expect(of('event.search').at(-1)?.params).toMatchObject({ query: 'lion' });
    expect(location.hash).toBe('#/jobs?q=lion');
  });

  it('that finds nothing in one company leads to all of them', async () => {
    vi.useFakeTimers();
    desk.companies = [busyDesk.company, { ...busyDesk.company, company_id: 2, name: 'Harbour' }];
    const { of } = await show({ 'event.search': () => ({ hits: [] }) });
    type(part<HTMLInputElement>('[data-testid=jobs-search]'), 'zebra');
    await vi.advanceTimersByTimeAsync(500);
    await settled();
    button('Search in every company').click();
    await vi.advanceTimersByTimeAsync(500);
    await settled();
    expect(of('event.search').at(-1)?.params).toEqual({ query: 'zebra', limit: 50 });
    expect(text()).toContain('0 places in all jobs of every company');
  });

  it('opens a job by its number, and gives the list back', async () => {
    vi.useFakeTimers();
    await show({ 'event.search': () => ({ hits: [] }) });
    const field = part<HTMLInputElement>('[data-testid=jobs-search]');
    type(field, 'zebra');
    await vi.advanceTimersByTimeAsync(500);
    await settled();
    expect(text()).toContain('Nobody said or did anything with “zebra”.');
    press(field, 'Escape');
    await settled();
    expect(shown().length).toBe(rows.length);
    type(field, '#212');
    press(field, 'Enter');
    expect(router.route).toEqual({ screen: 'job', jobId: 212 });
  });
});
