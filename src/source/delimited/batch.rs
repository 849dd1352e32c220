//! Rows as Arrow columns whose cells point into the bytes they were read from.
//!
//! A string view holds a cell of up to twelve bytes itself and otherwise says where its bytes are.
//! So a cell is copied only if it must be changed: quotes taken out, or bytes decoded. Those go into
//! a side buffer of the batch. A batch keeps the blocks its views point into and no others, and is
//! closed early when they grow large, so that a column of scanned letters cannot fill the memory.

use std::sync::Arc;

use arrow::array::{Array, StringViewArray};
use arrow::buffer::{Buffer, NullBuffer, ScalarBuffer};

use super::encoding::Codec;
use super::record::{Cells, HAS_QUOTED, Splitter, flag};

/// Zero bytes behind a block's data, so that sixteen bytes can be loaded from any position in it.
pub(super) const PAD: usize = 16;

/// A batch is closed when it holds on to more bytes than this.
const BATCH_BYTES: usize = 32 << 20;

/// Rows of one file, in its order.
#[derive(Clone, Debug)]
pub struct Rows {
    /// The wanted columns, in the wanted order. Null: the row has no such cell.
    pub columns: Vec<StringViewArray>,
    /// Row numbers as a spreadsheet shows them.
    pub row: Vec<u64>,
    /// Where each record begins: in the bytes on disk; in the unpacked ones of a compressed file.
    pub byte: Vec<u64>,
    /// What is wrong with each row: bits of [`super::flag`].
    pub flags: Vec<u16>,
    /// The whole record as text, for flagged rows; null for all others.
    pub raw: StringViewArray,
}

impl Rows {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.row.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.row.is_empty()
    }
}

/// One block of the file and what is known about its bytes.
pub(super) struct Block {
    /// The data and `PAD` zero bytes.
    pub(super) buffer: Buffer,
    pub(super) len: usize,
    /// Up to here the bytes are text as they stand: ASCII, or valid UTF-8 in a UTF-8 file.
    text_to: usize,
    has_nul: bool,
}

impl Block {
    /// `bytes` ends in `PAD` zero bytes that are no data.
    pub(super) fn new(bytes: Vec<u8>, codec: &Codec) -> Self {
        let len = bytes.len().saturating_sub(PAD);
        let data = &bytes[..len];
        let text_to = match codec {
            Codec::Utf8 => match std::str::from_utf8(data) {
                Ok(_) => len,
                Err(error) => error.valid_up_to(),
            },
            Codec::Table(_) => encoding_rs::Encoding::ascii_valid_up_to(data),
        };
        let has_nul = memchr::memchr(0, data).is_some();
        Self { buffer: Buffer::from_vec(bytes), len, text_to, has_nul }
    }

    pub(super) fn data(&self) -> &[u8] {
        &self.buffer.as_slice()[..self.len]
    }
}

/// One wanted column of the batch being built.
struct Column {
    /// Position in the file, if the file has it.
    position: Option<usize>,
    views: Vec<u128>,
    nulls: Vec<usize>,
    /// Whether some view points into a buffer.
    long: bool,
}

impl Column {
    /// The view of a value that must be decoded first; it goes into the side buffer if it is long.
    fn decoded(&mut self, bytes: &[u8], codec: &Codec, decoded: &mut String, side: &mut Vec<u8>) -> u128 {
        decoded.clear();
        codec.decode_into(bytes, decoded);
        let value = decoded.as_bytes();
        if value.len() > INLINE {
            self.long = true;
            let start = side.len();
            side.extend_from_slice(value);
            view(side, start, value.len(), 0)
        } else {
            view(value, 0, value.len(), 0)
        }
    }
}

/// Records whose cells wait to be made views column by column; their cells fit the first-level cache.
const GROUP: usize = 64;

/// A record found by the splitter.
pub(super) struct Record {
    /// Where its cells begin in the batch's `cells`; they are the last ones.
    pub(super) cells: usize,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) row: u64,
    pub(super) byte: u64,
    pub(super) flags: u16,
}

/// A batch being built.
pub(super) struct Batch {
    columns: Vec<Column>,
    width: usize,
    rows: usize,
    row: Vec<u64>,
    byte: Vec<u64>,
    flags: Vec<u16>,
    raw: Vec<(usize, String)>,
    /// The blocks that views point into; block `i` is buffer `i + 1` of the arrays.
    blocks: Vec<Buffer>,
    /// Cells that had to be changed; buffer 0 of the arrays.
    side: Vec<u8>,
    held: usize,
    /// Number of rows when the last block was entered.
    entered_at: Option<usize>,
    unquoted: Vec<u8>,
    decoded: String,
    /// The cells of the last `waiting` records, each of which has `width` plain ones, and room for
    /// the splitter to append those of the next.
    pub(super) cells: Cells,
    waiting: usize,
    /// Whether some cell that waits has bytes to decode.
    mixed: bool,
}

impl Batch {
    pub(super) fn new(positions: &[Option<usize>], width: usize, rows: usize) -> Self {
        let column = |position: &Option<usize>| Column {
            position: *position,
            views: Vec::new(),
            nulls: Vec::new(),
            long: false,
        };
        Self {
            columns: positions.iter().map(column).collect(),
            width,
            rows,
            row: Vec::new(),
            byte: Vec::new(),
            flags: Vec::new(),
            raw: Vec::new(),
            blocks: Vec::new(),
            side: Vec::new(),
            held: 0,
            entered_at: None,
            unquoted: Vec::new(),
            decoded: String::new(),
            cells: Cells::default(),
            waiting: 0,
            mixed: false,
        }
    }

    /// Whether no row may be added.
    #[inline(always)]
    pub(super) fn is_full(&self) -> bool {
        self.row.len() >= self.rows || self.held + self.side.len() > BATCH_BYTES
    }

    pub(super) fn is_empty(&self) -> bool {
        self.row.is_empty()
    }

    /// From now on records lie in `block`.
    pub(super) fn enter(&mut self, block: &Block) {
        // A block that gave this batch no row, only the first half of one, is not to be held.
        if self.entered_at == Some(self.row.len())
            && let Some(unused) = self.blocks.pop()
        {
            self.held = self.held.saturating_sub(unused.len().saturating_sub(PAD));
        }
        self.entered_at = Some(self.row.len());
        self.held += block.len;
        self.blocks.push(block.buffer.clone());
    }

    /// Adds a record of the block entered last, whose cells are the last of `cells`.
    #[inline(always)]
    pub(super) fn push(&mut self, record: &Record, block: &Block, codec: &Codec, splitter: &Splitter) {
        let usual = record.flags == 0
            && self.cells.len() - record.cells == self.width
            && !block.has_nul
            && (record.end <= block.text_to || self.is_valid(record, block, codec));
        if usual {
            self.row.push(record.row);
            self.byte.push(record.byte);
            self.flags.push(0);
            self.waiting += 1;
            if self.waiting == GROUP {
                self.flush(block, codec);
            }
        } else {
            self.push_unusual(record, block, codec, splitter);
        }
    }

    /// Whether all bytes of the record have a meaning; if they must be decoded for it, remembers so.
    fn is_valid(&mut self, record: &Record, block: &Block, codec: &Codec) -> bool {
        let bytes = &block.data()[record.start..record.end];
        if bytes.is_ascii() {
            return true;
        }
        let valid = codec.is_valid(bytes);
        self.mixed |= valid && matches!(codec, Codec::Table(_));
        valid
    }

    /// Makes views of the cells that wait. Must be called before another block is entered.
    pub(super) fn flush(&mut self, block: &Block, codec: &Codec) {
        let (buffer, index) = (block.buffer.as_slice(), self.blocks.len() as u32);
        let cells = &self.cells.as_slice()[..self.waiting * self.width];
        // A record has at least one cell, so where the width is 0 none waits.
        let records = cells.chunks_exact(self.width.max(1));
        for column in &mut self.columns {
            match column.position {
                Some(position) if position < self.width && self.mixed => {
                    let (first, mut ascii) = (column.views.len(), true);
                    column.views.extend(records.clone().map(|record| {
                        let (start, end) = (record[position].start(), record[position].plain_end());
                        let made = view(buffer, start, end - start, index);
                        ascii &= is_ascii(made, buffer, start, end);
                        made
                    }));
                    // Few columns hold accents; those that do are gone over again.
                    for (i, record) in records.clone().enumerate() {
                        let (start, end) = (record[position].start(), record[position].plain_end());
                        column.long |= end - start > INLINE;
                        if !ascii && !is_ascii(column.views[first + i], buffer, start, end) {
                            column.views[first + i] =
                                column.decoded(&buffer[start..end], codec, &mut self.decoded, &mut self.side);
                        }
                    }
                }
                Some(position) if position < self.width => {
                    let mut longest = 0;
                    column.views.extend(records.clone().map(|record| {
                        let cell = record[position];
                        let len = cell.plain_end() - cell.start();
                        longest = longest.max(len);
                        view(buffer, cell.start(), len, index)
                    }));
                    column.long |= longest > INLINE;
                }
                Some(_) => {
                    let rows = column.views.len();
                    column.nulls.extend(rows..rows + self.waiting);
                    column.views.resize(rows + self.waiting, 0);
                }
                None => {}
            }
        }
        self.cells.clear();
        (self.waiting, self.mixed) = (0, false);
    }

    /// Adds a record that may need decoding, unquoting, flags or nulls.
    fn push_unusual(&mut self, record: &Record, block: &Block, codec: &Codec, splitter: &Splitter) {
        let mut flags = record.flags & !HAS_QUOTED;
        let cells = self.cells.split_off(record.cells);
        if cells.len() != self.width {
            flags |= if cells.len() < self.width { flag::TOO_FEW_CELLS } else { flag::TOO_MANY_CELLS };
        }
        let bytes = &block.data()[record.start..record.end];
        if block.has_nul && memchr::memchr(0, bytes).is_some() {
            flags |= flag::NUL_BYTE;
        }
        let mut text = true;
        if record.end > block.text_to {
            text = match codec {
                Codec::Utf8 => std::str::from_utf8(bytes).is_ok(),
                Codec::Table(_) => bytes.is_ascii(),
            };
            if !text && !codec.is_valid(bytes) {
                flags |= flag::INVALID_BYTES;
            }
        }
        self.flush(block, codec);
        let buffer = block.buffer.as_slice();
        let index = self.blocks.len() as u32;
        let row = self.row.len();
        for column in &mut self.columns {
            let Some(position) = column.position else { continue };
            let Some(cell) = cells.get(position) else {
                column.views.push(0);
                column.nulls.push(row);
                continue;
            };
            let (start, end) = (cell.start(), cell.end());
            let bytes = &buffer[start..end];
            if !cell.quoted() && (text || bytes.is_ascii()) {
                column.long |= end - start > INLINE;
                column.views.push(view(buffer, start, end - start, index));
                continue;
            }
            let bytes = if cell.quoted() {
                self.unquoted.clear();
                splitter.unquote(bytes, &mut self.unquoted);
                &self.unquoted
            } else {
                bytes
            };
            let made = column.decoded(bytes, codec, &mut self.decoded, &mut self.side);
            column.views.push(made);
        }
        self.row.push(record.row);
        self.byte.push(record.byte);
        self.flags.push(flags);
        if flags != 0 {
            let mut raw = String::new();
            codec.decode_into(bytes, &mut raw);
            self.held += raw.len();
            self.raw.push((row, raw));
        }
    }

    /// The rows, leaving an empty batch that keeps `block` as the one entered last.
    pub(super) fn finish(&mut self, block: Option<&Block>) -> Rows {
        let rows = self.row.len();
        let mut buffers = vec![Buffer::from_vec(std::mem::take(&mut self.side))];
        buffers.append(&mut self.blocks);
        let buffers: Arc<[Buffer]> = buffers.into();
        let none: Arc<[Buffer]> = Arc::new([]);
        let columns = self.columns.iter_mut().map(|column| {
            if column.position.is_none() {
                return StringViewArray::new_null(rows);
            }
            let views = ScalarBuffer::from(std::mem::replace(&mut column.views, Vec::with_capacity(rows)));
            let nulls = (!column.nulls.is_empty()).then(|| nulls(rows, &column.nulls));
            column.nulls.clear();
            let buffers = if std::mem::take(&mut column.long) { &buffers } else { &none };
            // SAFETY: `views` and `nulls` have one entry a row. Every view was made by `view` from a
            // range inside buffer `index` of `buffers` (it checks the range), and a view longer than
            // `INLINE` has set `long`, so the array has those buffers. The bytes are UTF-8: those
            // in the side buffer come from a `String`; those in a block are ASCII, or lie in a record
            // found valid as a whole, between two of its ends, ASCII delimiters or ASCII quotes.
            unsafe { StringViewArray::new_unchecked(views, Arc::clone(buffers), nulls) }
        });
        let columns = columns.collect();
        let raw = match self.raw.is_empty() {
            true => StringViewArray::new_null(rows),
            false => {
                let mut raw = std::mem::take(&mut self.raw).into_iter().peekable();
                (0..rows).map(|row| raw.next_if(|(at, _)| *at == row).map(|(_, text)| text)).collect()
            }
        };
        (self.held, self.entered_at) = (0, None);
        let rows = Rows {
            columns,
            row: std::mem::take(&mut self.row),
            byte: std::mem::take(&mut self.byte),
            flags: std::mem::take(&mut self.flags),
            raw,
        };
        debug_assert!(rows.columns.iter().all(|column| column.len() == rows.len()));
        if let Some(block) = block {
            self.enter(block);
        }
        rows
    }
}

/// Whether the bytes of `buffer` that `made` was made of are ASCII.
#[inline(always)]
fn is_ascii(made: u128, buffer: &[u8], start: usize, end: usize) -> bool {
    const HIGH: u128 = u128::from_le_bytes([0x80; 16]) << 32;
    if end - start <= INLINE { made & HIGH == 0 } else { buffer[start..end].is_ascii() }
}

fn nulls(rows: usize, at: &[usize]) -> NullBuffer {
    let mut valid = vec![true; rows];
    for row in at {
        valid[*row] = false;
    }
    NullBuffer::from(valid)
}

/// The longest value that a view holds itself.
const INLINE: usize = 12;

/// Keeps the lowest bytes of a word, by their number.
const MASKS: [u128; INLINE + 1] = {
    let mut masks = [0; INLINE + 1];
    let mut i = 1;
    while i <= INLINE {
        masks[i] = (masks[i - 1] << 8) | 0xFF;
        i += 1;
    }
    masks
};

/// The view of `len` bytes at `start` of `bytes`, which is buffer `index` of its array. An empty
/// view where there are no such bytes.
#[inline(always)]
fn view(bytes: &[u8], start: usize, len: usize, index: u32) -> u128 {
    let Some(rest) = bytes.get(start..).filter(|rest| len <= rest.len()) else { return 0 };
    let word = match rest.first_chunk::<16>() {
        Some(chunk) => u128::from_le_bytes(*chunk),
        None => {
            let mut chunk = [0; 16];
            chunk[..rest.len()].copy_from_slice(rest);
            u128::from_le_bytes(chunk)
        }
    };
    match MASKS.get(len) {
        Some(mask) => ((word & mask) << 32) | len as u128,
        None => (u128::from(word as u32) << 32) | len as u128 | (u128::from(index) << 64) | ((start as u128) << 96),
    }
}
