import type { Act, Approval, Ground, Question, Scope, Verdict } from '$lib/contract/types';
import { m } from '$lib/paraglide/messages';
import { roleName } from '$lib/text/names';

/** Every kind of act, in the order of tables. */
export const ACTS: readonly Act[] = ['read', 'write', 'write_elsewhere', 'command', 'network', 'publish', 'spend'];

export const ACT_NAMES: Record<Act, string> = {
  read: m.desk_act_read(),
  write: m.desk_act_write(),
  write_elsewhere: m.desk_act_write_elsewhere(),
  command: m.desk_act_command(),
  network: m.desk_act_network(),
  publish: m.desk_act_publish(),
  spend: m.desk_act_spend(),
};

/** What somebody wants to do who asks for leave. */
export const ACT_WANTS: Record<Act, string> = {
  read: m.desk_wants_read(),
  write: m.desk_wants_write(),
  write_elsewhere: m.desk_wants_write_elsewhere(),
  command: m.desk_wants_command(),
  network: m.desk_wants_network(),
  publish: m.desk_wants_publish(),
  spend: m.desk_wants_spend(),
};

/** What the daemon says of an act where it knows more of it, in our words. */
const TOLD = new Map([
  ['read files', m.desk_wants_read_files()], // not words
  ['change files of the company folder', m.desk_wants_change_own()], // not words
  ['change files that are not its own to change', m.desk_wants_change_others()], // not words
  ['run a command', m.desk_wants_command()], // not words
  ['run a command that uses the network', m.desk_wants_command_network()], // not words
  ['use the network', m.desk_wants_network()], // not words
  ['run a command that publishes or sends', m.desk_wants_command_publish()], // not words
  ['publish or send something', m.desk_wants_publish()], // not words
  ['run a command that spends money', m.desk_wants_command_spend()], // not words
  ['spend money', m.desk_wants_spend()], // not words
]);

interface Asked {
  readonly text: string;
  readonly approval?: Approval | undefined;
}

/** What the daemon says of the act itself; empty where that is not its words. */
function told({ text }: Asked): string {
  const before = ' wants to '; // not words
  // The name before it is an agent's, and may say anything: only what comes last is ours.
  const at = text.lastIndexOf(before);
  const words = text.slice(at + before.length);
  return at >= 0 && /^[a-z ]{3,71}\.$/.test(words) ? words.slice(0, -1) : '';
}

/** What somebody wants to do, as the daemon says it where it knows more: "wants to run a command that publishes". */
export function wants(asked: Asked): string {
  const { approval } = asked;
  return TOLD.get(told(asked)) ?? (approval ? ACT_WANTS[approval.act] : m.desk_wants_leave());
}

/** Whether it is a command: commands are commands, whatever they do. */
export function isCommand(asked: Asked): boolean {
  return asked.approval?.act === 'command' || /\bcommand\b/.test(told(asked));
}

/** What an "always" is about: one file, one command, one address. */
export function exactly(asked: Asked): string {
  if (isCommand(asked)) return m.desk_always_command();
  switch (asked.approval?.act) {
    case 'read':
    case 'write':
    case 'write_elsewhere':
      return m.desk_always_file();
    case 'network':
      return m.desk_always_address();
    default:
      return m.desk_always_this();
  }
}

export const VERDICT_NAMES: Record<Verdict, string> = { allow: m.desk_allow(), ask: m.desk_ask(), deny: m.desk_deny() };

export const VERDICT_TONES: Record<Verdict, '' | 'ok' | 'warn' | 'bad'> = { allow: 'ok', ask: 'warn', deny: 'bad' };

export const GROUND_NAMES: Record<Ground, string> = {
  autonomy: m.desk_ground_autonomy(),
  rule: m.desk_ground_rule(),
  config: m.desk_ground_config(),
};

/** How far an "always" reaches, the narrowest first. */
export const SCOPES: readonly Scope[] = ['job', 'agent', 'company'];

/** An answer to a question for leave to act. */
export interface Decision {
  readonly allow: boolean;
  /** Whether the same is allowed from now on, and how far. */
  readonly always: Scope | undefined;
  /** Why not; empty where nothing was said. */
  readonly reason: string;
}

/** What an "always" is called, by how far it reaches. */
export const ALWAYS_NAMES: Record<Scope, string> = {
  job: m.desk_allow_always_job(),
  agent: m.desk_allow_always_agent(),
  company: m.desk_allow_always_company(),
};

// Answers as the daemon reads them, whatever the language.
const ALWAYS = 'Allow always for this '; // not words
const ALLOW = 'Allow'; // not words
const DENY = 'Deny'; // not words

/** The answer that allows it, once or from now on. */
export function allowed(always?: Scope): string {
  return always === undefined ? ALLOW : ALWAYS + always;
}

/** The answer that denies it. */
export function denied(reason = ''): string {
  const why = reason.trim();
  return why === '' ? DENY : `${DENY}: ${why}`;
}

/** What an answer stands for; none where it is not one to such a question. */
export function decisionOf(answer: string): Decision | undefined {
  const text = answer.trim();
  if (/^allow$/i.test(text)) return { allow: true, always: undefined, reason: '' };
  if (text.startsWith(ALWAYS)) {
    const always = SCOPES.find((scope) => scope === text.slice(ALWAYS.length));
    return always && { allow: true, always, reason: '' };
  }
  const no = /^deny(?::([^]*))?$/i.exec(text);
  return no ? { allow: false, always: undefined, reason: (no[1] ?? '').trim() } : undefined;
}

/** What an "always" of that reach holds for, in words. */
export function reach(scope: Scope, { job_id, agent }: Pick<Question, 'job_id' | 'agent'>, company: string): string {
  const who = roleName(agent);
  switch (scope) {
    case 'job':
      return m.desk_reach_job({ id: job_id });
    case 'agent':
      return company ? m.desk_reach_agent({ who, company }) : m.desk_reach_agent_here({ who });
    case 'company':
      return company ? m.desk_reach_company({ company }) : m.desk_reach_company_here();
  }
}
