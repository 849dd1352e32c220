//! What two `report.json` and manifests say differently.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;

use super::run::Run;
use super::{AccountChange, Change, Input, Outcome, ReasonChange, SchemaChange, State, StateChange, StatusChange};
use crate::execute::summary::{FieldSummary, RuleStatus, RunStatus, RunSummary, SchemaSummary, Severity, TableSummary, Variable};

/// Pairs of what stands in either list, in the order of the first, then of the second.
fn paired<'a, T, K: Eq + Hash>(a: &'a [T], b: &'a [T], key: impl Fn(&'a T) -> K) -> Vec<(Option<&'a T>, Option<&'a T>)> {
    let places: HashMap<K, &T> = b.iter().map(|y| (key(y), y)).collect();
    let mut pairs: Vec<(Option<&T>, Option<&T>)> = a.iter().map(|x| (Some(x), places.get(&key(x)).copied())).collect();
    let known: HashSet<K> = a.iter().map(&key).collect();
    pairs.extend(b.iter().filter(|y| !known.contains(&key(y))).map(|y| (None, Some(y))));
    pairs
}

/// Documents and files of only one run, or with another fingerprint.
pub fn inputs(a: &Run, b: &Run) -> Vec<Input> {
    let mut inputs = vec![];
    for (x, y) in paired(&a.documents, &b.documents, |d| (&d.0, &d.1)) {
        let change = match (x, y) {
            (Some(x), Some(y)) if x.2 == y.2 => continue,
            (Some(_), Some(_)) => Change::Changed,
            (Some(_), None) => Change::OnlyInA,
            _ => Change::OnlyInB,
        };
        if let Some((role, path, _)) = x.or(y) {
            inputs.push(Input { role: role.clone(), site: None, path: path.clone(), rows_a: None, rows_b: None, change });
        }
    }
    let files = |run: &Run| -> Vec<(String, String, String, u64)> {
        run.summary.sources.iter().flat_map(|s| s.files.iter().map(|f| (s.site.clone(), f.path.clone(), f.sha256.clone(), f.rows))).collect()
    };
    let (files_a, files_b) = (files(a), files(b));
    for (x, y) in paired(&files_a, &files_b, |f| (&f.0, &f.1)) {
        let change = match (x, y) {
            (Some(x), Some(y)) if x.2 == y.2 => continue,
            (Some(_), Some(_)) => Change::Changed,
            (Some(_), None) => Change::OnlyInA,
            _ => Change::OnlyInB,
        };
        if let Some((site, path, ..)) = x.or(y) {
            let (rows_a, rows_b) = (x.map(|f| f.3), y.map(|f| f.3));
            inputs.push(Input { role: "source".into(), site: Some(site.clone()), path: path.clone(), rows_a, rows_b, change });
        }
    }
    inputs
}

/// What the schemas give differently.
pub fn schema(a: &SchemaSummary, b: &SchemaSummary) -> Vec<SchemaChange> {
    let mut changes = vec![];
    for (x, y) in paired(&a.tables, &b.tables, |t| &t.name) {
        let Some(table) = x.or(y).map(|t| t.name.clone()) else { continue };
        let (Some(x), Some(y)) = (x, y) else {
            let there = |t: Option<&TableSummary>| t.map(|t| t.fields.len().to_string());
            changes.push(SchemaChange { table, field: None, what: "fields of the table", a: there(x), b: there(y) });
            continue;
        };
        let listed = |key: &[String]| (!key.is_empty()).then(|| key.join(", "));
        if x.key != y.key {
            changes.push(SchemaChange { table: table.clone(), field: None, what: "key", a: listed(&x.key), b: listed(&y.key) });
        }
        let order = |t: &TableSummary, other: &TableSummary| -> Vec<String> {
            t.fields.iter().filter(|f| other.fields.iter().any(|g| g.name == f.name)).map(|f| f.name.clone()).collect()
        };
        if order(x, y) != order(y, x) {
            changes.push(SchemaChange { table: table.clone(), field: None, what: "order of the fields", a: None, b: None });
        }
        for (f, g) in paired(&x.fields, &y.fields, |f| &f.name) {
            let Some(name) = f.or(g).map(|f| f.name.clone()) else { continue };
            changes.extend(field(&table, &name, f, g));
        }
    }
    changes
}

fn field(table: &str, name: &str, a: Option<&FieldSummary>, b: Option<&FieldSummary>) -> Vec<SchemaChange> {
    let change = |what, a, b| SchemaChange { table: table.to_owned(), field: Some(name.to_owned()), what, a, b };
    let (Some(x), Some(y)) = (a, b) else {
        let kind = |f: Option<&FieldSummary>| f.map(|f| f.kind.clone());
        return vec![change("field", kind(a), kind(b))];
    };
    let end = |end: &Option<String>| end.clone().unwrap_or_else(|| "…".into());
    let listed = |map: &BTreeMap<String, String>| (!map.is_empty()).then(|| map.iter().map(|(k, v)| format!("{k} {v}")).collect::<Vec<_>>().join(", "));
    type Property = fn(&FieldSummary) -> Option<String>;
    let properties: [(&'static str, Property); 4] = [
        ("type", |f| Some(f.kind.clone())),
        ("unit", |f| f.unit.clone()),
        ("required", |f| Some(f.required.to_string())),
        ("values", |f| (!f.values.is_empty()).then(|| f.values.iter().map(|v| v.value.as_str()).collect::<Vec<_>>().join(", "))),
    ];
    let mut changes: Vec<SchemaChange> = properties.into_iter().map(|(what, of)| change(what, of(x), of(y))).collect();
    let range = |f: &FieldSummary| f.range.as_ref().map(|[low, high]| format!("[{}, {}]", end(low), end(high)));
    changes.push(change("range", range(x), range(y)));
    changes.push(change("ordered", Some(x.ordered.to_string()), Some(y.ordered.to_string())));
    changes.push(change("concept", listed(&x.concept), listed(&y.concept)));
    changes.push(change("description", listed(&x.description), listed(&y.description)));
    changes.retain(|c| c.a != c.b);
    let labels = |f: &FieldSummary| f.values.iter().map(|v| (v.value.clone(), v.label.clone())).collect::<Vec<_>>();
    if labels(x) != labels(y) && !changes.iter().any(|c| c.what == "values") {
        changes.push(change("labels", None, None));
    }
    changes
}

/// Fields that a site's mapping treats differently.
pub fn states(a: &RunSummary, b: &RunSummary) -> Vec<StateChange> {
    let state = |v: &Variable| State { state: v.state, reason: v.reason.clone() };
    // A site or field of only one run is a difference of the accounts or of the schema.
    let both = paired(&a.variables, &b.variables, |v| (&v.table, &v.site, &v.field)).into_iter().filter_map(|(x, y)| x.zip(y));
    both.filter(|(x, y)| state(x) != state(y))
        .map(|(x, y)| StateChange { site: x.site.clone(), table: x.table.clone(), field: x.field.clone(), a: state(x), b: state(y) })
        .collect()
}

/// Row accounts that differ.
pub fn accounts(a: &RunSummary, b: &RunSummary) -> Vec<AccountChange> {
    let pairs = paired(&a.accounts, &b.accounts, |x| (&x.site, &x.table, &x.source)).into_iter().filter(|(x, y)| x != y);
    pairs
        .filter_map(|(x, y)| {
            let some = x.or(y)?;
            Some(AccountChange { site: some.site.clone(), table: some.table.clone(), source: some.source.clone(), a: x.cloned(), b: y.cloned() })
        })
        .collect()
}

/// Reasons given more or less often, the largest difference first.
pub fn reasons(a: &RunSummary, b: &RunSummary) -> Vec<ReasonChange> {
    let pairs = paired(&a.reasons, &b.reasons, |r| (&r.site, &r.source, &r.table, &r.code, &r.field, &r.rule, r.severity));
    let mut changes: Vec<ReasonChange> = pairs
        .into_iter()
        .filter_map(|(x, y)| {
            let some = x.or(y)?;
            Some(ReasonChange {
                site: some.site.clone(),
                source: some.source.clone(),
                table: some.table.clone(),
                code: some.code.clone(),
                field: some.field.clone(),
                rule: some.rule.clone(),
                severity: if some.severity == Severity::Error { "error" } else { "warning" },
                rows_a: x.map_or(0, |r| r.rows),
                rows_b: y.map_or(0, |r| r.rows),
            })
        })
        .filter(|r| r.rows_a != r.rows_b)
        .collect();
    changes.sort_by(|x, y| {
        let key = |r: &ReasonChange| (std::cmp::Reverse(r.rows_a.abs_diff(r.rows_b)), r.site.clone(), r.table.clone(), r.field.clone(), r.rule.clone(), r.severity);
        key(x).cmp(&key(y))
    });
    changes
}

/// The run's verdict, and the rules whose status differs or whose counts do.
pub fn statuses(a: &RunSummary, b: &RunSummary) -> Vec<StatusChange> {
    let mut changes = vec![];
    if a.status != b.status {
        let outcome = |status: RunStatus| {
            let status = if status == RunStatus::Passed { RuleStatus::Passed } else { RuleStatus::Failed };
            Some(Outcome { status, violated: 0, denominator: 0 })
        };
        changes.push(StatusChange { table: String::new(), site: None, field: None, rule: "run".into(), a: outcome(a.status), b: outcome(b.status) });
    }
    for (x, y) in paired(&a.rules, &b.rules, |r| (&r.table, &r.site, &r.rule, &r.field, &r.code)) {
        let outcome = |r: Option<&crate::execute::summary::RuleResult>| r.map(|r| Outcome { status: r.status, violated: r.violated, denominator: r.denominator });
        let (before, after) = (outcome(x), outcome(y));
        if let Some(some) = x.or(y).filter(|_| before != after) {
            changes.push(StatusChange { table: some.table.clone(), site: some.site.clone(), field: some.field.clone(), rule: some.rule.clone(), a: before, b: after });
        }
    }
    changes
}
