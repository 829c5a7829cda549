/** Languages by how files of them end, and by the names that people write after "```". */
const BY_ENDING: Record<string, readonly string[]> = {
  bash: ['sh', 'zsh', 'shell', 'shellscript', 'console'],
  c: ['h'],
  cpp: ['cc', 'cxx', 'hpp', 'c++'],
  csharp: ['cs', 'c#'],
  css: [],
  diff: ['patch'],
  docker: ['dockerfile'],
  go: ['golang'],
  graphql: ['gql'],
  html: ['htm'],
  ini: ['cfg', 'conf', 'properties'],
  java: [],
  javascript: ['js', 'mjs', 'cjs'],
  json: ['jsonc', 'jsonl', 'json5'],
  jsx: [],
  kotlin: ['kt', 'kts'],
  lua: [],
  make: ['makefile', 'mk'],
  markdown: ['md', 'mdx'],
  php: [],
  python: ['py'],
  ruby: ['rb'],
  rust: ['rs'],
  scss: ['sass'],
  sql: [],
  svelte: [],
  swift: [],
  toml: [],
  tsx: [],
  typescript: ['ts', 'mts', 'cts'],
  vue: [],
  xml: ['svg', 'plist', 'xsd'],
  yaml: ['yml'],
};

const NAMES = new Map(
  Object.entries(BY_ENDING).flatMap(([name, others]) => [name, ...others].map((other) => [other, name] as const)),
);

/** A language's own name by one of its names; empty where it is not known. */
export function languageNamed(name: string): string {
  return NAMES.get(name.toLowerCase()) ?? '';
}

/** The language of a file, by its name; empty where it is not known. */
export function languageOf(path: string): string {
  const file = (path.split(/[/\\]/).at(-1) ?? '').toLowerCase();
  return languageNamed(file.includes('.') ? (file.split('.').at(-1) ?? '') : file);
}
