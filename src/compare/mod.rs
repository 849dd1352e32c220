//! Two runs → [`Difference`]: what a new mapping, schema or delivery changed.
//!
//! Numbers come from the two `report.json`; rows and values from the Parquet files, which meet in
//! full outer joins by key that spill to disk, so that memory is bounded whatever the cohort's
//! size. A [`Difference`] holds counts and names. Keys and values are in it only where the caller
//! asked for them.

mod html;
mod numbers;
mod quarantine;
mod run;
mod text;
mod values;
mod words;

use std::path::Path;

use serde::Serialize;

pub use html::html;
pub use text::text;

use crate::error::Error;
use crate::execute::engine;
use crate::execute::summary::{Account, RunStatus, RuleStatus, VariableState};
use run::Run;

/// What is wanted of a comparison.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Bytes that operators may hold together.
    pub memory: usize,
    pub partitions: usize,
    /// Name the keys of rows that differ.
    pub keys: bool,
    /// Show the values that differ: patients' data.
    pub values: bool,
    /// Rows or keys that are named of each kind.
    pub list: usize,
}

/// All that differs between two runs. Lists hold what differs, in the order of the schema and of
/// the sites, and nothing else but the totals.
#[derive(Debug, Clone, Serialize)]
pub struct Difference {
    /// Version of this structure; 1.
    pub format: u32,
    /// Whether both runs gave the same: schema, rows, values, quarantine, statuses. Documents and
    /// files that went in do not count.
    pub equal: bool,
    pub a: RunName,
    pub b: RunName,
    /// Facts that a reader of the numbers must know.
    pub notes: Vec<Note>,
    pub inputs: Vec<Input>,
    pub schema: Vec<SchemaChange>,
    pub states: Vec<StateChange>,
    pub accounts: Vec<AccountChange>,
    pub tables: Vec<TableValues>,
    pub reasons: Vec<ReasonChange>,
    pub quarantine: Vec<QuarantinedRows>,
    pub statuses: Vec<StatusChange>,
}

/// One of the two runs.
#[derive(Debug, Clone, Serialize)]
pub struct RunName {
    pub folder: String,
    pub pipeline: String,
    pub schema: String,
    pub version: String,
    pub started_at: String,
    pub tool: String,
    pub status: RunStatus,
}

/// A document or file of only one run, or with another fingerprint.
#[derive(Debug, Clone, Serialize)]
pub struct Input {
    /// `schema`, `mapping`, `pipeline`, `source` …
    pub role: String,
    pub site: Option<String>,
    pub path: String,
    /// Data rows of a file, where the run has it.
    pub rows_a: Option<u64>,
    pub rows_b: Option<u64>,
    pub change: Change,
}

/// How something differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    OnlyInA,
    OnlyInB,
    Changed,
}

/// A fact that a reader of the numbers must know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The keys of the pseudonyms differ.
    OtherPseudonyms,
    /// The table's key is another one.
    OtherKey { table: String },
    /// The table has no key.
    NoKey { table: String },
}

/// A property of a table or field that the two schemas give differently.
#[derive(Debug, Clone, Serialize)]
pub struct SchemaChange {
    pub table: String,
    pub field: Option<String>,
    /// `table`, `field`, `type`, `unit`, `key` …
    pub what: &'static str,
    pub a: Option<String>,
    pub b: Option<String>,
}

/// A field that a site's mapping treats differently: derived, impossible …
#[derive(Debug, Clone, Serialize)]
pub struct StateChange {
    pub site: String,
    pub table: String,
    pub field: String,
    pub a: State,
    pub b: State,
}

/// What a mapping does about a field, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    pub state: VariableState,
    pub reason: Option<String>,
}

/// Row accounts that differ.
#[derive(Debug, Clone, Serialize)]
pub struct AccountChange {
    pub site: String,
    pub table: String,
    pub source: String,
    pub a: Option<Account>,
    pub b: Option<Account>,
}

/// The accepted rows of one table.
#[derive(Debug, Clone, Serialize)]
pub struct TableValues {
    pub table: String,
    /// The key that rows were matched by; empty: whole rows were compared.
    pub by: Vec<String>,
    pub rows: RowCounts,
    pub sites: Vec<SiteRows>,
    pub fields: Vec<FieldValues>,
    /// Keys of rows that only one run has, with `--keys`.
    pub only_in_a: Vec<Vec<String>>,
    pub only_in_b: Vec<Vec<String>>,
}

/// Rows by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct RowCounts {
    pub equal: u64,
    pub changed: u64,
    pub only_in_a: u64,
    pub only_in_b: u64,
}

impl RowCounts {
    /// Whether nothing differs.
    pub fn is_equal(&self) -> bool {
        self.changed + self.only_in_a + self.only_in_b == 0
    }

    fn add(&mut self, other: RowCounts) {
        self.equal += other.equal;
        self.changed += other.changed;
        self.only_in_a += other.only_in_a;
        self.only_in_b += other.only_in_b;
    }
}

/// Rows of one site, or of rows that went from one site to another.
#[derive(Debug, Clone, Serialize)]
pub struct SiteRows {
    pub site_a: Option<String>,
    pub site_b: Option<String>,
    pub rows: RowCounts,
}

/// A field whose values differ for some keys.
#[derive(Debug, Clone, Serialize)]
pub struct FieldValues {
    pub field: String,
    /// Keys with a value in both runs, and not the same.
    pub changed: u64,
    /// Keys that gained a value.
    pub filled: u64,
    /// Keys that lost it.
    pub emptied: u64,
    /// Some of them, with `--keys` or `--values`.
    pub examples: Vec<Example>,
}

/// One value that differs.
#[derive(Debug, Clone, Serialize)]
pub struct Example {
    pub key: Vec<String>,
    /// The two values, with `--values`; `None` is a missing value or not asked for.
    pub a: Option<String>,
    pub b: Option<String>,
}

/// A Reason that was given more or less often.
#[derive(Debug, Clone, Serialize)]
pub struct ReasonChange {
    pub site: String,
    pub source: String,
    pub table: String,
    pub code: String,
    pub field: Option<String>,
    pub rule: String,
    pub severity: &'static str,
    pub rows_a: u64,
    pub rows_b: u64,
}

/// Quarantined rows of one source, matched by file and row where both runs read the same file.
#[derive(Debug, Clone, Default, Serialize)]
pub struct QuarantinedRows {
    pub site: String,
    pub source: String,
    /// In quarantine in both, for the same Reasons.
    pub same: u64,
    /// In quarantine in both, for other Reasons.
    pub other_reasons: u64,
    /// Only B refused them.
    pub refused: u64,
    /// Only A refused them.
    pub released: u64,
    /// Rows of files that the other run did not read.
    pub other_files_a: u64,
    pub other_files_b: u64,
    pub refused_rows: Vec<RowPlace>,
    pub released_rows: Vec<RowPlace>,
}

impl QuarantinedRows {
    fn is_equal(&self) -> bool {
        self.other_reasons + self.refused + self.released + self.other_files_a + self.other_files_b == 0
    }
}

/// Where a row stands, and why it was refused.
#[derive(Debug, Clone, Serialize)]
pub struct RowPlace {
    pub file: String,
    pub row: i64,
    pub reasons: String,
}

/// A rule, or the run itself (`rule: run`), with another status or other counts.
#[derive(Debug, Clone, Serialize)]
pub struct StatusChange {
    pub table: String,
    pub site: Option<String>,
    pub field: Option<String>,
    pub rule: String,
    pub a: Option<Outcome>,
    pub b: Option<Outcome>,
}

/// What a rule came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Outcome {
    pub status: RuleStatus,
    pub violated: u64,
    pub denominator: u64,
}

/// Compares two run folders.
///
/// # Errors
/// When one is not a run's folder, a file of it cannot be read, or memory or disk do not suffice.
pub fn compare(a: &Path, b: &Path, options: &Options) -> Result<Difference, Error> {
    let (a, b) = (Run::open(a)?, Run::open(b)?);
    let tokio = engine::threads(options.partitions)?;
    let context = engine::spilling(options.partitions, options.memory)?;
    let (tables, quarantine) = tokio.block_on(async {
        let tables = values::tables(&context, &a, &b, options).await?;
        let quarantine = quarantine::rows(&context, &a, &b, options).await?;
        Ok::<_, Error>((tables, quarantine))
    })?;
    let (x, y) = (&a.summary, &b.summary);
    let mut difference = Difference {
        format: 1,
        equal: false,
        a: a.name(),
        b: b.name(),
        notes: notes(&a, &b, &tables),
        inputs: numbers::inputs(&a, &b),
        schema: numbers::schema(&x.schema, &y.schema),
        states: numbers::states(x, y),
        accounts: numbers::accounts(x, y),
        reasons: numbers::reasons(x, y),
        statuses: numbers::statuses(x, y),
        tables,
        quarantine,
    };
    let d = &difference;
    difference.equal = d.schema.is_empty()
        && d.states.is_empty()
        && d.accounts.is_empty()
        && d.reasons.is_empty()
        && d.statuses.is_empty()
        && d.tables.iter().all(|t| t.rows.is_equal() && t.sites.iter().all(|s| s.site_a == s.site_b || s.site_a.is_none() || s.site_b.is_none()))
        && d.quarantine.iter().all(QuarantinedRows::is_equal);
    Ok(difference)
}

fn notes(a: &Run, b: &Run, tables: &[TableValues]) -> Vec<Note> {
    let mut notes = vec![];
    if a.key_id.is_some() && b.key_id.is_some() && a.key_id != b.key_id {
        notes.push(Note::OtherPseudonyms);
    }
    for table in tables.iter().filter(|t| t.by.is_empty()) {
        let key = |run: &Run| run.table(&table.table).map(|t| t.key.clone());
        let name = table.table.clone();
        notes.push(match (key(a), key(b)) {
            (Some(x), Some(y)) if x != y => Note::OtherKey { table: name },
            _ => Note::NoKey { table: name },
        });
    }
    notes
}
