
// ---- Matrix: a panel with what is behind a cell, arrow keys between cells ---------------------------
const panel = byId('panel');
const panelTitle = byId('panel-title');
const panelBody = byId('panel-body');
const panelClose = byId('panel-close');
const resting = panel && [panelTitle.innerHTML, panelBody.innerHTML];
let opened = null;

const part = (kind) => panel.querySelector(`template[data-for="${kind}"]`).content.cloneNode(true);
const element = (tag, ...content) => { const made = document.createElement(tag); made.append(...content); return made; };
const isVariable = (button) => button.classList.contains('var');
const columnOf = (button) => button.closest('td, th').cellIndex - 1;
const siteOf = (button) => button.closest('table').tHead.rows[0].cells[columnOf(button) + 1];

// What a cell shows, to be shown elsewhere.
const shownIn = (cell) => [...cell.cloneNode(true).childNodes];

// The sentence for this kind of cell, and the reason that the site gave.
const sentence = (button) => {
  const rows = Number(siteOf(button).dataset.rows);
  const kind = ['imp', 'und', 'nom'].find((c) => button.classList.contains(c)) || (rows ? 'some' : 'none');
  const said = part(kind);
  const values = [Number(button.dataset.n), rows];
  const share = button.english ?? button.textContent;
  for (const span of all('[lang]', said)) {
    const say = [...values.map((n) => count(n, span.lang)), span.lang === 'fr' ? inFrench(share) : share];
    span.textContent = span.textContent.replace(/\{(\d)\}/g, (_, i) => say[i]);
  }
  if (!button.title) return [said];
  const reason = element('p', `“${button.title}”`);
  reason.className = 'reason';
  return [said, reason];
};

// The site's picture among its neighbours', or its row of numbers.
const chartOf = (button, suffix) => {
  const source = byId(`d-${suffix}`);
  if (!source || !Number(button.dataset.n)) return [];
  const shown = part('chart');
  const place = shown.querySelector('div');
  const picture = source.querySelector(`.multiples > figure:nth-child(${columnOf(button) + 1})`);
  const table = source.querySelector('table.strips');
  if (picture) {
    place.append(...[...picture.children].map((child) => child.cloneNode(true)));
    all('figcaption', place).forEach((caption) => caption.replaceWith(...all('.stats', caption)));
  } else if (table) {
    const row = table.inOrder[columnOf(button)];
    const list = element('dl');
    list.className = 'facts';
    [...table.tHead.rows[0].cells].slice(1, row.cells.length).forEach((head, i) => {
      // The picture is under its heading; the numbers have their own.
      const name = head.classList.contains('no-sort') ? [] : (head.querySelector('.sort') || head).cloneNode(true).childNodes;
      list.append(element('div', element('dt', ...name), element('dd', ...shownIn(row.cells[i + 1]))));
    });
    place.append(list);
  }
  return [shown];
};

// The rules about this variable, with what they found at this site.
const rulesOf = (button, suffix) => {
  const items = [];
  for (const rule of all(`#rules [data-v="v-${CSS.escape(suffix)}"]`)) {
    const status = isVariable(button) ? rule.dataset.w : rule.dataset.s[columnOf(button)];
    if (!status || status === '-') continue;
    const link = element('a', ...rule.querySelector('.name').cloneNode(true).childNodes);
    link.href = `#${rule.id}`;
    const item = element('li', part(`status-${status}`), ' ', link);
    if (!isVariable(button)) {
      const site = siteOf(button).textContent;
      const row = all('.by-site:not(.trend) tbody tr', rule).find((r) => r.cells[0].textContent === site);
      if (row) item.append(element('small', ...shownIn(row.cells[1]), ' / ', ...shownIn(row.cells[2])));
    }
    items.push(item);
  }
  if (!items.length) return isVariable(button) ? [] : [part('norules')];
  const list = part('rules');
  list.querySelector('ul').append(...items);
  return [list];
};

const codesOf = (button) => {
  const rows = all(`#unmapped tr[data-cell="${button.closest('td').id}"]`);
  if (!rows.length) return [];
  const list = part('unmapped');
  list.querySelector('ul').append(...rows.map((row) => element('li', ...row.cells[1].cloneNode(true).childNodes, ' ', element('small', row.cells[0].firstChild.cloneNode(true)))));
  return [list];
};

const linkOf = (button, suffix) => {
  if (!byId(`d-${suffix}`)) return [];
  const link = part('link');
  link.querySelector('a').href = `#d-${suffix}`;
  return [link];
};

const render = (button) => {
  const suffix = button.closest('tr').id.slice(2);
  panelTitle.replaceChildren(button.closest('tr').querySelector('th .name').cloneNode(true));
  if (isVariable(button)) {
    panelBody.replaceChildren(button.parentElement.querySelector('template').content.cloneNode(true), ...rulesOf(button, suffix), ...linkOf(button, suffix));
  } else {
    const site = element('span', siteOf(button).textContent);
    site.className = 'at';
    panelTitle.append(site);
    panelBody.replaceChildren(...sentence(button), ...chartOf(button, suffix), ...rulesOf(button, suffix), ...codesOf(button), ...linkOf(button, suffix));
  }
  reword(panelBody, root.dataset.lang);
};

const shut = () => {
  if (!opened) return;
  opened.removeAttribute('aria-expanded');
  opened.focus();
  opened = null;
  [panelTitle.innerHTML, panelBody.innerHTML] = resting;
  reword(panel, root.dataset.lang);
  panel.classList.remove('open');
  panelClose.hidden = true;
  writeAddress({ target: '' });
};

const open = (button) => {
  if (opened) opened.removeAttribute('aria-expanded');
  opened = button;
  button.setAttribute('aria-expanded', 'true');
  render(button);
  panel.classList.add('open');
  panelClose.hidden = false;
  writeAddress({ target: isVariable(button) ? button.closest('tr').id : button.closest('td').id });
  panelTitle.focus({ preventScroll: true });
};

// A site's name as it stands in an id.
const inId = (site) => [...site].map((c) => (/[A-Za-z0-9_]/.test(c) ? c : `.${c.codePointAt(0).toString(16)}`)).join('');

for (const table of all('table.matrix')) {
  const heads = [...table.tHead.rows[0].cells];
  const ids = heads.map((head) => inId(head.textContent));
  const rows = [...table.tBodies[0].rows];
  for (const row of rows) {
    for (const cell of [...row.cells].slice(1)) cell.id = `cell-${row.id.slice(2)}-${ids[cell.cellIndex]}`;
  }
  let tabbable = null;
  // One stop for the tab key; the arrows do the rest.
  const stop = (button) => {
    if (tabbable) tabbable.tabIndex = -1;
    tabbable = button;
    tabbable.tabIndex = 0;
  };
  for (const button of all('button', table)) { button.type = 'button'; button.tabIndex = -1; }
  const first = table.querySelector('tbody button');
  if (first) stop(first);
  table.addEventListener('focusin', (event) => { if (event.target.closest('button')) stop(event.target.closest('button')); });
  table.addEventListener('click', (event) => {
    const button = event.target.closest('button');
    if (button) { if (button === opened) shut(); else open(button); }
  });
  const at = (row, column) => rows[row]?.cells[column]?.querySelector('button');
  // The next cell in a direction that can be chosen; rows that the search hides are passed over.
  const next = (row, column, [down, right]) => {
    for (let [r, c] = [row + down, column + right]; r >= 0 && r < rows.length && c >= 0 && c < heads.length; [r, c] = [r + down, c + right]) {
      if (!rows[r].hidden && at(r, c)) return at(r, c);
    }
    return null;
  };
  table.addEventListener('keydown', (event) => {
    const button = event.target.closest('button');
    if (!button) return;
    const row = rows.indexOf(button.closest('tr'));
    const column = button.closest('td, th').cellIndex;
    const way = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    const ends = { Home: () => at(row, 0), End: () => all('button', rows[row]).pop() }[event.key];
    if (!way && !ends) return;
    event.preventDefault();
    (way ? next(row, column, way) : ends())?.focus();
  });
}
if (panel) {
  panelClose.addEventListener('click', shut);
  addEventListener('keydown', (event) => { if (event.key === 'Escape') shut(); });
  onLanguage.push(() => { if (opened) render(opened); });
}
