//! The suite `statistical_files`: files of all formats, most with the same table as CSV.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::super::record::RecordFormat;
use super::super::{SAS7BDAT, SPSS, STATA, XPORT};
use super::*;

/// A file, its format, options (`$` is the folder of the suite), the CSV with the same table.
const TWINS: &[(&str, &str, &str, &str)] = &[
    ("basic/sample.sas7bdat", "sas7bdat", "{}", "basic/sample.csv"),
    ("basic/sample_bincompressed.sas7bdat", "sas7bdat", "{}", "basic/sample.csv"),
    ("basic/sample.xpt", "xport", "{}", "basic/sample.csv"),
    ("basic/sample.sav", "spss", "{}", "basic/sample.csv"),
    ("basic/sample.zsav", "spss", "{}", "basic/sample.csv"),
    ("basic/sample.por", "spss", "{}", "basic/sample.csv"),
    ("basic/sample.dta", "stata", "{}", "basic/sample.csv"),
    ("basic/dates.sas7bdat", "sas7bdat", "{}", "basic/dates.csv"),
    ("basic/sample_missing.sav", "spss", r#"{"user_missing": "null"}"#, "basic/sample_missing.csv"),
    ("basic/sample_missing.sav", "spss", "{}", "basic/sample_missing_user.csv"),
    ("missing_data/missing_char.sav", "spss", "{}", "missing_data/missing_char_formatted.csv"),
    ("missing_data/missing_char.sav", "spss", r#"{"user_missing": "null"}"#, "missing_data/missing_char_unformatted.csv"),
    ("missing_data/missing_test.sav", "spss", "{}", "missing_data/missing_sav_formatted.csv"),
    ("missing_data/missing_test.sav", "spss", r#"{"labels": true}"#, "missing_data/missing_sav_labeled.csv"),
    ("missing_data/missing_test.sav", "spss", r#"{"user_missing": null}"#, "missing_data/missing_sav_unformatted.csv"),
    ("missing_data/missing_test.dta", "stata", "{}", "missing_data/missing_dta_formatted.csv"),
    ("missing_data/missing_test.dta", "stata", r#"{"labels": true}"#, "missing_data/missing_dta_labeled.csv"),
    ("missing_data/missing_test.sas7bdat", "sas7bdat", "{}", "missing_data/missing_sas_formatted.csv"),
    ("missing_data/missing_test.sas7bdat", "sas7bdat", r#"{"labels": true, "formats": "$/missing_data/missing_formats.sas7bcat"}"#, "missing_data/missing_sas_labeled.csv"),
    ("sas_catalog/test_data_linux.sas7bdat", "sas7bdat", r#"{"labels": true, "formats": "$/sas_catalog/test_formats_linux.sas7bcat"}"#, "sas_catalog/sas_formatted.csv"),
    ("sas_catalog/test_data_win.sas7bdat", "sas7bdat", r#"{"labels": true, "formats": "$/sas_catalog/test_formats_win.sas7bcat"}"#, "sas_catalog/sas_formatted.csv"),
];

/// Format, file, rows, columns.
type Sums = (&'static str, &'static str, usize, &'static [(&'static str, u64)]);

/// Files without a twin: the number of rows and for each column a sum over its cells, from what pyreadstat 1.3.7 reads
/// (FNV-1a, 64 bits, of the cells joined by line feeds, `~` for a missing one; numbers and dates in the form of the cells).
/// `dtc4`, `yr` and `quarter` are numbers for pyreadstat: days since 1960, seconds since 1582-10-14.
#[rustfmt::skip]
const SUMS: &[Sums] = &[
("sas7bdat", "basic/date_test.sas7bdat", 20, &[
        ("patno", 0x7466edfbda986b39), ("dtc1", 0x0ea27cd2f3b78f5a), ("dtc2", 0xc1c6a73888dd319f), ("dtc3", 0xb45a4a0dc850bc1c), ("dtc4", 0x9f5791e83f1831d3),
        ("tm1", 0xe320861a04191393), ("dt1", 0x6afaa2679b7837c4), ("dt2", 0x8881914ef87d3fd2), ("yr", 0x22da70a463fcd676),
    ]),
    ("sas7bdat", "basic/dates_xpt.sas7bdat", 19, &[
        ("dt", 0x477121d9d156921e), ("string_dt", 0xcf6b69b23633f14a), ("timezone", 0x4403a7c6a29ff59d), ("dates", 0x15cefdc4d8aa5cc4),
        ("string_dates", 0x15cefdc4d8aa5cc4), ("times", 0x394ad9452d504d63), ("string_times", 0x394ad9452d504d63), ("seconds", 0xcb359978030ca052),
        ("missings", 0xd6729e1a1ba90b27),
    ]),
    ("sas7bdat", "basic/test_file_label_linux.sas7bdat", 3, &[("ID", 0xd371401698ada7d4), ("SEXA", 0xdbd538d5af6ff62d), ("SEXB", 0xdbd538d5af6ff62d)]),
    ("sas7bdat", "basic/test_file_label_win.sas7bdat", 3, &[("ID", 0xd371401698ada7d4), ("SEXA", 0xdbd538d5af6ff62d), ("SEXB", 0xdbd538d5af6ff62d)]),
    ("xport", "basic/dates_xpt_v8.xpt", 19, &[
        ("dt", 0x477121d9d156921e), ("string_dt", 0xcf6b69b23633f14a), ("timezone", 0x4403a7c6a29ff59d), ("dates", 0x15cefdc4d8aa5cc4),
        ("string_dates", 0x15cefdc4d8aa5cc4), ("times", 0x394ad9452d504d63), ("string_times", 0x394ad9452d504d63), ("seconds", 0xcb359978030ca052),
        ("missings", 0xd6729e1a1ba90b27),
    ]),
    ("xport", "basic/sas.xpt5", 10, &[("I", 0x98d7d62fd7b5b883)]),
    ("xport", "basic/sas.xpt8", 10, &[("i", 0x98d7d62fd7b5b883)]),
    ("spss", "basic/hebrews.sav", 99, &[("ותק_ב", 0x62506b8979d69d06)]),
    ("spss", "basic/ordered_category.sav", 4, &[("Col1", 0x25955da942d3c19f)]),
    ("spss", "basic/sample_large.sav", 485, &[
        ("mychar", 0xf8406d35c97e1084), ("mynum", 0xdee6f5b6243caac1), ("mydate", 0x68994484a1eac9e4), ("dtime", 0x2ba0cfa38e435d62),
        ("mylabl", 0xc8c5be8ada5a6c34), ("myord", 0xe2f4d34a41a4275b), ("mytime", 0xbe6c77ddfcd5a6bc),
    ]),
    ("spss", "basic/tegulu.sav", 1, &[("record", 0x603b4218278a7694), ("Q16br9oe_Q24br9oe", 0x557445e526c2b6e3)]),
    ("spss", "basic/test_width.sav", 5, &[
        ("ResponseId", 0xeba2a8ea1764a651), ("StartDate", 0x208dda19bd93579c), ("Duration__in_seconds_", 0x4efe17e7d1e3b674), ("Finished", 0x80ef2d553109e455),
    ]),
    ("spss", "multiple_response/simple_alltypes.sav", 6, &[
        ("x", 0xc4ce2845667c7756), ("y", 0x52a35f8b25f40c8e), ("z", 0xcf8b89a43da2c0a5), ("str", 0xbe98c0f3505a2da1), ("bool1", 0x1c0702e96c74db34),
        ("bool2", 0x8bb8ca71af66e629), ("bool3", 0x0f5f86a8badc263d), ("ca_subvar_1", 0xaf8c3211ea0d33ec), ("ca_subvar_2", 0x121413e9d575314c),
        ("ca_subvar_3", 0xc2cbf449d4f58c78), ("date", 0x617c888c2dbdbd33), ("quarter", 0x92fa6691cd40b9a1),
    ]),
];

/// Files of the suite that are no case, and why.
const ASIDE: &[(&str, &str)] = &[
    ("basic/mixed_types.csv", "no file of a statistical package belongs to it"),
    ("basic/sample_nodate_sas_stata.csv", "a reading that leaves dates as numbers; there is no such option"),
    ("basic/sample_nodate_spss.csv", "a reading that leaves dates as numbers; there is no such option"),
    ("missing_data/missing_unformatted.csv", "a reading that drops the letters of missing values; there is no such option"),
    ("missing_data/missing_formats.sas7bcat", "a catalogue, read beside a data set"),
    ("sas_catalog/test_formats_linux.sas7bcat", "a catalogue, read beside a data set"),
    ("sas_catalog/test_formats_win.sas7bcat", "a catalogue, read beside a data set"),
    ("PROVENANCE.txt", "where the suite comes from"),
];

static FORMATS: [&RecordFormat; 4] = [&STATA, &SPSS, &SAS7BDAT, &XPORT];

fn read(suite: &Path, file: &str, format: &str, options: &Options) -> Result<(Vec<String>, Kept), Failure> {
    let format = FORMATS.iter().find(|f| f.names.contains(&format)).expect("a format");
    let path = suite.join(file);
    let mut kept = Kept::default();
    let head = (format.head)(&path, options)?;
    (format.records)(&path, options, &mut kept)?;
    assert_eq!(kept.bytes, path.metadata().map_or(0, |m| m.len()), "{file}: the bytes that were told");
    assert!(kept.damaged.is_empty(), "{file}");
    assert!(head.evidence.iter().any(|e| e.starts_with("encoding: ")) && head.evidence.iter().any(|e| e.starts_with("labels: ")), "{file}");
    Ok((head.columns, kept))
}

/// A cell of a CSV twin in the form of our cells.
fn canonical(cell: &str) -> Option<String> {
    if matches!(cell, "" | "NaN" | "#NULL!") {
        return None;
    }
    // Seconds have six zeros behind them, an hour below ten one digit.
    let mut cell = cell.strip_suffix(".000000").unwrap_or(cell).to_owned();
    if cell.find(':') == Some(1) {
        cell.insert(0, '0');
    }
    Some(cell)
}

fn same(ours: Option<&str>, twin: Option<&str>) -> bool {
    match (ours, twin) {
        (Some(a), Some(b)) => {
            let numbers = (a.parse::<f64>(), b.parse::<f64>());
            // A tagged missing value is a letter in the twin.
            a == b || matches!(numbers, (Ok(a), Ok(b)) if a == b) || (a.len() == 2 && a.strip_prefix('.') == Some(b))
        }
        (a, b) => a == b,
    }
}

fn twin(suite: &Path, case: &(&str, &str, &str, &str)) -> Result<(), String> {
    let (file, format, json, csv) = case;
    let options = options(&json.replace('$', &suite.display().to_string()));
    let (columns, kept) = read(suite, file, format, &options).map_err(|e| format!("{e:?}"))?;
    let text = std::fs::read_to_string(suite.join(csv)).map_err(|e| e.to_string())?;
    let mut lines = text.trim_start_matches('\u{feff}').lines();
    let split = |line: &str| line.split([',', '\t']).map(str::to_owned).collect::<Vec<_>>();
    let names = split(lines.next().unwrap_or_default());
    if !names.iter().map(|n| n.to_lowercase()).eq(columns.iter().map(|n| n.to_lowercase())) {
        return Err(format!("columns {columns:?}, not {names:?}"));
    }
    let rows: Vec<_> = lines.map(split).collect();
    if rows.len() != kept.rows.len() {
        return Err(format!("{} rows, not {}", kept.rows.len(), rows.len()));
    }
    for (number, (ours, theirs)) in kept.rows.iter().zip(&rows).enumerate() {
        for (name, (ours, theirs)) in names.iter().zip(ours.iter().zip(theirs)) {
            let theirs = canonical(theirs);
            if !same(ours.as_deref(), theirs.as_deref()) {
                return Err(format!("row {number}, {name}: {ours:?}, not {theirs:?}"));
            }
        }
    }
    Ok(())
}

fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, b| (sum ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3))
}

fn sums(suite: &Path, format: &str, file: &str, rows: usize, columns: &[(&str, u64)]) -> Result<(), String> {
    let (names, kept) = read(suite, file, format, &Options::new()).map_err(|e| format!("{e:?}"))?;
    if kept.rows.len() != rows || !names.iter().eq(columns.iter().map(|(name, _)| name)) {
        return Err(format!("{} rows of {names:?}", kept.rows.len()));
    }
    for (place, (name, sum)) in columns.iter().enumerate() {
        let cells: Vec<_> = kept.rows.iter().map(|row| row[place].as_deref().unwrap_or("~")).collect();
        if fnv(cells.join("\n").as_bytes()) != *sum {
            return Err(format!("the cells of {name} differ: {cells:?}"));
        }
    }
    Ok(())
}

#[test]
fn conformance_statistical_files() {
    let Some(suite) = shared("suites/statistical_files") else {
        eprintln!("skipped: the suite statistical_files is not here");
        return;
    };
    let mut failed = vec![];
    for case in TWINS {
        if let Err(why) = twin(&suite, case) {
            failed.push(format!("{} as {}: {why}", case.0, case.3));
        }
    }
    for (format, file, rows, columns) in SUMS {
        if let Err(why) = sums(&suite, format, file, *rows, columns) {
            failed.push(format!("{file}: {why}"));
        }
    }
    let all = TWINS.len() + SUMS.len();
    println!("conformance statistical-files {}/{all}", all - failed.len());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// No file of the suite is passed over without a word.
#[test]
fn suite_is_covered() {
    let Some(suite) = shared("suites/statistical_files") else { return };
    let named: BTreeSet<_> = TWINS.iter().flat_map(|t| [t.0, t.3]).chain(SUMS.iter().map(|s| s.1)).chain(ASIDE.iter().map(|a| a.0)).collect();
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(&suite).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        match entry.path().is_dir() {
            true => found.extend(std::fs::read_dir(entry.path()).unwrap().flatten().map(|f| format!("{name}/{}", f.file_name().into_string().unwrap()))),
            false => drop(found.insert(name)),
        }
    }
    assert_eq!(found.iter().map(String::as_str).collect::<BTreeSet<_>>(), named);
}

#[test]
fn evidence_counts_labels() {
    let Some(suite) = shared("suites/statistical_files") else { return };
    let head = |format: usize, file: &str| (FORMATS[format].head)(&suite.join(file), &Options::new()).unwrap().evidence;
    assert_eq!(head(1, "basic/sample.sav"), ["encoding: windows-1252", "rows: 5", "labels: 2"]);
    assert_eq!(head(0, "basic/sample.dta").last().unwrap(), "labels: 2");
    assert_eq!(head(1, "basic/sample.por").last().unwrap(), "labels: 2");
    assert_eq!(head(2, "basic/sample.sas7bdat"), ["encoding: UTF-8", "rows: 5", "labels: 0"]);
}
