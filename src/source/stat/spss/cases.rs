//! The cases of a system file.

use std::io::{Read, Seek};

use super::super::input::{Input, Progress, slice};
use super::dictionary::{Dictionary, PART, Packing, Stored};
use super::unpack::{Blocks, Elements};
use super::{Failure, Output, Row, Settings};

/// Reads all cases; `input` is behind the dictionary.
pub(super) fn rows<R: Read + Seek>(mut input: Input<R>, dictionary: &Dictionary, settings: &Settings, out: &mut dyn Output) -> Result<(), Failure> {
    let mut cells = Cells { dictionary, settings, row: Row::default(), wide: vec![], number: 0, progress: Progress::default() };
    let mut case = vec![0; dictionary.elements.saturating_mul(8)];
    if case.is_empty() {
        return Ok(());
    }
    let len = input.len();
    let all = dictionary.rows.unwrap_or(u64::MAX);
    let (order, bias, sysmis) = (dictionary.order, dictionary.bias, dictionary.sysmis);
    match dictionary.packing {
        Packing::None => {
            while cells.number < all && input.left() > 0 {
                let at = input.at();
                input.fill(&mut case, "a case")?;
                cells.give(&case, at, input.at(), out)?;
            }
        }
        Packing::Bytes => {
            let mut elements = Elements::new(input, order, bias, sysmis);
            while cells.number < all && elements.case(&mut case)? {
                cells.give(&case, 0, elements.source().at(), out)?;
            }
        }
        Packing::Zlib => {
            let mut elements = Elements::new(Blocks::new(input, order)?, order, bias, sysmis);
            while cells.number < all && elements.case(&mut case)? {
                cells.give(&case, 0, elements.source().input().at(), out)?;
            }
        }
    }
    if let Some(rows) = dictionary.rows.filter(|rows| *rows > cells.number) {
        return Err(Failure::Unreadable(format!("the file is cut off: it has {} of {rows} cases", cells.number)));
    }
    cells.progress.end(len, out);
    Ok(())
}

struct Cells<'a> {
    dictionary: &'a Dictionary,
    settings: &'a Settings,
    row: Row,
    /// A text that is joined from parts.
    wide: Vec<u8>,
    number: u64,
    progress: Progress,
}

impl Cells<'_> {
    fn give(&mut self, case: &[u8], at: u64, done: u64, out: &mut dyn Output) -> Result<(), Failure> {
        self.number += 1;
        self.row.clear();
        for Stored { shared, element, width } in &self.dictionary.variables {
            let place = element.saturating_mul(8);
            match *width {
                0 => {
                    let value = self.dictionary.order.f64(case, place);
                    if value == self.dictionary.sysmis { self.row.missing() } else { shared.number(value, self.settings, &mut self.row) }
                }
                1..=PART => shared.text(slice(case, place, *width), self.dictionary.charset, self.settings, &mut self.row),
                _ => {
                    self.wide.clear();
                    for part in slice(case, place, case.len()).chunks(PART + 1) {
                        let left = width.saturating_sub(self.wide.len());
                        self.wide.extend_from_slice(slice(part, 0, left.min(PART)));
                        if left <= PART {
                            break;
                        }
                    }
                    shared.text(&self.wide, self.dictionary.charset, self.settings, &mut self.row);
                }
            }
        }
        self.row.give(self.number, at, out)?;
        self.progress.at(done, out);
        Ok(())
    }
}
