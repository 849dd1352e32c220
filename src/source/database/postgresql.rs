//! PostgreSQL, by a cursor of a read-only transaction that sees one moment of the database.
//!
//! Rows come as the server writes them (the protocol's text form) after it was told to write ISO 8601, so every type
//! has a text and none needs a decoder here. The password stands in no mapping: it comes from an environment
//! variable or from `.pgpass`, by the rules of PostgreSQL's own programs (documentation, 34.15 and 34.16).

use std::path::Path;

use postgres::config::Host;
use postgres::types::Type;
use postgres::{Client, Config, NoTls, SimpleQueryMessage};

use super::super::record::{Failure, Head, OptionKey, Options, Output, RecordFormat};
use super::{OPTIONS, select};

pub static FORMAT: RecordFormat = RecordFormat {
    names: &["postgresql", "postgres"],
    summary: "A table or query of a PostgreSQL database; `path` is `postgresql://user@host/database`. The password comes from the environment or from `.pgpass`.",
    options: &[
        OPTIONS[0],
        OPTIONS[1],
        OPTIONS[2],
        OPTIONS[3],
        OptionKey { key: "password_env", about: "The environment variable that holds the password; absent: PGPASSWORD, or else the file that PGPASSFILE names, or `~/.pgpass`." },
    ],
    folder: false,
    typed: true,
    errors: &[],
    head: |path, options| {
        let (mut client, sql) = open(path, options)?;
        let columns = columns(&mut client, &sql, options)?;
        Ok(Head { columns: columns.into_iter().map(|(name, _)| name).collect(), ..Head::default() })
    },
    records,
};

/// Rows that are fetched at once.
const FETCHED: usize = 5000;

fn open(path: &Path, options: &Options) -> Result<(Client, String), Failure> {
    let sql = select(options)?;
    let url = path.to_str().unwrap_or_default();
    let mut config: Config = url.parse().map_err(|_| Failure::Head("the path is not of the form `postgresql://user@host/database`".into()))?;
    if config.get_password().is_some() {
        return Err(Failure::Head("the path holds a password; put it into an environment variable (`password_env`) or into `.pgpass`".into()));
    }
    if config.get_user().is_none()
        && let Ok(user) = std::env::var("PGUSER").or_else(|_| std::env::var("USER"))
    {
        config.user(&user);
    }
    if let Some(password) = password(&config, options)? {
        config.password(password);
    }
    config.application_name("cohorte").connect_timeout(std::time::Duration::from_secs(15));
    let mut client = config.connect(NoTls).map_err(|e| plain(&e))?;
    client
        .batch_execute("SET datestyle = 'ISO, YMD'; SET intervalstyle = 'iso_8601'; SET extra_float_digits = 1; SET bytea_output = 'hex'; SET timezone = 'UTC'; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .map_err(|e| plain(&e))?;
    Ok((client, sql))
}

/// What the server or the network says; a message of the server's about a value is cut to its class.
fn plain(error: &postgres::Error) -> Failure {
    let message = match error.as_db_error() {
        // Class 22 quotes the value.
        Some(db) if db.code().code().starts_with("22") => format!("the server cannot compute a row ({})", db.code().code()),
        Some(db) => format!("{} ({})", db.message(), db.code().code()),
        None => std::error::Error::source(error).map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}")),
    };
    Failure::Unreadable(message)
}

fn password(config: &Config, options: &Options) -> Result<Option<String>, Failure> {
    if let Some(name) = options.get("password_env") {
        let name = name.as_str().unwrap_or_default();
        return match std::env::var(name) {
            Ok(password) => Ok(Some(password)),
            Err(_) => Err(Failure::Option { key: "password_env".into(), message: format!("the environment has no variable `{name}`"), near: vec![] }),
        };
    }
    if let Ok(password) = std::env::var("PGPASSWORD") {
        return Ok(Some(password));
    }
    let file = std::env::var_os("PGPASSFILE").map(std::path::PathBuf::from).or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".pgpass")));
    let Some(text) = file.and_then(|f| std::fs::read_to_string(f).ok()) else { return Ok(None) };
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(host)) => host.clone(),
        _ => "localhost".into(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432).to_string();
    let user = config.get_user().unwrap_or_default();
    Ok(pgpass(&text, [&host, &port, config.get_dbname().unwrap_or(user), user]))
}

/// The password of the first line `host:port:database:user:password` that fits; `*` fits all, and a backslash takes away
/// the meaning of what follows it.
fn pgpass(text: &str, wanted: [&str; 4]) -> Option<String> {
    let fields = |line: &str| {
        let (mut fields, mut chars) = (vec![String::new()], line.chars());
        while let Some(c) = chars.next() {
            match c {
                ':' if fields.len() < 5 => fields.push(String::new()),
                '\\' => fields.last_mut()?.push(chars.next()?),
                c => fields.last_mut()?.push(c),
            }
        }
        <[String; 5]>::try_from(fields).ok()
    };
    text.lines().filter(|l| !l.starts_with('#')).filter_map(fields).find_map(|[host, port, database, user, password]| {
        let fits = [host, port, database, user].iter().zip(wanted).all(|(field, wanted)| field == "*" || field == wanted);
        fits.then_some(password)
    })
}

fn columns(client: &mut Client, sql: &str, options: &Options) -> Result<Vec<(String, Type)>, Failure> {
    let statement = client.prepare(sql).map_err(|e| match (plain(&e), e.as_db_error().is_some()) {
        (Failure::Unreadable(message), true) => Failure::Option { key: if options.contains_key("table") { "table" } else { "query" }.into(), message, near: vec![] },
        (other, _) => other,
    })?;
    if statement.columns().is_empty() {
        return Err(super::no_rows());
    }
    Ok(statement.columns().iter().map(|c| (c.name().to_owned(), c.type_().clone())).collect())
}

fn records(path: &Path, options: &Options, out: &mut dyn Output) -> Result<(), Failure> {
    let (mut client, sql) = open(path, options)?;
    let kinds: Vec<Type> = columns(&mut client, &sql, options)?.into_iter().map(|(_, kind)| kind).collect();
    client.batch_execute(&format!("DECLARE cohorte NO SCROLL CURSOR FOR {sql}")).map_err(|e| plain(&e))?;
    let fetch = format!("FETCH {FETCHED} FROM cohorte");
    let mut number = 0u64;
    loop {
        let (messages, before) = (client.simple_query(&fetch).map_err(|e| plain(&e))?, number);
        for message in &messages {
            let SimpleQueryMessage::Row(row) = message else { continue };
            number += 1;
            let cells: Vec<Option<String>> = kinds.iter().enumerate().map(|(at, kind)| row.try_get(at).ok().flatten().and_then(|cell| text(cell, kind))).collect();
            out.record(number, 0, &mut cells.iter().map(Option::as_deref))?;
        }
        if number == before {
            return Ok(());
        }
    }
}

/// A value as the server wrote it, in the form that all sources have.
fn text(cell: &str, kind: &Type) -> Option<String> {
    match *kind {
        _ if cell.is_empty() => None,
        Type::BOOL => Some(if cell == "t" { "true" } else { "false" }.to_owned()),
        Type::TIMESTAMP => Some(cell.replacen(' ', "T", 1)),
        // `+00`, since the server was told to use UTC.
        Type::TIMESTAMPTZ => Some(format!("{}Z", cell.replacen(' ', "T", 1).trim_end_matches("+00"))),
        _ => Some(cell.to_owned()),
    }
}

/// An address without what follows the user's name, for people.
pub fn shown(url: &str) -> String {
    match url.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.split_once('@')?))) {
        Some((scheme, (user, rest))) => format!("{scheme}://{}@{rest}", user.split(':').next().unwrap_or_default()),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{pgpass, shown};

    /// The form of the file is PostgreSQL's documentation, 34.16.
    #[test]
    fn the_first_line_that_fits_has_the_password() {
        let file = "# a comment\ndb:5432:other:reader:one\n*:*:cohort:reader:t\\:wo\\\\\n*:*:*:*:three\n";
        assert_eq!(pgpass(file, ["db", "5432", "cohort", "reader"]).as_deref(), Some("t:wo\\"));
        assert_eq!(pgpass(file, ["db", "5432", "other", "reader"]).as_deref(), Some("one"));
        assert_eq!(pgpass(file, ["elsewhere", "1", "x", "y"]).as_deref(), Some("three"));
        assert_eq!(pgpass("db:5432\n", ["db", "5432", "a", "b"]), None);
    }

    #[test]
    fn an_address_is_shown_without_a_password() {
        assert_eq!(shown("postgresql://reader:secret@host/db"), "postgresql://reader@host/db");
        assert_eq!(shown("postgresql://host/db"), "postgresql://host/db");
    }

    #[test]
    fn a_select_quotes_its_names() {
        let options = |json: &str| match serde_json::from_str(json) {
            Ok(Value::Object(map)) => map,
            _ => panic!("a map"),
        };
        assert_eq!(super::super::select(&options(r#"{"table": "a.b\"c", "only": ["X", "y"], "order_by": "X"}"#)), Ok("SELECT \"X\", \"y\" FROM \"a\".\"b\"\"c\" ORDER BY \"X\"".into()));
        assert!(super::super::select(&options(r#"{"query": "SELECT 1", "only": ["x"]}"#)).is_err());
        assert!(super::super::select(&options("{}")).is_err());
    }
}
