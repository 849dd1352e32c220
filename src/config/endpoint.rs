//! Named endpoints as written: where the clock starts, which events stop it, and until when it is
//! known that none happened.

use super::read::{Keys, Name, entries, text, texts};
use super::yaml::{Node, Value};
use crate::diagnostic::{Diagnostic, Diagnostics, code};

/// One time-to-event derivation of a table.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub name: Name,
    /// The published definition that it claims to follow.
    pub definition: Option<Name>,
    /// Where the clock starts: a date. Absent where the export counts the time itself.
    pub origin: Option<Name>,
    pub events: Vec<Event>,
    pub competing: Vec<Event>,
    /// The last day on which it is known that no event had happened.
    pub censored: Option<Moment>,
    /// Of columns that hold a time.
    pub unit: Option<Name>,
    pub late: Late,
    pub cap: Option<Length>,
    /// Days of a month and of a year.
    pub month: f64,
    pub year: f64,
    /// Kinds of events that the definition counts and this endpoint does not, with the reason.
    pub without: Vec<(Name, String)>,
}

/// A kind of event, when it happened, and where that needs saying, whether.
#[derive(Debug, Clone)]
pub struct Event {
    pub kind: Name,
    pub moment: Moment,
    pub happened: Option<Happened>,
}

/// A date, or a time since the origin.
#[derive(Debug, Clone)]
pub struct Moment {
    pub at: Name,
    pub unit: Option<Name>,
}

/// A yes or no, with words of its own where it has them.
#[derive(Debug, Clone)]
pub struct Happened {
    pub name: Name,
    pub yes: Option<Vec<String>>,
    pub no: Option<Vec<String>>,
}

/// What an event after the day of `censored` counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Late {
    Counted,
    AtCensoring,
    NotCounted,
}

impl Late {
    /// The words of `late`.
    pub const WORDS: [(&'static str, Late); 3] = [("counted", Late::Counted), ("at_censoring", Late::AtCensoring), ("not_counted", Late::NotCounted)];

    /// The word for it.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, l)| *l == self).map_or("?", |(w, _)| w)
    }
}

/// A number of days, weeks, months or years.
#[derive(Debug, Clone)]
pub struct Length {
    pub number: f64,
    pub unit: String,
    /// As written.
    pub text: String,
}

/// Units of time that have a length in days, given those of a month and a year.
pub const UNITS: [&str; 4] = ["d", "wk", "mo", "a"];

impl Endpoint {
    /// Days of a unit; `None` where it is no unit of time.
    pub fn days(&self, unit: &str) -> Option<f64> {
        Some(match unit {
            "d" => 1.0,
            "wk" => 7.0,
            "mo" => self.month,
            "a" => self.year,
            _ => return None,
        })
    }

    /// The longest time that is told, in days.
    pub fn cap_days(&self) -> Option<f64> {
        let cap = self.cap.as_ref()?;
        Some(cap.number * self.days(&cap.unit)?)
    }

    /// Columns and fields it names, in the order of the document.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        let events = self.events.iter().chain(&self.competing);
        self.origin.iter().chain(events.flat_map(|e| std::iter::once(&e.moment.at).chain(e.happened.iter().map(|h| &h.name)))).chain(self.censored.iter().map(|m| &m.at))
    }
}

/// Reads the endpoints of a table.
pub fn read(node: &Node, found: &mut Diagnostics) -> Vec<Endpoint> {
    entries(node, "endpoints", found).into_iter().filter_map(|(name, n)| endpoint(name, n, found)).collect()
}

fn endpoint(name: Name, node: &Node, found: &mut Diagnostics) -> Option<Endpoint> {
    super::check_name(&name, "endpoint", found);
    let mut keys = Keys::new(node, format!("the endpoint `{}`", name.value), found)?;
    let definition = keys.text("definition", found);
    keys.words("description", found);
    let origin = keys.text("origin", found);
    let events = keys.require("events", found).map_or(vec![], |n| events(n, "events", found));
    let competing = keys.take("competing").map_or(vec![], |n| self::events(n, "competing", found));
    let censored = keys.require("censored", found).and_then(|n| moment(n, found));
    let unit = keys.take("unit").and_then(|n| unit(n, found));
    let late = keys.choice("late", &Late::WORDS, found).map_or(Late::Counted, |c| c.value);
    let cap = keys.take("cap").and_then(|n| length(n, "cap", &UNITS, found));
    let month = keys.take("month").and_then(|n| length(n, "month", &["d"], found)).map_or(30.4375, |l| l.number);
    let year = keys.take("year").and_then(|n| length(n, "year", &["d"], found)).map_or(365.25, |l| l.number);
    let without = match keys.take("without") {
        Some(n) => entries(n, "without", found).into_iter().filter_map(|(kind, why)| Some((kind, text(why, "without", found)?.value))).collect(),
        None => vec![],
    };
    keys.finish(found);
    Some(Endpoint { name, definition, origin, events, competing, censored, unit, late, cap, month, year, without })
}

fn events(node: &Node, what: &str, found: &mut Diagnostics) -> Vec<Event> {
    let all: Vec<Event> = entries(node, what, found).into_iter().filter_map(|(kind, n)| event(kind, n, found)).collect();
    if matches!(&node.value, Value::Map(items) if items.is_empty()) {
        found.push(Diagnostic::error(code::MISSING_KEY, node.span, format!("`{what}` names no event")).label("nothing is listed").help("`{relapse: DATE_RELAPSE, death: DATE_DEATH}`"));
    }
    all
}

fn event(kind: Name, node: &Node, found: &mut Diagnostics) -> Option<Event> {
    if !matches!(node.value, Value::Map(_)) {
        return Some(Event { kind, moment: moment(node, found)?, happened: None });
    }
    let mut keys = Keys::new(node, format!("the event `{}`", kind.value), found)?;
    let at = keys.require("at", found).and_then(|n| text(n, "at", found));
    let unit = keys.take("unit").and_then(|n| unit(n, found));
    let name = keys.text("if", found);
    let plain = |words: Vec<Name>| words.into_iter().map(|w| w.value).collect::<Vec<_>>();
    let words = keys.peek("true").or(keys.peek("false")).map(|n| n.span);
    let (yes, no) = (keys.take("true").map(|n| plain(texts(n, "true", found))), keys.take("false").map(|n| plain(texts(n, "false", found))));
    keys.finish(found);
    if let (Some(span), None) = (words, &name) {
        found.push(Diagnostic::error(code::MISSING_KEY, span, format!("the event `{}` has words for true and false, and no `if`", kind.value)).label("words of which column?"));
        return None;
    }
    let same = yes.iter().flatten().find(|y| no.iter().flatten().any(|n| n.to_lowercase() == y.to_lowercase()));
    if let (Some(word), Some(span)) = (same, words) {
        found.push(Diagnostic::error(code::WORD_OVERLAP, span, format!("`{word}` means both true and false")).label("the same word on both sides"));
        return None;
    }
    Some(Event { kind, moment: Moment { at: at?, unit }, happened: name.map(|name| Happened { name, yes, no }) })
}

/// A name, or `{at: NAME, unit: mo}`.
fn moment(node: &Node, found: &mut Diagnostics) -> Option<Moment> {
    if !matches!(node.value, Value::Map(_)) {
        return Some(Moment { at: text(node, "a day", found)?, unit: None });
    }
    let mut keys = Keys::new(node, "`censored`", found)?;
    let at = keys.require("at", found).and_then(|n| text(n, "at", found));
    let unit = keys.take("unit").and_then(|n| unit(n, found));
    keys.finish(found);
    Some(Moment { at: at?, unit })
}

fn unit(node: &Node, found: &mut Diagnostics) -> Option<Name> {
    let unit = text(node, "unit", found)?;
    if UNITS.contains(&unit.value.as_str()) {
        return Some(unit);
    }
    found.push(
        Diagnostic::error(code::ENDPOINT_UNIT, unit.span, format!("`{}` is no unit of an endpoint", unit.value))
            .label("expected days, weeks, months or years: `d`, `wk`, `mo`, `a`")
            .suggest(&unit.value, UNITS),
    );
    // One mistake, one finding.
    Some(Name::new("d".to_owned(), unit.span))
}

/// `84 mo`: a number and one of the units.
fn length(node: &Node, what: &str, units: &[&str], found: &mut Diagnostics) -> Option<Length> {
    let raw = node.text().unwrap_or_default();
    let at = raw.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(raw.len());
    let (number, unit) = raw.split_at(at);
    let number = number.parse::<f64>().ok().filter(|n| n.is_finite() && *n > 0.0 && *n < 1e6);
    match (number, unit.trim()) {
        (Some(number), unit) if units.contains(&unit) => Some(Length { number, unit: unit.to_owned(), text: format!("{number} {unit}") }),
        _ => {
            let known = units.iter().map(|u| format!("`{u}`")).collect::<Vec<_>>().join(", ");
            found.push(
                Diagnostic::error(code::ENDPOINT_UNIT, node.span, format!("`{what}` is a length of time"))
                    .label(format!("expected a number and {known}"))
                    .help(if units.len() == 1 { "for example `30.4375 d`" } else { "for example `84 mo`" }),
            );
            None
        }
    }
}
