//! In the place of the databases, which are read by libraries of their own.

use crate::record::{Failure, Head, RecordFormat};

const NONE: RecordFormat = RecordFormat { names: &[], summary: "", options: &[], folder: false, typed: false, errors: &[], head: |_, _| Ok(Head::default()), records: |_, _, _| Err(Failure::Empty) };

pub static POSTGRESQL: RecordFormat = NONE;
pub static SQLITE: RecordFormat = NONE;
