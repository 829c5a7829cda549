import type { Act } from '$lib/contract/types';

/** Bytes of what a rule is about: an act with more is named by its fingerprint, which nobody writes by hand. */
export const MAX_SUBJECT_BYTES = 2000;

/** The host of an address, with its port where that is not the usual one; none where it is no address of the web. */
function host(address: string): string | undefined {
  try {
    return new URL(address).host || undefined;
  } catch {
    return undefined;
  }
}

/**
 * What a rule of that kind is about, from what was typed: the text itself, letter for letter, but an address of the web
 * counts by its host, as it does for those who ask.
 */
export function subjectOf(act: Act, typed: string): string {
  const text = typed.trim();
  if (/^https?:\/\//i.test(text) && (act === 'network' || act === 'publish')) return host(text) ?? text;
  // A host as one says it: "Docs.rs", "docs.rs/serde".
  if (act === 'network' && /^[^\s/]+\.[^\s/]+(\/\S*)?$/.test(text)) return host(`https://${text}`) ?? text;
  return text;
}

export type SubjectFault = 'empty' | 'long';

/** Why there is no rule about that; none where there is. */
export function subjectFault(subject: string): SubjectFault | undefined {
  if (subject === '') return 'empty';
  return new TextEncoder().encode(subject).length > MAX_SUBJECT_BYTES ? 'long' : undefined;
}
