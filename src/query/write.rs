//! Writes queries one after the other: to the CSV at once, to the sheet row by row.
//!
//! A cell that begins as a formula does is a way into the site's computer, and much of what is written comes from files of
//! others. In the workbook every text is typed as text. A CSV has no types, so there such a text gets an apostrophe in front,
//! as OWASP advises ("CSV Injection"): it is the mark that a person would type for the same purpose, [`answers`] takes it off
//! again, and unlike a blank it survives a program that trims. Quotation marks alone would not do: Excel calculates what is in them.
//!
//! [`answers`]: super::answers

use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::sheet::Book;
use super::{Language, Query, words};

/// Rows of a sheet; Excel holds 1,048,576.
const ROWS: u32 = 1_000_000;
/// Characters of a cell (UTF-16 units); Excel holds 32,767.
const LONGEST: usize = 32_000;

/// Writes `queries.xlsx` and `queries.csv` of one site.
pub struct Writer {
    paths: [PathBuf; 2],
    xlsx: File,
    csv: csv::Writer<BufWriter<File>>,
    book: Book,
    language: Language,
    with_values: bool,
    queries: u64,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The workbook and the CSV.
    pub files: Vec<PathBuf>,
    pub queries: u64,
}

impl Writer {
    /// Begins both files in `folder`, which is there. They are the owner's alone (mode 0600). The workbook's rows wait in an
    /// unnamed file of the same folder, never in the system's folder for temporary files.
    ///
    /// # Errors
    /// When a file cannot be written, or is there already: it may hold answers.
    pub fn new(folder: &Path, site: &str, language: Language, with_values: bool) -> io::Result<Writer> {
        Writer::with_rows(folder, site, language, with_values, ROWS)
    }

    pub(super) fn with_rows(folder: &Path, site: &str, language: Language, with_values: bool, rows: u32) -> io::Result<Writer> {
        let paths = [folder.join("queries.xlsx"), folder.join("queries.csv")];
        let create = |path: &Path| OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", path.display())));
        let (xlsx, text) = (create(&paths[0])?, create(&paths[1])?);
        let mut text = BufWriter::new(text);
        // Excel takes a CSV without this mark for windows-1252.
        text.write_all("\u{FEFF}".as_bytes())?;
        let mut csv = csv::WriterBuilder::new().delimiter(language.delimiter()).quote_style(csv::QuoteStyle::Always).terminator(csv::Terminator::CRLF).from_writer(text);
        csv.write_record(words::columns(language, with_values).map(|(_, name)| name))?;
        let book = Book::new(folder, site, language, with_values, rows)?;
        Ok(Writer { paths, xlsx, csv, book, language, with_values, queries: 0 })
    }

    /// Adds a query, as the next row.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn add(&mut self, query: &Query) -> io::Result<()> {
        self.queries += 1;
        let number = self.queries.to_string();
        let row = query.key.map_or_else(|| query.row.to_string(), |key| format!("{} ({key})", query.row));
        let value = if self.with_values { query.value.unwrap_or_default() } else { "" };
        let cells = [
            number.as_str(),
            query.file,
            &row,
            query.column.unwrap_or_default(),
            query.field.unwrap_or_default(),
            query.rule,
            query.asks,
            value,
            words::severity(self.language, query.severity),
            words::state(self.language, query.state),
            query.answer.unwrap_or_default(),
            &query.id,
        ]
        .map(clean);
        let with_values = self.with_values;
        let kept = cells.iter().enumerate().filter(|(at, _)| with_values || *at != words::VALUE);
        self.csv.write_record(kept.clone().map(|(_, cell)| inert(cell).into_owned()))?;
        self.book.add(self.queries, query.key.is_none().then_some(query.row), kept.map(|(at, cell)| (at, cell.as_ref())))
    }

    /// Ends both files and brings them to the disk.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn finish(self) -> io::Result<Written> {
        let csv = self.csv.into_inner().map_err(|e| io::Error::from(e.error().kind()))?;
        csv.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        self.book.save(&self.xlsx)?;
        self.xlsx.sync_all()?;
        Ok(Written { files: self.paths.into(), queries: self.queries })
    }
}

/// A text as both files can hold it: no control characters, which XML does not have, one kind of line end, and no longer than a
/// cell.
fn clean(text: &str) -> Cow<'_, str> {
    let foreign = |c: char| (c.is_control() && !matches!(c, '\n' | '\t')) || matches!(c, '\u{FFFE}' | '\u{FFFF}');
    let text: Cow<str> = if text.contains(foreign) { text.replace("\r\n", "\n").replace('\r', "\n").replace(foreign, "\u{FFFD}").into() } else { text.into() };
    if text.len() <= LONGEST {
        return text;
    }
    let mut units = 0;
    match text.char_indices().find(|(_, c)| { units += c.len_utf16(); units > LONGEST }) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text,
    }
}

/// Whether a spreadsheet would calculate this text. The wide forms of the signs count as well in Japanese versions.
fn is_live(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\u{FF1D}', '\u{FF0B}', '\u{FF0D}', '\u{FF20}'])
}

/// A text that no spreadsheet calculates. One that would be taken for the result of this gets an apostrophe too, so that
/// [`revived`] gives back every text.
pub(super) fn inert(text: &str) -> Cow<'_, str> {
    if is_live(text.trim_start_matches(['\'', ' '])) { format!("'{text}").into() } else { text.into() }
}

/// What was written by [`inert`].
pub(super) fn revived(text: &str) -> &str {
    text.strip_prefix('\'').filter(|rest| is_live(rest.trim_start_matches(['\'', ' ']))).unwrap_or(text)
}
