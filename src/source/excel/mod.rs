//! Workbooks: Excel (xlsx, xlsm, xlsb, xls) and OpenDocument sheets.
//!
//! One sheet gives the records: its rows, numbered as the sheet numbers them. Cells come as text in one
//! form whatever their format on the screen: numbers with the fifteen digits that Excel keeps, dates in ISO 8601
//! under either epoch, formulas as their stored values. `calamine` reads Excel's files; cells of xlsx and xlsb are taken one by one as it
//! meets them, an xls is in memory as it has it. What a file claims is looked at before: a damaged number must not ask for a terabyte.

mod compound;
mod hidden;
mod ods;
mod shared;
mod sheet;
#[cfg(test)]
mod tests;
mod text;

use std::collections::HashSet;
use std::path::Path;

use super::guard::guarded;
use super::record::{Damage, Failure, Head, OptionKey, Options, Output, RecordFormat};
use sheet::{Book, Chosen, Frame};

pub static FORMAT: RecordFormat = RecordFormat {
    names: &["excel", "xlsx", "xls", "xlsb", "ods"],
    summary: "A sheet of a workbook: Excel (xlsx, xlsm, xlsb, xls) or OpenDocument. Cells come as text: numbers, dates as `2011-12-31`, formulas as their values.",
    options: &[
        OptionKey { key: "sheet", about: "The sheet's name, or its number from 1; absent: the first that is visible and not empty." },
        OptionKey { key: "skip_rows", about: "Rows before the header; rows without a cell before it never count." },
        OptionKey { key: "header_rows", about: "Rows of the header (default 1): of several, the names are joined by a blank, and merged cells count for all they cover. 0: columns are called A, B, C." },
        OptionKey { key: "range", about: "The cells that are read, such as `B3:H200` or `B3:H`; the header is in it." },
        OptionKey { key: "fill_down", about: "Columns whose empty cells repeat the cell above. Cells that are merged downwards do so anyway." },
        OptionKey { key: "hidden_rows", about: "`keep` (default) or `skip`: rows that are hidden or filtered out in the sheet (xlsx)." },
    ],
    folder: false,
    typed: false,
    errors: &["#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#DATA!"],
    head: |path, options| guarded("the workbook", || head(path, options)),
    records: |path, options, out| guarded("the workbook", || records(path, options, out)),
};

/// Rows behind the header that are looked at for cells without a name above them.
const LOOKED_AT: u32 = 200;

fn head(path: &Path, options: &Options) -> Result<Head, Failure> {
    let frame = Frame::new(options)?;
    let mut book = Book::open(path)?;
    let sheet = book.choose(&frame)?;
    head_of(&mut book, &sheet, &frame)
}

fn head_of(book: &mut Book, sheet: &Chosen, frame: &Frame) -> Result<Head, Failure> {
    let mut layout = Layout::new(frame);
    let mut behind = 0;
    book.rows(&sheet.name, frame, &mut |row, cells| {
        if layout.is_whole() {
            layout.widen(cells);
            behind += 1;
        } else {
            layout.take(row, cells);
        }
        // Without a header only the rows tell how many columns there are.
        Ok(behind < LOOKED_AT || frame.header_rows == 0)
    })?;
    let mut evidence = vec![];
    if frame.sheet.is_none() {
        evidence.push(format!("sheet: {} ({})", sheet.name, sheet.why));
    }
    if frame.header_rows > 0 && layout.first_row != 1 {
        evidence.push(format!("header: row {} (the first with a cell)", layout.first_row));
    }
    let columns = layout.columns()?;
    let mut known = HashSet::new();
    let duplicates = columns.iter().filter(|c| !known.insert(c.as_str())).cloned().collect();
    for column in &frame.fill_down {
        if !columns.contains(column) {
            return Err(Failure::Option { key: "fill_down".into(), message: format!("the sheet has no column `{column}`"), near: columns.clone() });
        }
    }
    Ok(Head { columns, duplicates, evidence })
}

fn records(path: &Path, options: &Options, out: &mut dyn Output) -> Result<(), Failure> {
    let frame = Frame::new(options)?;
    let mut book = Book::open(path)?;
    let sheet = book.choose(&frame)?;
    let columns = head_of(&mut book, &sheet, &frame)?.columns;
    let mut layout = Layout::new(&frame);
    let mut above: Vec<(usize, Option<String>)> = frame.fill_down.iter().filter_map(|c| columns.iter().position(|n| n == c)).map(|at| (at, None)).collect();
    book.rows(&sheet.name, &frame, &mut |row, cells| {
        if layout.is_whole() {
            emit(row, cells, columns.len(), &mut above, out)?;
        } else {
            layout.take(row, cells);
        }
        Ok(true)
    })
}

/// A row as a record. A cell to the right of all columns has nowhere to go, so its row is damaged.
fn emit(row: u32, cells: &mut [Option<String>], width: usize, above: &mut [(usize, Option<String>)], out: &mut dyn Output) -> Result<(), Failure> {
    for (at, last) in above {
        match cells.get_mut(*at) {
            Some(cell @ None) => cell.clone_from(last),
            Some(cell) => last.clone_from(cell),
            None => {}
        }
    }
    let mut of_columns = cells.iter().take(width).map(Option::as_deref).chain(std::iter::repeat(None)).take(width);
    if cells.iter().skip(width).any(Option::is_some) {
        let raw: Vec<&str> = cells.iter().map(|c| c.as_deref().unwrap_or_default()).collect();
        return out.damaged(u64::from(row), 0, Damage::Unreadable, &raw.join("\t"), &mut of_columns);
    }
    out.record(u64::from(row), 0, &mut of_columns)
}

/// The header, row by row.
struct Layout {
    header_rows: usize,
    /// Rows of names.
    names: Vec<Vec<Option<String>>>,
    first_row: u32,
    left: u32,
    width: usize,
}

impl Layout {
    fn new(frame: &Frame) -> Layout {
        Layout { header_rows: frame.header_rows, names: vec![], first_row: 0, left: frame.left, width: 0 }
    }

    /// Whether no row of the header is still to come.
    fn is_whole(&self) -> bool {
        self.names.len() >= self.header_rows
    }

    /// Takes a row of the header.
    fn take(&mut self, row: u32, cells: &[Option<String>]) {
        if self.names.is_empty() {
            self.first_row = row;
        }
        self.widen(cells);
        self.names.push(cells.to_vec());
    }

    /// Takes note of how far a row reaches.
    fn widen(&mut self, cells: &[Option<String>]) {
        self.width = self.width.max(cells.iter().rposition(Option::is_some).map_or(0, |at| at + 1));
    }

    /// The names; a nameless column is called by its letters.
    fn columns(&self) -> Result<Vec<String>, Failure> {
        if self.width == 0 {
            return Err(Failure::Head("the sheet has no row with a cell".into()));
        }
        let letters = |at: usize| text::letters(u32::try_from(at).unwrap_or(u32::MAX).saturating_add(self.left));
        let name = |at: usize| {
            let mut parts: Vec<&str> = vec![];
            for part in self.names.iter().filter_map(|row| row.get(at)?.as_deref()).map(str::trim).filter(|p| !p.is_empty()) {
                // A cell that is merged over the rows of the header says its name once.
                if parts.last() != Some(&part) {
                    parts.push(part);
                }
            }
            if parts.is_empty() { letters(at) } else { parts.join(" ") }
        };
        Ok((0..self.width).map(name).collect())
    }
}
