//! The columns of each level.
//!
//! Most are an element of the standard under its own name, or a shorter one: `body_part` (Body Part Examined), `model`
//! (Manufacturer's Model Name), `kvp` (KVP), `exposure` (in mAs), `tube_current` (mA), `exposure_time` (ms), `laterality` (also
//! Image Laterality), `spacing_between_slices`, `slice_thickness` and `pixel_spacing_…` (mm, also of the functional groups of
//! multi-frame images). The others:
//!
//! * `series_date`: the date of the series, else of its acquisition, else of its content.
//! * `images`, `frames`: each SOP instance UID counts once; an image without a number of frames has one.
//! * `orientation`: `axial`, `coronal` or `sagittal` where the normal of the slices is at most 26 degrees off that axis of the
//!   patient, else `oblique`; missing where slices differ.
//! * `first_position`, `last_position`, `slice_distance`: lowest and highest position of a slice along the normal, and the median
//!   distance of neighbours, in mm.
//! * `missing_slices`: a distance of neighbours is more than 1.5 times the median. Missing with fewer than three slices or
//!   without a common normal.
//! * `mixed_spacing`: a distance differs from the median by more than 1 % (and 0.02 mm), or a pixel spacing by more than 1 % from
//!   that of the first image. `mixed_orientation`: a direction cosine differs by more than 0.001. `mixed_size`: rows or columns
//!   differ. `mixed_patients`: patient identifiers differ.
//! * `duplicate_instances`: an image is there more than once. `incomplete_images`: so many lack pixels, or some of them.
//! * `contrast_agent`: true if an agent is named (other than `NONE`, `NO`), false if the element says none or is empty, missing if
//!   there is no such element.
//! * `lossy`: whether the image was ever compressed with loss.
//! * `us_regions`: calibrated regions of the first ultrasound image that has some; `us_delta_x`, `us_delta_y`: size of a pixel in
//!   the first of them, in `us_unit`.

use std::borrow::Cow;

use super::series::Series;
use super::study::Study;
use super::wanted::Slot;

/// A column: its name, and its cell by what was gathered.
pub type Column<T> = (&'static str, for<'a> fn(&'a T) -> Option<Cow<'a, str>>);

fn text(value: Option<&str>) -> Option<Cow<'_, str>> {
    value.map(Cow::Borrowed)
}

fn flag(value: Option<bool>) -> Option<Cow<'static, str>> {
    value.map(|value| Cow::Borrowed(if value { "true" } else { "false" }))
}

fn count(value: u64) -> Option<Cow<'static, str>> {
    Some(Cow::Owned(value.to_string()))
}

/// In mm, to a nanometre: what is computed has noise beyond it.
fn length(value: Option<f64>) -> Option<Cow<'static, str>> {
    value.filter(|v| v.abs() < 1e9).map(|value| Cow::Owned(((value * 1e6).round() / 1e6 + 0.0).to_string()))
}

/// `00` and `01` of Lossy Image Compression (PS3.3 C.7.6.1.1.5).
fn lossy(series: &Series) -> Option<bool> {
    match series.text(Slot::Lossy)? {
        "00" | "0" => Some(false),
        "01" | "1" => Some(true),
        _ => None,
    }
}

/// Unit of the physical deltas of an ultrasound region (PS3.3 C.8.5.5.1.15).
fn unit(series: &Series) -> Option<Cow<'_, str>> {
    const UNITS: [&str; 13] = ["none", "percent", "dB", "cm", "s", "Hz", "dB/s", "cm/s", "cm2", "cm2/s", "cm3", "cm3/s", "degree"];
    let code: usize = series.text(Slot::RegionUnit)?.parse().ok()?;
    UNITS.get(code).map(|unit| Cow::Borrowed(*unit))
}

/// One record a series. A value that may differ from image to image is that of the first image that has one.
pub static SERIES: &[Column<Series>] = &[
    ("study_uid", |s| text(s.text(Slot::StudyUid))),
    ("series_uid", |s| text(s.text(Slot::SeriesUid))),
    ("patient_id", |s| text(s.text(Slot::PatientId))),
    ("study_date", |s| text(s.text(Slot::StudyDate))),
    ("series_date", |s| text(s.date())),
    ("series_number", |s| text(s.text(Slot::SeriesNumber))),
    ("modality", |s| text(s.text(Slot::Modality))),
    ("sop_class_uid", |s| text(s.text(Slot::SopClass))),
    ("transfer_syntax", |s| text(s.text(Slot::TransferSyntax))),
    ("image_type", |s| text(s.text(Slot::ImageType))),
    ("body_part", |s| text(s.text(Slot::BodyPart))),
    ("laterality", |s| text(s.text(Slot::Laterality))),
    ("view_position", |s| text(s.text(Slot::ViewPosition))),
    ("patient_position", |s| text(s.text(Slot::PatientPosition))),
    ("manufacturer", |s| text(s.text(Slot::Manufacturer))),
    ("model", |s| text(s.text(Slot::Model))),
    ("images", |s| count(s.images)),
    ("frames", |s| count(s.frames)),
    ("rows", |s| text(s.text(Slot::Rows))),
    ("columns", |s| text(s.text(Slot::Columns))),
    ("bits_stored", |s| text(s.text(Slot::BitsStored))),
    ("photometric_interpretation", |s| text(s.text(Slot::Photometric))),
    ("lossy", |s| flag(lossy(s))),
    ("pixel_spacing_row", |s| text(s.part(Slot::PixelSpacing, 0))),
    ("pixel_spacing_column", |s| text(s.part(Slot::PixelSpacing, 1))),
    ("slice_thickness", |s| text(s.text(Slot::SliceThickness))),
    ("spacing_between_slices", |s| text(s.text(Slot::SliceSpacing))),
    ("slice_distance", |s| length(s.distances().and_then(|d| d.median))),
    ("first_position", |s| length(s.distances().map(|d| d.first))),
    ("last_position", |s| length(s.distances().map(|d| d.last))),
    ("orientation", |s| text(s.plane())),
    ("rescale_slope", |s| text(s.text(Slot::RescaleSlope))),
    ("rescale_intercept", |s| text(s.text(Slot::RescaleIntercept))),
    ("contrast_agent", |s| flag(s.contrast)),
    ("kvp", |s| text(s.text(Slot::Kvp))),
    ("tube_current", |s| text(s.text(Slot::TubeCurrent))),
    ("exposure_time", |s| text(s.text(Slot::ExposureTime))),
    ("exposure", |s| text(s.text(Slot::Exposure))),
    ("convolution_kernel", |s| text(s.text(Slot::Kernel))),
    ("reconstruction_diameter", |s| text(s.text(Slot::Diameter))),
    ("gantry_tilt", |s| text(s.text(Slot::GantryTilt))),
    ("magnetic_field_strength", |s| text(s.text(Slot::FieldStrength))),
    ("scanning_sequence", |s| text(s.text(Slot::ScanningSequence))),
    ("repetition_time", |s| text(s.text(Slot::RepetitionTime))),
    ("echo_time", |s| text(s.text(Slot::EchoTime))),
    ("flip_angle", |s| text(s.text(Slot::FlipAngle))),
    ("us_regions", |s| s.regions.and_then(|regions| count(regions.into()))),
    ("us_delta_x", |s| text(s.text(Slot::RegionDeltaX))),
    ("us_delta_y", |s| text(s.text(Slot::RegionDeltaY))),
    ("us_unit", unit),
    ("missing_slices", |s| flag(s.missing_slices())),
    ("mixed_spacing", |s| flag(s.mixed_spacing())),
    ("mixed_orientation", |s| flag(s.mixed_orientation)),
    ("mixed_size", |s| flag(s.mixed_size)),
    ("mixed_patients", |s| flag(Some(s.mixed_patients))),
    ("duplicate_instances", |s| flag(Some(s.duplicates))),
    ("incomplete_images", |s| count(s.incomplete)),
];

/// What an image has beside or instead of what its series has.
pub static INSTANCE: &[Column<Series>] = &[
    ("sop_instance_uid", |s| text(s.text(Slot::InstanceUid))),
    ("instance_number", |s| text(s.text(Slot::InstanceNumber))),
    ("acquisition_number", |s| text(s.text(Slot::AcquisitionNumber))),
    ("acquisition_date", |s| text(s.text(Slot::AcquisitionDate))),
    ("content_date", |s| text(s.text(Slot::ContentDate))),
    ("position_x", |s| s.coordinate(0)),
    ("position_y", |s| s.coordinate(1)),
    ("position_z", |s| s.coordinate(2)),
    ("slice_position", |s| length(s.distances().map(|d| d.first))),
    ("incomplete", |s| flag(Some(s.incomplete > 0))),
];

/// Columns of a series that say nothing of one image.
const OF_SEVERAL: &[&str] = &[
    "images", "slice_distance", "first_position", "last_position", "missing_slices", "mixed_spacing", "mixed_orientation", "mixed_size", "mixed_patients",
    "duplicate_instances", "incomplete_images",
];

/// One record an image.
pub fn of_instances() -> Vec<Column<Series>> {
    let shared = SERIES.iter().filter(|(name, _)| !OF_SEVERAL.contains(name));
    shared.chain(INSTANCE).copied().collect()
}

/// One record a study. The flags are true if they are of one of its series.
pub static STUDY: &[Column<Study>] = &[
    ("study_uid", |s| text(s.text(Slot::StudyUid))),
    ("patient_id", |s| text(s.text(Slot::PatientId))),
    ("study_date", |s| text(s.text(Slot::StudyDate))),
    ("modalities", |s| s.joined(Slot::Modality).map(Cow::Owned)),
    ("body_parts", |s| s.joined(Slot::BodyPart).map(Cow::Owned)),
    ("series", |s| count(s.series.len() as u64)),
    ("images", |s| count(s.sum(|series| series.images))),
    ("frames", |s| count(s.sum(|series| series.frames))),
    ("missing_slices", |s| flag(s.any(Series::missing_slices))),
    ("mixed_spacing", |s| flag(s.any(Series::mixed_spacing))),
    ("mixed_orientation", |s| flag(s.any(|series| series.mixed_orientation))),
    ("mixed_size", |s| flag(s.any(|series| series.mixed_size))),
    ("mixed_patients", |s| flag(Some(s.mixed_patients()))),
    ("duplicate_instances", |s| flag(s.any(|series| Some(series.duplicates)))),
    ("incomplete_images", |s| count(s.sum(|series| series.incomplete))),
];
