//! How each variable's values are distributed, site beside site.
//!
//! Sites are compared by eye, so all charts of a variable share one axis and heights are shares of a
//! site's own rows. A unit mix-up, another coding or a different population then shows as a shape
//! that does not match its neighbours. Sites that do not deliver the variable keep their place.

use maud::{Markup, html};

use super::findings::range;
use super::svg::{HEIGHT, PLOT, WIDTH, axis, short, steps, text, ticks};
use super::text::{Phrase, decimal, decimals, int, plain, share};
use super::view::{View, anchor, unit_of};
use super::words as w;
use crate::execute::summary::{CategoryCount, Distribution, FieldSummary, Variable, VariableState};

/// More categories than this are summed up in one bar.
const MOST_CATEGORIES: usize = 12;
/// Height of one category's bar, with its gap.
const LINE: f64 = 17.0;

/// The section.
pub fn section(view: &View) -> Markup {
    let mut drawn = Vec::new();
    let mut left_out = Vec::new();
    for table in &view.run.schema.tables {
        for field in &table.fields {
            let sites: Vec<(&str, Option<&Variable>)> =
                view.run.sites.iter().map(|s| (s.as_str(), view.variable(&table.name, &field.name, s))).collect();
            if sites.iter().any(|(_, v)| v.is_some_and(|v| v.filled > 0 && v.distribution.is_some())) {
                drawn.push((table.name.as_str(), field, sites));
            } else {
                left_out.push(view.label(&table.name, &field.name));
            }
        }
    }
    html! {
        section #distributions aria-labelledby="distributions-title" {
            h2 #distributions-title { (w::DISTRIBUTIONS_TITLE) }
            p .intro { @if drawn.is_empty() { (w::DISTRIBUTIONS_NONE) } @else { (w::DISTRIBUTIONS_LEAD) } }
            @for (table, field, sites) in &drawn { (variable(view, table, field, sites)) }
            @if !left_out.is_empty() { p .note { (w::NOT_DRAWN.with(&[&Phrase::join(&left_out, ", ")])) } }
        }
    }
}

fn variable(view: &View, table: &str, field: &FieldSummary, sites: &[(&str, Option<&Variable>)]) -> Markup {
    let label = view.label(table, &field.name);
    let all: Vec<&Distribution> = sites.iter().filter_map(|(_, v)| v.and_then(|v| v.distribution.as_ref())).collect();
    let scale = Scale::over(&all, field);
    let id = anchor("d", &[table, &field.name]);
    let title = format!("{id}-title");
    html! {
        article .dist #(id) {
            header {
                h3 #(title) { (label) }
                p {
                    code { (field.name) }
                    @if let Some(unit) = unit_of(field) { " · " (unit) }
                }
                @if let Some(range) = range(field) { p .muted { (w::ALLOWED.with(&[&range])) } }
            }
            div .multiples {
                @for (site, v) in sites {
                    figure {
                        figcaption { strong { (site) } " " @if let Some(v) = v { (caption(&scale, v)) } }
                        (chart(&scale, *v, &title, field))
                    }
                }
            }
        }
    }
}

/// n, median, mean (SD); or nothing where the chart's place says why.
fn caption(scale: &Scale, v: &Variable) -> Markup {
    let Some(distribution) = v.distribution.as_ref().filter(|_| v.filled > 0) else { return html! {} };
    let mut parts = Vec::new();
    if let Distribution::Number { mean, sd, median, .. } = distribution {
        let calendar = matches!(scale, Scale::Number { calendar: true, .. });
        if let Some(median) = median {
            parts.push(w::MEDIAN.with(&[&if calendar { year(*median) } else { plain(*median) }]));
        }
        if let Some(mean) = mean {
            let decimals = decimals(mean.abs().max(sd.unwrap_or_default()));
            let said = if calendar { year(*mean) } else { decimal(*mean, decimals) };
            parts.push(match sd {
                Some(sd) => w::MEAN_SD.with(&[&said, &decimal(*sd, if calendar { 1 } else { decimals })]),
                None => w::MEAN.with(&[&said]),
            });
        }
    }
    html! {
        span .stats {
            span { "n\u{a0}" (int(v.filled)) }
            @for part in &parts { " · " span { (part) } }
        }
    }
}

/// A calendar year is a name, not a quantity: no thousands mark.
fn year(x: f64) -> Phrase {
    Phrase::same(format!("{x:.0}"))
}

/// The picture of one site, named by the variable's title; its caption names the site.
fn chart(scale: &Scale, v: Option<&Variable>, title: &str, field: &FieldSummary) -> Markup {
    let Some((v, distribution)) = v.and_then(|v| v.distribution.as_ref().filter(|_| v.filled > 0).map(|d| (v, d)))
    else {
        return html! { p .absent { (absent(v)) } };
    };
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
            let heights: Vec<f64> = counts.iter().map(|n| part(*n, v.filled) / tallest).collect();
            #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
            let end = first + counts.len() as i32;
            let inside = html! {
                path .fill d=(steps(&heights, x(*first), x(end))) {}
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
        _ => html! { p .absent { (field.kind) } },
    }
}

/// Why there is no chart.
fn absent(v: Option<&Variable>) -> Markup {
    let (glyph, word) = match v.map(|v| v.state) {
        Some(VariableState::Impossible) => ("✕", w::IMPOSSIBLE),
        Some(VariableState::Undetermined) => ("?", w::UNDETERMINED),
        Some(VariableState::NotMapped) => ("–", w::NOT_MAPPED),
        Some(VariableState::Derived) | None => ("·", w::NOTHING_FILLED),
    };
    html! {
        span aria-hidden="true" { (glyph) " " } (word)
        @if let Some(reason) = v.and_then(|v| v.reason.as_deref()) { small { (reason) } }
    }
}

#[allow(clippy::cast_precision_loss)]
fn part(n: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { n as f64 / of as f64 }
}

/// Share of rows per unit of the field, so that bins of unlike width compare.
#[allow(clippy::cast_precision_loss)]
fn density(low: f64, high: f64, bins: &[u64], n: u64, total: u64) -> f64 {
    let width = (high - low) / bins.len().max(1) as f64;
    part(n, total) / if width > 0.0 { width } else { 1.0 }
}

#[allow(clippy::cast_precision_loss)]
fn outline(low: f64, high: f64, bins: &[u64], filled: u64, tallest: f64, x: &dyn Fn(f64) -> f64) -> String {
    let (Some(first), Some(last)) = (bins.iter().position(|n| *n > 0), bins.iter().rposition(|n| *n > 0)) else {
        return String::new();
    };
    let width = (high - low) / bins.len() as f64;
    let heights: Vec<f64> = bins[first..=last].iter().map(|n| density(low, high, bins, *n, filled) / tallest).collect();
    if width <= 0.0 {
        return steps(&[1.0], (x(low) - 2.0).max(0.0), (x(low) + 2.0).min(WIDTH));
    }
    steps(&heights, x(low + width * first as f64), x(low + width * (last + 1) as f64))
}

/// What the charts of one variable share.
enum Scale {
    /// `calendar`: the numbers are years of the calendar.
    Number {
        from: f64,
        to: f64,
        tallest: f64,
        ticks: Vec<(f64, Phrase)>,
        calendar: bool,
    },
    Year {
        first: i32,
        last: i32,
        tallest: f64,
    },
    /// Values with their labels; the last may stand for all others. The widest share.
    Category {
        values: Vec<(Vec<String>, Phrase)>,
        widest: f64,
    },
}

impl Scale {
    fn over(all: &[&Distribution], field: &FieldSummary) -> Self {
        match all.iter().find(|d| total(d) > 0).or(all.first()) {
            Some(Distribution::Year { .. }) => Self::years(all),
            Some(Distribution::Category { .. }) => Self::categories(all, field),
            _ => Self::numbers(all, field),
        }
    }

    #[allow(clippy::cast_precision_loss)]
    fn numbers(all: &[&Distribution], field: &FieldSummary) -> Self {
        let (mut from, mut to, mut tallest) = (f64::INFINITY, f64::NEG_INFINITY, 0f64);
        for d in all {
            let Distribution::Number { low, high, bins, .. } = d else { continue };
            let n: u64 = bins.iter().sum();
            let width = (high - low) / bins.len().max(1) as f64;
            for (i, count) in bins.iter().enumerate().filter(|(_, count)| **count > 0) {
                from = from.min(low + width * i as f64);
                to = to.max(low + width * (i + 1) as f64);
                tallest = tallest.max(density(*low, *high, bins, *count, n));
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
    fn years(all: &[&Distribution]) -> Self {
        let (mut first, mut last, mut tallest) = (i32::MAX, i32::MIN, 0f64);
        for d in all {
            let Distribution::Year { first: year, counts } = d else { continue };
            let n: u64 = counts.iter().sum();
            for (i, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                first = first.min(year + i as i32);
                last = last.max(year + i as i32);
                tallest = tallest.max(part(*count, n));
            }
        }
        if first > last {
            (first, last) = (0, 0);
        }
        Self::Year { first, last, tallest: tallest.max(f64::MIN_POSITIVE) }
    }

    fn categories(all: &[&Distribution], field: &FieldSummary) -> Self {
        let mut totals: Vec<(String, u64)> = field.values.iter().map(|v| (v.value.clone(), 0)).collect();
        let mut widest = 0f64;
        for d in all {
            let Distribution::Category { counts } = d else { continue };
            let n: u64 = counts.iter().map(|c| c.rows).sum();
            for CategoryCount { value, rows } in counts {
                widest = widest.max(part(*rows, n));
                match totals.iter_mut().find(|(v, _)| v == value) {
                    Some((_, sum)) => *sum += rows,
                    None => totals.push((value.clone(), *rows)),
                }
            }
        }
        let mut others = Vec::new();
        if totals.len() > MOST_CATEGORIES {
            let mut by_rows: Vec<u64> = totals.iter().map(|(_, n)| *n).collect();
            by_rows.sort_unstable_by(|a, b| b.cmp(a));
            let least = by_rows[MOST_CATEGORIES - 2];
            let mut kept = 0;
            totals.retain(|(value, n)| {
                kept += usize::from(*n >= least);
                let keep = *n >= least && kept < MOST_CATEGORIES;
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

fn total(d: &Distribution) -> u64 {
    match d {
        Distribution::Number { bins, .. } => bins.iter().sum(),
        Distribution::Year { counts, .. } => counts.iter().sum(),
        Distribution::Category { counts } => counts.iter().map(|c| c.rows).sum(),
    }
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

/// A site's rows in the order of the shared values.
fn merged(counts: &[CategoryCount], values: &[(Vec<String>, Phrase)]) -> Vec<u64> {
    let rows = |value: &String| counts.iter().filter(|c| c.value == *value).map(|c| c.rows).sum::<u64>();
    values.iter().map(|(those, _)| those.iter().map(rows).sum()).collect()
}

fn bars(values: &[(Vec<String>, Phrase)], rows: &[u64], filled: u64, widest: f64) -> Markup {
    const FROM: f64 = 104.0;
    const LONGEST: f64 = WIDTH - FROM - 33.0;
    let clipped = |text: &str| match text.char_indices().nth(14) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    };
    html! {
        @for (i, ((_, label), n)) in values.iter().zip(rows).enumerate() {
            @let y = f64::from(u32::try_from(i).unwrap_or(0)) * LINE;
            @let width = part(*n, filled) / widest * LONGEST;
            (text(0.0, y + 11.5, "start", &label.map(clipped)))
            @if *n > 0 { rect .fill x=(short(FROM)) y=(short(y + 2.0)) width=(short(width.max(0.8))) height="12" {} }
            (text(FROM + width + 4.0, y + 11.5, "start", &share(*n, filled, 0)))
        }
        path .axis d={ "M" (short(FROM)) " 0v" (short(values.len() as f64 * LINE)) } {}
    }
}

/// First and last year, and round ones between them.
fn year_ticks(first: i32, last: i32) -> Vec<i32> {
    let span = last - first;
    let step = [1, 2, 5, 10, 20, 50, 100].into_iter().find(|s| span / s <= 4).unwrap_or(200);
    (first..=last).filter(|y| y % step == 0).collect()
}
