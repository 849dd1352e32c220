//! Rows that a sheet of an xlsx workbook hides; `calamine` does not tell.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read, Seek};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

/// The hidden rows of a sheet, from 0; `None` where the workbook does not lead to it.
pub fn rows<R: Read + Seek>(archive: &mut ZipArchive<R>, sheet: &str) -> Option<HashSet<u32>> {
    let relation = each(archive, "xl/workbook.xml", "sheet", |tag| (attribute(tag, "name")? == sheet).then(|| attribute(tag, "id"))?)?.pop()?;
    let target = each(archive, "xl/_rels/workbook.xml.rels", "Relationship", |tag| (attribute(tag, "Id")? == relation).then(|| attribute(tag, "Target"))?)?.pop()?;
    let path = match target.strip_prefix('/') {
        Some(whole) => whole.to_owned(),
        None => format!("xl/{target}"),
    };
    let hidden = |tag: &BytesStart<'_>| -> Option<u32> {
        let is = attribute(tag, "hidden").is_some_and(|h| h == "1" || h == "true");
        is.then(|| attribute(tag, "r")?.parse::<u32>().ok()?.checked_sub(1))?
    };
    Some(each(archive, &path, "row", hidden)?.into_iter().collect())
}

/// What a function takes of each tag of a name in a member.
fn each<R: Read + Seek, T>(archive: &mut ZipArchive<R>, member: &str, name: &str, mut take: impl FnMut(&BytesStart<'_>) -> Option<T>) -> Option<Vec<T>> {
    let member = archive.by_name(member).ok()?;
    let mut reader = Reader::from_reader(BufReader::new(member));
    let (mut buffer, mut found) = (vec![], vec![]);
    loop {
        match next(&mut reader, &mut buffer)? {
            Event::Eof => return Some(found),
            Event::Start(tag) | Event::Empty(tag) if tag.local_name().as_ref() == name => found.extend(take(&tag)),
            _ => {}
        }
        buffer.clear();
    }
}

fn next<'b, B: BufRead>(reader: &mut Reader<B>, buffer: &'b mut Vec<u8>) -> Option<Event<'b>> {
    reader.read_event_into(buffer).ok()
}

/// An attribute by its name without a prefix.
pub fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = tag.attributes().flatten().find(|a| a.key.local_name().as_ref() == name)?;
    Some(found.value.to_string())
}
