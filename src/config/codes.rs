//! Tables of codes that people keep in a spreadsheet: ConceptMaps and Codelists.
//!
//! Both are CSV files in UTF-8 with a header. A ConceptMap becomes the very nodes that an inline
//! `map` would have, with their places in the file, so that nothing behind this module knows the
//! difference. A Codelist is shared: a field points to it, and asks it for membership and descent.

use std::collections::{BTreeMap, HashMap};
use std::path::{Component, Path, PathBuf};

use super::csv::{self, Row, Sheet};
use super::read::{Keys, Name, Spanned, entries, text};
use super::schema::CodeValue;
use super::yaml::{Node, Value};
use crate::diagnostic::{Diagnostic, Diagnostics, FileId, SourceMap, Span, code};

/// A table of codes as a document names it: `{path: …, version: …, columns: {…}}`, or the path alone.
#[derive(Debug, Clone)]
pub struct Reference {
    pub name: Name,
    /// Relative to the document it is written in.
    pub path: Name,
    pub version: Option<String>,
    /// What the file calls a column: our name → its own.
    pub columns: Vec<(String, Name)>,
}

/// Reads `codelists:` or `concept_maps:`.
pub fn references(node: &Node, what: &str, found: &mut Diagnostics) -> Vec<Reference> {
    let one = |(name, node): (Name, &Node), found: &mut Diagnostics| {
        if !matches!(node.value, Value::Map(_)) {
            return Some(Reference { path: text(node, what, found)?, name, version: None, columns: vec![] });
        }
        let mut keys = Keys::new(node, format!("`{}`", name.value), found)?;
        let path = keys.require("path", found).and_then(|n| text(n, "path", found));
        let version = keys.text("version", found).map(|v| v.value);
        let columns = keys.take("columns").map_or(vec![], |n| entries(n, "columns", found));
        let columns = columns.into_iter().filter_map(|(ours, n)| Some((ours.value, text(n, "columns", found)?))).collect();
        keys.finish(found);
        Some(Reference { name, path: path?, version, columns })
    };
    entries(node, what, found).into_iter().filter_map(|entry| one(entry, found)).collect()
}

/// Columns of a ConceptMap that mean something here; then those that people keep beside them.
const CONCEPT_MAP: [&str; 10] = ["code", "target", "source_system", "label", "equivalence", "comment", "choice", "site", "table", "field"];
const BESIDE: [&str; 16] = [
    "column", "persons", "rows", "version", "source_version", "target_version", "target_system", "target_label", "label_en", "label_fr", "status",
    "author", "date", "reviewed_by", "reviewed_on", "note",
];

/// Code → code, as rows of a file.
#[derive(Debug, Clone)]
pub struct ConceptMap {
    pub name: String,
    pub version: Option<String>,
    rows: Vec<Concept>,
}

#[derive(Debug, Clone)]
struct Concept {
    /// Site, table and field that the row is about; empty: every one.
    place: [String; 3],
    code: Name,
    target: Name,
    /// Chosen among several targets of the code.
    chosen: bool,
    /// Said to have no target, so that none is awaited.
    unmatched: bool,
}

impl ConceptMap {
    /// Reads a ConceptMap; `None` after a finding.
    pub fn read(reference: &Reference, file: FileId, map: &SourceMap, found: &mut Diagnostics) -> Option<ConceptMap> {
        let known: Vec<&str> = CONCEPT_MAP.iter().chain(&BESIDE).copied().collect();
        let sheet = sheet(reference, file, map, &["code", "target"], &known, found)?;
        let [code, target, choice, equivalence] = ["code", "target", "choice", "equivalence"].map(|c| sheet.column(c));
        let place = ["site", "table", "field"].map(|c| sheet.column(c));
        let mut rows = vec![];
        for row in &sheet.rows {
            let said = |column: Option<usize>| row.cell(column).value.to_lowercase();
            let concept = Concept {
                place: place.map(|column| row.cell(column).value),
                code: row.cell(code),
                target: row.cell(target),
                chosen: matches!(said(choice).as_str(), "yes" | "y" | "true" | "x" | "1" | "oui" | "o") || said(equivalence) == "preferred",
                unmatched: matches!(said(equivalence).as_str(), "unmatched" | "disjoint" | "not-related-to"),
            };
            if concept.code.value.is_empty() && !concept.target.value.is_empty() {
                found.push(
                    Diagnostic::error(code::CODES_FILE, concept.target.span, "this row has a target, but no code")
                        .label("for which code?")
                        .help("an empty cell is missing in every source, and needs no row"),
                );
            } else if !concept.code.value.is_empty() {
                rows.push(concept);
            }
        }
        Some(ConceptMap { name: reference.name.value.clone(), version: reference.version.clone().or_else(|| sheet.version()), rows })
    }

    /// What an inline `map` would hold at `place`: site, table, field. `used` names the ConceptMap.
    pub fn entries(&self, place: [&str; 3], used: Span, found: &mut Diagnostics) -> Vec<(Node, Node)> {
        // A worklist speaks of many fields; `patient.sex` is the field `sex`.
        let [_, table, field] = place;
        let full = format!("{table}.{field}");
        let mine = |c: &&Concept| c.place.iter().zip(place).all(|(said, here)| said.is_empty() || said == here) || (c.place[2] == full && (c.place[0].is_empty() || c.place[0] == place[0]));
        let mut order: Vec<&str> = vec![];
        let mut by_code: HashMap<&str, Vec<&Concept>> = HashMap::new();
        for concept in self.rows.iter().filter(mine) {
            let rows = by_code.entry(&concept.code.value).or_default();
            if rows.is_empty() {
                order.push(&concept.code.value);
            }
            rows.push(concept);
        }
        let mut pairs = vec![];
        let mut open = 0;
        for code in &order {
            let rows = &by_code[code];
            let filled: Vec<&Concept> = rows.iter().filter(|c| !c.target.value.is_empty()).copied().collect();
            let chosen: Vec<&Concept> = filled.iter().filter(|c| c.chosen).copied().collect();
            let several = if chosen.is_empty() { &filled } else { &chosen };
            let Some(first) = several.first() else {
                open += usize::from(!rows.iter().any(|c| c.unmatched));
                continue;
            };
            if let Some(second) = several.iter().find(|c| c.target.value != first.target.value) {
                found.push(
                    Diagnostic::error(code::TWO_TARGETS, second.target.span, format!("the code `{code}` has two targets"))
                        .label("the second")
                        .related(first.target.span, "the first")
                        .help("say which one counts: `yes` in a column `choice`, or `preferred` in `equivalence`"),
                );
            }
            pairs.push((cell_node(&first.code, true), cell_node(&first.target, first.target.value != "null")));
        }
        if open > 0 {
            found.push(
                Diagnostic::warning(code::UNFILLED, used, format!("{open} of {} codes of the ConceptMap `{}` have no target yet", order.len(), self.name))
                    .label("these codes follow `unmapped`")
                    .help("fill in their `target`: a value of the field, or `null` for missing"),
            );
        }
        pairs
    }
}

fn cell_node(cell: &Name, quoted: bool) -> Node {
    Node { value: Value::Scalar { text: cell.value.clone(), quoted }, span: cell.span }
}

/// A set of codes with labels and, as far as the file says, parents.
#[derive(Debug, Clone)]
pub struct Codelist {
    pub name: String,
    pub version: Option<String>,
    pub values: Vec<CodeValue>,
    places: HashMap<String, usize>,
    /// Whether the file has a column `parent`; without one the notation tells who descends from whom.
    pub has_parents: bool,
    children: HashMap<String, Vec<usize>>,
}

impl Codelist {
    /// Reads a codelist; `None` after a finding.
    pub fn read(reference: &Reference, file: FileId, map: &SourceMap, found: &mut Diagnostics) -> Option<Codelist> {
        let mut known: Vec<&str> = vec!["code", "label", "parent"];
        known.extend(BESIDE);
        known.extend(["system", "source_system", "comment"]);
        let sheet = sheet(reference, file, map, &["code"], &known, found)?;
        let (code, parent) = (sheet.column("code"), sheet.column("parent"));
        let languages: Vec<(usize, &str)> = sheet
            .columns
            .iter()
            .enumerate()
            .filter_map(|(at, name)| Some((at, if name.value == "label" { "en" } else { name.value.strip_prefix("label_")? })))
            .collect();
        let mut list = Codelist {
            name: reference.name.value.clone(),
            version: reference.version.clone().or_else(|| sheet.version()),
            values: Vec::with_capacity(sheet.rows.len()),
            places: HashMap::with_capacity(sheet.rows.len()),
            has_parents: parent.is_some(),
            children: HashMap::new(),
        };
        let mut parents: Vec<Name> = vec![];
        for row in &sheet.rows {
            let value = row.cell(code);
            if value.value.is_empty() {
                found.push(Diagnostic::error(code::CODES_FILE, row.span, "this row has no code").label("the cell under `code` is empty"));
                continue;
            }
            if let Some(first) = list.places.insert(value.value.clone(), list.values.len()) {
                found.push(
                    Diagnostic::error(code::BAD_VALUES, value.span, format!("the value `{}` is listed twice", value.value))
                        .label("again")
                        .related(list.values[first].value.span, "the first"),
                );
                list.places.insert(value.value, first);
                continue;
            }
            let label = |(at, language): &(usize, &str)| Some(((*language).to_owned(), row.cell(Some(*at)).value)).filter(|(_, label)| !label.is_empty());
            let label: BTreeMap<String, String> = languages.iter().filter_map(label).collect();
            parents.push(row.cell(parent));
            list.values.push(CodeValue { value, label });
        }
        list.descent(&parents, found);
        Some(list)
    }

    /// Notes who descends from whom; a parent that is not there and a circle are findings.
    fn descent(&mut self, parents: &[Name], found: &mut Diagnostics) {
        for (at, parent) in parents.iter().enumerate().filter(|(_, p)| !p.value.is_empty()) {
            if !self.places.contains_key(&parent.value) {
                found.push(
                    Diagnostic::error(code::CODE_PARENT, parent.span, format!("the parent `{}` is no code of the codelist `{}`", parent.value, self.name))
                        .label("not listed")
                        .suggest(&parent.value, self.similar(&parent.value)),
                );
            }
            self.children.entry(parent.value.clone()).or_default().push(at);
        }
        // Steps upwards from each code: more than there are codes is a circle.
        let mut sound = vec![false; parents.len()];
        for start in 0..parents.len() {
            let (mut way, mut at) = (vec![], Some(start));
            while let Some(here) = at.filter(|here| !sound[*here]) {
                if way.contains(&here) {
                    found.push(
                        Diagnostic::error(code::CODE_PARENT, parents[here].span, format!("the code `{}` descends from itself", self.values[here].value.value))
                            .label("its parents lead in a circle"),
                    );
                    break;
                }
                way.push(here);
                at = self.places.get(&parents[here].value).copied();
            }
            way.into_iter().for_each(|at| sound[at] = true);
        }
    }

    /// Whether the list has the code.
    pub fn has(&self, code: &str) -> bool {
        self.places.contains_key(code)
    }

    /// The code and all that descend from it by the column `parent`, in the list's order.
    pub fn within(&self, root: &str) -> Vec<&str> {
        let mut seen = vec![false; self.values.len()];
        let mut open: Vec<usize> = self.places.get(root).copied().into_iter().collect();
        while let Some(at) = open.pop() {
            if !std::mem::replace(&mut seen[at], true) {
                open.extend(self.children.get(&self.values[at].value.value).into_iter().flatten());
            }
        }
        self.values.iter().zip(seen).filter(|(_, seen)| *seen).map(|(v, _)| v.value.value.as_str()).collect()
    }

    /// Codes that a slip of the pen could have meant: comparing with all of a large list takes too long.
    fn similar<'a>(&'a self, wrong: &str) -> Vec<&'a str> {
        similar(&self.values, wrong)
    }
}

/// Values that a slip of the pen could have meant: of a large list those that begin in the same way.
pub fn similar<'a>(values: &'a [CodeValue], wrong: &str) -> Vec<&'a str> {
    let first = wrong.chars().next().map(|c| c.to_lowercase().to_string());
    let near = |v: &&'a str| values.len() <= 500 || v.chars().next().map(|c| c.to_lowercase().to_string()) == first && v.len().abs_diff(wrong.len()) <= 1;
    let near: Vec<&str> = values.iter().map(|v| v.value.value.as_str()).filter(near).collect();
    if near.len() > 5_000 { vec![] } else { near }
}

/// A file with its header checked: what must be there is, what nobody knows is a warning.
fn sheet(reference: &Reference, file: FileId, map: &SourceMap, required: &[&str], known: &[&str], found: &mut Diagnostics) -> Option<Sheet> {
    let mut sheet = match csv::read(map.text(file), file, required[0], &reference.columns) {
        Ok(sheet) => sheet,
        Err(finding) => {
            found.push(*finding);
            return None;
        }
    };
    let names: Vec<String> = sheet.columns.iter().map(|c| c.value.clone()).collect();
    let mut sound = true;
    for (ours, theirs) in &reference.columns {
        match sheet.columns.iter_mut().find(|c| c.value == theirs.value.to_lowercase()) {
            Some(column) => column.value = ours.clone(),
            None => {
                sound = false;
                found.push(
                    Diagnostic::error(code::CODES_FILE, theirs.span, format!("the file `{}` has no column `{}`", reference.path.value, theirs.value))
                        .label("no such column")
                        .suggest(&theirs.value, names.iter().map(String::as_str)),
                );
            }
        }
    }
    for (at, column) in sheet.columns.iter().enumerate() {
        if let Some(first) = sheet.columns[..at].iter().find(|c| !c.value.is_empty() && c.value == column.value) {
            sound = false;
            found.push(Diagnostic::error(code::CODES_FILE, column.span, format!("the column `{}` stands here twice", column.value)).label("the second").related(first.span, "the first"));
        }
    }
    for column in required.iter().filter(|c| sheet.column(c).is_none()) {
        if sound {
            found.push(
                Diagnostic::error(code::CODES_FILE, sheet.header, format!("the table of codes `{}` has no column `{column}`", reference.name.value))
                    .label("the header")
                    .suggest(column, names.iter().map(String::as_str))
                    .help(format!("name it `{column}`, or say what it is called: `columns: {{{column}: …}}`")),
            );
        }
        sound = false;
    }
    let language = |c: &str| c.strip_prefix("label_").is_some_and(|l| l.len() == 2);
    if sound && reference.columns.is_empty() {
        for column in sheet.columns.iter().filter(|c| !c.value.is_empty() && !known.contains(&c.value.as_str()) && !language(&c.value)) {
            found.push(
                Diagnostic::warning(code::UNKNOWN_CODES_COLUMN, column.span, format!("the column `{}` means nothing here", column.value))
                    .label("not read")
                    .suggest(&column.value, known.iter().copied()),
            );
        }
    }
    sound.then_some(sheet)
}

impl Sheet {
    /// The first version that its own column gives.
    fn version(&self) -> Option<String> {
        let column = self.column("version").or_else(|| self.column("source_version"))?;
        self.rows.iter().map(|row| row.cell(Some(column)).value).find(|v| !v.is_empty())
    }
}

/// Where a file lies that a document names: beside it. `sites/../base.yaml` is `base.yaml`, unless a
/// link makes a difference.
pub fn beside(document: &Path, path: &Name) -> PathBuf {
    let whole = document.parent().unwrap_or(Path::new("")).join(&path.value);
    let mut tidy = PathBuf::new();
    for part in whole.components() {
        match (part, tidy.components().next_back()) {
            (Component::ParentDir, Some(Component::Normal(_))) => _ = tidy.pop(),
            _ => tidy.push(part),
        }
    }
    let same = matches!((tidy.canonicalize(), whole.canonicalize()), (Ok(a), Ok(b)) if a == b);
    if same { tidy } else { whole }
}

impl Row {
    /// A cell; empty where there is no such column.
    fn cell(&self, column: Option<usize>) -> Name {
        column.and_then(|at| self.cells.get(at).cloned()).unwrap_or_else(|| Spanned::new(String::new(), self.span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> (Option<Codelist>, Vec<String>) {
        let (mut map, mut found) = (SourceMap::default(), Diagnostics::default());
        let yaml = map.add("schema.yaml", "x");
        let file = map.add("x.csv", text);
        let name = Spanned::new("x".to_owned(), Span::new(yaml, 0..1));
        let reference = Reference { name: name.clone(), path: name, version: None, columns: vec![] };
        let list = Codelist::read(&reference, file, &map, &mut found);
        (list, found.items.iter().map(|d| format!("{} {}", d.code.id, d.message)).collect())
    }

    #[test]
    fn descent_by_the_column_parent() {
        let (list, found) = list("code;parent;label_fr;version\nA;;sein;3.2\nA1;A;;\nB;;;\nA11;A1;;\nX;B;;\n");
        let list = list.expect("a list");
        assert!(found.is_empty(), "{found:?}");
        assert_eq!(list.within("A"), ["A", "A1", "A11"]);
        assert_eq!(list.within("A1"), ["A1", "A11"]);
        assert!(list.within("C").is_empty());
        assert_eq!((list.version.as_deref(), list.values[0].label["fr"].as_str()), (Some("3.2"), "sein"));
    }

    #[test]
    fn circles_and_strange_parents_are_findings() {
        let (_, found) = list("code,parent\nA,B\nB,A\nC,D\n");
        assert_eq!(found, ["S223 the parent `D` is no code of the codelist `x`", "S223 the code `A` descends from itself"]);
    }
}
