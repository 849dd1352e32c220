//! The text of an item for a cell.

use std::borrow::Cow;

use super::super::json::{Value, compact};
use super::eval::{Context, Item, decimal};

impl<'t> Context<'t> {
    /// The text of an item: a complex one as JSON, a decimal with its digits as they are written.
    pub fn cell(&self, item: &Item<'t>) -> Option<Cow<'t, str>> {
        Some(match item {
            Item::Bool(value) => truth(*value),
            Item::Number(number) => Cow::Owned(number.to_string()),
            Item::Text(text) | Item::Moment(_, text) => text.clone(),
            Item::Quantity(value, unit) => Cow::Owned(format!("{value} '{unit}'")),
            Item::Node { at, .. } => match &self.tree.node(*at)?.value {
                Value::Bool(value) => truth(*value),
                Value::Number(text) => number(text),
                Value::Text(text) => Cow::Borrowed(text),
                Value::Object if !self.is_beside(*at) => compact(self.tree.raw(*at)),
                Value::Object | Value::Array | Value::Null => return None,
            },
        })
    }

    /// The texts of all items as a JSON array.
    pub fn list(&self, items: &[Item<'t>]) -> String {
        let mut list = String::from("[");
        for item in items {
            let before = list.len();
            if before > 1 {
                list.push(',');
            }
            match item {
                Item::Node { at, .. } if self.is_beside(*at) => list.push_str("null"),
                Item::Node { at, .. } => list.push_str(&compact(self.tree.raw(*at))),
                Item::Bool(_) | Item::Number(_) => list.push_str(&self.cell(item).unwrap_or_default()),
                Item::Text(_) | Item::Moment(..) | Item::Quantity(..) => quote(&self.cell(item).unwrap_or_default(), &mut list),
            }
        }
        list.push(']');
        list
    }
}

fn truth(value: bool) -> Cow<'static, str> {
    Cow::Borrowed(if value { "true" } else { "false" })
}

/// As written, but without an exponent.
fn number(text: &str) -> Cow<'_, str> {
    match text.contains(['e', 'E']) {
        true => decimal(text).map_or(Cow::Borrowed(text), |number| Cow::Owned(number.to_string())),
        false => Cow::Borrowed(text),
    }
}

/// RFC 8259, section 7.
fn quote(text: &str, list: &mut String) {
    list.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => list.extend(['\\', c]),
            '\n' => list.push_str("\\n"),
            '\r' => list.push_str("\\r"),
            '\t' => list.push_str("\\t"),
            c if c < ' ' => list.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => list.push(c),
        }
    }
    list.push('"');
}
