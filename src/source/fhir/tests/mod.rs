mod hostile;
mod paths;
mod reading;
mod suite;
mod views;

use std::path::PathBuf;

use super::FORMAT;
use super::super::record::{Damage, Failure, Options, Output};

fn shared(what: &str) -> Option<PathBuf> {
    let base = std::env::var_os("COHORTE_SHARED").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let path = base.join(what);
    if !path.exists() {
        eprintln!("skipped: {what} is not there");
        return None;
    }
    Some(path)
}

/// What a reading gave.
#[derive(Debug, Default, PartialEq)]
struct Collected {
    rows: Vec<(u64, u64, Vec<Option<String>>)>,
    damaged: Vec<(u64, u64, String)>,
    read: u64,
}

impl Output for Collected {
    fn record(&mut self, number: u64, byte: u64, cells: &mut dyn Iterator<Item = Option<&str>>) -> Result<(), Failure> {
        self.rows.push((number, byte, cells.map(|cell| cell.map(str::to_owned)).collect()));
        Ok(())
    }

    fn damaged(&mut self, number: u64, byte: u64, _: Damage, raw: &str, _: &mut dyn Iterator<Item = Option<&str>>) -> Result<(), Failure> {
        self.damaged.push((number, byte, raw.into()));
        Ok(())
    }

    fn read(&mut self, bytes: u64) {
        self.read += bytes;
    }
}

fn options(view: &str) -> Options {
    Options::from_iter([("view".to_owned(), serde_json::from_str(view).unwrap())])
}

fn read(bytes: &[u8], view: &str) -> Result<Collected, Failure> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, bytes).unwrap();
    let mut collected = Collected::default();
    (FORMAT.records)(&path, &options(view), &mut collected)?;
    Ok(collected)
}

/// The first cell of each row.
fn firsts(collected: &Collected) -> Vec<&str> {
    collected.rows.iter().map(|(_, _, cells)| cells[0].as_deref().unwrap_or("-")).collect()
}
