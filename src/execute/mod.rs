//! [`Resolved`](crate::check::Resolved) → [`RunSummary`]: the only stage with effects.
//!
//! Per table: index the files (fingerprint, rows, split points), run the stages of its shapes, plan,
//! scan once into part files and counts. Then the keys of all tables meet; partitions that hold rows of a repeated key run
//! again without them. Then the accounting is proven against the index and the Parquet footers,
//! and the folder is published in one rename.

mod account;
mod column;
pub mod commit;
pub mod engine;
mod freed;
mod history;
mod judge;
mod keys;
mod memory;
mod outcomes;
mod profile;
mod progress;
mod published;
pub mod secret;
mod sink;
mod summarise;
pub mod summary;
mod survival;
mod tables;
mod worklist;
mod write;
mod years;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

pub use progress::{Show, SourceProgress};

use crate::check::Resolved;
use crate::check::replay::Replay;
use crate::error::Error;
use commit::Staging;
use summary::RunSummary;

/// How a run is carried out.
#[derive(Debug, Clone)]
pub struct Options {
    pub out: PathBuf,
    pub partitions: usize,
    /// Bytes that operators may hold together.
    pub memory: usize,
    pub force: bool,
    pub show: Show,
    /// The earlier run whose refused rows are the sources.
    pub replay: Option<Replay>,
    /// The folder of the run before, that this one is compared with.
    pub previous: Option<PathBuf>,
}

/// A finished run: its numbers, and the files that people want named.
pub struct Finished {
    pub summary: RunSummary,
    pub report: PathBuf,
    pub parquet: Option<PathBuf>,
}

/// The files of one source of a site, by their names in the run's folder.
#[derive(Debug, Clone)]
pub struct Laid {
    pub table: String,
    pub site: String,
    pub source: String,
    pub quarantine: Vec<String>,
    pub findings: Vec<String>,
}

/// The report, drawn by the stage after this one.
pub struct Pages {
    pub html: String,
    pub json: String,
}

/// Runs a checked pipeline into `options.out`; nothing is left behind when it ends early. `render` is handed the numbers, the folder
/// in which the run stands so far, and the files in it.
///
/// # Errors
/// When a source cannot be read, the environment fails, or a signal comes.
pub fn run(resolved: &Resolved, key_id: Option<&str>, options: &Options, render: impl FnOnce(&mut RunSummary, &Path, &[Laid]) -> Result<Pages, Error>) -> Result<Finished, Error> {
    let started = (Instant::now(), chrono::Utc::now());
    let history = options.previous.as_deref().map(history::read).transpose()?.unwrap_or_default();
    if options.replay.as_ref().is_some_and(|r| r.is_in(&options.out)) {
        return Err(Error::command_line(format!("{} is the run that is replayed", options.out.display()), "its accepted rows would be lost: name another folder with `--out`"));
    }
    let tokio = engine::threads(options.partitions)?;
    freed::keep(options.memory);
    // Signals are heard before there is a folder that one could leave behind.
    let mut signals = {
        let _inside = tokio.enter();
        StopSignals::listen()
    };
    let staging = Staging::begin(&options.out, options.force)?;
    let cancel = Arc::new(AtomicBool::new(false));
    let runs = tokio.block_on(async {
        tokio::select! {
            biased;
            signal = signals.next() => {
                cancel.store(true, Ordering::Relaxed);
                Err(Error::Interrupted { signal })
            }
            runs = tables::all(resolved, &staging, options, &cancel) => runs,
        }
    });
    // Workers end before the staging folder may go; what takes fingerprints has nobody to take them for.
    cancel.store(true, Ordering::Relaxed);
    drop(tokio);
    let (runs, together) = runs?;
    let settled = account::settle(resolved, &runs, &together, &staging)?;
    let mut summary = summarise::summary(resolved, &runs, &together, &settled, started);
    summary.history = history;
    let pages = render(&mut summary, staging.path(), &settled.laid())?;
    worklist::write(&summary, &staging)?;
    staging.write("report.json", &pages.json)?;
    staging.write("report.html", &pages.html)?;
    staging.write("manifest.json", &account::manifest(resolved, &runs, &settled, key_id, &summary, options.replay.as_ref())?)?;
    staging.commit()?;
    let parquet = settled.placed.iter().find_map(|p| p.cohort.first()).map(|name| options.out.join(name));
    Ok(Finished { summary, report: options.out.join("report.html"), parquet })
}

/// Ctrl-C and SIGTERM.
struct StopSignals(Option<[tokio::signal::unix::Signal; 2]>);

impl StopSignals {
    fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        StopSignals(signal(SignalKind::interrupt()).ok().zip(signal(SignalKind::terminate()).ok()).map(|(a, b)| [a, b]))
    }

    /// The number of the first one that comes.
    async fn next(&mut self) -> u8 {
        let Some([interrupt, terminate]) = &mut self.0 else { return std::future::pending().await };
        tokio::select! {
            _ = interrupt.recv() => 2,
            _ = terminate.recv() => 15,
        }
    }
}
