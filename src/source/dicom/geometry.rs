//! Where the slices of a series lie (DICOM PS3.3 C.7.6.2.1.1): orientation, positions along the normal, gaps.

/// Positions nearer to each other than this (in mm) are one: another echo, phase or window of the same slice.
const SAME: f64 = 1e-3;
/// A gap is a distance of more than this many median distances.
const GAP: f64 = 1.5;
/// Distances (and pixel spacings) are equal within this part.
const EQUAL: f64 = 0.01;
/// Distances are equal within this many mm, too: positions are often written with two decimals.
const ROUNDING: f64 = 0.02;
/// Direction cosines are equal within this.
const COSINE: f64 = 1e-3;
/// An orientation is named after an axis if the cosine of its angle to it is at least this: 26 degrees off at most.
const AXIS: f64 = 0.9;

/// The normal of an image by the direction cosines of its rows and columns; `None` where they span no plane.
pub fn normal(orientation: &[f64; 6]) -> Option<[f64; 3]> {
    let [a, b, c, d, e, f] = *orientation;
    let [x, y, z] = [b * f - c * e, c * d - a * f, a * e - b * d];
    let length = (x * x + y * y + z * z).sqrt();
    (length.is_finite() && length > 0.1).then(|| [x / length, y / length, z / length])
}

/// The position of an image along a normal.
pub fn along(position: &[f64; 3], normal: &[f64; 3]) -> f64 {
    position.iter().zip(normal).map(|(p, n)| p * n).sum()
}

pub fn same_orientation(one: &[f64; 6], other: &[f64; 6]) -> bool {
    one.iter().zip(other).all(|(a, b)| (a - b).abs() <= COSINE)
}

pub fn same_spacing(one: &[f64; 2], other: &[f64; 2]) -> bool {
    one.iter().zip(other).all(|(a, b)| (a - b).abs() <= EQUAL * a.abs())
}

/// `axial`, `coronal`, `sagittal` after the axis of the patient that the normal is near to, else `oblique`.
pub fn plane(normal: &[f64; 3]) -> &'static str {
    let [x, y, z] = normal.map(f64::abs);
    match () {
        () if z >= AXIS => "axial",
        () if y >= AXIS => "coronal",
        () if x >= AXIS => "sagittal",
        () => "oblique",
    }
}

/// The distances of slices.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Distances {
    pub first: f64,
    pub last: f64,
    /// Of two slices or more.
    pub median: Option<f64>,
    /// Whether a distance is more than one and a half of the median; of three slices or more.
    pub gap: Option<bool>,
    /// Whether a distance differs from the median by more than 1 % (and 0.02 mm), as that of a gap does; of three slices or more.
    pub mixed: Option<bool>,
}

/// Of positions along the normal; `None` without any.
pub fn distances(positions: &[f64]) -> Option<Distances> {
    let mut sorted = positions.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let (first, last) = (*sorted.first()?, *sorted.last()?);
    sorted.dedup_by(|next, kept| *next - *kept <= SAME);
    let mut steps: Vec<f64> = sorted.iter().zip(sorted.iter().skip(1)).map(|(a, b)| b - a).collect();
    steps.sort_unstable_by(f64::total_cmp);
    let median = median(&steps);
    let several = median.filter(|_| steps.len() >= 2);
    let gap = several.map(|median| steps.iter().any(|step| *step > GAP * median));
    let mixed = several.map(|median| steps.iter().any(|step| (step - median).abs() > (EQUAL * median).max(ROUNDING)));
    Some(Distances { first, last, median, gap, mixed })
}

/// Of sorted numbers: the middle one, or the mean of the two in the middle.
fn median(sorted: &[f64]) -> Option<f64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    match sorted.len() % 2 {
        1 => Some(upper),
        _ => sorted.get((sorted.len() / 2).checked_sub(1)?).map(|lower| (lower + upper) / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_have_the_names_of_the_axes_of_the_patient() {
        // PS3.3 C.7.6.2.1.1: x to the left, y to the back, z to the head.
        for (orientation, expected) in [
            ([1.0, 0.0, 0.0, 0.0, 1.0, 0.0], "axial"),
            ([1.0, 0.0, 0.0, 0.0, 0.0, -1.0], "coronal"),
            ([0.0, 1.0, 0.0, 0.0, 0.0, -1.0], "sagittal"),
            // 20 and about 37 degrees around x.
            ([1.0, 0.0, 0.0, 0.0, 0.939_693, 0.342_02], "axial"),
            ([1.0, 0.0, 0.0, 0.0, 0.8, 0.6], "oblique"),
        ] {
            assert_eq!(normal(&orientation).map(|n| plane(&n)), Some(expected));
        }
        assert_eq!(normal(&[1.0, 0.0, 0.0, 1.0, 0.0, 0.0]), None);
        assert_eq!(normal(&[f64::MAX; 6]), None);
    }

    #[test]
    fn gaps_are_told_from_uneven_distances() {
        let of = |positions: &[f64]| distances(positions).map(|d| (d.median, d.gap, d.mixed));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[3.0]), Some((None, None, None)));
        assert_eq!(of(&[3.0, 8.0]), Some((Some(5.0), None, None)));
        assert_eq!(of(&[10.0, 0.0, 5.0, 15.0]), Some((Some(5.0), Some(false), Some(false))));
        // The slice at 10 is missing.
        assert_eq!(of(&[0.0, 5.0, 15.0, 20.0]), Some((Some(5.0), Some(true), Some(true))));
        // 1.4 of the median is uneven, but no gap.
        assert_eq!(of(&[0.0, 5.0, 10.0, 17.0]), Some((Some(5.0), Some(false), Some(true))));
        // Two echoes of each slice.
        assert_eq!(of(&[0.0, 0.0, 5.0, 5.0, 10.0, 10.0]), Some((Some(5.0), Some(false), Some(false))));
        // Positions rounded to two decimals.
        assert_eq!(of(&[0.0, 0.63, 1.25, 1.88, 2.5]), Some((Some(0.625), Some(false), Some(false))));
    }
}
