//! Files of Arrow and Parquet, cut and changed: the readers of the format's own crates assert and allocate before they look.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Int32Array, NullArray, RecordBatch, StringArray};
use datafusion::arrow::ipc::CompressionType;
use datafusion::arrow::ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use parquet::arrow::ArrowWriter;
use parquet::basic::Encoding;
use parquet::file::properties::{WriterProperties, WriterVersion};

use super::super::record::{Damage, Failure, Options, Output, RecordFormat};
use super::{ARROW, PARQUET};

struct Count(usize);

impl Output for Count {
    fn record(&mut self, _: u64, _: u64, cells: &mut dyn Iterator<Item = Option<&str>>) -> Result<(), Failure> {
        cells.for_each(drop);
        self.0 += 1;
        // A damaged number of rows may be a milliard.
        if self.0 > 1000 { Err(Failure::Stopped) } else { Ok(()) }
    }

    fn damaged(&mut self, number: u64, byte: u64, _: Damage, _: &str, cells: &mut dyn Iterator<Item = Option<&str>>) -> Result<(), Failure> {
        self.record(number, byte, cells)
    }

    fn read(&mut self, _: u64) {}
}

fn read(format: &RecordFormat, bytes: &[u8]) -> Result<usize, Failure> {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), bytes).expect("written");
    (format.head)(file.path(), &Options::new())?;
    let mut count = Count(0);
    (format.records)(file.path(), &Options::new(), &mut count)?;
    Ok(count.0)
}

/// A Parquet file, then Arrow's file and stream, plain and packed.
fn files() -> Vec<(&'static RecordFormat, Vec<u8>)> {
    let columns: [(&str, ArrayRef); 2] = [("n", Arc::new(Int32Array::from(vec![Some(1), None, Some(3)]))), ("t", Arc::new(StringArray::from(vec![Some("a"), Some("b".repeat(300).as_str()), None])))];
    let batch = RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).expect("a batch");
    let schema = batch.schema();
    let mut parquet = ArrowWriter::try_new(vec![], Arc::clone(&schema), None).expect("a writer");
    parquet.write(&batch).expect("written");
    let mut files = vec![(&PARQUET, parquet.into_inner().expect("a file"))];
    // Lengths of texts as packed numbers, in pages of both versions.
    for (encoding, version) in [(Encoding::DELTA_LENGTH_BYTE_ARRAY, WriterVersion::PARQUET_1_0), (Encoding::DELTA_BYTE_ARRAY, WriterVersion::PARQUET_1_0), (Encoding::DELTA_BYTE_ARRAY, WriterVersion::PARQUET_2_0)] {
        let properties = WriterProperties::builder().set_dictionary_enabled(false).set_column_encoding("t".into(), encoding).set_writer_version(version).build();
        let mut parquet = ArrowWriter::try_new(vec![], Arc::clone(&schema), Some(properties)).expect("a writer");
        parquet.write(&batch).expect("written");
        files.push((&PARQUET, parquet.into_inner().expect("a file")));
    }
    for packing in [None, Some(CompressionType::LZ4_FRAME)] {
        let options = || IpcWriteOptions::default().try_with_compression(packing).expect("options");
        let mut file = FileWriter::try_new_with_options(vec![], &schema, options()).expect("a writer");
        file.write(&batch).expect("written");
        files.push((&ARROW, file.into_inner().expect("a file")));
        let mut stream = StreamWriter::try_new_with_options(vec![], &schema, options()).expect("a writer");
        stream.write(&batch).expect("written");
        files.push((&ARROW, stream.into_inner().expect("a stream")));
    }
    files
}

/// A column of missing values has no bytes, so that nothing but the bound says that it has no milliard of rows.
#[test]
fn rows_are_not_believed() {
    let rows = |count: usize| {
        let batch = RecordBatch::try_from_iter_with_nullable([("n", Arc::new(NullArray::new(count)) as ArrayRef, true)]).expect("a batch");
        let mut stream = StreamWriter::try_new(vec![], &batch.schema()).expect("a writer");
        stream.write(&batch).expect("written");
        read(&ARROW, &stream.into_inner().expect("a stream"))
    };
    assert_eq!(rows(900), Ok(900));
    assert_eq!(rows(1 << 47), Err(Failure::Unreadable("the Arrow file is cut off or damaged: a length that it states is beyond its end".into())));
}

/// Every byte of each file in turn: whatever follows, the program goes on, with records or a word of why there are none.
#[test]
fn a_changed_byte_is_no_panic() {
    for (format, bytes) in files() {
        assert_eq!(read(format, &bytes), Ok(3));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] = 0xFF;
            let _ = read(format, &changed);
            // A number that goes on for eight bytes: as many elements, bytes or texts.
            let end = bytes.len().min(at + 8);
            changed[at..end].fill(0xFF);
            changed[end - 1] = 0x7F;
            let _ = read(format, &changed);
        }
        for end in (0..bytes.len()).step_by(7) {
            assert!(read(format, &bytes[..end]).is_err() || end + 8 >= bytes.len(), "{end}");
        }
    }
}

/// An unknown field with a list of two milliard truth values, which have no bytes: 0x99 is field 9, a list; 0xF1 its many truth values.
#[test]
fn elements_without_bytes_are_not_counted() {
    let mut file = b"PAR1\x99\xF1\xFF\xFF\xFF\xFF\x07\x00".to_vec();
    file.extend(8u32.to_le_bytes());
    file.extend(b"PAR1");
    assert_eq!(read(&PARQUET, &file), Err(Failure::Unreadable("the Parquet file is damaged: its footer states more elements than it has bytes".into())));
}

/// The head of the first page, behind `PAR1`, begins with a list of two milliard texts: the reader would look for each behind the end.
#[test]
fn a_page_states_no_more_than_there_is() {
    let (format, mut bytes) = files().remove(0);
    bytes[4..11].copy_from_slice(&[0x99, 0xF8, 0xFF, 0xFF, 0xFF, 0xFF, 0x07]);
    let said = read(format, &bytes);
    assert!(matches!(&said, Err(Failure::Unreadable(why)) if why.contains("the head of a page states more elements")), "{said:?}");
}
