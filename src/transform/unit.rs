//! Units: what the cell is in, converted to what the schema wants (UCUM, by `octofhir-ucum`).

use octofhir_ucum::{AdvancedConversionContext, convert, convert_with_context, validate};

use super::derive::number;
use super::{Derive, Kind, Role, Transform, Typed, analyte, row_unit};
use crate::config::Name;
use crate::diagnostic::{Diagnostic, Span, code};

pub static UNIT: Transform = Transform {
    key: "unit",
    role: Role::Step,
    fallible: false,
    summary: "The cell's UCUM unit, or the column that says it for each row; the value is converted to the schema's.",
    example: "{from: TAILLE_CM, unit: cm}",
    lower: |d, node| {
        if !d.field.kind.value.is_number() && d.entry("bins").is_none() {
            d.wrong_type("unit", node.span, "numbers");
            return None;
        }
        match d.value.clone()? {
            // The number is read and converted in one step, so that the conversion is exact.
            Typed { kind: Kind::Text, .. } => super::number::read(d, None),
            // `number` and `interval` have converted it already.
            _ if d.entry("number").is_some() || d.entry("interval").is_some() => Some(()),
            value @ Typed { kind: Kind::Number | Kind::Integer, .. } => apply(d, value),
            value => {
                d.clash(node.span, format!("`unit` needs a number, but the value is {}", value.kind.words()));
                None
            }
        }
    },
};

/// `value × numerator / denominator + offset`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Factor {
    pub numerator: f64,
    pub denominator: f64,
    pub offset: f64,
}

pub const NONE: Factor = Factor { numerator: 1.0, denominator: 1.0, offset: 0.0 };

/// The factor from the derivation's unit to the schema's; 1 where the derivation names none.
pub fn factor(d: &mut Derive<'_>) -> Option<Factor> {
    let Some(node) = d.argument("unit") else { return Some(NONE) };
    if row_unit::declared(d).is_some() {
        d.found.push(
            Diagnostic::error(code::ROW_UNIT, node.span, "a unit for each row needs a number that is read from a cell")
                .label("this value is not one")
                .help("derive it by `from` and `unit`, and use that field here"),
        );
        return None;
    }
    let from = crate::config::read::text(node, "unit", d.found)?;
    if d.field.unit.is_none() && d.entry("bins").is_some() {
        // Bins over a converted number: the bins are in the unit that the cell is in.
        return Some(NONE);
    }
    let target = target(d, node.span)?;
    to_target(d, &from, &target)
}

/// The schema's unit, or a finding that there is none.
pub fn target(d: &mut Derive<'_>, span: Span) -> Option<Name> {
    if d.field.unit.is_none() {
        let name = &d.field.name.value;
        d.found.push(if d.names.in_shape {
            Diagnostic::error(code::NO_SCHEMA_UNIT, span, format!("nothing says which unit `{name}` shall have")).label("nothing to convert to").help("`into: UNIT` beside it, in UCUM")
        } else {
            Diagnostic::error(code::NO_SCHEMA_UNIT, span, format!("the schema gives `{name}` no unit")).label("nothing to convert to").related(d.field.name.span, "the field")
        });
    }
    d.field.unit.clone()
}

/// The factor from a unit to the schema's, by the molar mass of the derivation's analyte where it needs one.
pub fn to_target(d: &mut Derive<'_>, from: &Name, target: &Name) -> Option<Factor> {
    if let Err(error) = is_unit(&from.value) {
        d.found.push(unknown_unit(&from.value, from.span, code::DERIVATION_UNIT, &error));
        return None;
    }
    if validate(&target.value).is_err() {
        // The schema's own mistake is a finding there.
        return Some(NONE);
    }
    let why = match between(&from.value, &target.value) {
        Ok(factor) => return Some(factor),
        Err(why) => why,
    };
    let by_substance = analyte::mass_and_substance(&from.value, &target.value);
    if let (Some(by_substance), Some(node)) = (by_substance, d.argument("analyte")) {
        // Another name of an analyte is a finding of its own word.
        return Some(analyte::molar_mass(node.text().unwrap_or_default()).map_or(NONE, |grams| by_substance.factor(grams)));
    }
    let mut finding = Diagnostic::error(code::NOT_CONVERTIBLE, from.span, format!("`{}` does not convert to `{}`", from.value, target.value))
        .label(why)
        .related(target.span, "the schema's unit");
    if by_substance.is_some() {
        finding = finding.help("a mass becomes an amount of substance by a molar mass: `analyte: creatinine` beside `unit` says of what");
    }
    d.found.push(finding);
    None
}

/// A finding for a unit that is none.
pub fn unknown_unit(unit: &str, span: Span, code: crate::diagnostic::Code, error: &str) -> Diagnostic {
    const COMMON: [&str; 14] = ["mm", "cm", "m", "d", "mo", "a", "wk", "h", "kg", "g", "mg/L", "ng/mL", "%", "fmol/mg"];
    Diagnostic::error(code, span, format!("`{unit}` is not a UCUM unit")).label(error).suggest(unit, COMMON)
}

/// Whether UCUM knows the unit.
///
/// # Errors
/// The library's word for what is wrong.
pub fn is_unit(unit: &str) -> Result<(), String> {
    validate(unit).map_err(|e| e.to_string())
}

/// The linear conversion between two units, as a ratio of whole numbers where it is one.
pub fn between(from: &str, to: &str) -> Result<Factor, String> {
    let context = AdvancedConversionContext::default();
    let forward = convert_with_context(1.0, from, to, &context).map_err(|e| e.to_string())?;
    let at_zero = convert(0.0, from, to).unwrap_or(0.0);
    if forward.factor.is_none() {
        return Err("the conversion is not linear".into());
    }
    let slope = forward.value - at_zero;
    if at_zero != 0.0 {
        return Ok(Factor { numerator: slope, denominator: 1.0, offset: at_zero });
    }
    // `mm` from `cm` is ×10, `cm` from `mm` is ÷10: a whole factor in one direction is exact.
    let back = convert(1.0, to, from).map_err(|e| e.to_string())?;
    if slope.fract() != 0.0 && back.fract() == 0.0 && back != 0.0 {
        return Ok(Factor { numerator: 1.0, denominator: back, offset: 0.0 });
    }
    Ok(Factor { numerator: slope, denominator: 1.0, offset: 0.0 })
}

/// Converts a number that is typed already (a text interval, SQL).
pub fn apply(d: &mut Derive<'_>, value: Typed) -> Option<()> {
    let factor = factor(d)?;
    if factor == NONE {
        return Some(());
    }
    let expr = super::number::as_number(value.expr) * number(Some(factor.numerator)) / number(Some(factor.denominator)) + number(Some(factor.offset));
    d.value = Some(Typed { expr, kind: Kind::Number });
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_exact_ratios() {
        let f = |a, b| between(a, b).map(|f| (f.numerator, f.denominator, f.offset));
        assert_eq!(f("cm", "mm"), Ok((10.0, 1.0, 0.0)));
        assert_eq!(f("mm", "cm"), Ok((1.0, 10.0, 0.0)));
        // UCUM: mo is mo_j, 30.4375 d; a is a_j, 365.25 d.
        assert_eq!(f("mo", "d"), Ok((30.4375, 1.0, 0.0)));
        assert_eq!(f("a", "d"), Ok((365.25, 1.0, 0.0)));
        assert!(f("mm", "d").is_err());
    }
}
