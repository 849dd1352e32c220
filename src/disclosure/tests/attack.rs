//! An attacker who tries every table that agrees with what is told.

use proptest::prelude::*;

use super::sample::*;
use crate::disclosure::distributions::sheets;
use crate::disclosure::{public, suppress};
use crate::execute::summary::*;

/// All values that each count can have: rows and columns with these totals, counts that are told, hidden ones at least `low`.
struct Attack<'a> {
    told: &'a [Vec<Cell>],
    low: &'a [u64],
    rows: Vec<u64>,
    /// `None`: not known.
    columns: Vec<Option<u64>>,
    truth: &'a [Vec<u64>],
    /// Counts that another table has another number of.
    free: Vec<Vec<bool>>,
    /// Small counts that none has yet.
    open: usize,
    small: u64,
}

impl Attack<'_> {
    fn go(&mut self, table: &mut Vec<Vec<u64>>, row: usize, column: usize, left: u64) {
        if self.open == 0 {
            return;
        }
        if row == self.told.len() {
            if self.columns.iter().all(|c| c.is_none_or(|n| n == 0)) {
                for (r, counts) in table.iter().enumerate() {
                    for (c, n) in counts.iter().enumerate() {
                        if *n != self.truth[r][c] && !self.free[r][c] {
                            self.free[r][c] = true;
                            self.open -= usize::from(0 < self.truth[r][c] && self.truth[r][c] < self.small);
                        }
                    }
                }
            }
            return;
        }
        if column == self.columns.len() {
            if left == 0 {
                let next = self.rows.get(row + 1).copied().unwrap_or(0);
                self.go(table, row + 1, 0, next);
            }
            return;
        }
        let most = self.columns[column].map_or(left, |n| n.min(left));
        let range = match self.told[row][column] {
            Some(n) => n..=n,
            None => self.low[row]..=most,
        };
        for n in range.filter(|n| *n <= most) {
            table[row][column] = n;
            self.columns[column] = self.columns[column].map(|c| c - n);
            self.go(table, row, column + 1, left - n);
            self.columns[column] = self.columns[column].map(|c| c + n);
        }
    }
}

/// Small counts that only one table has.
fn determined(truth: &[Vec<u64>], threshold: u64, columns_told: &[bool]) -> Vec<(usize, usize)> {
    let rows: Vec<&[u64]> = truth.iter().map(Vec::as_slice).collect();
    let mut summary = table(&rows);
    suppress(&mut summary, threshold);
    let released = told(&summary);
    let low: Vec<u64> = released.iter().map(|r| u64::from(r.is_some())).collect();
    let told: Vec<Vec<Cell>> = released.iter().zip(truth).map(|(r, t)| r.clone().unwrap_or(vec![None; t.len()])).collect();
    let is_small = |n: u64| 0 < n && n < threshold;
    for (row, cells) in told.iter().enumerate() {
        for (column, cell) in cells.iter().enumerate() {
            assert!(cell.is_none_or(|n| n == truth[row][column] && !is_small(n)), "{told:?}");
        }
    }
    let columns = columns_told.iter().enumerate().map(|(c, told)| told.then(|| truth.iter().map(|r| r[c]).sum())).collect();
    let mut attack = Attack {
        told: &told,
        low: &low,
        rows: truth.iter().map(|r| r.iter().sum()).collect(),
        columns,
        truth,
        free: truth.iter().map(|r| vec![false; r.len()]).collect(),
        open: truth.iter().flatten().filter(|n| is_small(**n)).count(),
        small: threshold,
    };
    let first = attack.rows[0];
    attack.go(&mut truth.to_vec(), 0, 0, first);
    let all = truth.iter().enumerate().flat_map(|(r, row)| row.iter().enumerate().map(move |(c, n)| ((r, c), *n)));
    all.filter(|((r, c), n)| is_small(*n) && !attack.free[*r][*c]).map(|(at, _)| at).collect()
}

/// Totals over sites that need not be hidden themselves.
fn totals_told(truth: &[Vec<u64>], threshold: u64) -> Vec<bool> {
    let rows: Vec<&[u64]> = truth.iter().map(Vec::as_slice).collect();
    let mut sheets = sheets(&table(&rows), threshold);
    sheets[0].grid.protect();
    (0..truth[0].len()).map(|c| sheets[0].grid.overall_of(c).is_some_and(|id| !sheets[0].grid.is_hidden(id))).collect()
}

fn tables() -> impl Strategy<Value = (Vec<Vec<u64>>, u64)> {
    let count = prop_oneof![2 => Just(0u64), 3 => 1..5u64, 3 => 5..9u64];
    ((1..4usize, 2..4usize).prop_flat_map(move |(rows, columns)| prop::collection::vec(prop::collection::vec(count.clone(), columns), rows)), 3..6u64)
        .prop_filter("a row has rows", |(t, _)| t.iter().all(|r| r.iter().sum::<u64>() > 0))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// Whatever agrees with the totals of rows and with those over sites: no small count has only one value.
    #[test]
    fn no_small_count_is_determined((truth, threshold) in tables()) {
        let totals = totals_told(&truth, threshold);
        let found = determined(&truth, threshold, &totals);
        prop_assert!(found.is_empty(), "{found:?} of {truth:?}, totals {totals:?}");
    }

    /// Hiding is no end in itself.
    #[test]
    fn tables_without_small_counts_are_told_whole(truth in prop::collection::vec(prop::collection::vec(prop_oneof![Just(0u64), 5..1000u64], 4), 1..5)) {
        let rows: Vec<&[u64]> = truth.iter().map(Vec::as_slice).collect();
        let before = table(&rows);
        let mut after = before.clone();
        suppress(&mut after, 5);
        prop_assert_eq!(after, before);
    }

    /// One small count in a wide table takes three others with it, and the totals over sites stay.
    #[test]
    fn one_small_count_takes_three(mut truth in prop::collection::vec(prop::collection::vec(6..1000u64, 5), 3..6), small in 1..5u64, row in 0..3usize, column in 0..5usize) {
        truth[row][column] = small;
        let rows: Vec<&[u64]> = truth.iter().map(Vec::as_slice).collect();
        let mut after = table(&rows);
        suppress(&mut after, 5);
        let hidden = told(&after).iter().flatten().flatten().filter(|c| c.is_none()).count();
        prop_assert!(hidden <= 5, "{hidden} of {truth:?}");
        prop_assert!(totals_told(&truth, 5).iter().all(|t| *t));
    }

    /// Histograms of whole numbers beside mean, deviation and median: another histogram has the same ones, as finely as they are told.
    #[test]
    fn moments_determine_no_bin(bins in prop::collection::vec(prop_oneof![1 => Just(0u64), 3 => 1..5u64, 2 => 5..12u64], 2..6)) {
        let n: u64 = bins.iter().sum();
        prop_assume!(n > 0);
        let (mean, sd, median) = moments(&bins);
        let mut summary = empty();
        let cells: Vec<Cell> = bins.iter().map(|n| Some(*n)).collect();
        summary.variables = vec![variable("0", "age", n, Distribution::Number { mean: Some(mean), sd: Some(sd), median: Some(median), low: 3.0, high: 3.0 + bins.len() as f64, bins: cells })];
        suppress(&mut summary, 5);
        let Some(Distribution::Number { mean, sd, median, bins: told, .. }) = &summary.variables[0].distribution else { return Ok(()) };
        let hidden: Vec<usize> = told.iter().enumerate().filter(|(_, c)| c.is_none()).map(|(at, _)| at).collect();
        // The attacker knows how finely is told: 16 times the widest gap of hidden bins, by the rows, rounded up to 1, 2 or 5.
        let gap = hidden.iter().filter_map(|a| hidden.iter().filter(|b| a != *b).map(|b| a.abs_diff(*b)).min()).max().unwrap_or(0);
        let wanted = 16.0 * gap as f64 / n as f64;
        let grain = [-3, -2, -1, 0, 1, 2].iter().flat_map(|p| [1.0, 2.0, 5.0].map(|m| m * 10f64.powi(*p))).find(|g| *g >= wanted * (1.0 - 1e-12)).unwrap_or(0.0);
        let agrees = |told: &Option<f64>, x: f64| told.is_none_or(|t| if hidden.is_empty() { t == x } else { (x - t).abs() <= grain / 2.0 + 1e-9 });
        let mut seen: Vec<Vec<u64>> = bins.iter().map(|_| vec![]).collect();
        histograms(told, n, &mut vec![], &mut |other| {
            let (m, s, d) = moments(other);
            if agrees(mean, m) && agrees(sd, s) && median.is_none_or(|t| t == d) {
                seen.iter_mut().zip(other).filter(|(s, n)| !s.contains(n)).for_each(|(s, n)| s.push(*n));
            }
        });
        for (at, cell) in told.iter().enumerate() {
            prop_assert!(seen[at].contains(&bins[at]), "the attacker misunderstands {:?}", summary.variables[0].distribution);
            prop_assert!(cell.is_some() || seen[at].len() > 1, "bin {at} of {bins:?}: {:?}", summary.variables[0].distribution);
        }
    }

    /// Another number of refused, filtered, flagged, wrong or missing rows, all sums with it, and the same is told.
    #[test]
    fn the_public_summary_is_that_of_other_rows_too(parts in prop::array::uniform4(0..40u64), accepted in 30..200u64, wrong in 0..5u64, missing in 0..6u64, which in 0..5usize) {
        let [quarantined, filtered, deduplicated, flagged] = parts;
        let of = |accepted: u64, quarantined: u64, filtered: u64, flagged: u64, missing: u64| {
            let mut summary = empty();
            summary.accounts = vec![account("0", accepted, quarantined, filtered, deduplicated, flagged.min(accepted))];
            let read = summary.accounts[0].rows_read;
            let results = |site| vec![rule(site, "all", wrong, read), rule(site, "accepted", missing, accepted), rule(site, "quarantine", quarantined, accepted + quarantined), rule(site, "key", deduplicated, accepted + deduplicated)];
            summary.rules = results(None).into_iter().zip(results(Some("0"))).flat_map(|(a, b)| [a, b]).collect();
            let mut v = variable("0", "grade", accepted - missing, codes(&[accepted - missing]));
            v.rows = accepted;
            v.distribution = None;
            summary.variables = vec![v];
            public(&summary, 5)
        };
        // The same rounded count, by one more or one fewer.
        let other = |n: u64| if n.is_multiple_of(5) { n.saturating_sub(1) } else { n + 1 };
        let told = of(accepted, quarantined, filtered, flagged, missing);
        let again = match which {
            0 => of(other(accepted), quarantined, filtered, flagged.min(accepted - 6), missing),
            1 if quarantined > 0 => of(accepted, other(quarantined), filtered, flagged, missing),
            2 if filtered > 0 => of(accepted, quarantined, other(filtered), flagged, missing),
            3 if flagged > 0 => of(accepted, quarantined, filtered, other(flagged), missing),
            4 if missing > 0 => of(accepted, quarantined, filtered, flagged, other(missing)),
            _ => return Ok(()),
        };
        let told = if which == 0 { of(accepted, quarantined, filtered, flagged.min(accepted - 6), missing) } else { told };
        // A rule that happens to be violated by all rows, or by as many as the account has somewhere, is told as such.
        prop_assert_eq!(&told.accounts, &again.accounts);
        prop_assert_eq!(&told.variables, &again.variables);
        prop_assert_eq!(&told.rules, &again.rules);
    }
}

/// Mean, sample deviation and median of whole numbers from 3 on.
fn moments(bins: &[u64]) -> (f64, f64, f64) {
    let all: Vec<f64> = bins.iter().enumerate().flat_map(|(at, n)| std::iter::repeat_n(3.0 + at as f64, *n as usize)).collect();
    let n = all.len() as f64;
    let mean = all.iter().sum::<f64>() / n;
    let sd = if all.len() > 1 { (all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt() } else { 0.0 };
    (mean, sd, (all[(all.len() - 1) / 2] + all[all.len() / 2]) / 2.0)
}

fn histograms(told: &[Cell], left: u64, so_far: &mut Vec<u64>, found: &mut impl FnMut(&[u64])) {
    match told.split_first() {
        None if left == 0 => found(so_far),
        None => {}
        Some((cell, rest)) => {
            for n in cell.map_or(1..=left, |n| n..=n).filter(|n| *n <= left) {
                so_far.push(n);
                histograms(rest, left - n, so_far, found);
                so_far.pop();
            }
        }
    }
}
