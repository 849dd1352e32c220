//! How the text of a field reads: padding goes, numbers and dates get the form that they have everywhere.

use super::super::options::wrong;
use super::super::record::Failure;

/// The type of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Text,
    Integer,
    /// So many decimals that are not written.
    Decimal(usize),
    Date(Vec<Part>),
}

/// A part of a date.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Part {
    Day,
    Month,
    Year,
    /// What stands between the others.
    Mark(u8),
}

impl Kind {
    /// `text`, `integer`, `decimal(2)`, `date(ddmmyyyy)`; nothing is a text.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn parse(key: &str, text: &str) -> Result<Self, Failure> {
        let written = text.trim().to_ascii_lowercase();
        let (name, inner) = match written.split_once('(') {
            // An open bracket is part of no name.
            Some((name, rest)) => rest.strip_suffix(')').map_or((written.as_str(), None), |inner| (name.trim(), Some(inner.trim()))),
            None => (written.as_str(), None),
        };
        let unfit = |why: &str| wrong(key, format!("`{}` is no type of a field: {why}", text.trim()));
        match (name, inner) {
            ("" | "text", None) => Ok(Kind::Text),
            ("integer", None) => Ok(Kind::Integer),
            ("decimal", Some(places)) => {
                let places = places.parse().ok().filter(|n| (0..=30).contains(n));
                places.map(Kind::Decimal).ok_or_else(|| unfit("`decimal(2)` says how many of its digits are decimals"))
            }
            ("date", Some(form)) => date_form(form).map(Kind::Date).ok_or_else(|| unfit("a date has `dd`, `mm` and `yyyy` once each; leave others as text for the source's `dates`")),
            _ => Err(unfit("they are `text`, `integer`, `decimal(n)` and `date(ddmmyyyy)`")),
        }
    }

    /// Puts what a cell says into `out`; `false` where it is blank. What does not fit the type stays as it is.
    pub fn read(&self, cell: &str, out: &mut String) -> bool {
        out.clear();
        let trimmed = cell.trim_ascii();
        if trimmed.is_empty() {
            return false;
        }
        let fits = match self {
            Kind::Text => {
                out.push_str(cell.trim_ascii_end());
                true
            }
            Kind::Integer => number(trimmed, 0, out),
            Kind::Decimal(places) => number(trimmed, *places, out),
            Kind::Date(form) => date(trimmed, form, out),
        };
        if !fits {
            out.clear();
            out.push_str(trimmed);
        }
        true
    }
}

/// `dd`, `mm`, `yyyy` in any order, or in French `jj` and `aaaa`.
fn date_form(form: &str) -> Option<Vec<Part>> {
    let mut parts = vec![];
    let mut rest = form.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        let (part, length) = match rest {
            [b'd', b'd', ..] | [b'j', b'j', ..] => (Part::Day, 2),
            [b'm', b'm', ..] => (Part::Month, 2),
            [b'y', b'y', b'y', b'y', ..] | [b'a', b'a', b'a', b'a', ..] => (Part::Year, 4),
            _ if !first.is_ascii_alphanumeric() && first.is_ascii() => (Part::Mark(*first), 1),
            _ => return None,
        };
        parts.push(part);
        rest = if length == 1 { others } else { rest.get(length..)? };
    }
    let once = |part: Part| parts.iter().filter(|p| **p == part).count() == 1;
    (once(Part::Day) && once(Part::Month) && once(Part::Year)).then_some(parts)
}

/// Digits with a sign, of which the last `places` are decimals, in the shortest form.
fn number(text: &str, places: usize, out: &mut String) -> bool {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    let (whole, fraction) = digits.split_at_checked(digits.len().saturating_sub(places)).unwrap_or((digits, ""));
    let whole = whole.trim_start_matches('0');
    let missing = places.saturating_sub(fraction.len());
    let fraction = fraction.trim_end_matches('0');
    if negative && !(whole.is_empty() && fraction.is_empty()) {
        out.push('-');
    }
    out.push_str(if whole.is_empty() { "0" } else { whole });
    if !fraction.is_empty() {
        out.push('.');
        out.extend(std::iter::repeat_n('0', missing));
        out.push_str(fraction);
    }
    true
}

fn date(text: &str, form: &[Part], out: &mut String) -> bool {
    let (mut year, mut month, mut day) = ("", "", "");
    let mut rest = text;
    for part in form {
        let length = match part {
            Part::Year => 4,
            Part::Day | Part::Month => 2,
            Part::Mark(_) => 1,
        };
        let Some((head, tail)) = rest.split_at_checked(length) else { return false };
        match part {
            Part::Year => year = head,
            Part::Month => month = head,
            Part::Day => day = head,
            Part::Mark(mark) if head.as_bytes() == [*mark] => {}
            Part::Mark(_) => return false,
        }
        rest = tail;
    }
    if !rest.is_empty() || !exists(year, month, day) {
        return false;
    }
    for (i, part) in [year, month, day].into_iter().enumerate() {
        out.push_str(if i > 0 { "-" } else { "" });
        out.push_str(part);
    }
    true
}

/// Whether these digits are a day of the calendar.
fn exists(year: &str, month: &str, day: &str) -> bool {
    let read = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u32>().ok()).flatten();
    let (Some(year), Some(month), Some(day)) = (read(year), read(month), read(day)) else { return false };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return false,
    };
    year > 0 && (1..=days).contains(&day)
}
