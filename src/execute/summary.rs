//! What a run leaves behind in numbers: the only thing the report sees.
//!
//! A [`RunSummary`] is plain data. `report.json` is this structure, serialised; the HTML page is
//! drawn from it and can be drawn again from the JSON. It holds counts, names and texts of the
//! schema and of the mappings, never a patient's value: the few cell values that appear
//! ([`Unmapped`]) were seen in at least [`SMALL_CELL`] rows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Values seen in fewer rows than this are not shown: they may name a person.
pub const SMALL_CELL: u64 = 5;

/// A text for people, by language code (`en`, `fr`).
pub type Text = BTreeMap<String, String>;

/// One execution of a pipeline, in numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    /// Version of this structure; 1.
    pub format: u32,
    /// `cohorte` and its version.
    pub tool: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// The target.
    pub schema: SchemaSummary,
    /// Start of the run, RFC 3339 in UTC.
    pub started_at: String,
    /// Wall time, seconds.
    pub seconds: f64,
    /// Site ids in the pipeline's order.
    pub sites: Vec<String>,
    /// The exports as delivered, in the pipeline's order.
    pub sources: Vec<SourceSummary>,
    /// Row accounting, one entry per site, source and table.
    pub accounts: Vec<Account>,
    /// What was done to rows on their way from the sources to the tables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepAccount>,
    /// What each site delivers for each field, sites outermost, fields in schema order.
    pub variables: Vec<Variable>,
    /// Every rule on every site it applies to, and once over all sites (`site: None`).
    pub rules: Vec<RuleResult>,
    /// Raw codes that no map knows, most frequent first.
    pub unmapped: Vec<Unmapped>,
    /// Reasons counted per site, most frequent first.
    pub reasons: Vec<ReasonCount>,
    /// How times to an event were derived, site by site.
    #[serde(default)]
    pub endpoints: Vec<EndpointSummary>,
    /// Whether the delivery meets the schema's thresholds.
    pub status: RunStatus,
}

/// The verdict of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// No rule of severity error missed its threshold: exit code 0.
    Passed,
    /// At least one did: exit code 1.
    Failed,
}

/// The target schema as far as people need it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SchemaSummary {
    pub name: String,
    pub version: String,
    pub description: Text,
    pub tables: Vec<TableSummary>,
}

/// One table of the schema.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableSummary {
    pub name: String,
    pub description: Text,
    pub key: Vec<String>,
    pub fields: Vec<FieldSummary>,
}

/// One field of a table, in words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldSummary {
    pub name: String,
    /// `integer`, `decimal`, `boolean`, `date`, `datetime`, `text`, `code`, `pseudonym`.
    #[serde(rename = "type")]
    pub kind: String,
    pub unit: Option<String>,
    pub required: bool,
    pub description: Text,
    /// Code system → code.
    pub concept: BTreeMap<String, String>,
    /// Labels of the values of a code field, in schema order.
    pub values: Vec<ValueLabel>,
    /// Whether the order of `values` has a meaning.
    pub ordered: bool,
    /// `[lowest, highest]` as written in the schema.
    pub range: Option<[Option<String>; 2]>,
}

/// A value of a code field with its label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValueLabel {
    pub value: String,
    pub label: Text,
}

/// One export of one site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceSummary {
    pub site: String,
    pub name: String,
    pub mapping: String,
    pub format: String,
    pub files: Vec<FileSummary>,
}

/// One file of a source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileSummary {
    /// Path as found, relative to the pipeline where possible.
    pub path: String,
    pub bytes: u64,
    pub sha256: String,
    /// Data rows.
    pub rows: u64,
    /// Lines that are no rows, counted so that nothing is lost.
    pub blank_lines: u64,
    pub comment_lines: u64,
    pub encoding: String,
    pub delimiter: String,
    /// What was guessed, and why: `encoding: windows-1252 (…)`.
    pub evidence: Vec<String>,
}

/// `rows_read = rows_accepted + rows_quarantined + rows_filtered + rows_deduplicated`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Account {
    pub table: String,
    pub site: String,
    pub source: String,
    pub rows_read: u64,
    pub rows_accepted: u64,
    pub rows_quarantined: u64,
    pub rows_filtered: u64,
    pub rows_deduplicated: u64,
    /// Accepted rows that carry at least one warning.
    pub rows_flagged: u64,
    /// The filtered rows by the filter that left them out: the first whose condition a row does not meet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<Filtered>,
}

/// The rows of one step of a shape: `rows_read = rows_kept + rows_quarantined + rows_filtered + rows_deduplicated`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StepAccount {
    /// The table that it is for.
    pub table: String,
    pub site: String,
    /// The source or shape whose rows they are.
    pub name: String,
    /// What its operation made of the rows of each side; none where it has no operation.
    pub sides: Vec<SideAccount>,
    pub rows_read: u64,
    pub rows_kept: u64,
    pub rows_quarantined: u64,
    pub rows_filtered: u64,
    pub rows_deduplicated: u64,
    pub filters: Vec<Filtered>,
}

/// What became of the rows of one side of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SideAccount {
    /// The sources or shapes that the rows are of.
    pub of: Vec<String>,
    pub rows: u64,
    pub fates: Vec<Fate>,
}

/// What became of some rows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Fate {
    pub fate: String,
    pub rows: u64,
}

/// The rows that one filter left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filtered {
    pub filter: String,
    /// What a row must meet, as the mapping says it.
    pub condition: String,
    pub rows: u64,
}

/// What a site's mapping says of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VariableState {
    Derived,
    Impossible,
    Undetermined,
    NotMapped,
}

/// One field at one site: state, fill and distribution over the accepted rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Variable {
    pub table: String,
    pub site: String,
    pub field: String,
    pub state: VariableState,
    /// Why, where impossible or undetermined.
    pub reason: Option<String>,
    /// Accepted rows.
    pub rows: u64,
    /// Accepted rows with a value.
    pub filled: u64,
    pub distribution: Option<Distribution>,
}

/// A field's accepted values, summarised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Distribution {
    /// A number. `bins` are equal in width from `low` to `high` (units of the field), which are round
    /// numbers and no values; a value on an edge belongs to the upper bin.
    /// `mean`, `sd` are `None` when nothing is filled.
    Number {
        mean: Option<f64>,
        sd: Option<f64>,
        median: Option<f64>,
        low: f64,
        high: f64,
        bins: Vec<u64>,
    },
    /// A date: rows per calendar year, ascending, without gaps.
    Year { first: i32, counts: Vec<u64> },
    /// A code or boolean: rows per value, in schema order.
    Category { counts: Vec<CategoryCount> },
}

/// Rows with one value of a code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CategoryCount {
    pub value: String,
    pub rows: u64,
}

/// Kahn et al. 2016, "A Harmonized Data Quality Assessment Terminology", eGEMs 4(1):1244.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    Conformance,
    Completeness,
    Plausibility,
}

/// What a violated rule does to its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The row stays, counted and flagged.
    Warning,
    /// The row goes to quarantine.
    Error,
}

/// Honest statuses: an empty denominator is not a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleStatus {
    /// Nothing violated.
    Passed,
    /// Violations, but within the threshold (or no threshold is set).
    PassedWithFindings,
    /// The threshold is missed.
    Failed,
    /// No row to which the rule applies.
    NotApplicable,
}

/// A rule's outcome on one site or over all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleResult {
    pub table: String,
    /// `None`: over all sites.
    pub site: Option<String>,
    /// The rule's id, or for a field's own constraint its name (`range`, `required`, `parse`, `unmapped`).
    pub rule: String,
    /// The field, where the rule is about one.
    pub field: Option<String>,
    /// Diagnostic code (`R502`, `D620`).
    pub code: String,
    pub category: Category,
    pub severity: Severity,
    pub description: Text,
    /// The condition as written, where there is one.
    pub expression: Option<String>,
    /// Rows (of all that were read) that violate it.
    pub violated: u64,
    /// Rows to which it applies.
    pub denominator: u64,
    /// As written: `at most 1 %`, `at least 90 %`.
    pub threshold: Option<String>,
    pub status: RuleStatus,
}

/// Raw codes of one column that no map knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unmapped {
    pub table: String,
    pub site: String,
    pub field: String,
    /// The source column, as the site names it.
    pub column: String,
    /// The raw code; `None` sums up all values seen in fewer than [`SMALL_CELL`] rows, or more
    /// distinct ones than are kept.
    pub value: Option<String>,
    /// Rows affected (persons, where the table has one row per person).
    pub rows: u64,
}

/// How often a reason was given at a site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReasonCount {
    pub site: String,
    pub source: String,
    pub table: String,
    pub code: String,
    pub field: Option<String>,
    pub rule: String,
    pub severity: Severity,
    pub rows: u64,
}

/// A time-to-event derivation of a site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EndpointSummary {
    pub table: String,
    pub site: String,
    pub name: String,
    /// The fields that are taken from it.
    pub fields: Vec<String>,
    /// The published definition that it follows: `STEEP2.0/RFS`.
    pub definition: Option<String>,
    pub words: Text,
    /// The same for programs; lengths of time in days.
    pub derivation: serde_json::Value,
}
