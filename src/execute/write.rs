//! Part files: typed rows to zstd Parquet, synced before they are named.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::common::{DataFusionError, Result};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::arrow::{ArrowWriter, add_encoded_arrow_schema_to_metadata};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Rows in a row group: what a writer holds in memory before it is encoded to disk.
const ROW_GROUP: usize = 131_072;

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
    writer: Option<ArrowWriter<File>>,
    rows: u64,
}

impl PartWriter {
    /// A writer that has not made its file yet.
    pub fn new(path: PathBuf, schema: SchemaRef, private: bool, budget: usize) -> Self {
        let views = schema.fields().iter().map(|f| match f.data_type() {
            DataType::Utf8 => f.as_ref().clone().with_data_type(DataType::Utf8View),
            _ => f.as_ref().clone(),
        });
        let views = Arc::new(Schema::new(views.collect::<Vec<_>>()));
        PartWriter { path, schema, views, private, budget, writer: None, rows: 0 }
    }

    /// Writes rows; texts come as views.
    ///
    /// # Errors
    /// When the disk is full or the file cannot be written.
    pub fn write(&mut self, columns: Vec<ArrayRef>, rows: usize) -> Result<()> {
        let batch = RecordBatch::try_new(Arc::clone(&self.views), columns)?;
        if self.writer.is_none() {
            self.writer = Some(self.open()?);
        }
        if let Some(writer) = &mut self.writer {
            let mut done = writer.write(&batch);
            if done.is_ok() && writer.memory_size() > self.budget {
                done = writer.flush();
            }
            done.map_err(|e| Error::environment(&format!("writing {}", self.path.display()), e).into_datafusion())?;
        }
        self.rows += rows as u64;
        Ok(())
    }

    fn open(&self) -> Result<ArrowWriter<File>> {
        let mode = if self.private { 0o600 } else { 0o644 };
        let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&self.path);
        let file = file.map_err(|e| Error::environment(&format!("creating {}", self.path.display()), e).into_datafusion())?;
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).unwrap_or_default()))
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
        ArrowWriter::try_new_with_options(file, Arc::clone(&self.views), options).map_err(|e| self.failed(e))
    }

    fn failed(&self, error: parquet::errors::ParquetError) -> DataFusionError {
        Error::environment(&format!("writing {}", self.path.display()), error).into_datafusion()
    }

    /// Closes and syncs the file; `None` when no row was written.
    ///
    /// # Errors
    /// When the file cannot be written to the end.
    pub fn finish(mut self) -> Result<Option<PartFile>> {
        let Some(writer) = self.writer.take() else { return Ok(None) };
        let file = writer.into_inner().map_err(|e| self.failed(e))?;
        file.sync_all().map_err(|e| Error::environment(&format!("syncing {}", self.path.display()), e).into_datafusion())?;
        Ok(Some(PartFile { path: self.path, rows: self.rows }))
    }

    /// Makes a file without rows, so that readers find the schema.
    ///
    /// # Errors
    /// As [`PartWriter::finish`].
    pub fn empty(path: PathBuf, schema: SchemaRef, private: bool) -> Result<PartFile> {
        let mut part = PartWriter::new(path, schema, private, usize::MAX);
        part.writer = Some(part.open()?);
        let path = part.path.clone();
        Ok(part.finish()?.unwrap_or(PartFile { path, rows: 0 }))
    }
}
