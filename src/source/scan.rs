//! A source as DataFusion sees it: a table of text columns, cut into splits.
//!
//! The scan is a unary operator above an in-memory table of split descriptors, so that an engine
//! that cuts plans into tasks cuts this one too. A leaf of our own would be run whole in every
//! task of a cluster.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::datasource::TableType;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::Expr;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties};
use futures::StreamExt;

use super::{Split, SplitReader};
use crate::transform::derive::raw_column;

/// Columns after the source's own: file (place in the source), row, byte, flags, raw record.
pub const PROVENANCE: [&str; 5] = ["_file", "_row", "_byte", "_flags", "_raw"];

/// Rows a batch.
pub const BATCH_ROWS: usize = 2048;

/// A source's rows as text columns.
#[derive(Debug)]
pub struct SourceTable {
    schema: SchemaRef,
    splits: Vec<Vec<Split>>,
}

impl SourceTable {
    /// The table of `columns`, its splits listed by partition.
    pub fn new(columns: Vec<String>, splits: Vec<Vec<Split>>) -> Self {
        let text = columns.iter().map(|c| Field::new(raw_column(c), DataType::Utf8View, true));
        let provenance = PROVENANCE.iter().map(|c| match *c {
            "_raw" => Field::new(*c, DataType::Utf8View, true),
            _ => Field::new(*c, DataType::Int64, false),
        });
        SourceTable { schema: Arc::new(Schema::new(text.chain(provenance).collect::<Vec<_>>())), splits }
    }
}

#[async_trait]
impl TableProvider for SourceTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(&self, _: &dyn Session, projection: Option<&Vec<usize>>, _: &[Expr], _: Option<usize>) -> Result<Arc<dyn ExecutionPlan>> {
        let descriptors = Arc::new(Schema::new(vec![Field::new("split", DataType::Utf8, false)]));
        let partitions: Vec<Vec<RecordBatch>> = self
            .splits
            .iter()
            .map(|splits| {
                let texts: Result<Vec<String>> = splits.iter().map(|s| serde_json::to_string(s).map_err(|e| DataFusionError::External(Box::new(e)))).collect();
                let array: ArrayRef = Arc::new(StringArray::from(texts?));
                Ok(vec![RecordBatch::try_new(Arc::clone(&descriptors), vec![array])?])
            })
            .collect::<Result<_>>()?;
        let leaf = MemorySourceConfig::try_new_exec(&partitions, descriptors, None)?;
        let projection = projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        Ok(Arc::new(ScanExec::try_new(leaf, Arc::clone(&self.schema), projection)?))
    }
}

/// Reads the splits that its input names.
#[derive(Debug)]
pub struct ScanExec {
    input: Arc<dyn ExecutionPlan>,
    /// All columns of the source.
    table: SchemaRef,
    projection: Vec<usize>,
    properties: Arc<PlanProperties>,
}

impl ScanExec {
    fn try_new(input: Arc<dyn ExecutionPlan>, table: SchemaRef, projection: Vec<usize>) -> Result<Self> {
        let schema = Arc::new(table.project(&projection)?);
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            input.output_partitioning().clone(),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(ScanExec { input, table, projection, properties: Arc::new(properties) })
    }
}

impl DisplayAs for ScanExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScanExec: columns={}", self.projection.len())
    }
}

impl ExecutionPlan for ScanExec {
    fn name(&self) -> &str {
        "ScanExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        match children.pop() {
            Some(input) if children.is_empty() => Ok(Arc::new(ScanExec::try_new(input, Arc::clone(&self.table), self.projection.clone())?)),
            _ => internal_err!("a scan has one input"),
        }
    }

    fn apply_expressions(&self, _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, Arc::clone(&context))?;
        let schema = self.schema();
        let (out, table, projection) = (Arc::clone(&schema), Arc::clone(&self.table), self.projection.clone());
        let splits = input.flat_map(|batch| {
            let splits: Vec<Result<Split>> = match batch {
                Ok(batch) => batch
                    .column(0)
                    .as_string::<i32>()
                    .iter()
                    .flatten()
                    .map(|text| serde_json::from_str(text).map_err(|e| DataFusionError::External(Box::new(e))))
                    .collect(),
                Err(error) => vec![Err(error)],
            };
            futures::stream::iter(splits)
        });
        let rows = splits.flat_map(move |split| {
            let (table, projection, out) = (Arc::clone(&table), projection.clone(), Arc::clone(&out));
            let batches: Box<dyn Iterator<Item = Result<RecordBatch>> + Send> = match split.and_then(|s| Ok((s.file, SplitReader::open(&s, BATCH_ROWS).map_err(|e| e.into_datafusion())?))) {
                Ok((file, reader)) => Box::new(reader.map(move |rows| {
                    let rows = rows.map_err(|e| e.into_datafusion())?;
                    let count = rows.row.len();
                    let mut columns = rows.columns;
                    columns.push(Arc::new(Int64Array::from(vec![i64::from(file); count])));
                    columns.push(Arc::new(rows.row));
                    columns.push(Arc::new(rows.byte));
                    columns.push(Arc::new(rows.flags));
                    columns.push(rows.raw);
                    let batch = RecordBatch::try_new(Arc::clone(&table), columns)?;
                    Ok(RecordBatch::try_new(Arc::clone(&out), batch.project(&projection)?.columns().to_vec())?)
                })),
                Err(error) => Box::new(std::iter::once(Err(error))),
            };
            futures::stream::iter(batches)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}
