//! Stored rows as DataFusion sees them, with the operation that is done to them as they are read.
//!
//! Like the scan of a source it is a unary operator above an in-memory table of descriptors, here
//! [`Unit`]s: what one call of the operator is over.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::{ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, StringArray, new_null_array};
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::datasource::TableType;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::Expr;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricBuilder, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties};
use futures::StreamExt;
use serde::{Deserialize, Serialize};

use super::store::{Segment, StoreReader};
use super::{Fates, Mark, Operator, aligned};
use crate::source::scan::{BATCH_ROWS, PROVENANCE};
use crate::transform::Column;
use crate::transform::derive::raw_column;

/// Where a row stands among the rows of a step: unit, and place in it. Several rows may be of one row of the source.
pub const IDENTITY: [&str; 2] = ["_unit", "_ordinal"];

/// Rows that an operator is called with: a bucket of each side, or a segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unit {
    pub number: u32,
    pub sides: Vec<Vec<Piece>>,
}

/// Segments of one file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Piece {
    pub path: PathBuf,
    /// Which of the side's schemas the rows have.
    pub schema: usize,
    pub segments: Vec<Segment>,
}

impl Unit {
    /// Bytes to read.
    pub fn bytes(&self) -> u64 {
        self.sides.iter().flatten().flat_map(|p| &p.segments).map(|s| s.body).sum()
    }
}

/// Gives each of `partitions` a contiguous share of the units, of about equal bytes.
pub fn deal(units: Vec<Unit>, partitions: usize) -> Vec<Vec<Unit>> {
    let total: u64 = units.iter().map(Unit::bytes).sum();
    let mut dealt = vec![vec![]; partitions.max(1)];
    let last = dealt.len() - 1;
    let mut before = 0u64;
    for unit in units {
        let middle = u128::from(before) + u128::from(unit.bytes() / 2);
        before = before.saturating_add(unit.bytes());
        let at = (middle * (last as u128 + 1)).checked_div(u128::from(total)).unwrap_or(0) as usize;
        if let Some(share) = dealt.get_mut(at.min(last)) {
            share.push(unit);
        }
    }
    dealt
}

/// The rows of one side: what each of its steps stored, and what they are together.
#[derive(Debug, Clone)]
pub struct StoredSide {
    pub stored: Vec<SchemaRef>,
    pub together: SchemaRef,
}

/// What is read, and what is done to it.
#[derive(Debug, Clone)]
pub struct Work {
    pub sides: Vec<StoredSide>,
    pub operator: Option<Arc<dyn Operator>>,
    /// All rows of a unit at once, rather than as they come.
    pub meets: bool,
}

/// Stored rows as a table.
#[derive(Debug)]
pub struct ShapedTable {
    work: Arc<Work>,
    schema: SchemaRef,
    units: Vec<Vec<Unit>>,
}

impl ShapedTable {
    /// The rows of `columns` with their provenance, identity and marks.
    pub fn new(work: Work, columns: &[Column], marks: &[Mark], units: Vec<Vec<Unit>>) -> Self {
        let text = columns.iter().map(|c| Field::new(raw_column(&c.name), c.kind.data_type(), true));
        let provenance = PROVENANCE.iter().map(|c| Field::new(*c, if *c == "_raw" { DataType::Utf8View } else { DataType::Int64 }, true));
        let identity = IDENTITY.iter().map(|c| Field::new(*c, DataType::Int64, false));
        let marks = marks.iter().map(|m| Field::new(&m.column, DataType::Boolean, true));
        ShapedTable { work: Arc::new(work), schema: Arc::new(Schema::new(text.chain(provenance).chain(identity).chain(marks).collect::<Vec<_>>())), units }
    }
}

#[async_trait]
impl TableProvider for ShapedTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(&self, _: &dyn Session, projection: Option<&Vec<usize>>, _: &[Expr], _: Option<usize>) -> Result<Arc<dyn ExecutionPlan>> {
        let descriptors = Arc::new(Schema::new(vec![Field::new("unit", DataType::Utf8, false)]));
        let partition = |units: &Vec<Unit>| -> Result<Vec<RecordBatch>> {
            let texts: Result<Vec<String>> = units.iter().map(|u| serde_json::to_string(u).map_err(|e| DataFusionError::External(Box::new(e)))).collect();
            let array: ArrayRef = Arc::new(StringArray::from(texts?));
            Ok(vec![RecordBatch::try_new(Arc::clone(&descriptors), vec![array])?])
        };
        let partitions: Vec<Vec<RecordBatch>> = self.units.iter().map(partition).collect::<Result<_>>()?;
        let leaf = MemorySourceConfig::try_new_exec(&partitions, descriptors, None)?;
        let schema = match projection {
            Some(projection) => Arc::new(self.schema.project(projection)?),
            None => Arc::clone(&self.schema),
        };
        Ok(Arc::new(ShapeExec::new(leaf, Arc::clone(&self.work), schema)))
    }
}

/// Reads the units that its input names, and does the operation.
#[derive(Debug)]
pub struct ShapeExec {
    input: Arc<dyn ExecutionPlan>,
    work: Arc<Work>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl ShapeExec {
    fn new(input: Arc<dyn ExecutionPlan>, work: Arc<Work>, schema: SchemaRef) -> Self {
        let properties = PlanProperties::new(EquivalenceProperties::new(Arc::clone(&schema)), input.output_partitioning().clone(), EmissionType::Incremental, Boundedness::Bounded);
        ShapeExec { input, work, schema, properties: Arc::new(properties), metrics: ExecutionPlanMetricsSet::new() }
    }
}

impl DisplayAs for ShapeExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.work.operator {
            Some(operator) => write!(f, "ShapeExec: {operator:?}"),
            None => write!(f, "ShapeExec"),
        }
    }
}

impl ExecutionPlan for ShapeExec {
    fn name(&self) -> &str {
        "ShapeExec"
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
            Some(input) if children.is_empty() => Ok(Arc::new(ShapeExec::new(input, Arc::clone(&self.work), Arc::clone(&self.schema)))),
            _ => internal_err!("a scan has one input"),
        }
    }

    fn apply_expressions(&self, _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, Arc::clone(&context))?;
        let (work, schema, metrics) = (Arc::clone(&self.work), self.schema(), self.metrics.clone());
        let units = input.flat_map(|batch| {
            let units: Vec<Result<Unit>> = match batch {
                Ok(batch) => {
                    let texts = batch.column(0).as_string::<i32>().iter().flatten();
                    texts.map(|text| serde_json::from_str(text).map_err(|e| DataFusionError::External(Box::new(e)))).collect()
                }
                Err(error) => vec![Err(error)],
            };
            futures::stream::iter(units)
        });
        let out = Arc::clone(&schema);
        let rows = units.flat_map(move |unit| {
            let batches: Box<dyn Iterator<Item = Result<RecordBatch>> + Send> = match unit {
                Ok(unit) => {
                    let reservation = MemoryConsumer::new("bucket").register(context.memory_pool());
                    let number = unit.number;
                    let (mut fates, mut ordinal) = (Fates::default(), 0);
                    let (out, metrics, work) = (Arc::clone(&out), metrics.clone(), Arc::clone(&work));
                    let made = calls(Arc::clone(&work), unit, reservation).flat_map(move |sides| {
                        let made = sides.and_then(|sides| made(&work, &sides, &mut fates)).and_then(|made| {
                            let first = ordinal;
                            ordinal += made.num_rows() as i64;
                            placed(&made, &out, number, first)
                        });
                        for ((side, fate), rows) in std::mem::take(&mut fates.0) {
                            MetricBuilder::new(&metrics).counter(format!("{side}:{fate}"), partition).add(rows);
                        }
                        sliced(made)
                    });
                    Box::new(made)
                }
                Err(error) => Box::new(std::iter::once(Err(error))),
            };
            futures::stream::iter(batches)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}

/// The rows for each call of the operator.
fn calls(work: Arc<Work>, unit: Unit, reservation: datafusion::execution::memory_pool::MemoryReservation) -> Box<dyn Iterator<Item = Result<Vec<RecordBatch>>> + Send> {
    if work.meets {
        // What is read, and what is put together of it.
        let whole = move || -> Result<Vec<RecordBatch>> {
            reservation.try_grow(usize::try_from(unit.bytes().saturating_mul(2)).unwrap_or(usize::MAX))?;
            let sides = work.sides.iter().zip(&unit.sides).map(|(side, pieces)| {
                let batches = pieces.iter().flat_map(|piece| segments(side, piece)).collect::<Result<Vec<_>>>()?;
                Ok(concat_batches(&side.together, &batches)?)
            });
            sides.collect()
        };
        return Box::new(std::iter::once_with(whole));
    }
    let Some(side) = work.sides.first().cloned() else { return Box::new(std::iter::empty()) };
    let pieces = unit.sides.into_iter().next().unwrap_or_default();
    Box::new(pieces.into_iter().flat_map(move |piece| segments(&side, &piece)).map(|batch| Ok(vec![batch?])))
}

/// The rows of a piece, segment by segment.
fn segments(side: &StoredSide, piece: &Piece) -> Box<dyn Iterator<Item = Result<RecordBatch>> + Send> {
    let Some(schema) = side.stored.get(piece.schema) else { return Box::new(std::iter::once(internal_err!("a piece of no step"))) };
    let unreadable = |e: &dyn fmt::Display| crate::error::Error::environment("reading rows back", e).into_datafusion();
    match StoreReader::open(&piece.path, Arc::clone(schema)) {
        Ok(reader) => {
            let together = Arc::clone(&side.together);
            Box::new(piece.segments.clone().into_iter().map(move |segment| aligned(&reader.read(&segment).map_err(|e| unreadable(&e))?, &together)))
        }
        Err(error) => Box::new(std::iter::once(Err(unreadable(&error)))),
    }
}

fn made(work: &Work, sides: &[RecordBatch], fates: &mut Fates) -> Result<RecordBatch> {
    match (&work.operator, sides) {
        (Some(operator), _) => operator.run(sides, fates),
        (None, [rows]) => Ok(rows.clone()),
        _ => internal_err!("rows without an operation are of one side"),
    }
}

/// The columns that are wanted, with the rows' identity.
fn placed(made: &RecordBatch, schema: &SchemaRef, unit: u32, first: i64) -> Result<RecordBatch> {
    let rows = made.num_rows();
    let column = |field: &Arc<Field>| -> ArrayRef {
        match field.name().as_str() {
            "_flags" => Arc::new(Int64Array::from(vec![0; rows])),
            "_unit" => Arc::new(Int64Array::from(vec![i64::from(unit); rows])),
            "_ordinal" => Arc::new((first..first + rows as i64).collect::<Int64Array>()),
            name => match made.column_by_name(name) {
                Some(column) => Arc::clone(column),
                None if *field.data_type() == DataType::Boolean => Arc::new(BooleanArray::from(vec![false; rows])),
                None => new_null_array(field.data_type(), rows),
            },
        }
    };
    Ok(RecordBatch::try_new(Arc::clone(schema), schema.fields().iter().map(column).collect())?)
}

/// In batches of the usual size.
fn sliced(made: Result<RecordBatch>) -> Box<dyn Iterator<Item = Result<RecordBatch>> + Send> {
    match made {
        Ok(batch) => Box::new((0..batch.num_rows()).step_by(BATCH_ROWS).map(move |at| Ok(batch.slice(at, BATCH_ROWS.min(batch.num_rows() - at))))),
        Err(error) => Box::new(std::iter::once(Err(error))),
    }
}

/// What became of the rows, by side, over all partitions of a plan that ran.
pub fn fates(plan: &Arc<dyn ExecutionPlan>) -> Vec<(usize, String, u64)> {
    if plan.name() == "ShapeExec" {
        let metrics = plan.metrics().unwrap_or_default().aggregate_by_name();
        let one = |metric: &Arc<datafusion::physical_plan::metrics::Metric>| {
            let (side, fate) = metric.value().name().split_once(':').map(|(s, f)| (s.to_owned(), f.to_owned()))?;
            Some((side.parse().ok()?, fate, metric.value().as_usize() as u64))
        };
        return metrics.iter().filter_map(one).collect();
    }
    plan.children().into_iter().flat_map(fates).collect()
}

