//! A rule in the words of a question to a site: what is asked of the field, and what the field is called.

use super::findings::{Rule, title};
use super::text::{Phrase, Wording};
use super::view::View;
use crate::execute::summary::RunSummary;

/// The rules and fields of a run in words.
pub struct Words<'a>(View<'a>);

const AGREED: Wording = Wording { en: "{0} is one of the agreed codes", fr: "{0} est l’un des codes convenus" };

/// English and French.
pub type Both = [String; 2];

impl<'a> Words<'a> {
    pub fn new(summary: &'a RunSummary) -> Self {
        Words(View::new(summary))
    }

    /// What a rule asks of the site. Of a mapping, which is ours, it knows nothing.
    pub fn asks(&self, table: &str, rule: &str, field: Option<&str>) -> Both {
        if let ("unmapped", Some(field)) = (rule, field) {
            return both(AGREED.with(&[&self.0.label(table, field).quoted()]).capital());
        }
        let result = self.0.rule(table, rule, field).map(|group| group.overall.as_ref());
        both(title(&self.0, Rule { table, rule, field, result }))
    }

    /// What people call a field.
    pub fn field(&self, table: &str, field: &str) -> Both {
        both(self.0.label(table, field))
    }
}

fn both(phrase: Phrase) -> Both {
    [phrase.en, phrase.fr]
}
