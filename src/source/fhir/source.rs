//! The bytes of a file as lines or as JSON values, of which only the one that is looked at is in memory.

use std::cell::Cell;
use std::io::{ErrorKind, Read};
use std::ops::Range;
use std::rc::Rc;

use super::super::record::Failure;
use super::json::plain;

/// A resource that is longer is damaged: the JSON of one is a few kilobytes.
pub(super) const LONGEST: usize = 256 << 20;
/// Bytes read at once.
const CHUNK: usize = 256 << 10;

/// Why there is no next value.
#[derive(Debug)]
pub(super) enum Stop {
    /// The file ends within it, it is too long, or something else stands there.
    Damaged,
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Stop {
        Stop::Failed(failure)
    }
}

/// Counts the bytes that are read of a file.
pub(super) struct Counted<R> {
    pub inner: R,
    pub count: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.set(self.count.get().saturating_add(read as u64));
        Ok(read)
    }
}

pub(super) struct Source<R> {
    input: R,
    buffer: Vec<u8>,
    /// What stays in the buffer begins here.
    mark: usize,
    at: usize,
    /// The place of the buffer's first byte in the file.
    place: u64,
    ended: bool,
}

impl<R: Read> Source<R> {
    pub fn new(input: R) -> Source<R> {
        Source { input, buffer: vec![], mark: 0, at: 0, place: 0, ended: false }
    }

    /// Makes at least `bytes` bytes stand in the buffer if the file has them, and shows all there are.
    pub fn peek(&mut self, bytes: usize) -> Result<&[u8], Failure> {
        while self.buffer.len().saturating_sub(self.at) < bytes && self.fill()? {}
        Ok(self.buffer.get(self.at..).unwrap_or_default())
    }

    /// Passes over bytes that were peeked at.
    pub fn pass(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes).min(self.buffer.len());
    }

    /// Reads on; whether there was more.
    fn fill(&mut self) -> Result<bool, Failure> {
        if self.ended {
            return Ok(false);
        }
        if self.mark > 0 {
            self.buffer.drain(..self.mark);
            self.place = self.place.saturating_add(self.mark as u64);
            self.at = self.at.saturating_sub(self.mark);
            self.mark = 0;
        }
        let filled = self.buffer.len();
        self.buffer.resize(filled.saturating_add(CHUNK), 0);
        let read = loop {
            match self.input.read(self.buffer.get_mut(filled..).unwrap_or_default()) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        self.buffer.truncate(filled.saturating_add(*read.as_ref().unwrap_or(&0)));
        match read {
            Ok(read) => {
                self.ended = read == 0;
                Ok(read > 0)
            }
            Err(error) => {
                let place = self.place.saturating_add(filled as u64);
                Err(Failure::Unreadable(format!("reading fails behind byte {place}: {error}")))
            }
        }
    }

    /// The next line without its end, and the byte at which it begins.
    pub fn line(&mut self) -> Result<Option<(u64, &[u8])>, Failure> {
        self.mark = self.at;
        let mut looked = self.at;
        loop {
            if let Some(found) = memchr::memchr(b'\n', self.buffer.get(looked..).unwrap_or_default()) {
                let end = looked.saturating_add(found);
                self.at = end.saturating_add(1);
                return Ok(Some((self.marked_place(), self.buffer.get(self.mark..end).unwrap_or_default())));
            }
            // A line without end is given in pieces, none of which is JSON.
            let length = self.buffer.len().saturating_sub(self.mark);
            if length > LONGEST || !self.fill()? {
                self.at = self.buffer.len();
                let line = self.buffer.get(self.mark..).unwrap_or_default();
                return Ok(if line.is_empty() { None } else { Some((self.place.saturating_add(self.mark as u64), line)) });
            }
            looked = self.mark.saturating_add(length);
        }
    }

    /// Everything from here on stays in memory, until the next mark.
    pub fn set_mark(&mut self) {
        self.mark = self.at;
    }

    /// What was read since the mark.
    pub fn marked(&self) -> &[u8] {
        self.buffer.get(self.mark..self.at).unwrap_or_default()
    }

    /// The byte of the file at which the mark stands.
    pub fn marked_place(&self) -> u64 {
        self.place.saturating_add(self.mark as u64)
    }

    fn byte(&mut self) -> Result<Option<u8>, Stop> {
        loop {
            if let Some(byte) = self.buffer.get(self.at) {
                return Ok(Some(*byte));
            }
            if self.buffer.len().saturating_sub(self.mark) > LONGEST {
                return Err(Stop::Damaged);
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// The next byte that is no space, and not passed over.
    pub fn next(&mut self) -> Result<Option<u8>, Stop> {
        loop {
            match self.byte()? {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                byte => return Ok(byte),
            }
        }
    }

    /// Passes over `expected` if it is the next byte but space.
    pub fn accept(&mut self, expected: u8) -> Result<bool, Stop> {
        let found = self.next()? == Some(expected);
        self.at += usize::from(found);
        Ok(found)
    }

    /// Passes over a JSON value, by its brackets and quotes alone; its place behind the mark.
    pub fn value(&mut self) -> Result<Range<usize>, Stop> {
        let first = self.next()?.ok_or(Stop::Damaged)?;
        let start = self.at.saturating_sub(self.mark);
        let mut depth = 0_usize;
        loop {
            let byte = match self.byte()? {
                Some(byte) => byte,
                // A number at the end of the file.
                None if depth == 0 && !matches!(first, b'"' | b'{' | b'[') => break,
                None => return Err(Stop::Damaged),
            };
            match byte {
                b'"' => {
                    self.at += 1;
                    self.quoted()?;
                }
                b'{' | b'[' => {
                    self.at += 1;
                    depth += 1;
                    continue;
                }
                b'}' | b']' | b',' | b':' | b' ' | b'\t' | b'\r' | b'\n' if depth == 0 => break,
                b'}' | b']' => {
                    self.at += 1;
                    depth -= 1;
                }
                _ => {
                    self.at += 1;
                    continue;
                }
            }
            if depth == 0 {
                break;
            }
        }
        let end = self.at.saturating_sub(self.mark);
        if end > start { Ok(start..end) } else { Err(Stop::Damaged) }
    }

    /// Goes behind the closing quote.
    fn quoted(&mut self) -> Result<(), Stop> {
        loop {
            self.at += plain(self.buffer.get(self.at..).unwrap_or_default());
            match self.byte()? {
                None => return Err(Stop::Damaged),
                Some(byte) => {
                    self.at += 1;
                    match byte {
                        b'"' => return Ok(()),
                        b'\\' => {
                            self.byte()?;
                            self.at += 1;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
}
