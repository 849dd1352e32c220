//! What the schema asks of every row: constraints and rules as three-valued checks.
//!
//! A [`Check`] is one Boolean expression per row: true violates, false conforms, null does not
//! apply. Violations and denominator are then two counts of one column, and an empty denominator
//! shows itself. One Kahn category a file; [`CONSTRAINTS`] has one line per kind of constraint.

mod completeness;
mod conformance;
mod hierarchy;
pub mod kind;
pub mod plausibility;

use datafusion::logical_expr::Expr;

use crate::config::mapping::OnError;
use crate::config::rule::{RuleCategory, RuleSeverity, Threshold};
use crate::config::schema::Field;
use crate::diagnostic::Code;
use crate::transform::derive::Functions;

pub use completeness::{any_missing, explained_required};

/// What a violation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// The row does not belong to the table: left out, and counted. No other finding about it counts.
    Filter,
    /// The row stays, counted and flagged.
    Warn,
    /// The row goes to quarantine.
    Quarantine,
    /// The run stops.
    Fail,
}

impl From<RuleSeverity> for Effect {
    fn from(severity: RuleSeverity) -> Self {
        match severity {
            RuleSeverity::Error => Effect::Quarantine,
            RuleSeverity::Warning => Effect::Warn,
        }
    }
}

impl From<OnError> for Effect {
    fn from(policy: OnError) -> Self {
        match policy {
            OnError::Quarantine => Effect::Quarantine,
            OnError::Null => Effect::Warn,
            OnError::Fail => Effect::Fail,
        }
    }
}

/// One condition on every row.
#[derive(Debug, Clone)]
pub struct Check {
    pub code: Code,
    /// The rule's id, or the constraint's name.
    pub rule: String,
    pub field: Option<String>,
    /// The source column it is about, as the site names it.
    pub column: Option<String>,
    pub category: RuleCategory,
    pub effect: Effect,
    pub violated: Expr,
    /// The definition whose values are worth listing when violated.
    pub raw: Option<String>,
    /// The condition as written.
    pub expression: Option<String>,
    pub description: std::collections::BTreeMap<String, String>,
    pub threshold: Option<Threshold>,
    /// Whether it is counted among accepted rows, and refuses none.
    pub of_accepted: bool,
}

impl Check {
    /// A condition under which a row is left out.
    pub fn filter(id: &str, expression: &str, left_out: Expr) -> Check {
        Check {
            code: crate::diagnostic::code::FILTERED,
            rule: id.to_owned(),
            field: None,
            column: None,
            category: RuleCategory::Conformance,
            effect: Effect::Filter,
            violated: left_out,
            raw: None,
            expression: Some(expression.to_owned()),
            description: Default::default(),
            threshold: None,
            of_accepted: false,
        }
    }

    /// A constraint of a field.
    pub fn of(field: &Field, code: Code, rule: &str, category: RuleCategory, violated: Expr) -> Check {
        let severity = field.severity.get(rule).copied().unwrap_or(RuleSeverity::Error);
        Check {
            code,
            rule: rule.to_owned(),
            field: Some(field.name.value.clone()),
            column: None,
            category,
            effect: severity.into(),
            violated,
            raw: None,
            expression: None,
            description: Default::default(),
            threshold: None,
            of_accepted: false,
        }
    }
}

/// The check of the OHDSI Data Quality Dashboard (version 2) that asks what a constraint does, by its code.
pub fn dqd(code: &str) -> Option<&'static str> {
    Some(match code {
        "R501" => "isRequired",
        "R502" => "plausibleValueLow, plausibleValueHigh",
        "R506" => "isPrimaryKey",
        "R508" => "measureValueCompleteness",
        "R509" => "isForeignKey",
        "R521" => "fkClass",
        "D620" => "cdmDatatype",
        "D621" => "standardConceptRecordCompleteness",
        "D624" => "plausibleUnitConceptIds",
        _ => return None,
    })
}

/// A kind of constraint that a field may carry.
pub struct Constraint {
    /// The schema's key.
    pub key: &'static str,
    /// One sentence for the reference.
    pub summary: &'static str,
    /// The check for a field whose value is the given column; `None` where the field has none.
    pub check: fn(&Functions, &Field, Expr) -> Option<Check>,
}

/// Every constraint but `required`, which needs to know the derivation's failures.
pub static CONSTRAINTS: &[&Constraint] = &[&conformance::VALUES, &hierarchy::WITHIN, &conformance::PATTERN, &conformance::LENGTH, &plausibility::RANGE];
