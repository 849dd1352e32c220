//! OSIRIS pivot files: the French minimum data set of oncology, one CSV file for each of its concepts (Guérin et al., JCO
//! Clin Cancer Inform 2021;5:256-265).
//!
//! A pivot file is plain CSV, parted by commas and in UTF-8, with the names of data elements in its first row. People write
//! remarks and sketches of rows into it, below the data. A row is data when its first column, the patient, names someone: a
//! row without a patient is none, and neither is one whose patient is a phrase (it has a blank in it) while the second column,
//! the row's own number, is empty. Such rows are damaged records, so that they can be looked at; rows of empty cells alone
//! hold nothing and are passed over.

use std::path::Path;

use super::record::{Damage, Failure, Head, OptionKey, Options, Output, RecordFormat};
use super::table::{Row, Table};

pub static FORMAT: RecordFormat = RecordFormat {
    names: &["osiris"],
    summary: "A pivot file of OSIRIS, in which remarks stand among the rows: rows without a patient are set apart.",
    options: &[
        OptionKey { key: "delimiter", about: "Default: the most frequent of `,` `;` `|` `^` and tabulator in the header." },
        OptionKey { key: "encoding", about: "The character set; default: UTF-8 if the file is that, else windows-1252." },
    ],
    folder: false,
    typed: false,
    errors: &[],
    head,
    records,
};

/// The first two columns: the patient under the names that the data set and its pivot files use, and the row's own number.
const PATIENT: [&str; 2] = ["Patient_Id", "Patient_Ref"];
const INSTANCE: &str = "Instance_Id";

fn open(path: &Path, options: &Options) -> Result<Table, Failure> {
    let table = Table::open(path, options)?;
    match table.columns.as_slice() {
        [patient, instance, ..] if PATIENT.contains(&patient.as_str()) && instance == INSTANCE => Ok(table),
        _ => Err(Failure::NotThis {
            is: "no OSIRIS pivot file: its first columns are not `Patient_Id` and `Instance_Id`".into(),
            help: "another CSV file is read with `format: csv`".into(),
        }),
    }
}

fn head(path: &Path, options: &Options) -> Result<Head, Failure> {
    let table = open(path, options)?;
    Ok(Head { duplicates: table.duplicates(), columns: table.columns, evidence: table.evidence })
}

fn records(path: &Path, options: &Options, output: &mut dyn Output) -> Result<(), Failure> {
    let mut table = open(path, options)?;
    let mut row = Row::default();
    while table.next(&mut row)? {
        let mut cells = row.cells.iter().map(|cell| Some(cell.as_str()).filter(|cell| !cell.is_empty()));
        if !row.sound || !is_data(&row.cells) {
            if !row.sound || row.cells.iter().any(|cell| !cell.trim().is_empty()) {
                output.damaged(row.number, row.byte, Damage::Unreadable, &table.raw(&row), &mut cells)?;
            }
        } else {
            output.record(row.number, row.byte, &mut cells)?;
        }
        output.read(table.progress());
    }
    output.read(table.progress());
    Ok(())
}

fn is_data(cells: &[String]) -> bool {
    let Some([patient, instance]) = cells.first_chunk::<2>() else { return false };
    let patient = patient.trim();
    let is_phrase = patient.contains(char::is_whitespace) && instance.trim().is_empty();
    !(patient.is_empty() || is_phrase)
}

#[cfg(test)]
mod tests {
    use super::super::collect::{damage, file, read, shared};
    use super::super::record::Failure;
    use super::FORMAT;

    /// Rows counted by eye: data, and rows that hold a remark or a sketch; blank rows are neither.
    const FILES: [(&str, usize, usize); 18] = [
        ("AdverseEvent", 1, 1), ("Analysis", 3, 3), ("Annotation", 7, 0), ("BiologicalSample", 2, 0), ("Biomarker", 1, 0), ("Consent", 1, 0),
        ("CopyNumber", 1, 7), ("Drug", 2, 0), ("Expression", 1, 0), ("FamilyCancerHistory", 1, 0), ("Fusion", 1, 0), ("Patient", 2, 0),
        ("RelatedPathology", 1, 0), ("ResponseEvaluation", 1, 0), ("TNM", 2, 0), ("Treatment", 2, 0), ("TumorPathologyEvent", 2, 0), ("Variant", 2, 1),
    ];

    #[test]
    fn remarks_are_set_apart_in_all_pivot_files() {
        let Some(folder) = shared("osiris/pivot") else { return };
        for (name, data, remarks) in FILES {
            let (head, all) = read(&FORMAT, &folder.join(format!("OSIRIS_pivot_{name}.csv")), "{}").expect("readable");
            let damaged = all.records.iter().filter(|r| r.raw.is_some()).count();
            assert_eq!((all.records.len() - damaged, damaged), (data, remarks), "{name}");
            assert_eq!(head.evidence.first().map(String::as_str), Some("delimiter: `,` (the most frequent in the header)"));
        }
    }

    #[test]
    fn cells_under_their_elements() {
        let Some(folder) = shared("osiris/pivot") else { return };
        let (head, all) = read(&FORMAT, &folder.join("OSIRIS_pivot_AdverseEvent.csv"), "{}").expect("readable");
        let wanted = ["Patient_Id", "Instance_Id", "Treatment_Ref", "TumorPathologyEvent_Ref", "AdverseEvent_Code", "AdverseEvent_Date", "AdverseEvent_EndDate", "AdverseEvent_Grade"];
        assert_eq!(head.columns, wanted);
        let remark = "Vincent : Patient_Id est Patient_Ref en deuxième colonne";
        assert_eq!(all.table(), ["L304|1|2|1|Mal à la tete|2007-06-13|2007-07-10|∅".to_owned(), format!("!{remark}|∅|∅|∅|∅|∅|∅|∅")]);
        assert_eq!((all.records[1].number, all.records[1].raw.as_deref()), (4, Some(format!("{remark},,,,,,,").as_str())));
        let (_, quoted) = read(&FORMAT, &folder.join("OSIRIS_pivot_Annotation.csv"), "{}").expect("readable");
        assert_eq!(quoted.records[0].cells[14].as_deref(), Some("PI3K_rbd; PI3-kinase family, ras-binding domain"));
    }

    #[test]
    fn other_files_and_ragged_rows() {
        assert!(matches!((FORMAT.head)(file(b"a,b\n1,2\n").path(), &serde_json::Map::new()), Err(Failure::NotThis { .. })));
        let text = b"Patient_Ref;Instance_Id;Drug_Code\nP 1;1;x\nP1;;y\nP1;2\n;;\n;3;z\n";
        assert_eq!(read(&FORMAT, file(text).path(), "{}").expect("readable").1.table(), ["P 1|1|x", "P1|∅|y", "!P1|2|∅", "!∅|3|z"]);
    }

    #[test]
    fn damaged_input_is_never_a_panic() {
        let Some(folder) = shared("osiris/pivot") else { return };
        let bytes = std::fs::read(folder.join("OSIRIS_pivot_Analysis.csv")).expect("a file");
        let place = file(b"");
        damage(&bytes, 7, 150, |bytes| {
            std::fs::write(place.path(), bytes).expect("written");
            let _ = read(&FORMAT, place.path(), "{}");
        });
    }
}
