//! Drawing: bars, step histograms, axes. Geometry only; what is drawn is the sections' business.
//!
//! Everything is inline SVG without script or reference to a file. Bars that stretch with the page
//! use percentages, so that strokes and patterns keep their shape; small charts use one fixed
//! coordinate system, [`WIDTH`] wide, so that charts of a row can be compared by eye.

use std::fmt::Write;

use maud::{Markup, html};

use super::text::{Phrase, decimal};

/// Width of a small chart in its own units.
pub const WIDTH: f64 = 200.0;
/// Height of its plot, without the axis.
pub const PLOT: f64 = 56.0;
/// Height with the axis and its labels.
pub const HEIGHT: f64 = 74.0;

/// The patterns that tell outcomes apart without colour; once per page, before any use.
pub fn patterns() -> Markup {
    html! {
        svg .defs width="0" height="0" aria-hidden="true" focusable="false" {
            defs {
                pattern #hatch width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    rect .q width="6" height="6" {} rect .ink width="1.6" height="6" {}
                }
                pattern #dots width="6" height="6" patternUnits="userSpaceOnUse" {
                    rect .f width="6" height="6" {} circle .ink cx="3" cy="3" r="1.1" {}
                }
                pattern #rungs width="6" height="6" patternUnits="userSpaceOnUse" {
                    rect .d width="6" height="6" {} rect .ink width="6" height="1.4" {}
                }
                // What is not told: lines without a ground, so that no height is read from it.
                pattern #veil width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)" {
                    rect .veil width="1.3" height="4" {}
                }
            }
        }
    }
}

/// A thin bar for a share in a table cell; decoration beside its number.
#[allow(clippy::cast_precision_loss)]
pub fn share_bar(part: u64, whole: u64) -> Markup {
    let width = if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 };
    html! {
        svg .share width="100%" height="4" aria-hidden="true" focusable="false" {
            rect .track width="100%" height="4" {}
            @if part > 0 { rect .part width={ (short(width.max(1.5))) "%" } height="4" {} }
        }
    }
}

/// The outline of a histogram: `heights` from 0 to 1 over steps of equal width from `x0` to `x1`.
#[allow(clippy::cast_precision_loss)]
pub fn steps(heights: &[f64], x0: f64, x1: f64) -> String {
    let step = (x1 - x0) / heights.len().max(1) as f64;
    let mut path = format!("M{} {}", short(x0), short(PLOT));
    let mut last = PLOT;
    for (i, height) in heights.iter().enumerate() {
        // A bin that holds a row is seen, however few they are.
        let drawn = if *height > 0.0 { (height * (PLOT - 2.0)).max(0.8) } else { 0.0 };
        let y = PLOT - drawn;
        if (y - last).abs() > 0.04 {
            let _ = write!(path, "V{}", short(y));
        }
        let _ = write!(path, "H{}", short(x0 + step * (i + 1) as f64));
        last = y;
    }
    let _ = write!(path, "V{}Z", short(PLOT));
    path
}

/// A line through the shares of several runs, oldest first; the last is marked. Its own scale, from nothing.
/// Without a label it is decoration beside its numbers.
#[allow(clippy::cast_precision_loss)]
pub fn spark(shares: &[Option<f64>], label: Option<&Phrase>) -> Markup {
    const WIDE: f64 = 64.0;
    const HIGH: f64 = 16.0;
    let top = shares.iter().flatten().copied().fold(0.0, f64::max);
    let step = (WIDE - 8.0) / (shares.len().max(2) - 1) as f64;
    let y = |share: f64| HIGH - 3.0 - if top > 0.0 { share / top * (HIGH - 6.0) } else { 0.0 };
    let mut path = String::new();
    let mut last = None;
    for (i, share) in shares.iter().enumerate() {
        let Some(share) = share else { continue };
        let (x, y) = (4.0 + step * i as f64, y(*share));
        let _ = write!(path, "{}{} {}", if path.is_empty() { 'M' } else { 'L' }, short(x), short(y));
        last = Some((x, y));
    }
    html! {
        svg .spark width="64" height="16" role=[label.map(|_| "img")] aria-label=[label.map(|l| &l.en)] data-fr-label=[label.map(|l| &l.fr)]
            aria-hidden=[label.is_none().then_some("true")] {
            path .base d="M4 13H60" {}
            path .line d=(path) {}
            @if let Some((x, y)) = last { circle .now cx=(short(x)) cy=(short(y)) r="2.4" {} }
        }
    }
}

/// The horizontal axis with its labels; a label at the edge stays inside.
pub fn axis(ticks: &[(f64, Phrase)]) -> Markup {
    html! {
        path .axis d={ "M0 " (short(PLOT)) "H" (short(WIDTH)) } {}
        @for (x, label) in ticks {
            path .axis d={ "M" (short(*x)) " " (short(PLOT)) "v3" } {}
            @let anchor = if *x < 14.0 { "start" } else if *x > WIDTH - 14.0 { "end" } else { "middle" };
            @let at = if *x < 14.0 { 0.0 } else if *x > WIDTH - 14.0 { WIDTH } else { *x };
            (text(at, HEIGHT - 4.0, anchor, label))
        }
    }
}

/// A text, once per language where the languages differ.
pub fn text(x: f64, y: f64, anchor: &str, label: &Phrase) -> Markup {
    let anchor = (anchor != "start").then_some(anchor);
    html! {
        @if label.en == label.fr {
            text x=(short(x)) y=(short(y)) text-anchor=[anchor] { (label.en) }
        } @else if label.is_number() {
            text .num x=(short(x)) y=(short(y)) text-anchor=[anchor] { (label.en) }
        } @else {
            text x=(short(x)) y=(short(y)) text-anchor=[anchor] lang="en" { (label.en) }
            text x=(short(x)) y=(short(y)) text-anchor=[anchor] lang="fr" { (label.fr) }
        }
    }
}

/// Round numbers within an interval, about four of them, and their labels.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub fn ticks(low: f64, high: f64) -> Vec<(f64, Phrase)> {
    let span = high - low;
    if !span.is_finite() || span <= 0.0 {
        return vec![(low, decimal(low, usize::from(low != low.trunc())))];
    }
    let rough = span / 4.0;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= rough).unwrap_or(rough);
    let decimals = (0..6).find(|d| (step * 10f64.powi(*d)).fract().abs() < 1e-6).unwrap_or(6) as usize;
    let mut out = Vec::new();
    let mut k = (low / step - 1e-9).ceil();
    while k * step <= high + span * 1e-9 && out.len() < 12 {
        out.push((k * step, decimal(k * step, decimals)));
        k += 1.0;
    }
    out
}

/// A coordinate with at most one decimal (two below 1).
pub fn short(x: f64) -> String {
    let text = if x.abs() < 1.0 { format!("{x:.2}") } else { format!("{x:.1}") };
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text.is_empty() || text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let labels = |low, high| ticks(low, high).into_iter().map(|(_, p)| p.en).collect::<Vec<_>>().join(" ");
        assert_eq!(labels(21.0, 80.0), "40 60 80");
        assert_eq!(labels(0.0, 1.0), "0.00 0.25 0.50 0.75 1.00");
        assert_eq!(labels(-3.0, 3.0), "−2 0 2");
        assert_eq!(labels(5.0, 5.0), "5");
    }

    #[test]
    fn an_outline_is_closed_and_steps() {
        assert_eq!(steps(&[0.0, 1.0, 0.5], 0.0, 30.0), "M0 56H10V2H20V29H30V56Z");
        assert_eq!(short(10.0), "10");
        assert_eq!(short(0.0), "0");
        assert_eq!(short(100.0), "100");
    }
}
