//! Reading one range of a file as batches of rows.
//!
//! A range is independent of all others: it begins and ends at the start of a record, so any number
//! of them can be read at once, on any machine that sees the file. That the file is still the one
//! that was indexed is checked as far as it costs nothing: its length, its time of change, the byte
//! before the range and the number of rows in it.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::{error, fmt};

use super::batch::{Batch, Block, PAD, Record, Rows};
use super::dialect::{Dialect, SniffError};
use super::encoding::Codec;
use super::index::{ByteRange, RECORD_LIMIT, Tuning};
use super::record::{Splitter, Step};
use super::scan::Marks;
use super::stream;

/// Why reading stopped.
#[derive(Debug)]
pub enum ReadError {
    /// The file cannot be read or unpacked.
    Io(io::Error),
    /// The file is not the one that was indexed; how that shows.
    Changed(&'static str),
    /// A record is longer than can be held; its row number.
    RecordTooLong(u64),
    /// The dialect's characters contradict each other.
    Dialect(SniffError),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Changed(how) => write!(f, "the file changed since the run began: {how}"),
            Self::RecordTooLong(row) => {
                write!(f, "row {row} is longer than {RECORD_LIMIT} bytes: is `line_end` or `quote` right?")
            }
            Self::Dialect(error) => error.fmt(f),
        }
    }
}

impl error::Error for ReadError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Dialect(error) => Some(error),
            Self::Changed(_) | Self::RecordTooLong(_) => None,
        }
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The rows of one range, batch by batch.
pub struct RangeReader {
    source: stream::Source<'static>,
    /// The file again, to see whether it was touched meanwhile.
    file: File,
    opened: Metadata,
    codec: Codec,
    splitter: Splitter,
    marks: Marks,
    /// Bytes of the range not yet in a block.
    remaining: u64,
    block: Option<Block>,
    /// Position of the next line in the block.
    at: usize,
    /// Position of the next line in the file, as `Rows::byte` counts.
    byte: u64,
    utf16: bool,
    row: u64,
    rows_left: u64,
    batch: Batch,
    block_size: usize,
    /// A block that may be used again once no batch holds on to it.
    spare: Option<Block>,
    done: bool,
}

impl RangeReader {
    /// Opens `range` of the file at `path`.
    ///
    /// `columns`: for each wanted column its position in this file, `None` where the file lacks it.
    /// `width`: the number of columns of the file's header. `batch_rows`: most rows of a batch.
    pub fn open(
        path: &Path,
        dialect: &Dialect,
        range: ByteRange,
        columns: &[Option<usize>],
        width: usize,
        batch_rows: usize,
    ) -> Result<Self, ReadError> {
        Self::open_with(path, dialect, range, columns, width, batch_rows, Tuning::default())
    }

    /// [`RangeReader::open`] with sizes of one's own.
    pub fn open_with(
        path: &Path,
        dialect: &Dialect,
        range: ByteRange,
        columns: &[Option<usize>],
        width: usize,
        batch_rows: usize,
        tuning: Tuning,
    ) -> Result<Self, ReadError> {
        dialect.check().map_err(ReadError::Dialect)?;
        let file = File::open(path)?;
        let opened = file.metadata()?;
        let utf16 = dialect.encoding.is_utf16();
        let mut byte = range.start;
        let source: stream::Source<'static> = if dialect.splittable() {
            if opened.len() < range.end {
                return Err(ReadError::Changed("it is shorter"));
            }
            let mut file = file.try_clone()?;
            if let Some(before) = range.start.checked_sub(1) {
                file.seek(SeekFrom::Start(before))?;
                let mut last = [0];
                file.read_exact(&mut last)?;
                // A file may begin with its mark; all other ranges begin behind a line end.
                if range.start != dialect.bom_bytes as u64 && !matches!(last[0], b'\n' | b'\r') {
                    return Err(ReadError::Changed("a record no longer begins where it did"));
                }
            }
            Box::new(file)
        } else {
            let mut source = stream::decoded(file.try_clone()?, dialect)?;
            byte = skip(&mut source, range.start, utf16, dialect.bom_bytes)?;
            source
        };
        let splitter = Splitter::new(dialect, width, tuning.max_record);
        Ok(Self {
            source,
            file,
            opened,
            codec: dialect.encoding.codec(),
            marks: Marks::default(),
            splitter,
            remaining: range.end.saturating_sub(range.start),
            block: None,
            at: 0,
            byte,
            utf16,
            row: range.first_row,
            rows_left: range.rows,
            batch: Batch::new(columns, width, batch_rows.max(1)),
            block_size: tuning.block.max(64),
            spare: None,
            done: false,
        })
    }

    /// Replaces the block by one that holds what is left of it and more; false when nothing follows.
    fn refill(&mut self) -> Result<bool, ReadError> {
        let old = self.block.take();
        let tail = old.as_ref().and_then(|block| block.data().get(self.at..)).unwrap_or_default();
        if self.remaining == 0 {
            // The last line was asked for with the end in sight, so there is no tail.
            self.block = old;
            return Ok(false);
        }
        if tail.len() > RECORD_LIMIT {
            return Err(ReadError::RecordTooLong(self.row));
        }
        let room = (self.block_size.max(tail.len() * 2) - tail.len()) as u64;
        let read = usize::try_from(room.min(self.remaining)).unwrap_or(self.block_size);
        let mut bytes = match self.spare.take().map(|spare| spare.buffer.into_vec::<u8>()) {
            Some(Ok(used)) => used,
            _ => Vec::new(),
        };
        bytes.resize(tail.len() + read + PAD, 0);
        bytes[..tail.len()].copy_from_slice(tail);
        let end = tail.len() + read;
        let filled = stream::fill(&mut self.source, &mut bytes[tail.len()..end])?;
        if filled < read {
            return Err(ReadError::Changed("it is shorter"));
        }
        bytes[end..].fill(0);
        self.spare = old;
        self.remaining -= read as u64;
        let block = Block::new(bytes, &self.codec);
        self.at = 0;
        self.marks = self.splitter.marks::<true>(block.data(), 0);
        self.batch.enter(&block);
        self.block = Some(block);
        Ok(true)
    }

    /// Adds rows to the batch until it is full or the block used up; false when it is used up.
    fn split(&mut self) -> bool {
        let Some(block) = &self.block else { return false };
        let (data, eof) = (block.data(), self.remaining == 0);
        let mut more = true;
        while more && !self.batch.is_full() {
            let start = self.at;
            let cells = self.batch.cells.len();
            let next = match self.splitter.step::<true>(data, start, eof, &mut self.marks, &mut self.batch.cells) {
                Step::Record { end, next, flags } => {
                    let record = Record { cells, start, end, row: self.row, byte: self.byte, flags };
                    self.batch.push(&record, block, &self.codec, &self.splitter);
                    self.rows_left = self.rows_left.wrapping_sub(1);
                    next
                }
                Step::Blank { next } | Step::Comment { next } => next,
                Step::More | Step::End => {
                    more = false;
                    continue;
                }
            };
            self.byte += if self.utf16 { stream::utf16_bytes(&data[start..next]) } else { (next - start) as u64 };
            self.row += 1;
            self.at = next;
        }
        self.batch.flush(block, &self.codec);
        more
    }

    fn batch(&mut self) -> Result<Option<Rows>, ReadError> {
        while !self.split() {
            if !self.refill()? {
                self.done = true;
                self.check_unchanged()?;
                break;
            }
        }
        if self.batch.is_empty() {
            return Ok(None);
        }
        let block = self.block.as_ref().filter(|block| self.at < block.len);
        Ok(Some(self.batch.finish(block)))
    }

    fn check_unchanged(&self) -> Result<(), ReadError> {
        let now = self.file.metadata()?;
        if now.len() != self.opened.len() || now.modified().ok() != self.opened.modified().ok() {
            return Err(ReadError::Changed("it was written to while it was read"));
        }
        if self.rows_left != 0 {
            return Err(ReadError::Changed("it has another number of rows"));
        }
        Ok(())
    }
}

impl Iterator for RangeReader {
    type Item = Result<Rows, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let batch = self.batch();
        self.done |= batch.is_err();
        batch.transpose()
    }
}

/// Passes over the first `bytes` of a decoded stream; the position reached, as `Rows::byte` counts.
fn skip(source: &mut dyn Read, bytes: u64, utf16: bool, bom_bytes: usize) -> Result<u64, ReadError> {
    let mut byte = if utf16 { bom_bytes as u64 } else { 0 };
    let (mut left, mut buf) = (bytes, vec![0; 64 << 10]);
    while left > 0 {
        let want = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
        let n = stream::fill(source, &mut buf[..want])?;
        if n < want {
            return Err(ReadError::Changed("it is shorter"));
        }
        byte += if utf16 { stream::utf16_bytes(&buf[..n]) } else { n as u64 };
        left -= n as u64;
    }
    Ok(byte)
}
