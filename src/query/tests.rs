//! What is written is read back, by whom and through whatever it went.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use calamine::{Data, Reader, open_workbook_auto};
use proptest::prelude::{ProptestConfig, any, proptest};

use super::write::{inert, revived};
use super::{Answer, AnswerError, Language, Query, Reply, Row, Severity, State, Writer, answers, id};

const NASTY: [&str; 8] =
    ["=HYPERLINK(\"http://x\",\"y\")", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "a;b,c\t\"d\"\nnext", "<&>\u{1}_x0041_", " été œuvre’ ", "'=quoted"];

fn query(number: u64, answer: Option<&'static str>) -> Query<'static> {
    Query {
        id: id("curie", "dossier", "dossiers_2011.csv", Row::Number(number), "D601", Some("tumour_size"), "range"),
        table: "patient",
        source: "dossier",
        file: "dossiers_2011.csv",
        row: number,
        key: None,
        field: Some("taille de la tumeur"),
        column: Some("TAILLE_CM"),
        rule: "La taille est dans son intervalle",
        code: "D601",
        severity: if number.is_multiple_of(2) { Severity::Error } else { Severity::Warning },
        asks: "de 0 à 250 mm",
        value: Some("=1+1"),
        state: if answer.is_some() { State::Answered } else { State::New },
        answer,
    }
}

fn written(folder: &Path, language: Language, with_values: bool, rows: u32, queries: &[Query]) {
    let mut writer = Writer::with_rows(folder, "FR-75-CURIE", language, with_values, rows).expect("begun");
    queries.iter().for_each(|query| writer.add(query).expect("added"));
    let done = writer.finish().expect("finished");
    assert_eq!(done.queries, queries.len() as u64);
    assert_eq!(done.files, [folder.join("queries.xlsx"), folder.join("queries.csv")]);
}

fn pairs(found: &[Answer]) -> Vec<(&str, &str)> {
    found.iter().map(|a| (a.id.as_str(), a.answer.as_str())).collect()
}

fn member(path: &Path, name: &str) -> String {
    let mut text = String::new();
    let mut archive = zip::ZipArchive::new(fs::File::open(path).expect("there")).expect("a zip");
    archive.by_name(name).expect("the member").read_to_string(&mut text).expect("text");
    text
}

#[test]
fn an_id_is_stable_and_no_number() {
    let one = id("curie", "dossier", "a.csv", Row::Number(12), "D601", Some("age"), "range");
    assert_eq!(one, "q6c809e3b57385e0");
    let others = [
        id("curi", "edossier", "a.csv", Row::Number(12), "D601", Some("age"), "range"),
        id("curie", "dossier", "a.csv", Row::Key("12"), "D601", Some("age"), "range"),
        id("curie", "dossier", "a.csv", Row::Number(12), "D601", None, "range"),
        id("curie", "dossier", "a.csv", Row::Number(12), "D601", Some(""), "range"),
        id("curie", "dossier", "a.csv", Row::Number(13), "D601", Some("age"), "range"),
    ];
    let all: std::collections::HashSet<&String> = others.iter().chain([&one]).collect();
    assert_eq!(all.len(), 6);
    let many: std::collections::HashSet<String> = (0..200_000).map(|n| id("s", "d", "f", Row::Number(n), "c", None, "r")).collect();
    assert_eq!(many.len(), 200_000);
    assert!(many.iter().all(|id| super::is_id(id) && id.parse::<f64>().is_err()));
}

#[test]
fn the_workbook_is_as_told() {
    let folder = tempfile::tempdir().expect("a folder");
    written(folder.path(), Language::French, true, 100, &[query(12, None), Query { key: Some("P7"), ..query(13, Some("=vu")) }]);
    let mut book = open_workbook_auto(folder.path().join("queries.xlsx")).expect("a workbook");
    assert_eq!(book.sheet_names(), ["À lire", "Questions"]);
    let cover = book.worksheet_range("À lire").expect("the first page");
    assert_eq!(cover.get_value((0, 1)), Some(&Data::String("Questions au centre FR-75-CURIE".into())));
    assert_eq!(cover.get_value((7, 0)), Some(&Data::Float(6.0)));
    let rows: Vec<Vec<String>> = book.worksheet_range("Questions").expect("the sheet").rows().map(|r| r.iter().map(ToString::to_string).collect()).collect();
    assert_eq!(rows[0], ["N°", "Fichier", "Ligne", "Colonne", "Champ", "Règle", "Ce qui est attendu", "Valeur", "Gravité", "Statut", "Réponse", "id"]);
    let one = ["1", "dossiers_2011.csv", "12", "TAILLE_CM", "taille de la tumeur", "La taille est dans son intervalle", "de 0 à 250 mm", "=1+1", "erreur", "nouvelle", ""];
    assert_eq!(rows[1][..11], one);
    assert_eq!((rows[2][2].as_str(), rows[2][10].as_str()), ("13 (P7)", "=vu"));
    let sheet = member(&folder.path().join("queries.xlsx"), "xl/worksheets/sheet2.xml");
    assert!(!sheet.contains("<f>"));
    assert!(sheet.contains("state=\"frozen\"") && sheet.contains("<autoFilter ref=\"A1:L3\"/>") && !sheet.contains("sheetProtection"));
    assert!(sheet.contains("sqref=\"K2:K3\"><formula1>\"corrigé dans la source,la valeur est juste,inconnu,autre\"</formula1>"));
    for name in ["queries.xlsx", "queries.csv"] {
        let mode = fs::metadata(folder.path().join(name)).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn values_only_where_they_are_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    written(folder.path(), Language::Other, false, 100, &[query(1, None)]);
    let csv = fs::read_to_string(folder.path().join("queries.csv")).expect("text");
    assert_eq!(
        csv,
        "\u{FEFF}\"No\";\"File\";\"Row\";\"Column\";\"Field\";\"Rule\";\"What is expected\";\"Severity\";\"Status\";\"Answer\";\"id\"\r\n\
         \"1\";\"dossiers_2011.csv\";\"1\";\"TAILLE_CM\";\"taille de la tumeur\";\"La taille est dans son intervalle\";\"de 0 à 250 mm\";\"warning\";\"new\";\"\";\"ID\"\r\n"
            .replace("ID", &query(1, None).id)
    );
    let sheet = member(&folder.path().join("queries.xlsx"), "xl/worksheets/sheet2.xml");
    assert!(!sheet.contains("1+1") && !sheet.contains("Value"));
}

#[test]
fn answers_come_back_from_both_files_whatever_is_in_them() {
    let queries: Vec<Query> = (0..).zip(NASTY).map(|(n, text)| query(n, Some(text))).collect();
    for (language, rows) in [(Language::English, 100), (Language::French, 3)] {
        let folder = tempfile::tempdir().expect("a folder");
        written(folder.path(), language, true, rows, &queries);
        let clean = |q: &Query| q.answer.unwrap_or_default().trim().replace('\u{1}', "\u{FFFD}");
        let expected: Vec<(String, String)> = queries.iter().map(|q| (q.id.clone(), clean(q))).collect();
        let expected: Vec<(&str, &str)> = expected.iter().map(|(id, text)| (id.as_str(), text.as_str())).collect();
        for path in ["queries.xlsx", "queries.csv", ""] {
            assert_eq!(pairs(&answers(&folder.path().join(path)).expect(path)), expected, "{path}");
        }
        let csv = fs::read(folder.path().join("queries.csv")).expect("bytes");
        let text = String::from_utf8(csv).expect("UTF-8");
        assert!(!text.contains("\"=") && !text.contains("\"@") && !text.contains("\"+") && !text.contains("\"-"));
    }
    assert_eq!(Language::of("fr-CA"), Language::French);
    assert_eq!((Language::of("EN"), Language::of("de")), (Language::English, Language::Other));
}

#[test]
fn sheets_split_and_nothing_is_written_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let queries: Vec<Query> = (0..7).map(|n| query(n, Some("inconnu"))).collect();
    written(folder.path(), Language::French, false, 3, &queries);
    let mut book = open_workbook_auto(folder.path().join("queries.xlsx")).expect("a workbook");
    assert_eq!(book.sheet_names(), ["À lire", "Questions", "Questions 2", "Questions 3"]);
    assert_eq!(book.worksheet_range("Questions 3").expect("the sheet").height(), 2);
    let found = answers(&folder.path().join("queries.xlsx")).expect("read");
    assert_eq!(found.len(), 7);
    assert!(found.iter().all(|a| a.reply() == Some(Reply::Unknown)));
    assert_eq!(found[6].row, 2);
    let again = Writer::new(folder.path(), "FR-75-CURIE", Language::French, false).err().expect("an error");
    assert_eq!(again.kind(), std::io::ErrorKind::AlreadyExists);
}

#[test]
fn the_same_queries_give_the_same_bytes() {
    let (a, b) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let queries: Vec<Query> = (0..50).map(|n| query(n, None)).collect();
    for folder in [a.path(), b.path()] {
        written(folder, Language::English, true, 20, &queries);
        std::thread::sleep(std::time::Duration::from_millis(1100));
    }
    for name in ["queries.xlsx", "queries.csv"] {
        assert_eq!(fs::read(a.path().join(name)).expect("bytes"), fs::read(b.path().join(name)).expect("bytes"), "{name}");
    }
    assert_eq!(answers(a.path()).expect("no answer yet"), []);
    let none = tempfile::tempdir().expect("a folder");
    written(none.path(), Language::French, false, 20, &[]);
    assert_eq!(answers(none.path()).expect("no query"), []);
}

#[test]
fn a_csv_that_other_programs_saved() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("retour.csv");
    let ids = [query(1, None).id, query(2, None).id];
    let [one, two] = [&ids[0], &ids[1]];
    let expected = [(one.as_str(), "corrigé dans la source"), (two.as_str(), "=vu; l’âge est juste")];
    let quoted = |mark: char| {
        format!("sep={mark}\r\nNom{mark}Réponse{mark}id{mark}Répondu le\r\nÉlise{mark}corrigé dans la source{mark}{one}{mark}3/4/2026\r\n{mark}{mark}{two}x{mark}\r\n{mark}\"'=vu; l’âge est juste\"{mark}{two}{mark}\r\n")
    };
    let check = |bytes: &[u8], what: &str| {
        fs::write(&path, bytes).expect("written");
        let found = answers(&path).expect(what);
        assert_eq!(pairs(&found), expected, "{what}");
        assert_eq!((found[0].by.as_deref(), found[0].date.as_deref(), found[0].row, found[1].by.as_deref()), (Some("Élise"), Some("3/4/2026"), 3, None), "{what}");
        assert_eq!((found[0].reply(), found[1].reply()), (Some(Reply::Corrected), None));
    };
    for mark in [';', ',', '\t'] {
        let text = quoted(mark);
        check(text.as_bytes(), "UTF-8");
        check(&encoding_rs::WINDOWS_1252.encode(&text).0, "windows-1252");
        check(format!("\u{FEFF}{text}").as_bytes(), "UTF-8 with a mark");
        let wide: Vec<u8> = format!("\u{FEFF}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        check(&wide, "UTF-16, as Excel's Unicode text");
        check(text.replace("\r\n", "\r").as_bytes(), "ends of lines of an old Mac");
    }
    let (mac, table) = (quoted(';'), [('é', 0x8E), ('É', 0x83), ('â', 0x89), ('’', 0xD5)]);
    let bytes: Vec<u8> = mac.chars().map(|c| table.iter().find(|(of, _)| *of == c).map_or(c as u32 as u8, |(_, byte)| *byte)).collect();
    check(&bytes, "macintosh");
}

#[test]
fn what_is_wrong_is_said_in_plain_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let message = |path: &Path| answers(path).expect_err("an error").to_string().replace(&folder.path().display().to_string(), "F");
    assert_eq!(message(folder.path()), "F holds no workbook and no CSV");
    let path = folder.path().join("queries.xlsx");
    assert!(message(&path).starts_with("F/queries.xlsx cannot be read: "));
    fs::write(&path, "PK\u{3}\u{4} not a workbook").expect("written");
    let damaged = "F/queries.xlsx cannot be read: the workbook is damaged or has a password; ask the site to save it again, without one";
    assert_eq!(message(&path), damaged);
    fs::write(&path, [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1, 0, 0]).expect("written");
    assert_eq!(message(&path), damaged);
    fs::write(&path, "").expect("written");
    assert_eq!(message(&path), "F/queries.xlsx cannot be read: it is empty");
    let csv = folder.path().join("a.csv");
    fs::write(&csv, "No;Column\n1;2\n").expect("written");
    assert_eq!(message(&csv), "F/a.csv has no row with the column names `Answer` (or `Réponse`) and `id`: is it the file of queries?");
    fs::write(&csv, "Answer,id\n,\nyes,1.2E+15\n").expect("written");
    assert_eq!(message(&csv), "F/a.csv, row 3: an answer without the id of its query; copy the id back from the file that was sent");
    let one = query(1, None).id;
    fs::write(&csv, format!("Answer,id\nyes,{one}\n yes ,{}\n", one.to_uppercase())).expect("written");
    assert_eq!(answers(&csv).expect("the same twice").len(), 1);
    fs::write(folder.path().join("b.csv"), format!("Answer,id\nno,{one}\n")).expect("written");
    fs::remove_file(&path).expect("removed");
    fs::write(folder.path().join("~$queries.xlsx"), "lock").expect("written");
    assert!(matches!(answers(folder.path()), Err(AnswerError::Contradiction { .. })));
    assert_eq!(message(folder.path()), format!("two different answers to the query {one}: F/a.csv, row 2, and F/b.csv, row 2; delete the one that does not hold"));
}

#[test]
fn damaged_files_are_errors_or_answers_and_never_a_panic_that_gets_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let queries: Vec<Query> = (0..20).map(|n| query(n, Some("inconnu"))).collect();
    written(folder.path(), Language::French, true, 10, &queries);
    let path = folder.path().join("damaged.xlsx");
    for name in ["queries.xlsx", "queries.csv"] {
        let bytes = fs::read(folder.path().join(name)).expect("bytes");
        let mut seed = 7_u64;
        for round in 0..150_usize {
            let mut damaged = bytes.clone();
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = (seed >> 33) as usize % damaged.len();
            if round % 2 == 0 { damaged.truncate(at) } else { damaged[at] ^= (seed >> 20) as u8 | 1 }
            fs::write(&path, &damaged).expect("written");
            let _ = answers(&path);
        }
    }
}

#[test]
fn a_text_longer_than_a_cell_is_cut() {
    let folder = tempfile::tempdir().expect("a folder");
    let long: &'static str = Box::leak("é😀".repeat(20_000).into_boxed_str());
    written(folder.path(), Language::English, true, 10, &[query(1, Some(long))]);
    let found = answers(folder.path()).expect("both alike");
    // 10,666 pairs of three units and one more `é`; the next would end beyond the last place.
    assert_eq!(found[0].answer.encode_utf16().count(), 3 * 10_666 + 1 + 1);
    assert!(found[0].answer.ends_with('…'));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_text_made_inert_comes_back(text in "['=+@ \t\n＝a-]{0,5}", other in any::<String>()) {
        for text in [text, other] {
            let safe = inert(&text);
            assert!(!safe.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']), "{safe:?}");
            assert_eq!(revived(&safe), text);
        }
    }
}
