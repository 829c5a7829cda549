import { flushSync, mount, unmount } from 'svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

// Words are made while modules load: the language is decided before.
vi.hoisted(() => {
  localStorage.setItem('language', 'de');
  Object.defineProperty(navigator, 'languages', { configurable: true, get: () => ['de-DE', 'de', 'en'] });
});

import type { Question } from '$lib/contract/types';
import { headline } from '$lib/state/desk-reduce';
import { allowed, decisionOf, denied, isCommand, wants } from '$lib/state/decision';
import { fateOf } from '$lib/state/fate';
import { actionsOf } from '$lib/state/job-actions';
import { closedWords } from '$lib/state/questions';
import { answers } from '$lib/stores/answers.svelte';
import { BriefDraft } from '$lib/stores/brief.svelte';
import { desk } from '$lib/stores/desk.svelte';
import { readNumber, typedNumber } from '$lib/text/number';
import { parseWhen } from '$lib/text/when';
import Desk from '../../src/screens/Desk.svelte';
import QuickBrief from '../../src/screens/QuickBrief.svelte';
import { busyDesk, fullDesk, jobs } from '../fixture/data';
import { leaves } from '../fixture/leave';
import { fakeBackend } from './fake';
import { part, settled, text, type } from './page';

// The first of a page's parts take their time where much else is going on.
vi.setConfig({ testTimeout: 30_000 });

const NOW = new Date('2026-11-20T10:00:00').getTime();
const [publish] = leaves as [Question];
let mounted: Record<string, unknown> | undefined;

beforeEach(() => {
  desk.value = busyDesk;
  desk.loaded = true;
});

afterEach(async () => {
  if (mounted) await unmount(mounted);
  mounted = undefined;
  document.body.replaceChildren();
  answers.closed.clear();
});

describe('the Desk in German', () => {
  it('counts in whole sentences', () => {
    const only = (live: typeof jobs) => headline({ ...busyDesk, live, live_total: live.length });
    expect(only([])).toBe('Nichts läuft.');
    expect(only([{ ...jobs[0]!, state: 'running' }])).toBe('1 Auftrag läuft.');
    expect(headline(fullDesk)).toBe('5 Aufträge sind in Arbeit, 2 eingereiht, 2 geplant.');
  });

  it('says what happens with a brief before it is sent', () => {
    const plan = { priority: 0, after: undefined, at: undefined, whenBusy: 'queue' as const, agent: 'ceo' };
    expect(fateOf(busyDesk, plan, NOW).text).toMatch(/^CEO ist beschäftigt: Wird eingereiht, Platz \d+$/);
    expect(fateOf(busyDesk, { ...plan, at: NOW + 3_600_000, after: 212 }, NOW).text).toBe(
      'Beginn: 11:00 und sobald #212 fertig ist',
    );
    expect(fateOf(busyDesk, { ...plan, whenBusy: 'replace' }, NOW).text).toMatch(/^Bricht #212 ab; dann /);
  });

  it('has no English of ours on it', () => {
    fakeBackend({});
    mounted = mount(Desk, {
      target: document.body,
      props: { draft: new BriefDraft('desk'), oncreate: () => undefined, onopen: () => undefined },
    });
    flushSync();
    expect(text('h1')).toMatch(/^Guten? .*\. 3 Aufträge sind in Arbeit, 1 eingereiht\.$/);
    for (const words of [
      'Working now',
      'In line',
      'Finished today',
      'Team is',
      'Send brief',
      'Cancel',
      'idle',
      ' of $',
    ])
      expect(text('body')).not.toContain(words);
  });
});

describe('Quick brief in German', () => {
  it('writes nouns as German does', () => {
    fakeBackend({});
    const retrying = { ...jobs[0]!, state: 'retrying' as const, until: Date.now() + 60_000 };
    desk.value = { ...busyDesk, live: [retrying], live_total: 1 };
    mounted = mount(QuickBrief, { target: document.body });
    flushSync();
    expect(text('[data-testid=job-row]')).toContain('Neuer Versuch');
    expect(text('[data-testid=quick-fate]')).toBe('CEO ist beschäftigt: Wird eingereiht, Platz 1');
  });
});

describe('leave to act in German', () => {
  it('is asked for in German, and answered as the daemon reads it', async () => {
    expect(wants(publish)).toBe('möchte einen Befehl ausführen, der etwas veröffentlicht oder sendet');
    expect(isCommand(publish)).toBe(true);
    expect([allowed(), allowed('job'), denied('nicht freitags')]).toEqual([
      'Allow',
      'Allow always for this job',
      'Deny: nicht freitags',
    ]);
    expect(decisionOf(allowed('company'))).toMatchObject({ allow: true, always: 'company' });
    const { of } = fakeBackend({ 'question.answer': () => ({ ...publish, closed_at: 1 }) as never });
    desk.value = { ...busyDesk, questions: [publish] };
    mounted = mount(QuickBrief, { target: document.body });
    flushSync();
    part('[data-testid=approval-allow]').click();
    await settled();
    expect(of('question.answer')[0]?.params).toMatchObject({ answer: 'Allow', origin: 'quick' });
    expect(text('[data-testid=question] [role=status]')).toBe('Erlaubt im Kurz-Briefing.');
  });

  it('says who was first', () => {
    expect(closedWords({ answer: 'Deny: zu spät', by: 'cli', leave: true })).toBe('Abgelehnt im Terminal: „zu spät“');
    expect(closedWords({ answer: 'Allow always for this agent', by: 'desk', leave: true })).toBe(
      'Erlaubt im Fenster, immer für diesen Agenten.',
    );
    expect(closedWords({ answer: undefined, by: undefined })).toContain('Der Auftrag ist zu Ende');
  });
});

describe('what one types in German', () => {
  it('has its marks for thousands and for tenths', () => {
    expect(['1.000', '1.000,50', '2,5', '2.5', '1.234.567'].map(readNumber)).toEqual([
      1000, 1000.5, 2.5, 2.5, 1_234_567,
    ]);
    expect(readNumber('1,000.50')).toBeNaN();
    expect([2.5, 1000].map(typedNumber)).toEqual(['2,5', '1000']);
  });

  it('is a limit of a brief, kept as it was meant', async () => {
    const { of } = fakeBackend({ 'job.submit': () => jobs[0]! });
    const draft = new BriefDraft('desk');
    draft.text = 'Schreibe etwas';
    mounted = mount(Desk, {
      target: document.body,
      props: { draft, oncreate: () => undefined, onopen: () => undefined },
    });
    flushSync();
    part('button[title^="Was dieses Briefing höchstens"]').click();
    flushSync();
    expect(text('.edit')).toBe('Bis $');
    type(part<HTMLInputElement>('.edit input'), '1.000');
    part('[data-testid=composer]').focus();
    flushSync();
    part('.edit input')?.dispatchEvent(new FocusEvent('blur'));
    flushSync();
    expect(text('button[title^="Was dieses Briefing höchstens"]')).toBe('Bis 1.000,00 $');
    part('[data-testid=composer-send]').click();
    await settled();
    expect(of('job.submit')[0]?.params).toMatchObject({ max_cost_usd: 1000 });
  });

  it('is told how a time is written', () => {
    expect(parseWhen('irgendwann', NOW)).toEqual({ why: expect.stringContaining('„morgen 9:00“') });
    expect(parseWhen('heute 9 Uhr', NOW)).toEqual({ why: 'Das ist vorbei.' });
  });
});

describe('what can be done with a job, in German', () => {
  it('is told in German', () => {
    expect(actionsOf({ ...jobs[0]!, state: 'running', held: false }, false).map((action) => action.label)).toEqual([
      'Anhalten',
      'Abbrechen',
      'Nummer kopieren',
    ]);
  });
});
