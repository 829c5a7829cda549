import type { CostRow } from '$lib/contract/types';

/** Signs by which a spreadsheet takes a cell for a formula. */
const FORMULA = /^[\s]*[=+\-@\t\r|]/;

/** A cell that no spreadsheet takes for a formula, whatever is in it. */
export function cell(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n;\t]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** What stands over the columns, and in that of the basis, is the same in every language: programs read it, too. */
const COLUMNS = 'calls,input tokens,cache read,cache write,output tokens,cost in USD,basis'; // not words

/** A report on costs as a table, for a spreadsheet. */
export function costsCsv(by: string, rows: readonly CostRow[]): string {
  const lines = rows.map(({ label, calls, tokens, cost_usd, basis }) => [
    label,
    calls,
    tokens.input,
    tokens.cache_read,
    tokens.cache_write,
    tokens.output,
    cost_usd,
    basis,
  ]);
  return [`${by},${COLUMNS}`, ...lines.map((line) => line.map(cell).join(','))].join('\r\n') + '\r\n';
}
