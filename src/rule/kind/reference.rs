//! Values against a reference: how far from the mean of those who are alike.

use super::{Asks, Kind, quoted};
use crate::config::read::{Keys, text};
use crate::config::rule::RuleCategory;
use crate::config::schema::FieldType;

pub static KIND: Kind = Kind {
    name: "reference",
    category: RuleCategory::Plausibility,
    dqd: Some("plausibleValueHigh"),
    later: false,
    summary: "The value lies at most `within` standard deviations (default 4) from the mean of a reference population, by cases: the first whose `where` (SQL over the table's fields) is true. Say where the numbers come from under `reference`.",
    example: "{reference: {field: age, within: 4, cases: [{mean: 61.5, sd: 13.2}]}}",
    read: |told| {
        let mut keys = told.keys()?;
        let field = told.field_at(&mut keys, "field", &[FieldType::Integer, FieldType::Decimal]);
        let within = if keys.peek("within").is_some() { told.number(&mut keys, "within") } else { Some(4.0) };
        let cases = told.cases(&mut keys, "cases");
        keys.finish(told.found);
        let (field, within, cases) = (field?, within?, cases?);
        let name = quoted(&field.name.value);
        let mut whens = vec![];
        for case in cases {
            let mut keys = Keys::new(case, "the case", told.found)?;
            let condition = keys.take("where").and_then(|n| text(n, "where", told.found));
            let mean = keys.require("mean", told.found).and_then(|n| told.number_of(n, "mean"));
            let sd = keys.require("sd", told.found).and_then(|n| told.number_of(n, "sd"));
            keys.finish(told.found);
            let (Some(mean), Some(sd)) = (mean, sd) else { continue };
            if sd <= 0.0 {
                told.wrong(case.span, "a standard deviation is above zero", "not a spread");
                continue;
            }
            let (low, high) = (mean - within * sd, mean + within * sd);
            whens.push(format!("WHEN {} THEN {name} >= {low} AND {name} <= {high}", condition.map_or("true".to_owned(), |c| format!("({})", c.value))));
        }
        Some(Asks::Row { holds: format!("CASE {} END", whens.join(" ")), field: Some(field.name.value.clone()) })
    },
};
