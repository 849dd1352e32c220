// The page reads without its script, in English. The script gives it French, search, sorting, links
// into what is folded and the panel of the matrix. It stores nothing and fetches nothing: what a
// reader has chosen is in the address.
const root = document.documentElement;
const all = (selector, from = document) => [...from.querySelectorAll(selector)];
const byId = (id) => document.getElementById(id);
// Called when the language has changed.
const onLanguage = [];
const native = (navigator.language || '').toLowerCase().startsWith('fr') ? 'fr' : 'en';

// Attributes cannot hold two languages: the French text waits in data-fr-*, the English moves to data-en-*.
const attributes = [['data-fr-label', 'aria-label'], ['data-fr-title', 'title']];
const translate = (from, lang) => {
  for (const [french, name] of attributes) {
    for (const element of all(`[${french}]`, from)) {
      const english = french.replace('-fr-', '-en-');
      if (!element.hasAttribute(english)) element.setAttribute(english, element.getAttribute(name));
      element.setAttribute(name, element.getAttribute(lang === 'fr' ? french : english));
    }
  }
  // Nor can the options of a list.
  for (const option of all('[data-fr-text]', from)) {
    option.dataset.enText ??= option.textContent;
    option.textContent = lang === 'fr' ? option.dataset.frText : option.dataset.enText;
  }
};

// A number that stands alone is in the page once: 1,234.5% becomes 1 234,5 %.
const inFrench = (text) => text.replaceAll(',', '\u202f').replaceAll('.', ',').replaceAll('%', '\u202f%');
const isNumber = (text) => /^[<>−]?[\d,]+(\.\d+)?%?$/.test(text);
const number = (lang) => (element) => {
  element.english ??= element.textContent;
  element.textContent = lang === 'fr' ? inFrench(element.english) : element.english;
};
const count = (n, lang = root.dataset.lang) => (lang === 'fr' ? inFrench(n.toLocaleString('en')) : n.toLocaleString('en'));

// What the page says often is in a list at its end, English and French in turn.
const words = [...byId('words').content.children].map((entry) => entry.textContent);
const reword = (from, lang) => {
  for (const element of all('[data-t]', from)) element.textContent = words[2 * element.dataset.t + (lang === 'fr')];
  all('bdi, text.num', from).forEach(number(lang));
  // A table of numbers has them bare.
  for (const cell of all('.nums tbody td, .nums tbody td > button', from)) {
    if (cell.english || (!cell.firstElementChild && isNumber(cell.textContent))) number(lang)(cell);
  }
};

// Shares of a row of many are shaded like the cells of the matrix: by tenths.
for (const cell of all('.shares tbody td:not([class])')) {
  const percent = Number.parseInt(cell.textContent.replace(/[<>]/, ''), 10);
  if (cell.cellIndex > 1 && percent >= 0) cell.className = `f${cell.textContent.startsWith('<') ? 0 : Math.floor(percent / 10)}`;
}

const setLanguage = (lang) => {
  root.lang = lang;
  root.dataset.lang = lang;
  const title = document.querySelector('title');
  title.dataset.en ||= title.textContent;
  title.textContent = title.dataset[lang];
  translate(document, lang);
  reword(document, lang);
  for (const button of all('[data-set-lang]')) {
    button.setAttribute('aria-pressed', String(button.dataset.setLang === lang));
  }
  for (const follow of onLanguage) follow();
};
