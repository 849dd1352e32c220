//! Formats of sources through the whole program, and the outside suites that have files of them.

use std::path::Path;

use cohorte::source::record::{Damage, Failure, Options, Output};
use cohorte::source::records_of;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::conformance::{gaps, line};
use crate::support::{Project, cohorte, shared, told};

/// The records of a file as a format gives them.
#[derive(Default)]
struct Taken {
    records: Vec<(u64, Vec<Option<String>>)>,
    damaged: Vec<(u64, String)>,
}

impl Output for Taken {
    fn record(&mut self, number: u64, _: u64, cells: &mut dyn Iterator<Item = Option<&str>>) -> Result<(), Failure> {
        self.records.push((number, cells.map(|c| c.map(str::to_owned)).collect()));
        Ok(())
    }

    fn damaged(&mut self, number: u64, _: u64, _: Damage, raw: &str, _: &mut dyn Iterator<Item = Option<&str>>) -> Result<(), Failure> {
        self.damaged.push((number, raw.to_owned()));
        Ok(())
    }

    fn read(&mut self, _: u64) {}
}

fn options(value: Value) -> Options {
    match value {
        Value::Object(map) => map,
        _ => panic!("options are a map"),
    }
}

fn taken(format: &str, path: &Path, value: Value) -> Result<(Vec<String>, Taken), Failure> {
    let format = records_of(format).expect("a format");
    let options = options(value);
    let mut taken = Taken::default();
    let head = (format.head)(path, &options)?;
    (format.records)(path, &options, &mut taken)?;
    Ok((head.columns, taken))
}

/// Each sheet of the workbooks as openpyxl (xlsx) and xlrd (xls) see it: `tests/excel/expect.py`. The xlsb holds what the xls
/// of its name does.
#[test]
fn conformance_excel() {
    let Some(suite) = shared("suites/excel") else { return };
    let expected = include_str!("../excel/expected.tsv");
    let mut cases: Vec<Vec<String>> = expected.lines().map(|l| l.split('\t').map(str::to_owned).collect()).collect();
    let twins: Vec<Vec<String>> = cases.iter().filter(|c| c[0].ends_with("examples.xls")).cloned().collect();
    cases.extend(twins.into_iter().map(|mut c| {
        c[0] = c[0].replace(".xls", ".xlsb");
        c
    }));
    let (mut passed, mut failed) = (0, vec![]);
    for case in &cases {
        let [file, sheet, rows, wanted] = case.as_slice() else { panic!("four columns") };
        let found = taken("excel", &suite.join(file), json!({"sheet": sheet, "header_rows": 0})).map(|(_, taken)| {
            let mut hash = Sha256::new();
            for (number, cells) in &taken.records {
                let last = cells.iter().rposition(Option::is_some).map_or(0, |at| at + 1);
                let line: Vec<&str> = cells[..last].iter().map(|c| c.as_deref().unwrap_or("\0")).collect();
                hash.update(format!("{number}\x1f{}\x1e", line.join("\x1f")));
            }
            (taken.records.len().to_string(), hash.finalize().iter().map(|b| format!("{b:02x}")).collect::<String>())
        });
        match found {
            Ok((n, sha)) if (n.as_str(), sha.as_str()) == (rows, wanted) => passed += 1,
            other => {
                println!("  {file} {sheet}: {other:?}");
                failed.push(format!("excel/{file}/{sheet}: differs"));
            }
        }
    }
    line("excel", passed, cases.len());
    gaps("excel", &failed);
}

/// Two rows of names with merged cells, rows before them, and remarks below: readxl's own examples.
#[test]
fn headers_of_several_rows_and_ranges() {
    let Some(suite) = shared("suites/excel/readxl") else { return };
    let (columns, taken_rows) = taken("excel", &suite.join("clippy.xlsx"), json!({"sheet": "two-row-header", "header_rows": 2})).expect("a sheet");
    assert_eq!(columns, ["name (at birth)", "species (office supply type)", "death (date is approximate)", "weight (in grams)"]);
    assert_eq!(taken_rows.records, [(3, vec![Some("Clippy".into()), Some("paperclip".into()), Some("2007-01-01".into()), Some("0.9".into())])]);
    for file in ["deaths.xls", "deaths.xlsx"] {
        let (columns, taken) = taken("excel", &suite.join(file), json!({"sheet": 1, "range": "A5:F15", "decimal": "."})).expect("a sheet");
        assert_eq!(columns, ["Name", "Profession", "Age", "Has kids", "Date of birth", "Date of death"]);
        assert_eq!(taken.records.len(), 10);
        assert_eq!(taken.records[0].1.iter().map(|c| c.as_deref().unwrap_or("∅")).collect::<Vec<_>>(), ["David Bowie", "musician", "69", "true", "1947-01-08", "2016-01-10"]);
    }
    let near = taken("excel", &suite.join("deaths.xlsx"), json!({"sheet": "Arts and others"})).err();
    assert!(matches!(&near, Some(Failure::Option { key, near, .. }) if key == "sheet" && near.contains(&"arts".to_owned())), "{near:?}");
}

const PIPELINE: &str = "pipeline: p\nschema: schema.yaml\nmappings: [mapping.yaml]\n";

fn project(fields: &str, source: &str, derived: &str) -> Project {
    Project::new(&[
        ("pipeline.yaml", PIPELINE),
        ("schema.yaml", &format!("schema: s\nversion: 1.0.0\ntables:\n  t:\n    fields: {{{fields}}}\n")),
        ("mapping.yaml", &format!("mapping: m\nschema: s\nsite: x\nsources:\n  e: {source}\ntables:\n  t:\n    from: e\n    on_error: quarantine\n    fields: {{{derived}}}\n")),
    ])
}

/// A workbook that says errors, in a number (unreadable), in a text (no value either), and in a column that nothing reads.
#[test]
fn error_cells_are_reasons_only_where_they_are_read() {
    let Some(suite) = shared("suites/excel/tidyxl") else { return };
    let book = suite.join("inst/extdata/examples.xlsx");
    // Column A of the suite's sheet holds #DIV/0!, #REF! and three times #NAME? (openpyxl, cells of the type `e`).
    let source = format!("{{path: {}, format: excel, sheet: Sheet1, header_rows: 0}}", book.display());
    let p = project("a: {type: text, free_text: true}", &source, "a: {from: A}");
    let (code, said, err) = p.run("out", &["--partitions", "3"]);
    assert_eq!(code, 0, "{said}{err}");
    let refused = p.query(&[("q", "out/quarantine/e/site=x")], "SELECT \"A\", _reasons FROM q WHERE \"A\" LIKE '#%' ORDER BY _row");
    assert!(refused.len() == 5 && refused.iter().all(|r| r[1].contains("D617") && r[1].contains("error_cell")), "{refused:?}");
    assert_eq!(p.query(&[("c", "out/cohort/t/site=x")], "SELECT count(*) FROM c WHERE a LIKE '#%'"), [["0"]]);
    let p = project("b: {type: text, free_text: true}", &source, "b: {sql: \"'x'\"}");
    assert_eq!(p.run("out", &[]).0, 0);
    assert_eq!(p.json("out/manifest.json")["tables"][0]["rows_quarantined"], 0);
}

/// Nested members by their path, lists as text, a line that is no JSON, and a document's list at a path.
#[test]
fn json_by_lines_and_in_a_document() {
    let fields = "id: {type: text, free_text: true}, size: {type: decimal}, sites: {type: text, free_text: true}, seen: {type: datetime}";
    let derived = "id: {from: id}, size: {from: tumour.size}, sites: {from: tumour.sites}, seen: {from: seen}";
    let p = project(fields, "{path: data.ndjson, format: ndjson}", derived);
    p.write("data.ndjson", "{\"id\": 1, \"tumour\": {\"size\": 1.50, \"sites\": [\"os\", \"foie\"]}, \"seen\": \"2011-12-31T08:30:00+01:00\"}\n\n{\"id\": 2, \"tumour\": \n{\"id\": \"trois\", \"tumour\": null}\n[1]\n".as_bytes());
    let (code, said, err) = p.run("out", &["--partitions", "2"]);
    assert_eq!(code, 0, "{said}{err}");
    assert_eq!(p.query(&[("c", "out/cohort/t/site=x")], "SELECT id, size, sites, seen FROM c"), [["1", "1.5", "[\"os\",\"foie\"]", "2011-12-31T07:30:00"], ["trois", "∅", "∅", "∅"]]);
    let refused = p.query(&[("q", "out/quarantine/e/site=x")], "SELECT _row, _raw, _reasons FROM q ORDER BY _row");
    assert_eq!((refused[0][0].as_str(), refused[0][1].as_str(), refused[1][0].as_str(), refused[1][1].as_str()), ("3", "{\"id\": 2, \"tumour\":", "5", "[1]"));
    assert!(refused.iter().all(|r| r[2].contains("D616")), "{refused:?}");
    let p = project(fields, "{path: data.json, format: json, records: data.rows}", derived);
    p.write("data.json", b"{\"meta\": [1, 2], \"data\": {\"n\": 1, \"rows\": [{\"id\": \"a\", \"tumour\": {\"size\": 2}}, {\"id\": \"b\", \"tumour\": {\"sites\": [1]}, \"seen\": \"2011-12-31\"}]}}");
    assert_eq!(p.run("out", &[]).0, 0);
    assert_eq!(p.query(&[("c", "out/cohort/t/site=x")], "SELECT id, size, sites, seen FROM c"), [["a", "2.0", "∅", "∅"], ["b", "∅", "[1]", "2011-12-31T00:00:00"]]);
    p.write("data.json", b"{\"data\": {\"rows\": [{\"id\": \"a\"}, {\"id\": ");
    let (code, _, err) = p.run("cut", &[]);
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("no JSON behind record 1") && !p.path("cut").exists(), "{err}");
}

/// The types that a Parquet file can have, as DataFusion writes them; and the same batch in Arrow's form.
#[test]
fn columnar_files_with_their_types() {
    use datafusion::arrow::array::{ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, ListArray, StringArray, StructArray, TimestampMillisecondArray};
    use datafusion::arrow::datatypes::{DataType, Field, Int64Type};
    use datafusion::arrow::record_batch::RecordBatch;
    use std::sync::Arc;

    let inner: ArrayRef = Arc::new(Float64Array::from(vec![Some(12.0), None]));
    let nested = StructArray::from(vec![(Arc::new(Field::new("size", DataType::Float64, true)), inner)]);
    let batch = RecordBatch::try_from_iter(vec![
        ("n", Arc::new(Int32Array::from(vec![Some(-7), None])) as ArrayRef),
        ("t", Arc::new(StringArray::from(vec![Some("é"), Some("")]))),
        ("b", Arc::new(BooleanArray::from(vec![Some(true), Some(false)]))),
        ("d", Arc::new(Date32Array::from(vec![Some(15_339), None]))),
        ("at", Arc::new(TimestampMillisecondArray::from(vec![Some(1_325_320_200_000), None]))),
        ("money", Arc::new(Decimal128Array::from(vec![Some(1250), None]).with_precision_and_scale(10, 2).expect("a decimal"))),
        ("tumour", Arc::new(nested)),
        ("doses", Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(vec![Some(vec![Some(1), None]), None]))),
    ])
    .expect("a batch");
    let folder = tempfile::tempdir().expect("a folder");
    let parquet = folder.path().join("a.parquet");
    let mut writer = parquet::arrow::ArrowWriter::try_new(std::fs::File::create(&parquet).expect("a file"), batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("written");
    writer.close().expect("closed");
    let arrow = folder.path().join("a.arrow");
    let mut writer = datafusion::arrow::ipc::writer::FileWriter::try_new(std::fs::File::create(&arrow).expect("a file"), &batch.schema()).expect("a writer");
    writer.write(&batch).expect("written");
    writer.finish().expect("finished");
    for (format, path) in [("parquet", &parquet), ("arrow", &arrow)] {
        let (columns, taken) = taken(format, path, json!({})).expect("a table");
        assert_eq!(columns, ["n", "t", "b", "d", "at", "money", "tumour.size", "doses"]);
        let rows: Vec<Vec<&str>> = taken.records.iter().map(|(_, cells)| cells.iter().map(|c| c.as_deref().unwrap_or("∅")).collect()).collect();
        // 15,339 days after 1970-01-01 are 31 December 2011; 1,325,320,200 seconds are 8:30 on that day.
        assert_eq!(rows, [["-7", "é", "true", "2011-12-31", "2011-12-31T08:30:00", "12.50", "12", "[1,null]"], ["∅", "∅", "false", "∅", "∅", "∅", "∅", "∅"]], "{format}");
    }
    assert!(matches!(taken("parquet", &arrow, json!({})).err(), Some(Failure::NotThis { .. })));
    std::fs::write(&parquet, &std::fs::read(&parquet).expect("bytes")[..200]).expect("cut");
    assert!(matches!(taken("parquet", &parquet, json!({})).err(), Some(Failure::Unreadable(_))));
}

/// Eunomia's Synthea27Nj; the counts are of the CSV files with Python's csv module.
#[test]
fn omop_tables_of_a_zip_with_their_concepts() {
    let Some(zip) = shared("data/omop/Synthea27Nj_5.4.zip") else { return };
    let (columns, persons) = taken("omop", &zip, json!({"table": "PERSON", "concepts": ["gender_concept_id"]})).expect("persons");
    assert_eq!(persons.records.len(), 28);
    let at = |name: &str| columns.iter().position(|c| c == name).expect("a column");
    assert_eq!(persons.records.iter().filter(|(_, c)| c[at("gender_concept_id")].as_deref() == Some("8532")).count(), FEMALE);
    let (columns, measured) = taken("omop", &zip, json!({"table": "measurement", "concepts": true})).expect("measurements");
    assert_eq!(measured.records.len(), MEASUREMENTS);
    assert!(measured.damaged.is_empty());
    // The vocabulary of the data set has the concepts of all of them, such as 726 times the systolic pressure.
    let name = columns.iter().position(|c| c == "measurement_concept_name").expect("a name");
    assert_eq!(measured.records.iter().filter(|(_, c)| c[name].is_some()).count(), MEASUREMENTS);
    assert_eq!(measured.records.iter().filter(|(_, c)| c[name].as_deref() == Some("Systolic blood pressure") && c[name + 1].as_deref() == Some("8480-6")).count(), 726);
    let wrong = taken("omop", &zip, json!({"table": "persons"})).err();
    assert!(matches!(&wrong, Some(Failure::Option { key, near, .. }) if key == "table" && near.contains(&"person".to_owned())), "{wrong:?}");
}

/// What was looked at for the check is not what the run would read: the run says so, and nothing is written.
#[test]
fn a_file_that_changes_is_not_read() {
    let p = project("id: {type: integer}", "{path: a.ndjson, format: ndjson}", "id: {from: id}");
    p.write("a.ndjson", b"{\"id\": 1}\n");
    let (mut map, mut found) = (Default::default(), Default::default());
    let resolved = cohorte::check::check(&p.path("pipeline.yaml"), &cohorte::function::by_name(None), &mut map, &mut found).expect("a checked pipeline");
    let head = &resolved.tables[0].inputs[0].files[0];
    let index = |store: &str| cohorte::source::index(head, 1 << 20, p.path(store), &mut |_| {}, &std::sync::atomic::AtomicBool::new(false));
    assert_eq!(index("first").map(|i| i.rows).ok(), Some(1));
    p.write("a.ndjson", b"{\"id\": 2}\n");
    let changed = index("second").map(|i| i.rows);
    assert!(matches!(&changed, Err(e) if e.exit_code() == 3 && format!("{e:?}").contains("D604")), "{changed:?}");
}

const FEMALE: usize = 13;
const MEASUREMENTS: usize = 10_040;

#[test]
fn sqlite_by_table_and_by_query() {
    let p = project("id: {type: text, free_text: true}, size: {type: decimal}, seen: {type: date}", "{path: a.db, format: sqlite, table: patients, only: [id, size, seen], order_by: id}", "id: {from: id}, size: {from: size}, seen: {from: seen}");
    let db = rusqlite::Connection::open(p.path("a.db")).expect("a database");
    db.execute_batch("CREATE TABLE patients (id TEXT, size REAL, seen TEXT, note BLOB); INSERT INTO patients VALUES ('b', 1.5, '2011-12-31', x'ff'), ('a', 12, NULL, NULL), ('c', 'big', '31/12/2011', NULL)").expect("filled");
    drop(db);
    let (code, said, err) = p.run("out", &[]);
    assert_eq!(code, 0, "{said}{err}");
    assert_eq!(p.query(&[("c", "out/cohort/t/site=x")], "SELECT id, size, seen FROM c"), [["a", "12.0", "∅"], ["b", "1.5", "2011-12-31"]]);
    assert_eq!(p.query(&[("q", "out/quarantine/e/site=x")], "SELECT id, size, seen FROM q"), [["c", "big", "31/12/2011"]]);
    let p2 = project("n: {type: integer}", &format!("{{path: {}, format: sqlite, query: \"SELECT count(*) AS n FROM patients\"}}", p.path("a.db").display()), "n: {from: n}");
    assert_eq!(p2.run("out", &[]).0, 0);
    assert_eq!(p2.query(&[("c", "out/cohort/t/site=x")], "SELECT n FROM c"), [["3"]]);
    p2.write("mapping.yaml", std::fs::read_to_string(p2.path("mapping.yaml")).expect("text").replace("query: \"SELECT count(*) AS n FROM patients\"", "table: patient").as_bytes());
    let (code, _, err) = p2.check(&[]);
    assert_eq!(code, 2);
    assert!(err.contains("M330") && err.contains("no such table") && err.contains("`patients`"), "{err}");
}

/// The Synthea Observations of the sample, flattened by a ViewDefinition in the mapping; counts by Python's json module.
#[test]
fn fhir_observations_become_a_table() {
    let Some(folder) = shared("data/fhir/ndjson_small") else { return };
    let view = "{resource: Observation, select: [{column: [{name: id, path: getResourceKey()}, {name: patient, path: subject.getReferenceKey(Patient)}, {name: code, path: \"code.coding.where(system = 'http://loinc.org').code.first()\"}, {name: value, path: value.ofType(Quantity).value}, {name: at, path: effective.ofType(dateTime)}]}]}";
    let source = format!("{{path: \"{}/Observation*.ndjson\", format: fhir, view: {view}}}", folder.display());
    let p = project("id: {type: text, free_text: true}, patient: {type: text, free_text: true}, code: {type: text, free_text: true}, value: {type: decimal}, at: {type: datetime}", &source, "id: {from: id}, patient: {from: patient}, code: {from: code}, value: {from: value}, at: {from: at}");
    let (code, said, err) = p.run("out", &[]);
    assert_eq!(code, 0, "{said}{err}");
    assert_eq!(p.query(&[("c", "out/cohort/t/site=x")], "SELECT count(*), count(DISTINCT patient), count(value), count(at) FROM c"), [OBSERVATIONS]);
    // The same view in a file of its own: the ledger has its fingerprint.
    let file = "{\"resource\": \"Observation\", \"select\": [{\"column\": [{\"name\": \"id\", \"path\": \"getResourceKey()\"}]}]}";
    let source = format!("{{path: \"{}/Observation*.ndjson\", format: fhir, view: view.json}}", folder.display());
    let p = project("id: {type: text, free_text: true}", &source, "id: {from: id}");
    p.write("view.json", file.as_bytes());
    let (code, said, err) = p.run("out", &[]);
    assert_eq!(code, 0, "{said}{err}");
    let sha256: String = Sha256::digest(file).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(p.json("out/manifest.json")["sources"][0]["options"]["view"]["sha256"], sha256);
    p.write("view.json", file.replace("getResourceKey()", "getResourceKey(").as_bytes());
    let (code, _, err) = p.check(&[]);
    assert!(code == 2 && err.contains("M330") && err.contains("select[0].column[0].path"), "{code} {err}");
}

const OBSERVATIONS: [&str; 4] = ["1502", "9", "1336", "1502"];

/// What a coordinator is told of an export, and what not: the one patient of a rare ward stays unseen.
#[test]
fn a_profile_tells_types_and_hides_rare_values() {
    let p = Project::new(&[]);
    let mut csv = "NIP;DATE;TAILLE;SERVICE\n".to_owned();
    for n in 0..40 {
        csv.push_str(&format!("{n:03};{:02}/03/2011;{},5;{}\n", n % 28 + 1, n % 7, if n == 0 { "Dupont" } else if n < 10 { "ND" } else { "onco" }));
    }
    p.write("e.csv", csv.as_bytes());
    let run = |args: &[&str]| told(&cohorte().current_dir(p.folder.path()).arg("profile").args(args).output().expect("cohorte starts"));
    let (code, text, err) = run(&["e.csv", "--html", "e.html"]);
    assert_eq!(code, 0, "{err}");
    for sentence in ["e.csv: 40 rows in 1 file", "each row has its own value of: NIP", "digits with zeros in front", "dates %d/%m/%Y: 40 of 40 cells", "numbers with a decimal comma: 40 of 40 cells", "missing codes? `ND` (9)", "onco (30)"] {
        assert!(text.contains(sentence), "{sentence}\n{text}");
    }
    let page = std::fs::read_to_string(p.path("e.html")).expect("a page");
    assert!(!text.contains("Dupont") && !page.contains("Dupont") && page.contains("dates %d/%m/%Y"), "{text}");
    let (_, json, _) = run(&["e.csv", "--format", "json", "--rare"]);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&json[0]["rows"], &json[0]["columns"][1]["type"], &json[0]["keys"]), (&json!(40), &json!("date"), &json!(["NIP"])));
    assert!(json.to_string().contains("Dupont"));
    let (code, _, err) = run(&["none.csv"]);
    assert_eq!(code, 2, "{err}");
}

/// One file of each format through the whole program: rows as the CSV twin, the file's documentation or `grep -c` count them.
#[test]
fn every_format_goes_through_the_program() {
    let Some(folder) = shared("suites/statistical_files/basic") else { return };
    let shared_folder = folder.parent().and_then(Path::parent).and_then(Path::parent).expect("the folder");
    // File, format, options, the column that is read, its values that are not missing.
    let cases = [
        ("suites/statistical_files/basic/sample.sas7bdat", "sas7bdat", "", "mychar", 5, "a"),
        ("suites/statistical_files/basic/sample.xpt", "xport", "", "MYCHAR", 5, "a"),
        ("suites/statistical_files/basic/sample.sav", "spss", "", "mychar", 5, "a"),
        ("suites/statistical_files/basic/sample.zsav", "spss", "", "mychar", 5, "a"),
        ("suites/statistical_files/basic/sample.por", "spss", "", "MYCHAR", 5, "a"),
        ("suites/statistical_files/basic/sample.dta", "stata", "", "mychar", 5, "a"),
        ("data/hl7v2/ORU-R01-01.hl7", "hl7", ", each: OBX, fields: {kind: MSH-9.2, exam: OBX-3.1}", "kind", HL7_RESULTS, "R01"),
    ];
    for (file, format, options, column, rows, first) in cases {
        let source = format!("{{path: \"{}\", format: {format}{options}}}", shared_folder.join(file).display());
        let p = project("a: {type: text, free_text: true}", &source, &format!("a: {{from: {column}}}"));
        let (code, said, err) = p.run("out", &["--partitions", "2"]);
        assert_eq!(code, 0, "{file}: {said}{err}");
        assert_eq!(p.query(&[("c", "out/cohort/t/site=x")], "SELECT count(a), min(a) FROM c"), [[rows.to_string(), first.to_owned()]], "{file}");
        let source = &p.json("out/manifest.json")["sources"][0];
        assert_eq!((source["sha256"].as_str().map(str::len), source["rows"].as_u64()), (Some(64), Some(rows as u64)), "{file}");
    }
}

/// `grep -c ^OBX` of the message.
const HL7_RESULTS: usize = 5;

/// The images of two patients of the suite join the patient table of a made site by their pseudonym; those of a third patient
/// belong to nobody. Series and images as pydicom counts them: 98890234 has two series of CT with 5 and 2 images.
#[test]
fn images_join_their_patients_by_pseudonym() {
    let Some(images) = shared("suites/dicom/dicomdirtests") else { return };
    let p = Project::new(&[
        ("pipeline.yaml", "pipeline: p\nschema: schema.yaml\nmappings: [mapping.yaml]\npseudonym: {key_env: COHORTE_KEY}\n"),
        (
            "schema.yaml",
            "schema: s\nversion: 1.0.0\ntables:\n  patient:\n    key: [patient_id]\n    fields: {patient_id: {type: pseudonym, required: true}, sex: {type: code, values: [female, male]}}\n  series:\n    foreign_keys: [{fields: [patient_id], references: patient}]\n    fields: {patient_id: {type: pseudonym}, modality: {type: code, values: [CT, CR, US, MR]}, images: {type: integer}, day: {type: date}, missing_slices: {type: boolean}}\n",
        ),
        (
            "mapping.yaml",
            &format!("mapping: m\nschema: s\nsite: x\nsources:\n  register: {{path: patients.csv, delimiter: \";\"}}\n  pacs: {{path: \"{}\", format: dicom}}\ntables:\n  patient: {{from: register, on_error: quarantine, fields: {{patient_id: {{from: NIP}}, sex: {{from: SEXE, map: {{F: female, M: male}}}}}}}}\n  series: {{from: pacs, on_error: quarantine, fields: {{patient_id: {{from: patient_id}}, modality: {{from: modality}}, images: {{from: images}}, day: {{from: study_date}}, missing_slices: {{from: missing_slices}}}}}}\n", images.display()),
        ),
        ("patients.csv", "NIP;SEXE\n98890234;F\n12345678;M\n"),
    ]);
    let (code, said, err) = p.run("out", &[]);
    assert_eq!(code, 0, "{said}{err}");
    let joined = p.query(&[("p", "out/cohort/patient/site=x"), ("s", "out/cohort/series/site=x")], "SELECT p.sex, s.modality, s.images FROM p JOIN s ON p.patient_id = s.patient_id ORDER BY s.images");
    assert_eq!(joined, [["female", "CT", "2"], ["female", "CT", "5"]]);
    // The four series of 77654033, whom the register does not know.
    let refused = p.query(&[("q", "out/quarantine/pacs/site=x")], "SELECT patient_id, _reasons FROM q");
    assert!(refused.len() == 4 && refused.iter().all(|r| r[0] == "77654033" && r[1].contains("R509")), "{refused:?}");
    let everything = std::fs::read_to_string(p.path("out/report.html")).expect("a report") + &p.json("out/manifest.json").to_string();
    assert!(!everything.contains("98890234") && !everything.contains("77654033"));
}

/// A folder by HTTP, as Python's own server gives it: the file is read and named by its address, an absent one is not.
#[test]
fn a_file_of_a_web_server() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("e.csv"), "ID\n1\n2\n").expect("a file");
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let server = std::process::Command::new("python3").args(["-m", "http.server", &port.to_string(), "--bind", "127.0.0.1"]).current_dir(folder.path()).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn();
    let Ok(mut server) = server else {
        eprintln!("skipped: no python3 to serve files");
        return;
    };
    for _ in 0..100 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let of = |name: &str| project("id: {type: integer}", &format!("{{path: \"http://127.0.0.1:{port}/{name}\"}}"), "id: {from: ID}");
    let (p, absent) = (of("e.csv"), of("f.csv"));
    let (found, missing) = (p.run("out", &[]), absent.run("out", &[]));
    server.kill().expect("ended");
    let _ = server.wait();
    assert_eq!(found.0, 0, "{}{}", found.1, found.2);
    assert_eq!(p.query(&[("c", "out/cohort/t/site=x")], "SELECT count(*), sum(id) FROM c"), [["2", "3"]]);
    assert_eq!(p.json("out/manifest.json")["sources"][0]["path"], format!("http://127.0.0.1:{port}/e.csv"));
    assert!(missing.0 == 3 && missing.2.contains("there is no such object"), "{missing:?}");
    let gone = of("e.csv").run("out", &[]);
    assert!(gone.0 == 3 && gone.2.contains("D601"), "{gone:?}");
}

/// Bytes of real workbooks changed and cut at random: whatever the library does about it (calamine 0.38 asserts the sizes of an xls's
/// sectors), it is a file that cannot be read, and no bug.
#[test]
fn damaged_workbooks_are_no_bugs() {
    let Some(suite) = shared("suites/excel/readxl") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("damaged");
    let mut state = 7u64;
    let mut random = |n: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % n
    };
    let (mut read, mut refused) = (0, 0);
    for file in ["clippy.xls", "clippy.xlsx"] {
        let whole = std::fs::read(suite.join(file)).expect("a workbook");
        for _ in 0..300 {
            let mut bytes = whole.clone();
            for _ in 0..1 + random(4) {
                let at = random(bytes.len());
                bytes[at] = random(256) as u8;
            }
            bytes.truncate(bytes.len() - if random(3) == 0 { random(bytes.len()) } else { 0 });
            std::fs::write(&path, &bytes).expect("a file");
            match taken("excel", &path, json!({})) {
                Ok(_) => read += 1,
                Err(Failure::Stopped) => panic!("nobody stopped it"),
                Err(_) => refused += 1,
            }
        }
    }
    assert!(read > 50 && refused > 50, "{read} read, {refused} refused");
    // An xls whose header says that its sectors are of no size.
    let mut bytes = std::fs::read(suite.join("clippy.xls")).expect("a workbook");
    bytes[30] = 0;
    bytes[31] = 0;
    std::fs::write(&path, &bytes).expect("a file");
    assert!(matches!(taken("excel", &path, json!({})).err(), Some(Failure::Unreadable(_))));
}

/// What a first reader found: each of these gave wrong rows without a word.
#[test]
fn what_a_first_reader_found() {
    use datafusion::arrow::array::{ArrayRef, BinaryArray, FixedSizeBinaryArray};
    use std::sync::Arc;

    let p = project("id: {type: text, free_text: true}", "{path: a.parquet, format: parquet}", "id: {from: id}");
    // A name in Latin-1 is no text, and a UUID is one (RFC 9562).
    let uuid = FixedSizeBinaryArray::try_from_iter([[0x12u8, 0x3e, 0x45, 0x67, 0xe8, 0x9b, 0x12, 0xd3, 0xa4, 0x56, 0x42, 0x66, 0x14, 0x17, 0x40, 0x00]; 2].into_iter()).expect("sixteen bytes");
    let batch = datafusion::arrow::record_batch::RecordBatch::try_from_iter(vec![("id", Arc::new(uuid) as ArrayRef), ("name", Arc::new(BinaryArray::from_vec(vec![b"L\xe9ger", b"Martin"])))]).expect("a batch");
    let mut writer = parquet::arrow::ArrowWriter::try_new(std::fs::File::create(p.path("a.parquet")).expect("a file"), batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("written");
    writer.close().expect("closed");
    assert_eq!(p.run("out", &[]).0, 0);
    assert_eq!(p.query(&[("c", "out/cohort/t/site=x")], "SELECT id FROM c"), [["123e4567-e89b-12d3-a456-426614174000"]]);
    assert_eq!(p.json("out/manifest.json")["tables"][0]["rows_quarantined"], 1);
    // A double 2.375 is not two thousand.
    p.write("mapping.yaml", std::fs::read_to_string(p.path("mapping.yaml")).expect("text").replace("format: parquet", "format: parquet, decimal: \",\", group: \".\"").as_bytes());
    let (code, _, err) = p.check(&[]);
    assert!(code == 2 && err.contains("M330") && err.contains("have a point"), "{code} {err}");
    // A misspelt key of a view, and a file that two patterns fit.
    let p = project("id: {type: text, free_text: true}", "{path: a.ndjson, format: fhir, view: {resource: Patient, whre: [{path: active}], select: [{column: [{name: id, path: id}]}]}}", "id: {from: id}");
    p.write("a.ndjson", b"{\"resourceType\": \"Patient\", \"id\": \"p1\"}\n");
    let (code, _, err) = p.check(&[]);
    assert!(code == 2 && err.contains("the view has no key `whre`"), "{code} {err}");
    let p = project("id: {type: text, free_text: true}", "{path: [a.csv, \"*.csv\"], delimiter: \",\"}", "id: {from: id}");
    p.write("a.csv", b"id\n1\n");
    assert_eq!(p.run("out", &[]).0, 0);
    assert_eq!(p.query(&[("c", "out/cohort/t/site=x")], "SELECT count(*) FROM c"), [["1"]]);
    // The visit of the first patient is none of the second's.
    let p = project("nip: {type: text, free_text: true}, visit: {type: text, free_text: true}", "{path: a.hl7, format: hl7, each: OBX, fields: {nip: PID-3, visit: PV1-19}}", "nip: {from: nip}, visit: {from: visit}");
    p.write("a.hl7", b"MSH|^~\\&|a|b|c|d|2011||ORU^R01|1|P|2.5\rPID|1||P1\rPV1|1||||||||||||||||||V1\rOBR|1\rOBX|1|NM|x||5\rPID|2||P2\rOBR|1\rOBX|1|NM|x||6\r");
    let (code, said, err) = p.run("out", &[]);
    assert_eq!(code, 0, "{said}{err}");
    assert_eq!(p.query(&[("c", "out/cohort/t/site=x")], "SELECT nip, visit FROM c"), [["P1", "V1"], ["P2", "∅"]]);
}

/// What a second reader found, and was seen by hand until it had a test.
#[test]
fn what_a_second_reader_found() {
    // A true number keeps its point, so a field cannot have it as the mark of thousands.
    let p = project("size: {type: decimal}", "{path: a.parquet, format: parquet}", "size: {from: size, number: {decimal: \",\", group: \".\"}}");
    let sizes = datafusion::arrow::array::Float64Array::from(vec![2.375]);
    let batch = datafusion::arrow::record_batch::RecordBatch::try_from_iter([("size", std::sync::Arc::new(sizes) as datafusion::arrow::array::ArrayRef)]).expect("a batch");
    let mut writer = parquet::arrow::ArrowWriter::try_new(std::fs::File::create(p.path("a.parquet")).expect("a file"), batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("written");
    writer.close().expect("closed");
    let (code, _, err) = p.check(&[]);
    assert!(code == 2 && err.contains("T403"), "{code} {err}");
    // What Office and LibreOffice put beside an open file is none of the delivery.
    let p = project("id: {type: text, free_text: true}", "{path: \"*.csv\", delimiter: \";\"}", "id: {from: id}");
    p.write("a.csv", b"id;x\n1;2\n");
    p.write("~$a.csv", b"\x05user");
    p.write(".~lock.a.csv", b",user,host;");
    let (code, said, err) = p.run("out", &[]);
    assert_eq!(code, 0, "{said}{err}");
    assert_eq!(p.json("out/manifest.json")["sources"].as_array().map(Vec::len), Some(1));
    // A number of thirty digits is no other number; the ledger says which format was read.
    let p = project("id: {type: text, free_text: true}", "{path: a.ndjson, format: ndjson}", "id: {from: id}");
    p.write("a.ndjson", b"{\"id\": 18446744073709551615}\n{\"id\": 123456789012345678901234567890}\n{\"id\": -9223372036854775808}\n");
    let (code, said, err) = p.run("out", &[]);
    assert_eq!(code, 0, "{said}{err}");
    assert_eq!(p.query(&[("c", "out/cohort/t/site=x")], "SELECT id FROM c ORDER BY id"), [["-9223372036854775808"], ["18446744073709551615"]]);
    let refused = p.query(&[("q", "out/quarantine/e/site=x")], "SELECT _row, _reasons FROM q");
    assert!(refused.len() == 1 && refused[0][0] == "2" && refused[0][1].contains("D616"), "{refused:?}");
    assert_eq!(p.json("out/manifest.json")["sources"][0]["format"], "ndjson");
    // Bytes of a database are shown as PostgreSQL shows them.
    let p = project("id: {type: text, free_text: true}, note: {type: text, free_text: true}", "{path: a.db, format: sqlite, table: t, order_by: id}", "id: {from: id}, note: {from: note}");
    let db = rusqlite::Connection::open(p.path("a.db")).expect("a database");
    db.execute_batch("CREATE TABLE t (id TEXT, note BLOB); INSERT INTO t VALUES ('a', x'00ff7f'), ('b', NULL)").expect("filled");
    drop(db);
    assert_eq!(p.run("out", &[]).0, 0);
    assert_eq!(p.query(&[("c", "out/cohort/t/site=x")], "SELECT id, note FROM c"), [["a", "\\x00ff7f"], ["b", "∅"]]);
}

/// What `profile` is told of a source, and what it sees for itself.
#[test]
fn a_profile_takes_options_and_knows_folders() {
    let p = Project::new(&[]);
    let profile = |args: &[&str]| {
        let (code, said, err) = told(&cohorte().current_dir(p.folder.path()).arg("profile").args(args).args(["--format", "json"]).output().expect("cohorte starts"));
        assert_eq!(code, 0, "{args:?} {err}");
        serde_json::from_str::<Value>(&said).expect("JSON")
    };
    let names = |json: &Value| -> Vec<String> { json[0]["columns"].as_array().expect("columns").iter().filter_map(|c| Some(c["name"].as_str()?.to_owned())).collect() };
    p.write("e.txt", b"a|b;c\n1|2;3\n4|5;6\n");
    assert_eq!(names(&profile(&["e.txt", "--set", "delimiter=\";\""])), ["a|b", "c"]);
    assert_eq!(names(&profile(&["e.txt", "--set", "delimiter=\"|\""])), ["a", "b;c"]);
    std::fs::create_dir(p.path("omop")).expect("a folder");
    p.write("omop/person.csv", b"person_id,gender_concept_id,year_of_birth\n1,8532,1950\n2,8507,1960\n");
    p.write("omop/measurement.csv", b"measurement_id,person_id,measurement_concept_id,value_as_number\n1,1,3000,1.5\n");
    let omop = profile(&["omop", "--set", "table=person"]);
    assert!(omop.to_string().contains("year_of_birth"), "{omop}");
    let Some(images) = shared("suites/dicom/dicomdirtests/98892001") else { return };
    let images = profile(&[&images.display().to_string()]);
    assert!(names(&images).iter().any(|n| n == "modality"), "{:?}", names(&images));
}
