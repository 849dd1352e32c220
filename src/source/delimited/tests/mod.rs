//! Tests that go through files: header, index and reader together.
//!
//! `table` holds what they share; each case writes a file, reads it whole and in parts, and compares.

mod cases;
mod property;
mod suites;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use arrow::array::{Array, StringViewArray};

use super::{ByteRange, Declared, FileIndex, Header, Layout, RangeReader, Tuning, index_with, read_header};

/// One row as read.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    cells: Vec<Option<String>>,
    row: u64,
    byte: u64,
    flags: u16,
    raw: Option<String>,
}

/// A folder that goes away with the test, and the file in it.
struct TestFile {
    _dir: tempfile::TempDir,
    path: PathBuf,
}

fn file(bytes: &[u8]) -> TestFile {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("export.csv");
    std::fs::write(&path, bytes).expect("written");
    TestFile { _dir: dir, path }
}

fn header(path: &Path) -> Header {
    read_header(path, &Declared::default()).expect("a header")
}

fn index(path: &Path, layout: &Layout, target: u64, tuning: Tuning) -> FileIndex {
    index_with(path, layout, target, &mut |_| {}, &AtomicBool::new(false), tuning).expect("an index")
}

fn text(array: &StringViewArray, i: usize) -> Option<String> {
    array.is_valid(i).then(|| array.value(i).to_owned())
}

fn rows_of(
    path: &Path,
    layout: &Layout,
    ranges: &[ByteRange],
    columns: &[Option<usize>],
    batch: usize,
    tuning: Tuning,
) -> Vec<Row> {
    let mut rows = Vec::new();
    for range in ranges {
        let reader = RangeReader::open_with(path, &layout.dialect, *range, columns, layout.width, batch, tuning);
        let before = rows.len();
        for part in reader.expect("a reader") {
            let part = part.expect("rows");
            assert!(!part.is_empty() && part.len() <= batch);
            for column in part.columns.iter().chain([&part.raw]) {
                // The array was built without checks: make them up here.
                StringViewArray::try_new(
                    column.views().clone(),
                    column.data_buffers().to_vec(),
                    column.nulls().cloned(),
                )
                .expect("a valid array");
                assert_eq!(column.len(), part.len());
            }
            rows.extend((0..part.len()).map(|i| Row {
                cells: part.columns.iter().map(|column| text(column, i)).collect(),
                row: part.row[i],
                byte: part.byte[i],
                flags: part.flags[i],
                raw: text(&part.raw, i),
            }));
        }
        assert_eq!((rows.len() - before) as u64, range.rows);
    }
    rows
}

/// All rows of a file through one range.
fn read(path: &Path, layout: &Layout) -> Vec<Row> {
    let columns: Vec<_> = (0..layout.width).map(Some).collect();
    let ranges = index(path, layout, u64::MAX, Tuning::default()).ranges;
    rows_of(path, layout, &ranges, &columns, 1000, Tuning::default())
}

/// The cells of all rows; a missing one as `∅`.
fn cells(rows: &[Row]) -> Vec<Vec<&str>> {
    rows.iter().map(|row| row.cells.iter().map(|cell| cell.as_deref().unwrap_or("∅")).collect()).collect()
}
