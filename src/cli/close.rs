//! The closing words of a run.

use cohorte::execute::Finished;
use cohorte::execute::summary::{Account, RuleStatus, RunStatus, Severity};

/// The closing words of a run.
pub fn close(finished: &Finished) {
    let summary = &finished.summary;
    // Where a row can end; a place where none did is not drawn.
    type Column = (&'static str, fn(&Account) -> u64);
    let columns: [Column; 5] = [("read", |a| a.rows_read), ("accepted", |a| a.rows_accepted), ("filtered", |a| a.rows_filtered), ("deduplicated", |a| a.rows_deduplicated), ("quarantined", |a| a.rows_quarantined)];
    let drawn: Vec<&Column> = columns.iter().filter(|(name, pick)| !matches!(*name, "filtered" | "deduplicated") || summary.accounts.iter().any(|a| pick(a) > 0)).collect();
    let mut rows = vec![std::iter::once("site (table)").chain(drawn.iter().map(|(name, _)| *name)).chain([""]).map(str::to_owned).collect::<Vec<_>>()];
    rows.extend(summary.accounts.iter().map(|a| {
        let share = if a.rows_read == 0 { 0.0 } else { 100.0 * a.rows_quarantined as f64 / a.rows_read as f64 };
        std::iter::once(format!("{} ({})", a.site, a.table)).chain(drawn.iter().map(|(_, pick)| grouped(pick(a)))).chain([format!("{share:.1} %")]).collect()
    }));
    let width = |at: usize| rows.iter().filter_map(|r| r.get(at)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    println!();
    for row in &rows {
        let cells = row.iter().enumerate().map(|(at, cell)| if at == 0 { format!("{cell:<w$}", w = width(0)) } else { format!("{cell:>w$}", w = width(at)) });
        println!("  {}", cells.collect::<Vec<_>>().join("  "));
    }
    for step in summary.steps.iter().filter(|s| s.rows_quarantined > 0 && !summary.accounts.iter().any(|a| (&a.site, &a.table, &a.source, a.rows_read, a.rows_accepted) == (&s.site, &s.table, &s.name, s.rows_read, s.rows_kept))) {
        println!("  {} ({}): {} more refused on the way, in quarantine/{}", step.site, step.table, grouped(step.rows_quarantined), step.name);
    }
    println!();
    for reason in summary.reasons.iter().filter(|r| r.severity == Severity::Error).take(5) {
        let what = reason.field.as_ref().map_or(reason.rule.clone(), |f| format!("{f}: {}", reason.rule));
        println!("  {:>8}  {what}, at {}", grouped(reason.rows), reason.site);
    }
    let missed = summary.rules.iter().filter(|r| r.site.is_none() && r.status == RuleStatus::Failed).count();
    let unjudged = summary.rules.iter().filter(|r| r.site.is_none() && r.status == RuleStatus::Error).count();
    let verdict = match summary.status {
        _ if unjudged > 0 => format!("{unjudged} rules could not be judged, and {missed} thresholds are missed; the report says which"),
        RunStatus::Passed if missed == 0 => "every threshold is met".to_owned(),
        RunStatus::Passed => format!("{missed} thresholds of severity warning are missed; the report says which"),
        RunStatus::Failed => format!("{missed} thresholds are missed; the report says which"),
    };
    println!("\n  {verdict} ({:.1} s)\n  report  {}", summary.seconds, finished.report.display());
    for asked in summary.queries.iter().filter(|q| q.new + q.open + q.closed > 0) {
        println!("  queries {}: {} new, {} asked before ({} answered), {} closed", asked.site, grouped(asked.new), grouped(asked.open), grouped(asked.answered), grouped(asked.closed));
    }
    if let Some(parquet) = &finished.parquet {
        println!("  cohort  {}", parquet.display());
    }
}

fn grouped(n: u64) -> String {
    indicatif::HumanCount(n).to_string()
}
