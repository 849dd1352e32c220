//! SQLite: a database in a file.

use std::io::Read;
use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

use super::super::guard::guarded;
use super::super::record::{Damage, Failure, Head, Options, Output, RecordFormat};
use super::{OPTIONS, select};

pub static FORMAT: RecordFormat = RecordFormat {
    names: &["sqlite"],
    summary: "A table or query of a SQLite database file.",
    options: &OPTIONS,
    folder: false,
    typed: true,
    errors: &[],
    head: |path, options| guarded("the database", || {
        let (connection, sql) = open(path, options)?;
        let statement = connection.prepare(&sql).map_err(|e| told(&connection, path, options, &e))?;
        if statement.column_count() == 0 {
            return Err(super::no_rows());
        }
        Ok(Head { columns: statement.column_names().map(str::to_owned).collect(), ..Head::default() })
    }),
    records: |path, options, out| guarded("the database", || records(path, options, out)),
};

fn open(path: &Path, options: &Options) -> Result<(Connection, String), Failure> {
    let sql = select(options)?;
    let mut begin = [0; 16];
    let got = std::fs::File::open(path).and_then(|mut f| f.read(&mut begin)).map_err(|e| Failure::Unreadable(e.to_string()))?;
    if got == 0 {
        return Err(Failure::Empty);
    }
    if !begin.starts_with(b"SQLite format 3\0") {
        return Err(Failure::NotThis { is: "not a SQLite database (or an encrypted one)".into(), help: "leave `format` out if it is delimited text".into() });
    }
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(|e| plain(&e))?;
    connection.execute_batch("PRAGMA query_only = ON; BEGIN").map_err(|e| plain(&e))?;
    Ok((connection, sql))
}

/// What went wrong, without the text of a cell: the library's message is about the statement or the file.
fn plain(error: &rusqlite::Error) -> Failure {
    Failure::Unreadable(match error {
        rusqlite::Error::SqliteFailure(code, message) => message.clone().unwrap_or_else(|| code.to_string()),
        other => other.to_string(),
    })
}

/// The same, with the tables that there are where one was not found.
fn told(connection: &Connection, path: &Path, options: &Options, error: &rusqlite::Error) -> Failure {
    let key = if options.contains_key("table") { "table" } else { "query" };
    let tables = || -> rusqlite::Result<Vec<String>> {
        let mut statement = connection.prepare("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name")?;
        statement.query_map([], |row| row.get(0))?.collect()
    };
    match plain(error) {
        Failure::Unreadable(message) => Failure::Option { key: key.into(), message: format!("`{}`: {message}", path.file_name().map_or("", |n| n.to_str().unwrap_or_default())), near: tables().unwrap_or_default() },
        other => other,
    }
}

fn records(path: &Path, options: &Options, out: &mut dyn Output) -> Result<(), Failure> {
    let (connection, sql) = open(path, options)?;
    let mut statement = connection.prepare(&sql).map_err(|e| told(&connection, path, options, &e))?;
    let width = statement.column_count();
    let mut rows = statement.query([]).map_err(|e| plain(&e))?;
    let (mut number, mut cells) = (0u64, vec![]);
    while let Some(row) = rows.next().map_err(|e| plain(&e))? {
        number += 1;
        cells.clear();
        let mut is_text = true;
        for at in 0..width {
            cells.push(match row.get_ref(at).map_err(|e| plain(&e))? {
                ValueRef::Null => None,
                ValueRef::Integer(n) => Some(n.to_string()),
                ValueRef::Real(n) => Some(n.to_string()),
                // As PostgreSQL writes bytes.
                ValueRef::Blob(bytes) if std::str::from_utf8(bytes).is_err() => Some(format!("\\x{}", bytes.iter().map(|b| format!("{b:02x}")).collect::<String>())),
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                    is_text &= std::str::from_utf8(bytes).is_ok();
                    Some(String::from_utf8_lossy(bytes).into_owned()).filter(|t| !t.is_empty())
                }
            });
        }
        if is_text {
            out.record(number, 0, &mut cells.iter().map(Option::as_deref))?;
        } else {
            let raw: Vec<&str> = cells.iter().map(|c| c.as_deref().unwrap_or_default()).collect();
            out.damaged(number, 0, Damage::Unreadable, &raw.join("\t"), &mut std::iter::empty())?;
        }
    }
    Ok(())
}
