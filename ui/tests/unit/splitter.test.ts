import { flushSync, mount, unmount } from 'svelte';
import { afterEach, describe, expect, it } from 'vitest';
import Splitter from '$lib/components/Splitter.svelte';

let shown: Record<string, unknown> | undefined;

function splitter(): HTMLElement {
  const props = { name: 'side', label: 'Width', least: 168, most: 340, side: 'left' as const };
  shown = mount(Splitter, { target: document.body, props });
  flushSync();
  return document.querySelector<HTMLElement>('[role=separator]')!;
}

function press(handle: HTMLElement, key: string): void {
  handle.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
  flushSync();
}

afterEach(() => {
  if (shown) void unmount(shown);
  document.body.replaceChildren();
  localStorage.clear();
});

describe('the border of a panel', () => {
  it('is moved by keys, within its bounds, and remembered', () => {
    const handle = splitter();
    expect(handle.tabIndex).toBe(0);
    press(handle, 'End');
    expect(localStorage.getItem('panel/side')).toBe('340');
    press(handle, 'Home');
    expect(localStorage.getItem('panel/side')).toBe('168');
    press(handle, 'Enter');
    expect(localStorage.getItem('panel/side')).toBeNull();
  });

  it('takes no width from what is remembered that does not hold', () => {
    localStorage.setItem('panel/side', '99999');
    press(splitter(), 'Tab');
    expect(localStorage.getItem('panel/side')).toBe('99999');
    press(document.querySelector<HTMLElement>('[role=separator]')!, 'ArrowLeft');
    expect(Number(localStorage.getItem('panel/side'))).toBeLessThanOrEqual(340);
  });
});
