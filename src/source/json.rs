//! JSON: files of one record a line (NDJSON), and documents with a list of records.
//!
//! A record is an object. What it nests has the column of its path (`tumour.size`); a list is one cell with its
//! JSON text, which `explode` takes apart. Documents are streamed record by record (RFC 8259, and ndjson.org for lines).

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::record::{Damage, Failure, Head, OptionKey, Options, Output, RecordFormat};

pub static NDJSON: RecordFormat = RecordFormat {
    names: &["ndjson", "jsonl"],
    summary: "One JSON object a line; nested fields by their path (`tumour.size`), lists as JSON text. `.gz` and `.zst` are unpacked as they are read.",
    options: &[FIELDS],
    folder: false,
    typed: true,
    errors: &[],
    head: |path, options| head(path, options, &mut lines),
    records: |path, options, out| records(path, options, out, &mut lines),
};

pub static JSON: RecordFormat = RecordFormat {
    names: &["json"],
    summary: "A JSON document with a list of objects; nested fields by their path (`tumour.size`), lists as JSON text.",
    options: &[FIELDS, OptionKey { key: "records", about: "Where the list is: a path of keys such as `data.patients`; absent: the document is the list, or one record." }],
    folder: false,
    typed: true,
    errors: &[],
    head: |path, options| head(path, options, &mut document),
    records: |path, options, out| records(path, options, out, &mut document),
};

const FIELDS: OptionKey = OptionKey { key: "fields", about: "The paths that are columns; absent: those of the records of the first 16 MB." };

/// Bytes of records that are looked at for their paths.
const LOOKED_AT: u64 = 16 << 20;
/// A line that is longer is damaged: no record of a person is.
const LONGEST: usize = 64 << 20;
/// Paths that a file may have as columns.
const MOST_COLUMNS: usize = 10_000;
/// Bytes of their names: those of a long key are in the name of each column below it.
const LONGEST_NAMES: usize = 32 << 20;

/// A record, or the text of a damaged one; with its number and the byte where it begins.
type OnRecord<'a> = dyn FnMut(u64, u64, Result<&Value, &str>) -> Result<(), Failure> + 'a;
type Walk = dyn FnMut(&Path, &Options, &mut OnRecord<'_>) -> Result<(), Failure>;

fn fields(options: &Options) -> Result<Option<Vec<String>>, Failure> {
    match options.get("fields") {
        None => Ok(None),
        Some(Value::Array(all)) if all.iter().all(Value::is_string) => Ok(Some(all.iter().filter_map(Value::as_str).map(str::to_owned).collect())),
        Some(_) => Err(Failure::Option { key: "fields".into(), message: "a list of paths is expected, such as `[id, tumour.size]`".into(), near: vec![] }),
    }
}

fn head(path: &Path, options: &Options, walk: &mut Walk) -> Result<Head, Failure> {
    if let Some(columns) = fields(options)? {
        return Ok(Head { columns, ..Head::default() });
    }
    let (mut columns, mut known, mut length) = (vec![], std::collections::HashSet::new(), 0usize);
    let (mut seen, mut ended) = (0, false);
    let done = walk(path, options, &mut |number, byte, record| {
        seen = number;
        if let Ok(record) = record {
            each(record, &mut String::new(), 0, &mut |path, _| {
                if !known.contains(path) && columns.len() < MOST_COLUMNS && length.saturating_add(path.len()) <= LONGEST_NAMES {
                    length += path.len();
                    known.insert(path.to_owned());
                    columns.push(path.to_owned());
                }
            });
        }
        ended = byte > LOOKED_AT;
        if ended { Err(Failure::Stopped) } else { Ok(()) }
    });
    match done {
        Err(Failure::Stopped) if ended => {}
        other => other?,
    }
    if columns.is_empty() {
        return Err(if seen == 0 { Failure::Empty } else { Failure::Head("none of its records is an object".into()) });
    }
    let evidence = if ended { vec![format!("columns: of the first {seen} records")] } else { vec![] };
    Ok(Head { columns, evidence, ..Head::default() })
}

fn records(path: &Path, options: &Options, out: &mut dyn Output, walk: &mut Walk) -> Result<(), Failure> {
    let columns = head(path, options, walk)?.columns;
    let place: std::collections::HashMap<&str, usize> = columns.iter().enumerate().map(|(at, c)| (c.as_str(), at)).collect();
    let mut cells: Vec<Option<String>> = vec![None; columns.len()];
    walk(path, options, &mut |number, byte, record| {
        cells.iter_mut().for_each(|c| *c = None);
        out.read(byte);
        match record {
            Ok(record @ Value::Object(_)) => {
                let mut whole = true;
                each(record, &mut String::new(), 0, &mut |path, value| {
                    if let Some(cell) = place.get(path).and_then(|at| cells.get_mut(*at)) {
                        *cell = text(value);
                        whole &= !has_lost_digits(value);
                    }
                });
                if !whole {
                    return out.damaged(number, byte, Damage::Unreadable, &record.to_string(), &mut cells.iter().map(Option::as_deref));
                }
                out.record(number, byte, &mut cells.iter().map(Option::as_deref))
            }
            Ok(other) => out.damaged(number, byte, Damage::Unreadable, &other.to_string(), &mut std::iter::empty()),
            Err(raw) => out.damaged(number, byte, Damage::Unreadable, raw, &mut std::iter::empty()),
        }
    })
}

/// Calls back for each leaf of an object, with its path; serde_json itself refuses what nests deeper than 128.
fn each(value: &Value, path: &mut String, depth: usize, back: &mut dyn FnMut(&str, &Value)) {
    match value {
        Value::Object(members) if depth == 0 || !members.is_empty() => {
            for (key, member) in members {
                let before = path.len();
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(key);
                each(member, path, depth + 1, back);
                path.truncate(before);
            }
        }
        leaf if depth > 0 => back(path, leaf),
        _ => {}
    }
}

/// Whether a number is too large for its last digits to be known: an identifier would come out as another one.
fn has_lost_digits(value: &Value) -> bool {
    const TWO_TO_64: f64 = 18_446_744_073_709_551_616.0;
    value.as_f64().is_some_and(|n| !value.is_i64() && !value.is_u64() && n.abs() >= TWO_TO_64 && n.abs() < 1e40)
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        // A number that was written with an exponent or a zero fraction, in its plain form.
        Value::Number(number) => Some(match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(n), ..) => n.to_string(),
            (_, Some(n), _) => n.to_string(),
            (.., Some(n)) => format!("{n}"),
            _ => number.to_string(),
        }),
        other => Some(other.to_string()),
    }
}

/// The bytes of a file, unpacked where they are packed, and their first ones.
pub fn open(path: &Path) -> Result<BufReader<Box<dyn Read>>, Failure> {
    let io = |e: std::io::Error| Failure::Unreadable(e.to_string());
    let mut file = BufReader::new(File::open(path).map_err(io)?);
    let begin = file.fill_buf().map_err(io)?.to_vec();
    let inner: Box<dyn Read> = match begin.as_slice() {
        [] => return Err(Failure::Empty),
        [0x1F, 0x8B, ..] => Box::new(flate2::read::MultiGzDecoder::new(file)),
        [0x28, 0xB5, 0x2F, 0xFD, ..] => Box::new(zstd::stream::read::Decoder::new(file).map_err(io)?),
        [b'P', b'K', 3, 4, ..] => return Err(Failure::NotThis { is: "a zip archive or a workbook, not JSON".into(), help: "unpack it, or read a workbook with `format: excel`".into() }),
        [b'P', b'A', b'R', b'1', ..] => return Err(Failure::NotThis { is: "a Parquet file, not JSON".into(), help: "read it with `format: parquet`".into() }),
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => return Err(Failure::NotThis { is: "text in UTF-16, and JSON is in UTF-8".into(), help: "ask the site for UTF-8".into() }),
        [b'<', ..] => return Err(Failure::NotThis { is: "XML or a web page, not JSON".into(), help: "ask the site for the export again".into() }),
        _ => Box::new(file),
    };
    Ok(BufReader::with_capacity(1 << 20, inner))
}

fn lines(path: &Path, _: &Options, on_record: &mut OnRecord<'_>) -> Result<(), Failure> {
    let mut reader = open(path)?;
    let (mut line, mut number, mut byte) = (vec![], 0u64, 0u64);
    loop {
        line.clear();
        let got = (&mut reader).take(LONGEST as u64).read_until(b'\n', &mut line).map_err(|e| Failure::Unreadable(format!("behind line {number}: {e}")))?;
        if got == 0 {
            return Ok(());
        }
        number += 1;
        let text = line.trim_ascii();
        let text = if number == 1 { text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text) } else { text };
        if !text.is_empty() {
            match serde_json::from_slice::<Value>(text) {
                Ok(value) => on_record(number, byte, Ok(&value))?,
                Err(_) => on_record(number, byte, Err(&String::from_utf8_lossy(text)))?,
            }
        }
        byte = byte.saturating_add(got as u64);
    }
}

fn document(path: &Path, options: &Options, on_record: &mut OnRecord<'_>) -> Result<(), Failure> {
    let wanted: Vec<&str> = match options.get("records") {
        None => vec![],
        Some(Value::String(path)) => path.split('.').collect(),
        Some(_) => return Err(Failure::Option { key: "records".into(), message: "a path of keys is expected, such as `data.patients`".into(), near: vec![] }),
    };
    let mut reader = open(path)?;
    let mut inner = serde_json::Deserializer::from_reader(&mut reader);
    let mut state = State { on_record, number: 0, failure: None, found: false };
    let done = Place { path: &wanted, state: &mut state }.deserialize(&mut inner).and_then(|()| inner.end());
    let (number, found) = (state.number, state.found);
    if let Some(failure) = state.failure {
        return Err(failure);
    }
    done.map_err(|e| Failure::Unreadable(format!("it is no JSON behind record {number} (line {}, column {})", e.line(), e.column())))?;
    if found {
        Ok(())
    } else {
        Err(Failure::Option { key: "records".into(), message: format!("the document has nothing at `{}`", wanted.join(".")), near: vec![] })
    }
}

struct State<'a, 'b> {
    on_record: &'a mut OnRecord<'b>,
    number: u64,
    failure: Option<Failure>,
    found: bool,
}

impl State<'_, '_> {
    fn record<E: serde::de::Error>(&mut self, value: &Value) -> Result<(), E> {
        self.number += 1;
        // The place of a record in a document is its number; bytes are not told.
        (self.on_record)(self.number, 0, Ok(value)).map_err(|failure| {
            self.failure = Some(failure);
            E::custom("stopped")
        })
    }
}

/// What is at a path of keys: a list, whose items are records, or one record.
struct Place<'p, 'a, 'b, 'c> {
    path: &'p [&'p str],
    state: &'a mut State<'b, 'c>,
}

impl<'de> DeserializeSeed<'de> for Place<'_, '_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place<'_, '_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        if !self.path.is_empty() {
            while items.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        self.state.found = true;
        while let Some(value) = items.next_element::<Value>()? {
            self.state.record(&value)?;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Some((first, rest)) = self.path.split_first() else {
            self.state.found = true;
            let mut record = serde_json::Map::new();
            while let Some((key, value)) = members.next_entry::<String, Value>()? {
                record.insert(key, value);
            }
            return self.state.record(&Value::Object(record));
        };
        while let Some(key) = members.next_key::<String>()? {
            if key == *first {
                members.next_value_seed(Place { path: rest, state: &mut *self.state })?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_NAMES, NDJSON, Options};

    #[test]
    fn names_of_columns_have_a_length_together() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let members: Vec<String> = (0..2_000).map(|n| format!("\"{n}\":1")).collect();
        std::fs::write(file.path(), format!("{{\"{}\":{{{}}}}}\n", "k".repeat(50_000), members.join(","))).expect("written");
        let head = (NDJSON.head)(file.path(), &Options::new()).expect("a head");
        let length: usize = head.columns.iter().map(String::len).sum();
        assert!(head.columns.len() < 2_000 && length <= LONGEST_NAMES && length > LONGEST_NAMES - 60_000, "{length}");
    }
}
