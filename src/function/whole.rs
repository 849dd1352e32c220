//! Numbers that must be whole, or at least finite.

use arrow::array::{Float64Array, Int64Array};
use arrow::datatypes::DataType;
use datafusion::common::{Result, cast::as_float64_array};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use std::sync::{Arc, LazyLock};

static SIGNATURE: LazyLock<Signature> = LazyLock::new(|| Signature::exact(vec![DataType::Float64], Volatility::Immutable));

/// `whole(number)` → Int64: null where the number has a fraction or is outside ±2^53, beyond
/// which not every whole number is a Float64.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Whole;

impl ScalarUDFImpl for Whole {
    fn name(&self) -> &str {
        "whole"
    }

    fn signature(&self) -> &Signature {
        &SIGNATURE
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let numbers = match arrays.first() {
            Some(array) => as_float64_array(array)?,
            None => return datafusion::common::plan_err!("whole takes one number"),
        };
        let whole: Int64Array = numbers.iter().map(|n| n.and_then(whole)).collect();
        Ok(ColumnarValue::Array(Arc::new(whole)))
    }
}

/// `finite(number)` → Float64: null where the number is infinite or not a number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Finite;

impl ScalarUDFImpl for Finite {
    fn name(&self) -> &str {
        "finite"
    }

    fn signature(&self) -> &Signature {
        &SIGNATURE
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let numbers = match arrays.first() {
            Some(array) => as_float64_array(array)?,
            None => return datafusion::common::plan_err!("finite takes one number"),
        };
        let finite: Float64Array = numbers.iter().map(|n| n.filter(|n| n.is_finite())).collect();
        Ok(ColumnarValue::Array(Arc::new(finite)))
    }
}

fn whole(number: f64) -> Option<i64> {
    const LIMIT: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && number.abs() <= LIMIT).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn fractions_and_giants_are_not_whole() {
        assert_eq!([12.0, -0.0, 12.5, 1e300, f64::NAN, f64::INFINITY].map(whole), [Some(12), Some(0), None, None, None, None]);
    }
}
