//! Counts that the footer of a Parquet file states, held against its bytes (Apache Thrift's compact protocol).
//!
//! The reader passes over fields that it does not know element by element, and some elements have no bytes: two milliards of
//! them in a list of ten bytes keep it busy for seconds each. What is odd in another way is left to the reader.

use std::fs::File;

use super::super::record::Failure;
use super::lengths::read;

/// The length of the footer and `PAR1`.
pub const TAIL: u64 = 8;
/// Elements without bytes; no list that Parquet has is of truth values.
const WEIGHTLESS: u64 = 1 << 12;
/// Structures in structures, as deep as the reader goes.
const DEEPEST: u32 = 64;

/// Why the walk ended early.
enum Odd {
    /// The reader will say what is wrong.
    Other,
    /// More elements than there are bytes.
    Count,
}

/// # Errors
/// Where a count cannot be.
pub fn counts(file: &mut File) -> Result<(), Failure> {
    let Some(before) = file.metadata().ok().and_then(|m| m.len().checked_sub(TAIL)) else { return Ok(()) };
    let tail = read(file, before, TAIL)?;
    let length = tail.first_chunk().map_or(0, |four| u64::from(u32::from_le_bytes(*four)));
    let Some(start) = before.checked_sub(length) else { return Ok(()) };
    let bytes = read(file, start, length)?;
    if states_too_much(&bytes) {
        return Err(Failure::Unreadable("the Parquet file is damaged: its footer states more elements than it has bytes".into()));
    }
    Ok(())
}

/// Whether a structure that begins here states more elements than there are bytes behind it.
pub fn states_too_much(mut bytes: &[u8]) -> bool {
    matches!(structure(&mut bytes, DEEPEST), Err(Odd::Count))
}

fn byte(rest: &mut &[u8]) -> Result<u8, Odd> {
    let (first, after) = rest.split_first().ok_or(Odd::Other)?;
    *rest = after;
    Ok(*first)
}

fn bytes(rest: &mut &[u8], count: u64) -> Result<(), Odd> {
    *rest = usize::try_from(count).ok().and_then(|n| rest.get(n..)).ok_or(Odd::Other)?;
    Ok(())
}

/// A number of seven bits a byte, the lowest first (LEB128).
pub fn leb128(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (next, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(next & 0x7F) << shift;
        if *next < 0x80 {
            return Some(value);
        }
    }
    None
}

fn number(rest: &mut &[u8]) -> Result<u64, Odd> {
    leb128(rest).ok_or(Odd::Other)
}

fn structure(rest: &mut &[u8], depth: u32) -> Result<(), Odd> {
    loop {
        let head = byte(rest)?;
        if head & 0x0F == 0 {
            return Ok(());
        }
        // A field's number is the distance from the last one, or follows.
        if head >> 4 == 0 {
            number(rest)?;
        }
        value(rest, head & 0x0F, depth)?;
    }
}

/// Passes over a value of one of the protocol's types.
fn value(rest: &mut &[u8], kind: u8, depth: u32) -> Result<(), Odd> {
    let depth = depth.checked_sub(1).ok_or(Odd::Other)?;
    match kind {
        // What is true or false says so in its head; in a list the reader takes no bytes for it either.
        1 | 2 => Ok(()),
        3 => bytes(rest, 1),
        4..=6 => number(rest).map(drop),
        7 => bytes(rest, 8),
        8 => {
            let length = number(rest)?;
            bytes(rest, length)
        }
        9 | 10 => {
            let head = byte(rest)?;
            let count = if head >> 4 == 15 { number(rest)? } else { u64::from(head >> 4) };
            elements(rest, count, &[head & 0x0F], depth)
        }
        11 => match number(rest)? {
            0 => Ok(()),
            count => {
                let kinds = byte(rest)?;
                elements(rest, count, &[kinds >> 4, kinds & 0x0F], depth)
            }
        },
        12 => structure(rest, depth),
        13 => bytes(rest, 16),
        _ => Err(Odd::Other),
    }
}

fn elements(rest: &mut &[u8], count: u64, kinds: &[u8], depth: u32) -> Result<(), Odd> {
    let most = if kinds.iter().all(|k| matches!(k, 1 | 2)) { WEIGHTLESS } else { rest.len() as u64 };
    if count > most {
        return Err(Odd::Count);
    }
    (0..count).try_for_each(|_| kinds.iter().try_for_each(|kind| value(rest, *kind, depth)))
}
