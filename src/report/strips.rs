//! The distributions of one variable where sites are many: a table, a site a row.
//!
//! Fifty charts side by side cannot be compared; fifty rows beneath each other on one axis can, and
//! sorted by their median they show the site that is unlike the others. Values of a code are columns
//! of shares. The table is its own text, so nothing is said twice. Its numbers are bare: in a table
//! of class `nums` the script knows them by their form.

use std::fmt::Write;

use maud::{Markup, PreEscaped, html};

use super::chart::{Scale, density, drawable, holds, merged, part, year, year_ticks};
use super::svg::{short, text};
use super::text::{Phrase, int, plain, share};
use super::words as w;
use crate::execute::summary::{Cell, Distribution, Variable};

/// Columns of values at most; a further one sums up the others.
pub const MOST_VALUES: usize = 7;
/// A strip in pixels, which are its units.
const WIDE: f64 = 240.0;
const HIGH: f64 = 18.0;
/// More bins than this are drawn in pairs or more.
const MOST_BINS: usize = 16;

/// One site, and the variable there.
pub type AtSite<'a> = (&'a str, Option<&'a Variable>);

/// The table; `title` names it.
pub fn table(scale: &Scale, sites: &[AtSite], title: &str) -> Markup {
    let top = tallest(sites);
    html! {
        div .scroll tabindex="0" role="group" aria-labelledby=(title) {
            table .strips.nums.shares[matches!(scale, Scale::Category { .. })].sortable aria-labelledby=(title) {
                thead { tr {
                    th scope="col" { (w::SITE) }
                    th scope="col" { "n" }
                    @match scale {
                        Scale::Category { values, .. } => @for (_, label) in values { th scope="col" { (label) } },
                        Scale::Number { .. } => {
                            th scope="col" { (w::MEDIAN_HEAD) }
                            th scope="col" { (w::MEAN_HEAD) }
                            (axis(scale))
                        }
                        Scale::Year { .. } => { (axis(scale)) }
                    }
                } }
                tbody { @for (site, v) in sites { (row(scale, top, site, *v)) } }
            }
        }
    }
}

/// The head of the column of strips: its name for those who listen, the axis for those who look.
fn axis(scale: &Scale) -> Markup {
    let ticks: Vec<(f64, Phrase)> = match scale {
        Scale::Number { from, to, ticks, .. } => {
            ticks.iter().map(|(at, label)| ((at - from) / (to - from) * WIDE, label.clone())).collect()
        }
        Scale::Year { first, last, .. } => {
            let step = WIDE / f64::from(last - first + 1);
            let x = |y: i32| (f64::from(y - first) + 0.5) * step;
            year_ticks(*first, *last).into_iter().map(|y| (x(y), Phrase::same(y.to_string()))).collect()
        }
        Scale::Category { .. } => return html! {},
    };
    html! {
        th scope="col" .no-sort {
            span .sr { (w::DISTRIBUTION) }
            svg .strip aria-hidden="true" focusable="false" {
                @for (x, label) in &ticks {
                    @let anchor = if *x < 14.0 { "start" } else if *x > WIDE - 14.0 { "end" } else { "middle" };
                    (text(*x, 12.0, anchor, label))
                    path .axis d={ "M" (short(*x)) " 15v3" } {}
                }
            }
        }
    }
}

fn row(scale: &Scale, top: f64, site: &str, v: Option<&Variable>) -> Markup {
    html! {
        tr {
            th { (site) }
            @match v.and_then(|v| drawable(v).map(|d| (v, d))) {
                Some((v, d)) => { td { (int(v.filled).en) } (cells(scale, top, v, d)) }
                None => {
                    td { "–" }
                    @match scale {
                        Scale::Category { values, .. } => td .absent-here colspan=(values.len()) { (absent(v)) },
                        Scale::Number { .. } => { td { "–" } td { "–" } td .absent-here { (absent(v)) } }
                        Scale::Year { .. } => td .absent-here { (absent(v)) },
                    }
                }
            }
        }
    }
}

fn absent(v: Option<&Variable>) -> Markup {
    let (_, word) = super::distributions::why_absent(v);
    html! { (word) }
}

#[allow(clippy::cast_precision_loss)]
fn cells(scale: &Scale, top: f64, v: &Variable, distribution: &Distribution) -> Markup {
    match (scale, distribution) {
        (Scale::Number { from, to, calendar, .. }, Distribution::Number { mean, median, low, high, bins, .. }) => {
            let said = |x: Option<f64>| match x {
                Some(x) if *calendar => year(x),
                Some(x) => plain(x),
                None => Phrase::same("–"),
            };
            let (coarse, together) = (coarse(bins), together(bins.len()));
            let width = (high - low) / bins.len().max(1) as f64;
            let edge = |i: usize| (low + width * (i * together).min(bins.len()) as f64 - from) / (to - from) * WIDE;
            let height = |i: usize, n: u64| drawn_density(*low, *high, bins.len(), i, n, v.filled) / top;
            html! { td { (said(*median).en) } td { (said(*mean).en) } td { (strip(&coarse, &edge, &height)) } }
        }
        (Scale::Year { first, last, tallest }, Distribution::Year { first: from, counts }) => {
            let step = WIDE / f64::from(last - first + 1);
            let x = f64::from(from - first) * step;
            html! { td { (strip(counts, &|i| x + step * i as f64, &|_, n| part(n, v.filled) / tallest)) } }
        }
        (Scale::Category { values, .. }, Distribution::Category { counts }) => {
            let rows = merged(counts, values);
            html! {
                @for n in rows {
                    @match n {
                        Some(n) => td { (share(n, v.filled, 0).en) },
                        None => td .veiled-cell { (w::VEILED) },
                    }
                }
            }
        }
        _ => html! { td { (w::OTHER_KIND) } },
    }
}

/// Density of the i-th drawn bin, which stands for several of the `bins`.
#[allow(clippy::cast_precision_loss)]
fn drawn_density(low: f64, high: f64, bins: usize, i: usize, n: u64, filled: u64) -> f64 {
    let together = together(bins);
    density(low, high, bins, n, filled) / (bins - i * together).min(together).max(1) as f64
}

/// The greatest height of all strips of numbers, as they are drawn.
fn tallest(sites: &[AtSite]) -> f64 {
    let mut top = f64::MIN_POSITIVE;
    for v in sites.iter().filter_map(|(_, v)| *v) {
        let Some(Distribution::Number { low, high, bins, .. }) = drawable(v) else { continue };
        for (i, n) in coarse(bins).iter().enumerate() {
            top = top.max(drawn_density(*low, *high, bins.len(), i, n.unwrap_or(0), v.filled));
        }
    }
    top
}

/// So many bins are drawn as one, so that a page of thousands of strips stays small.
fn together(bins: usize) -> usize {
    bins.div_ceil(MOST_BINS).max(1)
}

/// Fewer bins of the same sum; the last may be of fewer than the others.
fn coarse(bins: &[Cell]) -> Vec<Cell> {
    let sum = |those: &[Cell]| {
        let told: u64 = those.iter().flatten().sum();
        (told > 0 || !those.contains(&None)).then_some(told)
    };
    bins.chunks(together(bins.len())).map(sum).collect()
}

/// The strip: steps in whole pixels, told one from the next by their difference. `edge` is where a bin begins.
#[allow(clippy::cast_possible_truncation)]
fn strip(bins: &[Cell], edge: &dyn Fn(usize) -> f64, height: &dyn Fn(usize, u64) -> f64) -> Markup {
    let at = |i: usize| edge(i).round() as i64;
    let (mut path, mut veil) = (String::new(), String::new());
    let (mut pen, mut run) = (0, 0);
    let first = bins.iter().position(|n| holds(*n)).unwrap_or(0);
    for (i, n) in bins.iter().enumerate().skip(first) {
        if n.is_none() {
            let wide = (at(i + 1) - at(i)).max(1);
            let _ = write!(veil, "M{} 14h{wide}v4h-{wide}z", at(i));
        }
        let n = n.unwrap_or(0);
        let up = if n > 0 { (height(i, n) * (HIGH - 2.0)).round().max(1.0) as i64 } else { 0 };
        if up != pen {
            if run > 0 {
                let _ = write!(path, "h{run}");
                run = 0;
            }
            let _ = write!(path, "v{}", pen - up);
            pen = up;
        }
        run += at(i + 1) - at(i);
    }
    if pen > 0 {
        let _ = write!(path, "h{run}v{pen}");
    }
    html! {
        svg .strip {
            @if !path.is_empty() { path d={ "M" (at(first)) " " (HIGH) (PreEscaped(path)) "z" } {} }
            @if !veil.is_empty() { path .veiled d=(veil) {} }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strip_is_closed_and_says_what_it_hides() {
        let bins = [Some(0), Some(5), None, Some(10)];
        #[allow(clippy::cast_precision_loss)]
        let drawn = strip(&bins, &|i| i as f64 * 10.0, &|_, n| n as f64 / 10.0).into_string();
        assert!(drawn.contains("M10 18v-8h10v8h10v-16h10v16z"), "{drawn}");
        assert!(drawn.contains("M20 14h10v4h-10z"), "{drawn}");
    }

    #[test]
    fn coarse_bins_hide_only_what_is_hidden_whole() {
        let bins = [None, None, Some(3), None, Some(0), Some(0)];
        let many: Vec<Cell> = bins.iter().copied().cycle().take(33).collect();
        assert_eq!(coarse(&many).len(), 11);
        assert_eq!(coarse(&many[..31])[..3], [None, Some(3), Some(0)]);
        assert_eq!(coarse(&bins), bins);
    }
}
