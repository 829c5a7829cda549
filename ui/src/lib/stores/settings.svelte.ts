import { backend, type Fault } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import type { Settings, Theme } from '$lib/contract/types';

/** The founder's settings. */
class SettingsStore {
  value = $state.raw<Settings>();
  /** The language that is kept. What is on its way there may yet be refused, and a page that is loaded anew sends nothing. */
  language = $state<string>();
  fault = $state.raw<Fault>();
  #saving: Promise<unknown> = Promise.resolve();

  async load(): Promise<void> {
    try {
      this.#take(await backend().call('settings.get', {}));
      this.fault = undefined;
    } catch (thrown) {
      this.fault = asFault(thrown);
    }
  }

  /** One after the other, so that two quick changes do not undo each other. Rejects with a `Fault`. */
  save(patch: Partial<Settings>): Promise<void> {
    const saved = this.#saving.then(async () => {
      const before = this.value ?? (await backend().call('settings.get', {}));
      this.value = { ...before, ...patch };
      try {
        this.#take(await backend().call('settings.set', { ...before, ...patch }));
      } catch (thrown) {
        this.value = before;
        throw asFault(thrown);
      }
    });
    this.#saving = saved.catch(() => undefined);
    return saved;
  }

  #take(kept: Settings): void {
    this.value = kept;
    this.language = kept.language;
  }
}

export const settings = new SettingsStore();

const REMEMBERED = 'theme';

/** The theme of the last time, so that the first picture is not of another one. */
export function rememberedTheme(): Theme {
  const kept = localStorage.getItem(REMEMBERED);
  return kept === 'light' || kept === 'dark' ? kept : 'system';
}

/** Puts the theme on the page, and follows the system where that is what it says. */
export function followTheme(theme: () => Theme): () => void {
  const system = matchMedia('(prefers-color-scheme: dark)');
  const apply = () => {
    const chosen = theme();
    localStorage.setItem(REMEMBERED, chosen);
    document.documentElement.dataset.theme = chosen === 'system' ? (system.matches ? 'dark' : 'light') : chosen;
  };
  apply();
  system.addEventListener('change', apply);
  return () => system.removeEventListener('change', apply);
}

const SIZE = 'text-size';
export const TEXT_SIZES = { min: 80, max: 200 } as const;

/** The text size of the last time, in percent. */
export function rememberedTextSize(): number {
  const kept = Number(localStorage.getItem(SIZE) ?? 100);
  return kept >= TEXT_SIZES.min && kept <= TEXT_SIZES.max ? kept : 100;
}

let drawn = 100;

/** Draws the page, with all that is measured by text, in that size. */
export function followTextSize(percent: () => number): void {
  const wanted = Math.min(TEXT_SIZES.max, Math.max(TEXT_SIZES.min, percent()));
  localStorage.setItem(SIZE, String(wanted));
  if (wanted === drawn) return;
  drawn = wanted;
  backend()
    .native.zoom(wanted)
    .catch((thrown: unknown) => backend().native.reportError(asFault(thrown).message, ''));
}
