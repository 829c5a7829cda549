import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Event } from '$lib/contract/types';
import { BriefDraft } from '$lib/stores/brief.svelte';
import { FindStore } from '$lib/stores/find.svelte';
import { JobStore } from '$lib/stores/job.svelte';
import { detail, jobs } from '../fixture/data';
import { fakeBackend, refusal } from './fake';

/** An answer that comes when it is let go. */
function held<T>() {
  let settle: (value: T) => void = () => undefined;
  const answer = new Promise<T>((done) => (settle = done));
  return { answer, go: (value: T) => settle(value) };
}

function event(seq: number): Event {
  return { seq, job_id: 212, at: seq, agent: 'ceo', kind: 'message', text: String(seq) } as unknown as Event;
}

/** What a job answers beside its events. */
const facts = {
  'job.get': () => detail({ ...jobs[3]!, job_id: 212 }),
  'job.spans': () => ({ spans: [], total: 0 }),
  'job.files': () => ({ files: [], total: 0 }),
  'question.list': () => ({ questions: [] }),
  'event.subscribe': () => ({ subscription: 4 }),
  'event.unsubscribe': () => ({}),
};

interface Wanted {
  before?: number;
  after?: number;
}

beforeEach(() => localStorage.clear());

describe('what is asked while an answer is under way', () => {
  it('gives each page of hits once, to whoever holds the key', async () => {
    const page = (first: number, next?: number) => ({
      hits: [{ job_id: 1, seq: first }],
      ...(next === undefined ? {} : { next }),
    });
    const later = held<unknown>();
    const { of } = fakeBackend({
      'event.search': ({ before }: { before?: number }) => (before === undefined ? page(9, 9) : later.answer),
    });
    const find = new FindStore(1);
    find.type('headline');
    await find.earlier();
    const both = [find.earlier(), find.earlier()];
    later.go(page(3));
    await Promise.all(both);
    expect(find.hits.map((hit) => hit.seq)).toEqual([9, 3]);
    expect(find.current?.seq).toBe(3);
    expect(of('event.search')).toHaveLength(2);
    find.close();
  });

  it('leaves no gap where another place of the job is shown before earlier events are here', async () => {
    const earlier = held<unknown>();
    fakeBackend({
      ...facts,
      'event.list': ({ before, after }: Wanted) => {
        if (before === 900) return earlier.answer;
        if (before === 10) return { events: [event(9)], more_before: true, more_after: true };
        if (after === 9) return { events: [event(10)], more_before: true, more_after: true };
        return { events: [event(900)], more_before: true, more_after: false };
      },
    });
    const job = new JobStore(212);
    await job.open();
    const reading = job.loadEarlier();
    expect(await job.show(10)).toBe(true);
    earlier.go({ events: [event(899)], more_before: true, more_after: true });
    await reading;
    expect(job.window.events.map((row) => row.seq)).toEqual([9, 10]);
    job.close();
  });

  it('does not have all later events sent to somebody who reads in the middle, when the daemon is back', async () => {
    const { of } = fakeBackend({
      ...facts,
      'event.list': ({ before, after }: Wanted) =>
        before === undefined && after === undefined
          ? { events: [event(900)], more_before: true, more_after: false }
          : { events: [event(before === undefined ? 10 : 9)], more_before: true, more_after: true },
    });
    const job = new JobStore(212);
    await job.open();
    await job.show(10);
    await job.reopen();
    expect(job.window.events.map((row) => row.seq)).toEqual([9, 10]);
    expect(of('event.subscribe').at(-1)?.params).toMatchObject({ after: 900 });
    job.close();
  });

  it('goes where the founder wished to be last', async () => {
    const latest = held<unknown>();
    let opened = false;
    fakeBackend({
      ...facts,
      'event.list': ({ before, after }: Wanted) => {
        if (before !== undefined) return { events: [event(before - 1)], more_before: true, more_after: true };
        if (after !== undefined) return { events: [event(after + 1)], more_before: true, more_after: true };
        if (opened) return latest.answer;
        opened = true;
        return { events: [event(900)], more_before: true, more_after: false };
      },
    });
    const job = new JobStore(212);
    await job.open();
    await job.show(10);
    const jumping = job.jumpToLatest();
    await job.show(20);
    latest.go({ events: [event(900)], more_before: true, more_after: false });
    await jumping;
    expect(job.window.events.map((row) => row.seq)).toEqual([19, 20]);
    job.close();
  });

  it('ends each subscription but the last', async () => {
    let last = 0;
    const { handlers, of } = fakeBackend({
      ...facts,
      'event.subscribe': () => ({ subscription: (last += 1) }),
      'event.list': () => ({ events: [event(900)], more_before: true, more_after: false }),
    });
    const job = new JobStore(212);
    await job.open();
    handlers.deliver('event.resync', { subscription: 1 });
    handlers.deliver('event.resync', { subscription: 1 });
    await vi.waitFor(() => expect(of('event.subscribe')).toHaveLength(3));
    job.close();
    await vi.waitFor(() => expect(of('event.unsubscribe')).toHaveLength(3));
  });

  it('sends a brief once, and leaves the draft of another company alone that was opened meanwhile', async () => {
    const answer = held<unknown>();
    const { of } = fakeBackend({ 'job.submit': () => answer.answer });
    const draft = new BriefDraft('desk');
    draft.keepFor(1);
    draft.text = 'For the first';
    draft.keepFor(1);
    const sending = draft.send({ company_id: 1 });
    draft.keepFor(2);
    draft.text = 'For the second';
    draft.limit = 3;
    answer.go(jobs[3]);
    expect(await sending).toBe(true);
    expect([draft.text, draft.limit]).toEqual(['For the second', 3]);
    draft.keepFor(2);
    draft.keepFor(1);
    expect(draft.text).toBe('');
    draft.text = 'For the first';
    await draft.send({ company_id: 1 });
    expect(of('job.submit')).toHaveLength(2);
  });

  it('does not take the same words for another company for the same brief', async () => {
    const { of } = fakeBackend({
      'job.submit': () => {
        throw refusal;
      },
    });
    const draft = new BriefDraft('desk');
    draft.text = 'Write the plan';
    await draft.send({ company_id: 1 });
    await draft.send({ company_id: 1 });
    await draft.send({ company_id: 2 });
    const keys = of('job.submit').map(({ params }) => (params as { idempotency_key: string }).idempotency_key);
    expect(keys[1]).toBe(keys[0]);
    expect(keys[2]).not.toBe(keys[0]);
  });

  it('says which of the pasted files was too big, whatever came after it', async () => {
    fakeBackend({});
    const draft = new BriefDraft('desk');
    const big = { name: 'film.mp4', type: 'video/mp4', size: 1e9 } as File;
    await draft.paste([big, new File(['x'], 'note.txt', { type: 'text/plain' })]);
    expect(draft.attachments).toHaveLength(1);
    expect(draft.fault?.message).toContain('MB');
  });
});
