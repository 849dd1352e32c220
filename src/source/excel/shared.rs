//! The number of texts that an xlsx workbook claims to share (ECMA-376 part 1, 18.4.9): `calamine` sets memory aside for as many before it
//! has read one, and where memory is refused, a program ends.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::super::record::Failure;
use super::hidden::attribute;
use super::sheet::damaged;

/// Texts that are believed without a look.
const FEW: u64 = 1 << 22;
/// The bytes of `<si/>`: no text is shorter.
const SHORTEST: u64 = 5;

/// # Errors
/// Where more texts are claimed than the member has room for.
pub fn check(path: &Path) -> Result<(), Failure> {
    let file = File::open(path).map_err(|e| Failure::Unreadable(e.to_string()))?;
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(|_| damaged("its zip archive"))?;
    let is_table = |name: &str| name.rsplit(['/', '\\']).next().is_some_and(|file| file.eq_ignore_ascii_case("sharedStrings.xml"));
    let tables: Vec<usize> = (0..archive.len()).filter(|at| archive.name_for_index(*at).is_some_and(|name| name.is_ok_and(|name| is_table(&name)))).collect();
    for at in tables {
        let Ok(member) = archive.by_index(at) else { continue };
        let size = member.size();
        let claimed = claimed(Reader::from_reader(BufReader::new(member))).unwrap_or(0);
        if claimed > FEW && claimed > size / SHORTEST {
            return Err(damaged("its table of texts claims more than it has room for"));
        }
    }
    Ok(())
}

/// The number in the first tag of the table.
fn claimed(mut xml: Reader<impl std::io::BufRead>) -> Option<u64> {
    let mut buffer = vec![];
    loop {
        buffer.clear();
        match xml.read_event_into(&mut buffer).ok()? {
            Event::Start(tag) | Event::Empty(tag) if tag.local_name().as_ref() == "sst" => return attribute(&tag, "uniqueCount")?.parse().ok(),
            Event::Eof => return None,
            _ => {}
        }
    }
}
