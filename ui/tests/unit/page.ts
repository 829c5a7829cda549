import { flushSync, tick } from 'svelte';

/** What a founder finds on the page. Throws where it is not there. */
export function part<T extends HTMLElement = HTMLElement>(css: string, within: ParentNode = document): T {
  const found = within.querySelector<T>(css);
  if (!found) throw new Error(`nothing is ${css}; the page shows: ${document.body.textContent}`);
  return found;
}

/** A button by the words on it, or by its name for screen readers. */
export function button(words: string, within: ParentNode = document): HTMLButtonElement {
  const all = [...within.querySelectorAll<HTMLButtonElement>('button')];
  const found = all.find((row) => row.textContent?.trim() === words || row.getAttribute('aria-label') === words);
  if (!found)
    throw new Error(`no button “${words}”; there are: ${all.map((row) => row.textContent?.trim()).join(', ')}`);
  return found;
}

/** The text of something, with its white space as it is seen. */
export function text(css = 'body', within: ParentNode = document): string {
  return (part(css, within).textContent ?? '').replace(/\s+/g, ' ').trim();
}

export function type(field: HTMLInputElement | HTMLTextAreaElement, words: string): void {
  field.value = words;
  field.dispatchEvent(new Event('input', { bubbles: true }));
  flushSync();
}

export function press(field: HTMLElement, key: string, init: KeyboardEventInit = {}): void {
  field.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...init }));
  flushSync();
}

/** Lets what was asked of the backend come back, and be drawn. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 12; i += 1) await Promise.resolve();
  await tick();
  flushSync();
}
