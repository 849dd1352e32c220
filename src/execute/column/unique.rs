//! Pseudonyms: texts of which no two are alike, and whose order means nothing.

use datafusion::arrow::array::{ArrayRef, AsArray};
use parquet::basic::Encoding;
use parquet::errors::Result;
use parquet::schema::types::ColumnDescPtr;

use super::chunk::{Chunk, Present, Zstd};
use super::packed::deltas;
use super::{Column, Profile};

/// Bytes of text in a page.
const PAGE: usize = 1 << 20;

/// A column of texts in the encoding `DELTA_LENGTH_BYTE_ARRAY`: all lengths, then all texts.
pub struct UniqueTexts {
    chunk: Chunk,
    present: Present,
    lengths: Vec<i64>,
    bytes: Vec<u8>,
    rows: usize,
    filled: usize,
}

impl UniqueTexts {
    pub fn new(column: ColumnDescPtr) -> Self {
        let chunk = Chunk::new(column, Encoding::DELTA_LENGTH_BYTE_ARRAY);
        UniqueTexts { chunk, present: Present::default(), lengths: vec![], bytes: vec![], rows: 0, filled: 0 }
    }

    fn end_page(&mut self, zstd: &mut Zstd) -> Result<()> {
        let present = std::mem::take(&mut self.present).finish();
        self.rows += present.len();
        self.filled += self.lengths.len();
        let (lengths, bytes) = (&self.lengths, &self.bytes);
        self.chunk.page(zstd, &present, |out| {
            deltas(lengths, out);
            out.extend_from_slice(bytes);
        })?;
        self.lengths.clear();
        self.bytes.clear();
        Ok(())
    }
}

impl Column for UniqueTexts {
    fn add(&mut self, array: &ArrayRef, zstd: &mut Zstd) -> Result<()> {
        let array = array.as_string_view();
        self.present.add(array);
        for text in array.iter().flatten() {
            self.lengths.push(text.len() as i64);
            self.bytes.extend_from_slice(text.as_bytes());
        }
        if self.bytes.len() >= PAGE { self.end_page(zstd) } else { Ok(()) }
    }

    fn memory_size(&self) -> usize {
        self.chunk.memory_size() + self.bytes.capacity() + self.lengths.capacity() * 8
    }

    fn close(mut self: Box<Self>, zstd: &mut Zstd, profile: &mut Profile) -> Result<Chunk> {
        if self.present.rows() > 0 {
            self.end_page(zstd)?;
        }
        profile.add_rows(self.rows, self.filled);
        Ok(self.chunk)
    }
}
