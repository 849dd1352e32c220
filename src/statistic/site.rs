//! A site whose values are all in another unit than those of the other sites.
//!
//! Within such a site nothing is odd: it shows only beside the others. Medians are compared on the logarithmic scale. Sites differ in
//! their patients, so a distance counts only where it is many times what the other sites differ by, and close to a factor between units.

/// What is known of one site's values of a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SiteValues {
    /// The median, in the unit that the values should have.
    pub median: f64,
    /// The spread of the natural logarithms, such as ln(Q3 / Q1) / 1.349.
    pub spread: f64,
    pub values: u64,
}

/// A site that is off by a factor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SiteShift {
    /// Its place in the list.
    pub site: usize,
    /// Which of the factors; above 1.
    pub factor: f64,
    /// Whether its values are larger than those of the others by it, or smaller.
    pub larger: bool,
    /// Its median divided by the median of the others' medians.
    pub ratio: f64,
}

/// How much a median may miss the factor whatever the others do: patients of sites differ by a quarter easily.
const LEEWAY: f64 = 0.25;
/// By how much medians of sites usually differ (the standard deviation of their logarithms), and how many sites that is worth.
const PRIOR: f64 = 0.25;
const PRIOR_WEIGHT: f64 = 4.0;
/// Spreads of the others' medians that a shift must exceed.
const APART: f64 = 5.0;

/// Sites whose median is off by a factor from the median of all others; with fewer than two others nobody can tell which site is
/// right. Sites with fewer than `fewest` values, or without a positive median, are left out.
pub fn site_shift(sites: &[SiteValues], factors: &[f64], fewest: u64) -> Vec<SiteShift> {
    let usable = |s: &SiteValues| s.values >= fewest.max(1) && s.median > 0.0 && s.median.is_finite();
    let logs: Vec<(usize, f64, f64)> = sites
        .iter()
        .enumerate()
        .filter(|(_, s)| usable(s))
        // 1.253 = √(π / 2): the error of a median.
        .map(|(at, s)| (at, s.median.ln(), 1.253 * if s.spread.is_finite() { s.spread.max(0.0) } else { 1.0 } / (s.values as f64).sqrt()))
        .collect();
    let mut found = vec![];
    for (site, log, error) in &logs {
        let others: Vec<f64> = logs.iter().filter(|(other, ..)| other != site).map(|(_, log, _)| *log).collect();
        if others.len() < 2 {
            continue;
        }
        let centre = median(&others);
        // What few sites show of their differences says little: they count beside PRIOR_WEIGHT sites that differ by PRIOR.
        let squares: f64 = others.iter().map(|log| (log - centre).powi(2)).sum();
        let between = ((PRIOR_WEIGHT * PRIOR * PRIOR + squares) / (PRIOR_WEIGHT + others.len() as f64 - 1.0)).sqrt();
        let spread = between.hypot(*error);
        let off = log - centre;
        let fit = factors
            .iter()
            .copied()
            .filter(|f| f.is_finite() && *f > 0.0 && *f != 1.0)
            .map(|f| if f < 1.0 { 1.0 / f } else { f })
            .map(|f| ((off.abs() - f.ln()).abs(), f))
            .min_by(|a, b| a.0.total_cmp(&b.0));
        // Half way to no shift at all is nearer to none.
        if let Some((miss, factor)) = fit
            && miss <= (LEEWAY + spread).min(factor.ln() / 3.0)
            && off.abs() >= APART * spread
        {
            found.push(SiteShift { site: *site, factor, larger: off > 0.0, ratio: off.exp() });
        }
    }
    found
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    match (sorted.get(half), sorted.get(half.wrapping_sub(1))) {
        (Some(high), Some(low)) if sorted.len().is_multiple_of(2) => (low + high) / 2.0,
        (Some(middle), _) => *middle,
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::super::random::Random;
    use super::super::scale::FACTORS;
    use super::{SiteShift, SiteValues, site_shift};

    fn factors() -> Vec<f64> {
        FACTORS.iter().map(|f| f.0).collect()
    }

    fn sites(medians: &[f64]) -> Vec<SiteValues> {
        medians.iter().map(|median| SiteValues { median: *median, spread: 0.5, values: 300 }).collect()
    }

    #[test]
    fn centimetres_among_millimetres() {
        let found = site_shift(&sites(&[22.0, 25.0, 2.3, 20.0]), &factors(), 20);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].site, found[0].factor, found[0].larger), (2, 10.0, false));
        let metres = site_shift(&sites(&[165.0, 1.63, 163.0]), &factors(), 20);
        assert_eq!((metres.len(), metres[0].site, metres[0].factor), (1, 1, 100.0));
        // Pounds lie at 2.2 and inches at 2.5: the nearer is given.
        let pounds = site_shift(&sites(&[68.0, 151.0, 70.0, 66.0, 69.0, 71.0, 67.0, 70.0, 66.0, 72.0]), &factors(), 20);
        assert_eq!((pounds.len(), pounds[0].site, pounds[0].factor, pounds[0].larger), (1, 1, 2.204_622_6, true));
    }

    #[test]
    fn sites_that_only_differ() {
        let mut random = Random(5);
        let mut alarms = 0;
        for round in 0..20_000 {
            let n = 3 + round % 10;
            let between = [0.05, 0.1, 0.2, 0.3][round % 4];
            let medians: Vec<f64> = (0..n).map(|_| (3.0 + between * random.normal()).exp()).collect();
            alarms += site_shift(&sites(&medians), &factors(), 20).len();
        }
        println!("{alarms} alarms in 20000 studies without a shift");
        assert!(alarms < 20);
        // Sites far from each other: a factor of 10 is within what they differ by.
        assert_eq!(site_shift(&sites(&[1.0, 8.0, 60.0, 500.0, 10.0]), &factors(), 20), []);
    }

    #[test]
    fn who_is_right_needs_three() {
        assert_eq!(site_shift(&sites(&[20.0, 2.0]), &factors(), 20), []);
        assert_eq!(site_shift(&sites(&[20.0, 2.0, f64::NAN, -1.0, 0.0]), &factors(), 20), []);
        assert_eq!(site_shift(&[], &[f64::NAN, 0.0, -1.0, 1.0], 0), []);
        let mut few = sites(&[20.0, 21.0, 2.0]);
        few[2].values = 5;
        assert_eq!(site_shift(&few, &factors(), 20), []);
        few[2].values = 300;
        assert!(matches!(site_shift(&few, &[0.1], 20)[..], [SiteShift { site: 2, factor: 10.0, .. }]));
    }
}
