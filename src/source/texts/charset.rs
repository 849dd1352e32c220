//! Character sets in which every ASCII byte of a text's structure stands for itself, by the names people give them.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

/// A character set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    Utf8,
    /// ISO 8859-1 with its control characters 0x80 to 0x9F; the web's label table makes windows-1252 of it.
    Latin1,
    Other(&'static Encoding),
}

impl Charset {
    /// The character set of a label; none for UTF-16 and others in which text is not cut at ASCII bytes.
    pub fn from_label(label: &str) -> Option<Self> {
        let wanted = label.trim().to_ascii_lowercase().replace([' ', '_'], "-");
        match wanted.as_str() {
            "utf-8" | "utf8" | "utf-8-sig" | "ascii" | "us-ascii" => return Some(Self::Utf8),
            "iso-8859-1" | "iso8859-1" | "latin1" | "latin-1" | "l1" => return Some(Self::Latin1),
            "cp1252" | "ansi" => return Some(Self::Other(WINDOWS_1252)),
            "iso-8859-15" | "latin9" | "latin-9" => return Some(Self::Other(encoding_rs::ISO_8859_15)),
            _ => {}
        }
        let found = Encoding::for_label(wanted.as_bytes()).or_else(|| Encoding::for_label(label.as_bytes()))?;
        match found {
            _ if found == UTF_8 => Some(Self::Utf8),
            _ if found.is_ascii_compatible() && found != encoding_rs::REPLACEMENT => Some(Self::Other(found)),
            _ => None,
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Latin1 => "iso-8859-1",
            Self::Other(other) => other.name(),
        }
    }

    /// The text of `bytes`; `true` when some of them mean nothing and became U+FFFD.
    pub fn decode(self, bytes: &[u8]) -> (Cow<'_, str>, bool) {
        match self {
            Self::Utf8 => match String::from_utf8_lossy(bytes) {
                Cow::Borrowed(text) => (Cow::Borrowed(text), false),
                Cow::Owned(text) => (Cow::Owned(text), true),
            },
            Self::Latin1 => match std::str::from_utf8(bytes) {
                Ok(text) if text.is_ascii() => (Cow::Borrowed(text), false),
                _ => (Cow::Owned(bytes.iter().map(|b| char::from(*b)).collect()), false),
            },
            Self::Other(other) => {
                let (text, bad) = other.decode_without_bom_handling(bytes);
                // The web gives the five unassigned bytes of windows-1252 a meaning.
                let unassigned = other == WINDOWS_1252 && bytes.iter().any(|b| matches!(b, 0x81 | 0x8D | 0x8F | 0x90 | 0x9D));
                (text, bad || unassigned)
            }
        }
    }
}

/// What `bytes` are in when nobody says it: UTF-8 if all or nearly all beyond ASCII is that, else windows-1252. `whole` says
/// that nothing follows.
pub fn guess(bytes: &[u8], whole: bool) -> Charset {
    if std::str::from_utf8(bytes).is_ok() {
        return Charset::Utf8;
    }
    let (mut valid, mut invalid) = (0_usize, 0_usize);
    let mut chunks = bytes.utf8_chunks().peekable();
    while let Some(chunk) = chunks.next() {
        valid = valid.saturating_add(chunk.valid().chars().filter(|c| !c.is_ascii()).count());
        // A character that the end of the head cuts in two is no mistake.
        let cut = chunks.peek().is_none() && !whole && chunk.invalid().len() < 4;
        invalid = invalid.saturating_add(usize::from(!chunk.invalid().is_empty() && !cut));
    }
    if valid > invalid.saturating_mul(10) || invalid == 0 { Charset::Utf8 } else { Charset::Other(WINDOWS_1252) }
}

/// What a file is that is no text, by its first bytes: completes "the file is …".
pub fn not_text(head: &[u8]) -> Option<&'static str> {
    match head {
        [b'P', b'K', 3, 4, ..] => Some("a ZIP archive, as .xlsx and .ods are"),
        [0x1F, 0x8B, ..] => Some("packed with gzip"),
        [0x28, 0xB5, 0x2F, 0xFD, ..] => Some("packed with Zstandard"),
        [0xD0, 0xCF, 0x11, 0xE0, ..] => Some("an old Office file, as .xls is"),
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => Some("text in UTF-16"),
        _ if head.contains(&0) => Some("no text: it has NUL bytes"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Charset, guess};

    #[test]
    fn labels_mean_what_people_mean() {
        let decode = |label: &str, bytes: &[u8]| Charset::from_label(label).map(|c| c.decode(bytes).0.into_owned());
        assert_eq!(decode("latin1", b"\xE9\x80").as_deref(), Some("é\u{80}"));
        assert_eq!(decode("CP1252", b"\xE9\x80").as_deref(), Some("é€"));
        assert_eq!(decode("ISO_8859-15", b"\xA4").as_deref(), Some("€"));
        assert_eq!(decode("utf-8", b"\xC3\xA9").as_deref(), Some("é"));
        assert_eq!(Charset::from_label("utf-16"), None);
        assert_eq!(Charset::from_label("klingon"), None);
    }

    #[test]
    fn what_is_not_utf8_is_windows() {
        assert_eq!(guess(&[&"é".repeat(11).into_bytes()[..], b" \xE9 "].concat(), true), Charset::Utf8);
        assert_eq!(guess(b"abc", true), Charset::Utf8);
        assert_eq!(guess(b"\xC3", false), Charset::Utf8);
        assert_eq!(guess(b"\xC3", true), Charset::Other(encoding_rs::WINDOWS_1252));
        assert_eq!(guess(b"\xE9t\xE9", false), Charset::Other(encoding_rs::WINDOWS_1252));
    }
}
