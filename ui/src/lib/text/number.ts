import { customs } from '$lib/locale';

/*
 * Numbers as people type them: "2.5" and "2,5" are the same wherever one is, "1,000" and "1.000" are not.
 */

const GROUP = new Intl.NumberFormat(customs).formatToParts(1_234_567).find((part) => part.type === 'group')?.value;
const PLAIN = new Intl.NumberFormat(customs, { useGrouping: false, maximumFractionDigits: 4 });

/** What was typed as a number; NaN where it is none. */
export function readNumber(typed: string): number {
  const text = typed.trim().replace(/(?<=\d)['’\s](?=\d{3})/gu, '');
  if (text === '') return NaN;
  const parts = GROUP === ',' || GROUP === '.' ? text.split(GROUP) : [];
  // In threes, as thousands are set apart.
  const grouped =
    parts.length > 1 && parts.every((part, i) => (i === 0 ? /^-?[1-9]\d{0,2}$/ : /^\d{3}(?:[.,]\d+)?$/).test(part));
  return Number((grouped ? parts.join('') : text).replace(',', '.'));
}

/** A number as it stands in a field, to be typed over. */
export function typedNumber(value: number): string {
  return Number.isFinite(value) ? PLAIN.format(value) : '';
}
