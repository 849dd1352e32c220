//! Finding the bytes that matter: delimiter, line end, quote, escape.
//!
//! A record has a structural byte every few bytes, too often for one `memchr` call each. So 64 bytes
//! are compared at a time and the hits kept as the bits of a word; walking the bits costs about a
//! nanosecond a hit. SSE2 is part of every x86-64, so no detection at run time is needed; elsewhere
//! the compiler makes what it can of a plain loop.

/// Bytes looked at in one go.
const CHUNK: usize = 64;

/// The bytes to look for, each as often as a vector register holds.
#[derive(Clone, Debug)]
pub(super) struct Needles([[u8; 16]; 4]);

impl Needles {
    /// A role that a dialect does not use repeats another one.
    pub(super) fn new(bytes: [u8; 4]) -> Self {
        Self(bytes.map(|byte| [byte; 16]))
    }
}

/// A place in a walk over the structural bytes of one buffer. The same buffer and needles must be
/// passed to every call until the next `seek`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Marks {
    base: usize,
    hits: u64,
}

impl Marks {
    /// A walk that begins at `at`.
    pub(super) fn at(buf: &[u8], needles: &Needles, at: usize) -> Self {
        let base = at - at % CHUNK;
        Self { base, hits: load(buf, base, needles) & (u64::MAX << (at % CHUNK)) }
    }

    /// The position of the next structural byte.
    #[inline(always)]
    pub(super) fn next(&mut self, buf: &[u8], needles: &Needles) -> Option<usize> {
        while self.hits == 0 {
            let base = self.base.saturating_add(CHUNK);
            if base >= buf.len() {
                return None;
            }
            self.base = base;
            self.hits = load(buf, base, needles);
        }
        let bit = self.hits.trailing_zeros() as usize;
        self.hits &= self.hits - 1;
        Some(self.base + bit)
    }

    /// Leaves out position `at`, the one right behind the mark returned last.
    #[inline]
    pub(super) fn drop_next(&mut self, buf: &[u8], needles: &Needles, at: usize) {
        if at.is_multiple_of(CHUNK) {
            *self = Self::at(buf, needles, at + 1);
        } else {
            self.hits &= !(1 << (at % CHUNK));
        }
    }
}

#[inline(always)]
fn load(buf: &[u8], base: usize, needles: &Needles) -> u64 {
    let rest = buf.get(base..).unwrap_or_default();
    match rest.first_chunk::<CHUNK>() {
        Some(chunk) => hits(chunk, needles),
        None => {
            let mut chunk = [0; CHUNK];
            chunk[..rest.len()].copy_from_slice(rest);
            hits(&chunk, needles) & !(u64::MAX << rest.len())
        }
    }
}

#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
#[inline(always)]
fn hits(chunk: &[u8; CHUNK], needles: &Needles) -> u64 {
    use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128};

    let (lanes, _) = chunk.as_chunks::<16>();
    let mut word = 0;
    for (i, lane) in lanes.iter().enumerate() {
        // SAFETY: the instructions are SSE2, which this function is compiled for (see its `cfg`), and
        // the loads read sixteen bytes of arrays of sixteen, from any alignment.
        let mask = unsafe {
            let [a, b, c, d] = needles.0.each_ref().map(|needle| _mm_loadu_si128(needle.as_ptr().cast()));
            let bytes = _mm_loadu_si128(lane.as_ptr().cast());
            let ab = _mm_or_si128(_mm_cmpeq_epi8(bytes, a), _mm_cmpeq_epi8(bytes, b));
            let cd = _mm_or_si128(_mm_cmpeq_epi8(bytes, c), _mm_cmpeq_epi8(bytes, d));
            _mm_movemask_epi8(_mm_or_si128(ab, cd))
        };
        word |= u64::from(mask as u16) << (16 * i);
    }
    word
}

#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
#[inline(always)]
fn hits(chunk: &[u8; CHUNK], needles: &Needles) -> u64 {
    plain_hits(chunk, needles)
}

/// The same without vector instructions.
#[cfg(any(test, not(all(target_arch = "x86_64", target_feature = "sse2"))))]
fn plain_hits(chunk: &[u8; CHUNK], needles: &Needles) -> u64 {
    chunk
        .iter()
        .enumerate()
        .fold(0, |word, (i, byte)| word | (u64::from(needles.0.iter().any(|needle| needle[0] == *byte)) << i))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{Marks, Needles, hits, plain_hits};

    proptest! {
        #[test]
        fn marks_are_the_needles_and_nothing_else(
            bytes in proptest::collection::vec(proptest::sample::select(b"a,\n\"\\\0".to_vec()), 0..400),
            from in 0usize..420,
            chunk in any::<[u8; 32]>(),
        ) {
            let needles = Needles::new(*b",\n\"\\");
            let mut marks = Marks::at(&bytes, &needles, from);
            let found: Vec<usize> = std::iter::from_fn(|| marks.next(&bytes, &needles)).collect();
            let wanted: Vec<usize> =
                (from..bytes.len()).filter(|&i| b",\n\"\\".contains(&bytes[i])).collect();
            assert_eq!(found, wanted);
            let twice: [u8; 64] = std::array::from_fn(|i| chunk[i % 32]);
            assert_eq!(hits(&twice, &needles), plain_hits(&twice, &needles));
        }
    }
}
