//! The dictionary of a system file: what comes before the cases.

use std::collections::HashMap;
use std::io::{Read, Seek};
use std::rc::Rc;

use super::super::charset::Charset;
use super::super::input::{Input, Order, damaged, piece, slice, trimmed};
use super::{Failure, Form, Labels, Missing, Settings, Variable, form};

/// The dictionary, resolved.
pub(super) struct Dictionary {
    pub(super) order: Order,
    pub(super) packing: Packing,
    /// What a packed number is too high by.
    pub(super) bias: f64,
    /// The number of cases, where the file says it.
    pub(super) rows: Option<u64>,
    pub(super) charset: Charset,
    /// The number that stands for system missing.
    pub(super) sysmis: f64,
    pub(super) variables: Vec<Stored>,
    /// Elements of eight bytes in a case.
    pub(super) elements: usize,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Packing {
    None,
    Bytes,
    Zlib,
}

/// A variable and where a case has it.
pub(super) struct Stored {
    pub(super) shared: Variable,
    /// Its first element.
    pub(super) element: usize,
    /// The bytes of a text in all; 0 is a number.
    pub(super) width: usize,
}

impl AsRef<Variable> for Stored {
    fn as_ref(&self) -> &Variable {
        &self.shared
    }
}

/// The parts of a wide text: 255 bytes of each 256, one part for each 252 bytes of its width.
pub(super) const PART: usize = 255;
const PART_OF_WIDTH: usize = 252;
/// No text of SPSS is wider.
const WIDEST: usize = 32767;

/// A variable as its record has it; texts wider than 8 bytes are followed by records that only take room.
struct Raw {
    name: Vec<u8>,
    width: usize,
    element: usize,
    form: Form,
    missing: Missing,
    labels: Option<Rc<Labels>>,
}

/// A set of labels: the values as stored, the texts, the elements of the variables that have them.
type RawLabels = (Vec<([u8; 8], Vec<u8>)>, Vec<usize>);

#[derive(Default)]
struct Found {
    variables: Vec<Raw>,
    elements: usize,
    labels: Vec<RawLabels>,
    code_page: Option<i32>,
    encoding: Option<String>,
    sysmis: Option<f64>,
    long_names: Vec<u8>,
    wide_texts: Vec<u8>,
    wide_labels: Vec<u8>,
    wide_missing: Vec<u8>,
    rows: Option<u64>,
}

const WHAT: &str = "the dictionary";

/// Reads the dictionary; the cases follow.
pub(super) fn read<R: Read + Seek>(input: &mut Input<R>, settings: &Settings) -> Result<Dictionary, Failure> {
    let header = input.array::<176>("the head")?;
    let order = [Order::Little, Order::Big].into_iter().find(|o| (2..=3).contains(&o.i32(&header, 64)));
    let order = order.ok_or_else(|| damaged("the code of its layout is neither 2 nor 3"))?;
    let packing = match order.i32(&header, 72) {
        0 => Packing::None,
        1 => Packing::Bytes,
        2 => Packing::Zlib,
        other => return Err(damaged(format!("its compression {other} is not known"))),
    };
    let mut found = Found { rows: u64::try_from(order.i32(&header, 80)).ok(), ..Found::default() };
    loop {
        match int(input, order)? {
            2 => variable(input, order, &mut found)?,
            3 => labels(input, order, &mut found)?,
            6 => {
                let lines = length(int(input, order)?)?;
                input.skip(lines.saturating_mul(80), WHAT)?;
            }
            7 => extension(input, order, &mut found)?,
            999 => {
                int(input, order)?;
                break;
            }
            other => return Err(damaged(format!("a record of the unknown kind {other} ends at byte {}", input.at()))),
        }
    }
    resolve(found, order, packing, order.f64(&header, 84), settings)
}

fn int<R: Read + Seek>(input: &mut Input<R>, order: Order) -> Result<i32, Failure> {
    Ok(order.i32(&input.array::<4>(WHAT)?, 0))
}

fn length(value: i32) -> Result<u64, Failure> {
    u64::try_from(value).map_err(|_| damaged("the dictionary has a negative length"))
}

fn variable<R: Read + Seek>(input: &mut Input<R>, order: Order, found: &mut Found) -> Result<(), Failure> {
    let record = input.array::<28>(WHAT)?;
    let element = found.elements;
    found.elements += 1;
    if order.i32(&record, 4) != 0 {
        let len = length(int(input, order)?)?;
        input.skip(len.div_ceil(4) * 4, WHAT)?;
    }
    let count = order.i32(&record, 8);
    if !(-3..=3).contains(&count) {
        return Err(damaged(format!("a variable has {count} missing values")));
    }
    let values = input.chunk(u64::from(count.unsigned_abs()) * 8, WHAT)?;
    // A record that only takes room has the width -1.
    let Ok(width) = usize::try_from(order.i32(&record, 0)) else { return Ok(()) };
    let mut missing = Missing::default();
    for (index, value) in values.chunks_exact(8).enumerate() {
        match (width, count, index) {
            (1.., _, _) => missing.texts.push(trimmed(value).to_vec()),
            (0, ..0, 0) => missing.ranges.push((order.f64(value, 0), order.f64(&values, 8))),
            (0, ..0, 1) => {}
            _ => missing.numbers.push(order.f64(value, 0)),
        }
    }
    let print = order.i32(&record, 12);
    let form = if width == 0 { form((print >> 16) & 0xff) } else { Form::Number };
    let name = trimmed(slice(&record, 20, 8)).to_vec();
    found.variables.push(Raw { name, width, element, form, missing, labels: None });
    Ok(())
}

fn labels<R: Read + Seek>(input: &mut Input<R>, order: Order, found: &mut Found) -> Result<(), Failure> {
    let count = length(int(input, order)?)?;
    let mut pairs = vec![];
    for _ in 0..count {
        let value = input.array::<8>(WHAT)?;
        let [len] = input.array(WHAT)?;
        // Padded so that the length and the label fill whole elements.
        let padded = (u64::from(len) + 1).div_ceil(8) * 8 - 1;
        let mut label = input.chunk(padded, WHAT)?;
        label.truncate(usize::from(len));
        pairs.push((value, label));
    }
    if int(input, order)? != 4 {
        return Err(damaged("value labels are not followed by the variables that have them"));
    }
    let mut elements = vec![];
    for _ in 0..length(int(input, order)?)? {
        elements.push(usize::try_from(int(input, order)?).unwrap_or_default().wrapping_sub(1));
    }
    found.labels.push((pairs, elements));
    Ok(())
}

fn extension<R: Read + Seek>(input: &mut Input<R>, order: Order, found: &mut Found) -> Result<(), Failure> {
    let head = input.array::<12>(WHAT)?;
    let kind = order.i32(&head, 0);
    let len = length(order.i32(&head, 4))?.saturating_mul(length(order.i32(&head, 8))?);
    if !matches!(kind, 3 | 4 | 13 | 14 | 16 | 20 | 21 | 22) {
        return input.skip(len, WHAT);
    }
    let data = input.chunk(len, WHAT)?;
    match kind {
        3 => found.code_page = Some(order.i32(&data, 28)),
        4 if data.len() >= 8 => found.sysmis = Some(order.f64(&data, 0)),
        13 => found.long_names = data,
        14 => found.wide_texts = data,
        16 if data.len() >= 16 => found.rows = u64::try_from(order.i64(&data, 8)).ok(),
        20 => found.encoding = Some(String::from_utf8_lossy(trimmed(&data)).into_owned()),
        21 => found.wide_labels = data,
        22 => found.wide_missing = data,
        _ => {}
    }
    Ok(())
}

fn resolve(mut found: Found, order: Order, packing: Packing, bias: f64, settings: &Settings) -> Result<Dictionary, Failure> {
    let charset = match settings.charset {
        Some(charset) => charset,
        None => declared(found.encoding.as_deref(), found.code_page)?,
    };
    attach(&mut found, order, charset);
    let long_names: HashMap<&[u8], &[u8]> = pairs(&found.long_names, b'\t').collect();
    let width = |text: &[u8]| std::str::from_utf8(trimmed(text)).ok()?.trim().parse::<usize>().ok();
    let widths: HashMap<&[u8], usize> = pairs(&found.wide_texts, b'\t').filter_map(|(name, text)| Some((name, width(text)?))).collect();
    let mut wide_labels = wide_labels(&found.wide_labels, order, charset);
    let mut wide_missing = wide_missing(&found.wide_missing, order);
    let mut variables = vec![];
    let mut raws = found.variables.into_iter();
    while let Some(raw) = raws.next() {
        let name = *long_names.get(raw.name.as_slice()).unwrap_or(&raw.name.as_slice());
        let wide = widths.get(raw.name.as_slice()).copied().filter(|w| raw.width > 0 && (256..=WIDEST).contains(w));
        if let Some(width) = wide {
            // The further parts are variables of their own in the file.
            for _ in 1..width.div_ceil(PART_OF_WIDTH) {
                raws.next().filter(|part| part.width > 0).ok_or_else(|| damaged("a part of a long text is not there"))?;
            }
        }
        let mut missing = raw.missing;
        missing.texts.extend(wide_missing.remove(name).or_else(|| wide_missing.remove(raw.name.as_slice())).unwrap_or_default());
        let labels = raw.labels.or_else(|| wide_labels.remove(name).or_else(|| wide_labels.remove(raw.name.as_slice())).map(Rc::new));
        let shared = Variable { name: charset.label(name), form: raw.form, labels, missing };
        variables.push(Stored { shared, element: raw.element, width: wide.unwrap_or(raw.width) });
    }
    Ok(Dictionary { order, packing, bias, rows: found.rows, charset, sysmis: found.sysmis.unwrap_or(-f64::MAX), variables, elements: found.elements })
}

/// The encoding that the file declares by name or, in older files, by a number: 2 and 3 are ASCII, the rest code pages.
fn declared(name: Option<&str>, page: Option<i32>) -> Result<Charset, Failure> {
    let label = match (name, page) {
        (Some(name), _) => name.to_owned(),
        (None, Some(page @ 4..)) => page.to_string(),
        _ => return Ok(Charset::Guess),
    };
    Charset::named(&label).ok_or_else(|| Failure::Head(format!("the file declares the character encoding `{label}`, which is not known; `encoding` can say another")))
}

/// Gives the variables their labels.
fn attach(found: &mut Found, order: Order, charset: Charset) {
    for (pairs, elements) in &found.labels {
        let mut labels = Labels::default();
        for (value, label) in pairs {
            let label = charset.label(trimmed(label));
            labels.texts.insert(trimmed(value).to_vec(), label.clone());
            labels.add_number(order.f64(value, 0), label);
        }
        let labels = Rc::new(labels);
        for element in elements {
            if let Ok(at) = found.variables.binary_search_by_key(element, |v| v.element)
                && let Some(variable) = found.variables.get_mut(at)
            {
                variable.labels = Some(Rc::clone(&labels));
            }
        }
    }
}

/// `NAME=value` entries, each ended by `end`.
fn pairs(data: &[u8], end: u8) -> impl Iterator<Item = (&[u8], &[u8])> {
    data.split(move |b| *b == end || *b == 0).filter_map(|entry| {
        let equals = entry.iter().position(|b| *b == b'=')?;
        Some((entry.get(..equals)?, entry.get(equals + 1..)?))
    })
}

/// Fields that begin with their length.
struct Fields<'a> {
    rest: &'a [u8],
    order: Order,
}

impl<'a> Fields<'a> {
    fn int(&mut self) -> Option<usize> {
        let (raw, rest) = self.rest.split_first_chunk::<4>()?;
        self.rest = rest;
        usize::try_from(self.order.i32(raw, 0)).ok()
    }

    fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (found, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(found)
    }

    fn field(&mut self) -> Option<&'a [u8]> {
        let len = self.int()?;
        self.bytes(len)
    }
}

/// Value labels of texts wider than eight bytes, as far as they can be read.
fn wide_labels(data: &[u8], order: Order, charset: Charset) -> HashMap<Vec<u8>, Labels> {
    let mut all = HashMap::new();
    let mut fields = Fields { rest: data, order };
    let mut next = || {
        let name = fields.field()?;
        let _width = fields.int()?;
        let mut labels = Labels::default();
        for _ in 0..fields.int()? {
            let value = trimmed(fields.field()?).to_vec();
            labels.texts.insert(value, charset.label(trimmed(fields.field()?)));
        }
        Some((name.to_vec(), labels))
    };
    while let Some((name, labels)) = next() {
        all.insert(name, labels);
    }
    all
}

/// Missing values of texts wider than eight bytes; of a value the first eight bytes count.
fn wide_missing(data: &[u8], order: Order) -> HashMap<Vec<u8>, Vec<Vec<u8>>> {
    let mut all = HashMap::new();
    let mut fields = Fields { rest: data, order };
    let mut next = || {
        let name = fields.field()?;
        let [count] = piece(fields.bytes(1)?, 0);
        let len = fields.int()?;
        let values = (0..count).map(|_| Some(trimmed(fields.bytes(len)?).to_vec())).collect::<Option<Vec<_>>>()?;
        Some((name.to_vec(), values))
    };
    while let Some((name, values)) = next() {
        all.insert(name, values);
    }
    all
}
