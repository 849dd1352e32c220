//! REDCap's data dictionary: the fields of a project, their instruments, choices and branching logic.

use std::path::Path;

use super::super::options::wrong;
use super::super::record::{Failure, Options};
use super::super::table::{Row, Table};

const KEY: &str = "dictionary";
/// Each column under the name that the downloaded dictionary gives it, and that of the API.
const COLUMNS: [[&str; 2]; 5] = [
    ["Variable / Field Name", "field_name"],
    ["Form Name", "form_name"],
    ["Field Type", "field_type"],
    ["Choices, Calculations, OR Slider Labels", "select_choices_or_calculations"],
    ["Branching Logic (Show field only if...)", "branching_logic"],
];

/// A code and its label.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    pub code: String,
    pub label: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub name: String,
    /// The place of its instrument in [`Dictionary::forms`].
    pub form: usize,
    pub checkbox: bool,
    /// Empty where it has none.
    pub choices: Vec<Choice>,
    /// As written; empty where the field is always shown.
    pub logic: String,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dictionary {
    /// The first one identifies the record.
    pub fields: Vec<Field>,
    pub forms: Vec<String>,
}

impl Field {
    pub fn label(&self, code: &str) -> Option<&str> {
        self.choices.iter().find(|choice| choice.code == code).map(|choice| choice.label.as_str())
    }

    /// The choice that a checkbox column is about, by what stands behind `___` in its name: the code in lower case, with `_`
    /// for `-` and without other marks. REDCap before 5.5.21 took out underscores too.
    pub fn choice(&self, suffix: &str) -> Option<&Choice> {
        let plain = |code: &str| code.to_lowercase().replace('-', "_").chars().filter(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
        let found = |like: &dyn Fn(&str) -> bool| self.choices.iter().find(|choice| like(&choice.code));
        found(&|code| plain(code) == suffix).or_else(|| found(&|code| plain(code).replace('_', "") == suffix))
    }
}

/// `1, Yes | 2, No`; a part without a comma is code and label.
fn choices(text: &str) -> Vec<Choice> {
    let parts = text.split(['|', '\n']).map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| part.split_once(',').unwrap_or((part, part))).map(|(code, label)| Choice { code: code.trim().into(), label: label.trim().into() }).collect()
}

fn fixed(labels: [&str; 2]) -> Vec<Choice> {
    ["1", "0"].into_iter().zip(labels).map(|(code, label)| Choice { code: code.into(), label: label.into() }).collect()
}

impl Dictionary {
    /// Reads the CSV file of the dictionary.
    ///
    /// # Errors
    /// When it cannot be read or is none.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let unfit = |failure: Failure| match failure {
            Failure::Unreadable(message) => wrong(KEY, format!("the data dictionary cannot be read: {message}")),
            Failure::NotThis { is, .. } => wrong(KEY, format!("the file is {is}, and not the data dictionary in CSV")),
            _ => wrong(KEY, "the data dictionary is empty"),
        };
        let mut table = Table::open(path, &Options::new()).map_err(unfit)?;
        let at = COLUMNS.map(|names| table.columns.iter().position(|c| names.iter().any(|name| c.eq_ignore_ascii_case(name))));
        let [Some(_), Some(_), Some(_), _, _] = at else {
            return Err(wrong(KEY, "its header has no `Variable / Field Name`, `Form Name` and `Field Type`: is this the data dictionary of the project?"));
        };
        let mut dictionary = Dictionary::default();
        let mut row = Row::default();
        while table.next(&mut row).map_err(unfit)? {
            let cell = |i: usize| at.get(i).copied().flatten().and_then(|at| row.cells.get(at)).map_or("", |c| c.trim());
            if !cell(0).is_empty() {
                dictionary.add(cell(0), cell(1), cell(2), cell(3), cell(4));
            }
        }
        if dictionary.fields.is_empty() {
            return Err(wrong(KEY, "the data dictionary has no fields"));
        }
        Ok(dictionary)
    }

    fn add(&mut self, name: &str, form: &str, kind: &str, listed: &str, logic: &str) {
        let known = self.forms.iter().position(|f| f == form);
        let form = known.unwrap_or_else(|| {
            self.forms.push(form.into());
            self.forms.len().saturating_sub(1)
        });
        let choices = match kind.to_ascii_lowercase().as_str() {
            "radio" | "dropdown" | "checkbox" | "select" => choices(listed),
            "yesno" => fixed(["Yes", "No"]),
            "truefalse" => fixed(["True", "False"]),
            _ => vec![],
        };
        let checkbox = kind.eq_ignore_ascii_case("checkbox");
        self.fields.push(Field { name: name.into(), form, checkbox, choices, logic: logic.into() });
    }
}
