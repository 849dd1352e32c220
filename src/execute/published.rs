//! Keys of rows that an earlier run accepted, so that a replay finds a key that stands there already.

use std::fs::File;
use std::path::Path;

use datafusion::arrow::array::{Array, ArrayRef, Int64Array};
use datafusion::arrow::compute::cast;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::commit::Staging;
use super::keys::{KeyWriter, PUBLISHED};
use crate::check::Resolved;
use crate::check::replay::Replay;
use crate::config::schema::Table;
use crate::diagnostic::code;
use crate::error::Error;

/// Adds the keys of all accepted rows of the run to the key records of each table.
///
/// # Errors
/// When a file of the run cannot be read, or has its key in another type.
pub fn add_keys(resolved: &Resolved, replay: &Replay, staging: &Staging) -> Result<(), Error> {
    for (place, target) in resolved.schema.tables.iter().enumerate().filter(|(_, t)| !t.key.is_empty()) {
        let folder = staging.path().join("keys").join(place.to_string());
        let mut writer = KeyWriter::new(&folder, "published", PUBLISHED);
        for path in replay.accepted(&target.name.value) {
            add_file(path, target, &mut writer)?;
        }
        writer.finish().map_err(|e| Error::environment("writing key records", e))?;
    }
    Ok(())
}

fn add_file(path: &Path, target: &Table, writer: &mut KeyWriter) -> Result<(), Error> {
    let unreadable = |e: &dyn std::fmt::Display| Error::source(code::UNREADABLE, format!("{} cannot be read: {e}", path.display()));
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path).map_err(|e| unreadable(&e))?).map_err(|e| unreadable(&e))?;
    let names: Vec<&str> = target.key.iter().map(|k| k.value.as_str()).collect();
    let roots: Vec<usize> = names.iter().filter_map(|n| builder.schema().index_of(n).ok()).collect();
    let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
    for batch in builder.with_projection(mask).build().map_err(|e| unreadable(&e))? {
        let batch = batch.map_err(|e| unreadable(&e))?;
        let mut keys: Vec<ArrayRef> = vec![];
        for name in &names {
            let wanted = target.fields.iter().find(|f| f.name.value == *name).map(|f| f.storage().data_type());
            let column = batch.column_by_name(name).zip(wanted).and_then(|(column, wanted)| cast(column, &wanted).ok().filter(|c| c.null_count() == column.null_count()));
            let Some(column) = column else {
                let message = format!("the key of `{}` is not what it was in {}: `{name}` is absent or of another type", target.name.value, path.display());
                return Err(Error::command_line(message, "run the whole pipeline again instead of replaying the quarantine"));
            };
            keys.push(column);
        }
        let none = Int64Array::from(vec![0; batch.num_rows()]);
        writer.add(&keys, &none, &none).map_err(|e| Error::environment("writing key records", e))?;
    }
    Ok(())
}
