import { afterEach, describe, expect, it, vi } from 'vitest';
import { dayInFull, dayRange, dayTitle } from '$lib/text/days';

const at = (text: string) => new Date(text).getTime();
const NOW = at('2026-11-20T08:47:12');
/** Customs put thin and narrow spaces where others have plain ones. */
const plain = (text: string) => text.replace(/\s/g, ' ');

describe('days', () => {
  it('are headings: near ones by name, others by weekday or year', () => {
    expect(dayTitle(at('2026-11-20T00:00:00'), NOW)).toBe('Today');
    expect(dayTitle(at('2026-11-19T23:59:00'), NOW)).toBe('Yesterday');
    expect(plain(dayTitle(at('2026-11-17T07:05:00'), NOW))).toMatch(/^Tue,? 17 Nov$/);
    expect(dayTitle(at('2025-11-17T07:05:00'), NOW)).toBe('17 Nov 2025');
  });

  it('are ranges, with the year where it is another', () => {
    expect(plain(dayRange('2026-10-22', '2026-11-20', NOW))).toBe('22 Oct – 20 Nov');
    expect(plain(dayRange('2026-11-20', '2026-11-20', NOW))).toBe('20 Nov');
    expect(plain(dayRange('2025-12-03', '2026-01-04', NOW))).toContain('2025');
    // What somebody typed into the address.
    expect(dayRange('2026-11-20', '2026-11-01', NOW)).toBe('2026-11-20 – 2026-11-01');
    expect(dayRange('x', '2026-11-01', NOW)).toBe('x – 2026-11-01');
    expect(dayInFull('2026-11-02')).toBe('2 Nov 2026');
    expect(dayInFull('nonsense')).toBe('nonsense');
  });
});

describe('the same in German', () => {
  afterEach(() => {
    localStorage.clear();
    vi.resetModules();
  });

  it('with plurals of their own, and a download that every program reads', async () => {
    localStorage.setItem('language', 'de');
    vi.resetModules();
    const days = await import('$lib/text/days');
    const { m } = await import('$lib/paraglide/messages');
    const { SORTS } = await import('$lib/state/job-filter');
    const { costsCsv } = await import('$lib/text/csv');
    expect(days.dayTitle(NOW, NOW)).toBe('Heute');
    expect(plain(days.dayRange('2026-10-22', '2026-11-20', NOW))).toBe('22. Okt. – 20. Nov.');
    expect(m.jobs_bulk_chosen({ count: 1 })).toBe('1 Auftrag gewählt');
    expect(m.jobs_bulk_chosen({ count: 1200 })).toBe('1.200 Aufträge gewählt');
    expect(SORTS[0]?.label).toBe('Neueste zuerst');
    const tokens = { input: 1200, cache_read: 0, cache_write: 0, output: 2 };
    const row = { key: 'cto', label: 'CTO', calls: 1, tokens, cost_usd: 1234.5, basis: 'unknown' as const };
    expect(costsCsv('agent', [row]).split('\r\n').slice(0, 2)).toEqual([
      'agent,calls,input tokens,cache read,cache write,output tokens,cost in USD,basis',
      'CTO,1,1200,0,0,2,1234.5,unknown',
    ]);
  });
});
