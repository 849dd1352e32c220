//! The tests of mappings: rows in, rows or Reasons out, by the very plan of a run.
//!
//! The rows of a case stand in for the source's files: they are written down as delimited text,
//! and check, plan and sink do with it what they do with a delivery. What is compared is what a
//! run publishes: the Parquet files of the cohort and of the quarantine. The values of a case are
//! made up, so unlike those of a run they may be shown.

mod case;
mod coverage;
mod expect;
mod text;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::check;
use crate::config::cases::{self, Tests};
use crate::config::mapping::Mapping;
use crate::config::project::{self, Project, expand};
use crate::config::yaml::{self, Value};
use crate::diagnostic::{Diagnostic, Diagnostics, SourceMap, code};
use crate::error::Error;
use crate::function;
use crate::source;

pub use coverage::{Coverage, Item, ItemKind};
pub use text::{json, text};

/// The tests of one mapping, run.
pub struct Suite {
    pub mapping: String,
    /// Path of the tests.
    pub path: PathBuf,
    pub cases: Vec<CaseResult>,
    pub coverage: Coverage,
}

/// One case, run.
pub struct CaseResult {
    pub name: String,
    /// What is not as expected; nothing where the case passes.
    pub findings: Vec<Diagnostic>,
}

/// All tests that were asked for.
#[derive(Default)]
pub struct Outcome {
    /// The documents that findings point into.
    pub map: SourceMap,
    /// Mistakes in the documents; where one is an error, no case was run.
    pub mistakes: Diagnostics,
    pub suites: Vec<Suite>,
    /// Mappings without tests.
    pub untested: Vec<String>,
}

impl Outcome {
    /// Cases that fail.
    pub fn failed(&self) -> usize {
        self.suites.iter().flat_map(|s| &s.cases).filter(|c| !c.findings.is_empty()).count()
    }

    /// Exercised and all, over all mappings with tests.
    pub fn covered(&self) -> (usize, usize) {
        self.suites.iter().map(|s| s.coverage.share(None)).fold((0, 0), |sum, c| (sum.0 + c.0, sum.1 + c.1))
    }
}

/// A mapping with its tests, ready to run.
struct Subject<'a> {
    project: &'a Project,
    path: &'a Path,
    mapping: &'a Mapping,
    tests: Tests,
    tests_path: PathBuf,
    /// For each source the columns of its files, or of the cases where there is no file.
    columns: Vec<Vec<String>>,
}

/// Runs the tests that `paths` name: pipelines (the tests of all their mappings) and mappings.
///
/// # Errors
/// When a path is neither, the environment fails, or a signal comes.
pub fn run(paths: &[PathBuf]) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    for (pipeline, only) in pipelines(paths)? {
        one_pipeline(&pipeline, only.as_ref(), &mut outcome)?;
        if outcome.mistakes.has_errors() {
            break;
        }
    }
    Ok(outcome)
}

fn one_pipeline(pipeline: &Path, only: Option<&HashSet<PathBuf>>, outcome: &mut Outcome) -> Result<(), Error> {
    let Outcome { map, mistakes, suites, untested } = outcome;
    let Some(project) = project::load(pipeline, map, mistakes) else { return Ok(()) };
    let mut subjects = vec![];
    for (path, mapping) in &project.mappings {
        if only.is_some_and(|only| !path.canonicalize().is_ok_and(|p| only.contains(&p))) {
            continue;
        }
        let beside = path.with_file_name("tests.yaml");
        if !beside.is_file() {
            untested.push(mapping.name.value.clone());
            continue;
        }
        let Some(tests) = project::document(&beside, None, "tests", map, mistakes, &mut vec![], cases::read) else { continue };
        if tests.mapping.value != mapping.name.value {
            // A folder may hold several mappings; the tests are for one of them.
            let beside_it = |p: &Path| p.parent() == path.parent();
            let names: Vec<&str> = project.mappings.iter().filter(|(p, _)| beside_it(p)).map(|(_, m)| m.name.value.as_str()).collect();
            if !names.contains(&tests.mapping.value.as_str()) {
                let finding = Diagnostic::error(code::CASE_MAPPING, tests.mapping.span, format!("no mapping `{}` stands beside these tests", tests.mapping.value));
                mistakes.push(finding.label("not the name of a mapping in this folder").suggest(&tests.mapping.value, names));
            } else {
                untested.push(mapping.name.value.clone());
            }
            continue;
        }
        let columns = mapping.sources.iter().map(|s| columns_of(s, path, &tests)).collect();
        subjects.push(Subject { project: &project, path, mapping, tests, tests_path: beside, columns });
    }
    if mistakes.has_errors() {
        return Ok(());
    }
    for subject in &subjects {
        expect::names_are_known(subject, mistakes);
        // Once with no row: what is wrong with the mapping is said once, not once a case.
        let folder = case::Folder::new()?;
        let mut found = Diagnostics::default();
        let stood_in = case::stand_in(subject, None, folder.path())?;
        check::check_project(stood_in, &function::by_name(None), &mut found);
        found.items.into_iter().filter(|d| d.level == crate::diagnostic::Level::Error).for_each(|d| mistakes.push(d));
    }
    if mistakes.has_errors() {
        return Ok(());
    }
    for subject in &subjects {
        suites.push(one_subject(subject)?);
    }
    Ok(())
}

/// Runs the cases of one mapping, several at once.
fn one_subject(subject: &Subject<'_>) -> Result<Suite, Error> {
    let coverage = Mutex::new(Coverage::of(subject));
    let next = AtomicUsize::new(0);
    let work = || -> Result<Vec<(usize, CaseResult)>, Error> {
        let mut done = vec![];
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(one) = subject.tests.cases.get(at) else { return Ok(done) };
            let ran = case::run(subject, one)?;
            if let Ok(mut coverage) = coverage.lock() {
                coverage.add(subject, one, &ran);
            }
            done.push((at, CaseResult { name: one.name.value.clone(), findings: expect::compare(subject, one, &ran) }));
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(subject.tests.cases.len());
    let mut results: Vec<(usize, CaseResult)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).filter_map(|_| std::thread::Builder::new().stack_size(8 << 20).spawn_scoped(scope, work).ok()).collect();
        let mut all: Result<Vec<_>, Error> = work();
        for other in others {
            match other.join() {
                Ok(done) => all = all.and_then(|mut all| done.map(|d| (all.extend(d), all).1)),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    })?;
    results.sort_by_key(|(at, _)| *at);
    let coverage = coverage.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    Ok(Suite { mapping: subject.mapping.name.value.clone(), path: subject.tests_path.clone(), cases: results.into_iter().map(|(_, c)| c).collect(), coverage })
}

/// The columns of a source: those of its files, or where none can be read those that its `columns`
/// or the cases name.
fn columns_of(source: &crate::config::mapping::Source, mapping: &Path, tests: &Tests) -> Vec<String> {
    let base = mapping.parent().unwrap_or(Path::new(""));
    let mut columns: Vec<String> = vec![];
    let mut add = |name: &String| {
        if !columns.contains(name) {
            columns.push(name.clone());
        }
    };
    let paths = source.paths.iter().flat_map(|p| expand(base, p, code::NO_FILE, "file", true, &mut Diagnostics::default()));
    paths.filter_map(|path| source::heads(source, base, &path).ok()).flatten().for_each(|head| head.columns.iter().for_each(&mut add));
    if columns.is_empty() {
        let mut add = |name: &String| {
            if !columns.contains(name) {
                columns.push(name.clone());
            }
        };
        source.dialect.columns.iter().flatten().for_each(|c| add(&c.value));
        let mine = tests.cases.iter().flat_map(|c| &c.rows).filter(|r| r.of.as_ref().is_none_or(|of| of.value == source.name.value));
        mine.flat_map(|r| &r.rows).flat_map(|r| &r.cells).for_each(|(name, _)| add(&name.value));
    }
    columns
}

/// A pipeline, and the mappings that are wanted of it; none: all of them.
type Wanted = (PathBuf, Option<HashSet<PathBuf>>);

/// The pipelines of the paths that were named.
fn pipelines(paths: &[PathBuf]) -> Result<Vec<Wanted>, Error> {
    let mut whole: Vec<PathBuf> = vec![];
    let mut mappings: Vec<&PathBuf> = vec![];
    for path in paths {
        match kind(path) {
            Some("pipeline") => whole.push(path.clone()),
            Some("mapping") => mappings.push(path),
            _ => return Err(Error::command_line(format!("{} is neither a pipeline nor a mapping", path.display()), "`cohorte test PIPELINE.yaml`, or the mappings that are to be tested")),
        }
    }
    if mappings.is_empty() {
        return Ok(whole.into_iter().map(|p| (p, None)).collect());
    }
    let mut out: Vec<Wanted> = vec![];
    for path in mappings {
        let full = path.canonicalize().map_err(|e| Error::environment(&format!("finding {}", path.display()), e))?;
        let pipeline = whole.iter().find(|p| names(p, &full)).cloned().or_else(|| pipeline_of(&full)).ok_or_else(|| {
            Error::command_line(format!("no pipeline names the mapping {}", path.display()), "name it too: `cohorte test PIPELINE.yaml MAPPING.yaml`")
        })?;
        match out.iter_mut().find(|(p, _)| *p == pipeline) {
            Some((_, Some(only))) => {
                only.insert(full);
            }
            _ => out.push((pipeline, Some(HashSet::from([full])))),
        }
    }
    Ok(out)
}

/// What kind of document a file holds, by its keys.
fn kind(path: &Path) -> Option<&'static str> {
    let text = std::fs::read_to_string(path).ok()?;
    let node = yaml::parse(&text, crate::diagnostic::FileId(0), &mut Diagnostics::default());
    let Some(Value::Map(items)) = node.map(|n| n.value) else {
        // What is no YAML may still be meant as one; loading it says what is wrong.
        return text.lines().find_map(|l| ["pipeline", "mapping"].into_iter().find(|k| l.starts_with(&format!("{k}:"))));
    };
    ["pipeline", "mapping"].into_iter().find(|k| items.iter().any(|(key, _)| key.text() == Some(k)))
}

/// Whether a pipeline names a mapping.
fn names(pipeline: &Path, mapping: &Path) -> bool {
    let (mut map, mut found) = (SourceMap::default(), Diagnostics::default());
    let read = crate::config::pipeline::read;
    let Some(document) = project::document(pipeline, None, "pipeline", &mut map, &mut found, &mut vec![], read) else { return false };
    let base = pipeline.parent().unwrap_or(Path::new(""));
    document.mappings.iter().flat_map(|p| expand(base, p, code::NO_MAPPING, "mapping", false, &mut found)).any(|p| p.canonicalize().is_ok_and(|p| p == mapping))
}

/// The nearest pipeline, in the folders above a mapping, that names it.
fn pipeline_of(mapping: &Path) -> Option<PathBuf> {
    mapping.ancestors().skip(1).find_map(|folder| {
        let entries = std::fs::read_dir(folder).ok()?;
        let mut files: Vec<PathBuf> = entries.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "yaml" || e == "yml")).collect();
        files.sort();
        files.into_iter().find(|p| kind(p) == Some("pipeline") && names(p, mapping))
    })
}
