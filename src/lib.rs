#![doc = include_str!("../ARCHITECTURE.md")]

pub mod check;
pub mod compare;
pub mod config;
pub mod diagnostic;
pub mod error;
pub mod execute;
pub mod function;
pub mod guide;
pub mod plan;
pub mod profile;
pub mod report;
pub mod rule;
pub mod shape;
pub mod source;
pub mod testing;
pub mod transform;
