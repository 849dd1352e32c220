//! SAS transport files (`.xpt`), versions 5 and 8.
//!
//! The layout is that of SAS technical notes TS-140 and TS-140-2: records of 80 bytes; for each
//! table a descriptor of each variable (`NAMESTR`), then the rows, one behind the other without
//! regard to the 80 bytes, numbers as floating-point numbers of IBM mainframes. The number of rows
//! is not stored: it follows from where the next table or the file ends, less the blanks that fill
//! the last record.

use std::io::{Read, Seek};
use std::path::Path;
use std::rc::Rc;

use super::charset::Charset;
use super::input::{Input, Order, Progress, damaged, slice, trimmed};
use super::moment::Form;
use super::row::Row;
use super::sas::{Catalogue, FORMATS_OPTION, form, is_missing, missing};
use super::{ENCODING, Failure, Head, LABELS, Labels, OptionKey, Options, Output, RecordFormat, Settings, open};

const TABLE: OptionKey = OptionKey { key: "table", about: "The name of the table to read, where the file holds several." };

pub static FORMAT: RecordFormat = RecordFormat {
    names: &["xport", "xpt"],
    summary: "A SAS transport file (`.xpt`, versions 5 and 8). `.` is a missing cell, `.A` to `.Z` and `._` are texts; dates, date-times and times follow the display format.",
    options: &[TABLE, LABELS, FORMATS_OPTION, ENCODING],
    folder: false,
    typed: true,
    errors: &[],
    head: |path, options| head(open(path)?, options),
    records,
};

const RECORD: u64 = 80;
const HEADER: &[u8] = b"HEADER RECORD*******";
const WHAT: &str = "a head record";

pub(super) fn head<R: Read + Seek>(file: R, options: &Options) -> Result<Head, Failure> {
    let settings = Settings::of(options)?;
    let mut input = Input::new(file)?;
    let table = find(&mut input, &settings)?;
    let catalogue = Catalogue::of(&settings)?;
    let labelled = table.variables.iter().filter(|v| v.labels(&catalogue).is_some()).count();
    let evidence = vec![
        format!("encoding: {}", settings.charset.unwrap_or(Charset::Guess).name()),
        format!("rows: {}", table.rows),
        format!("labels: {labelled}"),
        format!("table: {}", table.name),
    ];
    super::head(table.variables.into_iter().map(|v| v.name).collect(), evidence)
}

fn records(path: &Path, options: &Options, out: &mut dyn Output) -> Result<(), Failure> {
    rows(open(path)?, options, out)
}

/// Reads all rows of the table.
pub(super) fn rows<R: Read + Seek>(file: R, options: &Options, out: &mut dyn Output) -> Result<(), Failure> {
    let settings = Settings::of(options)?;
    let mut input = Input::new(file)?;
    let table = find(&mut input, &settings)?;
    let catalogue = Catalogue::of(&settings)?;
    let labels: Vec<_> = table.variables.iter().map(|v| v.labels(&catalogue).filter(|_| settings.labels)).collect();
    let charset = settings.charset.unwrap_or(Charset::Guess);
    let (mut bytes, mut row, mut progress) = (vec![0; usize::try_from(table.width).unwrap_or_default()], Row::default(), Progress::default());
    input.go(table.data, "the rows")?;
    for number in 1..=table.rows {
        let at = input.at();
        input.fill(&mut bytes, "a row")?;
        row.clear();
        for (variable, labels) in table.variables.iter().zip(&labels) {
            let cell = slice(&bytes, variable.place, variable.width);
            let labels = labels.as_deref();
            match variable.is_text {
                true => match labels.and_then(|l| l.text(trimmed(cell))) {
                    Some(label) => row.text(label),
                    None => row.bytes(cell, charset),
                },
                false => number_cell(cell, variable.form, labels, &mut row),
            }
        }
        row.give(number, at, out)?;
        progress.at(input.at(), out);
    }
    if table.cut {
        return Err(input.short("a row"));
    }
    progress.end(input.len(), out);
    Ok(())
}

fn number_cell(cell: &[u8], form: Form, labels: Option<&Labels>, row: &mut Row) {
    if let [letter, rest @ ..] = cell
        && is_missing(*letter)
        && rest.iter().all(|b| *b == 0)
    {
        return missing(*letter, labels, row);
    }
    let value = ibm(cell);
    match labels.and_then(|l| l.number(value)) {
        Some(label) => row.text(label),
        None => row.value(value, form),
    }
}

/// A floating-point number of IBM mainframes: a sign, an exponent to the base 16, a mantissa of up to 56 bits. Bytes at
/// its end may be left out.
fn ibm(cell: &[u8]) -> f64 {
    const MANTISSA: u64 = (1 << 56) - 1;
    let bits = Order::Big.u64(&padded(cell), 0);
    let exponent = i32::try_from(bits >> 56 & 0x7f).unwrap_or_default();
    // SAS writes no more digits than a number of eight bytes has.
    let size = (bits & MANTISSA) as f64 * 2_f64.powi(4 * (exponent - 64) - 56);
    if bits >> 63 == 1 { -size } else { size }
}

fn padded(cell: &[u8]) -> [u8; 8] {
    let mut all = [0; 8];
    for (to, from) in all.iter_mut().zip(cell) {
        *to = *from;
    }
    all
}

/// A table of the file.
struct Table {
    name: String,
    variables: Vec<Variable>,
    /// Bytes of a row.
    width: u64,
    data: u64,
    rows: u64,
    /// The file ends within a row.
    cut: bool,
}

struct Variable {
    name: String,
    is_text: bool,
    format: String,
    form: Form,
    place: usize,
    width: usize,
}

impl Variable {
    fn labels(&self, catalogue: &Catalogue) -> Option<Rc<Labels>> {
        catalogue.labels(&self.format)
    }
}

/// The table that is asked for, or the only one.
fn find<R: Read + Seek>(input: &mut Input<R>, settings: &Settings) -> Result<Table, Failure> {
    let first = input.chunk(RECORD.min(input.len()), WHAT)?;
    if first.starts_with(b"**COMPRESSED**") {
        return Err(Failure::NotThis { is: "a SAS CPORT file".into(), help: "only SAS reads it; write a transport file with the XPORT engine (`libname … xport`)".into() });
    }
    if !first.starts_with(&[HEADER, b"LIB"].concat()) {
        return Err(Failure::NotThis { is: "no SAS transport file".into(), help: "it begins with `HEADER RECORD*******LIBRARY`".into() });
    }
    input.skip(2 * RECORD, WHAT)?;
    let (mut found, mut names) = (None, vec![]);
    while input.left() >= RECORD {
        let (table, end) = table(input, settings)?;
        names.push(table.name.clone());
        let wanted = settings.table.as_ref().is_none_or(|name| name.eq_ignore_ascii_case(&table.name));
        if wanted && found.is_none() {
            found = Some(table);
        }
        input.go(end, WHAT)?;
    }
    if settings.table.is_none() && names.len() > 1 {
        return Err(Failure::Option { key: "table".into(), message: format!("the file holds {} tables; `table` says which", names.len()), near: names });
    }
    match (found, &settings.table) {
        (Some(table), _) => Ok(table),
        (None, Some(_)) => Err(Failure::Option { key: "table".into(), message: "the file has no such table".into(), near: names }),
        (None, None) => Err(Failure::Head("the file holds no table".into())),
    }
}

/// Reads the head of a table, and finds the end of its rows.
fn table<R: Read + Seek>(input: &mut Input<R>, settings: &Settings) -> Result<(Table, u64), Failure> {
    let charset = settings.charset.unwrap_or(Charset::Guess);
    let member = header(input, b"MEMB")?;
    let long = member.get(HEADER.len()..).is_some_and(|rest| rest.starts_with(b"MEMBV8"));
    header(input, b"DSCP")?;
    let description = input.chunk(2 * RECORD, WHAT)?;
    let name = charset.label(trimmed(slice(&description, 8, if long { 32 } else { 8 })));
    let names = header(input, b"NAM")?;
    let count = digits(&names, 53, 5).unwrap_or_default();
    // 140 bytes, or 136 on VAX.
    let size = match digits(&member, 73, 5) {
        Some(136) => 136,
        _ => 140,
    };
    let descriptors = input.chunk(count * size, "the descriptors of the variables")?;
    input.go(input.at().div_ceil(RECORD) * RECORD, WHAT)?;
    let size = usize::try_from(size).unwrap_or(140);
    let mut width = 0;
    let variables = descriptors.chunks_exact(size).map(|d| variable(d, long, charset, &mut width)).collect::<Result<Vec<_>, _>>()?;
    // Version 8 has long labels and formats before the rows.
    let observations = loop {
        let record = input.array::<80>(WHAT)?;
        if record.strip_prefix(HEADER).is_some_and(|rest| rest.starts_with(b"OBS")) {
            break record;
        }
    };
    let data = input.at();
    let width = width as u64;
    let end = end_of_rows(input)?;
    let (mut rows, mut cut) = count_rows(input, data, end, width)?;
    // Version 8 may say how many there are.
    if let Some(said) = digits(&observations, 48, 15).filter(|said| long && *said > 0 && width > 0) {
        let room = end.saturating_sub(data) / width;
        (rows, cut) = (said.min(room), said > room);
    }
    Ok((Table { name, variables, width, data, rows, cut }, end))
}

/// A record that must be the head of some kind.
fn header<R: Read + Seek>(input: &mut Input<R>, kind: &[u8]) -> Result<[u8; 80], Failure> {
    let at = input.at();
    let record = input.array::<80>(WHAT)?;
    let fits = record.strip_prefix(HEADER).is_some_and(|rest| rest.starts_with(kind) || (kind == b"DSCP" && rest.starts_with(b"DSC")));
    if fits { Ok(record) } else { Err(damaged(format!("the head record at byte {at} is not the one that belongs there"))) }
}

/// A number in a head record.
fn digits(record: &[u8], at: usize, len: usize) -> Option<u64> {
    std::str::from_utf8(slice(record, at, len)).ok()?.trim().parse().ok()
}

/// A variable from its descriptor; `row` is the width of the row so far. The place that the descriptor states is that in the
/// data set that was exported, and not always that in the row.
fn variable(descriptor: &[u8], long: bool, charset: Charset, row: &mut usize) -> Result<Variable, Failure> {
    const BIG: Order = Order::Big;
    let short = trimmed(slice(descriptor, 8, 8));
    let name = match trimmed(slice(descriptor, 88, 32)) {
        full if long && !full.is_empty() => full,
        _ => short,
    };
    let is_text = BIG.i16(descriptor, 0) == 2;
    let width = usize::from(BIG.u16(descriptor, 4));
    if !is_text && !(2..=8).contains(&width) {
        return Err(damaged("a number has an impossible width"));
    }
    let place = *row;
    *row = row.saturating_add(width);
    let format = charset.label(trimmed(slice(descriptor, 56, 8)));
    Ok(Variable { name: charset.label(name), is_text, form: if is_text { Form::Number } else { form(&format) }, format, place, width })
}

/// The byte at which the next table begins, or the file ends.
fn end_of_rows<R: Read + Seek>(input: &mut Input<R>) -> Result<u64, Failure> {
    const BLOCK: u64 = 1024 * RECORD;
    while input.left() > 0 {
        let from = input.at();
        let block = input.chunk(BLOCK.min(input.left()), "the rows")?;
        for (at, record) in (from..).step_by(80).zip(block.chunks(80)) {
            if record.strip_prefix(HEADER).is_some_and(|rest| rest.starts_with(b"MEMB")) {
                return Ok(at);
            }
        }
    }
    Ok(input.at())
}

/// The rows between two places. Blanks fill the last record of 80 bytes, and so rows that are blank as a whole are none there.
fn count_rows<R: Read + Seek>(input: &mut Input<R>, data: u64, end: u64, width: u64) -> Result<(u64, bool), Failure> {
    if width == 0 {
        return Ok((0, false));
    }
    let mut rows = end.saturating_sub(data) / width;
    let tail_at = data.max(end.saturating_sub(RECORD - 1));
    input.go(tail_at, "the rows")?;
    let tail = input.chunk(end.saturating_sub(tail_at), "the rows")?;
    let blank = |from: u64| tail.get(usize::try_from(from.saturating_sub(tail_at)).unwrap_or(usize::MAX)..).is_some_and(|rest| rest.iter().all(|b| *b == b' '));
    let rest = data.saturating_add(rows.saturating_mul(width));
    let cut = rest < end && (rest < tail_at || !blank(rest));
    while let Some(last) = rows.checked_sub(1).map(|r| data.saturating_add(r.saturating_mul(width)))
        && !cut
        && last >= tail_at
        && blank(last)
    {
        rows -= 1;
    }
    Ok((rows, cut))
}
