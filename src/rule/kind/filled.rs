//! Records that say enough.

use super::{Asks, Kind, quoted};
use crate::config::read::text;
use crate::config::rule::RuleCategory;

pub static KIND: Kind = Kind {
    name: "filled",
    category: RuleCategory::Completeness,
    dqd: None,
    later: false,
    summary: "Each row has a value in at least so many of the fields: a share such as `80 %`, or a number.",
    example: "{filled: {fields: [age, grade, tumour_size, nodes_positive], at_least: 3}}",
    read: |told| {
        let mut keys = told.keys()?;
        let fields = keys.require("fields", told.found).and_then(|n| told.fields(n, "fields"));
        let least = keys.require("at_least", told.found).and_then(|n| text(n, "at_least", told.found));
        keys.finish(told.found);
        let (fields, least) = (fields?, least?);
        let all = fields.len() as f64;
        let wanted = match least.value.strip_suffix('%') {
            Some(share) => share.trim().parse::<f64>().ok().map(|s| (s / 100.0 * all).ceil()),
            None => least.value.parse().ok(),
        };
        let Some(wanted) = wanted.filter(|w: &f64| *w >= 1.0 && *w <= all) else {
            told.wrong(least.span, format!("`{}` is not a share or a number of {} fields", least.value, fields.len()), "expected such as `80 %`");
            return None;
        };
        let there: Vec<String> = fields.iter().map(|f| format!("CASE WHEN {} IS NULL THEN 0 ELSE 1 END", quoted(&f.name.value))).collect();
        Some(Asks::Row { holds: format!("{} >= {wanted:.0}", there.join(" + ")), field: None })
    },
};
