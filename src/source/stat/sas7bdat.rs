//! SAS data sets (`.sas7bdat`).
//!
//! The layout is not published. The crate `sas7bdat` finds the columns, unpacks the rows (both
//! compressions of SAS: RLE and RDC) and leaves out rows that were deleted in place; what the bytes
//! of a cell mean is decided here, so that missing values keep their letters. The pages are read
//! one after the other; a list of the places of the rows is in memory, for a compressed file one
//! place for each row.

use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;
use std::rc::Rc;

use ::sas7bdat::{ColumnMeta, Dataset, Endianness, Error, IoBackendPreference, OpenOptions};

use super::charset::Charset;
use super::input::{Order, Progress, slice, trimmed};
use super::moment::Form;
use super::row::Row;
use super::sas::{Catalogue, FORMATS_OPTION, form, missing};
use super::{ENCODING, Failure, Head, LABELS, Labels, Options, Output, RecordFormat, Settings, open};

pub static FORMAT: RecordFormat = RecordFormat {
    names: &["sas7bdat"],
    summary: "A SAS data set (`.sas7bdat`), compressed or not. `.` is a missing cell, `.A` to `.Z` and `._` are texts; dates, date-times and times follow the display format.",
    options: &[LABELS, FORMATS_OPTION, ENCODING],
    folder: false,
    typed: true,
    errors: &[],
    head,
    records,
};

/// The first bytes of a data set.
const MAGIC: [u8; 32] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xc2, 0xea, 0x81, 0x60, 0xb3, 0x14, 0x11, 0xcf, 0xbd, 0x92, 0x08, 0x00, 0x09, 0xc7, 0x31, 0x8c, 0x18, 0x1f, 0x10, 0x11];

fn head(path: &Path, options: &Options) -> Result<Head, Failure> {
    let settings = Settings::of(options)?;
    let dataset = dataset(path)?;
    let catalogue = Catalogue::of(&settings)?;
    let labelled = dataset.columns().iter().filter(|c| labels(c, &catalogue).is_some()).count();
    let meta = dataset.metadata();
    let evidence = vec![
        format!("encoding: {}", charset(&dataset, &settings)?.name()),
        format!("rows: {}", meta.row_count.saturating_sub(meta.deleted_row_count)),
        format!("labels: {labelled}"),
    ];
    super::head(dataset.columns().iter().map(|c| c.name.clone()).collect(), evidence)
}

fn records(path: &Path, options: &Options, out: &mut dyn Output) -> Result<(), Failure> {
    let bytes = open(path)?.metadata().map_or(0, |m| m.len());
    rows(&dataset(path)?, bytes, &Settings::of(options)?, out)
}

/// Opens a data set. The file is not mapped into memory: a mapped file that shrinks ends the program.
fn dataset(path: &Path) -> Result<Dataset, Failure> {
    let mut start = vec![];
    File::take(open(path)?, 164).read_to_end(&mut start).map_err(|e| Failure::Unreadable(e.to_string()))?;
    kind(&start)?;
    let options = OpenOptions::builder().io_backend(IoBackendPreference::Buffered).build();
    Dataset::open_with(path, options).map_err(|e| unreadable(&e))
}

/// Whether the first bytes of a file are those of a data set.
fn kind(start: &[u8]) -> Result<(), Failure> {
    if start.is_empty() {
        return Err(Failure::Empty);
    }
    let not_this = |is: &str, help: &str| Err(Failure::NotThis { is: is.into(), help: help.into() });
    if slice(start, 84, 8) == b"SAS FILE" && slice(start, 156, 8) == b"CATALOG " {
        return not_this("a SAS catalogue", "it holds value labels: the option `formats` names it, beside the data set");
    }
    if !start.starts_with(&MAGIC) {
        return not_this("no SAS data set", "a `.sas7bdat` file begins with a mark that this one lacks; a transport file is read as `xport`");
    }
    Ok(())
}

fn unreadable(error: &Error) -> Failure {
    Failure::Unreadable(format!("the file is damaged or of a kind that is not known: {error}"))
}

fn charset(dataset: &Dataset, settings: &Settings) -> Result<Charset, Failure> {
    match (settings.charset, &dataset.metadata().encoding) {
        (Some(charset), _) => Ok(charset),
        (None, None) => Ok(Charset::Guess),
        (None, Some(label)) => {
            Charset::named(label).ok_or_else(|| Failure::Head(format!("the file declares the character encoding `{label}`, which is not known; `encoding` can say another")))
        }
    }
}

/// The labels of a column in the catalogue.
fn labels(column: &ColumnMeta, catalogue: &Catalogue) -> Option<Rc<Labels>> {
    catalogue.labels(column.format.as_deref()?)
}

/// A column and how its cells are read.
struct Column {
    place: usize,
    width: usize,
    is_text: bool,
    form: Form,
    labels: Option<Rc<Labels>>,
}

/// Reads all rows; `bytes` is the size of the file.
pub(super) fn rows(dataset: &Dataset, bytes: u64, settings: &Settings, out: &mut dyn Output) -> Result<(), Failure> {
    let catalogue = Catalogue::of(settings)?;
    let charset = charset(dataset, settings)?;
    let meta = dataset.metadata();
    let order = if meta.endianness == Endianness::Big { Order::Big } else { Order::Little };
    let columns: Vec<_> = dataset.columns().iter().map(|c| column(c, &catalogue, settings)).collect();
    let expected = meta.row_count.saturating_sub(meta.deleted_row_count);
    let (mut row, mut progress, mut number, mut failed) = (Row::default(), Progress::default(), 0_u64, None);
    let scanned = dataset.visit_raw_rows(|raw| {
        number += 1;
        row.clear();
        for column in &columns {
            cell(slice(raw.bytes, column.place, column.width), column, order, charset, &mut row);
        }
        if let Err(failure) = row.give(number, 0, out) {
            failed = Some(failure);
            return Ok(ControlFlow::Break(()));
        }
        // By the share of the rows: the place in the file is not told.
        if number.is_multiple_of(4096) {
            progress.at(u64::try_from(u128::from(bytes) * u128::from(number) / u128::from(expected.max(number))).unwrap_or_default(), out);
        }
        Ok(ControlFlow::Continue(()))
    });
    if let Some(failure) = failed {
        return Err(failure);
    }
    scanned.map_err(|e| unreadable(&e))?;
    if number < expected {
        return Err(Failure::Unreadable(format!("the file is cut off: it has {number} of {expected} rows")));
    }
    progress.end(bytes, out);
    Ok(())
}

fn column(meta: &ColumnMeta, catalogue: &Catalogue, settings: &Settings) -> Column {
    let is_text = !meta.logical_type.is_numeric();
    Column {
        place: usize::try_from(meta.offset).unwrap_or(usize::MAX),
        width: usize::try_from(meta.physical_width).unwrap_or(usize::MAX),
        is_text,
        form: meta.format.as_deref().filter(|_| !is_text).map_or(Form::Number, form),
        labels: labels(meta, catalogue).filter(|_| settings.labels),
    }
}

fn cell(bytes: &[u8], column: &Column, order: Order, charset: Charset, row: &mut Row) {
    let labels = column.labels.as_deref();
    if column.is_text {
        return match labels.and_then(|l| l.text(trimmed(bytes))) {
            Some(label) => row.text(label),
            None => row.bytes(bytes, charset),
        };
    }
    let value = number(bytes, order);
    if value.is_nan() {
        return missing(letter(value), labels, row);
    }
    match labels.and_then(|l| l.number(value)) {
        Some(label) => row.text(label),
        None => row.value(value, column.form),
    }
}

/// A number of three to eight bytes: the low-order bytes may be left out.
fn number(bytes: &[u8], order: Order) -> f64 {
    let mut all = [0; 8];
    let skip = if order == Order::Little { 8_usize.saturating_sub(bytes.len()) } else { 0 };
    for (to, from) in all.iter_mut().skip(skip).zip(bytes) {
        *to = *from;
    }
    order.f64(&all, 0)
}

/// The letter of a missing value: its third byte, inverted, is 0 for `._`, 2 to 27 for `.A` to `.Z`.
fn letter(missing: f64) -> u8 {
    let [_, _, code, ..] = missing.to_be_bytes();
    match !code {
        0 => b'_',
        tag @ 2..=27 => b'A' + tag - 2,
        _ => b'.',
    }
}
