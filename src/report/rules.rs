//! Rules by Kahn's three categories, what they found first.
//!
//! Each rule is one line that opens: what it asks, what was found in words, how many rows of how
//! many, the limit and the status. Rules that found nothing are folded away but not left out, and
//! rules without a single row to judge are set apart: they have not passed.

use maud::{Markup, html};

use super::findings::{Rule, finding_below_title, is_completeness, limit_short, title};
use super::svg;
use super::text::{Phrase, Wording, int, share};
use super::view::{RuleGroup, View, anchor};
use super::words as w;
use crate::execute::summary::{Category, RuleResult, RuleStatus, Severity};

/// The section.
pub fn section(view: &View) -> Markup {
    html! {
        section #rules aria-labelledby="rules-title" {
            h2 #rules-title { (w::RULES_TITLE) }
            p .intro { (w::RULES_LEAD) }
            (category(view, Category::Conformance, &w::CONFORMANCE, &w::ASKS_CONFORMANCE))
            (category(view, Category::Completeness, &w::COMPLETENESS, &w::ASKS_COMPLETENESS))
            (category(view, Category::Plausibility, &w::PLAUSIBILITY, &w::ASKS_PLAUSIBILITY))
        }
    }
}

fn category(view: &View, category: Category, name: &Wording, asks: &Wording) -> Markup {
    let with = |status: RuleStatus| -> Vec<&RuleGroup> {
        view.rules.iter().filter(|g| g.overall.category == category && g.worst() == status).collect()
    };
    let (failed, mut found) = (with(RuleStatus::Failed), with(RuleStatus::PassedWithFindings));
    let (passed, empty) = (with(RuleStatus::Passed), with(RuleStatus::NotApplicable));
    found.sort_by_key(|g| std::cmp::Reverse(g.overall.violated)); // stable
    let tally: Vec<Phrase> =
        [(&failed, w::TALLY_FAILED), (&found, w::TALLY_FINDINGS), (&passed, w::TALLY_PASSED), (&empty, w::TALLY_NA)]
            .into_iter()
            .filter(|(groups, _)| !groups.is_empty())
            .map(|(groups, wording)| wording.with(&[&int(groups.len() as u64)]))
            .collect();
    html! {
        div .category {
            h3 { (name) " " span .asks-what { (asks) } }
            p .muted { @if tally.is_empty() { (w::NO_RULES) } @else { (Phrase::join(&tally, " · ")) } }
            @for group in failed.iter().chain(&found) { (entry(view, group)) }
            (fold(view, &passed, &w::FOLD_PASSED_ONE, &w::FOLD_PASSED, &w::PASSED_TABLE))
            (fold(view, &empty, &w::FOLD_NA_ONE, &w::FOLD_NA, &w::NA_TABLE))
        }
    }
}

/// Rules with nothing to report, a line each: what they ask, of how many rows, and where.
fn fold(view: &View, groups: &[&RuleGroup], one: &Wording, many: &Wording, caption: &Wording) -> Markup {
    html! {
        @if !groups.is_empty() {
            details .fold {
                summary { ((if groups.len() == 1 { one } else { many }).with(&[&int(groups.len() as u64)])) }
                div .scroll tabindex="0" role="group" aria-label=(caption.en) data-fr-label=(caption.fr) {
                    table {
                        caption .sr { (caption) }
                        thead { tr {
                            th scope="col" { (w::RULE) }
                            th .n scope="col" { (w::JUDGED) }
                            th scope="col" { (w::WHERE) }
                        } }
                        tbody { @for group in groups { (folded(view, group)) } }
                    }
                }
            }
        }
    }
}

fn folded(view: &View, group: &RuleGroup) -> Markup {
    let all = group.overall.as_ref();
    let everywhere = group.sites.len() == view.run.sites.len();
    html! {
        tr #(id(all)) {
            th scope="row" {
                (title(view, Rule::of(all)))
                small {
                    code { @if let Some(field) = &all.field { (field) " · " } (all.rule) } " " (all.code)
                    @if let Some(expression) = &all.expression { " · " code { (expression) } }
                    @if let Some(t) = &all.threshold { " · " (limit_short(t)) }
                }
            }
            td .n { (int(all.denominator)) }
            td {
                @if everywhere { (w::ALL_SITES) } @else { (sites(&group.sites)) }
            }
        }
    }
}

fn id(result: &RuleResult) -> String {
    anchor("r", &[&result.table, result.field.as_deref().unwrap_or(""), &result.rule])
}

/// A status in words; its glyph comes with the class.
fn badge(status: RuleStatus) -> Markup {
    let (class, word) = match status {
        RuleStatus::Passed => ("good", w::PASSED),
        RuleStatus::PassedWithFindings => ("warn", w::WITH_FINDINGS),
        RuleStatus::Failed => ("bad", w::FAILED),
        RuleStatus::NotApplicable => ("none", w::NOT_APPLICABLE),
    };
    html! { span .badge .(class) { (word) } }
}

fn entry(view: &View, group: &RuleGroup) -> Markup {
    let all = group.overall.as_ref();
    let rule = Rule::of(all);
    let name = title(view, rule);
    html! {
        details .rule #(id(all)) {
            summary {
                (badge(group.worst()))
                span .what {
                    span .name { (name) }
                    @if all.violated > 0 { span .found { (finding_below_title(view, rule, all.violated)) } }
                }
                span .count {
                    @if all.denominator > 0 {
                        (w::OF.with(&[&int(all.violated), &int(all.denominator)]))
                        @if all.violated > 0 { small { (share(all.violated, all.denominator, 1)) } }
                    } @else { "–" }
                }
            }
            div .inside {
                (facts(view, all))
                @if !group.sites.is_empty() { (by_site(group, &name)) }
            }
        }
    }
}

fn facts(view: &View, result: &RuleResult) -> Markup {
    let counts_only = is_completeness(Rule::of(result)) || result.rule == "quarantine";
    let effect = match (counts_only, result.severity) {
        (true, Severity::Error) => w::EFFECT_VERDICT,
        (true, Severity::Warning) => w::EFFECT_REPORT,
        (false, Severity::Error) => w::EFFECT_QUARANTINE,
        (false, Severity::Warning) => w::EFFECT_FLAG,
    };
    html! {
        dl .facts {
            div { dt { (w::RULE) } dd { code { (result.rule) } " " span .muted { (result.code) } } }
            @if let Some(field) = &result.field {
                div .on-screen { dt { (w::FIELD) } dd {
                    (view.label(&result.table, field)) " " code { @if view.many_tables() { (result.table) "." } (field) }
                } }
            }
            @if let Some(expression) = &result.expression { div { dt { (w::CONDITION) } dd { code { (expression) } } } }
            div { dt { (w::LIMIT) } dd {
                @match &result.threshold { Some(t) => (limit_short(t)), None => (w::NO_LIMIT) }
            } }
            div .on-screen { dt { (w::EFFECT) } dd { (effect) } }
        }
    }
}

/// The sites with a finding or a missed limit in a table; the others in a line.
fn by_site(group: &RuleGroup, name: &Phrase) -> Markup {
    let worth = |r: &&RuleResult| r.violated > 0 || r.status == RuleStatus::Failed;
    let (found, quiet): (Vec<&RuleResult>, Vec<&RuleResult>) = group.sites.iter().copied().partition(worth);
    let (empty, clean): (Vec<&RuleResult>, Vec<&RuleResult>) = quiet.into_iter().partition(|r| r.denominator == 0);
    html! {
        @if !found.is_empty() { (sites_table(&found, name)) }
        @if !clean.is_empty() {
            p .note {
                (w::NO_VIOLATION) " "
                @for (i, r) in clean.iter().enumerate() {
                    @if i > 0 { ", " }
                    (r.site.as_deref().unwrap_or_default()) " (" (int(r.denominator)) ")"
                }
                "."
            }
        }
        @if !empty.is_empty() {
            p .note { (w::NOTHING_TO_JUDGE) " " (sites(&empty)) "." }
        }
    }
}

fn sites(results: &[&RuleResult]) -> String {
    results.iter().filter_map(|r| r.site.as_deref()).collect::<Vec<_>>().join(", ")
}

fn sites_table(results: &[&RuleResult], name: &Phrase) -> Markup {
    html! {
        table .by-site {
            caption .sr { (w::BY_SITE_TABLE.with(&[name])) }
            thead { tr {
                th scope="col" { (w::SITE) }
                th .n scope="col" { (w::VIOLATED) }
                th .n scope="col" { (w::SHARE) }
                th scope="col" { (w::STATUS) }
            } }
            tbody {
                @for r in results {
                    tr {
                        th scope="row" { (r.site.as_deref().unwrap_or_default()) }
                        td .n { (w::OF.with(&[&int(r.violated), &int(r.denominator)])) }
                        td .n { (share(r.violated, r.denominator, 1)) (svg::share_bar(r.violated, r.denominator)) }
                        td { (badge(r.status)) }
                    }
                }
            }
        }
    }
}
