import type { Time } from '$lib/contract/types';
import { m } from '$lib/paraglide/messages';
import { dayStart } from './format';

/*
 * A time to come, as people write it: in English and in German, whatever language the page has, since many write in
 * both.
 */

/** What somebody typed as a time to come: when that is, or why it is not taken. */
export type When = { readonly at: Time } | { readonly why: string };

interface Clock {
  readonly hours: number;
  readonly minutes: number;
}

const MINUTE = 60_000;
const UNITS: readonly (readonly [RegExp, number])[] = [
  [/^(m|min|mins|minutes?|minuten)$/, MINUTE],
  [/^(h|hr|hrs|hours?|std|stunden?)$/, 60 * MINUTE],
  [/^(d|days?|tage?|tagen)$/, 24 * 60 * MINUTE],
  [/^(w|weeks?|wochen?)$/, 7 * 24 * 60 * MINUTE],
];
/** Sunday first, as `Date` counts; each by its beginning. */
const DAYS = [
  ['sunday', 'sonntag'],
  ['monday', 'montag'],
  ['tuesday', 'dienstag'],
  ['wednesday', 'mittwoch'],
  ['thursday', 'donnerstag'],
  ['friday', 'freitag'],
  ['saturday', 'samstag', 'sonnabend'],
];
const SHORT_DAYS = ['so', 'mo', 'di', 'mi', 'do', 'fr', 'sa'];
const MONTHS = [
  ['january', 'januar'],
  ['february', 'februar'],
  ['march', 'märz', 'maerz'],
  ['april'],
  ['may', 'mai'],
  ['june', 'juni'],
  ['july', 'juli'],
  ['august'],
  ['september'],
  ['october', 'oktober'],
  ['november'],
  ['december', 'dezember'],
];
const MORNING: Clock = { hours: 9, minutes: 0 };
const EVENING: Clock = { hours: 20, minutes: 0 };
const PARTS = new Map<string, Clock>([
  ...['morning', 'früh', 'frueh', 'vormittag'].map((word) => [word, MORNING] as const),
  ...['noon', 'mittag'].map((word) => [word, { hours: 12, minutes: 0 }] as const),
  ...['afternoon', 'nachmittag'].map((word) => [word, { hours: 15, minutes: 0 }] as const),
  ...['evening', 'abend'].map((word) => [word, EVENING] as const),
]);
/** Days from today. */
const NEAR = new Map([
  ['today', 0],
  ['heute', 0],
  ['tomorrow', 1],
  ['morgen', 1],
  ['übermorgen', 2],
  ['uebermorgen', 2],
]);
/** Words that say nothing: "on Monday at 9:00", "am Montag um 9:00". */
const EMPTY = new Set(['at', 'on', 'um', 'am', 'and', 'und']);
/** Nobody plans a brief for later than this; a number with a digit too many does. */
const MAX_DAYS = 366;

/** Which of several words it begins, where it is long enough to tell. */
function indexOf(words: readonly (readonly string[])[], text: string): number {
  const begin = text.replace(/\.$/, '');
  return begin.length < 3 ? -1 : words.findIndex((names) => names.some((name) => name.startsWith(begin)));
}

function clockOf(words: readonly string[]): Clock | undefined {
  const [text = '', ...more] = words;
  if (more.length > 0) return undefined;
  const part = PARTS.get(text);
  if (part) return part;
  const found = /^(\d{1,2})(?:[:.](\d{2}))?(am|pm)?$/.exec(text);
  if (!found || (found[2] === undefined && found[3] === undefined)) return undefined;
  let hours = Number(found[1]);
  const minutes = Number(found[2] ?? 0);
  if (found[3] !== undefined) {
    if (hours < 1 || hours > 12) return undefined;
    hours = (hours % 12) + (found[3] === 'pm' ? 12 : 0);
  }
  return hours < 24 && minutes < 60 ? { hours, minutes } : undefined;
}

/** The day `days` after today at that time, whatever the clocks do that night. */
function onDay(now: Time, days: number, { hours, minutes }: Clock): Time {
  const date = new Date(dayStart(now));
  date.setDate(date.getDate() + days);
  date.setHours(hours, minutes, 0, 0);
  return date.getTime();
}

/** "2h", "1 h 30 min", "einer Stunde" in milliseconds. */
function stretch(words: readonly string[]): number | undefined {
  const text = words.join(' ').replace(/^(an?|one|einer?|einem) /, '1 ');
  const part = /^(\d{1,9}(?:[.,]\d{1,9})?)\s*([a-z]+)\.?\s*/;
  let [rest, sum] = [text, 0];
  while (rest !== '') {
    const found = part.exec(rest);
    const unit = UNITS.find(([names]) => names.test(found?.[2] ?? ''));
    if (!found || !unit) return undefined;
    sum += Number((found[1] ?? '').replace(',', '.')) * unit[1];
    rest = rest.slice(found[0].length);
  }
  return text === '' ? undefined : sum;
}

function onDate(year: number, month: number, day: number, { hours, minutes }: Clock): Time | undefined {
  const date = new Date(year, month, day, hours, minutes);
  return date.getMonth() === month && date.getDate() === day ? date.getTime() : undefined;
}

/** A day of the calendar at the beginning of what was typed, and what comes after it. */
function dateOf(words: readonly string[]): { year?: number; month: number; day: number; rest: string[] } | undefined {
  const [first = '', second = '', ...others] = words;
  const iso = /^(\d{4})-(\d{2})-(\d{2})$/.exec(first);
  if (iso) return { year: Number(iso[1]), month: Number(iso[2]) - 1, day: Number(iso[3]), rest: words.slice(1) };
  const dotted = /^(\d{1,2})\.(\d{1,2})\.(\d{4})?$/.exec(first);
  if (dotted) {
    const year = dotted[3] === undefined ? {} : { year: Number(dotted[3]) };
    return { ...year, month: Number(dotted[2]) - 1, day: Number(dotted[1]), rest: words.slice(1) };
  }
  const isDay = (word: string) => /^\d{1,2}\.?$/.test(word);
  // "24 Nov" and "Nov 24".
  const [number, name] = isDay(first) ? [first, second] : [second, first];
  const [day, month] = [parseInt(number, 10), indexOf(MONTHS, name)];
  if (month < 0 || !isDay(number)) return undefined;
  return /^\d{4}$/.test(others[0] ?? '')
    ? { year: Number(others[0]), month, day, rest: others.slice(1) }
    : { month, day, rest: others };
}

function read(text: string, now: Time): Time | undefined {
  const plain = text
    .replace(/\b(\d{1,2}) ?uhr (\d{2})\b/, '$1:$2')
    .replace(/\b(\d{1,2}[:.]\d{2}) ?uhr\b/, '$1')
    .replace(/\b(\d{1,2}) ?uhr\b/, '$1:00')
    .replace(/\b(\d{1,2}(?:[:.]\d{2})?) (am|pm)\b/, '$1$2');
  const words = plain.split(/\s+|,(?!\d)\s*/).filter((word) => word !== '' && !EMPTY.has(word));
  const [first = '', ...rest] = words;
  if (first === 'in') {
    const ms = stretch(rest);
    return ms === undefined ? undefined : now + ms;
  }
  const time = clockOf(words);
  if (time) {
    const today = onDay(now, 0, time);
    return today > now ? today : onDay(now, 1, time);
  }
  const at = (left: readonly string[], usual: Clock | undefined) => (left.length === 0 ? usual : clockOf(left));
  if (first === 'tonight') {
    const clock = at(rest, EVENING);
    return clock && onDay(now, 0, clock);
  }
  const near = NEAR.get(first);
  if (near !== undefined) {
    const clock = at(rest, near === 0 ? undefined : MORNING);
    return clock && onDay(now, near, clock);
  }
  const short = SHORT_DAYS.indexOf(first.replace(/\.$/, ''));
  const weekday = short >= 0 ? short : indexOf(DAYS, first);
  if (weekday >= 0) {
    const clock = at(rest, MORNING);
    if (!clock) return undefined;
    const days = (weekday - new Date(now).getDay() + 7) % 7;
    const soonest = onDay(now, days, clock);
    return soonest > now ? soonest : onDay(now, days + 7, clock);
  }
  const date = dateOf(words);
  const clock = date && at(date.rest, MORNING);
  if (!date || !clock) return undefined;
  if (date.year !== undefined) return onDate(date.year, date.month, date.day, clock);
  const year = new Date(now).getFullYear();
  const soonest = onDate(year, date.month, date.day, clock);
  return soonest !== undefined && soonest <= now ? onDate(year + 1, date.month, date.day, clock) : soonest;
}

/** Reads a time to come as people write it. */
export function parseWhen(text: string, now: Time): When {
  const at = read(text.normalize('NFC').trim().toLowerCase(), now);
  if (at === undefined || !Number.isFinite(at)) return { why: m.desk_when_how() };
  if (at <= now) return { why: m.desk_when_passed() };
  if (at > now + MAX_DAYS * 24 * 60 * MINUTE) return { why: m.desk_when_far() };
  return { at };
}
