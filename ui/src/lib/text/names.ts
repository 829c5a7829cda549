import type { CostBasis, EngineKind, JobState, LogLevel, Origin } from '$lib/contract/types';
import { m } from '$lib/paraglide/messages';

const HEADS = new Set(['ceo', 'cto', 'cfo', 'cmo', 'coo', 'cpo', 'cso', 'chro', 'clo', 'ciso', 'cio']);

/** Who speaks where it is the founder. */
export const FOUNDER = 'founder';

/** A role's name on screen: "cfo" is "CFO", "backend-engineer" is "Backend Engineer". */
export function roleName(role: string): string {
  if (HEADS.has(role)) return role.toUpperCase();
  if (role === 'system') return 'AICIB';
  if (role === FOUNDER) return m.you();
  return role
    .split(/[-_\s]+/)
    .filter(Boolean)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join(' ');
}

const SIGNS = new Intl.Segmenter();
/** A sign with more marks on it than that is none. */
const LONGEST = 24;

/** The first signs of a word as a reader counts them: an emoji of several characters is one. */
function signs(word: string, count: number): string {
  const all = [...SIGNS.segment(word.slice(0, 2 * LONGEST))].slice(0, count);
  return all.map(({ segment }) => (segment.length > LONGEST ? segment.slice(0, 1) : segment)).join('');
}

/** Two letters for an avatar or a logo: "CE", "BE", "NW". */
export function initials(name: string): string {
  if (name === 'system') return 'AI';
  if (name === FOUNDER) return m.you();
  const words = name.split(/[-_\s.]+/).filter(Boolean);
  const letters = words.length > 1 ? words.slice(0, 2).map((word) => signs(word, 1)) : [signs(words[0] ?? '?', 2)];
  return letters.join('').toUpperCase();
}

/** Who has a colour of their own; a department's people share their head's hue, a shade off. */
const COLOURS: Record<string, string> = {
  ceo: 'ceo',
  cto: 'cto',
  'backend-engineer': 'eng-1',
  'frontend-engineer': 'eng-2',
  cfo: 'cfo',
  'financial-analyst': 'fin-1',
  cmo: 'cmo',
  'content-writer': 'mkt-1',
  coo: 'coo',
  system: 'ink-3',
  [FOUNDER]: 'ink-2',
};
const SPARE = ['spare-1', 'spare-2', 'spare-3', 'spare-4', 'coo'];

/** An agent's colour, as a CSS value that follows the theme. */
export function roleColour(role: string): string {
  const known = COLOURS[role];
  if (known) return `var(--${known})`;
  let hash = 0;
  for (const char of role) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) >>> 0;
  return `var(--${SPARE[hash % SPARE.length] ?? 'coo'})`;
}

export function isFinal(state: JobState): boolean {
  return state === 'completed' || state === 'failed' || state === 'cancelled';
}

/** Whether a run of it is alive. */
export function isAtWork(state: JobState): boolean {
  return state === 'running' || state === 'waiting';
}

/** Whether it holds its session's line: it is in it, or at its head. */
export function isInLine(state: JobState): boolean {
  return state === 'queued' || state === 'retrying' || isAtWork(state);
}

/** Whether it waits for its time or for another job, outside of any line. */
export function isLater(state: JobState): boolean {
  return state === 'scheduled' || state === 'blocked';
}

export const STATE_NAMES: Record<JobState, string> = {
  scheduled: m.company_state_scheduled(),
  blocked: m.company_state_blocked(),
  queued: m.company_state_queued(),
  running: m.company_state_running(),
  waiting: m.company_state_waiting(),
  retrying: m.company_state_retrying(),
  completed: m.company_state_completed(),
  failed: m.company_state_failed(),
  cancelled: m.company_state_cancelled(),
};

export const ENGINE_NAMES: Record<EngineKind, string> = {
  'anthropic-api': 'Anthropic API', // not words
  'openai-api': m.company_engine_openai(),
  'claude-code': 'Claude Code', // not words
  codex: 'Codex', // not words
  acp: m.company_engine_acp(),
  practice: m.company_engine_practice(),
};

/** Agents that speak the Agent Client Protocol, by their name after "acp:". */
const ACP_NAMES: Record<string, string> = {
  gemini: 'Gemini CLI', // not words
  opencode: 'opencode',
  claude: m.company_engine_claude_acp(),
  codex: m.company_engine_codex_acp(),
  custom: m.company_engine_acp_own(),
};

/** An engine's name on screen: "Claude Code", "Gemini CLI". */
export function engineName(kind: EngineKind, agent = ''): string {
  if (kind !== 'acp' || agent === '') return ENGINE_NAMES[kind];
  return (
    (Object.hasOwn(ACP_NAMES, agent) ? ACP_NAMES[agent] : undefined) ?? m.company_engine_acp_named({ name: agent })
  );
}

/** The same by the name that configs have: "acp:gemini". One that is not known stays as it is. */
export function engineLabel(engine: string): string {
  const [kind = '', ...agent] = engine.split(':');
  return Object.hasOwn(ENGINE_NAMES, kind) ? engineName(kind as EngineKind, agent.join(':')) : engine;
}

/** Whether it is a program of somebody else's that runs on this computer. */
export function isProgram(kind: EngineKind): boolean {
  return kind === 'claude-code' || kind === 'codex' || kind === 'acp';
}

/** Whose keys we keep. */
export type Provider = 'anthropic' | 'openai';

export const PROVIDERS: Record<Provider, { readonly label: string; readonly hint: string }> = {
  anthropic: { label: m.company_key_anthropic(), hint: 'sk-ant-…' },
  openai: { label: m.company_key_openai(), hint: 'sk-…' },
};

/** Where a figure comes from. */
export const BASIS_NAMES: Record<CostBasis, string> = {
  reported: m.company_basis_reported(),
  estimated: m.company_basis_estimated(),
  free: m.company_basis_free(),
  unknown: m.no_price(),
};

export const BASIS_DETAILS: Record<CostBasis, string> = {
  reported: m.company_basis_reported_detail(),
  estimated: m.company_basis_estimated_detail(),
  free: m.company_basis_free_detail(),
  unknown: m.company_basis_unknown_detail(),
};

export const ORIGIN_NAMES: Record<Origin, string> = {
  cli: m.company_origin_cli(),
  desk: m.company_origin_desk(),
  quick: m.company_origin_quick(),
  notification: m.company_origin_notification(),
  timeout: m.company_origin_timeout(),
  client: m.company_origin_client(),
};

/** How much the background process says in its log, quietest first. */
export const LOG_LEVELS: readonly { value: LogLevel; label: string }[] = [
  { value: 'error', label: m.company_log_error() },
  { value: 'warn', label: m.company_log_warn() },
  { value: 'info', label: m.company_log_info() },
  { value: 'debug', label: m.company_log_debug() },
  { value: 'trace', label: m.company_log_trace() },
];

/** A path as typed, with a "~" at its start as the founder's own folder. */
export function longPath(path: string, home?: string | null): string {
  return home && /^~(?=\/|$)/.test(path) ? home + path.slice(1) : path;
}

/** The founder's own folder as "~": what is left is what tells folders apart. */
export function shortPath(path: string, home?: string | null): string {
  if (home && (path === home || path.startsWith(`${home}/`))) return `~${path.slice(home.length)}`;
  return path.replace(/^(\/home\/[^/]+|\/Users\/[^/]+|\/root|[A-Z]:\\Users\\[^\\]+)(?=[/\\]|$)/, '~');
}

/** A folder for a company of this name, in the founder's own: "~/acme-coffee"; empty while there is nothing to go by. */
export function folderFor(name: string): string {
  const words = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .match(/[\p{L}\p{N}]+/gu);
  return words ? `~/${words.join('-').slice(0, 60)}` : '';
}

/** The folder that a file is in. */
export function folderOf(path: string): string {
  return path.replace(/[/\\][^/\\]*$/, '') || '/';
}

/** A path's last part. */
export function fileOf(path: string): string {
  return path.split(/[/\\]/).at(-1) ?? path;
}
