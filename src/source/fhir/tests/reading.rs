//! Files: lines, Bundles, gzip, and what is none of them.

use std::io::Write;

use serde_json::Value;

use super::super::FORMAT;
use super::{Collected, Failure, firsts, options, read, shared};

const IDS: &str = r#"{"resource":"Patient","select":[{"column":[{"name":"id","path":"getResourceKey()"}]}]}"#;
const A: &str = r#"{"resourceType":"Patient","id":"a"}"#;
const B: &str = r#"{"id":"b","resourceType":"Patient"}"#;
const O: &str = r#"{"resourceType":"Observation","id":"o","status":"final"}"#;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

#[test]
fn lines_are_read_with_their_places() {
    let text = format!("{A}\r\n\n{O}\n  {B}");
    let found = read(text.as_bytes(), IDS).unwrap();
    let b = (text.find(B).unwrap()) as u64;
    assert_eq!(found.rows, [(1, 0, vec![Some("a".into())]), (2, b, vec![Some("b".into())])]);
    assert_eq!(found.read, text.len() as u64);
    let marked = read(format!("\u{feff}{text}").as_bytes(), IDS).unwrap();
    assert_eq!(marked.rows[1].1, b + 3);
    let packed = gzip(text.as_bytes());
    let unpacked = read(&packed, IDS).unwrap();
    assert_eq!((unpacked.rows, unpacked.read), (found.rows, packed.len() as u64));
}

#[test]
fn a_damaged_line_is_one_record() {
    let text = format!("{A}\n{{\"resourceType\":\"Patient\",\"id\"\nnot json\n{{\"id\":\"no type\"}}\n{B}\n{}", &A[..20]);
    let found = read(text.as_bytes(), IDS).unwrap();
    assert_eq!(firsts(&found), ["a", "b"]);
    let numbers: Vec<u64> = found.damaged.iter().map(|(number, ..)| *number).collect();
    assert_eq!(numbers, [2, 3, 4, 6]);
    assert_eq!(found.damaged[1], (3, text.find("not json").unwrap() as u64, "not json".into()));
    assert_eq!(found.damaged[3].2, &A[..20]);
    let first = read(format!("oops\n{A}\n").as_bytes(), IDS).unwrap();
    assert_eq!((firsts(&first), first.damaged.len()), (vec!["a"], 1));
    let latin = read(&[A.as_bytes(), b"\n{\"resourceType\":\"Patient\",\"id\":\"\xe9\"}"].concat(), IDS).unwrap();
    assert_eq!(latin.damaged.len(), 1);
}

#[test]
fn a_view_that_fails_for_a_resource_damages_it() {
    let view = r#"{"resource":"Patient","select":[{"column":[{"name":"family","path":"name.family"}]}]}"#;
    let two = r#"{"resourceType":"Patient","name":[{"family":"x"},{"family":"y"}]}"#;
    let found = read(format!("{A}\n{two}\n").as_bytes(), view).unwrap();
    assert_eq!(found.rows, [(1, 0, vec![None])]);
    assert_eq!(found.damaged, [(2, A.len() as u64 + 1, two.into())]);
}

#[test]
fn bundles_are_taken_apart_however_they_are_written() {
    let entries = format!(r#"[{{"fullUrl":"urn:uuid:a","resource":{A}}},{{"request":{{"method":"DELETE"}}}},{{"resource":{O}}},{{"resource":{B}}}]"#);
    let typed_first = format!(r#"{{"resourceType":"Bundle","type":"collection","entry":{entries},"total":4}}"#);
    let typed_last = format!(r#"{{"entry":{entries},"type":"collection","resourceType":"Bundle"}}"#);
    for text in [&typed_first, &typed_last] {
        let pretty = serde_json::to_string_pretty(&serde_json::from_str::<Value>(text).unwrap()).unwrap();
        let twice = format!("{text}\n{text}\n");
        for (text, times) in [(text, 1), (&pretty, 1), (&twice, 2)] {
            let found = read(text.as_bytes(), IDS).unwrap();
            assert_eq!(firsts(&found), ["a", "b"].repeat(times), "{text}");
            assert!(found.damaged.is_empty());
            for (_, byte, cells) in &found.rows {
                let there: Value = serde_json::Deserializer::from_slice(&text.as_bytes()[*byte as usize..]).into_iter().next().unwrap().unwrap();
                assert_eq!(there["id"].as_str(), cells[0].as_deref());
            }
        }
    }
    assert_eq!(firsts(&read(format!("[{A}, {O},\n{B}]").as_bytes(), IDS).unwrap()), ["a", "b"]);
    let pretty = serde_json::to_string_pretty(&serde_json::from_str::<Value>(A).unwrap()).unwrap();
    assert_eq!(firsts(&read(pretty.as_bytes(), IDS).unwrap()), ["a"]);
    let list = r#"{"resourceType":"List","id":"l","entry":[{"item":{"reference":"Patient/1"}}]}"#;
    let of_list = r#"{"resource":"List","select":[{"forEach":"entry","column":[{"name":"item","path":"item.getReferenceKey()"}]}]}"#;
    assert_eq!(firsts(&read(list.as_bytes(), of_list).unwrap()), ["1"]);
    let of_bundle = r#"{"resource":"Bundle","select":[{"column":[{"name":"entries","path":"entry.count()"}]}]}"#;
    assert_eq!(firsts(&read(typed_first.as_bytes(), of_bundle).unwrap()), ["4"]);
}

#[test]
fn a_bundle_that_ends_early_gives_what_was_whole() {
    let text = format!(r#"{{"resourceType":"Bundle","entry":[{{"resource":{A}}},{{"resource":{{"resourceType":"Patient","id":"b"#);
    let found = read(text.as_bytes(), IDS).unwrap();
    assert_eq!(firsts(&found), ["a"]);
    assert_eq!(found.damaged.len(), 1);
    let broken = format!(r#"{{"resourceType":"Bundle","entry":[{{"resource":{{"resourceType":"Patient",}}}},{{"resource":{B}}}]}}"#);
    let found = read(broken.as_bytes(), IDS).unwrap();
    assert_eq!((firsts(&found), found.damaged.len()), (vec!["b"], 1));
}

#[test]
fn other_files_are_refused() {
    let kind = |bytes: &[u8]| match read(bytes, IDS) {
        Err(Failure::NotThis { is, .. }) => is,
        Err(Failure::Empty) => "empty".into(),
        Err(Failure::Unreadable(_)) => "unreadable".into(),
        other => format!("{other:?}"),
    };
    assert_eq!(kind(b""), "empty");
    assert_eq!(kind(b" \r\n \n"), "empty");
    assert_eq!(kind(b"\xef\xbb\xbf"), "empty");
    assert_eq!(kind(b"<Bundle xmlns=\"http://hl7.org/fhir\"/>"), "XML");
    assert_eq!(kind(b"PK\x03\x04rest"), "a ZIP archive");
    assert_eq!(kind(b"\xff\xfe{\0\"\0"), "text in UTF-16");
    assert_eq!(kind(b"a,b\n1,2\n"), "no JSON");
    assert_eq!(kind(b"\x01\x00\x02\x00"), "binary");
    assert_eq!(kind(b"\x1f\x8bnot gzip at all"), "unreadable");
    let packed = gzip(format!("{A}\n").repeat(10_000).as_bytes());
    assert_eq!(kind(&packed[..packed.len() / 2]), "unreadable");
    let mut none = Collected::default();
    assert!(matches!((FORMAT.records)(std::path::Path::new("/nowhere"), &options(IDS), &mut none), Err(Failure::Unreadable(_))));
}

#[test]
fn the_head_has_the_columns_of_the_view() {
    let folder = tempfile::tempdir().unwrap();
    let (data, view) = (folder.path().join("data"), folder.path().join("view.json"));
    std::fs::write(&data, format!("{A}\n")).unwrap();
    std::fs::write(&view, format!("\u{feff}{IDS}")).unwrap();
    let by_path = options(&serde_json::to_string(&view).unwrap());
    let head = (FORMAT.head)(&data, &by_path).unwrap();
    assert_eq!((head.columns, head.evidence), (vec!["id".to_owned()], vec!["a resource a line: the first line is a JSON object".to_owned()]));
    for wrong in ["{}", "\"/nowhere/view.json\"", "3"] {
        assert!(matches!((FORMAT.head)(&data, &options(wrong)), Err(Failure::Option { key, .. }) if key == "view"), "{wrong}");
    }
}

/// The rows of real files, against the same values taken from them by hand with another JSON library.
#[test]
fn synthea_observations_and_conditions() {
    let Some(folder) = shared("data/fhir") else { return };
    let view = r#"{"resource":"Observation","select":[{"column":[{"name":"id","path":"getResourceKey()"},{"name":"patient","path":"subject.getReferenceKey(Patient)"},
        {"name":"code","path":"code.coding.where(system='http://loinc.org').code.first()"},{"name":"value","path":"value.ofType(Quantity).value"},
        {"name":"at","path":"effective.ofType(dateTime)"}]}]}"#;
    let bytes = std::fs::read(folder.join("ndjson_small/Observation.ndjson")).unwrap();
    let found = read(&bytes, view).unwrap();
    assert_eq!((found.rows.len(), found.damaged.len()), (1502, 0));
    for (line, (_, byte, cells)) in bytes.split(|byte| *byte == b'\n').zip(&found.rows) {
        assert!(bytes[*byte as usize..].starts_with(line));
        let resource: Value = serde_json::from_slice(line).unwrap();
        let coding = resource["code"]["coding"].as_array().unwrap().iter().find(|coding| coding["system"] == "http://loinc.org");
        assert_eq!(cells[0].as_deref(), resource["id"].as_str());
        assert_eq!(cells[1].as_deref(), resource["subject"]["reference"].as_str().and_then(|reference| reference.strip_prefix("Patient/")));
        assert_eq!(cells[2].as_deref(), coding.and_then(|coding| coding["code"].as_str()));
        assert_eq!(cells[3].is_some(), resource["valueQuantity"]["value"].is_number());
        if let Some(value) = &cells[3] {
            let written = format!(r#""valueQuantity":{{"value":{value},"#);
            assert!(memchr::memmem::find(line, written.as_bytes()).is_some(), "{written}");
        }
        assert_eq!(cells[4].as_deref(), resource["effectiveDateTime"].as_str());
    }
    let counts = [("small", "Condition", 71), ("small", "Patient", 9), ("import", "Condition", 639), ("import", "Encounter", 3697), ("import", "Patient", 100)];
    for (set, resource, count) in counts {
        let file = format!("ndjson_{set}/{resource}.ndjson");
        let bytes = std::fs::read(folder.join(&file)).unwrap();
        let found = read(&bytes, &IDS.replace("Patient", resource)).unwrap();
        assert_eq!((found.rows.len(), found.damaged.len(), found.read), (count, 0, bytes.len() as u64), "{file}");
        assert!(read(&bytes, &IDS.replace("Patient", "Device")).unwrap().rows.is_empty());
    }
}
