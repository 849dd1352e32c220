//! What the author of a mapping reads: the reference, the documents' JSON Schemas, and the derivation
//! of one field in words. All of it is made from the registries, so that it cannot fall behind them.

pub mod explain;
pub mod json_schema;
pub mod keys;
pub mod language;
pub mod reference;
mod report_schema;
mod shapes;
mod words;
