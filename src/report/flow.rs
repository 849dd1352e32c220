//! The rows as a stream: from the sites on the left to what became of them on the right.
//!
//! The width of a band is a number of rows, on one scale; a band that exists is seen, however few its
//! rows. The table beneath says the same in numbers, so the picture has one sentence for those who
//! do not see it.

use std::cmp::Reverse;
use std::fmt::Write;

use maud::{Markup, html};

use super::svg::{short, text};
use super::text::{Phrase, Wording, int, rows, share};
use super::verdict::total;
use super::view::View;
use super::words as w;
use crate::execute::summary::Account;

/// So many sites are drawn; the others flow together.
const DRAWN: usize = 12;
const WIDTH: f64 = 760.0;
/// Height of all rows together, without the gaps.
const ROWS: f64 = 240.0;
/// Left and right ends of the bands, and the width of the blocks beside them.
const LEFT: f64 = 226.0;
const RIGHT: f64 = 566.0;
const BLOCK: f64 = 10.0;

/// What can become of a row: class of its band, class of its block, name, meaning, rows.
type Outcome = (&'static str, &'static str, Wording, Wording, fn(&Account) -> u64);

const OUTCOMES: [Outcome; 4] = [
    ("a", "a", w::ACCEPTED, w::MEANING_ACCEPTED, |a| a.rows_accepted),
    ("q", "hq", w::QUARANTINED, w::MEANING_QUARANTINED, |a| a.rows_quarantined),
    ("f", "hf", w::FILTERED, w::MEANING_FILTERED, |a| a.rows_filtered),
    ("d", "hd", w::DEDUPLICATED, w::MEANING_DEDUPLICATED, |a| a.rows_deduplicated),
];

/// The figure; nothing where nothing was read.
pub fn figure(view: &View) -> Markup {
    let streams = streams(view);
    let sum = total(&view.run.accounts);
    if sum.rows_read == 0 {
        return html! {};
    }
    let outcomes: Vec<&Outcome> = OUTCOMES.iter().filter(|(.., of)| of(&sum) > 0).collect();
    let said = w::FLOW_SAID.with(&[
        &rows(sum.rows_read),
        &int(sum.rows_accepted),
        &int(sum.rows_quarantined),
        &int(sum.rows_filtered),
        &int(sum.rows_deduplicated),
    ]);
    let drawn = lay_out(&streams, &outcomes, sum.rows_read);
    html! {
        figure .flow {
            figcaption { (w::ROWS_FIGURE) }
            div .scroll tabindex="0" role="group" aria-label=(w::ROWS_FIGURE.en) data-fr-label=(w::ROWS_FIGURE.fr) {
                svg .sankey viewBox={ "0 0 " (short(WIDTH)) " " (short(drawn.height)) } role="img" aria-label=(said.en) data-fr-label=(said.fr) {
                    @for (class, path) in &drawn.bands { path .band.(class) d=(path) {} }
                    @for ((name, account), (y, height)) in streams.iter().zip(&drawn.left) {
                        rect .site x=(short(LEFT - BLOCK)) y=(short(*y)) width=(short(BLOCK)) height=(short(*height)) {}
                        g .name { (text(LEFT - BLOCK - 70.0, y + height / 2.0 + 4.5, "end", &name.map(clipped))) }
                        g .amount { (text(LEFT - BLOCK - 8.0, y + height / 2.0 + 4.5, "end", &int(account.rows_read))) }
                    }
                    @for ((_, block, name, _, of), (y, height)) in outcomes.iter().zip(&drawn.right) {
                        @let n = of(&sum);
                        rect .(block) x=(short(RIGHT)) y=(short(*y)) width=(short(BLOCK)) height=(short(*height)) {}
                        g .name { (text(RIGHT + BLOCK + 8.0, y + height / 2.0 - 2.0, "start", &name.phrase())) }
                        g .amount { (text(RIGHT + BLOCK + 8.0, y + height / 2.0 + 14.0, "start",
                            &Phrase::join(&[int(n), share(n, sum.rows_read, 1)], " · "))) }
                    }
                }
            }
            ul .legend {
                @for (_, block, name, meaning, _) in &outcomes {
                    li {
                        svg .key width="18" height="12" aria-hidden="true" focusable="false" { rect class=(block) width="18" height="12" {} }
                        span { strong { (name) } " " (meaning) }
                    }
                }
            }
        }
    }
}

fn clipped(name: &str) -> String {
    match name.char_indices().nth(18) {
        Some((end, _)) => format!("{}…", name[..end].trim_end()),
        None => name.to_owned(),
    }
}

/// The accounts of each site as one; the smaller of many sites together.
fn streams(view: &View) -> Vec<(Phrase, Account)> {
    let at = |site: &String| {
        let here: Vec<Account> = view.run.accounts.iter().filter(|a| a.site == *site).cloned().collect();
        (Phrase::same(site), total(&here))
    };
    let mut all: Vec<(Phrase, Account)> = view.run.sites.iter().map(at).filter(|(_, a)| a.rows_read > 0).collect();
    if all.len() > DRAWN + 1 {
        all.sort_by_key(|(_, a)| Reverse(a.rows_read)); // stable
        let rest: Vec<Account> = all.split_off(DRAWN).into_iter().map(|(_, a)| a).collect();
        all.push((w::OTHER_SITES.with(&[&int(rest.len() as u64)]), total(&rest)));
    }
    all
}

struct Drawn {
    /// Class and outline of each band.
    bands: Vec<(&'static str, String)>,
    /// Top and height of each block.
    left: Vec<(f64, f64)>,
    right: Vec<(f64, f64)>,
    height: f64,
}

#[allow(clippy::cast_precision_loss)]
fn lay_out(streams: &[(Phrase, Account)], outcomes: &[&Outcome], all: u64) -> Drawn {
    let thick = |n: u64| if n == 0 { 0.0 } else { (n as f64 / all as f64 * ROWS).max(0.8) };
    let band = |account: &Account, outcome: &Outcome| thick((outcome.4)(account));
    let heights: Vec<f64> = streams.iter().map(|(_, a)| outcomes.iter().map(|o| band(a, o)).sum()).collect();
    let sums: Vec<f64> = outcomes.iter().map(|o| streams.iter().map(|(_, a)| band(a, o)).sum()).collect();
    let (mut left, left_end) = column(&heights, 17.0, 5.0);
    let (mut right, right_end) = column(&sums, 36.0, 10.0);
    let height = left_end.max(right_end);
    for (blocks, end) in [(&mut left, left_end), (&mut right, right_end)] {
        for (y, _) in blocks.iter_mut() {
            *y += (height - end) / 2.0;
        }
    }
    let mut bands = Vec::new();
    let mut arrived = vec![0.0; outcomes.len()];
    for ((_, account), (top, _)) in streams.iter().zip(&left) {
        let mut leaving = *top;
        for (at, outcome) in outcomes.iter().enumerate() {
            let thickness = band(account, outcome);
            if thickness > 0.0 {
                bands.push((outcome.0, ribbon(leaving, right[at].0 + arrived[at], thickness)));
                leaving += thickness;
                arrived[at] += thickness;
            }
        }
    }
    Drawn { bands, left, right, height }
}

/// Blocks beneath each other, each with room for its label; and where they end.
fn column(heights: &[f64], label: f64, gap: f64) -> (Vec<(f64, f64)>, f64) {
    let mut end = 0.0;
    let blocks = heights
        .iter()
        .map(|height| {
            let room = height.max(label);
            let y = end + (room - height) / 2.0;
            end += room + gap;
            (y, *height)
        })
        .collect();
    (blocks, end - gap)
}

fn ribbon(from: f64, to: f64, thickness: f64) -> String {
    let middle = short(f64::midpoint(LEFT, RIGHT));
    let (left, right) = (short(LEFT), short(RIGHT));
    let mut path = format!("M{left} {0}C{middle} {0} {middle} {1} {right} {1}", short(from), short(to));
    let (from, to) = (short(from + thickness), short(to + thickness));
    let _ = write!(path, "V{to}C{middle} {to} {middle} {from} {left} {from}Z");
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_keep_their_distance_and_bands_their_width() {
        let (blocks, end) = column(&[40.0, 1.0], 17.0, 5.0);
        assert_eq!(blocks, [(0.0, 40.0), (53.0, 1.0)]);
        assert!((end - 62.0).abs() < 1e-9);
        let account = |read, accepted| Account { rows_read: read, rows_accepted: accepted, rows_quarantined: read - accepted, ..Default::default() };
        let streams = [(Phrase::same("a"), account(100, 100)), (Phrase::same("b"), account(100, 99))];
        let outcomes: Vec<&Outcome> = OUTCOMES.iter().take(2).collect();
        let drawn = lay_out(&streams, &outcomes, 200);
        assert_eq!(drawn.bands.iter().map(|(class, _)| *class).collect::<Vec<_>>(), ["a", "a", "q"]);
        assert!((drawn.right[0].1 - 238.8).abs() < 0.01, "{:?}", drawn.right);
    }
}
