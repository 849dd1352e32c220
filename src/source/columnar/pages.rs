//! The pages of a Parquet file on their way to the reader, which sets memory aside for as many texts as a delta encoding states
//! before it looks for them (Apache Parquet, "Encodings": DELTA_BINARY_PACKED, DELTA_LENGTH_BYTE_ARRAY, DELTA_BYTE_ARRAY).

use std::fs::File;
use std::sync::Arc;

use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader};
use parquet::arrow::{ProjectionMask, parquet_to_arrow_field_levels};
use parquet::basic::Encoding;
use parquet::bloom_filter::Sbbf;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::record::reader::RowIter;
use parquet::schema::types::Type;

use super::careful::Careful;
use super::footer::leb128 as number;

/// The rows of a file in batches; each page is looked at before it is decoded.
///
/// # Errors
/// Where the footer or the schema cannot be read.
pub fn batches(file: File, rows: usize) -> Result<ParquetRecordBatchReader> {
    let known = ArrowReaderMetadata::load(&file, ArrowReaderOptions::default())?;
    let levels = parquet_to_arrow_field_levels(known.parquet_schema(), ProjectionMask::all(), Some(known.schema().fields()))?;
    let reader: Arc<dyn FileReader> = Arc::new(Looked(SerializedFileReader::new(Careful::new(file)?)?));
    ParquetRecordBatchReader::try_new_with_row_groups(&levels, &reader, rows, None)
}

struct Looked(SerializedFileReader<Careful>);

impl FileReader for Looked {
    fn metadata(&self) -> &ParquetMetaData {
        self.0.metadata()
    }

    fn num_row_groups(&self) -> usize {
        self.0.num_row_groups()
    }

    fn get_row_group(&self, i: usize) -> Result<Box<dyn RowGroupReader + '_>> {
        if i >= self.num_row_groups() {
            return Err(ParquetError::General("there is no such row group".to_owned()));
        }
        Ok(Box::new(Group(self.0.get_row_group(i)?)))
    }

    fn get_row_iter(&self, projection: Option<Type>) -> Result<RowIter<'_>> {
        self.0.get_row_iter(projection)
    }
}

struct Group<'a>(Box<dyn RowGroupReader + 'a>);

impl RowGroupReader for Group<'_> {
    fn metadata(&self) -> &RowGroupMetaData {
        self.0.metadata()
    }

    fn num_columns(&self) -> usize {
        self.0.num_columns()
    }

    fn get_column_page_reader(&self, i: usize) -> Result<Box<dyn PageReader>> {
        let inner = self.0.get_column_page_reader(i)?;
        let column = self.metadata().schema_descr().column(i);
        Ok(Box::new(Pages { inner, repeated: column.max_rep_level(), defined: column.max_def_level() }))
    }

    fn get_column_bloom_filter(&self, i: usize) -> Option<&Sbbf> {
        self.0.get_column_bloom_filter(i)
    }

    fn get_row_iter(&self, projection: Option<Type>) -> Result<RowIter<'_>> {
        self.0.get_row_iter(projection)
    }
}

struct Pages {
    inner: Box<dyn PageReader>,
    /// Highest levels of repetition and definition.
    repeated: i16,
    defined: i16,
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.inner.get_next_page()?;
        if page.as_ref().is_some_and(|page| self.is_beyond(page).unwrap_or(false)) {
            return Err(ParquetError::General("a page states more values than it has".to_owned()));
        }
        Ok(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.inner.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.inner.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.inner.at_record_boundary()
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl Pages {
    /// Whether more lengths are stated than the page has values; `None` where that cannot be seen, which the reader will say.
    fn is_beyond(&self, page: &Page) -> Option<bool> {
        let (mut values, encoding, most) = match page {
            Page::DataPage { buf, num_values, encoding, def_level_encoding, rep_level_encoding, .. } => {
                let rest = behind_levels(buf, *rep_level_encoding, self.repeated, *num_values)?;
                (behind_levels(rest, *def_level_encoding, self.defined, *num_values)?, *encoding, *num_values)
            }
            Page::DataPageV2 { buf, num_values, encoding, def_levels_byte_len, rep_levels_byte_len, .. } => {
                let levels = usize::try_from(u64::from(*def_levels_byte_len) + u64::from(*rep_levels_byte_len)).ok()?;
                (buf.get(levels..)?, *encoding, *num_values)
            }
            Page::DictionaryPage { .. } => return None,
        };
        let runs = match encoding {
            Encoding::DELTA_LENGTH_BYTE_ARRAY => 1,
            // How much of the text before comes again, then how long the rest is.
            Encoding::DELTA_BYTE_ARRAY => 2,
            _ => return None,
        };
        for _ in 0..runs {
            if stated(values)? > u64::from(most) {
                return Some(true);
            }
            numbers(&mut values)?;
        }
        Some(false)
    }
}

/// What follows the levels of the first version's pages.
fn behind_levels(bytes: &[u8], encoding: Encoding, highest: i16, count: u32) -> Option<&[u8]> {
    let bits = u64::from(i16::BITS - highest.max(0).leading_zeros());
    let length = match encoding {
        _ if highest <= 0 => 0,
        Encoding::RLE => 4 + u64::from(u32::from_le_bytes(*bytes.first_chunk()?)),
        _ => (u64::from(count) * bits).div_ceil(8),
    };
    bytes.get(usize::try_from(length).ok()?..)
}

/// How many numbers a run states.
fn stated(mut run: &[u8]) -> Option<u64> {
    number(&mut run).and(number(&mut run)).and(number(&mut run))
}

/// Passes over a run of packed numbers.
fn numbers(rest: &mut &[u8]) -> Option<()> {
    let (block, parts, count) = (number(rest)?, number(rest)?, number(rest)?);
    number(rest)?;
    let each = block.checked_div(parts)?;
    let mut left = count.saturating_sub(1);
    while left > 0 && each > 0 {
        number(rest)?;
        let widths = rest.get(..usize::try_from(parts).ok()?)?;
        *rest = rest.get(widths.len()..)?;
        for width in widths {
            // Behind the last number nothing is stored.
            if left > 0 {
                *rest = rest.get(usize::try_from(each.checked_mul(u64::from(*width))? / 8).ok()?..)?;
                left = left.saturating_sub(each);
            }
        }
    }
    Some(())
}
