import type { CostBasis, Time } from '$lib/contract/types';
import { customs } from '$lib/locale';
import { m } from '$lib/paraglide/messages';

/*
 * Numbers, money, dates and times as this system's people write them. What Intl makes is made once: making it is what
 * costs, and a list has thousands of figures.
 */

const MONEY = { style: 'currency', currency: 'USD', currencyDisplay: 'narrowSymbol' } as const;
const WHOLE = new Intl.NumberFormat(customs, { maximumFractionDigits: 0 });
const ONE_DIGIT = new Intl.NumberFormat(customs, { maximumFractionDigits: 1 });
const TENTHS = new Intl.NumberFormat(customs, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const CENTS = new Intl.NumberFormat(customs, { ...MONEY, minimumFractionDigits: 2, maximumFractionDigits: 2 });
const SMALL = new Intl.NumberFormat(customs, { ...MONEY, minimumFractionDigits: 4, maximumFractionDigits: 4 });
const DOLLARS = new Intl.NumberFormat(customs, { ...MONEY, minimumFractionDigits: 0, maximumFractionDigits: 0 });

const PERCENT = new Intl.NumberFormat(customs, { style: 'percent', maximumFractionDigits: 0 });

// "08:41", but "8:41 AM".
const HOUR = new Intl.DateTimeFormat(customs, { hour: 'numeric' }).resolvedOptions().hour12 ? 'numeric' : '2-digit';
const TIME = new Intl.DateTimeFormat(customs, { hour: HOUR, minute: '2-digit' });
const TIME_EXACT = new Intl.DateTimeFormat(customs, { hour: HOUR, minute: '2-digit', second: '2-digit' });
const DAY = new Intl.DateTimeFormat(customs, { day: 'numeric', month: 'short' });
const DAY_OF_YEAR = new Intl.DateTimeFormat(customs, { day: 'numeric', month: 'short', year: 'numeric' });
const WEEKDAY = new Intl.DateTimeFormat(customs, { weekday: 'short' });

function two(n: number): string {
  return String(n).padStart(2, '0');
}

/** 41208 as "41,208". */
export function count(n: number): string {
  if (!Number.isFinite(n)) return '–';
  // Not "-0".
  return WHOLE.format(Math.round(n) || 0);
}

/** The same where there is little room: 2412000 as "2.4M". */
export function many(n: number): string {
  if (!Number.isFinite(n) || Math.abs(n) < 10_000) return count(n);
  const [unit, name] =
    n < 999_500 ? [1000, m.unit_thousand] : n < 999_500_000 ? [1e6, m.unit_million] : [1e9, m.unit_billion];
  const value = n / unit;
  return name({ n: value < 99.95 ? ONE_DIGIT.format(value) : WHOLE.format(value) });
}

/** Dollars as on a bill: cents from ten cents up, four digits below, "N/A" for what is no number. */
export function money(dollars: number): string {
  if (!Number.isFinite(dollars)) return m.not_a_number();
  const size = Math.abs(dollars);
  if (size === 0 || size >= 0.099995) return CENTS.format(dollars || 0);
  return size < 0.00005 ? `<${SMALL.format(0.0001)}` : SMALL.format(dollars);
}

/** A limit: whole dollars without cents ("$50"), others with ("$2.50"). */
export function limit(dollars: number): string {
  return Number.isInteger(dollars) ? DOLLARS.format(dollars) : money(dollars);
}

/** What was spent, of a limit where there is one: "$4.18 of $50". */
export function moneyOf(spent: number, max: number): string {
  return max > 0 ? m.money_of({ spent: money(spent), max: limit(max) }) : money(spent);
}

/** A cost, honest where a model took part whose price nobody knows. */
export function cost(dollars: number, basis: CostBasis): string {
  if (basis !== 'unknown') return money(dollars);
  return dollars === 0 ? m.no_price() : `${money(dollars)}+`;
}

/** A part in percent, cut to 0–100 by its caller: 64 as "64%". */
export function percent(value: number): string {
  return PERCENT.format(value / 100);
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
  return /["“”„«»]/.test(plain) ? plain : m.quoted({ text: plain });
}

interface Stretch {
  readonly first: string;
  readonly whole: string;
}

function stretch(ms: number, fine: boolean): Stretch {
  const same = (words: string): Stretch => ({ first: words, whole: words });
  if (!Number.isFinite(ms)) return same('–');
  const positive = Math.max(0, ms);
  if (fine && positive < 1000) return same(m.time_ms({ n: Math.round(positive) }));
  if (fine && positive < 9950) return same(m.time_s({ s: TENTHS.format(positive / 1000) }));
  const s = Math.floor(positive / 1000);
  if (s < 60) return same(m.time_s({ s }));
  const min = Math.floor(s / 60);
  if (min < 60) return { first: m.time_m({ m: min }), whole: m.time_m_s({ m: min, s: two(s % 60) }) };
  const h = Math.floor(min / 60);
  if (h < 24) return { first: m.time_h({ h }), whole: m.time_h_m({ h, m: two(min % 60) }) };
  const d = Math.floor(h / 24);
  return { first: m.time_d({ d }), whole: m.time_d_h({ d, h: h % 24 }) };
}

/** A stretch of time as people say it: "840ms" below a second where asked for, "41s", "6m 12s", "2h 05m", "3d 4h". */
export function duration(ms: number, options: { fine?: boolean } = {}): string {
  return stretch(ms, options.fine ?? false).whole;
}

/** The same in one unit, for narrow places: "41s", "6m", "2h", "3d". */
export function durationShort(ms: number): string {
  return stretch(ms, false).first;
}

/** "08:41". */
export function clock(at: Time): string {
  return TIME.format(at);
}

/** "08:41:02". */
export function clockExact(at: Time): string {
  return TIME_EXACT.format(at);
}

/** The first millisecond of the local day. */
export function dayStart(at: Time): Time {
  const date = new Date(at);
  date.setHours(0, 0, 0, 0);
  return date.getTime();
}

function sameYear(at: Time, now: Time): boolean {
  return new Date(at).getFullYear() === new Date(now).getFullYear();
}

/** "08:41" today, "yesterday 08:41", "17 Nov 08:41", "17 Nov 2025". */
export function moment(at: Time, now: Time): string {
  const today = dayStart(now);
  if (at >= today) return clock(at);
  if (at >= dayStart(today - 1)) return m.moment_yesterday({ time: clock(at) });
  return sameYear(at, now) ? m.moment_on({ day: DAY.format(at), time: clock(at) }) : DAY_OF_YEAR.format(at);
}

/** "17 Nov 2025", whatever day it is. */
export function wholeDate(at: Time): string {
  return DAY_OF_YEAR.format(at);
}

const DAY_MS = 86_400_000;

/** A time to come: "14:00" today, "tomorrow 09:00", "Tue 09:00" within the week, "24 Nov 09:00", "3 Jan 2027 09:00". */
export function upcoming(at: Time, now: Time): string {
  const days = Math.round((dayStart(at) - dayStart(now)) / DAY_MS);
  const time = clock(at);
  if (days <= 0) return time;
  if (days === 1) return m.moment_tomorrow({ time });
  const day = days < 7 ? WEEKDAY : sameYear(at, now) ? DAY : DAY_OF_YEAR;
  return m.moment_on({ day: day.format(at), time });
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
  if (minutes < 1) return m.left_moment();
  if (minutes < 60) return m.left_minutes({ n: minutes });
  // Nobody knows it to the minute any more.
  const five = Math.round(minutes / 5) * 5;
  const [hours, over] = [Math.floor(five / 60), five % 60];
  if (five < 24 * 60) return over ? m.left_hours_minutes({ h: hours, m: over }) : m.left_hours({ h: hours });
  return m.left_days({ count: Math.round(minutes / (24 * 60)) });
}

/** "just now", "12s ago", "5m ago". */
export function ago(at: Time, now: Time): string {
  const ms = now - at;
  return ms < 1000 ? m.ago_now() : m.ago({ time: durationShort(ms) });
}

/** "2026-11-20" as "20 Nov". */
export function dayName(day: string): string {
  const [year, month, date] = day.split('-').map(Number);
  return year && month && date ? DAY.format(new Date(year, month - 1, date)) : day;
}

export function greeting(now: Time): string {
  const hour = new Date(now).getHours();
  if (hour < 5) return m.greeting_night();
  if (hour < 12) return m.greeting_morning();
  return hour < 18 ? m.greeting_afternoon() : m.greeting_evening();
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
  return `${(unit === 0 || value >= 100 ? WHOLE : TENTHS).format(value)} ${units[unit] ?? ''}`;
}
