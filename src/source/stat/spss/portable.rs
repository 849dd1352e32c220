//! Portable files: text in lines of 80 characters, numbers to the base 30.
//!
//! PSPP: "Portable File Format". Five lines of splash text, a table of the characters, `SPSSPORT`,
//! then records that begin with a letter: what is known of the file, the variables (`7`), their
//! missing values (`8` to `B`), value labels (`D`), notes (`E`), and the cases (`F`) up to a `Z`.

use std::io::{ErrorKind, Read, Seek};
use std::rc::Rc;

use super::super::charset::Charset;
use super::super::input::{Input, Progress, damaged, trimmed};
use super::{Failure, Form, Labels, Output, Row, Settings, Variable, form};

const LINE: usize = 80;
/// The splash lines and the table of characters.
const TABLE_AT: usize = 200;
const TAG_AT: usize = 456;
/// No text is longer.
const LONGEST: f64 = 32767.0;

/// The characters of the table from place 64 on; zero bytes are characters that ASCII lacks.
const CHARACTERS: &[u8; 123] =
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz .<(+|&[]!$*);^-/\0,%_>?`:\0@'=\"\0\0\0\0\0\0~\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0{}\\";

pub(super) struct Dictionary {
    pub(super) charset: Charset,
    pub(super) variables: Vec<Stored>,
}

pub(super) struct Stored {
    pub(super) shared: Variable,
    is_text: bool,
}

impl AsRef<Variable> for Stored {
    fn as_ref(&self) -> &Variable {
        &self.shared
    }
}

/// Whether a portable file begins here.
pub(super) fn begins<R: Read + Seek>(input: &mut Input<R>) -> Result<bool, Failure> {
    input.go(0, "the head")?;
    let mut text = Text::new(input);
    Ok(text.head()?.is_some())
}

/// Reads up to the cases.
pub(super) fn read<R: Read + Seek>(input: Input<R>, settings: &Settings) -> Result<(Text<Input<R>>, Dictionary), Failure> {
    let mut text = Text::new(input);
    if let Some(table) = text.head()? {
        text.translate = table;
    }
    let charset = settings.charset.unwrap_or(Charset::Guess);
    let mut dictionary = Dictionary { charset, variables: vec![] };
    // The version, the date and the time.
    text.character()?;
    text.text()?;
    text.text()?;
    loop {
        match text.character()? {
            b'1'..=b'3' | b'6' | b'C' => {
                text.text()?;
            }
            b'4' | b'5' => {
                text.number()?;
            }
            b'7' => dictionary.variables.push(variable(&mut text, charset)?),
            tag @ (b'8' | b'9' | b'A' | b'B') => missing(&mut text, tag, dictionary.variables.last_mut())?,
            b'D' => labels(&mut text, &mut dictionary)?,
            b'E' => {
                for _ in 0..text.count()? {
                    text.text()?;
                }
            }
            b'F' => return Ok((text, dictionary)),
            _ => return Err(damaged("a record of an unknown kind comes before the cases")),
        }
    }
}

fn variable<S: Read>(text: &mut Text<S>, charset: Charset) -> Result<Stored, Failure> {
    let is_text = text.number()?.is_some_and(|width| width != 0.0);
    let name = charset.label(trimmed(&text.text()?));
    let print = text.number()?.unwrap_or_default();
    for _ in 0..5 {
        text.number()?;
    }
    // Saturates, and no format has such a code. SPSS adds 82 to the codes of formats other than the plain ones.
    let code = match print as i32 {
        code @ 83.. => code - 82,
        code => code,
    };
    let form = if is_text { Form::Number } else { form(code) };
    Ok(Stored { shared: Variable { name, form, ..Variable::default() }, is_text })
}

fn missing<S: Read>(text: &mut Text<S>, tag: u8, of: Option<&mut Stored>) -> Result<(), Failure> {
    let Some(Stored { shared, is_text, .. }) = of else { return Err(damaged("missing values come before the variables")) };
    if *is_text {
        let value = text.text()?;
        shared.missing.texts.push(trimmed(&value).to_vec());
        return Ok(());
    }
    let value = text.number()?.unwrap_or(f64::NAN);
    match tag {
        b'8' => shared.missing.numbers.push(value),
        b'9' => shared.missing.ranges.push((f64::NEG_INFINITY, value)),
        b'A' => shared.missing.ranges.push((value, f64::INFINITY)),
        _ => shared.missing.ranges.push((value, text.number()?.unwrap_or(f64::NAN))),
    }
    Ok(())
}

fn labels<S: Read>(text: &mut Text<S>, dictionary: &mut Dictionary) -> Result<(), Failure> {
    let mut names = vec![];
    for _ in 0..text.count()? {
        names.push(dictionary.charset.label(trimmed(&text.text()?)));
    }
    let is_text = dictionary.variables.iter().any(|v| v.is_text && names.contains(&v.shared.name));
    let mut labels = Labels::default();
    for _ in 0..text.count()? {
        if is_text {
            let value = trimmed(&text.text()?).to_vec();
            let label = dictionary.charset.label(trimmed(&text.text()?));
            labels.texts.insert(value, label);
        } else {
            let value = text.number()?;
            let label = dictionary.charset.label(trimmed(&text.text()?));
            if let Some(value) = value {
                labels.add_number(value, label);
            }
        }
    }
    let labels = Rc::new(labels);
    for variable in dictionary.variables.iter_mut().filter(|v| names.contains(&v.shared.name)) {
        variable.shared.labels = Some(Rc::clone(&labels));
    }
    Ok(())
}

/// Reads all cases.
pub(super) fn rows<R: Read + Seek>(mut text: Text<Input<R>>, dictionary: &Dictionary, settings: &Settings, out: &mut dyn Output) -> Result<(), Failure> {
    let (mut row, mut progress, mut number) = (Row::default(), Progress::default(), 0);
    while !dictionary.variables.is_empty() && text.peek()?.ok_or_else(|| damaged("it is cut off: no `Z` ends the cases"))? != b'Z' {
        let at = text.at();
        number += 1;
        row.clear();
        for variable in &dictionary.variables {
            if variable.is_text {
                let value = text.text()?;
                variable.shared.text(&value, dictionary.charset, settings, &mut row);
            } else {
                match text.number()? {
                    Some(value) => variable.shared.number(value, settings, &mut row),
                    None => row.missing(),
                }
            }
        }
        row.give(number, at, out)?;
        progress.at(text.at(), out);
    }
    progress.end(text.source.len(), out);
    Ok(())
}

/// The characters of a portable file, without the ends of the lines.
pub(super) struct Text<S> {
    source: S,
    buffer: Vec<u8>,
    next: usize,
    /// The byte of the file at which the buffer begins.
    from: u64,
    /// Characters of the line so far.
    column: usize,
    translate: [u8; 256],
}

impl<S: Read> Text<S> {
    fn new(source: S) -> Self {
        let mut translate = [0; 256];
        for (to, byte) in translate.iter_mut().zip(0..=u8::MAX) {
            *to = byte;
        }
        Self { source, buffer: vec![], next: 0, from: 0, column: 0, translate }
    }

    /// The byte of the file that is read next.
    fn at(&self) -> u64 {
        self.from.saturating_add(self.next as u64)
    }

    /// The table that makes ASCII of the characters of the file, if `SPSSPORT` follows it.
    fn head(&mut self) -> Result<Option<[u8; 256]>, Failure> {
        let mut head = vec![];
        while head.len() < TAG_AT + 8 {
            let Some(character) = self.next()? else { return Ok(None) };
            head.push(character);
        }
        let codes = head.get(TABLE_AT + 64..TAG_AT).unwrap_or_default();
        let mut table = self.translate;
        // In an ASCII file the table says nothing new, and some leave places of it empty.
        if codes.get(10) != Some(&b'A') {
            let zero = codes.first();
            for (place, (code, character)) in codes.iter().zip(CHARACTERS).enumerate() {
                let used = *character != 0 && (place == 0 || Some(code) != zero);
                if let Some(to) = table.get_mut(usize::from(*code)).filter(|_| used) {
                    *to = *character;
                }
            }
        }
        let tag = head.get(TAG_AT..).unwrap_or_default().iter().map(|b| table.get(usize::from(*b)).copied().unwrap_or(*b));
        Ok(tag.eq(*b"SPSSPORT").then_some(table))
    }

    /// The next character, which is not passed over.
    fn peek(&mut self) -> Result<Option<u8>, Failure> {
        loop {
            let Some(byte) = self.buffer.get(self.next).copied() else {
                if !self.refill()? {
                    return Ok(None);
                }
                continue;
            };
            match byte {
                b'\r' => self.next += 1,
                // A line that is too short had blanks at its end.
                b'\n' if self.column < LINE => return Ok(Some(b' ')),
                b'\n' => {
                    self.next += 1;
                    self.column = 0;
                }
                _ => return Ok(self.translate.get(usize::from(byte)).copied()),
            }
        }
    }

    fn next(&mut self) -> Result<Option<u8>, Failure> {
        let found = self.peek()?;
        if found.is_some() {
            self.column += 1;
            if self.buffer.get(self.next) != Some(&b'\n') {
                self.next += 1;
            }
        }
        Ok(found)
    }

    fn refill(&mut self) -> Result<bool, Failure> {
        self.from = self.at();
        self.next = 0;
        self.buffer.resize(64 << 10, 0);
        let n = loop {
            match self.source.read(&mut self.buffer) {
                Ok(n) => break n,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(Failure::Unreadable(e.to_string())),
            }
        };
        self.buffer.truncate(n);
        Ok(n > 0)
    }

    /// The next character, which must be there.
    fn character(&mut self) -> Result<u8, Failure> {
        self.next()?.ok_or_else(|| damaged("it is cut off"))
    }

    /// A number: digits to the base 30, a point, an exponent, `/` at the end; `*.` is system missing.
    fn number(&mut self) -> Result<Option<f64>, Failure> {
        let mut first = self.character()?;
        while first == b' ' {
            first = self.character()?;
        }
        if first == b'*' {
            self.character()?;
            return Ok(None);
        }
        let negative = first == b'-';
        let mut digits = Digits::default();
        let mut character = if negative { self.character()? } else { first };
        loop {
            match character {
                b'0'..=b'9' => digits.add(character - b'0'),
                b'A'..=b'T' => digits.add(character - b'A' + 10),
                b'.' => digits.point = true,
                b'/' => return Ok(Some(digits.value(0, negative))),
                b'+' | b'-' => break,
                _ => return Err(self.no_number()),
            }
            character = self.character()?;
        }
        let (down, mut exponent) = (character == b'-', 0_i32);
        loop {
            let digit = match self.character()? {
                digit @ b'0'..=b'9' => digit - b'0',
                digit @ b'A'..=b'T' => digit - b'A' + 10,
                b'/' => return Ok(Some(digits.value(if down { -exponent } else { exponent }, negative))),
                _ => return Err(self.no_number()),
            };
            exponent = exponent.saturating_mul(30).saturating_add(i32::from(digit)).min(10_000);
        }
    }

    fn no_number(&self) -> Failure {
        damaged(format!("no number ends at byte {}", self.at()))
    }

    fn count(&mut self) -> Result<u64, Failure> {
        // Saturates; each of so many things is then looked for in the file.
        Ok(self.number()?.unwrap_or_default() as u64)
    }

    /// A text: its length, then its characters.
    fn text(&mut self) -> Result<Vec<u8>, Failure> {
        let len = self.number()?.unwrap_or_default();
        if len > LONGEST {
            return Err(damaged(format!("a text at byte {} is longer than any can be", self.at())));
        }
        // Saturates, and is small.
        (0..len as usize).map(|_| self.character()).collect()
    }
}

/// The digits of a number to the base 30.
#[derive(Default)]
struct Digits {
    whole: u128,
    /// Digits behind the point, less those that are too many to be kept.
    behind: i32,
    point: bool,
}

impl Digits {
    fn add(&mut self, digit: u8) {
        match self.whole.checked_mul(30).and_then(|w| w.checked_add(u128::from(digit))) {
            Some(whole) => {
                self.whole = whole;
                self.behind = self.behind.saturating_add(i32::from(self.point));
            }
            None => self.behind = self.behind.saturating_sub(i32::from(!self.point)),
        }
    }

    fn value(&self, exponent: i32, negative: bool) -> f64 {
        let power = exponent.saturating_sub(self.behind);
        // Rounded, as any number that is stored in eight bytes: where it can be, only once.
        let value = match 30_u128.checked_pow(power.unsigned_abs()) {
            Some(scale) if power < 0 => (self.whole / scale) as f64 + (self.whole % scale) as f64 / scale as f64,
            Some(scale) => self.whole.checked_mul(scale).map_or(self.whole as f64 * scale as f64, |all| all as f64),
            None => self.whole as f64 * 30_f64.powi(power),
        };
        if negative { -value } else { value }
    }
}
