import { m } from '$lib/paraglide/messages';

/** What a first brief could be. */
export const SUGGESTIONS = [m.job_suggest_about(), m.job_suggest_pricing(), m.job_suggest_rivals()];

/** A name that no other brief has, so that a second click sends nothing twice. */
export function freshKey(): string {
  const parts = crypto.getRandomValues(new Uint32Array(4));
  return [...parts].map((part) => part.toString(16).padStart(8, '0')).join('');
}
