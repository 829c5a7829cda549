import type { HighlighterCore } from 'shiki/core';

/** A stretch of code in one colour; none for the text's own. */
export interface Token {
  readonly text: string;
  readonly colour: string | undefined;
}

/** More is shown as it is. */
const MAX_HIGHLIGHTED = 200 * 1024;
/** A longer line is shown as it is: grammars are not made for it. */
const MAX_LINE = 2000;
/** Characters that are done before the page has its turn again. */
const PIECE = 6 * 1024;
/** And no text may take longer than this in all. */
const LONGEST_MS = 1500;
const THEME = 'page';

/** Each is loaded when a text of it is met first. */
const LOADERS: Record<string, () => Promise<{ default: unknown }>> = {
  bash: () => import('shiki/langs/bash.mjs'),
  c: () => import('shiki/langs/c.mjs'),
  cpp: () => import('shiki/langs/cpp.mjs'),
  csharp: () => import('shiki/langs/csharp.mjs'),
  css: () => import('shiki/langs/css.mjs'),
  diff: () => import('shiki/langs/diff.mjs'),
  docker: () => import('shiki/langs/docker.mjs'),
  go: () => import('shiki/langs/go.mjs'),
  graphql: () => import('shiki/langs/graphql.mjs'),
  html: () => import('shiki/langs/html.mjs'),
  ini: () => import('shiki/langs/ini.mjs'),
  java: () => import('shiki/langs/java.mjs'),
  javascript: () => import('shiki/langs/javascript.mjs'),
  json: () => import('shiki/langs/json.mjs'),
  jsx: () => import('shiki/langs/jsx.mjs'),
  kotlin: () => import('shiki/langs/kotlin.mjs'),
  lua: () => import('shiki/langs/lua.mjs'),
  make: () => import('shiki/langs/make.mjs'),
  markdown: () => import('shiki/langs/markdown.mjs'),
  php: () => import('shiki/langs/php.mjs'),
  python: () => import('shiki/langs/python.mjs'),
  ruby: () => import('shiki/langs/ruby.mjs'),
  rust: () => import('shiki/langs/rust.mjs'),
  scss: () => import('shiki/langs/scss.mjs'),
  sql: () => import('shiki/langs/sql.mjs'),
  svelte: () => import('shiki/langs/svelte.mjs'),
  swift: () => import('shiki/langs/swift.mjs'),
  toml: () => import('shiki/langs/toml.mjs'),
  tsx: () => import('shiki/langs/tsx.mjs'),
  typescript: () => import('shiki/langs/typescript.mjs'),
  vue: () => import('shiki/langs/vue.mjs'),
  xml: () => import('shiki/langs/xml.mjs'),
  yaml: () => import('shiki/langs/yaml.mjs'),
};

let highlighter: Promise<HighlighterCore> | undefined;
const loaded = new Map<string, Promise<void>>();

/** Without WebAssembly, which the page's policy does not let in. */
async function create(): Promise<HighlighterCore> {
  const [core, engine] = await Promise.all([import('shiki/core'), import('shiki/engine/javascript')]);
  return core.createHighlighterCore({
    themes: [core.createCssVariablesTheme({ name: THEME, variablePrefix: '--code-', fontStyle: false })],
    langs: [],
    engine: engine.createJavaScriptRegexEngine({ forgiving: true }),
  });
}

async function withLanguage(language: string): Promise<HighlighterCore> {
  highlighter ??= create();
  const ready = await highlighter;
  const loader = LOADERS[language];
  if (!loader) return ready;
  let load = loaded.get(language);
  if (!load) {
    load = loader().then((module) => ready.loadLanguage(module.default as never));
    loaded.set(language, load);
  }
  await load;
  return ready;
}

/** Whether a text would get colours at all. */
export function isHighlightable(text: string, language: string): boolean {
  return text !== '' && text.length <= MAX_HIGHLIGHTED && Object.hasOwn(LOADERS, language);
}

/** Some lines at a time, so that each piece is done in a moment. */
function pieces(text: string): string[] {
  const out: string[] = [];
  let from = 0;
  while (from < text.length) {
    const end = text.indexOf('\n', from + PIECE);
    out.push(text.slice(from, end < 0 ? undefined : end));
    from = end < 0 ? text.length : end + 1;
  }
  return out;
}

/** Lines of code in colours, or undefined where the text is to be shown as it is. Never rejects. */
export async function highlight(text: string, language: string): Promise<Token[][] | undefined> {
  if (!isHighlightable(text, language)) return undefined;
  try {
    const ready = await withLanguage(language);
    const lines: Token[][] = [];
    const began = performance.now();
    let state: unknown;
    for (const piece of pieces(text)) {
      if (performance.now() - began > LONGEST_MS) {
        for (const line of piece.split('\n')) lines.push([{ text: line, colour: undefined }]);
        continue;
      }
      const done = ready.codeToTokens(piece, {
        lang: language,
        theme: THEME,
        tokenizeMaxLineLength: MAX_LINE,
        tokenizeTimeLimit: 60,
        ...(state === undefined ? {} : { grammarState: state as never }),
      });
      state = done.grammarState;
      for (const line of done.tokens)
        lines.push(line.map((token) => ({ text: token.content, colour: token.color ?? undefined })));
      await new Promise((next) => setTimeout(next));
    }
    return lines;
  } catch {
    // A grammar that fails leaves the text without colours: it is all there.
    return undefined;
  }
}
