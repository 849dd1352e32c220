//! The key of a row as one number, by which rows meet.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Float64Type, Int64Type, TimestampMicrosecondType};
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature};
use xxhash_rust::xxh3::xxh3_128;

use super::column::any_arguments;

/// `row_key(part, …)` → Decimal128(38, 0): the 128 bits of XXH3 over the parts, as they are; null where
/// a part is. Two keys are taken to be equal where these are, as for the keys of a table: among 10⁹ keys
/// that is wrong once in 10²⁰.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RowKey;

impl ScalarUDFImpl for RowKey {
    fn name(&self) -> &str {
        "row_key"
    }

    fn signature(&self) -> &Signature {
        any_arguments()
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Decimal128(38, 0))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let parts = ColumnarValue::values_to_arrays(&args.args)?;
        let parts = parts.iter().map(|p| if p.data_type().is_string() { cast(p, &DataType::Utf8View) } else { Ok(Arc::clone(p)) }).collect::<Result<Vec<_>, _>>()?;
        let missing = parts.iter().fold(None, |all, part| NullBuffer::union(all.as_ref(), part.nulls()));
        let rows = parts.first().map_or(0, |p| p.len());
        let hashes = match parts.as_slice() {
            [one] if one.data_type() == &DataType::Utf8View => {
                let texts = one.as_string_view();
                (0..rows).map(|at| if texts.is_valid(at) { xxh3_128(texts.value(at).as_bytes()) as i128 } else { 0 }).collect::<Vec<_>>()
            }
            _ => {
                let mut bytes = vec![];
                let mut one = |at: usize| {
                    bytes.clear();
                    parts.iter().for_each(|part| part_of_key(&mut bytes, part, at));
                    xxh3_128(&bytes) as i128
                };
                (0..rows).map(|at| if missing.as_ref().is_some_and(|m| m.is_null(at)) { 0 } else { one(at) }).collect()
            }
        };
        // Not a number but bits: nothing reads its digits.
        let keys = Decimal128Array::new(hashes.into(), missing).with_precision_and_scale(38, 0)?;
        Ok(ColumnarValue::Array(Arc::new(keys)))
    }
}

/// Adds the bytes of one part of a key, in such a way that two lists of parts never look alike.
pub fn part_of_key(bytes: &mut Vec<u8>, key: &ArrayRef, at: usize) {
    match key.data_type() {
        DataType::Utf8View => {
            let text = key.as_string_view().value(at);
            bytes.extend_from_slice(text.as_bytes());
            bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
        }
        DataType::Int64 => bytes.extend_from_slice(&key.as_primitive::<Int64Type>().value(at).to_le_bytes()),
        DataType::Float64 => bytes.extend_from_slice(&key.as_primitive::<Float64Type>().value(at).to_bits().to_le_bytes()),
        DataType::Date32 => bytes.extend_from_slice(&key.as_primitive::<Date32Type>().value(at).to_le_bytes()),
        DataType::Timestamp(..) => bytes.extend_from_slice(&key.as_primitive::<TimestampMicrosecondType>().value(at).to_le_bytes()),
        DataType::Boolean => bytes.push(u8::from(key.as_boolean().value(at))),
        _ => {}
    }
}
