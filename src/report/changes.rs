//! What changed since the run before.
//!
//! The second question of a coordinator, after whether the delivery can be used: is it better than
//! the last one, and where is it worse? Only what is worth a look is said: rows, rules that turned,
//! findings that moved, variables that are filled differently by ten points or more.

use std::cmp::Reverse;

use maud::{Markup, html};

use super::findings::{Rule, title};
use super::rules::id;
use super::text::{Phrase, counted, day, int, share, signed};
use super::trend::Past;
use super::verdict::total;
use super::view::{RuleGroup, View, cell_anchor};
use super::words as w;
use crate::execute::summary::{RuleStatus, RunStatus, Variable};

/// Rules or variables named in a line.
const NAMED: usize = 4;
/// A change of fill worth naming, in points of percent.
const POINTS: f64 = 10.0;

/// A rule and the sites where it turned; no site where it is judged over all.
type Turned<'v, 'a> = (&'v RuleGroup<'a>, Vec<&'v str>);

/// The block; nothing where no earlier run is known.
pub fn section(view: &View) -> Markup {
    let Some(last) = view.past.last() else { return html! {} };
    let verdict = if last.run.status == RunStatus::Passed { w::LAST_USABLE } else { w::LAST_NOT_USABLE };
    let (failing, passing) = (turned(view, last, true), turned(view, last, false));
    let (more, fewer) = moved(view, last);
    let fills = fills(view, last);
    let quiet = failing.is_empty() && passing.is_empty() && more == 0 && fewer == 0 && fills.is_empty();
    html! {
        div .since {
            h2 { (w::SINCE.with(&[&day(&last.run.started_at)])) }
            ul {
                li { (verdict) }
                li { (rows_line(view, last)) @for line in comings(view, last) { " " (line) } }
                @if !failing.is_empty() { li .worse { (w::NEWLY_FAILING) " " (named(view, &failing)) } }
                @if !passing.is_empty() { li .better { (w::NEWLY_PASSING) " " (named(view, &passing)) } }
                @if more > 0 || fewer > 0 { li { (findings_line(more, fewer)) } }
                @if !fills.is_empty() { li { (w::FILL_CHANGED) " " (fill_list(view, &fills)) } }
                @if quiet { li { (w::NOTHING_ELSE) } }
            }
        }
    }
}

fn rows_line(view: &View, last: &Past) -> Phrase {
    let now = total(&view.run.accounts);
    let sum = |pick: fn(&crate::execute::summary::PastSite) -> u64| last.run.sites.iter().map(pick).sum::<u64>();
    let (read, accepted) = (sum(|s| s.rows_read), sum(|s| s.rows_accepted));
    w::ROWS_CHANGED.with(&[
        &signed(read, now.rows_read),
        &int(now.rows_read),
        &signed(accepted, now.rows_accepted),
        &int(now.rows_accepted),
    ])
}

/// Sites that are here for the first time, and sites that are here no more.
fn comings(view: &View, last: &Past) -> Vec<Phrase> {
    let before = |site: &&String| last.run.sites.iter().any(|s| s.site == **site);
    let new: Vec<&str> = view.run.sites.iter().filter(|s| !before(s)).map(String::as_str).collect();
    let mut gone: Vec<&str> = last.run.sites.iter().map(|s| s.site.as_str()).collect();
    gone.retain(|s| !view.run.sites.iter().any(|now| now == s));
    gone.dedup();
    [(w::SITES_NEW, new), (w::SITES_GONE, gone)]
        .into_iter()
        .filter(|(_, sites)| !sites.is_empty())
        .map(|(wording, sites)| wording.with(&[&Phrase::same(sites.join(", "))]))
        .collect()
}

/// Rules that fail now and did not then, or the other way round. A rule that is new has not turned.
fn turned<'v, 'a>(view: &'v View<'a>, last: &Past, failing: bool) -> Vec<Turned<'v, 'a>> {
    let is = |now: RuleStatus, then: RuleStatus| {
        let (worse, better) = if failing { (now, then) } else { (then, now) };
        let judged = !matches!(better, RuleStatus::Error | RuleStatus::NotApplicable) || failing;
        worse == RuleStatus::Failed && better != RuleStatus::Failed && judged
    };
    let of = |group: &'v RuleGroup<'a>| {
        let sites: Vec<&str> = group
            .sites
            .iter()
            .filter(|r| last.rule(r).is_some_and(|past| is(r.status, past.status)))
            .filter_map(|r| r.site.as_deref())
            .collect();
        let overall = last.rule(&group.overall).is_some_and(|past| is(group.overall.status, past.status));
        (overall || !sites.is_empty()).then_some((group, sites))
    };
    view.rules.iter().filter_map(of).collect()
}

/// How many rules have more findings than before, and how many fewer.
fn moved(view: &View, last: &Past) -> (u64, u64) {
    let (mut more, mut fewer) = (0, 0);
    for group in &view.rules {
        let Some((before, _)) = last.overall(group) else { continue };
        more += u64::from(group.overall.violated > before);
        fewer += u64::from(group.overall.violated < before);
    }
    (more, fewer)
}

fn findings_line(more: u64, fewer: u64) -> Phrase {
    let rules = |n| counted(n, ["rule", "rules"], ["règle", "règles"]);
    w::FINDINGS_MOVED.with(&[&rules(more), &rules(fewer)])
}

fn named(view: &View, turned: &[Turned]) -> Markup {
    html! {
        @for (i, (group, sites)) in turned.iter().take(NAMED).enumerate() {
            @if i > 0 { "; " }
            a href={ "#" (id(&group.overall)) } { (title(view, Rule::of(&group.overall))) }
            @if !sites.is_empty() && sites.len() <= NAMED { " (" (sites.join(", ")) ")" }
            @if sites.len() > NAMED { " (" (counted(sites.len() as u64, ["site", "sites"], ["centre", "centres"])) ")" }
        }
        @if turned.len() > NAMED { "; " (w::AND_MORE.with(&[&int((turned.len() - NAMED) as u64)])) }
        "."
    }
}

/// A variable, with its rows and filled rows of the run before.
type Refilled<'a> = (&'a Variable, (u64, u64));

/// Variables filled otherwise than before, the greatest difference first.
#[allow(clippy::cast_precision_loss)]
fn fills<'a>(view: &View<'a>, last: &Past) -> Vec<Refilled<'a>> {
    let percent = |filled: u64, rows: u64| filled as f64 * 100.0 / rows as f64;
    let points = |(v, (rows, filled)): &Refilled| percent(v.filled, v.rows) - percent(*filled, *rows);
    let mut all: Vec<Refilled<'a>> = Vec::new();
    for past in last.run.variables.iter().filter(|past| past.rows > 0) {
        if let Some(v) = view.variable(&past.table, &past.field, &past.site).filter(|v| v.rows > 0) {
            all.push((v, (past.rows, past.filled)));
        }
    }
    all.retain(|one| points(one).abs() >= POINTS);
    #[allow(clippy::cast_possible_truncation)]
    all.sort_by_key(|one| Reverse((points(one).abs() * 10.0).round() as i64)); // stable
    all
}

fn fill_list(view: &View, fills: &[Refilled]) -> Markup {
    html! {
        @for (i, (v, (rows, filled))) in fills.iter().take(NAMED).enumerate() {
            @if i > 0 { "; " }
            a href={ "#" (cell_anchor(&v.table, &v.field, &v.site)) } { (view.label(&v.table, &v.field)) ", " (v.site) }
            " " (w::FROM_TO.with(&[&share(*filled, *rows, 0), &share(v.filled, v.rows, 0)]))
        }
        @if fills.len() > NAMED { "; " (w::AND_MORE.with(&[&int((fills.len() - NAMED) as u64)])) }
        "."
    }
}
