//! Interrupts: nothing half-written is ever seen under the run's name.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{KEY, Project};

fn large() -> Project {
    let project = crate::cli::small();
    let mut export = String::with_capacity(40 << 20);
    export += "NIP;DDN;CM;N;SEXE;DCD;NOTE\n";
    for i in 0..700_000u32 {
        export += &format!("{i};{:02}/01/1960;{},5;{};F;oui;note {}\n", i % 33, i % 30, i % 60, i % 7);
    }
    project.write("export.csv", export.as_bytes());
    project.write("schema.yaml", crate::cli::SCHEMA.replace("50 %", "100 %").as_bytes());
    project
}

fn start(project: &Project, out: &str) -> std::process::Child {
    Command::new(env!("CARGO_BIN_EXE_cohorte"))
        .current_dir(project.folder.path())
        .env("COHORTE_KEY", KEY)
        .args(["run", "pipeline.yaml", "--quiet", "--out", out])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("cohorte starts")
}

fn send(child: &std::process::Child, signal: &str) {
    let _ = Command::new("kill").args([signal, &child.id().to_string()]).status();
}

/// Whole, or not there.
fn is_whole_or_absent(project: &Project, out: &str) -> bool {
    let folder = project.path(out);
    if !folder.exists() {
        return true;
    }
    let rows = project.query(&[("c", &format!("{out}/cohort/person/site=one"))], "SELECT count(*) FROM c");
    let accepted = project.json(&format!("{out}/manifest.json"))["tables"][0]["rows_accepted"].to_string();
    folder.join("report.html").exists() && rows[0][0] == accepted
}

#[test]
fn ctrl_c_and_sigterm_leave_nothing() {
    let project = large();
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let mut child = start(&project, "out");
        std::thread::sleep(Duration::from_millis(250));
        send(&child, signal);
        let status = child.wait().expect("an end");
        assert_eq!(status.code(), Some(code), "{signal}");
        assert!(!project.path("out").exists());
        let left: Vec<_> = std::fs::read_dir(project.folder.path()).expect("a folder").map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).filter(|n| n.contains("partial")).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// `kill -9` at random moments: the name never holds a run that looks complete but is not, and the next
/// run clears what was left.
#[test]
fn a_killed_run_never_looks_complete() {
    let project = large();
    let begun = Instant::now();
    let mut child = start(&project, "whole");
    assert!(child.wait().expect("an end").success());
    let whole = begun.elapsed();
    let mut killed = 0;
    for step in 1..=12u32 {
        let mut child = start(&project, "out");
        std::thread::sleep(whole.mul_f64(f64::from(step) / 11.0));
        send(&child, "-KILL");
        let status = child.wait().expect("an end");
        killed += u32::from(!status.success());
        assert!(is_whole_or_absent(&project, "out"), "after {step}/11 of a run");
        let _ = std::fs::remove_dir_all(project.path("out"));
    }
    assert!(killed >= 6, "only {killed} of 12 runs were killed in time");
    assert_eq!(project.run("out", &[]).0, 0);
    let left = std::fs::read_dir(project.folder.path()).expect("a folder").filter(|e| e.as_ref().is_ok_and(|e| e.file_name().to_string_lossy().contains("partial"))).count();
    assert_eq!(left, 0, "abandoned staging folders stay");
}
