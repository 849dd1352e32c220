//! What a text can be read as, and what the texts of a column are together.

use chrono::{NaiveDate, NaiveDateTime};

/// A set of readings, as bits.
pub type Kinds = u32;

/// A way to read a text.
struct Reading {
    /// As the schema calls the type, and in words.
    kind: &'static str,
    words: &'static str,
    fits: fn(&str) -> bool,
    /// A number by which values are ordered.
    order: Option<fn(&str) -> Option<f64>>,
}

fn whole(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    (!digits.is_empty() && digits.len() <= 15 && digits.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

fn with_mark(text: &str, mark: char) -> Option<f64> {
    let plain = text.replacen(mark, ".", 1);
    let digits = plain.strip_prefix('-').unwrap_or(&plain);
    if digits.len() > 1 && digits.starts_with('0') && digits.as_bytes().get(1).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let is_number = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.') && digits.bytes().any(|b| b.is_ascii_digit()) && (mark == '.' || !text.contains('.'));
    is_number.then(|| plain.parse().ok())?
}

macro_rules! date {
    ($words:literal, $format:literal) => {
        Reading { kind: "date", words: $words, fits: |t| day(t, $format).is_some(), order: Some(|t| day(t, $format)) }
    };
}

macro_rules! moment {
    ($words:literal, $format:literal) => {
        Reading { kind: "datetime", words: $words, fits: |t| time(t, $format).is_some(), order: Some(|t| time(t, $format)) }
    };
}

fn day(text: &str, format: &str) -> Option<f64> {
    // chrono takes fewer digits for a year than it was asked for.
    let plausible = |d: &NaiveDate| (1850..=2100).contains(&chrono::Datelike::year(d));
    NaiveDate::parse_from_str(text, format).ok().filter(plausible).map(|d| d.signed_duration_since(NaiveDate::default()).num_days() as f64)
}

fn time(text: &str, format: &str) -> Option<f64> {
    NaiveDateTime::parse_from_str(text, format).ok().map(|t| t.and_utc().timestamp() as f64)
}

fn zoned(text: &str) -> Option<f64> {
    chrono::DateTime::parse_from_rfc3339(text).ok().map(|t| t.timestamp() as f64)
}

/// The more specific come first: a column is what most of its cells are, and of equals the first.
const READINGS: [Reading; 20] = [
    Reading { kind: "boolean", words: "words for yes and no", fits: |t| ["true", "false", "yes", "no", "oui", "non", "vrai", "faux", "y", "n", "o"].contains(&t.to_lowercase().as_str()), order: None },
    date!("dates %Y-%m-%d", "%Y-%m-%d"),
    date!("dates %d/%m/%Y", "%d/%m/%Y"),
    date!("dates %m/%d/%Y", "%m/%d/%Y"),
    date!("dates %d-%m-%Y", "%d-%m-%Y"),
    date!("dates %d.%m.%Y", "%d.%m.%Y"),
    date!("dates %Y/%m/%d", "%Y/%m/%d"),
    Reading { kind: "date", words: "dates %Y%m%d", fits: |t| t.len() == 8 && day(t, "%Y%m%d").is_some(), order: Some(|t| day(t, "%Y%m%d")) },
    moment!("times %Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S"),
    Reading { kind: "datetime", words: "times %Y-%m-%dT%H:%M:%S%.f", fits: |t| t.contains('.') && time(t, "%Y-%m-%dT%H:%M:%S%.f").is_some(), order: Some(|t| time(t, "%Y-%m-%dT%H:%M:%S%.f")) },
    Reading { kind: "datetime", words: "times with a time zone (ISO 8601)", fits: |t| zoned(t).is_some(), order: Some(zoned) },
    moment!("times %Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S"),
    moment!("times %d/%m/%Y %H:%M", "%d/%m/%Y %H:%M"),
    moment!("times %d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S"),
    Reading { kind: "date", words: "partial dates %m/%Y", fits: |t| t.len() == 7 && day(&format!("01/{t}"), "%d/%m/%Y").is_some(), order: Some(|t| day(&format!("01/{t}"), "%d/%m/%Y")) },
    Reading { kind: "integer", words: "whole numbers", fits: |t| whole(t).is_some() && !(t.len() > 1 && t.starts_with('0')), order: Some(whole) },
    Reading { kind: "decimal", words: "numbers with a decimal point", fits: |t| with_mark(t, '.').is_some(), order: Some(|t| with_mark(t, '.')) },
    Reading { kind: "decimal", words: "numbers with a decimal comma", fits: |t| with_mark(t, ',').is_some(), order: Some(|t| with_mark(t, ',')) },
    Reading { kind: "decimal", words: "numbers with a comparator such as <", fits: |t| t.starts_with(['<', '>', '=', '≤', '≥']) && with_mark(&t.trim_start_matches(['<', '>', '=', '≤', '≥', ' ']).replace(',', "."), '.').is_some(), order: None },
    Reading { kind: "text", words: "digits with zeros in front: an identifier or a code", fits: |t| t.len() > 1 && t.starts_with('0') && whole(t).is_some(), order: None },
];

/// Everything that a text can be read as.
pub fn kinds(text: &str) -> Kinds {
    READINGS.iter().enumerate().filter(|(_, r)| (r.fits)(text)).fold(0, |kinds, (bit, _)| kinds | 1 << bit)
}

/// Types that a column can have in several ways of writing at once.
const FAMILIES: [&[&str]; 2] = [&["date", "datetime"], &["integer", "decimal"]];

/// Rows by reading.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    pub all: u64,
    by: [u64; READINGS.len()],
    /// Rows that some reading of a family fits.
    by_family: [u64; FAMILIES.len()],
}

impl Counts {
    pub fn add(&mut self, kinds: Kinds, rows: u64) {
        self.all += rows;
        for (bit, count) in self.by.iter_mut().enumerate() {
            if kinds & 1 << bit != 0 {
                *count += rows;
            }
        }
        for (family, count) in FAMILIES.iter().zip(&mut self.by_family) {
            if READINGS.iter().enumerate().any(|(bit, r)| kinds & 1 << bit != 0 && family.contains(&r.kind)) {
                *count += rows;
            }
        }
    }
}

/// A column's type with the evidence.
pub struct Verdict {
    pub kind: String,
    pub evidence: String,
    pub otherwise: u64,
    pub order: Option<fn(&str) -> Option<f64>>,
}

/// A share of cells that must be of a type for the column to be.
const MOST: f64 = 0.9;
/// A text column with at most so many values is one of codes.
const CODES: u64 = 50;

/// What a column is; `distinct` values of at most `longest` characters.
pub fn verdict(counts: &Counts, distinct: Option<u64>, longest: usize) -> Verdict {
    let none = |kind: &str, evidence: String| Verdict { kind: kind.into(), evidence, otherwise: 0, order: None };
    if counts.all == 0 {
        return none("empty", "no cell has a value".into());
    }
    let best = counts.by.iter().enumerate().max_by(|(a, x), (b, y)| x.cmp(y).then(b.cmp(a)));
    let Some((reading, fit)) = best.and_then(|(bit, fit)| Some((READINGS.get(bit)?, *fit))).filter(|(_, fit)| *fit as f64 >= MOST * counts.all as f64) else {
        if let Some(verdict) = mixed(counts) {
            return verdict;
        }
        return match distinct {
            Some(n) if n <= CODES && counts.all >= 2 * n => none("code", format!("{n} different texts")),
            Some(_) | None if longest > 60 => none("text", "long texts: people may have typed names".into()),
            _ => none("text", "texts of many kinds".into()),
        };
    };
    // Day and month can be told apart where a day above 12 was met; where none was, both readings fit.
    let alike: Vec<&str> = READINGS.iter().zip(&counts.by).filter(|(r, n)| r.kind == reading.kind && **n == fit && r.words != reading.words && reading.kind == "date").map(|(r, _)| r.words).collect();
    let also = if alike.is_empty() { String::new() } else { format!(", or as well {}", alike.join(", ")) };
    Verdict { kind: reading.kind.into(), evidence: format!("{}{also}: {fit} of {} cells", reading.words, counts.all), otherwise: counts.all - fit, order: reading.order }
}

/// A column of one type that is written in several ways, or of two types by halves: both are to be known before a mapping is written.
fn mixed(counts: &Counts) -> Option<Verdict> {
    let (family, fit) = FAMILIES.iter().zip(counts.by_family).max_by_key(|(_, fit)| *fit).filter(|(_, fit)| *fit * 4 >= counts.all)?;
    let mut ways: Vec<(&Reading, u64)> = READINGS.iter().zip(counts.by).filter(|(r, n)| *n > 0 && family.contains(&r.kind)).collect();
    ways.sort_by_key(|(_, n)| std::cmp::Reverse(*n)); // stable
    let told: Vec<String> = ways.iter().take(3).map(|(r, n)| format!("{} ({n})", r.words)).collect();
    let otherwise = counts.all - fit;
    if fit as f64 >= MOST * counts.all as f64 {
        let kind = if ways.iter().any(|(r, _)| r.kind == "decimal") { "decimal" } else { ways.first()?.0.kind };
        return Some(Verdict { kind: kind.into(), evidence: format!("written in several ways: {}", told.join(", ")), otherwise, order: None });
    }
    Some(Verdict { kind: "text".into(), evidence: format!("{fit} of {} cells are {}, {otherwise} are something else", counts.all, told.join(", ")), otherwise, order: None })
}

/// Words that stand for missing at hospitals.
const WORDS: [&str; 24] = [
    "na", "n/a", "#n/a", "nan", "nd", "nr", "nc", "null", "none", "nil", ".", "-", "--", "?", "unknown", "unk", "inconnu", "inconnue", "non renseigné", "non fait", "missing", "manquant", "not done", "(null)",
];
/// Numbers and days that often do.
const SENTINELS: [&str; 12] = ["-1", "-9", "-99", "-999", "9", "99", "999", "9999", "99999", "01/01/1900", "1900-01-01", "9999-12-31"];

/// Values that look like missing codes: words of that meaning, and far-off numbers that come often.
pub fn missing_codes<'v>(values: &[(&'v str, u64, Kinds)], filled: u64) -> Vec<&'v str> {
    let is_word = |v: &str| WORDS.contains(&v.to_lowercase().as_str());
    let mut numbers: Vec<f64> = values.iter().filter(|(v, ..)| !is_word(v) && !SENTINELS.contains(v)).filter_map(|(v, ..)| with_mark(v, '.')).collect();
    numbers.sort_by(f64::total_cmp);
    let far = |v: &str| match (with_mark(v, '.'), numbers.first(), numbers.last()) {
        (Some(n), Some(low), Some(high)) => numbers.len() >= 3 && (n > high + (high - low) || (n < 0.0 && *low >= 0.0)),
        // A day that is no number is a placeholder where others are later or earlier.
        (None, ..) => v.len() > 5,
        _ => false,
    };
    values.iter().filter(|(v, rows, _)| is_word(v) || (SENTINELS.contains(v) && *rows * 200 >= filled && *rows >= 2 && far(v))).map(|(v, ..)| *v).collect()
}

#[cfg(test)]
mod tests {
    use super::{Counts, kinds, missing_codes, verdict};

    fn of(cells: &[&str]) -> (String, String, u64) {
        let mut counts = Counts::default();
        cells.iter().for_each(|c| counts.add(kinds(c), 1));
        let distinct = cells.iter().collect::<std::collections::HashSet<_>>().len() as u64;
        let verdict = verdict(&counts, Some(distinct), cells.iter().map(|c| c.len()).max().unwrap_or(0));
        (verdict.kind, verdict.evidence, verdict.otherwise)
    }

    #[test]
    fn a_column_is_what_nine_tenths_of_its_cells_are() {
        assert_eq!(of(&["1", "22", "-3"]).0, "integer");
        assert_eq!(of(&["1", "2.5"]).1, "numbers with a decimal point: 2 of 2 cells");
        assert_eq!(of(&["1", "2,5"]).1, "numbers with a decimal comma: 2 of 2 cells");
        assert_eq!(of(&["<0,1", "12"]), ("decimal".into(), "written in several ways: whole numbers (1), numbers with a decimal point (1), numbers with a decimal comma (1)".into(), 0));
        assert_eq!(of(&["2011-12-31", "31/12/2011", "2011-12-30"]), ("date".into(), "written in several ways: dates %Y-%m-%d (2), dates %d/%m/%Y (1)".into(), 0));
        assert_eq!(of(&["2011-12-31", "vers Noël"]), ("text".into(), "1 of 2 cells are dates %Y-%m-%d (1), 1 are something else".into(), 1));
        assert_eq!(of(&["2011-12-31T08:30:00.250", "2011-12-31T08:30:00.5"]).0, "datetime");
        assert_eq!(of(&["2011-12-31T08:30:00Z", "2011-12-31T08:30:00.5+01:00"]).1, "times with a time zone (ISO 8601): 2 of 2 cells");
        assert_eq!(of(&["oui", "non"]).0, "boolean");
        assert_eq!(of(&["0012", "0450"]).1, "digits with zeros in front: an identifier or a code: 2 of 2 cells");
        assert_eq!(of(&["a", "b", "a", "b"]).0, "code");
        assert_eq!(of(&["Dupont Marie", "Durand Anne"]).0, "text");
        // 19 of 20.
        let mut cells = vec!["5"; 19];
        cells.push("many");
        assert_eq!(of(&cells), ("integer".into(), "whole numbers: 19 of 20 cells".into(), 1));
    }

    #[test]
    fn a_day_above_twelve_tells_day_from_month() {
        assert_eq!(of(&["31/12/2011", "01/02/2012"]).1, "dates %d/%m/%Y: 2 of 2 cells");
        assert_eq!(of(&["01/02/2012", "03/04/2012"]).1, "dates %d/%m/%Y, or as well dates %m/%d/%Y: 2 of 2 cells");
        assert_eq!(of(&["20110205"]).1, "dates %Y%m%d: 1 of 1 cells");
        assert_eq!(of(&["2011-02-05T08:30:00"]).0, "datetime");
    }

    #[test]
    fn words_and_far_numbers_are_suspected() {
        let values = |cells: &[(&'static str, u64)]| cells.iter().map(|(v, n)| (*v, *n, kinds(v))).collect::<Vec<_>>();
        assert_eq!(missing_codes(&values(&[("12", 50), ("15", 40), ("18", 30), ("999", 5), ("ND", 3)]), 128), ["999", "ND"]);
        // 99 is an age among ages.
        assert!(missing_codes(&values(&[("98", 50), ("97", 40), ("60", 30), ("99", 5)]), 125).is_empty());
        assert!(missing_codes(&values(&[("9", 50), ("8", 40), ("1", 30), ("4", 30)]), 150).is_empty());
    }
}
