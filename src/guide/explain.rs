//! One field's derivation in words, through the fields that it needs, down to the columns of the export.

use std::collections::HashSet;
use std::fmt::Write;

use super::words::{flow, steps};
use crate::check::{FieldState, Resolved, ResolvedTable};
use crate::config::mapping::{Source, TableMapping};
use crate::config::project::Project;
use crate::config::schema::{Field, FieldType};
use crate::config::yaml::{Node, Value};
use crate::diagnostic::{closest, code};
use crate::rule::{Check, Effect};
use crate::transform::derive::field_column;

/// The derivation of `table.field` (or `field`, where one table has it) at each site, or at one.
///
/// # Errors
/// What is not there, with the nearest name.
pub fn field(project: &Project, resolved: &Resolved, asked: &str, site: Option<&str>) -> Result<String, String> {
    let tables = &resolved.schema.tables;
    let all: Vec<(usize, usize, String)> = tables
        .iter()
        .enumerate()
        .flat_map(|(t, table)| table.fields.iter().enumerate().map(move |(f, field)| (t, f, format!("{}.{}", table.name.value, field.name.value))))
        .collect();
    let fits: Vec<&(usize, usize, String)> = all.iter().filter(|(.., name)| name == asked || name.split_once('.').is_some_and(|(_, field)| field == asked)).collect();
    let (table, place, name) = match fits.as_slice() {
        [one] => *one,
        [] => return Err(unknown("field", asked, all.iter().flat_map(|(.., name)| [name.as_str(), name.split_once('.').map_or(name, |(_, f)| f)]))),
        several => return Err(format!("`{asked}` is a field of several tables: {}", several.iter().map(|(.., n)| n.as_str()).collect::<Vec<_>>().join(", "))),
    };
    let target = &tables[*table].fields[*place];
    let filled: Vec<&ResolvedTable> = resolved.tables.iter().filter(|t| t.table == *table && site.is_none_or(|s| t.site == s)).collect();
    if let (Some(site), true) = (site, filled.is_empty()) {
        return Err(unknown("site", site, resolved.tables.iter().filter(|t| t.table == *table).map(|t| t.site.as_str())));
    }
    let mut out = format!("{name}{}\n", about(target));
    for table in filled {
        let Some((path, mapping)) = project.mappings.iter().find(|(_, m)| m.name.value == table.mapping) else { continue };
        let Some(source) = mapping.sources.iter().find(|s| s.name.value == table.source) else { continue };
        let Some(written) = mapping.tables.iter().find(|t| t.table.value == tables[table.table].name.value) else { continue };
        let _ = writeln!(out, "\nAt {} ({})", table.site, path.display());
        let site = At { resolved, table, source, written };
        site.tell(&mut out, target, 1, &mut HashSet::new());
    }
    Ok(out)
}

fn unknown<'a>(what: &str, asked: &str, known: impl Iterator<Item = &'a str>) -> String {
    let mut known: Vec<&str> = known.collect();
    known.dedup();
    match closest(asked, &known) {
        Some(near) => format!("there is no {what} `{asked}`; did you mean `{near}`?"),
        None => {
            let shown: Vec<&str> = known.iter().filter(|k| what != "field" || k.contains('.')).take(12).copied().collect();
            format!("there is no {what} `{asked}`; there is {}{}", shown.join(", "), if known.len() > 12 { " …" } else { "" })
        }
    }
}

/// `: Age at diagnosis (integer, in a, required)`.
fn about(field: &Field) -> String {
    let mut parts = vec![field.kind.value.word().to_owned()];
    parts.extend(field.unit.as_ref().map(|u| format!("in {}", u.value)));
    if field.required {
        parts.push("required".into());
    }
    parts.extend(field.concept.iter().map(|(system, code)| format!("{system} {code}")));
    let words = field.description.get("en").or_else(|| field.description.values().next()).map_or(String::new(), |d| format!(": {d}"));
    format!("{words} ({})", parts.join(", "))
}

/// One site's mapping of one table.
struct At<'a> {
    resolved: &'a Resolved,
    table: &'a ResolvedTable,
    source: &'a Source,
    written: &'a TableMapping,
}

impl At<'_> {
    fn tell(&self, out: &mut String, field: &Field, depth: usize, told: &mut HashSet<String>) {
        let pad = "  ".repeat(depth);
        let name = &field.name.value;
        told.insert(name.clone());
        let node = self.written.fields.iter().find(|(n, _)| n.value == *name).map(|(_, node)| node);
        let place = self.resolved.schema.tables[self.table.table].fields.iter().position(|f| f.name.value == *name);
        match place.and_then(|at| self.table.fields.get(at)) {
            Some(FieldState::Derived) => {}
            Some(FieldState::Impossible(why)) => {
                let _ = writeln!(out, "{pad}can never be delivered by this site: {why}");
                return;
            }
            Some(FieldState::Undetermined(why)) => {
                let _ = writeln!(out, "{pad}may one day be delivered by this site: {why}");
                return;
            }
            _ => {
                let _ = writeln!(out, "{pad}is not mentioned by the mapping: missing in every row");
                return;
            }
        }
        let is_column = |name: &str| self.table.columns.iter().any(|c| c == name);
        if let Some(node) = node {
            let _ = writeln!(out, "{pad}written as {}", flow(node));
            for (n, step) in steps(node, field, &self.source.locale, &is_column).iter().enumerate() {
                let _ = writeln!(out, "{pad}{}. {step}", n + 1);
            }
            if let Some(endpoint) = argument(node, "endpoint").and_then(|name| self.table.endpoints.iter().find(|e| e.name == name)) {
                let _ = writeln!(out, "{pad}the endpoint `{}`: {}", endpoint.name, endpoint.described.words.get("en").map_or("", String::as_str));
            }
        }
        let (columns, fields) = self.needs(name);
        if !columns.is_empty() {
            let _ = writeln!(out, "{pad}from the export: {}", self.columns(&columns, node));
        }
        self.findings(out, name, &pad);
        if depth == 1 {
            self.constraints(out, field, &pad);
        }
        for needed in fields {
            let Some(needed) = self.resolved.schema.tables[self.table.table].fields.iter().find(|f| f.name.value == needed) else { continue };
            if told.contains(&needed.name.value) {
                let _ = writeln!(out, "{pad}the field `{}`: as above", needed.name.value);
                continue;
            }
            let _ = writeln!(out, "{pad}the field `{}`{}", needed.name.value, about(needed));
            self.tell(out, needed, depth + 1, told);
        }
    }

    /// Columns and fields that a field is derived from, by name.
    fn needs(&self, field: &str) -> (Vec<String>, Vec<String>) {
        let (mut columns, mut fields, mut seen) = (vec![], vec![], HashSet::new());
        let mut todo = vec![field_column(field)];
        while let Some(name) = todo.pop() {
            let Some(definition) = self.table.definitions.get(&name) else { continue };
            let mut refs: Vec<String> = definition.expr.column_refs().into_iter().map(|c| c.name.clone()).collect();
            refs.sort();
            for name in refs {
                if !seen.insert(name.clone()) {
                    continue;
                }
                match (name.strip_prefix("c:"), name.strip_prefix("f:")) {
                    (Some(column), _) => columns.push(column.to_owned()),
                    (_, Some(field)) => fields.push(field.to_owned()),
                    _ => todo.push(name),
                }
            }
        }
        columns.sort();
        fields.sort();
        (columns, fields)
    }

    fn columns(&self, columns: &[String], node: Option<&Node>) -> String {
        let named: Vec<String> = columns.iter().map(|c| format!("`{c}`")).collect();
        let file = match self.table.files.as_slice() {
            [one] => format!("{}, {}, separated by `{}`", one.shown, one.encoding(), one.delimiter()),
            several => {
                let first = several.first().map_or(String::new(), |f| format!(" such as {}, {}, separated by `{}`", f.shown, f.encoding(), f.delimiter()));
                format!("{} files{first}", several.len())
            }
        };
        let locale = &self.source.locale;
        let mut missing: Vec<String> = locale.null.iter().filter(|n| !n.is_empty()).map(|n| format!("`{n}`")).collect();
        let own = node.and_then(|n| match &n.value {
            Value::Map(items) => items.iter().find(|(k, _)| k.text() == Some("null")).map(|(_, v)| v),
            _ => None,
        });
        match own.map(|n| &n.value) {
            Some(Value::List(items)) => missing.extend(items.iter().filter_map(Node::text).map(|t| format!("`{t}`"))),
            Some(Value::Scalar { text, .. }) => missing.push(format!("`{text}`")),
            _ => {}
        }
        let missing = if missing.is_empty() { "an empty cell".to_owned() } else { format!("an empty cell, {}", missing.join(", ")) };
        let word = if columns.len() == 1 { "column" } else { "columns" };
        let trim = if locale.trim { "blanks around a cell do not count; " } else { "" };
        format!("{word} {} of the source `{}` ({file}); {trim}missing is {missing}", named.join(", "), self.source.name.value)
    }

    /// What a row is refused or flagged for while the field is read.
    fn findings(&self, out: &mut String, field: &str, pad: &str) {
        for check in self.table.checks.iter().filter(|c| c.field.as_deref() == Some(field) && c.code.id.starts_with('D')) {
            let column = check.column.as_ref().map_or(String::new(), |c| format!(" (column `{c}`)"));
            let _ = writeln!(out, "{pad}{}, {}{column}: {}", check.code.id, check.code.title, effect(check.effect));
        }
    }

    fn constraints(&self, out: &mut String, field: &Field, pad: &str) {
        let name = field.name.value.as_str();
        for check in self.table.checks.iter().filter(|c| c.field.as_deref() == Some(name) && c.code.id.starts_with('R') && c.code != code::COMPLETENESS) {
            let what = match (check.rule.as_str(), &check.expression) {
                ("required", _) => "it must be there".to_owned(),
                ("range", Some(range)) => format!("it must lie in {range}{}", field.unit.as_ref().map_or(String::new(), |u| format!(" {}", u.value))),
                ("values", _) => format!("it must be one of {}", field.values.iter().map(|v| v.value.value.as_str()).collect::<Vec<_>>().join(", ")),
                ("pattern", Some(pattern)) => format!("it must match {pattern}"),
                ("length", _) => match field.length.as_ref().map(|l| l.value) {
                    Some([Some(least), Some(most)]) => format!("it must have {least} to {most} characters"),
                    Some([Some(least), None]) => format!("it must have at least {least} characters"),
                    Some([None, Some(most)]) => format!("it must have at most {most} characters"),
                    _ => "its length is limited".to_owned(),
                },
                (rule, _) => rule.to_owned(),
            };
            let _ = writeln!(out, "{pad}{what}; else {} [{}]", effect(check.effect), check.code.id);
        }
        let column = field_column(name);
        let looks = |c: &Check| (c.code == code::RULE || c.code == code::COMPLETENESS) && c.violated.column_refs().iter().any(|r| r.name == column);
        for check in self.table.checks.iter().filter(|c| looks(c)) {
            let words = check.description.get("en").or_else(|| check.description.values().next()).map_or(String::new(), |d| format!(" ({d})"));
            let asks = check.expression.as_deref().unwrap_or_default();
            let then = match (&check.threshold, check.code == code::COMPLETENESS) {
                (Some(threshold), true) => format!("{asks} is there in {}", threshold.text),
                (Some(threshold), false) => format!("{asks}; else {}, {} may", effect(check.effect), threshold.text),
                (None, _) => format!("{asks}; else {}", effect(check.effect)),
            };
            let _ = writeln!(out, "{pad}rule `{}`{words}: {then} [{}]", check.rule, check.code.id);
        }
        let key = &self.resolved.schema.tables[self.table.table].key;
        if key.iter().any(|k| k.value == name) {
            let names: Vec<&str> = key.iter().map(|k| k.value.as_str()).collect();
            let _ = writeln!(out, "{pad}part of the key ({}), which is unique over all sites [{}]", names.join(", "), code::KEY.id);
        }
        if field.kind.value == FieldType::Pseudonym {
            let _ = writeln!(out, "{pad}the number itself is stored nowhere but in quarantine");
        }
    }
}

fn argument<'a>(node: &'a Node, key: &str) -> Option<&'a str> {
    match &node.value {
        Value::Map(items) => items.iter().find(|(k, _)| k.text() == Some(key)).and_then(|(_, v)| v.text()),
        _ => None,
    }
}

fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Warn => "the row stays, flagged",
        Effect::Quarantine => "the row goes to quarantine",
        Effect::Fail => "the run ends",
    }
}

/// The documents as read: what is there, before anything is compared.
pub fn project(project: &Project) -> String {
    let mut out = format!("pipeline {} ({})\n", project.pipeline.name.value, project.path.display());
    let _ = writeln!(out, "schema {} {}", project.schema.name.value, project.schema.version);
    for table in &project.schema.tables {
        let key: Vec<&str> = table.key.iter().map(|k| k.value.as_str()).collect();
        let _ = writeln!(out, "  table {}: {} fields, {} rules{}", table.name.value, table.fields.len(), table.rules.len(), if key.is_empty() { String::new() } else { format!(", key {}", key.join(", ")) });
    }
    for (path, mapping) in &project.mappings {
        let _ = writeln!(out, "\nmapping {} of the site {} ({})", mapping.name.value, mapping.site.value, path.display());
        for source in &mapping.sources {
            let paths: Vec<&str> = source.paths.iter().map(|p| p.value.as_str()).collect();
            let _ = writeln!(out, "  source {}: {} {}", source.name.value, source.format.as_ref().map_or("csv", |f| f.value.as_str()), paths.join(", "));
        }
        for table in &mapping.tables {
            let _ = writeln!(out, "  table {} from {}", table.table.value, table.from.value);
            for endpoint in &table.endpoints {
                let _ = writeln!(out, "    endpoint {}", endpoint.name.value);
            }
            for (name, node) in &table.fields {
                let _ = writeln!(out, "    {}: {}", name.value, flow(node));
            }
        }
    }
    out
}
