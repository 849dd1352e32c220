//! Classes back to numbers: one site delivers a tumour size as `20-50` and the cohort wants millimetres.

use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, plan_datafusion_err, plan_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature};

use super::cell::{after_blanks, blank_before, trimmed};
use super::column::{Arguments, any_arguments, primitive_column};
use super::decimal::{Marks, Scale};

/// `interval_bound(text, which, decimal)` → Float64: the `'lower'` or `'upper'` bound of an
/// interval, or the `'midpoint'` between them.
///
/// Read are
/// * a single number: both bounds;
/// * two numbers with `-`, `‐`, `‑`, `–`, `—`, `−`, `..`, `à` or `to` between them, or as `entre 20 et 50`,
///   `de 20 à 50`, `between 20 and 50`, `from 20 to 50`, `[20;50[`, `>= 20 et < 50`;
/// * a number after `<`, `<=`, `=<`, `≤`, `>`, `>=`, `=>`, `≥`, or after `moins de`, `plus de`, `au moins`, `au plus`,
///   `jusqu'à`, `less than`, `more than`, `at least`, `at most`, `up to`, `under`, `over`;
/// * a number before `+`, `et plus`, `ou plus`, `or more`, `and over`, `et moins`, `ou moins`, `or less`, `and under`.
///
/// Blanks between these do not count, nor case; a unit of one word without digits may stand behind a
/// number (`10-15 mm`, `10 mm - 15 mm`, `<= 5 %`). Null for an open end, for a midpoint with an open
/// end, and where the text is none of these or its bounds are in the wrong order. Whether a bound
/// belongs to the interval is not told: `<20` and `≤20` are both 20.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IntervalBound;

impl ScalarUDFImpl for IntervalBound {
    fn name(&self) -> &str {
        "interval_bound"
    }

    fn signature(&self) -> &Signature {
        any_arguments()
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let args = Arguments::new(self.name(), &args);
        args.exactly(3)?;
        let text = args.text_column(0)?;
        let (which, decimal) = (args.text(1)?, args.text(2)?);
        let told = |problem| plan_datafusion_err!("interval_bound: {problem}");
        let reader = Reader {
            marks: Marks::new(decimal, None).map_err(told)?,
            scale: Scale::new(1.0, 1.0, 0.0).map_err(told)?,
            decimal,
        };
        let bound = match which {
            "lower" => |(low, _): (Option<f64>, Option<f64>)| low,
            "upper" => |(_, high): (Option<f64>, Option<f64>)| high,
            "midpoint" => |(low, high): (Option<f64>, Option<f64>)| Some(low? / 2.0 + high? / 2.0),
            other => {
                return plan_err!(
                    "interval_bound: no bound {other:?}; there are lower, upper, midpoint"
                );
            }
        };
        args.answer(
            0,
            primitive_column::<Float64Type>(&text, |cell| bound(reader.interval(cell.bytes)?)),
        )
    }
}

struct Reader<'a> {
    marks: Marks,
    scale: Scale,
    decimal: &'a str,
}

/// Signs before a number, and whether they set an upper bound; the longer ones first.
const SIGNS: [(&str, bool); 8] = [
    ("<=", true),
    ("=<", true),
    ("≤", true),
    ("<", true),
    (">=", false),
    ("=>", false),
    ("≥", false),
    (">", false),
];

/// Marks between two numbers.
const BETWEEN: [&str; 9] = ["-", "–", "—", "‐", "‑", "−", "..", "à", "to"];

/// Words before an upper bound, and before a lower one.
const UPPER: [&str; 8] = ["moins de", "au plus", "jusqu'à", "jusqu’à", "less than", "at most", "up to", "under"];
const LOWER: [&str; 5] = ["plus de", "au moins", "more than", "at least", "over"];

/// What follows one of `words` and a blank, whatever the case of ASCII letters.
fn after_word<'t>(text: &'t [u8], words: &[&str]) -> Option<&'t [u8]> {
    let rest = words.iter().find_map(|word| text.split_at_checked(word.len()).filter(|(begin, _)| begin.eq_ignore_ascii_case(word.as_bytes())))?.1;
    (blank_before(rest) > 0).then(|| after_blanks(rest))
}

/// Words after a number that are no unit but change its meaning.
const NO_UNITS: [&str; 18] = [
    "à", "to", "ou", "or", "et", "and", "max", "maximum", "minimum", "plus", "moins", "more", "less",
    "over", "under", "env", "environ", "about",
];

impl Reader<'_> {
    /// Lower and upper bound, `None` where open.
    fn interval(&self, text: &[u8]) -> Option<(Option<f64>, Option<f64>)> {
        let text = trimmed(text);
        if let [b'[' | b']' | b'(', inner @ .., b'[' | b']' | b')'] = text {
            return self.between(inner, &[";", ",", "-", "–"]);
        }
        if let Some(rest) = after_word(text, &["entre", "between"]) {
            return self.between(rest, &["et", "and"]);
        }
        if let Some(rest) = after_word(text, &["de", "from"]) {
            return self.between(rest, &["à", "to"]);
        }
        if let Some((bound, upper, rest)) = self.bound(text) {
            let Some(rest) = self.after_unit(rest, &["et ", "and ", "-", "–"]) else {
                return if upper { Some((None, Some(bound))) } else { Some((Some(bound), None)) };
            };
            // `>= 20 et < 50`: an end of each kind, the rest of the text.
            let (other, is_upper, rest) = self.bound(rest?)?;
            self.unit(rest)?;
            let (low, high) = if upper { (other, bound) } else { (bound, other) };
            return (upper != is_upper && low <= high).then_some((Some(low), Some(high)));
        }
        let (low, rest) = self.number(text)?;
        let behind = self.behind_unit(rest).unwrap_or(after_blanks(rest));
        for (words, upper) in [(&["+", "et plus", "ou plus", "or more", "and over"][..], false), (&["et moins", "ou moins", "or less", "and under"][..], true)] {
            if words.iter().any(|word| behind.eq_ignore_ascii_case(word.as_bytes())) {
                return Some(if upper { (None, Some(low)) } else { (Some(low), None) });
            }
        }
        match self.after_unit(rest, &BETWEEN) {
            None => Some((Some(low), Some(low))),
            Some(rest) => self.ends(low, rest?),
        }
    }

    /// Two numbers with one of `marks` between them.
    fn between(&self, text: &[u8], marks: &[&str]) -> Option<(Option<f64>, Option<f64>)> {
        let (low, rest) = self.number(after_blanks(text))?;
        self.ends(low, self.after_unit(rest, marks)??)
    }

    /// The upper bound that `text` is, beside the lower one.
    fn ends(&self, low: f64, text: &[u8]) -> Option<(Option<f64>, Option<f64>)> {
        let (high, rest) = self.number(after_blanks(text))?;
        self.unit(rest)?;
        (low <= high).then_some((Some(low), Some(high)))
    }

    /// A bound by its sign or words: the number, whether it is an upper one, and what follows.
    fn bound<'t>(&self, text: &'t [u8]) -> Option<(f64, bool, &'t [u8])> {
        let text = after_blanks(text);
        let signed = SIGNS.iter().find_map(|(sign, upper)| Some((text.strip_prefix(sign.as_bytes())?, *upper)));
        let (rest, upper) = signed
            .or_else(|| Some((after_word(text, &UPPER)?, true)))
            .or_else(|| Some((after_word(text, &LOWER)?, false)))?;
        let (number, rest) = self.number(after_blanks(rest))?;
        Some((number, upper, rest))
    }

    /// What stands behind a number: `None` for nothing or a unit, else what follows one of `marks`, which may have
    /// a unit before it; the inner `None` where it is none of these.
    fn after_unit<'t>(&self, text: &'t [u8], marks: &[&str]) -> Option<Option<&'t [u8]>> {
        if self.unit(text).is_some() {
            return None;
        }
        let after_mark = |text: &'t [u8]| {
            let text = after_blanks(text);
            marks.iter().find_map(|mark| text.split_at_checked(mark.len()).filter(|(begin, _)| begin.eq_ignore_ascii_case(mark.as_bytes()))).map(|(_, rest)| rest)
        };
        Some(after_mark(text).or_else(|| after_mark(self.behind_unit(text)?)))
    }

    /// What follows a unit and a blank.
    fn behind_unit<'t>(&self, text: &'t [u8]) -> Option<&'t [u8]> {
        let text = after_blanks(text);
        let (unit, rest) = text.split_at_checked(text.iter().position(u8::is_ascii_whitespace)?)?;
        self.unit(unit).map(|()| after_blanks(rest))
    }

    /// The number that `text` begins with (an optional minus, digits, decimal digits), and what follows.
    fn number<'t>(&self, text: &'t [u8]) -> Option<(f64, &'t [u8])> {
        let sign = usize::from(text.starts_with(b"-"));
        let digits = |from: usize| {
            text.get(from..)
                .unwrap_or_default()
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count()
        };
        let whole = sign + digits(sign);
        let fraction = match text
            .get(whole..)
            .unwrap_or_default()
            .starts_with(self.decimal.as_bytes())
        {
            true => digits(whole + 1),
            false => 0,
        };
        let end = if fraction > 0 {
            whole + 1 + fraction
        } else {
            whole
        };
        let (number, rest) = text.split_at_checked(end)?;
        Some((self.scale.float(number, self.marks)?, rest))
    }

    /// Accepts nothing, or one word without digits that begins as a unit does.
    fn unit(&self, text: &[u8]) -> Option<()> {
        let unit = after_blanks(text);
        let Some(first) = std::str::from_utf8(unit).ok()?.chars().next() else {
            return Some(());
        };
        let letter = first.is_alphabetic() || matches!(first, '%' | '‰' | '°' | '[' | '{');
        let one_word = !unit
            .iter()
            .any(|byte| byte.is_ascii_digit() || b"<>=".contains(byte))
            && (0..unit.len()).all(|at| blank_before(unit.get(at..).unwrap_or_default()) == 0);
        let a_unit = !NO_UNITS
            .iter()
            .any(|word| unit.eq_ignore_ascii_case(word.as_bytes()));
        (letter && one_word && a_unit).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray, Float64Array};
    use arrow::datatypes::Float64Type;
    use proptest::prelude::*;

    use super::super::column::testing::{on_text, texts};
    use super::IntervalBound;

    fn bounds(cells: &[Option<&str>], which: &str, decimal: &str) -> Float64Array {
        on_text(IntervalBound, cells, &texts([which, decimal]))
            .unwrap()
            .as_primitive::<Float64Type>()
            .clone()
    }

    #[test]
    fn intervals() {
        for (text, low, high) in [
            ("20-50", Some(20.0), Some(50.0)),
            ("10–15", Some(10.0), Some(15.0)),
            ("<=20", None, Some(20.0)),
            ("≤20", None, Some(20.0)),
            ("<20", None, Some(20.0)),
            (">50", Some(50.0), None),
            ("≥ 4", Some(4.0), None),
            (">=4", Some(4.0), None),
            ("10-15 mm", Some(10.0), Some(15.0)),
            ("7", Some(7.0), Some(7.0)),
            (" 1,5 à 2,5\u{a0}ng/mL", Some(1.5), Some(2.5)),
            ("1 to 2", Some(1.0), Some(2.0)),
            ("-5", Some(-5.0), Some(-5.0)),
            ("-5--2", Some(-5.0), Some(-2.0)),
            ("< 5 %", None, Some(5.0)),
            ("7mm", Some(7.0), Some(7.0)),
            ("10..20", Some(10.0), Some(20.0)),
            ("10-10", Some(10.0), Some(10.0)),
            ("10 mm - 15 mm", Some(10.0), Some(15.0)),
            ("[20;50[", Some(20.0), Some(50.0)),
            ("]20 ; 50]", Some(20.0), Some(50.0)),
            ("(1,5;2,5]", Some(1.5), Some(2.5)),
            ("entre 20 et 50 ans", Some(20.0), Some(50.0)),
            ("Between 20 and 50", Some(20.0), Some(50.0)),
            ("de 20 à 50", Some(20.0), Some(50.0)),
            ("moins de 20", None, Some(20.0)),
            ("Plus de 50 mm", Some(50.0), None),
            ("au moins 4", Some(4.0), None),
            ("jusqu'à 3", None, Some(3.0)),
            ("20+", Some(20.0), None),
            ("20 ou plus", Some(20.0), None),
            ("80 ans et plus", Some(80.0), None),
            ("20 et moins", None, Some(20.0)),
            (">= 20 et < 50", Some(20.0), Some(50.0)),
            (">20 - <=50", Some(20.0), Some(50.0)),
            ("≤50 et >20", Some(20.0), Some(50.0)),
        ] {
            assert_eq!(
                bounds(&[Some(text), None], "lower", ",")
                    .iter()
                    .next()
                    .unwrap(),
                low,
                "{text}"
            );
            assert_eq!(
                bounds(&[Some(text), None], "upper", ",")
                    .iter()
                    .next()
                    .unwrap(),
                high,
                "{text}"
            );
            assert_eq!(
                bounds(&[Some(text), None], "midpoint", ",")
                    .iter()
                    .next()
                    .unwrap(),
                low.zip(high).map(|(low, high)| (low + high) / 2.0),
                "{text}"
            );
        }
    }

    #[test]
    fn texts_that_are_no_interval() {
        let cells = [
            "",
            "-",
            "50-20",
            "20-",
            "<",
            "< -",
            "20 plus",
            "20++",
            "plus 20",
            "moinsde 20",
            "entre 20 à 50",
            "entre 50 et 20",
            "entre 20",
            ">= 20 et > 50",
            ">= 50 et < 20",
            ">= 20 et",
            "[20;50",
            "[20]",
            "20 et 50",
            "env. 20",
            "10-20-30",
            "<10-20",
            "1.5-2.5",
            "10 - 20 30",
            "a-b",
            "20 x10^9",
            "10 < 20",
            "1e5",
            "10 à",
            "10 to",
        ];
        for cell in cells {
            assert_eq!(
                bounds(&[Some(cell)], "lower", ",").null_count(),
                1,
                "{cell}"
            );
            assert_eq!(
                bounds(&[Some(cell)], "upper", ",").null_count(),
                1,
                "{cell}"
            );
        }
    }

    proptest! {
        #[test]
        fn written_intervals_read_back(low in 0_u32..100_000, width in 0_u32..1000, mark in "-|–| - | à |\\.\\.", unit in "( ?mm| %)?") {
            let text = format!("{}.{}{mark}{}.{}{unit}", low / 10, low % 10, (low + width) / 10, (low + width) % 10);
            prop_assert_eq!(bounds(&[Some(&text)], "lower", ".").value(0), f64::from(low) / 10.0);
            prop_assert_eq!(bounds(&[Some(&text)], "upper", ".").value(0), f64::from(low + width) / 10.0);
        }

        #[test]
        fn no_text_is_too_strange(text in "[0-9<>=≤≥–.,a %-]{0,12}|\\PC{0,12}") {
            bounds(&[Some(&text)], "midpoint", ".");
        }
    }
}
