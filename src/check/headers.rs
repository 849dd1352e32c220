//! What a source delivers: the heads of its files, and whether all of them have the columns that are used.

use std::path::Path;

use crate::config::mapping::Source;
use crate::config::project::expand;
use crate::diagnostic::{Diagnostic, Diagnostics, Span, code};
use crate::source::{self, FileHead};

/// The heads of a source's files.
pub struct Delivered {
    pub files: Vec<FileHead>,
    /// `None` when no header could be read.
    pub columns: Option<Vec<String>>,
}

pub fn deliver(source: &Source, base: &Path, found: &mut Diagnostics) -> Delivered {
    let mut files = vec![];
    if !source::dialect_is_sound(source, found) {
        return Delivered { files, columns: None };
    }
    let mut complete = true;
    let mut seen = std::collections::HashSet::new();
    for pattern in &source.paths {
        let folders = source.format.as_ref().and_then(|f| source::records_of(&f.value)).is_some_and(|f| f.folder);
        let paths = expand(base, pattern, code::NO_FILE, if folders { "file or folder" } else { "file" }, folders, found);
        complete &= !paths.is_empty();
        // A file that two patterns fit is one file.
        for path in paths.into_iter().filter(|p| seen.insert(p.clone())) {
            match source::heads(source, base, &path) {
                Ok(heads) => files.extend(heads),
                Err(error) => {
                    complete = false;
                    found.push(error.at(pattern.span, &source.options));
                }
            }
        }
    }
    let mut columns: Vec<String> = vec![];
    for column in files.iter().flat_map(|f| &f.columns) {
        if !columns.contains(column) {
            columns.push(column.clone());
        }
    }
    let columns = (complete && !files.is_empty()).then_some(columns);
    Delivered { files, columns }
}

/// Reports files of a source that lack a column, or have it twice.
pub fn different_headers(files: &[FileHead], column: &str, at: Span, found: &mut Diagnostics) {
    let named = |wrong: &dyn Fn(&FileHead) -> bool| files.iter().filter(|f| wrong(f)).map(|f| f.shown.as_str()).collect::<Vec<_>>();
    let lacking = named(&|f| !f.columns.iter().any(|c| c == column));
    if !lacking.is_empty() {
        found.push(
            Diagnostic::error(code::DIFFERENT_HEADERS, at, format!("{} no column `{column}`", of_files(&lacking, files.len(), ["has", "have"])))
                .label("other files of the source have it")
                .note("all files of a source need the columns that are used"),
        );
    }
    let twice = named(&|f| f.duplicates.iter().any(|c| c == column));
    if !twice.is_empty() {
        found.push(
            Diagnostic::error(code::DUPLICATE_COLUMN, at, format!("{} the column `{column}` twice", of_files(&twice, files.len(), ["has", "have"])))
                .label("which of the two is meant?"),
        );
    }
}

/// "`a.csv` has" or "3 of 300 files have (`a.csv`, `b.csv` and 1 more)".
fn of_files(files: &[&str], all: usize, [has, have]: [&str; 2]) -> String {
    match files {
        [one] => format!("`{one}` {has}"),
        many => {
            let shown: Vec<String> = many.iter().take(3).map(|f| format!("`{f}`")).collect();
            let more = if many.len() > 3 { format!(" and {} more", many.len() - 3) } else { String::new() };
            format!("{} of {all} files ({}{more}) {have}", many.len(), shown.join(", "))
        }
    }
}
