//! Date formats, compiled: what a mapping may write, and how a cell is read by it.
//!
//! `check` asks here whether a format can be used, long before a cell is read; [`Format::read`] then
//! walks over the items of a compiled format and the bytes of a cell side by side.

/// Says why `format` cannot be used: an unknown specifier, a part twice, no whole date, or `%y`.
/// Two-digit years need a pivot (is 31 the year 1931 or 2031?) that differs between a birth and a
/// visit, so they are not guessed.
pub fn check_format(format: &str) -> Result<(), String> {
    Format::compile(format).map(|_| ())
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
    pub(super) fn compile(format: &str) -> Result<Self, String> {
        let mut items = Vec::new();
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
                    return Err(format!(
                        "{format:?}: %y reads two-digit years, which need a pivot to become a century (31 is 1931 or 2031); \
                         use %Y, or derive the year with sql:"
                    ));
                }
                Some('-') => {
                    return Err(format!(
                        "{format:?}: no %-; %d and %m already read one or two digits"
                    ));
                }
                Some('z' | 'Z') => {
                    return Err(format!(
                        "{format:?}: time zones are not read; write a fixed one as plain text"
                    ));
                }
                Some(other) => {
                    return Err(format!(
                        "{format:?}: unknown specifier %{other}; there are %Y %m %d %b %B %j %H %M %S %f %.f %F %T %%"
                    ));
                }
                None => {
                    return Err(format!(
                        "{format:?} ends with a single %; a per cent sign is %%"
                    ));
                }
            }
        }
        fix_widths(&mut items);
        let by_day_of_year = check_parts(format, &items)?;
        Ok(Self {
            usual: Usual::of(&items),
            items,
            by_day_of_year,
        })
    }

    /// Days since 1970-01-01 and microseconds since midnight.
    #[inline]
    pub(super) fn read(&self, text: &[u8]) -> Option<(i32, i64)> {
        if let (Some(usual), Ok(text)) = (self.usual, text.try_into())
            && let Some([year, month, day]) = usual.read(text)
        {
            return civil(year, month, day).map(|days| (days, 0));
        }
        let mut rest = text;
        // Year, month, day, day of the year, hour, minute, second, by `Part`.
        let mut parts = [0_u32; 7];
        let mut fraction = 0;
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
            };
        }
        let [year, month, day, day_of_year, hour, minute, second] = parts;
        if !rest.is_empty() || year == 0 || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let days = if self.by_day_of_year {
            let length = if is_leap(year) { 366 } else { 365 };
            (1..=length)
                .contains(&day_of_year)
                .then(|| days_from_civil(year, 1, 1) + day_of_year as i32 - 1)?
        } else {
            civil(year, month, day)?
        };
        Some((
            days,
            i64::from((hour * 60 + minute) * 60 + second) * 1_000_000 + i64::from(fraction),
        ))
    }
}

/// Days since 1970-01-01 of a day that exists.
#[inline]
fn civil(year: u32, month: u32, day: u32) -> Option<i32> {
    (year > 0 && (1..=12).contains(&month) && 1 <= day && day <= month_length(year, month)).then(|| days_from_civil(year, month, day))
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

/// Refuses a format that does not name one whole date; tells whether it does so by `%j`.
fn check_parts(format: &str, items: &[Item]) -> Result<bool, String> {
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
    ]
    .iter()
    .any(|count| *count > 1)
    {
        return Err(format!("{format:?} reads the same part twice"));
    }
    if years == 0 || (days_of_year == 0 && (months == 0 || days == 0)) {
        return Err(format!(
            "{format:?} does not read a whole date: a year, a month and a day, or a year and %j"
        ));
    }
    if days_of_year == 1 && (months == 1 || days == 1) {
        return Err(format!(
            "{format:?} reads the day twice: by %j and by month or day"
        ));
    }
    if minutes > hours || seconds > minutes || fractions > seconds {
        return Err(format!(
            "{format:?} reads a part of the time without the larger one before it"
        ));
    }
    Ok(days_of_year == 1)
}

/// A number of `fewest` to `most` digits at the start of `text`, and what follows.
#[inline]
fn number(text: &[u8], fewest: u8, most: u8) -> Option<(u32, &[u8])> {
    let digit = |byte: &u8| u32::from(byte - b'0');
    match text {
        // The two commonest, without a loop.
        [a @ b'0'..=b'9', b @ b'0'..=b'9', rest @ ..] if most == 2 => {
            return Some((digit(a) * 10 + digit(b), rest));
        }
        [
            a @ b'0'..=b'9',
            b @ b'0'..=b'9',
            c @ b'0'..=b'9',
            d @ b'0'..=b'9',
            rest @ ..,
        ] if most == 4 => {
            return Some((
                digit(a) * 1000 + digit(b) * 100 + digit(c) * 10 + digit(d),
                rest,
            ));
        }
        _ => {}
    }
    let (mut value, mut rest, mut read) = (0, text, 0);
    while read < most
        && let Some((first @ b'0'..=b'9', after)) = rest.split_first()
    {
        value = value * 10 + digit(first);
        rest = after;
        read += 1;
    }
    (read >= fewest).then_some((value, rest))
}

/// One to nine digits as microseconds; what follows.
fn microseconds<'a>(text: &'a [u8], fraction: &mut u32) -> Option<&'a [u8]> {
    let (nanoseconds, rest) = number(text, 1, 9)?;
    let missing = 9 - (text.len() - rest.len()) as u32;
    *fraction = nanoseconds * 10_u32.pow(missing) / 1000;
    Some(rest)
}

/// The month whose name `text` begins with, and what follows. All letters must belong to the name.
fn month_name(text: &[u8], full_stop: bool) -> Option<(u32, &[u8])> {
    let (mut name, mut length, mut rest) = ([0; 9], 0, text);
    loop {
        let (letter, after) = match rest {
            [letter @ (b'a'..=b'z' | b'A'..=b'Z'), after @ ..] => {
                (letter.to_ascii_lowercase(), after)
            }
            // é É û Û, and the combining accents ´ and ^.
            [0xC3, 0xA9 | 0x89, after @ ..] => (b'e', after),
            [0xC3, 0xBB | 0x9B, after @ ..] => (b'u', after),
            [0xCC, 0x81 | 0x82, after @ ..] => {
                rest = after;
                continue;
            }
            _ => break,
        };
        *name.get_mut(length)? = letter;
        length += 1;
        rest = after;
    }
    let month = match name.get(..length)? {
        b"jan" | b"janv" | b"january" | b"janvier" => 1,
        b"feb" | b"fev" | b"fevr" | b"february" | b"fevrier" => 2,
        b"mar" | b"mars" | b"march" => 3,
        b"apr" | b"avr" | b"april" | b"avril" => 4,
        b"may" | b"mai" => 5,
        b"jun" | b"juin" | b"june" => 6,
        b"jul" | b"juil" | b"july" | b"juillet" => 7,
        b"aug" | b"aou" | b"august" | b"aout" => 8,
        b"sep" | b"sept" | b"september" | b"septembre" => 9,
        b"oct" | b"october" | b"octobre" => 10,
        b"nov" | b"november" | b"novembre" => 11,
        b"dec" | b"december" | b"decembre" => 12,
        _ => return None,
    };
    Some((
        month,
        rest.strip_prefix(b".")
            .filter(|_| full_stop)
            .unwrap_or(rest),
    ))
}

fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn month_length(year: u32, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a date in the years 1–9999 (H. Hinnant, "chrono-compatible low-level
/// date algorithms", `days_from_civil`: years begin in March, so that the leap day is the last).
fn days_from_civil(year: u32, month: u32, day: u32) -> i32 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let days = 365 * year + year / 4 - year / 100 + year / 400 + day_of_year;
    // 719 468 days from 0000-03-01 to 1970-01-01.
    days as i32 - 719_468
}

/// Days since 1970-01-01 of a date written `%Y-%m-%d`, as a schema writes its ranges.
pub fn iso_days(text: &str) -> Option<i32> {
    Some(Format::compile("%Y-%m-%d").ok()?.read(text.as_bytes())?.0)
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike, NaiveDate, NaiveDateTime};
    use proptest::prelude::*;

    use super::{Format, check_format, days_from_civil, format_has_time};

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
            "%F %.3f",
            "%F %H%.f",
            "",
            "%e %b %Y",
        ] {
            assert!(check_format(format).is_err(), "{format}");
        }
        assert!(check_format("%d/%m/%y").unwrap_err().contains("pivot"));
        for format in [
            "%d/%m/%Y",
            "%Y%m%d",
            "%FT%T%.f",
            "%d %B %Y à %Hh%M",
            "%Y %j",
            "%F %T.%f",
            "100 %% %F",
        ] {
            assert_eq!(check_format(format), Ok(()), "{format}");
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
    fn every_day_as_chrono_counts_it() {
        let format = Format::compile("%d/%m/%Y").unwrap();
        let names = Format::compile("%d %B %Y").unwrap();
        let ordinal = Format::compile("%Y%j").unwrap();
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
            let format = Format::compile("%d/%m/%Y").unwrap();
            let expected = NaiveDate::from_ymd_opt(year, month, day).filter(|_| year > 0);
            let expected = expected.map(|date| (date - NaiveDate::from_ymd_opt(1970, 1, 1).unwrap()).num_days() as i32);
            prop_assert_eq!(format.read(format!("{day}/{month}/{year:04}").as_bytes()).map(|(days, _)| days), expected);
        }

        #[test]
        fn times_as_chrono_reads_them(microseconds in -1_000_000_000_000_000_i64..250_000_000_000_000_000) {
            let time = chrono::DateTime::from_timestamp_micros(microseconds).unwrap().naive_utc();
            let text = time.format("%Y-%m-%d %H:%M:%S%.6f").to_string();
            let (days, rest) = Format::compile("%Y-%m-%d %H:%M:%S%.f").unwrap().read(text.as_bytes()).unwrap();
            prop_assert_eq!(i64::from(days) * 86_400_000_000 + rest, microseconds);
            prop_assert_eq!(NaiveDateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S%.f").unwrap(), time);
        }

        #[test]
        fn no_text_is_too_strange(text in "\\PC{0,20}", format in "(%[YmdbBjHMSfFT%.]|[ /:.f-]|é){0,8}") {
            if let Ok(format) = Format::compile(&format) {
                format.read(text.as_bytes());
            }
        }
    }
}
