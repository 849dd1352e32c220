//! YAML text to a tree of nodes that know where they stand.
//!
//! `serde` stops at the first mistake and forgets where values came from; a check that reports
//! every mistake with its caret needs neither. So the events of `granit-parser` (the parser under
//! `serde-saphyr`) become a small tree, and [`super::read`] takes the documents apart.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use granit_parser::{Event, Parser, ScalarStyle, options};

use crate::diagnostic::{Diagnostic, Diagnostics, FileId, Span, code};

/// A YAML node with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub value: Value,
    pub span: Span,
}

/// What a node is. Scalars keep their text as written (`01` stays `01`).
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `quoted` scalars are always text; plain ones may be null, numbers or booleans.
    Scalar { text: String, quoted: bool },
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// The text of a scalar, whatever it looks like.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The same node with its places in another file.
    pub fn moved_to(mut self, file: FileId) -> Node {
        fn walk(node: &mut Node, file: FileId) {
            node.span.file = file;
            match &mut node.value {
                Value::Scalar { .. } => {}
                Value::List(items) => items.iter_mut().for_each(|n| walk(n, file)),
                Value::Map(items) => items.iter_mut().for_each(|(k, v)| {
                    walk(k, file);
                    walk(v, file);
                }),
            }
        }
        walk(&mut self, file);
        self
    }

    /// Whether this is YAML's null: nothing, `~` or `null`, unquoted.
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, quoted: false } if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// What this node is, for people.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            _ if self.is_null() => "nothing",
            Value::Scalar { quoted: true, .. } => "a text",
            Value::Scalar { text, .. } if text.parse::<f64>().is_ok() => "a number",
            Value::Scalar { text, .. } if matches!(text.as_str(), "true" | "false") => "true or false",
            Value::Scalar { .. } => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }
}

/// Nodes a document may have, aliases expanded, and what anchors keep of them.
const MOST_NODES: usize = 1_000_000;
/// Bytes of texts that aliases may repeat.
const MOST_REPEATED: usize = 64 << 20;
/// Depth of nesting that is read.
const MOST_DEPTH: usize = 64;

/// Reads one document. `None` when it is not YAML; mistakes go to `found`.
pub fn parse(text: &str, file: FileId, found: &mut Diagnostics) -> Option<Node> {
    let mut builder = Builder { file, stack: vec![], anchors: HashMap::new(), sizes: HashMap::new(), nodes: 0, repeated: 0, root: None };
    let mut documents = 0;
    let parser = Parser::new_from_str_with_options(text, options! { emit_comments: false });
    for event in parser {
        let (event, place) = match event {
            Ok(found) => found,
            Err(error) => {
                let at = error.marker().byte_offset().unwrap_or(0).min(text.len());
                found.push(
                    Diagnostic::error(code::SYNTAX, Span::new(file, at..at + 1), "this is not valid YAML").label(error.info()),
                );
                return None;
            }
        };
        let span = Span::new(file, place.byte_range().unwrap_or(0..0));
        if matches!(event, Event::DocumentStart(..)) {
            documents += 1;
            if documents > 1 {
                found.push(
                    Diagnostic::error(code::SEVERAL_DOCUMENTS, span, "a second YAML document begins here")
                        .label("only the first would be read")
                        .help("one file holds one document; take out the `---`"),
                );
                return builder.root;
            }
        }
        if let Err(diagnostic) = builder.event(event, span) {
            found.push(*diagnostic);
            return None;
        }
    }
    let root = builder.root?;
    duplicate_keys(&root, found);
    Some(root)
}

enum Open {
    List(Vec<Node>, Span, usize),
    Map(Vec<(Node, Node)>, Option<Node>, Span, usize),
}

struct Builder {
    file: FileId,
    stack: Vec<Open>,
    anchors: HashMap<usize, Node>,
    /// Nodes and bytes of text below an anchor.
    sizes: HashMap<usize, (usize, usize)>,
    nodes: usize,
    repeated: usize,
    root: Option<Node>,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Box<Diagnostic>> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let node = Node { value: Value::Scalar { text: text.into_owned(), quoted: style != ScalarStyle::Plain }, span };
                self.close(node, anchor, 1)?;
            }
            Event::SequenceStart(_, anchor, _) => self.open(Open::List(vec![], span, anchor))?,
            Event::MappingStart(_, anchor, _) => self.open(Open::Map(vec![], None, span, anchor))?,
            Event::SequenceEnd | Event::MappingEnd => {
                let (value, start, anchor) = match self.stack.pop() {
                    Some(Open::List(items, start, anchor)) => (Value::List(items), start, anchor),
                    Some(Open::Map(items, _, start, anchor)) => (Value::Map(items), start, anchor),
                    None => return Ok(()),
                };
                let node = Node { value, span: Span { file: self.file, start: start.start, end: span.end.max(start.end) } };
                self.close(node, anchor, 1)?;
            }
            Event::Alias(id) => {
                let (size, bytes) = self.sizes.get(&id).copied().unwrap_or((1, 0));
                self.repeated = self.repeated.saturating_add(bytes);
                self.fits(size, span)?;
                let mut node = match self.anchors.get(&id) {
                    Some(node) => node.clone(),
                    None => return Ok(()),
                };
                node.span = span;
                self.close(node, 0, 0)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, open: Open) -> Result<(), Box<Diagnostic>> {
        let span = match &open {
            Open::List(_, span, _) | Open::Map(_, _, span, _) => *span,
        };
        self.stack.push(open);
        if self.stack.len() > MOST_DEPTH {
            return Err(Box::new(Diagnostic::error(code::ALIAS_DEPTH, span, format!("nested more than {MOST_DEPTH} deep"))));
        }
        Ok(())
    }

    /// Counts nodes that are about to be made.
    fn fits(&mut self, more: usize, span: Span) -> Result<(), Box<Diagnostic>> {
        self.nodes = self.nodes.saturating_add(more);
        let what = match () {
            () if self.nodes > MOST_NODES => "the aliases expand to more than a million nodes",
            () if self.repeated > MOST_REPEATED => "the aliases expand to more than 64 MB of text",
            () => return Ok(()),
        };
        Err(Box::new(Diagnostic::error(code::ALIAS_DEPTH, span, what).help("write the repeated part once, in a file of its own")))
    }

    fn close(&mut self, node: Node, anchor: usize, size: usize) -> Result<(), Box<Diagnostic>> {
        self.fits(size, node.span)?;
        if anchor != 0 {
            let (size, bytes) = count(&node);
            // What is kept for aliases is a copy, and an anchor within an anchor another one.
            self.repeated = self.repeated.saturating_add(bytes);
            self.fits(size, node.span)?;
            self.sizes.insert(anchor, (size, bytes));
            self.anchors.insert(anchor, node.clone());
        }
        match self.stack.last_mut() {
            None => self.root = Some(node),
            Some(Open::List(items, ..)) => items.push(node),
            Some(Open::Map(items, key, ..)) => match key.take() {
                None => *key = Some(node),
                Some(k) => items.push((k, node)),
            },
        }
        Ok(())
    }
}

/// Nodes, and bytes of their texts.
fn count(node: &Node) -> (usize, usize) {
    let inner = |sum: (usize, usize), node: &Node| {
        let (nodes, bytes) = count(node);
        (sum.0 + nodes, sum.1 + bytes)
    };
    match &node.value {
        Value::Scalar { text, .. } => (1, text.len()),
        Value::List(items) => items.iter().fold((1, 0), inner),
        Value::Map(items) => items.iter().flat_map(|(key, value)| [key, value]).fold((1, 0), inner),
    }
}

fn duplicate_keys(node: &Node, found: &mut Diagnostics) {
    match &node.value {
        Value::Scalar { .. } => {}
        Value::List(items) => items.iter().for_each(|n| duplicate_keys(n, found)),
        Value::Map(items) => {
            let mut seen: HashMap<&str, Span, FixedState> = HashMap::with_capacity_and_hasher(items.len(), FixedState::default());
            for (key, value) in items {
                if let Some(text) = key.text()
                    && let Some(first) = seen.insert(text, key.span)
                {
                    found.push(
                        Diagnostic::error(code::DUPLICATE_KEY, key.span, format!("the key `{text}` stands here twice"))
                            .label("the second one")
                            .related(first, "the first one"),
                    );
                }
                duplicate_keys(value, found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<Node>, Vec<&'static str>) {
        let mut found = Diagnostics::default();
        let node = parse(text, FileId(0), &mut found);
        (node, found.items.iter().map(|d| d.code.id).collect())
    }

    #[test]
    fn scalars_keep_their_text_and_their_place() {
        let (node, codes) = read("a: 01\nclé: \"null\"\nc: null\n");
        assert!(codes.is_empty());
        let Some(Node { value: Value::Map(items), .. }) = node else { panic!("a map") };
        assert_eq!(items[0].1.text(), Some("01"));
        assert!(!items[1].1.is_null() && items[2].1.is_null());
        assert_eq!((items[1].1.span.start, items[1].1.span.end), (12, 18));
    }

    #[test]
    fn a_bomb_of_aliases_is_refused() {
        let mut text = String::from("a: &a [x, x, x, x, x, x, x, x, x, x]\n");
        for (next, last) in ["b", "c", "d", "e", "f", "g"].iter().zip(["a", "b", "c", "d", "e", "f"]) {
            text += &format!("{next}: &{next} [*{last}, *{last}, *{last}, *{last}, *{last}, *{last}, *{last}, *{last}, *{last}, *{last}]\n");
        }
        assert_eq!(read(&text).1, ["C112"]);
    }

    /// Few nodes, each of them long; and copies that anchors within anchors keep.
    #[test]
    fn long_texts_and_nested_anchors_are_refused_too() {
        let list = |one: &str, times: usize| vec![one; times].join(", ");
        assert_eq!(read(&format!("a: &a {}\nb: [{}]\n", "x".repeat(50_000), list("*a", 1_400))).0, None);
        assert!(read(&format!("a: &a {}\nb: [{}]\n", "x".repeat(50_000), list("*a", 1_200))).0.is_some());
        let anchors: String = (0..60).map(|n| format!("&n{n} [")).collect();
        assert_eq!(read(&format!("a: &a [{}]\nb: &b [{}]\nc: {anchors}*b{}\n", list("x", 300), list("*a", 300), "]".repeat(60))).1, ["C112"]);
    }

    #[test]
    fn duplicate_keys_and_second_documents_are_found() {
        assert_eq!(read("a: 1\na: 2\n").1, ["C105"]);
        assert_eq!(read("a: 1\n---\nb: 2\n").1, ["C115"]);
        assert_eq!(read("a: [1\n").1, ["C101"]);
    }
}
