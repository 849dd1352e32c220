//! Pipelines that are loaded and checked, and what was found in them.

use std::io::IsTerminal;
use std::path::Path;

use cohorte::check::replay::Replay;
use cohorte::check::{self, Resolved};
use cohorte::config::project::{self, Project};
use cohorte::diagnostic::{Diagnostics, Level, SourceMap, render_json, render_text};
use cohorte::error::{Error, exit};
use cohorte::function;

use super::args::Format;

pub fn color(to: &impl IsTerminal) -> bool {
    to.is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Loads and checks; prints errors. `Err` is the exit code.
pub fn checked(pipeline: &Path, format: Format) -> Result<Resolved, u8> {
    // Only a replay has an error of its own.
    checked_with(pipeline, None, format).unwrap_or(Err(exit::BUG))
}

/// [`checked`], with the quarantine of a run in place of the files.
pub fn checked_with(pipeline: &Path, replay: Option<&mut Replay>, format: Format) -> Result<Result<Resolved, u8>, Error> {
    let mut refused = None;
    let checked = checked_project(
        pipeline,
        |map, found| {
            let project = project::load(pipeline, map, found);
            match (project, replay) {
                (Some(project), Some(replay)) if !found.has_errors() => replay.stand_in(project).map_err(|error| refused = Some(error)).ok(),
                (project, _) => project,
            }
        },
        format,
    );
    refused.map_or(checked, Err)
}

/// Checks what `load` gives; prints errors about `subject`. `Err` is the exit code.
pub fn checked_project(subject: &Path, load: impl FnOnce(&mut SourceMap, &mut Diagnostics) -> Option<Project>, format: Format) -> Result<Result<Resolved, u8>, Error> {
    let (mut map, mut found) = (SourceMap::default(), Diagnostics::default());
    let project = load(&mut map, &mut found);
    let resolved = project.and_then(|p| check::check_project(p, &function::by_name(None), &mut found));
    Ok(match told(subject, &mut found, &map, format, false) {
        exit::DONE => resolved.ok_or(exit::WRONG_INPUT),
        code => Err(code),
    })
}

/// Loads and checks; prints all findings.
pub fn check_only(pipeline: &Path, format: Format) -> u8 {
    let (mut map, mut found) = (SourceMap::default(), Diagnostics::default());
    if let Some(project) = project::load(pipeline, &mut map, &mut found) {
        check::findings(&project, &function::by_name(None), &mut found);
        // The program ends here; taking fifty mappings apart first would be a twentieth of its time.
        std::mem::forget(project);
    }
    told(pipeline, &mut found, &map, format, true)
}

/// Prints findings; the exit code they call for.
pub fn told(pipeline: &Path, found: &mut Diagnostics, map: &SourceMap, format: Format, is_check: bool) -> u8 {
    found.sort();
    let (errors, warnings) = found.counts();
    match format {
        Format::Json if is_check || errors > 0 => println!("{:#}", render_json(&found.items, map)),
        Format::Json => {}
        Format::Text => {
            // A run repeats no warnings: `check` is the place for them.
            let shown: Vec<_> = found.items.iter().filter(|d| is_check || d.level == Level::Error).cloned().collect();
            eprint!("{}", render_text(&shown, map, color(&std::io::stderr())));
            let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
            match (errors, warnings) {
                (0, 0) if is_check => eprintln!("{}: no findings", pipeline.display()),
                (0, w) if is_check => eprintln!("{}: {}", pipeline.display(), count(w, "warning")),
                (0, _) => {}
                (e, 0) => eprintln!("{}: {}", pipeline.display(), count(e, "error")),
                (e, w) => eprintln!("{}: {}, {}", pipeline.display(), count(e, "error"), count(w, "warning")),
            }
        }
    }
    if errors == 0 {
        return exit::DONE;
    }
    let is_source = |code: &str| code.starts_with('D') || matches!(code, "M319" | "M320");
    let only_sources = found.items.iter().filter(|d| d.level == Level::Error).all(|d| is_source(d.code.id));
    if only_sources { exit::SOURCE } else { exit::WRONG_INPUT }
}
