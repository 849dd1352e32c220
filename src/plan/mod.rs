//! A [`Step`] (a table, or a stage before it) → DataFusion's `LogicalPlan`. Pure: no I/O, no state.
//!
//! The plan is a scan of a source's text columns, or of the rows that earlier stages stored, and one
//! projection per level of definitions. The last projection lays the columns out for the sink
//! ([`Layout`]): the row as read, where it stands, what is kept of it, the texts whose unmapped values
//! are listed, and one Boolean per check.

use std::ops::Range;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::Result;
use datafusion::datasource::{TableProvider, provider_as_source};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};

use crate::check::{Input, Kept, ResolvedTable, Stage};
use crate::rule::Check;
use crate::shape::scan::{IDENTITY, ShapedTable, StoredSide, Unit, Work};
use crate::source::Split;
use crate::source::scan::{PROVENANCE, SourceTable};
use crate::transform::Definitions;
use crate::transform::derive::{column, raw_column};

/// What is planned: a table, or a stage before it.
#[derive(Clone, Copy)]
pub struct Step<'a> {
    pub name: &'a str,
    pub input: &'a Input,
    pub columns: &'a [String],
    pub definitions: &'a Definitions,
    pub checks: &'a [Check],
    /// What a stage stores; a table keeps its fields.
    pub kept: Option<&'a [Kept]>,
    /// All stages of the table.
    stages: &'a [Stage],
}

impl<'a> Step<'a> {
    /// A table, from its rows as they come.
    pub fn of_table(table: &'a ResolvedTable) -> Self {
        Step { name: &table.source, input: &table.input, columns: &table.columns, definitions: &table.definitions, checks: &table.checks, kept: None, stages: &table.stages }
    }

    /// The stages of a table, in the order in which they run.
    pub fn of_stages(table: &'a ResolvedTable) -> impl Iterator<Item = Self> {
        table.stages.iter().map(|stage| Step {
            name: &stage.name,
            input: &stage.input,
            columns: &stage.columns,
            definitions: &stage.definitions,
            checks: &stage.checks,
            kept: Some(&stage.kept),
            stages: &table.stages,
        })
    }
}

/// What each partition reads.
#[derive(Debug, Clone)]
pub enum Dealt {
    Splits(Vec<Vec<Split>>),
    Units(Vec<Vec<Unit>>),
}

impl Dealt {
    /// Nothing, for one partition: a plan to be looked at.
    pub fn nothing(input: &Input) -> Dealt {
        match input {
            Input::Source(_) => Dealt::Splits(vec![vec![]]),
            Input::Shaped { .. } => Dealt::Units(vec![vec![]]),
        }
    }

    /// Number of partitions.
    pub fn partitions(&self) -> usize {
        match self {
            Dealt::Splits(dealt) => dealt.len(),
            Dealt::Units(dealt) => dealt.len(),
        }
    }
}

/// A table's plan with the meaning of its columns.
pub struct TablePlan {
    pub logical: LogicalPlan,
    pub layout: Layout,
}

/// Which of the plan's output columns are what, by position.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// The source row as read.
    pub raw: Range<usize>,
    /// `_file, _row, _byte, _flags, _raw`.
    pub provenance: Range<usize>,
    /// The schema's fields, or what a stage stores.
    pub fields: Range<usize>,
    /// Texts of unmapped values: check and column.
    pub texts: Vec<(usize, usize)>,
    /// One Boolean per check.
    pub checks: Range<usize>,
    /// Two numbers that no other row has, in the order of the rows.
    pub identity: [usize; 2],
}

/// Builds the plan of a step over what is dealt to its partitions.
///
/// # Errors
/// DataFusion's, which a checked table does not meet.
pub fn build(step: &Step<'_>, dealt: &Dealt) -> Result<TablePlan> {
    let mut carried: Vec<String> = step.columns.iter().map(|c| raw_column(c)).chain(PROVENANCE.iter().map(|c| c.to_string())).collect();
    let provider: Arc<dyn TableProvider> = match (step.input, dealt) {
        (Input::Source(_), Dealt::Splits(splits)) => Arc::new(SourceTable::new(step.columns.to_vec(), splits.clone())),
        (Input::Shaped { sides, operator, meets, columns, marks }, Dealt::Units(units)) => {
            carried.extend(IDENTITY.iter().map(|c| c.to_string()).chain(marks.iter().map(|m| m.column.clone())));
            let sides = sides.iter().map(|side| stored_side(side, step.stages)).collect();
            Arc::new(ShapedTable::new(Work { sides, operator: operator.clone(), meets: *meets }, columns, marks, units.clone()))
        }
        _ => return datafusion::common::internal_err!("splits are of sources, units of stages"),
    };
    let mut builder = LogicalPlanBuilder::scan(step.name, provider_as_source(provider), None)?;
    let levels = step.definitions.levels().map_err(|names| datafusion::common::plan_datafusion_err!("cyclic definitions {names:?}"))?;
    for level in levels {
        let mut projection: Vec<Expr> = carried.iter().map(|c| column(c)).collect();
        for definition in level {
            projection.push(definition.expr.clone().alias(definition.name.clone()));
            carried.push(definition.name.clone());
        }
        builder = builder.project(projection)?;
    }
    let kept: Vec<Expr> = match step.kept {
        // What is stored may be a column that is there already.
        Some(kept) => kept.iter().enumerate().map(|(n, k)| column(&k.column).alias(format!("o:{n}"))).collect(),
        None => step.definitions.list.iter().filter(|d| d.name.starts_with("f:")).map(|d| column(&d.name)).collect(),
    };
    let listed: Vec<(usize, &String)> = step.checks.iter().enumerate().filter_map(|(i, c)| c.raw.as_ref().map(|raw| (i, raw))).collect();
    let checks = (0..step.checks.len()).map(|n| format!("k:{n}"));
    let raw = 0..step.columns.len();
    let provenance = raw.end..raw.end + PROVENANCE.len();
    let fields = provenance.end..provenance.end + kept.len();
    let mut names: Vec<Expr> = step.columns.iter().map(|c| column(&raw_column(c))).chain(PROVENANCE.iter().map(|c| column(c))).collect();
    names.extend(kept);
    let mut texts = vec![];
    for (check, raw) in listed {
        texts.push((check, names.len()));
        // The same text may be listed for two checks; its name must differ.
        names.push(column(raw).alias(format!("u:{check}")));
    }
    let first = names.len();
    names.extend(checks.map(|k| column(&k)));
    let checks = first..names.len();
    let identity = match step.input {
        Input::Source(_) => [provenance.start, provenance.start + 1],
        Input::Shaped { .. } => [names.len(), names.len() + 1],
    };
    if let Input::Shaped { .. } = step.input {
        names.extend(IDENTITY.iter().map(|c| column(c)));
    }
    let logical = builder.project(names)?.build()?;
    Ok(TablePlan { logical, layout: Layout { raw, provenance, fields, texts, checks, identity } })
}

/// The columns that a stage stores.
pub fn stored_schema(kept: &[Kept]) -> SchemaRef {
    let field = |k: &Kept| Field::new(&k.name, k.kind.map_or(DataType::Decimal128(38, 0), crate::transform::Kind::data_type), true);
    Arc::new(Schema::new(kept.iter().map(field).collect::<Vec<_>>()))
}

/// The rows of one side of an operation: of several stages each column once.
fn stored_side(side: &[usize], stages: &[Stage]) -> StoredSide {
    let stored: Vec<SchemaRef> = side.iter().filter_map(|at| stages.get(*at)).map(|stage| stored_schema(&stage.kept)).collect();
    let mut together: Vec<Arc<Field>> = vec![];
    for field in stored.iter().flat_map(|schema| schema.fields()) {
        if !together.iter().any(|f| f.name() == field.name()) {
            together.push(Arc::clone(field));
        }
    }
    StoredSide { stored, together: Arc::new(Schema::new(together)) }
}
