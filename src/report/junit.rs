//! The outcomes of all rules as JUnit XML, which every CI shows: a suite for each table, a case for each rule at each site.

use std::fmt::Write;

use super::findings::{Rule, title};
use super::view::View;
use crate::execute::summary::{RuleResult, RuleStatus, RunSummary, Severity};

/// The document.
pub fn junit(summary: &RunSummary) -> String {
    let view = View::new(summary);
    let is_failure = |r: &RuleResult| r.status == RuleStatus::Failed && r.severity == Severity::Error;
    let cases = |table: &str| -> Vec<&RuleResult> { summary.rules.iter().filter(|r| r.table == table).collect() };
    let mut suites = String::new();
    let (mut tests, mut failures, mut errors) = (0, 0, 0);
    for table in &summary.schema.tables {
        let cases = cases(&table.name);
        let count = |holds: &dyn Fn(&RuleResult) -> bool| cases.iter().filter(|r| holds(r)).count();
        let [failed, wrong, skipped] = [count(&is_failure), count(&|r| r.status == RuleStatus::Error), count(&|r| r.status == RuleStatus::NotApplicable)];
        (tests, failures, errors) = (tests + cases.len(), failures + failed, errors + wrong);
        let _ = writeln!(suites, "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failed}\" errors=\"{wrong}\" skipped=\"{skipped}\" timestamp=\"{}\">", escaped(&table.name), cases.len(), escaped(summary.started_at.trim_end_matches('Z')));
        for case in cases {
            one(&mut suites, &view, case, is_failure(case));
        }
        suites.push_str("  </testsuite>\n");
    }
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"{}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" time=\"{:.3}\">\n{suites}</testsuites>\n", escaped(&summary.pipeline), summary.seconds)
}

fn one(out: &mut String, view: &View, case: &RuleResult, failed: bool) {
    let name = match &case.field {
        Some(field) => format!("{field}: {}", case.rule),
        None => case.rule.clone(),
    };
    let place = case.site.as_deref().unwrap_or("all sites");
    let _ = write!(out, "    <testcase classname=\"{}.{}\" name=\"{}\"", escaped(&case.table), escaped(place), escaped(&name));
    let asks = title(view, Rule::of(case)).en;
    let counts = format!("{} of {} rows", case.violated, case.denominator);
    let limit = case.threshold.as_ref().map_or(String::new(), |t| format!(", {t}"));
    let _ = match case.status {
        _ if failed => writeln!(out, ">\n      <failure message=\"{}\" type=\"{}\">{}</failure>\n    </testcase>", escaped(&format!("{counts}{limit}")), escaped(&case.code), escaped(&asks)),
        RuleStatus::Error => writeln!(out, ">\n      <error message=\"{}\" type=\"{}\">{}</error>\n    </testcase>", escaped(case.error.as_deref().unwrap_or("not judged")), escaped(&case.code), escaped(&asks)),
        RuleStatus::NotApplicable => writeln!(out, ">\n      <skipped message=\"no row to judge\"/>\n    </testcase>"),
        RuleStatus::PassedWithFindings | RuleStatus::Failed => writeln!(out, ">\n      <system-out>{}</system-out>\n    </testcase>", escaped(&format!("{asks}: {counts}{limit}"))),
        RuleStatus::Passed => writeln!(out, "/>"),
    };
}

fn escaped(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .flat_map(|c| match c {
            '&' => "&amp;".chars().collect::<Vec<_>>(),
            '<' => "&lt;".chars().collect(),
            '>' => "&gt;".chars().collect(),
            '"' => "&quot;".chars().collect(),
            c => vec![c],
        })
        .collect()
}
