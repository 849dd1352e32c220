//! Cuts a stream into messages.
//!
//! A line ends by CR, LF, CRLF or the end byte of MLLP (0x1C). A message begins where a line begins with `MSH` and ends before
//! the next one, before a segment of a batch (FHS, BHS, BTS, FTS), or at the end byte of MLLP. Lines that no message
//! holds are kept together and come as one without a head.

use std::io::{self, BufRead};

use memchr::memchr3;

/// Bytes of a message; what is longer is damaged, and its rest is not kept.
pub const MAX_MESSAGE: usize = 64 << 20;
/// Lines of a message that are not blank, as far as they are kept.
const MAX_LINES: usize = 1 << 20;

const BATCH: [&[u8]; 4] = [b"FHS", b"BHS", b"BTS", b"FTS"];
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// One line of a message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// Where its text lies in the message's bytes.
    pub start: usize,
    pub end: usize,
    /// Where it begins in the file.
    pub byte: u64,
}

/// The text of a message with LF for its line ends, and its lines that are not blank.
#[derive(Debug, Clone, Default)]
pub struct Message {
    pub bytes: Vec<u8>,
    pub lines: Vec<Line>,
    /// Its first line begins with `MSH`.
    pub headed: bool,
    /// Nothing of it was too long to keep.
    pub whole: bool,
}

impl Message {
    fn clear(&mut self) {
        self.bytes.clear();
        self.lines.clear();
        self.headed = false;
        self.whole = true;
    }

    /// A blank line stays within the value that it may stand in.
    fn end_line(&mut self) {
        if !self.lines.is_empty() && self.bytes.len() < MAX_MESSAGE {
            self.bytes.push(b'\n');
        }
    }

    fn push(&mut self, text: &[u8], byte: u64, cut: bool) {
        self.whole &= !cut;
        if self.lines.len() >= MAX_LINES || self.bytes.len().saturating_add(text.len()) > MAX_MESSAGE {
            self.whole = false;
            return;
        }
        self.end_line();
        let start = self.bytes.len();
        self.bytes.extend_from_slice(text);
        self.lines.push(Line { start, end: self.bytes.len(), byte });
    }
}

#[derive(Debug, PartialEq)]
enum Kind {
    Blank,
    Head,
    Batch,
    Other,
}

/// What a line is, after what precedes its name is taken off.
fn kind(line: &[u8]) -> Kind {
    let ends = |rest: &[u8]| rest.first().is_none_or(|b| b.is_ascii_graphic() && !b.is_ascii_alphanumeric());
    match line.split_at_checked(3) {
        Some((b"MSH", rest)) if ends(rest) => Kind::Head,
        Some((name, rest)) if BATCH.contains(&name) && ends(rest) => Kind::Batch,
        _ if line.iter().all(u8::is_ascii_whitespace) => Kind::Blank,
        _ => Kind::Other,
    }
}

/// The bytes before the name of a message's first segment that are no part of it: framing, byte order mark, blanks.
fn before_name(line: &[u8]) -> usize {
    let mut rest = line;
    loop {
        rest = match rest {
            [0x0B | b' ' | b'\t' | 0, after @ ..] => after,
            _ => match rest.strip_prefix(MARK) {
                Some(after) => after,
                None => return line.len().saturating_sub(rest.len()),
            },
        };
    }
}

/// Gives the messages of a stream.
pub struct Framer<R> {
    input: R,
    /// The line read last, without its end.
    line: Vec<u8>,
    /// It did not fit.
    cut: bool,
    /// Where it begins.
    byte: u64,
    /// Bytes read so far.
    at: u64,
    after_cr: bool,
    /// The line read last is the head of a message to come.
    held: bool,
}

impl<R: BufRead> Framer<R> {
    pub fn new(input: R) -> Self {
        Framer { input, line: vec![], cut: false, byte: 0, at: 0, after_cr: false, held: false }
    }

    /// Bytes that are done with.
    pub fn read(&self) -> u64 {
        if self.held { self.byte } else { self.at }
    }

    /// Reads the next message; `false` at the end.
    ///
    /// # Errors
    /// When the stream cannot be read.
    pub fn next(&mut self, message: &mut Message) -> io::Result<bool> {
        message.clear();
        if std::mem::take(&mut self.held) {
            message.push(&self.line, self.byte, self.cut);
            message.headed = true;
        }
        while let Some(closed) = self.read_line()? {
            let skipped = before_name(&self.line);
            match kind(self.line.get(skipped..).unwrap_or_default()) {
                Kind::Head => {
                    self.line.drain(..skipped);
                    self.byte = self.byte.saturating_add(skipped as u64);
                    if !message.lines.is_empty() {
                        self.held = true;
                        return Ok(true);
                    }
                    message.push(&self.line, self.byte, self.cut);
                    message.headed = true;
                }
                Kind::Batch if message.lines.is_empty() => {}
                Kind::Batch => return Ok(true),
                Kind::Blank if message.lines.is_empty() => {}
                Kind::Blank => message.end_line(),
                Kind::Other => message.push(&self.line, self.byte, self.cut),
            }
            if closed && !message.lines.is_empty() {
                return Ok(true);
            }
        }
        Ok(!message.lines.is_empty())
    }

    /// Reads a line; gives whether the end byte of MLLP closes it, and nothing at the end.
    fn read_line(&mut self) -> io::Result<Option<bool>> {
        self.line.clear();
        self.cut = false;
        let mut any = false;
        loop {
            let buf = match self.input.fill_buf() {
                Ok(buf) => buf,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if buf.is_empty() {
                return Ok(any.then_some(false));
            }
            if std::mem::take(&mut self.after_cr) && buf.first() == Some(&b'\n') {
                self.input.consume(1);
                self.at = self.at.saturating_add(1);
                continue;
            }
            if !any {
                any = true;
                self.byte = self.at;
            }
            let end = memchr3(b'\r', b'\n', 0x1C, buf);
            let text = buf.get(..end.unwrap_or(buf.len())).unwrap_or_default();
            if self.line.len().saturating_add(text.len()) > MAX_MESSAGE {
                self.cut = true;
            } else {
                self.line.extend_from_slice(text);
            }
            let mark = end.and_then(|end| buf.get(end).copied());
            let used = text.len().saturating_add(usize::from(mark.is_some()));
            self.input.consume(used);
            self.at = self.at.saturating_add(used as u64);
            if let Some(mark) = mark {
                self.after_cr = mark == b'\r';
                return Ok(Some(mark == 0x1C));
            }
        }
    }
}

/// Whether one of the lines of a file's first bytes begins a message or a batch.
pub fn begins(head: &[u8]) -> bool {
    head.split(|b| matches!(b, b'\r' | b'\n' | 0x1C)).any(|line| matches!(kind(line.get(before_name(line)..).unwrap_or_default()), Kind::Head | Kind::Batch))
}
