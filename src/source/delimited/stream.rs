//! From the bytes on disk to the bytes that are split.
//!
//! For most files these are the same. Compressed files are unpacked, and encodings in which a byte
//! that looks like a delimiter may be part of a character (UTF-16, Shift_JIS, …) are turned into
//! UTF-8 here, so that everything behind this module handles one kind of text. A character that
//! cannot be decoded becomes the byte 0xFF, which no UTF-8 holds: the reader then finds and flags it
//! like any other invalid byte.

use std::io::{self, ErrorKind, Read};

use super::dialect::{Compression, Dialect};

const BUFFER: usize = 64 << 10;

/// A reader that may travel to another thread.
pub(super) type Source<'a> = Box<dyn Read + Send + 'a>;

/// The bytes to split, of a file whose bytes on disk come from `raw`.
///
/// Where the encoding is decoded on the way, the byte order mark is left out; elsewhere the bytes
/// are those of the (unpacked) file.
pub(super) fn decoded<'a>(raw: impl Read + Send + 'a, dialect: &Dialect) -> io::Result<Source<'a>> {
    transcoded(unpacked(raw, dialect.compression)?, dialect)
}

/// The decompressed bytes.
pub(super) fn unpacked<'a>(raw: impl Read + Send + 'a, compression: Compression) -> io::Result<Source<'a>> {
    Ok(match compression {
        Compression::None => Box::new(raw),
        Compression::Gzip => Box::new(flate2::read::MultiGzDecoder::new(raw)),
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::new(raw)?),
    })
}

/// The bytes to split, from the decompressed ones.
pub(super) fn transcoded<'a>(mut unpacked: Source<'a>, dialect: &Dialect) -> io::Result<Source<'a>> {
    let Some(encoding) = dialect.encoding.stream_decoder() else { return Ok(unpacked) };
    let mut mark = vec![0; dialect.bom_bytes];
    fill(&mut unpacked, &mut mark)?;
    Ok(Box::new(Transcoder {
        inner: unpacked,
        decoder: encoding.new_decoder_without_bom_handling(),
        input: vec![0; BUFFER],
        read: 0..0,
        output: vec![0; BUFFER],
        written: 0..0,
        last: false,
        done: false,
    }))
}

/// Reads until `buf` is full or nothing follows; the number of bytes read.
pub(super) fn fill(from: &mut (impl Read + ?Sized), buf: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buf.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// How many bytes of UTF-16 became this UTF-8 (with 0xFF for a lone surrogate).
pub(super) fn utf16_bytes(text: &[u8]) -> u64 {
    text.iter()
        .map(|&byte| match byte {
            0x80..=0xBF => 0,
            0xF0..=0xF4 => 4,
            _ => 2,
        })
        .sum()
}

struct Transcoder<R> {
    inner: R,
    decoder: encoding_rs::Decoder,
    input: Vec<u8>,
    /// The part of `input` not yet decoded.
    read: std::ops::Range<usize>,
    output: Vec<u8>,
    /// The part of `output` not yet handed on.
    written: std::ops::Range<usize>,
    /// The inner reader has nothing more.
    last: bool,
    done: bool,
}

impl<R: Read> Transcoder<R> {
    fn decode_some(&mut self) -> io::Result<()> {
        if self.read.is_empty() && !self.last {
            let n = fill(&mut self.inner, &mut self.input)?;
            self.read = 0..n;
            self.last = n < self.input.len();
        }
        let room = self.output.len() - 1;
        let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(
            &self.input[self.read.clone()],
            &mut self.output[..room],
            self.last,
        );
        self.read.start += read;
        self.written = 0..written;
        match result {
            encoding_rs::DecoderResult::InputEmpty => self.done = self.last,
            encoding_rs::DecoderResult::OutputFull => {}
            encoding_rs::DecoderResult::Malformed(..) => {
                self.output[written] = 0xFF;
                self.written.end += 1;
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Transcoder<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.written.is_empty() && !self.done {
            self.decode_some()?;
        }
        let n = buf.len().min(self.written.len());
        buf[..n].copy_from_slice(&self.output[self.written.start..self.written.start + n]);
        self.written.start += n;
        Ok(n)
    }
}
