//! Numbers as dates, date-times and times, and the text of numbers.

use super::super::charset::Charset;
use super::super::moment::{Form, Y1582, Y1960};
use super::super::row::Row;
use super::super::{sas, stata};
use super::*;

fn text(value: f64, form: Form) -> String {
    let mut row = Row::default();
    row.value(value, form);
    one(&row)
}

fn one(row: &Row) -> String {
    let mut kept = Kept::default();
    row.give(1, 0, &mut kept).unwrap();
    kept.lines().remove(0)
}

#[test]
fn dates_and_times() {
    // The numbers of the suite's `sample_nodate_*.csv`, the texts of its `sample.csv`.
    assert_eq!(text(21310.0, Form::Days(Y1960)), "2018-05-06");
    assert_eq!(text(-137_696.0, Form::Days(Y1960)), "1583-01-01");
    assert_eq!(text(1_841_220_610.0, Form::Seconds(Y1960)), "2018-05-06T10:10:10");
    assert_eq!(text(-11_896_934_400.0, Form::Seconds(Y1960)), "1583-01-01T00:00:00");
    assert_eq!(text(13_744_944_000.0, Form::DaySeconds(Y1582)), "2018-05-06");
    assert_eq!(text(13_744_980_610.0, Form::Seconds(Y1582)), "2018-05-06T10:10:10");
    assert_eq!(text(36_610.0, Form::Clock), "10:10:10");
    // By hand.
    assert_eq!(text(0.0, Form::Days(Y1960)), "1960-01-01");
    assert_eq!(text(21_310.75, Form::Days(Y1960)), "2018-05-06");
    assert_eq!(text(-0.25, Form::Days(Y1960)), "1959-12-31");
    assert_eq!(text(59.0, Form::Days(Y1960)), "1960-02-29");
    assert_eq!(text(-0.25, Form::Seconds(Y1960)), "1959-12-31T23:59:59.75");
    assert_eq!(text(13_744_980_610.123, Form::Seconds(Y1582)), "2018-05-06T10:10:10.123");
    assert_eq!(text(1.999_999_9, Form::Clock), "00:00:02");
    assert_eq!(text(-1.999_999_9, Form::Clock), "-00:00:02");
    assert_eq!(text(108_000.5, Form::Clock), "30:00:00.5");
    assert_eq!(text(-1.5, Form::Clock), "-00:00:01.5");
    assert_eq!(text(-90.0, Form::Clock), "-00:01:30");
    assert_eq!(text(86_400.0 + 61.0, Form::TimeOfDay), "00:01:01");
}

/// Stata: `help datetime`; the numbers are those that its functions give.
#[test]
fn stata_periods() {
    assert_eq!(text(1_577_923_200_000.0, Form::Millis), "2010-01-01T00:00:00");
    // 24 leap seconds came before 2010.
    assert_eq!(text(1_577_923_224_000.0, Form::LeapMillis), "2010-01-01T00:00:00");
    assert_eq!(text(1_577_923_223_999.0, Form::LeapMillis), "2009-12-31T23:59:59.999");
    // The first one: at the end of June 1972, 4565 days after 1960-01-01.
    assert_eq!(text(4_565.0 * 86_400_000.0 - 1.0, Form::LeapMillis), "1972-06-30T23:59:59.999");
    assert_eq!(text(4_565.0 * 86_400_000.0 + 500.0, Form::LeapMillis), "1972-06-30T23:59:60.5");
    assert_eq!(text(4_565.0 * 86_400_000.0 + 1000.0, Form::LeapMillis), "1972-07-01T00:00:00");
    assert_eq!(text(36_610_000.0, Form::MillisOfDay), "10:10:10");
    assert_eq!(text(1_577_923_200_000.0, Form::MillisOfDay), "2010-01-01T00:00:00");
    assert_eq!(text(2600.0, Form::Weeks), "2010-01-01");
    assert_eq!(text(2601.0, Form::Weeks), "2010-01-08");
    assert_eq!(text(-1.0, Form::Weeks), "1959-12-24");
    assert_eq!(text(600.0, Form::Periods(12)), "2010-01-01");
    assert_eq!(text(-1.0, Form::Periods(12)), "1959-12-01");
    assert_eq!(text(203.0, Form::Periods(4)), "2010-10-01");
    assert_eq!(text(101.0, Form::Periods(2)), "2010-07-01");
}

#[test]
fn what_is_no_date_stays_a_number() {
    assert_eq!(text(1e9, Form::Days(Y1960)), "1000000000");
    assert_eq!(text(1e300, Form::Seconds(Y1582)), "1e300");
    assert_eq!(text(99_999_999_999_999.5, Form::Seconds(Y1582)), "99999999999999.5");
    assert_eq!(text(-99_999_999_999_999.5, Form::Millis), "-99999999999999.5");
    assert_eq!(text(f64::NEG_INFINITY, Form::Clock), "-inf");
    assert_eq!(text(f64::NAN, Form::Days(0)), "~");
}

#[test]
fn numbers() {
    for (value, expected) in [(12.0, "12"), (-0.0, "0"), (0.1, "0.1"), (-1000.3, "-1000.3"), (1e15, "1000000000000000"), (1e22, "1e22"), (1.5e-9, "1.5e-9"), (123_456_789.25, "123456789.25")] {
        assert_eq!(text(value, Form::Number), expected);
    }
    let mut row = Row::default();
    row.single(1.1);
    row.single(-3.0);
    row.single(16_777_216.0);
    row.integer(-7);
    assert_eq!(one(&row), "1.1|-3|16777216|-7");
}

#[test]
fn formats_of_stata() {
    for (format, form) in [
        ("%td", Form::Days(Y1960)),
        ("%-tdD_m_Y", Form::Days(Y1960)),
        ("%d", Form::Days(Y1960)),
        ("%tc", Form::Millis),
        ("%tcDDmonCCYY_HH:MM:SS", Form::Millis),
        ("%tcCCYY.NN.DD", Form::Millis),
        ("%tcHH:MM:SS", Form::MillisOfDay),
        ("%tChh:MM_am", Form::MillisOfDay),
        ("%tC", Form::LeapMillis),
        ("%tw", Form::Weeks),
        ("%tm", Form::Periods(12)),
        ("%tq", Form::Periods(4)),
        ("%th", Form::Periods(2)),
        ("%ty", Form::Number),
        ("%tbnyse", Form::Number),
        ("%9.0g", Form::Number),
        ("%12s", Form::Number),
    ] {
        assert_eq!(stata::form(format), form, "{format}");
    }
}

#[test]
fn formats_of_sas() {
    for (format, form) in [
        ("DATE", Form::Days(Y1960)),
        ("date9.", Form::Days(Y1960)),
        ("DDMMYY10.", Form::Days(Y1960)),
        ("YYMMDDN8.", Form::Days(Y1960)),
        ("YYQRS", Form::Days(Y1960)),
        ("WEEKDATX", Form::Days(Y1960)),
        ("E8601DA", Form::Days(Y1960)),
        ("DATETIME22.3", Form::Seconds(Y1960)),
        ("E8601DT", Form::Seconds(Y1960)),
        ("DTDATE9.", Form::Seconds(Y1960)),
        ("TIME8.", Form::Clock),
        ("TIMEAMPM", Form::Clock),
        ("HHMM", Form::Clock),
        ("TOD", Form::TimeOfDay),
        ("BEST12.", Form::Number),
        ("8.2", Form::Number),
        ("", Form::Number),
        // Formats of users that only look like dates.
        ("FMONTH", Form::Number),
        ("SEXDATE", Form::Number),
        ("YYMMX", Form::Number),
    ] {
        assert_eq!(sas::form(format), form, "{format}");
    }
}

#[test]
fn encodings() {
    let guess = |bytes: &[u8]| Charset::Guess.text(bytes).0.into_owned();
    assert_eq!(guess("hôpital €".as_bytes()), "hôpital €");
    assert_eq!(guess(b"h\xf4pital \x80"), "hôpital €");
    // Cut within the last character.
    assert_eq!(guess(b"h\xc3\xb4pital \xe2\x82"), "hôpital ");
    assert_eq!(guess(b"caf\xc3"), "cafÃ");
    let utf8 = Charset::named("UTF-8").unwrap();
    assert_eq!(utf8.text(b"h\xc3\xb4p\xe2\x82"), ("hôp".into(), true));
    assert!(!utf8.text(b"h\xf4pital").1);
    for (name, bytes, expected) in [("1252", &b"\x80"[..], "€"), ("cp1250", b"\xa3", "Ł"), ("28605", b"\xa4", "€"), ("macroman", b"\x8e", "é"), ("gb2312", b"\xd6\xd0", "中"), ("latin1", b"\xe9", "é")] {
        let charset = Charset::named(name).unwrap_or_else(|| panic!("{name}"));
        assert_eq!(charset.text(bytes), (expected.into(), true), "{name}");
    }
    assert_eq!(Charset::named("shift_jis").unwrap().text(b"\x93\xfa\x96"), ("日".into(), true));
    assert_eq!(Charset::named("utf-16le"), None);
    assert_eq!(Charset::named("850"), None);
}

#[test]
fn bad_bytes_damage_the_row() {
    let mut row = Row::default();
    row.bytes(b"fine  ", Charset::named("utf-8").unwrap());
    row.bytes(b"h\xf4pital", Charset::named("utf-8").unwrap());
    let mut kept = Kept::default();
    row.give(3, 0, &mut kept).unwrap();
    assert_eq!(kept.damaged, [3]);
    assert_eq!(kept.lines(), ["fine|h\u{fffd}pital"]);
}

#[test]
fn options_are_checked() {
    use super::super::Settings;
    let key = |json: &str| match Settings::of(&options(json)) {
        Err(Failure::Option { key, .. }) => key,
        other => panic!("{other:?}"),
    };
    for json in [r#"{"labels": "yes"}"#, r#"{"user_missing": "drop"}"#, r#"{"encoding": "klingon"}"#, r#"{"formats": "here.sas7bcat"}"#, r#"{"table": 1}"#] {
        assert!(json.contains(&key(json)));
    }
}
