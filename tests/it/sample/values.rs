//! Distributions of the sample, made by arithmetic.

use cohorte::execute::summary::*;

use super::fields::Spec;

/// Rows that leave a share of `of`, rounded.
pub fn mille(of: u64, per_mille: u64) -> u64 {
    (of * per_mille + 500) / 1000
}

/// A bell or a decay over `n` bins, as counts that add up to `rows`.
pub fn shaped(rows: u64, n: usize, peak: f64, spread: f64) -> Vec<u64> {
    let weight = |i: usize| (-((i as f64 - peak) / spread).powi(2) / 2.0).exp();
    let all: f64 = (0..n).map(weight).sum();
    let mut bins: Vec<u64> = (0..n).map(|i| (rows as f64 * weight(i) / all) as u64).collect();
    let left = rows - bins.iter().sum::<u64>();
    bins[peak.max(0.0) as usize] += left;
    bins
}

/// Counts as they may be told: nothing where fewer than five rows are.
pub fn told(counts: Vec<u64>) -> Vec<Cell> {
    counts.into_iter().map(|n| (n == 0 || n >= SMALL_CELL).then_some(n)).collect()
}

pub fn distribution(spec: &Spec, site: usize, rows: u64) -> Option<Distribution> {
    let s = site as f64;
    Some(match spec.kind {
        "integer" | "decimal" => {
            let (low, high, n, peak, spread, mean, sd, median) = match spec.name {
                "age" => (20.0, 92.0, 36, 17.0 + s, 6.5, 55.05 + s, 12.95 - s, 54.0 + s),
                "birth_year" => (1910.0, 1995.0, 17, 8.0, 3.0, 1951.3, 14.2, 1951.0),
                "tumour_size" => (0.0, 120.0, 24, 4.0, 3.2, 24.9 + s, 14.3, 22.0 + s),
                "nodes_positive" => (0.0, 36.0, 36, -2.0, 4.0, 2.71 + s, 4.38, 1.0 + s),
                "nodes_examined" => (0.0, 40.0, 20, 5.0, 3.0, 11.2, 5.9, 10.0),
                "er" | "pgr" => (0.0, 2400.0, 40, -1.0, 2.4, 161.8 + s * 3.0, 291.3, 41.0),
                "rfs_days" | "os_days" => {
                    (0.0, 7200.0 - s * 900.0, 30, 8.0 - s, 7.0, 1987.4 - s * 90.0, 1287.0, 1940.0 - s * 70.0)
                }
                _ => (0.0, 100.0, 20, 16.0, 5.0, 68.2, 31.4, 80.0),
            };
            Distribution::Number {
                mean: Some(mean),
                sd: Some(sd),
                median: Some(median),
                low,
                high,
                bins: told(shaped(rows, n, peak, spread)),
            }
        }
        "date" => {
            let (first, n) = if site == 0 { (1978, 16) } else { (2006, 14) };
            Distribution::Year { first, counts: told(shaped(rows, n, 8.0, 6.0)) }
        }
        "code" | "boolean" => {
            let names: Vec<&str> =
                if spec.kind == "boolean" { vec!["false", "true"] } else { spec.values.iter().map(|v| v.0).collect() };
            let counts = if spec.name == "sex" {
                vec![rows - rows / 120, rows / 120]
            } else {
                shaped(rows, names.len(), (0.6 + 0.2 * s).min(names.len() as f64 - 1.0), 1.0)
            };
            Distribution::Category {
                counts: names.iter().zip(told(counts)).map(|(v, rows)| CategoryCount { value: (*v).into(), rows }).collect(),
            }
        }
        _ => return None,
    })
}
