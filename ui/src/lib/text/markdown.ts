import DOMPurify from 'dompurify';
import { Marked } from 'marked';

/*
 * What agents write is hostile: they read files and pages that anybody may have written. Only plain structure gets
 * through; nothing loads, nothing styles, nothing runs, and a link goes nowhere until it is clicked (`Markdown.svelte`).
 */
const TAGS = [
  ...['p', 'br', 'hr', 'strong', 'em', 'del', 'code', 'pre', 'blockquote', 'a'],
  ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'ul', 'ol', 'li'],
  ...['table', 'thead', 'tbody', 'tr', 'th', 'td'],
];
const LINK = /^(?:https?:|mailto:)/i;

const marked = new Marked({ gfm: true, breaks: true, async: false });

function escape(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

/** Whether a link may be handed to the system. */
export function isOpenable(url: string): boolean {
  return LINK.test(url.trim());
}

/** More than this is shown as it is: parsing it would hold the page up. */
const MAX_MARKDOWN = 64 * 1024;

/** Nested deeper, by quotes or lists, is no text that anybody wrote. */
const NESTED = /^(?:[ \t]*(?:>|[-*+]|\d{1,3}[.)])[ \t]?){12}/m;
/** So many of these on end are made to cost time. */
const RUNS = /[[\]*_~`<(!|]{200}|[^\S\n]{400}/;
/** Openings of links and emphasis, at most: each may be looked for to the end. */
const MAX_OPENINGS = 4000;
/** Addresses that become links by themselves. */
const MAX_ADDRESSES = 1000;
/** Cells of tables. */
const MAX_CELLS = 6000;

function countOf(text: string, what: RegExp): number {
  return text.match(what)?.length ?? 0;
}

/** Whether a text is shown as it is: long ones, and those that are made to hold the page up. */
export function isTooMuch(text: string): boolean {
  if (text.length > MAX_MARKDOWN || NESTED.test(text) || RUNS.test(text)) return true;
  if (text.length <= MAX_OPENINGS) return false;
  return (
    countOf(text, /[[*_~<`]/g) > MAX_OPENINGS ||
    countOf(text, /\|/g) > MAX_CELLS ||
    countOf(text, /https?:\/\/|www\.|@/g) > MAX_ADDRESSES
  );
}

/** Only the name of a code block's language is let through, for its colours. */
DOMPurify.addHook('uponSanitizeAttribute', (node, data) => {
  if (data.attrName === 'class')
    data.keepAttr = node.nodeName === 'CODE' && /^language-[\w+#.-]{1,24}$/.test(data.attrValue);
});

/** Markdown as harmless HTML. */
export function markdown(text: string): string {
  // Where it cannot work, DOMPurify gives back what it got.
  if (isTooMuch(text) || !DOMPurify.isSupported) return `<pre>${escape(text)}</pre>`;
  let html: string;
  try {
    html = marked.parse(text) as string;
  } catch {
    return `<pre>${escape(text)}</pre>`;
  }
  return DOMPurify.sanitize(html, {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ['href', 'start', 'class'],
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    ALLOWED_URI_REGEXP: LINK,
  });
}
