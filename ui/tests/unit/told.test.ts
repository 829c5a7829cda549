import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

beforeEach(() => vi.resetModules());
afterEach(() => localStorage.clear());

async function spoken(language: string) {
  localStorage.setItem('language', language);
  return import('$lib/text/told');
}

describe('what the daemon says in a few words', () => {
  it('stays as it is in English', async () => {
    const { doingOf, limitName } = await spoken('en');
    expect(doingOf("is waiting for the founder's answer")).toBe("is waiting for the founder's answer");
    expect(limitName('CTO today')).toBe('CTO today');
  });

  it('is said in German', async () => {
    const { doingOf, limitName, noteOf } = await spoken('de');
    expect(noteOf('CTO, CMO at work')).toBe('an der Arbeit: CTO, CMO');
    expect(noteOf('CMO: done')).toBe('CMO: fertig');
    expect(noteOf('CMO: not done')).toBe('CMO: nicht fertig');
    expect(noteOf('Done')).toBe('Fertig');
    expect(noteOf('The prices are checked')).toBe('The prices are checked');
    expect(doingOf('is editing web/src/Hero.svelte')).toBe('bearbeitet web/src/Hero.svelte');
    expect(doingOf('is using Fetch: https://a.example/b: c')).toBe('benutzt Fetch: https://a.example/b: c');
    expect(doingOf("is waiting for the founder's answer")).toBe('wartet auf Ihre Antwort');
    expect(limitName('CTO today')).toBe('CTO heute');
    expect(limitName('Month, tokens')).toBe('Monat, Tokens');
  });

  it('stays as it is where nobody knows it', async () => {
    const { doingOf, limitName } = await spoken('de');
    expect(doingOf('hums a tune')).toBe('hums a tune');
    expect(limitName('constructor')).toBe('constructor');
  });
});
