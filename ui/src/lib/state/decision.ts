import type { Act, Approval, Ground, Question, Scope, Verdict } from '$lib/contract/types';
import { roleName } from '$lib/text/names';

/** Every kind of act, in the order of tables. */
export const ACTS: readonly Act[] = ['read', 'write', 'write_elsewhere', 'command', 'network', 'publish', 'spend'];

export const ACT_NAMES: Record<Act, string> = {
  read: 'Read files',
  write: 'Write in the company folder',
  write_elsewhere: 'Write elsewhere',
  command: 'Run commands',
  network: 'Use the network',
  publish: 'Publish or send',
  spend: 'Spend',
};

/** What somebody wants to do who asks for leave. */
export const ACT_WANTS: Record<Act, string> = {
  read: 'wants to read',
  write: 'wants to change a file of the company',
  write_elsewhere: 'wants to write outside the company folder',
  command: 'wants to run a command',
  network: 'wants to use the network',
  publish: 'wants to publish or send something',
  spend: 'wants to spend money',
};

/** What somebody wants to do, as the daemon says it where it knows more: "wants to run a command that publishes". */
export function wants({ text, approval }: { readonly text: string; readonly approval?: Approval | undefined }): string {
  const usual = approval ? ACT_WANTS[approval.act] : 'asks for leave to act';
  // The name before it is an agent's, and may say anything: only what comes last is ours.
  const told = text.slice(text.lastIndexOf(' wants to ') + 1);
  return text.includes(' wants to ') && /^[a-z ]{12,80}\.$/.test(told) ? told.slice(0, -1) : usual;
}

/** What a rule of that kind is about, where it names something exact. */
export const ACT_SUBJECTS: Record<Act, string> = {
  read: 'this file',
  write: 'this file',
  write_elsewhere: 'this file',
  command: 'this command',
  network: 'this address',
  publish: 'this',
  spend: 'this',
};

export const VERDICT_NAMES: Record<Verdict, string> = { allow: 'Allow', ask: 'Ask', deny: 'Deny' };

export const VERDICT_TONES: Record<Verdict, '' | 'ok' | 'warn' | 'bad'> = { allow: 'ok', ask: 'warn', deny: 'bad' };

export const GROUND_NAMES: Record<Ground, string> = {
  autonomy: 'by autonomy',
  rule: 'your rule',
  config: 'by the config',
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

const ALWAYS = 'Allow always for this ';

/** The answer that allows it, once or from now on. */
export function allowed(always?: Scope): string {
  return always === undefined ? 'Allow' : ALWAYS + always;
}

/** The answer that denies it. */
export function denied(reason = ''): string {
  const why = reason.trim();
  return why === '' ? 'Deny' : `Deny: ${why}`;
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
  const where = company || 'the company';
  switch (scope) {
    case 'job':
      return `in job #${job_id}, whoever of the team asks`;
    case 'agent':
      return `for ${roleName(agent)}, in every job of ${where}`;
    case 'company':
      return `for everybody, in every job of ${where}`;
  }
}
