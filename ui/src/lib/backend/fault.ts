import { m } from '$lib/paraglide/messages';
import type { Fault } from './backend';

function isFault(value: unknown): value is Fault {
  return typeof value === 'object' && value !== null && 'code' in value && 'message' in value;
}

/** Whatever was thrown, as an error that can be shown. */
export function asFault(thrown: unknown): Fault {
  if (isFault(thrown)) return { ...thrown, fix: thrown.fix ?? '' };
  const message = thrown instanceof Error ? thrown.message : typeof thrown === 'string' ? thrown : m.shell_fault();
  return { code: 'internal', kind: 'internal', message, fix: m.shell_fault_fix(), retryable: true };
}
