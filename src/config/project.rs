//! Everything that one pipeline names, read from disk: the input of the check.

use std::path::{Path, PathBuf};

use super::{mapping, pipeline, read::Name, schema, yaml};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, FileId, SourceMap, Span, code};

/// A pipeline with its schema and mappings, in the order in which they run.
#[derive(Debug)]
pub struct Project {
    pub pipeline: pipeline::Pipeline,
    /// The pipeline's own path.
    pub path: PathBuf,
    pub schema: schema::Schema,
    pub mappings: Vec<(PathBuf, mapping::Mapping)>,
    /// Documents as read, for fingerprints: path, text.
    pub documents: Vec<(PathBuf, FileId)>,
}

/// Loads a pipeline and all that it names. `None` only where nothing more could be checked.
pub fn load(path: &Path, map: &mut SourceMap, found: &mut Diagnostics) -> Option<Project> {
    let mut documents = vec![];
    let pipeline = document(path, None, "pipeline", map, found, &mut documents, pipeline::read)?;
    let base = path.parent().unwrap_or(Path::new(""));
    let schema = document(&base.join(&pipeline.schema.value), Some(&pipeline.schema), "schema", map, found, &mut documents, schema::read);
    let mut mappings = vec![];
    let mut seen = std::collections::HashSet::new();
    for pattern in &pipeline.mappings {
        for path in expand(base, pattern, code::NO_MAPPING, "mapping", found) {
            if !seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())) {
                found.push(Diagnostic::error(code::DUPLICATE_MAPPING, pattern.span, format!("`{}` is listed twice", path.display())).label("again here"));
                continue;
            }
            if let Some(mapping) = document(&path, Some(pattern), "mapping", map, found, &mut documents, mapping::read) {
                mappings.push((path, mapping));
            }
        }
    }
    Some(Project { pipeline, path: path.to_owned(), schema: schema?, mappings, documents })
}

/// Paths that a glob or plain path names, sorted; none is a finding.
pub fn expand(base: &Path, pattern: &Name, code: Code, what: &str, found: &mut Diagnostics) -> Vec<PathBuf> {
    let full = base.join(&pattern.value);
    let none = |detail: String| {
        Diagnostic::error(code, pattern.span, format!("no {what} at `{}`", pattern.value))
            .label(detail)
            .note(format!("looked in `{}`", if base.as_os_str().is_empty() { Path::new(".") } else { base }.display()))
    };
    let is_glob = pattern.value.contains(['*', '?', '[']);
    if !is_glob || full.is_file() {
        if full.is_file() {
            return vec![full];
        }
        found.push(none(if full.is_dir() { "this is a folder".into() } else { "there is no such file".into() }));
        return vec![];
    }
    let paths = full.to_str().ok_or_else(|| "not UTF-8".to_owned()).and_then(|p| glob::glob(p).map_err(|e| e.msg.to_owned()));
    match paths {
        Ok(paths) => {
            let mut paths: Vec<PathBuf> = paths.filter_map(Result::ok).filter(|p| p.is_file()).collect();
            paths.sort();
            if paths.is_empty() {
                found.push(none("nothing matches".into()));
            }
            paths
        }
        Err(why) => {
            found.push(none(format!("not a path pattern: {why}")));
            vec![]
        }
    }
}

/// Reads one document of a kind; mistakes of form are findings.
pub fn document<T>(
    path: &Path,
    named_at: Option<&Name>,
    kind: &str,
    map: &mut SourceMap,
    found: &mut Diagnostics,
    documents: &mut Vec<(PathBuf, FileId)>,
    read: impl Fn(&yaml::Node, &mut Diagnostics) -> Option<T>,
) -> Option<T> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let why = match error.kind() {
                std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
                _ => error.to_string(),
            };
            found.push(
                Diagnostic::error(code::UNREADABLE_DOCUMENT, named_at.map(|n| n.span), format!("cannot read the {kind} `{}`", path.display()))
                    .label(why.clone())
                    .note(why),
            );
            return None;
        }
    };
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            found.push(
                Diagnostic::error(code::UNREADABLE_DOCUMENT, named_at.map(|n| n.span), format!("the {kind} `{}` is not UTF-8", path.display()))
                    .note(format!("the first wrong byte is at {}", error.utf8_error().valid_up_to()))
                    .help("save it as UTF-8"),
            );
            return None;
        }
    };
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    let file = map.add(path.display().to_string(), text);
    documents.push((path.to_owned(), file));
    let before = found.items.len();
    let Some(node) = yaml::parse(map.text(file), file, found) else {
        if found.items.len() == before {
            found.push(Diagnostic::error(code::NOT_A_DOCUMENT, Span::new(file, 0..0), format!("the {kind} is empty")).label(format!("expected a map that begins with `{kind}:`")));
        }
        return None;
    };
    // A mapping, a pipeline and tests name others, so `schema:` decides last.
    let found_kind = match &node.value {
        yaml::Value::Map(items) => ["pipeline", "mapping", "tests", "schema"].into_iter().find(|w| items.iter().any(|(k, _)| k.text() == Some(w))),
        _ => None,
    };
    if found_kind != Some(kind) {
        let mut span = node.span;
        span.end = span.end.min(span.start + map.text(file)[span.start.min(map.text(file).len())..].find('\n').unwrap_or(1));
        found.push(
            Diagnostic::error(code::NOT_A_DOCUMENT, span, format!("this is not a {kind}"))
                .label(match found_kind {
                    Some(other) => format!("this is a {other}"),
                    None => format!("expected a map that begins with `{kind}:`"),
                }),
        );
        return None;
    }
    read(&node, found)
}
