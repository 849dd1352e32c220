//! Two sites of one software vendor, written once; what the manifest says of shared documents.

use crate::cli::{PIPELINE, SCHEMA};
use crate::support::Project;

/// What the vendor's exports mean, whoever sends them.
const BASE: &str = "
mapping: vendor
schema: small
parameters: {prefix: V_, alive: vivant, export: none.csv}
concept_maps: {sex: {path: sex.csv, version: \"7\"}}
derivations:
  yesno: {boolean: {true: [oui], false: [non]}}
sources:
  export: {path: \"${export}\", delimiter: \";\", decimal: \",\", dates: \"%d/%m/%Y\", null: [\"\", ND]}
tables:
  person: {include: person.yaml}
";

/// The table stands in a file of its own, beside the base.
const PERSON: &str = "
from: export
on_error: quarantine
fields:
  id:    {from: \"${prefix}NIP\"}
  born:  {from: DDN}
  size:  {from: CM, unit: cm}
  count: {from: N}
  sex:   {from: SEXE, concept_map: sex}
  dead:  {from: DCD, use: yesno}
  note:  {from: NOTE}
";

const LYON: &str = "
mapping: lyon
site: lyon
extends: ../vendor/base.yaml
parameters: {export: lyon.csv}
";

/// Lille: other names, dates and words; no notes; the size in mm.
const LILLE: &str = "
mapping: lille
site: lille
extends: ../vendor/base.yaml
parameters: {prefix: L_}
sources:
  export: {path: lille.csv, dates: \"%Y-%m-%d\", null: null}
tables:
  person:
    fields:
      size: {from: MM}
      dead: {from: ETAT, use: yesno, boolean: {true: [D], false: [\"${alive}\"]}}
      note: null
";

fn project() -> Project {
    Project::new(&[
        ("schema.yaml", SCHEMA),
        ("pipeline.yaml", &PIPELINE.replace("[mapping.yaml]", "[sites/*.yaml]")),
        ("vendor/base.yaml", BASE),
        ("vendor/person.yaml", PERSON),
        ("vendor/sex.csv", "code,label,target\nF,Féminin,female\nM,Masculin,male\n"),
        ("sites/lyon.yaml", LYON),
        ("sites/lille.yaml", LILLE),
        ("sites/lyon.csv", "V_NIP;DDN;CM;N;SEXE;DCD;NOTE\n1;31/12/1960;2,3;4;F;oui;fine\n2;ND;1;1;M;non;\n"),
        ("sites/lille.csv", "L_NIP;DDN;MM;N;SEXE;ETAT\n1;1960-12-31;23;4;F;D\n2;1970-01-01;ND;1;M;vivant\n"),
    ])
}

#[test]
fn two_sites_of_one_vendor_share_a_base() {
    let project = project();
    let (code, _, err) = project.check(&[]);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("the field `note` is not mentioned") && !err.contains("error"), "{err}");
    let (code, _, err) = project.run("out", &[]);
    assert_eq!((code, err.as_str()), (0, ""));
    let rows = |site: &str| project.query(&[("c", &format!("out/cohort/person/site={site}"))], "SELECT born, size, count, sex, dead, note FROM c");
    assert_eq!(rows("lyon"), [["1960-12-31", "23.0", "4", "female", "true", "fine"], ["∅", "10.0", "1", "male", "false", "∅"]]);
    // `null: null` takes the base's missing codes away, so that `ND` is a size that cannot be read.
    assert_eq!(rows("lille"), [["1960-12-31", "23.0", "4", "female", "true", "∅"]]);
    let manifest = project.json("out/manifest.json");
    let documents: Vec<String> = manifest["fingerprints"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|d| format!("{} {} {}", d["role"].as_str().unwrap_or_default(), d["path"].as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default(), d["version"].as_str().unwrap_or("-")))
        .collect();
    assert_eq!(
        documents,
        ["pipeline pipeline.yaml -", "schema schema.yaml -", "mapping lille.yaml -", "base base.yaml -", "table person.yaml -", "concept_map sex.csv 7", "mapping lyon.yaml -"]
    );
    // sha256sum of the file.
    let map = &manifest["fingerprints"][5];
    assert_eq!((map["name"].as_str(), map["sha256"].as_str()), (Some("sex"), Some(SEX_CSV)));
}

/// `printf 'code,label,target\nF,Féminin,female\nM,Masculin,male\n' | sha256sum`
const SEX_CSV: &str = "905951491cd4d7156d22cd2cf580c6afaa8a6b35db69c58352c4fa88042aacf9";

#[test]
fn a_finding_in_a_base_is_shown_once_with_its_users() {
    let project = project();
    project.write("vendor/sex.csv", "code,target\nF,femal\nM,male\n".as_bytes());
    let (code, json, _) = project.check(&["--format", "json"]);
    assert_eq!(code, 2);
    let found: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let targets: Vec<_> = found.as_array().expect("a list").iter().filter(|d| d["code"] == "M309").collect();
    assert_eq!(targets.len(), 1, "{json}");
    assert!(targets[0]["file"].as_str().is_some_and(|f| f.ends_with("sex.csv")));
    assert_eq!((&targets[0]["line"], &targets[0]["column"], &targets[0]["length"]), (&2.into(), &3.into(), &5.into()));
    assert_eq!(targets[0]["notes"][0], "mappings that use this: `lille`, `lyon`");
}

#[test]
fn expressions_are_those_of_a_mapping_that_is_written_out() {
    let project = project();
    let written = crate::cli::small();
    let definitions = |project: &Project, pipeline: &str| -> Vec<String> {
        let output = crate::support::cohorte().current_dir(project.folder.path()).args(["explain", pipeline, "--stage", "resolved"]).output().expect("cohorte starts");
        let (_, text, err) = crate::support::told(&output);
        assert!(!text.is_empty(), "{err}");
        text.lines().filter(|l| l.contains("recode(") || l.contains("parse_date(")).map(str::to_owned).collect()
    };
    let lyon = definitions(&project, "pipeline.yaml");
    let small = definitions(&written, "pipeline.yaml");
    assert!(small.iter().all(|line| lyon.contains(line)), "{small:?}\n{lyon:?}");
}
