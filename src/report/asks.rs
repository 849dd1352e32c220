//! What to ask each site: the letter to write, with the numbers and the files to send.
//!
//! Everything a site can mend stands under its name: rows in quarantine first, flagged ones next,
//! then the variables nobody knows about yet. A question is sent as a workbook; what became of
//! those of earlier runs is counted here.

use maud::{Markup, html};

use super::findings::{finding_at, question_rule};
use super::text::{Phrase, int};
use super::verdict::most_often;
use super::view::{SiteReason, View, anchor};
use super::words as w;
use crate::execute::summary::{RunSummary, Severity, SiteQueries, Variable, VariableState};

/// Findings said for a site; where sites are many, fewer.
const SAID: usize = 12;
const SAID_OF_MANY: usize = 5;

/// What there is to ask a site.
struct Letter<'a> {
    site: &'a str,
    reasons: Vec<SiteReason<'a>>,
    unknown: Vec<&'a Variable>,
    queries: Option<&'a SiteQueries>,
}

/// The section; nothing in a page for everybody that has no questions.
pub fn section(view: &View) -> Markup {
    let letters = letters(view);
    if letters.is_empty() && view.run.public {
        return html! {};
    }
    html! {
        section #asks aria-labelledby="asks-title" {
            h2 #asks-title { (w::ASKS_TITLE) }
            @if letters.is_empty() { p .fine { (w::ASK_NONE) } } @else {
                p .intro { (w::ASKS_LEAD) }
                @if !view.run.queries.is_empty() { (counts(view)) }
                @for letter in &letters { (one(view, letter)) }
            }
        }
    }
}

fn letters<'a>(view: &View<'a>) -> Vec<Letter<'a>> {
    let reasons = view.questions();
    let of = |site: &'a String| Letter {
        site,
        reasons: reasons.iter().filter(|r| r.site == site).copied().collect(),
        unknown: view.run.variables.iter().filter(|v| v.site == *site && v.state == VariableState::Undetermined).collect(),
        queries: view.run.queries.iter().find(|q| q.site == *site),
    };
    // Either nobody is asked anything, or every site has its place, so that a link to it leads somewhere.
    if view.asks { view.run.sites.iter().map(of).collect() } else { Vec::new() }
}

/// Where a site's letter is; nothing where nobody is asked anything.
pub fn place(view: &View, site: &str) -> Option<String> {
    view.asks.then(|| format!("#{}", anchor("site", &[site])))
}

/// Whether any site is asked anything.
pub fn any(run: &RunSummary) -> bool {
    !run.reasons.is_empty()
        || run.variables.iter().any(|v| v.state == VariableState::Undetermined)
        || run.queries.iter().any(|q| q.new + q.open + q.closed > 0)
}

/// The questions as numbers, site by site.
fn counts(view: &View) -> Markup {
    let row = |q: &SiteQueries| {
        html! { td .n { (int(q.new)) } td .n { (int(q.open)) } td .n { (int(q.answered)) } td .n { (int(q.closed)) } }
    };
    let all = view.run.queries.iter().fold(SiteQueries::default(), |mut sum, q| {
        sum.new += q.new;
        sum.open += q.open;
        sum.answered += q.answered;
        sum.closed += q.closed;
        sum
    });
    html! {
        div .scroll tabindex="0" role="group" aria-label=(w::QUERIES_TABLE.en) data-fr-label=(w::QUERIES_TABLE.fr) {
            table .queries.sortable {
                caption { (w::QUERIES_TABLE) }
                thead { tr {
                    th scope="col" { (w::SITE) }
                    th .n scope="col" { (w::QUERIES_NEW) }
                    th .n scope="col" { (w::QUERIES_OPEN) }
                    th .n scope="col" { (w::QUERIES_ANSWERED) }
                    th .n scope="col" { (w::QUERIES_CLOSED) }
                } }
                tbody { @for q in &view.run.queries { tr { th scope="row" { (q.site) } (row(q)) } } }
                @if view.run.queries.len() > 1 { tfoot { tr { th scope="row" { (w::TOTAL) } (row(&all)) } } }
            }
        }
        p .note { (w::QUERIES_MEAN) }
    }
}

fn one(view: &View, letter: &Letter) -> Markup {
    let said = if view.many_sites() { SAID_OF_MANY } else { SAID };
    let unknown: Vec<Phrase> = letter.unknown.iter().map(|v| view.label(&v.table, &v.field)).collect();
    html! {
        details .letter #(anchor("site", &[letter.site])) open[!view.many_sites() && !letter.reasons.is_empty()] {
            summary {
                h3 { (letter.site) }
                span .muted { (tally(letter)) }
            }
            @if letter.queries.is_some_and(|q| q.new + q.open > 0) {
                p {
                    (w::QUERIES_SEND) " " code { "queries/" (letter.site) "/queries.xlsx" } ", "
                    code { "queries/" (letter.site) "/queries.csv" } "."
                }
            }
            @if !letter.reasons.is_empty() {
                ol .asks { @for reason in letter.reasons.iter().take(said) { (question(view, reason)) } }
            }
            @if letter.reasons.len() > said { p .note { (w::ASKS_MORE.with(&[&int((letter.reasons.len() - said) as u64)])) } }
            @if !unknown.is_empty() { p { (w::ASK_UNKNOWN.with(&[&Phrase::join(&unknown, ", ")])) } }
        }
    }
}

fn tally(letter: &Letter) -> Phrase {
    let (hard, soft): (Vec<&SiteReason>, Vec<&SiteReason>) =
        letter.reasons.iter().partition(|r| r.severity == Severity::Error);
    let parts = [(w::TALLY_QUARANTINE, hard.len()), (w::TALLY_FLAGGED, soft.len()), (w::TALLY_UNKNOWN, letter.unknown.len())];
    let told: Vec<Phrase> =
        parts.iter().filter(|(_, n)| *n > 0).map(|(wording, n)| wording.with(&[&int(*n as u64)])).collect();
    if told.is_empty() { w::NOTHING_TO_ASK.phrase() } else { Phrase::join(&told, " · ") }
}

fn question(view: &View, reason: &SiteReason) -> Markup {
    let effect = if reason.severity == Severity::Error { w::ASK_QUARANTINE } else { w::ASK_WARNING };
    html! {
        li {
            @if let Some(group) = question_rule(view, reason) {
                a .quiet href={ "#" (super::rules::id(&group.overall)) } { (finding_at(view, reason)) }
            } @else { (finding_at(view, reason)) }
            @if let Some(example) = most_often(view, reason) { " " (example) }
            span .effect { (effect) }
        }
    }
}
