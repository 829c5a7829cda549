import type { Origin, Question, QuestionId } from '$lib/contract/types';
import { m } from '$lib/paraglide/messages';
import { decisionOf } from './decision';

/** What became of a question that the founder was looking at. */
export interface Closed {
  readonly question: Question;
  readonly answer: string | undefined;
  readonly by: Origin | undefined;
}

/** Questions on screen: those that are open, and for a while those that have just been closed, in the order in which they were asked. */
export function onScreen(
  open: readonly Question[],
  closed: ReadonlyMap<QuestionId, Closed>,
  job?: number,
): { readonly question: Question; readonly closed: Closed | undefined }[] {
  const rows = open.map((question) => ({ question, closed: closed.get(question.question_id) }));
  const known = new Set(open.map((question) => question.question_id));
  for (const row of closed.values())
    if (!known.has(row.question.question_id)) rows.push({ question: row.question, closed: row });
  return rows
    .filter(({ question }) => job === undefined || question.job_id === job)
    .sort((a, b) => a.question.asked_at - b.question.asked_at || a.question.question_id - b.question.question_id);
}

/** From which door an answer came. */
export const ANSWERED_FROM: Record<Origin, string> = {
  cli: m.desk_from_cli(),
  desk: m.desk_from_desk(),
  quick: m.desk_from_quick(),
  notification: m.desk_from_notification(),
  timeout: m.desk_from_timeout(),
  client: m.desk_from_client(),
};

const ALLOWED = {
  job: m.desk_closed_allowed_job,
  agent: m.desk_closed_allowed_agent,
  company: m.desk_closed_allowed_company,
};

/** "Answered from the terminal: “Ship it”", "Denied on the notification: “not on a Friday”". */
export function closedWords({
  answer,
  by,
  leave = false,
}: Pick<Closed, 'answer' | 'by'> & { leave?: boolean }): string {
  if (answer === undefined || by === undefined) return m.desk_closed_ended();
  const from = ANSWERED_FROM[by];
  const decision = leave ? decisionOf(answer) : undefined;
  if (!decision) return m.desk_closed_answered({ from, answer });
  if (by === 'timeout') return m.desk_closed_timeout();
  const { allow, always, reason: why } = decision;
  if (!allow) return why ? m.desk_closed_denied_why({ from, why }) : m.desk_closed_denied({ from });
  return always ? ALLOWED[always]({ from }) : m.desk_closed_allowed({ from });
}

/** A question that is closed by an answer, as the refusal of another one tells it. */
export function closedBy(question: Question, data: unknown): Closed {
  const told = (typeof data === 'object' && data !== null ? data : {}) as { answer?: unknown; answered_by?: unknown };
  const by = told.answered_by;
  return {
    question,
    answer: typeof told.answer === 'string' ? told.answer : undefined,
    by: typeof by === 'string' && Object.hasOwn(ANSWERED_FROM, by) ? (by as Origin) : undefined,
  };
}

/** What it asks for, in a word. */
export const ASK_NAMES: Record<Question['ask'], string> = {
  decision: m.desk_ask_decision(),
  limit: m.desk_ask_limit(),
  loop: m.desk_ask_loop(),
  approval: m.desk_ask_approval(),
};
