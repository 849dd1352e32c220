//! The picture of one variable at one site, on the scale that the variable's sites share.
//!
//! Sites are compared by eye, so heights are shares of a site's own rows on one axis. A count that
//! may not be told is drawn as a hatched mark of one height: something is there, and no more is said.

use maud::{Markup, html};

use super::svg::{HEIGHT, PLOT, WIDTH, axis, short, steps, text, ticks};
use super::text::{Phrase, int, share};
use super::words as w;
use crate::execute::summary::{CategoryCount, Cell, Distribution, FieldSummary, Variable};

/// More categories than this are summed up in one bar.
const MOST_CATEGORIES: usize = 12;
/// Height of one category's bar, with its gap.
const LINE: f64 = 17.0;
/// Height of the mark for what is not told.
const VEIL: f64 = 7.0;

/// The distribution of a variable that has one and any value.
pub fn drawable(v: &Variable) -> Option<&Distribution> {
    v.distribution.as_ref().filter(|_| v.filled > 0)
}

/// Whether a count of this distribution is kept back.
pub fn veiled(distribution: &Distribution) -> bool {
    match distribution {
        Distribution::Number { bins: cells, .. } | Distribution::Year { counts: cells, .. } => cells.contains(&None),
        Distribution::Category { counts } => counts.iter().any(|c| c.rows.is_none()),
    }
}

/// A count that holds a row, told or not.
pub fn holds(cell: Cell) -> bool {
    cell != Some(0)
}

/// What the charts of one variable share.
pub enum Scale {
    /// `calendar`: the numbers are years of the calendar.
    Number { from: f64, to: f64, tallest: f64, ticks: Vec<(f64, Phrase)>, calendar: bool },
    Year { first: i32, last: i32, tallest: f64 },
    /// Values with their labels; the last may stand for all others. The widest share.
    Category { values: Vec<(Vec<String>, Phrase)>, widest: f64 },
}

impl Scale {
    /// Over the variable at all sites.
    pub fn over(all: &[&Variable], field: &FieldSummary, most: Option<usize>) -> Self {
        let all: Vec<(&Distribution, u64)> = all.iter().filter_map(|v| Some((drawable(v)?, v.filled))).collect();
        match all.first() {
            Some((Distribution::Year { .. }, _)) => Self::years(&all),
            Some((Distribution::Category { .. }, _)) => Self::categories(&all, field, most.unwrap_or(MOST_CATEGORIES)),
            _ => Self::numbers(&all, field),
        }
    }

    #[allow(clippy::cast_precision_loss)]
    fn numbers(all: &[(&Distribution, u64)], field: &FieldSummary) -> Self {
        let (mut from, mut to, mut tallest) = (f64::INFINITY, f64::NEG_INFINITY, 0f64);
        for (d, n) in all {
            let Distribution::Number { low, high, bins, .. } = d else { continue };
            let width = (high - low) / bins.len().max(1) as f64;
            for (i, count) in bins.iter().enumerate().filter(|(_, count)| holds(**count)) {
                from = from.min(low + width * i as f64);
                to = to.max(low + width * (i + 1) as f64);
                tallest = tallest.max(density(*low, *high, bins.len(), count.unwrap_or(0), *n));
            }
        }
        if !from.is_finite() || !to.is_finite() {
            (from, to) = (0.0, 1.0);
        }
        if from >= to {
            (from, to) = (from - 0.5, from + 0.5);
        }
        let calendar = field.kind == "integer" && from >= 1800.0 && to <= 2200.0;
        let mut ticks = ticks(from, to);
        if calendar {
            ticks.iter_mut().for_each(|(at, label)| *label = year(*at));
        }
        Self::Number { from, to, tallest: tallest.max(f64::MIN_POSITIVE), ticks, calendar }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
    fn years(all: &[(&Distribution, u64)]) -> Self {
        let (mut first, mut last, mut tallest) = (i32::MAX, i32::MIN, 0f64);
        for (d, n) in all {
            let Distribution::Year { first: year, counts } = d else { continue };
            for (i, count) in counts.iter().enumerate().filter(|(_, count)| holds(**count)) {
                first = first.min(year + i as i32);
                last = last.max(year + i as i32);
                tallest = tallest.max(part(count.unwrap_or(0), *n));
            }
        }
        if first > last {
            (first, last) = (0, 0);
        }
        Self::Year { first, last, tallest: tallest.max(f64::MIN_POSITIVE) }
    }

    fn categories(all: &[(&Distribution, u64)], field: &FieldSummary, most: usize) -> Self {
        let mut totals: Vec<(String, u64)> = field.values.iter().map(|v| (v.value.clone(), 0)).collect();
        let mut widest = 0f64;
        for (d, n) in all {
            let Distribution::Category { counts } = d else { continue };
            for CategoryCount { value, rows } in counts {
                let rows = rows.unwrap_or(0);
                widest = widest.max(part(rows, *n));
                match totals.iter_mut().find(|(v, _)| v == value) {
                    Some((_, sum)) => *sum += rows,
                    None => totals.push((value.clone(), rows)),
                }
            }
        }
        let mut others = Vec::new();
        if totals.len() > most {
            let mut by_rows: Vec<u64> = totals.iter().map(|(_, n)| *n).collect();
            by_rows.sort_unstable_by(|a, b| b.cmp(a));
            let least = by_rows[most - 2];
            let mut kept = 0;
            totals.retain(|(value, n)| {
                kept += usize::from(*n >= least);
                let keep = *n >= least && kept < most;
                if !keep {
                    others.push(value.clone());
                }
                keep
            });
        }
        let mut values: Vec<(Vec<String>, Phrase)> =
            totals.into_iter().map(|(value, _)| (vec![value.clone()], label(field, &value))).collect();
        if !others.is_empty() {
            let name = w::OTHERS.with(&[&int(others.len() as u64)]);
            values.push((others, name));
        }
        Self::Category { values, widest: widest.max(f64::MIN_POSITIVE) }
    }
}

/// A calendar year is a name, not a quantity: no thousands mark.
pub fn year(x: f64) -> Phrase {
    Phrase::same(format!("{x:.0}"))
}

#[allow(clippy::cast_precision_loss)]
pub fn part(n: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { n as f64 / of as f64 }
}

/// Share of rows per unit of the field, so that bins of unlike width compare.
#[allow(clippy::cast_precision_loss)]
pub fn density(low: f64, high: f64, bins: usize, n: u64, total: u64) -> f64 {
    let width = (high - low) / bins.max(1) as f64;
    part(n, total) / if width > 0.0 { width } else { 1.0 }
}

/// What people call a value.
fn label(field: &FieldSummary, value: &str) -> Phrase {
    let given = field.values.iter().find(|v| v.value == value).and_then(|v| Phrase::of(&v.label));
    given.unwrap_or_else(|| match (field.kind.as_str(), value) {
        ("boolean", "true") => w::YES.phrase(),
        ("boolean", "false") => w::NO.phrase(),
        _ => Phrase::same(value),
    })
}

/// A site's rows in the order of the shared values; nothing where none of them is told.
pub fn merged(counts: &[CategoryCount], values: &[(Vec<String>, Phrase)]) -> Vec<Cell> {
    let sum = |those: &Vec<String>| {
        let here: Vec<Cell> = counts.iter().filter(|c| those.contains(&c.value)).map(|c| c.rows).collect();
        let told: u64 = here.iter().flatten().sum();
        (told > 0 || !here.contains(&None)).then_some(told)
    };
    values.iter().map(|(those, _)| sum(those)).collect()
}

/// The picture of one site, named by the variable's title; its caption names the site.
pub fn picture(scale: &Scale, v: &Variable, distribution: &Distribution, title: &str) -> Markup {
    // A picture by its name; a chart of words and numbers is read as such.
    let stretched = |role: &str, height: f64, inside: Markup| {
        html! {
            svg .chart viewBox={ "0 0 " (short(WIDTH)) " " (short(height)) } role=(role) aria-labelledby=(title) { (inside) }
        }
    };
    match (distribution, scale) {
        (Distribution::Number { low, high, bins, median, .. }, Scale::Number { from, to, tallest, ticks, .. }) => {
            let x = |value: f64| (value - from) / (to - from) * WIDTH;
            let inside = html! {
                path .fill d=(outline(*low, *high, bins, v.filled, *tallest, &x)) {}
                (veil(bins, x(*low), x(*high)))
                @if let Some(median) = median {
                    path .median d={ "M" (short(x(*median).clamp(0.0, WIDTH))) " 0V" (short(PLOT)) } {}
                }
                (axis(&ticks.iter().map(|(at, label)| (x(*at), label.clone())).collect::<Vec<_>>()))
            };
            stretched("img", HEIGHT, inside)
        }
        (Distribution::Year { first, counts }, Scale::Year { first: from, last, tallest }) => {
            let step = WIDTH / f64::from(last - from + 1);
            let x = |year: i32| f64::from(year - from) * step;
            let heights: Vec<f64> = counts.iter().map(|n| part(n.unwrap_or(0), v.filled) / tallest).collect();
            #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
            let end = first + counts.len() as i32;
            let inside = html! {
                path .fill d=(steps(&heights, x(*first), x(end))) {}
                (veil(counts, x(*first), x(end)))
                (axis(&year_ticks(*from, *last).into_iter()
                    .map(|y| (x(y) + step / 2.0, Phrase::same(y.to_string()))).collect::<Vec<_>>()))
            };
            stretched("img", HEIGHT, inside)
        }
        (Distribution::Category { counts }, Scale::Category { values, widest }) => {
            let rows = merged(counts, values);
            #[allow(clippy::cast_precision_loss)]
            let height = values.len() as f64 * LINE;
            stretched("group", height, bars(values, &rows, v.filled, *widest))
        }
        // A field whose values are of another kind here than at the other sites: the mapping is at fault, and no axis fits.
        _ => html! { p .absent { (w::OTHER_KIND) } },
    }
}

/// Marks over the bins between `x0` and `x1` that are not told; neighbours share one.
#[allow(clippy::cast_precision_loss)]
fn veil(cells: &[Cell], x0: f64, x1: f64) -> Markup {
    let step = (x1 - x0) / cells.len().max(1) as f64;
    let mut spans: Vec<(usize, usize)> = Vec::new();
    for at in cells.iter().enumerate().filter(|(_, n)| n.is_none()).map(|(at, _)| at) {
        match spans.last_mut() {
            Some((_, end)) if *end == at => *end = at + 1,
            _ => spans.push((at, at + 1)),
        }
    }
    html! {
        @for (from, to) in spans {
            rect .veiled x=(short(x0 + step * from as f64)) y=(short(PLOT - VEIL)) height=(short(VEIL))
                width=(short((step * (to - from) as f64).max(1.5))) {}
        }
    }
}

#[allow(clippy::cast_precision_loss)]
fn outline(low: f64, high: f64, bins: &[Cell], filled: u64, tallest: f64, x: &dyn Fn(f64) -> f64) -> String {
    let told = |n: &Cell| n.is_some_and(|n| n > 0);
    let (Some(first), Some(last)) = (bins.iter().position(told), bins.iter().rposition(told)) else {
        return String::new();
    };
    let width = (high - low) / bins.len() as f64;
    let height = |n: &Cell| density(low, high, bins.len(), n.unwrap_or(0), filled) / tallest;
    let heights: Vec<f64> = bins[first..=last].iter().map(height).collect();
    if width <= 0.0 {
        return steps(&[1.0], (x(low) - 2.0).max(0.0), (x(low) + 2.0).min(WIDTH));
    }
    steps(&heights, x(low + width * first as f64), x(low + width * (last + 1) as f64))
}

fn bars(values: &[(Vec<String>, Phrase)], rows: &[Cell], filled: u64, widest: f64) -> Markup {
    const FROM: f64 = 104.0;
    const LONGEST: f64 = WIDTH - FROM - 33.0;
    let clipped = |text: &str| match text.char_indices().nth(14) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    };
    html! {
        @for (i, ((_, label), n)) in values.iter().zip(rows).enumerate() {
            @let y = f64::from(u32::try_from(i).unwrap_or(0)) * LINE;
            (text(0.0, y + 11.5, "start", &label.map(clipped)))
            @match n {
                Some(n) => {
                    @let width = part(*n, filled) / widest * LONGEST;
                    @if *n > 0 { rect .fill x=(short(FROM)) y=(short(y + 2.0)) width=(short(width.max(0.8))) height="12" {} }
                    (text(FROM + width + 4.0, y + 11.5, "start", &share(*n, filled, 0)))
                }
                None => {
                    rect .veiled x=(short(FROM)) y=(short(y + 2.0)) width="14" height="12" {}
                    (text(FROM + 18.0, y + 11.5, "start", &w::VEILED.phrase()))
                }
            }
        }
        path .axis d={ "M" (short(FROM)) " 0v" (short(f64::from(u32::try_from(values.len()).unwrap_or(0)) * LINE)) } {}
    }
}

/// First and last year, and round ones between them.
pub fn year_ticks(first: i32, last: i32) -> Vec<i32> {
    let span = last - first;
    let step = [1, 2, 5, 10, 20, 50, 100].into_iter().find(|s| span / s <= 4).unwrap_or(200);
    (first..=last).filter(|y| y % step == 0).collect()
}
