//! What became of rows on their way to the tables: joined, pivoted, used up, refused.

use maud::{Markup, html};

use super::text::{Phrase, int, share};
use super::view::View;
use super::words as w;
use crate::execute::summary::{SideAccount, StepAccount};
use crate::shape::in_french;

/// The table; drawn where there was a step.
pub fn table(view: &View) -> Markup {
    let told = |step: &&StepAccount| step.sides.iter().any(|s| !s.fates.is_empty()) || step.rows_kept < step.rows_read;
    html! {
        h3 { (w::STEPS_TITLE) }
        p .intro { (w::STEPS_LEAD) }
        div .scroll tabindex="0" role="group" aria-label=(w::STEPS_TITLE.en) data-fr-label=(w::STEPS_TITLE.fr) {
            table .steps {
                caption { (w::STEPS_TABLE) }
                thead {
                    tr {
                        th scope="col" { (w::SITE) }
                        th scope="col" { (w::STEP) }
                        th scope="col" { (w::ROWS_OF) }
                        th scope="col" { (w::FATE) }
                        th .n scope="col" { (w::ROWS) }
                    }
                }
                tbody {
                    @for step in view.run.steps.iter().filter(told) {
                        @for side in &step.sides { (of_side(step, side)) }
                        (left_out(step))
                    }
                }
            }
        }
    }
}

fn of_side(step: &StepAccount, side: &SideAccount) -> Markup {
    html! {
        @for fate in &side.fates {
            tr {
                th scope="row" { (step.site) }
                td { (step.name) small { (step.table) } }
                td { (side.of.join(", ")) }
                td { (Phrase::new(&fate.fate, in_french(&fate.fate).unwrap_or(&fate.fate))) }
                td .n { (int(fate.rows)) small { (share(fate.rows, side.rows, 1)) } }
            }
        }
    }
}

fn left_out(step: &StepAccount) -> Markup {
    let filters = step.filters.iter().map(|f| (w::FILTERED_BY.with(&[&Phrase::same(&f.filter)]), f.rows));
    let others = [(w::REFUSED.phrase(), step.rows_quarantined), (w::DEDUPLICATED.phrase(), step.rows_deduplicated)];
    html! {
        @for (what, rows) in others.into_iter().chain(filters).filter(|(_, rows)| *rows > 0) {
            tr {
                th scope="row" { (step.site) }
                td { (step.name) small { (step.table) } }
                td { (step.name) }
                td { (what) }
                td .n { (int(rows)) small { (share(rows, step.rows_read, 1)) } }
            }
        }
    }
}
