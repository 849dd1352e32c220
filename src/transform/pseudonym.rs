//! Person numbers, replaced before anything is stored.

use super::derive::text;
use super::{Derive, Kind, Role, Transform, Typed};
use crate::config::schema::FieldType;
use crate::diagnostic::Diagnostics;
use crate::config::yaml::Node;

pub static PSEUDONYM: Transform = Transform {
    key: "pseudonym",
    role: Role::Step,
    fallible: false,
    summary: "HMAC-SHA-256 under the pipeline's key. `scope: site` (default) keeps equal numbers of two sites apart; `shared` is for a number that all sites share.",
    example: "{from: INS, pseudonym: {scope: shared}}",
    lower: |d, node| {
        if d.field.kind.value != FieldType::Pseudonym {
            d.wrong_type("pseudonym", node.span, "pseudonyms");
            return None;
        }
        scope(node, d.found).map(|_| ())
    },
};

fn scope(node: &Node, found: &mut Diagnostics) -> Option<bool> {
    let mut keys = crate::config::read::Keys::new(node, "`pseudonym`", found)?;
    let shared = keys.choice("scope", &[("site", false), ("shared", true)], found).is_some_and(|c| c.value);
    keys.finish(found);
    Some(shared)
}

/// Replaces the text by its pseudonym.
pub fn read(d: &mut Derive<'_>) -> Option<()> {
    let input = d.text_value("pseudonym", d.span)?;
    let shared = match d.argument("pseudonym") {
        Some(node) => scope(node, d.found)?,
        None => false,
    };
    let scope = if shared { String::new() } else { d.site.to_owned() };
    let expr = d.call("pseudonym", vec![input, text(scope)]);
    d.value = Some(Typed { expr, kind: Kind::Text });
    Some(())
}
