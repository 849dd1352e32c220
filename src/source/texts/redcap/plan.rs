//! What options, data dictionary and header say together: where each column comes from and which conditions can be decided.

use std::path::Path;

use super::super::options::{flag, text, unknown, wrong};
use super::super::record::{Failure, Options};
use super::dictionary::{Dictionary, Field};
use super::logic::{Logic, Reference};

const EVENT: &str = "redcap_event_name";
const REPEAT: &str = "redcap_repeat_instrument";
/// Fields that one line of evidence names.
const NAMED: usize = 10;

/// A field of a condition, by the column that has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    pub column: usize,
    /// The instrument it belongs to; nothing for what every row has.
    pub form: Option<usize>,
    pub event: Option<String>,
    /// It is a box of a checkbox field, and unticked where blank.
    pub boxed: bool,
}

/// Where a column of the records comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum From {
    Column(usize),
    /// The status of an instrument.
    Status(usize),
    /// A field, by its place in the dictionary.
    Field { column: usize, field: usize },
    Box { column: usize, field: usize },
    /// All boxes of a field.
    List { field: usize },
}

/// A box: its column, and what is in the list when it is ticked.
#[derive(Debug, Clone, PartialEq)]
pub struct Boxed {
    pub column: usize,
    pub text: String,
}

/// What dictionary, options and header say.
pub struct Plan {
    pub dictionary: Dictionary,
    pub columns: Vec<(String, From)>,
    /// The boxes of each field.
    pub boxes: Vec<Vec<Boxed>>,
    /// The branching logic of each field, where it has any that can be decided.
    pub logic: Vec<Option<Logic<Place>>>,
    /// The columns of each instrument that show that a row holds it, and whether they are boxes.
    pub shows: Vec<Vec<(usize, bool)>>,
    pub event: Option<usize>,
    pub repeat: Option<usize>,
    pub only_event: Option<String>,
    pub only_form: Option<usize>,
    pub labels: bool,
    pub hidden: String,
    pub evidence: Vec<String>,
}

impl Plan {
    /// # Errors
    /// When an option, the dictionary or the header does not fit.
    pub fn of(options: &Options, header: &[String]) -> Result<Self, Failure> {
        let path = text(options, "dictionary")?.ok_or_else(|| wrong("dictionary", "it is the path of the project's data dictionary in CSV"))?;
        let dictionary = Dictionary::read(Path::new(&path))?;
        let list = match text(options, "checkboxes")?.as_deref() {
            None | Some("columns") => false,
            Some("list") => true,
            Some(_) => return Err(wrong("checkboxes", "it is `columns` or `list`")),
        };
        let only_form = match text(options, "instrument")? {
            None => None,
            Some(name) => {
                let forms = || dictionary.forms.iter().map(String::as_str);
                Some(forms().position(|f| f == name).ok_or_else(|| unknown("instrument", format!("the dictionary has no instrument `{name}`"), &name, forms()))?)
            }
        };
        let at = |name: &str| header.iter().position(|c| c == name);
        let only_event = text(options, "event")?;
        if only_event.is_some() && at(EVENT).is_none() {
            return Err(wrong("event", format!("the export has no column `{EVENT}`: the project is not longitudinal")));
        }
        let mut plan = Plan {
            columns: vec![],
            boxes: vec![vec![]; dictionary.fields.len()],
            logic: vec![],
            shows: vec![vec![]; dictionary.forms.len()],
            event: at(EVENT),
            repeat: at(REPEAT),
            only_event,
            only_form,
            labels: flag(options, "labels")?,
            hidden: text(options, "not_applicable")?.unwrap_or_else(|| "NA_BRANCH".into()),
            evidence: vec![],
            dictionary: Dictionary::default(),
        };
        plan.columns(&dictionary, header, list)?;
        plan.conditions(&dictionary, header);
        plan.dictionary = dictionary;
        Ok(plan)
    }

    /// Finds what each column of the export is.
    fn columns(&mut self, dictionary: &Dictionary, header: &[String], list: bool) -> Result<(), Failure> {
        let fields = &dictionary.fields;
        let mut unlisted: Vec<&str> = vec![];
        for (column, name) in header.iter().enumerate() {
            let status = name.strip_suffix("_complete").and_then(|form| dictionary.forms.iter().position(|f| f == form));
            let boxed = name.split_once("___").and_then(|(field, suffix)| Some((fields.iter().position(|f| f.checkbox && f.name == field)?, suffix)));
            let (name, from) = if let Some(field) = fields.iter().position(|f| f.name == *name && !f.checkbox) {
                self.show(dictionary, field, column, false);
                (name.clone(), From::Field { column, field })
            } else if let Some((field, suffix)) = boxed {
                let text = self.boxed(dictionary, field, suffix);
                self.show(dictionary, field, column, true);
                let first = match self.boxes.get_mut(field) {
                    Some(boxes) => {
                        boxes.push(Boxed { column, text });
                        boxes.len() == 1
                    }
                    None => false,
                };
                match list {
                    true if first => (fields.get(field).map(|f| f.name.clone()).unwrap_or_default(), From::List { field }),
                    true => continue,
                    false => (name.clone(), From::Box { column, field }),
                }
            } else if let Some(form) = status {
                if let Some(shows) = self.shows.get_mut(form) {
                    shows.push((column, false));
                }
                (name.clone(), From::Status(column))
            } else {
                if !name.starts_with("redcap_") && !name.ends_with("_timestamp") {
                    unlisted.push(name);
                }
                (name.clone(), From::Column(column))
            };
            self.columns.push((name, from));
        }
        if !self.columns.iter().any(|(_, from)| matches!(from, From::Field { .. } | From::Box { .. } | From::List { .. })) {
            return Err(Failure::Head("none of its columns is a field of the data dictionary: is this the raw-data export, with variable names in the header, of the same project?".into()));
        }
        if !unlisted.is_empty() {
            self.evidence.push(format!("not in the dictionary, read as they are: {}", some(&unlisted)));
        }
        Ok(())
    }

    /// A column shows that a row holds the field's instrument, unless it identifies the record.
    fn show(&mut self, dictionary: &Dictionary, field: usize, column: usize, boxed: bool) {
        let form = dictionary.fields.get(field).map(|f| f.form).filter(|_| field > 0);
        if let Some(shows) = form.and_then(|form| self.shows.get_mut(form)) {
            shows.push((column, boxed));
        }
    }

    /// What a ticked box adds to the list.
    fn boxed(&self, dictionary: &Dictionary, field: usize, suffix: &str) -> String {
        let choice = dictionary.fields.get(field).and_then(|f| f.choice(suffix));
        choice.map_or_else(|| suffix.to_owned(), |choice| if self.labels { choice.label.clone() } else { choice.code.clone() })
    }

    /// Ties the fields' branching logic to columns, and notes what cannot be decided.
    fn conditions(&mut self, dictionary: &Dictionary, header: &[String]) {
        let (mut beyond, mut elsewhere, mut absent): (Vec<&str>, Vec<&str>, Vec<&str>) = (vec![], vec![], vec![]);
        let present: Vec<bool> = (0..dictionary.fields.len())
            .map(|at| self.columns.iter().any(|(_, from)| matches!(from, From::Field { field, .. } | From::Box { field, .. } | From::List { field } if *field == at)))
            .collect();
        for (field, present) in dictionary.fields.iter().zip(present) {
            let mut found = None;
            if present && !field.logic.is_empty() {
                match Logic::parse(&field.logic) {
                    None => beyond.push(&field.name),
                    Some(parsed) => {
                        let mut other_event = false;
                        found = parsed.with(&mut |reference| {
                            other_event |= reference.event.is_some();
                            place(dictionary, header, reference)
                        });
                        if found.is_none() {
                            absent.push(&field.name);
                        } else if other_event {
                            elsewhere.push(&field.name);
                        }
                    }
                }
            }
            self.logic.push(found);
        }
        for (fields, what) in [
            (beyond, "has more than comparisons joined by `and` and `or`; they count as shown"),
            (absent, "needs fields that the export does not have; they count as shown"),
            (elsewhere, "looks at an event; on rows of other events it is undecided, and they count as shown"),
        ] {
            if !fields.is_empty() {
                self.evidence.push(format!("branching logic of {} {what}", some(&fields)));
            }
        }
    }
}

/// Some names for people.
fn some(names: &[&str]) -> String {
    let mut text = names.iter().take(NAMED).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if let Some(more) = names.len().checked_sub(NAMED).filter(|more| *more > 0) {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

/// The column of a field that a condition names.
fn place(dictionary: &Dictionary, header: &[String], reference: Reference) -> Option<Place> {
    let at = |name: &str| header.iter().position(|c| c == name);
    let Some(number) = dictionary.fields.iter().position(|f| f.name == reference.name) else {
        let form = reference.name.strip_suffix("_complete").and_then(|form| dictionary.forms.iter().position(|f| f == form));
        return Some(Place { column: at(&reference.name)?, form, event: reference.event, boxed: false });
    };
    let field = dictionary.fields.get(number)?;
    let column = match &reference.code {
        None if field.checkbox => return None,
        None => at(&field.name)?,
        Some(code) => box_column(field, header, code)?,
    };
    Some(Place { column, form: Some(field.form).filter(|_| number > 0), event: reference.event, boxed: field.checkbox })
}

/// The column of a checkbox field's code.
fn box_column(field: &Field, header: &[String], code: &str) -> Option<usize> {
    let is_code = |suffix: &str| field.choice(suffix).is_some_and(|choice| choice.code == code);
    header.iter().position(|c| c.split_once("___").is_some_and(|(name, suffix)| name == field.name && is_code(suffix)))
}

