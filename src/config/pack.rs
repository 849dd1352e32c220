//! Rule packs: rules that several schemas share, in a file of their own.
//!
//! A pack has rules for tables, and parameters in which a schema puts the names of its own fields. What it brings is as if it had been
//! written out under the table.

use std::path::Path;

use super::project::{Document, node_of};
use super::read::{Keys, Name, entries, text, wrong_kind};
use super::reuse::substituted;
use super::rule::rule;
use super::schema::Schema;
use super::yaml::{self, Node, Value};
use crate::diagnostic::{Diagnostic, Diagnostics, SourceMap, code};

/// A pack that a schema takes.
#[derive(Debug, Clone)]
pub struct Pack {
    pub path: Name,
    /// Parameter → what the schema says for it.
    pub with: Vec<(Name, Node)>,
    /// The pack's name of a table → the schema's.
    pub tables: Vec<(Name, Name)>,
}

/// One entry of a schema's `packs`: a path, or a map with one.
pub fn pack(node: &Node, found: &mut Diagnostics) -> Option<Pack> {
    if let Value::Scalar { .. } = node.value {
        return Some(Pack { path: text(node, "packs", found)?, with: vec![], tables: vec![] });
    }
    let mut keys = Keys::new(node, "the pack", found)?;
    let path = keys.require("pack", found).and_then(|n| text(n, "pack", found));
    let with = keys.take("with").map_or(vec![], |n| entries(n, "with", found).into_iter().map(|(name, value)| (name, value.clone())).collect());
    let tables = keys.take("tables").map_or(vec![], |n| entries(n, "tables", found).into_iter().filter_map(|(name, n)| Some((name, text(n, "tables", found)?))).collect());
    keys.finish(found);
    Some(Pack { path: path?, with, tables })
}

/// Reads the packs of a schema and puts their rules behind those of its tables.
pub fn include(schema: &mut Schema, base: &Path, map: &mut SourceMap, found: &mut Diagnostics, documents: &mut Vec<Document>) {
    for pack in schema.packs.clone() {
        let Some(node) = node_of(&base.join(&pack.path.value), Some(&pack.path), "pack", map, found, documents, yaml::parse) else { continue };
        read(&node, &pack, schema, found);
    }
}

fn read(node: &Node, pack: &Pack, schema: &mut Schema, found: &mut Diagnostics) {
    let node = substituted(with_parameters(node.clone(), pack, found), None, found);
    let Some(mut keys) = Keys::new(&node, "the pack", found) else { return };
    keys.name("pack", found);
    keys.text("version", found);
    keys.words("description", found);
    keys.take("parameters");
    let tables = keys.require("tables", found).map_or(vec![], |n| entries(n, "tables", found));
    keys.finish(found);
    for (name, node) in tables {
        let wanted = pack.tables.iter().find(|(theirs, _)| theirs.value == name.value).map_or(&name, |(_, ours)| ours);
        let Some(mut keys) = Keys::new(node, format!("the pack's table `{}`", name.value), found) else { continue };
        let rules = match keys.require("rules", found) {
            Some(Node { value: Value::List(items), .. }) => items.iter().filter_map(|n| rule(n, found)).collect(),
            Some(other) => {
                wrong_kind(other, "rules", "a list of rules", found);
                vec![]
            }
            None => vec![],
        };
        keys.finish(found);
        let names: Vec<String> = schema.tables.iter().map(|t| t.name.value.clone()).collect();
        match schema.tables.iter_mut().find(|t| t.name.value == wanted.value) {
            Some(table) => table.rules.extend(rules),
            None => found.push(
                Diagnostic::error(code::RULE_FIELD, wanted.span, format!("the schema has no table `{}`", wanted.value))
                    .label("the pack has rules for it")
                    .suggest(&wanted.value, names.iter().map(String::as_str))
                    .help(format!("say which table it is: `{{pack: {}, tables: {{{}: …}}}}`", pack.path.value, name.value)),
            ),
        }
    }
}

/// The pack with what the schema says for its parameters.
fn with_parameters(mut node: Node, pack: &Pack, found: &mut Diagnostics) -> Node {
    let Value::Map(items) = &mut node.value else { return node };
    let declared = items.iter_mut().find(|(key, _)| key.text() == Some("parameters")).map(|(_, value)| value);
    let none = &mut vec![];
    let parameters = match declared.map(|d| &mut d.value) {
        Some(Value::Map(parameters)) => parameters,
        _ => none,
    };
    for (name, value) in &pack.with {
        match parameters.iter_mut().find(|(key, _)| key.text() == Some(&name.value)) {
            Some((_, default)) => *default = value.clone(),
            None => found.push(
                Diagnostic::error(code::UNKNOWN_PARAMETER, name.span, format!("the pack has no parameter `{}`", name.value)).label("not among its `parameters`").suggest(&name.value, parameters.iter().filter_map(|(key, _)| key.text())),
            ),
        }
    }
    node
}
