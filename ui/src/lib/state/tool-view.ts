import { m } from '$lib/paraglide/messages';
import { withoutAnsi } from '$lib/text/clip';
import { imagesIn, type Picture } from '$lib/text/images';
import { languageOf } from '$lib/text/languages';

/** How a part of a tool call is shown. */
export type ToolPart =
  | { readonly kind: 'code'; readonly label: string; readonly text: string; readonly language: string }
  /** Two texts, of which the difference is shown. */
  | { readonly kind: 'edit'; readonly label: string; readonly before: string; readonly after: string }
  | { readonly kind: 'diff'; readonly label: string; readonly diff: string }
  | { readonly kind: 'images'; readonly label: string; readonly images: readonly Picture[] };

const SHELLS = new Set(['Bash', 'Shell', 'RunCommand', 'Command', 'shell', 'exec_command', 'run_shell_command']); // not words
/** Edits of one call that are shown, at most. */
const MAX_EDITS = 40;
/** Longer texts are not looked at for what they are. */
const MAX_LOOKED_AT = 512 * 1024;

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

function words(fields: Fields, ...names: string[]): string | undefined {
  for (const name of names) if (typeof fields[name] === 'string') return fields[name] as string;
  return undefined;
}

/** Whether a text is a unified diff. */
export function isDiff(text: string): boolean {
  return text.length <= MAX_LOOKED_AT && /^@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@/m.test(text);
}

/** Shell tools: their subject is the command, and their output is looked at first. */
export function isShell(tool: string): boolean {
  return SHELLS.has(tool);
}

function edits(fields: Fields): { before: string; after: string }[] {
  const before = words(fields, 'old_string', 'old', 'oldText');
  const after = words(fields, 'new_string', 'new', 'newText');
  if (before !== undefined && after !== undefined) return [{ before, after }];
  if (!Array.isArray(fields.edits)) return [];
  return fields.edits.slice(0, MAX_EDITS).flatMap((edit) => edits(fieldsOf(edit) ?? {}));
}

/** What a tool was called with. */
export function inputParts(tool: string, subject: string, input: unknown): ToolPart[] {
  if (typeof input === 'string') {
    if (input.trim() === '') return [];
    if (isDiff(input)) return [{ kind: 'diff', label: m.job_what_it_changes(), diff: input }];
    return [{ kind: 'code', label: m.job_input(), text: input, language: '' }];
  }
  const fields = fieldsOf(input);
  if (!fields) {
    const text = input === undefined || input === null ? '' : JSON.stringify(input, null, 2);
    return text === '' ? [] : [{ kind: 'code', label: m.job_input(), text, language: 'json' }];
  }
  const names = Object.keys(fields);
  if (names.length === 0) return [];
  const path = words(fields, 'file_path', 'path', 'filePath', 'file') ?? subject;
  const changed = edits(fields);
  if (changed.length > 0)
    return changed.map((edit, i) => ({
      kind: 'edit',
      label: changed.length > 1 ? m.job_edit_of({ n: i + 1, total: changed.length }) : path,
      ...edit,
    }));
  const patch = words(fields, 'patch', 'diff', 'unified_diff');
  if (patch !== undefined && isDiff(patch)) return [{ kind: 'diff', label: path, diff: patch }];
  const command = words(fields, 'command', 'cmd');
  if (command !== undefined && (isShell(tool) || names.length <= 3))
    return [{ kind: 'code', label: m.job_command(), text: command, language: 'bash' }];
  const content = words(fields, 'content', 'contents', 'new_source');
  if (content !== undefined && path !== '')
    return [{ kind: 'code', label: path, text: content, language: languageOf(path) }];
  const told = names.filter((name) => fields[name] !== undefined && fields[name] !== null);
  // What it is about stands in its line already.
  if (told.length === 1 && fields[told[0] ?? ''] === subject) return [];
  return [{ kind: 'code', label: m.job_input(), text: JSON.stringify(input, null, 2), language: 'json' }];
}

/** What came back from it. */
export function outputParts(tool: string, subject: string, output: string): ToolPart[] {
  if (output.trim() === '') return [];
  const { images, rest } = imagesIn(output);
  const parts: ToolPart[] = images.length > 0 ? [{ kind: 'images', label: m.job_pictures(), images }] : [];
  const text = withoutAnsi(rest);
  if (text.trim() === '') return parts;
  if (isDiff(text)) return [...parts, { kind: 'diff', label: m.job_output(), diff: text }];
  const language = /^(read|view|cat|open)/i.test(tool) ? languageOf(subject) : isJson(text) ? 'json' : '';
  return [...parts, { kind: 'code', label: m.job_output(), text, language }];
}

function isJson(text: string): boolean {
  const start = text.trimStart()[0];
  if ((start !== '{' && start !== '[') || text.length > MAX_LOOKED_AT) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
