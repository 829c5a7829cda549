import { highlight, isHighlightable } from './highlight';
import { languageNamed } from './languages';

/** Gives a block of code on screen its colours, by the language that its class names. */
export async function colour(code: HTMLElement): Promise<void> {
  const language = languageNamed(/^language-(\S+)$/.exec(code.className)?.[1] ?? '');
  const text = code.textContent ?? '';
  if (!isHighlightable(text, language)) return;
  const lines = await highlight(text, language);
  // Another text may stand there by now.
  if (!lines || code.textContent !== text) return;
  const all = document.createDocumentFragment();
  lines.forEach((line, i) => {
    if (i > 0) all.append('\n');
    for (const token of line) {
      if (token.colour === undefined) {
        all.append(token.text);
        continue;
      }
      const span = document.createElement('span');
      span.style.color = token.colour;
      span.textContent = token.text;
      all.append(span);
    }
  });
  code.replaceChildren(all);
}
