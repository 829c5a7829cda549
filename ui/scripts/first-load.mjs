// Says how much the page loads before its first picture, compressed, and fails where that is more than it may be.
// Run after a build: `npm run first-load`.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const DIST = new URL('../dist/', import.meta.url);
const MOST = 250_000;

/** A script and all that it imports at once; what it imports later is not loaded first. */
function closure(path, seen = new Set()) {
  if (seen.has(path)) return seen;
  seen.add(path);
  if (!path.endsWith('.js')) return seen;
  const text = readFileSync(new URL(path, DIST), 'utf8');
  for (const found of text.matchAll(/(?:\bfrom|\bimport)\s*["']\.\/([^"']+)["']/g)) closure(`assets/${found[1]}`, seen);
  return seen;
}

const page = readFileSync(new URL('index.html', DIST), 'utf8');
const files = new Set();
for (const found of page.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)) closure(found[1], files);
let sum = gzipSync(page).length;
for (const file of files) sum += gzipSync(readFileSync(new URL(file, DIST))).length;
console.log(`first load: ${files.size} files, ${Math.round(sum / 1000)} kB compressed, of ${MOST / 1000}`);
if (sum > MOST) {
  console.error('The first load is too heavy: load what is not on the first picture later (see Later.svelte).');
  process.exit(1);
}
