import { flushSync, mount, unmount, type Component } from 'svelte';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import AgentPanel from '$lib/components/AgentPanel.svelte';
import ConfinementSettings from '$lib/components/ConfinementSettings.svelte';
import EnginePanel from '$lib/components/EnginePanel.svelte';
import EngineSettings from '$lib/components/EngineSettings.svelte';
import type { EngineInfo, EngineList, Settings } from '$lib/contract/types';
import { BriefDraft } from '$lib/stores/brief.svelte';
import { desk } from '$lib/stores/desk.svelte';
import { engines } from '$lib/stores/engines.svelte';
import { link } from '$lib/stores/link.svelte';
import { router } from '$lib/stores/route.svelte';
import { settings } from '$lib/stores/settings.svelte';
import { engineOptions, found, lack } from '$lib/text/engines';
import { engineLabel } from '$lib/text/names';
import Onboarding from '../../src/screens/Onboarding.svelte';
import { agentFile, busyDesk, company, settings as given, team } from '../fixture/data';
import { engineList } from '../fixture/leave';
import { fakeBackend, refusal } from './fake';
import { button, part, settled, text, type } from './page';

let mounted: Record<string, unknown> | undefined;
const row = (engine: string) => part(`[data-engine="${engine}"]`);
const of = (name: string): EngineInfo => engineList.engines.find((each) => each.engine === name)!;

function show<P extends Record<string, unknown>>(what: Component<P>, props: P): void {
  mounted = mount(what, { target: document.body, props });
  flushSync();
}

function backend(more: Parameters<typeof fakeBackend>[0] = {}) {
  return fakeBackend({
    'engine.list': () => engineList,
    'key.list': () => ({ keys: [], keychain: 'The keychain is GNOME Keyring.' }),
    'config.set': () => ({ file: '', value: '', warnings: [] }),
    'desk.subscribe': () => desk.value,
    'settings.get': () => given,
    'settings.set': (next: Settings) => next,
    ...more,
  } as never);
}

function pick(select: HTMLSelectElement, value: string): void {
  select.value = value;
  select.dispatchEvent(new Event('change', { bubbles: true }));
  flushSync();
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

describe('engines in words', () => {
  it('say what they lack', () => {
    expect(lack(of('claude-code'))).toBe('');
    expect(lack(of('codex'))).toBe('logged_out');
    expect(lack(of('acp:opencode'))).toBe('too_old');
    expect(lack(of('acp:custom'))).toBe('not_found');
    expect(lack(of('openai-api'))).toBe('no_key');
    expect(found(of('claude-code'))).toBe('Claude Code 2.1 is here and logged in.');
    expect(found(of('acp:gemini'))).toBe('Gemini CLI 0.19 is here.');
  });

  it('are named by their names in configs, also those that nobody knows', () => {
    expect(engineLabel('acp:gemini')).toBe('Gemini CLI');
    expect(engineLabel('acp:other')).toBe('ACP agent “other”');
    expect(engineLabel('abacus')).toBe('abacus');
    const none = [{ value: '', label: 'None' }];
    expect(engineOptions(undefined, 'acp:gemini', none).at(-1)).toEqual({ value: 'acp:gemini', label: 'Gemini CLI' });
    expect(engineOptions(engineList, '', none)[0]).toEqual(none[0]);
    expect(engineOptions(engineList, '', none).map((each) => each.label)).toContain('Codex (not logged in)');
  });
});

describe('the engines in the settings', () => {
  it('are shown with version, login and what to do, and a fault of theirs with a way out', async () => {
    let broken = true;
    const { of: calls } = backend({
      'engine.list': () => {
        if (broken) throw { ...refusal, message: 'The engines could not be looked for.' };
        return engineList;
      },
    });
    show(EngineSettings, {});
    await settled();
    expect(text()).toContain('could not be looked for');
    expect(calls('engine.list')).toHaveLength(1);
    broken = false;
    button('Try again').click();
    await settled();
    expect(document.querySelectorAll('[data-testid=engine]')).toHaveLength(engineList.engines.length);
    expect(text('[data-engine=codex]')).toContain('not logged in');
    expect(text('[data-engine=codex]')).toContain('Run codex login in a terminal');
    expect(text('[data-engine="acp:gemini"]')).toContain('untested');
    expect(text('[data-engine="anthropic-api"]')).toContain('in use');
  });

  it('are set for the company by the config alone', async () => {
    const { of: calls } = backend();
    desk.value = { ...busyDesk, company: { ...company, engine: 'codex', model: 'gpt-5' } };
    show(EngineSettings, {});
    await settled();
    const [engine, fallback] = document.querySelectorAll('select');
    pick(engine!, 'claude-code');
    await settled();
    pick(fallback!, 'practice-that-is-not-there');
    expect([...fallback!.options].map((each) => each.value)).not.toContain('practice');
    pick(fallback!, 'anthropic-api');
    await settled();
    const model = part<HTMLInputElement>('[data-testid=company-model]');
    type(model, '');
    model.dispatchEvent(new Event('blur'));
    await settled();
    expect(calls('config.set').map((call) => call.params)).toContainEqual({
      company: { company_id: 1 },
      key: 'engines.use',
      value: 'claude-code',
    });
    const written = calls('config.set').map(({ params }) => params as { key: string; value: string });
    expect(written.find((each) => each.key === 'engines.model')?.value).toBe('null');
    expect(written.findLast((each) => each.key === 'engines.fallback')?.value).toBe('anthropic-api');
  });

  it('are told where their program is, how they pay, and looked for anew', async () => {
    const { of: calls } = backend();
    show(EngineSettings, {});
    await settled();
    part('.head', row('claude-code')).click();
    flushSync();
    const field = part<HTMLInputElement>('[data-testid=engine-program]', row('claude-code'));
    type(field, '/opt/claude');
    field.dispatchEvent(new Event('blur'));
    await settled();
    expect(calls('settings.set')[0]?.params).toMatchObject({ engine_programs: { 'claude-code': '/opt/claude' } });
    part<HTMLInputElement>('input[value=key]', row('claude-code')).click();
    await settled();
    expect(calls('settings.set')[1]?.params).toMatchObject({
      engine_pays: { 'claude-code': 'key' },
      engine_programs: { 'claude-code': '/opt/claude' },
    });
    part<HTMLInputElement>('input[value=auto]', row('claude-code')).click();
    await settled();
    expect(calls('settings.set')[2]?.params).toMatchObject({ engine_pays: {} });
    expect(calls('engine.list').length).toBe(4);
  });

  it('take an address, a model, a command and a key of their own', async () => {
    const { of: calls } = backend({
      'key.set': () => ({ provider: 'openai', storage: 'keychain', hint: 'abcd', unlocked: true }),
    });
    show(EngineSettings, {});
    await settled();
    for (const name of ['openai-api', 'acp:custom']) part('.head', row(name)).click();
    flushSync();
    for (const [testid, words] of [
      ['openai-address', 'http://127.0.0.1:11434/v1'],
      ['openai-model', 'qwen3-coder'],
      ['engine-command', 'my-agent --acp'],
    ] as const) {
      const field = part<HTMLInputElement>(`[data-testid=${testid}]`);
      type(field, words);
      field.dispatchEvent(new Event('blur'));
      await settled();
    }
    expect(calls('settings.set').at(-1)?.params).toMatchObject({
      openai_base_url: 'http://127.0.0.1:11434/v1',
      openai_model: 'qwen3-coder',
      acp_command: 'my-agent --acp',
    });
    button('Add a key').click();
    flushSync();
    const key = [...document.querySelectorAll<HTMLInputElement>('input[type=password]')].at(-1)!;
    type(key, 'sk-test');
    key.form!.requestSubmit();
    await settled();
    expect(calls('key.set')[0]?.params).toMatchObject({ provider: 'openai', key: 'sk-test' });
    expect(key.value).toBe('');
  });

  it('are tried only on demand, with what that costs said before', async () => {
    let tell: (trial: unknown) => void = () => undefined;
    const { of: calls } = backend({ 'engine.try': () => new Promise((resolve) => (tell = resolve)) });
    show(EngineSettings, {});
    await settled();
    part('.head', row('claude-code')).click();
    part('.head', row('codex')).click();
    flushSync();
    expect(text('.try', row('claude-code'))).toContain('It costs at most a cent.');
    expect(part<HTMLButtonElement>('[data-testid=engine-try]', row('codex')).disabled).toBe(true);
    const go = part<HTMLButtonElement>('[data-testid=engine-try]', row('claude-code'));
    go.click();
    go.click();
    flushSync();
    expect(go.textContent).toBe('Trying…');
    expect(calls('engine.try').map((call) => call.params)).toEqual([{ engine: 'claude-code' }]);
    tell({ ok: true, text: 'Ready\u202e.', model: 'haiku', cost_usd: 0.0007, basis: 'reported', duration_ms: 2140 });
    await settled();
    expect(text('[data-testid=engine-trial]')).toBe('“ReadyU+202E.” haiku · 2.1s · $0.0007, reported');
    go.click();
    tell({
      ok: false,
      text: '',
      model: '',
      cost_usd: 0,
      basis: 'unknown',
      duration_ms: 1,
      error: { ...refusal, message: 'It asks for a login.' },
    });
    await settled();
    expect(text('[role=alert]', row('claude-code'))).toContain('It asks for a login.');
  });

  it('let commands run where they are confined, and say so where they are not', async () => {
    const confinement = { level: 'no' as const, detail: '', fix: '' };
    const { of: calls } = backend({ 'engine.list': (): EngineList => ({ ...engineList, confinement }) });
    show(EngineSettings, {});
    await settled();
    expect(text()).toContain('unconfined');
    button('Agents may run commands').click();
    await settled();
    desk.value = { ...busyDesk, company: { ...company, commands_allowed: false } };
    flushSync();
    button('Agents may run commands').click();
    await settled();
    engines.value = engineList;
    flushSync();
    button('Agents may run commands').click();
    await settled();
    expect(calls('config.set').map(({ params }) => (params as { value: string }).value)).toEqual([
      'false',
      'true',
      'null',
    ]);
  });
});

describe('confinement', () => {
  it('is told in words, with what is missing', async () => {
    backend();
    show(ConfinementSettings, { value: given });
    await settled();
    expect(part('[data-testid=confinement]').dataset.level).toBe('partly');
    expect(text('[data-testid=confinement]')).toContain('A kernel of 6.7 or later can.');
  });

  it('that was switched off is no confinement, whatever the system can', async () => {
    backend();
    settings.value = { ...given, sandbox: 'off' };
    show(ConfinementSettings, { value: settings.value });
    await settled();
    expect(text('[data-testid=confinement]')).toContain('not confined, because you switched that off');
    expect(text('[data-testid=confinement]')).toContain('even answer these questions');
    expect(document.querySelector('#sandbox-network')).toBeNull();
  });

  it('is set, with the folders to read one a line, and the time for an answer', async () => {
    const { of: calls } = backend();
    show(ConfinementSettings, { value: given });
    await settled();
    part<HTMLInputElement>('input[value=required]').click();
    const folders = part<HTMLTextAreaElement>('#sandbox-read');
    type(folders, ' /opt/sdk \n\n/srv/data\n');
    folders.dispatchEvent(new Event('blur'));
    await settled();
    const minutes = part<HTMLInputElement>('#approval-minutes');
    type(minutes, '30');
    minutes.dispatchEvent(new Event('blur'));
    await settled();
    expect(calls('settings.set').at(-1)?.params).toMatchObject({
      sandbox: 'required',
      sandbox_read: ['/opt/sdk', '/srv/data'],
      approval_minutes: 30,
    });
  });
});

describe('a company that cannot be briefed', () => {
  it('is shown the way to the engine that lacks something', () => {
    backend();
    const problem = { ...refusal, kind: 'config' as const, code: 'engine.login', message: 'Codex is not logged in.' };
    show(EnginePanel, { company: { ...company, engine: 'codex' }, problem });
    button('Engines & keys').click();
    expect(router.route).toEqual({ screen: 'settings', section: 'engine' });
  });
});

describe('an agent', () => {
  it('may have an engine of its own, or its company’s', async () => {
    const cto = { ...team[1]!, engine: 'claude-code' };
    const { of: calls } = backend({ 'agent.set': () => ({ agent: cto, text: agentFile(cto) }) });
    show(AgentPanel, { agent: cto, canBrief: true, onbrief: () => undefined, onclose: () => undefined });
    await settled();
    const [, engine] = document.querySelectorAll('select');
    expect(engine!.value).toBe('claude-code');
    pick(engine!, 'acp:gemini');
    pick(engine!, '');
    await settled();
    expect(calls('agent.set').map(({ params }) => (params as { engine: string }).engine)).toEqual(['acp:gemini', '']);
  });
});

describe('the first steps', () => {
  it('show the programs that are here, and take one that is ready', async () => {
    const { of: calls } = backend();
    desk.companies = [company];
    desk.value = { ...busyDesk, company: { ...company, engine: 'auto' } };
    show(Onboarding, { draft: new BriefDraft('desk'), onfolder: async () => undefined });
    part('.known button').click();
    await settled();
    await settled();
    expect(text('[data-testid="onboarding-engine-claude-code"]')).toContain('Claude Code 2.1 is here and logged in.');
    // What spends somebody's plan is not chosen for them.
    expect(part('[data-testid=onboarding-engine-practice]').getAttribute('aria-checked')).toBe('true');
    part('[data-testid="onboarding-engine-claude-code"]').click();
    flushSync();
    part('[data-testid=onboarding-next]').click();
    await settled();
    expect(calls('config.set')[0]?.params).toMatchObject({ key: 'engines.use', value: 'claude-code' });
  });

  it('take the key that is all a program lacks', async () => {
    const kept = { provider: 'openai', hint: '7890', storage: 'keychain' };
    const { of: calls } = backend({ 'key.set': () => kept });
    desk.companies = [company];
    desk.value = { ...busyDesk, company: { ...company, engine: 'auto' } };
    show(Onboarding, { draft: new BriefDraft('desk'), onfolder: async () => undefined });
    part('.known button').click();
    await settled();
    await settled();
    expect(text('[data-testid="onboarding-engine-codex"]')).toContain('Codex 0.46 is here, not logged in.');
    part('[data-testid="onboarding-engine-codex"]').click();
    flushSync();
    expect(text()).toContain('or log in with codex login in a terminal and look again');
    part('[data-testid=onboarding-next]').click();
    await settled();
    expect(calls('config.set')).toHaveLength(0);
    part<HTMLInputElement>('[data-testid=onboarding-key]').value = 'sk-test-7890';
    part('[data-testid=onboarding-next]').click();
    await settled();
    expect(calls('key.set')[0]?.params).toMatchObject({ provider: 'openai' });
    expect(calls('config.set')[0]?.params).toMatchObject({ key: 'engines.use', value: 'codex' });
  });
});
