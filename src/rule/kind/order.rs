//! Dates that follow each other, as those of a life do.

use super::{Asks, Kind, quoted};
use crate::config::rule::RuleCategory;
use crate::config::schema::FieldType;

pub static KIND: Kind = Kind {
    name: "order",
    category: RuleCategory::Plausibility,
    dqd: Some("plausibleTemporalAfter"),
    later: false,
    summary: "Dates or numbers in their order, none before one that stands before it: `[birth_date, diagnosis_date, relapse_date, death_date]`. Missing ones are passed over; with fewer than two the rule does not apply.",
    example: "{order: [diagnosis_date, relapse_date, last_contact_date]}",
    read: |told| {
        let fields = told.fields(told.node, "order")?;
        let is_day = |f: &FieldType| matches!(f, FieldType::Date | FieldType::Datetime);
        let alike = fields.iter().all(|f| is_day(&f.kind.value)) || fields.iter().all(|f| f.kind.value.is_number());
        if fields.len() < 2 || !alike {
            told.wrong(told.node.span, "`order` is told at least two dates, or two numbers", "these cannot follow each other");
            return None;
        }
        let names: Vec<String> = fields.iter().map(|f| quoted(&f.name.value)).collect();
        let there: Vec<String> = names.iter().map(|n| format!("CASE WHEN {n} IS NULL THEN 0 ELSE 1 END")).collect();
        // Of every two: what stands between them may be missing.
        let pairs = (0..names.len()).flat_map(|a| (a + 1..names.len()).map(move |b| (a, b)));
        let wrong: Vec<String> = pairs.filter_map(|(a, b)| Some(format!("coalesce({} > {}, false)", names.get(a)?, names.get(b)?))).collect();
        Some(Asks::Row { holds: format!("CASE WHEN {} >= 2 THEN NOT ({}) END", there.join(" + "), wrong.join(" OR ")), field: None })
    },
};
