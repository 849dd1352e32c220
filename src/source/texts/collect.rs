//! Records of a format as tests look at them.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::record::{Damage, Failure, Head, Options, Output, RecordFormat};

/// A record as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    pub number: u64,
    pub byte: u64,
    pub cells: Vec<Option<String>>,
    /// Its text, where it is damaged.
    pub raw: Option<String>,
}

/// Takes all records.
#[derive(Debug, Default)]
pub struct Collected {
    pub records: Vec<Taken>,
    pub bytes: u64,
}

impl Output for Collected {
    fn record(&mut self, number: u64, byte: u64, cells: &mut dyn Iterator<Item = Option<&str>>) -> Result<(), Failure> {
        self.records.push(Taken { number, byte, cells: cells.map(|c| c.map(str::to_owned)).collect(), raw: None });
        Ok(())
    }

    fn damaged(&mut self, number: u64, byte: u64, _: Damage, raw: &str, cells: &mut dyn Iterator<Item = Option<&str>>) -> Result<(), Failure> {
        self.records.push(Taken { number, byte, cells: cells.map(|c| c.map(str::to_owned)).collect(), raw: Some(raw.to_owned()) });
        Ok(())
    }

    fn read(&mut self, bytes: u64) {
        self.bytes += bytes;
    }
}

impl Collected {
    /// The cells of each record, `∅` where one is missing, `!` first where the record is damaged.
    pub fn table(&self) -> Vec<String> {
        let line = |t: &Taken| {
            let cells: Vec<&str> = t.cells.iter().map(|c| c.as_deref().unwrap_or("∅")).collect();
            format!("{}{}", if t.raw.is_some() { "!" } else { "" }, cells.join("|"))
        };
        self.records.iter().map(line).collect()
    }
}

pub fn options(json: &str) -> Options {
    serde_json::from_str(json).expect("a map")
}

pub fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(bytes).expect("written");
    file
}

/// Head and records of a file; the head has as many columns as each record cells.
pub fn read(format: &RecordFormat, path: &Path, json: &str) -> Result<(Head, Collected), Failure> {
    let options = options(json);
    let head = (format.head)(path, &options)?;
    let mut collected = Collected::default();
    (format.records)(path, &options, &mut collected)?;
    for pair in collected.records.windows(2) {
        assert!(pair[0].number < pair[1].number, "numbers rise");
    }
    assert!(collected.records.iter().all(|r| r.cells.len() == head.columns.len()), "a cell for each column");
    assert_eq!(collected.bytes, std::fs::metadata(path).expect("a file").len(), "all bytes are read");
    Ok((head, collected))
}

/// A path below the data that several projects share.
pub fn shared(what: &str) -> Option<PathBuf> {
    let root = std::env::var_os("COHORTE_SHARED").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let path = root.join("data").join(what);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} is not there", path.display());
    None
}

/// Damages `bytes` in many ways: every `step`-th prefix, then `flips` times three random bytes.
pub fn damage(bytes: &[u8], step: usize, flips: usize, mut check: impl FnMut(&[u8])) {
    for end in (0..=bytes.len()).step_by(step) {
        check(&bytes[..end]);
    }
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..flips {
        let mut copy = bytes.to_vec();
        for _ in 0..3 {
            let at = next() as usize % copy.len();
            copy[at] = (next() >> 32) as u8;
        }
        check(&copy);
    }
}
