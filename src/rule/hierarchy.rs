//! Conformance to a branch of a hierarchy of codes.

use datafusion::logical_expr::not;

use super::{Check, Constraint};
use crate::config::rule::RuleCategory;
use crate::diagnostic::code;
use crate::transform::derive::{call, flag, text, text_list};

/// With a codelist that has parents, the branch is laid out when it is checked; else the notation
/// tells: `C50.4` lies within `C50`.
pub static WITHIN: Constraint = Constraint {
    key: "within",
    summary: "The value is one of these codes, or descends from one.",
    check: |functions, field, value| {
        if field.within.is_empty() {
            return None;
        }
        let violated = match field.codelist.as_ref().filter(|list| list.has_parents) {
            Some(list) => {
                let branch = field.within.iter().flat_map(|root| list.within(&root.value)).map(Some);
                call(functions, "is_unmapped", vec![value, flag(false), text_list(branch)])
            }
            None => not(call(functions, "within", std::iter::once(value).chain(field.within.iter().map(|root| text(root.value.clone()))).collect())),
        };
        let roots: Vec<&str> = field.within.iter().map(|root| root.value.as_str()).collect();
        Some(Check { expression: Some(roots.join(", ")), ..Check::of(field, code::NOT_WITHIN, "within", RuleCategory::Conformance, violated) })
    },
};
