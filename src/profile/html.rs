//! A profile as one page that needs nothing else.

use maud::{DOCTYPE, PreEscaped, html as page};

use super::SourceProfile;
use super::text::{lines, share};

const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}h1{font-size:1.5rem}table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.45rem .6rem;border-bottom:1px solid #d8dde3}th[scope=row]{overflow-wrap:anywhere;max-width:16rem}.bar{display:block;width:7rem;height:.55rem;background:#e4e8ec}.bar i{display:block;height:100%;background:#2f6f9f}.muted{color:#5b6672}ul{margin:0;padding-left:1.1rem}@media(prefers-color-scheme:dark){body{color:#e6e9ec;background:#14181c}th,td{border-color:#38424c}.bar{background:#2a323a}.bar i{background:#6fb1de}.muted{color:#a5b0bb}}@media print{body{margin:0;max-width:none}}";

/// The page.
pub fn html(profiles: &[SourceProfile]) -> String {
    let title = format!("Profile: {}", profiles.iter().map(|p| p.source.as_str()).collect::<Vec<_>>().join(", "));
    page! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    @for profile in profiles {
                        h1 { (profile.source) }
                        p { (profile.rows) " rows, " (profile.columns.len()) " columns" @if profile.damaged > 0 { ", " (profile.damaged) " damaged rows" } }
                        ul { @for file in &profile.files { li { (file.file) ": " (file.rows) " rows " span .muted { (file.evidence.join("; ")) } } } }
                        @if !profile.keys.is_empty() { p { "Each row has its own value of: " strong { (profile.keys.join(", ")) } } }
                        table {
                            thead { tr { th scope="col" { "Column" } th scope="col" { "Filled" } th scope="col" { "Type" } th scope="col" { "What it holds" } } }
                            tbody {
                                @for column in &profile.columns {
                                    @let filled = share(column.filled, profile.rows);
                                    tr {
                                        th scope="row" { (column.name) }
                                        td { (filled) span .bar aria-hidden="true" { i style=(format!("width:{}%", if profile.rows == 0 { 0.0 } else { column.filled as f64 * 100.0 / profile.rows as f64 })) {} } }
                                        td { (column.kind) br; span .muted { (column.evidence) } }
                                        td { ul { @for line in lines(column, profile).iter().skip(1) { li { (line) } } } }
                                    }
                                }
                            }
                        }
                        @if profile.shown_from > 1 { p .muted { "Values of fewer than " (profile.shown_from) " rows are hidden, since they may name a person." } }
                    }
                }
            }
        }
    }
    .into_string()
}
