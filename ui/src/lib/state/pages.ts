/**
 * The newest page over rows that were read before, newest first: what lies below it stays, so that nobody who reads
 * further down loses their place. `whole`: the page stands for itself, and the next one begins below it.
 */
export function refreshed<T>(
  page: readonly T[],
  before: readonly T[],
  idOf: (row: T) => number,
  more: boolean,
): { readonly rows: readonly T[]; readonly whole: boolean } {
  const last = page.at(-1);
  if (!more || last === undefined) return { rows: page, whole: true };
  const at = before.findIndex((row) => idOf(row) === idOf(last));
  const below = at < 0 ? [] : before.slice(at + 1);
  return below.length === 0 ? { rows: page, whole: true } : { rows: [...page, ...below], whole: false };
}
