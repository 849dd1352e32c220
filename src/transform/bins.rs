//! Numbers to classes.

use super::derive::{number, text};
use super::{Derive, Kind, Role, Transform, Typed, nothing};
use crate::config::schema::FieldType;
use crate::config::yaml::{Node, Value};
use crate::diagnostic::{Diagnostic, code};

pub static BINS: Transform = Transform {
    key: "bins",
    role: Role::Step,
    fallible: true,
    summary: "Number to class: `label: [low, high]`, `null` for an open end.",
    example: "{from: TAILLE, bins: {\"<=20\": [null, 20], \"20-50\": [20, 50], \">50\": [50, null]}}",
    lower,
};

pub static CLOSED: Transform = Transform {
    key: "closed",
    role: Role::Companion,
    fallible: false,
    summary: "Which end belongs to a bin: `right` (default: 20 is in `<=20`) or `left`.",
    example: "{from: AGE, bins: {young: [null, 40], old: [40, null]}, closed: left}",
    lower: nothing,
};

fn lower(d: &mut Derive<'_>, node: &Node) -> Option<()> {
    if !matches!(d.field.kind.value, FieldType::Code | FieldType::Text) {
        d.wrong_type("bins", node.span, "codes");
        return None;
    }
    if matches!(d.value, Some(Typed { kind: Kind::Text, .. })) {
        super::number::read(d, None)?;
    }
    let value = d.value.clone()?;
    if !matches!(value.kind, Kind::Number | Kind::Integer) {
        d.clash(node.span, format!("`bins` needs a number, but the value is {}", value.kind.words()));
        return None;
    }
    let closed = match d.argument("closed") {
        Some(n) => crate::config::read::choice(n, "closed", &[("right", "right"), ("left", "left")], d.found)?.value,
        None => "right",
    };
    let mode = if d.field.storage() == Kind::Integer { "integer" } else { "text" };
    let input = d.definitions.define(&format!("p:{}", d.field.name.value), Kind::Number, super::number::as_number(value.expr));
    let mut args = vec![input.clone(), text(mode), text(closed)];
    let mut edges: Vec<(f64, f64)> = vec![];
    let mut sound = true;
    for (label, ends) in crate::config::read::entries(node, "bins", d.found) {
        if !d.field.lists(&label.value) {
            d.found.push(
                Diagnostic::error(code::BIN_CLASS, label.span, format!("`{}` is not a value of the field `{}`", label.value, d.field.name.value))
                    .label("not one of its values")
                    .suggest(&label.value, d.field.similar(&label.value)),
            );
            sound = false;
        }
        let end = |n: &Node, open: f64| if n.is_null() { Some((None, open)) } else { n.text().and_then(|t| t.parse::<f64>().ok()).map(|v| (Some(v), v)) };
        let pair = match &ends.value {
            Value::List(items) if items.len() == 2 => end(&items[0], f64::NEG_INFINITY).zip(end(&items[1], f64::INFINITY)),
            _ => None,
        };
        match pair {
            Some(((low, l), (high, h))) if l < h && edges.iter().all(|(a, b)| h <= *a || l >= *b) => {
                edges.push((l, h));
                args.extend([text(label.value), number(low), number(high)]);
            }
            Some(((_, l), (_, h))) => {
                d.found.push(
                    Diagnostic::error(code::BIN_OVERLAP, ends.span, format!("the bin `{}` is not usable", label.value))
                        .label(if l < h { "overlaps an earlier bin" } else { "its low end is not below its high end" }),
                );
                sound = false;
            }
            None => {
                d.found.push(
                    Diagnostic::error(code::BIN_OVERLAP, ends.span, format!("the bin `{}` is not usable", label.value)).label("expected `[low, high]`, with `null` for an open end"),
                );
                sound = false;
            }
        }
    }
    if !sound {
        return None;
    }
    let output = d.call("bins", args);
    let kind = if mode == "integer" { Kind::Integer } else { Kind::Text };
    d.fallible(&format!("b:{}", d.field.name.value), output, kind, input, code::BINS, "bins");
    Some(())
}
