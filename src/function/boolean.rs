//! Words for yes and no.
//!
//! Each site has its own (`oui`/`non`, `O`/`N`, `1`/`0`, `D`/`V`); the mapping lists them, and a
//! word in neither list is null rather than false.

use arrow::datatypes::DataType;
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature};

use super::column::{Arguments, any_arguments, boolean_column};
use super::lookup::Keys;

/// `parse_boolean(text, ignore_case, true_words, false_words)` → Boolean.
///
/// Each list of words is one text literal, the words joined by U+001F; an empty literal is an empty
/// list. With `ignore_case` words compare by the lower case of each character. A word in both lists
/// is an error.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ParseBoolean;

impl ScalarUDFImpl for ParseBoolean {
    fn name(&self) -> &str {
        "parse_boolean"
    }

    fn signature(&self) -> &Signature {
        any_arguments()
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let args = Arguments::new(self.name(), &args);
        args.exactly(4)?;
        let text = args.text_column(0)?;
        let ignore_case = args.boolean(1)?;
        let (yes, no) = (words(args.text(2)?), words(args.text(3)?));
        let same = |a: &str, b: &str| a == b || ignore_case && a.to_lowercase() == b.to_lowercase();
        if let Some(word) = yes.iter().find(|yes| no.iter().any(|no| same(yes, no))) {
            return plan_err!("parse_boolean: {word:?} stands for true and for false");
        }
        let truths = yes.len();
        let keys = Keys::new(&[yes, no].concat(), ignore_case);
        let mut scratch = Vec::new();
        args.answer(
            0,
            boolean_column(&text, |cell| {
                keys.find(cell, &mut scratch).map(|at| at < truths)
            }),
        )
    }
}

fn words(joined: &str) -> Vec<&str> {
    joined
        .split('\u{1f}')
        .filter(|_| !joined.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, BooleanArray};
    use datafusion::common::ScalarValue;

    use super::super::column::testing::on_text;
    use super::ParseBoolean;

    fn literals(ignore_case: bool, yes: &str, no: &str) -> [ScalarValue; 3] {
        [ignore_case.into(), yes.into(), no.into()]
    }

    #[test]
    fn words_of_a_site() {
        let cells = [
            Some("oui"),
            Some("O"),
            Some("non"),
            Some("NON"),
            Some("peut-être"),
            Some(""),
            None,
        ];
        let read = on_text(
            ParseBoolean,
            &cells,
            &literals(false, "oui\u{1f}O", "non\u{1f}N"),
        )
        .unwrap();
        assert_eq!(
            read.as_boolean(),
            &BooleanArray::from(vec![
                Some(true),
                Some(true),
                Some(false),
                None,
                None,
                None,
                None
            ])
        );
        let read = on_text(
            ParseBoolean,
            &cells,
            &literals(true, "OUI\u{1f}o", "Non\u{1f}n"),
        )
        .unwrap();
        assert_eq!(
            read.as_boolean(),
            &BooleanArray::from(vec![
                Some(true),
                Some(true),
                Some(false),
                Some(false),
                None,
                None,
                None
            ])
        );
    }

    #[test]
    fn one_sided_lists_and_long_words() {
        let cells = [
            Some("effectué en totalité"),
            Some("EFFECTUÉ EN TOTALITÉ"),
            Some(""),
            Some("x"),
        ];
        let read = on_text(
            ParseBoolean,
            &cells,
            &literals(true, "effectué en totalité", ""),
        )
        .unwrap();
        assert_eq!(
            read.as_boolean(),
            &BooleanArray::from(vec![Some(true), Some(true), None, None])
        );
    }

    #[test]
    fn more_than_sixty_four_rows() {
        let cells: Vec<_> = (0..200).map(|at| Some(["1", "0", "?"][at % 3])).collect();
        let read = on_text(ParseBoolean, &cells, &literals(false, "1", "0")).unwrap();
        let expected: BooleanArray = (0..200)
            .map(|at| [Some(true), Some(false), None][at % 3])
            .collect();
        assert_eq!(read.as_boolean(), &expected);
    }

    #[test]
    fn a_word_for_both_is_an_error() {
        assert!(on_text(ParseBoolean, &[Some("a")], &literals(true, "N", "n")).is_err());
        assert!(on_text(ParseBoolean, &[Some("a")], &literals(false, "N", "n")).is_ok());
        assert!(on_text(ParseBoolean, &[Some("a")], &[true.into(), "a".into()]).is_err());
    }
}
