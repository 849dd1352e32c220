//! The rows that a view gives of one resource (SQL-on-FHIR v2, "Functional Model").

use std::borrow::Cow;

use super::json::Tree;
use super::path::{Context, Expr, Fault, Item};
use super::view::{Column, Each, Select, View};

/// Cells that one resource may give.
const MOST: usize = 10_000_000;
/// Levels of a `repeat`: more than a resource can have, so one that comes back to itself ends.
const LEVELS: usize = super::json::DEPTH;

pub(super) type Cell<'t> = Option<Cow<'t, str>>;

/// Rows of the same width, one behind the other.
#[derive(Debug, Default)]
pub(super) struct Table<'t> {
    pub width: usize,
    pub cells: Vec<Cell<'t>>,
    /// Counted apart: there are rows without cells while a table is built.
    rows: usize,
}

impl<'t> Table<'t> {
    fn one_row() -> Table<'t> {
        Table { rows: 1, ..Table::default() }
    }

    /// Each row of this before each of the other.
    fn cross(self, other: Table<'t>) -> Result<Table<'t>, Fault> {
        let width = self.width.saturating_add(other.width);
        let rows = self.rows.saturating_mul(other.rows);
        if self.width == 0 && self.rows == 1 {
            return Ok(other);
        }
        if rows.saturating_mul(width.max(1)) > MOST {
            return Err(Fault::Work);
        }
        if rows == 1 {
            let mut cells = self.cells;
            cells.extend(other.cells);
            return Ok(Table { width, cells, rows });
        }
        let mut cells = Vec::with_capacity(rows.saturating_mul(width));
        for left in 0..self.rows {
            for right in 0..other.rows {
                cells.extend_from_slice(self.row(left));
                cells.extend_from_slice(other.row(right));
            }
        }
        Ok(Table { width, cells, rows })
    }

    fn row(&self, index: usize) -> &[Cell<'t>] {
        let start = index.saturating_mul(self.width);
        self.cells.get(start..start.saturating_add(self.width)).unwrap_or_default()
    }

    fn append(&mut self, other: Table<'t>) -> Result<(), Fault> {
        if self.cells.len().saturating_add(other.cells.len()) > MOST || self.rows.saturating_add(other.rows) > MOST {
            return Err(Fault::Work);
        }
        self.width = other.width;
        self.rows = self.rows.saturating_add(other.rows);
        if self.cells.is_empty() {
            self.cells = other.cells;
        } else {
            self.cells.extend(other.cells);
        }
        Ok(())
    }

    pub fn iter(&self) -> impl Iterator<Item = &[Cell<'t>]> {
        (0..self.rows).map(|index| self.row(index))
    }
}

/// The rows of the resource at the node `at`.
pub(super) fn rows<'t>(view: &'t View, tree: &'t Tree<'t>, at: u32) -> Result<Table<'t>, Fault> {
    let cx = Context::new(tree, at);
    let resource = [Item::node(at)];
    for path in &view.wheres {
        let mut found = cx.take();
        cx.eval(path, &resource, 0, &mut found)?;
        let met = cx.boolean(&found)?;
        cx.give(found);
        if !met {
            return Ok(Table { width: view.columns.len(), ..Table::default() });
        }
    }
    all(&cx, &view.selects, Table::one_row(), &resource)
}

fn all<'t>(cx: &Context<'t>, selects: &'t [Select], before: Table<'t>, focus: &[Item<'t>]) -> Result<Table<'t>, Fault> {
    selects.iter().try_fold(before, |before, next| before.cross(select(cx, next, focus)?))
}

/// The rows of a select: of each item that it goes over.
fn select<'t>(cx: &Context<'t>, select: &'t Select, focus: &[Item<'t>]) -> Result<Table<'t>, Fault> {
    let mut found = cx.take();
    match &select.each {
        Each::Once => {
            cx.give(found);
            return once(cx, select, focus);
        }
        Each::Of(path) | Each::OfOrNull(path) => cx.eval(path, focus, 0, &mut found)?,
        Each::Repeat(paths) => repeat(cx, paths, focus, &mut found)?,
    }
    let mut table = Table { width: select.width, ..Table::default() };
    let outside = cx.row(0);
    for (index, item) in found.iter().enumerate() {
        cx.row(u32::try_from(index).map_err(|_| Fault::Work)?);
        table.append(once(cx, select, std::slice::from_ref(item))?)?;
    }
    if found.is_empty() && matches!(select.each, Each::OfOrNull(_)) {
        table.append(nothing(cx, select)?)?;
    }
    cx.row(outside);
    cx.give(found);
    Ok(table)
}

/// The rows of one item: columns, selects inside, and the branches of `unionAll`, joined.
fn once<'t>(cx: &Context<'t>, select: &'t Select, focus: &[Item<'t>]) -> Result<Table<'t>, Fault> {
    let mut cells = Vec::with_capacity(select.width);
    for column in &select.columns {
        cells.push(cell(cx, column, focus)?);
    }
    let table = Table { width: cells.len(), cells, rows: 1 };
    let table = all(cx, &select.selects, table, focus)?;
    if select.union.is_empty() {
        return Ok(table);
    }
    let mut union = Table::default();
    for branch in &select.union {
        union.append(self::select(cx, branch, focus)?)?;
    }
    table.cross(union)
}

/// The one row of a `forEachOrNull` over nothing.
fn nothing<'t>(cx: &Context<'t>, select: &'t Select) -> Result<Table<'t>, Fault> {
    let mut cells = Vec::with_capacity(select.width);
    for column in &select.columns {
        cells.push(if column.counts { cell(cx, column, &[])? } else { None });
    }
    cells.resize(select.width, None);
    Ok(Table { width: select.width, cells, rows: 1 })
}

fn cell<'t>(cx: &Context<'t>, column: &'t Column, focus: &[Item<'t>]) -> Result<Cell<'t>, Fault> {
    let mut found = cx.take();
    cx.eval(&column.path, focus, 0, &mut found)?;
    let cell = match found.as_slice() {
        _ if column.collection => Some(Cow::Owned(cx.list(&found))),
        [] => None,
        [item] => cx.cell(item),
        _ => return Err(Fault::Several),
    };
    cx.give(found);
    Ok(cell)
}

/// What the paths give of the focus, of that, and so on, each item before what it gives itself.
fn repeat<'t>(cx: &Context<'t>, paths: &'t [Expr], focus: &[Item<'t>], out: &mut Vec<Item<'t>>) -> Result<(), Fault> {
    // What is still to be looked at, the next one last.
    let mut left: Vec<(Item<'t>, usize)> = focus.iter().rev().map(|item| (item.clone(), 0)).collect();
    let mut found = cx.take();
    while let Some((item, level)) = left.pop() {
        if level > LEVELS || out.len() > MOST {
            return Err(Fault::Work);
        }
        for path in paths {
            cx.eval(path, std::slice::from_ref(&item), 0, &mut found)?;
        }
        left.extend(found.drain(..).rev().map(|below| (below, level + 1)));
        if level > 0 {
            out.push(item);
        }
    }
    cx.give(found);
    Ok(())
}
