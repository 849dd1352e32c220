//! Character encodings: their names, and how bytes become text.
//!
//! Two kinds are told apart, because they decide how a file may be cut. An encoding in which every
//! ASCII byte stands for itself and nothing else (UTF-8, all single-byte ones) is split on its raw
//! bytes and only the cells that need it are decoded. All others (UTF-16, Shift_JIS, …) are turned
//! into UTF-8 on the way in, by `stream`. Single-byte encodings are tables of our own: the web's
//! label table makes ISO-8859-1 an alias of windows-1252 and gives the five unassigned bytes of
//! windows-1252 a meaning, and both would hide that an export is not what it claims to be.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The character encoding of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Encoding {
    /// UTF-8, with or without byte order mark; also plain ASCII.
    Utf8,
    /// UTF-16, low byte first.
    Utf16Le,
    /// UTF-16, high byte first.
    Utf16Be,
    /// Windows, Western Europe.
    Windows1252,
    /// Latin 1; 0x80 to 0x9F are control characters.
    Iso8859_1,
    /// Latin 9: Latin 1 with €, Œ, œ, Š, š, Ž, ž, Ÿ.
    Iso8859_15,
    /// Mac OS Roman.
    Macintosh,
    /// Any other encoding, when a mapping declares it.
    Other(&'static encoding_rs::Encoding),
}

/// Aliases that the web's label table lacks or maps to something else.
const OWN_LABELS: &[(&str, Encoding)] = &[
    ("utf-8", Encoding::Utf8),
    ("utf8", Encoding::Utf8),
    ("utf-8-sig", Encoding::Utf8),
    ("ascii", Encoding::Utf8),
    ("us-ascii", Encoding::Utf8),
    ("utf16", Encoding::Utf16Le),
    ("utf-16", Encoding::Utf16Le),
    ("utf16le", Encoding::Utf16Le),
    ("utf-16le", Encoding::Utf16Le),
    ("utf16be", Encoding::Utf16Be),
    ("utf-16be", Encoding::Utf16Be),
    ("windows-1252", Encoding::Windows1252),
    ("cp1252", Encoding::Windows1252),
    ("ansi", Encoding::Windows1252),
    ("iso-8859-1", Encoding::Iso8859_1),
    ("iso8859-1", Encoding::Iso8859_1),
    ("latin1", Encoding::Iso8859_1),
    ("latin-1", Encoding::Iso8859_1),
    ("l1", Encoding::Iso8859_1),
    ("iso-8859-15", Encoding::Iso8859_15),
    ("iso8859-15", Encoding::Iso8859_15),
    ("latin9", Encoding::Iso8859_15),
    ("latin-9", Encoding::Iso8859_15),
    ("l9", Encoding::Iso8859_15),
    ("macintosh", Encoding::Macintosh),
    ("mac-roman", Encoding::Macintosh),
    ("macroman", Encoding::Macintosh),
    ("x-mac-roman", Encoding::Macintosh),
];

impl Encoding {
    /// The encoding of a label as people write it (`latin1`, `cp1252`, `UTF-16LE`, …).
    ///
    /// `utf-16` without an end means little-endian unless the byte order mark says otherwise.
    pub fn from_label(label: &str) -> Option<Self> {
        let wanted = label.trim().to_ascii_lowercase().replace([' ', '_'], "-");
        if let Some((_, own)) = OWN_LABELS.iter().find(|(name, _)| *name == wanted) {
            return Some(*own);
        }
        let other = encoding_rs::Encoding::for_label(wanted.as_bytes())
            .or_else(|| encoding_rs::Encoding::for_label(label.as_bytes()))?;
        OWN_LABELS
            .iter()
            .find(|(name, _)| other.name().eq_ignore_ascii_case(name))
            .map(|(_, own)| *own)
            .or_else(|| (other != encoding_rs::REPLACEMENT).then_some(Self::Other(other)))
    }

    /// The label under which mappings and reports name this encoding.
    pub fn label(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Windows1252 => "windows-1252",
            Self::Iso8859_1 => "iso-8859-1",
            Self::Iso8859_15 => "iso-8859-15",
            Self::Macintosh => "macintosh",
            Self::Other(other) => other.name(),
        }
    }

    /// Whether this is one of the two UTF-16 encodings.
    pub fn is_utf16(self) -> bool {
        matches!(self, Self::Utf16Le | Self::Utf16Be)
    }

    /// The decoder that must run over the whole stream before it can be split, if one must.
    pub fn stream_decoder(self) -> Option<&'static encoding_rs::Encoding> {
        match self {
            Self::Utf16Le => Some(encoding_rs::UTF_16LE),
            Self::Utf16Be => Some(encoding_rs::UTF_16BE),
            Self::Other(other) if !other.is_single_byte() => Some(other),
            _ => None,
        }
    }

    /// How the cells of the (already streamed) bytes are decoded.
    pub(super) fn codec(self) -> Codec {
        match self {
            Self::Utf8 | Self::Utf16Le | Self::Utf16Be => Codec::Utf8,
            Self::Windows1252 => {
                Codec::table(encoding_rs::WINDOWS_1252, |byte| matches!(byte, 0x81 | 0x8D | 0x8F | 0x90 | 0x9D))
            }
            Self::Iso8859_1 => Codec::Table(Box::new(Table {
                chars: std::array::from_fn(|i| char::from(128 + (i as u8 & 0x7F))),
                invalid: Vec::new(),
            })),
            Self::Iso8859_15 => Codec::table(encoding_rs::ISO_8859_15, |_| false),
            Self::Macintosh => Codec::table(encoding_rs::MACINTOSH, |_| false),
            Self::Other(other) if other.is_single_byte() => Codec::table(other, |_| false),
            Self::Other(_) => Codec::Utf8,
        }
    }

    /// Decodes text that is not part of a stream; `true` when a byte had no meaning.
    pub fn decode(self, bytes: &[u8]) -> (String, bool) {
        match self.stream_decoder() {
            Some(decoder) => {
                let (text, bad) = decoder.decode_without_bom_handling(bytes);
                (text.into_owned(), bad)
            }
            None => {
                let codec = self.codec();
                let mut text = String::with_capacity(bytes.len());
                codec.decode_into(bytes, &mut text);
                (text, !codec.is_valid(bytes))
            }
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

impl TryFrom<String> for Encoding {
    type Error = String;

    fn try_from(label: String) -> Result<Self, String> {
        Self::from_label(&label).ok_or_else(|| format!("`{label}` is no encoding that can be read"))
    }
}

impl From<Encoding> for String {
    fn from(encoding: Encoding) -> Self {
        encoding.label().to_owned()
    }
}

/// How the bytes of a cell become text, once the stream is split.
#[derive(Clone, Debug)]
pub(super) enum Codec {
    /// The bytes are UTF-8, or should be.
    Utf8,
    /// One byte is one character.
    Table(Box<Table>),
}

/// The upper half of a single-byte encoding.
#[derive(Clone, Debug)]
pub(super) struct Table {
    chars: [char; 128],
    /// The bytes that stand for nothing.
    invalid: Vec<u8>,
}

impl Codec {
    fn table(encoding: &'static encoding_rs::Encoding, also_invalid: fn(u8) -> bool) -> Self {
        let mut invalid = Vec::new();
        let chars = std::array::from_fn(|i| {
            let byte = 128 + (i as u8 & 0x7F);
            let one = [byte];
            let (text, bad) = encoding.decode_without_bom_handling(&one);
            match text.chars().next() {
                Some(c) if !bad && !also_invalid(byte) => c,
                _ => {
                    invalid.push(byte);
                    char::REPLACEMENT_CHARACTER
                }
            }
        });
        Self::Table(Box::new(Table { chars, invalid }))
    }

    /// Appends `bytes` as text; what cannot be decoded becomes U+FFFD.
    pub(super) fn decode_into(&self, bytes: &[u8], out: &mut String) {
        match self {
            Self::Utf8 => {
                for chunk in bytes.utf8_chunks() {
                    out.push_str(chunk.valid());
                    if !chunk.invalid().is_empty() {
                        out.push(char::REPLACEMENT_CHARACTER);
                    }
                }
            }
            Self::Table(table) => {
                out.extend(bytes.iter().map(|&byte| match byte.checked_sub(128) {
                    None => char::from(byte),
                    Some(upper) => table.chars[usize::from(upper & 0x7F)],
                }));
            }
        }
    }

    /// Whether every byte has a meaning.
    pub(super) fn is_valid(&self, bytes: &[u8]) -> bool {
        match self {
            Self::Utf8 => std::str::from_utf8(bytes).is_ok(),
            Self::Table(table) => !table.any_invalid(bytes),
        }
    }
}

impl Table {
    fn any_invalid(&self, bytes: &[u8]) -> bool {
        if self.invalid.len() > 9 {
            return bytes.iter().any(|byte| *byte >= 128 && self.invalid.contains(byte));
        }
        self.invalid.chunks(3).any(|needles| match *needles {
            [a] => memchr::memchr(a, bytes).is_some(),
            [a, b] => memchr::memchr2(a, b, bytes).is_some(),
            [a, b, c] => memchr::memchr3(a, b, c, bytes).is_some(),
            _ => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Encoding;

    #[test]
    fn labels_map_to_the_encoding_people_mean() {
        for (label, wanted) in [
            ("Latin1", Encoding::Iso8859_1),
            ("ISO_8859-15", Encoding::Iso8859_15),
            ("CP1252", Encoding::Windows1252),
            ("Mac Roman", Encoding::Macintosh),
            ("UTF-8", Encoding::Utf8),
            ("utf_16be", Encoding::Utf16Be),
            ("shift_jis", Encoding::Other(encoding_rs::SHIFT_JIS)),
            ("windows-1250", Encoding::Other(encoding_rs::WINDOWS_1250)),
        ] {
            assert_eq!(Encoding::from_label(label), Some(wanted), "{label}");
            assert_eq!(Encoding::from_label(wanted.label()), Some(wanted), "{label}");
        }
        assert_eq!(Encoding::from_label("klingon"), None);
        assert_eq!(Encoding::from_label("iso-2022-kr"), None);
    }

    #[test]
    fn the_four_western_tables_differ_where_they_should() {
        let bytes = [0x80, 0x81, 0x8E, 0xA4, 0xBD, 0xE9];
        assert_eq!(Encoding::Windows1252.decode(&bytes), ("€\u{FFFD}Ž¤½é".into(), true));
        assert_eq!(Encoding::Iso8859_1.decode(&bytes), ("\u{80}\u{81}\u{8E}¤½é".into(), false));
        assert_eq!(Encoding::Iso8859_15.decode(&bytes), ("\u{80}\u{81}\u{8E}€œé".into(), false));
        assert_eq!(Encoding::Macintosh.decode(&bytes), ("ÄÅé§ΩÈ".into(), false));
    }
}
