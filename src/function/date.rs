//! Dates and times by the formats that a mapping lists.
//!
//! A format is compiled to a few items once per batch and each cell is read byte by byte, so a date
//! costs about as much as a number. Reading is strict on purpose: the whole cell must fit, the day
//! must exist, and a year has four digits or a declared hundred, because `01/02/03` read by guess is a wrong age that no
//! later check can find.

use arrow::array::{Array, StringViewArray};
use arrow::datatypes::{DataType, Date32Type, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{Result, plan_datafusion_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature};

use super::column::{Arguments, any_arguments, cells, primitive_column};
use super::date_reading::{Precision, Reading};

/// `parse_date(text, format…)` → Date32 (days since 1970-01-01), by the first format that fits.
///
/// Null where none fits or the day does not exist. Years 1–9999 of the proleptic Gregorian
/// calendar. A time of day that a format asks for is read and dropped.
///
/// | specifier | reads |
/// |---|---|
/// | `%Y` | year, four digits |
/// | `%y` | year, two digits, in the hundred years from `pivot: YEAR` on |
/// | `%m`, `%d` | month, day: one or two digits; two where another number follows or precedes without a mark |
/// | `%b`, `%B` | month name or its abbreviation, English or French, any case, with or without accents and full stop |
/// | `%j` | day of the year, one to three digits (three beside another number) |
/// | `%H`, `%M`, `%S` | hour 0–23, minute, second 0–59, one or two digits |
/// | `%f` | fraction of a second, one to nine digits, cut at microseconds |
/// | `%.f` | the same with its mark (`.` or `,`), or nothing |
/// | `%z` | how far the clock is ahead of UTC: `+0100`, `+01:00`, `+01`, `Z` |
/// | `%F`, `%T`, `%%` | `%Y-%m-%d`, `%H:%M:%S`, a per cent sign |
///
/// Everything else in a format stands for itself. `excel` and `excel-1904` read a spreadsheet's number
/// of days. Literals without `%` may say more: `pivot: 1930`; `partial: first` (`middle`, `last`,
/// `refuse`), without which a format needs a day. The date is the one written, whatever the zone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ParseDate;

impl ScalarUDFImpl for ParseDate {
    fn name(&self) -> &str {
        "parse_date"
    }

    fn signature(&self) -> &Signature {
        any_arguments()
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Date32)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let args = Arguments::new(self.name(), &args);
        let reading = reading(&args, self.name(), true)?;
        let text = args.text_column(0)?;
        args.answer(
            0,
            primitive_column::<Date32Type>(&text, |cell| reading.days(cell.bytes)),
        )
    }
}

/// `parse_datetime(text, format…)` → Timestamp(Microsecond, no time zone), by the first format
/// that fits; as `parse_date`, with midnight where a format has no time.
///
/// UTC where the format has `%z` or a literal `zone: Europe/Paris` says where the clock is; else as written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ParseDatetime;

impl ScalarUDFImpl for ParseDatetime {
    fn name(&self) -> &str {
        "parse_datetime"
    }

    fn signature(&self) -> &Signature {
        any_arguments()
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Timestamp(TimeUnit::Microsecond, None))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let args = Arguments::new(self.name(), &args);
        let reading = reading(&args, self.name(), true)?;
        let text = args.text_column(0)?;
        args.answer(
            0,
            primitive_column::<TimestampMicrosecondType>(&text, |cell| reading.microseconds(cell.bytes)),
        )
    }
}

/// `date_precision(text, format…)` → Utf8View: `day`, `month` or `year`, the smallest part of the date
/// that the text has, by the first format that fits; null where none does. The literals are those of
/// `parse_date`, and partial dates are read in any case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DatePrecision;

impl ScalarUDFImpl for DatePrecision {
    fn name(&self) -> &str {
        "date_precision"
    }

    fn signature(&self) -> &Signature {
        any_arguments()
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let args = Arguments::new(self.name(), &args);
        let reading = reading(&args, self.name(), false)?;
        let text = args.text_column(0)?;
        let words = cells(&text).enumerate().map(|(row, cell)| reading.precision(cell.bytes).filter(|_| text.is_valid(row)).map(Precision::word));
        args.answer(0, words.collect::<StringViewArray>())
    }
}

fn reading(args: &Arguments<'_>, function: &str, exactly: bool) -> Result<Reading> {
    Reading::new(&args.texts(1)?, exactly).map_err(|problem| plan_datafusion_err!("{function}: {problem}"))
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, Date32Array, TimestampMicrosecondArray};
    use arrow::datatypes::{Date32Type, TimestampMicrosecondType};
    use chrono::NaiveDate;

    use super::super::column::testing::{on_text, texts};
    use super::{ParseDate, ParseDatetime};

    fn dates<const N: usize>(cells: &[Option<&str>], formats: [&str; N]) -> Date32Array {
        on_text(ParseDate, cells, &texts(formats))
            .unwrap()
            .as_primitive::<Date32Type>()
            .clone()
    }

    /// One date as `YYYY-MM-DD`.
    fn date<const N: usize>(cell: &str, formats: [&str; N]) -> Option<String> {
        let days = dates(&[Some(cell), None], formats)
            .iter()
            .next()
            .flatten()?;
        Some(
            (NaiveDate::from_ymd_opt(1970, 1, 1)? + chrono::Duration::days(days.into()))
                .to_string(),
        )
    }

    #[test]
    fn days_by_hand() {
        // 1970-01-01 is day 0; 2000-03-01 is 30 years of 365 days, 7 leap days, 31 + 29 days: 11 017.
        let cells = [
            Some("01/01/1970"),
            Some("31/12/1969"),
            Some("1/3/2000"),
            Some("29/02/2000"),
            Some("29/02/1900"),
            None,
        ];
        assert_eq!(
            dates(&cells, ["%d/%m/%Y"]),
            Date32Array::from(vec![
                Some(0),
                Some(-1),
                Some(11_017),
                Some(11_016),
                None,
                None
            ])
        );
    }

    #[test]
    fn days_that_do_not_exist() {
        let cells = [
            "31/02/2020",
            "00/00/0000",
            "00/01/2020",
            "01/13/2020",
            "01/00/2020",
            "31/04/2020",
            "01/01/0000",
            "01/01/20",
            "01/01/02020",
            "01/01/2020 ",
            "",
            "1//2020",
            "-1/01/2020",
            "01-01-2020",
        ];
        for cell in cells {
            assert_eq!(date(cell, ["%d/%m/%Y"]), None, "{cell}");
        }
        assert_eq!(date("01/01/0001", ["%d/%m/%Y"]).unwrap(), "0001-01-01");
        assert_eq!(date("31/12/9999", ["%d/%m/%Y"]).unwrap(), "9999-12-31");
    }

    #[test]
    fn the_first_format_that_fits() {
        let formats = ["%d/%m/%Y", "%F", "%m/%d/%Y", "%Y%m%d"];
        for (cell, expected) in [
            ("02/03/2020", "2020-03-02"),
            ("2020-03-02", "2020-03-02"),
            ("02/13/2020", "2020-02-13"),
            ("20200302", "2020-03-02"),
        ] {
            assert_eq!(date(cell, formats).unwrap(), expected);
        }
        assert_eq!(
            date("2020302", formats),
            None,
            "numbers side by side have their full width"
        );
    }

    #[test]
    fn month_names() {
        let formats = ["%d %b %Y", "%B %d, %Y", "%d-%b-%Y", "%d %b. %Y"];
        for (cell, expected) in [
            ("3 février 2021", "2021-02-03"),
            ("03 FEVR. 2021", "2021-02-03"),
            ("3 fév. 2021", "2021-02-03"),
            ("14 août 1999", "1999-08-14"),
            ("14 AOÛT 1999", "1999-08-14"),
            ("1 de\u{301}cembre 2020", "2020-12-01"),
            ("March 5, 2018", "2018-03-05"),
            ("05-JUL-2018", "2018-07-05"),
            ("5 juil 2018", "2018-07-05"),
            ("5 sept. 2018", "2018-09-05"),
            ("5 mai 2018", "2018-05-05"),
            ("5 juin 2018", "2018-06-05"),
        ] {
            assert_eq!(date(cell, formats).as_deref(), Some(expected), "{cell}");
        }
        for cell in [
            "3 fevriere 2021",
            "3 ju 2021",
            "3  2021",
            "31 juin 2021",
            "3 septembrexxx 2021",
            "3 mai.. 2021",
        ] {
            assert_eq!(date(cell, formats), None, "{cell}");
        }
        assert_eq!(date("12 janv. 2020", ["%d %b. %Y"]).unwrap(), "2020-01-12");
    }

    #[test]
    fn days_of_the_year() {
        for (cell, expected) in [
            ("2020-366", Some("2020-12-31")),
            ("2021-366", None),
            ("2021-060", Some("2021-03-01")),
            ("2020-60", Some("2020-02-29")),
            ("2020-0", None),
        ] {
            assert_eq!(date(cell, ["%Y-%j"]).as_deref(), expected, "{cell}");
        }
        assert_eq!(date("2020060", ["%Y%j"]).unwrap(), "2020-02-29");
        assert_eq!(date("202060", ["%Y%j"]), None);
    }

    #[test]
    fn times() {
        let cells = [
            Some("1970-01-01T00:00:01"),
            Some("1970-01-02T00:00:00.5"),
            Some("1969-12-31T23:59:59.999999999"),
            Some("1970-01-01"),
            Some("1970-01-01T1:2:3,000001"),
            Some("1970-01-01T24:00:00"),
            Some("1970-01-01T00:60:00"),
            Some("1970-01-01T23:59:60"),
            Some("1970-01-01T00:00:00."),
            None,
        ];
        let read = on_text(ParseDatetime, &cells, &texts(["%FT%T%.f", "%F"])).unwrap();
        let expected = vec![
            Some(1_000_000),
            Some(86_400_500_000),
            Some(-1),
            Some(0),
            Some(3_723_000_001),
            None,
            None,
            None,
            None,
            None,
        ];
        assert_eq!(
            read.as_primitive::<TimestampMicrosecondType>(),
            &TimestampMicrosecondArray::from(expected)
        );
        let read = on_text(
            ParseDatetime,
            &[Some("01/01/1970 01:00:00.25")],
            &texts(["%d/%m/%Y %H:%M:%S.%f"]),
        )
        .unwrap();
        assert_eq!(
            read.as_primitive::<TimestampMicrosecondType>().value(0),
            3_600_250_000
        );
        // A date of a cell with a time.
        assert_eq!(
            date("2020-05-01 13:45", ["%Y-%m-%d %H:%M"]).unwrap(),
            "2020-05-01"
        );
        assert_eq!(date("2020-05-01 25:45", ["%Y-%m-%d %H:%M"]), None);
    }

    #[test]
    fn wrong_formats_are_errors() {
        assert!(on_text(ParseDate, &[Some("a")], &texts(["%y"])).is_err());
        assert!(on_text(ParseDate, &[Some("a")], &[]).is_err());
    }
}
