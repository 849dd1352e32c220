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

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::write_row;

    proptest! {
        #[test]
        fn another_reader_finds_the_same_cells(rows in proptest::collection::vec(proptest::collection::vec("[a\",;\n é]{0,6}", 3), 0..5)) {
            let mut text = vec![];
            for row in &rows {
                write_row(&mut text, row.iter().map(String::as_str)).unwrap();
            }
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_slice());
            let found: Vec<Vec<String>> = reader.records().map(|r| r.unwrap().iter().map(str::to_owned).collect()).collect();
            assert_eq!(found, rows);
        }
    }
}
