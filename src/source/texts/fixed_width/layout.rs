//! The layout of fixed-width lines: which field stands where, in which lines, and how its text reads.

use std::path::Path;

use serde_json::{Map, Value};

use super::super::charset::guess;
use super::super::options::{scalar, unknown, wrong};
use super::super::record::Failure;
use super::kind::Kind;

/// Places beyond this one are a mistake of the layout.
const FARTHEST: usize = 10_000_000;
const KEYS: [&str; 5] = ["name", "start", "length", "type", "when"];

/// A field; places count characters from 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub name: String,
    pub start: usize,
    pub end: usize,
    pub kind: Kind,
    /// The condition under which a line has it, by its place in [`Layout::conditions`].
    pub when: Option<usize>,
}

/// `start=value`: the line has this text there.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    pub start: usize,
    pub end: usize,
    pub value: String,
    /// As the layout writes it.
    pub text: String,
}

/// Fields, and the distinct conditions of those that not every line has.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layout {
    pub fields: Vec<Field>,
    pub conditions: Vec<Condition>,
}

/// A number of the layout within bounds.
fn place(key: &str, text: &str, least: usize) -> Result<usize, Failure> {
    let number = text.trim().parse().ok().filter(|n| (least..=FARTHEST).contains(n));
    number.ok_or_else(|| wrong(key, format!("`{}` is no place or length in a line: they are whole numbers from {least} on", text.trim())))
}

/// The first of the two places of a field, from 0, and the one behind it.
pub fn span(key: &str, start: &str, length: &str) -> Result<(usize, usize), Failure> {
    let start = place(key, start, 1)?.saturating_sub(1);
    Ok((start, start.saturating_add(place(key, length, 1)?)))
}

impl Condition {
    fn parse(key: &str, text: &str) -> Result<Self, Failure> {
        let unfit = || wrong(key, format!("`{text}` is no condition such as `1=02`: the place where a line has which text"));
        let (start, value) = text.split_once('=').ok_or_else(unfit)?;
        let value = value.trim();
        if value.is_empty() {
            return Err(unfit());
        }
        let start = place(key, start, 1)?.saturating_sub(1);
        Ok(Condition { start, end: start.saturating_add(value.chars().count()), value: value.into(), text: text.trim().into() })
    }
}

impl Layout {
    /// The layout that the option says: a path, or a list of maps.
    ///
    /// # Errors
    /// When it cannot be read, or says what cannot be.
    pub fn of(key: &str, value: Option<&Value>) -> Result<Self, Failure> {
        match value {
            Some(Value::Array(rows)) => {
                let maps: Option<Vec<&Map<String, Value>>> = rows.iter().map(Value::as_object).collect();
                Self::of_maps(key, &maps.ok_or_else(|| wrong(key, "each of its entries has `name`, `start` and `length`"))?)
            }
            Some(Value::String(path)) => Self::of_file(key, Path::new(path)),
            _ => Err(wrong(key, "it is the path of a table with `name`, `start` and `length`, or a list of them")),
        }
    }

    fn of_maps(key: &str, maps: &[&Map<String, Value>]) -> Result<Self, Failure> {
        let mut layout = Layout::default();
        for map in maps {
            if let Some(other) = map.keys().find(|k| !KEYS.contains(&k.as_str())) {
                return Err(unknown(key, format!("`{other}` is no key of a field"), other, KEYS.into_iter()));
            }
            let text = |k: &str| map.get(k).and_then(scalar).unwrap_or_default();
            layout.add(key, [text("name"), text("start"), text("length"), text("type"), text("when")])?;
        }
        layout.checked(key)
    }

    /// A table in CSV, parted by `,`, `;` or tabulators.
    fn of_file(key: &str, path: &Path) -> Result<Self, Failure> {
        let bytes = std::fs::read(path).map_err(|error| wrong(key, format!("the layout cannot be read: {error}")))?;
        let text = guess(&bytes, true).decode(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes)).0.into_owned();
        let first = text.lines().next().unwrap_or_default();
        let delimiter = [b';', b'\t'].into_iter().find(|d| first.contains(char::from(*d))).unwrap_or(b',');
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
        let header = reader.headers().map_err(|error| wrong(key, format!("the layout cannot be read: {error}")))?.clone();
        let at = KEYS.map(|k| header.iter().position(|h| h.eq_ignore_ascii_case(k)));
        let [Some(_), Some(_), Some(_), _, _] = at else { return Err(wrong(key, "the layout's header needs `name`, `start` and `length`")) };
        let mut layout = Layout::default();
        for row in reader.records() {
            let row = row.map_err(|error| wrong(key, format!("the layout cannot be read: {error}")))?;
            if row.iter().any(|cell| !cell.is_empty()) {
                layout.add(key, at.map(|at| at.and_then(|at| row.get(at)).unwrap_or_default().to_owned()))?;
            }
        }
        layout.checked(key)
    }

    fn add(&mut self, key: &str, [name, start, length, kind, when]: [String; 5]) -> Result<(), Failure> {
        if name.trim().is_empty() {
            return Err(wrong(key, "a field of the layout has no name"));
        }
        let (start, end) = span(key, &start, &length)?;
        let when = match when.trim() {
            "" => None,
            text => {
                let condition = Condition::parse(key, text)?;
                let known = self.conditions.iter().position(|c| (c.start, &c.value) == (condition.start, &condition.value));
                Some(known.unwrap_or_else(|| {
                    self.conditions.push(condition);
                    self.conditions.len().saturating_sub(1)
                }))
            }
        };
        self.fields.push(Field { name: name.trim().into(), start, end, kind: Kind::parse(key, &kind)?, when });
        Ok(())
    }

    /// A name may stand once in each type of line.
    fn checked(self, key: &str) -> Result<Self, Failure> {
        if self.fields.is_empty() {
            return Err(wrong(key, "the layout has no fields"));
        }
        for (i, field) in self.fields.iter().enumerate() {
            let meets = |other: &&Field| other.name == field.name && (other.when == field.when || other.when.is_none() || field.when.is_none());
            if self.fields.iter().take(i).any(|other| meets(&other)) {
                return Err(wrong(key, format!("`{}` is in the layout twice", field.name)));
            }
        }
        Ok(self)
    }

    /// The condition that the option `record` names, whole (`1=02`) or by its value (`02`).
    pub fn record(&self, named: &str) -> Result<usize, Failure> {
        let wanted = named.trim();
        let mut found = self.conditions.iter().enumerate().filter(|(_, c)| c.text == wanted || c.value == wanted).map(|(i, _)| i);
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(one),
            (Some(_), Some(_)) => Err(wrong("record", format!("`{wanted}` is the value of several conditions of the layout: write one of them whole"))),
            (None, _) => Err(unknown("record", format!("no field of the layout has `{wanted}` under `when`"), wanted, self.conditions.iter().map(|c| c.text.as_str()))),
        }
    }
}
