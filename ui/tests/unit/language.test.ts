import { flushSync, mount, unmount, type Component } from 'svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import LookSettings from '$lib/components/LookSettings.svelte';
import type { Settings } from '$lib/contract/types';
import { router } from '$lib/stores/route.svelte';
import { settings } from '$lib/stores/settings.svelte';
import { settings as usual } from '../fixture/data';
import { engineList } from '../fixture/leave';
import { fakeBackend, refusal } from './fake';
import { part, settled } from './page';

let mounted: Record<string, unknown>[] = [];

function show<P extends Record<string, unknown>>(what: Component<P>, props: P): void {
  mounted.push(mount(what, { target: document.body, props }));
  flushSync();
}

const reload = vi.spyOn(location, 'reload').mockImplementation(() => undefined);

beforeEach(() => {
  reload.mockClear();
  localStorage.clear();
  sessionStorage.clear();
  vi.resetModules();
});

afterEach(async () => {
  for (const one of mounted) await unmount(one);
  mounted = [];
  document.body.replaceChildren();
  vi.unstubAllGlobals();
});

describe('the language', () => {
  it('is chosen by its own name, and the page comes back to where that was done', () => {
    fakeBackend({});
    router.go({ screen: 'settings', section: '' });
    const saved: Partial<Settings>[] = [];
    show(LookSettings, { value: { ...usual, language: '' }, save: (patch) => saved.push(patch) });
    const choice = part<HTMLSelectElement>('#language');
    expect([...choice.options].map((row) => row.text)).toEqual(['As the system', 'English', 'Deutsch']);
    choice.value = 'de';
    choice.dispatchEvent(new Event('change', { bubbles: true }));
    expect(saved).toEqual([{ language: 'de' }]);
    expect(location.hash).toBe('#/settings/look');
  });

  it('of another version’s settings counts as the system’s', () => {
    fakeBackend({});
    show(LookSettings, { value: { ...usual, language: 'pt-BR' }, save: () => undefined });
    expect(part<HTMLSelectElement>('#language').value).toBe('');
  });

  it('is taken up once it is kept: one that is refused changes nothing', async () => {
    let refuse = true;
    fakeBackend({
      'settings.get': () => usual,
      'settings.set': (next: Settings) => {
        if (refuse) throw refusal;
        return next;
      },
    });
    await settings.load();
    expect(settings.language).toBe(usual.language);
    await expect(settings.save({ language: 'de' })).rejects.toEqual(refusal);
    expect(settings.language).toBe(usual.language);
    refuse = false;
    const saving = settings.save({ language: 'de' });
    await Promise.resolve();
    expect(settings.language).toBe(usual.language);
    await saving;
    expect(settings.language).toBe('de');
  });

  it('is spoken by the page after this one', async () => {
    const { followLanguage, language } = await import('$lib/locale');
    expect(language).toBe('en');
    followLanguage(() => 'en');
    followLanguage(() => '');
    followLanguage(() => 'xx');
    expect(reload).not.toHaveBeenCalled();
    followLanguage(() => 'de');
    expect(reload).toHaveBeenCalledOnce();
    vi.resetModules();
    const next = await import('$lib/locale');
    expect(next.language).toBe('de');
    next.followLanguage(() => 'de');
    expect(reload).toHaveBeenCalledOnce();
    const { m } = await import('$lib/paraglide/messages');
    expect([m.settings_prune_go_jobs({ count: 1 }), m.settings_prune_go_jobs({ count: 1200 })]).toEqual([
      '1 Auftrag vergessen',
      '1.200 Aufträge vergessen',
    ]);
    expect(document.documentElement.lang).toBe('de');
  });

  it('is not asked for over and over where nothing can be kept', async () => {
    const { followLanguage } = await import('$lib/locale');
    vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => undefined, removeItem: () => undefined });
    followLanguage(() => 'de');
    expect(reload).not.toHaveBeenCalled();
  });
});

describe('what the daemon says in English', () => {
  it('comes after words in the page’s language', async () => {
    localStorage.setItem('language', 'de');
    const { engineNow, engineOptions, nameOf, stands } = await import('$lib/text/engines');
    const of = (engine: string) => engineList.engines.find((row) => row.engine === engine)!;
    expect(stands(of('claude-code'))).toBe('Angemeldet.');
    expect(stands(of('codex'))).toBe('Nicht angemeldet.');
    expect(stands(of('practice'))).toBe('Ohne Modell, kostet nichts.');
    expect(nameOf(of('practice'))).toBe('Übungsmodus');
    expect(nameOf(of('acp:gemini'))).toBe('Gemini CLI');
    expect(engineOptions(engineList, 'codex', []).map((row) => row.label)).toContain('Codex (nicht angemeldet)');
    const now = {
      kind: 'anthropic-api' as const,
      agent: '',
      label: 'Anthropic API · key in keychain',
      is_fallback: false,
    };
    expect(engineNow(now)).toBe('Anthropic API');
    const { checkName } = await import('$lib/text/checks');
    expect(['Disk', 'Company Äpfel', 'Claude Code', 'constructor'].map(checkName)).toEqual([
      'Laufwerk',
      'Firma Äpfel',
      'Claude Code',
      'constructor',
    ]);
    const { inLine } = await import('$lib/text/faults');
    expect(inLine({ ...refusal, kind: 'user', code: 'disk.full' })).toMatch(/^Die Platte ist voll: Today/);
  });

  it('is all there is in English', async () => {
    const { nameOf, stands } = await import('$lib/text/engines');
    const [first] = engineList.engines;
    expect(stands(first!)).toBe('');
    expect(nameOf(first!)).toBe(first!.label);
  });
});

describe('a page that is loaded anew', () => {
  it('has the answers that were begun', async () => {
    const before = await import('$lib/stores/answers.svelte');
    before.answers.drafts.set(31, 'Not before Tues');
    const { loadAnew } = await import('$lib/again');
    loadAnew();
    expect(reload).toHaveBeenCalledOnce();
    vi.resetModules();
    const after = await import('$lib/stores/answers.svelte');
    expect(after.answers.drafts.get(31)).toBe('Not before Tues');
    expect((await import('$lib/again')).isAnew).toBe(true);
    // It is handed on once: a page that is loaded for another reason begins from nothing.
    vi.resetModules();
    expect((await import('$lib/again')).isAnew).toBe(false);
  });

  it('is where the one before was, once that is there again', async () => {
    const list = document.body.appendChild(document.createElement('div'));
    const field = list.appendChild(document.createElement('button'));
    field.id = 'field';
    field.focus();
    list.scrollTop = 480;
    (await import('$lib/again')).loadAnew();
    document.body.replaceChildren();
    vi.resetModules();
    const { comeBack } = await import('$lib/again');
    comeBack();
    await new Promise(requestAnimationFrame);
    const next = document.body.appendChild(document.createElement('div'));
    let height = 200;
    Object.defineProperty(next, 'scrollHeight', { get: () => height });
    const again = next.appendChild(document.createElement('button'));
    again.id = 'field';
    await vi.waitFor(() => expect(document.activeElement).toBe(again));
    expect(next.scrollTop).toBe(0);
    height = 2000;
    await vi.waitFor(() => expect(next.scrollTop).toBe(480));
  });

  it('takes nothing from what somebody else wrote there', async () => {
    for (const kept of ['{', '3', 'null', '{"place":{"tops":"x"},"answers":[["a",1],7]}']) {
      sessionStorage.setItem('handed-on', kept);
      vi.resetModules();
      const { comeBack } = await import('$lib/again');
      comeBack();
      expect([...(await import('$lib/stores/answers.svelte')).answers.drafts]).toEqual([]);
    }
    await settled();
  });
});
