import { describe, expect, it } from 'vitest';
import type { Desk, DeskChange, Job, JobState } from '$lib/contract/types';
import { applyDeskChange, headline, beforeNext } from '$lib/state/desk-reduce';
import { fateOf } from '$lib/state/fate';
import { busyDesk, jobs, NOW, team } from '../fixture/data';

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

describe('a Desk that is followed', () => {
  const WALKS = 60;
  const STEPS = 80;

  /** The same numbers each time. */
  function dice(seed: number): (sides: number) => number {
    let state = seed;
    return (sides) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * sides);
    };
  }

  const NEXT: Record<JobState, JobState[]> = {
    scheduled: ['queued', 'blocked', 'cancelled'],
    blocked: ['queued', 'failed', 'cancelled'],
    queued: ['running', 'cancelled'],
    running: ['waiting', 'completed', 'failed', 'retrying', 'cancelled'],
    waiting: ['running', 'retrying', 'cancelled'],
    retrying: ['queued', 'cancelled'],
    completed: [],
    failed: [],
    cancelled: [],
  };
  const inLine = (job: Job) => ['queued', 'running', 'waiting', 'retrying'].includes(job.state);
  const isFinal = (job: Job) => NEXT[job.state].length === 0;

  /** A job with its place, as the daemon counts it when it is asked. */
  function asked(job: Job, all: readonly Job[]): Job {
    const before = all.filter(
      (other) =>
        other !== job &&
        other.session_id === job.session_id &&
        inLine(other) &&
        (other.state !== 'queued' ||
          (!other.held &&
            (other.priority > job.priority || (other.priority === job.priority && other.job_id < job.job_id)))),
    ).length;
    return job.state === 'queued' && before > 0 ? { ...job, position: before } : job;
  }

  it('is what the daemon would tell if it were asked again, places in line and all', () => {
    for (let seed = 1; seed <= WALKS; seed += 1) {
      const roll = dice(seed);
      let all: Job[] = [];
      let here = desk({ live: [], live_total: 0, seq: 0 });
      for (let seq = 1; seq <= STEPS; seq += 1) {
        const open = all.filter((job) => !isFinal(job));
        const picked = open[roll(open.length + 2)];
        let changed: Job;
        if (picked) {
          const states = NEXT[picked.state];
          const state = states[roll(states.length)]!;
          const { until: _until, ...rest } = picked;
          changed = { ...rest, state, seq, held: roll(5) === 0, ...(state === 'retrying' ? { until: seq } : {}) };
          if (isFinal(changed)) changed.finished_at = seq;
          all = all.map((job) => (job === picked ? changed : job));
        } else {
          const start = (['scheduled', 'blocked', 'queued'] as const)[roll(3)]!;
          const { position: _position, finished_at: _finished, ...rest } = first;
          changed = { ...rest, job_id: seq, seq, state: start, session_id: 14 + roll(2), priority: roll(3) * 10 - 10 };
          all = [...all, changed];
        }
        here = applyDeskChange(here, change({ seq, jobs: [asked(changed, all)] })).desk;
      }
      const live = all.filter((job) => !isFinal(job));
      expect(here.live, `seed ${seed}`).toEqual(live.map((job) => asked(job, all)));
      expect(here.live_total).toBe(live.length);
    }
  });

  it('lets go of a countdown that is over', () => {
    const waiting: Job = { ...first, state: 'waiting', until: 5000, seq: 101 };
    const after = applyDeskChange(desk({ live: [waiting] }), change({ jobs: [{ ...first, seq: 102 }] })).desk;
    expect(after.live[0]).not.toHaveProperty('until');
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

  it('does not say that what waits or is planned runs', () => {
    const scheduled: Job = { ...first, job_id: 214, state: 'scheduled' };
    const waiting: Job = { ...first, job_id: 213, state: 'waiting' };
    expect(headline(desk({ live: [waiting] }))).toBe('1 job is under way.');
    expect(headline(desk({ live: [first, scheduled], live_total: 2 }))).toBe('1 job is running, 1 planned.');
    expect(headline(desk({ live: [scheduled], live_total: 1 }))).toBe('1 job is planned.');
    expect(headline(desk({ held: true }))).toBe('All work is on hold.');
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

  it('does not let it wait for what is only planned, nor for what it goes before', () => {
    const queued: Job = { ...first, job_id: 213, state: 'queued' };
    const blocked: Job = { ...first, job_id: 214, state: 'blocked' };
    const retrying: Job = { ...first, job_id: 215, state: 'retrying' };
    expect(beforeNext(desk({ live: [blocked] }))).toBe(0);
    expect(beforeNext(desk({ live: [retrying] }))).toBe(1);
    expect(beforeNext(desk({ live: [first, { ...queued, held: true }] }))).toBe(1);
    expect(beforeNext(desk({ live: [first, queued] }), 10)).toBe(1);
    expect(beforeNext(desk({ live: [first, { ...queued, priority: 10 }] }), 10)).toBe(2);
  });
});

describe('what will happen with a brief', () => {
  const plan = { priority: 0, after: undefined, at: undefined, whenBusy: 'queue' as const, agent: 'ceo' };
  const queued: Job = { ...first, job_id: 213, state: 'queued' };
  const two = desk({ live: [first, queued], live_total: 2 });

  it('is said before it is sent', () => {
    expect(fateOf(desk({ live: [], live_total: 0 }), plan, NOW).text).toBe('');
    expect(fateOf(two, plan, NOW).text).toBe('CEO is busy: will be queued, position 2');
    expect(fateOf(two, { ...plan, priority: 10 }, NOW).text).toBe('CEO is busy: will be queued, position 1');
    expect(fateOf(two, { ...plan, whenBusy: 'replace' }, NOW).text).toBe(
      'Cancels #212, then 1 job is still before this one',
    );
    expect(fateOf(desk(), { ...plan, whenBusy: 'replace' }, NOW).text).toBe('Cancels #212, then starts this one');
    expect(fateOf(two, { ...plan, whenBusy: 'keep' }, NOW)).toMatchObject({ kept: true, busy: true });
    expect(fateOf(two, { ...plan, after: 212 }, NOW).text).toBe('Starts once #212 has completed');
    expect(fateOf(two, { ...plan, at: NOW + 3_600_000, after: 212 }, NOW).text).toMatch(
      /^Starts .*\d\d:\d\d and once #212 has completed$/,
    );
    expect(fateOf(desk({ live: [], live_total: 0, held: true }), plan, NOW).text).toContain('on hold');
  });

  it('is not what it was once the CEO is free again', () => {
    expect(fateOf(desk({ live: [], live_total: 0 }), { ...plan, whenBusy: 'keep' }, NOW).kept).toBe(false);
    expect(fateOf(two, { ...plan, after: 999 }, NOW).text).toContain('queued, position 2');
    expect(fateOf(two, { ...plan, at: NOW - 1 }, NOW).text).toContain('queued, position 2');
  });
});
