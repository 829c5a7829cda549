import type { RawPage } from '$lib/contract/types';

/** A page of a program's lines, and where it began, in bytes. */
export interface RawChunk {
  readonly from: number;
  readonly lines: readonly string[];
  readonly chars: number;
  /** The number of its first line. */
  readonly first: number;
}

/** A line of the view. */
export interface RawLine {
  /** Counted from one. */
  readonly number: number;
  readonly text: string;
}

/** Text kept in memory, in characters: a run may have written gigabytes, and what is elsewhere is read again. */
export const MAX_CHARS = 6 * 1024 * 1024;

export function chunkOf(page: RawPage, from: number, first: number): RawChunk {
  return { from, first, lines: page.lines, chars: page.lines.reduce((sum, line) => sum + line.length, 0) };
}

/** Chunks with another one behind them; what is too much goes at the start. */
export function withNext(chunks: readonly RawChunk[], next: RawChunk): readonly RawChunk[] {
  const kept = [...chunks, next];
  let chars = kept.reduce((sum, row) => sum + row.chars, 0);
  while (kept.length > 2 && chars > MAX_CHARS) chars -= kept.shift()?.chars ?? 0;
  return kept;
}

/** Chunks with one before them that was let go of; what is too much goes at the end. */
export function withPrevious(chunks: readonly RawChunk[], previous: RawChunk): readonly RawChunk[] {
  const kept = [previous, ...chunks];
  let chars = kept.reduce((sum, row) => sum + row.chars, 0);
  while (kept.length > 2 && chars > MAX_CHARS) chars -= kept.pop()?.chars ?? 0;
  return kept;
}

export function linesOf(chunks: readonly RawChunk[]): RawLine[] {
  return chunks.flatMap((chunk) => chunk.lines.map((text, i) => ({ number: chunk.first + i, text })));
}

/** A line as JSON that can be read; as it is where it is none. */
export function pretty(line: string): string {
  try {
    return JSON.stringify(JSON.parse(line), null, 2);
  } catch {
    return line;
  }
}
