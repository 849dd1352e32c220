//! What ends a run, and with which exit code.
//!
//! Mistakes in documents are [`crate::diagnostic::Diagnostic`]s, and a bad row is a Reason; an
//! [`Error`] is what neither can be: a source that cannot be read, an environment that does not
//! let us work, an interrupt, a bug.

use std::fmt;

use datafusion::common::DataFusionError;

use crate::diagnostic::{Code, code};

/// Exit codes of the program; a contract.
pub mod exit {
    pub const DONE: u8 = 0;
    /// Done, outputs written, but the data fails a threshold of the schema.
    pub const FAILED_THRESHOLD: u8 = 1;
    /// The YAML or the command line is wrong; nothing was read.
    pub const WRONG_INPUT: u8 = 2;
    /// A source cannot be read.
    pub const SOURCE: u8 = 3;
    /// Disk, permission, memory, key.
    pub const ENVIRONMENT: u8 = 4;
    /// A bug of ours.
    pub const BUG: u8 = 70;
    /// Interrupted, as shells count: 128 + the signal.
    pub const INTERRUPTED: u8 = 130;
    pub const TERMINATED: u8 = 143;
}

/// Why a run ended early.
#[derive(Debug)]
pub enum Error {
    /// A source cannot be read: code and what happened, without any cell's value.
    Source { code: Code, message: String },
    /// The environment does not let us work.
    Environment { message: String, help: Option<String> },
    /// The command line names something that is not what it should be.
    CommandLine { message: String, help: Option<String> },
    /// SIGINT or SIGTERM.
    Interrupted { signal: u8 },
    /// Something that cannot happen did.
    Bug { message: String },
}

impl Error {
    /// A failure of disk, permission or memory.
    pub fn environment(doing: &str, error: impl fmt::Display) -> Self {
        Error::Environment { message: format!("{doing}: {error}"), help: None }
    }

    /// A failure of the environment with its remedy.
    pub fn environment_help(message: impl Into<String>, help: impl Into<String>) -> Self {
        Error::Environment { message: message.into(), help: Some(help.into()) }
    }

    /// The command line names something that is not what it should be, with what to name instead.
    pub fn command_line(message: impl Into<String>, help: impl Into<String>) -> Self {
        Error::CommandLine { message: message.into(), help: Some(help.into()) }
    }

    /// A source that cannot be read.
    pub fn source(code: Code, message: impl Into<String>) -> Self {
        Error::Source { code, message: message.into() }
    }

    /// A row that must not fail, but does.
    pub fn policy_fail(file: &str, row: i64, field: Option<&str>, rule: &str) -> Self {
        let field = field.map_or(String::new(), |f| format!(" of the field `{f}`"));
        Error::source(code::POLICY_FAIL, format!("{file}, row {row}: `{rule}`{field} failed, and the mapping says `fail`"))
    }

    /// The program's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Source { .. } => exit::SOURCE,
            Error::Environment { .. } => exit::ENVIRONMENT,
            Error::CommandLine { .. } => exit::WRONG_INPUT,
            Error::Interrupted { signal: 15 } => exit::TERMINATED,
            Error::Interrupted { .. } => exit::INTERRUPTED,
            Error::Bug { .. } => exit::BUG,
        }
    }

    /// Carries this error through DataFusion's operators.
    pub fn into_datafusion(self) -> DataFusionError {
        DataFusionError::External(Box::new(self))
    }
}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
        match error {
            DataFusionError::External(inner) => match inner.downcast::<Error>() {
                Ok(ours) => *ours,
                Err(other) => Error::Bug { message: redacted(&other.to_string()) },
            },
            DataFusionError::Context(_, inner) => Error::from(*inner),
            DataFusionError::Shared(inner) => match std::sync::Arc::try_unwrap(inner) {
                Ok(inner) => Error::from(inner),
                Err(shared) => Error::from_shared(&shared),
            },
            DataFusionError::ResourcesExhausted(message) => exhausted(&message),
            DataFusionError::IoError(error) => Error::environment("input or output", error),
            other => Error::Bug { message: redacted(&other.strip_backtrace()) },
        }
    }
}

fn exhausted(message: &str) -> Error {
    Error::environment_help(format!("not enough memory: {message}"), "give it more with `--memory`, or fewer partitions with `--partitions`")
}

/// An engine's error text without what it quotes: that may be a patient's value.
fn redacted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\'', '"', '`']) {
        let (before, quoted) = rest.split_at(at);
        out.push_str(before);
        let mut inside = quoted.chars();
        let mark = inside.next().unwrap_or_default();
        let Some((_, after)) = inside.as_str().split_once(mark) else {
            // A quote that does not close: the rest may be inside it.
            out.push('…');
            return out;
        };
        out.push('…');
        rest = after;
    }
    out.push_str(rest);
    out
}

impl Error {
    fn from_shared(shared: &DataFusionError) -> Error {
        match shared.find_root() {
            DataFusionError::External(inner) => match inner.downcast_ref::<Error>() {
                Some(Error::Source { code, message }) => Error::Source { code: *code, message: message.clone() },
                Some(Error::Environment { message, help }) => Error::Environment { message: message.clone(), help: help.clone() },
                Some(Error::CommandLine { message, help }) => Error::CommandLine { message: message.clone(), help: help.clone() },
                Some(Error::Interrupted { signal }) => Error::Interrupted { signal: *signal },
                Some(Error::Bug { message }) => Error::Bug { message: message.clone() },
                None => Error::Bug { message: redacted(&inner.to_string()) },
            },
            DataFusionError::ResourcesExhausted(message) => exhausted(message),
            DataFusionError::IoError(error) => Error::environment("input or output", error),
            other => Error::Bug { message: redacted(&other.strip_backtrace()) },
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Source { code, message } => write!(f, "error[{}]: {message}", code.id),
            Error::Environment { message, help } | Error::CommandLine { message, help } => {
                write!(f, "error: {message}")?;
                help.as_ref().map_or(Ok(()), |h| write!(f, "\n  = help: {h}"))
            }
            Error::Interrupted { .. } => write!(f, "interrupted: nothing was written"),
            Error::Bug { message } => write!(f, "bug: {message}\n  = help: this should not happen; please report it with the command line and the version"),
        }
    }
}

impl std::error::Error for Error {}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Error::Bug { message: format!("a number that JSON cannot hold: {error}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_values_are_no_part_of_a_bug() {
        assert_eq!(redacted("Cannot cast string 'Dupont' to value of Int64 type"), "Cannot cast string … to value of Int64 type");
        assert_eq!(redacted("parse \"1''2\" and 'l’été"), "parse … and …");
        assert_eq!(redacted("no quotes"), "no quotes");
    }
}
