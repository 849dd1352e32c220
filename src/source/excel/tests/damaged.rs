//! Damage that fuzzing met: a number of a few bytes must neither ask for a machine's memory nor for its time.

use super::made::{biff, ods, ods_sheet, xls, xlsb, xlsx};
use super::{read, refused};

#[test]
fn a_cell_beyond_any_sheet_is_damage() {
    assert_eq!(refused(&xlsb(&[(0, 0, 1.0), (1 << 20, 0, 2.0)])), "the workbook is damaged (a row behind row 1 lies beyond 1048576 rows)");
    assert_eq!(refused(&xlsb(&[(0, 0, 1.0), (1, 0x00FF_0000, 2.0)])), "the workbook is damaged (a cell of row 2 lies beyond 16384 columns)");
    let row = r#"<table:table-row table:number-rows-repeated="99999999"><table:table-cell/></table:table-row><table:table-row><table:table-cell office:value-type="float" office:value="1"/></table:table-row>"#;
    assert_eq!(refused(&ods_sheet(row)), "the workbook is damaged (a cell behind row 99999999 lies beyond 1048576 rows and 16384 columns)");
}

/// A record's number is that of its row, so that a row that stands behind a later one would take the place of another.
#[test]
fn rows_out_of_order_are_damage() {
    let sheet = |last: u32| xlsx(&format!(r#"<sheetData><row r="3"><c r="A3"><v>1</v></c></row><row r="{last}"><c r="A{last}"><v>2</v></c></row></sheetData>"#), "<sst/>");
    assert_eq!(read(&sheet(4)).expect("readable"), ["3 1", "4 2"]);
    assert_eq!(refused(&sheet(2)), "the workbook is damaged (row 2 stands behind row 3)");
    assert_eq!(refused(&xlsb(&[(5, 0, 1.0), (0, 0, 2.0)])), "the workbook is damaged (row 1 stands behind row 6)");
}

#[test]
fn texts_that_are_claimed_are_not_believed() {
    let sheet = r#"<sheetData><row r="1"><c r="A1" t="s"><v>0</v></c></row></sheetData>"#;
    let texts = |count: u64| format!(r#"<sst uniqueCount="{count}"><si><t>a</t></si></sst>"#);
    assert_eq!(read(&xlsx(sheet, &texts(3))).expect("readable"), ["1 a"]);
    assert_eq!(refused(&xlsx(sheet, &texts(99_999_999_999))), "the workbook is damaged (its table of texts claims more than it has room for)");
}

#[test]
fn an_open_document_that_breaks_off_is_damage() {
    let whole = r#"<table:table table:name="S"><table:table-row><table:table-cell office:value-type="string"><office:annotation><text:p>r</text:p></office:annotation><text:p>x</text:p></table:table-cell></table:table-row></table:table>"#;
    for (end, _) in whole.match_indices('<').skip(1) {
        assert!(refused(&ods(&whole[..end])).starts_with("the workbook is damaged (its content, behind row "), "{end}");
    }
}

#[test]
fn repetition_has_an_end() {
    let cell = r#"<table:table-cell table:number-columns-repeated="16384" office:value-type="float" office:value="1"/>"#;
    let word = "a sheet of it repeats its cells more than 32 million times, which no true sheet does";
    assert_eq!(refused(&ods_sheet(&format!(r#"<table:table-row table:number-rows-repeated="1048576">{cell}</table:table-row>"#))), word);
    let blanks = r#"<table:table-row><table:table-cell office:value-type="string"><text:p><text:s text:c="2000000000"/></text:p></table:table-cell></table:table-row>"#;
    assert_eq!(refused(&ods_sheet(blanks)), word);
}

/// The length of the directory's chain is nowhere said, that of the records is: it may not be longer than the file.
#[test]
fn a_container_that_leads_back_to_itself_is_damage() {
    let word = "the workbook is damaged (the parts of its container lead back to themselves)";
    assert_eq!(refused(&xls(&biff(&[&[(0, 0, 1.0)]], (1, 1)), |next, _| next[1] = 1)), word);
    let claims = |next: &mut Vec<u32>, length: &mut u32| (next[4], *length) = (2, 1 << 30);
    assert_eq!(refused(&xls(&biff(&[&[(0, 0, 1.0)]], (1, 1)), claims)), word);
}

#[test]
fn old_sheets_ask_for_no_more_than_a_sheet_can_have() {
    let one: &[(u16, u16, f64)] = &[(0, 0, 1.0)];
    assert_eq!(refused(&xls(&biff(&[one], (0xFFFF_FF00, 0xFFFF)), |_, _| {})), "the workbook is damaged (a sheet claims more than 65536 rows and 256 columns)");
    assert_eq!(refused(&xls(&biff(&[&[(0, 0, 1.0), (60_000, 60_000, 2.0)]], (1, 1)), |_, _| {})), "the workbook is damaged (a cell of row 60001 lies beyond 256 columns)");
    let far: &[(u16, u16, f64)] = &[(0, 0, 1.0), (65_535, 255, 2.0)];
    assert_eq!(refused(&xls(&biff(&[far; 20], (1, 1)), |_, _| {})), "its few cells lie so far apart that a table around them has 335 million; save it as xlsx, which is read cell by cell");
}

#[test]
fn merged_cells_that_lie_over_each_other_are_damage() {
    let merged = r#"<mergeCell ref="A1:A9"/>"#.repeat((1 << 14) + 1);
    let sheet = format!(r#"<sheetData><row r="1"><c r="A1"><v>1</v></c></row></sheetData><mergeCells>{merged}</mergeCells>"#);
    assert_eq!(refused(&xlsx(&sheet, "<sst/>")), "the workbook is damaged (merged cells of row 1 lie over each other)");
}
