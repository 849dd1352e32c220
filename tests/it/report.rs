//! The report drawn from a sample run: the same every time, escaped, small, and alive in a browser.

use cohorte::execute::summary::{RunSummary, Text};
use cohorte::report;

use crate::browser::check_report;
use crate::sample::summary;

#[test]
fn works_in_a_browser() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    std::fs::write(&path, report::html(&summary())).unwrap();
    check_report(&path);
}

#[test]
fn json_gives_the_same_page() {
    let summary = summary();
    let json = report::json(&summary).unwrap();
    let read: RunSummary = serde_json::from_str(&json).unwrap();
    assert_eq!(read, summary);
    assert_eq!(report::html(&read), report::html(&summary));
    assert_eq!(report::json(&read).unwrap(), json);
}

#[test]
fn is_small_and_self_contained() {
    let page = report::html(&summary());
    assert!(page.len() < 300_000, "{} bytes", page.len());
    for outside in ["http:", "https:", "//cdn", "@import", "url(\"", "src=", "<iframe", "<object"] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn everything_from_outside_is_escaped() {
    const EVIL: &str = "<img src=x onerror=alert(1)>\"'&";
    let json = report::json(&summary()).unwrap();
    // Every text of the summary that is no keyword of its structure becomes hostile.
    let mut value: serde_json::Value = serde_json::from_str(&json).unwrap();
    fn spoil(value: &mut serde_json::Value, key: &str) {
        match value {
            serde_json::Value::String(text)
                if !["status", "state", "category", "severity", "kind", "type"].contains(&key) =>
            {
                text.push_str(EVIL);
            }
            serde_json::Value::Array(items) => items.iter_mut().for_each(|item| spoil(item, key)),
            serde_json::Value::Object(map) => map.iter_mut().for_each(|(key, item)| spoil(item, key)),
            _ => {}
        }
    }
    spoil(&mut value, "");
    let summary: RunSummary = serde_json::from_value(value).unwrap();
    let page = report::html(&summary);
    assert!(!page.contains("<img"));
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;&quot;"));
}

#[test]
fn draws_a_run_without_anything() {
    let mut empty = summary();
    empty.sites.clear();
    empty.sources.clear();
    empty.accounts.clear();
    empty.variables.clear();
    empty.rules.clear();
    empty.unmapped.clear();
    empty.reasons.clear();
    empty.endpoints.clear();
    empty.schema.tables.clear();
    empty.schema.description = Text::new();
    let page = report::html(&empty);
    for words in ["no row arrived", "Every code of every site is known", "There is nothing to draw"] {
        assert!(page.contains(words), "{words}");
    }
    assert!(!page.contains("NaN"));
}

#[test]
fn says_findings_in_plain_words() {
    let page = report::html(&summary());
    for sentence in [
        "In 7\u{a0}rows, “Date of first relapse” comes before “Date of diagnosis”.",
        "Dans 7\u{a0}lignes, «\u{a0}Date de première rechute\u{a0}» précède «\u{a0}Date de diagnostic\u{a0}».",
        "In 6\u{a0}rows, “Largest diameter of the tumour” is out of range (0 to 250\u{a0}mm).",
        "In 29\u{a0}rows, “Date of diagnosis” cannot be read as a date.",
        "is filled in only 87.4% of 5,116\u{a0}rows; at least 90% was agreed.",
        "Most often “D/G ?” (14\u{a0}rows).",
    ] {
        assert!(page.contains(sentence), "{sentence}");
    }
    assert!(!page.contains("assert"));
}

#[test]
fn the_browser_check_notices() {
    if crate::browser::chromium().is_none() {
        return;
    }
    let page = report::html(&summary());
    let folder = tempfile::tempdir().unwrap();
    let faults = [
        ("console", "</body>", "<script>console.warn('here')</script></body>"),
        ("blocked request", "</body>", "<img src=\"https://example.org/x.png\"></body>"),
    ];
    for (name, from, to) in faults {
        let path = folder.path().join("report.html");
        std::fs::write(&path, page.replacen(from, to, 1)).unwrap();
        let noticed = std::panic::catch_unwind(|| check_report(&path)).is_err();
        assert!(noticed, "{name}");
    }
}
