//! Sheets that are whole, as large as a sheet can be.

use super::made::{biff, ods, ods_sheet, xls, xlsb, xlsx};
use super::{read, read_with};

#[test]
fn open_document_values_are_text() {
    let rows = r#"
        <table:table-header-rows><table:table-row>
          <table:table-cell office:value-type="string"><text:p>a &amp; b</text:p><text:p>c<text:s text:c="2"/>d<text:tab/>é&#233;</text:p></table:table-cell>
          <table:table-cell office:value-type="float" office:value="1.50"><text:p>1,50</text:p></table:table-cell>
          <table:table-cell/>
          <table:table-cell office:value-type="date" office:date-value="2011-12-31"/>
          <table:table-cell office:value-type="time" office:time-value="PT08H30M00S"/>
          <table:table-cell office:value-type="boolean" office:boolean-value="true"/>
          <table:table-cell office:value-type="string" office:string-value="&lt;s&gt;"><text:p>shown</text:p></table:table-cell>
        </table:table-row></table:table-header-rows>
        <table:table-row table:number-rows-repeated="2"><table:table-cell table:number-columns-repeated="7"/></table:table-row>
        <table:table-row-group><table:table-row table:number-rows-repeated="2">
          <table:table-cell table:number-columns-repeated="2" office:value-type="float" office:value="7"/>
          <table:covered-table-cell/>
          <table:table-cell office:value-type="string"><office:annotation><text:p>a remark</text:p></office:annotation><text:p>x</text:p></table:table-cell>
          <table:table-cell office:value-type="string" office:string-value="" calcext:value-type="error"><text:p>#N/A</text:p></table:table-cell>
        </table:table-row></table:table-row-group>"#;
    let all = ["1 a & b\nc  d\téé|1.5|∅|2011-12-31|08:30:00|true|<s>", "4 7|7|∅|x|#N/A|∅|∅", "5 7|7|∅|x|#N/A|∅|∅"];
    assert_eq!(read(&ods_sheet(rows)).expect("readable"), all);
    // Without blanks between elements, as programs write it.
    let dense: String = rows.lines().map(str::trim).collect();
    assert_eq!(read(&ods_sheet(&dense)).expect("readable"), all);
}

#[test]
fn open_document_sheets_are_chosen() {
    let cell = |text: &str| format!(r#"<table:table-row><table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell></table:table-row>"#);
    let table = |name: &str, style: &str, rows: &str| format!(r#"<table:table table:name="{name}" table:style-name="{style}">{rows}</table:table>"#);
    let file = ods(&format!("{}{}{}{}</office:spreadsheet></office:body></office:document-content>", table("hidden", "ta2", &cell("1")), table("blank", "ta1", ""), table("A &amp; B", "ta1", &cell("2")), table("last", "ta1", &cell("3"))));
    let of = |options: &str| read_with(&file, options).map(|(head, lines)| (head.evidence, lines));
    assert_eq!(of(r#"{"header_rows": 0}"#), Ok((vec!["sheet: A & B (the first that is visible and not empty)".into()], vec!["1 2".into()])));
    assert_eq!(of(r#"{"header_rows": 0, "sheet": "hidden"}"#), Ok((vec![], vec!["1 1".into()])));
    assert_eq!(of(r#"{"header_rows": 0, "sheet": 4}"#), Ok((vec![], vec!["1 3".into()])));
}

/// A cell in the last place of a sheet costs what one in the second costs.
#[test]
fn a_cell_far_away_costs_nothing() {
    let far = r#"<table:table-row><table:table-cell office:value-type="float" office:value="1"/></table:table-row>
        <table:table-row table:number-rows-repeated="1048574"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>
        <table:table-row><table:table-cell table:number-columns-repeated="16383"/><table:table-cell office:value-type="float" office:value="2"/></table:table-row>"#;
    let far = [ods_sheet(far), xlsb(&[(0, 0, 1.0), ((1 << 20) - 1, (1 << 14) - 1, 2.0)]), xlsx(r#"<sheetData><row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row></sheetData>"#, "<sst/>")];
    for file in far {
        let lines = read(&file).expect("readable");
        assert_eq!((lines.len(), lines[0].matches('|').count(), lines[0].starts_with("1 1|")), (2, (1 << 14) - 1, true));
        assert!(lines[1].starts_with("1048576 ∅|") && lines[1].ends_with("|2"));
    }
}

#[test]
fn old_workbooks_are_read() {
    let file = xls(&biff(&[&[(0, 0, 1.0), (2, 1, 2.5)]], (3, 2)), |_, _| {});
    assert_eq!(read(&file).expect("readable"), ["1 1|∅", "3 ∅|2.5"]);
    // One sheet may have a cell in its last place.
    let file = xls(&biff(&[&[(0, 0, 1.0)], &[(0, 0, 1.0), (65_535, 255, 2.0)]], (65_536, 256)), |_, _| {});
    assert_eq!(read(&file).expect("readable"), ["1 1"]);
}

#[test]
fn merged_cells_count_for_what_they_cover() {
    let sheet = r#"<sheetData><row r="1"><c r="A1"><v>1</v></c><c r="B1"><v>2</v></c></row><row r="2"><c r="B2"><v>3</v></c></row><row r="4"><c r="B4"><v>4</v></c></row><row r="5"><c r="B5"><v>5</v></c></row></sheetData><mergeCells count="2"><mergeCell ref="B4:B5"/><mergeCell ref="A1:A4"/></mergeCells>"#;
    assert_eq!(read(&xlsx(sheet, "<sst/>")).expect("readable"), ["1 1|2", "2 1|3", "4 1|4", "5 ∅|5"]);
}
