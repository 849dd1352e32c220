//! Values that pile up where people round, or where a program fills in a default.

use std::sync::Arc;

use super::{Asks, Counts, Judge, Kind, Measured, Datum, Values, Verdict, need, quoted};
use crate::config::read::text;
use crate::config::rule::RuleCategory;
use crate::config::schema::FieldType;
use crate::statistic::heaping::{digit_preference, heaped};

pub static KIND: Kind = Kind {
    name: "heaped",
    category: RuleCategory::Plausibility,
    dqd: None,
    later: true,
    summary: "At each site no more than a share of the values (`at_most`) lies `on` a place where people round or programs fill in: `january_1` (default 5 %), `first_of_month` (15 %), `multiples_of_5` (50 %), `multiples_of_10` (35 %). Found are only shares that chance does not give.",
    example: "{heaped: {field: diagnosis_date, on: january_1}}",
    read: |told| {
        let mut keys = told.keys()?;
        let field = told.field_at(&mut keys, "field", &[FieldType::Date, FieldType::Datetime, FieldType::Integer, FieldType::Decimal]);
        let on = keys.require("on", told.found).and_then(|n| text(n, "on", told.found));
        keys.finish(told.found);
        let (field, on) = (field?, on?);
        let name = quoted(&field.name.value);
        let is_day = matches!(field.kind.value, FieldType::Date | FieldType::Datetime);
        let (place, usual) = match (on.value.as_str(), is_day) {
            ("january_1", true) => (Place::Share { expected: 1.0 / 365.25, condition: format!("date_part('month', {name}) = 1 AND date_part('day', {name}) = 1") }, 0.05),
            ("first_of_month", true) => (Place::Share { expected: 12.0 / 365.25, condition: format!("date_part('day', {name}) = 1") }, 0.15),
            ("multiples_of_5", false) => (Place::Multiples { of: 5, condition: format!("{name} % 5 = 0") }, 0.5),
            ("multiples_of_10", false) => (Place::Multiples { of: 10, condition: format!("{name} % 10 = 0") }, 0.35),
            _ => {
                told.wrong(on.span, format!("`{}` is no place for a field of type `{}`", on.value, field.kind.value.word()), "dates heap on `january_1` and `first_of_month`, numbers on `multiples_of_5` and `multiples_of_10`");
                return None;
            }
        };
        let value = match &place {
            Place::Share { condition, .. } => format!("CASE WHEN {name} IS NOT NULL THEN CASE WHEN {condition} THEN 1 ELSE 0 END END"),
            Place::Multiples { .. } => name,
        };
        let most = told.most(usual);
        Some(Asks::Values(Values { needs: need(told.table, &[field]), field: field.name.value.clone(), value, earlier: false, judge: Arc::new(Heaped { place, most }) }))
    },
};

#[derive(Debug)]
enum Place {
    /// Days, of which chance gives a share.
    Share { expected: f64, condition: String },
    /// Whole numbers, compared with those around them.
    Multiples { of: u32, condition: String },
}

#[derive(Debug)]
struct Heaped {
    place: Place,
    most: f64,
}

impl Judge for Heaped {
    fn judge(&self, sites: &[Counts], _: Option<&[Counts]>) -> Vec<Verdict> {
        sites.iter().map(|site| self.one(site)).collect()
    }
}

impl Heaped {
    fn one(&self, site: &Counts) -> Verdict {
        let all = site.rows();
        let (heap, on, condition) = match &self.place {
            Place::Share { expected, condition } => {
                let on = site.values.iter().filter(|(v, _)| *v == Datum::Number(1.0)).map(|(_, n)| n).sum();
                (Some(heaped(on, all, *expected, 2.0, self.most)), on, condition)
            }
            Place::Multiples { of, condition } => {
                let whole: Vec<(i64, u64)> = site.numbers().filter(|(v, _)| v.fract() == 0.0 && v.abs() < 1e15).map(|(v, n)| (v as i64, n)).collect();
                let on = whole.iter().filter(|(v, _)| v % i64::from(*of) == 0).map(|(_, n)| n).sum();
                (digit_preference(&whole, *of, 2.0), on, condition)
            }
        };
        // Too few different values to tell a heap from a hill.
        let Some(heap) = heap else { return Verdict::default() };
        let share = if all == 0 { 0.0 } else { on as f64 / all as f64 };
        let misses = heap.is_heaped && share > self.most;
        Verdict {
            violated: if misses { on } else { 0 },
            denominator: all,
            misses,
            measure: (all > 0).then_some(Measured { en: "share at that place", fr: "part à cet endroit", value: share, limit: Some(self.most) }),
            rows: Some(condition.clone()),
        }
    }
}
