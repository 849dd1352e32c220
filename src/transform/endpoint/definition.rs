//! Published definitions of endpoints, and which kinds of events each of them counts.
//!
//! Hudis CA et al., J Clin Oncol 2007;25:2127-2132 (STEEP), and Tolaney SM et al., J Clin Oncol
//! 2021;39:2720-2731 (STEEP 2.0). Relapse means invasive relapse; in-situ disease counts in none of them.
//!
//! IBCFS is new in STEEP 2.0: all events of IDFS but second primaries outside the breast (its abstract); IDFS counts
//! recurrences, second primaries of the breast and elsewhere, and death of any cause (Gnant, JAMA Oncol 2024;10:1495-1496).
//! DRFI is the time to a distant recurrence or a death from it (so TAILORx, under STEEP: Sparano JA et al., N Engl J Med
//! 2019;380:2395-2405). A death of unknown cause is `death_other`: it counts in the survivals and not in the intervals.

use crate::config::endpoint::{Endpoint, Event};
use crate::diagnostic::{Diagnostic, Diagnostics, code};

/// Kinds that have no parts.
pub const KINDS: [&str; 7] = ["local", "regional", "distant", "contralateral", "second_primary", "death_cancer", "death_other"];

/// Words for several kinds at once, the widest first. Others are joined by `_or_`: `relapse_or_death`.
pub const GROUPS: [(&str, &[&str]); 3] =
    [("relapse", &["local", "regional", "distant"]), ("death", &["death_cancer", "death_other"]), ("local_regional", &["local", "regional"])];

/// A definition that others can look up.
pub struct Definition {
    pub name: &'static str,
    /// What it is called, in English and French.
    pub title: [&'static str; 2],
    /// The kinds that are its events.
    pub counts: &'static [&'static str],
}

/// Where all of them are published.
pub const CITATION: &str = "STEEP 2.0: Tolaney SM et al., J Clin Oncol 2021;39:2720-2731";

/// What stands before a name of the registry where it is written in full: `STEEP2.0/RFS`.
pub const REGISTRY_NAME: &str = "STEEP2.0";

/// The definitions that a mapping may name.
pub static DEFINITIONS: &[Definition] = &[
    Definition { name: "OS", title: ["overall survival", "survie globale"], counts: &["death_cancer", "death_other"] },
    Definition {
        name: "RFS",
        title: ["relapse-free survival", "survie sans récidive"],
        counts: &["local", "regional", "distant", "death_cancer", "death_other"],
    },
    Definition { name: "DRFS", title: ["distant relapse-free survival", "survie sans récidive à distance"], counts: &["distant", "death_cancer", "death_other"] },
    Definition {
        name: "IDFS",
        title: ["invasive disease-free survival", "survie sans maladie invasive"],
        counts: &["local", "regional", "distant", "contralateral", "second_primary", "death_cancer", "death_other"],
    },
    Definition {
        name: "IBCFS",
        title: ["invasive breast cancer-free survival", "survie sans cancer du sein invasif"],
        counts: &["local", "regional", "distant", "contralateral", "death_cancer", "death_other"],
    },
    Definition { name: "RFI", title: ["recurrence-free interval", "intervalle sans récidive"], counts: &["local", "regional", "distant", "death_cancer"] },
    Definition { name: "DRFI", title: ["distant recurrence-free interval", "intervalle sans récidive à distance"], counts: &["distant", "death_cancer"] },
];

/// The definition that an endpoint names, `RFS` or `STEEP2.0/RFS`.
pub fn of(endpoint: &Endpoint) -> Option<&'static Definition> {
    let name = &endpoint.definition.as_ref()?.value;
    let name = name.strip_prefix(REGISTRY_NAME).and_then(|n| n.strip_prefix('/')).unwrap_or(name);
    DEFINITIONS.iter().find(|d| d.name == name)
}

/// The kinds without parts that a word stands for; `None` where one of them is unknown.
pub fn parts(word: &str) -> Option<Vec<&'static str>> {
    let mut all = vec![];
    for one in word.split("_or_") {
        match (GROUPS.iter().find(|(group, _)| *group == one), KINDS.iter().find(|k| **k == one)) {
            (Some((_, parts)), _) => all.extend_from_slice(parts),
            (None, Some(kind)) => all.push(*kind),
            (None, None) => return None,
        }
    }
    Some(all)
}

/// The fewest words for kinds: `relapse` rather than its three parts.
fn words(mut kinds: Vec<&'static str>) -> Vec<&'static str> {
    let mut out = vec![];
    for (group, parts) in GROUPS {
        if parts.iter().all(|p| kinds.contains(p)) {
            kinds.retain(|k| !parts.contains(k));
            out.push(group);
        }
    }
    out.extend(kinds);
    out
}

/// Compares an endpoint with the definition that it names.
pub fn check(endpoint: &Endpoint, found: &mut Diagnostics) {
    let Some(named) = &endpoint.definition else {
        if let Some((kind, _)) = endpoint.without.first() {
            found.push(Diagnostic::error(code::ENDPOINT_EVENTS, kind.span, "`without` says what is left out of a definition, and none is named").label("left out of what?"));
        }
        return;
    };
    let Some(definition) = of(endpoint) else {
        found.push(
            Diagnostic::error(code::ENDPOINT_DEFINITION, named.span, format!("there is no definition `{}`", named.value))
                .label("not in the registry")
                .suggest(&named.value, DEFINITIONS.iter().map(|d| d.name))
                .note(CITATION),
        );
        return;
    };
    let before = found.items.len();
    let mut counted: Vec<&str> = vec![];
    for event in &endpoint.events {
        counted.extend(counts(event, definition, found));
    }
    for event in &endpoint.competing {
        let parts = known(event, found);
        if let Some(event_kind) = parts.iter().find(|p| counted.contains(p)) {
            found.push(
                Diagnostic::error(code::ENDPOINT_EVENTS, event.kind.span, format!("`{event_kind}` is an event and competes with it"))
                    .label("it is one or the other"),
            );
        }
    }
    let mut left_out: Vec<&str> = vec![];
    for (kind, _) in &endpoint.without {
        match parts(&kind.value) {
            Some(parts) if parts.iter().all(|p| definition.counts.contains(p)) && !parts.iter().any(|p| counted.contains(p)) => left_out.extend(parts),
            Some(parts) => found.push(
                Diagnostic::error(code::ENDPOINT_EVENTS, kind.span, format!("`{}` cannot be left out of {}", kind.value, definition.name))
                    .label(if parts.iter().any(|p| counted.contains(p)) { "it is among the events" } else { "the definition does not count it" }),
            ),
            None => found.push(unknown(&kind.value, kind.span)),
        }
    }
    let missing: Vec<&'static str> = definition.counts.iter().copied().filter(|k| !counted.contains(k) && !left_out.contains(k)).collect();
    if !missing.is_empty() && found.items.len() == before {
        let missing = words(missing);
        let shown = missing.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ");
        found.push(
            Diagnostic::error(code::ENDPOINT_EVENTS, named.span, format!("{} counts {shown}, and `{}` has no such event", definition.name, endpoint.name.value))
                .label(format!("{} ({})", definition.title[0], CITATION))
                .help(format!("add the event, or say why it is left out: `without: {{{}: …}}`", missing[0])),
        );
    }
}

/// The kinds of an event that a definition counts; a finding where it counts them not.
fn counts(event: &Event, definition: &Definition, found: &mut Diagnostics) -> Vec<&'static str> {
    let parts = known(event, found);
    if let Some(other) = parts.iter().find(|p| !definition.counts.contains(p)) {
        let fitting: Vec<&str> = DEFINITIONS.iter().filter(|d| parts.iter().all(|p| d.counts.contains(p))).map(|d| d.name).collect();
        let mut finding = Diagnostic::error(code::ENDPOINT_EVENTS, event.kind.span, format!("{} does not count `{}`", definition.name, event.kind.value)).label(if *other == event.kind.value {
            "not one of its events".to_owned()
        } else {
            format!("`{other}` is not one of its events")
        });
        if !fitting.is_empty() {
            finding = finding.help(format!("{} {} it", fitting.join(", "), if fitting.len() == 1 { "counts" } else { "count" }));
        }
        found.push(finding.help("or let it compete: `competing`"));
    }
    parts
}

fn known(event: &Event, found: &mut Diagnostics) -> Vec<&'static str> {
    parts(&event.kind.value).unwrap_or_else(|| {
        found.push(unknown(&event.kind.value, event.kind.span));
        vec![]
    })
}

fn unknown(kind: &str, span: crate::diagnostic::Span) -> Diagnostic {
    Diagnostic::error(code::ENDPOINT_EVENTS, span, format!("`{kind}` is no kind of event that a definition knows"))
        .label("not a kind")
        .suggest(kind, GROUPS.iter().map(|(g, _)| *g).chain(KINDS))
        .note("several at once are joined by `_or_`: `relapse_or_death`")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// STEEP: second primaries other than breast count for IDFS alone, contralateral cancers for IDFS
    /// and IBCFS, deaths of other causes for the survivals and not for the intervals.
    #[test]
    fn definitions_differ_where_the_papers_say() {
        let with = |kind: &str| DEFINITIONS.iter().filter(|d| d.counts.contains(&kind)).map(|d| d.name).collect::<Vec<_>>();
        assert_eq!(with("second_primary"), ["IDFS"]);
        assert_eq!(with("contralateral"), ["IDFS", "IBCFS"]);
        assert_eq!(with("death_other"), ["OS", "RFS", "DRFS", "IDFS", "IBCFS"]);
        assert_eq!(with("local"), ["RFS", "IDFS", "IBCFS", "RFI"]);
        assert_eq!(with("distant").len(), 6);
        assert!(DEFINITIONS.iter().all(|d| d.counts.iter().all(|k| KINDS.contains(k)) && d.counts.contains(&"death_cancer")));
    }

    #[test]
    fn words_for_several_kinds() {
        assert_eq!(parts("relapse_or_death").map(|p| p.len()), Some(5));
        assert_eq!(parts("death_cancer"), Some(vec!["death_cancer"]));
        assert_eq!(parts("relapse_or_x"), None);
        assert_eq!(words(vec!["local", "regional", "distant", "death_other"]), ["relapse", "death_other"]);
        assert_eq!(words(vec!["local", "regional"]), ["local_regional"]);
    }
}
