//! Formats that are text with a structure of their own: HL7 v2 messages, lines of fixed width, REDCap's exports and the pivot files of
//! OSIRIS; and what they share: character sets, options, rows of CSV.

mod charset;
#[cfg(test)]
mod collect;
mod fixed_width;
mod hl7;
mod options;
mod osiris;
mod redcap;
mod table;

use super::record;

pub use fixed_width::FORMAT as FIXED_WIDTH;
pub use hl7::FORMAT as HL7;
pub use osiris::FORMAT as OSIRIS;
pub use redcap::FORMAT as REDCAP;
