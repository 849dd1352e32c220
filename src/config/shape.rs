//! Shapes, as written: the steps between the sources and the tables of a mapping.

use super::mapping::OnError;
use super::read::{Keys, Name, Spanned, entries, texts, wrong_kind};
use super::yaml::{Node, Value};
use crate::diagnostic::{Diagnostics, Span};

/// Rows made of the rows of sources and of other shapes. What is written is done in this order: `from`, the one
/// operation, `derive`, `filter`, `take`.
#[derive(Debug, Clone)]
pub struct Shape {
    pub name: Name,
    /// A source or shape; of several the rows one after the other.
    pub from: Vec<Name>,
    pub on_error: Option<Spanned<OnError>>,
    /// What is none of the other keys: operations, with their arguments.
    pub operations: Vec<(Name, Node)>,
    pub derive: Vec<(Name, Node)>,
    pub filters: Vec<(Name, Node)>,
    pub take: Option<Vec<Taken>>,
}

/// A column that is taken, and how it is called from there on.
#[derive(Debug, Clone)]
pub struct Taken {
    pub column: Name,
    pub called: Name,
}

/// Reads the `shapes:` of a mapping.
pub fn read(node: &Node, found: &mut Diagnostics) -> Vec<Shape> {
    entries(node, "shapes", found).into_iter().filter_map(|(name, n)| shape(name, n, found)).collect()
}

fn shape(name: Name, node: &Node, found: &mut Diagnostics) -> Option<Shape> {
    super::check_name(&name, "shape", found);
    let mut keys = Keys::new(node, format!("the shape `{}`", name.value), found)?;
    let from = keys.require("from", found).map_or(vec![], |n| texts(n, "from", found));
    if from.is_empty()
        && let Some(node) = keys.peek("from").filter(|n| matches!(&n.value, Value::List(items) if items.is_empty()))
    {
        wrong_kind(node, "from", "a source or shape, or several", found);
    }
    let on_error = keys.choice("on_error", &OnError::WORDS, found);
    let named = |n: Option<&Node>, what, found: &mut Diagnostics| -> Vec<(Name, Node)> {
        n.map_or(vec![], |n| entries(n, what, found).into_iter().map(|(name, n)| (name, n.clone())).collect())
    };
    let derive = named(keys.take("derive"), "derive", found);
    let filters = named(keys.take("filter"), "filter", found);
    filters.iter().for_each(|(name, _)| {
        super::check_name(name, "filter", found);
    });
    let take = keys.take("take").map(|n| taken(n, "take", found));
    let operations = keys.rest().into_iter().map(|(key, value)| (key, value.clone())).collect();
    Some(Shape { name, from, on_error, operations, derive, filters, take })
}

/// `[a, b]`, or `{new: a}`.
pub fn taken(node: &Node, what: &str, found: &mut Diagnostics) -> Vec<Taken> {
    match &node.value {
        Value::Map(_) => {
            let one = |(called, n): (Name, &Node), found: &mut Diagnostics| match n.text() {
                Some(text) if !n.is_null() => {
                    super::check_name(&called, "column", found);
                    Some(Taken { column: Spanned::new(text.to_owned(), n.span), called })
                }
                _ => {
                    wrong_kind(n, what, "the name of a column", found);
                    None
                }
            };
            entries(node, what, found).into_iter().filter_map(|entry| one(entry, found)).collect()
        }
        _ => texts(node, what, found).into_iter().map(|name| Taken { called: name.clone(), column: name }).collect(),
    }
}

impl Shape {
    /// Where its name stands.
    pub fn span(&self) -> Span {
        self.name.span
    }

    /// Whether it does nothing to the rows of its operation but to name columns.
    pub fn is_plain(&self) -> bool {
        self.derive.is_empty() && self.filters.is_empty()
    }
}
