//! The elements that are read of a data set: a fixed list, and what the option `tags` names.
//!
//! Nothing else is looked at. So of the elements that can tell who a person is (PS3.15 table E.1-1: names, addresses, other
//! identifiers, physicians, institutions, accession numbers, descriptions and comments) only those get into a table that the
//! mapping names; the fixed list has the patient's identifier and the dates, which a mapping pseudonymises or shifts.

use dicom_core::VR;
use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry, VirtualVr};
use dicom_core::header::Tag;
use dicom_dictionary_std::StandardDataDictionary;

use super::super::record::Failure;
use super::value::Vr;

/// A place in the values of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    MediaClass,
    TransferSyntax,
    ImageType,
    SopClass,
    InstanceUid,
    StudyDate,
    SeriesDate,
    AcquisitionDate,
    ContentDate,
    AcquisitionDateTime,
    Modality,
    Manufacturer,
    Model,
    PatientId,
    BodyPart,
    ScanningSequence,
    SliceThickness,
    Kvp,
    RepetitionTime,
    EchoTime,
    FieldStrength,
    SliceSpacing,
    Diameter,
    GantryTilt,
    ExposureTime,
    TubeCurrent,
    Exposure,
    Kernel,
    FlipAngle,
    PatientPosition,
    ViewPosition,
    RegionUnit,
    RegionDeltaX,
    RegionDeltaY,
    StudyUid,
    SeriesUid,
    SeriesNumber,
    AcquisitionNumber,
    InstanceNumber,
    Position,
    Laterality,
    Photometric,
    Frames,
    Rows,
    Columns,
    PixelSpacing,
    BitsStored,
    RescaleIntercept,
    RescaleSlope,
    Lossy,
    /// Not a slot: where the elements of `tags` begin.
    Tags,
}

/// What is done with an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// The first value that is not empty goes to this place.
    First(usize),
    /// Each value: an image position, an orientation, a pixel spacing.
    Position,
    Orientation,
    Spacing,
    /// The contrast agent: whether one is named.
    Contrast,
    /// A sequence whose items say that there is a contrast agent.
    ContrastItems,
    /// A sequence whose items are regions of an ultrasound image.
    Regions,
    /// What only a DICOMDIR has.
    Directory,
}

const fn first(slot: Slot) -> Take {
    Take::First(slot as usize)
}

const SHARED: u32 = 0x5200_9229;
const FRAMES: u32 = 0x5200_9230;
const REGIONS: u32 = 0x0018_6011;

/// The fixed list: the way to an element through sequences, its representation, and what is done with it.
const FIXED: &[(&[u32], &Vr, Take)] = &[
    (&[0x0002_0002], b"UI", first(Slot::MediaClass)),
    (&[0x0002_0010], b"UI", first(Slot::TransferSyntax)),
    (&[0x0004_1220], b"SQ", Take::Directory),
    (&[0x0008_0008], b"CS", first(Slot::ImageType)),
    (&[0x0008_0016], b"UI", first(Slot::SopClass)),
    (&[0x0008_0018], b"UI", first(Slot::InstanceUid)),
    (&[0x0008_0020], b"DA", first(Slot::StudyDate)),
    (&[0x0008_0021], b"DA", first(Slot::SeriesDate)),
    (&[0x0008_0022], b"DA", first(Slot::AcquisitionDate)),
    (&[0x0008_0023], b"DA", first(Slot::ContentDate)),
    (&[0x0008_002A], b"DT", first(Slot::AcquisitionDateTime)),
    (&[0x0008_0060], b"CS", first(Slot::Modality)),
    (&[0x0008_0070], b"LO", first(Slot::Manufacturer)),
    (&[0x0008_1090], b"LO", first(Slot::Model)),
    (&[0x0010_0020], b"LO", first(Slot::PatientId)),
    (&[0x0018_0010], b"LO", Take::Contrast),
    (&[0x0018_0012], b"SQ", Take::ContrastItems),
    (&[0x0018_0015], b"CS", first(Slot::BodyPart)),
    (&[0x0018_0020], b"CS", first(Slot::ScanningSequence)),
    (&[0x0018_0050], b"DS", first(Slot::SliceThickness)),
    (&[0x0018_0060], b"DS", first(Slot::Kvp)),
    (&[0x0018_0080], b"DS", first(Slot::RepetitionTime)),
    (&[0x0018_0081], b"DS", first(Slot::EchoTime)),
    (&[0x0018_0087], b"DS", first(Slot::FieldStrength)),
    (&[0x0018_0088], b"DS", first(Slot::SliceSpacing)),
    (&[0x0018_1100], b"DS", first(Slot::Diameter)),
    (&[0x0018_1120], b"DS", first(Slot::GantryTilt)),
    (&[0x0018_1150], b"IS", first(Slot::ExposureTime)),
    (&[0x0018_1151], b"IS", first(Slot::TubeCurrent)),
    (&[0x0018_1152], b"IS", first(Slot::Exposure)),
    (&[0x0018_1210], b"SH", first(Slot::Kernel)),
    (&[0x0018_1314], b"DS", first(Slot::FlipAngle)),
    (&[0x0018_5100], b"CS", first(Slot::PatientPosition)),
    (&[0x0018_5101], b"CS", first(Slot::ViewPosition)),
    (&[REGIONS], b"SQ", Take::Regions),
    (&[REGIONS, 0x0018_6024], b"US", first(Slot::RegionUnit)),
    (&[REGIONS, 0x0018_602C], b"FD", first(Slot::RegionDeltaX)),
    (&[REGIONS, 0x0018_602E], b"FD", first(Slot::RegionDeltaY)),
    (&[0x0020_000D], b"UI", first(Slot::StudyUid)),
    (&[0x0020_000E], b"UI", first(Slot::SeriesUid)),
    (&[0x0020_0011], b"IS", first(Slot::SeriesNumber)),
    (&[0x0020_0012], b"IS", first(Slot::AcquisitionNumber)),
    (&[0x0020_0013], b"IS", first(Slot::InstanceNumber)),
    (&[0x0020_0032], b"DS", first(Slot::Position)),
    (&[0x0020_0032], b"DS", Take::Position),
    (&[0x0020_0037], b"DS", Take::Orientation),
    (&[0x0020_0060], b"CS", first(Slot::Laterality)),
    (&[0x0020_0062], b"CS", first(Slot::Laterality)),
    (&[0x0028_0004], b"CS", first(Slot::Photometric)),
    (&[0x0028_0008], b"IS", first(Slot::Frames)),
    (&[0x0028_0010], b"US", first(Slot::Rows)),
    (&[0x0028_0011], b"US", first(Slot::Columns)),
    (&[0x0028_0030], b"DS", first(Slot::PixelSpacing)),
    (&[0x0028_0030], b"DS", Take::Spacing),
    (&[0x0028_0101], b"US", first(Slot::BitsStored)),
    (&[0x0028_1052], b"DS", first(Slot::RescaleIntercept)),
    (&[0x0028_1053], b"DS", first(Slot::RescaleSlope)),
    (&[0x0028_2110], b"CS", first(Slot::Lossy)),
];

/// The same of the functional groups of multi-frame images (PS3.3 C.7.6.16), for all frames or for each.
const GROUPS: &[(&[u32], &Vr, Take)] = &[
    (&[0x0020_9113, 0x0020_0032], b"DS", first(Slot::Position)),
    (&[0x0020_9113, 0x0020_0032], b"DS", Take::Position),
    (&[0x0020_9116, 0x0020_0037], b"DS", Take::Orientation),
    (&[0x0028_9110, 0x0018_0050], b"DS", first(Slot::SliceThickness)),
    (&[0x0028_9110, 0x0018_0088], b"DS", first(Slot::SliceSpacing)),
    (&[0x0028_9110, 0x0028_0030], b"DS", first(Slot::PixelSpacing)),
    (&[0x0028_9110, 0x0028_0030], b"DS", Take::Spacing),
    (&[0x0028_9145, 0x0028_1052], b"DS", first(Slot::RescaleIntercept)),
    (&[0x0028_9145, 0x0028_1053], b"DS", first(Slot::RescaleSlope)),
];

/// An element that is wanted, or a sequence on the way to one.
#[derive(Debug, Clone)]
pub struct Node {
    pub tag: u32,
    pub vr: Vr,
    pub takes: Vec<Take>,
    /// Of a sequence, by tag.
    pub children: Vec<Node>,
}

/// All that is wanted.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    nodes: Vec<Node>,
    /// Names of the columns that `tags` adds, in its order.
    pub tags: Vec<String>,
}

impl Wanted {
    /// The fixed list and these further elements.
    ///
    /// # Errors
    /// [`Failure::Option`] where one of them is no element with a text.
    pub fn new(tags: &[&str]) -> Result<Wanted, Failure> {
        let mut wanted = Wanted::default();
        for (path, vr, take) in FIXED {
            wanted.add(path, **vr, *take);
        }
        for (path, vr, take) in GROUPS {
            for group in [SHARED, FRAMES] {
                let path: Vec<u32> = std::iter::once(group).chain(path.iter().copied()).collect();
                wanted.add(&path, **vr, *take);
            }
        }
        for tag in tags {
            let named = Named::parse(tag)?;
            let place = (Slot::Tags as usize).saturating_add(wanted.tags.len());
            wanted.add(&named.path, named.vr, Take::First(place));
            wanted.tags.push(named.column);
        }
        Ok(wanted)
    }

    /// Those of the data set itself, by tag.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// How many values a header has.
    pub fn width(&self) -> usize {
        (Slot::Tags as usize).saturating_add(self.tags.len())
    }

    fn add(&mut self, path: &[u32], vr: Vr, take: Take) {
        let mut level = &mut self.nodes;
        for (depth, tag) in path.iter().enumerate() {
            let last = depth.saturating_add(1) == path.len();
            let at = match level.binary_search_by_key(tag, |node| node.tag) {
                Ok(at) => at,
                Err(at) => {
                    level.insert(at, Node { tag: *tag, vr: if last { vr } else { *b"SQ" }, takes: vec![], children: vec![] });
                    at
                }
            };
            let Some(node) = level.get_mut(at) else { return };
            if last {
                node.takes.push(take);
            }
            level = &mut node.children;
        }
    }
}

/// The node of a tag among those of one level.
pub fn find(nodes: &[Node], tag: u32) -> Option<&Node> {
    nodes.binary_search_by_key(&tag, |node| node.tag).ok().and_then(|at| nodes.get(at))
}

/// An element as `tags` names it: `PatientSex`, `(0010,0040)`, or a way through sequences with dots,
/// `RadiopharmaceuticalInformationSequence.RadionuclideTotalDose`.
struct Named {
    path: Vec<u32>,
    vr: Vr,
    column: String,
}

impl Named {
    fn parse(text: &str) -> Result<Named, Failure> {
        let wrong = |message: String, near| Failure::Option { key: "tags".into(), message, near };
        let mut named = Named { path: vec![], vr: *b"UN", column: String::new() };
        let mut parts = text.split('.').map(str::trim).peekable();
        while let Some(part) = parts.next() {
            let (tag, entry) = match hexadecimal(part) {
                Some(tag) => (tag, StandardDataDictionary.by_tag(Tag((tag >> 16) as u16, (tag & 0xFFFF) as u16)).filter(|entry| single(*entry).is_some())),
                None => match StandardDataDictionary.by_name(part).and_then(|entry| single(entry).map(|tag| (tag, entry))) {
                    Some((tag, entry)) => (tag, Some(entry)),
                    None => return Err(wrong(format!("`{part}` is no keyword of the standard's data dictionary, nor a tag such as `(0018,1030)`"), near(part))),
                },
            };
            let vr = entry.map_or(*b"UN", |entry| letters(entry.vr()));
            if tag >> 16 >= 0x7FE0 {
                return Err(wrong(format!("`{part}` belongs to the pixels, which are not read"), vec![]));
            }
            match parts.peek() {
                Some(_) if entry.is_some() && vr != *b"SQ" => return Err(wrong(format!("`{part}` is no sequence, so nothing can follow it"), vec![])),
                None if vr == *b"SQ" => {
                    return Err(wrong(format!("`{part}` is a sequence"), vec![format!("{text}.<one of its elements>")]));
                }
                _ => {}
            }
            if !named.column.is_empty() {
                named.column.push('_');
            }
            match entry {
                Some(entry) => named.column.push_str(&snake(entry.alias())),
                None => named.column.push_str(&format!("tag_{:04x}_{:04x}", tag >> 16, tag & 0xFFFF)),
            }
            named.path.push(tag);
            named.vr = vr;
        }
        Ok(named)
    }
}

/// `(0010,0040)`, `0010,0040`, `00100040`.
fn hexadecimal(text: &str) -> Option<u32> {
    let inner = text.strip_prefix('(').and_then(|t| t.strip_suffix(')')).unwrap_or(text);
    let digits: String = match inner.split_once(',') {
        Some((group, element)) if group.trim().len() == 4 && element.trim().len() == 4 => format!("{}{}", group.trim(), element.trim()),
        Some(_) => return None,
        None => inner.to_owned(),
    };
    (digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_hexdigit())).then(|| u32::from_str_radix(&digits, 16).ok()).flatten()
}

/// The tag of an entry that stands for one element.
fn single(entry: &impl DataDictionaryEntry) -> Option<u32> {
    match entry.tag_range() {
        dicom_core::dictionary::TagRange::Single(Tag(group, element)) => Some(u32::from(group) << 16 | u32::from(element)),
        _ => None,
    }
}

fn letters(vr: VirtualVr) -> Vr {
    let vr = match vr {
        VirtualVr::Exact(vr) => vr,
        VirtualVr::Xs | VirtualVr::Lt => VR::US,
        _ => VR::OB,
    };
    vr.to_bytes()
}

/// `SeriesInstanceUID` → `series_instance_uid`.
pub fn snake(keyword: &str) -> String {
    let letters: Vec<char> = keyword.chars().collect();
    let mut name = String::with_capacity(keyword.len().saturating_add(8));
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| letters.get(at));
        let after = letters.get(at.saturating_add(1));
        let begins = letter.is_ascii_uppercase()
            && before.is_some_and(|b| !b.is_ascii_uppercase() || after.is_some_and(char::is_ascii_lowercase));
        if begins {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

/// Which of the keywords that are often asked for may have been meant, whatever the case and the marks between the words.
fn near(text: &str) -> Vec<String> {
    const OFTEN: [&str; 24] = [
        "PatientName", "PatientSex", "PatientAge", "PatientSize", "PatientWeight", "PatientBirthDate", "StudyDescription", "SeriesDescription", "ProtocolName",
        "StudyTime", "SeriesTime", "AcquisitionTime", "AccessionNumber", "StudyID", "InstitutionName", "StationName", "SoftwareVersions", "ContrastBolusAgent",
        "ImagerPixelSpacing", "SpiralPitchFactor", "TransducerData", "CompressionForce", "BodyPartThickness", "FrameOfReferenceUID",
    ];
    let plain = |t: &str| t.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let wanted = plain(text);
    let mut close: Vec<(usize, &str)> = OFTEN.iter().map(|name| (strsim::damerau_levenshtein(&wanted, &plain(name)), *name)).filter(|(distance, _)| *distance <= 3).collect();
    close.sort_unstable();
    close.into_iter().take(3).map(|(_, name)| name.to_owned()).collect()
}
