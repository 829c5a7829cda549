import { m } from '$lib/paraglide/messages';
import type {
  Company,
  Confined,
  EngineChoice,
  EngineInfo,
  EngineList,
  Pays,
  Sandbox,
  Support,
} from '$lib/contract/types';
import { language } from '$lib/locale';
import { ENGINE_NAMES, engineLabel, engineName, isProgram, type Provider } from './names';

export interface Option {
  readonly value: string;
  readonly label: string;
}

/** The agent that the founder names the command of. */
export const CUSTOM = 'acp:custom';

/** What a company may run on where nobody knows yet what is here. */
const ALWAYS_THERE = ['anthropic-api', 'openai-api', 'claude-code', 'codex'];

/** What keeps an engine from being used. */
export type Lack = 'not_found' | 'too_old' | 'logged_out' | 'no_key' | 'needs_you';

export const LACKS: Record<Lack, string> = {
  not_found: m.settings_lack_not_found(),
  too_old: m.settings_lack_too_old(),
  logged_out: m.settings_lack_logged_out(),
  no_key: m.settings_lack_no_key(),
  needs_you: m.settings_lack_needs_you(),
};

const STANDS_LACKING: Record<Lack, string> = {
  not_found: m.settings_stands_not_found(),
  too_old: m.settings_stands_too_old(),
  logged_out: m.settings_stands_logged_out(),
  no_key: m.settings_stands_no_key(),
  needs_you: m.settings_stands_needs_you(),
};

/** What keeps an engine from being used; empty where nothing does. */
export function lack(engine: EngineInfo): Lack | '' {
  if (engine.ready) return '';
  if (isProgram(engine.kind) && engine.program === undefined) return 'not_found';
  if (engine.support === 'too_old') return 'too_old';
  if (engine.login === 'out' && !engine.key) return 'logged_out';
  if (!isProgram(engine.kind) && !engine.key && engine.kind !== 'practice') return 'no_key';
  return 'needs_you';
}

/** Engines to choose from, with the one that is chosen, known or not. `before` comes first, of no engine's name. */
export function engineOptions(list: EngineList | undefined, chosen: string, before: readonly Option[]): Option[] {
  const known = list?.engines.filter((row) => row.kind !== 'practice');
  const options = known
    ? known.map((row) => {
        const missing = lack(row);
        return { value: row.engine, label: missing === '' ? nameOf(row) : `${nameOf(row)} (${LACKS[missing]})` };
      })
    : ALWAYS_THERE.map((name) => ({ value: name, label: engineLabel(name) }));
  const all = [...before, ...options];
  return all.some((row) => row.value === chosen) ? all : [...all, { value: chosen, label: engineLabel(chosen) }];
}

/** Whether a company's engine takes a model by the config's `engines.model`: those of Claude have models of agents. */
export function takesModel(company: Company): boolean {
  const kind = company.engine_now.kind;
  const named = company.engine.split(':')[0] ?? '';
  const others = ['openai-api', 'codex', 'acp'];
  return others.includes(named) || (kind !== undefined && others.includes(kind)) || company.model !== '';
}

export const SUPPORT_NAMES: Record<Support, string> = {
  tested: m.settings_support_tested(),
  untested: m.settings_support_untested(),
  too_old: m.settings_lack_too_old(),
};

export const SUPPORT_DETAILS: Record<Support, string> = {
  tested: m.settings_support_tested_detail(),
  untested: m.settings_support_untested_detail(),
  too_old: m.settings_support_too_old_detail(),
};

/** Whose key a program can be paid with, where AICIB keeps such keys. */
export function keyFor(engine: EngineInfo): Provider | undefined {
  if (engine.kind === 'claude-code') return 'anthropic';
  return engine.kind === 'codex' ? 'openai' : undefined;
}

/** Whether a key is all that a program lacks. */
export function needsKey(engine: EngineInfo): boolean {
  return keyFor(engine) !== undefined && lack(engine) === 'logged_out';
}

/** How an engine stands, without the name and version that stand above it. */
export function standing(engine: EngineInfo): string {
  const name = [engine.label, engine.version].filter(Boolean).join(' ');
  const rest = [`${name} · `, `${engine.label} · `, `${engine.label}: `].find((head) => engine.detail.startsWith(head));
  if (rest === undefined) return engine.detail;
  const left = engine.detail.slice(rest.length);
  return left.charAt(0).toUpperCase() + left.slice(1);
}

/** An engine's name on screen, in the page's language. Agents that speak ACP have names of their own. */
export function nameOf(engine: EngineInfo): string {
  return language === 'en' || (engine.kind === 'acp' && engine.engine !== CUSTOM)
    ? engine.label
    : engineLabel(engine.engine);
}

/** How an engine stands, in another language than the daemon's English; empty in that. */
export function stands(engine: EngineInfo): string {
  if (language === 'en') return '';
  const missing = lack(engine);
  if (missing !== '') return STANDS_LACKING[missing];
  if (engine.kind === 'practice') return m.settings_stands_practice();
  if (!isProgram(engine.kind)) return engine.key ? m.settings_stands_key() : m.settings_stands_keyless();
  if (engine.login === 'in' && engine.pays !== 'key') return m.settings_stands_logged_in();
  if (engine.key && engine.login !== 'unknown') return m.settings_stands_with_key();
  return m.settings_stands_unknown();
}

/** What a company runs on, in a few words. */
export function engineNow(now: EngineChoice): string {
  return language === 'en' || !now.kind ? now.label : engineName(now.kind, now.agent);
}

/** "Claude Code 2.1 is here and logged in." */
export function found(engine: EngineInfo): string {
  const named = { engine: [engine.label, engine.version && shortVersion(engine.version)].filter(Boolean).join(' ') };
  if (engine.login === 'in') return m.settings_found_logged_in(named);
  if (engine.login === 'out') return engine.key ? m.settings_found_key(named) : m.settings_found_logged_out(named);
  return m.settings_found(named);
}

/** "2.1.14 (Claude Code)" as "2.1". */
function shortVersion(version: string): string {
  return /\d+\.\d+/.exec(version)?.[0] ?? version.slice(0, 20);
}

export const PAYS: readonly { value: Pays; label: string; detail: string }[] = [
  {
    value: 'auto',
    label: m.settings_pays_auto(),
    detail: m.settings_pays_auto_detail(),
  },
  {
    value: 'login',
    label: m.settings_pays_login(),
    detail: m.settings_pays_login_detail(),
  },
  {
    value: 'key',
    label: m.settings_pays_key(),
    detail: m.settings_pays_key_detail(),
  },
];

export const CONFINED_SAID: Record<Confined, string> = {
  full: m.settings_confined_full(),
  partly: m.settings_confined_partly(),
  no: m.settings_confined_no(),
};

export const CONFINED_TONES: Record<Confined, 'ok' | 'warn' | 'bad'> = { full: 'ok', partly: 'warn', no: 'bad' };

/** What a level of confinement means for what an agent could do. */
export const CONFINED_MEANS: Record<Confined, string> = {
  full: m.settings_confined_full_means(),
  partly: m.settings_confined_partly_means(),
  no: m.settings_confined_no_means(),
};

export const SANDBOXES: readonly { value: Sandbox; label: string; detail: string }[] = [
  { value: 'auto', label: m.settings_confine_auto(), detail: m.settings_confine_auto_detail() },
  {
    value: 'required',
    label: m.settings_confine_always(),
    detail: m.settings_confine_always_detail(),
  },
  { value: 'off', label: m.settings_confine_never(), detail: m.settings_confine_never_detail() },
];

/** The engines of a company that are named on screen without being asked for. */
export const AUTO: Option = { value: 'auto', label: m.settings_automatic() };
export const PRACTICE: Option = { value: 'practice', label: ENGINE_NAMES.practice };
