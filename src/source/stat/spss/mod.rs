//! SPSS files: system files (`.sav`), compressed ones (`.zsav`) and portable files (`.por`), told
//! apart by their first bytes.
//!
//! The layouts are those that the PSPP developers describe ("System File Format" and "Portable File
//! Format" in the PSPP developer's guide). A system file is a dictionary, then cases of eight-byte
//! elements; a text is as many elements as its width needs, and one wider than 255 bytes is stored
//! as several variables that are joined here. Rows are streamed; of a ZSAV file one block at a
//! time is in memory, packed.

mod cases;
mod dictionary;
mod portable;
mod unpack;

use std::io::{Read, Seek};
use std::path::Path;
use std::rc::Rc;

use super::charset::Charset;
use super::input::{Input, trimmed};
use super::moment::{Form, Y1582};
use super::row::Row;
use super::{ENCODING, Failure, Head, LABELS, Labels, OptionKey, Options, Output, RecordFormat, Settings, open};

const USER_MISSING: OptionKey =
    OptionKey { key: "user_missing", about: "What becomes of values that the file declares missing (such as 99): `keep` (default) leaves them as they are, `null` makes them missing." };

pub static FORMAT: RecordFormat = RecordFormat {
    names: &["spss", "sav", "zsav", "por"],
    summary: "An SPSS file: `.sav`, `.zsav` or portable `.por`. Columns have the long names of the variables; dates, date-times and times follow the print format, `DTIME` is in hours.",
    options: &[LABELS, USER_MISSING, ENCODING],
    folder: false,
    typed: true,
    errors: &[],
    head: |path, options| head(open(path)?, options),
    records,
};

pub(super) fn head<R: Read + Seek>(file: R, options: &Options) -> Result<Head, Failure> {
    let settings = Settings::of(options)?;
    let mut input = Input::new(file)?;
    let mut evidence = vec![];
    let names: Vec<String> = match kind(&mut input)? {
        Kind::System => {
            let dictionary = dictionary::read(&mut input, &settings)?;
            evidence.push(format!("encoding: {}", dictionary.charset.name()));
            if let Some(rows) = dictionary.rows {
                evidence.push(format!("rows: {rows}"));
            }
            evidence.push(labelled(&dictionary.variables));
            dictionary.variables.into_iter().map(|v| v.shared.name).collect()
        }
        Kind::Portable => {
            let (_, dictionary) = portable::read(input, &settings)?;
            evidence.push(format!("encoding: {}", dictionary.charset.name()));
            evidence.push(labelled(&dictionary.variables));
            dictionary.variables.into_iter().map(|v| v.shared.name).collect()
        }
    };
    super::head(names, evidence)
}

fn labelled<T: AsRef<Variable>>(variables: &[T]) -> String {
    format!("labels: {}", variables.iter().filter(|v| (*v).as_ref().labels.is_some()).count())
}

fn records(path: &Path, options: &Options, out: &mut dyn Output) -> Result<(), Failure> {
    rows(open(path)?, options, out)
}

/// Reads all rows.
pub(super) fn rows<R: Read + Seek>(file: R, options: &Options, out: &mut dyn Output) -> Result<(), Failure> {
    let settings = Settings::of(options)?;
    let mut input = Input::new(file)?;
    match kind(&mut input)? {
        Kind::System => {
            let dictionary = dictionary::read(&mut input, &settings)?;
            cases::rows(input, &dictionary, &settings, out)
        }
        Kind::Portable => {
            let (input, dictionary) = portable::read(input, &settings)?;
            portable::rows(input, &dictionary, &settings, out)
        }
    }
}

enum Kind {
    System,
    Portable,
}

/// By the first bytes of the file, which is then at its beginning again.
fn kind<R: Read + Seek>(input: &mut Input<R>) -> Result<Kind, Failure> {
    let not_this = |is: &str, help: &str| Err(Failure::NotThis { is: is.into(), help: help.into() });
    let start = input.chunk(input.len().min(20), "the head")?;
    let kind = match start.get(..4).unwrap_or(&start) {
        b"$FL2" | b"$FL3" => Kind::System,
        // `$FL2` in EBCDIC.
        b"\x5b\xc6\xd3\xf2" => return not_this("an SPSS system file in EBCDIC", "save it on another system, or as a portable file"),
        _ if start.get(8..).is_some_and(|rest| rest.starts_with(b"ENCRYPTED")) => return not_this("an encrypted SPSS file", "save it without a password"),
        _ => match portable::begins(input)? {
            true => Kind::Portable,
            false => return not_this("no SPSS file", "a system file begins with `$FL2` or `$FL3`, a portable file has `SPSSPORT` in its sixth line"),
        },
    };
    input.go(0, "the head")?;
    Ok(kind)
}

/// What both kinds of file say of a variable.
#[derive(Debug, Default)]
struct Variable {
    name: String,
    form: Form,
    labels: Option<Rc<Labels>>,
    missing: Missing,
}

impl AsRef<Self> for Variable {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// The values that the user declared missing.
#[derive(Debug, Default, Clone, PartialEq)]
struct Missing {
    numbers: Vec<f64>,
    ranges: Vec<(f64, f64)>,
    texts: Vec<Vec<u8>>,
}

impl Missing {
    fn has(&self, value: f64) -> bool {
        self.numbers.contains(&value) || self.ranges.iter().any(|(low, high)| (*low..=*high).contains(&value))
    }

    fn has_text(&self, value: &[u8]) -> bool {
        self.texts.iter().any(|t| t == value)
    }
}

impl Variable {
    /// Adds the cell of a number that is not system missing.
    fn number(&self, value: f64, settings: &Settings, row: &mut Row) {
        if settings.drop_user_missing && self.missing.has(value) {
            return row.missing();
        }
        match self.labels.as_ref().filter(|_| settings.labels).and_then(|l| l.number(value)) {
            Some(label) => row.text(label),
            None => row.value(value, self.form),
        }
    }

    /// Adds the cell of a text.
    fn text(&self, value: &[u8], charset: Charset, settings: &Settings, row: &mut Row) {
        let value = trimmed(value);
        if settings.drop_user_missing && self.missing.has_text(value) {
            return row.missing();
        }
        match self.labels.as_ref().filter(|_| settings.labels).and_then(|l| l.text(value)) {
            Some(label) => row.text(label),
            None => row.bytes(value, charset),
        }
    }
}

/// What a print format makes of a number (PSPP: "Variable Record", the table of format types).
fn form(code: i32) -> Form {
    match code {
        // DATE, ADATE, JDATE, MOYR, QYR, WKYR, EDATE, SDATE.
        20 | 23 | 24 | 28 | 29 | 30 | 38 | 39 => Form::DaySeconds(Y1582),
        // DATETIME, YMDHMS; of two numbers the latter is that of SPSS itself.
        22 | 41 | 86 => Form::Seconds(Y1582),
        // TIME, DTIME, MTIME.
        21 | 25 | 40 | 85 => Form::Clock,
        _ => Form::Number,
    }
}
