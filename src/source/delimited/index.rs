//! One pass over a whole file before it is read: its rows, and where to cut it.
//!
//! A cut is only safe at the start of a record, and whether a line end is one depends on every quote
//! before it. So the file is gone through once, in order, by the same splitter as the reader uses,
//! without looking at cells.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::{error, fmt};

use serde::{Deserialize, Serialize};

use super::header::Layout;
use super::record::{Cells, MAX_RECORD, Splitter, Step};
use super::stream;

/// Bytes that the pass looks at together: what is read and split stays in the second-level cache.
const PASS_BLOCK: usize = 128 << 10;

/// A record longer than this is refused: positions in it would not fit an Arrow view.
pub(super) const RECORD_LIMIT: usize = 512 << 20;

/// Sizes that only tests have reason to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// Bytes read at a time.
    pub block: usize,
    /// Bytes within which a quoted cell must close. Index and reader must agree on it.
    pub max_record: usize,
}

impl Default for Tuning {
    fn default() -> Self {
        Self { block: 1 << 20, max_record: MAX_RECORD }
    }
}

/// A part of a file that begins and ends at the start of a record (or at the end of the file).
///
/// Positions count the bytes that are split: those on disk; where the file is compressed or in an
/// encoding that is not ASCII compatible, the unpacked ones, decoded to UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByteRange {
    /// Position of the first byte.
    pub start: u64,
    /// Position behind the last byte.
    pub end: u64,
    /// Row number of the first line.
    pub first_row: u64,
    /// Number of records.
    pub rows: u64,
}

/// What one pass over a file tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileIndex {
    /// Number of bytes on disk.
    pub bytes: u64,
    /// Number of records behind the header.
    pub rows: u64,
    /// Lines behind the header that were skipped because they are blank.
    pub blank_lines: u64,
    /// Lines behind the header that were skipped because they are comments.
    pub comment_lines: u64,
    /// The parts; together all records, in order. None when there is no record.
    pub ranges: Vec<ByteRange>,
}

/// Why a file could not be indexed.
#[derive(Debug)]
pub enum IndexError {
    /// It cannot be read or unpacked.
    Io(io::Error),
    /// The caller's flag was set.
    Cancelled,
    /// It is shorter than when its header was read.
    Changed,
    /// A record is longer than can be held; its row number.
    RecordTooLong(u64),
}

impl fmt::Display for IndexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Cancelled => f.write_str("cancelled"),
            Self::Changed => f.write_str("the file changed while it was read"),
            Self::RecordTooLong(row) => {
                write!(f, "row {row} is longer than {RECORD_LIMIT} bytes: is `line_end` or `quote` right?")
            }
        }
    }
}

impl error::Error for IndexError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for IndexError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Goes over the file at `path` and cuts it into ranges of about `target` bytes.
///
/// `progress` hears the number of bytes on disk done so far; `cancel` ends the pass early.
pub fn index_file(
    path: &Path,
    layout: &Layout,
    target: u64,
    progress: &mut dyn FnMut(u64),
    cancel: &AtomicBool,
) -> Result<FileIndex, IndexError> {
    index_with(path, layout, target, progress, cancel, Tuning::default())
}

/// [`index_file`] with sizes of one's own.
pub fn index_with(
    path: &Path,
    layout: &Layout,
    target: u64,
    progress: &mut dyn FnMut(u64),
    cancel: &AtomicBool,
    tuning: Tuning,
) -> Result<FileIndex, IndexError> {
    let done = AtomicU64::new(0);
    let mut counting = Counting { file: File::open(path)?, done: &done };
    let ranges = ranges(&mut counting, layout, target, progress, cancel, tuning)?;
    // What lies behind the last compressed frame belongs to the file on disk.
    io::copy(&mut counting, &mut io::sink())?;
    let bytes = done.load(Ordering::Relaxed);
    progress(bytes);
    Ok(ranges.into_index(bytes))
}

fn ranges(
    counting: &mut Counting<'_>,
    layout: &Layout,
    target: u64,
    progress: &mut dyn FnMut(u64),
    cancel: &AtomicBool,
    tuning: Tuning,
) -> Result<Ranges, IndexError> {
    let done = counting.done;
    let target = if layout.dialect.splittable() { target.max(1) } else { u64::MAX };
    let mut ranges = Ranges::new(layout, target);
    let mut source = stream::decoded(counting, &layout.dialect)?;
    let skipped = io::copy(&mut (&mut source).take(layout.data_start), &mut io::sink())?;
    if skipped < layout.data_start {
        return Err(IndexError::Changed);
    }
    let mut buf = vec![0; tuning.block.clamp(64, PASS_BLOCK)];
    let (mut kept, mut eof) = (0, false);
    while !eof {
        if cancel.load(Ordering::Relaxed) {
            return Err(IndexError::Cancelled);
        }
        // A record that fills half the buffer needs a larger one; doubling keeps the work linear.
        if kept * 2 > buf.len() {
            if kept > RECORD_LIMIT {
                return Err(IndexError::RecordTooLong(ranges.row));
            }
            buf.resize(buf.len() * 2, 0);
        }
        let read = stream::fill(&mut source, &mut buf[kept..])?;
        let filled = kept + read;
        eof = filled < buf.len();
        let used = ranges.take(&buf[..filled], eof, layout, tuning.max_record);
        buf.copy_within(used..filled, 0);
        kept = filled - used;
        progress(done.load(Ordering::Relaxed));
    }
    Ok(ranges)
}

/// Counts the bytes that are read through it.
struct Counting<'a> {
    file: File,
    done: &'a AtomicU64,
}

impl Read for Counting<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buf)?;
        self.done.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// The counts and cuts so far.
struct Ranges {
    target: u64,
    /// Position and row number of the next line.
    at: u64,
    row: u64,
    blank_lines: u64,
    comment_lines: u64,
    rows: u64,
    open: Option<ByteRange>,
    closed: Vec<ByteRange>,
}

impl Ranges {
    fn new(layout: &Layout, target: u64) -> Self {
        Self {
            target,
            at: layout.data_start,
            row: layout.first_row,
            blank_lines: 0,
            comment_lines: 0,
            rows: 0,
            open: None,
            closed: Vec::new(),
        }
    }

    /// Takes in the whole records of `buf`; the number of bytes they have.
    fn take(&mut self, buf: &[u8], eof: bool, layout: &Layout, max_record: usize) -> usize {
        let splitter = Splitter::new(&layout.dialect, layout.width, max_record);
        let (mut marks, mut cells) = (splitter.marks::<false>(buf, 0), Cells::default());
        let mut at = 0;
        loop {
            let next = match splitter.step::<false>(buf, at, eof, &mut marks, &mut cells) {
                Step::Record { next, .. } => {
                    self.record();
                    next
                }
                Step::Blank { next } => {
                    self.blank_lines += 1;
                    next
                }
                Step::Comment { next } => {
                    self.comment_lines += 1;
                    next
                }
                Step::More | Step::End => return at,
            };
            self.at += (next - at) as u64;
            self.row += 1;
            at = next;
        }
    }

    /// A record begins at `at`.
    #[inline(always)]
    fn record(&mut self) {
        self.rows += 1;
        match &mut self.open {
            Some(range) if self.at - range.start < self.target => range.rows += 1,
            open => {
                let next = ByteRange { start: self.at, end: self.at, first_row: self.row, rows: 1 };
                if let Some(mut range) = open.replace(next) {
                    range.end = self.at;
                    self.closed.push(range);
                }
            }
        }
    }

    fn into_index(mut self, bytes: u64) -> FileIndex {
        if let Some(mut range) = self.open {
            range.end = self.at;
            self.closed.push(range);
        }
        FileIndex {
            bytes,
            rows: self.rows,
            blank_lines: self.blank_lines,
            comment_lines: self.comment_lines,
            ranges: self.closed,
        }
    }
}
