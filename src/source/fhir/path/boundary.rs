//! `lowBoundary` and `highBoundary`: the least and the greatest value that a value of its precision can stand for
//! (FHIRPath, draft of version 3, "Boundary functions").

use std::borrow::Cow;

use rust_decimal::{Decimal, RoundingStrategy};

use super::eval::{Context, Fault, Item, Plain};
use super::moment::{Kind, Moment, days};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Low,
    High,
}

/// Digits of a decimal, of a date-time and of a time, where none are asked for.
const DIGITS: i64 = 8;
const DATE: i64 = 8;
const DATE_TIME: i64 = 17;
const TIME: i64 = 9;

/// `digits`: behind the point for a number, all for a date (4 is the year, 17 goes to milliseconds).
pub(super) fn boundary<'t>(cx: &Context<'t>, item: &Item<'t>, side: Side, digits: Option<i64>) -> Result<Option<Item<'t>>, Fault> {
    Ok(match cx.plain(item)? {
        Plain::Number(number) => of_number(number, side, digits.unwrap_or(DIGITS)).map(Item::Number),
        Plain::Text(text) | Plain::Moment(text) => match Moment::parse(text) {
            Some(moment) => {
                let kind = cx.kind_of(item, &moment);
                of_moment(&moment, kind, side, digits).map(|text| Item::Moment(kind, Cow::Owned(text)))
            }
            None => return Err(Fault::Kind),
        },
        Plain::Complex(at) => {
            // A period: what it begins or ends with.
            let member = cx.tree.member(at, if side == Side::Low { "start" } else { "end" });
            let moment = member.and_then(|place| cx.tree.text(place)).and_then(Moment::parse);
            moment.and_then(|moment| of_moment(&moment, Kind::DateTime, side, digits)).map(|text| Item::Moment(Kind::DateTime, Cow::Owned(text)))
        }
        Plain::Nothing => None,
        Plain::Bool(_) | Plain::Quantity(..) => return Err(Fault::Kind),
    })
}

/// Half a unit of the last digit to the one or the other side.
fn of_number(number: Decimal, side: Side, digits: i64) -> Option<Decimal> {
    let digits = u32::try_from(digits).ok().filter(|digits| *digits <= 28)?;
    let half = Decimal::try_new(5, number.scale().checked_add(1)?).ok()?;
    let (edge, strategy) = match side {
        Side::Low => (number.checked_sub(half)?, RoundingStrategy::ToNegativeInfinity),
        Side::High => (number.checked_add(half)?, RoundingStrategy::ToPositiveInfinity),
    };
    Some(edge.round_dp_with_strategy(digits, strategy).normalize())
}

fn of_moment(moment: &Moment, kind: Kind, side: Side, digits: Option<i64>) -> Option<String> {
    let low = side == Side::Low;
    let (year, mut month, mut day) = moment.day();
    let (mut hour, mut minute, mut millis) = moment.clock();
    let from = if kind == Kind::Time { 3 } else { 0 };
    let lacks = |field: usize| moment.given <= field && field >= from;
    if lacks(1) {
        month = if low { 1 } else { 12 };
    }
    if lacks(2) {
        day = if low { 1 } else { days(year, month) };
    }
    if lacks(3) {
        hour = if low { 0 } else { 23 };
    }
    if lacks(4) {
        minute = if low { 0 } else { 59 };
    }
    if lacks(5) {
        millis = if low { 0 } else { 59_999 };
    } else if !moment.fraction && !low {
        millis += 999;
    }
    let clock = format!("{hour:02}:{minute:02}:{:02}.{:03}", millis / 1000, millis % 1000);
    let date = format!("{year:04}-{month:02}-{day:02}");
    match (kind, digits) {
        (Kind::Time, asked) => match asked.unwrap_or(TIME) {
            2 => clock.get(..2).map(Into::into),
            4 => clock.get(..5).map(Into::into),
            6 => clock.get(..8).map(Into::into),
            9 => Some(clock),
            _ => None,
        },
        (_, Some(4)) => date.get(..4).map(Into::into),
        (_, Some(6)) => date.get(..7).map(Into::into),
        (Kind::Date, asked) => (asked.unwrap_or(DATE) == DATE).then_some(date),
        (Kind::DateTime, Some(DATE)) => Some(date),
        (Kind::DateTime, asked) if asked.unwrap_or(DATE_TIME) == DATE_TIME => {
            // Without a zone it may be anywhere on Earth.
            let zone = match moment.zone {
                Some(0) => "Z".into(),
                Some(minutes) => format!("{}{:02}:{:02}", if minutes < 0 { '-' } else { '+' }, minutes.abs() / 60, minutes.abs() % 60),
                None => (if low { "+14:00" } else { "-12:00" }).to_owned(),
            };
            Some(format!("{date}T{clock}{zone}"))
        }
        (Kind::DateTime, _) => None,
    }
}
