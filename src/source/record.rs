//! What a format other than delimited text gives: a head, then records of text cells.

use std::path::Path;

/// What the mapping says of a source beside `path` and `format`, by key: texts, numbers, lists, maps.
pub type Options = serde_json::Map<String, serde_json::Value>;

/// Options that name a file: relative to the mapping as written, absolute as a format gets them.
pub const FILES: [&str; 4] = ["view", "layout", "dictionary", "formats"];

/// The head of one file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Head {
    /// In the order in which records give their cells.
    pub columns: Vec<String>,
    /// Names that the file has twice.
    pub duplicates: Vec<String>,
    /// What was guessed, and on what the guess rests: `sheet: Patients (the first that is visible)`.
    pub evidence: Vec<String>,
}

/// Why a file gives no records. Messages name places of the file, never a cell of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// Damaged, truncated, encrypted, or the system refuses.
    Unreadable(String),
    /// Nothing in it, not even a head.
    Empty,
    /// Another kind of file: `is` completes "the file is …".
    NotThis { is: String, help: String },
    /// No usable head.
    Head(String),
    /// An option that does not fit the file or the format.
    Option { key: String, message: String, near: Vec<String> },
    /// The run was interrupted, or what takes the records failed.
    Stopped,
}

/// What is wrong with a record as such.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// It cannot be read, or not to its end.
    Unreadable,
}

/// Takes records one after the other.
pub trait Output {
    /// One record: its number (rising within the file, from 1 or as a person would count it there), the byte at which it
    /// begins (0 where the format has no such place), and one cell for each column; `None` is a missing one.
    ///
    /// # Errors
    /// [`Failure::Stopped`], to be passed on.
    fn record(&mut self, number: u64, byte: u64, cells: &mut dyn Iterator<Item = Option<&str>>) -> Result<(), Failure>;

    /// A damaged record: what could be read of it, and its text for people who look into the quarantine.
    ///
    /// # Errors
    /// [`Failure::Stopped`], to be passed on.
    fn damaged(&mut self, number: u64, byte: u64, damage: Damage, raw: &str, cells: &mut dyn Iterator<Item = Option<&str>>) -> Result<(), Failure>;

    /// Bytes of the file that are done with, for a progress bar.
    fn read(&mut self, bytes: u64);
}

/// An option of a format.
#[derive(Debug, Clone, Copy)]
pub struct OptionKey {
    pub key: &'static str,
    /// One sentence for the reference.
    pub about: &'static str,
}

/// A format whose files give records.
#[derive(Debug)]
pub struct RecordFormat {
    /// Names for `format:`.
    pub names: &'static [&'static str],
    /// One sentence for the reference.
    pub summary: &'static str,
    pub options: &'static [OptionKey],
    /// Whether a folder is one delivery, as a file is.
    pub folder: bool,
    /// Whether its numbers are numbers, which come with a point.
    pub typed: bool,
    /// Texts of cells that stand for an error and not for a value.
    pub errors: &'static [&'static str],
    /// The head of a file (or folder), quickly: no record is looked at but to guess.
    pub head: fn(&Path, &Options) -> Result<Head, Failure>,
    /// All its records, in its order.
    pub records: fn(&Path, &Options, &mut dyn Output) -> Result<(), Failure>,
}
