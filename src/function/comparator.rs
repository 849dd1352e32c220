//! Numbers with a comparator, as a laboratory writes what is below or above its range: `<0,1`.
//!
//! The comparator and the number are two values. `without_comparator` leaves what a number is read from;
//! `comparator` tells on which side of it the measurement is.

use arrow::array::{Array, StringViewArray};
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature};

use super::cell::after_blanks;
use super::column::{Arguments, any_arguments, cells};

/// How comparators are written, and the one that is meant; the longer ones first.
const COMPARATORS: [(&str, &str); 10] = [
    ("<=", "<="),
    ("=<", "<="),
    ("≤", "<="),
    ("<", "<"),
    (">=", ">="),
    ("=>", ">="),
    ("≥", ">="),
    (">", ">"),
    ("==", "="),
    ("=", "="),
];

/// The comparator that `text` begins with (`=` where it begins with none), and what follows it and blanks.
pub(super) fn split_comparator(text: &[u8]) -> (&'static str, &[u8]) {
    let found = COMPARATORS.iter().find_map(|(written, meant)| Some((*meant, text.strip_prefix(written.as_bytes())?)));
    found.map_or(("=", text), |(meant, rest)| (meant, after_blanks(rest)))
}

/// `without_comparator(text)` → Utf8View: the text after `<`, `<=`, `=<`, `≤`, `>`, `>=`, `=>`, `≥` or `=`
/// and the blanks behind it; the text itself where it begins with none of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WithoutComparator;

impl ScalarUDFImpl for WithoutComparator {
    fn name(&self) -> &str {
        "without_comparator"
    }

    fn signature(&self) -> &Signature {
        any_arguments()
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let args = Arguments::new(self.name(), &args);
        args.exactly(1)?;
        let text = args.text_column(0)?;
        let rests = text.iter().map(|cell| {
            let cell = cell?;
            // What is cut off is whole characters.
            cell.get(cell.len() - split_comparator(cell.as_bytes()).1.len()..)
        });
        args.answer(0, rests.collect::<StringViewArray>())
    }
}

/// `comparator(text, number)` → Utf8View: `<`, `<=`, `>`, `>=`, or `=` where the text has none; null where the
/// text or the number that was read from it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Comparator;

impl ScalarUDFImpl for Comparator {
    fn name(&self) -> &str {
        "comparator"
    }

    fn signature(&self) -> &Signature {
        any_arguments()
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let args = Arguments::new(self.name(), &args);
        args.exactly(2)?;
        let (text, number) = (args.text_column(0)?, args.validity(1)?);
        let read = |row: usize| text.is_valid(row) && number.as_ref().is_none_or(|valid| row < valid.len() && valid.is_valid(row));
        let words = cells(&text).enumerate().map(|(row, cell)| read(row).then(|| split_comparator(cell.bytes).0));
        args.answer(0, words.collect::<StringViewArray>())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{AsArray, Float64Array, StringViewArray};
    use datafusion::logical_expr::ColumnarValue;

    use super::super::column::testing::{call, on_text};
    use super::{Comparator, WithoutComparator, split_comparator};

    #[test]
    fn comparators_and_what_follows() {
        for (text, comparator, rest) in [
            ("<0,1", "<", "0,1"), ("< 0,1", "<", "0,1"), ("<=5", "<=", "5"), ("≤\u{a0}5", "<=", "5"), ("=<5", "<=", "5"), (">100", ">", "100"), (">= 4", ">=", "4"), ("≥4", ">=", "4"),
            ("=3", "=", "3"), ("3", "=", "3"), ("<", "<", ""), ("", "=", ""), ("3<", "=", "3<"), ("<<3", "<", "<3"),
        ] {
            assert_eq!(split_comparator(text.as_bytes()), (comparator, rest.as_bytes()), "{text}");
        }
    }

    #[test]
    fn columns() {
        let cells = [Some("< 0,1"), Some("12"), None, Some("> x")];
        let rests = on_text(WithoutComparator, &cells, &[]).unwrap();
        assert_eq!(rests.as_string_view(), &StringViewArray::from(vec![Some("0,1"), Some("12"), None, Some("x")]));
        let text = ColumnarValue::Array(Arc::new(StringViewArray::from(cells.to_vec())));
        let number = ColumnarValue::Array(Arc::new(Float64Array::from(vec![Some(0.1), Some(12.0), None, None])));
        let words = call(Comparator, vec![text, number], 4).unwrap().into_array(4).unwrap();
        assert_eq!(words.as_string_view(), &StringViewArray::from(vec![Some("<"), Some("="), None, None]));
    }
}
