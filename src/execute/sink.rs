//! The one pass: annotated rows in, part files and counts out.
//!
//! Each partition writes its accepted and its rejected rows as they come, counts every check,
//! and returns one row: its summary as JSON. The sink is a unary operator, so an engine that cuts
//! plans into tasks can run it anywhere; only the driver commits what the summaries name.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, ListBuilder, RecordBatch, StringArray, StringBuilder, StringViewArray, StructBuilder, UInt64Array};
use datafusion::arrow::buffer::BooleanBuffer;
use datafusion::arrow::compute::{cast, filter, filter_record_batch, take_record_batch};
use datafusion::arrow::datatypes::{DataType, Field, Fields, Int64Type, Schema, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties};
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::keys::{KeyWriter, RowId};
use super::profile::Profile;
use super::write::{PartFile, PartWriter};
use super::years::AddYears;
use crate::error::Error;
use crate::function::part_of_key;
use crate::plan::Layout;
use crate::rule::Effect;
use crate::shape::store::{StoreWriter, StoredFile};

/// Distinct unmapped texts that are counted one by one, per check and partition.
const MOST_TEXTS: usize = 20_000;

/// What the sink must know of a table, beside its rows.
#[derive(Debug)]
pub struct SinkSpec {
    /// Place of the table in the run.
    pub run: u32,
    /// The stage before the table, where it is one.
    pub stage: Option<usize>,
    pub layout: Layout,
    /// The files of the source, as shown in quarantine.
    pub files: Vec<String>,
    pub keep: Keep,
    /// The schema of rejected rows.
    pub rejected: SchemaRef,
    pub checks: Vec<SinkCheck>,
    pub folder: PathBuf,
    pub keys: PathBuf,
    /// Rows that other rows have decided about: those of a repeated key, and those of each foreign key that leads nowhere.
    pub lost: Vec<Lost>,
    /// Partitions to run; the others give nothing.
    pub partitions: Option<HashSet<usize>>,
    pub attempt: u32,
    /// Bytes that an open row group may hold.
    pub budget: usize,
    pub progress: Progress,
}

/// Rows that are refused for what other rows are.
#[derive(Debug, Clone, Default)]
pub struct Lost {
    pub code: &'static str,
    pub field: Option<String>,
    pub rule: String,
    pub rows: HashSet<RowId>,
}

/// What becomes of rows that are not refused.
#[derive(Debug)]
pub enum Keep {
    /// Part files of the cohort.
    Table {
        /// The schema with its metadata.
        schema: SchemaRef,
        /// Fields of the key, by position among the fields.
        key: Vec<usize>,
        /// Those of each foreign key, and where their records go.
        references: Vec<(Vec<usize>, PathBuf)>,
        /// The schema of findings about rows that stay.
        findings: SchemaRef,
        /// The fields that later rules look at, with their place before them; none where there is no such rule.
        judged: Option<(SchemaRef, Vec<usize>)>,
    },
    /// Rows for the next step.
    Stored {
        schema: SchemaRef,
        /// The column of the keys' hashes.
        key: Option<usize>,
        buckets: usize,
    },
}

/// A check as the sink sees it.
#[derive(Debug, Clone)]
pub struct SinkCheck {
    pub code: &'static str,
    pub field: Option<String>,
    pub rule: String,
    pub effect: Effect,
    /// How grave the schema calls it.
    pub severity: &'static str,
    /// The field, by position, whose calendar years are counted each.
    pub years: Option<usize>,
    /// Completeness is a property of what was accepted: counted there, and no row carries it.
    pub of_accepted: bool,
    /// Whether what it finds about rows that stay is written down; not where the site cannot deliver what it asks for.
    pub told: bool,
}

/// Counters that the progress bar reads.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    pub rows: Arc<AtomicU64>,
    pub rejected: Arc<AtomicU64>,
}

/// What one partition did.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PartitionSummary {
    pub partition: usize,
    pub rows_read: u64,
    pub rows_accepted: u64,
    pub rows_quarantined: u64,
    pub rows_filtered: u64,
    pub rows_flagged: u64,
    /// Rows that other rows sent to quarantine, by [`SinkSpec::lost`].
    pub rows_lost: Vec<u64>,
    pub accepted: Option<PartFile>,
    pub stored: Option<StoredFile>,
    pub rejected: Option<PartFile>,
    pub findings: Option<PartFile>,
    pub judged: Option<PartFile>,
    /// Violated and denominator, per check.
    pub checks: Vec<(u64, u64)>,
    /// The same by calendar year, for checks that are held to a threshold each year.
    pub years: HashMap<usize, BTreeMap<i32, (u64, u64)>>,
    pub profiles: Vec<Profile>,
    /// Texts of unmapped values, per entry of the layout's texts.
    pub texts: Vec<TextCounts>,
}

/// Unmapped values with the number of their rows.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct TextCounts {
    pub counts: HashMap<String, u64>,
    /// Rows whose value was not kept: too many distinct ones, or too long.
    pub others: u64,
}

/// Splits annotated rows into part files.
#[derive(Debug)]
pub struct SplitSinkExec {
    input: Arc<dyn ExecutionPlan>,
    spec: Arc<SinkSpec>,
    properties: Arc<PlanProperties>,
}

impl SplitSinkExec {
    /// A sink over annotated rows.
    pub fn new(input: Arc<dyn ExecutionPlan>, spec: Arc<SinkSpec>) -> Self {
        let schema = Arc::new(Schema::new(vec![Field::new("summary", DataType::Utf8, false)]));
        let properties =
            PlanProperties::new(EquivalenceProperties::new(schema), input.output_partitioning().clone(), EmissionType::Final, Boundedness::Bounded);
        SplitSinkExec { input, spec, properties: Arc::new(properties) }
    }
}

impl DisplayAs for SplitSinkExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SplitSinkExec: fields={}, checks={}", self.spec.layout.fields.len(), self.spec.checks.len())
    }
}

impl ExecutionPlan for SplitSinkExec {
    fn name(&self) -> &str {
        "SplitSinkExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        match children.pop() {
            Some(input) if children.is_empty() => Ok(Arc::new(SplitSinkExec::new(input, Arc::clone(&self.spec)))),
            _ => internal_err!("a sink has one input"),
        }
    }

    fn apply_expressions(&self, _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let schema = self.schema();
        if self.spec.partitions.as_ref().is_some_and(|wanted| !wanted.contains(&partition)) {
            return Ok(Box::pin(RecordBatchStreamAdapter::new(schema, futures::stream::empty())));
        }
        let mut input = self.input.execute(partition, context)?;
        let (spec, out) = (Arc::clone(&self.spec), Arc::clone(&schema));
        let work = async move {
            let mut sink = Sink::new(spec, partition);
            while let Some(batch) = input.next().await {
                sink.add(&batch?)?;
                // Lets other partitions, the progress bar and a signal have their turn.
                tokio::task::yield_now().await;
            }
            let summary = sink.finish()?;
            let text = serde_json::to_string(&summary).map_err(|e| DataFusionError::External(Box::new(e)))?;
            Ok(RecordBatch::try_new(out, vec![Arc::new(StringArray::from(vec![text]))])?)
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, futures::stream::once(work))))
    }
}

struct Sink {
    spec: Arc<SinkSpec>,
    summary: PartitionSummary,
    kept: Writer,
    rejected: PartWriter,
    keys: Option<KeyWriter>,
    references: Vec<KeyWriter>,
    findings: Option<PartWriter>,
    judged: Option<PartWriter>,
}

enum Writer {
    Part(Box<PartWriter>),
    Store(StoreWriter),
}

impl Sink {
    fn new(spec: Arc<SinkSpec>, partition: usize) -> Self {
        let attempt = spec.attempt;
        let stage = spec.stage.map_or(String::new(), |stage| format!("-{stage:02}"));
        let name = |kind: &str, ending: &str| spec.folder.join(format!("{kind}-{:03}{stage}-{partition:05}-{attempt}.{ending}", spec.run));
        let (mut keys, mut references) = (None, vec![]);
        let (mut findings, mut judged) = (None, None);
        let kept = match &spec.keep {
            Keep::Table { schema, key, references: all, findings: found, judged: looked_at } => {
                let writer = |folder: &PathBuf| KeyWriter::new(folder, &format!("{:03}-{partition:05}", spec.run), spec.run);
                if attempt == 0 {
                    keys = (!key.is_empty()).then(|| writer(&spec.keys));
                    references = all.iter().map(|(_, folder)| writer(folder)).collect();
                }
                findings = Some(PartWriter::new(name("findings", "parquet"), Arc::clone(found), false, spec.budget));
                judged = looked_at.as_ref().map(|(schema, _)| PartWriter::new(name("judged", "parquet"), Arc::clone(schema), true, spec.budget));
                Writer::Part(Box::new(PartWriter::new(name("accepted", "parquet"), Arc::clone(schema), false, spec.budget)))
            }
            Keep::Stored { key, buckets, .. } => Writer::Store(StoreWriter::new(name("stored", "rows"), *buckets, *key, spec.budget)),
        };
        Sink {
            summary: PartitionSummary {
                partition,
                checks: vec![(0, 0); spec.checks.len()],
                texts: vec![TextCounts::default(); spec.layout.texts.len()],
                rows_lost: vec![0; spec.lost.len()],
                ..Default::default()
            },
            kept,
            rejected: PartWriter::new(name("rejected", "parquet"), Arc::clone(&spec.rejected), true, spec.budget),
            keys,
            references,
            findings,
            judged,
            spec,
        }
    }

    /// Leaves out the rows that a filter does not let into the table, each under the first that does not.
    fn filtered(&mut self, batch: &RecordBatch) -> Result<Option<RecordBatch>> {
        let mut left: Option<BooleanBuffer> = None;
        for (at, _) in self.spec.checks.iter().enumerate().filter(|(_, c)| c.effect == Effect::Filter) {
            // Its outcome is never missing.
            let violated = batch.column(self.spec.layout.checks.start + at).as_boolean().values().clone();
            let new = left.as_ref().map_or_else(|| violated.clone(), |left| &violated & &!left);
            if let Some(counts) = self.summary.checks.get_mut(at) {
                counts.0 += new.count_set_bits() as u64;
                counts.1 += batch.num_rows() as u64;
            }
            left = Some(left.map_or_else(|| violated.clone(), |left| &left | &violated));
        }
        let Some(left) = left.filter(|left| left.count_set_bits() > 0) else { return Ok(None) };
        let count = left.count_set_bits() as u64;
        self.summary.rows_read += count;
        self.summary.rows_filtered += count;
        self.spec.progress.rows.fetch_add(count, Ordering::Relaxed);
        Ok(Some(filter_record_batch(batch, &BooleanArray::from(!&left))?))
    }

    fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        let rest = self.filtered(batch)?;
        let batch = rest.as_ref().unwrap_or(batch);
        let spec = Arc::clone(&self.spec);
        let rows = batch.num_rows();
        let checks: Vec<&BooleanArray> = spec.layout.checks.clone().map(|i| batch.column(i).as_boolean()).collect();
        let mut rejected = BooleanBuffer::new_unset(rows);
        let mut flagged = BooleanBuffer::new_unset(rows);
        for (at, (array, check)) in checks.iter().zip(&spec.checks).enumerate() {
            let violated = match array.nulls() {
                Some(nulls) => array.values() & nulls.inner(),
                None => array.values().clone(),
            };
            if check.of_accepted || check.effect == Effect::Filter {
                continue;
            }
            if let Some(field) = check.years {
                self.summary.years.entry(at).or_default().add(batch.column(spec.layout.fields.start + field), array, None);
            }
            let count = violated.count_set_bits();
            if let Some(counts) = self.summary.checks.get_mut(at) {
                counts.0 += count as u64;
                counts.1 += (rows - array.null_count()) as u64;
            }
            if count == 0 {
                continue;
            }
            match check.effect {
                Effect::Filter => {}
                Effect::Warn => flagged = &flagged | &violated,
                Effect::Quarantine => rejected = &rejected | &violated,
                Effect::Fail => return Err(self.stop(batch, check, &violated)),
            }
        }
        let lost = self.lost(batch);
        let by_itself = !&rejected;
        for (rows, count) in lost.iter().zip(&mut self.summary.rows_lost) {
            *count += (rows & &by_itself).count_set_bits() as u64;
            rejected = &rejected | rows;
        }
        self.texts(batch, &checks);
        let stays = !&rejected;
        for (at, (array, _)) in checks.iter().zip(&spec.checks).enumerate().filter(|(_, (_, c))| c.of_accepted) {
            let applies = array.nulls().map_or_else(|| stays.clone(), |nulls| &stays & nulls.inner());
            if let Some(counts) = self.summary.checks.get_mut(at) {
                counts.0 += (&applies & array.values()).count_set_bits() as u64;
                counts.1 += applies.count_set_bits() as u64;
            }
            if let Some(field) = spec.checks.get(at).and_then(|c| c.years) {
                self.summary.years.entry(at).or_default().add(batch.column(spec.layout.fields.start + field), array, Some(&stays));
            }
        }
        self.find(batch, &checks, &stays)?;
        let (n_rejected, n_stays) = (rejected.count_set_bits(), stays.count_set_bits());
        self.summary.rows_read += rows as u64;
        self.summary.rows_accepted += n_stays as u64;
        self.summary.rows_quarantined += n_rejected as u64;
        self.summary.rows_flagged += (&flagged & &stays).count_set_bits() as u64;
        spec.progress.rows.fetch_add(rows as u64, Ordering::Relaxed);
        spec.progress.rejected.fetch_add(n_rejected as u64, Ordering::Relaxed);
        if n_stays > 0 {
            self.accept(batch, (n_rejected > 0).then(|| BooleanArray::from(stays)), flagged)?;
        }
        if n_rejected > 0 {
            self.reject(batch, &BooleanArray::from(rejected), &lost)?;
        }
        Ok(())
    }

    fn accept(&mut self, batch: &RecordBatch, mask: Option<BooleanArray>, flagged: BooleanBuffer) -> Result<()> {
        let spec = Arc::clone(&self.spec);
        let places: Vec<usize> = spec.layout.fields.clone().chain(spec.layout.identity).collect();
        let fields = batch.project(&places)?;
        let fields = match &mask {
            Some(mask) => filter_record_batch(&fields, mask)?,
            None => fields,
        };
        let width = spec.layout.fields.len();
        let kept = fields.columns().get(..width).unwrap_or_default().to_vec();
        if let (Keep::Table { key, judged: Some((_, looked_at)), .. }, Some(writer)) = (&spec.keep, &mut self.judged) {
            let first = spec.layout.provenance.start;
            let place = batch.project(&[spec.layout.identity[0], spec.layout.identity[1], first, first + 1, first + 2])?;
            let flagged: ArrayRef = Arc::new(BooleanArray::new(flagged, None));
            let (place, flagged) = match &mask {
                Some(mask) => (filter_record_batch(&place, mask)?, filter(&flagged, mask)?),
                None => (place, flagged),
            };
            let key: Vec<&ArrayRef> = key.iter().filter_map(|k| kept.get(*k)).collect();
            let mut columns = place.columns().to_vec();
            columns.extend([Arc::new(row_ids(&key, fields.num_rows())) as ArrayRef, flagged]);
            columns.extend(looked_at.iter().filter_map(|at| kept.get(*at).cloned()));
            writer.write(columns, fields.num_rows())?;
        }
        if let Keep::Table { key, references, .. } = &spec.keep {
            let (files, rows) = (fields.column(width).as_primitive::<Int64Type>(), fields.column(width + 1).as_primitive::<Int64Type>());
            let writers = self.keys.iter_mut().map(|keys| (key, keys)).chain(references.iter().map(|(fields, _)| fields).zip(&mut self.references));
            for (key, writer) in writers {
                let arrays: Vec<ArrayRef> = key.iter().filter_map(|k| kept.get(*k).cloned()).collect();
                writer.add(&arrays, files, rows).map_err(|e| Error::environment("writing key records", e).into_datafusion())?;
            }
        }
        match (&mut self.kept, &spec.keep) {
            (Writer::Part(part), _) => part.write(kept, fields.num_rows()),
            (Writer::Store(store), Keep::Stored { schema, .. }) => {
                let rows = RecordBatch::try_new(Arc::clone(schema), kept)?;
                store.add(rows).map_err(|e| Error::environment("storing rows", e).into_datafusion())
            }
            _ => internal_err!("rows of a table are not stored"),
        }
    }

    fn reject(&mut self, batch: &RecordBatch, mask: &BooleanArray, lost: &[BooleanBuffer]) -> Result<()> {
        let spec = Arc::clone(&self.spec);
        let raw: Vec<usize> = spec.layout.raw.clone().chain(spec.layout.provenance.clone()).collect();
        let rows = filter_record_batch(&batch.project(&raw)?, mask)?;
        // What a shape has derived is told as a text, as everything is that a refused row says.
        let as_read = rows.columns().get(..spec.layout.raw.len()).unwrap_or_default();
        let mut columns: Vec<ArrayRef> = as_read.iter().map(|c| cast(c, &DataType::Utf8View)).collect::<Result<_, _>>()?;
        let provenance = rows.columns().get(spec.layout.raw.len()..).unwrap_or_default();
        let [file, row, byte, _, record] = provenance else { return internal_err!("provenance has five columns") };
        let names: StringViewArray = file.as_primitive::<Int64Type>().iter().map(|f| f.and_then(|f| spec.files.get(usize::try_from(f).ok()?)).map(String::as_str)).collect();
        columns.extend([Arc::new(names) as ArrayRef, Arc::clone(row), Arc::clone(byte), Arc::clone(record)]);
        columns.push(self.reasons(batch, mask, lost));
        let ids = match &spec.keep {
            Keep::Table { key, .. } => self.ids(&filter_record_batch(&batch.project(&key.iter().map(|k| spec.layout.fields.start + k).collect::<Vec<_>>())?, mask)?),
            Keep::Stored { .. } => Int64Array::new_null(rows.num_rows()),
        };
        columns.push(Arc::new(ids));
        self.rejected.write(columns, rows.num_rows())
    }

    /// The findings about rows that stay, row by row.
    fn find(&mut self, batch: &RecordBatch, checks: &[&BooleanArray], stays: &BooleanBuffer) -> Result<()> {
        let (spec, Some(writer)) = (Arc::clone(&self.spec), &mut self.findings) else { return Ok(()) };
        let Keep::Table { key, .. } = &spec.keep else { return Ok(()) };
        let mut found: Vec<(usize, usize)> = vec![];
        for (at, (array, check)) in checks.iter().zip(&spec.checks).enumerate() {
            if !check.told || (check.effect != Effect::Warn && !check.of_accepted) {
                continue;
            }
            let mut violated = array.values() & stays;
            if let Some(nulls) = array.nulls() {
                violated = &violated & nulls.inner();
            }
            found.extend(violated.set_indices().map(|row| (row, at)));
        }
        if found.is_empty() {
            return Ok(());
        }
        found.sort_unstable();
        let rows = UInt64Array::from_iter_values(found.iter().map(|(row, _)| *row as u64));
        let first = spec.layout.provenance.start;
        let place: Vec<usize> = (first..first + 3).chain(key.iter().map(|k| spec.layout.fields.start + k)).collect();
        let of_rows = take_record_batch(&batch.project(&place)?, &rows)?;
        let keys: Vec<&ArrayRef> = of_rows.columns().iter().skip(3).collect();
        let files: StringViewArray = of_rows.column(0).as_primitive::<Int64Type>().iter().map(|f| f.and_then(|f| spec.files.get(usize::try_from(f).ok()?)).map(String::as_str)).collect();
        let of = |pick: &dyn Fn(&SinkCheck) -> Option<String>| -> ArrayRef { Arc::new(found.iter().map(|(_, at)| spec.checks.get(*at).and_then(pick)).collect::<StringViewArray>()) };
        let columns: Vec<ArrayRef> = vec![
            Arc::new(files),
            Arc::clone(of_rows.column(1)),
            Arc::clone(of_rows.column(2)),
            Arc::new(row_ids(&keys, found.len())),
            of(&|c| Some(c.code.to_owned())),
            of(&|c| c.field.clone()),
            of(&|c| Some(c.rule.clone())),
            of(&|c| Some(c.severity.to_owned())),
        ];
        writer.write(columns, found.len())
    }

    /// The ids of rows by their keys alone.
    fn ids(&self, keys: &RecordBatch) -> Int64Array {
        row_ids(&keys.columns().iter().collect::<Vec<_>>(), keys.num_rows())
    }

    /// Every reason of every rejected row, in the order of the checks.
    fn reasons(&self, batch: &RecordBatch, mask: &BooleanArray, lost: &[BooleanBuffer]) -> ArrayRef {
        let spec = &self.spec;
        let checks: Vec<&BooleanArray> = spec.layout.checks.clone().map(|i| batch.column(i).as_boolean()).collect();
        let mut list = ListBuilder::new(StructBuilder::from_fields(reason_fields(), 16)).with_field(Field::new("item", DataType::Struct(reason_fields()), false));
        for at in mask.values().set_indices() {
            let entries = list.values();
            let mut push = |code: &str, field: Option<&str>, rule: &str, severity: &str| {
                for (slot, text) in [Some(code), field, Some(rule), Some(severity)].into_iter().enumerate() {
                    if let Some(builder) = entries.field_builder::<StringBuilder>(slot) {
                        builder.append_option(text);
                    }
                }
                entries.append(true);
            };
            for (array, check) in checks.iter().zip(&spec.checks) {
                if !check.of_accepted && array.is_valid(at) && array.value(at) {
                    push(check.code, check.field.as_deref(), &check.rule, if check.effect == Effect::Warn { "warning" } else { "error" });
                }
            }
            for (_, why) in lost.iter().zip(&spec.lost).filter(|(rows, _)| rows.value(at)) {
                push(why.code, why.field.as_deref(), &why.rule, "error");
            }
            list.append(true);
        }
        Arc::new(list.finish())
    }

    /// For each of [`SinkSpec::lost`] its rows; nothing where there are none at all.
    fn lost(&self, batch: &RecordBatch) -> Vec<BooleanBuffer> {
        if self.spec.lost.iter().all(|l| l.rows.is_empty()) {
            return vec![];
        }
        let [files, rows] = self.spec.layout.identity.map(|at| batch.column(at).as_primitive::<Int64Type>());
        let id = |at: usize| {
            let file = u32::try_from(files.value(at)).unwrap_or(u32::MAX);
            let row = u64::try_from(rows.value(at)).unwrap_or(u64::MAX);
            RowId { run: self.spec.run, file, row }
        };
        self.spec.lost.iter().map(|l| BooleanBuffer::collect_bool(batch.num_rows(), |at| l.rows.contains(&id(at)))).collect()
    }

    fn texts(&mut self, batch: &RecordBatch, checks: &[&BooleanArray]) {
        for ((check, column), counts) in self.spec.layout.texts.iter().zip(&mut self.summary.texts) {
            let Some(violated) = checks.get(*check) else { continue };
            if violated.true_count() == 0 {
                continue;
            }
            let texts = batch.column(*column).as_string_view();
            for at in 0..batch.num_rows() {
                if violated.is_valid(at) && violated.value(at) && texts.is_valid(at) {
                    let text = texts.value(at);
                    let room = counts.counts.len() < MOST_TEXTS && text.len() <= 100;
                    match counts.counts.get_mut(text) {
                        Some(n) => *n += 1,
                        None if room => {
                            counts.counts.insert(text.to_owned(), 1);
                        }
                        None => counts.others += 1,
                    }
                }
            }
        }
    }

    /// The error of a row that the mapping does not allow to fail.
    fn stop(&self, batch: &RecordBatch, check: &SinkCheck, violated: &BooleanBuffer) -> DataFusionError {
        let first = self.spec.layout.provenance.start;
        let at = violated.set_indices().next().unwrap_or(0);
        let file = batch.column(first).as_primitive::<Int64Type>().value(at);
        let row = batch.column(first + 1).as_primitive::<Int64Type>().value(at);
        let file = usize::try_from(file).ok().and_then(|f| self.spec.files.get(f)).map_or("?", String::as_str);
        Error::policy_fail(file, row, check.field.as_deref(), &check.rule).into_datafusion()
    }

    fn finish(mut self) -> Result<PartitionSummary> {
        match self.kept {
            Writer::Part(part) => {
                let accepted = part.finish()?;
                (self.summary.accepted, self.summary.profiles) = (accepted.part, accepted.profiles);
            }
            Writer::Store(store) => self.summary.stored = store.finish().map_err(|e| Error::environment("storing rows", e).into_datafusion())?,
        }
        self.summary.rejected = self.rejected.finish()?.part;
        self.summary.findings = self.findings.take().map(PartWriter::finish).transpose()?.and_then(|w| w.part);
        self.summary.judged = self.judged.take().map(PartWriter::finish).transpose()?.and_then(|w| w.part);
        for keys in self.keys.take().into_iter().chain(std::mem::take(&mut self.references)) {
            keys.finish().map_err(|e| Error::environment("writing key records", e).into_datafusion())?;
        }
        Ok(self.summary)
    }
}

/// A number by which a row is found again in the next delivery, of its key; none where a part of the key is missing, or there
/// is no key. Pseudonyms are hashed, as the cohort has them.
pub fn row_ids(key: &[&ArrayRef], rows: usize) -> Int64Array {
    if key.is_empty() {
        return Int64Array::new_null(rows);
    }
    let mut bytes = vec![];
    (0..rows)
        .map(|at| {
            if key.iter().any(|part| part.is_null(at)) {
                return None;
            }
            bytes.clear();
            key.iter().for_each(|part| part_of_key(&mut bytes, part, at));
            Some(xxh3_64(&bytes).cast_signed())
        })
        .collect()
}

/// `code, field, rule, severity`.
pub fn reason_fields() -> Fields {
    Fields::from(vec![
        Field::new("code", DataType::Utf8, false),
        Field::new("field", DataType::Utf8, true),
        Field::new("rule", DataType::Utf8, false),
        Field::new("severity", DataType::Utf8, false),
    ])
}
