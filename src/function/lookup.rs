//! A set of keys and where each stands in its list.
//!
//! Keys of up to twelve bytes are compared as views, which are integers: a few of them lie in a table
//! where no two meet, many in a hash table. A set of a list that travels as one literal is made
//! ready once, and kept as long as others do not crowd it out.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{AsArray, ListArray};
use datafusion::common::{Result, plan_datafusion_err};

use super::clean::lower;
use super::column::{Cell, INLINE, view};

/// A set of texts and where each stands in its list.
pub(super) struct Keys {
    ignore_case: bool,
    index: Index,
}

enum Index {
    /// Up to 16 keys of up to twelve bytes, as views.
    Few(Few),
    Many {
        short: HashMap<u128, usize, BuildHasherDefault<Mix>>,
        long: HashMap<Box<[u8]>, usize>,
    },
}

/// A table in which no two keys meet: a search is one comparison, and guesses no branch wrong that
/// depends on the order of the codes.
struct Few {
    /// Views and their places; of a free slot the view is none that a short text has.
    slots: Vec<(u128, usize)>,
    multiplier: u64,
    shift: u32,
}

impl Few {
    const FREE: (u128, usize) = (u128::MAX, 0);

    /// `None` where keys meet for all multipliers tried.
    fn new(keys: &[u128]) -> Option<Self> {
        // As many slots as two keys in a birthday's chance of one half would want, and twice that.
        let bits = (keys.len() * keys.len()).next_power_of_two().trailing_zeros().clamp(3, 8);
        let mut multiplier = 0x9E37_79B9_7F4A_7C15_u64;
        for _ in 0..64 {
            let mut few = Self { slots: vec![Self::FREE; 1 << bits], multiplier, shift: 64 - bits };
            let placed = keys.iter().enumerate().all(|(at, key)| {
                let slot = few.slot(*key);
                match few.slots.get_mut(slot) {
                    Some(slot) if *slot == Self::FREE => {
                        *slot = (*key, at);
                        true
                    }
                    // The first of equal keys counts.
                    Some((other, _)) => other == key,
                    None => false,
                }
            });
            if placed {
                return Some(few);
            }
            multiplier = multiplier.wrapping_mul(0xD6E8_FEB8_6659_FD93) | 1;
        }
        None
    }

    #[inline]
    fn slot(&self, key: u128) -> usize {
        let folded = (key as u64).rotate_left(23) ^ (key >> 64) as u64;
        (folded.wrapping_mul(self.multiplier) >> self.shift) as usize
    }

    #[inline]
    fn find(&self, key: u128) -> Option<usize> {
        self.slots.get(self.slot(key)).filter(|(other, _)| *other == key).map(|(_, at)| *at)
    }
}

/// A list that was made ready, with the list itself: while it is kept its address is its own.
type Prepared = (Arc<ListArray>, bool, Arc<Keys>);

/// The lists made ready last. A function has no state of its own; this is only memory of what
/// would come out again.
static PREPARED: Mutex<Vec<Prepared>> = Mutex::new(vec![]);
const MOST_PREPARED: usize = 64;

/// The keys of a list, made ready once.
pub(super) fn prepared(function: &str, list: &Arc<ListArray>, ignore_case: bool) -> Result<Arc<Keys>> {
    let known = |kept: &[Prepared]| {
        kept.iter().find(|(other, fold, _)| Arc::ptr_eq(other, list) && *fold == ignore_case).map(|(.., keys)| Arc::clone(keys))
    };
    if let Some(keys) = known(&PREPARED.lock().unwrap_or_else(PoisonError::into_inner)) {
        return Ok(keys);
    }
    let texts = list.values();
    let texts = texts.as_string_view_opt().ok_or_else(|| plan_datafusion_err!("{function}: the keys must be a list of texts"))?;
    let texts = texts.iter().map(|key| key.ok_or_else(|| plan_datafusion_err!("{function}: a key must not be NULL")));
    let keys = Arc::new(Keys::new(&texts.collect::<Result<Vec<_>>>()?, ignore_case));
    let mut kept = PREPARED.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.len() >= MOST_PREPARED {
        kept.remove(0);
    }
    kept.push((Arc::clone(list), ignore_case, Arc::clone(&keys)));
    Ok(keys)
}

impl Keys {
    pub(super) fn new(keys: &[&str], ignore_case: bool) -> Self {
        let folded = keys.iter().map(|key| {
            let mut folded = Vec::new();
            match ignore_case {
                true => lower(key.as_bytes(), &mut folded),
                false => folded.extend_from_slice(key.as_bytes()),
            }
            folded
        });
        let folded: Vec<_> = folded.collect();
        if folded.len() <= 16 && folded.iter().all(|key| key.len() <= INLINE) {
            let views: Vec<_> = folded.iter().map(|key| view(key, 0, 0)).collect();
            if let Some(few) = Few::new(&views) {
                return Self { ignore_case, index: Index::Few(few) };
            }
        }
        let (mut short, mut long) = (HashMap::default(), HashMap::new());
        for (at, key) in folded.into_iter().enumerate() {
            if key.len() <= INLINE {
                short.entry(view(&key, 0, 0)).or_insert(at);
            } else {
                long.entry(key.into_boxed_slice()).or_insert(at);
            }
        }
        Self {
            ignore_case,
            index: Index::Many { short, long },
        }
    }

    /// Where the cell's text stands among the keys; `scratch` is room to fold it in.
    #[inline]
    pub(super) fn find(&self, cell: Cell<'_>, scratch: &mut Vec<u8>) -> Option<usize> {
        if !self.ignore_case {
            return if cell.bytes.len() <= INLINE {
                self.short(cell.view)
            } else {
                self.long(cell.bytes)
            };
        }
        if cell.bytes.len() <= INLINE && cell.view & repeated(0x80) == 0 {
            return self.short(ascii_lower(cell.view));
        }
        scratch.clear();
        lower(cell.bytes, scratch);
        if scratch.len() <= INLINE {
            self.short(view(scratch, 0, 0))
        } else {
            self.long(scratch)
        }
    }

    #[inline]
    fn short(&self, key: u128) -> Option<usize> {
        match &self.index {
            Index::Few(few) => few.find(key),
            Index::Many { short, .. } => short.get(&key).copied(),
        }
    }

    fn long(&self, key: &[u8]) -> Option<usize> {
        match &self.index {
            Index::Few(_) => None,
            Index::Many { long, .. } => long.get(key).copied(),
        }
    }
}

/// The same byte sixteen times.
const fn repeated(byte: u8) -> u128 {
    u128::from_le_bytes([byte; 16])
}

/// ASCII capitals of a short text's view to small letters, all bytes at once. The length (at most
/// twelve) and the padding are no capitals.
pub(super) fn ascii_lower(view: u128) -> u128 {
    let from_a = view.wrapping_add(repeated(0x80 - b'A'));
    let after_z = view.wrapping_add(repeated(0x80 - b'Z' - 1));
    view | (from_a & !after_z & repeated(0x80)) >> 2
}

/// Hashes views: two multiplications, enough for keys that come from a mapping.
#[derive(Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        }
    }

    fn write_u128(&mut self, view: u128) {
        let folded = ((view as u64) ^ 0x243F_6A88_85A3_08D3).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mixed =
            (folded.rotate_left(32) ^ (view >> 64) as u64).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        self.0 = mixed ^ mixed >> 32;
    }
}
