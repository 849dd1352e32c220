//! Small tables whose hidden counts were worked out by hand; the threshold is 5.

use super::sample::*;
use crate::disclosure::{public, suppress};
use crate::execute::summary::*;

fn hidden(rows: &[&[u64]]) -> Vec<Option<Vec<Cell>>> {
    let mut summary = table(rows);
    suppress(&mut summary, 5);
    let once = told(&summary);
    suppress(&mut summary, 5);
    assert_eq!(told(&summary), once, "a second time");
    once
}

fn row(cells: &[i64]) -> Option<Vec<Cell>> {
    Some(cells.iter().map(|n| u64::try_from(*n).ok()).collect())
}

/// −1: hidden.
const H: i64 = -1;

#[test]
fn a_table_without_small_counts_is_untouched() {
    assert_eq!(hidden(&[&[5, 0, 9], &[7, 6, 0]]), [row(&[5, 0, 9]), row(&[7, 6, 0])]);
}

/// 33 − 10 − 20 would be 3; the next smallest goes too.
#[test]
fn a_lone_small_count_takes_the_next_smallest_with_it() {
    assert_eq!(hidden(&[&[3, 20, 10, 0]]), [row(&[H, 20, H, 0])]);
}

/// 1 + 2 < 5: both together are few.
#[test]
fn two_small_counts_of_few_rows_take_a_third() {
    assert_eq!(hidden(&[&[1, 2, 10, 30]]), [row(&[H, H, H, 30])]);
}

/// 2 + 4 ≥ 5.
#[test]
fn two_small_counts_protect_each_other() {
    assert_eq!(hidden(&[&[2, 4, 10, 30]]), [row(&[H, H, 10, 30])]);
}

/// The row hides 3 with 20, and each column hides another site's count: the one pair that closes the rectangle.
#[test]
fn totals_over_sites_need_a_rectangle() {
    assert_eq!(hidden(&[&[3, 20, 30], &[15, 25, 40]]), [row(&[H, H, 30]), row(&[H, H, 40])]);
}

/// Five ones among five hidden counts with the sum 5 are no secret; nothing is told then, nor which codes occur.
#[test]
fn ones_that_fill_their_row_hide_all_of_it() {
    assert_eq!(hidden(&[&[1, 1, 1, 1, 1, 0]]), [None]);
}

#[test]
fn fewer_rows_than_the_threshold_have_no_distribution() {
    assert_eq!(hidden(&[&[2, 2, 0]]), [None]);
    let found = hidden(&[&[3, 0, 0], &[20, 20, 20], &[30, 30, 30]]);
    assert_eq!(found[0], None);
    assert!(found[1..].iter().flatten().flatten().any(Option::is_none), "the sites' sum would tell it: {found:?}");
}

/// Rows of a value that is not in the list: 23 − 20 − 0.
#[test]
fn rows_that_no_value_is_told_of_are_a_count_too() {
    let mut summary = table(&[&[20, 30, 0]]);
    summary.variables[0].filled = 53;
    suppress(&mut summary, 5);
    assert_eq!(told(&summary), [row(&[H, 30, 0])]);
}

fn number(mean: f64, sd: f64, median: f64, bins: &[u64]) -> Distribution {
    Distribution::Number { mean: Some(mean), sd: Some(sd), median: Some(median), low: 0.0, high: bins.len() as f64, bins: bins.iter().map(|n| Some(*n)).collect() }
}

/// Sites have their own bins: another site's stay.
#[test]
fn bins_are_hidden_site_by_site() {
    let mut summary = empty();
    let bins = [3, 10, 20, 40];
    summary.variables = vec![variable("0", "age", 73, number(2.3, 0.87, 3.0, &bins)), variable("1", "age", 80, number(1.5, 1.125, 1.5, &[20; 4]))];
    suppress(&mut summary, 5);
    assert_eq!(told(&summary), [row(&[H, H, 20, 40]), row(&[20, 20, 20, 20])]);
    let Some(Distribution::Number { mean, .. }) = summary.variables[1].distribution else { panic!("a number") };
    assert_eq!(mean, Some(1.5), "nothing hidden, nothing rounded");
}

/// 2001 and 2002 are hidden in a date, and 2003 is small at the site: each goes at the site and over all.
#[test]
fn counts_by_year_go_with_the_year() {
    let mut summary = empty();
    let years = |counts: &[u64]| Distribution::Year { first: 2000, counts: counts.iter().map(|n| Some(*n)).collect() };
    summary.variables = vec![variable("0", "seen", 64, years(&[30, 4, 3, 27]))];
    let by_year = |counts: &[u64]| (2000..).zip(counts).map(|(year, n)| YearResult { year, violated: 0, denominator: *n, status: RuleStatus::Passed }).collect();
    let mut one = rule(Some("0"), "known", 0, 63);
    one.years = by_year(&[30, 9, 20, 4]);
    let mut all = rule(None, "known", 0, 163);
    all.years = by_year(&[60, 29, 50, 74]);
    summary.rules = vec![all, one];
    suppress(&mut summary, 5);
    assert_eq!(told(&summary), [row(&[30, H, H, 27])]);
    for rule in &summary.rules {
        assert_eq!(rule.years.iter().map(|y| y.year).collect::<Vec<_>>(), [2000]);
    }
}

#[test]
fn rare_raw_codes_are_told_as_one() {
    let mut summary = empty();
    let code = |value: Option<&str>, rows| Unmapped { table: "patient".into(), site: "0".into(), field: "sex".into(), column: "SEXE".into(), value: value.map(str::to_owned), rows };
    summary.unmapped = vec![code(Some("G"), 31), code(Some("H"), 9), code(None, 2)];
    suppress(&mut summary, 10);
    assert_eq!(summary.unmapped, [code(Some("G"), 31), code(None, 11)]);
    assert_eq!(summary.small_cell, 10);
}

fn event(site: &str, yes: u64, no: u64) -> Variable {
    let count = |value: &str, rows| CategoryCount { value: value.into(), rows: Some(rows) };
    variable(site, "event", yes + no, Distribution::Category { counts: vec![count("true", yes), count("false", no)] })
}

/// Site 0 has 3 events. Site 1 must hide its own, since the sum is told; site 2 need not. The curves of both go.
#[test]
fn events_are_hidden_in_curves_as_in_distributions() {
    let mut summary = empty();
    summary.variables = vec![event("0", 3, 97), event("1", 40, 60), event("2", 50, 50)];
    let curve: &[(f64, u64, f64)] = &[(0.0, 100, 1.0), (1.0, 50, 0.8)];
    let site = |s, events| survival(Some(s), 100, events, curve);
    summary.survival = vec![survival(None, 300, 93, &[(0.0, 300, 1.0), (1.0, 150, 0.8)]), site("0", 3), site("1", 40), site("2", 50)];
    suppress(&mut summary, 5);
    assert_eq!(told(&summary), [row(&[H, H]), row(&[H, H]), row(&[50, 50])]);
    let events: Vec<Cell> = summary.survival.iter().map(|s| s.events).collect();
    assert_eq!(events, [Some(93), None, None, Some(50)]);
    let points: Vec<usize> = summary.survival.iter().map(|s| s.points.len()).collect();
    assert_eq!(points, [2, 0, 0, 2]);
}

/// 7 patients had the event, but of 3 only the time is known: the curve hides 3, so the distribution must not tell 7 and 97
/// of a site whose other counts are told.
#[test]
fn what_a_curve_hides_a_distribution_hides() {
    let mut summary = empty();
    summary.variables = vec![event("0", 7, 97), event("1", 40, 60), event("2", 50, 50)];
    summary.survival = vec![survival(None, 300, 93, &[]), survival(Some("0"), 100, 3, &[]), survival(Some("1"), 100, 40, &[]), survival(Some("2"), 100, 50, &[])];
    suppress(&mut summary, 5);
    assert_eq!(told(&summary), [row(&[H, H]), row(&[H, H]), row(&[50, 50])]);
}

/// Bins at the ends that are not told are cut off, and edges move with them.
#[test]
fn the_ends_of_a_public_histogram_are_those_that_are_told() {
    let mut summary = empty();
    summary.variables = vec![variable("0", "age", 73, number(2.3, 0.87, 3.0, &[3, 10, 20, 40]))];
    let Some(Distribution::Number { low, high, bins, .. }) = public(&summary, 5).variables.remove(0).distribution else { panic!("a number") };
    assert_eq!((low, high, bins), (2.0, 4.0, vec![Some(20), Some(40)]));
}

/// At time 2 site 0 has 4 at risk: its curve ends, and with it that of site 1 (20), since 84 − 60 − 20 is 4.
#[test]
fn numbers_at_risk_do_not_differ_by_few() {
    let mut summary = empty();
    let curve = |at_risk: [u64; 3]| [(0.0, at_risk[0], 1.0), (1.0, at_risk[1], 0.8), (2.0, at_risk[2], 0.5)];
    let site = |s, at_risk| survival(Some(s), 100, 50, &curve(at_risk));
    summary.survival = vec![survival(None, 300, 150, &curve([300, 160, 84])), site("0", [100, 30, 4]), site("1", [100, 50, 20]), site("2", [100, 80, 60])];
    suppress(&mut summary, 5);
    let last: Vec<f64> = summary.survival.iter().map(|s| s.points.last().map_or(-1.0, |p| p.time)).collect();
    assert_eq!(last, [2.0, 1.0, 1.0, 2.0]);
}

/// 100 → 97 at risk and 2 events until time 1: merged into the step to time 2. From there 10 leave without an event.
#[test]
fn a_public_curve_has_coarse_steps() {
    let mut summary = empty();
    summary.survival = vec![survival(None, 100, 30, &[(0.0, 100, 1.0), (1.0, 97, 0.98), (2.0, 60, 0.75), (3.0, 50, 0.75), (4.0, 47, 0.75)])];
    let out = public(&summary, 5);
    let points: Vec<(f64, u64, f64)> = out.survival[0].points.iter().map(|p| (p.time, p.at_risk, p.survival)).collect();
    assert_eq!(points, [(0.0, 100, 1.0), (2.0, 60, 0.75), (3.0, 50, 0.75)]);
    // 40 leave, 3 of them with the event.
    summary.survival = vec![survival(None, 100, 30, &[(0.0, 100, 1.0), (1.0, 60, 0.97), (2.0, 30, 0.7)])];
    assert_eq!(public(&summary, 5).survival[0].points.iter().map(|p| p.time).collect::<Vec<_>>(), [0.0, 2.0]);
}

/// 3 of 100 refused: rounded everywhere in the same way, and the read rows are the sum.
#[test]
fn sums_are_told_as_sums_of_rounded_parts() {
    let mut summary = empty();
    summary.sites = vec!["0".into(), "1".into()];
    summary.accounts = vec![account("0", 104, 1, 0, 0, 2), account("1", 51, 3, 7, 0, 0)];
    summary.rules = vec![rule(None, "r", 4, 166), rule(Some("0"), "r", 1, 105), rule(Some("1"), "r", 3, 61)];
    let out = public(&summary, 5);
    let told: Vec<[u64; 5]> = out.accounts.iter().map(|a| [a.rows_read, a.rows_accepted, a.rows_quarantined, a.rows_filtered, a.rows_flagged]).collect();
    assert_eq!(told, [[110, 105, 5, 0, 5], [70, 55, 5, 10, 0]]);
    let rules: Vec<(u64, u64)> = out.rules.iter().map(|r| (r.violated, r.denominator)).collect();
    assert_eq!(rules, [(10, 180), (5, 110), (5, 70)]);
}

/// Of `at most 1 rows` and 1 … 5 the status tells which; of `at least 100 %` it does not.
#[test]
fn a_rule_goes_whose_status_would_tell_a_small_count() {
    let of = |threshold: &str, violated, denominator| {
        let mut one = rule(Some("0"), "r", violated, denominator);
        one.threshold = Some(format!("{threshold} per site"));
        let mut summary = empty();
        summary.rules = vec![rule(None, "r", violated, denominator), one];
        public(&summary, 5).rules.len()
    };
    assert_eq!(of("at most 1 rows", 1, 1000), 0);
    assert_eq!(of("at most 1 rows", 0, 1000), 0, "that it is there would say that nothing is violated");
    assert_eq!(of("at most 1 rows", 17, 1000), 2);
    assert_eq!(of("at most 1 %", 3, 200), 0);
    assert_eq!(of("at most 1 %", 3, 20_000), 2);
    assert_eq!(of("at least 100 %", 3, 200), 2);
    assert_eq!(of("at least 3 rows", 197, 200), 0);
    assert_eq!(of("nearly all", 3, 200), 0, "not understood");
}

/// Of a codelist of which only the codes that occur are told, a rare one is not named; one that is told in full stays.
#[test]
fn a_code_that_is_rare_everywhere_is_not_named() {
    let label = |value: &str| ValueLabel { value: value.into(), label: Text::new() };
    let field = FieldSummary {
        name: "grade".into(),
        kind: "code".into(),
        unit: None,
        required: false,
        description: Text::new(),
        concept: Default::default(),
        values: ["a", "b", "c", "d"].map(label).into(),
        ordered: false,
        range: None,
    };
    let named = |rows: &[&[u64]]| -> String {
        let mut summary = table(rows);
        summary.schema.tables = vec![TableSummary { name: "patient".into(), description: Text::new(), key: vec![], fields: vec![field.clone()] }];
        public(&summary, 5).schema.tables[0].fields[0].values.iter().map(|v| v.value.as_str()).collect()
    };
    assert_eq!(named(&[&[3, 20, 30, 40], &[4, 20, 30, 40]]), "cd");
    assert_eq!(named(&[&[3, 20, 30, 40], &[0, 20, 30, 40]]), "abcd");
    assert_eq!(named(&[&[1, 1, 1, 1]]), "");
    assert_eq!(named(&[&[0, 0, 0, 0]]), "abcd");
}

/// Fifty sites, two hundred codes, few rows of each.
#[test]
fn a_large_table_takes_little_time() {
    let rows: Vec<Vec<u64>> = (0..50u64).map(|s| (0..200u64).map(|v| (s * 7919 + v * 104_729) % 23 % 9).collect()).collect();
    let mut summary = empty();
    let codes = |counts: &[u64]| Distribution::Category { counts: counts.iter().enumerate().map(|(at, n)| CategoryCount { value: at.to_string(), rows: Some(*n) }).collect() };
    summary.variables = rows.iter().enumerate().map(|(s, counts)| variable(&s.to_string(), "code", counts.iter().sum(), codes(counts))).collect();
    let begun = std::time::Instant::now();
    suppress(&mut summary, 5);
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    assert!(told(&summary).iter().flatten().flatten().any(Option::is_some));
}

/// A damaged report is protected as well as it can be.
#[test]
fn no_number_is_too_large() {
    for most in [u64::MAX, u64::MAX - 3, 1 << 63] {
        let mut summary = table(&[&[1, 3, 0], &[1, 1, 1]]);
        summary.variables[0].filled = most;
        summary.variables[1].distribution = Some(codes(&[most, most, 1]));
        summary.variables.push(variable("0", "age", most, number(f64::NAN, f64::INFINITY, 0.0, &[3, most, 0, 1])));
        summary.variables.push(variable("0", "seen", 3, Distribution::Year { first: i32::MAX, counts: vec![Some(most), None, Some(1)] }));
        summary.accounts = vec![account("0", 3, 0, 0, 0, 3)];
        summary.accounts[0].rows_accepted = most;
        let mut one = rule(Some("0"), "r", most, most);
        one.threshold = Some("at most 1 % per site".into());
        one.years = vec![YearResult { year: i32::MIN, violated: most, denominator: most, status: RuleStatus::Passed }];
        summary.rules = vec![rule(None, "r", most, 0), one];
        summary.survival = vec![survival(None, most, 3, &[(0.0, most, f64::NAN), (1.0, most, -1.0), (f64::INFINITY, 7, 0.0)]), survival(Some("0"), 3, most, &[(1.0, most, 1.0)])];
        for threshold in [0, 1, 5, most] {
            suppress(&mut summary.clone(), threshold);
            assert!(public(&summary, threshold).public);
        }
    }
}
