//! Follow-up and events by site: how long patients were followed, how many had the event, and when.
//!
//! A site whose curve lies apart has other patients, another way to count or lost follow-up; the
//! median follow-up beside it tells which. One picture and one table for each pair of time and event.

use maud::{Markup, html};

use super::curve::{self, Clock};
use super::endpoints;
use super::text::{Phrase, decimal, int, share};
use super::view::{View, anchor};
use super::words as w;
use crate::execute::summary::{Cell, Survival};

/// The section; nothing where no table has a time and an event.
pub fn section(view: &View) -> Markup {
    if view.run.survival.is_empty() && view.run.endpoints.is_empty() {
        return html! {};
    }
    html! {
        section #followup aria-labelledby="followup-title" {
            h2 #followup-title { (w::FOLLOW_UP_TITLE) }
            @if !view.run.survival.is_empty() { p .intro { (w::FOLLOW_UP_LEAD) } }
            @for group in groups(&view.run.survival) { (one(view, &group)) }
            (endpoints::part(view))
        }
    }
}

/// Entries of one table, time and event together, in the order of first appearance.
fn groups(all: &[Survival]) -> Vec<Vec<&Survival>> {
    let mut out: Vec<Vec<&Survival>> = Vec::new();
    for entry in all {
        let key = |s: &Survival| (s.table.clone(), s.time.clone(), s.event.clone());
        match out.iter_mut().find(|g| key(g[0]) == key(entry)) {
            Some(group) => group.push(entry),
            None => out.push(vec![entry]),
        }
    }
    out
}

fn one(view: &View, group: &[&Survival]) -> Markup {
    let first = group[0];
    let id = anchor("km", &[&first.table, &first.time, &first.event]);
    let title = format!("{id}-title");
    let clock = Clock::of(group);
    let name = Phrase::of(&first.description).map_or_else(|| view.label(&first.table, &first.time), |p| p.unstopped());
    html! {
        article .km #(id) {
            header {
                h3 #(title) { (name) }
                p .muted {
                    code { @if view.many_tables() { (first.table) "." } (first.time) } " · "
                    code { @if view.many_tables() { (first.table) "." } (first.event) }
                }
            }
            (curve::figure(group, &clock, &title))
            (table(view, group, &clock, &title))
            (over_time(group, &clock))
        }
    }
}

/// A count, or that it is kept back.
fn told(view: &View, cell: Cell) -> Phrase {
    cell.map_or_else(|| w::FEWER_THAN.with(&[&int(view.run.small_cell)]), int)
}

fn name(s: &Survival) -> Phrase {
    s.site.as_ref().map_or_else(|| w::ALL_TOGETHER.phrase(), Phrase::same)
}

fn table(view: &View, group: &[&Survival], clock: &Clock, title: &str) -> Markup {
    let time = |t: Option<f64>| t.map_or_else(|| w::NOT_REACHED.phrase(), |t| decimal(clock.at(t), 1));
    let row = |s: &Survival| {
        html! {
            th scope="row" { (name(s)) }
            td .n { (told(view, s.rows)) }
            td .n {
                (told(view, s.events))
                @if let (Some(events), Some(rows)) = (s.events, s.rows) { small { (share(events, rows, 1)) } }
            }
            td .n { (time(s.median_follow_up)) }
            td .n { (time(s.median)) }
        }
    };
    html! {
        div .scroll tabindex="0" role="group" aria-labelledby=(title) {
            table .follow-up.sortable {
                caption { (w::FOLLOW_UP_TABLE) }
                thead { tr {
                    th scope="col" { (w::SITE) }
                    th .n scope="col" { (w::PATIENTS) }
                    th .n scope="col" { (w::EVENTS) }
                    th .n scope="col" { (w::MEDIAN_FOLLOW_UP.with(&[&clock.unit])) }
                    th .n scope="col" { (w::MEDIAN_TIME.with(&[&clock.unit])) }
                } }
                tbody { @for s in group.iter().filter(|s| s.site.is_some()) { tr { (row(s)) } } }
                @if let Some(all) = group.iter().find(|s| s.site.is_none()) { tfoot { tr { (row(all)) } } }
            }
        }
    }
}

/// The curves in numbers: share without the event, and rows at risk, at round times.
fn over_time(group: &[&Survival], clock: &Clock) -> Markup {
    let later = clock.ticks.iter().filter(|(at, _)| *at > 0.0);
    // Six columns at most: what is between them is in the picture.
    let ticks: Vec<&(f64, Phrase)> = later.clone().step_by(later.count().div_ceil(6).max(1)).collect();
    let percent = |x: f64| super::text::percent(x * 100.0, 0);
    html! {
        @if !ticks.is_empty() && group.iter().any(|s| !s.points.is_empty()) {
            details .fold {
                summary { (w::CURVE_NUMBERS) }
                div .scroll tabindex="0" role="group" aria-label=(w::CURVE_TABLE.en) data-fr-label=(w::CURVE_TABLE.fr) {
                    table .over-time {
                        caption { (w::CURVE_TABLE) }
                        thead { tr {
                            th scope="col" { (w::SITE) }
                            @for (_, label) in &ticks { th .n scope="col" { (label) "\u{a0}" (clock.unit) } }
                        } }
                        tbody { @for s in group {
                            tr {
                                th scope="row" { (name(s)) }
                                @for (at, _) in &ticks {
                                    td .n { @match clock.point(s, *at) {
                                        Some(p) => { (percent(p.survival)) small { (percent(p.lower)) "–" (percent(p.upper)) " · " (w::AT_RISK_N.with(&[&int(p.at_risk)])) } }
                                        None => "–",
                                    } }
                                }
                            }
                        } }
                    }
                }
            }
        }
    }
}
