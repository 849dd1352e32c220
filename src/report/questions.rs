//! A rule in the words of a question to a site: what is asked of the field, and what the field is called.

use super::findings::{Rule, title};
use super::text::Phrase;
use super::view::View;
use crate::execute::summary::RunSummary;

/// The rules and fields of a run in words.
pub struct Words<'a>(View<'a>);

/// English and French.
pub type Both = [String; 2];

impl<'a> Words<'a> {
    pub fn new(summary: &'a RunSummary) -> Self {
        Words(View::new(summary))
    }

    /// What a rule asks.
    pub fn asks(&self, table: &str, rule: &str, field: Option<&str>) -> Both {
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
