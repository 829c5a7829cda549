import { SvelteMap } from 'svelte/reactivity';
import { handedOn, handOn } from '$lib/again';
import { backend, type Fault } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import type { Origin, Question, QuestionId } from '$lib/contract/types';
import { closedBy, type Closed } from '$lib/state/questions';

/** How long a question that somebody else answered stays on screen. */
const STAYS_MS = 12_000;

const DRAFTS = 'answers';

/** Answers that were begun, as far as they are what they should be. */
function begun(handed: unknown): [QuestionId, string][] {
  if (!Array.isArray(handed)) return [];
  return handed.filter(
    (row): row is [QuestionId, string] =>
      Array.isArray(row) && typeof row[0] === 'number' && typeof row[1] === 'string',
  );
}

/** The founder's answers: what is being written, sent, or was refused. Two places that show a question share it. */
class Answers {
  readonly drafts = new SvelteMap<QuestionId, string>(begun(handedOn(DRAFTS)));
  /** Questions whose answer is on its way: they stay on screen, though the daemon may say first that they are closed. */
  readonly sending = new SvelteMap<QuestionId, Question>();
  readonly faults = new SvelteMap<QuestionId, Fault>();
  /** Questions that closed while they were on screen. */
  readonly closed = new SvelteMap<QuestionId, Closed>();
  /** Those that this window answered: that they are gone needs no word. */
  readonly #own = new Set<QuestionId>();

  /** Answers a question. True where the answer counts. */
  async send(question: Question, answer: string, origin: Origin): Promise<boolean> {
    const id = question.question_id;
    const text = answer.trim();
    if (text === '' || this.sending.has(id) || this.closed.has(id)) return false;
    this.sending.set(id, question);
    this.faults.delete(id);
    try {
      this.#own.add(id);
      await backend().call('question.answer', { question_id: id, answer: text, origin });
      this.drafts.delete(id);
      this.#close({ question, answer: text, by: origin });
      return true;
    } catch (thrown) {
      const fault = asFault(thrown);
      if (fault.code === 'question.closed') this.#close(closedBy(question, fault.data));
      else {
        this.#own.delete(id);
        this.faults.set(id, fault);
      }
      return false;
    } finally {
      this.sending.delete(id);
    }
  }

  /** Questions that were on screen and are not open any more: who was first is looked up, once. */
  async gone(questions: readonly Question[]): Promise<void> {
    for (const question of questions) {
      const id = question.question_id;
      if (this.#own.has(id) || this.closed.has(id)) continue;
      try {
        const page = await backend().call('question.list', { job_id: question.job_id, open: false, limit: 50 });
        const now = page.questions.find((row) => row.question_id === id);
        if (now?.closed_at !== undefined) this.#close(closedBy(now, now));
      } catch (thrown) {
        this.faults.set(id, asFault(thrown));
      }
    }
  }

  #close(closed: Closed): void {
    const id = closed.question.question_id;
    this.closed.set(id, closed);
    setTimeout(() => {
      this.closed.delete(id);
      this.drafts.delete(id);
      this.#own.delete(id);
    }, STAYS_MS);
  }
}

export const answers = new Answers();
handOn(DRAFTS, () => [...answers.drafts]);
