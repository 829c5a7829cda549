// What has the focus, and whether one sees it: its looks with the focus are compared with its looks without. Looks are
// those of the element and of what is right around it, which may draw the ring for it.
const AROUND = 3;
const LOOKS = ['outlineStyle', 'outlineWidth', 'outlineColor', 'boxShadow', 'borderTopColor', 'backgroundColor', 'color'];

// What fades from one look to the other would be read half-way.
const still = new CSSStyleSheet();
still.replaceSync('*, *::before, *::after { transition: none !important; }');

function looksOf(element) {
  const looks = [];
  for (let at = element, n = 0; at && at !== document.body && n < AROUND; at = at.parentElement, n += 1) {
    const style = getComputedStyle(at);
    looks.push(LOOKS.map((name) => (name.startsWith('outline') && style.outlineStyle === 'none' ? '' : style[name])).join());
  }
  return looks.join('|');
}

const element = document.activeElement;
if (!element || element === document.body || element === document.documentElement) return null;
document.adoptedStyleSheets.push(still);
// In a list that is one stop for Tab, the row that the keys are at shows where they are.
const row = document.getElementById(element.getAttribute('aria-activedescendant') ?? '');
const box = (row ?? element).getBoundingClientRect();
const focused = looksOf(element);
element.blur();
const plain = looksOf(element);
element.focus({ preventScroll: true });
document.adoptedStyleSheets = document.adoptedStyleSheets.filter((sheet) => sheet !== still);
const words = element.getAttribute('aria-label') || element.innerText || element.placeholder || element.id;
return {
  name: `${element.tagName.toLowerCase()} ${(words ?? '').replace(/\s+/g, ' ').slice(0, 60)}`.trim(),
  seen: focused !== plain || row !== null,
  inView: box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
};
