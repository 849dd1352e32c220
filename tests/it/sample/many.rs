//! A large run: as many sites and variables as wanted, with rules, earlier runs and follow-up.

use cohorte::execute::summary::*;

use super::past::curve;
use super::rules::{blank, judge};
use super::values::{shaped, told};
use super::{TABLE, text};

/// Three fields in ten hold numbers, one dates, one truth, the others codes.
fn field(i: usize) -> FieldSummary {
    let kind = ["integer", "code", "decimal", "code", "date", "code", "decimal", "boolean", "code", "code"][i % 10];
    let values = 2 + i * 7 % 5;
    FieldSummary {
        name: format!("variable_{i:03}"),
        kind: kind.into(),
        unit: (kind == "decimal").then(|| "mm".into()),
        required: i < 10,
        description: text(&format!("Variable number {i} of the study"), &format!("Variable numéro {i} de l’étude")),
        concept: [("loinc".to_owned(), format!("{}-4", 1000 + i))].into(),
        values: if kind == "code" {
            (0..values)
                .map(|v| ValueLabel { value: v.to_string(), label: text(&format!("class {v}"), &format!("classe {v}")) })
                .collect()
        } else {
            vec![]
        },
        ordered: false,
        range: (kind == "integer" || kind == "decimal").then(|| [Some("0".into()), Some("250".into())]),
    }
}

fn distribution(field: &FieldSummary, i: usize, site: usize, rows: u64) -> Option<Distribution> {
    let peak = ((i * 3 + site * 5) % 17 + 6) as f64;
    Some(match field.kind.as_str() {
        "integer" | "decimal" => Distribution::Number {
            mean: Some(peak * 4.0 + 1.37),
            sd: Some(12.3),
            median: Some(peak * 4.0),
            low: 0.0,
            high: 160.0,
            bins: told(shaped(rows, 40, peak, 5.0 + (site % 4) as f64)),
        },
        "date" => Distribution::Year { first: 2004, counts: told(shaped(rows, 20, peak.min(18.0), 5.0)) },
        _ => {
            let names: Vec<String> = if field.kind == "boolean" {
                vec!["false".into(), "true".into()]
            } else {
                field.values.iter().map(|v| v.value.clone()).collect()
            };
            let counts = told(shaped(rows, names.len(), (site % names.len()) as f64, 0.9));
            Distribution::Category {
                counts: names.into_iter().zip(counts).map(|(value, rows)| CategoryCount { value, rows }).collect(),
            }
        }
    })
}

fn site(i: usize) -> String {
    format!("FR-{:02}-SITE{i:02}", i * 7 % 95 + 1)
}

/// A run of so many sites and variables.
pub fn summary(sites: usize, fields: usize) -> RunSummary {
    let names: Vec<String> = (0..sites).map(site).collect();
    let fields: Vec<FieldSummary> = (0..fields).map(field).collect();
    let rows = |s: usize| 400 + (s as u64 * 977) % 5000;
    let accounts: Vec<Account> = names
        .iter()
        .enumerate()
        .map(|(s, name)| Account {
            table: TABLE.into(),
            site: name.clone(),
            source: "export".into(),
            rows_read: rows(s),
            rows_accepted: rows(s) - rows(s) / 20 - rows(s) / 50,
            rows_quarantined: rows(s) / 20,
            rows_filtered: rows(s) / 50,
            rows_deduplicated: 0,
            rows_flagged: rows(s) / 30,
            filters: vec![],
        })
        .collect();
    let mut variables = Vec::new();
    for (s, name) in names.iter().enumerate() {
        for (i, field) in fields.iter().enumerate() {
            let n = accounts[s].rows_accepted;
            let state = match (s * 31 + i * 17) % 23 {
                0 => VariableState::Impossible,
                1 => VariableState::Undetermined,
                2 => VariableState::NotMapped,
                _ => VariableState::Derived,
            };
            let filled = if state == VariableState::Derived { n - n * ((s + i) as u64 % 30) / 100 } else { 0 };
            variables.push(Variable {
                table: TABLE.into(),
                site: name.clone(),
                field: field.name.clone(),
                state,
                reason: (state == VariableState::Impossible).then(|| "not collected at this site".into()),
                rows: n,
                filled,
                distribution: if filled > 0 { distribution(field, i, s, filled) } else { None },
            });
        }
    }
    let rules = rules(&names, &fields, &rows);
    let reasons = rules
        .iter()
        .filter(|r| r.site.is_some() && r.violated > 0 && r.rule != "known")
        .map(|r| ReasonCount {
            site: r.site.clone().unwrap(),
            source: "export".into(),
            table: TABLE.into(),
            code: r.code.clone(),
            field: r.field.clone(),
            rule: r.rule.clone(),
            severity: r.severity,
            rows: r.violated,
        })
        .collect();
    let history = (0..3).map(|run| past(run, &accounts, &rules)).collect();
    let mut survival = vec![curve(None, 100_000, 4000.0, 30)];
    survival.extend(names.iter().enumerate().map(|(s, n)| curve(Some(n), rows(s), 2000.0 + 97.0 * s as f64, 12 + s as u64 % 15)));
    RunSummary {
        format: 1,
        tool: "cohorte 0.1.0".into(),
        pipeline: "many".into(),
        schema: SchemaSummary {
            name: "many".into(),
            version: "1.0.0".into(),
            description: text("A large study", "Une grande étude"),
            tables: vec![TableSummary {
                name: TABLE.into(),
                description: text("One row per patient", "Une ligne par patient"),
                key: vec!["variable_000".into()],
                fields,
            }],
        },
        started_at: "2026-03-09T08:41:07Z".into(),
        seconds: 120.0,
        queries: names.iter().map(|n| SiteQueries { site: n.clone(), new: 12, open: 30, answered: 4, closed: 9 }).collect(),
        sources: names
            .iter()
            .map(|n| SourceSummary {
                site: n.clone(),
                name: "export".into(),
                mapping: n.clone(),
                format: "csv".into(),
                files: vec![FileSummary {
                    path: format!("data/{n}/export.csv"),
                    bytes: 400_000,
                    sha256: "0123456789abcdef".repeat(4),
                    rows: 1000,
                    blank_lines: 0,
                    comment_lines: 0,
                    encoding: "utf-8".into(),
                    delimiter: ";".into(),
                    evidence: vec!["encoding: utf-8 (every byte is ASCII)".into()],
                }],
            })
            .collect(),
        sites: names,
        accounts,
        steps: vec![],
        variables,
        rules,
        unmapped: vec![],
        reasons,
        endpoints: vec![],
        survival,
        history,
        small_cell: SMALL_CELL,
        public: false,
        status: RunStatus::Failed,
    }
}

/// Each field can be read, has its values, and is known often enough; a third of them have findings at a fifth of the sites.
fn rules(sites: &[String], fields: &[FieldSummary], rows: &dyn Fn(usize) -> u64) -> Vec<RuleResult> {
    let mut all = Vec::new();
    for (i, field) in fields.iter().enumerate() {
        let own = if field.kind == "code" { ("unmapped", "D621") } else { ("parse", "D620") };
        let plausible = ("range", "R502");
        let kinds = [(own, Category::Conformance, None), (plausible, Category::Plausibility, None), (("known", "R508"), Category::Completeness, Some("at least 80 %"))];
        for ((rule, code), category, threshold) in kinds {
            if rule == "range" && field.range.is_none() {
                continue;
            }
            let mut sum = (0, 0);
            for (s, site) in sites.iter().enumerate() {
                let found = (i + s) % 5 == 0 && i % 3 == 0 || rule == "known";
                let violated = if found { rows(s) * ((s + i) as u64 % 23) / 100 } else { 0 };
                sum = (sum.0 + violated, sum.1 + rows(s));
                all.push(RuleResult {
                    site: Some(site.clone()),
                    rule: rule.into(),
                    field: Some(field.name.clone()),
                    code: code.into(),
                    category,
                    severity: Severity::Error,
                    violated,
                    denominator: rows(s),
                    threshold: threshold.map(Into::into),
                    status: judge(violated, rows(s), threshold),
                    ..blank()
                });
            }
            let site = all.last().unwrap().clone();
            all.push(RuleResult { site: None, violated: sum.0, denominator: sum.1, status: judge(sum.0, sum.1, threshold), ..site });
        }
    }
    all
}

fn past(run: u64, accounts: &[Account], rules: &[RuleResult]) -> PastRun {
    PastRun {
        started_at: format!("2025-{:02}-01T08:00:00Z", 4 * run + 2),
        status: RunStatus::Failed,
        sites: accounts
            .iter()
            .map(|a| PastSite {
                site: a.site.clone(),
                table: a.table.clone(),
                rows_read: a.rows_read * (run + 5) / 8,
                rows_accepted: a.rows_accepted * (run + 5) / 8,
                rows_quarantined: a.rows_quarantined,
            })
            .collect(),
        rules: rules
            .iter()
            .map(|r| PastRule {
                table: r.table.clone(),
                site: r.site.clone(),
                rule: r.rule.clone(),
                field: r.field.clone(),
                violated: r.violated * (6 - run) / 4,
                denominator: r.denominator,
                status: r.status,
            })
            .collect(),
        variables: vec![],
    }
}
