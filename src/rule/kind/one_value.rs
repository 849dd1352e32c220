//! One value that nearly all rows have: a default that nobody changed.

use std::sync::Arc;

use super::{Asks, Counts, Judge, Kind, Measured, Datum, Values, Verdict, need, quoted};
use crate::config::read::text;
use crate::config::rule::RuleCategory;
use crate::config::schema::FieldType;

/// With fewer rows than this, all of one value say nothing.
const FEW: u64 = 20;

pub static KIND: Kind = Kind {
    name: "one_value",
    category: RuleCategory::Plausibility,
    dqd: None,
    later: true,
    summary: "At each site no value of the field is that of more than a share of the rows: `at_most`, by default 95 %. Sites with fewer than 20 rows are not judged.",
    example: "{one_value: grade}",
    read: |told| {
        let name = text(told.node, "one_value", told.found)?;
        let field = told.field(&name)?;
        if matches!(field.kind.value, FieldType::Pseudonym) {
            told.wrong(name.span, "a pseudonym is no value", "not this field");
            return None;
        }
        let most = told.most(0.95);
        let value = quoted(&field.name.value);
        let is_day = matches!(field.kind.value, FieldType::Date | FieldType::Datetime);
        let judge = Arc::new(OneValue { name: value.clone(), is_day, most });
        Some(Asks::Values(Values { needs: need(told.table, &[field]), field: field.name.value.clone(), value, earlier: false, judge }))
    },
};

#[derive(Debug)]
struct OneValue {
    name: String,
    is_day: bool,
    most: f64,
}

impl Judge for OneValue {
    fn judge(&self, sites: &[Counts], _: Option<&[Counts]>) -> Vec<Verdict> {
        let one = |site: &Counts| {
            let all = site.rows();
            // The first of equals.
            let Some((value, n)) = site.values.iter().rev().max_by_key(|(_, n)| *n).filter(|_| all >= FEW) else { return Verdict::default() };
            let share = *n as f64 / all as f64;
            let misses = share > self.most;
            let literal = match value {
                Datum::Number(day) if self.is_day => format!("CAST('1970-01-01' AS DATE) + INTERVAL '{day:.0} days'"),
                Datum::Number(number) => format!("{number}"),
                Datum::Text(text) => format!("'{}'", text.replace('\'', "''")),
            };
            let name = if self.is_day { format!("CAST({} AS DATE)", self.name) } else { self.name.clone() };
            Verdict { violated: if misses { *n } else { 0 }, denominator: all, misses, measure: Some(Measured { en: "share of the most frequent value", fr: "part de la valeur la plus fréquente", value: share, limit: Some(self.most) }), rows: Some(format!("{name} = {literal}")) }
        };
        sites.iter().map(one).collect()
    }
}
