//! Where every row went, per site and source, and the files it came from.
//!
//! The picture (`flow`) is drawn to one scale over all sites; the table beneath states the identity
//! `read = accepted + quarantined + filtered + deduplicated` in numbers and says whether it holds,
//! because a report that hides a lost row is worth nothing.

use maud::{Markup, html};

use super::text::{Phrase, bytes, int, share};
use super::verdict::total;
use super::view::View;
use super::words as w;
use super::{flow, steps};
use crate::execute::summary::{Account, FileSummary, SourceSummary};

/// The section.
pub fn section(view: &View) -> Markup {
    html! {
        section #rows aria-labelledby="rows-title" {
            h2 #rows-title { (w::ROWS_TITLE) }
            p .intro { (w::ROWS_LEAD) }
            (flow::figure(view))
            (table(view))
            @if view.run.accounts.iter().any(|a| !a.filters.is_empty()) { (filters(view)) }
            @if !view.run.steps.is_empty() { (steps::table(view)) }
            @if view.run.sources.iter().any(|s| !s.files.is_empty()) || !view.run.public { (files(view)) }
        }
    }
}

/// The site, and whatever tells its accounts apart.
fn name(view: &View, account: &Account) -> Phrase {
    let alone = view.run.accounts.iter().filter(|a| a.site == account.site).count() == 1;
    let mut parts = vec![Phrase::same(&account.site)];
    if !alone {
        parts.push(Phrase::same(&account.source));
        if view.many_tables() {
            parts.push(Phrase::same(&account.table));
        }
    }
    Phrase::join(&parts, " · ")
}

/// Whether no row is lost and none is counted twice.
fn adds_up(a: &Account) -> bool {
    a.rows_read == a.rows_accepted + a.rows_quarantined + a.rows_filtered + a.rows_deduplicated
}

fn table(view: &View) -> Markup {
    let accounts = &view.run.accounts;
    let total = total(accounts);
    let tables = view.many_tables();
    let numbers = |a: &Account| {
        html! {
            td .n { (int(a.rows_read)) }
            td .n .eq { (int(a.rows_accepted)) small { (share(a.rows_accepted, a.rows_read, 1)) } }
            td .n .plus { (int(a.rows_quarantined)) @if a.rows_quarantined > 0 { small { (share(a.rows_quarantined, a.rows_read, 1)) } } }
            td .n .plus { (int(a.rows_filtered)) }
            td .n .plus { (int(a.rows_deduplicated)) }
            td .n .apart { (int(a.rows_flagged)) }
            td .good[adds_up(a)] .bad[!adds_up(a)] {
                span aria-hidden="true" { @if adds_up(a) { "✓ " } @else { "✕ " } }
                @if adds_up(a) { (w::YES) } @else { (w::NO) }
            }
        }
    };
    html! {
        @for broken in accounts.iter().filter(|a| !adds_up(a)) {
            p .alarm role="alert" { (w::ROWS_BROKEN.with(&[&name(view, broken)])) }
        }
        div .scroll tabindex="0" role="group" aria-label=(w::ROWS_TITLE.en) data-fr-label=(w::ROWS_TITLE.fr) {
            table .accounts.sortable {
                caption { (w::ROWS_TABLE) }
                thead {
                    tr {
                        th scope="col" { (w::SITE) }
                        th scope="col" { (w::SOURCE) }
                        @if tables { th scope="col" { (w::TABLE) } }
                        th .n scope="col" { (w::READ) }
                        th .n .eq scope="col" { (w::ACCEPTED) }
                        th .n .plus scope="col" { (w::QUARANTINED) }
                        th .n .plus scope="col" { (w::FILTERED) }
                        th .n .plus scope="col" { (w::DEDUPLICATED) }
                        th .n .apart scope="col" { (w::FLAGGED) }
                        th scope="col" { (w::ADDS_UP) }
                    }
                }
                tbody {
                    @for a in accounts {
                        tr {
                            th scope="row" { (a.site) }
                            td { (a.source) }
                            @if tables { td { (a.table) } }
                            (numbers(a))
                        }
                    }
                }
                tfoot {
                    tr {
                        th scope="row" colspan=(if tables { 3 } else { 2 }) { (w::TOTAL) }
                        (numbers(&total))
                    }
                }
            }
        }
    }
}

fn filters(view: &View) -> Markup {
    let all = view.run.accounts.iter().flat_map(|a| a.filters.iter().map(move |f| (a, f)));
    html! {
        h3 { (w::FILTERS_TITLE) }
        div .scroll tabindex="0" role="group" aria-label=(w::FILTERS_TITLE.en) data-fr-label=(w::FILTERS_TITLE.fr) {
            table .filters.sortable {
                caption { (w::FILTERS_TABLE) }
                thead {
                    tr {
                        th scope="col" { (w::SITE) }
                        th scope="col" { (w::FILTER) }
                        th scope="col" { (w::FILTER_CONDITION) }
                        th .n scope="col" { (w::LEFT_OUT) }
                    }
                }
                tbody {
                    @for (account, filter) in all {
                        tr {
                            th scope="row" { (name(view, account)) }
                            td { (filter.filter) }
                            td { code { (filter.condition) } }
                            td .n { (int(filter.rows)) @if filter.rows > 0 { small { (share(filter.rows, account.rows_read, 1)) } } }
                        }
                    }
                }
            }
        }
    }
}

fn files(view: &View) -> Markup {
    html! {
        h3 { (w::FILES_TITLE) }
        div .scroll tabindex="0" role="group" aria-label=(w::FILES_TITLE.en) data-fr-label=(w::FILES_TITLE.fr) {
            table .files.sortable {
                caption { (w::FILES_TABLE) }
                thead {
                    tr {
                        th scope="col" { (w::SITE) }
                        th scope="col" { (w::FILE) }
                        th .n scope="col" { (w::ROWS) }
                        th .n scope="col" { (w::SIZE) }
                        th scope="col" { (w::FORMAT) }
                        th .n scope="col" { (w::BLANK) }
                        th .n scope="col" { (w::COMMENT) }
                        th scope="col" { (w::SHA) }
                    }
                }
                tbody {
                    @for source in &view.run.sources {
                        @for file in &source.files { (file_row(source, file)) }
                    }
                }
            }
        }
    }
}

fn file_row(source: &SourceSummary, file: &FileSummary) -> Markup {
    let (folder, base) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
    let read = w::DELIMITED_BY.with(&[
        &Phrase::same(&source.format),
        &Phrase::same(&file.encoding),
        &delimiter(&file.delimiter),
    ]);
    html! {
        tr {
            th scope="row" { (source.site) }
            td .path {
                span title=(file.path) { (base) }
                small {
                    @if !folder.is_empty() { (folder) "/ · " }
                    (w::MAPPING.with(&[&Phrase::same(&source.mapping)]))
                }
            }
            td .n { (int(file.rows)) }
            td .n data-k=(file.bytes) { (bytes(file.bytes)) }
            td {
                (read)
                @for evidence in &file.evidence { small { (evidence) } }
            }
            td .n { (int(file.blank_lines)) }
            td .n { (int(file.comment_lines)) }
            td { code title=(file.sha256) { (file.sha256.get(..12).unwrap_or(&file.sha256)) } }
        }
    }
}

/// A delimiter by its name.
fn delimiter(mark: &str) -> Phrase {
    match mark {
        "," => w::COMMA.phrase(),
        ";" => w::SEMICOLON.phrase(),
        "\t" | "\\t" | "tab" => w::TAB.phrase(),
        "|" => w::PIPE.phrase(),
        _ => Phrase::same(mark).quoted(),
    }
}
