use std::fmt::Write as _;

use super::super::collect::{Collected, damage, file, options, read};
use super::super::record::Failure;
use super::kind::Kind;
use super::{FORMAT, plan, run};

/// The format 008 of the RUM as the ATIH publishes it (<https://www.atih.sante.fr/rum008>): positions and lengths are its own.
const RUM: &str = "name,start,length,type
finess,1,9,
format,10,3,
rss,13,7,integer
naissance,20,8,date(jjmmaaaa)
sexe,28,1,
um,29,4,
entree,33,8,date(jjmmaaaa)
mode_entree,41,1,
provenance,42,1,
sortie,43,8,date(ddmmyyyy)
mode_sortie,51,1,
destination,52,1,
code_postal,53,5,
poids,58,4,integer
seances,62,2,integer
n_das,64,2,integer
n_dad,66,2,integer
n_za,68,2,integer
dp,70,8,
dr,78,8,
igs2,86,3,integer
";

const ONE: &str = "750000001008000012305031950201011001201180150120118 75005    00020102C504                              I10     E119    Z853    QEFA004001ZZQK024002";
const TWO: &str = "750000001008000012431121979101011201201162160120116234005350000000000C509    C508    012               ";

fn rum() -> tempfile::NamedTempFile {
    file(RUM.as_bytes())
}

fn with_rum(text: &[u8], more: &str) -> Vec<String> {
    let layout = rum();
    let json = format!(r#"{{"layout": {:?}{more}}}"#, layout.path());
    read(&FORMAT, file(text).path(), &json).expect("readable").1.table()
}

fn of(text: &[u8], json: &str) -> Vec<String> {
    read(&FORMAT, file(text).path(), json).expect("readable").1.table()
}

#[test]
fn a_published_layout() {
    assert_eq!((ONE.len(), TWO.len()), (103 + 3 * 8 + 2 * 10, 103));
    let one = "750000001|008|123|1950-03-05|2|0101|2011-01-10|8|0|2011-01-15|8|∅|75005|∅|0|2|1|2|C504|∅|∅";
    let two = "750000001|008|124|1979-12-31|1|0101|2011-01-12|6|2|2011-01-16|6|2|34005|3500|0|0|0|0|C509|C508|12";
    for end in ["\n", "\r\n"] {
        assert_eq!(with_rum(format!("{ONE}{end}{TWO}{end}").as_bytes(), ""), [one, two]);
        assert_eq!(with_rum(format!("{ONE}{end}{end}{TWO}{end}\x1A").as_bytes(), ""), [one, two]);
    }
    assert_eq!(with_rum(format!("{ONE}\n{TWO}").as_bytes(), r#", "skip_lines": 1"#), [two]);
}

#[test]
fn zones_that_repeat() {
    let text = format!("{ONE}\n{TWO}\n");
    let cut = |table: Vec<String>| table.iter().map(|t| t.split('|').skip(2).take(1).chain(t.split('|').skip(21)).collect::<Vec<_>>().join("|")).collect::<Vec<_>>();
    let das = r#", "repeat": {"count": "n_das", "start": 104, "length": 8, "fields": [{"name": "das", "start": 1, "length": 8}]}"#;
    assert_eq!(cut(with_rum(text.as_bytes(), das)), ["123|I10", "123|E119", "124|∅"]);
    let acts = r#", "repeat": {"count": "n_za", "start": "104", "length": "10", "after": [{"count": "n_das", "length": 8}, {"count": "n_dad", "length": 8}],
        "fields": [{"name": "acte", "start": 1, "length": 7}, {"name": "phase", "start": 8, "length": 1}, {"name": "fois", "start": 9, "length": 2, "type": "integer"}]}"#;
    assert_eq!(cut(with_rum(text.as_bytes(), acts)), ["123|QEFA004|0|1", "123|ZZQK024|0|2", "124|∅|∅|∅"]);
    // The last act is cut short; a count is none; a count is far more than the line holds.
    let short = format!("{}\n{}\n{}\n", &ONE[..ONE.len() - 1], ONE.replace("020102C504", "0x0102C504"), ONE.replace("020102C504", "020199C504"));
    assert_eq!(cut(with_rum(short.as_bytes(), acts)), ["123|∅|∅|∅", "123|∅|∅|∅", "123|∅|∅|∅"]);
    assert_eq!(with_rum(short.as_bytes(), acts).iter().filter(|t| t.starts_with('!')).count(), 3);
    let padded = format!("{acts}, \"pad\": true");
    assert_eq!(cut(with_rum(format!("{}\n", &ONE[..ONE.len() - 2]).as_bytes(), &padded)), ["123|QEFA004|0|1", "123|ZZQK024|0|∅"]);
    let exact = format!("{acts}, \"exact\": true");
    assert_eq!(with_rum(format!("{ONE}\n{ONE} \n{TWO}\n{TWO} \n").as_bytes(), &exact).iter().map(|t| t.starts_with('!')).collect::<Vec<_>>(), [false, false, true, false, true]);
}

#[test]
fn lines_of_the_wrong_length() {
    let layout = r#""layout": [{"name": "a", "start": 1, "length": 2}, {"name": "b", "start": 3, "length": 3}]"#;
    let text = b"12345\n1234\n123456\n\n1\n12345";
    let records = read(&FORMAT, file(text).path(), &format!("{{{layout}}}")).expect("readable").1;
    assert_eq!(records.table(), ["12|345", "!12|34", "12|345", "!1|∅", "12|345"]);
    assert_eq!(records.records.iter().map(|r| (r.number, r.byte)).collect::<Vec<_>>(), [(1, 0), (2, 6), (3, 11), (5, 19), (6, 21)]);
    assert_eq!(records.records[1].raw.as_deref(), Some("1234"));
    assert_eq!(of(text, &format!("{{{layout}, \"exact\": true}}")), ["12|345", "!12|34", "!12|345", "!1|∅", "12|345"]);
    assert_eq!(of(text, &format!("{{{layout}, \"pad\": \"true\"}}")), ["12|345", "12|34", "12|345", "1|∅", "12|345"]);
}

#[test]
fn types_of_lines() {
    let layout = r#""layout": [{"name": "kind", "start": 1, "length": 1}, {"name": "sex", "start": 2, "length": 1, "when": "1=A"},
        {"name": "id", "start": 3, "length": 2, "when": "1=A"}, {"name": "id", "start": 2, "length": 2, "when": "1=B"}, {"name": "code", "start": 4, "length": 4, "when": "1=B"}]"#;
    let text = b"AF17\nB17C504\nX\nB1\n";
    assert_eq!(of(text, &format!("{{{layout}}}")), ["A|F|17|∅", "B|∅|17|C504", "!X|∅|∅|∅", "!B|∅|1|∅"]);
    assert_eq!(of(text, &format!("{{{layout}, \"record\": \"A\"}}")), ["A|F|17"]);
    assert_eq!(of(text, &format!("{{{layout}, \"record\": \"1=B\"}}")), ["B|17|C504", "!B|1|∅"]);
    let wrong = (FORMAT.head)(file(text).path(), &options(&format!("{{{layout}, \"record\": \"1=C\"}}")));
    assert!(matches!(wrong, Err(Failure::Option { key, near, .. }) if key == "record" && near == ["1=A", "1=B"]));
}

#[test]
fn cells_by_type() {
    let read = |kind: &str, cell: &str| {
        let mut out = String::new();
        Kind::parse("layout", kind).expect("a type").read(cell, &mut out).then_some(out)
    };
    for (kind, cell, wanted) in [
        ("", " a ", Some(" a")), ("text", "   ", None), ("text", "007", Some("007")),
        ("integer", "007", Some("7")), ("integer", "000", Some("0")), ("integer", " -012", Some("-12")), ("integer", "-0", Some("0")), ("integer", "+5", Some("5")),
        ("integer", "1.5", Some("1.5")), ("integer", "x", Some("x")), ("integer", " ", None), ("integer", "-", Some("-")),
        ("decimal(2)", "001234", Some("12.34")), ("decimal(2)", "001230", Some("12.3")), ("decimal(2)", "001200", Some("12")), ("decimal(2)", "5", Some("0.05")),
        ("decimal(2)", "50", Some("0.5")), ("decimal(2)", "-00005", Some("-0.05")), ("decimal(2)", "0000", Some("0")), ("decimal(0)", "012", Some("12")), ("decimal(2)", "1,5", Some("1,5")),
        ("date(ddmmyyyy)", "31122011", Some("2011-12-31")), ("date(JJMMAAAA)", "29022012", Some("2012-02-29")), ("date(ddmmyyyy)", "29022011", Some("29022011")),
        ("date(yyyy-mm-dd)", "2011-12-31", Some("2011-12-31")), ("date(yyyymmdd)", "20111331", Some("20111331")), ("date(ddmmyyyy)", "00000000", Some("00000000")),
        ("date(ddmmyyyy)", "3112201é", Some("3112201é")), ("date(dd/mm/yyyy)", "31.12.2011", Some("31.12.2011")), ("date(ddmmyyyy)", "        ", None), ("date(ddmmyyyy)", "29021900", Some("29021900")),
    ] {
        assert_eq!(read(kind, cell).as_deref(), wanted, "{kind} {cell:?}");
    }
    for wrong in ["number", "decimal", "decimal(x)", "decimal(-1)", "date", "date(ddmmyy)", "date(ddmm)", "date(ddddmmyyyy)", "text(3)", "integer("] {
        assert!(Kind::parse("layout", wrong).is_err(), "{wrong}");
    }
}

#[test]
fn places_are_characters_in_any_encoding() {
    let layout = r#""layout": [{"name": "a", "start": 1, "length": 4}, {"name": "b", "start": 5, "length": 2}]"#;
    for (text, encoding) in [(&b"ABCD12\nH\xE9l\xE812\n"[..], ""), (b"ABCD12\nH\xC3\xA9l\xC3\xA812\n", ""), (b"ABCD12\nH\x8El\x8F12\n", r#", "encoding": "macintosh""#), (b"\xEF\xBB\xBFABCD12\nH\xC3\xA9l\xC3\xA812\n", "")] {
        assert_eq!(of(text, &format!("{{{layout}{encoding}}}")), ["ABCD|12", "Hélè|12"]);
    }
    assert_eq!(of(b"H\xE9l\xE812\n", &format!("{{{layout}, \"encoding\": \"utf-8\"}}")), ["!H\u{FFFD}l\u{FFFD}|12"]);
    // Beyond what the guess looks at, the first line beyond ASCII decides.
    let mut long = b"ABCD12\n".repeat(200_000);
    long.extend_from_slice(b"H\xE9l\xE812\nH\xC3\xA9l6\n");
    let table = of(&long, &format!("{{{layout}}}"));
    assert_eq!(table[200_000..], ["Hélè|12", "HÃ©l|6"].map(String::from).map(|t| if t.ends_with("|6") { format!("!{t}") } else { t }));
}

#[test]
fn layouts_in_files() {
    let text = file(b"ab12\n");
    for table in ["name,start,length\na,1,2\nb,3,2\n", "\u{FEFF}Name;Start;Length;Comment\na;1;2;\n;;;\nb;3;2;x\n", "length\tstart\tname\ttype\n2\t1\ta\t\n2\t3\tb\ttext\n", "name, start, length\r\n\"a\", 1, 2\r\nb,3,2"] {
        let layout = file(table.as_bytes());
        let (head, all) = read(&FORMAT, text.path(), &format!(r#"{{"layout": {:?}}}"#, layout.path())).expect("readable");
        assert_eq!((head.columns.join("|"), all.table().join(",")), ("a|b".into(), "ab|12".into()), "{table}");
    }
    for wrong in ["", "name,start\na,1\n", "name,start,length\n", "name,start,length\na,0,2\n", "name,start,length\na,1,x\n", "name,start,length\na,1,99999999999999999999\n", "name,start,length\na,1,2\na,3,2\n", "name,start,length\n,3,2\n", "name,start,length,when\na,1,2,3\n"] {
        let layout = file(wrong.as_bytes());
        let found = (FORMAT.head)(text.path(), &options(&format!(r#"{{"layout": {:?}}}"#, layout.path())));
        assert!(matches!(found, Err(Failure::Option { .. })), "{wrong}");
    }
}

#[test]
fn heads_and_mistakes() {
    let layout = r#""layout": [{"name": "n", "start": 1, "length": 2}]"#;
    let head = |bytes: &[u8], json: &str| (FORMAT.head)(file(bytes).path(), &options(json));
    assert_eq!(head(b"", &format!("{{{layout}}}")), Err(Failure::Empty));
    assert!(matches!(head(b"PK\x03\x04...", &format!("{{{layout}}}")), Err(Failure::NotThis { .. })));
    assert_eq!(head(b"12\n", &format!("{{{layout}}}")).expect("a head").evidence, ["encoding: utf-8 (no byte is above 0x7F)"]);
    for wrong in [
        "{}".to_owned(),
        r#"{"layout": "/nowhere.csv"}"#.into(),
        r#"{"layout": [{"name": "n", "start": 1, "len": 2}]}"#.into(),
        format!("{{{layout}, \"exact\": \"perhaps\"}}"),
        format!("{{{layout}, \"encoding\": \"utf-16\"}}"),
        format!("{{{layout}, \"skip_lines\": \"x\"}}"),
        format!("{{{layout}, \"repeat\": {{\"count\": \"m\", \"start\": 3, \"length\": 1, \"fields\": [{{\"name\": \"x\", \"start\": 1, \"length\": 1}}]}}}}"),
        format!("{{{layout}, \"repeat\": {{\"count\": \"n\", \"start\": 3, \"length\": 1, \"fields\": [{{\"name\": \"x\", \"start\": 1, \"length\": 2}}]}}}}"),
        format!("{{{layout}, \"repeat\": {{\"count\": \"n\", \"start\": 3, \"length\": 1, \"fields\": [{{\"name\": \"n\", \"start\": 1, \"length\": 1}}]}}}}"),
    ] {
        assert!(matches!(head(b"12\n", &wrong), Err(Failure::Option { .. })), "{wrong}");
    }
}

#[test]
fn damaged_input_is_never_a_panic() {
    let mut text = String::new();
    for line in [ONE, TWO, "é", ONE] {
        writeln!(text, "{line}").expect("written");
    }
    let layout = rum();
    let zone = r#""repeat": {"count": "n_za", "start": 104, "length": 10, "after": [{"count": "n_das", "length": 8}], "fields": [{"name": "acte", "start": 1, "length": 7}]}"#;
    for more in ["", r#", "exact": true"#, &format!(", {zone}"), &format!(", {zone}, \"pad\": true")] {
        let json = format!(r#"{{"layout": {:?}{more}}}"#, layout.path());
        damage(text.as_bytes(), 1, 1000, |bytes| {
            let mut all = Collected::default();
            run(bytes, plan(&options(&json)).expect("a plan"), None, &mut all).expect("read");
            assert!(all.bytes == bytes.len() as u64 && all.records.len() < 1000);
        });
    }
}
