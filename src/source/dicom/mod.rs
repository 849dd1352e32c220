//! `dicom`: a folder of DICOM files (or a zip archive of them, or one file) as one record a series, a study or an image.
//!
//! Only headers are read, up to Pixel Data (7FE0,0010), and of them only the elements of a fixed list and those that the option
//! `tags` names. A file that is DICOM but whose header breaks off is a damaged record, whose text is the file's path below the
//! source; so is a file that is named `.dcm`, `.dicom` or `.ima` and is none, and what cannot be opened. Other files are passed
//! over: README, DICOMDIR (which lists files and is none of them), hidden files, symbolic links.
//!
//! Images belong together by their series instance UID (and study instance UID); one without it is a record of its own. Records
//! come in the order of their first files: sorted by name, folder by folder. What is kept meanwhile is one small record for each
//! series, with a few bytes for each image.

mod charset;
mod columns;
mod geometry;
mod header;
mod input;
mod series;
mod study;
#[cfg(test)]
mod tests;
mod value;
mod walk;
mod wanted;

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use super::record::{Damage, Failure, Head, OptionKey, Options, Output, RecordFormat};
use columns::Column;
use header::{Header, Outcome};
use series::Series;
use study::Study;
use wanted::{Slot, Wanted};

pub static FORMAT: RecordFormat = RecordFormat {
    names: &["dicom"],
    summary: "The headers of DICOM images in a folder and its subfolders, in a zip archive or in one file: one record a series, a study or an image. Pixels are never read, and of elements that can tell who a person is only the patient's identifier and dates, unless `tags` names them.",
    options: &[
        OptionKey { key: "level", about: "What a record is: `series` (the default), `study` or `instance` (an image)." },
        OptionKey {
            key: "tags",
            about: "Further elements that become columns: keywords (`PatientSex`), tags (`(0018,1030)`), with dots through sequences; the first value of the series or study that is not empty.",
        },
    ],
    folder: true,
    typed: true,
    errors: &[],
    head,
    records,
};

/// How many files `head` looks at before it trusts that the folder has images.
const LOOKED_AT: usize = 200;
const LEVELS: [(&str, Level); 3] = [("series", Level::Series), ("study", Level::Study), ("instance", Level::Instance)];

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Series,
    Study,
    Instance,
}

/// The options, understood.
struct Plan {
    level: Level,
    declared: bool,
    wanted: Wanted,
    /// Of a series, or of an image.
    cells: Vec<Column<Series>>,
}

impl Plan {
    fn new(options: &Options) -> Result<Plan, Failure> {
        let wrong = |key: &str, message: String, near: &[&str]| Failure::Option { key: key.into(), message, near: near.iter().map(|n| (*n).to_owned()).collect() };
        let level = match options.get("level") {
            None => Level::Series,
            Some(given) => match LEVELS.iter().find(|(name, _)| given.as_str() == Some(name)) {
                Some((_, level)) => *level,
                None => return Err(wrong("level", "it is `series`, `study` or `instance`".into(), &LEVELS.map(|(name, _)| name))),
            },
        };
        let mut tags = vec![];
        match options.get("tags") {
            None | Some(serde_json::Value::Null) => {}
            Some(serde_json::Value::String(tag)) => tags.push(tag.as_str()),
            Some(serde_json::Value::Array(list)) => {
                for tag in list {
                    tags.push(tag.as_str().ok_or_else(|| wrong("tags", "each is a text: a keyword, or a tag in quotes".into(), &[]))?);
                }
            }
            Some(_) => return Err(wrong("tags", "it is a list of keywords or tags".into(), &[])),
        }
        let plan = Plan {
            level,
            declared: options.contains_key("level"),
            wanted: Wanted::new(&tags)?,
            cells: if level == Level::Instance { columns::of_instances() } else { columns::SERIES.to_vec() },
        };
        let names = plan.columns();
        for (place, name) in names.iter().enumerate() {
            if names.iter().take(place).any(|before| before == name) {
                return Err(wrong("tags", format!("there is a column `{name}` already"), &[]));
            }
        }
        Ok(plan)
    }

    fn columns(&self) -> Vec<String> {
        let fixed: Vec<&str> = match self.level {
            Level::Study => columns::STUDY.iter().map(|(name, _)| *name).collect(),
            _ => self.cells.iter().map(|(name, _)| *name).collect(),
        };
        fixed.into_iter().map(str::to_owned).chain(self.wanted.tags.iter().cloned()).collect()
    }

    /// Places of the values of `tags`.
    fn tags(&self) -> std::ops::Range<usize> {
        Slot::Tags as usize..self.wanted.width()
    }

    fn series_cells<'a>(&'a self, series: &'a Series) -> Vec<Option<Cow<'a, str>>> {
        let fixed = self.cells.iter().map(|(_, cell)| cell(series));
        fixed.chain(self.tags().map(|place| series.at(place).map(Cow::Borrowed))).collect()
    }

    fn study_cells<'a>(&'a self, study: &'a Study) -> Vec<Option<Cow<'a, str>>> {
        let fixed = columns::STUDY.iter().map(|(_, cell)| cell(study));
        fixed.chain(self.tags().map(|place| study.at(place).map(Cow::Borrowed))).collect()
    }
}

/// The columns; that there are images is seen by the first one, or not before the records are read.
fn head(path: &Path, options: &Options) -> Result<Head, Failure> {
    let plan = Plan::new(options)?;
    let (mut looked_at, mut is_dicom, mut directory) = (0_usize, false, false);
    let mut buffer = vec![0; input::BUFFER];
    let looked = walk::files(path, &mut |found| {
        looked_at = looked_at.saturating_add(1);
        match found.source.map(|source| header::read(source, &plan.wanted, &mut buffer)) {
            Some(Outcome::Other) if !should_be_dicom(found.path) => {}
            Some(Outcome::Directory) => directory = true,
            _ => is_dicom = true,
        }
        if is_dicom || looked_at >= LOOKED_AT { Err(Failure::Stopped) } else { Ok(()) }
    });
    match looked {
        Err(Failure::Stopped) => {}
        Err(failure) => return Err(failure),
        Ok(()) => return Err(without_images(looked_at, directory)),
    }
    let evidence = if plan.declared { vec![] } else { vec!["level: series (the default)".to_owned()] };
    Ok(Head { columns: plan.columns(), duplicates: vec![], evidence })
}

/// The failure of a source in which there is no image, nor a damaged one.
fn without_images(files: usize, directory: bool) -> Failure {
    match (files, directory) {
        (0, _) => Failure::Empty,
        (1, true) => Failure::NotThis { is: "a DICOMDIR, a list of images".into(), help: "name the folder that it lies in".into() },
        (1, false) => Failure::NotThis { is: "no DICOM file, nor has it one".into(), help: "name a DICOM file, a folder of them or a zip archive".into() },
        _ => Failure::NotThis { is: "a folder or archive without DICOM files".into(), help: "name the folder (or zip archive) that the images lie in".into() },
    }
}

/// By its name.
fn should_be_dicom(path: &str) -> bool {
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
    ["dcm", "dicom", "ima"].iter().any(|known| extension.eq_ignore_ascii_case(known))
}

/// A record that waits for its last image.
enum Waiting {
    Series(Series),
    Damaged(Box<str>, Series),
}

fn records(path: &Path, options: &Options, output: &mut dyn Output) -> Result<(), Failure> {
    let plan = Plan::new(options)?;
    let mut buffer = vec![0; input::BUFFER];
    let (mut files, mut directory, mut number) = (0_usize, false, 0_u64);
    let mut waiting: Vec<Waiting> = vec![];
    let mut places: HashMap<(Box<str>, Box<str>), usize> = HashMap::new();
    walk::files(path, &mut |found| {
        files = files.saturating_add(1);
        let outcome = match found.source {
            Some(source) => header::read(source, &plan.wanted, &mut buffer),
            None => Outcome::Damaged(Header::default()),
        };
        match outcome {
            Outcome::Directory => directory = true,
            Outcome::Other if !should_be_dicom(found.path) => {}
            Outcome::Read(header) if plan.level == Level::Instance => {
                number = number.saturating_add(1);
                let series = Series::of(header);
                record(output, number, &plan.series_cells(&series))?;
            }
            Outcome::Read(header) => gather(&mut waiting, &mut places, header),
            damaged => {
                number = number.saturating_add(1);
                let header = if let Outcome::Damaged(header) = damaged { header } else { Header::default() };
                let series = Series::of(header);
                if plan.level == Level::Instance {
                    broken(output, number, found.path, &plan.series_cells(&series))?;
                } else {
                    waiting.push(Waiting::Damaged(found.path.into(), series));
                }
            }
        }
        output.read(found.bytes);
        Ok(())
    })?;
    if number == 0 && waiting.is_empty() {
        return Err(without_images(files, directory));
    }
    match plan.level {
        Level::Instance => Ok(()),
        Level::Series => all_series(&plan, waiting, output),
        Level::Study => all_studies(&plan, waiting, output),
    }
}

/// Adds an image to its series.
fn gather(waiting: &mut Vec<Waiting>, places: &mut HashMap<(Box<str>, Box<str>), usize>, header: Header) {
    if let Some(series) = header.get(Slot::SeriesUid) {
        let place = *places.entry((header.get(Slot::StudyUid).unwrap_or_default().into(), series.into())).or_insert(waiting.len());
        if let Some(Waiting::Series(series)) = waiting.get_mut(place) {
            series.add(header);
            return;
        }
    }
    waiting.push(Waiting::Series(Series::of(header)));
}

fn all_series(plan: &Plan, waiting: Vec<Waiting>, output: &mut dyn Output) -> Result<(), Failure> {
    for (number, one) in (1..).zip(waiting) {
        match one {
            Waiting::Series(series) => record(output, number, &plan.series_cells(&series))?,
            Waiting::Damaged(path, series) => broken(output, number, &path, &plan.series_cells(&series))?,
        }
    }
    Ok(())
}

fn all_studies(plan: &Plan, waiting: Vec<Waiting>, output: &mut dyn Output) -> Result<(), Failure> {
    let mut studies: Vec<(Option<Box<str>>, Study)> = vec![];
    let mut places: HashMap<Box<str>, usize> = HashMap::new();
    for one in waiting {
        let (path, series) = match one {
            Waiting::Series(series) => (None, series),
            Waiting::Damaged(path, series) => (Some(path), series),
        };
        let mut place = studies.len();
        if path.is_none() && let Some(uid) = series.text(Slot::StudyUid) {
            place = *places.entry(uid.into()).or_insert(place);
        }
        match studies.get_mut(place) {
            Some((_, study)) => study.series.push(series),
            None => studies.push((path, Study { series: vec![series] })),
        }
    }
    for (number, (path, study)) in (1..).zip(studies) {
        match path {
            None => record(output, number, &plan.study_cells(&study))?,
            Some(path) => broken(output, number, &path, &plan.study_cells(&study))?,
        }
    }
    Ok(())
}

fn record(output: &mut dyn Output, number: u64, cells: &[Option<Cow<'_, str>>]) -> Result<(), Failure> {
    output.record(number, 0, &mut cells.iter().map(Option::as_deref))
}

fn broken(output: &mut dyn Output, number: u64, path: &str, cells: &[Option<Cow<'_, str>>]) -> Result<(), Failure> {
    output.damaged(number, 0, Damage::Unreadable, path, &mut cells.iter().map(Option::as_deref))
}
