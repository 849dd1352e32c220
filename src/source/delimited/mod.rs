//! Delimited text (CSV and its relatives) as string columns with row and byte provenance.
//!
//! The way of a file: [`read_header`] finds its [`Dialect`] and columns from its first bytes;
//! [`index_file`] goes over it once and cuts it into [`ByteRange`]s; a
//! [`RangeReader`] for each range gives [`Rows`]. Index and reader share one record splitter
//! (`record`), so a row has the same number, position and flags however the file is cut. Nothing is
//! dropped: what is wrong with a row is a bit of [`flag`], and a flagged row keeps its whole text.

mod batch;
mod detect;
mod dialect;
mod encoding;
mod header;
mod index;
mod reader;
mod record;
mod scan;
mod stream;
mod write;
#[cfg(test)]
mod tests;

pub use batch::Rows;
pub use dialect::{Compression, Declared, Dialect, Evidence, LineEnd, SniffError, Sniffed, sniff};
pub use encoding::Encoding;
pub use header::{HEAD, Header, HeaderError, Layout, read_header};
pub use index::{ByteRange, FileIndex, IndexError, Tuning, index_file, index_with};
pub use reader::{RangeReader, ReadError};
pub use write::{plain_dialect, write_row};

/// The encoding of a text by its first bytes, and what the guess rests on; `whole` says that
/// nothing follows them.
pub fn guess_encoding(head: &[u8], whole: bool) -> (Encoding, String) {
    let found = detect::encoding(head, whole, None);
    (found.encoding, found.why)
}

pub use record::{MAX_RECORD, flag};
