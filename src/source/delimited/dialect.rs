//! How one delimited file is written, found out from its first bytes.
//!
//! What a mapping declares is believed; the rest is detected, and every detected point says in plain
//! words what it rests on, because a wrong guess here makes every later number wrong. Evidence
//! counts bytes and characters and never quotes a cell. A file that is no delimited text at all (a
//! workbook named .csv, a log-in page) is refused by what it is.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::detect;
use super::encoding::Encoding;
use super::record::{Cells, HAS_QUOTED, MAX_RECORD, Splitter, Step};

/// What ends a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum LineEnd {
    /// LF, with or without a CR before it.
    #[default]
    Lf,
    /// CR; an LF behind it is passed over.
    Cr,
}

/// How the bytes on disk are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// gzip, one or several members.
    Gzip,
    /// Zstandard, one or several frames.
    Zstd,
}

impl Compression {
    /// The compression that the first bytes of a file show, whatever its name says.
    pub fn of(head: &[u8]) -> Self {
        match head {
            [0x1F, 0x8B, 0x08, ..] => Self::Gzip,
            [0x28, 0xB5, 0x2F, 0xFD, ..] => Self::Zstd,
            _ => Self::None,
        }
    }
}

/// How one file is written: all that the reader must know, ready to travel with a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dialect {
    /// The character encoding.
    pub encoding: Encoding,
    /// What stands between two cells; ASCII, as are the three below.
    pub delimiter: u8,
    /// What cells are quoted with, if they are.
    pub quote: Option<u8>,
    /// What takes a quote's meaning away inside quotes, besides doubling it.
    pub escape: Option<u8>,
    /// The first byte of lines that are no rows.
    pub comment: Option<u8>,
    /// What ends a record.
    pub line_end: LineEnd,
    /// Lines before the header.
    pub skip_lines: usize,
    /// Whether the first record names the columns.
    pub has_header: bool,
    /// Length of the byte order mark.
    pub bom_bytes: usize,
    /// How the file is compressed.
    pub compression: Compression,
}

impl Default for Dialect {
    fn default() -> Self {
        Self {
            encoding: Encoding::Utf8,
            delimiter: b',',
            quote: Some(b'"'),
            escape: None,
            comment: None,
            line_end: LineEnd::Lf,
            skip_lines: 0,
            has_header: true,
            bom_bytes: 0,
            compression: Compression::None,
        }
    }
}

impl Dialect {
    /// Whether the file can be cut into ranges that are read independently.
    pub fn splittable(&self) -> bool {
        self.compression == Compression::None && self.encoding.stream_decoder().is_none()
    }

    /// Refuses special characters that would make records ambiguous.
    pub(super) fn check(&self) -> Result<(), SniffError> {
        let roles = [
            ("delimiter", Some(self.delimiter)),
            ("quote", self.quote),
            ("escape", self.escape),
            ("comment", self.comment),
        ];
        for (i, (role, byte)) in roles.iter().enumerate() {
            let Some(byte) = *byte else { continue };
            if !byte.is_ascii() || matches!(byte, b'\r' | b'\n' | 0) {
                return Err(SniffError::Dialect(format!("the {role} must be one ASCII character and no line end")));
            }
            let quote_escapes_itself = |other: &str| *role == "quote" && other == "escape";
            if let Some((other, _)) =
                roles[i + 1..].iter().find(|(other, b)| *b == Some(byte) && !quote_escapes_itself(other))
            {
                return Err(SniffError::Dialect(format!("the {role} and the {other} are the same character")));
            }
        }
        Ok(())
    }
}

/// What a mapping says about a file; what it leaves out is detected.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Declared {
    /// The character encoding.
    pub encoding: Option<Encoding>,
    /// What stands between two cells.
    pub delimiter: Option<u8>,
    /// `Some(None)`: no cell is quoted. Left out: `"`.
    pub quote: Option<Option<u8>>,
    /// Left out: none.
    pub escape: Option<u8>,
    /// Left out: none.
    pub comment: Option<u8>,
    /// What ends a record.
    pub line_end: Option<LineEnd>,
    /// Lines before the header. Left out: 0, or 1 when the first line is `sep=` and a delimiter.
    pub skip_lines: Option<usize>,
    /// Left out: true.
    pub has_header: Option<bool>,
}

/// Why a point of the dialect was decided as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// The point: `encoding`, `delimiter` or `line ends`.
    pub what: &'static str,
    /// What was decided.
    pub value: String,
    /// What it rests on, in words; no cell is quoted.
    pub why: String,
}

/// A dialect and what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Sniffed {
    /// The dialect, complete.
    pub dialect: Dialect,
    /// One entry for each of encoding, line end and delimiter.
    pub evidence: Vec<Evidence>,
}

/// Why a file cannot be read as delimited text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SniffError {
    /// Not a byte, or nothing but a byte order mark.
    Empty,
    /// Something else: what it is, and what to do.
    NotText {
        /// The kind of file, such as `an Excel workbook (.xlsx)`.
        is: &'static str,
        /// What helps.
        help: &'static str,
    },
    /// The declared characters contradict each other.
    Dialect(String),
}

impl fmt::Display for SniffError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the file is empty"),
            Self::NotText { is, help } => write!(f, "the file is {is}, not delimited text; {help}"),
            Self::Dialect(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for SniffError {}

/// Bytes in which line ends are counted.
const LINE_ENDS: usize = 64 << 10;

/// Finds the dialect of a file from its first bytes (up to about 1 MiB, decompressed).
///
/// `whole` says that `head` is the whole file. Compression is not looked for here.
pub fn sniff(head: &[u8], whole: bool, declared: &Declared) -> Result<Sniffed, SniffError> {
    if head.is_empty() {
        return Err(SniffError::Empty);
    }
    refuse_other_formats(head)?;
    let mut evidence = Vec::with_capacity(3);
    let mut dialect = Dialect {
        quote: declared.quote.unwrap_or(Some(b'"')),
        escape: declared.escape,
        comment: declared.comment,
        skip_lines: declared.skip_lines.unwrap_or(0),
        has_header: declared.has_header.unwrap_or(true),
        ..Dialect::default()
    };
    let found = detect::encoding(head, whole, declared.encoding);
    dialect.encoding = found.encoding;
    dialect.bom_bytes = found.bom_bytes;
    evidence.push(Evidence { what: "encoding", value: found.encoding.to_string(), why: found.why });

    let body = head.get(dialect.bom_bytes..).unwrap_or_default();
    if body.is_empty() {
        return Err(SniffError::Empty);
    }
    if declared.encoding.is_none() && !dialect.encoding.is_utf16() && is_binary(body) {
        return Err(SniffError::NotText {
            is: "binary data (many control characters)",
            help: "declare its `format`, or its `encoding` if it is text after all",
        });
    }
    let text = match dialect.encoding.stream_decoder() {
        Some(decoder) => Cow::Owned(decoder.decode_without_bom_handling(body).0.into_owned().into_bytes()),
        None => Cow::Borrowed(body),
    };
    // Bytes behind the last whole line say nothing that can be trusted.
    let sep = declared.skip_lines.is_none().then(|| sep_line(&text)).flatten();
    if sep.is_some() {
        dialect.skip_lines = 1;
    }

    let (line_end, value, why) = match declared.line_end {
        Some(LineEnd::Lf) => (LineEnd::Lf, "LF or CR LF".to_owned(), "declared".to_owned()),
        Some(LineEnd::Cr) => (LineEnd::Cr, "CR".to_owned(), "declared".to_owned()),
        None => line_end(text.get(..LINE_ENDS).unwrap_or(&text), dialect.quote),
    };
    dialect.line_end = line_end;
    evidence.push(Evidence { what: "line ends", value, why });

    let (delimiter, why) = match (declared.delimiter, sep) {
        (Some(delimiter), _) => (delimiter, "declared".to_owned()),
        (None, Some(delimiter)) => (delimiter, "the first line is `sep=` and names it".to_owned()),
        (None, None) => delimiter(&text, whole, &dialect),
    };
    dialect.delimiter = delimiter;
    let value = match delimiter {
        b'\t' => "tab".into(),
        other => char::from(other).to_string(),
    };
    evidence.push(Evidence { what: "delimiter", value, why });
    dialect.check()?;
    Ok(Sniffed { dialect, evidence })
}

fn refuse_other_formats(head: &[u8]) -> Result<(), SniffError> {
    const EXCEL: &str = "read it with `format: excel`, or save it as CSV";
    let known: [(&[u8], &str, &str); 9] = [
        (b"PK\x03\x04", "an Office workbook (.xlsx, .ods)", EXCEL),
        (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "an old Office document (.xls)", EXCEL),
        (b"%PDF", "a PDF document", "ask the site for the data itself"),
        (b"PAR1", "a Parquet file", "read it with `format: parquet`"),
        (b"$FL2", "an SPSS file (.sav)", "read it with `format: spss`"),
        (b"$FL3", "an SPSS file (.zsav)", "read it with `format: spss`"),
        (b"<stata_dta>", "a Stata file (.dta)", "read it with `format: stata`"),
        (b"SQLite format 3\0", "an SQLite database", "read it with `format: sqlite`"),
        (b"\xFF\xFE\0\0", "text in UTF-32", "save it as UTF-8"),
    ];
    // The name of the archive's first member stands behind 30 bytes (APPNOTE 4.3.7).
    if head.starts_with(b"PK\x03\x04") && head.len() > 34 && !["[Content_Types].xml", "_rels/", "docProps/", "xl/", "mimetype"].iter().any(|name| head.get(30..).is_some_and(|h| h.starts_with(name.as_bytes()))) {
        return Err(SniffError::NotText { is: "a zip archive", help: "name a file in it, or a pattern: `path: delivery.zip/*.csv`" });
    }
    if let Some((_, is, help)) = known.iter().find(|(magic, ..)| head.starts_with(magic)) {
        return Err(SniffError::NotText { is, help });
    }
    if head.get(257..262) == Some(b"ustar") {
        return Err(SniffError::NotText { is: "a tar archive", help: "unpack it first" });
    }
    // Markup may be UTF-16 or begin with a mark: NULs and the mark's bytes do not count.
    let start: Vec<u8> = head
        .iter()
        .filter(|byte| !matches!(byte, 0 | 0xEF | 0xBB | 0xBF | 0xFE | 0xFF))
        .skip_while(|byte| byte.is_ascii_whitespace())
        .take(14)
        .map(u8::to_ascii_lowercase)
        .collect();
    let help = "the export may have failed or asked for a log-in: look at it in a text editor";
    if start.starts_with(b"<html") || start.starts_with(b"<!doctype html") {
        return Err(SniffError::NotText { is: "a web page (HTML)", help });
    }
    if start.starts_with(b"<?xml") && memchr::memmem::find(head.get(..4096).unwrap_or(head), b"office:spreadsheet").is_some() {
        return Err(SniffError::NotText { is: "a workbook in the XML form of 2003", help: "open it in Excel or LibreOffice and save it as .xlsx" });
    }
    if start.starts_with(b"<?xml") {
        return Err(SniffError::NotText { is: "an XML document", help: "read it in its own format" });
    }
    Ok(())
}

fn is_binary(body: &[u8]) -> bool {
    let sample = &body[..body.len().min(64 << 10)];
    let control = sample
        .iter()
        .filter(|byte| **byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0C | 0x1A | 0x1B))
        .count();
    control * 10 > sample.len()
}

/// Excel writes and reads a first line `sep=;`.
fn sep_line(text: &[u8]) -> Option<u8> {
    match text {
        [s, e, p, b'=', delimiter, b'\r' | b'\n', ..]
            if [*s, *e, *p].eq_ignore_ascii_case(b"sep") && delimiter.is_ascii() =>
        {
            Some(*delimiter)
        }
        _ => None,
    }
}

const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// CR alone when the first record ends so, unless most lines of the head end in LF: one CR that an
/// old Mac left inside a cell must not turn a file into one record.
fn line_end(text: &[u8], quote: Option<u8>) -> (LineEnd, String, String) {
    let (mut lf, mut crlf, mut cr, mut first) = (0_usize, 0_usize, 0_usize, None);
    let mut at = 0;
    // Only line ends and quotes matter; the search for them leaps over cells.
    let next = |at: usize| Some(at + memchr::memchr3(b'\n', b'\r', quote.unwrap_or(b'\n'), text.get(at..)?)?);
    while let Some((found, &byte)) = next(at).and_then(|found| Some((found, text.get(found)?))) {
        at = found;
        let before = at.checked_sub(1).and_then(|before| text.get(before)).copied().unwrap_or(b'\n');
        if Some(byte) == quote && (matches!(before, b'\n' | b'\r') || DELIMITERS.contains(&before)) {
            // An unclosed quote is data: stay where we are.
            at = closing_quote(text, at + 1, byte).unwrap_or(at);
        } else if byte == b'\n' {
            lf += 1;
            first.get_or_insert(LineEnd::Lf);
        } else if byte == b'\r' {
            if text.get(at + 1) == Some(&b'\n') {
                crlf += 1;
                at += 1;
                first.get_or_insert(LineEnd::Lf);
            } else if at + 1 < text.len() || lf + crlf == 0 {
                cr += 1;
                first.get_or_insert(LineEnd::Cr);
            }
        }
        at += 1;
    }
    let counted = [(crlf, "CR LF"), (lf, "LF"), (cr, "CR")].into_iter().filter(|(n, _)| *n > 0);
    let (value, why): (Vec<&str>, Vec<String>) = counted.map(|(n, name)| (name, format!("{n} {name}"))).unzip();
    let (value, why) = (value.join(" and "), format!("{} outside quotes, in the sample", why.join(", ")));
    let alone = first == Some(LineEnd::Cr) && cr > lf + crlf;
    (if alone { LineEnd::Cr } else { LineEnd::Lf }, value, why)
}

/// The quote that closes a cell whose value begins at `from`; doubled ones do not.
fn closing_quote(text: &[u8], mut from: usize, quote: u8) -> Option<usize> {
    loop {
        let found = from + memchr::memchr(quote, text.get(from..)?)?;
        if text.get(found + 1) != Some(&quote) {
            return Some(found);
        }
        from = found + 2;
    }
}

/// How well one delimiter explains the first records.
struct Fit {
    delimiter: u8,
    records: usize,
    /// The commonest number of cells, and how many records have it.
    cells: usize,
    agree: usize,
    /// How many have no cell that goes on behind its closing quote: the sign of a wrong delimiter.
    clean: usize,
    header_agrees: bool,
}

const RECORDS: usize = 200;

fn fit(text: &[u8], whole: bool, dialect: &Dialect, delimiter: u8) -> Fit {
    let dialect = Dialect { delimiter, ..dialect.clone() };
    let splitter = Splitter::new(&dialect, 0, MAX_RECORD);
    let (mut cells, mut at, mut counts) = (Cells::default(), 0, Vec::new());
    for _ in 0..dialect.skip_lines {
        at = splitter.skip_line(text, at, true).unwrap_or(text.len());
    }
    let mut marks = splitter.marks::<true>(text, at);
    let mut clean = 0;
    while counts.len() < RECORDS {
        cells.clear();
        match splitter.step::<true>(text, at, true, &mut marks, &mut cells) {
            Step::Record { next, flags, .. } => {
                // The last record of a cut head may be half a record.
                if next < text.len() || whole || counts.is_empty() {
                    counts.push(cells.len());
                    clean += usize::from(flags & !HAS_QUOTED == 0);
                }
                at = next;
            }
            Step::Blank { next } | Step::Comment { next } => at = next,
            Step::More | Step::End => break,
        }
    }
    let mut best = (0, 0);
    for &count in &counts {
        let agree = counts.iter().filter(|other| **other == count).count();
        best = best.max((agree, count));
    }
    Fit {
        delimiter,
        records: counts.len(),
        cells: best.1,
        agree: best.0,
        clean,
        header_agrees: counts.first() == Some(&best.1),
    }
}

fn delimiter(text: &[u8], whole: bool, dialect: &Dialect) -> (u8, String) {
    let fits = DELIMITERS.map(|delimiter| fit(text, whole, dialect, delimiter));
    let share = |fit: &Fit| fit.agree as f64 / fit.records.max(1) as f64;
    let score = |fit: &Fit| {
        let clean = fit.clean as f64 / fit.records.max(1) as f64;
        share(fit) + 0.5 * clean + if fit.header_agrees { 0.25 } else { 0.0 }
    };
    let best = fits
        .iter()
        .filter(|fit| fit.cells > 1 && (share(fit) > 0.5 || (fit.header_agrees && share(fit) > 0.3)))
        // Of equal scores, more cells win: decimal commas split a `;` file evenly too.
        .max_by(|a, b| score(a).total_cmp(&score(b)).then(a.cells.cmp(&b.cells)));
    match best {
        Some(fit) => {
            (fit.delimiter, format!("{} of the first {} records have {} cells", fit.agree, fit.records, fit.cells))
        }
        None => (b',', "none of comma, semicolon, tab and bar divides the records evenly: one column".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Declared, Dialect, LineEnd, SniffError, sniff};
    use super::super::encoding::Encoding;

    fn dialect(text: &[u8]) -> Dialect {
        sniff(text, true, &Declared::default()).expect("text").dialect
    }

    #[test]
    fn delimiters() {
        for (text, wanted) in [
            ("a,b\n1,2\n", b','),
            ("a;b\n1,5;2,5\n3,5;4,5\n", b';'),
            ("a;b;c\n1,5;\"x,y,z,w\";2,5\n3,5;;4,5\n", b';'),
            ("a\tb\nx y, z\t2\n", b'\t'),
            ("a|b|c\n1|2|3\n", b'|'),
            ("name\nDoe, John\nRoe, Jane, Dr\nMoe\n", b','),
            ("sep=|\r\na,x|b\r\n1,x|2\r\n", b'|'),
            ("\"a;b\",\"c;d\"\n\"1;2\",\"3;4\"\n", b','),
        ] {
            assert_eq!(dialect(text.as_bytes()).delimiter, wanted, "{text:?}");
        }
        assert_eq!(dialect(b"sep=;\na;b\n").skip_lines, 1);
    }

    #[test]
    fn line_ends() {
        assert_eq!(dialect(b"a,b\r1,2\r").line_end, LineEnd::Cr);
        assert_eq!(dialect(b"a,b\r\n1,2\r\n").line_end, LineEnd::Lf);
        assert_eq!(dialect(b"a,\"b\rc\"\n1,2\n").line_end, LineEnd::Lf);
        assert_eq!(dialect(b"a,b\rc\n1,2\n3,4\n").line_end, LineEnd::Lf);
        assert_eq!(dialect(b"a,\"b\nc\"\r1,2\r3,4").line_end, LineEnd::Cr);
    }

    #[test]
    fn other_formats_are_named() {
        for (head, word) in [
            (&b"PK\x03\x04rest"[..], "workbook"),
            (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", ".xls"),
            (b"%PDF-1.4", "PDF"),
            (b"PAR1\0", "Parquet"),
            (b"\xEF\xBB\xBF \n<!DOCTYPE html>", "web page"),
            (b"<HTML><body>", "web page"),
            (b"\x01\x02\x03\x00\x01\x02abc", "binary"),
        ] {
            let error = sniff(head, true, &Declared::default()).expect_err("no text").to_string();
            assert!(error.contains(word), "{error}");
        }
        for empty in [&b""[..], b"\xEF\xBB\xBF", b"\xFF\xFE"] {
            assert_eq!(sniff(empty, true, &Declared::default()), Err(SniffError::Empty));
        }
    }

    #[test]
    fn what_is_declared_is_believed() {
        let declared = Declared {
            encoding: Some(Encoding::Iso8859_1),
            delimiter: Some(b'|'),
            quote: Some(None),
            line_end: Some(LineEnd::Cr),
            has_header: Some(false),
            ..Declared::default()
        };
        let found = sniff(b"a,b\n\xE9,2\n", true, &declared).expect("text").dialect;
        let wanted = Dialect {
            encoding: Encoding::Iso8859_1,
            delimiter: b'|',
            quote: None,
            line_end: LineEnd::Cr,
            has_header: false,
            ..Dialect::default()
        };
        assert_eq!(found, wanted);
        let twice = Declared { delimiter: Some(b'"'), ..Declared::default() };
        assert!(matches!(sniff(b"a\n", true, &twice), Err(SniffError::Dialect(_))));
    }
}
