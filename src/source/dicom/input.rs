//! Bytes of a file, of an entry of an archive or of an inflated data set, read forward only and through one small buffer.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// The bytes end before the header does, they contradict themselves, or the system refuses them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken;

impl From<io::Error> for Broken {
    fn from(_: io::Error) -> Broken {
        Broken
    }
}

/// Where bytes come from.
pub trait Source {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize>;
    /// Passes over bytes; may go past the end where the length is known.
    fn skip(&mut self, bytes: u64) -> io::Result<()>;
    /// In bytes, where it is known (or claimed).
    fn length(&self) -> Option<u64>;
}

/// A file: what is not wanted is not read.
pub struct Disk {
    pub file: File,
    pub length: u64,
}

impl Source for Disk {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.file.read(into)
    }

    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let bytes = i64::try_from(bytes).map_err(|_| io::ErrorKind::InvalidInput)?;
        self.file.seek(SeekFrom::Current(bytes)).map(|_| ())
    }

    fn length(&self) -> Option<u64> {
        Some(self.length)
    }
}

/// Anything that only reads, up to a limit: what is not wanted is read away.
pub struct Stream<R> {
    reader: io::Take<R>,
    length: Option<u64>,
}

impl<R: Read> Stream<R> {
    pub fn new(reader: R, limit: u64, length: Option<u64>) -> Stream<R> {
        Stream { reader: reader.take(limit), length }
    }
}

impl<R: Read> Source for Stream<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.reader.read(into)
    }

    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        match io::copy(&mut self.reader.by_ref().take(bytes), &mut io::sink())? {
            read if read == bytes => Ok(()),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn length(&self) -> Option<u64> {
        self.length
    }
}

/// Size of the buffer: most headers fit.
pub const BUFFER: usize = 16 * 1024;

/// A source behind a buffer that is reused from file to file.
pub struct Input<'a> {
    source: &'a mut dyn Source,
    buffer: &'a mut [u8],
    from: usize,
    to: usize,
    /// Bytes consumed.
    position: u64,
    length: Option<u64>,
}

impl<'a> Input<'a> {
    pub fn new(source: &'a mut dyn Source, buffer: &'a mut [u8]) -> Input<'a> {
        let length = source.length();
        Input { source, buffer, from: 0, to: 0, position: 0, length }
    }

    pub fn position(&self) -> u64 {
        self.position
    }

    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// The next bytes, `wanted` of them or fewer where the source ends.
    pub fn peek(&mut self, wanted: usize) -> Result<&[u8], Broken> {
        let wanted = wanted.min(self.buffer.len());
        if self.to - self.from < wanted {
            self.buffer.copy_within(self.from..self.to, 0);
            self.to -= self.from;
            self.from = 0;
            while self.to < wanted {
                match self.source.read(self.buffer.get_mut(self.to..).unwrap_or_default()) {
                    Ok(0) => break,
                    Ok(read) => self.to = self.to.saturating_add(read).min(self.buffer.len()),
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                    Err(e) => return Err(e.into()),
                }
            }
        }
        let end = self.from.saturating_add(wanted).min(self.to);
        Ok(self.buffer.get(self.from..end).unwrap_or_default())
    }

    /// The next bytes, all that are asked for.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        self.peek(N)?.try_into().map_err(|_| Broken)
    }

    /// Passes over bytes that must be there.
    pub fn skip(&mut self, bytes: u64) -> Result<(), Broken> {
        let after = self.position.checked_add(bytes).ok_or(Broken)?;
        if self.length.is_some_and(|length| after > length) {
            return Err(Broken);
        }
        let buffered = (self.to - self.from) as u64;
        if bytes <= buffered {
            self.from += usize::try_from(bytes).map_err(|_| Broken)?;
        } else {
            self.from = self.to;
            self.source.skip(bytes - buffered)?;
        }
        self.position = after;
        Ok(())
    }

    /// Takes bytes into `into`, which grows only as they come.
    pub fn take(&mut self, bytes: usize, into: &mut Vec<u8>) -> Result<(), Broken> {
        into.clear();
        while into.len() < bytes {
            let wanted = bytes - into.len();
            let part = self.peek(wanted)?;
            if part.is_empty() {
                return Err(Broken);
            }
            let read = part.len();
            into.extend_from_slice(part);
            self.skip(read as u64)?;
        }
        Ok(())
    }
}

impl Read for Input<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let part = self.peek(into.len().clamp(1, BUFFER)).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let read = part.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..read), part.get(..read)) {
            to.copy_from_slice(from);
        }
        self.skip(read as u64).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        Ok(read)
    }
}
