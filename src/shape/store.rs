//! Rows between two steps of a table: one file for each partition of the earlier step, its rows in
//! segments of Arrow's IPC format, each of one bucket.
//!
//! A bucket's rows are the segments of that bucket, file by file in the order of the partitions, each
//! from front to back: the rows of a bucket come in the order of the source, however many partitions
//! there were. The files hold what patients' cells say, so only their owner may read them; they lie in
//! the run's staging folder and go with it.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::buffer::Buffer;
use datafusion::arrow::compute::interleave;
use datafusion::arrow::datatypes::{DataType, Decimal128Type, Int64Type, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::ipc::reader::read_record_batch;
use datafusion::arrow::ipc::writer::{DictionaryTracker, IpcDataGenerator, IpcWriteContext, IpcWriteOptions};
use datafusion::arrow::ipc::{MetadataVersion, root_as_message};
use serde::{Deserialize, Serialize};

/// Rows that are sorted into buckets at once.
const CHUNK_ROWS: usize = 128 << 10;
/// Bytes of rows that wait for that at most.
const CHUNK_BYTES: usize = 16 << 20;

/// A piece of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    pub bucket: u32,
    pub offset: u64,
    /// Bytes of the message's head, and of the buffers behind it.
    pub head: u32,
    pub body: u64,
    pub rows: u32,
}

/// What one partition stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredFile {
    pub path: PathBuf,
    pub segments: Vec<Segment>,
}

/// The bucket of a key: its highest bits, of which all are alike.
fn bucket_of(hash: i128, buckets: usize) -> usize {
    ((hash as u128 >> 96) as usize) & (buckets.max(1) - 1)
}

/// Stores the rows of one partition.
pub struct StoreWriter {
    path: PathBuf,
    /// A power of two; 1: the rows stay in their order.
    buckets: usize,
    /// The column of the keys' hashes.
    key: Option<usize>,
    /// Bytes of rows that may wait.
    budget: usize,
    waiting: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
    file: Option<File>,
    offset: u64,
    segments: Vec<Segment>,
}

impl StoreWriter {
    pub fn new(path: PathBuf, buckets: usize, key: Option<usize>, budget: usize) -> Self {
        StoreWriter { path, buckets: if key.is_some() { buckets } else { 1 }, key, budget: budget.min(CHUNK_BYTES), waiting: vec![], rows: 0, bytes: 0, file: None, offset: 0, segments: vec![] }
    }

    /// Adds rows.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn add(&mut self, batch: RecordBatch) -> Result<(), ArrowError> {
        self.rows += batch.num_rows();
        self.bytes += batch.columns().iter().map(bytes_of).sum::<usize>();
        self.waiting.push(batch);
        if self.rows >= CHUNK_ROWS || self.bytes > self.budget { self.flush() } else { Ok(()) }
    }

    /// Writes what waits, as a segment of each bucket.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn flush(&mut self) -> Result<(), ArrowError> {
        let batches = std::mem::take(&mut self.waiting);
        let (rows, _) = (std::mem::take(&mut self.rows), std::mem::take(&mut self.bytes));
        let Some(first) = batches.first().filter(|_| rows > 0) else { return Ok(()) };
        // A counting sort: where each bucket begins, then each row to its place.
        let mut bucket: Vec<u32> = Vec::with_capacity(rows);
        for batch in &batches {
            let keys = self.key.and_then(|k| batch.column(k).as_primitive_opt::<Decimal128Type>());
            match keys {
                Some(keys) => {
                    // Rows without a key need not meet, so they are spread by where they stand.
                    let place = batch.column_by_name("_row").and_then(|c| c.as_primitive_opt::<Int64Type>());
                    let alone = |row: usize| place.map_or(0, |p| p.value(row) as usize & (self.buckets.max(1) - 1));
                    bucket.extend((0..keys.len()).map(|row| if keys.is_valid(row) { bucket_of(keys.value(row), self.buckets) } else { alone(row) } as u32));
                }
                None => bucket.resize(bucket.len() + batch.num_rows(), 0),
            }
        }
        let mut begins = vec![0usize; self.buckets + 1];
        bucket.iter().for_each(|b| begins[*b as usize + 1] += 1);
        (0..self.buckets).for_each(|b| begins[b + 1] += begins[b]);
        let mut order = vec![(0usize, 0usize); rows];
        let (mut next, mut at) = (begins.clone(), 0);
        for (number, batch) in batches.iter().enumerate() {
            for row in 0..batch.num_rows() {
                let slot = &mut next[bucket[at] as usize];
                order[*slot] = (number, row);
                *slot += 1;
                at += 1;
            }
        }
        let columns = (0..first.num_columns())
            .map(|c| {
                let arrays: Vec<&dyn Array> = batches.iter().map(|b| b.column(c).as_ref()).collect();
                interleave(&arrays, &order)
            })
            .collect::<Result<Vec<ArrayRef>, _>>()?;
        let sorted = RecordBatch::try_new(first.schema(), columns)?;
        drop(batches);
        let mut block = Vec::with_capacity(1 << 20);
        for b in 0..self.buckets {
            let (from, to) = (begins[b], begins[b + 1]);
            if from < to {
                self.encode(b as u32, &compact(&sorted.slice(from, to - from))?, &mut block)?;
            }
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.path)?),
        };
        file.write_all(&block)?;
        self.offset += block.len() as u64;
        Ok(())
    }

    fn encode(&mut self, bucket: u32, batch: &RecordBatch, block: &mut Vec<u8>) -> Result<(), ArrowError> {
        let (_, encoded) = IpcDataGenerator::default().encode(batch, &mut DictionaryTracker::new(false), &IpcWriteOptions::default(), &mut IpcWriteContext::default())?;
        let offset = self.offset + block.len() as u64;
        self.segments.push(Segment { bucket, offset, head: encoded.ipc_message.len() as u32, body: encoded.arrow_data.len() as u64, rows: batch.num_rows() as u32 });
        block.extend_from_slice(&encoded.ipc_message);
        block.extend_from_slice(&encoded.arrow_data);
        Ok(())
    }

    /// What was stored; nothing where there was no row.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(mut self) -> Result<Option<StoredFile>, ArrowError> {
        self.flush()?;
        Ok((!self.segments.is_empty()).then_some(StoredFile { path: self.path, segments: self.segments }))
    }
}

/// Texts without the bytes of the other rows, which a view would drag along.
fn compact(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let column = |column: &ArrayRef| -> ArrayRef {
        match column.data_type() {
            DataType::Utf8View => std::sync::Arc::new(column.as_string_view().gc()),
            _ => ArrayRef::clone(column),
        }
    };
    RecordBatch::try_new(batch.schema(), batch.columns().iter().map(column).collect())
}

/// Reads segments of one file.
pub struct StoreReader {
    file: File,
    schema: SchemaRef,
}

impl StoreReader {
    /// Opens a file of rows of this schema.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path, schema: SchemaRef) -> io::Result<StoreReader> {
        Ok(StoreReader { file: File::open(path)?, schema })
    }

    /// The rows of a segment.
    ///
    /// # Errors
    /// When the file ends before the segment does, or holds something else.
    pub fn read(&self, segment: &Segment) -> Result<RecordBatch, ArrowError> {
        let mut head = vec![0; segment.head as usize];
        self.file.read_exact_at(&mut head, segment.offset)?;
        let mut body = vec![0; segment.body as usize];
        self.file.read_exact_at(&mut body, segment.offset + u64::from(segment.head))?;
        let message = root_as_message(&head).map_err(|e| ArrowError::IpcError(e.to_string()))?;
        let batch = message.header_as_record_batch().ok_or_else(|| ArrowError::IpcError("a segment is no record batch".into()))?;
        read_record_batch(&Buffer::from_vec(body), batch, std::sync::Arc::clone(&self.schema), &HashMap::new(), None, &MetadataVersion::V5)
    }
}

/// Bytes that the rows of an array take up: of a text its view and what it says itself.
fn bytes_of(column: &ArrayRef) -> usize {
    match column.as_string_view_opt() {
        Some(views) => views.len() * 16 + views.total_buffer_bytes_used(),
        None => column.len() * column.data_type().primitive_width().unwrap_or(1),
    }
}
