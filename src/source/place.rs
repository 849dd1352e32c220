//! Where a delivery is: a path here, a member of a zip archive (`delivery.zip/patients.csv`), or an object of a store
//! (`s3://`, `gs://`, `az://`, `http://`, `https://`).
//!
//! Objects and members are brought once into a folder of this process that only its owner can read, and read there like
//! any file: a format need not know of stores, and a file is the same bytes for its head, its index and its fingerprint.
//! Credentials come from the environment, as the stores' own programs take them.

use std::collections::HashMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use futures::StreamExt;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::http::HttpBuilder;
use object_store::{ObjectStore, ObjectStoreExt, ObjectStoreScheme, RetryConfig};
use url::Url;

use super::record::Failure;

/// A file that can be read, and what people call it.
#[derive(Debug, Clone, PartialEq)]
pub struct Local {
    pub path: PathBuf,
    pub shown: String,
}

/// A member may not unpack to more than this, and to no more than so many times its packed size once it is large.
const MOST_UNPACKED: u64 = 256 << 30;
const LARGE: u64 = 1 << 30;
const TIGHTEST: u64 = 400;

/// `*` stays within a folder.
const SEPARATED: glob::MatchOptions = glob::MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: false };

/// What was brought, by its address.
static BROUGHT: Mutex<Option<HashMap<String, PathBuf>>> = Mutex::new(None);

/// Whether a path is the address of an object.
pub fn is_object(path: &Path) -> bool {
    let schemes = ["s3://", "s3a://", "gs://", "az://", "abfss://", "http://", "https://"];
    path.to_str().is_some_and(|p| schemes.iter().any(|s| p.starts_with(s)))
}

/// The archive and the member of a path into one.
fn member_of(path: &Path) -> Option<(PathBuf, String)> {
    let text = path.to_str()?;
    text.match_indices(".zip/").find_map(|(at, _)| {
        let archive = PathBuf::from(text.get(..at + 4)?);
        archive.is_file().then(|| Some((archive, text.get(at + 5..)?.to_owned())))?
    })
}

/// Whether a path leads into a zip archive that is there.
pub fn is_member(path: &Path) -> bool {
    member_of(path).is_some()
}

/// The files that a path stands for: itself; or the objects or members that it names, of which several may fit a pattern.
///
/// # Errors
/// When they cannot be brought.
pub fn locals(path: &Path) -> Result<Vec<Local>, Failure> {
    if is_object(path) {
        return objects(path.to_str().unwrap_or_default());
    }
    match member_of(path) {
        Some((archive, member)) => members(&archive, &member),
        None => Ok(vec![Local { path: path.to_owned(), shown: super::shown(path) }]),
    }
}

/// Takes away what was brought. What a killed process leaves lies in the folder for temporary files, for its owner alone.
pub fn forget() {
    if let Ok(mut brought) = BROUGHT.lock()
        && brought.take().is_some()
    {
        let _ = std::fs::remove_dir_all(folder());
    }
}

fn folder() -> PathBuf {
    std::env::temp_dir().join(format!("cohorte-brought-{}", std::process::id()))
}

fn unreadable(error: &dyn std::fmt::Display) -> Failure {
    Failure::Unreadable(error.to_string())
}

/// The local copy of something, made by `bring` if it is not there yet.
fn once(address: &str, name: &str, bring: impl FnOnce(File) -> Result<(), Failure>) -> Result<Local, Failure> {
    let local = |path: PathBuf| Local { path, shown: address.to_owned() };
    // Held while something is brought, so that two tables do not bring it twice.
    let mut brought = BROUGHT.lock().map_err(|_| Failure::Stopped)?;
    let known = brought.get_or_insert_with(HashMap::new);
    if let Some(path) = known.get(address) {
        return Ok(local(path.clone()));
    }
    let folder = folder().join(known.len().to_string());
    DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(|e| unreadable(&e))?;
    // Its ending tells a packed file from others.
    let path = folder.join(name.rsplit('/').next().filter(|n| !n.is_empty() && *n != "..").unwrap_or("object"));
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(|e| unreadable(&e))?;
    bring(file)?;
    known.insert(address.to_owned(), path.clone());
    Ok(local(path))
}

fn members(archive: &Path, pattern: &str) -> Result<Vec<Local>, Failure> {
    let open = || -> Result<_, Failure> {
        let file = BufReader::new(File::open(archive).map_err(|e| unreadable(&e))?);
        zip::ZipArchive::new(file).map_err(|_| Failure::NotThis { is: "no zip archive, or a damaged one".into(), help: "ask the site for it again".into() })
    };
    let fits = glob::Pattern::new(pattern).map_err(|e| Failure::Head(format!("`{pattern}` is no pattern: {}", e.msg)))?;
    let mut names: Vec<String> = open()?.file_names().filter_map(|n| Some(n.ok()?.into_owned())).filter(|n| !n.ends_with('/')).collect();
    names.sort();
    let wanted: Vec<&String> = names.iter().filter(|n| *n == pattern || (fits.matches_with(n, SEPARATED) && !n.starts_with("__MACOSX/"))).collect();
    if wanted.is_empty() {
        let some: Vec<&str> = names.iter().take(8).map(String::as_str).collect();
        return Err(Failure::NotThis { is: format!("a zip archive without `{pattern}`"), help: format!("it holds {}", some.join(", ")) });
    }
    wanted
        .into_iter()
        .map(|name| {
            once(&format!("{}/{name}", super::shown(archive)), name, |mut file| {
                let mut archive = open()?;
                let member = archive.by_name(name).map_err(|_| Failure::Unreadable("the member is damaged or encrypted".into()))?;
                if member.size() > MOST_UNPACKED || (member.size() > LARGE && member.size() / member.compressed_size().max(1) > TIGHTEST) {
                    return Err(Failure::Unreadable(format!("it would unpack to {} GB, which no export does", member.size() >> 30)));
                }
                let wanted = member.size();
                let got = io::copy(&mut member.take(wanted.saturating_add(1)), &mut file).map_err(|_| Failure::Unreadable("the member is damaged".into()))?;
                if got == wanted { Ok(()) } else { Err(Failure::Unreadable("the member is not as long as the archive says".into())) }
            })
        })
        .collect()
}

fn objects(address: &str) -> Result<Vec<Local>, Failure> {
    let url = Url::parse(address).map_err(|e| Failure::Head(format!("not an address: {e}")))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Failure::Head("the address holds a password; credentials come from the environment".into()));
    }
    let (store, path) = store(&url)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| unreadable(&e))?;
    let told = |e: object_store::Error| Failure::Unreadable(match e {
        object_store::Error::NotFound { .. } => "there is no such object".to_owned(),
        // The rest of the message is the request, with the query of a signed address in it.
        other => other.to_string().split(": ").take(3).collect::<Vec<_>>().join(": ").chars().take(200).collect(),
    });
    let text = percent_decoded(path.as_ref());
    let mut wanted: Vec<String> = vec![];
    if text.contains(['*', '?', '[']) {
        let fits = glob::Pattern::new(&text).map_err(|e| Failure::Head(format!("not a path pattern: {}", e.msg)))?;
        let fixed: Vec<&str> = text.split('/').take_while(|part| !part.contains(['*', '?', '['])).collect();
        let prefix = object_store::path::Path::from(fixed.join("/"));
        let listed = runtime.block_on(store.list(Some(&prefix)).collect::<Vec<_>>());
        for object in listed {
            let name = object.map_err(told)?.location.to_string();
            if fits.matches_with(&name, SEPARATED) {
                wanted.push(name);
            }
        }
        wanted.sort();
        if wanted.is_empty() {
            return Err(Failure::Unreadable("no object fits the pattern".into()));
        }
    } else {
        wanted.push(path.to_string());
    }
    let root = address.strip_suffix(&text).unwrap_or(address).to_owned();
    let mut locals = vec![];
    for name in wanted {
        let shown = if text.contains(['*', '?', '[']) { format!("{root}{name}") } else { without_query(&url) };
        locals.push(once(&shown, &name, |mut file| {
            runtime.block_on(async {
                let got = store.get(&object_store::path::Path::from(name.as_str())).await.map_err(told)?;
                let size = got.meta.size;
                let (mut stream, mut bytes) = (got.into_stream(), 0u64);
                while let Some(part) = stream.next().await {
                    let part = part.map_err(told)?;
                    bytes = bytes.saturating_add(part.len() as u64);
                    file.write_all(&part).map_err(|e| unreadable(&e))?;
                }
                if bytes == size { Ok(()) } else { Err(Failure::Unreadable("the object was not read to its end".into())) }
            })
        })?);
    }
    Ok(locals)
}

/// A signed address has its secret in the query.
fn without_query(url: &Url) -> String {
    let mut plain = url.clone();
    plain.set_query(None);
    plain.set_fragment(None);
    plain.to_string()
}

fn percent_decoded(text: &str) -> String {
    text.replace("%2A", "*").replace("%3F", "?").replace("%5B", "[").replace("%5D", "]")
}

/// The store of an address, and the path of its object.
fn store(url: &Url) -> Result<(Box<dyn ObjectStore>, object_store::path::Path), Failure> {
    // Some seconds are worth waiting for a server; minutes are not, when somebody looks at a terminal.
    let retry = RetryConfig { max_retries: 3, retry_timeout: Duration::from_secs(30), ..RetryConfig::default() };
    let (scheme, path) = ObjectStoreScheme::parse(url).map_err(|e| Failure::Head(format!("not an address of a store: {e}")))?;
    let built: object_store::Result<Box<dyn ObjectStore>> = match scheme {
        ObjectStoreScheme::AmazonS3 => AmazonS3Builder::from_env().with_url(url.as_str()).with_retry(retry).build().map(|s| Box::new(s) as _),
        ObjectStoreScheme::GoogleCloudStorage => GoogleCloudStorageBuilder::from_env().with_url(url.as_str()).with_retry(retry).build().map(|s| Box::new(s) as _),
        ObjectStoreScheme::MicrosoftAzure => MicrosoftAzureBuilder::from_env().with_url(url.as_str()).with_retry(retry).build().map(|s| Box::new(s) as _),
        _ => {
            let options = object_store::ClientOptions::new().with_allow_http(true);
            let base = url.as_str().strip_suffix(url.path()).map_or_else(|| url.origin().ascii_serialization(), str::to_owned);
            HttpBuilder::new().with_url(base).with_client_options(options).with_retry(retry).build().map(|s| Box::new(s) as _)
        }
    };
    built.map(|s| (s, path)).map_err(|e| Failure::Unreadable(format!("the store cannot be used: {e}")))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::Path;

    use super::{Failure, forget, is_object, locals};

    #[test]
    fn members_of_an_archive_by_name_and_by_pattern() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("delivery.zip");
        let mut archive = zip::ZipWriter::new(std::fs::File::create(&path).expect("a file"));
        for (name, text) in [("a/one.csv", "x\n1\n"), ("a/two.csv", "x\n2\n"), ("readme.txt", "")] {
            archive.start_file(name, zip::write::SimpleFileOptions::default()).expect("a member");
            archive.write_all(text.as_bytes()).expect("written");
        }
        archive.finish().expect("finished");
        let read = |pattern: &str| locals(&path.join(pattern)).map(|all| all.iter().map(|l| std::fs::read_to_string(&l.path).expect("text")).collect::<Vec<_>>());
        assert_eq!(read("a/two.csv"), Ok(vec!["x\n2\n".into()]));
        assert_eq!(read("a/*.csv"), Ok(vec!["x\n1\n".into(), "x\n2\n".into()]));
        assert!(matches!(read("b.csv"), Err(Failure::NotThis { is, help }) if is.contains("b.csv") && help.contains("a/one.csv")));
        let copy = locals(&path.join("a/one.csv")).expect("a member")[0].path.clone();
        forget();
        assert!(!copy.exists());
    }

    #[test]
    fn addresses() {
        assert!(is_object(Path::new("s3://bucket/a.csv")) && is_object(Path::new("https://host/a.csv")));
        assert!(!is_object(Path::new("postgresql://host/db")) && !is_object(Path::new("a.csv")));
        assert!(matches!(locals(Path::new("https://me:secret@host/a.csv")), Err(Failure::Head(why)) if !why.contains("secret")));
    }
}
