//! Taking a node apart, with every mistake noted and none fatal.
//!
//! A [`Keys`] reader is asked for the keys that a map may have; what nobody asked for is reported
//! as unknown when it is finished, with the nearest of the keys that were asked for.

use std::collections::BTreeMap;

use super::yaml::{Node, Value};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Span, code};

/// A value with its place in a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Spanned<T> {
    pub value: T,
    pub span: Span,
}

impl<T> Spanned<T> {
    pub fn new(value: T, span: Span) -> Self {
        Spanned { value, span }
    }
}

/// A text of a document with its place.
pub type Name = Spanned<String>;

/// Reads the keys of one map.
pub struct Keys<'a> {
    items: Vec<(&'a Node, &'a Node, bool)>,
    asked: Vec<&'static str>,
    /// The map's own place, for "missing" messages.
    pub span: Span,
    what: String,
    unknown: Code,
}

impl<'a> Keys<'a> {
    /// Begins to read `node` as a map; `what` names it in messages (`the field \`age\``).
    pub fn new(node: &'a Node, what: impl Into<String>, found: &mut Diagnostics) -> Option<Self> {
        let what = what.into();
        match &node.value {
            Value::Map(items) => Some(Keys {
                items: items.iter().map(|(k, v)| (k, v, false)).collect(),
                asked: vec![],
                span: items.first().map_or(node.span, |(k, _)| k.span),
                what,
                unknown: code::UNKNOWN_KEY,
            }),
            _ => {
                wrong_kind(node, &what, "a map of keys", found);
                None
            }
        }
    }

    /// Reports unknown keys under another code.
    pub fn unknown_as(mut self, code: Code) -> Self {
        self.unknown = code;
        self
    }

    /// The value of a key, if it is there.
    pub fn take(&mut self, key: &'static str) -> Option<&'a Node> {
        self.take_entry(key).map(|(_, value)| value)
    }

    /// Key and value, if the key is there.
    pub fn take_entry(&mut self, key: &'static str) -> Option<(&'a Node, &'a Node)> {
        self.asked.push(key);
        let mut result = None;
        for (k, v, used) in &mut self.items {
            if k.text() == Some(key) && !*used {
                *used = true;
                result.get_or_insert((*k, *v));
            }
        }
        result
    }

    /// The value of a key, left for a later reader.
    pub fn peek(&self, key: &str) -> Option<&'a Node> {
        self.items.iter().find(|(k, ..)| k.text() == Some(key)).map(|(_, v, _)| *v)
    }

    /// Whether keys were found that nobody asked for yet.
    pub fn has_unknown(&self) -> bool {
        self.items.iter().any(|(_, _, used)| !used)
    }

    /// The value of a key that must be there.
    pub fn require(&mut self, key: &'static str, found: &mut Diagnostics) -> Option<&'a Node> {
        let node = self.take(key);
        if node.is_none() {
            found.push(Diagnostic::error(code::MISSING_KEY, self.span, format!("{} has no `{key}`", self.what)).label(format!("`{key}:` is missing here")));
        }
        node
    }

    /// A text, if the key is there.
    pub fn text(&mut self, key: &'static str, found: &mut Diagnostics) -> Option<Name> {
        self.take(key).and_then(|node| text(node, key, found))
    }

    /// A text that must be there and can name a folder or column.
    pub fn name(&mut self, key: &'static str, found: &mut Diagnostics) -> Option<Name> {
        let node = self.require(key, found)?;
        let name = text(node, key, found)?;
        check_name(&name, key, found);
        Some(name)
    }

    /// `true` or `false`, if the key is there.
    pub fn flag(&mut self, key: &'static str, found: &mut Diagnostics) -> Option<bool> {
        let node = self.take(key)?;
        match node.text() {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => {
                wrong_kind(node, key, "`true` or `false`", found);
                None
            }
        }
    }

    /// One of a few words, if the key is there.
    pub fn choice<T: Copy>(&mut self, key: &'static str, choices: &[(&'static str, T)], found: &mut Diagnostics) -> Option<Spanned<T>> {
        let node = self.take(key)?;
        choice(node, key, choices, found)
    }

    /// One text or a list of texts, if the key is there.
    pub fn texts(&mut self, key: &'static str, found: &mut Diagnostics) -> Option<Vec<Name>> {
        self.take(key).map(|node| texts(node, key, found))
    }

    /// `description: …` or `{en: …, fr: …}`; an untagged text counts as English.
    pub fn words(&mut self, key: &'static str, found: &mut Diagnostics) -> BTreeMap<String, String> {
        self.take(key).map_or_else(BTreeMap::new, |node| words(node, key, found))
    }

    /// What nobody asked for, which another reader takes.
    pub fn rest(self) -> Vec<(Name, &'a Node)> {
        self.items.iter().filter(|(.., used)| !used).filter_map(|(k, v, _)| Some((Spanned::new(k.text()?.to_owned(), k.span), *v))).collect()
    }

    /// Reports what nobody asked for.
    pub fn finish(self, found: &mut Diagnostics) {
        for (key, _, used) in &self.items {
            if *used {
                continue;
            }
            match key.text() {
                Some(text) => found.push(
                    Diagnostic::error(self.unknown, key.span, format!("{} has no key `{text}`", self.what))
                        .label("not known here")
                        .suggest(text, self.asked.iter().copied().filter(|k| self.items.iter().all(|(key, ..)| key.text() != Some(*k)))),
                ),
                None => wrong_kind(key, &self.what, "a key of one word", found),
            }
        }
    }
}

/// The entries of a map whose keys are names of the author's choice.
pub fn entries<'a>(node: &'a Node, what: &str, found: &mut Diagnostics) -> Vec<(Name, &'a Node)> {
    match &node.value {
        Value::Map(items) => items
            .iter()
            .filter_map(|(k, v)| match k.text() {
                Some(text) => Some((Spanned::new(text.to_owned(), k.span), v)),
                None => {
                    wrong_kind(k, what, "a name", found);
                    None
                }
            })
            .collect(),
        _ => {
            wrong_kind(node, what, "a map", found);
            vec![]
        }
    }
}

/// A scalar as text.
pub fn text(node: &Node, what: &str, found: &mut Diagnostics) -> Option<Name> {
    match node.text() {
        Some(text) if !node.is_null() => Some(Spanned::new(text.to_owned(), node.span)),
        _ => {
            wrong_kind(node, what, "a text", found);
            None
        }
    }
}

/// One text, or a list of them.
pub fn texts(node: &Node, what: &str, found: &mut Diagnostics) -> Vec<Name> {
    match &node.value {
        Value::List(items) => items.iter().filter_map(|n| text(n, what, found)).collect(),
        _ => text(node, what, found).into_iter().collect(),
    }
}

/// One of a few words.
pub fn choice<T: Copy>(node: &Node, what: &str, choices: &[(&'static str, T)], found: &mut Diagnostics) -> Option<Spanned<T>> {
    let text = node.text().unwrap_or_default();
    match choices.iter().find(|(word, _)| *word == text) {
        Some((_, value)) => Some(Spanned::new(*value, node.span)),
        None => {
            let words: Vec<_> = choices.iter().map(|(w, _)| *w).collect();
            found.push(
                Diagnostic::error(code::UNKNOWN_CHOICE, node.span, format!("`{what}` cannot be {}", if node.text().is_some() { format!("`{text}`") } else { node.kind().into() }))
                    .label(format!("expected {}", words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ")))
                    .suggest(text, words),
            );
            None
        }
    }
}

/// A text per language.
pub fn words(node: &Node, what: &str, found: &mut Diagnostics) -> BTreeMap<String, String> {
    match &node.value {
        Value::Map(_) => {
            entries(node, what, found).into_iter().filter_map(|(language, n)| Some((language.value, text(n, what, found)?.value))).collect()
        }
        _ => text(node, what, found).map(|t| ("en".to_owned(), t.value)).into_iter().collect(),
    }
}

/// Reports a node of the wrong kind.
pub fn wrong_kind(node: &Node, what: &str, expected: &str, found: &mut Diagnostics) {
    found.push(
        Diagnostic::error(code::WRONG_KIND, node.span, format!("{what} should be {expected}"))
            .label(format!("expected {expected}, found {}", node.kind())),
    );
}

/// Names that become folders and columns: no path, no control character, no leading `_` or `.`.
pub fn check_name(name: &Name, what: &str, found: &mut Diagnostics) -> bool {
    let text = &name.value;
    let fine = !text.is_empty()
        && text.len() <= 100
        && !text.starts_with(['_', '.', '-'])
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    if !fine {
        found.push(
            Diagnostic::error(code::BAD_NAME, name.span, format!("`{text}` cannot be used as a name (`{what}`)"))
                .label("letters, digits, `_`, `-` and `.`, beginning with a letter or digit"),
        );
    }
    fine
}
