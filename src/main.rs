//! The verbs of `cohorte`.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use cohorte::check::replay::Replay;
use cohorte::check::{self, Resolved};
use cohorte::config::project;
use cohorte::diagnostic::{Diagnostics, Level, SourceMap, render_json, render_text};
use cohorte::error::{Error, exit};
use cohorte::execute::summary::{RunStatus, RunSummary};
use cohorte::config::project::Project;
use cohorte::execute::{self, Finished, Options, Pages, Show, SourceProgress, secret};
use cohorte::guide::language::Language;
use cohorte::guide::{json_schema, reference};
use cohorte::{compare, config, function, guide, plan, profile, report, testing};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Keeps freed memory for the next batch, which is as large: giving pages back and getting them
/// anew, zeroed, is a tenth of a run.
fn keep_freed_memory() {
    // `mi_option_purge_delay` in mimalloc.h of both its versions; the crate names only some options.
    const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
    // SAFETY: an option's number and a plain value; the library checks the range of the first.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, -1) }
}

/// Huge pages would make the kept memory of a run a fifth larger. What ends soon is faster with them.
fn no_huge_pages() {
    // SAFETY: sets a flag of this process and reads no memory (prctl(2)); where it is unknown it fails.
    #[cfg(target_os = "linux")]
    unsafe {
        libc::prctl(libc::PR_SET_THP_DISABLE, 1, 0, 0, 0);
    }
}

/// Turns the exports of many hospitals into one typed, validated Parquet cohort.
#[derive(Parser)]
#[command(version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Check a pipeline, its schema and its mappings against the headers of the files; read no row.
    Check {
        /// The pipeline's YAML.
        pipeline: PathBuf,
        /// How findings are printed.
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Explain a pipeline (a stage of it, or one field in words), or a diagnostic such as M302.
    Explain {
        /// The pipeline's YAML, or the code of a diagnostic.
        #[arg(value_name = "PIPELINE|CODE")]
        subject: PathBuf,
        /// The derivation of one field in words: `patient.tumour_size`.
        #[arg(long, value_name = "TABLE.FIELD", conflicts_with = "stage")]
        field: Option<String>,
        /// At this site only.
        #[arg(long, requires = "field")]
        site: Option<String>,
        /// The language of the words.
        #[arg(long, requires = "field", value_enum, default_value = "en")]
        lang: Lang,
        /// Which stage: the documents as read, definitions and checks, the logical or the physical plan.
        #[arg(long, value_enum, default_value = "check")]
        stage: Stage,
        /// How findings are printed.
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Run a pipeline: cohort, quarantine, report and manifest into one new folder.
    Run {
        /// The pipeline's YAML.
        pipeline: PathBuf,
        /// The run's folder; it appears whole or not at all.
        #[arg(long)]
        out: PathBuf,
        /// Parts worked on at the same time [default: number of cores]. The rows and their order do not depend on it.
        #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
        partitions: Option<u16>,
        /// Memory that operators may hold together, such as 512MB or 4GB.
        #[arg(long, default_value = "1GB", value_parser = bytes)]
        memory: usize,
        /// Print nothing but errors.
        #[arg(long)]
        quiet: bool,
        /// Replace an earlier run in the same folder.
        #[arg(long)]
        force: bool,
        /// Take the refused rows of this earlier run through the mappings, instead of the sources' files.
        #[arg(long, value_name = "RUN")]
        replay: Option<PathBuf>,
        /// How findings are printed.
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Print the reference of transforms, constraints, formats and diagnostics as Markdown.
    Docs {
        /// Write it to reference.md in this folder instead.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Print the JSON Schema of a document, for completion and hovers in editors.
    JsonSchema {
        /// Which document; all of them where none is named.
        #[arg(value_parser = ["schema", "mapping", "pipeline", "tests"])]
        document: Option<String>,
        /// Write it to a file of the document's name in this folder instead.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Draw the report of a run again from its report.json.
    Report {
        /// The run's folder, or a report.json.
        run: PathBuf,
        /// Where the page goes [default: report.html beside report.json].
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Tell what changed between two runs: rows, fields, values by key, quarantine, statuses.
    ///
    /// Exit code 0: the same came out of both; 1: something differs.
    Diff {
        /// The folder of the earlier run.
        a: PathBuf,
        /// The folder of the later run.
        b: PathBuf,
        /// How the difference is printed.
        #[arg(long, value_enum, default_value = "text")]
        format: DiffFormat,
        /// Memory that joins may hold together before they spill to disk.
        #[arg(long, default_value = "1GB", value_parser = bytes)]
        memory: usize,
        /// Name the keys of rows that differ: identifiers within the cohort.
        #[arg(long)]
        keys: bool,
        /// Show the values that differ, with their keys: this prints patients' data.
        #[arg(long)]
        values: bool,
        /// Rows and keys that are named of each kind.
        #[arg(long, default_value_t = 5)]
        list: usize,
        /// The language of text and page.
        #[arg(long, value_enum, default_value = "en")]
        lang: Lang,
    },
    /// Tell what an export holds: columns, types with the evidence, fill, frequent values, ranges, suspected missing codes.
    Profile {
        /// A file, folder or database address; or a pipeline, whose sources are profiled.
        #[arg(value_name = "SOURCE|PIPELINE")]
        subject: String,
        /// The format, as `format:` in a mapping [default: by the ending of the name].
        #[arg(long = "as", value_name = "FORMAT")]
        format_of: Option<String>,
        /// An option of the format, such as `sheet=Patients`.
        #[arg(long, value_name = "KEY=VALUE")]
        set: Vec<String>,
        /// One source of a pipeline: `mapping.source`.
        #[arg(long)]
        source: Option<String>,
        /// Show values of fewer than 5 rows too: this may print patients' data.
        #[arg(long)]
        rare: bool,
        /// Write a page to this file as well.
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
        /// How the profile is printed.
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Run the tests of mappings (`tests.yaml` beside each): rows in, rows or Reasons out.
    ///
    /// Exit code 0: all cases pass; 1: a case fails or too little is exercised; 2: the YAML is wrong.
    Test {
        /// Pipelines (all their mappings that have tests) and mappings.
        #[arg(default_value = "pipeline.yaml")]
        paths: Vec<PathBuf>,
        /// Least share of derivations, map entries, policies and rules that the cases exercise, such as 80%.
        #[arg(long, value_parser = share)]
        min_coverage: Option<f64>,
        /// How outcomes are printed.
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Format {
    Text,
    Json,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum DiffFormat {
    Text,
    Json,
    Html,
}

#[derive(Clone, Copy, ValueEnum)]
enum Lang {
    En,
    Fr,
}

impl From<Lang> for Language {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::En => Language::English,
            Lang::Fr => Language::French,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum Stage {
    Project,
    #[value(alias = "resolved")]
    Check,
    Plan,
    Physical,
}

fn bytes(text: &str) -> Result<usize, String> {
    let text = text.trim();
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let factor: f64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "kb" | "k" => 1e3,
        "mb" | "m" => 1e6,
        "gb" | "g" => 1e9,
        "kib" => 1024.0,
        "mib" => 1024.0 * 1024.0,
        "gib" => 1024.0 * 1024.0 * 1024.0,
        other => return Err(format!("`{other}` is no unit of memory; write 512MB or 4GB")),
    };
    let number: f64 = number.parse().map_err(|_| format!("`{number}` is no number; write 512MB or 4GB"))?;
    let bytes = number * factor;
    if bytes < 32e6 {
        return Err("at least 32MB are needed".into());
    }
    Ok(bytes.min(usize::MAX as f64) as usize)
}

fn share(text: &str) -> Result<f64, String> {
    let number = text.trim().trim_end_matches('%').trim().parse::<f64>().ok();
    number.filter(|n| (0.0..=100.0).contains(n)).map(|n| n / 100.0).ok_or_else(|| format!("`{text}` is no share; write 80%"))
}

fn main() -> ExitCode {
    keep_freed_memory();
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if cohorte::source::guard::is_guarded() {
            return;
        }
        // The message of a panic may quote a cell; place and version are enough to find the bug.
        let place = info.location().map_or(String::new(), |l| format!(" at {}:{}", l.file(), l.line()));
        eprintln!("bug: cohorte {} stopped{place}\n  = help: this should not happen; please report it with the command line", env!("CARGO_PKG_VERSION"));
        if std::env::var_os("COHORTE_BACKTRACE").is_some() {
            default(info);
        }
    }));
    let cli = Cli::parse();
    if matches!(cli.verb, Verb::Run { .. } | Verb::Diff { .. }) {
        no_huge_pages();
    }
    if !matches!(cli.verb, Verb::Run { .. }) {
        // Who reads the output may have seen enough of it. A run goes on: it is written whatever becomes of its output.
        // SAFETY: sets how this process takes a signal, before it has another thread.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    }
    let code = match std::panic::catch_unwind(|| verb(cli)) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            eprintln!("{error}");
            error.exit_code()
        }
        Err(_) => exit::BUG,
    };
    cohorte::source::place::forget();
    ExitCode::from(code)
}

fn verb(cli: Cli) -> Result<u8, Error> {
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
        Verb::Profile { subject, format_of, set, source, rare, html, format } => profiled(&subject, format_of.as_deref(), &set, source.as_deref(), rare, html.as_deref(), format),
        Verb::Docs { out } => written(out.as_deref(), "reference.md", reference::markdown()),
        Verb::JsonSchema { document, out } => {
            let names: Vec<&str> = json_schema::names().filter(|n| document.as_deref().is_none_or(|d| d == *n)).collect();
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
        Verb::Run { pipeline, out, partitions, memory, quiet, force, replay, format } => {
            let mut replay = replay.as_deref().map(Replay::open).transpose()?;
            let mut resolved = match checked_with(&pipeline, replay.as_mut(), format)? {
                Ok(resolved) => resolved,
                Err(code) => return Ok(code),
            };
            let key = resolved.key_place().map(|place| secret::read(place.variable.as_deref(), place.file.as_deref())).transpose()?;
            let key_id = key.as_ref().map(|k| k.id().to_owned());
            replay.as_ref().map_or(Ok(()), |r| r.same_key(key_id.as_deref()))?;
            if let Some(left) = replay.as_ref().map(|r| r.left_out.join(", ")).filter(|left| !left.is_empty()) {
                eprintln!("warning: not replayed, as filled from shapes: {left}; run the pipeline again for these");
            }
            resolved.give_key(key);
            let partitions = partitions.map_or_else(cores, usize::from);
            let options = Options { out: out.clone(), partitions, memory, force, show: Show::fitting(quiet || format == Format::Json), replay };
            let finished = execute::run(&resolved, key_id.as_deref(), &options, |summary| Ok(Pages { html: report::html(summary), json: report::json(summary)? }))?;
            if format == Format::Json {
                println!("{}", report::json(&finished.summary)?);
            } else if !quiet {
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
        Verb::Report { run, out } => {
            let json = if run.is_dir() { run.join("report.json") } else { run };
            let text = std::fs::read_to_string(&json).map_err(|e| Error::environment(&format!("reading {}", json.display()), e))?;
            let summary: RunSummary = serde_json::from_str(&text).map_err(|e| Error::environment(&format!("{} is no report", json.display()), e))?;
            let page = out.unwrap_or_else(|| json.with_file_name("report.html"));
            std::fs::write(&page, report::html(&summary)).map_err(|e| Error::environment(&format!("writing {}", page.display()), e))?;
            println!("{}", page.display());
            Ok(exit::DONE)
        }
        Verb::Diff { a, b, format, memory, keys, values, list, lang } => diff(&a, &b, format, lang.into(), &compare::Options { memory, partitions: cores(), keys, values, list }),
        Verb::Test { paths, min_coverage, format } => test(&paths, min_coverage, format),
    }
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

fn color(to: &impl IsTerminal) -> bool {
    to.is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
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

fn profiled(subject: &str, format_of: Option<&str>, set: &[String], only: Option<&str>, rare: bool, page: Option<&Path>, format: Format) -> Result<u8, Error> {
    let is_yaml = [".yaml", ".yml"].iter().any(|e| subject.ends_with(e));
    let subjects = if is_yaml { profile::pipeline(Path::new(subject), only)? } else { vec![profile::delivery(subject, format_of, set)?] };
    let mut profiles = vec![];
    for subject in subjects {
        let bytes = subject.paths.iter().filter_map(|p| std::fs::metadata(p).ok()).map(|m| m.len()).sum();
        let bar = SourceProgress::begin(Show::fitting(format == Format::Json), subject.source.name.value.clone(), bytes);
        profiles.push(profile::profile(&subject.source, &subject.paths, &subject.base, rare, &mut |done| bar.indexed(done))?);
        bar.clear();
    }
    if let Some(page) = page {
        std::fs::write(page, profile::html(&profiles)).map_err(|e| Error::environment(&format!("writing {}", page.display()), e))?;
    }
    match format {
        Format::Json => println!("{:#}", serde_json::to_value(&profiles).map_err(|e| Error::Bug { message: format!("the profile: {e}") })?),
        Format::Text => print!("{}", profiles.iter().map(profile::text).collect::<Vec<_>>().join("\n")),
    }
    Ok(exit::DONE)
}

/// Loads and checks; prints errors. `Err` is the exit code.
fn checked(pipeline: &Path, format: Format) -> Result<Resolved, u8> {
    // Only a replay has an error of its own.
    checked_with(pipeline, None, format).unwrap_or(Err(exit::BUG))
}

/// [`checked`], with the quarantine of a run in place of the files.
fn checked_with(pipeline: &Path, replay: Option<&mut Replay>, format: Format) -> Result<Result<Resolved, u8>, Error> {
    let (mut map, mut found) = (SourceMap::default(), Diagnostics::default());
    let project = project::load(pipeline, &mut map, &mut found);
    let project = match (project, replay) {
        (Some(project), Some(replay)) if !found.has_errors() => Some(replay.stand_in(project)?),
        (project, _) => project,
    };
    let resolved = project.and_then(|p| check::check_project(p, &function::by_name(None), &mut found));
    Ok(match told(pipeline, &mut found, &map, format, false) {
        exit::DONE => resolved.ok_or(exit::WRONG_INPUT),
        code => Err(code),
    })
}

/// Loads and checks; prints all findings.
fn check_only(pipeline: &Path, format: Format) -> u8 {
    let (mut map, mut found) = (SourceMap::default(), Diagnostics::default());
    if let Some(project) = project::load(pipeline, &mut map, &mut found) {
        check::findings(&project, &function::by_name(None), &mut found);
        // The program ends here; taking fifty mappings apart first would be a twentieth of its time.
        std::mem::forget(project);
    }
    told(pipeline, &mut found, &map, format, true)
}

/// Prints findings; the exit code they call for.
fn told(pipeline: &Path, found: &mut Diagnostics, map: &SourceMap, format: Format, is_check: bool) -> u8 {
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

/// The documents once more; a pipeline that was checked is there.
fn project(pipeline: &Path) -> Option<Project> {
    config::project::load(pipeline, &mut SourceMap::default(), &mut Diagnostics::default())
}

fn explain_field(pipeline: &Path, resolved: &Resolved, field: &str, site: Option<&str>, language: Language) -> u8 {
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

fn explain(pipeline: &Path, resolved: &mut Resolved, stage: Stage) -> Result<(), Error> {
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

/// The closing words of a run.
fn close(finished: &Finished) {
    let summary = &finished.summary;
    let rows: Vec<[String; 5]> = summary
        .accounts
        .iter()
        .map(|a| {
            let share = if a.rows_read == 0 { 0.0 } else { 100.0 * a.rows_quarantined as f64 / a.rows_read as f64 };
            [format!("{} ({})", a.site, a.table), grouped(a.rows_read), grouped(a.rows_accepted), grouped(a.rows_quarantined), format!("{share:.1} %")]
        })
        .collect();
    let head = ["site (table)", "read", "accepted", "quarantined", ""].map(str::to_owned);
    let width = |i: usize| rows.iter().chain([&head]).map(|r| r[i].chars().count()).max().unwrap_or(0);
    println!();
    for row in [&head].into_iter().chain(&rows) {
        println!("  {:<w0$}  {:>w1$}  {:>w2$}  {:>w3$}  {:>w4$}", row[0], row[1], row[2], row[3], row[4], w0 = width(0), w1 = width(1), w2 = width(2), w3 = width(3), w4 = width(4));
    }
    for step in summary.steps.iter().filter(|s| s.rows_quarantined > 0 && !summary.accounts.iter().any(|a| (&a.site, &a.table, &a.source, a.rows_read, a.rows_accepted) == (&s.site, &s.table, &s.name, s.rows_read, s.rows_kept))) {
        println!("  {} ({}): {} more refused on the way, in quarantine/{}", step.site, step.table, grouped(step.rows_quarantined), step.name);
    }
    println!();
    for reason in summary.reasons.iter().filter(|r| r.severity == cohorte::execute::summary::Severity::Error).take(5) {
        let what = reason.field.as_ref().map_or(reason.rule.clone(), |f| format!("{f}: {}", reason.rule));
        println!("  {:>8}  {what}, at {}", grouped(reason.rows), reason.site);
    }
    let missed = summary.rules.iter().filter(|r| r.site.is_none() && r.status == cohorte::execute::summary::RuleStatus::Failed).count();
    let verdict = match summary.status {
        RunStatus::Passed if missed == 0 => "every threshold is met".to_owned(),
        RunStatus::Passed => format!("{missed} thresholds of severity warning are missed; the report says which"),
        RunStatus::Failed => format!("{missed} thresholds are missed; the report says which"),
    };
    println!("\n  {verdict} ({:.1} s)\n  report  {}", summary.seconds, finished.report.display());
    if let Some(parquet) = &finished.parquet {
        println!("  cohort  {}", parquet.display());
    }
}

fn grouped(n: u64) -> String {
    indicatif::HumanCount(n).to_string()
}
