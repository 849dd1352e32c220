//! The refused rows of an earlier run in the place of the sources' files.
//!
//! A run names, for each site, source and table, the part files of its quarantine. A replay goes
//! through each mapping table by table: what fills the table are the rows that this table refused,
//! and not those that another table of the same source did. A table that is filled from a shape is left
//! out and named: its rows may be made of rows that were accepted.

use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::config::Spanned;
use crate::config::project::Project;
use crate::error::Error;
use crate::source::QUARANTINE;

/// The run that is replayed.
#[derive(Debug, Clone)]
pub struct Replay {
    pub folder: PathBuf,
    pub manifest_sha256: String,
    key_id: Option<String>,
    tables: Vec<Published>,
    /// `(site, table)` of rows that were refused on their way through shapes.
    before: Vec<(String, String)>,
    /// `table (site)` of what refused rows and is filled from a shape.
    pub left_out: Vec<String>,
}

/// What the run made of one table of one site.
#[derive(Debug, Clone)]
struct Published {
    site: String,
    source: String,
    table: String,
    cohort: Vec<PathBuf>,
    quarantine: Vec<PathBuf>,
}

impl Replay {
    /// Opens a run's folder.
    ///
    /// # Errors
    /// When it is not one.
    pub fn open(folder: &Path) -> Result<Replay, Error> {
        let help = "name a folder that `cohorte run --out` made";
        let folder = std::path::absolute(folder).map_err(|e| Error::environment(&format!("finding {}", folder.display()), e))?;
        let not_one = |why: String| Error::command_line(format!("{} is not the folder of a run: {why}", folder.display()), help);
        let text = std::fs::read(folder.join("manifest.json")).map_err(|e| not_one(format!("manifest.json: {e}")))?;
        let manifest: Value = serde_json::from_slice(&text).map_err(|e| not_one(format!("manifest.json, line {}", e.line())))?;
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let files = |list: &Value| list.as_array().into_iter().flatten().filter_map(Value::as_str).map(|f| folder.join(f)).collect();
        let tables = manifest["tables"].as_array().into_iter().flatten();
        let tables = tables.map(|t| Published { site: word(&t["site"]), source: word(&t["source"]), table: word(&t["table"]), cohort: files(&t["files"]), quarantine: files(&t["quarantine"]) }).collect();
        let steps = manifest["steps"].as_array().into_iter().flatten().filter(|s| s["quarantine"].as_array().is_some_and(|files| !files.is_empty()));
        let before = steps.map(|s| (word(&s["site"]), word(&s["table"]))).collect();
        let manifest_sha256 = Sha256::digest(&text).iter().map(|b| format!("{b:02x}")).collect();
        Ok(Replay { key_id: manifest["key_id"].as_str().map(str::to_owned), tables, before, left_out: vec![], manifest_sha256, folder })
    }

    /// The project with the run's quarantine as its sources; sites and tables that refused no row
    /// are left out, as there is nothing to replay. Tables that are filled from shapes are left out too, and named
    /// in `left_out`.
    ///
    /// # Errors
    /// When nothing is left.
    pub fn stand_in(&mut self, mut project: Project) -> Result<Project, Error> {
        let mut mappings = vec![];
        for (path, mapping) in project.mappings {
            for table in &mapping.tables {
                let is_it = |p: &&Published| p.site == mapping.site.value && p.table == table.table.value && p.source == table.from.value;
                let parts: Vec<&PathBuf> = self.tables.iter().filter(is_it).flat_map(|p| &p.quarantine).collect();
                if mapping.shapes.iter().any(|s| s.name.value == table.from.value) {
                    let refused = |(site, name): &(String, String)| *site == mapping.site.value && *name == table.table.value;
                    if !parts.is_empty() || self.before.iter().any(refused) {
                        self.left_out.push(format!("{} ({})", table.table.value, mapping.site.value));
                    }
                    continue;
                }
                if parts.is_empty() {
                    continue;
                }
                let mut one = mapping.clone();
                one.tables = vec![table.clone()];
                one.sources.retain(|s| s.name.value == table.from.value);
                for source in &mut one.sources {
                    let span = source.name.span;
                    source.paths = parts.iter().map(|p| Spanned::new(p.display().to_string(), span)).collect();
                    source.format = Some(Spanned::new(QUARANTINE.to_owned(), span));
                    source.dialect = Default::default();
                    source.options.clear();
                }
                mappings.push((path.clone(), one));
            }
        }
        if mappings.is_empty() && !self.left_out.is_empty() {
            let message = format!("nothing to replay but what is filled from shapes: {}", self.left_out.join(", "));
            return Err(Error::command_line(message, "run the pipeline again: a shape may need all rows of its sources"));
        }
        if mappings.is_empty() {
            let message = format!("nothing to replay: {} has no quarantine for the sources of this pipeline", self.folder.display());
            return Err(Error::command_line(message, "sites, sources and tables must have the names that they had in that run"));
        }
        project.mappings = mappings;
        Ok(project)
    }

    /// Whether the run's pseudonyms were made with this key.
    ///
    /// # Errors
    /// When it was another: a person would come twice, under two pseudonyms.
    pub fn same_key(&self, key_id: Option<&str>) -> Result<(), Error> {
        match (self.key_id.as_deref(), key_id) {
            (Some(then), Some(now)) if then != now => Err(Error::command_line(
                format!("{} was made with another key of the pseudonyms", self.folder.display()),
                "replay with that key: under another one nobody could tell who is in the cohort already",
            )),
            _ => Ok(()),
        }
    }

    /// Whether this is the run in `folder`.
    pub fn is_in(&self, folder: &Path) -> bool {
        self.folder.canonicalize().is_ok_and(|mine| folder.canonicalize().is_ok_and(|other| mine == other))
    }

    /// The accepted part files of a table, of all sites.
    pub fn accepted(&self, table: &str) -> Vec<&Path> {
        self.tables.iter().filter(|t| t.table == table).flat_map(|t| &t.cohort).map(PathBuf::as_path).collect()
    }
}
