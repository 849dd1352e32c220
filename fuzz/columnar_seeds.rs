//! Files of Parquet and Arrow to begin with, since no suite has any that are small: every type that the reader shows, in each encoding.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::{Field, Int32Type, Schema};
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::{WriterProperties, WriterVersion};

/// Writes them to the corpus that the fuzzer was called with, where it has none yet.
pub fn write(format: &str) {
    let Some(folder) = std::env::args().skip(1).map(PathBuf::from).find(|a| a.is_dir()) else { return };
    for rows in [3, 40] {
        let batch = batch(rows);
        match format {
            "arrow" => arrow(&folder, rows, &batch),
            _ => parquet(&folder, rows, &batch),
        }
    }
}

fn arrow(folder: &Path, rows: i32, batch: &RecordBatch) {
    for (name, codec) in [("plain", None), ("lz4", Some(CompressionType::LZ4_FRAME)), ("zstd", Some(CompressionType::ZSTD))] {
        let options = IpcWriteOptions::default().try_with_compression(codec).expect("a codec");
        let mut bytes = vec![];
        let mut writer = FileWriter::try_new_with_options(&mut bytes, &batch.schema(), options.clone()).expect("a file");
        writer.write(batch).and_then(|()| writer.write(&batch.slice(1, 2))).and_then(|()| writer.finish()).expect("rows");
        drop(writer);
        save(folder, &format!("{name}-{rows}"), &bytes);
        let mut bytes = vec![];
        let mut writer = StreamWriter::try_new_with_options(&mut bytes, &batch.schema(), options).expect("a stream");
        writer.write(batch).and_then(|()| writer.finish()).expect("rows");
        drop(writer);
        save(folder, &format!("stream-{name}-{rows}"), &bytes);
    }
}

fn parquet(folder: &Path, rows: i32, batch: &RecordBatch) {
    let plain = WriterProperties::builder().set_dictionary_enabled(false);
    let ways = [
        ("plain", plain.clone()),
        ("dictionary", WriterProperties::builder()),
        ("pages", plain.clone().set_data_page_row_count_limit(2).set_write_batch_size(1).set_max_row_group_row_count(Some(7))),
        ("v2", plain.clone().set_writer_version(WriterVersion::PARQUET_2_0)),
        ("lengths", plain.clone().set_column_encoding("text".into(), Encoding::DELTA_LENGTH_BYTE_ARRAY)),
        ("split", plain.clone().set_column_encoding("double".into(), Encoding::BYTE_STREAM_SPLIT)),
        ("snappy", plain.clone().set_compression(Compression::SNAPPY)),
        ("lz4", plain.clone().set_compression(Compression::LZ4_RAW)),
        ("zstd", plain.clone().set_compression(Compression::ZSTD(Default::default()))),
        ("gzip", plain.clone().set_compression(Compression::GZIP(Default::default()))),
        ("brotli", plain.set_compression(Compression::BROTLI(Default::default()))),
    ];
    for (name, properties) in ways {
        let mut bytes = vec![];
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties.build())).expect("a file");
        writer.write(batch).expect("rows");
        writer.close().expect("a footer");
        save(folder, &format!("{name}-{rows}"), &bytes);
    }
}

fn save(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(format!("made-{name}"));
    if !path.exists() {
        std::fs::write(path, bytes).expect("a seed");
    }
}

fn batch(rows: i32) -> RecordBatch {
    let every = |n: i32| move |i: &i32| i % n != 0;
    let text = |i: i32| format!("é value {}", i % 5);
    let words: Vec<Option<String>> = (0..rows).map(|i| Some(i).filter(every(4)).map(text)).collect();
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>((0..rows).map(|i| Some(i).filter(every(3)).map(|i| vec![Some(i), None])));
    let parts = StructArray::from(vec![(Arc::new(Field::new("inner", arrow::datatypes::DataType::Utf8, true)), Arc::new(StringArray::from(words.clone())) as ArrayRef)]);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("bool", Arc::new((0..rows).map(|i| Some(i).filter(every(5)).map(|i| i % 2 == 0)).collect::<BooleanArray>())),
        ("small", Arc::new((0..rows).map(|i| Some(i as i8)).collect::<Int8Array>())),
        ("whole", Arc::new((0..rows).map(|i| Some(i).filter(every(6))).collect::<Int32Array>())),
        ("long", Arc::new((0..rows).map(|i| Some(i64::from(i) << 33)).collect::<Int64Array>())),
        ("unsigned", Arc::new((0..rows).map(|i| Some(u64::MAX - i as u64)).collect::<UInt64Array>())),
        ("double", Arc::new((0..rows).map(|i| Some(f64::from(i) / 3.0)).collect::<Float64Array>())),
        ("decimal", Arc::new((0..rows).map(|i| Some(i128::from(i) * 1_000_000_007)).collect::<Decimal128Array>().with_precision_and_scale(38, 9).expect("a scale"))),
        ("text", Arc::new(StringArray::from(words.clone()))),
        ("view", Arc::new(StringViewArray::from_iter(words.clone()))),
        ("coded", Arc::new(words.iter().map(Option::as_deref).collect::<DictionaryArray<Int32Type>>())),
        ("bytes", Arc::new(BinaryArray::from_iter(words.iter().map(|w| w.as_ref().map(|w| w.as_bytes()))))),
        ("day", Arc::new((0..rows).map(|i| Some(15_000 + i)).collect::<Date32Array>())),
        ("instant", Arc::new((0..rows).map(|i| Some(i64::from(i) * 86_400_000_000)).collect::<TimestampMicrosecondArray>().with_timezone("Europe/Paris"))),
        ("time", Arc::new((0..rows).map(|i| Some(i64::from(i) * 1_000_000)).collect::<Time64MicrosecondArray>())),
        ("list", Arc::new(lists)),
        ("parts", Arc::new(parts)),
    ];
    let fields: Vec<Field> = columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.into_iter().map(|(_, array)| array).collect()).expect("columns of one length")
}
