//! Shapes: rows made of the rows of sources and of other shapes, before a table's fields are derived.
//!
//! An [`Operation`] is one key of a shape (`join`, `pivot`, …) with how it is checked; its [`Operator`]
//! does the work over Arrow batches. One operation a file; [`REGISTRY`] has one line each.
//!
//! Operations of one kind change rows as they pass (`unpivot`, `explode`). The others need all rows of
//! a key together (`join`, `pivot`, `group`, `deduplicate`): the rows of each side are written into
//! buckets by the hash of their key ([`store`]), and the operator is handed one bucket of each side at a
//! time ([`scan`]), so what it holds does not grow with the data. The number of buckets depends on the
//! bytes of the sources alone: rows and their order are the same however many of them are worked on at once.
//!
//! No row is lost: an operator counts the fate of every row of every side ([`Fates`]), and the run
//! proves that they add up. What a row is to be refused for is a [`Mark`], a check of the next step.

mod deduplicate;
mod explode;
mod group;
mod join;
mod pivot;
pub mod scan;
pub mod store;
mod unpivot;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, RecordBatch, UInt32Array, new_null_array};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::{Decimal128Type, Field, Schema, SchemaRef};
use datafusion::common::{Result, internal_datafusion_err};

use crate::config::Name;
use crate::config::mapping::OnError;
use crate::config::read::{Keys, entries, text, texts};
use crate::config::yaml::{Node, Value};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Span, code};
use crate::rule::Effect;
use crate::transform::derive::raw_column;
use crate::transform::{Column, Kind};

/// One operation of a shape.
pub struct Operation {
    /// The YAML key.
    pub key: &'static str,
    /// Whether all rows of a key must come together.
    pub meets: bool,
    /// What can become of a row ([`Fates`]), in English and French.
    pub fates: &'static [[&'static str; 2]],
    /// One sentence for the reference.
    pub summary: &'static str,
    /// A shape that uses it.
    pub example: &'static str,
    /// Checks the arguments; `None` after a finding.
    pub lower: fn(&mut Lower<'_>, &Node) -> Option<Lowered>,
}

/// Every operation.
pub static REGISTRY: &[&Operation] = &[&join::JOIN, &pivot::PIVOT, &unpivot::UNPIVOT, &explode::EXPLODE, &group::GROUP, &deduplicate::DEDUPLICATE];

/// A fate in French.
pub fn in_french(fate: &str) -> Option<&'static str> {
    REGISTRY.iter().flat_map(|o| o.fates).find(|[english, _]| *english == fate).map(|[_, french]| *french)
}

/// Does an operation's work.
pub trait Operator: fmt::Debug + Send + Sync {
    /// Makes rows of the rows of each side: all of a bucket where keys meet, else those of a batch. What comes out has
    /// the columns of the operation ([`Lowered::columns`]), [`PLACE`], and the marks.
    ///
    /// # Errors
    /// When a column that the check has promised is absent.
    fn run(&self, sides: &[RecordBatch], fates: &mut Fates) -> Result<RecordBatch>;
}

/// Where a row stands in its source: file (place among the table's), row and byte.
pub const PLACE: [&str; 3] = ["_file", "_row", "_byte"];
/// The hash of a row's key; missing where a part of the key is.
pub const KEY: &str = "_key";

/// An operation, checked.
pub struct Lowered {
    pub operator: Arc<dyn Operator>,
    pub sides: Vec<Side>,
    /// The columns it gives.
    pub columns: Vec<Column>,
    pub marks: Vec<Mark>,
}

/// The rows of one side of an operation.
#[derive(Debug, Clone)]
pub struct Side {
    /// Another source or shape; `None`: what the shape is `from`.
    pub of: Option<Name>,
    /// Columns by which rows meet.
    pub key: Vec<String>,
    /// Columns that come along as they are.
    pub carried: Vec<String>,
    /// Columns that also come cleaned (see [`cleaned`]): trimmed, missing where the source says so.
    pub cleaned: Vec<String>,
}

/// What a row made by an operation may be refused, left out or stopped for: a Boolean column.
#[derive(Debug, Clone)]
pub struct Mark {
    /// `m:…`
    pub column: String,
    pub code: Code,
    pub rule: String,
    pub effect: Effect,
    /// For people.
    pub condition: String,
}

/// What became of the rows of each side, counted.
#[derive(Debug, Default)]
pub struct Fates(pub BTreeMap<(usize, &'static str), usize>);

impl Fates {
    pub fn add(&mut self, side: usize, fate: &'static str, rows: usize) {
        *self.0.entry((side, fate)).or_default() += rows;
    }
}

/// What checking an operation may ask.
pub struct Lower<'a> {
    /// The shape's name.
    pub shape: &'a Name,
    /// The key of the operation.
    pub span: Span,
    /// The columns of what the shape is `from`.
    pub from: &'a [Column],
    pub on_error: Option<OnError>,
    /// The columns of another source or shape.
    pub other: &'a mut dyn FnMut(&Name, &mut Diagnostics) -> Option<Vec<Column>>,
    pub found: &'a mut Diagnostics,
}

impl Lower<'_> {
    /// The keys of the operation's argument.
    pub fn keys<'n>(&mut self, node: &'n Node) -> Option<Keys<'n>> {
        Keys::new(node, format!("the shape `{}`", self.shape.value), self.found)
    }

    /// A column of one side; a finding where there is none.
    pub fn column(&mut self, columns: &[Column], name: &Name) -> Option<Column> {
        self.column_of_side(columns, name, "not a column of these rows")
    }

    fn column_of_side(&mut self, columns: &[Column], name: &Name, label: &str) -> Option<Column> {
        let column = columns.iter().find(|c| c.name == name.value).cloned();
        if column.is_none() {
            self.found.push(
                Diagnostic::error(code::UNKNOWN_COLUMN, name.span, format!("there is no column `{}`", name.value))
                    .label(label)
                    .suggest(&name.value, columns.iter().map(|c| c.name.as_str())),
            );
        }
        column
    }

    /// A column of a kind; a finding where it is of another.
    pub fn column_of(&mut self, columns: &[Column], name: &Name, kinds: &[Kind], wanted: &str) -> Option<Column> {
        let column = self.column(columns, name)?;
        if kinds.contains(&column.kind) {
            return Some(column);
        }
        let help = format!("derive it in a shape of its own: `derive: {{{}: {{type: …, from: {}}}}}`", name.value, name.value);
        self.wrong(name.span, format!("`{}` is {}", name.value, column.kind.words()), format!("expected {wanted}"), Some(help));
        None
    }

    /// A column whose values have an order; a finding for a source's own text, in which 10 comes before 9 and the year last.
    pub fn ordered(&mut self, columns: &[Column], name: &Name) -> Option<Column> {
        let column = self.column(columns, name)?;
        if column.kind != Kind::Text || column.locale.is_none() {
            return Some(column);
        }
        let help = format!("say what it is: `derive: {{{}: {{type: date}}}}` in a shape, or `type: text` if letters decide", name.value);
        self.wrong(name.span, format!("`{}` is a text as it was read", name.value), "as texts, 10 comes before 9", Some(help));
        None
    }

    /// The columns by which rows of two sides meet: `NIP`, `[NIP, TUMEUR]`, or `{NIP: patient}` where the other side has
    /// other names.
    pub fn pairs(&mut self, node: &Node, what: &str) -> Vec<(Name, Name)> {
        match &node.value {
            Value::Map(_) => entries(node, what, self.found).into_iter().filter_map(|(a, n)| Some((a, text(n, what, self.found)?))).collect(),
            _ => texts(node, what, self.found).into_iter().map(|name| (name.clone(), name)).collect(),
        }
    }

    /// A column of each side that can be equal; a finding where they are of different kinds.
    pub fn meet(&mut self, mine: &Name, others: &[Column], theirs: &Name) -> Option<()> {
        let one = self.column_of_side(self.from, mine, "not a column of the rows that the shape is `from`")?;
        let other = self.column_of_side(others, theirs, "not a column of the other side")?;
        if one.kind == other.kind {
            return Some(());
        }
        let message = format!("`{}` is {}, and `{}` is {}", mine.value, one.kind.words(), theirs.value, other.kind.words());
        self.found.push(Diagnostic::error(code::JOIN_KINDS, theirs.span, message).label("they would never be equal").help("derive one of them in a shape, in the other's type"));
        None
    }

    /// Rows meet by something; a finding where no column is named.
    pub fn some<T>(&mut self, names: &[T], span: Span) -> Option<()> {
        if names.is_empty() {
            self.wrong(span, "no column is named by which rows belong together", "expected a column, or several", None);
        }
        (!names.is_empty()).then_some(())
    }

    /// Reports an argument that cannot be.
    pub fn wrong(&mut self, span: Span, message: impl Into<String>, label: impl Into<String>, help: Option<String>) {
        let finding = Diagnostic::error(code::SHAPE_ARGUMENT, span, message).label(label);
        self.found.push(match help {
            Some(help) => finding.help(help),
            None => finding,
        });
    }

    /// Reports names that several columns would have.
    pub fn each_once(&mut self, columns: &[Column], spans: &[(String, Span)]) -> Option<()> {
        for (at, column) in columns.iter().enumerate() {
            if columns.iter().take(at).any(|c| c.name == column.name) {
                let span = spans.iter().find(|(name, _)| *name == column.name).map_or(self.span, |(_, span)| *span);
                self.wrong(span, format!("two columns would be called `{}`", column.name), "give it another name", Some(format!("`{{new_name: {}}}`", column.name)));
                return None;
            }
        }
        Some(())
    }
}

/// Names of all columns.
pub fn names(columns: &[Column]) -> Vec<String> {
    columns.iter().map(|c| c.name.clone()).collect()
}

/// How a side's cleaned column is called.
pub fn cleaned(name: &str) -> String {
    format!("t:{name}")
}

/// A column of a side, by its full name.
pub fn get<'b>(batch: &'b RecordBatch, name: &str) -> Result<&'b ArrayRef> {
    batch.column_by_name(name).ok_or_else(|| internal_datafusion_err!("a shape's rows lack the column {name}"))
}

/// The hashes of the rows' keys.
pub fn keys(batch: &RecordBatch) -> Result<&Decimal128Array> {
    get(batch, KEY)?.as_primitive_opt::<Decimal128Type>().ok_or_else(|| internal_datafusion_err!("a shape's key is no hash"))
}

/// The hash of a row's key, where it has one.
pub fn key_at(keys: &Decimal128Array, row: usize) -> Option<i128> {
    keys.is_valid(row).then(|| keys.value(row))
}

/// Rows that come out, column by column.
#[derive(Default)]
pub struct Output {
    fields: Vec<Field>,
    columns: Vec<ArrayRef>,
}

impl Output {
    pub fn push(&mut self, name: impl Into<String>, column: ArrayRef) {
        self.fields.push(Field::new(name.into(), column.data_type().clone(), true));
        self.columns.push(column);
    }

    /// Columns of a side as they are, at some of its rows; without `rows`, at all.
    pub fn carry(&mut self, batch: &RecordBatch, names: impl IntoIterator<Item = String>, rows: Option<&UInt32Array>) -> Result<()> {
        for name in names {
            let column = get(batch, &name)?;
            let column = match rows {
                Some(rows) => take(column, rows, None)?,
                None => Arc::clone(column),
            };
            self.push(name, column);
        }
        Ok(())
    }

    /// Like [`Output::carry`] for columns of the source or shape, and [`PLACE`].
    pub fn carry_rows(&mut self, batch: &RecordBatch, columns: &[String], rows: Option<&UInt32Array>) -> Result<()> {
        self.carry(batch, columns.iter().map(|c| raw_column(c)), rows)?;
        self.carry(batch, PLACE.map(str::to_owned), rows)
    }

    pub fn finish(self) -> Result<RecordBatch> {
        Ok(RecordBatch::try_new(Arc::new(Schema::new(self.fields)), self.columns)?)
    }
}

/// A side's rows with exactly these columns: what a batch lacks is missing there.
pub fn aligned(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let column = |field: &Arc<Field>| match batch.column_by_name(field.name()) {
        Some(column) => Arc::clone(column),
        None => new_null_array(field.data_type(), batch.num_rows()),
    };
    Ok(RecordBatch::try_new(Arc::clone(schema), schema.fields().iter().map(column).collect())?)
}

/// A list of rows of one side: by key the first, and from each row to the next of its key.
pub struct Chains {
    first: std::collections::HashMap<i128, (u32, u32), foldhash::fast::FixedState>,
    next: Vec<u32>,
}

impl Chains {
    pub const END: u32 = u32::MAX;

    /// Of the rows that have a key.
    pub fn new(keys: &Decimal128Array) -> Chains {
        let mut chains = Chains { first: std::collections::HashMap::with_capacity_and_hasher(keys.len(), Default::default()), next: vec![Chains::END; keys.len()] };
        for row in 0..keys.len() {
            let Some(key) = key_at(keys, row) else { continue };
            let at = row as u32;
            match chains.first.entry(key) {
                std::collections::hash_map::Entry::Vacant(entry) => {
                    entry.insert((at, at));
                }
                std::collections::hash_map::Entry::Occupied(mut entry) => {
                    let last = std::mem::replace(&mut entry.get_mut().1, at);
                    if let Some(next) = chains.next.get_mut(last as usize) {
                        *next = at;
                    }
                }
            }
        }
        chains
    }

    /// The rows of a key, in their order.
    pub fn rows(&self, key: Option<i128>) -> impl Iterator<Item = usize> + '_ {
        let first = key.and_then(|key| self.first.get(&key)).map_or(Chains::END, |(first, _)| *first);
        let following = |at: &u32| self.next.get(*at as usize).copied().filter(|next| *next != Chains::END);
        std::iter::successors(Some(first).filter(|first| *first != Chains::END), following).map(|at| at as usize)
    }
}
