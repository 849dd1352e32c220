//! The record splitter: where a record ends and where its cells lie.
//!
//! This is the only place that knows how quotes, escapes, line ends, blank and comment lines work.
//! The index (which wants record ends only) and the reader (which wants cells) run the same code,
//! so they agree on every file, damaged ones included. It works on one buffer at a time and keeps
//! nothing between buffers: a record that does not end in the buffer is asked for again with more
//! bytes. What it says about a record depends on the bytes alone, never on how they were cut.

use super::dialect::{Dialect, LineEnd};
use super::scan::{Marks, Needles};

/// Bytes within which a quoted cell must close, else its quote counts as a stray one.
pub const MAX_RECORD: usize = 64 << 20;

/// Bits that say what is wrong with a row; see [`flag::names`].
pub mod flag {
    /// The row has fewer cells than the header has columns; the missing ones are null.
    pub const TOO_FEW_CELLS: u16 = 1;
    /// The row has more cells than the header has columns; the surplus is in `raw` only.
    pub const TOO_MANY_CELLS: u16 = 1 << 1;
    /// Some bytes mean nothing in the file's encoding; they were read as U+FFFD.
    pub const INVALID_BYTES: u16 = 1 << 2;
    /// The row holds a NUL character.
    pub const NUL_BYTE: u16 = 1 << 3;
    /// A quote opens a cell and never closes; the row was read to the end of its line.
    pub const UNTERMINATED_QUOTE: u16 = 1 << 4;
    /// Something stands between a closing quote and the next delimiter.
    pub const MALFORMED_QUOTE: u16 = 1 << 5;

    const NAMES: [(u16, &str); 6] = [
        (TOO_FEW_CELLS, "too_few_cells"),
        (TOO_MANY_CELLS, "too_many_cells"),
        (INVALID_BYTES, "invalid_bytes"),
        (NUL_BYTE, "nul_byte"),
        (UNTERMINATED_QUOTE, "unterminated_quote"),
        (MALFORMED_QUOTE, "malformed_quote"),
    ];

    /// The names of the set bits, for reasons and reports.
    pub fn names(flags: u16) -> impl Iterator<Item = &'static str> {
        NAMES.iter().filter(move |(bit, _)| flags & bit != 0).map(|(_, name)| *name)
    }
}

/// A cell of the record split last, as positions in the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    start: u32,
    /// The highest bit says that the bytes are not the value.
    end: u32,
}

/// The highest bit of a cell's end; buffers are smaller than 2 GiB.
const QUOTED: u32 = 1 << 31;

/// The flag of a record some of whose cells are `quoted`; not for the outside.
pub(super) const HAS_QUOTED: u16 = 1 << 15;

impl Cell {
    #[inline(always)]
    pub(super) fn start(self) -> usize {
        self.start as usize
    }

    #[inline(always)]
    pub(super) fn end(self) -> usize {
        (self.end & !QUOTED) as usize
    }

    /// The bytes are not the value: quotes or escapes must be taken out with [`Splitter::unquote`].
    pub(super) fn quoted(self) -> bool {
        self.end & QUOTED != 0
    }

    /// The end of a cell that is known not to be `quoted`.
    #[inline(always)]
    pub(super) fn plain_end(self) -> usize {
        self.end as usize
    }
}

/// The cells of the records split so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Cells {
    slots: Vec<Cell>,
    len: usize,
}

impl Cells {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    pub(super) fn as_slice(&self) -> &[Cell] {
        &self.slots[..self.len]
    }

    /// Takes the cells from `at` on out.
    pub(super) fn split_off(&mut self, at: usize) -> Vec<Cell> {
        let end = std::mem::replace(&mut self.len, at);
        self.slots[at..end].to_vec()
    }

    #[inline(always)]
    fn push(&mut self, cell: Cell) {
        if self.len >= self.slots.len() {
            self.grow();
        }
        self.slots[self.len] = cell;
        self.len += 1;
    }

    /// Appends a cell for each delimiter up to the next mark that is more than that, whose position it
    /// returns. This loop is where the time goes; alone in a function, what it works with stays in
    /// registers. Of quoted cells it takes those with nothing to take out and a delimiter behind.
    #[inline(never)]
    fn push_until_other(
        &mut self,
        buf: &[u8],
        splitter: &Splitter,
        quotes: bool,
        marks: &mut Marks,
        cell_start: &mut usize,
    ) -> Option<usize> {
        let needles = &splitter.cell_needles;
        let delimiter = splitter.delimiter;
        let quote = splitter.quote.filter(|_| quotes).unwrap_or(delimiter);
        let (mut here, mut start) = (*marks, *cell_start);
        let other = 'all: loop {
            let slots = &mut self.slots[self.len..];
            let mut count = 0;
            let full = loop {
                let Some(slot) = slots.get_mut(count) else { break true };
                let Some(p) = here.next(buf, needles) else { break false };
                let byte = buf[p];
                if byte == delimiter {
                    *slot = Cell { start: start as u32, end: p as u32 };
                    start = p + 1;
                } else if byte == quote
                    && p == start
                    && let Some(close) = splitter.simple_close(buf, p, needles, &mut here)
                {
                    *slot = Cell { start: p as u32 + 1, end: close as u32 };
                    here.drop_next(buf, needles, close + 1);
                    start = close + 2;
                } else {
                    self.len += count;
                    break 'all Some(p);
                }
                count += 1;
            };
            self.len += count;
            if !full {
                break None;
            }
            self.grow();
        };
        (*marks, *cell_start) = (here, start);
        other
    }

    #[cold]
    fn grow(&mut self) {
        self.slots.resize((self.slots.len() * 2).max(1024), Cell { start: 0, end: 0 });
    }
}

/// What lies at the position asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A record: its bytes without line end, where the next line starts, what is wrong with it.
    Record { end: usize, next: usize, flags: u16 },
    /// A line without any byte, in a file of more than one column.
    Blank { next: usize },
    /// A comment line.
    Comment { next: usize },
    /// Cannot be told without more bytes.
    More,
    /// The buffer is used up and nothing follows.
    End,
}

/// The rules of one dialect, ready to split.
#[derive(Clone, Debug)]
pub(super) struct Splitter {
    delimiter: u8,
    line_end: u8,
    cr: bool,
    quote: Option<u8>,
    escape: Option<u8>,
    comment: Option<u8>,
    one_column: bool,
    max_record: usize,
    /// What a walk over cells, and one over record ends, looks for.
    cell_needles: Needles,
    record_needles: Needles,
}

/// How the cell being read began.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Plain,
    /// Closed at this position; its bytes are its value.
    Quoted(usize),
    /// Holds doubled quotes or escapes, or goes on after its closing quote.
    Complex,
}

enum Quoted {
    Closed { at: usize, complex: bool },
    Unterminated,
    More,
}

impl Splitter {
    /// `width` decides what a blank line is: nothing, or in a one-column file an empty cell.
    pub(super) fn new(dialect: &Dialect, width: usize, max_record: usize) -> Self {
        let line_end = match dialect.line_end {
            LineEnd::Lf => b'\n',
            LineEnd::Cr => b'\r',
        };
        // An escape equal to the quote is the same as doubling it.
        let escape = dialect.escape.filter(|escape| dialect.quote.is_some_and(|quote| quote != *escape));
        let quote = dialect.quote.unwrap_or(line_end);
        let needles = |first| Needles::new([first, line_end, quote, escape.unwrap_or(quote)]);
        Self {
            delimiter: dialect.delimiter,
            line_end,
            cr: dialect.line_end == LineEnd::Cr,
            quote: dialect.quote,
            escape,
            comment: dialect.comment,
            one_column: width == 1,
            max_record,
            cell_needles: needles(dialect.delimiter),
            record_needles: needles(line_end),
        }
    }

    #[inline(always)]
    fn needles<const CELLS: bool>(&self) -> &Needles {
        if CELLS { &self.cell_needles } else { &self.record_needles }
    }

    /// Where a walk with or without cells over `buf` begins.
    pub(super) fn marks<const CELLS: bool>(&self, buf: &[u8], at: usize) -> Marks {
        Marks::at(buf, self.needles::<CELLS>(), at)
    }

    /// Goes over one line without looking at quotes: for lines before the header, and comments.
    pub(super) fn skip_line(&self, buf: &[u8], at: usize, eof: bool) -> Option<usize> {
        let rest = buf.get(at..).unwrap_or_default();
        match memchr::memchr(self.line_end, rest) {
            Some(found) => self.behind_line_end(buf, at + found, eof),
            None => eof.then_some(buf.len()),
        }
    }

    /// Where the next line starts, given the position of a line end.
    #[inline(always)]
    fn behind_line_end(&self, buf: &[u8], at: usize, eof: bool) -> Option<usize> {
        if !self.cr {
            return Some(at + 1);
        }
        match buf.get(at + 1) {
            Some(b'\n') => Some(at + 2),
            Some(_) => Some(at + 1),
            None => eof.then_some(at + 1),
        }
    }

    /// The end of the record's bytes, given the position of its line end or of the end of the file.
    #[inline(always)]
    fn without_cr(&self, buf: &[u8], from: usize, at: usize) -> usize {
        if !self.cr && at > from && buf[at - 1] == b'\r' { at - 1 } else { at }
    }

    /// Splits the record at `at`. `eof`: nothing follows the buffer. With `CELLS` the record's cells
    /// are appended to `cells`. `marks` must stand at `at`; after `More` it must be made
    /// anew, and `cells` may hold some of half a record.
    #[inline(always)]
    pub(super) fn step<const CELLS: bool>(
        &self,
        buf: &[u8],
        at: usize,
        eof: bool,
        marks: &mut Marks,
        cells: &mut Cells,
    ) -> Step {
        let Some(&first) = buf.get(at) else {
            return if eof { Step::End } else { Step::More };
        };
        if self.comment == Some(first) {
            return match self.skip_line(buf, at, eof) {
                Some(next) => {
                    *marks = self.marks::<CELLS>(buf, next);
                    Step::Comment { next }
                }
                None => Step::More,
            };
        }
        let mut cell_start = at;
        let mut kind = Kind::Plain;
        let mut flags = 0;
        let needles = self.needles::<CELLS>();
        let mut here = *marks;
        loop {
            let mark = if CELLS && kind == Kind::Plain {
                let quotes = flags & flag::UNTERMINATED_QUOTE == 0;
                cells.push_until_other(buf, self, quotes, &mut here, &mut cell_start)
            } else {
                here.next(buf, needles)
            };
            let Some(p) = mark else {
                if !eof {
                    return Step::More;
                }
                let end = self.without_cr(buf, cell_start, buf.len());
                return self.finish::<CELLS>(cells, at, cell_start, kind, end, buf.len(), flags);
            };
            let byte = buf[p];
            if CELLS && byte == self.delimiter {
                flags |= push(cells, cell_start, kind, p);
                cell_start = p + 1;
                kind = Kind::Plain;
            } else if byte == self.line_end {
                let Some(next) = self.behind_line_end(buf, p, eof) else {
                    return Step::More;
                };
                let end = self.without_cr(buf, if CELLS { cell_start } else { at }, p);
                *marks = here;
                return self.finish::<CELLS>(cells, at, cell_start, kind, end, next, flags);
            } else if self.quote == Some(byte) && flags & flag::UNTERMINATED_QUOTE == 0 {
                // A quote opens a cell only as its first byte. Where cells are not tracked, the
                // byte before it says the same: every delimiter seen here is outside quotes.
                let opens = if CELLS { p == cell_start } else { p == at || buf[p - 1] == self.delimiter };
                if !opens {
                    continue;
                }
                if !CELLS && self.simple_close(buf, p, needles, &mut here).is_some() {
                    continue;
                }
                *marks = here;
                let quoted = self.quoted(buf, p, eof, needles, marks);
                here = *marks;
                match quoted {
                    Quoted::More => return Step::More,
                    Quoted::Unterminated => {
                        flags |= flag::UNTERMINATED_QUOTE;
                        here = self.marks::<CELLS>(buf, p + 1);
                    }
                    Quoted::Closed { at: close, complex } => {
                        kind = if complex { Kind::Complex } else { Kind::Quoted(close) };
                        let tail = match buf.get(close + 1) {
                            None => false,
                            Some(&b) if b == self.delimiter || b == self.line_end => false,
                            Some(b'\r') if !self.cr => match buf.get(close + 2) {
                                None if !eof => return Step::More,
                                None | Some(b'\n') => false,
                                Some(_) => true,
                            },
                            Some(_) => true,
                        };
                        if tail {
                            flags |= flag::MALFORMED_QUOTE;
                            kind = Kind::Complex;
                        }
                    }
                }
            }
        }
    }

    #[inline(always)]
    #[expect(clippy::too_many_arguments, reason = "the end of `step`, apart so that it is written once")]
    fn finish<const CELLS: bool>(
        &self,
        cells: &mut Cells,
        start: usize,
        cell_start: usize,
        kind: Kind,
        end: usize,
        next: usize,
        mut flags: u16,
    ) -> Step {
        if end == start && !self.one_column {
            return Step::Blank { next };
        }
        if CELLS {
            flags |= push(cells, cell_start, kind, end);
        }
        Step::Record { end, next, flags }
    }

    /// The quote that closes the one at `open`, if nothing between them must be taken out and a
    /// delimiter follows; else nothing, and `here` is where it was.
    #[inline(always)]
    fn simple_close(&self, buf: &[u8], open: usize, needles: &Needles, here: &mut Marks) -> Option<usize> {
        let mut ahead = *here;
        while let Some(p) = ahead.next(buf, needles) {
            let byte = buf[p];
            if self.quote == Some(byte) {
                if buf.get(p + 1) == Some(&self.delimiter) && p - open <= self.max_record {
                    *here = ahead;
                    return Some(p);
                }
                return None;
            }
            if self.escape == Some(byte) {
                return None;
            }
        }
        None
    }

    /// Looks for the quote that closes the one at `open`.
    fn quoted(&self, buf: &[u8], open: usize, eof: bool, needles: &Needles, marks: &mut Marks) -> Quoted {
        let mut complex = false;
        loop {
            let Some(p) = marks.next(buf, needles) else {
                return if eof || buf.len() - open > self.max_record { Quoted::Unterminated } else { Quoted::More };
            };
            if p - open > self.max_record {
                return Quoted::Unterminated;
            }
            let byte = buf[p];
            let is_quote = self.quote == Some(byte);
            if !is_quote && self.escape != Some(byte) {
                continue;
            }
            match buf.get(p + 1) {
                None if !eof => return Quoted::More,
                None if is_quote => return Quoted::Closed { at: p, complex },
                None => return Quoted::Unterminated,
                Some(&after) if is_quote && after != byte => return Quoted::Closed { at: p, complex },
                Some(_) => {
                    complex = true;
                    marks.drop_next(buf, needles, p + 1);
                }
            }
        }
    }

    /// The value of a `quoted` cell: what the `csv` crate makes of it. A closing quote ends the
    /// quoting; whatever follows it belongs to the value as it stands.
    pub(super) fn unquote(&self, cell: &[u8], out: &mut Vec<u8>) {
        let mut bytes = cell.get(1..).unwrap_or_default().iter().copied().peekable();
        while let Some(byte) = bytes.next() {
            if self.escape == Some(byte) {
                out.extend(bytes.next());
            } else if self.quote == Some(byte) {
                if bytes.next_if_eq(&byte).is_none() {
                    out.extend(bytes);
                    return;
                }
                out.push(byte);
            } else {
                out.push(byte);
            }
        }
    }
}

/// Appends a cell; the flag it gives its record.
#[inline(always)]
fn push(cells: &mut Cells, start: usize, kind: Kind, end: usize) -> u16 {
    match kind {
        Kind::Plain => cells.push(Cell { start: start as u32, end: end as u32 }),
        Kind::Quoted(close) => cells.push(Cell { start: start as u32 + 1, end: close as u32 }),
        Kind::Complex => {
            cells.push(Cell { start: start as u32, end: end as u32 | QUOTED });
            return HAS_QUOTED;
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::{Splitter, Step, flag};
    use super::super::dialect::{Dialect, LineEnd};

    /// The records of `text` as values, with flags; blank and comment lines as `-` and `#`.
    fn split(text: &str, change: impl FnOnce(&mut Dialect), width: usize, max: usize) -> Vec<(Vec<String>, u16)> {
        let mut dialect = Dialect::default();
        change(&mut dialect);
        let splitter = Splitter::new(&dialect, width, max);
        let buf = text.as_bytes();
        let (mut marks, mut cells) = (splitter.marks::<true>(buf, 0), super::Cells::default());
        let (mut ends, mut no_cells) = (splitter.marks::<false>(buf, 0), super::Cells::default());
        let (mut at, mut rows) = (0, Vec::new());
        loop {
            cells.clear();
            let mut step = splitter.step::<true>(buf, at, true, &mut marks, &mut cells);
            if let Step::Record { flags, .. } = &mut step {
                *flags &= !super::HAS_QUOTED;
            }
            assert_eq!(step, splitter.step::<false>(buf, at, true, &mut ends, &mut no_cells), "{text:?}");
            match step {
                Step::End | Step::More => return rows,
                Step::Blank { next } => (at, _) = (next, rows.push((vec!["-".into()], 0))),
                Step::Comment { next } => (at, _) = (next, rows.push((vec!["#".into()], 0))),
                Step::Record { next, flags, .. } => {
                    let value = |cell: &super::Cell| {
                        let bytes = &buf[cell.start()..cell.end()];
                        let mut out = Vec::new();
                        if cell.quoted() {
                            splitter.unquote(bytes, &mut out)
                        } else {
                            out.extend(bytes)
                        }
                        String::from_utf8(out).expect("text")
                    };
                    rows.push((cells.as_slice().iter().map(value).collect(), flags));
                    at = next;
                }
            }
        }
    }

    fn plain(text: &str) -> Vec<(Vec<String>, u16)> {
        split(text, |_| {}, 2, 1000)
    }

    fn row(cells: &[&str], flags: u16) -> (Vec<String>, u16) {
        (cells.iter().map(|cell| (*cell).to_owned()).collect(), flags)
    }

    #[test]
    fn quotes() {
        assert_eq!(plain("\"a,\nb\",\"c \"\"d\"\"\"\n"), [row(&["a,\nb", "c \"d\""], 0)]);
        assert_eq!(plain("a\"b,\" c\n"), [row(&["a\"b", "\" c"], flag::UNTERMINATED_QUOTE)]);
        assert_eq!(plain("a \"b\",5\" \n"), [row(&["a \"b\"", "5\" "], 0)]);
        assert_eq!(plain("\"a\" x,\"b\"y\"\"\n"), [row(&["a x", "by\"\""], flag::MALFORMED_QUOTE)]);
        assert_eq!(plain("\"\",\"\"\r\n\"x\"\r"), [row(&["", ""], 0), row(&["x"], 0)]);
        assert_eq!(
            split("a;'b;c'\n", |d| (d.delimiter, d.quote) = (b';', Some(b'\'')), 2, 99),
            [row(&["a", "b;c"], 0)]
        );
        assert_eq!(split("\"a\",b\n", |d| d.quote = None, 2, 99), [row(&["\"a\"", "b"], 0)]);
        let escaped = "\"a\\\"b\",\"c\\\\\",\"d\"\"e\"\n";
        assert_eq!(split(escaped, |d| d.escape = Some(b'\\'), 3, 99), [row(&["a\"b", "c\\", "d\"e"], 0)]);
    }

    #[test]
    fn a_stray_quote_costs_one_row() {
        let rows = plain("1,\"x\n2,y\n3,z\n");
        assert_eq!(rows, [row(&["1", "\"x"], flag::UNTERMINATED_QUOTE), row(&["2", "y"], 0), row(&["3", "z"], 0)]);
        // The quote closes, but too far away.
        let rows = split("1,\"x\n2,y\n3,z\n4,\"w\"\n", |_| {}, 2, 8);
        assert_eq!(rows.len(), 4);
        assert_eq!(rows[0].1, flag::UNTERMINATED_QUOTE);
        assert_eq!(rows[3], row(&["4", "w"], 0));
        let rows = split("1,\"x\n2,y\n3,\",z\n", |_| {}, 2, 4);
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[2], row(&["3", "\"", "z"], flag::UNTERMINATED_QUOTE));
    }

    #[test]
    fn lines() {
        assert_eq!(
            plain("a,b\r\n\r\n\nc,d"),
            [row(&["a", "b"], 0), row(&["-"], 0), row(&["-"], 0), row(&["c", "d"], 0)]
        );
        assert_eq!(split("a\n\nb\n", |_| {}, 1, 99), [row(&["a"], 0), row(&[""], 0), row(&["b"], 0)]);
        assert_eq!(
            split("#x,\"\na,#b\n#", |d| d.comment = Some(b'#'), 2, 99),
            [row(&["#"], 0), row(&["a", "#b"], 0), row(&["#"], 0)]
        );
        let cr = split("a,b\r\"c\rd\",e\r\nf,\n\r", |d| d.line_end = LineEnd::Cr, 2, 99);
        assert_eq!(cr, [row(&["a", "b"], 0), row(&["c\rd", "e"], 0), row(&["f", "\n"], 0)]);
        assert_eq!(plain("a\rb,c\n"), [row(&["a\rb", "c"], 0)]);
    }
}
