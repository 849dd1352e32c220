//! How the bytes of a text become characters.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

/// The character encoding of the texts of a file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Charset {
    /// The file does not say: what is UTF-8 is read as UTF-8, all else as windows-1252. Accented letters of
    /// the one are hardly ever sound text in the other.
    Guess,
    Known(&'static Encoding),
}

impl Charset {
    /// An encoding by the name that people, SPSS or SAS give it, or by its number as a code page of Windows.
    pub(super) fn named(label: &str) -> Option<Self> {
        let label = label.trim().to_ascii_lowercase();
        let page = label.trim_start_matches("cp").trim_start_matches("windows-").trim_start_matches("ibm");
        let known = match label.as_str() {
            "macroman" | "mac-roman" => Some("macintosh"),
            "latin9" | "latin-9" => Some("iso-8859-15"),
            "wlatin1" => Some("windows-1252"),
            "wlatin2" => Some("windows-1250"),
            _ => None,
        };
        let numbered = match page.parse::<u32>() {
            Ok(65001) => Some("utf-8"),
            Ok(932) => Some("shift_jis"),
            Ok(936) => Some("gbk"),
            Ok(949) => Some("euc-kr"),
            Ok(950) => Some("big5"),
            Ok(54936) => Some("gb18030"),
            Ok(20127) => Some("us-ascii"),
            Ok(28591) => Some("iso-8859-1"),
            Ok(28592) => Some("iso-8859-2"),
            Ok(28605) => Some("iso-8859-15"),
            Ok(10000) => Some("macintosh"),
            _ => None,
        };
        let by_page = format!("windows-{page}");
        [known.or(numbered).unwrap_or(&label), &by_page, &label.replace('_', "-"), &label.replace(['-', '_'], "")]
            .iter()
            .find_map(|l| Encoding::for_label(l.as_bytes()))
            .filter(|encoding| encoding.is_ascii_compatible())
            .map(Self::Known)
    }

    /// For the evidence.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Guess => "UTF-8 where that fits, else windows-1252 (the file does not say)",
            Self::Known(encoding) => encoding.name(),
        }
    }

    /// The text of `bytes`, and whether all of them stand for characters. A last character that was cut by the
    /// width of its variable is left out.
    pub(super) fn text(self, bytes: &[u8]) -> (Cow<'_, str>, bool) {
        let error = match std::str::from_utf8(bytes) {
            Ok(text) if bytes.is_ascii() || self.is_utf8() => return (Cow::Borrowed(text), true),
            Ok(_) => None,
            Err(error) => Some(error),
        };
        match (self, error) {
            (Self::Guess, Some(error)) => {
                let sound = slice_text(bytes, error.valid_up_to());
                // Cut within a character, and UTF-8 before it.
                if error.error_len().is_none() && !sound.is_ascii() {
                    return (Cow::Borrowed(sound), true);
                }
                (WINDOWS_1252.decode_without_bom_handling(bytes).0, true)
            }
            (Self::Known(encoding), Some(error)) if encoding == UTF_8 => {
                if error.error_len().is_none() {
                    return (Cow::Borrowed(slice_text(bytes, error.valid_up_to())), true);
                }
                (String::from_utf8_lossy(bytes), false)
            }
            (Self::Known(encoding), _) => {
                let (text, bad) = encoding.decode_without_bom_handling(bytes);
                match text.strip_suffix('\u{FFFD}') {
                    Some(rest) if bad && !rest.contains('\u{FFFD}') => (Cow::Owned(rest.to_owned()), true),
                    _ => (text, !bad),
                }
            }
            (Self::Guess, None) => (String::from_utf8_lossy(bytes), true),
        }
    }

    /// A name or a label, decoded as well as can be.
    pub(super) fn label(self, bytes: &[u8]) -> String {
        self.text(bytes).0.into_owned()
    }

    fn is_utf8(self) -> bool {
        matches!(self, Self::Guess) || self == Self::Known(UTF_8)
    }
}

fn slice_text(bytes: &[u8], sound: usize) -> &str {
    bytes.get(..sound).and_then(|b| std::str::from_utf8(b).ok()).unwrap_or_default()
}
