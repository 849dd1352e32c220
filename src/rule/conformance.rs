//! Conformance: values keep to the form that the schema agreed on.

use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::{Expr, cast, in_list, lit, not};

use super::{Check, Constraint};
use crate::config::rule::RuleCategory;
use crate::config::schema::{FieldType};
use crate::diagnostic::code;
use crate::transform::Kind;
use crate::transform::derive::{SEVERAL, call, flag, text, text_list};

pub static VALUES: Constraint = Constraint {
    key: "values",
    summary: "The value is one of those that the schema lists.",
    check: |functions, field, value| {
        if field.values.is_empty() || field.kind.value != FieldType::Code {
            return None;
        }
        if field.values.len() > SEVERAL {
            let listed = text_list(field.values.iter().map(|v| Some(v.value.value.as_str())));
            let value = if field.storage() == Kind::Text { value } else { cast(value, DataType::Utf8View) };
            return Some(Check::of(field, code::VALUES, "values", RuleCategory::Conformance, call(functions, "is_unmapped", vec![value, flag(false), listed])));
        }
        let listed: Vec<Expr> = field
            .values
            .iter()
            .map(|v| match (field.storage(), v.value.value.parse::<i64>()) {
                (Kind::Integer, Ok(number)) => lit(number),
                _ => text(v.value.value.clone()),
            })
            .collect();
        Some(Check::of(field, code::VALUES, "values", RuleCategory::Conformance, in_list(value, listed, true)))
    },
};

pub static PATTERN: Constraint = Constraint {
    key: "pattern",
    summary: "The whole text matches a regular expression.",
    check: |functions, field, value| {
        let pattern = field.pattern.as_ref()?;
        let matches = call(functions, "matches", vec![value, text(pattern.value.clone())]);
        Some(Check { expression: Some(pattern.value.clone()), ..Check::of(field, code::PATTERN, "pattern", RuleCategory::Conformance, not(matches)) })
    },
};

pub static LENGTH: Constraint = Constraint {
    key: "length",
    summary: "The text has at least and at most so many characters.",
    check: |functions, field, value| {
        let [least, most] = field.length.as_ref()?.value;
        let length = call(functions, "text_length", vec![value]);
        let low = least.map(|l| length.clone().lt(lit(i64::try_from(l).unwrap_or(i64::MAX))));
        let high = most.map(|m| length.gt(lit(i64::try_from(m).unwrap_or(i64::MAX))));
        let violated = low.into_iter().chain(high).reduce(Expr::or)?;
        Some(Check::of(field, code::LENGTH, "length", RuleCategory::Conformance, violated))
    },
};
