/** A line of a unified diff. */
export interface DiffLine {
  readonly kind: 'head' | 'place' | 'added' | 'removed' | 'same' | 'note';
  readonly text: string;
  /** Its number in the file before and after, where the diff says. */
  readonly before?: number | undefined;
  readonly after?: number | undefined;
}

/** A line of a diff side by side: what was beside what is. One of the two where it stands over both. */
export interface DiffPair {
  readonly before: DiffLine | undefined;
  readonly after: DiffLine | undefined;
  /** A header, a place or a note: over both sides. */
  readonly over: DiffLine | undefined;
}

/** Lines of a diff that are drawn; a longer one says so. */
export const MAX_DIFF_LINES = 1000;

const PLACE = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/;
const HEAD = /^(diff |index |--- |\+\+\+ |new file|deleted file|similarity |rename )/;

/** A unified diff, line by line. Text that is none comes out as it is. */
export function diffLines(diff: string): DiffLine[] {
  const rows: DiffLine[] = [];
  // Only before the first place may a line be a header: after it, "--- x" is a line "-- x" that goes.
  let within = false;
  let before: number | undefined;
  let after: number | undefined;
  const next = (n: number | undefined) => (n === undefined ? undefined : n + 1);
  const lines = diff.replace(/\n$/, '').split('\n');
  for (const line of lines) {
    if (line.startsWith('@@')) {
      within = true;
      const place = PLACE.exec(line);
      before = place ? Number(place[1]) : undefined;
      after = place ? Number(place[2]) : undefined;
      rows.push({ kind: 'place', text: line });
    } else if (!within && HEAD.test(line)) rows.push({ kind: 'head', text: line });
    else if (line.startsWith('+')) {
      rows.push({ kind: 'added', text: line.slice(1), after });
      after = next(after);
    } else if (line.startsWith('-')) {
      rows.push({ kind: 'removed', text: line.slice(1), before });
      before = next(before);
    } else if (line.startsWith(' ') || line === '') {
      rows.push({ kind: 'same', text: line.slice(1), before, after });
      before = next(before);
      after = next(after);
    } else {
      if (HEAD.test(line)) within = false;
      rows.push({ kind: 'note', text: line });
    }
  }
  return rows;
}

/** How many lines come, and how many go. */
export function diffCounts(rows: readonly DiffLine[]): { readonly added: number; readonly removed: number } {
  return {
    added: rows.filter((row) => row.kind === 'added').length,
    removed: rows.filter((row) => row.kind === 'removed').length,
  };
}

/** The same side by side: lines that go beside those that come in their place. */
export function diffPairs(rows: readonly DiffLine[]): DiffPair[] {
  const pairs: DiffPair[] = [];
  let removed: DiffLine[] = [];
  let added: DiffLine[] = [];
  const settle = () => {
    for (let i = 0; i < Math.max(removed.length, added.length); i += 1)
      pairs.push({ before: removed[i], after: added[i], over: undefined });
    removed = [];
    added = [];
  };
  for (const row of rows) {
    if (row.kind === 'removed') {
      if (added.length > 0) settle();
      removed.push(row);
    } else if (row.kind === 'added') added.push(row);
    else {
      settle();
      pairs.push(
        row.kind === 'same'
          ? { before: row, after: row, over: undefined }
          : { before: undefined, after: undefined, over: row },
      );
    }
  }
  settle();
  return pairs;
}
