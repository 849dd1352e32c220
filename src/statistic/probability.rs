//! Tails of the distributions that the other modules ask about.
//!
//! Series and continued fractions are those of the NIST Digital Library of Mathematical Functions (DLMF, dlmf.nist.gov). Relative
//! errors are below 1e-9 where the arguments are below a million. A question without an answer (a NaN, a share outside 0 to 1)
//! gives 1: no evidence.

/// Terms after which an expansion is taken as it is; they grow as the root of the argument.
const TERMS: u32 = 200_000;
const TINY: f64 = 1e-300;

/// ln Γ(x) for x > 0: Lanczos' approximation with g = 7 and nine terms (Godfrey's coefficients).
pub fn ln_gamma(x: f64) -> f64 {
    const C: [f64; 9] = [
        0.999_999_999_999_809_9,
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    if x < 0.5 {
        // Reflection, DLMF 5.5.3.
        return (std::f64::consts::PI / (std::f64::consts::PI * x).sin()).ln() - ln_gamma(1.0 - x);
    }
    let x = x - 1.0;
    let t = x + 7.5;
    let sum = C.iter().skip(1).zip(1..).fold(C[0], |sum, (c, k)| sum + c / (x + f64::from(k)));
    0.5 * std::f64::consts::TAU.ln() + (x + 0.5) * t.ln() - t + sum.ln()
}

/// The upper incomplete gamma function, regularised: Q(a, x). DLMF 8.7.1 and 8.9.2.
pub fn gamma_upper(a: f64, x: f64) -> f64 {
    if !(a > 0.0 && x > 0.0 && a.is_finite()) {
        return 1.0;
    }
    if x.is_infinite() {
        return 0.0;
    }
    let front = (a * x.ln() - x - ln_gamma(a)).exp();
    if x < a + 1.0 {
        let (mut term, mut sum, mut k) = (1.0 / a, 1.0 / a, a);
        for _ in 0..TERMS {
            k += 1.0;
            term *= x / k;
            sum += term;
            if term < sum * 1e-16 {
                break;
            }
        }
        return (1.0 - front * sum).clamp(0.0, 1.0);
    }
    // Lentz' way of evaluating a continued fraction.
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (1.0 / TINY, 1.0 / b);
    let mut fraction = d;
    for k in 1..TERMS {
        let k = f64::from(k);
        let an = -k * (k - a);
        b += 2.0;
        d = 1.0 / away_from_zero(an * d + b);
        c = away_from_zero(b + an / c);
        fraction *= d * c;
        if (d * c - 1.0).abs() < 1e-15 {
            break;
        }
    }
    (front * fraction).clamp(0.0, 1.0)
}

fn away_from_zero(x: f64) -> f64 {
    if x.abs() < TINY { TINY } else { x }
}

/// The incomplete beta function, regularised: I_x(a, b). DLMF 8.17.22.
pub fn beta_lower(x: f64, a: f64, b: f64) -> f64 {
    if !(a > 0.0 && b > 0.0 && a.is_finite() && b.is_finite()) || x.is_nan() || x >= 1.0 {
        return 1.0;
    }
    if x <= 0.0 {
        return 0.0;
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return (1.0 - beta_lower_small(1.0 - x, b, a)).clamp(0.0, 1.0);
    }
    beta_lower_small(x, a, b).clamp(0.0, 1.0)
}

fn beta_lower_small(x: f64, a: f64, b: f64) -> f64 {
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (-x).ln_1p()).exp() / a;
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for m in 1..TERMS {
        let m = f64::from(m);
        let mut step = |coefficient: f64| {
            d = 1.0 / away_from_zero(1.0 + coefficient * d);
            c = away_from_zero(1.0 + coefficient / c);
            fraction *= d * c;
            d * c
        };
        step(m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m)));
        let last = step(-(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0)));
        if (last - 1.0).abs() < 1e-15 {
            break;
        }
    }
    front * fraction
}

/// The chance that a χ² variable of `degrees` degrees of freedom is above `x`.
pub fn chi_square_above(x: f64, degrees: f64) -> f64 {
    gamma_upper(degrees / 2.0, x / 2.0)
}

/// The chance of `k` or more of `n` when each has the chance `share`; exact.
pub fn binomial_at_least(k: u64, n: u64, share: f64) -> f64 {
    if k == 0 || share.is_nan() || share >= 1.0 {
        return 1.0;
    }
    if k > n || share <= 0.0 {
        return 0.0;
    }
    beta_lower(share, k as f64, (n - k) as f64 + 1.0)
}

/// The chance that a standard normal variable is above `z`.
pub fn normal_above(z: f64) -> f64 {
    let half = 0.5 * gamma_upper(0.5, z * z / 2.0);
    if z < 0.0 { 1.0 - half } else { half }
}

/// The chance that Kolmogorov's statistic is above `x`: two series of the same function, each where it converges fast
/// (Kolmogorov 1933; Marsaglia, Tsang & Wang 2003, J Stat Softw 8(18), section 1).
pub fn kolmogorov_above(x: f64) -> f64 {
    if x.is_nan() || x < 0.15 {
        return 1.0;
    }
    if x < 1.18 {
        let w = -(std::f64::consts::PI * std::f64::consts::PI) / (8.0 * x * x);
        let sum: f64 = [1.0, 9.0, 25.0, 49.0].iter().map(|k| (w * k).exp()).sum();
        return (1.0 - std::f64::consts::TAU.sqrt() / x * sum).clamp(0.0, 1.0);
    }
    let sum: f64 = (1..=8).zip([1.0, -1.0].iter().cycle()).map(|(k, sign)| sign * (-2.0 * f64::from(k * k) * x * x).exp()).sum();
    (2.0 * sum).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::{binomial_at_least, chi_square_above, kolmogorov_above, normal_above};

    fn near(found: f64, wanted: f64, what: &str) {
        assert!((found - wanted).abs() <= 1e-9 * wanted.abs(), "{what}: {found:e} is not {wanted:e}");
    }

    /// Values of scipy 1.17.1: `stats.chi2.sf`, `stats.binom.sf(k - 1, …)`, `stats.norm.sf`, `stats.kstwobign.sf`.
    #[test]
    fn as_scipy_has_them() {
        for (x, degrees, wanted) in [
            (1.0, 1.0, 0.31731050786291115),
            (3.84, 1.0, 0.05004352124870519),
            (16.9, 9.0, 0.0503051901243108),
            (40.0, 9.0, 7.598525229464264e-06),
            (100.0, 9.0, 1.5735176303753876e-17),
            (0.5, 9.0, 0.9999695662588389),
            (250.0, 200.0, 0.009379131668826098),
        ] {
            near(chi_square_above(x, degrees), wanted, "χ²");
        }
        for (k, n, share, wanted) in [
            (3, 10, 0.5, 0.9453125),
            (60, 366, 1.0 / 366.0, 3.1469164188991746e-85),
            (30, 10_000, 1.0 / 366.0, 0.32877885119680816),
            (1, 5, 0.2, 0.67232),
            (250, 1000, 0.2, 6.883012222734626e-05),
            (5, 5, 0.2, 0.00032),
            (300_000, 1_000_000, 0.2987, 0.002268167431111654),
            (30, 100, 0.2, 0.011248978720991648),
            (20_100, 100_000, 0.2, 0.21566493961798028),
        ] {
            near(binomial_at_least(k, n, share), wanted, "binomial");
        }
        for (z, wanted) in [(1.0, 0.15865525393145707), (1.5, 0.06680720126885807), (2.5, 0.006209665325776132), (3.29, 0.0005009369137857222), (5.0, 2.866515718791933e-07), (8.0, 6.22096057427174e-16), (-1.0, 0.8413447460685429)] {
            near(normal_above(z), wanted, "normal");
        }
        for (x, wanted) in [(0.3, 0.9999906941986655), (0.5, 0.9639452436648751), (0.8, 0.5441424115741981), (1.0, 0.26999967167735456), (1.36, 0.049485876755377876), (2.0, 0.0006709252557796953), (3.0, 3.045995948942526e-08)] {
            near(kolmogorov_above(x), wanted, "Kolmogorov");
        }
    }

    #[test]
    fn what_has_no_answer_is_no_evidence() {
        for found in [chi_square_above(f64::NAN, 3.0), chi_square_above(-1.0, 3.0), chi_square_above(5.0, 0.0), binomial_at_least(3, 5, f64::NAN), kolmogorov_above(f64::NAN), binomial_at_least(0, 0, 0.5)] {
            assert_eq!(found, 1.0);
        }
        assert_eq!((binomial_at_least(6, 5, 0.5), binomial_at_least(1, 5, 0.0), chi_square_above(f64::INFINITY, 2.0)), (0.0, 0.0, 0.0));
    }
}
