//! The reference as Markdown: the documents' keys, every transform, constraint, endpoint, format and
//! diagnostic. It is committed as `docs/reference.md`, and a test fails when it is stale.

use std::fmt::Write;

use super::keys::{DOCUMENTS, Form, Object};
use crate::config::schema::FieldType;
use crate::diagnostic::{ALL, Code, code, explanation};
use crate::rule::CONSTRAINTS;
use crate::rule::kind;
use crate::shape::REGISTRY as OPERATIONS;
use crate::source::FORMATS;
use crate::transform::endpoint::definition::{CITATION, DEFINITIONS, GROUPS, KINDS};
use crate::transform::{REGISTRY, Role, Transform};

/// The whole reference.
pub fn markdown() -> String {
    let mut out = String::from(
        "# Reference\n\n\
         Made by `cohorte docs` from the program itself. What belongs together, and why, is in [format.md](format.md);\n\
         `cohorte explain M302` prints what stands here of a diagnostic, and `cohorte json-schema` the keys for an editor.\n",
    );
    documents(&mut out);
    transforms(&mut out);
    operations(&mut out);
    constraints(&mut out);
    endpoints(&mut out);
    formats(&mut out);
    diagnostics(&mut out);
    out
}

/// What is known of a code: `cohorte explain CODE`. Codes are found in any case.
pub fn of_code(id: &str) -> Option<String> {
    let code = ALL.iter().find(|c| c.id.eq_ignore_ascii_case(id))?;
    let mut out = format!("{}: {}\n\n", code.id, code.title);
    let text = explanation(code.id).unwrap_or(code.why);
    out.push_str(&wrapped(text, 100));
    let _ = write!(out, "\n{}\n", wrapped(code.why, 100).trim_end());
    Some(out)
}

/// Whether a text looks like a diagnostic's code, and not like a path.
pub fn is_code(text: &str) -> bool {
    let mut chars = text.chars();
    text.len() == 4 && chars.next().is_some_and(|c| "CSMTRDcsmtrd".contains(c)) && chars.all(|c| c.is_ascii_digit())
}

/// Breaks a text at blanks into lines of at most `width` characters.
fn wrapped(text: &str, width: usize) -> String {
    let (mut out, mut line) = (String::new(), 0);
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if line > 0 && line + 1 + length > width {
            out.push('\n');
            line = 0;
        }
        if line > 0 {
            out.push(' ');
            line += 1;
        }
        out.push_str(word);
        line += length;
    }
    out.push('\n');
    out
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn documents(out: &mut String) {
    out.push_str("\n## Keys of the documents\n\nKeys in bold must be there.\n");
    let mut done: Vec<&str> = vec![];
    let mut todo: Vec<&'static Object> = DOCUMENTS.to_vec();
    todo.reverse();
    while let Some(object) = todo.pop() {
        if done.contains(&object.name) {
            continue;
        }
        done.push(object.name);
        let is_document = DOCUMENTS.iter().any(|d| d.name == object.name);
        let _ = write!(out, "\n{} {}\n\n{}\n\n| key | what | meaning |\n|---|---|---|\n", if is_document { "###" } else { "####" }, heading(object), object.about);
        let mut inner = vec![];
        for key in object.keys {
            let name = if key.required { format!("**`{}`**", key.name) } else { format!("`{}`", key.name) };
            let _ = writeln!(out, "| {name} | {} | {} |", cell(&form(&key.form)), cell(key.about));
            match key.form {
                Form::A(o) | Form::Many(o) | Form::List(o) | Form::TextOr(o) | Form::ManyTextOr(o) | Form::SeveralTextOr(o) => inner.push(o),
                _ => {}
            }
        }
        todo.extend(inner.into_iter().rev());
    }
}

fn heading(object: &Object) -> &'static str {
    match object.name {
        "schema" => "Schema",
        "mapping" => "Mapping",
        "pipeline" => "Pipeline",
        "table" => "A table of the schema",
        "filled" => "A table of a mapping",
        "field" => "A field of the schema",
        "foreign_key" => "A foreign key",
        "threshold" => "A threshold",
        "severity" => "Severities of a field",
        "rule" => "A rule",
        "source" => "A source",
        "endpoint" => "An endpoint",
        "event" => "An event",
        "moment" => "A day or time",
        "key" => "The key of the pseudonyms",
        "codes" => "A file of codes",
        "tests" => "Tests",
        "case" => "A case",
        "refused" => "A refused row",
        "shape" => "A shape",
        "join" => "Arguments of join",
        "pivot" => "Arguments of pivot",
        "unpivot" => "Arguments of unpivot",
        "explode" => "Arguments of explode",
        "group" => "Arguments of group",
        "deduplicate" => "Arguments of deduplicate",
        other => other,
    }
}

fn form(form: &Form) -> String {
    let words = |words: Vec<&str>| words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ");
    match form {
        Form::Text => "text".into(),
        Form::TextOrNull => "text or `null`".into(),
        Form::Texts => "text or list of texts".into(),
        Form::Words => "text, or `{en: …, fr: …}`".into(),
        Form::Flag => "`true` or `false`".into(),
        Form::Whole => "whole number".into(),
        Form::OneOf(of) => words(of()),
        Form::Often(of) => format!("text: {} …", words(of())),
        Form::SeveralTextOr(o) => format!("texts, or maps: {}", heading(o).to_lowercase()),
        Form::Any => "see format.md".into(),
        Form::Pair => "`[lowest, highest]`".into(),
        Form::Names => "map of texts".into(),
        Form::Rule(_) => "SQL, fields, or a kind of rule".into(),
        Form::Values => "list, or map of labels".into(),
        Form::A(o) => format!("map: {}", heading(o).to_lowercase()),
        Form::Many(o) => format!("map by name: {}", heading(o).to_lowercase()),
        Form::List(o) => format!("list: {}", heading(o).to_lowercase()),
        Form::TextOr(o) => format!("text, or map: {}", heading(o).to_lowercase()),
        Form::ManyTextOr(o) => format!("map by name: text, or {}", heading(o).to_lowercase()),
        Form::Derivations => "map by field: [a derivation](#transforms)".into(),
    }
}

fn transforms(out: &mut String) {
    out.push_str("\n## Transforms\n\nThe words of a derivation. It has exactly one origin; the steps run in this order, however they are written.\n");
    for (role, title) in [(Role::Origin, "Origins"), (Role::Step, "Steps"), (Role::Companion, "Companions, which another word reads")] {
        let _ = write!(out, "\n### {title}\n");
        for transform in REGISTRY.iter().filter(|t| t.role == role) {
            let _ = write!(out, "\n#### `{}`\n\n{}\n\n```yaml\nfield: {}\n```\n\n{}\n", transform.key, transform.summary, transform.example, failing(transform));
        }
    }
}

fn operations(out: &mut String) {
    out.push_str("\n## Operations of shapes\n\nA shape does one of them; what became of each row is in the report and in the manifest.\n");
    for operation in OPERATIONS {
        let _ = write!(out, "\n#### `{}`\n\n{}\n\n```yaml\nshape: {}\n```\n", operation.key, operation.summary, operation.example);
        let meets = if operation.meets { "All rows of a key come together, which goes through files in the run's folder." } else { "Rows pass one by one." };
        let fates = operation.fates.iter().map(|[fate, _]| format!("*{fate}*")).collect::<Vec<_>>().join(", ");
        let _ = write!(out, "\n{meets} What can become of a row: {fates}.\n");
    }
}

fn failing(transform: &Transform) -> String {
    let (of_mapping, of_row) = codes(transform);
    let list = |codes: &[Code]| codes.iter().map(|c| format!("[{}](#{})", c.id, anchor(c))).collect::<Vec<_>>().join(", ");
    let mut parts = vec![];
    if transform.fallible {
        parts.push(format!("It can fail on a row, as {}, and needs an `on_error`.", if of_row.is_empty() { "its Reason says".to_owned() } else { list(&of_row) }));
    } else if !of_row.is_empty() {
        parts.push(format!("Reasons on a row: {}.", list(&of_row)));
    } else {
        parts.push("It cannot fail on a row.".to_owned());
    }
    if !of_mapping.is_empty() {
        parts.push(format!("Mistakes that `check` finds: {}.", list(&of_mapping)));
    }
    parts.join(" ")
}

/// The codes that a word gives at `check`, and those of rows.
fn codes(transform: &Transform) -> (Vec<Code>, Vec<Code>) {
    use code::*;
    let (check, row): (&[Code], &[Code]) = match transform.key {
        "from" => (&[UNKNOWN_COLUMN, WRONG_KIND], &[]),
        "coalesce" => (&[UNKNOWN_COLUMN, FIELD_TYPE], &[]),
        "value" => (&[CONSTANT], &[]),
        "sql" => (&[SQL_SYNTAX, SQL_NAME, SQL_FUNCTION, SQL_TYPE, SQL_FORM, CYCLE], &[EXPRESSION, PARSE]),
        "age_at" => (&[UNKNOWN_COLUMN, AGE_PARTNER, FIELD_TYPE, TRANSFORM_TYPE], &[PARSE]),
        "born" => (&[UNKNOWN_COLUMN, AGE_PARTNER], &[]),
        "endpoint" => (&[UNKNOWN_ENDPOINT, ENDPOINT_DEFINITION, ENDPOINT_EVENTS, ENDPOINT_UNIT, ENDPOINT_MOMENT, NO_SCHEMA_UNIT, TRANSFORM_TYPE], &[PARSE, BEFORE_ORIGIN, NO_DAY]),
        "give" => (&[UNKNOWN_CHOICE, TRANSFORM_CLASH, MAP_TARGET], &[]),
        "impossible" | "undetermined" => (&[REQUIRED_IMPOSSIBLE, TRANSFORM_CLASH], &[]),
        "clean" => (&[CLEAN_STEP, TRANSFORM_CLASH], &[PARSE]),
        "map" => (&[MAP_TARGET, SAME_MAP_KEY, TRANSFORM_TYPE, TRANSFORM_CLASH], &[UNMAPPED]),
        "match" => (&[SEARCH, MAP_TARGET, TRANSFORM_TYPE, TRANSFORM_CLASH], &[UNMAPPED]),
        "concept_map" => (&[UNKNOWN_CONCEPT_MAP, CODES_FILE, TWO_TARGETS, UNFILLED, MAP_TARGET], &[UNMAPPED]),
        "use" => (&[UNKNOWN_SHARED], &[]),
        "precision_of" | "comparator_of" => (&[UNKNOWN_COLUMN, PRECISION_OF], &[PARSE]),
        "pivot" => (&[PIVOT], &[]),
        "partial" => (&[PARTIAL_DATE], &[PARSE]),
        "zone" => (&[TIME_ZONE], &[PARSE]),
        "analyte" => (&[ANALYTE, NOT_CONVERTIBLE], &[]),
        "unmapped" => (&[UNKNOWN_CHOICE, UNMAPPED_ALONE, TRANSFORM_TYPE], &[]),
        "boolean" => (&[WORD_OVERLAP, TRANSFORM_TYPE], &[PARSE]),
        "date" => (&[DATE_FORMAT, TRANSFORM_TYPE, TRANSFORM_CLASH], &[PARSE]),
        "interval" => (&[UNKNOWN_CHOICE, TRANSFORM_TYPE, TRANSFORM_CLASH], &[PARSE]),
        "number" => (&[NUMBER_MARKS, TRANSFORM_TYPE, TRANSFORM_CLASH], &[PARSE]),
        "unit" => (&[DERIVATION_UNIT, NOT_CONVERTIBLE, NO_SCHEMA_UNIT, ROW_UNIT, TRANSFORM_TYPE], &[UNLISTED_UNIT]),
        "bins" => (&[BIN_OVERLAP, BIN_CLASS, TRANSFORM_TYPE, TRANSFORM_CLASH], &[BINS, PARSE]),
        "closed" | "on_error" => (&[UNKNOWN_CHOICE], &[]),
        "pseudonym" => (&[NO_KEY, TRANSFORM_TYPE], &[]),
        _ => (&[], &[]),
    };
    (check.to_vec(), row.to_vec())
}

fn constraints(out: &mut String) {
    out.push_str("\n## Types, constraints and rules\n\nTypes: ");
    let types: Vec<String> = FieldType::ALL.iter().map(|(word, _)| format!("`{word}`")).collect();
    let _ = write!(out, "{}.\n\n| constraint | asks | Reason |\n|---|---|---|\n", types.join(", "));
    let of = |key: &str| ALL.iter().find(|c| c.id.starts_with('R') && key_of(c) == Some(key)).map_or(String::new(), |c| format!("[{}](#{})", c.id, anchor(c)));
    let _ = writeln!(out, "| `required` | A value is there. | {} |", of("required"));
    for constraint in CONSTRAINTS {
        let _ = writeln!(out, "| `{}` | {} | {} |", constraint.key, cell(constraint.summary), of(constraint.key));
    }
    out.push_str("\n| rule | asks | example |\n|---|---|---|\n");
    for (category, asks, example) in [
        ("conformance", "Does it have the agreed form? SQL over the table's fields.", "{id: nodes_order, conformance: \"nodes_positive <= nodes_examined\", severity: error}"),
        ("completeness", "Is it there? Fields of which none may be missing, and `at_least`.", "{id: size_known, completeness: tumour_size, at_least: 90 %, severity: warning}"),
        ("plausibility", "Can it be true? SQL over the table's fields.", "{id: relapse_after_diagnosis, plausibility: \"relapse_date >= diagnosis_date\", severity: error}"),
    ] {
        let _ = writeln!(out, "| `{category}` | {asks} | `{example}` |");
    }
    out.push_str("\nKinds of rules that have a word under their category. Those that look at several rows or tables are judged when the rows have been accepted.\n\n| kind | asks | example | OHDSI DQD |\n|---|---|---|---|\n");
    for kind in kind::KINDS {
        let _ = writeln!(out, "| `{}: {}` | {} | `{}` | {} |", kind.category.word(), kind.name, cell(kind.summary), cell(kind.example), kind.dqd.map_or(String::new(), |d| format!("`{d}`")));
    }
    let _ = writeln!(out, "\nA row that violates a rule has the Reason [{0}](#{1}); a key that is not unique gives [{2}](#{3}).", code::RULE.id, anchor(&code::RULE), code::KEY.id, anchor(&code::KEY));
}

fn key_of(code: &Code) -> Option<&'static str> {
    match code.id {
        "R501" => Some("required"),
        "R502" => Some("range"),
        "R503" => Some("values"),
        "R504" => Some("pattern"),
        "R505" => Some("length"),
        "R521" => Some("within"),
        _ => None,
    }
}

fn endpoints(out: &mut String) {
    let _ = write!(out, "\n## Definitions of endpoints\n\n{CITATION}.\n\n| definition | called | counts |\n|---|---|---|\n");
    for definition in DEFINITIONS {
        let counts = definition.counts.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ");
        let _ = writeln!(out, "| `{}` | {} | {counts} |", definition.name, definition.title[0]);
    }
    let groups: Vec<String> = GROUPS.iter().map(|(group, parts)| format!("`{group}` is {}", parts.iter().map(|p| format!("`{p}`")).collect::<Vec<_>>().join(", "))).collect();
    let _ = writeln!(out, "\nKinds of events: {}. {}. Others are joined by `_or_`.", KINDS.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", "), groups.join("; "));
}

fn formats(out: &mut String) {
    out.push_str("\n## Formats of sources\n\n| `format` | what |\n|---|---|\n");
    for format in FORMATS {
        let names = format.names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ");
        let _ = writeln!(out, "| {names} | {} |", cell(format.summary));
    }
    for format in FORMATS.iter().filter_map(|f| f.records) {
        let _ = writeln!(out, "\n### `format: {}`\n\n| option | what |\n|---|---|", format.names.first().copied().unwrap_or_default());
        for option in format.options {
            let _ = writeln!(out, "| `{}` | {} |", option.key, cell(option.about));
        }
    }
}

fn anchor(code: &Code) -> String {
    let heading = format!("{}: {}", code.id, code.title);
    heading.to_lowercase().chars().filter_map(|c| if c.is_alphanumeric() || c == '-' || c == '_' { Some(c) } else if c == ' ' { Some('-') } else { None }).collect()
}

fn diagnostics(out: &mut String) {
    out.push_str("\n## Diagnostics\n\nA code is never used for something else. R and D codes are also the Reasons of rows.\n");
    for (letter, title) in [
        ('C', "Documents"),
        ('S', "Schema"),
        ('M', "Mapping"),
        ('T', "Arguments of transforms"),
        ('R', "Constraints and rules"),
        ('D', "Data"),
    ] {
        let _ = write!(out, "\n### {title}\n");
        let mut codes: Vec<&Code> = ALL.iter().filter(|c| c.id.starts_with(letter)).collect();
        codes.sort_by_key(|c| c.id);
        for code in codes {
            let _ = write!(out, "\n#### {}: {}\n\n{}", code.id, code.title, wrapped(explanation(code.id).unwrap_or(code.why), 120));
        }
    }
}
