//! Numbers, dates and texts in English and French.
//!
//! The page carries both languages and shows one: whatever a person reads is a [`Phrase`], which
//! draws itself once where the two are equal and as two `<span lang>` where they differ; a number
//! that stands alone is drawn once, in a `<bdi>` that the page's script rewrites. All number
//! formatting is here, so that a share is rounded the same way in a sentence, a table and a chart.

use std::fmt::Write;

use maud::{Escaper, Render};

use crate::execute::summary::Text;

/// A narrow no-break space: the French thousands mark, and what stands before `%` and `:`.
const NARROW: char = '\u{202f}';

/// The same text in the two languages of the page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Phrase {
    /// English.
    pub en: String,
    /// French.
    pub fr: String,
}

impl Phrase {
    /// From its two forms.
    pub fn new(en: impl Into<String>, fr: impl Into<String>) -> Self {
        Self { en: en.into(), fr: fr.into() }
    }

    /// A name or code that reads alike in every language.
    pub fn same(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { fr: text.clone(), en: text }
    }

    /// A text of the schema: a missing language falls back on the other, then on any.
    pub fn of(text: &Text) -> Option<Self> {
        let any = text.values().find(|t| !t.trim().is_empty())?;
        let get = |code: &str| text.get(code).filter(|t| !t.trim().is_empty());
        let en = get("en").unwrap_or(any);
        let fr = get("fr").unwrap_or(en);
        Some(Self::new(en.trim(), fr.trim()))
    }

    /// In quotation marks, to set a label apart inside a sentence.
    pub fn quoted(&self) -> Self {
        Self::new(format!("“{}”", self.en), format!("«\u{a0}{}\u{a0}»", self.fr))
    }

    /// Both forms changed alike.
    pub fn map(&self, change: impl Fn(&str) -> String) -> Self {
        Self::new(change(&self.en), change(&self.fr))
    }

    /// One after the other, with `between` in the middle.
    pub fn join(parts: &[Phrase], between: &str) -> Self {
        let side = |pick: fn(&Phrase) -> &str| parts.iter().map(pick).collect::<Vec<_>>().join(between);
        Self::new(side(|p| &p.en), side(|p| &p.fr))
    }

    /// With a capital first letter, as a sentence begins.
    pub fn capital(&self) -> Self {
        self.map(|text| {
            let mut rest = text.chars();
            rest.next().map_or_else(String::new, |c| c.to_uppercase().chain(rest).collect())
        })
    }

    /// Without the full stop at its end, so that a title or a quotation does not carry one.
    pub fn unstopped(&self) -> Self {
        self.map(|text| text.trim_end_matches('.').to_owned())
    }
}

impl Phrase {
    /// Whether this is a number alone, so that the script can turn the English form into the French
    /// one (it has the same three replacements). Half of a page is numbers; they are there once.
    pub fn is_number(&self) -> bool {
        let numeric = |c: char| c.is_ascii_digit() || matches!(c, ',' | '.' | '%' | '<' | '>' | '−');
        self.en.chars().all(numeric)
            && self.fr == self.en.replace(',', "\u{202f}").replace('.', ",").replace('%', "\u{202f}%")
    }
}

impl Render for Phrase {
    fn render_to(&self, out: &mut String) {
        let mut tagged = |open: &str, text: &str, close: &str| {
            out.push_str(open);
            let _ = Escaper::new(out).write_str(text);
            out.push_str(close);
        };
        if self.en == self.fr {
            tagged("", &self.en, "");
        } else if self.is_number() {
            tagged("<bdi>", &self.en, "</bdi>");
        } else {
            tagged("<span lang=en>", &self.en, "</span>");
            tagged("<span lang=fr>", &self.fr, "</span>");
        }
    }
}

/// A fixed wording with places `{0}`, `{1}` … for its arguments; see `words.rs`.
#[derive(Debug, Clone, Copy)]
pub struct Wording {
    pub en: &'static str,
    pub fr: &'static str,
}

impl Wording {
    /// As it stands.
    pub fn phrase(&self) -> Phrase {
        Phrase::new(self.en, spaced(self.fr))
    }

    /// With each `{n}` replaced by the n-th argument in the same language.
    pub fn with(&self, arguments: &[&Phrase]) -> Phrase {
        let fill = |pattern: &str, pick: fn(&Phrase) -> &str| {
            let mut out = String::with_capacity(pattern.len() + 32);
            let mut rest = pattern;
            while let Some(open) = rest.find('{') {
                let Some(close) = rest[open..].find('}') else { break };
                out.push_str(&rest[..open]);
                let place = rest[open + 1..open + close].parse::<usize>().ok();
                if let Some(argument) = place.and_then(|n| arguments.get(n)) {
                    out.push_str(pick(argument));
                }
                rest = &rest[open + close + 1..];
            }
            out.push_str(rest);
            out
        };
        Phrase::new(fill(self.en, |p| &p.en), fill(&spaced(self.fr), |p| &p.fr))
    }
}

/// French as it is set: the space before a double mark does not break. Wordings are typed with plain ones.
fn spaced(french: &str) -> String {
    let mut out = french.replace(" :", "\u{a0}:");
    for mark in [';', '?', '!', '%'] {
        out = out.replace(&format!(" {mark}"), &format!("{NARROW}{mark}"));
    }
    out
}

impl Render for Wording {
    fn render_to(&self, out: &mut String) {
        self.phrase().render_to(out);
    }
}

/// Digits in groups of three.
fn grouped(digits: &str, mark: char) -> String {
    let mut out = String::with_capacity(digits.len() * 2);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(mark);
        }
        out.push(digit);
    }
    out
}

/// A count: `1,234` and `1 234`.
pub fn int(n: u64) -> Phrase {
    let digits = n.to_string();
    Phrase::new(grouped(&digits, ','), grouped(&digits, NARROW))
}

/// A number with so many decimals: `1,234.5` and `1 234,5`; a true minus sign.
pub fn decimal(x: f64, decimals: usize) -> Phrase {
    if !x.is_finite() {
        return Phrase::same("–");
    }
    let text = format!("{:.decimals$}", x.abs());
    let negative = x < 0.0 && text.bytes().any(|b| (b'1'..=b'9').contains(&b));
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let side = |mark: char, point: char| {
        let mut out = String::new();
        if negative {
            out.push('−');
        }
        out.push_str(&grouped(whole, mark));
        if !part.is_empty() {
            out.push(point);
            out.push_str(part);
        }
        out
    };
    Phrase::new(side(',', '.'), side(NARROW, ','))
}

/// Decimals that give a value of this size about three significant digits.
pub fn decimals(size: f64) -> usize {
    if size >= 100.0 {
        0
    } else if size >= 10.0 {
        1
    } else {
        2
    }
}

/// A measured value without needless zeros (a median of whole years is `54`).
pub fn plain(x: f64) -> Phrase {
    if x == x.trunc() && x.abs() < 1e15 { decimal(x, 0) } else { decimal(x, decimals(x.abs())) }
}

/// A number as the schema's author wrote it, with the decimal mark of each language.
pub fn written(text: &str) -> Phrase {
    let decimals = text.split_once('.').map_or(0, |(_, part)| part.len());
    let numeric = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+'));
    match text.parse::<f64>() {
        Ok(x) if numeric => decimal(x, decimals),
        _ if text == "today" => Phrase::new("the day of the run", "le jour du traitement"),
        _ => Phrase::same(text),
    }
}

/// `part` of `whole` in percent. Nothing is rounded up to 100 or down to 0 that is not exactly so.
pub fn share(part: u64, whole: u64, decimals: usize) -> Phrase {
    if whole == 0 {
        return Phrase::same("–");
    }
    let step = 10f64.powi(-i32::try_from(decimals).unwrap_or(0));
    #[allow(clippy::cast_precision_loss)]
    let exact = part as f64 * 100.0 / whole as f64;
    let rounded = (exact / step).round() * step;
    if part > 0 && rounded < step / 2.0 {
        return percent(step, decimals).map(|text| format!("<{text}"));
    }
    if part < whole && rounded > 100.0 - step / 2.0 {
        return percent(100.0 - step, decimals).map(|text| format!(">{text}"));
    }
    if part == 0 || part == whole {
        return percent(exact, 0);
    }
    percent(rounded, decimals)
}

/// A number of percent: `1.4%` and `1,4 %`.
pub fn percent(x: f64, decimals: usize) -> Phrase {
    let number = decimal(x, decimals);
    Phrase::new(format!("{}%", number.en), format!("{}{NARROW}%", number.fr))
}

/// `1 row`, `1,234 rows`.
pub fn rows(n: u64) -> Phrase {
    counted(n, ["row", "rows"], ["ligne", "lignes"])
}

/// A count with its noun, singular and plural; in French 0 is singular too.
pub fn counted(n: u64, en: [&str; 2], fr: [&str; 2]) -> Phrase {
    let number = int(n);
    Phrase::new(
        format!("{}\u{a0}{}", number.en, en[usize::from(n != 1)]),
        format!("{}\u{a0}{}", number.fr, fr[usize::from(n > 1)]),
    )
}

/// The size of a file: `812 KB` and `812 ko`.
#[allow(clippy::cast_precision_loss)]
pub fn bytes(n: u64) -> Phrase {
    let (x, en, fr) = match n {
        0..1_000 => return counted(n, ["byte", "bytes"], ["octet", "octets"]),
        1_000..1_000_000 => (n as f64 / 1e3, "KB", "ko"),
        1_000_000..1_000_000_000 => (n as f64 / 1e6, "MB", "Mo"),
        _ => (n as f64 / 1e9, "GB", "Go"),
    };
    let number = decimal(x, usize::from(x < 9.95));
    Phrase::new(format!("{}\u{a0}{en}", number.en), format!("{}\u{a0}{fr}", number.fr))
}

/// A duration: `1.8 s`, `45 s`, `3 min 20 s`, `2 h 05 min`.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub fn duration(seconds: f64) -> Phrase {
    let whole = seconds.max(0.0).round() as u64;
    if seconds < 10.0 {
        return decimal(seconds.max(0.0), 1).map(|x| format!("{x}\u{a0}s"));
    }
    Phrase::same(match whole {
        0..120 => format!("{whole}\u{a0}s"),
        120..7200 => format!("{}\u{a0}min {:02}\u{a0}s", whole / 60, whole % 60),
        _ => format!("{}\u{a0}h {:02}\u{a0}min", whole / 3600, whole % 3600 / 60),
    })
}

/// A moment in UTC (RFC 3339) as people write it; as it stands where it is something else.
pub fn moment(rfc3339: &str) -> Phrase {
    const EN: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    const FR: [&str; 12] = [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ];
    let number = |range: std::ops::Range<usize>| rfc3339.get(range).and_then(|t| t.parse::<usize>().ok());
    let parts = (number(0..4), number(5..7), number(8..10), rfc3339.get(11..16));
    let (Some(year), Some(month @ 1..=12), Some(day), Some(time)) = parts else {
        return Phrase::same(rfc3339);
    };
    let premier = if day == 1 { "er" } else { "" };
    Phrase::new(
        format!("{day} {} {year}, {time} UTC", EN[month - 1]),
        format!("{day}{premier} {} {year}, {time} UTC", FR[month - 1]),
    )
}

/// The day of a moment.
pub fn day(rfc3339: &str) -> Phrase {
    moment(rfc3339).map(|text| text.split_once(", ").map_or(text, |(day, _)| day).to_owned())
}

/// A difference with its sign: `+1,234`, `−12`.
pub fn signed(before: u64, now: u64) -> Phrase {
    let size = int(now.abs_diff(before));
    match now.cmp(&before) {
        std::cmp::Ordering::Less => size.map(|n| format!("−{n}")),
        std::cmp::Ordering::Equal => Phrase::same("±0"),
        std::cmp::Ordering::Greater => size.map(|n| format!("+{n}")),
    }
}

/// A UCUM unit in words where it is short for a common one; annotations lose their braces.
pub fn unit(ucum: &str) -> Phrase {
    match ucum {
        "a" => Phrase::new("years", "ans"),
        "mo" => Phrase::new("months", "mois"),
        "wk" => Phrase::new("weeks", "semaines"),
        "d" => Phrase::new("days", "jours"),
        "h" => Phrase::new("hours", "heures"),
        "1" => Phrase::default(),
        "Cel" => Phrase::same("°C"),
        "{nodes}" => Phrase::new("nodes", "ganglions"),
        _ => Phrase::same(ucum.replace(['{', '}', '[', ']'], "")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_each_language() {
        assert_eq!(int(1_234_567), Phrase::new("1,234,567", "1\u{202f}234\u{202f}567"));
        assert_eq!(decimal(-1234.56, 1), Phrase::new("−1,234.6", "−1\u{202f}234,6"));
        assert_eq!(decimal(-0.01, 1), Phrase::new("0.0", "0,0"));
        assert_eq!(written("0.50").fr, "0,50");
        assert_eq!(written("1990-01-01").fr, "1990-01-01");
        assert_eq!(bytes(812_345).fr, "812\u{a0}ko");
        assert_eq!(duration(200.2).en, "3\u{a0}min 20\u{a0}s");
        assert_eq!(moment("2026-02-01T09:05:00Z").fr, "1er février 2026, 09:05 UTC");
        assert_eq!(rows(0), Phrase::new("0\u{a0}rows", "0\u{a0}ligne"));
    }

    #[test]
    fn french_marks_keep_to_their_words() {
        let phrase = Wording { en: "{0}: why?", fr: "{0} : pourquoi ? 5 %" }.with(&[&Phrase::same("a : b")]);
        assert_eq!(phrase.fr, "a : b\u{a0}: pourquoi\u{202f}? 5\u{202f}%");
        assert_eq!(signed(1200, 20).fr, "−1\u{202f}180");
        assert_eq!(day("2026-02-01T09:05:00Z").fr, "1er février 2026");
    }

    #[test]
    fn a_share_is_never_rounded_to_all_or_nothing() {
        assert_eq!(share(9_999, 10_000, 0).en, ">99%");
        assert_eq!(share(1, 10_000, 1).en, "<0.1%");
        assert_eq!(share(10, 10, 1).en, "100%");
        assert_eq!(share(0, 10, 1).en, "0%");
        assert_eq!(share(1, 3, 1).fr, "33,3\u{202f}%");
        assert_eq!(share(0, 0, 1).en, "–");
    }

    #[test]
    fn everything_is_escaped() {
        let phrase = Wording { en: "a {0} b", fr: "x {0} {9}y" }.with(&[&Phrase::same("<i>{1}")]);
        assert_eq!(
            phrase.render().into_string(),
            "<span lang=en>a &lt;i&gt;{1} b</span><span lang=fr>x &lt;i&gt;{1} y</span>"
        );
        assert_eq!(percent(1234.5, 1).render().into_string(), "<bdi>1,234.5%</bdi>");
        assert_eq!(int(7).render().into_string(), "7");
    }
}
