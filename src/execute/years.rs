//! Counts by calendar year, for thresholds that each year is held to.

use std::collections::BTreeMap;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use datafusion::arrow::buffer::BooleanBuffer;
use datafusion::arrow::datatypes::{DataType, Date32Type, Int64Type, TimestampMicrosecondType};

use super::profile::year_of;

const MICROSECONDS_A_DAY: i64 = 86_400_000_000;

/// Year to violated and denominator.
pub type Years = BTreeMap<i32, (u64, u64)>;

pub trait AddYears {
    /// Counts a check's outcomes by the year of another column, among all rows or `some`. A row without a year counts nowhere.
    fn add(&mut self, of: &ArrayRef, violated: &BooleanArray, some: Option<&BooleanBuffer>);
}

impl AddYears for Years {
    fn add(&mut self, of: &ArrayRef, violated: &BooleanArray, some: Option<&BooleanBuffer>) {
        let years = years(of);
        for (at, year) in years.into_iter().enumerate() {
            let (Some(year), true) = (year, violated.is_valid(at) && some.is_none_or(|some| some.value(at))) else { continue };
            let counts = self.entry(year).or_default();
            counts.0 += u64::from(violated.value(at));
            counts.1 += 1;
        }
    }
}

/// The calendar year of each value: of a date or time, or a whole number that is one.
fn years(of: &ArrayRef) -> Vec<Option<i32>> {
    match of.data_type() {
        DataType::Date32 => of.as_primitive::<Date32Type>().iter().map(|d| d.map(year_of)).collect(),
        DataType::Timestamp(..) => match of.as_primitive_opt::<TimestampMicrosecondType>() {
            Some(times) => times.iter().map(|t| t.and_then(|t| i32::try_from(t.div_euclid(MICROSECONDS_A_DAY)).ok()).map(year_of)).collect(),
            None => vec![None; of.len()],
        },
        DataType::Int64 => of.as_primitive::<Int64Type>().iter().map(|y| y.and_then(|y| i32::try_from(y).ok())).collect(),
        _ => vec![None; of.len()],
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{Date32Array, Int64Array};

    use super::*;

    /// 15339 is 2011-12-31 and 15340 the day after.
    #[test]
    fn a_row_counts_in_its_year() {
        let days: ArrayRef = Arc::new(Date32Array::from(vec![Some(15339), Some(15340), None, Some(15340)]));
        let violated = BooleanArray::from(vec![Some(true), Some(false), Some(true), None]);
        let mut years = Years::new();
        years.add(&days, &violated, None);
        assert_eq!(years, Years::from([(2011, (1, 1)), (2012, (0, 1))]));
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![2011, 2011]));
        years.add(&numbers, &BooleanArray::from(vec![true, true]), Some(&BooleanBuffer::from(vec![true, false])));
        assert_eq!(years[&2011], (2, 2));
    }
}
