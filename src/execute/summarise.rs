//! Counts of all partitions → [`RunSummary`], and the schemas of the files.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};
use datafusion::arrow::datatypes::{DataType, Field as ArrowField, Schema as ArrowSchema, SchemaRef};

use super::account::Settled;
use super::tables::{StepRun, TableRun, Together, later_slot};
use super::profile::{MOST_VALUES, Profile};
use super::sink::{TextCounts, reason_fields};
use super::summary::*;
use crate::check::{FieldState, Resolved, ResolvedTable};
use super::years::Years;
use crate::config::rule::{Condition, Limit, RuleCategory, RuleSeverity, Threshold};
use crate::config::schema::{Field, Table};
use crate::diagnostic::code;
use crate::rule::kind::{Asks, kind_of};
use crate::rule::{Check, Effect};
use crate::transform::Kind;

/// The schema of accepted rows: the target's fields with their meaning as metadata.
pub fn accepted_schema(resolved: &Resolved, table: &ResolvedTable) -> SchemaRef {
    let target = &resolved.schema.tables[table.table];
    let fields: Vec<ArrowField> = target
        .fields
        .iter()
        .map(|field| {
            let mut metadata: HashMap<String, String> = HashMap::from([("type".into(), field.kind.value.word().into())]);
            metadata.extend(field.unit.as_ref().map(|u| ("unit".to_owned(), u.value.clone())));
            metadata.extend(field.description.iter().map(|(language, text)| (format!("description.{language}"), text.clone())));
            metadata.extend(field.codelist.iter().map(|list| ("codelist".to_owned(), list.name.clone())));
            metadata.extend(field.codelist.iter().filter_map(|list| Some(("codelist.version".to_owned(), list.version.clone()?))));
            metadata.extend(field.concept.iter().map(|(system, code)| (format!("concept.{system}"), code.clone())));
            for endpoint in table.endpoints.iter().filter(|e| e.fields.contains(&field.name.value)) {
                metadata.insert("endpoint".into(), endpoint.name.clone());
                metadata.insert("endpoint.json".into(), endpoint.described.json.to_string());
                metadata.extend(endpoint.described.words.iter().map(|(language, words)| (format!("endpoint.{language}"), words.clone())));
            }
            ArrowField::new(&field.name.value, stored(field.storage()), true).with_metadata(metadata)
        })
        .collect();
    let metadata = HashMap::from([
        ("cohorte.schema".to_owned(), resolved.schema.name.value.clone()),
        ("cohorte.schema_version".to_owned(), resolved.schema.version.clone()),
        ("cohorte.table".to_owned(), target.name.value.clone()),
        ("cohorte.site".to_owned(), table.site.clone()),
    ]);
    Arc::new(ArrowSchema::new_with_metadata(fields, metadata))
}

/// Text views are for work in memory; files hold plain texts, which every reader knows.
fn stored(kind: Kind) -> DataType {
    match kind {
        Kind::Text => DataType::Utf8,
        other => other.data_type(),
    }
}

/// The schema of rejected rows: the source's columns, `_file, _row, _byte, _raw, _reasons`.
pub fn rejected_schema(columns: &[String]) -> SchemaRef {
    let mut fields: Vec<ArrowField> = columns.iter().map(|c| ArrowField::new(c, DataType::Utf8, true)).collect();
    let reason = ArrowField::new("item", DataType::Struct(reason_fields()), false);
    fields.extend([
        ArrowField::new("_file", DataType::Utf8, true),
        ArrowField::new("_row", DataType::Int64, false),
        ArrowField::new("_byte", DataType::Int64, false),
        ArrowField::new("_raw", DataType::Utf8, true),
        ArrowField::new("_reasons", DataType::List(Arc::new(reason)), false),
        ArrowField::new("_id", DataType::Int64, true),
    ]);
    Arc::new(ArrowSchema::new(fields))
}

/// The schema of findings about rows that stay: where the row is, and what was found.
pub fn finding_schema() -> SchemaRef {
    let text = |name: &str, nullable| ArrowField::new(name, DataType::Utf8, nullable);
    let whole = |name: &str, nullable| ArrowField::new(name, DataType::Int64, nullable);
    Arc::new(ArrowSchema::new(vec![text("_file", true), whole("_row", false), whole("_byte", false), whole("_id", true), text("code", false), text("field", true), text("rule", false), text("severity", false)]))
}

/// The numbers of a run.
pub fn summary(resolved: &Resolved, runs: &[TableRun], together: &Together, settled: &Settled, started: (Instant, DateTime<Utc>)) -> RunSummary {
    let (accounts, steps) = (&settled.accounts, &settled.steps);
    let mut sites: Vec<String> = vec![];
    for table in &resolved.tables {
        if !sites.contains(&table.site) {
            sites.push(table.site.clone());
        }
    }
    let mut counted: Vec<Counted<'_>> = vec![];
    let mut variables = vec![];
    let mut unmapped = vec![];
    for ((table, run), account) in resolved.tables.iter().zip(runs).zip(accounts) {
        let target = &resolved.schema.tables[table.table];
        let is_filled = |name: &str| resolved.tables.iter().any(|t| resolved.schema.tables[t.table].name.value == name);
        counted.extend(counts(table, target, run, account, is_filled));
        variables.extend(variables_of(table, target, run));
        unmapped.extend(unmapped_of(table, target, run));
    }
    counted.extend(later_counts(resolved, runs, together));
    unmapped.sort_by(|a, b| (a.value.is_none(), std::cmp::Reverse(a.rows), &a.site, &a.field, &a.value).cmp(&(b.value.is_none(), std::cmp::Reverse(b.rows), &b.site, &b.field, &b.value)));
    let mut reasons: Vec<ReasonCount> = counted.iter().filter(|c| c.violated > 0 && c.is_reason).map(Counted::reason).collect();
    reasons.extend(resolved.tables.iter().zip(runs).flat_map(|(table, run)| reasons_before(resolved, table, run)));
    reasons.sort_by(|a, b| (std::cmp::Reverse(a.rows), &a.site, &a.field, &a.rule).cmp(&(std::cmp::Reverse(b.rows), &b.site, &b.field, &b.rule)));
    let mut rules = rule_results(&counted);
    rules.iter_mut().for_each(|result| describe(resolved, result));
    let failed = rules.iter().any(|r| r.status == RuleStatus::Failed && r.severity == Severity::Error);
    RunSummary {
        format: 1,
        tool: concat!("cohorte ", env!("CARGO_PKG_VERSION")).to_owned(),
        pipeline: resolved.pipeline.clone(),
        schema: schema_summary(resolved, &variables),
        started_at: started.1.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        seconds: started.0.elapsed().as_secs_f64(),
        sites,
        sources: sources(resolved, runs),
        accounts: accounts.to_vec(),
        steps: steps.to_vec(),
        variables,
        rules,
        unmapped,
        reasons,
        endpoints: endpoints(resolved),
        survival: together.survival.clone(),
        history: vec![],
        queries: vec![],
        small_cell: resolved.small_cell.unwrap_or(SMALL_CELL),
        public: false,
        status: if failed { RunStatus::Failed } else { RunStatus::Passed },
    }
}

/// What the schema says of a rule beside its condition.
fn describe(resolved: &Resolved, result: &mut RuleResult) {
    let rule = resolved.schema.tables.iter().find(|t| t.name.value == result.table).and_then(|t| t.rules.iter().find(|r| r.id.value == result.rule));
    let Some(rule) = rule.filter(|_| result.code == code::RULE.id || result.code == code::COMPLETENESS.id) else { return };
    result.name = rule.name.clone();
    result.reference = rule.reference.clone();
    if let Condition::Named(word, _) = &rule.condition {
        result.dqd = kind_of(rule.category, &word.value).and_then(|k| k.dqd).map(str::to_owned);
    }
}

/// Reasons that rows were refused for before they reached the table.
fn reasons_before(resolved: &Resolved, table: &ResolvedTable, run: &TableRun) -> Vec<ReasonCount> {
    let target = &resolved.schema.tables[table.table];
    let of_stage = |(stage, done): (&crate::check::Stage, &StepRun)| -> Vec<ReasonCount> {
        let one = |(at, check): (usize, &Check)| {
            let rows: u64 = done.partitions.iter().filter_map(|p| p.checks.get(at)).map(|c| c.0).sum();
            (rows > 0 && check.effect != Effect::Filter).then(|| ReasonCount {
                site: table.site.clone(),
                source: stage.name.clone(),
                table: target.name.value.clone(),
                code: check.code.id.to_owned(),
                field: check.field.clone(),
                rule: check.rule.clone(),
                severity: severity(target, check),
                rows,
            })
        };
        stage.checks.iter().enumerate().filter_map(one).collect()
    };
    table.stages.iter().zip(&run.stages).flat_map(of_stage).collect()
}

/// A rule's counts on one table run.
#[derive(Clone)]
struct Counted<'a> {
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

fn counts<'a>(table: &'a ResolvedTable, target: &'a Table, run: &TableRun, account: &Account, is_filled: impl Fn(&str) -> bool) -> Vec<Counted<'a>> {
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

/// A completeness rule on a field that the site does not deliver does not apply there.
pub fn absent(table: &ResolvedTable, target: &Table, check: &Check) -> bool {
    let names = check.expression.as_deref().unwrap_or_default();
    names.split(", ").any(|name| target.fields.iter().position(|f| f.name.value == name).and_then(|at| table.fields.get(at)).is_some_and(|s| *s != FieldState::Derived))
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
fn later_counts<'a>(resolved: &'a Resolved, runs: &[TableRun], together: &Together) -> Vec<Counted<'a>> {
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

pub fn severity(target: &Table, check: &Check) -> Severity {
    let declared = target.rules.iter().find(|r| r.id.value == check.rule).map(|r| Effect::from(r.severity));
    match declared.unwrap_or(check.effect) {
        Effect::Filter | Effect::Warn => Severity::Warning,
        Effect::Quarantine | Effect::Fail => Severity::Error,
    }
}

fn category(category: RuleCategory) -> Category {
    match category {
        RuleCategory::Conformance => Category::Conformance,
        RuleCategory::Completeness => Category::Completeness,
        RuleCategory::Plausibility => Category::Plausibility,
    }
}

/// Each rule over all sites, followed by its sites; in the order of first appearance.
fn rule_results(counted: &[Counted<'_>]) -> Vec<RuleResult> {
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

fn variables_of(table: &ResolvedTable, target: &Table, run: &TableRun) -> Vec<Variable> {
    target
        .fields
        .iter()
        .enumerate()
        .map(|(at, field)| {
            let mut profile = Profile::default();
            run.table.partitions.iter().filter_map(|p| p.profiles.get(at)).for_each(|p| profile.merge(p.clone()));
            let state = table.fields.get(at).unwrap_or(&FieldState::NotMapped);
            let (state, reason) = match state {
                FieldState::Derived => (VariableState::Derived, None),
                FieldState::Impossible(why) => (VariableState::Impossible, Some(why.clone())),
                FieldState::Undetermined(why) => (VariableState::Undetermined, Some(why.clone())),
                FieldState::NotMapped => (VariableState::NotMapped, None),
            };
            let distribution = (state == VariableState::Derived).then(|| profile.distribution(field)).flatten();
            Variable { table: target.name.value.clone(), site: table.site.clone(), field: field.name.value.clone(), state, reason, rows: profile.rows, filled: profile.filled, distribution }
        })
        .collect()
}

/// The unmapped codes of a table, and those of the shapes before it: under the shape's name, as its ConceptMap has them.
fn unmapped_of(table: &ResolvedTable, target: &Table, run: &TableRun) -> Vec<Unmapped> {
    let stages = table.stages.iter().zip(&run.stages).flat_map(|(stage, done)| unmapped_in(&table.site, &stage.name, &stage.checks, done));
    stages.chain(unmapped_in(&table.site, &target.name.value, &table.checks, &run.table)).collect()
}

fn unmapped_in(site: &str, rows_of: &str, checks: &[Check], run: &StepRun) -> Vec<Unmapped> {
    let listed: Vec<&Check> = checks.iter().filter(|c| c.raw.is_some()).collect();
    let mut out = vec![];
    for (at, check) in listed.iter().enumerate() {
        let mut all = TextCounts::default();
        for counts in run.partitions.iter().filter_map(|p| p.texts.get(at)) {
            counts.counts.iter().for_each(|(text, n)| *all.counts.entry(text.clone()).or_default() += n);
            all.others += counts.others;
        }
        let one = |value: Option<String>, rows| Unmapped {
            table: rows_of.to_owned(),
            site: site.to_owned(),
            field: check.field.clone().unwrap_or_default(),
            column: check.column.clone().unwrap_or_default(),
            value,
            rows,
        };
        let mut hidden = all.others;
        for (text, rows) in all.counts {
            if rows < SMALL_CELL {
                hidden += rows;
            } else {
                out.push(one(Some(text), rows));
            }
        }
        if hidden > 0 {
            out.push(one(None, hidden));
        }
    }
    out
}

fn sources(resolved: &Resolved, runs: &[TableRun]) -> Vec<SourceSummary> {
    let mut seen: Vec<(&str, &str)> = vec![];
    let mut out = vec![];
    let read = resolved.tables.iter().zip(runs).flat_map(|(table, run)| table.inputs.iter().zip(run.indexes.iter().zip(&run.fingerprints)).map(move |(input, indexes)| (table, input, indexes)));
    for (table, input, (indexes, fingerprints)) in read {
        if seen.contains(&(&table.mapping, &input.name)) {
            continue;
        }
        seen.push((&table.mapping, &input.name));
        let files = input
            .files
            .iter()
            .zip(indexes.iter().zip(fingerprints))
            .map(|(file, (index, sha256))| FileSummary {
                path: file.shown.clone(),
                bytes: index.bytes,
                sha256: sha256.clone(),
                rows: index.rows,
                blank_lines: index.blank_lines,
                comment_lines: index.comment_lines,
                encoding: file.encoding(),
                delimiter: file.delimiter(),
                evidence: file.evidence.clone(),
            })
            .collect();
        out.push(SourceSummary { site: table.site.clone(), name: input.name.clone(), mapping: table.mapping.clone(), format: input.format.clone(), files });
    }
    out
}

fn endpoints(resolved: &Resolved) -> Vec<EndpointSummary> {
    let of = |table: &ResolvedTable| -> Vec<EndpointSummary> {
        let one = |e: &crate::check::ResolvedEndpoint| EndpointSummary {
            table: resolved.schema.tables[table.table].name.value.clone(),
            site: table.site.clone(),
            name: e.name.clone(),
            fields: e.fields.clone(),
            definition: e.described.definition.clone(),
            words: e.described.words.clone(),
            derivation: e.described.json.clone(),
        };
        table.endpoints.iter().map(one).collect()
    };
    resolved.tables.iter().flat_map(of).collect()
}

/// The schema as the report tells it. Of a large codelist only the codes that occur are told.
fn schema_summary(resolved: &Resolved, variables: &[Variable]) -> SchemaSummary {
    let schema = &resolved.schema;
    let occurring = |table: &Table, field: &Field| -> HashSet<&str> {
        let mine = variables.iter().filter(|v| v.table == table.name.value && v.field == field.name.value);
        let counts = mine.filter_map(|v| match &v.distribution { Some(Distribution::Category { counts }) => Some(counts), _ => None });
        counts.flatten().map(|c| c.value.as_str()).collect()
    };
    let values = |table: &Table, field: &Field| -> Vec<ValueLabel> {
        let told = (field.values.len() > MOST_VALUES).then(|| occurring(table, field));
        let told = |value: &str| told.as_ref().is_none_or(|told| told.contains(value));
        field.values.iter().filter(|v| told(&v.value.value)).map(|v| ValueLabel { value: v.value.value.clone(), label: v.label.clone() }).collect()
    };
    let field = |table: &Table, field: &Field| FieldSummary {
        name: field.name.value.clone(),
        kind: field.kind.value.word().to_owned(),
        unit: field.unit.as_ref().map(|u| u.value.clone()),
        required: field.required,
        description: field.description.clone(),
        concept: field.concept.clone(),
        values: values(table, field),
        ordered: field.ordered,
        range: field.range.as_ref().map(|r| r.value.clone().map(|end| end.map(|e| e.value))),
    };
    let tables = schema.tables.iter().map(|table| TableSummary {
        name: table.name.value.clone(),
        description: table.description.clone(),
        key: table.key.iter().map(|k| k.value.clone()).collect(),
        fields: table.fields.iter().map(|f| field(table, f)).collect(),
    });
    SchemaSummary { name: schema.name.value.clone(), version: schema.version.clone(), description: schema.description.clone(), tables: tables.collect() }
}

