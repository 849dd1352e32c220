//! Targets that are no record format, or that know more than that reading ends.

use std::io::{Cursor, Write};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use arrow::array::{Array, StringViewArray};
use serde_json::{Value, json};

use crate::delimited::{ByteRange, Declared, Encoding, Layout, RangeReader, Tuning, index_with, read_header};
use crate::diagnostic::{Diagnostics, SourceMap, render_json, render_text};
use crate::{excel, fhir, place, read};

/// A row as read: its cells, its number, where it begins, its flags, its text.
type Row = (Vec<Option<String>>, u64, u64, u16, Option<String>);

/// Delimited text: its head is read, and its rows are the same ones in one range and in many.
pub fn delimited(data: &[u8]) {
    let path = place("delimited");
    if std::fs::write(path, data).is_err() {
        return;
    }
    // The knobs hang on the bytes, so that a seed is a file as it is.
    let hash = data.iter().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3));
    let knob = |at: u32, of: u64| (hash >> at) % of;
    let declared = match knob(8, 10) {
        0 => Declared { escape: Some(b'\\'), ..Declared::default() },
        1 => Declared { comment: Some(b'#'), skip_lines: Some(1), ..Declared::default() },
        2 => Declared { quote: Some(None), has_header: Some(false), ..Declared::default() },
        3 => Declared { encoding: Some(Encoding::Utf16Le), delimiter: Some(b';'), ..Declared::default() },
        _ => Declared::default(),
    };
    let Ok(header) = read_header(path, &declared) else { return };
    let max_record = if knob(12, 4) == 0 { 64 + knob(16, 200) as usize } else { Tuning::default().max_record };
    let once = rows(path, &header.layout, u64::MAX, 10_000, Tuning { max_record, ..Tuning::default() });
    let parts = rows(path, &header.layout, 1 + knob(24, 300), 1 + knob(32, 20) as usize, Tuning { block: 64 + knob(40, 400) as usize, max_record });
    match (once, parts) {
        (Some(once), Some(parts)) => {
            assert_eq!(once.len(), parts.len(), "rows");
            assert!(once == parts, "a row differs");
            assert!(once.windows(2).all(|pair| pair[0].1 < pair[1].1 && pair[0].2 < pair[1].2), "rows rise");
            assert!(once.is_empty() || !header.header_only, "a row behind a lone header");
        }
        (None, None) => {}
        (once, parts) => panic!("one way reads and the other does not: {} {}", once.is_some(), parts.is_some()),
    }
}

/// All rows, through ranges of about `target` bytes.
fn rows(path: &Path, layout: &Layout, target: u64, batch: usize, tuning: Tuning) -> Option<Vec<Row>> {
    let index = index_with(path, layout, target, &mut |_| {}, &AtomicBool::new(false), tuning).ok()?;
    let columns: Vec<Option<usize>> = (0..layout.width.min(50)).map(Some).collect();
    let mut rows = vec![];
    for range in &index.ranges {
        let before = rows.len();
        range_rows(path, layout, *range, &columns, batch, tuning, &mut rows)?;
        assert_eq!((rows.len() - before) as u64, range.rows, "rows of a range");
    }
    assert_eq!(rows.len() as u64, index.rows, "rows of the file");
    Some(rows)
}

fn range_rows(path: &Path, layout: &Layout, range: ByteRange, columns: &[Option<usize>], batch: usize, tuning: Tuning, rows: &mut Vec<Row>) -> Option<()> {
    for part in RangeReader::open_with(path, &layout.dialect, range, columns, layout.width, batch, tuning).ok()? {
        let part = part.ok()?;
        assert!(!part.is_empty() && part.len() <= batch, "a batch's size");
        for column in part.columns.iter().chain([&part.raw]) {
            // The array was built without checks: make them up here.
            StringViewArray::try_new(column.views().clone(), column.data_buffers().to_vec(), column.nulls().cloned()).expect("a valid array");
            assert_eq!(column.len(), part.len());
        }
        let text = |array: &StringViewArray, at: usize| array.is_valid(at).then(|| array.value(at).to_owned());
        rows.extend((0..part.len()).map(|at| (part.columns.iter().map(|c| text(c, at)).collect(), part.row[at], part.byte[at], part.flags[at], text(&part.raw, at))));
    }
    Some(())
}

/// The content of an OpenDocument workbook, put into its archive: most damage to an archive ends at its checksums.
pub fn ods(data: &[u8]) {
    let path = place("ods");
    let mut archive = zip::ZipWriter::new(Cursor::new(vec![]));
    let plain = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    if archive.start_file("content.xml", plain).is_err() || archive.write_all(data).is_err() {
        return;
    }
    if let Ok(bytes) = archive.finish()
        && std::fs::write(path, bytes.into_inner()).is_ok()
    {
        for options in [json!({"decimal": ",", "header_rows": 2}), json!({"header_rows": 0, "sheet": 2})] {
            read(&excel::FORMAT, path, options.as_object().unwrap_or(&serde_json::Map::new()));
        }
    }
}

/// A document: what is found wrong in it can be shown.
pub fn yaml(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (mut files, mut found) = (SourceMap::default(), Diagnostics::default());
    let file = files.add("mapping.yaml", text);
    if let Some(node) = crate::yaml::parse(text, file, &mut found) {
        inside(&node, text.len());
    }
    render_text(&found.items, &files, false);
    render_json(&found.items, &files);
}

/// Places of nodes lie in the text.
fn inside(node: &crate::yaml::Node, length: usize) {
    assert!(node.span.start <= node.span.end && node.span.end <= length, "a place outside the text");
    match &node.value {
        crate::yaml::Value::Scalar { .. } => {}
        crate::yaml::Value::List(items) => items.iter().for_each(|item| inside(item, length)),
        crate::yaml::Value::Map(items) => items.iter().for_each(|(key, value)| [key, value].iter().for_each(|node| inside(node, length))),
    }
}

/// An expression of FHIRPath, parsed and evaluated on a patient and an observation.
pub fn fhirpath(data: &[u8]) {
    const LINES: &str = r#"{"resourceType":"Patient","id":"p1","active":true,"birthDate":"1970-03-30","name":[{"family":"A","given":["B","C"]},{"use":"old","family":"D"}],"extension":[{"url":"http://a/b","valueCode":"x"}],"multipleBirthInteger":2,"deceasedDateTime":"2011-12-31T08:30:00.5+02:00","contact":[{"relationship":[{"coding":[{"system":"s","code":"c"}]}]}],"managingOrganization":{"reference":"Organization/o1"},"a":1.5,"b":-3,"t":"T08:30"}
{"resourceType":"Observation","id":"o1"}
"#;
    let Ok(text) = std::str::from_utf8(data) else { return };
    let path = place("fhirpath");
    static WRITTEN: std::sync::Once = std::sync::Once::new();
    WRITTEN.call_once(|| std::fs::write(path, LINES).expect("written"));
    for (one, key) in [("column", "path"), ("forEach", ""), ("where", "path"), ("repeat", "")] {
        let column = |path: &str| json!([{"name": "p", "path": path, "collection": true}]);
        let view = match one {
            "column" => json!({"resource": "Patient", "select": [{"column": column(text)}]}),
            "where" => json!({"resource": "Patient", "select": [{"column": column("id")}], "where": [{key: text}]}),
            each => json!({"resource": "Patient", "select": [{each: if each == "repeat" { json!([text]) } else { json!(text) }, "column": column("$this")}]}),
        };
        if let Value::Object(options) = json!({ "view": view }) {
            read(&fhir::FORMAT, path, &options);
        }
    }
}

/// A zip archive of tables; anything else is the text of one table, of its concepts and of their ancestors, parted by lines of `----`.
pub fn omop(data: &[u8]) {
    let options = json!({"table": "measurement", "concepts": true, "descendants": {"d": {"column": "measurement_concept_id", "of": [1, "2"]}}});
    let Value::Object(options) = options else { return };
    if data.starts_with(b"PK") {
        let path = place("omop_zip");
        if std::fs::write(path, data).is_ok() {
            read(&crate::omop::FORMAT, path, &options);
            read(&crate::omop::FORMAT, path, json!({"table": "measurement"}).as_object().unwrap_or(&options));
        }
        return;
    }
    let folder = place("omop");
    let _ = std::fs::create_dir(folder);
    let mut rest = data;
    for name in ["measurement.csv", "concept.csv", "concept_ancestor.csv"] {
        let at = memchr::memmem::find(rest, b"----\n").unwrap_or(rest.len());
        let (text, behind) = rest.split_at(at);
        rest = behind.get(5..).unwrap_or_default();
        if std::fs::write(folder.join(name), text).is_err() {
            return;
        }
    }
    read(&crate::omop::FORMAT, folder, &options);
}
