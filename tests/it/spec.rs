//! What each word of the YAML does, as small tables: `tests/spec/*.yaml`, one file a family.
//!
//! A case is a map. It draws an export, says how its table is derived, and draws what comes out:
//!
//! | key | meaning |
//! |---|---|
//! | `what` | one sentence |
//! | `fields`, `key`, `duplicates`, `quarantine`, `rules` | the schema of the one table, which is called `patient` |
//! | `source` | options of the source; `delimiter` is `;` unless stated, and `detected` leaves it to the program |
//! | `derive` | the mapping's `fields`; `on_error` is its policy, `quarantine` unless stated |
//! | `schema`, `mapping` | further keys of the two documents, such as `codelists` and `concept_maps` |
//! | `files` | further files of the project, by name |
//! | `sources` | further sources, by name: each its `input` and its options |
//! | `shapes`, `from` | the mapping's shapes, and the one that the table is filled from; accepted rows are then drawn in any order |
//! | `refused` | rows that were refused on their way to the table, by source or shape, drawn as `quarantined` is |
//! | `fates` | what became of the rows of each step: `STEP of SIDE: what`, to their number |
//! | `filter` | which rows belong to the table |
//! | `endpoints` | the mapping's time-to-event derivations |
//! | `input` | the export. A list is several files; a map is several sites, each with one file or several |
//! | `written_in` | the encoding in which `input` is put on disk; UTF-8 unless stated |
//! | `accepted` | the rows of the cohort: all fields, and `_site` where wanted; no such key, no such row |
//! | `quarantined` | the refused rows: `_row` and `_reasons`, and as wanted `_site`, `_file`, `_raw` or columns of the export |
//! | `filtered` | how many rows each filter left out; no such key, none |
//! | `warnings` | how often a warning was given, by `CODE field rule`; no such key, no warning |
//! | `outcomes` | `RULE` or `FIELD RULE`, as wanted with `@SITE`, to its status and `violated/applied to` |
//! | `exit`, `says` | the exit code (0 unless stated), and a text that standard error contains |
//!
//! In a drawn table `|` parts the cells, blanks around them do not count, `∅` is a missing value, a
//! cell in double quotes is read as JSON text (`"a\nb"`, `""`), numbers of a decimal field compare as
//! numbers, and `#a` in a pseudonym field is some pseudonym: equal marks, equal pseudonyms. Reasons are
//! `CODE field rule`, or `CODE rule` where they are about a row; several are parted by commas.
//!
//! Each case runs with 1 and with 4 partitions, and both must give what is drawn.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use cohorte::config::yaml::{Node, Value, parse};
use cohorte::diagnostic::{Diagnostics, FileId};

use crate::support::{Project, root};

const KEYS: [&str; 28] = [
    "sources", "shapes", "from", "refused", "fates",
    "what", "filter", "filtered", "fields", "key", "duplicates", "quarantine", "rules", "source", "derive", "endpoints", "on_error", "input", "written_in", "accepted", "quarantined", "warnings",
    "outcomes", "exit", "says", "schema", "mapping", "files",
];

/// Fewest cases, so that a file that is not read any more is missed.
const LEAST: usize = 110;

struct Case {
    file: String,
    what: String,
    items: Vec<(String, Node)>,
}

impl Case {
    fn get(&self, key: &str) -> Option<&Node> {
        self.items.iter().find(|(k, _)| k == key).map(|(_, node)| node)
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Node::text)
    }

    fn entries(&self, key: &str) -> Vec<(String, &Node)> {
        self.get(key).map(entries).unwrap_or_default()
    }

    /// The type of a field, by its name.
    fn kind(&self, field: &str) -> String {
        let of = |node: &Node| entries(node).into_iter().find(|(k, _)| k == "type").and_then(|(_, n)| n.text().map(str::to_owned));
        self.entries("fields").into_iter().find(|(name, _)| name == field).and_then(|(_, node)| of(node)).unwrap_or_default()
    }
}

fn entries(node: &Node) -> Vec<(String, &Node)> {
    match &node.value {
        Value::Map(items) => items.iter().map(|(k, v)| (k.text().unwrap_or_default().to_owned(), v)).collect(),
        _ => vec![],
    }
}

fn cases() -> Vec<Case> {
    let mut paths: Vec<_> = std::fs::read_dir(root().join("tests/spec")).expect("tests/spec").map(|e| e.expect("an entry").path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "yaml"));
    paths.sort();
    let mut cases = vec![];
    for path in paths {
        let file = format!("tests/spec/{}", path.file_name().and_then(|n| n.to_str()).expect("a name"));
        let text = std::fs::read_to_string(&path).expect("UTF-8");
        let mut found = Diagnostics::default();
        let node = parse(&text, FileId(0), &mut found);
        let line = |at: usize| text[..at.min(text.len())].lines().count().max(1);
        let mistakes: Vec<String> =
            found.items.iter().map(|d| format!("{file}:{}: {} {:?}", d.span.map_or(0, |s| line(s.start)), d.message, d.label)).collect();
        assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
        let Some(Node { value: Value::List(items), .. }) = node else { panic!("{file} is not a list of cases") };
        for item in items {
            let at = format!("{file}:{}", line(item.span.start));
            let Value::Map(pairs) = item.value else { panic!("{at}: a case is a map") };
            let items: Vec<(String, Node)> = pairs.into_iter().map(|(k, v)| (k.text().unwrap_or_default().to_owned(), v)).collect();
            for (key, _) in &items {
                assert!(KEYS.contains(&key.as_str()), "{at}: a case has no key `{key}`");
            }
            for key in ["what", "fields", "derive", "input"] {
                assert!(items.iter().any(|(k, _)| k == key), "{at}: the case has no `{key}`");
            }
            let what = items.iter().find(|(k, _)| k == "what").and_then(|(_, n)| n.text()).unwrap_or_default().to_owned();
            cases.push(Case { file: at, what, items });
        }
    }
    cases
}

#[test]
fn every_case_gives_what_is_drawn() {
    let cases = cases();
    assert!(cases.len() >= LEAST, "only {} cases", cases.len());
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(at) else { break };
                    let wrong = catch_unwind(AssertUnwindSafe(|| run(case))).unwrap_or_else(|_| "  the case could not be run; the panic is printed above\n".into());
                    if !wrong.is_empty() {
                        failed.lock().expect("no poison").insert(at, format!("{}: {}\n{wrong}", case.file, case.what));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("no poison");
    println!("spec {}/{}", cases.len() - failed.len(), cases.len());
    assert!(failed.is_empty(), "{} of {} cases fail\n\n{}", failed.len(), cases.len(), failed.into_values().collect::<Vec<_>>().join("\n"));
}

/// The tables are the user's documentation, so nothing of the language may be absent from them.
#[test]
fn every_word_and_every_constraint_has_a_case() {
    let cases = cases();
    let used = |key: &str, word: &str| cases.iter().flat_map(|c| c.entries(key)).any(|(_, node)| entries(node).iter().any(|(k, _)| k == word));
    let words = cohorte::transform::REGISTRY.iter().map(|t| t.key).filter(|word| !used("derive", word));
    let constraints = cohorte::rule::CONSTRAINTS.iter().map(|c| c.key).chain(["required"]).filter(|word| !used("fields", word));
    let types = cohorte::config::schema::FieldType::ALL.iter().map(|(word, _)| *word);
    let types = types.filter(|word| !cases.iter().any(|c| c.entries("fields").iter().any(|(field, _)| c.kind(field) == *word)));
    let shapes = |word: &str| cases.iter().flat_map(|c| c.entries("shapes")).any(|(_, node)| entries(node).iter().any(|(k, _)| k == word));
    let operations = cohorte::shape::REGISTRY.iter().map(|o| o.key).chain(["derive", "filter", "take"]).filter(|word| !shapes(word));
    let absent: Vec<&str> = words.chain(constraints).chain(types).chain(operations).collect();
    assert!(absent.is_empty(), "no case in tests/spec has {absent:?}");
}

/// What is wrong with a case; empty where nothing is.
fn run(case: &Case) -> String {
    let mut wrong = String::new();
    let sites = sites(case);
    let project = project(case, &sites);
    let mut in_order: Option<Table> = None;
    for partitions in ["1", "4"] {
        let mut told = |what: &str, expected: &str, found: &str| {
            let indented = |text: &str| text.trim_end().lines().map(|l| format!("      {l}\n")).collect::<String>();
            let _ = write!(wrong, "  {what}, with {partitions} partitions\n    expected\n{}    found\n{}", indented(expected), indented(found));
        };
        let out = format!("out{partitions}");
        let (exit, _, err) = project.run(&out, &["--partitions", partitions]);
        let wanted: i32 = case.text("exit").map_or(0, |e| e.parse().expect("an exit code"));
        if exit != wanted {
            told("exit code", &wanted.to_string(), &format!("{exit}\n{err}"));
            continue;
        }
        if let Some(text) = case.text("says").filter(|text| !err.contains(*text)) {
            told("standard error", text, &err);
        }
        if exit > 1 {
            continue;
        }
        let from = case.text("from").unwrap_or("export");
        let mut tables = vec![("accepted".to_owned(), accepted(case, &project, &out, &sites)), ("quarantined".to_owned(), quarantined(case.text("quarantined"), &project, &out, from, &sites))];
        for (name, node) in case.entries("refused") {
            tables.push((format!("refused {name}"), quarantined(node.text(), &project, &out, &name, &sites)));
        }
        if case.get("shapes").is_some()
            && let Some((_, Ok((expected, found)))) = tables.first_mut()
        {
            // Rows of a key come together in an order of their own, which is the same every time.
            match &in_order {
                Some(first) if first.rows != found.rows => told("order of accepted rows", &shown(first), &shown(found)),
                _ => in_order = Some(Table { header: found.header.clone(), rows: found.rows.clone() }),
            }
            expected.rows.sort();
            found.rows.sort();
            alike(case, expected);
            alike(case, found);
        }
        for (what, found) in tables {
            match found {
                Ok((expected, found)) if expected != found => told(&format!("{what} rows"), &shown(&expected), &shown(&found)),
                Ok(_) => {}
                Err(mistake) => told(&format!("{what} rows"), "a table as tests/it/spec.rs explains it", &mistake),
            }
        }
        let report = project.json(&format!("{out}/report.json"));
        for (what, expected, found) in [("warnings", drawn_map(case, "warnings"), warnings(&report)), ("filtered", drawn_map(case, "filtered"), filtered(&report)), ("outcomes", drawn_map(case, "outcomes"), outcomes(case, &report)), ("fates", drawn_map(case, "fates"), fates(case, &report))] {
            if expected != found {
                told(what, &listed(&expected), &listed(&found));
            }
        }
    }
    wrong
}

// The project of a case.

/// Sites with the texts of their files.
fn sites(case: &Case) -> Vec<(String, Vec<String>)> {
    let one = |node: &Node| node.text().expect("an input is a text").to_owned();
    let files = |node: &Node| match &node.value {
        Value::List(items) => items.iter().map(one).collect(),
        _ => vec![one(node)],
    };
    let input = case.get("input").expect("an input");
    match &input.value {
        Value::Map(_) => entries(input).into_iter().map(|(site, node)| (site, files(node))).collect(),
        _ => vec![("here".to_owned(), files(input))],
    }
}

fn project(case: &Case, sites: &[(String, Vec<String>)]) -> Project {
    let further = |key: &str| case.entries(key).into_iter().map(|(k, node)| format!("{k}: {}\n", flow(node))).collect::<String>();
    let mut schema = format!("schema: spec\nversion: 1.0.0\n{}tables:\n  patient:\n", further("schema"));
    for key in ["key", "duplicates", "quarantine", "fields", "rules"] {
        if let Some(node) = case.get(key) {
            let _ = writeln!(schema, "    {key}: {}", flow(node));
        }
    }
    let names: Vec<String> = sites.iter().map(|(site, _)| format!("mapping_{site}.yaml")).collect();
    let pipeline = format!("pipeline: spec\nschema: schema.yaml\nmappings: [{}]\npseudonym: {{key_env: COHORTE_KEY}}\n", names.join(", "));
    let project = Project::new(&[("schema.yaml", &schema), ("pipeline.yaml", &pipeline)]);
    for (name, text) in case.entries("files") {
        project.write(&name, text.text().expect("a file is a text").as_bytes());
    }
    let options = case.entries("source");
    let mut source = String::new();
    if !options.iter().any(|(k, _)| k == "delimiter") {
        source += ", delimiter: \";\"";
    }
    if let Some(Node { value: Value::Map(items), .. }) = case.get("source") {
        for (key, value) in items.iter().filter(|(k, v)| k.text() != Some("delimiter") || v.text() != Some("detected")) {
            let _ = write!(source, ", {}: {}", flow(key), flow(value));
        }
    }
    let mut sources = String::new();
    for (name, node) in case.entries("sources") {
        let mut further = String::new();
        for (key, value) in entries(node) {
            match key.as_str() {
                "input" => project.write(&format!("{name}.csv"), value.text().expect("an input is a text").as_bytes()),
                key => {
                    let _ = write!(further, ", {key}: {}", flow(value));
                }
            }
        }
        let delimiter = if further.contains(", delimiter:") { "" } else { ", delimiter: \";\"" };
        let _ = writeln!(sources, "  {name}: {{path: {name}.csv{delimiter}{further}}}");
    }
    let shapes = case.get("shapes").map_or_else(String::new, |node| format!("shapes: {}\n", flow(node)));
    let from = case.text("from").unwrap_or("export");
    for ((site, files), name) in sites.iter().zip(&names) {
        let on_error = case.text("on_error").unwrap_or("quarantine");
        let derive = flow(case.get("derive").expect("derivations"));
        let further_of_table = |key: &str| case.get(key).map_or_else(String::new, |node| format!("    {key}: {}\n", flow(node)));
        let (endpoints, filter) = (further_of_table("endpoints"), further_of_table("filter"));
        let mapping = format!(
            "mapping: m_{site}\nschema: spec\nsite: {site}\n{}sources:\n  export: {{path: \"{site}_*.csv\"{source}}}\n{sources}{shapes}tables:\n  patient:\n    from: {from}\n    on_error: {on_error}\n{endpoints}{filter}    fields: {derive}\n",
            further("mapping")
        );
        project.write(name, mapping.as_bytes());
        for (at, text) in files.iter().enumerate() {
            project.write(&format!("{site}_{at}.csv"), &encoded(text, case.text("written_in").unwrap_or("utf-8")));
        }
    }
    project
}

fn encoded(text: &str, label: &str) -> Vec<u8> {
    match label {
        "utf-8" => text.as_bytes().to_vec(),
        "utf-16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "utf-16be" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        other => {
            let (bytes, _, lost) = encoding_rs::Encoding::for_label(other.as_bytes()).expect("an encoding").encode(text);
            assert!(!lost, "{other} does not have all characters of the input");
            bytes.into_owned()
        }
    }
}

/// A node as one line of YAML. Quoted texts stay texts; a plain null stays one.
fn flow(node: &Node) -> String {
    match &node.value {
        Value::Scalar { text, .. } if node.is_null() => if text.is_empty() { "~".into() } else { text.clone() },
        Value::Scalar { text, .. } => serde_json::to_string(text).expect("JSON"),
        Value::List(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Map(items) => format!("{{{}}}", items.iter().map(|(k, v)| format!("{}: {}", flow(k), flow(v))).collect::<Vec<_>>().join(", ")),
    }
}

// Tables.

#[derive(Debug, PartialEq)]
struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// A drawn table.
fn drawn(text: &str) -> Result<Table, String> {
    let cells = |line: &str| -> Result<Vec<String>, String> {
        let cell = |cell: &str| match cell.trim() {
            "" => Err(format!("an empty cell in `{line}`: write ∅ for a missing value, \"\" for an empty text")),
            quoted if quoted.starts_with('"') => serde_json::from_str(quoted).map_err(|e| format!("{quoted}: {e}")),
            plain => Ok(plain.to_owned()),
        };
        line.split('|').map(cell).collect()
    };
    let mut lines = text.lines().filter(|l| !l.trim().is_empty());
    let header = cells(lines.next().unwrap_or_default())?;
    let rows: Vec<Vec<String>> = lines.map(cells).collect::<Result<_, _>>()?;
    match rows.iter().find(|r| r.len() != header.len()) {
        Some(row) => Err(format!("{} cells under {} names: {row:?}", row.len(), header.len())),
        None => Ok(Table { header, rows }),
    }
}

fn shown(table: &Table) -> String {
    let plain = |cell: &String| {
        let simple = !cell.is_empty() && cell.trim() == cell && !cell.contains(['|', '"']) && !cell.chars().any(char::is_control);
        if simple { cell.clone() } else { serde_json::to_string(cell).unwrap_or_default() }
    };
    let lines: Vec<Vec<String>> = std::iter::once(&table.header).chain(&table.rows).map(|row| row.iter().map(plain).collect()).collect();
    let width = |at: usize| lines.iter().filter_map(|l| l.get(at)).map(|c| c.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..table.header.len()).map(width).collect();
    let padded = |row: &Vec<String>| row.iter().zip(widths.iter().copied()).map(|(cell, width)| format!("{cell:width$}")).collect::<Vec<_>>().join(" | ");
    let mut text = lines.iter().map(|row| padded(row).trim_end().to_owned() + "\n").collect::<String>();
    if table.rows.is_empty() {
        text.push_str("(no rows)\n");
    }
    text
}

/// Selects `header` from the Parquet files in `folder`, site by site.
fn selected(project: &Project, header: &[String], sites: &[(String, Vec<String>)], folder: impl Fn(&str) -> String, order: &str) -> Table {
    let mut rows = vec![];
    for (site, _) in sites {
        let columns: Vec<String> = header
            .iter()
            .map(|name| match name.as_str() {
                "_site" => format!("'{site}' AS \"_site\""),
                name => format!("\"{}\"", name.replace('"', "\"\"")),
            })
            .collect();
        rows.extend(project.query(&[("t", folder(site).as_str())], &format!("SELECT {} FROM t{order}", columns.join(", "))));
    }
    Table { header: header.to_vec(), rows }
}

/// Accepted rows: drawn, and as they are on disk.
fn accepted(case: &Case, project: &Project, out: &str, sites: &[(String, Vec<String>)]) -> Result<(Table, Table), String> {
    let fields: Vec<String> = case.entries("fields").into_iter().map(|(name, _)| name).collect();
    let mut expected = match case.text("accepted") {
        Some(text) => drawn(text)?,
        None => Table { header: fields.clone(), rows: vec![] },
    };
    if let Some(left_out) = fields.iter().find(|f| !expected.header.contains(f)) {
        return Err(format!("`accepted` leaves out the field `{left_out}`"));
    }
    let mut found = selected(project, &expected.header, sites, |site| format!("{out}/cohort/patient/site={site}"), "");
    alike(case, &mut expected);
    alike(case, &mut found);
    Ok((expected, found))
}

/// Numbers of decimal fields in one spelling, pseudonyms numbered as they come.
fn alike(case: &Case, table: &mut Table) {
    let kinds: Vec<String> = table.header.iter().map(|name| case.kind(name)).collect();
    let mut marks: Vec<String> = vec![];
    for row in &mut table.rows {
        for (cell, kind) in row.iter_mut().zip(&kinds) {
            match kind.as_str() {
                "decimal" => {
                    if let Ok(number) = cell.parse::<f64>() {
                        *cell = number.to_string();
                    }
                }
                "pseudonym" => {
                    let digits = cell.len() == 64 && cell.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
                    if digits || cell.starts_with('#') {
                        let at = marks.iter().position(|m| m == cell).unwrap_or_else(|| {
                            marks.push(cell.clone());
                            marks.len() - 1
                        });
                        *cell = format!("#{}", at + 1);
                    }
                }
                _ => {}
            }
        }
    }
}

/// Refused rows: drawn, and as they are on disk.
fn quarantined(text: Option<&str>, project: &Project, out: &str, of: &str, sites: &[(String, Vec<String>)]) -> Result<(Table, Table), String> {
    let mut expected = match text {
        Some(text) => drawn(text)?,
        None => Table { header: vec!["_row".into(), "_reasons".into()], rows: vec![] },
    };
    for name in ["_row", "_reasons"] {
        if !expected.header.iter().any(|h| h == name) {
            return Err(format!("`quarantined` leaves out `{name}`"));
        }
    }
    let mut found = selected(project, &expected.header, sites, |site| format!("{out}/quarantine/{of}/site={site}"), " ORDER BY \"_file\", \"_row\"");
    for (at, name) in expected.header.clone().iter().enumerate() {
        let each = |table: &mut Table, change: &dyn Fn(&str) -> String| table.rows.iter_mut().filter_map(|r| r.get_mut(at)).for_each(|c| *c = change(c));
        match name.as_str() {
            "_reasons" => {
                each(&mut found, &reasons);
                each(&mut expected, &sorted);
            }
            "_file" => each(&mut found, &|path| path.rsplit('/').next().unwrap_or(path).to_owned()),
            _ => {}
        }
    }
    Ok((expected, found))
}

/// `[{code: D620, field: size, rule: parse, severity: error}]` as `D620 size parse`.
fn reasons(list: &str) -> String {
    let inner = list.trim_start_matches('[').trim_end_matches(']');
    let one = |reason: &str| {
        let parts: BTreeMap<&str, &str> = reason.trim_matches(['{', '}']).split(", ").filter_map(|p| p.split_once(':').map(|(k, v)| (k.trim(), v.trim()))).collect();
        let get = |key: &str| parts.get(key).copied().filter(|v| !v.is_empty() && *v != "∅");
        let words: Vec<&str> = ["code", "field", "rule"].into_iter().filter_map(get).collect();
        let warning = if get("severity") == Some("warning") { " (warning)" } else { "" };
        format!("{}{warning}", words.join(" "))
    };
    sorted(&inner.split("}, {").map(one).collect::<Vec<_>>().join(", "))
}

fn sorted(reasons: &str) -> String {
    let mut list: Vec<&str> = reasons.split(',').map(str::trim).collect();
    list.sort_unstable();
    list.join(", ")
}

// The report's numbers.

fn drawn_map(case: &Case, key: &str) -> BTreeMap<String, String> {
    case.entries(key).into_iter().map(|(k, node)| (k, node.text().unwrap_or_default().to_owned())).collect()
}

fn listed(map: &BTreeMap<String, String>) -> String {
    if map.is_empty() { "none".into() } else { map.iter().map(|(k, v)| format!("{k}: {v}\n")).collect() }
}

/// Warnings by `CODE field rule`, over all sites.
fn warnings(report: &serde_json::Value) -> BTreeMap<String, String> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for reason in report["reasons"].as_array().expect("reasons").iter().filter(|r| r["severity"] == "warning") {
        let words: Vec<&str> = ["code", "field", "rule"].into_iter().filter_map(|k| reason[k].as_str()).collect();
        *counts.entry(words.join(" ")).or_default() += reason["rows"].as_u64().unwrap_or(0);
    }
    counts.into_iter().map(|(k, n)| (k, n.to_string())).collect()
}

/// Rows left out, by filter; and all of them, where that is another number.
fn filtered(report: &serde_json::Value) -> BTreeMap<String, String> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut all = 0;
    for account in report["accounts"].as_array().expect("accounts") {
        all += account["rows_filtered"].as_u64().expect("a number");
        for filter in account["filters"].as_array().into_iter().flatten() {
            *counts.entry(filter["filter"].as_str().expect("a name").to_owned()).or_default() += filter["rows"].as_u64().expect("a number");
        }
    }
    if counts.values().sum::<u64>() != all {
        counts.insert("rows_filtered".into(), all);
    }
    counts.into_iter().filter(|(_, rows)| *rows > 0).map(|(name, rows)| (name, rows.to_string())).collect()
}

/// What became of the rows of the steps that the case names.
fn fates(case: &Case, report: &serde_json::Value) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, u64> = BTreeMap::new();
    for step in report["steps"].as_array().into_iter().flatten() {
        let name = step["name"].as_str().expect("a name");
        for side in step["sides"].as_array().expect("sides") {
            let of = side["of"].as_array().expect("names").iter().filter_map(|n| n.as_str()).collect::<Vec<_>>().join("+");
            for fate in side["fates"].as_array().expect("fates") {
                assert!(cohorte::shape::in_french(fate["fate"].as_str().expect("words")).is_some(), "{fate} is not told by its operation");
                *all.entry(format!("{name} of {of}: {}", fate["fate"].as_str().expect("words"))).or_default() += fate["rows"].as_u64().expect("a number");
            }
        }
        for (key, what) in [("rows_deduplicated", "deduplicated"), ("rows_filtered", "filtered")] {
            *all.entry(format!("{name}: {what}")).or_default() += step[key].as_u64().expect("a number");
        }
    }
    let wanted: Vec<String> = case.entries("fates").into_iter().map(|(name, _)| name).collect();
    // A step that is named is told whole, so that no fate is forgotten.
    let step = |key: &str| key.split([':', ' ']).next().unwrap_or_default().to_owned();
    let named: Vec<String> = wanted.iter().map(|w| step(w)).collect();
    all.into_iter().filter(|(key, rows)| *rows > 0 && named.contains(&step(key))).map(|(key, rows)| (key, rows.to_string())).collect()
}

/// Of the rules that the case names: status and counts.
fn outcomes(case: &Case, report: &serde_json::Value) -> BTreeMap<String, String> {
    let rules = report["rules"].as_array().expect("rules");
    let found = |name: &str| {
        let (rule, site) = name.split_once('@').map_or((name.trim(), None), |(rule, site)| (rule.trim(), Some(site.trim())));
        let entry = rules.iter().find(|r| {
            let id = r["rule"].as_str().unwrap_or_default();
            let long = format!("{} {id}", r["field"].as_str().unwrap_or_default());
            (id == rule || long == rule) && r["site"].as_str() == site
        });
        entry.map_or("not in the report".to_owned(), |r| format!("{} {}/{}", r["status"].as_str().unwrap_or_default(), r["violated"], r["denominator"]))
    };
    case.entries("outcomes").into_iter().map(|(name, _)| (name.clone(), found(&name))).collect()
}
