import { flushSync, mount, unmount } from 'svelte';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PermissionSetParams, Rule } from '$lib/contract/types';
import { subjectFault, subjectOf } from '$lib/state/rule-subject';
import { desk } from '$lib/stores/desk.svelte';
import { engines } from '$lib/stores/engines.svelte';
import { link } from '$lib/stores/link.svelte';
import Permissions from '../../src/screens/Permissions.svelte';
import { busyDesk } from '../fixture/data';
import { engineList, permissionTable, rules } from '../fixture/leave';
import { fakeBackend, refusal } from './fake';
import { button, part, press, settled, text } from './page';

let mounted: Record<string, unknown> | undefined;

async function open(answers: Parameters<typeof fakeBackend>[0] = {}) {
  const fake = fakeBackend({
    'permission.table': () => permissionTable(rules),
    'engine.list': () => engineList,
    ...answers,
  });
  mounted = mount(Permissions, { target: document.body });
  flushSync();
  await settled();
  part('[data-testid=rule-add]').focus();
  part('[data-testid=rule-add]').click();
  flushSync();
  return fake;
}

function write(words: string): void {
  const field = part<HTMLTextAreaElement>('[data-testid=rule-about]');
  field.value = words;
  field.dispatchEvent(new Event('input', { bubbles: true }));
  flushSync();
}

function choose(nth: number, value: string): void {
  const select = document.querySelectorAll<HTMLSelectElement>('dialog select')[nth]!;
  select.value = value;
  select.dispatchEvent(new Event('change', { bubbles: true }));
  flushSync();
}

beforeEach(() => {
  desk.value = busyDesk;
  desk.loaded = true;
  link.generation = 1;
  engines.reset();
});

afterEach(async () => {
  if (mounted) await unmount(mounted);
  mounted = undefined;
  document.body.replaceChildren();
});

describe('what a rule is about', () => {
  it('is what was typed, but an address counts by its host', () => {
    expect(subjectOf('command', '  npm  test \n')).toBe('npm  test');
    expect(subjectOf('command', 'https://docs.rs/serde')).toBe('https://docs.rs/serde');
    expect(subjectOf('network', 'https://Docs.rs/serde?x=1')).toBe('docs.rs');
    expect(subjectOf('network', 'Docs.rs/serde')).toBe('docs.rs');
    expect(subjectOf('network', 'https://docs.rs:8443/')).toBe('docs.rs:8443');
    expect(subjectOf('network', 'https://good.example@evil.example/')).toBe('evil.example');
    expect(subjectOf('network', 'web search')).toBe('web search');
    expect(subjectOf('publish', 'https://hooks.example/x')).toBe('hooks.example');
    expect(subjectOf('publish', 'mcp__mail__send')).toBe('mcp__mail__send');
    expect(subjectOf('write', 'docs/about.md')).toBe('docs/about.md');
  });

  it('is neither nothing nor more than can be told apart', () => {
    expect(subjectFault('')).toBe('empty');
    expect(subjectFault('x'.repeat(2000))).toBeUndefined();
    expect(subjectFault('ä'.repeat(1001))).toBe('long');
  });
});

describe('a rule by hand', () => {
  it('is about one command, for one agent, and is listed at once', async () => {
    let held: Rule[] = [];
    const { of } = await open({
      'permission.table': () => permissionTable(held),
      'permission.set': (({ act, verdict, agent, subject }: PermissionSetParams) => {
        held = [{ ...rules[1]!, rule_id: 9, act, verdict: verdict!, agent: agent!, subject: subject! }];
        return permissionTable(held);
      }) as never,
    });
    write('npm test');
    choose(1, 'cto');
    press(part('[data-testid=rule-about]'), 'Enter');
    await settled();
    expect(of('permission.set')[0]?.params).toEqual({
      company: { company_id: 1 },
      act: 'command',
      agent: 'cto',
      subject: 'npm test',
      verdict: 'allow',
      origin: 'desk',
    });
    expect(document.querySelector('dialog')).toBeNull();
    expect(text('[data-testid=rule]')).toContain('npm test');
    expect(text('[data-testid=rule]')).toContain('CTO');
  });

  it('says what it counts as where that is not what was typed', async () => {
    const { of } = await open({ 'permission.set': () => permissionTable(rules) });
    choose(0, 'network');
    write('https://Tracker.example/pixel.gif');
    expect(text('dialog')).toContain('The rule is about: tracker.example');
    part('dialog input[value=deny]').click();
    flushSync();
    part('[data-testid=rule-save]').click();
    await settled();
    expect(of('permission.set')[0]?.params).toMatchObject({ subject: 'tracker.example', verdict: 'deny' });
    expect(of('permission.set')[0]?.params).not.toHaveProperty('agent');
  });

  it('shows what would not be seen in it', async () => {
    await open();
    write('ls \u202egnp.exe');
    expect(text('dialog .hidden')).toBe('U+202E');
  });

  it('about nothing is not made, and one that is refused stays with why', async () => {
    const { of } = await open({
      'permission.set': () => {
        throw refusal;
      },
    });
    part('[data-testid=rule-save]').click();
    await settled();
    expect(of('permission.set')).toHaveLength(0);
    expect(text('dialog')).toContain('Say what exactly');
    write('npm test');
    part('[data-testid=rule-save]').click();
    await settled();
    expect(text('dialog [role=alert]')).toContain('limit is reached');
    expect(part<HTMLTextAreaElement>('[data-testid=rule-about]').value).toBe('npm test');
    button('Cancel').click();
    flushSync();
    expect(document.querySelector('dialog')).toBeNull();
    expect(document.activeElement).toBe(part('[data-testid=rule-add]'));
  });
});
