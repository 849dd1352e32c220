//! The outcomes of rules: counts of all partitions, and what was judged when the rows were there → [`RuleResult`].

use std::collections::HashMap;

use super::summarise::{absent, category, severity};
use super::summary::*;
use super::tables::{TableRun, Together, later_slot};
use super::years::Years;
use crate::check::{Resolved, ResolvedTable};
use crate::config::rule::{Condition, Limit, RuleSeverity, Threshold};
use crate::config::schema::Table;
use crate::diagnostic::code;
use crate::rule::Effect;
use crate::rule::kind::{Asks, kind_of};

/// Reasons that rows carry, counted.
pub fn reasons(counted: &[Counted<'_>]) -> Vec<ReasonCount> {
    counted.iter().filter(|c| c.violated > 0 && c.is_reason).map(Counted::reason).collect()
}

/// What the schema says of a rule beside its condition.
pub fn describe(resolved: &Resolved, result: &mut RuleResult) {
    let rule = resolved.schema.tables.iter().find(|t| t.name.value == result.table).and_then(|t| t.rules.iter().find(|r| r.id.value == result.rule));
    let Some(rule) = rule.filter(|_| result.code == code::RULE.id || result.code == code::COMPLETENESS.id) else { return };
    result.name = rule.name.clone();
    result.reference = rule.reference.clone();
    if let Condition::Named(word, _) = &rule.condition {
        result.dqd = kind_of(rule.category, &word.value).and_then(|k| k.dqd).map(str::to_owned);
    }
}

/// A rule's counts on one table run.
#[derive(Clone)]
pub struct Counted<'a> {
    table: &'a str,
    site: &'a str,
    source: &'a str,
    rule: String,
    field: Option<String>,
    code: &'static str,
    category: Category,
    severity: Severity,
    description: Text,
    expression: Option<String>,
    threshold: Option<Threshold>,
    violated: u64,
    denominator: u64,
    /// Rows carry it as a Reason (completeness rules and thresholds are about tables).
    is_reason: bool,
    /// The check of the OHDSI Data Quality Dashboard that asks the same.
    dqd: Option<&'static str>,
    /// By calendar year, where each year is held to the threshold.
    years: Years,
    /// What a rule says of itself that is judged when the rows are there.
    verdict: Option<Said>,
}

/// The outcome of a rule that is judged when the rows are there.
#[derive(Clone, Default)]
struct Said {
    /// Whether it is more than is allowed; of rules about rows their threshold tells.
    misses: Option<bool>,
    measure: Option<Measure>,
    error: Option<String>,
}

impl Counted<'_> {
    fn reason(&self) -> ReasonCount {
        ReasonCount {
            site: self.site.to_owned(),
            source: self.source.to_owned(),
            table: self.table.to_owned(),
            code: self.code.to_owned(),
            field: self.field.clone(),
            rule: self.rule.clone(),
            severity: self.severity,
            rows: self.violated,
        }
    }

    fn result(&self, site: Option<&str>, violated: u64, denominator: u64, judged: bool) -> RuleResult {
        let said = self.verdict.as_ref();
        let years = self.by_year();
        let status = match &self.threshold {
            _ if said.is_some_and(|s| s.error.is_some()) => RuleStatus::Error,
            _ if denominator == 0 => RuleStatus::NotApplicable,
            _ if said.is_some_and(|s| s.misses == Some(true)) => RuleStatus::Failed,
            _ if said.is_some_and(|s| s.misses == Some(false)) => if violated == 0 { RuleStatus::Passed } else { RuleStatus::PassedWithFindings },
            Some(t) if judged && t.per_year.is_some() => match years.iter().any(|y| y.status == RuleStatus::Failed) {
                true => RuleStatus::Failed,
                false if violated == 0 => RuleStatus::Passed,
                false => RuleStatus::PassedWithFindings,
            },
            Some(t) if judged && misses(t, violated, denominator) => RuleStatus::Failed,
            _ if violated == 0 => RuleStatus::Passed,
            _ => RuleStatus::PassedWithFindings,
        };
        RuleResult {
            table: self.table.to_owned(),
            site: site.map(str::to_owned),
            rule: self.rule.clone(),
            field: self.field.clone(),
            code: self.code.to_owned(),
            category: self.category,
            severity: self.severity,
            description: self.description.clone(),
            expression: self.expression.clone(),
            violated,
            denominator,
            threshold: self.threshold.as_ref().map(|t| t.text.clone()),
            status,
            name: Text::new(),
            reference: None,
            dqd: self.dqd.map(str::to_owned),
            years,
            measure: said.and_then(|s| s.measure.clone()).filter(|_| site.is_some()),
            error: said.and_then(|s| s.error.clone()),
        }
    }
}

impl Counted<'_> {
    fn by_year(&self) -> Vec<YearResult> {
        let Some(threshold) = self.threshold.as_ref().filter(|t| t.per_year.is_some()) else { return vec![] };
        let one = |(year, (violated, denominator)): (&i32, &(u64, u64))| {
            let status = match (*violated, *denominator) {
                (_, 0) => RuleStatus::NotApplicable,
                (v, d) if misses(threshold, v, d) => RuleStatus::Failed,
                (0, _) => RuleStatus::Passed,
                _ => RuleStatus::PassedWithFindings,
            };
            YearResult { year: *year, violated: *violated, denominator: *denominator, status }
        };
        self.years.iter().map(one).collect()
    }
}

/// Whether counts miss a threshold: violations above `at_most`, or the rest below `at_least`.
fn misses(threshold: &Threshold, violated: u64, denominator: u64) -> bool {
    let counted = if threshold.least { denominator - violated.min(denominator) } else { violated };
    let share = counted as f64 / denominator as f64;
    match (threshold.limit, threshold.least) {
        (Limit::Share(limit), false) => share > limit,
        (Limit::Share(limit), true) => share < limit,
        (Limit::Rows(limit), false) => counted > limit,
        (Limit::Rows(limit), true) => counted < limit,
    }
}

/// The counts of a table's checks, key, foreign keys and quarantine at a site.
pub fn counts<'a>(table: &'a ResolvedTable, target: &'a Table, run: &TableRun, account: &Account, is_filled: impl Fn(&str) -> bool) -> Vec<Counted<'a>> {
    let base = |rule: &str, code: &'static str, category, severity| Counted {
        table: &target.name.value,
        site: &table.site,
        source: &table.source,
        rule: rule.to_owned(),
        field: None,
        code,
        category,
        severity,
        description: Text::new(),
        expression: None,
        threshold: None,
        violated: 0,
        denominator: 0,
        is_reason: true,
        dqd: crate::rule::dqd(code),
        years: Years::new(),
        verdict: None,
    };
    let mut all: Vec<Counted<'a>> = vec![];
    // Filters leave rows out, which is no fault of a row: they are in the row accounts.
    for (at, check) in table.checks.iter().enumerate().filter(|(_, check)| check.effect != Effect::Filter) {
        let (violated, mut denominator) = run.table.partitions.iter().filter_map(|p| p.checks.get(at)).fold((0, 0), |sum, c| (sum.0 + c.0, sum.1 + c.1));
        let mut violated = violated;
        let is_table_rule = check.code == code::COMPLETENESS;
        if is_table_rule && absent(table, target, check) {
            (violated, denominator) = (0, 0);
        }
        all.push(Counted {
            field: check.field.clone(),
            description: check.description.clone(),
            expression: check.expression.clone(),
            threshold: check.threshold.clone(),
            violated,
            denominator,
            is_reason: !is_table_rule,
            years: years_of(run, at),
            ..base(&check.rule, check.code.id, category(check.category), severity(target, check))
        });
    }
    let lost = |which: usize| -> u64 { run.table.partitions.iter().filter_map(|p| p.rows_lost.get(which)).sum() };
    if !target.key.is_empty() {
        let repeated: u64 = lost(0);
        let names: Vec<&str> = target.key.iter().map(|k| k.value.as_str()).collect();
        all.push(Counted {
            expression: Some(names.join(", ")),
            violated: repeated,
            denominator: account.rows_accepted + repeated,
            ..base("key", code::KEY.id, Category::Conformance, Severity::Error)
        });
    }
    for (number, key) in target.foreign_keys.iter().enumerate() {
        let orphans: u64 = lost(1 + number);
        all.push(Counted {
            field: Some(key.fields.iter().map(|f| f.value.as_str()).collect::<Vec<_>>().join(", ")),
            description: Text::from([
                ("en".to_owned(), format!("The row belongs to one that is in the table {}", key.references.value)),
                ("fr".to_owned(), format!("La ligne se rattache à une ligne présente dans la table {}", key.references.value)),
            ]),
            violated: orphans,
            denominator: if is_filled(&key.references.value) { account.rows_accepted + orphans } else { 0 },
            ..base(&format!("in_{}", key.references.value), code::ORPHAN.id, Category::Conformance, Severity::Error)
        });
    }
    if let Some(threshold) = &target.quarantine {
        // A row that was refused on its way to the table is as lost to it as one that was refused there.
        let before: u64 = run.stages.iter().flat_map(|s| &s.partitions).map(|p| p.rows_quarantined).sum();
        all.push(Counted {
            threshold: Some(threshold.clone()),
            violated: account.rows_quarantined + before,
            denominator: before + account.rows_read - (account.rows_filtered + account.rows_deduplicated).min(account.rows_read),
            is_reason: false,
            ..base("quarantine", code::RULE.id, Category::Conformance, Severity::Error)
        });
    }
    all
}

fn years_of(run: &TableRun, check: usize) -> Years {
    let mut all = Years::new();
    for (year, (violated, denominator)) in run.table.partitions.iter().filter_map(|p| p.years.get(&check)).flatten() {
        let counts = all.entry(*year).or_default();
        *counts = (counts.0 + violated, counts.1 + denominator);
    }
    all
}

/// The counts of rules that were judged when the rows were there.
pub fn later_counts<'a>(resolved: &'a Resolved, runs: &[TableRun], together: &Together) -> Vec<Counted<'a>> {
    let mut all = vec![];
    for (number, (later, judged)) in resolved.later.iter().zip(&together.judged).enumerate() {
        let Some(target) = resolved.schema.tables.get(later.table) else { continue };
        let Some(rule) = target.rules.get(later.rule) else { continue };
        let (field, is_rows) = match &later.asks {
            Asks::Rows(rows) => (rows.field.clone(), true),
            Asks::Values(values) => (Some(values.field.clone()), false),
            Asks::Row { .. } => (None, false),
        };
        let severity = match rule.severity {
            RuleSeverity::Error => Severity::Error,
            RuleSeverity::Warning => Severity::Warning,
        };
        for (run, verdict) in &judged.sites {
            let Some(table) = resolved.tables.get(*run as usize) else { continue };
            let refused: u64 = runs.get(*run as usize).map_or(0, |r| r.table.partitions.iter().filter_map(|p| p.rows_lost.get(later_slot(resolved, number))).sum());
            let measure = verdict.measure.as_ref().map(|m| Measure { name: Text::from([("en".to_owned(), m.en.to_owned()), ("fr".to_owned(), m.fr.to_owned())]), value: m.value, limit: m.limit });
            all.push(Counted {
                table: &target.name.value,
                site: &table.site,
                source: &table.source,
                rule: rule.id.value.clone(),
                field: field.clone(),
                code: code::RULE.id,
                category: category(rule.category),
                severity,
                description: rule.description.clone(),
                expression: None,
                threshold: rule.threshold.clone(),
                violated: verdict.violated,
                denominator: verdict.denominator,
                is_reason: is_rows && (refused > 0 || severity == Severity::Warning),
                dqd: None,
                years: Years::new(),
                verdict: Some(Said { misses: (!is_rows).then_some(verdict.misses), measure, error: judged.error.clone() }),
            });
        }
    }
    all
}

/// Each rule over all sites, followed by its sites; in the order of first appearance.
pub fn rule_results(counted: &[Counted<'_>]) -> Vec<RuleResult> {
    let mut groups: Vec<Vec<&Counted<'_>>> = vec![];
    let mut place: HashMap<(&str, &str, Option<&str>, &str), usize> = HashMap::new();
    for one in counted {
        let at = *place.entry((one.table, &one.rule, one.field.as_deref(), one.code)).or_insert_with(|| {
            groups.push(vec![]);
            groups.len() - 1
        });
        groups[at].push(one);
    }
    let mut results = vec![];
    for group in groups {
        let Some(first) = group.first() else { continue };
        let per_site = first.threshold.as_ref().is_some_and(|t| t.per_site);
        let (violated, denominator) = group.iter().fold((0, 0), |sum, c| (sum.0 + c.violated, sum.1 + c.denominator));
        let mut everywhere = Counted { years: Years::new(), verdict: first.verdict.clone(), description: first.description.clone(), threshold: first.threshold.clone(), ..(*first).clone() };
        for (year, (violated, denominator)) in group.iter().flat_map(|c| &c.years) {
            let counts = everywhere.years.entry(*year).or_default();
            *counts = (counts.0 + violated, counts.1 + denominator);
        }
        if let Some(said) = &mut everywhere.verdict {
            let misses = group.iter().filter_map(|c| c.verdict.as_ref()?.misses).reduce(|a, b| a || b);
            said.misses = misses;
        }
        let mut overall = everywhere.result(None, violated, denominator, !per_site);
        // The gravest of the sites' severities, since a site's policy may be milder.
        overall.severity = group.iter().map(|c| c.severity).max().unwrap_or(first.severity);
        let sites: Vec<RuleResult> = group.iter().map(|c| c.result(Some(c.site), c.violated, c.denominator, per_site)).collect();
        if sites.iter().any(|s| s.status == RuleStatus::Failed) {
            overall.status = RuleStatus::Failed;
        }
        results.push(overall);
        results.extend(sites);
    }
    results
}
