import { flushSync, mount, unmount } from 'svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

// Words are made while modules load: the language is decided before.
vi.hoisted(() => {
  localStorage.setItem('language', 'de');
  Object.defineProperty(navigator, 'languages', { configurable: true, get: () => ['de-DE', 'de', 'en'] });
});

import type { Company, Job } from '$lib/contract/types';
import CompanySwitcher from '$lib/components/CompanySwitcher.svelte';
import { teamLine } from '$lib/state/org';
import { companies } from '$lib/stores/companies.svelte';
import { desk } from '$lib/stores/desk.svelte';
import { ENGINE_NAMES, engineLabel, initials, roleName, STATE_NAMES } from '$lib/text/names';
import { levelName, personaName, roleFault, skillName } from '$lib/text/people';
import { busyDesk, company, crowd, finished, jobs, oddTeam, other, questions } from '../fixture/data';
import { fakeBackend } from './fake';
import { part, press, settled, text } from './page';

let mounted: Record<string, unknown> | undefined;

beforeEach(() => {
  desk.value = busyDesk;
  desk.companies = [company, other];
  desk.loaded = true;
});

afterEach(async () => {
  if (mounted) await unmount(mounted);
  mounted = undefined;
  document.body.replaceChildren();
});

/** How another company stands with that work. */
async function standing(live: Job[], failed: Job[], asks = 0) {
  const elsewhere = (rows: Job[]) => rows.map((job) => ({ ...job, company_id: other.company_id }));
  fakeBackend({
    'question.list': () => ({
      questions: Array.from({ length: asks }, () => ({ ...questions[0]!, company_id: other.company_id })),
    }),
    'job.list': (({ states }: { states: string[] }) => ({
      jobs: elsewhere(states.includes('failed') ? failed : live),
    })) as never,
    'company.list': () => ({ companies: [company, other] }),
  });
  await companies.load();
  return companies.standing(other);
}

const failed = (patch: Partial<Job> = {}): Job => ({
  ...finished[0]!,
  state: 'failed',
  finished_at: Date.now(),
  ...patch,
});

describe('how a company stands', () => {
  it('is told by what is most urgent, with the rest after it', async () => {
    const { mood, facts } = await standing([jobs[0]!, { ...jobs[1]!, held: true }], [failed()], 1);
    expect(mood).toBe('waits');
    expect(facts.map((fact) => fact.words)).toEqual([
      '1 Frage an Sie',
      '1 Auftrag angehalten',
      '1 Auftrag läuft',
      '1 heute fehlgeschlagen',
    ]);
  });

  it('counts by the rules of the language', async () => {
    const { facts } = await standing([jobs[0]!, jobs[1]!], [failed(), failed()], 2);
    expect(facts.map((fact) => fact.words)).toEqual(['2 Fragen an Sie', '2 Aufträge laufen', '2 heute fehlgeschlagen']);
  });

  it('is failed for a day, and then idle', async () => {
    expect((await standing([], [failed()])).mood).toBe('failed');
    const yesterday = Date.now() - 26 * 60 * 60 * 1000;
    expect((await standing([], [failed({ finished_at: yesterday })])).mood).toBe('idle');
  });

  it('is on hold where all work is', async () => {
    desk.value = { ...busyDesk, held: true };
    expect((await standing([jobs[0]!], [])).mood).toBe('held');
  });
});

describe('twenty companies', () => {
  const many: Company[] = [company, other, ...crowd];

  function show(): void {
    fakeBackend({
      'question.list': () => ({ questions: [] }),
      'job.list': () => ({ jobs: [] }),
      'company.list': () => ({ companies: many }),
    });
    desk.companies = many;
    const doings = [{ label: 'Neue Firma …', run: () => undefined }];
    mounted = mount(CompanySwitcher, { target: document.body, props: { doings, onclose: () => undefined } });
    flushSync();
  }

  it('are found by name or folder, and what can be done stays below', async () => {
    show();
    await settled();
    expect(document.querySelectorAll('[data-testid=company-row]')).toHaveLength(20);
    const field = part<HTMLInputElement>('[role=combobox]');
    const active = () => document.getElementById(field.getAttribute('aria-activedescendant') ?? '')?.textContent;
    press(field, 'ArrowUp');
    expect(active()).toContain('Neue Firma …');
    press(field, 'PageUp');
    expect(active()).toContain(many[12]!.name);
    field.value = 'folder-name-17';
    field.dispatchEvent(new Event('input', { bubbles: true }));
    flushSync();
    expect(document.querySelectorAll('[data-testid=company-row]')).toHaveLength(1);
    expect(active()).toContain('Workshop 17');
    field.value = 'nirgends';
    field.dispatchEvent(new Event('input', { bubbles: true }));
    flushSync();
    expect(text('[role=status]')).toBe('So heißt keine Firma.');
    expect(field.hasAttribute('aria-activedescendant')).toBe(false);
  });
});

describe('German', () => {
  it('has names of its own for what is ours, and leaves others’ as they are', () => {
    expect(STATE_NAMES.retrying).toBe('Neuer Versuch');
    expect(ENGINE_NAMES.practice).toBe('Übungsmodus');
    expect(engineLabel('claude-code')).toBe('Claude Code');
    expect(engineLabel('acp:mine')).toBe('ACP-Agent „mine“');
    expect(roleName('founder')).toBe('Sie');
    expect(roleName('backend-engineer')).toBe('Backend Engineer');
    expect(levelName('autonomous')).toBe('Eigenständig');
    expect(levelName('odd')).toBe('odd');
    expect(personaName('creative')).toBe('Kreativ');
    expect(skillName('code_review')).toBe('Code-Prüfung');
    expect(skillName('api_design')).toBe('API design');
    expect(roleFault('cto', ['cto'])).toBe('Einen Agenten mit dieser Rolle gibt es schon.');
    expect(teamLine(oddTeam)).toBe('4 von 10 bei der Arbeit · 1 aus · 1 mit defekter Datei');
  });

  it('has two signs for a name, however it is written', () => {
    expect(initials('Northwind Labs')).toBe('NL');
    expect(initials('👩‍🚀 Rocket 🚀 Works')).toBe('👩‍🚀R');
    expect(initials('شركة الشمال')).toBe('شا');
    expect(initials('ångström')).toBe('ÅN');
  });
});
