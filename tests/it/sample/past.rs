//! What the sample knows of earlier runs, of follow-up, and of the questions that are out.

use cohorte::execute::summary::*;

use super::{SITES, TABLE, text};

/// Two runs before this one: fewer rows, other findings, one variable that was emptier.
pub fn history(accounts: &[Account], results: &[RuleResult], variables: &[Variable]) -> Vec<PastRun> {
    let run = |started_at: &str, share: u64| PastRun {
        started_at: started_at.into(),
        status: RunStatus::Failed,
        sites: accounts
            .iter()
            .map(|a| PastSite {
                site: a.site.clone(),
                table: a.table.clone(),
                rows_read: a.rows_read * share / 100,
                rows_accepted: a.rows_accepted * share / 100,
                rows_quarantined: a.rows_quarantined * share / 100,
            })
            .collect(),
        rules: results
            .iter()
            .filter(|r| r.status != RuleStatus::Error)
            .map(|r| {
                let violated = if r.rule == "grade_known" { r.violated / 2 } else { r.violated * (200 - share) / 100 };
                PastRule {
                    table: r.table.clone(),
                    site: r.site.clone(),
                    rule: r.rule.clone(),
                    field: r.field.clone(),
                    violated,
                    denominator: r.denominator * share / 100,
                    status: match r.rule.as_str() {
                        "grade_known" if r.violated > 0 => RuleStatus::PassedWithFindings,
                        "contact_after_diagnosis" => RuleStatus::Failed,
                        _ => r.status,
                    },
                }
            })
            .collect(),
        variables: variables
            .iter()
            .filter(|v| v.state == VariableState::Derived)
            .map(|v| PastVariable {
                table: v.table.clone(),
                site: v.site.clone(),
                field: v.field.clone(),
                rows: v.rows,
                filled: if v.field == "ki67" { v.filled * 7 / 10 } else { v.filled },
            })
            .collect(),
    };
    vec![run("2025-09-15T07:00:00Z", 80), run("2026-01-12T08:30:00Z", 95)]
}

/// A decay of its own for each site, and the whole between them.
pub fn curve(site: Option<&str>, rows: u64, half: f64, last: u64) -> Survival {
    let points = (0..=last)
        .map(|i| {
            let time = 182.5 * i as f64;
            // Few digits, which JSON gives back as they are.
            let round = |x: f64| (x * 1e4).round() / 1e4;
            let survival = round((-time * std::f64::consts::LN_2 / half).exp());
            let error = 1.96 * (survival * (1.0 - survival) / rows as f64).sqrt() * (1.0 + i as f64 / 10.0);
            SurvivalPoint {
                time,
                at_risk: rows * (last + 2 - i) / (last + 2),
                survival,
                lower: round((survival - error).max(0.0)),
                upper: round((survival + error).min(1.0)),
            }
        })
        .collect();
    Survival {
        table: TABLE.into(),
        site: site.map(Into::into),
        time: "rfs_days".into(),
        event: "rfs_event".into(),
        unit: Some("d".into()),
        description: text("Relapse-free survival", "Survie sans rechute"),
        rows: Some(rows),
        events: Some(rows * 2 / 5),
        median_follow_up: Some((182.5 * last as f64 * 0.7).round()),
        median: (half < 182.5 * last as f64).then_some(half),
        points,
    }
}

pub fn survival() -> Vec<Survival> {
    let halves = [4100.0, 1900.0, 2050.0, 5600.0];
    let mut all = vec![curve(None, 9706, 4300.0, 22)];
    all.extend(SITES.iter().zip(halves).enumerate().map(|(i, ((site, rows), half))| curve(Some(site), *rows, half, 22 - 3 * i as u64)));
    // A site with too few events to tell.
    all[2].events = None;
    all
}

pub fn queries() -> Vec<SiteQueries> {
    vec![
        SiteQueries { site: "rotterdam".into(), new: 0, open: 43, answered: 12, closed: 5 },
        SiteQueries { site: "curie".into(), new: 61, open: 175, answered: 20, closed: 31 },
    ]
}
