//! `worklist/<site>.csv`: the raw codes that no map knows, for whoever can say what they mean.
//!
//! With its `target` filled in the same file is a ConceptMap: `code` and `target` are the columns
//! that one needs. Like the report it names a code only if at least [`SMALL_CELL`] rows have it.
//!
//! [`SMALL_CELL`]: super::summary::SMALL_CELL

use super::commit::Staging;
use super::summary::{RunSummary, Unmapped};
use crate::error::Error;
use crate::source::delimited::write_row;

const COLUMNS: [&str; 8] = ["site", "table", "field", "column", "code", "persons", "target", "comment"];

/// Writes the list of each site that has something to map.
///
/// # Errors
/// When a file cannot be written.
pub fn write(summary: &RunSummary, staging: &Staging) -> Result<(), Error> {
    for site in &summary.sites {
        let mut mine: Vec<(&Unmapped, &str)> = summary.unmapped.iter().filter(|u| u.site == *site).filter_map(|u| Some((u, u.value.as_deref()?))).collect();
        if mine.is_empty() {
            continue;
        }
        mine.sort_by_key(|(u, code)| (std::cmp::Reverse(u.rows), u.table.clone(), u.field.clone(), (*code).to_owned()));
        let mut bytes = vec![];
        let mut line = |cells: [&str; 8]| write_row(&mut bytes, cells).map_err(|e| Error::environment("writing the worklist", e));
        line(COLUMNS)?;
        for (u, code) in mine {
            line([site, &u.table, &u.field, &u.column, code, &u.rows.to_string(), "", ""])?;
        }
        staging.write(&format!("worklist/{site}.csv"), &String::from_utf8_lossy(&bytes))?;
    }
    Ok(())
}
