//! Headers of images gathered by series: one small record each, whatever the number of images.

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use super::geometry::{self, Distances};
use super::header::{Header, Pixels, numbers};
use super::wanted::Slot;

/// A series, or an image alone (a series of one).
#[derive(Debug, Clone, Default)]
pub struct Series {
    /// The first of each that is not missing, by [`Slot`], then the elements of `tags`.
    values: Vec<Option<Box<str>>>,
    /// Each image once.
    pub images: u64,
    pub frames: u64,
    /// Images whose pixels are missing or cut off.
    pub incomplete: u64,
    /// An image (by its SOP instance UID) is there more than once.
    pub duplicates: bool,
    pub mixed_patients: bool,
    pub mixed_orientation: Option<bool>,
    pub mixed_size: Option<bool>,
    mixed_pixels: Option<bool>,
    pub contrast: Option<bool>,
    pub regions: Option<u32>,
    orientation: Option<[f64; 6]>,
    spacing: Option<[f64; 2]>,
    size: Option<(Box<str>, Box<str>)>,
    /// Along the normal of the first image.
    positions: Vec<f64>,
    /// Hashes of the UIDs of the images.
    seen: HashSet<u64>,
    hasher: RandomState,
}

impl Series {
    /// One image alone.
    pub fn of(header: Header) -> Series {
        let mut series = Series::default();
        series.add(header);
        series
    }

    /// One more image. An image that is there already changes nothing but the flag.
    pub fn add(&mut self, header: Header) {
        if let Some(uid) = header.get(Slot::InstanceUid)
            && !self.seen.insert(self.hasher.hash_one(uid))
        {
            self.duplicates = true;
            return;
        }
        self.images = self.images.saturating_add(1);
        let frames = header.get(Slot::Frames).and_then(|frames| frames.parse().ok());
        let image = header.get(Slot::Rows).is_some_and(|rows| rows != "0");
        self.frames = self.frames.saturating_add(frames.unwrap_or(u64::from(image)));
        if header.pixels == Pixels::Short || (image && header.pixels == Pixels::Missing) {
            self.incomplete = self.incomplete.saturating_add(1);
        }
        if let (Some(one), Some(other)) = (self.text(Slot::PatientId), header.get(Slot::PatientId)) {
            self.mixed_patients |= one != other;
        }
        self.contrast = match (self.contrast, header.contrast) {
            (Some(one), Some(other)) => Some(one || other),
            (one, other) => one.or(other),
        };
        self.regions = self.regions.or(header.regions);
        self.place(&header);
        if let (Some(rows), Some(columns)) = (header.get(Slot::Rows), header.get(Slot::Columns)) {
            let (first_rows, first_columns) = self.size.get_or_insert_with(|| (rows.into(), columns.into()));
            let differs = **first_rows != *rows || **first_columns != *columns;
            self.mixed_size = Some(differs || self.mixed_size == Some(true));
        }
        if self.values.is_empty() {
            self.values = header.values;
        } else {
            for (value, new) in self.values.iter_mut().zip(header.values) {
                if value.is_none() {
                    *value = new;
                }
            }
        }
    }

    /// Orientation, spacing and positions of one more image.
    fn place(&mut self, header: &Header) {
        for orientation in &header.orientations {
            let first = self.orientation.get_or_insert(*orientation);
            let differs = !geometry::same_orientation(first, orientation);
            self.mixed_orientation = Some(differs || self.mixed_orientation == Some(true));
        }
        for spacing in &header.spacings {
            let first = self.spacing.get_or_insert(*spacing);
            let differs = !geometry::same_spacing(first, spacing);
            self.mixed_pixels = Some(differs || self.mixed_pixels == Some(true));
        }
        if let Some(normal) = self.normal() {
            self.positions.extend(header.positions.iter().map(|position| geometry::along(position, &normal)));
        }
    }

    fn normal(&self) -> Option<[f64; 3]> {
        self.orientation.as_ref().and_then(geometry::normal)
    }

    /// The slices' distances; `None` where they do not lie on one normal.
    pub fn distances(&self) -> Option<Distances> {
        if self.mixed_orientation == Some(true) { None } else { geometry::distances(&self.positions) }
    }

    /// Name of the plane; `None` where there are several.
    pub fn plane(&self) -> Option<&'static str> {
        self.normal().filter(|_| self.mixed_orientation == Some(false)).map(|normal| geometry::plane(&normal))
    }

    /// Whether slices are missing: a distance of more than 1.5 medians. `None` with fewer than three slices, or without positions
    /// on one normal.
    pub fn missing_slices(&self) -> Option<bool> {
        self.distances().and_then(|distances| distances.gap)
    }

    /// Whether distances of slices differ by more than 1 % (and 0.02 mm) from their median, or pixel spacings by more than 1 %.
    /// `None` where there is neither.
    pub fn mixed_spacing(&self) -> Option<bool> {
        match (self.distances().and_then(|distances| distances.mixed), self.mixed_pixels) {
            (Some(one), Some(other)) => Some(one || other),
            (one, other) => one.or(other),
        }
    }

    pub fn text(&self, slot: Slot) -> Option<&str> {
        self.at(slot as usize)
    }

    /// A value by its place.
    pub fn at(&self, place: usize) -> Option<&str> {
        self.values.get(place).and_then(Option::as_deref)
    }

    /// One of several values of an element.
    pub fn part(&self, slot: Slot, part: usize) -> Option<&str> {
        self.text(slot)?.split('\\').nth(part).filter(|part| !part.is_empty())
    }

    /// Coordinate of the image.
    pub fn coordinate(&self, axis: usize) -> Option<Cow<'_, str>> {
        numbers::<3>(self.text(Slot::Position)?)?;
        self.part(Slot::Position, axis).map(Cow::Borrowed)
    }

    /// Of the series, else of its acquisition, else of its content.
    pub fn date(&self) -> Option<&str> {
        let moment = self.text(Slot::AcquisitionDateTime).map(|moment| moment.split_once('T').map_or(moment, |(date, _)| date));
        let date = moment.filter(|date| date.len() == 10 && date.contains('-'));
        self.text(Slot::SeriesDate).or(self.text(Slot::AcquisitionDate)).or(date).or(self.text(Slot::ContentDate))
    }
}
