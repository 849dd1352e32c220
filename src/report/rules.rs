//! Rules by Kahn's three categories, what they found first.
//!
//! Each rule is one line that opens: what it asks, what was found in words, how many rows of how
//! many, the way it went over earlier runs, and the status. Rules that found nothing are folded away
//! but not left out, and rules without a single row to judge, or that could not be judged, are set
//! apart: they have not passed. Search and filters are the script's; the words they need are here.

use maud::{Markup, html};

use super::findings::{Rule, finding_below_title, is_completeness, limit_short, measured as measured_as, title};
use super::text::{Phrase, Wording, int, share};
use super::view::{RuleGroup, View, anchor, letter};
use super::words as w;
use super::{svg, trend};
use crate::execute::summary::{Category, Measure, RuleResult, RuleStatus, Severity, YearResult};

/// The section.
pub fn section(view: &View) -> Markup {
    html! {
        section #rules aria-labelledby="rules-title" {
            h2 #rules-title { (w::RULES_TITLE) }
            p .intro { (w::RULES_LEAD) }
            (filters(view))
            (category(view, Category::Conformance, &w::CONFORMANCE, &w::ASKS_CONFORMANCE))
            (category(view, Category::Completeness, &w::COMPLETENESS, &w::ASKS_COMPLETENESS))
            (category(view, Category::Plausibility, &w::PLAUSIBILITY, &w::ASKS_PLAUSIBILITY))
        }
    }
}

/// The form over the rules; shown by the script, which keeps what is chosen in the address.
fn filters(view: &View) -> Markup {
    let option = |value: &str, words: &Wording| html! { option value=(value) data-fr-text=(words.fr) { (words.en) } };
    let status = |status: RuleStatus, words: &Wording| option(&letter(status).to_string(), words);
    html! {
        form #filters hidden role="search" aria-label=(w::FILTER_RULES.en) data-fr-label=(w::FILTER_RULES.fr) {
            label .wide { span { (w::SEARCH) } input type="search" name="q" autocomplete="off" spellcheck="false"; }
            label { span { (w::SITE) } select name="site" {
                (option("", &w::ALL_SITES_OPTION))
                @for site in &view.run.sites { option { (site) } }
            } }
            label { span { (w::STATUS) } select name="status" {
                (option("", &w::ANY))
                (status(RuleStatus::Failed, &w::FAILED))
                (status(RuleStatus::Error, &w::NOT_JUDGED))
                (status(RuleStatus::PassedWithFindings, &w::WITH_FINDINGS))
                (status(RuleStatus::Passed, &w::PASSED))
                (status(RuleStatus::NotApplicable, &w::NOT_APPLICABLE))
            } }
            label { span { (w::CATEGORY) } select name="category" {
                (option("", &w::ANY))
                (option("conformance", &w::CONFORMANCE))
                (option("completeness", &w::COMPLETENESS))
                (option("plausibility", &w::PLAUSIBILITY))
            } }
            label { span { (w::SEVERITY) } select name="severity" {
                (option("", &w::ANY))
                (option("error", &w::SEVERITY_ERROR))
                (option("warning", &w::SEVERITY_WARNING))
            } }
            button type="reset" { (w::CLEAR) }
            p role="status" data-en=(w::RULES_SHOWN.en) data-fr=(w::RULES_SHOWN.fr) {}
        }
    }
}

fn category(view: &View, category: Category, name: &Wording, asks: &Wording) -> Markup {
    let with = |status: RuleStatus| -> Vec<&RuleGroup> {
        view.rules.iter().filter(|g| g.overall.category == category && g.worst() == status).collect()
    };
    let (failed, unjudged) = (with(RuleStatus::Failed), with(RuleStatus::Error));
    let mut found = with(RuleStatus::PassedWithFindings);
    let (passed, empty) = (with(RuleStatus::Passed), with(RuleStatus::NotApplicable));
    found.sort_by_key(|g| std::cmp::Reverse(g.overall.violated)); // stable
    let tally: Vec<Phrase> = [
        (&failed, w::TALLY_FAILED),
        (&unjudged, w::TALLY_ERROR),
        (&found, w::TALLY_FINDINGS),
        (&passed, w::TALLY_PASSED),
        (&empty, w::TALLY_NA),
    ]
    .into_iter()
    .filter(|(groups, _)| !groups.is_empty())
    .map(|(groups, wording)| wording.with(&[&int(groups.len() as u64)]))
    .collect();
    html! {
        div .category data-category=(key(category)) {
            h3 { (name) " " span .asks-what { (asks) } }
            p .muted { @if tally.is_empty() { (w::NO_RULES) } @else { (Phrase::join(&tally, " · ")) } }
            @for group in failed.iter().chain(&unjudged).chain(&found) { (entry(view, group)) }
            (fold(view, &passed, &w::FOLD_PASSED_ONE, &w::FOLD_PASSED, &w::PASSED_TABLE))
            (fold(view, &empty, &w::FOLD_NA_ONE, &w::FOLD_NA, &w::NA_TABLE))
        }
    }
}

fn key(category: Category) -> &'static str {
    match category {
        Category::Conformance => "conformance",
        Category::Completeness => "completeness",
        Category::Plausibility => "plausibility",
    }
}

fn severity(result: &RuleResult) -> &'static str {
    if result.severity == Severity::Error { "error" } else { "warning" }
}

/// The variable that a rule is about, by the id it has in the matrix.
fn about(result: &RuleResult) -> Option<String> {
    result.field.as_deref().map(|field| anchor("v", &[&result.table, field]))
}

/// Rules with nothing to report, a line each: what they ask, of how many rows, and where.
fn fold(view: &View, groups: &[&RuleGroup], one: &Wording, many: &Wording, caption: &Wording) -> Markup {
    html! {
        @if !groups.is_empty() {
            details .fold {
                summary { ((if groups.len() == 1 { one } else { many }).with(&[&int(groups.len() as u64)])) }
                div .scroll tabindex="0" role="group" aria-label=(caption.en) data-fr-label=(caption.fr) {
                    table .sortable {
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
        tr #(id(all)) data-s=(view.statuses(group)) data-w=(letter(group.worst())) data-sev=(severity(all)) data-v=[about(all)] {
            th scope="row" {
                span .name { (title(view, Rule::of(all))) }
                small {
                    code { @if view.many_tables() { (all.table) " · " } @if let Some(field) = &all.field { (field) " · " } (all.rule) } " " (all.code)
                    @if let Some(expression) = &all.expression { " · " code { (expression) } }
                    @if let Some(t) = &all.threshold { " · " (limit_short(t)) }
                    @if let Some(dqd) = &all.dqd { " · " (w::DQD.with(&[&Phrase::same(dqd)])) }
                    @if let Some(reference) = &all.reference { " · " (reference) }
                }
                (trend::line(&view.past, group, true))
            }
            td .n { (int(all.denominator)) }
            td {
                @if everywhere { (w::ALL_SITES) } @else { (sites(&group.sites)) }
            }
        }
    }
}

/// The id of a rule, for links to it.
pub fn id(result: &RuleResult) -> String {
    anchor("r", &[&result.table, result.field.as_deref().unwrap_or(""), &result.rule])
}

/// A status in words; its glyph comes with the class.
fn badge(status: RuleStatus) -> Markup {
    let (class, word) = match status {
        RuleStatus::Passed => ("good", w::PASSED),
        RuleStatus::PassedWithFindings => ("warn", w::WITH_FINDINGS),
        RuleStatus::Failed => ("bad", w::FAILED),
        RuleStatus::NotApplicable => ("none", w::NOT_APPLICABLE),
        RuleStatus::Error => ("err", w::NOT_JUDGED),
    };
    html! { span .badge .(class) { (word) } }
}

fn entry(view: &View, group: &RuleGroup) -> Markup {
    let all = group.overall.as_ref();
    let rule = Rule::of(all);
    let name = title(view, rule);
    let judged = all.status != RuleStatus::Error;
    html! {
        details .rule #(id(all)) data-s=(view.statuses(group)) data-w=(letter(group.worst())) data-sev=(severity(all)) data-v=[about(all)] {
            summary {
                (badge(group.worst()))
                span .what {
                    span .name { (name) }
                    @if let Some(measure) = &all.measure { span .found { (measure_line(measure)) } }
                    @if judged && all.violated > 0 { span .found { (finding_below_title(view, rule, all.violated)) } }
                    @if let Some(why) = &all.error { span .found { (why) } }
                }
                span .went { (trend::line(&view.past, group, false)) }
                span .count {
                    @if let Some(measure) = &all.measure { (measured_as(measure.value)) }
                    @else if judged && all.denominator > 0 {
                        (w::OF.with(&[&int(all.violated), &int(all.denominator)]))
                        @if all.violated > 0 { small { (share(all.violated, all.denominator, 1)) } }
                    } @else { "–" }
                }
            }
            div .inside {
                (facts(view, all))
                @if !group.sites.is_empty() { (by_site(view, group, &name)) }
                @if !all.years.is_empty() { (years(&all.years, &name)) }
                (trend::table(&view.past, group, &view.run.started_at))
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
    // The description is the title of a rule without a name.
    let described = Phrase::of(&result.name).and_then(|_| Phrase::of(&result.description));
    html! {
        @if let Some(description) = described { p .describes { (description) } }
        dl .facts {
            div { dt { (w::RULE) } dd { code { (result.rule) } " " span .muted { (result.code) } } }
            @if let Some(field) = &result.field {
                div .on-screen { dt { (w::FIELD) } dd {
                    @if view.field(&result.table, field).is_some() {
                        a href={ "#" (anchor("v", &[&result.table, field])) } { (view.label(&result.table, field)) }
                    } @else { (view.label(&result.table, field)) }
                    " " code { @if view.many_tables() { (result.table) "." } (field) }
                } }
            } @else if view.many_tables() { div { dt { (w::TABLE) } dd { code { (result.table) } } } }
            @if let Some(expression) = &result.expression { div { dt { (w::CONDITION) } dd { code { (expression) } } } }
            @if let Some((name, value)) = result.measure.as_ref().map(measured) { div { dt { (name) } dd { (value) } } }
            @if result.measure.is_none() || result.threshold.is_some() { div { dt { (w::LIMIT) } dd {
                @match &result.threshold { Some(t) => (limit_short(t)), None => (w::NO_LIMIT) }
            } } }
            @if let Some(reference) = &result.reference { div { dt { (w::REFERENCE) } dd { (reference) } } }
            @if let Some(dqd) = &result.dqd { div { dt { "OHDSI DQD" } dd { code { (dqd) } } } }
            div .on-screen { dt { (w::EFFECT) } dd { (effect) } }
        }
    }
}

/// What was measured, by its name.
fn measured(measure: &Measure) -> (Phrase, Phrase) {
    let name = Phrase::of(&measure.name).map_or_else(|| w::MEASURED.phrase(), |n| n.capital());
    let limit = measure.limit.map(|limit| w::AT_MOST_SHORT.with(&[&measured_as(limit)]));
    let value = measured_as(measure.value);
    (name, limit.map_or(value.clone(), |limit| w::WITH_LIMIT.with(&[&value, &limit])))
}

fn measure_line(measure: &Measure) -> Phrase {
    let (name, value) = measured(measure);
    w::NAME_VALUE.with(&[&name, &value])
}

/// More sites without a violation than this are counted, not named.
const NAMED: usize = 12;

/// The sites with a finding, a missed limit or an error in a table; the others in a line.
fn by_site(view: &View, group: &RuleGroup, name: &Phrase) -> Markup {
    let worth = |r: &&RuleResult| r.violated > 0 || matches!(r.status, RuleStatus::Failed | RuleStatus::Error);
    let (found, quiet): (Vec<&RuleResult>, Vec<&RuleResult>) = group.sites.iter().copied().partition(worth);
    let (empty, clean): (Vec<&RuleResult>, Vec<&RuleResult>) = quiet.into_iter().partition(|r| r.denominator == 0);
    html! {
        @if !found.is_empty() {
            @if view.many_sites() { (many_sites(&found)) } @else { (sites_table(&found, name)) }
        }
        @if clean.len() > NAMED { p .note { (w::NO_VIOLATION_AT.with(&[&int(clean.len() as u64)])) } }
        @else if !clean.is_empty() {
            p .note {
                (w::NO_VIOLATION) " "
                @for (i, r) in clean.iter().enumerate() {
                    @if i > 0 { ", " }
                    (r.site.as_deref().unwrap_or_default())
                    " (" (int(r.denominator)) ")"
                }
                "."
            }
        }
        @if !empty.is_empty() {
            p .note { (w::NOTHING_TO_JUDGE) " " (sites(&empty)) "." }
        }
    }
}

/// Many sites: a table for each status, with nothing in a row but its numbers. On paper, only what was missed.
fn many_sites(results: &[&RuleResult]) -> Markup {
    html! {
        @for status in [RuleStatus::Failed, RuleStatus::Error, RuleStatus::PassedWithFindings, RuleStatus::Passed] {
            @let these: Vec<&RuleResult> = results.iter().copied().filter(|r| r.status == status).collect();
            @if !these.is_empty() {
                table .by-site.nums.sortable.screen[status != RuleStatus::Failed && status != RuleStatus::Error] {
                    caption { (badge(status)) }
                    thead { tr {
                        th scope="col" { (w::SITE) }
                        th scope="col" { (w::VIOLATED) }
                        th scope="col" { (w::JUDGED) }
                        th scope="col" { (w::SHARE) }
                        @if these.iter().any(|r| r.measure.is_some()) { th scope="col" { (w::MEASURED) } }
                    } }
                    tbody {
                        @for r in &these {
                            tr {
                                th { (r.site.as_deref().unwrap_or_default()) }
                                @match &r.error {
                                    Some(why) => td colspan="3" { (why) },
                                    None => {
                                        td { (int(r.violated).en) } td { (int(r.denominator).en) }
                                        td { (share(r.violated, r.denominator, 1).en) }
                                    }
                                }
                                @if let Some(m) = &r.measure { td { (measured_as(m.value).en) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn sites(results: &[&RuleResult]) -> String {
    results.iter().filter_map(|r| r.site.as_deref()).collect::<Vec<_>>().join(", ")
}

fn sites_table(results: &[&RuleResult], name: &Phrase) -> Markup {
    let measured = results.iter().any(|r| r.measure.is_some());
    html! {
        table .by-site.sortable {
            caption .sr { (w::BY_SITE_TABLE.with(&[name])) }
            thead { tr {
                th scope="col" { (w::SITE) }
                th .n scope="col" { (w::VIOLATED) }
                th .n scope="col" { (w::JUDGED) }
                th .n scope="col" { (w::SHARE) }
                @if measured { th .n scope="col" { (w::MEASURED) } }
                th scope="col" { (w::STATUS) }
            } }
            tbody {
                @for r in results {
                    tr {
                        th scope="row" { (r.site.as_deref().unwrap_or_default()) }
                        @if r.status == RuleStatus::Error { td .n { "–" } td .n { "–" } td .n { "–" } } @else {
                            td .n { (int(r.violated)) }
                            td .n { (int(r.denominator)) }
                            td .n { (share(r.violated, r.denominator, 1)) (svg::share_bar(r.violated, r.denominator)) }
                        }
                        @if measured { td .n { @if let Some(m) = &r.measure { (measured_as(m.value)) } @else { "–" } } }
                        td { (badge(r.status)) @if let Some(why) = &r.error { small { (why) } } }
                    }
                }
            }
        }
    }
}

/// The years that a rule was judged by.
fn years(years: &[YearResult], name: &Phrase) -> Markup {
    html! {
        table .by-site.sortable {
            caption { (w::BY_YEAR) span .sr { ": " (name) } }
            thead { tr {
                th scope="col" { (w::YEAR) }
                th .n scope="col" { (w::VIOLATED) }
                th .n scope="col" { (w::JUDGED) }
                th .n scope="col" { (w::SHARE) }
                th scope="col" { (w::STATUS) }
            } }
            tbody {
                @for y in years {
                    tr {
                        th scope="row" { (y.year) }
                        td .n { (int(y.violated)) }
                        td .n { (int(y.denominator)) }
                        td .n { (share(y.violated, y.denominator, 1)) }
                        td { (badge(y.status)) }
                    }
                }
            }
        }
    }
}
