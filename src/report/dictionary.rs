//! Says once what the page says often.
//!
//! A page in two languages holds most words twice, and a matrix or a rule list repeats its words a
//! hundred times. After the page is drawn, a pair of languages that occurs several times is kept in
//! a list at its end; each place keeps the English (what is read without script) and the number of
//! its entry. What HTML lets one leave out is left out. The sections know nothing of this.

use std::collections::HashMap;
use std::fmt::Write;

const ENGLISH: &str = "<span lang=en>";
const BETWEEN: &str = "</span><span lang=fr>";
const CLOSE: &str = "</span>";
/// From so many occurrences on an entry is shorter than the pairs.
const OFTEN: u32 = 3;

/// The page with its frequent pairs moved to a `<template>` that takes the place of `marker`.
pub fn fold(page: &str, marker: &str) -> String {
    let mut counts: HashMap<&str, u32> = HashMap::new();
    pairs(page, |piece| {
        if let Piece::Pair { whole, .. } = piece {
            *counts.entry(whole).or_default() += 1;
        }
    });
    let mut entries: HashMap<&str, usize> = HashMap::new();
    let mut list = String::from("<template id=words>");
    let mut out = String::with_capacity(page.len());
    pairs(page, |piece| match piece {
        Piece::Pair { whole, en, fr } if counts[whole] >= OFTEN => {
            let next = entries.len();
            let entry = *entries.entry(whole).or_insert_with(|| {
                let _ = write!(list, "<i>{en}</i><i>{fr}</i>");
                next
            });
            let _ = write!(out, "<span data-t={entry}>{en}</span>");
        }
        Piece::Pair { whole, .. } | Piece::Rest(whole) => out.push_str(whole),
    });
    list.push_str("</template>");
    out.replacen(marker, &list, 1)
}

/// The page without what HTML lets one leave out: end tags of cells, rows and items, which what follows them ends, the
/// scope of a head in a table's head, and quotation marks around a word. A large page is mostly cells. Texts are escaped, so all this is in tags; the script,
/// where it might not be, comes last and stays as it is.
pub fn lean(page: &str) -> String {
    let (body, script) = page.split_at(page.rfind("<script>").unwrap_or(page.len()));
    let (head, body) = body.split_at(body.find("<body>").unwrap_or(0));
    let gone = ["</td>", "</th>", "</tr>", "</li>", " scope=\"col\""];
    let body = gone.iter().fold(body.to_owned(), |page, tag| page.replace(tag, ""));
    let body = ["path", "rect", "circle"].iter().fold(body, |page, tag| page.replace(&format!("></{tag}>"), "/>"));
    let mut out = String::with_capacity(page.len());
    out.push_str(head);
    let mut rest = body.as_str();
    while let Some(at) = rest.find("=\"") {
        let (before, value) = (&rest[..at + 1], &rest[at + 2..]);
        out.push_str(before);
        let end = value.find('"').unwrap_or(value.len());
        let word = end > 0 && value[..end].bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'#'));
        // Before `/>` the mark is needed: the stroke would belong to the word.
        if word && !value[end + 1..].starts_with('/') {
            out.push_str(&value[..end]);
        } else {
            out.push('"');
            out.push_str(&value[..(end + 1).min(value.len())]);
        }
        rest = &value[(end + 1).min(value.len())..];
    }
    out.push_str(rest);
    out.push_str(script);
    out
}

enum Piece<'a> {
    Rest(&'a str),
    Pair { whole: &'a str, en: &'a str, fr: &'a str },
}

/// Takes the page apart, in order and without loss. Texts are escaped, so no tag is inside a pair.
fn pairs<'a>(page: &'a str, mut each: impl FnMut(Piece<'a>)) {
    let mut rest = page;
    while let Some(start) = rest.find(ENGLISH) {
        each(Piece::Rest(&rest[..start]));
        rest = &rest[start..];
        let pair = rest[ENGLISH.len()..].split_once(BETWEEN).and_then(|(en, after)| {
            let fr = after.split_once(CLOSE)?.0;
            (!en.contains('<') && !fr.contains('<')).then_some((en, fr))
        });
        let length = match pair {
            Some((en, fr)) => {
                let length = ENGLISH.len() + en.len() + BETWEEN.len() + fr.len() + CLOSE.len();
                each(Piece::Pair { whole: &rest[..length], en, fr });
                length
            }
            None => {
                each(Piece::Rest(&rest[..ENGLISH.len()]));
                ENGLISH.len()
            }
        };
        rest = &rest[length..];
    }
    each(Piece::Rest(rest));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_end_by_themselves() {
        assert_eq!(lean("<tr><td>1</td><td>2</td></tr></tbody>"), "<tr><td>1<td>2</tbody>");
        assert_eq!(
            lean(r##"<body><a class="x y" href="#r-1">=&quot;a&quot;</a><circle r="2"></circle><script>x="y"</script>"##),
            r##"<body><a class="x y" href=#r-1>=&quot;a&quot;</a><circle r="2"/><script>x="y"</script>"##
        );
    }

    #[test]
    fn frequent_pairs_are_said_once() {
        let row = "<b><span lang=en>row</span><span lang=fr>ligne</span></b>";
        let rare = "<span lang=en>a</span><span lang=fr>b</span><span lang=en>odd</span>";
        assert_eq!(
            fold(&format!("{row}{rare}{row}{row}<hr>"), "<hr>"),
            format!(
                "{0}{rare}{0}{0}<template id=words><i>row</i><i>ligne</i></template>",
                "<b><span data-t=0>row</span></b>"
            )
        );
    }
}
