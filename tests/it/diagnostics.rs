//! Golden cases of diagnostics: one mistake put into a sound project, and what `check` says.
//!
//! A case is a text file: what the mistake is, the edits that make it, `expect CODE` lines with the
//! text under the caret (written by hand: they are the test), and below `=====` the rendered text,
//! which `make bless` writes. The base project is `tests/diagnostics/base`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cohorte::diagnostic::{ALL, closest};
use serde_json::Value;

use crate::support::{Project, cohorte, root, told};

fn folder() -> PathBuf {
    root().join("tests/diagnostics")
}

fn base() -> Project {
    let project = Project::new(&[]);
    for entry in std::fs::read_dir(folder().join("base")).expect("the base project") {
        let path = entry.expect("an entry").path();
        project.write(path.file_name().and_then(|n| n.to_str()).expect("a name"), &std::fs::read(&path).expect("a file"));
    }
    project
}

fn cases() -> Vec<PathBuf> {
    let mut cases: Vec<PathBuf> = std::fs::read_dir(folder()).expect("the cases").map(|e| e.expect("an entry").path()).filter(|p| p.extension().is_some_and(|e| e == "case")).collect();
    cases.sort();
    cases
}

/// `(code, text under the caret)` in the order of places.
type Expected = Vec<(String, Option<String>)>;

fn prepare(case: &Path, text: &str) -> Result<(Project, Expected), String> {
    let project = base();
    let mut expected = vec![];
    let mut lines = text.lines().peekable();
    let mut said_what = false;
    while let Some(line) = lines.next() {
        if let Some(rest) = line.strip_prefix("expect ") {
            let (code, caret) = rest.split_once(' ').ok_or("expect CODE `text` or expect CODE -")?;
            let caret = if caret.trim() == "-" { None } else { Some(caret.trim().trim_matches('`').to_owned()) };
            expected.push((code.to_owned(), caret));
        } else if let Some(name) = line.strip_prefix("edit ") {
            let mut block = |mark: &str| {
                let mut taken = vec![];
                while let Some(line) = lines.next_if(|l| l.starts_with(mark)) {
                    taken.push(line[1..].strip_prefix(' ').unwrap_or(&line[1..]).to_owned());
                }
                taken.join("\n")
            };
            let (from, to) = (block("-"), block("+"));
            let path = project.path(name.trim());
            let old = std::fs::read_to_string(&path).map_err(|e| format!("{name}: {e}"))?;
            if old.matches(&from).count() != 1 {
                return Err(format!("{}: `{from}` stands {} times in {name}", case.display(), old.matches(&from).count()));
            }
            project.write(name.trim(), old.replace(&from, &to).as_bytes());
        } else if let Some(name) = line.strip_prefix("file ") {
            let mut content = String::new();
            while let Some(line) = lines.next_if(|l| l.starts_with('+')) {
                content += line[1..].strip_prefix(' ').unwrap_or(&line[1..]);
                content.push('\n');
            }
            project.write(name.trim(), content.as_bytes());
        } else if let Some(rest) = line.strip_prefix("bytes ") {
            let mut words = rest.split_whitespace();
            let name = words.next().ok_or("bytes FILE hex")?;
            let hex: String = words.collect();
            let bytes: Option<Vec<u8>> = (0..hex.len() / 2).map(|i| u8::from_str_radix(hex.get(2 * i..2 * i + 2)?, 16).ok()).collect();
            project.write(name, &bytes.ok_or("hex digits")?);
        } else if line.trim_end().is_empty() || !said_what || !line.starts_with(['+', '-']) {
            said_what = true;
        } else {
            return Err(format!("{}: not understood: {line}", case.display()));
        }
    }
    Ok((project, expected))
}

/// What `check` finds; of a project with tests what `test` finds, without its counts.
fn found(project: &Project) -> (Expected, String) {
    let (json, text) = if project.path("tests.yaml").exists() {
        let test = |args: &[&str]| told(&cohorte().current_dir(project.folder.path()).args(["test", "pipeline.yaml"]).args(args).output().expect("cohorte starts"));
        let ((_, json, _), (_, out, err)) = (test(&["--format", "json"]), test(&[]));
        (json, out.split("  exercised:").next().unwrap_or_default().to_owned() + &err)
    } else {
        (project.check(&["--format", "json"]).1, project.check(&[]).2)
    };
    let mut list: Value = serde_json::from_str(&json).unwrap_or_else(|e| panic!("no JSON ({e}): {json}{text}"));
    if let Some(mappings) = list["mappings"].as_array() {
        let cases = mappings.iter().flat_map(|m| m["cases"].as_array().into_iter().flatten());
        list = cases.flat_map(|c| c["findings"].as_array().into_iter().flatten()).cloned().collect();
    }
    let found = list.as_array().expect("a list").iter().map(|d| {
        let caret = d["file"].as_str().map(|file| {
            let source = std::fs::read_to_string(project.path(file)).unwrap_or_default();
            let number = |key: &str| d[key].as_u64().unwrap_or(0) as usize;
            let from: String = source.split_inclusive('\n').skip(number("line") - 1).collect();
            from.chars().skip(number("column") - 1).take(number("length")).collect()
        });
        (d["code"].as_str().unwrap_or_default().to_owned(), caret)
    });
    (found.collect(), text.replace(&project.folder.path().display().to_string(), "PROJECT"))
}

#[test]
fn the_base_project_has_no_finding() {
    let (found, text) = found(&base());
    assert!(found.is_empty(), "{text}");
}

#[test]
fn golden_diagnostics() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut failures = vec![];
    for case in cases() {
        let whole = std::fs::read_to_string(&case).expect("UTF-8");
        let (input, golden) = match whole.split_once("=====\n") {
            Some((input, golden)) => (input, golden),
            None => (whole.as_str(), ""),
        };
        let name = case.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        let (project, expected) = match prepare(&case, input) {
            Ok(prepared) => prepared,
            Err(error) => {
                failures.push(format!("{name}: {error}"));
                continue;
            }
        };
        let (found, text) = found(&project);
        if found != expected {
            failures.push(format!("{name}: expected {expected:?}\n  found    {found:?}\n{text}"));
        } else if text != golden {
            if bless {
                std::fs::write(&case, format!("{}\n=====\n{text}", input.trim_end())).expect("the case");
            } else {
                failures.push(format!("{name}: the text differs; `make bless` and look at the difference\n{text}"));
            }
        }
    }
    assert!(failures.is_empty(), "{} of {} cases fail\n{}", failures.len(), cases().len(), failures.join("\n\n"));
}

/// Codes of rows (Reasons) are proven by the row tests; the others need a case.
#[test]
fn every_code_of_check_has_a_case() {
    let row_codes = ["R501", "R502", "R503", "R504", "R505", "R506", "R507", "R508", "R509", "D604", "D605", "D610", "D611", "D612", "D613", "D614", "D615", "D620", "D621", "D622", "D623", "D624", "D626", "D640", "D641", "D642", "D625", "R521", "D616", "D617", "D630", "D631"];
    let mut covered = BTreeSet::new();
    for case in cases() {
        let text = std::fs::read_to_string(case).expect("UTF-8");
        covered.extend(text.lines().filter_map(|l| l.strip_prefix("expect ")).filter_map(|l| l.split(' ').next()).map(str::to_owned));
    }
    let missing: Vec<_> = ALL.iter().map(|c| c.id).filter(|id| !row_codes.contains(id) && !covered.contains(*id)).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
    assert!(covered.len() >= 40);
}

#[test]
fn suggestions_are_near() {
    assert_eq!(closest("quarantene", &["quarantine", "null", "fail"]), Some("quarantine"));
}
