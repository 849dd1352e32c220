//! An endpoint in words and as JSON, for the cohort's metadata and the report.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::definition::{self, CITATION, REGISTRY_NAME};
use crate::config::endpoint::{Endpoint, Event, Late, Moment};

/// What an endpoint counts, for people and for programs.
#[derive(Debug, Clone, PartialEq)]
pub struct Described {
    /// `STEEP2.0/RFS`, where it follows a published definition.
    pub definition: Option<String>,
    /// English and French.
    pub words: BTreeMap<String, String>,
    /// Canonical: keys in order, lengths of time in days.
    pub json: Value,
}

/// Describes an endpoint; equal derivations give equal descriptions.
pub fn describe(endpoint: &Endpoint) -> Described {
    let definition = definition::of(endpoint);
    let name = definition.map(|d| format!("{REGISTRY_NAME}/{}", d.name));
    let words = ["en", "fr"].into_iter().enumerate().map(|(at, language)| (language.to_owned(), sentences(endpoint, at).join(" "))).collect();
    let event = |e: &Event| {
        let mut one = moment(&e.moment);
        one["kind"] = json!(e.kind.value);
        if let Some(happened) = &e.happened {
            one["if"] = json!(happened.name.value);
            for (key, list) in [("true", &happened.yes), ("false", &happened.no)] {
                if let Some(list) = list {
                    one[key] = json!(list);
                }
            }
        }
        one
    };
    let json = json!({
        "cap_days": endpoint.cap_days(),
        "censored": endpoint.censored.as_ref().map(moment),
        "competing": endpoint.competing.iter().map(event).collect::<Vec<_>>(),
        "definition": name,
        "events": endpoint.events.iter().map(event).collect::<Vec<_>>(),
        "late": endpoint.late.word(),
        "month_days": endpoint.month,
        "name": endpoint.name.value,
        "origin": endpoint.origin.as_ref().map(|o| &o.value),
        "unit": endpoint.unit.as_ref().map(|u| &u.value),
        "without": endpoint.without.iter().map(|(kind, why)| (kind.value.clone(), json!(why))).collect::<serde_json::Map<_, _>>(),
        "year_days": endpoint.year,
    });
    Described { definition: name, words, json }
}

fn moment(moment: &Moment) -> Value {
    let mut one = json!({"at": moment.at.value});
    if let Some(unit) = &moment.unit {
        one["unit"] = json!(unit.value);
    }
    one
}

/// `at` 0 is English, 1 French.
fn sentences(e: &Endpoint, at: usize) -> Vec<String> {
    let pick = |words: [String; 2]| words.into_iter().nth(at).unwrap_or_default();
    let one = |event: &Event| {
        let day = shown(&event.moment);
        let kind = kind_words(&event.kind.value, at);
        match &event.happened {
            Some(happened) => pick([format!("{kind} (at {day}, if {})", happened.name.value), format!("{kind} (à {day}, si {})", happened.name.value)]),
            None => format!("{kind} ({day})"),
        }
    };
    let list = |events: &[Event]| events.iter().map(one).collect::<Vec<_>>().join(", ");
    let mut out = vec![];
    if let Some(d) = definition::of(e) {
        let title = d.title[at.min(1)];
        let mut letters = title.chars();
        let title: String = letters.next().map(|c| c.to_uppercase().collect::<String>() + letters.as_str()).unwrap_or_default();
        out.push(format!("{title} ({}, {CITATION}).", d.name));
    }
    out.push(match &e.origin {
        Some(origin) => pick([format!("The clock starts at {}.", origin.value), format!("Le temps court à partir de {}.", origin.value)]),
        None => pick(["Times are counted by the export.".into(), "Les durées sont comptées par l'export.".into()]),
    });
    out.push(match e.events.as_slice() {
        [single] => pick([format!("The event is {}.", one(single)), format!("L'événement est {}.", one(single))]),
        several => pick([format!("The event is the first of: {}.", list(several)), format!("L'événement est le premier de : {}.", list(several))]),
    });
    if !e.competing.is_empty() {
        out.push(pick([format!("These compete with it: {}.", list(&e.competing)), format!("Événements concurrents : {}.", list(&e.competing))]));
    }
    if let Some(last) = &e.censored {
        out.push(pick([format!("Without an event the time ends at {}.", shown(last)), format!("Sans événement, le suivi s'arrête à {}.", shown(last))]));
        match e.late {
            Late::Counted => {}
            Late::AtCensoring => out.push(pick([format!("A later event counts at {}.", last.at.value), format!("Un événement ultérieur compte à {}.", last.at.value)])),
            Late::NotCounted => out.push(pick(["A later event does not count.".into(), "Un événement ultérieur ne compte pas.".into()])),
        }
    }
    if let Some(cap) = &e.cap {
        let days = e.cap_days().unwrap_or_default();
        out.push(pick([
            format!("What lasts longer than {} ({days} days) is censored there.", cap.text),
            format!("Au-delà de {} ({days} jours), le suivi est censuré à cette date.", cap.text),
        ]));
    }
    for (kind, why) in &e.without {
        let kind = kind_words(&kind.value, at);
        out.push(pick([format!("Left out: {kind} ({why})."), format!("Laissé de côté : {kind} ({why}).")]));
    }
    out
}

fn shown(moment: &Moment) -> String {
    match &moment.unit {
        Some(unit) => format!("{} {}", moment.at.value, unit.value),
        None => moment.at.value.clone(),
    }
}

/// What people call a kind; a kind of the author's own is its own name.
fn kind_words(kind: &str, at: usize) -> String {
    const WORDS: [(&str, [&str; 2]); 10] = [
        ("local", ["local relapse", "récidive locale"]),
        ("regional", ["regional relapse", "récidive régionale"]),
        ("local_regional", ["local or regional relapse", "récidive locorégionale"]),
        ("distant", ["distant relapse", "récidive à distance"]),
        ("relapse", ["relapse", "récidive"]),
        ("contralateral", ["contralateral breast cancer", "cancer du sein controlatéral"]),
        ("second_primary", ["second primary cancer", "second cancer primitif"]),
        ("death", ["death", "décès"]),
        ("death_cancer", ["death of the cancer", "décès par cancer"]),
        ("death_other", ["death of another cause", "décès d'une autre cause"]),
    ];
    let word = |kind: &str| WORDS.iter().find(|(k, _)| *k == kind).map_or(kind.to_owned(), |(_, w)| w[at.min(1)].to_owned());
    kind.split("_or_").map(word).collect::<Vec<_>>().join(if at == 0 { " or " } else { " ou " })
}
