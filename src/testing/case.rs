//! One case: its rows on disk in the place of the sources' files, a run of them, what came out.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Date32Type, Float64Type, Int64Type, TimestampMicrosecondType};
use datafusion::arrow::util::display::array_value_to_string;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::Subject;
use crate::check;
use crate::config::Spanned;
use crate::config::cases::Case;
use crate::config::project::Project;
use crate::diagnostic::Diagnostics;
use crate::error::Error;
use crate::execute::summary::RunSummary;
use crate::execute::{self, Options, Pages, Show};
use crate::function::{self, Key};
use crate::rule::Effect;
use crate::source::delimited::{plain_dialect, write_row};

/// The key of the pseudonyms of every case: equal numbers give equal pseudonyms, and no secret is needed.
const KEY: &[u8] = b"the key of the cases of tests.yaml";

/// What came out of a case.
pub enum Ran {
    Done(Box<Done>),
    /// The run ended with an error (`on_error: fail`).
    Stopped(String),
}

/// What a run of a case published.
pub struct Done {
    /// Accepted rows, one entry a table of the mapping, each row with one value a field of the schema.
    pub accepted: Vec<Vec<Vec<Got>>>,
    pub quarantined: Vec<Refusal>,
    pub summary: RunSummary,
    /// What rows can be refused or flagged for before they reach a table.
    pub before: Vec<Before>,
}

/// A condition of a shape.
pub struct Before {
    pub shape: String,
    pub code: String,
    pub field: Option<String>,
    pub rule: String,
}

/// A quarantined row.
pub struct Refusal {
    pub source: String,
    /// Counted from 1, among the rows of its source.
    pub row: i64,
    pub reasons: Vec<GotReason>,
}

/// One Reason of a row.
pub struct GotReason {
    pub code: String,
    pub field: Option<String>,
    pub rule: String,
    pub is_error: bool,
}

/// A value of the cohort.
#[derive(Debug, Clone, PartialEq)]
pub struct Got {
    pub value: Value,
    /// As people read it.
    pub shown: String,
}

/// A typed value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Missing,
    Integer(i64),
    Number(f64),
    Boolean(bool),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since 1970-01-01T00:00.
    Datetime(i64),
    Text(String),
}

/// A folder that goes when it is dropped.
pub struct Folder(PathBuf);

impl Folder {
    /// A new folder among the temporary files.
    pub fn new() -> Result<Folder, Error> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let path = std::env::temp_dir().join(format!("cohorte-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
        std::fs::create_dir(&path).map_err(|e| Error::environment(&format!("creating {}", path.display()), e))?;
        Ok(Folder(path))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The project with one mapping, whose sources are files of the case's rows; without a case, of no row.
pub fn stand_in(subject: &Subject<'_>, case: Option<&Case>, folder: &Path) -> Result<Project, Error> {
    let mut mapping = subject.mapping.clone();
    for (source, columns) in mapping.sources.iter_mut().zip(&subject.columns) {
        let path = folder.join(format!("{}.csv", source.name.value));
        let doing = |e: std::io::Error| Error::environment(&format!("writing {}", path.display()), e);
        let mut file = BufWriter::new(File::create(&path).map_err(doing)?);
        write_row(&mut file, columns.iter().map(String::as_str)).map_err(doing)?;
        let mine = case.iter().flat_map(|c| &c.rows).filter(|r| r.of.as_ref().is_none_or(|of| of.value == source.name.value));
        for row in mine.flat_map(|r| &r.rows) {
            let cell = |column: &String| row.cells.iter().find(|(name, _)| name.value == *column).and_then(|(_, cell)| cell.value.as_deref()).unwrap_or_default();
            write_row(&mut file, columns.iter().map(cell)).map_err(doing)?;
        }
        file.flush().map_err(doing)?;
        source.paths = vec![Spanned::new(path.display().to_string(), source.name.span)];
        source.format = None;
        source.options.clear();
        source.dialect = plain_dialect(source.name.span);
    }
    let project = subject.project;
    Ok(Project {
        pipeline: project.pipeline.clone(),
        path: project.path.clone(),
        schema: project.schema.clone(),
        mappings: vec![(subject.path.to_owned(), mapping)],
        documents: project.documents.clone(),
    })
}

/// Runs a case.
///
/// # Errors
/// When the environment fails or a signal comes; what the mapping does is no error.
pub fn run(subject: &Subject<'_>, case: &Case) -> Result<Ran, Error> {
    let folder = Folder::new()?;
    let project = stand_in(subject, Some(case), folder.path())?;
    let mut found = Diagnostics::default();
    let Some(mut resolved) = check::check_project(project, &function::by_name(None), &mut found) else {
        let first = found.items.first().map_or_else(String::new, |d| d.message.clone());
        return Err(Error::Bug { message: format!("a case's rows change what check says: {first}") });
    };
    if resolved.key_place().is_some() {
        resolved.give_key(Some(Key::new(KEY.to_vec())));
    }
    let out = folder.path().join("out");
    let options = Options { out: out.clone(), partitions: 1, memory: 64 << 20, force: false, show: Show::Nothing, replay: None, previous: None };
    let finished = execute::run(&resolved, None, &options, |_, _, _| Ok(Pages { html: String::new(), json: String::new() }));
    let summary = match finished {
        Ok(finished) => finished.summary,
        Err(Error::Source { message, .. }) => return Ok(Ran::Stopped(message)),
        Err(other) => return Err(other),
    };
    let site = format!("site={}", subject.mapping.site.value);
    let mut accepted = vec![];
    for table in &subject.mapping.tables {
        let fields: Vec<&str> = subject.target(table).map_or(vec![], |t| t.fields.iter().map(|f| f.name.value.as_str()).collect());
        let mut rows = vec![];
        for batch in read(&out.join("cohort").join(&table.table.value).join(&site))? {
            for row in 0..batch.num_rows() {
                rows.push(fields.iter().map(|name| got(batch.column_by_name(name), row)).collect());
            }
        }
        accepted.push(rows);
    }
    let mut quarantined = vec![];
    let rows = subject.mapping.sources.iter().map(|s| &s.name.value).chain(subject.mapping.shapes.iter().map(|s| &s.name.value));
    for name in rows {
        let mut mine = vec![];
        for batch in read(&out.join("quarantine").join(name).join(&site))? {
            mine.extend((0..batch.num_rows()).map(|row| refusal(&batch, row, name)));
        }
        mine.sort_by_key(|r| r.row);
        quarantined.extend(mine);
    }
    let shapes = &subject.mapping.shapes;
    let stages = resolved.tables.iter().flat_map(|t| &t.stages).filter(|stage| shapes.iter().any(|s| s.name.value == stage.name));
    let before = stages.flat_map(|stage| stage.checks.iter().filter(|c| c.effect != Effect::Filter).map(|c| Before { shape: stage.name.clone(), code: c.code.id.into(), field: c.field.clone(), rule: c.rule.clone() }));
    Ok(Ran::Done(Box::new(Done { accepted, quarantined, summary, before: before.collect() })))
}

/// The rows of the part files in a folder, in their order.
fn read(folder: &Path) -> Result<Vec<RecordBatch>, Error> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(vec![]) };
    let mut files: Vec<PathBuf> = entries.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "parquet")).collect();
    files.sort();
    let mut batches = vec![];
    for path in files {
        let doing = |e: &dyn std::fmt::Display| Error::environment(&format!("reading back {}", path.display()), e);
        let file = File::open(&path).map_err(|e| doing(&e))?;
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).and_then(|b| b.build()).map_err(|e| doing(&e))?;
        for batch in reader {
            batches.push(batch.map_err(|e| doing(&e))?);
        }
    }
    Ok(batches)
}

fn got(column: Option<&ArrayRef>, row: usize) -> Got {
    let Some(column) = column.filter(|c| c.is_valid(row)) else { return Got { value: Value::Missing, shown: "∅".into() } };
    let shown = array_value_to_string(column, row).unwrap_or_default();
    let value = match column.data_type() {
        DataType::Int64 => Value::Integer(column.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => Value::Number(column.as_primitive::<Float64Type>().value(row)),
        DataType::Boolean => Value::Boolean(column.as_boolean().value(row)),
        DataType::Date32 => Value::Date(column.as_primitive::<Date32Type>().value(row)),
        DataType::Timestamp(..) => column.as_primitive_opt::<TimestampMicrosecondType>().map_or_else(|| Value::Text(shown.clone()), |t| Value::Datetime(t.value(row))),
        _ => Value::Text(shown.clone()),
    };
    Got { value, shown }
}

fn refusal(batch: &RecordBatch, row: usize, source: &str) -> Refusal {
    let number = batch.column_by_name("_row").and_then(|c| c.as_primitive_opt::<Int64Type>()).map_or(0, |c| c.value(row));
    let mut reasons = vec![];
    let list = batch.column_by_name("_reasons").and_then(|c| c.as_list_opt::<i32>()).map(|l| l.value(row));
    if let Some(all) = list.as_ref().and_then(|l| l.as_struct_opt()) {
        let text = |name: &str, at: usize| all.column_by_name(name).filter(|c| c.is_valid(at)).and_then(|c| array_value_to_string(c, at).ok());
        for at in 0..all.len() {
            let part = |name: &str| text(name, at).unwrap_or_default();
            reasons.push(GotReason { code: part("code"), field: text("field", at), rule: part("rule"), is_error: part("severity") != "warning" });
        }
    }
    // The header is the file's first row.
    Refusal { source: source.to_owned(), row: number - 1, reasons }
}
