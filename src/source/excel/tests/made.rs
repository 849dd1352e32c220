//! The smallest workbooks, as bytes.

use std::io::Write;
use std::path::Path;

use zip::write::SimpleFileOptions;

/// A file that goes away with the test.
pub struct File(tempfile::NamedTempFile);

impl File {
    pub fn of(bytes: &[u8]) -> File {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(bytes).expect("written");
        File(file)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

fn zip(members: &[(&str, &[u8])]) -> File {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(vec![]));
    for (name, bytes) in members {
        archive.start_file(*name, SimpleFileOptions::default()).expect("a member");
        archive.write_all(bytes).expect("written");
    }
    File::of(&archive.finish().expect("an archive").into_inner())
}

/// An OpenDocument workbook of what stands within `office:spreadsheet`, as text that may break off.
pub fn ods(content: &str) -> File {
    let styles = r#"<office:automatic-styles><style:style style:name="ta2" style:family="table"><style:table-properties table:display="false"/></style:style></office:automatic-styles>"#;
    let content = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<office:document-content>{styles}<office:body><office:spreadsheet>{content}");
    zip(&[("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"), ("content.xml", content.as_bytes()), ("META-INF/manifest.xml", b"<manifest:manifest/>")])
}

/// One sheet of an OpenDocument workbook, by its rows.
pub fn ods_sheet(rows: &str) -> File {
    ods(&format!(r#"<table:table table:name="S">{rows}</table:table></office:spreadsheet></office:body></office:document-content>"#))
}

/// An xlsx workbook with a sheet, by what stands in `worksheet`, and its table of texts.
pub fn xlsx(sheet: &str, texts: &str) -> File {
    let relations = r#"<Relationships><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;
    zip(&[
        ("_rels/.rels", br#"<Relationships><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#),
        ("xl/workbook.xml", br#"<workbook xmlns:r="r"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>"#),
        ("xl/_rels/workbook.xml.rels", relations.as_bytes()),
        ("xl/worksheets/sheet1.xml", format!("<worksheet>{sheet}</worksheet>").as_bytes()),
        ("xl/sharedStrings.xml", texts.as_bytes()),
    ])
}

/// An xlsb workbook with a sheet of numbers: row, column, number.
pub fn xlsb(cells: &[(u32, u32, f64)]) -> File {
    let text = |text: &str| [(text.len() as u32).to_le_bytes().to_vec(), text.encode_utf16().flat_map(u16::to_le_bytes).collect()].concat();
    let record = |kind: u16, body: &[u8]| {
        let kind = if kind < 0x80 { vec![kind as u8] } else { vec![(kind & 0x7F) as u8 | 0x80, (kind >> 7) as u8] };
        [kind, vec![u8::try_from(body.len()).expect("a short record")], body.to_vec()].concat()
    };
    let book = [record(0x9C, &[vec![0; 8], text("r1"), text("S")].concat()), record(0x90, &[]), record(0x84, &[])].concat();
    let mut sheet = [record(0x81, &[]), record(0x94, &[0; 16]), record(0x91, &[])].concat();
    for (row, column, number) in cells {
        sheet.extend(record(0x00, &[row.to_le_bytes().to_vec(), vec![0; 13]].concat()));
        sheet.extend(record(0x05, &[column.to_le_bytes().to_vec(), vec![0; 4], number.to_le_bytes().to_vec()].concat()));
    }
    sheet.extend(record(0x92, &[]));
    let relations = r#"<Relationships><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.bin"/></Relationships>"#;
    zip(&[("xl/workbook.bin", &book), ("xl/_rels/workbook.bin.rels", relations.as_bytes()), ("xl/worksheets/sheet1.bin", &sheet)])
}

/// The records of an xls workbook whose sheets hold numbers: row, column, number. `claimed` are rows and columns that each sheet claims.
pub fn biff(sheets: &[&[(u16, u16, f64)]], claimed: (u32, u16)) -> Vec<u8> {
    let record = |kind: u16, body: &[u8]| [kind.to_le_bytes().to_vec(), (body.len() as u16).to_le_bytes().to_vec(), body.to_vec()].concat();
    let begin = |kind: u8| record(0x0809, &[0, 6, kind, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let bodies: Vec<Vec<u8>> = sheets
        .iter()
        .map(|cells| {
            let size = [vec![0; 4], claimed.0.to_le_bytes().to_vec(), vec![0; 2], claimed.1.to_le_bytes().to_vec(), vec![0; 2]].concat();
            let mut body = [begin(0x10), record(0x0200, &size)].concat();
            for (row, column, number) in *cells {
                body.extend(record(0x0203, &[row.to_le_bytes().to_vec(), column.to_le_bytes().to_vec(), vec![0; 2], number.to_le_bytes().to_vec()].concat()));
            }
            [body, record(0x000A, &[])].concat()
        })
        .collect();
    let name = |at: usize, place: u32| record(0x0085, &[place.to_le_bytes().to_vec(), vec![0, 0, 1, 0, b'A' + at as u8]].concat());
    let mut place = begin(5).len() + bodies.iter().enumerate().map(|(at, _)| name(at, 0).len()).sum::<usize>() + 4;
    let mut head = begin(5);
    for (at, body) in bodies.iter().enumerate() {
        head.extend(name(at, place as u32));
        place += body.len();
    }
    [head, record(0x000A, &[]), bodies.concat()].concat()
}

/// A compound file with the stream of an xls workbook; `change` may give its sectors another order and the stream another length.
pub fn xls(stream: &[u8], change: impl Fn(&mut Vec<u32>, &mut u32)) -> File {
    let mut stream = stream.to_vec();
    stream.resize(stream.len().next_multiple_of(512).max(4096), 0);
    let sectors = stream.len() / 512;
    // Sector 0 is the table of what follows which, sector 1 the directory.
    let mut next = vec![0xFFFF_FFFD, 0xFFFF_FFFE];
    next.extend((3..sectors as u32 + 2).chain([0xFFFF_FFFE]));
    let mut length = stream.len() as u32;
    change(&mut next, &mut length);
    next.resize(128, 0xFFFF_FFFF);
    let mut head = vec![0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1];
    head.resize(24, 0);
    head.extend([0x3E, 0, 3, 0, 0xFE, 0xFF, 9, 0, 6, 0]);
    head.resize(44, 0);
    let numbers = |all: &[u32]| all.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>();
    head.extend(numbers(&[1, 1, 0, 4096, 0xFFFF_FFFE, 0, 0xFFFF_FFFE, 0, 0]));
    head.resize(512, 0xFF);
    let entry = |name: &str, first: u32, length: u32| {
        let mut entry: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        entry.resize(116, 0);
        entry.extend(numbers(&[first, length, 0]));
        entry
    };
    let mut directory = [entry("Root Entry", 0xFFFF_FFFE, 0), entry("Workbook", 2, length)].concat();
    directory.resize(512, 0);
    File::of(&[head, numbers(&next), directory, stream].concat())
}
