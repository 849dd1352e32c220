//! Where a value comes from: a cell, the first of several cells, a constant, or nowhere.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;
use datafusion::functions::expr_fn::coalesce;

use super::derive::{Kind, Typed, names_of};
use super::{Derive, Role, Transform};
use crate::config::mapping::OnError;
use crate::config::schema::FieldType;
use crate::config::yaml::Node;
use crate::diagnostic::{Diagnostic, code};

pub static FROM: Transform = Transform {
    key: "from",
    role: Role::Origin,
    fallible: false,
    summary: "The cell of a column, its blanks trimmed and the source's missing codes taken as missing.",
    example: "{from: GRADE_SBR}",
    lower: |d, node| {
        let mut names = names_of(node, "from", d.found)?;
        if names.len() > 1 {
            d.found.push(
                Diagnostic::error(code::WRONG_KIND, node.span, "`from` takes one column")
                    .label("a list")
                    .help("`coalesce` takes several: the first that is not missing counts"),
            );
            return None;
        }
        let value = d.reference(&names.pop()?)?;
        d.value = Some(value);
        Some(())
    },
};

pub static COALESCE: Transform = Transform {
    key: "coalesce",
    role: Role::Origin,
    fallible: false,
    summary: "The first of several cells that is not missing.",
    example: "{coalesce: [DATE_RECIDIVE, DATE_DN]}",
    lower: |d, node| {
        let names = names_of(node, "coalesce", d.found)?;
        let found: Vec<Option<Typed>> = names.iter().map(|name| d.reference(name)).collect();
        let values: Vec<Typed> = found.into_iter().collect::<Option<_>>()?;
        let kind = values.first()?.kind;
        if let Some(at) = values.iter().position(|v| v.kind != kind) {
            d.found.push(
                Diagnostic::error(code::FIELD_TYPE, names.get(at)?.span, "`coalesce` needs values of one kind")
                    .label(format!("this is {}", values[at].kind.words()))
                    .related(names.first()?.span, format!("this is {}", kind.words())),
            );
            return None;
        }
        let expr = coalesce(values.into_iter().map(|v| v.expr).collect());
        let expr = d.definitions.define(&format!("t:{}", names.iter().map(|n| n.value.as_str()).collect::<Vec<_>>().join("|")), kind, expr);
        d.value = Some(Typed { expr, kind });
        Some(())
    },
};

pub static VALUE: Transform = Transform {
    key: "value",
    role: Role::Origin,
    fallible: false,
    summary: "The same value in every row, in the target's own terms.",
    example: "{value: true}",
    lower: |d, node| {
        let Some(raw) = node.text() else {
            crate::config::read::wrong_kind(node, "value", "one value", d.found);
            return None;
        };
        let storage = d.field.storage();
        let literal = match (storage, d.field.kind.value) {
            (_, FieldType::Pseudonym) => None,
            (Kind::Integer, _) => raw.parse().ok().map(|v| ScalarValue::Int64(Some(v))),
            (Kind::Number, _) => raw.parse().ok().filter(|v: &f64| v.is_finite()).map(|v| ScalarValue::Float64(Some(v))),
            (Kind::Boolean, _) => raw.parse().ok().map(|v| ScalarValue::Boolean(Some(v))),
            (Kind::Date, _) => crate::function::iso_days(raw).map(|days| ScalarValue::Date32(Some(days))),
            (Kind::Datetime, _) => None,
            (Kind::Text, _) => Some(ScalarValue::Utf8View(Some(raw.to_owned()))),
        };
        let known = d.field.lists(raw);
        match literal {
            Some(literal) if known => {
                d.value = Some(Typed { expr: Expr::Literal(literal, None), kind: storage });
                Some(())
            }
            _ => {
                d.found.push(
                    Diagnostic::error(code::CONSTANT, node.span, format!("the constant does not fit the field `{}`", d.field.name.value))
                        .label(if known { format!("expected {}", storage.words()) } else { "not one of the field's values".to_owned() })
                        .related(d.field.kind.span, format!("the field is of type `{}`", d.field.kind.value.word()))
                        .suggest(raw, d.field.similar(raw)),
                );
                None
            }
        }
    },
};

fn absent(d: &mut Derive<'_>, node: &Node, impossible: bool) -> Option<()> {
    let reason = crate::config::read::text(node, if impossible { "impossible" } else { "undetermined" }, d.found)?.value;
    d.absent = Some((impossible, reason));
    Some(())
}

pub static IMPOSSIBLE: Transform = Transform {
    key: "impossible",
    role: Role::Origin,
    fallible: false,
    summary: "This site can never deliver the field; the reason goes into the report.",
    example: "{impossible: not measured before 2009}",
    lower: |d, node| absent(d, node, true),
};

pub static UNDETERMINED: Transform = Transform {
    key: "undetermined",
    role: Role::Origin,
    fallible: false,
    summary: "This site may one day deliver the field; the reason goes into the report.",
    example: "{undetermined: on paper until 2012}",
    lower: |d, node| absent(d, node, false),
};

pub static ON_ERROR: Transform = Transform {
    key: "on_error",
    role: Role::Companion,
    fallible: false,
    summary: "What a value that cannot be read does to its row: `quarantine`, `null` (stays missing, flagged) or `fail` (the run stops).",
    example: "{from: KI67, on_error: null}",
    lower: |d, node| {
        // YAML's own null is the word `null` here.
        let word = node.text().unwrap_or_default();
        if OnError::WORDS.iter().any(|(w, _)| *w == word) {
            return Some(());
        }
        crate::config::read::choice(node, "on_error", &OnError::WORDS, d.found).map(|_| ())
    },
};
