
// ---- Search and filters over the rules, and the search for a variable -------------------------------
const form = byId('filters');
const categories = all('#rules .category');
const rules = all('#rules [data-s]');
const places = form ? [...form.elements.site.options].slice(1).map((option) => option.value) : [];
// Accents and capitals do not matter; both languages are searched.
const plain = (text) => text.normalize('NFD').replace(/[\u0300-\u036f]/g, '').toLowerCase();
const heap = (element) => (element.heap ??= plain(element.textContent));
onLanguage.push(() => { for (const element of [...rules, ...all('.matrix tbody th')]) delete element.heap; });

// A rule has the gravest status of its sites; that it could not be judged at one of them is asked for all the same.
const matches = (rule, chosen) => {
  const status = chosen.site ? rule.dataset.s[places.indexOf(chosen.site)] : rule.dataset.w;
  return status !== '-' && status !== undefined
    && (!chosen.status || status === chosen.status || (!chosen.site && chosen.status === 'e' && rule.dataset.s.includes('e')))
    && (!chosen.category || rule.closest('.category').dataset.category === chosen.category)
    && (!chosen.severity || rule.dataset.sev === chosen.severity)
    && plain(chosen.q || '').split(/\s+/).every((word) => heap(rule).includes(word));
};

const applyFilters = () => {
  const chosen = Object.fromEntries(['q', 'site', 'status', 'category', 'severity'].map((key) => [key, here[key] || '']));
  const active = Object.values(chosen).some(Boolean);
  let shown = 0;
  for (const rule of rules) {
    rule.hidden = active && !matches(rule, chosen);
    shown += !rule.hidden;
  }
  for (const fold of all('#rules .fold')) {
    const some = all('tr[data-s]', fold).some((row) => !row.hidden);
    fold.hidden = !some;
    // What was looked for is not left folded away; what the reader had open stays open.
    if (active && some && !fold.open) fold.open = fold.opened = true;
    if (!active && fold.opened) fold.open = fold.opened = false;
  }
  for (const category of categories) {
    category.hidden = active && !all('[data-s]', category).some((rule) => !rule.hidden);
  }
  const said = form.querySelector('[role=status]');
  said.textContent = active ? said.dataset[root.dataset.lang].replace('{0}', count(shown)).replace('{1}', count(rules.length)) : '';
};

const finder = byId('finder');
const applyFinder = () => {
  const asked = plain(here.v || '').split(/\s+/);
  for (const row of all('.matrix tbody tr')) row.hidden = !asked.every((word) => heap(row.cells[0]).includes(word));
};

// From the address into the forms, and into the page.
const applyChoices = () => {
  for (const key of CHOICES) {
    const field = (key === 'v' ? finder : form)?.elements[key];
    if (field && field.value !== (here[key] || '')) field.value = here[key] || '';
    // A site or status that there is not filters nothing.
    if (field && field.value !== (here[key] || '')) { here[key] = ''; field.value = ''; }
  }
  if (form) applyFilters();
  if (finder) applyFinder();
};

if (form) {
  form.hidden = false;
  form.addEventListener('input', (event) => { writeAddress({ [event.target.name]: event.target.value }); applyFilters(); });
  form.addEventListener('reset', (event) => {
    event.preventDefault();
    writeAddress({ q: '', site: '', status: '', category: '', severity: '' });
    applyChoices();
    form.elements.q.focus();
  });
  form.addEventListener('submit', (event) => event.preventDefault());
  onLanguage.push(applyFilters);
}
if (finder) {
  finder.hidden = false;
  finder.addEventListener('input', (event) => { writeAddress({ v: event.target.value }); applyFinder(); });
  finder.addEventListener('submit', (event) => event.preventDefault());
}
