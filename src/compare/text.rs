//! A [`Difference`] as people read it on a terminal.

use std::fmt::Write as _;

use super::{Change, Difference, Outcome, QuarantinedRows, RowCounts, SiteRows, StatusChange, TableValues};
use crate::execute::summary::{Account, RuleStatus, RunStatus};

/// The difference in plain text; no colour.
pub fn text(d: &Difference) -> String {
    let mut out = String::new();
    for (letter, run) in [("A", &d.a), ("B", &d.b)] {
        let _ = writeln!(out, "{letter}  {}  ({} {}, {})", run.folder, run.schema, run.version, run.started_at);
    }
    for note in &d.notes {
        let _ = writeln!(out, "\nnote: {note}");
    }
    if !d.inputs.is_empty() {
        let count = |n: Option<u64>| n.map_or_else(|| "none".into(), grouped);
        let rows = d.inputs.iter().map(|i| {
            let rows = if i.rows_a == i.rows_b { String::new() } else { format!("{} → {} rows", count(i.rows_a), count(i.rows_b)) };
            vec![i.site.as_ref().map_or(i.role.clone(), |s| format!("{} of {s}", i.role)), i.path.clone(), i.change.words().into(), rows]
        });
        section(&mut out, "what went in", &[], rows.collect(), &[]);
    }
    if d.equal {
        let same: u64 = d.tables.iter().map(|t| t.rows.equal).sum();
        let _ = writeln!(out, "\nNo difference in what came out: schema, rows, values ({} rows), quarantine, statuses.", grouped(same));
        return out;
    }
    let there = |t: &Option<String>| t.clone().unwrap_or_else(|| "–".into());
    if !d.schema.is_empty() {
        let rows = d.schema.iter().map(|c| {
            let name = c.field.as_ref().map_or(c.table.clone(), |f| format!("{}.{f}", c.table));
            let values = if c.a.is_none() && c.b.is_none() { "changed".into() } else { format!("{} → {}", there(&c.a), there(&c.b)) };
            vec![name, c.what.into(), values]
        });
        section(&mut out, "schema", &[], rows.collect(), &[]);
    }
    if !d.states.is_empty() {
        let rows = d.states.iter().map(|s| vec![s.site.clone(), format!("{}.{}", s.table, s.field), format!("{} → {}", s.a, s.b)]);
        section(&mut out, "what sites deliver", &[], rows.collect(), &[]);
    }
    if !d.accounts.is_empty() {
        type Count = fn(&Account) -> u64;
        let pick: [(&str, Count); 6] = [
            ("read", |a| a.rows_read),
            ("accepted", |a| a.rows_accepted),
            ("quarantined", |a| a.rows_quarantined),
            ("filtered", |a| a.rows_filtered),
            ("deduplicated", |a| a.rows_deduplicated),
            ("flagged", |a| a.rows_flagged),
        ];
        let mut rows = vec![];
        for change in &d.accounts {
            for (what, of) in pick {
                let (a, b) = (change.a.as_ref().map(of), change.b.as_ref().map(of));
                if a != b {
                    rows.push(vec![format!("{}/{} → {}", change.site, change.source, change.table), what.into(), optional(a), optional(b), signed(a.unwrap_or(0), b.unwrap_or(0))]);
                }
            }
        }
        section(&mut out, "rows", &["", "", "A", "B", ""], rows, &[2, 3, 4]);
    }
    d.tables.iter().filter(|t| !t.rows.is_equal() || t.sites.iter().any(moved)).for_each(|t| table(&mut out, t));
    if !d.reasons.is_empty() {
        let rows = d.reasons.iter().map(|r| {
            let what = r.field.as_ref().map_or(r.rule.clone(), |f| format!("{f}: {}", r.rule));
            let kind = if r.severity == "warning" { "warning" } else { "" };
            vec![format!("{}/{} → {}", r.site, r.source, r.table), r.code.clone(), what, kind.into(), grouped(r.rows_a), grouped(r.rows_b), signed(r.rows_a, r.rows_b)]
        });
        section(&mut out, "reasons", &["", "", "", "", "A", "B", ""], rows.collect(), &[4, 5, 6]);
    }
    if d.quarantine.iter().any(|q| !q.is_equal()) {
        quarantine(&mut out, &d.quarantine);
    }
    if !d.statuses.is_empty() {
        let (judged, counted): (Vec<&StatusChange>, Vec<&StatusChange>) = d.statuses.iter().partition(|s| s.a.map(|o| o.status) != s.b.map(|o| o.status));
        let rows = judged.iter().map(|s| vec![s.site.clone().unwrap_or_else(|| "all sites".into()), rule(s), format!("{} → {}", outcome(s, &s.a), outcome(s, &s.b))]);
        section(&mut out, "statuses", &[], rows.collect(), &[]);
        if !counted.is_empty() {
            let more = if judged.is_empty() { "" } else { "further " };
            let _ = writeln!(out, "  {} {more}rule{} with the same status and other counts (all are in --format json)", counted.len(), plural(counted.len()));
        }
    }
    if d.a.status != d.b.status {
        let word = |s: RunStatus| if s == RunStatus::Passed { "meets its thresholds" } else { "misses a threshold" };
        let _ = writeln!(out, "\nA {}, B {}.", word(d.a.status), word(d.b.status));
    }
    out
}

fn table(out: &mut String, t: &TableValues) {
    let title = if t.by.is_empty() { format!("values of {}, whole rows", t.table) } else { format!("values of {}, by {}", t.table, t.by.join(", ")) };
    let _ = writeln!(out, "\n{title}");
    let _ = writeln!(out, "  {}", counts(&t.rows));
    let sites = t.sites.iter().filter(|s| !s.rows.is_equal() || moved(s));
    let rows = sites.map(|s| {
        let name = |s: &Option<String>| s.clone().unwrap_or_default();
        let site = if moved(s) { format!("{} → {}", name(&s.site_a), name(&s.site_b)) } else { name(&s.site_a.clone().or(s.site_b.clone())) };
        vec![site, counts(&s.rows)]
    });
    if t.sites.len() > 1 {
        lines(out, rows.collect(), &[]);
    }
    if !t.fields.is_empty() {
        let head = ["field", "changed", "filled", "emptied"].map(str::to_owned).to_vec();
        let rows = t.fields.iter().map(|f| vec![f.field.clone(), grouped(f.changed), grouped(f.filled), grouped(f.emptied)]);
        lines(out, std::iter::once(head).chain(rows).collect(), &[1, 2, 3]);
    }
    for (what, keys) in [("only in A", &t.only_in_a), ("only in B", &t.only_in_b)] {
        let rows: Vec<Vec<String>> = keys.iter().map(|k| vec![what.to_owned(), k.join(", ")]).collect();
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

fn quarantine(out: &mut String, all: &[QuarantinedRows]) {
    let _ = writeln!(out, "\nquarantine, by file and row");
    let rows = all.iter().filter(|q| !q.is_equal()).map(|q| {
        let parts = [
            (q.refused, "refused only in B"),
            (q.released, "released (refused only in A)"),
            (q.other_reasons, "for other Reasons"),
            (q.same, "as before"),
            (q.other_files_a, "of files that only A read"),
            (q.other_files_b, "of files that only B read"),
        ];
        let said: Vec<String> = parts.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} {what}", grouped(n))).collect();
        vec![format!("{}/{}", q.site, q.source), said.join(", ")]
    });
    lines(out, rows.collect(), &[]);
    for (what, pick) in [("refused", (|q| &q.refused_rows) as fn(&QuarantinedRows) -> &Vec<super::RowPlace>), ("released", |q| &q.released_rows)] {
        let rows: Vec<Vec<String>> = all.iter().flat_map(pick).map(|r| vec![what.to_owned(), format!("{}, row {}", r.file, r.row), r.reasons.clone()]).collect();
        lines(out, rows, &[]);
    }
}

/// A row of sites that rows went between.
pub fn moved(site: &SiteRows) -> bool {
    site.site_a.is_some() && site.site_b.is_some() && site.site_a != site.site_b
}

/// `9,000 equal, 210 changed, 3 only in A`.
pub fn counts(rows: &RowCounts) -> String {
    let parts = [(rows.equal, "equal"), (rows.changed, Change::Changed.words()), (rows.only_in_a, Change::OnlyInA.words()), (rows.only_in_b, Change::OnlyInB.words())];
    let said: Vec<String> = parts.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} {what}", grouped(n))).collect();
    if said.is_empty() { "no rows".into() } else { said.join(", ") }
}

/// The rule's name, with its field.
pub fn rule(s: &StatusChange) -> String {
    match (&s.field, s.rule.as_str()) {
        (_, "run") if s.table.is_empty() => "the run".into(),
        (Some(field), rule) => format!("{}.{field}: {rule}", s.table),
        (None, rule) => format!("{}: {rule}", s.table),
    }
}

/// `failed (12 of 300)`.
pub fn outcome(s: &StatusChange, outcome: &Option<Outcome>) -> String {
    let Some(o) = outcome else { return "not there".into() };
    let word = match o.status {
        RuleStatus::Passed => "passed",
        RuleStatus::PassedWithFindings => "passed with findings",
        RuleStatus::Failed => "failed",
        RuleStatus::NotApplicable => "not applicable",
    };
    if s.table.is_empty() || o.denominator == 0 { word.into() } else { format!("{word} ({} of {})", grouped(o.violated), grouped(o.denominator)) }
}

/// `1,234`.
pub fn grouped(n: u64) -> String {
    indicatif::HumanCount(n).to_string()
}

fn optional(n: Option<u64>) -> String {
    n.map_or_else(|| "–".into(), grouped)
}

/// `+60` or `-3`.
pub fn signed(a: u64, b: u64) -> String {
    format!("{}{}", if b >= a { "+" } else { "-" }, grouped(a.abs_diff(b)))
}

fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
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
