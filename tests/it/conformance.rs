//! Outside suites, one line each: `conformance NAME PASSED/TOTAL`.

use std::path::{Path, PathBuf};

use cohorte::config::mapping::Locale;
use serde_json::Value;

use crate::support::{Project, shared};

pub(crate) fn line(name: &str, passed: usize, total: usize) {
    println!("conformance {name} {passed}/{total}");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).map(|d| d.filter_map(|e| e.ok().map(|e| e.path())).filter(|p| p.is_file()).collect()).unwrap_or_default();
    files.sort();
    files
}

/// Every file of csv-spectrum through the whole program: its cells come back as the suite's JSON has them.
#[test]
fn conformance_csv_spectrum() {
    let Some(suite) = shared("suites/csv_spectrum") else { return };
    let (mut passed, mut failed) = (0, vec![]);
    let csvs = files(&suite.join("csvs"));
    for path in &csvs {
        let stem = path.file_stem().and_then(|s| s.to_str()).expect("a name");
        let twin: Value = serde_json::from_slice(&std::fs::read(suite.join("json").join(format!("{stem}.json"))).expect("the twin")).expect("JSON");
        // One twin is a single object, not a list of them.
        let wanted: Vec<serde_json::Map<String, Value>> =
            if twin.is_array() { serde_json::from_value(twin) } else { serde_json::from_value(twin).map(|row| vec![row]) }.expect("rows");
        let names: Vec<String> = wanted[0].keys().cloned().collect();
        let fields: String = names.iter().enumerate().map(|(i, _)| format!("      f{i}: {{type: text}}\n")).collect();
        let derived: String = names.iter().enumerate().map(|(i, n)| format!("      f{i}: {{from: {}}}\n", serde_json::to_string(n).expect("JSON"))).collect();
        let project = Project::new(&[
            ("pipeline.yaml", "pipeline: p\nschema: schema.yaml\nmappings: [mapping.yaml]\n"),
            ("schema.yaml", &format!("schema: s\nversion: 1.0.0\ntables:\n  t:\n    fields:\n{fields}")),
            ("mapping.yaml", &format!("mapping: m\nschema: s\nsite: x\nsources:\n  e: {{path: data.csv, delimiter: \",\", null: [], trim: false}}\ntables:\n  t:\n    from: e\n    fields:\n{derived}")),
        ]);
        project.write("data.csv", &std::fs::read(path).expect("the file"));
        let (code, _, err) = project.run("out", &[]);
        let rows = if code == 0 { project.query(&[("c", "out/cohort/t/site=x")], "SELECT * FROM c") } else { vec![] };
        // The suite has no missing values; an empty cell is one here.
        let rows: Vec<Vec<String>> = rows.into_iter().map(|r| r.into_iter().map(|cell| if cell == "∅" { String::new() } else { cell }).collect()).collect();
        let expected: Vec<Vec<String>> = wanted.iter().map(|r| names.iter().map(|n| r[n].as_str().unwrap_or_default().to_owned()).collect()).collect();
        if rows == expected {
            passed += 1;
        } else {
            println!("  {stem}: exit {code} {err}\n  {rows:?}\n  {expected:?}");
            failed.push(format!("csv-spectrum/{stem}"));
        }
    }
    line("csv-spectrum", passed, csvs.len());
    gaps("csv-spectrum", &failed);
}

/// Detection of the encoding of the suite's single-encoding folders, from the first mebibyte.
#[test]
fn conformance_encodings() {
    let Some(suite) = shared("suites/encodings") else { return };
    let known = ["utf-8", "utf-8-sig", "UTF-16LE", "UTF-16BE", "windows-1252", "iso-8859-1", "MacRoman"];
    let (mut passed, mut total) = (0, 0);
    let mut failed = vec![];
    for folder in known {
        for path in files(&suite.join(folder)) {
            let bytes = std::fs::read(&path).expect("the file");
            let head = &bytes[..bytes.len().min(1 << 20)];
            let (encoding, _) = cohorte::source::delimited::guess_encoding(head, head.len() == bytes.len());
            let label = encoding.label().to_lowercase();
            let wanted: &[&str] = match folder {
                "utf-8" | "utf-8-sig" => &["utf-8"],
                "UTF-16LE" => &["utf-16le"],
                "UTF-16BE" => &["utf-16be"],
                "MacRoman" => &["macintosh"],
                // Every ISO-8859-1 text without control characters is the same text in windows-1252.
                _ => &["windows-1252", "iso-8859-1"],
            };
            total += 1;
            if wanted.contains(&label.as_str()) {
                passed += 1;
            } else {
                failed.push(format!("encodings/{folder}/{}: {label}", path.file_name().and_then(|n| n.to_str()).unwrap_or_default()));
            }
        }
    }
    for failure in &failed {
        println!("  {failure}");
    }
    line("encodings", passed, total);
    gaps("encodings", &failed);
}

/// A file that is no table is not ours to read; what else is missed must be in the ledger, and what is
/// in the ledger must still be missed.
pub(crate) fn gaps(suite: &str, failed: &[String]) {
    let ledger = std::fs::read_to_string(crate::support::root().join("tests/known_gaps.yaml")).expect("the ledger");
    let known: Vec<&str> = ledger.lines().filter_map(|l| l.strip_prefix("- case: ")).filter(|c| c.starts_with(&format!("{suite}/"))).collect();
    let now: Vec<&str> = failed.iter().filter_map(|f| f.split(": ").next()).collect();
    let new: Vec<_> = now.iter().filter(|f| !known.contains(f)).collect();
    let mended: Vec<_> = known.iter().filter(|k| !now.contains(k)).collect();
    assert!(new.is_empty(), "fails and is not in tests/known_gaps.yaml: {new:?}");
    assert!(mended.is_empty(), "passes now; take it out of tests/known_gaps.yaml: {mended:?}");
}

/// The missing codes that the real cohorts use are declared per source; the default is the empty text alone.
#[test]
fn the_default_missing_code_is_the_empty_text() {
    assert_eq!(Locale::default().null, [""]);
}
