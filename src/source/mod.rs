//! One export as delivered → rows of text with provenance.
//!
//! A [`Format`] is one way of writing an export down; [`FORMATS`] has one line each. What a format
//! gives is the same for all: the head of each file (columns, and what was guessed with the
//! evidence), an index (rows, split points), and readers of splits.

pub mod delimited;
mod quarantine;
pub mod scan;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datafusion::arrow::array::{ArrayRef, Int64Array};
use datafusion::logical_expr::{Expr, Operator, binary_expr, lit};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::config::mapping;
use crate::config::schema::RuleCategory;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Span, code};
use crate::error::Error;
use crate::rule::{Check, Effect};
use crate::transform::derive::column;
use delimited::flag;

/// A format of exports.
pub struct Format {
    /// Names for `format:`.
    pub names: &'static [&'static str],
    /// One sentence for the reference.
    pub summary: &'static str,
}

/// Every format.
pub static FORMATS: &[Format] = &[
    Format { names: &["csv", "tsv", "delimited"], summary: "Delimited text in any encoding; `.gz` and `.zst` are unpacked as they are read." },
    Format { names: &[QUARANTINE], summary: "The refused rows of an earlier run, as `--replay` reads them." },
];

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
}

impl FileHead {
    /// The encoding's name.
    pub fn encoding(&self) -> String {
        match &self.body {
            Body::Delimited(layout) => layout.dialect.encoding.label().to_owned(),
            Body::Quarantine => "utf-8".into(),
        }
    }

    /// The delimiter as shown to people.
    pub fn delimiter(&self) -> String {
        match &self.body {
            Body::Delimited(layout) if layout.dialect.delimiter == b'\t' => "tab".into(),
            Body::Delimited(layout) => char::from(layout.dialect.delimiter).to_string(),
            Body::Quarantine => "none".into(),
        }
    }
}

/// A source that cannot be read, before its place in the mapping is known.
#[derive(Debug)]
pub struct HeadError {
    code: Code,
    message: String,
    help: Option<String>,
}

impl HeadError {
    /// The finding, at the path in the mapping.
    pub fn at(self, span: Span) -> Diagnostic {
        let diagnostic = Diagnostic::error(self.code, span, self.message).label("this file");
        match self.help {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        }
    }
}

/// Reports what a source says of its dialect that cannot be.
pub fn dialect_is_sound(source: &mapping::Source, found: &mut Diagnostics) -> bool {
    let before = found.items.len();
    if let Some(format) = &source.format {
        let names: Vec<&str> = FORMATS.iter().flat_map(|f| f.names).copied().collect();
        if !names.contains(&format.value.as_str()) {
            found.push(Diagnostic::error(code::UNKNOWN_CHOICE, format.span, format!("there is no format `{}`", format.value)).label("not a format").suggest(&format.value, names));
        }
    }
    if let Some(label) = &source.dialect.encoding
        && delimited::Encoding::from_label(&label.value).is_none()
    {
        found.push(
            Diagnostic::error(code::UNKNOWN_ENCODING, label.span, format!("there is no encoding `{}`", label.value))
                .label("not an encoding")
                .suggest(&label.value, ["utf-8", "utf-16le", "utf-16be", "windows-1252", "iso-8859-1", "iso-8859-15", "macintosh"]),
        );
    }
    if source.dialect.header == Some(false) && source.dialect.columns.is_none() {
        found.push(Diagnostic::error(code::MISSING_KEY, source.name.span, format!("the source `{}` has no `columns`", source.name.value)).label("without a header, `columns: [a, b, c]` names them"));
    }
    found.items.len() == before
}

/// Reads the heads of what stands at a path: one file, or the files whose rows a part of a
/// quarantine holds.
///
/// # Errors
/// As [`head`].
pub fn heads(source: &mapping::Source, path: &Path) -> Result<Vec<FileHead>, HeadError> {
    if source.format.as_ref().is_none_or(|f| f.value != QUARANTINE) {
        return Ok(vec![head(source, path)?]);
    }
    let shown = shown(path);
    let unreadable = |why: String| HeadError { code: code::UNREADABLE, message: format!("`{shown}` cannot be read: {why}"), help: None };
    let (columns, mut files) = quarantine::head(path).map_err(unreadable)?;
    let bytes = std::fs::metadata(path).map_err(|e| unreadable(e.to_string()))?.len();
    if files.is_empty() {
        files.push(shown.clone());
    }
    let head = |shown| FileHead { path: path.to_owned(), shown, columns: columns.clone(), duplicates: vec![], evidence: vec![], bytes, body: Body::Quarantine };
    Ok(files.into_iter().map(head).collect())
}

/// Reads the head of one file: columns, dialect, evidence. No row is looked at but to guess.
///
/// # Errors
/// When the file cannot be opened, is empty, or is something else than its format.
pub fn head(source: &mapping::Source, path: &Path) -> Result<FileHead, HeadError> {
    let shown = shown(path);
    let wrong = |code, message: String, help: Option<&str>| HeadError { code, message, help: help.map(str::to_owned) };
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
}

/// Goes over a file once.
///
/// # Errors
/// When it cannot be read, or was changed since its head was read.
pub fn index(head: &FileHead, target: u64, progress: &mut dyn FnMut(u64), cancel: &AtomicBool) -> Result<FileIndex, Error> {
    let Body::Delimited(layout) = &head.body else {
        let (rows, first_row) = quarantine::index(&head.path, &head.shown).map_err(|e| Error::source(code::UNREADABLE, format!("the quarantine of `{}`: {e}", head.shown)))?;
        let all = delimited::ByteRange { start: 0, end: head.bytes, first_row, rows };
        return Ok(FileIndex { bytes: head.bytes, rows, blank_lines: 0, comment_lines: 0, ranges: if rows == 0 { vec![] } else { vec![all] } });
    };
    let index = delimited::index_file(&head.path, layout, target, progress, cancel).map_err(|e| match e {
        delimited::IndexError::Cancelled => Error::Interrupted { signal: 2 },
        delimited::IndexError::Changed => Error::source(code::CHANGED, format!("`{}`: {e}", head.shown)),
        other => Error::source(code::UNREADABLE, format!("`{}`: {other}", head.shown)),
    })?;
    Ok(FileIndex { bytes: index.bytes, rows: index.rows, blank_lines: index.blank_lines, comment_lines: index.comment_lines, ranges: index.ranges })
}

/// SHA-256 of a file, in hexadecimal digits, and its bytes. It needs every byte in order, so it is taken beside the
/// work and not before it.
///
/// # Errors
/// When the file cannot be read.
pub fn fingerprint(head: &FileHead, cancel: &AtomicBool) -> Result<(String, u64), Error> {
    let unreadable = |e: std::io::Error| Error::source(code::UNREADABLE, format!("`{}`: {e}", head.shown));
    let mut file = File::open(&head.path).map_err(unreadable)?;
    let (mut hash, mut block, mut bytes) = (Sha256::new(), vec![0; 1 << 20], 0);
    loop {
        if cancel.load(Ordering::Relaxed) {
            return Err(Error::Interrupted { signal: 2 });
        }
        match file.read(&mut block).map_err(unreadable)? {
            0 => break,
            n => {
                hash.update(block.get(..n).unwrap_or_default());
                bytes += n as u64;
            }
        }
    }
    Ok((hash.finalize().iter().map(|b| format!("{b:02x}")).collect(), bytes))
}

/// A part of a source that one reader reads: a plain value, so that it can travel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Split {
    pub path: PathBuf,
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
            let body = match &head.body {
                Body::Delimited(layout) => SplitBody::Delimited { dialect: layout.dialect.clone(), width: layout.width, columns: places },
                Body::Quarantine => SplitBody::Quarantine { of: head.shown.clone(), columns: columns.to_vec() },
            };
            index.ranges.iter().map(move |range| Split { path: head.path.clone(), file: u32::try_from(file).unwrap_or(u32::MAX), range: *range, body: body.clone() })
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
}

/// Reads a split batch by batch.
pub struct SplitReader {
    inner: Inner,
    shown: String,
}

enum Inner {
    Delimited(Box<delimited::RangeReader>),
    Quarantine(quarantine::Reader),
}

impl SplitReader {
    /// Opens a split; batches have at most `batch_rows` rows.
    ///
    /// # Errors
    /// When the file is gone, or not what it was when it was indexed.
    pub fn open(split: &Split, _width: usize, batch_rows: usize) -> Result<Self, SplitError> {
        let shown = shown(&split.path);
        let inner = match &split.body {
            SplitBody::Delimited { dialect, width, columns } => {
                let reader = delimited::RangeReader::open(&split.path, dialect, split.range, columns, *width, batch_rows);
                Inner::Delimited(Box::new(reader.map_err(|e| failed(&shown, &e))?))
            }
            SplitBody::Quarantine { of, columns } => Inner::Quarantine(quarantine::Reader::open(&split.path, of, columns, batch_rows).map_err(|e| unreadable(&shown, &e))?),
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
const DAMAGE: [(u16, Code, &str); 6] = [
    (flag::TOO_FEW_CELLS, code::TOO_FEW_CELLS, "too_few_cells"),
    (flag::TOO_MANY_CELLS, code::TOO_MANY_CELLS, "too_many_cells"),
    (flag::INVALID_BYTES, code::INVALID_BYTES, "invalid_bytes"),
    (flag::NUL_BYTE, code::NUL_BYTE, "nul_byte"),
    (flag::UNTERMINATED_QUOTE, code::UNTERMINATED_QUOTE, "unterminated_quote"),
    (flag::MALFORMED_QUOTE, code::MALFORMED_QUOTE, "malformed_quote"),
];

/// A check for each kind of damage, always of effect quarantine.
pub fn row_checks() -> Vec<Check> {
    DAMAGE
        .into_iter()
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
