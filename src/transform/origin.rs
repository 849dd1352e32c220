//! Where a value comes from: a cell, the first of several cells, a constant, or nowhere.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, Operator};
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
        let columns: Vec<&super::Column> = names.iter().filter_map(|n| d.names.shaped.iter().find(|c| c.name == n.value)).collect();
        if let Some(at) = names.iter().position(|n| columns.first().zip(columns.iter().find(|c| c.name == n.value)).is_some_and(|(first, c)| !first.reads_like(c))) {
            d.found.push(
                Diagnostic::error(code::SHAPE_ARGUMENT, names.get(at)?.span, "these cells are read in different ways")
                    .label("of a source with other decimal marks, dates, words or missing codes")
                    .help("give each its type in a shape first, or take them together by `sql: \"coalesce(A, B)\"`"),
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
        let flagged = d.field.severity.get("range") == Some(&crate::config::rule::RuleSeverity::Warning);
        let inside = flagged || literal.as_ref().is_none_or(|value| crate::rule::plausibility::holds(d.field, value));
        match literal {
            Some(literal) if known && inside => {
                d.value = Some(Typed { expr: Expr::Literal(literal, None), kind: storage });
                Some(())
            }
            _ => {
                d.found.push(
                    Diagnostic::error(code::CONSTANT, node.span, format!("the constant does not fit the field `{}`", d.field.name.value))
                        .label(match (known, inside) {
                            (false, _) => "not one of the field's values".to_owned(),
                            (true, false) => "outside the field's range".to_owned(),
                            (true, true) => format!("expected {}", storage.words()),
                        })
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

/// Warns where a column's text passes into a text field as it is, and the schema does not say that it may.
pub fn free_text(d: &mut Derive<'_>, value: &Expr) {
    // What a shape derives is on its way; the field that takes it asks again.
    if d.names.in_shape || d.field.free_text || d.field.pattern.is_some() || d.entry("map").is_some() || d.entry("match").is_some() || !passes(d, value) {
        return;
    }
    d.found.push(
        Diagnostic::warning(code::FREE_TEXT, d.span, format!("the texts of the column pass into `{}` as they are", d.field.name.value))
            .label("people may have typed names here")
            .related(d.field.name.span, "the field does not say which texts it takes")
            .help("write `free_text: true` in the schema where that is meant; else `values` (type `code`), `pattern`, or a `map` or `match` here"),
    );
}

/// Whether a column's text can come out of an expression. What only decides (a condition, a position) does not.
fn passes(d: &Derive<'_>, expr: &Expr) -> bool {
    match expr {
        Expr::Column(column) if column.name.starts_with("f:") => false,
        Expr::Column(column) => match d.definitions.get(&column.name) {
            Some(definition) if definition.kind != Kind::Text => false,
            Some(definition) => passes(d, &definition.expr),
            None => true,
        },
        Expr::Case(case) => case.when_then_expr.iter().map(|(_, then)| then.as_ref()).chain(case.else_expr.as_deref()).any(|then| passes(d, then)),
        Expr::ScalarFunction(call) => match call.func.name() {
            "date_precision" | "comparator" | "bins" => false,
            _ => call.args.iter().any(|arg| passes(d, arg)),
        },
        Expr::BinaryExpr(b) if b.op == Operator::StringConcat => passes(d, &b.left) || passes(d, &b.right),
        Expr::Cast(cast) => passes(d, &cast.expr),
        Expr::TryCast(cast) => passes(d, &cast.expr),
        _ => false,
    }
}

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
