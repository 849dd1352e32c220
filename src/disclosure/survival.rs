//! Curves of survival: counts of events are counts of patients, and so are the numbers at risk along the curve.
//!
//! Events and the rows without one are a table of their own, sites × two, whose overall row is told. The numbers at risk are
//! told over all sites and at each, so that a site whose curve is cut shows in the difference: then the next smallest site's
//! curve is cut with it.

use super::distributions::{Sheet, round_up, to_grain};
use super::grid::Grid;
use super::{total, up};
use crate::execute::summary::{RunSummary, Survival, SurvivalPoint};

/// Two counts that are one: grid and count of either.
pub type Link = ((usize, usize), (usize, usize));

/// The curves of one event, and the table of its counts.
pub struct Curves {
    pub grid: Grid,
    /// Rows of the grid: the entry, its events, and its rows without.
    rows: Vec<(usize, usize, usize)>,
    /// The entry over all sites.
    overall: Option<usize>,
}

/// The curves of each table, time and event; and which of their counts stand in a sheet too, grids being numbered
/// sheets first.
pub fn curves(summary: &RunSummary, sheets: &[Sheet], threshold: u64) -> (Vec<Curves>, Vec<Link>) {
    let (mut out, mut links): (Vec<Curves>, Vec<Link>) = (vec![], vec![]);
    let mut done: Vec<(&str, &str, &str)> = vec![];
    for first in &summary.survival {
        let name = (first.table.as_str(), first.time.as_str(), first.event.as_str());
        if done.contains(&name) {
            continue;
        }
        done.push(name);
        let is_mine = |s: &Survival| (s.table.as_str(), s.time.as_str(), s.event.as_str()) == name;
        if summary.small_cell >= threshold && summary.survival.iter().any(|s| is_mine(s) && s.events.is_none()) {
            // Hidden before.
            continue;
        }
        let mut grid = Grid::new(threshold);
        let (mut rows, mut overall) = (vec![], None);
        let number = sheets.len() + out.len();
        let sheet = sheets.iter().enumerate().find(|(_, s)| s.table == first.table && s.field == first.event);
        for (at, entry) in summary.survival.iter().enumerate().filter(|(_, s)| is_mine(s)) {
            let Some(site) = &entry.site else {
                overall = Some(at);
                continue;
            };
            let row = grid.row();
            let all = entry.rows.unwrap_or(1);
            // What was hidden before is taken as half of what it may be.
            let had = entry.events.unwrap_or(all / 2).min(all);
            let ids = (grid.add(row, Some(0), had), grid.add(row, Some(1), all - had));
            if entry.events.is_none() {
                grid.hide(ids.0);
                grid.hide(ids.1);
            }
            if all < threshold {
                grid.hide_row(row);
            }
            if let Some((s, sheet)) = sheet {
                for variable in sheet.rows.iter().map(|(v, _)| *v).filter(|v| summary.variables.get(*v).is_some_and(|v| v.site == *site)) {
                    let same = |value: &str, id: usize| sheet.count_of(summary, variable, value).map(|count| ((s, count), (number, id)));
                    links.extend(same("true", ids.0).into_iter().chain(same("false", ids.1)));
                }
            }
            rows.push((at, ids.0, ids.1));
        }
        grid.add_overall();
        if let Some((s, sheet)) = sheet {
            let column = |value: &str| sheet.rows.iter().find_map(|(v, _)| sheet.count_of(summary, *v, value)).and_then(|id| sheet.grid.counts.get(id)?.column);
            for (value, at) in [("true", 0), ("false", 1)] {
                let pair = column(value).and_then(|c| sheet.grid.overall_of(c)).zip(grid.overall_of(at));
                links.extend(pair.map(|(a, b)| ((s, a), (number, b))));
            }
        }
        out.push(Curves { grid, rows, overall });
    }
    (out, links)
}

/// Writes what is hidden into the entries, and cuts the curves.
pub fn write_back(summary: &mut RunSummary, curves: &Curves, threshold: u64) {
    for (row, (at, had, without)) in curves.rows.iter().enumerate() {
        let hidden = curves.grid.is_hidden(*had) || curves.grid.is_hidden(*without);
        if let Some(entry) = summary.survival.get_mut(*at) {
            hide(entry, curves.grid.is_void(row), hidden, threshold);
        }
    }
    if let Some(entry) = curves.overall.and_then(|at| summary.survival.get_mut(at)) {
        let few = |n: u64| 0 < n && n < threshold;
        let small = entry.rows.zip(entry.events).is_some_and(|(rows, events)| few(events) || few(rows.saturating_sub(events)));
        let hidden = small || [0, 1].iter().filter_map(|c| curves.grid.overall_of(*c)).any(|id| curves.grid.is_hidden(id));
        hide(entry, entry.rows.is_some_and(|n| n < threshold), hidden, threshold);
    }
    let sites: Vec<usize> = curves.rows.iter().map(|(at, ..)| *at).collect();
    if let Some(overall) = curves.overall {
        cut_differences(&mut summary.survival, overall, &sites, threshold);
    }
}

fn hide(entry: &mut Survival, all: bool, events: bool, threshold: u64) {
    if all {
        (entry.rows, entry.median_follow_up) = (None, None);
    }
    if all || events {
        // The curve and where it crosses a half would tell the events.
        (entry.events, entry.median) = (None, None);
        entry.points.clear();
    }
    let long = entry.points.iter().take_while(|p| p.at_risk >= threshold).count();
    entry.points.truncate(long);
}

/// At no time after the beginning may the overall number at risk, less those told, leave a small number.
fn cut_differences(survival: &mut [Survival], overall: usize, sites: &[usize], threshold: u64) {
    let mut times: Vec<f64> = survival.get(overall).map(|s| s.points.iter().map(|p| p.time).collect()).unwrap_or_default();
    times.retain(|t| *t > 0.0);
    let at_risk = |survival: &[Survival], at: usize, time: f64| survival.get(at).and_then(|s| s.points.iter().find(|p| p.time == time)).map(|p| p.at_risk);
    for time in times {
        while let Some(all) = at_risk(survival, overall, time) {
            let told: Vec<(u64, usize)> = sites.iter().filter_map(|at| Some((at_risk(survival, *at, time)?, *at))).collect();
            let rest = all.saturating_sub(total(told.iter().map(|(n, _)| *n)));
            if rest == 0 || rest >= threshold {
                break;
            }
            let next = told.iter().min().map_or(overall, |(_, at)| *at);
            if let Some(entry) = survival.get_mut(next) {
                entry.points.retain(|p| p.time < time);
            }
        }
    }
}

/// A curve for everybody: each step stands for at least `threshold` patients, and its numbers are rounded.
pub fn coarsen(entry: &mut Survival, threshold: u64) {
    let mut kept: Vec<SurvivalPoint> = vec![];
    for point in entry.points.drain(..) {
        if kept.last().is_none_or(|before| is_far(before, &point, threshold)) {
            kept.push(point);
        }
    }
    for point in &mut kept {
        point.at_risk = up(point.at_risk, threshold);
        [&mut point.survival, &mut point.lower, &mut point.upper].into_iter().for_each(|x| *x = to_grain(*x, 0.01));
    }
    entry.points = kept;
    // A median is the time of one patient.
    let about = |x: f64| if x > 0.0 { to_grain(x, round_up(x / 50.0)) } else { x };
    entry.median = entry.median.map(about);
    entry.median_follow_up = entry.median_follow_up.map(about);
}

/// Whether between two points of a curve nobody left, or so many that neither the events nor the others are few.
fn is_far(a: &SurvivalPoint, b: &SurvivalPoint, threshold: u64) -> bool {
    let left = a.at_risk.saturating_sub(b.at_risk);
    let ratio = if a.survival > 0.0 { b.survival / a.survival } else { 1.0 };
    if left == 0 && ratio >= 1.0 {
        return true;
    }
    // Each event lowers the curve by one part of those at risk: of the fewest it takes the fewest events, of the most the most.
    let least = ((1.0 - ratio) * b.at_risk as f64 - 1e-6).ceil().max(0.0) as u64;
    let most = if ratio > 0.0 { ((-ratio.ln() * a.at_risk as f64) + 1e-6).floor() as u64 } else { left };
    let (fewest, others) = (left.saturating_sub(most), left.saturating_sub(least));
    left >= threshold && (ratio >= 1.0 || least >= threshold) && (fewest == 0 || others >= threshold)
}
