//! The cells of one row, in one buffer that is used for all rows.

use std::fmt::Write as _;

use super::charset::Charset;
use super::input::trimmed;
use super::moment::Form;
use super::{Damage, Failure, Output};

/// A row that is being read. A cell without a text is missing: an empty text is none.
#[derive(Debug, Default)]
pub(super) struct Row {
    text: String,
    ends: Vec<usize>,
    /// A cell holds bytes that are no text.
    unsound: bool,
}

impl Row {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.unsound = false;
    }

    fn end(&mut self) {
        self.ends.push(self.text.len());
    }

    pub(super) fn missing(&mut self) {
        self.end();
    }

    pub(super) fn text(&mut self, text: &str) {
        self.text.push_str(text);
        self.end();
    }

    /// A text as the file has it; blanks at its end fill its width and mean nothing.
    pub(super) fn bytes(&mut self, bytes: &[u8], charset: Charset) {
        let (text, sound) = charset.text(trimmed(bytes));
        self.text.push_str(&text);
        self.unsound |= !sound;
        self.end();
    }

    /// A tagged missing value: `.A`.
    pub(super) fn tag(&mut self, tag: char) {
        self.text.push('.');
        self.text.push(tag);
        self.end();
    }

    /// A number that is a number, a date or a time by its display format.
    pub(super) fn value(&mut self, value: f64, form: Form) {
        if value.is_nan() {
            return self.missing();
        }
        if form == Form::Number || !form.write(value, &mut self.text) {
            number(value, &mut self.text);
        }
        self.end();
    }

    /// A number of four bytes: the shortest text that stands for it, `1.1` and not `1.100000023841858`.
    pub(super) fn single(&mut self, value: f32) {
        match value.fract() == 0.0 {
            true => number(f64::from(value), &mut self.text),
            false => put(&mut self.text, format_args!("{value}")),
        }
        self.end();
    }

    pub(super) fn integer(&mut self, value: i32) {
        put(&mut self.text, format_args!("{value}"));
        self.end();
    }

    fn cells(&self) -> impl Iterator<Item = Option<&str>> {
        let mut from = 0;
        self.ends.iter().map(move |end| {
            let cell = self.text.get(from..*end).filter(|cell| !cell.is_empty());
            from = *end;
            cell
        })
    }

    /// Hands the row on.
    pub(super) fn give(&self, number: u64, byte: u64, out: &mut dyn Output) -> Result<(), Failure> {
        match self.unsound {
            false => out.record(number, byte, &mut self.cells()),
            true => {
                let raw = self.cells().map(Option::unwrap_or_default).collect::<Vec<_>>().join("\t");
                out.damaged(number, byte, Damage::Unreadable, &raw, &mut self.cells())
            }
        }
    }
}

/// The shortest text of a number; an exponent only where it would have very many digits.
fn number(value: f64, to: &mut String) {
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    let size = value.abs();
    if value.fract() == 0.0 && size <= WHOLE {
        // A whole number of at most 53 bits.
        let whole = value as i64;
        put(to, format_args!("{whole}"));
    } else if (1e-7..1e21).contains(&size) || !size.is_finite() {
        put(to, format_args!("{value}"));
    } else {
        put(to, format_args!("{value:e}"));
    }
}

/// Writing to a text cannot fail.
pub(super) fn put(to: &mut String, what: std::fmt::Arguments<'_>) {
    let _ = to.write_fmt(what);
}
