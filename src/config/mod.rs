//! The documents as written: schema, mapping, pipeline, each value with its place.
//!
//! Nothing here knows what a date or a unit is; that is [`crate::check`]'s work. Mistakes of form
//! are collected, never thrown, so that one run shows all of them.

pub mod codes;
pub mod csv;
pub mod cases;
pub mod endpoint;
pub mod mapping;
pub mod pack;
pub mod pipeline;
pub mod project;
pub mod read;
pub mod reuse;
pub mod rule;
pub mod schema;
pub mod shape;
pub mod yaml;

pub use read::{Name, Spanned, check_name};
