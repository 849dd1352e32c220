//! Dates by declared formats, what the formats leave open, and how precise a date was.

use datafusion::logical_expr::Expr;

use super::derive::{names_of, text};
use super::{Derive, Kind, Role, Transform, Typed};
use crate::config::Name;
use crate::config::mapping::Locale;
use crate::config::read::{Spanned, choice};
use crate::config::schema::FieldType;
use crate::config::yaml::Node;
use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::function::{Completion, Facts, Flaw, Partial, check_format, check_zone};

pub static DATE: Transform = Transform {
    key: "date",
    role: Role::Step,
    fallible: true,
    summary: "The column's own date format or formats, in place of the source's; the first that fits counts.",
    example: "{from: DATE_DIAG, date: [\"%d/%m/%Y\", \"%Y-%m-%d\"]}",
    lower: |d, node| {
        if d.entry("precision_of").is_some() {
            // It has read them already.
            return Some(());
        }
        if !matches!(d.field.kind.value, FieldType::Date | FieldType::Datetime) {
            d.wrong_type("date", node.span, "dates");
            return None;
        }
        let formats = names_of(node, "date", d.found)?;
        let completion = completion(d);
        formats_are_sound(&formats, completion, d.found)?;
        read(d, Some(formats))
    },
};

/// Reports what is wrong with a source's dates.
pub fn dates_are_sound(locale: &Locale, found: &mut Diagnostics) {
    let completion = Completion { pivot: locale.pivot.as_ref().map(|name| pivot(name, found)), partial: locale.partial.as_ref().map(|name| partial(name, found)) };
    if let Some(zone) = &locale.zone {
        zone_is_sound(zone, found);
    }
    formats_are_sound(&locale.dates, completion, found);
}

/// What each format reads; a finding for each that cannot be used.
fn formats_are_sound(formats: &[Name], completion: Completion, found: &mut Diagnostics) -> Option<Vec<Facts>> {
    let mut facts = vec![];
    for format in formats {
        match check_format(&format.value, completion) {
            Ok(fact) => facts.push(fact),
            Err(flaw) => {
                let finding = match &flaw {
                    Flaw::Partial(why) => Diagnostic::error(code::PARTIAL_DATE, format.span, format!("`{}` reads a partial date, and nothing says which day it counts as", format.value))
                        .label(why.as_str())
                        .help("write `partial: first`, `middle` or `last` beside it, or `refuse` where such a date is not to be used"),
                    Flaw::Pivot(why) => Diagnostic::error(code::DATE_FORMAT, format.span, format!("`{}` is not a date format", format.value))
                        .label(why.as_str())
                        .help("`pivot: 1930` beside it reads 30 as 1930 and 29 as 2029; dates of birth often need another than visits"),
                    Flaw::Form(why) => Diagnostic::error(code::DATE_FORMAT, format.span, format!("`{}` is not a date format", format.value))
                        .label(why.as_str())
                        .help("day, month and year are `%d`, `%m` and `%Y`: `%d/%m/%Y` reads 31/12/2011"),
                };
                found.push(finding);
            }
        }
    }
    if facts.len() < formats.len() {
        return None;
    }
    let serial = formats.iter().zip(&facts).find(|(_, fact)| fact.is_serial);
    let alike = formats.iter().zip(&facts).find(|(_, fact)| fact.like_a_serial && !fact.is_serial);
    if let (Some((serial, _)), Some((format, _))) = (serial, alike) {
        found.push(
            Diagnostic::error(code::DATE_FORMAT, format.span, format!("`{}` cannot be told from a spreadsheet's number of days", format.value))
                .label("2011 is a year, and a day in 1905")
                .related(serial.span, "the other reading"),
        );
        return None;
    }
    Some(facts)
}

/// Reads the value as the field's date type, with `own` formats or else the source's.
pub fn read(d: &mut Derive<'_>, own: Option<Vec<Name>>) -> Option<()> {
    let input = d.text_value("date", d.span)?;
    let with_time = d.field.kind.value == FieldType::Datetime;
    if with_time {
        one_clock(d, own.as_deref())?;
    }
    let mut literals = literals(d, own.as_deref());
    if let Some(zone) = zone(d).filter(|_| with_time) {
        literals.push(format!("zone: {}", zone.value));
    }
    let (function, kind) = if with_time { ("parse_datetime", Kind::Datetime) } else { ("parse_date", Kind::Date) };
    let output = d.call(function, arguments(input.clone(), literals));
    d.fallible(&format!("d:{}", d.column.clone().unwrap_or_else(|| d.field.name.value.clone())), output, kind, input, code::PARSE, "parse");
    Some(())
}

/// Times of which some say their zone and others do not are refused, unless the zone of the others is declared.
fn one_clock(d: &mut Derive<'_>, own: Option<&[Name]>) -> Option<()> {
    if zone(d).is_some() {
        return Some(());
    }
    let formats = own.unwrap_or(&d.locale.dates);
    let completion = Completion { pivot: Some(1900), partial: Some(Partial::First) };
    let has_offset = |format: &&Name| check_format(&format.value, completion).is_ok_and(|facts| facts.has_offset);
    let (with, without) = (formats.iter().find(has_offset), formats.iter().find(|format| !has_offset(format)));
    if let (Some(with), Some(without)) = (with, without) {
        d.found.push(
            Diagnostic::error(code::TIME_ZONE, without.span, format!("`{}` does not say of which time zone the clock is", without.value))
                .label("no `%z` here")
                .related(with.span, "this one has it")
                .help("`zone: Europe/Paris` says where the clocks without `%z` are"),
        );
        return None;
    }
    Some(())
}

/// A date out of a text, by the source's formats.
pub fn parse(d: &Derive<'_>, input: Expr) -> Expr {
    let literals = literals(d, None);
    d.call("parse_date", arguments(input, literals))
}

fn arguments(input: Expr, literals: Vec<String>) -> Vec<Expr> {
    std::iter::once(input).chain(literals.into_iter().map(text)).collect()
}

/// What `parse_date` and its like take after the text: the formats (ISO 8601 where none is declared) and
/// what they leave open.
fn literals(d: &Derive<'_>, own: Option<&[Name]>) -> Vec<String> {
    let mut literals = vec![];
    for key in ["pivot", "partial"] {
        let said = d.argument(key).and_then(Node::text);
        let of_source = if key == "pivot" { &d.locale.pivot } else { &d.locale.partial };
        if let Some(value) = said.or(of_source.as_ref().map(|name| name.value.as_str())) {
            literals.push(format!("{key}: {value}"));
        }
    }
    let formats = own.unwrap_or(&d.locale.dates);
    literals.extend(formats.iter().map(|format| format.value.clone()));
    if formats.is_empty() {
        literals.push("%Y-%m-%d".to_owned());
    }
    if d.locale.typed {
        let own = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S%.f%z"];
        // Before the declared ones: a date of the workbook's own is no text in another order.
        let first = literals.iter().take_while(|l| l.contains(": ")).count();
        literals.retain(|l| !own.contains(&l.as_str()));
        literals.splice(first..first, own.map(str::to_owned));
    }
    literals
}

/// Pivot and policy of this derivation, or else of its source.
fn completion(d: &mut Derive<'_>) -> Completion {
    let said = |d: &Derive<'_>, key: &str, of_source: &Option<Name>| d.argument(key).map(named).or_else(|| of_source.clone());
    let (year, word) = (said(d, "pivot", &d.locale.pivot), said(d, "partial", &d.locale.partial));
    Completion { pivot: year.map(|name| pivot(&name, d.found)), partial: word.map(|name| partial(&name, d.found)) }
}

fn named(node: &Node) -> Name {
    Spanned::new(node.text().unwrap_or_default().to_owned(), node.span)
}

/// The year, or a finding; then any year, so that the formats are not findings too.
fn pivot(name: &Name, found: &mut Diagnostics) -> u32 {
    let year = name.value.parse().ok().filter(|year| (1000..=9900).contains(year));
    year.unwrap_or_else(|| {
        found.push(
            Diagnostic::error(code::PIVOT, name.span, "the pivot is a year of four digits")
                .label("the first year of the hundred that `%y` means")
                .help("`pivot: 1930` reads 30 as 1930 and 29 as 2029"),
        );
        1900
    })
}

fn partial(name: &Name, found: &mut Diagnostics) -> Partial {
    let known = Partial::WORDS.iter().find(|(word, _)| *word == name.value).map(|(_, partial)| *partial);
    known.unwrap_or_else(|| {
        found.push(
            Diagnostic::error(code::UNKNOWN_CHOICE, name.span, format!("`partial` cannot be `{}`", name.value))
                .label("the day that a partial date counts as")
                .suggest(&name.value, Partial::WORDS.map(|(word, _)| word)),
        );
        Partial::Refuse
    })
}

/// Where the clocks of the derivation are, if it or its source says so.
fn zone(d: &Derive<'_>) -> Option<Name> {
    d.argument("zone").map(named).or_else(|| d.locale.zone.clone())
}

fn zone_is_sound(zone: &Name, found: &mut Diagnostics) -> bool {
    const COMMON: [&str; 12] = [
        "Europe/Paris", "Europe/Brussels", "Europe/Zurich", "Europe/London", "Europe/Berlin", "Europe/Madrid", "Europe/Rome", "America/Martinique",
        "America/Guadeloupe", "America/Cayenne", "Indian/Reunion", "UTC",
    ];
    let sound = check_zone(&zone.value);
    if let Err(why) = &sound {
        let of_city = COMMON.iter().find(|known| known.rsplit('/').next() == Some(zone.value.as_str()));
        let finding = Diagnostic::error(code::TIME_ZONE, zone.span, format!("there is no time zone `{}`", zone.value)).label(why.as_str());
        found.push(match of_city {
            Some(known) => finding.help(format!("did you mean `{known}`?")),
            None => finding.suggest(&zone.value, COMMON),
        });
    }
    sound.is_ok()
}

/// Reports a word about dates in a derivation that reads none.
fn reads_dates(d: &mut Derive<'_>, word: &str, node: &Node) -> Option<()> {
    let reads = matches!(d.field.kind.value, FieldType::Date | FieldType::Datetime) || ["age_at", "precision_of", "sql"].iter().any(|origin| d.entry(origin).is_some());
    if !reads {
        d.wrong_type(word, node.span, "dates");
    }
    reads.then_some(())
}

pub static PIVOT: Transform = Transform {
    key: "pivot",
    role: Role::Companion,
    fallible: false,
    summary: "The first year of the hundred that `%y` means, in place of the source's.",
    example: "{from: DDN, date: \"%d/%m/%y\", pivot: 1910}",
    lower: |d, node| {
        reads_dates(d, "pivot", node)?;
        let before = d.found.items.len();
        pivot(&named(node), d.found);
        (d.found.items.len() == before).then_some(())
    },
};

pub static PARTIAL: Transform = Transform {
    key: "partial",
    role: Role::Companion,
    fallible: false,
    summary: "The day that a date without one counts as: `first`, `middle` or `last` of its month or year; `refuse`: it cannot be read.",
    example: "{from: DATE_DIAG, date: [\"%d/%m/%Y\", \"%m/%Y\", \"%Y\"], partial: middle}",
    lower: |d, node| {
        reads_dates(d, "partial", node)?;
        choice(node, "partial", &Partial::WORDS, d.found).map(|_| ())
    },
};

pub static ZONE: Transform = Transform {
    key: "zone",
    role: Role::Companion,
    fallible: false,
    summary: "Where the clocks are whose times do not say so; the value is then UTC.",
    example: "{from: ENTREE, date: \"%d/%m/%Y %H:%M\", zone: Europe/Paris}",
    lower: |d, node| {
        if d.field.kind.value != FieldType::Datetime {
            d.wrong_type("zone", node.span, "dates with time");
            return None;
        }
        zone_is_sound(&named(node), d.found).then_some(())
    },
};

pub static PRECISION_OF: Transform = Transform {
    key: "precision_of",
    role: Role::Origin,
    fallible: true,
    summary: "How precise the date in a column is: `day`, `month` or `year`, by the source's formats or those of a `date` beside it.",
    example: "{precision_of: DATE_DIAG}",
    lower: |d, node| {
        let names = names_of(node, "precision_of", d.found)?;
        let name = names.first()?;
        if !matches!(d.field.kind.value, FieldType::Code | FieldType::Text) {
            d.wrong_type("precision_of", node.span, "codes and texts");
            return None;
        }
        let Typed { expr: cell, kind: Kind::Text } = d.reference(name)? else {
            d.found.push(
                Diagnostic::error(code::PRECISION_OF, name.span, format!("`{}` is a field, whose dates are whole days", name.value))
                    .label("the column that the date is read from is wanted")
                    .help("with formats of its own, `date` stands beside `precision_of` as it does beside `from`"),
            );
            return None;
        };
        let own = match d.argument("date") {
            Some(formats) => Some(names_of(formats, "date", d.found)?),
            None => None,
        };
        if let Some(formats) = &own {
            let mut completion = completion(d);
            // Whatever day it counts as, its precision is known.
            completion.partial.get_or_insert(Partial::First);
            formats_are_sound(formats, completion, d.found)?;
        }
        let mut literals = literals(d, own.as_deref());
        literals.retain(|literal| !literal.starts_with("partial: "));
        let output = d.call("date_precision", arguments(cell.clone(), literals));
        d.fallible(&format!("q:{}", name.value), output, Kind::Text, cell, code::PARSE, "parse");
        Some(())
    },
};
