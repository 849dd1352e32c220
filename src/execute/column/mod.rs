//! Parquet column chunks, encoded by what cohorts hold: codes, measurements, counts, days, flags,
//! pseudonyms.
//!
//! `parquet`'s own writer hashes and compares every value and makes a compressor for every page: a
//! fifth of a run. Here a code or a measurement is one look-up, a day or a count is an offset, and
//! each distinct value is counted on the way, which is all that the report's profile needs.
//! Columns of other types (lists) stay with `parquet`.
//!
//! Layout: Apache Parquet format 2.x, "Data Pages" and `Encodings.md`.

mod chunk;
mod dictionary;
mod flag;
mod packed;
mod unique;
mod whole;

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{DataType, Date32Type, Field, Int64Type, TimeUnit, TimestampMicrosecondType};
use parquet::errors::Result;
use parquet::schema::types::ColumnDescPtr;

pub use chunk::{Chunk, Zstd, compression};
pub use packed::varint;

use super::profile::Profile;

/// One column of the open row group.
pub trait Column: Send {
    /// Adds the values of a batch.
    ///
    /// # Errors
    /// When a full page cannot be compressed.
    fn add(&mut self, array: &ArrayRef, zstd: &mut Zstd) -> Result<()>;

    /// Bytes held, about.
    fn memory_size(&self) -> usize;

    /// The encoded column; what it holds is counted in `profile`.
    ///
    /// # Errors
    /// When a page cannot be compressed.
    fn close(self: Box<Self>, zstd: &mut Zstd, profile: &mut Profile) -> Result<Chunk>;
}

/// The encoder of a field; `None` for types that `parquet` encodes. Texts come as views.
pub fn column_for(field: &Field, column: ColumnDescPtr) -> Option<Box<dyn Column>> {
    // Lists have levels of their own.
    if column.max_rep_level() > 0 || column.max_def_level() > 1 {
        return None;
    }
    let is = |word: &str| field.metadata().get("type").is_some_and(|t| t == word);
    Some(match field.data_type() {
        // No two pseudonyms of a table are alike.
        DataType::Utf8 | DataType::Utf8View if is("pseudonym") => Box::new(unique::UniqueTexts::new(column)),
        DataType::Utf8 | DataType::Utf8View => Box::new(dictionary::Texts::new(column, is("code"))),
        DataType::Float64 => Box::new(dictionary::Numbers::new(column)),
        DataType::Int64 => Box::new(whole::Whole::<Int64Type>::new(column)),
        DataType::Date32 => Box::new(whole::Whole::<Date32Type>::new(column)),
        DataType::Timestamp(TimeUnit::Microsecond, _) => Box::new(whole::Whole::<TimestampMicrosecondType>::new(column)),
        DataType::Boolean => Box::new(flag::Flags::new(column)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use datafusion::arrow::array::{BooleanArray, Date32Array, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray};
    use datafusion::arrow::compute::{cast, concat_batches};
    use datafusion::arrow::datatypes::Schema;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use parquet::file::statistics::Statistics;

    use super::*;
    use crate::execute::write::PartWriter;

    fn field(name: &str, data_type: DataType, kind: &str) -> Field {
        Field::new(name, data_type, true).with_metadata(HashMap::from([("type".into(), kind.into())]))
    }

    /// Columns as `parquet`'s own reader gives them back, and what was counted; in batches of 1,000 rows.
    fn there_and_back(columns: Vec<(Field, ArrayRef)>) -> (parquet::file::metadata::ParquetMetaData, Vec<Profile>) {
        let (fields, written): (Vec<Field>, Vec<ArrayRef>) = columns.into_iter().unzip();
        let rows = written[0].len();
        let folder = tempfile::tempdir().expect("a folder");
        let mut writer = PartWriter::new(folder.path().join("part.parquet"), Arc::new(Schema::new(fields)), false, usize::MAX);
        for from in (0..rows).step_by(1000) {
            let count = 1000.min(rows - from);
            let batch = written.iter().map(|c| c.slice(from, count)).map(|c| match c.data_type() {
                DataType::Utf8 => cast(&c, &DataType::Utf8View).expect("views"),
                _ => c,
            });
            writer.write(batch.collect(), count).expect("written");
        }
        let done = writer.finish().expect("closed");
        let reader = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(&done.part.expect("rows").path).expect("a file")).expect("Parquet");
        let metadata = reader.metadata().as_ref().clone();
        let batches: Vec<_> = reader.build().expect("a reader").map(|b| b.expect("a batch")).collect();
        let read = concat_batches(&batches[0].schema(), &batches).expect("one schema");
        assert_eq!(read.num_rows(), rows);
        for (read, written) in read.columns().iter().zip(&written) {
            assert_eq!(read, written);
        }
        (metadata, done.profiles)
    }

    fn texts(rows: usize, kind: &str, value: impl Fn(usize) -> Option<String>) -> (Field, ArrayRef) {
        (field(kind, DataType::Utf8, kind), Arc::new((0..rows).map(value).collect::<StringArray>()))
    }

    fn integers(rows: usize, value: impl Fn(usize) -> Option<i64>) -> (Field, ArrayRef) {
        (field("integer", DataType::Int64, "integer"), Arc::new((0..rows).map(value).collect::<Int64Array>()))
    }

    fn numbers(rows: usize, value: impl Fn(usize) -> Option<f64>) -> (Field, ArrayRef) {
        (field("decimal", DataType::Float64, "decimal"), Arc::new((0..rows).map(value).collect::<Float64Array>()))
    }

    fn days(rows: usize, value: impl Fn(usize) -> Option<i32>) -> (Field, ArrayRef) {
        (field("date", DataType::Date32, "date"), Arc::new((0..rows).map(value).collect::<Date32Array>()))
    }

    fn moments(rows: usize, value: impl Fn(usize) -> Option<i64>) -> (Field, ArrayRef) {
        let kind = DataType::Timestamp(TimeUnit::Microsecond, None);
        (field("moment", kind, "datetime"), Arc::new((0..rows).map(value).collect::<TimestampMicrosecondArray>()))
    }

    fn flags(rows: usize, value: impl Fn(usize) -> Option<bool>) -> (Field, ArrayRef) {
        (field("flag", DataType::Boolean, "boolean"), Arc::new((0..rows).map(value).collect::<BooleanArray>()))
    }

    #[test]
    fn runs_gaps_and_long_texts_come_back() {
        let rows = 5003;
        let code = |at: usize| (!at.is_multiple_of(7)).then(|| if at % 900 < 300 { "left".to_owned() } else { format!("a text longer than a view, {}", at % 11) });
        there_and_back(vec![
            texts(rows, "code", code),
            texts(rows, "text", |at| (at % 3 > 0).then(|| format!("{}", at * 7919 % 101))),
            texts(rows, "pseudonym", |at| (at % 5 > 0).then(|| format!("{at:064x}"))),
            integers(rows, |at| (at / 97 % 2 == 0).then_some(at as i64 / 700)),
            integers(rows, |at| (at % 4 > 0).then_some((at as i64).wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as i64))),
            numbers(rows, |at| (at % 3 != 0).then_some([0.0, -0.0, 1.5][at % 5 % 3])),
            days(rows, |at| (at % 11 > 2).then_some(at as i32 * 31 % 20_000 - 5_000)),
            days(rows, |at| Some(if at % 2 == 0 { i32::MIN } else { i32::MAX })),
            moments(rows, |at| (at % 2 > 0).then_some(at as i64 * 86_399_999_999 - 1_000_000_000_000_000)),
            flags(rows, |at| (at % 13 > 1).then_some(at % 3 == 0)),
        ]);
    }

    #[test]
    fn one_value_no_value_and_one_row_come_back() {
        for rows in [1, 8, 63, 64, 65, 1000] {
            there_and_back(vec![
                texts(rows, "code", |_| Some("x".into())),
                texts(rows, "text", |_| None),
                texts(rows, "pseudonym", |_| None),
                texts(rows, "code", |_| Some(String::new())),
                integers(rows, |_| None),
                integers(rows, |_| Some(i64::MIN)),
                integers(rows, |at| Some(if at % 2 == 0 { i64::MIN } else { i64::MAX })),
                numbers(rows, |_| Some(2.5)),
                numbers(rows, |_| None),
                days(rows, |_| None),
                flags(rows, |_| Some(true)),
                flags(rows, |_| None),
            ]);
        }
    }

    /// Beyond the dictionary's limit the values themselves are written, and row groups follow each other.
    #[test]
    fn many_distinct_values_and_several_row_groups_come_back() {
        let rows = 140_000;
        there_and_back(vec![
            texts(rows, "text", |at| Some(format!("{at:014}"))),
            texts(rows, "pseudonym", |at| Some(format!("{at:064x}"))),
            integers(rows, |at| Some(at as i64 * 3)),
            integers(rows, |at| (at % 9 > 0).then_some((at % 60_000) as i64)),
            numbers(rows, |at| (at % 10 != 0).then_some(at as f64 / 7.0)),
        ]);
    }

    /// Ten rows counted by hand: three of 1.5, four of 2; days of 1970 and 1971; a code; flags.
    #[test]
    fn what_is_written_is_counted() {
        let (metadata, profiles) = there_and_back(vec![
            numbers(10, |at| [None, Some(1.5), Some(2.0)][if at < 3 { 1 } else if at < 7 { 2 } else { 0 }]),
            days(10, |at| Some(if at < 6 { 0 } else { 365 })),
            texts(10, "code", |at| Some(if at < 9 { "left" } else { "right" }.into())),
            flags(10, |at| (at < 5).then_some(at < 1)),
            texts(10, "text", |at| Some(format!("free {at}"))),
        ]);
        let mut expected = vec![Profile::default(); 5];
        expected[0].add_rows(10, 7);
        (0..3).for_each(|_| expected[0].add_number(1.5, 1));
        (0..4).for_each(|_| expected[0].add_number(2.0, 1));
        expected[1].add_rows(10, 10);
        expected[1].add_day(0, 6);
        expected[1].add_day(365, 4);
        expected[2].add_rows(10, 10);
        expected[2].add_text("left", 9);
        expected[2].add_text("right", 1);
        expected[3].add_rows(10, 5);
        expected[3].add_text("true", 1);
        expected[3].add_text("false", 4);
        expected[4].add_rows(10, 10);
        assert_eq!(profiles, expected);

        let statistics: Vec<_> = metadata.row_group(0).columns().iter().map(|c| c.statistics().cloned()).collect();
        assert_eq!(statistics[0], Some(Statistics::double(Some(1.5), Some(2.0), None, Some(3), false)));
        assert_eq!(statistics[1], Some(Statistics::int32(Some(0), Some(365), None, Some(0), false)));
        assert_eq!(statistics[3], Some(Statistics::boolean(Some(false), Some(true), None, Some(5), false)));
        assert_eq!((&statistics[2], &statistics[4]), (&None, &None));
    }
}
