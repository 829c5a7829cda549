import type { CostRow, Time } from '$lib/contract/types';
import { customs } from '$lib/locale';
import { dayStart } from '$lib/text/format';

export type SortKey = 'label' | 'calls' | 'input' | 'output' | 'cost_usd' | 'basis';

export interface Sort {
  readonly key: SortKey;
  readonly down: boolean;
}

/** All that went in, cached or not. */
export function inputOf(row: CostRow): number {
  return row.tokens.input + row.tokens.cache_read + row.tokens.cache_write;
}

function value(row: CostRow, key: SortKey): string | number {
  if (key === 'input') return inputOf(row);
  if (key === 'output') return row.tokens.output;
  return row[key];
}

export function sorted(rows: readonly CostRow[], { key, down }: Sort): CostRow[] {
  const compare = (a: CostRow, b: CostRow): number => {
    const [x, y] = [value(a, key), value(b, key)];
    return typeof x === 'number' && typeof y === 'number'
      ? x - y
      : String(x).localeCompare(String(y), customs, { numeric: true });
  };
  return [...rows].sort((a, b) => (down ? compare(b, a) : compare(a, b)) || a.key.localeCompare(b.key));
}

/** Which days a report is about, both included. */
export interface Range {
  readonly since: string;
  readonly until: string;
}

/** Days that a chart and a report show, at most. */
export const MAX_DAYS = 366;

/** A local day ("2026-11-20"). */
export function dayOf(at: Time): string {
  const date = new Date(at);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** The last `days` days, today included. */
export function lastDays(days: number, now: Time): Range {
  const first = new Date(dayStart(now));
  first.setDate(first.getDate() - (days - 1));
  return { since: dayOf(first.getTime()), until: dayOf(now) };
}

export function thisMonth(now: Time): Range {
  return { since: `${dayOf(now).slice(0, 7)}-01`, until: dayOf(now) };
}

/** Every day of a range, oldest first; none where it ends before it begins, and never more than `MAX_DAYS`. */
export function daysOf({ since, until }: Range): string[] {
  const days: string[] = [];
  const [year = 0, month = 1, day = 1] = since.split('-').map(Number);
  const date = new Date(year, month - 1, day);
  while (days.length < MAX_DAYS) {
    const name = dayOf(date.getTime());
    if (!(name <= until)) break;
    days.push(name);
    date.setDate(date.getDate() + 1);
  }
  return days;
}

/** A bar for every day of the range, also for those on which nothing was spent. */
export function perDay(
  rows: readonly CostRow[],
  range: Range,
): { readonly day: string; readonly row: CostRow | undefined }[] {
  const known = new Map(rows.map((row) => [row.key, row]));
  return daysOf(range).map((day) => ({ day, row: known.get(day) }));
}
