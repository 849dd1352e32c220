//! Counts, days, whole-number codes, points in time.

use datafusion::arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray};
use datafusion::arrow::datatypes::{Date32Type, Int64Type, TimestampMicrosecondType};
use parquet::basic::Encoding;
use parquet::errors::Result;
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescPtr;

use super::chunk::{Chunk, Present, Zstd};
use super::packed::{deltas, hybrid};
use super::{Column, Profile};

/// A column whose greatest and least value are closer than this has a dictionary that is found by
/// subtraction: 65,536 days are 179 years.
const NEAR: usize = 1 << 16;

const DAY: i64 = 86_400_000_000;

/// A type of whole numbers.
pub trait WholeType: ArrowPrimitiveType<Native: Into<i64> + TryFrom<i64> + Ord> + Send {
    /// Counts `n` rows of a value.
    fn count(value: i64, n: u64, profile: &mut Profile);
    fn statistics(bounds: Option<(i64, i64)>, nulls: u64) -> Statistics;
    /// One value in the encoding PLAIN.
    fn plain(value: i64, out: &mut Vec<u8>);
    /// Any values, and their encoding.
    fn wide(values: &[Self::Native], out: &mut Vec<u8>);
    const WIDE: Encoding;
}

macro_rules! of_eight_bytes {
    () => {
        fn statistics(bounds: Option<(i64, i64)>, nulls: u64) -> Statistics {
            Statistics::int64(bounds.map(|b| b.0), bounds.map(|b| b.1), None, Some(nulls), false)
        }

        fn plain(value: i64, out: &mut Vec<u8>) {
            out.extend_from_slice(&value.to_le_bytes());
        }

        fn wide(values: &[i64], out: &mut Vec<u8>) {
            deltas(values, out);
        }

        const WIDE: Encoding = Encoding::DELTA_BINARY_PACKED;
    };
}

impl WholeType for Int64Type {
    fn count(value: i64, n: u64, profile: &mut Profile) {
        profile.add_number(value as f64, n);
    }

    of_eight_bytes!();
}

impl WholeType for TimestampMicrosecondType {
    fn count(value: i64, n: u64, profile: &mut Profile) {
        profile.add_day(i32::try_from(value.div_euclid(DAY)).unwrap_or(0), n);
    }

    of_eight_bytes!();
}

impl WholeType for Date32Type {
    fn count(value: i64, n: u64, profile: &mut Profile) {
        profile.add_day(i32::try_from(value).unwrap_or(0), n);
    }

    fn statistics(bounds: Option<(i64, i64)>, nulls: u64) -> Statistics {
        let day = |value: i64| i32::try_from(value).ok();
        Statistics::int32(bounds.and_then(|b| day(b.0)), bounds.and_then(|b| day(b.1)), None, Some(nulls), false)
    }

    fn plain(value: i64, out: &mut Vec<u8>) {
        out.extend_from_slice(&(value as i32).to_le_bytes());
    }

    fn wide(values: &[i32], out: &mut Vec<u8>) {
        values.iter().for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
    }

    const WIDE: Encoding = Encoding::PLAIN;
}

/// A column of whole numbers.
pub struct Whole<T: WholeType> {
    column: ColumnDescPtr,
    present: Present,
    values: Vec<T::Native>,
}

impl<T: WholeType> Whole<T> {
    pub fn new(column: ColumnDescPtr) -> Self {
        Whole { column, present: Present::default(), values: vec![] }
    }
}

impl<T: WholeType> Column for Whole<T> {
    fn add(&mut self, array: &ArrayRef, _: &mut Zstd) -> Result<()> {
        let array = array.as_primitive::<T>();
        self.present.add(array);
        match array.nulls().filter(|n| n.null_count() > 0) {
            None => self.values.extend_from_slice(array.values()),
            Some(nulls) => {
                // Every value is put where the next one belongs, which moves on only behind one that is there.
                let from = self.values.len();
                self.values.resize(from + array.len(), T::default_value());
                let room = self.values.get_mut(from..).unwrap_or_default();
                let mut next = 0;
                for (value, valid) in array.values().iter().zip(nulls) {
                    if let Some(slot) = room.get_mut(next) {
                        *slot = *value;
                    }
                    next += usize::from(valid);
                }
                self.values.truncate(from + next);
            }
        }
        Ok(())
    }

    fn memory_size(&self) -> usize {
        self.present.memory_size() + self.values.capacity() * size_of::<T::Native>()
    }

    fn close(self: Box<Self>, zstd: &mut Zstd, profile: &mut Profile) -> Result<Chunk> {
        let Whole { column, present, values } = *self;
        let (rows, present) = (present.rows(), present.finish());
        profile.add_rows(rows, values.len());
        let bounds = values.iter().min().zip(values.iter().max()).map(|(low, high)| ((*low).into(), (*high).into()));
        let mut chunk = Chunk::new(column, T::WIDE);
        chunk.set_statistics(Some(T::statistics(bounds, (rows - values.len()) as u64)));
        let (low, high) = bounds.unwrap_or_default();
        match high.checked_sub(low).and_then(|span| usize::try_from(span).ok()).filter(|span| *span < NEAR) {
            Some(span) => {
                let offset = |value: &T::Native| (*value).into().wrapping_sub(low) as usize;
                let mut ranks = vec![0_u32; span + 1];
                for value in &values {
                    if let Some(count) = ranks.get_mut(offset(value)) {
                        *count += 1;
                    }
                }
                let (mut dictionary, mut distinct) = (vec![], 0);
                for (value, slot) in (low..).zip(&mut ranks).filter(|(_, count)| **count > 0) {
                    T::count(value, u64::from(*slot), profile);
                    T::plain(value, &mut dictionary);
                    *slot = distinct;
                    distinct += 1;
                }
                chunk.set_encoding(Encoding::RLE_DICTIONARY);
                chunk.dictionary(zstd, &dictionary, distinct as usize)?;
                let width = (u32::BITS - distinct.saturating_sub(1).leading_zeros()).max(1);
                let places: Vec<u32> = values.iter().map(|value| ranks.get(offset(value)).copied().unwrap_or_default()).collect();
                chunk.page(zstd, &present, |out| {
                    out.push(width as u8);
                    hybrid(&places, width, out);
                })?;
            }
            None => {
                values.iter().for_each(|value| T::count((*value).into(), 1, profile));
                chunk.page(zstd, &present, |out| T::wide(&values, out))?;
            }
        }
        Ok(chunk)
    }
}
