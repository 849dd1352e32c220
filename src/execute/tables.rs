//! The tables of a run, one after the other: index, stages, the pass that fills it, repeated keys.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use datafusion::arrow::array::AsArray;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures::StreamExt;

use super::commit::Staging;
use super::keys::RowId;
use super::progress::{Show, SourceProgress};
use super::sink::{Keep, Lost, PartitionSummary, Progress, SinkCheck, SinkSpec, SplitSinkExec};
use super::judge::{self, Court, Judged};
use super::summary::{Severity, Survival};
use super::{Options, engine, freed, keys, published, summarise, survival};
use crate::check::{Input, Resolved, ResolvedSource, ResolvedTable};
use crate::config::Name;
use crate::config::schema::Table;
use crate::diagnostic::code;
use crate::error::Error;
use crate::plan::{self, Dealt, Step};
use crate::rule::Check;
use crate::rule::kind::Asks;
use crate::shape::KEY;
use crate::shape::scan::{self, Piece, Unit};
use crate::source::{self, FileIndex};

/// One table after its passes.
pub struct TableRun {
    /// Of the files of each source.
    pub indexes: Vec<Vec<FileIndex>>,
    /// SHA-256 of each of these files.
    pub fingerprints: Vec<Vec<String>>,
    pub stages: Vec<StepRun>,
    pub table: StepRun,
    dealt: Dealt,
    /// Rows that its last pass knew to be lost.
    without: usize,
}

/// A step after its pass.
pub struct StepRun {
    pub partitions: Vec<PartitionSummary>,
    /// What became of the rows of each side of its operation.
    pub fates: Vec<(usize, String, u64)>,
}

pub async fn all(resolved: &Resolved, staging: &Staging, options: &Options, cancel: &Arc<AtomicBool>) -> Result<(Vec<TableRun>, Together), Error> {
    let runtime = engine::runtime(options.memory).map_err(Error::from)?;
    for (place, target) in resolved.schema.tables.iter().enumerate() {
        let references = (0..target.foreign_keys.len()).map(|n| reference_folder(staging.path(), place, n));
        for folder in references.chain([key_folder(staging.path(), place)]) {
            std::fs::create_dir(&folder).map_err(|e| Error::environment("creating the staging folder", e))?;
        }
    }
    let mut records = Records { folder: staging.path().join("records"), known: HashMap::new() };
    std::fs::create_dir(&records.folder).map_err(|e| Error::environment("creating the staging folder", e))?;
    let mut runs = vec![];
    for (run, table) in resolved.tables.iter().enumerate() {
        runs.push(one(resolved, table, run, staging, options, &runtime, &mut records, cancel).await?);
    }
    if let Some(replay) = &options.replay {
        published::add_keys(resolved, replay, staging)?;
    }
    let together = together(resolved, staging, &runtime, options, &mut runs).await?;
    // What stages stored for each other, and records that were unpacked, are of no use to anybody else.
    std::fs::remove_dir_all(&records.folder).map_err(|e| Error::environment("removing unpacked records", e))?;
    for file in runs.iter().flat_map(|r| &r.stages).flat_map(|s| &s.partitions).filter_map(|p| p.stored.as_ref()) {
        std::fs::remove_file(&file.path).map_err(|e| Error::environment("removing stored rows", e))?;
    }
    Ok((runs, together))
}

/// Records that files were unpacked to, for all tables that read them.
struct Records {
    folder: PathBuf,
    known: HashMap<String, FileIndex>,
}

#[expect(clippy::too_many_arguments, reason = "what all tables of a run share")]
async fn one(resolved: &Resolved, table: &ResolvedTable, run: usize, staging: &Staging, options: &Options, runtime: &Arc<RuntimeEnv>, records: &mut Records, cancel: &Arc<AtomicBool>) -> Result<TableRun, Error> {
    let mut indexes = vec![];
    let job = Job { resolved, table, run, staging: staging.path(), attempt: 0, lost: vec![], only: None, memory: options.memory, buckets: buckets(&table.inputs) };
    let fingerprints = fingerprints(table, cancel);
    let name = |step: &str| format!("{}/{step}", table.site);
    let mut bars = vec![];
    for input in &table.inputs {
        let bytes = input.files.iter().map(|f| f.bytes).sum();
        let bar = SourceProgress::begin(options.show, name(&input.name), bytes);
        indexes.push(index_files(&input.files, options.partitions, records, cancel, &bar).await?);
        bars.push(Some(bar));
    }
    let mut stages: Vec<StepRun> = vec![];
    let mut deal = |input: &Input, name: String, stages: &[StepRun], options: &Options| match input {
        Input::Source(at) => {
            let rows = indexes.get(*at).map_or(0, |files| files.iter().map(|i| i.rows).sum());
            let mut bar = bars.get_mut(*at).and_then(Option::take).unwrap_or_else(|| SourceProgress::begin(options.show, name, 0));
            bar.counted(rows);
            (Dealt::Splits(source::deal(splits(&table.inputs, &indexes, *at), options.partitions)), bar)
        }
        Input::Shaped { sides, meets, .. } => {
            let units = units(sides, *meets, job.buckets, stages);
            let rows = units.iter().flat_map(|u| u.sides.iter().flatten().flat_map(|p| &p.segments)).map(|s| u64::from(s.rows)).sum();
            let mut bar = SourceProgress::begin(options.show, name, units.iter().map(Unit::bytes).sum());
            bar.counted(rows);
            (Dealt::Units(scan::deal(units, options.partitions)), bar)
        }
    };
    for (at, step) in Step::of_stages(table).enumerate() {
        let (dealt, mut bar) = deal(step.input, name(step.name), &stages, options);
        let done = job.execute(&step, Some(at), &dealt, runtime, &mut bar).await?;
        done.end(bar);
        stages.push(done);
    }
    let step = Step::of_table(table);
    let (dealt, mut bar) = deal(step.input, name(step.name), &stages, options);
    let done = job.execute(&step, None, &dealt, runtime, &mut bar).await?;
    done.end(bar);
    let fingerprints = fingerprints.await.map_err(|e| Error::Bug { message: format!("the fingerprints: {e}") })??;
    for ((input, indexes), taken) in table.inputs.iter().zip(&indexes).zip(&fingerprints) {
        for ((file, index), (_, bytes)) in input.files.iter().zip(indexes).zip(taken) {
            if index.bytes != *bytes {
                return Err(Error::source(code::CHANGED, format!("`{}` changed while it was read", file.shown)));
            }
        }
    }
    let fingerprints = fingerprints.into_iter().map(|files| files.into_iter().map(|(sha256, _)| sha256).collect()).collect();
    Ok(TableRun { indexes, fingerprints, stages, table: done, dealt, without: 0 })
}

/// SHA-256 and bytes of the files of each source.
type Fingerprints = Vec<Vec<(String, u64)>>;

/// Takes the fingerprints of all files that a table reads, one after the other, beside its passes.
fn fingerprints(table: &ResolvedTable, cancel: &Arc<AtomicBool>) -> tokio::task::JoinHandle<Result<Fingerprints, Error>> {
    let (inputs, cancel): (Vec<Vec<source::FileHead>>, _) = (table.inputs.iter().map(|i| i.files.clone()).collect(), Arc::clone(cancel));
    tokio::task::spawn_blocking(move || inputs.iter().map(|files| files.iter().map(|file| source::fingerprint(file, &cancel)).collect()).collect())
}

impl StepRun {
    fn end(&self, bar: SourceProgress) {
        bar.end(self.partitions.iter().map(|p| p.rows_read).sum(), self.partitions.iter().map(|p| p.rows_quarantined).sum());
    }
}

/// The splits of a source; its files are numbered behind those of the sources before it.
fn splits(inputs: &[ResolvedSource], indexes: &[Vec<FileIndex>], at: usize) -> Vec<source::Split> {
    let (Some(input), Some(index)) = (inputs.get(at), indexes.get(at)) else { return vec![] };
    let before: usize = inputs.iter().take(at).map(|i| i.files.len()).sum();
    let mut splits = source::splits(&input.files, index, &input.columns);
    for split in &mut splits {
        split.file = split.file.saturating_add(u32::try_from(before).unwrap_or(u32::MAX));
    }
    splits
}

/// Bytes of a source's rows in one bucket, about.
const BUCKET: u64 = 12 << 20;
/// What delimited text comes to when it is unpacked, about.
const UNPACKED: u64 = 6;

/// Number of buckets: a power of two that the bytes of the sources alone decide, so that rows come in the same order
/// on every machine.
fn buckets(inputs: &[ResolvedSource]) -> usize {
    let packed = |path: &Path| path.extension().is_some_and(|e| ["gz", "zst", "zip", "xlsx", "xlsb", "ods"].iter().any(|p| e == *p));
    let bytes: u64 = inputs.iter().flat_map(|i| &i.files).map(|f| f.bytes.saturating_mul(if packed(&f.path) { UNPACKED } else { 1 })).sum();
    usize::try_from(bytes / BUCKET + 1).unwrap_or(usize::MAX).clamp(8, 512).next_power_of_two()
}

/// Bytes of rows that are not to be kept together and pass as one unit.
const UNIT: u64 = 4 << 20;

/// What an operation is called with: a bucket of each side, or some of the rows in their order.
fn units(sides: &[Vec<usize>], meets: bool, buckets: usize, stages: &[StepRun]) -> Vec<Unit> {
    let files = |side: &[usize]| -> Vec<(usize, &crate::shape::store::StoredFile)> {
        let of = |(schema, at): (usize, &usize)| stages.get(*at).into_iter().flat_map(|s| &s.partitions).filter_map(|p| p.stored.as_ref()).map(move |file| (schema, file)).collect::<Vec<_>>();
        side.iter().enumerate().flat_map(of).collect()
    };
    let mut units: Vec<Unit> = vec![];
    if !meets {
        for (schema, file) in sides.first().map_or(vec![], |side| files(side)) {
            let mut open: Vec<crate::shape::store::Segment> = vec![];
            let mut close = |segments: Vec<_>| {
                if !segments.is_empty() {
                    units.push(Unit { number: units.len() as u32, sides: vec![vec![Piece { path: file.path.clone(), schema, segments }]] });
                }
            };
            for segment in &file.segments {
                open.push(*segment);
                if open.iter().map(|s| s.body).sum::<u64>() > UNIT {
                    close(std::mem::take(&mut open));
                }
            }
            close(open);
        }
        return units;
    }
    let mut by_bucket: Vec<Vec<Vec<Piece>>> = vec![vec![vec![]; sides.len()]; buckets];
    for (number, side) in sides.iter().enumerate() {
        for (schema, file) in files(side) {
            for segment in &file.segments {
                let Some(pieces) = by_bucket.get_mut(segment.bucket as usize).and_then(|b| b.get_mut(number)) else { continue };
                match pieces.last_mut().filter(|p| p.path == file.path) {
                    Some(piece) => piece.segments.push(*segment),
                    None => pieces.push(Piece { path: file.path.clone(), schema, segments: vec![*segment] }),
                }
            }
        }
    }
    let filled = by_bucket.into_iter().enumerate().filter(|(_, sides)| sides.iter().any(|pieces| !pieces.is_empty()));
    filled.map(|(number, sides)| Unit { number: number as u32, sides }).collect()
}

async fn index_files(files: &[source::FileHead], partitions: usize, records: &mut Records, cancel: &Arc<AtomicBool>, bar: &SourceProgress) -> Result<Vec<FileIndex>, Error> {
    let total: u64 = files.iter().map(|f| f.bytes).sum();
    // Two splits a partition at least, and none larger than what one reader should hold on to.
    let target = (total / (partitions as u64 * 2).max(1)).clamp(4 << 10, 64 << 20);
    let mut indexes = vec![];
    let mut before = 0;
    for file in files {
        let identity = file.identity();
        if let Some(known) = identity.as_ref().and_then(|i| records.known.get(i)) {
            indexes.push(known.clone());
            before += file.bytes;
            continue;
        }
        let store = records.folder.join(records.known.len().to_string());
        let done = Arc::new(AtomicU64::new(0));
        let (head, cancel, counter) = (file.clone(), Arc::clone(cancel), Arc::clone(&done));
        let mut work = tokio::task::spawn_blocking(move || source::index(&head, target, store, &mut |bytes| counter.store(bytes, Ordering::Relaxed), &cancel));
        let index = loop {
            tokio::select! {
                index = &mut work => break index,
                () = tokio::time::sleep(Duration::from_millis(100)) => bar.indexed(before + done.load(Ordering::Relaxed)),
            }
        };
        let index = index.map_err(|e| Error::Bug { message: format!("the index pass ended: {e}") })??;
        if let Some(identity) = identity {
            records.known.insert(identity, index.clone());
        }
        indexes.push(index);
        before += file.bytes;
    }
    Ok(indexes)
}

/// The passes over a table, whole or over some of its partitions.
struct Job<'a> {
    resolved: &'a Resolved,
    table: &'a ResolvedTable,
    run: usize,
    staging: &'a Path,
    attempt: u32,
    /// Of a repeated key, of each foreign key, and of each later rule.
    lost: Vec<HashSet<RowId>>,
    only: Option<HashSet<usize>>,
    memory: usize,
    buckets: usize,
}

impl Job<'_> {
    /// One pass: of the stage of this number, or of the table.
    async fn execute(&self, step: &Step<'_>, stage: Option<usize>, dealt: &Dealt, runtime: &Arc<RuntimeEnv>, bar: &mut SourceProgress) -> Result<StepRun, Error> {
        let plan = plan::build(step, dealt)?;
        let context = engine::session(dealt.partitions(), Arc::clone(runtime));
        let physical = context.state().create_physical_plan(&plan.logical).await?;
        let progress = Progress::default();
        let spec = self.spec(step, stage, plan.layout, dealt.partitions(), progress.clone());
        let sink: Arc<dyn ExecutionPlan> = Arc::new(SplitSinkExec::new(physical, Arc::new(spec)));
        let root: Arc<dyn ExecutionPlan> = Arc::new(CoalescePartitionsExec::new(sink));
        let mut stream = execute_stream(Arc::clone(&root), context.task_ctx())?;
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
        Ok(StepRun { partitions, fates: scan::fates(&root) })
    }

    fn spec(&self, step: &Step<'_>, stage: Option<usize>, layout: plan::Layout, partitions: usize, progress: Progress) -> SinkSpec {
        let target = &self.resolved.schema.tables[self.table.table];
        let keep = match step.kept {
            Some(kept) => {
                let schema = plan::stored_schema(kept);
                Keep::Stored { buckets: self.buckets, key: schema.index_of(KEY).ok(), schema }
            }
            None => Keep::Table { schema: summarise::accepted_schema(self.resolved, self.table), key: places(target, &target.key), references: target.foreign_keys.iter().enumerate().map(|(n, key)| (places(target, &key.fields), reference_folder(self.staging, self.table.table, n))).collect(), findings: summarise::finding_schema(), judged: judge::judged_schema(target, &judge::needs(self.resolved)) },
        };
        SinkSpec {
            run: self.run as u32,
            stage,
            layout,
            files: self.table.inputs.iter().flat_map(|i| &i.files).map(|f| f.shown.clone()).collect(),
            keep,
            rejected: summarise::rejected_schema(step.columns),
            checks: step.checks.iter().map(|c| sink_check(self.table, target, c)).collect(),
            folder: self.staging.join("parts"),
            keys: key_folder(self.staging, self.table.table),
            lost: if stage.is_some() { vec![] } else { self.lost() },
            partitions: self.only.clone(),
            attempt: self.attempt,
            // Two writers a partition, and as much again for the batches on their way.
            budget: self.memory / (4 * partitions.max(1)),
            progress,
        }
    }
}

/// Where the key records of a table are.
fn key_folder(staging: &Path, table: usize) -> PathBuf {
    staging.join("keys").join(table.to_string())
}

/// Where the records of one of its foreign keys are.
fn reference_folder(staging: &Path, table: usize, number: usize) -> PathBuf {
    staging.join("keys").join(format!("{table}-{number}"))
}

fn places(target: &Table, names: &[Name]) -> Vec<usize> {
    names.iter().filter_map(|name| target.fields.iter().position(|f| f.name.value == name.value)).collect()
}

fn sink_check(table: &ResolvedTable, target: &Table, check: &Check) -> SinkCheck {
    let years = check.threshold.as_ref().and_then(|t| t.per_year.as_ref()).and_then(|by| target.fields.iter().position(|f| f.name.value == by.value));
    let severity = match summarise::severity(target, check) {
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    SinkCheck { code: check.code.id, field: check.field.clone(), rule: check.rule.clone(), effect: check.effect, severity, years, of_accepted: check.of_accepted, told: !(check.of_accepted && summarise::absent(table, target, check)) }
}

impl Job<'_> {
    /// What rows of a repeated key, of each foreign key that leads nowhere, and of each later rule are refused for.
    fn lost(&self) -> Vec<Lost> {
        let (resolved, place) = (self.resolved, self.table.table);
        let target = &resolved.schema.tables[place];
        let later = resolved.later.iter().filter(|l| l.table == place).map(|l| Lost {
            code: code::RULE.id,
            rule: target.rules.get(l.rule).map_or(String::new(), |r| r.id.value.clone()),
            field: match &l.asks {
                Asks::Rows(rows) => rows.field.clone(),
                _ => None,
            },
            ..Default::default()
        });
        let mut all = lost(target);
        all.extend(later);
        for (lost, rows) in all.iter_mut().zip(&self.lost) {
            lost.rows.clone_from(rows);
        }
        all
    }
}

/// What rows of a repeated key, and of each foreign key that leads nowhere, are refused for.
fn lost(target: &Table) -> Vec<Lost> {
    let key = Lost { code: code::KEY.id, field: None, rule: "key".into(), ..Default::default() };
    let foreign = target.foreign_keys.iter().map(|key| Lost { code: code::ORPHAN.id, field: Some(key.fields.iter().map(|f| f.value.as_str()).collect::<Vec<_>>().join(", ")), rule: format!("in_{}", key.references.value), ..Default::default() });
    std::iter::once(key).chain(foreign).collect()
}

/// Tables in such an order that those come first whose rows others belong to.
fn parents_first(tables: &[Table]) -> Vec<usize> {
    let mut order: Vec<usize> = vec![];
    while order.len() < tables.len() {
        let has_come = |name: &str| tables.iter().position(|t| t.name.value == name).is_none_or(|at| order.contains(&at));
        let ready: Vec<usize> = (0..tables.len()).filter(|at| !order.contains(at) && tables[*at].foreign_keys.iter().all(|k| has_come(&k.references.value))).collect();
        if ready.is_empty() {
            break;
        }
        order.extend(ready);
    }
    order
}

/// What became clear when the rows of all tables were there.
pub struct Together {
    /// One for each of [`Resolved::later`].
    pub judged: Vec<Judged>,
    /// Accepted rows that only such a rule has flagged, by run.
    pub flagged: BTreeMap<u32, u64>,
    pub survival: Vec<Survival>,
}

/// The rows of each run that other rows send to quarantine: of a repeated key, of each foreign key, of each later rule.
struct LostRows {
    by_run: Vec<Vec<HashSet<RowId>>>,
}

impl LostRows {
    fn none(resolved: &Resolved) -> LostRows {
        let width = |t: &ResolvedTable| 1 + resolved.schema.tables[t.table].foreign_keys.len() + resolved.later.iter().filter(|l| l.table == t.table).count();
        LostRows { by_run: resolved.tables.iter().map(|t| vec![HashSet::new(); width(t)]).collect() }
    }

    fn add(&mut self, which: usize, found: HashMap<u32, Vec<RowId>>) {
        for (run, rows) in found {
            if let Some(slot) = self.by_run.get_mut(run as usize).and_then(|l| l.get_mut(which)) {
                slot.extend(rows);
            }
        }
    }

    fn stays(&self, row: &RowId) -> bool {
        !self.by_run.get(row.run as usize).is_some_and(|lost| lost.iter().any(|rows| rows.contains(row)))
    }
}

/// Finds rows whose key stands in several rows, judges the rules that need all rows, finds rows that belong to one that is not
/// there; runs the partitions again that hold rows which are lost so.
async fn together(resolved: &Resolved, staging: &Staging, runtime: &Arc<RuntimeEnv>, options: &Options, runs: &mut [TableRun]) -> Result<Together, Error> {
    let reading = |e: std::io::Error| Error::environment("reading key records", e);
    let tables = &resolved.schema.tables;
    let mut lost = LostRows::none(resolved);
    for (place, target) in tables.iter().enumerate().filter(|(_, t)| !t.key.is_empty()) {
        lost.add(0, keys::losers(&key_folder(staging.path(), place), target.duplicates, options.partitions).map_err(reading)?);
    }
    let mut done = Together { judged: vec![], flagged: BTreeMap::new(), survival: vec![] };
    if !judge::needs(resolved).is_empty() {
        // What is judged together are the rows that stay.
        again(resolved, staging, runtime, options, runs, &lost, 1).await?;
        let folder = staging.path().join("parts");
        freed::give_back();
        let court = Court::new(resolved, runs, options, &folder).await?;
        for (number, later) in resolved.later.iter().enumerate() {
            let mut judged = court.judge(number, later).await?;
            lost.add(later_slot(resolved, number), std::mem::take(&mut judged.lost));
            done.judged.push(judged);
        }
        done.survival = survival::all(resolved, &court).await?;
    }
    for place in parents_first(tables) {
        for (number, key) in tables[place].foreign_keys.iter().enumerate() {
            let Some(other) = tables.iter().position(|t| t.name.value == key.references.value) else { continue };
            // Where nobody fills the other table nothing can be said of it; check warns of that.
            if resolved.tables.iter().all(|t| t.table != other) {
                continue;
            }
            let orphans = keys::orphans(&key_folder(staging.path(), other), &reference_folder(staging.path(), place, number), |row| lost.stays(row)).map_err(reading)?;
            lost.add(1 + number, orphans);
        }
    }
    again(resolved, staging, runtime, options, runs, &lost, 2).await?;
    if done.judged.iter().any(|j| j.places.is_some()) {
        let folder = staging.path().join("parts");
        done.flagged = Court::new(resolved, runs, options, &folder).await?.flagged(&done.judged).await?;
    }
    for part in runs.iter_mut().flat_map(|r| &mut r.table.partitions).filter_map(|p| p.judged.take()) {
        std::fs::remove_file(&part.path).map_err(|e| Error::environment("removing a part file", e))?;
    }
    Ok(done)
}

/// The place among the lost rows of a table that a later rule has.
pub fn later_slot(resolved: &Resolved, number: usize) -> usize {
    let Some(table) = resolved.later.get(number).map(|l| l.table) else { return usize::MAX };
    let keys = resolved.schema.tables.get(table).map_or(0, |t| t.foreign_keys.len());
    1 + keys + resolved.later.iter().take(number).filter(|l| l.table == table).count()
}

/// Runs the partitions again that hold lost rows, without them.
async fn again(resolved: &Resolved, staging: &Staging, runtime: &Arc<RuntimeEnv>, options: &Options, runs: &mut [TableRun], lost: &LostRows, attempt: u32) -> Result<(), Error> {
    for (run, lost) in lost.by_run.iter().enumerate().filter(|(_, lost)| lost.iter().any(|rows| !rows.is_empty())) {
        let (Some(table), Some(done)) = (resolved.tables.get(run), runs.get_mut(run)) else { continue };
        let known: usize = lost.iter().map(HashSet::len).sum();
        if std::mem::replace(&mut done.without, known) == known {
            continue;
        }
        let only: HashSet<usize> = match &done.dealt {
            Dealt::Splits(dealt) => lost.iter().flatten().filter_map(|r| source::partition_of(dealt, r.file, r.row)).collect(),
            Dealt::Units(dealt) => {
                let units: HashSet<u32> = lost.iter().flatten().map(|r| r.file).collect();
                dealt.iter().enumerate().filter(|(_, mine)| mine.iter().any(|unit| units.contains(&unit.number))).map(|(at, _)| at).collect()
            }
        };
        let job = Job { resolved, table, run, staging: staging.path(), attempt, lost: lost.clone(), only: Some(only), memory: options.memory, buckets: buckets(&table.inputs) };
        let mut bar = SourceProgress::begin(Show::Nothing, String::new(), 0);
        for again in job.execute(&Step::of_table(table), None, &done.dealt, runtime, &mut bar).await?.partitions {
            if let Some(first) = done.table.partitions.iter_mut().find(|p| p.partition == again.partition) {
                for part in [&first.accepted, &first.rejected, &first.findings, &first.judged].into_iter().flatten() {
                    std::fs::remove_file(&part.path).map_err(|e| Error::environment("removing a part file", e))?;
                }
                *first = again;
            }
        }
    }
    Ok(())
}
