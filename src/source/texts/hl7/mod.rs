//! HL7 v2.x messages in their vertical-bar form (ER7; HL7 2.7, chapter 2) as records of the fields that a mapping lists.
//!
//! A file holds one message or many, with or without batch segments (section 2.10.3) and the framing bytes of MLLP. Without `each` a
//! message gives one record, of the first occurrence of each segment. With `each: OBX` it gives one for each such segment,
//! with `each: PID-3` one for each repetition of that field; the fields of other segments are then those of the occurrence
//! read last before it in the message, and missing where none came before.
//!
//! A path that stops above the lowest level gives all beneath it with its delimiters: `PID-3` every repetition, `PID-3(1)` the
//! first, `PID-3.1` the first component of the first repetition. Empty is missing, and so is HL7's null (`""`). Times stand as
//! they are in the message (`201102050830`, `20110205083000.0000+0100`): the source's `dates` read them (`%Y%m%d`,
//! `%Y%m%d%H%M`, `%Y%m%d%H%M%S%.f%z`).
//!
//! The parser is our own: the one on crates.io, `hl7-parser`, ends a message at a blank line, at a segment without fields or
//! at a line break within a value, and leaves out what follows without an error.

mod frame;
mod message;
mod path;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path as FilePath;

use serde_json::Value;

use super::charset::Charset;
use super::options::{scalar, text, wrong};
use super::record::{Damage, Failure, Head, OptionKey, Options, Output, RecordFormat};
use frame::{Framer, Message};
use message::{Coding, Delimiters, Segment, field, repetitions, segments, value, value_below};
use path::{Each, Path};

pub static FORMAT: RecordFormat = RecordFormat {
    names: &["hl7", "hl7v2"],
    summary: "HL7 v2 messages (ADT, ORU …), one or many a file, as records of the fields that `fields` lists.",
    options: &[
        OptionKey {
            key: "fields",
            about: "The columns: a list of paths (`PID-3.1`, `PID-5.1.1`, `PID-3(2).1`, `OBX-5`), or a map from a column's name to its path.",
        },
        OptionKey {
            key: "each",
            about: "What gives a record: each segment of a name (`OBX`) or each repetition of a field (`PID-3`), with the fields of the other segments that came last before it for the same patient and order; default: each message.",
        },
        OptionKey { key: "encoding", about: "The character set, against what MSH-18 says; default: MSH-18, and where it is empty UTF-8, else windows-1252." },
    ],
    folder: false,
    typed: false,
    errors: &[],
    head,
    records,
};

/// Bytes within which a message must begin.
const HEAD: u64 = 64 << 10;
/// Bytes of a damaged message that people get to see.
const RAW: usize = 64 << 10;

/// What the options say.
struct Plan {
    columns: Vec<(String, Path)>,
    each: Each,
    charset: Option<Charset>,
}

fn plan(options: &Options) -> Result<Plan, Failure> {
    let unfit = || wrong("fields", "it lists the fields that become columns, for example `[MSH-7, PID-3.1, OBX-5]`");
    let listed: Option<Vec<(String, String)>> = match options.get("fields") {
        Some(Value::Array(paths)) => paths.iter().map(scalar).map(|path| path.map(|path| (path.clone(), path))).collect(),
        Some(Value::Object(map)) => map.iter().map(|(name, path)| Some((name.clone(), scalar(path)?))).collect(),
        Some(Value::String(path)) => Some(vec![(path.clone(), path.clone())]),
        _ => None,
    };
    let listed = listed.filter(|listed| !listed.is_empty()).ok_or_else(unfit)?;
    let mut columns = vec![];
    for (name, path) in listed {
        let place = Path::parse(&path).ok_or_else(|| wrong("fields", format!("`{path}` is no path such as `PID-3.1`, `PID-5.1.1` or `PID-3(2).1`")))?;
        columns.push((name, place));
    }
    let each = match text(options, "each")? {
        None => Each::Message,
        Some(each) => Each::parse(&each).ok_or_else(|| wrong("each", format!("`{each}` is no segment such as `OBX` and no field such as `PID-3`")))?,
    };
    let charset = match text(options, "encoding")? {
        None => None,
        Some(label) => Some(Charset::from_label(&label).ok_or_else(|| wrong("encoding", format!("`{label}` is no character set that HL7 messages can be read in")))?),
    };
    Ok(Plan { columns, each, charset })
}

fn unreadable(error: &std::io::Error) -> Failure {
    Failure::Unreadable(error.to_string())
}

fn head(path: &FilePath, options: &Options) -> Result<Head, Failure> {
    let plan = plan(options)?;
    let mut first = vec![];
    File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut first)).map_err(|e| unreadable(&e))?;
    if first.iter().all(u8::is_ascii_whitespace) && (first.len() as u64) < HEAD {
        return Err(Failure::Empty);
    }
    if !frame::begins(&first) {
        return Err(other_kind(&first));
    }
    let mut head = Head { columns: plan.columns.iter().map(|(name, _)| name.clone()).collect(), ..Head::default() };
    for (i, name) in head.columns.iter().enumerate() {
        if head.columns.iter().take(i).any(|other| other == name) && !head.duplicates.contains(name) {
            head.duplicates.push(name.clone());
        }
    }
    head.evidence.extend(evidence(&first, &plan));
    Ok(head)
}

fn other_kind(first: &[u8]) -> Failure {
    let is = match first {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => "text in UTF-16",
        [b'<', ..] | [0xEF, 0xBB, 0xBF, b'<', ..] => "XML",
        [b'{' | b'[', ..] => "JSON",
        _ => "no file of HL7 v2 messages: no line at its beginning starts with `MSH|`",
    };
    Failure::NotThis { is: is.into(), help: "a message in the vertical-bar form begins with `MSH|^~\\&|`".into() }
}

/// The character set of the first message, and why.
fn evidence(first: &[u8], plan: &Plan) -> Option<String> {
    let mut message = Message::default();
    let mut framer = Framer::new(first);
    while framer.next(&mut message).ok()? {
        let line = message.lines.first().filter(|_| message.headed);
        let Some(msh) = line.and_then(|line| message.bytes.get(line.start..line.end)) else { continue };
        let Some(delimiters) = Delimiters::of(msh) else { continue };
        return Some(match Coding::of(&message, msh, &delimiters, plan.charset) {
            Coding::Known(charset, why) => format!("encoding: {} ({why}, in the first message)", charset.label()),
            Coding::Unknown => "encoding: MSH-18 of the first message names one that cannot be read".into(),
        });
    }
    None
}

fn records(path: &FilePath, options: &Options, output: &mut dyn Output) -> Result<(), Failure> {
    let plan = plan(options)?;
    let file = File::open(path).map_err(|e| unreadable(&e))?;
    run(BufReader::with_capacity(256 << 10, file), plan, output)
}

/// All records of a stream.
fn run(input: impl BufRead, plan: Plan, output: &mut dyn Output) -> Result<(), Failure> {
    let mut framer = Framer::new(input);
    let mut message = Message::default();
    let mut reader = Reader::new(plan);
    let mut done = 0;
    while framer.next(&mut message).map_err(|e| unreadable(&e))? {
        reader.message(&message, output)?;
        output.read(framer.read().saturating_sub(done));
        done = framer.read();
    }
    output.read(framer.read().saturating_sub(done));
    Ok(())
}

/// The columns of one segment name.
struct Wanted {
    name: [u8; 3],
    columns: Vec<usize>,
    /// An occurrence gave the cells.
    seen: bool,
    /// It has bytes that mean nothing.
    bad: bool,
}

/// Makes records of messages; its cells are those of the segments read last.
struct Reader {
    plan: Plan,
    wanted: Vec<Wanted>,
    cells: Vec<(bool, String)>,
    segments: Vec<Segment>,
    number: u64,
    /// A result of the order was met, and a note behind it.
    in_results: bool,
    note_of_result: bool,
}

impl Reader {
    fn new(plan: Plan) -> Self {
        let mut wanted: Vec<Wanted> = vec![];
        let mut want = |name: [u8; 3], column: Option<usize>| match wanted.iter_mut().find(|w| w.name == name) {
            Some(known) => known.columns.extend(column),
            None => wanted.push(Wanted { name, columns: column.into_iter().collect(), seen: false, bad: false }),
        };
        for (at, (_, path)) in plan.columns.iter().enumerate() {
            want(path.segment, Some(at));
        }
        match plan.each {
            Each::Segment(name) | Each::Field(name, _) => want(name, None),
            Each::Message => {}
        }
        Reader { cells: vec![(false, String::new()); plan.columns.len()], plan, wanted, segments: vec![], number: 0, in_results: false, note_of_result: false }
    }

    /// The records of a message.
    fn message(&mut self, message: &Message, output: &mut dyn Output) -> Result<(), Failure> {
        for cell in &mut self.cells {
            cell.0 = false;
        }
        for wanted in &mut self.wanted {
            (wanted.seen, wanted.bad) = (false, false);
        }
        (self.in_results, self.note_of_result) = (false, false);
        let first = message.lines.first();
        let byte = first.map_or(0, |line| line.byte);
        let msh = first.and_then(|line| message.bytes.get(line.start..line.end)).unwrap_or_default();
        let Some(delimiters) = Delimiters::of(msh).filter(|_| message.headed) else { return self.damaged(byte, &message.bytes, output) };
        let coding = Coding::of(message, msh, &delimiters, self.plan.charset);
        let mut found = std::mem::take(&mut self.segments);
        segments(message, delimiters.field, &mut found);
        for segment in &found {
            self.begins(segment.name);
            let Some(at) = self.wanted.iter().position(|w| w.name == segment.name) else { continue };
            self.segment(at, segment, message, &delimiters, coding, output)?;
        }
        self.segments = found;
        match (&self.plan.each, message.whole) {
            (_, false) => self.damaged(byte, &message.bytes, output),
            (Each::Message, true) => self.record(byte, &message.bytes, output),
            (_, true) => Ok(()),
        }
    }

    /// A segment that begins a group of its own ends those before it (HL7 v2.5.1, 7.3.1: patient, order, observation): what they said
    /// is not of the new patient, order or result.
    fn begins(&mut self, name: [u8; 3]) {
        if self.plan.each == Each::Message {
            return;
        }
        // A note behind a result is the result's; one before the first is the order's, and is of all its results.
        let note_ended = name == *b"OBX" && self.note_of_result;
        match &name {
            b"PID" | b"ORC" | b"OBR" => (self.in_results, self.note_of_result) = (false, false),
            b"OBX" => (self.in_results, self.note_of_result) = (true, false),
            b"NTE" => self.note_of_result = self.in_results,
            _ => {}
        }
        let ended = |other: &[u8; 3]| match &name {
            b"PID" => ![b"MSH", b"SFT", b"EVN", b"PID"].contains(&other),
            b"ORC" => [b"OBR", b"OBX", b"NTE", b"SPM"].contains(&other),
            b"OBR" => [b"OBX", b"NTE", b"SPM"].contains(&other),
            b"OBX" => note_ended && other == b"NTE",
            _ => false,
        };
        for wanted in self.wanted.iter_mut().filter(|w| ended(&w.name)) {
            wanted.bad = false;
            for column in &wanted.columns {
                if let Some((there, _)) = self.cells.get_mut(*column) {
                    *there = false;
                }
            }
        }
    }

    /// Takes the cells of one segment, and gives a record where there is one for each of them.
    fn segment(&mut self, at: usize, segment: &Segment, message: &Message, d: &Delimiters, coding: Coding, output: &mut dyn Output) -> Result<(), Failure> {
        let Some(wanted) = self.wanted.get_mut(at) else { return Ok(()) };
        if std::mem::replace(&mut wanted.seen, true) && self.plan.each == Each::Message {
            return Ok(());
        }
        let raw = message.bytes.get(segment.range.clone()).unwrap_or_default();
        let (text, bad) = coding.decode(raw);
        wanted.bad = bad;
        self.take(at, |path, out| Some(value(&text, path, d, coding, out)));
        match self.plan.each {
            Each::Segment(name) if name == segment.name => self.record(segment.byte, raw, output),
            Each::Field(name, number) if name == segment.name => {
                for repetition in repetitions(field(&text, number, d).unwrap_or_default(), d) {
                    self.take(at, |path, out| (path.field == number && path.repetition.is_none()).then(|| value_below(repetition, path, d, coding, out)));
                    self.record(segment.byte, raw, output)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Fills the cells of a segment with what `read` gives, and whether it gives anything; where it says nothing they stay.
    fn take(&mut self, at: usize, read: impl Fn(&Path, &mut String) -> Option<bool>) {
        let Some(wanted) = self.wanted.get(at) else { return };
        for column in &wanted.columns {
            if let (Some((_, path)), Some((there, text))) = (self.plan.columns.get(*column), self.cells.get_mut(*column)) {
                *there = read(path, text).unwrap_or(*there);
            }
        }
    }

    fn record(&mut self, byte: u64, raw: &[u8], output: &mut dyn Output) -> Result<(), Failure> {
        if self.wanted.iter().any(|w| w.bad) {
            return self.damaged(byte, raw, output);
        }
        self.number = self.number.saturating_add(1);
        output.record(self.number, byte, &mut self.cells.iter().map(|(there, text)| there.then_some(text.as_str())))
    }

    fn damaged(&mut self, byte: u64, raw: &[u8], output: &mut dyn Output) -> Result<(), Failure> {
        self.number = self.number.saturating_add(1);
        let shown = String::from_utf8_lossy(raw.get(..RAW).unwrap_or(raw));
        output.damaged(self.number, byte, Damage::Unreadable, &shown, &mut self.cells.iter().map(|(there, text)| there.then_some(text.as_str())))
    }
}
