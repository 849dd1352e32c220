//! Rules in plain words: what a rule asks, and what a violation of it looks like.
//!
//! A coordinator cannot write "assertion violated" to a hospital. A field's own constraints have
//! fixed sentences; a condition that compares two things is read and said ("the date of relapse
//! comes before the date of diagnosis"); any other rule speaks through its description in the
//! schema. A rule this module does not know still gets a true, if duller, sentence.

use super::text::{Phrase, Wording, decimal, decimals, percent, rows, share, unit, written};
use super::view::{RuleGroup, SiteReason, View};
use super::words;
use crate::execute::summary::{Category, FieldSummary, RuleResult};

/// The code of a row whose foreign key leads nowhere.
const ORPHAN: &str = "R509";

/// What a rule is known by.
#[derive(Clone, Copy)]
pub struct Rule<'a> {
    pub table: &'a str,
    pub rule: &'a str,
    pub field: Option<&'a str>,
    /// Its result anywhere, for the description and the expression; `None` if it left none.
    pub result: Option<&'a RuleResult>,
}

impl<'a> Rule<'a> {
    /// The rule behind a result.
    pub fn of(result: &'a RuleResult) -> Self {
        Self { table: &result.table, rule: &result.rule, field: result.field.as_deref(), result: Some(result) }
    }
}

/// Title and finding of a field's own constraint. `{0}` the field, `{1}` what is allowed or read;
/// in the finding `{2}` the rows.
const OWN: &[(&[&str], Wording, Wording)] = &[
    (
        &["required"],
        Wording { en: "{0} is given", fr: "{0} est renseigné" },
        Wording {
            en: "In {2}, {0} is missing but required.", fr: "Dans {2}, {0} manque alors qu’il est obligatoire."
        },
    ),
    (
        &["parse", "type"],
        Wording { en: "{0} can be read as {1}", fr: "{0} se lit comme {1}" },
        Wording { en: "In {2}, {0} cannot be read as {1}.", fr: "Dans {2}, {0} ne se lit pas comme {1}." },
    ),
    (
        &["unmapped"],
        Wording {
            en: "Every code of {0} is known to the mapping", fr: "La correspondance connaît chaque code de {0}"
        },
        Wording {
            en: "In {2}, {0} holds a code that the mapping does not know.",
            fr: "Dans {2}, {0} porte un code que la correspondance ne connaît pas.",
        },
    ),
    (
        &["range"],
        Wording { en: "{0} lies in its range ({1})", fr: "{0} est dans son intervalle ({1})" },
        Wording { en: "In {2}, {0} is out of range ({1}).", fr: "Dans {2}, {0} sort de l’intervalle ({1})." },
    ),
    (
        &["values"],
        Wording { en: "{0} is one of the agreed values", fr: "{0} est une des valeurs convenues" },
        Wording {
            en: "In {2}, {0} is none of the agreed values.",
            fr: "Dans {2}, {0} n’est aucune des valeurs convenues.",
        },
    ),
    (
        &["within"],
        Wording { en: "{0} lies within the agreed branch of codes", fr: "{0} est dans la branche de codes convenue" },
        Wording { en: "In {2}, {0} lies outside the agreed branch of codes.", fr: "Dans {2}, {0} est hors de la branche de codes convenue." },
    ),
    (
        &["pattern"],
        Wording { en: "{0} has the agreed form", fr: "{0} a la forme convenue" },
        Wording { en: "In {2}, {0} does not have the agreed form.", fr: "Dans {2}, {0} n’a pas la forme convenue." },
    ),
    (
        &["length"],
        Wording { en: "{0} has the agreed length", fr: "{0} a la longueur convenue" },
        Wording { en: "In {2}, {0} is too short or too long.", fr: "Dans {2}, {0} est trop court ou trop long." },
    ),
    (
        &["key", "unique", "duplicate", "duplicates"],
        Wording { en: "No two rows share a key ({0})", fr: "Deux lignes n’ont jamais la même clé ({0})" },
        Wording {
            en: "{2} with a key ({0}) that occurs more than once.",
            fr: "{2} dont la clé ({0}) figure plusieurs fois.",
        },
    ),
];

/// The same for rules about a whole row. `{1}` the rows.
const ROW: &[(&[&str], Wording, Wording)] = &[
    (
        &["ragged", "cells", "columns"],
        Wording {
            en: "Every row has as many cells as the header",
            fr: "Chaque ligne a autant de cellules que l’en-tête",
        },
        Wording { en: "{1} with too few or too many cells.", fr: "{1} avec trop ou trop peu de cellules." },
    ),
    (
        &["too_few_cells", "short_row", "short"],
        Wording { en: "No row has too few cells", fr: "Aucune ligne n’a trop peu de cellules" },
        Wording { en: "{1} with too few cells.", fr: "{1} avec trop peu de cellules." },
    ),
    (
        &["too_many_cells", "long_row", "long"],
        Wording { en: "No row has too many cells", fr: "Aucune ligne n’a trop de cellules" },
        Wording { en: "{1} with too many cells.", fr: "{1} avec trop de cellules." },
    ),
    (
        &["encoding", "invalid_bytes", "invalid_byte", "decode"],
        Wording {
            en: "Every byte belongs to the file’s encoding",
            fr: "Chaque octet appartient à l’encodage du fichier",
        },
        Wording {
            en: "{1} with bytes that the file’s encoding does not have.",
            fr: "{1} avec des octets étrangers à l’encodage du fichier.",
        },
    ),
    (
        &["nul", "nul_byte", "nul_bytes"],
        Wording { en: "No row holds a NUL byte", fr: "Aucune ligne ne contient d’octet nul" },
        Wording { en: "{1} with NUL bytes (damaged export).", fr: "{1} avec des octets nuls (export endommagé)." },
    ),
    (
        &["unreadable_record"],
        Wording { en: "Every record can be read", fr: "Chaque enregistrement est lisible" },
        Wording { en: "{1} that cannot be read (damaged file or message).", fr: "{1} illisibles (fichier ou message endommagé)." },
    ),
    (
        &["error_cell"],
        Wording { en: "No cell holds an error of the workbook", fr: "Aucune cellule ne contient d’erreur du classeur" },
        Wording { en: "{1} with a cell that shows an error such as #N/A.", fr: "{1} avec une cellule en erreur, telle que #N/A." },
    ),
    (
        &["quarantine"],
        Wording { en: "Few enough rows are in quarantine", fr: "Assez peu de lignes sont en quarantaine" },
        Wording { en: "{1} went to quarantine.", fr: "En quarantaine : {1}." },
    ),
];

fn known<'t>(table: &'t [(&[&str], Wording, Wording)], rule: &str) -> Option<(&'t Wording, &'t Wording)> {
    table.iter().find(|(names, ..)| names.contains(&rule)).map(|(_, title, finding)| (title, finding))
}

/// A rule as a title: what it asks of the data.
pub fn title(view: &View, rule: Rule) -> Phrase {
    if let Some(named) = rule.result.and_then(|r| Phrase::of(&r.name).or_else(|| Phrase::of(&r.description))) {
        return named.unstopped();
    }
    if let Some((title, _)) = known(ROW, rule.rule) {
        return title.phrase();
    }
    if let (Some((title, _)), Some(subject)) = (known(OWN, rule.rule), subject(view, rule)) {
        return title.with(&[&subject, &allowed_or_kind(view, rule)]).capital();
    }
    if is_completeness(rule)
        && let Some(field) = rule.field
    {
        return OWN[0].1.with(&[&view.label(rule.table, field).quoted()]).capital();
    }
    let expression = rule.result.and_then(|r| r.expression.as_deref());
    if let Some(comparison) = expression.and_then(|e| comparison(view, rule.table, e, true)) {
        return comparison;
    }
    Phrase::same(rule.rule.replace('_', " ")).capital()
}

/// What `n` violating rows look like, as a whole sentence.
pub fn finding(view: &View, rule: Rule, n: u64) -> Phrase {
    const BROKEN: Wording = Wording { en: "{0} against the rule {1}.", fr: "{0} contraires à la règle {1}." };
    specific(view, rule, n).unwrap_or_else(|| BROKEN.with(&[&rows(n), &title(view, rule).quoted()]))
}

/// What was found at a site, with its table where there are several: the sentence to write to the site.
pub fn finding_at(view: &View, reason: &SiteReason) -> Phrase {
    let group = question_rule(view, reason);
    let result = group.map(|group| group.overall.as_ref());
    let rule = Rule { table: reason.table, rule: reason.rule, field: reason.field, result };
    let orphans = result.is_some_and(|r| r.code == ORPHAN);
    let sentence = finding(view, rule, reason.rows);
    if orphans || !view.many_tables() {
        return sentence;
    }
    words::IN_TABLE.with(&[&Phrase::same(reason.table), &sentence])
}

/// The rule behind a site's reason.
pub fn question_rule<'v, 'a>(view: &'v View<'a>, reason: &SiteReason) -> Option<&'v RuleGroup<'a>> {
    view.rule(reason.table, reason.rule, reason.field)
}

/// The same beneath the rule's title, which need not be said again.
pub fn finding_below_title(view: &View, rule: Rule, n: u64) -> Phrase {
    const BROKEN: Wording = Wording { en: "{0} not in line with it.", fr: "{0} non conformes." };
    specific(view, rule, n).unwrap_or_else(|| BROKEN.with(&[&rows(n)]))
}

/// A sentence of its own for the rules that have one.
fn specific(view: &View, rule: Rule, n: u64) -> Option<Phrase> {
    const MISSING: Wording = Wording { en: "In {0}, {1} is missing.", fr: "Dans {0}, {1} manque." };
    const HERE: Wording = Wording { en: "In {0}, {1}.", fr: "Dans {0}, {1}." };

    let rows = rows(n);
    if let Some(parent) = rule.rule.strip_prefix("in_").filter(|_| rule.result.is_some_and(|r| r.code == ORPHAN)) {
        return Some(words::ORPHANS.with(&[&rows, &Phrase::same(rule.table), &Phrase::same(parent)]));
    }
    if let Some((_, finding)) = known(ROW, rule.rule) {
        return Some(finding.with(&[&Phrase::default(), &rows]));
    }
    if let (Some((_, finding)), Some(subject)) = (known(OWN, rule.rule), subject(view, rule)) {
        return Some(finding.with(&[&subject, &allowed_or_kind(view, rule), &rows]));
    }
    if is_completeness(rule)
        && let Some(field) = rule.field
    {
        return Some(MISSING.with(&[&rows, &view.label(rule.table, field).quoted()]));
    }
    let expression = rule.result?.expression.as_deref()?;
    Some(HERE.with(&[&rows, &comparison(view, rule.table, expression, false)?]))
}

/// A result that misses its threshold: the finding, the share, and what had been agreed.
pub fn missed(view: &View, result: &RuleResult) -> Phrase {
    let rule = Rule::of(result);
    if let Some(measure) = &result.measure {
        let name = Phrase::of(&measure.name).unwrap_or_else(|| words::MEASURED.phrase());
        let limit = measure.limit.map_or_else(Phrase::default, |limit| words::AT_MOST.with(&[&measured(limit)]));
        let of = words::MEASURED_AT.with(&[&title(view, rule), &name, &measured(measure.value)]);
        return words::CLAUSES.with(&[&of, &limit]);
    }
    let threshold = result.threshold.as_deref().map_or_else(Phrase::default, limit);
    if is_completeness(rule)
        && let Some(field) = rule.field
    {
        let there = result.denominator.saturating_sub(result.violated);
        let label = view.label(rule.table, field).quoted();
        let filled =
            words::FILLED_ONLY.with(&[&label, &share(there, result.denominator, 1), &rows(result.denominator)]);
        return words::CLAUSES.with(&[&filled.capital(), &threshold]);
    }
    let sentence = finding(view, rule, result.violated);
    words::THAT_IS.with(&[
        &sentence,
        &share(result.violated, result.denominator, 1),
        &rows(result.denominator),
        &threshold,
    ])
}

/// A measured number: three digits behind the point where it is small.
pub fn measured(x: f64) -> Phrase {
    decimal(x, if x.abs() < 1.0 { 3 } else { decimals(x.abs()) })
}

/// A threshold as a clause: `the agreed limit is at most 1%`.
fn limit(threshold: &str) -> Phrase {
    amount(threshold, &words::AT_MOST, &words::AT_LEAST, &words::THRESHOLD_OTHER)
}

/// A threshold for a table: `at most 1%`.
pub fn limit_short(threshold: &str) -> Phrase {
    const AS_IS: Wording = Wording { en: "{0}", fr: "{0}" };
    amount(threshold, &words::AT_MOST_SHORT, &words::AT_LEAST_SHORT, &AS_IS)
}

fn amount(threshold: &str, most: &Wording, least: &Wording, other: &Wording) -> Phrase {
    let text = threshold.trim();
    let (wording, rest) = match (text.strip_prefix("at most "), text.strip_prefix("at least ")) {
        (Some(rest), _) => (most, rest.trim()),
        (_, Some(rest)) => (least, rest.trim()),
        _ => return other.with(&[&Phrase::same(text)]),
    };
    let value = match rest.strip_suffix('%').map(str::trim) {
        Some(number) => number.parse::<f64>().map_or_else(
            |_| Phrase::same(rest),
            |x| percent(x, number.split_once('.').map_or(0, |(_, part)| part.len())),
        ),
        None => rest.parse::<u64>().map_or_else(|_| Phrase::same(rest), rows),
    };
    wording.with(&[&value])
}

/// Whether the rule counts missing values without rejecting a row.
pub fn is_completeness(rule: Rule) -> bool {
    rule.rule != "required" && rule.result.is_some_and(|r| r.category == Category::Completeness)
}

/// The field in quotation marks, or the table's key where the rule is about it.
fn subject(view: &View, rule: Rule) -> Option<Phrase> {
    if let Some(field) = rule.field {
        return Some(view.label(rule.table, field).quoted());
    }
    let table = view.run.schema.tables.iter().find(|t| t.name == rule.table)?;
    let keyed = known(&OWN[OWN.len() - 1..], rule.rule).is_some();
    let labels: Vec<Phrase> = table.key.iter().map(|k| view.label(&table.name, k)).collect();
    (keyed && !labels.is_empty()).then(|| Phrase::join(&labels, " + ").quoted())
}

/// `18 to 110 years` for a range, `a date` for reading.
fn allowed_or_kind(view: &View, rule: Rule) -> Phrase {
    let Some(field) = rule.field.and_then(|f| view.field(rule.table, f)) else { return Phrase::same("–") };
    if rule.rule == "range" { range(field).unwrap_or_else(|| Phrase::same("–")) } else { kind(&field.kind) }
}

/// A field's range with its unit: `0 to 250 mm`.
pub fn range(field: &FieldSummary) -> Option<Phrase> {
    let [low, high] = field.range.as_ref()?;
    let bounds = match (low.as_deref().map(written), high.as_deref().map(written)) {
        (Some(low), Some(high)) => words::TO.with(&[&low, &high]),
        (Some(low), None) => words::FROM.with(&[&low]),
        (None, Some(high)) => words::UP_TO.with(&[&high]),
        (None, None) => return None,
    };
    let bounds = bounds.map(|text| text.strip_prefix("de ").unwrap_or(text).to_owned());
    Some(match field.unit.as_deref().map(unit).filter(|u| !u.en.is_empty()) {
        Some(unit) if unit.en == "%" => Phrase::new(format!("{}%", bounds.en), format!("{}\u{202f}%", bounds.fr)),
        Some(unit) => Phrase::join(&[bounds, unit], "\u{a0}"),
        None => bounds,
    })
}

/// A field's type with its article.
pub fn kind(kind: &str) -> Phrase {
    match kind {
        "integer" => Phrase::new("a whole number", "un nombre entier"),
        "decimal" => Phrase::new("a number", "un nombre"),
        "boolean" => Phrase::new("yes or no", "oui ou non"),
        "date" => Phrase::new("a date", "une date"),
        "datetime" => Phrase::new("a date and time", "une date avec heure"),
        "text" => Phrase::new("text", "du texte"),
        "code" => Phrase::new("one of the agreed codes", "un des codes convenus"),
        "pseudonym" => Phrase::new("an identifier", "un identifiant"),
        _ => Phrase::same(kind),
    }
}

/// What it means that a comparison `a <= b` holds or not; `None` for any other condition.
fn comparison(view: &View, table: &str, expression: &str, holds: bool) -> Option<Phrase> {
    let (at, operator) = ["<=", ">=", "<>", "!=", "<", ">", "="]
        .into_iter()
        .filter_map(|operator| expression.find(operator).map(|at| (at, operator)))
        .min_by_key(|(at, operator)| (*at, std::cmp::Reverse(operator.len())))?;
    let (left, right) = (expression[..at].trim(), expression[at + operator.len()..].trim());
    let left_field = view.field(table, left)?;
    let right_field = view.field(table, right);
    let right = match right_field {
        Some(_) => view.label(table, right).quoted(),
        None if right.parse::<f64>().is_ok() => {
            let number = written(right);
            let unit = left_field.unit.as_deref().map(unit).filter(|u| !u.en.is_empty());
            unit.map_or(number.clone(), |u| Phrase::join(&[number, u], "\u{a0}"))
        }
        None => return None,
    };
    // The words below say that the comparison fails; that it holds is that its contrary fails.
    let operator = match operator {
        _ if !holds => operator,
        ">=" => "<",
        "<=" => ">",
        ">" => "<=",
        "<" => ">=",
        "=" => "<>",
        _ => "=",
    };
    let dates = left_field.kind.starts_with("date");
    let (en, fr) = match (operator, dates) {
        (">=", true) => ("comes before", "précède"),
        ("<=", true) => ("comes after", "vient après"),
        (">", true) => ("does not come after", "ne vient pas après"),
        ("<", true) => ("does not come before", "ne précède pas"),
        (">=", false) => ("is below", "est en dessous de"),
        ("<=", false) => ("is above", "dépasse"),
        (">", false) => ("is not above", "ne dépasse pas"),
        ("<", false) => ("is not below", "n’est pas en dessous de"),
        ("=", _) => ("differs from", "diffère de"),
        _ => ("equals", "égale"),
    };
    Some(Phrase::join(&[view.label(table, left).quoted(), Phrase::new(en, fr), right], " "))
}
