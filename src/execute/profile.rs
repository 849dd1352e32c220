//! Counts of the accepted values of each field, mergeable and independent of partitions.
//!
//! Everything in the report is computed from counts of whole values, so 1 and 4 partitions give
//! the same report. Numbers are counted exactly up to [`MOST_DISTINCT`] distinct values, and in
//! buckets of 1/512 relative width beyond.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};

use super::summary::{CategoryCount, Cell, Distribution};
use crate::config::schema::{Field, FieldType};

/// Distinct numbers that are counted one by one.
pub const MOST_DISTINCT: usize = 65_536;
/// Bars of a histogram.
const BARS: usize = 24;
const SMALL: usize = 4096;
/// Fewer values than this have no mean or median in the report.
const FEW: u64 = 5;

/// One field's counts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    pub rows: u64,
    pub filled: u64,
    counts: Counts,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
enum Counts {
    #[default]
    Nothing,
    Numbers(Numbers),
    Years(Years),
    Texts(HashMap<String, u64, FixedState>),
}

/// Counts of numbers; small whole numbers have their own slots.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Numbers {
    small: Vec<u64>,
    others: HashMap<u64, u64, FixedState>,
    bucketed: bool,
}

/// Counts by calendar year.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Years {
    /// From [`FIRST_YEAR`] on.
    usual: Vec<u64>,
    others: BTreeMap<i32, u64>,
}

const FIRST_YEAR: i32 = 1800;

impl Years {
    /// Adds a day, counted from 1970-01-01.
    fn add(&mut self, day: i32, times: u64) {
        let year = year_of(day);
        if self.usual.is_empty() {
            self.usual.resize(400, 0);
        }
        match usize::try_from(year - FIRST_YEAR).ok().and_then(|at| self.usual.get_mut(at)) {
            Some(slot) => *slot += times,
            None => *self.others.entry(year).or_default() += times,
        }
    }

    fn merge(&mut self, other: Years) {
        if self.usual.is_empty() {
            self.usual = other.usual;
        } else {
            self.usual.iter_mut().zip(&other.usual).for_each(|(a, b)| *a += b);
        }
        other.others.into_iter().for_each(|(year, n)| *self.others.entry(year).or_default() += n);
    }

    fn by_year(&self) -> BTreeMap<i32, u64> {
        let usual = (FIRST_YEAR..).zip(&self.usual).filter(|(_, n)| **n > 0).map(|(year, n)| (year, *n));
        self.others.iter().map(|(year, n)| (*year, *n)).chain(usual).collect()
    }
}

/// The Gregorian year of a day counted from 1970-01-01 (Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms", `civil_from_days`: eras of 400 years begin on 1 March).
pub fn year_of(day: i32) -> i32 {
    let from_march = i64::from(day) + 719_468;
    let (era, of_era) = (from_march.div_euclid(146_097), from_march.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    // From day 306 on it is January or February of the next year.
    (era * 400 + year + i64::from(of_year >= 306)) as i32
}

impl Numbers {
    fn add(&mut self, value: f64, times: u64) {
        // A cast saturates, so only whole numbers from 0 to 4095 come back as they were.
        let small = value as u16;
        if usize::from(small) < SMALL && f64::from(small) == value {
            if self.small.is_empty() {
                self.small.resize(SMALL, 0);
            }
            if let Some(slot) = self.small.get_mut(usize::from(small)) {
                *slot += times;
            }
            return;
        }
        let key = if self.bucketed { bucket(value) } else { value.to_bits() };
        *self.others.entry(key).or_default() += times;
        if self.others.len() > MOST_DISTINCT && !self.bucketed {
            self.use_buckets();
        }
    }

    fn use_buckets(&mut self) {
        self.bucketed = true;
        let exact = std::mem::take(&mut self.others);
        for (bits, times) in exact {
            *self.others.entry(bucket(f64::from_bits(bits))).or_default() += times;
        }
    }

    fn merge(&mut self, mut other: Numbers) {
        if self.small.is_empty() {
            self.small = std::mem::take(&mut other.small);
        } else {
            self.small.iter_mut().zip(&other.small).for_each(|(a, b)| *a += b);
        }
        if other.bucketed && !self.bucketed {
            self.use_buckets();
        }
        for (bits, times) in other.others {
            let key = if self.bucketed { bucket(f64::from_bits(bits)) } else { bits };
            *self.others.entry(key).or_default() += times;
        }
        if self.others.len() > MOST_DISTINCT && !self.bucketed {
            self.use_buckets();
        }
    }

    /// Values with their counts, ascending.
    fn sorted(&self) -> Vec<(f64, u64)> {
        let small = self.small.iter().enumerate().filter(|(_, n)| **n > 0).map(|(v, n)| (v as f64, *n));
        let mut all: Vec<(f64, u64)> = small.chain(self.others.iter().map(|(bits, n)| (f64::from_bits(*bits), *n))).collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        all
    }
}

/// Keeps nine bits of the fraction.
fn bucket(value: f64) -> u64 {
    value.to_bits() & !((1u64 << 43) - 1)
}

impl Profile {
    /// Adds rows, of which `filled` have a value.
    pub fn add_rows(&mut self, rows: usize, filled: usize) {
        self.rows += rows as u64;
        self.filled += filled as u64;
    }

    /// Adds a number that stands in `times` rows.
    pub fn add_number(&mut self, value: f64, times: u64) {
        if !matches!(self.counts, Counts::Numbers(_)) {
            self.counts = Counts::Numbers(Numbers::default());
        }
        if let Counts::Numbers(numbers) = &mut self.counts {
            numbers.add(value, times);
        }
    }

    /// Adds a day, counted from 1970-01-01, that stands in `times` rows.
    pub fn add_day(&mut self, day: i32, times: u64) {
        if !matches!(self.counts, Counts::Years(_)) {
            self.counts = Counts::Years(Years::default());
        }
        if let Counts::Years(years) = &mut self.counts {
            years.add(day, times);
        }
    }

    /// Adds a code that stands in `times` rows.
    pub fn add_text(&mut self, value: &str, times: u64) {
        if times == 0 {
            return;
        }
        if !matches!(self.counts, Counts::Texts(_)) {
            self.counts = Counts::Texts(HashMap::default());
        }
        if let Counts::Texts(texts) = &mut self.counts {
            match texts.get_mut(value) {
                Some(n) => *n += times,
                None => _ = texts.insert(value.to_owned(), times),
            }
        }
    }

    /// Adds another partition's counts.
    pub fn merge(&mut self, other: Profile) {
        self.rows += other.rows;
        self.filled += other.filled;
        match (&mut self.counts, other.counts) {
            (_, Counts::Nothing) => {}
            (Counts::Numbers(a), Counts::Numbers(b)) => a.merge(b),
            (Counts::Years(a), Counts::Years(b)) => a.merge(b),
            (Counts::Texts(_), Counts::Texts(b)) => b.iter().for_each(|(value, n)| self.add_text(value, *n)),
            (mine, theirs) => *mine = theirs,
        }
    }

    /// The distribution that the report shows.
    pub fn distribution(&self, field: &Field) -> Option<Distribution> {
        match (&self.counts, field.kind.value) {
            (_, FieldType::Text | FieldType::Pseudonym) => None,
            (Counts::Texts(texts), FieldType::Code) => Some(categories(field.values.iter().map(|v| v.value.value.as_str()), |v| texts.get(v).copied().unwrap_or(0))),
            (Counts::Numbers(numbers), FieldType::Code) => {
                let sorted = numbers.sorted();
                Some(categories(field.values.iter().map(|v| v.value.value.as_str()), |v| {
                    let wanted = v.parse::<i64>().map(|v| v as f64).unwrap_or(f64::NAN);
                    sorted.binary_search_by(|(number, _)| number.total_cmp(&wanted)).map_or(0, |at| sorted[at].1)
                }))
            }
            (Counts::Texts(texts), FieldType::Boolean) => Some(categories(["true", "false"].into_iter(), |v| texts.get(v).copied().unwrap_or(0))),
            (Counts::Years(counted), _) => years(counted),
            (Counts::Numbers(numbers), _) => number_distribution(&numbers.sorted()),
            _ => None,
        }
    }
}

/// Values of a field that are all told of; of a larger codelist only those that occur most, and the
/// others as one.
pub const MOST_VALUES: usize = 200;

fn categories<'a>(values: impl Iterator<Item = &'a str>, rows: impl Fn(&str) -> u64) -> Distribution {
    let mut counts: Vec<CategoryCount> = values.map(|v| CategoryCount { value: v.to_owned(), rows: Some(rows(v)) }).collect();
    if counts.len() > MOST_VALUES {
        counts.retain(|c| c.rows > Some(0));
    }
    if counts.len() > MOST_VALUES {
        let mut by_rows: Vec<usize> = (0..counts.len()).collect();
        by_rows.sort_by_key(|at| std::cmp::Reverse(counts[*at].rows));
        let kept: std::collections::HashSet<usize> = by_rows.into_iter().take(MOST_VALUES - 1).collect();
        let all: u64 = counts.iter().filter_map(|c| c.rows).sum();
        let mut at = 0..;
        counts.retain(|_| at.next().is_some_and(|at| kept.contains(&at)));
        let told: u64 = counts.iter().filter_map(|c| c.rows).sum();
        counts.push(CategoryCount { value: "…".into(), rows: Some(all - told) });
    }
    Distribution::Category { counts }
}

/// Counts as they are; what may not be told is taken out later, when all of them are there.
fn told(counts: Vec<u64>) -> Vec<Cell> {
    counts.into_iter().map(Some).collect()
}

fn years(counted: &Years) -> Option<Distribution> {
    let by_year = counted.by_year();
    let (first, last) = (*by_year.keys().next()?, *by_year.keys().next_back()?);
    let counts = (first..=last).map(|y| by_year.get(&y).copied().unwrap_or(0)).collect();
    Some(Distribution::Year { first, counts: told(counts) })
}

fn number_distribution(sorted: &[(f64, u64)]) -> Option<Distribution> {
    let n: u64 = sorted.iter().map(|(_, n)| n).sum();
    let (low, high) = (sorted.first()?.0, sorted.last()?.0);
    let mean = sorted.iter().map(|(v, n)| v * *n as f64).sum::<f64>() / n as f64;
    let squares: f64 = sorted.iter().map(|(v, n)| (v - mean).powi(2) * *n as f64).sum();
    let sd = (n > 1).then(|| (squares / (n - 1) as f64).sqrt());
    let at = |rank: u64| {
        let mut seen = 0;
        sorted.iter().find(|(_, times)| { seen += times; seen > rank }).map(|(v, _)| *v)
    };
    let median = at((n - 1) / 2).zip(at(n / 2)).map(|(a, b)| (a + b) / 2.0);
    let whole = sorted.iter().all(|(v, _)| v.fract() == 0.0);
    let step = step(high / BARS as f64 - low / BARS as f64, low.abs().max(high.abs()), whole);
    let first = (low / step).floor();
    // At most BARS + 2: the step is not below the span's share, and both ends may be cut.
    let mut bins = vec![0; (((high / step).floor() - first) as usize).min(BARS + 1) + 1];
    let last = bins.len() - 1;
    for (value, times) in sorted {
        if let Some(slot) = bins.get_mut((((value / step).floor() - first) as usize).min(last)) {
            *slot += times;
        }
    }
    let (low, high) = ((first * step).max(f64::MIN), ((first + bins.len() as f64) * step).min(f64::MAX));
    // Of a handful of persons the mean and the median are nearly the values themselves.
    if n < FEW {
        return Some(Distribution::Number { mean: None, sd: None, median: None, low, high, bins: told(bins) });
    }
    // Sums of numbers near the end of the range are none.
    let finite = |v: &f64| v.is_finite();
    Some(Distribution::Number { mean: Some(mean).filter(finite), sd: sd.filter(finite), median: median.filter(finite), low, high, bins: told(bins) })
}

/// A round number (1, 2 or 5 times a power of ten) of at least `wanted`: edges of bins are no
/// patient's value. `size` keeps a step visible beside the values; `whole` numbers get whole steps.
fn step(wanted: f64, size: f64, whole: bool) -> f64 {
    let wanted = wanted.max(size * 1e-9).max(if whole { 1.0 } else { f64::MIN_POSITIVE * 1e20 });
    let power = 10f64.powf(wanted.log10().floor());
    // The last one catches a power that rounding made too small.
    [1.0, 2.0, 5.0, 10.0, 20.0].map(|m| m * power).into_iter().find(|s| *s >= wanted).unwrap_or(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distribution_of(values: &[f64]) -> Option<Distribution> {
        let mut profile = Profile::default();
        values.iter().for_each(|v| profile.add_number(*v, 1));
        match &profile.counts {
            Counts::Numbers(numbers) => number_distribution(&numbers.sorted()),
            _ => None,
        }
    }

    /// 1, 2, 2, 3, 7: mean 3, sum of squares 4+1+1+0+16 = 22, sd √(22/4), median 2; whole numbers in
    /// steps of 1, from 1 to the end of 7.
    #[test]
    fn moments_and_bins_of_five_numbers() {
        let Some(Distribution::Number { mean, sd, median, low, high, bins }) = distribution_of(&[2.0, 7.0, 1.0, 2.0, 3.0]) else { panic!("a distribution") };
        assert_eq!((mean, median, low, high), (Some(3.0), Some(2.0), 1.0, 8.0));
        assert_eq!(sd, Some(5.5f64.sqrt()));
        assert_eq!(bins, [1, 2, 1, 0, 0, 0, 1].map(Some));
    }

    /// 0.37 … 9.61 spans 9.24; a 24th is 0.385, so the step is 0.5 and the edges 0 and 10.
    #[test]
    fn edges_are_round_and_a_handful_has_no_mean() {
        let Some(Distribution::Number { mean, median, low, high, bins, .. }) = distribution_of(&[0.37, 9.61, 4.2]) else { panic!("a distribution") };
        assert_eq!((mean, median, low, high, bins.len()), (None, None, 0.0, 10.0, 20));
        assert_eq!((bins[0], bins[8], bins[19], bins.iter().flatten().sum::<u64>()), (Some(1), Some(1), Some(1), 3));
    }

    #[test]
    fn extreme_numbers_have_bins() {
        for values in [[0.0; 5], [1e300, -1e300, 0.0, 1.0, 2.0], [1e-300, 2e-300, 0.0, 0.0, 0.0], [1e15, 1e15 + 1.0, 1e15, 1e15, 1e15], [f64::MAX, f64::MIN, 0.0, 0.0, 0.0]] {
            let Some(Distribution::Number { bins, .. }) = distribution_of(&values) else { panic!("a distribution") };
            assert_eq!(bins.iter().flatten().sum::<u64>(), 5, "{values:?}");
            assert!(bins.len() <= BARS + 2);
        }
    }

    /// chrono's calendar is the second opinion.
    #[test]
    fn years_of_days() {
        use chrono::Datelike;
        let epoch = chrono::NaiveDate::default();
        for day in (-800_000..800_000).step_by(13).chain(-3..=3) {
            let date = epoch + chrono::TimeDelta::days(i64::from(day));
            assert_eq!(year_of(day), date.year(), "{date}");
        }
    }

    #[test]
    fn merging_equals_adding() {
        let numbers: Vec<f64> = (0..70_000).map(|i| f64::from(i) * 0.37 - 9000.0).collect();
        let mut whole = Profile::default();
        numbers.iter().for_each(|v| whole.add_number(*v, 1));
        let (mut a, mut b) = (Profile::default(), Profile::default());
        numbers.iter().enumerate().for_each(|(i, v)| if i % 3 == 0 { &mut a } else { &mut b }.add_number(*v, 1));
        a.merge(b);
        assert_eq!(a.counts, whole.counts);
    }
}
