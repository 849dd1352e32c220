//! Time between two dates: ages and follow-up.
//!
//! Ages and durations are counted in completed units, as people do, not in crossed calendar
//! boundaries. (DuckDB's `date_diff('year', …)` counts boundaries: from 31 December to 1 January is
//! one year there and none here; its `date_sub` is the nearest relative.) Times of day are dropped:
//! a day is a calendar day.

use arrow::array::PrimitiveArray;
use arrow::compute::binary;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature};

use super::column::{Arguments, answer, any_arguments};

/// `age_years(born, at)` → Int64: years completed at a date, null where either is.
///
/// The year that begins on a birthday counts from that day on. Who is born on 29 February has the
/// birthday on 1 March in years without that day. Before birth the number is negative and still the
/// floor: −1 from one year before birth (inclusive) to the day before it, then −2.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AgeYears;

impl ScalarUDFImpl for AgeYears {
    fn name(&self) -> &str {
        "age_years"
    }

    fn signature(&self) -> &Signature {
        any_arguments()
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let args = Arguments::new(self.name(), &args);
        args.exactly(2)?;
        dates_to_integer(&args, 0, age_years)
    }
}

/// `date_diff(unit, from, to)` → Int64, null where either date is. The unit is a literal:
///
/// | unit | counts |
/// |---|---|
/// | `'day'` | days |
/// | `'week'` | days / 7, cut towards zero |
/// | `'month'`, `'year'` | completed ones: the last counts when its day of the month is reached, on the first of the next month where it does not exist |
///
/// Swapping the dates changes the sign and nothing else; `age_years` differs there, it is a floor.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DateDiff;

impl ScalarUDFImpl for DateDiff {
    fn name(&self) -> &str {
        "date_diff"
    }

    fn signature(&self) -> &Signature {
        any_arguments()
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let args = Arguments::new(self.name(), &args);
        args.exactly(3)?;
        match args.text(0)? {
            "day" => dates_to_integer(&args, 1, |from, to| i64::from(to) - i64::from(from)),
            "week" => dates_to_integer(&args, 1, |from, to| (i64::from(to) - i64::from(from)) / 7),
            "month" => dates_to_integer(&args, 1, months),
            "year" => dates_to_integer(&args, 1, |from, to| months(from, to) / 12),
            other => plan_err!("date_diff: no unit {other:?}; there are day, week, month, year"),
        }
    }
}

/// Applies `count` to the date columns at `at` and `at + 1`.
fn dates_to_integer(
    args: &Arguments<'_>,
    at: usize,
    count: impl Fn(i32, i32) -> i64,
) -> Result<ColumnarValue> {
    let constant = args.constant(&[at, at + 1]);
    let (from, to) = (
        args.date_column(at, !constant)?,
        args.date_column(at + 1, !constant)?,
    );
    let counted: PrimitiveArray<Int64Type> = binary(&from, &to, count)?;
    answer(constant, counted)
}

fn age_years(born: i32, at: i32) -> i64 {
    let (born, at) = (Civil::of(born), Civil::of(at));
    at.year - born.year - i64::from((at.month, at.day) < (born.month, born.day))
}

/// Completed months, negative where `to` is before `from`.
fn months(from: i32, to: i32) -> i64 {
    if to < from {
        return -months(to, from);
    }
    let (from, to) = (Civil::of(from), Civil::of(to));
    (to.year - from.year) * 12 + i64::from(to.month)
        - i64::from(from.month)
        - i64::from(to.day < from.day)
}

struct Civil {
    year: i64,
    month: u32,
    day: u32,
}

impl Civil {
    /// The date that is `days` days after 1970-01-01, in the proleptic Gregorian calendar
    /// (H. Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`).
    fn of(days: i32) -> Self {
        // Days since 0000-03-01; an era is 400 years, its years begin in March.
        let days = i64::from(days) + 719_468;
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097) as u32);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * from_march + 2) / 5 + 1;
        let month = if from_march < 10 {
            from_march + 3
        } else {
            from_march - 9
        };
        Self {
            year: i64::from(year_of_era) + era * 400 + i64::from(month <= 2),
            month,
            day,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        ArrayRef, AsArray, Date32Array, Int64Array, StringViewArray, TimestampMicrosecondArray,
    };
    use arrow::datatypes::Int64Type;
    use chrono::{Datelike, Duration, Months, NaiveDate};
    use datafusion::common::ScalarValue;
    use datafusion::logical_expr::{ColumnarValue, ScalarUDFImpl};
    use proptest::prelude::*;

    use super::super::column::testing::call;
    use super::{AgeYears, Civil, DateDiff, age_years, months};

    fn day(text: &str) -> i32 {
        (text.parse::<NaiveDate>().unwrap() - NaiveDate::default()).num_days() as i32
    }

    fn column(days: &[&str]) -> ColumnarValue {
        let days: Date32Array = days
            .iter()
            .map(|text| (!text.is_empty()).then(|| day(text)))
            .collect();
        ColumnarValue::Array(Arc::new(days))
    }

    fn integers(
        function: impl ScalarUDFImpl + 'static,
        args: Vec<ColumnarValue>,
        rows: usize,
    ) -> Int64Array {
        call(function, args, rows)
            .unwrap()
            .into_array(rows)
            .unwrap()
            .as_primitive::<Int64Type>()
            .clone()
    }

    #[test]
    fn ages() {
        for (born, at, expected) in [
            ("1980-06-15", "2020-06-14", 39),
            ("1980-06-15", "2020-06-15", 40),
            ("2000-02-29", "2001-02-28", 0),
            ("2000-02-29", "2001-03-01", 1),
            ("2000-02-29", "2004-02-28", 3),
            ("2000-02-29", "2004-02-29", 4),
            ("1980-01-01", "1980-01-01", 0),
            ("2000-01-01", "1999-12-31", -1),
            ("2000-01-01", "1999-01-01", -1),
            ("2000-01-01", "1998-12-31", -2),
        ] {
            assert_eq!(age_years(day(born), day(at)), expected, "{born} at {at}");
        }
        let ages = integers(
            AgeYears,
            vec![
                column(&["1980-06-15", "", "1950-01-01"]),
                column(&["2020-06-15", "2020-01-01", ""]),
            ],
            3,
        );
        assert_eq!(ages, Int64Array::from(vec![Some(40), None, None]));
    }

    #[test]
    fn differences() {
        for (from, to, weeks, in_months, years) in [
            ("2020-01-01", "2020-01-14", 1, 0, 0),
            ("2020-01-14", "2020-01-01", -1, 0, 0),
            ("2019-12-31", "2020-01-01", 0, 0, 0),
            ("2020-01-31", "2020-02-29", 4, 0, 0),
            ("2020-01-31", "2020-03-01", 4, 1, 0),
            ("2020-01-15", "2021-01-15", 52, 12, 1),
            ("2021-01-14", "2020-01-15", -52, -11, 0),
            ("2021-01-15", "2020-01-15", -52, -12, -1),
        ] {
            let diff = |unit: &str| {
                integers(
                    DateDiff,
                    vec![
                        ColumnarValue::Scalar(unit.into()),
                        column(&[from]),
                        column(&[to]),
                    ],
                    1,
                )
                .value(0)
            };
            let days = i64::from(day(to) - day(from));
            assert_eq!(
                [diff("day"), diff("week"), diff("month"), diff("year")],
                [days, weeks, in_months, years],
                "{from} to {to}"
            );
        }
    }

    #[test]
    fn constants_and_times() {
        let unit = ColumnarValue::Scalar("day".into());
        let constant = ColumnarValue::Scalar(ScalarValue::Date32(Some(10)));
        let days = column(&["1970-01-01", "", "1970-01-21"]);
        assert_eq!(
            integers(
                DateDiff,
                vec![unit.clone(), days.clone(), constant.clone()],
                3
            ),
            Int64Array::from(vec![Some(10), None, Some(-10)])
        );
        assert_eq!(
            integers(DateDiff, vec![unit.clone(), constant.clone(), days], 3),
            Int64Array::from(vec![Some(-10), None, Some(10)])
        );
        let both = call(
            DateDiff,
            vec![unit.clone(), constant.clone(), constant.clone()],
            7,
        )
        .unwrap();
        assert!(matches!(
            both,
            ColumnarValue::Scalar(ScalarValue::Int64(Some(0)))
        ));
        let null = call(
            DateDiff,
            vec![
                unit.clone(),
                ColumnarValue::Scalar(ScalarValue::Null),
                constant.clone(),
            ],
            7,
        )
        .unwrap();
        assert!(matches!(
            null,
            ColumnarValue::Scalar(ScalarValue::Int64(None))
        ));
        // 1970-01-01 23:59 and, before the epoch, 1969-12-31 00:01.
        let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![
            86_340_000_000,
            -86_340_000_000,
        ]));
        assert_eq!(
            integers(
                DateDiff,
                vec![unit.clone(), ColumnarValue::Array(times), constant.clone()],
                2
            ),
            Int64Array::from(vec![10, 11])
        );
        assert!(integers(DateDiff, vec![unit, column(&[]), constant], 0).is_empty());
    }

    #[test]
    fn wrong_arguments_are_errors() {
        let (date, text) = (
            column(&["2020-01-01"]),
            ColumnarValue::Array(Arc::new(StringViewArray::from(vec!["2020-01-01"]))),
        );
        assert!(
            call(
                DateDiff,
                vec![
                    ColumnarValue::Scalar("hour".into()),
                    date.clone(),
                    date.clone()
                ],
                1
            )
            .is_err()
        );
        assert!(
            call(
                DateDiff,
                vec![ColumnarValue::Scalar("day".into()), date.clone(), text],
                1
            )
            .is_err()
        );
        assert!(call(AgeYears, vec![date], 1).is_err());
    }

    proptest! {
        #[test]
        fn dates_as_chrono_counts_them(days in -2_000_000_i32..4_000_000) {
            let (date, civil) = (NaiveDate::default() + Duration::days(days.into()), Civil::of(days));
            prop_assert_eq!((civil.year, civil.month, civil.day), (date.year().into(), date.month(), date.day()));
        }

        #[test]
        fn spans_as_chrono_counts_them(from in -100_000_i32..100_000, to in -100_000_i32..100_000) {
            let date = |days: i32| NaiveDate::default() + Duration::days(days.into());
            if let Some(years) = date(to).years_since(date(from)) {
                prop_assert_eq!(age_years(from, to), i64::from(years));
                // The most months that may be added; chrono ends a month that is too short on its last day, we on the next.
                let added = |months: i64| {
                    let to = date(from) + Months::new(months as u32);
                    if to.day() == date(from).day() { to } else { to.succ_opt().unwrap() }
                };
                let counted = months(from, to);
                prop_assert!(added(counted) <= date(to) && date(to) < added(counted + 1));
            }
            prop_assert_eq!(months(from, to), -months(to, from));
        }

        #[test]
        fn no_date_is_too_far(from: i32, to: i32) {
            age_years(from, to);
            months(from, to);
        }
    }
}
