//! `group`: one row for each key, with counts, sums and extremes of its rows.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, UInt32Array};
use datafusion::arrow::compute::{cast, take};
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::arrow::row::{RowConverter, SortField};
use datafusion::common::{Result, internal_datafusion_err};

use super::{Chains, Fates, Lowered, Operation, Operator, Output, Side, cleaned, get, key_at, keys};
use crate::config::read::{entries, text, texts};
use crate::config::yaml::Value;
use crate::transform::derive::raw_column;
use crate::transform::{Column, Kind};

pub static GROUP: Operation = Operation {
    key: "group",
    meets: true,
    fates: &[
        ["first of its key", "première de sa clé"],
        ["added to it", "ajoutées à elle"],
        ["without a key", "sans clé"],
    ],
    summary: "One row for each key (`by`): `count` of its rows, or `count`, `sum`, `mean`, `min`, `max`, `first`, `last` of a column. Missing values do not count; rows without a key are left out, and counted.",
    example: "{from: cycles, group: {by: NIP, into: {cycles: count, dose: {sum: dose}, begun: {min: day}}}}",
    lower: |l, node| {
        let mut k = l.keys(node)?;
        let by = k.require("by", l.found).map(|n| texts(n, "by", l.found))?;
        let into = k.require("into", l.found).map_or(vec![], |n| entries(n, "into", l.found));
        k.finish(l.found);
        l.some(&by, node.span)?;
        let from = l.from.to_vec();
        let mut columns = vec![];
        for name in &by {
            columns.push(l.column(&from, name)?);
        }
        let (mut aggregates, mut cleaned_columns, mut spans) = (vec![], vec![], vec![]);
        for (name, node) in into {
            crate::config::check_name(&name, "column", l.found);
            spans.push((name.value.clone(), name.span));
            let (word, of) = match &node.value {
                Value::Map(items) => match items.as_slice() {
                    [(word, column)] => (word, Some(text(column, "the column of an aggregate", l.found)?)),
                    _ => {
                        l.wrong(node.span, format!("`{}` is not one aggregate", name.value), "expected `count`, or such as `{sum: COLUMN}`", None);
                        return None;
                    }
                },
                _ => (node, None),
            };
            let Some((_, aggregate)) = AGGREGATES.iter().find(|(key, _)| word.text() == Some(*key)) else {
                let known: Vec<String> = AGGREGATES.iter().map(|(key, _)| format!("`{key}`")).collect();
                l.wrong(word.span, format!("there is no aggregate `{}`", word.text().unwrap_or_default()), format!("expected one of {}", known.join(", ")), None);
                return None;
            };
            let column = match (&of, aggregate) {
                (None, Aggregate::Count) => Column::made(&name.value, Kind::Integer),
                (None, _) => {
                    l.wrong(word.span, "this aggregate is of a column", "of which?", Some(format!("`{{{}: COLUMN}}`", word.text().unwrap_or_default())));
                    return None;
                }
                (Some(of), Aggregate::Sum | Aggregate::Mean) => {
                    l.column_of(&from, of, &[Kind::Integer, Kind::Number], "a number")?;
                    Column::made(&name.value, Kind::Number)
                }
                (Some(of), Aggregate::Min | Aggregate::Max) => Column { origin: None, ..l.ordered(&from, of)?.called(&name.value) },
                (Some(of), Aggregate::Count) => {
                    l.column(&from, of)?;
                    Column::made(&name.value, Kind::Integer)
                }
                // A text stays one of its source.
                (Some(of), _) => Column { origin: None, ..l.column(&from, of)?.called(&name.value) },
            };
            if let Some(of) = &of
                && !cleaned_columns.contains(&of.value)
            {
                cleaned_columns.push(of.value.clone());
            }
            columns.push(column);
            aggregates.push((name.value, *aggregate, of.map(|o| o.value)));
        }
        l.each_once(&columns, &spans)?;
        let by: Vec<String> = by.iter().map(|n| n.value.clone()).collect();
        Some(Lowered {
            operator: Arc::new(Group { by: by.clone(), aggregates }),
            sides: vec![Side { of: None, key: by.clone(), carried: by, cleaned: cleaned_columns }],
            columns,
            marks: vec![],
        })
    },
};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Aggregate {
    Count,
    Sum,
    Mean,
    Min,
    Max,
    First,
    Last,
}

const AGGREGATES: [(&str, Aggregate); 7] = [
    ("count", Aggregate::Count),
    ("sum", Aggregate::Sum),
    ("mean", Aggregate::Mean),
    ("min", Aggregate::Min),
    ("max", Aggregate::Max),
    ("first", Aggregate::First),
    ("last", Aggregate::Last),
];

#[derive(Debug)]
struct Group {
    by: Vec<String>,
    /// Name, what, and of which column.
    aggregates: Vec<(String, Aggregate, Option<String>)>,
}

impl Operator for Group {
    fn run(&self, sides: &[RecordBatch], fates: &mut Fates) -> Result<RecordBatch> {
        let [rows] = sides else { return datafusion::common::internal_err!("one side") };
        let keys = keys(rows)?;
        let chains = Chains::new(keys);
        let firsts: Vec<usize> = (0..rows.num_rows()).filter(|row| chains.rows(key_at(keys, *row)).next() == Some(*row)).collect();
        fates.add(0, "first of its key", firsts.len());
        fates.add(0, "added to it", keys.len() - keys.null_count() - firsts.len());
        fates.add(0, "without a key", keys.null_count());
        let mut out = Output::default();
        let at: UInt32Array = firsts.iter().map(|row| *row as u32).collect::<Vec<_>>().into();
        out.carry_rows(rows, &self.by, Some(&at))?;
        let groups = || firsts.iter().map(|first| chains.rows(key_at(keys, *first)));
        for (name, aggregate, of) in &self.aggregates {
            let column = match of {
                None => Arc::new(groups().map(|rows| rows.count() as i64).collect::<Vec<_>>().into_iter().collect::<Int64Array>()) as ArrayRef,
                Some(of) => {
                    let values = get(rows, &cleaned(of))?;
                    let present = |row: &usize| values.is_valid(*row);
                    match aggregate {
                        Aggregate::Count => Arc::new(groups().map(|rows| rows.filter(present).count() as i64).collect::<Vec<_>>().into_iter().collect::<Int64Array>()) as ArrayRef,
                        Aggregate::Sum | Aggregate::Mean => {
                            let numbers = cast(values, &DataType::Float64)?;
                            let numbers = numbers.as_primitive_opt::<Float64Type>().ok_or_else(|| internal_datafusion_err!("numbers are numbers"))?;
                            let one = |rows: &mut dyn Iterator<Item = usize>| {
                                let (sum, count) = rows.fold((0.0, 0u32), |(sum, count), row| (sum + numbers.value(row), count + 1));
                                (count > 0).then(|| if *aggregate == Aggregate::Mean { sum / f64::from(count) } else { sum })
                            };
                            Arc::new(groups().map(|rows| one(&mut rows.filter(present))).collect::<Float64Array>())
                        }
                        _ => {
                            let sorted = RowConverter::new(vec![SortField::new(values.data_type().clone())])?.convert_columns(std::slice::from_ref(values))?;
                            let chosen = |rows: &mut dyn Iterator<Item = usize>| match aggregate {
                                Aggregate::First => rows.next(),
                                Aggregate::Last => rows.last(),
                                Aggregate::Min => rows.min_by(|a, b| sorted.row(*a).cmp(&sorted.row(*b))),
                                _ => rows.max_by(|a, b| sorted.row(*a).cmp(&sorted.row(*b))),
                            };
                            let picked: UInt32Array = groups().map(|rows| chosen(&mut rows.filter(present)).map(|row| row as u32)).collect();
                            take(values, &picked, None)?
                        }
                    }
                }
            };
            out.push(raw_column(name), column);
        }
        out.finish()
    }
}
