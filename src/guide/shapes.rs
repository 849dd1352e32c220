//! The way of a field's columns through the shapes of a mapping, in words.

use std::collections::HashSet;
use std::fmt::Write;

use super::language::{Language, say};
use super::words::{flow, steps};
use crate::check::{ResolvedSource, derived_in, references};
use crate::config::mapping::Locale;
use crate::config::shape::Shape;
use crate::config::yaml::{Node, Value};
use crate::diagnostic::Diagnostics;

/// The shapes behind a table, and the sources behind them.
pub struct Way<'a> {
    pub shapes: &'a [Shape],
    pub inputs: &'a [ResolvedSource],
    pub locale: &'a Locale,
    pub l: Language,
}

impl Way<'_> {
    /// From the shape `from` back to the files: what each does to the rows, and how the columns that are needed
    /// are derived. A column that an operation speaks of is needed before it.
    pub fn tell(&self, out: &mut String, from: &str, columns: &[String], pad: &str) {
        let l = self.l;
        let mut needed: HashSet<String> = columns.iter().cloned().collect();
        let (mut todo, mut told) = (std::collections::VecDeque::from([from.to_owned()]), HashSet::new());
        while let Some(name) = todo.pop_front() {
            if !told.insert(name.clone()) {
                continue;
            }
            let Some(shape) = self.shapes.iter().find(|s| s.name.value == name) else {
                self.source(out, &name, pad);
                continue;
            };
            let read: Vec<String> = references(shape).map(|n| n.value).collect();
            let of = read.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ");
            let _ = match shape.operations.first() {
                Some((key, node)) => writeln!(out, "{pad}{}", say!(l, "`{name}` is the {} of {of}: {}", "`{name}` : {} de {of} : {}", key.value, flow(node))),
                None => writeln!(out, "{pad}{}", say!(l, "`{name}` is the rows of {of}", "`{name}` : les lignes de {of}")),
            };
            for taken in shape.take.iter().flatten().filter(|t| t.called.value != t.column.value) {
                if needed.insert(taken.column.value.clone()) {
                    let (called, column) = (&taken.called.value, &taken.column.value);
                    let _ = writeln!(out, "{pad}  {}", say!(l, "`{called}` is its column `{column}`", "`{called}` : sa colonne `{column}`"));
                }
            }
            for (id, condition) in &shape.filters {
                let _ = writeln!(out, "{pad}  {}", say!(l, "a row stays where `{}` holds: {}", "une ligne reste si `{}` est vrai : {}", id.value, flow(condition)));
                needed.extend(shape.derive.iter().map(|(n, _)| n.value.clone()).filter(|n| reads(condition, n)));
            }
            self.derived(out, shape, &mut needed, &format!("{pad}  "));
            shape.operations.iter().for_each(|(_, node)| words_of(node, &mut needed));
            todo.extend(read);
        }
    }

    fn derived(&self, out: &mut String, shape: &Shape, needed: &mut HashSet<String>, pad: &str) {
        // What a derivation reads is needed too, wherever in the shape it stands.
        while let Some(next) = shape.derive.iter().find_map(|(name, node)| {
            let read = |other: &str| reads(node, other);
            needed.contains(&name.value).then(|| shape.derive.iter().map(|(n, _)| &n.value).find(|n| !needed.contains(*n) && read(n)))?
        }) {
            needed.insert(next.clone());
        }
        // What is wrong with them is said by `check`, and this is not reached.
        let Some((fields, nodes)) = derived_in(shape, &|_| true, &mut Diagnostics::default()) else { return };
        for ((field, (name, lowered)), (_, written)) in fields.iter().zip(&nodes).zip(&shape.derive).filter(|((f, _), _)| needed.contains(&f.name.value)) {
            let _ = writeln!(out, "{pad}`{}`: {}", name.value, flow(written));
            for (n, step) in steps(lowered, field, self.locale, &|_| true, self.l).iter().enumerate() {
                let _ = writeln!(out, "{pad}  {}. {step}", n + 1);
            }
        }
        nodes.iter().filter(|(name, _)| needed.contains(&name.value)).map(|(_, n)| n.clone()).collect::<Vec<_>>().iter().for_each(|n| words_of(n, needed));
    }

    fn source(&self, out: &mut String, name: &str, pad: &str) {
        let l = self.l;
        let Some(input) = self.inputs.iter().find(|i| i.name == name) else { return };
        let _ = match input.files.as_slice() {
            [one] => writeln!(out, "{pad}{}", say!(l, "`{name}` is the source {}", "`{name}` : la source {}", one.shown)),
            several => writeln!(out, "{pad}{}", say!(l, "`{name}` is a source of {} files", "`{name}` : une source de {} fichiers", several.len())),
        };
    }
}

/// Whether a derivation reads a column: names it, or mentions it in its SQL.
fn reads(node: &Node, column: &str) -> bool {
    match &node.value {
        Value::Scalar { text, .. } => text == column || mentions(text, column),
        Value::List(items) => items.iter().any(|n| reads(n, column)),
        Value::Map(items) => items.iter().any(|(_, n)| reads(n, column)),
    }
}

/// Whether a text has a name as a word of its own.
fn mentions(text: &str, name: &str) -> bool {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    !name.is_empty()
        && text.match_indices(name).any(|(at, _)| {
            let after = text.get(at + name.len()..).and_then(|rest| rest.chars().next());
            !part(text.get(..at).and_then(|before| before.chars().next_back())) && !part(after)
        })
}

fn words_of(node: &Node, out: &mut HashSet<String>) {
    match &node.value {
        Value::Scalar { text, .. } => out.extend([text.clone()]),
        Value::List(items) => items.iter().for_each(|n| words_of(n, out)),
        Value::Map(items) => items.iter().for_each(|(k, n)| {
            words_of(k, out);
            words_of(n, out);
        }),
    }
}
