//! What a study coordinator reads: one HTML page, and the same numbers as JSON.
//!
//! The page is drawn from a [`RunSummary`] and from nothing else, so that it can be drawn again from
//! `report.json`. It is one file that asks nothing of the network: styles, script and pictures are
//! inline, and its policy forbids the rest. Both languages are in it; without script it reads in
//! English. The same summary gives the same bytes.

mod accounting;
mod asks;
mod changes;
mod chart;
mod curve;
mod dictionary;
mod distributions;
mod endpoints;
mod findings;
mod flow;
mod matrix;
mod rules;
mod junit;
pub mod questions;
mod steps;
mod strips;
mod survival;
mod svg;
mod text;
mod trend;
mod unmapped;
mod verdict;
mod view;
mod words;

pub use junit::junit;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use self::text::{Phrase, Wording, int, moment};
use self::view::View;
use self::words as w;
use crate::execute::summary::RunSummary;

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";
const STYLE: &str = concat!(include_str!("style/page.css"), include_str!("style/figures.css"), include_str!("style/paper.css"));
/// Where the list of frequent words goes.
const WORDS: &str = "<!--words-->";
const SCRIPT: &str = concat!(
    "(() => {\n'use strict';\n",
    include_str!("script/language.js"),
    include_str!("script/address.js"),
    include_str!("script/tables.js"),
    include_str!("script/filters.js"),
    include_str!("script/matrix.js"),
    include_str!("script/start.js"),
    "})();\n"
);

/// `report.html`: the page, complete and self-contained.
pub fn html(summary: &RunSummary) -> String {
    let view = View::new(summary);
    let title = w::TITLE.with(&[&Phrase::same(&summary.pipeline)]);
    // A section without anything to say draws nothing, and the header does not name it.
    let sections: Vec<(&str, Wording, Markup)> = [
        ("#verdict", w::NAV_VERDICT, verdict::section(&view)),
        ("#rows", w::NAV_ROWS, accounting::section(&view)),
        ("#variables", w::NAV_VARIABLES, matrix::section(&view)),
        ("#rules", w::NAV_RULES, rules::section(&view)),
        ("#distributions", w::NAV_DISTRIBUTIONS, distributions::section(&view)),
        ("#followup", w::NAV_FOLLOW_UP, survival::section(&view)),
        ("#unmapped", w::NAV_UNMAPPED, unmapped::section(&view)),
        ("#asks", w::NAV_ASKS, asks::section(&view)),
    ]
    .into_iter()
    .filter(|(_, _, section)| !section.0.is_empty())
    .collect();
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
                (header(&summary.pipeline, &sections))
                main { @for (_, _, section) in &sections { (section) } }
                footer {
                    p { (w::FOOT.with(&[&Phrase::same(&summary.tool), &moment(&summary.started_at), &int(summary.small_cell)])) }
                }
                (PreEscaped(WORDS))
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    dictionary::lean(&dictionary::fold(&page.into_string(), WORDS))
}

/// `report.json`: the summary itself.
///
/// # Errors
/// When a number cannot be written as JSON; a bug of ours.
pub fn json(summary: &RunSummary) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(summary).map(|text| text + "\n")
}

fn header(pipeline: &str, sections: &[(&str, Wording, Markup)]) -> Markup {
    html! {
        header .top {
            span .brand { (pipeline) }
            nav aria-label=(w::SECTIONS.en) data-fr-label=(w::SECTIONS.fr) {
                ul { @for (target, name, _) in sections { li { a href=(target) { (name) } } } }
            }
            div .langs role="group" hidden aria-label=(w::LANGUAGE.en) data-fr-label=(w::LANGUAGE.fr) {
                button type="button" data-set-lang="en" aria-pressed="true" { span .always lang="en" { "English" } }
                button type="button" data-set-lang="fr" aria-pressed="false" { span .always lang="fr" { "Français" } }
            }
        }
    }
}
