//! What lies behind the rows of a Stata file: long texts and value labels.

use std::collections::HashMap;
use std::io::{Read, Seek};
use std::rc::Rc;

use super::super::input::{Input, damaged, slice, until_zero};
use super::head::{name_width, tag};
use super::{Failure, Kind, Labels, Layout, LongTexts, Value, letter, stored};

const SETS: &str = "the value labels";
const TEXTS: &str = "the long texts";
/// How much longer labels may be than the place that they are stored in.
const SHARED: usize = 64;

/// Where the long texts lie.
pub(super) fn long_texts<R: Read + Seek>(input: &mut Input<R>, layout: &Layout) -> Result<LongTexts, Failure> {
    let mut places = LongTexts::new();
    input.go(layout.long_texts, TEXTS)?;
    tag(input, "<strls>")?;
    let order = layout.order;
    while &input.array::<3>(TEXTS)? == b"GSO" {
        let variable = u64::from(order.u32(&input.array::<4>(TEXTS)?, 0));
        let observation = match layout.release {
            117 => u64::from(order.u32(&input.array::<4>(TEXTS)?, 0)),
            _ => order.u64(&input.array::<8>(TEXTS)?, 0),
        };
        // Binary (129) or text (130): a text with zero bytes in it is stored as binary.
        let _kind = input.array::<1>(TEXTS)?;
        let len = u64::from(order.u32(&input.array::<4>(TEXTS)?, 0));
        places.insert((variable, observation), (input.at(), len));
        input.skip(len, TEXTS)?;
    }
    Ok(places)
}

/// All sets of value labels, by name.
pub(super) fn read<R: Read + Seek>(input: &mut Input<R>, layout: &Layout) -> Result<HashMap<String, Rc<Labels>>, Failure> {
    let mut sets = HashMap::new();
    input.go(layout.labels, SETS)?;
    let framed = layout.release >= 117;
    if framed {
        tag(input, "<value_labels>")?;
    }
    loop {
        if framed {
            if &input.array::<5>(SETS)? != b"<lbl>" {
                return Ok(sets);
            }
        } else if input.left() == 0 {
            return Ok(sets);
        }
        let (name, labels) = if layout.release < 108 { old_set(input, layout)? } else { set(input, layout)? };
        sets.insert(name, Rc::new(labels));
        if framed {
            tag(input, "</lbl>")?;
        }
    }
}

/// A set: its name, then numbers of the places of the texts, the values, the texts.
fn set<R: Read + Seek>(input: &mut Input<R>, layout: &Layout) -> Result<(String, Labels), Failure> {
    let order = layout.order;
    let len = order.u32(&input.array::<4>(SETS)?, 0);
    let name = name(input, layout, 3)?;
    let table = input.chunk(u64::from(len), SETS)?;
    let count = usize::try_from(order.u32(&table, 0)).unwrap_or_default();
    let places = table.get(8..).unwrap_or_default();
    let values = places.get(count.saturating_mul(4)..).unwrap_or_default();
    let texts = values.get(count.saturating_mul(4)..).unwrap_or_default();
    let (mut labels, mut length) = (Labels::default(), 0usize);
    for (place, value) in places.chunks_exact(4).zip(values.chunks_exact(4)).take(count) {
        let text = until_zero(texts.get(usize::try_from(order.u32(place, 0)).unwrap_or(usize::MAX)..).unwrap_or_default());
        // Values may share a text, but not each of them a long one.
        length = length.saturating_add(text.len());
        if length > table.len().saturating_mul(SHARED) {
            return Err(damaged("value labels repeat their texts"));
        }
        add(&mut labels, stored(value, Kind::Long, order, layout.release), layout.charset.label(text));
    }
    Ok((name, labels))
}

/// A set of the releases before 108: values of two bytes, texts of eight.
fn old_set<R: Read + Seek>(input: &mut Input<R>, layout: &Layout) -> Result<(String, Labels), Failure> {
    let count = layout.order.u16(&input.array::<2>(SETS)?, 0);
    let name = name(input, layout, 1)?;
    let values = input.chunk(2 * u64::from(count), SETS)?;
    let texts = input.chunk(8 * u64::from(count), SETS)?;
    let mut labels = Labels::default();
    for (value, text) in values.chunks_exact(2).zip(texts.chunks_exact(8)) {
        add(&mut labels, Value::Whole(i32::from(layout.order.i16(value, 0))), layout.charset.label(until_zero(text)));
    }
    Ok((name, labels))
}

fn add(labels: &mut Labels, value: Value, label: String) {
    match value {
        Value::Whole(whole) => labels.add_number(f64::from(whole), label),
        Value::Missing(tag @ 1..) => {
            labels.tags.insert(letter(tag), label);
        }
        _ => {}
    }
}

fn name<R: Read + Seek>(input: &mut Input<R>, layout: &Layout, padding: u64) -> Result<String, Failure> {
    let width = name_width(layout.release);
    let field = input.chunk(width + padding, SETS)?;
    Ok(layout.charset.label(until_zero(slice(&field, 0, usize::try_from(width).unwrap_or_default()))))
}
