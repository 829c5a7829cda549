import { structuredPatch } from 'diff';

/** Lines around a change that stay in sight. */
const CONTEXT = 3;
/** Steps of the comparison, at most; past them the texts stand one after the other. */
const MAX_EDITS = 2000;

/** Two texts as a unified diff without a header. For texts of a tool call, which have no line numbers of a file. */
export function compare(before: string, after: string): string {
  const patch = structuredPatch('', '', before, after, '', '', {
    context: CONTEXT,
    maxEditLength: MAX_EDITS,
    timeout: 400,
  }) as ReturnType<typeof structuredPatch> | undefined;
  if (!patch) return [...lines('-', before), ...lines('+', after)].join('\n');
  const many = patch.hunks.length > 1;
  return patch.hunks
    .flatMap((hunk) => [
      ...(many ? [`@@ -${hunk.oldStart},${hunk.oldLines} +${hunk.newStart},${hunk.newLines} @@`] : []),
      ...hunk.lines.filter((line) => !line.startsWith('\\')),
    ])
    .join('\n');
}

function lines(sign: string, text: string): string[] {
  return text === ''
    ? []
    : text
        .replace(/\n$/, '')
        .split('\n')
        .map((line) => sign + line);
}
