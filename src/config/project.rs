//! Everything that one pipeline names, read from disk: the input of the check.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::reuse::Library;
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
    /// Documents as read, for fingerprints.
    pub documents: Vec<Document>,
}

/// A document that was read.
#[derive(Debug, Clone)]
pub struct Document {
    /// `pipeline`, `schema`, `mapping`, `base`, `table`, `codelist` or `concept_map`.
    pub role: &'static str,
    /// Of a codelist or ConceptMap: its name and version.
    pub name: Option<String>,
    pub version: Option<String>,
    pub path: PathBuf,
    pub file: FileId,
    /// Of the file's bytes, in hexadecimal digits.
    pub sha256: String,
}

impl Project {
    /// Adds the findings of one mapping. Of those in files that mappings share (a base, a ConceptMap)
    /// it says who uses them, and what several mappings find in one place is one finding.
    pub fn found_in(&self, mapping: &mapping::Mapping, items: Vec<Diagnostic>, found: &mut Diagnostics) {
        let alone = [mapping.name.span.file, self.schema.name.span.file, self.pipeline.name.span.file];
        shared_by(&mapping.name, &alone, items, found);
    }
}

fn shared_by(name: &Name, alone: &[FileId], items: Vec<Diagnostic>, found: &mut Diagnostics) {
    const USED: &str = "mappings that use this: ";
    for mut item in items {
        if item.span.is_none_or(|span| alone.contains(&span.file)) || item.notes.iter().any(|n| n.starts_with(USED)) {
            found.push(item);
            continue;
        }
        let same = |other: &&mut Diagnostic| {
            let plain: Vec<&String> = other.notes.iter().filter(|n| !n.starts_with(USED)).collect();
            (other.code, other.span, &other.message, &other.label) == (item.code, item.span, &item.message, &item.label) && plain.iter().copied().eq(&item.notes)
        };
        let user = format!("`{}`", name.value);
        match found.items.iter_mut().find(same).and_then(|other| other.notes.iter_mut().find(|n| n.starts_with(USED))) {
            Some(note) if note.contains(&user) => {}
            Some(note) => *note = format!("{note}, {user}"),
            None => {
                item.notes.push(format!("{USED}{user}"));
                found.push(item);
            }
        }
    }
}

/// Loads a pipeline and all that it names. `None` only where nothing more could be checked.
pub fn load(path: &Path, map: &mut SourceMap, found: &mut Diagnostics) -> Option<Project> {
    let mut library = Library::new(map);
    let pipeline = document(path, None, "pipeline", library.map, found, &mut library.documents, pipeline::read)?;
    let base = path.parent().unwrap_or(Path::new(""));
    let schema_path = base.join(&pipeline.schema.value);
    let mut schema = document(&schema_path, Some(&pipeline.schema), "schema", library.map, found, &mut library.documents, schema::read);
    if let Some(schema) = &mut schema {
        complete(schema, &schema_path, &mut library, found);
    }
    let alone: Vec<FileId> = library.documents.iter().filter(|d| d.role != "codelist").map(|d| d.file).collect();
    let mut mappings = vec![];
    let mut seen = std::collections::HashSet::new();
    for pattern in &pipeline.mappings {
        let paths = expand(base, pattern, code::NO_MAPPING, "mapping", false, found);
        library.parse_ahead(&paths);
        for path in paths {
            if !seen.insert(library.full(&path)) {
                found.push(Diagnostic::error(code::DUPLICATE_MAPPING, pattern.span, format!("`{}` is listed twice", path.display())).label("again here"));
                continue;
            }
            let mut mine = Diagnostics::default();
            if let Some(mapping) = library.mapping(&path, Some(pattern), &mut mine) {
                let alone: Vec<FileId> = alone.iter().copied().chain([mapping.name.span.file]).collect();
                shared_by(&mapping.name, &alone, std::mem::take(&mut mine.items), found);
                mappings.push((path, mapping));
            }
            mine.items.into_iter().for_each(|finding| found.push(finding));
        }
    }
    Some(Project { pipeline, path: path.to_owned(), schema: schema?, mappings, documents: library.documents })
}

/// Loads a schema alone, with its codelists and packs, and the documents that it took.
pub fn schema(path: &Path, map: &mut SourceMap, found: &mut Diagnostics) -> Option<(schema::Schema, Vec<Document>)> {
    let mut library = Library::new(map);
    let mut schema = document(path, None, "schema", library.map, found, &mut library.documents, schema::read)?;
    complete(&mut schema, path, &mut library, found);
    Some((schema, library.documents))
}

/// Puts codelists and packs into a schema.
fn complete(schema: &mut schema::Schema, path: &Path, library: &mut Library<'_>, found: &mut Diagnostics) {
    library.codelists(schema, path, found);
    let base = path.parent().unwrap_or(Path::new("")).to_owned();
    super::pack::include(schema, &base, library.map, found, &mut library.documents);
}

/// Paths that a glob or plain path names, sorted; none is a finding.
pub fn expand(base: &Path, pattern: &Name, code: Code, what: &str, folders: bool, found: &mut Diagnostics) -> Vec<PathBuf> {
    // An address is no path.
    if pattern.value.contains("://") && what != "mapping" {
        return vec![PathBuf::from(&pattern.value)];
    }
    let full = base.join(&pattern.value);
    // What is in an archive is looked up where the archive is opened.
    if let Some((at, _)) = pattern.value.match_indices(".zip/").next()
        && base.join(pattern.value.get(..at + 4).unwrap_or_default()).is_file()
    {
        return vec![full];
    }
    let none = |detail: String| {
        Diagnostic::error(code, pattern.span, format!("no {what} at `{}`", pattern.value))
            .label(detail)
            .note(format!("looked in `{}`", if base.as_os_str().is_empty() { Path::new(".") } else { base }.display()))
    };
    let is_glob = pattern.value.contains(['*', '?', '[']);
    let is_one = |path: &Path| path.is_file() || (folders && path.is_dir());
    if !is_glob || is_one(&full) {
        if is_one(&full) {
            return vec![full];
        }
        found.push(none(if full.is_dir() { "this is a folder".into() } else { "there is no such file".into() }));
        return vec![];
    }
    let paths = full.to_str().ok_or_else(|| "not UTF-8".to_owned()).and_then(|p| glob::glob(p).map_err(|e| e.msg.to_owned()));
    match paths {
        Ok(paths) => {
            let mut paths: Vec<PathBuf> = paths.filter_map(Result::ok).filter(|p| is_one(p) && !is_lock(p)).collect();
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

/// What Excel and LibreOffice put beside a file that somebody has open.
fn is_lock(path: &Path) -> bool {
    path.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.starts_with("~$") || n.starts_with(".~lock."))
}

/// Reads one document of a kind; mistakes of form are findings.
pub fn document<T>(
    path: &Path,
    named_at: Option<&Name>,
    kind: &str,
    map: &mut SourceMap,
    found: &mut Diagnostics,
    documents: &mut Vec<Document>,
    read: impl Fn(&yaml::Node, &mut Diagnostics) -> Option<T>,
) -> Option<T> {
    node_of(path, named_at, kind, map, found, documents, yaml::parse).and_then(|node| read(&node, found))
}

/// The node of a document of a kind, as `parse` gives it.
pub(super) fn node_of(
    path: &Path,
    named_at: Option<&Name>,
    kind: &str,
    map: &mut SourceMap,
    found: &mut Diagnostics,
    documents: &mut Vec<Document>,
    parse: impl FnOnce(&str, FileId, &mut Diagnostics) -> Option<yaml::Node>,
) -> Option<yaml::Node> {
    let role = ["pipeline", "schema", "mapping", "tests"].into_iter().find(|role| *role == kind).unwrap_or("table");
    let file = text_of(path, named_at, kind, role, map, found, documents)?;
    let before = found.items.len();
    let Some(node) = parse(map.text(file), file, found) else {
        if found.items.len() == before {
            found.push(Diagnostic::error(code::NOT_A_DOCUMENT, Span::new(file, 0..0), format!("the {kind} is empty")).label(format!("expected a map that begins with `{kind}:`")));
        }
        return None;
    };
    // A mapping, a pipeline, tests and a pack name others, so `schema:` decides last.
    let found_kind = match &node.value {
        yaml::Value::Map(items) => ["pipeline", "mapping", "tests", "pack", "schema"].into_iter().find(|w| items.iter().any(|(k, _)| k.text() == Some(w))),
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
    Some(node)
}

/// Reads the text of a file and keeps it among the documents; a byte order mark is not part of it.
pub(super) fn text_of(
    path: &Path,
    named_at: Option<&Name>,
    kind: &str,
    role: &'static str,
    map: &mut SourceMap,
    found: &mut Diagnostics,
    documents: &mut Vec<Document>,
) -> Option<FileId> {
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
    let sha256 = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
    let bytes = if path.extension().is_some_and(|e| e == "gz") { unpacked(&bytes, path, named_at, kind, found)? } else { bytes };
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
    documents.push(Document { role, name: None, version: None, path: path.to_owned(), file, sha256 });
    Some(file)
}

/// A compressed table of codes; what it unpacks to must fit into memory several times.
fn unpacked(bytes: &[u8], path: &Path, named_at: Option<&Name>, kind: &str, found: &mut Diagnostics) -> Option<Vec<u8>> {
    use std::io::Read;
    const MOST: u64 = 256 << 20;
    let mut text = vec![];
    let why = match flate2::read::MultiGzDecoder::new(bytes).take(MOST + 1).read_to_end(&mut text) {
        Ok(_) if text.len() as u64 <= MOST => return Some(text),
        Ok(_) => "it is larger than 256 MB".to_owned(),
        Err(error) => error.to_string(),
    };
    found.push(Diagnostic::error(code::UNREADABLE_DOCUMENT, named_at.map(|n| n.span), format!("cannot unpack the {kind} `{}`", path.display())).label(why.clone()).note(why));
    None
}
