
// ---- The address: a place, the filters, the language (#r-patient-age-range&site=curie&lang=fr) ----
const CHOICES = ['q', 'site', 'status', 'category', 'severity', 'v'];
const decoded = (text) => { try { return decodeURIComponent(text); } catch { return text; } };
const readAddress = () => {
  const found = {};
  for (const part of location.hash.slice(1).split('&').filter(Boolean)) {
    const [key, ...value] = part.split('=');
    if (value.length) found[key] = decoded(value.join('=')); else found.target ??= decoded(key);
  }
  return found;
};
let here = readAddress();

const writeAddress = (changes = {}) => {
  Object.assign(here, changes);
  const parts = here.target ? [here.target] : [];
  for (const key of CHOICES) if (here[key]) parts.push(`${key}=${encodeURIComponent(here[key])}`);
  if (root.dataset.lang !== native) parts.push(`lang=${root.dataset.lang}`);
  const hash = parts.join('&');
  if (hash !== location.hash.slice(1)) history.replaceState(null, '', hash ? `#${hash}` : location.href.split('#')[0]);
};

// Brings a place into view, whatever it is folded into.
const reveal = (element) => {
  for (let at = element; at; at = at.parentElement) if (at.tagName === 'DETAILS') at.open = true;
  element.scrollIntoView({ block: element.offsetHeight > innerHeight / 2 ? 'start' : 'nearest' });
  // Not beneath the header, which stays in place.
  if (element.getBoundingClientRect().top < document.querySelector('.top').offsetHeight) element.scrollIntoView();
};
