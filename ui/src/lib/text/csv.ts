import type { CostRow } from '$lib/contract/types';
import { BASIS_NAMES } from './names';

/** Signs by which a spreadsheet takes a cell for a formula. */
const FORMULA = /^[\s]*[=+\-@\t\r|]/;

/** A cell that no spreadsheet takes for a formula, whatever is in it. */
export function cell(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n;\t]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A report on costs as a table, for a spreadsheet. */
export function costsCsv(by: string, rows: readonly CostRow[]): string {
  const head = [by, 'calls', 'input tokens', 'cache read', 'cache write', 'output tokens', 'cost in USD', 'basis'];
  const lines = rows.map(({ label, calls, tokens, cost_usd, basis }) => [
    label,
    calls,
    tokens.input,
    tokens.cache_read,
    tokens.cache_write,
    tokens.output,
    cost_usd,
    BASIS_NAMES[basis],
  ]);
  return [head, ...lines].map((line) => line.map(cell).join(',')).join('\r\n') + '\r\n';
}
