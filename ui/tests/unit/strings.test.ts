import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'svelte/compiler';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

/*
 * Every word that a user can read comes from messages/: what is found here stands in the code in one language. Where a
 * string is not for people (a name in a protocol, a key of a keyboard), `NOT_WORDS` says so, or the place does, with
 * "not words" in a comment at the end of its line.
 */
const ROOT = 'src';
const LEFT_OUT = [/^src\/lib\/paraglide\//, /^src\/lib\/contract\//, /licences\.json$/];
const MARK = /not words/;

/** Strings of one word that look like one for people. */
const NOT_WORDS = new Set([
  ...['Enter', 'Escape', 'Tab', 'Backspace', 'Delete', 'Home', 'End', 'PageUp', 'PageDown', 'Shift', 'Control', 'Alt'],
  ...['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight', 'Meta', 'Ctrl', 'Space', 'Files', 'Super', 'Cmd', 'Option'],
  ...[
    'AICIB',
    'POSIX',
    'CSV',
    'JSON',
    'HTML',
    'Markdown',
    'GET',
    'POST',
    'AltGraph',
    'Dead',
    'Process',
    'Unidentified',
    'CapsLock',
    'NumLock',
    'Fn',
  ],
  ...['Up', 'Down', 'Left', 'Right', 'Esc', 'Mod', 'Page', 'CmdOrCtrl'],
]);

/** Attributes that nobody reads. */
const NOT_READ =
  /^(class|style|id|for|href|src|type|role|name|value|data-.*|key|target|rel|viewBox|d|fill|stroke.*|xmlns|transform|points|[xy][12]?|c[xy]|r|rx|ry|width|height|tabindex|autocomplete|inputmode|spellcheck|slot|this|aria-(live|haspopup|orientation|current|sort|controls|describedby|labelledby|owns|autocomplete|relevant|atomic|expanded|hidden|selected|pressed|checked|modal|busy|keyshortcuts|activedescendant|multiselectable|level|setsize|posinset)|mode|kind|tone|align|side|size|variant|language|dir|lang|placement|enterkeyhint|autocapitalize|accept|method|testid|anchor|box)$/;

interface Found {
  readonly line: number;
  readonly text: string;
}

function isForPeople(text: string): boolean {
  const plain = text.trim();
  if (plain.split(/[\s+]+/).every((part) => NOT_WORDS.has(part)) || !/\p{L}/u.test(plain)) return false;
  if (/^[\w-]+(\.[\w-]+)+$/.test(plain) || /^[a-z]+:|^[/#.<[\\]|^--/.test(plain)) return false;
  return /\p{L}[\p{L}’'.,:;!?)…-]*\s+\(?\p{L}/u.test(plain) || /^\p{Lu}[\p{Ll}’]+[.:…!?]?$/u.test(plain);
}

/** Strings in a script; `shift` is the line on which it begins. */
function inScript(text: string, shift: number): Found[] {
  const file = ts.createSourceFile('a.ts', text, ts.ScriptTarget.Latest, true);
  const found: Found[] = [];
  const add = (node: ts.Node, words: string): void => {
    if (isForPeople(words))
      found.push({ line: file.getLineAndCharacterOfPosition(node.getStart()).line + shift, text: words });
  };
  const isCode = (node: ts.Node): boolean =>
    ts.isImportDeclaration(node) ||
    ts.isExportDeclaration(node) ||
    ts.isTypeNode(node) ||
    // What only a programmer can meet.
    (ts.isNewExpression(node) && /^(Error|RegExp|TypeError|RangeError)$/.test(node.expression.getText())) ||
    (ts.isCallExpression(node) && /querySelector|matchMedia|closest|matches$/.test(node.expression.getText()));
  const visit = (node: ts.Node): void => {
    if (isCode(node)) return;
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) add(node, node.text);
    else if (ts.isTemplateExpression(node))
      add(node, [node.head.text, ...node.templateSpans.map((span) => span.literal.text)].join('{}'));
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

function inComponent(source: string): Found[] {
  const lineOf = (at: number): number => source.slice(0, at).split('\n').length;
  const found: Found[] = [];
  const script = (start: number, end: number): void => {
    found.push(...inScript(source.slice(start, end), lineOf(start)));
  };
  const visit = (value: unknown, attribute?: Node): void => {
    if (Array.isArray(value)) {
      for (const child of value) visit(child, attribute);
      return;
    }
    if (typeof value !== 'object' || value === null || !('type' in value)) return;
    const node = value as Node;
    if (node.type === 'StyleDirective') {
      visitExpressions(node['value']);
      return;
    }
    if (node.type === 'Attribute') {
      const name = String(node['name']);
      if (!NOT_READ.test(name)) visit(node['value'], node);
      else if (!/^(class|style|id|data-.*|role|type)$/.test(name)) visitExpressions(node['value']);
      return;
    }
    if (node.type === 'Text') {
      const text = String(node['data']);
      if (attribute ? isForPeople(text) : /\p{L}{2}/u.test(text) && !NOT_WORDS.has(text.trim()))
        found.push({ line: lineOf(node.start), text: text.trim() });
      return;
    }
    if (node.type.endsWith('Expression') || node.type === 'Literal' || node.type === 'TemplateLiteral') {
      script(node.start, node.end);
      return;
    }
    for (const [key, child] of Object.entries(node))
      if (key !== 'parent' && key !== 'metadata') visit(child, attribute);
  };
  const visitExpressions = (value: unknown): void => {
    for (const part of Array.isArray(value) ? value : [value])
      if (part && typeof part === 'object' && (part as Node).type === 'ExpressionTag') visit(part);
  };
  const root = parse(source, { modern: true });
  visit(root.fragment);
  for (const part of [root.instance, root.module]) {
    if (!part) continue;
    const content = part.content as unknown as Node;
    script(content.start, content.end);
  }
  return found;
}

function files(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => (entry.isDirectory() ? files(join(folder, entry.name)) : [join(folder, entry.name)]))
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => /\.(svelte|ts)$/.test(path) && LEFT_OUT.every((left) => !left.test(path)))
    .sort();
}

function wordsIn(path: string): string[] {
  const source = readFileSync(path, 'utf8');
  const lines = source.split('\n');
  return (path.endsWith('.svelte') ? inComponent(source) : inScript(source, 1))
    .filter((place) => !MARK.test(lines[place.line - 1] ?? ''))
    .map((place) => `${path}:${place.line} ${place.text.slice(0, 90)}`);
}

describe('words for people', () => {
  for (const path of files(ROOT)) it(path, () => expect(wordsIn(path)).toEqual([]));
});

type Messages = Record<string, unknown>;

/** The values that a message takes, by their names. */
function values(message: unknown): string[] {
  const text = JSON.stringify(message);
  return [...new Set([...text.matchAll(/\{(\w+)\}|input (\w+)/g)].map((found) => found[1] ?? found[2] ?? ''))].sort();
}

describe('messages', () => {
  const areas = readdirSync('messages/en').sort();
  const read = (language: string, area: string): Messages =>
    JSON.parse(readFileSync(join('messages', language, area), 'utf8')) as Messages;

  it('have a key once', () => {
    const keys = areas.flatMap((area) => Object.keys(read('en', area)));
    expect(keys.filter((key, i) => keys.indexOf(key) !== i)).toEqual([]);
  });

  for (const language of readdirSync('messages').filter((name) => /^[a-z]{2}$/.test(name) && name !== 'en'))
    for (const area of areas)
      it(`${area} is complete in ${language}`, () => {
        const [en, other] = [read('en', area), read(language, area)];
        expect(Object.keys(other).sort()).toEqual(Object.keys(en).sort());
        for (const key of Object.keys(en)) {
          expect(JSON.stringify(other[key]), key).not.toMatch(/^"\s*"$/);
          if (typeof en[key] === 'string' && typeof other[key] === 'string')
            expect(values(other[key]), key).toEqual(values(en[key]));
        }
      });

  it('are all used', () => {
    const code = files(ROOT)
      .map((path) => readFileSync(path, 'utf8'))
      .join('\n');
    const used = new Set([...code.matchAll(/\bm\.(\w+)/g)].map((found) => found[1]));
    expect(areas.flatMap((area) => Object.keys(read('en', area))).filter((key) => !used.has(key))).toEqual([]);
  });
});
