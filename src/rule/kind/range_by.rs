//! Ranges that depend on who it is: by sex, age, method.

use super::{Asks, Kind, quoted};
use crate::config::read::{Keys, text};
use crate::config::rule::RuleCategory;
use crate::config::schema::FieldType;
use crate::config::yaml::{Node, Value};

pub static KIND: Kind = Kind {
    name: "range_by",
    category: RuleCategory::Plausibility,
    dqd: Some("plausibleValueHigh"),
    later: false,
    summary: "The value lies in the range of the first case whose `where` (SQL over the table's fields) is true; a case without `where` is for all others. Where no case is true the rule does not apply.",
    example: "{range_by: {field: psa, cases: [{where: \"sex = 'male' AND age < 50\", range: [0, 4]}, {where: \"sex = 'male'\", range: [0, 20]}]}}",
    read: |told| {
        let mut keys = told.keys()?;
        let field = told.field_at(&mut keys, "field", &[FieldType::Integer, FieldType::Decimal]);
        let cases = told.cases(&mut keys, "cases");
        keys.finish(told.found);
        let (field, cases) = (field?, cases?);
        let name = quoted(&field.name.value);
        let mut whens = vec![];
        for case in cases {
            let mut keys = Keys::new(case, "the case", told.found)?;
            let condition = keys.take("where").and_then(|n| text(n, "where", told.found));
            let ends = match keys.require("range", told.found) {
                Some(Node { value: Value::List(ends), .. }) if ends.len() == 2 => ends,
                Some(other) => {
                    told.wrong(other.span, "`range` is `[lowest, highest]`", "an open end is `null`");
                    continue;
                }
                None => continue,
            };
            keys.finish(told.found);
            let mut holds = vec![];
            for (end, sign) in ends.iter().zip([">=", "<="]).filter(|(end, _)| !end.is_null()) {
                holds.push(format!("{name} {sign} {}", told.number_of(end, "range")?));
            }
            whens.push(format!("WHEN {} THEN {}", condition.map_or("true".to_owned(), |c| format!("({})", c.value)), if holds.is_empty() { "true".to_owned() } else { holds.join(" AND ") }));
        }
        Some(Asks::Row { holds: format!("CASE {} END", whens.join(" ")), field: Some(field.name.value.clone()) })
    },
};
