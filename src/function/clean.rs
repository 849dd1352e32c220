//! Text clean-up before a comparison: blanks, case, accents, digits.
//!
//! Names and free codes are typed by people: `  Carcinome   CANALAIRE`, `Opéré`, `T.: 12 34`. A
//! mapping lists the steps that bring them to one form. Each step works on the bytes of one cell in
//! a scratch text that is used again for the next row; a cell that no step changes keeps its view.

use arrow::array::Array;
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::DataType;
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature};

use super::cell::{after_blanks, trimmed};
use super::column::{Arguments, Store, any_arguments, cells, nulls, text_array};

/// `clean(text, step…)` → Utf8View: the steps in the order given.
///
/// | step | does |
/// |---|---|
/// | `trim` | drops the blanks on both sides, as `cell` does |
/// | `collapse` | makes each run of blanks, a single no-break space too, one space |
/// | `upper`, `lower` | Unicode case, character by character |
/// | `strip_accents` | folds the Latin letters of U+00C0–U+017F, Ș, Ț and ẞ to ASCII (œ → oe, ß → ss), drops combining accents |
/// | `digits` | keeps the ASCII digits only |
///
/// Null where the text is null or nothing of it is left.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Clean;

impl ScalarUDFImpl for Clean {
    fn name(&self) -> &str {
        "clean"
    }

    fn signature(&self) -> &Signature {
        any_arguments()
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let args = Arguments::new(self.name(), &args);
        let text = args.text_column(0)?;
        let steps = args
            .texts(1)?
            .into_iter()
            .map(Step::named)
            .collect::<Result<Vec<_>>>()?;

        let mut store = Store::after(text.data_buffers().len());
        let (mut scratch, mut spare) = (Vec::new(), Vec::new());
        let mut views = Vec::with_capacity(text.len());
        let mut rows = cells(&text);
        let valid = BooleanBuffer::collect_bool(text.len(), |_| {
            let Some(cell) = rows.next() else {
                views.push(0);
                return false;
            };
            scratch.clear();
            scratch.extend_from_slice(cell.bytes);
            for step in &steps {
                step.apply(&mut scratch, &mut spare);
            }
            views.push(if scratch == cell.bytes { cell.view } else { store.keep(&scratch) });
            !scratch.is_empty()
        });
        // SAFETY: a view is the input's or the store's, whose texts are UTF-8 because each step
        // takes away or replaces whole characters.
        let cleaned = unsafe {
            text_array(
                views,
                store.finish(text.data_buffers()),
                nulls(text.nulls(), valid),
            )
        };
        args.answer(0, cleaned)
    }
}

#[derive(Clone, Copy)]
enum Step {
    Trim,
    Collapse,
    Upper,
    Lower,
    StripAccents,
    Digits,
}

impl Step {
    fn named(name: &str) -> Result<Self> {
        Ok(match name {
            "trim" => Self::Trim,
            "collapse" => Self::Collapse,
            "upper" => Self::Upper,
            "lower" => Self::Lower,
            "strip_accents" => Self::StripAccents,
            "digits" => Self::Digits,
            other => {
                return plan_err!(
                    "clean: no step {other:?}; there are trim, collapse, upper, lower, strip_accents, digits"
                );
            }
        })
    }

    /// Rewrites `text`; what `spare` holds before and after does not matter.
    fn apply(self, text: &mut Vec<u8>, spare: &mut Vec<u8>) {
        match self {
            Self::Upper if text.is_ascii() => return text.make_ascii_uppercase(),
            Self::Lower if text.is_ascii() => return text.make_ascii_lowercase(),
            Self::StripAccents if text.is_ascii() => return,
            Self::Digits => return text.retain(u8::is_ascii_digit),
            _ => spare.clear(),
        }
        match self {
            Self::Trim => spare.extend_from_slice(trimmed(text)),
            Self::Collapse => collapse(text, spare),
            Self::Upper => upper(text, spare),
            Self::Lower => lower(text, spare),
            Self::StripAccents => strip_accents(text, spare),
            Self::Digits => {}
        }
        std::mem::swap(text, spare);
    }
}

fn collapse(text: &[u8], to: &mut Vec<u8>) {
    let mut rest = text;
    while !rest.is_empty() {
        // Only these bytes begin a blank; the multi-byte ones begin other characters as well.
        let maybe = |byte: &u8| matches!(byte, 9..=13 | b' ' | 0xC2 | 0xE2 | 0xEF);
        let (word, after) = rest.split_at(rest.iter().position(maybe).unwrap_or(rest.len()));
        to.extend_from_slice(word);
        rest = after_blanks(after);
        if rest.len() < after.len() {
            to.push(b' ');
        } else if let Some((other, after)) = after.split_first() {
            to.push(*other);
            rest = after;
        }
    }
}

/// Appends `text` in capitals, character by character (ß → SS).
fn upper(text: &[u8], to: &mut Vec<u8>) {
    let latin = |byte| match byte {
        0xA0..=0xB6 | 0xB8..=0xBE => Some(byte - 0x20),
        0x9F | 0xBF => None,
        _ => Some(byte),
    };
    map_case(text, to, u8::to_ascii_uppercase, latin, char::to_uppercase);
}

/// Appends `text` in small letters, character by character (Σ → σ, wherever it stands).
pub(super) fn lower(text: &[u8], to: &mut Vec<u8>) {
    let latin = |byte| match byte {
        0x80..=0x96 | 0x98..=0x9E => Some(byte + 0x20),
        _ => Some(byte),
    };
    map_case(text, to, u8::to_ascii_lowercase, latin, char::to_lowercase);
}

/// `latin` maps the second byte of U+00C0–U+00FF where that is all that changes; `other` maps every
/// other character that is not ASCII.
fn map_case<I: Iterator<Item = char>>(
    text: &[u8],
    to: &mut Vec<u8>,
    ascii: impl Fn(&u8) -> u8,
    latin: impl Fn(u8) -> Option<u8>,
    other: impl Fn(char) -> I,
) {
    let mut rest = std::str::from_utf8(text).unwrap_or_default();
    while let [first, after @ ..] = rest.as_bytes() {
        let mapped = after.first().copied().and_then(&latin);
        let length = match (first, mapped) {
            (0..=0x7F, _) => {
                to.push(ascii(first));
                1
            }
            (0xC3, Some(mapped)) => {
                to.extend_from_slice(&[0xC3, mapped]);
                2
            }
            _ => {
                let mut characters = rest.chars();
                for mapped in characters.next().into_iter().flat_map(&other) {
                    to.extend_from_slice(mapped.encode_utf8(&mut [0; 4]).as_bytes());
                }
                rest.len() - characters.as_str().len()
            }
        };
        rest = rest.get(length..).unwrap_or_default();
    }
}

fn strip_accents(text: &[u8], to: &mut Vec<u8>) {
    let mut rest = text;
    loop {
        let (folded, length) = match *rest {
            [] => return,
            // Combining accents, U+0300–U+036F.
            [0xCC, 0x80..=0xBF, ..] | [0xCD, 0x80..=0xAF, ..] => ("", 2),
            [lead @ 0xC3..=0xC5, next, ..] => {
                let letter =
                    (usize::from(lead & 0x1F) << 6 | usize::from(next & 0x3F)).wrapping_sub(0xC0);
                (LATIN.get(letter).copied().unwrap_or_default(), 2)
            }
            [0xC8, 0x98, ..] => ("S", 2),
            [0xC8, 0x99, ..] => ("s", 2),
            [0xC8, 0x9A, ..] => ("T", 2),
            [0xC8, 0x9B, ..] => ("t", 2),
            [0xE1, 0xBA, 0x9E, ..] => ("SS", 3),
            [other, ..] => {
                to.push(other);
                ("", 1)
            }
        };
        to.extend_from_slice(folded.as_bytes());
        rest = rest.get(length..).unwrap_or_default();
    }
}

/// U+00C0–U+017F (Latin-1 letters and Latin Extended-A) in ASCII. Letters that Unicode decomposes
/// give their base letter; the others the usual spelling. × and ÷, in the midst of them, stay.
#[rustfmt::skip]
const LATIN: [&str; 192] = [
    "A", "A", "A", "A", "A", "A", "AE", "C", "E", "E", "E", "E", "I", "I", "I", "I",
    "D", "N", "O", "O", "O", "O", "O", "×", "O", "U", "U", "U", "U", "Y", "TH", "ss",
    "a", "a", "a", "a", "a", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i", "i",
    "d", "n", "o", "o", "o", "o", "o", "÷", "o", "u", "u", "u", "u", "y", "th", "y",
    "A", "a", "A", "a", "A", "a", "C", "c", "C", "c", "C", "c", "C", "c", "D", "d",
    "D", "d", "E", "e", "E", "e", "E", "e", "E", "e", "E", "e", "G", "g", "G", "g",
    "G", "g", "G", "g", "H", "h", "H", "h", "I", "i", "I", "i", "I", "i", "I", "i",
    "I", "i", "IJ", "ij", "J", "j", "K", "k", "k", "L", "l", "L", "l", "L", "l", "L",
    "l", "L", "l", "N", "n", "N", "n", "N", "n", "n", "N", "n", "O", "o", "O", "o",
    "O", "o", "OE", "oe", "R", "r", "R", "r", "R", "r", "S", "s", "S", "s", "S", "s",
    "S", "s", "T", "t", "T", "t", "T", "t", "U", "u", "U", "u", "U", "u", "U", "u",
    "U", "u", "U", "u", "W", "w", "Y", "y", "Y", "Z", "z", "Z", "z", "Z", "z", "s",
];

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, StringViewArray};
    use datafusion::common::ScalarValue;
    use proptest::prelude::*;

    use super::super::column::testing::{on_text, texts};
    use super::Clean;

    fn clean(cells: &[Option<&str>], steps: Vec<ScalarValue>) -> StringViewArray {
        on_text(Clean, cells, &steps)
            .unwrap()
            .as_string_view()
            .clone()
    }

    #[test]
    fn steps_run_in_the_order_given() {
        let cells = [
            Some("  Carcinome \u{a0}\t canalaire "),
            None,
            Some("Opéré"),
            Some(""),
        ];
        let cleaned = clean(&cells, texts(["collapse", "upper"]));
        assert_eq!(
            cleaned,
            StringViewArray::from(vec![
                Some(" CARCINOME CANALAIRE "),
                None,
                Some("OPÉRÉ"),
                None
            ])
        );
        let cleaned = clean(
            &cells,
            texts(["trim", "collapse", "strip_accents", "lower"]),
        );
        assert_eq!(
            cleaned,
            StringViewArray::from(vec![
                Some("carcinome canalaire"),
                None,
                Some("opere"),
                None
            ])
        );
    }

    #[test]
    fn digits_only() {
        let cleaned = clean(
            &[
                Some("T.: 01 23-45 é67"),
                Some("none"),
                Some("2 84 05 75 056 012 34"),
            ],
            texts(["digits"]),
        );
        assert_eq!(
            cleaned,
            StringViewArray::from(vec![Some("01234567"), None, Some("284057505601234")])
        );
    }

    #[test]
    fn accents_become_ascii() {
        let cells = [
            Some("Œsophage cœur Ærø Straße STRAẞE"),
            Some("Łódź Čeština Țara Șerban"),
            Some("e\u{301}te\u{301}"),
            Some("3 × 4 ÷ 2 µg €"),
        ];
        let cleaned = clean(&cells, texts(["strip_accents"]));
        assert_eq!(
            cleaned,
            StringViewArray::from(vec![
                "OEsophage coeur AEro Strasse STRASSE",
                "Lodz Cestina Tara Serban",
                "ete",
                "3 × 4 ÷ 2 µg €"
            ])
        );
    }

    #[test]
    fn every_latin_letter_is_folded() {
        // Unicode's canonical decomposition without the accents (by Python's unicodedata), for the
        // letters that have one.
        let letters = "ÀÁÂÃÄÅÇÈÉÊËÌÍÎÏÑÒÓÔÕÖÙÚÛÜÝàáâãäåçèéêëìíîïñòóôõöùúûüýÿĀāĂăĄąĆćĈĉĊċČčĎďĒēĔĕĖėĘęĚěĜĝĞğĠġĢģĤĥĨĩĪīĬĭĮįİĴĵĶķĹĺĻļĽľŃńŅņŇňŌōŎŏŐőŔŕŖŗŘřŚśŜŝŞşŠšŢţŤťŨũŪūŬŭŮůŰűŲųŴŵŶŷŸŹźŻżŽž";
        let folded = "AAAAAACEEEEIIIINOOOOOUUUUYaaaaaaceeeeiiiinooooouuuuyyAaAaAaCcCcCcCcDdEeEeEeEeEeGgGgGgGgHhIiIiIiIiIJjKkLlLlLlNnNnNnOoOoOoRrRrRrSsSsSsSsTtTtUuUuUuUuUuUuWwYyYZzZzZz";
        assert_eq!(
            clean(&[Some(letters)], texts(["strip_accents"])).value(0),
            folded
        );
        let all: String = ('\u{c0}'..='\u{17f}')
            .filter(|letter| !"×÷".contains(*letter))
            .collect();
        assert!(
            clean(&[Some(&all)], texts(["strip_accents"]))
                .value(0)
                .bytes()
                .all(|byte| byte.is_ascii_alphabetic())
        );
    }

    #[test]
    fn an_unknown_step_is_an_error() {
        assert!(on_text(Clean, &[Some("a")], &texts(["Upper"])).is_err());
    }

    proptest! {
        #[test]
        fn case_and_blanks_as_the_standard_library(text in "[ \ta-zA-ZéÉßœŒ€\u{a0}]{0,40}") {
            let upper: String = text.chars().flat_map(char::to_uppercase).collect();
            let one = |steps| clean(&[Some(&text)], steps).value(0).to_owned();
            prop_assert_eq!(one(texts(["upper"])), upper);
            let words: Vec<_> = text.split([' ', '\t', '\u{a0}']).filter(|word| !word.is_empty()).collect();
            prop_assert_eq!(one(texts(["collapse", "trim"])), words.join(" "));
            let digits: String = text.chars().filter(char::is_ascii_digit).collect();
            prop_assert_eq!(one(texts(["digits"])), digits);
        }
    }
}
