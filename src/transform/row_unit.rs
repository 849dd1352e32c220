//! A unit for each row, out of a column: the factors of the listed units are computed at check, so that a
//! row is a look-up.

use datafusion::functions::expr_fn::coalesce;
use datafusion::logical_expr::{Expr, when};

use super::derive::{flag, number, optional_text, text};
use super::{Derive, Failure, Kind, Typed, unit};
use crate::config::Name;
use crate::config::read::{Keys, Spanned, entries, text as text_of};
use crate::config::yaml::{Node, Value};
use crate::diagnostic::{Diagnostic, code};

/// The argument of `unit`, where it names a column.
pub fn declared<'a>(d: &Derive<'a>) -> Option<&'a Node> {
    d.argument("unit").filter(|node| matches!(node.value, Value::Map(_)))
}

/// Reads `input` as a number in the unit of its row; `cell` is what it was made of.
pub fn read(d: &mut Derive<'_>, node: &Node, cell: Expr, input: Expr, [decimal, group]: [Expr; 2]) -> Option<()> {
    if let Some((key, _)) = d.entry("bins") {
        d.clash(key.span, "`bins` has no unit to be in where each row has its own: derive the number as a field, and the class from that".into());
        return None;
    }
    let mut keys = Keys::new(node, "`unit`", d.found)?;
    let column = keys.require("column", d.found).and_then(|n| text_of(n, "column", d.found));
    let map = keys.take("map").map(|n| entries(n, "map", d.found)).unwrap_or_default();
    let only = keys.texts("only", d.found);
    let missing = keys.text("missing", d.found);
    keys.finish(d.found);
    let column = column?;
    let of_rows = d.column.clone();
    let unit_cell = d.reference(&column);
    d.column = of_rows;
    let Typed { expr: unit_cell, kind: Kind::Text } = unit_cell? else {
        d.found.push(Diagnostic::error(code::ROW_UNIT, column.span, format!("`{}` holds no units", column.value)).label("a text is wanted"));
        return None;
    };
    let mut listed: Vec<(Option<String>, Name)> = vec![];
    let mut sound = true;
    for (key, target) in map {
        let Some(target) = target.text().filter(|_| !target.is_null()).map(|t| Spanned::new(t.to_owned(), target.span)) else {
            crate::config::read::wrong_kind(target, "a unit of `map`", "one UCUM unit", d.found);
            sound = false;
            continue;
        };
        if let Some(only) = only.as_ref().filter(|only| only.iter().all(|o| o.value != target.value)) {
            d.found.push(
                Diagnostic::error(code::ROW_UNIT, target.span, format!("`{}` is not among the units of `only`", target.value))
                    .label("not one of them")
                    .suggest(&target.value, only.iter().map(|o| o.value.as_str())),
            );
            sound = false;
        }
        listed.push((Some(key.value), target));
    }
    listed.extend(only.into_iter().flatten().map(|unit| (Some(unit.value.clone()), unit)));
    listed.extend(missing.clone().map(|unit| (None, unit)));
    if listed.is_empty() {
        d.found.push(
            Diagnostic::error(code::ROW_UNIT, node.span, "no unit is listed")
                .label("any text of the column would be unknown")
                .help("`only: [mg/L, g/L]` lists UCUM units, `map: {\"G/100ML\": g/dL}` the site's own spellings"),
        );
        return None;
    }
    let target = unit::target(d, node.span)?;
    let mut factors = vec![];
    for (_, unit) in &listed {
        factors.push(unit::to_target(d, unit, &target));
    }
    let factors: Vec<unit::Factor> = factors.into_iter().collect::<Option<_>>()?;
    if !sound {
        return None;
    }
    let (mode, kind) = if d.field.storage() == Kind::Integer { ("integer", Kind::Integer) } else { ("number", Kind::Number) };
    let mut args = vec![input, unit_cell.clone(), text(mode), decimal, group];
    let mut known = vec![unit_cell.clone(), flag(false)];
    for ((written, _), factor) in listed.iter().zip(&factors) {
        args.extend([optional_text(written.clone()), number(Some(factor.numerator)), number(Some(factor.denominator)), number(Some(factor.offset))]);
        known.extend(written.clone().map(text));
    }
    let output = d.call("parse_number_in", args);
    let output = d.definitions.define(&format!("p:{}", d.field.name.value), kind, output);
    let unlisted = coalesce(vec![d.call("is_unmapped", known), flag(missing.is_none())]);
    let unlisted = when(cell.clone().is_not_null(), unlisted).end().ok()?;
    let unlisted = d.definitions.define(&format!("u:{}", d.field.name.value), Kind::Boolean, unlisted);
    // A number without its unit is no number; that alone is the finding then.
    let unreadable = d.call("failed", vec![cell, output.clone()]).and(Expr::Not(Box::new(unlisted.clone())));
    let policy = d.policy();
    let direct = d.entry("from").is_some();
    let raw = match &unit_cell {
        Expr::Column(column) if column.name.starts_with("t:") => Some(column.name.clone()),
        _ => None,
    };
    let same = [unreadable.to_string(), unlisted.to_string()];
    let [of_number, of_unit] = same;
    d.failures.push(Failure { violated: unreadable, code: code::PARSE, rule: "parse", column: d.column.clone(), raw: None, policy, direct, same: of_number });
    d.failures.push(Failure { violated: unlisted, code: code::UNLISTED_UNIT, rule: "unit", column: Some(column.value), raw, policy, direct, same: of_unit });
    d.value = Some(Typed { expr: output, kind });
    Some(())
}
