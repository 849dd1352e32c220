//! Raw codes to target values.
//!
//! A map such as `{I: 1, II: 2, III: 3}` is the heart of most mappings, and the column it reads is
//! often the widest of the export. The keys travel as literals and are compared as views: a key of
//! up to twelve bytes is one integer, so a small map is a handful of integer comparisons and a
//! large one a hash table of integers. The targets are made ready once, as views or numbers.
//!
//! A small table is built once per batch, which is nothing for dozens of keys. A large one travels as
//! two lists in two literals and is made ready once (see `lookup`), so that tens of thousands of codes
//! cost what dozens do.

use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, StringViewArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::{Result, ScalarValue, internal_err, plan_datafusion_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature,
};

use super::column::{Arguments, Cell, Store, any_arguments, boolean_column, cells, nulls, primitive_column, text_array};
use super::lookup::{Keys, prepared};

/// `recode(text, mode, ignore_case, keep_unmapped, key1, value1, key2, value2, …)` → Utf8View,
/// Int64 or Boolean, for the mode `'text'`, `'integer'` or `'boolean'`.
///
/// Values are text literals in every mode (`'2'`, `'true'`), or NULL where the target is missing.
/// In place of the pairs there may be two lists of texts, the keys and their values.
/// The first of equal keys counts. With `ignore_case` the keys compare by the lower case of each
/// character, accents included. A text that is no key gives null; with `keep_unmapped` it stays,
/// in the other modes only where it reads as one of their values. `is_unmapped` tells a key whose
/// target is missing from a text that is no key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Recode;

impl ScalarUDFImpl for Recode {
    fn name(&self) -> &str {
        "recode"
    }

    fn signature(&self) -> &Signature {
        any_arguments()
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("recode: the type follows from the mode, see return_field_from_args")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        mode_field(self.name(), args)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let args = Arguments::new(self.name(), &args);
        let text = args.text_column(0)?;
        let mode = Mode::named(self.name(), args.text(1)?)?;
        let keep = args.boolean(3)?;
        if let Some(list) = args.list(4) {
            args.exactly(6)?;
            let keys = prepared(self.name(), list, args.boolean(2)?)?;
            return listed(&args, &text, mode, keep, &keys);
        }
        if !args.len().is_multiple_of(2) {
            return plan_err!("recode: the last key has no value");
        }
        let keys = (4..args.len())
            .step_by(2)
            .map(|at| args.text(at))
            .collect::<Result<Vec<_>>>()?;
        let values = (5..args.len())
            .step_by(2)
            .map(|at| args.text_or_null(at))
            .collect::<Result<Vec<_>>>()?;
        let keys = Keys::new(&keys, args.boolean(2)?);
        let mut scratch = Vec::new();

        match mode {
            Mode::Text => {
                let before = if keep { text.data_buffers() } else { &[] };
                let mut store = Store::after(before.len());
                let targets: Vec<_> = values
                    .iter()
                    .map(|value| value.map(|value| store.keep(value.as_bytes())))
                    .collect();
                let mut views = Vec::with_capacity(text.len());
                let mut rows = cells(&text);
                let valid = BooleanBuffer::collect_bool(text.len(), |_| {
                    let target = rows
                        .next()
                        .and_then(|cell| match keys.find(cell, &mut scratch) {
                            Some(key) => targets.get(key).copied().flatten(),
                            None => keep.then_some(cell.view),
                        });
                    views.push(target.unwrap_or_default());
                    target.is_some()
                });
                // SAFETY: a view is the store's or, with `keep`, the input's, whose buffers then
                // come first; zero is the empty text; `valid` has a bit for every row.
                let recoded =
                    unsafe { text_array(views, store.finish(before), nulls(text.nulls(), valid)) };
                args.answer(0, recoded)
            }
            Mode::Integer => {
                let targets = targets(&values, integer)?;
                args.answer(
                    0,
                    primitive_column::<Int64Type>(&text, |cell| {
                        match keys.find(cell, &mut scratch) {
                            Some(key) => targets.get(key).copied().flatten(),
                            None if keep => integer(cell.bytes),
                            None => None,
                        }
                    }),
                )
            }
            Mode::Boolean => {
                let targets = targets(&values, boolean)?;
                args.answer(
                    0,
                    boolean_column(&text, |cell| match keys.find(cell, &mut scratch) {
                        Some(key) => targets.get(key).copied().flatten(),
                        None if keep => boolean(cell.bytes),
                        None => None,
                    }),
                )
            }
        }
    }
}

/// `recode` by two lists. Values are looked at where they occur: most of a large list does not.
fn listed(args: &Arguments<'_>, text: &StringViewArray, mode: Mode, keep: bool, keys: &Keys) -> Result<ColumnarValue> {
    let values = args.list(5).and_then(|list| list.values().as_string_view_opt().cloned());
    let values = values.ok_or_else(|| plan_datafusion_err!("recode: argument 6 must be a list of texts"))?;
    let value = |at: usize| (at < values.len() && values.is_valid(at)).then(|| values.value(at).as_bytes());
    let mut scratch = Vec::new();
    match mode {
        Mode::Text => {
            let before = if keep { text.data_buffers() } else { &[] };
            let mut store = Store::after(before.len());
            let mut views = Vec::with_capacity(text.len());
            let mut rows = cells(text);
            let valid = BooleanBuffer::collect_bool(text.len(), |_| {
                let target = rows.next().and_then(|cell| match keys.find(cell, &mut scratch) {
                    Some(key) => value(key).map(|value| store.keep(value)),
                    None => keep.then_some(cell.view),
                });
                views.push(target.unwrap_or_default());
                target.is_some()
            });
            // SAFETY: as in `recode` by pairs.
            let recoded = unsafe { text_array(views, store.finish(before), nulls(text.nulls(), valid)) };
            args.answer(0, recoded)
        }
        Mode::Integer => {
            let target = |cell: Cell<'_>| match keys.find(cell, &mut scratch) {
                Some(key) => value(key).and_then(integer),
                None if keep => integer(cell.bytes),
                None => None,
            };
            args.answer(0, primitive_column::<Int64Type>(text, target))
        }
        Mode::Boolean => {
            let target = |cell: Cell<'_>| match keys.find(cell, &mut scratch) {
                Some(key) => value(key).and_then(boolean),
                None if keep => boolean(cell.bytes),
                None => None,
            };
            args.answer(0, boolean_column(text, target))
        }
    }
}

/// `is_unmapped(text, ignore_case, key1, key2, …)` → Boolean: null where the text is null, else
/// true where it is none of the keys of a `recode`. In place of the keys there may be a list of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IsUnmapped;

impl ScalarUDFImpl for IsUnmapped {
    fn name(&self) -> &str {
        "is_unmapped"
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
        let keys = match args.list(2) {
            Some(list) => prepared(self.name(), list, args.boolean(1)?)?,
            None => Arc::new(Keys::new(&args.texts(2)?, args.boolean(1)?)),
        };
        let (mut rows, mut scratch) = (cells(&text), Vec::new());
        let unmapped = BooleanBuffer::collect_bool(text.len(), |_| {
            rows.next()
                .is_some_and(|cell| keys.find(cell, &mut scratch).is_none())
        });
        args.answer(0, BooleanArray::new(unmapped, text.nulls().cloned()))
    }
}

/// What a function whose mode is its second argument gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Text,
    Integer,
    Boolean,
}

impl Mode {
    pub(super) fn named(function: &str, name: &str) -> Result<Self> {
        Ok(match name {
            "text" => Self::Text,
            "integer" => Self::Integer,
            "boolean" => Self::Boolean,
            other => {
                return plan_err!(
                    "{function}: no mode {other:?}; there are text, integer, boolean"
                );
            }
        })
    }
}

/// The type that the literal mode (second argument) of `function` calls for.
pub(super) fn mode_field(function: &str, args: ReturnFieldArgs) -> Result<FieldRef> {
    let mode = args
        .scalar_arguments
        .get(1)
        .copied()
        .flatten()
        .and_then(ScalarValue::try_as_str)
        .flatten();
    let mode = mode.ok_or_else(|| {
        plan_datafusion_err!("{function}: argument 2 must be a text literal, the mode")
    })?;
    let data_type = match Mode::named(function, mode)? {
        Mode::Text => DataType::Utf8View,
        Mode::Integer => DataType::Int64,
        Mode::Boolean => DataType::Boolean,
    };
    Ok(Arc::new(Field::new(function, data_type, true)))
}

fn targets<T>(
    values: &[Option<&str>],
    read: impl Fn(&[u8]) -> Option<T>,
) -> Result<Vec<Option<T>>> {
    let target = |value: &Option<&str>| match value {
        None => Ok(None),
        Some(value) => match read(value.as_bytes()) {
            Some(target) => Ok(Some(target)),
            None => plan_err!("recode: the value {value:?} is not of the mode's type"),
        },
    };
    values.iter().map(target).collect()
}

fn integer(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn boolean(text: &[u8]) -> Option<bool> {
    match text {
        b"true" => Some(true),
        b"false" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use arrow::array::{AsArray, BooleanArray, Int64Array, StringViewArray};
    use arrow::datatypes::Int64Type;
    use datafusion::common::utils::SingleRowListArrayBuilder;
    use datafusion::common::{Result, ScalarValue};
    use proptest::prelude::*;

    use super::super::column::{testing::on_text, view};
    use super::super::lookup::ascii_lower;
    use super::{IsUnmapped, Recode};

    fn literals(
        mode: &str,
        ignore_case: bool,
        keep: bool,
        map: &[(&str, Option<&str>)],
    ) -> Vec<ScalarValue> {
        let pairs = map.iter().flat_map(|(key, value)| {
            [
                ScalarValue::from(*key),
                ScalarValue::Utf8(value.map(String::from)),
            ]
        });
        [mode.into(), ignore_case.into(), keep.into()]
            .into_iter()
            .chain(pairs)
            .collect()
    }

    const GRADES: [(&str, Option<&str>); 4] = [
        ("I", Some("1")),
        ("II", Some("2")),
        ("III", Some("3")),
        ("inconnu", None),
    ];
    const CELLS: [Option<&str>; 8] = [
        Some("I"),
        Some("III"),
        Some("inconnu"),
        Some("IV"),
        None,
        Some("ii"),
        Some("7"),
        Some("a text longer than a view"),
    ];

    #[test]
    fn to_integers() {
        let grades = on_text(Recode, &CELLS, &literals("integer", false, false, &GRADES)).unwrap();
        assert_eq!(
            grades.as_primitive::<Int64Type>(),
            &Int64Array::from(vec![Some(1), Some(3), None, None, None, None, None, None])
        );
        let grades = on_text(Recode, &CELLS, &literals("integer", true, true, &GRADES)).unwrap();
        assert_eq!(
            grades.as_primitive::<Int64Type>(),
            &Int64Array::from(vec![
                Some(1),
                Some(3),
                None,
                None,
                None,
                Some(2),
                Some(7),
                None
            ])
        );
    }

    #[test]
    fn to_texts() {
        let map = [
            ("oui", Some("post")),
            ("non", Some("a target longer than a view")),
            ("?", None),
        ];
        let cells = [
            Some("oui"),
            Some("non"),
            Some("?"),
            Some("une réponse inattendue"),
            Some("OUI"),
            None,
        ];
        let kept = on_text(Recode, &cells, &literals("text", false, true, &map)).unwrap();
        let expected = vec![
            Some("post"),
            Some("a target longer than a view"),
            None,
            Some("une réponse inattendue"),
            Some("OUI"),
            None,
        ];
        assert_eq!(kept.as_string_view(), &StringViewArray::from(expected));
        let dropped = on_text(Recode, &cells, &literals("text", true, false, &map)).unwrap();
        let expected = vec![
            Some("post"),
            Some("a target longer than a view"),
            None,
            None,
            Some("post"),
            None,
        ];
        assert_eq!(dropped.as_string_view(), &StringViewArray::from(expected));
    }

    #[test]
    fn to_booleans() {
        let map = [("D", Some("true")), ("V", Some("false")), ("", None)];
        let cells = [Some("D"), Some("V"), Some(""), Some("true"), None];
        let dead = on_text(Recode, &cells, &literals("boolean", false, true, &map)).unwrap();
        assert_eq!(
            dead.as_boolean(),
            &BooleanArray::from(vec![Some(true), Some(false), None, Some(true), None])
        );
    }

    #[test]
    fn large_maps_travel_as_lists() {
        let list = |texts: Vec<Option<String>>| {
            let texts: StringViewArray = texts.into_iter().collect();
            SingleRowListArrayBuilder::new(std::sync::Arc::new(texts)).build_list_scalar()
        };
        let numbers = || (0..50_000).map(|n| Some(n.to_string()));
        let codes = list(numbers().collect());
        let texts = list((0..50_000).map(|n| (n != 7).then(|| format!("the text of number {n}"))).collect());
        let cells = [Some("1"), Some("49999"), Some("7"), Some("50000"), None];
        for _ in 0..2 {
            let recoded = on_text(Recode, &cells, &["text".into(), false.into(), false.into(), codes.clone(), texts.clone()]).unwrap();
            let expected = vec![Some("the text of number 1"), Some("the text of number 49999"), None, None, None];
            assert_eq!(recoded.as_string_view(), &StringViewArray::from(expected));
        }
        let recoded = on_text(Recode, &cells, &["integer".into(), true.into(), true.into(), codes.clone(), codes.clone()]).unwrap();
        assert_eq!(recoded.as_primitive::<Int64Type>(), &Int64Array::from(vec![Some(1), Some(49_999), Some(7), Some(50_000), None]));
        let unmapped = on_text(IsUnmapped, &cells, &[false.into(), codes]).unwrap();
        assert_eq!(unmapped.as_boolean(), &BooleanArray::from(vec![Some(false), Some(false), Some(false), Some(true), None]));
    }

    #[test]
    fn texts_that_are_no_key() {
        let keys = |ignore_case: bool| {
            std::iter::once(ignore_case.into())
                .chain(GRADES.map(|(key, _)| key.into()))
                .collect::<Vec<_>>()
        };
        let unmapped = on_text(IsUnmapped, &CELLS, &keys(false)).unwrap();
        let expected = vec![
            Some(false),
            Some(false),
            Some(false),
            Some(true),
            None,
            Some(true),
            Some(true),
            Some(true),
        ];
        assert_eq!(unmapped.as_boolean(), &BooleanArray::from(expected));
        let unmapped = on_text(IsUnmapped, &CELLS, &keys(true)).unwrap();
        assert!(!unmapped.as_boolean().value(5));
    }

    #[test]
    fn case_is_folded_beyond_ascii() {
        let map = [
            ("Ménopausée", Some("post")),
            ("ÉTÉ", Some("summer")),
            ("Carcinome Épidermoïde", Some("scc")),
        ];
        let cells = [
            Some("MÉNOPAUSÉE"),
            Some("été"),
            Some("CARCINOME ÉPIDERMOÏDE"),
            Some("ete"),
        ];
        let recoded = on_text(Recode, &cells, &literals("text", true, false, &map)).unwrap();
        assert_eq!(
            recoded.as_string_view(),
            &StringViewArray::from(vec![Some("post"), Some("summer"), Some("scc"), None])
        );
    }

    #[test]
    fn wrong_literals_are_errors() {
        let run = |literals: &[ScalarValue]| on_text(Recode, &[Some("a")], literals).map(|_| ());
        let wrong = |result: Result<()>| assert!(result.is_err());
        wrong(run(&literals("number", false, false, &[])));
        wrong(run(&literals(
            "integer",
            false,
            false,
            &[("a", Some("1.5"))],
        )));
        wrong(run(&literals(
            "boolean",
            false,
            false,
            &[("a", Some("yes"))],
        )));
        let mut odd = literals("text", false, false, &[("a", Some("b"))]);
        odd.pop();
        wrong(run(&odd));
        wrong(run(&[
            "text".into(),
            false.into(),
            false.into(),
            ScalarValue::Utf8(None),
            "b".into(),
        ]));
    }

    proptest! {
        #[test]
        fn as_a_standard_map(
            keys in proptest::collection::vec("[a-cA-Cé]{0,3}|[a-c]{11,14}", 0..40),
            cells in proptest::collection::vec("[a-cA-Cé]{0,3}|[a-c]{11,14}", 1..40),
            ignore_case: bool,
        ) {
            let fold = |text: &str| if ignore_case { text.to_lowercase() } else { text.to_owned() };
            let mut map = HashMap::new();
            let values: Vec<String> = (0..keys.len()).map(|at| at.to_string()).collect();
            let pairs: Vec<_> = keys.iter().zip(&values).map(|(key, value)| (key.as_str(), Some(value.as_str()))).collect();
            for (at, key) in keys.iter().enumerate() {
                map.entry(fold(key)).or_insert(at as i64);
            }
            let column: Vec<_> = cells.iter().map(|cell| Some(cell.as_str())).collect();
            let recoded = on_text(Recode, &column, &literals("integer", ignore_case, false, &pairs)).unwrap();
            let expected: Int64Array = cells.iter().map(|cell| map.get(&fold(cell)).copied()).collect();
            prop_assert_eq!(recoded.as_primitive::<Int64Type>(), &expected);
        }

        #[test]
        fn short_texts_are_lowered_at_once(text in "[ -~]{0,12}") {
            prop_assert_eq!(ascii_lower(view(text.as_bytes(), 0, 0)), view(text.to_ascii_lowercase().as_bytes(), 0, 0));
        }
    }
}
