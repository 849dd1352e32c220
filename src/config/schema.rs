//! The target as written: tables, fields, constraints, rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::codes::{Codelist, Reference, references};
use super::pack::{Pack, pack};
use super::read::{Keys, Name, Spanned, entries, text, texts, words, wrong_kind};
use super::rule::{Rule, RuleSeverity, SEVERITIES, Threshold, rule, threshold};
use super::yaml::{Node, Value};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, code};

/// A schema document.
#[derive(Debug, Clone)]
pub struct Schema {
    pub name: Name,
    pub version: String,
    pub description: BTreeMap<String, String>,
    pub codelists: Vec<Reference>,
    /// Files of rules that are put behind those of the tables.
    pub packs: Vec<Pack>,
    pub tables: Vec<Table>,
}

/// One table of the cohort.
#[derive(Debug, Clone)]
pub struct Table {
    pub name: Name,
    pub description: BTreeMap<String, String>,
    /// Fields that together identify a row, over all files and sites.
    pub key: Vec<Name>,
    pub duplicates: Duplicates,
    /// Rows of other tables that a row belongs to.
    pub foreign_keys: Vec<ForeignKey>,
    /// Most rows that may go to quarantine.
    pub quarantine: Option<Threshold>,
    pub fields: Vec<Field>,
    pub rules: Vec<Rule>,
    /// Times to an event that the report draws.
    pub follow_up: Vec<FollowUp>,
}

/// A time and whether the event happened at its end.
#[derive(Debug, Clone)]
pub struct FollowUp {
    pub time: Name,
    pub event: Name,
    pub description: BTreeMap<String, String>,
}

/// Which row of a repeated key stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duplicates {
    First,
    Last,
    None,
}

/// How a field is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    Integer,
    Decimal,
    Boolean,
    Date,
    Datetime,
    Text,
    Code,
    Pseudonym,
}

impl FieldType {
    /// Type words of a schema.
    pub const ALL: [(&'static str, FieldType); 8] = [
        ("integer", FieldType::Integer),
        ("decimal", FieldType::Decimal),
        ("boolean", FieldType::Boolean),
        ("date", FieldType::Date),
        ("datetime", FieldType::Datetime),
        ("text", FieldType::Text),
        ("code", FieldType::Code),
        ("pseudonym", FieldType::Pseudonym),
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, t)| *t == self).map_or("?", |(w, _)| w)
    }

    /// Whether it has a unit.
    pub fn is_number(self) -> bool {
        matches!(self, FieldType::Integer | FieldType::Decimal)
    }
}

/// Fields that name a row of another table by its key; Frictionless Table Schema calls it so too.
#[derive(Debug, Clone)]
pub struct ForeignKey {
    pub fields: Vec<Name>,
    /// The other table.
    pub references: Name,
}

/// One field with its constraints.
#[derive(Debug, Clone)]
pub struct Field {
    pub name: Name,
    pub kind: Spanned<FieldType>,
    pub unit: Option<Name>,
    pub range: Option<Spanned<[Option<Name>; 2]>>,
    pub values: Vec<CodeValue>,
    pub values_span: Option<Span>,
    /// Name or file of the codelist that holds the values.
    pub codelist_name: Option<Name>,
    /// It, once it is read; `values` are its codes then.
    pub codelist: Option<Arc<Codelist>>,
    /// Codes of which a value is one or a descendant.
    pub within: Vec<Name>,
    pub ordered: bool,
    pub required: bool,
    pub pattern: Option<Name>,
    /// A text may pass as it is, and can name a person.
    pub free_text: bool,
    /// Least and most characters.
    pub length: Option<Spanned<[Option<u64>; 2]>>,
    /// Constraint name → severity, where it is not `error`.
    pub severity: BTreeMap<String, RuleSeverity>,
    pub description: BTreeMap<String, String>,
    pub concept: BTreeMap<String, String>,
}

impl Field {
    /// What a condition comes to: true, false or missing.
    pub fn of_condition(name: Name) -> Field {
        let kind = Spanned::new(FieldType::Boolean, name.span);
        Field {
            name,
            kind,
            unit: None,
            range: None,
            values: vec![],
            values_span: None,
            codelist_name: None,
            codelist: None,
            within: vec![],
            ordered: false,
            required: false,
            pattern: None,
            free_text: false,
            length: None,
            severity: BTreeMap::new(),
            description: BTreeMap::new(),
            concept: BTreeMap::new(),
        }
    }

    /// A day of a patient's life lies in a range, whether the schema says so or not.
    fn with_days(mut self) -> Field {
        if matches!(self.kind.value, FieldType::Date | FieldType::Datetime) && self.range.is_none() {
            let end = |day: &str| Some(Name { value: day.to_owned(), span: self.kind.span });
            self.range = Some(Spanned::new([end(FIRST_DAY), end(TODAY)], self.kind.span));
        }
        self
    }

    /// Whether the field's list, where it has one, holds the value.
    pub fn lists(&self, value: &str) -> bool {
        match &self.codelist {
            Some(list) => list.has(value),
            None => self.values.is_empty() || self.values.iter().any(|v| v.value.value == value),
        }
    }

    /// Values that a misspelt one may have meant.
    pub fn similar(&self, value: &str) -> Vec<&str> {
        super::codes::similar(&self.values, value)
    }
}

/// The word for the day of the run, as the end of a range.
pub const TODAY: &str = "today";

/// Before it nobody was born of whom a hospital has an export; earlier days are mostly placeholders.
const FIRST_DAY: &str = "1900-01-01";

/// A value of a code field with its labels.
#[derive(Debug, Clone)]
pub struct CodeValue {
    pub value: Name,
    pub label: BTreeMap<String, String>,
}

/// Reads a schema document.
pub fn read(node: &Node, found: &mut Diagnostics) -> Option<Schema> {
    let mut keys = Keys::new(node, "the schema", found)?;
    let name = keys.name("schema", found);
    let version = keys.require("version", found).and_then(|n| text(n, "version", found));
    let description = keys.words("description", found);
    let codelists = keys.take("codelists").map_or(vec![], |n| references(n, "codelists", found));
    let packs = match keys.take("packs") {
        Some(Node { value: Value::List(items), .. }) => items.iter().filter_map(|n| pack(n, found)).collect(),
        Some(node) => pack(node, found).into_iter().collect(),
        None => vec![],
    };
    let tables = match keys.require("tables", found) {
        Some(node) => entries(node, "tables", found).into_iter().filter_map(|(name, n)| table(name, n, found)).collect(),
        None => vec![],
    };
    keys.finish(found);
    Some(Schema { name: name?, // A missing version is a finding already, and hides no other.
        version: version.map(|v| v.value).unwrap_or_default(), description, codelists, packs, tables })
}

fn table(name: Name, node: &Node, found: &mut Diagnostics) -> Option<Table> {
    super::check_name(&name, "table", found);
    let mut keys = Keys::new(node, format!("the table `{}`", name.value), found)?;
    let description = keys.words("description", found);
    let key = keys.texts("key", found).unwrap_or_default();
    let duplicates = keys
        .choice("duplicates", &[("first", Duplicates::First), ("last", Duplicates::Last), ("none", Duplicates::None)], found)
        .map_or(Duplicates::None, |s| s.value);
    let foreign_keys = match keys.take("foreign_keys") {
        Some(Node { value: Value::List(items), .. }) => items.iter().filter_map(|n| foreign_key(n, found)).collect(),
        Some(other) => {
            wrong_kind(other, "foreign_keys", "a list of foreign keys", found);
            vec![]
        }
        None => vec![],
    };
    let quarantine = keys.take("quarantine").and_then(|n| {
        let mut inner = Keys::new(n, "the quarantine threshold", found)?;
        let threshold = threshold(&mut inner, found);
        inner.finish(found);
        threshold
    });
    let fields = match keys.require("fields", found) {
        Some(node) => entries(node, "fields", found).into_iter().filter_map(|(name, n)| field(name, n, found)).map(Field::with_days).collect(),
        None => vec![],
    };
    let rules = match keys.take("rules") {
        Some(Node { value: Value::List(items), .. }) => items.iter().filter_map(|n| rule(n, found)).collect(),
        Some(other) => {
            wrong_kind(other, "rules", "a list of rules", found);
            vec![]
        }
        None => vec![],
    };
    let follow_up = match keys.take("follow_up") {
        Some(Node { value: Value::List(items), .. }) => items.iter().filter_map(|n| follow_up(n, found)).collect(),
        Some(other) => {
            wrong_kind(other, "follow_up", "a list of times and events", found);
            vec![]
        }
        None => vec![],
    };
    keys.finish(found);
    Some(Table { name, description, key, duplicates, foreign_keys, quarantine, fields, rules, follow_up })
}

/// One field with its constraints.
pub fn field(name: Name, node: &Node, found: &mut Diagnostics) -> Option<Field> {
    super::check_name(&name, "field", found);
    let mut keys = Keys::new(node, format!("the field `{}`", name.value), found)?;
    let kind = keys.require("type", found).and_then(|n| {
        let word = n.text().unwrap_or_default();
        match FieldType::ALL.iter().find(|(w, _)| *w == word) {
            Some((_, kind)) => Some(Spanned::new(*kind, n.span)),
            None => {
                found.push(
                    Diagnostic::error(code::UNKNOWN_TYPE, n.span, format!("there is no field type `{word}`"))
                        .label("not a type")
                        .suggest(word, FieldType::ALL.iter().map(|(w, _)| *w)),
                );
                None
            }
        }
    });
    let unit = keys.text("unit", found);
    let range = keys.take("range").and_then(|n| pair(n, "range", found));
    let (values, values_span, codelist_name) = match keys.take("values") {
        Some(n) => match named_codelist(n) {
            Some(name) => (vec![], Some(n.span), text(name, "codelist", found)),
            None => (code_values(n, found), Some(n.span), None),
        },
        None => (vec![], None, None),
    };
    let within = keys.texts("within", found).unwrap_or_default();
    let ordered = keys.flag("ordered", found).unwrap_or(false);
    let required = keys.flag("required", found).unwrap_or(false);
    let pattern = keys.text("pattern", found);
    let free_text = keys.flag("free_text", found).unwrap_or(false);
    let length = keys.take("length").and_then(|n| {
        let ends = pair(n, "length", found)?;
        let mut lengths = [None, None];
        for (slot, end) in lengths.iter_mut().zip(&ends.value) {
            if let Some(end) = end {
                match end.value.parse() {
                    Ok(number) => *slot = Some(number),
                    Err(_) => {
                        found.push(Diagnostic::error(code::BAD_RANGE, end.span, "a length is a whole number of characters").label("not a whole number"));
                        return None;
                    }
                }
            }
        }
        Some(Spanned::new(lengths, ends.span))
    });
    let severity = match keys.take("severity") {
        Some(n) => {
            let mut inner = Keys::new(n, "the field's severities", found)?;
            let mut map = BTreeMap::new();
            for constraint in ["required", "range", "values", "within", "pattern", "length"] {
                if let Some(severity) = inner.choice(constraint, &SEVERITIES, found) {
                    map.insert(constraint.to_owned(), severity.value);
                }
            }
            inner.finish(found);
            map
        }
        None => BTreeMap::new(),
    };
    let description = keys.words("description", found);
    let concept = keys.words("concept", found);
    keys.finish(found);
    Some(Field { name, kind: kind?, unit, range, values, values_span, codelist_name, codelist: None, within, ordered, required, pattern, free_text, length, severity, description, concept })
}

fn follow_up(node: &Node, found: &mut Diagnostics) -> Option<FollowUp> {
    let mut keys = Keys::new(node, "the follow-up", found)?;
    let time = keys.require("time", found).and_then(|n| text(n, "time", found));
    let event = keys.require("event", found).and_then(|n| text(n, "event", found));
    let description = keys.words("description", found);
    keys.finish(found);
    Some(FollowUp { time: time?, event: event?, description })
}

fn foreign_key(node: &Node, found: &mut Diagnostics) -> Option<ForeignKey> {
    let mut keys = Keys::new(node, "the foreign key", found)?;
    let fields = keys.require("fields", found).map(|n| texts(n, "fields", found));
    let references = keys.require("references", found).and_then(|n| text(n, "references", found));
    keys.finish(found);
    Some(ForeignKey { fields: fields?, references: references? })
}

fn pair(node: &Node, what: &str, found: &mut Diagnostics) -> Option<Spanned<[Option<Name>; 2]>> {
    let end = |n: &Node, found: &mut Diagnostics| if n.is_null() { Some(None) } else { text(n, what, found).map(Some) };
    match &node.value {
        Value::List(items) if items.len() == 2 => {
            Some(Spanned::new([end(&items[0], found)?, end(&items[1], found)?], node.span))
        }
        _ => {
            found.push(
                Diagnostic::error(code::BAD_RANGE, node.span, format!("`{what}` is not a range"))
                    .label(format!("expected `[lowest, highest]`, found {}", node.kind()))
                    .help("an open end is written `null`: `[0, null]`"),
            );
            None
        }
    }
}

/// `values: {codelist: NAME}` names a codelist in place of listing values.
fn named_codelist(node: &Node) -> Option<&Node> {
    match &node.value {
        Value::Map(items) => match items.as_slice() {
            [(key, value)] if key.text() == Some("codelist") && matches!(value.value, Value::Scalar { .. }) && !value.is_null() => Some(value),
            _ => None,
        },
        _ => None,
    }
}

fn code_values(node: &Node, found: &mut Diagnostics) -> Vec<CodeValue> {
    match &node.value {
        Value::Map(_) => entries(node, "values", found)
            .into_iter()
            .map(|(value, label)| CodeValue { value, label: if label.is_null() { BTreeMap::new() } else { words(label, "label", found) } })
            .collect(),
        _ => texts(node, "values", found).into_iter().map(|value| CodeValue { value, label: BTreeMap::new() }).collect(),
    }
}

