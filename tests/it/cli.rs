//! The program from outside: exit codes, folders, what is printed and what is not.

use std::os::unix::fs::PermissionsExt;

use crate::support::{Project, cohorte, told};

pub const SCHEMA: &str = "
schema: small
version: 1.0.0
tables:
  person:
    key: [id]
    quarantine: {at_most: 50 %}
    fields:
      id:    {type: pseudonym, required: true}
      born:  {type: date, range: [1900-01-01, 2030-12-31]}
      size:  {type: decimal, unit: mm, range: [0, 250]}
      count: {type: integer, range: [0, 50]}
      sex:   {type: code, values: [female, male]}
      dead:  {type: boolean}
      note:  {type: text, length: [0, 20], free_text: true}
    rules:
      - {id: size_known, completeness: size, at_least: 10 %, severity: warning}
";

pub const MAPPING: &str = "
mapping: one
schema: small
site: one
sources:
  export: {path: export*.csv, delimiter: \";\", decimal: \",\", dates: \"%d/%m/%Y\", null: [\"\", ND]}
tables:
  person:
    from: export
    on_error: quarantine
    fields:
      id:    {from: NIP}
      born:  {from: DDN}
      size:  {from: CM, unit: cm}
      count: {from: N}
      sex:   {from: SEXE, map: {F: female, M: male}}
      dead:  {from: DCD}
      note:  {from: NOTE}
";

pub const PIPELINE: &str = "pipeline: small\nschema: schema.yaml\nmappings: [mapping.yaml]\npseudonym: {key_env: COHORTE_KEY}\n";

pub const EXPORT: &str = "NIP;DDN;CM;N;SEXE;DCD;NOTE\n1;31/12/1960;2,3;4;F;oui;fine\n2;31/02/1960;2,3;4;F;non;bad date\n3;01/01/1970;ND;;M;;\"a;b\"\n4;01/01/1970;1;1;X;oui;unmapped\n";

pub fn small() -> Project {
    Project::new(&[("schema.yaml", SCHEMA), ("mapping.yaml", MAPPING), ("pipeline.yaml", PIPELINE), ("export.csv", EXPORT)])
}

#[test]
fn a_run_leaves_one_whole_folder() {
    let project = small();
    let (code, out, err) = project.run("out", &[]);
    assert_eq!((code, out.as_str(), err.as_str()), (0, "", ""));
    let rows = project.query(&[("c", "out/cohort/person/site=one")], "SELECT born, size, count, sex, dead, note, length(id) FROM c");
    assert_eq!(rows, [["1960-12-31", "23.0", "4", "female", "true", "fine", "64"], ["1970-01-01", "∅", "∅", "male", "∅", "a;b", "64"]]);
    let rows = project.query(&[("q", "out/quarantine/export/site=one")], "SELECT NIP, DDN, _row, _reasons FROM q");
    assert_eq!(
        rows,
        [
            ["2", "31/02/1960", "3", "[{code: D620, field: born, rule: parse, severity: error}]"],
            ["4", "01/01/1970", "5", "[{code: D621, field: sex, rule: unmapped, severity: error}]"],
        ]
    );
    let mode = std::fs::metadata(project.path("out/quarantine/export/site=one/part-00000.parquet")).expect("a part").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "raw values are for their owner only");
    let mut names: Vec<String> = std::fs::read_dir(project.path("out")).expect("a folder").map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    assert_eq!(names, ["cohort", "findings", "manifest.json", "quarantine", "report.html", "report.json"]);
    assert!(std::fs::read_dir(project.folder.path()).expect("a folder").all(|e| !e.expect("an entry").file_name().to_string_lossy().contains("partial")));
}

/// HMAC-SHA-256(key, "one" ‖ 0x1f ‖ "1"), by Python's hmac module.
#[test]
fn the_pseudonym_is_the_hmac_of_site_and_number() {
    let project = small();
    assert_eq!(project.run("out", &[]).0, 0);
    let rows = project.query(&[("c", "out/cohort/person/site=one")], "SELECT id FROM c");
    assert_eq!(rows[0][0], PSEUDONYM_OF_1);
}

const PSEUDONYM_OF_1: &str = "9bef61004fbe77b31dcdb87830c1e6d424fcd0108a2bed3eb66873b09d3aed5e";

#[test]
fn exit_codes_are_the_contract() {
    let project = small();
    assert_eq!(project.run("out", &[]).0, 0);
    // 4: the folder is there already; nothing is overwritten without --force.
    let (code, _, err) = project.run("out", &[]);
    assert_eq!(code, 4, "{err}");
    assert_eq!(project.run("out", &["--force"]).0, 0);
    // 1: the data fails a threshold, outputs are written.
    project.write("schema.yaml", SCHEMA.replace("at_most: 50 %", "at_most: 10 %").as_bytes());
    assert_eq!(project.run("strict", &[]).0, 1);
    assert!(project.path("strict/manifest.json").exists());
    assert_eq!(project.json("strict/manifest.json")["status"], "failed");
    // 2: the YAML is wrong.
    project.write("mapping.yaml", MAPPING.replace("{from: NIP}", "{from: NIPP}").as_bytes());
    let (code, _, err) = project.run("wrong", &[]);
    assert_eq!(code, 2);
    assert!(err.contains("error[M302]") && err.contains("did you mean `NIP`?"), "{err}");
    assert!(!project.path("wrong").exists());
    // 2: the command line is wrong.
    assert_eq!(told(&cohorte().args(["run", "pipeline.yaml"]).output().expect("starts")).0, 2);
    // 3: a source cannot be read.
    project.write("mapping.yaml", MAPPING.replace("export*.csv", "nothing*.csv").as_bytes());
    assert_eq!(project.run("absent", &[]).0, 3);
    project.write("mapping.yaml", MAPPING.as_bytes());
    project.write("export.csv", b"");
    assert_eq!(project.run("empty", &[]).0, 3);
    project.write("export.csv", b"PK\x03\x04 a workbook by another name");
    let (code, _, err) = project.run("workbook", &[]);
    assert_eq!(code, 3, "{err}");
}

#[test]
fn no_key_no_run() {
    let project = small();
    let run = |set: &dyn Fn(&mut std::process::Command)| {
        let mut command = cohorte();
        command.current_dir(project.folder.path()).args(["run", "pipeline.yaml", "--quiet", "--out", "out"]).env_remove("COHORTE_KEY");
        set(&mut command);
        told(&command.output().expect("starts"))
    };
    let (code, _, err) = run(&|_| {});
    assert_eq!(code, 4);
    assert!(err.contains("no key") && err.contains("COHORTE_KEY"), "{err}");
    assert_eq!(run(&|c| {
        c.env("COHORTE_KEY", "short");
    }).0, 4);
    // A key file that others can read is refused; its content is never printed.
    project.write("pipeline.yaml", PIPELINE.replace("key_env: COHORTE_KEY", "key_file: key").as_bytes());
    project.write("key", b"the-secret-key-of-this-test-0123");
    std::fs::set_permissions(project.path("key"), std::fs::Permissions::from_mode(0o644)).expect("chmod");
    let (code, out, err) = run(&|_| {});
    assert_eq!(code, 4);
    assert!(err.contains("chmod 600") && !err.contains("the-secret") && !out.contains("the-secret"), "{err}");
    std::fs::set_permissions(project.path("key"), std::fs::Permissions::from_mode(0o600)).expect("chmod");
    assert_eq!(run(&|_| {}).0, 0);
    for file in ["out/report.html", "out/report.json", "out/manifest.json"] {
        assert!(!std::fs::read_to_string(project.path(file)).expect("a file").contains("the-secret"));
    }
}

/// Unique values in every column appear in quarantine at most: never in a report, manifest or message.
#[test]
fn no_patient_value_leaves_the_data_files() {
    let project = small();
    let mut export = String::from("NIP;DDN;CM;N;SEXE;DCD;NOTE\n");
    let canaries = ["CANARYNIP", "CANARYDATE", "CANARYCM", "CANARYN", "CANARYSEX", "CANARYDCD", "CANARYNOTE"];
    export += &format!("{};{};{};{};{};{};{}\n", canaries[0], canaries[1], canaries[2], canaries[3], canaries[4], canaries[5], canaries[6]);
    for i in 0..20 {
        export += &format!("{i};01/01/1960;1,5;2;F;oui;CANARYNOTE{i}\n");
    }
    project.write("export.csv", export.as_bytes());
    let output = cohorte().current_dir(project.folder.path()).args(["run", "pipeline.yaml", "--out", "out"]).output().expect("starts");
    let (code, out, err) = told(&output);
    assert_eq!(code, 0, "{err}");
    let mut texts = vec![out, err];
    for file in ["report.html", "report.json", "manifest.json"] {
        texts.push(std::fs::read_to_string(project.path("out").join(file)).expect("a file"));
    }
    for text in &texts {
        assert!(!text.contains("CANARY"), "a value leaked: {}", &text[text.find("CANARY").unwrap_or(0)..].chars().take(40).collect::<String>());
    }
    assert_eq!(project.query(&[("q", "out/quarantine/export/site=one")], "SELECT count(*) FROM q WHERE \"NIP\" = 'CANARYNIP'"), [["1"]]);
    // A mapping that says `fail` stops the run and names row and field, not the value.
    project.write("mapping.yaml", MAPPING.replace("on_error: quarantine", "on_error: fail").as_bytes());
    let (code, _, err) = project.run("fail", &[]);
    assert_eq!(code, 3);
    assert!(err.contains("row 2") && !err.contains("CANARY"), "{err}");
    assert!(!project.path("fail").exists());
}

#[test]
fn which_row_of_a_repeated_key_stays_is_declared() {
    for (keep, stays) in [("first", vec!["a", "c"]), ("last", vec!["b", "c"]), ("none", vec!["c"])] {
        let project = small();
        project.write("schema.yaml", SCHEMA.replace("key: [id]", &format!("key: [id]\n    duplicates: {keep}")).replace("50 %", "100 %").as_bytes());
        // The pair stands in two files with another order of columns.
        project.write("export.csv", b"NIP;DDN;CM;N;SEXE;DCD;NOTE\n1;;;;F;;a\n");
        project.write("export2.csv", b"NOTE;NIP;DDN;CM;N;SEXE;DCD\nb;1;;;;F;\nc;2;;;;F;\n");
        assert_eq!(project.run("out", &["--partitions", "2"]).0, 0);
        let notes: Vec<String> = project.query(&[("c", "out/cohort/person/site=one")], "SELECT note FROM c").into_iter().flatten().collect();
        assert_eq!(notes, stays, "{keep}");
        let report = project.json("out/report.json");
        let key = report["rules"].as_array().expect("rules").iter().find(|r| r["rule"] == "key" && r["site"].is_null()).expect("the key rule").clone();
        assert_eq!((key["violated"].as_u64(), key["denominator"].as_u64()), (Some(3 - stays.len() as u64), Some(3)));
        let lost = project.query(&[("q", "out/quarantine/export/site=one")], "SELECT _reasons FROM q");
        assert!(lost.iter().all(|r| r[0].contains("code: R506")), "{lost:?}");
        assert_eq!(lost.len() + stays.len(), 3);
    }
}

#[test]
fn compressed_files_give_the_same_rows() {
    let plain = small();
    assert_eq!(plain.run("out", &[]).0, 0);
    let gz = {
        let mut encoder = flate2::write::GzEncoder::new(vec![], flate2::Compression::default());
        std::io::Write::write_all(&mut encoder, EXPORT.as_bytes()).expect("gz");
        encoder.finish().expect("gz")
    };
    let zst = zstd::encode_all(EXPORT.as_bytes(), 3).expect("zst");
    for (name, bytes) in [("export.csv.gz", gz), ("export.csv.zst", zst)] {
        let project = small();
        std::fs::remove_file(project.path("export.csv")).expect("removed");
        project.write("mapping.yaml", MAPPING.replace("export*.csv", name).as_bytes());
        project.write(name, &bytes);
        assert_eq!(project.run("out", &[]).0, 0);
        let all = |p: &Project| p.query(&[("c", "out/cohort/person/site=one")], "SELECT * FROM c");
        assert_eq!(all(&project), all(&plain), "{name}");
    }
}

#[test]
fn check_reads_no_rows_and_is_quick_to_say_all() {
    let project = small();
    let (code, out, err) = project.check(&[]);
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
    assert!(err.contains("no findings"), "{err}");
    let (code, out, _) = project.check(&["--format", "json"]);
    assert_eq!((code, out.trim()), (0, "[]"));
}

#[test]
fn the_report_can_be_drawn_again() {
    let project = small();
    assert_eq!(project.run("out", &[]).0, 0);
    let first = std::fs::read(project.path("out/report.html")).expect("a report");
    let output = cohorte().current_dir(project.folder.path()).args(["report", "out", "--out", "again.html"]).output().expect("starts");
    assert_eq!(told(&output).0, 0);
    assert_eq!(std::fs::read(project.path("again.html")).expect("a report"), first);
}
