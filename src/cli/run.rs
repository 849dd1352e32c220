//! `cohorte run` and `cohorte validate`: from a checked pipeline to a folder.

use std::collections::HashMap;
use std::num::NonZero;
use std::path::Path;

use cohorte::check::Resolved;
use cohorte::check::replay::Replay;
use cohorte::check::validate::stand_in;
use cohorte::error::{Error, exit};
use cohorte::execute::summary::RunStatus;
use cohorte::execute::{self, Laid, Options, Pages, Show, secret};
use cohorte::query::collect;
use cohorte::{disclosure, report};

use super::args::{Format, How};
use super::checked::{checked_project, checked_with, cores};
use super::close::close;

/// A pipeline; the exit code.
pub fn run(pipeline: &Path, replay: Option<&Path>, how: &How) -> Result<u8, Error> {
    let mut replay = replay.map(Replay::open).transpose()?;
    let resolved = match checked_with(pipeline, replay.as_mut(), how.format)? {
        Ok(resolved) => resolved,
        Err(code) => return Ok(code),
    };
    if let Some(left) = replay.as_ref().map(|r| r.left_out.join(", ")).filter(|left| !left.is_empty()) {
        eprintln!("warning: not replayed, as filled from shapes: {left}; run the pipeline again for these");
    }
    execute(resolved, replay, how)
}

/// A folder of tables against a schema; the exit code.
pub fn validate(folder: &Path, schema: &Path, how: &How) -> Result<u8, Error> {
    match checked_project(schema, |map, found| stand_in(folder, schema, map, found), how.format)? {
        Ok(resolved) => execute(resolved, None, how),
        Err(code) => Ok(code),
    }
}

fn execute(mut resolved: Resolved, replay: Option<Replay>, how: &How) -> Result<u8, Error> {
    let key = resolved.key_place().map(|place| secret::read(place.variable.as_deref(), place.file.as_deref())).transpose()?;
    let key_id = key.as_ref().map(|k| k.id().to_owned());
    replay.as_ref().map_or(Ok(()), |r| r.same_key(key_id.as_deref()))?;
    resolved.give_key(key);
    let partitions = how.partitions.and_then(|p| NonZero::new(usize::from(p))).map_or_else(cores, NonZero::get);
    let show = Show::fitting(how.quiet || how.format == Format::Json);
    let options = Options { out: how.out.clone(), partitions, memory: how.memory, force: how.force, show, replay, previous: how.previous.clone() };
    let finished = execute::run(&resolved, key_id.as_deref(), &options, |summary, folder, laid| {
        if how.queries.queries {
            let options = collect::Options { with_values: how.queries.with_values, answers: how.queries.answers.clone(), previous: how.previous.clone(), languages: resolved.languages.clone() };
            let written: Vec<collect::Written> = laid.iter().map(|l| written(&resolved, l)).collect();
            summary.queries = collect::write(folder, summary, &written, &options)?;
        }
        disclosure::suppress(summary, summary.small_cell);
        Ok(Pages { html: report::html(summary), json: report::json(summary)? })
    })?;
    if let Some(junit) = &how.junit {
        std::fs::write(junit, report::junit(&finished.summary)).map_err(|e| Error::environment(&format!("writing {}", junit.display()), e))?;
    }
    if how.format == Format::Json {
        println!("{}", report::json(&finished.summary)?);
    } else if !how.quiet {
        close(&finished);
        if let Some(replay) = &options.replay {
            println!("  replay  {}: its refused rows; keys that it accepted already were refused again", replay.folder.display());
        }
    }
    Ok(match finished.summary.status {
        RunStatus::Passed => exit::DONE,
        RunStatus::Failed => exit::FAILED_THRESHOLD,
    })
}

/// What a run wrote of a source, with the columns that its fields are read from.
fn written(resolved: &Resolved, laid: &Laid) -> collect::Written {
    let mut columns = HashMap::new();
    for table in resolved.tables.iter().filter(|t| t.site == laid.site && resolved.schema.tables.get(t.table).is_some_and(|target| target.name.value == laid.table)) {
        for (field, column) in table.checks.iter().filter_map(|c| c.field.clone().zip(c.column.clone())) {
            columns.entry(field).or_insert(column);
        }
    }
    collect::Written { table: laid.table.clone(), site: laid.site.clone(), source: laid.source.clone(), quarantine: laid.quarantine.clone(), findings: laid.findings.clone(), columns }
}
