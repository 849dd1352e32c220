//! Real cohorts: the numbers that papers and the data's own documentation give.
//!
//! Royston & Altman, BMC Med Res Methodol 2013;13:33, tables 1 and 2, for Rotterdam (node-positive)
//! and the German trial; the help page of `rotterdam` in the R package survival for the 43 women;
//! `sample_data/curie/planted.csv` for what was put into the made hospital.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::Value;

use crate::support::{Project, cohorte, query, root, shared, told};

/// The demo pipeline, run once for all tests of this file.
fn demo() -> &'static PathBuf {
    static RUN: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, out) = RUN.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("run");
        let output = cohorte().args(["run", "pipeline.yaml", "--quiet", "--partitions", "3", "--out"]).arg(&out).output().expect("cohorte starts");
        let (code, _, err) = told(&output);
        assert_eq!(code, 0, "{err}");
        (folder, out)
    });
    out
}

fn ask(sql: &str) -> Vec<Vec<String>> {
    let cohort = |site: &str| (site.to_owned(), demo().join(format!("cohort/patient/site={site}")));
    query(&["rotterdam", "gbsg", "gbsg2", "curie"].map(cohort), sql)
}

fn one(sql: &str) -> Vec<String> {
    ask(sql).remove(0)
}

fn report() -> Value {
    serde_json::from_slice(&std::fs::read(demo().join("report.json")).expect("a report")).expect("JSON")
}

#[test]
fn royston_and_altman_rotterdam() {
    let counts = one("SELECT count(*), count(*) FILTER (WHERE size_class = '<=20'), count(*) FILTER (WHERE size_class = '20-50'), count(*) FILTER (WHERE size_class = '>50'),
        count(*) FILTER (WHERE menopause = 'pre'), count(*) FILTER (WHERE menopause = 'post'), count(*) FILTER (WHERE NOT hormone_therapy), count(*) FILTER (WHERE hormone_therapy),
        round(avg(age)), round(stddev(age)) FROM rotterdam WHERE node_positive");
    assert_eq!(counts, ["1546", "501", "783", "262", "628", "918", "1207", "339", "56.0", "13.0"]);
    assert_eq!(one("SELECT count(*) FROM rotterdam"), ["2982"]);
}

#[test]
fn royston_and_altman_german_trial() {
    for site in ["gbsg", "gbsg2"] {
        let counts = one(&format!("SELECT count(*), count(*) FILTER (WHERE size_class = '<=20'), count(*) FILTER (WHERE size_class = '20-50'), count(*) FILTER (WHERE size_class = '>50'),
            count(*) FILTER (WHERE menopause = 'pre'), count(*) FILTER (WHERE menopause = 'post'), count(*) FILTER (WHERE NOT hormone_therapy), count(*) FILTER (WHERE hormone_therapy),
            round(avg(age), 1), round(stddev(age), 1), round(avg(pgr), 1), round(stddev(pgr), 1), round(avg(er), 1), round(stddev(er), 1), count(*) FILTER (WHERE rfs_event) FROM {site}"));
        assert_eq!(counts, ["686", "180", "453", "53", "290", "396", "440", "246", "53.1", "10.1", "110.0", "202.3", "96.3", "153.1", "299"], "{site}");
    }
}

/// Events within 84 months (of 30.4375 days): 965 when a death counts on its day, 968 when it counts
/// on the last day of relapse follow-up.
#[test]
fn events_under_the_two_rules() {
    let events = |event: &str, days: &str| one(&format!("SELECT count(*) FROM rotterdam WHERE node_positive AND {event} AND {days} <= 84 * 30.4375"));
    assert_eq!(events("rfs_event", "rfs_days"), ["965"]);
    assert_eq!(events("rfs_event_all_deaths", "rfs_days_all_deaths"), ["968"]);
}

#[test]
fn the_rule_finds_exactly_the_43_rotterdam_women() {
    let report = report();
    let rules = report["rules"].as_array().expect("rules");
    let by_site: BTreeMap<&str, u64> = rules
        .iter()
        .filter(|r| r["rule"] == "death_after_relapse_follow_up" && r["site"].is_string())
        .map(|r| (r["site"].as_str().unwrap_or_default(), r["violated"].as_u64().unwrap_or(u64::MAX)))
        .collect();
    assert_eq!(by_site, BTreeMap::from([("rotterdam", 43), ("gbsg", 0), ("gbsg2", 0), ("curie", 0)]));
}

/// The same 686 women, in another order and other codes: all shared fields together, as a multiset.
#[test]
fn the_german_trial_is_the_same_in_both_codings() {
    let report = report();
    let fields = report["schema"]["tables"][0]["fields"].as_array().expect("fields");
    let names: Vec<&str> = fields.iter().filter_map(|f| f["name"].as_str()).filter(|n| *n != "patient_id").collect();
    assert!(names.len() > 25, "{names:?}");
    let women = |site: &str| {
        let mut women = ask(&format!("SELECT {} FROM {site}", names.join(", ")));
        women.sort();
        women
    };
    let (a, b) = (women("gbsg"), women("gbsg2"));
    assert_eq!((a.len(), b.len()), (686, 686));
    for (a, b) in a.iter().zip(&b) {
        assert_eq!(a, b, "{names:?}");
    }
    let distinct: BTreeSet<_> = a.iter().collect();
    assert!(distinct.len() > 680, "{} of them differ from each other", distinct.len());
}

/// The page that a coordinator opens, of a real run, in a real browser.
#[test]
fn the_report_of_the_demo_in_a_browser() {
    crate::browser::check_report(&demo().join("report.html"));
}

/// What was planted is what was quarantined: file, row, and for each kind its reason.
#[test]
fn the_made_hospital_loses_exactly_its_planted_rows() {
    let mut reader = csv::Reader::from_path(root().join("sample_data/curie/planted.csv")).expect("planted.csv");
    let planted: Vec<(String, String, String)> = reader.records().map(|r| r.expect("a record")).map(|r| (r[0].to_owned(), r[1].to_owned(), r[2].to_owned())).collect();
    let quarantine = ("quarantine".to_owned(), demo().join("quarantine/dossier/site=curie"));
    let rows = query(&[quarantine], "SELECT _file, _row, _reasons FROM quarantine");
    let found: BTreeMap<(String, String), String> =
        rows.into_iter().map(|r| ((r[0].rsplit('/').next().unwrap_or_default().to_owned(), r[1].clone()), r[2].clone())).collect();
    let wanted: BTreeSet<(String, String)> = planted.iter().map(|p| (p.0.clone(), p.1.clone())).collect();
    assert_eq!(found.keys().cloned().collect::<BTreeSet<_>>(), wanted);
    let code = |kind: &str| match kind {
        "too_few_cells" => "D610",
        "too_many_cells" => "D611",
        "invalid_byte" => "D612",
        "nul_byte" => "D613",
        "duplicate_nip" => "R506",
        "missing_nip" => "R501",
        "nodes_over_examined" | "relapse_before_diagnosis" | "relapse_after_last_contact" | "last_contact_before_diagnosis" => "R507",
        "under_18" | "diagnosis_before_birth" | "percent_over_100" | "negative_nodes" | "size_out_of_range" => "R502",
        kind if kind.starts_with("unknown_") && kind != "unknown_yes_no" => "D621",
        _ => "D620",
    };
    for (file, row, kind) in planted {
        let reasons = &found[&(file.clone(), row.clone())];
        assert!(reasons.contains(&format!("code: {}", code(&kind))), "{file} row {row} ({kind}): {reasons}");
    }
}

/// The same women once more, through calendar dates: gbcsCS from the data folder.
#[test]
fn gbcs_by_calendar_dates_equals_gbsg() {
    let Some(path) = shared("data/cohorts/gbcs_dates_condsurv/gbcsCS.csv") else { return };
    let schema = std::fs::read_to_string(root().join("schemas/breast_relapse.yaml")).expect("the schema");
    let mapping = "
mapping: gbcs
schema: breast_relapse
site: gbcs
sources:
  trial: {path: gbcsCS.csv, format: csv, delimiter: \",\", dates: \"%d-%m-%Y\"}
tables:
  patient:
    from: trial
    on_error: quarantine
    endpoints:
      rfs: {definition: RFS, origin: diagdateb, events: {relapse_or_death: {at: recdate, if: censrec}}, censored: recdate}
    fields:
      patient_id:        {from: id}
      age:               {from: age}
      menopause:         {from: menopause, map: {1: pre, 2: post}}
      diagnosis_date:    {from: diagdateb}
      tumour_size:       {from: size, unit: mm}
      grade:             {from: grade}
      nodes_positive:    {from: nodes}
      pgr:               {from: prog_recp}
      er:                {from: estrg_recp}
      hormone_therapy:   {from: hormone, map: {1: false, 2: true}}
      rfs_days:          {endpoint: rfs}
      rfs_event:         {endpoint: rfs}
      death:             {from: censdead}
      os_days:           {sql: \"date_diff('day', diagdateb, deathdate)\"}
      relapse_days:      {from: rectime}
      rfs_days_all_deaths: {from: survtime}
";
    let pipeline = "pipeline: gbcs\nschema: schema.yaml\nmappings: [mapping.yaml]\npseudonym: {key_env: COHORTE_KEY}\n";
    let pack = std::fs::read_to_string(root().join("schemas/packs/tumour_registry.yaml")).expect("the pack");
    let project = Project::new(&[("schema.yaml", &schema), ("packs/tumour_registry.yaml", &pack), ("mapping.yaml", mapping), ("pipeline.yaml", pipeline)]);
    project.write("gbcsCS.csv", &std::fs::read(path).expect("the cohort"));
    let (code, _, err) = project.run("out", &[]);
    assert_eq!(code, 0, "{err}");
    let gbcs = ("gbcs".to_owned(), project.path("out/cohort/patient/site=gbcs"));
    let gbsg = ("gbsg".to_owned(), demo().join("cohort/patient/site=gbsg"));
    let fields = "age, menopause, tumour_size, grade, nodes_positive, pgr, er, hormone_therapy, rfs_days, rfs_event";
    let rows = |site: &str| query(&[gbcs.clone(), gbsg.clone()], &format!("SELECT {fields} FROM {site} ORDER BY {fields}"));
    let (a, b) = (rows("gbcs"), rows("gbsg"));
    assert_eq!(a.len(), 686);
    assert_eq!(a, b);
    // The export's own day counts, which the dates must give: recdate − diagdateb = rectime, deathdate − diagdateb = survtime.
    assert_eq!(query(std::slice::from_ref(&gbcs), "SELECT count(*) FROM gbcs WHERE rfs_days = relapse_days AND os_days = rfs_days_all_deaths"), [["686"]]);
    assert_eq!(query(&[gbcs], "SELECT count(*) FROM gbcs WHERE death"), [["171"]]);
}

/// The three ways of counting the late deaths, capped at 84 months: 965, 968 and 953 events. The definition
/// goes with the fields, into the file and into the report.
#[test]
fn the_three_rules_are_endpoints_with_a_cap() {
    let schema = "schema: s\nversion: 1.0.0\ntables:\n  patient:\n    fields:\n      nodes: {type: integer}\n      days_1: {type: integer, unit: d}\n      event_1: {type: boolean}\n      event_2: {type: boolean}\n      event_3: {type: boolean}\n";
    let rule = |n: u8, censored: &str, late: &str| {
        format!("      rule_{n}: {{definition: RFS, events: {{relapse: {{at: rtime, if: recur}}, death: {{at: dtime, if: death}}}}, censored: {censored}, unit: d, late: {late}, cap: 84 mo}}\n")
    };
    let mapping = format!(
        "mapping: m\nschema: s\nsite: rotterdam\nsources:\n  bank: {{path: rotterdam.csv}}\ntables:\n  patient:\n    from: bank\n    on_error: quarantine\n    endpoints:\n{}{}{}    fields:\n      nodes: {{from: nodes}}\n      days_1: {{endpoint: rule_1}}\n      event_1: {{endpoint: rule_1}}\n      event_2: {{endpoint: rule_2}}\n      event_3: {{endpoint: rule_3}}\n",
        rule(1, "dtime", "counted"),
        rule(2, "rtime", "at_censoring"),
        rule(3, "rtime", "not_counted")
    );
    let project = Project::new(&[("schema.yaml", schema), ("mapping.yaml", &mapping), ("pipeline.yaml", "pipeline: p\nschema: schema.yaml\nmappings: [mapping.yaml]\n")]);
    project.write("rotterdam.csv", &std::fs::read(root().join("sample_data/rotterdam/rotterdam.csv")).expect("the cohort"));
    let (code, _, err) = project.run("out", &[]);
    assert_eq!(code, 0, "{err}");
    let folder = "out/cohort/patient/site=rotterdam";
    let counts = project.query(
        &[("c", folder)],
        "SELECT count(*) FILTER (WHERE event_1), count(*) FILTER (WHERE event_2), count(*) FILTER (WHERE event_3), max(days_1), count(*) FROM c WHERE nodes > 0",
    );
    // 84 months are 2556.75 days.
    assert_eq!(counts, [["965", "968", "953", "2556", "1546"]]);
    let file = std::fs::File::open(project.path(&format!("{folder}/part-00000.parquet"))).expect("a part");
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet");
    for field in ["days_1", "event_1"] {
        let metadata = reader.schema().field_with_name(field).expect("the field").metadata().clone();
        assert_eq!(metadata["endpoint"], "rule_1");
        assert!(metadata["endpoint.en"].contains("Relapse-free survival") && metadata["endpoint.en"].contains("84 mo"), "{metadata:?}");
        assert!(metadata["endpoint.fr"].contains("récidive"), "{metadata:?}");
        let json: Value = serde_json::from_str(&metadata["endpoint.json"]).expect("JSON");
        assert_eq!((&json["definition"], &json["cap_days"], &json["late"]), (&Value::from("STEEP2.0/RFS"), &Value::from(2556.75), &Value::from("counted")));
    }
    assert!(reader.schema().field_with_name("nodes").expect("the field").metadata().get("endpoint").is_none());
    let report = project.json("out/report.json");
    assert_eq!(report["endpoints"].as_array().map(Vec::len), Some(3));
    assert_eq!(report["endpoints"][0]["fields"], serde_json::json!(["days_1", "event_1"]));
    let page = std::fs::read_to_string(project.path("out/report.html")).expect("the page");
    assert!(page.contains("How times to an event were derived") && page.contains("STEEP2.0/RFS"));
}

#[test]
fn accounts_add_up_and_the_manifest_agrees() {
    let manifest: Value = serde_json::from_slice(&std::fs::read(demo().join("manifest.json")).expect("a manifest")).expect("JSON");
    let number = |v: &Value, key: &str| v[key].as_u64().unwrap_or(u64::MAX);
    let tables = manifest["tables"].as_array().expect("tables");
    assert_eq!(tables.len(), 9);
    for t in tables {
        assert_eq!(number(t, "rows_read"), number(t, "rows_accepted") + number(t, "rows_quarantined") + number(t, "rows_filtered") + number(t, "rows_deduplicated"));
    }
    let read: u64 = tables.iter().filter(|t| t["table"] == "patient").map(|t| number(t, "rows_read")).sum();
    assert_eq!(read, 2982 + 686 + 686 + 5005);
    for source in manifest["sources"].as_array().expect("sources") {
        let bytes = std::fs::read(root().join(source["path"].as_str().expect("a path"))).expect("the source");
        assert_eq!(number(source, "bytes"), bytes.len() as u64);
        let digest: String = <sha2::Sha256 as sha2::Digest>::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(source["sha256"], digest);
    }
}

/// The five further tables of the made hospital against what its maker counted, row by row and without this program.
#[test]
fn the_made_hospital_has_its_treatments_and_values() {
    let expected = std::fs::read_to_string(root().join("sample_data/curie/parcours_expected.csv")).expect("the counts");
    let folder = |kind: &str, name: &str| demo().join(kind).join(name).join("site=curie");
    let one = |kind: &str, name: &str, sql: &str| query(&[("t".into(), folder(kind, name))], &format!("SELECT {sql} FROM t"))[0][0].parse::<f64>().expect("a number");
    let refused = |table: &str| match table {
        "tumour" => "dossiers",
        "treatment" => "traitements",
        "imaging" => "imagerie",
        "follow_up" => "each_site",
        other => panic!("{other}"),
    };
    let mut compared = 0;
    for line in expected.lines().skip(1) {
        let (what, number) = line.rsplit_once(',').expect("two cells");
        let number: f64 = number.parse().expect("a number");
        let words: Vec<&str> = what.split(' ').collect();
        let found = match words.as_slice() {
            [table, "accepted"] => one("cohort", table, "count(*)"),
            [table, "quarantined"] => one("quarantine", refused(table), "count(*)"),
            [table, field, "values"] => one("cohort", table, &format!("count({field})")),
            [table, field, "sum"] => one("cohort", table, &format!("sum({field})")),
            ["follow_up", "bone"] => one("cohort", "follow_up", "count(*) FILTER (WHERE metastasis = 'bone')"),
            _ => panic!("{what}"),
        };
        assert!((found - number).abs() < 0.01, "{what}: {found}, and counted {number}");
        compared += 1;
    }
    assert_eq!(compared, 18);
}
