//! What the command line says.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use cohorte::guide::language::Language;

/// Turns the exports of many hospitals into one typed, validated Parquet cohort.
#[derive(Parser)]
#[command(version, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Subcommand)]
pub enum Verb {
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
        /// Take the refused rows of this earlier run through the mappings, instead of the sources' files.
        #[arg(long, value_name = "RUN")]
        replay: Option<PathBuf>,
        #[command(flatten)]
        how: How,
    },
    /// Validate Parquet or CSV that is there already against a schema: the same rules, the same report.
    ///
    /// Below the folder each table of the schema is looked for by its name: `patient.parquet`, `patient.csv`, or a folder `patient` of such
    /// files, with a folder `site=NAME` for each site where there are several. Columns are called as the fields.
    Validate {
        /// The folder of the tables.
        folder: PathBuf,
        /// The schema's YAML.
        #[arg(long)]
        schema: PathBuf,
        #[command(flatten)]
        how: How,
    },
    /// Print the reference of transforms, constraints, formats and diagnostics as Markdown.
    Docs {
        /// Write it to reference.md in this folder instead.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Print the JSON Schema of a document, for completion and hovers in editors, or of report.json.
    JsonSchema {
        /// Which document; all of them where none is named.
        #[arg(value_parser = ["schema", "mapping", "pipeline", "tests", "pack", "report"])]
        document: Option<String>,
        /// Write it to a file of the document's name in this folder instead.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Draw the report of a run again from its report.json.
    Report {
        /// The run's folder, or a report.json.
        run: PathBuf,
        /// Where the page goes [default: report.html beside report.json, or report-public.html].
        #[arg(long)]
        out: Option<PathBuf>,
        /// For everybody: leave out files, columns and codes, and all counts that could tell of a few patients. The numbers are
        /// written beside the page, as JSON.
        #[arg(long)]
        public: bool,
        /// With --public: counts below this are not told [default: that of the run].
        #[arg(long, value_name = "ROWS", requires = "public", value_parser = clap::value_parser!(u64).range(3..=1000))]
        small_cells: Option<u64>,
        /// Write the outcomes of all rules to this file as JUnit XML, for a CI.
        #[arg(long, value_name = "FILE")]
        junit: Option<PathBuf>,
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
        /// Hide values of fewer rows than this; 5 unless said.
        #[arg(long, value_name = "ROWS", conflicts_with = "rare")]
        small_cells: Option<u64>,
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

/// How a run is carried out.
#[derive(Args)]
pub struct How {
    /// The run's folder; it appears whole or not at all.
    #[arg(long)]
    pub out: PathBuf,
    /// Parts worked on at the same time [default: number of cores]. The rows and their order do not depend on it.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub partitions: Option<u16>,
    /// Memory that operators may hold together, such as 512MB or 4GB.
    #[arg(long, default_value = "1GB", value_parser = bytes)]
    pub memory: usize,
    /// Print nothing but errors.
    #[arg(long)]
    pub quiet: bool,
    /// Replace an earlier run in the same folder.
    #[arg(long)]
    pub force: bool,
    /// The run before this one: the report tells what changed, and rules compare with what it accepted.
    #[arg(long, value_name = "RUN")]
    pub previous: Option<PathBuf>,
    #[command(flatten)]
    pub queries: Queries,
    /// Write the outcomes of all rules to this file as JUnit XML, for a CI.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// How findings are printed.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
}

/// What is asked of the sites.
#[derive(Args, Default)]
pub struct Queries {
    /// Write what is to be asked of each site: queries/SITE/queries.xlsx and .csv.
    #[arg(long)]
    pub queries: bool,
    /// Put the values as delivered into the queries; the files then hold patients' data.
    #[arg(long, requires = "queries")]
    pub with_values: bool,
    /// Files of queries that sites have sent back, or a folder of such.
    #[arg(long, value_name = "FILE", requires = "queries")]
    pub answers: Vec<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub enum Format {
    Text,
    Json,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub enum DiffFormat {
    Text,
    Json,
    Html,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Lang {
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
pub enum Stage {
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
