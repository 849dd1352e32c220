//! The words of a derivation: what `from`, `map`, `date`, `unit` … mean.
//!
//! A [`Transform`] is one word of the YAML with its place in the derivation, whether it can fail,
//! and how it lowers to DataFusion expressions over the source's text columns. One family a file;
//! [`REGISTRY`] has one line each. The row-wise work itself is done by [`crate::function`].
//!
//! A step that can fail gives null on failure and notes a [`derive::Failure`]: the plan derives
//! the Reason from "input present and output null", so nothing needs an error channel.

pub mod derive;
mod age;
mod analyte;
mod bins;
mod boolean;
mod clean;
mod comparator;
mod date;
mod definitions;
pub mod endpoint;
mod map;
mod matching;
mod names;
mod number;
mod origin;
mod pseudonym;
mod row_unit;
mod sql;
mod unit;

pub use clean::STEPS as CLEAN_STEPS;
pub use date::dates_are_sound;
pub use definitions::Definitions;
pub use derive::{Derive, Failure, Kind, Typed};
pub use names::{Column, Names};
pub use sql::{SqlScope, condition};
pub use unit::{is_unit, unknown_unit};

use crate::config::yaml::Node;

/// Where a word stands in a derivation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Says where the value comes from; a derivation has exactly one.
    Origin,
    /// Changes the value; steps run in the registry's order.
    Step,
    /// Read by another word (`born` by `age_at`).
    Companion,
}

/// One word of the derivation language.
pub struct Transform {
    /// The YAML key.
    pub key: &'static str,
    pub role: Role,
    /// Whether a present value can come out missing, so that a policy is needed.
    pub fallible: bool,
    /// One sentence for the reference.
    pub summary: &'static str,
    /// A derivation that uses it.
    pub example: &'static str,
    /// Lowers the word; `None` after a finding.
    pub lower: fn(&mut Derive<'_>, &Node) -> Option<()>,
}

/// Every word, origins first, then the steps in the order in which they run.
pub static REGISTRY: &[&Transform] = &[
    &origin::FROM,
    &origin::COALESCE,
    &origin::VALUE,
    &sql::SQL,
    &age::AGE_AT,
    &date::PRECISION_OF,
    &comparator::COMPARATOR_OF,
    &endpoint::ENDPOINT,
    &origin::IMPOSSIBLE,
    &origin::UNDETERMINED,
    &clean::CLEAN,
    &map::MAP,
    &matching::MATCH,
    &boolean::BOOLEAN,
    &date::DATE,
    &number::INTERVAL,
    &number::NUMBER,
    &unit::UNIT,
    &bins::BINS,
    &pseudonym::PSEUDONYM,
    &clean::NULL,
    &age::BORN,
    &date::PIVOT,
    &date::PARTIAL,
    &date::ZONE,
    &comparator::COMPARATOR,
    &analyte::ANALYTE,
    &map::CONCEPT_MAP,
    &map::USE,
    &endpoint::GIVE,
    &map::UNMAPPED,
    &map::IGNORE_CASE,
    &bins::CLOSED,
    &origin::ON_ERROR,
];

/// For words that others read.
fn nothing(_: &mut Derive<'_>, _: &Node) -> Option<()> {
    Some(())
}
