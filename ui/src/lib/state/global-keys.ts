import { written } from './shortcuts';

/*
 * The keys that open Quick brief from anywhere, in the names that the desktop takes ("CmdOrCtrl+Shift+Space"). It is
 * where a key is that counts, not what is printed on it.
 */

export interface PressedCode {
  readonly key: string;
  readonly code: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
}

const MODIFIERS = new Set(['Control', 'Shift', 'Alt', 'Meta', 'AltGraph', 'OS', 'Super', 'CapsLock', 'Fn']);
/** Keys that nobody writes with: they may go alone. */
const ALONE = /^(F([1-9]|1\d|2[0-4])|Pause|PrintScreen|ScrollLock)$/;

/**
 * What was pressed; none where it is a modifier alone. `types`: these keys write something, and would be taken away from
 * every program.
 */
export function globalKeys(
  event: PressedCode,
  mac: boolean,
): { readonly keys: string; readonly types: boolean } | undefined {
  if (MODIFIERS.has(event.key)) return undefined;
  const key = event.code.replace(/^(Key|Digit)/, '') || event.key;
  const held = [
    (mac ? event.metaKey : event.ctrlKey) ? 'CmdOrCtrl' : '',
    mac && event.ctrlKey ? 'Ctrl' : '',
    !mac && event.metaKey ? 'Super' : '',
    event.altKey ? 'Alt' : '',
  ].filter(Boolean);
  const keys = [...held, event.shiftKey ? 'Shift' : '', key].filter(Boolean).join('+');
  return { keys, types: held.length === 0 && !ALONE.test(key) };
}

/** Such keys as this system's people write them: "Ctrl+Shift+Space", "⌘⇧Space". */
export function globalWritten(keys: string, mac: boolean): string {
  const parts = keys.split('+').map((part) => {
    const name = part.trim();
    if (/^(cmdorctrl|cmdorcontrol|commandorctrl|commandorcontrol)$/i.test(name)) return 'Mod';
    if (mac && /^(cmd|command|super|meta)$/i.test(name)) return 'Mod';
    if (/^control$/i.test(name)) return 'Ctrl';
    return name.replace(/^(Arrow(?=Up|Down|Left|Right)|Key(?=.$)|Digit(?=.$))/, '');
  });
  return written(parts.join('+'), mac);
}
