//! Uniqueness of keys across files, partitions and sites, in bounded memory.
//!
//! While rows are written, each accepted row leaves a record: a 128-bit hash of its key and, as the
//! distance from the record before, where it came from; 18 bytes or so. Records go to one of
//! [`BUCKETS`] buckets by their hash, so that each bucket fits in memory afterwards. With 128 bits two
//! different keys among 10⁹ meet with a chance below 10⁻²⁰.
//!
//! A partition has one file, in which the buckets' segments follow each other as they were full, and
//! at its end a list of them: a file for each bucket costs more time to make than to write.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use datafusion::arrow::buffer::NullBuffer;
use xxhash_rust::xxh3::xxh3_128;

use super::column::varint;
use crate::config::schema::Duplicates;
use crate::function::part_of_key;

/// What key records are spread over: of 50 million, each holds 200,000.
const BUCKETS: usize = 256;
/// Bytes that a bucket collects before they are written.
const BUFFER: usize = 8 << 10;
/// Longest record: a hash and two numbers of at most ten bytes.
const RECORD: usize = 16 + 10 + 10;

/// The run of rows that an earlier, published run accepted: a repeated key is never theirs to lose.
pub const PUBLISHED: u32 = u32::MAX;

/// A row of a table: run (place in the pipeline), file of the source and row; of rows that a shape made, unit and place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowId {
    pub run: u32,
    pub file: u32,
    pub row: u64,
}

/// Writes the key records of one partition.
pub struct KeyWriter {
    segments: Segments,
    buckets: Vec<Bucket>,
    /// The bytes of one key.
    key: Vec<u8>,
}

/// The records of one bucket that are not written yet.
#[derive(Default)]
struct Bucket {
    buffer: Vec<u8>,
    last: (u32, u64),
}

/// The file of one partition; it is made with its first segment.
struct Segments {
    path: PathBuf,
    run: u32,
    file: Option<File>,
    /// Bucket and bytes of each segment.
    list: Vec<(usize, usize)>,
}

impl KeyWriter {
    /// A writer into `folder`; `name` is unique to the partition and attempt.
    pub fn new(folder: &Path, name: &str, run: u32) -> Self {
        let segments = Segments { path: folder.join(name), run, file: None, list: vec![] };
        KeyWriter { segments, buckets: (0..BUCKETS).map(|_| Bucket::default()).collect(), key: vec![] }
    }

    /// Adds the keys of accepted rows. A key with a missing part is no key.
    ///
    /// # Errors
    /// When a bucket cannot be written.
    pub fn add(&mut self, keys: &[ArrayRef], files: &Int64Array, rows: &Int64Array) -> io::Result<()> {
        let missing = keys.iter().fold(None, |all, key| NullBuffer::union(all.as_ref(), key.nulls()));
        let text = match keys {
            [key] => key.as_string_view_opt(),
            _ => None,
        };
        for at in 0..rows.len() {
            if missing.as_ref().is_some_and(|missing| missing.is_null(at)) {
                continue;
            }
            let hash = match text {
                Some(text) => xxh3_128(text.value(at).as_bytes()),
                None => {
                    self.key.clear();
                    keys.iter().for_each(|key| part_of_key(&mut self.key, key, at));
                    xxh3_128(&self.key)
                }
            };
            let file = u32::try_from(files.value(at)).unwrap_or(u32::MAX);
            let row = u64::try_from(rows.value(at)).unwrap_or(u64::MAX);
            let number = (hash >> 120) as usize;
            if let Some(bucket) = self.buckets.get_mut(number) {
                bucket.push(hash, file, row);
                if bucket.buffer.len() > BUFFER - RECORD {
                    self.segments.write(number, &mut bucket.buffer)?;
                }
            }
        }
        Ok(())
    }

    /// Writes what the buckets hold.
    ///
    /// # Errors
    /// When a bucket cannot be written.
    pub fn finish(mut self) -> io::Result<()> {
        for (number, bucket) in self.buckets.iter_mut().enumerate().filter(|(_, bucket)| !bucket.buffer.is_empty()) {
            self.segments.write(number, &mut bucket.buffer)?;
        }
        self.segments.finish()
    }
}

impl Segments {
    /// Writes a segment of a bucket, and empties it.
    fn write(&mut self, number: usize, records: &mut Vec<u8>) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(File::create_new(&self.path)?),
        };
        file.write_all(records)?;
        self.list.push((number, records.len()));
        records.clear();
        Ok(())
    }

    /// Writes the list: bucket and bytes of each segment, as pairs; then the run, and how long the list is.
    fn finish(self) -> io::Result<()> {
        let Some(mut file) = self.file else { return Ok(()) };
        let mut end = vec![];
        for (bucket, bytes) in self.list {
            varint(bucket as u64, &mut end);
            varint(bytes as u64, &mut end);
        }
        let list = end.len() as u64;
        end.extend(self.run.to_le_bytes());
        end.extend(list.to_le_bytes());
        file.write_all(&end)
    }
}

/// The file of a partition, as it is read back.
struct KeyFile {
    path: PathBuf,
    run: u32,
    /// First byte and length of each segment, by bucket.
    segments: Vec<Vec<(u64, usize)>>,
}

impl KeyFile {
    fn open(path: PathBuf) -> io::Result<KeyFile> {
        let damaged = || io::Error::other("a file of key records is damaged");
        let file = File::open(&path)?;
        let mut end = [0; 12];
        let after = file.metadata()?.len().checked_sub(end.len() as u64).ok_or_else(damaged)?;
        file.read_exact_at(&mut end, after)?;
        let (run, list) = end.split_first_chunk().ok_or_else(damaged)?;
        let list = list.first_chunk().map(|l| u64::from_le_bytes(*l)).filter(|l| *l <= after).ok_or_else(damaged)?;
        let mut bytes = vec![0; usize::try_from(list).map_err(io::Error::other)?];
        file.read_exact_at(&mut bytes, after - list)?;
        let (mut rest, mut at) = (bytes.as_slice(), 0);
        let mut segments = vec![vec![]; BUCKETS];
        while !rest.is_empty() {
            let (bucket, length) = unvarint(&mut rest).zip(unvarint(&mut rest)).ok_or_else(damaged)?;
            let bucket = usize::try_from(bucket).ok().and_then(|b| segments.get_mut(b)).ok_or_else(damaged)?;
            bucket.push((at, usize::try_from(length).map_err(io::Error::other)?));
            at += length;
        }
        Ok(KeyFile { path, run: u32::from_le_bytes(*run), segments })
    }

    /// Goes through the records of a bucket.
    fn each(&self, bucket: usize, bytes: &mut Vec<u8>, record: impl FnMut(u128, RowId)) -> io::Result<()> {
        let Some(segments) = self.segments.get(bucket).filter(|s| !s.is_empty()) else { return Ok(()) };
        let file = File::open(&self.path)?;
        bytes.clear();
        for (from, length) in segments {
            let before = bytes.len();
            bytes.resize(before + length, 0);
            file.read_exact_at(bytes.get_mut(before..).unwrap_or_default(), *from)?;
        }
        read(bytes, self.run, record).ok_or_else(|| io::Error::other("a key bucket ends within a record"))
    }
}

/// The files of a folder.
fn files(folder: &Path) -> io::Result<Vec<KeyFile>> {
    std::fs::read_dir(folder)?.map(|entry| KeyFile::open(entry?.path())).collect()
}

impl Bucket {
    /// The hash; then the distance of the row from the last one, doubled, or in another file 1, and the
    /// numbers of file and row.
    fn push(&mut self, hash: u128, file: u32, row: u64) {
        let (last_file, last_row) = self.last;
        self.buffer.extend_from_slice(&hash.to_le_bytes());
        match row.checked_sub(last_row).filter(|distance| file == last_file && *distance < 1 << 62) {
            Some(distance) => varint(distance << 1, &mut self.buffer),
            None => {
                // The file's number leaves room for the mark.
                varint(u64::from(file) << 1 | 1, &mut self.buffer);
                varint(row, &mut self.buffer);
            }
        }
        self.last = (file, row);
    }
}

/// The records of a partition's bucket, one by one.
fn read(mut bytes: &[u8], run: u32, mut record: impl FnMut(u128, RowId)) -> Option<()> {
    let mut last = RowId { run, file: 0, row: 0 };
    while let Some((hash, rest)) = bytes.split_first_chunk() {
        bytes = rest;
        let step = unvarint(&mut bytes)?;
        last = match step & 1 {
            0 => RowId { row: last.row.checked_add(step >> 1)?, ..last },
            _ => RowId { file: u32::try_from(step >> 1).ok()?, row: unvarint(&mut bytes)?, ..last },
        };
        record(u128::from_le_bytes(*hash), last);
    }
    bytes.is_empty().then_some(())
}

fn unvarint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if *first < 0x80 {
            return Some(value);
        }
    }
    None
}

/// Rows that lose their place to another row of the same key, by run. Buckets are gone through by
/// `threads` at once, each with one bucket in memory.
///
/// # Errors
/// When the records cannot be read back.
pub fn losers(folder: &Path, keep: Duplicates, threads: usize) -> io::Result<HashMap<u32, Vec<RowId>>> {
    let files = files(folder)?;
    let share = BUCKETS.div_ceil(threads.max(1));
    let rows = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..BUCKETS)
            .step_by(share)
            .map(|first| {
                let files = &files;
                scope.spawn(move || {
                    let (mut rows, mut scratch) = (vec![], Scratch::default());
                    for bucket in first..(first + share).min(BUCKETS) {
                        rows.extend(losers_of_bucket(files, bucket, keep, &mut scratch)?);
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

/// Rows whose foreign key no row has that `stays` in the other table, by run.
///
/// # Errors
/// When the records cannot be read back.
pub fn orphans(parents: &Path, children: &Path, stays: impl Fn(&RowId) -> bool) -> io::Result<HashMap<u32, Vec<RowId>>> {
    let (parents, children) = (files(parents)?, files(children)?);
    let mut bytes = vec![];
    let mut lost: HashMap<u32, Vec<RowId>> = HashMap::new();
    for bucket in 0..BUCKETS {
        let mut known: HashSet<u128, foldhash::fast::FixedState> = HashSet::default();
        for file in &parents {
            file.each(bucket, &mut bytes, |hash, row| {
                if row.run == PUBLISHED || stays(&row) {
                    known.insert(hash);
                }
            })?;
        }
        for file in &children {
            file.each(bucket, &mut bytes, |hash, row| {
                if !known.contains(&hash) {
                    lost.entry(row.run).or_default().push(row);
                }
            })?;
        }
    }
    Ok(lost)
}

/// Memory that goes from bucket to bucket.
#[derive(Default)]
struct Scratch {
    bytes: Vec<u8>,
    hashes: Vec<u128>,
    table: Vec<u32>,
}

fn losers_of_bucket(files: &[KeyFile], bucket: usize, keep: Duplicates, scratch: &mut Scratch) -> io::Result<Vec<RowId>> {
    let Scratch { bytes, hashes, table } = scratch;
    let mut each = |record: &mut dyn FnMut(u128, RowId)| files.iter().try_for_each(|file| file.each(bucket, bytes, &mut *record));
    hashes.clear();
    each(&mut |hash, _| hashes.push(hash))?;
    let repeated = repeated(hashes, table);
    if repeated.is_empty() {
        return Ok(vec![]);
    }
    // Where the rows came from is asked of those few only, in a second reading.
    let mut records: Vec<(u128, RowId)> = vec![];
    let (mut at, mut next) = (0, repeated.iter().copied().peekable());
    each(&mut |hash, row| {
        if next.next_if_eq(&at).is_some() {
            records.push((hash, row));
        }
        at += 1;
    })?;
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

/// Places of the hashes that stand in another place too: a table with linear probing, since nearly
/// all keys are alone and sorting them all costs four times as much.
fn repeated(hashes: &[u128], table: &mut Vec<u32>) -> Vec<usize> {
    let mask = (hashes.len() * 2).next_power_of_two().max(2) - 1;
    // Place plus one; 0 is free.
    table.clear();
    table.resize(mask + 1, 0);
    let mut found = vec![];
    for (hash, at) in hashes.iter().zip(0..u32::MAX - 1) {
        let mut slot = *hash as usize & mask;
        while let Some(entry) = table.get_mut(slot) {
            match entry.checked_sub(1) {
                None => {
                    *entry = at + 1;
                    break;
                }
                Some(other) if hashes.get(other as usize) == Some(hash) => {
                    found.extend([other as usize, at as usize]);
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::StringViewArray;

    use super::*;

    fn lost(keep: Duplicates) -> Vec<(u32, u64)> {
        let folder = tempfile::tempdir().unwrap();
        for (run, keys, rows) in [(0, vec![Some("a"), Some("b"), None], vec![2, 3, 4]), (1, vec![Some("a"), None, Some("c")], vec![2, 3, 4])] {
            let mut writer = KeyWriter::new(folder.path(), &run.to_string(), run);
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
        let mut writer = KeyWriter::new(folder.path(), "0", 0);
        let array: ArrayRef = Arc::new(StringViewArray::from(keys.iter().map(String::as_str).collect::<Vec<_>>()));
        writer.add(&[array], &Int64Array::from(vec![0; keys.len()]), &Int64Array::from(rows)).unwrap();
        writer.finish().unwrap();
        let count = |keep| losers(folder.path(), keep, 3).unwrap().get(&0).map_or(0, Vec::len);
        assert_eq!((count(Duplicates::First), count(Duplicates::Last), count(Duplicates::None)), (668, 668, 1002));
    }

    /// Rows of several files, in and out of order: what is read back is what was written.
    #[test]
    fn where_a_record_came_from_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let places: Vec<(i64, i64)> = (0..40_000).map(|i| (i * 7919 % 5, if i % 3 == 0 { i } else { i64::MAX - i * 1_000_003 })).collect();
        let keys: ArrayRef = Arc::new(StringViewArray::from(places.iter().map(|_| "same").collect::<Vec<_>>()));
        let mut writer = KeyWriter::new(folder.path(), "0", 3);
        let (files, rows): (Vec<i64>, Vec<i64>) = places.iter().copied().unzip();
        writer.add(&[keys], &Int64Array::from(files), &Int64Array::from(rows)).unwrap();
        writer.finish().unwrap();
        let mut expected: Vec<_> = places.iter().map(|(file, row)| RowId { run: 3, file: *file as u32, row: *row as u64 }).collect();
        expected.sort_unstable();
        assert_eq!(losers(folder.path(), Duplicates::None, 2).unwrap()[&3], expected);
    }

    /// Rows of an earlier run stay, whatever is declared for rows of one run.
    #[test]
    fn what_is_published_stays() {
        for keep in [Duplicates::First, Duplicates::Last, Duplicates::None] {
            let folder = tempfile::tempdir().unwrap();
            for run in [0, PUBLISHED] {
                let mut writer = KeyWriter::new(folder.path(), &run.to_string(), run);
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
