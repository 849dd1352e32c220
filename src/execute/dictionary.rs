//! A Parquet column chunk with a dictionary, for columns of few distinct values.
//!
//! `parquet` hashes and compares every value of such a column, and makes a compressor for every
//! page: a tenth of a run. Codes and measurements repeat, so here a value is one look-up, and a
//! row group of a column is one dictionary page and one data page.
//! Layout: Apache Parquet format 2.x, "Data Pages" and "RLE / Bit-Packing Hybrid"
//! (`Encodings.md`, sections PLAIN, RLE and RLE_DICTIONARY).

use std::collections::HashMap;
use std::hash::Hash;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringViewArray};
use datafusion::arrow::datatypes::{DataType, Float64Type, Int64Type};
use parquet::basic::{Compression, Encoding};
use parquet::column::page::{CompressedPage, Page, PageWriteSpec, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::page_index::offset_index::{OffsetIndexMetaData, PageLocation};
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, SerializedRowGroupWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor;

/// Distinct values up to which a dictionary is smaller than the values themselves.
const MOST_VALUES: usize = 1 << 15;

/// One column of the open row group.
pub struct DictionaryColumn {
    column: ColumnDescPtr,
    compression: Compression,
    values: Values,
    /// Place in the dictionary of each value that is there.
    places: Vec<u32>,
    /// One per row.
    present: Vec<bool>,
}

/// The dictionary: each distinct value once, in order of appearance.
enum Values {
    Text { list: Vec<Box<str>>, short: Index<u128>, long: Index<Box<str>> },
    Integer { list: Vec<i64>, index: Index<i64> },
    Number { list: Vec<f64>, index: Index<u64> },
}

type Index<K> = HashMap<K, u32, foldhash::fast::FixedState>;

fn place<K: Hash + Eq>(index: &mut Index<K>, key: K, add: impl FnOnce() -> usize) -> u32 {
    *index.entry(key).or_insert_with(|| u32::try_from(add()).unwrap_or(u32::MAX))
}

impl DictionaryColumn {
    /// A column for texts (as views), whole numbers or numbers; `None` for another type.
    pub fn new(column: ColumnDescPtr, data_type: &DataType, compression: Compression) -> Option<Self> {
        let values = match data_type {
            DataType::Utf8 | DataType::Utf8View => Values::Text { list: vec![], short: Index::default(), long: Index::default() },
            DataType::Int64 => Values::Integer { list: vec![], index: Index::default() },
            DataType::Float64 => Values::Number { list: vec![], index: Index::default() },
            _ => return None,
        };
        // Lists have levels of their own.
        (column.max_rep_level() == 0 && column.max_def_level() <= 1).then_some(DictionaryColumn { column, compression, values, places: vec![], present: vec![] })
    }

    /// Adds the values of a batch.
    pub fn add(&mut self, array: &ArrayRef) {
        let places = &mut self.places;
        match array.nulls().filter(|n| n.null_count() > 0) {
            Some(nulls) => self.present.extend(nulls.iter()),
            None => self.present.resize(self.present.len() + array.len(), true),
        }
        match &mut self.values {
            Values::Text { list, short, long } => texts(array.as_string_view(), list, short, long, places),
            Values::Integer { list, index } => {
                let mut last = None;
                places.extend(array.as_primitive::<Int64Type>().iter().flatten().map(|value| match last {
                    Some((seen, at)) if seen == value => at,
                    _ => {
                        let at = place(index, value, || grown(list, value));
                        last = Some((value, at));
                        at
                    }
                }));
            }
            Values::Number { list, index } => {
                // By their bits: a NaN is one value, and minus zero is not zero.
                places.extend(array.as_primitive::<Float64Type>().iter().flatten().map(|value| place(index, value.to_bits(), || grown(list, value))));
            }
        }
    }

    /// Bytes held, about.
    pub fn memory_size(&self) -> usize {
        self.places.capacity() * 4 + self.present.capacity() + self.distinct() * 48
    }

    fn distinct(&self) -> usize {
        match &self.values {
            Values::Text { list, .. } => list.len(),
            Values::Integer { list, .. } => list.len(),
            Values::Number { list, .. } => list.len(),
        }
    }

    /// Writes the chunk into its row group.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn append<W: std::io::Write + Send>(self, group: &mut SerializedRowGroupWriter<'_, W>, compressor: &mut Compressor<'_>) -> Result<()> {
        let rows = self.present.len();
        let worth_it = self.distinct() <= MOST_VALUES;
        let mut sink = TrackedWrite::new(Vec::new());
        let mut pages = SerializedPageWriter::new(&mut sink);
        let mut sizes = [0u64; 2];
        let mut write = |pages: &mut SerializedPageWriter<'_, Vec<u8>>, page: Page, size: usize| -> Result<PageWriteSpec> {
            let spec = pages.write_page(CompressedPage::new(page, size))?;
            sizes[0] += spec.uncompressed_size as u64;
            sizes[1] += spec.compressed_size as u64;
            Ok(spec)
        };
        let mut compress = |plain: &[u8]| compressor.compress(plain).map_err(|e| ParquetError::External(Box::new(e)));
        let count = |n: usize| u32::try_from(n).map_err(|e| ParquetError::External(Box::new(e)));

        let dictionary = if worth_it {
            let plain = self.plain(None);
            let page = Page::DictionaryPage { buf: compress(&plain)?.into(), num_values: count(self.distinct())?, encoding: Encoding::PLAIN, is_sorted: false };
            Some(write(&mut pages, page, plain.len())?.offset as i64)
        } else {
            None
        };
        let mut plain = vec![];
        if self.column.max_def_level() > 0 {
            let mut levels = vec![];
            hybrid(self.present.iter().map(|p| u32::from(*p)), rows, 1, &mut levels);
            plain.extend_from_slice(&count(levels.len())?.to_le_bytes());
            plain.extend_from_slice(&levels);
        }
        let encoding = if worth_it {
            let width = (usize::BITS - self.distinct().saturating_sub(1).leading_zeros()).max(1);
            plain.push(width as u8);
            hybrid(self.places.iter().copied(), self.places.len(), width, &mut plain);
            Encoding::RLE_DICTIONARY
        } else {
            plain.extend(self.plain(Some(&self.places)));
            Encoding::PLAIN
        };
        let page = Page::DataPage {
            buf: compress(&plain)?.into(),
            num_values: count(rows)?,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let data = write(&mut pages, page, plain.len())?;
        let nulls = rows - self.places.len();
        let mut metadata = ColumnChunkMetaData::builder(self.column.clone())
            .set_encodings(vec![Encoding::PLAIN, Encoding::RLE, encoding])
            .set_compression(self.compression)
            .set_num_values(rows as i64)
            .set_total_uncompressed_size(sizes[0] as i64)
            .set_total_compressed_size(sizes[1] as i64)
            .set_data_page_offset(data.offset as i64)
            .set_dictionary_page_offset(dictionary);
        if let Some(statistics) = self.statistics(nulls as u64) {
            metadata = metadata.set_statistics(statistics);
        }
        let compressed_page_size = i32::try_from(data.compressed_size).map_err(|e| ParquetError::External(Box::new(e)))?;
        let location = PageLocation { offset: data.offset as i64, compressed_page_size, first_row_index: 0 };
        let index = OffsetIndexMetaData { page_locations: vec![location], unencoded_byte_array_data_bytes: None };
        let close = ColumnCloseResult { bytes_written: sizes[1], rows_written: rows as u64, metadata: metadata.build()?, bloom_filter: None, column_index: None, offset_index: Some(index) };
        group.append_column(&bytes::Bytes::from(sink.into_inner()?), close)
    }

    /// The dictionary's values one after another, or those at `places`.
    fn plain(&self, places: Option<&[u32]>) -> Vec<u8> {
        fn all<'a, T>(list: &'a [T], places: Option<&'a [u32]>) -> Box<dyn Iterator<Item = &'a T> + 'a> {
            match places {
                Some(places) => Box::new(places.iter().filter_map(|at| list.get(*at as usize))),
                None => Box::new(list.iter()),
            }
        }
        let mut out = vec![];
        match &self.values {
            Values::Text { list, .. } => {
                for text in all(list, places) {
                    out.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
                    out.extend_from_slice(text.as_bytes());
                }
            }
            Values::Integer { list, .. } => all(list, places).for_each(|v| out.extend_from_slice(&v.to_le_bytes())),
            Values::Number { list, .. } => all(list, places).for_each(|v| out.extend_from_slice(&v.to_le_bytes())),
        }
        out
    }

    /// Least and greatest of numbers; every value of the dictionary is in the chunk.
    fn statistics(&self, nulls: u64) -> Option<Statistics> {
        match &self.values {
            Values::Text { .. } => None,
            Values::Integer { list, .. } => Some(Statistics::int64(list.iter().min().copied(), list.iter().max().copied(), None, Some(nulls), false)),
            Values::Number { list, .. } if list.iter().any(|v| v.is_nan()) => None,
            Values::Number { list, .. } => {
                // A zero bound stands for both zeros (format: ColumnOrder, TypeDefinedOrder).
                let low = list.iter().copied().reduce(f64::min).map(|v| if v == 0.0 { -0.0 } else { v });
                let high = list.iter().copied().reduce(f64::max).map(|v| if v == 0.0 { 0.0 } else { v });
                Some(Statistics::double(low, high, None, Some(nulls), false))
            }
        }
    }
}

fn grown<T>(list: &mut Vec<T>, value: T) -> usize {
    list.push(value);
    list.len() - 1
}

fn texts(array: &StringViewArray, list: &mut Vec<Box<str>>, short: &mut Index<u128>, long: &mut Index<Box<str>>, places: &mut Vec<u32>) {
    let nulls = array.nulls().filter(|n| n.null_count() > 0);
    let mut last: Option<(u128, u32)> = None;
    for (at, view) in array.views().iter().enumerate() {
        if nulls.is_some_and(|n| n.is_null(at)) {
            continue;
        }
        if let Some((seen, found)) = last
            && seen == *view
        {
            places.push(found);
            continue;
        }
        // Up to twelve bytes the view is the text itself; in a longer one it is a place in a buffer.
        let found = if *view as u32 <= 12 {
            let found = place(short, *view, || grown(list, array.value(at).into()));
            last = Some((*view, found));
            found
        } else {
            match long.get(array.value(at)) {
                Some(found) => *found,
                None => place(long, array.value(at).into(), || grown(list, array.value(at).into())),
            }
        };
        places.push(found);
    }
}

/// The hybrid of run lengths and packed bits, least significant bit first.
fn hybrid(values: impl Iterator<Item = u32>, count: usize, width: u32, out: &mut Vec<u8>) {
    /// Equal values from which a run is shorter than packed bits.
    const RUN: usize = 64;
    let values: Vec<u32> = values.take(count).collect();
    let mut packed_from = 0;
    let mut at = 0;
    while let Some(value) = values.get(at) {
        let run = values.get(at..).unwrap_or_default().iter().take_while(|v| *v == value).count();
        // Packed values come in groups of eight: the run lends what is missing.
        let lent = (8 - (at - packed_from) % 8) % 8;
        if run >= RUN + lent {
            pack(values.get(packed_from..at + lent).unwrap_or_default(), width, out);
            varint(((run - lent) as u64) << 1, out);
            out.extend_from_slice(value.to_le_bytes().get(..width.div_ceil(8) as usize).unwrap_or_default());
            packed_from = at + run;
        }
        at += run;
    }
    pack(values.get(packed_from..).unwrap_or_default(), width, out);
}

fn pack(values: &[u32], width: u32, out: &mut Vec<u8>) {
    if values.is_empty() {
        return;
    }
    let groups = values.len().div_ceil(8);
    varint((groups as u64) << 1 | 1, out);
    let end = out.len() + groups * width as usize;
    let (mut bits, mut filled) = (0u64, 0);
    for value in values {
        bits |= u64::from(*value) << filled;
        filled += width;
        while filled >= 8 {
            out.push(bits as u8);
            bits >>= 8;
            filled -= 8;
        }
    }
    if filled > 0 {
        out.push(bits as u8);
    }
    out.resize(end, 0);
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap as Map;
    use std::sync::Arc;

    use datafusion::arrow::array::{Float64Array, Int64Array, StringArray};
    use datafusion::arrow::compute::{cast, concat_batches};
    use datafusion::arrow::datatypes::{Field, Schema};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::*;
    use crate::execute::write::PartWriter;

    /// Rows of a code, a whole number and a number, as `parquet`'s own reader gives them back.
    fn there_and_back(rows: usize, code: impl Fn(usize) -> Option<String>, whole: impl Fn(usize) -> Option<i64>, number: impl Fn(usize) -> Option<f64>) {
        let is_code = |name: &str, data_type| Field::new(name, data_type, true).with_metadata(Map::from([("type".into(), "code".into())]));
        let schema = Arc::new(Schema::new(vec![is_code("code", DataType::Utf8), is_code("whole", DataType::Int64), Field::new("number", DataType::Float64, true)]));
        let written: [ArrayRef; 3] = [
            Arc::new((0..rows).map(code).collect::<StringArray>()),
            Arc::new((0..rows).map(whole).collect::<Int64Array>()),
            Arc::new((0..rows).map(number).collect::<Float64Array>()),
        ];
        let folder = tempfile::tempdir().expect("a folder");
        let mut writer = PartWriter::new(folder.path().join("part.parquet"), schema, false, usize::MAX);
        for from in (0..rows).step_by(1000) {
            let count = 1000.min(rows - from);
            let mut columns: Vec<ArrayRef> = written.iter().map(|c| c.slice(from, count)).collect();
            columns[0] = cast(&columns[0], &DataType::Utf8View).expect("views");
            writer.write(columns, count).expect("written");
        }
        let part = writer.finish().expect("closed").expect("rows");
        let reader = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(&part.path).expect("a file")).expect("Parquet").build().expect("a reader");
        let batches: Vec<_> = reader.map(|b| b.expect("a batch")).collect();
        let read = concat_batches(&batches[0].schema(), &batches).expect("one schema");
        assert_eq!(read.num_rows(), rows);
        for (read, written) in read.columns().iter().zip(&written) {
            assert_eq!(read, written);
        }
    }

    #[test]
    fn runs_gaps_and_long_texts_come_back() {
        let code = |at: usize| (!at.is_multiple_of(7)).then(|| if at % 900 < 300 { "left".to_owned() } else { format!("a text longer than a view, {}", at % 11) });
        there_and_back(5003, code, |at| (at / 97).is_multiple_of(2).then_some(at as i64 / 700), |at| (!at.is_multiple_of(3)).then_some([0.0, -0.0, 1.5][at % 5 % 3]));
    }

    #[test]
    fn one_value_no_value_and_one_row_come_back() {
        there_and_back(1000, |_| Some("x".into()), |_| None, |_| Some(2.5));
        there_and_back(1, |_| None, |_| Some(i64::MIN), |_| None);
    }

    /// Beyond the dictionary's limit the values themselves are written, and row groups follow each other.
    #[test]
    fn many_distinct_values_and_several_row_groups_come_back() {
        there_and_back(140_000, |at| Some(format!("{at:014}")), |at| Some(at as i64 * 3), |at| (at % 10 != 0).then_some(at as f64 / 7.0));
    }
}
