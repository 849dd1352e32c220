//! Diagnostics as people (rustc's layout) and as machines (JSON) read them.

use annotate_snippets::{AnnotationKind, Group, Level as Lvl, Renderer, Snippet, renderer::DecorStyle};
use serde_json::{Value, json};

use super::{Diagnostic, Level, SourceMap};

/// rustc-like text. `color` adds ANSI styles.
pub fn render_text(diagnostics: &[Diagnostic], map: &SourceMap, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() }.decor_style(DecorStyle::Ascii);
    let mut out = String::new();
    for d in diagnostics {
        out.push_str(&renderer.render(&[group(d, map)]));
        out.push_str("\n\n");
    }
    out
}

fn group<'a>(d: &'a Diagnostic, map: &'a SourceMap) -> Group<'a> {
    let level = match d.level {
        Level::Error => Lvl::ERROR,
        Level::Warning => Lvl::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(d.message.as_str()).id(d.code.id));
    if let Some(span) = d.span {
        let clamp = |s: super::Span| {
            let text = map.text(s.file);
            let start = floor_boundary(text, s.start);
            start..floor_boundary(text, s.end.max(s.start)).max(start)
        };
        let mut snippet = Snippet::source(map.text(span.file))
            .path(map.name(span.file))
            .annotation(AnnotationKind::Primary.span(clamp(span)).label(d.label.as_str()));
        for (related, label) in d.related.iter().filter(|(s, _)| s.file == span.file) {
            snippet = snippet.annotation(AnnotationKind::Context.span(clamp(*related)).label(label.as_str()));
        }
        group = group.element(snippet);
        for (related, label) in d.related.iter().filter(|(s, _)| s.file != span.file) {
            group = group.element(
                Snippet::source(map.text(related.file))
                    .path(map.name(related.file))
                    .annotation(AnnotationKind::Context.span(clamp(*related)).label(label.as_str())),
            );
        }
    }
    group = group.elements(d.notes.iter().map(|n| Lvl::NOTE.message(n.as_str())));
    group.elements(d.help.iter().map(|h| Lvl::HELP.message(h.as_str())))
}

fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// One object per finding: `code, level, message, file, line, column, length, label, notes, help`.
/// Lines and columns count from 1, columns and lengths in characters.
pub fn render_json(diagnostics: &[Diagnostic], map: &SourceMap) -> Value {
    Value::Array(
        diagnostics
            .iter()
            .map(|d| {
                let place = d.span.map(|span| {
                    let (line, column) = map.line_column(span);
                    let length = map.text(span.file).get(span.start..span.end).map_or(0, |t| t.chars().count());
                    (map.name(span.file), line, column, length)
                });
                json!({
                    "code": d.code.id,
                    "level": match d.level { Level::Error => "error", Level::Warning => "warning" },
                    "message": d.message,
                    "file": place.map(|p| p.0),
                    "line": place.map(|p| p.1),
                    "column": place.map(|p| p.2),
                    "length": place.map(|p| p.3),
                    "label": d.label,
                    "notes": d.notes,
                    "help": d.help,
                })
            })
            .collect(),
    )
}
