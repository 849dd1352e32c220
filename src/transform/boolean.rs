//! Words for true and false.

use super::derive::{flag, text};
use super::{Derive, Kind, Role, Transform};
use crate::config::schema::FieldType;
use crate::config::yaml::Node;
use crate::diagnostic::{Diagnostic, code};

pub static BOOLEAN: Transform = Transform {
    key: "boolean",
    role: Role::Step,
    fallible: true,
    summary: "The words of this column for true and false, in place of the source's.",
    example: "{from: STATUT, boolean: {true: [D], false: [V]}}",
    lower: |d, node| {
        if d.field.kind.value != FieldType::Boolean {
            d.wrong_type("boolean", node.span, "boolean fields");
            return None;
        }
        read(d, Some(node))
    },
};

/// Reads the value as a boolean, with the words of `own` or else the source's.
pub fn read(d: &mut Derive<'_>, own: Option<&Node>) -> Option<()> {
    let input = d.text_value("boolean", own.map_or(d.span, |n| n.span))?;
    let (mut yes, mut no) = (d.locale.true_words.clone(), d.locale.false_words.clone());
    if let Some(node) = own {
        let mut keys = crate::config::read::Keys::new(node, "`boolean`", d.found)?;
        if let Some(words) = keys.texts("true", d.found) {
            yes = words.into_iter().map(|w| w.value).collect();
        }
        if let Some(words) = keys.texts("false", d.found) {
            no = words.into_iter().map(|w| w.value).collect();
        }
        keys.finish(d.found);
        let same: Vec<&String> = yes.iter().filter(|w| no.iter().any(|n| n.to_lowercase() == w.to_lowercase())).collect();
        if let Some(word) = same.first() {
            d.found.push(
                Diagnostic::error(code::WORD_OVERLAP, node.span, format!("`{word}` means both true and false")).label("the same word on both sides"),
            );
            return None;
        }
    }
    let output = d.call("parse_boolean", vec![input.clone(), flag(true), text(yes.join("\u{1f}")), text(no.join("\u{1f}"))]);
    d.fallible(&format!("p:{}", d.field.name.value), output, Kind::Boolean, input, code::PARSE, "parse");
    Some(())
}
