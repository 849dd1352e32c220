//! Tables that are damaged, or were made to fill the memory; true ones are read in `tests/it/formats.rs`.

use std::io::Write;

use super::super::record::{Damage, Failure, Options, Output};
use super::FORMAT;

struct Numbers(Vec<u64>, u64);

impl Output for Numbers {
    fn record(&mut self, number: u64, _: u64, _: &mut dyn Iterator<Item = Option<&str>>) -> Result<(), Failure> {
        self.0.push(number);
        Ok(())
    }

    fn damaged(&mut self, _: u64, _: u64, _: Damage, _: &str, _: &mut dyn Iterator<Item = Option<&str>>) -> Result<(), Failure> {
        self.1 += 1;
        Ok(())
    }

    fn read(&mut self, _: u64) {}
}

/// Records and damaged ones of a table that is packed within a packed archive: a thousandth of a thousandth of its bytes.
fn read(parts: &[(&[u8], usize)]) -> Result<(Vec<u64>, u64), Failure> {
    let mut packed = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
    for (bytes, times) in parts {
        (0..*times).for_each(|_| packed.write_all(bytes).expect("written"));
    }
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(vec![]));
    archive.start_file("person.csv.gz", zip::write::SimpleFileOptions::default()).expect("a member");
    archive.write_all(&packed.finish().expect("packed")).expect("written");
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), archive.finish().expect("an archive").into_inner()).expect("written");
    let options: Options = serde_json::from_str(r#"{"table": "person"}"#).expect("a map");
    (FORMAT.head)(file.path(), &options)?;
    let mut numbers = Numbers(vec![], 0);
    (FORMAT.records)(file.path(), &options, &mut numbers)?;
    Ok((numbers.0, numbers.1))
}

#[test]
fn numbers_rise_whatever_ends_a_record() {
    assert_eq!(read(&[(b"person_id\r1\r2,3\r4\n5\n", 1)]), Ok((vec![2, 4, 5], 1)));
    assert_eq!(read(&[(b"person_id,note\n1,\"a\nb\"\n2,c\n", 1)]), Ok((vec![2, 4], 0)));
}

#[test]
fn a_record_that_does_not_end_is_not_kept() {
    let long = [b'x'; 1 << 20];
    assert_eq!(read(&[(b"person_id,note\n1,a\n2,", 1), (&long, 8), (b"\n3,c,d\n", 1)]), Ok((vec![2, 3], 1)));
    assert_eq!(read(&[(b"person_id,note\n1,a\n2,\"", 1), (&long, 70)]), Err(Failure::Unreadable("the table `person`: it cannot be read to its end".into())));
    assert_eq!(read(&[(b"person_id,\"", 1), (&long, 70)]), Err(Failure::Unreadable("the table `person`: its header does not end, or cannot be read".into())));
    assert_eq!(read(&[(b"person_id", 1), (b",a", 10_000)]), Err(Failure::Unreadable("the table `person`: its header has more than 10,000 columns".into())));
}
