//! `join`: columns of another source or shape, looked up by key.

use std::sync::Arc;

use datafusion::arrow::array::{BooleanArray, RecordBatch, UInt32Array};
use datafusion::arrow::compute::take;
use datafusion::common::Result;

use super::{Chains, Fates, Lowered, Mark, Operation, Operator, Output, PLACE, Side, get, key_at, keys, names};
use crate::config::read::{Spanned, text};
use crate::config::shape::{Taken, taken};
use crate::diagnostic::code;
use crate::rule::Effect;
use crate::transform::derive::raw_column;

pub static JOIN: Operation = Operation {
    key: "join",
    meets: true,
    fates: &[
        ["with one partner", "avec un partenaire"],
        ["with several partners", "avec plusieurs partenaires"],
        ["without a partner", "sans partenaire"],
        ["used", "utilisées"],
        ["not used", "inutilisées"],
    ],
    summary: "Columns of another source or shape, looked up by key. What happens to a row without a partner is said (`missing`), and so is what happens to one with several (`several`, default: quarantine).",
    example: "{from: tumours, join: {with: patients, on: NIP, take: [SEXE, DDN], missing: quarantine}}",
    lower: |l, node| {
        let mut keys = l.keys(node)?;
        let with = keys.require("with", l.found).and_then(|n| text(n, "with", l.found));
        let on = keys.require("on", l.found).map(|n| l.pairs(n, "on"))?;
        let take = keys.take("take").map(|n| taken(n, "take", l.found));
        let missing = keys.require("missing", l.found).and_then(|n| crate::config::read::choice(n, "missing", &MISSING, l.found));
        let several = keys.choice("several", &SEVERAL, l.found).map_or(Several::Refused(Effect::Quarantine), |s| s.value);
        keys.finish(l.found);
        l.some(&on, node.span)?;
        let (with, missing) = (with?, missing?.value);
        let others = (l.other)(&with, l.found)?;
        let (mut left, mut right) = (vec![], vec![]);
        for (a, b) in &on {
            l.meet(a, &others, b)?;
            left.push(a.value.clone());
            right.push(b.value.clone());
        }
        let take = take.unwrap_or_else(|| {
            let free = others.iter().filter(|c| !right.contains(&c.name));
            free.map(|c| Spanned::new(c.name.clone(), with.span)).map(|name| Taken { called: name.clone(), column: name }).collect()
        });
        let mut columns = l.from.to_vec();
        let mut spans = vec![];
        for taken in &take {
            columns.push(l.column(&others, &taken.column)?.called(&taken.called.value));
            spans.push((taken.called.value.clone(), taken.called.span));
        }
        l.each_once(&columns, &spans)?;
        let carried = names(l.from);
        let mut taken_columns: Vec<String> = vec![];
        take.iter().for_each(|t| {
            if !taken_columns.contains(&t.column.value) {
                taken_columns.push(t.column.value.clone());
            }
        });
        let keyed = on.iter().map(|(a, b)| if a.value == b.value { a.value.clone() } else { format!("{} = {}", a.value, b.value) }).collect::<Vec<_>>().join(", ");
        let mut marks = vec![];
        if let Some(effect) = missing {
            marks.push(Mark { column: MISSES.into(), code: code::NO_PARTNER, rule: l.shape.value.clone(), effect, condition: format!("a partner in {} by {keyed}", with.value) });
        }
        if let Several::Refused(effect) = several {
            marks.push(Mark { column: REPEATS.into(), code: code::SEVERAL_PARTNERS, rule: l.shape.value.clone(), effect, condition: format!("one partner in {} by {keyed}", with.value) });
        }
        let take = take.iter().map(|t| (t.column.value.clone(), t.called.value.clone())).collect();
        Some(Lowered {
            operator: Arc::new(Join { carried: carried.clone(), take, misses: missing.is_some(), several }),
            sides: vec![
                Side { of: None, key: left, carried, cleaned: vec![] },
                Side { of: Some(with), key: right, carried: taken_columns, cleaned: vec![] },
            ],
            columns,
            marks,
        })
    },
};

const MISSES: &str = "m:missing";
const REPEATS: &str = "m:several";

const MISSING: [(&str, Option<Effect>); 4] = [("quarantine", Some(Effect::Quarantine)), ("null", None), ("fail", Some(Effect::Fail)), ("filter", Some(Effect::Filter))];
const SEVERAL: [(&str, Several); 5] =
    [("quarantine", Several::Refused(Effect::Quarantine)), ("fail", Several::Refused(Effect::Fail)), ("first", Several::First), ("last", Several::Last), ("expand", Several::Expand)];

/// What becomes of a row with several partners.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Several {
    Refused(Effect),
    First,
    Last,
    Expand,
}

#[derive(Debug)]
struct Join {
    carried: Vec<String>,
    /// Column there, and its name here.
    take: Vec<(String, String)>,
    misses: bool,
    several: Several,
}

impl Operator for Join {
    fn run(&self, sides: &[RecordBatch], fates: &mut Fates) -> Result<RecordBatch> {
        let [left, right] = sides else { return datafusion::common::internal_err!("a join has two sides") };
        let (left_keys, chains) = (keys(left)?, Chains::new(keys(right)?));
        let (mut mine, mut theirs): (Vec<u32>, Vec<Option<u32>>) = (Vec::with_capacity(left.num_rows()), Vec::with_capacity(left.num_rows()));
        let (mut misses, mut repeats) = (vec![], vec![]);
        let mut used = vec![false; right.num_rows()];
        let (mut with_one, mut with_several, mut without) = (0, 0, 0);
        for row in 0..left.num_rows() {
            let mut partners = chains.rows(key_at(left_keys, row));
            let first = partners.next();
            let second = first.and_then(|_| partners.next());
            match (first, second) {
                (None, _) => without += 1,
                (Some(_), None) => with_one += 1,
                _ => with_several += 1,
            }
            let chosen: Vec<Option<usize>> = match (first, second, self.several) {
                (Some(first), Some(second), Several::Expand) => [first, second].into_iter().chain(partners).map(Some).collect(),
                (_, Some(second), Several::Last) => vec![Some(partners.last().unwrap_or(second))],
                (_, Some(_), Several::Refused(_)) => vec![None],
                _ => vec![first],
            };
            for partner in chosen {
                mine.push(row as u32);
                theirs.push(partner.map(|p| p as u32));
                misses.push(first.is_none());
                repeats.push(second.is_some());
                if let Some(used) = partner.and_then(|p| used.get_mut(p)) {
                    *used = true;
                }
            }
        }
        for (fate, rows) in [("with one partner", with_one), ("with several partners", with_several), ("without a partner", without)] {
            fates.add(0, fate, rows);
        }
        let taken = used.iter().filter(|u| **u).count();
        fates.add(1, "used", taken);
        fates.add(1, "not used", used.len() - taken);
        let (mine, theirs) = (UInt32Array::from(mine), UInt32Array::from(theirs));
        let mut out = Output::default();
        let whole = mine.len() == left.num_rows();
        let rows = (!whole).then_some(&mine);
        out.carry(left, self.carried.iter().map(|c| raw_column(c)), rows)?;
        for (column, called) in &self.take {
            out.push(raw_column(called), take(get(right, &raw_column(column))?, &theirs, None)?);
        }
        out.carry(left, PLACE.map(str::to_owned), rows)?;
        if self.misses {
            out.push(MISSES, Arc::new(BooleanArray::from(misses)));
        }
        if matches!(self.several, Several::Refused(_)) {
            out.push(REPEATS, Arc::new(BooleanArray::from(repeats)));
        }
        out.finish()
    }
}
