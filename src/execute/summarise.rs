//! Counts of all partitions → [`RunSummary`], and the schemas of the files.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};
use datafusion::arrow::datatypes::{DataType, Field as ArrowField, Schema as ArrowSchema, SchemaRef};

use super::account::Settled;
use super::outcomes::{self, Counted, counts, describe, later_counts, rule_results};
use super::tables::{StepRun, TableRun, Together};
use super::profile::{MOST_VALUES, Profile};
use super::sink::{TextCounts, reason_fields};
use super::summary::*;
use crate::check::{FieldState, Resolved, ResolvedTable};
use crate::config::rule::RuleCategory;
use crate::config::schema::{Field, Table};
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
    let mut reasons = outcomes::reasons(&counted);
    reasons.extend(resolved.tables.iter().zip(runs).flat_map(|(table, run)| reasons_before(resolved, table, run)));
    reasons.sort_by(|a, b| (std::cmp::Reverse(a.rows), &a.site, &a.field, &a.rule).cmp(&(std::cmp::Reverse(b.rows), &b.site, &b.field, &b.rule)));
    let mut rules = rule_results(&counted);
    rules.iter_mut().for_each(|result| describe(resolved, result));
    // What could not be judged has not passed.
    let failed = rules.iter().any(|r| matches!(r.status, RuleStatus::Failed | RuleStatus::Error) && r.severity == Severity::Error);
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

/// A completeness rule on a field that the site does not deliver does not apply there.
pub fn absent(table: &ResolvedTable, target: &Table, check: &Check) -> bool {
    let names = check.expression.as_deref().unwrap_or_default();
    names.split(", ").any(|name| target.fields.iter().position(|f| f.name.value == name).and_then(|at| table.fields.get(at)).is_some_and(|s| *s != FieldState::Derived))
}

pub fn severity(target: &Table, check: &Check) -> Severity {
    let declared = target.rules.iter().find(|r| r.id.value == check.rule).map(|r| Effect::from(r.severity));
    match declared.unwrap_or(check.effect) {
        Effect::Filter | Effect::Warn => Severity::Warning,
        Effect::Quarantine | Effect::Fail => Severity::Error,
    }
}

pub fn category(category: RuleCategory) -> Category {
    match category {
        RuleCategory::Conformance => Category::Conformance,
        RuleCategory::Completeness => Category::Completeness,
        RuleCategory::Plausibility => Category::Plausibility,
    }
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

