//! One test for each thing that exports do.

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::atomic::AtomicBool;

use super::super::{
    Compression, Declared, Dialect, Encoding, HeaderError, IndexError, Layout, LineEnd, RangeReader, ReadError,
    SniffError, Tuning, flag, index_with, read_header,
};
use super::{Row, cells, file, header, index, read, rows_of};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("packed");
    encoder.finish().expect("packed")
}

fn read_bytes(bytes: &[u8]) -> (Layout, Vec<Row>) {
    let f = file(bytes);
    let layout = header(&f.path).layout;
    let rows = read(&f.path, &layout);
    (layout, rows)
}

fn numbers(rows: &[Row]) -> Vec<(u64, u64, u16)> {
    rows.iter().map(|row| (row.row, row.byte, row.flags)).collect()
}

#[test]
fn ragged_rows_keep_everything() {
    let (_, rows) = read_bytes(b"a,b,c\n1,2,3\n1,\n1,2,3,4\n,,\n");
    assert_eq!(cells(&rows), [["1", "2", "3"], ["1", "", "∅"], ["1", "2", "3"], ["", "", ""]]);
    assert_eq!(numbers(&rows), [(2, 6, 0), (3, 12, flag::TOO_FEW_CELLS), (4, 15, flag::TOO_MANY_CELLS), (5, 23, 0)]);
    let raw: Vec<_> = rows.iter().map(|row| row.raw.as_deref()).collect();
    assert_eq!(raw, [None, Some("1,"), Some("1,2,3,4"), None]);
}

#[test]
fn each_flag_has_its_row() {
    let declared = |encoding| Declared { encoding: Some(encoding), ..Declared::default() };
    let text = b"a,b\n\xC3\xA9t\xE9 de longue dur\xC3\xA9e,2\nx\0y,2\n\"x\" y,2\n\"open,2\nlast,2\n";
    let f = file(text);
    let layout = read_header(&f.path, &declared(Encoding::Utf8)).expect("a header").layout;
    let rows = read(&f.path, &layout);
    let wanted = [["ét\u{FFFD} de longue durée", "2"], ["x\0y", "2"], ["x y", "2"], ["\"open", "2"], ["last", "2"]];
    assert_eq!(cells(&rows), wanted);
    let flags: Vec<u16> = rows.iter().map(|row| row.flags).collect();
    assert_eq!(flags, [flag::INVALID_BYTES, flag::NUL_BYTE, flag::MALFORMED_QUOTE, flag::UNTERMINATED_QUOTE, 0]);
    assert_eq!(rows[0].raw.as_deref(), Some("ét\u{FFFD} de longue durée,2"));
    assert_eq!(rows[2].raw.as_deref(), Some("\"x\" y,2"));
    let names: Vec<_> = flag::names(flag::INVALID_BYTES | flag::UNTERMINATED_QUOTE).collect();
    assert_eq!(names, ["invalid_bytes", "unterminated_quote"]);

    for (byte, encoding, value, flags) in [
        (0x81, Encoding::Windows1252, "\u{FFFD}", flag::INVALID_BYTES),
        (0x9D, Encoding::Windows1252, "\u{FFFD}", flag::INVALID_BYTES),
        (0x80, Encoding::Windows1252, "€", 0),
        (0x81, Encoding::Iso8859_1, "\u{81}", 0),
        (0x80, Encoding::Iso8859_1, "\u{80}", 0),
        (0xA4, Encoding::Iso8859_15, "€", 0),
        (0x8E, Encoding::Macintosh, "é", 0),
    ] {
        let f = file(&[b"a,b\n1,", &[byte][..], b"\n\"", &[byte], b"\"\"aaaaaaaaaaaaaaaa\",\n"].concat());
        let layout = read_header(&f.path, &declared(encoding)).expect("a header").layout;
        let rows = read(&f.path, &layout);
        let long = format!("{value}\"aaaaaaaaaaaaaaaa");
        assert_eq!(cells(&rows), [["1", value], [long.as_str(), ""]], "{encoding} {byte:x}");
        assert_eq!(rows.iter().map(|row| row.flags).collect::<Vec<_>>(), [flags, flags], "{encoding} {byte:x}");
    }
}

#[test]
fn a_flag_does_not_depend_on_the_columns_wanted() {
    let f = file("a,b\n1,\0\n2,3\n".as_bytes());
    let layout = header(&f.path).layout;
    let ranges = index(&f.path, &layout, 1, Tuning::default()).ranges;
    for columns in [&[][..], &[Some(0)], &[Some(1)]] {
        let rows = rows_of(&f.path, &layout, &ranges, columns, 9, Tuning::default());
        assert_eq!(numbers(&rows), [(2, 4, flag::NUL_BYTE), (3, 8, 0)]);
    }
}

#[test]
fn rows_are_numbered_as_a_spreadsheet_does() {
    let f = file(b"Export 2024 \"x\r\n\r\n# note\r\na;b\r\n1;\"x\r\ny\"\r\n\r\n#c\r\n2;z");
    let declared = Declared { skip_lines: Some(1), comment: Some(b'#'), ..Declared::default() };
    let header = read_header(&f.path, &declared).expect("a header");
    assert_eq!((header.row, header.columns.clone()), (Some(4), vec!["a".into(), "b".into()]));
    let index = index(&f.path, &header.layout, 1, Tuning::default());
    assert_eq!((index.rows, index.blank_lines, index.comment_lines, index.ranges.len()), (2, 1, 1, 2));
    let rows = read(&f.path, &header.layout);
    assert_eq!(cells(&rows), [["1", "x\r\ny"], ["2", "z"]]);
    assert_eq!(numbers(&rows), [(5, 31, 0), (8, 47, 0)]);
}

#[test]
fn skipped_lines_may_be_empty() {
    let f = file(b"\nTitle\na,b\n1,2\n");
    let declared = Declared { skip_lines: Some(2), ..Declared::default() };
    let header = read_header(&f.path, &declared).expect("a header");
    assert_eq!((header.row, header.columns), (Some(3), vec!["a".into(), "b".into()]));
}

#[test]
fn the_first_accent_may_come_late() {
    let mut text = b"id,operation\n".to_vec();
    for i in 0..150_000 {
        let tail: &[u8] = if i > 100_000 { b",non op\xE9r\xE9e\n" } else { b",mastectomie\n" };
        text.extend(format!("{i:06}").as_bytes());
        text.extend(tail);
    }
    let f = file(&text);
    let header = header(&f.path);
    assert_eq!(header.layout.dialect.encoding, Encoding::Windows1252);
    assert!(header.evidence[0].why.contains("samples"), "{}", header.summary());
    assert!(read(&f.path, &header.layout).iter().all(|row| row.flags == 0));
}

#[test]
fn no_header_and_one_column() {
    let f = file(b"x\n\ny\n");
    let declared = Declared { has_header: Some(false), ..Declared::default() };
    let header = read_header(&f.path, &declared).expect("a header");
    assert_eq!((header.columns.clone(), header.row, header.nameless.len()), (vec!["column_1".into()], None, 0));
    assert_eq!(cells(&read(&f.path, &header.layout)), [["x"], [""], ["y"]]);
}

#[test]
fn lines_that_end_in_cr_alone() {
    let (layout, rows) = read_bytes(b"a\tb\r1\t\"x\ry\"\r2\tz\r");
    assert_eq!(layout.dialect.line_end, LineEnd::Cr);
    assert_eq!(cells(&rows), [["1", "x\ry"], ["2", "z"]]);
    assert_eq!(numbers(&rows), [(2, 4, 0), (3, 12, 0)]);
}

#[test]
fn line_breaks_in_cells_across_ranges_and_blocks() {
    let mut text = String::from("id,note\n");
    for i in 0..200 {
        text.push_str(&format!("{i},\"line one of {i}\nline \"\"two\"\"\n{}\"\n", "x".repeat(i % 90)));
    }
    let f = file(text.as_bytes());
    let layout = header(&f.path).layout;
    let columns = [Some(0), Some(1)];
    let whole = read(&f.path, &layout);
    assert_eq!(whole.len(), 200);
    assert_eq!(
        whole[150].cells[1].as_deref(),
        Some(format!("line one of 150\nline \"two\"\n{}", "x".repeat(60)).as_str())
    );
    for target in [1, 50, 333, 4000] {
        let tuning = Tuning { block: 64, ..Tuning::default() };
        let index = index(&f.path, &layout, target, tuning);
        assert!(index.ranges.len() > 2);
        assert_eq!(rows_of(&f.path, &layout, &index.ranges, &columns, 7, tuning), whole);
    }
}

#[test]
fn a_stray_quote_costs_one_row_in_any_cut() {
    let mut text = String::from("id,note\n");
    for i in 0..100 {
        text.push_str(if i == 40 { "40,\"5 mm\n" } else { "7,plain\n" });
    }
    let f = file(text.as_bytes());
    let layout = header(&f.path).layout;
    for (target, max_record) in [(u64::MAX, 1 << 20), (100, 1 << 20), (100, 64), (1, 64)] {
        let tuning = Tuning { block: 64, max_record };
        let ranges = index(&f.path, &layout, target, tuning).ranges;
        let rows = rows_of(&f.path, &layout, &ranges, &[Some(0), Some(1)], 9, tuning);
        assert_eq!(rows.len(), 100);
        assert_eq!(rows.iter().filter(|row| row.flags != 0).count(), 1);
        assert_eq!((rows[40].flags, rows[40].cells[1].as_deref()), (flag::UNTERMINATED_QUOTE, Some("\"5 mm")));
    }
}

#[test]
fn utf16_both_ways() {
    let text = "nom;note\r\nHélène 😀;\"à\r\nβ\"\r\nZoë;\r\n";
    for bom in [true, false] {
        let text = if bom { format!("\u{FEFF}{text}") } else { text.to_owned() };
        for (encoding, bytes) in [
            (Encoding::Utf16Le, text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()),
            (Encoding::Utf16Be, text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ] {
            for packed in [false, true] {
                let f = file(&if packed { gzip(&bytes) } else { bytes.clone() });
                let layout = header(&f.path).layout;
                assert_eq!(layout.dialect.encoding, encoding);
                assert_eq!(index(&f.path, &layout, 1, Tuning::default()).ranges.len(), 1);
                let rows = read(&f.path, &layout);
                assert_eq!(cells(&rows), [["Hélène 😀", "à\r\nβ"], ["Zoë", ""]]);
                let bom = if bom { 2 } else { 0 };
                assert_eq!(numbers(&rows), [(2, bom + 20, 0), (3, bom + 56, 0)]);
            }
        }
    }
    // A lone surrogate, and a last odd byte.
    let mut bytes: Vec<u8> = "a;b\n1;2\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    bytes.extend([0x00, 0xD8, b';', 0, b'x', 0, b'\n', 0, b'3', 0, b';', 0, b'4', 0, 0]);
    let (_, rows) = read_bytes(&bytes);
    assert_eq!(cells(&rows), [["1", "2"], ["\u{FFFD}", "x"], ["3", "4\u{FFFD}"]]);
    assert_eq!(rows.iter().map(|row| row.flags).collect::<Vec<_>>(), [0, flag::INVALID_BYTES, flag::INVALID_BYTES]);
}

#[test]
fn encodings_whose_characters_contain_delimiters() {
    // In Shift_JIS the second byte of ャ is 0x83 0x83 and that of ポ 0x7C, the bar.
    let (bytes, ..) = encoding_rs::SHIFT_JIS.encode("a|b\nポ|2\n");
    assert!(bytes.iter().filter(|byte| **byte == b'|').count() > 2);
    let f = file(&bytes);
    let declared =
        Declared { encoding: Encoding::from_label("shift_jis"), delimiter: Some(b'|'), ..Declared::default() };
    let layout = read_header(&f.path, &declared).expect("a header").layout;
    assert_eq!(cells(&read(&f.path, &layout)), [["ポ", "2"]]);
}

#[test]
fn compressed_files_whatever_their_name() {
    let text = "\u{FEFF}nom,âge\nHélène,5\nZoë,6\n";
    let zstd = zstd::encode_all(text.as_bytes(), 1).expect("packed");
    let twice = [gzip(&text.as_bytes()[..20]), gzip(&text.as_bytes()[20..])].concat();
    for (bytes, compression) in
        [(gzip(text.as_bytes()), Compression::Gzip), (twice, Compression::Gzip), (zstd, Compression::Zstd)]
    {
        let f = file(&bytes);
        let header = header(&f.path);
        assert_eq!(header.layout.dialect.compression, compression);
        assert_eq!(header.columns, ["nom", "âge"]);
        let index = index(&f.path, &header.layout, 1, Tuning::default());
        assert_eq!((index.bytes, index.rows, index.ranges.len()), (bytes.len() as u64, 2, 1));
        let rows = read(&f.path, &header.layout);
        assert_eq!(cells(&rows), [["Hélène", "5"], ["Zoë", "6"]]);
        assert_eq!(numbers(&rows), [(2, 12, 0), (3, 23, 0)]);
        // Cut off in the middle: an error, no rows that look complete.
        let cut = file(&bytes[..bytes.len() - 12]);
        assert!(matches!(read_header(&cut.path, &Declared::default()), Err(HeaderError::Io(_))));
        let never = AtomicBool::new(false);
        let index = index_with(&cut.path, &header.layout, 1, &mut |_| {}, &never, Tuning::default());
        assert!(matches!(index, Err(IndexError::Io(_))));
    }
}

#[test]
fn a_cell_of_ten_megabytes() {
    let long = "é x\n".repeat(2_500_000);
    let text = format!("a,b\n1,\"{long}\"\n2,y\n3,\"{long}\"\"\"\n");
    let f = file(text.as_bytes());
    let layout = header(&f.path).layout;
    let rows = read(&f.path, &layout);
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0].cells[1].as_deref(), Some(long.as_str()));
    assert_eq!(rows[2].cells[1].as_ref().map(String::len), Some(long.len() + 1));
    assert_eq!(rows.iter().map(|row| row.row).collect::<Vec<_>>(), [2, 3, 4]);
}

#[test]
fn a_batch_of_long_cells_is_closed_early() {
    let row = format!("1,{}\n", "x".repeat(3 << 20));
    let f = file(format!("a,b\n{}", row.repeat(40)).as_bytes());
    let layout = header(&f.path).layout;
    let range = index(&f.path, &layout, u64::MAX, Tuning::default()).ranges[0];
    let reader = RangeReader::open(&f.path, &layout.dialect, range, &[Some(1)], 2, 8192).expect("a reader");
    let batches: Vec<_> = reader.map(|rows| rows.expect("rows")).collect();
    assert!(batches.len() > 2);
    for batch in batches {
        let held: usize = batch.columns[0].data_buffers().iter().map(|buffer| buffer.len()).sum();
        assert!(held < 48 << 20, "{held}");
    }
}

#[test]
fn short_cells_hold_on_to_no_block() {
    let f = file(b"a,b\n1,a cell of more than twelve bytes\n");
    let layout = header(&f.path).layout;
    let range = index(&f.path, &layout, u64::MAX, Tuning::default()).ranges[0];
    let mut reader = RangeReader::open(&f.path, &layout.dialect, range, &[Some(0), Some(1)], 2, 9).expect("a reader");
    let rows = reader.next().expect("a batch").expect("rows");
    assert!(rows.columns[0].data_buffers().is_empty());
    assert!(!rows.columns[1].data_buffers().is_empty());
}

#[test]
fn empty_and_nearly_empty_files() {
    let refused = |bytes: &[u8]| read_header(&file(bytes).path, &Declared::default());
    assert!(matches!(refused(b""), Err(HeaderError::Sniff(SniffError::Empty))));
    assert!(matches!(refused(b"\xEF\xBB\xBF"), Err(HeaderError::Sniff(SniffError::Empty))));
    assert!(matches!(refused(&gzip(b"")), Err(HeaderError::Sniff(SniffError::Empty))));
    assert!(matches!(refused(b"\r\n\n"), Err(HeaderError::NoColumns)));
    assert!(matches!(refused(b"PK\x03\x04"), Err(HeaderError::Sniff(SniffError::NotText { .. }))));
    for (bytes, header_only) in [(&b"a,b"[..], true), (b"a,b\r\n\r\n", true), (b"a,b\n1,2", false)] {
        let f = file(bytes);
        let header = header(&f.path);
        assert_eq!((header.header_only, header.columns.len()), (header_only, 2));
        let index = index(&f.path, &header.layout, 1, Tuning::default());
        assert_eq!((index.ranges.is_empty(), index.rows == 0), (header_only, header_only));
    }
}

#[test]
fn header_names() {
    let f = file("\u{FEFF} NIP ;;\"Date\nrécidive\";NIP;\u{A0}\n1;2;3;4;5\n".as_bytes());
    let header = header(&f.path);
    assert_eq!(header.columns, ["NIP", "column_2", "Date\nrécidive", "NIP", "column_5"]);
    assert_eq!(header.duplicates, [("NIP".to_owned(), vec![0, 3])]);
    assert_eq!(header.nameless, [1, 4]);
    assert_eq!(read(&f.path, &header.layout)[0].row, 2);
}

#[test]
fn columns_in_another_order_or_absent() {
    let f = file(b"a,b,c\n1,2,3\n4\n");
    let layout = header(&f.path).layout;
    let ranges = index(&f.path, &layout, u64::MAX, Tuning::default()).ranges;
    let rows = rows_of(&f.path, &layout, &ranges, &[Some(2), None, Some(0), Some(0), Some(9)], 9, Tuning::default());
    assert_eq!(cells(&rows), [["3", "∅", "1", "1", "∅"], ["∅", "∅", "4", "4", "∅"]]);
}

#[test]
fn a_file_that_changes_gives_an_error() {
    let open = |f: &super::TestFile, layout: &Layout, range| {
        RangeReader::open_with(
            &f.path,
            &layout.dialect,
            range,
            &[Some(0)],
            2,
            1,
            Tuning { block: 64, ..Tuning::default() },
        )
    };
    let text = format!("a,b\n{}", "1,2\n".repeat(100));
    let f = file(text.as_bytes());
    let layout = header(&f.path).layout;
    let ranges = index(&f.path, &layout, 200, Tuning::default()).ranges;
    let (first, last) = (ranges[0], ranges[ranges.len() - 1]);
    // Shorter while it is read.
    let mut reader = open(&f, &layout, last).expect("a reader");
    assert!(reader.next().is_some_and(|rows| rows.is_ok()));
    OpenOptions::new().write(true).open(&f.path).and_then(|f| f.set_len(last.end - 60)).expect("cut");
    assert!(matches!(reader.find(Result::is_err), Some(Err(ReadError::Changed(_)))));
    assert!(reader.next().is_none());
    // Shorter before it is opened.
    assert!(matches!(open(&f, &layout, last), Err(ReadError::Changed(_))));
    // Longer while it is read.
    let mut reader = open(&f, &layout, first).expect("a reader");
    assert!(reader.next().is_some());
    OpenOptions::new().append(true).open(&f.path).and_then(|mut f| f.write_all(b"x")).expect("appended");
    assert!(matches!(reader.find(Result::is_err), Some(Err(ReadError::Changed(_)))));
    // Other rows in as many bytes.
    std::fs::write(&f.path, text.replace("1,2\n1,2\n", "1,2,1,2\n")).expect("written");
    let read: Result<Vec<_>, _> = open(&f, &layout, first).expect("a reader").collect();
    assert!(matches!(read, Err(ReadError::Changed(_))));
    // A record begins elsewhere.
    std::fs::write(&f.path, text.replace("1,2\n", "12,\n").replacen("a,b\n", "a,bb\n", 1)).expect("written");
    assert!(matches!(open(&f, &layout, last), Err(ReadError::Changed(_))));
}

#[test]
fn index_hashes_reports_and_stops() {
    let f = file(format!("a,b\n{}", "1,2\n".repeat(1000)).as_bytes());
    let layout = header(&f.path).layout;
    let tuning = Tuning { block: 256, ..Tuning::default() };
    let mut heard = Vec::new();
    let index = index_with(&f.path, &layout, 500, &mut |n| heard.push(n), &AtomicBool::new(false), tuning);
    let index = index.expect("an index");
    assert_eq!((index.bytes, index.rows, heard.last().copied()), (4004, 1000, Some(4004)));
    assert!(heard.len() > 10 && heard.is_sorted());
    assert_eq!(index.ranges.iter().map(|range| range.rows).sum::<u64>(), 1000);
    assert!(index.ranges.windows(2).all(|pair| pair[0].end == pair[1].start));
    assert!(index.ranges.iter().all(|range| range.end - range.start < 600));
    let stopped = index_with(&f.path, &layout, 500, &mut |_| {}, &AtomicBool::new(true), tuning);
    assert!(matches!(stopped, Err(IndexError::Cancelled)));
}

#[test]
fn contradictory_dialects_are_refused() {
    let f = file(b"a,b\n1,2\n");
    let mut layout = header(&f.path).layout;
    let range = index(&f.path, &layout, 1, Tuning::default()).ranges[0];
    for bad in [b'"', b'\n', 0xE9] {
        layout.dialect = Dialect { delimiter: bad, ..Dialect::default() };
        let reader = RangeReader::open(&f.path, &layout.dialect, range, &[], 2, 9);
        assert!(matches!(reader, Err(ReadError::Dialect(_))));
    }
}
