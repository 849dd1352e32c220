//! The first screen: can this delivery be used, and what is the first thing to do about it?
//!
//! A coordinator may read nothing else. So it answers in a sentence, says in numbers what became of
//! the rows, names the agreed limits that are missed, what changed since the last run, and the three questions to the sites that
//! concern most rows (rows in quarantine before rows that are only flagged).

use maud::{Markup, html};

use super::findings::{Rule, finding_at, missed, title};
use super::rules::id;
use super::text::{Phrase, counted, duration, int, moment, rows, share};
use super::view::{SiteReason, View};
use super::words as w;
use super::{asks, changes};
use crate::execute::summary::{Account, RuleResult, RuleStatus, RunStatus, Severity};

/// How many questions the first screen asks, and how many missed limits it names.
const ASKED: usize = 3;
const LIMITS: usize = 5;
/// How many sites it names that miss something, and how many that miss nothing.
const MARKED: usize = 12;
const FINE: usize = 8;

/// The section.
pub fn section(view: &View) -> Markup {
    let run = view.run;
    let total = total(&run.accounts);
    let (hard, soft) = missed_limits(view);
    let usable = run.status == RunStatus::Passed;
    let asked = view.questions();
    let unjudged: Vec<&RuleResult> = view.rules.iter().map(|g| g.overall.as_ref()).filter(|r| r.status == RuleStatus::Error).collect();
    let decides = unjudged.iter().any(|r| r.severity == Severity::Error);
    html! {
        section #verdict aria-labelledby="verdict-title" {
            p .kicker { (w::REPORT) " · " (run.pipeline) }
            h1 #verdict-title .verdict .good[usable] .bad[!usable] {
                span .mark aria-hidden="true" { @if usable { "✓" } @else { "✕" } }
                @if usable { (w::USABLE) } @else { (w::NOT_USABLE) }
            }
            (lead(view, &total))
            (site_chips(view))
            @if run.public { p .public { strong { (w::PUBLIC) } " " (w::PUBLIC_MEANS.with(&[&int(run.small_cell)])) } }
            div .columns {
                (changes::section(view))
                div {
                    h2 { (w::MISSED) }
                    @if !hard.is_empty() { (limits(view, &hard)) } @else if !decides { p .fine { (w::MISSED_NONE) } }
                    @if !soft.is_empty() {
                        h3 { (w::MISSED_SOFT) }
                        (limits(view, &soft))
                    }
                    @if !unjudged.is_empty() {
                        h3 { (w::UNJUDGED) }
                        (left_open(view, &unjudged))
                    }
                }
                div {
                    h2 { (w::ASK) }
                    @if asked.is_empty() { p .fine { (w::ASK_NONE) } }
                    ol .asks {
                        @for reason in asked.iter().take(ASKED) { (question(view, reason)) }
                    }
                    @if asked.len() > ASKED {
                        p .note { a href="#asks" { (w::ASK_MORE.with(&[&int((asked.len() - ASKED) as u64)])) } }
                    }
                }
            }
            (facts(view))
        }
    }
}

/// The sums over all accounts.
pub fn total(accounts: &[Account]) -> Account {
    accounts.iter().fold(Account::default(), |mut sum, a| {
        sum.rows_read += a.rows_read;
        sum.rows_accepted += a.rows_accepted;
        sum.rows_quarantined += a.rows_quarantined;
        sum.rows_filtered += a.rows_filtered;
        sum.rows_deduplicated += a.rows_deduplicated;
        sum.rows_flagged += a.rows_flagged;
        sum
    })
}

fn lead(view: &View, total: &Account) -> Markup {
    if total.rows_read == 0 {
        return html! { p .lead { (w::NOTHING_READ) } };
    }
    let sites = view.run.sites.len() as u64;
    let sites = counted(sites, ["site", "sites"], ["centre", "centres"]);
    let part = |n| share(n, total.rows_read, 1);
    let left_out = total.rows_filtered + total.rows_deduplicated;
    html! {
        p .lead {
            (w::LEAD.with(&[&rows(total.rows_read), &sites, &int(total.rows_accepted), &part(total.rows_accepted)])) " "
            @if total.rows_quarantined > 0 {
                (w::LEAD_QUARANTINE.with(&[&rows(total.rows_quarantined), &part(total.rows_quarantined)]))
            } @else { (w::LEAD_NO_QUARANTINE) }
            @if left_out > 0 {
                " " (w::LEAD_OTHER.with(&[&rows(left_out), &int(total.rows_filtered), &int(total.rows_deduplicated)]))
            }
            @if total.rows_flagged > 0 { " " (w::LEAD_FLAGGED.with(&[&rows(total.rows_flagged)])) }
        }
    }
}

/// Results that miss a threshold: those that decide the verdict, and those that only warn.
fn missed_limits<'v>(view: &'v View) -> (Vec<&'v RuleResult>, Vec<&'v RuleResult>) {
    view.rules.iter().flat_map(|group| group.failures()).partition(|r| r.severity == Severity::Error)
}

fn limits(view: &View, results: &[&RuleResult]) -> Markup {
    let item = |result: &RuleResult| {
        html! {
            li {
                @if let Some(site) = &result.site { strong .tag { (site) } " " }
                a .quiet href={ "#" (id(result)) } { (missed(view, result)) }
            }
        }
    };
    html! {
        ul .limits { @for result in results.iter().take(LIMITS) { (item(result)) } }
        @if results.len() > LIMITS {
            p .note { a href="#rules&status=f" { (w::LIMITS_MORE.with(&[&int((results.len() - LIMITS) as u64)])) } }
        }
    }
}

/// Rules that could not be judged, those first without which a delivery does not pass.
fn left_open(view: &View, rules: &[&RuleResult]) -> Markup {
    let mut rules = rules.to_vec();
    rules.sort_by_key(|r| r.severity != Severity::Error);
    html! {
        ul .limits {
            @for rule in rules.iter().take(LIMITS) {
                li {
                    a .quiet href={ "#" (id(rule)) } { (title(view, Rule::of(rule))) }
                    @if rule.severity == Severity::Error { " " (w::UNJUDGED_DECIDES) }
                }
            }
        }
        @if rules.len() > LIMITS {
            p .note { a href="#rules&status=e" { (w::UNJUDGED_MORE.with(&[&int((rules.len() - LIMITS) as u64)])) } }
        }
    }
}

/// Each site with the number of limits it misses; the sites that miss some come first.
fn site_chips(view: &View) -> Markup {
    let (hard, soft) = missed_limits(view);
    let at =
        |site: &str, results: &[&RuleResult]| results.iter().filter(|r| r.site.as_deref() == Some(site)).count() as u64;
    let mut sites: Vec<(&str, u64, u64)> =
        view.run.sites.iter().map(|s| (s.as_str(), at(s, &hard), at(s, &soft))).collect();
    sites.sort_by_key(|(_, hard, soft)| (*hard == 0, *soft == 0));
    // Many sites without fault are one line: the first screen is for those that miss something.
    let fine = sites.iter().filter(|(_, hard, soft)| *hard + *soft == 0).count();
    if fine > FINE {
        sites.retain(|(_, hard, soft)| *hard + *soft > 0);
    }
    let others = sites.len().saturating_sub(MARKED);
    sites.truncate(MARKED);
    html! {
        ul .chips aria-label=(w::BY_SITE.en) data-fr-label=(w::BY_SITE.fr) {
            @for (site, hard, soft) in sites {
                li .good[hard == 0 && soft == 0] .bad[hard > 0] .warn[hard == 0 && soft > 0] {
                    span aria-hidden="true" { @if hard > 0 { "✕" } @else if soft > 0 { "!" } @else { "✓" } } " "
                    strong { @match asks::place(view, site) { Some(place) => a .quiet href=(place) { (site) }, None => (site) } } " "
                    @match (hard, soft) {
                        (0, 0) => (w::SITE_OK),
                        (0, n) => (w::SITE_WARNED.with(&[&int(n)])),
                        (1, _) => (w::SITE_MISSED_ONE.with(&[&int(1)])),
                        (n, _) => (w::SITE_MISSED.with(&[&int(n)])),
                    }
                }
            }
            @if others > 0 { li .warn { (w::SITES_MORE_MISS.with(&[&int(others as u64)])) } }
            @if fine > FINE {
                li .good { span aria-hidden="true" { "✓" } " " strong { (w::SITES_OK.with(&[&int(fine as u64)])) } }
            }
        }
    }
}

fn question(view: &View, reason: &SiteReason) -> Markup {
    let effect = if reason.severity == Severity::Error { w::ASK_QUARANTINE } else { w::ASK_WARNING };
    html! {
        li {
            strong .tag { (reason.site) } " " (finding_at(view, reason))
            @if let Some(example) = most_often(view, reason) { " " (example) }
            span .effect { (effect) }
        }
    }
}

/// The most frequent unknown code behind a reason about unknown codes.
pub fn most_often(view: &View, reason: &SiteReason) -> Option<Phrase> {
    if reason.rule != "unmapped" {
        return None;
    }
    let top = view.run.unmapped.iter().filter(|u| {
        u.value.is_some() && u.site == reason.site && u.table == reason.table && Some(u.field.as_str()) == reason.field
    });
    let top = top.max_by_key(|u| u.rows)?;
    let code = Phrase::same(top.value.clone().unwrap_or_default()).quoted();
    Some(w::MOST_OFTEN.with(&[&code, &rows(top.rows)]).capital().map(|t| format!("{t}.")))
}

fn facts(view: &View) -> Markup {
    let run = view.run;
    let schema = w::VERSION.with(&[&Phrase::same(&run.schema.name), &Phrase::same(&run.schema.version)]);
    let fact = |name: &dyn maud::Render, value: &Phrase| html! { div { dt { (name) } dd { (value) } } };
    html! {
        dl .facts {
            (fact(&w::RUN_ON, &moment(&run.started_at)))
            (fact(&w::TOOK, &duration(run.seconds)))
            (fact(&w::PIPELINE, &Phrase::same(&run.pipeline)))
            (fact(&w::SCHEMA, &schema))
            (fact(&w::TOOL, &Phrase::same(&run.tool)))
        }
        @if let Some(description) = Phrase::of(&run.schema.description) { p .note { (description) } }
    }
}
