//! `explode`: a cell that holds a list becomes a row for each of its items.

use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, BooleanArray, RecordBatch, StringViewArray, UInt32Array};
use datafusion::common::{Result, internal_datafusion_err};

use super::{Fates, Lowered, Mark, Operation, Operator, Output, Side, cleaned, get};
use crate::config::read::text;
use crate::diagnostic::{Diagnostic, code};
use crate::transform::derive::raw_column;
use crate::transform::{Column, Kind};

pub static EXPLODE: Operation = Operation {
    key: "explode",
    meets: false,
    fates: &[
        ["without an item", "sans élément"],
        ["with one item", "avec un élément"],
        ["with several items", "avec plusieurs éléments"],
    ],
    summary: "A cell that holds a list becomes rows: `column` is split at `delimiter`, or read as a JSON array (`json: true`); each item stands in the column's place. A row with an empty cell stays one row.",
    example: "{from: dossier, on_error: quarantine, explode: {column: SITES_META, delimiter: \"|\"}}",
    lower: |l, node| {
        let mut k = l.keys(node)?;
        let column = k.require("column", l.found).and_then(|n| text(n, "column", l.found));
        let delimiter = k.text("delimiter", l.found);
        let json = k.flag("json", l.found).unwrap_or(false);
        k.finish(l.found);
        let column = column?;
        let from = l.from.to_vec();
        l.column_of(&from, &column, &[Kind::Text], "a text")?;
        if delimiter.is_some() == json || delimiter.as_ref().is_some_and(|d| d.value.is_empty()) {
            l.wrong(node.span, "a list is split at a `delimiter`, or is `json: true`", "expected exactly one of the two", None);
            return None;
        }
        let mut marks = vec![];
        if json {
            let Some(policy) = l.on_error else {
                l.found.push(
                    Diagnostic::error(code::NO_POLICY, l.span, format!("a cell of `{}` may be no JSON array, and nothing says what happens then", column.value))
                        .label("this can fail")
                        .help("write `on_error: quarantine` (or `null`, or `fail`) for the shape"),
                );
                return None;
            };
            marks.push(Mark { column: MALFORMED.into(), code: code::PARSE, rule: l.shape.value.clone(), effect: policy.into(), condition: format!("{} is a JSON array", column.value) });
        }
        let columns: Vec<Column> = from.iter().map(|c| if c.name == column.value { Column { origin: None, ..c.clone() } } else { c.clone() }).collect();
        let rest = columns.iter().filter(|c| c.name != column.value).map(|c| c.name.clone()).collect();
        Some(Lowered {
            operator: Arc::new(Explode { rest, column: column.value.clone(), delimiter: delimiter.map(|d| d.value) }),
            sides: vec![Side { of: None, key: vec![], carried: super::names(&from), cleaned: vec![column.value] }],
            columns,
            marks,
        })
    },
};

const MALFORMED: &str = "m:malformed";

#[derive(Debug)]
struct Explode {
    rest: Vec<String>,
    column: String,
    /// `None`: JSON.
    delimiter: Option<String>,
}

impl Explode {
    /// The items of a cell; `None` where it is no list.
    fn items(&self, cell: &str) -> Option<Vec<Option<String>>> {
        match &self.delimiter {
            Some(delimiter) => Some(cell.split(delimiter.as_str()).map(str::trim).filter(|item| !item.is_empty()).map(|item| Some(item.to_owned())).collect()),
            None => match serde_json::from_str::<serde_json::Value>(cell).ok()? {
                serde_json::Value::Array(items) => {
                    let written = as_written(cell);
                    Some(items.into_iter().enumerate().map(|(at, value)| item(value, written.get(at).copied())).collect())
                }
                _ => None,
            },
        }
    }
}

/// The items of a sound JSON array, as they are written.
fn as_written(array: &str) -> Vec<&str> {
    let inner = array.trim();
    let inner = inner.strip_prefix('[').unwrap_or(inner);
    let inner = inner.strip_suffix(']').unwrap_or(inner);
    let (mut items, mut from, mut depth, mut quoted, mut escaped) = (vec![], 0, 0usize, false, false);
    for (at, c) in inner.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                items.push(inner.get(from..at).unwrap_or_default().trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    items.push(inner.get(from..).unwrap_or_default().trim());
    items
}

/// A text is what it says; a number, an identifier perhaps, stays as it is written.
fn item(value: serde_json::Value, written: Option<&str>) -> Option<String> {
    match value {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text),
        other => Some(written.map_or_else(|| other.to_string(), str::to_owned)),
    }
}

impl Operator for Explode {
    fn run(&self, sides: &[RecordBatch], fates: &mut Fates) -> Result<RecordBatch> {
        let [rows] = sides else { return datafusion::common::internal_err!("one side") };
        let cells = get(rows, &cleaned(&self.column))?.as_string_view_opt().ok_or_else(|| internal_datafusion_err!("a list is a text"))?;
        let (mut from, mut items, mut malformed) = (vec![], vec![], vec![]);
        let (mut none, mut one, mut several) = (0, 0, 0);
        for row in 0..rows.num_rows() {
            let list = cells.is_valid(row).then(|| self.items(cells.value(row)));
            let is_wrong = matches!(list, Some(None));
            let mut list = list.flatten().unwrap_or_default();
            match list.len() {
                0 => none += 1,
                1 => one += 1,
                _ => several += 1,
            }
            if list.is_empty() {
                list.push(None);
            }
            from.resize(from.len() + list.len(), row as u32);
            malformed.resize(malformed.len() + list.len(), is_wrong);
            items.append(&mut list);
        }
        for (fate, rows) in [("without an item", none), ("with one item", one), ("with several items", several)] {
            fates.add(0, fate, rows);
        }
        let mut out = Output::default();
        out.carry_rows(rows, &self.rest, Some(&UInt32Array::from(from)))?;
        out.push(raw_column(&self.column), Arc::new(items.iter().map(Option::as_deref).collect::<StringViewArray>()));
        if self.delimiter.is_none() {
            out.push(MALFORMED, Arc::new(BooleanArray::from(malformed)));
        }
        out.finish()
    }
}
