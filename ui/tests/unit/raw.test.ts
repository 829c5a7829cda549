import { describe, expect, it } from 'vitest';
import type { JobRawParams, RawPage } from '$lib/contract/types';
import { MAX_CHARS, pretty } from '$lib/state/raw-window';
import { JobStore } from '$lib/stores/job.svelte';
import { RawStore } from '$lib/stores/raw.svelte';
import { waitsFor } from '$lib/text/job';
import { detail, jobs, programStory } from '../fixture/data';
import { RAW_LINES, rawPage } from '../fixture/leave';
import { fakeBackend, refusal } from './fake';

const asked = (calls: { params: unknown }[]) => calls.map((call) => (call.params as JobRawParams).from);

describe('the lines of a program', () => {
  it('are read page by page to the last of a hundred thousand, few of them kept', async () => {
    const { of } = fakeBackend({ 'job.raw': (({ from = 0 }: JobRawParams) => rawPage(from)) as never });
    const store = new RawStore(214);
    await store.readOn();
    expect(store.lines[0]).toMatchObject({ number: 1 });
    expect(store.more).toBe(true);
    await store.toEnd();
    expect(store.more).toBe(false);
    expect(store.lines.at(-1)?.number).toBe(RAW_LINES);
    expect(store.lines.reduce((sum, line) => sum + line.text.length, 0)).toBeLessThanOrEqual(MAX_CHARS + 512 * 1024);
    expect(store.moreBefore).toBe(true);
    // Each page once, and the run that was read first.
    expect(new Set(asked(of('job.raw'))).size).toBe(of('job.raw').length);
    expect(of('job.raw')[1]?.params).toMatchObject({ run_id: 303 });
  });

  it('that were let go of are read again, in order and without a gap, there and back', async () => {
    const { of } = fakeBackend({ 'job.raw': (({ from = 0 }: JobRawParams) => rawPage(from)) as never });
    const store = new RawStore(214);
    await store.readOn();
    await store.toEnd();
    while (store.moreBefore) await store.readBack();
    expect(store.lines[0]?.number).toBe(1);
    expect(store.more).toBe(true);
    await store.toEnd();
    expect(store.lines.at(-1)?.number).toBe(RAW_LINES);
    const numbers = store.lines.map((line) => line.number);
    expect(numbers.every((number, i) => i === 0 || number === (numbers[i - 1] ?? 0) + 1)).toBe(true);
    expect(of('job.raw').length).toBeLessThan(200);
  });

  it('of a run at work grow, and a fault does not lose what is here', async () => {
    const pages: (RawPage | undefined)[] = [
      { run_id: 1, lines: ['{"a":1}'], next: 8, more: false },
      { run_id: 1, lines: [], next: 8, more: false },
      undefined,
      { run_id: 1, lines: ['two'], next: 12, more: false },
    ];
    const { of } = fakeBackend({
      'job.raw': () => {
        const page = pages.shift();
        if (!page) throw refusal;
        return page;
      },
    });
    const store = new RawStore(1);
    await store.readOn();
    await store.readOn();
    await store.readOn();
    expect(store.fault?.message).toContain('limit is reached');
    expect(store.lines).toHaveLength(1);
    await store.readOn();
    expect(store.fault).toBeUndefined();
    expect(store.lines.map((line) => [line.number, line.text])).toEqual([
      [1, '{"a":1}'],
      [2, 'two'],
    ]);
    expect(asked(of('job.raw'))).toEqual([0, 8, 8, 8]);
  });

  it('never go round in circles where the daemon does not move on', async () => {
    fakeBackend({ 'job.raw': () => ({ run_id: 1, lines: ['x'], next: 0, more: true }) });
    const store = new RawStore(1);
    await store.readOn();
    expect(store.more).toBe(false);
  });

  it('are laid out where they are JSON', () => {
    expect(pretty('{"a":[1]}')).toBe('{\n  "a": [\n    1\n  ]\n}');
    expect(pretty('not JSON')).toBe('not JSON');
  });
});

describe('a job on a program', () => {
  it('knows its program even where that is far up', async () => {
    const job = jobs[2]!;
    fakeBackend({
      'job.get': () => detail(job),
      'job.spans': () => ({ spans: [], total: 0 }),
      'job.files': () => ({ files: [], total: 0 }),
      'question.list': () => ({ questions: [] }),
      'event.list': (({ after }: { after?: number }) => ({
        events: after === 0 ? programStory() : programStory().slice(1),
        more_before: after === undefined,
        more_after: false,
      })) as never,
      'event.subscribe': () => ({ subscription: 1 }),
      'event.unsubscribe': () => ({}),
    });
    const store = new JobStore(214);
    await store.open();
    expect(store.program).toMatchObject({ version: '2.1.14', confined: 'no' });
    store.close();
  });

  it('that waits for hours says until when', () => {
    const now = new Date('2026-11-20T10:00:00').getTime();
    const waits = (until: number) =>
      waitsFor({ ...jobs[2]!, reason: 'The plan’s quota is used up.', until }, 'waiting', now);
    expect(waits(now + 3 * 3_600_000)).toBe('The plan’s quota is used up · goes on at 13:00, in 3h 00m');
    expect(waits(now + 26 * 3_600_000)).toBe('The plan’s quota is used up · goes on tomorrow 12:00, in 1d 2h');
    expect(waits(now + 60_000)).toBe('The plan’s quota is used up · goes on in 1m 00s');
  });
});
