//! Days of the calendar, and the parts of a date at the start of a text.

/// Days since 1970-01-01 of a day that exists.
#[inline]
pub(super) fn civil(year: u32, month: u32, day: u32) -> Option<i32> {
    (year > 0 && (1..=12).contains(&month) && 1 <= day && day <= month_length(year, month)).then(|| days_from_civil(year, month, day))
}

/// A number of `fewest` to `most` digits at the start of `text`, and what follows.
#[inline]
pub(super) fn number(text: &[u8], fewest: u8, most: u8) -> Option<(u32, &[u8])> {
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
pub(super) fn microseconds<'a>(text: &'a [u8], fraction: &mut u32) -> Option<&'a [u8]> {
    let (nanoseconds, rest) = number(text, 1, 9)?;
    let missing = 9 - (text.len() - rest.len()) as u32;
    *fraction = nanoseconds * 10_u32.pow(missing) / 1000;
    Some(rest)
}

/// The month whose name `text` begins with, and what follows. All letters must belong to the name.
pub(super) fn month_name(text: &[u8], full_stop: bool) -> Option<(u32, &[u8])> {
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

pub(super) fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

pub(super) fn month_length(year: u32, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a date in the years 1–9999 (H. Hinnant, "chrono-compatible low-level
/// date algorithms", `days_from_civil`: years begin in March, so that the leap day is the last).
pub(super) fn days_from_civil(year: u32, month: u32, day: u32) -> i32 {
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
