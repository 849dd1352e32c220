//! The value of an element as text in its canonical form (DICOM PS3.5 6.2).
//!
//! Several values of one element stay joined by `\`, as the standard writes them. What does not fit its representation, such as a
//! date of 30 February, stays as it stands.

use super::charset::Charset;

/// A value representation: its two letters.
pub type Vr = [u8; 2];

/// How numbers of a binary value are written.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    pub big: bool,
}

/// The text of a value; `None` where it is empty or has no text.
pub fn text(vr: Vr, bytes: &[u8], order: Order, charset: Charset) -> Option<String> {
    let text = match &vr {
        b"US" => binary(bytes, order, |b: [u8; 2]| u16::from_le_bytes(b).to_string()),
        b"SS" => binary(bytes, order, |b: [u8; 2]| i16::from_le_bytes(b).to_string()),
        b"UL" => binary(bytes, order, |b: [u8; 4]| u32::from_le_bytes(b).to_string()),
        b"SL" => binary(bytes, order, |b: [u8; 4]| i32::from_le_bytes(b).to_string()),
        b"UV" => binary(bytes, order, |b: [u8; 8]| u64::from_le_bytes(b).to_string()),
        b"SV" => binary(bytes, order, |b: [u8; 8]| i64::from_le_bytes(b).to_string()),
        b"FL" => binary(bytes, order, |b: [u8; 4]| single(f32::from_le_bytes(b))),
        b"FD" => binary(bytes, order, |b: [u8; 8]| number(f64::from_le_bytes(b))),
        b"AT" => tags(bytes, order),
        // Empty groups at the end of a name may be left out (PS3.5 6.2.1.1).
        b"PN" => charset.decode(padded(bytes), true).trim().trim_end_matches('=').to_owned(),
        b"LO" | b"SH" | b"UC" => charset.decode(padded(bytes), false).trim().to_owned(),
        b"LT" | b"ST" | b"UT" => charset.decode(padded(bytes), false).trim_end().to_owned(),
        b"DA" => each(bytes, date),
        b"TM" => each(bytes, time),
        b"DT" => each(bytes, date_time),
        b"DS" | b"IS" => each(bytes, decimal),
        b"AE" | b"AS" | b"CS" | b"UI" | b"UR" => each(bytes, |_| None),
        // Bytes without a known meaning are a text only if they look like one.
        _ if padded(bytes).iter().all(|b| matches!(b, 0x20..=0x7E)) => each(bytes, |_| None),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// Without the padding at its end.
fn padded(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|b| !matches!(b, 0 | b' ')).map_or(0, |last| last.saturating_add(1));
    bytes.get(..end).unwrap_or_default()
}

/// Each of the values by `canonical`, or as it stands where that gives none.
fn each(bytes: &[u8], canonical: fn(&str) -> Option<String>) -> String {
    let text = Charset::default().decode(padded(bytes), false);
    let mut values = String::with_capacity(text.len().saturating_add(2));
    for (place, value) in text.split('\\').enumerate() {
        if place > 0 {
            values.push('\\');
        }
        let value = value.trim_matches([' ', '\0', '\t', '\r', '\n']);
        match canonical(value) {
            Some(canonical) => values.push_str(&canonical),
            None => values.push_str(value),
        }
    }
    values
}

fn binary<const N: usize>(bytes: &[u8], order: Order, one: fn([u8; N]) -> String) -> String {
    let mut values = String::new();
    for chunk in bytes.chunks_exact(N) {
        let Ok(mut chunk) = <[u8; N]>::try_from(chunk) else { continue };
        if order.big {
            chunk.reverse();
        }
        if !values.is_empty() {
            values.push('\\');
        }
        values.push_str(&one(chunk));
    }
    values
}

fn tags(bytes: &[u8], order: Order) -> String {
    let halves = binary(bytes, order, |b: [u8; 2]| format!("{:04x}", u16::from_le_bytes(b)));
    let halves: Vec<&str> = halves.split('\\').collect();
    let tags: Vec<String> = halves.chunks_exact(2).map(|pair| format!("({})", pair.join(","))).collect();
    tags.join("\\")
}

/// A number in the shortest form; with an exponent only where it would be very long.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        1e-7..1e21 => format!("{value}"),
        _ => format!("{value:e}"),
    }
}

fn single(value: f32) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        1e-7..1e21 => format!("{value}"),
        _ => format!("{value:e}"),
    }
}

/// DS and IS.
fn decimal(text: &str) -> Option<String> {
    if text.is_empty() || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')) {
        return None;
    }
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.to_string());
    }
    text.parse::<f64>().ok().filter(|value| value.is_finite()).map(number)
}

/// `20110205`, and `2011.02.05` of the standard's forerunner.
fn date(text: &str) -> Option<String> {
    let digits: String = match text.len() {
        8 => text.to_owned(),
        10 if text.bytes().enumerate().all(|(at, b)| (b == b'.') == matches!(at, 4 | 7)) => text.replace('.', ""),
        _ => return None,
    };
    if digits.len() != 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (year, month, day) = (digits.get(..4)?, digits.get(4..6)?, digits.get(6..)?);
    let y: u32 = year.parse().ok()?;
    let leap = y.is_multiple_of(4) && (!y.is_multiple_of(100) || y.is_multiple_of(400));
    let days = match month.parse::<u32>().ok()? {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    (1..=days).contains(&day.parse::<u32>().ok()?).then(|| format!("{year}-{month}-{day}"))
}

/// `083000.5`, `0830`, and `08:30:00` of the standard's forerunner.
fn time(text: &str) -> Option<String> {
    let text = text.replace(':', "");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    if !matches!(whole.len(), 4 | 6) || (whole.len() == 4 && !fraction.is_empty()) || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hour, minute, second) = (whole.get(..2)?, whole.get(2..4)?, whole.get(4..6).unwrap_or("00"));
    if hour > "23" || minute > "59" || second > "59" {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let dot = if fraction.is_empty() { "" } else { "." };
    Some(format!("{hour}:{minute}:{second}{dot}{fraction}"))
}

/// `20110205083000.5+0100`; a date alone stays one.
fn date_time(text: &str) -> Option<String> {
    let zone_at = text.bytes().position(|b| matches!(b, b'+' | b'-')).unwrap_or(text.len());
    let (moment, zone) = (text.get(..zone_at)?, text.get(zone_at..)?);
    let date = date(moment.get(..8)?)?;
    if moment.len() == 8 {
        return zone.is_empty().then_some(date);
    }
    let time = time(moment.get(8..)?)?;
    let zone = match zone {
        "" => String::new(),
        "+0000" | "-0000" => "Z".to_owned(),
        _ if zone.len() == 5 && zone.bytes().skip(1).all(|b| b.is_ascii_digit()) => format!("{}:{}", zone.get(..3)?, zone.get(3..)?),
        _ => return None,
    };
    Some(format!("{date}T{time}{zone}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(vr: &Vr, text_: &[u8]) -> Option<String> {
        text(*vr, text_, Order { big: false }, Charset::default())
    }

    #[test]
    fn values_take_their_canonical_form() {
        // The forms of PS3.5 table 6.2-1.
        let cases: &[(&Vr, &[u8], Option<&str>)] = &[
            (b"DA", b"20110205", Some("2011-02-05")),
            (b"DA", b"2011.02.05", Some("2011-02-05")),
            (b"DA", b"20110230", Some("20110230")),
            (b"DA", b"20000229", Some("2000-02-29")),
            (b"DA", b"19000229", Some("19000229")),
            (b"DA", b"", None),
            (b"DA", b"        ", None),
            (b"TM", b"070907.0705 ", Some("07:09:07.0705")),
            (b"TM", b"1010", Some("10:10:00")),
            (b"TM", b"10", Some("10")),
            (b"TM", b"250000", Some("250000")),
            (b"DT", b"20110205083000.500+0100", Some("2011-02-05T08:30:00.5+01:00")),
            (b"DT", b"20110205083000", Some("2011-02-05T08:30:00")),
            (b"DT", b"20110205", Some("2011-02-05")),
            (b"DT", b"2011", Some("2011")),
            (b"DS", b"1.000000\\0.5E-1 ", Some("1\\0.05")),
            (b"DS", b"-0", Some("0")),
            (b"DS", b"+12.50", Some("12.5")),
            (b"DS", b"1,5", Some("1,5")),
            (b"IS", b"0042", Some("42")),
            (b"US", &[2, 1, 255, 255], Some("258\\65535")),
            (b"SS", &[255, 255], Some("-1")),
            (b"FL", &[0xCD, 0xCC, 0x4C, 0x3E], Some("0.2")),
            (b"AT", &[0x18, 0x00, 0x63, 0x10], Some("(0018,1063)")),
            (b"UI", b"1.2.3\0", Some("1.2.3")),
            (b"OB", &[0, 1, 2], None),
            (b"UN", b"PLAIN ", Some("PLAIN")),
            (b"LT", b"  two\r\nlines ", Some("  two\r\nlines")),
        ];
        for (vr, bytes, expected) in cases {
            assert_eq!(of(vr, bytes).as_deref(), *expected, "{} {:?}", String::from_utf8_lossy(*vr), bytes);
        }
        assert_eq!(text(*b"UL", &[0, 0, 1, 2], Order { big: true }, Charset::default()).as_deref(), Some("258"));
    }
}
