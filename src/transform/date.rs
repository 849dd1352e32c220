//! Dates by declared formats, and ages.

use super::derive::{names_of, text};
use super::{Derive, Kind, Role, Transform, Typed, nothing};
use crate::config::Name;
use crate::config::schema::FieldType;
use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::function::check_format;

pub static DATE: Transform = Transform {
    key: "date",
    role: Role::Step,
    fallible: true,
    summary: "The column's own date format or formats, in place of the source's; the first that fits counts.",
    example: "{from: DATE_DIAG, date: [\"%d/%m/%Y\", \"%Y-%m-%d\"]}",
    lower: |d, node| {
        if !matches!(d.field.kind.value, FieldType::Date | FieldType::Datetime) {
            d.wrong_type("date", node.span, "dates");
            return None;
        }
        let formats = names_of(node, "date", d.found)?;
        if !formats_are_sound(&formats, d.found) {
            return None;
        }
        read(d, Some(formats))
    },
};

/// Reports formats that are not strptime's.
pub fn formats_are_sound(formats: &[Name], found: &mut Diagnostics) -> bool {
    let mut sound = true;
    for format in formats {
        if let Err(why) = check_format(&format.value) {
            found.push(
                Diagnostic::error(code::DATE_FORMAT, format.span, format!("`{}` is not a date format", format.value))
                    .label(why)
                    .help("day, month and year are `%d`, `%m` and `%Y`: `%d/%m/%Y` reads 31/12/2011"),
            );
            sound = false;
        }
    }
    sound
}

/// Reads the value as the field's date type, with `own` formats or else the source's.
pub fn read(d: &mut Derive<'_>, own: Option<Vec<Name>>) -> Option<()> {
    let input = d.text_value("date", d.span)?;
    let formats: Vec<String> = own.map(|f| f.into_iter().map(|f| f.value).collect()).unwrap_or_else(|| source_formats(d));
    let with_time = d.field.kind.value == FieldType::Datetime;
    let (output, kind) = parse(d, &input, &formats, with_time);
    d.fallible(&format!("d:{}", d.column.clone().unwrap_or_else(|| d.field.name.value.clone())), output, kind, input, code::PARSE, "parse");
    Some(())
}

/// The source's formats; ISO 8601 where it declares none.
pub fn source_formats(d: &Derive<'_>) -> Vec<String> {
    match d.locale.dates.as_slice() {
        [] => vec!["%Y-%m-%d".to_owned()],
        formats => formats.iter().map(|f| f.value.clone()).collect(),
    }
}

fn parse(d: &Derive<'_>, input: &datafusion::logical_expr::Expr, formats: &[String], with_time: bool) -> (datafusion::logical_expr::Expr, Kind) {
    let (function, kind) = if with_time { ("parse_datetime", Kind::Datetime) } else { ("parse_date", Kind::Date) };
    let mut args = vec![input.clone()];
    args.extend(formats.iter().cloned().map(text));
    (d.call(function, args), kind)
}

/// A date out of a named column or field, its failure noted.
pub(super) fn date_of(d: &mut Derive<'_>, name: &Name) -> Option<datafusion::logical_expr::Expr> {
    d.column = None;
    let value = d.reference(name)?;
    match value.kind {
        Kind::Date => Some(value.expr),
        Kind::Datetime => Some(datafusion::logical_expr::cast(value.expr, Kind::Date.data_type())),
        Kind::Text => {
            let formats = source_formats(d);
            let (output, kind) = parse(d, &value.expr, &formats, false);
            d.fallible(&format!("d:{}", name.value), output, kind, value.expr, code::PARSE, "parse");
            d.value.take().map(|v| v.expr)
        }
        kind => {
            d.found.push(
                Diagnostic::error(code::FIELD_TYPE, name.span, format!("`{}` is no date", name.value)).label(format!("this is {}", kind.words())),
            );
            None
        }
    }
}

pub static AGE_AT: Transform = Transform {
    key: "age_at",
    role: Role::Origin,
    fallible: true,
    summary: "Completed years between `born` and the date named here.",
    example: "{age_at: DATE_DIAG, born: DDN}",
    lower: |d, node| {
        let Some(born) = d.argument("born") else {
            d.found.push(Diagnostic::error(code::AGE_PARTNER, node.span, "`age_at` needs `born`").label("no `born` beside it").help("`{age_at: DATE_DIAG, born: DDN}`"));
            return None;
        };
        if !d.field.kind.value.is_number() {
            d.wrong_type("age_at", node.span, "numbers");
            return None;
        }
        let at = names_of(node, "age_at", d.found)?;
        let born = names_of(born, "born", d.found)?;
        let at = at.first().and_then(|n| date_of(d, n));
        let born = born.first().and_then(|n| date_of(d, n));
        let expr = d.call("age_years", vec![born?, at?]);
        d.column = None;
        d.value = Some(Typed { expr, kind: Kind::Integer });
        Some(())
    },
};

pub static BORN: Transform = Transform {
    key: "born",
    role: Role::Companion,
    fallible: false,
    summary: "The date of birth for `age_at`.",
    example: "{age_at: DATE_DIAG, born: DDN}",
    lower: |d, node| {
        if d.entry("age_at").is_none() {
            d.found.push(Diagnostic::error(code::AGE_PARTNER, node.span, "`born` needs `age_at`").label("no `age_at` beside it"));
            return None;
        }
        nothing(d, node)
    },
};
