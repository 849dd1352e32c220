//! Identifiers that carry their own check.

use super::{Asks, Kind, quoted};
use crate::config::read::text;
use crate::config::rule::RuleCategory;
use crate::config::schema::FieldType;
use crate::diagnostic::{Diagnostic, code};
use crate::function::CHECKSUMS;

pub static KIND: Kind = Kind {
    name: "checksum",
    category: RuleCategory::Conformance,
    dqd: None,
    later: false,
    summary: "The check digits of an identifier are right: `nir` and `ins` (French national numbers), `finess`, `rpps`, `siret`, `nhs` (United Kingdom), `luhn`. Blanks, points and hyphens do not count.",
    example: "{checksum: {field: hospital, of: finess}}",
    read: |told| {
        let mut keys = told.keys()?;
        let field = told.field_at(&mut keys, "field", &[FieldType::Text, FieldType::Code]);
        let of = keys.require("of", told.found).and_then(|n| text(n, "of", told.found));
        keys.finish(told.found);
        let (field, of) = (field?, of?);
        if !CHECKSUMS.contains(&of.value.as_str()) {
            told.found.push(Diagnostic::error(code::UNKNOWN_CHOICE, of.span, format!("there is no checksum `{}`", of.value)).label("not known").suggest(&of.value, CHECKSUMS));
            return None;
        }
        Some(Asks::Row { holds: format!("checksum({}, '{}')", quoted(&field.name.value), of.value), field: Some(field.name.value.clone()) })
    },
};
