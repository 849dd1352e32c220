// The language switch and the details panel. The page reads without this script; nothing is stored
// and nothing is fetched: the language travels in the address (#rules&lang=fr).
(() => {
  'use strict';
  const root = document.documentElement;
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];

  // ---- Language -------------------------------------------------------------------------------
  const parts = () => location.hash.slice(1).split('&');
  const target = () => parts().find((p) => p && !p.includes('=')) || '';
  const asked = () => (parts().find((p) => p.startsWith('lang=')) || '').slice(5);
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
  };

  // A number that stands alone is in the page once: 1,234.5% becomes 1 234,5 %.
  const inFrench = (text) => text.replaceAll(',', '\u202f').replaceAll('.', ',').replaceAll('%', '\u202f%');
  const number = (lang) => (element) => {
    element.english ??= element.textContent;
    element.textContent = lang === 'fr' ? inFrench(element.english) : element.english;
  };

  // What the page says often is in a list at its end, English and French in turn.
  const words = [...document.getElementById('words').content.children].map((entry) => entry.textContent);
  const reword = (from, lang) => {
    for (const element of all('[data-t]', from)) element.textContent = words[2 * element.dataset.t + (lang === 'fr')];
    all('bdi, text.num', from).forEach(number(lang));
  };

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
  };

  const remember = () => {
    const hash = [target(), root.dataset.lang === native ? '' : `lang=${root.dataset.lang}`].filter(Boolean).join('&');
    if (hash !== location.hash.slice(1)) {
      history.replaceState(null, '', hash ? `#${hash}` : location.href.split('#')[0]);
    }
  };

  const show = (id) => {
    const element = id && document.getElementById(id);
    if (!element) return;
    for (let at = element; at; at = at.parentElement) if (at.tagName === 'DETAILS') at.open = true;
    element.scrollIntoView();
  };

  document.querySelector('.langs').hidden = false;
  for (const button of all('[data-set-lang]')) {
    button.addEventListener('click', () => { setLanguage(button.dataset.setLang); remember(); });
  }
  addEventListener('hashchange', () => {
    if (asked() && asked() !== root.dataset.lang) setLanguage(asked() === 'fr' ? 'fr' : 'en');
    show(target());
    remember();
  });
  setLanguage(asked() === 'fr' || asked() === 'en' ? asked() : native);
  if (target()) { show(target()); remember(); }

  // ---- Matrix: a panel with what is behind a cell, arrow keys between cells ---------------------
  const panel = document.getElementById('panel');
  const title = document.getElementById('panel-title');
  const body = document.getElementById('panel-body');
  const close = document.getElementById('panel-close');
  const resting = [title.innerHTML, body.innerHTML];
  let opened = null;

  const shut = () => {
    if (!opened) return;
    opened.removeAttribute('aria-expanded');
    opened.focus();
    opened = null;
    [title.innerHTML, body.innerHTML] = resting;
    panel.classList.remove('open');
    close.hidden = true;
  };

  // What the panel shows: the sentence for this kind of cell, the site's reason, what was found.
  const behind = (button) => {
    const [filled, rows] = (button.dataset.v || '').split('/').map(Number);
    const kind = button.classList.contains('var') ? '' : ['imp', 'und', 'nom'].find((c) => button.classList.contains(c)) || (rows ? 'some' : 'none');
    const parts = [];
    if (kind) {
      const sentence = panel.querySelector(`template[data-for=${kind}]`).content.cloneNode(true);
      const values = { 0: filled, 1: rows, 2: button.querySelector('bdi')?.english ?? button.textContent };
      for (const span of all('[lang]', sentence)) {
        const say = (value) => (span.lang === 'fr' ? inFrench(value) : value);
        span.textContent = span.textContent.replace(/\{(\d)\}/g, (_, i) => say(values[i].toLocaleString('en')));
      }
      parts.push(sentence);
    }
    if (kind && button.title) {
      const reason = document.createElement('p');
      reason.className = 'reason';
      reason.textContent = `“${button.title}”`;
      parts.push(reason);
    }
    const more = button.parentElement.querySelector('template');
    if (more) parts.push(more.content.cloneNode(true));
    const chart = document.getElementById(button.closest('tr').id.replace(/^v-/, 'd-'));
    if (chart && (!kind || filled)) {
      const link = panel.querySelector('template[data-for=link]').content.cloneNode(true);
      link.querySelector('a').href = `#${chart.id}`;
      parts.push(link);
    }
    return parts;
  };

  const open = (button) => {
    if (opened) opened.removeAttribute('aria-expanded');
    opened = button;
    button.setAttribute('aria-expanded', 'true');
    const heading = button.closest('tr').querySelector('th .name').cloneNode(true);
    title.replaceChildren(heading);
    if (!button.classList.contains('var')) {
      const site = document.createElement('span');
      site.className = 'at';
      site.textContent = button.closest('table').tHead.rows[0].cells[button.parentElement.cellIndex].textContent;
      title.append(site);
    }
    body.replaceChildren(...behind(button));
    reword(body, root.dataset.lang);
    panel.classList.add('open');
    close.hidden = false;
  };

  for (const table of all('table.matrix')) {
    const grid = [...table.tBodies[0].rows].map((row) => all('button', row));
    let tabbable = grid[0]?.[0];
    // One stop for the tab key; the arrows do the rest.
    const stop = (button) => {
      if (tabbable) tabbable.tabIndex = -1;
      tabbable = button;
      tabbable.tabIndex = 0;
    };
    for (const button of grid.flat()) button.tabIndex = -1;
    if (tabbable) stop(tabbable);
    table.addEventListener('focusin', (event) => { if (event.target.closest('button')) stop(event.target.closest('button')); });
    table.addEventListener('click', (event) => {
      const button = event.target.closest('button');
      if (button) { if (button === opened) shut(); else open(button); }
    });
    table.addEventListener('keydown', (event) => {
      const button = event.target.closest('button');
      const row = grid.findIndex((r) => r.includes(button));
      if (row < 0) return;
      const column = grid[row].indexOf(button);
      const to = {
        ArrowUp: [row - 1, column], ArrowDown: [row + 1, column],
        ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1],
        Home: [row, 0], End: [row, grid[row].length - 1],
      }[event.key];
      const next = to && grid[to[0]]?.[to[1]];
      if (!to) return;
      event.preventDefault();
      if (next) next.focus();
    });
  }
  close.addEventListener('click', shut);
  addEventListener('keydown', (event) => { if (event.key === 'Escape') shut(); });

  // ---- Paper: whatever was found is open, and closed again afterwards ----------------------------
  let unfolded = [];
  addEventListener('beforeprint', () => {
    unfolded = all('.category > details:not([open])');
    for (const details of unfolded) details.open = true;
  });
  addEventListener('afterprint', () => {
    for (const details of unfolded) details.open = false;
    unfolded = [];
  });
})();
