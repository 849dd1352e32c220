//! [`Resolved`](crate::check::Resolved) → [`RunSummary`]: the only stage with effects.
//!
//! Per table: index the files (fingerprint, rows, split points), plan, scan once into part files
//! and counts. Then the keys of all tables meet; partitions that hold rows of a repeated key run
//! again without them. Then the accounting is proven against the index and the Parquet footers,
//! and the folder is published in one rename.

mod account;
mod column;
pub mod commit;
pub mod engine;
mod keys;
mod memory;
mod profile;
mod progress;
mod published;
pub mod secret;
mod sink;
mod summarise;
pub mod summary;
mod worklist;
mod write;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use datafusion::arrow::array::AsArray;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures::StreamExt;

pub use progress::Show;

use crate::check::replay::Replay;
use crate::check::{Resolved, ResolvedTable};
use crate::error::Error;
use crate::plan;
use crate::source::{self, FileIndex, Split};
use commit::Staging;
use keys::RowId;
use progress::SourceProgress;
use sink::{PartitionSummary, Progress, SinkSpec, SplitSinkExec};
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
}

/// One table after its pass.
struct TableRun {
    indexes: Vec<FileIndex>,
    dealt: Vec<Vec<Split>>,
    partitions: Vec<PartitionSummary>,
}

/// A finished run: its numbers, and the files that people want named.
pub struct Finished {
    pub summary: RunSummary,
    pub report: PathBuf,
    pub parquet: Option<PathBuf>,
}

/// The report, drawn by the stage after this one.
pub struct Pages {
    pub html: String,
    pub json: String,
}

/// Runs a checked pipeline into `options.out`; nothing is left behind when it ends early.
///
/// # Errors
/// When a source cannot be read, the environment fails, or a signal comes.
pub fn run(resolved: &Resolved, key_id: Option<&str>, options: &Options, render: impl FnOnce(&RunSummary) -> Result<Pages, Error>) -> Result<Finished, Error> {
    let started = (Instant::now(), chrono::Utc::now());
    if options.replay.as_ref().is_some_and(|r| r.is_in(&options.out)) {
        return Err(Error::command_line(format!("{} is the run that is replayed", options.out.display()), "its accepted rows would be lost: name another folder with `--out`"));
    }
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(options.partitions.saturating_add(1))
        .thread_stack_size(8 << 20)
        .enable_all()
        .build()
        .map_err(|e| Error::environment("starting worker threads", e))?;
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
            runs = all_tables(resolved, &staging, options, &cancel) => runs,
        }
    });
    // Workers end before the staging folder may go.
    drop(tokio);
    let runs = runs?;
    let (accounts, placed) = account::settle(resolved, &runs, &staging)?;
    let summary = summarise::summary(resolved, &runs, &accounts, started);
    let pages = render(&summary)?;
    worklist::write(&summary, &staging)?;
    staging.write("report.json", &pages.json)?;
    staging.write("report.html", &pages.html)?;
    staging.write("manifest.json", &account::manifest(resolved, &runs, &accounts, &placed, key_id, &summary, options.replay.as_ref())?)?;
    staging.commit()?;
    let parquet = placed.iter().find_map(|p| p.cohort.first()).map(|name| options.out.join(name));
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

async fn all_tables(resolved: &Resolved, staging: &Staging, options: &Options, cancel: &Arc<AtomicBool>) -> Result<Vec<TableRun>, Error> {
    let runtime = engine::runtime(options.memory).map_err(Error::from)?;
    for place in 0..resolved.schema.tables.len() {
        let folder = staging.path().join("keys").join(place.to_string());
        std::fs::create_dir(&folder).map_err(|e| Error::environment("creating the staging folder", e))?;
    }
    let mut runs = vec![];
    for (run, table) in resolved.tables.iter().enumerate() {
        let name = format!("{}/{}", table.site, table.source);
        let bytes = table.files.iter().map(|f| f.bytes).sum();
        let mut bar = SourceProgress::begin(options.show, name, bytes);
        let indexes = index_files(table, options.partitions, cancel, &bar).await?;
        let rows = indexes.iter().map(|i| i.rows).sum();
        bar.counted(rows);
        let dealt = source::deal(source::splits(&table.files, &indexes, &table.columns), options.partitions);
        let job = Job { resolved, table, run, dealt: &dealt, staging: staging.path(), attempt: 0, losers: HashSet::new(), only: None, memory: options.memory };
        let partitions = job.execute(&runtime, &mut bar).await?;
        bar.end(partitions.iter().map(|p| p.rows_accepted).sum(), partitions.iter().map(|p| p.rows_quarantined).sum());
        runs.push(TableRun { indexes, dealt, partitions });
    }
    if let Some(replay) = &options.replay {
        published::add_keys(resolved, replay, staging)?;
    }
    repeated_keys(resolved, staging, &runtime, options, &mut runs).await?;
    Ok(runs)
}

async fn index_files(table: &ResolvedTable, partitions: usize, cancel: &Arc<AtomicBool>, bar: &SourceProgress) -> Result<Vec<FileIndex>, Error> {
    let total: u64 = table.files.iter().map(|f| f.bytes).sum();
    // Two splits a partition at least, and none larger than what one reader should hold on to.
    let target = (total / (partitions as u64 * 2).max(1)).clamp(4 << 10, 64 << 20);
    let mut indexes = vec![];
    let mut before = 0;
    for file in &table.files {
        let done = Arc::new(AtomicU64::new(0));
        let (head, cancel, counter) = (file.clone(), Arc::clone(cancel), Arc::clone(&done));
        let mut work = tokio::task::spawn_blocking(move || source::index(&head, target, &mut |bytes| counter.store(bytes, Ordering::Relaxed), &cancel));
        let index = loop {
            tokio::select! {
                index = &mut work => break index,
                () = tokio::time::sleep(Duration::from_millis(100)) => bar.indexed(before + done.load(Ordering::Relaxed)),
            }
        };
        indexes.push(index.map_err(|e| Error::Bug { message: format!("the index pass ended: {e}") })??);
        before += file.bytes;
    }
    Ok(indexes)
}

/// One pass over a table, whole or over some of its partitions.
struct Job<'a> {
    resolved: &'a Resolved,
    table: &'a ResolvedTable,
    run: usize,
    dealt: &'a [Vec<Split>],
    staging: &'a Path,
    attempt: u32,
    losers: HashSet<RowId>,
    only: Option<HashSet<usize>>,
    memory: usize,
}

impl Job<'_> {
    async fn execute(self, runtime: &Arc<RuntimeEnv>, bar: &mut SourceProgress) -> Result<Vec<PartitionSummary>, Error> {
        let plan = plan::build(self.table, self.dealt.to_vec())?;
        let context = engine::session(self.dealt.len(), Arc::clone(runtime));
        let physical = context.state().create_physical_plan(&plan.logical).await?;
        let progress = Progress::default();
        let spec = self.spec(plan.layout, progress.clone());
        let sink: Arc<dyn ExecutionPlan> = Arc::new(SplitSinkExec::new(physical, Arc::new(spec)));
        let root: Arc<dyn ExecutionPlan> = Arc::new(CoalescePartitionsExec::new(sink));
        let mut stream = execute_stream(root, context.task_ctx())?;
        let mut partitions: Vec<PartitionSummary> = vec![];
        loop {
            tokio::select! {
                batch = stream.next() => match batch {
                    Some(batch) => {
                        let batch = batch?;
                        for text in batch.column(0).as_string::<i32>().iter().flatten() {
                            partitions.push(serde_json::from_str(text).map_err(|e| Error::Bug { message: format!("a partition's summary: {e}") })?);
                        }
                    }
                    None => break,
                },
                () = tokio::time::sleep(Duration::from_millis(100)) => bar.tick(&progress),
            }
        }
        partitions.sort_by_key(|p| p.partition);
        Ok(partitions)
    }

    fn spec(&self, layout: plan::Layout, progress: Progress) -> SinkSpec {
        let target = &self.resolved.schema.tables[self.table.table];
        SinkSpec {
            run: self.run as u32,
            layout,
            files: self.table.files.iter().map(|f| f.shown.clone()).collect(),
            accepted: summarise::accepted_schema(self.resolved, self.table),
            rejected: summarise::rejected_schema(self.table),
            checks: self
                .table
                .checks
                .iter()
                .map(|c| sink::SinkCheck { code: c.code.id, field: c.field.clone(), rule: c.rule.clone(), effect: c.effect, of_accepted: c.code == crate::diagnostic::code::COMPLETENESS })
                .collect(),
            key: target.key.iter().filter_map(|k| target.fields.iter().position(|f| f.name.value == k.value)).collect(),
            folder: self.staging.join("parts"),
            keys: self.staging.join("keys").join(self.table.table.to_string()),
            losers: self.losers.clone(),
            partitions: self.only.clone(),
            attempt: self.attempt,
            // Two writers a partition, and as much again for the batches on their way.
            budget: self.memory / (4 * self.dealt.len().max(1)),
            progress,
        }
    }
}

/// Finds keys that stand in several rows, and runs the partitions again that hold such rows.
async fn repeated_keys(resolved: &Resolved, staging: &Staging, runtime: &Arc<RuntimeEnv>, options: &Options, runs: &mut [TableRun]) -> Result<(), Error> {
    let (memory, threads) = (options.memory, options.partitions);
    for (place, target) in resolved.schema.tables.iter().enumerate() {
        let folder = staging.path().join("keys").join(place.to_string());
        if !folder.is_dir() {
            continue;
        }
        let lost: HashMap<u32, Vec<RowId>> = keys::losers(&folder, target.duplicates, threads).map_err(|e| Error::environment("reading key records", e))?;
        for (run, rows) in lost {
            let (Some(table), Some(done)) = (resolved.tables.get(run as usize), runs.get_mut(run as usize)) else { continue };
            let only: HashSet<usize> = rows.iter().filter_map(|r| source::partition_of(&done.dealt, r.file, r.row)).collect();
            let job = Job {
                resolved,
                table,
                run: run as usize,
                dealt: &done.dealt,
                staging: staging.path(),
                attempt: 1,
                losers: rows.into_iter().collect(),
                only: Some(only),
                memory,
            };
            let mut bar = SourceProgress::begin(Show::Nothing, String::new(), 0);
            for again in job.execute(runtime, &mut bar).await? {
                if let Some(first) = done.partitions.iter_mut().find(|p| p.partition == again.partition) {
                    for part in [&first.accepted, &first.rejected].into_iter().flatten() {
                        std::fs::remove_file(&part.path).map_err(|e| Error::environment("removing a part file", e))?;
                    }
                    *first = again;
                }
            }
        }
    }
    Ok(())
}
