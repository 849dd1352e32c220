//! Damaged bytes of all kinds end in records or failures.

use serde_json::Value;

use super::super::detect::layout;
use super::super::json::{Fault, Keep, Tree};
use super::super::source::Source;
use super::super::view::View;
use super::super::{Layout, Run};
use super::{Collected, Failure, shared};

const RESOURCES: &str = r#"{"resourceType":"Patient","id":"a","name":[{"family":"\u00c9\ud83d\ude00\n","given":["x",null]}],"_birthDate":{"extension":[]},"n":-1.5e+3}
{"resourceType":"Patient","id":"b","active":true,"contained":[{"resourceType":"Patient","id":"c"}],"deceasedBoolean":false}
"#;
const VIEW: &str = r#"{"resource":"Patient","where":[{"path":"id.exists()"}],"select":[{"column":[{"name":"id","path":"id"},{"name":"birth","path":"birthDate.extension('a').value.ofType(dateTime).lowBoundary()"}]},
    {"forEachOrNull":"name","column":[{"name":"row","path":"%rowIndex"},{"name":"given","path":"given.join(' ')"},{"name":"all","path":"$this","collection":true}]},
    {"repeat":["contained"],"column":[{"name":"inner","path":"id"}]}]}"#;

/// A generator of numbers that are the same each time (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// Reads bytes as a file is read, without one.
fn drive(bytes: &[u8], view: &View) -> Result<Collected, Failure> {
    let mut collected = Collected::default();
    let mut source = Source::new(bytes);
    let (layout, _) = layout(source.peek(1 << 16)?)?;
    let mut run = Run { view, output: &mut collected, number: 0, count: Default::default(), told: 0, nodes: 0 };
    match layout {
        Layout::Lines => run.lines(&mut source)?,
        Layout::Document => run.document(&mut source)?,
    }
    Ok(collected)
}

fn view() -> View {
    View::load(&serde_json::from_str(VIEW).unwrap()).unwrap()
}

fn texts() -> Vec<Vec<u8>> {
    let entries = RESOURCES.lines().map(|line| format!(r#"{{"resource":{line}}}"#)).collect::<Vec<_>>().join(",");
    let bundle = format!(r#"{{"resourceType":"Bundle","entry":[{entries}]}}"#);
    let pretty = serde_json::to_string_pretty(&serde_json::from_str::<Value>(&bundle).unwrap()).unwrap();
    let late = format!(r#"{{"entry":[{entries}],"resourceType":"Bundle"}}"#);
    let mut texts = vec![RESOURCES.into(), bundle.into_bytes(), pretty.into_bytes(), late.into_bytes()];
    if let Some(path) = shared("data/fhir/ndjson_small/Patient.ndjson") {
        texts.push(std::fs::read(path).unwrap().into_iter().take(3000).collect());
    }
    texts
}

#[test]
fn every_truncation_ends() {
    let view = view();
    for text in texts() {
        let whole = drive(&text, &view).unwrap();
        for end in 0..text.len() {
            if let Ok(found) = drive(&text[..end], &view) {
                assert!(found.rows.len() <= whole.rows.len() && found.damaged.len() <= 1, "{end}");
            }
        }
    }
}

#[test]
fn flipped_bytes_end() {
    let view = view();
    let mut random = Random(0x2545_F491_4F6C_DD1D);
    let bytes = b"{}[]\",:\\0e-.tfn\n \x00\xff_u";
    for text in texts() {
        for _ in 0..1500 {
            let mut text = text.clone();
            for _ in 0..1 + random.below(3) {
                let at = random.below(text.len());
                text[at] = if random.below(2) == 0 { bytes[random.below(bytes.len())] } else { random.below(256) as u8 };
            }
            let _ = drive(&text, &view);
        }
    }
}

#[test]
fn json_is_what_another_library_takes_for_it() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let keep = Keep::everything();
    // RFC 8259, sections 6 and 7.
    for wrong in ["01", "-01", "1.", ".5", "+1", "-", "1e", "1e+", "0x1", "1 2", "\"\\x\"", "\"\\ud800\"", "\"\t\"", "[1,]", "{\"a\":1,}", "{a:1}", "nul", "[1}", ""] {
        assert!(Tree::parse(wrong, &keep, 0).is_err(), "{wrong}");
        assert!(serde_json::from_str::<Value>(wrong).is_err(), "{wrong}");
    }
    let bytes = b"{}[]\",:\\0123e+-.truefalsn \n\t\x01u/bD8";
    for line in RESOURCES.lines() {
        for _ in 0..5000 {
            let mut text = line.as_bytes().to_vec();
            for _ in 0..1 + random.below(2) {
                let at = random.below(text.len());
                text[at] = bytes[random.below(bytes.len())];
            }
            let Ok(text) = std::str::from_utf8(&text) else { continue };
            let other = serde_json::from_str::<Value>(text);
            if other.as_ref().is_err_and(|error| error.to_string().starts_with("number out of range")) {
                continue;
            }
            let mine = Tree::parse(text, &keep, 0);
            assert_eq!(mine.is_ok(), other.is_ok(), "{text}");
            if let (Ok(tree), Ok(other)) = (mine, other) {
                assert_eq!(tree.member(0, "id").and_then(|id| tree.text(id)), other["id"].as_str(), "{text}");
            }
        }
    }
}

#[test]
fn every_end_is_early() {
    let line = RESOURCES.lines().next().unwrap();
    for end in (0..line.len()).filter(|end| line.is_char_boundary(*end)) {
        for keep in [Keep::default(), Keep::everything()] {
            assert_eq!(Tree::parse(&line[..end], &keep, 0).err(), Some(Fault::Early), "{end}");
        }
    }
}

#[test]
fn depth_and_size_have_limits() {
    let view = view();
    let keep = Keep::everything();
    for open in ["[", "{\"id\":", "{\"x\":"] {
        let deep = format!("{{\"resourceType\":\"Patient\",\"id\":{}", open.repeat(1_000_000));
        assert_eq!(Tree::parse(&deep, &keep, 0).err(), Some(Fault::Wrong));
        assert_eq!(drive(deep.as_bytes(), &view).unwrap().damaged.len(), 1);
        let in_bundle = format!("{{\"resourceType\":\"Bundle\",\"entry\":[{}", open.repeat(1_000_000));
        assert_eq!(drive(in_bundle.as_bytes(), &view).unwrap().damaged.len(), 1);
    }
    let many = format!("[{}1]", "1,".repeat(5_000_000));
    assert_eq!(Tree::parse(&many, &keep, 0).err(), Some(Fault::Wrong));
    let close = format!("{}1{}", "[".repeat(150), "]".repeat(150));
    assert!(Tree::parse(&close, &keep, 0).is_ok());
    for number in ["1e-99999999999", "1e999", "0.00000000000000000000000000000000000001", "99999999999999999999999999999999999999999", "-0"] {
        let text = format!(r#"{{"resourceType":"Patient","id":{number}}}"#);
        let sums = r#"{"resource":"Patient","select":[{"column":[{"name":"a","path":"id + 1"},{"name":"b","path":"id.lowBoundary()"},{"name":"c","path":"id.round(2)"},{"name":"d","path":"-id * id / id mod id"}]}]}"#;
        let _ = drive(text.as_bytes(), &View::load(&serde_json::from_str(sums).unwrap()).unwrap());
    }
}
