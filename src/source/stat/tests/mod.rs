//! Tests of the readers of statistical files: the outside suite, files that are written here byte by byte, hostile ones.

mod hostile;
mod moments;
mod spss;
mod stata;
mod suite;
mod xport;

use std::path::PathBuf;

use super::super::record::{Damage, Failure, Options, Output};

/// A folder or file of the outside data, where it is there.
fn shared(what: &str) -> Option<PathBuf> {
    let root = std::env::var_os("COHORTE_SHARED").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let path = root.join(what);
    path.exists().then_some(path)
}

/// Keeps what it is given.
#[derive(Debug, Default)]
struct Kept {
    rows: Vec<Vec<Option<String>>>,
    /// Number and byte of each row.
    places: Vec<(u64, u64)>,
    damaged: Vec<u64>,
    bytes: u64,
    /// Stops after so many rows.
    stop: Option<usize>,
}

impl Output for Kept {
    fn record(&mut self, number: u64, byte: u64, cells: &mut dyn Iterator<Item = Option<&str>>) -> Result<(), Failure> {
        self.rows.push(cells.map(|c| c.map(str::to_owned)).collect());
        self.places.push((number, byte));
        if self.stop == Some(self.rows.len()) { Err(Failure::Stopped) } else { Ok(()) }
    }

    fn damaged(&mut self, number: u64, byte: u64, _: Damage, _: &str, cells: &mut dyn Iterator<Item = Option<&str>>) -> Result<(), Failure> {
        self.damaged.push(number);
        self.record(number, byte, cells)
    }

    fn read(&mut self, bytes: u64) {
        self.bytes += bytes;
    }
}

impl Kept {
    /// The rows as texts: cells apart by `|`, `~` for a missing one.
    fn lines(&self) -> Vec<String> {
        self.rows.iter().map(|row| row.iter().map(|c| c.as_deref().unwrap_or("~")).collect::<Vec<_>>().join("|")).collect()
    }
}

/// Options from JSON.
fn options(json: &str) -> Options {
    serde_json::from_str(json).expect("JSON")
}
