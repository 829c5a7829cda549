import { flushSync, mount, unmount, type Component } from 'svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import Diff from '$lib/components/Diff.svelte';
import TranscriptRow from '$lib/components/TranscriptRow.svelte';
import Waiting from '$lib/components/Waiting.svelte';
import type { Question } from '$lib/contract/types';
import { allowed, decisionOf, denied, SCOPES, wants } from '$lib/state/decision';
import { diffCounts, diffLines } from '$lib/state/diff';
import { closedBy, closedWords } from '$lib/state/questions';
import { toRows } from '$lib/state/rows';
import { answers } from '$lib/stores/answers.svelte';
import { BriefDraft } from '$lib/stores/brief.svelte';
import { desk } from '$lib/stores/desk.svelte';
import { visible, visibleText, withoutRuns } from '$lib/text/visible';
import Desk from '../../src/screens/Desk.svelte';
import { busyDesk, programStory } from '../fixture/data';
import { leaves } from '../fixture/leave';
import { fakeBackend, refusal } from './fake';
import { button, part, press, settled, text, type } from './page';

let mounted: Record<string, unknown> | undefined;
const [publish, edit, hostile, long] = leaves as [Question, Question, Question, Question];
const card = (id: number) => part(`[data-question-id="${id}"]`);

function show<P extends Record<string, unknown>>(what: Component<P>, props: P): void {
  mounted = mount(what, { target: document.body, props });
  flushSync();
}

function asking(): ReturnType<typeof fakeBackend> {
  return fakeBackend({
    'question.answer': (({ question_id, answer, origin }: { question_id: number; answer: string; origin: string }) => ({
      ...leaves.find((row) => row.question_id === question_id),
      answer,
      answered_by: origin,
      closed_at: 1,
    })) as never,
  });
}

beforeEach(() => {
  desk.value = busyDesk;
});

afterEach(async () => {
  if (mounted) await unmount(mounted);
  mounted = undefined;
  document.body.replaceChildren();
  answers.closed.clear();
  answers.drafts.clear();
  answers.faults.clear();
});

describe('an answer to a question for leave', () => {
  it('is written as the daemon reads it, and reads back', () => {
    expect([allowed(), ...SCOPES.map((scope) => allowed(scope)), denied()]).toEqual(publish.options);
    expect(denied('  not on a Friday ')).toBe('Deny: not on a Friday');
    for (const answer of [...publish.options, 'Deny: not: on\na Friday']) {
      const decision = decisionOf(answer);
      expect(decision?.allow ? allowed(decision.always) : denied(decision?.reason)).toBe(answer);
    }
    for (const none of ['yes', '', 'Allow it', 'Denyed', 'Allow always for this planet'])
      expect(decisionOf(none)).toBeUndefined();
  });

  it('is asked for in the daemon’s words, whatever the agent is called', () => {
    const said = (words: string) => wants({ ...publish, text: words });
    expect(said('CTO wants to run a command that publishes or sends.')).toBe(
      'wants to run a command that publishes or sends',
    );
    expect(said('CTO wants to read files. wants to spend money.')).toBe('wants to spend money');
    for (const odd of ['', 'Please', 'CTO wants to <b>.', 'wants to x', `X wants to ${'a'.repeat(200)}.`])
      expect(said(odd)).toBe('wants to publish or send something');
  });

  it('says who was first, and what that was', () => {
    const leave = true;
    expect(closedWords({ answer: 'Allow always for this agent', by: 'quick', leave })).toBe(
      'Allowed in Quick brief, always for this agent.',
    );
    expect(closedWords({ answer: 'Deny: not on a Friday', by: 'notification', leave })).toBe(
      'Denied on the notification: “not on a Friday”',
    );
    expect(closedWords({ answer: 'Deny', by: 'timeout', leave })).toBe('Denied: nobody answered in time.');
    expect(closedWords({ answer: 'Allow', by: 'cli' })).toBe('Answered from the terminal: “Allow”');
    expect(closedBy(publish, { answer: 'Deny', answered_by: 'timeout' }).by).toBe('timeout');
    expect(closedBy(publish, { answer: 'Deny', answered_by: 'toString' }).by).toBeUndefined();
  });
});

describe('what an agent wants to do', () => {
  it('is shown in full, and allowed once', async () => {
    const { of } = asking();
    show(Waiting, { questions: leaves });
    expect(text('[data-question-id="41"]')).toContain('CTO wants to run a command that publishes or sends');
    expect(text('[data-question-id="41"]')).toContain('Publish or send');
    expect(text('[data-question-id="41"] pre')).toBe('npm publish --access public');
    expect(part('[data-question-id="44"] pre').textContent).toBe(long.approval?.action);
    part('[data-testid=approval-allow]', card(41)).click();
    await settled();
    expect(of('question.answer').map((call) => call.params)).toEqual([
      { question_id: 41, answer: 'Allow', origin: 'desk' },
    ]);
    expect(text('[data-question-id="41"] [role=status]')).toBe('Allowed in the window.');
    expect(card(41).querySelector('[data-testid=approval-allow]')).toBeNull();
  });

  it('says where it goes', () => {
    asking();
    const approval = {
      ...hostile.approval!,
      tool: 'WebFetch',
      action: 'https://prices.example/list.json\n{"method":"GET"}',
      subject: 'prices.example',
    };
    show(Waiting, { questions: [{ ...hostile, text: 'CFO wants to use the network.', approval }] });
    expect(text('[data-question-id="43"]')).toContain('Reaches prices.example');
    part('[data-testid=approval-always]').click();
    flushSync();
    expect(text('.always')).toContain('exactly this address: prices.example');
  });

  it('cannot hide anything', () => {
    asking();
    show(Waiting, { questions: [hostile] });
    const marks = [...card(43).querySelectorAll('pre .hidden')].map((row) => row.textContent);
    expect(marks).toEqual(['10000 blanks', 'U+202E']);
    part('[data-testid=approval-always]').click();
    flushSync();
    expect(text('.always')).toContain('exactly this command');
    expect([...document.querySelectorAll('.exact .hidden')].map((row) => row.textContent)).toEqual([
      '10000 blanks',
      'U+202E',
    ]);
    expect(withoutRuns(`a${'\n'.repeat(9)}b\n${' '.repeat(40)}c`)).toBe(`a⟨9 line ends⟩\nb\n${' '.repeat(40)}c`);
    expect(visibleText('a\u202eb⟨U+200B⟩c')).toBe('a⟨U+202E⟩b⟨U+200B⟩c');
    expect(visible('⟨U+202E⟩').map((row) => row.hidden)).toEqual([true]);
    expect(visible('⟨5 stars⟩').some((row) => row.hidden)).toBe(false);
  });

  it('that is too long to be drawn at once is not allowed before it was', () => {
    const { of } = asking();
    const approval = { ...publish.approval!, action: 'x'.repeat(30_000) };
    show(Waiting, { questions: [{ ...publish, approval }] });
    const yes = part<HTMLButtonElement>('[data-testid=approval-allow]');
    expect(yes.disabled).toBe(true);
    press(card(41), 'a');
    expect(of('question.answer')).toHaveLength(0);
    button('Show all of it').click();
    flushSync();
    expect(part('pre').textContent).toHaveLength(30_000);
    expect(yes.disabled).toBe(false);
  });

  it('is denied with a reason, which a refusal does not lose', async () => {
    let refused = true;
    const { of } = fakeBackend({
      'question.answer': () => {
        if (refused) throw refusal;
        return publish;
      },
    });
    show(Waiting, { questions: [publish] });
    part('[data-testid=approval-why]').click();
    flushSync();
    const field = part<HTMLInputElement>('[data-testid=approval-reason]');
    expect(document.activeElement).toBe(field);
    type(field, 'A dead day');
    press(field, 'a');
    press(field, 'd');
    expect(of('question.answer')).toHaveLength(0);
    press(field, 'Enter');
    await settled();
    expect(text('[role=alert]')).toContain('limit is reached');
    expect(part<HTMLInputElement>('[data-testid=approval-reason]').value).toBe('A dead day');
    refused = false;
    part('[data-testid=approval-deny]').click();
    await settled();
    expect(of('question.answer')[1]?.params).toMatchObject({ answer: 'Deny: A dead day' });
    expect(text('[role=status]')).toBe('Denied in the window: “A dead day”');
  });

  it('is decided by one key where the card has the focus, and never by one that is part of a word', async () => {
    const { of } = asking();
    const field = document.createElement('textarea');
    document.body.append(field);
    let later = 0;
    const time = vi.spyOn(Event.prototype, 'timeStamp', 'get').mockImplementation(() => 5000 + later);
    show(Waiting, { questions: leaves });
    press(field, 'a');
    press(document.body, 'd');
    expect(of('question.answer')).toHaveLength(0);
    // Right after a letter that went elsewhere, it is a word.
    press(card(42), 'a');
    expect(of('question.answer')).toHaveLength(0);
    later = 1000;
    press(card(42), 'a', { ctrlKey: true });
    press(card(42), 'a', { repeat: true });
    press(card(42), 'a', { isComposing: true });
    expect(of('question.answer')).toHaveLength(0);
    press(card(42), 'A');
    press(card(43), 'd');
    await settled();
    expect(of('question.answer').map((call) => call.params)).toEqual([
      { question_id: 42, answer: 'Allow', origin: 'desk' },
      { question_id: 43, answer: 'Deny', origin: 'desk' },
    ]);
    time.mockRestore();
  });

  it('is allowed always only where there is something exact, and says what that covers', async () => {
    const { of } = asking();
    show(Waiting, { questions: [publish, long], origin: 'quick' });
    expect(card(44).querySelector('[data-testid=approval-always]')).toBeNull();
    part('[data-testid=approval-always]', card(41)).click();
    flushSync();
    const offered = [...card(41).querySelectorAll('.scope')].map((row) => row.textContent?.replace(/\s+/g, ' ').trim());
    expect(offered).toEqual([
      'Allow always for this job in job #212, whoever of the team asks',
      'Allow always for this agent for CTO, in every job of Northwind Labs',
      'Allow always for this company for everybody, in every job of Northwind Labs',
    ]);
    expect(text('[data-question-id="41"] .exact')).toBe('npm publish --access public');
    part('[data-testid=approval-always-agent]').click();
    await settled();
    expect(of('question.answer')[0]?.params).toEqual({
      question_id: 41,
      answer: 'Allow always for this agent',
      origin: 'quick',
    });
  });

  it('keeps the focus of whoever answers by keyboard, also where its end is told before the answer is back', async () => {
    let tell: (question: Question) => void = () => undefined;
    fakeBackend({ 'question.answer': () => new Promise((resolve) => (tell = resolve)) });
    const time = vi.spyOn(Event.prototype, 'timeStamp', 'get').mockReturnValue(9000);
    desk.value = { ...busyDesk, questions: [publish, long] };
    show(Desk, { draft: new BriefDraft('desk'), oncreate: () => undefined, onopen: () => undefined });
    card(41).focus();
    press(card(41), 'd');
    desk.value = { ...busyDesk, questions: [long] };
    flushSync();
    expect(document.activeElement).toBe(card(41));
    tell({ ...publish, answer: 'Deny', answered_by: 'desk', closed_at: 1 });
    await settled();
    expect(document.activeElement).toBe(card(41));
    expect(text('[data-question-id="41"] [role=status]')).toBe('Denied in the window.');
    time.mockRestore();
  });

  it('says who was first where somebody else was', async () => {
    fakeBackend({
      'question.answer': () => {
        throw { ...refusal, code: 'question.closed', data: { answer: 'Deny: no', answered_by: 'notification' } };
      },
    });
    show(Waiting, { questions: [publish] });
    part('[data-testid=approval-allow]').click();
    await settled();
    expect(text('[role=status]')).toBe('Denied on the notification: “no”');
    expect(card(41).querySelectorAll('.do button')).toHaveLength(0);
  });
});

describe('a diff', () => {
  it('tells what comes from what goes, also where a line looks like a header', () => {
    const rows = diffLines('--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n same\n--- gone\n+++ there\n(cut)\n');
    expect(rows.map((row) => row.kind)).toEqual(['head', 'head', 'place', 'same', 'removed', 'added', 'note']);
    expect(diffCounts(rows)).toEqual({ added: 1, removed: 1 });
    expect(rows[4]?.text).toBe('-- gone');
  });

  it('is read out line by line', () => {
    show(Diff, { diff: edit.approval?.diff ?? '' });
    expect(document.querySelectorAll('[data-line=added]')).toHaveLength(3);
    expect(text('[data-line=removed]')).toContain('removed: <h1>Ship your week in a day</h1>');
    expect(text()).toContain('+3 −2');
    expect(part('[data-line=added] .hidden').textContent).toBe('U+200B');
  });
});

describe('in the transcript', () => {
  const rows = toRows(programStory());
  const row = (kind: string) => {
    show(TranscriptRow, { row: rows.find((each) => each.kind === kind)!, ontoggle: () => undefined });
  };

  it('an act that was asked about says what became of it', () => {
    row('question');
    expect(text('.asked')).toContain('CTO wants to run a command that publishes or sends');
    expect(text('.asked pre')).toBe('git push origin mainU+200B');
    expect(text('[data-testid=row-decision]')).toBe('Denied on the notification: “not on a Friday”');
  });

  it('a program says its version, and a plain warning where it is not confined', () => {
    row('engine');
    expect(text('[data-testid=row-engine]')).toBe(
      'Claude Code 2.1.14 is at work, not confined: it can do what you can do.',
    );
    expect(part('[data-testid=row-engine]').className).toContain('warning');
  });

  it('a call that was refused stays readable beside a long refusal', () => {
    const place = { key: 'e1', at: 1, agent: 'cto', depth: 0, seq: 1, within: [] };
    const base = { ...place, kind: 'tool' as const, input: undefined, asks: false, change: undefined };
    const summary = 'You may not run a command that publishes or sends: your level of autonomy leaves that to others.';
    const refused = { ...base, tool: 'Bash', subject: 'git push', state: 'failed' as const, duration: 20, summary };
    show(TranscriptRow, { row: { ...refused, output: summary }, ontoggle: () => undefined });
    expect(text('.tool')).toBe('Bash git push not done · 20ms');
    expect(text('.peek')).toBe(summary);
  });

  it('a long refusal that came with no output is not lost', () => {
    const place = { key: 'e1', at: 1, agent: 'cto', depth: 0, seq: 1, within: [] };
    const summary = 'You may not run a command that publishes or sends: your level of autonomy leaves that to others.';
    const row = { ...place, kind: 'tool' as const, tool: 'Bash', subject: 'git push', input: undefined, asks: false };
    const refused = { ...row, change: undefined, state: 'failed' as const, duration: 20, summary, output: '' };
    show(TranscriptRow, { row: refused, ontoggle: () => undefined });
    expect(text('.peek')).toBe(summary);
  });

  it('a quota that is used up says until when', () => {
    row('waiting');
    expect(text('.wait')).toMatch(/out of quota The plan’s five hours are used up\. until .*\d\d:\d\d, \dh \d\dm more/);
  });
});
