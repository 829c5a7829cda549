/** What a first brief could be. */
export const SUGGESTIONS = [
  'Write a 180-word company description and save it to docs/about.md',
  'Draft the Q1 pricing page and have finance check the margins',
  'List our five closest competitors and what each does better',
];

/** A name that no other brief has, so that a second click sends nothing twice. */
export function freshKey(): string {
  const parts = crypto.getRandomValues(new Uint32Array(4));
  return [...parts].map((part) => part.toString(16).padStart(8, '0')).join('');
}
