//! What the formats of SAS share: the meaning of display formats, missing values, and catalogues of value labels.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::rc::Rc;

use ::sas7bdat::ValueKey;
use ::sas7bdat::catalog::{normalize_format_name, parse_catalog};

use super::moment::{Form, Y1960};
use super::row::Row;
use super::{Failure, Labels, OptionKey, Settings};

pub(super) const FORMATS_OPTION: OptionKey =
    OptionKey { key: "formats", about: "The SAS catalogue (`formats.sas7bcat`) that holds the value labels, for `labels: true`." };

/// Formats of SAS whose value is a day (SAS: "Formats by Category", date); widths are not part of a name.
const DAYS: [&str; 62] = [
    "B8601DA", "DATE", "DAY", "DDMMYY", "DDMMYYB", "DDMMYYC", "DDMMYYD", "DDMMYYN", "DDMMYYP", "DDMMYYS", "DOWNAME", "E8601DA", "EURDFDD", "EURDFDE", "EURDFDN", "EURDFMN",
    "EURDFMY", "EURDFWDX", "EURDFWKX", "IS8601DA", "JULDAY", "JULIAN", "MINGUO", "MMDDYY", "MMDDYYB", "MMDDYYC", "MMDDYYD", "MMDDYYN", "MMDDYYP", "MMDDYYS", "MMYY", "MMYYC",
    "MMYYD", "MMYYN", "MMYYP", "MMYYS", "MONNAME", "MONTH", "MONYY", "NENGO", "NLDATE", "NLDATEMN", "NLDATEW", "NLDATEWN", "QTR", "QTRR", "WEEKDATE", "WEEKDATX", "WEEKDAY",
    "WEEKU", "WEEKV", "WEEKW", "WORDDATE", "WORDDATX", "YEAR", "YYMM", "YYMMDD", "YYMON", "YYQ", "YYQR", "YYWEEKU", "YYWEEKV",
];
/// Those that a separator may end: `YYMMDDN`, `YYQRS`, `YYMMC`.
const SEPARATED: [&str; 4] = ["YYMM", "YYMMDD", "YYQ", "YYQR"];
/// Formats whose value is a second since 1960.
const MOMENTS: [&str; 24] = [
    "B8601DN", "B8601DT", "B8601DX", "B8601DZ", "DATEAMPM", "DATETIME", "DTDATE", "DTMONYY", "DTWKDATX", "DTYEAR", "DTYYQC", "E8601DN", "E8601DT", "E8601DX", "E8601DZ", "IS8601DN",
    "IS8601DT", "IS8601DZ", "MDYAMPM", "NLDATM", "NLDATMAP", "NLDATMTM", "NLDATMW", "YMDDTTM",
];
/// Formats whose value is a second of a day or a duration.
const CLOCKS: [&str; 16] = [
    "B8601LZ", "B8601TM", "B8601TX", "B8601TZ", "E8601LZ", "E8601TM", "E8601TX", "E8601TZ", "HHMM", "HOUR", "IS8601TM", "IS8601TZ", "MMSS", "NLTIMAP", "NLTIME", "TIME",
];

/// What a display format makes of a number. The name may come with a width: `DATE9.`
pub(super) fn form(format: &str) -> Form {
    let name = format.trim().trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').to_ascii_uppercase();
    let listed = |list: &[&str]| list.contains(&name.as_str());
    let separated = || SEPARATED.iter().any(|base| name.strip_prefix(base).is_some_and(|end| matches!(end, "B" | "C" | "D" | "N" | "P" | "S")));
    match name.as_str() {
        _ if listed(&DAYS) || separated() => Form::Days(Y1960),
        _ if listed(&MOMENTS) => Form::Seconds(Y1960),
        "TIMEAMPM" => Form::Clock,
        "TOD" => Form::TimeOfDay,
        _ if listed(&CLOCKS) => Form::Clock,
        _ => Form::Number,
    }
}

/// The letter of a missing value from the byte that stands for it in a transport file: `.`, `_`, `A` to `Z`.
pub(super) fn is_missing(letter: u8) -> bool {
    matches!(letter, b'.' | b'_' | b'A'..=b'Z')
}

/// Adds the cell of a missing value: `.` itself is none.
pub(super) fn missing(letter: u8, labels: Option<&Labels>, row: &mut Row) {
    let tag = char::from(letter);
    match labels.and_then(|l| l.tag(tag)) {
        Some(label) => row.text(label),
        None if letter == b'.' => row.missing(),
        None => row.tag(tag),
    }
}

/// Sets of value labels by the name of the format, `$` before those of texts.
#[derive(Default)]
pub(super) struct Catalogue(HashMap<String, Rc<Labels>>);

impl Catalogue {
    /// The catalogue that the mapping names: without one there are no labels to ask for.
    pub(super) fn of(settings: &Settings) -> Result<Self, Failure> {
        match (&settings.formats, settings.labels) {
            (Some(path), _) => Self::read(path),
            (None, false) => Ok(Self::default()),
            (None, true) => Err(Failure::Option {
                key: "labels".into(),
                message: "the value labels of SAS are in a file of their own, a catalogue: `formats` names it".into(),
                near: vec!["formats".into()],
            }),
        }
    }

    fn read(path: &Path) -> Result<Self, Failure> {
        /// Larger than any catalogue; its index is read as a whole.
        const LARGEST: u64 = 1 << 30;
        let refused = |why: String| Failure::Option { key: "formats".into(), message: format!("`{}` cannot be read as a SAS catalogue: {why}", path.display()), near: vec![] };
        let mut bytes = vec![];
        File::open(path).and_then(|f| f.take(LARGEST).read_to_end(&mut bytes)).map_err(|e| refused(e.to_string()))?;
        let catalogue = parse_catalog(&mut std::io::Cursor::new(bytes)).map_err(|_| refused("it is damaged or of another kind".into()))?;
        let mut sets = HashMap::new();
        for set in catalogue.label_sets {
            let mut labels = Labels::default();
            for pair in set.labels {
                match pair.key {
                    ValueKey::Numeric(value) => labels.add_number(value, pair.label),
                    ValueKey::Integer(value) => labels.add_number(f64::from(value), pair.label),
                    ValueKey::String(value) => drop(labels.texts.insert(value.trim_end().as_bytes().to_vec(), pair.label)),
                    ValueKey::Tagged(tag) => drop(labels.tags.insert(tag, pair.label)),
                }
            }
            sets.insert(normalize_format_name(&set.name), Rc::new(labels));
        }
        Ok(Self(sets))
    }

    /// The labels of a variable with a display format.
    pub(super) fn labels(&self, format: &str) -> Option<Rc<Labels>> {
        self.0.get(&normalize_format_name(format)).cloned()
    }
}
