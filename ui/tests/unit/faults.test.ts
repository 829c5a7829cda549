import { mount, unmount } from 'svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import Problem from '$lib/components/Problem.svelte';
import type { Error as Fault } from '$lib/contract/types';
import { flashes } from '$lib/stores/flash.svelte';
import { titleOf } from '$lib/text/faults';

const full: Fault = {
  code: 'disk.full',
  kind: 'internal',
  message: 'The disk of `/home/me` is full.',
  fix: 'Make room; the work goes on by itself.',
  retryable: true,
};

afterEach(() => localStorage.clear());

describe('an error on screen', () => {
  it('is what the daemon says, in English', () => {
    const target = document.body.appendChild(document.createElement('div'));
    const shown = mount(Problem, { target, props: { fault: full } });
    const text = target.textContent?.replaceAll(/\s+/g, ' ').trim();
    expect(text).toBe('The disk of /home/me is full. Make room; the work goes on by itself.');
    void unmount(shown);
    target.remove();
  });

  it('says in another language first what it is about', async () => {
    expect(titleOf('disk.full')).toBe('');
    localStorage.setItem('language', 'de');
    vi.resetModules();
    const { titleOf: german } = await import('$lib/text/faults');
    expect(german('disk.full')).toBe('Die Platte ist voll');
    expect(german('constructor')).toBe('');
  });
});

describe('a flash', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('stays while somebody is on it', () => {
    flashes.say('Saved.');
    const id = flashes.list[0]!.id;
    flashes.stay(id);
    vi.advanceTimersByTime(60_000);
    expect(flashes.list).toHaveLength(1);
    flashes.leave(id);
    vi.advanceTimersByTime(5_000);
    expect(flashes.list).toHaveLength(0);
  });
});
