import { flushSync, mount, unmount, type Component } from 'svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import Composer from '$lib/components/Composer.svelte';
import FollowUp from '$lib/components/FollowUp.svelte';
import Prompts from '$lib/components/Prompts.svelte';
import Waiting from '$lib/components/Waiting.svelte';
import type { Question } from '$lib/contract/types';
import { answers } from '$lib/stores/answers.svelte';
import { BriefDraft } from '$lib/stores/brief.svelte';
import { desk } from '$lib/stores/desk.svelte';
import { link } from '$lib/stores/link.svelte';
import { router } from '$lib/stores/route.svelte';
import Costs from '../../src/screens/Costs.svelte';
import Journal from '../../src/screens/Journal.svelte';
import Team from '../../src/screens/Team.svelte';
import { agentFile, busyDesk, costs, jobs, journal, oddTeam, questions, story, team } from '../fixture/data';
import { fakeBackend, refusal } from './fake';
import { button, part, press, settled, text, type } from './page';

let mounted: Record<string, unknown> | undefined;

function show<P extends Record<string, unknown>>(what: Component<P>, props: P): void {
  mounted = mount(what, { target: document.body, props });
  flushSync();
}

beforeEach(() => {
  desk.value = busyDesk;
  desk.loaded = true;
  desk.fault = undefined;
  link.generation = 1;
});

afterEach(async () => {
  if (mounted) await unmount(mounted);
  mounted = undefined;
  document.body.replaceChildren();
  answers.closed.clear();
  answers.drafts.clear();
  answers.faults.clear();
  vi.useRealTimers();
});

describe('what waits for the founder', () => {
  const [decision, limit] = questions as [Question, Question];
  const answered = (question: Question, answer: string): Question => ({
    ...question,
    answer,
    answered_by: 'desk',
    closed_at: 1,
  });

  it('is answered in place, by an option as it stands', async () => {
    const { of } = fakeBackend({ 'question.answer': () => answered(limit, 'Go on up to $7.50') });
    show(Waiting, { questions: [decision, limit] });
    expect(text('[data-question-id="31"] pre')).toContain('U+202E');
    button('Go on up to $7.50').click();
    await settled();
    expect(of('question.answer')[0]?.params).toEqual({
      question_id: 32,
      answer: 'Go on up to $7.50',
      origin: 'desk',
    });
    expect(text('[data-question-id="32"]')).toContain('Answered in the window: “Go on up to $7.50”');
    expect(document.querySelectorAll('[data-question-id="32"] button')).toHaveLength(0);
  });

  it('is answered in words, once for two tries, and never with nothing', async () => {
    let tell: (question: Question) => void = () => undefined;
    const { of } = fakeBackend({ 'question.answer': () => new Promise((resolve) => (tell = resolve)) });
    show(Waiting, { questions: [decision] });
    const field = part<HTMLTextAreaElement>('textarea');
    type(field, '   ');
    press(field, 'Enter');
    type(field, 'Only on Monday');
    press(field, 'Enter', { isComposing: true });
    expect(of('question.answer')).toHaveLength(0);
    press(field, 'Enter');
    press(field, 'Enter');
    await settled();
    expect(of('question.answer').map((call) => (call.params as { answer: string }).answer)).toEqual(['Only on Monday']);
    tell(answered(decision, 'Only on Monday'));
    await settled();
    expect(text()).toContain('“Only on Monday”');
  });

  it('says who was first where somebody else was', async () => {
    fakeBackend({
      'question.answer': () => {
        throw { ...refusal, code: 'question.closed', data: { answer: 'Leave it', answered_by: 'cli' } };
      },
    });
    show(Waiting, { questions: [decision] });
    button('Publish it').click();
    await settled();
    expect(text('article')).toContain('Answered from the terminal: “Leave it”');
    expect(document.querySelector('article button')).toBeNull();
  });

  it('keeps the answer where it could not be sent', async () => {
    fakeBackend({
      'question.answer': () => {
        throw refusal;
      },
    });
    show(Waiting, { questions: [decision] });
    type(part<HTMLTextAreaElement>('textarea'), 'Only on Monday');
    button('Answer').click();
    await settled();
    expect(part<HTMLTextAreaElement>('textarea').value).toBe('Only on Monday');
    expect(text('[role=alert]')).toContain('limit is reached');
  });
});

describe('a job at work', () => {
  it('is told more, and keeps what was refused', async () => {
    let refused = true;
    const { of } = fakeBackend({
      'job.follow_up': () => {
        if (refused) throw { ...refusal, code: 'job.final', message: 'Job #212 has ended.' };
        return jobs[0];
      },
    });
    show(FollowUp, { job: jobs[0]! });
    const field = part<HTMLTextAreaElement>('[data-testid=follow-up]');
    expect(field.placeholder).toContain('Say more to the CEO');
    type(field, ' Use the second headline ');
    press(field, 'Enter');
    await settled();
    expect(text('[role=alert]')).toContain('has ended');
    expect(field.value.trim()).toBe('Use the second headline');
    refused = false;
    part('[data-testid=follow-up-send]').click();
    await settled();
    expect(of('job.follow_up')[1]?.params).toEqual({ job_id: 212, text: 'Use the second headline' });
    expect(field.value).toBe('');
  });

  it('shows what each agent was told, whole', async () => {
    fakeBackend({ 'event.list': () => ({ events: story(), more_before: false, more_after: false }) });
    show(Prompts, { jobId: 212, seq: 1, live: true });
    await settled();
    expect(text('pre')).toContain('You are the CEO of Northwind Labs.');
    button('First message').click();
    await settled();
    expect(text('pre')).toBe('Build a landing page for the spring launch.');
    button('Tools 4').click();
    await settled();
    expect(text('pre')).toContain('ask_founder');
  });
});

describe('the composer’s “To”', () => {
  it('briefs a head directly, and nobody who is off', async () => {
    const { of } = fakeBackend({ 'job.submit': () => jobs[0] });
    const draft = new BriefDraft('desk');
    show(Composer, { draft });
    part('[data-testid=composer-to]').click();
    flushSync();
    const items = [...document.querySelectorAll('[role=menuitemradio]')].map((row) => row.textContent?.trim() ?? '');
    expect(items.map((words) => words.slice(0, 3))).toEqual(['CEO', 'CTO', 'CFO', 'CMO']);
    document.querySelectorAll<HTMLElement>('[role=menuitemradio]')[1]?.click();
    flushSync();
    expect(part<HTMLTextAreaElement>('[data-testid=composer]').placeholder).toBe('Brief CTO directly…');
    draft.text = 'Mend the build';
    flushSync();
    part('[data-testid=composer-send]').click();
    await settled();
    expect(of('job.submit')[0]?.params).toMatchObject({ agent: 'cto', directive: 'Mend the build' });
  });

  it('goes back to the CEO where the head was taken off the team', async () => {
    const { of } = fakeBackend({ 'job.submit': () => jobs[0] });
    const draft = new BriefDraft('desk');
    draft.agent = 'cmo';
    show(Composer, { draft });
    desk.value = { ...busyDesk, team: team.map((row) => (row.role === 'cmo' ? { ...row, enabled: false } : row)) };
    flushSync();
    expect(draft.agent).toBe('ceo');
    draft.text = 'To whom it concerns';
    flushSync();
    part('[data-testid=composer-send]').click();
    await settled();
    expect(of('job.submit')[0]?.params).not.toHaveProperty('agent');
  });
});

describe('the team', () => {
  const cto = team[1]!;
  const answersOf = {
    'agent.get': () => ({ agent: cto, text: agentFile(cto) }),
    'agent.set': () => ({ agent: cto, text: agentFile(cto) }),
    'agent.preview': ({ text: file = '' }: { text?: string }) => {
      if (!file.startsWith('---')) throw { ...refusal, message: 'The file has no frontmatter.' };
      return { prompt: `You are told: ${file.slice(0, 20)}`, warnings: ['The key “colour” is not known.'] };
    },
    'agent.save': () => ({ agent: cto, text: 'x' }),
    'agent.remove': () => ({ agents: [] }),
    'desk.subscribe': () => busyDesk,
  };

  function open(agent?: string): BriefDraft {
    const draft = new BriefDraft('desk');
    show(Team, { agent, draft });
    return draft;
  }

  it('shows who works on what, and names it for those who do not see', () => {
    fakeBackend(answersOf);
    desk.value = { ...busyDesk, team: oddTeam };
    open();
    expect(text('[data-role=cto]')).toContain('CTO Chief Technology Officer Working: Hero.svelte');
    expect(part('[data-role=data-analyst]').textContent).toContain('does not hold');
    expect(text('[data-role=cto]')).toContain('$1.63 of $10');
    expect(document.querySelectorAll('[data-testid=agent]')).toHaveLength(oddTeam.length);
  });

  it('changes an agent through the config, one thing at a time', async () => {
    const { of } = fakeBackend(answersOf);
    open('cto');
    await settled();
    part<HTMLInputElement>('input[value=full]').click();
    button('On the team').click();
    button('Take away Code review').click();
    const model = part<HTMLSelectElement>('select');
    model.value = 'opus';
    model.dispatchEvent(new Event('change', { bubbles: true }));
    await settled();
    expect(of('agent.set').map((call) => call.params)).toEqual(
      [
        { autonomy: 'full' },
        { enabled: false },
        { skills: ['architecture_design', 'project_planning'] },
        { model: 'opus' },
      ].map((changes) => ({ company: { company_id: 1 }, role: 'cto', ...changes })),
    );
  });

  it('edits a file beside what it would make the agent be told, and loses nothing that is refused', async () => {
    vi.useFakeTimers();
    const { of } = fakeBackend(answersOf);
    open('cto');
    part('[data-testid=agent-edit]').click();
    await settled();
    await vi.advanceTimersByTimeAsync(400);
    await settled();
    expect(text('[data-testid=agent-preview]')).toContain('You are told: ---');
    expect(text('dialog')).toContain('The key “colour” is not known.');
    type(part<HTMLTextAreaElement>('[data-testid=agent-text]'), 'no frontmatter');
    await vi.advanceTimersByTimeAsync(400);
    await settled();
    expect(text('dialog')).toContain('The file has no frontmatter.');
    button('Cancel').click();
    flushSync();
    expect(text('dialog')).toContain('What you changed is not saved.');
    part('[data-testid=agent-save]').click();
    await settled();
    expect(of('agent.save')[0]?.params).toMatchObject({ role: 'cto', text: 'no frontmatter' });
  });

  it('asks before an agent goes, and says where its file is', async () => {
    const { of } = fakeBackend(answersOf);
    open('cto');
    part('[data-testid=agent-remove]').click();
    flushSync();
    expect(text('dialog')).toContain('.claude/agents/.removed');
    expect(of('agent.remove')).toHaveLength(0);
    part('[data-testid=agent-remove-yes]').click();
    await settled();
    expect(of('agent.remove')[0]?.params).toEqual({ company: { company_id: 1 }, role: 'cto' });
  });

  it('briefs a head from its panel; neither the CEO nor a worker is offered what does not work', () => {
    fakeBackend(answersOf);
    const draft = open('cfo');
    part('[data-testid=agent-brief]').click();
    expect(draft.agent).toBe('cfo');
    expect(router.route.screen).toBe('desk');
    document.body.replaceChildren();
    open('ceo');
    expect(document.querySelector('[data-testid=agent-remove]')).toBeNull();
    document.body.replaceChildren();
    open('backend-engineer');
    expect(document.querySelector('[data-testid=agent-brief]')).toBeNull();
  });
});

describe('the costs', () => {
  it('say what was spent on what, how certain that is, and how near the limits are', async () => {
    fakeBackend({
      'cost.report': ({ by, since, until }: { by: string; since: string; until: string }) =>
        costs(by, since, until, 'stale'),
    });
    show(Costs, {});
    await settled();
    expect(text()).toContain('Estimates use prices of 2 Nov 2026');
    expect(text('[data-key=cto]')).toContain('$24.81estimated');
    // The chart in words and as a table, for those who do not see it.
    const chart = part('[aria-roledescription=chart]');
    const words = text(`#${chart.getAttribute('aria-describedby') ?? ''}`);
    expect(words).toContain('$98.12 in all. The most on one day was $8.98');
    expect(document.querySelectorAll('[data-testid=cost-days] tbody tr').length).toBeGreaterThan(20);
    expect(text('[data-testid=cost-days] tbody tr')).toMatch(/^\d+ \w+ 2026 ?\$8\.98 ?53 ?estimated$/);
    chart.focus();
    press(chart, 'End');
    expect(text('[role=status]', chart)).toMatch(/: \$\d+\.\d\d, \d+ calls, estimated$/);
    expect([...document.querySelectorAll('[data-band]')].map((row) => row.getAttribute('data-band'))).toEqual([
      'green',
      'yellow',
      'red',
      'green',
    ]);
    part<HTMLInputElement>('input[value=model]').click();
    await settled();
    expect(text('[data-key=own-model]')).toContain('no price');
    const first = () => document.querySelector('[data-testid=cost-row]')?.getAttribute('data-key');
    expect(first()).toBe('claude-sonnet-4-5');
    button('Model').click();
    flushSync();
    expect(part('th[aria-sort=ascending]').textContent).toContain('Model');
    expect(first()).toBe('own-model');
  });

  it('are empty without alarm, and fail with a way on', async () => {
    let fail = true;
    fakeBackend({
      'cost.report': ({ by, since, until }: { by: string; since: string; until: string }) => {
        if (fail) throw refusal;
        return costs(by, since, until, 'empty');
      },
    });
    show(Costs, {});
    await settled();
    expect(text('[role=alert]')).toContain('limit is reached');
    fail = false;
    button('Try again').click();
    await settled();
    expect(text()).toContain('Nothing was spent on these days.');
    expect(part<HTMLButtonElement>('[data-testid=costs-csv]').disabled).toBe(true);
  });
});

describe('the journal', () => {
  it('is searched, marks what was found, and opens the job', async () => {
    vi.useFakeTimers();
    const { of } = fakeBackend({
      'journal.list': ({ search }: { search?: string }) => ({ entries: search ? journal.slice(0, 1) : journal }),
    });
    show(Journal, {});
    await vi.advanceTimersByTimeAsync(10);
    await settled();
    expect(document.querySelectorAll('[data-testid=journal-entry]')).toHaveLength(journal.length);
    type(part<HTMLInputElement>('[data-testid=journal-search]'), 'website');
    await vi.advanceTimersByTimeAsync(300);
    await settled();
    expect(of('journal.list').at(-1)?.params).toMatchObject({ search: 'website', company: { company_id: 1 } });
    expect([...document.querySelectorAll('mark')].map((mark) => mark.textContent)).toEqual(['website']);
    part('[data-testid=journal-entry] button').click();
    expect(router.route).toEqual({ screen: 'job', jobId: 211 });
  });

  it('that has nothing of it leads to all entries, and to all that was said', async () => {
    vi.useFakeTimers();
    fakeBackend({ 'journal.list': ({ search }: { search?: string }) => ({ entries: search ? [] : journal }) });
    show(Journal, {});
    const field = part<HTMLInputElement>('[data-testid=journal-search]');
    type(field, 'zebra & co');
    await vi.advanceTimersByTimeAsync(300);
    await settled();
    button('Search all that was said').click();
    expect(router.route).toEqual({ screen: 'jobs', query: 'q=zebra+%26+co' });
    button('Show all entries').click();
    await vi.advanceTimersByTimeAsync(300);
    await settled();
    expect(field.value).toBe('');
    expect(document.querySelectorAll('[data-testid=journal-entry]')).toHaveLength(journal.length);
  });

  it('says how it fills where it is empty', async () => {
    vi.useFakeTimers();
    fakeBackend({ 'journal.list': () => ({ entries: [] }) });
    show(Journal, {});
    await vi.advanceTimersByTimeAsync(10);
    await settled();
    expect(text()).toContain('The journal is empty.');
  });
});
