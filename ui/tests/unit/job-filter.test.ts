import { describe, expect, it } from 'vitest';
import {
  dayAt,
  dayOf,
  filterQuery,
  fits,
  joined,
  listParams,
  NO_FILTER,
  parseFilter,
  placed,
  type JobFilter,
} from '$lib/state/job-filter';
import { all, extend, move, none, NOTHING, toggle, within } from '$lib/state/selection';
import { parseRoute, routeHash } from '$lib/stores/route.svelte';
import { jobs } from '../fixture/data';

const [first] = jobs;
if (!first) throw new Error('the fixture has jobs');
const job = (job_id: number, more: Partial<typeof first> = {}) => ({ ...first, job_id, seq: 1, ...more });

describe('a filter of jobs', () => {
  const full: JobFilter = {
    states: ['failed', 'cancelled'],
    company: 'all',
    agent: 'cto',
    engine: 'acp:gemini',
    from: '2026-11-01',
    to: '2026-11-20',
    sort: 'cost',
    words: 'price list & more',
  };

  it('goes into the address and comes back the same', () => {
    expect(parseFilter(filterQuery(full))).toEqual(full);
    expect(parseFilter(filterQuery({ ...NO_FILTER, company: 7 }))).toEqual({ ...NO_FILTER, company: 7 });
    expect(filterQuery(NO_FILTER)).toBe('');
    expect(parseFilter('')).toEqual(NO_FILTER);
  });

  it('leaves out what somebody typed into the address and is nonsense', () => {
    expect(parseFilter('state=failed,nonsense,failed&company=-3&from=2026-02-31&to=x&sort=best')).toEqual({
      ...NO_FILTER,
      states: ['failed'],
    });
  });

  it('is part of the route, beside a session', () => {
    const route = parseRoute('#/jobs/14?state=failed');
    expect(route).toEqual({ screen: 'jobs', session: 14, query: 'state=failed' });
    expect(routeHash(route)).toBe('#/jobs/14?state=failed');
    expect(parseRoute('#/job/212/102')).toEqual({ screen: 'job', jobId: 212, at: 102 });
    expect(routeHash({ screen: 'job', jobId: 212, at: 102 })).toBe('#/job/212/102');
    expect(parseRoute('#/job/212/x')).toEqual({ screen: 'job', jobId: 212 });
    expect(parseRoute('#/notices')).toEqual({ screen: 'notices' });
  });

  it('asks for whole days, the last one included', () => {
    const { since = 0, until = 0, company_id } = listParams({ ...full, from: '2026-11-20' }, 1);
    expect(new Date(since).toString()).toContain('Nov 20 2026 00:00');
    expect(until).toBe(dayAt('2026-11-21'));
    expect(company_id).toBeUndefined();
    expect(listParams(NO_FILTER, 1).company_id).toBe(1);
    expect(listParams({ ...NO_FILTER, company: 2 }, 1).company_id).toBe(2);
    expect(dayAt(dayOf(new Date(2026, 2, 1, 12).getTime(), 1))).toBe(new Date(2026, 1, 28).getTime());
  });

  it('knows which jobs belong on the list', () => {
    const asked = listParams({ ...NO_FILTER, engine: 'acp:gemini', agent: 'ceo' }, 1);
    expect(fits(job(1, { engine: 'acp', engine_agent: 'gemini' }), asked)).toBe(true);
    expect(fits(job(1, { engine: 'acp', engine_agent: 'opencode' }), asked)).toBe(false);
    expect(fits(job(1, { engine: 'acp', engine_agent: 'gemini', agent: 'cto' }), asked)).toBe(false);
    expect(fits(job(1, { engine: 'acp', engine_agent: 'gemini', company_id: 2 }), asked)).toBe(false);
  });
});

describe('a changed job', () => {
  const ids = (rows: readonly { job_id: number }[]) => rows.map((row) => row.job_id);

  it('stands where its order puts it, once', () => {
    const rows = [job(9), job(5)];
    const asked = listParams(NO_FILTER, 1);
    expect(ids(placed(rows, job(7), asked, false, 0))).toEqual([9, 7, 5]);
    expect(ids(placed(rows, job(12), asked, true, 0))).toEqual([12, 9, 5]);
    const cheap = [job(1, { cost_usd: 3 }), job(2, { cost_usd: 1 })];
    const byCost = listParams({ ...NO_FILTER, sort: 'cost' }, 1);
    expect(ids(placed(cheap, job(3, { cost_usd: 2 }), byCost, false, 0))).toEqual([1, 3, 2]);
    const old = listParams({ ...NO_FILTER, sort: 'oldest' }, 1);
    expect(ids(placed([job(1), job(2)], job(3), old, false, 0))).toEqual([1, 2, 3]);
    expect(ids(joined([job(1), job(2)], [job(2), job(3)]))).toEqual([1, 2, 3]);
  });

  it('that lies below all that was read waits for its page', () => {
    expect(ids(placed([job(9)], job(3), listParams(NO_FILTER, 1), true, 0))).toEqual([9]);
  });

  it('that is older than what is here changes nothing, and one that fits no longer goes', () => {
    const rows = [job(9, { seq: 5, title: 'new' })];
    const asked = listParams({ ...NO_FILTER, states: ['running'] }, 1);
    expect(placed(rows, job(9, { seq: 4, title: 'old' }), asked, false, 0)).toBe(rows);
    expect(placed(rows, job(9, { seq: 6, state: 'completed' }), asked, false, 0)).toEqual([]);
  });
});

describe('choosing rows', () => {
  const ids = [10, 9, 8, 7, 6];
  const chosen = (selection: { chosen: ReadonlySet<number> }) => [...selection.chosen].sort((a, b) => b - a);

  it('toggles one, and draws stretches that shrink again', () => {
    let now = toggle(NOTHING, 9);
    now = extend(now, 7, ids);
    expect(chosen(now)).toEqual([9, 8, 7]);
    now = extend(now, 8, ids);
    expect(chosen(now)).toEqual([9, 8]);
    now = extend(now, 10, ids);
    expect(chosen(now)).toEqual([10, 9]);
    expect(chosen(toggle(now, 10))).toEqual([9]);
  });

  it('keeps what was chosen elsewhere', () => {
    const now = extend(toggle(toggle(NOTHING, 6), 10), 9, ids);
    expect(chosen(now)).toEqual([10, 9, 6]);
  });

  it('is walked by keys, to the ends and not over them', () => {
    let now = move(NOTHING, 1, ids, false);
    expect(now.cursor).toBe(10);
    now = move(now, -1, ids, false);
    expect(now.cursor).toBe(10);
    now = move(now, 99, ids, false);
    expect([now.cursor, now.chosen.size]).toEqual([6, 0]);
    expect(chosen(move(now, -2, ids, true))).toEqual([8, 7, 6]);
    expect(move(NOTHING, 1, [], true)).toBe(NOTHING);
  });

  it('takes all, takes none, and lets go of what is gone', () => {
    const now = all(NOTHING, ids);
    expect(chosen(now)).toEqual(ids);
    expect(chosen(within(now, [8, 7]))).toEqual([8, 7]);
    expect(within(now, ids)).toBe(now);
    expect(none(now).chosen.size).toBe(0);
  });
});
