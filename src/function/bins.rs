//! Numbers to classes, by an explicit list of bounds. The way back, from `20-50` to numbers, is
//! [`interval`](super::interval)'s.

use arrow::array::{Array, PrimitiveArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, FieldRef, Float64Type, Int64Type};
use datafusion::common::{Result, internal_err, plan_datafusion_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature,
};

use super::column::{Arguments, Store, any_arguments, nulls, text_array};
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        Array, ArrayRef, AsArray, Float64Array, Int32Array, Int64Array, StringViewArray,
    };
    use arrow::datatypes::Int64Type;
    use datafusion::common::{Result, ScalarValue};
    use datafusion::logical_expr::ColumnarValue;

    use super::super::column::testing::call;
    use super::Bins;

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
}
