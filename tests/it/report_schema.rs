//! The JSON Schema of `report.json` says what is written, no more and no less.

use std::collections::BTreeSet;

use cohorte::disclosure;
use cohorte::execute::summary::*;
use cohorte::guide::json_schema;
use serde_json::{Value, json};

use crate::guide::mistakes;
use crate::sample::summary;

fn text(words: &str) -> Text {
    Text::from([("en".into(), words.into())])
}

/// Each variant of an enum; a new one does not compile here.
fn statuses() -> Vec<RuleStatus> {
    use RuleStatus::*;
    let all = vec![Passed, PassedWithFindings, Failed, NotApplicable, Error];
    all.iter().for_each(|s| match s {
        Passed | PassedWithFindings | Failed | NotApplicable | Error => {}
    });
    all
}

fn states() -> Vec<VariableState> {
    use VariableState::*;
    let all = vec![Derived, Impossible, Undetermined, NotMapped];
    all.iter().for_each(|s| match s {
        Derived | Impossible | Undetermined | NotMapped => {}
    });
    all
}

fn distributions() -> Vec<Distribution> {
    let all = vec![
        Distribution::Number { mean: Some(1.5), sd: Some(0.5), median: Some(1.5), low: -1.0, high: 3.0, bins: vec![Some(5), None] },
        Distribution::Year { first: -44, counts: vec![Some(5), None] },
        Distribution::Category { counts: vec![CategoryCount { value: "1".into(), rows: Some(7) }, CategoryCount { value: "…".into(), rows: None }] },
    ];
    all.iter().for_each(|d| match d {
        Distribution::Number { .. } | Distribution::Year { .. } | Distribution::Category { .. } => {}
    });
    all
}

const CATEGORIES: [Category; 3] = [Category::Conformance, Category::Completeness, Category::Plausibility];
const SEVERITIES: [Severity; 2] = [Severity::Warning, Severity::Error];
const KINDS: [&str; 8] = ["integer", "decimal", "boolean", "date", "datetime", "text", "code", "pseudonym"];

fn rule(number: usize, status: RuleStatus) -> RuleResult {
    RuleResult {
        table: "t".into(),
        site: Some("s".into()),
        rule: "r".into(),
        field: Some("f".into()),
        code: "R502".into(),
        category: CATEGORIES[number % 3],
        severity: SEVERITIES[number % 2],
        description: text("d"),
        expression: Some("a < b".into()),
        violated: 7,
        denominator: 70,
        threshold: Some("at most 1 %".into()),
        status,
        name: text("n"),
        reference: Some("Kahn 2016".into()),
        dqd: Some("measureValueCompleteness".into()),
        years: statuses().into_iter().map(|status| YearResult { year: 1999, violated: 7, denominator: 70, status }).collect(),
        measure: Some(Measure { name: text("population stability index"), value: 0.1, limit: Some(0.2) }),
        error: Some("it could not be judged".into()),
    }
}

/// A summary in which everything is there, and every variant of every enum.
fn full() -> RunSummary {
    let s = String::from;
    let field = |kind: &str| FieldSummary {
        name: s("f"),
        kind: kind.into(),
        unit: Some(s("mm")),
        required: true,
        description: text("d"),
        concept: [(s("snomed"), s("1"))].into(),
        values: vec![ValueLabel { value: s("1"), label: text("one") }],
        ordered: true,
        range: Some([Some(s("0")), None]),
    };
    let filters = || vec![Filtered { filter: s("adults"), condition: s("age >= 18"), rows: 7 }];
    let variables = states().into_iter().flat_map(|state| {
        distributions().into_iter().map(move |d| Variable { table: "t".into(), site: "s".into(), field: "f".into(), state, reason: Some("r".into()), rows: 70, filled: 7, distribution: Some(d) })
    });
    RunSummary {
        format: 1,
        tool: s("cohorte"),
        pipeline: s("p"),
        schema: SchemaSummary {
            name: s("n"),
            version: s("1.0.0"),
            description: text("d"),
            tables: vec![TableSummary { name: s("t"), description: text("d"), key: vec![s("f")], fields: KINDS.map(field).into() }],
        },
        started_at: s("2026-01-01T00:00:00Z"),
        seconds: 1.5,
        sites: vec![s("s")],
        sources: vec![SourceSummary {
            site: s("s"),
            name: s("n"),
            mapping: s("m"),
            format: s("csv"),
            files: vec![FileSummary { path: s("a.csv"), bytes: 1, sha256: s("0"), rows: 1, blank_lines: 0, comment_lines: 0, encoding: s("utf-8"), delimiter: s(";"), evidence: vec![s("delimiter")] }],
        }],
        accounts: vec![Account { table: s("t"), site: s("s"), source: s("n"), rows_read: 70, rows_accepted: 70, filters: filters(), ..Account::default() }],
        steps: vec![StepAccount {
            table: s("t"),
            site: s("s"),
            name: s("n"),
            sides: vec![SideAccount { of: vec![s("a")], rows: 7, fates: vec![Fate { fate: s("joined"), rows: 7 }] }],
            filters: filters(),
            ..StepAccount::default()
        }],
        variables: variables.collect(),
        rules: statuses().into_iter().enumerate().map(|(n, status)| rule(n, status)).collect(),
        unmapped: vec![Unmapped { table: s("t"), site: s("s"), field: s("f"), column: s("C"), value: Some(s("G")), rows: 7 }],
        reasons: SEVERITIES.map(|severity| ReasonCount { site: s("s"), source: s("n"), table: s("t"), code: s("R502"), field: Some(s("f")), rule: s("r"), severity, rows: 7 }).into(),
        endpoints: vec![EndpointSummary { table: s("t"), site: s("s"), name: s("rfs"), fields: vec![s("f")], definition: Some(s("STEEP2.0/RFS")), words: text("w"), derivation: json!({"origin": "D"}) }],
        survival: vec![Survival {
            table: s("t"),
            site: Some(s("s")),
            time: s("days"),
            event: s("event"),
            unit: Some(s("d")),
            description: text("d"),
            rows: Some(70),
            events: Some(7),
            median_follow_up: Some(1.5),
            median: Some(1.5),
            points: vec![SurvivalPoint { time: 0.0, at_risk: 70, survival: 1.0, lower: 1.0, upper: 1.0 }],
        }],
        history: [RunStatus::Passed, RunStatus::Failed].map(|status| PastRun {
            started_at: s("2025-01-01T00:00:00Z"),
            status,
            sites: vec![PastSite { site: s("s"), table: s("t"), rows_read: 70, rows_accepted: 63, rows_quarantined: 7 }],
            rules: statuses().into_iter().map(|status| PastRule { table: s("t"), site: Some(s("s")), rule: s("r"), field: Some(s("f")), violated: 7, denominator: 70, status }).collect(),
            variables: vec![PastVariable { table: s("t"), site: s("s"), field: s("f"), rows: 70, filled: 7 }],
        }).into(),
        queries: vec![SiteQueries { site: s("s"), new: 1, open: 1, answered: 1, closed: 1 }],
        small_cell: 5,
        public: false,
        status: RunStatus::Passed,
    }
}

/// As little as can be.
fn bare() -> RunSummary {
    let mut out = full();
    out.steps.clear();
    out.accounts.iter_mut().for_each(|a| a.filters.clear());
    for v in &mut out.variables {
        (v.reason, v.distribution) = (None, None);
    }
    for r in &mut out.rules {
        (r.site, r.field, r.expression, r.threshold, r.reference, r.dqd, r.measure, r.error) = Default::default();
        (r.name, r.years) = Default::default();
    }
    for s in &mut out.survival {
        (s.site, s.unit, s.rows, s.events, s.median_follow_up, s.median) = Default::default();
    }
    out.schema.tables.iter_mut().flat_map(|t| &mut t.fields).for_each(|f| (f.unit, f.range) = (None, None));
    out.unmapped.iter_mut().for_each(|u| u.value = None);
    out
}

fn schema() -> Value {
    json_schema::of("report").expect("the report")
}

fn written(summary: &RunSummary) -> Value {
    serde_json::to_value(summary).expect("JSON")
}

#[test]
fn what_is_written_fits() {
    let schema = schema();
    for one in [full(), bare(), summary(), disclosure::public(&full(), 5), disclosure::public(&summary(), 5)] {
        let wrong = mistakes(&schema, &schema, &written(&one), "report");
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

/// Where a schema leads: through a reference, or to the one of several that fits.
fn resolved<'a>(whole: &'a Value, schema: &'a Value, value: &Value) -> &'a Value {
    if let Some(name) = schema["$ref"].as_str().and_then(|r| r.strip_prefix("#/$defs/")) {
        return resolved(whole, &whole["$defs"][name], value);
    }
    let several = schema["oneOf"].as_array().or(schema["anyOf"].as_array());
    match several.and_then(|all| all.iter().find(|s| mistakes(whole, s, value, "").is_empty())) {
        Some(one) => resolved(whole, one, value),
        None => schema,
    }
}

/// Keys and words of enums that a value makes use of, by the description of their object.
fn used(whole: &Value, schema: &Value, value: &Value, out: &mut BTreeSet<String>) {
    let schema = resolved(whole, schema, value);
    let about = schema["description"].as_str().unwrap_or_default();
    for (key, inner) in value.as_object().into_iter().flatten() {
        let of = &schema["properties"][key];
        if of.is_null() {
            continue;
        }
        out.insert(format!("{about} {key}"));
        if of["enum"].is_array() {
            out.insert(format!("{about} {key} {inner}"));
        }
        used(whole, of, inner, out);
    }
    value.as_array().into_iter().flatten().for_each(|item| used(whole, &schema["items"], item, out));
}

/// And what the schema describes there is to use.
fn described(schema: &Value, out: &mut BTreeSet<String>) {
    let objects = std::iter::once(schema).chain(schema["$defs"].as_object().into_iter().flat_map(|d| d.values()));
    for object in objects {
        let about = object["description"].as_str().unwrap_or_default();
        for (key, of) in object["properties"].as_object().into_iter().flatten() {
            assert!(of["description"].as_str().is_some_and(|d| d.ends_with('.') && d.len() > 10), "{about} {key} is not described");
            out.insert(format!("{about} {key}"));
            out.extend(of["enum"].as_array().into_iter().flatten().map(|word| format!("{about} {key} {word}")));
        }
        assert!(object["oneOf"].is_array() || object["additionalProperties"] == false, "{about}");
    }
}

#[test]
fn nothing_is_described_that_is_never_written() {
    let schema = schema();
    let (mut there, mut said) = (BTreeSet::new(), BTreeSet::new());
    let failed = RunSummary { status: RunStatus::Failed, ..full() };
    [full(), failed].iter().for_each(|one| used(&schema, &schema, &written(one), &mut there));
    described(&schema, &mut said);
    assert!(said.len() > 200, "{}", said.len());
    assert_eq!(said.difference(&there).collect::<Vec<_>>(), Vec::<&String>::new());
}

/// Paths to all objects of a value that the schema knows.
fn objects(value: &Value, at: &str, out: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            out.push(at.to_owned());
            map.iter().filter(|(key, _)| *key != "derivation").for_each(|(key, v)| objects(v, &format!("{at}/{key}"), out));
        }
        Value::Array(items) => items.iter().enumerate().for_each(|(n, v)| objects(v, &format!("{at}/{n}"), out)),
        _ => {}
    }
}

/// A key too many or too few anywhere is found; keys that may be absent are those that are left out when they are empty.
#[test]
fn a_key_too_many_or_too_few_is_found() {
    let schema = schema();
    let (whole, bare) = (written(&full()), written(&bare()));
    let mut places = vec![];
    objects(&whole, "", &mut places);
    let (mut changed, mut absent) = (0, BTreeSet::new());
    for place in &places {
        let keys: Vec<String> = whole.pointer(place).and_then(Value::as_object).expect("an object").keys().cloned().collect();
        // Texts by language and codes by system have any key.
        if ["en", "snomed"].contains(&keys[0].as_str()) {
            continue;
        }
        let mut change = |with: &dyn Fn(&mut serde_json::Map<String, Value>)| {
            let mut other = whole.clone();
            with(other.pointer_mut(place).and_then(Value::as_object_mut).expect("an object"));
            changed += 1;
            mistakes(&schema, &schema, &other, "report").is_empty()
        };
        assert!(!change(&|o| _ = o.insert("patient".into(), Value::Null)), "{place} takes any key");
        for key in keys {
            if change(&|o| _ = o.remove(&key)) {
                absent.insert(key);
            }
        }
    }
    assert!(changed > 500, "{changed}");
    let mut left_out = BTreeSet::new();
    for (place, at) in [("", ""), ("/accounts/0", "/accounts/0"), ("/rules/0", "/rules/0")] {
        let of = |v: &Value| v.pointer(place).and_then(Value::as_object).map(|o| o.keys().cloned().collect::<BTreeSet<_>>()).expect(at);
        left_out.extend(of(&whole).difference(&of(&bare)).cloned());
    }
    assert_eq!(absent, left_out);
}
