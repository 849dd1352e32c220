//! Character sets of a data set (DICOM PS3.3 C.12.1.1.2, PS3.5 6.1): the value of Specific Character Set (0008,0005), with the
//! escape sequences of ISO 2022 by which one text changes between several.
//!
//! Without a declared set the standard says ASCII; bytes beyond it are then read as UTF-8 where they are valid UTF-8, else as
//! Western European.

use encoding_rs::{
    EUC_JP, EUC_KR, Encoding, GB18030, GBK, ISO_8859_2, ISO_8859_3, ISO_8859_4, ISO_8859_5, ISO_8859_6, ISO_8859_7, ISO_8859_8, ISO_8859_15, SHIFT_JIS, UTF_8,
    WINDOWS_874, WINDOWS_1252, WINDOWS_1254,
};

const ESCAPE: u8 = 0x1B;

/// The character sets of a data set, or of an item of a sequence.
#[derive(Debug, Clone, Copy, Default)]
pub struct Charset {
    /// The set in which each text begins; `None` is none declared, or ASCII.
    first: Option<&'static Encoding>,
}

impl Charset {
    /// By the value of (0008,0005): the first of its terms counts, the others come into play by their escape sequences.
    pub fn named(value: &str) -> Charset {
        let term = value.split('\\').next().unwrap_or_default().trim();
        let number = ["ISO_IR ", "ISO_IR_", "ISO 2022 IR ", "ISO-IR "].iter().find_map(|prefix| term.strip_prefix(prefix));
        let first = match number.unwrap_or(term) {
            "13" => SHIFT_JIS,
            "58" => GBK,
            "100" => WINDOWS_1252,
            "101" => ISO_8859_2,
            "109" => ISO_8859_3,
            "110" => ISO_8859_4,
            "126" => ISO_8859_7,
            "127" => ISO_8859_6,
            "138" => ISO_8859_8,
            "144" => ISO_8859_5,
            "148" => WINDOWS_1254,
            "149" => EUC_KR,
            "166" => WINDOWS_874,
            "192" => UTF_8,
            "203" => ISO_8859_15,
            "GB18030" => GB18030,
            "GBK" | "GB2312" => GBK,
            _ => return Charset::default(),
        };
        Charset { first: Some(first) }
    }

    /// The text of `bytes`; `name` says that it is a person's name, whose parts each begin in the first set again.
    pub fn decode(self, bytes: &[u8], name: bool) -> String {
        if bytes.is_ascii() && !bytes.contains(&ESCAPE) {
            return String::from_utf8_lossy(bytes).into_owned();
        }
        let mut text = String::with_capacity(bytes.len());
        let start = State { upper: self.first, lower: Lower::Ascii };
        let (mut state, mut part, mut rest) = (start, Vec::new(), bytes);
        while let Some((&byte, after)) = rest.split_first() {
            if byte == ESCAPE && let Some((length, next)) = state.escape(after) {
                state.flush(&mut part, &mut text);
                state = next;
                rest = after.get(length..).unwrap_or_default();
                continue;
            }
            let ends = matches!(byte, b'\t' | b'\n' | 0x0C | b'\r') || (state.lower == Lower::Ascii && (byte == b'\\' || (name && matches!(byte, b'^' | b'='))));
            // Two bytes of one character may look like a delimiter in the sets that use no escapes.
            if ends && !state.mixes() {
                state.flush(&mut part, &mut text);
                state = start;
                text.push(char::from(byte));
            } else {
                part.push(byte);
            }
            rest = after;
        }
        state.flush(&mut part, &mut text);
        text
    }
}

/// What bytes below 0x80 stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lower {
    Ascii,
    /// JIS X 0208, two bytes a character.
    Kanji,
    /// JIS X 0212, two bytes a character.
    Supplement,
}

#[derive(Debug, Clone, Copy)]
struct State {
    /// What bytes from 0x80 on stand for.
    upper: Option<&'static Encoding>,
    lower: Lower,
}

impl State {
    /// The state after an escape sequence, and its length without the escape itself.
    fn escape(self, after: &[u8]) -> Option<(usize, State)> {
        let upper = |encoding| State { upper: Some(encoding), ..self };
        let lower = |lower| State { lower, ..self };
        Some(match after {
            [b'(', b'B' | b'J', ..] => (2, lower(Lower::Ascii)),
            [b'$', b'B' | b'@', ..] => (2, lower(Lower::Kanji)),
            [b'$', b'(', b'D', ..] => (3, lower(Lower::Supplement)),
            [b'$', b')', b'C', ..] => (3, upper(EUC_KR)),
            [b'$', b')', b'A', ..] => (3, upper(GBK)),
            [b')', b'I', ..] => (2, upper(SHIFT_JIS)),
            [b'-', set, ..] => {
                let encoding = match set {
                    b'A' => WINDOWS_1252,
                    b'B' => ISO_8859_2,
                    b'C' => ISO_8859_3,
                    b'D' => ISO_8859_4,
                    b'F' => ISO_8859_7,
                    b'G' => ISO_8859_6,
                    b'H' => ISO_8859_8,
                    b'L' => ISO_8859_5,
                    b'M' => WINDOWS_1254,
                    b'T' => WINDOWS_874,
                    b'b' => ISO_8859_15,
                    _ => return None,
                };
                (2, upper(encoding))
            }
            _ => return None,
        })
    }

    /// Whether bytes below 0x80 may be the second of a character (GB18030, GBK, Shift-JIS).
    fn mixes(self) -> bool {
        self.lower == Lower::Ascii && self.upper.is_some_and(|e| e == GB18030 || e == GBK)
    }

    /// Decodes what was gathered.
    fn flush(self, part: &mut Vec<u8>, text: &mut String) {
        match self.lower {
            Lower::Ascii => match self.upper {
                Some(encoding) => text.push_str(&encoding.decode_without_bom_handling(part).0),
                None => match std::str::from_utf8(part) {
                    Ok(utf8) => text.push_str(utf8),
                    Err(_) => text.push_str(&WINDOWS_1252.decode_without_bom_handling(part).0),
                },
            },
            lower => {
                // EUC-JP has both sets in its upper half, the supplement behind a prefix.
                let mut euc = Vec::with_capacity(part.len().saturating_mul(2));
                for pair in part.chunks(2) {
                    if lower == Lower::Supplement {
                        euc.push(0x8F);
                    }
                    euc.extend(pair.iter().map(|byte| byte | 0x80));
                }
                text.push_str(&EUC_JP.decode_without_bom_handling(&euc).0);
            }
        }
        part.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_change_the_set_within_a_text() {
        // Sequences of PS3.3 tables C.12-3 and C.12-4; the characters are those of the sets themselves.
        let cases: &[(&str, &[u8], bool, &str)] = &[
            ("ISO_IR 100", b"J\xE9r\xF4me", true, "Jérôme"),
            ("ISO_IR 148", b"\xFE\xF0", false, "şğ"),
            ("ISO_IR 166", b"\xA1", false, "ก"),
            ("\\ISO 2022 IR 159", b"\x1B$(D0!\x1B(B.", false, "丂."),
            ("\\ISO 2022 IR 58", b"a\x1B$)A\xB0\xA1", false, "a啊"),
            // After the delimiter of a name the first set holds again.
            ("ISO 2022 IR 100\\ISO 2022 IR 126", b"\xE9\x1B-F\xE9^\xE9", true, "éι^é"),
            ("ISO 2022 IR 100\\ISO 2022 IR 126", b"\xE9\x1B-F\xE9^\xE9", false, "éι^ι"),
            // The second byte of the first character is a backslash.
            ("GB18030", b"\x81\x5C\x5Cx", false, "乗\\x"),
            // Nothing is declared.
            ("", "é".as_bytes(), false, "é"),
            ("", b"\xE9", false, "é"),
            ("no set", b"\x1B", false, "\u{1b}"),
        ];
        for (set, bytes, name, expected) in cases {
            assert_eq!(Charset::named(set).decode(bytes, *name), *expected, "{set}");
        }
    }
}
