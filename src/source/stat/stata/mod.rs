//! Stata data files (`.dta`), releases 102 to 119 of the format.
//!
//! The layout is that of Stata's own description (`help dta` for 113 to 119). The older releases
//! differ in field widths, in type codes (before 111) and in how missing values are stored (before
//! 113). From 117 on the sections are framed by tags and a map of byte offsets leads to them.
//!
//! Rows have a fixed width and are streamed. Long texts (`strL`) lie behind the rows: their places
//! are listed before the first row, and each is read where a row refers to it. Value labels lie at
//! the end of the file and are read only where they are asked for.

mod head;
mod labels;

use std::collections::HashMap;
use std::io::{Read, Seek};
use std::path::Path;
use std::rc::Rc;

use super::charset::Charset;
use super::input::{Input, Order, Progress, damaged, piece, slice, until_zero};
use super::moment::{Form, Y1960};
use super::row::Row;
use super::{ENCODING, Failure, Head, LABELS, Labels, Options, Output, RecordFormat, Settings, open};

pub static FORMAT: RecordFormat = RecordFormat {
    names: &["stata", "dta"],
    summary: "A Stata data file (`.dta`, releases 102 to 119). `.` is a missing cell, `.a` to `.z` are texts; `%td`, `%tw`, `%tm`, `%tq` and `%th` are dates (of the first day), `%tc` and `%tC` date-times, or times where the format shows no day.",
    options: &[LABELS, ENCODING],
    folder: false,
    typed: true,
    errors: &[],
    head: |path, options| head(open(path)?, options),
    records,
};

pub(super) fn head<R: Read + Seek>(file: R, options: &Options) -> Result<Head, Failure> {
    let settings = Settings::of(options)?;
    let (_, layout) = head::read(file, &settings)?;
    let labelled = layout.columns.iter().filter(|c| !c.labels.is_empty()).count();
    let evidence = vec![format!("encoding: {}", layout.charset.name()), format!("rows: {}", layout.rows), format!("labels: {labelled}")];
    super::head(layout.columns.into_iter().map(|c| c.name).collect(), evidence)
}

fn records(path: &Path, options: &Options, out: &mut dyn Output) -> Result<(), Failure> {
    rows(open(path)?, options, out)
}

/// What the head of a file says.
struct Layout {
    release: u16,
    order: Order,
    charset: Charset,
    rows: u64,
    columns: Vec<Column>,
    /// Bytes of one row.
    width: usize,
    /// Where the rows, the long texts and the value labels begin.
    data: u64,
    long_texts: u64,
    labels: u64,
}

struct Column {
    name: String,
    kind: Kind,
    form: Form,
    /// The name of its set of value labels, or nothing.
    labels: String,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Byte,
    Int,
    Long,
    Float,
    Double,
    Text(usize),
    /// A reference to a text behind the rows.
    LongText,
}

impl Kind {
    fn width(self) -> usize {
        match self {
            Self::Byte => 1,
            Self::Int => 2,
            Self::Long | Self::Float => 4,
            Self::Double | Self::LongText => 8,
            Self::Text(width) => width,
        }
    }
}

/// A number as stored, told apart from what stands for none.
enum Value {
    Whole(i32),
    Single(f32),
    Double(f64),
    /// `.` is 0, `.a` to `.z` are 1 to 26.
    Missing(u8),
}

/// Where long texts lie: by variable and observation, the first byte and the length.
type LongTexts = HashMap<(u64, u64), (u64, u64)>;

/// Reads all rows.
pub(super) fn rows<R: Read + Seek>(file: R, options: &Options, out: &mut dyn Output) -> Result<(), Failure> {
    let settings = Settings::of(options)?;
    let (mut input, layout) = head::read(file, &settings)?;
    let sets = if settings.labels { labels::read(&mut input, &layout)? } else { HashMap::new() };
    let sets: Vec<Option<Rc<Labels>>> = layout.columns.iter().map(|c| sets.get(&c.labels).cloned()).collect();
    let has_long = layout.columns.iter().any(|c| c.kind == Kind::LongText);
    let long_texts = if has_long { labels::long_texts(&mut input, &layout)? } else { LongTexts::new() };
    if layout.width == 0 {
        return Ok(());
    }
    let (mut bytes, mut row, mut progress) = (vec![0; layout.width], Row::default(), Progress::default());
    let mut at = layout.data;
    for number in 1..=layout.rows {
        input.go(at, "a row")?;
        input.fill(&mut bytes, "a row")?;
        row.clear();
        let mut place = 0;
        for (column, labels) in layout.columns.iter().zip(&sets) {
            let cell = slice(&bytes, place, column.kind.width());
            place += column.kind.width();
            match column.kind {
                Kind::Text(_) => row.bytes(until_zero(cell), layout.charset),
                Kind::LongText => long_text(&mut input, cell, &layout, &long_texts, &mut row)?,
                _ => numeric(cell, column, labels.as_deref(), &layout, &mut row),
            }
        }
        row.give(number, at, out)?;
        at = at.saturating_add(layout.width as u64);
        progress.at(at, out);
    }
    progress.end(input.len(), out);
    Ok(())
}

fn numeric(cell: &[u8], column: &Column, labels: Option<&Labels>, layout: &Layout, row: &mut Row) {
    let value = stored(cell, column.kind, layout.order, layout.release);
    if let Some(label) = labels.and_then(|l| label(l, &value)) {
        return row.text(label);
    }
    match value {
        Value::Missing(0) => row.missing(),
        Value::Missing(tag) => row.tag(letter(tag)),
        Value::Whole(whole) if column.form == Form::Number => row.integer(whole),
        Value::Single(single) if column.form == Form::Number => row.single(single),
        Value::Whole(whole) => row.value(f64::from(whole), column.form),
        Value::Single(single) => row.value(f64::from(single), column.form),
        Value::Double(double) => row.value(double, column.form),
    }
}

fn label<'a>(labels: &'a Labels, value: &Value) -> Option<&'a str> {
    match value {
        Value::Whole(whole) => labels.number(f64::from(*whole)),
        Value::Single(single) => labels.number(f64::from(*single)),
        Value::Double(double) => labels.number(*double),
        Value::Missing(0) => None,
        Value::Missing(tag) => labels.tag(letter(*tag)),
    }
}

/// The letter of a tagged missing value: 1 is `a`.
fn letter(tag: u8) -> char {
    char::from(b'a' + tag.saturating_sub(1).min(25))
}

/// The number in a cell. Since release 113 the 27 highest values of a type are `.`, `.a`, … `.z`; before, the highest is `.`.
fn stored(cell: &[u8], kind: Kind, order: Order, release: u16) -> Value {
    let whole = |value: i32, highest: i32| match (release >= 113, highest - value) {
        (true, below @ 0..=26) => Value::Missing(u8::try_from(26 - below).unwrap_or_default()),
        (false, 0) => Value::Missing(0),
        _ => Value::Whole(value),
    };
    match kind {
        Kind::Byte => whole(i32::from(i8::from_le_bytes(piece(cell, 0))), i32::from(i8::MAX)),
        Kind::Int => whole(i32::from(order.i16(cell, 0)), i32::from(i16::MAX)),
        Kind::Long => match order.i32(cell, 0) {
            value @ ..0 => Value::Whole(value),
            value => whole(value, i32::MAX),
        },
        Kind::Float => {
            let bits = order.u32(cell, 0);
            match bits.checked_sub(0x7f00_0000) {
                Some(above) if bits <= 0x7fff_ffff => tagged(u64::from(above >> 11), release),
                _ => Value::Single(f32::from_bits(bits)),
            }
        }
        Kind::Double | Kind::Text(_) | Kind::LongText => {
            let bits = order.u64(cell, 0);
            // 2^333, in the oldest releases.
            if release <= 105 && bits == 0x54c0_0000_0000_0000 {
                return Value::Missing(0);
            }
            match bits.checked_sub(0x7fe0_0000_0000_0000) {
                Some(above) if bits >> 63 == 0 => tagged(above >> 40, release),
                _ => Value::Double(f64::from_bits(bits)),
            }
        }
    }
}

/// Numbers beyond the highest that can be stored are missing; some of them have a letter.
fn tagged(step: u64, release: u16) -> Value {
    match u8::try_from(step) {
        Ok(tag @ 1..=26) if release >= 113 => Value::Missing(tag),
        _ => Value::Missing(0),
    }
}

fn long_text<R: Read + Seek>(input: &mut Input<R>, cell: &[u8], layout: &Layout, places: &LongTexts, row: &mut Row) -> Result<(), Failure> {
    match reference(cell, layout) {
        (0, 0) => row.missing(),
        key => {
            let (at, len) = places.get(&key).ok_or_else(|| damaged("a row refers to a long text that is not there"))?;
            input.go(*at, "a long text")?;
            row.bytes(&input.chunk(*len, "a long text")?, layout.charset);
        }
    }
    Ok(())
}

/// The variable and observation of a long text, packed into eight bytes: 4 + 4 in 117, 2 + 6 in 118, 3 + 5 in 119.
fn reference(cell: &[u8], layout: &Layout) -> (u64, u64) {
    let variable_bits = match layout.release {
        ..=117 => 32,
        118 => 16,
        _ => 24,
    };
    let packed = layout.order.u64(cell, 0);
    match layout.order {
        Order::Little => (packed & ((1 << variable_bits) - 1), packed >> variable_bits),
        Order::Big => (packed >> (64 - variable_bits), packed & (u64::MAX >> variable_bits)),
    }
}

/// What a display format such as `%tdD_m_Y` or `%-9.0g` makes of a number.
pub(super) fn form(format: &str) -> Form {
    let rest = format.trim_start_matches('%').trim_start_matches('-');
    let mut letters = rest.chars();
    let kind = (letters.next(), letters.next());
    match kind {
        (Some('t'), Some('c' | 'C')) if only_time(letters.as_str()) => Form::MillisOfDay,
        (Some('d'), _) | (Some('t'), Some('d')) => Form::Days(Y1960),
        (Some('t'), Some('c')) => Form::Millis,
        (Some('t'), Some('C')) => Form::LeapMillis,
        (Some('t'), Some('w')) => Form::Weeks,
        (Some('t'), Some('m')) => Form::Periods(12),
        (Some('t'), Some('q')) => Form::Periods(4),
        (Some('t'), Some('h')) => Form::Periods(2),
        // A year (`%ty`) is the number of the year; business days (`%tb`) need a calendar of their own.
        _ => Form::Number,
    }
}

/// Whether the elements of a date-time format, such as `HH:MM:SS`, are all of the time of day: days, months and years have other letters.
fn only_time(elements: &str) -> bool {
    elements.to_ascii_lowercase().contains("hh") && elements.chars().all(|c| "HhMmSsAaPp:.,_+!".contains(c))
}
