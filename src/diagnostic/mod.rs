//! What is wrong, where, and what to write instead.
//!
//! A [`Diagnostic`] is a finding about the documents or about a source as a whole (a row's
//! finding is a Reason, and lives in quarantine). It carries a code that is never reused, a span
//! in a document, what was expected, and a suggestion. Findings are collected, not thrown: one
//! run of `cohorte check` shows all of them. Rendering is rustc's own, by `annotate-snippets`.

mod codes;
mod explanations;
mod render;

pub use codes::{ALL, Code, code};
pub use explanations::explanation;
pub use render::{render_json, render_text};

use std::ops::Range;

/// A document that was read, by its place in the [`SourceMap`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub u32);

/// A byte range in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    pub file: FileId,
    pub start: usize,
    pub end: usize,
}

impl Span {
    /// The span of `range` (bytes) in `file`.
    pub fn new(file: FileId, range: Range<usize>) -> Self {
        Span { file, start: range.start, end: range.end.max(range.start) }
    }
}

/// All documents read so far: their names as shown to people, and their text.
#[derive(Debug, Default)]
pub struct SourceMap {
    files: Vec<(String, String)>,
}

impl SourceMap {
    /// Keeps a document and returns its id.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        self.files.push((name.into(), text.into()));
        FileId(self.files.len() as u32 - 1)
    }

    /// Name of a document as shown to people.
    pub fn name(&self, file: FileId) -> &str {
        self.files.get(file.0 as usize).map_or("?", |f| &f.0)
    }

    /// Text of a document.
    pub fn text(&self, file: FileId) -> &str {
        self.files.get(file.0 as usize).map_or("", |f| &f.1)
    }

    /// Line and column, both from 1, columns in characters.
    pub fn line_column(&self, span: Span) -> (usize, usize) {
        let text = self.text(span.file);
        let upto = text.get(..span.start.min(text.len())).unwrap_or(text);
        let line_start = upto.rfind('\n').map_or(0, |i| i + 1);
        (upto.matches('\n').count() + 1, upto[line_start..].chars().count() + 1)
    }
}

/// Whether a finding stops the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    Error,
    Warning,
}

/// One finding, with its place and its remedy.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnostic {
    pub code: Code,
    pub level: Level,
    pub message: String,
    /// Where; `None` for findings about the command line or a data file.
    pub span: Option<Span>,
    /// Said at the caret: what was expected.
    pub label: String,
    /// Other places that matter (the earlier definition, the schema's field).
    pub related: Vec<(Span, String)>,
    pub notes: Vec<String>,
    pub help: Vec<String>,
}

impl Diagnostic {
    /// An error at a place in a document.
    pub fn error(code: Code, span: impl Into<Option<Span>>, message: impl Into<String>) -> Self {
        Diagnostic {
            code,
            level: Level::Error,
            message: message.into(),
            span: span.into(),
            label: String::new(),
            related: vec![],
            notes: vec![],
            help: vec![],
        }
    }

    /// A warning at a place in a document.
    pub fn warning(code: Code, span: impl Into<Option<Span>>, message: impl Into<String>) -> Self {
        Diagnostic { level: Level::Warning, ..Self::error(code, span, message) }
    }

    /// Text at the caret.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Another place that matters.
    pub fn related(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related.push((span, label.into()));
        self
    }

    /// A fact that helps to understand.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// What to write instead.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// "did you mean" among `known`, else the list of what there is (up to twelve).
    pub fn suggest<'a>(self, wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        match closest(wrong, &known) {
            Some(best) => self.help(format!("did you mean `{best}`?")),
            None if known.is_empty() => self,
            None => {
                let shown: Vec<String> = known.iter().take(12).map(|k| format!("`{k}`")).collect();
                let more = if known.len() > 12 { format!(" and {} more", known.len() - 12) } else { String::new() };
                self.help(format!("there is {}{more}", shown.join(", ")))
            }
        }
    }
}

/// The most similar of `known`, where one is similar enough to be a slip of the pen.
pub fn closest<'a>(wrong: &str, known: &[&'a str]) -> Option<&'a str> {
    let lower = wrong.to_lowercase();
    known
        .iter()
        .map(|k| (strsim::damerau_levenshtein(&lower, &k.to_lowercase()), *k))
        .filter(|(distance, k)| *distance <= 1.max(wrong.chars().count().max(k.chars().count()) / 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, k)| k)
}

/// Findings in the order they were made; sorted by place when shown.
#[derive(Debug, Default)]
pub struct Diagnostics {
    pub items: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Adds a finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if !self.items.contains(&diagnostic) {
            self.items.push(diagnostic);
        }
    }

    /// Whether any finding stops the run.
    pub fn has_errors(&self) -> bool {
        self.items.iter().any(|d| d.level == Level::Error)
    }

    /// Number of errors and of warnings.
    pub fn counts(&self) -> (usize, usize) {
        let errors = self.items.iter().filter(|d| d.level == Level::Error).count();
        (errors, self.items.len() - errors)
    }

    /// Orders by document and place; findings without a place come last.
    pub fn sort(&mut self) {
        self.items.sort_by(|a, b| (a.span.is_none(), a.span, a.code.id).cmp(&(b.span.is_none(), b.span, b.code.id)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_name_is_a_slip_of_the_pen_and_nothing_further() {
        assert_eq!(closest("tumor_size", &["tumour_size", "size_class"]), Some("tumour_size"));
        assert_eq!(closest("GRADE_SBR", &["grade_sbr"]), Some("grade_sbr"));
        assert_eq!(closest("xyz", &["age", "sex"]), None);
    }

    #[test]
    fn lines_and_columns_count_characters() {
        let mut map = SourceMap::default();
        let file = map.add("a.yaml", "é: 1\nclé: 2\n");
        assert_eq!(map.line_column(Span::new(file, 6..10)), (2, 1));
        assert_eq!(map.line_column(Span::new(file, 12..13)), (2, 6));
    }
}
