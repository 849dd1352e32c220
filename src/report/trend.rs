//! A rule over the runs before this one: how much violated it each time.

use std::collections::HashMap;

use maud::{Markup, html};

use super::chart::part;
use super::svg;
use super::text::{Phrase, day, int, share};
use super::view::RuleGroup;
use super::words as w;
use crate::execute::summary::{PastRule, PastRun, RuleResult, RuleStatus, RunSummary};

/// A rule of a past run by table, rule, field and site.
type Key<'a> = (&'a str, &'a str, Option<&'a str>, Option<&'a str>);

/// The earlier runs, with an index of their rules.
pub struct Past<'a> {
    pub run: &'a PastRun,
    rules: HashMap<Key<'a>, &'a PastRule>,
}

impl<'a> Past<'a> {
    /// All earlier runs of a summary, oldest first.
    pub fn of(run: &'a RunSummary) -> Vec<Self> {
        run.history.iter().map(Self::new).collect()
    }

    fn new(run: &'a PastRun) -> Self {
        let key = |r: &'a PastRule| (r.table.as_str(), r.rule.as_str(), r.field.as_deref(), r.site.as_deref());
        Self { run, rules: run.rules.iter().map(|r| (key(r), r)).collect() }
    }

    /// What this run made of a rule.
    pub fn rule(&self, result: &RuleResult) -> Option<&'a PastRule> {
        let key = (result.table.as_str(), result.rule.as_str(), result.field.as_deref(), result.site.as_deref());
        self.rules.get(&key).copied()
    }

    /// Violated and judged, over all sites; added up where only sites were kept.
    pub fn overall(&self, group: &RuleGroup) -> Option<(u64, u64)> {
        if let Some(past) = self.rule(&group.overall) {
            return Some((past.violated, past.denominator));
        }
        let sites: Vec<&PastRule> = group.sites.iter().filter_map(|r| self.rule(r)).collect();
        (!sites.is_empty()).then(|| sites.iter().fold((0, 0), |(v, d), r| (v + r.violated, d + r.denominator)))
    }
}

/// Counts of each run, this one last; nothing where no earlier run knew the rule.
fn counts(past: &[Past], group: &RuleGroup) -> Option<Vec<Option<(u64, u64)>>> {
    let mut all: Vec<Option<(u64, u64)>> = past.iter().map(|p| p.overall(group)).collect();
    if all.iter().all(Option::is_none) {
        return None;
    }
    let judged = !matches!(group.overall.status, RuleStatus::Error);
    all.push(judged.then_some((group.overall.violated, group.overall.denominator)));
    Some(all)
}

/// The line; nothing where it would be flat along the ground. It says its numbers where no table does.
pub fn line(past: &[Past], group: &RuleGroup, alone: bool) -> Markup {
    let Some(all) = counts(past, group).filter(|all| all.iter().flatten().any(|(violated, _)| *violated > 0)) else {
        return html! {};
    };
    let shares: Vec<Option<f64>> = all.iter().map(|n| n.filter(|(_, d)| *d > 0).map(|(v, d)| part(v, d))).collect();
    let label = alone.then(|| {
        let said: Vec<Phrase> = all.iter().map(|n| n.map_or_else(|| Phrase::same("–"), |(v, d)| share(v, d, 1))).collect();
        let (now, before) = said.split_last().expect("this run is the last");
        w::TREND_SAID.with(&[&Phrase::join(before, ", "), now])
    });
    svg::spark(&shares, label.as_ref())
}

/// The same as a table, a run a row.
pub fn table(past: &[Past], group: &RuleGroup, started_at: &str) -> Markup {
    let Some(all) = counts(past, group) else { return html! {} };
    let days = past.iter().map(|p| day(&p.run.started_at)).chain([w::THIS_RUN.with(&[&day(started_at)])]);
    html! {
        table .by-site.trend.nums {
            caption { (w::TREND) }
            thead { tr {
                th scope="col" { (w::RUN) }
                th scope="col" { (w::VIOLATED) }
                th scope="col" { (w::JUDGED) }
                th scope="col" { (w::SHARE) }
            } }
            tbody {
                @for (day, counts) in days.zip(all) {
                    tr {
                        th { (day) }
                        @match counts {
                            Some((violated, judged)) => {
                                td { (int(violated).en) } td { (int(judged).en) } td { (share(violated, judged, 1).en) }
                            }
                            None => { td { "–" } td { "–" } td { "–" } }
                        }
                    }
                }
            }
        }
    }
}
