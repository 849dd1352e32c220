//! One run as written: which schema, which mappings, where the key is.

use super::read::{Keys, Name};
use super::yaml::Node;
use crate::diagnostic::{Diagnostic, Diagnostics, Span, code};

/// A pipeline document.
#[derive(Debug, Clone)]
pub struct Pipeline {
    pub name: Name,
    pub schema: Name,
    /// Paths or globs, relative to the pipeline.
    pub mappings: Vec<Name>,
    pub key: Option<KeyPlace>,
    /// Counts of fewer rows than this are not told; absent: 5.
    pub small_cells: Option<u64>,
}

/// Where the key of the pseudonyms is; never the key itself.
#[derive(Debug, Clone)]
pub struct KeyPlace {
    pub variable: Option<Name>,
    pub file: Option<Name>,
    pub span: Span,
}

/// Reads a pipeline document.
pub fn read(node: &Node, found: &mut Diagnostics) -> Option<Pipeline> {
    let mut keys = Keys::new(node, "the pipeline", found)?;
    let name = keys.name("pipeline", found);
    let schema = keys.require("schema", found).and_then(|n| super::read::text(n, "schema", found));
    let mappings = keys.require("mappings", found).map_or(vec![], |n| {
        let paths = super::read::texts(n, "mappings", found);
        if paths.is_empty() {
            found.push(Diagnostic::error(code::NO_MAPPING, n.span, "the pipeline names no mapping").label("nothing is listed"));
        }
        paths
    });
    let key = keys.take("pseudonym").and_then(|n| {
        let mut inner = Keys::new(n, "pseudonym", found)?;
        let place = KeyPlace { variable: inner.text("key_env", found), file: inner.text("key_file", found), span: n.span };
        let misspelt = inner.has_unknown();
        inner.finish(found);
        if place.variable.is_none() && place.file.is_none() && !misspelt {
            found.push(Diagnostic::error(code::NO_KEY, n.span, "`pseudonym` names no key").label("expected `key_env` or `key_file`").help("`pseudonym: {key_env: COHORTE_KEY}`"));
        }
        Some(place)
    });
    let small_cells = keys.take("small_cells").and_then(|n| match n.text().and_then(|t| t.parse::<u64>().ok()).filter(|n| (1..=1000).contains(n)) {
        Some(cells) => Some(cells),
        None => {
            super::read::wrong_kind(n, "small_cells", "a number from 1 to 1000", found);
            None
        }
    });
    keys.finish(found);
    Some(Pipeline { name: name?, schema: schema?, mappings, key, small_cells })
}
