//! One column, cell by cell.

use std::collections::HashMap;

use serde::Serialize;

use super::guess::{self, Kinds};

/// Values that are told apart; beyond, a column has "more than" so many.
const MOST_DISTINCT: usize = 200_000;
/// Values that are listed.
const LISTED: usize = 8;

/// What is known of a column while it is read.
#[derive(Default)]
pub struct Column {
    filled: u64,
    /// Value to its rows and what it can be read as.
    values: HashMap<Box<str>, (u64, Kinds)>,
    /// Rows whose values were too many to be told apart, by what they can be read as.
    more: guess::Counts,
    blanks: u64,
    shortest: usize,
    longest: usize,
}

/// What a column holds.
#[derive(Debug, Serialize)]
pub struct ColumnProfile {
    pub name: String,
    pub filled: u64,
    /// `None`: too many to be told apart.
    pub distinct: Option<u64>,
    /// The type that its cells can be read as.
    #[serde(rename = "type")]
    pub kind: String,
    /// On what that rests.
    pub evidence: String,
    /// Rows whose cells are not of that type.
    pub otherwise: u64,
    pub frequent: Vec<Frequent>,
    /// Rows whose values are too rare to be shown.
    pub hidden: u64,
    /// Of numbers and dates the lowest and highest value that so many rows reach or exceed as a shown value needs.
    pub range: Option<[String; 2]>,
    /// Values that look like missing codes.
    pub missing: Vec<Frequent>,
    /// Shortest and longest cell, in characters.
    pub length: [usize; 2],
    /// Rows with blanks around the cell.
    pub blanks: u64,
}

/// A value and its rows.
#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct Frequent {
    pub value: String,
    pub rows: u64,
}

impl Column {
    /// Takes a cell; an empty one is missing.
    pub fn add(&mut self, cell: Option<&str>) {
        let Some(raw) = cell else { return };
        let value = raw.trim();
        if value.is_empty() {
            return;
        }
        self.filled += 1;
        self.blanks += u64::from(value.len() != raw.len());
        if let Some((rows, _)) = self.values.get_mut(value) {
            *rows += 1;
            return;
        }
        let (kinds, length) = (guess::kinds(value), value.chars().count());
        self.shortest = if self.longest == 0 { length } else { self.shortest.min(length) };
        self.longest = self.longest.max(length);
        if self.values.len() < MOST_DISTINCT {
            self.values.insert(value.into(), (1, kinds));
        } else {
            self.more.add(kinds, 1);
        }
    }

    /// What all cells come to, of `rows` rows; a value is shown that at least `shown_from` rows have.
    pub fn finish(self, name: String, rows: u64, shown_from: u64) -> ColumnProfile {
        let mut values: Vec<(&str, u64, Kinds)> = self.values.iter().map(|(v, (rows, kinds))| (&**v, *rows, *kinds)).collect();
        values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        let missing = guess::missing_codes(&values, self.filled);
        let is_missing = |value: &str| missing.contains(&value);
        let mut counts = self.more.clone();
        values.iter().filter(|(v, ..)| !is_missing(v)).for_each(|(_, rows, kinds)| counts.add(*kinds, *rows));
        let distinct = (self.more.all == 0).then_some(values.len() as u64);
        let verdict = guess::verdict(&counts, distinct, self.longest);
        let shown: Vec<Frequent> = values.iter().filter(|(_, n, _)| *n >= shown_from).map(|(v, n, _)| Frequent { value: (*v).to_owned(), rows: *n }).collect();
        let seen: u64 = shown.iter().map(|f| f.rows).sum();
        let range = verdict.order.and_then(|order| {
            let mut keyed: Vec<(f64, &str, u64)> = values.iter().filter(|(v, ..)| !is_missing(v)).filter_map(|(v, n, _)| Some((order(v)?, *v, *n))).collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            let end = |mut values: Box<dyn Iterator<Item = &(f64, &str, u64)> + '_>| {
                let mut rows = 0;
                values.find(|(.., n)| {
                    rows += n;
                    rows >= shown_from
                }).map(|(_, v, _)| (*v).to_owned())
            };
            let ends = [end(Box::new(keyed.iter()))?, end(Box::new(keyed.iter().rev()))?];
            (self.more.all == 0 && order(&ends[0]) <= order(&ends[1])).then_some(ends)
        });
        let missing = missing.iter().filter_map(|m| values.iter().find(|(v, ..)| v == m)).map(|(v, n, _)| Frequent { value: (*v).to_owned(), rows: *n }).collect();
        ColumnProfile {
            name,
            filled: self.filled.min(rows),
            distinct,
            kind: verdict.kind,
            evidence: verdict.evidence,
            otherwise: verdict.otherwise,
            hidden: self.filled.saturating_sub(seen),
            frequent: shown.into_iter().take(LISTED).collect(),
            range,
            missing,
            length: [self.shortest, self.longest],
            blanks: self.blanks,
        }
    }
}
