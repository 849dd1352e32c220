//! How each variable's values are distributed, site beside site.
//!
//! All charts of a variable share one axis. A unit mix-up, another coding or a different population
//! then shows as a shape that does not match its neighbours. Sites that do not deliver the variable
//! keep their place. Where sites are many, they stand beneath each other and fold away.

use maud::{Markup, html};

use super::chart::{self, Scale, drawable, veiled};
use super::findings::range;
use super::strips::{self, AtSite};
use super::text::{Phrase, Wording, decimal, decimals, int, plain};
use super::view::{View, anchor, unit_of};
use super::words as w;
use crate::execute::summary::{Distribution, FieldSummary, Variable, VariableState};

/// The section.
pub fn section(view: &View) -> Markup {
    let mut drawn = Vec::new();
    let mut left_out = Vec::new();
    for table in &view.run.schema.tables {
        for field in &table.fields {
            let sites: Vec<AtSite> =
                view.run.sites.iter().map(|s| (s.as_str(), view.variable(&table.name, &field.name, s))).collect();
            if sites.iter().any(|(_, v)| v.is_some_and(|v| drawable(v).is_some())) {
                drawn.push((table.name.as_str(), field, sites));
            } else {
                left_out.push(view.label(&table.name, &field.name));
            }
        }
    }
    if view.run.public && drawn.is_empty() {
        return html! {};
    }
    let hides = view.run.variables.iter().any(|v| drawable(v).is_some_and(veiled));
    html! {
        section #distributions aria-labelledby="distributions-title" {
            h2 #distributions-title { (w::DISTRIBUTIONS_TITLE) }
            @if drawn.is_empty() { p .intro { (w::DISTRIBUTIONS_NONE) } }
            @else if view.many_sites() { p .intro { (w::DISTRIBUTIONS_LEAD_MANY) } }
            @else { p .intro { (w::DISTRIBUTIONS_LEAD) } }
            @if hides {
                p .note {
                    svg .key width="18" height="12" aria-hidden="true" focusable="false" { rect .veiled width="18" height="12" {} } " "
                    (w::VEILED_MEANS.with(&[&int(view.run.small_cell)]))
                }
            }
            @for (table, field, sites) in &drawn {
                @if view.many_sites() { (beneath(view, table, field, sites)) } @else { (beside(view, table, field, sites)) }
            }
            @if !left_out.is_empty() { p .note { (w::NOT_DRAWN.with(&[&Phrase::join(&left_out, ", ")])) } }
        }
    }
}

fn scale(field: &FieldSummary, sites: &[AtSite], most: Option<usize>) -> Scale {
    let all: Vec<&Variable> = sites.iter().filter_map(|(_, v)| *v).collect();
    Scale::over(&all, field, most)
}

/// Few sites: a chart for each, side by side.
fn beside(view: &View, table: &str, field: &FieldSummary, sites: &[AtSite]) -> Markup {
    let scale = scale(field, sites, None);
    let id = anchor("d", &[table, &field.name]);
    let title = format!("{id}-title");
    html! {
        article .dist #(id) {
            header { h3 #(title) { (view.label(table, &field.name)) } (about(view, table, field)) }
            div .multiples {
                @for (site, v) in sites {
                    figure {
                        figcaption { strong { (site) } " " @if let Some(v) = v { (caption(&scale, v)) } }
                        @match v.and_then(|v| drawable(v).map(|d| (v, d))) {
                            Some((v, d)) => (chart::picture(&scale, v, d, &title)),
                            None => (absent(*v)),
                        }
                    }
                }
            }
        }
    }
}

/// Many sites: a row for each, behind the variable's name.
fn beneath(view: &View, table: &str, field: &FieldSummary, sites: &[AtSite]) -> Markup {
    let id = anchor("d", &[table, &field.name]);
    let title = format!("{id}-title");
    html! {
        details .dist-many #(id) {
            summary { h3 #(title) { (view.label(table, &field.name)) } (about(view, table, field)) }
            (strips::table(&scale(field, sites, Some(strips::MOST_VALUES)), sites, &title))
        }
    }
}

fn about(view: &View, table: &str, field: &FieldSummary) -> Markup {
    html! {
        p {
            code { @if view.many_tables() { (table) "." } (field.name) }
            @if let Some(unit) = unit_of(field) { " · " (unit) }
        }
        @if let Some(range) = range(field) { p .muted { (w::ALLOWED.with(&[&range])) } }
    }
}

/// n, median, mean (SD); or nothing where the chart's place says why.
fn caption(scale: &Scale, v: &Variable) -> Markup {
    let Some(distribution) = drawable(v) else { return html! {} };
    let mut parts = Vec::new();
    if let Distribution::Number { mean, sd, median, .. } = distribution {
        let calendar = matches!(scale, Scale::Number { calendar: true, .. });
        if let Some(median) = median {
            parts.push(w::MEDIAN.with(&[&if calendar { chart::year(*median) } else { plain(*median) }]));
        }
        if let Some(mean) = mean {
            let decimals = decimals(mean.abs().max(sd.unwrap_or_default()));
            let said = if calendar { chart::year(*mean) } else { decimal(*mean, decimals) };
            parts.push(match sd {
                Some(sd) => w::MEAN_SD.with(&[&said, &decimal(*sd, if calendar { 1 } else { decimals })]),
                None => w::MEAN.with(&[&said]),
            });
        }
    }
    html! {
        span .stats {
            span { "n\u{a0}" (int(v.filled)) }
            @for part in &parts { " · " span { (part) } }
        }
    }
}

/// Glyph and word for a variable without a distribution.
pub fn why_absent(v: Option<&Variable>) -> (&'static str, Wording) {
    match v.map(|v| v.state) {
        Some(VariableState::Impossible) => ("✕", w::IMPOSSIBLE),
        Some(VariableState::Undetermined) => ("?", w::UNDETERMINED),
        Some(VariableState::NotMapped) => ("–", w::NOT_MAPPED),
        Some(VariableState::Derived) | None => ("·", w::NOTHING_FILLED),
    }
}

/// Why there is no chart.
fn absent(v: Option<&Variable>) -> Markup {
    // A field with values and without a distribution is one that may not be told.
    if let Some(filled) = v.filter(|v| v.distribution.is_none() && v.filled > 0).map(|v| v.filled) {
        return html! { p .absent { "n\u{a0}" (int(filled)) } };
    }
    let (glyph, word) = why_absent(v);
    html! {
        p .absent {
            span aria-hidden="true" { (glyph) " " } (word)
            @if let Some(reason) = v.and_then(|v| v.reason.as_deref()) { small { (reason) } }
        }
    }
}
