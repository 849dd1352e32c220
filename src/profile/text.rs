//! A profile in the terminal.

use std::fmt::Write;

use super::{ColumnProfile, SourceProfile};

/// The profile as text.
pub fn text(profile: &SourceProfile) -> String {
    let mut out = format!("{}: {} rows in {} file{}\n", profile.source, profile.rows, profile.files.len(), if profile.files.len() == 1 { "" } else { "s" });
    for file in &profile.files {
        let evidence = if file.evidence.is_empty() { String::new() } else { format!("  ({})", file.evidence.join("; ")) };
        let _ = writeln!(out, "  {}: {} rows, {} bytes{evidence}", file.file, file.rows, file.bytes);
    }
    if profile.damaged > 0 {
        let _ = writeln!(out, "  {} rows are damaged: a mapping would refuse them", profile.damaged);
    }
    if !profile.keys.is_empty() {
        let _ = writeln!(out, "  each row has its own value of: {}", profile.keys.join(", "));
    }
    let width = profile.columns.iter().map(|c| c.name.chars().count()).max().unwrap_or(0).min(40);
    for column in &profile.columns {
        let _ = writeln!(out, "\n  {:width$}  {}: {}", column.name, column.kind, column.evidence);
        for line in lines(column, profile) {
            let _ = writeln!(out, "  {:width$}  {line}", "");
        }
    }
    if profile.shown_from > 1 {
        let _ = writeln!(out, "\n  values of fewer than {} rows are hidden, since they may name a person; --rare shows them", profile.shown_from);
    }
    out
}

/// What there is to say of a column, a line each.
pub fn lines(column: &ColumnProfile, profile: &SourceProfile) -> Vec<String> {
    let mut out = vec![];
    let distinct = column.distinct.map_or("too many values to be told apart".to_owned(), |n| format!("{n} different"));
    out.push(format!("filled {} of {} ({}), {distinct}", column.filled, profile.rows, share(column.filled, profile.rows)));
    if column.otherwise > 0 {
        out.push(format!("{} cells are something else", column.otherwise));
    }
    if let Some([low, high]) = &column.range {
        out.push(if profile.shown_from > 1 { format!("from {low} to {high}, but for fewer than {} rows at each end", profile.shown_from) } else { format!("from {low} to {high}") });
    }
    if !column.missing.is_empty() {
        out.push(format!("missing codes? {}", column.missing.iter().map(|f| format!("`{}` ({})", f.value, f.rows)).collect::<Vec<_>>().join(", ")));
    }
    if !column.frequent.is_empty() {
        out.push(format!("often: {}", column.frequent.iter().map(|f| format!("{} ({})", f.value, f.rows)).collect::<Vec<_>>().join(", ")));
    }
    if column.blanks > 0 {
        out.push(format!("{} cells have blanks around them", column.blanks));
    }
    out
}

/// `83.5 %`; nothing is rounded up to all or down to none.
pub fn share(part: u64, whole: u64) -> String {
    match (part, whole) {
        (_, 0) => "–".into(),
        (0, _) => "0 %".into(),
        _ if part == whole => "100 %".into(),
        _ => format!("{:.1} %", (part as f64 * 100.0 / whole as f64).clamp(0.1, 99.9)),
    }
}
