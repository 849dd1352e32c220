//! The words of a [`Difference`](super::Difference) that terminal and page share, in English and French.

use serde::{Serialize, Serializer};

use super::{Change, Note, Outcome, RowCounts, SchemaChange, SiteRows, State, StatusChange};
use crate::execute::summary::{RuleStatus, VariableState};
use crate::guide::language::Language::{self, English};
use crate::guide::language::say;

impl Change {
    /// For people.
    pub fn words(self, l: Language) -> &'static str {
        match self {
            Change::OnlyInA => l.pick("only in A", "seulement dans A"),
            Change::OnlyInB => l.pick("only in B", "seulement dans B"),
            Change::Changed => l.pick("changed", "modifié"),
        }
    }
}

impl State {
    /// `impossible: not measured before 2009`.
    pub fn words(&self, l: Language) -> String {
        let state = match self.state {
            VariableState::Derived => l.pick("derived", "calculé"),
            VariableState::Impossible => l.pick("impossible", "impossible"),
            VariableState::Undetermined => l.pick("undetermined", "indéterminé"),
            VariableState::NotMapped => l.pick("not mapped", "non relié"),
        };
        self.reason.as_ref().map_or(state.to_owned(), |why| say!(l, "{state}: {why}", "{state} : {why}"))
    }
}

impl Note {
    /// For people.
    pub fn words(&self, l: Language) -> String {
        match self {
            Note::OtherPseudonyms => l
                .pick(
                    "the two runs have different keys of the pseudonyms: the same person has another pseudonym, so rows whose key is one cannot be matched",
                    "les deux exécutions ont des clés de pseudonymes différentes : une même personne y a un autre pseudonyme, et les lignes dont il est la clé ne peuvent pas être rapprochées",
                )
                .to_owned(),
            Note::OtherKey { table } => say!(
                l,
                "the key of `{table}` is another one now: its rows were compared whole, not by key",
                "la clé de `{table}` a changé : ses lignes ont été comparées en entier, et non par clé"
            ),
            Note::NoKey { table } => say!(l, "`{table}` has no key: its rows were compared whole", "`{table}` n'a pas de clé : ses lignes ont été comparées en entier"),
        }
    }
}

/// In JSON both are the English sentence.
impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.words(English))
    }
}

impl Serialize for Note {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.words(English))
    }
}

/// The kind of a document or file that went in, with its site.
pub fn role(role: &str, site: Option<&String>, l: Language) -> String {
    const FRENCH: [(&str, &str); 6] = [
        ("schema", "schéma"),
        ("mapping", "correspondance"),
        ("base", "correspondance de base"),
        ("pipeline", "chaîne"),
        ("codelist", "liste de codes"),
        ("concept_map", "table de codes"),
    ];
    let role = l.pick(role, FRENCH.iter().find(|(english, _)| *english == role).map_or(role, |(_, french)| french));
    site.map_or(role.to_owned(), |site| say!(l, "{role} of {site}", "{role} de {site}"))
}

/// What of a table or field the schemas give differently.
pub fn property(change: &SchemaChange, l: Language) -> &'static str {
    const FRENCH: [(&str, &str); 12] = [
        ("fields of the table", "champs de la table"),
        ("field", "champ"),
        ("key", "clé"),
        ("order of the fields", "ordre des champs"),
        ("type", "type"),
        ("unit", "unité"),
        ("required", "obligatoire"),
        ("values", "valeurs"),
        ("range", "étendue"),
        ("ordered", "ordonné"),
        ("labels", "libellés"),
        ("concept", "concept"),
    ];
    l.pick(change.what, FRENCH.iter().find(|(english, _)| *english == change.what).map_or(change.what, |(_, french)| french))
}

/// A row of sites that rows went between.
pub fn moved(site: &SiteRows) -> bool {
    site.site_a.is_some() && site.site_b.is_some() && site.site_a != site.site_b
}

/// `9,000 equal, 210 changed, 3 only in A`.
pub fn counts(rows: &RowCounts, l: Language) -> String {
    let parts = [
        (rows.equal, l.pick("equal", "égales")),
        (rows.changed, l.pick("changed", "modifiées")),
        (rows.only_in_a, Change::OnlyInA.words(l)),
        (rows.only_in_b, Change::OnlyInB.words(l)),
    ];
    let said: Vec<String> = parts.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} {what}", l.number(n))).collect();
    if said.is_empty() { l.pick("no rows", "aucune ligne").into() } else { said.join(", ") }
}

/// The rule's name, with its field.
pub fn rule(s: &StatusChange, l: Language) -> String {
    let (table, rule) = (&s.table, &s.rule);
    match &s.field {
        _ if rule == "run" && table.is_empty() => l.pick("the run", "l'exécution").into(),
        Some(field) => say!(l, "{table}.{field}: {rule}", "{table}.{field} : {rule}"),
        None => say!(l, "{table}: {rule}", "{table} : {rule}"),
    }
}

/// The site of a rule.
pub fn site(s: &StatusChange, l: Language) -> String {
    s.site.clone().unwrap_or_else(|| l.pick("all sites", "tous les centres").into())
}

/// `failed (12 of 300)`.
pub fn outcome(s: &StatusChange, outcome: Option<&Outcome>, l: Language) -> String {
    let Some(o) = outcome else { return l.pick("not there", "absente").into() };
    let word = match o.status {
        RuleStatus::Passed => l.pick("passed", "satisfaite"),
        RuleStatus::PassedWithFindings => l.pick("passed with findings", "satisfaite, avec constats"),
        RuleStatus::Failed => l.pick("failed", "non satisfaite"),
        RuleStatus::NotApplicable => l.pick("not applicable", "sans objet"),
        RuleStatus::Error => l.pick("not judged", "non jugée"),
    };
    let (violated, all) = (l.number(o.violated), l.number(o.denominator));
    if s.table.is_empty() || o.denominator == 0 { word.into() } else { say!(l, "{word} ({violated} of {all})", "{word} ({violated} sur {all})") }
}

/// `+60` or `-3`.
pub fn signed(a: u64, b: u64, l: Language) -> String {
    format!("{}{}", if b >= a { "+" } else { "-" }, l.number(a.abs_diff(b)))
}
