//! What a row says against what the rows of another table say of the same thing.

use std::collections::BTreeMap;

use super::{Asks, Kind, PLACE, Rows, quoted};
use crate::config::read::{text, texts};
use crate::config::rule::RuleCategory;

pub static KIND: Kind = Kind {
    name: "across",
    category: RuleCategory::Plausibility,
    dqd: Some("plausibleTemporalAfter"),
    later: true,
    summary: "The condition is true of each row together with each row of another table that has the same values in the fields `on`. It is SQL; a field is named with its table: `treatment.start_date >= tumour.diagnosis_date`. A row without such another one is not judged.",
    example: "{across: {table: tumour, on: patient_id, condition: \"treatment.start_date >= tumour.diagnosis_date\"}}",
    read: |told| {
        let mut keys = told.keys()?;
        let other = keys.require("table", told.found).and_then(|n| text(n, "table", told.found));
        let on = keys.require("on", told.found).map(|n| texts(n, "on", told.found));
        let condition = keys.require("condition", told.found).and_then(|n| text(n, "condition", told.found));
        keys.finish(told.found);
        let (other, on, condition) = (told.other(&other?)?, on?, condition?);
        let table = told.table;
        if other.name.value == table.name.value {
            told.wrong(told.word.span, "`across` is told another table", "this is the rule's own");
            return None;
        }
        for name in &on {
            told.field_of(table, name)?;
            told.field_of(other, name)?;
        }
        let place = |side: &str| PLACE.map(|p| format!("{side}.{p}")).join(", ");
        let [mine, theirs] = [&table.name.value, &other.name.value].map(|n| quoted(n));
        let same = on.iter().map(|n| format!("{mine}.{n} = {theirs}.{n}", n = quoted(&n.value))).collect::<Vec<_>>().join(" AND ");
        // Of each table only what is asked for: a field's name stands in the condition if anywhere.
        let mut needs = BTreeMap::new();
        for t in [table, other] {
            let named = t.fields.iter().map(|f| &f.name.value).filter(|f| condition.value.contains(f.as_str()) || on.iter().any(|o| o.value == **f));
            needs.insert(t.name.value.clone(), named.cloned().collect());
        }
        Some(Asks::Rows(Rows {
            needs,
            applies: format!("EXISTS (SELECT 1 FROM {theirs} WHERE {same})"),
            violating: format!("SELECT DISTINCT {} FROM {mine} JOIN {theirs} ON {same} WHERE NOT ({})", place(&mine), condition.value),
            field: None,
        }))
    },
};
