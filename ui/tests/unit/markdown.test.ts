// @vitest-environment jsdom
// happy-dom's tree walker is not one that DOMPurify can work on.
import { describe, expect, it } from 'vitest';
import { isOpenable, markdown } from '$lib/text/markdown';

function shown(text: string): HTMLElement {
  const element = document.createElement('div');
  element.innerHTML = markdown(text);
  return element;
}

describe('Markdown', () => {
  it('keeps structure', () => {
    const element = shown('# Plan\n\n1. **one**\n2. `two`\n\n| a | b |\n|---|---|\n| 1 | 2 |');
    expect(element.querySelector('h1')?.textContent).toBe('Plan');
    expect(element.querySelectorAll('ol li')).toHaveLength(2);
    expect(element.querySelector('code')?.textContent).toBe('two');
    expect(element.querySelector('td')?.textContent).toBe('1');
  });

  const hostile = [
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '![pixel](https://evil.example/p.png)',
    '<svg onload=alert(1)><script>alert(1)</script></svg>',
    '<iframe src="https://evil.example"></iframe>',
    '<style>*{display:none}</style>',
    '<p style="position:fixed;inset:0">cover</p>',
    '<form action="https://evil.example"><input name=key><button>Go</button></form>',
    '<a href="javascript:alert(1)">x</a>',
    '[x](javascript:alert(1))',
    '[x](JaVaScRiPt:alert(1))',
    '[x](data:text/html;base64,PHNjcmlwdD4=)',
    '[x](file:///etc/passwd)',
    '<a href="https://ok.example" onclick="alert(1)" target="_top" id="x" class="btn pri">x</a>',
    '<math><mtext></mtext><mglyph><style><img src=x onerror=alert(1)>',
    '<base href="https://evil.example">',
    '<link rel=stylesheet href=https://evil.example/x.css>',
    '<video src=https://evil.example/v autoplay></video>',
    '<div onmouseover=alert(1)>x</div>',
    '<template><img src=x onerror=alert(1)></template>',
    '```html\n<img src=x onerror=alert(1)>\n```',
    '<object data="x"></object><embed src="x">',
  ];

  it.each(hostile)('lets nothing through of %s', (text) => {
    const element = shown(text);
    const forbidden =
      'script,img,svg,iframe,style,form,input,button,base,link,video,object,embed,template,math,[style],[id],[class]:not(code[class^="language-"]),[target]';
    expect(element.querySelector(forbidden)).toBeNull();
    for (const node of element.querySelectorAll('*')) {
      for (const { name, value } of [...node.attributes]) {
        expect(['href', 'start', 'class']).toContain(name);
        if (name === 'class') expect(value).toMatch(/^language-[\w+#.-]{1,24}$/);
        if (name === 'href') expect(value).toMatch(/^(https?:|mailto:)/i);
      }
    }
  });

  it('keeps links that may be opened', () => {
    expect(shown('[docs](https://example.com/a?b=1)').querySelector('a')?.getAttribute('href')).toBe(
      'https://example.com/a?b=1',
    );
    expect(shown('<mailto:ann@example.com>').querySelector('a')).not.toBeNull();
    expect(isOpenable('https://example.com')).toBe(true);
    expect(isOpenable(' javascript:alert(1)')).toBe(false);
    expect(isOpenable('file:///etc/passwd')).toBe(false);
  });

  it('shows what is too long to parse as it is, harmless', () => {
    const element = shown(`<img src=x onerror=alert(1)>${'*'.repeat(70_000)}`);
    expect(element.querySelector('img')).toBeNull();
    expect(element.querySelector('pre')).not.toBeNull();
  });
});
