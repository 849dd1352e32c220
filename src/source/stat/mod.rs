//! Files of statistical packages: SAS (`sas7bdat`, `xport`), SPSS (`spss`) and Stata (`stata`).
//!
//! All four describe the same thing: variables, each with a name, a storage and a display format,
//! then rows of numbers and texts of fixed width. What they share is here and in `row` (cells),
//! `moment` (dates and times by display format), `charset` and `input`: values stay as stored, a
//! value label takes the place of its code only on demand (`labels`), system missing is a missing
//! cell, and a tagged missing value (`.A` of SAS, `.a` of Stata) is a text that the mapping can
//! give a meaning to.

mod charset;
mod input;
mod moment;
mod row;
mod sas;
mod sas7bdat;
mod spss;
mod stata;
#[cfg(test)]
mod tests;
mod xport;

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use super::record::{Damage, Failure, Head, OptionKey, Options, Output, RecordFormat};
use charset::Charset;

pub use sas7bdat::FORMAT as SAS7BDAT;
pub use spss::FORMAT as SPSS;
pub use stata::FORMAT as STATA;
pub use xport::FORMAT as XPORT;

const LABELS: OptionKey = OptionKey { key: "labels", about: "`true`: the label of a coded value takes its place (`Female` for `2`); a value without a label stays. Default `false`." };
const ENCODING: OptionKey = OptionKey { key: "encoding", about: "The character encoding of texts, where the file does not say or says it wrongly: `windows-1252`, `utf-8`, …" };

/// What the mapping says of a source, checked.
#[derive(Debug, Default)]
struct Settings {
    labels: bool,
    /// User-missing values (SPSS) become missing cells.
    drop_user_missing: bool,
    charset: Option<Charset>,
    /// A SAS catalogue with value labels.
    formats: Option<PathBuf>,
    /// Which of several tables.
    table: Option<String>,
}

impl Settings {
    fn of(options: &Options) -> Result<Self, Failure> {
        let mut settings = Self::default();
        if let Some(value) = options.get("labels") {
            settings.labels = value.as_bool().ok_or_else(|| refused("labels", "is `true` or `false`", &["true", "false"]))?;
        }
        if let Some(value) = options.get("user_missing") {
            settings.drop_user_missing = match value.as_str() {
                Some("keep") => false,
                Some("null") => true,
                // YAML's own null: `user_missing: null`.
                None if value.is_null() => true,
                _ => return Err(refused("user_missing", "is `keep` or `null`", &["keep", "null"])),
            };
        }
        if let Some(value) = options.get("encoding") {
            let charset = value.as_str().and_then(Charset::named);
            settings.charset = Some(charset.ok_or_else(|| refused("encoding", "is no encoding in which these files are written", &["utf-8", "windows-1252", "iso-8859-15"]))?);
        }
        if let Some(value) = options.get("formats") {
            let path = value.as_str().map(PathBuf::from).filter(|p| p.is_absolute());
            settings.formats = Some(path.ok_or_else(|| refused("formats", "is the path of a SAS catalogue (`.sas7bcat`)", &[]))?);
        }
        if let Some(value) = options.get("table") {
            settings.table = Some(value.as_str().map(str::to_owned).ok_or_else(|| refused("table", "is the name of a table of the file", &[]))?);
        }
        Ok(settings)
    }
}

fn refused(key: &str, message: &str, near: &[&str]) -> Failure {
    Failure::Option { key: key.into(), message: format!("`{key}` {message}"), near: near.iter().map(ToString::to_string).collect() }
}

fn open(path: &Path) -> Result<File, Failure> {
    File::open(path).map_err(|error| Failure::Unreadable(error.to_string()))
}

/// Labels of the values of a variable.
#[derive(Debug, Default, PartialEq)]
struct Labels {
    /// By the bits of the number.
    numbers: HashMap<u64, String>,
    texts: HashMap<Vec<u8>, String>,
    /// By the letter of a tagged missing value, as the cell has it (`A` of SAS, `a` of Stata).
    tags: HashMap<char, String>,
}

impl Labels {
    fn add_number(&mut self, value: f64, label: String) {
        self.numbers.insert(bits(value), label);
    }

    fn number(&self, value: f64) -> Option<&str> {
        self.numbers.get(&bits(value)).map(String::as_str)
    }

    fn text(&self, value: &[u8]) -> Option<&str> {
        self.texts.get(value).map(String::as_str)
    }

    fn tag(&self, tag: char) -> Option<&str> {
        self.tags.get(&tag).map(String::as_str)
    }
}

/// The bits of a number; both zeros have the same.
fn bits(value: f64) -> u64 {
    (value + 0.0).to_bits()
}

/// The head from the names of the variables.
fn head(columns: Vec<String>, evidence: Vec<String>) -> Result<Head, Failure> {
    if columns.is_empty() {
        return Err(Failure::Head("the file has no variables".into()));
    }
    let mut seen = HashSet::new();
    let mut duplicates: Vec<String> = vec![];
    for name in &columns {
        if !seen.insert(name) && !duplicates.contains(name) {
            duplicates.push(name.clone());
        }
    }
    Ok(Head { columns, duplicates, evidence })
}
