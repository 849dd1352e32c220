//! What may be shared: no planted value leaves the quarantine and the cohort; the report for everybody; a folder against a schema; a CI.

use std::path::Path;

use crate::support::{Project, cohorte, root, told};

const SCHEMA: &str = "schema: s
version: 1.0.0
tables:
  patient:
    key: [id]
    fields:
      id: {type: pseudonym, required: true}
      name: {type: text, free_text: true}
      born: {type: date}
      sex: {type: code, values: [female, male]}
      size: {type: decimal, range: [0, 300]}
      alive: {type: boolean}
    rules:
      - {id: small, plausibility: \"size < 10\", severity: warning}
      - {id: persons, plausibility: {unique_by: [born, sex]}, severity: warning}
      - {id: one_unit, plausibility: {one_unit: {field: size}}, severity: warning}
";

const MAPPING: &str = "mapping: m
schema: s
site: north
sources:
  dossier: {path: dossier.csv, delimiter: \";\"}
tables:
  patient:
    from: dossier
    on_error: quarantine
    filter: {adults: \"AGE <> 'CANARY-FILTER-8841'\"}
    fields: {id: {from: NIP}, name: {from: NOM}, born: {from: DDN}, sex: {from: SEXE, map: {F: female, M: male}}, size: {from: TAILLE}, alive: {from: VIVANT}}
";

fn files(folder: &Path, out: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files(&path, out) } else { out.push(path) }
    }
}

/// A value of its own in every column: as something that cannot be read, as something that can, as a code that no map knows, as a cell too
/// many, as a key that is there twice. None of them is in the report, the manifest, the questions, a list of codes, or what is said.
#[test]
fn no_planted_value_is_told() {
    let header = "NIP;NOM;DDN;SEXE;TAILLE;VIVANT;AGE\n";
    let rows = [
        "CANARY-NIP-1;CANARY-NOM-1;CANARY-DDN-1;CANARY-SEXE-1;CANARY-TAILLE-1;CANARY-VIVANT-1;CANARY-AGE-1",
        "CANARY-NIP-2;CANARY-NOM-2;1953-07-19;F;77.7341;true;61",
        "CANARY-NIP-2;CANARY-NOM-3;1953-07-20;M;9.90173;false;62",
        "CANARY-NIP-4;CANARY-NOM-4;1953-07-21;F;299999.123;true;63",
        "CANARY-NIP-5;CANARY-NOM-5;1953-07-22;F;8.12345;true;64;CANARY-MORE-5",
        "CANARY-NIP-6;CANARY-NOM-6;1953-07-23;F;6.54321;true;CANARY-FILTER-8841",
        "CANARY-NIP-7;CANARY-NOM-7;1953-07-24;M;5.43219;true;65",
        "CANARY-NIP-8;CANARY-NOM-8;1953-07-24;M;4.32198;true;66",
    ];
    let p = Project::new(&[("pipeline.yaml", "pipeline: p\nschema: schema.yaml\nmappings: [mapping.yaml]\npseudonym: {key_env: COHORTE_KEY}\n"), ("schema.yaml", SCHEMA), ("mapping.yaml", MAPPING)]);
    p.write("dossier.csv", format!("{header}{}\n", rows.join("\n")).as_bytes());
    let canaries: Vec<String> = rows.iter().flat_map(|r| r.split(';')).filter(|c| c.contains("CANARY") && !c.contains("FILTER") || c.contains('.') || c.starts_with("1953")).map(str::to_owned).collect();
    assert!(canaries.len() > 30);
    let mut told_all: Vec<(String, String)> = vec![];
    let mut say = |args: &[&str]| {
        let (code, out, err) = told(&cohorte().current_dir(p.folder.path()).args(args).output().expect("cohorte starts"));
        told_all.push((format!("{args:?}"), format!("{out}{err}")));
        code
    };
    assert_eq!(say(&["check", "pipeline.yaml"]), 0);
    assert_eq!(say(&["run", "pipeline.yaml", "--out", "first", "--queries"]), 0);
    assert_eq!(say(&["run", "pipeline.yaml", "--out", "out", "--queries", "--previous", "first", "--junit", "junit.xml"]), 0);
    assert_eq!(say(&["run", "pipeline.yaml", "--out", "json", "--format", "json"]), 0);
    assert_eq!(say(&["report", "out", "--public"]), 0);
    assert_eq!(say(&["explain", "pipeline.yaml", "--field", "patient.size"]), 0);
    assert_eq!(say(&["diff", "first", "out"]), 0);
    assert_eq!(say(&["profile", "dossier.csv", "--html", "profile.html"]), 0);
    // A run that must stop says where, and not what.
    p.write("mapping.yaml", MAPPING.replace("on_error: quarantine", "on_error: fail").as_bytes());
    assert_eq!(say(&["run", "pipeline.yaml", "--out", "stopped"]), 3);
    let mut written = vec![];
    files(p.folder.path(), &mut written);
    for path in written {
        let name = path.strip_prefix(p.folder.path()).expect("below").display().to_string();
        if name.contains("/quarantine/") || name.contains("/cohort/") || name == "dossier.csv" || name == "mapping.yaml" {
            continue;
        }
        told_all.push((name, String::from_utf8_lossy(&std::fs::read(&path).expect("a file")).into_owned()));
    }
    for wanted in ["out/report.json", "out/report.html", "out/manifest.json", "out/report-public.json", "out/queries/north/queries.csv", "junit.xml", "profile.html"] {
        assert!(told_all.iter().any(|(name, _)| name == wanted), "{wanted}");
    }
    for (place, text) in &told_all {
        for canary in &canaries {
            assert!(!text.contains(canary.as_str()), "{canary} in {place}");
        }
    }
    // The test would see them: the quarantine has them.
    let refused = p.query(&[("q", "out/quarantine/dossier/site=north")], "SELECT NOM FROM q");
    assert!(refused.iter().any(|r| r[0] == "CANARY-NOM-1"));
}

/// The cohort of a run is valid by its own schema; a table with a value out of range and a repeated key is not, and the report says so.
#[test]
fn a_folder_is_validated_against_a_schema() {
    let schema = "schema: s\nversion: 1.0.0\ntables:\n  patient:\n    key: [id]\n    fields: {id: {type: pseudonym, required: true}, born: {type: date}, grade: {type: code, values: [1, 2, 3]}, size: {type: decimal, range: [0, 300]}, alive: {type: boolean}}\n    rules: [{id: born_known, completeness: born, at_least: 60 %, severity: error}]\n";
    let p = Project::new(&[("schema.yaml", schema), ("tables/patient/site=north/a.csv", "id,born,grade,size,alive\na,1950-01-01,1,12.5,true\nb,,2,301,false\nc,1951-01-01,4,13,true\n"), ("tables/patient/site=south/a.csv", "id,born,grade,size,more\na,1950-01-01,1,12.5,x\nd,1950-01-02,3,14,y\n")]);
    let validate = |folder: &str, out: &str, args: &[&str]| told(&cohorte().current_dir(p.folder.path()).args(["validate", folder, "--schema", "schema.yaml", "--quiet", "--out", out]).args(args).output().expect("cohorte starts"));
    let (code, said, err) = validate("tables", "out", &["--junit", "junit.xml"]);
    assert_eq!(code, 0, "{said}{err}");
    let report = p.json("out/report.json");
    let accounts: Vec<(u64, u64)> = report["accounts"].as_array().expect("accounts").iter().map(|a| (a["rows_accepted"].as_u64().unwrap_or(9), a["rows_quarantined"].as_u64().unwrap_or(9))).collect();
    // The key `a` stands at both sites, so neither stays; b is out of range, c has a grade that is none of the values.
    assert_eq!(accounts, [(0, 3), (1, 1)]);
    let reasons = p.query(&[("q", "out/quarantine/patient")], "SELECT id, _reasons FROM q ORDER BY id");
    assert!(reasons.len() == 4 && reasons[0][1].contains("R506") && reasons[2][1].contains("R502") && reasons[3][1].contains("D621"), "{reasons:?}");
    let junit = std::fs::read_to_string(p.path("junit.xml")).expect("JUnit");
    let mut reader = quick_xml::Reader::from_str(&junit);
    let (mut cases, mut wrong) = (0, 0);
    loop {
        match reader.read_event().expect("XML") {
            quick_xml::events::Event::Start(e) | quick_xml::events::Event::Empty(e) if e.name().as_ref() == "testcase" => cases += 1,
            quick_xml::events::Event::Start(e) if e.name().as_ref() == "failure" => wrong += 1,
            quick_xml::events::Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!((cases, wrong), (report["rules"].as_array().map_or(0, Vec::len), 0));
    // What came out is valid, as Parquet too.
    let (code, said, err) = validate("out", "again", &[]);
    assert_eq!(code, 0, "{said}{err}");
    let again = p.json("again/report.json");
    assert!(again["accounts"].as_array().is_some_and(|a| a.iter().all(|a| a["rows_quarantined"] == 0)), "{again:#}");
    assert_eq!(p.query(&[("c", "again/cohort/patient/site=south")], "SELECT * FROM c").len(), 1);
    std::fs::create_dir(p.path("nothing")).expect("a folder");
    let (code, _, err) = validate("nothing", "none", &[]);
    assert!(code == 3 && err.contains("has no table of the schema"), "{code} {err}");
}

/// The report for everybody names no file, no column and no code of a site, and counts nobody alone.
#[test]
fn the_public_report_of_the_demo() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("run");
    let (code, said, err) = told(&cohorte().args(["run", "pipeline.yaml", "--quiet", "--out"]).arg(&out).output().expect("cohorte starts"));
    assert_eq!(code, 0, "{said}{err}");
    let (code, said, err) = told(&cohorte().args(["report", "--public"]).arg(&out).output().expect("cohorte starts"));
    assert_eq!(code, 0, "{said}{err}");
    let text = ["report-public.html", "report-public.json"].map(|name| std::fs::read_to_string(out.join(name)).expect("written"));
    for word in ["sample_data", ".csv", "DATE_DIAG", "sha256\": \"", "dossiers_"] {
        assert!(text.iter().all(|t| !t.contains(word)), "{word}");
    }
    let whole = std::fs::read_to_string(out.join("report.json")).expect("written");
    assert!(whole.contains("sample_data") && std::fs::read_dir(root().join("sample_data")).is_ok());
    // The report for the study hides small cells too: no count of a value, a year or a bin is from 1 to 4, and some are hidden.
    let own: serde_json::Value = serde_json::from_str(&whole).expect("JSON");
    let (mut cells, mut hidden) = (0, 0);
    for variable in own["variables"].as_array().expect("variables") {
        let distribution = &variable["distribution"];
        let counts = ["bins", "counts"].iter().filter_map(|key| distribution[key].as_array()).flatten();
        for count in counts.map(|c| if c.is_object() { &c["rows"] } else { c }) {
            cells += 1;
            hidden += u64::from(count.is_null());
            assert!(count.as_u64().is_none_or(|n| n == 0 || n >= 5), "{} at {}: {count}", variable["field"], variable["site"]);
        }
    }
    assert!(cells > 500 && hidden > 20, "{hidden} of {cells}");
    let public: serde_json::Value = serde_json::from_str(&text[1]).expect("JSON");
    assert_eq!(public["public"], true);
    for rule in public["rules"].as_array().expect("rules") {
        let n = rule["violated"].as_u64().expect("a count");
        assert!(n == 0 || n >= 5, "{rule}");
    }
}
