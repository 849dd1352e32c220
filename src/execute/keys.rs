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
use xxhash_rust::xxh3::xxh3_128;

use crate::config::schema::Duplicates;

/// Files that key records are spread over.
const BUCKETS: usize = 64;
const RECORD: usize = 32;
/// Bytes that a bucket collects before they are written.
const BUFFER: usize = 16 << 10;

/// The run of rows that an earlier, published run accepted: a repeated key is never theirs to lose.
pub const PUBLISHED: u32 = u32::MAX;

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
    /// The bytes of one key.
    key: Vec<u8>,
}

impl KeyWriter {
    /// A writer into `folder`; `prefix` is unique to the partition and attempt.
    pub fn new(folder: &Path, prefix: String, run: u32) -> Self {
        KeyWriter { folder: folder.to_owned(), prefix, run, buckets: (0..BUCKETS).map(|_| None).collect(), key: vec![] }
    }

    /// Adds the keys of accepted rows. A key with a missing part is no key.
    ///
    /// # Errors
    /// When a bucket cannot be written.
    pub fn add(&mut self, keys: &[ArrayRef], files: &Int64Array, rows: &Int64Array) -> io::Result<()> {
        for at in 0..rows.len() {
            if keys.iter().any(|k| k.is_null(at)) {
                continue;
            }
            self.key.clear();
            for key in keys {
                part(&mut self.key, key, at);
            }
            let hash = xxh3_128(&self.key);
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
                    slot.insert(BufWriter::with_capacity(BUFFER, File::create(path)?))
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

fn part(bytes: &mut Vec<u8>, key: &ArrayRef, at: usize) {
    match key.data_type() {
        DataType::Utf8View => {
            let text = key.as_string_view().value(at);
            bytes.extend_from_slice(text.as_bytes());
            bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
        }
        DataType::Int64 => bytes.extend_from_slice(&key.as_primitive::<Int64Type>().value(at).to_le_bytes()),
        DataType::Float64 => bytes.extend_from_slice(&key.as_primitive::<Float64Type>().value(at).to_bits().to_le_bytes()),
        DataType::Date32 => bytes.extend_from_slice(&key.as_primitive::<Date32Type>().value(at).to_le_bytes()),
        DataType::Timestamp(..) => bytes.extend_from_slice(&key.as_primitive::<TimestampMicrosecondType>().value(at).to_le_bytes()),
        DataType::Boolean => bytes.push(u8::from(key.as_boolean().value(at))),
        _ => {}
    }
}

/// Rows that lose their place to another row of the same key, by run. Buckets are gone through by
/// `threads` at once, each with one bucket in memory.
///
/// # Errors
/// When the records cannot be read back.
pub fn losers(folder: &Path, keep: Duplicates, threads: usize) -> io::Result<HashMap<u32, Vec<RowId>>> {
    let mut by_bucket: Vec<Vec<PathBuf>> = vec![vec![]; BUCKETS];
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let bucket = path.file_name().and_then(|n| n.to_str()).and_then(|n| n.get(..2)).and_then(|n| n.parse::<usize>().ok());
        if let Some(slot) = bucket.and_then(|b| by_bucket.get_mut(b)) {
            slot.push(path);
        }
    }
    let share = BUCKETS.div_ceil(threads.max(1));
    let rows = std::thread::scope(|scope| {
        let workers: Vec<_> = by_bucket
            .chunks(share)
            .map(|buckets| {
                scope.spawn(move || {
                    let mut rows = vec![];
                    for files in buckets {
                        rows.extend(losers_of_bucket(files, keep)?);
                    }
                    io::Result::Ok(rows)
                })
            })
            .collect();
        workers.into_iter().map(|w| w.join().unwrap_or_else(|_| Err(io::Error::other("a key bucket could not be read")))).collect::<io::Result<Vec<_>>>()
    })?;
    let mut lost: HashMap<u32, Vec<RowId>> = HashMap::new();
    for row in rows.into_iter().flatten() {
        lost.entry(row.run).or_default().push(row);
    }
    lost.values_mut().for_each(|rows| rows.sort_unstable());
    Ok(lost)
}

fn losers_of_bucket(files: &[PathBuf], keep: Duplicates) -> io::Result<Vec<RowId>> {
    let mut bytes = vec![];
    for file in files {
        File::open(file)?.read_to_end(&mut bytes)?;
    }
    let mut records: Vec<(u128, RowId)> = repeated(&bytes).iter().filter_map(|at| decode(record(&bytes, *at))).collect();
    records.sort_unstable();
    let mut lost = vec![];
    for group in records.chunk_by(|a, b| a.0 == b.0) {
        if group.iter().any(|(_, row)| row.run == PUBLISHED) {
            lost.extend(group.iter().map(|(_, row)| *row).filter(|row| row.run != PUBLISHED));
            continue;
        }
        let stays = match keep {
            Duplicates::First => Some(0),
            Duplicates::Last => Some(group.len() - 1),
            Duplicates::None => None,
        };
        lost.extend(group.iter().enumerate().filter(|(i, _)| Some(*i) != stays).map(|(_, (_, row))| *row));
    }
    Ok(lost)
}

fn record(bytes: &[u8], at: usize) -> &[u8] {
    bytes.get(at * RECORD..(at + 1) * RECORD).unwrap_or_default()
}

fn hash(record: &[u8]) -> u128 {
    record.first_chunk().map_or(0, |hash| u128::from_be_bytes(*hash))
}

/// Places of the records whose hash stands in another record too: a table with linear probing,
/// since nearly all keys are alone and sorting them all costs four times as much.
fn repeated(bytes: &[u8]) -> Vec<usize> {
    let count = bytes.len() / RECORD;
    let mask = (count * 2).next_power_of_two().max(2) - 1;
    // Place plus one; 0 is free.
    let mut table = vec![0u32; mask + 1];
    let mut found = vec![];
    for at in 0..count.min(u32::MAX as usize - 1) {
        let key = hash(record(bytes, at));
        let mut slot = key as usize & mask;
        while let Some(entry) = table.get_mut(slot) {
            match (*entry as usize).checked_sub(1) {
                None => {
                    *entry = at as u32 + 1;
                    break;
                }
                Some(other) if hash(record(bytes, other)) == key => {
                    found.extend([other, at]);
                    break;
                }
                Some(_) => slot = (slot + 1) & mask,
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn decode(record: &[u8]) -> Option<(u128, RowId)> {
    let run = u32::from_be_bytes(record.get(16..20)?.try_into().ok()?);
    let file = u32::from_be_bytes(record.get(20..24)?.try_into().ok()?);
    let row = u64::from_be_bytes(record.get(24..32)?.try_into().ok()?);
    Some((hash(record), RowId { run, file, row }))
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
        let mut all: Vec<_> = losers(folder.path(), keep, 2).unwrap().into_values().flatten().map(|r| (r.run, r.row)).collect();
        all.sort_unstable();
        all
    }

    /// 1,000 keys, every third of them three times: a hand-made count of what is lost.
    #[test]
    fn many_keys_in_all_buckets() {
        let folder = tempfile::tempdir().unwrap();
        let keys: Vec<String> = (0..1000).flat_map(|k| vec![format!("key {k}"); if k % 3 == 0 { 3 } else { 1 }]).collect();
        let rows: Vec<i64> = (2..).take(keys.len()).collect();
        let mut writer = KeyWriter::new(folder.path(), "0".into(), 0);
        let array: ArrayRef = Arc::new(StringViewArray::from(keys.iter().map(String::as_str).collect::<Vec<_>>()));
        writer.add(&[array], &Int64Array::from(vec![0; keys.len()]), &Int64Array::from(rows)).unwrap();
        writer.finish().unwrap();
        let count = |keep| losers(folder.path(), keep, 3).unwrap().get(&0).map_or(0, Vec::len);
        assert_eq!((count(Duplicates::First), count(Duplicates::Last), count(Duplicates::None)), (668, 668, 1002));
    }

    /// Rows of an earlier run stay, whatever is declared for rows of one run.
    #[test]
    fn what_is_published_stays() {
        for keep in [Duplicates::First, Duplicates::Last, Duplicates::None] {
            let folder = tempfile::tempdir().unwrap();
            for run in [0, PUBLISHED] {
                let mut writer = KeyWriter::new(folder.path(), format!("{run}"), run);
                let keys: ArrayRef = Arc::new(StringViewArray::from(vec!["a", if run == 0 { "b" } else { "c" }]));
                writer.add(&[keys], &Int64Array::from(vec![0; 2]), &Int64Array::from(vec![2, 3])).unwrap();
                writer.finish().unwrap();
            }
            let all: Vec<_> = losers(folder.path(), keep, 2).unwrap().into_values().flatten().collect();
            assert_eq!(all, [RowId { run: 0, file: 0, row: 2 }], "{keep:?}");
        }
    }

    /// `a` stands in row 2 of both runs; missing keys never meet.
    #[test]
    fn who_stays_is_declared() {
        assert_eq!(lost(Duplicates::First), [(1, 2)]);
        assert_eq!(lost(Duplicates::Last), [(0, 2)]);
        assert_eq!(lost(Duplicates::None), [(0, 2), (1, 2)]);
    }
}
