//! Unpacking of the cases of a system file.
//!
//! Byte packing (PSPP: "Data Record"): a block of eight codes, then the elements that the codes
//! could not hold. ZSAV ("Data Record in ZSAV") is the same in blocks that zlib has packed.

use std::io::{self, Cursor, ErrorKind, Read, Seek};

use flate2::read::ZlibDecoder;

use super::super::input::{Input, Order, damaged};
use super::Failure;

/// Gives unpacked elements.
pub(super) struct Elements<S> {
    source: S,
    order: Order,
    bias: f64,
    sysmis: f64,
    buffer: Vec<u8>,
    from: usize,
    to: usize,
    codes: [u8; 8],
    /// The next of the codes.
    next: usize,
}

const BUFFER: usize = 128 << 10;

impl<S: Read> Elements<S> {
    pub(super) fn new(source: S, order: Order, bias: f64, sysmis: f64) -> Self {
        Self { source, order, bias, sysmis, buffer: vec![0; BUFFER], from: 0, to: 0, codes: [0; 8], next: 8 }
    }

    pub(super) fn source(&self) -> &S {
        &self.source
    }

    /// Fills a case; `false` where the file has no further one.
    pub(super) fn case(&mut self, case: &mut [u8]) -> Result<bool, Failure> {
        for (index, element) in case.chunks_exact_mut(8).enumerate() {
            match self.element()? {
                Some(bytes) => element.copy_from_slice(&bytes),
                None if index == 0 => return Ok(false),
                None => return Err(damaged("it is cut off within a case")),
            }
        }
        Ok(true)
    }

    fn element(&mut self) -> Result<Option<[u8; 8]>, Failure> {
        loop {
            let Some(code) = self.codes.get(self.next).copied() else {
                let Some(codes) = self.raw()? else { return Ok(None) };
                (self.codes, self.next) = (codes, 0);
                continue;
            };
            self.next += 1;
            let value = match code {
                0 => continue,
                252 => return Ok(None),
                253 => return self.raw()?.map(Some).ok_or_else(|| damaged("it is cut off within a case")),
                254 => return Ok(Some(*b"        ")),
                255 => self.sysmis,
                code => f64::from(code) - self.bias,
            };
            return Ok(Some(match self.order {
                Order::Little => value.to_le_bytes(),
                Order::Big => value.to_be_bytes(),
            }));
        }
    }

    /// The next eight bytes as they are; none at the end.
    fn raw(&mut self) -> Result<Option<[u8; 8]>, Failure> {
        loop {
            if let Some(found) = self.buffer.get(self.from..self.to).and_then(|b| b.first_chunk::<8>()) {
                self.from += 8;
                return Ok(Some(*found));
            }
            self.buffer.copy_within(self.from..self.to, 0);
            (self.from, self.to) = (0, self.to - self.from);
            let room = self.buffer.get_mut(self.to..).unwrap_or_default();
            match self.source.read(room) {
                Ok(0) => return Ok(None),
                Ok(n) => self.to += n,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(damaged(e.to_string())),
            }
        }
    }
}

/// The unpacked blocks of a ZSAV file, one after the other.
pub(super) struct Blocks<R> {
    input: Input<R>,
    /// Where the packed blocks lie, the next last.
    places: Vec<(u64, u64)>,
    block: Option<ZlibDecoder<Cursor<Vec<u8>>>>,
}

impl<R: Read + Seek> Blocks<R> {
    /// From the small head before the blocks and the table behind them.
    pub(super) fn new(mut input: Input<R>, order: Order) -> Result<Self, Failure> {
        const WHAT: &str = "the table of packed blocks";
        let head = input.array::<24>(WHAT)?;
        input.go(order.u64(&head, 8), WHAT)?;
        let table = input.chunk(order.u64(&head, 16).min(input.left()), WHAT)?;
        let count = usize::try_from(order.u32(&table, 20)).unwrap_or_default();
        let entries = table.get(24..).unwrap_or_default().chunks_exact(24);
        if entries.len() < count {
            return Err(input.short(WHAT));
        }
        let mut places: Vec<_> = entries.take(count).map(|e| (order.u64(e, 8), u64::from(order.u32(e, 20)))).collect();
        // The blocks lie one behind the other; a table that names one again and again would unpack it as often.
        if places.iter().fold(0u64, |sum, (_, len)| sum.saturating_add(*len)) > input.len() {
            return Err(damaged("its packed blocks are larger together than the file"));
        }
        places.reverse();
        Ok(Self { input, places, block: None })
    }

    pub(super) fn input(&self) -> &Input<R> {
        &self.input
    }
}

impl<R: Read + Seek> Read for Blocks<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(block) = &mut self.block {
                match block.read(buf)? {
                    0 => self.block = None,
                    n => return Ok(n),
                }
            }
            let Some((at, len)) = self.places.pop() else { return Ok(0) };
            let cut = |_| io::Error::other(format!("a packed block at byte {at} runs beyond its end"));
            self.input.go(at, "").map_err(cut)?;
            self.block = Some(ZlibDecoder::new(Cursor::new(self.input.chunk(len, "").map_err(cut)?)));
        }
    }
}
