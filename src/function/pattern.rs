//! The shape of a text: a regular expression over all of it or found in it, and its length.

use arrow::array::{Array, PrimitiveArray, StringViewArray};
use arrow::datatypes::{DataType, FieldRef, Int64Type};
use datafusion::common::{Result, internal_err, plan_datafusion_err, plan_err};
use datafusion::logical_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature};
use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use super::column::{Arguments, any_arguments, boolean_column, cells, primitive_column};
use super::recode::{Mode, mode_field};

/// Bytes that a compiled pattern may take. A field's pattern needs some kilobytes; nested
/// repetitions such as `(.{1000}){1000}` would take all memory.
const PATTERN_BYTES: usize = 4 << 20;

/// `matches(text, pattern)` → Boolean: whether the whole text matches the regular expression (syntax
/// of the crate `regex`; time linear in the text). Null where the text is null.
///
/// The pattern is compiled once per batch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Matches;

impl ScalarUDFImpl for Matches {
    fn name(&self) -> &str {
        "matches"
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
        let text = args.text_column(0)?;
        let pattern =
            whole(args.text(1)?).map_err(|problem| plan_datafusion_err!("matches: {problem}"))?;
        args.answer(
            0,
            boolean_column(&text, |cell| Some(pattern.is_match(cell.bytes))),
        )
    }
}

/// Says why `pattern` cannot be used.
pub fn check_pattern(pattern: &str) -> Result<(), String> {
    whole(pattern).map(|_| ())
}

/// `pattern` over a whole text.
fn whole(pattern: &str) -> Result<Regex, String> {
    let compile = |pattern: &str| {
        RegexBuilder::new(pattern)
            .size_limit(PATTERN_BYTES)
            .build()
            .map_err(|error| error.to_string())
    };
    // By itself first, or the parenthesis too many of `a)|(b` would close the group around it.
    if pattern.contains(')') {
        compile(pattern)?;
    }
    let anchored = compile(&format!("^(?:{pattern})$"));
    // The line break ends a comment that a pattern in the mode (?x) may end with.
    anchored.or_else(|problem| compile(&format!("^(?:{pattern}\n)$")).map_err(|_| problem))
}

/// `match_first(text, mode, ignore_case, keep_unmatched, pattern1, value1, …)` → Utf8View, Int64 or Boolean, for
/// the mode `'text'`, `'integer'` or `'boolean'`: the value beside the first pattern that is found in the text.
///
/// Patterns have the syntax of the crate `regex` and are found anywhere in the text unless `^` and `$` say
/// otherwise; values are those of `recode`. A text in which none is found gives null; with
/// `keep_unmatched` it stays, in the mode `'text'`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MatchFirst;

impl ScalarUDFImpl for MatchFirst {
    fn name(&self) -> &str {
        "match_first"
    }

    fn signature(&self) -> &Signature {
        any_arguments()
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("match_first: the type follows from the mode, see return_field_from_args")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        mode_field(self.name(), args)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let args = Arguments::new(self.name(), &args);
        let text = args.text_column(0)?;
        let mode = Mode::named(self.name(), args.text(1)?)?;
        let keep = args.boolean(3)?;
        if !args.len().is_multiple_of(2) {
            return plan_err!("match_first: the last pattern has no value");
        }
        let patterns = (4..args.len()).step_by(2).map(|at| args.text(at)).collect::<Result<Vec<_>>>()?;
        let values = (5..args.len()).step_by(2).map(|at| args.text_or_null(at)).collect::<Result<Vec<_>>>()?;
        let patterns = set(&patterns, args.boolean(2)?).map_err(|problem| plan_datafusion_err!("match_first: {problem}"))?;
        let value = |cell: &[u8]| patterns.matches(cell).iter().next().and_then(|at| values.get(at).copied());
        match mode {
            Mode::Text => {
                let found = text.iter().map(|cell| {
                    let cell = cell?;
                    match value(cell.as_bytes()) {
                        Some(target) => target,
                        None => keep.then_some(cell),
                    }
                });
                args.answer(0, found.collect::<StringViewArray>())
            }
            Mode::Integer => args.answer(0, primitive_column::<Int64Type>(&text, |cell| value(cell.bytes)??.parse().ok())),
            Mode::Boolean => args.answer(0, boolean_column(&text, |cell| value(cell.bytes)??.parse().ok())),
        }
    }
}

/// `is_unmatched(text, ignore_case, pattern…)` → Boolean: null where the text is null, else true where none of
/// the patterns is found in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IsUnmatched;

impl ScalarUDFImpl for IsUnmatched {
    fn name(&self) -> &str {
        "is_unmatched"
    }

    fn signature(&self) -> &Signature {
        any_arguments()
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let args = Arguments::new(self.name(), &args);
        let text = args.text_column(0)?;
        let patterns = set(&args.texts(2)?, args.boolean(1)?).map_err(|problem| plan_datafusion_err!("is_unmatched: {problem}"))?;
        args.answer(0, boolean_column(&text, |cell| Some(!patterns.is_match(cell.bytes))))
    }
}

/// Says why `pattern` cannot be looked for.
pub fn check_search(pattern: &str) -> Result<(), String> {
    set(&[pattern], false).map(|_| ())
}

fn set(patterns: &[&str], ignore_case: bool) -> Result<RegexSet, String> {
    RegexSetBuilder::new(patterns).case_insensitive(ignore_case).size_limit(PATTERN_BYTES).build().map_err(|error| error.to_string())
}

/// `text_length(text)` → Int64: characters (Unicode scalar values) of the text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TextLength;

impl ScalarUDFImpl for TextLength {
    fn name(&self) -> &str {
        "text_length"
    }

    fn signature(&self) -> &Signature {
        any_arguments()
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let args = Arguments::new(self.name(), &args);
        args.exactly(1)?;
        let text = args.text_column(0)?;
        // Each character has exactly one byte that is no continuation byte (0x80–0xBF).
        let length =
            |bytes: &[u8]| bytes.iter().filter(|byte| (**byte as i8) >= -64).count() as i64;
        let lengths: Vec<_> = cells(&text).map(|cell| length(cell.bytes)).collect();
        args.answer(
            0,
            PrimitiveArray::<Int64Type>::new(lengths.into(), text.nulls().cloned()),
        )
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, BooleanArray, Int64Array};
    use arrow::datatypes::Int64Type;
    use proptest::prelude::*;

    use super::super::column::testing::{on_text, texts};
    use super::{IsUnmatched, MatchFirst, Matches, TextLength, check_pattern, check_search};

    #[test]
    fn the_first_pattern_that_is_found() {
        let map: [(&str, Option<&str>); 3] = [("^T1", Some("1")), ("(?i)t2[a-c]?$", Some("2")), ("X", None)];
        let cells = [Some("T1mi"), Some("pt2b"), Some("TX"), Some("T3"), None, Some("T1X")];
        let run = |mode: &str, keep: bool| {
            let pairs = map.iter().flat_map(|(pattern, value)| [(*pattern).into(), datafusion::common::ScalarValue::Utf8(value.map(String::from))]);
            let literals: Vec<_> = [mode.into(), false.into(), keep.into()].into_iter().chain(pairs).collect();
            on_text(MatchFirst, &cells, &literals).unwrap()
        };
        assert_eq!(run("integer", false).as_primitive::<Int64Type>(), &Int64Array::from(vec![Some(1), Some(2), None, None, None, Some(1)]));
        assert_eq!(run("text", true).as_string_view(), &arrow::array::StringViewArray::from(vec![Some("1"), Some("2"), None, Some("T3"), None, Some("1")]));
        let literals: Vec<_> = std::iter::once(false.into()).chain(texts(["^T1", "(?i)t2[a-c]?$", "X"])).collect();
        let unmatched = on_text(IsUnmatched, &cells, &literals).unwrap();
        assert_eq!(unmatched.as_boolean(), &BooleanArray::from(vec![Some(false), Some(false), Some(false), Some(true), None, Some(false)]));
        assert!(check_search("^T1").is_ok() && check_search("(T1").is_err() && check_search("(.{1000}){1000}").is_err());
    }

    fn matches(cells: &[Option<&str>], pattern: &str) -> BooleanArray {
        on_text(Matches, cells, &texts([pattern]))
            .unwrap()
            .as_boolean()
            .clone()
    }

    #[test]
    fn the_whole_text_matches() {
        let cells = [
            Some("C50.9"),
            Some("C50"),
            Some("xC50.9"),
            Some("C50.9\n"),
            Some("C50.9 "),
            Some(""),
            None,
        ];
        let expected = vec![
            Some(true),
            Some(true),
            Some(false),
            Some(false),
            Some(false),
            Some(false),
            None,
        ];
        assert_eq!(
            matches(&cells, "C[0-9]{2}(\\.[0-9])?"),
            BooleanArray::from(expected)
        );
        // An alternative does not escape the anchors, nor does a mode that the pattern sets.
        assert_eq!(
            matches(&[Some("ab"), Some("a"), Some("b")], "a|b"),
            BooleanArray::from(vec![false, true, true])
        );
        assert_eq!(
            matches(&[Some("a\nb"), Some("a")], "(?m)a"),
            BooleanArray::from(vec![false, true])
        );
        assert_eq!(
            matches(&[Some("12"), Some("1a")], "(?x) [0-9]+ # digits"),
            BooleanArray::from(vec![true, false])
        );
        assert_eq!(
            matches(&[Some("é"), Some("éé")], "."),
            BooleanArray::from(vec![true, false])
        );
    }

    #[test]
    fn wrong_patterns_are_errors() {
        for pattern in ["(", "a)|(b", "[", "(.{1000}){1000}", "a{2,1}"] {
            assert!(check_pattern(pattern).is_err(), "{pattern}");
            assert!(
                on_text(Matches, &[Some("a")], &texts([pattern])).is_err(),
                "{pattern}"
            );
        }
        assert_eq!(check_pattern("[0-9]{13}([0-9]{2})?"), Ok(()));
    }

    #[test]
    fn lengths_in_characters() {
        let cells = [
            Some(""),
            Some("abc"),
            Some("Évolution défavorable"),
            Some("€"),
            None,
        ];
        let lengths = on_text(TextLength, &cells, &[]).unwrap();
        assert_eq!(
            lengths.as_primitive::<Int64Type>(),
            &Int64Array::from(vec![Some(0), Some(3), Some(21), Some(1), None])
        );
    }

    proptest! {
        #[test]
        fn lengths_as_the_standard_library_counts(text in "\\PC{0,40}") {
            let lengths = on_text(TextLength, &[Some(&text)], &[]).unwrap();
            prop_assert_eq!(lengths.as_primitive::<Int64Type>().value(0), text.chars().count() as i64);
        }
    }
}
