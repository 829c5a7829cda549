import { describe, expect, it } from 'vitest';
import type { Job, JobState } from '$lib/contract/types';
import { countdown, left, upcoming } from '$lib/text/format';
import {
  endedHow,
  faceOf,
  percentOf,
  pillWords,
  stepOf,
  stoppedFlash,
  stoppedHow,
  stoppedWords,
  toldOf,
  waitsFor,
} from '$lib/text/job';
import { parseWhen } from '$lib/text/when';
import { jobs } from '../fixture/data';

const at = (text: string) => new Date(text).getTime();
const NOW = at('2026-11-20T10:00:00');
const MINUTE = 60_000;

function job(state: JobState, patch: Partial<Job> = {}): Job {
  const { position: _position, until: _until, eta: _eta, progress: _progress, activity: _activity, ...row } = jobs[0]!;
  return { ...row, job_id: 5, state, reason: '', started_at: NOW - 5 * MINUTE, ...patch };
}

function unbegun(state: JobState, patch: Partial<Job> = {}): Job {
  const { started_at: _started, ...row } = job(state, patch);
  return row;
}

/** Pill and line of a job, as somebody reads them in a row. */
function shown(row: Job, allHeld = false, stopping = false): [string, string] {
  const face = faceOf(row, stopping, allHeld);
  return [pillWords(row, face, NOW, false), toldOf(row, face, NOW)];
}

describe('a time to come', () => {
  it.each([
    ['2026-11-20T14:00:00', '14:00'],
    ['2026-11-21T09:00:00', 'tomorrow 09:00'],
    ['2026-11-24T09:05:00', 'Tue 09:05'],
    ['2026-11-28T09:00:00', '28 Nov 09:00'],
    ['2027-01-03T09:00:00', '3 Jan 2027 09:00'],
  ])('%s is %s', (text, said) => expect(upcoming(at(text), NOW)).toBe(said));

  it('is counted down to its last second, and then no more', () => {
    expect(countdown(NOW + 95_000, NOW)).toBe('1m 35s');
    expect(countdown(NOW + 400, NOW)).toBe('1s');
    expect(countdown(NOW, NOW)).toBe('');
    expect(countdown(NOW - 1, NOW)).toBe('');
  });
});

describe('when it will be done', () => {
  it.each([
    [20_000, 'less than a minute left'],
    [MINUTE, 'about 1 min left'],
    [4 * MINUTE + 10_000, 'about 4 min left'],
    [62 * MINUTE, 'about 1 h left'],
    [83 * MINUTE, 'about 1 h 25 min left'],
    [50 * 60 * MINUTE, 'about 2 days left'],
  ])('in %d ms is %s', (ms, said) => expect(left(NOW + ms, NOW)).toBe(said));

  it('is not said where nobody knows, or where it has passed', () => {
    expect(left(undefined, NOW)).toBe('');
    expect(left(NOW, NOW)).toBe('');
    expect(left(NOW - MINUTE, NOW)).toBe('');
    expect(left(NaN, NOW)).toBe('');
  });
});

describe('how far a job is', () => {
  const progress = (percent: number, done = 1, total = 4) => ({ done, total, percent, note: 'Prices' });

  it('is never all of it before its end', () => {
    expect(percentOf(job('running', { progress: progress(100, 4, 4) }))).toBe(99);
    expect(percentOf(job('waiting', { progress: progress(140) }))).toBe(99);
    expect(percentOf(job('completed', { progress: progress(99) }))).toBe(100);
  });

  it('is not guessed', () => {
    expect(percentOf(job('running'))).toBeUndefined();
    expect(percentOf(job('running', { progress: progress(0, 0, 0) }))).toBeUndefined();
    expect(stepOf(job('running'))).toBe('');
  });

  it('names the step at hand', () => {
    expect(stepOf(job('running', { progress: progress(25) }))).toBe('Step 2 of 4 · Prices');
    expect(stepOf(job('running', { progress: { ...progress(99, 4, 4), note: '' } }))).toBe('Finishing');
  });
});

describe('a row says what its job waits for', () => {
  it.each<[string, Job, string, string]>([
    ['scheduled', unbegun('scheduled', { until: NOW + 23 * 60 * MINUTE }), 'Tomorrow 09:00', 'Starts in 23h 00m'],
    [
      'scheduled behind another',
      unbegun('scheduled', { until: NOW + 60 * MINUTE, after_job_id: 3 }),
      '11:00',
      'Starts in 1h 00m, once job #3 has completed',
    ],
    ['scheduled, due', unbegun('scheduled', { until: NOW }), '10:00', 'Starts any moment'],
    ['blocked', unbegun('blocked', { after_job_id: 3 }), 'After #3', 'Starts once job #3 has completed'],
    ['next', unbegun('queued', { position: 1 }), 'Queued · next', 'Starts when the CEO is free'],
    ['in line', unbegun('queued', { position: 3 }), 'Queued · 3 before it', '3 jobs are before it'],
    ['without a slot', unbegun('queued'), 'Queued', 'Starts as soon as there is room'],
    ['held in line', unbegun('queued', { held: true }), 'On hold', 'Does not start until you resume it'],
    ['held at work', job('waiting', { held: true }), 'On hold', 'Goes on when you resume it'],
    ['being held', job('running', { held: true }), 'Pausing…', 'Stops before its next call'],
    [
      'waiting',
      job('waiting', { reason: 'The provider asked to wait (429).', until: NOW + 42_000 }),
      'Waiting · 42s',
      'The provider asked to wait (429)',
    ],
    [
      'waiting, due',
      job('waiting', { reason: 'The provider asked to wait (429).', until: NOW }),
      'Waiting',
      'The provider asked to wait (429) · goes on any moment',
    ],
    [
      'retrying',
      job('retrying', { reason: 'The provider could not be reached.', until: NOW + 120_000 }),
      'Retrying · 2m 00s',
      'The provider could not be reached',
    ],
    ['running', job('running', { activity: { agent: 'cto', text: 'is thinking' } }), '5m 00s', 'CTO is thinking'],
  ])('%s', (_, row, pill, line) => expect(shown(row)).toEqual([pill, line]));

  it('and in full where no pill is beside it', () => {
    const waiting = job('waiting', { reason: 'The provider asked to wait (429).', until: NOW + 42_000 });
    expect(waitsFor(waiting, 'waiting', NOW)).toBe('The provider asked to wait (429) · goes on in 42s');
    const scheduled = unbegun('scheduled', { until: NOW + 23 * 60 * MINUTE });
    expect(waitsFor(scheduled, 'scheduled', NOW)).toBe('Starts tomorrow 09:00, in 23h 00m');
  });

  it('while all work is on hold: what is at work stops, what is not keeps its own reason', () => {
    expect(shown(job('running'), true)).toEqual(['Pausing…', 'Stops before its next call']);
    expect(shown(job('waiting', { until: NOW + 42_000 }), true)[0]).toBe('On hold');
    expect(shown(unbegun('blocked', { after_job_id: 3 }), true)[0]).toBe('After #3');
    expect(shown(job('completed'), true)[0]).toBe('5m 00s');
  });

  it('while it is being stopped', () => {
    expect(shown(job('waiting', { held: true }), false, true)).toEqual(['Stopping…', 'Ending its processes']);
    expect(faceOf(job('cancelled'), true, false)).toBe('cancelled');
  });
});

describe('a job that ended', () => {
  const stopped = { ended: 3, forced: 1, left: 0 };

  it('says what became of its processes', () => {
    expect(stoppedWords(stopped)).toBe('3 processes ended, 1 by force, 0 left');
    expect(stoppedWords({ ended: 1, forced: 0, left: 0 })).toBe('1 process ended, 0 left');
    expect(stoppedWords({ ended: 4, forced: 4, left: 2 })).toBe('4 processes ended, 4 by force, 2 left');
    expect(stoppedWords({ ended: 0, forced: 0, left: 0 })).toBe('0 processes left');
    expect(endedHow(job('cancelled', { reason: 'Stopped by the founder.', stopped }))).toBe(
      'Stopped by the founder · 3 processes ended, 1 by force, 0 left',
    );
    expect(stoppedHow(job('cancelled', { reason: 'Stopped by the founder.', stopped }))).toBe(
      'Stopped by the founder · 3 processes ended, 1 by force, 0 left',
    );
  });

  it('does not boast of processes that nobody had to end', () => {
    const quiet = { ended: 0, forced: 0, left: 0 };
    expect(endedHow(job('completed', { result: 'Saved.', stopped: quiet }))).toBe('“Saved.”');
    expect(stoppedHow(job('completed', { stopped: quiet }))).toBe('');
    expect(stoppedHow(job('completed', { stopped: { ...quiet, left: 1 } }))).toBe('1 process left');
  });

  it('is told of once it was stopped', () => {
    expect(stoppedFlash(5, stopped, true)).toBe('Job #5 stopped: 3 processes ended, 1 by force, 0 left.');
    expect(stoppedFlash(5, { ended: 0, forced: 0, left: 0 }, false)).toBe('Job #5 cancelled. It had not begun.');
  });
});

describe('a time that somebody types', () => {
  it.each([
    ['14:30', '2026-11-20T14:30:00'],
    ['9:00', '2026-11-21T09:00:00'],
    ['2pm', '2026-11-20T14:00:00'],
    ['12am', '2026-11-21T00:00:00'],
    ['tomorrow', '2026-11-21T09:00:00'],
    ['Tomorrow at 8:15', '2026-11-21T08:15:00'],
    ['tonight', '2026-11-20T20:00:00'],
    ['Mon 9:00', '2026-11-23T09:00:00'],
    ['friday 9:00', '2026-11-27T09:00:00'],
    ['fri 11:00', '2026-11-20T11:00:00'],
    ['24 Nov 9:00', '2026-11-24T09:00:00'],
    ['3 Jan', '2027-01-03T09:00:00'],
    ['2026-12-01 07:05', '2026-12-01T07:05:00'],
    ['in 2h', '2026-11-20T12:00:00'],
    ['in 1h 30m', '2026-11-20T11:30:00'],
    ['in 90 minutes', '2026-11-20T11:30:00'],
    ['in 3 days', '2026-11-23T10:00:00'],
  ])('%s', (text, when) => expect(parseWhen(text, NOW)).toEqual({ at: at(when) }));

  it.each(['', 'soon', '25:00', '9', 'in', 'in 2 parsecs', 'mon 9', '31 Feb', '13pm', 'tomorrow never'])(
    '%j is not guessed at',
    (text) => expect(parseWhen(text, NOW)).toHaveProperty('why'),
  );

  it('that has passed, or is a digit too far away, says so', () => {
    expect(parseWhen('today 9:00', NOW)).toEqual({ why: 'That has passed.' });
    expect(parseWhen('2026-11-01 9:00', NOW)).toEqual({ why: 'That has passed.' });
    expect(parseWhen('in 9999 days', NOW)).toEqual({ why: 'That is more than a year away.' });
  });
});
