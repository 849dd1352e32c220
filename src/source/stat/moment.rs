//! Numbers that a display format makes dates, date-times or times.
//!
//! SAS and Stata count from 1960-01-01, SPSS from 1582-10-14. A day beyond the years 0 to 9999 has
//! no text as a date: its number stays.

use super::row::put;

/// Days from 1970-01-01 to 1960-01-01, where SAS and Stata begin to count.
pub(super) const Y1960: i64 = -3653;
/// Days from 1970-01-01 to 1582-10-14, where SPSS begins to count.
pub(super) const Y1582: i64 = -141_428;

/// What a number stands for, by the display format of its variable.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Form {
    #[default]
    Number,
    /// A date: days since a day.
    Days(i64),
    /// A date: seconds since a day; the time of the day is not shown.
    DaySeconds(i64),
    /// A date-time: seconds since a day.
    Seconds(i64),
    /// A time of day or a duration, in seconds: hours may go beyond 23.
    Clock,
    /// The time of day of a date-time in seconds.
    TimeOfDay,
    /// A date-time: milliseconds since 1960.
    Millis,
    /// The same with leap seconds counted.
    LeapMillis,
    /// A time of day: milliseconds since 1960. Beyond the first day a date-time after all.
    MillisOfDay,
    /// The first day of a week: weeks since 1960, each year has 52, the first begins on 1 January.
    Weeks,
    /// The first day of a month, quarter or half-year: periods since 1960, so many in a year.
    Periods(i64),
}

impl Form {
    /// Writes a value; `false` where it cannot be so written, and nothing is.
    pub(super) fn write(self, value: f64, to: &mut String) -> bool {
        let Some((whole, micros)) = split(value) else { return false };
        match self {
            Self::Number => false,
            Self::Days(from) => date(whole + from, to),
            Self::DaySeconds(from) => date(whole.div_euclid(86_400) + from, to),
            Self::Seconds(from) => moment(whole, micros, from, to),
            Self::Clock => clock(whole, micros, to),
            Self::TimeOfDay => clock(whole.rem_euclid(86_400), micros, to),
            Self::Millis => millis(whole, micros, to),
            Self::LeapMillis => leap(whole, micros, to),
            Self::MillisOfDay if (0..86_400_000).contains(&whole) => clock(whole / 1000, whole % 1000 * 1000 + micros / 1000, to),
            Self::MillisOfDay => millis(whole, micros, to),
            Self::Weeks => date(first_day(1960 + whole.div_euclid(52), 1) + 7 * whole.rem_euclid(52), to),
            Self::Periods(a_year) => date(first_day(1960 + whole.div_euclid(a_year), 1 + whole.rem_euclid(a_year) * (12 / a_year)), to),
        }
    }
}

/// The whole part, rounded down, and the millionth parts beyond it, as the shortest decimal text of the number has them.
fn split(value: f64) -> Option<(i64, i64)> {
    // Beyond it: more than three million years in seconds.
    if value.is_nan() || value.abs() >= 1e14 {
        return None;
    }
    // Less than 1e14.
    let whole = value.trunc() as i64;
    if value.fract() == 0.0 {
        return Some((whole, 0));
    }
    let text = value.abs().to_string();
    let digits = text.split_once('.').map_or("0", |(_, digits)| digits);
    let mut nanos = 0;
    for place in 0..9 {
        nanos = nanos * 10 + digits.as_bytes().get(place).map_or(0, |d| i64::from(d.saturating_sub(b'0')));
    }
    let micros = (nanos + 500) / 1000;
    // The rounding may have made a whole one, and what is below zero counts up from the whole below it.
    let signed = if value < 0.0 { -micros } else { micros };
    Some((whole + signed.div_euclid(1_000_000), signed.rem_euclid(1_000_000)))
}

fn date(days: i64, to: &mut String) -> bool {
    let (year, month, day) = civil(days);
    let fits = (0..=9999).contains(&year);
    if fits {
        put(to, format_args!("{year:04}-{month:02}-{day:02}"));
    }
    fits
}

fn moment(seconds: i64, micros: i64, from: i64, to: &mut String) -> bool {
    let fits = date(seconds.div_euclid(86_400) + from, to);
    if fits {
        to.push('T');
        clock(seconds.rem_euclid(86_400), micros, to);
    }
    fits
}

fn clock(seconds: i64, micros: i64, to: &mut String) -> bool {
    let (seconds, micros) = match seconds < 0 {
        false => (seconds, micros),
        true => {
            to.push('-');
            if micros == 0 { (-seconds, 0) } else { (-seconds - 1, 1_000_000 - micros) }
        }
    };
    put(to, format_args!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60));
    fraction(micros, to);
    true
}

fn fraction(micros: i64, to: &mut String) {
    if micros != 0 {
        put(to, format_args!(".{micros:06}"));
        to.truncate(to.trim_end_matches('0').len());
    }
}

fn millis(whole: i64, parts: i64, to: &mut String) -> bool {
    moment(whole.div_euclid(1000), whole.rem_euclid(1000) * 1000 + parts / 1000, Y1960, to)
}

/// The days at whose end a leap second was inserted (IERS Bulletin C), as days since 1970.
const LEAPS: [i64; 27] = [
    911, 1095, 1460, 1825, 2190, 2556, 2921, 3286, 3651, 4198, 4563, 4928, 5659, 6573, 7304, 7669, 8216, 8581, 8946, 9495, 10042, 10591, 13148, 14244, 15521, 16616, 17166,
];

/// `%tC` of Stata: the leap seconds before a moment are taken off; within one the second is 60.
fn leap(whole: i64, parts: i64, to: &mut String) -> bool {
    let seconds = whole.div_euclid(1000);
    let micros = whole.rem_euclid(1000) * 1000 + parts / 1000;
    let mut past = 0;
    for day in LEAPS {
        // The inserted second itself, counted from 1960.
        let inserted = (day + 1 - Y1960) * 86_400 + past;
        if seconds < inserted {
            break;
        }
        if seconds == inserted {
            let fits = date(day, to);
            to.push_str("T23:59:60");
            fraction(micros, to);
            return fits;
        }
        past += 1;
    }
    moment(seconds - past, micros, Y1960, to)
}

/// Year, month and day of a day since 1970-01-01 in the Gregorian calendar (Howard Hinnant, "chrono-Compatible
/// Low-Level Date Algorithms", `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(month <= 2), month, doy - (153 * mp + 2) / 5 + 1)
}

/// The first day of a month (`days_from_civil` of the same).
fn first_day(year: i64, month: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}
