import type { CostBasis, Time } from '$lib/contract/types';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function group(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, ',');
}

function two(n: number): string {
  return String(n).padStart(2, '0');
}

/** 41208 as "41,208". */
export function count(n: number): string {
  if (!Number.isFinite(n)) return '–';
  return (n < 0 ? '-' : '') + group(String(Math.abs(Math.round(n))));
}

/** The same where there is little room: 2412000 as "2.4M". */
export function many(n: number): string {
  if (!Number.isFinite(n) || Math.abs(n) < 10_000) return count(n);
  const [unit, name] = n < 999_500 ? [1000, 'k'] : n < 999_500_000 ? [1e6, 'M'] : [1e9, 'B'];
  const value = n / unit;
  return `${value < 99.95 ? String(Number(value.toFixed(1))) : String(Math.round(value))}${name}`;
}

/** 1 as "1 job", 3 as "3 jobs". */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** Dollars as on a bill: cents from ten cents up, four digits below, "N/A" for what is no number. */
export function money(dollars: number): string {
  if (!Number.isFinite(dollars)) return 'N/A';
  if (dollars < 0) return `-${money(-dollars)}`;
  if (dollars === 0) return '$0.00';
  if (dollars >= 0.099995) {
    const [whole = '0', cents = '00'] = dollars.toFixed(2).split('.');
    return `$${group(whole)}.${cents}`;
  }
  return dollars < 0.00005 ? '<$0.0001' : `$${dollars.toFixed(4)}`;
}

/** A limit: whole dollars without cents ("$50"), others with ("$2.50"). */
export function limit(dollars: number): string {
  return Number.isInteger(dollars) ? `$${group(String(dollars))}` : money(dollars);
}

/** What was spent, of a limit where there is one: "$4.18 of $50". */
export function moneyOf(spent: number, max: number): string {
  return max > 0 ? `${money(spent)} of ${limit(max)}` : money(spent);
}

/** A cost, honest where a model took part whose price nobody knows. */
export function cost(dollars: number, basis: CostBasis): string {
  if (basis !== 'unknown') return money(dollars);
  return dollars === 0 ? 'no price' : `${money(dollars)}+`;
}

export type Band = 'none' | 'calm' | 'warn' | 'bad';

/** How near spending is to its limit: warn from 50 %, bad from 80 %; a limit of 0 is none. */
export function band(spent: number, max: number): Band {
  if (!Number.isFinite(spent) || !(max > 0)) return 'none';
  const part = spent / max;
  return part >= 0.8 ? 'bad' : part >= 0.5 ? 'warn' : 'calm';
}

/** `part` of `whole` in percent, cut to 0–100, for bars. */
export function share(part: number, whole: number): number {
  if (!(whole > 0) || !Number.isFinite(part)) return 0;
  return Math.min(100, Math.max(0, (part / whole) * 100));
}

/** As `share`, but what has begun shows: an empty bar looks broken. */
export function begun(part: number, whole: number): number {
  return Math.max(3, share(part, whole));
}

/** A result in a line, in quotes unless it quotes somebody itself; without the marks of Markdown. */
export function quoted(text: string): string {
  const plain = text
    .replace(/^\s*(#{1,6}|[-*>])\s+/, '')
    .replace(/\*\*|__|`/g, '')
    .trim();
  return /["“”„«»]/.test(plain) ? plain : `“${plain}”`;
}

/** A stretch of time as people say it: "840ms" below a second where asked for, "41s", "6m 12s", "2h 05m", "3d 4h". */
export function duration(ms: number, options: { fine?: boolean } = {}): string {
  if (!Number.isFinite(ms)) return '–';
  const positive = Math.max(0, ms);
  if (options.fine && positive < 1000) return `${Math.round(positive)}ms`;
  if (options.fine && positive < 9950) return `${(positive / 1000).toFixed(1)}s`;
  const seconds = Math.floor(positive / 1000);
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${two(seconds % 60)}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}h ${two(minutes % 60)}m`;
  return `${Math.floor(hours / 24)}d ${hours % 24}h`;
}

/** The same in one unit, for narrow places: "41s", "6m", "2h", "3d". */
export function durationShort(ms: number): string {
  return duration(ms).split(' ')[0] ?? '';
}

/** "08:41". */
export function clock(at: Time): string {
  const date = new Date(at);
  return `${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** "08:41:02". */
export function clockExact(at: Time): string {
  return `${clock(at)}:${two(new Date(at).getSeconds())}`;
}

/** The first millisecond of the local day. */
export function dayStart(at: Time): Time {
  const date = new Date(at);
  date.setHours(0, 0, 0, 0);
  return date.getTime();
}

/** "08:41" today, "yesterday 08:41", "17 Nov 08:41", "17 Nov 2025". */
export function moment(at: Time, now: Time): string {
  const today = dayStart(now);
  if (at >= today) return clock(at);
  if (at >= dayStart(today - 1)) return `yesterday ${clock(at)}`;
  const date = new Date(at);
  const day = `${date.getDate()} ${MONTHS[date.getMonth()] ?? ''}`;
  return date.getFullYear() === new Date(now).getFullYear() ? `${day} ${clock(at)}` : `${day} ${date.getFullYear()}`;
}

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const DAY_MS = 86_400_000;

/** A time to come: "14:00" today, "tomorrow 09:00", "Tue 09:00" within the week, "24 Nov 09:00", "3 Jan 2027 09:00". */
export function upcoming(at: Time, now: Time): string {
  const today = dayStart(now);
  const date = new Date(at);
  const days = Math.round((dayStart(at) - today) / DAY_MS);
  if (days <= 0) return clock(at);
  if (days === 1) return `tomorrow ${clock(at)}`;
  if (days < 7) return `${WEEKDAYS[date.getDay()] ?? ''} ${clock(at)}`;
  const day = `${date.getDate()} ${MONTHS[date.getMonth()] ?? ''}`;
  return date.getFullYear() === new Date(now).getFullYear()
    ? `${day} ${clock(at)}`
    : `${day} ${date.getFullYear()} ${clock(at)}`;
}

/** How long until then: "42s", "3m 20s", "2h 05m"; empty once it has come. */
export function countdown(at: Time, now: Time): string {
  // A second that has begun still counts: "0s" would stand for a whole one.
  return at > now ? duration(Math.ceil((at - now) / 1000) * 1000) : '';
}

/** When it will be done, in the words of somebody who does not know exactly; empty once that has passed. */
export function left(eta: Time | undefined, now: Time): string {
  if (eta === undefined || !(eta > now)) return '';
  const minutes = Math.round((eta - now) / 60_000);
  if (minutes < 1) return 'less than a minute left';
  if (minutes < 60) return `about ${minutes} min left`;
  // Nobody knows it to the minute any more.
  const five = Math.round(minutes / 5) * 5;
  if (five < 24 * 60) return `about ${Math.floor(five / 60)} h${five % 60 ? ` ${five % 60} min` : ''} left`;
  return `about ${plural(Math.round(minutes / (24 * 60)), 'day')} left`;
}

/** "just now", "12s ago", "5m ago". */
export function ago(at: Time, now: Time): string {
  const ms = now - at;
  return ms < 1000 ? 'just now' : `${durationShort(ms)} ago`;
}

/** "2026-11-20" as "20 Nov". */
export function dayName(day: string): string {
  const [, month, date] = day.split('-').map(Number);
  return month && date ? `${date} ${MONTHS[month - 1] ?? ''}` : day;
}

export function greeting(now: Time): string {
  const hour = new Date(now).getHours();
  if (hour < 5) return 'Good night';
  if (hour < 12) return 'Good morning';
  return hour < 18 ? 'Good afternoon' : 'Good evening';
}

/** Bytes as "312 kB". */
export function bytes(n: number): string {
  if (!Number.isFinite(n) || n < 0) return '–';
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = n;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit] ?? ''}`;
}
