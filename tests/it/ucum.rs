//! The functional tests of UCUM, against the library that converts our units.

use crate::support::shared;

/// A `<case …/>` of the suite: its attributes in the order in which they are written.
struct Case {
    /// The suite's id; where it gives one id to several cases, `#2`, `#3` … follow.
    id: String,
    attributes: Vec<(String, String)>,
}

impl Case {
    fn get(&self, name: &str) -> &str {
        self.attributes.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value.as_str())
    }
}

/// Validation and conversion. (The suite says that the wording of display names is a suggestion; the
/// library multiplies no quantities for us.)
#[test]
fn conformance_ucum() {
    let Some(suite) = shared("suites/ucum") else { return };
    let xml = std::fs::read_to_string(suite.join("UcumFunctionalTests.xml")).expect("the suite");
    let xml = without_comments(&xml);
    let (validation, conversion) = (cases(&xml, "validation"), cases(&xml, "conversion"));
    assert!(validation.len() > 400 && conversion.len() > 25, "{} and {} cases", validation.len(), conversion.len());
    let mut failed: Vec<String> = validation.iter().filter_map(invalid).collect();
    failed.extend(conversion.iter().filter_map(misconverted));
    for failure in &failed {
        println!("  {failure}");
    }
    let total = validation.len() + conversion.len();
    println!("conformance ucum {}/{total}", total - failed.len());
    crate::conformance::gaps("ucum", &failed);
}

fn invalid(case: &Case) -> Option<String> {
    let (unit, wanted) = (case.get("unit"), case.get("valid") == "true");
    let found = octofhir_ucum::validate(unit);
    (found.is_ok() != wanted).then(|| {
        let why = found.err().map_or(String::new(), |e| format!(" ({e})"));
        format!("ucum/{}: `{unit}` should be {}, and is not{why}", case.id, if wanted { "valid" } else { "invalid" })
    })
}

fn misconverted(case: &Case) -> Option<String> {
    let (from, to, outcome) = (case.get("srcUnit"), case.get("dstUnit"), case.get("outcome"));
    let value: f64 = case.get("value").parse().expect("a number");
    let told = format!("ucum/{}: {} {from} should be {outcome} {to}", case.id, case.get("value"));
    match octofhir_ucum::convert(value, from, to) {
        Ok(found) if agrees(found, outcome) => None,
        Ok(found) => Some(format!("{told}, not {found}")),
        Err(error) => Some(format!("{told} ({error})")),
    }
}

/// Equal to nine digits, or equal when rounded to as many digits as the suite writes: it rounds to those
/// of the input (6.3 × 4 is 25 there, 6.30 × 4 is 25.2).
fn agrees(found: f64, outcome: &str) -> bool {
    let wanted: f64 = outcome.parse().expect("a number");
    if (found - wanted).abs() <= 1e-9 * wanted.abs() {
        return true;
    }
    let mantissa = outcome.split(['e', 'E']).next().unwrap_or(outcome);
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_start_matches('0').len().max(1);
    format!("{found:.*e}", digits - 1).parse::<f64>() == Ok(wanted)
}

fn without_comments(xml: &str) -> String {
    let mut parts = xml.split("<!--");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        kept.push_str(part.split_once("-->").map_or("", |(_, after)| after));
    }
    kept
}

/// The cases of one section.
fn cases(xml: &str, section: &str) -> Vec<Case> {
    let (open, close) = (format!("<{section}>"), format!("</{section}>"));
    let body = xml.split_once(&open).and_then(|(_, rest)| rest.split_once(&close)).map_or("", |(body, _)| body);
    let mut cases: Vec<Case> = vec![];
    for tag in body.split("<case ").skip(1) {
        let attributes = attributes(tag);
        let id = attributes.iter().find(|(name, _)| name == "id").map_or("?", |(_, id)| id.as_str()).to_owned();
        let same = |other: &&Case| other.attributes.iter().any(|(name, value)| name == "id" && *value == id);
        let before = cases.iter().filter(same).count();
        let id = if before == 0 { id } else { format!("{id}#{}", before + 1) };
        cases.push(Case { id, attributes });
    }
    cases
}

/// `name="value"` up to the end of the tag; a `>` between quotes does not end it.
fn attributes(tag: &str) -> Vec<(String, String)> {
    let (mut found, mut rest) = (vec![], tag);
    while let Some((name, after)) = rest.split_once("=\"") {
        if name.contains('>') {
            break;
        }
        let Some((value, after)) = after.split_once('"') else { break };
        found.push((name.trim().to_owned(), unescaped(value)));
        rest = after;
    }
    found
}

fn unescaped(text: &str) -> String {
    text.replace("&quot;", "\"").replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}
