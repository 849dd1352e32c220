//! Official code lists as they are delivered: CIM-10 in French, ICD-O-3 in English.

use std::time::Instant;

use crate::support::{Project, shared};

const MAPPING: &str = "
mapping: one
schema: coded
site: one
sources:
  export: {path: export.csv, delimiter: \";\"}
tables:
  tumour:
    from: export
    on_error: quarantine
    fields:
      diagnosis: {from: CIM}
      breast:    {from: CIM}
      topography: {from: TOPO}
";

/// 42,886 codes are looked up, not compared one by one, and only those that occur reach the report.
#[test]
fn cim10_is_looked_up() {
    let (Some(cim), Some(topo)) = (shared("data/codes/cim10_fr/cim10.csv.gz"), shared("data/codes/icdo3/Topoenglish.txt")) else { return };
    // Level 3 and 4 rows are the codes; the others are terms that a code includes.
    let text = std::fs::read_to_string(topo).expect("UTF-8");
    let mut seen = std::collections::BTreeSet::new();
    let codes: String = text.lines().skip(1).filter_map(|l| l.split('\t').next().filter(|c| seen.insert(c.to_string()))).map(|c| format!("{c}\n")).collect();
    let project = Project::new(&[("mapping.yaml", MAPPING), ("pipeline.yaml", "pipeline: coded\nschema: schema.yaml\nmappings: [mapping.yaml]\n"), ("topo.csv", &format!("code\n{codes}"))]);
    project.write("codes/cim10.csv.gz", &std::fs::read(&cim).expect("the list"));
    let schema = "
schema: coded
version: 1.0.0
codelists:
  cim10: {path: codes/cim10.csv.gz, version: \"2023\", columns: {label_fr: long}}
tables:
  tumour:
    fields:
      diagnosis:  {type: code, values: {codelist: cim10}}
      breast:     {type: code, values: {codelist: cim10}, within: [C50, D05], severity: {within: warning}}
      topography: {type: code, values: {codelist: topo.csv}, within: C50}
";
    project.write("schema.yaml", schema.as_bytes());
    let mut export = "CIM;TOPO\nC504;C50.4\nD051;C50.9\nC341;C50.1\nC50.4;C50.1\nX;C50.1\nC500;C34.1\n".to_owned();
    (0..100_000).for_each(|n| export += ["C509;C50.9\n", "C50;C50.0\n", "A009;C50.2\n"][n % 3]);
    project.write("export.csv", export.as_bytes());
    let started = Instant::now();
    let (code, _, err) = project.check(&[]);
    assert_eq!(code, 0, "{err}");
    let check = started.elapsed();
    let (code, out, err) = project.run("out", &[]);
    assert!(code == 0 || code == 1, "{out}{err}");
    println!("check {check:.1?}, run {:.1?}", started.elapsed() - check);
    // An unoptimised binary included, neither takes minutes; an OR chain did.
    assert!(started.elapsed().as_secs() < 120);
    let rows = project.query(&[("q", "out/quarantine/export/site=one")], "SELECT _row, CIM, TOPO FROM q ORDER BY _row");
    // CIM-10 as AP-HP has it knows no dots; C34.1 is no breast.
    assert_eq!(rows, [["5", "C50.4", "C50.1"], ["6", "X", "C50.1"], ["7", "C500", "C34.1"]]);
    let report = project.json("out/report.json");
    let fields = report["schema"]["tables"][0]["fields"].as_array().expect("fields");
    let values = fields[0]["values"].as_array().expect("values");
    assert_eq!(values.len(), 6, "only what occurs is told");
    assert!(values.iter().any(|v| v["value"] == "C504" && v["label"]["fr"] == "Tumeur maligne du quadrant supéro-externe du sein"));
    let within = report["rules"].as_array().expect("rules").iter().find(|r| r["rule"] == "within" && r["field"] == "breast" && r["site"].is_null()).expect("the constraint");
    // C341 and A009 are no breast; rows refused for another reason count as rows all the same.
    assert_eq!(within["violated"], 1 + 100_000 / 3);
    let manifest = project.json("out/manifest.json");
    let list = manifest["fingerprints"].as_array().expect("documents").iter().find(|d| d["name"] == "cim10").expect("the codelist").clone();
    assert_eq!((list["role"].as_str(), list["version"].as_str()), (Some("codelist"), Some("2023")));
}

/// Every code of a chapter's list lies within the chapter, and no other.
#[test]
fn branches_of_cim10_by_the_notation() {
    let Some(cim) = shared("data/codes/cim10_fr/cim10.csv.gz") else { return };
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(std::fs::File::open(cim).expect("the list")), &mut text).expect("UTF-8");
    let codes: Vec<&str> = text.lines().skip(1).filter_map(|l| l.split(',').next()).collect();
    let within = |branch: &str| codes.iter().filter(|code| cohorte::function::is_within(code, branch)).count();
    let beginning = |start: &str| codes.iter().filter(|code| code.starts_with(start)).count();
    // zgrep -c '^C50' cim10.csv.gz
    assert_eq!((within("C50"), within("C50")), (beginning("C50"), 10));
    assert_eq!(within("C00-C97"), beginning("C"));
}
