//! Time to an event: the fields of a named endpoint.
//!
//! A table's `endpoints` say once what stops the clock; its fields take the time, whether the event
//! happened, or which event it was. All of them read the same named expressions, so that time and
//! event cannot disagree. Work is done in days, as Float64; a time is missing wherever the order of
//! events is not certain: a date that cannot be read is not a date that did not happen.

pub mod definition;
mod words;

use datafusion::functions::expr_fn::{coalesce, least};
use datafusion::functions::math::expr_fn::round;
use datafusion::logical_expr::expr::Case;
use datafusion::logical_expr::{Expr, cast, lit};

pub use words::{Described, describe};

use super::derive::{Failure, Named, Typed, flag, number, optional_text, text};
use super::{Derive, Kind, Role, Transform, nothing};
use crate::config::Name;
use crate::config::endpoint::{Endpoint, Happened, Late, Moment};
use crate::config::schema::FieldType;
use crate::config::yaml::Node;
use crate::diagnostic::{Diagnostic, code};

pub static ENDPOINT: Transform = Transform {
    key: "endpoint",
    role: Role::Origin,
    fallible: true,
    summary: "The time or the event of one of the table's `endpoints`: a number takes the time, in its unit; a boolean or code takes what happened.",
    example: "{endpoint: rfs}",
    lower,
};

pub static GIVE: Transform = Transform {
    key: "give",
    role: Role::Companion,
    fallible: false,
    summary: "What of the endpoint: `time`, `event` (a boolean, or a code of `censored`, `event`, `competing` or 0, 1, 2), or `kind` (which event came first, else `censored`).",
    example: "{endpoint: rfs, give: kind}",
    lower: |d, node| {
        if d.entry("endpoint").is_none() {
            d.clash(node.span, "`give` has no place without `endpoint`".into());
            return None;
        }
        nothing(d, node)
    },
};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Give {
    Time,
    Event,
    Kind,
}

const GIVES: [(&str, Give); 3] = [("time", Give::Time), ("event", Give::Event), ("kind", Give::Kind)];

/// Status of a time.
const CENSORED: i64 = 0;
const EVENT: i64 = 1;
const COMPETING: i64 = 2;

fn lower(d: &mut Derive<'_>, node: &Node) -> Option<()> {
    let name = crate::config::read::text(node, "endpoint", d.found)?;
    let endpoints = d.endpoints;
    let Some(endpoint) = endpoints.iter().find(|e| e.name.value == name.value) else {
        d.found.push(
            Diagnostic::error(code::UNKNOWN_ENDPOINT, name.span, format!("the table has no endpoint `{}`", name.value))
                .label("not in the table's `endpoints`")
                .suggest(&name.value, endpoints.iter().map(|e| e.name.value.as_str())),
        );
        return None;
    };
    let give = match d.argument("give") {
        Some(n) => crate::config::read::choice(n, "give", &GIVES, d.found)?.value,
        None if d.field.kind.value.is_number() => Give::Time,
        None => Give::Event,
    };
    match (give, d.field.kind.value) {
        (Give::Time, FieldType::Integer | FieldType::Decimal) | (Give::Event, FieldType::Boolean | FieldType::Code) | (Give::Kind, FieldType::Code | FieldType::Text) => {}
        (Give::Time, _) => return wrong_type(d, node, "numbers, which take the time"),
        (Give::Event, _) => return wrong_type(d, node, "booleans and codes, which take the event"),
        (Give::Kind, _) => return wrong_type(d, node, "codes and texts, which take the kind of event"),
    }
    let clock = clock(d, endpoint)?;
    d.column = None;
    d.value = Some(match give {
        Give::Time => time(d, endpoint, &clock)?,
        Give::Event => status(d, endpoint, &clock, node)?,
        Give::Kind => kind(d, endpoint, &clock, node)?,
    });
    Some(())
}

fn wrong_type(d: &mut Derive<'_>, node: &Node, wants: &str) -> Option<()> {
    d.wrong_type("endpoint", node.span, wants);
    None
}

/// The named expressions that all fields of an endpoint share; days are Float64 since the origin.
struct Clock {
    /// Null where the time is not certain.
    time: Expr,
    /// 0, 1, 2; null where the time is.
    status: Expr,
    /// Kind and day of each event that happened, events before competing ones.
    days: Vec<(String, Expr)>,
    /// The day of the first of them.
    first: Expr,
}

/// An event or the last news, as read.
struct Day {
    /// Days since the origin.
    day: Expr,
    /// Whether the site gave any.
    given: Expr,
}

fn clock(d: &mut Derive<'_>, e: &Endpoint) -> Option<Clock> {
    let origin = match &e.origin {
        Some(name) => Some(origin(d, name)?),
        None => None,
    };
    let mut sound = true;
    let (mut days, mut unsure, mut undated): (Vec<(String, Expr)>, Vec<Expr>, Vec<Expr>) = (vec![], vec![], vec![]);
    let mut perhaps: Vec<(Expr, Expr)> = vec![];
    for event in e.events.iter().chain(&e.competing) {
        let (day, happened) = (moment(d, e, origin.as_ref(), &event.moment), event.happened.as_ref().map(|h| happened(d, h)));
        let Some(Day { day, given }) = day else {
            sound = false;
            continue;
        };
        let hint = format!("e:{}:{}", e.name.value, event.kind.value);
        match happened {
            Some(None) => sound = false,
            Some(Some(yes)) => {
                unsure.push(yes.clone().and(day.clone().is_null()));
                perhaps.push((yes.clone(), day.clone()));
                undated.push(yes.clone().and(given.clone().is_null()));
                days.push((event.kind.value.clone(), d.definitions.define(&hint, Kind::Number, case(vec![(yes, day)], None))));
            }
            None => {
                unsure.push(given.is_not_null().and(day.clone().is_null()));
                days.push((event.kind.value.clone(), day));
            }
        }
    }
    let last = moment(d, e, origin.as_ref(), e.censored.as_ref()?);
    if !sound || days.is_empty() {
        return None;
    }
    let last = last?.day;
    unsure.extend(origin.map(Expr::is_null));
    let named = |d: &mut Derive<'_>, what: &str, kind: Kind, expr: Expr| d.definitions.define(&format!("e:{}:{what}", e.name.value), kind, expr);
    let of = |days: &[(String, Expr)]| first_of(days.iter().map(|(_, day)| day.clone()).collect());
    let (events, competing) = days.split_at(e.events.len().min(days.len()));
    let event = named(d, "event", Kind::Number, of(events)?);
    let rival = of(competing).map(|expr| named(d, "competing", Kind::Number, expr));
    let first = match &rival {
        Some(rival) => named(d, "first", Kind::Number, first_of(vec![event.clone(), rival.clone()])?),
        None => event.clone(),
    };
    // Whether it happened does not matter where it could only have come later.
    unsure.extend(perhaps.into_iter().map(|(yes, day)| yes.is_null().and(coalesce(vec![day.gt_eq(first.clone()), lit(false)]).eq(lit(false)))));
    // What cannot be: a day before the clock starts, an event that has no day.
    let all: Vec<Expr> = days.iter().map(|(_, day)| day.clone()).chain([last.clone()]).collect();
    let early = named(d, "early", Kind::Boolean, first_of(all)?.lt(lit(0.0)));
    failure(d, early.clone(), code::BEFORE_ORIGIN, "before_origin");
    if let Some(undated) = undated.into_iter().reduce(Expr::or) {
        let undated = named(d, "undated", Kind::Boolean, undated);
        failure(d, undated, code::NO_DAY, "no_day");
    }
    let end = match e.late {
        Late::Counted => coalesce(vec![first.clone(), last.clone()]),
        // Without the last news nobody can say whether an event is late.
        Late::AtCensoring | Late::NotCounted => case(vec![(last.clone().is_null(), number(None))], Some(least(vec![coalesce(vec![first.clone(), last.clone()]), last.clone()]))),
    };
    unsure.push(coalesce(vec![early, lit(false)]));
    let unsure = unsure.into_iter().reduce(Expr::or)?;
    let uncapped = named(d, "end", Kind::Number, case(vec![(coalesce(vec![unsure, lit(false)]), number(None))], Some(end)));
    let mut cases = vec![(uncapped.clone().is_null(), Expr::Literal(datafusion::common::ScalarValue::Int64(None), None))];
    let mut time = uncapped.clone();
    if let Some(cap) = e.cap_days() {
        cases.push((uncapped.clone().gt(lit(cap)), lit(CENSORED)));
        time = named(d, "time", Kind::Number, least(vec![uncapped, lit(cap)]));
    }
    if e.late == Late::NotCounted {
        cases.push((first.clone().gt(last), lit(CENSORED)));
    }
    match &rival {
        Some(rival) => {
            cases.push((event.clone().is_not_null().and(rival.clone().is_null().or(event.lt_eq(rival.clone()))), lit(EVENT)));
            cases.push((rival.clone().is_not_null(), lit(COMPETING)));
        }
        None => cases.push((event.is_not_null(), lit(EVENT))),
    }
    let status = named(d, "status", Kind::Integer, case(cases, Some(lit(CENSORED))));
    Some(Clock { time, status, days, first })
}

fn origin(d: &mut Derive<'_>, name: &Name) -> Option<Expr> {
    super::age::date_of(d, name)
}

/// The day of an event or of the last news, since the origin.
fn moment(d: &mut Derive<'_>, e: &Endpoint, origin: Option<&Expr>, moment: &Moment) -> Option<Day> {
    let name = &moment.at;
    d.column = None;
    let value = d.reference(name)?;
    let is_cell = d.column.is_some();
    let field_unit = match d.names.find(&name.value) {
        Some(Named::Field(field)) => field.unit.clone(),
        _ => None,
    };
    let given = value.expr.clone();
    let is_date = match value.kind {
        Kind::Date | Kind::Datetime => true,
        Kind::Text if is_cell => origin.is_some() && moment.unit.is_none(),
        Kind::Integer | Kind::Number => false,
        kind => {
            d.found.push(
                Diagnostic::error(code::ENDPOINT_MOMENT, name.span, format!("`{}` is neither a date nor a time", name.value)).label(format!("this is {}", kind.words())),
            );
            return None;
        }
    };
    if is_date {
        let Some(origin) = origin else {
            d.found.push(
                Diagnostic::error(code::ENDPOINT_MOMENT, name.span, format!("`{}` is a date, and the endpoint `{}` has no `origin`", name.value, e.name.value))
                    .label("days since when?")
                    .help("`origin` names the date at which the clock starts"),
            );
            return None;
        };
        let date = super::age::date_of(d, name)?;
        let days = d.call("date_diff", vec![text("day"), origin.clone(), date]);
        let day = d.definitions.define(&format!("e:{}:{}", e.name.value, name.value), Kind::Number, cast(days, Kind::Number.data_type()));
        return Some(Day { day, given });
    }
    let unit = moment.unit.clone().or(field_unit).or(e.unit.clone());
    let Some(days) = unit.as_ref().and_then(|u| e.days(&u.value)) else {
        let finding = match &unit {
            Some(unit) => Diagnostic::error(code::ENDPOINT_UNIT, name.span, format!("`{}` is in `{}`, which is no unit of an endpoint", name.value, unit.value)).related(unit.span, "its unit"),
            None => Diagnostic::error(code::ENDPOINT_UNIT, name.span, format!("nothing says what unit `{}` is in", name.value)),
        };
        d.found.push(finding.label("days, weeks, months or years?").help("`unit: d` (or `wk`, `mo`, `a`) for the endpoint, or `{at: …, unit: mo}` for this one"));
        return None;
    };
    let count = if is_cell {
        let one = || number(Some(1.0));
        let marks = [text(d.locale.decimal.to_string()), optional_text(d.locale.group.map(String::from))];
        let args: Vec<Expr> = [value.expr.clone()].into_iter().chain(marks).chain([one(), one(), number(Some(0.0))]).collect();
        let output = d.call("parse_number", args);
        d.fallible(&format!("n:{}", name.value), output, Kind::Number, value.expr, code::PARSE, "parse");
        d.value.take()?.expr
    } else if value.kind == Kind::Integer {
        cast(value.expr, Kind::Number.data_type())
    } else {
        value.expr
    };
    let day = if days == 1.0 { count } else { count * lit(days) };
    let day = d.definitions.define(&format!("e:{}:{}", e.name.value, name.value), Kind::Number, day);
    Some(Day { day, given })
}

/// Whether an event happened.
fn happened(d: &mut Derive<'_>, h: &Happened) -> Option<Expr> {
    d.column = None;
    let value = d.reference(&h.name)?;
    match value.kind {
        Kind::Boolean => Some(value.expr),
        Kind::Text if d.column.is_some() => {
            let yes = h.yes.as_ref().unwrap_or(&d.locale.true_words).join("\u{1f}");
            let no = h.no.as_ref().unwrap_or(&d.locale.false_words).join("\u{1f}");
            let output = d.call("parse_boolean", vec![value.expr.clone(), flag(true), text(yes), text(no)]);
            d.fallible(&format!("b:{}", h.name.value), output, Kind::Boolean, value.expr, code::PARSE, "parse");
            d.value.take().map(|v| v.expr)
        }
        kind => {
            d.found.push(
                Diagnostic::error(code::FIELD_TYPE, h.name.span, format!("`{}` does not say whether an event happened", h.name.value))
                    .label(format!("this is {}", kind.words()))
                    .help("a column, or a field that is true or false"),
            );
            None
        }
    }
}

/// Notes what is wrong with the row as a whole.
fn failure(d: &mut Derive<'_>, violated: Expr, code: crate::diagnostic::Code, rule: &'static str) {
    let policy = d.policy();
    let same = violated.to_string();
    d.failures.push(Failure { violated, code, rule, column: None, raw: None, policy, direct: false, same });
}

/// The time in the field's unit. Whole-number fields are rounded, and a cap is cut to what they can hold.
fn time(d: &mut Derive<'_>, e: &Endpoint, clock: &Clock) -> Option<Typed> {
    let Some(unit) = &d.field.unit else {
        d.found.push(
            Diagnostic::error(code::NO_SCHEMA_UNIT, d.span, format!("the schema gives `{}` no unit", d.field.name.value))
                .label("days, months or years?")
                .related(d.field.name.span, "the field"),
        );
        return None;
    };
    let Some(days) = e.days(&unit.value) else {
        d.found.push(
            Diagnostic::error(code::ENDPOINT_UNIT, d.span, format!("the field `{}` is in `{}`, which is no unit of time", d.field.name.value, unit.value))
                .label("a time is in `d`, `wk`, `mo` or `a`")
                .related(unit.span, "the schema's unit"),
        );
        return None;
    };
    let time = if days == 1.0 { clock.time.clone() } else { clock.time.clone() / lit(days) };
    if d.field.storage() != Kind::Integer {
        return Some(Typed { expr: time, kind: Kind::Number });
    }
    let whole = round(vec![time]);
    let expr = match e.cap_days() {
        Some(cap) => least(vec![whole, lit((cap / days).floor())]),
        None => whole,
    };
    Some(Typed { expr, kind: Kind::Number })
}

/// Whether the event happened, as the field says it.
fn status(d: &mut Derive<'_>, e: &Endpoint, clock: &Clock, node: &Node) -> Option<Typed> {
    if d.field.kind.value == FieldType::Boolean {
        return Some(Typed { expr: clock.status.clone().eq(lit(EVENT)), kind: Kind::Boolean });
    }
    let rivals = !e.competing.is_empty();
    if d.field.storage() == Kind::Integer {
        let wanted: &[&str] = if rivals { &["0", "1", "2"] } else { &["0", "1"] };
        values_hold(d, node, wanted)?;
        return Some(Typed { expr: clock.status.clone(), kind: Kind::Integer });
    }
    let wanted: &[&str] = if rivals { &["censored", "event", "competing"] } else { &["censored", "event"] };
    values_hold(d, node, wanted)?;
    let cases = [CENSORED, EVENT, COMPETING].into_iter().zip(wanted).map(|(status, word)| (clock.status.clone().eq(lit(status)), text(*word))).collect();
    Some(Typed { expr: case(cases, None), kind: Kind::Text })
}

/// Which event came first; of two on one day, the one listed first.
fn kind(d: &mut Derive<'_>, e: &Endpoint, clock: &Clock, node: &Node) -> Option<Typed> {
    let mut wanted: Vec<&str> = vec!["censored"];
    wanted.extend(e.events.iter().chain(&e.competing).map(|e| e.kind.value.as_str()));
    if d.field.kind.value == FieldType::Code {
        values_hold(d, node, &wanted)?;
    }
    let mut cases = vec![(clock.status.clone().is_null(), optional_text(None)), (clock.status.clone().eq(lit(CENSORED)), text("censored"))];
    cases.extend(clock.days.iter().map(|(kind, day)| (day.clone().eq(clock.first.clone()), text(kind.clone()))));
    let expr = d.definitions.define(&format!("r:{}", d.field.name.value), Kind::Text, case(cases, None));
    Some(Typed { expr, kind: Kind::Text })
}

fn values_hold(d: &mut Derive<'_>, node: &Node, wanted: &[&str]) -> Option<()> {
    let Some(absent) = wanted.iter().find(|w| d.field.values.iter().all(|v| v.value.value != **w)) else { return Some(()) };
    let mut finding = Diagnostic::error(code::MAP_TARGET, node.span, format!("`{absent}` is not a value of the field `{}`", d.field.name.value))
        .label(format!("gives {}", wanted.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ")));
    if let Some(span) = d.field.values_span {
        finding = finding.related(span, "the field's values");
    }
    d.found.push(finding);
    None
}

/// The smallest that is not null.
fn first_of(mut days: Vec<Expr>) -> Option<Expr> {
    match days.len() {
        0 => None,
        1 => days.pop(),
        _ => Some(least(days)),
    }
}

fn case(cases: Vec<(Expr, Expr)>, otherwise: Option<Expr>) -> Expr {
    let when_then_expr = cases.into_iter().map(|(when, then)| (Box::new(when), Box::new(then))).collect();
    Expr::Case(Case { expr: None, when_then_expr, else_expr: otherwise.map(Box::new) })
}

/// Compares the endpoints of a table with the definitions that they name.
pub fn check(endpoints: &[Endpoint], used: impl Fn(&str) -> bool, found: &mut crate::diagnostic::Diagnostics) {
    for endpoint in endpoints {
        definition::check(endpoint, found);
        if !used(&endpoint.name.value) {
            found.push(
                Diagnostic::warning(code::UNUSED_ENDPOINT, endpoint.name.span, format!("no field is derived from the endpoint `{}`", endpoint.name.value))
                    .label("not used")
                    .help(format!("`rfs_days: {{endpoint: {}}}`", endpoint.name.value)),
            );
        }
    }
}
