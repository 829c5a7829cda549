import { flushSync, mount, unmount } from 'svelte';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { backend } from '$lib/backend/backend';
import KeySettings from '$lib/components/KeySettings.svelte';
import type { Settings } from '$lib/contract/types';
import { globalKeys, globalWritten } from '$lib/state/global-keys';
import { link } from '$lib/stores/link.svelte';
import { settings } from '$lib/stores/settings.svelte';
import { settings as usual } from '../fixture/data';
import { fakeBackend } from './fake';
import { button, part, press, settled, text } from './page';

const held = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false };

describe('keys from anywhere', () => {
  it('are named by where they are on the keyboard', () => {
    const space = { ...held, key: ' ', code: 'Space', ctrlKey: true, shiftKey: true };
    expect(globalKeys(space, false)).toEqual({ keys: 'CmdOrCtrl+Shift+Space', types: false });
    expect(globalKeys({ ...held, key: 'ä', code: 'Quote', altKey: true }, false)?.keys).toBe('Alt+Quote');
    expect(globalKeys({ ...held, key: '1', code: 'Digit1', metaKey: true }, false)?.keys).toBe('Super+1');
    expect(globalKeys({ ...held, key: 'Control', code: 'ControlLeft', ctrlKey: true }, false)).toBeUndefined();
  });

  it('are those of a Mac on a Mac', () => {
    expect(globalKeys({ ...held, key: ' ', code: 'Space', ctrlKey: true }, true)?.keys).toBe('Ctrl+Space');
    expect(globalKeys({ ...held, key: 'b', code: 'KeyB', metaKey: true }, true)?.keys).toBe('CmdOrCtrl+B');
    expect(globalWritten('CmdOrCtrl+Shift+ArrowUp', true)).toBe('⌘⇧↑');
    expect(globalWritten('Ctrl+Space', true)).toBe('⌃Space');
  });

  it('take no key from writing', () => {
    expect(globalKeys({ ...held, key: 'A', code: 'KeyA', shiftKey: true }, false)).toEqual({
      keys: 'Shift+A',
      types: true,
    });
    expect(globalKeys({ ...held, key: 'F9', code: 'F9' }, false)?.types).toBe(false);
    expect(globalKeys({ ...held, key: 'F25', code: 'F25' }, false)?.types).toBe(true);
  });
});

describe('the field for them', () => {
  let mounted: Record<string, unknown>;
  let wanted: string[];

  beforeEach(async () => {
    wanted = [];
    fakeBackend({
      'settings.get': () => usual,
      'settings.set': (next: Settings) => {
        wanted.push(next.quick_shortcut);
        if (next.quick_shortcut.includes('IntlBackslash'))
          throw {
            code: 'request.bad',
            kind: 'user',
            message: 'The setting quick_shortcut must be keys such as CmdOrCtrl+Shift+Space.',
            fix: 'Correct it, and save again.',
            retryable: false,
          };
        return next;
      },
    });
    await settings.load();
    await link.readInfo();
    mounted = mount(KeySettings, { target: document.body, props: { value: usual, save: () => undefined } });
    flushSync();
  });

  afterEach(async () => {
    await unmount(mounted);
    document.body.replaceChildren();
    link.info = undefined;
  });

  async function take(key: string, init: KeyboardEventInit): Promise<void> {
    part('#shortcut').click();
    flushSync();
    press(part('#shortcut'), key, init);
    await settled();
  }

  it('saves what was pressed', async () => {
    expect(text('#shortcut')).toBe('Ctrl+Shift+Space');
    await take('b', { code: 'KeyB', ctrlKey: true, altKey: true });
    expect(wanted).toEqual(['CmdOrCtrl+Alt+B']);
    expect(document.querySelector('#shortcut-why')).toBeNull();
    button('Remove the shortcut').click();
    await settled();
    expect(wanted.at(-1)).toBe('');
  });

  it('says beside it what cannot be taken, and nothing is changed', async () => {
    await take('<', { code: 'IntlBackslash', ctrlKey: true });
    expect(text('#shortcut-why')).toBe(
      'Ctrl+IntlBackslash cannot be this shortcut. Choose other keys, with Ctrl or Alt.',
    );
    expect(part('#shortcut').getAttribute('aria-describedby')).toBe('shortcut-why');
    expect(settings.value?.quick_shortcut).toBe(usual.quick_shortcut);
    wanted = [];
    await take('a', { code: 'KeyA' });
    expect(wanted).toEqual([]);
    expect(text('#shortcut-why')).toBe('A alone is a key for writing. Hold Ctrl or Alt with it.');
    await take('F9', { code: 'F9' });
    expect(wanted).toEqual(['F9']);
    expect(document.querySelector('#shortcut-why')).toBeNull();
  });

  it('says why the system did not let us have the one that is kept', async () => {
    const info = await backend().native.info();
    link.info = { ...info, global_shortcut: 'another program has it' };
    flushSync();
    expect(text('#shortcut-why')).toBe('The system did not let us have it: another program has it');
  });
});
