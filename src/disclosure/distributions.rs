//! The counts of each field's values, site by site, as tables that can be protected; and what a mean tells beside a
//! histogram.
//!
//! Codes and calendar years mean the same at every site, so that their counts add up over the sites. The bins of a number do
//! not: each site has its own edges, and nothing in a summary adds them up.

use std::collections::BTreeMap;

use super::grid::Grid;
use super::total;
use crate::execute::summary::{Cell, Distribution, RunSummary, Variable};

/// Rows that may go from one hidden bin to the next without a change of the mean that is told.
const MOVES: f64 = 16.0;

/// The table of one field, and where its counts come from.
pub struct Sheet {
    pub table: String,
    pub field: String,
    pub grid: Grid,
    /// Rows of the grid: the variable, and its counts in the order of its distribution.
    pub rows: Vec<(usize, Vec<usize>)>,
}

impl Sheet {
    /// The count of a value at a site's variable.
    pub fn count_of(&self, summary: &RunSummary, variable: usize, value: &str) -> Option<usize> {
        let at = summary.variables.get(variable).and_then(|v| match &v.distribution {
            Some(Distribution::Category { counts }) => counts.iter().position(|c| c.value == value),
            _ => None,
        })?;
        self.rows.iter().find(|(v, _)| *v == variable).and_then(|(_, ids)| ids.get(at)).copied()
    }
}

/// What adds up over sites.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Column {
    Value(String),
    Year(i64),
    /// What no value is told of.
    Untold,
}

/// One table a field; numbers have one a site.
pub fn sheets(summary: &RunSummary, threshold: u64) -> Vec<Sheet> {
    let mut fields: Vec<(&str, &str, Vec<usize>)> = vec![];
    for (at, v) in summary.variables.iter().enumerate().filter(|(_, v)| v.distribution.is_some() && v.filled > 0) {
        let apart = matches!(v.distribution, Some(Distribution::Number { .. }));
        match fields.iter_mut().find(|(table, field, _)| !apart && *table == v.table && *field == v.field) {
            Some((.., those)) => those.push(at),
            None => fields.push((&v.table, &v.field, vec![at])),
        }
    }
    let known = |those: &[usize]| those.iter().filter_map(|at| summary.variables.get(*at)).any(|v| is_treated(v, threshold)) && summary.small_cell >= threshold;
    fields.into_iter().filter(|(.., those)| !known(those)).map(|(table, field, those)| sheet(summary, threshold, (table, field), &those)).collect()
}

/// Whether counts were hidden here before, and none is small that is told.
fn is_treated(v: &Variable, threshold: u64) -> bool {
    let cells = v.distribution.as_ref().map(cells).unwrap_or_default();
    cells.iter().any(Option::is_none) && cells.iter().flatten().all(|n| *n == 0 || *n >= threshold)
}

fn cells(d: &Distribution) -> Vec<Cell> {
    match d {
        Distribution::Number { bins, .. } => bins.clone(),
        Distribution::Year { counts, .. } => counts.clone(),
        Distribution::Category { counts } => counts.iter().map(|c| c.rows).collect(),
    }
}

fn sheet(summary: &RunSummary, threshold: u64, (table, field): (&str, &str), those: &[usize]) -> Sheet {
    let mut grid = Grid::new(threshold);
    let mut columns: BTreeMap<Column, usize> = BTreeMap::new();
    let mut rows = vec![];
    for at in those {
        let Some((v, distribution)) = summary.variables.get(*at).and_then(|v| Some((v, v.distribution.as_ref()?))) else { continue };
        let row = grid.row();
        let mut ids = vec![];
        for (value, column) in full(&cells(distribution), v.filled).into_iter().zip(names(distribution)) {
            let next = columns.len();
            let column = column.map(|c| *columns.entry(c).or_insert(next));
            ids.push(grid.add(row, column, value));
        }
        for (id, _) in ids.iter().zip(cells(distribution)).filter(|(_, cell)| cell.is_none()) {
            grid.hide(*id);
        }
        let told = total(full(&cells(distribution), v.filled));
        if v.filled > told {
            let next = columns.len();
            let aligned = !matches!(distribution, Distribution::Number { .. });
            let column = aligned.then(|| *columns.entry(Column::Untold).or_insert(next));
            grid.add_untold(row, column, v.filled - told);
        }
        if v.filled < threshold {
            grid.hide_row(row);
        }
        if let Distribution::Number { sd: Some(sd), low, high, bins, .. } = distribution {
            // So far apart, and the mean can still be told to a twentieth of the deviation.
            let far = sd / 20.0 * v.filled as f64 / (MOVES * (high - low)) * bins.len() as f64;
            keep_company(&mut grid, &ids, far);
        }
        rows.push((*at, ids));
    }
    grid.add_overall();
    Sheet { table: table.to_owned(), field: field.to_owned(), grid, rows }
}

/// Hides the next bin beside one that is hidden far from all others: the further apart they are, the more the mean tells of
/// them, and the more coarsely it would have to be told.
fn keep_company(grid: &mut Grid, bins: &[usize], far: f64) {
    grid.protect();
    let hidden: Vec<usize> = (0..bins.len()).filter(|at| bins.get(*at).is_some_and(|id| grid.is_hidden(*id))).collect();
    for at in &hidden {
        if hidden.iter().any(|b| b != at && b.abs_diff(*at) as f64 <= far.max(2.0)) {
            continue;
        }
        let filled = |b: &usize| bins.get(*b).and_then(|id| grid.counts.get(*id)).is_some_and(|c| c.value > 0);
        let next = (0..bins.len()).filter(|b| b != at && filled(b)).min_by_key(|b| b.abs_diff(*at));
        next.and_then(|b| bins.get(b)).map(|id| grid.hide(*id));
    }
}

/// Counts that were hidden before share what the row's total leaves.
fn full(cells: &[Cell], filled: u64) -> Vec<u64> {
    let hidden = cells.iter().filter(|c| c.is_none()).count() as u64;
    let mut rest = filled.saturating_sub(total(cells.iter().flatten().copied())).saturating_sub(hidden);
    cells.iter().map(|c| c.unwrap_or_else(|| std::mem::take(&mut rest).saturating_add(1))).collect()
}

fn names(d: &Distribution) -> Vec<Option<Column>> {
    match d {
        Distribution::Number { bins, .. } => bins.iter().map(|_| None).collect(),
        Distribution::Year { first, counts } => (i64::from(*first)..).take(counts.len()).map(|y| Some(Column::Year(y))).collect(),
        // The rest of a large codelist is of other codes at each site.
        Distribution::Category { counts } => counts.iter().map(|c| (c.value != "…").then(|| Column::Value(c.value.clone()))).collect(),
    }
}

/// Writes what is hidden into the summary.
pub fn write_back(summary: &mut RunSummary, sheet: &Sheet) {
    for (row, (at, ids)) in sheet.rows.iter().enumerate() {
        let Some(v) = summary.variables.get_mut(*at) else { continue };
        if sheet.grid.is_void(row) {
            v.distribution = None;
            continue;
        }
        let hidden: Vec<bool> = ids.iter().map(|id| sheet.grid.is_hidden(*id)).collect();
        let Some(distribution) = &mut v.distribution else { continue };
        if let Distribution::Number { mean, sd, median, low, high, bins } = distribution {
            let counts = full(bins, v.filled);
            let moments = Moments { low: *low, width: (*high - *low) / bins.len().max(1) as f64, counts: &counts, hidden: &hidden };
            (*mean, *sd, *median) = moments.tell(*mean, *sd, *median);
        }
        let all: Vec<&mut Cell> = match distribution {
            Distribution::Number { bins, .. } => bins.iter_mut().collect(),
            Distribution::Year { counts, .. } => counts.iter_mut().collect(),
            Distribution::Category { counts } => counts.iter_mut().map(|c| &mut c.rows).collect(),
        };
        all.into_iter().zip(&hidden).filter(|(_, hidden)| **hidden).for_each(|(cell, _)| *cell = None);
    }
}

/// A histogram beside its mean: of whole numbers in bins of one, mean and standard deviation are two more equations.
struct Moments<'a> {
    low: f64,
    width: f64,
    counts: &'a [u64],
    hidden: &'a [bool],
}

impl Moments<'_> {
    /// The median where the counts that are told place it; mean and deviation as finely as they leave each hidden count open.
    /// A bin is taken to hold one value, which tells most.
    fn tell(&self, mean: Option<f64>, sd: Option<f64>, median: Option<f64>) -> (Option<f64>, Option<f64>, Option<f64>) {
        if !self.hidden.contains(&true) {
            return (mean, sd, median);
        }
        let median = median.filter(|_| self.places_median());
        match self.grain() {
            Some(grain) if self.leaves_open(grain) => (mean.map(|x| to_grain(x, grain)), sd.map(|x| to_grain(x, grain)), median),
            _ => (None, None, median),
        }
    }

    /// [`MOVES`] times what one row changes that goes from a hidden bin to the next hidden one. It rests on nothing but what is
    /// told: a grain that was fitted to the hidden counts would tell of them.
    fn grain(&self) -> Option<f64> {
        let hidden: Vec<usize> = self.hidden();
        let nearest = |at: &usize| hidden.iter().filter(|b| *b != at).map(|b| b.abs_diff(*at)).min();
        let far = hidden.iter().filter_map(nearest).max()?;
        let grain = round_up(MOVES * far as f64 * self.width / self.rows() as f64);
        Some(grain).filter(|g| g.is_finite() && *g > 0.0)
    }

    fn hidden(&self) -> Vec<usize> {
        self.hidden.iter().enumerate().filter(|(_, h)| **h).map(|(at, _)| at).collect()
    }

    fn rows(&self) -> u64 {
        total(self.counts.iter().copied())
    }

    /// Whether the median is in the same bin however the hidden rows are shared out.
    fn places_median(&self) -> bool {
        let hidden = self.hidden();
        let sum = total(hidden.iter().filter_map(|at| self.counts.get(*at)).copied());
        let rest = sum.saturating_sub(hidden.len() as u64);
        let with = |most: Option<&usize>| -> Vec<u64> {
            let one = |(at, n): (usize, &u64)| if !hidden.contains(&at) { *n } else { 1u64.saturating_add(if most == Some(&at) { rest } else { 0 }) };
            self.counts.iter().enumerate().map(one).collect()
        };
        let n = self.rows();
        let place = |counts: Vec<u64>, rank: u64| {
            let mut seen = 0u64;
            counts.iter().position(|n| {
                seen = seen.saturating_add(*n);
                seen > rank
            })
        };
        [n.saturating_sub(1) / 2, n / 2].into_iter().all(|rank| place(with(hidden.first()), rank) == place(with(hidden.last()), rank))
    }

    /// Whether one row of each hidden bin could be in another one, with the same mean and deviation.
    fn leaves_open(&self, grain: f64) -> bool {
        let hidden = self.hidden();
        let told = self.in_grains(self.counts, grain);
        let other = |from: usize, to: usize| {
            let mut moved = self.counts.to_vec();
            let taken = moved.get_mut(from).filter(|n| **n > 1).map(|n| *n -= 1).is_some();
            taken && from != to && moved.get_mut(to).map(|n| *n = n.saturating_add(1)).is_some() && self.in_grains(&moved, grain) == told
        };
        hidden.iter().all(|at| hidden.iter().any(|b| other(*at, *b) || other(*b, *at)))
    }

    /// Mean and deviation as they are told.
    fn in_grains(&self, counts: &[u64], grain: f64) -> [f64; 2] {
        let n = total(counts.iter().copied()) as f64;
        let of = |f: &dyn Fn(f64) -> f64| counts.iter().enumerate().map(|(at, n)| f(self.low + self.width * at as f64) * *n as f64).sum::<f64>();
        let mean = of(&|x| x) / n;
        let sd = (of(&|x| (x - mean).powi(2)) / (n - 1.0).max(1.0)).sqrt();
        [(mean / grain).round(), (sd / grain).round()]
    }
}

/// 1, 2 or 5 times a power of ten, of at least `x`.
pub fn round_up(x: f64) -> f64 {
    let power = 10f64.powf(x.log10().floor());
    [1.0, 2.0, 5.0, 10.0, 20.0].map(|m| m * power).into_iter().find(|g| *g >= x * (1.0 - 1e-12)).unwrap_or(x)
}

/// Rounded to a multiple of `grain`, without digits that only the division made.
pub fn to_grain(x: f64, grain: f64) -> f64 {
    let rounded = (x / grain).round();
    let digits = (-grain.log10().floor()).max(0.0);
    let scale = 10f64.powf(digits);
    if digits > 15.0 || !scale.is_finite() { rounded * grain } else { (rounded * grain * scale).round() / scale }
}
