/** Marks the words of a search in what is on screen, without touching it: the text stays whose it is. */
const NAME = 'found';
const MAX_RANGES = 500;
/** Characters of an element that are looked through. */
const MAX_TEXT = 200_000;

/** The words of a search as they are looked for: without what only the search itself reads. */
export function wordsOf(query: string): string[] {
  return [...new Set(query.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? [])].filter((word) => word.length > 1);
}

function highlights(): HighlightRegistry | undefined {
  // Not in every web view.
  return (globalThis as { CSS?: { highlights?: HighlightRegistry } }).CSS?.highlights;
}

/** Where the words are in an element's text. */
export function rangesOf(within: Element, words: readonly string[]): Range[] {
  const ranges: Range[] = [];
  if (words.length === 0) return ranges;
  const walker = document.createTreeWalker(within, NodeFilter.SHOW_TEXT);
  let left = MAX_TEXT;
  for (let node = walker.nextNode(); node && left > 0; node = walker.nextNode()) {
    const text = (node.nodeValue ?? '').slice(0, left).toLowerCase();
    left -= text.length;
    // What has another length in small letters has other places, too.
    if (text.length !== Math.min(node.nodeValue?.length ?? 0, left + text.length)) continue;
    for (const word of words) {
      for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
        if (ranges.length >= MAX_RANGES) return ranges;
        const range = document.createRange();
        range.setStart(node, at);
        range.setEnd(node, at + word.length);
        ranges.push(range);
      }
    }
  }
  return ranges;
}

export function markFound(within: Element | undefined, query: string): void {
  const known = highlights();
  if (!known) return;
  const ranges = within ? rangesOf(within, wordsOf(query)) : [];
  if (ranges.length === 0) known.delete(NAME);
  else known.set(NAME, new Highlight(...ranges));
}
