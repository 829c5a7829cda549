import { flushSync, mount, unmount } from 'svelte';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PermissionSetParams, Rule } from '$lib/contract/types';
import { desk } from '$lib/stores/desk.svelte';
import { engines } from '$lib/stores/engines.svelte';
import { link } from '$lib/stores/link.svelte';
import { settings } from '$lib/stores/settings.svelte';
import Permissions from '../../src/screens/Permissions.svelte';
import { busyDesk, settings as given } from '../fixture/data';
import { engineList, permissionTable, rules } from '../fixture/leave';
import { fakeBackend, refusal } from './fake';
import { button, part, settled, text } from './page';

let mounted: Record<string, unknown> | undefined;
const cell = (role: string, act: string) => part<HTMLSelectElement>(`[data-testid="permission-${role}-${act}"]`);
const words = (role: string, act: string) => text('.cell', cell(role, act).closest('td')!);

function pick(select: HTMLSelectElement, value: string): void {
  select.value = value;
  select.dispatchEvent(new Event('change', { bubbles: true }));
  flushSync();
}

async function open(answers: Parameters<typeof fakeBackend>[0] = {}) {
  const fake = fakeBackend({
    'permission.table': () => permissionTable(rules),
    'engine.list': () => engineList,
    ...answers,
  });
  mounted = mount(Permissions, { target: document.body });
  flushSync();
  await settled();
  return fake;
}

beforeEach(() => {
  desk.value = busyDesk;
  desk.loaded = true;
  desk.fault = undefined;
  link.generation = 1;
  settings.value = given;
  engines.reset();
});

afterEach(async () => {
  if (mounted) await unmount(mounted);
  mounted = undefined;
  document.body.replaceChildren();
});

describe('permissions', () => {
  it('say what holds for whom, and why', async () => {
    await open();
    expect(words('cto', 'publish')).toMatch(/^Ask by autonomy/);
    expect(words('cmo', 'publish')).toMatch(/^Deny your rule/);
    expect(words('cto', 'spend')).toMatch(/^Deny for everybody/);
    expect(words('all', 'spend')).toMatch(/^Deny your rule/);
    expect(cell('cto', 'publish').getAttribute('aria-label')).toBe('CTO, Publish or send: Ask, by autonomy');
    // What the config denies is not to be had here.
    expect(document.querySelector('[data-testid="permission-cfo-command"]')).toBeNull();
    expect(text('tr[data-role=cfo]')).toContain('by the config');
    expect(text('[data-testid=confinement]')).toContain('partly confined');
  });

  it('are changed cell by cell, and go back to autonomy', async () => {
    let held: Rule[] = rules;
    const { of } = await open({
      'permission.set': (({ act, agent, verdict }: PermissionSetParams) => {
        held = held.filter((row) => row.act !== act || row.agent !== agent || row.subject !== undefined);
        if (verdict)
          held = [...held, { ...rules[4]!, rule_id: 9, act, verdict, ...(agent === undefined ? {} : { agent }) }];
        return permissionTable(held);
      }) as never,
    });
    pick(cell('cto', 'publish'), 'allow');
    await settled();
    expect(words('cto', 'publish')).toMatch(/^Allow your rule/);
    pick(cell('cto', 'publish'), '');
    await settled();
    expect(words('cto', 'publish')).toMatch(/^Ask by autonomy/);
    pick(cell('all', 'network'), 'ask');
    await settled();
    expect(words('cto', 'network')).toMatch(/^Ask for everybody/);
    const common = { company: { company_id: 1 }, origin: 'desk' };
    expect(of('permission.set').map((call) => call.params)).toEqual([
      { ...common, act: 'publish', agent: 'cto', verdict: 'allow' },
      { ...common, act: 'publish', agent: 'cto' },
      { ...common, act: 'network', verdict: 'ask' },
    ]);
  });

  it('stay as they are where a change is refused', async () => {
    await open({
      'permission.set': () => {
        throw refusal;
      },
    });
    pick(cell('cto', 'publish'), 'allow');
    await settled();
    expect(words('cto', 'publish')).toMatch(/^Ask by autonomy/);
    expect(cell('cto', 'publish').value).toBe('');
    expect(text('[role=alert]')).toContain('limit is reached');
  });

  it('list exact rules as what they are, and take them back', async () => {
    const { of } = await open({
      'rule.remove': (({ rule_id }: { rule_id: number }) =>
        permissionTable(rules.filter((row) => row.rule_id !== rule_id))) as never,
    });
    const listed = [...document.querySelectorAll('[data-testid=rule]')].map((row) => row.textContent ?? '');
    expect(listed).toHaveLength(3);
    expect(listed[0]).toContain('everybody, in job #212');
    expect(listed[2]).toContain('tracker.exampleU+202Egpj');
    button('Remove the rule: Allow npm run build').click();
    await settled();
    expect(of('rule.remove')[0]?.params).toEqual({ rule_id: 4 });
    expect(document.querySelectorAll('[data-testid=rule]')).toHaveLength(2);
  });

  it('follow an “always” that was given elsewhere', async () => {
    let held: Rule[] = [];
    const { handlers } = await open({ 'permission.table': () => permissionTable(held) });
    expect(text()).toContain('None. “Allow always” on a question makes one');
    held = rules;
    handlers.deliver('desk.changed', { seq: 9, company_id: 1, jobs: [], team: [], questions: [], reload: false });
    await settled();
    expect(document.querySelectorAll('[data-testid=rule]')).toHaveLength(3);
  });

  it('that cannot be read say so, and are read again', async () => {
    let broken = true;
    await open({
      'permission.table': () => {
        if (broken) throw { ...refusal, message: 'The rules could not be read.' };
        return permissionTable([]);
      },
    });
    expect(text('[role=alert]')).toContain('The rules could not be read.');
    broken = false;
    button('Try again').click();
    await settled();
    expect(words('cto', 'publish')).toMatch(/^Ask/);
  });
});
