//! The files of a source: one file, all in a folder and its subfolders, all in a zip archive.
//!
//! The order is that of the names, byte by byte, folder by folder. Symbolic links in a folder are passed over: what they lead to
//! is either in the tree already or not part of it, and no loop is possible. So are hidden files (`.DS_Store`, `._…`) and what is
//! no regular file.

use std::fs::{self, File};
use std::io::{BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use zip::ZipArchive;

use super::super::record::Failure;
use super::header::INFLATED;
use super::input::{Disk, Source, Stream};

/// A file of a source.
pub struct Found<'a> {
    /// Its path below the source, with `/`; the name of a source that is a file.
    pub path: &'a str,
    /// `None` where the system (or the archive) refuses it.
    pub source: Option<&'a mut dyn Source>,
    /// Its size on the disk; of an archive all of it counts with its last file.
    pub bytes: u64,
}

type Visit<'a> = &'a mut dyn FnMut(Found<'_>) -> Result<(), Failure>;

/// Visits all files.
///
/// # Errors
/// If the source itself cannot be opened, and what `visit` gives.
pub fn files(root: &Path, visit: Visit<'_>) -> Result<(), Failure> {
    let refused = |error: std::io::Error| Failure::Unreadable(format!("it cannot be opened: {error}"));
    let kind = fs::metadata(root).map_err(refused)?;
    if kind.is_dir() {
        return folder(root, fs::read_dir(root).map_err(refused)?, visit);
    }
    if !kind.is_file() {
        return Err(Failure::Unreadable("it is neither a file nor a folder".into()));
    }
    let name = root.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    if is_archive(root) {
        let opened = File::open(root).map_err(refused)?;
        let length = opened.metadata().map_err(refused)?.len();
        let archive = ZipArchive::new(BufReader::new(opened)).map_err(|_| Failure::Unreadable("its list of files is damaged, or it is no zip archive".into()))?;
        return entries(archive, "", length, visit);
    }
    match disk(root) {
        Ok(mut source) => visit(Found { path: &name, bytes: source.length, source: Some(&mut source) }),
        Err(error) => Err(refused(error)),
    }
}

/// A regular file that is open.
fn disk(path: &Path) -> std::io::Result<Disk> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(std::io::Error::other("no regular file"));
    }
    Ok(Disk { file, length: metadata.len() })
}

fn is_archive(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip"))
}

/// What is in a folder: names and whether they are folders.
struct Level {
    path: String,
    place: PathBuf,
    /// Sorted, the last name first.
    names: Vec<(std::ffi::OsString, bool)>,
}

impl Level {
    fn new(path: String, place: PathBuf, entries: fs::ReadDir) -> Level {
        let mut names = vec![];
        for entry in entries.flatten() {
            let name = entry.file_name();
            let hidden = name.as_encoded_bytes().first() == Some(&b'.');
            if let Ok(kind) = entry.file_type()
                && !hidden
                && (kind.is_dir() || kind.is_file())
            {
                names.push((name, kind.is_dir()));
            }
        }
        names.sort_unstable_by(|a, b| b.0.as_encoded_bytes().cmp(a.0.as_encoded_bytes()));
        Level { path, place, names }
    }
}

fn folder(root: &Path, names: fs::ReadDir, visit: Visit<'_>) -> Result<(), Failure> {
    let mut stack = vec![Level::new(String::new(), root.to_owned(), names)];
    while let Some(level) = stack.last_mut() {
        let Some((name, is_folder)) = level.names.pop() else {
            stack.pop();
            continue;
        };
        let place = level.place.join(&name);
        let separator = if level.path.is_empty() { "" } else { "/" };
        let path = format!("{}{separator}{}", level.path, name.to_string_lossy());
        if is_folder {
            match fs::read_dir(&place) {
                Ok(entries) => stack.push(Level::new(path, place, entries)),
                Err(_) => visit(Found { path: &path, source: None, bytes: 0 })?,
            }
        } else {
            file(&place, &path, visit)?;
        }
    }
    Ok(())
}

/// A file of a folder; an archive gives its own files.
fn file(place: &Path, path: &str, visit: Visit<'_>) -> Result<(), Failure> {
    let Ok(mut source) = disk(place) else { return visit(Found { path, source: None, bytes: 0 }) };
    let bytes = source.length;
    if !is_archive(place) {
        return visit(Found { path, source: Some(&mut source), bytes });
    }
    match ZipArchive::new(BufReader::new(source.file)) {
        Ok(archive) => entries(archive, path, bytes, visit),
        Err(_) => visit(Found { path, source: None, bytes }),
    }
}

/// The files of an archive.
fn entries<R: Read + Seek>(mut archive: ZipArchive<R>, prefix: &str, bytes: u64, visit: Visit<'_>) -> Result<(), Failure> {
    let mut names: Vec<(String, usize)> = (0..archive.len())
        .filter_map(|at| archive.name_for_index(at).map(|name| (name.map_or_else(|_| format!("file {}", at.saturating_add(1)), |name| name.into_owned()), at)))
        .filter(|(name, _)| !name.ends_with('/') && !name.split('/').any(|part| part.starts_with('.') || part == "__MACOSX"))
        .collect();
    names.sort_unstable();
    let last = names.len().saturating_sub(1);
    for (place, (name, at)) in names.iter().enumerate() {
        let separator = if prefix.is_empty() { "" } else { "/" };
        let path = format!("{prefix}{separator}{name}");
        let bytes = if place == last { bytes } else { 0 };
        match archive.by_index(*at) {
            Ok(entry) if entry.is_file() => {
                let length = entry.size();
                visit(Found { path: &path, source: Some(&mut Stream::new(entry, INFLATED, Some(length))), bytes })?;
            }
            Ok(_) => {}
            Err(_) => visit(Found { path: &path, source: None, bytes })?,
        }
    }
    Ok(())
}
