import type { Job, JobDetail } from '$lib/contract/types';

/** What a job's facts have beside its row. */
type Facts = Omit<JobDetail, keyof Job>;

/** A job's facts with a newer row. What the row no longer says (a wait's end, an ETA) is gone from the facts, too. */
export function withRow(detail: JobDetail, row: Job): JobDetail {
  const facts: Facts = {
    directive: detail.directive,
    tokens: detail.tokens,
    cost_by_agent: detail.cost_by_agent,
    events: detail.events,
    files: detail.files,
  };
  if (detail.answer !== undefined) facts.answer = detail.answer;
  if (detail.run !== undefined) facts.run = detail.run;
  return { ...facts, ...row };
}

/** The row in a job's facts. */
export function rowOf(detail: JobDetail): Job {
  const { directive: _d, tokens: _t, cost_by_agent: _c, events: _e, files: _f, answer: _a, run: _r, ...row } = detail;
  return row;
}
