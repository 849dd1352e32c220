//! A zone behind the fixed part of a line that repeats as often as a field says.

use serde_json::{Map, Value};

use super::super::options::{scalar, unknown, wrong};
use super::super::record::Failure;
use super::layout::{Layout, span};

const KEY: &str = "repeat";

/// So many pieces of that length.
#[derive(Debug, Clone, PartialEq)]
struct Zone {
    /// The field that holds their number, by name.
    count: String,
    length: usize,
}

/// A repeating zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Repeat {
    /// Where it begins, from 0, when the zones before it are empty.
    start: usize,
    /// Zones between the fixed part and this one.
    after: Vec<Zone>,
    zone: Zone,
    /// Fields of a repetition, from its begin.
    pub layout: Layout,
}

/// Where the repetitions of a line are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    pub start: usize,
    pub count: usize,
    pub length: usize,
}

impl Found {
    /// The place behind the last one; nothing where no line is so long.
    pub fn end(&self) -> Option<usize> {
        self.count.checked_mul(self.length)?.checked_add(self.start)
    }

    /// The places where repetitions begin.
    pub fn starts(self) -> impl Iterator<Item = usize> {
        (0..self.count).map(move |i| self.start.saturating_add(i.saturating_mul(self.length)))
    }
}

fn number(map: &Map<String, Value>, key: &str) -> Result<String, Failure> {
    map.get(key).and_then(scalar).ok_or_else(|| wrong(KEY, format!("it needs `{key}`")))
}

fn zone(map: &Map<String, Value>, layout: &Layout) -> Result<Zone, Failure> {
    let count = number(map, "count")?;
    if !layout.fields.iter().any(|field| field.name == count) {
        return Err(unknown(KEY, format!("the layout has no field `{count}`"), &count, layout.fields.iter().map(|f| f.name.as_str())));
    }
    Ok(Zone { count, length: span(KEY, "1", &number(map, "length")?)?.1 })
}

fn only(map: &Map<String, Value>, keys: &[&str]) -> Result<(), Failure> {
    match map.keys().find(|k| !keys.contains(&k.as_str())) {
        Some(other) => Err(unknown(KEY, format!("`{other}` is no key of a zone"), other, keys.iter().copied())),
        None => Ok(()),
    }
}

impl Repeat {
    /// What the option says: `{count: NB_ACTES, start: 193, length: 29, after: [{count: NB_DAS, length: 8}], fields: […]}`.
    ///
    /// # Errors
    /// When it says what cannot be.
    pub fn of(value: &Value, layout: &Layout) -> Result<Self, Failure> {
        let map = value.as_object().ok_or_else(|| wrong(KEY, "it has `count`, `start`, `length` and `fields`"))?;
        only(map, &["count", "start", "length", "fields", "after"])?;
        let fields = Layout::of(KEY, map.get("fields"))?;
        let own = zone(map, layout)?;
        if !fields.conditions.is_empty() {
            return Err(wrong(KEY, "its fields have no `when`"));
        }
        if let Some(field) = fields.fields.iter().find(|field| field.end > own.length) {
            return Err(wrong(KEY, format!("`{}` ends behind the repetition's `length`", field.name)));
        }
        if let Some(field) = fields.fields.iter().find(|field| layout.fields.iter().any(|other| other.name == field.name)) {
            return Err(wrong(KEY, format!("`{}` is a field of the layout too", field.name)));
        }
        let mut after = vec![];
        for before in map.get("after").map_or(Ok(&[][..]), |list| list.as_array().map(Vec::as_slice).ok_or_else(|| wrong(KEY, "`after` lists zones")))? {
            let before = before.as_object().ok_or_else(|| wrong(KEY, "a zone of `after` has `count` and `length`"))?;
            only(before, &["count", "length"])?;
            after.push(zone(before, layout)?);
        }
        Ok(Repeat { start: span(KEY, &number(map, "start")?, "1")?.0, after, zone: own, layout: fields })
    }

    /// Where the repetitions of a line are whose fields `cell` gives; nothing where a count is no number. A line of a type that
    /// has no count has none.
    pub fn find<'a>(&self, cell: impl Fn(&str) -> Option<&'a str>) -> Option<Found> {
        let count = |zone: &Zone| match cell(&zone.count).map_or("", str::trim) {
            "" => Some(0_usize),
            text if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
            _ => None,
        };
        let mut start = self.start;
        for zone in &self.after {
            start = start.checked_add(count(zone)?.checked_mul(zone.length)?)?;
        }
        Some(Found { start, count: count(&self.zone)?, length: self.zone.length })
    }
}
