//! Uniqueness of keys across files, partitions and sites, in bounded memory.
//!
//! While rows are written, each accepted row leaves a record of 32 bytes: a 128-bit hash of its
//! key and where it came from. Records go to one of [`BUCKETS`] files by their hash, so that each
//! bucket can be sorted in memory afterwards. With 128 bits two different keys among 10⁹ meet
//! with a chance below 10⁻²⁰.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use datafusion::arrow::datatypes::{DataType, Date32Type, Float64Type, Int64Type, TimestampMicrosecondType};
use xxhash_rust::xxh3::Xxh3;

use crate::config::schema::Duplicates;

/// Files that key records are spread over.
const BUCKETS: usize = 64;
const RECORD: usize = 32;

/// A source row: run (place in the pipeline), file of the source, row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowId {
    pub run: u32,
    pub file: u32,
    pub row: u64,
}

/// Writes the key records of one partition.
pub struct KeyWriter {
    folder: PathBuf,
    prefix: String,
    run: u32,
    buckets: Vec<Option<BufWriter<File>>>,
}

impl KeyWriter {
    /// A writer into `folder`; `prefix` is unique to the partition and attempt.
    pub fn new(folder: &Path, prefix: String, run: u32) -> Self {
        KeyWriter { folder: folder.to_owned(), prefix, run, buckets: (0..BUCKETS).map(|_| None).collect() }
    }

    /// Adds the keys of accepted rows. A key with a missing part is no key.
    ///
    /// # Errors
    /// When a bucket cannot be written.
    pub fn add(&mut self, keys: &[ArrayRef], files: &Int64Array, rows: &Int64Array) -> io::Result<()> {
        let mut hasher = Xxh3::new();
        for at in 0..rows.len() {
            if keys.iter().any(|k| k.is_null(at)) {
                continue;
            }
            hasher.reset();
            for key in keys {
                part(&mut hasher, key, at);
            }
            let hash = hasher.digest128();
            let mut record = [0u8; RECORD];
            record[..16].copy_from_slice(&hash.to_be_bytes());
            record[16..20].copy_from_slice(&self.run.to_be_bytes());
            record[20..24].copy_from_slice(&u32::try_from(files.value(at)).unwrap_or(u32::MAX).to_be_bytes());
            record[24..32].copy_from_slice(&u64::try_from(rows.value(at)).unwrap_or(u64::MAX).to_be_bytes());
            let bucket = usize::from(record[0]) * BUCKETS / 256;
            let slot = &mut self.buckets[bucket];
            let writer = match slot {
                Some(writer) => writer,
                None => {
                    let path = self.folder.join(format!("{bucket:02}-{}", self.prefix));
                    slot.insert(BufWriter::with_capacity(4096, File::create(path)?))
                }
            };
            writer.write_all(&record)?;
        }
        Ok(())
    }

    /// Flushes all buckets.
    ///
    /// # Errors
    /// When a bucket cannot be written.
    pub fn finish(self) -> io::Result<()> {
        self.buckets.into_iter().flatten().try_for_each(|mut w| w.flush())
    }
}

fn part(hasher: &mut Xxh3, key: &ArrayRef, at: usize) {
    match key.data_type() {
        DataType::Utf8View => {
            let text = key.as_string_view().value(at);
            hasher.update(text.as_bytes());
            hasher.update(&(text.len() as u64).to_le_bytes());
        }
        DataType::Int64 => hasher.update(&key.as_primitive::<Int64Type>().value(at).to_le_bytes()),
        DataType::Float64 => hasher.update(&key.as_primitive::<Float64Type>().value(at).to_bits().to_le_bytes()),
        DataType::Date32 => hasher.update(&key.as_primitive::<Date32Type>().value(at).to_le_bytes()),
        DataType::Timestamp(..) => hasher.update(&key.as_primitive::<TimestampMicrosecondType>().value(at).to_le_bytes()),
        DataType::Boolean => hasher.update(&[u8::from(key.as_boolean().value(at))]),
        _ => {}
    }
}

/// Rows that lose their place to another row of the same key, by run.
///
/// # Errors
/// When the records cannot be read back.
pub fn losers(folder: &Path, keep: Duplicates) -> io::Result<HashMap<u32, Vec<RowId>>> {
    let mut by_bucket: Vec<Vec<PathBuf>> = vec![vec![]; BUCKETS];
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let bucket = path.file_name().and_then(|n| n.to_str()).and_then(|n| n.get(..2)).and_then(|n| n.parse::<usize>().ok());
        if let Some(slot) = bucket.and_then(|b| by_bucket.get_mut(b)) {
            slot.push(path);
        }
    }
    let mut lost: HashMap<u32, Vec<RowId>> = HashMap::new();
    for files in by_bucket {
        let mut records: Vec<([u8; 16], RowId)> = vec![];
        for file in files {
            let mut bytes = vec![];
            File::open(file)?.read_to_end(&mut bytes)?;
            records.extend(bytes.chunks_exact(RECORD).filter_map(decode));
        }
        records.sort_unstable();
        for group in records.chunk_by(|a, b| a.0 == b.0).filter(|g| g.len() > 1) {
            let stays = match keep {
                Duplicates::First => Some(0),
                Duplicates::Last => Some(group.len() - 1),
                Duplicates::None => None,
            };
            for (_, (_, row)) in group.iter().enumerate().filter(|(i, _)| Some(*i) != stays) {
                lost.entry(row.run).or_default().push(*row);
            }
        }
    }
    lost.values_mut().for_each(|rows| rows.sort_unstable());
    Ok(lost)
}

fn decode(record: &[u8]) -> Option<([u8; 16], RowId)> {
    let hash = record.get(..16)?.try_into().ok()?;
    let run = u32::from_be_bytes(record.get(16..20)?.try_into().ok()?);
    let file = u32::from_be_bytes(record.get(20..24)?.try_into().ok()?);
    let row = u64::from_be_bytes(record.get(24..32)?.try_into().ok()?);
    Some((hash, RowId { run, file, row }))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::StringViewArray;

    use super::*;

    fn lost(keep: Duplicates) -> Vec<(u32, u64)> {
        let folder = tempfile::tempdir().unwrap();
        for (run, keys, rows) in [(0, vec![Some("a"), Some("b"), None], vec![2, 3, 4]), (1, vec![Some("a"), None, Some("c")], vec![2, 3, 4])] {
            let mut writer = KeyWriter::new(folder.path(), format!("{run}"), run);
            let keys: ArrayRef = Arc::new(StringViewArray::from(keys));
            writer.add(&[keys], &Int64Array::from(vec![0; 3]), &Int64Array::from(rows)).unwrap();
            writer.finish().unwrap();
        }
        let mut all: Vec<_> = losers(folder.path(), keep).unwrap().into_values().flatten().map(|r| (r.run, r.row)).collect();
        all.sort_unstable();
        all
    }

    /// `a` stands in row 2 of both runs; missing keys never meet.
    #[test]
    fn who_stays_is_declared() {
        assert_eq!(lost(Duplicates::First), [(1, 2)]);
        assert_eq!(lost(Duplicates::Last), [(0, 2)]);
        assert_eq!(lost(Duplicates::None), [(0, 2), (1, 2)]);
    }
}
