
// ---- Start: the address is read, and followed when it changes ---------------------------------------
const follow = () => {
  const target = here.target && byId(here.target);
  if (!target) return;
  // A place that a filter hides is asked for: the filter goes.
  if (target.closest('[hidden]')) {
    for (const key of CHOICES) here[key] = '';
    applyChoices();
  }
  if (target.matches('.matrix td[id]') && target.querySelector('button')) open(target.querySelector('button'));
  reveal(target);
};

document.querySelector('.langs').hidden = false;
for (const button of all('[data-set-lang]')) {
  button.addEventListener('click', () => { setLanguage(button.dataset.setLang); writeAddress(); });
}
addEventListener('hashchange', () => {
  const asked = readAddress();
  // A link that names a filter names all of them; a link to a place keeps those that are set.
  if (CHOICES.some((key) => key in asked)) for (const key of CHOICES) here[key] = asked[key] || '';
  here.target = asked.target;
  if (asked.lang && asked.lang !== root.dataset.lang) setLanguage(asked.lang === 'fr' ? 'fr' : 'en');
  applyChoices();
  follow();
  writeAddress();
});
setLanguage(here.lang === 'fr' || here.lang === 'en' ? here.lang : native);
applyChoices();
follow();
writeAddress();

// ---- Paper: whatever was found is open, and closed again afterwards ----------------------------------
let unfolded = [];
addEventListener('beforeprint', () => {
  unfolded = all('.category > details:not([open]), .letter:not([open]), .km > details:not([open])');
  for (const details of unfolded) details.open = true;
});
addEventListener('afterprint', () => {
  for (const details of unfolded) details.open = false;
  unfolded = [];
});
