//! What is to be profiled: one delivery, or the sources of a pipeline.

use std::path::{Path, PathBuf};

use crate::config::mapping::{DELIMITED, Dialect, Locale, Source};
use crate::config::project::{self, expand};
use crate::config::{Spanned, yaml};
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
    let (mut dialect, mut options) = (Dialect::default(), vec![]);
    for one in set {
        let Some((key, value)) = one.split_once('=') else { return Err(wrong(format!("`{one}` is no option"), "options are written `--set sheet=Patients`")) };
        if key == "encoding" {
            dialect.encoding = Some(Spanned::new(value.to_owned(), span));
            continue;
        }
        let node = yaml::parse(value, FileId(0), &mut Diagnostics::default()).ok_or_else(|| wrong(format!("the value of `{key}` is no YAML"), "a text, a number, `[a, b]` or `{a: b}`"))?;
        options.push((Spanned::new(key.to_owned(), span), node));
    }
    let typed = format.as_deref().is_some_and(|f| !DELIMITED.contains(&f));
    if !typed && !options.is_empty() {
        return Err(wrong("delimited text has no options here".to_owned(), "profile a source of a pipeline to say its delimiter, quote or header"));
    }
    let name = Path::new(path).file_name().and_then(|n| n.to_str()).unwrap_or(path).to_owned();
    let source = Source {
        name: Spanned::new(name, span),
        paths: vec![Spanned::new(path.to_owned(), span)],
        format: format.map(|f| Spanned::new(f, span)),
        options,
        dialect,
        locale: Locale { typed, ..Locale::default() },
    };
    subject(source, PathBuf::new())
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
