//! SPSS files, written here as the PSPP developers describe them.

use std::io::Cursor;

use super::super::spss;
use super::*;

fn rows(file: &[u8], json: &str) -> Result<Kept, Failure> {
    let mut kept = Kept::default();
    spss::rows(Cursor::new(file), &options(json), &mut kept).map(|()| kept)
}

/// A system file that is being written, low byte first or high byte first.
struct System {
    file: Vec<u8>,
    big: bool,
}

impl System {
    fn new(big: bool, compression: i32, cases: i32) -> Self {
        let mut system = Self { file: b"$FL2".to_vec(), big };
        system.text("@(#) SPSS DATA FILE", 60).ints(&[2, 0, compression, 0, cases]).doubles(&[100.0]).text("01 Jan 24", 9).text("10:00:00", 8).text("", 67);
        system
    }

    fn ints(&mut self, numbers: &[i32]) -> &mut Self {
        for n in numbers {
            self.file.extend(if self.big { n.to_be_bytes() } else { n.to_le_bytes() });
        }
        self
    }

    fn doubles(&mut self, numbers: &[f64]) -> &mut Self {
        for n in numbers {
            self.file.extend(if self.big { n.to_be_bytes() } else { n.to_le_bytes() });
        }
        self
    }

    fn text(&mut self, text: &str, width: usize) -> &mut Self {
        self.bytes(text.as_bytes()).bytes(&vec![b' '; width - text.len()])
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.file.extend(bytes);
        self
    }

    /// A variable; the code is that of its print format.
    fn variable(&mut self, name: &str, width: i32, code: i32, missing: i32) -> &mut Self {
        let format = code << 16 | 8 << 8;
        self.ints(&[2, width, 0, missing, format, format]).text(name, 8)
    }

    /// The records that only take room.
    fn room(&mut self, elements: usize) -> &mut Self {
        for _ in 0..elements {
            self.variable("", -1, 0, 0);
        }
        self
    }

    fn extension(&mut self, kind: i32, data: &[u8]) -> &mut Self {
        self.ints(&[7, kind, 1, data.len() as i32]).bytes(data)
    }

    fn end(&mut self) -> &mut Self {
        self.ints(&[999, 0])
    }

    /// Fields that begin with their length.
    fn fields(&self, fields: &[&str]) -> Vec<u8> {
        let mut all = Self { file: vec![], big: self.big };
        for field in fields {
            all.ints(&[field.len() as i32]).bytes(field.as_bytes());
        }
        all.file
    }
}

/// A number with a range and a value that are missing, a text of 300 bytes in two parts, one of 10 with labels.
fn system(big: bool) -> Vec<u8> {
    let mut s = System::new(big, 0, 3);
    s.variable("AGE", 0, 5, -3).doubles(&[90.0, f64::MAX, -1.0]);
    s.variable("DAY", 0, 20, 0);
    s.variable("WIDE", 255, 1, 0).room(31).variable("WIDE0", 48, 1, 0).room(5);
    s.variable("CODE", 10, 1, 0).room(1);
    s.ints(&[3, 1]).doubles(&[95.0]).bytes(&[9]).text("very old", 15).ints(&[4, 1, 1]);
    s.extension(13, "AGE=âge_du_patient\tWIDE=récit".as_bytes());
    s.extension(14, b"WIDE=00300\0\t");
    s.extension(20, b"UTF-8");
    let mut labels = s.fields(&["CODE"]);
    labels.extend(System { file: vec![], big }.ints(&[10, 1]).file.iter());
    labels.extend(s.fields(&["C50.9     ", "breast"]));
    s.extension(21, &labels);
    let mut missing = s.fields(&["CODE"]);
    missing.push(1);
    missing.extend(s.fields(&["NA      "]));
    s.extension(22, &missing);
    s.end();
    let long = format!("{}é{}", "a".repeat(254), "b".repeat(44));
    let (one, two) = long.as_bytes().split_at(255);
    s.doubles(&[95.0, 13_744_944_000.0]).bytes(one).bytes(b" ").bytes(two).text("", 3).text("C50.9", 16);
    s.doubles(&[-1.0, -f64::MAX]).text("short", 256).text("", 48).text("NA", 16);
    s.doubles(&[42.5, 0.0]).text("", 304).text("", 16);
    s.file.clone()
}

#[test]
fn a_system_file() {
    let long = format!("{}é{}", "a".repeat(254), "b".repeat(44));
    for big in [false, true] {
        let file = system(big);
        let head = spss::head(Cursor::new(&file), &Options::new()).unwrap();
        assert_eq!(head.columns, ["âge_du_patient", "DAY", "récit", "CODE"]);
        assert_eq!(head.evidence, ["encoding: UTF-8", "rows: 3", "labels: 2"]);
        assert_eq!(rows(&file, "{}").unwrap().lines(), [format!("95|2018-05-06|{long}|C50.9"), "-1|~|short|NA".into(), "42.5|1582-10-14|~|~".into()]);
        let labelled = rows(&file, r#"{"labels": true}"#).unwrap().lines();
        assert_eq!(labelled[0], format!("very old|2018-05-06|{long}|breast"));
        let dropped = rows(&file, r#"{"labels": true, "user_missing": "null"}"#).unwrap().lines();
        assert_eq!(dropped, [format!("~|2018-05-06|{long}|breast"), "~|~|short|~".into(), "42.5|1582-10-14|~|~".into()]);
    }
}

/// ZSAV: blocks that zlib has packed, and behind them a table of their places, here with one block as often as it is named.
#[test]
fn packed_blocks_are_read_once() {
    let file = |times: u64| {
        let mut s = System::new(false, 2, -1);
        s.variable("X", 0, 5, 0).end();
        let start = s.file.len() as u64;
        let mut packed = flate2::write::ZlibEncoder::new(vec![], flate2::Compression::none());
        std::io::Write::write_all(&mut packed, &[&[101; 8][..], &[0; 4000]].concat()).unwrap();
        let packed = packed.finish().unwrap();
        for number in [start, start + 24 + packed.len() as u64, 24 + 24 * times] {
            s.bytes(&number.to_le_bytes());
        }
        s.bytes(&packed).bytes(&[0; 16]).ints(&[4008, i32::try_from(times).unwrap()]);
        for _ in 0..times {
            s.bytes(&start.to_le_bytes()).bytes(&(start + 24).to_le_bytes()).ints(&[4008, i32::try_from(packed.len()).unwrap()]);
        }
        s.file.clone()
    };
    assert_eq!(rows(&file(1), "{}").unwrap().lines(), ["1"; 8]);
    let Err(Failure::Unreadable(message)) = rows(&file(9), "{}") else { panic!("it is read") };
    assert_eq!(message, "the file is damaged: its packed blocks are larger together than the file");
}

#[test]
fn packed_bytes() {
    let mut s = System::new(false, 1, -1);
    s.variable("X", 0, 5, 0).variable("S", 8, 1, 0);
    s.end();
    // 1 - 100 is -99 and 250 - 100 is 150; 253 is as it follows, 254 blanks, 255 system missing, 252 the end.
    s.bytes(&[1, 254, 0, 255, 253, 253, 253, 250]).bytes(b"abcdefgh").doubles(&[0.1]).bytes(b"x       ");
    s.bytes(&[254, 252, 0, 0, 0, 0, 0, 0]);
    let kept = rows(&s.file, "{}").unwrap();
    assert_eq!(kept.lines(), ["-99|~", "~|abcdefgh", "0.1|x", "150|~"]);
    let head = spss::head(Cursor::new(&s.file), &Options::new()).unwrap();
    assert_eq!(head.evidence, [format!("encoding: {}", super::super::charset::Charset::Guess.name()), "labels: 0".into()]);
    s.file.truncate(s.file.len() - 20);
    assert!(matches!(rows(&s.file, "{}"), Err(Failure::Unreadable(_))));
}

/// A portable file of a text and three numbers; each character goes through `code`.
fn portable(code: fn(u8) -> u8) -> Vec<u8> {
    let mut text = vec![b' '; 200];
    let mut table = vec![b'0'; 256];
    let characters = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz .<(+";
    table[64..64 + characters.len()].copy_from_slice(characters);
    // Where SPSS has them: `*`, `-` and `/`.
    (table[137], table[141], table[142]) = (b'*', b'-', b'/');
    text.extend(table);
    text.extend(b"SPSSPORTA8/202401016/120000");
    text.extend(b"44/5B/");
    text.extend(b"73/1/S1/3/0/1/3/0/8");
    text.extend(b"2/xx");
    text.extend(b"70/1/X5/8/2/5/8/2/9-1/83T/C3/lab");
    // 38 is `EDATE`.
    text.extend(b"70/1/D18/A/0/18/A/0/");
    text.extend(b"D1/1/X2/1/3/one-1.F/4/half");
    text.extend(b"F");
    // abc, 1, 13744944000 seconds; blanks, -1.5, missing; xx, 119, 30 to the power of -2.
    text.extend(b"3/abc1/IPJ2+3/");
    text.extend(b"1/ -1.F/*.");
    text.extend(b"2/xx3T/1-2/");
    text.extend(b"ZZZZ");
    let mut file = vec![];
    for line in text.chunks(80) {
        // Blanks at the end of a line may be left out.
        let kept = line.len() - line.iter().rev().take_while(|b| **b == b' ').count();
        file.extend(line[..kept].iter().map(|b| code(*b)));
        file.extend(b"\r\n");
    }
    file
}

#[test]
fn a_portable_file() {
    // In ASCII, and with letters that stand for others: upper and lower case change places.
    let swapped = |b: u8| if b.is_ascii_alphabetic() { b ^ 0x20 } else { b };
    for code in [(|b| b) as fn(u8) -> u8, swapped] {
        let file = portable(code);
        let head = spss::head(Cursor::new(&file), &Options::new()).unwrap();
        assert_eq!(head.columns, ["S", "X", "D"]);
        assert_eq!(head.evidence.last().unwrap(), "labels: 1");
        assert_eq!(rows(&file, "{}").unwrap().lines(), ["abc|1|2018-05-06", "~|-1.5|~", "xx|119|1582-10-14"]);
        assert_eq!(rows(&file, r#"{"labels": true}"#).unwrap().lines(), ["abc|one|2018-05-06", "~|half|~", "xx|119|1582-10-14"]);
        assert_eq!(rows(&file, r#"{"user_missing": "null"}"#).unwrap().lines(), ["abc|1|2018-05-06", "~|~|~", "~|~|1582-10-14"]);
    }
}

#[test]
fn other_files() {
    let not = |bytes: &[u8]| match spss::head(Cursor::new(bytes), &Options::new()) {
        Err(Failure::NotThis { is, .. }) => is,
        other => panic!("{other:?}"),
    };
    assert_eq!(not(b"\x1c\0\0\0\0\0\0\0ENCRYPTEDSAV\x15"), "an encrypted SPSS file");
    assert_eq!(not(b"a;b\n1;2\n"), "no SPSS file");
    assert_eq!(rows(b"", "{}").unwrap_err(), Failure::Empty);
    let mut s = System::new(false, 0, 0);
    s.variable("X", 0, 5, 0).extension(20, b"cp850").end();
    assert!(matches!(spss::head(Cursor::new(&s.file), &Options::new()), Err(Failure::Head(_))));
    assert!(spss::head(Cursor::new(&s.file), &options(r#"{"encoding": "windows-1252"}"#)).is_ok());
}
