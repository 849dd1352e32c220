//! Site × variable: what each site delivers, and why not where it does not.
//!
//! A missing value, a variable the hospital can never measure and a variable nobody has mapped yet
//! are three different conversations with a site. So each has its own mark (glyph, pattern and word,
//! never colour alone), and the reason a site gave stands both behind its cell and in a list beneath,
//! where it can be read on paper and without script. What else is behind a cell (its distribution,
//! rules and unknown codes) is on this page already: the script brings it together.

use maud::{Markup, html};

use super::findings::{kind, range};
use super::text::{Phrase, Wording, share};
use super::view::{View, anchor, unit_of};
use super::words as w;
use crate::execute::summary::{FieldSummary, TableSummary, Variable, VariableState};

/// The section.
pub fn section(view: &View) -> Markup {
    html! {
        section #variables .wide[view.many_sites()] aria-labelledby="variables-title" {
            h2 #variables-title { (w::MATRIX_TITLE) }
            p .intro { (w::MATRIX_LEAD) }
            (legend())
            form #finder hidden role="search" aria-label=(w::FIND_VARIABLE.en) data-fr-label=(w::FIND_VARIABLE.fr) {
                label .wide { span { (w::FIND_VARIABLE) } input type="search" name="v" autocomplete="off" spellcheck="false"; }
            }
            div .with-panel {
                div {
                    @for table in &view.run.schema.tables {
                        @if view.many_tables() { h3 { (w::TABLE) " " code { (table.name) } } }
                        (matrix(view, table))
                    }
                }
                (panel())
            }
            (gaps(view))
        }
    }
}

/// Where the script shows what is behind a cell, and the words it needs for that.
fn panel() -> Markup {
    html! {
        aside #panel aria-labelledby="panel-title" {
            div .panel-head {
                h3 #panel-title tabindex="-1" { (w::PANEL) }
                button type="button" #panel-close hidden aria-label=(w::CLOSE.en) data-fr-label=(w::CLOSE.fr) { "✕" }
            }
            div #panel-body { p .muted { (w::PANEL_HINT) } }
            @for (kind, words) in [
                ("some", w::FILLED_OF), ("none", w::NO_ROWS), ("imp", w::CELL_IMPOSSIBLE),
                ("und", w::CELL_UNDETERMINED), ("nom", w::CELL_NOT_MAPPED),
            ] { template data-for=(kind) { p { (words) } } }
            template data-for="link" { p { a { (w::SEE_DISTRIBUTION) } } }
            template data-for="rules" { h4 { (w::CELL_RULES) } ul .plain {} }
            template data-for="norules" { p .muted { (w::CELL_NO_RULES) } }
            template data-for="unmapped" { h4 { (w::CELL_UNMAPPED) } ul .plain {} }
            template data-for="chart" { h4 { (w::DISTRIBUTION) } div {} }
            @for (letter, class, words) in [
                ("p", "good", w::PASSED), ("w", "warn", w::WITH_FINDINGS), ("f", "bad", w::FAILED),
                ("n", "none", w::NOT_APPLICABLE), ("e", "err", w::NOT_JUDGED),
            ] { template data-for={ "status-" (letter) } { span .badge.(class) { (words) } } }
        }
    }
}

/// Class, glyph and word of a state without values.
fn mark(state: VariableState) -> Option<(&'static str, &'static str, Wording)> {
    match state {
        VariableState::Derived => None,
        VariableState::Impossible => Some(("imp", "✕", w::IMPOSSIBLE)),
        VariableState::Undetermined => Some(("und", "?", w::UNDETERMINED)),
        VariableState::NotMapped => Some(("nom", "–", w::NOT_MAPPED)),
    }
}

/// The step of the colour scale, 0 to 10; only what is complete reaches 10.
fn step(filled: u64, rows: u64) -> u64 {
    filled.saturating_mul(10).checked_div(rows).unwrap_or(0)
}

fn legend() -> Markup {
    let entry = |state: VariableState, meaning: &Wording| {
        let (class, glyph, word) = mark(state)?;
        Some(html! {
            li {
                span .cell .key .(class) aria-hidden="true" { (glyph) }
                span { strong { (word) } " " (meaning) }
            }
        })
    };
    html! {
        ul .legend aria-label=(w::LEGEND.en) data-fr-label=(w::LEGEND.fr) {
            li {
                span .ramp aria-hidden="true" { @for step in [0, 2, 4, 6, 8, 10] { i .(format!("f{step}")) {} } }
                span { (w::MEANING_FILLED) }
            }
            @for part in [
                entry(VariableState::Impossible, &w::MEANING_IMPOSSIBLE),
                entry(VariableState::Undetermined, &w::MEANING_UNDETERMINED),
                entry(VariableState::NotMapped, &w::MEANING_NOT_MAPPED),
            ].into_iter().flatten() { (part) }
            li { span .req aria-hidden="true" { "*" } span { (w::MEANING_REQUIRED) } }
        }
    }
}

fn matrix(view: &View, table: &TableSummary) -> Markup {
    html! {
        div .scroll tabindex="0" role="group" aria-label=(w::MATRIX_TABLE.en) data-fr-label=(w::MATRIX_TABLE.fr) {
            table .matrix.nums {
                caption { (w::MATRIX_TABLE) }
                thead {
                    tr {
                        th scope="col" { (w::VARIABLE) }
                        @for site in &view.run.sites {
                            th .site scope="col" data-rows=(rows_of(view, table, site)) { span { (site) } }
                        }
                    }
                }
                tbody {
                    @for field in &table.fields {
                        tr #(anchor("v", &[&table.name, &field.name])) {
                            (heading(view, table, field))
                            @for site in &view.run.sites { (cell(view, table, field, site)) }
                        }
                    }
                }
            }
        }
    }
}

/// The accepted rows of a table at a site: the same for each of its fields.
fn rows_of(view: &View, table: &TableSummary, site: &str) -> u64 {
    table.fields.iter().find_map(|f| view.variable(&table.name, &f.name, site)).map_or(0, |v| v.rows)
}

/// The variable: its label and unit in view, all the schema says of it behind a click.
fn heading(view: &View, table: &TableSummary, field: &FieldSummary) -> Markup {
    let label = view.label(&table.name, &field.name);
    let unit = unit_of(field);
    let hover = unit.as_ref().map_or_else(
        || label.clone(),
        |u| Phrase::new(format!("{} ({})", label.en, u.en), format!("{} ({})", label.fr, u.fr)),
    );
    html! {
        th scope="row" {
            button .var type="button" title=(hover.en) data-fr-title=(hover.fr) {
                span .name { (label) @if field.required { span .req title=(w::REQUIRED.en) data-fr-title=(w::REQUIRED.fr) { " *" } } }
                span .meta { code { (field.name) } @if let Some(unit) = &unit { " · " (unit) } }
            }
            template { (about(field)) }
        }
    }
}

fn about(field: &FieldSummary) -> Markup {
    let labels: Vec<Phrase> = field
        .values
        .iter()
        .map(|v| match Phrase::of(&v.label) {
            Some(label) => Phrase::new(format!("{} ({})", label.en, v.value), format!("{} ({})", label.fr, v.value)),
            None => Phrase::same(&v.value),
        })
        .collect();
    html! {
        ul {
            li { (w::KIND.with(&[&kind(&field.kind)])) @if field.required { ", " (w::REQUIRED) } }
            @if let Some(unit) = unit_of(field) {
                li {
                    (w::UNIT.with(&[&unit]))
                    @if let Some(ucum) = field.unit.as_deref().filter(|u| *u != unit.en) { " (" code { (ucum) } ")" }
                }
            }
            @if let Some(range) = range(field) { li { (w::ALLOWED.with(&[&range])) } }
            @if !labels.is_empty() { li { (w::VALUES.with(&[&Phrase::join(&labels, ", ")])) } }
            @for (system, code) in &field.concept { li { (w::CONCEPT.with(&[&Phrase::same(format!("{system} {code}"))])) } }
        }
    }
}

fn cell(view: &View, table: &TableSummary, field: &FieldSummary, site: &str) -> Markup {
    let Some(variable) = view.variable(&table.name, &field.name, site) else {
        return html! { td .nom { span aria-hidden="true" { "·" } span .sr { (w::NO_DATA) } } };
    };
    match mark(variable.state) {
        Some((class, _, word)) => html! {
            td { button .(class) title=[variable.reason.as_deref()] { (word) } }
        },
        None => html! {
            td { button .(format!("f{}", step(variable.filled, variable.rows))) data-n=(variable.filled) { (share(variable.filled, variable.rows, 0).en) } }
        },
    }
}

/// Variables absent for the same reason share a line, and so do sites that lack the same ones.
struct Gap<'a> {
    sites: Vec<&'a str>,
    variables: Vec<&'a Variable>,
}

fn gap_lines<'a>(view: &View<'a>) -> Vec<Gap<'a>> {
    let mut lines: Vec<Gap> = Vec::new();
    for v in view.run.variables.iter().filter(|v| v.state != VariableState::Derived) {
        let same = |gap: &&mut Gap| {
            let first = gap.variables[0];
            first.site == v.site && first.state == v.state && first.reason == v.reason
        };
        match lines.iter_mut().find(same) {
            Some(gap) => gap.variables.push(v),
            None => lines.push(Gap { sites: vec![&v.site], variables: vec![v] }),
        }
    }
    let mut merged: Vec<Gap> = Vec::new();
    for gap in lines {
        let what = |g: &Gap<'a>| {
            let first = g.variables[0];
            (first.state, first.reason.clone(), g.variables.iter().map(|v| (&v.table, &v.field)).collect::<Vec<_>>())
        };
        match merged.iter_mut().find(|g| what(g) == what(&gap)) {
            Some(same) => same.sites.extend(gap.sites),
            None => merged.push(gap),
        }
    }
    merged
}

fn gaps(view: &View) -> Markup {
    let lines = gap_lines(view);
    html! {
        h3 { (w::GAPS_TITLE) }
        @if lines.is_empty() { p .fine { (w::GAPS_NONE) } } @else {
            div .scroll tabindex="0" role="group" aria-label=(w::GAPS_TITLE.en) data-fr-label=(w::GAPS_TITLE.fr) {
                table .gaps {
                    caption { (w::GAPS_TABLE) }
                    thead { tr {
                        th scope="col" { (w::SITE) }
                        th scope="col" { (w::VARIABLE) }
                        th scope="col" { (w::STATE) }
                        th scope="col" { (w::REASON) }
                    } }
                    tbody {
                        @for Gap { sites, variables: all } in &lines {
                            @let first = all[0];
                            tr {
                                th scope="row" { (sites.join(", ")) }
                                td { (Phrase::join(&all.iter().map(|v| view.label(&v.table, &v.field)).collect::<Vec<_>>(), ", ")) }
                                td .nowrap {
                                    @if let Some((class, glyph, word)) = mark(first.state) {
                                        span .cell .key .(class) aria-hidden="true" { (glyph) } " " (word)
                                    }
                                }
                                td { @if let Some(reason) = &first.reason { (reason) } @else { (w::MEANING_NOT_MAPPED) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
