//! The command line: its words, and what each verb does with the library.

pub mod args;
mod checked;
mod close;
mod explain;
mod run;

use std::path::{Path, PathBuf};

use cohorte::diagnostic::{render_json, render_text};
use cohorte::error::{Error, exit};
use cohorte::execute::Show;
use cohorte::execute::summary::RunSummary;
use cohorte::guide::language::Language;
use cohorte::guide::{json_schema, reference};
use cohorte::{compare, disclosure, profile, report, testing};

use args::{Cli, DiffFormat, Format, Verb};
use checked::{check_only, checked, color, cores};
use explain::{explain, explain_field};

/// Does what the command line says; the exit code.
///
/// # Errors
/// What ends the program early.
pub fn verb(cli: Cli) -> Result<u8, Error> {
    match cli.verb {
        Verb::Check { pipeline, format } => Ok(check_only(&pipeline, format)),
        Verb::Explain { subject, field, site, lang, stage, format } => {
            if let Some(code) = subject.to_str().filter(|s| reference::is_code(s) && !subject.exists()) {
                return Ok(match reference::of_code(code) {
                    Some(text) => {
                        print!("{text}");
                        exit::DONE
                    }
                    None => {
                        eprintln!("error: there is no diagnostic `{code}`; `cohorte docs` lists them");
                        exit::WRONG_INPUT
                    }
                });
            }
            let mut resolved = match checked(&subject, format) {
                Ok(resolved) => resolved,
                Err(code) => return Ok(code),
            };
            match field {
                Some(field) => Ok(explain_field(&subject, &resolved, &field, site.as_deref(), lang.into())),
                None => explain(&subject, &mut resolved, stage).map(|()| exit::DONE),
            }
        }
        Verb::Profile { subject, format_of, set, source, rare, small_cells, html, format } => profiled(&subject, format_of.as_deref(), &set, source.as_deref(), if rare { Some(1) } else { small_cells }, html.as_deref(), format),
        Verb::Docs { out } => written(out.as_deref(), "reference.md", reference::markdown()),
        Verb::JsonSchema { document, out } => {
            let names: Vec<&str> = json_schema::all().filter(|n| document.as_deref().is_none_or(|d| d == *n)).collect();
            if let (None, [_, _, ..]) = (&out, names.as_slice()) {
                let all: serde_json::Map<_, _> = names.iter().filter_map(|n| Some(((*n).to_owned(), json_schema::of(n)?))).collect();
                println!("{:#}", serde_json::Value::Object(all));
                return Ok(exit::DONE);
            }
            for name in names {
                written(out.as_deref(), &format!("{name}.json"), json_schema::text(name).unwrap_or_default())?;
            }
            Ok(exit::DONE)
        }
        Verb::Run { pipeline, replay, how } => run::run(&pipeline, replay.as_deref(), &how),
        Verb::Validate { folder, schema, how } => run::validate(&folder, &schema, &how),
        Verb::Report { run, out, public, small_cells, junit } => drawn(run, out, public, small_cells, junit.as_deref()),
        Verb::Diff { a, b, format, memory, keys, values, list, lang } => diff(&a, &b, format, lang.into(), &compare::Options { memory, partitions: cores(), keys, values, list }),
        Verb::Test { paths, min_coverage, format } => test(&paths, min_coverage, format),
    }
}

/// The report of a run once more, or the one for everybody.
fn drawn(run: PathBuf, out: Option<PathBuf>, public: bool, small_cells: Option<u64>, junit: Option<&Path>) -> Result<u8, Error> {
    let json = if run.is_dir() { run.join("report.json") } else { run };
    let text = std::fs::read_to_string(&json).map_err(|e| Error::environment(&format!("reading {}", json.display()), e))?;
    let mut summary: RunSummary = serde_json::from_str(&text).map_err(|e| Error::environment(&format!("{} is no report", json.display()), e))?;
    let save = |path: &Path, text: String| std::fs::write(path, text).map_err(|e| Error::environment(&format!("writing {}", path.display()), e));
    if public {
        summary = disclosure::public(&summary, small_cells.unwrap_or(summary.small_cell).max(3));
    }
    let page = out.unwrap_or_else(|| json.with_file_name(if public { "report-public.html" } else { "report.html" }));
    save(&page, report::html(&summary))?;
    println!("{}", page.display());
    if public {
        let numbers = page.with_extension("json");
        save(&numbers, report::json(&summary)?)?;
        println!("{}", numbers.display());
    }
    if let Some(junit) = junit {
        save(junit, report::junit(&summary))?;
    }
    Ok(exit::DONE)
}

/// The tests of mappings.
fn test(paths: &[PathBuf], least: Option<f64>, format: Format) -> Result<u8, Error> {
    let mut outcome = testing::run(paths)?;
    if outcome.mistakes.has_errors() {
        outcome.mistakes.sort();
        match format {
            Format::Json => println!("{:#}", render_json(&outcome.mistakes.items, &outcome.map)),
            Format::Text => eprint!("{}", render_text(&outcome.mistakes.items, &outcome.map, color(&std::io::stderr()))),
        }
        return Ok(exit::WRONG_INPUT);
    }
    if outcome.suites.is_empty() {
        return Err(Error::command_line("there is nothing to test: no `tests.yaml` stands beside a mapping", "docs/format.md says what goes into one"));
    }
    match format {
        Format::Json => println!("{:#}", testing::json(&outcome)),
        Format::Text => print!("{}", testing::text(&outcome, color(&std::io::stdout()))),
    }
    let (exercised, all) = outcome.covered();
    let enough = least.is_none_or(|least| exercised as f64 >= least * all as f64);
    if !enough {
        eprintln!("{exercised} of {all} are exercised, less than the {:.0} % of --min-coverage", 100.0 * least.unwrap_or_default());
    }
    Ok(if outcome.failed() == 0 && enough { exit::DONE } else { exit::FAILED_THRESHOLD })
}

/// What changed between two runs.
fn diff(a: &Path, b: &Path, format: DiffFormat, language: Language, options: &compare::Options) -> Result<u8, Error> {
    let difference = compare::compare(a, b, options)?;
    if options.values {
        eprintln!("note: with --values the output holds patients' values; treat it like the cohort");
    }
    match format {
        DiffFormat::Text => print!("{}", compare::text(&difference, language)),
        DiffFormat::Json => println!("{}", serde_json::to_string_pretty(&difference)?),
        DiffFormat::Html => println!("{}", compare::html(&difference, language)),
    }
    Ok(if difference.equal { exit::DONE } else { exit::FAILED_THRESHOLD })
}

fn profiled(subject: &str, format_of: Option<&str>, set: &[String], only: Option<&str>, small_cell: Option<u64>, page: Option<&Path>, format: Format) -> Result<u8, Error> {
    let profiles = profile::profiles(subject, format_of, set, only, small_cell, Show::fitting(format == Format::Json))?;
    if let Some(page) = page {
        std::fs::write(page, profile::html(&profiles)).map_err(|e| Error::environment(&format!("writing {}", page.display()), e))?;
    }
    match format {
        Format::Json => println!("{:#}", serde_json::to_value(&profiles).map_err(|e| Error::Bug { message: format!("the profile: {e}") })?),
        Format::Text => print!("{}", profiles.iter().map(profile::text).collect::<Vec<_>>().join("\n")),
    }
    Ok(exit::DONE)
}

/// Prints a text, or writes it into a folder and names the file.
fn written(folder: Option<&Path>, name: &str, text: String) -> Result<u8, Error> {
    match folder {
        None => print!("{text}"),
        Some(folder) => {
            let path = folder.join(name);
            std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, text)).map_err(|e| Error::environment(&format!("writing {}", path.display()), e))?;
            println!("{}", path.display());
        }
    }
    Ok(exit::DONE)
}
