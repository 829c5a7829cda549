/** Stands in a sentence for what is drawn in its place; no sentence has it. */
const MARK = '\u{fffc}';

/**
 * A sentence with a place for what is no plain text, a field, a link, a word in bold: what stands before it and what
 * after it, which differs by language.
 */
export function around(say: (mark: string) => string): readonly [before: string, after: string] {
  const [before = '', ...after] = say(MARK).split(MARK);
  return [before, after.join('')];
}
