import type { Time } from '$lib/contract/types';
import { customs } from '$lib/locale';
import { m } from '$lib/paraglide/messages';
import { dayStart } from './format';

/* Days as headings and as ranges. A day is a local one, written "2026-11-20" where it goes to the daemon. */

const SHORT = { day: 'numeric', month: 'short' } as const;
const HEADING = new Intl.DateTimeFormat(customs, { ...SHORT, weekday: 'short' });
const OF_YEAR = new Intl.DateTimeFormat(customs, { ...SHORT, year: 'numeric' });
const IN_YEAR = new Intl.DateTimeFormat(customs, SHORT);

function yearOf(at: Time): number {
  return new Date(at).getFullYear();
}

function start(day: string): Time | undefined {
  const [year, month, date] = day.split('-').map(Number);
  return year && month && date ? new Date(year, month - 1, date).getTime() : undefined;
}

/** The heading over what is of one day: "Today", "Yesterday", "Tue 17 Nov", "17 Nov 2025". */
export function dayTitle(at: Time, now: Time): string {
  const today = dayStart(now);
  if (at >= today) return m.jobs_today();
  if (at >= dayStart(today - 1)) return m.jobs_yesterday();
  return (yearOf(at) === yearOf(now) ? HEADING : OF_YEAR).format(at);
}

/** "2026-11-20" as "20 Nov 2026". */
export function dayInFull(day: string): string {
  const at = start(day);
  return at === undefined ? day : OF_YEAR.format(at);
}

/** Two days as a range: "1–20 Nov", "22 Oct – 20 Nov", "3 Dec 2025 – 4 Jan 2026"; one day where both are the same. */
export function dayRange(from: string, to: string, now: Time): string {
  const [first, last] = [start(from), start(to)];
  if (first === undefined || last === undefined || first > last) return `${from} – ${to}`;
  const thisYear = yearOf(first) === yearOf(now) && yearOf(last) === yearOf(now);
  return (thisYear ? IN_YEAR : OF_YEAR).formatRange(first, last);
}
