//! Codes, texts and measurements: few distinct values, each written once.

use std::collections::HashMap;
use std::hash::Hash;

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::Float64Type;
use parquet::basic::Encoding;
use parquet::errors::Result;
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescPtr;

use super::chunk::{Chunk, Present, Zstd};
use super::packed::hybrid;
use super::{Column, Profile};

/// Distinct values up to which a dictionary is smaller than the values themselves.
const MOST_VALUES: usize = 1 << 15;
/// A text of at most so many bytes is its view (Arrow's columnar format, variable-size binary views).
const INLINE: u32 = 12;

/// Place in the dictionary of each value that is there.
struct Places<K> {
    present: Present,
    places: Vec<u32>,
    index: HashMap<K, u32, foldhash::fast::FixedState>,
    /// The values seen last, by a cheap hash: what repeats is found without a probe.
    recent: Vec<(K, u32)>,
}

const RECENT_BITS: u32 = 9;
const NOWHERE: u32 = u32::MAX;

impl<K: Copy + Default + Eq + Hash> Places<K> {
    fn new() -> Self {
        Places { present: Present::default(), places: vec![], index: HashMap::default(), recent: vec![(K::default(), NOWHERE); 1 << RECENT_BITS] }
    }

    /// Adds a value; `add` appends it to the dictionary where it is new, and gives its place there.
    #[inline]
    fn push(&mut self, key: K, hash: u64, add: impl FnOnce() -> usize) {
        let slot = (hash.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - RECENT_BITS)) as usize;
        let place = match self.recent.get(slot) {
            Some((known, place)) if *known == key && *place != NOWHERE => *place,
            _ => {
                let place = *self.index.entry(key).or_insert_with(|| u32::try_from(add()).unwrap_or(NOWHERE));
                if let Some(slot) = self.recent.get_mut(slot) {
                    *slot = (key, place);
                }
                place
            }
        };
        self.places.push(place);
    }

    fn memory_size(&self) -> usize {
        self.present.memory_size() + self.places.capacity() * 4 + self.index.capacity() * (size_of::<K>() + 8)
    }
}

/// Rows of each value of the dictionary.
fn counts(places: &[u32], distinct: usize) -> Vec<u64> {
    let mut counts = vec![0; distinct];
    for place in places {
        if let Some(count) = counts.get_mut(*place as usize) {
            *count += 1;
        }
    }
    counts
}

/// The chunk of a dictionary `list` and the places in it; `plain` writes a value as PLAIN.
fn close<K, T>(column: ColumnDescPtr, places: Places<K>, list: &[T], plain: impl Fn(&T, &mut Vec<u8>), zstd: &mut Zstd) -> Result<Chunk> {
    let mut chunk = Chunk::new(column, Encoding::RLE_DICTIONARY);
    let present = places.present.finish();
    if list.len() <= MOST_VALUES {
        let mut values = vec![];
        list.iter().for_each(|value| plain(value, &mut values));
        chunk.dictionary(zstd, &values, list.len())?;
        let width = (usize::BITS - list.len().saturating_sub(1).leading_zeros()).max(1);
        chunk.page(zstd, &present, |out| {
            out.push(width as u8);
            hybrid(&places.places, width, out);
        })?;
    } else {
        chunk.set_encoding(Encoding::PLAIN);
        chunk.page(zstd, &present, |out| places.places.iter().filter_map(|at| list.get(*at as usize)).for_each(|value| plain(value, out)))?;
    }
    Ok(chunk)
}

/// A column of texts.
pub struct Texts {
    column: ColumnDescPtr,
    /// Codes are counted by value; other texts may name a person, and are not.
    counted: bool,
    list: Vec<Box<str>>,
    bytes: usize,
    short: Places<u128>,
    long: HashMap<Box<str>, u32, foldhash::fast::FixedState>,
}

impl Texts {
    pub fn new(column: ColumnDescPtr, counted: bool) -> Self {
        Texts { column, counted, list: vec![], bytes: 0, short: Places::new(), long: HashMap::default() }
    }

    fn push_long(&mut self, text: &str) {
        let place = match self.long.get(text) {
            Some(place) => *place,
            None => {
                let place = u32::try_from(self.list.len()).unwrap_or(NOWHERE);
                self.list.push(text.into());
                self.bytes += text.len() * 2;
                self.long.insert(text.into(), place);
                place
            }
        };
        self.short.places.push(place);
    }
}

impl Column for Texts {
    fn add(&mut self, array: &ArrayRef, _: &mut Zstd) -> Result<()> {
        let array = array.as_string_view();
        self.short.present.add(array);
        let nulls = array.nulls().filter(|n| n.null_count() > 0);
        for (at, view) in array.views().iter().enumerate() {
            if nulls.is_some_and(|n| n.is_null(at)) {
                continue;
            }
            // Up to twelve bytes the view is the text itself; in a longer one it is a place in a buffer.
            if *view as u32 <= INLINE {
                let list = &mut self.list;
                self.short.push(*view, (*view as u64).rotate_left(17) ^ (*view >> 64) as u64, || {
                    list.push(array.value(at).into());
                    list.len() - 1
                });
            } else {
                self.push_long(array.value(at));
            }
        }
        Ok(())
    }

    fn memory_size(&self) -> usize {
        self.short.memory_size() + self.bytes + self.list.capacity() * size_of::<Box<str>>() + self.long.capacity() * 24
    }

    fn close(self: Box<Self>, zstd: &mut Zstd, profile: &mut Profile) -> Result<Chunk> {
        profile.add_rows(self.short.present.rows(), self.short.places.len());
        if self.counted {
            self.list.iter().zip(counts(&self.short.places, self.list.len())).for_each(|(text, n)| profile.add_text(text, n));
        }
        close(self.column, self.short, &self.list, |text, out| {
            out.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
            out.extend_from_slice(text.as_bytes());
        }, zstd)
    }
}

/// A column of numbers, told apart by their bits: a NaN is one value, and minus zero is not zero.
pub struct Numbers {
    column: ColumnDescPtr,
    list: Vec<f64>,
    places: Places<u64>,
}

impl Numbers {
    pub fn new(column: ColumnDescPtr) -> Self {
        Numbers { column, list: vec![], places: Places::new() }
    }
}

impl Column for Numbers {
    fn add(&mut self, array: &ArrayRef, _: &mut Zstd) -> Result<()> {
        let array = array.as_primitive::<Float64Type>();
        self.places.present.add(array);
        let nulls = array.nulls().filter(|n| n.null_count() > 0);
        for (at, value) in array.values().iter().enumerate() {
            if nulls.is_some_and(|n| n.is_null(at)) {
                continue;
            }
            let (bits, list) = (value.to_bits(), &mut self.list);
            self.places.push(bits, bits ^ bits >> 32, || {
                list.push(*value);
                list.len() - 1
            });
        }
        Ok(())
    }

    fn memory_size(&self) -> usize {
        self.places.memory_size() + self.list.capacity() * 8
    }

    fn close(self: Box<Self>, zstd: &mut Zstd, profile: &mut Profile) -> Result<Chunk> {
        let (rows, filled) = (self.places.present.rows(), self.places.places.len());
        profile.add_rows(rows, filled);
        self.list.iter().zip(counts(&self.places.places, self.list.len())).for_each(|(value, n)| profile.add_number(*value, n));
        let statistics = statistics(&self.list, (rows - filled) as u64);
        let mut chunk = close(self.column, self.places, &self.list, |value, out| out.extend_from_slice(&value.to_le_bytes()), zstd)?;
        chunk.set_statistics(statistics);
        Ok(chunk)
    }
}

/// Least and greatest; none where there is a NaN (format: `ColumnOrder`, TypeDefinedOrder), and a
/// zero bound stands for both zeros.
fn statistics(list: &[f64], nulls: u64) -> Option<Statistics> {
    if list.iter().any(|v| v.is_nan()) {
        return None;
    }
    let low = list.iter().copied().reduce(f64::min).map(|v| if v == 0.0 { -0.0 } else { v });
    let high = list.iter().copied().reduce(f64::max).map(|v| if v == 0.0 { 0.0 } else { v });
    Some(Statistics::double(low, high, None, Some(nulls), false))
}
