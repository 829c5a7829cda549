import type { JobDetail } from '$lib/contract/types';
import { ANSWERED_FROM } from '$lib/state/questions';
import type { Row } from '$lib/state/rows';
import { inputParts } from '$lib/state/tool-view';
import { clip, withoutAnsi } from './clip';
import { clockExact, cost, duration, moment, money } from './format';
import { engineName, roleName, STATE_NAMES } from './names';

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

function head(row: Row, told: string): string {
  const at = row.kind === 'tail' ? '' : ` ${clockExact(row.at)}`;
  return `**${plain(roleName(row.agent))}**${at}${told ? ` ${told}` : ''}`;
}

function block(...parts: (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part.trim() !== '').join('\n\n');
}

/** One line of the transcript as Markdown. */
export function rowMarkdown(row: Row, most = Infinity): string {
  switch (row.kind) {
    case 'message':
    case 'tail':
      return block(head(row, ''), row.text.trim());
    case 'thinking':
      return block(head(row, 'thinks'), fenced(row.text));
    case 'tool': {
      const told = [
        `\`${row.tool.replaceAll('`', '')}\``,
        plain(clip(row.subject, 300)),
        row.state === 'running'
          ? 'runs'
          : `(${[row.summary, row.duration === undefined ? '' : duration(row.duration, { fine: true })].filter(Boolean).map(plain).join(', ')})`,
      ];
      const inputs = inputParts(row.tool, row.subject, row.input).map((part) => {
        if (part.kind === 'code') return fenced(clip(part.text, most), part.language);
        if (part.kind === 'diff') return fenced(clip(part.diff, most), 'diff');
        if (part.kind === 'edit')
          return block('Before:', fenced(clip(part.before, most)), 'After:', fenced(clip(part.after, most)));
        return '';
      });
      const output = withoutAnsi(row.output);
      const cut = output.length > most ? `${clip(output, most)}\n…` : output;
      return block(head(row, told.filter(Boolean).join(' ')), ...inputs, output.trim() ? fenced(cut) : undefined);
    }
    case 'delegation': {
      const paid = row.cost ? `, ${money(row.cost)}` : '';
      const took = row.duration === undefined ? '' : ` (${duration(row.duration, { fine: true })}${paid})`;
      return block(
        head(row, `gives work to ${plain(roleName(row.to))}${took}`),
        row.task ? fenced(row.task) : undefined,
        row.summary ? `${row.state === 'ok' ? 'Done' : 'Not done'}: ${plain(row.summary)}` : undefined,
      );
    }
    case 'waiting':
      return head(row, `waits: ${plain(row.detail)}`);
    case 'retry':
      return head(row, `tries again: ${plain(row.reason)}`);
    case 'notice':
      return head(row, plain(row.text));
    case 'error':
      return head(row, `${plain(row.error.message)} ${plain(row.error.fix)}`.trim());
    case 'question':
      return block(
        head(row, `asks: ${plain(row.text)}`),
        row.approval ? fenced(row.approval.action) : undefined,
        row.answer === undefined
          ? undefined
          : `Answered${row.by === undefined || row.by === 'desk' ? '' : ` ${ANSWERED_FROM[row.by]}`}: ${plain(row.answer)}`,
      );
    case 'follow-up':
      return block(head(row, 'adds'), fenced(row.text));
    case 'journal':
      return block(head(row, 'writes in the journal'), fenced(row.text));
    case 'engine':
      return head(row, `works with ${plain(engineName(row.engine, row.engineAgent))} ${plain(row.version)}`.trim());
    case 'files':
      return block(
        head(row, 'found changed'),
        row.changes.map((change) => `- ${plain(change.path)} (+${change.added} −${change.removed})`).join('\n'),
      );
    case 'hold':
      return head(row, row.held ? 'Put on hold' : 'Goes on');
    case 'exit':
      return block(head(row, row.outcome), row.result?.trim());
  }
}

/** A job as Markdown: its facts, the brief, the answer, and what happened as far as `rows` tell. */
export function jobMarkdown(job: JobDetail, rows: readonly Row[], now: number, cut: boolean): string {
  const facts = [
    `State: ${STATE_NAMES[job.state]}`,
    `Began: ${moment(job.started_at ?? job.created_at, now)}`,
    ...(job.finished_at !== undefined && job.started_at !== undefined
      ? [`Took: ${duration(job.finished_at - job.started_at)}`]
      : []),
    `Engine: ${plain(engineName(job.engine, job.engine_agent))}`,
    `Cost: ${cost(job.cost_usd, job.cost_basis)}`,
  ];
  return `${block(
    `# Job ${job.job_id}: ${plain(job.title)}`,
    facts.map((fact) => `- ${fact}`).join('\n'),
    '## Brief',
    fenced(job.directive),
    ...(job.answer ? ['## Answer', job.answer.trim()] : []),
    '## What happened',
    cut ? '(The first part of it. An export has all.)' : undefined,
    ...rows.map((row) => rowMarkdown(row, MAX_OUTPUT)),
  )}\n`;
}
