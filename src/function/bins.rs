//! Numbers to classes, and classes back to numbers.
//!
//! One site delivers a tumour size in millimetres and the cohort wants `20-50`; another delivers
//! `20-50` and the cohort wants a number. `bins` goes the first way, by an explicit list of bounds;
//! `interval_bound` the second, reading the ways in which intervals are written.

use arrow::array::{Array, PrimitiveArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, FieldRef, Float64Type, Int64Type};
use datafusion::common::{Result, internal_err, plan_datafusion_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature,
};

use super::cell::{after_blanks, blank_before, trimmed};
use super::column::{Arguments, Store, any_arguments, nulls, primitive_column, text_array};
use super::decimal::{Marks, Scale};
use super::recode::{Mode, mode_field};

/// `bins(number, mode, closed, label1, low1, high1, label2, low2, high2, …)` → Utf8View or Int64,
/// for the mode `'text'` or `'integer'`: the label of the first bin that the number is in.
///
/// With `closed = 'right'` the upper bound belongs to the bin (`(20, 50]`), with `'left'` the lower
/// one (`[20, 50)`). A NULL bound is open. Labels are text literals in both modes. Null where the
/// number is in no bin, null, NaN or infinite.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bins;

impl ScalarUDFImpl for Bins {
    fn name(&self) -> &str {
        "bins"
    }

    fn signature(&self) -> &Signature {
        any_arguments()
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("bins: the type follows from the mode, see return_field_from_args")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        match mode_field(self.name(), args)? {
            field if field.data_type() == &DataType::Boolean => {
                plan_err!("bins: the mode is text or integer")
            }
            field => Ok(field),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let args = Arguments::new(self.name(), &args);
        let numbers = args.number_column(0)?;
        let mode = Mode::named(self.name(), args.text(1)?)?;
        let right = match args.text(2)? {
            "right" => true,
            "left" => false,
            other => return plan_err!("bins: closed is 'right' or 'left', not {other:?}"),
        };
        if !args.len().is_multiple_of(3) {
            return plan_err!("bins: each bin is a label, a lower and an upper bound");
        }
        let labels = (3..args.len())
            .step_by(3)
            .map(|at| args.text(at))
            .collect::<Result<Vec<_>>>()?;
        let bounds = (3..args.len())
            .step_by(3)
            .map(|at| bounds(&args, at))
            .collect::<Result<Vec<_>>>()?;
        let bin = |number: f64| match (number.is_finite(), right) {
            (false, _) => None,
            (true, true) => bounds
                .iter()
                .position(|(low, high)| *low < number && number <= *high),
            (true, false) => bounds
                .iter()
                .position(|(low, high)| *low <= number && number < *high),
        };

        match mode {
            Mode::Text => {
                let mut store = Store::default();
                let labels: Vec<_> = labels
                    .iter()
                    .map(|label| store.keep(label.as_bytes()))
                    .collect();
                let (views, nulls) = labelled(&numbers, &labels, bin);
                // SAFETY: a view is the store's or zero, the empty text; both come from `labelled`.
                args.answer(0, unsafe { text_array(views, store.finish(&[]), nulls) })
            }
            Mode::Integer => {
                let integer = |label: &&str| {
                    label.parse().map_err(|_| {
                        plan_datafusion_err!("bins: the label {label:?} is no integer")
                    })
                };
                let labels = labels.iter().map(integer).collect::<Result<Vec<i64>>>()?;
                let (values, nulls) = labelled(&numbers, &labels, bin);
                args.answer(0, PrimitiveArray::<Int64Type>::new(values.into(), nulls))
            }
            Mode::Boolean => plan_err!("bins: the mode is text or integer"),
        }
    }
}

/// The bounds that follow the label at `at`, infinite where open.
fn bounds(args: &Arguments<'_>, at: usize) -> Result<(f64, f64)> {
    let low = args.number_or_null(at + 1)?.unwrap_or(f64::NEG_INFINITY);
    let high = args.number_or_null(at + 2)?.unwrap_or(f64::INFINITY);
    match low < high {
        true => Ok((low, high)),
        false => plan_err!("bins: no number is between {low} and {high}"),
    }
}

/// The label of each number's bin, and where there is none.
fn labelled<T: Copy + Default>(
    numbers: &PrimitiveArray<Float64Type>,
    labels: &[T],
    bin: impl Fn(f64) -> Option<usize>,
) -> (Vec<T>, Option<arrow::buffer::NullBuffer>) {
    let mut values = Vec::with_capacity(numbers.len());
    let mut rows = numbers.values().iter();
    let valid = BooleanBuffer::collect_bool(numbers.len(), |_| {
        let label = rows.next().and_then(|number| labels.get(bin(*number)?));
        values.push(label.copied().unwrap_or_default());
        label.is_some()
    });
    (values, nulls(numbers.nulls(), valid))
}

/// `interval_bound(text, which, decimal)` → Float64: the `'lower'` or `'upper'` bound of an
/// interval, or the `'midpoint'` between them.
///
/// Read are a single number (both bounds), two numbers with `-`, `‐`, `‑`, `–`, `—`, `−`, `..`, `à` or
/// `to` between them, and a number after `<`, `<=`, `=<`, `≤`, `>`, `>=`, `=>` or `≥`; blanks between
/// these do not count; a unit of one word without digits may follow (`10-15 mm`, `<= 5 %`). Null for
/// an open end, for a midpoint with an open end, and where the text is none of these or its bounds
/// are in the wrong order. Whether a bound belongs to the interval is not told: `<20` and `≤20` are
/// both 20.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IntervalBound;

impl ScalarUDFImpl for IntervalBound {
    fn name(&self) -> &str {
        "interval_bound"
    }

    fn signature(&self) -> &Signature {
        any_arguments()
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let args = Arguments::new(self.name(), &args);
        args.exactly(3)?;
        let text = args.text_column(0)?;
        let (which, decimal) = (args.text(1)?, args.text(2)?);
        let told = |problem| plan_datafusion_err!("interval_bound: {problem}");
        let reader = Reader {
            marks: Marks::new(decimal, None).map_err(told)?,
            scale: Scale::new(1.0, 1.0, 0.0).map_err(told)?,
            decimal,
        };
        let bound = match which {
            "lower" => |(low, _): (Option<f64>, Option<f64>)| low,
            "upper" => |(_, high): (Option<f64>, Option<f64>)| high,
            "midpoint" => |(low, high): (Option<f64>, Option<f64>)| Some(low? / 2.0 + high? / 2.0),
            other => {
                return plan_err!(
                    "interval_bound: no bound {other:?}; there are lower, upper, midpoint"
                );
            }
        };
        args.answer(
            0,
            primitive_column::<Float64Type>(&text, |cell| bound(reader.interval(cell.bytes)?)),
        )
    }
}

struct Reader<'a> {
    marks: Marks,
    scale: Scale,
    decimal: &'a str,
}

/// Signs before a number, and whether they set an upper bound; the longer ones first.
const SIGNS: [(&str, bool); 8] = [
    ("<=", true),
    ("=<", true),
    ("≤", true),
    ("<", true),
    (">=", false),
    ("=>", false),
    ("≥", false),
    (">", false),
];

/// Marks between two numbers.
const BETWEEN: [&str; 9] = ["-", "–", "—", "‐", "‑", "−", "..", "à", "to"];

/// Words after a number that are no unit but change its meaning.
const NO_UNITS: [&str; 17] = [
    "à", "to", "ou", "or", "et", "max", "maximum", "minimum", "plus", "moins", "more", "less",
    "over", "under", "env", "environ", "about",
];

impl Reader<'_> {
    /// Lower and upper bound, `None` where open.
    fn interval(&self, text: &[u8]) -> Option<(Option<f64>, Option<f64>)> {
        let text = trimmed(text);
        if let Some((rest, upper)) = SIGNS
            .iter()
            .find_map(|(sign, upper)| Some((text.strip_prefix(sign.as_bytes())?, *upper)))
        {
            let (bound, rest) = self.number(after_blanks(rest))?;
            self.unit(rest)?;
            return Some(if upper {
                (None, Some(bound))
            } else {
                (Some(bound), None)
            });
        }
        let (low, rest) = self.number(text)?;
        let rest = after_blanks(rest);
        if let Some((high, rest)) = BETWEEN
            .iter()
            .find_map(|mark| self.number(after_blanks(rest.strip_prefix(mark.as_bytes())?)))
        {
            self.unit(rest)?;
            return (low <= high).then_some((Some(low), Some(high)));
        }
        self.unit(rest)?;
        Some((Some(low), Some(low)))
    }

    /// The number that `text` begins with (an optional minus, digits, decimal digits), and what follows.
    fn number<'t>(&self, text: &'t [u8]) -> Option<(f64, &'t [u8])> {
        let sign = usize::from(text.starts_with(b"-"));
        let digits = |from: usize| {
            text.get(from..)
                .unwrap_or_default()
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count()
        };
        let whole = sign + digits(sign);
        let fraction = match text
            .get(whole..)
            .unwrap_or_default()
            .starts_with(self.decimal.as_bytes())
        {
            true => digits(whole + 1),
            false => 0,
        };
        let end = if fraction > 0 {
            whole + 1 + fraction
        } else {
            whole
        };
        let (number, rest) = text.split_at_checked(end)?;
        Some((self.scale.float(number, self.marks)?, rest))
    }

    /// Accepts nothing, or one word without digits that begins as a unit does.
    fn unit(&self, text: &[u8]) -> Option<()> {
        let unit = after_blanks(text);
        let Some(first) = std::str::from_utf8(unit).ok()?.chars().next() else {
            return Some(());
        };
        let letter = first.is_alphabetic() || matches!(first, '%' | '‰' | '°' | '[' | '{');
        let one_word = !unit
            .iter()
            .any(|byte| byte.is_ascii_digit() || b"<>=".contains(byte))
            && (0..unit.len()).all(|at| blank_before(unit.get(at..).unwrap_or_default()) == 0);
        let a_unit = !NO_UNITS
            .iter()
            .any(|word| unit.eq_ignore_ascii_case(word.as_bytes()));
        (letter && one_word && a_unit).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        Array, ArrayRef, AsArray, Float64Array, Int32Array, Int64Array, StringViewArray,
    };
    use arrow::datatypes::{Float64Type, Int64Type};
    use datafusion::common::{Result, ScalarValue};
    use datafusion::logical_expr::ColumnarValue;
    use proptest::prelude::*;

    use super::super::column::testing::{call, on_text, texts};
    use super::{Bins, IntervalBound};

    fn bins(
        numbers: ArrayRef,
        mode: &str,
        closed: &str,
        list: &[(&str, Option<f64>, Option<f64>)],
    ) -> Result<ArrayRef> {
        let rows = numbers.len();
        let list = list.iter().flat_map(|(label, low, high)| {
            [
                ScalarValue::from(*label),
                ScalarValue::Float64(*low),
                ScalarValue::Float64(*high),
            ]
        });
        let literals = [mode.into(), closed.into()]
            .into_iter()
            .chain(list)
            .map(ColumnarValue::Scalar);
        let args: Vec<_> = std::iter::once(ColumnarValue::Array(Arc::clone(&numbers)))
            .chain(literals)
            .collect();
        let answer = call(Bins, args.clone(), rows)?.into_array(rows)?;
        for row in 0..rows {
            let mut args = args.clone();
            args[0] = ColumnarValue::Scalar(ScalarValue::try_from_array(&numbers, row)?);
            let ColumnarValue::Scalar(constant) = call(Bins, args, 9)? else {
                panic!("a constant gave a column")
            };
            assert_eq!(constant, ScalarValue::try_from_array(&answer, row)?);
        }
        Ok(answer)
    }

    const SIZES: [(&str, Option<f64>, Option<f64>); 3] = [
        ("<=20", None, Some(20.0)),
        ("20-50", Some(20.0), Some(50.0)),
        ("more than 50 mm", Some(50.0), None),
    ];

    #[test]
    fn sizes() {
        let numbers: ArrayRef = Arc::new(Float64Array::from(vec![
            Some(-3.0),
            Some(20.0),
            Some(20.1),
            Some(50.0),
            Some(1e9),
            None,
            Some(f64::NAN),
            Some(f64::INFINITY),
        ]));
        let right = bins(Arc::clone(&numbers), "text", "right", &SIZES).unwrap();
        let expected = vec![
            Some("<=20"),
            Some("<=20"),
            Some("20-50"),
            Some("20-50"),
            Some("more than 50 mm"),
            None,
            None,
            None,
        ];
        assert_eq!(right.as_string_view(), &StringViewArray::from(expected));
        let left = bins(numbers, "text", "left", &SIZES).unwrap();
        let expected = vec![
            Some("<=20"),
            Some("20-50"),
            Some("20-50"),
            Some("more than 50 mm"),
            Some("more than 50 mm"),
            None,
            None,
            None,
        ];
        assert_eq!(left.as_string_view(), &StringViewArray::from(expected));
    }

    #[test]
    fn integers_and_gaps() {
        let numbers: ArrayRef = Arc::new(Int32Array::from(vec![
            Some(1),
            Some(3),
            Some(6),
            Some(9),
            None,
        ]));
        let grades = bins(
            numbers,
            "integer",
            "left",
            &[("1", Some(1.0), Some(4.0)), ("2", Some(6.0), Some(9.0))],
        )
        .unwrap();
        assert_eq!(
            grades.as_primitive::<Int64Type>(),
            &Int64Array::from(vec![Some(1), Some(1), Some(2), None, None])
        );
    }

    #[test]
    fn wrong_bins_are_errors() {
        let numbers: ArrayRef = Arc::new(Float64Array::from(vec![1.0]));
        let wrong =
            |mode, closed, list| assert!(bins(Arc::clone(&numbers), mode, closed, list).is_err());
        wrong("boolean", "left", &SIZES);
        wrong("integer", "left", &SIZES);
        wrong("text", "both", &SIZES);
        wrong("text", "left", &[("a", Some(2.0), Some(2.0))]);
        wrong("text", "left", &[("a", Some(f64::NAN), None)]);
        let text: ArrayRef = Arc::new(StringViewArray::from(vec!["1"]));
        assert!(bins(text, "text", "left", &SIZES).is_err());
    }

    fn bounds(cells: &[Option<&str>], which: &str, decimal: &str) -> Float64Array {
        on_text(IntervalBound, cells, &texts([which, decimal]))
            .unwrap()
            .as_primitive::<Float64Type>()
            .clone()
    }

    #[test]
    fn intervals() {
        for (text, low, high) in [
            ("20-50", Some(20.0), Some(50.0)),
            ("10–15", Some(10.0), Some(15.0)),
            ("<=20", None, Some(20.0)),
            ("≤20", None, Some(20.0)),
            ("<20", None, Some(20.0)),
            (">50", Some(50.0), None),
            ("≥ 4", Some(4.0), None),
            (">=4", Some(4.0), None),
            ("10-15 mm", Some(10.0), Some(15.0)),
            ("7", Some(7.0), Some(7.0)),
            (" 1,5 à 2,5\u{a0}ng/mL", Some(1.5), Some(2.5)),
            ("1 to 2", Some(1.0), Some(2.0)),
            ("-5", Some(-5.0), Some(-5.0)),
            ("-5--2", Some(-5.0), Some(-2.0)),
            ("< 5 %", None, Some(5.0)),
            ("7mm", Some(7.0), Some(7.0)),
            ("10..20", Some(10.0), Some(20.0)),
            ("10-10", Some(10.0), Some(10.0)),
        ] {
            assert_eq!(
                bounds(&[Some(text), None], "lower", ",")
                    .iter()
                    .next()
                    .unwrap(),
                low,
                "{text}"
            );
            assert_eq!(
                bounds(&[Some(text), None], "upper", ",")
                    .iter()
                    .next()
                    .unwrap(),
                high,
                "{text}"
            );
            assert_eq!(
                bounds(&[Some(text), None], "midpoint", ",")
                    .iter()
                    .next()
                    .unwrap(),
                low.zip(high).map(|(low, high)| (low + high) / 2.0),
                "{text}"
            );
        }
    }

    #[test]
    fn texts_that_are_no_interval() {
        let cells = [
            "",
            "-",
            "50-20",
            "20-",
            "<",
            "< -",
            "20 ou plus",
            "20 plus",
            "20+",
            "env. 20",
            "10-20-30",
            "<10-20",
            "1.5-2.5",
            "10 - 20 30",
            "a-b",
            "20 x10^9",
            "10 < 20",
            "1e5",
            "10 à",
            "10 to",
        ];
        for cell in cells {
            assert_eq!(
                bounds(&[Some(cell)], "lower", ",").null_count(),
                1,
                "{cell}"
            );
            assert_eq!(
                bounds(&[Some(cell)], "upper", ",").null_count(),
                1,
                "{cell}"
            );
        }
    }

    proptest! {
        #[test]
        fn written_intervals_read_back(low in 0_u32..100_000, width in 0_u32..1000, mark in "-|–| - | à |\\.\\.", unit in "( ?mm| %)?") {
            let text = format!("{}.{}{mark}{}.{}{unit}", low / 10, low % 10, (low + width) / 10, (low + width) % 10);
            prop_assert_eq!(bounds(&[Some(&text)], "lower", ".").value(0), f64::from(low) / 10.0);
            prop_assert_eq!(bounds(&[Some(&text)], "upper", ".").value(0), f64::from(low + width) / 10.0);
        }

        #[test]
        fn no_text_is_too_strange(text in "[0-9<>=≤≥–.,a %-]{0,12}|\\PC{0,12}") {
            bounds(&[Some(&text)], "midpoint", ".");
        }
    }
}
