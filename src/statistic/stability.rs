//! Whether a delivery is distributed as the last one was.
//!
//! The population stability index compares two histograms over the same bins: Σ (a − e) ln(a / e) of their shares, the symmetric
//! form of Kullback and Leibler's divergence (Jeffreys). Its usual bounds, below 0.1 no change, above 0.25 a large one, are a rule
//! of thumb of credit scoring (Lewis 1994, An Introduction to Credit Scoring; Siddiqi 2006, Credit Risk Scorecards). They take no
//! notice of size: two samples of 50 from one population have an index of 0.36 on average over ten bins. Under no drift the index
//! is about (1/n + 1/m) χ² with B − 1 degrees of freedom (Yurdakul & Naranjo 2020, "Statistical properties of the population
//! stability index", J Risk Model Validation 14(4)), so its mean is (B − 1)(1/n + 1/m). That is taken off before the bound is
//! asked, and the chance of so large an index must be small.

use super::probability::{chi_square_above, kolmogorov_above};

/// Below this index nothing has changed, by the rule of thumb.
pub const SMALL: f64 = 0.1;
/// From this index on much has.
pub const LARGE: f64 = 0.25;
/// The chance under no drift that an alarm must stay below.
pub const CHANCE: f64 = 1e-4;

/// How two histograms differ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drift {
    /// The index as it is.
    pub psi: f64,
    /// What it would be on average without any drift.
    pub floor: f64,
    /// The index less that; never below 0.
    pub psi_adjusted: f64,
    /// The chance of such an index without drift.
    pub p: f64,
    /// Bins that hold anything in either histogram.
    pub bins: usize,
    /// The largest difference of the cumulated shares.
    pub distance: f64,
    /// The chance of such a distance without drift; an upper bound, for bins hide a part of it.
    pub distance_p: f64,
}

/// Compares counts over the same bins, in their order. `None` where the bins differ in number or a histogram is empty.
pub fn drift(expected: &[u64], actual: &[u64]) -> Option<Drift> {
    let psi = population_stability_index(expected, actual)?;
    let (n, m) = (sum(expected), sum(actual));
    let bins = used(expected, actual).count();
    let floor = noise_floor(bins, n, m);
    let distance = largest_difference(expected, actual)?;
    let distance_p = kolmogorov_above(distance / (1.0 / n as f64 + 1.0 / m as f64).sqrt());
    Some(Drift { psi, floor, psi_adjusted: (psi - floor).max(0.0), p: psi_p_value(psi, bins, n, m), bins, distance, distance_p })
}

/// The index of counts over the same bins. Half a case is added to each bin of either histogram (Jeffreys' prior), so that an empty bin
/// has a logarithm; bins that are empty in both count for nothing. `None` where the bins differ in number or a histogram is empty.
pub fn population_stability_index(expected: &[u64], actual: &[u64]) -> Option<f64> {
    let (n, m) = (sum(expected), sum(actual));
    if expected.len() != actual.len() || n == 0 || m == 0 {
        return None;
    }
    let half = used(expected, actual).count() as f64 / 2.0;
    let share = |count: u64, all: u64| (count as f64 + 0.5) / (all as f64 + half);
    let terms = used(expected, actual).map(|(e, a)| (share(e, n), share(a, m))).map(|(e, a)| (a - e) * (a / e).ln());
    Some(terms.sum())
}

/// The mean of the index where `n` and `m` values of one population lie in `bins` bins.
pub fn noise_floor(bins: usize, n: u64, m: u64) -> f64 {
    bins.saturating_sub(1) as f64 * spread(n, m)
}

/// The chance that the index is `psi` or more without drift.
pub fn psi_p_value(psi: f64, bins: usize, n: u64, m: u64) -> f64 {
    if bins < 2 { 1.0 } else { chi_square_above(psi / spread(n, m), bins as f64 - 1.0) }
}

/// Whether an index is an alarm: above `limit` (such as [`SMALL`]) even without what chance adds, and with a chance below [`CHANCE`].
pub fn is_drift(psi: f64, bins: usize, n: u64, m: u64, limit: f64) -> bool {
    psi - noise_floor(bins, n, m) >= limit && psi_p_value(psi, bins, n, m) < CHANCE
}

/// The largest difference between the cumulated shares at the bins' ends: Kolmogorov and Smirnov's statistic as far as bins show it.
pub fn largest_difference(expected: &[u64], actual: &[u64]) -> Option<f64> {
    let (n, m) = (sum(expected), sum(actual));
    if expected.len() != actual.len() || n == 0 || m == 0 {
        return None;
    }
    let (mut e, mut a, mut largest) = (0.0, 0.0, 0.0_f64);
    for (more_e, more_a) in expected.iter().zip(actual) {
        e += *more_e as f64;
        a += *more_a as f64;
        largest = largest.max((e / n as f64 - a / m as f64).abs());
    }
    Some(largest)
}

fn sum(counts: &[u64]) -> u64 {
    counts.iter().fold(0, |all, n| all.saturating_add(*n))
}

fn used<'a>(expected: &'a [u64], actual: &'a [u64]) -> impl Iterator<Item = (u64, u64)> + 'a {
    expected.iter().zip(actual).map(|(e, a)| (*e, *a)).filter(|(e, a)| *e > 0 || *a > 0)
}

fn spread(n: u64, m: u64) -> f64 {
    1.0 / n.max(1) as f64 + 1.0 / m.max(1) as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, proptest};

    use super::super::random::Random;
    use super::{SMALL, drift, is_drift, noise_floor, population_stability_index, psi_p_value};

    /// Ten bins with equal shares, or with shares that fall by a factor of 1.8 from bin to bin (the last has 0.2 %).
    fn cumulated(skewed: bool) -> [f64; 10] {
        let mut sum = 0.0;
        let shares: [f64; 10] = std::array::from_fn(|k| if skewed { 1.8_f64.powi(-(k as i32)) } else { 1.0 });
        let all: f64 = shares.iter().sum();
        shares.map(|s| { sum += s / all; sum })
    }

    fn sample(random: &mut Random, n: u64, to: &[f64; 10]) -> [u64; 10] {
        let mut counts = [0; 10];
        for _ in 0..n {
            let u = random.uniform();
            counts[to.iter().position(|end| u < *end).unwrap_or(9)] += 1;
        }
        counts
    }

    /// `n` values of N(mean, sd) in the tenths of N(50, 15).
    fn normals(random: &mut Random, n: u64, mean: f64, sd: f64) -> [u64; 10] {
        const Z: [f64; 9] = [-1.2816, -0.8416, -0.5244, -0.2533, 0.0, 0.2533, 0.5244, 0.8416, 1.2816];
        let mut counts = [0; 10];
        for _ in 0..n {
            let x = (mean + sd * random.normal() - 50.0) / 15.0;
            counts[Z.iter().filter(|z| **z <= x).count()] += 1;
        }
        counts
    }

    fn alarm(expected: &[u64], actual: &[u64]) -> bool {
        let d = drift(expected, actual).expect("not empty");
        is_drift(d.psi, d.bins, expected.iter().sum(), actual.iter().sum(), SMALL)
    }

    #[test]
    fn no_alarm_without_drift() {
        let mut random = Random(1);
        let (mut alarms, mut tries, mut plain) = (0, 0, 0);
        for skewed in [false, true] {
            let to = cumulated(skewed);
            for (n, m, times) in [(50, 50, 6000), (50, 100, 4000), (100, 100, 4000), (50, 5_000, 600), (500, 500, 1000), (1_000, 200, 800), (10_000, 10_000, 60), (100_000, 100_000, 6), (100_000, 50, 40)] {
                let (mut here, mut psi, mut floor) = (0, 0.0, 0.0);
                for _ in 0..times {
                    let (e, a) = (sample(&mut random, n, &to), sample(&mut random, m, &to));
                    let d = drift(&e, &a).expect("not empty");
                    here += u32::from(alarm(&e, &a));
                    plain += u32::from(d.psi >= SMALL);
                    psi += d.psi / f64::from(times);
                    floor += d.floor / f64::from(times);
                }
                println!("skewed {skewed}, n {n}, m {m}: mean psi {psi:.4}, floor {floor:.4}, alarms {here} of {times}");
                // Smoothing takes a part off where bins hold few.
                assert!(times < 500 || psi < floor * 1.25, "the floor does not hold: {psi} above {floor}");
                (alarms, tries) = (alarms + here, tries + times);
            }
        }
        println!("{alarms} alarms in {tries} comparisons without drift; the plain bound of {SMALL} gives {plain}");
        assert!(f64::from(alarms) < f64::from(tries) / 1000.0);
    }

    #[test]
    fn a_mean_that_moves_by_a_fifth_is_found() {
        let mut random = Random(2);
        for (n, least) in [(200, 160), (500, 200), (5_000, 200)] {
            let found = (0..200).filter(|_| alarm(&normals(&mut random, n, 50.0, 15.0), &normals(&mut random, n, 60.0, 15.0))).count();
            println!("mean 50 to 60, sd 15, n = m = {n}: {found} of 200 found");
            assert!(found >= least, "{found}");
        }
        // A shift of 6 % (0.2 sd, an index of 0.04) is nothing to write a letter about, though beyond chance.
        let (before, after) = (normals(&mut random, 20_000, 50.0, 15.0), normals(&mut random, 20_000, 53.0, 15.0));
        let small = drift(&before, &after).expect("counts");
        assert!(small.p < 1e-20 && !alarm(&before, &after), "{small:?}");
    }

    /// The worked figures are Σ (a − e) ln(a / e) in numpy 2.4.6, and scipy 1.17.1's `chi2.sf`.
    #[test]
    fn worked_by_hand() {
        // Large counts: half a case is nothing. Shares 0.2 0.3 0.5 against 0.25 0.25 0.5.
        let psi = population_stability_index(&[2_000_000, 3_000_000, 5_000_000], &[2_500_000, 2_500_000, 5_000_000]).expect("counts");
        assert!((psi - 0.020_273_255).abs() < 1e-7, "{psi}");
        assert!((noise_floor(10, 50, 50) - 0.36).abs() < 1e-12);
        assert!((psi_p_value(16.9 * 0.04, 10, 50, 50) - 0.0503051901243108).abs() < 1e-12);
        assert_eq!(population_stability_index(&[1, 2], &[1]), None);
        assert_eq!(drift(&[0, 0], &[1, 2]), None);
        assert_eq!(drift(&[], &[]), None);
        let one = drift(&[7, 0], &[9, 0]).expect("counts");
        assert_eq!((one.psi, one.bins, one.p, one.distance), (0.0, 1, 1.0, 0.0));
        let apart = drift(&[100, 0], &[0, 100]).expect("counts");
        assert!(apart.distance == 1.0 && apart.distance_p < 1e-20 && apart.p < 1e-20 && apart.psi.is_finite());
        let full = drift(&[u64::MAX, u64::MAX], &[1, 2]).expect("counts");
        assert!(full.psi.is_finite());
    }

    proptest! {
        #[test]
        fn the_index_is_symmetric_and_never_negative(a in proptest::collection::vec(0_u64..50, 6), b in proptest::collection::vec(0_u64..5000, 6)) {
            if let (Some(one), Some(other)) = (population_stability_index(&a, &b), population_stability_index(&b, &a)) {
                prop_assert!((one - other).abs() < 1e-9 && one >= 0.0);
            }
        }
    }
}
