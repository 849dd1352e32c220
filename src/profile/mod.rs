//! `cohorte profile`: what an export holds, before anybody writes a mapping for it.
//!
//! One pass over a source's files gives for each column how full it is, how many values it has, which types its cells
//! can be read as and with what evidence, its most frequent values, its range, and what looks like a missing code.
//! A value that fewer than [`SMALL_CELL`] rows have is not shown unless asked for: it may name a person.

mod column;
mod guess;
mod html;
mod subject;
mod text;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use datafusion::arrow::array::{AsArray, Int64Array};
use serde::Serialize;

use crate::config::mapping::Source;
use crate::error::Error;
use crate::execute::summary::SMALL_CELL;
use crate::execute::{Show, SourceProgress};
use crate::source::{self, FileHead, SplitReader};
use column::Column;
pub use column::ColumnProfile;
pub use html::html;
use subject::{delivery, pipeline};
pub use text::text;

/// What a source holds.
#[derive(Debug, Serialize)]
pub struct SourceProfile {
    pub format: u32,
    pub source: String,
    pub files: Vec<FileProfile>,
    pub rows: u64,
    /// Rows that cannot be read as such.
    pub damaged: u64,
    pub columns: Vec<ColumnProfile>,
    /// Columns that alone tell every row from every other.
    pub keys: Vec<String>,
    /// Rows that a shown value needs at least; 1: all are shown.
    pub shown_from: u64,
}

/// One file of it.
#[derive(Debug, Serialize)]
pub struct FileProfile {
    pub file: String,
    pub bytes: u64,
    pub rows: u64,
    /// What was guessed of it, and on what the guess rests.
    pub evidence: Vec<String>,
}

/// Profiles what the command line names: one delivery, or the sources of a pipeline, of which `only` one may be wanted.
///
/// # Errors
/// When nothing is there, an option is none, or a file cannot be read.
pub fn profiles(subject: &str, format: Option<&str>, set: &[String], only: Option<&str>, small_cell: Option<u64>, show: Show) -> Result<Vec<SourceProfile>, Error> {
    let is_yaml = [".yaml", ".yml"].iter().any(|e| subject.ends_with(e));
    let subjects = if is_yaml { pipeline(Path::new(subject), only)? } else { vec![delivery(subject, format, set)?] };
    let mut profiles = vec![];
    for subject in subjects {
        let bytes = subject.paths.iter().filter_map(|p| std::fs::metadata(p).ok()).map(|m| m.len()).sum();
        let bar = SourceProgress::begin(show, subject.source.name.value.clone(), bytes);
        profiles.push(profile(&subject.source, &subject.paths, &subject.base, small_cell, &mut |done| bar.indexed(done))?);
        bar.clear();
    }
    Ok(profiles)
}

/// Goes through a source. `base` is the folder that its paths begin in, a value that fewer rows than `small_cell` (5) have is not shown, and `told` hears of the
/// bytes that are done with.
///
/// # Errors
/// When a file cannot be read.
pub fn profile(source: &Source, paths: &[PathBuf], base: &Path, small_cell: Option<u64>, told: &mut dyn FnMut(u64)) -> Result<SourceProfile, Error> {
    let mut heads: Vec<FileHead> = vec![];
    for path in paths {
        heads.extend(source::heads(source, base, path).map_err(source::HeadError::into_error)?);
    }
    let mut names: Vec<String> = vec![];
    for name in heads.iter().flat_map(|h| &h.columns) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    let mut columns: Vec<Column> = names.iter().map(|_| Column::default()).collect();
    let (mut files, mut rows, mut damaged, mut before) = (vec![], 0, 0, 0);
    let folder = Scratch::new()?;
    let cancel = AtomicBool::new(false);
    for head in &heads {
        let store = folder.0.join(files.len().to_string());
        let index = source::index(head, 64 << 20, store.clone(), &mut |_| {}, &cancel)?;
        for split in source::splits(std::slice::from_ref(head), std::slice::from_ref(&index), &names) {
            let reader = SplitReader::open(&split, 4096).map_err(source::SplitError::into_error)?;
            for batch in reader {
                let batch = batch.map_err(source::SplitError::into_error)?;
                damaged += damaged_rows(&batch.flags);
                for (column, cells) in columns.iter_mut().zip(&batch.columns) {
                    for cell in cells.as_string_view() {
                        column.add(cell);
                    }
                }
            }
            told(before + split.bytes());
        }
        before += head.bytes;
        rows += index.rows;
        let _ = std::fs::remove_file(&store);
        files.push(FileProfile { file: head.shown.clone(), bytes: head.bytes, rows: index.rows, evidence: head.evidence.clone() });
    }
    let shown_from = small_cell.unwrap_or(SMALL_CELL).max(1);
    let columns: Vec<ColumnProfile> = names.into_iter().zip(columns).map(|(name, column)| column.finish(name, rows, shown_from)).collect();
    let keys = columns.iter().filter(|c| rows > 1 && c.filled == rows && c.distinct == Some(rows)).map(|c| c.name.clone()).collect();
    Ok(SourceProfile { format: 1, source: source.name.value.clone(), files, rows, damaged, columns, keys, shown_from })
}

fn damaged_rows(flags: &Int64Array) -> u64 {
    flags.iter().flatten().filter(|f| *f != 0).count() as u64
}

/// A folder for unpacked records that goes with the pass.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Scratch, Error> {
        let path = std::env::temp_dir().join(format!("cohorte-profile-{}", std::process::id()));
        std::fs::create_dir(&path).map_err(|e| Error::environment(&format!("creating {}", path.display()), e))?;
        Ok(Scratch(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
