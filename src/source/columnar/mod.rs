//! Parquet files and Arrow's IPC files (Feather): typed columns, given as text.
//!
//! What a struct nests has the column of its path (`tumour.size`); a list is one cell with its JSON text, which
//! `explode` takes apart. Row groups and record batches are read one after the other. Both readers assert what a damaged file does not
//! obey, and are guarded.

mod careful;
mod footer;
mod lengths;
mod pages;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Fields, Float32Type, Float64Type, Int64Type};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::ipc::reader::{FileReader, StreamReader};
use datafusion::arrow::util::display::array_value_to_string;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use serde_json::Value;

use super::guard::guarded;
use super::record::{Damage, Failure, Head, Options, Output, RecordFormat};

pub static PARQUET: RecordFormat = RecordFormat {
    names: &["parquet"],
    summary: "A Parquet file; nested fields by their path (`tumour.size`), lists as JSON text.",
    options: &[],
    folder: false,
    typed: true,
    errors: &[],
    head: |path, _| {
        guarded("the Parquet file", || {
            let known = ArrowReaderMetadata::load(&parquet_of(path)?, ArrowReaderOptions::default()).map_err(|e| damaged(&e))?;
            Ok(head(known.schema().fields()))
        })
    },
    records: |path, _: &Options, out| {
        guarded("the Parquet file", || {
            let batches = pages::batches(parquet_of(path)?, BATCH).map_err(|e| damaged(&e))?;
            records(batches.map(|b| b.map_err(|e| damaged(&e))), out)
        })
    },
};

pub static ARROW: RecordFormat = RecordFormat {
    names: &["arrow", "feather"],
    summary: "An Arrow IPC file (Feather version 2) or stream; nested fields by their path, lists as JSON text.",
    options: &[],
    folder: false,
    typed: true,
    errors: &[],
    head: |path, _| guarded("the Arrow file", || Ok(head(&arrow_of(path)?.0))),
    records: |path, _: &Options, out| guarded("the Arrow file", || records(arrow_of(path)?.1.map(|b| b.map_err(|e| damaged(&e))), out)),
};

/// Rows that are turned into text at once.
const BATCH: usize = 4096;
/// Structs that nest deeper are given as JSON.
const DEEPEST: usize = 16;

fn damaged(error: &dyn std::fmt::Display) -> Failure {
    // What the reader says names places of the file; anything behind the first line would be its internals.
    Failure::Unreadable(error.to_string().lines().next().unwrap_or_default().to_owned())
}

fn begins(path: &Path) -> Result<([u8; 6], File), Failure> {
    let mut file = File::open(path).map_err(|e| damaged(&e))?;
    let mut begin = [0; 6];
    let got = file.read(&mut begin).map_err(|e| damaged(&e))?;
    if got == 0 {
        return Err(Failure::Empty);
    }
    file.rewind().map_err(|e| damaged(&e))?;
    Ok((begin, file))
}

fn parquet_of(path: &Path) -> Result<File, Failure> {
    let (begin, mut file) = begins(path)?;
    match &begin {
        [b'P', b'A', b'R', b'1', ..] => {
            footer::counts(&mut file)?;
            Ok(file)
        }
        [b'P', b'A', b'R', b'E', ..] => Err(Failure::Unreadable("the Parquet file is encrypted; ask the site for one without a key".into())),
        [b'A', b'R', b'R', b'O', b'W', ..] => Err(Failure::NotThis { is: "an Arrow file, not Parquet".into(), help: "read it with `format: arrow`".into() }),
        _ => Err(Failure::NotThis { is: "not a Parquet file".into(), help: "leave `format` out if it is delimited text".into() }),
    }
}

type Batches = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>>>;

fn arrow_of(path: &Path) -> Result<(Fields, Batches), Failure> {
    let (begin, mut file) = begins(path)?;
    match &begin {
        b"ARROW1" => {
            lengths::of_file(&mut file)?;
            file.rewind().map_err(|e| damaged(&e))?;
            let reader = FileReader::try_new_buffered(file, None).map_err(|e| damaged(&e))?;
            Ok((reader.schema().fields().clone(), Box::new(reader)))
        }
        [0xFF, 0xFF, 0xFF, 0xFF, ..] => {
            lengths::of_stream(&mut file)?;
            file.rewind().map_err(|e| damaged(&e))?;
            let reader = StreamReader::try_new_buffered(file, None).map_err(|e| damaged(&e))?;
            Ok((reader.schema().fields().clone(), Box::new(reader)))
        }
        [b'F', b'E', b'A', b'1', ..] => Err(Failure::NotThis { is: "a Feather file of version 1".into(), help: "write it anew as version 2, or as Parquet".into() }),
        [b'P', b'A', b'R', b'1', ..] => Err(Failure::NotThis { is: "a Parquet file, not Arrow".into(), help: "read it with `format: parquet`".into() }),
        _ => Err(Failure::NotThis { is: "not an Arrow file".into(), help: "leave `format` out if it is delimited text".into() }),
    }
}

fn head(fields: &Fields) -> Head {
    let mut columns = vec![];
    fields.iter().for_each(|f| paths(f, "", 0, &mut columns));
    let duplicates = columns.iter().enumerate().filter(|(at, c)| columns.iter().take(*at).any(|other| other == *c)).map(|(_, c)| c.clone()).collect();
    Head { columns, duplicates, evidence: vec![] }
}

fn paths(field: &Field, before: &str, depth: usize, out: &mut Vec<String>) {
    let path = if before.is_empty() { field.name().clone() } else { format!("{before}.{}", field.name()) };
    match field.data_type() {
        DataType::Struct(inner) if depth < DEEPEST => inner.iter().for_each(|f| paths(f, &path, depth + 1, out)),
        _ => out.push(path),
    }
}

fn records(batches: impl Iterator<Item = Result<RecordBatch, Failure>>, out: &mut dyn Output) -> Result<(), Failure> {
    let mut number = 0u64;
    for batch in batches {
        let batch = batch?;
        // A batch is as large as the file has it, and its text is not to be in memory as a whole.
        for from in (0..batch.num_rows()).step_by(BATCH) {
            number = rows(&batch.slice(from, BATCH.min(batch.num_rows() - from)), number, out)?;
        }
    }
    Ok(())
}

/// The rows behind `number`; the number of the last.
fn rows(batch: &RecordBatch, mut number: u64, out: &mut dyn Output) -> Result<u64, Failure> {
    let (mut columns, mut no_text): (Vec<StringArray>, Vec<bool>) = (vec![], vec![false; batch.num_rows()]);
    for column in batch.columns() {
        leaves(column, 0, &mut columns, &mut no_text)?;
    }
    for (row, no_text) in no_text.iter().enumerate() {
        number += 1;
        let cell = |c: &'_ StringArray| if c.is_null(row) { None } else { Some(c.value(row).to_owned()).filter(|t| !t.is_empty()) };
        let cells: Vec<Option<String>> = columns.iter().map(cell).collect();
        let mut cells_of = cells.iter().map(Option::as_deref);
        if *no_text {
            let raw: Vec<&str> = cells.iter().map(|c| c.as_deref().unwrap_or_default()).collect();
            out.damaged(number, 0, Damage::Unreadable, &raw.join("\t"), &mut cells_of)?;
        } else {
            out.record(number, 0, &mut cells_of)?;
        }
    }
    Ok(number)
}

/// The columns of a struct's members, each missing where the struct is.
fn leaves(column: &ArrayRef, depth: usize, out: &mut Vec<StringArray>, no_text: &mut [bool]) -> Result<(), Failure> {
    match column.as_struct_opt() {
        Some(members) if depth < DEEPEST => {
            let (_, arrays, nulls) = members.clone().into_parts();
            for array in arrays {
                let array = match &nulls {
                    Some(nulls) => {
                        let absent = datafusion::arrow::array::BooleanArray::new(!nulls.inner(), None);
                        datafusion::arrow::compute::nullif(&array, &absent).map_err(|e| damaged(&e))?
                    }
                    None => array,
                };
                leaves(&array, depth + 1, out, no_text)?;
            }
            Ok(())
        }
        _ => {
            out.push(texts(column, no_text)?);
            Ok(())
        }
    }
}

/// A column as text.
fn texts(column: &ArrayRef, no_text: &mut [bool]) -> Result<StringArray, Failure> {
    Ok(match column.data_type() {
        DataType::Float64 => column.as_primitive::<Float64Type>().iter().map(|v| v.map(|v| v.to_string())).collect(),
        DataType::Float32 => column.as_primitive::<Float32Type>().iter().map(|v| v.map(|v| v.to_string())).collect(),
        DataType::Float16 => return texts(&cast(column, &DataType::Float32).map_err(|e| damaged(&e))?, no_text),
        DataType::Dictionary(_, values) => return texts(&cast(column, values).map_err(|e| damaged(&e))?, no_text),
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) | DataType::ListView(_) | DataType::LargeListView(_) | DataType::Map(..) | DataType::Struct(_) | DataType::Union(..) => {
            (0..column.len()).map(|row| if column.is_null(row) { None } else { Some(json(column, row, 0).to_string()) }).collect()
        }
        DataType::FixedSizeBinary(16) => column.as_fixed_size_binary().iter().map(|b| b.map(uuid)).collect(),
        // Text without a type of its own, as some programs write it; what is no UTF-8 is a damaged record.
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            let bytes = cast(column, &DataType::Binary).map_err(|e| damaged(&e))?;
            let mut cells: Vec<Option<String>> = vec![];
            for (row, value) in bytes.as_binary::<i32>().iter().enumerate() {
                if let (Some(Err(_)), Some(flag)) = (value.map(std::str::from_utf8), no_text.get_mut(row)) {
                    *flag = true;
                }
                cells.push(value.map(|b| String::from_utf8_lossy(b).into_owned()));
            }
            cells.into_iter().collect()
        }
        _ => {
            let text = cast(column, &DataType::Utf8).map_err(|e| damaged(&e))?;
            text.as_string::<i32>().clone()
        }
    })
}

/// Sixteen bytes as RFC 9562 writes them.
fn uuid(bytes: &[u8]) -> String {
    bytes.iter().enumerate().map(|(at, b)| if matches!(at, 4 | 6 | 8 | 10) { format!("-{b:02x}") } else { format!("{b:02x}") }).collect()
}

/// A nested value.
fn json(column: &ArrayRef, row: usize, depth: usize) -> Value {
    if column.is_null(row) || depth > DEEPEST {
        return Value::Null;
    }
    let list = |items: ArrayRef| Value::Array((0..items.len()).map(|at| json(&items, at, depth + 1)).collect());
    match column.data_type() {
        DataType::List(_) => list(column.as_list::<i32>().value(row)),
        DataType::LargeList(_) => list(column.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => list(column.as_fixed_size_list().value(row)),
        DataType::Map(..) => list(Arc::new(column.as_map().value(row))),
        DataType::Struct(fields) => {
            let members = column.as_struct();
            Value::Object(fields.iter().zip(members.columns()).map(|(f, c)| (f.name().clone(), json(c, row, depth + 1))).collect())
        }
        DataType::Boolean => column.as_boolean().value(row).into(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).into(),
        kind if kind.is_integer() => match cast(&column.slice(row, 1), &DataType::Int64) {
            Ok(one) if one.is_valid(0) => one.as_primitive::<Int64Type>().value(0).into(),
            _ => Value::Null,
        },
        _ => array_value_to_string(column, row).map_or(Value::Null, Value::String),
    }
}
