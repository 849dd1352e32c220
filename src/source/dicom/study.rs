//! Series gathered by study.

use std::collections::BTreeSet;

use super::series::Series;
use super::wanted::Slot;

/// A study: its series, in their order.
#[derive(Debug, Clone, Default)]
pub struct Study {
    pub series: Vec<Series>,
}

impl Study {
    /// The first that is not missing.
    pub fn text(&self, slot: Slot) -> Option<&str> {
        self.at(slot as usize)
    }

    pub fn at(&self, place: usize) -> Option<&str> {
        self.series.iter().find_map(|series| series.at(place))
    }

    /// All different ones, sorted and joined by `|`.
    pub fn joined(&self, slot: Slot) -> Option<String> {
        let values: BTreeSet<&str> = self.series.iter().filter_map(|series| series.text(slot)).collect();
        (!values.is_empty()).then(|| values.into_iter().collect::<Vec<_>>().join("|"))
    }

    pub fn sum(&self, of: fn(&Series) -> u64) -> u64 {
        self.series.iter().map(of).fold(0, u64::saturating_add)
    }

    /// Whether a flag is true of one of the series; `None` where it is missing of all.
    pub fn any(&self, flag: fn(&Series) -> Option<bool>) -> Option<bool> {
        self.series.iter().filter_map(flag).reduce(|one, other| one || other)
    }

    /// Whether the images are of more than one patient.
    pub fn mixed_patients(&self) -> bool {
        let first = self.text(Slot::PatientId);
        self.series.iter().any(|series| series.mixed_patients || (series.text(Slot::PatientId).is_some() && series.text(Slot::PatientId) != first))
    }
}
