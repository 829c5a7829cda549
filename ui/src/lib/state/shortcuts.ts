import { m } from '$lib/paraglide/messages';

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
  { id: 'palette', label: m.shell_do_palette(), keys: 'Mod+K' },
  { id: 'compose', label: m.shell_do_compose(), keys: 'Mod+N' },
  { id: 'search', label: m.shell_do_search(), keys: 'Mod+Shift+F' },
  { id: 'companies', label: m.shell_do_companies(), keys: 'Mod+O' },
  { id: 'desk', label: m.shell_do_desk(), keys: 'Mod+1' },
  { id: 'jobs', label: m.shell_do_jobs(), keys: 'Mod+2' },
  { id: 'journal', label: m.shell_do_journal(), keys: 'Mod+3' },
  { id: 'costs', label: m.shell_do_costs(), keys: 'Mod+4' },
  { id: 'team', label: m.shell_do_team(), keys: 'Mod+5' },
  { id: 'notices', label: m.shell_do_notices(), keys: 'Mod+6' },
  { id: 'settings', label: m.shell_do_settings(), keys: 'Mod+,' },
  { id: 'hold', label: m.shell_do_hold(), keys: 'Mod+Shift+P' },
  { id: 'keys', label: m.shell_do_keys(), keys: '?' },
  { id: 'quit', label: m.shell_do_quit(), keys: 'Mod+Q' },
];

/** Keys that stay as they are: they belong to one place, or to the system. */
export const FIXED: readonly { readonly group: string; readonly rows: readonly (readonly [string, string])[] }[] = [
  {
    group: m.shell_keys_in_companies(),
    rows: [['Alt+1', m.shell_key_company()]],
  },
  {
    group: m.shell_keys_in_list(),
    rows: [
      ['Up Down', m.shell_key_list_go()],
      ['Enter', m.shell_key_list_open()],
      ['Space', m.shell_key_list_choose()],
      ['Shift+Up Shift+Down', m.shell_key_list_stretch()],
      ['Mod+A', m.shell_key_list_all()],
      ['Delete', m.shell_key_list_delete()],
      ['Shift+F10', m.shell_key_list_menu()],
      ['/', m.shell_key_list_search()],
      ['Esc', m.shell_key_list_none()],
    ],
  },
  {
    group: m.shell_keys_in_job(),
    rows: [
      ['Mod+F', m.shell_key_job_find()],
      ['F3 Shift+F3', m.job_keys_hits()],
      ['Up Down', m.shell_key_job_go()],
      ['Right Left', m.shell_key_job_fold()],
      ['C', m.shell_key_job_copy()],
      ['Shift+Z', m.shell_key_job_fold_all()],
      ['Home End', m.shell_key_job_ends()],
      ['+ - 0', m.job_keys_lanes()],
    ],
  },
  {
    group: m.shell_keys_in_all(),
    rows: [
      ['Mod+Enter', m.shell_key_send()],
      ['Tab', m.shell_key_tab()],
      ['Esc', m.shell_key_esc()],
    ],
  },
];

/** What is taken already: by text fields, by forms, by places with keys of their own. */
const TAKEN = new Map([
  ['Mod+C', m.shell_taken_copying()],
  ['Mod+X', m.shell_taken_cutting()],
  ['Mod+V', m.shell_taken_pasting()],
  ['Mod+Z', m.shell_taken_undoing()],
  ['Mod+Shift+Z', m.shell_taken_redoing()],
  ['Mod+A', m.shell_taken_choosing()],
  ['Mod+F', m.shell_taken_finding()],
  ['Mod+Enter', m.shell_taken_sending()],
  ...Array.from({ length: 9 }, (_, i) => [`Alt+${i + 1}`, m.shell_taken_switching()] as const),
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
  if (keys === '+') return [keys];
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
const WORDS: Record<string, string> = {
  Mod: m.shell_keyname_ctrl(),
  Ctrl: m.shell_keyname_ctrl(),
  Shift: m.shell_keyname_shift(),
  Delete: m.shell_keyname_delete(),
  Home: m.shell_keyname_home(),
  End: m.shell_keyname_end(),
  Space: m.shell_keyname_space(),
  PageUp: m.shell_keyname_page_up(),
  PageDown: m.shell_keyname_page_down(),
  Up: '↑',
  Down: '↓',
  Left: '←',
  Right: '→',
};

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
    return { why: m.shell_keys_had({ label }), by: other };
  }
  const taken = TAKEN.get(keys);
  if (taken !== undefined) return { why: m.shell_keys_taken({ what: taken }) };
  const parts = partsOf(keys);
  const alone = !parts.some((part) => ['Mod', 'Ctrl', 'Super', 'Alt'].includes(part));
  if (alone && !/^F\d{1,2}$/.test(parts.at(-1) ?? '') && keys !== '?') return { why: m.shell_keys_alone() };
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
