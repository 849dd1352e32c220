//! A run's folder as a comparison reads it.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::RunName;
use crate::error::Error;
use crate::execute::summary::{RunSummary, TableSummary};

/// A run's numbers, and where its files are.
pub struct Run {
    folder: PathBuf,
    pub summary: RunSummary,
    pub key_id: Option<String>,
    /// Role, path and fingerprint of each document.
    pub documents: Vec<(String, String, String)>,
}

impl Run {
    /// Opens a run's folder.
    ///
    /// # Errors
    /// When it is not one.
    pub fn open(folder: &Path) -> Result<Run, Error> {
        let read = |name: &str| {
            std::fs::read_to_string(folder.join(name)).map_err(|e| {
                let message = format!("{} is not the folder of a run: {name}: {e}", folder.display());
                Error::command_line(message, "name a folder that `cohorte run --out` made")
            })
        };
        let wrong = |name: &str, e: serde_json::Error| {
            let message = format!("{} of {} cannot be understood: line {}, column {}", name, folder.display(), e.line(), e.column());
            Error::command_line(message, "make the run again with this version of cohorte")
        };
        let summary: RunSummary = serde_json::from_str(&read("report.json")?).map_err(|e| wrong("report.json", e))?;
        let manifest: Value = serde_json::from_str(&read("manifest.json")?).map_err(|e| wrong("manifest.json", e))?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let documents = manifest["fingerprints"].as_array().into_iter().flatten().map(|d| (text(&d["role"]), text(&d["path"]), text(&d["sha256"]))).collect();
        Ok(Run { folder: folder.to_owned(), summary, key_id: manifest["key_id"].as_str().map(str::to_owned), documents })
    }

    pub fn name(&self) -> RunName {
        let s = &self.summary;
        RunName {
            folder: self.folder.display().to_string(),
            pipeline: s.pipeline.clone(),
            schema: s.schema.name.clone(),
            version: s.schema.version.clone(),
            started_at: s.started_at.clone(),
            tool: s.tool.clone(),
            status: s.status,
        }
    }

    /// A table of the schema.
    pub fn table(&self, name: &str) -> Option<&TableSummary> {
        self.summary.schema.tables.iter().find(|t| t.name == name)
    }

    /// The part files of `cohort/<table>` or `quarantine/<source>`, by site, both sorted by name.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn parts(&self, kind: &str, name: &str) -> Result<Vec<(String, Vec<String>)>, Error> {
        let folder = self.folder.join(kind).join(name);
        let doing = |e: std::io::Error| Error::environment(&format!("reading {}", folder.display()), e);
        let mut sites = vec![];
        for entry in names(&folder).map_err(doing)? {
            let Some(site) = entry.strip_prefix("site=") else { continue };
            let inside = folder.join(&entry);
            let files = names(&inside).map_err(doing)?.into_iter().filter(|f| f.ends_with(".parquet"));
            let files = files.map(|f| inside.join(f).canonicalize().map(|p| p.display().to_string())).collect::<Result<Vec<_>, _>>().map_err(doing)?;
            if !files.is_empty() {
                sites.push((site.to_owned(), files));
            }
        }
        Ok(sites)
    }
}

/// Names in a folder, sorted; none where there is no folder.
fn names(folder: &Path) -> std::io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(vec![]),
        Err(e) => return Err(e),
    };
    let mut names = entries.map(|e| Ok(e?.file_name().to_string_lossy().into_owned())).collect::<std::io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}
