//! Statistics that tell a coordinator what a rule about single rows cannot: how long patients live and were followed, whether a
//! delivery differs from the last, whether dates and digits were rounded, whether some values are in another unit.
//!
//! Everything here is a pure function of counts or slices. It knows no table and no file, never panics, takes values that are no
//! numbers for absent, and gives the same result for the same counts in whatever order they came together. An alarm goes to a
//! person who then writes to a hospital, so each one needs both an effect that matters and evidence beyond chance.

pub mod heaping;
pub mod probability;
pub mod scale;
pub mod site;
pub mod stability;
pub mod survival;

#[cfg(test)]
mod random;
