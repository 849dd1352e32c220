//! [`ResolvedTable`] → DataFusion's `LogicalPlan`. Pure: no I/O, no state.
//!
//! The plan is a scan of the source's text columns and one projection per level of definitions.
//! The last projection lays the columns out for the sink ([`Layout`]): the row as read, where it
//! stands, the fields, the texts whose unmapped values are listed, and one Boolean per check.

use std::ops::Range;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};

use crate::check::ResolvedTable;
use crate::source::scan::{PROVENANCE, SourceTable};
use crate::source::Split;
use crate::transform::derive::{column, raw_column};

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
    /// The schema's fields.
    pub fields: Range<usize>,
    /// Texts of unmapped values: check and column.
    pub texts: Vec<(usize, usize)>,
    /// One Boolean per check.
    pub checks: Range<usize>,
}

/// Builds the plan of a table over the given splits, one list per partition.
///
/// # Errors
/// DataFusion's, which a checked table does not meet.
pub fn build(table: &ResolvedTable, splits: Vec<Vec<Split>>) -> Result<TablePlan> {
    let source = SourceTable::new(table.columns.clone(), splits);
    let mut builder = LogicalPlanBuilder::scan(table.source.as_str(), provider_as_source(Arc::new(source)), None)?;
    let mut carried: Vec<String> = table.columns.iter().map(|c| raw_column(c)).chain(PROVENANCE.iter().map(|c| c.to_string())).collect();
    let levels = table.definitions.levels().map_err(|names| datafusion::common::plan_datafusion_err!("cyclic definitions {names:?}"))?;
    for level in levels {
        let mut projection: Vec<Expr> = carried.iter().map(|c| column(c)).collect();
        for definition in level {
            projection.push(definition.expr.clone().alias(definition.name.clone()));
            carried.push(definition.name.clone());
        }
        builder = builder.project(projection)?;
    }
    let fields: Vec<String> = table.definitions.list.iter().filter(|d| d.name.starts_with("f:")).map(|d| d.name.clone()).collect();
    let listed: Vec<(usize, &String)> = table.checks.iter().enumerate().filter_map(|(i, c)| c.raw.as_ref().map(|raw| (i, raw))).collect();
    let checks = (0..table.checks.len()).map(|n| format!("k:{n}"));
    let raw = 0..table.columns.len();
    let provenance = raw.end..raw.end + PROVENANCE.len();
    let field_range = provenance.end..provenance.end + fields.len();
    let mut names: Vec<Expr> = table.columns.iter().map(|c| column(&raw_column(c))).chain(PROVENANCE.iter().map(|c| column(c))).collect();
    names.extend(fields.iter().map(|f| column(f)));
    let mut texts = vec![];
    for (check, raw) in listed {
        texts.push((check, names.len()));
        // The same text may be listed for two checks; its name must differ.
        names.push(column(raw).alias(format!("u:{check}")));
    }
    let first = names.len();
    names.extend(checks.map(|k| column(&k)));
    let checks = first..names.len();
    let logical = builder.project(names)?.build()?;
    Ok(TablePlan { logical, layout: Layout { raw, provenance, fields: field_range, texts, checks } })
}
