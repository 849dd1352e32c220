//! Months, quarters or years without a single row: a file that was not sent.

use std::sync::Arc;

use super::{Asks, Counts, Judge, Kind, Values, Verdict, need, quoted};
use crate::config::read::text;
use crate::config::rule::{Limit, RuleCategory, Threshold};
use crate::config::schema::FieldType;

pub static KIND: Kind = Kind {
    name: "each_period",
    category: RuleCategory::Completeness,
    dqd: None,
    later: true,
    summary: "At each site every month, quarter or year from the first to the last has a row. `at_most` says how many may be empty.",
    example: "{each_period: {field: diagnosis_date, every: month}}",
    read: |told| {
        let mut keys = told.keys()?;
        let field = told.field_at(&mut keys, "field", &[FieldType::Date, FieldType::Datetime]);
        let every = keys.require("every", told.found).and_then(|n| text(n, "every", told.found));
        keys.finish(told.found);
        let (field, every) = (field?, every?);
        let name = quoted(&field.name.value);
        let (year, month) = (format!("date_part('year', {name})"), format!("date_part('month', {name})"));
        let value = match every.value.as_str() {
            "month" => format!("{year} * 12 + {month} - 1"),
            "quarter" => format!("{year} * 4 + floor(({month} - 1) / 3.0)"),
            "year" => year,
            _ => {
                told.wrong(every.span, format!("`{}` is no period", every.value), "expected `month`, `quarter` or `year`");
                return None;
            }
        };
        let threshold = told.rule.threshold.clone();
        if threshold.as_ref().is_some_and(|t| t.least) {
            told.wrong(told.word.span, "empty periods are measured from above", "expected `at_most`");
        }
        Some(Asks::Values(Values { needs: need(told.table, &[field]), field: field.name.value.clone(), value, earlier: false, judge: Arc::new(EachPeriod(threshold)) }))
    },
};

#[derive(Debug)]
struct EachPeriod(Option<Threshold>);

impl Judge for EachPeriod {
    fn judge(&self, sites: &[Counts], _: Option<&[Counts]>) -> Vec<Verdict> {
        let one = |site: &Counts| {
            let periods: Vec<f64> = site.numbers().map(|(v, _)| v).collect();
            let (Some(first), Some(last)) = (periods.first(), periods.last()) else { return Verdict::default() };
            let all = (last - first) as u64 + 1;
            let empty = all.saturating_sub(periods.len() as u64);
            let misses = match self.0.as_ref().map(|t| t.limit) {
                None => empty > 0,
                Some(Limit::Rows(most)) => empty > most,
                Some(Limit::Share(most)) => empty as f64 > most * all as f64,
            };
            Verdict { violated: empty, denominator: all, misses, measure: None, rows: None }
        };
        sites.iter().map(one).collect()
    }
}
