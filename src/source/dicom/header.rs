//! One file: the wanted elements of its header, up to the pixels (DICOM PS3.10 chapter 7, PS3.5 chapter 7).
//!
//! A file has a preamble, `DICM`, the file meta information and a data set; each but the data set may be missing. Beyond the
//! transfer syntax that a file declares, each element is looked at: one whose representation is not two letters is read as
//! implicit, as some writers mix the two, and what lies in a sequence of unknown representation (UN) is implicit little endian
//! (PS3.5 6.2.2). A sequence that is not wanted is passed over by its length, or walked through where it has none.
//!
//! Sequences are followed with a stack of our own, so a hostile file can neither exhaust the program's nor ask for memory: a
//! value is kept only if it is wanted and not longer than 64 KiB.

use flate2::read::DeflateDecoder;

use super::charset::Charset;
use super::input::{BUFFER, Broken, Input, Source, Stream};
use super::value::{self, Order, Vr};
use super::wanted::{Node, Slot, Take, Wanted, find};

/// Longest value that is kept.
const VALUE: u32 = 64 * 1024;
/// Deepest nesting of sequences and their items.
const DEPTH: usize = 128;
/// Most bytes that a deflated data set, or an entry of an archive, is inflated to.
pub const INFLATED: u64 = 64 << 20;
const UNDEFINED: u32 = u32::MAX;
const ITEM: u32 = 0xFFFE_E000;
const ITEM_END: u32 = 0xFFFE_E00D;
const SEQUENCE_END: u32 = 0xFFFE_E0DD;
const CHARSET: u32 = 0x0008_0005;
const META_LENGTH: u32 = 0x0002_0000;
const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";
const DEFLATED: [&str; 2] = ["1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.95"];
const DIRECTORY: &str = "1.2.840.10008.1.3.10";

/// Representations with a length of 32 bits behind two reserved bytes.
const LONG: [&Vr; 13] = [b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"];
/// The others.
const SHORT: [&Vr; 21] = [
    b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US",
];

/// What follows the header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pixels {
    #[default]
    Missing,
    /// Fewer bytes than they say.
    Short,
    /// All of them, as far as can be seen: encapsulated ones do not say how many they are.
    Whole,
}

/// What was read of one file.
#[derive(Debug, Clone, Default)]
pub struct Header {
    /// By [`Slot`], then the elements of `tags`.
    pub values: Vec<Option<Box<str>>>,
    /// Of each frame, as far as they are there.
    pub positions: Vec<[f64; 3]>,
    /// Those that differ from the one before.
    pub orientations: Vec<[f64; 6]>,
    pub spacings: Vec<[f64; 2]>,
    /// Whether a contrast agent is named, where there is an element for it.
    pub contrast: Option<bool>,
    /// Of an ultrasound image.
    pub regions: Option<u32>,
    pub pixels: Pixels,
    directory: bool,
}

impl Header {
    pub fn get(&self, slot: Slot) -> Option<&str> {
        self.values.get(slot as usize).and_then(Option::as_deref)
    }
}

/// What a file is.
#[derive(Debug)]
pub enum Outcome {
    Read(Header),
    /// DICOM, but the header breaks off or contradicts itself: what came before.
    Damaged(Header),
    /// A DICOMDIR: it lists files and is none of them.
    Directory,
    /// Not DICOM.
    Other,
}

/// Reads the header of one file; `buffer` is for use from file to file.
pub fn read(source: &mut dyn Source, wanted: &Wanted, buffer: &mut [u8]) -> Outcome {
    let mut input = Input::new(source, buffer);
    let start = match input.peek(BUFFER.min(4096)) {
        Ok(head) => begins(head),
        Err(Broken) => return Outcome::Damaged(Header { values: vec![None; wanted.width()], ..Header::default() }),
    };
    let Some(start) = start else { return Outcome::Other };
    let header = Header { values: vec![None; wanted.width()], ..Header::default() };
    let mut reader = Reader { wanted, header, stack: Vec::with_capacity(8), value: vec![] };
    let result = input.skip(start).and_then(|()| reader.file(&mut input));
    let header = reader.header;
    match result {
        _ if header.directory || header.get(Slot::MediaClass) == Some(DIRECTORY) => Outcome::Directory,
        Ok(()) => Outcome::Read(header),
        Err(Broken) => Outcome::Damaged(header),
    }
}

/// Where the file meta information or the data set begins; `None` if these are not the first bytes of a DICOM file.
fn begins(head: &[u8]) -> Option<u64> {
    if head.get(128..132) == Some(b"DICM") {
        return Some(132);
    }
    if head.starts_with(b"DICM") {
        return Some(4);
    }
    // A data set alone; a byte of padding may be left of what was cut off before it.
    (0..=1).find(|start| head.get(*start..).is_some_and(plausible)).map(|start| start as u64)
}

/// Whether these bytes look like a data set: elements of group 2 or 8 with rising tags and lengths that fit.
fn plausible(head: &[u8]) -> bool {
    let Some(word) = head.first_chunk::<4>() else { return false };
    let big = word.first() == Some(&0);
    let (mut at, mut before, mut seen) = (0_usize, None, 0_u32);
    while let Some(bytes) = head.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let tag = tag(bytes, big);
        let [.., v, r, x, y] = *bytes;
        let vr = [v, r];
        if before.is_some_and(|before| tag <= before) || (before.is_none() && !matches!(tag >> 16, 2 | 8)) || tag >> 16 > 0x7FE0 {
            return false;
        }
        let (header, length) = if LONG.contains(&&vr) {
            match head.get(at.saturating_add(8)..).and_then(|rest| rest.first_chunk::<4>()) {
                Some(length) => (12, double(length, big)),
                None => break,
            }
        } else if SHORT.contains(&&vr) {
            (8, u32::from(word_of(&[x, y], big)))
        } else {
            (8, double(&[v, r, x, y], big))
        };
        seen = seen.saturating_add(1);
        if seen >= 3 || length == UNDEFINED {
            break;
        }
        before = Some(tag);
        at = at.saturating_add(header).saturating_add(usize::try_from(length).unwrap_or(usize::MAX));
    }
    seen >= 2
}

fn word_of(bytes: &[u8; 2], big: bool) -> u16 {
    if big { u16::from_be_bytes(*bytes) } else { u16::from_le_bytes(*bytes) }
}

fn double(bytes: &[u8; 4], big: bool) -> u32 {
    if big { u32::from_be_bytes(*bytes) } else { u32::from_le_bytes(*bytes) }
}

fn tag(bytes: &[u8; 8], big: bool) -> u32 {
    let [a, b, c, d, ..] = *bytes;
    u32::from(word_of(&[a, b], big)) << 16 | u32::from(word_of(&[c, d], big))
}

/// How elements are written.
#[derive(Debug, Clone, Copy)]
struct Syntax {
    explicit: bool,
    big: bool,
}

const EXPLICIT: Syntax = Syntax { explicit: true, big: false };
const IMPLICIT: Syntax = Syntax { explicit: false, big: false };

/// The head of an element.
#[derive(Debug, Clone, Copy)]
struct Element {
    tag: u32,
    /// `None` if implicit.
    vr: Option<Vr>,
    length: u32,
}

/// What the bytes of an open sequence or item are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// Items.
    Sequence,
    /// Pieces of encapsulated pixels (of an icon).
    Fragments,
    /// Elements.
    Set,
}

/// An open sequence or item; the first is the data set itself.
struct Frame<'w> {
    inside: Inside,
    /// Where it ends, if it says so.
    end: Option<u64>,
    syntax: Syntax,
    charset: Charset,
    /// What is wanted of it.
    nodes: &'w [Node],
    /// What its items say.
    takes: &'w [Take],
}

struct Reader<'w> {
    wanted: &'w Wanted,
    header: Header,
    stack: Vec<Frame<'w>>,
    value: Vec<u8>,
}

impl<'w> Reader<'w> {
    /// The file meta information, then the data set.
    fn file(&mut self, input: &mut Input<'_>) -> Result<(), Broken> {
        let mut ends = None;
        // Only before deflated bytes the length counts: else the group says where the data set begins.
        while input.peek(2)? == [2, 0] && !(self.deflated() && ends.is_some_and(|end| input.position() >= end)) {
            let Some(element) = element(input, EXPLICIT)? else { break };
            if element.length == UNDEFINED {
                return Err(Broken);
            }
            if element.tag == META_LENGTH && element.length == 4 {
                let length = u32::from_le_bytes(input.array()?);
                input.skip(4)?;
                ends = Some(input.position().saturating_add(u64::from(length)));
            } else {
                self.take(input, element, EXPLICIT, Charset::default(), find(self.wanted.nodes(), element.tag))?;
            }
        }
        if !self.deflated() {
            let syntax = self.syntax(input)?;
            return self.data_set(input, syntax);
        }
        let mut inflated = Stream::new(DeflateDecoder::new(input), INFLATED, None);
        let mut buffer = vec![0; BUFFER];
        self.data_set(&mut Input::new(&mut inflated, &mut buffer), EXPLICIT)
    }

    fn deflated(&self) -> bool {
        self.header.get(Slot::TransferSyntax).is_some_and(|syntax| DEFLATED.contains(&syntax))
    }

    /// The syntax by the first element, whatever the file declares: the declared one only says which end comes first.
    fn syntax(&self, input: &mut Input<'_>) -> Result<Syntax, Broken> {
        let head = input.peek(8)?;
        let declared = self.header.get(Slot::TransferSyntax);
        let (Some(first), Some(vr)) = (head.first(), head.get(4..6)) else { return Ok(EXPLICIT) };
        let explicit = LONG.iter().chain(&SHORT).any(|known| known.as_slice() == vr);
        let big = match declared {
            Some(declared) => declared == BIG_ENDIAN,
            None => *first == 0,
        };
        Ok(if explicit { Syntax { explicit, big } } else { Syntax { big, ..IMPLICIT } })
    }

    /// The data set up to its pixels, or to its end.
    fn data_set(&mut self, input: &mut Input<'_>, syntax: Syntax) -> Result<(), Broken> {
        let wanted = self.wanted;
        self.stack.push(Frame { inside: Inside::Set, end: None, syntax, charset: Charset::default(), nodes: wanted.nodes(), takes: &[] });
        while let Some(frame) = self.stack.last() {
            let (inside, syntax) = (frame.inside, frame.syntax);
            if let Some(end) = frame.end {
                if input.position() > end {
                    return Err(Broken);
                }
                if input.position() == end {
                    self.stack.pop();
                    continue;
                }
            }
            match inside {
                Inside::Set => {
                    let Some(element) = element(input, syntax)? else {
                        // The end of the bytes is an end of the data set, but of no sequence in it.
                        return if self.stack.len() == 1 { Ok(()) } else { Err(Broken) };
                    };
                    if self.stack.len() == 1 && matches!(element.tag, 0x7FE0_0008..=0x7FE0_0010) {
                        self.header.pixels = pixels(input, element.length);
                        return Ok(());
                    }
                    self.element(input, element)?;
                }
                Inside::Sequence | Inside::Fragments => self.item(input, inside, syntax)?,
            }
        }
        Ok(())
    }

    /// An item of a sequence, or the sequence's end.
    fn item(&mut self, input: &mut Input<'_>, inside: Inside, syntax: Syntax) -> Result<(), Broken> {
        let head: [u8; 8] = input.array()?;
        input.skip(8)?;
        let [.., a, b, c, d] = head;
        let length = double(&[a, b, c, d], syntax.big);
        match (tag(&head, syntax.big), inside) {
            (ITEM, Inside::Fragments) if length != UNDEFINED => input.skip(u64::from(length)),
            (ITEM, Inside::Sequence) => {
                let Some(frame) = self.stack.last() else { return Err(Broken) };
                let (charset, nodes, takes) = (frame.charset, frame.nodes, frame.takes);
                for take in takes {
                    match take {
                        Take::Regions => self.header.regions = Some(self.header.regions.unwrap_or(0).saturating_add(1)),
                        Take::ContrastItems => self.header.contrast = Some(true),
                        _ => {}
                    }
                }
                self.open(input, Inside::Set, length, syntax, charset, nodes, &[])
            }
            (SEQUENCE_END, _) => {
                self.stack.pop();
                Ok(())
            }
            // One too many does no harm.
            (ITEM_END, _) => Ok(()),
            _ => Err(Broken),
        }
    }

    /// An element of a data set or of an item.
    fn element(&mut self, input: &mut Input<'_>, element: Element) -> Result<(), Broken> {
        let Some(frame) = self.stack.last() else { return Err(Broken) };
        let (syntax, charset, nodes, depth) = (frame.syntax, frame.charset, frame.nodes, self.stack.len());
        match element.tag {
            // Outside of any item they are one too many.
            ITEM_END if depth > 1 => {
                self.stack.pop();
                return Ok(());
            }
            // The end of the item was left out.
            SEQUENCE_END if depth > 1 => {
                self.stack.truncate(depth.saturating_sub(2));
                return Ok(());
            }
            ITEM_END | SEQUENCE_END => return input.skip(if element.length == UNDEFINED { 0 } else { u64::from(element.length) }),
            ITEM => return Err(Broken),
            CHARSET if element.length <= VALUE => {
                let start = self.read(input, element.length)?;
                let charset = Charset::named(&start);
                if let Some(frame) = self.stack.last_mut() {
                    frame.charset = charset;
                }
                let node = find(nodes, element.tag);
                self.keep(node, start);
                return Ok(());
            }
            _ => {}
        }
        let node = find(nodes, element.tag);
        let (children, takes): (&'w [Node], &'w [Take]) = node.map_or((&[], &[]), |node| (&node.children, &node.takes));
        if takes.contains(&Take::Directory) {
            self.header.directory = true;
        }
        let sequence = !children.is_empty() || takes.iter().any(|take| matches!(take, Take::Regions | Take::ContrastItems));
        if element.length == UNDEFINED {
            let (inside, syntax) = match element.vr.as_ref() {
                Some(b"OB" | b"OW") => (Inside::Fragments, syntax),
                None if element.tag == 0x7FE0_0010 => (Inside::Fragments, syntax),
                Some(b"UN") => (Inside::Sequence, IMPLICIT),
                _ => (Inside::Sequence, syntax),
            };
            return self.open(input, inside, UNDEFINED, syntax, charset, children, takes);
        }
        match element.vr.as_ref() {
            Some(b"UN") if sequence => self.open(input, Inside::Sequence, element.length, IMPLICIT, charset, children, takes),
            Some(b"SQ") | None if sequence => self.open(input, Inside::Sequence, element.length, syntax, charset, children, takes),
            _ => self.take(input, element, syntax, charset, node),
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn open(&mut self, input: &Input<'_>, inside: Inside, length: u32, syntax: Syntax, charset: Charset, nodes: &'w [Node], takes: &'w [Take]) -> Result<(), Broken> {
        if self.stack.len() >= DEPTH {
            return Err(Broken);
        }
        let end = (length != UNDEFINED).then(|| input.position().saturating_add(u64::from(length)));
        if let (Some(end), Some(length)) = (end, input.length()) && end > length {
            return Err(Broken);
        }
        self.stack.push(Frame { inside, end, syntax, charset, nodes, takes });
        Ok(())
    }

    /// Takes the value of an element that is wanted, passes over that of another.
    fn take(&mut self, input: &mut Input<'_>, element: Element, syntax: Syntax, charset: Charset, node: Option<&'w Node>) -> Result<(), Broken> {
        let node = node.filter(|node| !node.takes.is_empty() && element.length <= VALUE);
        let Some(node) = node else { return input.skip(u64::from(element.length)) };
        input.take(usize::try_from(element.length).map_err(|_| Broken)?, &mut self.value)?;
        // Of an unknown representation the dictionary knows better (PS3.5 6.2.2), and its bytes are little endian.
        let (vr, big) = match element.vr {
            Some(vr) if vr != *b"UN" && LONG.iter().chain(&SHORT).any(|known| **known == vr) => (vr, syntax.big),
            Some(_) => (node.vr, false),
            None => (node.vr, syntax.big),
        };
        match value::text(vr, &self.value, Order { big }, charset) {
            Some(text) => self.keep(Some(node), text),
            None if node.takes.contains(&Take::Contrast) => self.header.contrast = self.header.contrast.or(Some(false)),
            None => {}
        }
        Ok(())
    }

    /// The value of a code, such as the character set.
    fn read(&mut self, input: &mut Input<'_>, length: u32) -> Result<String, Broken> {
        input.take(usize::try_from(length).map_err(|_| Broken)?, &mut self.value)?;
        Ok(value::text(*b"CS", &self.value, Order { big: false }, Charset::default()).unwrap_or_default())
    }

    fn keep(&mut self, node: Option<&Node>, text: String) {
        let header = &mut self.header;
        let mut first = vec![];
        for take in node.map_or(&[][..], |node| &node.takes) {
            match take {
                Take::First(place) => first.push(*place),
                Take::Position => header.positions.extend(numbers::<3>(&text)),
                Take::Orientation => add(&mut header.orientations, numbers::<6>(&text)),
                Take::Spacing => add(&mut header.spacings, numbers::<2>(&text)),
                Take::Contrast => {
                    let named = !matches!(text.to_ascii_uppercase().as_str(), "NONE" | "NO" | "N" | "0");
                    header.contrast = Some(named || header.contrast == Some(true));
                }
                Take::ContrastItems | Take::Regions | Take::Directory => {}
            }
        }
        for place in first {
            if let Some(value) = header.values.get_mut(place).filter(|value| value.is_none()) {
                *value = Some(text.as_str().into());
            }
        }
    }
}

/// Whether the pixels, at whose first byte we are, are as long as they say.
fn pixels(input: &Input<'_>, length: u32) -> Pixels {
    let end = if length == UNDEFINED { input.position() } else { input.position().saturating_add(u64::from(length)) };
    if input.length().is_some_and(|whole| end > whole) { Pixels::Short } else { Pixels::Whole }
}

/// A list grows only by what differs from its last.
fn add<const N: usize>(list: &mut Vec<[f64; N]>, values: Option<[f64; N]>) {
    if let Some(values) = values && list.last() != Some(&values) {
        list.push(values);
    }
}

/// So many numbers, all finite.
pub fn numbers<const N: usize>(text: &str) -> Option<[f64; N]> {
    let mut values = [0.0; N];
    let mut parts = text.split('\\');
    for value in &mut values {
        *value = parts.next()?.parse().ok().filter(|v: &f64| v.is_finite())?;
    }
    parts.next().is_none().then_some(values)
}

/// The head of the next element; `None` at the end of the bytes.
fn element(input: &mut Input<'_>, syntax: Syntax) -> Result<Option<Element>, Broken> {
    let head = input.peek(12)?;
    let Some(bytes) = head.first_chunk::<8>() else {
        // Some files are padded at their end.
        return if head.iter().all(|b| *b == 0) { Ok(None) } else { Err(Broken) };
    };
    let tag = tag(bytes, syntax.big);
    let [.., v, r, x, y] = *bytes;
    let vr = [v, r];
    let long = head.get(8..12).and_then(|rest| rest.first_chunk::<4>()).map(|length| double(length, syntax.big));
    let (vr, length, size) = if !syntax.explicit || tag >> 16 == 0xFFFE || !vr.iter().all(u8::is_ascii_uppercase) {
        (None, double(&[v, r, x, y], syntax.big), 8)
    } else if LONG.contains(&&vr) || (!SHORT.contains(&&vr) && [x, y] == [0, 0]) {
        // Representations that are not known yet have the long form (PS3.5 6.2).
        (Some(vr), long.ok_or(Broken)?, 12)
    } else {
        (Some(vr), u32::from(word_of(&[x, y], syntax.big)), 8)
    };
    input.skip(size)?;
    Ok(Some(Element { tag, vr, length }))
}
