//! Values that pile up where nature has no reason to: the first of January, ages in fives, one code for all.
//!
//! A place is heaped when its share is several times what is expected there, large enough to matter, and beyond chance by the exact
//! binomial tail. Digit preference is looked for as Whipple's index does for ages (Shryock & Siegel 1976, The Methods and Materials of
//! Demography): values at multiples against those around them, so that the shape of the distribution cancels out.

use super::probability::binomial_at_least;

/// The chance that an alarm must stay below; 366 days of hundreds of columns are looked at in one run.
pub const CHANCE: f64 = 1e-6;

/// How much lies at one place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Heap {
    /// The share of the values there, and what it should be.
    pub share: f64,
    pub expected: f64,
    /// The chance of so many or more.
    pub p: f64,
    /// Whether it is one.
    pub is_heaped: bool,
}

/// Whether `on` of `all` values at a place are too many: a share of at least `factor` times `expected_share` and of at least `limit`, with a
/// chance below [`CHANCE`].
pub fn heaped(on: u64, all: u64, expected_share: f64, factor: f64, limit: f64) -> Heap {
    let share = if all == 0 { 0.0 } else { on as f64 / all as f64 };
    let p = binomial_at_least(on, all, expected_share);
    // A comparison with NaN is no alarm.
    let is_heaped = all > 0 && share >= factor * expected_share && share >= limit && p < CHANCE;
    Heap { share, expected: expected_share, p, is_heaped }
}

/// The heaped ones of places that should hold equal shares: the 366 days of a year, the 31 of a month, the 12 months, the 10 last
/// digits. (Days that are not in every year or month hold less, which is no alarm.) Largest share first.
pub fn heaped_places(counts: &[u64], factor: f64, limit: f64) -> Vec<(usize, Heap)> {
    let all = counts.iter().fold(0_u64, |all, n| all.saturating_add(*n));
    let expected = 1.0 / counts.len().max(1) as f64;
    let mut found: Vec<(usize, Heap)> = counts.iter().map(|on| heaped(*on, all, expected, factor, limit)).enumerate().filter(|(_, h)| h.is_heaped).collect();
    found.sort_by(|(_, a), (_, b)| b.share.total_cmp(&a.share));
    found
}

/// Whether whole values pile up at multiples of `step` (5 or 10). `values` are values with their counts, rising.
///
/// Each multiple is compared with the `step` values around it (of an even step the two ends count by half), and the expected share
/// is 1 in `step`. Multiples whose surroundings reach beyond the values are left out, for the end of a distribution is a heap of its
/// own; with fewer than four others the answer is `None`. The share is at most 1, which is `step` times the expected: all rounded.
pub fn digit_preference(values: &[(i64, u64)], step: u32, factor: f64) -> Option<Heap> {
    let step = i64::from(step);
    let (first, last) = (values.iter().find(|v| v.1 > 0)?.0, values.iter().rev().find(|v| v.1 > 0)?.0);
    if step < 2 || values.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
        return None;
    }
    let half = step / 2;
    let (mut on, mut all, mut places) = (0_u128, 0_u128, 0);
    let mut of = 0;
    while of < values.len() {
        // The nearest multiple, for whose surroundings this value is the first that counts.
        let multiple = values[of].0.saturating_add(half).div_euclid(step).saturating_mul(step);
        let (low, high) = (multiple.saturating_sub(half), multiple.saturating_add(half));
        let inside = low >= first && high <= last;
        let from = of;
        while of < values.len() && (values[of].0 < high || (step % 2 == 1 && values[of].0 == high)) {
            of += 1;
        }
        if of == from {
            // Numbers at the end of their range.
            break;
        }
        if !inside {
            continue;
        }
        // Twice each count, so that a half is whole.
        let around = values[from..of].iter().map(|v| (v.0, u128::from(v.1))).map(|(v, n)| if step % 2 == 0 && v == low { n } else { 2 * n }).sum::<u128>()
            + values.get(of).filter(|v| step % 2 == 0 && v.0 == high).map_or(0, |v| u128::from(v.1));
        let at = values[from..of].iter().find(|v| v.0 == multiple).map_or(0, |v| u128::from(v.1));
        if around > 0 {
            (on, all, places) = (on + at, all + around, places + 1);
        }
    }
    let whole = |n: u128| u64::try_from(n).unwrap_or(u64::MAX);
    (places >= 4).then(|| heaped(whole(on), whole(all / 2).max(whole(on)), 1.0 / step as f64, factor, 0.0))
}

/// The place that holds more than `limit` of all values, and its share.
pub fn dominant(counts: &[u64], limit: f64) -> Option<(usize, f64)> {
    let all = counts.iter().fold(0_u128, |all, n| all + u128::from(*n));
    // The first of equals.
    let (at, most) = counts.iter().enumerate().rev().max_by_key(|(_, n)| **n)?;
    let share = if all == 0 { 0.0 } else { *most as f64 / all as f64 };
    (share > limit).then_some((at, share))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::{any, proptest};

    use super::super::random::Random;
    use super::{digit_preference, dominant, heaped, heaped_places};

    fn counted(values: impl Iterator<Item = i64>) -> Vec<(i64, u64)> {
        let mut counts = BTreeMap::new();
        values.for_each(|v| *counts.entry(v).or_insert(0) += 1);
        counts.into_iter().collect()
    }

    #[test]
    fn first_of_january() {
        let mut random = Random(3);
        for n in [200, 2_000, 50_000] {
            let mut days = [0_u64; 366];
            (0..n).for_each(|_| days[random.below(365) as usize] += 1);
            assert_eq!(heaped_places(&days, 5.0, 0.01), []);
            days[0] += n / 20;
            let found = heaped_places(&days, 5.0, 0.01);
            assert_eq!((found.len(), found[0].0), (1, 0), "{n}");
            assert!((found[0].1.share - 0.0503).abs() < 0.02);
        }
        assert!(!heaped(3, 10, 1.0 / 366.0, 5.0, 0.5).is_heaped, "below the limit");
        assert!(!heaped(1, 1, 1.0 / 366.0, 5.0, 0.01).is_heaped, "one value is no heap");
        assert!(!heaped(0, 0, 0.1, 1.0, 0.0).is_heaped && !heaped(5, 9, f64::NAN, 1.0, 0.0).is_heaped && !heaped(9, 5, 1.0, 1.0, 0.0).is_heaped);
    }

    #[test]
    fn fives_and_tens() {
        let mut random = Random(4);
        for (sd, mean) in [(13.0, 55.0), (4.0, 30.0), (30.0, 170.0)] {
            let values: Vec<i64> = (0..3000).map(|_| (mean + sd * random.normal()).round() as i64).collect();
            for step in [5, 10] {
                assert!(!digit_preference(&counted(values.iter().copied()), step, 1.5).is_some_and(|h| h.is_heaped), "{mean} {step}");
            }
            if sd > 5.0 {
                let rounded = |step: i64| counted(values.iter().enumerate().map(|(at, v)| if at % 4 == 0 { (v + step / 2).div_euclid(step) * step } else { *v }).collect::<Vec<_>>().into_iter());
                for (step, share) in [(5, 0.4), (10, 0.325)] {
                    let found = digit_preference(&rounded(step), step as u32, 1.5).expect("enough places");
                    assert!(found.is_heaped && (found.share - share).abs() < 0.04, "{found:?}");
                }
            }
        }
        // Steep: nodes, most at the lowest values.
        let nodes = counted((0..5000).map(|_| (random.exponential() * 4.0) as i64));
        assert!(!digit_preference(&nodes, 5, 1.5).expect("enough").is_heaped);
        assert_eq!(digit_preference(&counted([1, 2, 3, 1, 2].into_iter()), 5, 2.0), None);
        assert_eq!(digit_preference(&[], 5, 2.0), None);
        assert_eq!(digit_preference(&[(3, 1), (2, 1)], 5, 2.0), None);
    }

    /// Sizes of tumours are rounded to 5 mm all over the world; ages at diagnosis, which are calculated, are not.
    #[test]
    fn the_german_trial_rounds_sizes_and_not_ages() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/cohorts/rotterdam_gbsg_survival/gbsg.csv");
        let Ok(text) = std::fs::read_to_string(path) else {
            eprintln!("skipped: {path} is absent");
            return;
        };
        let mut lines = text.lines().map(|l| l.split(',').map(|c| c.trim_matches('"')).collect::<Vec<_>>());
        let head = lines.next().expect("a head");
        let rows: Vec<Vec<&str>> = lines.collect();
        let preference = |name: &str| {
            let at = head.iter().position(|h| *h == name).expect(name);
            digit_preference(&counted(rows.iter().map(|r| r[at].parse().expect("a number"))), 5, 2.0).expect("enough places")
        };
        println!("size {:?}\nage {:?}", preference("size"), preference("age"));
        assert!(preference("size").is_heaped && !preference("age").is_heaped);
    }

    #[test]
    fn one_value_for_all() {
        assert_eq!(dominant(&[1, 97, 2], 0.95), Some((1, 0.97)));
        assert_eq!((dominant(&[50, 50], 0.5), dominant(&[], 0.5), dominant(&[0, 0], 0.5)), (None, None, None));
        assert_eq!(dominant(&[u64::MAX, u64::MAX], 0.4).map(|d| d.0), Some(0));
    }

    proptest! {
        #[test]
        fn nothing_panics(values in proptest::collection::btree_map(any::<i64>(), any::<u64>(), 0..8), near in proptest::collection::btree_map(-30_i64..30, 0_u64..9, 0..60), step in any::<u32>()) {
            for values in [values, near] {
                let values: Vec<(i64, u64)> = values.into_iter().collect();
                for step in [step, 5, 10, 2, 3] {
                    let _ = digit_preference(&values, step, 1.0);
                }
            }
        }
    }
}
