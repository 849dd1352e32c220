//! One export as delivered → rows of text with provenance.
//!
//! A [`Format`] is one way of writing an export down; [`FORMATS`] has one line each. What a format
//! gives is the same for all: the head of each file (columns, and what was guessed with the
//! evidence), an index (rows, split points), and readers of splits.

pub mod delimited;
mod dicom;
mod columnar;
mod database;
mod excel;
mod fhir;
mod files;
pub mod guard;
mod json;
mod omop;
mod options;
pub mod place;
mod quarantine;
pub mod record;
pub mod scan;
mod stat;
mod texts;
mod unpacked;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use datafusion::arrow::array::{ArrayRef, Int64Array};
use datafusion::logical_expr::{Expr, Operator, binary_expr, lit};
use serde::{Deserialize, Serialize};

use crate::config::rule::RuleCategory;
use crate::config::yaml::Node;
use crate::config::{Name, mapping};
use crate::diagnostic::{Code, Diagnostic, Span, code};
use crate::error::Error;
use crate::rule::{Check, Effect};
use crate::shape::store::Segment;
use crate::transform::derive::column;
use delimited::flag;
pub use options::dialect_is_sound;
use options::options;
use record::{Failure, Options, RecordFormat};

/// A format of exports.
pub struct Format {
    /// Names for `format:`.
    pub names: &'static [&'static str],
    /// One sentence for the reference.
    pub summary: &'static str,
    /// How its records are read; delimited text and quarantines have readers of their own.
    pub records: Option<&'static RecordFormat>,
}

impl Format {
    const fn of(format: &'static RecordFormat) -> Format {
        Format { names: format.names, summary: format.summary, records: Some(format) }
    }
}

/// Every format.
pub static FORMATS: &[Format] = &[
    Format { names: &mapping::DELIMITED, summary: "Delimited text in any encoding; `.gz` and `.zst` are unpacked as they are read.", records: None },
    Format { names: &[QUARANTINE], summary: "The refused rows of an earlier run, as `--replay` reads them.", records: None },
    Format::of(&excel::FORMAT),
    Format::of(&columnar::PARQUET),
    Format::of(&columnar::ARROW),
    Format::of(&json::NDJSON),
    Format::of(&json::JSON),
    Format::of(&omop::FORMAT),
    Format::of(&fhir::FORMAT),
    Format::of(&texts::HL7),
    Format::of(&texts::REDCAP),
    Format::of(&texts::OSIRIS),
    Format::of(&texts::FIXED_WIDTH),
    Format::of(&dicom::FORMAT),
    Format::of(&stat::SAS7BDAT),
    Format::of(&stat::XPORT),
    Format::of(&stat::SPSS),
    Format::of(&stat::STATA),
    Format::of(&database::POSTGRESQL),
    Format::of(&database::SQLITE),
];

/// The format of this name that gives records.
pub fn records_of(name: &str) -> Option<&'static RecordFormat> {
    FORMATS.iter().find(|f| f.names.contains(&name)).and_then(|f| f.records)
}

/// The format of the rows that a run refused.
pub const QUARANTINE: &str = "quarantine";

/// The head of one file.
#[derive(Debug, Clone)]
pub struct FileHead {
    pub path: PathBuf,
    /// As shown to people.
    pub shown: String,
    pub columns: Vec<String>,
    /// Names that the header has twice.
    pub duplicates: Vec<String>,
    /// What was guessed, and why.
    pub evidence: Vec<String>,
    pub bytes: u64,
    body: Body,
}

/// What a format must know to read a file behind its head.
#[derive(Debug, Clone)]
enum Body {
    Delimited(delimited::Layout),
    Quarantine,
    Records { format: &'static RecordFormat, options: Arc<Options>, stamp: files::Stamp },
}

impl FileHead {
    /// Whether it is text that was cut into cells by encoding and delimiter.
    pub fn is_delimited(&self) -> bool {
        matches!(self.body, Body::Delimited(_))
    }

    /// The encoding's name.
    pub fn encoding(&self) -> String {
        match &self.body {
            Body::Delimited(layout) => layout.dialect.encoding.label().to_owned(),
            Body::Quarantine | Body::Records { .. } => "utf-8".into(),
        }
    }

    /// What the same file read in the same way has in common; `None` where no pass is spared by knowing.
    pub fn identity(&self) -> Option<String> {
        match &self.body {
            Body::Records { format, options, .. } => Some(format!("{} {} {}", format.names.first()?, self.path.display(), serde_json::to_string(options).ok()?)),
            _ => None,
        }
    }

    /// What the format was told, with the fingerprints of files that options name; `None` where there is nothing.
    pub fn options(&self) -> Option<serde_json::Value> {
        let Body::Records { options, .. } = &self.body else { return None };
        let told = |(key, value): (&String, &serde_json::Value)| match value.as_str() {
            Some(path) if record::FILES.contains(&key.as_str()) => {
                let sha256 = files::fingerprint(Path::new(path), &AtomicBool::new(false)).ok().flatten().map(|(sha256, _)| sha256);
                (key.clone(), serde_json::json!({"path": shown(Path::new(path)), "sha256": sha256}))
            }
            _ => (key.clone(), value.clone()),
        };
        let told: Options = options.iter().filter(|(key, _)| *key != "decimal").map(told).collect();
        (!told.is_empty()).then_some(serde_json::Value::Object(told))
    }

    /// The delimiter as shown to people.
    pub fn delimiter(&self) -> String {
        match &self.body {
            Body::Delimited(layout) if layout.dialect.delimiter == b'\t' => "tab".into(),
            Body::Delimited(layout) => char::from(layout.dialect.delimiter).to_string(),
            Body::Quarantine | Body::Records { .. } => "none".into(),
        }
    }
}

/// A source that cannot be read, before its place in the mapping is known.
#[derive(Debug)]
pub struct HeadError {
    code: Code,
    message: String,
    help: Option<String>,
    /// The option that it is about.
    option: Option<String>,
}

impl HeadError {
    /// The error of a source that no mapping names.
    pub fn into_error(self) -> Error {
        let help = self.help.map_or(String::new(), |h| format!(" ({h})"));
        Error::source(self.code, format!("{}{help}", self.message))
    }

    /// The finding, at the path in the mapping, or at the option.
    pub fn at(self, span: Span, options: &[(Name, Node)]) -> Diagnostic {
        let option = self.option.as_ref().and_then(|key| options.iter().find(|(name, _)| name.value == *key));
        let diagnostic = match option {
            Some((_, node)) => Diagnostic::error(self.code, node.span, self.message).label("this option"),
            None => Diagnostic::error(self.code, span, self.message).label("this file"),
        };
        match self.help {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        }
    }
}

/// Reads the heads of what stands at a path: one file, or the files whose rows a part of a
/// quarantine holds. `base` is the mapping's folder.
///
/// # Errors
/// When the file cannot be opened, is empty, or is something else than its format.
pub fn heads(source: &mapping::Source, base: &Path, path: &Path) -> Result<Vec<FileHead>, HeadError> {
    let name = source.format.as_ref().map_or("", |f| f.value.as_str());
    if name != QUARANTINE {
        // A database is read where it is.
        let elsewhere = files::is_elsewhere(path) && !place::is_object(path);
        let locals = if elsewhere { vec![place::Local { path: path.to_owned(), shown: shown(path) }] } else { place::locals(path).map_err(|failure| of_format(failure, &shown(path)))? };
        let one = |local: place::Local| match records_of(name) {
            Some(format) => head_of_records(format, options(source, base), &local.path, local.shown),
            None => head(source, &local.path, local.shown),
        };
        return locals.into_iter().map(one).collect();
    }
    let shown = shown(path);
    let unreadable = |why: String| HeadError { code: code::UNREADABLE, message: format!("`{shown}` cannot be read: {why}"), help: None, option: None };
    let (columns, mut files) = quarantine::head(path).map_err(unreadable)?;
    let bytes = std::fs::metadata(path).map_err(|e| unreadable(e.to_string()))?.len();
    if files.is_empty() {
        files.push(shown.clone());
    }
    let head = |shown| FileHead { path: path.to_owned(), shown, columns: columns.clone(), duplicates: vec![], evidence: vec![], bytes, body: Body::Quarantine };
    Ok(files.into_iter().map(head).collect())
}

fn head_of_records(format: &'static RecordFormat, options: Options, path: &Path, shown: String) -> Result<FileHead, HeadError> {
    let stamp = files::stamp(path).map_err(|e| of_format(Failure::Unreadable(e.to_string()), &shown))?;
    let head = (format.head)(path, &options).map_err(|failure| of_format(failure, &shown))?;
    let bytes = files::bytes(path).map_err(|e| of_format(Failure::Unreadable(e.to_string()), &shown))?;
    Ok(FileHead { path: path.to_owned(), shown, columns: head.columns, duplicates: head.duplicates, evidence: head.evidence, bytes, body: Body::Records { format, options: Arc::new(options), stamp } })
}

fn of_format(failure: Failure, shown: &str) -> HeadError {
    let (code, message, help, option) = match failure {
        Failure::Unreadable(why) => (code::UNREADABLE, format!("`{shown}` cannot be read: {why}"), None, None),
        Failure::Stopped => (code::UNREADABLE, format!("`{shown}` was not read to its end"), None, None),
        Failure::Empty => (code::EMPTY_FILE, format!("`{shown}` is empty"), Some("ask the site for the file again, or take it out of `path`".to_owned()), None),
        Failure::NotThis { is, help } => (code::NOT_TEXT, format!("`{shown}` is {is}"), Some(help), None),
        Failure::Head(why) => (code::BAD_HEADER, format!("`{shown}`: {why}"), None, None),
        Failure::Option { key, message, near } => {
            let near: Vec<String> = near.iter().map(|n| format!("`{n}`")).collect();
            (code::FORMAT_OPTION, message, (!near.is_empty()).then(|| format!("there is {}", near.join(", "))), Some(key))
        }
    };
    HeadError { code, message, help, option }
}

/// Reads the head of one file: columns, dialect, evidence. No row is looked at but to guess.
///
/// # Errors
/// When the file cannot be opened, is empty, or is something else than its format.
fn head(source: &mapping::Source, path: &Path, shown: String) -> Result<FileHead, HeadError> {
    let wrong = |code, message: String, help: Option<&str>| HeadError { code, message, help: help.map(str::to_owned), option: None };
    let header = delimited::read_header(path, &declared(source)).map_err(|error| match error {
        delimited::HeaderError::Io(e) => wrong(code::UNREADABLE, format!("`{shown}` cannot be read: {e}"), None),
        delimited::HeaderError::Sniff(delimited::SniffError::Empty) => wrong(code::EMPTY_FILE, format!("`{shown}` is empty"), Some("ask the site for the file again, or take it out of `path`")),
        delimited::HeaderError::Sniff(delimited::SniffError::NotText { is, help }) => wrong(code::NOT_TEXT, format!("`{shown}` is {is}, not delimited text"), Some(help)),
        other => wrong(code::BAD_HEADER, format!("`{shown}`: {other}"), None),
    })?;
    let mut columns = header.columns.clone();
    if let (Some(names), Some(false)) = (&source.dialect.columns, source.dialect.header) {
        if names.len() != columns.len() {
            return Err(wrong(code::BAD_HEADER, format!("`{shown}` has {} columns, and `columns` names {}", columns.len(), names.len()), None));
        }
        columns = names.iter().map(|n| n.value.clone()).collect();
    }
    let duplicates = header.duplicates.iter().map(|(name, _)| name.clone()).collect();
    let said = [("encoding", source.dialect.encoding.is_some()), ("delimiter", source.dialect.delimiter.is_some()), ("line_end", source.dialect.line_end.is_some())];
    let evidence = header
        .evidence
        .iter()
        .filter(|e| !said.iter().any(|(what, declared)| *what == e.what && *declared))
        .map(|e| format!("{}: {} ({})", e.what, e.value, e.why))
        .collect();
    Ok(FileHead { path: path.to_owned(), shown, columns, duplicates, evidence, bytes: header.bytes, body: Body::Delimited(header.layout) })
}

/// A path as people write it: without `mappings/x/../..`.
fn shown(path: &Path) -> String {
    use std::path::Component;
    if let Some(url) = path.to_str().filter(|p| files::is_elsewhere(Path::new(p))) {
        return database::shown(url);
    }
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(plain.components().next_back(), Some(Component::Normal(_))) => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain.display().to_string()
}

fn declared(source: &mapping::Source) -> delimited::Declared {
    let dialect = &source.dialect;
    delimited::Declared {
        encoding: dialect.encoding.as_ref().and_then(|e| delimited::Encoding::from_label(&e.value)),
        delimiter: dialect.delimiter.as_ref().map(|d| d.value),
        quote: dialect.quote,
        escape: dialect.escape,
        comment: dialect.comment,
        line_end: dialect.line_end.map(|e| match e {
            mapping::LineEnd::Lf => delimited::LineEnd::Lf,
            mapping::LineEnd::Cr => delimited::LineEnd::Cr,
        }),
        skip_lines: (dialect.skip_lines > 0).then_some(dialect.skip_lines),
        has_header: dialect.header,
    }
}

/// What one pass over a file tells: rows, split points.
#[derive(Debug, Clone)]
pub struct FileIndex {
    pub bytes: u64,
    pub rows: u64,
    pub blank_lines: u64,
    pub comment_lines: u64,
    ranges: Vec<delimited::ByteRange>,
    /// Where its records were written down, a segment for each range.
    unpacked: Option<(PathBuf, Vec<Segment>)>,
}

/// Goes over a file once. What gives records is unpacked into the file `store`.
///
/// # Errors
/// When it cannot be read, or was changed since its head was read.
pub fn index(head: &FileHead, target: u64, store: PathBuf, progress: &mut dyn FnMut(u64), cancel: &AtomicBool) -> Result<FileIndex, Error> {
    if let Body::Records { format, options, stamp } = &head.body {
        let changed = || files::stamp(&head.path).map_or(true, |now| now != *stamp);
        let done = unpacked::unpack(format, &head.path, &head.columns, options, store, progress, cancel).map_err(|failure| match failure {
            Failure::Stopped => Error::Interrupted { signal: 2 },
            _ if changed() => Error::source(code::CHANGED, format!("`{}` changed while it was read", head.shown)),
            other => {
                let error = of_format(other, &head.shown);
                Error::source(error.code, error.message)
            }
        })?;
        if changed() {
            return Err(Error::source(code::CHANGED, format!("`{}` changed while it was read", head.shown)));
        }
        let (ranges, segments) = done.segments.into_iter().unzip();
        return Ok(FileIndex { bytes: head.bytes, rows: done.rows, blank_lines: 0, comment_lines: 0, ranges, unpacked: Some((done.store, segments)) });
    }
    let Body::Delimited(layout) = &head.body else {
        let (rows, first_row) = quarantine::index(&head.path, &head.shown).map_err(|e| Error::source(code::UNREADABLE, format!("the quarantine of `{}`: {e}", head.shown)))?;
        let all = delimited::ByteRange { start: 0, end: head.bytes, first_row, rows };
        return Ok(FileIndex { bytes: head.bytes, rows, blank_lines: 0, comment_lines: 0, ranges: if rows == 0 { vec![] } else { vec![all] }, unpacked: None });
    };
    let index = delimited::index_file(&head.path, layout, target, progress, cancel).map_err(|e| match e {
        delimited::IndexError::Cancelled => Error::Interrupted { signal: 2 },
        delimited::IndexError::Changed => Error::source(code::CHANGED, format!("`{}`: {e}", head.shown)),
        other => Error::source(code::UNREADABLE, format!("`{}`: {other}", head.shown)),
    })?;
    Ok(FileIndex { bytes: index.bytes, rows: index.rows, blank_lines: index.blank_lines, comment_lines: index.comment_lines, ranges: index.ranges, unpacked: None })
}

/// SHA-256 of a file, in hexadecimal digits, and its bytes. It needs every byte in order, so it is taken beside the
/// work and not before it.
///
/// # Errors
/// When the file cannot be read.
pub fn fingerprint(head: &FileHead, cancel: &AtomicBool) -> Result<(String, u64), Error> {
    match files::fingerprint(&head.path, cancel) {
        Ok(Some(taken)) => Ok(taken),
        Ok(None) => Err(Error::Interrupted { signal: 2 }),
        Err(e) => Err(Error::source(code::UNREADABLE, format!("`{}`: {e}", head.shown))),
    }
}

/// A part of a source that one reader reads: a plain value, so that it can travel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Split {
    pub path: PathBuf,
    /// As shown to people.
    shown: String,
    /// Place of the file in the source.
    pub file: u32,
    range: delimited::ByteRange,
    body: SplitBody,
}

/// What a format must know to read a split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum SplitBody {
    Delimited {
        dialect: delimited::Dialect,
        /// Columns of the file's header.
        width: usize,
        /// For each column of the source its place in the file.
        columns: Vec<Option<usize>>,
    },
    Quarantine {
        /// The file whose rows are wanted.
        of: String,
        columns: Vec<String>,
    },
    Unpacked(unpacked::Place),
}

impl Split {
    /// Bytes to read.
    pub fn bytes(&self) -> u64 {
        self.range.end.saturating_sub(self.range.start)
    }
}

/// The splits of a source's files, in order.
pub fn splits(files: &[FileHead], indexes: &[FileIndex], columns: &[String]) -> Vec<Split> {
    files
        .iter()
        .zip(indexes)
        .enumerate()
        .flat_map(|(file, (head, index))| {
            let places: Vec<Option<usize>> = columns.iter().map(|c| head.columns.iter().position(|h| h == c)).collect();
            let body = move |at: usize| match (&head.body, &index.unpacked) {
                (Body::Delimited(layout), _) => Some(SplitBody::Delimited { dialect: layout.dialect.clone(), width: layout.width, columns: places.clone() }),
                (Body::Records { .. }, Some((store, segments))) => {
                    Some(SplitBody::Unpacked(unpacked::Place { store: store.clone(), segment: *segments.get(at)?, columns: head.columns.clone(), wanted: columns.to_vec() }))
                }
                (Body::Quarantine | Body::Records { .. }, _) => Some(SplitBody::Quarantine { of: head.shown.clone(), columns: columns.to_vec() }),
            };
            index.ranges.iter().enumerate().filter_map(move |(at, range)| Some(Split { path: head.path.clone(), shown: head.shown.clone(), file: u32::try_from(file).unwrap_or(u32::MAX), range: *range, body: body(at)? }))
        })
        .collect()
}

/// Gives each of `partitions` a contiguous share of the splits, of about equal bytes, so that the
/// partitions' rows in a row are the source's rows in order.
pub fn deal(splits: Vec<Split>, partitions: usize) -> Vec<Vec<Split>> {
    let total: u64 = splits.iter().map(Split::bytes).sum();
    let mut dealt = vec![vec![]; partitions.max(1)];
    let mut before = 0u64;
    for split in splits {
        let middle = u128::from(before) + u128::from(split.bytes() / 2);
        before = before.saturating_add(split.bytes());
        let at = if total == 0 { 0 } else { (middle * dealt.len() as u128 / u128::from(total)) as usize };
        let at = at.min(dealt.len() - 1);
        if let Some(share) = dealt.get_mut(at) {
            share.push(split);
        }
    }
    dealt
}

/// Rows of a split as Arrow columns.
pub struct Rows {
    pub columns: Vec<ArrayRef>,
    pub row: Int64Array,
    pub byte: Int64Array,
    pub flags: Int64Array,
    pub raw: ArrayRef,
}

/// A split that cannot be read to its end.
pub struct SplitError(Error);

impl SplitError {
    /// Carries the error through DataFusion's operators.
    pub fn into_datafusion(self) -> datafusion::common::DataFusionError {
        self.0.into_datafusion()
    }

    pub fn into_error(self) -> Error {
        self.0
    }
}

/// Reads a split batch by batch.
pub struct SplitReader {
    inner: Inner,
    shown: String,
}

enum Inner {
    Delimited(Box<delimited::RangeReader>),
    Quarantine(quarantine::Reader),
    Unpacked(unpacked::Reader),
}

impl SplitReader {
    /// Opens a split; batches have at most `batch_rows` rows.
    ///
    /// # Errors
    /// When the file is gone, or not what it was when it was indexed.
    pub fn open(split: &Split, batch_rows: usize) -> Result<Self, SplitError> {
        let shown = split.shown.clone();
        let inner = match &split.body {
            SplitBody::Delimited { dialect, width, columns } => {
                let reader = delimited::RangeReader::open(&split.path, dialect, split.range, columns, *width, batch_rows);
                Inner::Delimited(Box::new(reader.map_err(|e| failed(&shown, &e))?))
            }
            SplitBody::Quarantine { of, columns } => Inner::Quarantine(quarantine::Reader::open(&split.path, of, columns, batch_rows).map_err(|e| unreadable(&shown, &e))?),
            SplitBody::Unpacked(place) => Inner::Unpacked(unpacked::Reader::open(place, batch_rows).map_err(|e| unreadable(&shown, &e))?),
        };
        Ok(SplitReader { inner, shown })
    }
}

fn failed(shown: &str, error: &delimited::ReadError) -> SplitError {
    let code = if matches!(error, delimited::ReadError::Changed(_)) { code::CHANGED } else { code::UNREADABLE };
    SplitError(Error::source(code, format!("`{shown}`: {error}")))
}

fn unreadable(shown: &str, why: &str) -> SplitError {
    SplitError(Error::source(code::UNREADABLE, format!("`{shown}`: {why}")))
}

impl Iterator for SplitReader {
    type Item = Result<Rows, SplitError>;

    fn next(&mut self) -> Option<Self::Item> {
        let number = |values: Vec<u64>| Int64Array::from_iter_values(values.into_iter().map(|v| i64::try_from(v).unwrap_or(i64::MAX)));
        let reader = match &mut self.inner {
            Inner::Delimited(reader) => reader,
            Inner::Quarantine(reader) => return Some(reader.next()?.map_err(|e| unreadable(&self.shown, &e))),
            Inner::Unpacked(reader) => return reader.next().map(Ok),
        };
        Some(match reader.next()? {
            Ok(rows) => Ok(Rows {
                columns: rows.columns.into_iter().map(|c| Arc::new(c) as ArrayRef).collect(),
                row: number(rows.row),
                byte: number(rows.byte),
                flags: Int64Array::from_iter_values(rows.flags.into_iter().map(i64::from)),
                raw: Arc::new(rows.raw),
            }),
            Err(error) => Err(failed(&self.shown, &error)),
        })
    }
}

/// What can be wrong with a row as such: bit of its flags, code, rule.
const DAMAGE: [(u16, Code, &str); 7] = [
    (flag::TOO_FEW_CELLS, code::TOO_FEW_CELLS, "too_few_cells"),
    (flag::TOO_MANY_CELLS, code::TOO_MANY_CELLS, "too_many_cells"),
    (flag::INVALID_BYTES, code::INVALID_BYTES, "invalid_bytes"),
    (flag::NUL_BYTE, code::NUL_BYTE, "nul_byte"),
    (flag::UNTERMINATED_QUOTE, code::UNTERMINATED_QUOTE, "unterminated_quote"),
    (flag::MALFORMED_QUOTE, code::MALFORMED_QUOTE, "malformed_quote"),
    (unpacked::UNREADABLE_RECORD, code::UNREADABLE_RECORD, "unreadable_record"),
];

/// A check for each kind of damage that rows of a format can have, always of effect quarantine.
pub fn row_checks(format: &str) -> Vec<Check> {
    let of_records = |bit: u16| bit == unpacked::UNREADABLE_RECORD;
    let can_have = |bit: u16| format == QUARANTINE || of_records(bit) == records_of(format).is_some();
    DAMAGE
        .into_iter()
        .filter(|(bit, ..)| can_have(*bit))
        .map(|(bit, code, rule)| Check {
            code,
            rule: rule.to_owned(),
            field: None,
            column: None,
            category: RuleCategory::Conformance,
            effect: Effect::Quarantine,
            violated: bit_is_set(i64::from(bit)),
            raw: None,
            expression: None,
            description: Default::default(),
            threshold: None,
            of_accepted: false,
        })
        .collect()
}

fn bit_is_set(bit: i64) -> Expr {
    binary_expr(column("_flags"), Operator::BitwiseAnd, lit(bit)).not_eq(lit(0i64))
}

/// The partition whose splits hold a row of a file.
pub fn partition_of(dealt: &[Vec<Split>], file: u32, row: u64) -> Option<usize> {
    let holders = dealt.iter().enumerate().flat_map(|(p, splits)| splits.iter().map(move |s| (p, s)));
    holders.rev().find(|(_, s)| s.file == file && s.range.first_row <= row).map(|(p, _)| p)
}
