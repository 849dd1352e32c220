//! JSON Schemas (draft 2020-12): of the documents, for completion and hovers in editors, and of `report.json`, for programs.
//!
//! Those of the documents say less than `cohorte check`, which knows the schema and the headers of the files, and never
//! more: what `check` takes, they take. Scalars may be written in any way, since the readers take them
//! as text.

use serde_json::{Map, Value, json};

use super::keys::{DOCUMENTS, Form, Key, Object};
use super::report_schema;
use crate::rule::kind::KINDS;
use crate::transform::{REGISTRY, Role};

/// What is written by a run, not by hand.
const REPORT: &str = "report";

/// The names of the documents.
pub fn names() -> impl Iterator<Item = &'static str> {
    DOCUMENTS.iter().map(|d| d.name)
}

/// The names of the documents, and the report.
pub fn all() -> impl Iterator<Item = &'static str> {
    names().chain([REPORT])
}

/// The JSON Schema of a document or of the report; `None` where there is no such document.
pub fn of(document: &str) -> Option<Value> {
    if document == REPORT {
        return Some(report_schema::of());
    }
    let root = DOCUMENTS.iter().find(|d| d.name == document)?;
    let mut definitions = Map::new();
    let Value::Object(body) = object(root, &mut definitions) else { return None };
    let mut out = Map::new();
    out.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
    out.insert("title".into(), json!(format!("cohorte: {document}")));
    out.extend(body);
    if !definitions.is_empty() {
        out.insert("$defs".into(), Value::Object(definitions));
    }
    Some(Value::Object(out))
}

/// The schema as it is written to a file.
pub fn text(document: &str) -> Option<String> {
    serde_json::to_string_pretty(&of(document)?).ok().map(|text| text + "\n")
}

fn object(o: &Object, definitions: &mut Map<String, Value>) -> Value {
    let mut properties = Map::new();
    for key in o.keys {
        let mut value = form(&key.form, definitions);
        // A description beside `$ref` is allowed since draft 2019-09.
        value["description"] = json!(key.about);
        properties.insert(key.name.into(), value);
    }
    if o.name == "source" {
        // What a format alone knows.
        for option in crate::source::FORMATS.iter().filter_map(|f| f.records).flat_map(|f| f.options) {
            properties.entry(option.key).or_insert_with(|| json!({"description": option.about}));
        }
    }
    let required: Vec<&str> = o.keys.iter().filter(|k: &&Key| k.required).map(|k| k.name).collect();
    json!({"type": "object", "description": o.about, "properties": properties, "required": required, "additionalProperties": false})
}

/// A reference to the schema of a map, which is made once.
fn reference(o: &Object, definitions: &mut Map<String, Value>) -> Value {
    if !definitions.contains_key(o.name) {
        definitions.insert(o.name.into(), Value::Null);
        let made = object(o, definitions);
        definitions.insert(o.name.into(), made);
    }
    json!({"$ref": format!("#/$defs/{}", o.name)})
}

/// What the readers take for a text.
fn scalar() -> Value {
    json!({"type": ["string", "number", "boolean"]})
}

fn form(form: &Form, definitions: &mut Map<String, Value>) -> Value {
    let each = |value: Value| json!({"type": "object", "additionalProperties": value});
    match form {
        Form::Text => scalar(),
        Form::TextOrNull => json!({"type": ["string", "number", "boolean", "null"]}),
        Form::Texts => texts(),
        Form::Words => json!({"anyOf": [scalar(), each(scalar())]}),
        Form::Flag => json!({"type": "boolean"}),
        Form::Whole => json!({"type": "integer", "minimum": 0}),
        Form::OneOf(words) => one_of(&words()),
        Form::Often(words) => json!({"anyOf": [{"enum": words()}, scalar()]}),
        Form::SeveralTextOr(o) => {
            let one = json!({"anyOf": [scalar(), reference(o, definitions)]});
            json!({"anyOf": [one, {"type": "array", "items": {"anyOf": [one, {"type": "array"}]}}]})
        }
        Form::Any => json!({}),
        Form::Rule(category) => {
            let kinds = KINDS.iter().filter(|k| k.category == *category);
            let properties: Map<String, Value> = kinds.map(|k| (k.name.into(), json!({"description": k.summary, "examples": [k.example]}))).collect();
            json!({"anyOf": [texts(), {"type": "object", "properties": properties, "additionalProperties": false, "minProperties": 1, "maxProperties": 1}]})
        }
        Form::Pair => json!({"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": ["string", "number", "null"]}}),
        Form::Names => each(scalar()),
        Form::Values => json!({"anyOf": [{"type": "array", "items": scalar()}, each(json!({"anyOf": [scalar(), {"type": "null"}, each(scalar())]}))]}),
        Form::A(o) => reference(o, definitions),
        // A mapping takes away by null what its base has.
        Form::Many(o) => each(json!({"anyOf": [reference(o, definitions), {"type": "null"}]})),
        Form::List(o) => json!({"type": "array", "items": reference(o, definitions)}),
        Form::TextOr(o) => json!({"anyOf": [scalar(), reference(o, definitions)]}),
        Form::ManyTextOr(o) => {
            let one = json!({"anyOf": [scalar(), reference(o, definitions)]});
            each(one)
        }
        Form::Derivations => {
            definitions.entry("derivation").or_insert_with(derivation);
            each(json!({"anyOf": [{"$ref": "#/$defs/derivation"}, {"type": "null"}]}))
        }
    }
}

fn texts() -> Value {
    json!({"anyOf": [{"type": ["string", "number", "boolean", "null"]}, {"type": "array", "items": {"type": ["string", "number", "boolean", "null"]}}]})
}

/// YAML's own null is the word `null` where that is one of the words.
fn one_of(words: &[&str]) -> Value {
    let mut all: Vec<Value> = words.iter().map(|w| json!(w)).collect();
    if words.contains(&"null") {
        all.push(Value::Null);
    }
    all.extend(words.iter().filter_map(|w| w.parse::<bool>().ok()).map(Value::Bool));
    json!({"enum": all})
}

/// One derivation: exactly one origin, and steps of the registry.
fn derivation() -> Value {
    let mut properties = Map::new();
    for transform in REGISTRY {
        let mut value = argument(transform.key);
        value["description"] = json!(transform.summary);
        value["examples"] = json!([transform.example]);
        properties.insert(transform.key.into(), value);
    }
    let origins: Vec<Value> = REGISTRY.iter().filter(|t| t.role == Role::Origin).map(|t| json!({"required": [t.key]})).collect();
    json!({
        "type": "object",
        "description": "How a field gets its value: one origin, and what is done to it.",
        "properties": properties,
        "additionalProperties": false,
        "anyOf": [{"required": ["use"]}, {"oneOf": origins}],
    })
}

/// The form of a word's argument; a word that is not here takes anything.
fn argument(key: &str) -> Value {
    match key {
        "from" | "value" | "sql" | "age_at" | "born" | "endpoint" | "concept_map" | "use" | "pivot" | "zone" | "analyte" | "precision_of" | "comparator_of" | "impossible" | "undetermined" => scalar(),
        "coalesce" | "date" | "null" => texts(),
        "clean" => {
            let steps = json!({"enum": crate::transform::CLEAN_STEPS});
            json!({"anyOf": [steps, {"type": "array", "items": steps}]})
        }
        "unit" => json!({"anyOf": [scalar(), {"type": "object", "required": ["column"]}]}),
        "partial" => one_of(&["first", "middle", "last", "refuse"]),
        "comparator" => one_of(&["refuse", "drop"]),
        "map" | "match" => json!({"type": "object", "additionalProperties": {"type": ["string", "number", "boolean", "null"]}}),
        "unmapped" => one_of(&["quarantine", "null", "fail", "keep"]),
        "on_error" => one_of(&["quarantine", "null", "fail"]),
        "ignore_case" => json!({"type": "boolean"}),
        "boolean" => json!({"type": "object", "properties": {"true": texts(), "false": texts()}, "additionalProperties": false}),
        "number" => json!({"type": "object", "properties": {"decimal": scalar(), "group": {"type": ["string", "null"]}}, "additionalProperties": false}),
        "bins" => json!({"type": "object", "additionalProperties": {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": ["number", "string", "null"]}}}),
        "closed" => one_of(&["right", "left"]),
        "interval" => one_of(&["lower", "upper", "midpoint"]),
        "pseudonym" => json!({"type": "object", "properties": {"scope": one_of(&["site", "shared"])}, "additionalProperties": false}),
        "give" => one_of(&["time", "event", "kind"]),
        _ => json!({}),
    }
}
