//! `deduplicate`: of the rows of a key one stays, and the others are counted.

use std::sync::Arc;

use datafusion::arrow::array::{Array, BooleanArray, RecordBatch};
use datafusion::arrow::row::{RowConverter, SortField};
use datafusion::arrow::compute::SortOptions;
use datafusion::common::Result;

use super::{Chains, Fates, Lowered, Mark, Operation, Operator, Output, Side, cleaned, get, key_at, keys, names};
use crate::config::read::texts;
use crate::diagnostic::code;
use crate::rule::Effect;

pub static DEDUPLICATE: Operation = Operation {
    key: "deduplicate",
    meets: true,
    fates: &[
        ["kept", "gardées"],
        ["repeated", "répétées"],
    ],
    summary: "Of the rows of a key (`by`) one stays: the first or the last, in the order of the source or of the columns in `order`. Of equals the first or last of the rows counts, and a missing value comes behind all others. The others are counted. A row without a key stays.",
    example: "{from: visits, deduplicate: {by: NIP, order: DATE_VISITE, keep: last}}",
    lower: |l, node| {
        let mut k = l.keys(node)?;
        let by = k.require("by", l.found).map(|n| texts(n, "by", l.found))?;
        let order = k.texts("order", l.found).unwrap_or_default();
        let keep = k.choice("keep", &[("first", false), ("last", true)], l.found).is_some_and(|c| c.value);
        k.finish(l.found);
        l.some(&by, node.span)?;
        let from = l.from.to_vec();
        for name in &by {
            l.column(&from, name)?;
        }
        for name in &order {
            l.ordered(&from, name)?;
        }
        let plain = |names: &[crate::config::Name]| names.iter().map(|n| n.value.clone()).collect::<Vec<_>>();
        let (by, order) = (plain(&by), plain(&order));
        let which = if keep { "last" } else { "first" };
        let condition = format!("the {which} of {}{}", by.join(", "), if order.is_empty() { String::new() } else { format!(" by {}", order.join(", ")) });
        Some(Lowered {
            operator: Arc::new(Deduplicate { carried: names(&from), order: order.clone(), last: keep }),
            sides: vec![Side { of: None, key: by, carried: names(&from), cleaned: order }],
            columns: from,
            marks: vec![Mark { column: DUPLICATE.into(), code: code::DEDUPLICATED, rule: l.shape.value.clone(), effect: Effect::Filter, condition }],
        })
    },
};

const DUPLICATE: &str = "m:duplicate";

#[derive(Debug)]
struct Deduplicate {
    carried: Vec<String>,
    /// Columns whose values decide, the smallest first; missing ones last.
    order: Vec<String>,
    last: bool,
}

impl Operator for Deduplicate {
    fn run(&self, sides: &[RecordBatch], fates: &mut Fates) -> Result<RecordBatch> {
        let [rows] = sides else { return datafusion::common::internal_err!("one side") };
        let keys = keys(rows)?;
        let chains = Chains::new(keys);
        let values = self.order.iter().map(|c| get(rows, &cleaned(c)).cloned()).collect::<Result<Vec<_>>>()?;
        // Whichever end is wanted, a row whose place is not known does not take it.
        let options = SortOptions { descending: self.last, nulls_first: false };
        let sorted = match values.is_empty() {
            true => None,
            false => {
                let fields = values.iter().map(|v| SortField::new_with_options(v.data_type().clone(), options)).collect();
                Some(RowConverter::new(fields)?.convert_columns(&values)?)
            }
        };
        let before = |a: usize, b: usize| match (&sorted, self.last) {
            // Of equals the last or the first in the order of the rows.
            (Some(sorted), last) => match sorted.row(a).cmp(&sorted.row(b)) {
                std::cmp::Ordering::Equal => last == (a > b),
                order => order.is_lt(),
            },
            // By the order of the rows themselves.
            (None, last) => last == (a > b),
        };
        let mut lost = vec![false; rows.num_rows()];
        let mut kept = 0;
        for row in 0..rows.num_rows() {
            let key = key_at(keys, row);
            let mut mine = chains.rows(key);
            if key.is_some() && mine.next() != Some(row) {
                continue;
            }
            kept += 1;
            let best = chains.rows(key).fold(row, |best, other| if before(other, best) { other } else { best });
            chains.rows(key).filter(|other| *other != best).for_each(|other| {
                if let Some(lost) = lost.get_mut(other) {
                    *lost = true;
                }
            });
        }
        fates.add(0, "kept", kept);
        fates.add(0, "repeated", lost.iter().filter(|l| **l).count());
        let mut out = Output::default();
        out.carry_rows(rows, &self.carried, None)?;
        out.push(DUPLICATE, Arc::new(BooleanArray::from(lost)));
        out.finish()
    }
}

