import { describe, expect, it } from 'vitest';
import type { Agent, CostRow, DeskChange, Event, Question } from '$lib/contract/types';
import { dayOf, daysOf, lastDays, perDay, sorted, thisMonth } from '$lib/state/costs';
import { aheadOfNext, applyDeskChange } from '$lib/state/desk-reduce';
import { fateOf } from '$lib/state/fate';
import { briefable, teamLine, toOrg, type Branch } from '$lib/state/org';
import { closedBy, closedWords, onScreen } from '$lib/state/questions';
import { toRows } from '$lib/state/rows';
import { parseRoute, routeHash } from '$lib/stores/route.svelte';
import { cell, costsCsv } from '$lib/text/csv';
import { many } from '$lib/text/format';
import { roleFault, skillName } from '$lib/text/people';
import { marked, visible, visibleText } from '$lib/text/visible';
import { busyDesk, jobs, NOW, oddTeam, questions, team } from '../fixture/data';

const first = questions[0] as Question;
const second = questions[1] as Question;

function change(patch: Partial<DeskChange>): DeskChange {
  return { seq: busyDesk.seq + 1, company_id: 1, jobs: [], team: [], reload: false, ...patch };
}

describe('questions on the Desk', () => {
  it('come and go as they are told, whole each time', () => {
    const asked = applyDeskChange(busyDesk, change({ questions: [first, second] })).desk;
    expect(asked.questions).toEqual([first, second]);
    expect(applyDeskChange(asked, change({ seq: asked.seq + 1 })).desk.questions).toEqual([first, second]);
    expect(applyDeskChange(asked, change({ seq: asked.seq + 1, questions: [second] })).desk.questions).toEqual([
      second,
    ]);
    expect(applyDeskChange(asked, change({ seq: asked.seq + 1, questions: [] })).desk.questions).toEqual([]);
  });

  it('are not brought back by a change that is older, nor by another company', () => {
    const none = applyDeskChange(busyDesk, change({ seq: 6000, questions: [] })).desk;
    expect(applyDeskChange(none, change({ seq: 5500, questions: [first] })).desk.questions).toEqual([]);
    expect(applyDeskChange(none, change({ seq: 6001, company_id: 2, questions: [first] })).desk.questions).toEqual([]);
  });

  it('end the same whatever was missed or told twice, once the last change is there', () => {
    const changes = [
      change({ seq: 5001, questions: [first] }),
      change({ seq: 5002, questions: [first, second] }),
      change({ seq: 5003, jobs: [{ ...jobs[0]!, seq: 5003 }] }),
      change({ seq: 5004, questions: [second] }),
    ];
    const replay = (list: DeskChange[]) =>
      list.reduce((desk, one) => applyDeskChange(desk, one).desk, busyDesk).questions;
    for (let kept = 0; kept < 8; kept += 1) {
      const some = changes.filter((_, i) => i === 3 || (kept >> i) & 1);
      expect(replay(some)).toEqual([second]);
      expect(replay(some.flatMap((one) => [one, one]))).toEqual([second]);
    }
  });

  it('that closed stay on screen for a while, in their place, and of one job where that is on screen', () => {
    const closed = new Map([[first.question_id, closedBy(first, { answer: 'Leave it', answered_by: 'cli' })]]);
    const rows = onScreen([second], closed);
    expect(rows.map(({ question }) => question.question_id)).toEqual([31, 32]);
    expect(closedWords(rows[0]!.closed!)).toBe('Answered from the terminal: “Leave it”');
    expect(onScreen([first, second], new Map(), second.job_id)).toHaveLength(1);
    expect(closedWords(closedBy(first, { answered_by: 'nobody', answer: 3 }))).toContain('the job has ended');
    expect(closedWords(closedBy(first, undefined))).toContain('the job has ended');
  });
});

describe('a text that one is asked about', () => {
  it('shows what would not be seen, and leaves lines and other scripts as they are', () => {
    expect(visible('rm\u202e txt\u0007.sh')).toEqual([
      { text: 'rm', hidden: false },
      { text: 'U+202E', hidden: true },
      { text: ' txt', hidden: false },
      { text: 'U+0007', hidden: true },
      { text: '.sh', hidden: false },
    ]);
    expect(visibleText('a\u200bb\ufeff\u{e0041}')).toBe('a⟨U+200B⟩b⟨U+FEFF⟩⟨U+E0041⟩');
    expect(visibleText('\r\u001b[31m')).toBe('⟨U+000D⟩⟨U+001B⟩[31m');
    for (const text of ['one\n\ttwo', 'مترجم الشركة', 'naïve 👩 日本', '']) expect(visibleText(text)).toBe(text);
  });

  it('is searched by words as they are, not as patterns', () => {
    const hits = (text: string, search: string) =>
      marked(text, search)
        .filter((part) => part.hit)
        .map((part) => part.text);
    expect(hits('The Margin holds; margins (all) hold.', 'margin HOLDS')).toEqual(['Margin', 'holds', 'margin']);
    expect(hits('costs $9 (or a+b)', '$9 a+b (')).toEqual(['$9', '(', 'a+b']);
    expect(marked('as it is', '  ')).toEqual([{ text: 'as it is', hit: false }]);
    expect(
      marked('whole text stays', 'text')
        .map((part) => part.text)
        .join(''),
    ).toBe('whole text stays');
  });
});

describe('the chart of a team', () => {
  const shape = (branch: Branch): unknown =>
    branch.reports.length === 0 ? branch.agent.role : { [branch.agent.role]: branch.reports.map(shape) };
  const row = (role: string, head?: string, patch: Partial<Agent> = {}): Agent => {
    const { reports_to: _head, ...rest } = team[1]!;
    return { ...rest, role, ...(head === undefined ? {} : { reports_to: head }), ...patch };
  };

  it('has the CEO above, heads below, and their people under them', () => {
    const org = toOrg(team);
    expect(shape(org.ceo!)).toEqual({
      ceo: [
        { cto: ['backend-engineer', 'frontend-engineer'] },
        { cfo: ['financial-analyst'] },
        { cmo: ['content-writer'] },
      ],
    });
    expect(org.loose).toEqual([]);
  });

  it('has each agent once, whatever the files say', () => {
    const circle = [
      row('ceo'),
      row('a', 'b'),
      row('b', 'a'),
      row('c', 'c'),
      row('d', 'nobody'),
      row('e', 'd'),
      row('f'),
    ];
    const org = toOrg(circle);
    const roles = (branches: readonly Branch[]): string[] =>
      branches.flatMap((branch) => [branch.agent.role, ...roles(branch.reports)]);
    expect(roles([org.ceo!, ...org.loose]).sort()).toEqual(['a', 'b', 'c', 'ceo', 'd', 'e', 'f']);
    expect(shape(org.ceo!)).toEqual({ ceo: ['f'] });
    expect(org.loose.map(shape)).toEqual([{ d: ['e'] }, { a: ['b'] }, 'c']);
  });

  it('without a CEO still shows who there is', () => {
    expect(toOrg([row('a', 'ceo'), row('b', 'a')]).loose.map(shape)).toEqual([{ a: ['b'] }]);
    expect(toOrg([])).toEqual({ ceo: undefined, loose: [] });
  });

  it('says who can be briefed: the CEO, and heads that are on the team and whole', () => {
    expect(briefable(team).map((agent) => agent.role)).toEqual(['ceo', 'cto', 'cfo', 'cmo']);
    expect(briefable([row('ceo'), row('x', 'ceo', { enabled: false }), row('y', 'cto')])).toHaveLength(1);
    expect(briefable(oddTeam).map((agent) => agent.role)).not.toContain('data-analyst');
  });

  it('is told of in a line', () => {
    expect(teamLine(oddTeam)).toBe('4 of 10 at work · 1 off · 1 with a broken file');
    expect(teamLine([])).toBe('Nobody yet');
  });

  it('takes roles that can be names of files', () => {
    for (const role of ['data-analyst', 'a', 'q3']) expect(roleFault(role, [])).toBe('');
    for (const role of ['', 'Data', 'a b', '../x', '-a', 'a-', 'é', 'a'.repeat(41)])
      expect(roleFault(role, [])).not.toBe('');
    expect(roleFault('cto', ['cto'])).toContain('already');
    expect(skillName('seo_optimization')).toBe('SEO optimization');
  });
});

describe('a brief for a head', () => {
  const plan = { priority: 0, after: undefined, at: undefined, whenBusy: 'queue' as const };
  const live = [jobs[0]!, { ...jobs[1]!, agent: 'cto', session_id: 20, job_id: 300 }];
  const desk = { ...busyDesk, live, live_total: 2 };

  it('waits for that head’s briefs only, and the CEO’s for the CEO’s', () => {
    expect(aheadOfNext(desk, 0, 'cto').map((job) => job.job_id)).toEqual([300]);
    expect(aheadOfNext(desk, 0, 'cfo')).toEqual([]);
    expect(aheadOfNext(desk, 0).map((job) => job.job_id)).toEqual([212]);
    expect(fateOf(desk, { ...plan, agent: 'cto' }, NOW).text).toBe('CTO is busy: will be queued, position 1');
    expect(fateOf(desk, { ...plan, agent: 'cfo' }, NOW).text).toBe('');
  });
});

describe('costs', () => {
  const row = (label: string, cost_usd: number, calls = 1): CostRow => ({
    key: label,
    label,
    calls,
    tokens: { input: 10, output: 2, cache_read: 5, cache_write: 0 },
    cost_usd,
    basis: 'estimated',
  });

  it('are sorted by what one chooses, numbers as numbers', () => {
    const rows = [row('#9 b', 1, 30), row('#10 a', 2, 4), row('#1 c', 2, 200)];
    const keys = (sort: Parameters<typeof sorted>[1]) => sorted(rows, sort).map((one) => one.label);
    expect(keys({ key: 'cost_usd', down: true })).toEqual(['#1 c', '#10 a', '#9 b']);
    expect(keys({ key: 'calls', down: false })).toEqual(['#10 a', '#9 b', '#1 c']);
    expect(keys({ key: 'label', down: false })).toEqual(['#1 c', '#9 b', '#10 a']);
  });

  it('have a bar for each day, also over a change of clocks', () => {
    expect(daysOf({ since: '2026-02-27', until: '2026-03-02' })).toEqual([
      '2026-02-27',
      '2026-02-28',
      '2026-03-01',
      '2026-03-02',
    ]);
    expect(daysOf({ since: '2026-10-24', until: '2026-10-27' })).toHaveLength(4);
    expect(daysOf({ since: '2026-03-02', until: '2026-03-01' })).toEqual([]);
    expect(daysOf({ since: '1026-03-02', until: '2026-03-01' })).toHaveLength(366);
    const range = lastDays(30, NOW);
    expect(daysOf(range)).toHaveLength(30);
    expect(range.until).toBe(dayOf(NOW));
    expect(thisMonth(NOW).since.endsWith('-01')).toBe(true);
    expect(
      perDay([row('2026-03-01', 3)], { since: '2026-02-28', until: '2026-03-01' }).map((day) => day.row?.cost_usd),
    ).toEqual([undefined, 3]);
  });

  it('are downloaded as cells, never as formulas', () => {
    for (const bad of ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', ' =1', '\r=1', '|cmd'])
      expect(cell(bad)).toMatch(/^"?'/);
    expect(cell('say "hi", all')).toBe('"say ""hi"", all"');
    expect(cell(-1.5)).toBe('-1.5');
    const csv = costsCsv('job', [row('=HYPERLINK("http://x")', 0.5), row('#12 Plan, and go', 1.25)]).split('\r\n');
    expect(csv[0]).toBe('job,calls,input tokens,cache read,cache write,output tokens,cost in USD,basis');
    expect(csv[1]).toBe(`"'=HYPERLINK(""http://x"")",1,10,5,0,2,0.5,estimated`);
    expect(csv[2]).toBe('"#12 Plan, and go",1,10,5,0,2,1.25,estimated');
  });

  it('tell many tokens in few signs', () => {
    expect([0, 9999, 12_345, 999_499, 2_412_000, 20_000_000, 4e9].map(many)).toEqual([
      '0',
      '9,999',
      '12.3k',
      '999k',
      '2.4M',
      '20M',
      '4B',
    ]);
  });
});

describe('rows of a transcript', () => {
  const at = (seq: number, body: object): Event =>
    ({ seq, job_id: 1, run_id: 7, at: seq, agent: 'cto', ...body }) as unknown as Event;
  const asked = at(1, { kind: 'asked', key: 'q1', ask: 'decision', text: 'Which?', detail: 'd', options: ['a'] });

  it('have a question with its answer in one', () => {
    // The founder's answer is an event of no run.
    const told = { kind: 'answered', question_id: 5, key: 'q1', asked_in: 7, answer: 'a', by: 'cli' };
    const answered = at(2, { ...told, run_id: undefined });
    expect(toRows([asked])).toMatchObject([{ kind: 'question', over: false, answer: undefined }]);
    expect(toRows([asked, answered])).toMatchObject([{ kind: 'question', over: true, answer: 'a', by: 'cli' }]);
    expect(toRows([answered])).toMatchObject([{ kind: 'follow-up', agent: 'founder', text: 'a' }]);
  });

  it('say of a call that it waits for leave, and no longer once there is an answer', () => {
    const approval = { act: 'command', tool: 'Bash', action: 'make', diff: '' };
    const call = at(1, { kind: 'tool_started', call: 't1', tool: 'Bash', subject: 'make', input: {} });
    const leave = at(2, { kind: 'asked', key: 'q1', ask: 'approval', text: '', detail: '', options: [], approval });
    const waiting = at(3, { kind: 'waiting', reason: 'answer', detail: 'It waits for your answer.', over: false });
    const answered = at(4, { kind: 'answered', question_id: 2, key: 'q1', asked_in: 7, answer: 'Allow', by: 'desk' });
    expect(toRows([call, leave, waiting])).toMatchObject([{ kind: 'tool', asks: true }, { kind: 'question' }]);
    expect(toRows([call, leave, answered])[0]).toMatchObject({ kind: 'tool', asks: false, state: 'running' });
    expect(toRows([call, leave, answered])[1]).toMatchObject({ kind: 'question', seq: 2, last: 4 });
    const exit = at(4, { kind: 'run_exited', outcome: 'failed', ended: 0, forced: 0, left: 0 });
    expect(toRows([call, leave, exit])[0]).toMatchObject({ kind: 'tool', asks: false, state: 'failed' });
  });

  it('give the answer to whoever was briefed', () => {
    const exit = at(2, { kind: 'run_exited', outcome: 'completed', result: 'Done.', ended: 0, forced: 0, left: 0 });
    expect(toRows([exit], [], true, 'cfo')).toMatchObject([{ kind: 'exit', agent: 'cfo' }]);
    expect(toRows([exit])).toMatchObject([{ kind: 'exit', agent: 'ceo' }]);
  });

  it('close a question that nobody answered with its run', () => {
    const exit = at(2, {
      kind: 'run_exited',
      outcome: 'failed',
      turns: 1,
      effects: false,
      ended: 0,
      forced: 0,
      left: 0,
    });
    expect(toRows([asked, exit])[0]).toMatchObject({ kind: 'question', over: true, answer: undefined });
  });

  it('tell whether what the founder said was read', () => {
    const said = at(3, { kind: 'follow_up', text: 'Shorter, please' });
    expect(toRows([said])).toMatchObject([{ kind: 'follow-up', agent: 'founder', taken: false, over: false }]);
    expect(toRows([said, at(4, { kind: 'follow_up_taken', seqs: [3] })])).toMatchObject([{ taken: true }]);
    expect(toRows([said], [], true)).toMatchObject([{ taken: false, over: true }]);
  });

  it('have the journal, and leave prompts to their own view', () => {
    const rows = toRows([
      at(1, { kind: 'prompt', model: 'm', system: 's', message: 'm', tools: [] }),
      at(2, { kind: 'journal', text: 'Done.', cost_usd: 0.001 }),
    ]);
    expect(rows).toMatchObject([{ kind: 'journal', text: 'Done.' }]);
  });
});

describe('addresses', () => {
  it('of the new screens are read as they are written', () => {
    for (const route of [
      { screen: 'team' },
      { screen: 'team', agent: 'cto' },
      { screen: 'team', agent: 'a/b %' },
      { screen: 'costs' },
      { screen: 'journal' },
    ] as const)
      expect(parseRoute(routeHash(route))).toEqual(route);
    expect(parseRoute('#/team/%E0%A4%A')).toEqual({ screen: 'team', agent: '%E0%A4%A' });
  });
});
