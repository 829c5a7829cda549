import { m } from '$lib/paraglide/messages';

/** Names of keys as this system's people know them. */
export const isMac = /mac/i.test(navigator.platform);

export const MOD = isMac ? '⌘' : m.shell_keyname_ctrl();

/** "⌘K" or "Ctrl+K". */
export function combo(key: string): string {
  return isMac ? `⌘${key}` : `${MOD}+${key}`;
}

export function withMod(event: KeyboardEvent): boolean {
  return (isMac ? event.metaKey : event.ctrlKey) && !event.altKey;
}

/** Enter, and not the one that ends a word of an input method. */
export function isEnter(event: KeyboardEvent): boolean {
  return event.key === 'Enter' && !event.isComposing && event.keyCode !== 229;
}
