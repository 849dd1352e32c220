//! The records of a file, unpacked once: what index and reader share of every format that gives records.
//!
//! The index pass goes through the file and writes its records down as text columns, in segments that are
//! read in parallel afterwards: formats need no split points of their own, a file is parsed once however many
//! steps read it, and rows and their number come from the same pass. The segments lie in the run's staging
//! folder, readable by their owner only, and go with it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datafusion::arrow::array::{ArrayRef, AsArray, Int64Builder, RecordBatch, StringViewBuilder, new_null_array};
use datafusion::arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use super::Rows;
use super::delimited::ByteRange;
use super::record::{Damage, Failure, Options, Output, RecordFormat};
use crate::shape::store::{Segment, StoreReader, StoreWriter};

/// Rows and bytes of a segment, about: what one reader holds on to.
const SEGMENT_ROWS: usize = 16 << 10;
const SEGMENT_BYTES: usize = 4 << 20;

/// Columns behind the format's own.
const OURS: [&str; 4] = ["_row", "_byte", "_flags", "_raw"];

/// The bit of a row's flags that says its record is damaged, beside those of delimited text.
pub const UNREADABLE_RECORD: u16 = 1 << 6;

/// Where a file's records are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Place {
    pub store: PathBuf,
    pub segment: Segment,
    /// The format's columns.
    pub columns: Vec<String>,
    /// Columns of the source.
    pub wanted: Vec<String>,
}

/// A file's records in segments: each with the number of its first record.
#[derive(Debug, Clone, Default)]
pub struct Unpacked {
    pub store: PathBuf,
    pub segments: Vec<(ByteRange, Segment)>,
    pub rows: u64,
}

fn schema(columns: &[String]) -> SchemaRef {
    let texts = columns.iter().enumerate().map(|(n, _)| Field::new(format!("{n}"), DataType::Utf8View, true));
    let ours = OURS.iter().map(|name| Field::new(*name, if *name == "_raw" { DataType::Utf8View } else { DataType::Int64 }, true));
    Arc::new(Schema::new(texts.chain(ours).collect::<Vec<_>>()))
}

/// Writes the records of a file to `store`.
///
/// # Errors
/// What the format says of the file; [`Failure::Stopped`] when the run was interrupted.
pub fn unpack(format: &RecordFormat, path: &Path, columns: &[String], options: &Options, store: PathBuf, progress: &mut dyn FnMut(u64), cancel: &AtomicBool) -> Result<Unpacked, Failure> {
    let mut taker = Taker {
        writer: StoreWriter::new(store.clone(), 1, None, usize::MAX),
        schema: schema(columns),
        texts: columns.iter().map(|_| StringViewBuilder::new()).collect(),
        numbers: [Int64Builder::new(), Int64Builder::new(), Int64Builder::new()],
        raw: StringViewBuilder::new(),
        rows: 0,
        bytes: 0,
        firsts: vec![],
        last: 0,
        total: 0,
        progress,
        cancel,
        trouble: None,
    };
    let done = (format.records)(path, options, &mut taker).and_then(|()| taker.flush());
    if let Some(trouble) = taker.trouble.take() {
        return Err(Failure::Unreadable(trouble));
    }
    done?;
    let (firsts, total) = (taker.firsts, taker.total);
    let stored = taker.writer.finish().map_err(|e| Failure::Unreadable(e.to_string()))?;
    let segments = stored.map_or(vec![], |s| s.segments);
    let range = |(first, segment): (u64, Segment)| {
        let end = segment.offset.saturating_add(u64::from(segment.head)).saturating_add(segment.body);
        (ByteRange { start: segment.offset, end, first_row: first, rows: u64::from(segment.rows) }, segment)
    };
    Ok(Unpacked { store, segments: firsts.into_iter().zip(segments).map(range).collect(), rows: total })
}

struct Taker<'a> {
    writer: StoreWriter,
    schema: SchemaRef,
    texts: Vec<StringViewBuilder>,
    /// Row, byte, flags.
    numbers: [Int64Builder; 3],
    raw: StringViewBuilder,
    rows: usize,
    bytes: usize,
    /// Number of the first record of each segment.
    firsts: Vec<u64>,
    last: u64,
    total: u64,
    progress: &'a mut dyn FnMut(u64),
    cancel: &'a AtomicBool,
    /// Why the records could not be written down.
    trouble: Option<String>,
}

impl Taker<'_> {
    fn take(&mut self, number: u64, byte: u64, flags: u16, raw: Option<&str>, cells: &mut dyn Iterator<Item = Option<&str>>) -> Result<(), Failure> {
        // A row is known by its number from here on.
        let number = if number > self.last { number } else { self.last.saturating_add(1) };
        self.last = number;
        if self.rows == 0 {
            self.firsts.push(number);
        }
        for text in &mut self.texts {
            let cell = cells.next().flatten();
            self.bytes += 16 + cell.map_or(0, str::len);
            text.append_option(cell);
        }
        let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        for (builder, value) in self.numbers.iter_mut().zip([whole(number), whole(byte), i64::from(flags)]) {
            builder.append_value(value);
        }
        self.raw.append_option(raw);
        self.bytes += raw.map_or(0, str::len);
        self.rows += 1;
        self.total += 1;
        if self.rows >= SEGMENT_ROWS || self.bytes >= SEGMENT_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        if self.cancel.load(Ordering::Relaxed) {
            return Err(Failure::Stopped);
        }
        if self.rows == 0 {
            return Ok(());
        }
        let texts = self.texts.iter_mut().map(|t| Arc::new(t.finish()) as ArrayRef);
        let numbers = self.numbers.iter_mut().map(|n| Arc::new(n.finish()) as ArrayRef);
        let columns: Vec<ArrayRef> = texts.chain(numbers).chain([Arc::new(self.raw.finish()) as ArrayRef]).collect();
        let stored = RecordBatch::try_new(Arc::clone(&self.schema), columns).and_then(|batch| self.writer.add(batch)).and_then(|()| self.writer.flush());
        (self.rows, self.bytes) = (0, 0);
        stored.map_err(|e| {
            self.trouble = Some(format!("its records cannot be written down: {e}"));
            Failure::Stopped
        })
    }
}

impl Output for Taker<'_> {
    fn record(&mut self, number: u64, byte: u64, cells: &mut dyn Iterator<Item = Option<&str>>) -> Result<(), Failure> {
        self.take(number, byte, 0, None, cells)
    }

    fn damaged(&mut self, number: u64, byte: u64, damage: Damage, raw: &str, cells: &mut dyn Iterator<Item = Option<&str>>) -> Result<(), Failure> {
        let flags = match damage {
            Damage::Unreadable => UNREADABLE_RECORD,
        };
        self.take(number, byte, flags, Some(raw), cells)
    }

    fn read(&mut self, bytes: u64) {
        (self.progress)(bytes);
    }
}

/// The records of a segment, batch by batch.
pub struct Reader {
    batch: RecordBatch,
    /// For each column of the source its place in the segment.
    places: Vec<Option<usize>>,
    batch_rows: usize,
    at: usize,
}

impl Reader {
    /// # Errors
    /// When the segment is gone or is none.
    pub fn open(place: &Place, batch_rows: usize) -> Result<Reader, String> {
        let reader = StoreReader::open(&place.store, schema(&place.columns)).map_err(|e| e.to_string())?;
        let batch = reader.read(&place.segment).map_err(|e| e.to_string())?;
        let places = place.wanted.iter().map(|w| place.columns.iter().position(|c| c == w)).collect();
        Ok(Reader { batch, places, batch_rows, at: 0 })
    }
}

impl Iterator for Reader {
    type Item = Rows;

    fn next(&mut self) -> Option<Rows> {
        let left = self.batch.num_rows().checked_sub(self.at).filter(|left| *left > 0)?;
        let batch = self.batch.slice(self.at, left.min(self.batch_rows));
        self.at += batch.num_rows();
        let missing = || new_null_array(&DataType::Utf8View, batch.num_rows());
        let columns: Vec<ArrayRef> = self.places.iter().map(|place| place.map_or_else(missing, |at| Arc::clone(batch.column(at)))).collect();
        let own = batch.num_columns().saturating_sub(OURS.len());
        let number = |at: usize| batch.column(own + at).as_primitive::<Int64Type>().clone();
        Some(Rows { columns, row: number(0), byte: number(1), flags: number(2), raw: Arc::clone(batch.column(own + 3)) })
    }
}
