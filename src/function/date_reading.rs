//! How a mapping reads dates: its formats in their order, and what they leave open.
//!
//! A format says which parts a text has. What it cannot say is declared beside it: the hundred years
//! that a year of two digits is in, the day that `03/2011` counts as, the zone of a clock. Numbers of
//! days, as a spreadsheet stores dates, are a format of their own.

use std::str::FromStr;

use arrow::array::timezone::Tz;
use chrono::{DateTime, Offset, TimeZone};

use super::calendar::{month_length, number};
use super::date_format::{Format, Moment};

/// The first year of the hundred that `%y` means, and the day that a date without one stands for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Completion {
    pub pivot: Option<u32>,
    pub partial: Option<Partial>,
}

/// What a date without a day, or without a month and a day, counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partial {
    /// The first day of the month or year.
    First,
    /// The 15th of the month, 1 July of the year.
    Middle,
    /// The last day of the month or year.
    Last,
    /// It cannot be read.
    Refuse,
}

impl Partial {
    /// The words of `partial`.
    pub const WORDS: [(&'static str, Partial); 4] = [("first", Partial::First), ("middle", Partial::Middle), ("last", Partial::Last), ("refuse", Partial::Refuse)];

    /// Month and day that stand for those a text of this precision does not have.
    pub(super) fn complete(self, precision: Precision, year: u32, month: u32) -> Option<(u32, u32)> {
        Some(match (self, precision) {
            (Partial::Refuse, _) => return None,
            (Partial::First, Precision::Year) => (1, 1),
            (Partial::Middle, Precision::Year) => (7, 1),
            (Partial::Last, Precision::Year) => (12, 31),
            (Partial::First, _) => (month, 1),
            (Partial::Middle, _) => (month, 15),
            (Partial::Last, _) => (month, month_length(year, month)),
        })
    }
}

/// The smallest part of a date that a format reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    Year,
    Month,
    Day,
}

impl Precision {
    /// The values of a field that is derived by `precision_of`.
    pub fn word(self) -> &'static str {
        match self {
            Precision::Year => "year",
            Precision::Month => "month",
            Precision::Day => "day",
        }
    }
}

/// Why a format cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flaw {
    /// An unknown specifier, a part twice, no date.
    Form(String),
    /// `%y` without a pivot: is 31 the year 1931 or 2031? That differs between a birth and a visit,
    /// so it is not guessed.
    Pivot(String),
    /// No day, or neither month nor day, and no policy for that.
    Partial(String),
}

impl Flaw {
    /// In words.
    pub fn text(&self) -> &str {
        match self {
            Flaw::Form(text) | Flaw::Pivot(text) | Flaw::Partial(text) => text,
        }
    }
}

/// What a format reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    pub precision: Precision,
    pub has_offset: bool,
    /// Only digits, as few as a number of days may have.
    pub like_a_serial: bool,
    pub is_serial: bool,
}

/// What `format` reads, or why it cannot be used.
pub fn check_format(format: &str, completion: Completion) -> Result<Facts, Flaw> {
    Ok(match Form::new(format, completion)? {
        Form::Text(format) => Facts { precision: format.precision, has_offset: format.has_offset, like_a_serial: format.like_a_serial(), is_serial: false },
        Form::Serial(_) => Facts { precision: Precision::Day, has_offset: false, like_a_serial: true, is_serial: true },
    })
}

/// Says why `zone` cannot be used: it is neither a name of the IANA time zone database nor an offset such as `+01:00`.
pub fn check_zone(zone: &str) -> Result<(), String> {
    Tz::from_str(zone).map(|_| ()).map_err(|_| "not a name of the IANA time zone database".to_owned())
}

/// Formats in their order with what completes them, from the texts that `parse_date` and its like take.
///
/// A text with a `%` is a format, and so are `excel` and `excel-1904`; `pivot: 1930`, `partial: first`
/// and `zone: Europe/Paris` hold for all of them.
pub(super) struct Reading {
    forms: Vec<Form>,
    zone: Option<Tz>,
}

enum Form {
    Text(Format),
    Serial(Serial),
}

impl Reading {
    /// `exactly` as the texts say, or with partial dates read in any case.
    pub(super) fn new(texts: &[&str], exactly: bool) -> Result<Self, String> {
        let (mut completion, mut zone, mut formats) = (Completion::default(), None, vec![]);
        for text in texts {
            match text.split_once(": ").filter(|_| !text.contains('%')) {
                Some(("pivot", year)) => completion.pivot = Some(year.parse().map_err(|_| format!("{year:?} is no year"))?),
                Some(("partial", word)) => {
                    let known = Partial::WORDS.iter().find(|(w, _)| *w == word);
                    completion.partial = Some(known.ok_or_else(|| format!("no policy {word:?} for partial dates"))?.1);
                }
                Some(("zone", name)) => zone = Some(Tz::from_str(name).map_err(|_| format!("no time zone {name:?}"))?),
                _ => formats.push(*text),
            }
        }
        if !exactly {
            completion.partial = Some(Partial::First);
        }
        if formats.is_empty() {
            return Err("at least one format is needed".to_owned());
        }
        let forms = formats.into_iter().map(|format| Form::new(format, completion)).collect::<Result<_, _>>().map_err(|flaw: Flaw| flaw.text().to_owned())?;
        Ok(Self { forms, zone })
    }

    /// Days since 1970-01-01, by the first format that fits.
    #[inline]
    pub(super) fn days(&self, text: &[u8]) -> Option<i32> {
        self.forms.iter().find_map(|form| match form {
            Form::Text(format) => format.read(text).map(|(days, _)| days),
            Form::Serial(serial) => serial.moment(text).map(|moment| moment.days),
        })
    }

    /// Microseconds since 1970-01-01 00:00: of UTC where the text or the mapping says the zone, else of
    /// the clock that the text is in. Null where a clock of the zone never shows that time, or shows it
    /// twice.
    #[inline]
    pub(super) fn microseconds(&self, text: &[u8]) -> Option<i64> {
        let moment = self.forms.iter().find_map(|form| form.moment(text))?;
        let local = i64::from(moment.days) * 86_400_000_000 + moment.microseconds;
        let ahead = match (moment.ahead, &self.zone) {
            (Some(ahead), _) => ahead,
            (None, Some(zone)) => zone.offset_from_local_datetime(&DateTime::from_timestamp_micros(local)?.naive_utc()).single()?.fix().local_minus_utc(),
            (None, None) => return Some(local),
        };
        Some(local - i64::from(ahead) * 1_000_000)
    }

    /// How precise the text is, by the first format that fits.
    pub(super) fn precision(&self, text: &[u8]) -> Option<Precision> {
        self.forms.iter().find_map(|form| match form {
            Form::Text(format) => format.read(text).map(|_| format.precision),
            Form::Serial(serial) => serial.moment(text).map(|_| Precision::Day),
        })
    }
}

impl Form {
    fn new(format: &str, completion: Completion) -> Result<Self, Flaw> {
        Ok(match format {
            "excel" => Form::Serial(Serial::From1900),
            "excel-1904" => Form::Serial(Serial::From1904),
            _ => Form::Text(Format::compile(format, completion)?),
        })
    }

    fn moment(&self, text: &[u8]) -> Option<Moment> {
        match self {
            Form::Text(format) => format.moment(text),
            Form::Serial(serial) => serial.moment(text),
        }
    }
}

/// A spreadsheet's numbers of days, with the time of day as a fraction.
#[derive(Debug, Clone, Copy)]
enum Serial {
    /// 1 is 1900-01-01. The 60th day is 29 February 1900, which the calendar does not have, so that the
    /// first 59 are a day off the others (ECMA-376 part 1, 18.17.4.1).
    From1900,
    /// 0 is 1904-01-01.
    From1904,
}

impl Serial {
    /// A whole number up to 9999-12-31, and a fraction after `.` or `,`, which is rounded to milliseconds
    /// as a spreadsheet does.
    fn moment(self, text: &[u8]) -> Option<Moment> {
        let (serial, rest) = number(text, 1, 7)?;
        if text.starts_with(b"0") && text.len() - rest.len() > 1 {
            return None;
        }
        let milliseconds = match rest {
            [] => 0,
            [b'.' | b',', digits @ ..] if (1..=17).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit) => {
                let fraction = digits.iter().fold(0_u64, |value, digit| value * 10 + u64::from(digit - b'0'));
                (fraction as f64 / 10_f64.powi(digits.len() as i32) * 86_400_000.0).round() as i64
            }
            _ => return None,
        };
        let serial = serial as i32;
        let days = match (self, serial) {
            (Serial::From1900, 1..=59) => serial - 25_568,
            (Serial::From1900, 61..=2_958_465) => serial - 25_569,
            (Serial::From1904, 0..=2_957_003) => serial - 24_107,
            _ => return None,
        };
        Some(match milliseconds {
            86_400_000 => Moment { days: days + 1, microseconds: 0, ahead: None },
            _ => Moment { days, microseconds: milliseconds * 1000, ahead: None },
        })
    }
}

#[cfg(test)]
mod tests {
    use chrono::{Duration, NaiveDate};

    use super::{Reading, check_zone};

    fn day(text: &str, formats: &[&str]) -> Option<String> {
        let days = Reading::new(formats, true).unwrap().days(text.as_bytes())?;
        Some((NaiveDate::default() + Duration::days(days.into())).to_string())
    }

    fn time(text: &str, formats: &[&str]) -> Option<String> {
        let microseconds = Reading::new(formats, true).unwrap().microseconds(text.as_bytes())?;
        Some(chrono::DateTime::from_timestamp_micros(microseconds)?.naive_utc().to_string())
    }

    #[test]
    fn serial_days() {
        // Dates as a spreadsheet shows them; 60 is its 29 February 1900.
        for (serial, expected) in [
            ("1", Some("1900-01-01")), ("59", Some("1900-02-28")), ("60", None), ("61", Some("1900-03-01")), ("25569", Some("1970-01-01")),
            ("40544", Some("2011-01-01")), ("40544.0", Some("2011-01-01")), ("40544,999", Some("2011-01-01")), ("2958465", Some("9999-12-31")),
            ("2958466", None), ("0", None), ("-1", None), ("040544", None), ("40544.", None), ("4e4", None), ("99999999", None), ("60.5", None),
        ] {
            assert_eq!(day(serial, &["excel"]).as_deref(), expected, "{serial}");
        }
        for (serial, expected) in [("0", Some("1904-01-01")), ("1", Some("1904-01-02")), ("39082", Some("2011-01-01")), ("2957003", Some("9999-12-31")), ("2957004", None)] {
            assert_eq!(day(serial, &["excel-1904"]).as_deref(), expected, "{serial}");
        }
        for (serial, expected) in [("40544.75", "2011-01-01 18:00:00"), ("40544.333333333", "2011-01-01 08:00:00"), ("40544.9999999999", "2011-01-02 00:00:00")] {
            assert_eq!(time(serial, &["excel"]).as_deref(), Some(expected), "{serial}");
        }
        assert_eq!(day("31/12/2011", &["excel", "%d/%m/%Y"]).as_deref(), Some("2011-12-31"));
    }

    #[test]
    fn times_of_a_zone() {
        // Paris is one hour ahead of UTC, two in summer; clocks went 02:00 → 03:00 on 27 March 2011
        // and 03:00 → 02:00 on 30 October 2011.
        let paris = ["zone: Europe/Paris", "%F %H:%M"];
        for (local, utc) in [
            ("2011-01-15 08:30", Some("2011-01-15 07:30:00")), ("2011-07-15 08:30", Some("2011-07-15 06:30:00")), ("2011-01-01 00:30", Some("2010-12-31 23:30:00")),
            ("2011-03-27 02:30", None), ("2011-10-30 02:30", None), ("2011-10-30 03:30", Some("2011-10-30 02:30:00")),
        ] {
            assert_eq!(time(local, &paris).as_deref(), utc, "{local}");
        }
        // What the text says of its clock wins; a date stays the one that is written.
        assert_eq!(time("2011-01-01 00:30+01:00", &["zone: America/New_York", "%F %H:%M%z"]).as_deref(), Some("2010-12-31 23:30:00"));
        assert_eq!(day("2011-01-01 00:30+01:00", &["%F %H:%M%z"]).as_deref(), Some("2011-01-01"));
        assert_eq!(time("2011-01-01 00:30", &["%F %H:%M"]).as_deref(), Some("2011-01-01 00:30:00"));
        assert!(check_zone("Europe/Paris").is_ok() && check_zone("+01:00").is_ok() && check_zone("Paris").is_err());
    }

    #[test]
    fn precision_is_kept_whatever_the_policy() {
        for policy in ["partial: first", "partial: refuse"] {
            let reading = Reading::new(&[policy, "%d/%m/%Y", "%m/%Y", "%Y"], false).unwrap();
            let word = |text: &str| reading.precision(text.as_bytes()).map(super::Precision::word);
            assert_eq!([word("03/02/2011"), word("02/2011"), word("2011"), word("11")], [Some("day"), Some("month"), Some("year"), None]);
        }
        assert!(Reading::new(&["partial: first"], true).is_err() && Reading::new(&["%Y"], true).is_err() && Reading::new(&["zone: Paris", "%F"], true).is_err());
    }
}
