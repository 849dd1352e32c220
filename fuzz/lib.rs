//! Bytes as a file of a format: whatever they are, reading them ends, and ends with records or a failure.

// The readers as they are in the program, without the engine behind them.
#![allow(dead_code, unused_imports)]

// What readers take from the engine is Arrow, which the engine only hands on.
#[cfg(feature = "columnar")]
extern crate self as datafusion;
#[cfg(feature = "columnar")]
pub use arrow;
// Without all of it, the two crates of it that most readers need.
#[cfg(not(feature = "columnar"))]
extern crate self as arrow;
#[cfg(not(feature = "columnar"))]
pub use {arrow_array as array, arrow_buffer as buffer};

#[cfg(feature = "columnar")]
#[path = "../src/source/columnar/mod.rs"]
mod columnar;
#[cfg(feature = "columnar")]
pub mod columnar_seeds;
#[cfg(not(feature = "columnar"))]
#[path = "without.rs"]
mod columnar;
mod config;
mod database;
#[path = "../src/source/delimited/mod.rs"]
mod delimited;
#[path = "../src/diagnostic/mod.rs"]
mod diagnostic;
#[path = "../src/source/dicom/mod.rs"]
mod dicom;
#[path = "../src/source/excel/mod.rs"]
mod excel;
#[path = "../src/source/fhir/mod.rs"]
mod fhir;
#[path = "../src/source/files.rs"]
mod files;
#[path = "../src/source/guard.rs"]
mod guard;
#[path = "../src/source/json.rs"]
mod json;
#[path = "../src/source/omop/mod.rs"]
mod omop;
mod property;
#[path = "../src/source/record.rs"]
mod record;
#[path = "../src/source/stat/mod.rs"]
mod stat;
#[path = "../src/source/texts/mod.rs"]
mod texts;
#[path = "../src/config/yaml.rs"]
mod yaml;

pub use property::{delimited, fhirpath, ods, omop, yaml};

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use record::{Damage, Failure, Options, Output, RecordFormat};
use serde_json::json;

/// Takes records and keeps none; numbers must rise.
struct Nothing(u64);

impl Output for Nothing {
    fn record(&mut self, number: u64, _: u64, cells: &mut dyn Iterator<Item = Option<&str>>) -> Result<(), Failure> {
        assert!(number > self.0, "record {number} behind {}", self.0);
        self.0 = number;
        cells.for_each(drop);
        // A small file may say that it has a milliard of records.
        if number > 100_000 { Err(Failure::Stopped) } else { Ok(()) }
    }

    fn damaged(&mut self, number: u64, byte: u64, _: Damage, _: &str, cells: &mut dyn Iterator<Item = Option<&str>>) -> Result<(), Failure> {
        self.record(number, byte, cells)
    }

    fn read(&mut self, _: u64) {}
}

fn place(name: &str) -> &'static PathBuf {
    static PLACE: OnceLock<PathBuf> = OnceLock::new();
    PLACE.get_or_init(|| {
        let memory = PathBuf::from("/dev/shm");
        let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
        // The reader of images knows an archive by its name.
        let end = if name.ends_with("_zip") { ".zip" } else { "" };
        folder.join(format!("cohorte-fuzz-{name}-{}{end}", std::process::id()))
    })
}

/// A panic of a library that is taken for a damaged file is no finding; every other one ends the target.
pub fn begin() {
    std::panic::set_hook(Box::new(|info| {
        if !guard::is_guarded() {
            eprintln!("{info}\n{}", std::backtrace::Backtrace::force_capture());
            std::process::abort();
        }
    }));
}

/// Reads bytes as a file of a format, with the options that reach most of it.
pub fn file(name: &str, data: &[u8]) {
    let view = json!({"resource": "Observation", "select": [{"column": [{"name": "id", "path": "getResourceKey()"}, {"name": "p", "path": "subject.getReferenceKey(Patient)"},
        {"name": "c", "path": "code.coding.where(system = 'http://loinc.org').code.first()"}, {"name": "v", "path": "value.ofType(Quantity).value"}]}]});
    let (format, options): (&RecordFormat, _) = match name {
        "excel" => (&excel::FORMAT, json!({"decimal": ",", "header_rows": 2})),
        "ndjson" => (&json::NDJSON, json!({})),
        "json" => (&json::JSON, json!({})),
        "fhir" => (&fhir::FORMAT, json!({"view": view})),
        "sas7bdat" => (&stat::SAS7BDAT, json!({})),
        "xport" => (&stat::XPORT, json!({})),
        "spss" => (&stat::SPSS, json!({"labels": true})),
        "stata" => (&stat::STATA, json!({"labels": true})),
        "dicom" => (&dicom::FORMAT, json!({"level": "instance", "tags": ["PatientName"]})),
        "hl7" => (&texts::HL7, json!({"fields": ["MSH-9.2", "PID-3(2).1", "PID-5.1.1", "OBX-5"], "each": "OBX"})),
        "parquet" => (&columnar::PARQUET, json!({})),
        "arrow" => (&columnar::ARROW, json!({})),
        "osiris" => (&texts::OSIRIS, json!({})),
        "dicom_zip" => (&dicom::FORMAT, json!({"level": "series", "tags": ["PatientName"]})),
        "fixed_width" => (&texts::FIXED_WIDTH, json!({"layout": [{"name": "a", "start": 1, "length": 3}, {"name": "b", "start": 5, "length": 8, "type": "date(ddmmyyyy)"}, {"name": "c", "start": 13, "length": 4, "type": "decimal(2)"}]})),
        _ => (&texts::REDCAP, json!({"dictionary": dictionary(), "labels": true, "checkboxes": "list"})),
    };
    let serde_json::Value::Object(options): serde_json::Value = options else { return };
    if std::fs::write(place(name), data).is_ok() {
        read(format, place(name), &options);
    }
}

/// The head, and all records if there is one.
fn read(format: &RecordFormat, path: &Path, options: &Options) {
    if (format.head)(path, options).is_ok() {
        let _ = (format.records)(path, options, &mut Nothing(0));
    }
}

/// A dictionary of REDCap with a field of each kind.
fn dictionary() -> String {
    static PLACE: OnceLock<PathBuf> = OnceLock::new();
    let path = PLACE.get_or_init(|| {
        let path = place("dictionary").with_extension("dictionary");
        let text = "\"Variable / Field Name\",\"Form Name\",\"Section Header\",\"Field Type\",\"Field Label\",\"Choices, Calculations, OR Slider Labels\",\"Field Note\",\"Text Validation Type OR Show Slider Number\",\"Text Validation Min\",\"Text Validation Max\",Identifier?,\"Branching Logic (Show field only if...)\"\nrecord_id,base,,text,Id,,,,,,,\nsex,base,,radio,Sex,\"1, Female | 2, Male\",,,,,,\nsym,base,,checkbox,Symptoms,\"1, Pain | 2, Fever\",,,,,,\npreg,base,,yesno,Pregnant,,,,,,,\"[sex] = '1' and [sym(1)] <> '0'\"\n";
        let _ = std::fs::write(&path, text);
        path
    });
    path.display().to_string()
}
