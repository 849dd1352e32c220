//! The workbook: a page that says what to do, and one sheet after the other of queries.
//!
//! Rows go to a temporary file as they come, so that a million queries need no more memory than one (`rust_xlsxwriter` calls
//! this constant memory; texts then stand in their cells and not in a shared table). All texts are cells of text under the
//! format for text, so that a cell stays text when somebody edits it. The column of ids is narrow and not hidden: who copies
//! the rows of a filter to a new workbook leaves hidden columns behind.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use rust_xlsxwriter::{Color, DataValidation, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError};

use super::{Language, words};

/// Widths of the columns, in characters.
const WIDTHS: [f64; words::COLUMNS.len()] = [6.0, 28.0, 9.0, 18.0, 22.0, 34.0, 40.0, 16.0, 13.0, 13.0, 30.0, 5.0];

/// A workbook of queries that grows.
pub struct Book {
    workbook: Workbook,
    language: Language,
    with_values: bool,
    formats: Formats,
    /// Rows of queries that a sheet takes.
    limit: u32,
    /// Rows of queries in the last sheet.
    rows: u32,
    sheets: usize,
}

struct Formats {
    head: Format,
    number: Format,
    text: Format,
    answer: Format,
    id: Format,
}

fn failed(error: XlsxError) -> io::Error {
    match error {
        XlsxError::IoError(error) => error,
        other => io::Error::other(other.to_string()),
    }
}

impl Book {
    /// A workbook with its first page; rows wait in an unnamed file of `folder`.
    pub fn new(folder: &Path, site: &str, language: Language, with_values: bool, limit: u32) -> io::Result<Book> {
        let cell = Format::new().set_align(FormatAlign::Top).set_border(FormatBorder::Thin).set_border_color(Color::RGB(0xD9_D9_D9));
        let text = cell.clone().set_text_wrap().set_num_format("@");
        let formats = Formats {
            head: text.clone().set_bold().set_background_color(Color::RGB(0xDD_E6_F0)),
            answer: text.clone().set_background_color(Color::RGB(0xFF_F7_CC)).set_unlocked(),
            id: cell.clone().set_num_format("@").set_font_size(7).set_font_color(Color::RGB(0x80_80_80)),
            number: cell.set_num_format("0"),
            text,
        };
        let mut workbook = Workbook::new();
        workbook.set_tempdir(folder).map_err(failed)?;
        // The same queries give the same bytes.
        let created = ExcelDateTime::from_ymd(2000, 1, 1).map_err(failed)?;
        workbook.set_properties(&DocProperties::new().set_creation_datetime(&created));
        let mut book = Book { workbook, language, with_values, formats, limit: limit.max(1), rows: 0, sheets: 0 };
        book.cover(site).map_err(failed)?;
        book.begin_sheet().map_err(failed)?;
        Ok(book)
    }

    fn cover(&mut self, site: &str) -> Result<(), XlsxError> {
        let title = Format::new().set_bold().set_font_size(16).set_num_format("@");
        let number = Format::new().set_bold().set_align(FormatAlign::Top).set_align(FormatAlign::Center);
        let text = Format::new().set_text_wrap().set_align(FormatAlign::Top).set_num_format("@");
        let page = self.workbook.add_worksheet();
        page.set_name(words::cover_name(self.language))?;
        page.set_column_width(0, 4)?.set_column_width(1, 100)?;
        page.set_screen_gridlines(false);
        page.write_string_with_format(0, 1, words::cover_title(self.language, site), &title)?;
        for (at, line) in (0..).zip(words::cover(self.language, self.with_values)) {
            let row = 2 + at;
            page.set_row_height(row, 34)?;
            page.write_number_with_format(row, 0, at + 1, &number)?;
            page.write_string_with_format(row, 1, line, &text)?;
        }
        Ok(())
    }

    fn begin_sheet(&mut self) -> Result<(), XlsxError> {
        let sheet = self.workbook.add_worksheet_with_constant_memory()?;
        sheet.set_name(words::sheet(self.language, self.sheets))?;
        sheet.set_freeze_panes(1, 0)?;
        sheet.set_landscape();
        sheet.set_repeat_rows(0, 0)?;
        sheet.set_print_fit_to_pages(1, 0);
        for (to, (at, name)) in (0..).zip(words::columns(self.language, self.with_values)) {
            sheet.set_column_width(to, WIDTHS[at])?;
            sheet.write_string_with_format(0, to, name, &self.formats.head)?;
        }
        (self.rows, self.sheets) = (0, self.sheets + 1);
        Ok(())
    }

    fn end_sheet(&mut self) -> Result<(), XlsxError> {
        let (rows, index) = (self.rows, self.sheets);
        let places: Vec<usize> = words::columns(self.language, self.with_values).map(|(at, _)| at).collect();
        let column = |wanted: usize| (0..).zip(&places).find(|(_, at)| **at == wanted).map_or(0, |(to, _)| to);
        let (answer, last) = (column(words::ANSWER), column(words::COLUMNS.len() - 1));
        let offered = words::REPLIES.map(|(_, en, fr)| self.language.pick(en, fr));
        // The list offers; whatever else is written is an answer too.
        let list = DataValidation::new().allow_list_strings(&offered)?.show_error_message(false);
        // The first page has index 0.
        let sheet = self.workbook.worksheet_from_index(index)?;
        sheet.autofilter(0, 0, rows, last)?;
        if rows > 0 {
            sheet.add_data_validation(1, answer, rows, answer, &list)?;
        }
        Ok(())
    }

    /// Adds the query that has this `number` in all. `cells` are places in [`words::COLUMNS`] and texts; `of_file` is the row's
    /// number where the cell holds nothing else.
    pub fn add<'a>(&mut self, number: u64, of_file: Option<u64>, cells: impl Iterator<Item = (usize, &'a str)>) -> io::Result<()> {
        self.try_add(number, of_file, cells).map_err(failed)
    }

    fn try_add<'a>(&mut self, number: u64, of_file: Option<u64>, cells: impl Iterator<Item = (usize, &'a str)>) -> Result<(), XlsxError> {
        if self.rows == self.limit {
            self.end_sheet()?;
            self.begin_sheet()?;
        }
        self.rows += 1;
        let row = self.rows;
        let sheet: &mut Worksheet = self.workbook.worksheet_from_index(self.sheets)?;
        for (to, (at, text)) in (0..).zip(cells) {
            let format = match at {
                words::ANSWER => &self.formats.answer,
                _ if at == words::COLUMNS.len() - 1 => &self.formats.id,
                _ => &self.formats.text,
            };
            // Numbers so that they sort as such; beyond 2^53 they would be others.
            let counted = match at {
                0 => Some(number),
                2 => of_file,
                _ => None,
            };
            match counted.filter(|n| *n < 1 << 53) {
                Some(n) => sheet.write_number_with_format(row, to, n as f64, &self.formats.number)?,
                None if text.is_empty() => sheet.write_blank(row, to, format)?,
                None => sheet.write_string_with_format(row, to, text, format)?,
            };
        }
        Ok(())
    }

    /// Writes the workbook.
    pub fn save(mut self, file: &File) -> io::Result<()> {
        self.end_sheet().map_err(failed)?;
        let mut out = BufWriter::new(file);
        self.workbook.save_to_writer(&mut out).map_err(failed)?;
        out.flush()
    }
}
