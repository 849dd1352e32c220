//! Decimal numbers taken apart, scaled and put together with one rounding.
//!
//! A number that is first rounded to binary and then multiplied shows it: 2.3 × 10 is 23.0, but
//! 0.57 × 100 is 56.99999999999999. So the digits are collected as an integer and a power of ten,
//! the factor's digits are multiplied in, and one correctly rounded division gives the result (the
//! fast path of Clinger, "How to read floating point numbers accurately", 1990). What does not fit
//! goes to the standard library's parser.

/// Decimal and thousands marks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marks {
    decimal: u8,
    group: Group,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Group {
    None,
    Byte(u8),
    Blank,
    Apostrophe,
}

impl Marks {
    pub(super) fn new(decimal: &str, group: Option<&str>) -> Result<Self, String> {
        let taken = |mark: u8| mark.is_ascii_alphanumeric() || matches!(mark, b'+' | b'-');
        let decimal = match *decimal.as_bytes() {
            [mark] if mark.is_ascii() && !taken(mark) => mark,
            _ => {
                return Err(format!(
                    "the decimal mark must be one character such as '.' or ',', not {decimal:?}"
                ));
            }
        };
        let group = match group {
            None => Group::None,
            Some(" " | "\u{a0}" | "\u{202f}" | "\u{2009}") => Group::Blank,
            Some("'" | "’") => Group::Apostrophe,
            Some(group) => match *group.as_bytes() {
                [mark] if mark.is_ascii() && !taken(mark) => Group::Byte(mark),
                _ => {
                    return Err(format!(
                        "the thousands mark must be one character such as ',' or ' ', not {group:?}"
                    ));
                }
            },
        };
        let marks = Self { decimal, group };
        match marks.group(&[decimal]) {
            0 => Ok(marks),
            _ => Err("the decimal and the thousands mark are the same".to_owned()),
        }
    }

    /// Bytes of the thousands mark that `text` begins with, 0 where it begins with none.
    #[inline]
    fn group(self, text: &[u8]) -> usize {
        match (self.group, text) {
            (Group::Byte(mark), [first, ..]) if mark == *first => 1,
            (Group::Blank, [b' ', ..]) => 1,
            (Group::Blank, [0xC2, 0xA0, ..]) => 2,
            (Group::Blank, [0xE2, 0x80, 0xAF | 0x89, ..]) => 3,
            (Group::Apostrophe, [b'\'', ..]) => 1,
            (Group::Apostrophe, [0xE2, 0x80, 0x99, ..]) => 3,
            _ => 0,
        }
    }
}

/// A text taken apart: ± mantissa × 10^exponent.
struct Parts {
    negative: bool,
    /// Wrong (wrapped) where there are more than [`MANTISSA_DIGITS`] digits.
    mantissa: u64,
    /// Digits from the first that is not zero, or, where they are few, all digits.
    digits: usize,
    exponent: i64,
}

/// 10^19 − 1 is the largest run of nines in a `u64`.
const MANTISSA_DIGITS: usize = 19;

impl Parts {
    #[inline]
    fn read(text: &[u8], marks: Marks) -> Option<Self> {
        Self::read_short(text, marks).or_else(|| Self::read_any(text, marks))
    }

    /// What most cells are: a few digits and at most one decimal mark.
    #[inline]
    fn read_short(text: &[u8], marks: Marks) -> Option<Self> {
        if text.len() > 15 {
            return None;
        }
        let (mut mantissa, mut digits, mut fraction, mut marked) = (0_u64, 0, 0, 0);
        for byte in text {
            let digit = byte.wrapping_sub(b'0');
            if digit < 10 {
                mantissa = mantissa * 10 + u64::from(digit);
                digits += 1;
                fraction += marked;
            } else if *byte == marks.decimal && marked == 0 {
                marked = 1;
            } else {
                return None;
            }
        }
        (digits > 0).then_some(Self { negative: false, mantissa, digits, exponent: -fraction })
    }

    fn read_any(text: &[u8], marks: Marks) -> Option<Self> {
        let (negative, mut rest) = match text {
            [b'-', rest @ ..] | [0xE2, 0x88, 0x92, rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, text),
        };
        let (mut mantissa, mut digits) = (0_u64, 0_usize);
        let mut push = |digit: u8| {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
            digits += usize::from(digits > 0 || digit > 0);
        };

        // Digits since the start or the last thousands mark.
        let (mut run, mut grouped) = (0_usize, false);
        while let Some((first, after)) = rest.split_first() {
            let digit = first.wrapping_sub(b'0');
            if digit < 10 {
                push(digit);
                run += 1;
                rest = after;
                continue;
            }
            let mark = if *first == marks.decimal {
                0
            } else {
                marks.group(rest)
            };
            if mark == 0 {
                break;
            }
            if grouped && run != 3 || run == 0 || run > 3 {
                return None;
            }
            (run, grouped) = (0, true);
            rest = rest.get(mark..)?;
        }
        if grouped && run != 3 {
            return None;
        }

        let mut fraction = 0_usize;
        if let Some(after) = rest.strip_prefix(&[marks.decimal]) {
            rest = after;
            while let Some((first @ b'0'..=b'9', after)) = rest.split_first() {
                push(first - b'0');
                fraction += 1;
                rest = after;
            }
        }
        if run == 0 && fraction == 0 {
            return None;
        }
        let written = match rest {
            [] => 0,
            [b'e' | b'E', rest @ ..] => exponent(rest)?,
            _ => return None,
        };
        Some(Self {
            negative,
            mantissa,
            digits,
            exponent: written - fraction as i64,
        })
    }
}

/// The exponent after `e`, cut at ±100 000, which no `f64` reaches.
fn exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits.iter().fold(0, |value, digit| {
        (value * 10 + i64::from(digit - b'0')).min(100_000)
    });
    Some(if negative { -value } else { value })
}

/// 10^0 … 10^22: the powers of ten that an `f64` holds exactly (5^22 < 2^53).
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// Integers up to here are exact in an `f64`.
const EXACT: u64 = 1 << 53;

/// × numerator / denominator + offset, ready for use.
#[derive(Debug)]
pub(super) struct Scale {
    /// The factor once more as written, for numbers that are not exact anyway.
    numerator: f64,
    denominator: f64,
    offset: f64,
    identity: bool,
    negative: bool,
    /// |factor| = top / bottom × 10^exponent.
    top: u64,
    bottom: u64,
    exponent: i64,
    /// bottom × 10^k for k = 0 … 22; 0 where that is not exact.
    divisors: [f64; 23],
}

impl Scale {
    pub(super) fn new(numerator: f64, denominator: f64, offset: f64) -> Result<Self, String> {
        if !(numerator.is_finite() && denominator.is_finite() && offset.is_finite()) {
            return Err("numerator, denominator and offset must be finite".to_owned());
        }
        if numerator == 0.0 || denominator == 0.0 {
            return Err("numerator and denominator must not be 0".to_owned());
        }
        let ((top, over), (bottom, under)) = (decimal(numerator.abs()), decimal(denominator.abs()));
        let divisors = POWERS.map(|power| {
            let product = u128::from(bottom) * power as u128;
            let divisor = product as f64;
            if divisor as u128 == product {
                divisor
            } else {
                0.0
            }
        });
        Ok(Self {
            numerator,
            denominator,
            offset,
            identity: numerator == denominator && offset == 0.0,
            negative: (numerator < 0.0) != (denominator < 0.0),
            top,
            bottom,
            exponent: over - under,
            divisors,
        })
    }

    /// The number that `text` stands for, scaled.
    #[inline]
    pub(super) fn float(&self, text: &[u8], marks: Marks) -> Option<f64> {
        let parts = Parts::read(text, marks)?;
        let value = match self.rounded_once(&parts) {
            Some(value) if parts.negative != self.negative => -value,
            Some(value) => value,
            None => standard(text, marks)? * self.numerator / self.denominator,
        };
        // Where the offset is 0, adding it turns -0.0 into 0.0.
        Some(value + self.offset).filter(|value| value.is_finite())
    }

    /// |mantissa × factor| where one rounding gives it.
    #[inline]
    fn rounded_once(&self, parts: &Parts) -> Option<f64> {
        if parts.digits > MANTISSA_DIGITS {
            return None;
        }
        let product = parts
            .mantissa
            .checked_mul(self.top)
            .filter(|product| *product <= EXACT)?;
        let exponent = parts.exponent + self.exponent;
        if product == 0 {
            return Some(0.0);
        }
        if exponent <= 0 {
            let divisor = *self.divisors.get(exponent.unsigned_abs() as usize)?;
            return (divisor > 0.0).then(|| product as f64 / divisor);
        }
        if self.bottom == 1 {
            return Some(product as f64 * POWERS.get(exponent as usize)?);
        }
        let product = 10_u64
            .checked_pow(u32::try_from(exponent).ok()?)?
            .checked_mul(product)?;
        (product <= EXACT && self.bottom <= EXACT).then(|| product as f64 / self.bottom as f64)
    }

    /// The integer that `text` stands for, scaled.
    #[inline]
    pub(super) fn integer(&self, text: &[u8], marks: Marks) -> Option<i64> {
        let parts = Parts::read(text, marks)?;
        if self.identity && parts.exponent == 0 && parts.digits < MANTISSA_DIGITS {
            let value = parts.mantissa as i64;
            return Some(if parts.negative { -value } else { value });
        }
        if self.offset == 0.0
            && let Some((whole, rest)) = self.divided(text, &parts)
        {
            let magnitude = match rest {
                Rest::Nothing => whole,
                _ if self.identity => return None,
                Rest::BelowHalf => whole,
                Rest::HalfOrMore => whole + 1,
            };
            let magnitude = i128::try_from(magnitude).ok()?;
            return i64::try_from(if parts.negative != self.negative {
                -magnitude
            } else {
                magnitude
            })
            .ok();
        }
        // Too long for 128 bits: a number out of range or, unconverted, with a fraction.
        if self.identity {
            return None;
        }
        let value = self.float(text, marks)?.round();
        // 2^63 is exact in an `f64`; the largest Int64 is not.
        (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0)
            .contains(&value)
            .then_some(value as i64)
    }

    /// |mantissa × factor| as a whole number and what is left, where 128 bits hold the terms.
    fn divided(&self, text: &[u8], parts: &Parts) -> Option<(u128, Rest)> {
        let (mut mantissa, mut exponent) = match parts.digits <= MANTISSA_DIGITS {
            true => (u128::from(parts.mantissa), parts.exponent),
            false => long_mantissa(text, parts)?,
        };
        if mantissa == 0 {
            return Some((0, Rest::Nothing));
        }
        exponent += self.exponent;
        while exponent < 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            exponent += 1;
        }
        let power = 10_u128.checked_pow(u32::try_from(exponent.unsigned_abs()).ok()?)?;
        let (mut top, mut bottom) = (
            mantissa.checked_mul(u128::from(self.top))?,
            u128::from(self.bottom),
        );
        if exponent < 0 {
            bottom = bottom.checked_mul(power)?;
        } else {
            top = top.checked_mul(power)?;
        }
        let (whole, left) = (top.checked_div(bottom)?, top.checked_rem(bottom)?);
        let rest = match left {
            0 => Rest::Nothing,
            left if left >= bottom - left => Rest::HalfOrMore,
            _ => Rest::BelowHalf,
        };
        Some((whole, rest))
    }
}

/// What a division leaves.
enum Rest {
    Nothing,
    BelowHalf,
    HalfOrMore,
}

/// A positive finite number as digits × 10^exponent, by its shortest decimal form (at most 17
/// digits).
fn decimal(number: f64) -> (u64, i64) {
    let text = format!("{number:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let fraction = digits
        .split_once('.')
        .map_or(0, |(_, fraction)| fraction.len());
    let mantissa = digits
        .bytes()
        .filter(u8::is_ascii_digit)
        .fold(0_u64, |value, digit| {
            value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'))
        });
    (
        mantissa,
        exponent.parse::<i64>().unwrap_or_default() - fraction as i64,
    )
}

/// The mantissa of a text of more than 19 digits, without the zeros it ends with, and its exponent;
/// `None` beyond 128 bits. Rare, hence apart.
#[cold]
fn long_mantissa(text: &[u8], parts: &Parts) -> Option<(u128, i64)> {
    let (mut mantissa, mut zeros) = (0_u128, 0_u32);
    for byte in text.iter().take_while(|byte| !matches!(byte, b'e' | b'E')) {
        match byte.wrapping_sub(b'0') {
            0 => zeros += 1,
            digit @ 1..=9 => {
                mantissa = match mantissa {
                    0 => 0,
                    _ => mantissa.checked_mul(10_u128.checked_pow(zeros.checked_add(1)?)?)?,
                };
                mantissa = mantissa.checked_add(u128::from(digit))?;
                zeros = 0;
            }
            _ => {}
        }
    }
    Some((mantissa, parts.exponent + i64::from(zeros)))
}

/// A text that [`Parts::read`] accepted, by the standard library. Null beyond 128 digits.
#[cold]
fn standard(text: &[u8], marks: Marks) -> Option<f64> {
    let (mut plain, mut length) = ([0; 128], 0);
    let minus: &[u8] = "−".as_bytes();
    let (sign, text) = text
        .strip_prefix(minus)
        .map_or((None, text), |rest| (Some(b'-'), rest));
    for byte in sign.iter().chain(text) {
        let byte = match *byte {
            byte if byte == marks.decimal => b'.',
            byte @ (b'0'..=b'9' | b'e' | b'E' | b'+' | b'-') => byte,
            _ => continue,
        };
        *plain.get_mut(length)? = byte;
        length += 1;
    }
    std::str::from_utf8(plain.get(..length)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Marks, Scale};

    fn float(text: &str) -> Option<f64> {
        Scale::new(1.0, 1.0, 0.0)
            .unwrap()
            .float(text.as_bytes(), Marks::new(".", None).unwrap())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn reads_what_the_standard_library_reads(text in "[+-]?[0-9]{0,25}(\\.[0-9]{0,25})?([eE][+-]?[0-9]{0,3})?") {
            let expected = text.parse::<f64>().ok().filter(|value| value.is_finite());
            prop_assert_eq!(float(&text), expected);
        }

        #[test]
        fn refuses_what_the_standard_library_refuses(text in "[0-9+.eE-]{0,12}") {
            prop_assert_eq!(float(&text), text.parse::<f64>().ok().filter(|value| value.is_finite()));
        }

        #[test]
        fn prints_and_reads_back(value: f64) {
            prop_assume!(value.is_finite());
            prop_assert_eq!(float(&value.to_string()).or((value.to_string().len() > 128).then_some(value)), Some(value));
            prop_assert_eq!(float(&format!("{value:e}")), Some(value));
        }

        #[test]
        fn marks_do_not_change_the_number(value in -1_000_000_000_000_i64..1_000_000_000_000, cents in 0_u8..100) {
            let digits = value.unsigned_abs().to_string();
            let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap()).collect();
            let sign = if value < 0 { "-" } else { "" };
            let marks = Marks::new(",", Some(" ")).unwrap();
            let scale = Scale::new(1.0, 1.0, 0.0).unwrap();
            let read = scale.float(format!("{sign}{},{cents:02}", groups.join("\u{202f}")).as_bytes(), marks);
            prop_assert_eq!(read, format!("{sign}{digits}.{cents:02}").parse().ok());
            prop_assert_eq!(scale.integer(format!("{sign}{}", groups.join(" ")).as_bytes(), marks), Some(value));
        }

        #[test]
        fn a_factor_of_ten_moves_the_mark(tenths in -9_999_999_i64..9_999_999) {
            let text = format!("{}{}.{}", if tenths < 0 { "-" } else { "" }, tenths.abs() / 10, tenths.abs() % 10);
            let (scale, marks) = (Scale::new(10.0, 1.0, 0.0).unwrap(), Marks::new(".", None).unwrap());
            prop_assert_eq!(scale.float(text.as_bytes(), marks), Some(tenths as f64));
            prop_assert_eq!(scale.integer(text.as_bytes(), marks), Some(tenths));
        }

        #[test]
        fn integers_round_as_fractions_do(value in 0_i64..1_000_000_000, top in 1_i64..1000, bottom in 1_i64..1000) {
            let (scale, marks) = (Scale::new(top as f64, bottom as f64, 0.0).unwrap(), Marks::new(".", None).unwrap());
            let expected = (2 * value * top + bottom).div_euclid(2 * bottom);
            prop_assert_eq!(scale.integer(value.to_string().as_bytes(), marks), Some(expected));
        }
    }
}
