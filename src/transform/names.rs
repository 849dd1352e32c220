//! What a name stands for in a derivation: a column, or a field of the table.

use std::sync::Arc;

use super::derive::Kind;
use crate::config::mapping::Locale;
use crate::config::schema::Field;

/// A column of a shape.
#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
    /// How its text is to be read, where it is a source's own.
    pub locale: Option<Arc<Locale>>,
    /// The source (place among the table's) and its column, where it is one as it was read.
    pub origin: Option<(usize, String)>,
}

impl Column {
    /// A column that an operation makes.
    pub fn made(name: &str, kind: Kind) -> Column {
        Column { name: name.to_owned(), kind, locale: None, origin: None }
    }

    /// Whether texts of both columns can stand in one: they are read in the same way, or are no texts of a source.
    pub fn reads_like(&self, other: &Column) -> bool {
        match (&self.locale, &other.locale) {
            (Some(mine), Some(theirs)) => Arc::ptr_eq(mine, theirs) || mine.reads_like(theirs),
            _ => self.kind != Kind::Text || self.locale.is_none() == other.locale.is_none(),
        }
    }

    /// The same column under another name.
    pub fn called(&self, name: &str) -> Column {
        Column { name: name.to_owned(), ..self.clone() }
    }
}

/// The names an expression may use.
pub struct Names<'a> {
    /// The source's header; `None` when it could not be read (then every name is taken on trust).
    pub columns: Option<&'a [String]>,
    /// The same columns where they are those of a shape: what they hold, and how it is read.
    pub shaped: &'a [Column],
    pub fields: &'a [Field],
    pub table: &'a str,
    /// Whether it is a shape: what is derived stands there for a table's fields.
    pub in_shape: bool,
}

/// What a name stands for.
pub enum Named<'a> {
    Column(String),
    Field(&'a Field),
}

impl<'a> Names<'a> {
    /// A column wins over a field of the same name.
    pub fn find(&self, name: &str) -> Option<Named<'a>> {
        match self.columns {
            Some(columns) if columns.iter().any(|c| c == name) => Some(Named::Column(name.to_owned())),
            _ => match self.fields.iter().find(|f| f.name.value == name) {
                Some(field) => Some(Named::Field(field)),
                None if self.columns.is_none() => Some(Named::Column(name.to_owned())),
                None => None,
            },
        }
    }

    /// What a column holds: text, if it is a source's own.
    pub fn kind(&self, column: &str) -> Kind {
        self.shaped.iter().find(|c| c.name == column).map_or(Kind::Text, |c| c.kind)
    }

    /// How a shape's column of text is to be read.
    pub fn locale(&self, column: &str) -> Option<&'a Locale> {
        self.shaped.iter().find(|c| c.name == column).and_then(|c| c.locale.as_deref())
    }
}
