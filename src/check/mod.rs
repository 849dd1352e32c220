//! Project × headers → [`Resolved`]: everything named, typed and total, or every mistake at once.
//!
//! Nothing after this stage sees YAML. It reads the heads of the sources, never their rows.

mod headers;
pub mod later;
mod mapping;
pub mod replay;
mod schema;
mod shape;
pub mod validate;

use schema::Lowered;
pub use shape::{derived_in, references};

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::config::mapping::{Mapping, Source};
use crate::config::project::{self, Document, Project};
use crate::config::schema::{FieldType, Schema};
use crate::diagnostic::{Diagnostic, Diagnostics, SourceMap, code};
use crate::function::{self, Key};
use crate::rule::Check;
use crate::rule::kind::Asks;
use crate::shape::{Mark, Operator};
use crate::source::FileHead;
use crate::transform::derive::Functions;
use crate::transform::endpoint::Described;
use crate::transform::{Column, Definitions, Kind, SqlScope};

/// A pipeline that can be planned.
pub struct Resolved {
    pub pipeline: String,
    pub schema: Arc<Schema>,
    /// In the order in which they run.
    pub tables: Vec<ResolvedTable>,
    /// Site → the language in which it is written to.
    pub languages: std::collections::BTreeMap<String, String>,
    /// Counts of fewer rows than this are not told.
    pub small_cell: Option<u64>,
    /// Rules that are judged when the rows have been accepted.
    pub later: Vec<Later>,
    /// Documents as read, for fingerprints.
    pub documents: Vec<Document>,
    key: Option<KeyPlace>,
}

/// Where the key of the pseudonyms is.
#[derive(Debug, Clone)]
pub struct KeyPlace {
    pub variable: Option<String>,
    pub file: Option<PathBuf>,
}

impl Resolved {
    /// Where the key is, where the pipeline names one and a field needs it.
    pub fn key_place(&self) -> Option<&KeyPlace> {
        let has_pseudonym = self.schema.tables.iter().flat_map(|t| &t.fields).any(|f| f.kind.value == FieldType::Pseudonym);
        self.key.as_ref().filter(|_| has_pseudonym)
    }

    /// Cuts long lists of codes in the expressions, for people who read them.
    pub fn abridge(&mut self) {
        self.tables.iter_mut().for_each(|table| {
            table.definitions.abridge();
            table.stages.iter_mut().for_each(|stage| stage.definitions.abridge());
        });
    }

    /// Gives the key to the expressions that need it; a check does without.
    pub fn give_key(&mut self, key: Option<Key>) {
        let functions = function::by_name(key);
        for table in &mut self.tables {
            table.definitions.rebind(&functions);
            table.stages.iter_mut().for_each(|stage| stage.definitions.rebind(&functions));
        }
    }
}

/// A rule that is judged when the rows have been accepted: its place among those of a table.
#[derive(Debug, Clone)]
pub struct Later {
    pub table: usize,
    pub rule: usize,
    pub asks: Asks,
}

/// One table filled from one source or shape of one site.
pub struct ResolvedTable {
    pub site: String,
    pub mapping: String,
    /// The source or shape that it is filled from.
    pub source: String,
    /// Place in the schema's tables.
    pub table: usize,
    /// The sources that are read for it.
    pub inputs: Vec<ResolvedSource>,
    /// What is done to their rows before, in this order.
    pub stages: Vec<Stage>,
    /// The rows that it is made of.
    pub input: Input,
    /// Their columns.
    pub columns: Vec<String>,
    /// Every named expression; fields are `f:<name>`, checks `k:<n>`.
    pub definitions: Definitions,
    /// One per field of the schema's table, in its order.
    pub fields: Vec<FieldState>,
    pub checks: Vec<Check>,
    /// Time-to-event derivations that fields are taken from.
    pub endpoints: Vec<ResolvedEndpoint>,
}

/// A source, its files found.
#[derive(Debug, Clone)]
pub struct ResolvedSource {
    pub name: String,
    pub format: String,
    pub files: Vec<FileHead>,
    /// Columns of all files, in order of first appearance.
    pub columns: Vec<String>,
}

impl ResolvedSource {
    fn new(source: &Source, files: &[FileHead], columns: Vec<String>) -> Self {
        ResolvedSource { name: source.name.value.clone(), format: source.format.as_ref().map_or("csv".into(), |f| f.value.clone()), files: files.to_vec(), columns }
    }
}

/// The rows that a step takes.
#[derive(Debug, Clone)]
pub enum Input {
    /// Of a source, by its place.
    Source(usize),
    /// Of earlier stages.
    Shaped {
        /// For each side of the operation the stages whose rows it has, one after the other.
        sides: Vec<Vec<usize>>,
        operator: Option<Arc<dyn Operator>>,
        /// Whether all rows of a key come together.
        meets: bool,
        columns: Vec<Column>,
        marks: Vec<Mark>,
    },
}

/// A step before a table: rows are judged, and stored for the next one.
pub struct Stage {
    /// The source or shape whose rows they are.
    pub name: String,
    pub input: Input,
    pub columns: Vec<String>,
    pub definitions: Definitions,
    pub checks: Vec<Check>,
    /// With the hash of a key among them, the rows go into buckets by it.
    pub kept: Vec<Kept>,
}

/// A column that a stage stores.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The plan's column.
    pub column: String,
    pub name: String,
    /// `None`: the hash of a key.
    pub kind: Option<Kind>,
}

/// A time-to-event derivation: its fields, and what it counts.
#[derive(Debug, Clone)]
pub struct ResolvedEndpoint {
    pub name: String,
    pub fields: Vec<String>,
    pub described: Described,
}

/// What the mapping says of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldState {
    Derived,
    Impossible(String),
    Undetermined(String),
    NotMapped,
}

/// Loads and checks a pipeline with all it names. Findings that stop the run are errors in
/// `found`; then the result is `None`.
pub fn check(path: &Path, functions: &Functions, map: &mut SourceMap, found: &mut Diagnostics) -> Option<Resolved> {
    let project = project::load(path, map, found)?;
    check_project(project, functions, found)
}

/// Checks documents that are loaded already; see [`check`].
pub fn check_project(project: Project, functions: &Functions, found: &mut Diagnostics) -> Option<Resolved> {
    let (tables, later) = tables(&project, functions, Keep::Tables, found)?;
    let base = project.path.parent().unwrap_or(Path::new(""));
    let key = project.pipeline.key.as_ref().map(|k| KeyPlace {
        variable: k.variable.as_ref().map(|v| v.value.clone()),
        file: k.file.as_ref().map(|f| base.join(&f.value)),
    });
    let languages = project.mappings.iter().filter_map(|(_, m)| Some((m.site.value.clone(), m.language.as_ref()?.value.clone()))).collect();
    Some(Resolved { languages, pipeline: project.pipeline.name.value.clone(), schema: Arc::new(project.schema), tables, later, small_cell: project.pipeline.small_cells, documents: project.documents, key })
}

/// Only the findings of [`check_project`], in the memory of a few mappings: what one resolved to makes
/// room for the next.
pub fn findings(project: &Project, functions: &Functions, found: &mut Diagnostics) {
    tables(project, functions, Keep::Nothing, found);
}

#[derive(Clone, Copy, PartialEq)]
enum Keep {
    Tables,
    Nothing,
}

/// The tables of all mappings; `None` after errors.
fn tables(project: &Project, functions: &Functions, keep: Keep, found: &mut Diagnostics) -> Option<(Vec<ResolvedTable>, Vec<Later>)> {
    let scope = SqlScope::new(functions);
    let rules = schema::check(&project.schema, &scope, found);
    names_are_unique(project, found);
    parents_are_filled(project, found);
    let mut tables = vec![];
    for ((mine, resolved), (_, mapping)) in each_mapping(project, &rules, functions, &scope, keep).into_iter().zip(&project.mappings) {
        project.found_in(mapping, mine.items, found);
        tables.extend(resolved);
    }
    let later = rules.into_iter().enumerate().flat_map(|(table, rules)| {
        rules.into_iter().enumerate().filter_map(move |(rule, lowered)| match lowered {
            Some(Lowered::Later(asks)) => Some(Later { table, rule, asks }),
            _ => None,
        })
    });
    let later = later.collect();
    (!found.has_errors()).then_some((tables, later))
}

/// Findings and tables of each mapping, in the pipeline's order. A mapping knows of no other, and
/// the heads of its files are what takes time, so several are gone through at once.
fn each_mapping(project: &Project, rules: &[Vec<Option<Lowered>>], functions: &Functions, scope: &SqlScope, keep: Keep) -> Vec<(Diagnostics, Vec<ResolvedTable>)> {
    let one = |(path, mapping): &(PathBuf, Mapping)| {
        let (mut found, mut tables) = (Diagnostics::default(), vec![]);
        if mapping.schema.value == project.schema.name.value {
            let context = mapping::Context { project, functions, scope, keep };
            mapping::check(&context, mapping, path, rules, &mut found, &mut tables);
        } else {
            found.push(
                Diagnostic::error(code::OTHER_SCHEMA, mapping.schema.span, format!("this mapping is for the schema `{}`", mapping.schema.value))
                    .label(format!("the pipeline's schema is `{}`", project.schema.name.value))
                    .related(project.schema.name.span, "here"),
            );
        }
        (found, tables)
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(project.mappings.len());
    let next = AtomicUsize::new(0);
    let work = || {
        let places = std::iter::from_fn(|| Some(next.fetch_add(1, Ordering::Relaxed)));
        places.map_while(|at| Some((at, one(project.mappings.get(at)?)))).collect::<Vec<_>>()
    };
    let mut all = std::thread::scope(|threads_of| {
        // An expression may be nested deeply; a thread has less room for that than a program.
        let others: Vec<_> = (1..threads).filter_map(|_| std::thread::Builder::new().stack_size(8 << 20).spawn_scoped(threads_of, work).ok()).collect();
        let mut all = work();
        for other in others {
            match other.join() {
                Ok(done) => all.extend(done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, done)| done).collect()
}

/// A table whose rows belong to those of a table that nobody fills.
fn parents_are_filled(project: &Project, found: &mut Diagnostics) {
    let fills = |name: &str| project.mappings.iter().flat_map(|(_, m)| &m.tables).any(|t| t.table.value == name);
    for table in project.schema.tables.iter().filter(|t| fills(&t.name.value)) {
        let is_there = |name: &str| project.schema.tables.iter().any(|t| t.name.value == name);
        for key in table.foreign_keys.iter().filter(|k| is_there(&k.references.value) && !fills(&k.references.value)) {
            found.push(
                Diagnostic::warning(code::UNFILLED_PARENT, key.references.span, format!("rows of `{}` belong to rows of `{}`, and no mapping fills that", table.name.value, key.references.value))
                    .label("not tested in this pipeline"),
            );
        }
    }
}

fn names_are_unique(project: &Project, found: &mut Diagnostics) {
    let mut names = HashMap::new();
    let mut filled = HashMap::new();
    for (_, mapping) in &project.mappings {
        let first = names.insert(mapping.name.value.as_str(), mapping.name.span);
        // A replay goes through a mapping table by table.
        if let Some(first) = first.filter(|first| *first != mapping.name.span) {
            found.push(
                Diagnostic::error(code::DUPLICATE_MAPPING, mapping.name.span, format!("two mappings are called `{}`", mapping.name.value)).label("the second").related(first, "the first"),
            );
        }
        for table in &mapping.tables {
            if let Some(first) = filled.insert((mapping.site.value.as_str(), table.table.value.as_str()), table.span) {
                found.push(
                    Diagnostic::error(code::DUPLICATE_MAPPING, table.span, format!("the site `{}` fills the table `{}` twice", mapping.site.value, table.table.value))
                        .label("the second")
                        .related(first, "the first"),
                );
            }
        }
    }
}
