//! Numbers by the source's marks, and the bounds of text intervals.

use datafusion::functions::expr_fn::coalesce;
use datafusion::logical_expr::Expr;

use super::derive::{number, optional_text, text};
use super::{Derive, Kind, Role, Transform, Typed, comparator, row_unit, unit};
use crate::config::mapping::TrueNumbers;
use crate::config::yaml::Node;
use crate::diagnostic::{Diagnostic, code};

pub static NUMBER: Transform = Transform {
    key: "number",
    role: Role::Step,
    fallible: true,
    summary: "The column's own decimal and group marks, in place of the source's.",
    example: "{from: TAILLE, number: {decimal: \",\", group: \".\"}}",
    lower: |d, node| {
        if d.entry("comparator_of").is_some() {
            // It has read them already.
            return Some(());
        }
        if !d.field.kind.value.is_number() && d.entry("bins").is_none() {
            d.wrong_type("number", node.span, "numbers");
            return None;
        }
        read(d, Some(node))
    },
};

pub static INTERVAL: Transform = Transform {
    key: "interval",
    role: Role::Step,
    fallible: true,
    summary: "The bound of a text interval such as `20-50`, `<=20` or `>50`: `lower`, `upper` or `midpoint`.",
    example: "{from: TAILLE_CLASSE, interval: midpoint}",
    lower: |d, node| {
        if !d.field.kind.value.is_number() && d.entry("bins").is_none() {
            d.wrong_type("interval", node.span, "numbers");
            return None;
        }
        const BOUNDS: [(&str, &str); 3] = [("lower", "lower"), ("upper", "upper"), ("midpoint", "midpoint")];
        let bound = crate::config::read::choice(node, "interval", &BOUNDS, d.found)?.value;
        let input = d.text_value("interval", node.span)?;
        let output = d.call("interval_bound", vec![input.clone(), text(bound), text(d.locale.decimal.to_string())]);
        // An open end has no bound, and is no mistake; a text with neither bound is.
        let side = |d: &Derive<'_>, side: &str| d.call("interval_bound", vec![input.clone(), text(side), text(d.locale.decimal.to_string())]);
        let either = coalesce(vec![side(d, "lower"), side(d, "upper")]);
        d.fallible(&format!("p:{}", d.field.name.value), either, Kind::Number, input.clone(), code::PARSE, "parse");
        let value = Typed { expr: output, kind: Kind::Number };
        d.value = Some(value.clone());
        unit::apply(d, value)
    },
};

/// The decimal and group marks: those of `own`, or else of the source.
pub fn marks(d: &mut Derive<'_>, own: Option<&Node>) -> Option<[Expr; 2]> {
    let (mut decimal, mut group) = (d.locale.decimal, d.locale.group);
    if let Some(node) = own {
        let mut keys = crate::config::read::Keys::new(node, "`number`", d.found)?;
        if let Some((mark, _)) = keys.take("decimal").and_then(|n| crate::config::mapping::character(n, "decimal", d.found)) {
            decimal = mark;
        }
        group = match keys.take("group") {
            Some(n) if n.is_null() => None,
            Some(n) => crate::config::mapping::character(n, "group", d.found).map(|m| m.0),
            None => group.filter(|g| *g != decimal),
        };
        keys.finish(d.found);
        if group == Some(decimal) || decimal.is_ascii_digit() || group.is_some_and(|g| g.is_ascii_digit()) {
            d.found.push(
                Diagnostic::error(code::NUMBER_MARKS, node.span, "the marks cannot be told apart").label("decimal and group mark differ, and neither is a digit"),
            );
            return None;
        }
        // `2.375` of a true number would be read as thousands.
        let mark = d.locale.decimal;
        if d.locale.numbers != TrueNumbers::None && group == Some(mark) {
            let help = match d.locale.numbers {
                TrueNumbers::Apart => "a column of texts with such marks is read by `sql`: `replace(replace(COLUMN, '.', ''), ',', '.')`".to_owned(),
                _ => format!("say it of the source: `decimal: \"{decimal}\"`, and `group` with it; its true numbers are written with that mark then"),
            };
            d.found.push(
                Diagnostic::error(code::NUMBER_MARKS, node.span, format!("true numbers of this source are written with `{mark}`, which would be their group mark"))
                    .label(format!("`{mark}` stands in numbers here"))
                    .help(help),
            );
            return None;
        }
    }
    Some([text(decimal.to_string()), optional_text(group.map(String::from))])
}

/// A call of `parse_number` or `parse_integer`.
pub fn parse(d: &Derive<'_>, function: &str, input: Expr, [decimal, group]: [Expr; 2], factor: unit::Factor) -> Expr {
    let factor = [factor.numerator, factor.denominator, factor.offset].map(|n| number(Some(n)));
    d.call(function, [input, decimal, group].into_iter().chain(factor).collect())
}

/// Reads the value as a number, converted to the schema's unit where the derivation names one.
pub fn read(d: &mut Derive<'_>, own: Option<&Node>) -> Option<()> {
    let cell = d.text_value("number", own.map_or(d.span, |n| n.span))?;
    let marks = marks(d, own)?;
    let input = comparator::number_text(d, cell.clone())?;
    if let Some(node) = row_unit::declared(d) {
        return row_unit::read(d, node, cell, input, marks);
    }
    let factor = unit::factor(d)?;
    let (function, kind) = if d.field.storage() == Kind::Integer && d.entry("bins").is_none() { ("parse_integer", Kind::Integer) } else { ("parse_number", Kind::Number) };
    let output = parse(d, function, input, marks, factor);
    d.fallible(&format!("p:{}", d.field.name.value), output, kind, cell, code::PARSE, "parse");
    Some(())
}

/// A typed number into a whole-number field: refused where it is not whole.
pub fn whole(d: &mut Derive<'_>, value: &Typed) -> Option<()> {
    let input = d.definitions.define(&format!("p:{}", d.field.name.value), value.kind, value.expr.clone());
    let output = d.call("whole", vec![input.clone()]);
    d.fallible(&format!("i:{}", d.field.name.value), output, Kind::Integer, input, code::EXPRESSION, "expression");
    Some(())
}

/// `expr` as Float64.
pub fn as_number(expr: Expr) -> Expr {
    datafusion::logical_expr::cast(expr, Kind::Number.data_type())
}
