//! What of a mapping the cases exercise: derivations, entries of maps, policies, rules.
//!
//! A derivation is exercised where a case expects a value of its field; a map's entry where a row
//! of a case has its key in a column that the derivation reads; a policy, constraint or rule where
//! a row of a case breaks it. What a shape derives is seen by no case: it counts where a row of a case stays in
//! the shape. Nobody needs all of it; what is never exercised is worth knowing.

use super::Subject;
use super::case::{Done, Ran};
use super::expect::is_reason;
use crate::config::cases::Case;
use crate::config::Name;
use crate::config::yaml::{Node, Value};
use crate::diagnostic::{Code, Span, code};
use crate::execute::summary::{RuleResult, RunSummary, VariableState};

/// What can be exercised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemKind {
    /// Exercised where it leaves a row out.
    Filter,
    Derivation,
    MapEntry,
    /// `on_error` and `unmapped`.
    Policy,
    /// Constraints, keys and rules of the schema.
    Rule,
}

impl ItemKind {
    /// All kinds, with the words for one and for several.
    pub const ALL: [(ItemKind, &'static str, &'static str); 5] = [
        (ItemKind::Filter, "filter", "filters"),
        (ItemKind::Derivation, "derivation", "derivations"),
        (ItemKind::MapEntry, "map entry", "map entries"),
        (ItemKind::Policy, "policy", "policies"),
        (ItemKind::Rule, "rule", "rules"),
    ];
}

/// Something that a case can exercise.
#[derive(Debug, Clone)]
pub struct Item {
    pub kind: ItemKind,
    /// The table, or the shape.
    pub table: String,
    pub in_shape: bool,
    pub field: Option<String>,
    /// The map's key, or the rule.
    pub what: Option<String>,
    code: String,
    /// Where it is written.
    pub span: Option<Span>,
    pub exercised: bool,
}

impl Item {
    /// `grade: map entry III`.
    pub fn words(&self) -> String {
        let kind = match (self.kind, self.what.as_deref()) {
            (ItemKind::Filter, what) => format!("filter `{}`", what.unwrap_or_default()),
            (ItemKind::Derivation, _) => "derivation".to_owned(),
            (ItemKind::MapEntry, key) => format!("map entry `{}`", key.unwrap_or_default()),
            (ItemKind::Policy, Some("unmapped")) => "policy `unmapped`".to_owned(),
            (ItemKind::Policy, what) => format!("policy `on_error` ({})", what.unwrap_or_default()),
            (ItemKind::Rule, what) => format!("`{}`", what.unwrap_or_default()),
        };
        match (&self.field, self.in_shape) {
            (Some(field), false) => format!("{field}: {kind}"),
            (Some(field), true) => format!("{}.{field}: {kind}", self.table),
            (None, false) => kind,
            (None, true) => format!("{}: {kind}", self.table),
        }
    }
}

/// Derivations and filters of a table or shape.
struct Part<'a> {
    name: &'a str,
    is_shape: bool,
    fields: &'a [(Name, Node)],
    filters: &'a [(Name, Node)],
}

fn parts<'a>(subject: &Subject<'a>) -> impl Iterator<Item = Part<'a>> + use<'a> {
    let mapping = subject.mapping;
    let shapes = mapping.shapes.iter().map(|s| Part { name: &s.name.value, is_shape: true, fields: &s.derive, filters: &s.filters });
    shapes.chain(mapping.tables.iter().map(|t| Part { name: &t.table.value, is_shape: false, fields: &t.fields, filters: &t.filters }))
}

/// Everything that the cases of a mapping can exercise.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    pub items: Vec<Item>,
}

impl Coverage {
    /// Nothing exercised yet; policies and rules come with the first case that runs.
    pub(super) fn of(subject: &Subject<'_>) -> Coverage {
        let mut items = vec![];
        for part in parts(subject) {
            let item = |kind, field: Option<&Name>, what: Option<String>, span| Item {
                kind,
                table: part.name.into(),
                in_shape: part.is_shape,
                field: field.map(|f| f.value.clone()),
                what,
                code: if kind == ItemKind::Filter { code::FILTERED.id.into() } else { String::new() },
                span: Some(span),
                exercised: false,
            };
            items.extend(part.filters.iter().map(|(name, _)| item(ItemKind::Filter, None, Some(name.value.clone()), name.span)));
            for (name, node) in part.fields.iter().filter(|(_, node)| argument(node, "impossible").is_none() && argument(node, "undetermined").is_none()) {
                items.push(item(ItemKind::Derivation, Some(name), None, name.span));
                if let Some(Value::Map(entries)) = argument(node, "map").map(|n| &n.value) {
                    items.extend(entries.iter().filter_map(|(key, _)| Some(item(ItemKind::MapEntry, Some(name), Some(key.text()?.to_owned()), key.span))));
                }
            }
        }
        Coverage { items }
    }

    /// Notes what a case exercises.
    pub(super) fn add(&mut self, subject: &Subject<'_>, case: &Case, ran: &Ran) {
        for rows in case.accepted.iter().flatten() {
            let table = rows.of.as_ref().map_or_else(|| subject.mapping.tables.first().map(|t| t.table.value.clone()), |n| Some(n.value.clone()));
            for (name, _) in rows.rows.iter().flat_map(|r| &r.cells).filter(|(_, cell)| cell.value.is_some()) {
                let hit = |i: &&mut Item| i.kind == ItemKind::Derivation && !i.in_shape && Some(&i.table) == table.as_ref() && i.field.as_ref() == Some(&name.value);
                self.items.iter_mut().filter(hit).for_each(|i| i.exercised = true);
            }
        }
        for part in parts(subject) {
            self.keys(subject, &part, case);
        }
        let Ran::Done(done) = ran else {
            let policies = self.items.iter_mut().filter(|i| i.kind == ItemKind::Policy);
            if let Some(reason) = &case.fails {
                let is = |i: &&mut Item| is_reason(reason, code::POLICY_FAIL.id, i.field.as_deref(), i.what.as_deref().unwrap_or_default());
                policies.filter(is).for_each(|i| i.exercised = true);
            }
            return;
        };
        for account in &done.summary.accounts {
            let left_out = |name: &str| account.filters.iter().any(|f| f.filter == name && f.rows > 0);
            let hit = |i: &&mut Item| i.kind == ItemKind::Filter && !i.in_shape && i.table == account.table && i.what.as_deref().is_some_and(left_out);
            self.items.iter_mut().filter(hit).for_each(|i| i.exercised = true);
        }
        self.shapes(subject, done);
        for rule in done.summary.rules.iter().filter(|r| r.site.is_some() && counts(r, &done.summary)) {
            let same = |i: &&mut Item| !i.in_shape && i.code == rule.code && i.table == rule.table && i.field == rule.field && i.what.as_deref() == Some(&rule.rule);
            match self.items.iter_mut().find(same) {
                Some(known) => known.exercised |= rule.violated > 0,
                None => {
                    let kind = if rule.code.starts_with('D') { ItemKind::Policy } else { ItemKind::Rule };
                    let span = place(subject, rule, kind);
                    self.items.push(Item { kind, table: rule.table.clone(), in_shape: false, field: rule.field.clone(), what: Some(rule.rule.clone()), code: rule.code.clone(), span, exercised: rule.violated > 0 });
                }
            }
        }
    }

    /// What the rows of a case meet on their way through the shapes.
    fn shapes(&mut self, subject: &Subject<'_>, done: &Done) {
        for check in &done.before {
            let same = |i: &Item| i.in_shape && i.kind == ItemKind::Policy && i.table == check.shape && i.field == check.field && i.code == check.code;
            if !self.items.iter().any(same)
                && let Some(shape) = subject.mapping.shapes.iter().find(|s| s.name.value == check.shape)
            {
                let derived = shape.derive.iter().find(|(n, _)| Some(&n.value) == check.field.as_ref()).map(|(n, _)| n.span);
                let span = Some(derived.unwrap_or(shape.name.span));
                self.items.push(Item { kind: ItemKind::Policy, table: check.shape.clone(), in_shape: true, field: check.field.clone(), what: Some(check.rule.clone()), code: check.code.clone(), span, exercised: false });
            }
        }
        for item in self.items.iter_mut().filter(|i| i.in_shape) {
            let mut steps = done.summary.steps.iter().filter(|s| s.name == item.table);
            item.exercised |= match item.kind {
                ItemKind::Derivation => steps.any(|s| s.rows_kept > 0),
                ItemKind::Filter => steps.any(|s| s.filters.iter().any(|f| item.what.as_ref() == Some(&f.filter) && f.rows > 0)),
                ItemKind::Policy => done.summary.reasons.iter().any(|r| r.source == item.table && r.field == item.field && r.code == item.code),
                ItemKind::MapEntry | ItemKind::Rule => false,
            };
        }
    }

    /// Entries of maps whose keys stand in the case's rows.
    fn keys(&mut self, subject: &Subject<'_>, part: &Part<'_>, case: &Case) {
        let of_a_source = |name: &str| subject.columns.iter().flatten().any(|c| c == name);
        for (name, node) in part.fields {
            let Some(Value::Map(_)) = argument(node, "map").map(|n| &n.value) else { continue };
            let ignore_case = argument(node, "ignore_case").and_then(Node::text) == Some("true");
            let folded = |text: &str| if ignore_case { text.to_lowercase() } else { text.to_owned() };
            let columns: Vec<&str> = ["from", "coalesce", "sql"].into_iter().filter_map(|word| argument(node, word)).flat_map(texts).collect();
            // A shape's column without an origin is read as itself.
            let columns = if columns.is_empty() { vec![name.value.as_str()] } else { columns };
            // A column that an operation has made holds what the cells of others say.
            let made = columns.iter().any(|c| !of_a_source(c)) && argument(node, "sql").is_none();
            let named = |column: &str| made || columns.iter().any(|c| *c == column || c.contains(&format!("\"{column}\"")));
            let cells = case.rows.iter().flat_map(|r| &r.rows).flat_map(|r| &r.cells).filter(|(column, _)| named(&column.value));
            let cells: Vec<String> = cells.filter_map(|(_, cell)| cell.value.as_deref()).map(|t| folded(t.trim())).collect();
            // A cell that is cleaned before it meets the map is compared in its letters and digits.
            let is_cleaned = argument(node, "clean").is_some();
            let plain = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
            let mine = |i: &&mut Item| i.kind == ItemKind::MapEntry && i.in_shape == part.is_shape && i.table == part.name && i.field.as_ref() == Some(&name.value);
            for item in self.items.iter_mut().filter(mine) {
                let key = item.what.as_deref().unwrap_or_default();
                item.exercised |= cells.iter().any(|cell| *cell == folded(key) || (is_cleaned && plain(cell) == plain(key)));
            }
        }
    }

    /// Exercised and all, of one kind or of every kind.
    pub fn share(&self, kind: Option<ItemKind>) -> (usize, usize) {
        let mine = || self.items.iter().filter(|i| kind.is_none_or(|k| i.kind == k));
        (mine().filter(|i| i.exercised).count(), mine().count())
    }
}

/// Whether a case can exercise it: damaged rows are no matter of cells, shares no matter of rows,
/// what the site cannot deliver breaks no rule, and what a map or bins gave is one of the values.
fn counts(rule: &RuleResult, summary: &RunSummary) -> bool {
    let same = |table: &str, field: Option<&str>| table == rule.table && field == rule.field.as_deref();
    let gives = |codes: &[Code]| summary.rules.iter().any(|r| same(&r.table, r.field.as_deref()) && codes.iter().any(|c| c.id == r.code));
    let absent = || summary.variables.iter().any(|v| same(&v.table, Some(v.field.as_str())) && v.state != VariableState::Derived);
    let is_share = rule.code == code::COMPLETENESS.id || (rule.rule == "quarantine" && rule.expression.is_none() && rule.field.is_none());
    let is_closed = (rule.code == code::VALUES.id && gives(&[code::UNMAPPED, code::BINS])) || (rule.code == code::UNMAPPED.id && gives(&[code::BINS]));
    !rule.code.starts_with("D61") && !is_share && !is_closed && !absent()
}

/// Where a policy or rule is written: the derivation, the schema's rule, or its field.
fn place(subject: &Subject<'_>, rule: &RuleResult, kind: ItemKind) -> Option<Span> {
    let mapped = subject.mapping.tables.iter().find(|t| t.table.value == rule.table)?;
    let target = subject.target(mapped)?;
    let derivation = || mapped.fields.iter().find(|(n, _)| Some(&n.value) == rule.field.as_ref()).map(|(n, _)| n.span);
    let field = || target.fields.iter().find(|f| Some(&f.name.value) == rule.field.as_ref()).map(|f| f.name.span);
    let named = || target.rules.iter().find(|r| r.id.value == rule.rule).map(|r| r.id.span);
    let key = || target.key.first().map(|k| k.span).filter(|_| rule.code == code::KEY.id);
    if kind == ItemKind::Policy { derivation() } else { named().or_else(field).or_else(key) }
}

fn argument<'a>(node: &'a Node, word: &str) -> Option<&'a Node> {
    match &node.value {
        Value::Map(items) => items.iter().find(|(k, _)| k.text() == Some(word)).map(|(_, v)| v),
        _ => None,
    }
}

fn texts(node: &Node) -> Vec<&str> {
    match &node.value {
        Value::List(items) => items.iter().filter_map(Node::text).collect(),
        _ => node.text().into_iter().collect(),
    }
}
