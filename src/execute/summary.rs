//! What a run leaves behind in numbers: the only thing the report sees.
//!
//! A [`RunSummary`] is plain data. `report.json` is this structure, serialised; the HTML page is
//! drawn from it and can be drawn again from the JSON. It holds counts, names and texts of the
//! schema and of the mappings, never a patient's value: the few cell values that appear
//! ([`Unmapped`]) were seen in at least [`RunSummary::small_cell`] rows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Values seen in fewer rows than this are not shown: they may name a person.
pub const SMALL_CELL: u64 = 5;

/// A count of patients' values; nothing where it is too small to be told, or would give a smaller one away.
pub type Cell = Option<u64>;

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
    /// How long patients were followed, and how many had the event: over all sites (`site: None`) and at each.
    #[serde(default)]
    pub survival: Vec<Survival>,
    /// Earlier runs of the pipeline, oldest first.
    #[serde(default)]
    pub history: Vec<PastRun>,
    /// What each site is asked, and what it has answered.
    #[serde(default)]
    pub queries: Vec<SiteQueries>,
    /// Cells of fewer rows than this are not told.
    #[serde(default = "small_cell")]
    pub small_cell: u64,
    /// Whether everything was left out that may not be shown to everybody.
    #[serde(default)]
    pub public: bool,
    /// Whether the delivery meets the schema's thresholds.
    pub status: RunStatus,
}

fn small_cell() -> u64 {
    SMALL_CELL
}

/// How long the patients of a site were followed for an event (Kaplan and Meier 1958, JASA 53:457).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Survival {
    pub table: String,
    /// `None`: over all sites.
    pub site: Option<String>,
    /// The fields of time and event.
    pub time: String,
    pub event: String,
    /// The unit of time, in UCUM; `points` and medians are in it.
    pub unit: Option<String>,
    pub description: Text,
    /// Rows with a time and an event.
    pub rows: Cell,
    pub events: Cell,
    /// Median of the time to the end of follow-up (reverse Kaplan-Meier; Schemper and Smith 1996, Control Clin Trials 17:343).
    pub median_follow_up: Option<f64>,
    /// Median time to the event, where half had it.
    pub median: Option<f64>,
    /// The curve at round times, ascending; it ends before the number at risk is too small to be told.
    pub points: Vec<SurvivalPoint>,
}

/// The curve at a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SurvivalPoint {
    pub time: f64,
    /// Rows that were followed at least so long.
    pub at_risk: u64,
    /// Share without the event, 0 to 1.
    pub survival: f64,
    /// Its 95 % confidence interval (log-log; Kalbfleisch and Prentice).
    pub lower: f64,
    pub upper: f64,
}

/// An earlier run, in the numbers that are compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PastRun {
    pub started_at: String,
    pub status: RunStatus,
    /// Row accounts by site.
    pub sites: Vec<PastSite>,
    pub rules: Vec<PastRule>,
    pub variables: Vec<PastVariable>,
}

/// What an earlier run read of a site's table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PastSite {
    pub site: String,
    pub table: String,
    pub rows_read: u64,
    pub rows_accepted: u64,
    pub rows_quarantined: u64,
}

/// What an earlier run found by a rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PastRule {
    pub table: String,
    pub site: Option<String>,
    pub rule: String,
    pub field: Option<String>,
    pub violated: u64,
    pub denominator: u64,
    pub status: RuleStatus,
}

/// How full a field was in an earlier run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PastVariable {
    pub table: String,
    pub site: String,
    pub field: String,
    pub rows: u64,
    pub filled: u64,
}

/// The questions to one site. A question is one finding of one rule about one row of one file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SiteQueries {
    pub site: String,
    /// Asked for the first time.
    pub new: u64,
    /// Asked before, and found again.
    pub open: u64,
    /// Of those that are open, the ones that the site has answered.
    pub answered: u64,
    /// Asked before, and found no more.
    pub closed: u64,
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
    /// Accepted rows with at least one finding, of whatever rule.
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
        bins: Vec<Cell>,
    },
    /// A date: rows per calendar year, ascending, without gaps.
    Year { first: i32, counts: Vec<Cell> },
    /// A code or boolean: rows per value, in schema order.
    Category { counts: Vec<CategoryCount> },
}

/// Rows with one value of a code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CategoryCount {
    pub value: String,
    pub rows: Cell,
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
    /// It could not be judged; [`RuleResult::error`] says why.
    Error,
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
    /// What the rule is called, where it has a name.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub name: Text,
    /// Where the rule comes from: a paper, a standard, a protocol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The check of the OHDSI Data Quality Dashboard that asks the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dqd: Option<String>,
    /// Counts by calendar year, where the threshold is one of years.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub years: Vec<YearResult>,
    /// What was measured, of a rule about values together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure: Option<Measure>,
    /// Why it could not be judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A rule's outcome in one calendar year.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct YearResult {
    pub year: i32,
    pub violated: u64,
    pub denominator: u64,
    pub status: RuleStatus,
}

/// A number that a rule about values together was judged by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// Such as `population stability index`.
    pub name: Text,
    pub value: f64,
    /// What it may not exceed.
    pub limit: Option<f64>,
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
