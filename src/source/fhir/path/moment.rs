//! Dates, date-times and times of a precision of their own, and how they compare (FHIRPath 2.0, sections 4.1 and 6.2).

use std::cmp::Ordering;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Kind {
    Date,
    DateTime,
    Time,
}

/// `2011`, `2011-12`, `2011-12-31`, `2011-12-31T08:30`, `2011-12-31T08:30:00.125+01:00`, `08:30`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Moment {
    pub kind: Kind,
    /// Year, month, day, hour, minute, milliseconds of the minute; zero where not given.
    fields: [i64; 6],
    /// The fields that are given: of a time 4 to 6, of a date 1 to 3.
    pub given: usize,
    /// Whether there are seconds, and digits behind them.
    pub fraction: bool,
    /// In minutes.
    pub zone: Option<i64>,
}

impl Moment {
    pub fn parse(text: &str) -> Option<Moment> {
        let mut moment = Moment { kind: Kind::Date, fields: [0; 6], given: 0, fraction: false, zone: None };
        let (date, time) = match text.split_once('T') {
            Some((date, time)) => (date, time),
            None if text.as_bytes().get(2) == Some(&b':') || text.len() == 2 => ("", text),
            None => (text, ""),
        };
        if !date.is_empty() {
            moment.date(date)?;
        }
        if !time.is_empty() {
            moment.kind = if date.is_empty() { Kind::Time } else { Kind::DateTime };
            if !date.is_empty() && moment.given != 3 {
                return None;
            }
            moment.time(time)?;
        }
        Some(moment)
    }

    fn date(&mut self, date: &str) -> Option<()> {
        let mut parts = date.split('-');
        let year = number(parts.next()?, 4)?;
        self.set(0, year)?;
        if let Some(month) = parts.next() {
            let month = number(month, 2).filter(|month| (1..=12).contains(month))?;
            self.set(1, month)?;
            if let Some(day) = parts.next() {
                self.set(2, number(day, 2).filter(|day| (1..=days(year, month)).contains(day))?)?;
            }
        }
        parts.next().is_none().then_some(())
    }

    fn time(&mut self, time: &str) -> Option<()> {
        let zone_at = time.find(['Z', '+', '-']).unwrap_or(time.len());
        let (clock, zone) = time.split_at_checked(zone_at)?;
        self.zone = match zone {
            "" => None,
            "Z" => Some(0),
            zone => {
                let (hours, minutes) = zone.get(1..)?.split_once(':')?;
                let minutes = number(hours, 2)?.checked_mul(60)?.checked_add(number(minutes, 2)?)?;
                Some(if zone.starts_with('-') { -minutes } else { minutes })
            }
        };
        let mut parts = clock.split(':');
        self.set(3, number(parts.next()?, 2).filter(|hour| *hour < 24)?)?;
        if let Some(minute) = parts.next() {
            self.set(4, number(minute, 2).filter(|minute| *minute < 60)?)?;
        }
        if let Some(second) = parts.next() {
            let (whole, fraction) = second.split_once('.').unwrap_or((second, ""));
            self.fraction = second.contains('.');
            if fraction.bytes().any(|byte| !byte.is_ascii_digit()) || self.fraction == fraction.is_empty() {
                return None;
            }
            let thousandths = fraction.bytes().chain(*b"000").take(3).fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
            self.set(5, number(whole, 2).filter(|second| *second <= 60)? * 1000 + thousandths)?;
        }
        parts.next().is_none().then_some(())
    }

    fn set(&mut self, field: usize, value: i64) -> Option<()> {
        *self.fields.get_mut(field)? = value;
        self.given = field + 1;
        Some(())
    }

    /// Year, month and day.
    pub fn day(&self) -> (i64, i64, i64) {
        let [year, month, day, ..] = self.fields;
        (year, month, day)
    }

    /// Hour, minute and milliseconds of the minute.
    pub fn clock(&self) -> (i64, i64, i64) {
        let [_, _, _, hour, minute, millis] = self.fields;
        (hour, minute, millis)
    }

    /// How two compare; `None` where the less precise one leaves it open. Zones count where both have one; else the clocks
    /// are taken for clocks of one place.
    pub fn compare(&self, other: &Moment) -> Option<Ordering> {
        if (self.kind == Kind::Time) != (other.kind == Kind::Time) {
            return None;
        }
        let (mine, theirs) = match (self.zone, other.zone) {
            (Some(one), Some(two)) if one != two && self.given > 4 && other.given > 4 => (self.at_zero(), other.at_zero()),
            _ => (self.fields, other.fields),
        };
        let both = self.given.min(other.given);
        let order = mine.iter().zip(&theirs).take(both).map(|(one, two)| one.cmp(two)).find(|order| order.is_ne());
        match order {
            Some(order) => Some(order),
            None if self.given == other.given => Some(Ordering::Equal),
            None => None,
        }
    }

    /// The fields at the zone zero.
    fn at_zero(&self) -> [i64; 6] {
        let [year, month, day, hour, minute, millis] = self.fields;
        let minutes = days_from_year_zero(year, month, day) * 1440 + hour * 60 + minute - self.zone.unwrap_or(0);
        // Days as a whole compare as well as year, month and day do.
        [minutes.div_euclid(1440), 0, 0, minutes.rem_euclid(1440) / 60, minutes.rem_euclid(60), millis]
    }
}

fn number(text: &str, digits: usize) -> Option<i64> {
    if text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// Days of a month.
pub(super) fn days(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since an arbitrary first day, for years of four digits.
fn days_from_year_zero(year: i64, month: i64, day: i64) -> i64 {
    let leaps = if year > 0 { (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400 + 1 } else { 0 };
    let months: i64 = (1..month).map(|month| days(year, month)).sum();
    year * 365 + leaps + months + day
}
