//! Date formats, compiled: what a mapping may write, and how a cell is read by it.
//!
//! `check` asks here whether a format can be used, long before a cell is read; [`Format::read`] then
//! walks over the items of a compiled format and the bytes of a cell side by side.

use super::calendar::{civil, days_from_civil, is_leap, microseconds, month_name, number};
use super::date_reading::{Completion, Flaw, Partial, Precision};

/// A date as read, with its time of day in microseconds and, where the format has `%z`, how many
/// seconds its clock is ahead of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    pub days: i32,
    pub microseconds: i64,
    pub ahead: Option<i32>,
}

/// True where `format` reads a time of day.
pub fn format_has_time(format: &str) -> bool {
    let mut characters = format.chars();
    std::iter::from_fn(|| {
        characters
            .by_ref()
            .find(|c| *c == '%')
            .and_then(|_| characters.next())
    })
    .any(|c| matches!(c, 'H' | 'M' | 'S' | 'T' | 'f' | '.'))
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Item {
    Literal(u8),
    /// A number of digits; the fewest are the most where it stands beside another number.
    Number {
        part: Part,
        fewest: u8,
        most: u8,
    },
    /// `true` where the full stop of an abbreviation is part of it.
    MonthName(bool),
    Fraction,
    MarkedFraction,
    /// `+0100`, `+01:00`, `+01` or `Z`.
    Offset,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Part {
    Year,
    Month,
    Day,
    DayOfYear,
    Hour,
    Minute,
    Second,
}

/// A format, compiled.
pub(super) struct Format {
    items: Vec<Item>,
    by_day_of_year: bool,
    pub precision: Precision,
    /// What completes a text that is less precise than a day.
    partial: Partial,
    /// The first year that `%y` can mean, where the format has one.
    pivot: Option<u32>,
    pub has_offset: bool,
    /// The format is one of the three that nearly all exports use.
    usual: Option<Usual>,
}

/// Two digits, two digits and four, or four, two and two, parted by one byte each: ten bytes in all.
#[derive(Debug, Clone, Copy)]
struct Usual {
    order: Order,
    parted_by: [u8; 2],
}

#[derive(Debug, Clone, Copy)]
enum Order {
    DayMonthYear,
    MonthDayYear,
    YearMonthDay,
}

impl Usual {
    fn of(items: &[Item]) -> Option<Self> {
        let [Item::Number { part: first, .. }, Item::Literal(a), Item::Number { part: second, .. }, Item::Literal(b), Item::Number { part: third, .. }] = *items else {
            return None;
        };
        let order = match (first, second, third) {
            (Part::Day, Part::Month, Part::Year) => Order::DayMonthYear,
            (Part::Month, Part::Day, Part::Year) => Order::MonthDayYear,
            (Part::Year, Part::Month, Part::Day) => Order::YearMonthDay,
            _ => return None,
        };
        Some(Self { order, parted_by: [a, b] })
    }

    /// Year, month and day of a text of this very shape; the items read any other.
    #[inline]
    fn read(self, text: &[u8; 10]) -> Option<[u32; 3]> {
        let (year, [m, n, d, e], parted_by) = match (self.order, *text) {
            (Order::DayMonthYear, [d, e, s, m, n, t, a, b, c, y]) | (Order::MonthDayYear, [m, n, s, d, e, t, a, b, c, y]) => ([a, b, c, y], [m, n, d, e], [s, t]),
            (Order::YearMonthDay, [a, b, c, y, s, m, n, t, d, e]) => ([a, b, c, y], [m, n, d, e], [s, t]),
        };
        let [a, b, c, y, m, n, d, e] = [year[0], year[1], year[2], year[3], m, n, d, e].map(|byte| u32::from(byte.wrapping_sub(b'0')));
        let digits = a <= 9 && b <= 9 && c <= 9 && y <= 9 && m <= 9 && n <= 9 && d <= 9 && e <= 9;
        (digits && parted_by == self.parted_by).then_some([a * 1000 + b * 100 + c * 10 + y, m * 10 + n, d * 10 + e])
    }
}

impl Format {
    pub(super) fn compile(format: &str, completion: Completion) -> Result<Self, Flaw> {
        let mut items = Vec::new();
        let mut pivot = None;
        let mut rest = format.chars();
        while let Some(character) = rest.next() {
            if character != '%' {
                items.extend(
                    character
                        .encode_utf8(&mut [0; 4])
                        .bytes()
                        .map(Item::Literal),
                );
                continue;
            }
            let number = |part, most| Item::Number {
                part,
                fewest: 1,
                most,
            };
            let (year, month, day) = (
                Item::Number {
                    part: Part::Year,
                    fewest: 4,
                    most: 4,
                },
                number(Part::Month, 2),
                number(Part::Day, 2),
            );
            let (hour, minute, second) = (
                number(Part::Hour, 2),
                number(Part::Minute, 2),
                number(Part::Second, 2),
            );
            match rest.next() {
                Some('Y') => items.push(year),
                Some('m') => items.push(month),
                Some('d') => items.push(day),
                Some('j') => items.push(number(Part::DayOfYear, 3)),
                Some('b' | 'B') => items.push(Item::MonthName(true)),
                Some('H') => items.push(hour),
                Some('M') => items.push(minute),
                Some('S') => items.push(second),
                Some('f') => items.push(Item::Fraction),
                Some('.') if rest.next() == Some('f') => items.push(Item::MarkedFraction),
                Some('F') => {
                    items.extend([year, Item::Literal(b'-'), month, Item::Literal(b'-'), day])
                }
                Some('T') => items.extend([
                    hour,
                    Item::Literal(b':'),
                    minute,
                    Item::Literal(b':'),
                    second,
                ]),
                Some('%') => items.push(Item::Literal(b'%')),
                Some('y') => {
                    pivot = Some(completion.pivot.ok_or_else(|| {
                        Flaw::Pivot(format!("{format:?}: %y reads two-digit years, which need a pivot to become a century (31 is 1931 or 2031)"))
                    })?);
                    items.push(number(Part::Year, 2).full());
                }
                Some('z') => items.push(Item::Offset),
                Some('-') => {
                    return Err(Flaw::Form(format!(
                        "{format:?}: no %-; %d and %m already read one or two digits"
                    )));
                }
                Some('Z') => {
                    return Err(Flaw::Form(format!(
                        "{format:?}: names of time zones are not read (CST is five of them); %z reads +0100, +01:00 and Z"
                    )));
                }
                Some(other) => {
                    return Err(Flaw::Form(format!(
                        "{format:?}: unknown specifier %{other}; there are %Y %y %m %d %b %B %j %H %M %S %f %.f %z %F %T %%"
                    )));
                }
                None => {
                    return Err(Flaw::Form(format!(
                        "{format:?} ends with a single %; a per cent sign is %%"
                    )));
                }
            }
        }
        fix_widths(&mut items);
        let (by_day_of_year, precision) = check_parts(format, &items).map_err(Flaw::Form)?;
        let partial = match completion.partial {
            Some(partial) => partial,
            None if precision == Precision::Day => Partial::Refuse,
            None => return Err(Flaw::Partial(format!("{format:?} reads no more than a {}", precision.word()))),
        };
        Ok(Self {
            usual: if pivot.is_none() { Usual::of(&items) } else { None },
            has_offset: items.contains(&Item::Offset),
            items,
            by_day_of_year,
            precision,
            partial,
            pivot,
        })
    }

    /// Days since 1970-01-01 and microseconds since midnight, by the clock that the text is in.
    #[inline]
    pub(super) fn read(&self, text: &[u8]) -> Option<(i32, i64)> {
        self.moment(text).map(|moment| (moment.days, moment.microseconds))
    }

    #[inline]
    pub(super) fn moment(&self, text: &[u8]) -> Option<Moment> {
        if let (Some(usual), Ok(text)) = (self.usual, text.try_into())
            && let Some([year, month, day]) = usual.read(text)
        {
            return civil(year, month, day).map(|days| Moment { days, microseconds: 0, ahead: None });
        }
        let mut rest = text;
        // Year, month, day, day of the year, hour, minute, second, by `Part`.
        let mut parts = [0_u32; 7];
        let (mut fraction, mut ahead) = (0, None);
        for item in &self.items {
            rest = match *item {
                Item::Literal(byte) => rest.strip_prefix(&[byte])?,
                Item::Number { part, fewest, most } => {
                    let (value, rest) = number(rest, fewest, most)?;
                    parts[part as usize] = value;
                    rest
                }
                Item::MonthName(full_stop) => {
                    let (month, rest) = month_name(rest, full_stop)?;
                    parts[Part::Month as usize] = month;
                    rest
                }
                Item::Fraction => microseconds(rest, &mut fraction)?,
                Item::MarkedFraction => match rest {
                    [b'.' | b',', rest @ ..] => microseconds(rest, &mut fraction)?,
                    _ => rest,
                },
                Item::Offset => {
                    let (seconds, rest) = offset(rest)?;
                    ahead = Some(seconds);
                    rest
                }
            };
        }
        let [year, mut month, mut day, day_of_year, hour, minute, second] = parts;
        let year = self.pivot.map_or(year, |pivot| pivot + (year + 100 - pivot % 100) % 100);
        if !rest.is_empty() || year == 0 || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        if self.precision != Precision::Day {
            (month, day) = self.partial.complete(self.precision, year, month)?;
        }
        let days = if self.by_day_of_year {
            let length = if is_leap(year) { 366 } else { 365 };
            (1..=length)
                .contains(&day_of_year)
                .then(|| days_from_civil(year, 1, 1) + day_of_year as i32 - 1)?
        } else {
            civil(year, month, day)?
        };
        let microseconds = i64::from((hour * 60 + minute) * 60 + second) * 1_000_000 + i64::from(fraction);
        Some(Moment { days, microseconds, ahead })
    }
}

impl Format {
    /// Only digits, and no more of them than a number of days may have.
    pub(super) fn like_a_serial(&self) -> bool {
        let most = self.items.iter().map(|item| if let Item::Number { most, .. } = item { Some(usize::from(*most)) } else { None }).sum::<Option<usize>>();
        most.is_some_and(|most| most <= 7)
    }
}

impl Item {
    /// A number that is written with all its digits.
    fn full(self) -> Self {
        match self {
            Item::Number { part, most, .. } => Item::Number { part, fewest: most, most },
            other => other,
        }
    }
}

/// Seconds ahead of UTC of `+0100`, `+01:00`, `+01` or `Z` at the start of `text`, and what follows.
fn offset(text: &[u8]) -> Option<(i32, &[u8])> {
    let (sign, rest) = match text {
        [b'Z' | b'z', rest @ ..] => return Some((0, rest)),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] | [0xE2, 0x88, 0x92, rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, rest) = number(rest, 2, 2)?;
    let (minutes, rest) = number(rest.strip_prefix(b":").unwrap_or(rest), 2, 2).unwrap_or((0, rest));
    // The largest there is: +14:00 in Kiribati.
    (hours <= 14 && minutes < 60).then(|| (sign * (hours * 60 + minutes) as i32 * 60, rest))
}

/// Numbers side by side have their full width, or `2024115` would be a day in January or November;
/// an abbreviation leaves its full stop to a format that has one.
fn fix_widths(items: &mut [Item]) {
    let is_number =
        |item: Option<&Item>| matches!(item, Some(Item::Number { .. } | Item::Fraction));
    for at in 0..items.len() {
        let beside = is_number(items.get(at + 1))
            || at
                .checked_sub(1)
                .is_some_and(|before| is_number(items.get(before)));
        let before_stop = items.get(at + 1) == Some(&Item::Literal(b'.'));
        match items.get_mut(at) {
            Some(Item::Number { fewest, most, .. }) if beside => *fewest = *most,
            Some(Item::MonthName(full_stop)) => *full_stop = !before_stop,
            _ => {}
        }
    }
}

/// Refuses a format that does not name a date; tells whether it does so by `%j`, and how precisely.
fn check_parts(format: &str, items: &[Item]) -> Result<(bool, Precision), String> {
    let count = |part: Part| {
        items
            .iter()
            .filter(|item| matches!(item, Item::Number { part: other, .. } if *other == part))
            .count()
    };
    let names = items
        .iter()
        .filter(|item| matches!(item, Item::MonthName(_)))
        .count();
    let fractions = items
        .iter()
        .filter(|item| matches!(item, Item::Fraction | Item::MarkedFraction))
        .count();
    let (years, months, days, days_of_year) = (
        count(Part::Year),
        count(Part::Month) + names,
        count(Part::Day),
        count(Part::DayOfYear),
    );
    let offsets = items.iter().filter(|item| **item == Item::Offset).count();
    let (hours, minutes, seconds) = (count(Part::Hour), count(Part::Minute), count(Part::Second));
    if [
        years,
        months,
        days,
        days_of_year,
        hours,
        minutes,
        seconds,
        fractions,
        offsets,
    ]
    .iter()
    .any(|count| *count > 1)
    {
        return Err(format!("{format:?} reads the same part twice"));
    }
    let precision = match (months, days, days_of_year) {
        (1, 1, 0) | (_, _, 1) => Precision::Day,
        (1, 0, 0) => Precision::Month,
        _ => Precision::Year,
    };
    if years == 0 || (days == 1 && months == 0) || (hours == 1 && precision != Precision::Day) {
        return Err(format!(
            "{format:?} does not read a whole date: a year, a month and a day, or a year and %j"
        ));
    }
    if days_of_year == 1 && (months == 1 || days == 1) {
        return Err(format!(
            "{format:?} reads the day twice: by %j and by month or day"
        ));
    }
    if minutes > hours || seconds > minutes || fractions > seconds || offsets > hours {
        return Err(format!(
            "{format:?} reads a part of the time without the larger one before it"
        ));
    }
    Ok((days_of_year == 1, precision))
}

/// Days since 1970-01-01 of a date written `%Y-%m-%d`, as a schema writes its ranges.
pub fn iso_days(text: &str) -> Option<i32> {
    Some(Format::compile("%Y-%m-%d", Completion::default()).ok()?.read(text.as_bytes())?.0)
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike, NaiveDate, NaiveDateTime};
    use proptest::prelude::*;

    use super::super::calendar::days_from_civil;
    use super::super::date_reading::{Completion, Flaw, Partial};
    use super::{Format, Moment, format_has_time};

    fn compile(format: &str) -> Result<Format, Flaw> {
        Format::compile(format, Completion::default())
    }

    #[test]
    fn formats_that_are_refused() {
        for format in [
            "%d/%m/%y",
            "%D",
            "%d/%m",
            "%Y",
            "%m/%Y",
            "%Y-%m-%d %M",
            "%Y-%m-%d %H:%S",
            "%F %F",
            "%Y-%j-%d",
            "%F%",
            "%-d/%m/%Y",
            "%F %z",
            "%F %T %Z",
            "%d %Y",
            "%m/%Y %H",
            "%F %.3f",
            "%F %H%.f",
            "",
            "%e %b %Y",
        ] {
            assert!(compile(format).is_err(), "{format}");
        }
        assert!(matches!(compile("%d/%m/%y"), Err(Flaw::Pivot(_))));
        assert!(matches!((compile("%Y"), compile("%m/%Y")), (Err(Flaw::Partial(_)), Err(Flaw::Partial(_)))));
        // A day without a month is no precision of a date.
        assert!(matches!(Format::compile("%d %Y", Completion { pivot: None, partial: Some(Partial::First) }), Err(Flaw::Form(_))));
        for format in [
            "%d/%m/%Y",
            "%Y%m%d",
            "%FT%T%.f",
            "%d %B %Y à %Hh%M",
            "%Y %j",
            "%F %T.%f",
            "100 %% %F",
            "%FT%T%.f%z",
        ] {
            assert!(compile(format).is_ok(), "{format}");
        }
    }

    #[test]
    fn formats_with_a_time() {
        assert!(
            format_has_time("%F %T")
                && format_has_time("%d/%m/%Y %H:%M")
                && format_has_time("%FT%T%.f")
        );
        assert!(
            !format_has_time("%d/%m/%Y")
                && !format_has_time("%% H %F")
                && !format_has_time("%%H %F")
        );
    }

    #[test]
    fn years_of_two_digits_follow_the_pivot() {
        let year = |pivot, text: &str| {
            let format = Format::compile("%d/%m/%y", Completion { pivot: Some(pivot), partial: None }).unwrap();
            format.read(text.as_bytes()).map(|(days, _)| (NaiveDate::default() + chrono::Duration::days(days.into())).year())
        };
        for (pivot, two, expected) in [(1930, "30", 1930), (1930, "31", 1931), (1930, "99", 1999), (1930, "00", 2000), (1930, "29", 2029), (1900, "29", 1929), (2000, "29", 2029)] {
            assert_eq!(year(pivot, &format!("01/03/{two}")), Some(expected), "{two} from {pivot}");
        }
        // 29 February exists in 2000, the year that `00` means, and not in 1900.
        assert_eq!((year(1930, "29/02/00"), year(1900, "29/02/00")), (Some(2000), None));
        assert_eq!((year(1930, "01/03/2031"), year(1930, "01/03/1")), (None, None));
    }

    #[test]
    fn partial_dates_stand_for_a_day() {
        let day = |partial, format: &str, text: &str| {
            let format = Format::compile(format, Completion { pivot: None, partial: Some(partial) }).unwrap();
            format.read(text.as_bytes()).map(|(days, _)| (NaiveDate::default() + chrono::Duration::days(days.into())).to_string())
        };
        for (partial, of_year, of_month) in [(Partial::First, "2012-01-01", "2012-02-01"), (Partial::Middle, "2012-07-01", "2012-02-15"), (Partial::Last, "2012-12-31", "2012-02-29")] {
            assert_eq!(day(partial, "%Y", "2012").as_deref(), Some(of_year));
            assert_eq!(day(partial, "%m/%Y", "02/2012").as_deref(), Some(of_month));
            assert_eq!(day(partial, "%m/%Y", "13/2012"), None);
            assert_eq!(day(partial, "%d/%m/%Y", "03/02/2012").as_deref(), Some("2012-02-03"));
        }
        assert_eq!(day(Partial::Refuse, "%Y", "2012"), None);
        assert_eq!(day(Partial::Refuse, "%F", "2012-02-03").as_deref(), Some("2012-02-03"));
    }

    #[test]
    fn offsets_from_utc() {
        let format = compile("%FT%T%z").unwrap();
        for (written, seconds) in [("Z", Some(0)), ("+0100", Some(3600)), ("+01:00", Some(3600)), ("-05:30", Some(-19800)), ("+02", Some(7200)), ("+1500", None), ("", None), ("+0160", None), ("CET", None), ("+01:0", None)] {
            let moment = format.moment(format!("1970-01-02T00:00:01{written}").as_bytes());
            assert_eq!(moment, seconds.map(|ahead| Moment { days: 1, microseconds: 1_000_000, ahead: Some(ahead) }), "{written}");
        }
    }

    #[test]
    fn every_day_as_chrono_counts_it() {
        let format = compile("%d/%m/%Y").unwrap();
        let names = compile("%d %B %Y").unwrap();
        let ordinal = compile("%Y%j").unwrap();
        let mut day = NaiveDate::from_ymd_opt(1583, 1, 1).unwrap();
        let mut expected = (day - NaiveDate::from_ymd_opt(1970, 1, 1).unwrap()).num_days() as i32;
        while day.year() <= 9999 {
            assert_eq!(
                days_from_civil(day.year() as u32, day.month(), day.day()),
                expected
            );
            let text = format!("{:02}/{:02}/{:04}", day.day(), day.month(), day.year());
            assert_eq!(format.read(text.as_bytes()), Some((expected, 0)), "{text}");
            if day.year() % 100 < 5 {
                assert_eq!(
                    names.read(day.format("%d %B %Y").to_string().as_bytes()),
                    Some((expected, 0)),
                    "{text}"
                );
                assert_eq!(
                    ordinal.read(day.format("%Y%j").to_string().as_bytes()),
                    Some((expected, 0)),
                    "{text}"
                );
            }
            day = day.succ_opt().unwrap();
            expected += 1;
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn dates_as_chrono_reads_them(day in 0_u32..40, month in 0_u32..15, year in 0_i32..10_000) {
            let format = compile("%d/%m/%Y").unwrap();
            let expected = NaiveDate::from_ymd_opt(year, month, day).filter(|_| year > 0);
            let expected = expected.map(|date| (date - NaiveDate::from_ymd_opt(1970, 1, 1).unwrap()).num_days() as i32);
            prop_assert_eq!(format.read(format!("{day}/{month}/{year:04}").as_bytes()).map(|(days, _)| days), expected);
        }

        #[test]
        fn times_as_chrono_reads_them(microseconds in -1_000_000_000_000_000_i64..250_000_000_000_000_000) {
            let time = chrono::DateTime::from_timestamp_micros(microseconds).unwrap().naive_utc();
            let text = time.format("%Y-%m-%d %H:%M:%S%.6f").to_string();
            let (days, rest) = compile("%Y-%m-%d %H:%M:%S%.f").unwrap().read(text.as_bytes()).unwrap();
            prop_assert_eq!(i64::from(days) * 86_400_000_000 + rest, microseconds);
            prop_assert_eq!(NaiveDateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S%.f").unwrap(), time);
        }

        #[test]
        fn no_text_is_too_strange(text in "\\PC{0,20}", format in "(%[YmdbBjHMSfFTz%.]|[ /:.f-]|é){0,8}") {
            if let Ok(format) = compile(&format) {
                format.read(text.as_bytes());
            }
        }
    }
}
