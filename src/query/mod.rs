//! Queries: what is asked of a site about one row of one of its files, and the answers that come back.
//!
//! In clinical data management a query is one finding of one rule about one row. A coordinator sends a site its queries as a
//! workbook (`queries.xlsx`), and the same rows as `queries.csv` for whoever works without one. The site fills in one column and
//! sends the file back, perhaps saved by another program in between. A query is known by an [`id`] that rests on where it is and
//! what it is about, so that the answer finds it again in a later run.
//!
//! A file of queries names files, rows and columns of the site that it goes to. A value of a patient is in it only where the
//! coordinator asks for that.

mod answers;
pub mod collect;
mod sheet;
mod words;
mod write;

use xxhash_rust::xxh3::Xxh3;

pub use answers::{Answer, AnswerError, Reply, answers};
pub use write::{Writer, Written};

/// What a site's coordinator reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    English,
    French,
    /// English words, for a site whose own language has none here.
    Other,
}

impl Language {
    /// From a code such as `fr` or `fr-CA`.
    pub fn of(code: &str) -> Language {
        match code.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "en" => Language::English,
            "fr" => Language::French,
            _ => Language::Other,
        }
    }

    /// One of two wordings.
    fn pick<T>(self, english: T, french: T) -> T {
        if self == Language::French { french } else { english }
    }

    /// What stands between the cells of the CSV. Excel splits a file that is opened by a double click at the list separator of
    /// the computer's region and at nothing else: the comma where English is spoken, the semicolon where the comma is the
    /// decimal mark, which is France and nearly all other countries without English.
    fn delimiter(self) -> u8 {
        if self == Language::English { b',' } else { b';' }
    }
}

/// Whether the row is left out of the cohort for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Error,
    Warning,
}

/// What has become of a query so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Asked for the first time.
    New,
    /// Asked before, without an answer.
    Open,
    /// Asked before and answered; the finding is still there.
    Answered,
}

/// One finding of one rule about one row of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query<'a> {
    /// See [`id`].
    pub id: String,
    /// The table and source that it is of; not in the files, for a site knows its files and not our names.
    pub table: &'a str,
    pub source: &'a str,
    /// The file as the site calls it.
    pub file: &'a str,
    /// The row as a person finds it there.
    pub row: u64,
    /// The row's key, where the site can find the row by it; it stands beside the row's number.
    pub key: Option<&'a str>,
    /// The field's label in the site's language.
    pub field: Option<&'a str>,
    /// The column as the site calls it.
    pub column: Option<&'a str>,
    /// The rule's title in the site's language.
    pub rule: &'a str,
    /// The reason's code, such as `R501`.
    pub code: &'a str,
    pub severity: Severity,
    /// What is expected, in the site's language.
    pub asks: &'a str,
    /// The value as it was delivered; written only by a writer that was told to.
    pub value: Option<&'a str>,
    pub state: State,
    /// The answer of last time.
    pub answer: Option<&'a str>,
}

/// How the row of a query is found again in the next delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row<'a> {
    /// By its key, which stays when rows are added above.
    Key(&'a str),
    /// By its number.
    Number(u64),
}

/// The name of a query: `q` and 15 hexadecimal digits (60 bits; among a million queries two are the same with a chance of
/// 1 in 2 million).
///
/// It begins with a letter because spreadsheets read `1234567890123456` and `12e4567890123456` as numbers and keep 15 digits of
/// them. `file` is best without its folder; where the names of files change with each delivery, leave it empty.
pub fn id(site: &str, source: &str, file: &str, row: Row, code: &str, field: Option<&str>, rule: &str) -> String {
    let mut hash = Xxh3::new();
    let mut add = |kind: u8, text: &str| {
        // With its length before it no text runs into the next.
        hash.update(&[kind]);
        hash.update(&(text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    };
    add(0, site);
    add(0, source);
    add(0, file);
    match row {
        Row::Key(key) => add(1, key),
        Row::Number(number) => add(2, &number.to_string()),
    }
    add(0, code);
    add(u8::from(field.is_some()), field.unwrap_or_default());
    add(0, rule);
    format!("q{:015x}", hash.digest128() >> 68)
}

/// Whether a cell holds what [`id`] gives.
fn is_id(text: &str) -> bool {
    text.len() == 16 && text.starts_with('q') && text.bytes().skip(1).all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests;
