import { flushSync } from 'svelte';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { DeskChange, Event, Job } from '$lib/contract/types';
import { NO_FILTER } from '$lib/state/job-filter';
import { desk } from '$lib/stores/desk.svelte';
import { JobStore } from '$lib/stores/job.svelte';
import { JobsStore } from '$lib/stores/jobs.svelte';
import { settings } from '$lib/stores/settings.svelte';
import { busyDesk, detail, jobs, settings as sample } from '../fixture/data';
import { fakeBackend, refusal } from './fake';

const first = jobs[0] as Job;

function change(patch: Partial<DeskChange>): DeskChange {
  return { seq: busyDesk.seq + 1, company_id: 1, jobs: [], team: [], reload: false, ...patch };
}

function event(seq: number, text = `m${seq}`): Event {
  return { seq, job_id: 212, run_id: 1, at: seq, agent: 'ceo', kind: 'message', text };
}

afterEach(() => vi.useRealTimers());

describe('the Desk', () => {
  it('loses no change that comes while it is being read', async () => {
    let answer: (value: unknown) => void = () => undefined;
    const { handlers } = fakeBackend({ 'desk.subscribe': () => new Promise((resolve) => (answer = resolve)) });
    const end = desk.listen();
    const opening = desk.open({});
    handlers.deliver('desk.changed', change({ jobs: [{ ...first, seq: busyDesk.seq + 1, cost_usd: 9 }] }));
    answer(busyDesk);
    await opening;
    expect(desk.value?.live.find((job) => job.job_id === 212)?.cost_usd).toBe(9);
    end();
  });

  it('reads again when it is told to, or missed something', async () => {
    const { handlers, of } = fakeBackend({ 'desk.subscribe': () => busyDesk });
    const end = desk.listen();
    await desk.open({});
    handlers.deliver('desk.changed', change({ reload: true }));
    handlers.deliver('event.resync', {});
    await vi.waitFor(() => expect(of('desk.subscribe')).toHaveLength(2));
    expect(of('desk.subscribe')[1]?.params).toEqual({ company_id: 1 });
    end();
  });

  it('takes no company for a beginning, not for a fault', async () => {
    fakeBackend({
      'desk.subscribe': () => {
        throw { ...refusal, code: 'company.not_found' };
      },
    });
    await desk.open({});
    expect(desk.fault).toBeUndefined();
    expect(desk.value).toBeUndefined();
    await desk.open({ company_id: 7 });
    expect(desk.fault?.code).toBe('company.not_found');
  });
});

/** Events are taken in with the next frame. */
function nextFrame(): Promise<void> {
  return new Promise((done) => requestAnimationFrame(() => done()));
}

describe('a job on screen', () => {
  function answers(pages: Event[][]) {
    return {
      'job.get': () => detail(first),
      'job.spans': () => ({ spans: [], total: 0 }),
      'job.files': () => ({ files: [], total: 0 }),
      'event.list': () => ({ events: pages.shift() ?? [], more_before: false, more_after: false }),
      'event.subscribe': () => ({ subscription: 4 }),
      'event.unsubscribe': () => ({}),
    };
  }

  it('subscribes from where its page ended, and takes live events once', async () => {
    const { handlers, of } = fakeBackend(answers([[event(1), event(2)]]));
    const job = new JobStore(212);
    await job.open();
    expect(of('event.subscribe')[0]?.params).toEqual({ job_id: 212, after: 2, deltas: true });
    handlers.deliver('event.added', { subscription: 4, events: [event(2), event(3)] });
    handlers.deliver('event.added', { subscription: 4, events: [{ ...event(4), job_id: 9 }] });
    await nextFrame();
    expect(job.window.events.map((row) => row.seq)).toEqual([1, 2, 3]);
    job.close();
    expect(of('event.unsubscribe')).toHaveLength(1);
  });

  it('shows the streaming tail until the message is stored', async () => {
    const { handlers } = fakeBackend(answers([[event(1)]]));
    const job = new JobStore(212);
    await job.open();
    handlers.deliver('event.delta', { job_id: 212, agent: 'ceo', text: 'Hel' });
    handlers.deliver('event.delta', { job_id: 212, agent: 'ceo', text: 'lo' });
    expect(job.tails[0]?.text).toBe('Hello');
    handlers.deliver('event.added', { subscription: 4, events: [event(2, 'Hello')] });
    await nextFrame();
    expect(job.tails).toEqual([]);
    job.close();
  });

  it('takes the tail so far once, however often it is told', async () => {
    const { handlers } = fakeBackend(answers([[event(1)], [event(1)]]));
    const job = new JobStore(212);
    const opening = job.open();
    handlers.deliver('event.delta', { job_id: 212, agent: 'ceo', text: 'early' });
    await opening;
    handlers.deliver('event.delta', { job_id: 212, agent: 'ceo', text: 'The message so far' });
    handlers.deliver('event.delta', { job_id: 212, agent: 'ceo', text: ', and on' });
    expect(job.tails[0]?.text).toBe('The message so far, and on');
    // The daemon is started again: the desktop subscribes anew, and the tail comes anew.
    handlers.deliver('native.link', { state: 'lost' });
    handlers.deliver('event.delta', { job_id: 212, agent: 'ceo', text: 'The message so far, and on' });
    expect(job.tails[0]?.text).toBe('The message so far, and on');
    job.close();
  });

  it('reads again from the end after it missed something, and drops the tail', async () => {
    const { handlers, of } = fakeBackend(answers([[event(1)], [event(1), event(2), event(3)]]));
    const job = new JobStore(212);
    await job.open();
    handlers.deliver('event.delta', { job_id: 212, agent: 'ceo', text: 'lost' });
    handlers.deliver('event.resync', { subscription: 99 });
    expect(job.tails).toHaveLength(1);
    handlers.deliver('event.resync', { subscription: 4 });
    await vi.waitFor(() => expect(of('event.subscribe')).toHaveLength(2));
    expect(job.window.events.map((row) => row.seq)).toEqual([1, 2, 3]);
    expect(of('event.subscribe')[1]?.params).toMatchObject({ after: 3 });
    expect(job.tails).toEqual([]);
    job.close();
  });

  it('says what is wrong with a job that is not there', async () => {
    fakeBackend({
      ...answers([[]]),
      'job.get': () => {
        throw { ...refusal, code: 'job.not_found', message: 'There is no job #212.' };
      },
    });
    const job = new JobStore(212);
    await job.open();
    expect(job.fault?.message).toBe('There is no job #212.');
    job.close();
  });
});

describe('the list of jobs', () => {
  it('reads page after page and keeps up with what changes', async () => {
    const { handlers } = fakeBackend({
      'job.list': (params: { before?: number }) =>
        params.before === undefined ? { jobs: [jobs[3], jobs[2]], next: 214 } : { jobs: [jobs[1], jobs[0]] },
    });
    const list = new JobsStore();
    const end = list.listen();
    await list.open(NO_FILTER, 1);
    await list.loadMore();
    await list.loadMore();
    expect(list.rows.map((job) => job.job_id)).toEqual([215, 214, 213, 212]);
    handlers.deliver(
      'desk.changed',
      change({
        jobs: [
          { ...first, seq: 9, cost_usd: 7 },
          { ...first, job_id: 220, seq: 9 },
        ],
      }),
    );
    expect(list.rows.map((job) => job.job_id)).toEqual([220, 215, 214, 213, 212]);
    expect(list.rows.at(-1)?.cost_usd).toBe(7);
    handlers.deliver('desk.changed', change({ company_id: 2, jobs: [{ ...first, job_id: 221, seq: 9 }] }));
    expect(list.rows[0]?.job_id).toBe(220);
    end();
  });

  it('drops a row that left the filter', async () => {
    const { handlers } = fakeBackend({ 'job.list': () => ({ jobs: [first] }) });
    const list = new JobsStore();
    const end = list.listen();
    await list.open({ ...NO_FILTER, states: ['running'] }, 1);
    handlers.deliver('desk.changed', change({ jobs: [{ ...first, seq: 9, state: 'completed' }] }));
    expect(list.rows).toEqual([]);
    end();
  });
});

describe('settings', () => {
  it('goes back to what was when they are refused', async () => {
    fakeBackend({
      'settings.get': () => sample,
      'settings.set': () => {
        throw refusal;
      },
    });
    await settings.load();
    await expect(settings.save({ max_parallel_jobs: 3 })).rejects.toMatchObject({ code: refusal.code });
    flushSync();
    expect(settings.value?.max_parallel_jobs).toBe(10);
  });

  it('does not let two quick changes undo each other', async () => {
    fakeBackend({ 'settings.get': () => sample, 'settings.set': (next: never) => next });
    await settings.load();
    await Promise.all([settings.save({ max_parallel_jobs: 3 }), settings.save({ notifications: false })]);
    expect(settings.value).toMatchObject({ max_parallel_jobs: 3, notifications: false });
  });
});
