//! Databases: a table or query of PostgreSQL or SQLite, read row by row in a read-only transaction.

mod postgresql;
mod sqlite;

pub use postgresql::{FORMAT as POSTGRESQL, shown};
pub use sqlite::FORMAT as SQLITE;

use serde_json::Value;

use super::record::{Failure, OptionKey, Options};

const OPTIONS: [OptionKey; 4] = [
    OptionKey { key: "table", about: "The table or view, as `name` or `schema.name`." },
    OptionKey { key: "query", about: "In its place a query: one SELECT. Without an order of its own, rows come in the order of the database." },
    OptionKey { key: "only", about: "The columns of the table that are read; absent: all." },
    OptionKey { key: "order_by", about: "Columns of the table by which rows are ordered, so that a run can be repeated." },
];

/// The SELECT that the options come to.
fn select(options: &Options) -> Result<String, Failure> {
    let wrong = |key: &str, message: &str| Failure::Option { key: key.into(), message: message.into(), near: vec![] };
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let list = |key: &str| -> Result<Option<Vec<String>>, Failure> {
        match options.get(key) {
            None => Ok(None),
            Some(Value::String(one)) => Ok(Some(vec![quoted(one)])),
            Some(Value::Array(all)) if !all.is_empty() && all.iter().all(Value::is_string) => Ok(Some(all.iter().filter_map(Value::as_str).map(quoted).collect())),
            Some(_) => Err(wrong(key, "a list of columns is expected")),
        }
    };
    match (options.get("table"), options.get("query")) {
        (Some(Value::String(table)), None) => {
            let table = table.split('.').map(quoted).collect::<Vec<_>>().join(".");
            let columns = list("only")?.map_or("*".to_owned(), |c| c.join(", "));
            let order = list("order_by")?.map_or(String::new(), |c| format!(" ORDER BY {}", c.join(", ")));
            Ok(format!("SELECT {columns} FROM {table}{order}"))
        }
        (None, Some(Value::String(query))) => {
            for key in ["only", "order_by"] {
                if options.contains_key(key) {
                    return Err(wrong(key, "a query says itself which columns it gives, and in which order"));
                }
            }
            Ok(query.trim().trim_end_matches(';').to_owned())
        }
        (Some(_), Some(_)) => Err(wrong("query", "`table` or `query`, not both")),
        _ => Err(wrong("table", "say what is read: `table: patients`, or `query: SELECT …`")),
    }
}

/// A statement that gives no rows is none that is read.
fn no_rows() -> Failure {
    Failure::Option { key: "query".into(), message: "the query gives no rows; a source is read by a SELECT".into(), near: vec![] }
}
