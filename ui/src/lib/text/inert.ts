/*
 * What agents wrote as Markdown, such that a viewer of a copy loads nothing from the net: the daemon's exports have the
 * same (`export/inert.rs`). Viewers differ, and the text is hostile: what is not certainly code is made harmless.
 */

/** What begins or ends a fence: its marks, and what stands behind them. */
const FENCE = /^\s*(`{3,}|~{3,})(.*)$/s;
/** A part of a line: an escape, marks of code, the beginning of an image or of a tag. */
const PART = /\\[!-/:-@[-`{-~]|`+|!(?=\[)|<(?=[A-Za-z/!?])/g;

function fence(line: string): { readonly marks: string; readonly rest: string } | undefined {
  const [, marks, rest = ''] = FENCE.exec(line) ?? [];
  return marks === undefined || (marks.startsWith('`') && rest.includes('`')) ? undefined : { marks, rest };
}

/** Where code ends that as many marks opened, behind those that close it. */
function spanEnd(line: string, from: number, long: number): number | undefined {
  const runs = /`+/g;
  runs.lastIndex = from;
  for (let run = runs.exec(line); run; run = runs.exec(line)) if (run[0].length === long) return runs.lastIndex;
  return undefined;
}

/** A line outside of fences. `code`: whether marks of code in it are certainly such; gives whether those of the next are. */
function told(line: string, code: boolean): { readonly text: string; readonly code: boolean } {
  let text = '';
  let done = 0;
  let certain = code;
  const parts = new RegExp(PART);
  for (let part = parts.exec(line); part; part = parts.exec(line)) {
    const [found] = part;
    if (found.startsWith('`')) {
      const end = certain ? spanEnd(line, parts.lastIndex, found.length) : undefined;
      // What ends on another line, or spans the cells of a table, may be no code at all.
      if (end === undefined || line.slice(part.index, end).includes('|')) certain = false;
      else parts.lastIndex = end;
    } else if (!found.startsWith('\\')) {
      text += `${line.slice(done, part.index)}\\`;
      done = part.index;
    }
  }
  return { text: text + line.slice(done), code: certain };
}

/** The text with its images as links and its tags as text. Code in fences, and code within one line, stays as it is. */
export function inert(text: string): string {
  const out: string[] = [];
  let open: string | undefined;
  let code = true;
  for (const line of text.replace(/^[\r\n]+|[\r\n]+$/g, '').split(/\r\n|\r|\n/)) {
    const found = fence(line);
    if (open !== undefined) {
      const ends = found?.marks.startsWith(open) === true && found.rest.trim() === '';
      out.push(ends ? found.marks : line);
      if (ends) [open, code] = [undefined, true];
    } else if (found) {
      open = found.marks;
      // Further in, it might end with the list around it; here, it ends by its like only.
      out.push(line.trimStart());
    } else {
      const shown = told(line, code || /^[ \t]*$/.test(line));
      out.push(shown.text);
      code = shown.code;
    }
  }
  if (open !== undefined) out.push(open);
  return out.join('\n').trimEnd();
}
