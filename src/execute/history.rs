//! Earlier runs: what the report compares this one with.
//!
//! A run's report holds the numbers of those before it, so one folder tells the whole history.

use std::path::Path;

use super::summary::{PastRule, PastRun, PastSite, PastVariable, RunSummary};
use crate::error::Error;

/// Runs that are remembered: two years of monthly deliveries.
const MOST: usize = 24;

/// The runs before, oldest first; the last is that of the folder.
///
/// # Errors
/// When the folder is not one of a run.
pub fn read(folder: &Path) -> Result<Vec<PastRun>, Error> {
    let not_one = |why: String| Error::command_line(format!("{} is not the folder of a run: {why}", folder.display()), "name a folder that `cohorte run --out` made");
    let text = std::fs::read(folder.join("report.json")).map_err(|e| not_one(format!("report.json: {e}")))?;
    let summary: RunSummary = serde_json::from_slice(&text).map_err(|e| not_one(format!("report.json, line {}", e.line())))?;
    let last = past(&summary);
    let mut history = summary.history;
    history.push(last);
    let surplus = history.len().saturating_sub(MOST);
    Ok(history.split_off(surplus))
}

/// What is remembered of a run.
fn past(summary: &RunSummary) -> PastRun {
    let sites = summary.accounts.iter().map(|a| PastSite { site: a.site.clone(), table: a.table.clone(), rows_read: a.rows_read, rows_accepted: a.rows_accepted, rows_quarantined: a.rows_quarantined });
    let rules = summary.rules.iter().map(|r| PastRule {
        table: r.table.clone(),
        site: r.site.clone(),
        rule: r.rule.clone(),
        field: r.field.clone(),
        violated: r.violated,
        denominator: r.denominator,
        status: r.status,
    });
    let variables = summary.variables.iter().map(|v| PastVariable { table: v.table.clone(), site: v.site.clone(), field: v.field.clone(), rows: v.rows, filled: v.filled });
    PastRun { started_at: summary.started_at.clone(), status: summary.status, sites: sites.collect(), rules: rules.collect(), variables: variables.collect() }
}
