//! Values of one column that are in another unit than the rest: centimetres among millimetres, a decimal point that got lost.
//!
//! On a logarithmic scale another unit is a copy of the distribution, moved by the logarithm of the factor. So values are counted
//! in bins of equal width there ([`LogHistogram`]; counts of partitions add up), and [`second_mode`] asks for each factor whether
//! such a copy lies at its distance. Ordinary columns have tails, second peaks and rounded values too, and whoever is told of a wrong
//! unit asks a hospital about it. What is told therefore passes all of:
//!
//! 1. *Apart*: the distance is at least [`APART`] spreads of the main cluster. Nearer copies cannot be told from a wide distribution.
//! 2. *Beyond chance*: more values lie there than the tail of the main cluster would bring ([`CHANCE`], exact binomial). The tail is
//!    that of a normal distribution of some power of the values, which lognormal, normal, gamma and exponential ones nearly are (Box
//!    & Cox 1964), and as heavy as its own last quantiles.
//! 3. *A peak, not a tail*: the values there are likelier under a copy than under any falling tail, and the place where a valley
//!    should be does not hold more than it would. Where the main cluster has heavy tails itself, the valley must be seen beyond doubt. (The idea is that of the dip test, Hartigan & Hartigan 1985, Ann Stat 13:70, but at a known
//!    place, which needs fewer values.)
//! 4. *A copy*: its median lies where the factor puts it, as exactly as is needed to tell it from no factor; it is about as wide as
//!    the main cluster, and on as many different values.

use super::probability::{binomial_at_least, normal_above};

/// Bins of a decade; a power of ten is a whole number of bins.
const DECADE: usize = 40;
/// Exponents of the lowest and of the highest value that have a bin.
const LOWEST: i32 = -6;
const HIGHEST: i32 = 6;
const BINS: usize = (HIGHEST - LOWEST) as usize * DECADE;
/// Width of a bin in natural logarithms.
const WIDTH: f64 = std::f64::consts::LN_10 / DECADE as f64;

/// Spreads between a cluster and its copy.
pub const APART: f64 = 3.75;
/// The chance that what the tail would bring must stay below.
pub const CHANCE: f64 = 3e-4;
/// A peak or a valley is believed unless the counts are as unlikely as this.
const DOUBT: f64 = 0.01;
/// The logarithm of the likelihood of a copy over that of a tail, at least. Below 0 it is the tail that is likelier, but ten values
/// cannot tell, and a hundred leave no doubt.
const LIKELIHOOD: f64 = 0.0;
/// Values that are looked at, that a copy has, and its share at least.
const FEWEST: u64 = 200;
const FEWEST_OF_COPY: u64 = 6;
const SMALLEST_SHARE: f64 = 0.002;
/// Bins that the main cluster fills at least: codes and grades are no measurements.
const FILLED: usize = 8;

/// Factors between units that are mistaken for each other, and what they are.
pub const FACTORS: &[(f64, &str)] = &[
    (10.0, "one decimal place, or cm and mm"),
    (100.0, "two decimal places, or m and cm, or a share and per cent"),
    (1000.0, "three decimal places, or a neighbouring prefix: g and kg, mg and µg"),
    (2.54, "in and cm"),
    (25.4, "in and mm"),
    (2.204_622_6, "lb and kg"),
    (12.0, "months and years"),
    (30.4375, "days and months"),
    (365.25, "days and years"),
    (18.016, "glucose: mg/dL and mmol/L"),
    (38.67, "cholesterol: mg/dL and mmol/L"),
    (88.42, "creatinine: µmol/L and mg/dL"),
];

/// Counts of positive values on a logarithmic scale, from 1e-6 to 1e6 in 480 bins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogHistogram {
    counts: Vec<u64>,
    /// Values that have no bin: too small, too large, and those that are no positive numbers.
    pub below: u64,
    pub above: u64,
    pub without: u64,
}

impl Default for LogHistogram {
    fn default() -> Self {
        LogHistogram { counts: vec![0; BINS], below: 0, above: 0, without: 0 }
    }
}

impl FromIterator<f64> for LogHistogram {
    fn from_iter<T: IntoIterator<Item = f64>>(values: T) -> Self {
        let mut histogram = LogHistogram::default();
        values.into_iter().for_each(|value| histogram.add(value));
        histogram
    }
}

impl LogHistogram {
    /// Counts a value. Zeros, negative values and what is no number have no logarithm, and are only counted as such.
    pub fn add(&mut self, value: f64) {
        self.add_many(value, 1);
    }

    /// Counts a value that stands in so many rows.
    pub fn add_many(&mut self, value: f64, rows: u64) {
        if value.is_nan() || value <= 0.0 {
            self.without = self.without.saturating_add(rows);
            return;
        }
        // A little more than exact, so that a value at the edge of a bin and its tenfold fall alike.
        let at = ((value.log10() - f64::from(LOWEST)) * DECADE as f64 + 1e-7).floor();
        let count = if at < 0.0 { &mut self.below } else { self.counts.get_mut(at as usize).unwrap_or(&mut self.above) };
        *count = count.saturating_add(rows);
    }

    /// Adds the counts of another part.
    pub fn merge(&mut self, other: &LogHistogram) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine = mine.saturating_add(*theirs);
        }
        self.below = self.below.saturating_add(other.below);
        self.above = self.above.saturating_add(other.above);
        self.without = self.without.saturating_add(other.without);
    }

    /// Counts of the bins; bin `k` begins at 10^(k / 40 − 6).
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// From counts such as [`counts`](Self::counts) gives; `None` if they are not 480.
    pub fn from_counts(counts: &[u64]) -> Option<LogHistogram> {
        (counts.len() == BINS).then(|| LogHistogram { counts: counts.to_vec(), ..LogHistogram::default() })
    }
}

/// A cluster of values that looks like the rest in another unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SecondMode {
    /// Which of the factors; above 1.
    pub factor: f64,
    /// The medians' ratio as it is, to tell the factor from its neighbours; above 1.
    pub ratio: f64,
    /// Whether these values are larger than the others by it, or smaller.
    pub larger: bool,
    /// How many there are, and their share of all that have a bin.
    pub values: u64,
    pub share: f64,
    /// The value between the two clusters.
    pub cut: f64,
    /// The chance that the tail of a main cluster reaches so far.
    pub p: f64,
}

/// Looks for a copy of the main cluster at the distance of each factor. Few values fit neighbours such as 10 and 12 alike: the first in
/// the list is given, so put the likelier ones first.
pub fn second_mode(histogram: &LogHistogram, factors: &[f64]) -> Option<SecondMode> {
    let line = Line::new(&histogram.counts);
    if line.all() < FEWEST {
        return None;
    }
    // The median is in the main cluster unless both are about equal; then the fullest place is.
    let starts = [line.quantile(0.0, BINS as f64, 0.5)?, line.fullest()];
    let mut found: Vec<SecondMode> = vec![];
    for factor in factors.iter().copied().filter(|f| f.is_finite() && *f > 0.0).map(|f| if f < 1.0 { 1.0 / f } else { f }) {
        for (start, larger) in starts.iter().flat_map(|s| [(*s, true), (*s, false)]) {
            found.extend(Side { line: &line, larger }.copy(start, factor));
        }
    }
    // A factor that fits but a part of the values is none of theirs.
    let most = found.iter().map(|mode| mode.values).max()?;
    found.into_iter().find(|mode| mode.values.saturating_mul(5) >= most.saturating_mul(4))
}

/// Counts along the scale, summed up. Places are in bins from the left.
struct Line {
    /// Values left of each bin, and all.
    sums: Vec<u64>,
}

impl Line {
    fn new(counts: &[u64]) -> Line {
        let mut sum = 0_u64;
        let rest = counts.iter().map(|n| { sum = sum.saturating_add(*n); sum });
        Line { sums: std::iter::once(0).chain(rest).collect() }
    }

    fn all(&self) -> u64 {
        self.sums.last().copied().unwrap_or(0)
    }

    /// Values left of a place; those of its bin as if they were evenly spread.
    fn left(&self, place: f64) -> f64 {
        let place = place.clamp(0.0, BINS as f64);
        let bin = (place.floor() as usize).min(BINS - 1);
        let (before, after) = (self.sums[bin] as f64, self.sums[bin + 1] as f64);
        before + (after - before) * (place - bin as f64)
    }

    fn between(&self, low: f64, high: f64) -> f64 {
        (self.left(high) - self.left(low)).max(0.0)
    }

    /// The place below which a share of the values between two places lies.
    fn quantile(&self, low: f64, high: f64, share: f64) -> Option<f64> {
        let count = self.between(low, high);
        if count < 1.0 {
            return None;
        }
        let wanted = self.left(low) + share * count;
        let bin = self.sums.partition_point(|sum| (*sum as f64) < wanted).checked_sub(1)?.min(BINS - 1);
        let (before, after) = (self.sums[bin] as f64, self.sums[bin + 1] as f64);
        Some(bin as f64 + if after > before { ((wanted - before) / (after - before)).clamp(0.0, 1.0) } else { 0.5 })
    }

    /// The middle of the fullest fifth of a decade.
    fn fullest(&self) -> f64 {
        const WIDE: usize = DECADE / 5;
        let most = (0..=BINS - WIDE).rev().max_by_key(|at| self.sums[at + WIDE] - self.sums[*at]).unwrap_or(0);
        (most + WIDE / 2) as f64
    }

    fn filled(&self, low: f64, high: f64) -> usize {
        let (low, high) = (low.max(0.0).floor() as usize, (high.max(0.0).ceil() as usize).min(BINS));
        (low..high).filter(|bin| self.sums[bin + 1] > self.sums[*bin]).count()
    }
}

/// The scale as seen from the main cluster towards where a copy is looked for. Distances are in bins, positive towards it.
struct Side<'a> {
    line: &'a Line,
    larger: bool,
}

impl Side<'_> {
    fn place(&self, from: f64, distance: f64) -> f64 {
        if self.larger { from + distance } else { from - distance }
    }

    /// Values between two distances, the nearer first.
    fn count(&self, from: f64, near: f64, far: f64) -> f64 {
        let (a, b) = (self.place(from, near), self.place(from, far));
        self.line.between(a.min(b), a.max(b))
    }

    /// Values of the main cluster. Where a valley half way is seen beyond doubt, all before it; else all but twice those beyond the
    /// copy's place, half of which a copy has there: without a copy this keeps nearly all of the tail.
    fn main(&self, middle: f64, distance: f64) -> f64 {
        let window = distance / 16.0;
        let count = |at: f64| self.count(middle, at - window, at + window).round() as u64;
        let (valley, peak) = (count(distance / 2.0), count(distance));
        let beyond = if binomial_at_least(peak, valley.saturating_add(peak), 0.5) < 0.1 * DOUBT {
            self.count(middle, distance / 2.0, f64::INFINITY)
        } else {
            2.0 * self.count(middle, distance, f64::INFINITY)
        };
        self.line.all() as f64 - beyond
    }

    /// The place within which a share of the main cluster's values lies, counted from the end away from the copy.
    fn ranked(&self, values: f64, share: f64) -> Option<f64> {
        let rank = share * values / self.line.all() as f64;
        self.line.quantile(0.0, BINS as f64, if self.larger { rank } else { 1.0 - rank })
    }

    /// A copy at the distance of `factor`.
    fn copy(&self, start: f64, factor: f64) -> Option<SecondMode> {
        let all = self.line.all();
        let distance = factor.ln() / WIDTH;
        let mut middle = start;
        for _ in 0..8 {
            middle = self.ranked(self.main(middle, distance), 0.5)?;
        }
        let main = Main::new(self, middle, distance)?;
        // An error of the spread is granted.
        let apart = APART * main.spread * (1.0 + 1.17 / main.values.sqrt());
        if distance < apart || main.filled < FILLED || 2.0 * main.values < all as f64 {
            return None;
        }
        let out = distance - 0.5 * main.spread;
        let beyond = self.count(middle, out, f64::INFINITY).round() as u64;
        let p = binomial_at_least(beyond, all, main.tail(out));
        let found = Cluster::new(self, &main, distance, all)?;
        (p < CHANCE && found.is_peak(self, &main) && found.is_copy(self, &main)).then(|| {
            let cut = 10_f64.powf(self.place(middle, found.cut) / DECADE as f64 + f64::from(LOWEST));
            let ratio = ((distance + found.off) * WIDTH).exp();
            SecondMode { factor, ratio, larger: self.larger, values: found.values.round() as u64, share: found.values / all as f64, cut, p }
        })
    }
}

/// The main cluster. Distances are in bins.
struct Main {
    middle: f64,
    values: f64,
    /// The standard deviation of a normal distribution with these quartiles; no finer than the bins.
    spread: f64,
    filled: usize,
    /// Box and Cox's power under which it is about normal, of distances in bins towards the copy, and its standard deviation then.
    power: f64,
    deviation: f64,
    /// Whether its last values lie further out than those of a normal distribution, whatever the power.
    heavy: bool,
}

impl Main {
    fn new(side: &Side, middle: f64, distance: f64) -> Option<Main> {
        let values = side.main(middle, distance);
        if values < 1.0 {
            return None;
        }
        // The distance towards the copy within which a share of the values lies.
        let within = |share: f64| {
            let place = side.ranked(values, share)?;
            Some(if side.larger { place - middle } else { middle - place })
        };
        // Ranks that a copy's values cannot have much to do with: their number is known to a few roots of itself.
        let surely = |share: f64| values * (1.0 - share) >= 8.0 + 4.0 * side.count(middle, distance, f64::INFINITY).sqrt();
        let spread = ((within(0.75)? - within(0.25)?) / 1.349).max(1.0);
        let (towards, away) = (within(0.95)?.max(1.0), (-within(0.05)?).max(1.0));
        // Its error is that of two quantiles; half of it is granted to the tail.
        let power = power(towards, away) - 1.1 / (spread * values.max(1.0).sqrt());
        let mut deviation = transformed(spread, power);
        for (share, normal) in [(0.75, 0.6745), (0.9, 1.2816), (0.95, 1.6449), (0.98, 2.0537), (0.99, 2.3263), (0.995, 2.5758), (0.998, 2.8782)] {
            if surely(share) {
                deviation = deviation.max(transformed(within(share)?, power) / normal);
            }
        }
        // The outer ranges of a normal distribution are 2.439 and 3.045 times that of its quartiles.
        let (rank, most) = if surely(0.98) { (0.98, 1.2 * 3.045) } else { (0.95, 1.12 * 2.439) };
        let heavy = within(rank)? - within(1.0 - rank)? > most * (within(0.75)? - within(0.25)?).max(1.349);
        let (a, b) = (side.place(middle, distance / 2.0), if side.larger { 0.0 } else { BINS as f64 });
        let filled = side.line.filled(a.min(b), a.max(b));
        Some(Main { heavy, middle, values, spread, filled, power, deviation })
    }

    /// The share that its tail brings beyond a distance.
    fn tail(&self, distance: f64) -> f64 {
        normal_above(transformed(distance, self.power) / self.deviation)
    }

    /// The share between two distances, as if lognormal.
    fn share(&self, near: f64, far: f64) -> f64 {
        normal_above(near / self.spread) - normal_above(far / self.spread)
    }
}

/// Box and Cox's transformation of a distance on the logarithmic scale (1964, J R Stat Soc B 26:211).
fn transformed(distance: f64, power: f64) -> f64 {
    if power.abs() < 1e-9 { distance } else { (power * distance).exp_m1() / power }
}

/// The power that makes two quantiles of opposite ranks equally far from the median.
fn power(towards: f64, away: f64) -> f64 {
    let (mut low, mut high) = (-3.0 * WIDTH, 3.0 * WIDTH);
    for _ in 0..50 {
        let power = (low + high) / 2.0;
        if transformed(towards, power) + transformed(-away, power) > 0.0 { high = power } else { low = power }
    }
    (low + high) / 2.0
}

/// What lies where the copy should be.
struct Cluster {
    /// The copy's place.
    distance: f64,
    /// Where a value is as likely of the main cluster as of the copy, and the values beyond.
    cut: f64,
    values: f64,
    /// How far the median is from its place.
    off: f64,
}

impl Cluster {
    fn new(side: &Side, main: &Main, distance: f64, all: u64) -> Option<Cluster> {
        let (middle, spread) = (main.middle, main.spread);
        let far = side.count(middle, distance, distance + 1.5 * spread);
        let cut = distance / 2.0 + spread * spread / distance * (main.values / (2.0 * far).max(1.0)).max(1.0).ln();
        let cut = cut.min(distance - 0.5 * spread);
        let values = side.count(middle, cut, f64::INFINITY);
        let (low, high) = (side.place(middle, cut), side.place(middle, distance + 3.0 * spread));
        let median = side.line.quantile(low.min(high), low.max(high), 0.5)?;
        let off = if side.larger { median - middle } else { middle - median } - distance;
        let enough = values.round() as u64 >= FEWEST_OF_COPY && values / all as f64 >= SMALLEST_SHARE && values <= 0.5 * all as f64;
        enough.then_some(Cluster { distance, cut, values, off })
    }

    /// Whether the values lie as a copy's would rather than as a tail's, and fewer in the valley as far as their number can tell.
    fn is_peak(&self, side: &Side, main: &Main) -> bool {
        let spread = main.spread;
        let copy = |near: f64, far: f64| self.values * (normal_above((near - self.distance) / spread) - normal_above((far - self.distance) / spread));
        // Bin by bin around its place: the likelihood of a copy over that of a tail. Densities that are positive at 0 fall to the left
        // by 1 on this scale, those with a mean to the right by more than 1.
        let from = (self.distance - 2.5 * spread).max(2.5 * spread);
        let steps = (self.distance + 2.5 * spread - from).ceil().max(1.0) as u32;
        let bins: Vec<(f64, f64, f64)> = (0..steps)
            .map(|k| from + f64::from(k))
            .map(|at| (at - from, side.count(main.middle, at, at + 1.0), main.values * main.share(at, at + 1.0) + copy(at, at + 1.0)))
            .collect();
        let copied: f64 = bins.iter().map(|(.., expected)| expected).sum();
        let likelihood = |slope: f64| {
            let all: f64 = bins.iter().map(|(at, ..)| (-slope * WIDTH * at).exp()).sum();
            bins.iter().map(|(at, count, expected)| count * ((expected / copied).max(1e-9).ln() + slope * WIDTH * at + all.ln())).sum::<f64>()
        };
        if [1.0, 1.5, 2.0, 3.0, 4.0, 6.0].into_iter().map(likelihood).fold(f64::INFINITY, f64::min) < LIKELIHOOD {
            return false;
        }
        // The emptiest place between two normal distributions of this share.
        let window = spread / 4.0;
        let density = |at: f64| main.values * main.share(at - window, at + window) + copy(at - window, at + window);
        let places = (0..=32).map(|k| self.distance * (0.25 + 0.75 * f64::from(k) / 32.0));
        let Some(lowest) = places.min_by(|a, b| density(*a).total_cmp(&density(*b))) else { return false };
        let expected = 1.3 * density(lowest) / density(self.distance);
        let count = |at: f64| side.count(main.middle, at - window, at + window).round() as u64;
        let (valley, peak) = (count(lowest), count(self.distance));
        let is_seen = binomial_at_least(peak, valley.saturating_add(peak), 0.5) < DOUBT;
        binomial_at_least(valley, valley.saturating_add(peak), expected / (1.0 + expected)) >= DOUBT && (is_seen || !main.heavy)
    }

    /// Whether it is at its place, as wide as the main cluster and as little broken up.
    fn is_copy(&self, side: &Side, main: &Main) -> bool {
        let spread = main.spread;
        let (from, to) = (side.place(main.middle, self.cut), side.place(main.middle, self.distance + 2.0 * spread));
        let (low, high) = (from.min(to), from.max(to));
        let within = side.line.between(low, high);
        // What the place must be known to: a copy at 2 is none at 2.2.
        let natural = self.distance * WIDTH;
        let error = 1.253 * spread * (1.0 / self.values + 1.0 / main.values).sqrt();
        let leeway = 2.0 * error + 0.25;
        let most = if natural < 1.5 { leeway } else { leeway + error };
        let known = leeway * WIDTH <= 0.12 * natural * natural;
        let (Some(a), Some(b)) = (side.line.quantile(low, high, 0.25), side.line.quantile(low, high, 0.75)) else { return false };
        let wide = (b - a) / 1.349 / spread;
        let loose = 2.5 * 1.17 / self.values.sqrt();
        let ends = [side.place(main.middle, -2.0 * spread), side.place(main.middle, 2.0 * spread)];
        let filled = side.line.filled(ends[0].min(ends[1]), ends[0].max(ends[1])) as f64;
        let broken = (side.line.filled(low, high) as f64) < (0.4 * filled).min(0.4 * self.values);
        known && self.off.abs() <= most && within >= 0.8 * self.values && wide > 0.6 - loose && wide < 1.3 + loose && !broken
    }
}

#[cfg(test)]
#[path = "scale_tests.rs"]
mod tests;
