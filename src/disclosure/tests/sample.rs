//! Summaries to protect.

use crate::execute::summary::*;

/// A summary of nothing.
pub fn empty() -> RunSummary {
    RunSummary {
        format: 1,
        tool: "cohorte 0.1.0".into(),
        pipeline: "p".into(),
        schema: SchemaSummary { name: "s".into(), version: "1.0.0".into(), description: Text::new(), tables: vec![] },
        started_at: "2026-01-01T00:00:00Z".into(),
        seconds: 1.5,
        sites: vec![],
        sources: vec![],
        accounts: vec![],
        steps: vec![],
        variables: vec![],
        rules: vec![],
        unmapped: vec![],
        reasons: vec![],
        endpoints: vec![],
        survival: vec![],
        history: vec![],
        queries: vec![],
        small_cell: 5,
        public: false,
        status: RunStatus::Passed,
    }
}

pub fn variable(site: &str, field: &str, filled: u64, distribution: Distribution) -> Variable {
    Variable {
        table: "patient".into(),
        site: site.into(),
        field: field.into(),
        state: VariableState::Derived,
        reason: None,
        rows: filled,
        filled,
        distribution: Some(distribution),
    }
}

/// Codes `a`, `b`, … with their rows.
pub fn codes(counts: &[u64]) -> Distribution {
    let name = |at: usize| char::from(b'a' + at as u8).to_string();
    Distribution::Category { counts: counts.iter().enumerate().map(|(at, n)| CategoryCount { value: name(at), rows: Some(*n) }).collect() }
}

/// One code field at sites `0`, `1`, ….
pub fn table(rows: &[&[u64]]) -> RunSummary {
    let mut summary = empty();
    summary.sites = (0..rows.len()).map(|s| s.to_string()).collect();
    summary.variables = rows.iter().enumerate().map(|(s, counts)| variable(&s.to_string(), "grade", counts.iter().sum(), codes(counts))).collect();
    summary
}

/// The counts of each variable; `None` where nothing is told.
pub fn told(summary: &RunSummary) -> Vec<Option<Vec<Cell>>> {
    let of = |d: &Distribution| match d {
        Distribution::Number { bins, .. } => bins.clone(),
        Distribution::Year { counts, .. } => counts.clone(),
        Distribution::Category { counts } => counts.iter().map(|c| c.rows).collect(),
    };
    summary.variables.iter().map(|v| v.distribution.as_ref().map(of)).collect()
}

pub fn rule(site: Option<&str>, id: &str, violated: u64, denominator: u64) -> RuleResult {
    RuleResult {
        table: "patient".into(),
        site: site.map(str::to_owned),
        rule: id.into(),
        field: None,
        code: "R502".into(),
        category: Category::Plausibility,
        severity: Severity::Error,
        description: Text::new(),
        expression: None,
        violated,
        denominator,
        threshold: None,
        status: if violated == 0 { RuleStatus::Passed } else { RuleStatus::PassedWithFindings },
        name: Text::new(),
        reference: None,
        dqd: None,
        years: vec![],
        measure: None,
        error: None,
    }
}

pub fn account(site: &str, accepted: u64, quarantined: u64, filtered: u64, deduplicated: u64, flagged: u64) -> Account {
    Account {
        table: "patient".into(),
        site: site.into(),
        source: "export".into(),
        rows_read: accepted + quarantined + filtered + deduplicated,
        rows_accepted: accepted,
        rows_quarantined: quarantined,
        rows_filtered: filtered,
        rows_deduplicated: deduplicated,
        rows_flagged: flagged,
        filters: vec![],
    }
}

pub fn survival(site: Option<&str>, rows: u64, events: u64, points: &[(f64, u64, f64)]) -> Survival {
    let point = |(time, at_risk, survival): &(f64, u64, f64)| SurvivalPoint { time: *time, at_risk: *at_risk, survival: *survival, lower: survival - 0.01, upper: *survival };
    Survival {
        table: "patient".into(),
        site: site.map(str::to_owned),
        time: "days".into(),
        event: "event".into(),
        unit: Some("d".into()),
        description: Text::new(),
        rows: Some(rows),
        events: Some(events),
        median_follow_up: Some(1234.0),
        median: Some(2345.0),
        points: points.iter().map(point).collect(),
    }
}
