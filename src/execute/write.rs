//! Part files: typed rows to zstd Parquet, synced before they are named.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::common::{DataFusionError, Result};
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, ArrowWriterOptions, compute_leaves};
use parquet::arrow::{ArrowWriter, add_encoded_arrow_schema_to_metadata};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use serde::{Deserialize, Serialize};

use super::column::{Column, Zstd, column_for, compression};
use super::profile::Profile;
use crate::error::Error;

/// Rows in a row group: what a writer holds in memory before it is encoded to disk.
const ROW_GROUP: usize = 122_880;
/// The same of refused rows: they are few, and each keeps all its texts as they were read.
const PRIVATE_ROW_GROUP: usize = 32_768;

/// A part file as written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartFile {
    pub path: PathBuf,
    pub rows: u64,
}

/// Writes one part file; the file is made with its first row.
pub struct PartWriter {
    path: PathBuf,
    /// What readers are told: plain texts.
    schema: SchemaRef,
    /// What is handed to the writer: text views, which Parquet stores alike.
    views: SchemaRef,
    /// Readable by its owner only: raw values.
    private: bool,
    /// Bytes that the open row group may hold before it is written out.
    budget: usize,
    file: Option<OpenFile>,
    rows: u64,
    /// Counts of the values in each column's closed row groups.
    profiles: Vec<Profile>,
}

/// What a writer wrote: its file, where there was a row, and the counts of its columns.
#[derive(Debug)]
pub struct Written {
    pub part: Option<PartFile>,
    pub profiles: Vec<Profile>,
}

/// A file that is being written, and its open row group.
struct OpenFile {
    writer: SerializedFileWriter<File>,
    factory: ArrowRowGroupWriterFactory,
    zstd: Zstd,
    group: Option<Group>,
}

/// The open row group: its columns before they are encoded to disk.
struct Group {
    columns: Vec<ColumnWriter>,
    rows: usize,
}

enum ColumnWriter {
    Own(Box<dyn Column>),
    /// One writer per leaf of the column.
    Arrow(Vec<ArrowColumnWriter>),
}

impl OpenFile {
    fn write(&mut self, batch: &RecordBatch, schema: &Schema) -> Result<(), ParquetError> {
        let mut group = match self.group.take() {
            Some(group) => group,
            None => self.begin(schema)?,
        };
        for ((field, array), column) in batch.schema().fields().iter().zip(batch.columns()).zip(&mut group.columns) {
            match column {
                ColumnWriter::Own(column) => column.add(array, &mut self.zstd)?,
                ColumnWriter::Arrow(writers) => {
                    for (leaf, writer) in compute_leaves(field, array)?.iter().zip(writers) {
                        writer.write(leaf)?;
                    }
                }
            }
        }
        group.rows += batch.num_rows();
        self.group = Some(group);
        Ok(())
    }

    fn begin(&self, schema: &Schema) -> Result<Group, ParquetError> {
        let described = self.writer.schema_descr();
        let mut leaves = self.factory.create_column_writers(self.writer.flushed_row_groups().len())?.into_iter().enumerate().peekable();
        let columns = schema.fields().iter().enumerate().map(|(root, field)| {
            let mut own = vec![];
            let mut first = None;
            while let Some((at, writer)) = leaves.next_if(|(at, _)| described.get_column_root_idx(*at) == root) {
                first.get_or_insert(at);
                own.push(writer);
            }
            first.and_then(|at| column_for(field, described.column(at))).map_or(ColumnWriter::Arrow(own), ColumnWriter::Own)
        });
        Ok(Group { columns: columns.collect(), rows: 0 })
    }

    /// Rows and bytes of the open row group.
    fn held(&self) -> (usize, usize) {
        let bytes = |column: &ColumnWriter| match column {
            ColumnWriter::Own(column) => column.memory_size(),
            ColumnWriter::Arrow(writers) => writers.iter().map(ArrowColumnWriter::memory_size).sum(),
        };
        self.group.as_ref().map_or((0, 0), |g| (g.rows, g.columns.iter().map(bytes).sum()))
    }

    /// Encodes the open row group to disk, and counts what its columns hold.
    fn flush(&mut self, profiles: &mut [Profile]) -> Result<(), ParquetError> {
        let Some(group) = self.group.take() else { return Ok(()) };
        let mut row_group = self.writer.next_row_group()?;
        for (column, profile) in group.columns.into_iter().zip(profiles) {
            match column {
                ColumnWriter::Own(column) => column.close(&mut self.zstd, profile)?.append(&mut row_group)?,
                ColumnWriter::Arrow(writers) => {
                    for writer in writers {
                        writer.close()?.append_to_row_group(&mut row_group)?;
                    }
                }
            }
        }
        row_group.close()?;
        Ok(())
    }
}

impl PartWriter {
    /// A writer that has not made its file yet.
    pub fn new(path: PathBuf, schema: SchemaRef, private: bool, budget: usize) -> Self {
        let views = schema.fields().iter().map(|f| match f.data_type() {
            DataType::Utf8 => f.as_ref().clone().with_data_type(DataType::Utf8View),
            _ => f.as_ref().clone(),
        });
        let views = Arc::new(Schema::new(views.collect::<Vec<_>>()));
        let profiles = vec![Profile::default(); schema.fields().len()];
        PartWriter { path, schema, views, private, budget, file: None, rows: 0, profiles }
    }

    /// Writes rows; texts come as views.
    ///
    /// # Errors
    /// When the disk is full or the file cannot be written.
    pub fn write(&mut self, columns: Vec<ArrayRef>, rows: usize) -> Result<()> {
        let batch = RecordBatch::try_new(Arc::clone(&self.views), columns)?;
        let schema = Arc::clone(&self.schema);
        let mut file = match self.file.take() {
            Some(file) => file,
            None => self.open()?,
        };
        let mut done = file.write(&batch, &schema);
        let (held, bytes) = file.held();
        if done.is_ok() && (held >= self.row_group() || bytes > self.budget) {
            done = file.flush(&mut self.profiles);
        }
        done.map_err(|e| self.failed(e))?;
        self.file = Some(file);
        self.rows += rows as u64;
        Ok(())
    }

    fn row_group(&self) -> usize {
        if self.private { PRIVATE_ROW_GROUP } else { ROW_GROUP }
    }

    fn open(&self) -> Result<OpenFile> {
        let mode = if self.private { 0o600 } else { 0o644 };
        let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&self.path);
        let file = file.map_err(|e| Error::environment(&format!("creating {}", self.path.display()), e).into_datafusion())?;
        let properties = WriterProperties::builder()
            .set_compression(compression())
            .set_max_row_group_row_count(Some(self.row_group()))
            // For columns that `parquet` encodes: each page costs a compressor of its own.
            .set_data_page_row_count_limit(ROW_GROUP / 4)
            .set_data_page_size_limit(2 << 20)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_created_by(concat!("cohorte ", env!("CARGO_PKG_VERSION")).to_owned());
        let mut properties = properties.build();
        add_encoded_arrow_schema_to_metadata(&self.schema, &mut properties);
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(file, Arc::clone(&self.views), options).and_then(ArrowWriter::into_serialized_writer);
        let (writer, factory) = writer.map_err(|e| self.failed(e))?;
        let zstd = Zstd::new().map_err(|e| Error::environment("making a compressor", e).into_datafusion())?;
        Ok(OpenFile { writer, factory, zstd, group: None })
    }

    fn failed(&self, error: ParquetError) -> DataFusionError {
        Error::environment(&format!("writing {}", self.path.display()), error).into_datafusion()
    }

    /// Closes and syncs the file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(mut self) -> Result<Written> {
        let mut profiles = std::mem::take(&mut self.profiles);
        let Some(mut open) = self.file.take() else { return Ok(Written { part: None, profiles }) };
        open.flush(&mut profiles).map_err(|e| self.failed(e))?;
        let file = open.writer.into_inner().map_err(|e| self.failed(e))?;
        file.sync_all().map_err(|e| Error::environment(&format!("syncing {}", self.path.display()), e).into_datafusion())?;
        Ok(Written { part: Some(PartFile { path: self.path, rows: self.rows }), profiles })
    }

    /// Makes a file without rows, so that readers find the schema.
    ///
    /// # Errors
    /// As [`PartWriter::finish`].
    pub fn empty(path: PathBuf, schema: SchemaRef, private: bool) -> Result<PartFile> {
        let mut part = PartWriter::new(path, schema, private, usize::MAX);
        part.file = Some(part.open()?);
        let path = part.path.clone();
        Ok(part.finish()?.part.unwrap_or(PartFile { path, rows: 0 }))
    }
}
