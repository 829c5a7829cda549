/** A line of a unified diff. */
export interface DiffLine {
  readonly kind: 'head' | 'place' | 'added' | 'removed' | 'same' | 'note';
  readonly text: string;
}

/** Lines of a diff that are drawn; a longer one says so. */
export const MAX_DIFF_LINES = 1000;

const HEAD = /^(diff |index |--- |\+\+\+ |new file|deleted file|similarity |rename )/;

/** A unified diff, line by line. Text that is none comes out as it is. */
export function diffLines(diff: string): DiffLine[] {
  const rows: DiffLine[] = [];
  // Only before the first place may a line be a header: after it, "--- x" is a line "-- x" that goes.
  let within = false;
  const lines = diff.replace(/\n$/, '').split('\n');
  for (const line of lines) {
    if (line.startsWith('@@')) {
      within = true;
      rows.push({ kind: 'place', text: line });
    } else if (!within && HEAD.test(line)) rows.push({ kind: 'head', text: line });
    else if (line.startsWith('+')) rows.push({ kind: 'added', text: line.slice(1) });
    else if (line.startsWith('-')) rows.push({ kind: 'removed', text: line.slice(1) });
    else if (line.startsWith(' ') || line === '') rows.push({ kind: 'same', text: line.slice(1) });
    else {
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
