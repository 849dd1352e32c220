//! Part files: typed rows to zstd Parquet, synced before they are named.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::{DataFusionError, Result};
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, ArrowWriterOptions, compute_leaves};
use parquet::arrow::{ArrowWriter, add_encoded_arrow_schema_to_metadata};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use serde::{Deserialize, Serialize};

use super::dictionary::DictionaryColumn;
use crate::error::Error;

/// Rows in a row group: what a writer holds in memory before it is encoded to disk.
const ROW_GROUP: usize = 131_072;
/// Of zstd.
const LEVEL: i32 = 1;

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
}

/// A file that is being written, and its open row group.
struct OpenFile {
    writer: SerializedFileWriter<File>,
    factory: ArrowRowGroupWriterFactory,
    compressor: zstd::bulk::Compressor<'static>,
    group: Option<Group>,
}

/// The open row group: its columns before they are encoded to disk.
struct Group {
    columns: Vec<ColumnWriter>,
    rows: usize,
}

enum ColumnWriter {
    Dictionary(DictionaryColumn),
    /// One writer per leaf of the column.
    Arrow(Vec<ArrowColumnWriter>),
}

/// Whether a column has few distinct values: codes and measurements.
fn repeats(field: &Field) -> bool {
    field.metadata().get("type").is_some_and(|t| t == "code") || *field.data_type() == DataType::Float64
}

impl OpenFile {
    fn write(&mut self, batch: &RecordBatch, schema: &Schema) -> Result<(), ParquetError> {
        let mut group = match self.group.take() {
            Some(group) => group,
            None => self.begin(schema)?,
        };
        for ((field, array), column) in batch.schema().fields().iter().zip(batch.columns()).zip(&mut group.columns) {
            match column {
                ColumnWriter::Dictionary(column) => column.add(array),
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
            let dictionary = first.filter(|_| repeats(field)).and_then(|at| DictionaryColumn::new(described.column(at), field.data_type(), compression()));
            dictionary.map_or(ColumnWriter::Arrow(own), ColumnWriter::Dictionary)
        });
        Ok(Group { columns: columns.collect(), rows: 0 })
    }

    /// Rows and bytes of the open row group.
    fn held(&self) -> (usize, usize) {
        let bytes = |column: &ColumnWriter| match column {
            ColumnWriter::Dictionary(column) => column.memory_size(),
            ColumnWriter::Arrow(writers) => writers.iter().map(ArrowColumnWriter::memory_size).sum(),
        };
        self.group.as_ref().map_or((0, 0), |g| (g.rows, g.columns.iter().map(bytes).sum()))
    }

    /// Encodes the open row group to disk.
    fn flush(&mut self) -> Result<(), ParquetError> {
        let Some(group) = self.group.take() else { return Ok(()) };
        let mut row_group = self.writer.next_row_group()?;
        for column in group.columns {
            match column {
                ColumnWriter::Dictionary(column) => column.append(&mut row_group, &mut self.compressor)?,
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

fn compression() -> Compression {
    Compression::ZSTD(ZstdLevel::try_new(LEVEL).unwrap_or_default())
}

impl PartWriter {
    /// A writer that has not made its file yet.
    pub fn new(path: PathBuf, schema: SchemaRef, private: bool, budget: usize) -> Self {
        let views = schema.fields().iter().map(|f| match f.data_type() {
            DataType::Utf8 => f.as_ref().clone().with_data_type(DataType::Utf8View),
            _ => f.as_ref().clone(),
        });
        let views = Arc::new(Schema::new(views.collect::<Vec<_>>()));
        PartWriter { path, schema, views, private, budget, file: None, rows: 0 }
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
        if done.is_ok() && (held >= ROW_GROUP || bytes > self.budget) {
            done = file.flush();
        }
        done.map_err(|e| self.failed(e))?;
        self.file = Some(file);
        self.rows += rows as u64;
        Ok(())
    }

    fn open(&self) -> Result<OpenFile> {
        let mode = if self.private { 0o600 } else { 0o644 };
        let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&self.path);
        let file = file.map_err(|e| Error::environment(&format!("creating {}", self.path.display()), e).into_datafusion())?;
        let mut properties = WriterProperties::builder()
            .set_compression(compression())
            .set_max_row_group_row_count(Some(ROW_GROUP))
            // Each page costs a compressor of its own: few and large ones are a fifth of the writing.
            .set_data_page_row_count_limit(ROW_GROUP / 4)
            .set_data_page_size_limit(2 << 20)
            .set_write_batch_size(8192)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_created_by(concat!("cohorte ", env!("CARGO_PKG_VERSION")).to_owned());
        for field in self.schema.fields() {
            let path = ColumnPath::new(vec![field.name().clone()]);
            let is = |word: &str| field.metadata().get("type").is_some_and(|t| t == word);
            properties = match field.data_type() {
                // No two pseudonyms of a table are alike, and their order means nothing.
                _ if is("pseudonym") => properties
                    .set_column_dictionary_enabled(path.clone(), false)
                    .set_column_encoding(path.clone(), Encoding::DELTA_LENGTH_BYTE_ARRAY)
                    .set_column_statistics_enabled(path, EnabledStatistics::None),
                DataType::Utf8 => properties.set_column_statistics_enabled(path, EnabledStatistics::None),
                // As small as a dictionary for counts, days and row numbers, and no value is hashed.
                DataType::Int64 | DataType::Date32 | DataType::Timestamp(..) if !is("code") => {
                    properties.set_column_dictionary_enabled(path.clone(), false).set_column_encoding(path, Encoding::DELTA_BINARY_PACKED)
                }
                _ => properties,
            };
        }
        let mut properties = properties.build();
        add_encoded_arrow_schema_to_metadata(&self.schema, &mut properties);
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(file, Arc::clone(&self.views), options).and_then(ArrowWriter::into_serialized_writer);
        let (writer, factory) = writer.map_err(|e| self.failed(e))?;
        let compressor = zstd::bulk::Compressor::new(LEVEL).map_err(|e| Error::environment("making a compressor", e).into_datafusion())?;
        Ok(OpenFile { writer, factory, compressor, group: None })
    }

    fn failed(&self, error: ParquetError) -> DataFusionError {
        Error::environment(&format!("writing {}", self.path.display()), error).into_datafusion()
    }

    /// Closes and syncs the file; `None` when no row was written.
    ///
    /// # Errors
    /// When the file cannot be written to the end.
    pub fn finish(mut self) -> Result<Option<PartFile>> {
        let Some(mut open) = self.file.take() else { return Ok(None) };
        open.flush().map_err(|e| self.failed(e))?;
        let file = open.writer.into_inner().map_err(|e| self.failed(e))?;
        file.sync_all().map_err(|e| Error::environment(&format!("syncing {}", self.path.display()), e).into_datafusion())?;
        Ok(Some(PartFile { path: self.path, rows: self.rows }))
    }

    /// Makes a file without rows, so that readers find the schema.
    ///
    /// # Errors
    /// As [`PartWriter::finish`].
    pub fn empty(path: PathBuf, schema: SchemaRef, private: bool) -> Result<PartFile> {
        let mut part = PartWriter::new(path, schema, private, usize::MAX);
        part.file = Some(part.open()?);
        let path = part.path.clone();
        Ok(part.finish()?.unwrap_or(PartFile { path, rows: 0 }))
    }
}
