/** A name of somebody else's inside a sentence of ours: whichever way it is written, the sentence keeps its own. */
export function isolated(name: string): string {
  return `\u2068${name}\u2069`;
}
