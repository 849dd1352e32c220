//! The functions that a mapping's derivations are made of.
//!
//! A derivation and a rule are DataFusion expressions over the text columns of a source; these are
//! the scalar functions they call. All are stateless and immutable, take a text column (`Utf8View`;
//! other text types are cast) followed by literals, and share three habits:
//!
//! * **Null on failure.** A cell that cannot be read gives null, never an error and never a panic;
//!   the plan finds the lost ones with `failed(input, output)`. Errors are about literals only:
//!   `Plan` where a document can cause them, `Internal` where only we can.
//! * **No work per row but reading.** Literals are made ready once per batch; cells are read as
//!   bytes where they lie, text that does not change keeps its view, nulls are bitmaps.
//! * **Strict.** What is not certainly the value meant is a failure.
//!
//! To add a function: one struct in the file of its family, one line in [`udfs`].

mod bins;
mod boolean;
mod calendar;
mod cell;
mod checksum;
mod clean;
mod column;
mod comparator;
mod date;
mod date_format;
mod date_reading;
mod decimal;
mod interval;
mod lookup;
mod number;
mod pattern;
mod pseudonym;
mod recode;
mod row_key;
mod span;
mod whole;
mod within;

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

pub use checksum::CHECKSUMS;
pub use date_format::{format_has_time, iso_days};
pub use date_reading::{Completion, Facts, Flaw, Partial, check_format, check_zone};
pub use pattern::{check_pattern, check_search};
pub use pseudonym::Key;
pub use row_key::part_of_key;
pub use within::{check_branch, is_within};

/// All functions by name.
pub fn by_name(key: Option<Key>) -> std::collections::BTreeMap<String, Arc<ScalarUDF>> {
    udfs(key).into_iter().map(|f| (f.name().to_owned(), f)).collect()
}

/// All functions, for every role that plans or runs. Without a key, `pseudonym` fails when called.
pub fn udfs(key: Option<Key>) -> Vec<Arc<ScalarUDF>> {
    let functions = [
        ScalarUDF::from(cell::CellOf),
        ScalarUDF::from(cell::Failed),
        ScalarUDF::from(clean::Clean),
        ScalarUDF::from(recode::Recode),
        ScalarUDF::from(recode::IsUnmapped),
        ScalarUDF::from(number::ParseNumber),
        ScalarUDF::from(number::ParseInteger),
        ScalarUDF::from(number::ParseNumberIn),
        ScalarUDF::from(comparator::WithoutComparator),
        ScalarUDF::from(comparator::Comparator),
        ScalarUDF::from(whole::Whole),
        ScalarUDF::from(whole::Finite),
        ScalarUDF::from(boolean::ParseBoolean),
        ScalarUDF::from(date::ParseDate),
        ScalarUDF::from(date::ParseDatetime),
        ScalarUDF::from(date::DatePrecision),
        ScalarUDF::from(span::AgeYears),
        ScalarUDF::from(span::DateDiff),
        ScalarUDF::from(bins::Bins),
        ScalarUDF::from(interval::IntervalBound),
        ScalarUDF::from(pseudonym::Pseudonym::new(key)),
        ScalarUDF::from(pattern::Matches),
        ScalarUDF::from(pattern::MatchFirst),
        ScalarUDF::from(pattern::IsUnmatched),
        ScalarUDF::from(pattern::TextLength),
        ScalarUDF::from(within::Within),
        ScalarUDF::from(checksum::Checksum),
        ScalarUDF::from(row_key::RowKey),
    ];
    functions.into_iter().map(Arc::new).collect()
}

#[cfg(test)]
mod tests {
    use datafusion::logical_expr::{Volatility, col, lit};

    use super::{Key, udfs};

    #[test]
    fn names_are_unique_and_calls_compare() {
        let (some, same, none) = (
            udfs(Some(Key::new(vec![1; 32]))),
            udfs(Some(Key::new(vec![1; 32]))),
            udfs(None),
        );
        let mut names: Vec<_> = some.iter().map(|function| function.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), some.len());
        for ((function, same), none) in some.iter().zip(&same).zip(&none) {
            assert_eq!(function.signature().volatility, Volatility::Immutable);
            assert!(!function.is_strict(), "a NULL literal is no null result");
            let call =
                |function: &datafusion::logical_expr::ScalarUDF| function.call(vec![col("a"), lit("b")]);
            assert_eq!(call(function), call(same));
            assert_eq!(call(function) == call(none), function.name() != "pseudonym");
        }
    }
}
