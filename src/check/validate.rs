//! Tables that are there already, as a project: each field is the column of its name.
//!
//! `cohorte validate` makes the mapping that nobody needs to write, so that rules, accounts and report are those of a run.

use std::path::{Path, PathBuf};

use crate::config::Spanned;
use crate::config::mapping::{self, Mapping};
use crate::config::pipeline::Pipeline;
use crate::config::project::{self, Project};
use crate::config::schema::{FieldType, Schema};
use crate::config::yaml::{Node, Value};
use crate::diagnostic::{Diagnostic, Diagnostics, SourceMap, Span, code};
use crate::source;

/// The site of tables that are of no site in particular.
const ALL: &str = "all";

/// Files of a table at a site.
struct Found {
    site: String,
    table: String,
    files: Vec<PathBuf>,
}

/// A folder's tables against a schema; findings where there is nothing to validate.
pub fn stand_in(folder: &Path, schema_path: &Path, map: &mut SourceMap, found: &mut Diagnostics) -> Option<Project> {
    let (mut schema, documents) = project::schema(schema_path, map, found)?;
    let span = schema.name.span;
    // What is there has its pseudonyms already.
    for field in schema.tables.iter_mut().flat_map(|t| &mut t.fields).filter(|f| f.kind.value == FieldType::Pseudonym) {
        (field.kind.value, field.free_text) = (FieldType::Text, true);
    }
    let folder = if folder.join("cohort").is_dir() { folder.join("cohort") } else { folder.to_owned() };
    let tables = tables(&folder, &schema);
    if tables.is_empty() {
        let names = schema.tables.iter().map(|t| format!("`{}`", t.name.value)).collect::<Vec<_>>().join(", ");
        found.push(Diagnostic::error(code::NO_FILE, span, format!("{} has no table of the schema", folder.display())).label(format!("it has {names}")).help("a table is `NAME.parquet`, `NAME.csv`, or a folder `NAME` of such files, with folders `site=…` in it where there are several sites"));
        return None;
    }
    let mut sites: Vec<&str> = tables.iter().map(|t| t.site.as_str()).collect();
    sites.sort_unstable();
    sites.dedup();
    let mappings = sites.iter().filter_map(|site| {
        let mine: Vec<&Found> = tables.iter().filter(|t| t.site == *site).collect();
        Some((folder.join("mapping.yaml"), mapping(site, &mine, &schema, span, found)?))
    });
    let mappings: Vec<(PathBuf, Mapping)> = mappings.collect();
    let name = |text: &str| Spanned::new(text.to_owned(), span);
    let pipeline = Pipeline { name: name(&schema.name.value), schema: name(&schema_path.display().to_string()), mappings: vec![], key: None, small_cells: None };
    Some(Project { pipeline, path: folder.join("pipeline.yaml"), schema, mappings, documents })
}

/// The tables that stand in a folder.
fn tables(folder: &Path, schema: &Schema) -> Vec<Found> {
    let mut all = vec![];
    for table in &schema.tables {
        let name = &table.name.value;
        let one = |site: &str, files: Vec<PathBuf>| (!files.is_empty()).then(|| Found { site: site.to_owned(), table: name.clone(), files });
        let single = ["parquet", "csv", "csv.gz", "csv.zst"].iter().map(|ending| folder.join(format!("{name}.{ending}"))).find(|p| p.is_file());
        all.extend(single.and_then(|file| one(ALL, vec![file])));
        let inside = folder.join(name);
        all.extend(one(ALL, files(&inside)));
        for site in entries(&inside).into_iter().filter(|p| p.is_dir()) {
            let named = site.file_name().and_then(|n| n.to_str()).and_then(|n| n.strip_prefix("site=")).map(str::to_owned);
            all.extend(named.and_then(|named| one(&named, files(&site))));
        }
    }
    all
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).map(|e| e.path()).collect();
    all.sort();
    all
}

/// The Parquet files of a folder, or else its CSV files.
fn files(folder: &Path) -> Vec<PathBuf> {
    let of = |ending: &str| entries(folder).into_iter().filter(|p| p.is_file() && p.extension().is_some_and(|e| e == ending)).collect::<Vec<_>>();
    let parquet = of("parquet");
    if parquet.is_empty() { of("csv") } else { parquet }
}

/// The mapping of a site's tables: each field from the column of its name, where there is one.
fn mapping(site: &str, tables: &[&Found], schema: &Schema, span: Span, found: &mut Diagnostics) -> Option<Mapping> {
    let scalar = |text: &str| Node { value: Value::Scalar { text: text.to_owned(), quoted: true }, span };
    let map = |entries: Vec<(&str, Node)>| Node { value: Value::Map(entries.into_iter().map(|(k, v)| (scalar(k), v)).collect()), span };
    let (mut sources, mut targets) = (vec![], vec![]);
    for table in tables {
        let is_parquet = table.files.iter().all(|f| f.extension().is_some_and(|e| e == "parquet"));
        // Relative paths would begin at the mapping, which is nowhere.
        let paths = table.files.iter().map(|f| scalar(&std::path::absolute(f).unwrap_or_else(|_| f.clone()).display().to_string())).collect();
        let source = map(vec![("path", Node { value: Value::List(paths), span }), ("format", scalar(if is_parquet { "parquet" } else { "csv" }))]);
        let read = mapping::source(Spanned::new(table.table.clone(), span), &source, found)?;
        let mut columns: Vec<String> = vec![];
        for file in &table.files {
            match source::heads(&read, Path::new(""), file) {
                Ok(heads) => columns.extend(heads.into_iter().flat_map(|h| h.columns)),
                Err(error) => found.push(error.at(span, &[])),
            }
        }
        let target = schema.tables.iter().find(|t| t.name.value == table.table)?;
        let fields = target.fields.iter().map(|f| f.name.value.as_str()).filter(|f| columns.iter().any(|c| c == f));
        let fields = fields.map(|f| (f, map(vec![("from", scalar(f))]))).collect();
        targets.push((table.table.as_str(), map(vec![("from", scalar(&table.table)), ("on_error", scalar("quarantine")), ("fields", map(fields))])));
        sources.push((table.table.as_str(), source));
    }
    let node = map(vec![("mapping", scalar(&format!("validate-{site}"))), ("schema", scalar(&schema.name.value)), ("site", scalar(site)), ("sources", map(sources)), ("tables", map(targets))]);
    mapping::read(&node, found)
}
