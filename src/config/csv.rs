//! CSV as people write it by hand or save it from a spreadsheet, each cell with its place.
//!
//! For documents of a project, which are UTF-8, short and right as a whole or not at all; exports
//! are read by [`crate::source`]. The delimiter is the one under which the header makes sense.

use std::ops::Range;

use super::read::{Name, Spanned};
use crate::diagnostic::{Diagnostic, FileId, Span, code};

/// A table with a header. Cells and names are trimmed, names in lower case.
#[derive(Debug)]
pub struct Sheet {
    pub columns: Vec<Name>,
    pub rows: Vec<Row>,
    /// The header's place.
    pub header: Span,
}

/// A row that is not empty; as many cells as there are columns.
#[derive(Debug)]
pub struct Row {
    pub cells: Vec<Name>,
    pub span: Span,
}

impl Sheet {
    /// Where a column stands.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.value == name)
    }
}

/// Reads a table; `telling` is a column that the header has under the right delimiter, under its
/// own name or the one that `renamed` gives it.
///
/// # Errors
/// A finding: a quote that is never closed, a row of another length, no header.
pub fn read(text: &str, file: FileId, telling: &str, renamed: &[(String, Name)]) -> Result<Sheet, Box<Diagnostic>> {
    let telling = renamed.iter().find(|(ours, _)| ours == telling).map_or(telling.to_owned(), |(_, theirs)| theirs.value.to_lowercase());
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let tells = |delimiter: &u8| first.split(char::from(*delimiter)).any(|name| name.trim().trim_matches('"').trim().to_lowercase() == telling);
    let often = |delimiter: &u8| first.bytes().filter(|b| b == delimiter).count();
    let all = [b'\t', b';', b','];
    // The last of those that are equally frequent: the comma.
    let delimiter = all.iter().filter(|d| tells(d)).max_by_key(|d| often(d)).or(all.iter().max_by_key(|d| often(d))).copied().unwrap_or(b',');
    let mut records = records(text, delimiter).map_err(|at| {
        Box::new(Diagnostic::error(code::CODES_FILE, Span::new(file, at..at + 1), "this quote is never closed").label("the cell begins here"))
    })?;
    records.retain(|cells| cells.iter().any(|cell| !text[cell.clone()].trim().is_empty()));
    let mut records = records.into_iter().map(|cells| row(text, file, &cells));
    let Some(Row { cells: mut columns, span: header }) = records.next() else {
        return Err(Box::new(Diagnostic::error(code::CODES_FILE, Span::new(file, 0..0), "the table of codes is empty").label("not even a header is here")));
    };
    columns.iter_mut().for_each(|c| c.value = c.value.to_lowercase());
    // A spreadsheet may end every line with delimiters of empty columns.
    while columns.last().is_some_and(|c| c.value.is_empty()) {
        columns.pop();
    }
    let mut rows = vec![];
    for mut row in records {
        while row.cells.len() > columns.len() && row.cells.last().is_some_and(|c| c.value.is_empty()) {
            row.cells.pop();
        }
        if row.cells.len() != columns.len() {
            let cells = |n: usize| if n == 1 { "1 cell".to_owned() } else { format!("{n} cells") };
            return Err(Box::new(
                Diagnostic::error(code::CODES_FILE, row.span, format!("this row has {}, the header has {}", cells(row.cells.len()), columns.len()))
                    .label("another number of cells")
                    .related(header, "the header")
                    .help("a cell that holds the delimiter stands in double quotes"),
            ));
        }
        rows.push(row);
    }
    Ok(Sheet { columns, rows, header })
}

fn row(text: &str, file: FileId, cells: &[Range<usize>]) -> Row {
    let cell = |range: &Range<usize>| {
        let raw = &text[range.clone()];
        let trimmed = raw.trim();
        let start = range.start + (raw.len() - raw.trim_start().len());
        let mut span = Span::new(file, start..start + trimmed.len());
        let inner = trimmed.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
        let Some(inner) = inner else { return Spanned::new(trimmed.to_owned(), span) };
        (span.start, span.end) = (span.start + 1, span.end - 1);
        Spanned::new(inner.replace("\"\"", "\"").trim().to_owned(), span)
    };
    let end = cells.last().map_or(0, |c| c.end);
    Row { cells: cells.iter().map(cell).collect(), span: Span::new(file, cells.first().map_or(0, |c| c.start)..end) }
}

/// The cells of each record, by their bytes, quotes included.
///
/// # Errors
/// Where a quote opens that is never closed.
fn records(text: &str, delimiter: u8) -> Result<Vec<Vec<Range<usize>>>, usize> {
    let bytes = text.as_bytes();
    let (mut records, mut cells, mut start, mut at) = (vec![], vec![], 0, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'"' if text[start..at].trim().is_empty() => {
                let opened = at;
                at += 1;
                loop {
                    match bytes.get(at) {
                        None => return Err(opened),
                        Some(b'"') if bytes.get(at + 1) == Some(&b'"') => at += 2,
                        Some(b'"') => break,
                        Some(_) => at += 1,
                    }
                }
                at += 1;
            }
            b'\n' | b'\r' => {
                cells.push(start..at);
                records.push(std::mem::take(&mut cells));
                at += 1;
                start = at;
            }
            byte => {
                at += 1;
                if byte == delimiter {
                    cells.push(start..at - 1);
                    start = at;
                }
            }
        }
    }
    if start < bytes.len() || !cells.is_empty() {
        cells.push(start..bytes.len());
        records.push(cells);
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(text: &str) -> Result<Sheet, String> {
        read(text, FileId(0), "code", &[]).map_err(|d| d.message)
    }

    #[test]
    fn quotes_delimiters_and_places() {
        let text = "Code ; TARGET;;\r\n\r\n\"a;\"\"b\"\"\" ; x;;\r\n é;\"1\n2\";;";
        let sheet = sheet(text).expect("a table");
        assert_eq!(sheet.columns.iter().map(|c| c.value.as_str()).collect::<Vec<_>>(), ["code", "target"]);
        let cells: Vec<Vec<&str>> = sheet.rows.iter().map(|r| r.cells.iter().map(|c| c.value.as_str()).collect()).collect();
        assert_eq!(cells, [["a;\"b\"", "x"], ["é", "1\n2"]]);
        let at = sheet.rows[1].cells[0].span;
        assert_eq!(&text[at.start..at.end], "é");
    }

    #[test]
    fn the_header_chooses_the_delimiter() {
        assert_eq!(sheet("label;a;b,code,c\n1;1;1,2,3\n").expect("a table").column("code"), Some(1));
        assert_eq!(sheet("code\nA\nB\n").expect("a table").rows.len(), 2);
    }

    #[test]
    fn what_is_not_a_table() {
        assert_eq!(sheet("").err().as_deref(), Some("the table of codes is empty"));
        assert_eq!(sheet("code,target\nA\n").err().as_deref(), Some("this row has 1 cell, the header has 2"));
        assert_eq!(sheet("code,target\nA,\"b\n").err().as_deref(), Some("this quote is never closed"));
    }
}
