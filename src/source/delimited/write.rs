//! Rows of cells as delimited text that the reader takes back cell by cell: UTF-8, commas, every
//! cell quoted. For rows that are given as cells and not as bytes.

use std::io::{self, Write};

use crate::config::Spanned;
use crate::config::mapping::{Dialect, LineEnd};
use crate::diagnostic::Span;

/// The dialect of [`write_row`], as a mapping at `span` would declare it.
pub fn plain_dialect(span: Span) -> Dialect {
    Dialect {
        encoding: Some(Spanned::new("utf-8".to_owned(), span)),
        delimiter: Some(Spanned::new(b',', span)),
        quote: Some(Some(b'"')),
        line_end: Some(LineEnd::Lf),
        header: Some(true),
        ..Dialect::default()
    }
}

/// Writes one record.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_row<'a>(out: &mut impl Write, cells: impl IntoIterator<Item = &'a str>) -> io::Result<()> {
    for (at, cell) in cells.into_iter().enumerate() {
        out.write_all(if at == 0 { b"\"" } else { b",\"" })?;
        for (part, text) in cell.split('"').enumerate() {
            if part > 0 {
                out.write_all(b"\"\"")?;
            }
            out.write_all(text.as_bytes())?;
        }
        out.write_all(b"\"")?;
    }
    out.write_all(b"\n")
}
