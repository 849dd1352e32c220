//! Codes in the exports that no map knows, by the rows they touch.
//!
//! This is the work list of whoever keeps the mappings. Codes seen in few rows are not here: the
//! summary already holds them as one sum without a value, since a rare spelling can name a person.

use std::cmp::Reverse;

use maud::{Markup, html};

use super::svg;
use super::text::{Phrase, Wording, int, rows};
use super::view::{View, cell_anchor};
use super::words as w;
use crate::execute::summary::Unmapped;

/// The section.
pub fn section(view: &View) -> Markup {
    let (shown, hidden): (Vec<&Unmapped>, Vec<&Unmapped>) = view.run.unmapped.iter().partition(|u| u.value.is_some());
    let sorted = |mut list: Vec<&'_ Unmapped>| {
        list.sort_by_key(|u| Reverse(u.rows)); // stable: the summary's order among equals
        list.into_iter().cloned().collect::<Vec<_>>()
    };
    let (shown, hidden) = (sorted(shown), sorted(hidden));
    let rare: u64 = hidden.iter().map(|u| u.rows).sum();
    if view.run.public && view.run.unmapped.is_empty() {
        return html! {};
    }
    html! {
        section #unmapped aria-labelledby="unmapped-title" {
            h2 #unmapped-title { (w::UNMAPPED_TITLE) }
            p .intro { @if shown.is_empty() && rare == 0 { (w::UNMAPPED_NONE) } @else { (w::UNMAPPED_LEAD) } }
            @if !shown.is_empty() { (table(view, &shown)) }
            @if rare > 0 {
                p .note { (w::UNMAPPED_HIDDEN.with(&[&rows(rare), &int(view.run.small_cell)])) }
                p .note { (w::UNMAPPED_SOME.with(&[&places(view, &hidden)])) }
            }
        }
    }
}

fn table(view: &View, shown: &[Unmapped]) -> Markup {
    let most = shown.first().map_or(0, |u| u.rows);
    html! {
        div .scroll tabindex="0" role="group" aria-label=(w::UNMAPPED_TITLE.en) data-fr-label=(w::UNMAPPED_TITLE.fr) {
            table .unmapped.sortable {
                caption { (w::UNMAPPED_TABLE) }
                thead { tr {
                    th .n scope="col" { (w::ROWS_AFFECTED) }
                    th scope="col" { (w::RAW_CODE) }
                    th scope="col" { (w::SITE) }
                    th scope="col" { (w::VARIABLE) }
                    th scope="col" { (w::COLUMN) }
                } }
                tbody {
                    @for u in shown {
                        tr data-cell=(cell_anchor(&u.table, &u.field, &u.site)) {
                            td .n { (int(u.rows)) (svg::share_bar(u.rows, most)) }
                            th scope="row" { (code(u.value.as_deref().unwrap_or_default())) }
                            td { (u.site) }
                            td { (view.label(&u.table, &u.field)) " " code { @if view.many_tables() { (u.table) "." } (u.field) } }
                            td { code { (u.column) } }
                        }
                    }
                }
            }
        }
    }
}

fn code(value: &str) -> Markup {
    html! { @if value.trim().is_empty() { span .muted { (w::EMPTY_CODE) } } @else { code .raw { (value) } } }
}

/// Where the hidden codes are: site, variable and rows.
fn places(view: &View, hidden: &[Unmapped]) -> Phrase {
    const PLACE: Wording = Wording { en: "{0}, {1}: {2}", fr: "{0}, {1} : {2}" };
    let all: Vec<Phrase> = hidden
        .iter()
        .map(|u| PLACE.with(&[&Phrase::same(&u.site), &view.label(&u.table, &u.field).quoted(), &rows(u.rows)]))
        .collect();
    Phrase::join(&all, "; ").map(|text| format!("{text}."))
}
