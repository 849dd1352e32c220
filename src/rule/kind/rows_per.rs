//! How many rows belong to a row.

use super::{Asks, Kind, PLACE, Needs, Rows, quoted};
use crate::config::read::{text, texts};
use crate::config::rule::RuleCategory;

pub static KIND: Kind = Kind {
    name: "rows_per",
    category: RuleCategory::Conformance,
    dqd: Some("measurePersonCompleteness"),
    later: true,
    summary: "Each row has so many rows in a table (another one, or its own): at least, at most, or both. They belong to it that have the same values in the fields `on`.",
    example: "{rows_per: {of: treatment, on: patient_id, at_least: 1}}",
    read: |told| {
        let mut keys = told.keys()?;
        let of = keys.require("of", told.found).and_then(|n| text(n, "of", told.found));
        let on = keys.require("on", told.found).map(|n| texts(n, "on", told.found));
        let [least, most] = ["at_least", "at_most"].map(|key| keys.peek(key).is_some().then(|| told.number(&mut keys, key)).flatten());
        let span = keys.span;
        keys.finish(told.found);
        let (of, on) = (of?, on?);
        let other = told.other(&of)?;
        if least.is_none() && most.is_none() {
            told.wrong(span, "`rows_per` is told how many", "expected `at_least`, `at_most` or both");
            return None;
        }
        let table = told.table;
        for name in &on {
            let (mine, theirs) = (told.field_of(table, name)?, told.field_of(other, name)?);
            if mine.kind.value != theirs.kind.value {
                told.wrong(name.span, format!("`{}` is of another type in `{}`", name.value, other.name.value), "these cannot be compared");
                return None;
            }
        }
        let fields: Vec<String> = on.iter().map(|n| n.value.clone()).collect();
        let names: Vec<String> = fields.iter().map(|n| quoted(n)).collect();
        let there = |side: &str| names.iter().map(|n| format!("{side}{n} IS NOT NULL")).collect::<Vec<_>>().join(" AND ");
        let outside = [least.map(|l| format!("coalesce(n.n, 0) < {l}")), most.map(|m| format!("coalesce(n.n, 0) > {m}"))].into_iter().flatten().collect::<Vec<_>>().join(" OR ");
        let same = names.iter().map(|n| format!("m.{n} = n.{n}")).collect::<Vec<_>>().join(" AND ");
        let violating = format!(
            "SELECT {place} FROM {mine} m LEFT JOIN (SELECT {list}, count(*) AS n FROM {theirs} WHERE {not_null} GROUP BY {list}) n ON {same} WHERE {mine_there} AND ({outside})",
            place = PLACE.map(|p| format!("m.{p}")).join(", "),
            mine = quoted(&table.name.value),
            theirs = quoted(&other.name.value),
            list = names.join(", "),
            not_null = there(""),
            mine_there = there("m."),
        );
        let mut needs = Needs::from([(table.name.value.clone(), fields.clone())]);
        needs.insert(other.name.value.clone(), fields.clone());
        Some(Asks::Rows(Rows { needs, applies: there(""), violating, field: (fields.len() == 1).then(|| fields.concat()) }))
    },
};
