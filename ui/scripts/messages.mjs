// Compiles messages/<language>/*.json to src/lib/paraglide: one typed function a message, so that a message that is
// missing, or a value that it needs, fails the build. Vite and Vitest do it by themselves.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compile } from '@inlang/paraglide-js';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

export const OPTIONS = {
  project: at('../project.inlang'),
  outdir: at('../src/lib/paraglide'),
  // src/lib/locale.ts says which language it is, once for a page's life.
  strategy: ['globalVariable', 'baseLocale'],
  emitTsDeclarations: true,
  emitReadme: false,
  // Several of Vite, Vitest and the editor may compile at once.
  cleanOutdir: false,
};

const STAMP = at('../src/lib/paraglide/.made-from');

/** What the functions are made from. */
function source() {
  const hash = createHash('sha256');
  const add = (path) => hash.update(path.slice(at('..').length)).update(readFileSync(path));
  for (const path of [
    fileURLToPath(import.meta.url),
    at('../package-lock.json'),
    at('../project.inlang/settings.json'),
  ])
    add(path);
  for (const entry of readdirSync(at('../messages'), { recursive: true, withFileTypes: true }))
    if (entry.isFile()) add(`${entry.parentPath}/${entry.name}`);
  return hash.digest('hex');
}

/**
 * What messages count with. The compiler's own makes a formatter at each call, which costs more than all else that a row
 * of a list does.
 */
const REGISTRY = `/* eslint-disable */
const made = new Map();
function once(key, make) {
  let known = made.get(key);
  if (!known) made.set(key, (known = make()));
  return known;
}
/** @returns {string} */
export function plural(locale, input) {
  return once('p' + locale, () => new Intl.PluralRules(locale)).select(Number(input));
}
/** @returns {string} */
export function number(locale, input) {
  return once('n' + locale, () => new Intl.NumberFormat(locale)).format(Number(input));
}
`;

/** In a process of its own: the compiler leaves timers that would keep this one alive for half a minute. */
export function compileMessages() {
  execFileSync(process.execPath, [fileURLToPath(import.meta.url)], { stdio: 'inherit' });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const made = source();
  if (!existsSync(STAMP) || readFileSync(STAMP, 'utf8') !== made) {
    await compile(OPTIONS);
    writeFileSync(at('../src/lib/paraglide/registry.js'), REGISTRY);
    writeFileSync(STAMP, made);
  }
  process.exit(0);
}
