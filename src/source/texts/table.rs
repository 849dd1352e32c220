//! Rows of a CSV file for formats that are CSV with a meaning of their own: header, cells, and what is wrong with a row.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::rc::Rc;

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::charset::{Charset, guess, not_text};
use super::options::{text, wrong};
use super::record::{Failure, Options};

/// Bytes of a row; a quote that never closes would take the rest of the file.
const MAX_ROW: usize = 16 << 20;
const MAX_COLUMNS: usize = 100_000;
/// Bytes by which delimiter and encoding are found.
const HEAD: u64 = 1 << 20;
const DELIMITERS: [u8; 5] = [b',', b';', b'\t', b'|', b'^'];

/// What was read of the file and not given up yet: the row at hand and what the reader has ahead.
#[derive(Default)]
struct Window {
    bytes: Vec<u8>,
    /// Where they begin in the file.
    base: u64,
    /// Where the row at hand begins.
    keep: u64,
}

impl Window {
    /// The bytes from one place of the file to another.
    fn slice(&self, from: u64, to: u64) -> &[u8] {
        let at = |place: u64| usize::try_from(place.saturating_sub(self.base)).unwrap_or(usize::MAX).min(self.bytes.len());
        self.bytes.get(at(from)..at(to)).unwrap_or_default()
    }
}

/// Shows what it reads in a window, which takes no row beyond bounds.
struct Bounded {
    file: File,
    window: Rc<RefCell<Window>>,
}

impl Read for Bounded {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut window = self.window.borrow_mut();
        let done = window.bytes.len().saturating_sub(window.slice(window.keep, u64::MAX).len());
        window.bytes.drain(..done);
        window.base = window.base.saturating_add(done as u64);
        if window.bytes.len() > MAX_ROW {
            return Err(io::Error::other(format!("a row is longer than {MAX_ROW} bytes: a quote that opens a cell may never close")));
        }
        let read = self.file.read(buf)?;
        window.bytes.extend_from_slice(buf.get(..read).unwrap_or_default());
        Ok(read)
    }
}

/// A row as read.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// The header is row 1.
    pub number: u64,
    pub byte: u64,
    /// As many as there are columns.
    pub cells: Vec<String>,
    /// It has as many cells as the header, and all its bytes mean something.
    pub sound: bool,
    /// Its cells as the file has them.
    raw: ByteRecord,
    /// The byte behind it.
    end: u64,
}

/// A CSV file with a header.
pub struct Table {
    reader: Reader<Bounded>,
    window: Rc<RefCell<Window>>,
    /// Given, or shown by the first cell beyond ASCII.
    charset: Option<Charset>,
    pub columns: Vec<String>,
    pub evidence: Vec<String>,
    done: u64,
}

fn delimiter(options: &Options) -> Result<Option<u8>, Failure> {
    let given = text(options, "delimiter")?;
    Ok(match given.as_deref() {
        None => None,
        Some("tab" | "\\t" | "\t") => Some(b'\t'),
        Some(other) => match other.as_bytes() {
            [one] if one.is_ascii() && !matches!(one, b'"' | b'\r' | b'\n') => Some(*one),
            _ => return Err(wrong("delimiter", "it is one character, or `tab`")),
        },
    })
}

/// The delimiter that the first line has most often, outside quotes.
fn likely(first: &[u8]) -> u8 {
    let mut counts = [0_usize; DELIMITERS.len()];
    let mut quoted = false;
    for byte in first {
        match byte {
            b'"' => quoted = !quoted,
            b'\r' | b'\n' if !quoted => break,
            _ if !quoted => {
                if let Some(count) = DELIMITERS.iter().position(|d| d == byte).and_then(|i| counts.get_mut(i)) {
                    *count = count.saturating_add(1);
                }
            }
            _ => {}
        }
    }
    let most = counts.iter().max().copied().unwrap_or(0);
    DELIMITERS.iter().zip(counts).find(|(_, count)| *count == most).map_or(b',', |(d, _)| *d)
}

fn unreadable(error: &io::Error) -> Failure {
    Failure::Unreadable(error.to_string())
}

impl Table {
    /// Opens a file and reads its header. Of the options it takes `delimiter` and `encoding`.
    ///
    /// # Errors
    /// When it cannot be read, is empty or no text.
    pub fn open(path: &Path, options: &Options) -> Result<Self, Failure> {
        let declared = match text(options, "encoding")? {
            Some(label) => Some(Charset::from_label(&label).ok_or_else(|| wrong("encoding", format!("`{label}` is no character set that can be read here")))?),
            None => None,
        };
        let given = delimiter(options)?;
        let mut first = vec![];
        File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut first)).map_err(|e| unreadable(&e))?;
        let whole = (first.len() as u64) < HEAD;
        if whole && first.iter().all(u8::is_ascii_whitespace) {
            return Err(Failure::Empty);
        }
        if let Some(is) = not_text(&first) {
            return Err(Failure::NotThis { is: is.into(), help: "a CSV file is wanted".into() });
        }
        let marked = first.starts_with(b"\xEF\xBB\xBF");
        let charset = if marked { Some(Charset::Utf8) } else { declared.or_else(|| (whole || !first.is_ascii()).then(|| guess(&first, whole))) };
        let delimiter = given.unwrap_or_else(|| likely(&first));
        let window = Rc::new(RefCell::new(Window::default()));
        let file = File::open(path).map_err(|e| unreadable(&e))?;
        let bounded = Bounded { file, window: Rc::clone(&window) };
        let reader = ReaderBuilder::new().delimiter(delimiter).flexible(true).has_headers(false).buffer_capacity(256 << 10).from_reader(bounded);
        let mut table = Table { reader, window, charset, columns: vec![], evidence: vec![], done: 0 };
        let mut row = Row::default();
        if !table.read(&mut row)? {
            return Err(Failure::Empty);
        }
        if row.raw.len() > MAX_COLUMNS {
            return Err(Failure::Head(format!("its header has more than {MAX_COLUMNS} cells")));
        }
        table.columns = row.cells.iter().map(|cell| cell.trim().to_owned()).collect();
        let shown = match delimiter {
            b'\t' => "tab".to_owned(),
            other => format!("`{}`", char::from(other)),
        };
        table.evidence.push(format!("delimiter: {shown} ({})", if given.is_some() { "declared" } else { "the most frequent in the header" }));
        if let Some(charset) = table.charset {
            let why = if marked { "byte order mark" } else if declared.is_some() { "declared" } else { "by the bytes at the beginning" };
            table.evidence.push(format!("encoding: {} ({why})", charset.label()));
        }
        Ok(table)
    }

    /// Names that the header has twice.
    pub fn duplicates(&self) -> Vec<String> {
        let (mut seen, mut twice) = (HashSet::new(), HashSet::new());
        self.columns.iter().filter(|name| !seen.insert(*name) && twice.insert(*name)).cloned().collect()
    }

    /// Reads the next row with a cell for each column; `false` at the end.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn next(&mut self, row: &mut Row) -> Result<bool, Failure> {
        if !self.read(row)? {
            return Ok(false);
        }
        row.sound &= row.raw.len() == self.columns.len();
        row.cells.resize(self.columns.len(), String::new());
        Ok(true)
    }

    /// Bytes read since this was asked last.
    pub fn progress(&mut self) -> u64 {
        let at = self.reader.position().byte();
        at.saturating_sub(std::mem::replace(&mut self.done, at))
    }

    fn read(&mut self, row: &mut Row) -> Result<bool, Failure> {
        let begin = self.reader.position().byte();
        self.window.borrow_mut().keep = begin;
        let place = self.reader.position().record().saturating_add(1);
        let more = self.reader.read_byte_record(&mut row.raw).map_err(|error| match error.into_kind() {
            csv::ErrorKind::Io(error) => Failure::Unreadable(format!("row {place}: {error}")),
            _ => Failure::Unreadable(format!("row {place} cannot be read")),
        })?;
        row.number = place;
        row.end = self.reader.position().byte();
        // The reader leaves the LF of a CRLF, and blank lines, before the next row.
        let ends = self.window.borrow().slice(begin, row.end).iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
        row.byte = begin.saturating_add(ends as u64);
        row.sound = true;
        // Cells that no column is for are in the raw text alone.
        row.cells.resize(row.raw.len().min(MAX_COLUMNS), String::new());
        for (cell, bytes) in row.cells.iter_mut().zip(&row.raw) {
            cell.clear();
            match std::str::from_utf8(bytes) {
                Ok(text) if text.is_ascii() => cell.push_str(text),
                _ => {
                    let (text, bad) = self.charset.get_or_insert_with(|| guess(bytes, true)).decode(bytes);
                    cell.push_str(&text);
                    row.sound &= !bad;
                }
            }
        }
        Ok(more)
    }

    /// The text of the row that was read last, for people.
    pub fn raw(&self, row: &Row) -> String {
        let window = self.window.borrow();
        let text = self.charset.unwrap_or(Charset::Utf8).decode(window.slice(row.byte, row.end)).0;
        text.trim_end_matches(['\r', '\n']).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::collect::{file, options};
    use super::super::record::Failure;
    use super::{Row, Table};

    #[test]
    fn rows_with_their_places() {
        let csv = file(b"\xEF\xBB\xBFa;b,b\r\n\"x\r\ny\";\xC3\xA9\r\n\r\n1\n1;2;3\n\xE9;2\n");
        let mut table = Table::open(csv.path(), &options(r#"{"delimiter": ";"}"#)).expect("a table");
        assert_eq!(table.columns, ["a", "b,b"]);
        let (mut row, mut rows) = (Row::default(), vec![]);
        while table.next(&mut row).expect("a row") {
            rows.push((row.number, row.byte, row.cells.join("|"), row.sound, table.raw(&row)));
        }
        let wanted = [(2, 10, "x\r\ny|é", true, "\"x\r\ny\";é"), (3, 23, "1|", false, "1"), (4, 25, "1|2", false, "1;2;3"), (5, 31, "\u{FFFD}|2", false, "\u{FFFD};2")];
        assert_eq!(rows, wanted.map(|(n, b, c, s, r)| (n, b, c.to_owned(), s, r.to_owned())));
    }

    #[test]
    fn delimiters_and_encodings() {
        let columns = |bytes: &[u8], json: &str| Table::open(file(bytes).path(), &options(json)).map(|t| t.columns);
        assert_eq!(columns(b"\"a;;;b\",c\n", "{}").expect("a table"), ["a;;;b", "c"]);
        assert_eq!(columns(b"a\tb\n", "{}").expect("a table"), ["a", "b"]);
        assert_eq!(columns(b"a^b\n", "{}").expect("a table"), ["a", "b"]);
        assert_eq!(columns(b"a;b\n", r#"{"delimiter": ","}"#).expect("a table"), ["a;b"]);
        assert_eq!(columns(b"\xE9,\x80\n", "{}").expect("a table"), ["é", "€"]);
        assert_eq!(columns(b"\xA4\n", r#"{"encoding": "latin9"}"#).expect("a table"), ["€"]);
        assert_eq!(columns(b"\n", "{}"), Err(Failure::Empty));
        assert!(matches!(columns(&vec![b','; 3_000_000], "{}"), Err(Failure::Head(_))));
        let twice = Table::open(file(b"a,b,a,a,b,c\n").path(), &options("{}")).expect("a table");
        assert_eq!(twice.duplicates(), ["a", "b"]);
        assert!(matches!(columns(b"PK\x03\x04", "{}"), Err(Failure::NotThis { .. })));
        assert!(matches!(columns(b"a", r#"{"delimiter": ",,"}"#), Err(Failure::Option { .. })));
    }
}
