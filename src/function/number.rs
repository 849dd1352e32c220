//! Numbers as hospitals write them, in the schema's unit.
//!
//! `1 234,5` and `1,234.5` are the same number under different marks, and a tumour of `2,3` cm is
//! 23 mm. Reading and converting happen at once, see [`decimal`](super::decimal).

use std::sync::Arc;

use arrow::array::Array;
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Int64Type};
use datafusion::common::{Result, ScalarValue, internal_err, plan_datafusion_err, plan_err};
use datafusion::logical_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature};

use super::column::{Arguments, any_arguments, cells, primitive_column};
use super::decimal::{Marks, Scale};

/// `parse_number(text, decimal, group, numerator, denominator, offset)` → Float64:
/// text × numerator / denominator + offset.
///
/// The text is an optional sign (`+`, `-`, `−`), digits with an optional decimal part, and an
/// optional exponent (`1.5e-3`); at least one digit, nothing before or after. `decimal` is one ASCII
/// character. `group` is one character or NULL: it may stand between groups of three digits before
/// the decimal mark, all of them or none (`1,234,567`, not `1,234567`). A blank as `group` also
/// accepts U+00A0, U+202F and U+2009, an apostrophe also ’. Everything else is null, as is a
/// result that is not finite. There is no negative zero.
///
/// The factor and `offset` are taken as the decimal numbers that print them (25.4 is 254 / 10), and
/// the product is rounded once wherever digits × numerator stay below 2^53 and the powers of ten
/// within 10^22; the offset is one more addition.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ParseNumber;

impl ScalarUDFImpl for ParseNumber {
    fn name(&self) -> &str {
        "parse_number"
    }

    fn signature(&self) -> &Signature {
        any_arguments()
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let args = Arguments::new(self.name(), &args);
        let (marks, scale) = literals(&args, self.name())?;
        let text = args.text_column(0)?;
        args.answer(
            0,
            primitive_column::<Float64Type>(&text, |cell| scale.float(cell.bytes, marks)),
        )
    }
}

/// `parse_integer(text, decimal, group, numerator, denominator, offset)` → Int64: the text as
/// `parse_number` reads it, and exact.
///
/// Where text is not converted (numerator = denominator, offset 0) a fraction other than zero is
/// null (`12.0` is 12, `12.5` is null). A converted number is rounded, halves away from zero. Null
/// outside Int64.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ParseInteger;

impl ScalarUDFImpl for ParseInteger {
    fn name(&self) -> &str {
        "parse_integer"
    }

    fn signature(&self) -> &Signature {
        any_arguments()
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let args = Arguments::new(self.name(), &args);
        let (marks, scale) = literals(&args, self.name())?;
        let text = args.text_column(0)?;
        args.answer(
            0,
            primitive_column::<Int64Type>(&text, |cell| scale.integer(cell.bytes, marks)),
        )
    }
}

/// `parse_number_in(text, unit, mode, decimal, group, unit1, numerator1, denominator1, offset1, …)` →
/// Float64 or Int64, for the mode `'number'` or `'integer'`: the text as `parse_number` or
/// `parse_integer` reads it, scaled by the factor of its row's unit.
///
/// Units are compared byte by byte. NULL among the units is the missing one. Null where the text cannot
/// be read, or the unit is none of those listed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ParseNumberIn;

impl ScalarUDFImpl for ParseNumberIn {
    fn name(&self) -> &str {
        "parse_number_in"
    }

    fn signature(&self) -> &Signature {
        any_arguments()
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("parse_number_in: the type follows from the mode, see return_field_from_args")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let mode = args.scalar_arguments.get(2).copied().flatten().and_then(ScalarValue::try_as_str).flatten();
        let data_type = match mode {
            Some("number") => DataType::Float64,
            Some("integer") => DataType::Int64,
            other => return plan_err!("parse_number_in: the mode is number or integer, not {other:?}"),
        };
        Ok(Arc::new(Field::new(self.name(), data_type, true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let args = Arguments::new(self.name(), &args);
        let told = |problem| plan_datafusion_err!("parse_number_in: {problem}");
        let marks = Marks::new(args.text(3)?, args.text_or_null(4)?).map_err(told)?;
        if args.len() % 4 != 1 {
            return plan_err!("parse_number_in: each unit has numerator, denominator and offset");
        }
        let scale = |at: usize| Scale::new(args.number(at + 1)?, args.number(at + 2)?, args.number(at + 3)?).map_err(told);
        let units = (5..args.len()).step_by(4).map(|at| Ok((args.text_or_null(at)?, scale(at)?))).collect::<Result<Vec<_>>>()?;
        let (text, unit) = (args.text_column_of(0)?, args.text_column_of(1)?);
        // A site has few units, and nearly every row the one of the row before.
        let mut last = 0;
        let mut rows = cells(&unit).enumerate();
        let mut scale = || {
            let (row, cell) = rows.next()?;
            let written = unit.is_valid(row).then_some(cell.bytes);
            if units.get(last).is_none_or(|(listed, _)| listed.map(str::as_bytes) != written) {
                last = units.iter().position(|(listed, _)| listed.map(str::as_bytes) == written)?;
            }
            units.get(last).map(|(_, scale)| scale)
        };
        Ok(ColumnarValue::Array(match args.text(2)? {
            "integer" => Arc::new(primitive_column::<Int64Type>(&text, |cell| scale()?.integer(cell.bytes, marks))),
            _ => Arc::new(primitive_column::<Float64Type>(&text, |cell| scale()?.float(cell.bytes, marks))),
        }))
    }
}

fn literals(args: &Arguments<'_>, function: &str) -> Result<(Marks, Scale)> {
    args.exactly(6)?;
    let marks = Marks::new(args.text(1)?, args.text_or_null(2)?);
    let scale = Scale::new(args.number(3)?, args.number(4)?, args.number(5)?);
    let told = |problem| plan_datafusion_err!("{function}: {problem}");
    Ok((marks.map_err(told)?, scale.map_err(told)?))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Array, AsArray, Float64Array, Int64Array, StringViewArray};
    use arrow::datatypes::{Float64Type, Int64Type};
    use datafusion::common::ScalarValue;
    use datafusion::logical_expr::ColumnarValue;

    use super::super::column::testing::{call, on_text};
    use super::{ParseInteger, ParseNumber, ParseNumberIn};

    fn literals(decimal: &str, group: Option<&str>, factor: [f64; 3]) -> Vec<ScalarValue> {
        let marks = [decimal.into(), ScalarValue::Utf8(group.map(String::from))];
        marks
            .into_iter()
            .chain(factor.map(ScalarValue::from))
            .collect()
    }

    const ONE: [f64; 3] = [1.0, 1.0, 0.0];

    fn numbers(cells: &[&str], literals: &[ScalarValue]) -> Float64Array {
        let cells: Vec<_> = cells.iter().map(|cell| Some(*cell)).chain([None]).collect();
        let numbers = on_text(ParseNumber, &cells, literals).unwrap();
        numbers
            .slice(0, cells.len() - 1)
            .as_primitive::<Float64Type>()
            .clone()
    }

    fn integers(cells: &[&str], literals: &[ScalarValue]) -> Int64Array {
        let cells: Vec<_> = cells.iter().map(|cell| Some(*cell)).chain([None]).collect();
        let integers = on_text(ParseInteger, &cells, literals).unwrap();
        integers
            .slice(0, cells.len() - 1)
            .as_primitive::<Int64Type>()
            .clone()
    }

    #[test]
    fn plain_numbers() {
        let cells = [
            "0", "12", "-1.5", "+2.25", "−3", ".5", "5.", "1e3", "2.5E-2", "007", "-0",
        ];
        let expected = vec![
            0.0, 12.0, -1.5, 2.25, -3.0, 0.5, 5.0, 1000.0, 0.025, 7.0, 0.0,
        ];
        let read = numbers(&cells, &literals(".", None, ONE));
        assert_eq!(read, Float64Array::from(expected));
        assert!(read.value(10).is_sign_positive());
    }

    #[test]
    fn everything_else_is_null() {
        let cells = [
            "", " ", "1,2,3", "env. 2", "12abc", "NaN", "inf", "0x10", ".", "-", "+-1", "--1",
            "1.2.3", "1e", "1e+", "e5", "1 2", " 1", "1_000", "1e5.0", "1e999", "٣", "1-", "½",
        ];
        assert_eq!(
            numbers(&cells, &literals(".", None, ONE)).null_count(),
            cells.len()
        );
        assert_eq!(
            integers(&cells, &literals(".", None, ONE)).null_count(),
            cells.len()
        );
    }

    #[test]
    fn thousands_marks_in_their_places() {
        let cells = [
            "1 234",
            "1\u{a0}234\u{202f}567,5",
            "12 345,25",
            "1234,5",
            "-1 000",
            "999",
        ];
        let expected = vec![1234.0, 1_234_567.5, 12345.25, 1234.5, -1000.0, 999.0];
        assert_eq!(
            numbers(&cells, &literals(",", Some(" "), ONE)),
            Float64Array::from(expected)
        );
        let cells = [
            "1 23",
            "1 2345",
            "1234 567",
            "1 234567",
            " 123",
            "1 ",
            "1  234",
            "1 234 5",
            "1,234 567",
            "1 ,5",
            "1 234e3 ",
        ];
        assert_eq!(
            numbers(&cells, &literals(",", Some(" "), ONE)).null_count(),
            cells.len()
        );
        assert_eq!(
            numbers(&["1'234.5", "1’234"], &literals(".", Some("'"), ONE)),
            Float64Array::from(vec![1234.5, 1234.0])
        );
        assert_eq!(
            numbers(&["1.234,5", "1,5"], &literals(",", Some("."), ONE)),
            Float64Array::from(vec![1234.5, 1.5])
        );
    }

    #[test]
    fn units_are_exact() {
        // cm → mm, and the product that goes wrong in binary: 0.57 × 100.
        assert_eq!(
            numbers(
                &["2,3", "0,1", "1,1"],
                &literals(",", None, [10.0, 1.0, 0.0])
            ),
            Float64Array::from(vec![23.0, 1.0, 11.0])
        );
        assert_eq!(
            numbers(&["0.57", "0.29"], &literals(".", None, [100.0, 1.0, 0.0])),
            Float64Array::from(vec![57.0, 29.0])
        );
        // mg → g; inches → mm; days → years of 365.25 days.
        assert_eq!(
            numbers(&["1500", "0.3"], &literals(".", None, [1.0, 1000.0, 0.0])),
            Float64Array::from(vec![1.5, 0.0003])
        );
        assert_eq!(
            numbers(&["2.3"], &literals(".", None, [25.4, 1.0, 0.0])),
            Float64Array::from(vec![58.42])
        );
        assert_eq!(
            numbers(&["730.5"], &literals(".", None, [1.0, 365.25, 0.0])),
            Float64Array::from(vec![2.0])
        );
        // 212 °F → °C: 212 × 5 / 9 − 160 / 9 = 100.
        let celsius = numbers(&["212"], &literals(".", None, [5.0, 9.0, -160.0 / 9.0]));
        assert!((celsius.value(0) - 100.0).abs() < 1e-12);
        assert_eq!(
            numbers(&["2", "-2"], &literals(".", None, [-3.0, 4.0, 0.0])),
            Float64Array::from(vec![-1.5, 1.5])
        );
        assert_eq!(
            numbers(&["3e2"], &literals(".", None, [1.0, 7.0, 0.0])),
            Float64Array::from(vec![300.0 / 7.0])
        );
    }

    #[test]
    fn whole_numbers() {
        let cells = [
            "12",
            "12.0",
            "12.5",
            "-7",
            "1e3",
            "1.5e1",
            "1e-1",
            "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775808",
            "-9223372036854775809",
            "12.0000000000000000000000000",
            "0.0000000000000000000000000000000000000000000001",
            "0e99",
            "00000000000000000000000000000042",
            "1e30",
            "100000000000000000000e-18",
        ];
        let expected = vec![
            Some(12),
            Some(12),
            None,
            Some(-7),
            Some(1000),
            Some(15),
            None,
            Some(i64::MAX),
            None,
            Some(i64::MIN),
            None,
            Some(12),
            None,
            Some(0),
            Some(42),
            None,
            Some(100),
        ];
        assert_eq!(
            integers(&cells, &literals(".", None, ONE)),
            Int64Array::from(expected)
        );
    }

    #[test]
    fn converted_whole_numbers_are_rounded() {
        let cells = ["2.3", "0.25", "-0.25", "0.249", "1e18", "0.285"];
        assert_eq!(
            integers(&cells, &literals(".", None, [10.0, 1.0, 0.0])),
            Int64Array::from(vec![Some(23), Some(3), Some(-3), Some(2), None, Some(3)])
        );
        // 30 days → weeks: 4.29; 24 → 3.43, 25 → 3.57.
        assert_eq!(
            integers(&["30", "24", "25"], &literals(".", None, [1.0, 7.0, 0.0])),
            Int64Array::from(vec![4, 3, 4])
        );
        // With an offset: 300 K → 27 °C.
        assert_eq!(
            integers(&["300", "9e18"], &literals(".", None, [1.0, 1.0, -273.15])),
            Int64Array::from(vec![27, 9_000_000_000_000_000_000])
        );
    }

    #[test]
    fn units_by_row() {
        let column = |cells: &[Option<&str>]| ColumnarValue::Array(Arc::new(StringViewArray::from(cells.to_vec())));
        let read = |mode: &str| {
            let text = column(&[Some("1,5"), Some("2"), Some("3"), None, Some("x"), Some("4"), Some("5")]);
            let unit = column(&[Some("g/L"), Some("mg/L"), Some("mol/L"), Some("g/L"), Some("g/L"), None, Some("g/L")]);
            let literals = [mode.into(), ",".into(), ScalarValue::Utf8(None), "mg/L".into(), 1.0.into(), 1.0.into(), 0.0.into(), "g/L".into(), 1000.0.into(), 1.0.into(), 0.0.into()];
            let args = [text, unit].into_iter().chain(literals.into_iter().map(ColumnarValue::Scalar)).collect();
            call(ParseNumberIn, args, 7).unwrap().into_array(7).unwrap()
        };
        assert_eq!(read("number").as_primitive::<Float64Type>(), &Float64Array::from(vec![Some(1500.0), Some(2.0), None, None, None, None, Some(5000.0)]));
        assert_eq!(read("integer").as_primitive::<Int64Type>(), &Int64Array::from(vec![Some(1500), Some(2), None, None, None, None, Some(5000)]));
    }

    #[test]
    fn wrong_literals_are_errors() {
        let run = |literals: &[ScalarValue]| on_text(ParseNumber, &[Some("1")], literals).is_err();
        assert!(run(&literals(",", Some(","), ONE)));
        assert!(run(&literals("", None, ONE)));
        assert!(run(&literals("e", None, ONE)));
        assert!(run(&literals("..", None, ONE)));
        assert!(run(&literals(".", Some("0"), ONE)));
        assert!(run(&literals(".", None, [1.0, 0.0, 0.0])));
        assert!(run(&literals(".", None, [0.0, 1.0, 0.0])));
        assert!(run(&literals(".", None, [f64::NAN, 1.0, 0.0])));
        assert!(run(&[".".into()]));
    }
}
