//! The conformance tests of SQL-on-FHIR v2.

use std::path::PathBuf;

use serde_json::Value;

use super::super::json::{Keep, Tree};
use super::super::rows::rows;
use super::super::view::View;
use super::shared;

/// Cases that do not pass, each with the reason.
const KNOWN: [(&str, &str, &str); 0] = [];

type Rows = Vec<Vec<Option<String>>>;

fn run(definition: &Value, resources: &[Value]) -> Result<(Vec<String>, Rows), String> {
    let view = View::load(definition)?;
    let mut found = vec![];
    for resource in resources {
        let text = resource.to_string();
        for keep in [&view.keep, &Keep::everything()] {
            let tree = Tree::parse(&text, keep, 0).unwrap();
            if tree.text(tree.member(0, "resourceType").unwrap()) != Some(&view.resource) {
                continue;
            }
            let table = rows(&view, &tree, 0).map_err(|fault| format!("{fault:?}"))?;
            let these: Rows = table.iter().map(|row| row.iter().map(|cell| cell.as_ref().map(|cell| cell.to_string())).collect()).collect();
            // What is not kept makes no difference.
            if std::ptr::eq(keep, &view.keep) { found.extend(these) } else { assert!(found.ends_with(&these)) }
        }
    }
    Ok((view.columns, found))
}

fn same(cell: Option<&str>, expected: &Value) -> bool {
    match (cell, expected) {
        (None, Value::Null) => true,
        (Some(cell), Value::String(text)) => cell == text,
        (Some(cell), Value::Number(number)) => cell.parse::<f64>().ok() == number.as_f64(),
        (Some(_), Value::Null) => false,
        (Some(cell), other) => serde_json::from_str::<Value>(cell).is_ok_and(|value| value == *other),
        (None, _) => false,
    }
}

fn matches(columns: &[String], row: &[Option<String>], expected: &Value) -> bool {
    let expected = expected.as_object().unwrap();
    expected.len() == columns.len() && columns.iter().zip(row).all(|(name, cell)| expected.get(name).is_some_and(|value| same(cell.as_deref(), value)))
}

fn passes(case: &Value, resources: &[Value]) -> Result<(), String> {
    let result = run(&case["view"], resources);
    if case["expectError"] == true {
        return if result.is_err() { Ok(()) } else { Err("an error is expected".into()) };
    }
    let (columns, rows) = result?;
    if let Some(names) = case["expectColumns"].as_array() {
        let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
        if names != columns {
            return Err(format!("the columns are {columns:?}"));
        }
    }
    if let Some(count) = case["expectCount"].as_u64()
        && count != rows.len() as u64
    {
        return Err(format!("there are {} rows", rows.len()));
    }
    let Some(expected) = case["expect"].as_array() else { return Ok(()) };
    let mut left: Vec<&Value> = expected.iter().collect();
    for row in &rows {
        match left.iter().position(|expected| matches(&columns, row, expected)) {
            Some(at) => {
                left.remove(at);
            }
            None => return Err(format!("the row {row:?} is not expected")),
        }
    }
    if left.is_empty() { Ok(()) } else { Err(format!("missing: {left:?}")) }
}

#[test]
fn conformance_sql_on_fhir() {
    let Some(folder) = shared("suites/sql_on_fhir_v2") else { return };
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    assert_eq!(files.len(), 22);
    let (mut passed, mut total) = (0, 0);
    let mut wrong = vec![];
    for file in files {
        let suite: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        for case in suite["tests"].as_array().unwrap() {
            let title = case["title"].as_str().unwrap();
            let known = KNOWN.iter().any(|(file, case, _)| *file == name && *case == title);
            total += 1;
            match passes(case, suite["resources"].as_array().unwrap()) {
                Ok(()) => {
                    passed += 1;
                    if known {
                        wrong.push(format!("{name}: {title}: passes now, take it off the list"));
                    }
                }
                Err(why) if !known => wrong.push(format!("{name}: {title}: {why}")),
                Err(_) => {}
            }
        }
    }
    println!("conformance sql-on-fhir {passed}/{total}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(total, 134);
}
