import { describe, expect, it } from 'vitest';
import { conflict, doneBy, FIXED, inUse, keysOf, SHORTCUTS, withKeys, written } from '$lib/state/shortcuts';

const press = (key: string, code: string, held: string[] = []) => ({
  key,
  code,
  ctrlKey: held.includes('ctrl'),
  metaKey: held.includes('meta'),
  altKey: held.includes('alt'),
  shiftKey: held.includes('shift'),
});

describe('keys', () => {
  it('have a name that does not hang on the layout of the keyboard', () => {
    expect(keysOf(press('k', 'KeyK', ['ctrl']), false)).toBe('Mod+K');
    expect(keysOf(press('F', 'KeyF', ['ctrl', 'shift']), false)).toBe('Mod+Shift+F');
    // A Cyrillic layout, a French one, and a Mac's Option key.
    expect(keysOf(press('л', 'KeyK', ['ctrl']), false)).toBe('Mod+K');
    expect(keysOf(press('&', 'Digit1', ['ctrl']), false)).toBe('Mod+1');
    expect(keysOf(press('¡', 'Digit1', ['alt']), true)).toBe('Alt+1');
    expect(keysOf(press(',', 'Comma', ['meta']), true)).toBe('Mod+,');
    expect(keysOf(press('?', 'Slash', ['shift']), false)).toBe('?');
    expect(keysOf(press('?', 'Minus', ['shift']), false)).toBe('?');
    expect(keysOf(press(' ', 'Space', ['ctrl']), false)).toBe('Mod+Space');
    expect(keysOf(press('Shift', 'ShiftLeft', ['shift']), false)).toBe('');
  });

  it('are written as each system’s people know them', () => {
    expect(written('Mod+Shift+F', false)).toBe('Ctrl+Shift+F');
    expect(written('Mod+Shift+F', true)).toBe('⌘⇧F');
    expect(written('Mod++', false)).toBe('Ctrl++');
  });

  it('do one thing each, none of which is taken already', () => {
    const use = inUse({});
    for (const { id, keys } of SHORTCUTS) {
      expect(doneBy(keys, use), keys).toBe(id);
      expect(conflict(id, keys, use), keys).toBeUndefined();
    }
    const fixed = FIXED.flatMap(({ rows }) => rows.flatMap(([keys]) => keys.split(' ')));
    for (const keys of fixed) expect(doneBy(keys, use), keys).toBeUndefined();
  });
});

describe('keys of one’s own', () => {
  it('say who has them already, and can be taken from there', () => {
    const use = inUse({});
    expect(conflict('desk', 'Mod+K', use)).toEqual({ why: '“Search and commands” has these keys.', by: 'palette' });
    const own = withKeys({}, 'desk', 'Mod+K', 'palette');
    expect(own).toEqual({ desk: 'Mod+K', palette: '' });
    const after = inUse(own);
    expect(doneBy('Mod+K', after)).toBe('desk');
    expect(doneBy('Mod+1', after)).toBeUndefined();
    expect(doneBy('', after)).toBeUndefined();
  });

  it('are not those of writing, copying or sending', () => {
    const use = inUse({});
    for (const keys of ['A', '7', '/', 'Space', 'Shift+Enter', 'Mod+C', 'Mod+Enter', 'Mod+F', 'Alt+3'])
      expect(conflict('desk', keys, use)?.why, keys).toBeTruthy();
    for (const keys of ['F5', 'Mod+J', 'Alt+J', 'Mod+Alt+D']) expect(conflict('desk', keys, use), keys).toBeUndefined();
  });

  it('may be written in the settings as people write them', () => {
    expect(inUse({ palette: 'ctrl+shift+p' }).get('palette')).toBe('Mod+Shift+P');
    expect(inUse({ palette: 'Shift+CmdOrCtrl+P' }, true).get('palette')).toBe('Mod+Shift+P');
    expect(inUse({ palette: 'Ctrl+P' }, true).get('palette')).toBe('Ctrl+P');
    expect(inUse({ palette: '' }).get('palette')).toBe('');
  });

  it('that are as usual, or of a version to come, are not kept', () => {
    expect(withKeys({ desk: 'Mod+J', bogus: 'Mod+U' }, 'desk', 'Mod+1')).toEqual({});
    expect(inUse({ bogus: 'Mod+K' }).get('palette')).toBe('Mod+K');
  });
});
