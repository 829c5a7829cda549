import type { Origin, Question, QuestionId } from '$lib/contract/types';
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
  cli: 'from the terminal',
  desk: 'in the window',
  quick: 'in Quick brief',
  notification: 'on the notification',
  timeout: 'by nobody in time',
  client: 'from another program',
};

const FOR = { job: 'this job', agent: 'this agent', company: 'the company' };

/** "Answered from the terminal: “Ship it”", "Denied on the notification: “not on a Friday”". */
export function closedWords({
  answer,
  by,
  leave = false,
}: Pick<Closed, 'answer' | 'by'> & { leave?: boolean }): string {
  if (answer === undefined || by === undefined) return 'Nobody waits for the answer any more: the job has ended.';
  const decision = leave ? decisionOf(answer) : undefined;
  if (!decision) return `Answered ${ANSWERED_FROM[by]}: “${answer}”`;
  if (by === 'timeout') return 'Denied: nobody answered in time.';
  if (!decision.allow) return `Denied ${ANSWERED_FROM[by]}${decision.reason ? `: “${decision.reason}”` : '.'}`;
  return `Allowed ${ANSWERED_FROM[by]}${decision.always ? `, always for ${FOR[decision.always]}` : ''}.`;
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
  decision: 'asks',
  limit: 'has reached a limit',
  loop: 'goes in circles',
  approval: 'asks for leave',
};
