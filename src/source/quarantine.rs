//! The quarantine of an earlier run as a source: `cohorte run --replay` reads it.
//!
//! A part file holds refused rows as they were read, those of several files one after the other.
//! Each of these files is a file of the source again: its rows have the number, the position and
//! the flags that they had, so a row that was damaged stays refused whatever the mapping says.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, StringViewArray, new_null_array};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int64Type};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowPredicateFn, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowFilter};

use super::{DAMAGE, Rows};

/// Columns of a quarantine that are not the source's own.
const OURS: [&str; 6] = ["_file", "_row", "_byte", "_raw", "_reasons", "_id"];

/// What goes wrong while a quarantine is read, without any cell.
pub type Failure = String;

/// The source's columns, and the files that the rows of a part are of, in their order.
///
/// # Errors
/// When it is not a part of a quarantine, or cannot be read.
pub fn head(path: &Path) -> Result<(Vec<String>, Vec<String>), Failure> {
    let builder = open(path)?;
    let fields: Vec<String> = builder.schema().fields().iter().map(|f| f.name().clone()).collect();
    let Some((columns, _)) = fields.split_at_checked(fields.len().saturating_sub(OURS.len())).filter(|(_, ours)| *ours == OURS) else {
        return Err(format!("its last columns are not {}", OURS.join(", ")));
    };
    let mask = ProjectionMask::columns(builder.parquet_schema(), ["_file"]);
    let mut files: Vec<String> = vec![];
    for batch in builder.with_projection(mask).build().map_err(plain)? {
        for name in texts(batch.map_err(plain)?.column(0))?.iter().flatten() {
            if files.last().is_none_or(|last| last != name) && !files.iter().any(|f| f == name) {
                files.push(name.to_owned());
            }
        }
    }
    Ok((columns.to_vec(), files))
}

/// Of the rows of one file their number and the first one's.
///
/// # Errors
/// When the part cannot be read.
pub fn index(path: &Path, of: &str) -> Result<(u64, u64), Failure> {
    let builder = open(path)?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), ["_row"]);
    let (mut rows, mut first) = (0, u64::MAX);
    for batch in only(builder, of).with_projection(mask).build().map_err(plain)? {
        let batch = batch.map_err(plain)?;
        rows += batch.num_rows() as u64;
        let numbers = batch.column(0).as_primitive_opt::<Int64Type>();
        first = numbers.into_iter().flat_map(|n| n.values()).filter_map(|n| u64::try_from(*n).ok()).min().unwrap_or(u64::MAX).min(first);
    }
    Ok((rows, if rows == 0 { 0 } else { first }))
}

/// The rows of one file, batch by batch.
pub struct Reader {
    inner: ParquetRecordBatchReader,
    columns: Vec<String>,
}

impl Reader {
    /// Opens a part file for the rows of the file `of`; `columns` are those of the source.
    ///
    /// # Errors
    /// When the part cannot be read.
    pub fn open(path: &Path, of: &str, columns: &[String], batch_rows: usize) -> Result<Reader, Failure> {
        let inner = only(open(path)?, of).with_batch_size(batch_rows).build().map_err(plain)?;
        Ok(Reader { inner, columns: columns.to_vec() })
    }
}

impl Iterator for Reader {
    type Item = Result<Rows, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.inner.next()?;
        Some(batch.map_err(plain).and_then(|batch| rows(&batch, &self.columns)))
    }
}

fn rows(batch: &RecordBatch, columns: &[String]) -> Result<Rows, Failure> {
    let numbers = |name: &str| -> Result<Int64Array, Failure> {
        let column = batch.column_by_name(name).ok_or("a column is absent")?;
        Ok(column.as_primitive_opt::<Int64Type>().ok_or("a column has another type")?.clone())
    };
    let text = |name: &str| match batch.column_by_name(name) {
        Some(column) => texts(column).map(|t| Arc::new(t) as ArrayRef),
        None => Ok(new_null_array(&DataType::Utf8View, batch.num_rows())),
    };
    let reasons = batch.column_by_name("_reasons").and_then(|c| c.as_list_opt::<i32>()).ok_or("the Reasons have another type")?;
    let mut flags = vec![];
    for row in 0..reasons.len() {
        let all = reasons.value(row);
        let given = all.as_struct_opt().and_then(|s| s.column_by_name("code")).ok_or("a Reason has no code")?;
        let given = texts(given)?;
        flags.push(DAMAGE.iter().filter(|(_, code, _)| given.iter().flatten().any(|g| g == code.id)).fold(0, |sum, (bit, ..)| sum | i64::from(*bit)));
    }
    let columns = columns.iter().map(|c| text(c)).collect::<Result<_, _>>()?;
    Ok(Rows { columns, row: numbers("_row")?, byte: numbers("_byte")?, flags: Int64Array::from(flags), raw: text("_raw")? })
}

fn open(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>, Failure> {
    ParquetRecordBatchReaderBuilder::try_new(File::open(path).map_err(plain)?).map_err(plain)
}

/// Of a part only the rows of one file.
fn only(builder: ParquetRecordBatchReaderBuilder<File>, of: &str) -> ParquetRecordBatchReaderBuilder<File> {
    let mask = ProjectionMask::columns(builder.parquet_schema(), ["_file"]);
    let of = of.to_owned();
    let is_of = ArrowPredicateFn::new(mask, move |batch: RecordBatch| {
        let names = cast(batch.column(0), &DataType::Utf8View)?;
        Ok(names.as_string_view().iter().map(|n| Some(n == Some(of.as_str()))).collect::<BooleanArray>())
    });
    builder.with_row_filter(RowFilter::new(vec![Box::new(is_of)]))
}

fn texts(column: &ArrayRef) -> Result<StringViewArray, Failure> {
    let views = cast(column, &DataType::Utf8View).map_err(|_| "a column is no text")?;
    Ok(views.as_string_view().clone())
}

/// What the reader says, which names places of the file and no cell.
fn plain(error: impl std::fmt::Display) -> Failure {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
