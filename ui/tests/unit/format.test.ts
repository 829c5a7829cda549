import { describe, expect, it } from 'vitest';
import * as f from '$lib/text/format';

const at = (text: string) => new Date(text).getTime();

describe('money', () => {
  it.each([
    [0, '$0.00'],
    [0.0746, '$0.0746'],
    [0.11, '$0.11'],
    [0.999_99, '$1.00'],
    [1, '$1.00'],
    [4.18, '$4.18'],
    [61.2, '$61.20'],
    [1234.5, '$1,234.50'],
    [0.000_01, '<$0.0001'],
    [-2, '-$2.00'],
    [NaN, 'N/A'],
    [Infinity, 'N/A'],
  ])('shows %d as %s', (dollars, shown) => expect(f.money(dollars)).toBe(shown));

  it('shows limits without needless cents', () => {
    expect(f.limit(50)).toBe('$50');
    expect(f.limit(2.5)).toBe('$2.50');
    expect(f.moneyOf(4.18, 50)).toBe('$4.18 of $50');
    expect(f.moneyOf(4.18, 0)).toBe('$4.18');
  });

  it('says when a price is not known', () => {
    expect(f.cost(0, 'unknown')).toBe('no price');
    expect(f.cost(1.2, 'unknown')).toBe('$1.20+');
    expect(f.cost(1.2, 'estimated')).toBe('$1.20');
    expect(f.cost(0, 'free')).toBe('$0.00');
  });
});

describe('e026 bands of a limit', () => {
  it.each([
    [24.999, 50, 'calm'],
    [25, 50, 'warn'],
    [39.99, 50, 'warn'],
    [40, 50, 'bad'],
    [60, 50, 'bad'],
    [-1, 50, 'calm'],
    [5, 0, 'none'],
    [NaN, 50, 'none'],
  ])('%d of %d is %s', (spent, max, band) => expect(f.band(spent, max)).toBe(band));
});

describe('durations', () => {
  it.each([
    [0, '0s'],
    [41_000, '41s'],
    [372_000, '6m 12s'],
    [1_120_000, '18m 40s'],
    [7_500_000, '2h 05m'],
    [90_000_000, '1d 1h'],
    [-5, '0s'],
    [NaN, '–'],
  ])('%d ms is %s', (ms, shown) => expect(f.duration(ms)).toBe(shown));

  it('shows short ones finely where asked to', () => {
    expect(f.duration(12, { fine: true })).toBe('12ms');
    expect(f.duration(8100, { fine: true })).toBe('8.1s');
    expect(f.duration(96_000, { fine: true })).toBe('1m 36s');
    expect(f.durationShort(372_000)).toBe('6m');
  });
});

describe('times', () => {
  const now = at('2026-11-20T08:47:12');

  it('says the day only where it is another', () => {
    expect(f.moment(at('2026-11-20T08:41:02'), now)).toBe('08:41');
    expect(f.moment(at('2026-11-19T23:59:00'), now)).toBe('yesterday 23:59');
    expect(f.moment(at('2026-11-17T07:05:00'), now)).toBe('17 Nov 07:05');
    expect(f.moment(at('2025-11-17T07:05:00'), now)).toBe('17 Nov 2025');
    expect(f.clockExact(at('2026-11-20T08:41:02'))).toBe('08:41:02');
    expect(f.dayName('2026-11-03')).toBe('3 Nov');
  });

  it('greets by the hour', () => {
    expect(f.greeting(now)).toBe('Good morning');
    expect(f.greeting(at('2026-11-20T12:00:00'))).toBe('Good afternoon');
    expect(f.greeting(at('2026-11-20T18:30:00'))).toBe('Good evening');
    expect(f.greeting(at('2026-11-20T03:00:00'))).toBe('Good night');
  });

  it('counts up from a heartbeat', () => {
    expect(f.ago(now - 300, now)).toBe('just now');
    expect(f.ago(now + 5000, now)).toBe('just now');
    expect(f.ago(now - 12_000, now)).toBe('12s ago');
  });
});

describe('numbers', () => {
  it('groups thousands', () => {
    expect(f.count(41_208)).toBe('41,208');
    expect(f.count(999)).toBe('999');
    expect(f.count(1_000_000)).toBe('1,000,000');
    expect(f.bytes(3_400_000)).toBe('3.4 MB');
    expect(f.bytes(12)).toBe('12 B');
  });

  it('keeps bars inside their frame', () => {
    expect(f.share(5, 8)).toBe(62.5);
    expect(f.share(12, 8)).toBe(100);
    expect(f.share(-1, 8)).toBe(0);
    expect(f.share(1, 0)).toBe(0);
  });
});

describe('results and progress', () => {
  it.each([
    ['Saved to docs/about.md', '“Saved to docs/about.md”'],
    ['## **Done**: see `docs/a.md`', '“Done: see docs/a.md”'],
    ['This was a practice run on “x”.', 'This was a practice run on “x”.'],
  ])('quotes %s as %s', (text, shown) => expect(f.quoted(text)).toBe(shown));

  it('shows that something has begun', () => {
    expect(f.begun(0, 4)).toBeGreaterThan(0);
    expect(f.begun(3, 4)).toBe(75);
  });
});
