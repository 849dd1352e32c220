//! What a study coordinator reads: one HTML page, and the same numbers as JSON.
//!
//! The page is drawn from a [`RunSummary`] and from nothing else, so that it can be drawn again from
//! `report.json`. It is one file that asks nothing of the network: styles, script and pictures are
//! inline, and its policy forbids the rest. Both languages are in it; without script it reads in
//! English. The same summary gives the same bytes.

mod accounting;
mod dictionary;
mod distributions;
mod endpoints;
mod findings;
mod matrix;
mod rules;
mod steps;
mod svg;
mod text;
mod unmapped;
mod verdict;
mod view;
mod words;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use self::text::{Phrase, int, moment};
use self::view::View;
use self::words as w;
use crate::execute::summary::{RunSummary, SMALL_CELL};

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";
const STYLE: &str = include_str!("style.css");
/// Where the list of frequent words goes.
const WORDS: &str = "<!--words-->";
const SCRIPT: &str = include_str!("page.js");

/// `report.html`: the page, complete and self-contained.
pub fn html(summary: &RunSummary) -> String {
    let view = View::new(summary);
    let title = w::TITLE.with(&[&Phrase::same(&summary.pipeline)]);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content=(summary.tool);
                title data-fr=(title.fr) { (title.en) }
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body {
                a .skip href="#verdict" { (w::SKIP) }
                (svg::patterns())
                (header(&summary.pipeline))
                main {
                    (verdict::section(&view))
                    (accounting::section(&view))
                    (matrix::section(&view))
                    (endpoints::section(&view))
                    (rules::section(&view))
                    (unmapped::section(&view))
                    (distributions::section(&view))
                }
                footer {
                    p { (w::FOOT.with(&[&Phrase::same(&summary.tool), &moment(&summary.started_at), &int(SMALL_CELL)])) }
                }
                (PreEscaped(WORDS))
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    dictionary::fold(&page.into_string(), WORDS)
}

/// `report.json`: the summary itself.
///
/// # Errors
/// When a number cannot be written as JSON; a bug of ours.
pub fn json(summary: &RunSummary) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(summary).map(|text| text + "\n")
}

fn header(pipeline: &str) -> Markup {
    let sections = [
        ("#verdict", w::NAV_VERDICT),
        ("#rows", w::NAV_ROWS),
        ("#variables", w::NAV_VARIABLES),
        ("#rules", w::NAV_RULES),
        ("#unmapped", w::NAV_UNMAPPED),
        ("#distributions", w::NAV_DISTRIBUTIONS),
    ];
    html! {
        header .top {
            span .brand { (pipeline) }
            nav aria-label=(w::SECTIONS.en) data-fr-label=(w::SECTIONS.fr) {
                ul { @for (target, name) in sections { li { a href=(target) { (name) } } } }
            }
            div .langs role="group" hidden aria-label=(w::LANGUAGE.en) data-fr-label=(w::LANGUAGE.fr) {
                button type="button" data-set-lang="en" aria-pressed="true" { span .always lang="en" { "English" } }
                button type="button" data-set-lang="fr" aria-pressed="false" { span .always lang="fr" { "Français" } }
            }
        }
    }
}
