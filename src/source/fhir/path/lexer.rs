//! The parts of a FHIRPath expression (FHIRPath 2.0, section 3 and the grammar of appendix A).

use super::Wrong;
use super::moment::{Kind, Moment};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// An identifier, or a word that is an operator where one can stand.
    Name(String),
    /// An identifier in backticks: never an operator.
    Quoted(String),
    Text(String),
    Number(String),
    Moment(Kind, String),
    /// `%name`
    Variable(String),
    /// `$this`, `$index`
    Special(String),
    Symbol(&'static str),
    End,
}

const SYMBOLS: [&str; 23] = ["<=", ">=", "!=", "!~", ".", "(", ")", "[", "]", "{", "}", ",", "+", "-", "*", "/", "&", "|", "=", "~", "<", ">", ";"];

/// Each token with the byte at which it begins.
pub(super) fn tokens(source: &str) -> Result<Vec<(Token, usize)>, Wrong> {
    let mut lexer = Lexer { source, rest: source };
    let mut found = vec![];
    loop {
        lexer.space()?;
        let place = lexer.place();
        let token = lexer.token()?;
        let last = token == Token::End;
        found.push((token, place));
        if last {
            return Ok(found);
        }
    }
}

struct Lexer<'s> {
    source: &'s str,
    rest: &'s str,
}

impl<'s> Lexer<'s> {
    fn place(&self) -> usize {
        self.source.len().saturating_sub(self.rest.len())
    }

    fn wrong<T>(&self, message: &str) -> Result<T, Wrong> {
        Err(Wrong { message: message.into(), place: self.place() })
    }

    fn space(&mut self) -> Result<(), Wrong> {
        loop {
            self.rest = self.rest.trim_start();
            if self.rest.starts_with("//") {
                self.rest = self.rest.split_once('\n').map_or("", |(_, rest)| rest);
            } else if let Some(comment) = self.rest.strip_prefix("/*") {
                match comment.split_once("*/") {
                    Some((_, rest)) => self.rest = rest,
                    None => return self.wrong("a comment is not closed"),
                }
            } else {
                return Ok(());
            }
        }
    }

    fn token(&mut self) -> Result<Token, Wrong> {
        let Some(first) = self.rest.chars().next() else { return Ok(Token::End) };
        match first {
            'a'..='z' | 'A'..='Z' | '_' => Ok(Token::Name(self.word().into())),
            '0'..='9' => Ok(Token::Number(self.number().into())),
            '\'' => Ok(Token::Text(self.quoted('\'')?)),
            '`' => Ok(Token::Quoted(self.quoted('`')?)),
            '"' => Ok(Token::Quoted(self.quoted('"')?)),
            '@' => self.moment(),
            '%' => {
                self.skip(1);
                match self.rest.chars().next() {
                    Some(quote @ ('`' | '\'')) => Ok(Token::Variable(self.quoted(quote)?)),
                    _ => match self.word() {
                        "" => self.wrong("a name is missing after `%`"),
                        name => Ok(Token::Variable(name.into())),
                    },
                }
            }
            '$' => {
                self.skip(1);
                Ok(Token::Special(self.word().into()))
            }
            _ => match SYMBOLS.iter().find(|symbol| self.rest.starts_with(**symbol)) {
                Some(symbol) => {
                    self.skip(symbol.len());
                    Ok(Token::Symbol(symbol))
                }
                None => self.wrong("a character that FHIRPath does not know"),
            },
        }
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    /// What is there up to the first byte that does not belong.
    fn span(&mut self, belongs: impl Fn(u8) -> bool) -> &'s str {
        let count = self.rest.bytes().take_while(|byte| belongs(*byte)).count();
        let (taken, rest) = self.rest.split_at_checked(count).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    fn word(&mut self) -> &'s str {
        self.span(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    }

    fn number(&mut self) -> &'s str {
        let all = self.rest;
        self.span(|byte| byte.is_ascii_digit());
        if let Some(fraction) = self.rest.strip_prefix('.').filter(|fraction| fraction.starts_with(|c: char| c.is_ascii_digit())) {
            self.rest = fraction;
            self.span(|byte| byte.is_ascii_digit());
        }
        all.get(..all.len().saturating_sub(self.rest.len())).unwrap_or_default()
    }

    fn moment(&mut self) -> Result<Token, Wrong> {
        let before = self.rest;
        self.skip(1);
        // A point belongs only before a digit: `@2020-01-01.lowBoundary()`.
        let following = self.rest.as_bytes();
        let count = following
            .iter()
            .enumerate()
            .take_while(|(at, byte)| match byte {
                b'.' => following.get(at + 1).is_some_and(u8::is_ascii_digit),
                byte => byte.is_ascii_digit() || matches!(byte, b'-' | b':' | b'+' | b'T' | b'Z'),
            })
            .count();
        let text = self.rest.get(..count).unwrap_or_default();
        let (kind, text) = match text.strip_prefix('T') {
            Some(time) => (Kind::Time, time),
            None if text.contains('T') => (Kind::DateTime, text.strip_suffix('T').unwrap_or(text)),
            None => (Kind::Date, text),
        };
        if Moment::parse(text).is_none_or(|moment| (moment.kind == Kind::Time) != (kind == Kind::Time)) {
            self.rest = before;
            return self.wrong("no date or time stands after `@`");
        }
        self.skip(count);
        Ok(Token::Moment(kind, text.into()))
    }

    /// A text between two of `quote`, with the escapes of FHIRPath.
    fn quoted(&mut self, quote: char) -> Result<String, Wrong> {
        let before = self.rest;
        let mut chars = self.rest.chars();
        chars.next();
        let mut out = String::new();
        loop {
            match chars.next() {
                Some(c) if c == quote => {
                    self.rest = chars.as_str();
                    return Ok(out);
                }
                Some('\\') => match escaped(&mut chars) {
                    Some(c) => out.push(c),
                    None => return self.wrong("an escape that FHIRPath does not know"),
                },
                Some(c) => out.push(c),
                None => {
                    self.rest = before;
                    return self.wrong("a quote is not closed");
                }
            }
        }
    }
}

fn escaped(chars: &mut std::str::Chars<'_>) -> Option<char> {
    Some(match chars.next()? {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'f' => '\u{c}',
        'u' => {
            let digits: String = chars.by_ref().take(4).collect();
            char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
        }
        same @ ('\\' | '/' | '\'' | '"' | '`') => same,
        _ => return None,
    })
}
