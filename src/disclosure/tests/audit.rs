//! What is told to everybody, looked at number by number and word by word.

use std::collections::BTreeSet;

use serde_json::Value;

use super::sample::*;
use crate::disclosure::public;
use crate::execute::summary::*;

/// Numbers that count rows of patients.
const COUNTS: &[&str] = &[
    "accounts[].rows_accepted",
    "accounts[].rows_deduplicated",
    "accounts[].rows_filtered",
    "accounts[].rows_flagged",
    "accounts[].rows_quarantined",
    "accounts[].rows_read",
    "reasons[].rows",
    "rules[].denominator",
    "rules[].violated",
    "survival[].events",
    "survival[].points[].at_risk",
    "survival[].rows",
    "variables[].distribution.bins[]",
    "variables[].distribution.counts[]",
    "variables[].distribution.counts[].rows",
    "variables[].filled",
    "variables[].rows",
];

/// Numbers that count no rows. Of those that are measured, the tests of rounding speak.
const OTHERS: &[&str] = &[
    "format",
    "seconds",
    "small_cell",
    "survival[].median",
    "survival[].median_follow_up",
    "survival[].points[].lower",
    "survival[].points[].survival",
    "survival[].points[].time",
    "survival[].points[].upper",
    "variables[].distribution.first",
    "variables[].distribution.high",
    "variables[].distribution.low",
    "variables[].distribution.mean",
    "variables[].distribution.median",
    "variables[].distribution.sd",
];

/// 3 rows wherever rows are counted, and a secret wherever a file, a column or a mapping speaks.
fn planted() -> RunSummary {
    let secret = |what: &str| format!("SECRET {what}");
    let mut out = empty();
    out.sites = vec!["0".into(), "1".into(), "2".into()];
    out.sources = vec![SourceSummary {
        site: "0".into(),
        name: "export".into(),
        mapping: "m".into(),
        format: "csv".into(),
        files: vec![FileSummary { path: secret("path"), bytes: 3, sha256: secret("hash"), rows: 3, blank_lines: 3, comment_lines: 3, encoding: "utf-8".into(), delimiter: ";".into(), evidence: vec![secret("evidence")] }],
    }];
    let filtered = || vec![Filtered { filter: secret("filter"), condition: secret("condition"), rows: 3 }];
    let mut first = account("0", 93, 3, 3, 3, 3);
    first.filters = filtered();
    out.accounts = vec![first, account("1", 3, 0, 0, 0, 0), account("2", 300, 0, 0, 0, 297)];
    out.steps = vec![StepAccount {
        table: "patient".into(),
        site: "0".into(),
        name: "joined".into(),
        sides: vec![SideAccount { of: vec![secret("side")], rows: 3, fates: vec![Fate { fate: secret("fate"), rows: 3 }] }],
        rows_read: 12,
        rows_kept: 3,
        rows_quarantined: 3,
        rows_filtered: 3,
        rows_deduplicated: 3,
        filters: filtered(),
    }];
    let number = |bins: &[u64]| Distribution::Number { mean: Some(3.271_592), sd: Some(1.234_567), median: Some(3.0), low: 0.0, high: bins.len() as f64, bins: bins.iter().map(|n| Some(*n)).collect() };
    let years = |counts: &[u64]| Distribution::Year { first: 2000, counts: counts.iter().map(|n| Some(*n)).collect() };
    for (site, rows, scale) in [("0", 93, 1), ("1", 3, 0), ("2", 300, 10)] {
        let few = if site == "1" { [3, 0, 0] } else { [3, 20 + scale, 30 + scale] };
        let filled = few.iter().sum();
        for (field, distribution) in [("grade", codes(&few)), ("age", number(&few)), ("seen", years(&few))] {
            let mut v = variable(site, field, filled, distribution);
            (v.rows, v.reason) = (rows, Some(secret("reason")));
            out.variables.push(v);
        }
        let mut full = variable(site, "size", rows - 3, number(&[rows - 3]));
        full.rows = rows;
        out.variables.push(full);
    }
    let by_year = || vec![YearResult { year: 2001, violated: 3, denominator: 3, status: RuleStatus::Failed }];
    for (site, violated, denominator) in [(None, 9, 402), (Some("0"), 3, 99), (Some("1"), 3, 3), (Some("2"), 297, 300)] {
        let mut one = rule(site, "r", violated, denominator);
        one.years = by_year();
        one.measure = Some(Measure { name: Text::new(), value: 3.0, limit: Some(3.0) });
        one.error = Some(secret("error"));
        let mut strict = one.clone();
        (strict.rule, strict.threshold) = ("strict".into(), Some("at most 3 rows".into()));
        out.rules.extend([one, strict]);
    }
    let reason = |rule: &str, rows| ReasonCount { site: "0".into(), source: "export".into(), table: "patient".into(), code: "R502".into(), field: None, rule: rule.into(), severity: Severity::Error, rows };
    out.reasons = vec![reason("r", 3), reason("strict", 3), reason("before", 3)];
    out.unmapped = vec![Unmapped { table: "patient".into(), site: "0".into(), field: "grade".into(), column: secret("column"), value: Some(secret("code")), rows: 30 }];
    out.endpoints = vec![EndpointSummary {
        table: "patient".into(),
        site: "0".into(),
        name: "rfs".into(),
        fields: vec!["days".into()],
        definition: Some("STEEP2.0/RFS".into()),
        words: Text::from([("en".into(), secret("words"))]),
        derivation: serde_json::json!({"origin": secret("origin")}),
    }];
    let curve = |n: u64| [(0.0, n, 1.0), (1.0, n - 3, 0.987_654), (2.0, n / 2, 0.654_321), (3.0, 3, 0.5)];
    out.survival = vec![survival(None, 396, 150, &curve(396)), survival(Some("0"), 93, 3, &curve(93)), survival(Some("1"), 3, 0, &[(0.0, 3, 1.0)]), survival(Some("2"), 300, 147, &curve(300))];
    out.history = vec![PastRun {
        started_at: secret("day"),
        status: RunStatus::Failed,
        sites: vec![PastSite { site: "0".into(), table: "patient".into(), rows_read: 3, rows_accepted: 3, rows_quarantined: 3 }],
        rules: vec![PastRule { table: "patient".into(), site: None, rule: "r".into(), field: None, violated: 3, denominator: 3, status: RuleStatus::Passed }],
        variables: vec![PastVariable { table: "patient".into(), site: "0".into(), field: "age".into(), rows: 3, filled: 3 }],
    }];
    out.queries = vec![SiteQueries { site: "0".into(), new: 3, open: 3, answered: 3, closed: 3 }];
    out
}

/// Each number with its path, and each text.
fn walk(value: &Value, path: &str, numbers: &mut Vec<(String, f64)>, texts: &mut Vec<String>) {
    match value {
        Value::Number(n) => numbers.push((path.to_owned(), n.as_f64().unwrap_or(f64::NAN))),
        Value::String(text) => texts.push(text.clone()),
        Value::Array(all) => all.iter().for_each(|v| walk(v, &format!("{path}[]"), numbers, texts)),
        Value::Object(all) => all.iter().for_each(|(key, v)| {
            texts.push(key.clone());
            walk(v, &if path.is_empty() { key.clone() } else { format!("{path}.{key}") }, numbers, texts);
        }),
        Value::Null | Value::Bool(_) => {}
    }
}

#[test]
fn no_small_count_and_no_secret_is_told_to_everybody() {
    let out = public(&planted(), 5);
    assert!(out.public);
    assert_eq!(out.small_cell, 5);
    let (mut numbers, mut texts) = (vec![], vec![]);
    walk(&serde_json::to_value(&out).expect("JSON"), "", &mut numbers, &mut texts);
    for (path, n) in &numbers {
        let counts = COUNTS.contains(&path.as_str());
        assert!(counts || OTHERS.contains(&path.as_str()), "`{path}`: does it count rows?");
        assert!(!counts || *n == 0.0 || (*n >= 5.0 && n % 5.0 == 0.0), "{path} is {n}");
        let digits = format!("{n}").trim_start_matches(['0', '.', '-']).len();
        assert!(path.starts_with("seconds") || digits <= 5, "{path} is told too exactly: {n}");
    }
    let seen: BTreeSet<&str> = numbers.iter().map(|(path, _)| path.as_str()).collect();
    let unseen: Vec<&&str> = COUNTS.iter().filter(|p| !seen.contains(**p)).collect();
    assert!(unseen.is_empty(), "nothing is left to look at: {unseen:?}");
    let secrets: Vec<&String> = texts.iter().filter(|t| t.contains("SECRET")).collect();
    assert!(secrets.is_empty(), "{secrets:?}");
}

/// The planted summary has what the audit looks for.
#[test]
fn the_audit_sees_what_is_planted() {
    let (mut numbers, mut texts) = (vec![], vec![]);
    walk(&serde_json::to_value(planted()).expect("JSON"), "", &mut numbers, &mut texts);
    let small: BTreeSet<&str> = numbers.iter().filter(|(_, n)| *n == 3.0).map(|(path, _)| path.as_str()).collect();
    for path in COUNTS.iter().filter(|p| !p.ends_with("rows_read")) {
        assert!(small.contains(path), "no small number is planted at {path}");
    }
    assert_eq!(texts.iter().filter(|t| t.contains("SECRET")).count(), 31);
}

/// What is public is told again as it is.
#[test]
fn what_is_public_stays() {
    let once = public(&planted(), 5);
    assert_eq!(public(&once, 5), once);
}
