//! The summary that may be shown to everybody.
//!
//! Leaving single counts out does not help where so many are told of the same rows: a refused row shows in the account, in the
//! difference of two rules' denominators, and in what a field lacks. So counts are rounded up to multiples of the threshold
//! (zero stays zero), and what is the sum of others is told as the sum of the rounded ones, never rounded by itself: a sum told
//! twice pins its parts (ten sites of one row each, beside a total of ten). Counts of values are shares of the rounded rows; no
//! exact number of rows is told anywhere. What is left then is an interval as wide as the threshold (Hundepool et al. 2012,
//! *Statistical Disclosure Control*, ch. 5, and *Handbook on Statistical Disclosure Control*, 2nd edition 2024, section 5.5: rounding,
//! and how rounded parts beside rounded sums are taken apart).
//!
//! What was made of files, columns and earlier runs goes: paths, hashes, evidence, raw codes, conditions of filters, steps,
//! queries, the words and columns of endpoints, the mapping's reasons.

use serde_json::Value;

use super::distributions::{round_up, to_grain};
use super::{suppress, total, up};
use super::survival::coarsen;
use crate::execute::summary::*;

/// What may be told to everybody.
pub fn public(summary: &RunSummary, threshold: u64) -> RunSummary {
    let mut out = summary.clone();
    if out.public && out.small_cell >= threshold {
        return out;
    }
    suppress(&mut out, threshold);
    let rounding = Rounding(threshold.max(1));
    out.sources.iter_mut().for_each(|s| s.files.clear());
    out.accounts.iter_mut().for_each(|a| rounding.account(a));
    out.steps.clear();
    out.unmapped.clear();
    out.history.clear();
    out.queries.clear();
    for endpoint in &mut out.endpoints {
        endpoint.words.clear();
        endpoint.derivation = Value::Null;
    }
    out.variables.iter_mut().for_each(|v| rounding.variable(v));
    hide_rare_codes(&mut out, &summary.variables);
    out.rules = rounding.rules(summary);
    out.reasons = rounding.reasons(summary, &out.rules);
    rounding.survival(&mut out.survival, &summary.survival);
    out.small_cell = threshold;
    out.public = true;
    out
}

/// Up to multiples of the threshold.
struct Rounding(u64);

/// A rule's outcomes: at sites, and over all.
type Group<'a> = Vec<(usize, &'a RuleResult)>;

impl Rounding {
    fn up(&self, n: u64) -> u64 {
        up(n, self.0)
    }

    fn account(&self, a: &mut Account) {
        let parts = [&mut a.rows_accepted, &mut a.rows_quarantined, &mut a.rows_filtered, &mut a.rows_deduplicated];
        a.rows_read = total(parts.into_iter().map(|n| {
            *n = self.up(*n);
            *n
        }));
        a.rows_flagged = self.up(a.rows_flagged).min(a.rows_accepted);
        a.filters.clear();
    }

    fn variable(&self, v: &mut Variable) {
        let exact = v.filled;
        let rows = self.up(v.rows);
        v.filled = rows.saturating_sub(self.up(v.rows.saturating_sub(v.filled)));
        v.rows = rows;
        v.reason = None;
        let filled = v.filled;
        v.distribution = v.distribution.take().and_then(|d| self.distribution(d, exact, filled));
    }

    /// Shares of the exact rows, as multiples of the threshold in the rounded rows; without the ends that are not told, whose
    /// place would be that of the lowest and highest patient.
    fn distribution(&self, d: Distribution, exact: u64, filled: u64) -> Option<Distribution> {
        let one = |n: u64| match n {
            0 => 0,
            n => ((n as f64 * filled as f64 / (exact.max(1) as f64 * self.0 as f64)).round() as u64).max(1).saturating_mul(self.0),
        };
        let cell = |c: &Cell| c.map(one);
        let is_told = |c: &Cell| c.is_some_and(|n| n > 0);
        let inner = |cells: &[Cell]| Some((cells.iter().position(is_told)?, cells.iter().rposition(is_told)?));
        match d {
            Distribution::Number { mean, sd, median, low, high, bins } => {
                let (first, last) = inner(&bins)?;
                let width = (high - low) / bins.len() as f64;
                let grain = round_up(sd.filter(|sd| *sd > 0.0).or(mean.map(f64::abs)).filter(|x| *x > 0.0).unwrap_or(1.0) / 20.0);
                let round = |x: f64| to_grain(x, grain);
                let bins = bins.get(first..=last)?.iter().map(cell).collect();
                let edge = |bin: usize| to_edge(low + width * bin as f64, width);
                Some(Distribution::Number { mean: mean.map(round), sd: sd.map(round), median: median.map(round), low: edge(first), high: edge(last + 1), bins })
            }
            Distribution::Year { first, counts } => {
                let (from, to) = inner(&counts)?;
                Some(Distribution::Year { first: first.saturating_add(i32::try_from(from).ok()?), counts: counts.get(from..=to)?.iter().map(cell).collect() })
            }
            Distribution::Category { counts } => {
                Some(Distribution::Category { counts: counts.into_iter().map(|c| CategoryCount { rows: cell(&c.rows), value: c.value }).collect() })
            }
        }
    }

    /// All rules; a rule goes whose status would tell more of a small count than its rounding.
    fn rules(&self, summary: &RunSummary) -> Vec<RuleResult> {
        let mut groups: Vec<Group> = vec![];
        for (at, rule) in summary.rules.iter().enumerate() {
            let same = |g: &&mut Group| g.first().is_some_and(|(_, r)| (&r.table, &r.rule, &r.field, &r.code) == (&rule.table, &rule.rule, &rule.field, &rule.code));
            match groups.iter_mut().find(same) {
                Some(group) => group.push((at, rule)),
                None => groups.push(vec![(at, rule)]),
            }
        }
        let mut told: Vec<(usize, RuleResult)> = vec![];
        for group in groups.iter().filter(|g| !g.iter().any(|(_, r)| self.status_tells(r, g.len() as u64))) {
            let mut sites: Vec<(usize, RuleResult)> = vec![];
            for (at, rule) in group.iter().filter(|(_, r)| r.site.is_some()) {
                let (violated, denominator) = self.outcome(rule, &summary.accounts);
                sites.push((*at, plain(rule, violated, denominator)));
            }
            for (at, rule) in group.iter().filter(|(_, r)| r.site.is_none()) {
                let (violated, denominator) = match sites.as_slice() {
                    [] => (self.up(rule.violated).min(self.up(rule.denominator)), self.up(rule.denominator)),
                    all => (total(all.iter().map(|(_, r)| r.violated)), total(all.iter().map(|(_, r)| r.denominator))),
                };
                told.push((*at, plain(rule, violated, denominator)));
            }
            told.append(&mut sites);
        }
        told.sort_by_key(|(at, _)| *at);
        told.into_iter().map(|(_, r)| r).collect()
    }

    /// Violated and denominator; a denominator that is a sum of the account is told as the sum.
    fn outcome(&self, rule: &RuleResult, accounts: &[Account]) -> (u64, u64) {
        let violated = self.up(rule.violated);
        let mine = accounts.iter().filter(|a| a.table == rule.table && rule.site.as_ref() == Some(&a.site));
        let sum = mine.flat_map(|a| {
            let mut told = a.clone();
            self.account(&mut told);
            [
                (a.rows_read, told.rows_read),
                (a.rows_accepted, told.rows_accepted),
                (a.rows_accepted.saturating_add(a.rows_quarantined), told.rows_accepted.saturating_add(told.rows_quarantined)),
                (a.rows_accepted.saturating_add(rule.violated), told.rows_accepted.saturating_add(violated)),
            ]
        }).find(|(exact, _)| *exact == rule.denominator);
        let denominator = sum.map_or_else(|| self.up(rule.denominator), |(_, told)| told);
        (if rule.violated == rule.denominator { denominator } else { violated.min(denominator) }, denominator)
    }

    /// Whether a threshold lies within what rounding hides of a count, so that the status would part it. It is asked of zero
    /// too: else a rule's absence would say that it is violated.
    fn status_tells(&self, rule: &RuleResult, parts: u64) -> bool {
        let Some(text) = rule.threshold.as_deref().filter(|_| rule.denominator > 0) else { return false };
        let per_site = text.ends_with("per site");
        if per_site == rule.site.is_none() {
            return false;
        }
        let t = self.0;
        let few = |n: u64| n <= t;
        let conforming = rule.denominator.saturating_sub(rule.violated);
        if !few(rule.violated) && !few(conforming) {
            return false;
        }
        let Some(limit) = Limit::of(text) else { return true };
        // Up to four rounded parts make up a denominator.
        let width = parts.saturating_mul(t).saturating_mul(4);
        let (most, least) = (self.up(rule.denominator).saturating_add(width), rule.denominator.saturating_sub(width).max(1));
        let splits = |(a, b): (u64, u64), (c, d): (u64, u64)| limit.is_missed(a, b) != limit.is_missed(c, d);
        (few(rule.violated) && splits((1, most), (t.min(least), least)))
            || (few(conforming) && splits((least.saturating_sub(t), least), (most - 1, most)))
    }

    /// Reasons say what rules say; one without its rule would be another count.
    fn reasons(&self, summary: &RunSummary, told: &[RuleResult]) -> Vec<ReasonCount> {
        let same = |r: &RuleResult, reason: &ReasonCount| r.table == reason.table && r.site.as_ref() == Some(&reason.site) && r.rule == reason.rule && r.field == reason.field && r.code == reason.code;
        let of = |reason: &ReasonCount| {
            summary.rules.iter().find(|r| same(r, reason) && r.violated == reason.rows)?;
            let rows = told.iter().find(|r| same(r, reason)).map(|r| r.violated)?;
            Some(ReasonCount { rows, ..reason.clone() })
        };
        let mut out: Vec<ReasonCount> = summary.reasons.iter().filter_map(of).collect();
        out.sort_by(|a, b| (std::cmp::Reverse(a.rows), &a.site, &a.field, &a.rule).cmp(&(std::cmp::Reverse(b.rows), &b.site, &b.field, &b.rule)));
        out
    }

    fn survival(&self, told: &mut [Survival], exact: &[Survival]) {
        for entry in told.iter_mut() {
            coarsen(entry, self.0);
            let same = exact.iter().filter(|s| s.site.is_some() && s.table == entry.table && s.time == entry.time && s.event == entry.event);
            let sites: Vec<u64> = same.filter_map(|s| s.rows).map(|n| self.up(n)).collect();
            entry.rows = entry.rows.map(|n| if entry.site.is_none() && !sites.is_empty() { total(sites.iter().copied()) } else { self.up(n) });
            entry.events = entry.events.map(|n| self.up(n)).map(|n| entry.rows.map_or(n, |rows| n.min(rows)));
        }
    }
}

/// A rule's outcome without what only the study needs.
fn plain(rule: &RuleResult, violated: u64, denominator: u64) -> RuleResult {
    RuleResult { violated, denominator, years: vec![], measure: None, error: None, ..rule.clone() }
}

/// An edge as it was, without the digits of the multiplication.
fn to_edge(x: f64, width: f64) -> f64 {
    if width > 0.0 && width.is_finite() { to_grain(x, 10f64.powf(width.log10().floor())) } else { x }
}

/// Of a codelist of which only occurring codes are told, a code that nothing is told of goes: that it occurs is what is hidden.
fn hide_rare_codes(out: &mut RunSummary, exact: &[Variable]) {
    for table in &mut out.schema.tables {
        for field in &mut table.fields {
            let mine = |v: &&mut Variable| v.table == table.name && v.field == field.name;
            let mut lists: Vec<&mut Vec<CategoryCount>> = out.variables.iter_mut().filter(mine).filter_map(|v| match &mut v.distribution {
                Some(Distribution::Category { counts }) => Some(counts),
                _ => None,
            }).collect();
            let occurs = exact.iter().any(|v| v.table == table.name && v.field == field.name && v.filled > 0);
            if field.kind != "code" || !occurs || lists.iter().any(|l| l.iter().any(|c| c.rows == Some(0))) {
                continue;
            }
            lists.iter_mut().for_each(|l| l.retain(|c| c.rows.is_some() || c.value == "…"));
            let told: Vec<&str> = lists.iter().flat_map(|l| l.iter()).map(|c| c.value.as_str()).collect();
            field.values.retain(|v| told.contains(&v.value.as_str()));
        }
    }
}

/// A threshold as it is written: `at most 1 %`, `at least 3 rows per site`.
struct Limit {
    least: bool,
    share: bool,
    number: f64,
}

impl Limit {
    fn of(text: &str) -> Option<Limit> {
        let mut words = text.split_whitespace();
        let least = match (words.next()?, words.next()?) {
            ("at", "least") => true,
            ("at", "most") => false,
            _ => return None,
        };
        let number: f64 = words.next()?.parse().ok()?;
        let unit = words.next()?;
        // A threshold of something else, such as years, is not understood here.
        let rest: Vec<&str> = words.collect();
        match unit {
            _ if !rest.is_empty() && rest != ["per", "site"] => None,
            "%" => Some(Limit { least, share: true, number: number / 100.0 }),
            "rows" => Some(Limit { least, share: false, number }),
            _ => None,
        }
    }

    fn is_missed(&self, violated: u64, denominator: u64) -> bool {
        let counted = if self.least { denominator.saturating_sub(violated) } else { violated } as f64;
        let counted = if self.share { counted / denominator.max(1) as f64 } else { counted };
        if self.least { counted < self.number } else { counted > self.number }
    }
}
