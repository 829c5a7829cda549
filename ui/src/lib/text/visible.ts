import { m } from '$lib/paraglide/messages';

/** A stretch of a text: as it is, or a character that nobody would see, by its name. */
export type Stretch = { readonly text: string; readonly hidden: boolean };

/**
 * What changes how a line looks without being seen itself: controls (but line breaks and tabs), marks that turn the
 * direction of writing, spaces without a width, and tags. Where the daemon has put their numbers in their place
 * ("⟨U+202E⟩", "⟨10000 blanks⟩"), those.
 */
const HIDDEN =
  // eslint-disable-next-line no-control-regex, no-misleading-character-class -- each of them is looked for by itself
  /⟨(U\+[0-9A-F]{4,6}|\d+ (?:blanks|line ends))⟩|[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffc\u{e0000}-\u{e0fff}]/gu;

/** So many blanks, or line ends, push what follows out of sight. */
const RUNS = /([^\S\n])\1{16,}|\n{5,}/gu;
/** Code is indented: at the start of a line more is usual. */
const INDENTED = 200;

/** Marks that stand out by themselves, at most. */
const MAX_STRETCHES = 400;

/** What stands for a run of blanks or line ends, in the page's language; others are their own name. */
function told(name: string): string {
  const [, n, what] = /^(\d+) (blanks|line ends)$/.exec(name) ?? [];
  if (n === undefined) return name;
  return what === 'blanks' ? m.job_blanks({ n }) : m.job_line_ends({ n });
}

function named(found: string): string {
  return found.startsWith('⟨')
    ? found
    : `⟨U+${(found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`;
}

/** Texts of agents are hostile: a command that one is asked about is shown as what it is, not as what it looks like. */
export function visible(text: string): Stretch[] {
  const stretches: Stretch[] = [];
  let from = 0;
  for (const found of text.matchAll(HIDDEN)) {
    if (stretches.length >= MAX_STRETCHES) {
      // So many are no text that is read mark by mark: the rest of them stands between brackets.
      stretches.push({ text: text.slice(from).replace(HIDDEN, named), hidden: false });
      return stretches;
    }
    if (found.index > from) stretches.push({ text: text.slice(from, found.index), hidden: false });
    const code = found[0].codePointAt(0) ?? 0;
    const name = found[1] ?? `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
    stretches.push({ text: told(name), hidden: true });
    from = found.index + found[0].length;
  }
  if (from < text.length) stretches.push({ text: text.slice(from), hidden: false });
  return stretches;
}

/** Whether something in a text would not be seen. */
export function hasHidden(text: string): boolean {
  HIDDEN.lastIndex = 0;
  const found = HIDDEN.test(text);
  HIDDEN.lastIndex = 0;
  return found;
}

/** A text with long runs of blanks and line ends counted ("⟨10000 blanks⟩"), as the daemon does with what is asked. */
export function withoutRuns(text: string): string {
  return text.replace(RUNS, (run: string, _blank: string | undefined, at: number) => {
    if (run.startsWith('\n')) return `⟨${run.length} line ends⟩\n`; // as the daemon writes it: not words
    const leads = at === 0 || text[at - 1] === '\n';
    return leads && run.length <= INDENTED ? run : `⟨${run.length} blanks⟩`;
  });
}

/** Whether a text is seen as what it is: most lines of most texts are, and need nothing made visible. */
export function isPlain(text: string): boolean {
  return !hasHidden(text) && withoutRuns(text) === text;
}

/** The same as one text: "npm⟨U+202E⟩". */
export function visibleText(text: string): string {
  return visible(text)
    .map((stretch) => (stretch.hidden ? `⟨${stretch.text}⟩` : stretch.text))
    .join('');
}

/** Where the words of a search are in a text: stretches that are hits, and those between. */
export function marked(text: string, search: string): { readonly text: string; readonly hit: boolean }[] {
  const words = search
    .trim()
    .split(/\s+/)
    .filter(Boolean)
    .map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    // The longest that fits is the hit.
    .sort((a, b) => b.length - a.length);
  if (words.length === 0) return text === '' ? [] : [{ text, hit: false }];
  return text
    .split(new RegExp(`(${words.join('|')})`, 'giu'))
    .map((part, i) => ({ text: part, hit: i % 2 === 1 }))
    .filter((part) => part.text !== '');
}
