//! What changed between two runs, tests of mappings, the worklist and the replay, from outside.

use serde_json::Value;

use crate::cli::{EXPORT, MAPPING, SCHEMA, small};
use crate::support::{Project, cohorte, told};

fn verb(project: &Project, args: &[&str]) -> (i32, String, String) {
    told(&cohorte().current_dir(project.folder.path()).args(args).output().expect("cohorte starts"))
}

fn difference(project: &Project, args: &[&str]) -> (i32, Value) {
    let mut all = vec!["diff", "a", "b", "--format", "json"];
    all.extend(args);
    let (code, out, err) = verb(project, &all);
    (code, serde_json::from_str(&out).unwrap_or_else(|e| panic!("no JSON ({e}): {out}{err}")))
}

#[test]
fn the_same_run_twice_is_no_difference() {
    let project = small();
    assert_eq!((project.run("a", &[]).0, project.run("b", &["--partitions", "4"]).0), (0, 0));
    let (code, out, err) = verb(&project, &["diff", "a", "b"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("No difference"), "{out}");
    let (code, found) = difference(&project, &[]);
    assert_eq!((code, found["equal"].as_bool()), (0, Some(true)));
    assert_eq!(found["tables"][0]["rows"]["equal"], 2);
}

/// Rows 3 and 5 are refused in A. B mends the code X (row 5), reads one row more, has lost the note
/// of row 2, another size of it, a wider range and another unit.
#[test]
fn a_new_mapping_schema_and_delivery_are_told_apart() {
    let project = small();
    assert_eq!(project.run("a", &[]).0, 0);
    project.write("mapping.yaml", MAPPING.replace("F: female, M: male", "F: female, M: male, X: female").replace("note:  {from: NOTE}", "note:  {impossible: no longer sent}").as_bytes());
    project.write("schema.yaml", SCHEMA.replace("unit: mm, range: [0, 250]", "unit: cm, range: [0, 25]").as_bytes());
    assert_eq!(project.run("b", &[]).0, 0);
    let (code, found) = difference(&project, &[]);
    assert_eq!(code, 1);
    let table = &found["tables"][0];
    assert_eq!(table["by"][0], "id");
    assert_eq!(table["rows"], serde_json::json!({"equal": 0, "changed": 2, "only_in_a": 0, "only_in_b": 1}));
    let fields: Vec<(&str, u64, u64, u64)> = table["fields"].as_array().expect("fields").iter()
        .map(|f| (f["field"].as_str().expect("a name"), f["changed"].as_u64().expect("n"), f["filled"].as_u64().expect("n"), f["emptied"].as_u64().expect("n"))).collect();
    // Row 2: 23 mm is 2.3 cm. Row 4 has no size.
    assert_eq!(fields, [("size", 1, 0, 0), ("note", 0, 0, 2)]);
    let schema: Vec<(&str, &str)> = found["schema"].as_array().expect("changes").iter().map(|c| (c["field"].as_str().expect("a field"), c["what"].as_str().expect("what"))).collect();
    assert_eq!(schema, [("size", "unit"), ("size", "range")]);
    assert_eq!(found["states"][0]["b"], "impossible: no longer sent");
    let quarantine = &found["quarantine"][0];
    assert_eq!((quarantine["same"].as_u64(), quarantine["released"].as_u64(), quarantine["refused"].as_u64()), (Some(1), Some(1), Some(0)));
    assert_eq!(quarantine["released_rows"][0]["row"], 5);
    assert_eq!(quarantine["released_rows"][0]["reasons"], "D621 sex unmapped");
    let reason = &found["reasons"][0];
    assert_eq!((reason["code"].as_str(), reason["rows_a"].as_u64(), reason["rows_b"].as_u64()), (Some("D621"), Some(1), Some(0)));
    assert!(found["inputs"].as_array().expect("inputs").iter().any(|i| i["role"] == "mapping" && i["change"] == "changed"));
    // What comes by default names no patient: neither a key nor a value.
    let (_, text, _) = verb(&project, &["diff", "a", "b"]);
    let (_, html, _) = verb(&project, &["diff", "a", "b", "--format", "html"]);
    let key = project.query(&[("c", "a/cohort/person/site=one")], "SELECT id FROM c ORDER BY id")[0][0].clone();
    for told in [&text, &html, &found.to_string()] {
        assert!(!told.contains("fine") && !told.contains("a;b") && !told.contains(&key[..16]), "{told}");
    }
    // Keys and values only where they are asked for.
    let (_, found) = difference(&project, &["--keys"]);
    let example = &found["tables"][0]["fields"][0]["examples"][0];
    assert_eq!((example["key"][0].as_str().map(str::len), example["a"].is_null()), (Some(64), true));
    assert_eq!(found["tables"][0]["only_in_b"].as_array().map(Vec::len), Some(1));
    let (_, out, err) = verb(&project, &["diff", "a", "b", "--values"]);
    assert!(out.contains("23.0 → 2.3") && out.contains("fine → ∅") && err.contains("patients' values"), "{out}{err}");
    // The same in French: terminal and page.
    let (_, text, _) = verb(&project, &["diff", "a", "b", "--lang", "fr"]);
    for words in ["ce qui est entré", "correspondance", "modifié", "ce que livrent les centres", "calculé → impossible : no longer sent", "valeurs de person, par id", "2 modifiées, 1 seulement dans B", "1 libérées"] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    let (_, html, _) = verb(&project, &["diff", "a", "b", "--format", "html", "--lang", "fr"]);
    for words in ["<html lang=\"fr\">", "Ce qui a changé entre les deux exécutions", "Valeurs de", "2 modifiées, 1 seulement dans B", "impossible : no longer sent", "unité"] {
        assert!(html.contains(words), "{words}\n{html}");
    }
    for english in ["changed", "only in", "What", "Rows", "Reasons", "by cohorte"] {
        assert!(!html.contains(english), "{english}\n{html}");
    }
}

/// A row that stands in another file of other bytes is not the same row.
#[test]
fn rows_of_another_delivery_are_not_matched_by_their_number() {
    let project = small();
    project.write("schema.yaml", SCHEMA.replace("50 %", "100 %").as_bytes());
    assert_eq!(project.run("a", &[]).0, 0);
    project.write("export.csv", format!("{EXPORT}5;32/01/1970;;;F;;\n").as_bytes());
    assert_eq!(project.run("b", &[]).0, 0);
    let (code, found) = difference(&project, &[]);
    assert_eq!(code, 1);
    let quarantine = &found["quarantine"][0];
    assert_eq!((quarantine["other_files_a"].as_u64(), quarantine["other_files_b"].as_u64(), quarantine["refused"].as_u64()), (Some(2), Some(3), Some(0)));
    let account = &found["accounts"][0];
    assert_eq!((account["a"]["rows_read"].as_u64(), account["b"]["rows_read"].as_u64()), (Some(4), Some(5)));
    assert_eq!(found["tables"][0]["rows"]["equal"], 2);
}

#[test]
fn a_table_without_a_key_is_compared_row_by_row() {
    let project = small();
    project.write("schema.yaml", SCHEMA.replace("    key: [id]\n", "").as_bytes());
    project.write("export.csv", b"NIP;DDN;CM;N;SEXE;DCD;NOTE\n1;;;;F;;x\n1;;;;F;;x\n2;;;;M;;y\n");
    assert_eq!(project.run("a", &[]).0, 0);
    project.write("export.csv", b"NIP;DDN;CM;N;SEXE;DCD;NOTE\n1;;;;F;;x\n2;;;;M;;y\n2;;;;M;;z\n");
    assert_eq!(project.run("b", &[]).0, 0);
    let (code, found) = difference(&project, &[]);
    assert_eq!(code, 1);
    assert_eq!(found["tables"][0]["rows"], serde_json::json!({"equal": 2, "changed": 0, "only_in_a": 1, "only_in_b": 1}));
    assert!(found["notes"][0].as_str().expect("a note").contains("no key"));
}

#[test]
fn a_folder_of_something_else_is_refused() {
    let project = small();
    assert_eq!(project.run("a", &[]).0, 0);
    project.write("b/notes.txt", b"");
    let (code, out, err) = verb(&project, &["diff", "a", "b"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("b is not the folder of a run"), "{err}");
}

/// 40,000 rows on either side in 32 MB: the counts are those of the recipe.
#[test]
fn a_comparison_keeps_to_its_memory() {
    let project = small();
    project.write("schema.yaml", SCHEMA.replace("50 %", "100 %").as_bytes());
    let export = |count: usize, changed: usize| {
        let mut text = "NIP;DDN;CM;N;SEXE;DCD;NOTE\n".to_owned();
        for i in 0..count {
            text += &format!("{i};01/01/1960;{};2;F;oui;{}\n", i % 20, if i < changed { "other" } else { "same" });
        }
        text
    };
    project.write("export.csv", export(40_000, 0).as_bytes());
    assert_eq!(project.run("a", &[]).0, 0);
    project.write("export.csv", export(39_000, 500).as_bytes());
    assert_eq!(project.run("b", &[]).0, 0);
    let (code, found) = difference(&project, &["--memory", "32MB", "--keys", "--list", "3"]);
    assert_eq!(code, 1);
    let table = &found["tables"][0];
    assert_eq!(table["rows"], serde_json::json!({"equal": 38_500, "changed": 500, "only_in_a": 1000, "only_in_b": 0}));
    assert_eq!((table["fields"].as_array().map(Vec::len), table["fields"][0]["changed"].as_u64()), (Some(1), Some(500)));
    assert_eq!((table["fields"][0]["examples"].as_array().map(Vec::len), table["only_in_a"].as_array().map(Vec::len)), (Some(3), Some(3)));
}

const TESTS: &str = "
tests: one
defaults: {NIP: 1, SEXE: F}
cases:
  - case: sizes
    rows: [{CM: \"2,3\"}, {NIP: 2, CM: ND}]
    accepted: [{id: a, size: 23.0, sex: female}, {id: b, size: null}]
  - case: a code that is not in the map
    rows: {columns: [NIP, SEXE], rows: [[1, X], [2, M]]}
    accepted: [{sex: male}]
    quarantined: [{row: 1, reasons: D621 sex}]
";

#[test]
fn tests_of_a_mapping_pass_fail_and_are_counted() {
    let project = small();
    let test = |args: &[&str]| {
        let mut all = vec!["test"];
        all.extend(args);
        verb(&project, &all)
    };
    let (code, _, err) = test(&[]);
    assert_eq!(code, 2, "{err}");
    project.write("tests.yaml", TESTS.as_bytes());
    let (code, out, err) = test(&["pipeline.yaml"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("2 of 2 cases pass"), "{out}");
    // Expected of 3 derivations (id, size, sex) of 7; both entries of the map; of the policies only `unmapped`.
    assert!(out.contains("derivations 3/7, map entries 2/2, policies 1/"), "{out}");
    assert!(out.contains("born: derivation"), "{out}");
    // A mapping alone finds its pipeline.
    assert_eq!(test(&["mapping.yaml"]).0, 0);
    let (code, _, err) = test(&["--min-coverage", "90%"]);
    assert_eq!(code, 1);
    assert!(err.contains("--min-coverage"), "{err}");
    // What the mapping gives is not what the case says.
    project.write("tests.yaml", TESTS.replace("size: 23.0", "size: 2.3").replace("[{sex: male}]", "[{sex: male}, {sex: female}]").as_bytes());
    let (code, out, _) = test(&[]);
    assert_eq!(code, 1);
    assert!(out.contains("error[C151]") && out.contains("got 23.0") && out.contains("tests.yaml:7"), "{out}");
    assert!(out.contains("2 rows are expected in `person`, 1 was accepted") && out.contains("row 1 of `export` went to quarantine: D621 sex unmapped"), "{out}");
    let (code, out, _) = test(&["--format", "json"]);
    let found: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, found["cases"].as_u64(), found["failed"].as_u64()), (1, Some(2), Some(2)));
    assert_eq!(found["mappings"][0]["cases"][0]["findings"][0]["code"], "C151");
    // `on_error: fail` ends the run, which a case may expect.
    project.write("mapping.yaml", MAPPING.replace("on_error: quarantine", "on_error: fail").as_bytes());
    project.write("tests.yaml", b"tests: one\ncases:\n  - {case: stops, rows: [{NIP: 1, SEXE: X}], fails: sex unmapped}\n");
    let (code, out, err) = test(&[]);
    assert_eq!(code, 0, "{out}{err}");
    // Tests need no delivery: without files the columns are those of the cases.
    project.write("mapping.yaml", MAPPING.as_bytes());
    project.write("tests.yaml", TESTS.replace("defaults: {NIP: 1, SEXE: F}", "defaults: {NIP: 1, SEXE: F, DDN: null, N: null, DCD: null, NOTE: null}").as_bytes());
    std::fs::remove_file(project.path("export.csv")).expect("removed");
    let (code, out, err) = test(&[]);
    assert_eq!(code, 0, "{out}{err}");
}

#[test]
fn the_tests_of_the_demonstration_pass() {
    let (code, out, err) = told(&cohorte().args(["test", "pipeline.yaml"]).output().expect("starts"));
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("curie: 14 of 14 cases pass"), "{out}");
}

/// Five rows have the code X, four the code Y: one is on the list, the other is nobody's name.
#[test]
fn what_no_map_knows_goes_on_a_worklist() {
    let project = small();
    let mut export = "NIP;DDN;CM;N;SEXE;DCD;NOTE\n".to_owned();
    for i in 0..9 {
        export += &format!("{i};;;;{};;\n", if i < 5 { "X, \"y\"" } else { "Y" }).replace("X, \"y\"", "\"X, \"\"y\"\"\"");
    }
    project.write("export.csv", export.as_bytes());
    project.write("schema.yaml", SCHEMA.replace("50 %", "100 %").as_bytes());
    assert_eq!(project.run("out", &[]).0, 0);
    let list = std::fs::read_to_string(project.path("out/worklist/one.csv")).expect("a worklist");
    let mut rows = csv::Reader::from_reader(list.as_bytes());
    assert_eq!(rows.headers().expect("a header"), vec!["site", "table", "field", "column", "code", "persons", "target", "comment"]);
    let rows: Vec<Vec<String>> = rows.records().map(|r| r.expect("a row").iter().map(str::to_owned).collect()).collect();
    assert_eq!(rows, [["one", "person", "sex", "SEXE", "X, \"y\"", "5", "", ""]]);
    assert!(!project.path("out/worklist/two.csv").exists());
}

/// Of four rows two are refused: row 3 (a day that does not exist) and row 5 (the code X). The mended
/// map takes row 5; row 3 stays, for the same Reason and from the same place.
#[test]
fn refused_rows_go_through_a_mended_mapping() {
    let project = small();
    project.write("schema.yaml", SCHEMA.replace("50 %", "100 %").as_bytes());
    assert_eq!(project.run("first", &["--partitions", "2"]).0, 0);
    project.write("mapping.yaml", MAPPING.replace("F: female, M: male", "F: female, M: male, X: female").as_bytes());
    // The files are not needed: the rows are in the quarantine.
    std::fs::remove_file(project.path("export.csv")).expect("removed");
    let (code, _, err) = project.run("again", &["--replay", "first"]);
    assert_eq!(code, 0, "{err}");
    let rows = project.query(&[("c", "again/cohort/person/site=one")], "SELECT born, size, count, sex, note FROM c");
    assert_eq!(rows, [["1970-01-01", "10.0", "1", "female", "unmapped"]]);
    let rows = |run: &str| project.query(&[("q", format!("{run}/quarantine/export/site=one").as_str())], "SELECT NIP, DDN, _file, _row, _byte, _raw, _reasons FROM q WHERE _row = 3");
    assert_eq!(rows("again"), rows("first"));
    assert_eq!(rows("again").len(), 1);
    let manifest = project.json("again/manifest.json");
    assert_eq!((manifest["tables"][0]["rows_read"].as_u64(), manifest["tables"][0]["rows_accepted"].as_u64(), manifest["tables"][0]["rows_quarantined"].as_u64()), (Some(2), Some(1), Some(1)));
    let first = std::fs::read(project.path("first/manifest.json")).expect("a manifest");
    let sha256: String = sha2::Digest::finalize(sha2::Digest::chain_update(<sha2::Sha256 as sha2::Digest>::new(), &first)).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(manifest["replay"]["manifest_sha256"], sha256);
    assert!(manifest["replay"]["run"].as_str().expect("a path").ends_with("first"));
    assert!(manifest["sources"][0]["path"].as_str().expect("a path").ends_with("export.csv"));
    // What a replay refused can be replayed.
    assert_eq!(project.run("third", &["--replay", "again"]).0, 0);
    assert_eq!(project.json("third/manifest.json")["tables"][0]["rows_read"], 1);
    // A run is not replaced by its own replay.
    let (code, _, err) = project.run("first", &["--replay", "first", "--force"]);
    assert_eq!(code, 2, "{err}");
    assert!(project.path("first/cohort").exists());
    // Something else is no run.
    let (code, _, err) = project.run("none", &["--replay", "nowhere"]);
    assert_eq!(code, 2);
    assert!(err.contains("not the folder of a run"), "{err}");
}

/// A damaged row is not made whole by taking it from the quarantine; a repeated key is found among
/// the rows that the first run accepted.
#[test]
fn a_replay_accepts_no_damage_and_no_key_twice() {
    for keep in ["none", "first", "last"] {
        let project = small();
        project.write("schema.yaml", SCHEMA.replace("50 %", "100 %").replace("key: [id]", &format!("key: [id]\n    duplicates: {keep}")).as_bytes());
        // Row 2 is fine, row 3 has its number and an unknown code, row 4 too few cells, row 5 an unknown code.
        project.write("export.csv", b"NIP;DDN;CM;N;SEXE;DCD;NOTE\n1;;;;F;;a\n1;;;;X;;b\n2;;;;F\n3;;;;X;;\"c\nd\"\n");
        assert_eq!(project.run("first", &[]).0, 0);
        project.write("mapping.yaml", MAPPING.replace("F: female, M: male", "F: female, M: male, X: female").as_bytes());
        assert_eq!(project.run("again", &["--replay", "first", "--partitions", "4"]).0, 0);
        assert_eq!(project.query(&[("c", "again/cohort/person/site=one")], "SELECT note FROM c"), [["c\nd"]], "{keep}");
        let refused = project.query(&[("q", "again/quarantine/export/site=one")], "SELECT _row, _reasons FROM q ORDER BY _row");
        assert_eq!(refused.len(), 2);
        assert!(refused[0][0] == "3" && refused[0][1].contains("R506"), "{refused:?}");
        assert!(refused[1][0] == "4" && refused[1][1].contains("D610"), "{refused:?}");
    }
}

/// Rows 2 and 4 of the export are left out, under the first filter that they do not meet, whatever else is wrong with
/// them: a date of row 2 does not exist, and row 4 has a code that the map lacks.
#[test]
fn filtered_rows_are_in_the_ledger_and_exercised_by_cases() {
    let project = small();
    let filters = "on_error: quarantine\n    filter: {known: \"NIP <> '2'\", sexed: \"SEXE IN ('F', 'M')\", never: \"NIP <> '9'\"}";
    project.write("mapping.yaml", MAPPING.replace("on_error: quarantine", filters).as_bytes());
    let (code, out, err) = project.run("a", &[]);
    assert_eq!(code, 0, "{out}{err}");
    let table = &project.json("a/manifest.json")["tables"][0];
    let rows = ["rows_read", "rows_accepted", "rows_quarantined", "rows_filtered", "rows_deduplicated"].map(|k| table[k].as_u64().expect("a number"));
    assert_eq!(rows, [4, 2, 0, 2, 0]);
    assert_eq!(table["filters"], serde_json::json!({"known": 1, "sexed": 1, "never": 0}));
    // No rule counts a row that is left out.
    let report = project.json("a/report.json");
    assert!(report["reasons"].as_array().expect("reasons").is_empty(), "{}", report["reasons"]);
    project.write("tests.yaml", b"tests: one\ndefaults: {NIP: 1, SEXE: F}\ncases:\n  - {case: left out, rows: [{}, {NIP: 2}], accepted: [{sex: female}]}\n");
    let (code, out, err) = verb(&project, &["test"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("filters 1/3") && out.contains("filter `never`"), "{out}");
}
