import type { Company, Confined, EngineInfo, EngineList, Pays, Sandbox, Support } from '$lib/contract/types';
import { ENGINE_NAMES, engineLabel, isProgram, type Provider } from './names';

export interface Option {
  readonly value: string;
  readonly label: string;
}

/** What a company may run on where nobody knows yet what is here. */
const ALWAYS_THERE = ['anthropic-api', 'openai-api', 'claude-code', 'codex'];

/** What keeps an engine from being used, in a word or two; empty where nothing does. */
export function lack(engine: EngineInfo): string {
  if (engine.ready) return '';
  if (isProgram(engine.kind) && engine.program === undefined) return 'not found';
  if (engine.support === 'too_old') return 'too old';
  if (engine.login === 'out' && !engine.key) return 'not logged in';
  if (!isProgram(engine.kind) && !engine.key && engine.kind !== 'practice') return 'no key';
  return 'needs you';
}

/** Engines to choose from, with the one that is chosen, known or not. `before` comes first, of no engine's name. */
export function engineOptions(list: EngineList | undefined, chosen: string, before: readonly Option[]): Option[] {
  const known = list?.engines.filter((row) => row.kind !== 'practice');
  const options = known
    ? known.map((row) => ({ value: row.engine, label: row.ready ? row.label : `${row.label} (${lack(row)})` }))
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

export const SUPPORT_NAMES: Record<Support, string> = { tested: 'tested', untested: 'untested', too_old: 'too old' };

export const SUPPORT_DETAILS: Record<Support, string> = {
  tested: 'A version that our tests drive, or one near it.',
  untested: 'Not one of the versions that were tried. It is likely to work.',
  too_old: 'It lacks what we need. Update it.',
};

/** Whose key a program can be paid with, where AICIB keeps such keys. */
export function keyFor(engine: EngineInfo): Provider | undefined {
  if (engine.kind === 'claude-code') return 'anthropic';
  return engine.kind === 'codex' ? 'openai' : undefined;
}

/** Whether a key is all that a program lacks. */
export function needsKey(engine: EngineInfo): boolean {
  return keyFor(engine) !== undefined && lack(engine) === 'not logged in';
}

/** How an engine stands, without the name and version that stand above it. */
export function standing(engine: EngineInfo): string {
  const name = [engine.label, engine.version].filter(Boolean).join(' ');
  const rest = [`${name} · `, `${engine.label} · `, `${engine.label}: `].find((head) => engine.detail.startsWith(head));
  if (rest === undefined) return engine.detail;
  const left = engine.detail.slice(rest.length);
  return left.charAt(0).toUpperCase() + left.slice(1);
}

/** "Claude Code 2.1 is here and logged in." */
export function found(engine: EngineInfo): string {
  const version = engine.version ? ` ${shortVersion(engine.version)}` : '';
  const login = {
    in: ' and logged in',
    out: engine.key ? ', and can use your key' : ', not logged in',
    unknown: '',
    none: '',
  }[engine.login];
  return `${engine.label}${version} is here${login}.`;
}

/** "2.1.14 (Claude Code)" as "2.1". */
function shortVersion(version: string): string {
  return /\d+\.\d+/.exec(version)?.[0] ?? version.slice(0, 20);
}

export const PAYS: readonly { value: Pays; label: string; detail: string }[] = [
  {
    value: 'auto',
    label: 'Automatic',
    detail: 'With its own login where it has one, else with your key.',
  },
  {
    value: 'login',
    label: 'Its login',
    detail: 'With its own login or subscription. What it reports is counted against your limits, in steps.',
  },
  {
    value: 'key',
    label: 'Your key',
    detail:
      'With the key that AICIB keeps. The program never sees it, and each call is covered by your limits before it is made.',
  },
];

export const CONFINED_NAMES: Record<Confined, string> = {
  full: 'confined',
  partly: 'partly confined',
  no: 'not confined',
};

export const CONFINED_TONES: Record<Confined, 'ok' | 'warn' | 'bad'> = { full: 'ok', partly: 'warn', no: 'bad' };

/** What a level of confinement means for what an agent could do. */
export const CONFINED_MEANS: Record<Confined, string> = {
  full: 'Commands and agents’ programs see the system, the company’s folder and their run’s own; they write the last two. Your home, your keys, other programs’ sockets and AICIB itself are out of their reach.',
  partly:
    'Much of what is yours is out of their reach. This system lacks what the rest needs: allow only what you would run yourself.',
  no: 'A command that is allowed can do whatever you can do: read any file of yours, use your logins, even answer these questions. Allow only what you would run yourself.',
};

export const SANDBOXES: readonly { value: Sandbox; label: string; detail: string }[] = [
  { value: 'auto', label: 'Where possible', detail: 'As far as this system can. Where it cannot, you are told.' },
  {
    value: 'required',
    label: 'Always',
    detail: 'Where this system cannot, no command and no agent program is started.',
  },
  { value: 'off', label: 'Never', detail: 'Commands and agents’ programs can do what you can do.' },
];

/** The engines of a company that are named on screen without being asked for. */
export const AUTO: Option = { value: 'auto', label: 'Automatic' };
export const PRACTICE: Option = { value: 'practice', label: ENGINE_NAMES.practice };
