//! A JSON text as a flat tree that borrows from it.
//!
//! The nodes lie one behind the other in the order of the text, each knowing where its subtree ends; numbers stay as they
//! are written, and of each value the place in the text is known. The syntax is that of RFC 8259, nested at most [`DEPTH`]
//! deep. Members that nobody asks for ([`Keep`]) are left out; their syntax is checked all the same, but for the escapes in
//! their texts.

use std::borrow::Cow;

/// Nesting beyond this is taken for damage.
pub(super) const DEPTH: usize = 200;
/// And so are more nodes in one resource: they take far more memory than their text.
const NODES: usize = 4_000_000;

/// Why a text is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It ends in the midst of a value.
    Early,
    /// It is not JSON, or too deep or too long.
    Wrong,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value<'t> {
    Null,
    Bool(bool),
    /// As written.
    Number(&'t str),
    Text(Cow<'t, str>),
    Array,
    Object,
}

#[derive(Debug, Clone)]
pub(super) struct Node<'t> {
    /// Empty for what is no member of an object.
    pub key: Cow<'t, str>,
    pub value: Value<'t>,
    /// The node behind the subtree.
    pub next: u32,
    /// The node around it; of the root the root itself.
    pub parent: u32,
    start: u32,
    end: u32,
}

/// The members that are kept, at whatever depth.
#[derive(Debug, Clone, Default)]
pub(super) struct Keep {
    names: Vec<String>,
    /// A bit for each letter with which a name begins.
    firsts: u128,
    all: bool,
}

impl Keep {
    pub fn everything() -> Keep {
        Keep { all: true, ..Keep::default() }
    }

    pub fn add(&mut self, name: &str) {
        if !self.names.iter().any(|known| known == name) {
            self.names.push(name.into());
            self.firsts |= name.bytes().next().map_or(0, bit);
        }
    }

    pub fn add_all(&mut self) {
        self.all = true;
    }

    /// `value` keeps `value`, what a choice makes of it (`valueQuantity`), and what FHIR says of a primitive beside its
    /// value (`_value`).
    fn has(&self, key: &str) -> bool {
        let key = key.strip_prefix('_').unwrap_or(key).as_bytes();
        if self.all || self.firsts & key.first().copied().map_or(0, bit) == 0 {
            return self.all;
        }
        self.names.iter().any(|name| key.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.first().is_none_or(u8::is_ascii_uppercase)))
    }
}

fn bit(letter: u8) -> u128 {
    1 << (letter & 0x7F)
}

#[derive(Debug)]
pub(super) struct Tree<'t> {
    source: &'t str,
    nodes: Vec<Node<'t>>,
}

impl<'t> Tree<'t> {
    /// `room`: how many nodes to make room for.
    pub fn parse(source: &'t str, keep: &Keep, room: usize) -> Result<Tree<'t>, Fault> {
        if u32::try_from(source.len()).is_err() {
            return Err(Fault::Wrong);
        }
        let mut parser = Parser { source, bytes: source.as_bytes(), at: 0, nodes: Vec::with_capacity(room), keep };
        parser.value(Cow::Borrowed(""), 0, 0)?;
        parser.space();
        if parser.at < source.len() {
            return Err(Fault::Wrong);
        }
        Ok(Tree { source, nodes: parser.nodes })
    }

    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn node(&self, at: u32) -> Option<&Node<'t>> {
        self.nodes.get(at as usize)
    }

    /// The members or elements of a node.
    pub fn children(&self, at: u32) -> Children<'_, 't> {
        let end = self.node(at).map_or(0, |node| node.next);
        Children { tree: self, at: at.saturating_add(1), end }
    }

    pub fn member(&self, at: u32, key: &str) -> Option<u32> {
        match self.node(at)?.value {
            Value::Object => self.children(at).find(|(_, child)| child.key == key).map(|(place, _)| place),
            _ => None,
        }
    }

    pub fn text(&self, at: u32) -> Option<&str> {
        match &self.node(at)?.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text that a node was read from.
    pub fn raw(&self, at: u32) -> &'t str {
        self.node(at).and_then(|node| self.source.get(node.start as usize..node.end as usize)).unwrap_or_default()
    }

    /// The byte of the text at which a node begins.
    pub fn start(&self, at: u32) -> u32 {
        self.node(at).map_or(0, |node| node.start)
    }
}

pub(super) struct Children<'a, 't> {
    tree: &'a Tree<'t>,
    at: u32,
    end: u32,
}

impl<'a, 't> Iterator for Children<'a, 't> {
    type Item = (u32, &'a Node<'t>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.end {
            return None;
        }
        let node = self.tree.node(self.at)?;
        let at = self.at;
        self.at = node.next;
        Some((at, node))
    }
}

struct Parser<'t, 'k> {
    source: &'t str,
    bytes: &'t [u8],
    at: usize,
    nodes: Vec<Node<'t>>,
    keep: &'k Keep,
}

impl<'t> Parser<'t, '_> {
    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    fn peek(&mut self) -> Result<u8, Fault> {
        self.space();
        self.bytes.get(self.at).copied().ok_or(Fault::Early)
    }

    fn take(&mut self) -> Result<u8, Fault> {
        let byte = self.peek()?;
        self.at += 1;
        Ok(byte)
    }

    fn value(&mut self, key: Cow<'t, str>, parent: u32, depth: usize) -> Result<(), Fault> {
        let first = self.peek()?;
        let start = place(self.at)?;
        let here = place(self.nodes.len())?;
        if self.nodes.len() >= NODES {
            return Err(Fault::Wrong);
        }
        let value = match first {
            b'{' => Value::Object,
            b'[' => Value::Array,
            b'"' => Value::Text(self.string()?),
            b't' => self.word("true", Value::Bool(true))?,
            b'f' => self.word("false", Value::Bool(false))?,
            b'n' => self.word("null", Value::Null)?,
            _ => Value::Number(self.number()?),
        };
        self.nodes.push(Node { key, value, next: 0, parent, start, end: 0 });
        match first {
            b'{' => self.inside(depth, b'}', |parser| {
                let key = parser.key()?;
                if parser.keep.has(&key) { parser.value(key, here, depth + 1) } else { parser.pass(depth + 1) }
            })?,
            b'[' => self.inside(depth, b']', |parser| parser.value(Cow::Borrowed(""), here, depth + 1))?,
            _ => {}
        }
        let (next, end) = (place(self.nodes.len())?, place(self.at)?);
        if let Some(node) = self.nodes.get_mut(here as usize) {
            (node.next, node.end) = (next, end);
        }
        Ok(())
    }

    /// Passes over a value.
    fn pass(&mut self, depth: usize) -> Result<(), Fault> {
        match self.peek()? {
            b'{' => self.inside(depth, b'}', |parser| {
                parser.open_quote()?;
                parser.close_quote()?;
                parser.colon()?;
                parser.pass(depth + 1)
            }),
            b'[' => self.inside(depth, b']', |parser| parser.pass(depth + 1)),
            b'"' => {
                self.at += 1;
                self.close_quote().map(|_| ())
            }
            b't' => self.word("true", ()),
            b'f' => self.word("false", ()),
            b'n' => self.word("null", ()),
            _ => self.number().map(|_| ()),
        }
    }

    /// The bracket, what is inside with its commas, and the closing bracket.
    fn inside(&mut self, depth: usize, close: u8, mut each: impl FnMut(&mut Self) -> Result<(), Fault>) -> Result<(), Fault> {
        if depth >= DEPTH {
            return Err(Fault::Wrong);
        }
        self.at += 1;
        if self.peek()? == close {
            self.at += 1;
            return Ok(());
        }
        loop {
            each(self)?;
            match self.take()? {
                b',' => {}
                byte if byte == close => return Ok(()),
                _ => return Err(Fault::Wrong),
            }
        }
    }

    fn key(&mut self) -> Result<Cow<'t, str>, Fault> {
        if self.peek()? != b'"' {
            return Err(Fault::Wrong);
        }
        let key = self.string()?;
        self.colon()?;
        Ok(key)
    }

    fn colon(&mut self) -> Result<(), Fault> {
        if self.take()? == b':' { Ok(()) } else { Err(Fault::Wrong) }
    }

    fn open_quote(&mut self) -> Result<(), Fault> {
        if self.take()? == b'"' { Ok(()) } else { Err(Fault::Wrong) }
    }

    /// Goes behind the closing quote; whether there was an escape.
    fn close_quote(&mut self) -> Result<bool, Fault> {
        let mut escaped = false;
        loop {
            self.at += plain(self.bytes.get(self.at..).unwrap_or_default());
            match self.bytes.get(self.at) {
                None => return Err(Fault::Early),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    // What follows the backslash is looked at when the text is unescaped.
                    self.at += 2;
                }
                Some(_) => return Err(Fault::Wrong),
            }
        }
    }

    fn string(&mut self) -> Result<Cow<'t, str>, Fault> {
        self.at += 1;
        let start = self.at;
        let escaped = self.close_quote()?;
        let text = self.source.get(start..self.at - 1).ok_or(Fault::Wrong)?;
        Ok(if escaped { Cow::Owned(unescape(text).ok_or(Fault::Wrong)?) } else { Cow::Borrowed(text) })
    }

    fn word<T>(&mut self, word: &str, value: T) -> Result<T, Fault> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if rest.starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(value)
        } else if word.as_bytes().starts_with(rest) {
            Err(Fault::Early)
        } else {
            Err(Fault::Wrong)
        }
    }

    fn number(&mut self) -> Result<&'t str, Fault> {
        let start = self.at;
        self.at += usize::from(self.bytes.get(self.at) == Some(&b'-'));
        let whole = self.digits()?;
        if whole > 1 && self.bytes.get(self.at - whole) == Some(&b'0') {
            return Err(Fault::Wrong);
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.bytes.get(self.at) {
            self.at += 1;
            self.at += usize::from(matches!(self.bytes.get(self.at), Some(b'+' | b'-')));
            self.digits()?;
        }
        self.source.get(start..self.at).ok_or(Fault::Wrong)
    }

    fn digits(&mut self) -> Result<usize, Fault> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        match count {
            0 if rest.is_empty() => Err(Fault::Early),
            0 => Err(Fault::Wrong),
            count => Ok(count),
        }
    }
}

fn place(at: usize) -> Result<u32, Fault> {
    u32::try_from(at).map_err(|_| Fault::Wrong)
}

/// How many bytes there are before a quote, a backslash or a control character; eight are looked at together.
pub(super) fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES * 0x80;
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word;
    let (chunks, rest) = bytes.as_chunks::<8>();
    let mut count = 0;
    for chunk in chunks {
        let word = u64::from_le_bytes(*chunk);
        let found = (below(word, 0x20) | below(word ^ (ONES * 0x22), 1) | below(word ^ (ONES * 0x5C), 1)) & HIGH;
        if found != 0 {
            return count + (found.trailing_zeros() / 8) as usize;
        }
        count += 8;
    }
    count + rest.iter().take_while(|byte| **byte >= 0x20 && **byte != b'"' && **byte != b'\\').count()
}

/// RFC 8259, section 7.
fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(rest.get(..at)?);
        let mut chars = rest.get(at + 1..)?.chars();
        let known = match chars.next()? {
            'u' => {
                let (unit, behind) = unit(chars.as_str())?;
                chars = behind.chars();
                match unit {
                    0xD800..=0xDBFF => {
                        let (low, behind) = self::unit(behind.strip_prefix("\\u")?)?;
                        chars = behind.chars();
                        char::decode_utf16([unit, low]).next()?.ok()?
                    }
                    _ => char::from_u32(u32::from(unit))?,
                }
            }
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            same @ ('"' | '\\' | '/') => same,
            _ => return None,
        };
        out.push(known);
        rest = chars.as_str();
    }
    out.push_str(rest);
    Some(out)
}

fn unit(text: &str) -> Option<(u16, &str)> {
    let digits = text.get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    Some((u16::from_str_radix(digits, 16).ok()?, text.get(4..)?))
}

/// The same JSON without space between its parts.
pub(super) fn compact(raw: &str) -> Cow<'_, str> {
    let mut quoted = false;
    let mut escaped = false;
    let mut spaces = false;
    let mut kept = |c: char| {
        let keep = quoted || !matches!(c, ' ' | '\t' | '\n' | '\r');
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        spaces |= !keep;
        keep
    };
    let out: String = raw.chars().filter(|c| kept(*c)).collect();
    if spaces { Cow::Owned(out) } else { Cow::Borrowed(raw) }
}
