import { language } from '$lib/locale';
import { m } from '$lib/paraglide/messages';

/*
 * A few short lines are made by the daemon, in English: it writes them once, for the window, the terminal and the log. In
 * another language the page reads what they say. One that it does not know stays as it is.
 */

const DOINGS: readonly (readonly [RegExp, (what: string, more: string) => string])[] = [
  [/^is thinking$/, () => m.doing_thinking()],
  [/^is delegating to (.+)$/s, (name) => m.doing_delegating({ name })],
  [/^is writing (.+)$/s, (what) => m.doing_writing({ what })],
  [/^is editing (.+)$/s, (what) => m.doing_editing({ what })],
  [/^is reading (.+)$/s, (what) => m.doing_reading({ what })],
  [/^is looking at (.+)$/s, (what) => m.doing_looking({ what })],
  [/^is searching for (.+)$/s, (what) => m.doing_searching({ what })],
  [/^is running (.+)$/s, (what) => m.doing_running({ what })],
  [/^is using ([^:]+): (.+)$/s, (tool, what) => m.doing_using_for({ tool, what })],
  [/^is using (.+)$/s, (tool) => m.doing_using({ tool })],
  [/^is waiting for the provider's rate limit$/, () => m.doing_waits_rate()],
  [/^is waiting for the provider$/, () => m.doing_waits_provider()],
  [/^is waiting for the daemon$/, () => m.doing_waits_daemon()],
  [/^is waiting for the keychain to be unlocked$/, () => m.doing_waits_keychain()],
  [/^is on hold$/, () => m.doing_held()],
  [/^is waiting for its turn$/, () => m.doing_waits_turn()],
  [/^is waiting for the founder's answer$/, () => m.doing_waits_answer()],
  [/^is waiting for the account's quota$/, () => m.doing_waits_quota()],
];

const NOTES: typeof DOINGS = [
  [/^Done$/, () => m.note_all_done()],
  [/^(.+) at work$/s, (name) => m.note_at_work({ name })],
  [/^(.+): done$/s, (name) => m.note_done({ name })],
  [/^(.+): not done$/s, (name) => m.note_not_done({ name })],
];

function told(text: string, forms: typeof DOINGS): string {
  if (language === 'en') return text;
  for (const [form, words] of forms) {
    const found = form.exec(text);
    if (found) return words(found[1] ?? '', found[2] ?? '');
  }
  return text;
}

/** What an agent is doing, as the rest of a sentence that begins with its name. */
export function doingOf(text: string): string {
  return told(text, DOINGS);
}

/** How far a job is, beside its step. */
export function noteOf(text: string): string {
  return told(text, NOTES);
}

const LIMITS: Record<string, () => string> = {
  Day: m.limit_day,
  'Day, tokens': m.limit_day_tokens, // not words
  Month: m.limit_month,
  'Month, tokens': m.limit_month_tokens, // not words
  Session: m.limit_session,
  Brief: m.limit_brief,
};

/** What a limit is for. */
export function limitName(name: string): string {
  if (language === 'en') return name;
  const agent = /^(.+) today$/s.exec(name)?.[1];
  if (agent !== undefined) return m.limit_agent_today({ name: agent });
  return Object.hasOwn(LIMITS, name) ? (LIMITS[name]?.() ?? name) : name;
}
