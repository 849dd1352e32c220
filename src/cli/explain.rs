//! `cohorte explain`.

use std::path::Path;

use cohorte::check::Resolved;
use cohorte::config;
use cohorte::config::project::Project;
use cohorte::diagnostic::{Diagnostics, SourceMap};
use cohorte::error::{Error, exit};
use cohorte::guide::language::Language;
use cohorte::{execute, guide, plan};

use super::args::Stage;

/// The documents once more; a pipeline that was checked is there.
fn project(pipeline: &Path) -> Option<Project> {
    config::project::load(pipeline, &mut SourceMap::default(), &mut Diagnostics::default())
}

pub fn explain_field(pipeline: &Path, resolved: &Resolved, field: &str, site: Option<&str>, language: Language) -> u8 {
    let told = project(pipeline).ok_or_else(|| "the documents changed while they were read".to_owned());
    match told.and_then(|project| guide::explain::field(&project, resolved, field, site, language)) {
        Ok(text) => {
            print!("{text}");
            exit::DONE
        }
        Err(why) => {
            eprintln!("error: {why}");
            exit::WRONG_INPUT
        }
    }
}

pub fn explain(pipeline: &Path, resolved: &mut Resolved, stage: Stage) -> Result<(), Error> {
    resolved.abridge();
    if let Stage::Project = stage {
        if let Some(project) = project(pipeline) {
            print!("{}", guide::explain::project(&project));
        }
        return Ok(());
    }
    for table in &resolved.tables {
        let target = &resolved.schema.tables[table.table];
        println!("{}/{} → {}", table.site, table.source, target.name.value);
        match stage {
            Stage::Project | Stage::Check => {
                for definition in &table.definitions.list {
                    println!("  {} = {}", definition.name, definition.expr);
                }
                for (n, check) in table.checks.iter().enumerate() {
                    println!("  k:{n} is {} {}{}", check.code.id, check.field.as_ref().map_or(String::new(), |f| format!("{f}: ")), check.rule);
                }
                for rule in resolved.later.iter().filter(|l| l.table == table.table).filter_map(|l| target.rules.get(l.rule)) {
                    println!("  {} is judged when the rows have been accepted", rule.id.value);
                }
            }
            Stage::Plan => {
                for step in plan::Step::of_stages(table).chain([plan::Step::of_table(table)]) {
                    let plan = plan::build(&step, &plan::Dealt::nothing(step.input))?;
                    println!("{}", plan.logical.display_indent());
                }
            }
            Stage::Physical => {
                let context = execute::engine::session(1, execute::engine::runtime(1 << 28)?);
                let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(|e| Error::environment("starting the engine", e))?;
                for step in plan::Step::of_stages(table).chain([plan::Step::of_table(table)]) {
                    let plan = plan::build(&step, &plan::Dealt::nothing(step.input))?;
                    let physical = runtime.block_on(context.state().create_physical_plan(&plan.logical))?;
                    print!("{}", datafusion::physical_plan::displayable(physical.as_ref()).indent(false));
                }
            }
        }
        println!();
    }
    Ok(())
}
