//! Stata files, written here as `help dta` describes them.

use std::io::Cursor;

use super::super::stata;
use super::*;

fn rows(file: &[u8], json: &str) -> Kept {
    let mut kept = Kept::default();
    stata::rows(Cursor::new(file), &options(json), &mut kept).unwrap();
    kept
}

/// A text in a field of fixed width.
fn field(text: &str, width: usize) -> Vec<u8> {
    let mut field = text.as_bytes().to_vec();
    field.resize(width, 0);
    field
}

/// Release 105, high byte first: types are letters, labels have eight bytes, one missing value for each type.
fn release_105() -> Vec<u8> {
    let mut file = vec![105, 1, 1, 0, 0, 6, 0, 0, 0, 2];
    file.extend(field("label", 32));
    file.extend(field("01 Jan 1996 10:00", 18));
    file.extend(*b"bilfd\x84");
    for name in ["b", "i", "l", "f", "d", "s"] {
        file.extend(field(name, 9));
    }
    file.extend([0; 14]);
    for format in ["%8.0g", "%d", "%8.0g", "%9.0g", "%9.0g", "%5s"] {
        file.extend(field(format, 12));
    }
    for label in ["yesno", "", "", "", "", ""] {
        file.extend(field(label, 9));
    }
    file.extend([0; 6 * 32]);
    // A characteristic of three bytes, then the end of them.
    file.extend([1, 0, 3, 9, 9, 9, 0, 0, 0]);
    file.push(1);
    file.extend(0_i16.to_be_bytes());
    file.extend((-5_i32).to_be_bytes());
    file.extend(1.5_f32.to_be_bytes());
    file.extend(2.25_f64.to_be_bytes());
    file.extend(*b"ab\xe9\0\0");
    file.push(127);
    file.extend(32767_i16.to_be_bytes());
    file.extend(i32::MAX.to_be_bytes());
    file.extend([0x7f, 0, 0, 0]);
    file.extend(2_f64.powi(333).to_be_bytes());
    file.extend([0; 5]);
    // Labels: two values, the name, then the values and the texts.
    file.extend([0, 2]);
    file.extend(field("yesno", 10));
    file.extend([0, 0, 0, 1]);
    file.extend(field("no", 8));
    file.extend(field("yes", 8));
    file
}

#[test]
fn an_old_release() {
    let file = release_105();
    assert_eq!(rows(&file, "{}").lines(), ["1|1960-01-01|-5|1.5|2.25|abé", "~|~|~|~|~|~"]);
    assert_eq!(rows(&file, r#"{"labels": true}"#).lines(), ["yes|1960-01-01|-5|1.5|2.25|abé", "~|~|~|~|~|~"]);
    let head = stata::head(Cursor::new(&file), &Options::new()).unwrap();
    assert_eq!(head.columns, ["b", "i", "l", "f", "d", "s"]);
    assert_eq!(head.evidence.get(1..).unwrap(), ["rows: 2", "labels: 1"]);
}

/// Release 118 with a long text; `big` is the byte order.
fn release_118(big: bool) -> Vec<u8> {
    let u16 = |n: u16| if big { n.to_be_bytes() } else { n.to_le_bytes() };
    let u32 = |n: u32| if big { n.to_be_bytes() } else { n.to_le_bytes() };
    let u64 = |n: u64| if big { n.to_be_bytes() } else { n.to_le_bytes() };
    let mut file = b"<stata_dta><header><release>118</release><byteorder>".to_vec();
    file.extend(if big { b"MSF" } else { b"LSF" });
    file.extend(b"</byteorder><K>");
    file.extend(u16(3));
    file.extend(b"</K><N>");
    file.extend(u64(3));
    file.extend(b"</N><label>");
    file.extend(u16(2));
    file.extend("é</label><timestamp>\0</timestamp></header><map>".bytes());
    let map = file.len();
    file.extend([0; 112]);
    file.extend(b"</map><variable_types>");
    for kind in [32768, 65526, 65530] {
        file.extend(u16(kind));
    }
    file.extend(b"</variable_types><varnames>");
    for name in ["récit", "x", "code"] {
        file.extend(field(name, 129));
    }
    file.extend(b"</varnames><sortlist>\0\0\0\0\0\0\0\0</sortlist><formats>");
    for format in ["%9s", "%10.0g", "%8.0g"] {
        file.extend(field(format, 57));
    }
    file.extend(b"</formats><value_label_names>");
    for label in ["", "", "codes"] {
        file.extend(field(label, 129));
    }
    file.extend(b"</value_label_names><variable_labels>");
    file.extend([0; 3 * 321]);
    file.extend(b"</variable_labels><characteristics></characteristics>");
    let data = file.len() as u64;
    file.extend(b"<data>");
    // The reference: two bytes of the variable, six of the observation.
    let reference = |v: u64, o: u64| if big { u64(v << 48 | o) } else { u64(o << 16 | v) };
    let double = |bits: u64| u64(bits);
    for (v, o, bits, code) in [(1, 1, 0.5_f64.to_bits(), 1), (0, 0, 0x7fe0_0000_0000_0000, 101), (1, 1, 0x7fe0_1a00_0000_0000, 103)] {
        file.extend(reference(v, o));
        file.extend(double(bits));
        file.push(code);
    }
    file.extend(b"</data>");
    let strls = file.len() as u64;
    file.extend(b"<strls>GSO");
    file.extend(u32(1));
    file.extend(u64(1));
    file.push(130);
    let text = "a long text, œuvre\0";
    file.extend(u32(text.len() as u32));
    file.extend(text.bytes());
    file.extend(b"</strls>");
    let labels = file.len() as u64;
    file.extend(b"<value_labels><lbl>");
    // Two labels: 8 bytes of head, 2 * 4 of places, 2 * 4 of values, 8 of texts.
    file.extend(u32(32));
    file.extend(field("codes", 132));
    for number in [2, 8, 0, 4, 1, 2_147_483_623] {
        file.extend(u32(number));
    }
    file.extend(b"one\0b.b\0</lbl></value_labels></stata_dta>");
    for (place, offset) in [(9, data), (10, strls), (11, labels)] {
        file[map + 8 * place..map + 8 * place + 8].copy_from_slice(&u64(offset));
    }
    file
}

#[test]
fn long_texts_tags_and_labels() {
    for big in [false, true] {
        let file = release_118(big);
        // The second and third code are `.` and `.b`, the last number `.z`.
        assert_eq!(rows(&file, "{}").lines(), ["a long text, œuvre|0.5|1", "~|~|~", "a long text, œuvre|.z|.b"]);
        assert_eq!(rows(&file, r#"{"labels": true}"#).lines(), ["a long text, œuvre|0.5|one", "~|~|~", "a long text, œuvre|.z|b.b"]);
        let head = stata::head(Cursor::new(&file), &Options::new()).unwrap();
        assert_eq!(head.columns, ["récit", "x", "code"]);
        assert_eq!(head.evidence, ["encoding: UTF-8", "rows: 3", "labels: 1"]);
        let places = rows(&file, "{}").places;
        assert_eq!(places[1], (2, places[0].1 + 17));
    }
}

/// Each of many values has the same long text, which would be kept as often.
#[test]
fn labels_that_share_a_long_text_are_damage() {
    let file = |values: u32| {
        let mut file = release_118(false);
        let start = file.windows(5).position(|w| w == b"<lbl>").unwrap() + 5;
        file.truncate(start);
        let texts = 2_000;
        file.extend((8 + 8 * values + texts).to_le_bytes());
        file.extend(field("codes", 132));
        file.extend([values, texts].into_iter().chain(std::iter::repeat_n(0, values as usize)).chain(1..=values).flat_map(u32::to_le_bytes));
        file.extend(field(&"l".repeat(texts as usize - 1), texts as usize));
        file.extend(b"</lbl></value_labels></stata_dta>");
        file
    };
    assert!(rows(&file(50), r#"{"labels": true}"#).lines()[0].ends_with("lll"));
    let options = options(r#"{"labels": true}"#);
    let damaged = stata::rows(Cursor::new(&file(200)), &options, &mut Kept::default());
    assert_eq!(damaged, Err(Failure::Unreadable("the file is damaged: value labels repeat their texts".into())));
}

#[test]
fn what_is_cut_off_is_told_after_what_was_whole() {
    let file = release_118(false);
    let data = file.windows(6).position(|w| w == b"<data>").unwrap();
    let mut cut = release_105();
    cut.truncate(cut.len() - 40);
    let mut kept = Kept::default();
    assert!(matches!(stata::rows(Cursor::new(&cut), &Options::new(), &mut kept), Err(Failure::Unreadable(_))));
    assert_eq!(kept.rows.len(), 1);
    assert!(stata::rows(Cursor::new(&file[..data]), &Options::new(), &mut Kept::default()).is_err());
    assert_eq!(stata::rows(Cursor::new(b""), &Options::new(), &mut Kept::default()), Err(Failure::Empty));
    assert!(matches!(stata::head(Cursor::new(b"NIP;SEXE\n1;F\n"), &Options::new()), Err(Failure::NotThis { .. })));
}

#[test]
fn an_interruption_is_passed_on() {
    let mut kept = Kept { stop: Some(1), ..Kept::default() };
    assert_eq!(stata::rows(Cursor::new(release_105()), &Options::new(), &mut kept), Err(Failure::Stopped));
    assert_eq!(kept.rows.len(), 1);
}
