//! What one site's export means, as written: sources with their conventions, and per table the
//! derivations. A derivation is kept as its node; the transforms read their own arguments.

use super::endpoint::Endpoint;
use super::shape::Shape;
use super::read::{Keys, Name, Spanned, entries, text, texts, wrong_kind};
use super::yaml::{Node, Value};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, code};

/// A mapping document.
#[derive(Debug, Clone)]
pub struct Mapping {
    pub name: Name,
    pub schema: Name,
    pub site: Name,
    /// The language in which the site is written to.
    pub language: Option<Name>,
    pub sources: Vec<Source>,
    /// Steps between the sources and the tables.
    pub shapes: Vec<Shape>,
    pub tables: Vec<TableMapping>,
}

/// One export as delivered.
#[derive(Debug, Clone)]
pub struct Source {
    pub name: Name,
    /// Paths or globs, relative to the mapping.
    pub paths: Vec<Name>,
    pub format: Option<Name>,
    /// What the format alone knows.
    pub options: Vec<(Name, Node)>,
    pub dialect: Dialect,
    pub locale: Locale,
}

/// How the bytes are cut into cells, as far as the mapping says; the rest is detected.
#[derive(Debug, Clone, Default)]
pub struct Dialect {
    pub encoding: Option<Name>,
    pub delimiter: Option<Spanned<u8>>,
    /// Outer `None`: not said. Inner `None`: no quoting.
    pub quote: Option<Option<u8>>,
    pub escape: Option<u8>,
    pub comment: Option<u8>,
    pub header: Option<bool>,
    pub columns: Option<Vec<Name>>,
    pub skip_lines: usize,
    pub line_end: Option<LineEnd>,
}

/// The character that ends a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnd {
    Lf,
    Cr,
}

/// Whether a source gives numbers that are none in text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrueNumbers {
    None,
    /// Written with the mark in `decimal`, as the texts beside them.
    AmongTexts,
    /// Written with a point, whatever texts there are.
    Apart,
}

/// How a cell's text is to be read.
#[derive(Debug, Clone)]
pub struct Locale {
    pub trim: bool,
    /// Whether cells can have a type of their own, so that a date may come in ISO 8601 beside the formats that are said.
    pub typed: bool,
    pub numbers: TrueNumbers,
    pub decimal: char,
    pub group: Option<char>,
    pub dates: Vec<Name>,
    /// What the formats leave open: the first year that `%y` can mean, the day that a partial date counts as, where the
    /// clocks are.
    pub pivot: Option<Name>,
    pub partial: Option<Name>,
    pub zone: Option<Name>,
    pub true_words: Vec<String>,
    pub false_words: Vec<String>,
    pub null: Vec<String>,
}

impl Locale {
    /// Whether a text means the same under both.
    pub fn reads_like(&self, other: &Locale) -> bool {
        let value = |name: &Option<Name>| name.as_ref().map(|n| n.value.clone());
        let dates = |locale: &Locale| locale.dates.iter().map(|d| d.value.clone()).collect::<Vec<_>>();
        (self.trim, self.typed, self.decimal, self.group, &self.true_words, &self.false_words, &self.null) == (other.trim, other.typed, other.decimal, other.group, &other.true_words, &other.false_words, &other.null)
            && (dates(self), value(&self.pivot), value(&self.partial), value(&self.zone)) == (dates(other), value(&other.pivot), value(&other.partial), value(&other.zone))
    }
}

impl Default for Locale {
    fn default() -> Self {
        let words = |list: &[&str]| list.iter().map(|w| (*w).to_owned()).collect();
        Locale {
            trim: true,
            typed: false,
            numbers: TrueNumbers::None,
            decimal: '.',
            group: None,
            dates: vec![],
            pivot: None,
            partial: None,
            zone: None,
            true_words: words(&["true", "t", "yes", "y", "oui", "o", "vrai", "1"]),
            false_words: words(&["false", "f", "no", "n", "non", "faux", "0"]),
            null: words(&[""]),
        }
    }
}

/// How a table is filled from a source or shape.
#[derive(Debug, Clone)]
pub struct TableMapping {
    pub table: Name,
    pub from: Name,
    pub on_error: Option<Spanned<OnError>>,
    /// Which rows belong to the table: a name of the author's choice, and the condition in SQL.
    pub filters: Vec<(Name, Node)>,
    pub fields: Vec<(Name, Node)>,
    /// Time-to-event derivations that fields refer to.
    pub endpoints: Vec<Endpoint>,
    pub span: Span,
}

/// What a value that cannot be read does to its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    Quarantine,
    Null,
    Fail,
}

impl OnError {
    /// The words of `on_error`.
    pub const WORDS: [(&'static str, OnError); 3] =
        [("quarantine", OnError::Quarantine), ("null", OnError::Null), ("fail", OnError::Fail)];
}

/// Reads a mapping document.
pub fn read(node: &Node, found: &mut Diagnostics) -> Option<Mapping> {
    let mut keys = Keys::new(node, "the mapping", found)?;
    let name = keys.name("mapping", found);
    let schema = keys.require("schema", found).and_then(|n| text(n, "schema", found));
    let site = keys.name("site", found);
    keys.words("description", found);
    // What `super::reuse` has unfolded.
    keys.take("extends");
    keys.take("parameters");
    keys.take("derivations");
    keys.take("concept_maps");
    let sources = match keys.require("sources", found) {
        Some(n) => entries(n, "sources", found).into_iter().filter_map(|(name, n)| source(name, n, found)).collect(),
        None => vec![],
    };
    let shapes = keys.take("shapes").map_or(vec![], |n| super::shape::read(n, found));
    let language = keys.text("language", found);
    let tables = match keys.require("tables", found) {
        Some(n) => entries(n, "tables", found).into_iter().filter_map(|(name, n)| table(name, n, found)).collect(),
        None => vec![],
    };
    keys.finish(found);
    Some(Mapping { name: name?, schema: schema?, site: site?, language, sources, shapes, tables })
}

/// Names of the format that is delimited text; a source without a format is that too.
pub const DELIMITED: [&str; 3] = ["csv", "tsv", "delimited"];

/// Names of the format that is a workbook: beside texts of people it holds true numbers, which are written with the source's mark.
pub const WORKBOOK: [&str; 5] = ["excel", "xlsx", "xls", "xlsb", "ods"];

/// What a mapping says of one source.
pub fn source(name: Name, node: &Node, found: &mut Diagnostics) -> Option<Source> {
    super::check_name(&name, "source", found);
    let mut keys = Keys::new(node, format!("the source `{}`", name.value), found)?;
    let paths = keys.require("path", found).map_or(vec![], |n| texts(n, "path", found));
    let format = keys.text("format", found);
    let dialect = dialect(&mut keys, found);
    let mut locale = locale(&mut keys, found);
    let is_text = format.as_ref().is_none_or(|f| DELIMITED.contains(&f.value.as_str()));
    locale.typed = !is_text;
    if format.as_ref().is_some_and(|f| WORKBOOK.contains(&f.value.as_str())) {
        locale.numbers = TrueNumbers::AmongTexts;
    }
    let options = if is_text {
        keys.finish(found);
        vec![]
    } else {
        keys.rest().into_iter().map(|(key, n)| (key, n.clone())).collect()
    };
    Some(Source { name, paths, format, options, dialect, locale })
}

fn dialect(keys: &mut Keys<'_>, found: &mut Diagnostics) -> Dialect {
    Dialect {
        encoding: keys.text("encoding", found),
        delimiter: keys.take("delimiter").and_then(|n| mark(n, "delimiter", found).map(|m| Spanned::new(m, n.span))),
        quote: keys.take("quote").and_then(|n| if n.is_null() { Some(None) } else { mark(n, "quote", found).map(Some) }),
        escape: keys.take("escape").filter(|n| !n.is_null()).and_then(|n| mark(n, "escape", found)),
        comment: keys.take("comment").filter(|n| !n.is_null()).and_then(|n| mark(n, "comment", found)),
        header: keys.flag("header", found),
        columns: keys.texts("columns", found),
        skip_lines: keys.take("skip_lines").map_or(0, |n| match n.text().and_then(|t| t.parse().ok()) {
            Some(lines) => lines,
            None => {
                wrong_kind(n, "skip_lines", "a number of lines", found);
                0
            }
        }),
        line_end: keys
            .choice("line_end", &[("auto", None), ("lf", Some(LineEnd::Lf)), ("cr", Some(LineEnd::Cr))], found)
            .and_then(|c| c.value),
    }
}

fn locale(keys: &mut Keys<'_>, found: &mut Diagnostics) -> Locale {
    let default = Locale::default();
    let plain = |names: Vec<Name>| names.into_iter().map(|n| n.value).collect();
    let trim = keys.flag("trim", found).unwrap_or(default.trim);
    let decimal = keys.take("decimal").and_then(|n| character(n, "decimal", found));
    let group = keys.take("group").filter(|n| !n.is_null()).and_then(|n| character(n, "group", found));
    let other = decimal.map_or(default.decimal, |d| d.0);
    if let Some((mark, span)) = group
        && (mark == other || mark.is_ascii_digit() || other.is_ascii_digit())
    {
        found.push(
            Diagnostic::error(code::NUMBER_MARKS, span, format!("`{mark}` cannot be the group mark"))
                .label(format!("the decimal mark is `{other}`"))
                .help("the two marks differ, and neither is a digit"),
        );
    }
    let dates = keys.texts("dates", found).unwrap_or_default();
    let [pivot, partial, zone] = ["pivot", "partial", "zone"].map(|key| keys.text(key, found));
    let said = ["true", "false"].into_iter().filter_map(|k| keys.peek(k)).map(|n| n.span).next();
    let true_words = keys.texts("true", found).map_or(default.true_words, plain);
    let false_words = keys.texts("false", found).map_or(default.false_words, plain);
    let overlap = true_words.iter().find(|w| false_words.iter().any(|f| f.to_lowercase() == w.to_lowercase()));
    if let (Some(word), Some(span)) = (overlap, said) {
        found.push(
            Diagnostic::error(code::WORD_OVERLAP, span, format!("`{word}` means both true and false"))
                .label("the same word on both sides")
                .help("give both lists, `true` and `false`; what one leaves out keeps its default words"),
        );
    }
    let null = keys.take("null").map_or(default.null, |n| null_tokens(n, found));
    Locale { trim, typed: false, numbers: TrueNumbers::None, decimal: decimal.map_or('.', |d| d.0), group: group.map(|g| g.0), dates, pivot, partial, zone, true_words, false_words, null }
}

/// The texts that count as missing; an unquoted empty item is the empty text.
pub fn null_tokens(node: &Node, found: &mut Diagnostics) -> Vec<String> {
    match &node.value {
        Value::List(items) => items
            .iter()
            .filter_map(|n| match n.text() {
                Some(t) => Some(t.to_owned()),
                None => {
                    wrong_kind(n, "null", "a text", found);
                    None
                }
            })
            .collect(),
        Value::Scalar { text, .. } => vec![text.clone()],
        Value::Map(_) => {
            wrong_kind(node, "null", "a list of texts", found);
            vec![]
        }
    }
}

fn mark(node: &Node, what: &str, found: &mut Diagnostics) -> Option<u8> {
    let raw = node.text().unwrap_or_default();
    let byte = match raw {
        "tab" | "\\t" | "\t" => Some(b'\t'),
        _ => match raw.as_bytes() {
            [byte] if byte.is_ascii() && !matches!(byte, b'\n' | b'\r' | 0) => Some(*byte),
            _ => None,
        },
    };
    if byte.is_none() {
        found.push(
            Diagnostic::error(code::BAD_MARK, node.span, format!("`{what}` is one character"))
                .label("expected a single ASCII character, or `tab`"),
        );
    }
    byte
}

/// A single character, with its place.
pub fn character(node: &Node, what: &str, found: &mut Diagnostics) -> Option<(char, Span)> {
    let mut chars = node.text().unwrap_or_default().chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) => Some((c, node.span)),
        _ => {
            found.push(
                Diagnostic::error(code::NUMBER_MARKS, node.span, format!("`{what}` is one character")).label("expected a single character"),
            );
            None
        }
    }
}

fn table(table: Name, node: &Node, found: &mut Diagnostics) -> Option<TableMapping> {
    let mut keys = Keys::new(node, format!("the table `{}`", table.value), found)?;
    keys.take("include");
    let from = keys.require("from", found).and_then(|n| text(n, "from", found));
    let said = keys.peek("on_error").map(|n| n.span);
    let on_error = keys.choice("on_error", &OnError::WORDS, found);
    // A misspelt word is one finding, not one more for every field that can fail.
    let on_error = on_error.or(said.map(|span| Spanned::new(OnError::Quarantine, span)));
    let named = |n, what, found: &mut Diagnostics| entries(n, what, found).into_iter().map(|(name, n)| (name, n.clone())).collect::<Vec<_>>();
    let filters = keys.take("filter").map_or(vec![], |n| named(n, "filter", found));
    for (name, _) in &filters {
        super::check_name(name, "filter", found);
    }
    let fields = keys.require("fields", found).map_or(vec![], |n| named(n, "fields", found));
    let endpoints = keys.take("endpoints").map_or(vec![], |n| super::endpoint::read(n, found));
    let span = table.span;
    keys.finish(found);
    Some(TableMapping { table, from: from?, on_error, filters, fields, endpoints, span })
}
