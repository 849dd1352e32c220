//! Transport files, written here as TS-140 describes them.

use std::io::Cursor;

use super::super::xport;
use super::*;

fn record(text: &str) -> Vec<u8> {
    padded(text.as_bytes().to_vec())
}

/// Filled with blanks to whole records.
fn padded(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.resize(bytes.len().div_ceil(80) * 80, b' ');
    bytes
}

fn header(kind: &str, digits: &str) -> Vec<u8> {
    record(&format!("HEADER RECORD*******{kind:<8}HEADER RECORD!!!!!!!{digits}"))
}

/// A table of version 5: variables are name, whether a text, width, format.
fn table(name: &str, variables: &[(&str, bool, u16, &str)], rows: &[u8]) -> Vec<u8> {
    let mut file = header("MEMBER", "000000000000000001600000000140");
    file.extend(header("DSCRPTR", "000000000000000000000000000000"));
    file.extend(record(&format!("SAS     {name:<8}SASDATA 9.4     Linux")));
    file.extend(record("01JAN24:00:00:00"));
    file.extend(header("NAMESTR", &format!("000000{:04}00000000000000000000", variables.len())));
    let mut descriptors = vec![];
    for (number, (name, is_text, width, format)) in variables.iter().enumerate() {
        let mut one = vec![];
        for value in [1 + u16::from(*is_text), 0, *width, number as u16 + 1] {
            one.extend(value.to_be_bytes());
        }
        one.extend(format!("{name:<8}{:<40}{format:<8}", "").bytes());
        one.resize(140, 0);
        descriptors.extend(one);
    }
    file.extend(padded(descriptors));
    file.extend(header("OBS", "000000000000000000000000000000"));
    file.extend(padded(rows.to_vec()));
    file
}

fn library(tables: &[Vec<u8>]) -> Vec<u8> {
    let mut file = header("LIBRARY", "000000000000000000000000000000");
    file.extend([record("SAS     SAS     SASLIB  9.4     Linux"), record("01JAN24:00:00:00")].concat());
    file.extend(tables.concat());
    file
}

fn rows(file: &[u8], json: &str) -> Result<Kept, Failure> {
    let mut kept = Kept::default();
    xport::rows(Cursor::new(file), &options(json), &mut kept).map(|()| kept)
}

/// The numbers are worked out by hand: sign, exponent above 64 to the base 16, mantissa.
#[test]
fn numbers_of_mainframes() {
    let numbers: [&[u8]; 10] = [
        &[0x41, 0x10, 0, 0, 0, 0, 0, 0],    // 1/16 * 16
        &[0xc2, 0x76, 0xa0, 0, 0, 0, 0, 0], // -(0x76a0 / 0x10000) * 256 = -118.625
        &[0x40, 0x80, 0, 0, 0, 0, 0, 0],    // 8/16
        &[0; 8],
        &[0x44, 0x53, 0x3e, 0, 0, 0, 0, 0], // 0x533e = 21310
        b".\0\0\0\0\0\0\0",
        b"_\0\0\0\0\0\0\0",
        b"A\0\0\0\0\0\0\0",
        b"Z\0\0\0\0\0\0\0",
        &[0x41, 0x30, 0, 0, 0, 0, 0, 0], // 3: `A` is a number as soon as more follows
    ];
    let file = library(&[table("T", &[("X", false, 8, "")], &numbers.concat())]);
    assert_eq!(rows(&file, "{}").unwrap().lines(), ["1", "-118.625", "0.5", "0", "21310", "~", "._", ".A", ".Z", "3"]);
    let file = library(&[table("T", &[("X", false, 8, "DATE")], &numbers[4..8].concat())]);
    assert_eq!(rows(&file, "{}").unwrap().lines(), ["2018-05-06", "~", "._", ".A"]);
    // Cut to three bytes.
    let file = library(&[table("T", &[("X", false, 3, ""), ("S", true, 2, "")], b"\xc2\x76\xa0ab\x41\x10\x00c ")]);
    assert_eq!(rows(&file, "{}").unwrap().lines(), ["-118.625|ab", "1|c"]);
}

#[test]
fn blanks_that_fill_the_last_record_are_no_rows() {
    // 25 rows of 3 bytes leave 5 of the 80; a row of blanks among the others is one.
    let mut bytes = b"abc".repeat(24);
    bytes.splice(3..6, *b"   ");
    bytes.extend(*b"d  ");
    let kept = rows(&library(&[table("T", &[("S", true, 3, "")], &bytes)]), "{}").unwrap();
    assert_eq!(kept.rows.len(), 25);
    assert_eq!((kept.lines()[1].as_str(), kept.lines()[24].as_str()), ("~", "d"));
}

#[test]
fn of_several_tables_one_is_named() {
    let one = &[0x41, 0x10, 0, 0, 0, 0, 0, 0];
    let file = library(&[table("DM", &[("A", false, 8, "")], one), table("AE", &[("B", true, 2, "")], b"xyz ")]);
    match rows(&file, "{}") {
        Err(Failure::Option { key, near, .. }) => assert_eq!((key.as_str(), near), ("table", vec!["DM".into(), "AE".into()])),
        other => panic!("{other:?}"),
    }
    assert_eq!(rows(&file, r#"{"table": "dm"}"#).unwrap().lines(), ["1"]);
    assert_eq!(rows(&file, r#"{"table": "AE"}"#).unwrap().lines(), ["xy", "z"]);
    assert!(matches!(rows(&file, r#"{"table": "LB"}"#), Err(Failure::Option { .. })));
    let head = xport::head(Cursor::new(&file), &options(r#"{"table": "AE"}"#)).unwrap();
    assert_eq!(head.columns, ["B"]);
    assert_eq!(head.evidence.get(1..).unwrap(), ["rows: 2", "labels: 0", "table: AE"]);
}

#[test]
fn other_files_and_cut_ones() {
    let not = |bytes: &[u8]| matches!(xport::head(Cursor::new(bytes), &Options::new()), Err(Failure::NotThis { .. }));
    assert!(not(b"**COMPRESSED** **COMPRESSED** **COMPRESSED**"));
    assert!(not(b"a,b\n1,2\n"));
    let mut file = library(&[table("T", &[("S", true, 100, "")], &[b'x'; 200])]);
    file.truncate(file.len() - 100);
    let mut kept = Kept::default();
    assert!(matches!(xport::rows(Cursor::new(&file), &Options::new(), &mut kept), Err(Failure::Unreadable(_))));
    assert_eq!(kept.rows.len(), 1);
}
