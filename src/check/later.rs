//! Rules that are judged when rows have been accepted: planned over tables without rows, so that what does not fit shows
//! before a source is read.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field as ArrowField, Schema as ArrowSchema};
use datafusion::datasource::MemTable;
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::config::rule::Rule;
use crate::config::schema::{Schema, Table};
use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::rule::kind::{Asks, PLACE, quoted};

/// The columns of a table as such rules see it.
pub fn columns(table: &Table, fields: &[String]) -> ArrowSchema {
    let place = PLACE.iter().map(|name| ArrowField::new(*name, DataType::Int64, true));
    let site = [ArrowField::new("_site", DataType::Utf8, false)];
    let own = table.fields.iter().filter(|f| fields.contains(&f.name.value)).map(|f| ArrowField::new(&f.name.value, f.storage().data_type(), true));
    ArrowSchema::new(place.chain(site).chain(own).collect::<Vec<_>>())
}

/// The queries of a rule: what may fail is planned.
fn queries(asks: &Asks, table: &Table) -> Vec<String> {
    let name = quoted(&table.name.value);
    match asks {
        Asks::Row { .. } => vec![],
        Asks::Rows(rows) => vec![rows.violating.clone(), format!("SELECT count(*) FROM {name} WHERE {}", rows.applies)],
        Asks::Values(values) => vec![format!("SELECT {} AS v, count(*) FROM {name} GROUP BY v", values.value)],
    }
}

pub fn is_sound(asks: &Asks, rule: &Rule, table: &Table, schema: &Schema, found: &mut Diagnostics) -> bool {
    let Some(needs) = asks.needs() else { return true };
    let config = SessionConfig::new().set_bool("datafusion.sql_parser.enable_ident_normalization", false);
    let context = SessionContext::new_with_config(config);
    for table in &schema.tables {
        if !needs.contains_key(&table.name.value) {
            continue;
        }
        // All fields, so that the engine can say which one was meant.
        let fields: Vec<String> = table.fields.iter().map(|f| f.name.value.clone()).collect();
        let empty = MemTable::try_new(Arc::new(columns(table, &fields)), vec![vec![]]);
        let Ok(_) = empty.and_then(|t| context.register_table(datafusion::common::TableReference::bare(table.name.value.as_str()), Arc::new(t))) else { return false };
    }
    for query in queries(asks, table) {
        // Nothing is read, so nothing is waited for.
        if let Err(error) = futures::executor::block_on(context.sql(&query)) {
            let text = error.strip_backtrace();
            let text = text.lines().next().unwrap_or_default().split(": ").skip(1).collect::<Vec<_>>().join(": ");
            found.push(Diagnostic::error(code::RULE_QUERY, rule.id.span, format!("the rule `{}` does not fit the tables", rule.id.value)).label(text));
            return false;
        }
    }
    true
}
