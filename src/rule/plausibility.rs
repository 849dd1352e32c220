//! Plausibility: values are believable.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, lit};

use super::{Check, Constraint};
use crate::config::schema::{Field, RuleCategory};
use crate::diagnostic::code;
use crate::function::iso_days;
use crate::transform::Kind;

pub static RANGE: Constraint = Constraint {
    key: "range",
    summary: "The value lies between lowest and highest, both included.",
    check: |_, field, value| {
        let range = field.range.as_ref()?;
        let ends = bounds(field)?;
        let low = ends[0].clone().map(|l| value.clone().lt(l));
        let high = ends[1].clone().map(|h| value.clone().gt(h));
        let violated = low.into_iter().chain(high).reduce(Expr::or)?;
        let [low, high] = &range.value;
        let shown = |end: &Option<crate::config::Name>| end.as_ref().map_or("…".to_owned(), |e| e.value.clone());
        Some(Check {
            expression: Some(format!("{} to {}", shown(low), shown(high))),
            ..Check::of(field, code::RANGE, "range", RuleCategory::Plausibility, violated)
        })
    },
};

/// The ends of a field's range as literals of its type; `None` where one does not fit.
pub fn bounds(field: &Field) -> Option<[Option<Expr>; 2]> {
    let range = field.range.as_ref()?;
    let mut ends = [None, None];
    for (slot, end) in ends.iter_mut().zip(&range.value) {
        if let Some(end) = end {
            *slot = Some(bound(field.storage(), &end.value)?);
        }
    }
    Some(ends)
}

/// A range's end as a literal; a whole-number field takes whole ends.
pub fn bound(kind: Kind, text: &str) -> Option<Expr> {
    match kind {
        Kind::Integer => text.parse::<i64>().ok().map(lit),
        Kind::Number => text.parse::<f64>().ok().filter(|v| v.is_finite()).map(lit),
        Kind::Date => iso_days(text).map(|d| Expr::Literal(ScalarValue::Date32(Some(d)), None)),
        Kind::Datetime => iso_days(text).map(|d| Expr::Literal(ScalarValue::TimestampMicrosecond(Some(i64::from(d) * 86_400_000_000), None), None)),
        Kind::Text | Kind::Boolean => None,
    }
}
