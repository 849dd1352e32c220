//! Values of a format's options, read with one kind of complaint.

use serde_json::Value;

use super::record::{Failure, Options};

/// A complaint about the option `key`.
pub fn wrong(key: &str, message: impl Into<String>) -> Failure {
    Failure::Option { key: key.into(), message: message.into(), near: vec![] }
}

/// A complaint about a name that is none of `known`.
pub fn unknown<'a>(key: &str, message: impl Into<String>, name: &str, known: impl Iterator<Item = &'a str>) -> Failure {
    let wanted = name.to_lowercase();
    let mut near: Vec<String> = known.filter(|k| is_near(&wanted, &k.to_lowercase())).map(str::to_owned).collect();
    near.truncate(5);
    Failure::Option { key: key.into(), message: message.into(), near }
}

/// One begins with the other, or they differ in at most two places.
fn is_near(a: &str, b: &str) -> bool {
    if a.len() > 100 || b.len() > 100 {
        return false;
    }
    (!a.is_empty() && b.starts_with(a)) || (!b.is_empty() && a.starts_with(b)) || distance(a, b) <= 2
}

/// The edit distance of Levenshtein.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, c) in a.chars().enumerate() {
        let mut before = i;
        let mut left = i.saturating_add(1);
        let mut next = vec![left];
        for (d, above) in b.iter().zip(row.iter().skip(1)) {
            left = (before + usize::from(*d != c)).min(*above + 1).min(left + 1);
            before = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

/// A scalar as text, however it is written.
pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        _ => None,
    }
}

/// The text of an option; an absent one and null are none.
///
/// # Errors
/// When it is a list or a map.
pub fn text(options: &Options, key: &str) -> Result<Option<String>, Failure> {
    match options.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => scalar(value).map(Some).ok_or_else(|| wrong(key, "it is one word or text, no list or map")),
    }
}

/// An option that is `true` or `false`.
///
/// # Errors
/// When it is neither.
pub fn flag(options: &Options, key: &str) -> Result<bool, Failure> {
    match text(options, key)?.as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(wrong(key, "it is `true` or `false`")),
    }
}

/// A whole number of an option.
///
/// # Errors
/// When it is none.
pub fn number(options: &Options, key: &str) -> Result<Option<usize>, Failure> {
    match text(options, key)? {
        None => Ok(None),
        Some(text) => text.trim().parse().map(Some).map_err(|_| wrong(key, "it is a whole number")),
    }
}
