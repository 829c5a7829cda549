import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, it } from 'vitest';

const SRC = resolve(import.meta.dirname, '../../src');

function files(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return files(path);
    return /\.(ts|svelte)$/.test(entry.name) ? [path] : [];
  });
}

const all = files(SRC);
const known = new Set(all);

function specifiers(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  const found = text.matchAll(
    /(?:^|\n)\s*(?:import|export)\s(?!type\s)[^'";]*?from\s+'([^']+)'|(?:^|\n)\s*import\s+'([^']+)'/g,
  );
  return [...found].map((match) => match[1] ?? match[2] ?? '');
}

function target(file: string, specifier: string): string | undefined {
  const base = specifier.startsWith('$lib/')
    ? join(SRC, 'lib', specifier.slice(5))
    : specifier.startsWith('.')
      ? resolve(dirname(file), specifier)
      : undefined;
  if (base === undefined) return undefined;
  return [base, `${base}.ts`].find((path) => known.has(path));
}

const edges = new Map(all.map((file) => [file, specifiers(file).flatMap((name) => target(file, name) ?? [])]));

it('finds the imports it is to look at', () => {
  expect(edges.get(join(SRC, 'main.ts'))).toContain(join(SRC, 'App.svelte'));
  expect([...edges.values()].flat().length).toBeGreaterThan(100);
});

it('has no cycle among the files of the page', () => {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): void => {
    const at = path.indexOf(file);
    if (at >= 0) throw new Error([...path.slice(at), file].map((name) => relative(SRC, name)).join(' → '));
    if (done.has(file)) return;
    path.push(file);
    for (const next of edges.get(file) ?? []) visit(next);
    path.pop();
    done.add(file);
  };
  for (const file of all) visit(file);
});

it('talks to the desktop in one file only', () => {
  const users = all.filter((file) => specifiers(file).some((name) => name.startsWith('@tauri-apps/')));
  expect(users.map((file) => relative(SRC, file))).toEqual([join('lib', 'backend', 'tauri.ts')]);
});

it('takes nothing from the tests', () => {
  expect(all.filter((file) => specifiers(file).some((name) => name.includes('tests/')))).toEqual([]);
});
