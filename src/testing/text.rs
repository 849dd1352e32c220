//! Outcomes of tests as people and as programs read them.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Coverage, ItemKind, Outcome};
use crate::diagnostic::{SourceMap, Span, render_json, render_text};

/// Things never exercised that are listed by name; the rest is a number.
const LISTED: usize = 25;

/// Cases, what is wrong with them, and coverage.
pub fn text(outcome: &Outcome, color: bool) -> String {
    let mut out = String::new();
    for suite in &outcome.suites {
        let failed = suite.cases.iter().filter(|c| !c.findings.is_empty()).count();
        let all = suite.cases.len();
        let _ = writeln!(out, "{}: {} of {all} cases pass ({})", suite.mapping, all - failed, suite.path.display());
        for case in &suite.cases {
            if !case.findings.is_empty() {
                let _ = write!(out, "\n{}", render_text(&case.findings, &outcome.map, color));
            }
        }
        coverage(&mut out, &suite.coverage, &outcome.map);
    }
    if !outcome.untested.is_empty() {
        let _ = writeln!(out, "no tests: {}", outcome.untested.join(", "));
    }
    out
}

fn coverage(out: &mut String, coverage: &Coverage, map: &SourceMap) {
    let parts = ItemKind::ALL.into_iter().filter_map(|(kind, _, several)| {
        let (hit, all) = coverage.share(Some(kind));
        (all > 0).then(|| format!("{several} {hit}/{all}"))
    });
    let _ = writeln!(out, "  exercised: {} ({})", parts.collect::<Vec<_>>().join(", "), percent(coverage.share(None)));
    let never: Vec<_> = coverage.items.iter().filter(|i| !i.exercised).collect();
    if !never.is_empty() {
        let _ = writeln!(out, "  never:");
    }
    for item in never.iter().take(LISTED) {
        let _ = writeln!(out, "    {}{}", item.span.map_or_else(String::new, |s| format!("{} ", place(s, map))), item.words());
    }
    if never.len() > LISTED {
        let _ = writeln!(out, "    and {} more (--format json lists all)", never.len() - LISTED);
    }
}

fn place(span: Span, map: &SourceMap) -> String {
    format!("{}:{}", map.name(span.file), map.line_column(span).0)
}

/// `83 %`, rounded down, so that 100 % is all.
pub fn percent((hit, all): (usize, usize)) -> String {
    (hit * 100).checked_div(all).map_or_else(|| "nothing to exercise".into(), |share| format!("{share} %"))
}

/// The same for programs.
pub fn json(outcome: &Outcome) -> Value {
    let suites: Vec<Value> = outcome
        .suites
        .iter()
        .map(|suite| {
            let cases: Vec<Value> = suite
                .cases
                .iter()
                .map(|c| json!({"case": c.name, "passed": c.findings.is_empty(), "findings": render_json(&c.findings, &outcome.map)}))
                .collect();
            let shares: serde_json::Map<String, Value> = ItemKind::ALL
                .into_iter()
                .map(|(kind, _, several)| {
                    let (exercised, all) = suite.coverage.share(Some(kind));
                    (several.replace(' ', "_"), json!({"exercised": exercised, "all": all}))
                })
                .collect();
            let never: Vec<Value> = suite
                .coverage
                .items
                .iter()
                .filter(|i| !i.exercised)
                .map(|i| {
                    let kind = ItemKind::ALL.into_iter().find(|(k, ..)| *k == i.kind).map_or("", |(_, one, _)| one);
                    json!({"kind": kind, "table": i.table, "field": i.field, "what": i.what,
                        "file": i.span.map(|s| outcome.map.name(s.file)), "line": i.span.map(|s| outcome.map.line_column(s).0)})
                })
                .collect();
            json!({"mapping": suite.mapping, "tests": suite.path.display().to_string(), "cases": cases, "coverage": shares, "never": never})
        })
        .collect();
    let (exercised, all) = outcome.covered();
    let cases: usize = outcome.suites.iter().map(|s| s.cases.len()).sum();
    json!({"format": 1, "cases": cases, "failed": outcome.failed(), "coverage": {"exercised": exercised, "all": all}, "mappings": suites, "untested": outcome.untested})
}
