//! The language that people read: what stands in both is written side by side.

/// English or French.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    English,
    French,
}

impl Language {
    /// One of two wordings.
    pub fn pick<'a>(self, english: &'a str, french: &'a str) -> &'a str {
        match self {
            Language::English => english,
            Language::French => french,
        }
    }

    /// A text of the documents: in this language, else in any that it has.
    pub fn of(self, text: &std::collections::BTreeMap<String, String>) -> Option<&str> {
        text.get(self.pick("en", "fr")).or_else(|| text.get("en")).or_else(|| text.values().next()).map(String::as_str)
    }

    /// A count: `1,234`, or `1 234` with a narrow no-break space.
    pub fn number(self, n: u64) -> String {
        let grouped = indicatif::HumanCount(n).to_string();
        match self {
            Language::English => grouped,
            Language::French => grouped.replace(',', "\u{202f}"),
        }
    }
}

/// A sentence in both languages, with the same places; as `format!`.
macro_rules! say {
    ($language:expr, $english:literal, $french:literal $(, $argument:expr)*) => {
        match $language {
            $crate::guide::language::Language::English => format!($english $(, $argument)*),
            $crate::guide::language::Language::French => format!($french $(, $argument)*),
        }
    };
}
pub(crate) use say;

#[cfg(test)]
mod tests {
    use super::Language::{English, French};

    #[test]
    fn numbers_and_texts_follow_the_language() {
        assert_eq!((English.number(1_234_567), French.number(1_234_567)), ("1,234,567".into(), "1\u{202f}234\u{202f}567".into()));
        let text = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        assert_eq!(French.of(&text(&[("en", "age"), ("fr", "âge")])), Some("âge"));
        assert_eq!(French.of(&text(&[("en", "age")])), Some("age"));
        assert_eq!(English.of(&text(&[("de", "Alter")])), Some("Alter"));
        let n = 2;
        assert_eq!((say!(English, "{n} rows"  , "{n} lignes"), say!(French, "{n} rows", "{n} lignes")), ("2 rows".into(), "2 lignes".into()));
    }
}
