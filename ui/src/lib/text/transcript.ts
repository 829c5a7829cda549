import type { JobDetail } from '$lib/contract/types';
import { m } from '$lib/paraglide/messages';
import { ANSWERED_FROM } from '$lib/state/questions';
import type { Row } from '$lib/state/rows';
import { inputParts } from '$lib/state/tool-view';
import { clip, withoutAnsi } from './clip';
import { clockExact, cost, duration, moment, money } from './format';
import { inert } from './inert';
import { engineName, roleName, STATE_NAMES } from './names';

/** More of a text in one line is never seen. */
export const MAX_LINE = 600;
/** What is longer stands below a call: beside it, it would push the call itself out of sight. */
export const MAX_TOLD = 32;
/** Of an agent's name. */
const MAX_NAME = 80;

/** Room for a time to the second, in pixels: "16:48:22" here, "04:48:22 PM" there. */
export const TIME_WIDTH = Math.max(58, Math.ceil(clockExact(0).length * 6.7));

/** An agent's name as a row has room for it. */
export function shortName(role: string): string {
  return roleName(clip(role, MAX_NAME));
}

/** What a row is, for those who hear it. */
export const ROW_NAMES: Record<Row['kind'], (values: { who: string }) => string> = {
  message: m.job_row_message,
  thinking: m.job_row_thinking,
  tail: m.job_row_tail,
  tool: m.job_row_tool,
  delegation: m.job_row_delegation,
  waiting: m.job_row_waiting,
  notice: m.job_row_notice,
  error: m.job_row_error,
  exit: m.job_row_exit,
  retry: m.job_row_retry,
  question: m.job_row_question,
  'follow-up': m.job_row_follow_up,
  journal: m.job_row_journal,
  engine: m.job_row_engine,
  files: m.job_row_files,
  hold: m.job_row_hold,
};

/** Of a tool's output, in a copy of a whole job. */
const MAX_OUTPUT = 20_000;

/** A text between fences that nothing in it closes. */
export function fenced(text: string, language = ''): string {
  const longest = (text.match(/`{3,}/g) ?? []).reduce((most, run) => Math.max(most, run.length), 2);
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${text.replace(/\n$/, '')}\n${fence}`;
}

/** In one line, with nothing that Markdown reads as its own. */
function plain(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/([\\`*_[\]<>])/g, '\\$1');
}

/** Who, in bold, and when. */
function who(row: Row): string {
  const at = row.kind === 'tail' ? '' : ` ${clockExact(row.at)}`;
  return `**${plain(roleName(row.agent))}**${at}`;
}

function block(...parts: (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part.trim() !== '').join('\n\n');
}

/** One line of the transcript as Markdown, in the page's language. */
export function rowMarkdown(row: Row, most = Infinity): string {
  const head = who(row);
  switch (row.kind) {
    case 'message':
    case 'tail':
      return block(head, inert(row.text));
    case 'thinking':
      return block(m.job_md_thinks({ who: head }), fenced(row.text));
    case 'tool': {
      const took = row.duration === undefined ? '' : duration(row.duration, { fine: true });
      const told = [
        head,
        `\`${row.tool.replace(/[`\s]+/g, ' ').trim()}\``,
        plain(clip(row.subject, 300)),
        row.state === 'running' ? m.job_md_runs() : `(${[row.summary, took].filter(Boolean).map(plain).join(', ')})`,
      ];
      const inputs = inputParts(row.tool, row.subject, row.input).map((part) => {
        if (part.kind === 'code') return fenced(clip(part.text, most), part.language);
        if (part.kind === 'diff') return fenced(clip(part.diff, most), 'diff');
        if (part.kind === 'edit')
          return block(
            m.job_md_before(),
            fenced(clip(part.before, most)),
            m.job_md_after(),
            fenced(clip(part.after, most)),
          );
        return '';
      });
      const output = withoutAnsi(row.output);
      const cut = output.length > most ? `${clip(output, most)}\n…` : output;
      return block(told.filter(Boolean).join(' '), ...inputs, output.trim() ? fenced(cut) : undefined);
    }
    case 'delegation': {
      const paid = row.cost ? `, ${money(row.cost)}` : '';
      const took = row.duration === undefined ? '' : ` (${duration(row.duration, { fine: true })}${paid})`;
      const came = row.state === 'ok' ? m.job_md_done : m.job_md_not_done;
      return block(
        `${m.job_md_gives_work({ who: head, to: plain(roleName(row.to)) })}${took}`,
        row.task ? fenced(row.task) : undefined,
        row.summary ? came({ summary: plain(row.summary) }) : undefined,
      );
    }
    case 'waiting':
      return m.job_md_waits({ who: head, why: plain(row.detail) });
    case 'retry':
      return m.job_md_tries_again({ who: head, why: plain(row.reason) });
    case 'notice':
      return `${head} ${plain(row.text)}`;
    case 'error':
      return `${head} ${plain(row.error.message)} ${plain(row.error.fix)}`.trim();
    case 'question':
      return block(
        m.job_md_asks({ who: head, text: plain(row.text) }),
        row.approval ? fenced(row.approval.action) : undefined,
        row.answer === undefined
          ? undefined
          : row.by === undefined || row.by === 'desk'
            ? m.job_md_answered({ answer: plain(row.answer) })
            : m.job_md_answered_from({ from: ANSWERED_FROM[row.by], answer: plain(row.answer) }),
      );
    case 'follow-up':
      return block(m.job_md_adds({ who: head }), fenced(row.text));
    case 'journal':
      return block(m.job_md_journal({ who: head }), fenced(row.text));
    case 'engine': {
      const engine = `${plain(engineName(row.engine, row.engineAgent))} ${plain(row.version)}`.trim();
      return m.job_md_works_with({ who: head, engine });
    }
    case 'files':
      return block(
        m.job_md_found_changed({ who: head }),
        row.changes.map((change) => `- ${plain(change.path)} (+${change.added} −${change.removed})`).join('\n'),
      );
    case 'hold':
      return (row.held ? m.job_md_held : m.job_md_goes_on)({ who: head });
    case 'exit':
      return block(
        { completed: m.job_md_completed, failed: m.job_md_failed, cancelled: m.job_md_cancelled }[row.outcome]({
          who: head,
        }),
        row.result && inert(row.result),
      );
  }
}

/** A job as Markdown: its facts, the brief, the answer, and what happened as far as `rows` tell. */
export function jobMarkdown(job: JobDetail, rows: readonly Row[], now: number, cut: boolean): string {
  const facts = [
    m.job_md_state({ state: STATE_NAMES[job.state] }),
    m.job_md_began({ at: moment(job.started_at ?? job.created_at, now) }),
    ...(job.finished_at !== undefined && job.started_at !== undefined
      ? [m.job_md_took({ time: duration(job.finished_at - job.started_at) })]
      : []),
    m.job_md_engine({ engine: plain(engineName(job.engine, job.engine_agent)) }),
    m.job_md_cost({ cost: cost(job.cost_usd, job.cost_basis) }),
  ];
  return `${block(
    `# ${m.job_md_title({ id: job.job_id, title: plain(job.title) })}`,
    facts.map((fact) => `- ${fact}`).join('\n'),
    `## ${m.job_md_brief()}`,
    fenced(job.directive),
    ...(job.answer ? [`## ${m.job_md_answer()}`, inert(job.answer)] : []),
    `## ${m.job_md_happened()}`,
    cut ? m.job_md_cut() : undefined,
    ...rows.map((row) => rowMarkdown(row, MAX_OUTPUT)),
  )}\n`;
}
