//! `unpivot`: columns of one row become rows of a name and a value.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, RecordBatch, StringViewArray, UInt32Array};
use datafusion::arrow::compute::interleave;
use datafusion::common::Result;

use super::{Fates, Lowered, Operation, Operator, Output, Side, cleaned, get};
use crate::config::read::{entries, text, texts};
use crate::config::yaml::Value;
use crate::transform::derive::raw_column;
use crate::transform::{Column, Kind};

pub static UNPIVOT: Operation = Operation {
    key: "unpivot",
    meets: false,
    fates: &[
        ["with a value", "avec une valeur"],
        ["without any value", "sans aucune valeur"],
    ],
    summary: "Columns become rows: each of `columns` (a list, or column to the name it goes by) gives one row with its name and its value. A missing value gives none (`missing: keep`: one all the same).",
    example: "{from: sheet, unpivot: {columns: {CA153_J0: CA15-3, ACE_J0: ACE}, names: EXAMEN, values: VALEUR}}",
    lower: |l, node| {
        let mut k = l.keys(node)?;
        let listed = k.require("columns", l.found).map(|n| match &n.value {
            Value::Map(_) => entries(n, "columns", l.found).into_iter().filter_map(|(column, n)| Some((column, text(n, "columns", l.found)?.value))).collect(),
            _ => texts(n, "columns", l.found).into_iter().map(|name| (name.clone(), name.value)).collect::<Vec<_>>(),
        })?;
        let name = k.require("names", l.found).and_then(|n| text(n, "names", l.found));
        let values = k.require("values", l.found).and_then(|n| text(n, "values", l.found));
        let keep = k.choice("missing", &[("drop", false), ("keep", true)], l.found).is_some_and(|c| c.value);
        k.finish(l.found);
        let (name, values) = (name?, values?);
        let from = l.from.to_vec();
        let mut made: Option<Column> = None;
        if let Some((twice, _)) = listed.iter().enumerate().find(|(at, (c, _))| listed.iter().take(*at).any(|(other, _)| other.value == c.value)).map(|(_, l)| l) {
            l.wrong(twice.span, format!("`{}` is listed twice", twice.value), "each of its values would come twice", None);
            return None;
        }
        for (column, _) in &listed {
            let column_here = l.column(&from, column)?;
            match &made {
                Some(first) if first.kind != column_here.kind => {
                    l.wrong(column.span, format!("`{}` is {}, and `{}` is {}", first.name, first.kind.words(), column.value, column_here.kind.words()), "values of one column are of one kind", None);
                    return None;
                }
                Some(first) if !first.reads_like(&column_here) => {
                    l.wrong(column.span, format!("`{}` and `{}` are read in different ways", first.name, column.value), "of sources with other marks, dates, words or missing codes", Some("give each its type in a shape first".into()));
                    return None;
                }
                Some(_) => {}
                None => made = Some(column_here),
            }
        }
        let Some(first) = made else {
            l.wrong(node.span, "no column is unpivoted", "`columns` is empty", None);
            return None;
        };
        let rest: Vec<Column> = from.iter().filter(|c| !listed.iter().any(|(name, _)| name.value == c.name)).cloned().collect();
        let mut columns = rest.clone();
        columns.push(Column::made(&name.value, Kind::Text));
        columns.push(Column { origin: None, ..first.called(&values.value) });
        l.each_once(&columns, &[(name.value.clone(), name.span), (values.value.clone(), values.span)])?;
        let source: Vec<String> = listed.iter().map(|(c, _)| c.value.clone()).collect();
        Some(Lowered {
            operator: Arc::new(Unpivot { rest: super::names(&rest), listed: listed.into_iter().map(|(c, label)| (c.value, label)).collect(), name: name.value, values: values.value, keep }),
            sides: vec![Side { of: None, key: vec![], carried: super::names(&from), cleaned: source }],
            columns,
            marks: vec![],
        })
    },
};

#[derive(Debug)]
struct Unpivot {
    rest: Vec<String>,
    /// Column, and the name it goes by.
    listed: Vec<(String, String)>,
    name: String,
    values: String,
    keep: bool,
}

impl Operator for Unpivot {
    fn run(&self, sides: &[RecordBatch], fates: &mut Fates) -> Result<RecordBatch> {
        let [rows] = sides else { return datafusion::common::internal_err!("one side") };
        let present = self.listed.iter().map(|(c, _)| get(rows, &cleaned(c))).collect::<Result<Vec<_>>>()?;
        let values = self.listed.iter().map(|(c, _)| get(rows, &raw_column(c))).collect::<Result<Vec<&ArrayRef>>>()?;
        let (mut from, mut cells) = (vec![], vec![]);
        let mut empty = 0;
        for row in 0..rows.num_rows() {
            cells.extend(present.iter().enumerate().filter(|(_, p)| self.keep || p.is_valid(row)).map(|(at, _)| (at, row)));
            from.resize(cells.len(), row as u32);
            empty += usize::from(present.iter().all(|p| p.is_null(row)));
        }
        fates.add(0, "with a value", rows.num_rows() - empty);
        fates.add(0, "without any value", empty);
        let mut out = Output::default();
        out.carry_rows(rows, &self.rest, Some(&UInt32Array::from(from)))?;
        let names: StringViewArray = cells.iter().map(|(at, _)| self.listed.get(*at).map(|(_, label)| label.as_str())).collect();
        out.push(raw_column(&self.name), Arc::new(names));
        let arrays: Vec<&dyn Array> = values.iter().map(|v| v.as_ref()).collect();
        out.push(raw_column(&self.values), interleave(&arrays, &cells)?);
        out.finish()
    }
}
