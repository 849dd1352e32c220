//! Codes: from the site's words to the schema's values.

use std::collections::HashMap;

use super::derive::{SEVERAL, flag, optional_text, text, text_list};
use super::{Derive, Failure, Kind, Role, Transform, Typed};
use crate::config::Name;
use crate::config::mapping::OnError;
use crate::config::schema::FieldType;
use crate::config::yaml::Node;
use crate::diagnostic::{Diagnostic, Span, code};

pub static MAP: Transform = Transform {
    key: "map",
    role: Role::Step,
    fallible: true,
    summary: "Raw code to target value; `null` as target means missing. A value that is not in the map follows `unmapped`.",
    example: "{from: GRADE_SBR, map: {I: 1, II: 2, III: 3}}",
    lower,
};

pub static CONCEPT_MAP: Transform = Transform {
    key: "concept_map",
    role: Role::Companion,
    fallible: true,
    summary: "The name of a ConceptMap, a file among the mapping's `concept_maps`: its rows are the entries of `map`.",
    example: "{from: CHIRURGIE, concept_map: surgery}",
    // The file's rows stand beside it as `map`.
    lower: super::nothing,
};

pub static USE: Transform = Transform {
    key: "use",
    role: Role::Companion,
    fallible: false,
    summary: "The name of one of the mapping's `derivations`, whose keys count where the field has none of its own.",
    example: "{from: COL, use: yesno}",
    // Its keys stand beside it.
    lower: super::nothing,
};

pub static UNMAPPED: Transform = Transform {
    key: "unmapped",
    role: Role::Companion,
    fallible: false,
    summary: "What a value that is not in the map does to its row: `quarantine`, `null`, `fail`, or `keep` (text fields).",
    example: "{from: ETAT, map: {V: alive}, unmapped: null}",
    lower: |d, node| {
        policy(d, node)?;
        if d.entry("map").is_none() && d.entry("match").is_none() && d.field.kind.value != FieldType::Code {
            d.found.push(Diagnostic::error(code::UNMAPPED_ALONE, node.span, "`unmapped` without a map").label("there is no map here"));
            return None;
        }
        Some(())
    },
};

pub static IGNORE_CASE: Transform = Transform {
    key: "ignore_case",
    role: Role::Companion,
    fallible: false,
    summary: "`map`, `match` and boolean words compare without regard to case.",
    example: "{from: SEXE, map: {f: female}, ignore_case: true}",
    lower: |d, node| match node.text() {
        Some("true" | "false") => Some(()),
        _ => {
            crate::config::read::wrong_kind(node, "ignore_case", "`true` or `false`", d.found);
            None
        }
    },
};

/// What becomes of a text that is in no map, or matches no pattern.
#[derive(Clone, Copy, PartialEq)]
pub enum Unmapped {
    Policy(OnError),
    Keep,
}

fn policy(d: &mut Derive<'_>, node: &Node) -> Option<Unmapped> {
    const WORDS: [(&str, Unmapped); 4] = [
        ("quarantine", Unmapped::Policy(OnError::Quarantine)),
        ("null", Unmapped::Policy(OnError::Null)),
        ("fail", Unmapped::Policy(OnError::Fail)),
        ("keep", Unmapped::Keep),
    ];
    let chosen = crate::config::read::choice(node, "unmapped", &WORDS, d.found)?.value;
    if chosen == Unmapped::Keep && d.field.kind.value != FieldType::Text {
        d.wrong_type("unmapped: keep", node.span, "text fields, whose values are not listed");
        return None;
    }
    Some(chosen)
}

/// Whether the derivation compares without regard to case.
pub fn ignore_case(d: &Derive<'_>) -> bool {
    d.argument("ignore_case").and_then(Node::text) == Some("true")
}

fn lower(d: &mut Derive<'_>, node: &Node) -> Option<()> {
    let Targets { input, mode, pairs } = targets(d, "map", node)?;
    let unmapped = unmapped(d)?;
    let pairs: Vec<_> = pairs.into_iter().map(|(key, value)| (key.value, value)).collect();
    let ignore_case = ignore_case(d);
    recode(d, &input, ("recode", "is_unmapped"), mode, ignore_case, &pairs, unmapped);
    Some(())
}

/// The entries of a `map` or `match`, their targets compared with the field.
pub struct Targets {
    pub input: datafusion::logical_expr::Expr,
    /// What the targets are: `text`, `integer`, `boolean` or `number`.
    pub mode: &'static str,
    pub pairs: Vec<(Name, Option<String>)>,
}

/// Reads the entries of `word`; `None` after findings.
pub fn targets(d: &mut Derive<'_>, word: &'static str, node: &Node) -> Option<Targets> {
    for other in ["map", "match", "boolean", "number", "date", "interval", "unit", "bins", "pseudonym"].into_iter().filter(|other| *other != word) {
        // Beside an origin that reads cells by itself, these words are its own.
        let of_origin = other == "date" && d.entry("precision_of").is_some() || other == "number" && d.entry("comparator_of").is_some();
        if let Some((key, _)) = d.entry(other).filter(|_| !of_origin) {
            d.clash(key.span, format!("`{other}` has no place beside `{word}`: the targets of `{word}` are final"));
            return None;
        }
    }
    let entries = crate::config::read::entries(node, word, d.found);
    let input = d.text_value(word, node.span)?;
    let mode = match (d.field.kind.value, d.field.storage()) {
        (FieldType::Pseudonym | FieldType::Date | FieldType::Datetime, _) => {
            d.wrong_type(word, node.span, "codes, texts, numbers and booleans");
            return None;
        }
        (_, Kind::Integer) => "integer",
        (_, Kind::Boolean) => "boolean",
        (_, Kind::Number) => "number",
        _ => "text",
    };
    let mut pairs = vec![];
    let mut sound = true;
    let mut seen: HashMap<String, Span> = HashMap::new();
    let folds = word == "map" && ignore_case(d);
    for (key, target) in entries {
        // Exactly equal keys are a finding of the document already.
        if let Some(first) = seen.insert(key.value.to_lowercase(), key.span).filter(|_| folds) {
            d.found.push(
                Diagnostic::error(code::SAME_MAP_KEY, key.span, format!("the map has `{}` twice", key.value))
                    .label("differs only in case from the first")
                    .related(first, "the first"),
            );
            sound = false;
        }
        if target.is_null() {
            pairs.push((key, None));
            continue;
        }
        let Some(value) = target.text() else {
            crate::config::read::wrong_kind(target, &format!("a target of `{word}`"), "one value", d.found);
            sound = false;
            continue;
        };
        let fits = match mode {
            "integer" => value.parse::<i64>().is_ok(),
            "boolean" => matches!(value, "true" | "false"),
            "number" => value.parse::<f64>().is_ok_and(f64::is_finite),
            _ => true,
        };
        let listed = d.field.lists(value);
        if !fits || !listed {
            let mut finding = Diagnostic::error(code::MAP_TARGET, target.span, format!("`{value}` is not a value of the field `{}`", d.field.name.value)).label(
                if fits { "not one of its values".to_owned() } else { format!("expected {}", d.field.storage().words()) },
            );
            if let Some(span) = d.field.values_span {
                finding = finding.related(span, "the field's values");
            }
            d.found.push(finding.suggest(value, d.field.similar(value)));
            sound = false;
        }
        pairs.push((key, Some(value.to_owned())));
    }
    sound.then_some(Targets { input, mode, pairs })
}

/// The derivation's `unmapped`, or else its `on_error`.
pub fn unmapped(d: &mut Derive<'_>) -> Option<Unmapped> {
    match d.argument("unmapped") {
        Some(node) => policy(d, node),
        None => Some(Unmapped::Policy(d.policy())),
    }
}

/// A code field without a map: the raw text must be one of the values.
pub fn identity(d: &mut Derive<'_>) -> Option<()> {
    let input = d.value.clone()?.expr;
    let mode = if d.field.storage() == Kind::Integer { "integer" } else { "text" };
    let pairs: Vec<_> = d.field.values.iter().map(|v| (v.value.value.clone(), Some(v.value.value.clone()))).collect();
    let unmapped = unmapped(d)?;
    let ignore_case = ignore_case(d);
    recode(d, &input, ("recode", "is_unmapped"), mode, ignore_case, &pairs, unmapped);
    Some(())
}

/// Recodes the value by `functions`: the one that gives a target, and the one that tells whether there is none.
pub fn recode(
    d: &mut Derive<'_>,
    input: &datafusion::logical_expr::Expr,
    functions: (&str, &str),
    mode: &str,
    ignore_case: bool,
    pairs: &[(String, Option<String>)],
    unmapped: Unmapped,
) {
    let raw = match d.definitions.define(&format!("t:{}", d.field.name.value), Kind::Text, input.clone()) {
        datafusion::logical_expr::Expr::Column(column) => Some(column.name),
        _ => None,
    };
    // A decimal target is recoded as text first: the map's numbers are few.
    let carried = if mode == "number" { "text" } else { mode };
    let mut args = vec![input.clone(), text(carried), flag(ignore_case), flag(unmapped == Unmapped::Keep)];
    let mut keys = vec![input.clone(), flag(ignore_case)];
    if pairs.len() > SEVERAL {
        let list = text_list(pairs.iter().map(|(key, _)| Some(key.as_str())));
        let same = pairs.iter().all(|(key, value)| value.as_ref() == Some(key));
        let targets = if same { list.clone() } else { text_list(pairs.iter().map(|(_, value)| value.as_deref())) };
        args.extend([list.clone(), targets]);
        keys.push(list);
    } else {
        for (key, value) in pairs {
            args.extend([text(key.clone()), optional_text(value.clone())]);
            keys.push(text(key.clone()));
        }
    }
    let recoded = d.call(functions.0, args);
    let recoded = d.definitions.define(&format!("r:{}", d.field.name.value), carried_kind(mode), recoded);
    if let Unmapped::Policy(policy) = unmapped {
        // Where no key stands for "missing", unmapped is simply "a text, and nothing came of it".
        let violated = if pairs.iter().all(|(_, value)| value.is_some()) {
            d.call("failed", vec![input.clone(), recoded.clone()])
        } else {
            d.call(functions.1, keys)
        };
        let same = violated.to_string();
        d.failures.push(Failure { violated, code: code::UNMAPPED, rule: "unmapped", column: d.column.clone(), raw, policy, direct: d.entry("from").is_some(), same });
    }
    d.value = Some(match mode {
        "number" => Typed { expr: datafusion::logical_expr::try_cast(recoded, Kind::Number.data_type()), kind: Kind::Number },
        _ => Typed { expr: recoded, kind: carried_kind(mode) },
    });
}

/// What `recode` gives for a mode.
fn carried_kind(mode: &str) -> Kind {
    match mode {
        "integer" => Kind::Integer,
        "boolean" => Kind::Boolean,
        _ => Kind::Text,
    }
}
