//! REDCap: the raw-data CSV export of a project, read with its data dictionary.
//!
//! Cells are as exported: codes, `1` and `0` for the boxes of checkbox fields, and missing-data codes as they are. `labels: true`
//! puts the labels of the dictionary in their place (for boxes `Checked` and `Unchecked`, as REDCap's own labelled export
//! does); a code that the dictionary does not list stays. `checkboxes: list` makes one column of a checkbox field, with the
//! ticked codes (or labels) parted by `|`; where none is ticked it is missing.
//!
//! A blank field that its branching logic hides on a row is not missing but not applicable, and reads `NA_BRANCH` (option
//! `not_applicable`); the unticked boxes of a hidden checkbox field too. Only what the row itself shows counts: logic that
//! the module `logic` cannot decide counts as shown, and a row that does not hold the field's instrument says nothing of it. A
//! row of a repeating instrument holds that instrument alone. Another row of a project with events or repeats holds
//! those instruments of which it has any text (an unticked box is none), a row of any other project all.

mod dictionary;
mod logic;
mod plan;
#[cfg(test)]
mod tests;

use std::path::Path;

use super::record::{Damage, Failure, Head, OptionKey, Options, Output, RecordFormat};
use super::table::{Row, Table};
use plan::{Boxed, From, Place, Plan};

pub static FORMAT: RecordFormat = RecordFormat {
    names: &["redcap"],
    summary: "A raw-data CSV export of REDCap with its data dictionary: codes or labels, checkboxes, events and repeating instruments, and what branching logic hides.",
    options: &[
        OptionKey { key: "dictionary", about: "The path of the project's data dictionary in CSV." },
        OptionKey { key: "labels", about: "`true`: the labels of choices, default `false`: their codes." },
        OptionKey { key: "checkboxes", about: "`columns` (default): a column for each box, as exported; `list`: one column with the ticked codes, parted by `|`." },
        OptionKey { key: "instrument", about: "Only rows that hold this instrument: those of its repetitions, or those with any of its fields." },
        OptionKey { key: "event", about: "Only rows of this event, by its unique name (`baseline_arm_1`)." },
        OptionKey { key: "not_applicable", about: "What a blank cell reads whose field is hidden by its branching logic; default `NA_BRANCH`." },
        OptionKey { key: "delimiter", about: "Default: the most frequent of `,` `;` `|` `^` and tabulator in the header." },
        OptionKey { key: "encoding", about: "The character set; default: UTF-8 if the file is that, else windows-1252." },
    ],
    folder: false,
    typed: false,
    errors: &[],
    head,
    records,
};

const STATUS: [&str; 3] = ["Incomplete", "Unverified", "Complete"];
fn head(path: &Path, options: &Options) -> Result<Head, Failure> {
    let table = Table::open(path, options)?;
    let plan = Plan::of(options, &table.columns)?;
    let evidence = table.evidence.iter().chain(&plan.evidence).cloned().collect();
    Ok(Head { duplicates: table.duplicates(), columns: plan.columns.into_iter().map(|(name, _)| name).collect(), evidence })
}

fn records(path: &Path, options: &Options, output: &mut dyn Output) -> Result<(), Failure> {
    let mut table = Table::open(path, options)?;
    let plan = Plan::of(options, &table.columns)?;
    let mut reader = Reader { cells: vec![(false, String::new()); plan.columns.len()], held: vec![], hidden: vec![], plan };
    let mut row = Row::default();
    while table.next(&mut row)? {
        if !row.sound {
            reader.take(&row, false);
            output.damaged(row.number, row.byte, Damage::Unreadable, &table.raw(&row), &mut reader.given())?;
        } else if reader.wants(&row) {
            reader.take(&row, true);
            output.record(row.number, row.byte, &mut reader.given())?;
        }
        output.read(table.progress());
    }
    output.read(table.progress());
    Ok(())
}

/// Makes records of rows.
struct Reader {
    plan: Plan,
    cells: Vec<(bool, String)>,
    /// The instruments that the row holds.
    held: Vec<bool>,
    /// The fields that its branching logic hides.
    hidden: Vec<bool>,
}

impl Reader {
    fn given(&self) -> impl Iterator<Item = Option<&str>> {
        self.cells.iter().map(|(there, text)| there.then_some(text.as_str()))
    }

    /// Finds the instruments that a row holds, and whether the options ask for it.
    fn wants(&mut self, row: &Row) -> bool {
        let plan = &self.plan;
        let repeated = repeated(plan, row);
        self.held.clear();
        self.held.extend(plan.dictionary.forms.iter().zip(&plan.shows).map(|(name, shows)| match repeated {
            Some(form) => form == name,
            None if plan.event.is_none() && plan.repeat.is_none() => true,
            None => shows.iter().any(|(column, boxed)| row.cells.get(*column).is_some_and(|cell| if *boxed { !unticked(cell) } else { !cell.trim().is_empty() })),
        }));
        let event = plan.event.and_then(|at| row.cells.get(at));
        plan.only_event.as_ref().is_none_or(|wanted| event == Some(wanted)) && plan.only_form.is_none_or(|form| self.held.get(form) == Some(&true))
    }

    /// Takes the cells of a row; `sound` says that its branching logic can be asked.
    fn take(&mut self, row: &Row, sound: bool) {
        let plan = &self.plan;
        self.hidden.clear();
        for (field, logic) in plan.dictionary.fields.iter().zip(&plan.logic) {
            let asked = logic.as_ref().filter(|_| sound && self.held.get(field.form) == Some(&true));
            self.hidden.push(asked.is_some_and(|logic| logic.holds(&|place: &Place| value(plan, row, place)) == Some(false)));
        }
        let cell = |column: usize| row.cells.get(column).map_or("", String::as_str);
        let ticked = |boxed: &&Boxed| !unticked(cell(boxed.column));
        for ((_, from), (there, out)) in plan.columns.iter().zip(&mut self.cells) {
            out.clear();
            let field = match from {
                From::Column(_) | From::Status(_) => None,
                From::Field { field, .. } | From::Box { field, .. } | From::List { field } => Some(*field),
            };
            let boxes = field.and_then(|field| plan.boxes.get(field)).map(Vec::as_slice).unwrap_or_default();
            match from {
                From::Column(column) => out.push_str(cell(*column)),
                From::Status(column) => out.push_str(if plan.labels { status(cell(*column)) } else { cell(*column) }),
                From::Field { column, field } => {
                    let label = plan.dictionary.fields.get(*field).filter(|_| plan.labels).and_then(|f| f.label(cell(*column).trim()));
                    out.push_str(label.unwrap_or_else(|| cell(*column)));
                }
                From::Box { column, .. } => {
                    out.push_str(match cell(*column) {
                        "1" if plan.labels => "Checked",
                        "0" if plan.labels => "Unchecked",
                        other => other,
                    });
                }
                From::List { .. } => {
                    for (i, boxed) in boxes.iter().filter(ticked).enumerate() {
                        out.push_str(if i > 0 { "|" } else { "" });
                        // What is neither 0 nor 1 is shown as it is.
                        out.push_str(if cell(boxed.column).trim() == "1" { &boxed.text } else { cell(boxed.column).trim() });
                    }
                }
            }
            let none_ticked = !boxes.is_empty() && !boxes.iter().any(|b| ticked(&b));
            if (none_ticked || out.trim().is_empty()) && field.and_then(|field| self.hidden.get(field)) == Some(&true) {
                out.clear();
                out.push_str(&plan.hidden);
            }
            *there = !out.is_empty();
        }
    }
}

/// A box that says nothing.
fn unticked(cell: &str) -> bool {
    matches!(cell.trim(), "" | "0")
}

/// The label of an instrument's status.
fn status(cell: &str) -> &str {
    cell.trim().parse::<usize>().ok().and_then(|code| STATUS.get(code).copied()).unwrap_or(cell)
}

/// The instrument of which a row is a repetition.
fn repeated<'a>(plan: &Plan, row: &'a Row) -> Option<&'a str> {
    plan.repeat.and_then(|at| row.cells.get(at)).map(|cell| cell.trim()).filter(|form| !form.is_empty())
}

/// What a row says of a field in a condition; nothing where it does not show it.
fn value<'a>(plan: &Plan, row: &'a Row, place: &Place) -> Option<&'a str> {
    if let Some(event) = &place.event
        && plan.event.and_then(|at| row.cells.get(at)) != Some(event)
    {
        return None;
    }
    if let (Some(form), Some(repeated)) = (place.form.and_then(|form| plan.dictionary.forms.get(form)), repeated(plan, row))
        && form != repeated
    {
        return None;
    }
    let cell = row.cells.get(place.column)?.as_str();
    Some(if place.boxed && cell.trim().is_empty() { "0" } else { cell })
}
