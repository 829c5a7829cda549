import type { Origin, Question, QuestionId } from '$lib/contract/types';

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

const ELSEWHERE: Record<Origin, string> = {
  cli: 'from the terminal',
  desk: 'in the window',
  quick: 'in Quick brief',
  client: 'from another program',
};

/** "Answered from the terminal: “Ship it”". */
export function closedWords({ answer, by }: Pick<Closed, 'answer' | 'by'>): string {
  if (answer === undefined || by === undefined) return 'Nobody waits for the answer any more: the job has ended.';
  return `Answered ${ELSEWHERE[by]}: “${answer}”`;
}

/** A question that is closed by an answer, as the refusal of another one tells it. */
export function closedBy(question: Question, data: unknown): Closed {
  const told = (typeof data === 'object' && data !== null ? data : {}) as { answer?: unknown; answered_by?: unknown };
  const by = told.answered_by;
  return {
    question,
    answer: typeof told.answer === 'string' ? told.answer : undefined,
    by: by === 'cli' || by === 'desk' || by === 'quick' || by === 'client' ? by : undefined,
  };
}

/** What it asks for, in a word. */
export const ASK_NAMES: Record<Question['ask'], string> = {
  decision: 'asks',
  limit: 'has reached a limit',
  loop: 'goes in circles',
};
