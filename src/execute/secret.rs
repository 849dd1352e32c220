//! The key of the pseudonyms: from an environment variable, or a file that only its owner can
//! read. It is never in YAML and never printed.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::error::Error;
use crate::function::Key;

/// Fewest bytes of a key.
const LEAST: usize = 16;

/// Reads the key: the variable if it is set, else the file.
///
/// # Errors
/// When neither is there, the file is open to others, or the key is too short.
pub fn read(variable: Option<&str>, file: Option<&Path>) -> Result<Key, Error> {
    if let Some(value) = variable.and_then(std::env::var_os) {
        let bytes = std::os::unix::ffi::OsStringExt::into_vec(value);
        return key(bytes, &format!("the variable `{}`", variable.unwrap_or_default()));
    }
    let wanted = match (variable, file) {
        (Some(v), Some(f)) => format!("set the variable `{v}`, or write the key into `{}` (mode 0600)", f.display()),
        (Some(v), None) => format!("set the variable `{v}`"),
        (None, Some(f)) => format!("write the key into `{}` (mode 0600)", f.display()),
        (None, None) => "add `pseudonym: {key_env: …}` to the pipeline".to_owned(),
    };
    let Some(path) = file else { return Err(Error::environment_help("no key for the pseudonyms", wanted)) };
    let meta = match std::fs::metadata(path) {
        Ok(meta) => meta,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(Error::environment_help("no key for the pseudonyms", wanted)),
        Err(e) => return Err(Error::environment(&format!("opening the key file {}", path.display()), e)),
    };
    if meta.mode() & 0o077 != 0 {
        return Err(Error::environment_help(
            format!("the key file {} can be read by others (mode {:04o})", path.display(), meta.mode() & 0o7777),
            format!("`chmod 600 {}`", path.display()),
        ));
    }
    let bytes = std::fs::read(path).map_err(|e| Error::environment(&format!("reading the key file {}", path.display()), e))?;
    key(bytes, &format!("the file {}", path.display()))
}

fn key(mut bytes: Vec<u8>, place: &str) -> Result<Key, Error> {
    while bytes.last().is_some_and(u8::is_ascii_whitespace) {
        bytes.pop();
    }
    if bytes.len() < LEAST {
        return Err(Error::environment_help(format!("the key in {place} is shorter than {LEAST} bytes"), "`openssl rand -hex 32` makes a good one"));
    }
    Ok(Key::new(bytes))
}
