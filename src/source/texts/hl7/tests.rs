use super::super::collect::{Collected, damage, file, options, read, shared};
use super::super::record::Failure;
use super::path::{Each, Path};
use super::{FORMAT, plan, run};

fn of(bytes: &[u8], json: &str) -> Vec<String> {
    read(&FORMAT, file(bytes).path(), json).expect("readable").1.table()
}

fn of_shared(name: &str, json: &str) -> Option<Collected> {
    Some(read(&FORMAT, &shared("hl7v2")?.join(name), json).expect("readable").1)
}

#[test]
fn paths() {
    let path = |field, repetition, component, subcomponent| Some(Path { segment: *b"PID", field, repetition, component, subcomponent });
    assert_eq!(Path::parse("PID-3"), path(3, None, None, None));
    assert_eq!(Path::parse("PID-3(2).1"), path(3, Some(2), Some(1), None));
    assert_eq!(Path::parse("PID-5.1.12"), path(5, None, Some(1), Some(12)));
    for wrong in ["", "PID", "PID-", "PID-0", "PID-x", "PID-3.", "PID-3.1.1.1", "PID-3(", "PID-3(0)", "PID-+3", "pid-3", "PIDX-3", "PI-3", "PID-3()", "PID-99999999999999999999"] {
        assert_eq!(Path::parse(wrong), None, "{wrong}");
    }
    assert_eq!(Each::parse("OBX"), Some(Each::Segment(*b"OBX")));
    assert_eq!(Each::parse("PID-3"), Some(Each::Field(*b"PID", 3)));
    assert_eq!(Each::parse("PID-3.1"), None);
}

/// Expected values are read off the file by eye.
#[test]
fn an_admission() {
    let fields = r#"{"fields": ["MSH-1", "MSH-2", "MSH-7", "MSH-9.2", "MSH-12", "MSH-17", "MSH-19", "PID-3.1", "PID-3(2).1", "PID-3(2).5", "PID-5.1.1", "PID-5.1.5", "PID-5.2",
        "PID-5(2).2", "PID-7", "PID-11.1.2", "PV1-14", "OBX-5", "OBX-5(2)", "OBX-3.2", "ZZZ-1", "PID-999", "PID-3(9)"]}"#;
    let Some(all) = of_shared("ADT-A01-01.hl7", fields) else { return };
    let wanted = "||^~\\&|198908181126+0215|A01|2.8|USA|en-US|PATID1234|123456789|SS|EVERYMAN|Aniston|ADAM|∅|198808181126+0215|Hospital Lane|NHS Provider-General (inc.A&E-this Hosp)|60~120|120|heartrate|∅|∅|∅";
    assert_eq!(all.table(), [wanted]);
    let Some(all) = of_shared("ADT-A01-01.hl7", r#"{"fields": ["PID-3.1", "PID-3", "MSH-10", "PV1-2"], "each": "PID-3"}"#) else { return };
    // PV1 comes after PID.
    assert_eq!(all.table(), ["PATID1234|PATID1234^5^M11^test1&2.16.1&HCD^MR^GOOD HEALTH HOSPITAL|MSG00001|∅", "123456789|123456789^^^USSSA^SS|MSG00001|∅"]);
}

#[test]
fn observations_with_what_came_before_them() {
    let json = r#"{"fields": ["PID-5.1", "ORC-1", "OBR-4.1", "SPM-1", "NTE-3", "OBX-1", "OBX-2", "OBX-5", "OBX-5.1"], "each": "OBX"}"#;
    let Some(all) = of_shared("ORU-R01-01.hl7", json) else { return };
    let wanted = [
        "Finn|∅|∅|∅|∅|∅|RP|https://testurl.com^^SD^PICT|https://testurl.com",
        "Finn|NW|∅|∅|∅|∅|ED|App5^NS^Octet-stream^Base64|App5",
        "Finn|NW|625-4|∅|Allergy to peanuts observed.|1|CWE|27268008^Salmonella^SCT^^^^^^Salmonella species|27268008",
        // The two notes before the specimen stand behind the result of the culture, and are its own (ORU_R01: OBX, then its NTE).
        "Finn|NW|625-4|1|∅|1|RP|https://testurl.com^^image^PICT|https://testurl.com",
        "Finn|NW|625-4|1|∅|2|NM|27~25|27",
    ];
    assert_eq!(all.table(), wanted);
    let Some(notes) = of_shared("ORU-R01-01.hl7", r#"{"fields": {"note": "NTE-3"}, "each": "NTE"}"#) else { return };
    let first = "Enteric culture includes testing for Salmonella, Shigella, Campylobacter, Yersinia, E.coli O157:H7 & other STECs, and Aeromonas";
    assert_eq!(notes.table(), [first, "Allergy to peanuts observed.", "Submission of serum", "No Antibodies Detected"]);
    let Some(glucose) = of_shared("ORU-R01-RMGEAD.hl7", r#"{"fields": ["PID-3.1", "OBR-4.2", "OBX-5", "OBX-5.1", "OBX-5.2", "OBX-6", "OBX-11"]}"#) else { return };
    assert_eq!(glucose.table(), ["555-44-4444|GLUCOSE|^182|∅|182|mg/dl|F"]);
}

#[test]
fn byte_order_mark_and_no_last_line_end() {
    let Some(all) = of_shared("ADT04-251.hl7", r#"{"fields": ["MSH-12", "PID-5.1", "NK1-5(2).1", "PV1-2"]}"#) else { return };
    assert_eq!(all.table(), ["2.3|Doe|(330) 274-8214|E"]);
    assert_eq!(all.records[0].byte, 3);
    let Some(insurances) = of_shared("ADT01-23.hl7", r#"{"fields": ["DG1-3.1", "IN1-1", "IN1-2"], "each": "IN1"}"#) else { return };
    assert_eq!(insurances.table(), ["71596|1|MEDICARE", "71596|2|NON-PRIMARY", "71596|3|SELF PAY"]);
}

/// Every segment of every file is found: as many as lines that begin with its name.
#[test]
fn all_segments_of_all_files() {
    let Some(folder) = shared("hl7v2") else { return };
    let (mut files, mut found) = (0, 0);
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("a file").path();
        if path.extension().is_none_or(|e| e != "hl7") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a text");
        for name in ["MSH", "PID", "OBX", "DG1", "NK1", "IN1", "PRT", "ROL", "AL1", "PV1"] {
            let lines = text.trim_start_matches('\u{FEFF}').lines().filter(|l| l.starts_with(&format!("{name}|"))).count();
            let json = format!(r#"{{"fields": ["{name}-1"], "each": "{name}"}}"#);
            let records = read(&FORMAT, &path, &json).expect("readable").1.records;
            assert!(records.iter().all(|r| r.raw.is_none()), "{path:?}");
            assert_eq!(records.len(), lines, "{name} of {path:?}");
            found += lines;
        }
        files += 1;
    }
    // As `grep -c` counts them.
    assert_eq!((files, found), (59, 312));
}

#[test]
fn escapes() {
    let text = br"MSH|^~\&#|A
OBX|1|a\F\b\S\c\T\d\R\e\E\f|\X4A6F\|x\.br\y|\H\bold\N\|C:\dir\file|\Zxx\|\X4\|\X\|\.fi\t\.sp2\u\.ce\v|\|a\|\T\\T\|\P\|\.unknown\";
    let fields = r#"{"fields": ["OBX-2","OBX-3","OBX-4","OBX-5","OBX-6","OBX-7","OBX-8","OBX-9","OBX-10","OBX-11","OBX-12","OBX-13","OBX-14","OBX-15"]}"#;
    let wanted = ["a|b^c&d~e\\f", "Jo", "x\ny", "bold", "C:\\dir\\file", "\\Zxx\\", "\\X4\\", "\\X\\", "t\nu\nv", "\\", "a\\", "&&", "#", "\\.unknown\\"];
    assert_eq!(of(text, fields), [wanted.join("|")]);
}

#[test]
fn null_empty_and_absent_are_missing() {
    let text = b"MSH|^~\\&|A\rPID|1|\"\"|x^\"\"^^&b|\r";
    assert_eq!(of(text, r#"{"fields": ["PID-1", "PID-2", "PID-3.1", "PID-3.2", "PID-3.3", "PID-3.4.2", "PID-4", "PID-5"]}"#), ["1|∅|x|∅|∅|b|∅|∅"]);
}

#[test]
fn other_delimiters() {
    assert_eq!(of(b"MSH#*!?+#A\rPID#1#a*b+c!d*e?F?f\r", r#"{"fields": ["PID-2.2.2", "PID-2(2).2", "MSH-2"]}"#), ["c|e#f|*!?+"]);
    // MSH-2 of components and repetitions alone.
    assert_eq!(of(b"MSH|^~|A\rPID|1|a^b&c~d\\T\\\r", r#"{"fields": ["PID-2.2.1", "PID-2.2.2", "PID-2(2)"]}"#), ["b&c|∅|d\\T\\"]);
}

#[test]
fn framing_batches_and_line_ends() {
    let json = r#"{"fields": ["MSH-10", "PID-1"]}"#;
    let message = |id: &str, end: &str| format!("MSH|^~\\&|||||||ADT^A01|{id}{end}PID|{id}{end}");
    for end in ["\r", "\n", "\r\n"] {
        let mllp = format!("\x0B{}\x1C\r\x0B{}\x1C\r", message("a", end), message("b", end));
        assert_eq!(of(mllp.as_bytes(), json), ["a|a", "b|b"], "{end:?}");
        let tight = format!("\x0B{}\x1C\x0B{}", message("a", end), message("b", end));
        assert_eq!(of(tight.as_bytes(), json), ["a|a", "b|b"], "{end:?}");
        let batch = format!("FHS|^~\\&{end}BHS|^~\\&{end}{}{}BTS|2{end}FTS|1{end}", message("a", end), message("b", end));
        assert_eq!(of(batch.as_bytes(), json), ["a|a", "b|b"], "{end:?}");
        let blank = format!("{end}{end}{}{end}{end}{}{end}", message("a", end), message("b", end));
        assert_eq!(of(blank.as_bytes(), json), ["a|a", "b|b"], "{end:?}");
    }
}

#[test]
fn what_other_parsers_leave_out() {
    let text = b"MSH|^~\\&|A\r\n\r\nPV2\r\n  PID|1\r\nOBX|1|TX|||first line\r\nsecond line\r\n\r\nthird: a|b\r\nNTE|1\r\n";
    let all = of(text, r#"{"fields": ["PID-1", "OBX-5", "NTE-1"]}"#);
    assert_eq!(all, ["1|first line\nsecond line\n\nthird: a|1"]);
    assert_eq!(of(text, r#"{"fields": ["PV2-1"], "each": "PV2"}"#), ["∅"]);
}

#[test]
fn messages_without_a_usable_beginning_are_damaged() {
    let json = r#"{"fields": ["PID-1"]}"#;
    let text = b"PID|0\rPV1|0\rMSH|^~\\&|A\rPID|1\rMSH\rPID|2\rMSH|^^\\&|\rPID|3\rMSH|\rPID|4\rMSH|a~\\&|\rPID|5\r\x1C\rPID|6\rBTS|1\rMSH|^~\\&|A\rPID|7\r";
    assert_eq!(of(text, json), ["!∅", "1", "!∅", "!∅", "!∅", "!∅", "!∅", "7"]);
    let records = read(&FORMAT, file(text).path(), json).expect("readable").1.records;
    assert_eq!(records[0].raw.as_deref(), Some("PID|0\nPV1|0"));
    assert_eq!(records[1].byte, 12);
    assert_eq!(records[6].raw.as_deref(), Some("PID|6"));
}

#[test]
fn character_sets_by_message() {
    let mut all = vec![];
    for (name, text) in [("8859/1", &b"\xE9\x92"[..]), ("8859/15", b"\xA4"), ("UNICODE UTF-8", b"\xC3\xA9"), ("", b"\xC3\xA9"), ("", b"\xE9\x92"), ("ASCII", b"\xE9"), ("8859/1~ISO IR87", b"\xE9"), ("ISO IR87", b"a"), ("ISO IR87", b"\xE9"), ("UNICODE UTF-8", b"\xE9"), ("8859/5", b"\xD0"), ("GB 18030-2000", b"\x81\x7C"), ("WINDOWS-1250", b"\xB9")] {
        all.extend_from_slice(format!("MSH|^~\\&{}{name}\rPID|", "|".repeat(16)).as_bytes());
        all.extend_from_slice(text);
        all.extend_from_slice(b"|x\rPID|late\r");
    }
    let wanted = ["é\u{92}|x", "€|x", "é|x", "é|x", "é’|x", "é|x", "é|x", "a|x", "!\u{FFFD}|x", "!\u{FFFD}|x", "а|x", "亅|x", "ą|x"];
    assert_eq!(of(&all, r#"{"fields": ["PID-1", "PID-2"]}"#), wanted);
    let declared = of(b"MSH|^~\\&|||||||||||||||||UNICODE UTF-8\rPID|\x80\r", r#"{"fields": ["PID-1"], "encoding": "windows-1252"}"#);
    assert_eq!(declared, ["€"]);
    // Hexadecimal escapes are bytes of the message's character set.
    assert_eq!(of(b"MSH|^~\\&||||||||||||||||8859/15\rPID|\\XA4\\\r", r#"{"fields": ["PID-1"]}"#), ["€"]);
}

#[test]
fn heads() {
    let head = |bytes: &[u8], json: &str| (FORMAT.head)(file(bytes).path(), &options(json));
    let json = r#"{"fields": ["PID-1", "PID-1", "PID-2"]}"#;
    let found = head(b"MSH|^~\\&||||||||||||||||8859/1\rPID|1\r", json).expect("a head");
    assert_eq!((found.columns, found.duplicates), (vec!["PID-1".to_owned(), "PID-1".into(), "PID-2".into()], vec!["PID-1".to_owned()]));
    assert_eq!(found.evidence, ["encoding: iso-8859-1 (MSH-18, in the first message)"]);
    assert_eq!(head(b"", json), Err(Failure::Empty));
    assert_eq!(head(b" \r\n", json), Err(Failure::Empty));
    assert!(matches!(head(b"a;b\n1;2\n", json), Err(Failure::NotThis { .. })));
    assert!(matches!(head(b"<?xml version='1.0'?>", json), Err(Failure::NotThis { is, .. }) if is == "XML"));
    for wrong in [r#"{}"#, r#"{"fields": []}"#, r#"{"fields": ["PID"]}"#, r#"{"fields": ["PID-1"], "each": "obx"}"#, r#"{"fields": ["PID-1"], "encoding": "utf-16"}"#, r#"{"fields": [["PID-1"]]}"#] {
        assert!(matches!(head(b"MSH|^~\\&|A\r", wrong), Err(Failure::Option { .. })), "{wrong}");
    }
    assert!(matches!(head(b"MSH|^~\\&|A\r", r#"{"fields": {"a": "PID-x"}}"#), Err(Failure::Option { key, .. }) if key == "fields"));
    assert!(matches!((FORMAT.head)(std::path::Path::new("/nowhere"), &options(json)), Err(Failure::Unreadable(_))));
}

/// Neither time nor memory may grow faster than the file.
#[test]
fn hostile_sizes() {
    let run_on = |bytes: &[u8], json: &str| {
        let mut all = Collected::default();
        run(bytes, plan(&options(json)).expect("a plan"), &mut all).expect("read");
        all.records
    };
    let repeated = [b"MSH|^~\\&|A\rPID|".to_vec(), vec![b'~'; 300_000], b"x^y\r".to_vec()].concat();
    let records = run_on(&repeated, r#"{"fields": ["PID-1.2", "PID-1(1)"], "each": "PID-1"}"#);
    assert_eq!((records.len(), records.last().and_then(|r| r.cells[0].as_deref())), (300_001, Some("y")));
    let blank = [b"MSH|^~\\&|A\rPID|1\r".to_vec(), vec![b'\n'; 3_000_000], b"PID|2".to_vec()].concat();
    assert_eq!(run_on(&blank, r#"{"fields": ["PID-1"], "each": "PID"}"#).len(), 2);
    let short = [b"MSH|^~\\&|A\rPID|1\r".to_vec(), b"a\r".repeat(1_100_000), b"MSH|^~\\&|A\rPID|2\r".to_vec()].concat();
    let damaged: Vec<bool> = run_on(&short, r#"{"fields": ["MSH-3"]}"#).iter().map(|r| r.raw.is_some()).collect();
    assert_eq!(damaged, [true, false]);
}

#[test]
fn damaged_input_is_never_a_panic() {
    let Some(folder) = shared("hl7v2") else { return };
    let mut bytes = std::fs::read(folder.join("ADT01-23.hl7")).expect("a file");
    bytes.extend_from_slice(b"\x1C\r\x0B");
    bytes.extend_from_slice(&std::fs::read(folder.join("ORU-R01-RMGEAD.hl7")).expect("a file"));
    for json in [r#"{"fields": ["PID-3.1", "OBX-5", "MSH-9.2"]}"#, r#"{"fields": ["PID-3.1", "IN1-5.1.1", "PID-5"], "each": "IN1"}"#, r#"{"fields": ["PID-5.1.1"], "each": "PID-5"}"#] {
        damage(&bytes, 1, 1500, |bytes| {
            let mut all = Collected::default();
            run(bytes, plan(&options(json)).expect("a plan"), &mut all).expect("read");
            assert_eq!(all.bytes, bytes.len() as u64);
        });
    }
}
