//! What stands in a message: its delimiters, its character set, its segments and their values.

use std::ops::Range;

use memchr::{memchr, memchr_iter};

use super::super::charset::{Charset, guess};
use super::frame::Message;
use super::path::{Path, is_name};

/// The delimiters of a message (MSH-1 and MSH-2); those that MSH-2 leaves out part nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Delimiters {
    pub field: u8,
    pub component: Option<u8>,
    pub repetition: Option<u8>,
    pub escape: Option<u8>,
    pub subcomponent: Option<u8>,
    pub truncation: Option<u8>,
}

impl Delimiters {
    /// Those of an MSH segment; nothing where it names none, or one twice.
    pub fn of(msh: &[u8]) -> Option<Self> {
        let (field, rest) = msh.strip_prefix(b"MSH")?.split_first()?;
        let named = rest.get(..memchr(*field, rest).unwrap_or(rest.len()))?;
        let all: Vec<u8> = std::iter::once(*field).chain(named.iter().copied()).collect();
        let usable = all.iter().enumerate().all(|(i, b)| b.is_ascii_graphic() && !b.is_ascii_alphanumeric() && !all.iter().take(i).any(|other| other == b));
        if !usable || !(1..=5).contains(&named.len()) {
            return None;
        }
        let at = |i: usize| named.get(i).copied();
        Some(Delimiters { field: *field, component: at(0), repetition: at(1), escape: at(2), subcomponent: at(3), truncation: at(4) })
    }
}

/// What the bytes of a message are, and on what that rests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Coding {
    Known(Charset, &'static str),
    /// MSH-18 says what cannot be read.
    Unknown,
}

impl Coding {
    /// The character set of a message: the declared one, else that of MSH-18 (HL7 table 0211). Where that is ASCII or empty and
    /// the bytes are not, they are guessed.
    pub fn of(message: &Message, msh: &[u8], delimiters: &Delimiters, declared: Option<Charset>) -> Self {
        if let Some(charset) = declared {
            return Coding::Known(charset, "declared");
        }
        let field = part(msh, Some(delimiters.field), 17).unwrap_or_default();
        let first = part(field, delimiters.repetition, 0).unwrap_or_default();
        let name = String::from_utf8_lossy(first).trim().to_ascii_uppercase();
        let said = match name.as_str() {
            "" | "\"\"" | "ASCII" | "US-ASCII" | "ISO IR6" => return Coding::Known(guess(&message.bytes, true), "guessed"),
            "UNICODE UTF-8" | "UNICODE" => Some(Charset::Utf8),
            "GB 18030-2000" => Charset::from_label("gb18030"),
            "KS X 1001" => Charset::from_label("euc-kr"),
            "BIG-5" => Charset::from_label("big5"),
            _ => match name.strip_prefix("8859/") {
                Some(part) => Charset::from_label(&format!("iso-8859-{part}")),
                None => Charset::from_label(&name),
            },
        };
        said.map_or(Coding::Unknown, |charset| Coding::Known(charset, "MSH-18"))
    }

    /// The text of `bytes`; `true` when some of them mean nothing.
    pub fn decode(self, bytes: &[u8]) -> (std::borrow::Cow<'_, str>, bool) {
        match self {
            Coding::Known(charset, _) => charset.decode(bytes),
            Coding::Unknown => (Charset::Utf8.decode(bytes).0, !bytes.is_ascii()),
        }
    }
}

/// A segment: its text with what the sender broke into lines, and where it begins in the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    pub name: [u8; 3],
    pub range: Range<usize>,
    pub byte: u64,
}

/// The segments of a message. A line that begins like none belongs to the one before, as a line break within a value.
pub fn segments(message: &Message, field: u8, into: &mut Vec<Segment>) {
    into.clear();
    for line in &message.lines {
        let text = message.bytes.get(line.start..line.end).unwrap_or_default();
        let blanks = text.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        let begun = text.get(blanks..).unwrap_or_default();
        let named = begun.split_at_checked(3).filter(|(name, rest)| is_name(name) && (rest.first() == Some(&field) || (rest.is_empty() && blanks == 0)));
        match (named, into.last_mut()) {
            (Some((name, _)), _) => {
                let name = name.try_into().unwrap_or_default();
                into.push(Segment { name, range: line.start.saturating_add(blanks)..line.end, byte: line.byte.saturating_add(blanks as u64) });
            }
            (None, Some(last)) if blanks < text.len() => last.range.end = line.end,
            (None, _) => {}
        }
    }
}

/// The part of that place, from 0; without a delimiter all is the first.
fn part(bytes: &[u8], delimiter: Option<u8>, place: usize) -> Option<&[u8]> {
    let Some(delimiter) = delimiter else { return (place == 0).then_some(bytes) };
    let mut ends = memchr_iter(delimiter, bytes);
    let start = match place.checked_sub(1) {
        Some(before) => ends.nth(before)?.checked_add(1)?,
        None => 0,
    };
    bytes.get(start..ends.next().unwrap_or(bytes.len()))
}

/// The same of a text; delimiters are ASCII, so it is cut between characters.
fn text_part(text: &str, delimiter: Option<u8>, place: usize) -> Option<&str> {
    part(text.as_bytes(), delimiter, place).and_then(|bytes| std::str::from_utf8(bytes).ok())
}

/// A field as it stands; fields count from 1, and MSH-1 is the delimiter itself.
pub fn field<'a>(segment: &'a str, number: usize, d: &Delimiters) -> Option<&'a str> {
    match (segment.starts_with("MSH"), number) {
        (true, 1) => segment.get(3..4),
        (true, _) => text_part(segment, Some(d.field), number.checked_sub(1)?),
        (false, _) => text_part(segment, Some(d.field), number),
    }
}

/// The repetitions of a field; an empty one has none.
pub fn repetitions<'a>(field: &'a str, d: &Delimiters) -> impl Iterator<Item = &'a str> {
    let delimiter = d.repetition.map(char::from);
    field.split(move |c| Some(c) == delimiter).filter(move |_| !field.is_empty())
}

/// Puts the value of a path in a segment into `out`; `false` when there is none, or HL7's null (`""`).
pub fn value(segment: &str, path: &Path, d: &Delimiters, coding: Coding, out: &mut String) -> bool {
    out.clear();
    let Some(found) = field(segment, path.field, d) else { return false };
    if segment.starts_with("MSH") && path.field <= 2 {
        out.push_str(found);
        return !found.is_empty();
    }
    match path.repetition.or(path.component.map(|_| 1)) {
        None => value_below(found, path, d, coding, out),
        Some(place) => text_part(found, d.repetition, place.saturating_sub(1)).is_some_and(|found| value_below(found, path, d, coding, out)),
    }
}

/// The same of a repetition, or of a field whose repetitions stay together.
pub fn value_below(mut found: &str, path: &Path, d: &Delimiters, coding: Coding, out: &mut String) -> bool {
    out.clear();
    for (delimiter, place) in [(d.component, path.component), (d.subcomponent, path.subcomponent)] {
        let Some(place) = place else { continue };
        match text_part(found, delimiter, place.saturating_sub(1)) {
            Some(part) => found = part,
            None => return false,
        }
    }
    if found.is_empty() || found == "\"\"" {
        return false;
    }
    unescape(found, d, coding, out);
    !out.is_empty()
}

/// Appends a text with its escape sequences resolved (HL7 2.7, section 2.7): delimiters, hexadecimal bytes and line breaks; what
/// is about layout or highlighting goes, and what is none of these stays.
fn unescape(text: &str, d: &Delimiters, coding: Coding, out: &mut String) {
    let Some(escape) = d.escape else { return out.push_str(text) };
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(char::from(escape)) {
        out.push_str(before);
        let known = after.split_once(char::from(escape)).filter(|(code, _)| resolve(code, d, coding, out));
        rest = match known {
            Some((_, behind)) => behind,
            None => {
                out.push(char::from(escape));
                after
            }
        };
    }
    out.push_str(rest);
}

/// Appends what the code of an escape sequence stands for; `false` when it is none that is known.
fn resolve(code: &str, d: &Delimiters, coding: Coding, out: &mut String) -> bool {
    let delimiter = match code {
        "F" => Some(d.field),
        "S" => d.component,
        "T" => d.subcomponent,
        "R" => d.repetition,
        "E" => d.escape,
        "P" => d.truncation,
        "H" | "N" => return true,
        _ => None,
    };
    if let Some(delimiter) = delimiter {
        out.push(char::from(delimiter));
        return true;
    }
    if let Some(hex) = code.strip_prefix('X') {
        let Some(bytes) = bytes(hex) else { return false };
        out.push_str(&coding.decode(&bytes).0);
        return true;
    }
    let Some(layout) = code.strip_prefix('.') else { return false };
    if ["br", "sp", "ce"].iter().any(|breaks| layout.starts_with(breaks)) {
        out.push('\n');
        return true;
    }
    ["fi", "nf", "in", "ti", "sk"].iter().any(|known| layout.starts_with(known))
}

/// `4A6F` as its two bytes.
fn bytes(hex: &str) -> Option<Vec<u8>> {
    let (pairs, []) = hex.as_bytes().as_chunks::<2>() else { return None };
    if pairs.is_empty() {
        return None;
    }
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}
