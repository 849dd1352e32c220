//! A cell as delivered: blanks around it dropped, missing codes made null, and what was lost.
//!
//! Exports write "missing" in many ways (``, ` `, `ND`, `9`) and pad cells with blanks, no-break
//! spaces and stray byte order marks. Every other function wants a cell after that has been dealt
//! with, so `cell` runs first, on every column that a mapping uses; it only rewrites views and
//! copies no text. `failed` is the other end: it compares what went in with what came out.

use arrow::array::{Array, BooleanArray, StringViewArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature};

use super::column::{
    Arguments, Cell, INLINE, answer, any_arguments, buffers, cells, nulls, text_array, view,
};

/// `cell(text, trim, null_token…)` → Utf8View.
///
/// With `trim` (BOOLEAN) the blanks on both sides do not count: ASCII white space (bytes 9–13 and
/// 32), U+00A0, U+202F and U+FEFF. The result is null where it equals a token byte by byte; with
/// `trim` the tokens are trimmed as well, so that `" "` and `""` mean the same. Text is never copied.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CellOf;

impl ScalarUDFImpl for CellOf {
    fn name(&self) -> &str {
        "cell"
    }

    fn signature(&self) -> &Signature {
        any_arguments()
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let args = Arguments::new(self.name(), &args);
        let text = args.text_column(0)?;
        let trim = args.boolean(1)?;
        let tokens = Tokens::new(args.texts(2)?, trim);

        if let Some(untouched) = as_they_stand(&text, trim, &tokens) {
            return args.answer(0, untouched);
        }
        let mut views = Vec::with_capacity(text.len());
        let mut rows = cells(&text);
        let valid = BooleanBuffer::collect_bool(text.len(), |_| {
            let cell = rows
                .next()
                .map(|cell| if trim { trimmed_cell(cell) } else { cell });
            let kept = cell
                .filter(|cell| !tokens.contain(cell))
                .map(|cell| cell.view);
            views.push(kept.unwrap_or_default());
            kept.is_some()
        });
        // SAFETY: a view is the input's, zero (the empty text), or one that `trimmed_cell` moved
        // within the input's text along whole characters; `valid` has a bit for every row.
        let cells = unsafe { text_array(views, buffers(&text), nulls(text.nulls(), valid)) };
        args.answer(0, cells)
    }
}

/// The column with other nulls and the views it has, where no cell has blanks to drop: nearly all
/// columns are like that, and then no view is written anew.
fn as_they_stand(text: &StringViewArray, trim: bool, tokens: &Tokens<'_>) -> Option<StringViewArray> {
    let plain = |byte: u8| byte.wrapping_sub(33) < 95;
    let mut blanks = false;
    let mut rows = text.views().iter().zip(0..);
    let valid = BooleanBuffer::collect_bool(text.len(), |_| {
        let Some((view, at)) = rows.next() else { return false };
        let length = *view as u32;
        if length as usize <= INLINE {
            // Of an empty text the last byte is taken from its length, which is 0 then.
            let (first, last) = ((*view >> 32) as u8, (*view >> (24 + 8 * length)) as u8);
            blanks |= trim && length > 0 && !(plain(first) & plain(last));
            !tokens.short.contains(view)
        } else if text.is_null(at) {
            false
        } else {
            let bytes = text.value(at).as_bytes();
            blanks |= trim && !bytes.first().zip(bytes.last()).is_some_and(|(first, last)| plain(*first) && plain(*last));
            !tokens.long.contains(&bytes)
        }
    });
    if blanks {
        return None;
    }
    let (views, buffers, nulls_before) = text.clone().into_parts();
    // SAFETY: views and buffers are those of a column, and `valid` has a bit for every row.
    Some(unsafe { StringViewArray::new_unchecked(views, buffers, nulls(nulls_before.as_ref(), valid)) })
}

/// The tokens of one call: short ones as views, so that a comparison is one of integers.
struct Tokens<'a> {
    short: Vec<u128>,
    long: Vec<&'a [u8]>,
}

impl<'a> Tokens<'a> {
    fn new(tokens: Vec<&'a str>, trim: bool) -> Self {
        let tokens = tokens.into_iter().map(|token| {
            if trim {
                trimmed(token.as_bytes())
            } else {
                token.as_bytes()
            }
        });
        let (short, long): (Vec<_>, Vec<_>) = tokens.partition(|token| token.len() <= INLINE);
        Self {
            short: short.into_iter().map(|token| view(token, 0, 0)).collect(),
            long,
        }
    }

    #[inline]
    fn contain(&self, cell: &Cell<'_>) -> bool {
        match cell.bytes.len() <= INLINE {
            true => self.short.contains(&cell.view),
            false => self.long.contains(&cell.bytes),
        }
    }
}

/// Bytes of the blank that `text` begins with, 0 where it begins with none.
pub(super) fn blank_before(text: &[u8]) -> usize {
    match text {
        [b' ' | 9..=13, ..] => 1,
        [0xC2, 0xA0, ..] => 2,
        [0xE2, 0x80, 0xAF, ..] | [0xEF, 0xBB, 0xBF, ..] => 3,
        _ => 0,
    }
}

/// `text` without the blanks it begins with.
pub(super) fn after_blanks(text: &[u8]) -> &[u8] {
    let mut text = text;
    while blank_before(text) > 0 {
        text = text.get(blank_before(text)..).unwrap_or_default();
    }
    text
}

/// Bytes of the blank that `text` ends with, 0 where it ends with none.
fn blank_after(text: &[u8]) -> usize {
    match text {
        [.., b' ' | 9..=13] => 1,
        [.., 0xC2, 0xA0] => 2,
        [.., 0xE2, 0x80, 0xAF] | [.., 0xEF, 0xBB, 0xBF] => 3,
        _ => 0,
    }
}

/// `text` without the blanks on both sides.
pub(super) fn trimmed(text: &[u8]) -> &[u8] {
    let mut text = after_blanks(text);
    while blank_after(text) > 0 {
        text = text
            .get(..text.len() - blank_after(text))
            .unwrap_or_default();
    }
    text
}

/// The cell without the blanks on both sides; its view points into the same buffer.
#[inline]
fn trimmed_cell(cell: Cell<'_>) -> Cell<'_> {
    let plain = |byte: &u8| (33..128).contains(byte);
    match (cell.bytes.first(), cell.bytes.last()) {
        (Some(first), Some(last)) if !plain(first) || !plain(last) => moved_cell(cell),
        _ => cell,
    }
}

fn moved_cell(cell: Cell<'_>) -> Cell<'_> {
    let bytes = trimmed(cell.bytes);
    if bytes.len() == cell.bytes.len() {
        return cell;
    }
    let skipped = bytes.as_ptr().addr() - cell.bytes.as_ptr().addr();
    // Only a text longer than a view can leave one longer than a view, so `cell.view` then has an offset.
    match ((cell.view >> 96) as u32).checked_add(skipped as u32) {
        Some(offset) => Cell {
            view: view(bytes, (cell.view >> 64) as u32, offset),
            bytes,
        },
        None if bytes.len() <= INLINE => Cell {
            view: view(bytes, 0, 0),
            bytes,
        },
        None => cell,
    }
}

/// `failed(input, output)` → Boolean: null where `input` is null (nothing to lose), else true where
/// `output` is null. Both may be of any type; only their null bitmaps are read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Failed;

impl ScalarUDFImpl for Failed {
    fn name(&self) -> &str {
        "failed"
    }

    fn signature(&self) -> &Signature {
        any_arguments()
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let args = Arguments::new(self.name(), &args);
        args.exactly(2)?;
        let lost = match args.validity(1)? {
            Some(output) => !output.inner(),
            None => BooleanBuffer::new_unset(args.rows()),
        };
        let lost = BooleanArray::new(lost, args.validity(0)?);
        let constant = args.constant(&[0, 1]) && !lost.is_empty();
        answer(constant, if constant { lost.slice(0, 1) } else { lost })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        Array, ArrayRef, AsArray, BooleanArray, Int64Array, NullArray, StringViewArray,
    };
    use datafusion::common::ScalarValue;
    use datafusion::logical_expr::ColumnarValue;
    use proptest::prelude::*;

    use super::super::column::testing::{call, on_text, texts};
    use super::{CellOf, Failed, trimmed};

    fn cell(cells: &[Option<&str>], trim: bool, tokens: Vec<ScalarValue>) -> StringViewArray {
        let literals = std::iter::once(ScalarValue::from(trim))
            .chain(tokens)
            .collect::<Vec<_>>();
        on_text(CellOf, cells, &literals)
            .unwrap()
            .as_string_view()
            .clone()
    }

    #[test]
    fn blanks_and_missing_codes() {
        let cells = [
            Some("  ND "),
            Some("NR"),
            Some(""),
            Some("\u{a0}\u{202f}\u{feff}"),
            None,
            Some(" a b\t"),
            Some("nd"),
            Some("\r\n  carcinome canalaire infiltrant \u{a0}"),
            Some("   shortened   "),
            Some(" non renseigné à ce jour "),
        ];
        let tokens = texts(["", " ND", "NR", "non renseigné à ce jour"]);
        let expected = StringViewArray::from(vec![
            None,
            None,
            None,
            None,
            None,
            Some("a b"),
            Some("nd"),
            Some("carcinome canalaire infiltrant"),
            Some("shortened"),
            None,
        ]);
        assert_eq!(cell(&cells, true, tokens), expected);
    }

    #[test]
    fn untrimmed_cells_compare_as_they_are() {
        let cells = [Some(" ND"), Some("ND"), Some(" "), Some("")];
        let expected = StringViewArray::from(vec![Some(" ND"), None, Some(" "), None]);
        assert_eq!(cell(&cells, false, texts(["ND", ""])), expected);
    }

    #[test]
    fn text_is_not_copied() {
        let column = StringViewArray::from(vec![Some("  a text longer than a view  ")]);
        let args = vec![
            ColumnarValue::Array(Arc::new(column.clone())),
            ColumnarValue::Scalar(true.into()),
        ];
        let cells = call(CellOf, args, 1).unwrap().into_array(1).unwrap();
        assert_eq!(
            cells.as_string_view().data_buffers()[0].as_ptr(),
            column.data_buffers()[0].as_ptr()
        );
        assert_eq!(cells.as_string_view().value(0), "a text longer than a view");
    }

    #[test]
    fn wrong_literals_are_errors() {
        let column = ColumnarValue::Scalar("a".into());
        for wrong in [
            vec![],
            vec![ScalarValue::from("yes")],
            vec![true.into(), ScalarValue::Utf8(None)],
            vec![true.into(), 1.into()],
        ] {
            let args = std::iter::once(column.clone())
                .chain(wrong.into_iter().map(ColumnarValue::Scalar))
                .collect();
            assert!(call(CellOf, args, 1).is_err());
        }
        let number = ColumnarValue::Array(Arc::new(Int64Array::from(vec![1])));
        assert!(call(CellOf, vec![number, ColumnarValue::Scalar(true.into())], 1).is_err());
    }

    #[test]
    fn lost_values() {
        let input: ArrayRef = Arc::new(StringViewArray::from(vec![
            Some("a"),
            Some("1"),
            None,
            None,
        ]));
        let output: ArrayRef = Arc::new(Int64Array::from(vec![None, Some(1), None, Some(2)]));
        let failed =
            |a: ColumnarValue, b: ColumnarValue, rows| call(Failed, vec![a, b], rows).unwrap();
        let array = |a: &ArrayRef, b: &ArrayRef| {
            failed(
                ColumnarValue::Array(a.clone()),
                ColumnarValue::Array(b.clone()),
                a.len(),
            )
            .into_array(a.len())
            .unwrap()
        };
        assert_eq!(
            array(&input, &output).as_boolean(),
            &BooleanArray::from(vec![Some(true), Some(false), None, None])
        );
        // With an offset that is no multiple of 8.
        assert_eq!(
            array(&input.slice(1, 3), &output.slice(1, 3)).as_boolean(),
            &BooleanArray::from(vec![Some(false), None, None])
        );
        // A column of type Null has no bitmap of its own.
        let nothing: ArrayRef = Arc::new(NullArray::new(4));
        assert_eq!(
            array(&input, &nothing).as_boolean(),
            &BooleanArray::from(vec![Some(true), Some(true), None, None])
        );
        // Constants.
        let null = ColumnarValue::Scalar(ScalarValue::Int64(None));
        let lost = failed(ColumnarValue::Array(input.clone()), null.clone(), 4)
            .into_array(4)
            .unwrap();
        assert_eq!(
            lost.as_boolean(),
            &BooleanArray::from(vec![Some(true), Some(true), None, None])
        );
        let one = ColumnarValue::Scalar("1".into());
        assert!(matches!(
            failed(one.clone(), null.clone(), 5),
            ColumnarValue::Scalar(ScalarValue::Boolean(Some(true)))
        ));
        assert!(matches!(
            failed(one.clone(), one.clone(), 5),
            ColumnarValue::Scalar(ScalarValue::Boolean(Some(false)))
        ));
        assert!(matches!(
            failed(null, one, 5),
            ColumnarValue::Scalar(ScalarValue::Boolean(None))
        ));
    }

    proptest! {
        #[test]
        fn trims_as_the_standard_library(text in "[ \t\u{a0}\u{202f}\u{feff}aé\u{2000}€]{0,30}") {
            let blank = |c: char| matches!(c, ' ' | '\t'..='\r' | '\u{a0}' | '\u{202f}' | '\u{feff}');
            let expected = text.trim_matches(blank);
            prop_assert_eq!(trimmed(text.as_bytes()), expected.as_bytes());
            let column = cell(&[Some(&text), None], true, texts(["a"]));
            prop_assert_eq!(column.is_null(0), expected == "a");
            if expected != "a" {
                prop_assert_eq!(column.value(0), expected);
            }
        }
    }
}
