//! The report drawn from a sample run: the same every time, escaped, small, and alive in a browser.

use cohorte::execute::summary::{CategoryCount, Distribution, RunSummary, Text, VariableState};
use cohorte::report;

use crate::browser::{check_access, check_part, check_report};
use crate::sample::{many, summary};

#[test]
fn works_in_a_browser() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    std::fs::write(&path, report::html(&summary())).unwrap();
    check_report(&path);
}

#[test]
fn is_open_to_everybody() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    std::fs::write(&path, report::html(&summary())).unwrap();
    check_access(&path);
}

#[test]
fn stays_small_and_works_with_fifty_sites_and_a_hundred_variables() {
    let page = report::html(&many::summary(50, 100));
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    std::fs::write(&path, page).unwrap();
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
    assert!(page.len() < 350_000, "{} bytes", page.len());
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
    empty.survival.clear();
    empty.history.clear();
    empty.queries.clear();
    empty.schema.tables.clear();
    empty.schema.description = Text::new();
    let page = report::html(&empty);
    for words in ["no row arrived", "Every code of every site is known", "There is nothing to draw"] {
        assert!(page.contains(words), "{words}");
    }
    assert!(!page.contains("NaN"));
    assert!(!page.contains("What changed since"));
}

#[test]
fn says_what_changed_since_the_last_run() {
    let page = report::html(&summary());
    let since = page.split("class=since").nth(1).unwrap().split("</ul>").next().unwrap();
    for words in [
        "What changed since the run of 12 January 2026",
        "That delivery was not ready to use.",
        "Rows read: +488, now 9,706; accepted: +476, now 9,458.",
        "Grade is known for nearly all patients",
        "More findings in 1\u{a0}rule, fewer in 9\u{a0}rules.",
        "Ki-67 labelling index",
        "41% → 58%",
    ] {
        assert!(since.contains(words), "{words} in {since}");
    }
}

#[test]
fn what_may_not_be_told_is_never_drawn_as_nothing() {
    let mut run = summary();
    let grade = run.variables.iter_mut().find(|v| v.site == "gbsg" && v.field == "grade").unwrap();
    grade.distribution = Some(Distribution::Category {
        counts: ["1", "2", "3"].map(|value| CategoryCount { value: value.into(), rows: (value == "2").then_some(400) }).into(),
    });
    let page = report::html(&run);
    let chart = page.split("id=d-patient-grade>").nth(1).unwrap().split("</article>").next().unwrap();
    assert_eq!(chart.matches("class=veiled").count(), 2, "{chart}");
    assert!(page.contains("fewer than 5"));
}

#[test]
fn rules_say_their_name_their_measure_and_why_they_could_not_be_judged() {
    let page = report::html(&summary());
    for words in [
        "No relapse before the diagnosis",
        "<code>plausibleTemporalAfter</code>",
        "protocol 2.1, section 7",
        "Population stability index: 0.310 (at most 0.250)",
        "Indice de stabilité de population\u{a0}: 0,310",
        "Could not be judged",
        "the reference file has no row for curie",
    ] {
        assert!(page.contains(words), "{words}");
    }
}

#[test]
fn a_page_for_everybody_says_so_and_leaves_out_what_is_empty() {
    let mut public = summary();
    public.public = true;
    public.small_cell = 11;
    public.unmapped.clear();
    public.reasons.clear();
    public.queries.clear();
    public.variables.iter_mut().for_each(|v| {
        v.distribution = None;
        if v.state == VariableState::Undetermined {
            v.state = VariableState::NotMapped;
        }
    });
    let page = report::html(&public);
    assert!(page.contains("Version for everybody."));
    assert!(page.contains("fewer than 11 rows"));
    for section in ["unmapped", "asks", "distributions"] {
        assert!(!page.contains(&format!("<section id={section}")), "{section}");
        assert!(!page.contains(&format!("href=#{section}")), "{section}");
    }
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
        ("silence", "</body>", "<script>console.warn('here')</script></body>"),
        ("silence", "</body>", "<img src=\"https://example.org/x.png\"></body>"),
        ("complete", "id=rules ", ""),
        ("language", "root.lang = lang;", ""),
        ("matrix", "panel.classList.add('open')", ""),
        ("matrix", "opened.focus();", ""),
        ("matrix", "?.focus();", ";"),
        ("rules", "rule.hidden = active && !matches(rule, chosen);", "rule.hidden = false;"),
        ("sorting", "table.tBodies[0].append(...rows)", ""),
        ("links", "at.open = true", "at.open = false"),
        ("paper", "for (const details of unfolded) details.open = true;", ""),
        ("paper", "size: A4;", "size: A5;"),
    ];
    for (part, from, to) in faults {
        let path = folder.path().join("report.html");
        assert!(page.contains(from), "{part}: nothing to break at {from}");
        std::fs::write(&path, page.replacen(from, to, 1)).unwrap();
        let noticed = std::panic::catch_unwind(|| check_part(&path, part)).expect_err(from);
        let said = noticed.downcast_ref::<String>().cloned().unwrap_or_default();
        assert!(!said.contains("event waited for"), "{part}: the browser failed, not the page: {said}");
    }
}
