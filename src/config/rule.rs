//! Rules as written: what is asked of rows, tables or values, how grave it is, and how much is allowed.

use std::collections::BTreeMap;

use super::read::{Keys, Name, choice, text, texts};
use super::yaml::{Node, Value};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, code};

/// What a violated rule does to its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleSeverity {
    Error,
    Warning,
}

impl RuleSeverity {
    /// The word for it.
    pub fn word(self) -> &'static str {
        SEVERITIES.iter().find(|(_, s)| *s == self).map_or("error", |(word, _)| word)
    }
}

pub const SEVERITIES: [(&str, RuleSeverity); 2] = [("error", RuleSeverity::Error), ("warning", RuleSeverity::Warning)];

/// A rule of one of Kahn's categories.
#[derive(Debug, Clone)]
pub struct Rule {
    pub id: Name,
    pub category: RuleCategory,
    pub condition: Condition,
    pub severity: RuleSeverity,
    pub threshold: Option<Threshold>,
    /// What the rule is called.
    pub name: BTreeMap<String, String>,
    /// What it asks, in a sentence.
    pub description: BTreeMap<String, String>,
    /// Where it comes from: a paper, a standard, a protocol.
    pub reference: Option<String>,
}

/// Kahn 2016.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleCategory {
    Conformance,
    Completeness,
    Plausibility,
}

impl RuleCategory {
    /// The key that it is written under.
    pub fn word(self) -> &'static str {
        match self {
            RuleCategory::Conformance => "conformance",
            RuleCategory::Completeness => "completeness",
            RuleCategory::Plausibility => "plausibility",
        }
    }
}

/// What a rule asks of a row.
#[derive(Debug, Clone)]
pub enum Condition {
    /// True conforms, false violates, null does not apply.
    Sql(Name),
    /// All of these fields have a value.
    Complete(Vec<Name>),
    /// One of the named kinds, with what it is told.
    Named(Name, Node),
}

/// A share or number of rows.
#[derive(Debug, Clone)]
pub struct Threshold {
    pub limit: Limit,
    /// `at_least` (of the rows that conform) rather than `at_most` (of those that violate).
    pub least: bool,
    pub per_site: bool,
    /// The field whose calendar years are each held to it.
    pub per_year: Option<Name>,
    /// For people: `at most 1 % per site`.
    pub text: String,
    pub span: Span,
}

/// How much is allowed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// 0 to 1.
    Share(f64),
    Rows(u64),
}

/// One entry of a table's `rules`.
pub fn rule(node: &Node, found: &mut Diagnostics) -> Option<Rule> {
    let mut keys = Keys::new(node, "the rule", found)?;
    let id = keys.name("id", found);
    let mut conditions = vec![];
    if let Some((k, n)) = keys.take_entry("conformance") {
        conditions.push((k.span, RuleCategory::Conformance, named(n).or_else(|| text(n, "conformance", found).map(Condition::Sql))));
    }
    if let Some((k, n)) = keys.take_entry("completeness") {
        conditions.push((k.span, RuleCategory::Completeness, named(n).or_else(|| Some(Condition::Complete(texts(n, "completeness", found))))));
    }
    if let Some((k, n)) = keys.take_entry("plausibility") {
        conditions.push((k.span, RuleCategory::Plausibility, named(n).or_else(|| text(n, "plausibility", found).map(Condition::Sql))));
    }
    let severity = match keys.require("severity", found) {
        Some(n) => choice(n, "severity", &SEVERITIES, found).map(|s| s.value),
        None => None,
    };
    let threshold = threshold(&mut keys, found);
    let name = keys.words("name", found);
    let description = keys.words("description", found);
    let reference = keys.text("reference", found).map(|r| r.value);
    let (span, misspelt) = (keys.span, keys.has_unknown());
    let has_limit = keys.peek("at_least").or(keys.peek("at_most")).is_some();
    keys.finish(found);
    conditions.sort_by_key(|c| c.0);
    if conditions.is_empty() && misspelt {
        return None;
    }
    if conditions.len() != 1 {
        let at = conditions.get(1).map_or(span, |c| c.0);
        found.push(
            Diagnostic::error(code::RULE_CATEGORY, at, "a rule has exactly one category")
                .label(if conditions.is_empty() { "no category here" } else { "a second category" })
                .help("write one of `conformance`, `completeness`, `plausibility`"),
        );
        return None;
    }
    let (_, category, condition) = conditions.pop()?;
    let condition = condition?;
    match (&condition, &threshold) {
        (Condition::Complete(_), None) if has_limit => {}
        (Condition::Complete(_), None) => found.push(
            Diagnostic::error(code::RULE_THRESHOLD, span, "a completeness rule needs a threshold")
                .label("no `at_least` here")
                .help("for example `at_least: 90 %`"),
        ),
        (Condition::Complete(_), Some(t)) if !t.least => found.push(
            Diagnostic::error(code::RULE_THRESHOLD, t.span, "completeness is measured from below").label("expected `at_least`"),
        ),
        (Condition::Sql(_), Some(t)) if t.least => found.push(
            Diagnostic::error(code::RULE_THRESHOLD, t.span, "violations are measured from above").label("expected `at_most`"),
        ),
        _ => {}
    }
    Some(Rule { id: id?, category, condition, severity: severity?, threshold, name, description, reference })
}

/// `{word: …}`: one of the named kinds.
fn named(node: &Node) -> Option<Condition> {
    match &node.value {
        Value::Map(items) => match items.as_slice() {
            [(word, told)] => Some(Condition::Named(Name::new(word.text()?.to_owned(), word.span), told.clone())),
            _ => None,
        },
        _ => None,
    }
}

/// What is held to a threshold: the table, each site, each calendar year of a field, or each year of each site.
#[derive(Clone, Copy, PartialEq)]
enum Per {
    Table,
    Site,
    Year,
    SiteAndYear,
}

/// `at_most` or `at_least`, with `per` and, for years, `by`.
pub fn threshold(keys: &mut Keys<'_>, found: &mut Diagnostics) -> Option<Threshold> {
    let per = keys.choice("per", &[("table", Per::Table), ("site", Per::Site), ("year", Per::Year), ("site and year", Per::SiteAndYear)], found);
    let by = keys.text("by", found);
    let (per, per_span) = per.map_or((Per::Table, keys.span), |p| (p.value, p.span));
    let per_site = matches!(per, Per::Site | Per::SiteAndYear);
    let by_year = matches!(per, Per::Year | Per::SiteAndYear);
    let most = keys.take("at_most");
    let least = keys.take("at_least");
    match &by {
        None if by_year => {
            found.push(Diagnostic::error(code::BAD_THRESHOLD, per_span, "years of which field?").label("no `by` here").help("name a date, or a whole number that is a year: `by: diagnosis_date`"));
            return None;
        }
        Some(by) if !by_year => {
            found.push(Diagnostic::error(code::BAD_THRESHOLD, by.span, "`by` names the field of the years").label("nothing here is per year").help("write `per: year` or `per: site and year`"));
            return None;
        }
        _ => {}
    }
    let (node, least) = match (most, least) {
        (Some(_), Some(second)) => {
            found.push(Diagnostic::error(code::BAD_THRESHOLD, second.span, "one threshold is enough").label("`at_most` is there already"));
            return None;
        }
        (Some(n), None) => (n, false),
        (None, Some(n)) => (n, true),
        (None, None) => return None,
    };
    let raw = node.text().unwrap_or_default();
    let limit = match raw.strip_suffix('%') {
        Some(share) => share.trim().parse::<f64>().ok().filter(|s| (0.0..=100.0).contains(s)).map(|s| Limit::Share(s / 100.0)),
        None => raw.parse().ok().map(Limit::Rows),
    };
    let Some(limit) = limit else {
        found.push(
            Diagnostic::error(code::BAD_THRESHOLD, node.span, format!("`{raw}` is not a threshold"))
                .label("expected a share such as `5 %` or a whole number of rows"),
        );
        return None;
    };
    let number = match limit {
        Limit::Share(_) => format!("{} %", raw.trim_end_matches('%').trim()),
        Limit::Rows(rows) => format!("{rows} rows"),
    };
    let per = [per_site.then_some("site"), by_year.then_some("year")].into_iter().flatten().collect::<Vec<_>>().join(" and ");
    let text = format!("{} {number}{}", if least { "at least" } else { "at most" }, if per.is_empty() { per } else { format!(" per {per}") });
    Some(Threshold { limit, least, per_site, per_year: by, text, span: node.span })
}
