//! Ages: completed years between two dates.

use super::derive::names_of;
use super::{Derive, Kind, Role, Transform, Typed, date, nothing};
use crate::config::Name;
use crate::diagnostic::{Diagnostic, code};

/// A date out of a named column or field, its failure noted.
pub(super) fn date_of(d: &mut Derive<'_>, name: &Name) -> Option<datafusion::logical_expr::Expr> {
    d.column = None;
    let value = d.reference(name)?;
    match value.kind {
        Kind::Date => Some(value.expr),
        Kind::Datetime => Some(datafusion::logical_expr::cast(value.expr, Kind::Date.data_type())),
        Kind::Text => {
            let output = date::parse(d, value.expr.clone());
            d.fallible(&format!("d:{}", name.value), output, Kind::Date, value.expr, code::PARSE, "parse");
            d.value.take().map(|v| v.expr)
        }
        kind => {
            d.found.push(
                Diagnostic::error(code::FIELD_TYPE, name.span, format!("`{}` is no date", name.value)).label(format!("this is {}", kind.words())),
            );
            None
        }
    }
}

pub static AGE_AT: Transform = Transform {
    key: "age_at",
    role: Role::Origin,
    fallible: true,
    summary: "Completed years between `born` and the date named here.",
    example: "{age_at: DATE_DIAG, born: DDN}",
    lower: |d, node| {
        let Some(born) = d.argument("born") else {
            d.found.push(Diagnostic::error(code::AGE_PARTNER, node.span, "`age_at` needs `born`").label("no `born` beside it").help("`{age_at: DATE_DIAG, born: DDN}`"));
            return None;
        };
        if !d.field.kind.value.is_number() {
            d.wrong_type("age_at", node.span, "numbers");
            return None;
        }
        let at = names_of(node, "age_at", d.found)?;
        let born = names_of(born, "born", d.found)?;
        let at = at.first().and_then(|n| date_of(d, n));
        let born = born.first().and_then(|n| date_of(d, n));
        let expr = d.call("age_years", vec![born?, at?]);
        d.column = None;
        d.value = Some(Typed { expr, kind: Kind::Integer });
        Some(())
    },
};

pub static BORN: Transform = Transform {
    key: "born",
    role: Role::Companion,
    fallible: false,
    summary: "The date of birth for `age_at`.",
    example: "{age_at: DATE_DIAG, born: DDN}",
    lower: |d, node| {
        if d.entry("age_at").is_none() {
            d.found.push(Diagnostic::error(code::AGE_PARTNER, node.span, "`born` needs `age_at`").label("no `age_at` beside it"));
            return None;
        }
        nothing(d, node)
    },
};
