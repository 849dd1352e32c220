//! The summary as the sections want it: fields by name, a rule's results grouped, the words for both.
//!
//! Sections never search the summary's lists; they ask here. Built once per page, in the summary's
//! own order, so that the page is the same whenever the summary is.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt::Write;

use super::asks;
use super::text::{Phrase, unit};
use super::trend::Past;
use crate::execute::summary::{FieldSummary, ReasonCount, RuleResult, RuleStatus, RunSummary, Severity, Variable};

/// A summary with its indices.
pub struct View<'a> {
    pub run: &'a RunSummary,
    /// Every rule with its results, in the order of first appearance.
    pub rules: Vec<RuleGroup<'a>>,
    /// Whether any site is asked anything.
    pub asks: bool,
    /// The runs before this one, oldest first.
    pub past: Vec<Past<'a>>,
    fields: HashMap<(&'a str, &'a str), &'a FieldSummary>,
    variables: HashMap<(&'a str, &'a str, &'a str), &'a Variable>,
    by_name: ByName<'a>,
}

/// Table, rule and field → place of the group.
type ByName<'a> = HashMap<(&'a str, &'a str, Option<&'a str>), usize>;

/// One rule: over all sites, and at each.
pub struct RuleGroup<'a> {
    /// The result over all sites.
    pub overall: Cow<'a, RuleResult>,
    /// The results by site, in the summary's order.
    pub sites: Vec<&'a RuleResult>,
}

impl RuleGroup<'_> {
    /// The gravest status among the overall result and the sites'.
    pub fn worst(&self) -> RuleStatus {
        let all = self.sites.iter().map(|r| r.status).chain([self.overall.status]);
        all.max_by_key(|status| gravity(*status)).unwrap_or(RuleStatus::NotApplicable)
    }

    /// The results that miss their threshold: by site where sites do, else the overall one.
    pub fn failures(&self) -> Vec<&RuleResult> {
        let by_site: Vec<&RuleResult> = self.sites.iter().copied().filter(|r| r.status == RuleStatus::Failed).collect();
        if by_site.is_empty() && self.overall.status == RuleStatus::Failed {
            return vec![self.overall.as_ref()];
        }
        by_site
    }
}

/// How much a status asks for attention.
fn gravity(status: RuleStatus) -> u8 {
    match status {
        RuleStatus::NotApplicable => 0,
        RuleStatus::Passed => 1,
        RuleStatus::PassedWithFindings => 2,
        RuleStatus::Error => 3,
        RuleStatus::Failed => 4,
    }
}

/// More sites than this and the page says things in tables that it otherwise draws side by side.
const SIDE_BY_SIDE: usize = 8;

/// Reasons of one rule at one site, over its sources.
#[derive(Clone, Copy)]
pub struct SiteReason<'a> {
    pub site: &'a str,
    pub table: &'a str,
    pub field: Option<&'a str>,
    pub rule: &'a str,
    pub severity: Severity,
    pub rows: u64,
}

impl<'a> View<'a> {
    pub fn new(run: &'a RunSummary) -> Self {
        let mut fields = HashMap::new();
        for table in &run.schema.tables {
            for field in &table.fields {
                fields.insert((table.name.as_str(), field.name.as_str()), field);
            }
        }
        let variables =
            run.variables.iter().map(|v| ((v.table.as_str(), v.field.as_str(), v.site.as_str()), v)).collect();
        let (rules, by_name) = group(&run.rules);
        Self { run, rules, asks: asks::any(run), past: Past::of(run), fields, variables, by_name }
    }

    /// A field of the schema.
    pub fn field(&self, table: &str, field: &str) -> Option<&'a FieldSummary> {
        self.fields.get(&(table, field)).copied()
    }

    /// What people call a field: its description, else its name.
    pub fn label(&self, table: &str, field: &str) -> Phrase {
        self.field(table, field)
            .and_then(|f| Phrase::of(&f.description))
            .map_or_else(|| Phrase::same(field), |p| p.unstopped())
    }

    /// A field at a site.
    pub fn variable(&self, table: &str, field: &str, site: &str) -> Option<&'a Variable> {
        self.variables.get(&(table, field, site)).copied()
    }

    /// A rule by its name.
    pub fn rule(&self, table: &str, rule: &str, field: Option<&str>) -> Option<&RuleGroup<'a>> {
        let exact = self.by_name.get(&(table, rule, field));
        exact.or_else(|| self.by_name.get(&(table, rule, None))).map(|&i| &self.rules[i])
    }

    /// Whether there are too many sites to stand side by side.
    pub fn many_sites(&self) -> bool {
        self.run.sites.len() > SIDE_BY_SIDE
    }

    /// Whether a table's name has to be said to tell two apart.
    pub fn many_tables(&self) -> bool {
        self.run.schema.tables.len() > 1
    }

    /// What to ask, most important first: what is in quarantine, then what is only flagged.
    pub fn questions(&self) -> Vec<SiteReason<'a>> {
        let mut all = self.reasons(Some(Severity::Error));
        all.extend(self.reasons(Some(Severity::Warning)));
        all
    }

    /// A rule's status at each site in the run's order, a letter a site: what the page's script filters by.
    pub fn statuses(&self, group: &RuleGroup) -> String {
        let at = |site: &String| {
            let result = group.sites.iter().find(|r| r.site.as_ref() == Some(site));
            result.map_or('-', |r| letter(r.status))
        };
        self.run.sites.iter().map(at).collect()
    }

    /// The reasons of a severity, or all, summed over a site's sources; most rows first.
    pub fn reasons(&self, severity: Option<Severity>) -> Vec<SiteReason<'a>> {
        let mut place: HashMap<_, usize> = HashMap::new();
        let mut out: Vec<SiteReason<'a>> = Vec::new();
        for r in self.run.reasons.iter().filter(|r| severity.is_none_or(|s| r.severity == s)) {
            let ReasonCount { site, table, field, rule, severity, rows, .. } = r;
            let at = *place.entry((site, table, field, rule, severity)).or_insert_with(|| {
                out.push(SiteReason { site, table, field: field.as_deref(), rule, severity: *severity, rows: 0 });
                out.len() - 1
            });
            out[at].rows += rows;
        }
        out.sort_by_key(|r| Reverse(r.rows)); // stable: equal counts stay in the summary's order
        out
    }
}

/// Results of one rule together; where the overall one is absent it is added up.
fn group(results: &[RuleResult]) -> (Vec<RuleGroup<'_>>, ByName<'_>) {
    let mut place = HashMap::new();
    let mut groups: Vec<(Option<&RuleResult>, Vec<&RuleResult>)> = Vec::new();
    for result in results {
        let key = (result.table.as_str(), result.rule.as_str(), result.field.as_deref());
        let at = *place.entry(key).or_insert_with(|| {
            groups.push((None, Vec::new()));
            groups.len() - 1
        });
        match result.site {
            None => groups[at].0 = Some(result),
            Some(_) => groups[at].1.push(result),
        }
    }
    let finished = groups.into_iter().map(|(overall, sites)| RuleGroup {
        overall: overall.map_or_else(|| Cow::Owned(summed(&sites)), Cow::Borrowed),
        sites,
    });
    (finished.collect(), place)
}

/// The sites' results as one.
fn summed(sites: &[&RuleResult]) -> RuleResult {
    let mut all = (*sites[0]).clone();
    all.site = None;
    all.violated = sites.iter().map(|r| r.violated).sum();
    all.denominator = sites.iter().map(|r| r.denominator).sum();
    all.status = sites.iter().map(|r| r.status).max_by_key(|s| gravity(*s)).unwrap_or(all.status);
    all
}

/// A status as a letter.
pub fn letter(status: RuleStatus) -> char {
    match status {
        RuleStatus::Passed => 'p',
        RuleStatus::PassedWithFindings => 'w',
        RuleStatus::Failed => 'f',
        RuleStatus::NotApplicable => 'n',
        RuleStatus::Error => 'e',
    }
}

/// Where a link to a cell of the matrix leads; the script gives cells their ids, made of those of row and column.
pub fn cell_anchor(table: &str, field: &str, site: &str) -> String {
    anchor("cell", &[table, field, site])
}

/// An id for a link within the page: letters, digits, `-` and `_` as they are, anything else as hex.
pub fn anchor(prefix: &str, parts: &[&str]) -> String {
    let mut out = String::from(prefix);
    for part in parts {
        out.push('-');
        for c in part.chars() {
            if c.is_ascii_alphanumeric() || c == '_' {
                out.push(c);
            } else {
                let _ = write!(out, ".{:x}", u32::from(c));
            }
        }
    }
    out
}

/// A field's unit in words, if it has one.
pub fn unit_of(field: &FieldSummary) -> Option<Phrase> {
    field.unit.as_deref().map(unit).filter(|u| !u.en.is_empty())
}
