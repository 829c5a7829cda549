/** What a key does, by the name that the settings know it by. */
export type ShortcutId =
  | 'palette'
  | 'compose'
  | 'search'
  | 'companies'
  | 'desk'
  | 'jobs'
  | 'journal'
  | 'costs'
  | 'team'
  | 'notices'
  | 'settings'
  | 'hold'
  | 'keys'
  | 'quit';

export interface Shortcut {
  readonly id: ShortcutId;
  readonly label: string;
  /** The usual keys: "Mod" is Ctrl, and on a Mac the command key. */
  readonly keys: string;
}

export const SHORTCUTS: readonly Shortcut[] = [
  { id: 'palette', label: 'Search and commands', keys: 'Mod+K' },
  { id: 'compose', label: 'New brief', keys: 'Mod+N' },
  { id: 'search', label: 'Search all that was said and done', keys: 'Mod+Shift+F' },
  { id: 'companies', label: 'Switch company', keys: 'Mod+O' },
  { id: 'desk', label: 'Desk', keys: 'Mod+1' },
  { id: 'jobs', label: 'Jobs', keys: 'Mod+2' },
  { id: 'journal', label: 'Journal', keys: 'Mod+3' },
  { id: 'costs', label: 'Costs', keys: 'Mod+4' },
  { id: 'team', label: 'Team', keys: 'Mod+5' },
  { id: 'notices', label: 'Notices', keys: 'Mod+6' },
  { id: 'settings', label: 'Settings', keys: 'Mod+,' },
  { id: 'hold', label: 'Pause or resume all work', keys: 'Mod+Shift+P' },
  { id: 'keys', label: 'All keys', keys: '?' },
  { id: 'quit', label: 'Quit AICIB', keys: 'Mod+Q' },
];

/** Keys that stay as they are: they belong to one place, or to the system. */
export const FIXED: readonly { readonly group: string; readonly rows: readonly (readonly [string, string])[] }[] = [
  {
    group: 'Companies',
    rows: [['Alt+1', 'The first company, Alt+2 the second, up to nine']],
  },
  {
    group: 'In a list of jobs',
    rows: [
      ['Up Down', 'Go through it, also J and K, Page Up and Down, Home and End'],
      ['Enter', 'Open the job'],
      ['Space', 'Choose it, or no longer'],
      ['Shift+Up Shift+Down', 'Choose a stretch'],
      ['Mod+A', 'Choose all'],
      ['Delete', 'Delete what is chosen'],
      ['Shift+F10', 'What else can be done with it'],
      ['/', 'Search'],
      ['Esc', 'Choose none'],
    ],
  },
  {
    group: 'In a job',
    rows: [
      ['Mod+F', 'Find in the job'],
      ['Up Down', 'Go through it, also J and K'],
      ['Right Left', 'Open and close, unfold and fold'],
      ['C', 'Copy what is there'],
      ['Shift+Z', 'Fold or unfold all that was handed on'],
      ['Home End', 'To its beginning, to what is live'],
    ],
  },
  {
    group: 'Everywhere',
    rows: [
      ['Mod+Enter', 'Send what is written'],
      ['Tab', 'To the next thing, with Shift to the one before'],
      ['Esc', 'Close what is open'],
    ],
  },
];

/** What is taken already: by text fields, by forms, by places with keys of their own. */
const TAKEN = new Map([
  ['Mod+C', 'copying'],
  ['Mod+X', 'cutting'],
  ['Mod+V', 'pasting'],
  ['Mod+Z', 'undoing'],
  ['Mod+Shift+Z', 'redoing'],
  ['Mod+A', 'choosing all'],
  ['Mod+F', 'finding in a job'],
  ['Mod+Enter', 'sending'],
  ...Array.from({ length: 9 }, (_, i) => [`Alt+${i + 1}`, 'switching companies'] as const),
]);

const MODIFIERS = new Set(['Control', 'Shift', 'Alt', 'Meta', 'AltGraph', 'OS', 'Super', 'Dead', 'CapsLock']);
const NAMES: Record<string, string> = {
  ' ': 'Space',
  ArrowUp: 'Up',
  ArrowDown: 'Down',
  ArrowLeft: 'Left',
  ArrowRight: 'Right',
  Escape: 'Esc',
};

export interface Pressed {
  readonly key: string;
  readonly code: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
}

/** The name of the keys that are held: "Mod+Shift+F"; empty where it is a modifier alone. */
export function keysOf(event: Pressed, mac: boolean): string {
  if (MODIFIERS.has(event.key)) return '';
  const digit = /^Digit(\d)$/.exec(event.code)?.[1];
  const letter = /^[a-z]$/i.test(event.key) ? event.key.toUpperCase() : /^Key([A-Z])$/.exec(event.code)?.[1];
  const mod = mac ? event.metaKey : event.ctrlKey;
  const other = mac ? event.ctrlKey : event.metaKey;
  // With nothing but Shift a key is what it writes: "?" and not the key that has it on some keyboards.
  const written = [...event.key].length === 1 && event.key !== ' ' && !mod && !other && !event.altKey;
  const key = written ? event.key.toUpperCase() : (digit ?? letter ?? NAMES[event.key] ?? event.key);
  const sign = /^[^\p{L}\p{N}]$/u.test(key);
  const parts = [
    mod ? 'Mod' : '',
    other ? (mac ? 'Ctrl' : 'Super') : '',
    event.altKey ? 'Alt' : '',
    event.shiftKey && !sign ? 'Shift' : '',
  ];
  return [...parts.filter(Boolean), key].join('+');
}

/** The parts of a name of keys; "+" may be one of them. */
function partsOf(keys: string): string[] {
  return keys.endsWith('++') ? [...keys.slice(0, -2).split('+'), '+'] : keys.split('+');
}

const SIGNS: Record<string, string> = {
  Mod: '⌘',
  Ctrl: '⌃',
  Alt: '⌥',
  Shift: '⇧',
  Enter: '↵',
  Up: '↑',
  Down: '↓',
  Left: '←',
  Right: '→',
};
const WORDS: Record<string, string> = { Mod: 'Ctrl', Up: '↑', Down: '↓', Left: '←', Right: '→' };

/** As this system's people write it: "Ctrl+Shift+F", "⌘⇧F". */
export function written(keys: string, mac: boolean): string {
  const parts = partsOf(keys);
  return mac ? parts.map((part) => SIGNS[part] ?? part).join('') : parts.map((part) => WORDS[part] ?? part).join('+');
}

const ORDER = ['Mod', 'Ctrl', 'Super', 'Alt', 'Shift'];

/** Keys as somebody may have written them in the settings ("ctrl+p", "CmdOrCtrl+P"), as we name them. */
function named(keys: string, mac: boolean): string {
  const parts = partsOf(keys.trim()).map((part) => part.trim());
  const key = parts.pop() ?? '';
  const held = parts.map((part) => {
    if (/^(mod|cmdorctrl|commandorcontrol|cmd|command)$/i.test(part)) return 'Mod';
    if (/^(ctrl|control)$/i.test(part)) return mac ? 'Ctrl' : 'Mod';
    return ORDER.find((name) => name.toLowerCase() === part.toLowerCase()) ?? part;
  });
  held.sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b));
  return [...held, key.length === 1 ? key.toUpperCase() : key].join('+');
}

/** Which keys do what, with the founder's own in place of the usual ones. */
export function inUse(own: Readonly<Record<string, string | undefined>>, mac = false): ReadonlyMap<ShortcutId, string> {
  return new Map(SHORTCUTS.map(({ id, keys }) => [id, Object.hasOwn(own, id) ? named(own[id] ?? '', mac) : keys]));
}

/** What those keys do; none where nothing. */
export function doneBy(keys: string, use: ReadonlyMap<ShortcutId, string>): ShortcutId | undefined {
  if (keys === '') return undefined;
  for (const [id, own] of use) if (own === keys) return id;
  return undefined;
}

/** Why keys cannot be taken for this: what has them already (`by`, where it can be taken from that), or what is wrong. */
export function conflict(
  id: ShortcutId,
  keys: string,
  use: ReadonlyMap<ShortcutId, string>,
): { readonly why: string; readonly by?: ShortcutId } | undefined {
  const other = doneBy(keys, use);
  if (other !== undefined && other !== id) {
    const label = SHORTCUTS.find((row) => row.id === other)?.label ?? other;
    return { why: `“${label}” has these keys.`, by: other };
  }
  const taken = TAKEN.get(keys);
  if (taken !== undefined) return { why: `These keys are for ${taken}.` };
  const parts = partsOf(keys);
  const alone = !parts.some((part) => ['Mod', 'Ctrl', 'Super', 'Alt'].includes(part));
  if (alone && !/^F\d{1,2}$/.test(parts.at(-1) ?? '') && keys !== '?')
    return { why: 'Alone it is a key for writing. Hold Ctrl or Alt with it.' };
  return undefined;
}

/** The founder's own keys after one was chosen: what is as usual needs no mention. */
export function withKeys(
  own: Readonly<Record<string, string | undefined>>,
  id: ShortcutId,
  keys: string,
  from?: ShortcutId,
): Record<string, string> {
  const next: Record<string, string> = {};
  for (const [name, value] of Object.entries({ ...own, [id]: keys, ...(from ? { [from]: '' } : {}) })) {
    const usual = SHORTCUTS.find((row) => row.id === name)?.keys;
    if (usual !== undefined && value !== undefined && value !== usual) next[name] = value;
  }
  return next;
}
