//! Follow-up that is long enough for the question.

use super::{Asks, Kind, quoted};
use crate::config::rule::RuleCategory;
use crate::config::schema::FieldType;

pub static KIND: Kind = Kind {
    name: "followed",
    category: RuleCategory::Completeness,
    dqd: None,
    later: false,
    summary: "Whoever has not had the event was followed at least so long, in the unit of the field of time. With `at_most: 20 %` a fifth may have been followed less.",
    example: "{followed: {time: rfs_days, event: rfs_event, at_least: 1826}}",
    read: |told| {
        let mut keys = told.keys()?;
        let time = told.field_at(&mut keys, "time", &[FieldType::Integer, FieldType::Decimal]);
        let event = told.field_at(&mut keys, "event", &[FieldType::Boolean]);
        let least = keys.require("at_least", told.found).and_then(|n| told.number_of(n, "at_least"));
        keys.finish(told.found);
        let (time, event, least) = (time?, event?, least?);
        let holds = format!("CASE WHEN {event} IS NOT NULL AND {time} IS NOT NULL THEN {event} OR {time} >= {least} END", event = quoted(&event.name.value), time = quoted(&time.name.value));
        Some(Asks::Row { holds, field: Some(time.name.value.clone()) })
    },
};
