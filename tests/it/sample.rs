//! A run as four sites would leave it: every state, status and kind of distribution occurs.
//!
//! Made by arithmetic, not by a random generator, so that the page drawn from it never changes by
//! itself. It is no real cohort; only its shape is.

pub mod fields;
pub mod many;
mod past;
pub mod rules;
pub mod values;

use std::collections::BTreeMap;

use cohorte::execute::summary::*;

use self::fields::{Got, Imp, Not, Spec, Und, specs};
use self::rules::rules;
use self::values::{distribution, mille};

pub const SITES: [(&str, u64); 4] = [("rotterdam", 2982), ("gbsg", 686), ("gbsg2", 686), ("curie", 5352)];
pub const TABLE: &str = "patient";

pub fn text(en: &str, fr: &str) -> Text {
    if en.is_empty() { Text::new() } else { Text::from([("en".into(), en.into()), ("fr".into(), fr.into())]) }
}

/// The whole of it.
pub fn summary() -> RunSummary {
    let specs = specs();
    let quarantined = [0, 0, 0, 236];
    let accounts: Vec<Account> = SITES
        .iter()
        .zip(quarantined)
        .map(|((site, rows), quarantined)| Account {
            table: TABLE.into(),
            site: (*site).into(),
            source: if *site == "curie" { "dossier" } else { "export" }.into(),
            rows_read: *rows,
            rows_accepted: rows - quarantined - if *site == "curie" { 12 } else { 0 },
            rows_quarantined: quarantined,
            rows_filtered: if *site == "curie" { 12 } else { 0 },
            rows_deduplicated: 0,
            rows_flagged: match *site {
                "rotterdam" => 43,
                "curie" => 8,
                _ => 0,
            },
            filters: if *site == "curie" { vec![Filtered { filter: "breast".into(), condition: "SIEGE LIKE 'C50%'".into(), rows: 12 }] } else { vec![] },
        })
        .collect();
    let mut variables = Vec::new();
    for (i, (site, _)) in SITES.iter().enumerate() {
        for spec in &specs {
            let rows = accounts[i].rows_accepted;
            let (state, reason, filled) = match spec.fill[i] {
                Got(per_mille) => (VariableState::Derived, None, mille(rows, per_mille)),
                Imp(why) => (VariableState::Impossible, Some(why.to_owned()), 0),
                Und(why) => (VariableState::Undetermined, Some(why.to_owned()), 0),
                Not => (VariableState::NotMapped, None, 0),
            };
            let distribution = (filled > 0).then(|| distribution(spec, i, filled)).flatten();
            variables.push(Variable {
                table: TABLE.into(),
                site: (*site).into(),
                field: spec.name.into(),
                state,
                reason,
                rows,
                filled,
                distribution,
            });
        }
    }
    let mut results = Vec::new();
    for rule in rules() {
        rule.results(&mut results);
    }
    results.extend(together());
    adorn(&mut results);
    let history = past::history(&accounts, &results, &variables);
    let mut reasons: Vec<ReasonCount> = results
        .iter()
        .filter(|r| {
            r.violated > 0
                && r.site.is_some()
                && r.rule != "quarantine"
                && r.threshold.as_deref().is_none_or(|t| t.contains("most"))
        })
        .map(|r| ReasonCount {
            site: r.site.clone().unwrap(),
            source: if r.site.as_deref() == Some("curie") { "dossier" } else { "export" }.into(),
            table: TABLE.into(),
            code: r.code.clone(),
            field: r.field.clone(),
            rule: r.rule.clone(),
            severity: r.severity,
            rows: r.violated,
        })
        .collect();
    reasons.sort_by_key(|r| std::cmp::Reverse(r.rows));
    let unmapped = |field: &str, column: &str, value: Option<&str>, rows| Unmapped {
        table: TABLE.into(),
        site: "curie".into(),
        field: field.into(),
        column: column.into(),
        value: value.map(Into::into),
        rows,
    };
    RunSummary {
        format: 1,
        tool: "cohorte 0.1.0".into(),
        pipeline: "breast_relapse".into(),
        schema: SchemaSummary {
            name: "breast_relapse".into(),
            version: "1.0.0".into(),
            description: text(
                "Relapse after surgery for primary breast cancer",
                "Rechute après chirurgie d’un cancer du sein primitif",
            ),
            tables: vec![TableSummary {
                name: TABLE.into(),
                description: text("One row per patient", "Une ligne par patient"),
                key: vec!["patient_id".into()],
                fields: specs.iter().map(summarise).collect(),
            }],
        },
        started_at: "2026-03-09T08:41:07Z".into(),
        seconds: 1.84,
        sites: SITES.iter().map(|(s, _)| (*s).to_owned()).collect(),
        sources: sources(),
        accounts,
        steps: vec![],
        variables,
        rules: results,
        unmapped: vec![
            unmapped("laterality", "Latéralité", Some("D/G ?"), 14),
            unmapped("surgery", "Chirurgie", Some("cf. compte rendu"), 11),
            unmapped("laterality", "Latéralité", Some("<dte>"), 9),
            unmapped("surgery", "Chirurgie", Some("zonectomie"), 8),
            unmapped("grade", "Grade SBR", Some("IV"), 7),
            unmapped("sex", "Sexe", Some("X"), 6),
            unmapped("laterality", "Latéralité", None, 8),
            unmapped("surgery", "Chirurgie", None, 7),
            unmapped("her2", "HER2", None, 5),
        ],
        reasons,
        endpoints: vec![EndpointSummary {
            table: TABLE.into(),
            site: "rotterdam".into(),
            name: "rfs".into(),
            fields: vec!["rfs_days".into(), "rfs_event".into()],
            definition: Some("STEEP2.0/RFS".into()),
            words: text("The event is the first of: relapse, death.", "L'événement est le premier de : récidive, décès."),
            derivation: serde_json::json!({"name": "rfs"}),
        }],
        survival: past::survival(),
        history,
        queries: past::queries(),
        small_cell: SMALL_CELL,
        public: false,
        status: RunStatus::Failed,
    }
}

/// Rules about values together: one measured, one that could not be judged.
fn together() -> Vec<RuleResult> {
    let psi = |site: Option<&str>, value: f64, status| RuleResult {
        site: site.map(Into::into),
        rule: "age_alike".into(),
        field: Some("age".into()),
        code: "R530".into(),
        category: Category::Plausibility,
        severity: Severity::Warning,
        name: text("Age is distributed as at the other sites", "L’âge se répartit comme dans les autres centres"),
        denominator: 5104,
        threshold: Some("at most 0.25".into()),
        measure: Some(Measure { name: text("population stability index", "indice de stabilité de population"), value, limit: Some(0.25) }),
        status,
        ..rules::blank()
    };
    let broken = |site: Option<&str>| RuleResult {
        site: site.map(Into::into),
        rule: "same_source".into(),
        code: "R531".into(),
        category: Category::Plausibility,
        severity: Severity::Error,
        name: text("Counts agree with the registry’s", "Les effectifs concordent avec ceux du registre"),
        status: RuleStatus::Error,
        error: Some("the reference file has no row for curie".into()),
        ..rules::blank()
    };
    vec![
        psi(None, 0.31, RuleStatus::Failed),
        psi(Some("rotterdam"), 0.084, RuleStatus::Passed),
        psi(Some("curie"), 0.31, RuleStatus::Failed),
        broken(None),
        broken(Some("curie")),
    ]
}

/// What some rules carry besides their counts: a name, where they come from, years.
fn adorn(results: &mut [RuleResult]) {
    for r in results.iter_mut() {
        match r.rule.as_str() {
            "relapse_after_diagnosis" => {
                r.name = text("No relapse before the diagnosis", "Pas de rechute avant le diagnostic");
                r.dqd = Some("plausibleTemporalAfter".into());
                r.reference = Some("protocol 2.1, section 7".into());
            }
            "ki67_known" => {
                r.years = (2014i32..2018)
                    .map(|year| {
                        let (violated, denominator) = ((2018 - u64::from(year.unsigned_abs())) * 210, 1279);
                        YearResult { year, violated, denominator, status: rules::judge(violated, denominator, r.threshold.as_deref()) }
                    })
                    .collect();
            }
            _ => {}
        }
    }
}

fn summarise(spec: &Spec) -> FieldSummary {
    let concept: BTreeMap<String, String> = match spec.name {
        "age" => [("loinc", "63932-4")].as_slice(),
        "grade" => &[("loinc", "44648-0"), ("osiris", "TumorPathologyEvent_HistologicalGrade")],
        "er" => &[("loinc", "16112-5")],
        _ => &[],
    }
    .iter()
    .map(|(k, v)| ((*k).into(), (*v).into()))
    .collect();
    FieldSummary {
        name: spec.name.into(),
        kind: spec.kind.into(),
        unit: spec.unit.map(Into::into),
        required: spec.required,
        description: text(spec.en, spec.fr),
        concept,
        values: spec.values.iter().map(|(v, en, fr)| ValueLabel { value: (*v).into(), label: text(en, fr) }).collect(),
        ordered: spec.name == "grade",
        range: spec.range.map(|r| r.map(|b| b.map(Into::into))),
    }
}

fn sources() -> Vec<SourceSummary> {
    let file = |path: &str, bytes, rows, encoding: &str, delimiter: &str, evidence: &[&str], blank_lines, seed: u32| {
        FileSummary {
            path: path.into(),
            bytes,
            sha256: (0..8)
                .map(|i| format!("{:08x}", seed.wrapping_mul(2_654_435_761).rotate_left(i * 5) ^ i))
                .collect(),
            rows,
            blank_lines,
            comment_lines: 0,
            encoding: encoding.into(),
            delimiter: delimiter.into(),
            evidence: evidence.iter().map(|e| (*e).into()).collect(),
        }
    };
    let utf8 =
        ["encoding: utf-8 (every byte is ASCII)", "delimiter: , (the same number in each of the first 200 lines)"];
    let cp1252 = [
        "encoding: windows-1252 (0xE9 0x80 0x92 occur; 0x80 to 0x9F are no text in iso-8859-1)",
        "delimiter: ; (declared)",
    ];
    let source = |site: &str, name: &str, files| SourceSummary {
        site: site.into(),
        name: name.into(),
        mapping: site.into(),
        format: "csv".into(),
        files,
    };
    vec![
        source(
            "rotterdam",
            "export",
            vec![file("sample_data/rotterdam/rotterdam.csv", 128_431, 2982, "utf-8", ",", &utf8, 0, 7)],
        ),
        source("gbsg", "export", vec![file("sample_data/gbsg/gbsg.csv", 24_118, 686, "utf-8", ",", &utf8, 0, 11)]),
        source("gbsg2", "export", vec![file("sample_data/gbsg2/GBSG2.csv", 27_902, 686, "utf-8", ",", &utf8, 0, 13)]),
        source(
            "curie",
            "dossier",
            vec![
                file("sample_data/curie/dossiers_2006_2009.csv", 214_377, 1479, "windows-1252", ";", &cp1252, 3, 17),
                file("sample_data/curie/dossiers_2010_2013.csv", 287_120, 1818, "windows-1252", ";", &cp1252, 0, 19),
                file("sample_data/curie/dossiers_2014_2017.csv", 1_312_559, 2055, "windows-1252", ";", &cp1252, 1, 23),
            ],
        ),
    ]
}
