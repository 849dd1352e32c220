//! One mapping against the schema and the headers of its files.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, in_list};

use super::schema::Lowered;
use super::headers::{Delivered, deliver, different_headers};
use super::shape::{self, Shapes};
use super::{FieldState, Input, Keep, ResolvedEndpoint, ResolvedSource, ResolvedTable};
use crate::config::Name;
use crate::config::endpoint::Endpoint;
use crate::config::mapping::{Locale, Mapping, OnError, Source, TableMapping, TrueNumbers};
use crate::config::project::Project;
use crate::config::rule::RuleCategory;
use crate::config::schema::{Field, FieldType, Table};
use crate::config::yaml::{Node, Value};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, closest, code};
use crate::rule::{CONSTRAINTS, Check, Effect, explained_required};
use crate::source::{self, FileHead};
use crate::transform::derive::{self, Functions, Outcome, column, field_column};
use crate::transform::{Column, Definitions, Failure, Kind, Names, SqlScope, endpoint};

/// What all tables of a check have in common.
pub struct Context<'a> {
    pub project: &'a Project,
    pub functions: &'a Functions,
    pub scope: &'a SqlScope,
    pub keep: Keep,
}

pub fn check(context: &Context<'_>, mapping: &Mapping, path: &Path, rules: &[Vec<Option<Lowered>>], found: &mut Diagnostics, out: &mut Vec<ResolvedTable>) {
    let base = path.parent().unwrap_or(Path::new(""));
    let tables = &context.project.schema.tables;
    unused(mapping, found);
    let mut delivered: HashMap<&str, Delivered> = HashMap::new();
    for source in &mapping.sources {
        crate::transform::dates_are_sound(&source.locale, found);
        delivered.insert(&source.name.value, deliver(source, base, found));
    }
    for table in &mapping.tables {
        let Some(place) = tables.iter().position(|t| t.name.value == table.table.value) else {
            found.push(
                Diagnostic::error(code::UNKNOWN_TABLE, table.table.span, format!("the schema has no table `{}`", table.table.value))
                    .label("no such table")
                    .suggest(&table.table.value, tables.iter().map(|t| t.name.value.as_str())),
            );
            continue;
        };
        let mut shapes = Shapes::new(context, mapping, &delivered, table);
        let from = match mapping.sources.iter().find(|s| s.name.value == table.from.value) {
            // The columns are not known where no header could be read; the rest is checked all the same.
            Some(source) if delivered.get(source.name.value.as_str()).is_some_and(|d| d.columns.is_none()) => {
                Some(From { input: Input::Source(0), columns: None, shaped: vec![], locale: locale_of(source), files: vec![], formats: vec![format_of(source)], replaces: false })
            }
            Some(source) => delivered.get(source.name.value.as_str()).map(|delivered| {
                let columns = delivered.columns.clone().unwrap_or_default();
                shapes.inputs.push(ResolvedSource::new(source, &delivered.files, columns.clone()));
                From { input: Input::Source(0), columns: Some(columns), shaped: vec![], locale: locale_of(source), files: vec![delivered.files.clone()], formats: vec![format_of(source)], replaces: false }
            }),
            None => shapes.from(&table.from, found),
        };
        let Some(from) = from else { continue };
        let work = Work { context, mapping, table, from: &from, target: &tables[place] };
        if let Some(resolved) = work.resolve(place, &rules[place], shapes, found) {
            out.push(resolved);
        }
    }
}

/// Sources and shapes that nothing reads.
fn unused(mapping: &Mapping, found: &mut Diagnostics) {
    let mut read: Vec<String> = mapping.tables.iter().map(|t| t.from.value.clone()).collect();
    let mut at = 0;
    while let Some(name) = read.get(at).cloned() {
        at += 1;
        for shape in mapping.shapes.iter().filter(|s| s.name.value == name) {
            for next in shape::references(shape).filter(|n| !read.contains(&n.value)).map(|n| n.value).collect::<Vec<_>>() {
                read.push(next);
            }
        }
    }
    let rows: Vec<&Name> = mapping.sources.iter().map(|s| &s.name).chain(mapping.shapes.iter().map(|s| &s.name)).collect();
    for shape in &mapping.shapes {
        if let Some(source) = mapping.sources.iter().find(|s| s.name.value == shape.name.value) {
            found.push(Diagnostic::error(code::SHAPE_NAME, shape.name.span, format!("`{}` is a source already", shape.name.value)).label("which of the two is meant?").related(source.name.span, "the source"));
        }
    }
    // A misspelt name is a finding of its own, and what it was to name is not unused.
    if read.iter().any(|name| rows.iter().all(|r| r.value != *name)) {
        return;
    }
    for source in mapping.sources.iter().filter(|s| !read.contains(&s.name.value)) {
        found.push(Diagnostic::warning(code::UNUSED_SOURCE, source.name.span, format!("no table is filled from the source `{}`", source.name.value)).label("not used"));
    }
    for shape in mapping.shapes.iter().filter(|s| !read.contains(&s.name.value)) {
        found.push(Diagnostic::warning(code::UNUSED_SHAPE, shape.name.span, format!("no table is filled from the shape `{}`", shape.name.value)).label("not used"));
    }
}

/// The rows that a table, or a shape, is made of.
pub struct From {
    pub input: Input,
    /// `None` when no header could be read.
    pub columns: Option<Vec<String>>,
    /// The same, where they are those of a shape.
    pub shaped: Vec<Column>,
    pub locale: Arc<Locale>,
    /// The files of each source, by its place.
    pub files: Vec<Vec<FileHead>>,
    /// And their formats.
    pub formats: Vec<String>,
    /// Whether what is derived takes the place of a column of the same name.
    pub replaces: bool,
}

pub struct Work<'a> {
    pub context: &'a Context<'a>,
    pub mapping: &'a Mapping,
    pub table: &'a TableMapping,
    pub from: &'a From,
    pub target: &'a Table,
}

/// What the derivations of a table come to.
struct Derivations {
    definitions: Definitions,
    fields: Vec<FieldState>,
    checks: Vec<Check>,
    endpoints: Vec<ResolvedEndpoint>,
}

impl Work<'_> {
    fn resolve(&self, place: usize, rules: &[Option<Lowered>], shapes: Shapes<'_>, found: &mut Diagnostics) -> Option<ResolvedTable> {
        let derived = self.derivations(rules, found)?;
        if !shapes.is_sound() {
            return None;
        }
        Some(ResolvedTable {
            site: self.mapping.site.value.clone(),
            mapping: self.mapping.name.value.clone(),
            source: self.table.from.value.clone(),
            table: place,
            inputs: shapes.inputs,
            stages: shapes.stages,
            input: self.from.input.clone(),
            columns: self.from.columns.clone().unwrap_or_default(),
            definitions: derived.definitions,
            fields: derived.fields,
            checks: derived.checks,
            endpoints: derived.endpoints,
        })
    }

    /// The derivations and filters of a shape, whose columns stand in for a table's fields.
    pub fn step(&self, rules: &[Option<Lowered>], found: &mut Diagnostics) -> Option<(Definitions, Vec<Check>)> {
        self.derivations(rules, found).map(|derived| (derived.definitions, derived.checks))
    }

    fn derivations(&self, rules: &[Option<Lowered>], found: &mut Diagnostics) -> Option<Derivations> {
        let (errors_before, found_before) = (found.counts().0, found.items.len());
        let names = Names { columns: self.from.columns.as_deref(), shaped: &self.from.shaped, fields: &self.target.fields, table: &self.target.name.value, in_shape: self.from.replaces };
        for (name, _) in &self.table.fields {
            if !self.target.fields.iter().any(|f| f.name.value == name.value) {
                found.push(
                    Diagnostic::error(code::UNKNOWN_FIELD, name.span, format!("the table `{}` has no field `{}`", self.target.name.value, name.value))
                        .label("not in the schema")
                        .suggest(&name.value, self.target.fields.iter().map(|f| f.name.value.as_str())),
                );
            }
        }
        let mut definitions = Definitions::default();
        let mut fields = vec![];
        let mut failures: Vec<(usize, Failure)> = vec![];
        let context = derive::Context {
            locale: &self.from.locale,
            names: &names,
            site: &self.mapping.site.value,
            table_policy: self.table.on_error.as_ref().map(|p| p.value),
            functions: self.context.functions,
            scope: self.context.scope,
            endpoints: &self.table.endpoints,
        };
        let endpoints = self.endpoints(found);
        for (place, field) in self.target.fields.iter().enumerate() {
            let (state, expr) = self.field(&context, field, &mut definitions, place, &mut failures, found);
            definitions.insert(field_column(&field.name.value), field.storage(), expr);
            fields.push(state);
        }
        // What a shape has derived takes the place of the column of that name; the fields of a table stand beside the columns.
        let left: Option<Vec<String>> = names.columns.filter(|_| self.from.replaces).map(|all| all.iter().filter(|c| names.fields.iter().all(|f| f.name.value != **c)).cloned().collect());
        let names = Names { columns: left.as_deref().or(names.columns), ..names };
        let filters = self.filters(&derive::Context { names: &names, ..context }, &mut definitions, found);
        self.one_policy_finding(found_before, found);
        self.used_columns(&definitions, found);
        // Where no header could be read a name may be a column after all.
        if self.from.columns.is_some() {
            self.cycles(&definitions, found);
        }
        // Every finding is made by now: what follows is for a run.
        if found.counts().0 > errors_before || self.context.keep == Keep::Nothing {
            return None;
        }
        let checks = self.checks(&mut definitions, filters, failures, rules);
        Some(Derivations { definitions, fields, checks, endpoints })
    }

    /// The table's endpoints with the fields that are derived from them.
    fn endpoints(&self, found: &mut Diagnostics) -> Vec<ResolvedEndpoint> {
        let taken: Vec<(&str, &str)> = self.table.fields.iter().filter_map(|(name, node)| match &node.value {
            Value::Map(items) => items.iter().find(|(k, _)| k.text() == Some("endpoint")).and_then(|(_, v)| Some((v.text()?, name.value.as_str()))),
            _ => None,
        }).collect();
        let misspelt = taken.iter().any(|(endpoint, _)| self.table.endpoints.iter().all(|e| e.name.value != *endpoint));
        let fields = |endpoint: &str| -> Vec<String> { taken.iter().filter(|(e, _)| *e == endpoint).map(|(_, field)| (*field).to_owned()).collect() };
        endpoint::check(&self.table.endpoints, |name| misspelt || !fields(name).is_empty(), found);
        let one = |e: &Endpoint| ResolvedEndpoint { name: e.name.value.clone(), fields: fields(&e.name.value), described: endpoint::describe(e) };
        self.table.endpoints.iter().map(one).filter(|e| !e.fields.is_empty()).collect()
    }

    /// The conditions of the table's filters: each a Boolean of the plan, and how it can fail.
    fn filters(&self, context: &derive::Context<'_>, definitions: &mut Definitions, found: &mut Diagnostics) -> Vec<Filter> {
        let mut filters = vec![];
        for (name, sql) in &self.table.filters {
            let scalar = Node { value: Value::Scalar { text: "sql".into(), quoted: false }, span: sql.span };
            let derivation = Node { value: Value::Map(vec![(scalar, sql.clone())]), span: sql.span };
            let field = Field::of_condition(name.clone());
            if let Some(Outcome::Derived(derived)) = derive::lower(context, &field, name, &derivation, definitions, found) {
                let holds = definitions.define(&format!("s:{}", name.value), Kind::Boolean, derived.expr);
                filters.push(Filter { id: name.value.clone(), expression: sql.text().unwrap_or_default().to_owned(), holds, failures: derived.failures });
            }
        }
        filters
    }

    /// Many derivations without a policy are one thing to write: the table's.
    fn one_policy_finding(&self, since: usize, found: &mut Diagnostics) {
        let (open, rest): (Vec<_>, Vec<_>) = found.items.drain(since..).partition(|d| d.code == code::NO_POLICY);
        found.items.extend(rest);
        match open.as_slice() {
            [] => {}
            [one] => found.items.push(one.clone()),
            many => {
                let at = |d: &Diagnostic| self.table.fields.iter().find(|(n, _)| Some(n.span) == d.span).map(|(n, _)| format!("`{}`", n.value));
                let names: Vec<String> = many.iter().filter_map(at).collect();
                let shown = names.iter().take(6).cloned().collect::<Vec<_>>().join(", ");
                let more = if names.len() > 6 { format!(" and {} more", names.len() - 6) } else { String::new() };
                found.items.push(
                    Diagnostic::error(code::NO_POLICY, self.table.span, format!("{} derivations can meet unreadable values, and nothing says what happens then", names.len()))
                        .label(format!("{shown}{more}"))
                        .help(format!("write `on_error: quarantine` (or `null`, or `fail`) for the {}", if self.from.replaces { "shape" } else { "table" })),
                );
            }
        }
    }

    fn field(
        &self,
        context: &derive::Context<'_>,
        field: &Field,
        definitions: &mut Definitions,
        place: usize,
        failures: &mut Vec<(usize, Failure)>,
        found: &mut Diagnostics,
    ) -> (FieldState, Expr) {
        let missing = || Expr::Literal(ScalarValue::try_from(&field.storage().data_type()).unwrap_or(ScalarValue::Null), None);
        let Some((name, node)) = self.table.fields.iter().find(|(n, _)| n.value == field.name.value) else {
            let known = |n: &str| self.target.fields.iter().any(|f| f.name.value == n);
            let misspelt = self.table.fields.iter().any(|(n, _)| !known(&n.value) && closest(&n.value, &[&field.name.value]).is_some());
            if misspelt {
                // The misspelt name is the finding.
            } else if field.required {
                found.push(
                    Diagnostic::error(code::REQUIRED_FIELD, self.table.span, format!("the required field `{}` has no derivation", field.name.value))
                        .label("missing in this table")
                        .related(field.name.span, "required by the schema"),
                );
            } else {
                found.push(
                    Diagnostic::warning(code::NOT_MAPPED, self.table.span, format!("the field `{}` is not mentioned", field.name.value))
                        .label("not mapped here")
                        .help(format!("derive it, or say why not: `{}: {{undetermined: …}}`", field.name.value)),
                );
            }
            return (FieldState::NotMapped, missing());
        };
        if field.kind.value == FieldType::Pseudonym && self.context.project.pipeline.key.is_none() {
            found.push(
                Diagnostic::error(code::NO_KEY, name.span, format!("`{}` is a pseudonym, and the pipeline names no key", name.value))
                    .label("needs a key")
                    .related(self.context.project.pipeline.name.span, "this pipeline")
                    .help("add `pseudonym: {key_env: COHORTE_KEY}` to the pipeline"),
            );
        }
        match derive::lower(context, field, name, node, definitions, found) {
            Some(Outcome::Derived(derived)) => {
                failures.extend(derived.failures.into_iter().map(|f| (place, f)));
                (FieldState::Derived, derived.expr)
            }
            Some(absent) => {
                if field.required {
                    found.push(
                        Diagnostic::error(code::REQUIRED_IMPOSSIBLE, name.span, format!("`{}` is required, and cannot be absent at a site", name.value))
                            .label("every row would go to quarantine")
                            .related(field.name.span, "required by the schema"),
                    );
                }
                match absent {
                    Outcome::Impossible(reason) => (FieldState::Impossible(reason), missing()),
                    Outcome::Undetermined(reason) => (FieldState::Undetermined(reason), missing()),
                    Outcome::Derived(_) => (FieldState::Derived, missing()),
                }
            }
            None => (FieldState::NotMapped, missing()),
        }
    }

    /// Every file has the columns that are used, each once.
    fn used_columns(&self, definitions: &Definitions, found: &mut Diagnostics) {
        if self.from.columns.is_none() {
            return;
        }
        for column in columns_of(definitions) {
            let (source, own) = match self.from.shaped.iter().find(|c| c.name == column) {
                Some(Column { origin: Some((source, own)), .. }) => (*source, own),
                Some(_) => continue,
                None => (0, &column),
            };
            let Some(files) = self.from.files.get(source) else { continue };
            let at = self.table.fields.iter().chain(&self.table.filters).find_map(|(_, node)| mention(node, &column)).unwrap_or_else(|| self.named_at(&column));
            different_headers(files, own, at, found);
        }
    }

    /// Where a column is named that no derivation names itself.
    fn named_at(&self, column: &str) -> Span {
        self.table.endpoints.iter().flat_map(Endpoint::names).find(|n| n.value == column).map_or(self.table.span, |n| n.span)
    }

    /// Fields that need each other; those that only need one of them are not named.
    fn cycles(&self, definitions: &Definitions, found: &mut Diagnostics) {
        let Err(stuck) = definitions.levels() else { return };
        let needs = |name: &str| -> Vec<String> {
            definitions.get(name).map(|d| d.expr.column_refs().iter().map(|c| c.name.clone()).filter(|c| stuck.contains(c)).collect()).unwrap_or_default()
        };
        let needs_itself = |name: &String| {
            let (mut todo, mut seen) = (needs(name), HashSet::new());
            while let Some(next) = todo.pop() {
                if next == *name {
                    return true;
                }
                if seen.insert(next.clone()) {
                    todo.extend(needs(&next));
                }
            }
            false
        };
        let fields: Vec<String> = stuck.iter().filter(|n| needs_itself(n)).filter_map(|n| n.strip_prefix("f:").map(|f| format!("`{f}`"))).collect();
        let at = self.table.fields.iter().find(|(n, _)| fields.contains(&format!("`{}`", n.value))).map_or(self.table.span, |(n, _)| n.span);
        let message = match fields.as_slice() {
            [one] => format!("{one} needs itself"),
            _ => format!("these fields need each other: {}", fields.join(", ")),
        };
        found.push(Diagnostic::error(code::CYCLE, at, message).label("none of them can be computed first"));
    }

    fn checks(&self, definitions: &mut Definitions, filters: Vec<Filter>, failures: Vec<(usize, Failure)>, rules: &[Option<Lowered>]) -> Vec<Check> {
        let mut checks: Vec<Check> = vec![];
        let mut undecided: Vec<Expr> = vec![];
        for check in shape::base_checks(&self.from.input, &self.from.formats) {
            let refuses = matches!(check.effect, Effect::Quarantine | Effect::Fail);
            let outcome = push(&mut checks, definitions, check);
            undecided.extend(refuses.then_some(outcome));
        }
        // Whether a row belongs here cannot be told by a cell that cannot be read, be it read by a field that the filter asks for.
        let asked = self.asked_for(definitions, &filters);
        undecided.extend(failures.iter().filter(|(field, f)| asked.contains(field) && f.policy != OnError::Null).map(|(_, f)| f.violated.clone()));
        for filter in &filters {
            for failure in &filter.failures {
                // Of a field that reads the same cell it is the field's finding.
                let owned = failures.iter().find(|(_, f)| f.same == failure.same && f.policy == failure.policy).map(|(_, f)| f.violated.clone());
                match owned {
                    _ if failure.policy == OnError::Null => {}
                    Some(violated) => undecided.push(violated),
                    None => {
                        let mut check = Check::filter(&filter.id, &filter.expression, failure.violated.clone());
                        (check.code, check.effect, check.column) = (failure.code, failure.policy.into(), failure.column.clone());
                        undecided.push(push(&mut checks, definitions, check));
                    }
                }
            }
        }
        let decided = undecided.into_iter().map(|u| Expr::IsNotTrue(Box::new(u))).reduce(Expr::and);
        for filter in &filters {
            let lacks = Expr::IsNotTrue(Box::new(filter.holds.clone()));
            let left_out = decided.iter().cloned().fold(lacks, Expr::and);
            push(&mut checks, definitions, Check::filter(&filter.id, &filter.expression, left_out));
        }
        // One finding for one unreadable cell, however many fields need it: it belongs to the
        // field that is the cell itself, else to the first that needs it.
        let mut owners: Vec<(usize, Failure)> = vec![];
        let mut place_of: HashMap<String, usize> = HashMap::new();
        let mut needs: HashMap<usize, Vec<usize>> = HashMap::new();
        for (field, failure) in failures {
            let at = *place_of.entry(failure.same.clone()).or_insert_with(|| {
                owners.push((field, failure.clone()));
                owners.len() - 1
            });
            let owner = &mut owners[at];
            if failure.direct && !owner.1.direct {
                *owner = (field, Failure { policy: strictest(owner.1.policy, failure.policy), ..failure });
            } else {
                owner.1.policy = strictest(owner.1.policy, failure.policy);
            }
            needs.entry(field).or_default().push(at);
        }
        // The targets of a map and the classes of bins were compared with the field's values already.
        let closed: HashSet<usize> = owners.iter().filter(|(_, f)| matches!(f.rule, "unmapped" | "bins")).map(|(field, _)| *field).collect();
        let mut failure_columns = vec![];
        for (field, failure) in &owners {
            let target = &self.target.fields[*field];
            let mut check = Check::of(target, failure.code, failure.rule, RuleCategory::Conformance, failure.violated.clone());
            check.effect = failure.policy.into();
            check.column = failure.column.clone();
            check.raw = failure.raw.clone();
            failure_columns.push(push(&mut checks, definitions, check));
        }
        self.error_cells(definitions, owners.iter().filter_map(|(_, f)| f.column.as_deref()).collect(), &mut checks);
        for (place, field) in self.target.fields.iter().enumerate() {
            let value = column(&field_column(&field.name.value));
            let mut explained: HashSet<usize> = HashSet::new();
            self.explain(place, definitions, &needs, &mut explained, &mut HashSet::new());
            let mut explained: Vec<usize> = explained.into_iter().filter(|at| owners[*at].1.policy != OnError::Null).collect();
            explained.sort_unstable();
            let explained: Vec<Expr> = explained.into_iter().map(|at| failure_columns[at].clone()).collect();
            if let Some(check) = explained_required(field, value.clone(), &explained) {
                push(&mut checks, definitions, check);
            }
            for constraint in CONSTRAINTS {
                if let Some(mut check) = (constraint.check)(self.context.functions, field, value.clone()) {
                    if constraint.key == "values" && closed.contains(&place) {
                        // Counted as every rule is, and never violated: a value is not itself lost.
                        check.violated = derive::call(self.context.functions, "failed", vec![value.clone(), value.clone()]);
                    }
                    push(&mut checks, definitions, check);
                }
            }
        }
        for (rule, violated) in self.target.rules.iter().zip(rules) {
            let Some(Lowered::Row { violated, expression, field, of_accepted }) = violated else { continue };
            let check = Check {
                code: if *of_accepted { code::COMPLETENESS } else { code::RULE },
                rule: rule.id.value.clone(),
                field: field.clone(),
                column: None,
                category: rule.category,
                effect: if *of_accepted { Effect::Warn } else { rule.severity.into() },
                violated: violated.clone(),
                raw: None,
                expression: Some(expression.clone()),
                description: rule.description.clone(),
                threshold: rule.threshold.clone(),
                of_accepted: *of_accepted,
            };
            push(&mut checks, definitions, check);
        }
        checks
    }

    /// A cell that holds an error is no value: where nothing reads the column's text, nothing else would tell.
    fn error_cells(&self, definitions: &mut Definitions, read: HashSet<&str>, checks: &mut Vec<Check>) {
        let errors: Vec<&str> = self.from.formats.iter().filter_map(|f| source::records_of(f)).flat_map(|f| f.errors).copied().collect();
        let errors: Vec<Expr> = errors.into_iter().filter(|e| !self.from.locale.null.iter().any(|n| n == e)).map(|e| derive::text(e.to_owned())).collect();
        if errors.is_empty() {
            return;
        }
        for name in columns_of(definitions).into_iter().filter(|c| !read.contains(c.as_str())) {
            if self.from.shaped.iter().any(|c| c.name == name && c.kind != Kind::Text) {
                continue;
            }
            let mut check = Check::filter("error_cell", "", in_list(column(&derive::raw_column(&name)), errors.clone(), false));
            (check.code, check.effect, check.column, check.expression) = (code::ERROR_CELL, Effect::Quarantine, Some(name), None);
            push(checks, definitions, check);
        }
    }

    /// The fields that filters ask for, and those that these are derived from.
    fn asked_for(&self, definitions: &Definitions, filters: &[Filter]) -> HashSet<usize> {
        let columns = |expr: &Expr| expr.column_refs().into_iter().map(|c| c.name.clone()).collect::<Vec<_>>();
        let mut todo: Vec<String> = filters.iter().flat_map(|f| columns(&f.holds)).collect();
        let (mut seen, mut fields) = (HashSet::new(), HashSet::new());
        while let Some(name) = todo.pop() {
            if !seen.insert(name.clone()) {
                continue;
            }
            fields.extend(name.strip_prefix("f:").and_then(|f| self.target.fields.iter().position(|t| t.name.value == f)));
            todo.extend(definitions.get(&name).map(|d| columns(&d.expr)).unwrap_or_default());
        }
        fields
    }

    /// Failures of a field and of all fields that it is derived from.
    fn explain(&self, place: usize, definitions: &Definitions, needs: &HashMap<usize, Vec<usize>>, out: &mut HashSet<usize>, seen: &mut HashSet<usize>) {
        if !seen.insert(place) {
            return;
        }
        out.extend(needs.get(&place).into_iter().flatten());
        let mut todo = vec![field_column(&self.target.fields[place].name.value)];
        let mut visited = HashSet::new();
        while let Some(name) = todo.pop() {
            let Some(definition) = definitions.get(&name) else { continue };
            for c in definition.expr.column_refs() {
                if let Some(at) = c.name.strip_prefix("f:").and_then(|f| self.target.fields.iter().position(|t| t.name.value == f)) {
                    self.explain(at, definitions, needs, out, seen);
                } else if visited.insert(c.name.clone()) {
                    todo.push(c.name.clone());
                }
            }
        }
    }
}

/// The columns that something is derived from.
fn columns_of(definitions: &Definitions) -> Vec<String> {
    let of = |expr: &Expr| expr.column_refs().into_iter().filter_map(|c| c.name.strip_prefix(derive::RAW).map(str::to_owned)).collect::<Vec<_>>();
    let mut used: Vec<String> = definitions.list.iter().flat_map(|d| of(&d.expr)).collect();
    used.sort();
    used.dedup();
    used
}

/// How cells of a source are read, with what its format says of numbers.
pub fn locale_of(source: &Source) -> Arc<Locale> {
    let mut locale = source.locale.clone();
    if source.format.as_ref().and_then(|f| crate::source::records_of(&f.value)).is_some_and(|f| f.typed) {
        locale.numbers = TrueNumbers::Apart;
    }
    Arc::new(locale)
}

fn format_of(source: &Source) -> String {
    source.format.as_ref().map_or_else(|| "csv".to_owned(), |f| f.value.clone())
}

/// A condition that a row must meet to belong to the table.
struct Filter {
    id: String,
    expression: String,
    holds: Expr,
    failures: Vec<Failure>,
}

fn strictest(a: OnError, b: OnError) -> OnError {
    match (a, b) {
        (OnError::Fail, _) | (_, OnError::Fail) => OnError::Fail,
        (OnError::Quarantine, _) | (_, OnError::Quarantine) => OnError::Quarantine,
        _ => OnError::Null,
    }
}

/// Names the check's condition `k:<n>` and keeps the check; returns the column of its outcome.
pub fn push(checks: &mut Vec<Check>, definitions: &mut Definitions, check: Check) -> Expr {
    let name = format!("k:{}", checks.len());
    definitions.insert(name.clone(), Kind::Boolean, check.violated.clone());
    checks.push(check);
    column(&name)
}

fn mention(node: &Node, column: &str) -> Option<Span> {
    match &node.value {
        Value::Scalar { text, .. } => {
            let inside = text.match_indices(column).any(|(at, _)| {
                let word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
                !word(text[..at].chars().next_back()) && !word(text[at + column.len()..].chars().next())
            });
            inside.then_some(node.span)
        }
        Value::List(items) => items.iter().find_map(|n| mention(n, column)),
        Value::Map(items) => {
            let words = ["from", "coalesce", "age_at", "born", "precision_of", "comparator_of", "sql", "column"];
            let names_a_column = |k: &str, n: &Node| words.contains(&k) || k == "unit" && matches!(n.value, Value::Map(_));
            items.iter().filter(|(k, n)| k.text().is_some_and(|k| names_a_column(k, n))).find_map(|(_, n)| mention(n, column))
        }
    }
}
