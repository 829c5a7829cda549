import { flushSync, mount, unmount, type Component } from 'svelte';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import FollowUp from '$lib/components/FollowUp.svelte';
import JobFacts from '$lib/components/JobFacts.svelte';
import TranscriptRow from '$lib/components/TranscriptRow.svelte';
import type { Span } from '$lib/contract/types';
import { overwriteGetLocale } from '$lib/paraglide/runtime';
import { Insides } from '$lib/state/inside';
import { toRows, type Row } from '$lib/state/rows';
import { keepFollowUp, keptFollowUp, MAX_DRAFTS } from '$lib/stores/follow-up';
import { jobMarkdown, rowMarkdown } from '$lib/text/transcript';
import { visible, withoutRuns } from '$lib/text/visible';
import { detail, finished, jobs, spans, story } from '../fixture/data';
import { fakeBackend, refusal } from './fake';
import { button, part, settled, text, type } from './page';

let mounted: Record<string, unknown> | undefined;

function show<P extends Record<string, unknown>>(what: Component<P>, props: P): void {
  mounted = mount(what, { target: document.body, props });
  flushSync();
}

async function leave(): Promise<void> {
  if (mounted) await unmount(mounted);
  mounted = undefined;
  document.body.replaceChildren();
}

beforeEach(() => localStorage.clear());

afterEach(async () => {
  await leave();
  overwriteGetLocale(() => 'en');
});

describe('what was begun to be said to a job', () => {
  it('is there again after a restart, for that job alone, until it is sent', async () => {
    let fails = true;
    const { of } = fakeBackend({
      'job.follow_up': () => {
        if (fails) throw refusal;
        return jobs[0];
      },
    });
    show(FollowUp, { job: jobs[0]! });
    type(part<HTMLTextAreaElement>('[data-testid=follow-up]'), 'No stock photos');
    await leave();
    show(FollowUp, { job: jobs[1]! });
    expect(part<HTMLTextAreaElement>('[data-testid=follow-up]').value).toBe('');
    await leave();
    show(FollowUp, { job: jobs[0]! });
    const field = part<HTMLTextAreaElement>('[data-testid=follow-up]');
    expect(field.value).toBe('No stock photos');
    part('[data-testid=follow-up-send]').click();
    await settled();
    expect(text('[role=alert]')).toContain('limit is reached');
    expect(keptFollowUp(jobs[0]!.job_id)).toBe('No stock photos');
    fails = false;
    part('[data-testid=follow-up-send]').click();
    await settled();
    expect(of('job.follow_up').at(-1)?.params).toMatchObject({ text: 'No stock photos' });
    expect(field.value).toBe('');
    expect(keptFollowUp(jobs[0]!.job_id)).toBe('');
  });

  it('is not lost where the job ends before it is sent', async () => {
    fakeBackend({});
    const job = finished[0]!;
    keepFollowUp(job.job_id, 'One more thing');
    show(FollowUp, { job, ended: true });
    expect(text('[data-testid=follow-up-left]')).toContain('One more thing');
    button('Discard').click();
    flushSync();
    expect(document.querySelector('[data-testid=follow-up-left]')).toBeNull();
    expect(keptFollowUp(job.job_id)).toBe('');
  });

  it('is kept of the latest jobs only', () => {
    for (let id = 1; id <= MAX_DRAFTS + 5; id += 1) keepFollowUp(id, 'x');
    expect(keptFollowUp(5)).toBe('');
    expect(keptFollowUp(6)).toBe('x');
    expect(localStorage.length).toBe(MAX_DRAFTS);
  });
});

describe('what is in a delegation', () => {
  const rows = toRows(story());
  const head = rows.find((row) => row.kind === 'delegation' && row.to === 'cto') as Row & { kind: 'delegation' };

  it('is known from its spans, with what was handed on in it', () => {
    const inside = new Insides(spans).of(head.span, head.at)!;
    expect(inside).toMatchObject({ turns: 2, calls: 1, handed: 1, atWork: ['frontend-engineer'] });
    expect(inside.cost).toBeCloseTo(0.2);
    // Another run may have one of the same name.
    expect(new Insides(spans).of(head.span, head.at + 1)).toBeUndefined();
    expect(new Insides([]).of(head.span)).toBeUndefined();
  });

  it('does not go round in circles', () => {
    const loop: Span = { ...spans[1]!, span: 'a', parent: 'a' };
    expect(new Insides([loop]).of('1/a')?.handed).toBeGreaterThan(0);
  });

  it('stands at its head where it is folded away', () => {
    const inside = new Insides(spans).of(head.span, head.at);
    show(TranscriptRow, { row: head, folded: true, hidden: 9, inside, ontoggle: () => undefined });
    expect(text('[data-testid=folded]')).toBe(
      '9 rows folded · 2 turns · 1 call · 1 delegation · $0.20 so far · Frontend Engineer at work',
    );
  });
});

describe('a job in German', () => {
  beforeEach(() => overwriteGetLocale(() => 'de'));

  it('counts by the rules of German', () => {
    const folded = (hidden: number) => {
      const row = toRows(story()).find((each) => each.kind === 'delegation')!;
      show(TranscriptRow, { row, folded: true, hidden, ontoggle: () => undefined });
      const told = text('[data-testid=folded]');
      void leave();
      return told;
    };
    expect(folded(1)).toBe('1 Zeile eingeklappt');
    expect(folded(2)).toBe('2 Zeilen eingeklappt');
  });

  it('tells its facts', () => {
    fakeBackend({});
    show(JobFacts, { job: { ...detail(jobs[0]!), turns: 1 } });
    expect(text('dl')).toContain('Stand läuft, Runde 1');
    expect(text('aside')).toContain('Kosten nach Agent');
  });

  it('is copied in it, and what agents said stays as they said it', () => {
    const rows = toRows(story());
    const told = jobMarkdown(detail(jobs[0]!), rows, Date.now(), true);
    expect(told).toMatch(/^# Auftrag 212: Build a landing page/);
    expect(told).toContain('## Was geschah');
    expect(told).toContain('delegiert an CMO');
    expect(told).toContain('Copy approved. CTO, use the second headline');
    const thought = rows.find((row) => row.kind === 'thinking')!;
    expect(rowMarkdown(thought)).toMatch(/^\*\*CEO\*\* .* denkt\n/);
  });

  it('names what is not seen, also where the daemon has named it', () => {
    const told = (words: string) => visible(words).find((stretch) => stretch.hidden)?.text;
    expect(told(withoutRuns(`a${' '.repeat(300)}b`))).toBe('300 Leerzeichen');
    expect(told('⟨12 line ends⟩')).toBe('12 Zeilenenden');
  });

  it('says the kinds of rows to those who hear them', () => {
    const row = toRows(story()).find((each) => each.kind === 'tool')!;
    show(TranscriptRow, { row, ontoggle: () => undefined });
    expect(part('[role=article]').getAttribute('aria-label')).toBe('CMO, Werkzeugaufruf');
  });
});
