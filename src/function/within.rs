//! Hierarchies that a notation spells out: ICD-O-3 topography, ICD-10 and CIM-10, ATC.

use arrow::datatypes::DataType;
use datafusion::common::{Result, plan_datafusion_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature};

use super::column::{Arguments, any_arguments, boolean_column};

/// `within(code, branch1, branch2, …)` → Boolean: whether the code is a branch or descends from it.
/// Null where the code is null.
///
/// A code descends from those that it begins with; dots do not count (`C50.4` and `C504` lie within
/// `C50`). A branch `C00-C97` holds all that begins with something from `C00` to `C97`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Within;

impl ScalarUDFImpl for Within {
    fn name(&self) -> &str {
        "within"
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
        args.text(1)?;
        let branches = args.texts(1)?.into_iter().map(|b| Branch::new(b).map_err(|why| plan_datafusion_err!("within: `{b}`: {why}")));
        let branches = branches.collect::<Result<Vec<_>>>()?;
        args.answer(0, boolean_column(&text, |cell| Some(branches.iter().any(|branch| branch.holds(cell.bytes)))))
    }
}

/// Says why a branch cannot be used.
pub fn check_branch(branch: &str) -> Result<(), &'static str> {
    Branch::new(branch).map(|_| ())
}

/// Whether a code is a branch or descends from it, by the notation.
pub fn is_within(code: &str, branch: &str) -> bool {
    Branch::new(branch).is_ok_and(|branch| branch.holds(code.as_bytes()))
}

/// First and last beginning of the codes of a branch, of one length, without dots.
struct Branch {
    first: Vec<u8>,
    last: Vec<u8>,
}

impl Branch {
    fn new(branch: &str) -> Result<Self, &'static str> {
        let plain = |text: &str| text.trim().bytes().filter(|b| *b != b'.').collect::<Vec<u8>>();
        let (first, last) = branch.split_once('-').map_or((plain(branch), plain(branch)), |(first, last)| (plain(first), plain(last)));
        match () {
            () if first.is_empty() || last.is_empty() => Err("a code is expected here"),
            () if first.len() != last.len() => Err("the two ends of a range are equally long"),
            () if first > last => Err("the first code of a range comes before the last"),
            () => Ok(Branch { first, last }),
        }
    }

    fn holds(&self, code: &[u8]) -> bool {
        // Compares while it reads: `Equal` so far means that the code may still be on that edge.
        let (mut above, mut below) = (std::cmp::Ordering::Equal, std::cmp::Ordering::Equal);
        let mut bytes = code.iter().filter(|b| **b != b'.');
        for (first, last) in self.first.iter().zip(&self.last) {
            let Some(byte) = bytes.next() else { return false };
            above = above.then(byte.cmp(first));
            below = below.then(byte.cmp(last));
        }
        above.is_ge() && below.is_le()
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, BooleanArray};
    use proptest::prelude::*;

    use super::super::column::testing::{on_text, texts};
    use super::{Within, check_branch, is_within};

    #[test]
    fn by_the_notation() {
        let cells = [Some("C50"), Some("C50.4"), Some("C504"), Some("C5"), Some("C51.0"), Some("D05.1"), Some(""), None];
        let found = on_text(Within, &cells, &texts(["C50", "D05"])).unwrap();
        let expected = vec![Some(true), Some(true), Some(true), Some(false), Some(false), Some(true), Some(false), None];
        assert_eq!(found.as_boolean(), &BooleanArray::from(expected));
        assert!(is_within("C50.41", "C50.4") && !is_within("C50.9", "C504"));
    }

    #[test]
    fn ranges() {
        let all: Vec<bool> = ["C00", "C50.9", "C97", "C979", "D00", "B99.9", "C9"].into_iter().map(|code| is_within(code, "C00-C97")).collect();
        assert_eq!(all, [true, true, true, true, false, false, false]);
        assert!(check_branch("C00-C9").is_err() && check_branch("C97-C00").is_err() && check_branch(".").is_err());
        assert!(on_text(Within, &[Some("C50")], &texts(["C97-C00"])).is_err());
    }

    proptest! {
        #[test]
        fn as_a_beginning_without_dots(code in "[A-C][0-9.]{0,5}", branch in "[A-C][0-9.]{0,3}") {
            let plain = |text: &str| text.replace('.', "");
            prop_assert_eq!(is_within(&code, &branch), plain(&code).starts_with(&plain(&branch)));
        }
    }
}
