import { describe, expect, it } from 'vitest';
import { inert } from '$lib/text/inert';
import { toRows } from '$lib/state/rows';
import { rowMarkdown } from '$lib/text/transcript';
import { hostileStory } from '../fixture/hostile';

describe('what agents wrote, copied as Markdown', () => {
  it.each([
    ['![a](http://x/y.png)', '\\![a](http://x/y.png)'],
    ['[![a][b]](c)\n\n[b]: http://x/y.png', '[\\![a][b]](c)\n\n[b]: http://x/y.png'],
    ['<img src="http://x/y.png">', '\\<img src="http://x/y.png">'],
    ['\\![a](b) \\\\![a](b)', '\\![a](b) \\\\\\![a](b)'],
    ['2 < 3! [done](x)', '2 < 3! [done](x)'],
  ])('loads nothing: %s', (text, shown) => {
    expect(inert(text)).toBe(shown);
  });

  it.each(['see `![a](b)` and ``<img> ` ![a](b)``', '```md\n![a](b)\n<img>\n```', '~~~\n```\n![a](b)\n~~~'])(
    'leaves code as it is: %s',
    (text) => {
      expect(inert(text)).toBe(text);
    },
  );

  it.each([
    'a ` b\nc ` ![a](b) ` d',
    'a \\` ![a](b) `',
    '| a ` | ![a](b) ` |\n|---|---|',
    '``` a `\n![a](b)\n```',
    '1. a\n   ```\n   b\n   ```\n![a](b)',
    '```\na\n ```\n![a](b)',
    'a\r```\rb\r```\r![a](b)',
    '```\na\n```\u00a0\n![a](b)',
    '```\u2028\na\n```\n![a](b)',
    'a `\n\u00a0\nb ` ![a](b) `',
  ])('knows what only looks like code: %j', (text) => {
    expect(inert(text)).toContain('\\![a]');
  });

  it('ends its fences with it', () => {
    expect(inert('````\na\n```')).toBe('````\na\n```\n````');
    expect(inert('- a\n  ~~~\nb\n')).toBe('- a\n~~~\nb\n~~~');
  });

  it('names a tool on one line, whatever its name is', () => {
    const row = toRows(hostileStory('x')).find((each) => each.kind === 'tool')!;
    expect(rowMarkdown({ ...row, tool: 'a\n\n![x](http://there/a.png)' } as typeof row)).toContain(
      '`a ![x](http://there/a.png)`',
    );
  });

  it('is so in every row that is copied', () => {
    for (const row of toRows(hostileStory('![x](http://there/a.png)'))) {
      // In code it is no image.
      const told = rowMarkdown(row)
        .replace(/^(`{3,})[^\n]*\n[\s\S]*?\n\1$/gm, '')
        .replace(/`[^`\n]+`/g, '');
      expect(told, row.kind).not.toMatch(/(^|[^\\])!\[x\]/);
    }
  });
});
