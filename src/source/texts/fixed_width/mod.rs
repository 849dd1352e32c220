//! Fixed-width text, such as the files of the French PMSI: a field is so many characters from such a place of a line, by a layout.
//!
//! The layout is a table with `name`, `start` (from 1), `length` and, as wanted, `type` and `when`. `type` is `text` (the default;
//! blanks behind it are padding), `integer`, `decimal(n)` (the last n digits are decimals) or `date(ddmmyyyy)`; what does not fit
//! its type stays as it is, so that the mapping finds it. `when: 1=02` says that only lines with `02` at place 1 have the field;
//! `record: 02` takes these lines alone, and without it a line for which no such condition holds is damaged.
//!
//! Places count characters, which in a single-byte encoding are bytes. Lines end by LF or CRLF; empty ones count as lines and
//! give no record. A line that is shorter than its fields is damaged (`pad: true`: it counts as filled up with blanks), with
//! `exact: true` also one that is longer.
//!
//! `repeat` reads a zone behind the fixed part, of as many pieces as a field says: each gives a record with the fixed part's
//! fields, a line with none gives one without the zone's. `after` names zones between the fixed part and this one. A count that
//! is no number, or says more than the line holds, makes the line a damaged record.

mod kind;
mod layout;
mod repeat;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use memchr::memchr;

use super::charset::{Charset, guess, not_text};
use super::options::{flag, number, text, wrong};
use super::record::{Damage, Failure, Head, OptionKey, Options, Output, RecordFormat};
use layout::{Field, Layout};
use repeat::Repeat;

pub static FORMAT: RecordFormat = RecordFormat {
    names: &["fixed_width", "fixed-width", "fwf"],
    summary: "Fixed-width text (PMSI and its like): fields stand at places of a line that a layout names.",
    options: &[
        OptionKey {
            key: "layout",
            about: "The path of a CSV table with the columns `name`, `start` (from 1), `length` and, as wanted, `type` (`text`, `integer`, `decimal(2)`, `date(ddmmyyyy)`) and `when` (`1=02`), or a list of maps with these keys.",
        },
        OptionKey { key: "record", about: "The type of line that gives records, by a `when` of the layout (`1=02`, or `02`); default: all lines." },
        OptionKey { key: "repeat", about: "A zone that repeats, `{count: COLUMN, start: 104, length: 8, fields: […]}`: a record for each repetition; `after: [{count: COLUMN, length: 8}]` names the zones before it." },
        OptionKey { key: "encoding", about: "The character set; default: UTF-8 if the file is that, else windows-1252." },
        OptionKey { key: "skip_lines", about: "Lines before the first record; default 0." },
        OptionKey { key: "exact", about: "`true`: a line that is longer than its fields is damaged." },
        OptionKey { key: "pad", about: "`true`: a line that is shorter than its fields counts as filled up with blanks." },
    ],
    folder: false,
    typed: false,
    errors: &[],
    head,
    records,
};

/// Bytes by which the encoding is guessed.
const HEAD: u64 = 1 << 20;
/// Bytes of a line; what is longer is damaged, and its rest is not kept.
const MAX_LINE: usize = 4 << 20;
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// What the options say.
struct Plan {
    layout: Layout,
    repeat: Option<Repeat>,
    columns: Vec<String>,
    /// The condition that lines with records meet.
    record: Option<usize>,
    charset: Option<Charset>,
    skip: u64,
    exact: bool,
    pad: bool,
}

fn plan(options: &Options) -> Result<Plan, Failure> {
    let mut layout = Layout::of("layout", options.get("layout"))?;
    let record = match text(options, "record")? {
        Some(named) => Some(layout.record(&named)?),
        None => None,
    };
    if record.is_some() {
        layout.fields.retain(|field| field.when.is_none() || field.when == record);
    }
    let repeat = match options.get("repeat").filter(|value| !value.is_null()) {
        Some(value) => Some(Repeat::of(value, &layout)?),
        None => None,
    };
    let mut columns: Vec<String> = vec![];
    for field in layout.fields.iter().chain(repeat.iter().flat_map(|r| &r.layout.fields)) {
        if !columns.contains(&field.name) {
            columns.push(field.name.clone());
        }
    }
    let charset = match text(options, "encoding")? {
        Some(label) => Some(Charset::from_label(&label).ok_or_else(|| wrong("encoding", format!("`{label}` is no character set that can be read here")))?),
        None => None,
    };
    let skip = number(options, "skip_lines")?.and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
    Ok(Plan { layout, repeat, columns, record, charset, skip, exact: flag(options, "exact")?, pad: flag(options, "pad")? })
}

fn unreadable(error: &io::Error) -> Failure {
    Failure::Unreadable(error.to_string())
}

/// The first bytes of a file, and whether they are all.
fn first_bytes(path: &Path) -> Result<(Vec<u8>, bool), Failure> {
    let mut first = vec![];
    File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut first)).map_err(|e| unreadable(&e))?;
    let whole = (first.len() as u64) < HEAD;
    Ok((first, whole))
}

/// The encoding that the first bytes show; nothing where all are ASCII and others follow.
fn shown(first: &[u8], whole: bool) -> Option<Charset> {
    (whole || first.starts_with(MARK) || !first.is_ascii()).then(|| if first.starts_with(MARK) { Charset::Utf8 } else { guess(first, whole) })
}

fn head(path: &Path, options: &Options) -> Result<Head, Failure> {
    let plan = plan(options)?;
    let (first, whole) = first_bytes(path)?;
    if first.iter().all(u8::is_ascii_whitespace) && whole {
        return Err(Failure::Empty);
    }
    if let Some(is) = not_text(&first) {
        return Err(Failure::NotThis { is: is.into(), help: "fixed-width text is read as it is, unpacked".into() });
    }
    let evidence = match (plan.charset, shown(&first, whole)) {
        (Some(declared), _) => format!("encoding: {} (declared)", declared.label()),
        (None, Some(_)) if first.is_ascii() => "encoding: utf-8 (no byte is above 0x7F)".into(),
        (None, Some(found)) => format!("encoding: {} (by the bytes above 0x7F at the beginning)", found.label()),
        (None, None) => format!("encoding: that of the first line with a byte above 0x7F; there is none in the first {} bytes", first.len()),
    };
    Ok(Head { columns: plan.columns, duplicates: vec![], evidence: vec![evidence] })
}

fn records(path: &Path, options: &Options, output: &mut dyn Output) -> Result<(), Failure> {
    let plan = plan(options)?;
    let (first, whole) = first_bytes(path)?;
    let charset = plan.charset.or_else(|| shown(&first, whole));
    drop(first);
    let file = File::open(path).map_err(|e| unreadable(&e))?;
    run(BufReader::with_capacity(256 << 10, file), plan, charset, output)
}

/// Reads a line without its end into `line`; gives the bytes that it takes in the file, and whether it was too long to keep.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<(u64, bool)> {
    line.clear();
    let (mut taken, mut cut) = (0_u64, false);
    loop {
        let buf = match input.fill_buf() {
            Ok(buf) => buf,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let end = memchr(b'\n', buf);
        let text = buf.get(..end.unwrap_or(buf.len())).unwrap_or_default();
        if line.len().saturating_add(text.len()) > MAX_LINE {
            cut = true;
        } else {
            line.extend_from_slice(text);
        }
        let used = text.len().saturating_add(usize::from(end.is_some()));
        let over = end.is_some() || buf.is_empty();
        input.consume(used);
        taken = taken.saturating_add(used as u64);
        if over {
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            return Ok((taken, cut));
        }
    }
}

/// All records of a stream.
fn run(mut input: impl BufRead, plan: Plan, charset: Option<Charset>, output: &mut dyn Output) -> Result<(), Failure> {
    let mut reader = Reader::new(plan, charset);
    let mut line = vec![];
    let (mut number, mut byte) = (0_u64, 0_u64);
    loop {
        let (taken, cut) = read_line(&mut input, &mut line).map_err(|e| unreadable(&e))?;
        if taken == 0 {
            return Ok(());
        }
        let mark = if byte == 0 && line.starts_with(MARK) { MARK.len() } else { 0 };
        number = number.saturating_add(1);
        let bytes = line.get(mark..).unwrap_or_default();
        // DOS ends a file by 0x1A.
        if number > reader.plan.skip && !matches!(bytes, [] | [0x1A]) {
            reader.line(number, byte.saturating_add(mark as u64), bytes, cut, output)?;
        }
        byte = byte.saturating_add(taken);
        output.read(taken);
    }
}

/// A line as text that is cut by characters.
struct Line<'a> {
    text: &'a str,
    /// Where characters begin, and the end; empty for ASCII.
    starts: &'a [usize],
}

impl<'a> Line<'a> {
    fn len(&self) -> usize {
        if self.starts.is_empty() { self.text.len() } else { self.starts.len().saturating_sub(1) }
    }

    /// What of these places the line has.
    fn cut(&self, start: usize, end: usize) -> &'a str {
        let (start, end) = (start.min(self.len()), end.min(self.len()));
        let at = |place: usize| if self.starts.is_empty() { place } else { self.starts.get(place).copied().unwrap_or(self.text.len()) };
        self.text.get(at(start)..at(end)).unwrap_or_default()
    }
}

/// Makes records of lines.
struct Reader {
    plan: Plan,
    /// Given, or shown by the first line beyond ASCII.
    charset: Option<Charset>,
    /// For each field of the layout and then of a repetition, the column it fills.
    targets: Vec<usize>,
    cells: Vec<(bool, String)>,
    holds: Vec<bool>,
    starts: Vec<usize>,
    /// Records so far.
    count: u64,
}

impl Reader {
    fn new(plan: Plan, charset: Option<Charset>) -> Self {
        let fields = plan.layout.fields.iter().chain(plan.repeat.iter().flat_map(|r| &r.layout.fields));
        let targets = fields.map(|field| plan.columns.iter().position(|c| *c == field.name).unwrap_or(usize::MAX)).collect();
        Reader { cells: vec![(false, String::new()); plan.columns.len()], holds: vec![false; plan.layout.conditions.len()], starts: vec![], count: 0, targets, charset, plan }
    }

    /// The records of a line.
    fn line(&mut self, number: u64, byte: u64, bytes: &[u8], cut: bool, output: &mut dyn Output) -> Result<(), Failure> {
        let (text, bad) = if bytes.is_ascii() {
            (Cow::Borrowed(std::str::from_utf8(bytes).unwrap_or_default()), false)
        } else {
            self.charset.get_or_insert_with(|| guess(bytes, true)).decode(bytes)
        };
        let mut starts = std::mem::take(&mut self.starts);
        starts.clear();
        if !text.is_ascii() {
            starts.extend(text.char_indices().map(|(at, _)| at).chain([text.len()]));
        }
        let done = self.text(number, byte, &Line { text: &text, starts: &starts }, bad || cut, output);
        self.starts = starts;
        done
    }

    fn text(&mut self, number: u64, byte: u64, line: &Line<'_>, bad: bool, output: &mut dyn Output) -> Result<(), Failure> {
        for (holds, condition) in self.holds.iter_mut().zip(&self.plan.layout.conditions) {
            *holds = line.cut(condition.start, condition.end) == condition.value;
        }
        let known = match self.plan.record.and_then(|wanted| Some((self.plan.layout.conditions.get(wanted)?, self.holds.get(wanted)?))) {
            Some((_, true)) => true,
            // Too short to show its type.
            Some((condition, false)) if line.len() < condition.end => false,
            Some((_, false)) if !bad => return Ok(()),
            Some((_, false)) => false,
            None => self.holds.is_empty() || self.holds.contains(&true),
        };
        for cell in &mut self.cells {
            cell.0 = false;
        }
        let mut end = 0;
        for (field, target) in self.plan.layout.fields.iter().zip(&self.targets) {
            if has(&self.holds, field) {
                end = end.max(field.end);
                if let Some(cell) = self.cells.get_mut(*target) {
                    cell.0 = field.kind.read(line.cut(field.start, field.end), &mut cell.1);
                }
            }
        }
        let fits = line.len() >= end || self.plan.pad;
        if bad || !known || !fits {
            return self.give(number, byte, line, true, output);
        }
        if self.plan.repeat.is_some() {
            return self.repetitions(number, byte, line, end, output);
        }
        self.give(number, byte, line, self.plan.exact && line.len() > end, output)
    }

    /// A record for each repetition of a line whose fixed part ends at `end`.
    fn repetitions(&mut self, number: u64, byte: u64, line: &Line<'_>, end: usize, output: &mut dyn Output) -> Result<(), Failure> {
        let Some(repeat) = &self.plan.repeat else { return Ok(()) };
        let cell = |name: &str| self.plan.layout.fields.iter().find(|f| f.name == name && has(&self.holds, f)).map(|f| line.cut(f.start, f.end));
        let found = repeat.find(cell).and_then(|found| Some((found, found.end()?)));
        let Some((found, behind)) = found else { return self.give(number, byte, line, true, output) };
        // With `pad` the blanks of the last repetition may be missing, but not all of it.
        let last = if self.plan.pad { behind.saturating_sub(found.length).saturating_add(1) } else { behind };
        let short = found.count > 0 && line.len() < last;
        let long = self.plan.exact && line.len() > behind.max(end);
        if short || long || found.count == 0 {
            return self.give(number, byte, line, short || long, output);
        }
        let first = self.plan.layout.fields.len();
        for start in found.starts() {
            if let Some(repeat) = &self.plan.repeat {
                for (field, target) in repeat.layout.fields.iter().zip(self.targets.iter().skip(first)) {
                    if let Some(cell) = self.cells.get_mut(*target) {
                        cell.0 = field.kind.read(line.cut(start.saturating_add(field.start), start.saturating_add(field.end)), &mut cell.1);
                    }
                }
            }
            self.give(number, byte, line, false, output)?;
        }
        Ok(())
    }

    /// Records have the number of their line, and where a line may give several their own.
    fn give(&mut self, number: u64, byte: u64, line: &Line<'_>, damaged: bool, output: &mut dyn Output) -> Result<(), Failure> {
        self.count = self.count.saturating_add(1);
        let number = if self.plan.repeat.is_some() { self.count } else { number };
        let mut cells = self.cells.iter().map(|(there, text)| there.then_some(text.as_str()));
        match damaged {
            true => output.damaged(number, byte, Damage::Unreadable, line.text, &mut cells),
            false => output.record(number, byte, &mut cells),
        }
    }
}

/// Whether a line has a field.
fn has(holds: &[bool], field: &Field) -> bool {
    field.when.is_none_or(|when| holds.get(when).copied().unwrap_or(false))
}
