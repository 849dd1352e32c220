//! Random and damaged deliveries: nothing is lost, and partitions do not matter.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::cli::{MAPPING, PIPELINE, SCHEMA};
use crate::support::Project;

fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec!["1", "2,3", "31/12/1960", "31/02/1960", "F", "M", "X", "oui", "non", "ND", "", "-4", "999", "1e3"]).prop_map(str::to_owned),
        1 => "[ -~é€œ]{0,12}",
        1 => Just("\"a;b\nc\"".to_owned()),
        1 => Just("\"open".to_owned()),
        1 => Just("\"x\"y".to_owned()),
        1 => Just("a\u{0}b".to_owned()),
    ]
}

fn delivery() -> impl Strategy<Value = Vec<u8>> {
    let row = prop_oneof![8 => prop::collection::vec(cell(), 7), 1 => prop::collection::vec(cell(), 1..12)];
    let ends = prop::sample::select(vec!["\n", "\r\n"]);
    (prop::collection::vec(row, 0..60), ends, prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4)).prop_map(|(rows, end, damage)| {
        let mut text = format!("NIP;DDN;CM;N;SEXE;DCD;NOTE{end}");
        for row in rows {
            text += &row.join(";");
            text += end;
        }
        let mut bytes = text.into_bytes();
        let head = 26;
        for (at, byte) in damage {
            if bytes.len() > head + 2 {
                let place = head + 2 + at.index(bytes.len() - head - 2);
                bytes[place] = byte;
            }
        }
        bytes
    })
}

type Rows = Vec<Vec<String>>;

fn outcome(project: &Project, out: &str) -> (Rows, Rows, BTreeMap<String, u64>) {
    let cohort = project.query(&[("c", &format!("{out}/cohort/person/site=one"))], "SELECT * FROM c");
    let quarantine = project.query(&[("q", &format!("{out}/quarantine/export/site=one"))], "SELECT * FROM q");
    let manifest = project.json(&format!("{out}/manifest.json"));
    let account = &manifest["tables"][0];
    let numbers = ["rows_read", "rows_accepted", "rows_quarantined", "rows_filtered", "rows_deduplicated"].map(|k| (k.to_owned(), account[k].as_u64().unwrap_or(u64::MAX)));
    (cohort, quarantine, BTreeMap::from(numbers))
}

/// For any delivery: the accounting identity holds and equals the files; every row is in the cohort or
/// in quarantine exactly once; 1 and 4 partitions give the same rows in the same order.
#[test]
fn nothing_is_lost_and_partitions_do_not_matter() {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(24);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    // `duplicates: first`, so that the order of rows decides; a note of any text is accepted.
    let schema = SCHEMA.replace("key: [id]", "key: [id]\n    duplicates: first").replace("50 %", "100 %");
    runner
        .run(&delivery(), |bytes| {
            let project = Project::new(&[("schema.yaml", &schema), ("mapping.yaml", &MAPPING.replace("decimal", "encoding: windows-1252, decimal")), ("pipeline.yaml", PIPELINE)]);
            project.write("export.csv", &bytes);
            let (one, _, err) = project.run("one", &["--partitions", "1"]);
            prop_assert!(one == 0, "exit {one}: {err}");
            let (four, _, err) = project.run("four", &["--partitions", "4"]);
            prop_assert!(four == 0, "exit {four}: {err}");
            let (cohort, quarantine, account) = outcome(&project, "one");
            prop_assert_eq!(account["rows_read"], account["rows_accepted"] + account["rows_quarantined"] + account["rows_filtered"] + account["rows_deduplicated"]);
            prop_assert_eq!(account["rows_accepted"], cohort.len() as u64);
            prop_assert_eq!(account["rows_quarantined"], quarantine.len() as u64);
            // Columns of quarantine: the seven of the file, _file, _row, …, _reasons last.
            let mut rows: Vec<&String> = quarantine.iter().map(|r| &r[8]).collect();
            rows.sort();
            rows.dedup();
            prop_assert_eq!(rows.len(), quarantine.len(), "a row stands in quarantine twice");
            prop_assert!(quarantine.iter().all(|r| r.last().is_some_and(|reasons| reasons != "[]")), "a row without a reason");
            prop_assert_eq!(outcome(&project, "four"), (cohort, quarantine, account));
            Ok(())
        })
        .unwrap_or_else(|e| panic!("{e}"));
}

/// Equal partitions give equal bytes in `cohort/`.
#[test]
fn two_runs_differ_in_no_byte_of_the_cohort() {
    let project = crate::cli::small();
    let mut export = String::from("NIP;DDN;CM;N;SEXE;DCD;NOTE\n");
    for i in 0..5000 {
        export += &format!("{i};{:02}/01/1960;{},5;{};F;oui;n{}\n", i % 33, i % 30, i % 60, i % 7);
    }
    project.write("export.csv", export.as_bytes());
    let schema = SCHEMA.replace("50 %", "100 %");
    project.write("schema.yaml", schema.as_bytes());
    for out in ["a", "b"] {
        assert_eq!(project.run(out, &["--partitions", "3"]).0, 0);
    }
    let files = |out: &str| {
        let mut files: Vec<_> = std::fs::read_dir(project.path(&format!("{out}/cohort/person/site=one"))).expect("parts").map(|e| e.expect("an entry").path()).collect();
        files.sort();
        assert!(files.len() > 1, "the test wants several parts");
        files.into_iter().map(|f| (f.file_name().map(ToOwned::to_owned), std::fs::read(f).expect("a part"))).collect::<Vec<_>>()
    };
    assert!(files("a") == files("b"));
}
