import { describe, expect, it } from 'vitest';
import { guardLocale } from '$lib/locale';
import { parseRoute, routeHash } from '$lib/stores/route.svelte';
import { folderFor, initials, roleColour, roleName, shortPath, longPath } from '$lib/text/names';

describe('names', () => {
  it('tells roles as the contract does', () => {
    expect(roleName('cfo')).toBe('CFO');
    expect(roleName('backend-engineer')).toBe('Backend Engineer');
    expect(initials('ceo')).toBe('CE');
    expect(initials('backend-engineer')).toBe('BE');
    expect(initials('Northwind Labs')).toBe('NL');
    expect(initials('')).toBe('?');
  });

  it('makes a folder of a name', () => {
    expect(folderFor('Acme Coffee')).toBe('~/acme-coffee');
    expect(folderFor('  Café & Söhne, Inc. ')).toBe('~/cafe-sohne-inc');
    expect(folderFor('../../etc')).toBe('~/etc');
    expect(folderFor(' . ')).toBe('');
    expect(folderFor('株式会社')).toBe('~/株式会社');
  });

  it('gives each role a colour, and always the same', () => {
    expect(roleColour('cto')).toBe('var(--cto)');
    expect(roleColour('head-of-tea')).toMatch(/^var\(--[a-z0-9-]+\)$/);
    expect(roleColour('head-of-tea')).toBe(roleColour('head-of-tea'));
  });

  it('shortens the home folder and nothing else', () => {
    expect(shortPath('/home/ann/work/northwind')).toBe('~/work/northwind');
    expect(shortPath('/root/acme')).toBe('~/acme');
    expect(shortPath('/rooted/acme')).toBe('/rooted/acme');
    expect(shortPath('/srv/acme')).toBe('/srv/acme');
    expect(shortPath('/srv/ann/acme', '/srv/ann')).toBe('~/acme');
    expect(shortPath('/srv/anna/acme', '/srv/ann')).toBe('/srv/anna/acme');
    expect(longPath('~/acme', '/srv/ann')).toBe('/srv/ann/acme');
    expect(longPath('~acme', '/srv/ann')).toBe('~acme');
    expect(longPath('~/acme', undefined)).toBe('~/acme');
  });
});

describe('routes', () => {
  it('reads what it writes, and takes anything else for the Desk', () => {
    for (const hash of ['#/desk', '#/jobs', '#/job/212', '#/settings', '#/settings/engine', '#/permissions'])
      expect(routeHash(parseRoute(hash))).toBe(hash);
    for (const hash of ['', '#/job/x', '#/job/-1', '#/nowhere/1']) expect(parseRoute(hash)).toEqual({ screen: 'desk' });
  });
});

describe('the locale', () => {
  it('is replaced where Intl would throw at it', () => {
    const c = { language: 'C', languages: ['C'] } as unknown as Navigator;
    guardLocale(c);
    expect(c.language).toBe('en-US');
    expect(() => new Intl.NumberFormat(c.language)).not.toThrow();
  });

  it('is left alone where it holds', () => {
    const de = { language: 'de-AT', languages: ['de-AT'] } as unknown as Navigator;
    guardLocale(de);
    expect(de.language).toBe('de-AT');
  });
});
