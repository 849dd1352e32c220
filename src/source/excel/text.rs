//! Cells as text.

use calamine::{DataRef, ExcelDateTime};

/// A cell's text; an empty one is missing. `decimal` is the mark that the source's numbers have.
pub fn text(cell: &DataRef<'_>, decimal: char) -> Option<String> {
    Some(match cell {
        DataRef::Empty => return None,
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => float(*number, decimal),
        DataRef::String(text) if text.is_empty() => return None,
        DataRef::SharedString("") => return None,
        DataRef::String(text) | DataRef::DateTimeIso(text) => text.clone(),
        DataRef::DurationIso(text) => duration(text).unwrap_or_else(|| text.clone()),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(value) => value.to_string(),
        DataRef::DateTime(moment) => date(*moment),
        DataRef::Error(error) => error.to_string(),
    })
}

/// The fifteen digits that Excel keeps of a number (ECMA-376 part 1, 18.3.1.96, stores more where a formula gave
/// them: 1.1 × 3 as 3.3000000000000003), without an exponent; of a whole number all digits, since it may be somebody's number.
fn float(number: f64, decimal: char) -> String {
    if number.fract() == 0.0 && number.abs() < 9e15 {
        // Below 2⁵³ every whole number is itself.
        return format!("{}", number as i64);
    }
    let mut text = format!("{number}");
    if number.fract() != 0.0 && text.bytes().filter(u8::is_ascii_digit).count() > 15 {
        let kept: f64 = format!("{number:.14e}").parse().unwrap_or(number);
        text = format!("{kept}");
    }
    if decimal == '.' { text } else { text.replace('.', decimal.encode_utf8(&mut [0; 4])) }
}

/// A date, a date with time, a time of day (a day below 1), or hours of a duration.
fn date(moment: ExcelDateTime) -> String {
    let serial = moment.as_f64();
    // What lies outside the years 1900 to 9999 is no date there either.
    if moment.is_datetime() && !(0.0..2_958_466.0).contains(&serial) {
        return float(serial, '.');
    }
    if moment.is_duration() || (0.0..1.0).contains(&serial) {
        let seconds = (serial * 86_400.0).round();
        let (sign, seconds) = (if seconds < 0.0 { "-" } else { "" }, seconds.abs());
        // Serials end in the year 9999, far below what 64 bits hold.
        let most = if moment.is_duration() { 1e15 } else { 86_399.0 };
        let seconds = seconds.min(most) as u64;
        return format!("{sign}{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
    let (year, month, day, hour, minute, second, milli) = moment.to_ymd_hms_milli();
    match (hour, minute, second, milli) {
        (0, 0, 0, 0) => format!("{year:04}-{month:02}-{day:02}"),
        (_, _, _, 0) => format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"),
        _ => format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}"),
    }
}

/// `PT08H30M00S`, as OpenDocument writes a time, as `08:30:00`.
fn duration(iso: &str) -> Option<String> {
    let (hours, rest) = iso.strip_prefix("PT")?.split_once('H')?;
    let (minutes, rest) = rest.split_once('M')?;
    let seconds = rest.strip_suffix('S')?.split('.').next()?;
    let [hours, minutes, seconds] = [hours, minutes, seconds].map(|part| part.parse::<u32>().ok());
    Some(format!("{:02}:{:02}:{:02}", hours?, minutes?, seconds?))
}

/// What a sheet calls a column, counted from 0.
pub fn letters(column: u32) -> String {
    let mut rest = u64::from(column) + 1;
    let mut letters = vec![];
    while rest > 0 {
        rest -= 1;
        letters.push(char::from(b'A' + (rest % 26) as u8));
        rest /= 26;
    }
    letters.iter().rev().collect()
}

/// A place such as `B3` or `B`: column and row, both from 0.
pub fn place(text: &str) -> Option<(u32, Option<u32>)> {
    let text = text.trim().trim_start_matches('$');
    let digits = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (letters, number) = text.split_at_checked(digits)?;
    let number = number.trim_start_matches('$');
    let column = letters.bytes().try_fold(0u32, |sum, b| sum.checked_mul(26)?.checked_add(u32::from(b.to_ascii_uppercase() - b'A') + 1))?.checked_sub(1)?;
    let row = if number.is_empty() { None } else { Some(number.parse::<u32>().ok()?.checked_sub(1)?) };
    Some((column, row))
}

#[cfg(test)]
mod tests {
    use calamine::{DataRef, ExcelDateTime, ExcelDateTimeType};

    use super::{letters, place, text};

    #[test]
    fn numbers_have_the_digits_that_excel_keeps() {
        let float = |n: f64, mark| text(&DataRef::Float(n), mark).expect("a cell");
        assert_eq!(float(1.1 * 3.0, '.'), "3.3");
        assert_eq!(float(12.0, '.'), "12");
        assert_eq!(float(0.1 + 0.2, ','), "0,3");
        assert_eq!(float(123_456_789_012_345.0, '.'), "123456789012345");
        assert_eq!(float(1e-7, '.'), "0.0000001");
        assert_eq!(float(-2.5e20, '.'), "-250000000000000000000");
        // Sixteen digits that a double holds exactly.
        assert_eq!(float(1_234_567_890_123_457.0, '.'), "1234567890123457");
    }

    /// Serials of the documentation: 45943.541 is 2025-10-13 12:59:02.4; day 60 is the leap day that 1900 did not have.
    #[test]
    fn dates_are_iso() {
        let date = |serial, kind, is_1904| text(&DataRef::DateTime(ExcelDateTime::new(serial, kind, is_1904)), '.').expect("a cell");
        use ExcelDateTimeType::{DateTime, TimeDelta};
        assert_eq!(date(45943.541, DateTime, false), "2025-10-13T12:59:02.400");
        assert_eq!(date(45943.0, DateTime, false), "2025-10-13");
        assert_eq!(date(45943.0 - 1462.0, DateTime, true), "2025-10-13");
        assert_eq!(date(60.0, DateTime, false), "1900-02-29");
        assert_eq!(date(0.5, DateTime, false), "12:00:00");
        assert_eq!(date(1.25, TimeDelta, false), "30:00:00");
        assert_eq!((date(-5.0, DateTime, false), date(3_000_000.0, DateTime, false), date(0.999_999_9, DateTime, false)), ("-5".into(), "3000000".into(), "23:59:59".into()));
        assert_eq!(super::duration("PT08H30M00S").as_deref(), Some("08:30:00"));
    }

    #[test]
    fn places_and_letters() {
        assert_eq!((letters(0), letters(25), letters(26), letters(701), letters(702)), ("A".into(), "Z".into(), "AA".into(), "ZZ".into(), "AAA".into()));
        assert_eq!(place("B3"), Some((1, Some(2))));
        assert_eq!(place("$AB$10"), Some((27, Some(9))));
        assert_eq!(place("H"), Some((7, None)));
        assert_eq!((place("3"), place("B0"), place("ZZZZZZZZZ1")), (None, None, None));
    }
}
