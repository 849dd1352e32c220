//! One test binary: the DataFusion stack is linked once.

mod support;

mod browser;
mod report;
mod sample;
mod cli;
mod codes;
mod cohorts;
mod conformance;
mod databases;
mod deliveries;
mod diagnostics;
mod foreign_keys;
mod formats;
mod documents;
mod guide;
mod layering;
mod plans;
mod proof;
mod properties;
mod public_cohorts;
mod report_schema;
mod reuse;
mod rules;
mod safety;
mod shapes;
mod signals;
mod spec;
mod ucum;
