//! The tests of a mapping as written: rows in, rows or Reasons out.

use super::read::{Keys, Name, Spanned, entries, text, texts, wrong_kind};
use super::yaml::{Node, Value};
use crate::diagnostic::{Diagnostics, Span};

/// A document of tests.
#[derive(Debug, Clone)]
pub struct Tests {
    /// The mapping's name.
    pub mapping: Name,
    pub cases: Vec<Case>,
}

/// One case.
#[derive(Debug, Clone)]
pub struct Case {
    pub name: Name,
    /// Rows by source; without a name where the mapping has one source.
    pub rows: Vec<Rows>,
    /// Accepted rows by table; without a name where the mapping fills one table. `None`: none.
    pub accepted: Option<Vec<Rows>>,
    pub quarantined: Vec<Refused>,
    /// Place of `quarantined`, where it is written.
    pub quarantined_span: Option<Span>,
    /// Reasons that flag rows; `None`: not looked at.
    pub warnings: Option<Vec<Reason>>,
    /// The Reason that ends the run (`on_error: fail`).
    pub fails: Option<Reason>,
}

/// Rows of a source or table.
#[derive(Debug, Clone)]
pub struct Rows {
    pub of: Option<Name>,
    pub rows: Vec<Row>,
    pub span: Span,
}

/// The cells of a row that matter; `None` is a missing value.
#[derive(Debug, Clone)]
pub struct Row {
    pub cells: Vec<(Name, Spanned<Option<String>>)>,
    pub span: Span,
}

/// A row that goes to quarantine.
#[derive(Debug, Clone)]
pub struct Refused {
    pub source: Option<Name>,
    /// Which of the source's rows, counted from 1.
    pub row: Option<Spanned<u64>>,
    pub reasons: Vec<Reason>,
    pub span: Span,
}

/// A Reason by some of its parts: code, field, rule.
#[derive(Debug, Clone)]
pub struct Reason {
    pub words: Vec<String>,
    pub span: Span,
}

/// Reads a document of tests.
pub fn read(node: &Node, found: &mut Diagnostics) -> Option<Tests> {
    let mut keys = Keys::new(node, "the tests", found)?;
    let mapping = keys.require("tests", found).and_then(|n| text(n, "tests", found));
    keys.words("description", found);
    let defaults = keys.take("defaults").map_or(vec![], |n| defaults(n, found));
    let mut cases: Vec<Case> = match keys.require("cases", found) {
        Some(Node { value: Value::List(items), .. }) => items.iter().filter_map(|n| case(n, found)).collect(),
        Some(other) => {
            wrong_kind(other, "cases", "a list of cases", found);
            vec![]
        }
        None => vec![],
    };
    keys.finish(found);
    for rows in cases.iter_mut().flat_map(|c| &mut c.rows) {
        let of = rows.of.as_ref().map(|n| &n.value);
        let mine = defaults.iter().filter(|d| d.of.is_none() || of.is_none() || d.of.as_ref().map(|n| &n.value) == of);
        for cell in mine.flat_map(|d| &d.rows).flat_map(|r| &r.cells) {
            rows.rows.iter_mut().filter(|r| !r.cells.iter().any(|(name, _)| name.value == cell.0.value)).for_each(|r| r.cells.push(cell.clone()));
        }
    }
    Some(Tests { mapping: mapping?, cases })
}

/// The cells that a row has where it says nothing else: one map, or one a source.
fn defaults(node: &Node, found: &mut Diagnostics) -> Vec<Rows> {
    let one = |of: Option<Name>, n: &Node, found: &mut Diagnostics| row(n, "defaults", found).map(|r| Rows { of, rows: vec![r], span: n.span });
    match &node.value {
        Value::Map(items) if !items.is_empty() && items.iter().all(|(_, v)| matches!(v.value, Value::Map(_))) => {
            entries(node, "defaults", found).into_iter().filter_map(|(name, n)| one(Some(name), n, found)).collect()
        }
        _ => one(None, node, found).into_iter().collect(),
    }
}

fn case(node: &Node, found: &mut Diagnostics) -> Option<Case> {
    let mut keys = Keys::new(node, "the case", found)?;
    let name = keys.require("case", found).and_then(|n| text(n, "case", found));
    let input = keys.require("rows", found).map_or(vec![], |n| rows_by_name(n, "rows", found));
    let accepted = keys.take("accepted").map(|n| rows_by_name(n, "accepted", found));
    let refused = keys.take("quarantined");
    let quarantined = refused.map_or(vec![], |n| match &n.value {
        _ if n.is_null() => vec![],
        Value::List(items) => items.iter().filter_map(|n| refused_row(n, found)).collect(),
        _ => refused_row(n, found).into_iter().collect(),
    });
    let warnings = keys.take("warnings").map(|n| if n.is_null() { vec![] } else { reasons(n, "warnings", found) });
    let fails = keys.take("fails").and_then(|n| reason(n, "fails", found));
    keys.finish(found);
    Some(Case { name: name?, rows: input, accepted, quarantined, quarantined_span: refused.map(|n| n.span), warnings, fails })
}

/// Rows, or a map from a name to rows.
fn rows_by_name(node: &Node, what: &str, found: &mut Diagnostics) -> Vec<Rows> {
    match &node.value {
        Value::Map(items) if !is_table(items) => {
            let named = entries(node, what, found);
            named.into_iter().map(|(name, n)| Rows { of: Some(name), rows: rows(n, what, found), span: n.span }).collect()
        }
        _ => vec![Rows { of: None, rows: rows(node, what, found), span: node.span }],
    }
}

/// `{columns: [a, b], rows: [[1, 2]]}`.
fn is_table(items: &[(Node, Node)]) -> bool {
    let has = |key: &str| items.iter().any(|(k, _)| k.text() == Some(key));
    has("columns") && has("rows")
}

fn rows(node: &Node, what: &str, found: &mut Diagnostics) -> Vec<Row> {
    match &node.value {
        _ if node.is_null() => vec![],
        Value::List(items) => items.iter().filter_map(|n| row(n, what, found)).collect(),
        Value::Map(items) if is_table(items) => table(node, what, found),
        _ => {
            wrong_kind(node, what, "a list of rows, or `{columns: […], rows: [[…], …]}`", found);
            vec![]
        }
    }
}

fn row(node: &Node, what: &str, found: &mut Diagnostics) -> Option<Row> {
    if !matches!(node.value, Value::Map(_)) {
        wrong_kind(node, &format!("a row of `{what}`"), "a map from name to value", found);
        return None;
    }
    let cells = entries(node, what, found).into_iter().filter_map(|(name, n)| Some((name, cell(n, found)?))).collect();
    Some(Row { cells, span: node.span })
}

fn table(node: &Node, what: &str, found: &mut Diagnostics) -> Vec<Row> {
    let Some(mut keys) = Keys::new(node, format!("the table of `{what}`"), found) else { return vec![] };
    let columns = keys.take("columns").map_or(vec![], |n| texts(n, "columns", found));
    let lines = keys.take("rows");
    keys.finish(found);
    let Some(Node { value: Value::List(lines), .. }) = lines else {
        lines.into_iter().for_each(|n| wrong_kind(n, "rows", "a list of lists", found));
        return vec![];
    };
    let mut out = vec![];
    for line in lines {
        match &line.value {
            Value::List(cells) if cells.len() == columns.len() => {
                let cells = columns.iter().zip(cells).filter_map(|(name, n)| Some((Spanned::new(name.value.clone(), n.span), cell(n, found)?))).collect();
                out.push(Row { cells, span: line.span });
            }
            Value::List(cells) => wrong_kind(line, &format!("a row of {} cells under {} columns", cells.len(), columns.len()), &format!("a list of {} cells", columns.len()), found),
            _ => wrong_kind(line, "a row", "a list of cells", found),
        }
    }
    out
}

fn cell(node: &Node, found: &mut Diagnostics) -> Option<Spanned<Option<String>>> {
    if node.is_null() {
        return Some(Spanned::new(None, node.span));
    }
    match node.text() {
        Some(text) => Some(Spanned::new(Some(text.to_owned()), node.span)),
        None => {
            wrong_kind(node, "a cell", "one value", found);
            None
        }
    }
}

fn refused_row(node: &Node, found: &mut Diagnostics) -> Option<Refused> {
    if !matches!(node.value, Value::Map(_)) {
        return Some(Refused { source: None, row: None, reasons: reasons(node, "quarantined", found), span: node.span });
    }
    let mut keys = Keys::new(node, "the quarantined row", found)?;
    let source = keys.text("source", found);
    let row = keys.take("row").and_then(|n| match n.text().and_then(|t| t.parse().ok()).filter(|row| *row > 0) {
        Some(row) => Some(Spanned::new(row, n.span)),
        None => {
            wrong_kind(n, "row", "the number of one of the case's rows, from 1", found);
            None
        }
    });
    let reasons = keys.require("reasons", found).map_or(vec![], |n| reasons(n, "reasons", found));
    keys.finish(found);
    Some(Refused { source, row, reasons, span: node.span })
}

fn reasons(node: &Node, what: &str, found: &mut Diagnostics) -> Vec<Reason> {
    match &node.value {
        Value::List(items) => items.iter().filter_map(|n| reason(n, what, found)).collect(),
        _ => reason(node, what, found).into_iter().collect(),
    }
}

fn reason(node: &Node, what: &str, found: &mut Diagnostics) -> Option<Reason> {
    let words: Vec<String> = text(node, what, found)?.value.split_whitespace().map(str::to_owned).collect();
    if words.is_empty() {
        wrong_kind(node, what, "a Reason, such as `D620 age parse`", found);
        return None;
    }
    Some(Reason { words, span: node.span })
}
