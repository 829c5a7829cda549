// Writes src/lib/licences.json: what is built into the app, and under which licence. Run by `npm run licences` after a
// dependency was added, taken away or brought up to date.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Packages that the page is built from, with all that they need. */
function packages() {
  const lock = JSON.parse(readFileSync(at('../package-lock.json'), 'utf8')).packages;
  const wanted = [...Object.keys(lock[''].dependencies), 'svelte'];
  const seen = new Set();
  const rows = [];
  for (let name = wanted.shift(); name; name = wanted.shift()) {
    const entry = lock[`node_modules/${name}`];
    if (!entry || seen.has(name)) continue;
    seen.add(name);
    rows.push([name, entry.version, entry.license ?? 'unknown']);
    wanted.push(...Object.keys(entry.dependencies ?? {}));
  }
  return rows;
}

/** Crates that the programs are built from: those that are needed at run time, on any system. */
function crates() {
  const text = execFileSync('cargo', ['metadata', '--format-version', '1', '--locked'], {
    cwd: at('../..'),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { packages: all, resolve, workspace_members: own } = JSON.parse(text);
  const nodes = new Map(resolve.nodes.map((node) => [node.id, node]));
  const byId = new Map(all.map((crate) => [crate.id, crate]));
  // Tests and benches are not shipped.
  const wanted = own.filter((id) => !/[/\\](tests|benches?)[/\\]Cargo\.toml$/.test(byId.get(id).manifest_path));
  const seen = new Set();
  for (let id = wanted.shift(); id; id = wanted.shift()) {
    if (seen.has(id)) continue;
    seen.add(id);
    for (const dep of nodes.get(id)?.deps ?? [])
      if (dep.dep_kinds.some(({ kind }) => kind === null)) wanted.push(dep.pkg);
  }
  return [...seen]
    .filter((id) => !own.includes(id))
    .map((id) => byId.get(id))
    .map((crate) => [
      crate.name,
      crate.version,
      (crate.license ?? 'unknown').replaceAll('/', ' OR ').replaceAll('  ', ' '),
    ]);
}

const byName = (a, b) => a[0].localeCompare(b[0], 'en') || a[1].localeCompare(b[1], 'en');
const list = { page: packages().sort(byName), programs: crates().sort(byName) };
const lines = (rows) => rows.map((row) => `    ${JSON.stringify(row)}`).join(',\n');
writeFileSync(
  at('../src/lib/licences.json'),
  `{\n  "page": [\n${lines(list.page)}\n  ],\n  "programs": [\n${lines(list.programs)}\n  ]\n}\n`,
);
console.log(`${list.page.length} packages, ${list.programs.length} crates`);
