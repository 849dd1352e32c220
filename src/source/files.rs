//! Files and folders as deliveries: their bytes and fingerprints.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

/// Whether a path is an address of something that is no file here.
pub fn is_elsewhere(path: &Path) -> bool {
    path.to_str().is_some_and(|p| p.contains("://"))
}

/// The files below a folder in the order of their paths, or the file itself. Links are not followed, so a
/// folder that leads back to itself is no endless one.
///
/// # Errors
/// When a folder cannot be read.
pub fn below(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let (mut files, mut todo) = (vec![], vec![path.to_owned()]);
    while let Some(folder) = todo.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                todo.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The bytes of a file, or of all files of a folder.
///
/// # Errors
/// When they cannot be looked at.
pub fn bytes(path: &Path) -> io::Result<u64> {
    if is_elsewhere(path) {
        return Ok(0);
    }
    below(path)?.iter().try_fold(0u64, |sum, file| Ok(sum.saturating_add(std::fs::metadata(file)?.len())))
}

/// What tells that a file, or a file of a folder, was written to: bytes, and the last change.
pub type Stamp = (u64, Option<SystemTime>);

/// # Errors
/// When a file cannot be looked at.
pub fn stamp(path: &Path) -> io::Result<Stamp> {
    if is_elsewhere(path) {
        return Ok((0, None));
    }
    below(path)?.iter().try_fold((0u64, None), |(sum, last), file| {
        let met = std::fs::metadata(file)?;
        Ok((sum.saturating_add(met.len()), last.max(met.modified().ok())))
    })
}

/// SHA-256 in hexadecimal digits, and the bytes; of a folder over the paths and bytes of its files, of an address over the
/// address alone. `None` when it was interrupted.
///
/// # Errors
/// When a file cannot be read.
pub fn fingerprint(path: &Path, cancel: &AtomicBool) -> io::Result<Option<(String, u64)>> {
    let (mut hash, mut block, mut bytes) = (Sha256::new(), vec![0; 1 << 20], 0u64);
    if is_elsewhere(path) {
        hash.update(path.to_string_lossy().as_bytes());
        return Ok(Some((hash.finalize().iter().map(|b| format!("{b:02x}")).collect(), 0)));
    }
    let is_folder = path.is_dir();
    for file in below(path)? {
        if is_folder {
            hash.update(file.strip_prefix(path).unwrap_or(&file).to_string_lossy().as_bytes());
            hash.update([0]);
        }
        let mut file = File::open(&file)?;
        loop {
            if cancel.load(Ordering::Relaxed) {
                return Ok(None);
            }
            match file.read(&mut block)? {
                0 => break,
                n => {
                    hash.update(block.get(..n).unwrap_or_default());
                    bytes = bytes.saturating_add(n as u64);
                }
            }
        }
    }
    Ok(Some((hash.finalize().iter().map(|b| format!("{b:02x}")).collect(), bytes)))
}
