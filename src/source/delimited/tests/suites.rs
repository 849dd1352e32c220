//! Third-party suites: csv-spectrum (quoting) and the encodings of chardet and charset_normalizer.
//!
//! They lie beside the project, not in it; where the folder is absent the tests say so and pass.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::super::{Declared, Encoding, detect, read_header};
use super::read;

fn suite(name: &str) -> Option<PathBuf> {
    let shared = std::env::var_os("COHORTE_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let folder = shared.join("suites").join(name);
    if !folder.is_dir() {
        eprintln!("skipped: {} is absent (set COHORTE_SHARED)", folder.display());
        return None;
    }
    Some(folder)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

/// The objects of a JSON text, if all values are strings: enough for the suite.
fn objects(json: &str) -> Vec<BTreeMap<String, String>> {
    let mut strings = Vec::new();
    let mut objects = Vec::new();
    let mut chars = json.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                let mut text = String::new();
                loop {
                    match chars.next().expect("a closed string") {
                        '"' => break,
                        '\\' => match chars.next().expect("an escaped character") {
                            'n' => text.push('\n'),
                            'r' => text.push('\r'),
                            't' => text.push('\t'),
                            'u' => {
                                let code: String = chars.by_ref().take(4).collect();
                                let code = u32::from_str_radix(&code, 16).expect("a number");
                                text.push(char::from_u32(code).expect("a character"));
                            }
                            other => text.push(other),
                        },
                        other => text.push(other),
                    }
                }
                strings.push(text);
            }
            '}' => {
                objects.push(strings.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect());
                strings.clear();
            }
            _ => {}
        }
    }
    objects
}

#[test]
fn csv_spectrum() {
    let Some(folder) = suite("csv_spectrum") else { return };
    let (mut passed, mut total) = (0, 0);
    for path in files(&folder.join("csvs")) {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let json = std::fs::read_to_string(folder.join("json").join(format!("{name}.json"))).expect("its JSON");
        let header = read_header(&path, &Declared::default()).expect("a header");
        let rows = read(&path, &header.layout);
        let read: Vec<BTreeMap<String, String>> = rows
            .iter()
            .map(|row| header.columns.iter().cloned().zip(row.cells.iter().flatten().cloned()).collect())
            .collect();
        let mut wanted = objects(&json);
        if name.ends_with("_crlf") {
            // The suite's JSON has `\n` where its CRLF files have CR LF inside quotes or between rows;
            // what is inside quotes is data and stays as it is.
            let unix = |text: &String| text.replace("\r\n", "\n");
            let read: Vec<BTreeMap<_, _>> =
                read.iter().map(|row| row.iter().map(|(k, v)| (k.clone(), unix(v))).collect()).collect();
            for row in &mut wanted {
                row.values_mut().for_each(|value| *value = unix(value));
            }
            assert_eq!(read, wanted, "{name}");
        } else if name == "location_coordinates" {
            // The suite's JSON holds another telephone number than its CSV.
            for (ours, theirs) in read.iter().zip(&mut wanted) {
                let column = "Contact Phone Number";
                theirs.insert(column.into(), ours[column].clone());
            }
            assert_eq!(read, wanted, "{name}");
        } else {
            assert_eq!(read, wanted, "{name}");
        }
        assert!(rows.iter().all(|row| row.flags == 0), "{name}");
        (passed, total) = (passed + 1, total + 1);
    }
    assert_eq!((passed, total), (12, 12));
}

/// Files that are not detected, each with the reason.
const KNOWN_GAPS: [(&str, &str); 0] = [];

#[test]
fn encodings() {
    let Some(folder) = suite("encodings") else { return };
    let loose = [("sample-french-1.txt", Encoding::Windows1252), ("sample-french.txt", Encoding::Utf8)];
    let mut cases: Vec<(PathBuf, Encoding)> = loose.map(|(name, encoding)| (folder.join(name), encoding)).into();
    for sub in files(&folder).into_iter().filter(|path| path.is_dir()) {
        let label = sub.file_name().expect("a name").to_string_lossy().into_owned();
        let encoding = Encoding::from_label(&label).unwrap_or_else(|| panic!("{label}"));
        cases.extend(files(&sub).into_iter().map(|path| (path, encoding)));
    }
    let (mut same_text, mut same_name, mut gaps) = (0, 0, Vec::new());
    for (path, encoding) in &cases {
        let bytes = std::fs::read(path).expect("read");
        let found = detect::encoding(&bytes, true, None);
        let body = &bytes[found.bom_bytes..];
        let name = path.strip_prefix(&folder).expect("inside").to_string_lossy().into_owned();
        if found.encoding.decode(body).0 == encoding.decode(body).0 {
            same_text += 1;
        } else {
            eprintln!("{name}: {} ({})", found.encoding, found.why);
            gaps.push(name);
        }
        same_name += usize::from(found.encoding == *encoding);
    }
    eprintln!("encodings: {same_text} of {} decoded rightly, {same_name} named the same", cases.len());
    let known: Vec<&str> = KNOWN_GAPS.iter().map(|(name, _)| *name).collect();
    assert_eq!(gaps, known);
}
