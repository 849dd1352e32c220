//! The OMOP Common Data Model (OHDSI, version 5.4): one table of a folder or zip of CSV or Parquet files, or of a database.
//!
//! Files are found by the table's name in any case. A column `x_concept_id` can bring along the name and code of
//! its concept, from the vocabulary's CONCEPT, and CONCEPT_ANCESTOR can tell which concepts descend from one. Of
//! the vocabulary only those concepts are kept in memory that the table has.

mod database;
mod tables;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use serde_json::Value;

use super::record::{Damage, Failure, Head, OptionKey, Options, Output, RecordFormat};
use tables::{Cells, Store};

pub static FORMAT: RecordFormat = RecordFormat {
    names: &["omop"],
    summary: "A table of the OMOP Common Data Model 5.4: a folder of CSV or Parquet files, a zip of CSV files, or a database (`postgresql://user@host/database`, or a file of SQLite).",
    options: &[
        OptionKey { key: "table", about: "The table's name, such as `measurement`." },
        OptionKey { key: "concepts", about: "`true`: each column `x_concept_id` brings `x_concept_name` and `x_concept_code` along; or the list of such columns." },
        OptionKey { key: "descendants", about: "Columns that tell whether a concept descends from others: `{is_cancer: {column: condition_concept_id, of: [443392]}}`; a concept is its own descendant." },
        OptionKey { key: "schema", about: "Of a database: the schema of its tables; absent: those of the server's search path." },
        OptionKey { key: "vocabulary_schema", about: "Of a database: the schema of the vocabulary, where it is another one." },
        OptionKey { key: "password_env", about: "Of a database server: the environment variable that holds the password, as for `postgresql`." },
    ],
    folder: true,
    typed: true,
    errors: &[],
    head,
    records,
};

/// What the mapping wants.
struct Wanted {
    table: String,
    store: Store,
    /// The table's own columns.
    columns: Vec<String>,
    /// Places of columns whose concepts are looked up.
    concepts: Vec<usize>,
    /// Name, place of the column, ancestors.
    descendants: Vec<(String, usize, HashSet<String>)>,
}

impl Wanted {
    fn new(path: &Path, options: &Options) -> Result<Wanted, Failure> {
        let wrong = |key: &str, message: String, near: &[String]| Failure::Option { key: key.into(), message, near: near.to_vec() };
        let store = Store::open(path, options)?;
        let tables = store.tables();
        let table = match options.get("table") {
            Some(Value::String(name)) => name.to_lowercase(),
            _ => return Err(wrong("table", "say which table: `table: measurement`".into(), &tables)),
        };
        if !tables.contains(&table) {
            return Err(wrong("table", format!("there is no table `{table}`"), &tables));
        }
        let columns = store.columns(&table)?;
        let place = |key: &str, name: &str| columns.iter().position(|c| c == name).ok_or_else(|| wrong(key, format!("`{table}` has no column `{name}`"), &columns));
        let concepts = match options.get("concepts") {
            None | Some(Value::Bool(false)) => vec![],
            Some(Value::Bool(true)) => (0..columns.len()).filter(|at| columns.get(*at).is_some_and(|c| c.ends_with("_concept_id"))).collect(),
            Some(Value::Array(all)) => all.iter().map(|n| place("concepts", n.as_str().unwrap_or_default())).collect::<Result<_, _>>()?,
            Some(_) => return Err(wrong("concepts", "`true`, or a list of columns".into(), &[])),
        };
        let mut descendants = vec![];
        for (name, asked) in options.get("descendants").and_then(Value::as_object).into_iter().flatten() {
            let column = asked.get("column").and_then(Value::as_str).unwrap_or_default();
            let ids = match asked.get("of") {
                Some(Value::Array(ids)) => ids.iter().map(plain).collect(),
                Some(one) => HashSet::from([plain(one)]),
                None => return Err(wrong("descendants", format!("`{name}` does not say of which concepts: `of: [443392]`"), &[])),
            };
            descendants.push((name.clone(), place("descendants", column)?, ids));
        }
        for (key, needs, asked) in [("concepts", "concept", !concepts.is_empty()), ("descendants", "concept_ancestor", !descendants.is_empty())] {
            if asked && !tables.iter().any(|t| t == needs) {
                return Err(wrong(key, format!("the vocabulary's table `{needs}` is not there"), &tables));
            }
        }
        Ok(Wanted { table, store, columns, concepts, descendants })
    }

    fn column(&self, at: usize) -> &str {
        self.columns.get(at).map_or("", String::as_str)
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn head(path: &Path, options: &Options) -> Result<Head, Failure> {
    let wanted = Wanted::new(path, options)?;
    let mut columns = wanted.columns.clone();
    for at in &wanted.concepts {
        let stem = wanted.column(*at).trim_end_matches("_id");
        columns.extend([format!("{stem}_name"), format!("{stem}_code")]);
    }
    columns.extend(wanted.descendants.iter().map(|(name, ..)| name.clone()));
    let duplicates = columns.iter().enumerate().filter(|(at, c)| columns.iter().take(*at).any(|other| other == *c)).map(|(_, c)| c.clone()).collect();
    Ok(Head { columns, duplicates, evidence: vec![] })
}

fn records(path: &Path, options: &Options, out: &mut dyn Output) -> Result<(), Failure> {
    let wanted = Wanted::new(path, options)?;
    let (concepts, descendants) = vocabulary(&wanted)?;
    let dated: Vec<bool> = wanted.columns.iter().map(|c| c.ends_with("_datetime")).collect();
    wanted.store.rows(&wanted.table, &mut |number, byte, cells| {
        let cells = match cells {
            Cells::Of(cells) => cells,
            Cells::Damaged(raw) => return out.damaged(number, byte, Damage::Unreadable, raw, &mut std::iter::empty()),
        };
        let mut all: Vec<Option<String>> = cells.iter().zip(&dated).map(|(cell, dated)| cell.as_deref().map(|c| if *dated { moment(c) } else { c.to_owned() })).collect();
        for at in &wanted.concepts {
            let known = cells.get(*at).and_then(|c| concepts.get(c.as_deref()?));
            all.extend([known.map(|(name, _)| name.clone()), known.map(|(_, code)| code.clone())]);
        }
        for ((_, at, _), branch) in wanted.descendants.iter().zip(&descendants) {
            all.push(cells.get(*at).and_then(|c| c.as_ref()).map(|c| branch.contains(c.as_str()).to_string()));
        }
        out.record(number, byte, &mut all.iter().map(Option::as_deref))
    })
}

/// Id of a concept to its name and code.
type Concepts = HashMap<String, (String, String)>;

/// The concepts of the table's columns, and the descendants that each column of descent asks for.
fn vocabulary(wanted: &Wanted) -> Result<(Concepts, Vec<HashSet<String>>), Failure> {
    let mut met: HashSet<String> = HashSet::new();
    let looked_up: HashSet<usize> = wanted.concepts.iter().copied().chain(wanted.descendants.iter().map(|(_, at, _)| *at)).collect();
    if looked_up.is_empty() {
        return Ok((HashMap::new(), vec![]));
    }
    wanted.store.rows(&wanted.table, &mut |_, _, cells| {
        if let Cells::Of(cells) = cells {
            for cell in looked_up.iter().filter_map(|at| cells.get(*at)?.as_ref()) {
                if !met.contains(cell) {
                    met.insert(cell.clone());
                }
            }
        }
        Ok(())
    })?;
    let mut concepts = HashMap::new();
    if !wanted.concepts.is_empty() {
        wanted.store.cells("concept", ["concept_id", "concept_name", "concept_code"], &mut |[id, name, code]| {
            if let Some(id) = id.filter(|id| met.contains(*id)) {
                concepts.insert(id.to_owned(), (name.unwrap_or_default().to_owned(), code.unwrap_or_default().to_owned()));
            }
        })?;
    }
    // A concept is its own descendant (CONCEPT_ANCESTOR says so too, where it is complete).
    let mut branches: Vec<HashSet<String>> = wanted.descendants.iter().map(|(.., of)| of.clone()).collect();
    if !branches.is_empty() {
        let mut asked: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, (.., of)) in wanted.descendants.iter().enumerate() {
            of.iter().for_each(|ancestor| asked.entry(ancestor).or_default().push(at));
        }
        let mut rows = 0u64;
        wanted.store.cells("concept_ancestor", ["ancestor_concept_id", "descendant_concept_id"], &mut |[ancestor, descendant]| {
            rows += 1;
            let Some(descendant) = descendant.filter(|d| met.contains(*d)) else { return };
            for branch in ancestor.and_then(|a| asked.get(a)).into_iter().flatten() {
                branches.get_mut(*branch).map(|b| b.insert(descendant.to_owned()));
            }
        })?;
        if rows == 0 {
            return Err(Failure::Head("`descendants` needs the vocabulary's table `concept_ancestor`, and it is empty".into()));
        }
    }
    Ok((concepts, branches))
}

/// `2010-05-05 08:30:00`, as databases write it, in the form of ISO 8601.
fn moment(text: &str) -> String {
    match text.as_bytes() {
        [_, _, _, _, b'-', _, _, b'-', _, _, b' ', rest @ ..] if rest.first().is_some_and(u8::is_ascii_digit) => text.replacen(' ', "T", 1),
        _ => text.to_owned(),
    }
}
