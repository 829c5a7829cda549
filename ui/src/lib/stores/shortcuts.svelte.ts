import { doneBy, inUse, keysOf, written, type ShortcutId } from '$lib/state/shortcuts';
import { isMac } from '$lib/text/keys';
import { settings } from './settings.svelte';

/** The keys as they are now. */
class Shortcuts {
  use = $derived(inUse(settings.value?.shortcuts ?? {}, isMac));

  /** The keys for that, to be shown beside it; empty where it has none. */
  hint(id: ShortcutId): string {
    const keys = this.use.get(id) ?? '';
    return keys === '' ? '' : written(keys, isMac);
  }

  /** What was asked for with these keys. What is typed into a field is no wish. */
  asked(event: KeyboardEvent): ShortcutId | undefined {
    if (event.isComposing || event.defaultPrevented) return undefined;
    const keys = keysOf(event, isMac);
    return this.typing(event, keys) ? undefined : doneBy(keys, this.use);
  }

  /** Which company was asked for, by its place in the list; none where none was. */
  company(event: KeyboardEvent): number | undefined {
    const keys = keysOf(event, isMac);
    const place = /^Alt\+([1-9])$/.exec(keys)?.[1];
    return place === undefined || this.typing(event, keys) ? undefined : Number(place) - 1;
  }

  private typing(event: KeyboardEvent, keys: string): boolean {
    const field = event.target instanceof Element && event.target.closest('input, textarea, select, [contenteditable]');
    if (!field || keys.startsWith('Mod+') || /(^|\+)F\d+$/.test(keys)) return false;
    // On a Mac that key writes letters of its own.
    return isMac || !keys.startsWith('Alt+');
  }
}

export const shortcuts = new Shortcuts();
