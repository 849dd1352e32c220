//! Reading binary files without trust: sizes that the file states are held against what the file has.

use std::io::{BufReader, ErrorKind, Read, Seek, SeekFrom};

use super::{Failure, Output};

const BUFFER: usize = 256 << 10;

/// A file, read forward with jumps.
pub(super) struct Input<R> {
    inner: BufReader<R>,
    at: u64,
    len: u64,
}

impl<R: Read + Seek> Input<R> {
    pub(super) fn new(mut inner: R) -> Result<Self, Failure> {
        let len = inner.seek(SeekFrom::End(0)).map_err(|e| refused(&e))?;
        inner.rewind().map_err(|e| refused(&e))?;
        match len {
            0 => Err(Failure::Empty),
            _ => Ok(Self { inner: BufReader::with_capacity(BUFFER, inner), at: 0, len }),
        }
    }

    /// The byte that is read next.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn left(&self) -> u64 {
        self.len.saturating_sub(self.at)
    }

    /// Jumps to a byte; what is in the buffer stays there.
    pub(super) fn go(&mut self, to: u64, what: &str) -> Result<(), Failure> {
        if to > self.len {
            return Err(self.short(what));
        }
        let offset = i128::from(to) - i128::from(self.at);
        self.inner.seek_relative(i64::try_from(offset).map_err(|_| self.short(what))?).map_err(|e| refused(&e))?;
        self.at = to;
        Ok(())
    }

    pub(super) fn skip(&mut self, bytes: u64, what: &str) -> Result<(), Failure> {
        self.go(self.at.saturating_add(bytes), what)
    }

    /// The next bytes, as many as fit into `buf`, or an error that names `what`.
    pub(super) fn fill(&mut self, buf: &mut [u8], what: &str) -> Result<(), Failure> {
        if buf.len() as u64 > self.left() {
            return Err(self.short(what));
        }
        self.inner.read_exact(buf).map_err(|e| match e.kind() {
            ErrorKind::UnexpectedEof => self.short(what),
            _ => refused(&e),
        })?;
        self.at = self.at.saturating_add(buf.len() as u64);
        Ok(())
    }

    /// The next `bytes`; nothing is allocated that the file cannot fill.
    pub(super) fn chunk(&mut self, bytes: u64, what: &str) -> Result<Vec<u8>, Failure> {
        if bytes > self.left() {
            return Err(self.short(what));
        }
        let mut buf = vec![0; usize::try_from(bytes).map_err(|_| self.short(what))?];
        self.fill(&mut buf, what)?;
        Ok(buf)
    }

    pub(super) fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], Failure> {
        let mut buf = [0; N];
        self.fill(&mut buf, what)?;
        Ok(buf)
    }

    /// That the file ends within `what`.
    pub(super) fn short(&self, what: &str) -> Failure {
        Failure::Unreadable(format!("the file is cut off or damaged: {what} at byte {} runs beyond its end", self.at))
    }
}

/// As bytes of what was unpacked or cut: fewer than asked for only at the end.
impl<R: Read + Seek> Read for Input<R> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.at = self.at.saturating_add(n as u64);
        Ok(n)
    }
}

fn refused(error: &std::io::Error) -> Failure {
    Failure::Unreadable(error.to_string())
}

/// That something in the file cannot be.
pub(super) fn damaged(what: impl Into<String>) -> Failure {
    Failure::Unreadable(format!("the file is damaged: {}", what.into()))
}

/// The order of the bytes of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Big,
    Little,
}

macro_rules! numbers {
    ($($name:ident: $number:ty),*) => {$(
        /// The number at a place of `bytes`; beyond their end zeros are read.
        pub(super) fn $name(self, bytes: &[u8], at: usize) -> $number {
            let raw = piece(bytes, at);
            match self {
                Self::Big => <$number>::from_be_bytes(raw),
                Self::Little => <$number>::from_le_bytes(raw),
            }
        }
    )*};
}

impl Order {
    numbers!(u16: u16, u32: u32, u64: u64, i16: i16, i32: i32, i64: i64, f64: f64);
}

/// `N` bytes from a place on; beyond the end zeros.
pub(super) fn piece<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    match bytes.get(at..).and_then(|rest| rest.first_chunk::<N>()) {
        Some(found) => *found,
        None => [0; N],
    }
}

/// The bytes from a place on, as far as there are.
pub(super) fn slice(bytes: &[u8], at: usize, len: usize) -> &[u8] {
    let rest = bytes.get(at..).unwrap_or_default();
    rest.get(..len).unwrap_or(rest)
}

/// Up to the first zero byte.
pub(super) fn until_zero(bytes: &[u8]) -> &[u8] {
    bytes.split(|b| *b == 0).next().unwrap_or_default()
}

/// Without blanks and zero bytes at the end.
pub(super) fn trimmed(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | 0] = bytes {
        bytes = rest;
    }
    bytes
}

/// Tells the progress bar, but not for every row.
#[derive(Default)]
pub(super) struct Progress {
    told: u64,
}

impl Progress {
    pub(super) fn at(&mut self, byte: u64, out: &mut dyn Output) {
        let new = byte.saturating_sub(self.told);
        if new >= BUFFER as u64 {
            self.end(byte, out);
        }
    }

    pub(super) fn end(&mut self, byte: u64, out: &mut dyn Output) {
        out.read(byte.saturating_sub(self.told));
        self.told = self.told.max(byte);
    }
}
