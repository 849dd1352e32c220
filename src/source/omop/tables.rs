//! The tables of a data set in the OMOP Common Data Model, by their names: files of a folder or zip, or those of a database.

use std::cell::Cell;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use super::super::columnar;
use super::super::files::below;
use super::database::Database;
use super::super::record::{Damage, Failure, Head, Options, Output};

/// What a row holds.
pub enum Cells<'a> {
    Of(&'a [Option<String>]),
    /// The text of a row that cannot be read.
    Damaged(&'a str),
}

/// Takes a row: its number, the byte where it begins, its cells.
pub type OnRow<'a> = dyn FnMut(u64, u64, Cells<'_>) -> Result<(), Failure> + 'a;

/// A member of a zip that unpacks to more is refused.
const MOST_UNPACKED: u64 = 64 << 30;
/// A Parquet file within a zip is unpacked into memory, and may not be larger.
const IN_MEMORY: u64 = 1 << 30;

/// A record that is longer is a quote that never closes, or an archive made to fill the memory.
const LONGEST: u64 = 64 << 20;
/// The model's widest table has two dozen columns.
const MOST_COLUMNS: usize = 10_000;

/// A folder or zip with a file for each table, or a database.
pub struct Store {
    path: PathBuf,
    place: Place,
    /// Table to file (below a folder), member, or name in the database.
    members: Vec<(String, String)>,
}

enum Place {
    Folder,
    Zip,
    Database(Database),
}

fn unreadable(error: &dyn std::fmt::Display) -> Failure {
    Failure::Unreadable(error.to_string())
}

impl Store {
    pub fn open(path: &Path, options: &Options) -> Result<Store, Failure> {
        if let Some(database) = Database::at(path, options) {
            let members = database.tables()?;
            return Ok(Store { path: path.to_owned(), place: Place::Database(database), members });
        }
        let is_zip = path.is_file();
        let names: Vec<String> = if is_zip {
            let archive = zip::ZipArchive::new(BufReader::new(File::open(path).map_err(|e| unreadable(&e))?));
            let archive = archive.map_err(|_| Failure::NotThis { is: "neither a folder nor a zip archive of tables".into(), help: "name the folder that holds `person.csv`, or a zip of it".into() })?;
            archive.file_names().filter_map(|n| Some(n.ok()?.into_owned())).collect()
        } else {
            below(path).map_err(|e| unreadable(&e))?.iter().filter_map(|f| Some(f.strip_prefix(path).ok()?.to_str()?.to_owned())).collect()
        };
        let table = |name: &String| -> Option<(String, String)> {
            let file = name.rsplit(['/', '\\']).next()?.to_lowercase();
            let stem = [".csv", ".csv.gz", ".parquet"].iter().find_map(|end| file.strip_suffix(end))?;
            // What a Mac puts beside each file begins with a point.
            (!stem.starts_with('.')).then(|| (stem.to_owned(), name.clone()))
        };
        let mut members: Vec<(String, String)> = names.iter().filter_map(table).collect();
        members.sort();
        if members.is_empty() {
            return Err(Failure::Head("it holds no CSV or Parquet file of a table".into()));
        }
        Ok(Store { path: path.to_owned(), place: if is_zip { Place::Zip } else { Place::Folder }, members })
    }

    pub fn tables(&self) -> Vec<String> {
        let mut names: Vec<String> = self.members.iter().map(|(table, _)| table.clone()).collect();
        names.dedup();
        names
    }

    /// The columns of a table, in small letters.
    pub fn columns(&self, table: &str) -> Result<Vec<String>, Failure> {
        let mut head = Head::default();
        self.read(table, &[], &mut Reading::Head(&mut head))?;
        Ok(head.columns.iter().map(|c| c.to_lowercase()).collect())
    }

    /// The rows of a table in their order.
    pub fn rows(&self, table: &str, on_row: &mut OnRow<'_>) -> Result<(), Failure> {
        self.read(table, &[], &mut Reading::Rows(on_row))
    }

    /// The rows of a table with cells of these columns alone, in this order.
    pub fn cells<const N: usize>(&self, table: &str, columns: [&str; N], on_row: &mut dyn FnMut([Option<&str>; N])) -> Result<(), Failure> {
        let there = self.columns(table)?;
        let mut places = [0; N];
        for (place, name) in places.iter_mut().zip(columns) {
            *place = there.iter().position(|c| c == name).ok_or_else(|| Failure::Head(format!("the table `{table}` has no column `{name}`")))?;
        }
        // A database is asked for these only, and gives them in this order.
        if matches!(self.place, Place::Database(_)) {
            places = std::array::from_fn(|at| at);
        }
        self.read(table, &columns, &mut Reading::Rows(&mut |_, _, cells| {
            if let Cells::Of(cells) = cells {
                on_row(places.map(|at| cells.get(at)?.as_deref()));
            }
            Ok(())
        }))
    }

    fn read(&self, table: &str, only: &[&str], reading: &mut Reading<'_, '_>) -> Result<(), Failure> {
        let Some((_, member)) = self.members.iter().find(|(name, _)| name == table) else { return Err(Failure::Head(format!("there is no table `{table}`"))) };
        let name = member.to_lowercase();
        if let Place::Database(database) = &self.place {
            return match reading {
                Reading::Head(head) => database.head(member).map(|found| **head = found),
                Reading::Rows(on_row) => database.rows(member, only, &mut Rows(&mut **on_row)),
            };
        }
        if matches!(self.place, Place::Folder) {
            let path = self.path.join(member);
            return if name.ends_with(".parquet") { parquet(&path, reading) } else { csv(Box::new(File::open(&path).map_err(|e| unreadable(&e))?), name.ends_with(".gz"), table, reading) };
        }
        let file = File::open(&self.path).map_err(|e| unreadable(&e))?;
        let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(|e| unreadable(&e))?;
        let member = archive.by_name(member).map_err(|_| Failure::Unreadable(format!("the table `{table}` of the zip archive is damaged or encrypted")))?;
        if member.size() > MOST_UNPACKED {
            return Err(Failure::Unreadable(format!("the table `{table}` would unpack to {} GB", member.size() >> 30)));
        }
        if name.ends_with(".parquet") {
            return Err(if member.size() > IN_MEMORY {
                Failure::Unreadable(format!("the Parquet file of `{table}` is too large to be read within a zip archive; unpack it"))
            } else {
                Failure::Unreadable(format!("the table `{table}` is Parquet within a zip archive; unpack it, Parquet is packed already"))
            });
        }
        csv(Box::new(member.take(MOST_UNPACKED)), name.ends_with(".gz"), table, reading)
    }
}

enum Reading<'a, 'b> {
    Head(&'a mut Head),
    Rows(&'a mut OnRow<'b>),
}

fn parquet(path: &Path, reading: &mut Reading<'_, '_>) -> Result<(), Failure> {
    match reading {
        Reading::Head(head) => **head = (columnar::PARQUET.head)(path, &Options::new())?,
        Reading::Rows(on_row) => (columnar::PARQUET.records)(path, &Options::new(), &mut Rows(&mut **on_row))?,
    }
    Ok(())
}

/// Records of another format as rows of a table.
struct Rows<'a, 'b>(&'a mut OnRow<'b>);

impl Output for Rows<'_, '_> {
    fn record(&mut self, number: u64, byte: u64, cells: &mut dyn Iterator<Item = Option<&str>>) -> Result<(), Failure> {
        let cells: Vec<Option<String>> = cells.map(|c| c.map(str::to_owned)).collect();
        (self.0)(number, byte, Cells::Of(&cells))
    }

    fn damaged(&mut self, number: u64, byte: u64, _: Damage, raw: &str, _: &mut dyn Iterator<Item = Option<&str>>) -> Result<(), Failure> {
        (self.0)(number, byte, Cells::Damaged(raw))
    }

    fn read(&mut self, _: u64) {}
}

/// Refuses a record that does not end: all of one is in memory.
struct Records<'s, R> {
    inner: R,
    /// Bytes since the last record.
    since: &'s Cell<u64>,
}

impl<R: Read> Read for Records<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.since.get() > LONGEST {
            return Err(std::io::Error::other("a record is too long"));
        }
        let read = self.inner.read(into)?;
        self.since.set(self.since.get().saturating_add(read as u64));
        Ok(read)
    }
}

/// CSV as OMOP data sets have it: commas and quotes, or tabs without quotes as the vocabulary's files do.
fn csv(file: Box<dyn Read + '_>, packed: bool, table: &str, reading: &mut Reading<'_, '_>) -> Result<(), Failure> {
    let plain: Box<dyn Read + '_> = if packed { Box::new(flate2::read::MultiGzDecoder::new(file)) } else { file };
    let mut plain = BufReader::with_capacity(1 << 20, plain);
    let first = std::io::BufRead::fill_buf(&mut plain).map_err(|e| unreadable(&e))?;
    if first.is_empty() {
        return Err(Failure::Empty);
    }
    let line = first.split(|b| *b == b'\n').next().unwrap_or_default();
    let tabs = line.contains(&b'\t');
    let since = Cell::new(0);
    let plain = Records { inner: plain, since: &since };
    let mut reader = csv::ReaderBuilder::new().delimiter(if tabs { b'\t' } else { b',' }).quoting(!tabs).flexible(true).from_reader(plain);
    let damaged = |what: &str| Failure::Unreadable(format!("the table `{table}`: {what}"));
    let header = reader.headers().map_err(|e| damaged(if e.is_io_error() { "its header does not end, or cannot be read" } else { "its header is no UTF-8" }))?.clone();
    if header.len() > MOST_COLUMNS {
        return Err(damaged("its header has more than 10,000 columns"));
    }
    let on_row = match reading {
        Reading::Head(head) => {
            head.columns = header.iter().map(|c| c.trim_start_matches('\u{feff}').to_owned()).collect();
            return Ok(());
        }
        Reading::Rows(on_row) => on_row,
    };
    let (mut record, mut cells, mut last) = (csv::ByteRecord::new(), vec![], 1);
    loop {
        since.set(0);
        match reader.read_byte_record(&mut record) {
            Ok(false) => return Ok(()),
            Ok(true) => {}
            Err(_) => return Err(damaged("it cannot be read to its end")),
        }
        let (line, byte) = record.position().map_or((0, 0), |p| (p.line(), p.byte()));
        // A carriage return alone ends a record as well, and is no line to the one that counts them.
        let number = line.max(last + 1);
        last = number;
        let is_text = record.iter().all(|cell| std::str::from_utf8(cell).is_ok());
        if record.len() == header.len() && is_text {
            cells.clear();
            cells.extend(record.iter().map(|cell| Some(String::from_utf8_lossy(cell)).filter(|c| !c.is_empty()).map(|c| c.into_owned())));
            on_row(number, byte, Cells::Of(&cells))?;
        } else {
            let mut raw = String::new();
            for (at, cell) in record.iter().enumerate() {
                raw.push_str(if at > 0 { "," } else { "" });
                raw.push_str(&String::from_utf8_lossy(cell));
            }
            on_row(number, byte, Cells::Damaged(&raw))?;
        }
    }
}
