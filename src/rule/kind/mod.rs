//! Named kinds of rules: what is asked so often that it has a word of its own.
//!
//! A kind is one file: its word under a category, what it is told, and what it comes to. Most come to a
//! condition of each row in SQL ([`Asks::Row`]), as somebody could have written it. Some need the rows of a
//! table together, or those of another table ([`Asks::Rows`]), and some all values of a field at once
//! ([`Asks::Values`]); these are judged when the rows have been accepted. [`KINDS`] has one line each.

mod across;
mod checksum;
mod each_period;
mod filled;
mod followed;
mod heaped;
mod one_unit;
mod one_value;
mod order;
mod range_by;
mod reference;
mod rows_per;
mod stable;
mod unique_by;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::config::read::{Keys, Name, text, texts};
use crate::config::rule::{Limit, Rule, RuleCategory, Threshold};
use crate::config::schema::{Field, FieldType, Schema, Table};
use crate::config::yaml::{Node, Value};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, code};

/// A kind of rule.
pub struct Kind {
    /// The word under the category.
    pub name: &'static str,
    pub category: RuleCategory,
    /// The check of the OHDSI Data Quality Dashboard (version 2) that asks the same, where there is one.
    pub dqd: Option<&'static str>,
    /// Whether it is judged when the rows have been accepted.
    pub later: bool,
    /// One sentence for the reference.
    pub summary: &'static str,
    pub example: &'static str,
    /// Reads what the rule is told; `None` after a finding.
    pub read: fn(&mut Told<'_>) -> Option<Asks>,
}

/// Every kind.
pub static KINDS: &[&Kind] = &[
    &checksum::KIND,
    &rows_per::KIND,
    &filled::KIND,
    &followed::KIND,
    &each_period::KIND,
    &order::KIND,
    &range_by::KIND,
    &reference::KIND,
    &across::KIND,
    &unique_by::KIND,
    &heaped::KIND,
    &one_value::KIND,
    &one_unit::KIND,
    &stable::KIND,
];

/// What a rule comes to.
#[derive(Debug, Clone)]
pub enum Asks {
    /// A condition of each row over the table's fields: true conforms, false violates, null does not apply.
    Row { holds: String, field: Option<String> },
    Rows(Rows),
    Values(Values),
}

impl Asks {
    /// The fields that it looks at when the rows have been accepted.
    pub fn needs(&self) -> Option<&Needs> {
        match self {
            Asks::Row { .. } => None,
            Asks::Rows(rows) => Some(&rows.needs),
            Asks::Values(values) => Some(&values.needs),
        }
    }
}

/// Rows that are judged by other rows.
#[derive(Debug, Clone)]
pub struct Rows {
    /// Fields that are looked at, by table.
    pub needs: Needs,
    /// A condition over the rule's own table: the rows to which it applies.
    pub applies: String,
    /// A SELECT of the [`PLACE`] of each row that violates it, once.
    pub violating: String,
    pub field: Option<String>,
}

/// Fields by table.
pub type Needs = BTreeMap<String, Vec<String>>;

/// Columns that say which row it is, beside the fields that are looked at: the run that fills the table and two numbers that no
/// other of its rows has; file, row and byte where it stands; and the hash of its key. `_site` is there too.
pub const PLACE: [&str; 7] = ["_run", "_unit", "_at", "_file", "_row", "_byte", "_id"];

/// All values of a field at once.
#[derive(Debug, Clone)]
pub struct Values {
    pub needs: Needs,
    pub field: String,
    /// An expression whose values are counted for each site; null does not count.
    pub value: String,
    /// Whether the values of an earlier run are wanted too.
    pub earlier: bool,
    pub judge: Arc<dyn Judge>,
}

/// Judges the values of a field, site by site.
pub trait Judge: fmt::Debug + Send + Sync {
    /// One verdict for each site, in their order. `before` has what an earlier run accepted, where there is one.
    fn judge(&self, sites: &[Counts], before: Option<&[Counts]>) -> Vec<Verdict>;
}

/// How often a site has each value; ascending.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    pub site: String,
    pub values: Vec<(Datum, u64)>,
}

/// A value that is counted: a number (a date in days from 1970-01-01), or a text.
#[derive(Debug, Clone, PartialEq)]
pub enum Datum {
    Number(f64),
    Text(String),
}

impl Counts {
    /// Rows with a value.
    pub fn rows(&self) -> u64 {
        self.values.iter().map(|(_, n)| n).sum()
    }

    /// The values that are numbers.
    pub fn numbers(&self) -> impl Iterator<Item = (f64, u64)> {
        self.values.iter().filter_map(|(value, n)| match value {
            Datum::Number(number) => Some((*number, *n)),
            Datum::Text(_) => None,
        })
    }
}

/// What was found at a site.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// Where it is about rows and misses, they are counted as they are found.
    pub violated: u64,
    pub denominator: u64,
    /// Whether it is more than is allowed.
    pub misses: bool,
    pub measure: Option<Measured>,
    /// A condition over the table's fields: the rows that it is about. None where it is about no rows.
    pub rows: Option<String>,
}

/// A number that a site was judged by.
#[derive(Debug, Clone)]
pub struct Measured {
    pub en: &'static str,
    pub fr: &'static str,
    pub value: f64,
    pub limit: Option<f64>,
}

/// What a rule is told, with what it is about.
pub struct Told<'a> {
    pub word: &'a Name,
    pub node: &'a Node,
    pub rule: &'a Rule,
    pub table: &'a Table,
    pub schema: &'a Schema,
    pub found: &'a mut Diagnostics,
}

impl<'a> Told<'a> {
    /// The keys of what it is told.
    pub fn keys(&mut self) -> Option<Keys<'a>> {
        Keys::new(self.node, format!("`{}`", self.word.value), self.found)
    }

    /// Something that is not as the kind wants it.
    pub fn wrong(&mut self, span: Span, message: impl Into<String>, label: impl Into<String>) {
        self.found.push(Diagnostic::error(code::RULE_ARGUMENT, span, message).label(label));
    }

    /// A field of the rule's table.
    pub fn field(&mut self, name: &Name) -> Option<&'a Field> {
        let table = self.table;
        self.field_of(table, name)
    }

    /// A field of a table.
    pub fn field_of(&mut self, table: &'a Table, name: &Name) -> Option<&'a Field> {
        let field = table.fields.iter().find(|f| f.name.value == name.value);
        if field.is_none() {
            self.found.push(
                Diagnostic::error(code::RULE_FIELD, name.span, format!("the table `{}` has no field `{}`", table.name.value, name.value))
                    .label("unknown name")
                    .suggest(&name.value, table.fields.iter().map(|f| f.name.value.as_str())),
            );
        }
        field
    }

    /// The field that a key names, of one of some types.
    pub fn field_at(&mut self, keys: &mut Keys<'a>, key: &'static str, types: &[FieldType]) -> Option<&'a Field> {
        let name = keys.require(key, self.found).and_then(|n| text(n, key, self.found))?;
        let field = self.field(&name)?;
        self.is_one_of(field, &name, types).then_some(field)
    }

    /// Whether a field is of one of some types; else a finding.
    pub fn is_one_of(&mut self, field: &Field, name: &Name, types: &[FieldType]) -> bool {
        let fits = types.contains(&field.kind.value);
        if !fits {
            let words: Vec<&str> = types.iter().map(|t| t.word()).collect();
            self.wrong(name.span, format!("`{}` is of type `{}`", name.value, field.kind.value.word()), format!("`{}` is for {}", self.word.value, words.join(", ")));
        }
        fits
    }

    /// Another table of the schema.
    pub fn other(&mut self, name: &Name) -> Option<&'a Table> {
        let schema = self.schema;
        let table = schema.tables.iter().find(|t| t.name.value == name.value);
        if table.is_none() {
            self.found.push(
                Diagnostic::error(code::RULE_FIELD, name.span, format!("the schema has no table `{}`", name.value)).label("unknown name").suggest(&name.value, schema.tables.iter().map(|t| t.name.value.as_str())),
            );
        }
        table
    }

    /// A number that a key says.
    pub fn number(&mut self, keys: &mut Keys<'a>, key: &'static str) -> Option<f64> {
        let node = keys.take(key)?;
        self.number_of(node, key)
    }

    /// A scalar as a number.
    pub fn number_of(&mut self, node: &Node, what: &str) -> Option<f64> {
        let number = node.text().and_then(|t| t.trim().parse::<f64>().ok()).filter(|n| n.is_finite());
        if number.is_none() {
            self.wrong(node.span, format!("`{what}` is a number"), format!("found {}", node.kind()));
        }
        number
    }

    /// A list of maps, each of which says `where` it holds.
    pub fn cases(&mut self, keys: &mut Keys<'a>, key: &'static str) -> Option<Vec<&'a Node>> {
        match keys.require(key, self.found) {
            Some(Node { value: Value::List(items), .. }) if !items.is_empty() => Some(items.iter().collect()),
            Some(other) => {
                self.wrong(other.span, format!("`{key}` is a list"), format!("found {}", other.kind()));
                None
            }
            None => None,
        }
    }

    /// Some fields, of one name or a list.
    pub fn fields(&mut self, node: &'a Node, what: &str) -> Option<Vec<&'a Field>> {
        let names = texts(node, what, self.found);
        let fields: Vec<Option<&Field>> = names.iter().map(|name| self.field(name)).collect();
        fields.into_iter().collect()
    }

    /// A threshold of the rule makes no sense for it.
    pub fn no_threshold(&mut self) {
        if let Some(threshold) = &self.rule.threshold {
            let span = threshold.span;
            self.wrong(span, format!("`{}` has a limit of its own", self.word.value), "not here");
        }
    }

    /// The share of rows that the rule allows, or `usual`.
    pub fn most(&mut self, usual: f64) -> f64 {
        match &self.rule.threshold {
            Some(Threshold { limit: Limit::Share(share), least: false, .. }) => *share,
            Some(other) => {
                let span = other.span;
                self.wrong(span, format!("`{}` allows a share of the rows", self.word.value), "expected `at_most: 5 %`");
                usual
            }
            None => usual,
        }
    }
}

/// A name in SQL.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// What a table needs of one field.
pub fn need(table: &Table, fields: &[&Field]) -> Needs {
    Needs::from([(table.name.value.clone(), fields.iter().map(|f| f.name.value.clone()).collect())])
}

/// The kind of a name, in a category.
pub fn kind_of(category: RuleCategory, name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|k| k.category == category && k.name == name).copied()
}

/// Reads what a rule of a named kind asks.
pub fn read(rule: &Rule, word: &Name, node: &Node, table: &Table, schema: &Schema, found: &mut Diagnostics) -> Option<Asks> {
    let Some(kind) = kind_of(rule.category, &word.value) else {
        let names = KINDS.iter().filter(|k| k.category == rule.category).map(|k| k.name);
        let elsewhere = KINDS.iter().find(|k| k.name == word.value).map(|k| format!("`{}` belongs under `{}`", k.name, k.category.word()));
        let finding = Diagnostic::error(code::RULE_KIND, word.span, format!("there is no kind of rule `{}` under `{}`", word.value, rule.category.word())).label("not known here");
        found.push(match elsewhere {
            Some(help) => finding.help(help),
            None => finding.suggest(&word.value, names),
        });
        return None;
    };
    let before = found.items.len();
    let asks = (kind.read)(&mut Told { word, node, rule, table, schema, found });
    asks.filter(|_| found.items.len() == before)
}
