//! A column chunk: which rows have a value, compressed pages, and how the row group takes them.

use bytes::Bytes;
use datafusion::arrow::array::{Array, BooleanBufferBuilder};
use datafusion::arrow::buffer::BooleanBuffer;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::page_index::offset_index::{OffsetIndexMetaData, PageLocation};
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, SerializedRowGroupWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor;

use super::packed::varint;

/// Of zstd: the higher levels cost twice the time for a twentieth of the size.
const LEVEL: i32 = 1;

/// What part files say of their compression.
pub fn compression() -> Compression {
    Compression::ZSTD(ZstdLevel::try_new(LEVEL).unwrap_or_default())
}

/// One compressor for all pages of a file.
pub struct Zstd {
    compressor: Compressor<'static>,
    room: Vec<u8>,
}

impl Zstd {
    /// # Errors
    /// When there is no memory for it.
    pub fn new() -> std::io::Result<Self> {
        Ok(Zstd { compressor: Compressor::new(LEVEL)?, room: vec![] })
    }

    /// The compressed bytes, in memory of their own size.
    pub fn compress(&mut self, plain: &[u8]) -> Result<Bytes> {
        self.room.clear();
        self.room.reserve(zstd::zstd_safe::compress_bound(plain.len()));
        let size = self.compressor.compress_to_buffer(plain, &mut self.room).map_err(|e| ParquetError::External(Box::new(e)))?;
        Ok(Bytes::copy_from_slice(self.room.get(..size).unwrap_or_default()))
    }
}

/// Which rows have a value: the definition levels of a flat column.
pub struct Present(BooleanBufferBuilder);

impl Default for Present {
    fn default() -> Self {
        Present(BooleanBufferBuilder::new(0))
    }
}

impl Present {
    pub fn add(&mut self, array: &dyn Array) {
        match array.nulls() {
            Some(nulls) => self.0.append_buffer(nulls.inner()),
            None => self.0.append_n(array.len(), true),
        }
    }

    pub fn rows(&self) -> usize {
        self.0.len()
    }

    pub fn memory_size(&self) -> usize {
        self.0.capacity() / 8
    }

    pub fn finish(mut self) -> BooleanBuffer {
        self.0.finish()
    }
}

/// A column chunk in memory.
pub struct Chunk {
    column: ColumnDescPtr,
    dictionary: Option<(Bytes, usize, usize)>,
    pages: Vec<DataPage>,
    encoding: Encoding,
    statistics: Option<Statistics>,
}

struct DataPage {
    compressed: Bytes,
    plain: usize,
    rows: usize,
}

impl Chunk {
    pub fn new(column: ColumnDescPtr, encoding: Encoding) -> Self {
        Chunk { column, dictionary: None, pages: vec![], encoding, statistics: None }
    }

    /// A dictionary page of `values` values in the encoding PLAIN.
    pub fn dictionary(&mut self, zstd: &mut Zstd, plain: &[u8], values: usize) -> Result<()> {
        self.dictionary = Some((zstd.compress(plain)?, plain.len(), values));
        Ok(())
    }

    /// A data page: the values of those rows that are `present`, encoded by `write`.
    pub fn page(&mut self, zstd: &mut Zstd, present: &BooleanBuffer, write: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        let mut plain = vec![];
        if self.column.max_def_level() > 0 {
            let levels = levels(present);
            plain.extend_from_slice(&u32::try_from(levels.len()).map_err(external)?.to_le_bytes());
            plain.extend_from_slice(&levels);
        }
        write(&mut plain);
        self.pages.push(DataPage { compressed: zstd.compress(&plain)?, plain: plain.len(), rows: present.len() });
        Ok(())
    }

    pub fn set_encoding(&mut self, encoding: Encoding) {
        self.encoding = encoding;
    }

    pub fn set_statistics(&mut self, statistics: Option<Statistics>) {
        self.statistics = statistics;
    }

    /// Bytes held.
    pub fn memory_size(&self) -> usize {
        self.pages.iter().map(|page| page.compressed.len()).sum()
    }

    /// Writes the chunk into its row group.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn append<W: std::io::Write + Send>(self, group: &mut SerializedRowGroupWriter<'_, W>) -> Result<()> {
        let mut sink = TrackedWrite::new(Vec::new());
        let mut writer = SerializedPageWriter::new(&mut sink);
        let (mut plain, mut compressed, mut rows) = (0_u64, 0_u64, 0_usize);
        let mut dictionary_at = None;
        if let Some((bytes, size, values)) = self.dictionary {
            let page = Page::DictionaryPage { buf: bytes, num_values: u32::try_from(values).map_err(external)?, encoding: Encoding::PLAIN, is_sorted: false };
            let written = writer.write_page(CompressedPage::new(page, size))?;
            dictionary_at = Some(written.offset as i64);
            plain += written.uncompressed_size as u64;
            compressed += written.compressed_size as u64;
        }
        let mut page_locations = vec![];
        for data in self.pages {
            let page = Page::DataPage {
                buf: data.compressed,
                num_values: u32::try_from(data.rows).map_err(external)?,
                encoding: self.encoding,
                def_level_encoding: Encoding::RLE,
                rep_level_encoding: Encoding::RLE,
                statistics: None,
            };
            let written = writer.write_page(CompressedPage::new(page, data.plain))?;
            let compressed_page_size = i32::try_from(written.compressed_size).map_err(external)?;
            page_locations.push(PageLocation { offset: written.offset as i64, compressed_page_size, first_row_index: rows as i64 });
            plain += written.uncompressed_size as u64;
            compressed += written.compressed_size as u64;
            rows += data.rows;
        }
        let mut encodings = vec![Encoding::RLE, self.encoding];
        if dictionary_at.is_some() {
            encodings.push(Encoding::PLAIN);
        }
        let mut metadata = ColumnChunkMetaData::builder(self.column)
            .set_encodings(encodings)
            .set_compression(compression())
            .set_num_values(rows as i64)
            .set_total_uncompressed_size(plain as i64)
            .set_total_compressed_size(compressed as i64)
            .set_data_page_offset(page_locations.first().map_or(0, |page| page.offset))
            .set_dictionary_page_offset(dictionary_at);
        if let Some(statistics) = self.statistics {
            metadata = metadata.set_statistics(statistics);
        }
        let close = ColumnCloseResult {
            bytes_written: compressed,
            rows_written: rows as u64,
            metadata: metadata.build()?,
            bloom_filter: None,
            column_index: None,
            offset_index: Some(OffsetIndexMetaData { page_locations, unencoded_byte_array_data_bytes: None }),
        };
        group.append_column(&Bytes::from(sink.into_inner()?), close)
    }
}

fn external(error: std::num::TryFromIntError) -> ParquetError {
    ParquetError::External(Box::new(error))
}

/// One bit a row: a run where all are the same, else the bitmap as it is.
fn levels(present: &BooleanBuffer) -> Vec<u8> {
    let (rows, filled) = (present.len(), present.count_set_bits());
    let mut out = vec![];
    if filled == rows || filled == 0 {
        varint((rows as u64) << 1, &mut out);
        out.push(u8::from(filled > 0));
    } else {
        varint((rows.div_ceil(8) as u64) << 1 | 1, &mut out);
        out.extend_from_slice(present.sliced().as_slice().get(..rows.div_ceil(8)).unwrap_or_default());
    }
    out
}
