//! A [`Difference`] as one self-contained page.

use maud::{DOCTYPE, Markup, PreEscaped, html as page};

use super::words::{counts, moved, outcome, property, role, rule, signed, site};
use super::{Change, Difference, QuarantinedRows, RowPlace, TableValues};
use crate::execute::summary::Account;
use crate::guide::language::{Language, say};

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";
const STYLE: &str = "
:root { color-scheme: light dark; --line: #8884; --soft: #8882; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; margin: .5rem 0 1rem; } caption { text-align: left; padding: .3rem 0; }
th, td { text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
code { background: var(--soft); padding: 0 .25em; border-radius: 3px; }
.note { border-left: 3px solid #c80; padding-left: .8rem; } .scroll { overflow-x: auto; }
";

/// The page; with values in it only where they were asked for.
pub fn html(d: &Difference, l: Language) -> String {
    let same = l.number(d.tables.iter().map(|t| t.rows.equal).sum());
    let field = l.pick("field", "champ");
    let markup = page! {
        (DOCTYPE)
        html lang=(l.pick("en", "fr")) {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (l.pick("What changed between two runs", "Ce qui a changé entre deux exécutions")) }
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { @if d.equal { (l.pick("Nothing changed between the two runs", "Rien n'a changé entre les deux exécutions")) } @else { (l.pick("What changed between the two runs", "Ce qui a changé entre les deux exécutions")) } }
                (rows(&["", l.pick("folder", "dossier"), l.pick("pipeline", "chaîne"), l.pick("schema", "schéma"), l.pick("made", "produite")], &[], [("A", &d.a), ("B", &d.b)].into_iter().map(|(letter, r)| {
                    vec![letter.into(), r.folder.clone(), r.pipeline.clone(), format!("{} {}", r.schema, r.version), format!("{} {} {}", r.started_at, l.pick("by", "par"), r.tool)]
                })))
                @for note in &d.notes { p .note { (note.words(l)) } }
                @if d.equal { p { (say!(l, "Schema, rows, values ({same} rows), quarantine and statuses are the same.", "Schéma, lignes, valeurs ({same} lignes), quarantaine et statuts sont les mêmes.")) } }
                @if !d.inputs.is_empty() {
                    h2 { (l.pick("What went in", "Ce qui est entré")) }
                    (rows(&["", "", "", l.pick("rows in A", "lignes dans A"), l.pick("rows in B", "lignes dans B")], &[3, 4], d.inputs.iter().map(|i| {
                        let count = |n: Option<u64>| n.map_or_else(String::new, |n| l.number(n));
                        vec![role(&i.role, i.site.as_ref(), l), i.path.clone(), i.change.words(l).into(), count(i.rows_a), count(i.rows_b)]
                    })))
                }
                @if !d.schema.is_empty() {
                    h2 { (l.pick("Schema", "Schéma")) }
                    (rows(&[field, "", "A", "B"], &[], d.schema.iter().map(|c| {
                        let there = |t: &Option<String>| t.clone().unwrap_or_else(|| "–".into());
                        vec![c.field.as_ref().map_or(c.table.clone(), |f| format!("{}.{f}", c.table)), property(c, l).into(), there(&c.a), there(&c.b)]
                    })))
                }
                @if !d.states.is_empty() {
                    h2 { (l.pick("What sites deliver", "Ce que livrent les centres")) }
                    (rows(&[l.pick("site", "centre"), field, "A", "B"], &[], d.states.iter().map(|s| vec![s.site.clone(), format!("{}.{}", s.table, s.field), s.a.words(l), s.b.words(l)])))
                }
                @if !d.accounts.is_empty() { h2 { (l.pick("Rows", "Lignes")) } (accounts(d, l)) }
                @for t in d.tables.iter().filter(|t| !t.rows.is_equal() || t.sites.iter().any(moved)) { (table(t, l)) }
                @if !d.reasons.is_empty() {
                    h2 { (l.pick("Reasons", "Motifs")) }
                    (rows(&[l.pick("site", "centre"), "table", "code", field, l.pick("rule", "règle"), "", "A", "B", "B − A"], &[6, 7, 8], d.reasons.iter().map(|r| {
                        vec![r.site.clone(), r.table.clone(), r.code.clone(), r.field.clone().unwrap_or_default(), r.rule.clone(), if r.severity == "error" { l.pick("error", "erreur") } else { l.pick("warning", "avertissement") }.to_owned(), l.number(r.rows_a), l.number(r.rows_b), signed(r.rows_a, r.rows_b, l)]
                    })))
                }
                @if d.quarantine.iter().any(|q| !q.is_equal()) { h2 { (l.pick("Quarantine, by file and row", "Quarantaine, par fichier et ligne")) } (quarantine(&d.quarantine, l)) }
                @if !d.statuses.is_empty() {
                    h2 { (l.pick("Rules", "Règles")) }
                    (rows(&[l.pick("site", "centre"), l.pick("rule", "règle"), "A", "B"], &[], d.statuses.iter().map(|s| {
                        vec![site(s, l), rule(s, l), outcome(s, s.a.as_ref(), l), outcome(s, s.b.as_ref(), l)]
                    })))
                }
            }
        }
    };
    markup.into_string()
}

fn rows(head: &[&str], right: &[usize], body: impl Iterator<Item = Vec<String>>) -> Markup {
    let class = |at: usize| right.contains(&at).then_some("n");
    page! {
        div .scroll { table {
            thead { tr { @for (at, name) in head.iter().enumerate() { th class=[class(at)] scope="col" { (name) } } } }
            tbody { @for row in body { tr { @for (at, cell) in row.iter().enumerate() { td class=[class(at)] { (cell) } } } } }
        } }
    }
}

fn accounts(d: &Difference, l: Language) -> Markup {
    let pick: [fn(&Account) -> u64; 5] = [|a| a.rows_read, |a| a.rows_accepted, |a| a.rows_quarantined, |a| a.rows_filtered, |a| a.rows_deduplicated];
    let outcomes = [("read", "lues"), ("accepted", "acceptées"), ("quarantined", "en quarantaine"), ("filtered", "filtrées"), ("deduplicated", "doublons")].map(|(en, fr)| l.pick(en, fr));
    let head = [&[l.pick("site", "centre"), "source", "table", ""], outcomes.as_slice()].concat();
    rows(&head, &[4, 5, 6, 7, 8], d.accounts.iter().flat_map(|c| {
        [("A", &c.a), ("B", &c.b)].map(|(letter, account)| {
            let mut row = vec![c.site.clone(), c.source.clone(), c.table.clone(), letter.to_owned()];
            row.extend(pick.iter().map(|of| account.as_ref().map_or_else(|| "–".into(), |a| l.number(of(a)))));
            row
        })
    }))
}

fn table(t: &TableValues, l: Language) -> Markup {
    let field = l.pick("field", "champ");
    let key = l.pick("key", "clé");
    page! {
        h2 { (l.pick("Values of ", "Valeurs de ")) code { (t.table) } @if t.by.is_empty() { (l.pick(", whole rows", ", lignes entières")) } @else { (l.pick(", by ", ", par ")) code { (t.by.join(", ")) } } }
        p { (counts(&t.rows, l)) "." }
        (rows(&[l.pick("site in A", "centre dans A"), l.pick("site in B", "centre dans B"), l.pick("rows", "lignes")], &[], t.sites.iter().map(|s| {
            vec![s.site_a.clone().unwrap_or_default(), s.site_b.clone().unwrap_or_default(), counts(&s.rows, l)]
        })))
        @if !t.fields.is_empty() {
            (rows(&[field, l.pick("changed", "modifiées"), l.pick("filled", "renseignées"), l.pick("emptied", "vidées")], &[1, 2, 3], t.fields.iter().map(|f| vec![f.field.clone(), l.number(f.changed), l.number(f.filled), l.number(f.emptied)])))
        }
        @if !t.only_in_a.is_empty() || !t.only_in_b.is_empty() {
            (rows(&["", key], &[], [(Change::OnlyInA, &t.only_in_a), (Change::OnlyInB, &t.only_in_b)].into_iter().flat_map(|(what, keys)| keys.iter().map(move |k| vec![what.words(l).to_owned(), k.join(", ")]))))
        }
        @if t.fields.iter().any(|f| !f.examples.is_empty()) {
            (rows(&[field, key, "A", "B"], &[], t.fields.iter().flat_map(|f| f.examples.iter().map(|e| {
                let asked = e.a.is_some() || e.b.is_some();
                let shown = |v: &Option<String>| v.clone().unwrap_or_else(|| if asked { "∅".into() } else { String::new() });
                vec![f.field.clone(), e.key.join(", "), shown(&e.a), shown(&e.b)]
            }))))
        }
    }
}

fn quarantine(all: &[QuarantinedRows], l: Language) -> Markup {
    let places = all.iter().flat_map(|q| {
        let each = |what: &str, rows: &[RowPlace]| rows.iter().map(|r| vec![what.to_owned(), r.file.clone(), r.row.to_string(), r.reasons.clone()]).collect::<Vec<_>>();
        [each(l.pick("refused", "refusée"), &q.refused_rows), each(l.pick("released", "libérée"), &q.released_rows)].concat()
    });
    let places: Vec<Vec<String>> = places.collect();
    let head = [
        ("site", "centre"),
        ("source", "source"),
        ("refused only in B", "refusées seulement dans B"),
        ("released", "libérées"),
        ("for other Reasons", "pour d'autres motifs"),
        ("as before", "comme avant"),
        ("files only A read", "fichiers que seule A a lus"),
        ("files only B read", "fichiers que seule B a lus"),
    ];
    let head = head.map(|(en, fr)| l.pick(en, fr));
    page! {
        (rows(&head, &[2, 3, 4, 5, 6, 7], all.iter().map(|q| {
            let mut row = vec![q.site.clone(), q.source.clone()];
            row.extend([q.refused, q.released, q.other_reasons, q.same, q.other_files_a, q.other_files_b].map(|n| l.number(n)));
            row
        })))
        @if !places.is_empty() { (rows(&["", l.pick("file", "fichier"), l.pick("row", "ligne"), l.pick("Reasons", "motifs")], &[2], places.into_iter())) }
    }
}
