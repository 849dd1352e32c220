//! A data set in the OMOP Common Data Model that stands in a database: PostgreSQL, or SQLite in a file.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::database::{POSTGRESQL, SQLITE};
use super::super::record::{Damage, Failure, Head, Options, Output, RecordFormat};

/// Tables that come with the vocabulary and not with the patients.
const VOCABULARY: [&str; 10] = ["concept", "vocabulary", "domain", "concept_class", "concept_relationship", "relationship", "concept_synonym", "concept_ancestor", "source_to_concept_map", "drug_strength"];

/// A database, and where its tables are.
pub struct Database {
    path: PathBuf,
    format: &'static RecordFormat,
    /// What its format is told beside the table.
    options: Options,
    schema: Option<String>,
    vocabulary_schema: Option<String>,
}

impl Database {
    /// The database at a path, where there is one.
    pub fn at(path: &Path, options: &Options) -> Option<Database> {
        let is_server = path.to_str().is_some_and(|p| p.starts_with("postgresql://") || p.starts_with("postgres://"));
        let mut begin = [0; 16];
        let mut is_file = || File::open(path).and_then(|mut file| file.read_exact(&mut begin)).is_ok() && begin.starts_with(b"SQLite format 3\0");
        let format = if is_server {
            &POSTGRESQL
        } else if path.is_file() && is_file() {
            &SQLITE
        } else {
            return None;
        };
        let text = |key: &str| options.get(key).and_then(Value::as_str).map(str::to_owned);
        let (schema, vocabulary_schema) = (text("schema"), text("vocabulary_schema"));
        let own = options.iter().filter(|(key, _)| *key == "password_env").map(|(key, value)| (key.clone(), value.clone())).collect();
        Some(Database { path: path.to_owned(), format, options: own, vocabulary_schema: vocabulary_schema.or_else(|| schema.clone()), schema })
    }

    /// The schemas that are looked into. Those of a server come from its search path where none is named.
    fn schemas(&self) -> Vec<String> {
        let mut all: Vec<String> = [&self.schema, &self.vocabulary_schema].into_iter().flatten().cloned().collect();
        all.dedup();
        all
    }

    /// Tables by their names in small letters, with the name by which the database knows each.
    pub fn tables(&self) -> Result<Vec<(String, String)>, Failure> {
        let quoted: Vec<String> = self.schemas().iter().map(|s| format!("'{}'", s.replace('\'', "''"))).collect();
        let query = if std::ptr::eq(self.format, &raw const SQLITE) {
            "SELECT 'main', name FROM sqlite_schema WHERE type IN ('table', 'view')".to_owned()
        } else if quoted.is_empty() {
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema = ANY (current_schemas(false))".to_owned()
        } else {
            format!("SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema IN ({})", quoted.join(", "))
        };
        let mut found: Vec<(String, String)> = vec![];
        self.records("query", query.into(), &[], &mut Pairs(&mut found))?;
        let mut tables: Vec<(String, String)> = vec![];
        for (schema, name) in found {
            let table = name.to_lowercase();
            let wanted = if VOCABULARY.contains(&table.as_str()) { &self.vocabulary_schema } else { &self.schema };
            if wanted.as_ref().is_none_or(|wanted| *wanted == schema || self.format.names.contains(&"sqlite")) {
                tables.push((table, format!("{schema}.{name}")));
            }
        }
        if tables.is_empty() {
            return Err(Failure::Option { key: "schema".into(), message: "the database has no table there".into(), near: vec![] });
        }
        tables.sort();
        Ok(tables)
    }

    pub fn head(&self, name: &str) -> Result<Head, Failure> {
        let mut options = self.options.clone();
        options.insert("table".into(), name.into());
        (self.format.head)(&self.path, &options)
    }

    /// The rows of a table, ordered by its number so that a run can be repeated.
    pub fn rows(&self, name: &str, only: &[&str], out: &mut dyn Output) -> Result<(), Failure> {
        let columns = self.head(name)?.columns;
        let table = name.rsplit('.').next().unwrap_or(name).to_lowercase();
        // As the database spells them.
        let spelt = |wanted: &str| columns.iter().find(|c| c.eq_ignore_ascii_case(wanted)).cloned();
        let only: Vec<String> = only.iter().filter_map(|c| spelt(c)).collect();
        let mut more: Vec<(&str, Vec<String>)> = vec![];
        if !only.is_empty() {
            more.push(("only", only));
        }
        if let Some(number) = spelt(&format!("{table}_id")) {
            more.push(("order_by", vec![number]));
        }
        self.records("table", name.into(), &more, out)
    }

    fn records(&self, key: &str, what: Value, more: &[(&str, Vec<String>)], out: &mut dyn Output) -> Result<(), Failure> {
        let mut options = self.options.clone();
        options.insert(key.into(), what);
        for (key, columns) in more {
            options.insert((*key).into(), columns.clone().into());
        }
        (self.format.records)(&self.path, &options, out)
    }
}

/// Takes rows of two cells.
struct Pairs<'a>(&'a mut Vec<(String, String)>);

impl Output for Pairs<'_> {
    fn record(&mut self, _: u64, _: u64, cells: &mut dyn Iterator<Item = Option<&str>>) -> Result<(), Failure> {
        if let (Some(Some(a)), Some(Some(b))) = (cells.next(), cells.next()) {
            self.0.push((a.to_owned(), b.to_owned()));
        }
        Ok(())
    }

    fn damaged(&mut self, _: u64, _: u64, _: Damage, _: &str, _: &mut dyn Iterator<Item = Option<&str>>) -> Result<(), Failure> {
        Ok(())
    }

    fn read(&mut self, _: u64) {}
}
