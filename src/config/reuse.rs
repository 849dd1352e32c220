//! What mappings share: a base that others extend, tables in files of their own, parameters, named
//! derivations, ConceptMaps.
//!
//! All of it is unfolded here, on nodes, before a mapping is read. What comes out is a mapping as if
//! it had been written out for its site, each scalar with the place where it stands, so nothing
//! behind this module knows of reuse, and a finding shows the line that must change.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::codes::{self, Codelist, ConceptMap, Reference, beside};
use super::project::{Document, node_of, text_of};
use super::read::{Name, Spanned, text, wrong_kind};
use super::schema::Schema;
use super::yaml::{self, Node, Value};
use super::mapping;
use crate::diagnostic::{Diagnostic, Diagnostics, FileId, SourceMap, Span, code};

/// Keys under which `null` is a value and does not take the base's away.
const NULL_IS_A_VALUE: [&str; 5] = ["quote", "escape", "comment", "group", "on_error"];

/// The documents read so far; each file is read once, however many mappings share it.
pub struct Library<'a> {
    pub map: &'a mut SourceMap,
    pub documents: Vec<Document>,
    nodes: HashMap<PathBuf, Known>,
    /// Paths without links and detours, each asked of the file system once.
    full: HashMap<PathBuf, PathBuf>,
    /// Sound documents by their text, parsed before their turn; their places are in no file yet.
    ahead: HashMap<String, Node>,
    concept_maps: HashMap<(PathBuf, String), Option<Arc<ConceptMap>>>,
}

/// A document that was read before. Most are asked for once, so only the second asking makes a node to keep.
enum Known {
    Unusable,
    Read(FileId),
    Shared(Node),
}

/// The files that led to the present one, with the places that named them.
type Chain = Vec<(PathBuf, Option<Span>)>;

impl<'a> Library<'a> {
    pub fn new(map: &'a mut SourceMap) -> Self {
        Library { map, documents: vec![], nodes: HashMap::new(), full: HashMap::new(), ahead: HashMap::new(), concept_maps: HashMap::new() }
    }

    /// The path without links and detours; as it is where nothing is there.
    pub fn full(&mut self, path: &Path) -> PathBuf {
        if let Some(full) = self.full.get(path) {
            return full.clone();
        }
        let full = canonical(path);
        self.full.insert(path.to_owned(), full.clone());
        full
    }

    /// Parses files side by side that will be read one after another. What cannot be read or parsed
    /// is left for its turn, when the mistake is told.
    pub fn parse_ahead(&mut self, paths: &[PathBuf]) {
        let parsed = |path: &PathBuf| {
            let sound = || {
                let text = std::fs::read_to_string(path).ok()?;
                let mut found = Diagnostics::default();
                let node = yaml::parse(&text, FileId(u32::MAX), &mut found)?;
                found.items.is_empty().then_some((text, node))
            };
            (path.clone(), canonical(path), sound())
        };
        let share = paths.len().div_ceil(std::thread::available_parallelism().map_or(1, usize::from)).max(1);
        let nodes = std::thread::scope(|scope| {
            // As much room for deep nesting as the program has.
            let thread = || std::thread::Builder::new().stack_size(8 << 20);
            let work = |paths| move || Iterator::map(<[PathBuf]>::iter(paths), parsed).collect::<Vec<_>>();
            let others: Vec<_> = paths.chunks(share).skip(1).filter_map(|paths| thread().spawn_scoped(scope, work(paths)).ok()).collect();
            let mut nodes: Vec<_> = paths.iter().take(share).map(parsed).collect();
            nodes.extend(others.into_iter().filter_map(|other| other.join().ok()).flatten());
            nodes
        });
        for (path, full, sound) in nodes {
            self.full.insert(path, full);
            self.ahead.extend(sound);
        }
    }

    /// Reads a mapping with all that it shares, unfolded.
    pub fn mapping(&mut self, path: &Path, named_at: Option<&Name>, found: &mut Diagnostics) -> Option<mapping::Mapping> {
        let mut chain = vec![];
        let node = self.whole(path, named_at, &mut chain, found)?;
        let own = node_file(&node);
        let before = found.items.len();
        let node = substituted(node, own, found);
        // What an unknown parameter would have said is not known either.
        let whole = !found.items[before..].iter().any(|d| d.code == code::UNKNOWN_PARAMETER);
        let node = self.derived(node, found);
        mapping::read(&node, found).filter(|_| whole)
    }

    /// A mapping with its base under it and its tables' files put in.
    fn whole(&mut self, path: &Path, named_at: Option<&Name>, chain: &mut Chain, found: &mut Diagnostics) -> Option<Node> {
        self.enter(path, named_at, "extends", chain, found)?;
        let node = self.node(path, named_at, if chain.len() > 1 { "base" } else { "mapping" }, chain, found);
        let node = node.map(|n| self.with_included_tables(n, path, found));
        let whole = node.and_then(|node| {
            let Some(extends) = get(&node, "extends") else { return Some(node) };
            let name = text(extends, "extends", found)?;
            let base = self.whole(&beside(path, &name), Some(&name), chain, found)?;
            let folder = Path::new(&name.value).parent().unwrap_or(Path::new("")).to_owned();
            Some(extended(&rebased(base, &folder), &node, found))
        });
        chain.pop();
        whole
    }

    /// Notes that a file is being read; a file that leads to itself is a finding.
    fn enter(&mut self, path: &Path, named_at: Option<&Name>, word: &str, chain: &mut Chain, found: &mut Diagnostics) -> Option<()> {
        let full = self.full(path);
        if let Some(from) = chain.iter().position(|(p, _)| *p == full) {
            let mut finding = Diagnostic::error(code::EXTENDS_CYCLE, named_at.map(|n| n.span), format!("`{}` leads back to itself", self.shown(&full)))
                .label("back to a file that led here")
                .note(format!("{} → {}", chain[from..].iter().map(|(p, _)| self.shown(p)).collect::<Vec<_>>().join(" → "), self.shown(&full)));
            for (_, span) in chain[from..].iter().skip(1) {
                if let Some(span) = span.filter(|s| Some(*s) != named_at.map(|n| n.span)) {
                    finding = finding.related(span, format!("`{word}` here"));
                }
            }
            found.push(finding);
            return None;
        }
        chain.push((full, named_at.map(|n| n.span)));
        Some(())
    }

    /// A file as people know it.
    fn shown(&self, full: &Path) -> String {
        let known = self.documents.iter().find(|d| d.path.canonicalize().is_ok_and(|p| p == full));
        known.map_or(full, |d| d.path.as_path()).display().to_string()
    }

    /// The node of a mapping, a base or a table's file, which is read once.
    fn node(&mut self, path: &Path, named_at: Option<&Name>, role: &'static str, chain: &Chain, found: &mut Diagnostics) -> Option<Node> {
        let full = self.full(path);
        match self.nodes.get(&full) {
            Some(Known::Unusable) => return None,
            Some(Known::Shared(node)) => return Some(node.clone()),
            Some(Known::Read(file)) => {
                let node = yaml::parse(self.map.text(*file), *file, &mut Diagnostics::default())?;
                self.nodes.insert(full, Known::Shared(node.clone()));
                return Some(node);
            }
            None => {}
        }
        let before = found.items.len();
        let known = self.documents.len();
        let node = match role {
            "table" => self.table_file(path, named_at, found),
            _ => {
                let parse = |text: &str, file, found: &mut Diagnostics| match self.ahead.remove(text) {
                    Some(node) => Some(node.moved_to(file)),
                    None => yaml::parse(text, file, found),
                };
                node_of(path, named_at, "mapping", self.map, found, &mut self.documents, parse)
            }
        };
        if let Some(document) = self.documents.get_mut(known) {
            document.role = role;
        }
        if node.is_none() && chain.len() > 2 {
            // The file that names it is itself named by another.
            let way: Vec<String> = chain.iter().map(|(p, _)| format!("`{}`", self.shown(p))).collect();
            found.items[before..].iter_mut().for_each(|d| d.notes.push(way.join(" → ")));
        }
        self.nodes.insert(full, node.as_ref().map_or(Known::Unusable, |node| Known::Read(node.span.file)));
        node
    }

    fn table_file(&mut self, path: &Path, named_at: Option<&Name>, found: &mut Diagnostics) -> Option<Node> {
        let file = text_of(path, named_at, "table", "table", self.map, found, &mut self.documents)?;
        let before = found.items.len();
        let node = yaml::parse(self.map.text(file), file, found);
        match &node {
            None if found.items.len() == before => {
                found.push(Diagnostic::error(code::NOT_A_DOCUMENT, Span::new(file, 0..0), "the table is empty").label("expected what stands under a table: `from`, `fields` …"));
            }
            Some(node) if !matches!(node.value, Value::Map(_)) => {
                wrong_kind(node, "a table's file", "a map of keys: `from`, `fields` …", found);
                return None;
            }
            _ => {}
        }
        node
    }

    /// Puts the content of `include: FILE` under the tables that name one.
    fn with_included_tables(&mut self, node: Node, path: &Path, found: &mut Diagnostics) -> Node {
        let mut chain = vec![(self.full(path), None)];
        each_under(node, "tables", &mut |table| self.included(table, path, &mut chain, found))
    }

    fn included(&mut self, table: Node, path: &Path, chain: &mut Chain, found: &mut Diagnostics) -> Node {
        let Some(name) = get(&table, "include").and_then(|n| text(n, "include", found)) else { return table };
        let own = without(table, &["include"]);
        let file = beside(path, &name);
        if self.enter(&file, Some(&name), "include", chain, found).is_none() {
            return own;
        }
        let whole = self.node(&file, Some(&name), "table", chain, found).map(|n| self.included(n, &file, chain, found));
        chain.pop();
        match whole {
            Some(whole) => table_over(&whole, &own, found),
            None => own,
        }
    }

    /// Unfolds `use` and `concept_map` in each field of each table and each derived column of each shape.
    fn derived(&mut self, node: Node, found: &mut Diagnostics) -> Node {
        let site = get(&node, "site").and_then(Node::text).unwrap_or_default().to_owned();
        let shared: Vec<(Name, Node)> = get(&node, "derivations").map_or(vec![], |n| items(n, "derivations", found));
        let maps = get(&node, "concept_maps").map_or(vec![], |n| codes::references(n, "concept_maps", found));
        let mut node = node;
        for [rows, derivations] in [["shapes", "derive"], ["tables", "fields"]] {
            node = each_entry_under(node, rows, &mut |name, table| {
                each_entry_under(table, derivations, &mut |field, derivation| {
                    let derivation = used(derivation, &shared, &mut vec![], found);
                    self.with_concepts(derivation, &maps, [&site, name, field], found)
                })
            });
        }
        node
    }

    /// A derivation with the entries of its ConceptMap as its `map`. `place`: site, table, field.
    fn with_concepts(&mut self, derivation: Node, maps: &[Reference], place: [&str; 3], found: &mut Diagnostics) -> Node {
        let Value::Map(entries) = &derivation.value else { return derivation };
        let Some((key, value)) = entries.iter().find(|(k, _)| k.text() == Some("concept_map")) else { return derivation };
        let Some(name) = text(value, "concept_map", found) else { return derivation };
        if let Some((map, _)) = entries.iter().find(|(k, _)| k.text() == Some("map")) {
            found.push(
                Diagnostic::error(code::TRANSFORM_CLASH, name.span, "`concept_map` has no place beside `map`: each is a map by itself")
                    .label("does not fit here")
                    .related(map.span, "the other map"),
            );
            return derivation;
        }
        let Some(reference) = maps.iter().find(|r| r.name.value == name.value) else {
            found.push(
                Diagnostic::error(code::UNKNOWN_CONCEPT_MAP, name.span, format!("there is no ConceptMap `{}`", name.value))
                    .label("not among the mapping's `concept_maps`")
                    .suggest(&name.value, maps.iter().map(|r| r.name.value.as_str()))
                    .help(format!("name its file: `concept_maps: {{{}: codelists/{}.csv}}`", name.value, name.value)),
            );
            return derivation;
        };
        let Some(map) = self.concept_map(reference, found) else { return derivation };
        let pairs = map.entries(place, name.span, found);
        let map_key = Node { value: Value::Scalar { text: "map".into(), quoted: false }, span: key.span };
        let map_node = Node { value: Value::Map(pairs), span: value.span };
        let mut entries = entries.clone();
        entries.push((map_key, map_node));
        Node { value: Value::Map(entries), span: derivation.span }
    }

    fn concept_map(&mut self, reference: &Reference, found: &mut Diagnostics) -> Option<Arc<ConceptMap>> {
        let path = beside(&self.path_of(reference.path.span.file), &reference.path);
        let key = (path.clone(), reference.name.value.clone());
        if let Some(read) = self.concept_maps.get(&key) {
            return read.clone();
        }
        let file = self.table_of_codes(&path, reference, "ConceptMap", "concept_map", found);
        let read = file.and_then(|file| ConceptMap::read(reference, file, self.map, found)).map(Arc::new);
        if let (Some(file), Some(read)) = (file, &read) {
            self.name(file, &read.name, &read.version);
        }
        self.concept_maps.insert(key, read.clone());
        read
    }

    /// Reads the codelists that a schema's fields name, and gives each field its values.
    pub fn codelists(&mut self, schema: &mut Schema, path: &Path, found: &mut Diagnostics) {
        let mut lists: HashMap<String, Option<Arc<Codelist>>> = HashMap::new();
        for field in schema.tables.iter_mut().flat_map(|t| &mut t.fields) {
            let Some(name) = &field.codelist_name else { continue };
            let is_path = name.value.ends_with(".csv") || name.value.ends_with(".csv.gz");
            let declared = schema.codelists.iter().find(|r| r.name.value == name.value).cloned();
            let stem = || name.value.rsplit('/').next().and_then(|n| n.split('.').next()).unwrap_or_default().to_owned();
            let direct = || is_path.then(|| Reference { name: Spanned::new(stem(), name.span), path: name.clone(), version: None, columns: vec![] });
            let Some(reference) = declared.or_else(direct) else {
                found.push(
                    Diagnostic::error(code::UNKNOWN_CODELIST, name.span, format!("there is no codelist `{}`", name.value))
                        .label("not among the schema's `codelists`")
                        .suggest(&name.value, schema.codelists.iter().map(|r| r.name.value.as_str()))
                        .help("name a codelist or its file, `codelists/x.csv`"),
                );
                continue;
            };
            let list = match lists.get(&name.value) {
                Some(list) => list.clone(),
                None => {
                    let file = self.table_of_codes(&beside(path, &reference.path), &reference, "codelist", "codelist", found);
                    let list = file.and_then(|file| Codelist::read(&reference, file, self.map, found)).map(Arc::new);
                    if let (Some(file), Some(list)) = (file, &list) {
                        self.name(file, &list.name, &list.version);
                    }
                    lists.insert(name.value.clone(), list.clone());
                    list
                }
            };
            if let Some(list) = list {
                field.values = list.values.clone();
                field.codelist = Some(list);
            }
        }
    }

    fn table_of_codes(&mut self, path: &Path, reference: &Reference, kind: &str, role: &'static str, found: &mut Diagnostics) -> Option<FileId> {
        text_of(path, Some(&reference.path), kind, role, self.map, found, &mut self.documents)
    }

    fn name(&mut self, file: FileId, name: &str, version: &Option<String>) {
        if let Some(document) = self.documents.iter_mut().find(|d| d.file == file) {
            (document.name, document.version) = (Some(name.to_owned()), version.clone());
        }
    }

    fn path_of(&self, file: FileId) -> PathBuf {
        self.documents.iter().find(|d| d.file == file).map(|d| d.path.clone()).unwrap_or_default()
    }
}

// A base and what is written over it.

/// A mapping over its base: what it says of a source, shape, table or field counts; a field and a shape are replaced
/// whole, a source key by key; `null` takes away.
fn extended(base: &Node, own: &Node, found: &mut Diagnostics) -> Node {
    over(base, own, false, found, &mut |key, base, own, found| match key {
        "sources" => over(base, own, true, found, &mut |_, base, own, found| over(base, own, false, found, &mut |_, _, own, _| own.clone())),
        "tables" => over(base, own, true, found, &mut |_, base, own, found| table_over(base, own, found)),
        "parameters" | "derivations" | "concept_maps" | "shapes" => over(base, own, true, found, &mut |_, _, own, _| own.clone()),
        _ => own.clone(),
    })
}

fn table_over(base: &Node, own: &Node, found: &mut Diagnostics) -> Node {
    over(base, own, false, found, &mut |key, base, own, found| match key {
        "fields" => over(base, own, true, found, &mut |_, _, own, _| own.clone()),
        _ => own.clone(),
    })
}

/// What to do with a key that both have: key, base's value, own value.
type Both<'f> = dyn FnMut(&str, &Node, &Node, &mut Diagnostics) -> Node + 'f;

/// One map over another. `named`: its keys are names of the author's choice, in the base's order,
/// and a `null` must take something away; otherwise own keys come first, since a finding about the
/// whole map is shown at its first key.
fn over(base: &Node, own: &Node, named: bool, found: &mut Diagnostics, both: &mut Both<'_>) -> Node {
    let (Value::Map(below), Value::Map(above)) = (&base.value, &own.value) else { return own.clone() };
    let find = |items: &[(Node, Node)], key: &Node| items.iter().position(|(k, _)| k.text().is_some() && k.text() == key.text());
    let removes = |key: &Node, value: &Node| value.is_null() && (named || !key.text().is_some_and(|k| NULL_IS_A_VALUE.contains(&k)));
    let (mut from_base, mut added) = (vec![], vec![]);
    let mut merged: HashMap<usize, Option<(Node, Node)>> = HashMap::new();
    for (key, value) in above {
        match find(below, key) {
            Some(at) if removes(key, value) => _ = merged.insert(at, None),
            Some(at) => _ = merged.insert(at, Some((key.clone(), both(key.text().unwrap_or_default(), &below[at].1, value, found)))),
            None if named && value.is_null() => found.push(
                Diagnostic::warning(code::NOTHING_TO_REMOVE, key.span, format!("the base has no `{}`", key.text().unwrap_or_default()))
                    .label("`null` takes nothing away")
                    .suggest(key.text().unwrap_or_default(), below.iter().filter_map(|(k, _)| k.text())),
            ),
            None => added.push((key.clone(), value.clone())),
        }
    }
    for (at, (key, value)) in below.iter().enumerate() {
        match merged.remove(&at) {
            Some(Some(pair)) if named => from_base.push(pair),
            Some(Some(pair)) => added.push(pair),
            Some(None) => {}
            None => from_base.push((key.clone(), value.clone())),
        }
    }
    let items = if named { from_base.into_iter().chain(added).collect() } else { added.into_iter().chain(from_base).collect() };
    Node { value: Value::Map(items), span: own.span }
}

/// A base's paths as they are from the file that extends it. One that begins with a parameter is the
/// extending file's own.
fn rebased(base: Node, folder: &Path) -> Node {
    if folder.as_os_str().is_empty() {
        return base;
    }
    let one = |node: Node| match node.value {
        Value::Scalar { text, quoted } if !text.starts_with("${") => Node { value: Value::Scalar { text: folder.join(text).display().to_string(), quoted }, span: node.span },
        value => Node { value, span: node.span },
    };
    let paths = |node: Node| match node.value {
        Value::List(items) => Node { value: Value::List(items.into_iter().map(one).collect()), span: node.span },
        value => one(Node { value, span: node.span }),
    };
    each_under(base, "sources", &mut |source| map_values(source, &mut |key, value| if key == "path" { paths(value) } else { value }))
}

/// A derivation with the shared one that it uses under its own keys.
fn used(derivation: Node, shared: &[(Name, Node)], chain: &mut Vec<String>, found: &mut Diagnostics) -> Node {
    let Some(name) = get(&derivation, "use").and_then(|n| text(n, "use", found)) else { return derivation };
    let Some((_, common)) = shared.iter().find(|(n, _)| n.value == name.value) else {
        found.push(
            Diagnostic::error(code::UNKNOWN_SHARED, name.span, format!("there is no shared derivation `{}`", name.value))
                .label("not among the mapping's `derivations`")
                .suggest(&name.value, shared.iter().map(|(n, _)| n.value.as_str())),
        );
        return derivation;
    };
    if chain.contains(&name.value) {
        found.push(Diagnostic::error(code::EXTENDS_CYCLE, name.span, format!("the derivation `{}` uses itself", name.value)).label("back to where it began"));
        return derivation;
    }
    if !matches!(common.value, Value::Map(_)) {
        wrong_kind(common, "a shared derivation", "a map", found);
        return derivation;
    }
    chain.push(name.value);
    let common = used(common.clone(), shared, chain, found);
    chain.pop();
    let Value::Map(below) = common.value else { return derivation };
    let below = below.into_iter().filter(|(key, _)| key.text().is_none_or(|key| get(&derivation, key).is_none())).collect::<Vec<_>>();
    match derivation.value {
        Value::Map(own) => Node { value: Value::Map(own.into_iter().chain(below).collect()), span: derivation.span },
        value => Node { value, span: derivation.span },
    }
}

// Parameters.

struct Parameters {
    values: Vec<(Name, Node)>,
    used: Vec<bool>,
}

/// The mapping with `${name}` replaced by the parameters; spans stay those of the scalars.
pub(super) fn substituted(mut node: Node, own: Option<FileId>, found: &mut Diagnostics) -> Node {
    let values: Vec<(Name, Node)> = get(&node, "parameters").map_or(vec![], |n| items(n, "parameters", found));
    let scalar = |(name, value): &(Name, Node), found: &mut Diagnostics| {
        super::check_name(name, "parameter", found);
        let fine = matches!(value.value, Value::Scalar { .. });
        if !fine {
            wrong_kind(value, &format!("the parameter `{}`", name.value), "one value", found);
        }
        fine
    };
    let values: Vec<(Name, Node)> = values.into_iter().filter(|entry| scalar(entry, found)).collect();
    let mut parameters = Parameters { used: vec![false; values.len()], values };
    let Value::Map(entries) = &mut node.value else { return node };
    for (key, value) in entries {
        if !matches!(key.text(), Some("parameters" | "extends")) {
            parameters.fill(value, found);
        }
    }
    for ((name, _), used) in parameters.values.iter().zip(&parameters.used) {
        // A base may have parameters that a site has no use for.
        if !used && Some(name.span.file) == own {
            found.push(
                Diagnostic::warning(code::UNUSED_PARAMETER, name.span, format!("nothing uses the parameter `{}`", name.value))
                    .label("not used")
                    .suggest(&name.value, parameters.values.iter().zip(&parameters.used).filter(|(_, used)| **used).map(|((n, _), _)| n.value.as_str()))
                    .help(format!("it is used as `${{{}}}`", name.value)),
            );
        }
    }
    node
}

impl Parameters {
    fn fill(&mut self, node: &mut Node, found: &mut Diagnostics) {
        match &mut node.value {
            // Most texts have no `$`, and looking for one character is quick.
            Value::Scalar { text, quoted } => {
                if text.contains('$') && text.contains("${") {
                    *node = self.scalar(std::mem::take(text), *quoted, node.span, found);
                }
            }
            Value::List(items) => items.iter_mut().for_each(|n| self.fill(n, found)),
            Value::Map(entries) => entries.iter_mut().for_each(|(k, v)| {
                self.fill(k, found);
                self.fill(v, found);
            }),
        }
    }

    fn scalar(&mut self, text: String, quoted: bool, span: Span, found: &mut Diagnostics) -> Node {
        let mut out = String::with_capacity(text.len());
        let mut kept = quoted;
        let mut rest = text.as_str();
        while let Some(at) = rest.find("${") {
            if rest[..at].ends_with('$') {
                // `$${` is a plain `${`.
                out.push_str(&rest[..at - 1]);
                out.push_str("${");
                rest = &rest[at + 2..];
                continue;
            }
            let after = &rest[at + 2..];
            let name = after.split('}').next().filter(|n| n.len() < after.len() && n.starts_with(|c: char| c.is_alphabetic() || c == '_'));
            out.push_str(&rest[..at]);
            let Some(name) = name else {
                // No name: `${1}` is a group of a pattern, not a parameter.
                out.push_str("${");
                rest = after;
                continue;
            };
            match self.values.iter().position(|(n, _)| n.value == name) {
                Some(place) => {
                    self.used[place] = true;
                    if let Value::Scalar { text: value, quoted: theirs } = &self.values[place].1.value {
                        out.push_str(value);
                        if name.len() + 3 == text.len() {
                            kept = *theirs;
                        }
                    }
                }
                None => {
                    // Where the scalar stands as it is written, the name has its own place in it.
                    let offset = text.len() - rest.len() + at;
                    let written = (span.end - span.start).checked_sub(text.len());
                    let place = match written {
                        Some(quotes @ (0 | 2)) => Span { start: span.start + quotes / 2 + offset, end: span.start + quotes / 2 + offset + name.len() + 3, ..span },
                        _ => span,
                    };
                    found.push(
                        Diagnostic::error(code::UNKNOWN_PARAMETER, place, format!("there is no parameter `{name}`"))
                            .label("not among the mapping's `parameters`")
                            .suggest(name, self.values.iter().map(|(n, _)| n.value.as_str()))
                            .help("a text that holds `${` is written `$${`"),
                    );
                    out.push_str(&rest[at..at + name.len() + 3]);
                }
            }
            rest = &after[name.len() + 1..];
        }
        out.push_str(rest);
        Node { value: Value::Scalar { text: out, quoted: kept }, span }
    }
}

// Nodes.

fn node_file(node: &Node) -> Option<FileId> {
    match &node.value {
        // The extending file's own keys come first.
        Value::Map(entries) => entries.iter().find(|(k, _)| k.text() == Some("mapping")).map(|(k, _)| k.span.file),
        _ => None,
    }
}

/// The value of a key of a map.
fn get<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    match &node.value {
        Value::Map(entries) => entries.iter().find(|(k, _)| k.text() == Some(key)).map(|(_, v)| v),
        _ => None,
    }
}

fn without(node: Node, keys: &[&str]) -> Node {
    match node.value {
        Value::Map(entries) => Node { value: Value::Map(entries.into_iter().filter(|(k, _)| !k.text().is_some_and(|k| keys.contains(&k))).collect()), span: node.span },
        value => Node { value, span: node.span },
    }
}

/// The entries of a map with names as keys.
fn items(node: &Node, what: &str, found: &mut Diagnostics) -> Vec<(Name, Node)> {
    super::read::entries(node, what, found).into_iter().map(|(name, n)| (name, n.clone())).collect()
}

fn map_values(node: Node, change: &mut dyn FnMut(&str, Node) -> Node) -> Node {
    let span = node.span;
    match node.value {
        Value::Map(entries) => {
            let entries = entries.into_iter().map(|(k, v)| {
                let v = change(k.text().unwrap_or_default(), v);
                (k, v)
            });
            Node { value: Value::Map(entries.collect()), span }
        }
        value => Node { value, span },
    }
}

/// Changes every value of the map under `key`; `change` is also given its key.
fn each_entry_under(node: Node, key: &str, change: &mut dyn FnMut(&str, Node) -> Node) -> Node {
    map_values(node, &mut |k, v| if k == key { map_values(v, change) } else { v })
}

fn each_under(node: Node, key: &str, change: &mut dyn FnMut(Node) -> Node) -> Node {
    each_entry_under(node, key, &mut |_, v| change(v))
}

fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
