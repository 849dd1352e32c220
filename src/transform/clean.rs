//! Text clean-up before a value is read.

use super::derive::text;
use super::{Derive, Kind, Role, Transform, Typed, nothing};
use crate::config::yaml::Node;
use crate::diagnostic::{Diagnostic, code};

/// The steps, in the words of the YAML.
pub const STEPS: [&str; 6] = ["trim", "collapse", "upper", "lower", "strip_accents", "digits"];

pub static CLEAN: Transform = Transform {
    key: "clean",
    role: Role::Step,
    fallible: true,
    summary: "Text clean-up, in the order given: `trim`, `collapse` (runs of blanks to one), `upper`, `lower`, `strip_accents`, `digits` (keep digits only; a cell without any cannot be read).",
    example: "{from: SEXE, clean: [collapse, upper], map: {FEMME: female}}",
    lower,
};

fn lower(d: &mut Derive<'_>, node: &Node) -> Option<()> {
    let names = super::derive::names_of(node, "clean", d.found)?;
    let input = d.text_value("clean", node.span)?;
    let mut args = vec![input.clone()];
    let mut sound = true;
    let digits = names.iter().any(|step| step.value == "digits");
    for step in names {
        if !STEPS.contains(&step.value.as_str()) {
            d.found.push(
                Diagnostic::error(code::CLEAN_STEP, step.span, format!("there is no clean-up step `{}`", step.value))
                    .label("not a step")
                    .suggest(&step.value, STEPS),
            );
            sound = false;
        }
        args.push(text(step.value));
    }
    if !sound {
        return None;
    }
    let expr = d.call("clean", args);
    let hint = format!("t:{}", d.field.name.value);
    if digits {
        d.fallible(&hint, expr, Kind::Text, input, code::PARSE, "parse");
        return Some(());
    }
    let expr = d.definitions.define(&hint, Kind::Text, expr);
    d.value = Some(Typed { expr, kind: Kind::Text });
    Some(())
}

pub static NULL: Transform = Transform {
    key: "null",
    role: Role::Companion,
    fallible: false,
    summary: "More codes that mean missing, for this field only.",
    example: "{from: AGE, null: [\"99\", \"999\"]}",
    lower: nothing,
};
