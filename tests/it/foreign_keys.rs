//! Rows that belong to rows of another table: what is refused, hand-counted in the drawing.

use crate::support::Project;

const SCHEMA: &str = "schema: s
version: 1.0.0
tables:
  treatment:
    foreign_keys: [{fields: [patient_id, side], references: tumour}]
    fields:
      patient_id: {type: text, free_text: true}
      side: {type: code, values: [left, right]}
      drug: {type: text, free_text: true}
  tumour:
    key: [patient_id, side]
    foreign_keys: [{fields: [patient_id], references: patient}]
    fields:
      patient_id: {type: text, free_text: true}
      side: {type: code, values: [left, right]}
  patient:
    key: [patient_id]
    duplicates: none
    fields:
      patient_id: {type: text, free_text: true, required: true}
      sex: {type: code, values: [female, male]}
";
const MAPPING: &str = "mapping: m
schema: s
site: x
sources:
  persons: {path: persons.csv, delimiter: \";\"}
  tumours: {path: tumours.csv, delimiter: \";\"}
  cures: {path: cures.csv, delimiter: \";\"}
tables:
  patient:
    from: persons
    on_error: quarantine
    fields: {patient_id: {from: ID}, sex: {from: SEX, map: {F: female, H: male}}}
  tumour:
    from: tumours
    on_error: quarantine
    fields: {patient_id: {from: ID}, side: {from: SIDE, map: {G: left, D: right}}}
  treatment:
    from: cures
    on_error: quarantine
    fields: {patient_id: {from: ID}, side: {from: SIDE, map: {G: left, D: right}}, drug: {from: DRUG}}
";

/// Patients a and e are fine; b has a sex that no map knows; c comes twice, so nobody knows which is right; d never comes.
const PERSONS: &str = "ID;SEX\na;F\nb;X\nc;F\nc;H\ne;H\n";
/// Accepted: a left, e right, and the one of nobody. Refused: those of b, c and d.
const TUMOURS: &str = "ID;SIDE\na;G\nb;D\nc;G\nd;G\ne;D\n;G\n";
/// Accepted: a left. Refused: a right (no such tumour), b right (its tumour is refused, since its patient is).
const CURES: &str = "ID;SIDE;DRUG\na;G;fec\na;D;fec\nb;D;tam\n";

#[test]
fn a_row_of_nobody_is_refused_down_the_chain() {
    let project = Project::new(&[
        ("schema.yaml", SCHEMA),
        ("mapping.yaml", MAPPING),
        ("pipeline.yaml", "pipeline: p\nschema: schema.yaml\nmappings: [mapping.yaml]\n"),
        ("persons.csv", PERSONS),
        ("tumours.csv", TUMOURS),
        ("cures.csv", CURES),
    ]);
    for partitions in ["1", "4"] {
        let out = format!("out{partitions}");
        let (exit, said, err) = project.run(&out, &["--partitions", partitions]);
        assert_eq!(exit, 0, "{said}{err}");
        let rows = |sql: &str, folder: &str| project.query(&[("t", &format!("{out}/{folder}/site=x"))], sql);
        assert_eq!(rows("SELECT patient_id FROM t ORDER BY 1", "cohort/patient"), [["a"], ["e"]]);
        assert_eq!(rows("SELECT patient_id, side FROM t", "cohort/tumour").len(), 3);
        assert_eq!(rows("SELECT patient_id, side, drug FROM t", "cohort/treatment"), [["a", "left", "fec"]]);
        let refused = rows("SELECT _row, _reasons FROM t ORDER BY _row", "quarantine/tumours");
        assert_eq!(refused.iter().map(|r| r[0].as_str()).collect::<Vec<_>>(), ["3", "4", "5"]);
        assert!(refused.iter().all(|r| r[1].contains("R509") && r[1].contains("rule: in_patient") && r[1].contains("field: patient_id")), "{refused:?}");
        let refused = rows("SELECT _row, _reasons FROM t ORDER BY _row", "quarantine/cures");
        assert_eq!(refused.iter().map(|r| r[0].as_str()).collect::<Vec<_>>(), ["3", "4"]);
        assert!(refused.iter().all(|r| r[1].contains("R509") && r[1].contains("rule: in_tumour")), "{refused:?}");
        let report = project.json(&format!("{out}/report.json"));
        let rule = report["rules"].as_array().expect("rules").iter().find(|r| r["code"] == "R509" && r["table"] == "tumour" && r["site"] == "x").expect("the foreign key's rule");
        // Of six rows one has no key, and belongs to nobody.
        assert_eq!((&rule["violated"], &rule["denominator"]), (&3.into(), &6.into()));
    }
}
