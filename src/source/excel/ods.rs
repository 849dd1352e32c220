//! Sheets of OpenDocument (ODF 1.2 part 1, chapter 9), cell by cell.
//!
//! `calamine` keeps for each sheet the rectangle around its cells, twice, so that one stray cell far away costs a gigabyte, and
//! it waits without end where a file breaks off within a sheet. Here one row is in memory, and once, however often it is repeated.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, Read};

use calamine::DataRef;
use quick_xml::Reader;
use quick_xml::escape::{resolve_xml_entity, unescape};
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;
use zip::read::ZipFile;

use super::super::record::Failure;
use super::sheet::{MOST_COLUMNS, MOST_ROWS, damaged, encrypted};

const CONTENT: &str = "content.xml";
const KIND: &str = "application/vnd.oasis.opendocument.spreadsheet";
/// Elements within elements.
const DEEPEST: usize = 1000;
const TABLE: &str = "table:table";
/// Cells and blanks of a sheet that are not written but repeated: so many, or so many for each cell that is written.
const MOST_REPEATED: u64 = 32_000_000;
const REPEATED: u64 = 128;

pub struct Ods {
    archive: ZipArchive<BufReader<File>>,
    pub sheets: Vec<Sheet>,
}

pub struct Sheet {
    pub name: String,
    pub visible: bool,
    has_cell: bool,
}

/// Takes a cell: row and column, both from 0; `false` ends the walk.
pub type OnCell<'a> = dyn FnMut(u32, u32, &DataRef<'_>) -> Result<bool, Failure> + 'a;

impl Ods {
    pub fn open(file: File) -> Result<Ods, Failure> {
        let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|_| damaged("its zip archive"))?;
        if is_encrypted(&mut archive)? {
            return Err(encrypted());
        }
        let mut kind = String::new();
        let read = archive.by_name("mimetype").map(|member| member.take(100).read_to_string(&mut kind));
        if matches!(read, Ok(Ok(_))) && !kind.starts_with(KIND) {
            return Err(Failure::NotThis { is: "an OpenDocument file, not a workbook".into(), help: "export its table from the program that wrote it".into() });
        }
        let (mut sheets, mut buffer) = (vec![], vec![]);
        let mut content = Content::of(&mut archive, CONTENT)?;
        while let Some((name, visible)) = content.table(&mut buffer)? {
            let mut has_cell = false;
            let whole = content.cells(&mut buffer, &mut |_, _, _| {
                has_cell = true;
                Ok(false)
            })?;
            if !whole {
                content.leave(TABLE, &mut buffer)?;
            }
            sheets.push(Sheet { name, visible, has_cell });
        }
        drop(content);
        Ok(Ods { archive, sheets })
    }

    /// The cells of a sheet that hold something, row by row.
    pub fn cells(&mut self, name: &str, on_cell: &mut OnCell<'_>) -> Result<(), Failure> {
        let Some(at) = self.sheets.iter().position(|s| s.name == name) else { return Ok(()) };
        if !self.sheets.get(at).is_some_and(|s| s.has_cell) {
            return Ok(());
        }
        let mut buffer = vec![];
        let mut content = Content::of(&mut self.archive, CONTENT)?;
        content.table(&mut buffer)?;
        for _ in 0..at {
            content.leave(TABLE, &mut buffer)?;
            content.table(&mut buffer)?;
        }
        content.cells(&mut buffer, on_cell).map(|_| ())
    }
}

fn is_empty(value: &DataRef<'_>) -> bool {
    matches!(value, DataRef::Empty) || matches!(value, DataRef::String(text) if text.is_empty())
}

/// Whether the manifest names a key (ODF 1.2 part 3, 4.4): the content is no XML then.
fn is_encrypted(archive: &mut ZipArchive<BufReader<File>>) -> Result<bool, Failure> {
    let Ok(mut manifest) = Content::of(archive, "META-INF/manifest.xml") else { return Ok(false) };
    let mut buffer = vec![];
    loop {
        match manifest.next(&mut buffer)? {
            Event::Start(tag) if tag.local_name().as_ref() == "encryption-data" => return Ok(true),
            Event::Eof => return Ok(false),
            _ => {}
        }
    }
}

/// A cell, or several that are alike.
struct Run {
    column: u64,
    repeats: u64,
    value: DataRef<'static>,
}

/// A member of the archive, element by element.
struct Content<'z> {
    xml: Reader<BufReader<ZipFile<'z, BufReader<File>>>>,
    depth: usize,
    /// Styles of sheets that are not shown.
    hidden: HashSet<String>,
    /// Row of the sheet, from 0.
    row: u64,
    /// Cells of the sheet that are written, and what is repeated.
    written: u64,
    repeated: u64,
}

impl<'z> Content<'z> {
    fn of(archive: &'z mut ZipArchive<BufReader<File>>, member: &str) -> Result<Content<'z>, Failure> {
        let member = archive.by_name(member).map_err(|_| damaged("its content cannot be opened"))?;
        let mut xml = Reader::from_reader(BufReader::with_capacity(64 << 10, member));
        xml.config_mut().expand_empty_elements = true;
        Ok(Content { xml, depth: 0, hidden: HashSet::new(), row: 0, written: 0, repeated: 0 })
    }

    fn broken(&self) -> Failure {
        damaged(&format!("its content, behind row {} of a sheet", self.row))
    }

    fn next<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Result<Event<'b>, Failure> {
        buffer.clear();
        let event = self.xml.read_event_into(buffer).map_err(|_| self.broken())?;
        match &event {
            Event::Start(_) if self.depth < DEEPEST => self.depth += 1,
            Event::Start(_) => return Err(self.broken()),
            Event::End(_) => self.depth = self.depth.saturating_sub(1),
            // The end of the file within an element.
            Event::Eof if self.depth > 0 => return Err(self.broken()),
            _ => {}
        }
        Ok(event)
    }

    /// Passes over what is left of an element that is open.
    fn leave(&mut self, name: &str, buffer: &mut Vec<u8>) -> Result<(), Failure> {
        let mut inner = 0usize;
        loop {
            match self.next(buffer)? {
                Event::Start(tag) if tag.name().as_ref() == name => inner += 1,
                Event::End(tag) if tag.name().as_ref() == name => match inner.checked_sub(1) {
                    Some(left) => inner = left,
                    None => return Ok(()),
                },
                Event::Eof => return Ok(()),
                _ => {}
            }
        }
    }

    /// Goes on to the next sheet: its name, and whether it is shown.
    fn table(&mut self, buffer: &mut Vec<u8>) -> Result<Option<(String, bool)>, Failure> {
        let mut style: Option<String> = None;
        loop {
            match self.next(buffer)? {
                Event::Start(tag) => match tag.name().as_ref() {
                    "style:style" => style = attribute(&tag, "style:name"),
                    "style:table-properties" if attribute(&tag, "table:display").as_deref() == Some("false") => self.hidden.extend(style.take()),
                    TABLE => {
                        // What is linked to other files has no name.
                        let Some(name) = attribute(&tag, "table:name") else { continue };
                        (self.row, self.written, self.repeated) = (0, 0, 0);
                        return Ok(Some((name, attribute(&tag, "table:style-name").is_none_or(|s| !self.hidden.contains(&s)))));
                    }
                    _ => {}
                },
                Event::Eof => return Ok(None),
                _ => {}
            }
        }
    }

    /// The cells of the sheet that is open; whether it was gone through to its end.
    fn cells(&mut self, buffer: &mut Vec<u8>, on_cell: &mut OnCell<'_>) -> Result<bool, Failure> {
        let outside = self.depth.saturating_sub(1);
        let mut runs = vec![];
        loop {
            let repeats = match self.next(buffer)? {
                Event::Start(tag) => match tag.name().as_ref() {
                    "table:table-row" => Some(repeats(&tag, "table:number-rows-repeated").ok_or_else(|| self.broken())?),
                    // A drawing of the sheet may have a table of its own.
                    "table:shapes" => None,
                    _ => continue,
                },
                Event::End(_) if self.depth == outside => return Ok(true),
                Event::Eof => return Err(self.broken()),
                _ => continue,
            };
            let Some(repeats) = repeats else {
                self.leave("table:shapes", buffer)?;
                continue;
            };
            self.runs(buffer, &mut runs)?;
            if !self.emit(&runs, repeats, on_cell)? {
                return Ok(false);
            }
            self.row = self.row.saturating_add(repeats);
        }
    }

    /// Hands on a row as often as it is repeated.
    fn emit(&mut self, runs: &[Run], repeats: u64, on_cell: &mut OnCell<'_>) -> Result<bool, Failure> {
        let Some(last) = runs.last() else { return Ok(true) };
        if self.row.saturating_add(repeats) > u64::from(MOST_ROWS) || last.column.saturating_add(last.repeats) > u64::from(MOST_COLUMNS) {
            return Err(damaged(&format!("a cell behind row {} lies beyond {MOST_ROWS} rows and {MOST_COLUMNS} columns", self.row)));
        }
        let cells: u64 = runs.iter().map(|run| run.repeats).sum();
        self.repeat(cells.saturating_mul(repeats).saturating_sub(runs.len() as u64))?;
        let small = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        for row in self.row..self.row.saturating_add(repeats) {
            for run in runs {
                for column in run.column..run.column.saturating_add(run.repeats) {
                    if !on_cell(small(row), small(column), &run.value)? {
                        return Ok(false);
                    }
                }
            }
        }
        Ok(true)
    }

    /// Takes note of what a few bytes stand for.
    fn repeat(&mut self, more: u64) -> Result<(), Failure> {
        self.repeated = self.repeated.saturating_add(more);
        if self.repeated > MOST_REPEATED.max(self.written.saturating_mul(REPEATED)) {
            return Err(Failure::Unreadable(format!("a sheet of it repeats its cells more than {} million times, which no true sheet does", MOST_REPEATED / 1_000_000)));
        }
        Ok(())
    }

    /// The cells of the row that is open, as far as they hold something.
    fn runs(&mut self, buffer: &mut Vec<u8>, runs: &mut Vec<Run>) -> Result<(), Failure> {
        runs.clear();
        let (outside, mut column) = (self.depth.saturating_sub(1), 0u64);
        loop {
            let (repeats, value) = match self.next(buffer)? {
                Event::Start(tag) if matches!(tag.name().as_ref(), "table:table-cell" | "table:covered-table-cell") => {
                    repeats(&tag, "table:number-columns-repeated").zip(value(&tag)).ok_or_else(|| self.broken())?
                }
                Event::End(_) if self.depth == outside => return Ok(()),
                _ => continue,
            };
            self.written = self.written.saturating_add(1);
            let text = self.text(buffer, value.is_none())?;
            let value = value.unwrap_or(DataRef::String(text));
            if !is_empty(&value) {
                runs.push(Run { column, repeats, value });
            }
            column = column.saturating_add(repeats);
        }
    }

    /// The text of the cell that is open, paragraph by paragraph, without remarks; where it is not wanted, it is passed over.
    fn text(&mut self, buffer: &mut Vec<u8>, wanted: bool) -> Result<String, Failure> {
        let (outside, mut text, mut paragraphs) = (self.depth.saturating_sub(1), String::new(), 0u32);
        loop {
            let (mut is_remark, mut blanks) = (false, 0);
            match self.next(buffer)? {
                Event::Start(tag) => match tag.name().as_ref() {
                    "office:annotation" => is_remark = true,
                    _ if !wanted => {}
                    "text:p" => {
                        if paragraphs > 0 {
                            text.push('\n');
                        }
                        paragraphs = paragraphs.saturating_add(1);
                    }
                    "text:s" => blanks = repeats(&tag, "text:c").ok_or_else(|| self.broken())?,
                    "text:tab" => text.push('\t'),
                    "text:line-break" => text.push('\n'),
                    _ => {}
                },
                // Between paragraphs stand only the blanks of an indented file.
                Event::Text(part) if wanted && self.depth > outside.saturating_add(1) => text.push_str(&part.xml10_content()),
                Event::CData(part) if wanted => text.push_str(&part.xml10_content()),
                Event::GeneralRef(part) if wanted => match resolve_xml_entity(part.as_ref()) {
                    Some(known) => text.push_str(known),
                    None => text.push(part.resolve_char_ref().ok().flatten().ok_or_else(|| self.broken())?),
                },
                Event::End(_) if self.depth == outside => return Ok(text),
                _ => {}
            }
            if is_remark {
                self.leave("office:annotation", buffer)?;
            }
            if blanks > 0 {
                self.repeat(blanks)?;
                text.extend(std::iter::repeat_n(' ', usize::try_from(blanks).unwrap_or(0)));
            }
        }
    }
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = tag.attributes().with_checks(false).flatten().find(|a| a.key.as_ref() == name)?;
    unescape(&found.value).ok().map(|text| text.into_owned())
}

/// How often a cell or a row stands there; `None` where that is no number.
fn repeats(tag: &BytesStart<'_>, name: &str) -> Option<u64> {
    attribute(tag, name).map_or(Some(1), |text| text.trim().parse().ok())
}

/// What the attributes say of a cell (ODF 1.2 part 1, 19.385): the inner `None` is a text that stands in its content, the outer one no value of its type.
fn value(tag: &BytesStart<'_>) -> Option<Option<DataRef<'static>>> {
    let (mut value, mut is_text, mut is_error) = (None, false, false);
    for found in tag.attributes().with_checks(false) {
        let found = found.ok()?;
        let text = || unescape(&found.value).ok().map(|text| text.into_owned());
        let read = match found.key.as_ref() {
            "office:value" => DataRef::Float(found.value.trim().parse().ok()?),
            "office:string-value" => DataRef::String(text()?),
            "office:date-value" => DataRef::DateTimeIso(text()?),
            "office:time-value" => DataRef::DurationIso(text()?),
            "office:boolean-value" => DataRef::Bool(found.value.eq_ignore_ascii_case("true")),
            "office:value-type" => {
                is_text = &*found.value == "string";
                continue;
            }
            "calcext:value-type" => {
                is_error = &*found.value == "error";
                continue;
            }
            _ => continue,
        };
        value = value.or(Some(read));
    }
    // LibreOffice writes the text of an error into the content, beside an empty value.
    let in_content = value.is_none() && is_text || is_error && value.as_ref().is_some_and(is_empty);
    Some(if in_content { None } else { Some(value.unwrap_or(DataRef::Empty)) })
}
