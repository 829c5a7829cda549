import { describe, expect, it } from 'vitest';
import type { Desk, DeskChange, Job } from '$lib/contract/types';
import { applyDeskChange, headline, beforeNext } from '$lib/state/desk-reduce';
import { busyDesk, jobs, team } from '../fixture/data';

const first = jobs[0] as Job;

function desk(patch: Partial<Desk> = {}): Desk {
  return { ...busyDesk, seq: 100, live: [first], live_total: 1, finished: [], ...patch };
}

function change(patch: Partial<DeskChange>): DeskChange {
  return { seq: 101, company_id: 1, jobs: [], team: [], reload: false, ...patch };
}

describe('a change of the Desk', () => {
  it('of another company is not ours', () => {
    const before = desk();
    const step = applyDeskChange(
      before,
      change({ company_id: 2, jobs: [{ ...first, state: 'failed' }], reload: true }),
    );
    expect(step).toEqual({ desk: before, reload: false });
  });

  it('replaces a row of the same id', () => {
    const { desk: after } = applyDeskChange(desk(), change({ jobs: [{ ...first, seq: 101, cost_usd: 2.5 }] }));
    expect(after.live.map((job) => job.cost_usd)).toEqual([2.5]);
    expect(after.seq).toBe(101);
  });

  it('adds a new job at its place and counts it', () => {
    const { desk: after } = applyDeskChange(desk(), change({ jobs: [{ ...first, job_id: 300, seq: 101 }] }));
    expect(after.live.map((job) => job.job_id)).toEqual([212, 300]);
    expect(after.live_total).toBe(2);
  });

  it('moves a job that ended, once, however often it is told', () => {
    const ended: Job = { ...first, seq: 101, state: 'completed', finished_at: 5 };
    const once = applyDeskChange(desk(), change({ jobs: [ended] })).desk;
    const twice = applyDeskChange(once, change({ seq: 102, jobs: [{ ...ended, seq: 102 }] })).desk;
    expect(twice.live).toEqual([]);
    expect(twice.live_total).toBe(0);
    expect(twice.finished.map((job) => job.job_id)).toEqual([212]);
  });

  it('never brings a job that ended back', () => {
    const ended: Job = { ...first, seq: 105, state: 'cancelled', finished_at: 5 };
    const after = applyDeskChange(
      desk({ live: [], live_total: 0, finished: [ended] }),
      change({ jobs: [{ ...first, seq: 106 }] }),
    );
    expect(after.desk.live).toEqual([]);
  });

  it('that is older than a row does not undo it', () => {
    const newer = desk({ live: [{ ...first, seq: 120, cost_usd: 3 }] });
    const { desk: after } = applyDeskChange(newer, change({ seq: 110, jobs: [{ ...first, seq: 110, cost_usd: 1 }] }));
    expect(after.live[0]?.cost_usd).toBe(3);
  });

  it('that the snapshot already knew adds nothing', () => {
    const gone: Job = { ...first, job_id: 9, seq: 40 };
    const { desk: after } = applyDeskChange(
      desk(),
      change({ seq: 40, jobs: [gone], team: [{ ...team[0]!, task: 'old' }] }),
    );
    expect(after.live.map((job) => job.job_id)).toEqual([212]);
    expect(after.team[0]?.task).not.toBe('old');
    expect(after.seq).toBe(100);
  });

  it('asks for a new reading where not every live job is here', () => {
    const many = desk({ live_total: 120 });
    expect(applyDeskChange(many, change({ jobs: [{ ...first, job_id: 3, seq: 101 }] })).reload).toBe(true);
  });

  it('replaces agents by role, and asks again for one it does not know', () => {
    const idle = { ...team[1]!, state: 'idle' as const, task: '' };
    const step = applyDeskChange(desk(), change({ team: [idle] }));
    expect(step.desk.team.find((row) => row.role === 'cto')?.state).toBe('idle');
    expect(step.reload).toBe(false);
    expect(applyDeskChange(desk(), change({ team: [{ ...idle, role: 'coo' }] })).reload).toBe(true);
  });

  it('keeps the list of finished jobs bounded, newest first', () => {
    let state = desk({ live: [], live_total: 0 });
    for (let i = 1; i <= 40; i += 1) {
      const job: Job = { ...first, job_id: 300 + i, seq: 100 + i, state: 'completed', finished_at: i };
      state = applyDeskChange(state, change({ seq: 100 + i, jobs: [job] })).desk;
    }
    expect(state.finished).toHaveLength(20);
    expect(state.finished[0]?.job_id).toBe(340);
    expect(state.live_total).toBe(0);
  });
});

describe('what the Desk says', () => {
  it('counts what runs and what waits in line', () => {
    const queued: Job = { ...first, job_id: 213, state: 'queued' };
    expect(headline(desk())).toBe('1 job is running.');
    expect(headline(desk({ live: [first, queued], live_total: 2 }))).toBe('1 job is running, 1 queued.');
    expect(headline(desk({ live: [], live_total: 0 }))).toBe('Nothing is running.');
    expect(headline(desk({ live: [first], live_total: 120 }))).toBe('120 jobs are running.');
  });

  it('knows how many jobs the next brief waits for', () => {
    const queued: Job = { ...first, job_id: 213, state: 'queued' };
    const elsewhere: Job = { ...first, job_id: 214, session_id: 99 };
    expect(beforeNext(desk({ live: [elsewhere] }))).toBe(0);
    expect(beforeNext(desk())).toBe(1);
    expect(beforeNext(desk({ live: [first, queued] }))).toBe(2);
    const { session: _session, ...closed } = desk();
    expect(beforeNext(closed)).toBe(0);
  });
});
