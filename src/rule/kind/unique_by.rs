//! One person under two keys.

use super::{Asks, Kind, PLACE, Rows, need, quoted};
use crate::config::rule::RuleCategory;

pub static KIND: Kind = Kind {
    name: "unique_by",
    category: RuleCategory::Plausibility,
    dqd: None,
    later: true,
    summary: "No two rows of different keys agree in all of these fields, at whatever site: probably one person twice. Rows where one of them is missing are not looked at.",
    example: "{unique_by: [birth_date, sex, diagnosis_date, tumour_size]}",
    read: |told| {
        let fields = told.fields(told.node, "unique_by")?;
        if fields.is_empty() {
            told.wrong(told.node.span, "`unique_by` is told fields", "none is named");
            return None;
        }
        let names: Vec<String> = fields.iter().map(|f| quoted(&f.name.value)).collect();
        let there = names.iter().map(|n| format!("{n} IS NOT NULL")).collect::<Vec<_>>().join(" AND ");
        let violating = format!(
            "SELECT {place} FROM {table} m JOIN (SELECT {list} FROM {table} WHERE {there} GROUP BY {list} HAVING count(*) > 1) d ON {same}",
            place = PLACE.map(|p| format!("m.{p}")).join(", "),
            table = quoted(&told.table.name.value),
            list = names.join(", "),
            same = names.iter().map(|n| format!("m.{n} = d.{n}")).collect::<Vec<_>>().join(" AND "),
        );
        Some(Asks::Rows(Rows { needs: need(told.table, &fields), applies: there, violating, field: None }))
    },
};
