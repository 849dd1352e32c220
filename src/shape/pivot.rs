//! `pivot`: long rows (a name and a value each) become columns of one row.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Date32Array, RecordBatch, UInt32Array};
use datafusion::arrow::compute::{SortOptions, cast, take};
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::row::{RowConverter, Rows, SortField};
use datafusion::common::{Result, internal_datafusion_err};

use super::{Chains, Fates, Lower, Lowered, Mark, Operation, Operator, Output, Side, cleaned, get, key_at, keys, names};
use crate::config::Name;
use crate::config::read::{entries, text};
use crate::config::yaml::Node;
use crate::diagnostic::code;
use crate::rule::Effect;
use crate::transform::derive::raw_column;
use crate::transform::{Column, Kind};

pub static PIVOT: Operation = Operation {
    key: "pivot",
    meets: true,
    fates: &[
        ["without a key", "sans clé"],
        ["without a row to go to", "sans ligne qui les accueille"],
        ["under a name that is not listed", "sous un nom qui n'est pas listé"],
        ["without a value", "sans valeur"],
        ["without a date", "sans date"],
        ["outside the window", "hors de la fenêtre"],
        ["another value was picked", "une autre valeur a été retenue"],
        ["one of several for a cell", "une parmi plusieurs pour une case"],
        ["used", "utilisées"],
        ["with a value", "avec une valeur"],
        ["without one", "sans valeur"],
    ],
    summary: "Long rows become columns: for each `key` and each of the `names` in `into` the one value that `pick` says (without it there must not be several); of values that stand equally near the earlier counts, and of one day the smaller. With `onto` they are added to the rows of another source or shape, which all stay.",
    example: "{from: labs, pivot: {onto: patients, key: NIP, names: EXAMEN, values: value, into: {CA15-3: ca15_3, ACE: cea}, pick: nearest, at: drawn, to: diagnosed, within: 90}}",
    lower,
};

const PICKS: [(&str, Pick); 5] = [("first", Pick::First), ("last", Pick::Last), ("min", Pick::Min), ("max", Pick::Max), ("nearest", Pick::Nearest)];
const SEVERAL: &str = "m:several";

/// Which of several values is taken.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Pick {
    /// There is one, or the row is refused.
    Only,
    First,
    Last,
    Min,
    Max,
    Nearest,
}

fn lower(l: &mut Lower<'_>, node: &Node) -> Option<Lowered> {
    let mut k = l.keys(node)?;
    let onto = k.text("onto", l.found);
    let key = k.require("key", l.found).map(|n| l.pairs(n, "key"))?;
    let name = k.require("names", l.found).and_then(|n| text(n, "names", l.found));
    let values = k.require("values", l.found).and_then(|n| text(n, "values", l.found));
    let into = k.require("into", l.found).map_or(vec![], |n| entries(n, "into", l.found));
    let pick = k.choice("pick", &PICKS, l.found).map_or(Pick::Only, |p| p.value);
    let (at, to) = (k.text("at", l.found), k.text("to", l.found));
    let within = k.text("within", l.found);
    k.finish(l.found);
    l.some(&key, node.span)?;
    let (name, values) = (name?, values?);
    let from = l.from.to_vec();
    l.column_of(&from, &name, &[Kind::Text], "a text")?;
    let value = if matches!(pick, Pick::Min | Pick::Max) { l.ordered(&from, &values)? } else { l.column(&from, &values)? };
    let others = match &onto {
        Some(onto) => Some((l.other)(onto, l.found)?),
        None => None,
    };
    for (mine, theirs) in &key {
        match &others {
            Some(others) => l.meet(mine, others, theirs)?,
            None => {
                l.column(&from, mine)?;
            }
        }
    }
    let mut targets = vec![];
    for (listed, node) in &into {
        targets.push((listed.value.clone(), text(node, "into", l.found)?));
    }
    if targets.is_empty() {
        l.wrong(node.span, "no name is pivoted into a column", "`into` is empty", Some("for example `into: {CA15-3: ca15_3}`".into()));
        return None;
    }
    let dated = matches!(pick, Pick::First | Pick::Last | Pick::Nearest);
    match (&at, pick) {
        (None, Pick::Nearest) => {
            l.wrong(l.span, "`pick: nearest` needs `at` and `to`", "nearest to what?", Some("`at` is the date of a value, `to` the date it is to be near to".into()));
            return None;
        }
        (Some(at), _) => {
            l.column_of(&from, at, &[Kind::Date], "a date")?;
        }
        _ => {}
    }
    if let (None, Some(given)) = (&to, &within) {
        l.wrong(given.span, "`within` needs `to`", "days from which date?", None);
        return None;
    }
    if pick == Pick::Nearest && to.is_none() {
        l.wrong(l.span, "`pick: nearest` needs `to`", "nearest to what?", None);
        return None;
    }
    if let Some(to) = &to {
        let Some(others) = &others else {
            l.wrong(to.span, "`to` is a date of the rows that the values are added to", "and there is no `onto`", None);
            return None;
        };
        l.column_of(others, to, &[Kind::Date], "a date")?;
        if at.is_none() {
            l.wrong(to.span, "`to` needs `at`", "the date of a value is not named", None);
            return None;
        }
    }
    let days = match within.as_ref().map(|w| (w, days(&w.value))) {
        Some((w, None)) => {
            l.wrong(w.span, format!("`{}` is no number of days", w.value), "such as `90` or `90 d`", None);
            return None;
        }
        Some((_, days)) => days,
        None => None,
    };
    // What stays: the rows of `onto`, else a row of each key.
    let base: Vec<Column> = match &others {
        Some(others) => others.clone(),
        None => key.iter().filter_map(|(mine, _)| from.iter().find(|c| c.name == mine.value).cloned()).collect(),
    };
    let mut columns = base.clone();
    let mut distinct: Vec<Name> = vec![];
    for (_, target) in &targets {
        // Several names may fill one column: the site's spellings of one examination.
        if !distinct.iter().any(|d| d.value == target.value) {
            columns.push(Column { locale: value.locale.clone(), ..Column::made(&target.value, value.kind) });
            distinct.push(target.clone());
        }
    }
    l.each_once(&columns, &distinct.iter().map(|t| (t.value.clone(), t.span)).collect::<Vec<_>>())?;
    let place = |target: &Name| distinct.iter().position(|d| d.value == target.value).unwrap_or(0);
    let cells = targets.iter().map(|(listed, target)| (listed.clone(), place(target))).collect();
    let mine: Vec<String> = key.iter().map(|(mine, _)| mine.value.clone()).collect();
    let mut clean = vec![name.value.clone(), values.value.clone()];
    clean.extend(at.iter().map(|a| a.value.clone()));
    clean.dedup();
    let mut sides = vec![Side { of: None, key: mine.clone(), carried: if others.is_some() { vec![] } else { mine.clone() }, cleaned: clean }];
    if let (Some(onto), Some(others)) = (onto, &others) {
        let theirs = key.iter().map(|(_, theirs)| theirs.value.clone()).collect();
        sides.push(Side { of: Some(onto), key: theirs, carried: names(others), cleaned: to.iter().map(|t| t.value.clone()).collect() });
    }
    let marks = match pick {
        Pick::Only => vec![Mark {
            column: SEVERAL.into(),
            code: code::SEVERAL_VALUES,
            rule: l.shape.value.clone(),
            effect: Effect::Quarantine,
            condition: format!("one {} for each {}", values.value, name.value),
        }],
        _ => vec![],
    };
    let operator = Pivot {
        carried: names(&base),
        name: name.value,
        value: values.value,
        cells,
        targets: distinct.into_iter().map(|d| d.value).collect(),
        pick,
        at: at.map(|a| a.value),
        to: to.map(|t| t.value),
        days,
        dated,
    };
    Some(Lowered { operator: Arc::new(operator), sides, columns, marks })
}

/// `90`, `90 d`.
fn days(text: &str) -> Option<i64> {
    text.strip_suffix('d').unwrap_or(text).trim().parse().ok().filter(|days| (0..=1_000_000).contains(days))
}

#[derive(Debug)]
struct Pivot {
    /// Columns of the rows that stay.
    carried: Vec<String>,
    name: String,
    value: String,
    /// Listed name → its place among the targets.
    cells: HashMap<String, usize>,
    targets: Vec<String>,
    pick: Pick,
    at: Option<String>,
    to: Option<String>,
    /// Most days between the two dates.
    days: Option<i64>,
    /// A value without its date cannot be picked.
    dated: bool,
}

/// What became of a long row; a later one wins where it is seen from several rows.
const FATES: [&str; 9] = ["without a key", "without a row to go to", "under a name that is not listed", "without a value", "without a date", "outside the window", "another value was picked", "used", "one of several for a cell"];
const NO_KEY: u8 = 0;
const NO_ROW: u8 = 1;
const UNLISTED: u8 = 2;
const NO_VALUE: u8 = 3;
const NO_DATE: u8 = 4;
const OUTSIDE: u8 = 5;
const PASSED_OVER: u8 = 6;
const USED: u8 = 7;
const SEVERAL_THERE: u8 = 8;

/// The value that a cell has so far.
#[derive(Clone, Copy)]
struct Best {
    row: u32,
    distance: i64,
}

/// The long rows of a bucket, ready to be looked at.
struct Long<'b> {
    values: &'b ArrayRef,
    dates: Option<&'b Date32Array>,
    /// Values in their order.
    sorted: Rows,
}

impl Pivot {
    /// Whether a long row is to be taken rather than the one that is there. Of equals that stand equally near, the
    /// earlier one; then the smaller value; then the first.
    fn better(&self, long: &Long<'_>, new: Best, old: Best) -> bool {
        let date = |best: Best| long.dates.map(|dates| dates.value(best.row as usize));
        let value = |best: Best| long.sorted.row(best.row as usize);
        let by_value = || value(new).cmp(&value(old));
        let order = match self.pick {
            Pick::Nearest => new.distance.cmp(&old.distance).then_with(|| date(new).cmp(&date(old))).then_with(by_value),
            Pick::First if long.dates.is_some() => date(new).cmp(&date(old)).then_with(by_value),
            Pick::Last if long.dates.is_some() => date(old).cmp(&date(new)).then_with(by_value),
            Pick::Min => by_value(),
            Pick::Max => value(old).cmp(&value(new)),
            Pick::Last => Ordering::Less,
            Pick::First | Pick::Only => Ordering::Greater,
        };
        order == Ordering::Less
    }
}

impl Operator for Pivot {
    fn run(&self, sides: &[RecordBatch], fates: &mut Fates) -> Result<RecordBatch> {
        let Some(rows) = sides.first() else { return datafusion::common::internal_err!("a pivot has long rows") };
        let long_keys = keys(rows)?;
        let names = get(rows, &cleaned(&self.name))?.as_string_view_opt().ok_or_else(|| internal_datafusion_err!("names are texts"))?;
        let values = get(rows, &cleaned(&self.value))?;
        let date = |batch: &RecordBatch, column: &Option<String>| -> Result<Option<ArrayRef>> {
            column.as_ref().map(|c| Ok(cast(get(batch, &cleaned(c))?, &DataType::Date32)?)).transpose()
        };
        let dates = date(rows, &self.at)?;
        let sorted = RowConverter::new(vec![SortField::new_with_options(values.data_type().clone(), SortOptions::default())])?.convert_columns(std::slice::from_ref(values))?;
        let long = Long { values, dates: dates.as_ref().and_then(|d| d.as_primitive_opt()), sorted };
        // The rows that stay, and by key which they are.
        let (base, base_rows, chains) = match sides.get(1) {
            Some(onto) => (onto, None, Chains::new(keys(onto)?)),
            None => {
                let chains = Chains::new(long_keys);
                let firsts: Vec<u32> = (0..rows.num_rows()).filter(|row| chains.rows(key_at(long_keys, *row)).next() == Some(*row)).map(|row| row as u32).collect();
                (rows, Some(UInt32Array::from(firsts)), chains)
            }
        };
        let count = base_rows.as_ref().map_or(base.num_rows(), UInt32Array::len);
        // Without `onto` a row of a key stands at the place of the key's first long row.
        let mut place = vec![u32::MAX; base.num_rows()];
        match &base_rows {
            Some(firsts) => firsts.values().iter().enumerate().for_each(|(at, row)| place[*row as usize] = at as u32),
            None => place.iter_mut().enumerate().for_each(|(at, slot)| *slot = at as u32),
        }
        let to = match sides.get(1) {
            Some(onto) => date(onto, &self.to)?,
            None => None,
        };
        let to: Option<&Date32Array> = to.as_ref().and_then(|t| t.as_primitive_opt());
        let width = self.targets.len();
        let mut best: Vec<Option<Best>> = vec![None; count * width];
        let mut several = vec![false; count];
        let mut fate = vec![NO_KEY; rows.num_rows()];
        for row in 0..rows.num_rows() {
            let Some(key) = key_at(long_keys, row) else { continue };
            let mut seen = NO_ROW;
            let target = names.is_valid(row).then(|| self.cells.get(names.value(row))).flatten();
            let day = long.dates.map(|dates| dates.is_valid(row).then(|| dates.value(row)));
            let everyone = sides.len() > 1;
            for base_row in chains.rows(Some(key)).take(if everyone { usize::MAX } else { 1 }) {
                let fits = self.fits(target.is_some(), long.values.is_valid(row), day, to.map(|to| to.is_valid(base_row).then(|| to.value(base_row))));
                let (reached, distance) = fits;
                seen = seen.max(reached);
                let (Some(target), USED) = (target, reached) else { continue };
                let at = place.get(base_row).copied().unwrap_or(0) as usize;
                let Some(cell) = best.get_mut(at * width + target) else { continue };
                let new = Best { row: row as u32, distance };
                match *cell {
                    None => *cell = Some(new),
                    Some(old) => {
                        if let Some(several) = several.get_mut(at) {
                            *several = true;
                        }
                        if self.better(&long, new, old) {
                            *cell = Some(new);
                        }
                    }
                }
            }
            if let Some(fate) = fate.get_mut(row) {
                *fate = match seen {
                    USED if self.pick == Pick::Only => SEVERAL_THERE,
                    USED => PASSED_OVER,
                    other => other,
                };
            }
        }
        if self.pick == Pick::Only {
            // Which of several is meant is not known: none is.
            for (at, _) in several.iter().enumerate().filter(|(_, s)| **s) {
                best[at * width..(at + 1) * width].iter_mut().for_each(|cell| *cell = None);
            }
        }
        for chosen in best.iter().flatten() {
            if let Some(fate) = fate.get_mut(chosen.row as usize) {
                *fate = USED;
            }
        }
        for (at, word) in FATES.iter().enumerate() {
            let rows = fate.iter().filter(|f| usize::from(**f) == at).count();
            if rows > 0 {
                fates.add(0, word, rows);
            }
        }
        if let Some(onto) = sides.get(1) {
            let filled = best.chunks(width).filter(|cells| cells.iter().any(Option::is_some)).count();
            fates.add(1, "with a value", filled);
            fates.add(1, "without one", onto.num_rows() - filled);
        }
        let mut out = Output::default();
        out.carry_rows(base, &self.carried, base_rows.as_ref())?;
        for (target, name) in self.targets.iter().enumerate() {
            let picked: UInt32Array = best.chunks(width).map(|cells| cells.get(target).copied().flatten().map(|b| b.row)).collect();
            out.push(raw_column(name), take(values, &picked, None)?);
        }
        if self.pick == Pick::Only {
            out.push(SEVERAL, Arc::new(BooleanArray::from(several)));
        }
        out.finish()
    }
}

impl Pivot {
    /// How far a long row gets towards one of the rows that stay, and the days between the two.
    fn fits(&self, listed: bool, has_value: bool, day: Option<Option<i32>>, to: Option<Option<i32>>) -> (u8, i64) {
        if !listed {
            return (UNLISTED, 0);
        }
        if !has_value {
            return (NO_VALUE, 0);
        }
        if self.dated && day == Some(None) {
            return (NO_DATE, 0);
        }
        match (day, to) {
            (Some(None), Some(_)) => (NO_DATE, 0),
            (_, Some(None)) => (NO_DATE, 0),
            (Some(Some(day)), Some(Some(to))) => {
                let distance = (i64::from(day) - i64::from(to)).abs();
                if self.days.is_some_and(|days| distance > days) { (OUTSIDE, distance) } else { (USED, distance) }
            }
            _ => (USED, 0),
        }
    }
}
