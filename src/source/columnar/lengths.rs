//! Lengths that a file of Arrow states, held against the file (Arrow's columnar format, "Serialization and Interprocess Communication").
//!
//! The reader sets memory aside for a length before it reads what is so long: a damaged one asks for a petabyte, and where memory
//! is refused, a program ends. What is odd in another way is left to the reader.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use datafusion::arrow::ipc::{Message, RecordBatch, root_as_footer, root_as_message};

use super::super::record::Failure;
use super::damaged;

/// A packed buffer may claim so many bytes, or so many for each of its own: what packs zeros the tightest.
const PLAIN: u64 = 256 << 20;
const TIGHTEST: u64 = 1 << 15;
/// Rows that a batch may have whatever it weighs: a column of missing values has no bytes.
const WEIGHTLESS: u64 = 1 << 22;
/// The length of the footer and `ARROW1`.
const TAIL: u64 = 10;

fn beyond() -> Failure {
    Failure::Unreadable("the Arrow file is cut off or damaged: a length that it states is beyond its end".into())
}

/// A length that is not negative, and not more than there is.
fn within(length: impl TryInto<u64>, most: u64) -> Result<u64, Failure> {
    length.try_into().ok().filter(|n| *n <= most).ok_or_else(beyond)
}

pub fn read(file: &mut File, at: u64, bytes: u64) -> Result<Vec<u8>, Failure> {
    let mut buffer = vec![0; usize::try_from(bytes).map_err(|_| beyond())?];
    file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut buffer)).map_err(|e| damaged(&e))?;
    Ok(buffer)
}

/// Of a file, whose footer lists its batches.
///
/// # Errors
/// Where a length cannot be.
pub fn of_file(file: &mut File) -> Result<(), Failure> {
    let all = file.metadata().map_err(|e| damaged(&e))?.len();
    let before = all.checked_sub(TAIL).ok_or_else(beyond)?;
    let tail = read(file, before, 4)?;
    let length = within(tail.first_chunk().map_or(-1, |four| i32::from_le_bytes(*four)), before)?;
    let bytes = read(file, before - length, length)?;
    let footer = root_as_footer(&bytes).map_err(|_| Failure::Unreadable("the Arrow file is damaged: its footer".into()))?;
    for block in footer.dictionaries().into_iter().flatten().chain(footer.recordBatches().into_iter().flatten()) {
        let at = within(block.offset(), all)?;
        let head = within(block.metaDataLength(), all - at)?;
        let body = within(block.bodyLength(), all - at - head)?;
        let bytes = read(file, at, head)?;
        let message = bytes.strip_prefix(&[0xFF; 4]).unwrap_or(&bytes).get(4..).unwrap_or_default();
        let message = root_as_message(message).map_err(|_| Failure::Unreadable("the Arrow file is damaged: the head of a batch".into()))?;
        batch(file, &message, at + head, body)?;
    }
    Ok(())
}

/// Of a stream of messages.
///
/// # Errors
/// Where a length cannot be.
pub fn of_stream(file: &mut File) -> Result<(), Failure> {
    let all = file.metadata().map_err(|e| damaged(&e))?.len();
    let mut at = 0;
    while at + 4 <= all {
        let mut word = read(file, at, 4)?;
        at += 4;
        if word == [0xFF; 4] {
            word = read(file, at, within(4, all - at)?)?;
            at += 4;
        }
        let length = within(word.first_chunk().map_or(-1, |four| i32::from_le_bytes(*four)), all - at)?;
        if length == 0 {
            return Ok(());
        }
        let bytes = read(file, at, length)?;
        at += length;
        let Ok(message) = root_as_message(&bytes) else { return Ok(()) };
        let body = within(message.bodyLength(), all - at)?;
        batch(file, &message, at, body)?;
        at += body;
    }
    Ok(())
}

/// The rows of a batch, and the lengths that its packed buffers would unpack to.
fn batch(file: &mut File, message: &Message<'_>, body: u64, length: u64) -> Result<(), Failure> {
    let batch: Option<RecordBatch<'_>> = message.header_as_record_batch().or_else(|| message.header_as_dictionary_batch()?.data());
    let Some(batch) = batch else { return Ok(()) };
    let is_packed = batch.compression().is_some();
    // A bit for each row is the least.
    within(batch.length(), WEIGHTLESS.max(length.saturating_mul(if is_packed { 8 * TIGHTEST } else { 8 })))?;
    for buffer in batch.buffers().into_iter().flatten().filter(|_| is_packed) {
        let at = within(buffer.offset(), length)?;
        let packed = within(buffer.length(), length - at)?;
        if packed < 8 {
            continue;
        }
        let claimed = read(file, body + at, 8)?;
        // -1 says that it is not packed.
        let claimed = claimed.first_chunk().map_or(-1, |eight| i64::from_le_bytes(*eight));
        if u64::try_from(claimed).is_ok_and(|n| n > PLAIN.max(packed.saturating_mul(TIGHTEST))) {
            return Err(Failure::Unreadable("the Arrow file is damaged: a buffer claims to unpack to more than it can".into()));
        }
    }
    Ok(())
}
