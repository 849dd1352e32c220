//! A [`Difference`] as one self-contained page.

use maud::{DOCTYPE, Markup, PreEscaped, html as page};

use super::text::{counts, grouped, moved, outcome, rule, signed};
use super::{Difference, QuarantinedRows, TableValues};
use crate::execute::summary::Account;

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
pub fn html(d: &Difference) -> String {
    let same: u64 = d.tables.iter().map(|t| t.rows.equal).sum();
    let markup = page! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "What changed between two runs" }
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { @if d.equal { "Nothing changed between the two runs" } @else { "What changed between the two runs" } }
                (rows(&["", "folder", "pipeline", "schema", "made"], &[], [("A", &d.a), ("B", &d.b)].into_iter().map(|(letter, r)| {
                    vec![letter.into(), r.folder.clone(), r.pipeline.clone(), format!("{} {}", r.schema, r.version), format!("{} by {}", r.started_at, r.tool)]
                })))
                @for note in &d.notes { p .note { (note) } }
                @if d.equal { p { "Schema, rows, values (" (grouped(same)) " rows), quarantine and statuses are the same." } }
                @if !d.inputs.is_empty() {
                    h2 { "What went in" }
                    (rows(&["", "", "", "rows in A", "rows in B"], &[3, 4], d.inputs.iter().map(|i| {
                        let count = |n: Option<u64>| n.map_or_else(String::new, grouped);
                        vec![i.site.as_ref().map_or(i.role.clone(), |s| format!("{} of {s}", i.role)), i.path.clone(), i.change.words().into(), count(i.rows_a), count(i.rows_b)]
                    })))
                }
                @if !d.schema.is_empty() {
                    h2 { "Schema" }
                    (rows(&["field", "", "A", "B"], &[], d.schema.iter().map(|c| {
                        let there = |t: &Option<String>| t.clone().unwrap_or_else(|| "–".into());
                        vec![c.field.as_ref().map_or(c.table.clone(), |f| format!("{}.{f}", c.table)), c.what.into(), there(&c.a), there(&c.b)]
                    })))
                }
                @if !d.states.is_empty() {
                    h2 { "What sites deliver" }
                    (rows(&["site", "field", "A", "B"], &[], d.states.iter().map(|s| vec![s.site.clone(), format!("{}.{}", s.table, s.field), s.a.clone(), s.b.clone()])))
                }
                @if !d.accounts.is_empty() { h2 { "Rows" } (accounts(d)) }
                @for t in d.tables.iter().filter(|t| !t.rows.is_equal() || t.sites.iter().any(moved)) { (table(t)) }
                @if !d.reasons.is_empty() {
                    h2 { "Reasons" }
                    (rows(&["site", "table", "code", "field", "rule", "", "A", "B", "B − A"], &[6, 7, 8], d.reasons.iter().map(|r| {
                        vec![r.site.clone(), r.table.clone(), r.code.clone(), r.field.clone().unwrap_or_default(), r.rule.clone(), r.severity.into(), grouped(r.rows_a), grouped(r.rows_b), signed(r.rows_a, r.rows_b)]
                    })))
                }
                @if d.quarantine.iter().any(|q| !q.is_equal()) { h2 { "Quarantine, by file and row" } (quarantine(&d.quarantine)) }
                @if !d.statuses.is_empty() {
                    h2 { "Rules" }
                    (rows(&["site", "rule", "A", "B"], &[], d.statuses.iter().map(|s| {
                        vec![s.site.clone().unwrap_or_else(|| "all sites".into()), rule(s), outcome(s, &s.a), outcome(s, &s.b)]
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

fn accounts(d: &Difference) -> Markup {
    let pick: [fn(&Account) -> u64; 5] = [|a| a.rows_read, |a| a.rows_accepted, |a| a.rows_quarantined, |a| a.rows_filtered, |a| a.rows_deduplicated];
    rows(&["site", "source", "table", "", "read", "accepted", "quarantined", "filtered", "deduplicated"], &[4, 5, 6, 7, 8], d.accounts.iter().flat_map(|c| {
        [("A", &c.a), ("B", &c.b)].map(|(letter, account)| {
            let mut row = vec![c.site.clone(), c.source.clone(), c.table.clone(), letter.to_owned()];
            row.extend(pick.iter().map(|of| account.as_ref().map_or_else(|| "–".into(), |a| grouped(of(a)))));
            row
        })
    }))
}

fn table(t: &TableValues) -> Markup {
    page! {
        h2 { "Values of " code { (t.table) } @if t.by.is_empty() { ", whole rows" } @else { ", by " code { (t.by.join(", ")) } } }
        p { (counts(&t.rows)) "." }
        (rows(&["site in A", "site in B", "rows"], &[], t.sites.iter().map(|s| {
            vec![s.site_a.clone().unwrap_or_default(), s.site_b.clone().unwrap_or_default(), counts(&s.rows)]
        })))
        @if !t.fields.is_empty() {
            (rows(&["field", "changed", "filled", "emptied"], &[1, 2, 3], t.fields.iter().map(|f| vec![f.field.clone(), grouped(f.changed), grouped(f.filled), grouped(f.emptied)])))
        }
        @if !t.only_in_a.is_empty() || !t.only_in_b.is_empty() {
            (rows(&["", "key"], &[], [("only in A", &t.only_in_a), ("only in B", &t.only_in_b)].into_iter().flat_map(|(what, keys)| keys.iter().map(move |k| vec![what.to_owned(), k.join(", ")]))))
        }
        @if t.fields.iter().any(|f| !f.examples.is_empty()) {
            (rows(&["field", "key", "A", "B"], &[], t.fields.iter().flat_map(|f| f.examples.iter().map(|e| {
                let asked = e.a.is_some() || e.b.is_some();
                let shown = |v: &Option<String>| v.clone().unwrap_or_else(|| if asked { "∅".into() } else { String::new() });
                vec![f.field.clone(), e.key.join(", "), shown(&e.a), shown(&e.b)]
            }))))
        }
    }
}

fn quarantine(all: &[QuarantinedRows]) -> Markup {
    let places = all.iter().flat_map(|q| {
        let each = |what: &'static str, rows: &[super::RowPlace]| rows.iter().map(|r| vec![what.to_owned(), r.file.clone(), r.row.to_string(), r.reasons.clone()]).collect::<Vec<_>>();
        [each("refused", &q.refused_rows), each("released", &q.released_rows)].concat()
    });
    let places: Vec<Vec<String>> = places.collect();
    page! {
        (rows(&["site", "source", "refused only in B", "released", "for other Reasons", "as before", "files only A read", "files only B read"], &[2, 3, 4, 5, 6, 7], all.iter().map(|q| {
            let mut row = vec![q.site.clone(), q.source.clone()];
            row.extend([q.refused, q.released, q.other_reasons, q.same, q.other_files_a, q.other_files_b].map(grouped));
            row
        })))
        @if !places.is_empty() { (rows(&["", "file", "row", "Reasons"], &[2], places.into_iter())) }
    }
}
