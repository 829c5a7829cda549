/*
 * Under `LANG=C.UTF-8` WebKitGTK reports the language "C", and any library that hands it to Intl throws while it is
 * imported: the window stays blank. Imported before everything else.
 */
function holds(tag: string): boolean {
  try {
    new Intl.Locale(tag);
    return true;
  } catch {
    return false;
  }
}

export function guardLocale(target: Navigator = navigator): void {
  if (holds(target.language)) return;
  Object.defineProperty(target, 'language', { configurable: true, get: () => 'en-US' });
  Object.defineProperty(target, 'languages', { configurable: true, get: () => ['en-US'] });
}

guardLocale();
