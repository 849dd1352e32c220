//! What a mapping says of a source beside its path: compared with the format, and handed to it.

use std::path::Path;

use super::record::{self, Options, RecordFormat};
use super::{FORMATS, delimited, records_of};
use crate::config::mapping;
use crate::config::yaml::{Node, Value};
use crate::diagnostic::{Diagnostic, Diagnostics, code};

/// Reports what a source says of its dialect or format that cannot be.
pub fn dialect_is_sound(source: &mapping::Source, found: &mut Diagnostics) -> bool {
    let before = found.items.len();
    if let Some(format) = &source.format {
        let names: Vec<&str> = FORMATS.iter().flat_map(|f| f.names).copied().collect();
        if !names.contains(&format.value.as_str()) {
            found.push(Diagnostic::error(code::UNKNOWN_CHOICE, format.span, format!("there is no format `{}`", format.value)).label("not a format").suggest(&format.value, names));
        } else if let Some(records) = records_of(&format.value) {
            options_are_known(source, records, found);
        }
    }
    if let Some(label) = &source.dialect.encoding
        && delimited::Encoding::from_label(&label.value).is_none()
    {
        found.push(
            Diagnostic::error(code::UNKNOWN_ENCODING, label.span, format!("there is no encoding `{}`", label.value))
                .label("not an encoding")
                .suggest(&label.value, ["utf-8", "utf-16le", "utf-16be", "windows-1252", "iso-8859-1", "iso-8859-15", "macintosh"]),
        );
    }
    if source.dialect.header == Some(false) && source.dialect.columns.is_none() {
        found.push(Diagnostic::error(code::MISSING_KEY, source.name.span, format!("the source `{}` has no `columns`", source.name.value)).label("without a header, `columns: [a, b, c]` names them"));
    }
    found.items.len() == before
}

/// A format's options are its own, and those of delimited text say nothing to it.
fn options_are_known(source: &mapping::Source, format: &RecordFormat, found: &mut Diagnostics) {
    let known: Vec<&str> = format.options.iter().map(|o| o.key).collect();
    let name = source.format.as_ref().map_or("", |f| f.value.as_str());
    for (key, _) in source.options.iter().filter(|(key, _)| !known.contains(&key.value.as_str())) {
        found.push(Diagnostic::error(code::UNKNOWN_KEY, key.span, format!("a source of format `{name}` has no key `{}`", key.value)).label("not known here").suggest(&key.value, known.iter().copied()));
    }
    // Typed numbers come with a point; other marks would read 2.375 as thousands.
    if format.typed && (source.locale.decimal != '.' || source.locale.group.is_some()) {
        found.push(
            Diagnostic::error(code::FORMAT_OPTION, source.name.span, format!("numbers of format `{name}` have a point, so `decimal` and `group` cannot be said of the source"))
                .label("its numbers are typed")
                .help("say it where a column holds texts: `{from: COLUMN, number: {decimal: \",\"}}`"),
        );
    }
    let dialect = &source.dialect;
    let span = source.name.span;
    let said = [
        ("encoding", dialect.encoding.as_ref().map(|e| e.span)),
        ("delimiter", dialect.delimiter.as_ref().map(|d| d.span)),
        ("quote", dialect.quote.map(|_| span)),
        ("escape", dialect.escape.map(|_| span)),
        ("comment", dialect.comment.map(|_| span)),
        ("header", dialect.header.map(|_| span)),
        ("columns", dialect.columns.as_ref().and_then(|c| c.first()).map(|c| c.span)),
        ("skip_lines", (dialect.skip_lines > 0).then_some(span)),
        ("line_end", dialect.line_end.map(|_| span)),
    ];
    for (key, span) in said.iter().filter(|(key, _)| !known.contains(key)) {
        let Some(span) = span else { continue };
        let found_here = Diagnostic::error(code::FORMAT_OPTION, *span, format!("`{key}` says nothing to a source of format `{name}`")).label(format!("`{name}` has no use for it"));
        found.push(if known.is_empty() { found_here } else { found_here.help(format!("its options are {}", known.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", "))) });
    }
}

/// What the mapping says of a source, as its format takes it.
pub fn options(source: &mapping::Source, base: &Path) -> Options {
    let mut options: Options = source.options.iter().map(|(key, node)| (key.value.clone(), json(node))).collect();
    for key in record::FILES {
        if let Some(serde_json::Value::String(path)) = options.get_mut(key) {
            *path = base.join(&*path).display().to_string();
        }
    }
    if let Some(encoding) = &source.dialect.encoding {
        options.insert("encoding".into(), encoding.value.clone().into());
    }
    if let Some(delimiter) = &source.dialect.delimiter {
        options.insert("delimiter".into(), char::from(delimiter.value).to_string().into());
    }
    if source.dialect.skip_lines > 0 {
        options.insert("skip_lines".into(), source.dialect.skip_lines.into());
    }
    options.insert("decimal".into(), source.locale.decimal.to_string().into());
    options
}

fn json(node: &Node) -> serde_json::Value {
    match &node.value {
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(items) => items.iter().map(|(k, v)| (k.text().unwrap_or_default().to_owned(), json(v))).collect(),
        Value::Scalar { .. } if node.is_null() => serde_json::Value::Null,
        Value::Scalar { text, quoted: false } => match serde_json::from_str(text) {
            Ok(value @ (serde_json::Value::Bool(_) | serde_json::Value::Number(_))) => value,
            _ => text.clone().into(),
        },
        Value::Scalar { text, .. } => text.clone().into(),
    }
}

#[cfg(test)]
mod tests {
    /// The readers know nothing of mappings, so the names stand twice.
    #[test]
    fn a_workbook_has_the_same_names_everywhere() {
        assert_eq!(crate::source::records_of("excel").map(|f| f.names), Some(&crate::config::mapping::WORKBOOK[..]));
    }
}
