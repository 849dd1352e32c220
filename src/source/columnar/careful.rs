//! A Parquet file whose end is an error: the reader of page headers takes nothing for an answer as often as a damaged header says,
//! and what a header says is looked at before it is believed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use super::footer::{TAIL, states_too_much};

pub struct Careful {
    file: File,
    length: u64,
}

impl Careful {
    /// # Errors
    /// Where the file's length cannot be asked.
    pub fn new(file: File) -> io::Result<Careful> {
        let length = file.metadata()?.len();
        Ok(Careful { file, length })
    }

    fn at(&self, start: u64) -> io::Result<Ended> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(start))?;
        Ok(Ended(file))
    }
}

impl Length for Careful {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Careful {
    type T = BufReader<Ended>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        let mut reader = BufReader::new(self.at(start)?);
        // No page stands in the tail, which is read from here too.
        if start.saturating_add(TAIL) < self.length && states_too_much(reader.fill_buf()?) {
            return Err(ParquetError::General("the head of a page states more elements than it has bytes".to_owned()));
        }
        Ok(reader)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.length) {
            return Err(ParquetError::EOF("a part of the file that it states is beyond its end".to_owned()));
        }
        let mut buffer = vec![0; length];
        self.at(start)?.0.read_exact(&mut buffer)?;
        Ok(buffer.into())
    }
}

/// A file that has no end without an error.
pub struct Ended(File);

impl Read for Ended {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 if !buffer.is_empty() => Err(io::ErrorKind::UnexpectedEof.into()),
            read => Ok(read),
        }
    }
}
