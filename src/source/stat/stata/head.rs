//! The head of a Stata file: everything before the rows.

use std::io::{Read, Seek};

use super::super::charset::Charset;
use super::super::input::{Input, Order, damaged, slice, until_zero};
use super::{Column, Failure, Kind, Layout, Settings, form};

/// More variables than any edition of Stata allows.
const MOST: u64 = 120_000;

/// Reads the head of a file.
pub(super) fn read<R: Read + Seek>(file: R, settings: &Settings) -> Result<(Input<R>, Layout), Failure> {
    let mut input = Input::new(file)?;
    let first = input.array::<1>("the head")?;
    let layout = match first {
        [b'<'] => framed(&mut input, settings)?,
        [release @ 102..=115] => plain(&mut input, u16::from(release), settings)?,
        _ => {
            return Err(Failure::NotThis { is: "no Stata data file".into(), help: "a Stata data file begins with the release of its format, 102 to 119".into() });
        }
    };
    Ok((input, layout))
}

/// Widths of fields that depend on the release.
struct Widths {
    name: u64,
    format: u64,
    label: u64,
}

fn widths(release: u16) -> Widths {
    Widths {
        name: match release {
            ..=109 => 9,
            110..=117 => 33,
            _ => 129,
        },
        format: match release {
            ..=104 => 7,
            105..=113 => 12,
            114..=117 => 49,
            _ => 57,
        },
        label: match release {
            ..=107 => 32,
            108..=117 => 81,
            _ => 321,
        },
    }
}

/// The width of a name of a variable or of a set of labels.
pub(super) fn name_width(release: u16) -> u64 {
    widths(release).name
}

/// The head of the releases up to 115: fields of fixed width, one after the other.
fn plain<R: Read + Seek>(input: &mut Input<R>, release: u16, settings: &Settings) -> Result<Layout, Failure> {
    let [order, _, _] = input.array("the head")?;
    let order = match order {
        1 => Order::Big,
        2 => Order::Little,
        _ => return Err(Failure::NotThis { is: "no Stata data file".into(), help: "the second byte of a Stata data file is 1 or 2".into() }),
    };
    let variables = u64::from(order.u16(&input.array::<2>("the head")?, 0));
    let rows = match release {
        102 => u64::from(order.u16(&input.array::<2>("the head")?, 0)),
        _ => u64::from(order.u32(&input.array::<4>("the head")?, 0)),
    };
    let widths = widths(release);
    input.skip(widths.label.min(81), "the label of the data")?;
    if release >= 105 {
        input.skip(18, "the time stamp")?;
    }
    let types = input.chunk(variables, "the types of the variables")?;
    let kinds = types.iter().map(|code| old_kind(*code, release)).collect::<Result<Vec<_>, _>>()?;
    let names = input.chunk(variables * widths.name, "the names of the variables")?;
    input.skip(2 * (variables + 1), "the order of the rows")?;
    let formats = input.chunk(variables * widths.format, "the formats of the variables")?;
    let labels = input.chunk(variables * widths.name, "the names of the value labels")?;
    input.skip(variables * widths.label, "the labels of the variables")?;
    characteristics(input, release, order)?;
    let data = input.at();
    let charset = settings.charset.unwrap_or(Charset::Guess);
    let columns = columns(kinds, &names, &formats, &labels, &widths, charset);
    let width = row_width(&columns);
    let labels = data.saturating_add(rows.saturating_mul(width as u64));
    Ok(Layout { release, order, charset, rows, columns, width, data, long_texts: 0, labels })
}

/// Skips the notes and other "expansion fields" before the rows.
fn characteristics<R: Read + Seek>(input: &mut Input<R>, release: u16, order: Order) -> Result<(), Failure> {
    const WHAT: &str = "the characteristics";
    if release < 105 {
        return Ok(());
    }
    loop {
        let [kind] = input.array(WHAT)?;
        let len = match release {
            ..=109 => u64::from(order.u16(&input.array::<2>(WHAT)?, 0)),
            _ => u64::from(order.u32(&input.array::<4>(WHAT)?, 0)),
        };
        if kind == 0 && len == 0 {
            return Ok(());
        }
        input.skip(len, WHAT)?;
    }
}

/// The head of the releases from 117 on: sections between tags.
fn framed<R: Read + Seek>(input: &mut Input<R>, settings: &Settings) -> Result<Layout, Failure> {
    tag(input, "stata_dta><header><release>").map_err(|_| Failure::NotThis {
        is: "no Stata data file".into(),
        help: "a Stata data file of release 117 or later begins with `<stata_dta>`".into(),
    })?;
    let release = match &input.array::<3>("the release")? {
        b"117" => 117,
        b"118" => 118,
        b"119" => 119,
        _ => return Err(Failure::NotThis { is: "a Stata data file of a release that is not known".into(), help: "save it as release 119 or earlier".into() }),
    };
    tag(input, "</release><byteorder>")?;
    let order = match &input.array::<3>("the byte order")? {
        b"LSF" => Order::Little,
        b"MSF" => Order::Big,
        _ => return Err(damaged("its byte order is neither `LSF` nor `MSF`")),
    };
    tag(input, "</byteorder><K>")?;
    let variables = match release {
        119 => u64::from(order.u32(&input.array::<4>("the number of variables")?, 0)),
        _ => u64::from(order.u16(&input.array::<2>("the number of variables")?, 0)),
    };
    if variables > MOST {
        return Err(damaged(format!("it claims {variables} variables")));
    }
    tag(input, "</K><N>")?;
    let rows = match release {
        117 => u64::from(order.u32(&input.array::<4>("the number of rows")?, 0)),
        _ => order.u64(&input.array::<8>("the number of rows")?, 0),
    };
    tag(input, "</N><label>")?;
    let len = match release {
        117 => u64::from(u8::from_le_bytes(input.array("the label of the data")?)),
        _ => u64::from(order.u16(&input.array::<2>("the label of the data")?, 0)),
    };
    input.skip(len, "the label of the data")?;
    tag(input, "</label><timestamp>")?;
    let [len] = input.array("the time stamp")?;
    input.skip(u64::from(len), "the time stamp")?;
    tag(input, "</timestamp></header><map>")?;
    let map = input.array::<112>("the map")?;
    tag(input, "</map><variable_types>")?;
    let types = input.chunk(2 * variables, "the types of the variables")?;
    let kinds = types.chunks_exact(2).map(|code| new_kind(order.u16(code, 0))).collect::<Result<Vec<_>, _>>()?;
    let widths = widths(release);
    tag(input, "</variable_types><varnames>")?;
    let names = input.chunk(variables * widths.name, "the names of the variables")?;
    tag(input, "</varnames><sortlist>")?;
    input.skip((variables + 1) * if release == 119 { 4 } else { 2 }, "the order of the rows")?;
    tag(input, "</sortlist><formats>")?;
    let formats = input.chunk(variables * widths.format, "the formats of the variables")?;
    tag(input, "</formats><value_label_names>")?;
    let labels = input.chunk(variables * widths.name, "the names of the value labels")?;
    tag(input, "</value_label_names>")?;
    let charset = settings.charset.or_else(|| if release >= 118 { Charset::named("utf-8") } else { None }).unwrap_or(Charset::Guess);
    let columns = columns(kinds, &names, &formats, &labels, &widths, charset);
    let width = row_width(&columns);
    input.go(order.u64(&map, 9 * 8), "the map")?;
    tag(input, "<data>")?;
    let data = input.at();
    Ok(Layout { release, order, charset, rows, columns, width, data, long_texts: order.u64(&map, 10 * 8), labels: order.u64(&map, 11 * 8) })
}

/// Passes over a tag that must come here.
pub(super) fn tag<R: Read + Seek>(input: &mut Input<R>, expected: &str) -> Result<(), Failure> {
    let at = input.at();
    let found = input.chunk(expected.len() as u64, "a tag")?;
    if found == expected.as_bytes() { Ok(()) } else { Err(damaged(format!("`{expected}` is not at byte {at}"))) }
}

/// Type codes of the releases up to 115: letters before 111, the highest numbers of a byte since.
fn old_kind(code: u8, release: u16) -> Result<Kind, Failure> {
    Ok(match (code, release) {
        (b'b', ..=110) | (251, 111..) => Kind::Byte,
        (b'i', ..=110) | (252, 111..) => Kind::Int,
        (b'l', ..=110) | (253, 111..) => Kind::Long,
        (b'f', ..=110) | (254, 111..) => Kind::Float,
        (b'd', ..=110) | (255, 111..) => Kind::Double,
        (128.., ..=110) => Kind::Text(usize::from(code - 127)),
        (1..=244, 111..) => Kind::Text(usize::from(code)),
        _ => return Err(damaged(format!("it has a variable of the unknown type {code}"))),
    })
}

fn new_kind(code: u16) -> Result<Kind, Failure> {
    Ok(match code {
        1..=2045 => Kind::Text(usize::from(code)),
        32768 => Kind::LongText,
        65526 => Kind::Double,
        65527 => Kind::Float,
        65528 => Kind::Long,
        65529 => Kind::Int,
        65530 => Kind::Byte,
        _ => return Err(damaged(format!("it has a variable of the unknown type {code}"))),
    })
}

fn columns(kinds: Vec<Kind>, names: &[u8], formats: &[u8], labels: &[u8], widths: &Widths, charset: Charset) -> Vec<Column> {
    let field = |all: &[u8], width: u64, index: usize| {
        let width = usize::try_from(width).unwrap_or_default();
        charset.label(until_zero(slice(all, index.saturating_mul(width), width)))
    };
    kinds
        .into_iter()
        .enumerate()
        .map(|(i, kind)| Column { name: field(names, widths.name, i), kind, form: form(&field(formats, widths.format, i)), labels: field(labels, widths.name, i) })
        .collect()
}

fn row_width(columns: &[Column]) -> usize {
    columns.iter().map(|c| c.kind.width()).sum()
}
