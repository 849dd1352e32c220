//! What a case expects against what came out.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, NaiveDateTime};

use super::Subject;
use super::case::{Done, Got, GotReason, Ran, Refusal, Value};
use crate::config::cases::{Case, Reason, Refused, Row, Rows};
use crate::config::mapping::TableMapping;
use crate::config::schema::{Field, FieldType, Table};
use crate::diagnostic::{self, Diagnostic, Diagnostics, Span, code};
use crate::transform::Kind;

impl Subject<'_> {
    /// The schema's table that a table mapping fills.
    pub fn target(&self, table: &TableMapping) -> Option<&Table> {
        self.project.schema.tables.iter().find(|t| t.name.value == table.table.value)
    }

    /// The table that expected rows are of, with its place in the mapping.
    fn table_of(&self, rows: &Rows) -> Option<(usize, &Table)> {
        let place = match (&rows.of, self.mapping.tables.as_slice()) {
            (Some(name), tables) => tables.iter().position(|t| t.table.value == name.value)?,
            (None, [_]) => 0,
            (None, _) => return None,
        };
        Some((place, self.target(self.mapping.tables.get(place)?)?))
    }
}

/// Reports names and values of the tests that nothing could ever match.
pub fn names_are_known(subject: &Subject<'_>, found: &mut Diagnostics) {
    for case in &subject.tests.cases {
        for rows in &case.rows {
            input_is_known(subject, rows, found);
        }
        for rows in case.accepted.iter().flatten() {
            accepted_is_known(subject, rows, found);
        }
        for refused in &case.quarantined {
            if let Some(source) = &refused.source {
                // A row that a shape refuses is one of that shape.
                if subject.mapping.shapes.iter().all(|s| s.name.value != source.value) {
                    source_is_known(subject, source, found);
                }
            }
            refused.reasons.iter().for_each(|r| reason_is_known(subject, r, found));
        }
        case.warnings.iter().flatten().chain(&case.fails).for_each(|r| reason_is_known(subject, r, found));
    }
}

fn source_is_known(subject: &Subject<'_>, name: &crate::config::Name, found: &mut Diagnostics) {
    let known: Vec<&str> = subject.mapping.sources.iter().map(|s| s.name.value.as_str()).collect();
    if !known.contains(&name.value.as_str()) {
        found.push(Diagnostic::error(code::UNKNOWN_SOURCE, name.span, format!("the mapping has no source `{}`", name.value)).label("no such source").suggest(&name.value, known));
    }
}

fn input_is_known(subject: &Subject<'_>, rows: &Rows, found: &mut Diagnostics) {
    let sources = &subject.mapping.sources;
    let place = match &rows.of {
        Some(name) => {
            source_is_known(subject, name, found);
            sources.iter().position(|s| s.name.value == name.value)
        }
        None if sources.len() == 1 => Some(0),
        None => {
            let names: Vec<String> = sources.iter().map(|s| format!("`{}: […]`", s.name.value)).collect();
            found.push(Diagnostic::error(code::WRONG_KIND, rows.span, "the mapping has several sources").label("of which source are these rows?").help(format!("write {}", names.join(", "))));
            None
        }
    };
    let Some(columns) = place.and_then(|at| subject.columns.get(at)) else { return };
    for (name, _) in rows.rows.iter().flat_map(|r| &r.cells).filter(|(name, _)| !columns.contains(&name.value)) {
        found.push(
            Diagnostic::error(code::UNKNOWN_COLUMN, name.span, format!("the source has no column `{}`", name.value))
                .label("not in the header")
                .suggest(&name.value, columns.iter().map(String::as_str)),
        );
    }
}

fn accepted_is_known(subject: &Subject<'_>, rows: &Rows, found: &mut Diagnostics) {
    let Some((_, target)) = subject.table_of(rows) else {
        let known: Vec<&str> = subject.mapping.tables.iter().map(|t| t.table.value.as_str()).collect();
        found.push(match &rows.of {
            Some(name) => Diagnostic::error(code::UNKNOWN_TABLE, name.span, format!("the mapping fills no table `{}`", name.value)).label("no such table").suggest(&name.value, known),
            None => Diagnostic::error(code::WRONG_KIND, rows.span, "the mapping fills several tables").label("of which table are these rows?").help(format!("write `{}: […]`", known.join(": […]`, `"))),
        });
        return;
    };
    for (name, cell) in rows.rows.iter().flat_map(|r| &r.cells) {
        let Some(field) = target.fields.iter().find(|f| f.name.value == name.value) else {
            found.push(
                Diagnostic::error(code::UNKNOWN_FIELD, name.span, format!("the table `{}` has no field `{}`", target.name.value, name.value))
                    .label("not in the schema")
                    .suggest(&name.value, target.fields.iter().map(|f| f.name.value.as_str())),
            );
            continue;
        };
        if typed(field, cell.value.as_deref()).is_none() {
            let text = cell.value.as_deref().unwrap_or_default();
            let listed = field.values.iter().map(|v| v.value.value.as_str());
            found.push(
                Diagnostic::error(code::CASE_VALUE, cell.span, format!("`{text}` is not a value of the field `{}`", name.value))
                    .label(format!("expected {}", if field.values.is_empty() { field.storage().words() } else { "one of its values" }))
                    .related(field.kind.span, "the field's type")
                    .suggest(text, listed),
            );
        }
    }
}

/// Words of a Reason are codes, fields and rules.
fn reason_is_known(subject: &Subject<'_>, reason: &Reason, found: &mut Diagnostics) {
    let targets: Vec<&Table> = subject.mapping.tables.iter().filter_map(|t| subject.target(t)).collect();
    let fields = targets.iter().flat_map(|t| &t.fields).map(|f| f.name.value.as_str());
    let rules = targets.iter().flat_map(|t| &t.rules).map(|r| r.id.value.as_str());
    let constraints = crate::rule::CONSTRAINTS.iter().map(|c| c.key);
    // The rules that are no word of a schema: failures of derivations and of keys.
    let others = ["required", "key", "parse", "unmapped", "bins", "expression"];
    let shapes = subject.mapping.shapes.iter().flat_map(|s| std::iter::once(&s.name).chain(s.derive.iter().chain(&s.filters).map(|(name, _)| name))).map(|n| n.value.as_str());
    let fields = fields.chain(shapes);
    let known: Vec<&str> = fields.chain(rules).chain(constraints).chain(others).collect();
    for word in &reason.words {
        let is_code = diagnostic::ALL.iter().any(|c| c.id == word);
        if !is_code && !known.contains(&word.as_str()) {
            found.push(
                Diagnostic::error(code::CASE_REASON, reason.span, format!("`{word}` is no code, field or rule"))
                    .label("a Reason is named by its code, field and rule, or some of them")
                    .suggest(word, known.iter().copied()),
            );
        }
    }
}

/// An expected text as the field's type; `None` where it is none.
fn typed(field: &Field, text: Option<&str>) -> Option<Value> {
    let Some(text) = text else { return Some(Value::Missing) };
    let listed = field.kind.value != FieldType::Code || field.values.is_empty() || field.values.iter().any(|v| v.value.value == text);
    if !listed {
        return None;
    }
    match field.storage() {
        Kind::Integer => text.parse().ok().map(Value::Integer),
        Kind::Number => text.parse::<f64>().ok().filter(|n| n.is_finite()).map(Value::Number),
        Kind::Boolean => text.parse().ok().map(Value::Boolean),
        Kind::Date => day(text).map(Value::Date),
        Kind::Datetime => moment(text).map(Value::Datetime),
        _ => Some(Value::Text(text.to_owned())),
    }
}

fn day(text: &str) -> Option<i32> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    i32::try_from(date.signed_duration_since(DateTime::UNIX_EPOCH.date_naive()).num_days()).ok()
}

fn moment(text: &str) -> Option<i64> {
    let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];
    let time = forms.iter().find_map(|f| NaiveDateTime::parse_from_str(text, f).ok());
    time.map(|t| t.and_utc().timestamp_micros()).or_else(|| day(text).map(|d| i64::from(d) * 86_400_000_000))
}

/// Equal as values: numbers up to the rounding of a conversion.
fn is_equal(expected: &Value, got: &Value) -> bool {
    match (expected, got) {
        (Value::Number(a), Value::Number(b)) => (a - b).abs() <= 1e-9 * a.abs().max(b.abs()),
        _ => expected == got,
    }
}

/// What of a case is not as expected.
pub fn compare(subject: &Subject<'_>, case: &Case, ran: &Ran) -> Vec<Diagnostic> {
    let name = &case.name.value;
    let done = match (ran, &case.fails) {
        (Ran::Stopped(message), Some(reason)) => {
            let wrong: Vec<&String> = reason.words.iter().filter(|w| !message.contains(&format!("`{w}`")) && **w != code::POLICY_FAIL.id).collect();
            return match wrong.as_slice() {
                [] => vec![],
                _ => vec![failed(reason.span, format!("`{name}`: the run ends for another Reason")).label("expected this").note(message.clone())],
            };
        }
        (Ran::Stopped(message), None) => return vec![failed(case.name.span, format!("`{name}`: the run ends with an error")).label("no `fails` is expected").note(message.clone())],
        (Ran::Done(_), Some(reason)) => return vec![failed(reason.span, format!("`{name}`: the run should end, and does not")).label("nothing failed")],
        (Ran::Done(done), None) => done,
    };
    let mut found = vec![];
    let mut looked_at = vec![];
    for rows in case.accepted.iter().flatten() {
        if let Some((place, target)) = subject.table_of(rows) {
            looked_at.push(place);
            found.extend(accepted(case, rows, place, target, done));
        }
    }
    if case.accepted.is_none() {
        for (place, table) in subject.mapping.tables.iter().enumerate() {
            let (Some(target), Some(got)) = (subject.target(table), done.accepted.get(place)) else { continue };
            if !got.is_empty() {
                let finding = failed(case.name.span, format!("`{name}`: no row is expected in `{}`, {} accepted", target.name.value, were(got.len())));
                found.push(finding.label("no `accepted` here").note(drawn_rows(target, &[], got)));
            }
        }
    }
    found.extend(quarantined(case, done));
    found.extend(warnings(case, done));
    found
}

fn failed(span: Span, message: String) -> Diagnostic {
    Diagnostic::error(code::CASE_FAILED, span, message)
}

fn accepted(case: &Case, rows: &Rows, place: usize, target: &Table, done: &Done) -> Vec<Diagnostic> {
    let empty = vec![];
    let got = done.accepted.get(place).unwrap_or(&empty);
    let name = &case.name.value;
    if got.len() != rows.rows.len() {
        let mut finding = failed(rows.span, format!("`{name}`: {} expected in `{}`, {} accepted", are(rows.rows.len()), target.name.value, were(got.len()))).label("these are expected");
        if !got.is_empty() {
            finding = finding.note(drawn_rows(target, &rows.rows, got));
        }
        let refused: Vec<String> = done.quarantined.iter().map(|r| format!("row {} of `{}` went to quarantine: {}", r.row, r.source, listed(&r.reasons))).collect();
        return vec![refused.into_iter().fold(finding, Diagnostic::note)];
    }
    // Equal marks stand for equal pseudonyms, in the whole case.
    let mut marks: HashMap<&str, &str> = HashMap::new();
    let mut found = vec![];
    for (at, (expected, got)) in rows.rows.iter().zip(got).enumerate() {
        let mut wrong: Vec<(Span, [String; 3])> = vec![];
        for (name, cell) in &expected.cells {
            let Some(place) = target.fields.iter().position(|f| f.name.value == name.value) else { continue };
            let (Some(field), Some(got)) = (target.fields.get(place), got.get(place)) else { continue };
            let fits = match (field.kind.value, cell.value.as_deref(), &got.value) {
                (FieldType::Pseudonym, Some(mark), Value::Text(pseudonym)) => {
                    let known = marks.get(mark).copied();
                    let taken = marks.iter().any(|(m, p)| *m != mark && p == pseudonym);
                    marks.entry(mark).or_insert(pseudonym);
                    !taken && known.is_none_or(|k| k == pseudonym)
                }
                _ => typed(field, cell.value.as_deref()).is_some_and(|v| is_equal(&v, &got.value)),
            };
            if !fits {
                wrong.push((cell.span, [name.value.clone(), cell.value.clone().unwrap_or_else(|| "∅".into()), got.shown.clone()]));
            }
        }
        let Some((span, first)) = wrong.first() else { continue };
        let which = if rows.rows.len() == 1 { format!("`{}`", target.name.value) } else { format!("row {} of `{}`", at + 1, target.name.value) };
        let mut finding = failed(*span, format!("`{name}`: {which} is not as expected")).label(format!("got {}", first[2]));
        for (span, [_, _, got]) in wrong.iter().skip(1) {
            finding = finding.related(*span, format!("got {got}"));
        }
        let head = ["field", "expected", "got"].map(str::to_owned);
        let table: Vec<Vec<String>> = std::iter::once(head.to_vec()).chain(wrong.iter().map(|(_, w)| w.to_vec())).collect();
        found.push(finding.note(drawn(&table)));
    }
    found
}

fn quarantined(case: &Case, done: &Done) -> Vec<Diagnostic> {
    let (name, span) = (&case.name.value, case.quarantined_span.unwrap_or(case.name.span));
    let head = ["source", "row", "Reasons"].map(str::to_owned).to_vec();
    let table: Vec<Vec<String>> = std::iter::once(head).chain(done.quarantined.iter().map(|r| vec![r.source.clone(), r.row.to_string(), listed(&r.reasons)])).collect();
    if done.quarantined.len() != case.quarantined.len() {
        let label = if case.quarantined_span.is_some() { "these are expected" } else { "no `quarantined` here" };
        let finding = failed(span, format!("`{name}`: {} expected in quarantine, {} refused", are(case.quarantined.len()), were(done.quarantined.len()))).label(label);
        return vec![if done.quarantined.is_empty() { finding } else { finding.note(drawn(&table)) }];
    }
    let wrong = case.quarantined.iter().zip(&done.quarantined).filter(|(expected, got)| !refused_alike(expected, got));
    wrong
        .map(|(expected, got)| {
            let is_placed = expected.row.as_ref().is_none_or(|r| i64::try_from(r.value).is_ok_and(|r| r == got.row)) && expected.source.as_ref().is_none_or(|s| s.value == got.source);
            let message = if is_placed { format!("`{name}`: row {} is refused for other Reasons", got.row) } else { format!("`{name}`: another row is refused: row {} of `{}`", got.row, got.source) };
            failed(expected.span, message).label("expected this").note(format!("got {}", listed(&got.reasons)))
        })
        .collect()
}

/// The row, and its Reasons one by one: each expected one is there, and no error more.
fn refused_alike(expected: &Refused, got: &Refusal) -> bool {
    let row = expected.row.as_ref().is_none_or(|r| i64::try_from(r.value).is_ok_and(|r| r == got.row));
    let source = expected.source.as_ref().is_none_or(|s| s.value == got.source);
    let mut left: Vec<&GotReason> = got.reasons.iter().collect();
    let all = expected.reasons.iter().all(|reason| match left.iter().position(|got| is_reason(reason, &got.code, got.field.as_deref(), &got.rule)) {
        Some(at) => {
            left.remove(at);
            true
        }
        None => false,
    });
    row && source && all && !left.iter().any(|r| r.is_error)
}

/// Whether each word is the code, the field or the rule.
pub fn is_reason(reason: &Reason, code: &str, field: Option<&str>, rule: &str) -> bool {
    reason.words.iter().all(|w| w == code || Some(w.as_str()) == field || w == rule)
}

fn warnings(case: &Case, done: &Done) -> Vec<Diagnostic> {
    use crate::execute::summary::Severity;
    let Some(expected) = &case.warnings else { return vec![] };
    let got: Vec<_> = done.summary.reasons.iter().filter(|r| r.severity == Severity::Warning && r.rows > 0).collect();
    let name = &case.name.value;
    let absent = expected.iter().filter(|e| !got.iter().any(|g| is_reason(e, &g.code, g.field.as_deref(), &g.rule)));
    let mut found: Vec<Diagnostic> = absent.map(|e| failed(e.span, format!("`{name}`: no row has this warning")).label("expected this")).collect();
    for more in got.iter().filter(|g| !expected.iter().any(|e| is_reason(e, &g.code, g.field.as_deref(), &g.rule))) {
        let words = [Some(more.code.as_str()), more.field.as_deref(), Some(more.rule.as_str())];
        found.push(failed(case.name.span, format!("`{name}`: a warning more than expected")).label(format!("got `{}`", words.into_iter().flatten().collect::<Vec<_>>().join(" "))));
    }
    found
}

fn listed(reasons: &[GotReason]) -> String {
    let one = |r: &GotReason| {
        let words = [Some(r.code.as_str()), r.field.as_deref(), Some(r.rule.as_str())];
        let text = words.into_iter().flatten().collect::<Vec<_>>().join(" ");
        if r.is_error { text } else { format!("{text} (warning)") }
    };
    reasons.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Accepted rows with the fields that the case names; where it names none, with those that have a value.
fn drawn_rows(target: &Table, expected: &[Row], got: &[Vec<Got>]) -> String {
    let named = |f: &Field| expected.iter().flat_map(|r| &r.cells).any(|(name, _)| name.value == f.name.value);
    let filled = |at: usize| got.iter().any(|r| r.get(at).is_some_and(|g| g.value != Value::Missing));
    let mut places: Vec<usize> = (0..target.fields.len()).filter(|at| target.fields.get(*at).is_some_and(named)).collect();
    if places.is_empty() {
        places = (0..target.fields.len()).filter(|at| filled(*at)).take(8).collect();
    }
    let head = places.iter().filter_map(|at| target.fields.get(*at)).map(|f| f.name.value.clone()).collect();
    let rows = got.iter().map(|r| places.iter().filter_map(|at| r.get(*at)).map(|g| short(&g.shown)).collect());
    let table: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
    format!("got\n{}", drawn(&table))
}

/// A pseudonym is told apart by its beginning.
fn short(text: &str) -> String {
    if text.chars().count() > 24 { text.chars().take(8).chain("…".chars()).collect() } else { text.to_owned() }
}

/// A small table, its columns aligned.
fn drawn(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(|c| rows.iter().filter_map(|r| r.get(c)).map(|t| t.chars().count()).max().unwrap_or(0)).collect();
    let line = |row: &Vec<String>| row.iter().zip(&widths).map(|(t, width)| format!("{t:<width$}")).collect::<Vec<_>>().join(" | ").trim_end().to_owned();
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn are(n: usize) -> String {
    match n {
        0 => "no row is".into(),
        1 => "1 row is".into(),
        _ => format!("{n} rows are"),
    }
}

fn were(n: usize) -> String {
    match n {
        0 => "none was".into(),
        1 => "1 was".into(),
        _ => format!("{n} were"),
    }
}
