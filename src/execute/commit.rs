//! A run's folder appears whole or not at all.
//!
//! Everything is written into a staging folder beside the target, synced, and renamed. A staging
//! folder is locked while its run lives; one without a lock was left by a run that died, and the
//! next run clears it away.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FlockOperation, RenameFlags, flock, renameat_with};

use crate::error::Error;

/// The folder of a run that is not finished yet.
pub struct Staging {
    target: PathBuf,
    path: PathBuf,
    _lock: File,
    committed: bool,
}

impl Staging {
    /// Makes the staging folder for `target`. Without `force`, a target that has something in it
    /// is refused; with it, only a folder that looks like a run's is replaced.
    ///
    /// # Errors
    /// When the target is in use or cannot be written.
    pub fn begin(target: &Path, force: bool) -> Result<Staging, Error> {
        let occupied = match fs::read_dir(target) {
            Ok(mut entries) => entries.next().is_some(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => false,
            Err(e) => return Err(Error::environment(&format!("opening {}", target.display()), e)),
        };
        if occupied && !force {
            return Err(Error::environment_help(format!("{} is not empty", target.display()), "name another folder with `--out`, or replace this run with `--force`"));
        }
        if occupied && !target.join("manifest.json").is_file() {
            return Err(Error::environment_help(format!("{} is not empty, and is not the folder of a run", target.display()), "`--force` replaces runs only; name another folder with `--out`"));
        }
        let target = std::path::absolute(target).map_err(|e| Error::environment("finding the output folder", e))?;
        let (Some(parent), Some(name)) = (target.parent(), target.file_name().and_then(|n| n.to_str())) else {
            return Err(Error::environment("output folder", format!("{} has no usable name", target.display())));
        };
        fs::create_dir_all(parent).map_err(|e| Error::environment(&format!("creating {}", parent.display()), e))?;
        clear_abandoned(parent, name);
        let path = parent.join(format!(".{name}.partial-{}", std::process::id()));
        let doing = |e| Error::environment(&format!("creating {}", path.display()), e);
        fs::create_dir(&path).map_err(doing)?;
        let lock = OpenOptions::new().write(true).create(true).truncate(true).open(path.join(".lock")).map_err(doing)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|e| Error::environment("locking the staging folder", e))?;
        let staging = Staging { target: target.clone(), path, _lock: lock, committed: false };
        for folder in ["parts", "keys"] {
            fs::create_dir(staging.path.join(folder)).map_err(|e| Error::environment("creating the staging folder", e))?;
        }
        Ok(staging)
    }

    /// The staging folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Moves a part file to its name in the run's folder.
    ///
    /// # Errors
    /// When the folder cannot be made or the file moved.
    pub fn place(&self, part: &Path, name: &str) -> Result<(), Error> {
        let to = self.path.join(name);
        let doing = |e| Error::environment(&format!("placing {name}"), e);
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(doing)?;
        }
        fs::rename(part, &to).map_err(doing)
    }

    /// Writes a small file and syncs it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str, content: &str) -> Result<(), Error> {
        let doing = |e| Error::environment(&format!("writing {name}"), e);
        let path = self.path.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(doing)?;
        }
        fs::write(&path, content).map_err(doing)?;
        File::open(&path).and_then(|f| f.sync_all()).map_err(doing)
    }

    /// Makes the folder the run's own: syncs, and renames it in one step.
    ///
    /// # Errors
    /// When the disk refuses; then the target is as it was.
    pub fn commit(mut self) -> Result<(), Error> {
        let doing = |e: io::Error| Error::environment(&format!("publishing {}", self.target.display()), e);
        for leftover in ["parts", "keys"] {
            fs::remove_dir_all(self.path.join(leftover)).map_err(doing)?;
        }
        sync_folders(&self.path).map_err(doing)?;
        fs::remove_file(self.path.join(".lock")).map_err(doing)?;
        if self.target.exists() {
            // An empty folder, or the run that `--force` replaces: the two change places.
            match renameat_with(CWD, &self.path, CWD, &self.target, RenameFlags::EXCHANGE) {
                Ok(()) => fs::remove_dir_all(&self.path).map_err(doing)?,
                Err(_) => {
                    let old = self.path.with_extension("old");
                    fs::rename(&self.target, &old).map_err(doing)?;
                    fs::rename(&self.path, &self.target).map_err(doing)?;
                    fs::remove_dir_all(&old).map_err(doing)?;
                }
            }
        } else {
            fs::rename(&self.path, &self.target).map_err(doing)?;
        }
        if let Some(parent) = self.target.parent() {
            File::open(parent).and_then(|f| f.sync_all()).map_err(doing)?;
        }
        self.committed = true;
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.committed {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

fn sync_folders(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            sync_folders(&path)?;
        }
    }
    File::open(folder)?.sync_all()
}

/// Removes what runs that died left beside the target.
fn clear_abandoned(parent: &Path, name: &str) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|n| n.starts_with(&format!(".{name}.partial-")));
        if is_ours {
            let path = entry.path();
            let free = match File::open(path.join(".lock")) {
                Ok(lock) => flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok(),
                Err(_) => true,
            };
            if free {
                let _ = fs::remove_dir_all(path);
            }
        }
    }
}
