import type { Time } from '$lib/contract/types';
import { dayStart } from './format';

/** What somebody typed as a time to come: when that is, or why it is not taken. */
export type When = { readonly at: Time } | { readonly why: string };

const UNITS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const MORNING = { hours: 9, minutes: 0 };
const EVENING = { hours: 20, minutes: 0 };
/** Nobody plans a brief for later than this; a number with a digit too many does. */
const MAX_DAYS = 366;

const NOT_READ: When = { why: 'Like “14:30”, “tomorrow 9:00”, “Mon 9:00”, “24 Nov 9:00”, or “in 2h”.' };

interface Clock {
  hours: number;
  minutes: number;
}

function clockOf(text: string): Clock | undefined {
  const found = /^(\d{1,2})(?:[:.](\d{2}))?\s*(am|pm)?$/.exec(text);
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

function stretch(text: string): number | undefined {
  const parts = [...text.matchAll(/(\d+(?:[.,]\d+)?)\s*(m|h|d)[a-z]*/g)];
  if (
    parts.length === 0 ||
    parts
      .map((part) => part[0])
      .join('')
      .replace(/\s/g, '') !== text.replace(/\s/g, '')
  )
    return undefined;
  return parts.reduce(
    (sum, [, number = '', unit = '']) => sum + Number(number.replace(',', '.')) * (UNITS[unit] ?? 0),
    0,
  );
}

function read(text: string, now: Time): Time | undefined {
  if (text.startsWith('in ')) {
    const ms = stretch(text.slice(3).trim());
    return ms === undefined ? undefined : now + ms;
  }
  const time = clockOf(text);
  if (time) {
    const today = onDay(now, 0, time);
    return today > now ? today : onDay(now, 1, time);
  }
  const [first = '', ...rest] = text.split(/[\s,]+/);
  const tail = rest.join(' ').replace(/^at /, '');
  const at = (fallback: Clock) => (tail === '' ? fallback : clockOf(tail));
  if (first === 'tonight' || first === 'today') {
    const clock = first === 'tonight' ? at(EVENING) : clockOf(tail);
    return clock && onDay(now, 0, clock);
  }
  if (first === 'tomorrow') {
    const clock = at(MORNING);
    return clock && onDay(now, 1, clock);
  }
  const weekday = first.length >= 3 ? DAYS.indexOf(first.slice(0, 3)) : -1;
  if (weekday >= 0) {
    const clock = at(MORNING);
    if (!clock) return undefined;
    const days = (weekday - new Date(now).getDay() + 7) % 7;
    const soonest = onDay(now, days, clock);
    return soonest > now ? soonest : onDay(now, days + 7, clock);
  }
  const iso = /^(\d{4})-(\d{2})-(\d{2})$/.exec(first);
  if (iso) return onDate(Number(iso[1]), Number(iso[2]) - 1, Number(iso[3]), at(MORNING));
  const month = rest[0] === undefined ? -1 : MONTHS.indexOf(rest[0].slice(0, 3));
  const day = /^\d{1,2}$/.test(first) ? Number(first) : 0;
  if (month < 0 || day < 1) return undefined;
  const words = rest.slice(1).join(' ').replace(/^at /, '');
  const clock = words === '' ? MORNING : clockOf(words);
  const year = new Date(now).getFullYear();
  const soonest = onDate(year, month, day, clock);
  return soonest !== undefined && soonest <= now ? onDate(year + 1, month, day, clock) : soonest;
}

function onDate(year: number, month: number, day: number, clock: Clock | undefined): Time | undefined {
  if (!clock) return undefined;
  const date = new Date(year, month, day, clock.hours, clock.minutes);
  return date.getMonth() === month && date.getDate() === day ? date.getTime() : undefined;
}

/** Reads a time to come as people write it. */
export function parseWhen(text: string, now: Time): When {
  const at = read(text.trim().toLowerCase(), now);
  if (at === undefined || !Number.isFinite(at)) return NOT_READ;
  if (at <= now) return { why: 'That has passed.' };
  if (at > now + MAX_DAYS * 86_400_000) return { why: 'That is more than a year away.' };
  return { at };
}
