//! Plausibility: values are believable.

use std::sync::OnceLock;

use chrono::{DateTime, NaiveDate, Utc};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, lit};

use super::{Check, Constraint};
use crate::config::rule::RuleCategory;
use crate::config::schema::{Field, TODAY};
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
    for (slot, (end, last)) in ends.iter_mut().zip(range.value.iter().zip([false, true])) {
        if let Some(end) = end {
            *slot = Some(bound(field.storage(), &end.value, last)?);
        }
    }
    Some(ends)
}

/// Whether a constant lies in the field's range.
pub fn holds(field: &Field, value: &ScalarValue) -> bool {
    let [low, high] = bounds(field).unwrap_or_default();
    let is = |end: Option<Expr>, wrong: std::cmp::Ordering| match end {
        Some(Expr::Literal(end, _)) => value.partial_cmp(&end) != Some(wrong),
        _ => true,
    };
    is(low, std::cmp::Ordering::Less) && is(high, std::cmp::Ordering::Greater)
}

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// A range's lowest or last end as a literal; a whole-number field takes whole ends, and the last day of
/// times counts until its end.
fn bound(kind: Kind, text: &str, last: bool) -> Option<Expr> {
    match kind {
        Kind::Integer => text.parse::<i64>().ok().map(lit),
        Kind::Number => text.parse::<f64>().ok().filter(|v| v.is_finite()).map(lit),
        Kind::Date => day(text).map(|d| Expr::Literal(ScalarValue::Date32(Some(d)), None)),
        Kind::Datetime => day(text).map(|d| {
            let time = i64::from(d) * DAY + if last { DAY - 1 } else { 0 };
            Expr::Literal(ScalarValue::TimestampMicrosecond(Some(time), None), None)
        }),
        Kind::Text | Kind::Boolean => None,
    }
}

/// Days since 1970-01-01 of a range's end.
pub fn day(text: &str) -> Option<i32> {
    if text == TODAY { i32::try_from(today().signed_duration_since(NaiveDate::default()).num_days()).ok() } else { iso_days(text) }
}

/// The day of the run in UTC: what lies behind it is the future. `SOURCE_DATE_EPOCH`
/// (reproducible-builds.org: seconds since 1970) repeats a run as of its day.
pub fn today() -> NaiveDate {
    static DAY: OnceLock<NaiveDate> = OnceLock::new();
    *DAY.get_or_init(|| {
        let set = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|s| DateTime::<Utc>::from_timestamp(s.trim().parse().ok()?, 0));
        set.unwrap_or_else(Utc::now).date_naive()
    })
}
