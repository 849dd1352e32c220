//! Expected values of the suite are those of pydicom 3.0.2 (`expected.tsv`).

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::super::record::{Damage, Failure, Options, Output};
use super::header::{self, Outcome};
use super::input::{BUFFER, Stream};
use super::wanted::{Wanted, snake};
use super::{FORMAT, head, records};

fn shared(what: &str) -> Option<PathBuf> {
    let root = std::env::var_os("COHORTE_SHARED").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let path = root.join(what);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {what} is not there");
    None
}

fn options(value: serde_json::Value) -> Options {
    value.as_object().cloned().unwrap_or_default()
}

/// One record: its number, the path if it is damaged, its cells by column.
#[derive(Debug)]
struct Row {
    number: u64,
    damaged: Option<String>,
    cells: HashMap<String, Option<String>>,
}

impl Row {
    fn get(&self, column: &str) -> Option<&str> {
        self.cells.get(column).unwrap_or_else(|| panic!("no column {column}")).as_deref()
    }
}

struct Gathered {
    columns: Vec<String>,
    rows: Vec<Row>,
    bytes: u64,
}

impl Gathered {
    fn push(&mut self, number: u64, damaged: Option<String>, cells: &mut dyn Iterator<Item = Option<&str>>) {
        let cells: Vec<Option<String>> = cells.map(|cell| cell.map(str::to_owned)).collect();
        assert_eq!(cells.len(), self.columns.len());
        self.rows.push(Row { number, damaged, cells: self.columns.iter().cloned().zip(cells).collect() });
    }
}

impl Output for Gathered {
    fn record(&mut self, number: u64, _: u64, cells: &mut dyn Iterator<Item = Option<&str>>) -> Result<(), Failure> {
        self.push(number, None, cells);
        Ok(())
    }

    fn damaged(&mut self, number: u64, _: u64, _: Damage, raw: &str, cells: &mut dyn Iterator<Item = Option<&str>>) -> Result<(), Failure> {
        self.push(number, Some(raw.to_owned()), cells);
        Ok(())
    }

    fn read(&mut self, bytes: u64) {
        self.bytes += bytes;
    }
}

fn gather(path: &Path, given: serde_json::Value) -> Result<Gathered, Failure> {
    let given = options(given);
    let mut gathered = Gathered { columns: head(path, &given)?.columns, rows: vec![], bytes: 0 };
    records(path, &given, &mut gathered)?;
    for (number, row) in (1..).zip(&gathered.rows) {
        assert_eq!(row.number, number);
    }
    Ok(gathered)
}

fn of(path: &Path, given: serde_json::Value) -> Vec<Row> {
    gather(path, given).expect("it is read").rows
}

#[test]
fn conformance_dicom_as_pydicom_reads_it() {
    let Some(suite) = shared("suites/dicom") else { return };
    let rows = of(&suite, json!({"level": "instance", "tags": ["PatientName", "(0010,0030)", "StudyDescription"]}));
    let mut lines = include_str!("expected.tsv").lines();
    let columns: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let expected: Vec<Vec<&str>> = lines.map(|line| line.split('\t').collect()).collect();
    assert_eq!(rows.len(), expected.len());
    let mut right = 0;
    for (row, expected) in rows.iter().zip(&expected) {
        let file = expected.first().copied().unwrap_or_default();
        let mut wrong = vec![];
        for (column, value) in columns.iter().zip(expected).skip(1) {
            let found = row.get(column).unwrap_or_default();
            let near = |a: &str, b: &str| a.parse::<f64>().is_ok_and(|a| b.parse::<f64>().is_ok_and(|b| (a - b).abs() < 2e-6));
            if found != *value && !(*column == "slice_position" && near(found, value)) {
                wrong.push(format!("{column}: `{found}` is `{value}`"));
            }
        }
        if let Some(damaged) = &row.damaged {
            wrong.push(format!("damaged: {damaged}"));
        }
        match wrong.is_empty() {
            true => right += 1,
            false => eprintln!("{file}: {}", wrong.join("; ")),
        }
    }
    println!("conformance dicom {right}/{}", expected.len());
    assert_eq!(right, expected.len());
}

#[test]
fn a_series_has_its_images_together() {
    let Some(suite) = shared("suites/dicom/dicomdirtests") else { return };
    let rows = of(&suite, json!({}));
    let of_columns = |row: &Row, columns: &[&str]| columns.iter().map(|column| row.get(column).unwrap_or("-").to_owned()).collect::<Vec<_>>().join(" ");
    let found: Vec<_> = rows
        .iter()
        .map(|row| of_columns(row, &["modality", "images", "orientation", "slice_distance", "first_position", "last_position", "missing_slices", "mixed_spacing", "mixed_orientation", "mixed_size", "duplicate_instances", "incomplete_images"]))
        .collect();
    // By pydicom, in the order of the folders CR1, CR2, CR3, CT2, CT2N, CT5N. CT2 lies at -99.480003, 103.019997, 104.269997 and
    // 105.519997 (so the median is 1.25 and 202.5 a gap), CT5N every 2.5 mm from -1.2375; CT2N is a pair of scouts, sagittal and coronal.
    assert_eq!(
        found,
        [
            "CR 1 - - - - - - - false false 0",
            "CR 1 - - - - - - - false false 0",
            "CR 1 - - - - - - - false false 0",
            "CT 4 axial 1.25 -99.480003 105.519997 true true false false false 0",
            "CT 2 - - - - - false true false false 0",
            "CT 5 axial 2.5 -1.2375 8.7625 false false false false false 0",
        ]
    );
    let studies = of(&suite, json!({"level": "study"}));
    let found: Vec<_> = studies.iter().map(|row| of_columns(row, &["patient_id", "modalities", "series", "images", "missing_slices", "mixed_orientation", "mixed_patients"])).collect();
    assert_eq!(found, ["77654033 CR 3 3 - - false", "77654033 CT 1 4 true false false", "98890234 CT 2 7 false true false"]);
}

#[test]
fn a_series_knows_duplicates_and_cut_off_pixels() {
    let Some(suite) = shared("suites/dicom") else { return };
    let rows = of(&suite, json!({}));
    // 693_J2KI and 693_UNCI are one image in two transfer syntaxes, as are the two of US1; MR_truncated is MR_small cut off.
    let find = |uid: &str| rows.iter().find(|row| row.get("series_uid") == Some(uid)).expect("the series is there");
    let ct = find("1.2.276.0.7230010.3.1.3.296485376.1.1521713419.1802493");
    assert_eq!((ct.get("images"), ct.get("duplicate_instances"), ct.get("incomplete_images")), (Some("1"), Some("true"), Some("0")));
    let folder = tempfile::tempdir().expect("a folder");
    fs::copy(suite.join("MR_truncated.dcm"), folder.path().join("a.dcm")).expect("copied");
    let rows = of(folder.path(), json!({}));
    assert_eq!(rows.iter().map(|row| (row.damaged.is_some(), row.get("incomplete_images"))).collect::<Vec<_>>(), [(false, Some("1"))]);
}

#[test]
fn a_text_in_a_sequence_has_the_character_set_of_its_item() {
    let Some(suite) = shared("suites/dicom/charset_files") else { return };
    for file in ["chrSQEncoding.dcm", "chrSQEncoding1.dcm"] {
        let rows = of(&suite.join(file), json!({"level": "instance", "tags": ["RequestedProcedureCodeSequence.PatientName", "0032,1064.(0008,0100)"]}));
        let row = rows.first().expect("a record");
        assert_eq!(row.get("requested_procedure_code_sequence_patient_name"), Some("ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"));
        assert_eq!(row.get("requested_procedure_code_sequence_code_value"), Some("CodeValue"));
    }
}

#[test]
fn what_is_no_image_is_passed_over_or_said() {
    let Some(suite) = shared("suites/dicom") else { return };
    let failure = |path: &Path| head(path, &Options::new()).expect_err("no head");
    assert!(matches!(failure(&suite.join("dicomdirtests/DICOMDIR")), Failure::NotThis { is, .. } if is.contains("DICOMDIR")));
    for directory in ["DICOMDIR-bigEnd", "DICOMDIR-empty.dcm", "DICOMDIR-implicit", "DICOMDIR-nooffset", "DICOMDIR-nopatient", "DICOMDIR-reordered"] {
        let failure = failure(&suite.join("dicomdirtests").join(directory));
        assert!(matches!(failure, Failure::NotThis { is, .. } if is.contains("DICOMDIR")), "{directory}");
    }
    assert!(matches!(failure(&suite.join("PROVENANCE-pydicom.txt")), Failure::NotThis { .. }));
    assert!(matches!(failure(&suite.join("nothing")), Failure::Unreadable(_)));
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(failure(folder.path()), Failure::Empty);
    fs::write(folder.path().join("README"), "read me").expect("written");
    fs::write(folder.path().join("notes.txt"), "").expect("written");
    assert!(matches!(failure(folder.path()), Failure::NotThis { .. }));
}

#[test]
fn broken_files_are_damaged_records_with_what_was_read() {
    let Some(suite) = shared("suites/dicom") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let whole = fs::read(suite.join("CT_small.dcm")).expect("read");
    fs::create_dir(folder.path().join("b")).expect("made");
    fs::write(folder.path().join("a.dcm"), &whole).expect("written");
    // Within (0018,1020) or so: the study's UID comes later, the modality came before.
    fs::write(folder.path().join("b/cut"), whole.get(..1501).expect("long enough")).expect("written");
    fs::write(folder.path().join("c.IMA"), "").expect("written");
    fs::write(folder.path().join("d.txt"), "passed over").expect("written");
    fs::write(folder.path().join("e.zip"), "PK no archive").expect("written");
    std::os::unix::fs::symlink(folder.path(), folder.path().join("f")).expect("linked");
    std::os::unix::fs::symlink(folder.path().join("a.dcm"), folder.path().join("g.dcm")).expect("linked");
    for level in ["series", "study", "instance"] {
        let gathered = gather(folder.path(), json!({"level": level})).expect("read");
        let damaged: Vec<_> = gathered.rows.iter().map(|row| row.damaged.as_deref()).collect();
        assert_eq!(damaged, [None, Some("b/cut"), Some("c.IMA"), Some("e.zip")]);
        assert_eq!(gathered.bytes, 39206 + 1501 + 11 + 13);
        let cut = gathered.rows.get(1).expect("a record");
        assert_eq!(cut.get(if level == "study" { "modalities" } else { "modality" }), Some("CT"));
        assert_eq!(cut.get("study_date"), Some("2004-01-19"));
    }
}

#[test]
fn an_archive_is_read_as_a_folder_is() {
    let Some(suite) = shared("suites/dicom/dicomdirtests") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("tree")).expect("made");
    let mut files = vec![];
    let mut folders = vec![suite.clone()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("listed").flatten() {
            match entry.path().is_dir() {
                true => folders.push(entry.path()),
                false => files.push(entry.path()),
            }
        }
    }
    let mut zip = zip::ZipWriter::new(fs::File::create(folder.path().join("images.ZIP")).expect("made"));
    for file in &files {
        let name = file.strip_prefix(&suite).expect("below").to_string_lossy().into_owned();
        zip.start_file(name, zip::write::SimpleFileOptions::default()).expect("begun");
        std::io::Write::write_all(&mut zip, &fs::read(file).expect("read")).expect("written");
    }
    zip.finish().expect("finished");
    let archive = folder.path().join("images.ZIP");
    fs::copy(&archive, folder.path().join("tree/inside.zip")).expect("copied");
    let cells = |rows: Vec<Row>| rows.into_iter().map(|row| row.cells).collect::<Vec<_>>();
    let expected = cells(of(&suite, json!({})));
    assert_eq!(expected.len(), 6);
    assert_eq!(cells(of(&archive, json!({}))), expected);
    assert_eq!(cells(of(&folder.path().join("tree"), json!({}))), expected);
    // An archive that breaks off, or is changed.
    let bytes = fs::read(&archive).expect("read");
    let mut random = random();
    for cut in (0..bytes.len()).step_by(997) {
        fs::write(folder.path().join("cut.zip"), bytes.get(..cut).expect("within")).expect("written");
        assert!(gather(&folder.path().join("cut.zip"), json!({})).is_err());
        let mut changed = bytes.clone();
        // Most of it is the list at its end.
        for _ in 0..4 {
            let at = bytes.len() - 1 - random() % 3000.min(bytes.len());
            if let Some(byte) = changed.get_mut(at) {
                *byte = random() as u8;
            }
        }
        fs::write(folder.path().join("cut.zip"), changed).expect("written");
        let _ = gather(&folder.path().join("cut.zip"), json!({}));
    }
}

#[test]
fn nothing_that_identifies_is_read_unless_it_is_named() {
    // Text elements of PS3.15 table E.1-1.
    let identifying = [
        "PatientName", "PatientBirthDate", "PatientBirthName", "PatientAddress", "PatientTelephoneNumbers", "PatientMotherBirthName", "PatientSex", "PatientAge",
        "PatientSize", "PatientWeight", "PatientComments", "OtherPatientIDs", "OtherPatientNames", "EthnicGroup", "Occupation", "AdditionalPatientHistory",
        "ReferringPhysicianName", "PerformingPhysicianName", "NameOfPhysiciansReadingStudy", "PhysiciansOfRecord", "OperatorsName", "RequestingPhysician",
        "InstitutionName", "InstitutionAddress", "InstitutionalDepartmentName", "StationName", "DeviceSerialNumber", "AccessionNumber", "StudyID",
        "StudyDescription", "SeriesDescription", "ProtocolName", "ImageComments", "RequestedProcedureDescription", "AdmittingDiagnosesDescription", "MedicalRecordLocator",
    ];
    let plain = Wanted::new(&[]).expect("wanted");
    for keyword in identifying {
        let with = Wanted::new(&[keyword]).expect("an element of the dictionary");
        let added: usize = with.nodes().iter().map(|node| node.takes.len()).sum();
        assert_eq!(added, plain.nodes().iter().map(|node| node.takes.len()).sum::<usize>() + 1);
        let new = with.nodes().iter().any(|node| super::wanted::find(plain.nodes(), node.tag).is_none());
        assert!(new, "{keyword} is in the fixed list");
    }
    let Some(suite) = shared("suites/dicom") else { return };
    for level in ["series", "study", "instance"] {
        let rows = of(&suite.join("CT_small.dcm"), json!({"level": level}));
        assert!(rows.iter().flat_map(|row| row.cells.values()).flatten().all(|cell| !cell.contains("Compressed")));
    }
}

#[test]
fn options_are_checked() {
    let folder = Path::new("/");
    let failure = |given: serde_json::Value| match head(folder, &options(given)) {
        Err(Failure::Option { key, message, near }) => (key, message, near),
        other => panic!("{other:?}"),
    };
    assert_eq!(failure(json!({"level": "image"})).0, "level");
    let (key, message, near) = failure(json!({"tags": ["patient_sex"]}));
    assert_eq!((key.as_str(), near.first().map(String::as_str)), ("tags", Some("PatientSex")));
    assert!(message.contains("patient_sex"));
    assert!(failure(json!({"tags": ["PatientID"]})).1.contains("patient_id"));
    assert!(failure(json!({"tags": ["PatientSex", "(0010,0040)"]})).1.contains("patient_sex"));
    assert!(failure(json!({"tags": ["PixelData"]})).1.contains("pixels"));
    assert!(failure(json!({"tags": ["ReferencedImageSequence"]})).1.contains("sequence"));
    assert!(failure(json!({"tags": ["PatientSex.PatientName"]})).1.contains("no sequence"));
    assert!(failure(json!({"tags": 3})).1.contains("list"));
    assert!(failure(json!({"tags": [3]})).1.contains("text"));
    for (keyword, name) in [("SOPInstanceUID", "sop_instance_uid"), ("KVP", "kvp"), ("XRayTubeCurrent", "x_ray_tube_current"), ("PatientID", "patient_id")] {
        assert_eq!(snake(keyword), name);
    }
    for name in FORMAT.options.iter().map(|option| option.key) {
        assert!(["level", "tags"].contains(&name));
    }
}

/// Numbers that are the same in each run.
fn random() -> impl FnMut() -> usize {
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed >> 16).unwrap_or(0)
    }
}

/// The outcome of bytes.
fn outcome(bytes: &[u8], wanted: &Wanted) -> Outcome {
    header::read(&mut Stream::new(bytes, u64::MAX, Some(bytes.len() as u64)), wanted, &mut vec![0; BUFFER])
}

/// An element of explicit little endian.
fn explicit(tag: u32, vr: &[u8; 2], value: &[u8]) -> Vec<u8> {
    let mut bytes = [(tag >> 16) as u16, tag as u16].map(u16::to_le_bytes).concat();
    bytes.extend_from_slice(vr);
    match vr {
        b"SQ" | b"UN" | b"OB" => bytes.extend([&[0, 0][..], &(value.len() as u32).to_le_bytes()].concat()),
        _ => bytes.extend((value.len() as u16).to_le_bytes()),
    }
    bytes.extend_from_slice(value);
    bytes
}

/// The same of implicit little endian; `None` is a length that is not defined.
fn implicit(tag: u32, length: Option<u32>) -> Vec<u8> {
    [&((tag >> 16) as u16).to_le_bytes()[..], &(tag as u16).to_le_bytes(), &length.unwrap_or(u32::MAX).to_le_bytes()].concat()
}

#[test]
fn sequences_of_unknown_representation_are_implicit() {
    // PS3.5 6.2.2: UN with an undefined length, in a file of explicit elements, as Philips writes its private sequences.
    let wanted = Wanted::new(&["(2001,105f).SeriesNumber", "PatientSex"]).expect("wanted");
    let start = [explicit(0x0008_0016, b"UI", b"1.2\0"), explicit(0x0008_0060, b"CS", b"MR")].concat();
    // The length of the first looks like a representation, `AB`.
    let inner = [implicit(0x0020_0010, Some(0x4241)), vec![b'x'; 0x4241], implicit(0x0020_0011, Some(2)), b"7 ".to_vec()].concat();
    let end = implicit(0xFFFE_E0DD, Some(0));
    let begin = [&implicit(0x2001_105F, None)[..4], b"UN\0\0\xFF\xFF\xFF\xFF", &implicit(0xFFFE_E000, None)].concat();
    let undefined = [&begin[..], &inner, &implicit(0xFFFE_E00D, Some(0)), &end].concat();
    let without_end_of_item = [begin, inner.clone(), end].concat();
    let defined = explicit(0x2001_105F, b"UN", &[implicit(0xFFFE_E000, Some(inner.len() as u32)), inner].concat());
    // Stray ends of items and sequences do no harm.
    let pixels = explicit(0x7FE0_0010, b"OB", b"\0\0");
    let stray = [&implicit(0xFFFE_E00D, Some(0))[..], &implicit(0xFFFE_E0DD, Some(0)), &pixels].concat();
    for (sequence, rest) in [(undefined, &stray), (without_end_of_item, &pixels), (defined, &pixels)] {
        let Outcome::Read(header) = outcome(&[&start[..], &sequence, rest].concat(), &wanted) else { panic!("not read") };
        assert_eq!(header.pixels, super::header::Pixels::Whole);
        assert_eq!(header.values.get(super::Slot::Tags as usize).and_then(Option::as_deref), Some("7"));
        assert_eq!(header.get(super::Slot::Modality), Some("MR"));
    }
}

#[test]
fn hostile_bytes_are_read_to_no_harm() {
    let Some(suite) = shared("suites/dicom") else { return };
    let wanted = Wanted::new(&["PatientName", "(0009,1010)"]).expect("wanted");
    // Deep: items in items, with and without their ends.
    for (levels, ends, good) in [(50, true, true), (1000, true, false), (100_000, false, false)] {
        let mut deep = [explicit(0x0008_0016, b"UI", b"1.2\0"), explicit(0x0008_0060, b"CS", b"MR")].concat();
        for _ in 0..levels {
            deep.extend([&implicit(0x0040_A730, None)[..4], b"SQ\0\0\xFF\xFF\xFF\xFF", &implicit(0xFFFE_E000, None)].concat());
        }
        for _ in 0..if ends { levels } else { 0 } {
            deep.extend([implicit(0xFFFE_E00D, Some(0)), implicit(0xFFFE_E0DD, Some(0))].concat());
        }
        assert_eq!(matches!(outcome(&deep, &wanted), Outcome::Read(_)), good);
    }
    // A value of 4 GB in a short file, wanted and not.
    for tag in [0x0010_0010, 0x0010_4000] {
        let mut bytes = [explicit(0x0008_0016, b"UI", b"1.2\0"), explicit(0x0008_0060, b"CS", b"MR"), explicit(tag, b"UN", b"")].concat();
        let at = bytes.len() - 4;
        bytes.splice(at.., 0xFFFF_FFF0_u32.to_le_bytes());
        assert!(matches!(outcome(&bytes, &wanted), Outcome::Damaged(_)));
    }
    // Every truncation: DICOM stays DICOM, and what is cut off within the header of an image is not whole.
    let whole = fs::read(suite.join("MR_small.dcm")).expect("read");
    for cut in 132..whole.len().min(2500) {
        match outcome(whole.get(..cut).expect("within"), &wanted) {
            Outcome::Read(header) => assert_ne!(header.pixels, super::header::Pixels::Whole),
            Outcome::Damaged(_) => {}
            other => panic!("{cut}: {other:?}"),
        }
    }
    let mut random = random();
    let names = ["CT_small.dcm", "badVR.dcm", "image_dfl.dcm", "reportsi.dcm", "no_meta.dcm", "meta_missing_tsyntax.dcm", "dicomdirtests/DICOMDIR-implicit", "ExplVR_BigEnd.dcm", "charset_files/chrH32.dcm", "charset_files/chrSQEncoding.dcm"];
    for name in names {
        let mut whole = fs::read(suite.join(name)).expect("read");
        whole.truncate(8000);
        for _ in 0..400 {
            let mut bytes = whole.clone();
            for _ in 0..=random() % 4 {
                let at = random() % bytes.len();
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = [0, 0xFF, b'S', random() as u8].get(random() % 4).copied().unwrap_or(0);
                }
            }
            bytes.truncate(random() % (2 * bytes.len()));
            if let Outcome::Read(header) | Outcome::Damaged(header) = outcome(&bytes, &wanted) {
                super::series::Series::of(header).distances();
            }
        }
    }
}
