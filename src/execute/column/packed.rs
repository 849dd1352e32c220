//! Numbers in few bits (Parquet `Encodings.md`, "Run Length Encoding / Bit-Packing Hybrid" and
//! "Delta Encoding").

/// Equal values from which a run is shorter than packed bits.
const RUN: usize = 64;
/// Values in a block of deltas, and in each of its four miniblocks.
const BLOCK: usize = 128;
const MINIBLOCK: usize = 32;

/// The hybrid of run lengths and packed bits, for values below 2^`width`, `width` at most 32.
pub fn hybrid(values: &[u32], width: u32, out: &mut Vec<u8>) {
    let (mut packed_from, mut at) = (0, 0);
    while let Some(eight) = values.get(at..at + 8) {
        let value = eight.first().copied().unwrap_or_default();
        let mut end = at;
        // Packed values come in groups of eight, and so runs begin at one.
        while values.get(end..end + 8).is_some_and(|eight| eight.iter().fold(true, |same, v| same & (*v == value))) {
            end += 8;
        }
        if end - at >= RUN {
            pack(values.get(packed_from..at).unwrap_or_default(), width, out);
            varint(((end - at) as u64) << 1, out);
            out.extend_from_slice(value.to_le_bytes().get(..width.div_ceil(8) as usize).unwrap_or_default());
            packed_from = end;
        }
        at = end.max(at + 8);
    }
    pack(values.get(packed_from..).unwrap_or_default(), width, out);
}

fn pack(values: &[u32], width: u32, out: &mut Vec<u8>) {
    if values.is_empty() {
        return;
    }
    let groups = values.len().div_ceil(8);
    varint((groups as u64) << 1 | 1, out);
    out.reserve(groups * width as usize);
    let (whole, rest) = values.as_chunks::<8>();
    whole.iter().for_each(|eight| eight_packed(eight, width, out));
    if !rest.is_empty() {
        let mut eight = [0; 8];
        eight.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        eight_packed(&eight, width, out);
    }
}

/// Eight values are `width` bytes, least significant bit first.
#[inline]
fn eight_packed(values: &[u32; 8], width: u32, out: &mut Vec<u8>) {
    if width <= 16 {
        let mut bits = 0_u128;
        for (at, value) in (0..).zip(values) {
            bits |= u128::from(*value) << (at * width);
        }
        out.extend_from_slice(bits.to_le_bytes().get(..width as usize).unwrap_or_default());
    } else {
        bits_packed(&values.map(u64::from), width, out);
    }
}

/// Values of `width` bits each (at most 64), a multiple of eight of them.
fn bits_packed(values: &[u64], width: u32, out: &mut Vec<u8>) {
    let (mut bits, mut filled) = (0_u128, 0);
    for value in values {
        bits |= u128::from(*value) << filled;
        filled += width;
        while filled >= 8 {
            out.push(bits as u8);
            bits >>= 8;
            filled -= 8;
        }
    }
}

/// `DELTA_BINARY_PACKED`; differences wrap around, as the format wants it.
pub fn deltas(values: &[i64], out: &mut Vec<u8>) {
    varint(BLOCK as u64, out);
    varint((BLOCK / MINIBLOCK) as u64, out);
    varint(values.len() as u64, out);
    let Some((first, _)) = values.split_first() else { return varint(0, out) };
    varint(zigzag(*first), out);
    let differences: Vec<i64> = values.array_windows().map(|[a, b]| b.wrapping_sub(*a)).collect();
    for block in differences.chunks(BLOCK) {
        let least = block.iter().copied().min().unwrap_or_default();
        varint(zigzag(least), out);
        let widths_at = out.len();
        out.extend_from_slice(&[0; BLOCK / MINIBLOCK]);
        for (mini, part) in block.chunks(MINIBLOCK).enumerate() {
            let mut above = [0_u64; MINIBLOCK];
            above.iter_mut().zip(part).for_each(|(to, from)| *to = from.wrapping_sub(least) as u64);
            let width = 64 - above.iter().fold(0, |all, v| all | v).leading_zeros();
            if let Some(slot) = out.get_mut(widths_at + mini) {
                *slot = width as u8;
            }
            bits_packed(&above, width, out);
        }
    }
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

pub fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
