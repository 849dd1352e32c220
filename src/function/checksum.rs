//! Identifiers that carry check digits.

use arrow::datatypes::DataType;
use datafusion::common::{Result, plan_datafusion_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature};

use super::column::{Arguments, any_arguments, boolean_column};

/// The identifiers that are known.
pub const CHECKSUMS: [&str; 7] = ["nir", "ins", "finess", "rpps", "siret", "nhs", "luhn"];

/// `checksum(text, kind)` → Boolean: whether the check digits are right; null where the text is null. Blanks, points and
/// hyphens do not count.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Checksum;

impl ScalarUDFImpl for Checksum {
    fn name(&self) -> &str {
        "checksum"
    }

    fn signature(&self) -> &Signature {
        any_arguments()
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let args = Arguments::new(self.name(), &args);
        let text = args.text_column(0)?;
        let kind = args.text(1)?;
        let holds = of(kind).ok_or_else(|| plan_datafusion_err!("checksum: there is no `{kind}`"))?;
        let mut plain = vec![];
        args.answer(0, boolean_column(&text, |cell| {
            plain.clear();
            plain.extend(cell.bytes.iter().filter(|b| !matches!(b, b' ' | b'.' | b'-')).map(u8::to_ascii_uppercase));
            Some(holds(&plain))
        }))
    }
}

fn of(kind: &str) -> Option<fn(&[u8]) -> bool> {
    Some(match kind {
        "nir" | "ins" => nir,
        "finess" => |id| id.len() == 9 && luhn(id),
        "rpps" => |id| id.len() == 11 && luhn(id),
        "siret" => |id| id.len() == 14 && luhn(id),
        "nhs" => nhs,
        "luhn" => |id| id.len() > 1 && luhn(id),
        _ => return None,
    })
}

fn digits(id: &[u8]) -> Option<Vec<u32>> {
    id.iter().map(|b| char::from(*b).to_digit(10)).collect()
}

/// ISO/IEC 7812-1, annex B: every second digit from the right is doubled, and the sum of all digits ends in 0. The letter of
/// a Corsican FINESS counts as its department's old number, 20.
fn luhn(id: &[u8]) -> bool {
    let plain: Vec<u8> = id.iter().enumerate().map(|(at, b)| if at == 1 && matches!(b, b'A' | b'B') { b'0' } else { *b }).collect();
    let Some(digits) = digits(&plain) else { return false };
    let sum: u32 = digits.iter().rev().enumerate().map(|(at, d)| if at % 2 == 1 { d * 2 / 10 + d * 2 % 10 } else { *d }).sum();
    sum.is_multiple_of(10)
}

/// The French national number: 13 characters and the complement to 97 of their remainder (INSEE; the INS of the
/// Agence du numérique en santé is written alike). Corsica's 2A and 2B count as 19 and 18.
fn nir(id: &[u8]) -> bool {
    let plain: Vec<u8> = match id.get(5..7) {
        Some(b"2A") => [id.get(..5).unwrap_or_default(), b"19", id.get(7..).unwrap_or_default()].concat(),
        Some(b"2B") => [id.get(..5).unwrap_or_default(), b"18", id.get(7..).unwrap_or_default()].concat(),
        _ => id.to_vec(),
    };
    let Some(digits) = digits(&plain).filter(|d| d.len() == 15) else { return false };
    let number = |digits: &[u32]| digits.iter().fold(0u64, |n, d| n * 10 + u64::from(*d));
    let (body, key) = digits.split_at(13);
    97 - number(body) % 97 == number(key)
}

/// The NHS number: ten digits, of which the last is the weighted sum of the others under modulus 11 (NHS Data Model and
/// Dictionary).
fn nhs(id: &[u8]) -> bool {
    let Some(digits) = digits(id).filter(|d| d.len() == 10) else { return false };
    let sum: u32 = digits.iter().take(9).zip((2..=10).rev()).map(|(d, weight)| d * weight).sum();
    let check = (11 - sum % 11) % 11;
    check < 10 && digits.last() == Some(&check)
}

#[cfg(test)]
mod tests {
    use super::super::column::testing::{on_text, texts};
    use super::{Checksum, of};
    use arrow::array::{AsArray, BooleanArray};

    fn holds(kind: &str, id: &str) -> bool {
        of(kind).expect("a kind")(id.as_bytes())
    }

    /// Published examples: the NIR of the social security's specimen card, the NHS number of the NHS Data Dictionary, the number of
    /// the Luhn patent's successors, the FINESS of the Hospices civils de Lyon and of the AP-HP; each with one digit wrong.
    #[test]
    fn published_identifiers_and_wrong_ones() {
        for (kind, right, wrong) in [
            ("nir", "269054958815780", "269054958815781"),
            ("ins", "269054958815780", "269054958815708"),
            ("nhs", "9434765919", "9434765918"),
            ("luhn", "79927398713", "79927398710"),
            ("finess", "690781810", "690781801"),
            ("finess", "750712184", "750712185"),
        ] {
            assert!(holds(kind, right), "{kind} {right}");
            assert!(!holds(kind, wrong), "{kind} {wrong}");
        }
        // 13 characters with 2A: 2 69 05 2A 588 157 → 2690519588157; 2690519588157 = 97 × 27737315341 + 80, so the key is 17.
        assert!(holds("nir", "269052A58815717") && !holds("nir", "269052B58815717"));
        assert!(!holds("nir", "") && !holds("nir", "26905é") && !holds("finess", "0000000") && !holds("luhn", "0"));
    }

    #[test]
    fn a_column_of_them() {
        let found = on_text(Checksum, &[Some("2 69 05 49 588 157 80"), Some("x"), None], &texts(["nir"])).expect("answers");
        assert_eq!(found.as_boolean(), &BooleanArray::from(vec![Some(true), Some(false), None]));
        assert!(on_text(Checksum, &[Some("1")], &texts(["isbn"])).is_err());
    }
}
