//! Workbooks that are made here: what a sheet may hold, and what a damaged one may not ask for.
//!
//! `made` writes the smallest files of each format; the workbooks of the outside suites are read in `tests/it/formats.rs`.

mod damaged;
mod made;
mod sheets;

use super::super::record::{Damage, Failure, Head, Options, Output};
use super::FORMAT;
use made::File;

/// Records as text: the number, the cells (`∅` where one is missing), `!` first where the record is damaged.
struct Lines(Vec<String>);

impl Output for Lines {
    fn record(&mut self, number: u64, _: u64, cells: &mut dyn Iterator<Item = Option<&str>>) -> Result<(), Failure> {
        self.0.push(format!("{number} {}", cells.map(|c| c.unwrap_or("∅")).collect::<Vec<_>>().join("|")));
        Ok(())
    }

    fn damaged(&mut self, number: u64, byte: u64, _: Damage, _: &str, cells: &mut dyn Iterator<Item = Option<&str>>) -> Result<(), Failure> {
        self.record(number, byte, cells)?;
        self.0.iter_mut().last().expect("a record").insert(0, '!');
        Ok(())
    }

    fn read(&mut self, _: u64) {}
}

fn read_with(file: &File, options: &str) -> Result<(Head, Vec<String>), Failure> {
    let options: Options = serde_json::from_str(options).expect("a map");
    let head = (FORMAT.head)(file.path(), &options)?;
    let mut lines = Lines(vec![]);
    (FORMAT.records)(file.path(), &options, &mut lines)?;
    Ok((head, lines.0))
}

/// The lines of the first sheet, without a header.
fn read(file: &File) -> Result<Vec<String>, Failure> {
    read_with(file, r#"{"header_rows": 0}"#).map(|(_, lines)| lines)
}

/// What is said of a file that cannot be read.
fn refused(file: &File) -> String {
    match read(file) {
        Err(Failure::Unreadable(message)) => message,
        other => panic!("it is read: {:?}", other.map(|lines| lines.len())),
    }
}
