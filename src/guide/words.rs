//! The words of a derivation as sentences.

use crate::config::mapping::Locale;
use crate::config::schema::{Field, FieldType};
use crate::config::yaml::{Node, Value};
use crate::transform::{REGISTRY, Role};

/// A node as it would be written on one line.
pub fn flow(node: &Node) -> String {
    match &node.value {
        Value::Scalar { .. } if node.is_null() => "null".into(),
        Value::Scalar { text, quoted: true } => format!("\"{text}\""),
        Value::Scalar { text, .. } => text.clone(),
        Value::List(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Map(items) => format!("{{{}}}", items.iter().map(|(k, v)| format!("{}: {}", flow(k), flow(v))).collect::<Vec<_>>().join(", ")),
    }
}

/// What a derivation does, a sentence a step, in the order in which the steps run.
pub fn steps(node: &Node, field: &Field, locale: &Locale, is_column: &dyn Fn(&str) -> bool) -> Vec<String> {
    let Value::Map(items) = &node.value else { return vec![] };
    let get = |key: &str| items.iter().find(|(k, _)| k.text() == Some(key)).map(|(_, v)| v);
    let mut out = vec![];
    let mut read = reading(field, locale, &get);
    for transform in REGISTRY.iter().filter(|t| t.role != Role::Companion) {
        let Some(argument) = get(transform.key) else { continue };
        // A number is read before it is converted.
        if matches!(transform.key, "number" | "unit" | "bins" | "pseudonym") {
            out.extend(read.take());
        }
        if transform.key == "number" {
            continue;
        }
        out.push(sentence(transform.key, argument, field, &get, is_column).unwrap_or_else(|| format!("{}: {} ({})", transform.key, flow(argument), transform.summary)));
    }
    out.extend(read);
    // Words that no sentence above takes up.
    let told = ["use", "null", "born", "unmapped", "ignore_case", "closed", "on_error", "give"];
    for transform in REGISTRY.iter().filter(|t| t.role == Role::Companion && !told.contains(&t.key)) {
        if let Some(argument) = get(transform.key) {
            out.push(format!("{}: {} ({})", transform.key, flow(argument), transform.summary));
        }
    }
    out
}

type Get<'a> = dyn Fn(&str) -> Option<&'a Node> + 'a;

fn named(node: &Node, is_column: &dyn Fn(&str) -> bool) -> String {
    let one = |n: &Node| {
        let name = n.text().unwrap_or_default();
        format!("the {} `{name}`", if is_column(name) { "column" } else { "field" })
    };
    match &node.value {
        Value::List(items) => items.iter().map(one).collect::<Vec<_>>().join(", "),
        _ => one(node),
    }
}

fn texts(node: &Node) -> String {
    let one = |n: &Node| format!("`{}`", n.text().unwrap_or_default());
    match &node.value {
        Value::List(items) => items.iter().map(one).collect::<Vec<_>>().join(", "),
        _ => one(node),
    }
}

fn sentence(key: &str, argument: &Node, field: &Field, get: &Get<'_>, is_column: &dyn Fn(&str) -> bool) -> Option<String> {
    let plain = argument.text().unwrap_or_default();
    Some(match key {
        "from" if argument.text().is_some() => format!("takes {}", named(argument, is_column)),
        "coalesce" => format!("takes the first that is not missing of {}", named(argument, is_column)),
        "value" => format!("is `{plain}` in every row"),
        "sql" => format!("computes {plain}"),
        "precision_of" => format!("tells how precise the date in {} is: day, month or year", named(argument, is_column)),
        "comparator_of" => format!("tells the comparator of the number in {}", named(argument, is_column)),
        "concept_map" => format!("recodes it by the ConceptMap `{plain}`"),
        "age_at" => {
            let born = get("born").map_or("the date of birth".to_owned(), |b| named(b, is_column));
            format!("counts the completed years from {born} to {}", named(argument, is_column))
        }
        "endpoint" => match get("give").and_then(Node::text) {
            Some("kind") => format!("tells which event of the endpoint `{plain}` came first"),
            Some("event") => format!("tells whether the event of the endpoint `{plain}` happened"),
            Some("time") => format!("takes the time of the endpoint `{plain}`"),
            _ if field.kind.value.is_number() => format!("takes the time of the endpoint `{plain}`"),
            _ => format!("tells whether the event of the endpoint `{plain}` happened"),
        },
        "impossible" => format!("can never be delivered by this site: {plain}"),
        "undetermined" => format!("may one day be delivered by this site: {plain}"),
        "clean" => format!("cleans the text: {}", texts(argument)),
        "map" => {
            let Value::Map(pairs) = &argument.value else { return None };
            let pairs: Vec<String> = pairs
                .iter()
                .map(|(from, to)| format!("`{}` becomes {}", from.text().unwrap_or_default(), if to.is_null() { "missing".to_owned() } else { format!("`{}`", to.text().unwrap_or_default()) }))
                .collect();
            let case = if get("ignore_case").and_then(Node::text) == Some("true") { ", in any case" } else { "" };
            let other = match get("unmapped").and_then(Node::text) {
                Some("keep") => "; any other text is kept as it is",
                Some("null") => "; any other code is missing, and the row flagged",
                Some("fail") => "; any other code ends the run",
                Some("quarantine") => "; any other code sends the row to quarantine",
                _ => "",
            };
            format!("recodes it{case}: {}{other}", pairs.join(", "))
        }
        "boolean" => {
            let Value::Map(sides) = &argument.value else { return None };
            let side = |word: &str| sides.iter().find(|(k, _)| k.text() == Some(word)).map(|(_, v)| format!("{word} is {}", texts(v)));
            format!("reads true or false: {}", [side("true"), side("false")].into_iter().flatten().collect::<Vec<_>>().join(", "))
        }
        "date" if !matches!(argument.value, Value::Map(_)) => format!("reads a date: {}", texts(argument)),
        "interval" if argument.text().is_some() => format!("takes the {plain} bound of an interval such as `20-50`"),
        "unit" if argument.text().is_some() => match &field.unit {
            Some(unit) if unit.value == plain => format!("is in `{plain}` already"),
            Some(unit) => format!("converts it from `{plain}` to `{}`", unit.value),
            None => format!("is in `{plain}`"),
        },
        "bins" => {
            let Value::Map(bins) = &argument.value else { return None };
            let left = get("closed").and_then(Node::text) == Some("left");
            let bin = |(label, ends): &(Node, Node)| {
                let Value::List(ends) = &ends.value else { return flow(label) };
                let end = |at: usize| ends.get(at).filter(|n| !n.is_null()).and_then(Node::text);
                let words = match (end(0), end(1), left) {
                    (Some(low), Some(high), false) => format!("over {low} up to {high}"),
                    (Some(low), Some(high), true) => format!("from {low} to below {high}"),
                    (None, Some(high), false) => format!("up to {high}"),
                    (None, Some(high), true) => format!("below {high}"),
                    (Some(low), None, false) => format!("over {low}"),
                    (Some(low), None, true) => format!("from {low}"),
                    (None, None, _) => "any number".to_owned(),
                };
                format!("{words} is `{}`", label.text().unwrap_or_default())
            };
            format!("puts the number into a class: {}", bins.iter().map(bin).collect::<Vec<_>>().join(", "))
        }
        "pseudonym" => {
            let shared = flow(argument).contains("shared");
            format!("replaces the number by its keyed hash, {}", if shared { "equal at all sites" } else { "different at each site" })
        }
        _ => return None,
    })
}

/// How what is left is read as the field's type, where no step has done it.
fn reading(field: &Field, locale: &Locale, get: &Get<'_>) -> Option<String> {
    if get("from").is_none() && get("coalesce").is_none() {
        return None;
    }
    let has = |keys: &[&str]| keys.iter().any(|k| get(k).is_some());
    let kind = field.kind.value;
    Some(match kind {
        FieldType::Integer | FieldType::Decimal if !has(&["map", "match", "concept_map", "interval"]) => {
            let own = |key: &str| match get("number").map(|n| &n.value) {
                Some(Value::Map(marks)) => marks.iter().find(|(k, _)| k.text() == Some(key)).map(|(_, v)| v.text().unwrap_or_default().to_owned()),
                _ => None,
            };
            let decimal = own("decimal").unwrap_or_else(|| locale.decimal.to_string());
            let group = own("group").or(locale.group.map(String::from));
            let group = group.filter(|g| !g.is_empty() && g != "null").map_or(String::new(), |g| format!(", thousands mark `{g}`"));
            format!("reads a {} (decimal mark `{decimal}`{group})", if kind == FieldType::Integer { "whole number" } else { "number" })
        }
        FieldType::Date | FieldType::Datetime if !has(&["date"]) => {
            let formats: Vec<String> = locale.dates.iter().map(|d| format!("`{}`", d.value)).collect();
            format!("reads a date: {}", if formats.is_empty() { "`%Y-%m-%d`".to_owned() } else { formats.join(", ") })
        }
        FieldType::Boolean if !has(&["boolean", "map", "match", "concept_map"]) => {
            let words = |list: &[String]| list.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ");
            format!("reads true ({}) or false ({})", words(&locale.true_words), words(&locale.false_words))
        }
        FieldType::Code if !has(&["map", "bins", "match", "concept_map"]) => "must be one of the field's values as it is".to_owned(),
        FieldType::Pseudonym if !has(&["pseudonym"]) => "replaces the number by its keyed hash, different at each site".to_owned(),
        _ => return None,
    })
}
