//! What is to be profiled: one delivery, or the sources of a pipeline.

use std::path::{Path, PathBuf};

use crate::config::mapping::{self, Source};
use crate::config::project::{self, expand};
use crate::config::Spanned;
use crate::config::yaml::{self, Node, Value};
use crate::diagnostic::{Diagnostics, FileId, SourceMap, Span, code, render_text};
use crate::error::Error;
use crate::source::{self, records_of};

/// A source with its files, and the folder that its options' paths begin in.
pub struct Subject {
    pub source: Source,
    pub paths: Vec<PathBuf>,
    pub base: PathBuf,
}

/// Endings of names, and the format that they stand for.
const ENDINGS: [(&str, &str); 21] = [
    ("hl7", "hl7"),
    ("xlsx", "excel"), ("xlsm", "excel"), ("xlsb", "excel"), ("xls", "excel"), ("ods", "excel"), ("parquet", "parquet"), ("arrow", "arrow"), ("feather", "arrow"), ("ndjson", "ndjson"),
    ("jsonl", "ndjson"), ("json", "json"), ("sas7bdat", "sas7bdat"), ("xpt", "xport"), ("sav", "spss"), ("zsav", "spss"), ("por", "spss"), ("dta", "stata"), ("sqlite", "sqlite"), ("db", "sqlite"), ("dcm", "dicom"),
];

/// One delivery: a path or address, its format (else by the ending of its name), and `key=value` options of the format.
///
/// # Errors
/// When an option is none, or nothing is there.
pub fn delivery(path: &str, format: Option<&str>, set: &[String]) -> Result<Subject, Error> {
    let span = Span::new(FileId(0), 0..0);
    let wrong = |message: String, help: &str| Error::command_line(message, help);
    let format = format.map(str::to_owned).or_else(|| {
        if path.starts_with("postgres") && path.contains("://") {
            return Some("postgresql".to_owned());
        }
        let ending = Path::new(path).extension()?.to_str()?.to_lowercase();
        ENDINGS.iter().find(|(e, _)| *e == ending).map(|(_, f)| (*f).to_owned()).filter(|f| records_of(f).is_some())
    });
    let format = match format {
        None if Path::new(path).is_dir() => Some(kind_of_folder(Path::new(path)).ok_or_else(|| wrong(format!("`{path}` is a folder"), "say what is in it, such as `--as dicom` or `--as omop`"))?.to_owned()),
        other => other,
    };
    // What is said of a delivery here is what a mapping would say of a source.
    let scalar = |text: &str| Node { value: Value::Scalar { text: text.to_owned(), quoted: true }, span };
    let mut entries = vec![(scalar("path"), scalar(path))];
    entries.extend(format.as_deref().map(|f| (scalar("format"), scalar(f))));
    for one in set {
        let Some((key, value)) = one.split_once('=') else { return Err(wrong(format!("`{one}` is no option"), "options are written `--set sheet=Patients`")) };
        // A mark such as `;` is no YAML of its own.
        let node = yaml::parse(value, FileId(0), &mut Diagnostics::default()).filter(|n| !n.is_null()).unwrap_or_else(|| scalar(value));
        entries.push((scalar(key), node));
    }
    let name = Path::new(path).file_name().and_then(|n| n.to_str()).unwrap_or(path).to_owned();
    let mut found = Diagnostics::default();
    let mut source = mapping::source(Spanned::new("delivery".to_owned(), span), &Node { value: Value::Map(entries), span }, &mut found);
    match (found.items.first(), source.take()) {
        (None, Some(mut source)) => {
            source.name.value = name;
            subject(source, PathBuf::new())
        }
        (Some(first), _) => Err(Error::command_line(first.message.clone(), first.help.first().cloned().unwrap_or_else(|| "`cohorte docs` lists formats and options".to_owned()))),
        (None, None) => Err(Error::Bug { message: "a delivery that is no source".into() }),
    }
}

/// What a folder seems to hold, by the names and beginnings of its files.
fn kind_of_folder(folder: &Path) -> Option<&'static str> {
    const LOOKED_AT: usize = 200;
    let mut todo = vec![folder.to_owned()];
    let mut seen = 0;
    while let Some(folder) = todo.pop() {
        for entry in std::fs::read_dir(folder).ok()?.filter_map(Result::ok) {
            seen += 1;
            if seen > LOOKED_AT {
                return None;
            }
            let name = entry.file_name().to_string_lossy().to_lowercase();
            if ["person.csv", "person.csv.gz", "person.parquet"].contains(&name.as_str()) {
                return Some("omop");
            }
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => todo.push(entry.path()),
                Ok(kind) if kind.is_file() => {
                    // DICOM PS3.10, 7.1: the letters stand behind a preamble of 128 bytes.
                    let mut begin = [0; 132];
                    let read = std::fs::File::open(entry.path()).and_then(|mut f| std::io::Read::read_exact(&mut f, &mut begin));
                    if read.is_ok() && begin.ends_with(b"DICM") {
                        return Some("dicom");
                    }
                }
                _ => {}
            }
        }
    }
    None
}

fn subject(source: Source, base: PathBuf) -> Result<Subject, Error> {
    let mut found = Diagnostics::default();
    let folders = source.format.as_ref().and_then(|f| records_of(&f.value)).is_some_and(|f| f.folder);
    let sound = source::dialect_is_sound(&source, &mut found);
    let paths: Vec<PathBuf> = if sound { source.paths.iter().flat_map(|p| expand(&base, p, code::NO_FILE, "file", folders, &mut found)).collect() } else { vec![] };
    match found.items.first() {
        Some(first) => Err(Error::command_line(first.message.clone(), first.help.first().cloned().unwrap_or_else(|| "`cohorte docs` lists formats and options".to_owned()))),
        None => Ok(Subject { source, paths, base }),
    }
}

/// The sources of a pipeline, or the one called `only` (`mapping.source`, or `source`).
///
/// # Errors
/// When the documents are wrong, or there is no such source.
pub fn pipeline(path: &Path, only: Option<&str>) -> Result<Vec<Subject>, Error> {
    let (mut map, mut found) = (SourceMap::default(), Diagnostics::default());
    let project = project::load(path, &mut map, &mut found);
    let Some(project) = project.filter(|_| !found.has_errors()) else {
        eprint!("{}", render_text(&found.items, &map, false));
        return Err(Error::command_line(format!("{} cannot be read", path.display()), "`cohorte check` says what is wrong"));
    };
    let mut subjects = vec![];
    for (path, mapping) in &project.mappings {
        for source in &mapping.sources {
            let full = format!("{}.{}", mapping.name.value, source.name.value);
            if only.is_some_and(|o| o != full && o != source.name.value) {
                continue;
            }
            let mut source = source.clone();
            source.name.value = full;
            subjects.push(subject(source, path.parent().unwrap_or(Path::new("")).to_owned())?);
        }
    }
    match (subjects.is_empty(), only) {
        (true, Some(only)) => Err(Error::command_line(format!("there is no source `{only}`"), "sources are called `mapping.source`")),
        _ => Ok(subjects),
    }
}
