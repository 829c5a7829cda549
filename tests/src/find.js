// Finds what is on screen by what it is and how it is called, as somebody does who uses the window with eyes or with a
// screen reader. Gives the best: the whole name before its beginning, its beginning before a part of it.
const [wanted, words] = arguments;

const INPUTS = { checkbox: 'checkbox', radio: 'radio', search: 'searchbox', button: 'button', submit: 'button', number: 'spinbutton' };
const TAGS = { BUTTON: 'button', A: 'link', TEXTAREA: 'textbox', SELECT: 'combobox', DIALOG: 'dialog', NAV: 'navigation', MAIN: 'main', LI: 'listitem', UL: 'list', ARTICLE: 'article', FORM: 'form', IMG: 'img', OUTPUT: 'status' };

function roleOf(element) {
  const own = element.getAttribute('role');
  if (own) return own.split(' ')[0];
  if (element.tagName === 'INPUT') return element.list ? 'combobox' : (INPUTS[element.type] ?? 'textbox');
  if (/^H[1-6]$/.test(element.tagName)) return 'heading';
  return TAGS[element.tagName] ?? '';
}

const squeezed = (text) => (text ?? '').replace(/\s+/g, ' ').trim();

function nameOf(element) {
  const by = element.getAttribute('aria-labelledby');
  if (by) return squeezed(by.split(/\s+/).map((id) => document.getElementById(id)?.innerText).join(' '));
  const own = element.getAttribute('aria-label');
  if (own) return squeezed(own);
  if (element.labels?.length) return squeezed([...element.labels].map((label) => label.innerText).join(' '));
  if ('placeholder' in element && element.placeholder) return squeezed(element.placeholder);
  return squeezed(element.innerText) || squeezed(element.title);
}

function isShown(element) {
  const box = element.getBoundingClientRect();
  return box.width > 0 && box.height > 0 && element.checkVisibility({ visibilityProperty: true });
}

// What a dialog covers cannot be reached.
const dialogs = [...document.querySelectorAll('dialog')].filter((dialog) => dialog.matches(':modal'));
const within = dialogs.at(-1) ?? document;
const css = ['[role]', 'button', 'a[href]', 'input', 'textarea', 'select', 'h1', 'h2', 'h3', 'dialog', 'nav', 'main', 'li', 'ul', 'article', 'form', 'img', 'output'].join();
const all = [...within.querySelectorAll(css)];
if (within !== document) all.unshift(within);
const fits = all.filter((element) => roleOf(element) === wanted && isShown(element)).map((element) => [nameOf(element), element]);
const found =
  fits.find(([name]) => name === words) ??
  fits.find(([name]) => name.startsWith(words)) ??
  fits.find(([name]) => name.includes(words));
return found ? [found[1], []] : [null, fits.map(([name]) => name.slice(0, 60)).slice(0, 30)];
