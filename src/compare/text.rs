//! A [`Difference`] as people read it on a terminal.

use std::fmt::Write as _;

use super::words::{counts, moved, outcome, property, role, rule, signed, site};
use super::{Change, Difference, QuarantinedRows, RowPlace, StatusChange, TableValues};
use crate::execute::summary::{Account, RunStatus};
use crate::guide::language::{Language, say};

/// The difference in plain text; no colour.
pub fn text(d: &Difference, l: Language) -> String {
    let mut out = String::new();
    for (letter, run) in [("A", &d.a), ("B", &d.b)] {
        let _ = writeln!(out, "{letter}  {}  ({} {}, {})", run.folder, run.schema, run.version, run.started_at);
    }
    for note in &d.notes {
        let note = note.words(l);
        let _ = writeln!(out, "\n{}", say!(l, "note: {note}", "remarque : {note}"));
    }
    if !d.inputs.is_empty() {
        let count = |n: Option<u64>| n.map_or_else(|| l.pick("none", "0").into(), |n| l.number(n));
        let rows = d.inputs.iter().map(|i| {
            let rows = if i.rows_a == i.rows_b { String::new() } else { format!("{} → {} {}", count(i.rows_a), count(i.rows_b), l.pick("rows", "lignes")) };
            vec![role(&i.role, i.site.as_ref(), l), i.path.clone(), i.change.words(l).into(), rows]
        });
        section(&mut out, l.pick("what went in", "ce qui est entré"), &[], rows.collect(), &[]);
    }
    if d.equal {
        let same = l.number(d.tables.iter().map(|t| t.rows.equal).sum());
        let _ = writeln!(out, "\n{}", say!(
            l,
            "No difference in what came out: schema, rows, values ({same} rows), quarantine, statuses.",
            "Aucune différence dans ce qui est sorti : schéma, lignes, valeurs ({same} lignes), quarantaine, statuts."
        ));
        return out;
    }
    let there = |t: &Option<String>| t.clone().unwrap_or_else(|| "–".into());
    if !d.schema.is_empty() {
        let rows = d.schema.iter().map(|c| {
            let name = c.field.as_ref().map_or(c.table.clone(), |f| format!("{}.{f}", c.table));
            let values = if c.a.is_none() && c.b.is_none() { l.pick("changed", "modifié").into() } else { format!("{} → {}", there(&c.a), there(&c.b)) };
            vec![name, property(c, l).into(), values]
        });
        section(&mut out, l.pick("schema", "schéma"), &[], rows.collect(), &[]);
    }
    if !d.states.is_empty() {
        let rows = d.states.iter().map(|s| vec![s.site.clone(), format!("{}.{}", s.table, s.field), format!("{} → {}", s.a.words(l), s.b.words(l))]);
        section(&mut out, l.pick("what sites deliver", "ce que livrent les centres"), &[], rows.collect(), &[]);
    }
    if !d.accounts.is_empty() {
        type Count = fn(&Account) -> u64;
        let pick: [(&str, Count); 6] = [
            (l.pick("read", "lues"), |a| a.rows_read),
            (l.pick("accepted", "acceptées"), |a| a.rows_accepted),
            (l.pick("quarantined", "en quarantaine"), |a| a.rows_quarantined),
            (l.pick("filtered", "filtrées"), |a| a.rows_filtered),
            (l.pick("deduplicated", "doublons"), |a| a.rows_deduplicated),
            (l.pick("flagged", "signalées"), |a| a.rows_flagged),
        ];
        let mut rows = vec![];
        for change in &d.accounts {
            for (what, of) in pick {
                let (a, b) = (change.a.as_ref().map(of), change.b.as_ref().map(of));
                if a != b {
                    rows.push(vec![format!("{}/{} → {}", change.site, change.source, change.table), what.into(), optional(a, l), optional(b, l), signed(a.unwrap_or(0), b.unwrap_or(0), l)]);
                }
            }
        }
        section(&mut out, l.pick("rows", "lignes"), &["", "", "A", "B", ""], rows, &[2, 3, 4]);
    }
    d.tables.iter().filter(|t| !t.rows.is_equal() || t.sites.iter().any(moved)).for_each(|t| table(&mut out, t, l));
    if !d.reasons.is_empty() {
        let rows = d.reasons.iter().map(|r| {
            let what = r.field.as_ref().map_or(r.rule.clone(), |f| format!("{f}{}{}", l.pick(": ", " : "), r.rule));
            let kind = if r.severity == "warning" { l.pick("warning", "avertissement") } else { "" };
            vec![format!("{}/{} → {}", r.site, r.source, r.table), r.code.clone(), what, kind.into(), l.number(r.rows_a), l.number(r.rows_b), signed(r.rows_a, r.rows_b, l)]
        });
        section(&mut out, l.pick("reasons", "motifs"), &["", "", "", "", "A", "B", ""], rows.collect(), &[4, 5, 6]);
    }
    if d.quarantine.iter().any(|q| !q.is_equal()) {
        quarantine(&mut out, &d.quarantine, l);
    }
    if !d.statuses.is_empty() {
        let (judged, counted): (Vec<&StatusChange>, Vec<&StatusChange>) = d.statuses.iter().partition(|s| s.a.map(|o| o.status) != s.b.map(|o| o.status));
        let rows = judged.iter().map(|s| vec![site(s, l), rule(s, l), format!("{} → {}", outcome(s, s.a.as_ref(), l), outcome(s, s.b.as_ref(), l))]);
        section(&mut out, l.pick("statuses", "statuts"), &[], rows.collect(), &[]);
        if !counted.is_empty() {
            let (n, more) = (counted.len(), !judged.is_empty());
            let (further, rule) = (if more { "further " } else { "" }, if n == 1 { "rule" } else { "rules" });
            let (autres, regles) = if n == 1 { ("autre ", "règle") } else { ("autres ", "règles") };
            let autres = if more { autres } else { "" };
            let _ = writeln!(out, "  {}", say!(
                l,
                "{n} {further}{rule} with the same status and other counts (all are in --format json)",
                "{n} {autres}{regles} de même statut et d'autres effectifs (toutes sont dans --format json)"
            ));
        }
    }
    if d.a.status != d.b.status {
        let word = |s: RunStatus| if s == RunStatus::Passed { l.pick("meets its thresholds", "tient ses seuils") } else { l.pick("misses a threshold", "manque un seuil") };
        let _ = writeln!(out, "\nA {}, B {}.", word(d.a.status), word(d.b.status));
    }
    out
}

fn table(out: &mut String, t: &TableValues, l: Language) {
    let (name, key) = (&t.table, t.by.join(", "));
    let title = if t.by.is_empty() { say!(l, "values of {name}, whole rows", "valeurs de {name}, lignes entières") } else { say!(l, "values of {name}, by {key}", "valeurs de {name}, par {key}") };
    let _ = writeln!(out, "\n{title}");
    let _ = writeln!(out, "  {}", counts(&t.rows, l));
    let sites = t.sites.iter().filter(|s| !s.rows.is_equal() || moved(s));
    let rows = sites.map(|s| {
        let name = |s: &Option<String>| s.clone().unwrap_or_default();
        let site = if moved(s) { format!("{} → {}", name(&s.site_a), name(&s.site_b)) } else { name(&s.site_a.clone().or(s.site_b.clone())) };
        vec![site, counts(&s.rows, l)]
    });
    if t.sites.len() > 1 {
        lines(out, rows.collect(), &[]);
    }
    if !t.fields.is_empty() {
        let head = [l.pick("field", "champ"), l.pick("changed", "modifiées"), l.pick("filled", "renseignées"), l.pick("emptied", "vidées")].map(str::to_owned).to_vec();
        let rows = t.fields.iter().map(|f| vec![f.field.clone(), l.number(f.changed), l.number(f.filled), l.number(f.emptied)]);
        lines(out, std::iter::once(head).chain(rows).collect(), &[1, 2, 3]);
    }
    for (what, keys) in [(Change::OnlyInA, &t.only_in_a), (Change::OnlyInB, &t.only_in_b)] {
        let rows: Vec<Vec<String>> = keys.iter().map(|k| vec![what.words(l).to_owned(), k.join(", ")]).collect();
        lines(out, rows, &[]);
    }
    for field in t.fields.iter().filter(|f| !f.examples.is_empty()) {
        let rows = field.examples.iter().map(|e| {
            let shown = |v: &Option<String>| v.clone().unwrap_or_else(|| "∅".into());
            let values = if e.a.is_none() && e.b.is_none() { String::new() } else { format!("{} → {}", shown(&e.a), shown(&e.b)) };
            vec![field.field.clone(), e.key.join(", "), values]
        });
        lines(out, rows.collect(), &[]);
    }
}

fn quarantine(out: &mut String, all: &[QuarantinedRows], l: Language) {
    let _ = writeln!(out, "\n{}", l.pick("quarantine, by file and row", "quarantaine, par fichier et ligne"));
    let rows = all.iter().filter(|q| !q.is_equal()).map(|q| {
        let parts = [
            (q.refused, l.pick("refused only in B", "refusées seulement dans B")),
            (q.released, l.pick("released (refused only in A)", "libérées (refusées seulement dans A)")),
            (q.other_reasons, l.pick("for other Reasons", "pour d'autres motifs")),
            (q.same, l.pick("as before", "comme avant")),
            (q.other_files_a, l.pick("of files that only A read", "de fichiers que seule A a lus")),
            (q.other_files_b, l.pick("of files that only B read", "de fichiers que seule B a lus")),
        ];
        let said: Vec<String> = parts.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} {what}", l.number(n))).collect();
        vec![format!("{}/{}", q.site, q.source), said.join(", ")]
    });
    lines(out, rows.collect(), &[]);
    for (what, pick) in [(l.pick("refused", "refusée"), (|q| &q.refused_rows) as fn(&QuarantinedRows) -> &Vec<RowPlace>), (l.pick("released", "libérée"), |q| &q.released_rows)] {
        let rows: Vec<Vec<String>> = all.iter().flat_map(pick).map(|r| vec![what.to_owned(), format!("{}, {} {}", r.file, l.pick("row", "ligne"), r.row), r.reasons.clone()]).collect();
        lines(out, rows, &[]);
    }
}

fn optional(n: Option<u64>, l: Language) -> String {
    n.map_or_else(|| "–".into(), |n| l.number(n))
}

fn section(out: &mut String, title: &str, head: &[&str], mut rows: Vec<Vec<String>>, right: &[usize]) {
    let _ = writeln!(out, "\n{title}");
    if !head.is_empty() {
        rows.insert(0, head.iter().map(|h| (*h).to_owned()).collect());
    }
    lines(out, rows, right);
}

/// Aligned columns; those in `right` end at the same place.
fn lines(out: &mut String, rows: Vec<Vec<String>>, right: &[usize]) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(|c| rows.iter().filter_map(|r| r.get(c)).map(|t| t.chars().count()).max().unwrap_or(0)).collect();
    for row in rows {
        let cells = row.iter().zip(&widths).enumerate().filter(|(_, (_, width))| **width > 0);
        let cells: Vec<String> = cells.map(|(c, (t, width))| if right.contains(&c) { format!("{t:>width$}") } else { format!("{t:<width$}") }).collect();
        let _ = writeln!(out, "  {}", cells.join("  ").trim_end());
    }
}
