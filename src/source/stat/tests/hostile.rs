//! Files that are cut off or changed: never a panic, never without end, and no more memory than the file is worth.

use std::io::Cursor;

use super::super::{Settings, sas7bdat, spss, stata, xport};
use super::*;

/// Counts rows, and stops where there are more than the file could hold.
struct Counted {
    rows: usize,
    most: usize,
}

impl Output for Counted {
    fn record(&mut self, _: u64, _: u64, cells: &mut dyn Iterator<Item = Option<&str>>) -> Result<(), Failure> {
        cells.for_each(drop);
        self.rows += 1;
        assert!(self.rows <= self.most, "more rows than bytes");
        Ok(())
    }

    fn damaged(&mut self, number: u64, byte: u64, _: Damage, _: &str, cells: &mut dyn Iterator<Item = Option<&str>>) -> Result<(), Failure> {
        self.record(number, byte, cells)
    }

    fn read(&mut self, _: u64) {}
}

type Rows = fn(&[u8], &Options, &mut dyn Output) -> Result<(), Failure>;

fn of_sas(bytes: &[u8], options: &Options, out: &mut dyn Output) -> Result<(), Failure> {
    let Ok(dataset) = ::sas7bdat::Dataset::from_bytes(bytes.to_vec()) else { return Err(Failure::Empty) };
    sas7bdat::rows(&dataset, bytes.len() as u64, &Settings::of(options)?, out)
}

/// Random numbers that are the same each time (xorshift).
fn random(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    usize::try_from(*state >> 16).unwrap_or_default()
}

/// Cuts the file at many places, and changes some of its bytes `times` times.
fn torment(file: &str, read: Rows, times: usize) {
    let Some(path) = shared(&format!("suites/statistical_files/{file}")) else {
        eprintln!("skipped: {file} is not here");
        return;
    };
    let whole = std::fs::read(path).unwrap();
    let labels = shared("suites/statistical_files/sas_catalog/test_formats_win.sas7bcat").unwrap_or_default();
    let options = options(&format!(r#"{{"labels": true, "user_missing": "null", "formats": "{}"}}"#, labels.display()));
    // Packed cases take one bit at least.
    let out = || Counted { rows: 0, most: whole.len() * 8 };
    read(&whole, &options, &mut out()).unwrap();
    let step = (whole.len() / 700).max(1);
    for end in (0..whole.len()).step_by(step) {
        let _ = read(&whole[..end], &options, &mut out());
    }
    let mut state = 0x9e37_79b9_7f4a_7c15;
    // Most of what steers the reading is at the beginning or, in a page of SAS, at the end.
    let regions = [0..whole.len().min(400), 0..whole.len(), whole.len().saturating_sub(4000)..whole.len()];
    for _ in 0..times {
        let mut bytes = whole.clone();
        for _ in 0..1 + random(&mut state) % 4 {
            let region = regions[random(&mut state) % 3].clone();
            let at = region.start + random(&mut state) % region.len();
            bytes[at] = match random(&mut state) % 4 {
                0 => 0xff,
                1 => 0,
                2 => bytes[at] ^ (1 << (random(&mut state) % 8)),
                _ => random(&mut state) as u8,
            };
        }
        let _ = read(&bytes, &options, &mut out());
    }
}

fn of_spss(bytes: &[u8], options: &Options, out: &mut dyn Output) -> Result<(), Failure> {
    spss::rows(Cursor::new(bytes), options, out)
}

#[test]
fn stata_files() {
    torment("basic/sample.dta", |bytes, options, out| stata::rows(Cursor::new(bytes), options, out), 3000);
}

#[test]
fn spss_files() {
    for file in ["basic/sample.sav", "basic/sample.zsav", "basic/test_width.sav", "basic/sample_missing.sav"] {
        torment(file, of_spss, 1500);
    }
}

#[test]
fn portable_files() {
    torment("basic/sample.por", of_spss, 3000);
}

#[test]
fn transport_files() {
    for file in ["basic/sample.xpt", "basic/dates_xpt_v8.xpt"] {
        torment(file, |bytes, options, out| xport::rows(Cursor::new(bytes), options, out), 2000);
    }
}

#[test]
fn sas_files() {
    for file in ["basic/sample.sas7bdat", "basic/sample_bincompressed.sas7bdat", "missing_data/missing_test.sas7bdat"] {
        torment(file, of_sas, 1000);
    }
}

/// A catalogue is a file of its own, and may be damaged too.
#[test]
fn catalogues() {
    let Some(path) = shared("suites/statistical_files/sas_catalog/test_formats_win.sas7bcat") else { return };
    let whole = std::fs::read(path).unwrap();
    let mut state = 7;
    for _ in 0..3000 {
        let mut bytes = whole.clone();
        for _ in 0..1 + random(&mut state) % 4 {
            let at = random(&mut state) % bytes.len();
            bytes[at] = random(&mut state) as u8;
        }
        bytes.truncate(bytes.len() - random(&mut state) % 3 * 4000);
        let _ = ::sas7bdat::catalog::parse_catalog(&mut Cursor::new(bytes));
    }
}

#[test]
fn other_files_are_named() {
    let Some(suite) = shared("suites/statistical_files") else { return };
    let head = |file: &str| (sas7bdat::FORMAT.head)(&suite.join(file), &Options::new());
    assert!(matches!(head("sas_catalog/test_formats_win.sas7bcat"), Err(Failure::NotThis { is, .. }) if is == "a SAS catalogue"));
    assert!(matches!(head("basic/sample.xpt"), Err(Failure::NotThis { .. })));
    assert!(matches!(head("basic/none.sas7bdat"), Err(Failure::Unreadable(_))));
    for (json, wrong) in [(r#"{"labels": true, "formats": "/nowhere/formats.sas7bcat"}"#, "formats"), (r#"{"labels": true}"#, "labels")] {
        let found = (sas7bdat::FORMAT.head)(&suite.join("basic/sample.sas7bdat"), &options(json));
        assert!(matches!(found, Err(Failure::Option { key, .. }) if key == wrong));
    }
}
