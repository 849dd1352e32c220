//! What may be told of patients in numbers: statistical disclosure control over a [`RunSummary`].
//!
//! A count of three is three persons, and whoever knows one of them learns something of the others. So a count below the
//! threshold is not told (the n-threshold rule: *primary* suppression), and no count either that would give it away by
//! subtraction from a total (*secondary*, or complementary, suppression). Zero stays zero: it names nobody, and a report that
//! hides its zeros says little. Both are in Hundepool et al. 2012, *Statistical Disclosure Control* (Wiley, doi
//! 10.1002/9781118348239), ch. 4, and in the *Handbook on Statistical Disclosure Control* that began as ESSNet's (2nd edition 2024),
//! ch. 4.
//!
//! [`suppress`] is for the people of the study, who may see how many rows were refused but no rare value. [`public`] is for
//! everybody: counts are rounded there too, since each of them could be subtracted from another.
//!
//! A reader is taken to know the threshold, all that is told, how many rows of a field are filled, and the totals of codes and
//! years over the sites, told or not. What this does not protect from: a site that knows its own counts and subtracts them; two
//! reports of one cohort before and after a few patients joined; the other places where rows are counted.

mod distributions;
mod grid;
mod public;
mod survival;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use public::public;

use crate::execute::summary::{Distribution, RuleResult, RunSummary, Unmapped, YearResult};

/// Hides the small counts of patients' values in a summary, and what would give them away. Counts of rows that were read,
/// refused or found wrong stay. A second time changes nothing.
pub fn suppress(summary: &mut RunSummary, threshold: u64) {
    let mut sheets = distributions::sheets(summary, threshold);
    let (mut curves, links) = survival::curves(summary, &sheets, threshold);
    let mut grids: Vec<grid::Grid> = sheets.iter().map(|s| s.grid.clone()).chain(curves.iter().map(|c| c.grid.clone())).collect();
    grid::protect_linked(&mut grids, &links);
    let places = sheets.iter_mut().map(|s| &mut s.grid).chain(curves.iter_mut().map(|c| &mut c.grid));
    places.zip(grids).for_each(|(place, grid)| *place = grid);
    sheets.iter().for_each(|s| distributions::write_back(summary, s));
    curves.iter().for_each(|c| survival::write_back(summary, c, threshold));
    hide_years(summary, threshold);
    hide_codes(&mut summary.unmapped, threshold);
    summary.small_cell = summary.small_cell.max(threshold);
}

/// A rule's counts by year tell how many rows a year has: they go where the distribution of a date hides the year, where
/// they are small, and at all sites together, so that no difference is left.
fn hide_years(summary: &mut RunSummary, threshold: u64) {
    let mut hidden: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for v in &summary.variables {
        if let Some(Distribution::Year { first, counts }) = &v.distribution {
            let years = (i64::from(*first)..).zip(counts).filter(|(_, n)| n.is_none()).map(|(year, _)| year);
            hidden.entry(v.table.clone()).or_default().extend(years);
        }
    }
    let same = |a: &RuleResult, b: &RuleResult| a.table == b.table && a.rule == b.rule && a.field == b.field && a.code == b.code;
    let mut left: Vec<Vec<i32>> = summary.rules.iter().map(|r| few(&r.years, hidden.get(&r.table).map_or(&[][..], Vec::as_slice), threshold)).collect();
    let groups: Vec<Vec<i32>> = summary.rules.iter().map(|r| if r.years.is_empty() { vec![] } else {
        summary.rules.iter().zip(&left).filter(|(other, _)| same(r, other)).flat_map(|(_, years)| years.iter().copied()).collect()
    }).collect();
    for ((rule, own), all) in summary.rules.iter_mut().zip(&mut left).zip(groups) {
        own.extend(all);
        rule.years.retain(|y| !own.contains(&y.year));
    }
}

/// The years to leave out: at least two, of at least the threshold together.
fn few(years: &[YearResult], hidden: &[i64], threshold: u64) -> Vec<i32> {
    let mut out: Vec<&YearResult> = years.iter().filter(|y| (0 < y.denominator && y.denominator < threshold) || hidden.contains(&i64::from(y.year))).collect();
    let mut others: Vec<&YearResult> = years.iter().filter(|y| y.denominator > 0 && !out.iter().any(|o| o.year == y.year)).collect();
    others.sort_by_key(|y| (y.denominator, y.year));
    for next in others {
        if out.is_empty() || (out.len() >= 2 && total(out.iter().map(|y| y.denominator)) >= threshold) {
            break;
        }
        out.push(next);
    }
    out.iter().map(|y| y.year).collect()
}

/// Raw codes of fewer rows than the threshold are told as one.
fn hide_codes(unmapped: &mut Vec<Unmapped>, threshold: u64) {
    let same = |a: &Unmapped, b: &Unmapped| a.table == b.table && a.site == b.site && a.field == b.field && a.column == b.column;
    let mut rare: Vec<Unmapped> = vec![];
    let mut kept: Vec<Unmapped> = vec![];
    for mut one in unmapped.drain(..) {
        if one.value.is_some() && one.rows >= threshold {
            kept.push(one);
            continue;
        }
        one.value = None;
        match rare.iter_mut().find(|r| same(r, &one)) {
            Some(sum) => sum.rows = sum.rows.saturating_add(one.rows),
            None => rare.push(one),
        }
    }
    kept.append(&mut rare);
    kept.sort_by(|a, b| (a.value.is_none(), std::cmp::Reverse(a.rows), &a.site, &a.field, &a.value).cmp(&(b.value.is_none(), std::cmp::Reverse(b.rows), &b.site, &b.field, &b.value)));
    *unmapped = kept;
}

/// A sum that ends at the largest number: a damaged report is no reason to stop.
fn total(counts: impl IntoIterator<Item = u64>) -> u64 {
    counts.into_iter().fold(0, u64::saturating_add)
}

/// Up to a multiple of the threshold; zero stays zero.
fn up(n: u64, threshold: u64) -> u64 {
    n.div_ceil(threshold.max(1)).saturating_mul(threshold.max(1))
}
