//! How times to an event were derived, site by site.
//!
//! Two cohorts that call different things by one name cannot be compared, so the page says what each
//! site's endpoint counts, in the words that also stand in the files.

use maud::{Markup, html};

use super::text::Phrase;
use super::view::View;
use super::words as w;
use crate::execute::summary::EndpointSummary;

/// The part; nothing where no site derives an endpoint.
pub fn part(view: &View) -> Markup {
    let all = &view.run.endpoints;
    html! {
        @if !all.is_empty() {
            div #endpoints {
                h3 { (w::ENDPOINTS_TITLE) }
                p .intro { (w::ENDPOINTS_LEAD) }
                div .scroll tabindex="0" role="group" aria-label=(w::ENDPOINTS_TITLE.en) data-fr-label=(w::ENDPOINTS_TITLE.fr) {
                    table .gaps {
                        caption { (w::ENDPOINTS_TABLE) }
                        thead { tr {
                            th scope="col" { (w::SITE) }
                            th scope="col" { (w::ENDPOINT) }
                            th scope="col" { (w::VARIABLE) }
                            th scope="col" { (w::DERIVED_AS) }
                        } }
                        tbody { @for one in all { (row(view, one)) } }
                    }
                }
            }
        }
    }
}

fn row(view: &View, one: &EndpointSummary) -> Markup {
    html! {
        tr {
            th scope="row" { (one.site) }
            td .nowrap {
                code { @if view.many_tables() { (one.table) "." } (one.name) }
                @if let Some(definition) = &one.definition { br; span .muted { (definition) } }
            }
            td { @for (at, field) in one.fields.iter().enumerate() { @if at > 0 { br; } code { (field) } } }
            td { (Phrase::of(&one.words).unwrap_or_default()) }
        }
    }
}
