
// ---- Tables that sort by a click on a column's head ------------------------------------------------
// What a cell sorts by: the key it gives, its number, or its words. Numbers are read in their English form.
const sortKey = (cell) => {
  if (cell?.dataset.k) return Number(cell.dataset.k);
  const first = cell?.firstChild;
  const text = (cell?.english ?? first?.english ?? (first?.nodeType === 3 ? first.data : cell?.innerText) ?? '').trim();
  const plain = text.replace(/[,%<>\s\u202f]/g, '').replace('−', '-');
  if (plain === '–' || plain === '') return null;
  return /^-?\d+(\.\d+)?$/.test(plain) ? Number(plain) : text;
};
const compare = (a, b) => {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a !== typeof b) return typeof a === 'number' ? 1 : -1;
  return a.localeCompare(b, root.lang, { numeric: true });
};

const sortBy = (table, head) => {
  const column = head.cellIndex;
  const rows = [...table.tBodies[0].rows];
  const keys = new Map(rows.map((row) => [row, sortKey(row.cells[column])]));
  const numbers = [...keys.values()].some((key) => typeof key === 'number');
  const before = head.getAttribute('aria-sort');
  // Numbers begin with the greatest: that is what one looks for.
  const ascending = before ? before === 'descending' : !numbers;
  for (const other of head.parentElement.cells) other.removeAttribute('aria-sort');
  head.setAttribute('aria-sort', ascending ? 'ascending' : 'descending');
  rows.sort((a, b) => {
    const [x, y] = [keys.get(a), keys.get(b)];
    if (x === null || y === null) return (x === null) - (y === null);
    return ascending ? compare(x, y) : compare(y, x);
  });
  table.tBodies[0].append(...rows);
};

for (const table of all('table.sortable')) {
  table.inOrder = [...table.tBodies[0].rows];
  if (table.inOrder.length < 2) continue;
  for (const head of table.tHead.rows[0].cells) {
    if (head.classList.contains('no-sort')) continue;
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'sort';
    button.append(...head.childNodes);
    button.addEventListener('click', () => sortBy(table, head));
    head.append(button);
  }
}
