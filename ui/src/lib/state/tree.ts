import type { Seq } from '$lib/contract/types';
import type { Row } from './rows';

/** A line of the transcript as a tree: an event, or in place of a delegation's head that is further up its name. */
export type Line =
  | {
      readonly kind: 'row';
      readonly key: string;
      readonly row: Row;
      /** Rows below it that are folded away. */
      readonly hidden: number;
      /** Whether somebody writes in what is folded away right now. */
      readonly busy: boolean;
      readonly folded: boolean;
    }
  | {
      readonly kind: 'rest';
      readonly key: string;
      readonly span: string;
      readonly agent: string;
      readonly depth: number;
      readonly hidden: number;
      readonly busy: boolean;
    };

/**
 * Rows with the delegations of `folded` folded away. Where the head of one is not among these rows, because it is further
 * up than what was read, a line stands for it: what is folded is never without a way to unfold it.
 */
export function toLines(rows: readonly Row[], folded: ReadonlySet<string>): Line[] {
  const lines: Line[] = [];
  const heads = new Map<string, number>();
  for (const row of rows) {
    const depth = row.within.findIndex((span) => folded.has(span));
    const span = row.within[depth];
    if (span === undefined) {
      const isHead = row.kind === 'delegation';
      if (isHead) heads.set(row.span, lines.length);
      lines.push({ kind: 'row', key: row.key, row, hidden: 0, busy: false, folded: isHead && folded.has(row.span) });
      continue;
    }
    const at = heads.get(span);
    const head = at === undefined ? undefined : lines[at];
    const busy = row.kind === 'tail';
    if (at !== undefined && head) lines[at] = { ...head, hidden: head.hidden + 1, busy: head.busy || busy };
    else {
      heads.set(span, lines.length);
      lines.push({ kind: 'rest', key: `rest/${span}`, span, agent: row.agent, depth, hidden: 1, busy });
    }
  }
  return lines;
}

/** Every delegation that these rows know of. */
export function spansOf(rows: readonly Row[]): string[] {
  const spans = new Set<string>();
  for (const row of rows) {
    if (row.kind === 'delegation') spans.add(row.span);
    for (const span of row.within) spans.add(span);
  }
  return [...spans];
}

/** The row that an event is part of, or where it has none, the next one. */
export function rowOfSeq(rows: readonly Row[], seq: Seq): Row | undefined {
  return (
    rows.find((row) => row.seq === seq || row.last === seq) ??
    rows.find((row) => row.seq !== undefined && row.seq > seq) ??
    rows.findLast((row) => row.seq !== undefined)
  );
}

/** Where the line of a row is; that of what it is folded away in, where it is. */
export function lineOfRow(lines: readonly Line[], row: Row): number {
  return lines.findIndex(
    (line) =>
      line.key === row.key ||
      (line.kind === 'rest' && row.within.includes(line.span)) ||
      (line.kind === 'row' && line.folded && line.row.kind === 'delegation' && row.within.includes(line.row.span)),
  );
}
