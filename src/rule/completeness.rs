//! Completeness: values are there.

use datafusion::functions::expr_fn::coalesce;
use datafusion::logical_expr::{Expr, lit, not};

use super::Check;
use crate::config::rule::RuleCategory;
use crate::config::schema::Field;
use crate::diagnostic::code;

/// `required`: violated where the value is missing and nothing else explains why. A date that
/// cannot be read is one finding, not two.
pub fn explained_required(field: &Field, value: Expr, explained_by: &[Expr]) -> Option<Check> {
    if !field.required {
        return None;
    }
    let missing = value.is_null();
    let violated = match explained_by.iter().map(|e| coalesce(vec![e.clone(), lit(false)])).reduce(Expr::or) {
        Some(explained) => missing.and(not(explained)),
        None => missing,
    };
    Some(Check::of(field, code::REQUIRED, "required", RuleCategory::Completeness, violated))
}

/// A completeness rule: violated where any of the fields is missing.
pub fn any_missing(values: Vec<Expr>) -> Expr {
    values.into_iter().map(Expr::is_null).reduce(Expr::or).unwrap_or_else(|| lit(false))
}

