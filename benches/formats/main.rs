//! `formats FORMAT PATH [OPTIONS as JSON]`: reads all records of a file and prints what it took.
//!
//! `formats calamine PATH` reads the cells of a workbook's first sheet by calamine alone, for comparison.

#![allow(dead_code)]

#[path = "../../src/source/dicom/mod.rs"]
mod dicom;
#[path = "../../src/source/excel/mod.rs"]
mod excel;
#[path = "../../src/source/fhir/mod.rs"]
mod fhir;
#[path = "../../src/source/guard.rs"]
mod guard;
#[path = "../../src/source/json.rs"]
mod json;
#[path = "../../src/source/record.rs"]
mod record;
#[path = "../../src/source/stat/mod.rs"]
mod stat;
#[path = "../../src/source/texts/mod.rs"]
mod texts;

use std::path::Path;

use record::{Damage, Failure, Options, Output, RecordFormat};

/// Counts records and the bytes of their cells.
#[derive(Default)]
struct Counted {
    records: u64,
    damaged: u64,
    bytes: usize,
}

impl Output for Counted {
    fn record(&mut self, _: u64, _: u64, cells: &mut dyn Iterator<Item = Option<&str>>) -> Result<(), Failure> {
        self.records += 1;
        self.bytes += cells.flatten().map(str::len).sum::<usize>();
        Ok(())
    }

    fn damaged(&mut self, _: u64, _: u64, _: Damage, _: &str, _: &mut dyn Iterator<Item = Option<&str>>) -> Result<(), Failure> {
        self.damaged += 1;
        Ok(())
    }

    fn read(&mut self, _: u64) {}
}

/// CPU seconds of this process, user and system, and its peak memory in MB.
fn used() -> (f64, f64) {
    // SAFETY: fills a structure of plain numbers for this process.
    let usage = unsafe {
        let mut usage = std::mem::zeroed::<libc::rusage>();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    };
    let seconds = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 / 1e6;
    (seconds(usage.ru_utime) + seconds(usage.ru_stime), usage.ru_maxrss as f64 / 1024.0)
}

fn by_calamine(path: &Path) -> u64 {
    use calamine::Reader;
    let mut book: calamine::Xlsx<_> = calamine::open_workbook(path).expect("a workbook");
    let sheet = book.sheet_names().first().cloned().expect("a sheet");
    let range = book.worksheet_range(&sheet).expect("its cells");
    range.rows().count() as u64
}

fn bytes(path: &Path) -> u64 {
    if path.is_file() {
        return std::fs::metadata(path).map_or(0, |m| m.len());
    }
    std::fs::read_dir(path).map_or(0, |all| all.flatten().map(|e| bytes(&e.path())).sum())
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [format, path, rest @ ..] = arguments.as_slice() else { panic!("formats FORMAT PATH [OPTIONS]") };
    let path = Path::new(path);
    let options: Options = rest.first().map_or_else(Options::new, |text| serde_json::from_str(text).expect("options are a JSON object"));
    let all: [&RecordFormat; 13] = [
        &excel::FORMAT, &json::NDJSON, &json::JSON, &fhir::FORMAT, &stat::SAS7BDAT, &stat::XPORT, &stat::SPSS, &stat::STATA, &dicom::FORMAT, &texts::HL7, &texts::FIXED_WIDTH, &texts::REDCAP, &texts::OSIRIS,
    ];
    let mut counted = Counted::default();
    if format == "calamine" {
        counted.records = by_calamine(path);
    } else {
        let format = all.iter().find(|f| f.names.contains(&format.as_str())).expect("a format");
        (format.records)(path, &options, &mut counted).expect("records");
    }
    let ((cpu, peak), megabytes) = (used(), bytes(path) as f64 / 1e6);
    println!("{format}: {} records, {} damaged, {megabytes:.1} MB in {cpu:.2} CPU s: {:.1} MB/s, {:.0} records/s, peak {peak:.0} MB", counted.records, counted.damaged, megabytes / cpu, counted.records as f64 / cpu);
}
