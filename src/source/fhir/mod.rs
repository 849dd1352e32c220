//! `fhir`: FHIR R4 resources in JSON, flattened by a SQL-on-FHIR v2 ViewDefinition.
//!
//! A file has one resource a line (NDJSON, as a bulk export writes it), or it is a JSON document: a Bundle, of which one
//! entry after the other is read, a single resource, or a list of resources; any of these may be packed with gzip. Which of
//! them it is, the content tells. The records are the rows that the view gives; resources of other types are passed over.
//! A resource that is no JSON, or for which a path of the view fails, is one damaged record.

mod detect;
mod json;
mod path;
mod rows;
mod source;
#[cfg(test)]
mod tests;
mod view;

use std::cell::Cell;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::rc::Rc;

use super::record::{Damage, Failure, Head, OptionKey, Options, Output, RecordFormat};
use detect::Layout;
use json::Tree;
use source::{Counted, Source, Stop};
use view::View;

pub static FORMAT: RecordFormat = RecordFormat {
    names: &["fhir"],
    summary: "FHIR R4 resources in NDJSON or JSON files (also packed with gzip), each made into rows by a SQL-on-FHIR v2 ViewDefinition.",
    options: &[OptionKey {
        key: VIEW,
        about: "The ViewDefinition: written here, or the path of a JSON file with it; it says which type of resource is read, and the columns.",
    }],
    folder: false,
    typed: true,
    errors: &[],
    head,
    records,
};

const VIEW: &str = "view";
/// How much of a damaged resource is shown.
const SHOWN: usize = 1 << 20;
const GZIP: [u8; 2] = [0x1F, 0x8B];
const MARK: [u8; 3] = [0xEF, 0xBB, 0xBF];

fn head(path: &Path, options: &Options) -> Result<Head, Failure> {
    let view = view_of(options)?;
    let (mut source, packed, _) = open(path)?;
    let (_, why) = detect::layout(source.peek(detect::LOOKED_AT)?)?;
    let mut evidence = vec![why.to_owned()];
    if packed {
        evidence.push("packed with gzip: its first bytes".into());
    }
    Ok(Head { columns: view.columns, duplicates: vec![], evidence })
}

fn records(path: &Path, options: &Options, output: &mut dyn Output) -> Result<(), Failure> {
    let view = view_of(options)?;
    let (mut source, _, count) = open(path)?;
    let (layout, _) = detect::layout(source.peek(detect::LOOKED_AT)?)?;
    let mut run = Run { view: &view, output, number: 0, count, told: 0, nodes: 0 };
    match layout {
        Layout::Lines => run.lines(&mut source)?,
        Layout::Document => run.document(&mut source)?,
    }
    run.tell();
    Ok(())
}

fn view_of(options: &Options) -> Result<View, Failure> {
    let wrong = |message: String| Failure::Option { key: VIEW.into(), message, near: vec![] };
    match options.get(VIEW) {
        None => Err(wrong("is missing: a ViewDefinition, or the path of a file with one".into())),
        Some(serde_json::Value::String(path)) => {
            let text = std::fs::read(path).map_err(|error| wrong(format!("the file cannot be read: {error}")))?;
            let text = text.strip_prefix(&MARK).unwrap_or(&text);
            let definition = serde_json::from_slice(text).map_err(|error| wrong(format!("the file is no JSON: {error}")))?;
            View::load(&definition).map_err(wrong)
        }
        Some(definition) => View::load(definition).map_err(wrong),
    }
}

type Bytes = Source<Box<dyn Read>>;

/// The unpacked bytes of a file behind a byte order mark, whether it is packed, and the count of bytes read of it.
fn open(path: &Path) -> Result<(Bytes, bool, Rc<Cell<u64>>), Failure> {
    let unreadable = |error: std::io::Error| Failure::Unreadable(error.to_string());
    if path.is_dir() {
        return Err(Failure::Unreadable("a folder stands here, not a file".into()));
    }
    let count = Rc::new(Cell::new(0));
    let mut file = Counted { inner: File::open(path).map_err(unreadable)?, count: Rc::clone(&count) };
    let mut first = vec![];
    file.by_ref().take(GZIP.len() as u64).read_to_end(&mut first).map_err(unreadable)?;
    let packed = first == GZIP;
    let whole = std::io::Cursor::new(first).chain(file);
    let mut source: Bytes = Source::new(if packed { Box::new(flate2::read::MultiGzDecoder::new(whole)) } else { Box::new(whole) });
    if source.peek(MARK.len())?.starts_with(&MARK) {
        source.pass(MARK.len());
    }
    Ok((source, packed, count))
}

/// One reading of a file.
struct Run<'r> {
    view: &'r View,
    output: &'r mut dyn Output,
    /// Of the last record.
    number: u64,
    /// Bytes read of the file, and how many of them were told.
    count: Rc<Cell<u64>>,
    told: u64,
    /// Of the last tree.
    nodes: usize,
}

impl Run<'_> {
    /// Says how much of the file is done.
    fn tell(&mut self) {
        let read = self.count.get();
        if read > self.told {
            self.output.read(read - self.told);
            self.told = read;
        }
    }

    fn lines<R: Read>(&mut self, source: &mut Source<R>) -> Result<(), Failure> {
        while let Some((byte, line)) = source.line()? {
            if !line.trim_ascii().is_empty() {
                self.resource(byte, line.trim_ascii_end(), false)?;
            }
            self.tell();
        }
        Ok(())
    }

    /// One JSON value after the other, with those of a Bundle's entries taken apart.
    fn document<R: Read>(&mut self, source: &mut Source<R>) -> Result<(), Failure> {
        let end = self.values(source);
        self.ended(end, source, 0)
    }

    /// Behind a place that is no JSON there is no telling what belongs together: it is the last record.
    fn ended<R: Read>(&mut self, end: Result<(), Stop>, source: &Source<R>, before: u64) -> Result<(), Failure> {
        match end {
            Ok(()) => Ok(()),
            Err(Stop::Failed(failure)) => Err(failure),
            Err(Stop::Damaged) => self.damaged(before.saturating_add(source.marked_place()), &String::from_utf8_lossy(shown(source.marked()))),
        }
    }

    fn values<R: Read>(&mut self, source: &mut Source<R>) -> Result<(), Stop> {
        loop {
            let next = source.next()?;
            source.set_mark();
            match next {
                None => return Ok(()),
                Some(b'[') => self.elements(source, 0, false)?,
                Some(b'{') => self.value(source, 0, false)?,
                Some(_) => {
                    source.peek(SHOWN)?;
                    source.pass(SHOWN);
                    return Err(Stop::Damaged);
                }
            }
        }
    }

    /// A resource, or a Bundle: if this is known before the entries, they are taken one by one. `before`: bytes of the file in
    /// front of the source.
    fn value<R: Read>(&mut self, source: &mut Source<R>, before: u64, mut bundle: bool) -> Result<(), Stop> {
        // Entries that came before the type stay in memory with everything else.
        let mut held = false;
        source.accept(b'{')?;
        let mut open = !source.accept(b'}')?;
        while open {
            let key = source.value()?;
            let is = |source: &Source<R>, place: std::ops::Range<usize>, text: &str| source.marked().get(place) == Some(text.as_bytes());
            let (entries, kind) = (is(source, key.clone(), "\"entry\""), is(source, key, "\"resourceType\""));
            if !source.accept(b':')? {
                return Err(Stop::Damaged);
            }
            if bundle && entries && source.next()? == Some(b'[') {
                self.elements(source, before, true)?;
            } else {
                let value = source.value()?;
                held |= entries;
                bundle |= kind && !held && is(source, value, "\"Bundle\"") && self.view.resource != "Bundle";
            }
            if bundle {
                source.set_mark();
            }
            open = !source.accept(b'}')?;
            if open && !source.accept(b',')? {
                return Err(Stop::Damaged);
            }
        }
        if !bundle {
            self.resource(before.saturating_add(source.marked_place()), source.marked(), false)?;
        }
        self.tell();
        Ok(())
    }

    /// The entries of a Bundle, or the resources of a list.
    fn elements<R: Read>(&mut self, source: &mut Source<R>, before: u64, entries: bool) -> Result<(), Stop> {
        source.accept(b'[')?;
        let mut open = !source.accept(b']')?;
        while open {
            source.next()?;
            source.set_mark();
            source.value()?;
            self.resource(before.saturating_add(source.marked_place()), source.marked(), entries)?;
            self.tell();
            open = !source.accept(b']')?;
            if open && !source.accept(b',')? {
                return Err(Stop::Damaged);
            }
        }
        Ok(())
    }

    /// The rows of one resource, or of the one in an entry.
    fn resource(&mut self, byte: u64, text: &[u8], entry: bool) -> Result<(), Failure> {
        let Ok(text) = std::str::from_utf8(text) else { return self.damaged(byte, &String::from_utf8_lossy(shown(text))) };
        let Ok(tree) = Tree::parse(text, &self.view.keep, self.nodes) else { return self.damaged(byte, text) };
        self.nodes = tree.len();
        let root = if entry { tree.member(0, "resource") } else { Some(0) };
        let Some(root) = root else { return Ok(()) };
        let byte = byte.saturating_add(u64::from(tree.start(root)));
        match tree.member(root, "resourceType").and_then(|kind| tree.text(kind)) {
            None => self.damaged(byte, tree.raw(root)),
            Some(kind) if kind == self.view.resource => match rows::rows(self.view, &tree, root) {
                Ok(rows) => rows.iter().try_for_each(|row| {
                    self.number += 1;
                    self.output.record(self.number, byte, &mut row.iter().map(Option::as_deref))
                }),
                Err(_) => self.damaged(byte, tree.raw(root)),
            },
            // A Bundle in a line, or one whose type stood behind its entries.
            Some("Bundle") if !entry => self.bundle(byte, tree.raw(root)),
            Some(_) => Ok(()),
        }
    }

    fn bundle(&mut self, byte: u64, raw: &str) -> Result<(), Failure> {
        let mut source = Source::new(raw.as_bytes());
        let end = self.value(&mut source, byte, true);
        self.ended(end, &source, byte)
    }

    fn damaged(&mut self, byte: u64, raw: &str) -> Result<(), Failure> {
        self.number += 1;
        let mut end = raw.len().min(SHOWN);
        while !raw.is_char_boundary(end) {
            end -= 1;
        }
        let raw = raw.get(..end).unwrap_or_default();
        let mut cells = self.view.columns.iter().map(|_| None);
        self.output.damaged(self.number, byte, Damage::Unreadable, raw, &mut cells)
    }
}

fn shown(bytes: &[u8]) -> &[u8] {
    bytes.get(..SHOWN).unwrap_or(bytes)
}
