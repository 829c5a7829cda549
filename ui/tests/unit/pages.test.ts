import { beforeEach, describe, expect, it } from 'vitest';
import type { Job, JobListParams, JournalEntry } from '$lib/contract/types';
import { NO_FILTER } from '$lib/state/job-filter';
import { refreshed } from '$lib/state/pages';
import { JobsStore } from '$lib/stores/jobs.svelte';
import { JournalStore } from '$lib/stores/journal.svelte';
import { jobs as live, journal } from '../fixture/data';
import { fakeBackend, refusal } from './fake';

const [first] = live;
if (!first) throw new Error('the fixture has jobs');
const job = (job_id: number, more: Partial<Job> = {}): Job => ({ ...first, job_id, seq: 1, ...more });
const ids = (rows: readonly { job_id: number }[]) => rows.map((row) => row.job_id);
const change = (jobs: Job[]) => ({ seq: 9, company_id: first.company_id, jobs, team: [], reload: false });

describe('a newest page over rows that were read before', () => {
  const idOf = (row: number) => row;
  it('keeps what lies below it', () => {
    expect(refreshed([9, 8, 7], [8, 7, 6, 5], idOf, true)).toEqual({ rows: [9, 8, 7, 6, 5], whole: false });
  });

  it('stands for itself where there is nothing more, or where it does not reach the others', () => {
    expect(refreshed([9, 8], [8, 7], idOf, false)).toEqual({ rows: [9, 8], whole: true });
    expect(refreshed([9, 8], [5, 4], idOf, true)).toEqual({ rows: [9, 8], whole: true });
    expect(refreshed([], [5, 4], idOf, false)).toEqual({ rows: [], whole: true });
  });
});

describe('the list of jobs', () => {
  let all: Job[];
  beforeEach(() => {
    all = Array.from({ length: 900 }, (_, i) => job(900 - i));
  });
  const answer = ({ before = Infinity, limit = 50 }: Partial<JobListParams>) => {
    const below = all.filter((row) => row.job_id < before);
    const jobs = below.slice(0, limit);
    const last = jobs.at(-1);
    return { jobs, ...(below.length > limit && last ? { next: last.job_id } : {}) };
  };

  it('has what changed while its page was on its way, and which the page is too old for', async () => {
    let arrive: (() => void) | undefined;
    const { handlers } = fakeBackend({
      'job.list': async (asked: Partial<JobListParams>) => {
        const page = answer(asked);
        await new Promise<void>((done) => (arrive = done));
        return page;
      },
    });
    const store = new JobsStore();
    const end = store.listen();
    const opening = store.open(NO_FILTER, first.company_id);
    handlers.deliver('desk.changed', change([job(901), job(899, { seq: 5, title: 'changed' })]));
    arrive?.();
    await opening;
    expect(ids(store.rows).slice(0, 3)).toEqual([901, 900, 899]);
    expect(store.rows[2]?.title).toBe('changed');
    const more = store.loadMore();
    handlers.deliver('desk.changed', change([job(902), job(810, { seq: 5, title: 'changed' })]));
    store.forget(new Set([900]));
    arrive?.();
    await more;
    expect(ids(store.rows).slice(0, 3)).toEqual([902, 901, 899]);
    expect(store.rows.find((row) => row.job_id === 810)?.title).toBe('changed');
    expect(new Set(ids(store.rows)).size).toBe(store.rows.length);
    end();
  });

  it('is as long as before once the daemon is back', async () => {
    let broken = false;
    const { of } = fakeBackend({
      'job.list': (asked: Partial<JobListParams>) => {
        if (broken) throw refusal;
        return answer(asked);
      },
    });
    const store = new JobsStore();
    await store.open(NO_FILTER, first.company_id);
    await store.loadAll();
    expect(store.rows).toHaveLength(900);
    broken = true;
    await store.again();
    expect(store.rows).toHaveLength(900);
    expect(store.fault?.message).toBe(refusal.message);
    broken = false;
    all = [job(901), ...all];
    const before = of('job.list').length;
    await store.again();
    expect(of('job.list').length - before).toBeLessThanOrEqual(3);
    expect(ids(store.rows).slice(0, 2)).toEqual([901, 900]);
    expect(store.rows.length).toBeGreaterThanOrEqual(900);
    expect(store.fault).toBeUndefined();
  });
});

describe('the journal', () => {
  it('keeps what was read further down when a brief ends', async () => {
    const [some] = journal;
    let newest = 120;
    const entry = (entry_id: number) => ({ ...some, entry_id }) as JournalEntry;
    fakeBackend({
      'journal.list': ({ before = newest + 1, limit = 50 }: { before?: number; limit?: number }) => {
        const entries = Array.from({ length: Math.min(limit, before - 1) }, (_, i) => entry(before - 1 - i));
        const last = entries.at(-1)?.entry_id ?? 1;
        return { entries, ...(last > 1 ? { next: last } : {}) };
      },
    });
    const store = new JournalStore();
    await store.open(1, '');
    await store.loadMore();
    expect(store.rows).toHaveLength(100);
    newest = 121;
    await store.open(1, '');
    expect(store.rows.map((row) => row.entry_id)).toEqual(Array.from({ length: 101 }, (_, i) => 121 - i));
    await store.loadMore();
    expect(store.rows.map((row) => row.entry_id)).toEqual(Array.from({ length: 121 }, (_, i) => 121 - i));
    await store.open(1, 'other words');
    expect(store.rows).toHaveLength(50);
  });
});
