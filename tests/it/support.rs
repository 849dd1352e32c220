//! What the tests share: projects in temporary folders, runs of the binary, queries over its output.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use datafusion::arrow::array::RecordBatch;
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use serde_json::Value;

/// The key of every test run: 32 characters, no secret.
pub const KEY: &str = "tests-only-0123456789abcdef01234";

/// The package's own folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Outside data beside the checkout; `None`, with a message, where it is absent.
pub fn shared(what: &str) -> Option<PathBuf> {
    let path = std::env::var_os("COHORTE_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from).join(what);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: ../shared/{what} is not here");
    None
}

/// The binary, with the tests' key.
pub fn cohorte() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cohorte"));
    command.env("COHORTE_KEY", KEY).env("NO_COLOR", "1").current_dir(root());
    command
}

/// Exit code, standard output and standard error of a finished command.
pub fn told(output: &Output) -> (i32, String, String) {
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A small project in a temporary folder.
pub struct Project {
    pub folder: tempfile::TempDir,
}

impl Project {
    /// A project of the given files.
    pub fn new(files: &[(&str, &str)]) -> Project {
        let project = Project { folder: tempfile::tempdir().expect("a temporary folder") };
        for (name, text) in files {
            project.write(name, text.as_bytes());
        }
        project
    }

    /// Writes a file of the project.
    pub fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, bytes).expect("a file");
    }

    /// Path of a file of the project.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `cohorte run pipeline.yaml --out OUT ARGS`, quiet.
    pub fn run(&self, out: &str, args: &[&str]) -> (i32, String, String) {
        let output = cohorte().current_dir(self.folder.path()).args(["run", "pipeline.yaml", "--quiet", "--out", out]).args(args).output().expect("cohorte starts");
        told(&output)
    }

    /// `cohorte check pipeline.yaml`.
    pub fn check(&self, args: &[&str]) -> (i32, String, String) {
        told(&cohorte().current_dir(self.folder.path()).args(["check", "pipeline.yaml"]).args(args).output().expect("cohorte starts"))
    }

    /// A JSON file of a run.
    pub fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.path(name)).expect("a file")).expect("JSON")
    }

    /// Rows of a query in which `{a}` … stand for folders of Parquet files under the project.
    pub fn query(&self, tables: &[(&str, &str)], sql: &str) -> Vec<Vec<String>> {
        let paths: Vec<(String, PathBuf)> = tables.iter().map(|(name, folder)| (name.to_string(), self.path(folder))).collect();
        query(&paths, sql)
    }
}

/// Rows of a query over folders of Parquet files, as text; null is `∅`.
pub fn query(tables: &[(String, PathBuf)], sql: &str) -> Vec<Vec<String>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let batches = runtime.block_on(async {
        let mut config = SessionConfig::new().with_target_partitions(1);
        config.options_mut().sql_parser.enable_ident_normalization = false;
        let context = SessionContext::new_with_config(config);
        for (name, path) in tables {
            context.register_parquet(name.as_str(), path.to_str().expect("UTF-8"), ParquetReadOptions::default()).await.expect("Parquet files");
        }
        context.sql(sql).await.expect("a query").collect().await.expect("rows")
    });
    batches.iter().flat_map(rows_as_text).collect()
}

pub fn rows_as_text(batch: &RecordBatch) -> Vec<Vec<String>> {
    use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
    let options = FormatOptions::default().with_null("∅");
    let columns: Vec<_> = batch.columns().iter().map(|c| ArrayFormatter::try_new(c, &options).expect("a formatter")).collect();
    (0..batch.num_rows()).map(|row| columns.iter().map(|c| c.value(row).to_string()).collect()).collect()
}
