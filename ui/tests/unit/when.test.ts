import { describe, expect, it } from 'vitest';
import { around } from '$lib/text/around';
import { readNumber, typedNumber } from '$lib/text/number';
import { parseWhen } from '$lib/text/when';

const at = (text: string) => new Date(text).getTime();
/** A Friday. */
const NOW = at('2026-11-20T10:00:00');

describe('a time that somebody types', () => {
  it.each([
    ['morgen 9:00', '2026-11-21T09:00:00'],
    ['Morgen', '2026-11-21T09:00:00'],
    ['morgen um 14 Uhr', '2026-11-21T14:00:00'],
    ['morgen früh', '2026-11-21T09:00:00'],
    ['morgen Abend', '2026-11-21T20:00:00'],
    ['übermorgen 8.15', '2026-11-22T08:15:00'],
    ['heute 14 Uhr', '2026-11-20T14:00:00'],
    ['heute Abend', '2026-11-20T20:00:00'],
    ['14 Uhr 30', '2026-11-20T14:30:00'],
    ['14:30 Uhr', '2026-11-20T14:30:00'],
    ['um 9 Uhr', '2026-11-21T09:00:00'],
    ['Mo 9:00', '2026-11-23T09:00:00'],
    ['Mo. 9:00 Uhr', '2026-11-23T09:00:00'],
    ['am Montag um 9 Uhr', '2026-11-23T09:00:00'],
    ['Do', '2026-11-26T09:00:00'],
    ['Fr 11:00', '2026-11-20T11:00:00'],
    ['Sonnabend', '2026-11-21T09:00:00'],
    ['24. Nov 9:00', '2026-11-24T09:00:00'],
    ['24. November um 9 Uhr', '2026-11-24T09:00:00'],
    ['1. März', '2027-03-01T09:00:00'],
    ['3. Dez. 7:05', '2026-12-03T07:05:00'],
    ['24.11. 9:00', '2026-11-24T09:00:00'],
    ['24.11.', '2026-11-24T09:00:00'],
    ['3.1.2027 16:00', '2027-01-03T16:00:00'],
    ['in 2 Std.', '2026-11-20T12:00:00'],
    ['in 2 Stunden', '2026-11-20T12:00:00'],
    ['in 1 Std. 30 min', '2026-11-20T11:30:00'],
    ['in 1 Stunde und 30 Minuten', '2026-11-20T11:30:00'],
    ['in 1,5 Stunden', '2026-11-20T11:30:00'],
    ['in einer Stunde', '2026-11-20T11:00:00'],
    ['in 3 Tagen', '2026-11-23T10:00:00'],
    ['in einer Woche', '2026-11-27T10:00:00'],
    ['in an hour', '2026-11-20T11:00:00'],
    ['in 2 weeks', '2026-12-04T10:00:00'],
    ['tomorrow evening', '2026-11-21T20:00:00'],
    ['on Monday at 9 am', '2026-11-23T09:00:00'],
    ['Nov 24 9:00', '2026-11-24T09:00:00'],
    ['24 Nov 2026 9:00', '2026-11-24T09:00:00'],
    ['29 Feb 2028', ''],
  ])('%s', (text, when) => {
    if (when === '') expect(parseWhen(text, NOW)).toEqual({ why: 'That is more than a year away.' });
    else expect(parseWhen(text, NOW)).toEqual({ at: at(when) });
  });

  it.each([
    'in 2 months',
    'in 3 Monaten',
    'in 2 Minuten bis 4',
    'bald',
    'irgendwann',
    'monster 9:00',
    '31. Feb',
    '24.13. 9:00',
    'Mo 25 Uhr',
    'morgen irgendwann',
    'um',
    'in einer',
    '9 Uhr 75',
    `in ${'9'.repeat(36)} h`,
    'constructor',
    '24 Nov 9:00 9:00',
  ])('%j is not guessed at', (text) => expect(parseWhen(text, NOW)).toHaveProperty('why'));
});

describe('a number that somebody types', () => {
  it.each([
    ['2.5', 2.5],
    ['2,5', 2.5],
    [' 25 ', 25],
    ['1,000', 1000],
    ['1,000.50', 1000.5],
    ['12,345,678', 12_345_678],
    ['1 000', 1000],
    ['1’000', 1000],
    ['0,500', 0.5],
    ['-5', -5],
  ])('%j is %d', (text, number) => expect(readNumber(text)).toBe(number));

  it.each(['', ' ', 'ten', '1.2.3', '1,00,0.5', '1.000,50', '5 $'])('%j is none', (text) =>
    expect(readNumber(text)).toBeNaN(),
  );

  it('stands in a field without marks for thousands', () => {
    expect([2.5, 1000, 0.0001, NaN].map(typedNumber)).toEqual(['2.5', '1000', '0.0001', '']);
  });
});

describe('a sentence with a place in it', () => {
  it('is what stands before and after it', () => {
    expect(around((mark) => `This month ${mark} of $50`)).toEqual(['This month ', ' of $50']);
    expect(around((mark) => mark)).toEqual(['', '']);
    expect(around(() => 'None')).toEqual(['None', '']);
  });
});
