// What has the focus, and whether one sees it: it has a ring, or its looks are others than those of a copy that has not
// the focus. Looks are those of the element and of what is right around it, which may draw the ring for it. The focus
// itself is left alone: keys may be on their way to it.
const AROUND = 3;
const LOOKS = ['outlineStyle', 'outlineWidth', 'outlineColor', 'boxShadow', 'borderTopColor', 'backgroundColor', 'color'];

function looksOf(element, most = AROUND) {
  const looks = [];
  for (let at = element, n = 0; at && at !== document.body && n < most; at = at.parentElement, n += 1) {
    const style = getComputedStyle(at);
    looks.push(LOOKS.map((name) => (name.startsWith('outline') && style.outlineStyle === 'none' ? '' : style[name])).join());
    for (const drawn of ['::before', '::after']) looks.push(getComputedStyle(at, drawn).backgroundColor);
  }
  return looks.join('|');
}

function hasRing(element) {
  const style = getComputedStyle(element);
  return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
}

function looksAsACopy(element) {
  let top = element;
  const path = [];
  let most = 1;
  for (; most < AROUND && top.parentElement && top.parentElement !== document.body; most += 1) {
    path.unshift([...top.parentElement.children].indexOf(top));
    top = top.parentElement;
  }
  const copy = top.cloneNode(true);
  top.after(copy);
  const plain = path.reduce((at, child) => at.children[child], copy);
  // The row of a job that the keys are at is marked as that, and has the focus for it.
  plain.classList.remove('current');
  const looks = looksOf(plain, most);
  copy.remove();
  return looks === looksOf(element, most);
}

const element = document.activeElement;
if (!element || element === document.body || element === document.documentElement) return null;
// In a list that is one stop for Tab, the row that the keys are at shows where they are.
const row = document.getElementById(element.getAttribute('aria-activedescendant') ?? '');
const box = (row ?? element).getBoundingClientRect();
const words = element.getAttribute('aria-label') || element.innerText || element.placeholder || element.id;
return {
  name: `${element.tagName.toLowerCase()} ${(words ?? '').replace(/\s+/g, ' ').slice(0, 60)}`.trim(),
  seen: hasRing(element) || row !== null || !looksAsACopy(element),
  inView: box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
};
