//! Yes and no: one bit a value.

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanBufferBuilder};
use datafusion::arrow::buffer::BooleanBuffer;
use parquet::basic::Encoding;
use parquet::errors::Result;
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescPtr;

use super::chunk::{Chunk, Present, Zstd};
use super::{Column, Profile};

/// A column of truth values.
pub struct Flags {
    column: ColumnDescPtr,
    present: Present,
    /// One per row, false where there is no value.
    values: BooleanBufferBuilder,
}

impl Flags {
    pub fn new(column: ColumnDescPtr) -> Self {
        Flags { column, present: Present::default(), values: BooleanBufferBuilder::new(0) }
    }
}

impl Column for Flags {
    fn add(&mut self, array: &ArrayRef, _: &mut Zstd) -> Result<()> {
        let array = array.as_boolean();
        self.present.add(array);
        match array.nulls() {
            Some(nulls) => self.values.append_buffer(&(array.values() & nulls.inner())),
            None => self.values.append_buffer(array.values()),
        }
        Ok(())
    }

    fn memory_size(&self) -> usize {
        self.present.memory_size() + self.values.capacity() / 8
    }

    fn close(mut self: Box<Self>, zstd: &mut Zstd, profile: &mut Profile) -> Result<Chunk> {
        let (present, values) = (self.present.finish(), self.values.finish());
        let (filled, yes) = (present.count_set_bits(), values.count_set_bits());
        profile.add_rows(present.len(), filled);
        profile.add_text("true", yes as u64);
        profile.add_text("false", (filled - yes) as u64);
        let mut chunk = Chunk::new(self.column, Encoding::PLAIN);
        let bounds = (filled > 0).then_some((yes == filled, yes > 0));
        chunk.set_statistics(Some(Statistics::boolean(bounds.map(|b| b.0), bounds.map(|b| b.1), None, Some((present.len() - filled) as u64), false)));
        chunk.page(zstd, &present, |out| closed_up(&values, &present, out))?;
        Ok(chunk)
    }
}

/// The bits of `values` where `present` is set, one after another, least significant first.
fn closed_up(values: &BooleanBuffer, present: &BooleanBuffer, out: &mut Vec<u8>) {
    let mut room = BooleanBufferBuilder::new(present.len());
    for (from, to) in present.set_slices() {
        room.append_buffer(&values.slice(from, to - from));
    }
    let bits = room.len().div_ceil(8);
    out.extend_from_slice(room.as_slice().get(..bits).unwrap_or_default());
}
