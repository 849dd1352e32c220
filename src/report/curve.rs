//! Kaplan–Meier curves of one time and event: a line a site, the whole with its confidence band,
//! and the number at risk beneath.
//!
//! Eight sites are told apart by dash, colour and a name at the end of their line; where there are
//! more, the others are drawn grey, so that the spread is seen and the page stays calm.

use std::cmp::Reverse;
use std::fmt::Write;

use maud::{Markup, html};

use super::svg::{short, text};
use super::text::{Phrase, int, percent, plain, unit};
use super::words as w;
use crate::execute::summary::{Survival, SurvivalPoint};

/// Sites with a line of their own.
const NAMED: usize = 8;
const WIDTH: f64 = 760.0;
const LEFT: f64 = 156.0;
const RIGHT: f64 = 632.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 270.0;
/// From one label, or row of numbers, to the next.
const LINE: f64 = 15.0;

/// Time as people read it: years where days would have four digits.
pub struct Clock {
    /// What a time of the data is divided by.
    divisor: f64,
    pub unit: Phrase,
    /// End of the axis.
    last: f64,
    /// Round times, in this clock's unit.
    pub ticks: Vec<(f64, Phrase)>,
}

impl Clock {
    /// For all curves of a group.
    pub fn of(group: &[&Survival]) -> Self {
        let last = group.iter().filter_map(|s| s.points.last()).map(|p| p.time).fold(0.0, f64::max);
        let medians = group.iter().flat_map(|s| [s.median, s.median_follow_up]).flatten().fold(0.0, f64::max);
        let ucum = group[0].unit.as_deref().unwrap_or("");
        let years = |per_year: f64| (per_year, unit("a"));
        let (divisor, unit) = match ucum {
            "d" if last.max(medians) >= 730.0 => years(365.25),
            "mo" if last.max(medians) >= 36.0 => years(12.0),
            "wk" if last.max(medians) >= 156.0 => years(365.25 / 7.0),
            _ => (1.0, unit(ucum)),
        };
        let last = last / divisor;
        let ticks = if last > 0.0 { round_times(last) } else { Vec::new() };
        Self { divisor, unit, last, ticks }
    }

    /// A time of the data in this clock's unit.
    pub fn at(&self, time: f64) -> f64 {
        time / self.divisor
    }

    /// The curve at a time of this clock: its last step before it; nothing behind its end.
    pub fn point<'a>(&self, s: &'a Survival, time: f64) -> Option<&'a SurvivalPoint> {
        let ends = s.points.last().is_some_and(|p| self.at(p.time) >= time - self.last * 1e-3);
        let reached = |p: &&SurvivalPoint| self.at(p.time) <= time + self.last * 1e-3;
        s.points.iter().rev().find(reached).filter(|_| ends)
    }
}

/// Round times from 0 to the last, six to twelve of them.
fn round_times(last: f64) -> Vec<(f64, Phrase)> {
    let power = 10f64.powf((last / 6.0).log10().floor());
    let step = [5.0, 2.0, 1.0].into_iter().map(|m| m * power).find(|step| last / step >= 5.0).unwrap_or(power);
    let mut out = Vec::new();
    let mut at = 0.0;
    while at <= last * (1.0 + 1e-9) && out.len() < 13 {
        out.push((at, plain(at)));
        at += step;
    }
    out
}

/// The figure; nothing where no curve may be told. The table that follows has the numbers.
#[allow(clippy::cast_precision_loss)]
pub fn figure(group: &[&Survival], clock: &Clock, title: &str) -> Markup {
    if clock.last <= 0.0 {
        return html! { p .note { (w::CURVE_NONE) } };
    }
    let overall = group.iter().find(|s| s.site.is_none()).filter(|s| !s.points.is_empty());
    let mut sites: Vec<&&Survival> = group.iter().filter(|s| s.site.is_some() && !s.points.is_empty()).collect();
    sites.sort_by_key(|s| Reverse(s.rows.unwrap_or(0))); // stable
    let others = sites.split_off(sites.len().min(NAMED));
    let x = |time: f64| LEFT + clock.at(time) / clock.last * (RIGHT - LEFT);
    let labels = spread(&sites, overall.copied());
    let rows: Vec<(Phrase, &Survival)> = overall
        .iter()
        .map(|s| (w::ALL_TOGETHER.phrase(), **s))
        .chain(sites.iter().map(|s| (Phrase::same(s.site.clone().unwrap_or_default()), **s)))
        .collect();
    let axis_end = BOTTOM + 48.0;
    let height = axis_end + 20.0 + LINE * rows.len() as f64;
    html! {
        figure {
            div .scroll tabindex="0" role="group" aria-labelledby=(title) {
                svg .curves viewBox={ "0 0 " (short(WIDTH)) " " (short(height)) } role="img" aria-labelledby=(title) {
                    @for level in [0.0, 0.25, 0.5, 0.75, 1.0] {
                        path .grid d={ "M" (short(LEFT)) " " (short(y(level))) "H" (short(RIGHT)) } {}
                        (text(LEFT - 8.0, y(level) + 4.0, "end", &percent(level * 100.0, 0)))
                    }
                    @if let Some(all) = overall { path .ci d=(band(all, &x)) {} }
                    @for s in &others { path .other d=(line(s, &x)) {} }
                    @for (i, s) in sites.iter().enumerate() { path .km-line.(format!("k{i}")) d=(line(s, &x)) {} }
                    @if let Some(all) = overall { path .km-line.all d=(line(all, &x)) {} }
                    @for label in &labels {
                        path .lead d={ "M" (short(x(label.end))) " " (short(label.from)) "L" (short(RIGHT + 6.0)) " " (short(label.y)) "h4" } {}
                        g .(label.class) { (text(RIGHT + 13.0, label.y + 4.0, "start", &label.name)) }
                    }
                    path .axis d={ "M" (short(LEFT)) " " (short(BOTTOM)) "H" (short(RIGHT)) } {}
                    @for (at, label) in &clock.ticks {
                        @let at = LEFT + at / clock.last * (RIGHT - LEFT);
                        path .axis d={ "M" (short(at)) " " (short(BOTTOM)) "v4" } {}
                        (text(at, BOTTOM + 17.0, "middle", label))
                    }
                    (text(f64::midpoint(LEFT, RIGHT), BOTTOM + 34.0, "middle", &clock.unit))
                    g .name { (text(0.0, axis_end + 10.0, "start", &w::AT_RISK.phrase())) }
                    @for (i, (name, s)) in rows.iter().enumerate() {
                        @let at = axis_end + 12.0 + LINE * (i + 1) as f64;
                        (text(LEFT - 34.0, at, "end", &name.map(clipped)))
                        @for (tick, _) in &clock.ticks {
                            @if let Some(p) = clock.point(s, *tick) {
                                (text(LEFT + tick / clock.last * (RIGHT - LEFT), at, "middle", &int(p.at_risk)))
                            }
                        }
                    }
                }
            }
            figcaption {
                (w::CURVE_CAPTION)
                @if !others.is_empty() { " " (w::CURVE_OTHERS.with(&[&int(others.len() as u64)])) }
            }
        }
    }
}

fn clipped(name: &str) -> String {
    match name.char_indices().nth(17) {
        Some((end, _)) => format!("{}…", name[..end].trim_end()),
        None => name.to_owned(),
    }
}

fn y(survival: f64) -> f64 {
    BOTTOM - survival.clamp(0.0, 1.0) * (BOTTOM - TOP)
}

/// Steps of the curve, from everybody at time 0.
fn line(s: &Survival, x: &dyn Fn(f64) -> f64) -> String {
    steps(&s.points, x, |p| p.survival)
}

fn steps(points: &[SurvivalPoint], x: &dyn Fn(f64) -> f64, of: fn(&SurvivalPoint) -> f64) -> String {
    let mut path = format!("M{} {}", short(x(0.0)), short(y(1.0)));
    let mut last = y(1.0);
    for p in points {
        let _ = write!(path, "H{}", short(x(p.time)));
        if (y(of(p)) - last).abs() > 0.04 {
            last = y(of(p));
            let _ = write!(path, "V{}", short(last));
        }
    }
    path
}

/// The confidence band: along the upper edge, back along the lower.
fn band(s: &Survival, x: &dyn Fn(f64) -> f64) -> String {
    let mut path = steps(&s.points, x, |p| p.upper);
    for p in s.points.iter().rev() {
        let _ = write!(path, "V{}H{}", short(y(p.lower)), short(x(p.time)));
    }
    let _ = write!(path, "V{}H{}", short(y(1.0)), short(x(0.0)));
    path + "Z"
}

/// A name beside the end of its line.
struct Label {
    name: Phrase,
    class: String,
    /// Where the line ends, and where the name stands.
    end: f64,
    from: f64,
    y: f64,
}

/// Names at the ends of their lines, moved apart where they would overlap.
fn spread(sites: &[&&Survival], overall: Option<&Survival>) -> Vec<Label> {
    let label = |s: &Survival, name: Phrase, class: String| {
        let last = s.points.last()?;
        Some(Label { name: name.map(clipped), class, end: last.time, from: y(last.survival), y: y(last.survival) })
    };
    let mut all: Vec<Label> = sites
        .iter()
        .enumerate()
        .filter_map(|(i, s)| label(s, Phrase::same(s.site.clone().unwrap_or_default()), format!("k{i}")))
        .chain(overall.and_then(|s| label(s, w::ALL_TOGETHER.phrase(), "all".into())))
        .collect();
    all.sort_by(|a, b| a.y.total_cmp(&b.y));
    for i in 1..all.len() {
        all[i].y = all[i].y.max(all[i - 1].y + LINE);
    }
    // Pushed below the axis: the pile moves up as one, from its foot.
    let mut floor = BOTTOM;
    for label in all.iter_mut().rev() {
        label.y = label.y.min(floor);
        floor = label.y - LINE;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(site: &str, ends: f64) -> Survival {
        let point = |time, survival| SurvivalPoint { time, at_risk: 50, survival, lower: survival - 0.1, upper: survival };
        Survival {
            table: "t".into(),
            site: (!site.is_empty()).then(|| site.into()),
            time: "d".into(),
            event: "e".into(),
            unit: Some("d".into()),
            description: Default::default(),
            rows: Some(100),
            events: None,
            median_follow_up: None,
            median: None,
            points: vec![point(0.0, 1.0), point(365.25, 0.8), point(1461.0, ends)],
        }
    }

    #[test]
    fn time_is_told_in_years_and_names_do_not_meet() {
        let (a, b, all) = (curve("a", 0.5), curve("b", 0.49), curve("", 0.0));
        let clock = Clock::of(&[&a, &b]);
        assert_eq!((clock.unit.en.as_str(), clock.last), ("years", 4.0));
        assert_eq!(clock.point(&a, 1.0).map(|p| p.survival), Some(0.8));
        assert!(clock.point(&a, 4.5).is_none());
        let labels = spread(&[&&a, &&b], Some(&all));
        assert!(labels.windows(2).all(|w| w[1].y - w[0].y >= LINE - 1e-9));
        assert!(labels.iter().all(|l| l.y <= BOTTOM));
    }
}
