//! Properties: what the `csv` crate writes is read back; what it makes of damaged input is what we
//! make of it; and no cut, block size or batch size changes a row.

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::super::{Declared, Dialect, Encoding, Layout, LineEnd, Tuning, flag, read_header};
use super::{Row, file, index, rows_of};

fn tables() -> impl Strategy<Value = Vec<Vec<String>>> {
    let cell = prop_oneof![
        3 => "[a-z0-9 éß€]{0,6}",
        2 => "[a,;|\t\"'\r\n\\\\é ]{0,8}",
        1 => "[a-zé]{10,40}",
    ];
    (1usize..6)
        .prop_flat_map(move |width| proptest::collection::vec(proptest::collection::vec(cell.clone(), width), 0..25))
}

/// Text made of what matters to the splitter, so that damage is dense.
fn damaged(bytes: &'static [u8]) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(proptest::sample::select(bytes), 0..400)
}

fn layout(dialect: Dialect, width: usize) -> Layout {
    Layout { dialect, width, data_start: 0, first_row: 1 }
}

fn columns(width: usize) -> Vec<Option<usize>> {
    (0..width).map(Some).collect()
}

/// Reads through ranges of about `target` bytes.
fn read(bytes: &[u8], layout: &Layout, target: u64, batch: usize, tuning: Tuning) -> (u64, Vec<Row>) {
    let f = file(bytes);
    let index = index(&f.path, layout, target, tuning);
    assert_eq!(index.bytes, bytes.len() as u64);
    (index.rows, rows_of(&f.path, layout, &index.ranges, &columns(layout.width), batch, tuning))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_csv_writes_is_read_back(
        table in tables(),
        delimiter in proptest::sample::select(b",;\t|".to_vec()),
        crlf in any::<bool>(),
        style in prop_oneof![
            Just(csv::QuoteStyle::Necessary), Just(csv::QuoteStyle::Always), Just(csv::QuoteStyle::NonNumeric)
        ],
        escape in any::<bool>(),
        last_line_end in any::<bool>(),
        target in 1u64..300,
        block in 64usize..300,
    ) {
        let width = table.first().map_or(2, Vec::len);
        let mut writer = csv::WriterBuilder::new();
        writer.delimiter(delimiter).quote_style(style).double_quote(!escape).escape(b'\\');
        writer.terminator(if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') });
        let mut writer = writer.from_writer(Vec::new());
        writer.write_record((0..width).map(|i| format!("c{i}")))?;
        for record in &table {
            writer.write_record(record)?;
        }
        let mut bytes = writer.into_inner().map_err(|e| e.into_error())?;
        if !last_line_end {
            bytes.pop();
        }
        let f = file(&bytes);
        let declared = Declared {
            delimiter: Some(delimiter),
            escape: escape.then_some(b'\\'),
            encoding: Some(Encoding::Utf8),
            ..Declared::default()
        };
        let header = read_header(&f.path, &declared)?;
        prop_assert_eq!(header.layout.width, width);
        let tuning = Tuning { block, ..Tuning::default() };
        let index = index(&f.path, &header.layout, target, tuning);
        let rows = rows_of(&f.path, &header.layout, &index.ranges, &columns(width), 5, tuning);
        // `csv` writes a backslash outside quotes as it is and doubles none inside them, so with an
        // escape character a cell that holds one is not its own.
        let own = |record: &Vec<String>| !escape || record.iter().all(|cell| !cell.contains('\\'));
        if table.iter().all(own) {
            let read: Vec<Vec<String>> = rows.iter().map(|row| row.cells.iter().flatten().cloned().collect()).collect();
            prop_assert_eq!(&read, &table);
            prop_assert!(rows.iter().all(|row| row.flags == 0 && row.raw.is_none()));
            let mut reader = csv::ReaderBuilder::new();
            reader.delimiter(delimiter).escape(escape.then_some(b'\\'));
            let second: Result<Vec<csv::StringRecord>, _> = reader.from_reader(&bytes[..]).into_records().collect();
            let second = second?;
            prop_assert_eq!(second.len(), read.len());
            for (theirs, ours) in second.iter().zip(&read) {
                prop_assert!(theirs.iter().eq(ours.iter().map(String::as_str)));
            }
        }
    }

    #[test]
    fn damaged_text_is_what_csv_makes_of_it(
        bytes in damaged(b"aaa,,\"\"\"\n\n\\"),
        escape in proptest::sample::select(vec![None, Some(b'\\')]),
        block in 64usize..200,
    ) {
        let width = 100;
        let layout = layout(Dialect { escape, ..Dialect::default() }, width);
        let (_, rows) = read(&bytes, &layout, 50, 7, Tuning { block, ..Tuning::default() });
        if rows.iter().all(|row| row.flags & flag::UNTERMINATED_QUOTE == 0) {
            let mut reader = csv::ReaderBuilder::new();
            reader.flexible(true).has_headers(false).escape(escape).terminator(csv::Terminator::Any(b'\n'));
            let mut reader = reader.from_reader(&bytes[..]);
            let theirs: Vec<Vec<String>> = reader
                .records()
                .map(|record| record.map(|record| record.iter().map(str::to_owned).collect()))
                .collect::<Result<_, _>>()?;
            let ours: Vec<Vec<String>> = rows.iter().map(|row| row.cells.iter().flatten().cloned().collect()).collect();
            prop_assert_eq!(ours, theirs);
        }
    }

    #[test]
    fn no_cut_changes_a_row(
        bytes in prop_oneof![
            damaged(b"aaaaa,,,,\"\"\n\n\n\r#\\\xC3\xA9\xE9\x81\0"),
            damaged(b"abcdefghijklmnopqrstuvwxyz,,,,\n\n\""),
            proptest::collection::vec(any::<u8>(), 0..300),
        ],
        encoding in proptest::sample::select(vec![Encoding::Utf8, Encoding::Windows1252, Encoding::Macintosh]),
        line_end in proptest::sample::select(vec![LineEnd::Lf, LineEnd::Cr]),
        quote in proptest::sample::select(vec![Some(b'"'), Some(b'"'), None]),
        escape in proptest::sample::select(vec![None, Some(b'\\')]),
        comment in proptest::sample::select(vec![None, Some(b'#')]),
        width in 1usize..5,
        target in 1u64..200,
        block in 64usize..200,
        batch in 1usize..20,
        max_record in prop_oneof![1usize..120, Just(1 << 20)],
    ) {
        let dialect = Dialect { encoding, line_end, quote, escape, comment, ..Dialect::default() };
        let layout = layout(dialect, width);
        let whole = Tuning { max_record, ..Tuning::default() };
        let (count, once) = read(&bytes, &layout, u64::MAX, 10_000, whole);
        prop_assert_eq!(count, once.len() as u64);
        let (count, parts) = read(&bytes, &layout, target, batch, Tuning { block, max_record });
        prop_assert_eq!(count, parts.len() as u64);
        prop_assert_eq!(&once, &parts);
        // Where a row says it begins, its text is.
        for row in &once {
            if let Some(raw) = &row.raw {
                let at = usize::try_from(row.byte)?;
                let rest = encoding.decode(&bytes[at..]).0;
                prop_assert!(rest.starts_with(raw.as_str()), "{raw:?} at {at}");
            }
        }
        prop_assert!(once.windows(2).all(|pair| pair[0].row < pair[1].row && pair[0].byte < pair[1].byte));
    }

    #[test]
    fn utf16_reads_as_utf8_does(table in tables(), little in any::<bool>(), mark in any::<bool>()) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record((0..table.first().map_or(1, Vec::len)).map(|i| format!("c{i}")))?;
        for record in &table {
            writer.write_record(record)?;
        }
        let text = String::from_utf8(writer.into_inner().map_err(|e| e.into_error())?)?;
        let mut wide: Vec<u16> = text.encode_utf16().collect();
        if mark {
            wide.insert(0, 0xFEFF);
        }
        let encoding = if little { Encoding::Utf16Le } else { Encoding::Utf16Be };
        let bytes: Vec<u8> =
            wide.iter().flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect();
        let declared = |encoding| Declared { encoding: Some(encoding), delimiter: Some(b','), ..Declared::default() };
        let (narrow_file, wide_file) = (file(text.as_bytes()), file(&bytes));
        let narrow = read_header(&narrow_file.path, &declared(Encoding::Utf8))?.layout;
        let wide = read_header(&wide_file.path, &declared(encoding))?.layout;
        prop_assert_eq!(wide.width, narrow.width);
        let ours = super::read(&wide_file.path, &wide);
        let theirs = super::read(&narrow_file.path, &narrow);
        prop_assert_eq!(ours.len(), theirs.len());
        for (ours, theirs) in ours.iter().zip(&theirs) {
            prop_assert_eq!((&ours.cells, ours.row, ours.flags), (&theirs.cells, theirs.row, theirs.flags));
            let before = text.get(..usize::try_from(theirs.byte)?).map_or(0, |before| before.encode_utf16().count());
            prop_assert_eq!(ours.byte, 2 * before as u64 + if mark { 2 } else { 0 });
        }
    }

    #[test]
    fn the_head_of_anything_is_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let f = file(&bytes);
        if let Ok(header) = read_header(&f.path, &Declared::default()) {
            let rows = super::read(&f.path, &header.layout);
            prop_assert!(rows.is_empty() || !header.header_only);
        }
    }
}
