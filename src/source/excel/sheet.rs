//! A workbook opened, and the rows of one of its sheets.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use calamine::{Cell, Data, DataRef, Dimensions, Range, Reader, SheetVisible, Xls, XlsError, Xlsb, XlsbError, Xlsx, XlsxError};
use serde_json::Value;

use super::super::record::{Failure, Options};
use super::ods::Ods;
use super::{compound, shared, text};

/// Bytes that a workbook may unpack to: more than any sheet of Excel's size holds, less than what stops a machine.
const MOST_UNPACKED: u64 = 8 << 30;
/// A member that unpacks to more than this must not be packed more tightly than `TIGHTEST` to one.
const LARGE: u64 = 256 << 20;
const TIGHTEST: u64 = 400;

/// The most that a sheet can have, in any format.
pub const MOST_ROWS: u32 = 1 << 20;
pub const MOST_COLUMNS: u32 = 1 << 14;

/// What the mapping says of the sheet.
pub struct Frame {
    pub sheet: Option<Value>,
    pub skip_rows: u32,
    pub header_rows: usize,
    pub fill_down: Vec<String>,
    pub skip_hidden: bool,
    pub decimal: char,
    /// First column; last column and rows where they are said.
    pub left: u32,
    right: Option<u32>,
    top: u32,
    bottom: Option<u32>,
}

impl Frame {
    pub fn new(options: &Options) -> Result<Frame, Failure> {
        let wrong = |key: &str, message: &str| Failure::Option { key: key.to_owned(), message: message.to_owned(), near: vec![] };
        let number = |key: &str| match options.get(key) {
            None => Ok(None),
            Some(value) => value.as_u64().and_then(|n| u32::try_from(n).ok()).map(Some).ok_or_else(|| wrong(key, "a number of rows is expected")),
        };
        let mut frame = Frame { sheet: options.get("sheet").cloned(), skip_rows: number("skip_rows")?.unwrap_or(0), header_rows: number("header_rows")?.unwrap_or(1) as usize, fill_down: vec![], skip_hidden: false, decimal: '.', left: 0, right: None, top: 0, bottom: None };
        if let Some(mark) = options.get("decimal").and_then(Value::as_str).and_then(|m| m.chars().next()) {
            frame.decimal = mark;
        }
        frame.skip_hidden = match options.get("hidden_rows").map(Value::as_str) {
            None | Some(Some("keep")) => false,
            Some(Some("skip")) => true,
            Some(_) => return Err(Failure::Option { key: "hidden_rows".into(), message: "hidden rows are kept or skipped".into(), near: vec!["keep".into(), "skip".into()] }),
        };
        frame.fill_down = match options.get("fill_down") {
            None => vec![],
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(_) => return Err(wrong("fill_down", "the names of columns are expected")),
        };
        if let Some(range) = options.get("range") {
            let both = range.as_str().and_then(|r| r.split_once(':'));
            let (from, to) = both.and_then(|(a, b)| Some((text::place(a)?, text::place(b)?))).ok_or_else(|| wrong("range", "a range is written `B3:H200`, or `B3:H`"))?;
            if to.0 < from.0 || to.1.is_some_and(|bottom| bottom < from.1.unwrap_or(0)) {
                return Err(wrong("range", "the range ends before it begins"));
            }
            (frame.left, frame.top, frame.right, frame.bottom) = (from.0, from.1.unwrap_or(0), Some(to.0), to.1);
        }
        frame.top = frame.top.saturating_add(frame.skip_rows);
        Ok(frame)
    }

    fn holds(&self, row: u32, column: u32) -> bool {
        row >= self.top && self.bottom.is_none_or(|b| row <= b) && column >= self.left && self.right.is_none_or(|r| column <= r)
    }
}

/// The sheet that is read, and why this one.
pub struct Chosen {
    pub name: String,
    pub why: &'static str,
}

/// A workbook, and the cells of a sheet that are merged, once they were asked for.
pub struct Book {
    kind: Workbook,
    merged: Option<(String, Vec<Dimensions>)>,
}

/// A workbook of any format.
enum Workbook {
    Xlsx(Box<Xlsx<BufReader<File>>>, std::path::PathBuf),
    Xlsb(Box<Xlsb<BufReader<File>>>),
    Xls(Box<Xls<BufReader<File>>>),
    Ods(Box<Ods>),
}

/// Takes a row: its number from 1, its cells; `false` ends the walk.
pub type OnRow<'a> = dyn FnMut(u32, &mut Vec<Option<String>>) -> Result<bool, Failure> + 'a;

pub fn damaged(what: &str) -> Failure {
    Failure::Unreadable(format!("the workbook is damaged ({what})"))
}

pub fn encrypted() -> Failure {
    Failure::Unreadable("the workbook is encrypted; ask the site for one without a password".into())
}

impl Book {
    fn of(kind: Workbook) -> Book {
        Book { kind, merged: None }
    }

    /// Opens a workbook by what it is, whatever its name says.
    pub fn open(path: &Path) -> Result<Book, Failure> {
        let io = |e: std::io::Error| Failure::Unreadable(e.to_string());
        let mut file = File::open(path).map_err(io)?;
        let mut begin = [0; 512];
        let got = file.read(&mut begin).map_err(io)?;
        let begin = begin.get(..got).unwrap_or_default();
        file.seek(SeekFrom::Start(0)).map_err(io)?;
        match begin {
            [] => Err(Failure::Empty),
            [b'P', b'K', ..] => {
                let kind = of_zip(&file)?;
                file.seek(SeekFrom::Start(0)).map_err(io)?;
                Book::zipped(kind, file, path)
            }
            [0xD0, 0xCF, 0x11, 0xE0, ..] => {
                let mut bytes = vec![];
                file.read_to_end(&mut bytes).map_err(io)?;
                // An encrypted xlsx hides in the same container as an xls.
                let hides = holds(&bytes, "EncryptedPackage");
                compound::check(&bytes).map_err(|failure| if hides { encrypted() } else { failure })?;
                drop(bytes);
                file.seek(SeekFrom::Start(0)).map_err(io)?;
                match Xls::new(BufReader::new(file)) {
                    Ok(book) => Ok(Book::of(Workbook::Xls(Box::new(book)))),
                    Err(XlsError::Password) => Err(encrypted()),
                    Err(_) if hides => Err(encrypted()),
                    Err(_) => Err(damaged("an xls file that cannot be opened")),
                }
            }
            text => Err(not_a_workbook(text)),
        }
    }

    fn zipped(kind: Kind, file: File, path: &Path) -> Result<Book, Failure> {
        match kind {
            Kind::Xlsx => {
                shared::check(path)?;
                match Xlsx::new(BufReader::new(file)) {
                    Ok(book) => Ok(Book::of(Workbook::Xlsx(Box::new(book), path.to_owned()))),
                    Err(XlsxError::Password) => Err(encrypted()),
                    Err(_) => Err(damaged("an xlsx file that cannot be opened")),
                }
            }
            Kind::Xlsb => match Xlsb::new(BufReader::new(file)) {
                Ok(book) => Ok(Book::of(Workbook::Xlsb(Box::new(book)))),
                Err(XlsbError::Password) => Err(encrypted()),
                Err(_) => Err(damaged("an xlsb file that cannot be opened")),
            },
            Kind::Ods => Ok(Book::of(Workbook::Ods(Box::new(Ods::open(file)?)))),
        }
    }

    /// Names of the sheets, and whether each is shown.
    fn sheets(&self) -> Vec<(String, bool)> {
        let sheets = match &self.kind {
            Workbook::Xlsx(book, _) => book.sheets_metadata(),
            Workbook::Xlsb(book) => book.sheets_metadata(),
            Workbook::Xls(book) => book.sheets_metadata(),
            Workbook::Ods(book) => return book.sheets.iter().map(|s| (s.name.clone(), s.visible)).collect(),
        };
        sheets.iter().map(|s| (s.name.clone(), s.visible == SheetVisible::Visible)).collect()
    }

    /// The sheet that the mapping names, or the first that has something to show.
    pub fn choose(&mut self, frame: &Frame) -> Result<Chosen, Failure> {
        let sheets = self.sheets();
        let names: Vec<String> = sheets.iter().map(|(name, _)| name.clone()).collect();
        let wrong = |message: String| Failure::Option { key: "sheet".into(), message, near: names.clone() };
        match &frame.sheet {
            Some(Value::String(name)) => match names.iter().find(|s| *s == name).or_else(|| names.iter().find(|s| s.trim().eq_ignore_ascii_case(name.trim()))) {
                Some(sheet) => Ok(Chosen { name: sheet.clone(), why: "named" }),
                None => Err(wrong(format!("the workbook has no sheet `{name}`"))),
            },
            Some(number) => {
                let at = number.as_u64().and_then(|n| usize::try_from(n).ok()).and_then(|n| n.checked_sub(1));
                match at.and_then(|at| names.get(at)) {
                    Some(name) => Ok(Chosen { name: name.clone(), why: "by its number" }),
                    None => Err(wrong(format!("the workbook has {} sheets, and no sheet {number}", names.len()))),
                }
            }
            None => {
                for (name, _) in sheets.iter().filter(|(_, visible)| *visible) {
                    let mut has_cell = false;
                    self.rows(name, &Frame { skip_hidden: false, ..Frame::new(&Options::new())? }, &mut |_, cells| {
                        has_cell = cells.iter().any(Option::is_some);
                        Ok(!has_cell)
                    })?;
                    if has_cell {
                        return Ok(Chosen { name: name.clone(), why: if sheets.len() == 1 { "the only one" } else { "the first that is visible and not empty" } });
                    }
                }
                Err(Failure::Empty)
            }
        }
    }

    /// The rows of a sheet that have a cell, from the top.
    pub fn rows(&mut self, sheet: &str, frame: &Frame, on_row: &mut OnRow<'_>) -> Result<(), Failure> {
        let merged = self.merged(sheet);
        let hidden = match &self.kind {
            Workbook::Xlsx(_, path) if frame.skip_hidden => hidden_rows(path, sheet)?,
            _ if frame.skip_hidden => return Err(Failure::Option { key: "hidden_rows".into(), message: "only an xlsx workbook tells which rows are hidden".into(), near: vec![] }),
            _ => HashSet::new(),
        };
        let mut rows = Rows { frame, merged, around: vec![], hidden, row: 0, behind: 0, cells: vec![], open: false, header_left: frame.header_rows, on_row };
        match &mut self.kind {
            Workbook::Xlsx(book, _) => {
                let mut reader = book.worksheet_cells_reader(sheet).map_err(|_| damaged("its sheet cannot be opened"))?;
                if !rows.cells_of(|| reader.next_cell())? {
                    return Ok(());
                }
            }
            // Cell by cell as well: in memory a sheet is a rectangle, which a damaged place of one cell makes as large as it says.
            Workbook::Xlsb(book) => {
                let mut reader = book.worksheet_cells_reader(sheet).map_err(|_| damaged("its sheet cannot be opened"))?;
                if !rows.cells_of(|| reader.next_cell())? {
                    return Ok(());
                }
            }
            Workbook::Xls(book) => return rows.range(&book.worksheet_range(sheet).map_err(|_| damaged("its sheet"))?),
            Workbook::Ods(book) => book.cells(sheet, &mut |row, column, value| rows.cell(row, column, value))?,
        }
        rows.close().map(|_| ())
    }

    /// Cells of a sheet that are merged. In xlsx they stand behind the rows, so they are read once.
    fn merged(&mut self, sheet: &str) -> Vec<Merged> {
        if self.merged.as_ref().is_none_or(|(of, _)| of != sheet) {
            let all = match &mut self.kind {
                Workbook::Xlsx(book, _) => book.merge_cells_by_sheet_name(sheet).unwrap_or_default(),
                Workbook::Xls(book) => book.merge_cells_by_sheet_name(sheet).unwrap_or_default(),
                Workbook::Xlsb(_) | Workbook::Ods(_) => vec![],
            };
            self.merged = Some((sheet.to_owned(), all));
        }
        let mut merged: Vec<Merged> = self.merged.iter().flat_map(|(_, all)| all).map(|place| Merged { place: *place, value: None }).collect();
        // The next one that begins is the last.
        merged.sort_by_key(|m| std::cmp::Reverse(m.place.start.0));
        merged
    }
}

/// A merged region with the text of its first cell, once that was met.
struct Merged {
    place: Dimensions,
    value: Option<String>,
}

/// Cells, put together to rows.
struct Rows<'a> {
    frame: &'a Frame,
    /// Merged regions that are still to come, and those that the row may lie in.
    merged: Vec<Merged>,
    around: Vec<Merged>,
    hidden: HashSet<u32>,
    row: u32,
    /// The first row that may come: a row that comes again would have the number of another one.
    behind: u32,
    cells: Vec<Option<String>>,
    open: bool,
    /// Rows of the header that are still to come.
    header_left: usize,
    on_row: &'a mut OnRow<'a>,
}

impl Rows<'_> {
    /// Takes cell after cell of a reader; `false` ends the walk.
    fn cells_of<'b, E>(&mut self, mut next: impl FnMut() -> Result<Option<Cell<DataRef<'b>>>, E>) -> Result<bool, Failure> {
        loop {
            match next() {
                Ok(Some(cell)) => {
                    let (row, column) = cell.get_position();
                    if !self.cell(row, column, cell.get_value())? {
                        return Ok(false);
                    }
                }
                Ok(None) => return Ok(true),
                Err(_) => return Err(damaged(&format!("its sheet, behind row {}", self.row + 1))),
            }
        }
    }

    /// Takes a cell; `false` ends the walk.
    fn cell(&mut self, row: u32, column: u32, value: &DataRef<'_>) -> Result<bool, Failure> {
        if self.open && row != self.row && !self.close()? {
            return Ok(false);
        }
        if !self.open && (row < self.behind || row >= MOST_ROWS) {
            let place = if row < MOST_ROWS { format!("row {} stands behind row {}", row.saturating_add(1), self.behind) } else { format!("a row behind row {} lies beyond {MOST_ROWS} rows", self.behind) };
            return Err(damaged(&place));
        }
        (self.row, self.open, self.behind) = (row, true, row.saturating_add(1));
        if let Some(text) = text::text(value, self.frame.decimal).filter(|_| self.frame.holds(row, column)) {
            let at = column.saturating_sub(self.frame.left) as usize;
            if column >= MOST_COLUMNS {
                return Err(damaged(&format!("a cell of row {} lies beyond {MOST_COLUMNS} columns", row.saturating_add(1))));
            }
            if self.cells.len() <= at {
                self.cells.resize(at + 1, None);
            }
            if let Some(cell) = self.cells.get_mut(at) {
                *cell = Some(text);
            }
        }
        Ok(true)
    }

    /// Hands on the row that is open; `false` ends the walk.
    fn close(&mut self) -> Result<bool, Failure> {
        if !std::mem::take(&mut self.open) || !self.frame.holds(self.row, self.frame.left) {
            self.cells.clear();
            return Ok(true);
        }
        // A row that has nothing but what cells above it cover is none.
        let has_cells = self.cells.iter().any(Option::is_some);
        self.fill()?;
        let mut go_on = true;
        if has_cells && !self.hidden.contains(&self.row) {
            self.header_left = self.header_left.saturating_sub(1);
            go_on = (self.on_row)(self.row.saturating_add(1), &mut self.cells)?;
        }
        self.cells.clear();
        Ok(go_on)
    }

    /// A merged cell counts for the rows that it covers, and in the header for its columns too.
    fn fill(&mut self) -> Result<(), Failure> {
        let (row, left) = (self.row, self.frame.left);
        while let Some(merged) = self.merged.pop_if(|m| m.place.start.0 <= row) {
            self.around.push(merged);
        }
        self.around.retain(|m| row <= m.place.end.0);
        if self.around.len() > MOST_COLUMNS as usize {
            return Err(damaged(&format!("merged cells of row {} lie over each other", row.saturating_add(1))));
        }
        for merged in &mut self.around {
            let first = merged.place.start.1.saturating_sub(left) as usize;
            if row == merged.place.start.0 {
                merged.value = self.cells.get(first).cloned().flatten();
            }
            let last = if self.header_left > 0 { merged.place.end.1.saturating_sub(left) as usize } else { first };
            if merged.value.is_none() || merged.place.start.1 < left || last >= MOST_COLUMNS as usize {
                continue;
            }
            if self.cells.len() <= last {
                self.cells.resize(last + 1, None);
            }
            for cell in self.cells.iter_mut().take(last + 1).skip(first).filter(|c| c.is_none()) {
                cell.clone_from(&merged.value);
            }
        }
        Ok(())
    }

    fn range(&mut self, range: &Range<Data>) -> Result<(), Failure> {
        let (top, left) = range.start().unwrap_or_default();
        for (row, column, value) in range.used_cells() {
            let at = |from: u32, by: usize| from.saturating_add(u32::try_from(by).unwrap_or(u32::MAX));
            if !self.cell(at(top, row), at(left, column), &borrowed(value))? {
                return Ok(());
            }
        }
        self.close().map(|_| ())
    }
}

/// A cell of a sheet in memory, as one of a stream.
fn borrowed(cell: &Data) -> DataRef<'_> {
    match cell {
        Data::Int(n) => DataRef::Int(*n),
        Data::Float(n) => DataRef::Float(*n),
        Data::String(text) => DataRef::SharedString(text),
        Data::Bool(b) => DataRef::Bool(*b),
        Data::DateTime(moment) => DataRef::DateTime(*moment),
        Data::DateTimeIso(text) => DataRef::DateTimeIso(text.clone()),
        Data::DurationIso(text) => DataRef::DurationIso(text.clone()),
        Data::Error(error) => DataRef::Error(error.clone()),
        Data::Empty => DataRef::Empty,
    }
}

enum Kind {
    Xlsx,
    Xlsb,
    Ods,
}

/// What a zip archive holds, and whether it can be unpacked without harm.
fn of_zip(file: &File) -> Result<Kind, Failure> {
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(|_| damaged("its zip archive is not complete"))?;
    let (mut all, mut kind) = (0u64, None);
    for at in 0..archive.len() {
        let member = archive.by_index_raw(at).map_err(|_| damaged("its zip archive"))?;
        if member.encrypted() {
            return Err(encrypted());
        }
        all = all.saturating_add(member.size());
        if all > MOST_UNPACKED || (member.size() > LARGE && member.size() / member.compressed_size().max(1) > TIGHTEST) {
            return Err(Failure::Unreadable(format!("it would unpack to {} GB and more, which no workbook does", (all >> 30).max(1))));
        }
        let Ok(name) = member.name() else { continue };
        kind = match name.as_ref() {
            "xl/workbook.xml" => Some(Kind::Xlsx),
            "xl/workbook.bin" => Some(Kind::Xlsb),
            "content.xml" => Some(Kind::Ods),
            _ => kind,
        };
    }
    kind.ok_or_else(|| Failure::NotThis { is: "a zip archive, not a workbook".into(), help: "unpack it, and name what is in it".into() })
}

fn not_a_workbook(begin: &[u8]) -> Failure {
    let text = String::from_utf8_lossy(begin).to_lowercase();
    let first = text.trim_start_matches(['\u{feff}', ' ', '\n', '\r', '\t']);
    if first.starts_with("<!doctype html") || first.starts_with("<html") || first.contains("<table") {
        return Failure::NotThis { is: "a web page, not a workbook".into(), help: "open it in a spreadsheet program and save it as xlsx, or ask the site for a true workbook".into() };
    }
    if first.starts_with("<?xml") {
        return Failure::NotThis { is: "an XML file, not a workbook".into(), help: "open it in a spreadsheet program and save it as xlsx".into() };
    }
    let is_text = begin.iter().all(|b| !matches!(b, 0..=8 | 14..=31));
    match is_text {
        true => Failure::NotThis { is: "plain text, not a workbook".into(), help: "leave `format` out: it is read as delimited text then".into() },
        false => Failure::NotThis { is: "not a workbook".into(), help: "xlsx, xlsm, xlsb, xls and ods are read".into() },
    }
}

/// Whether a container of Microsoft's compound format names a stream, in UTF-16 as it does.
fn holds(bytes: &[u8], stream: &str) -> bool {
    let wanted: Vec<u8> = stream.encode_utf16().flat_map(u16::to_le_bytes).collect();
    memchr::memmem::find(bytes.get(..64 << 20).unwrap_or(bytes), &wanted).is_some()
}

/// Rows (from 0) that a sheet hides, by its own XML (ECMA-376 part 1, 18.3.1.73: `hidden`).
fn hidden_rows(path: &Path, sheet: &str) -> Result<HashSet<u32>, Failure> {
    let file = File::open(path).map_err(|e| Failure::Unreadable(e.to_string()))?;
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(|_| damaged("its zip archive"))?;
    super::hidden::rows(&mut archive, sheet).ok_or_else(|| damaged("its rows' properties"))
}
