import { baseLocale, locales, overwriteGetLocale } from '$lib/paraglide/runtime';
import { loadAnew } from './again';

/*
 * Which language the page speaks. Decided once, before anything else is imported: words that are made while modules load
 * are then right, too. Another choice loads the page anew, which costs nothing: what it shows is the daemon's.
 */

export type Language = (typeof locales)[number];

/** What is chosen in Settings: a language, or "" for the system's. */
export type LanguageChoice = Language | '';

const REMEMBERED = 'language';

function holds(tag: string): boolean {
  try {
    new Intl.Locale(tag);
    return true;
  } catch {
    return false;
  }
}

/**
 * Under `LANG=C.UTF-8` WebKitGTK reports the language "C", and any library that hands it to Intl throws while it is
 * imported: the window stays blank.
 */
export function guardLocale(target: Navigator = navigator): void {
  if (holds(target.language)) return;
  Object.defineProperty(target, 'language', { configurable: true, get: () => 'en-US' });
  Object.defineProperty(target, 'languages', { configurable: true, get: () => ['en-US'] });
}

function isLanguage(value: string): value is Language {
  return locales.some((known) => known === value);
}

/** The language of the last choice; "" where none was made. */
export function rememberedLanguage(): LanguageChoice {
  const kept = localStorage.getItem(REMEMBERED) ?? '';
  return isLanguage(kept) ? kept : '';
}

/** The first of the system's languages that we speak. */
export function systemLanguage(wanted: readonly string[] = navigator.languages): Language {
  for (const tag of wanted) {
    const language = tag.split('-')[0]?.toLowerCase() ?? '';
    if (isLanguage(language)) return language;
  }
  return baseLocale;
}

/** By whose customs numbers, dates and money are written: the system's, where it is of the page's language. */
export function formatLocale(spoken: Language, wanted: readonly string[] = navigator.languages): string {
  return wanted.find((tag) => holds(tag) && tag.split('-')[0]?.toLowerCase() === spoken) ?? spoken;
}

guardLocale();

/** The language that this page speaks. */
export const language: Language = rememberedLanguage() || systemLanguage();

/** The same as Intl wants it: "en-GB", "de". */
export const customs: string = formatLocale(language);

overwriteGetLocale(() => language);
document.documentElement.lang = language;

/** Takes up what Settings say; loads the page anew where that is another language. */
export function followLanguage(choice: () => string): void {
  const chosen = choice();
  const known = isLanguage(chosen) ? chosen : '';
  if (known !== rememberedLanguage()) localStorage.setItem(REMEMBERED, known);
  // Where nothing can be kept the next page would speak as this one does, and be loaded anew without end.
  const next = rememberedLanguage() || systemLanguage();
  if (next !== language) loadAnew();
}
