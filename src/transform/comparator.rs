//! Numbers with a comparator: what is done with it, and which it was.

use datafusion::logical_expr::Expr;

use super::derive::names_of;
use super::{Derive, Kind, Role, Transform, Typed, number, unit};
use crate::config::read::choice;
use crate::config::schema::FieldType;
use crate::diagnostic::{Diagnostic, code};

const WORDS: [(&str, bool); 2] = [("refuse", false), ("drop", true)];

pub static COMPARATOR: Transform = Transform {
    key: "comparator",
    role: Role::Companion,
    fallible: false,
    summary: "What a number such as `<0,1` does: `refuse` (default: it cannot be read) or `drop` (0.1 is the value; `comparator_of` keeps the `<`).",
    example: "{from: PSA, comparator: drop}",
    lower: |d, node| {
        choice(node, "comparator", &WORDS, d.found)?;
        if !d.field.kind.value.is_number() && d.entry("bins").is_none() {
            d.wrong_type("comparator", node.span, "numbers");
            return None;
        }
        if let Some(other) = ["interval", "map", "match", "sql", "value", "age_at"].into_iter().find(|word| d.entry(word).is_some()) {
            d.clash(node.span, format!("`comparator` has no place beside `{other}`: it is for numbers that are read from a cell"));
            return None;
        }
        Some(())
    },
};

/// What the number is read from: the cell, or what is left of it where comparators are dropped.
pub fn number_text(d: &mut Derive<'_>, cell: Expr) -> Option<Expr> {
    let drop = d.argument("comparator").and_then(|node| WORDS.iter().find(|(word, _)| node.text() == Some(*word))).is_some_and(|(_, drop)| *drop);
    Some(if drop { without(d, cell) } else { cell })
}

fn without(d: &mut Derive<'_>, cell: Expr) -> Expr {
    let hint = format!("w:{}", d.column.as_ref().unwrap_or(&d.field.name.value));
    let rest = d.call("without_comparator", vec![cell]);
    d.definitions.define(&hint, Kind::Text, rest)
}

pub static COMPARATOR_OF: Transform = Transform {
    key: "comparator_of",
    role: Role::Origin,
    fallible: true,
    summary: "The comparator of the number in a column: `<`, `<=`, `>`, `>=`, or `=` where it has none.",
    example: "{comparator_of: PSA}",
    lower: |d, node| {
        let names = names_of(node, "comparator_of", d.found)?;
        let name = names.first()?;
        if !matches!(d.field.kind.value, FieldType::Code | FieldType::Text) {
            d.wrong_type("comparator_of", node.span, "codes and texts");
            return None;
        }
        let Typed { expr: cell, kind: Kind::Text } = d.reference(name)? else {
            d.found.push(Diagnostic::error(code::FIELD_TYPE, name.span, format!("`{}` is a number already", name.value)).label("the column that it is read from is wanted"));
            return None;
        };
        let own = d.argument("number");
        let marks = number::marks(d, own)?;
        let rest = without(d, cell.clone());
        let read = number::parse(d, "parse_number", rest, marks, unit::NONE);
        d.fallible(&format!("n:{}", name.value), read, Kind::Number, cell.clone(), code::PARSE, "parse");
        let read = d.value.take()?.expr;
        let expr = d.call("comparator", vec![cell, read]);
        let expr = d.definitions.define(&format!("s:{}", name.value), Kind::Text, expr);
        d.value = Some(Typed { expr, kind: Kind::Text });
        Some(())
    },
};
