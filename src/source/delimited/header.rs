//! The head of one file: its dialect, its column names, and where its data begins.
//!
//! `check` needs the columns of every file of every source before anything is run, so only the first
//! mebibyte is read (and a few samples of an all-ASCII file, for its encoding). What is odd about the header (names that repeat, names that are missing) is
//! reported and not repaired, except that a nameless column gets a name to be spoken of.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::{error, fmt};

use serde::{Deserialize, Serialize};

use super::detect;
use super::dialect::{Compression, Declared, Dialect, Evidence, SniffError, sniff};
use super::encoding::{Codec, Encoding};
use super::record::{Cell, Cells, HAS_QUOTED, MAX_RECORD, Splitter, Step};
use super::stream;

/// Bytes of the (decompressed) file that are looked at.
pub const HEAD: u64 = 1 << 20;
/// Bytes that are enough where the mapping declares what else would be found out from many rows.
const SETTLED_HEAD: u64 = 64 << 10;

/// Where the data of a file begins: what index and reader must know besides the dialect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Layout {
    /// How the file is written.
    pub dialect: Dialect,
    /// Number of columns.
    pub width: usize,
    /// Position behind the header, in the bytes that are split (see [`super::ByteRange`]).
    pub data_start: u64,
    /// Row number of the first line behind the header, counted as a spreadsheet does.
    pub first_row: u64,
}

/// The head of one file.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// Where the data begins and how it is written.
    pub layout: Layout,
    /// What the detected points rest on.
    pub evidence: Vec<Evidence>,
    /// The columns' names, trimmed; nameless ones are called `column_7`. Without a header line, all.
    pub columns: Vec<String>,
    /// Names that occur more than once, each with the positions (from 0) where it does.
    pub duplicates: Vec<(String, Vec<usize>)>,
    /// Positions (from 0) of columns whose name is empty.
    pub nameless: Vec<usize>,
    /// Row number of the header line; `None` without one.
    pub row: Option<u64>,
    /// Whether no row follows the header.
    pub header_only: bool,
    /// Whether a quote of the header never closes or is followed by something.
    pub malformed: bool,
    /// Length of the file on disk.
    pub bytes: u64,
}

/// Why a file's head cannot be read.
#[derive(Debug)]
pub enum HeaderError {
    /// The file cannot be opened or unpacked.
    Io(io::Error),
    /// It is not delimited text.
    Sniff(SniffError),
    /// It has lines, but none that could be a header or a row.
    NoColumns,
    /// The header does not end within the first mebibyte.
    TooLong,
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Sniff(error) => error.fmt(f),
            Self::NoColumns => f.write_str("the file has only blank, comment or skipped lines: no columns"),
            Self::TooLong => write!(f, "the header does not end within the first {HEAD} bytes"),
        }
    }
}

impl error::Error for HeaderError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Sniff(error) => Some(error),
            Self::NoColumns | Self::TooLong => None,
        }
    }
}

impl From<io::Error> for HeaderError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<SniffError> for HeaderError {
    fn from(error: SniffError) -> Self {
        Self::Sniff(error)
    }
}

/// Reads the head of the file at `path`.
pub fn read_header(path: &Path, declared: &Declared) -> Result<Header, HeaderError> {
    if declared.encoding.is_some() && declared.delimiter.is_some() {
        match read_head(path, declared, SETTLED_HEAD) {
            Err(HeaderError::TooLong) => {}
            read => return read,
        }
    }
    read_head(path, declared, HEAD)
}

fn read_head(path: &Path, declared: &Declared, most: u64) -> Result<Header, HeaderError> {
    let mut file = File::open(path)?;
    let bytes = file.metadata()?.len();
    let mut magic = [0; 4];
    let n = stream::fill(&mut file, &mut magic)?;
    let magic = &magic[..n];
    let compression = Compression::of(magic);
    // One byte more than is used tells whether the file goes on.
    let mut head = Vec::with_capacity(bytes.min(most) as usize + 2);
    stream::unpacked(magic.chain(file), compression)?.take(most + 1).read_to_end(&mut head)?;
    let whole = head.len() as u64 <= most;
    head.truncate(most as usize);
    let later = match compression {
        Compression::None if !whole && declared.encoding.is_none() && head.is_ascii() => later_encoding(path, bytes)?,
        _ => None,
    };
    let mut header = match later {
        None => header_of(&head, whole, declared)?,
        Some((encoding, why)) => {
            let mut header = header_of(&head, whole, &Declared { encoding: Some(encoding), ..declared.clone() })?;
            header.evidence.iter_mut().filter(|e| e.what == "encoding").for_each(|e| e.why.clone_from(&why));
            header
        }
    };
    header.layout.dialect.compression = compression;
    header.bytes = bytes;
    Ok(header)
}

/// An export of codes and dates may hold its first accent far behind the head. So where the head is
/// ASCII, samples from all over the file are asked; `None` when they are ASCII too.
fn later_encoding(path: &Path, bytes: u64) -> io::Result<Option<(Encoding, String)>> {
    const SAMPLES: u64 = 32;
    const SAMPLE: usize = 32 << 10;
    let mut file = File::open(path)?;
    let (mut buf, mut beyond_ascii) = (vec![0; SAMPLE], Vec::new());
    for i in 1..=SAMPLES {
        let at = HEAD + bytes.saturating_sub(HEAD) / SAMPLES * i;
        file.seek(SeekFrom::Start(at.min(bytes.saturating_sub(SAMPLE as u64))))?;
        let n = stream::fill(&mut file, &mut buf)?;
        // Whole lines only: a sample may begin and end inside a character.
        let lines = buf[..n].split(|byte| matches!(byte, b'\r' | b'\n')).skip(1);
        let mut lines: Vec<&[u8]> = lines.collect();
        lines.pop();
        for line in lines.into_iter().filter(|line| !line.is_ascii()) {
            beyond_ascii.extend_from_slice(line);
            beyond_ascii.push(b'\n');
        }
    }
    if beyond_ascii.is_empty() {
        return Ok(None);
    }
    let found = detect::encoding(&beyond_ascii, true, None);
    Ok(Some((found.encoding, format!("in samples of the file (its first {HEAD} bytes are ASCII): {}", found.why))))
}

fn header_of(head: &[u8], whole: bool, declared: &Declared) -> Result<Header, HeaderError> {
    let sniffed = sniff(head, whole, declared)?;
    let dialect = sniffed.dialect;
    let mut decoded = Vec::new();
    let text = if dialect.encoding.stream_decoder().is_some() {
        stream::transcoded(Box::new(head), &dialect)?.read_to_end(&mut decoded)?;
        decoded.as_slice()
    } else {
        head
    };
    let splitter = Splitter::new(&dialect, 0, MAX_RECORD);
    let mut at = if dialect.encoding.stream_decoder().is_some() { 0 } else { dialect.bom_bytes };
    let mut row = 1;
    for _ in 0..dialect.skip_lines {
        at = splitter.skip_line(text, at, whole).ok_or(HeaderError::TooLong)?;
        row += 1;
    }
    let (mut marks, mut cells) = (splitter.marks::<true>(text, at), Cells::default());
    let (end, next, flags) = loop {
        match splitter.step::<true>(text, at, whole, &mut marks, &mut cells) {
            Step::Record { end, next, flags } => break (end, next, flags),
            Step::Blank { next } | Step::Comment { next } => {
                at = next;
                row += 1;
            }
            Step::More => return Err(HeaderError::TooLong),
            Step::End => return Err(HeaderError::NoColumns),
        }
    };
    debug_assert!(at <= end && end <= next);
    let mut header = Header {
        layout: Layout { width: cells.len(), data_start: at as u64, first_row: row, dialect },
        evidence: sniffed.evidence,
        columns: Vec::new(),
        duplicates: Vec::new(),
        nameless: Vec::new(),
        row: None,
        header_only: false,
        malformed: false,
        bytes: 0,
    };
    if header.layout.dialect.has_header {
        header.row = Some(row);
        header.layout.first_row = row + 1;
        header.layout.data_start = next as u64;
        header.malformed = flags & !HAS_QUOTED != 0;
        let codec = header.layout.dialect.encoding.codec();
        header.columns = cells.as_slice().iter().map(|cell| name(text, cell, &splitter, &codec)).collect();
        header.header_only = whole && !any_row(text, next, &header.layout);
    } else {
        header.columns = vec![String::new(); cells.len()];
    }
    name_the_nameless(&mut header);
    Ok(header)
}

fn name(text: &[u8], cell: &Cell, splitter: &Splitter, codec: &Codec) -> String {
    let bytes = text.get(cell.start()..cell.end()).unwrap_or_default();
    let mut unquoted = Vec::new();
    let bytes = if cell.quoted() {
        splitter.unquote(bytes, &mut unquoted);
        &unquoted
    } else {
        bytes
    };
    let mut name = String::new();
    codec.decode_into(bytes, &mut name);
    // A second mark is left behind where marked files were joined or saved twice.
    name.trim_matches(|c: char| c.is_whitespace() || c == '\u{FEFF}').to_owned()
}

fn any_row(text: &[u8], mut at: usize, layout: &Layout) -> bool {
    let splitter = Splitter::new(&layout.dialect, layout.width, MAX_RECORD);
    let mut marks = splitter.marks::<false>(text, at);
    loop {
        match splitter.step::<false>(text, at, true, &mut marks, &mut Cells::default()) {
            Step::Blank { next } | Step::Comment { next } => at = next,
            Step::Record { .. } => return true,
            Step::More | Step::End => return false,
        }
    }
}

fn name_the_nameless(header: &mut Header) {
    let mut seen: Vec<(String, Vec<usize>)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for (i, column) in header.columns.iter().enumerate().filter(|(_, column)| !column.is_empty()) {
        let place = *places.entry(column.clone()).or_insert(seen.len());
        match seen.get_mut(place) {
            Some((_, at)) => at.push(i),
            None => seen.push((column.clone(), vec![i])),
        }
    }
    header.duplicates = seen.into_iter().filter(|(_, at)| at.len() > 1).collect();
    for (i, column) in header.columns.iter_mut().enumerate().filter(|(_, column)| column.is_empty()) {
        *column = format!("column_{}", i + 1);
        if header.layout.dialect.has_header {
            header.nameless.push(i);
        }
    }
}

impl Header {
    /// The evidence and the line end in one line, for `explain`.
    pub fn summary(&self) -> String {
        let parts: Vec<String> = self.evidence.iter().map(|e| format!("{} {} ({})", e.what, e.value, e.why)).collect();
        parts.join("; ")
    }
}
