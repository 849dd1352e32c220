//! Whether a file has a resource a line or is a JSON document, by its first bytes.

use super::super::record::Failure;
use super::json::{Fault, Keep, Tree};

/// Bytes that are looked at.
pub(super) const LOOKED_AT: usize = 64 << 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// NDJSON.
    Lines,
    /// A Bundle, a resource or a list of them, over as many lines as it likes.
    Document,
}

/// The layout, and what it rests on.
pub(super) fn layout(first: &[u8]) -> Result<(Layout, &'static str), Failure> {
    let text = first.trim_ascii_start();
    if text.is_empty() {
        return if first.is_empty() || first.len() < LOOKED_AT { Err(Failure::Empty) } else { Err(not_json("full of space")) };
    }
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let line = lines.next().unwrap_or_default();
    let second = lines.next();
    match text.first() {
        Some(b'[') => return Ok((Layout::Document, "a JSON document: it begins with `[`")),
        Some(b'{') => {}
        _ => {
            other_kind(text)?;
            // The first line may be damaged alone.
            return match second {
                Some(second) if second.starts_with(b"{\"") => Ok((Layout::Lines, "a resource a line: the second line begins with `{`")),
                _ => Err(not_json("no JSON")),
            };
        }
    }
    if is_bundle(line) {
        return Ok((Layout::Document, "a JSON document: the first line begins a Bundle"));
    }
    let whole = std::str::from_utf8(line).map(|line| Tree::parse(line, &Keep::default(), 1).map(|_| ()));
    match (whole, second) {
        (Ok(Ok(())), _) => Ok((Layout::Lines, "a resource a line: the first line is a JSON object")),
        (_, Some(second)) if second.starts_with(b"{") => Ok((Layout::Lines, "a resource a line: the second line begins with `{`")),
        (Ok(Err(Fault::Early)), Some(_)) => Ok((Layout::Document, "a JSON document: its first line does not end it")),
        _ => Ok((Layout::Lines, "a resource a line: it begins with `{`")),
    }
}

/// Whether an object names itself a Bundle before it has members with brackets in them.
fn is_bundle(line: &[u8]) -> bool {
    let Some(at) = memchr::memmem::find(line, b"\"resourceType\"") else { return false };
    let (before, behind) = line.split_at(at);
    let behind = behind.get(b"\"resourceType\"".len()..).unwrap_or_default().trim_ascii_start();
    let flat = before.iter().filter(|byte| matches!(byte, b'{' | b'[')).count() == 1;
    flat && behind.strip_prefix(b":").is_some_and(|value| value.trim_ascii_start().starts_with(b"\"Bundle\""))
}

/// Kinds of file that are met where FHIR is expected.
fn other_kind(text: &[u8]) -> Result<(), Failure> {
    let not = |is: &str, help: &str| Err(Failure::NotThis { is: is.into(), help: help.into() });
    match text {
        [b'<', ..] => not("XML", "export the resources as JSON or NDJSON"),
        [b'P', b'K', 3, 4, ..] => not("a ZIP archive", "unpack it first"),
        [b'P', b'A', b'R', b'1', ..] => not("a Parquet file", "it needs no view"),
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => not("text in UTF-16", "FHIR is always UTF-8: convert it first"),
        _ if text.iter().take(512).any(|byte| *byte == 0) => not("binary", "FHIR resources are expected as JSON or NDJSON"),
        _ => Ok(()),
    }
}

fn not_json(is: &str) -> Failure {
    Failure::NotThis { is: is.into(), help: "FHIR resources are expected as JSON or NDJSON".into() }
}
