//! Interrupts: nothing half-written is ever seen under the run's name.

use std::process::{Command, Stdio};
use std::time::Duration;

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

/// Waits until `reached`, or until the run has ended.
fn until(child: &mut std::process::Child, reached: impl Fn() -> bool) {
    while !reached() && child.try_wait().expect("a state").is_none() {
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Bytes under a folder.
fn size(folder: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|e| e.metadata().map_or(0, |m| if m.is_dir() { 1 + size(&e.path()) } else { m.len() })).sum()
}

/// What a run has written so far, under a name that is not the run's yet.
fn staged(project: &Project, child: u32) -> u64 {
    let folder = project.path(&format!(".out.partial-{child}"));
    if folder.is_dir() { 1 + size(&folder) } else { 0 }
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
        let id = child.id();
        until(&mut child, || staged(&project, id) > 0);
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
    assert!(start(&project, "whole").wait().expect("an end").success());
    let whole = size(&project.path("whole"));
    let mut killed = 0;
    for step in 1..=12u32 {
        let mut child = start(&project, "out");
        let id = child.id();
        until(&mut child, || staged(&project, id) * 11 >= whole * u64::from(step - 1));
        send(&child, "-KILL");
        let status = child.wait().expect("an end");
        killed += u32::from(!status.success());
        assert!(is_whole_or_absent(&project, "out"), "after {}/11 of a run", step - 1);
        let _ = std::fs::remove_dir_all(project.path("out"));
    }
    assert!(killed >= 6, "only {killed} of 12 runs were killed in time");
    assert_eq!(project.run("out", &[]).0, 0);
    let left = std::fs::read_dir(project.folder.path()).expect("a folder").filter(|e| e.as_ref().is_ok_and(|e| e.file_name().to_string_lossy().contains("partial"))).count();
    assert_eq!(left, 0, "abandoned staging folders stay");
}
