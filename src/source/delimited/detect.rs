//! Which encoding a file is in.
//!
//! A byte order mark decides, then NUL bytes (UTF-16), then whether the bytes are valid UTF-8. What
//! is left is single-byte text, and there the four Western tables are weighed against each other by
//! what their characters do: a letter between letters of its own case is what text looks like, a
//! capital inside a small word or a square root inside a word is what the wrong table looks like.
//! Only counts of characters get into the evidence.

use super::encoding::Encoding;

/// An encoding and why.
pub(super) struct Found {
    pub(super) encoding: Encoding,
    pub(super) bom_bytes: usize,
    pub(super) why: String,
}

/// Finds the encoding of `head`, or checks the declared one against the byte order mark.
pub(super) fn encoding(head: &[u8], whole: bool, declared: Option<Encoding>) -> Found {
    let mark = match head {
        [0xEF, 0xBB, 0xBF, ..] => Some((Encoding::Utf8, 3)),
        [0xFF, 0xFE, ..] => Some((Encoding::Utf16Le, 2)),
        [0xFE, 0xFF, ..] => Some((Encoding::Utf16Be, 2)),
        _ => None,
    };
    if let Some((encoding, bom_bytes)) = mark {
        // No text in another encoding begins with these bytes, so one re-export of a site that
        // switched to UTF-8 is read rightly although the mapping still says windows-1252.
        let why = match declared {
            Some(other) if other != encoding => {
                format!("byte order mark; the mapping declares {other}, which cannot be true of this file")
            }
            _ => "byte order mark".to_owned(),
        };
        return Found { encoding, bom_bytes, why };
    }
    let (encoding, why) = match declared {
        Some(encoding) => (encoding, "declared".to_owned()),
        None => utf16(head).unwrap_or_else(|| utf8_or_single_byte(head, whole)),
    };
    Found { encoding, bom_bytes: 0, why }
}

fn utf16(head: &[u8]) -> Option<(Encoding, String)> {
    let (pairs, _) = head.as_chunks::<2>();
    let high = pairs.iter().filter(|pair| pair[0] == 0 && pair[1] != 0).count();
    let low = pairs.iter().filter(|pair| pair[1] == 0 && pair[0] != 0).count();
    let (encoding, count, other, place) =
        if high > low { (Encoding::Utf16Be, high, low, "first") } else { (Encoding::Utf16Le, low, high, "second") };
    // Delimiters, digits and line ends alone give a table in any script this many; and its line ends
    // go together with a NUL, while a few NULs in single-byte text leave them alone.
    let is_break = |byte| matches!(byte, b'\r' | b'\n');
    let (mut whole, mut broken) = (0, 0);
    for pair in pairs {
        let [first, second] = if encoding == Encoding::Utf16Le { *pair } else { [pair[1], pair[0]] };
        if is_break(first) && second == 0 {
            whole += 1;
        } else if is_break(first) || is_break(second) {
            broken += 1;
        }
    }
    let breaks = whole > broken || (broken == 0 && count * 2 >= pairs.len());
    (breaks && count * 10 >= pairs.len() && count > 0 && other * 10 < count).then(|| {
        let why = format!("in {count} of {} byte pairs the {place} byte is NUL", pairs.len());
        (encoding, why)
    })
}

fn utf8_or_single_byte(head: &[u8], whole: bool) -> (Encoding, String) {
    let high = head.iter().filter(|byte| !byte.is_ascii()).count();
    if high == 0 {
        let part = if whole { String::new() } else { format!(" of the first {}", head.len()) };
        return (Encoding::Utf8, format!("no byte{part} is above 0x7F"));
    }
    let (mut valid, mut invalid) = (0_usize, 0_usize);
    let mut chunks = head.utf8_chunks().peekable();
    while let Some(chunk) = chunks.next() {
        valid += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        // A character that the end of the head cuts in two is no mistake.
        let cut = chunks.peek().is_none() && !whole && chunk.invalid().len() < 4;
        invalid += usize::from(!chunk.invalid().is_empty() && !cut);
    }
    if invalid == 0 {
        return (Encoding::Utf8, format!("all {valid} characters beyond ASCII are valid UTF-8"));
    }
    // Accented letters of a single-byte text form valid UTF-8 next to never.
    if valid > 10 * invalid {
        let why = format!("{valid} characters beyond ASCII are valid UTF-8, {invalid} places are not");
        return (Encoding::Utf8, why);
    }
    single_byte(head, high)
}

/// In the order in which they win a tie.
const WESTERN: [Encoding; 4] = [Encoding::Windows1252, Encoding::Iso8859_15, Encoding::Macintosh, Encoding::Iso8859_1];

struct Weighed {
    encoding: Encoding,
    score: f64,
    implausible: usize,
    letters: Vec<(char, usize)>,
}

fn single_byte(head: &[u8], high: usize) -> (Encoding, String) {
    let weighed = WESTERN.map(|encoding| weigh(head, encoding));
    let mut best = &weighed[0];
    for other in &weighed[1..] {
        if other.score > best.score + 1e-9 {
            best = other;
        }
    }
    let mut letters = best.letters.clone();
    letters.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    let listed: Vec<String> = letters.iter().take(6).map(|(c, n)| format!("{c} {n}")).collect();
    let others: Vec<String> = weighed
        .iter()
        .filter(|other| other.encoding != best.encoding && other.implausible > best.implausible)
        .map(|other| format!("as {} {}", other.encoding, other.implausible))
        .collect();
    let mut why = format!("{high} bytes above 0x7F, not UTF-8; as {} ", best.encoding);
    match best.implausible {
        0 => why.push_str("all fit the text around them"),
        n => why.push_str(&format!("{n} do not fit the text around them")),
    }
    if !listed.is_empty() {
        why.push_str(&format!(" (letters: {})", listed.join(", ")));
    }
    if !others.is_empty() {
        why.push_str(&format!("; {} would be symbols or capitals inside words", others.join(", ")));
    }
    if best.implausible * 4 > high {
        why.push_str("; uncertain: declare `encoding`");
    }
    (best.encoding, why)
}

fn weigh(head: &[u8], encoding: Encoding) -> Weighed {
    let (text, _) = encoding.decode(head);
    let mut weighed = Weighed { encoding, score: 0.0, implausible: 0, letters: Vec::new() };
    let (mut before, mut chars) = (' ', text.chars().peekable());
    while let Some(c) = chars.next() {
        if !c.is_ascii() {
            let after = chars.peek().copied().unwrap_or(' ');
            let score = plausible(before, c, after);
            weighed.score += score;
            weighed.implausible += usize::from(score < 0.0);
            if is_letter(c) {
                match weighed.letters.iter_mut().find(|(known, _)| *known == c) {
                    Some((_, n)) => *n += 1,
                    None => weighed.letters.push((c, 1)),
                }
            }
        }
        before = c;
    }
    weighed
}

/// Letters of Western European words; the ordinals, ƒ, µ, π, Ω and the ligatures of the Mac table
/// are letters to Unicode only.
fn is_letter(c: char) -> bool {
    c.is_alphabetic() && !matches!(c, 'ª' | 'º' | 'ƒ' | 'µ' | 'π' | 'Ω' | 'ﬁ' | 'ﬂ' | 'ı' | 'ˆ' | 'ˇ')
}

/// How likely `c` stands between `before` and `after`: above 0 fits, below 0 does not.
fn plausible(before: char, c: char, after: char) -> f64 {
    let in_word = is_letter(before) && is_letter(after);
    let near_number = before.is_ascii_digit() || after.is_ascii_digit();
    match c {
        char::REPLACEMENT_CHARACTER => -3.0,
        '\u{80}'..='\u{9F}' => -2.0,
        c if is_letter(c) => letter(before, c, after),
        '’' if in_word => 0.7,
        '“' | '”' | '«' | '»' | '‘' | '’' | '„' | '‚' | '‹' | '›' if in_word => -1.0,
        '“' | '«' | '‘' | '„' | '‚' | '‹' => {
            if is_letter(before) {
                0.3
            } else {
                1.0
            }
        }
        '”' | '»' | '’' | '›' => {
            if is_letter(after) {
                0.3
            } else {
                1.0
            }
        }
        '\u{A0}' => {
            if in_word {
                0.0
            } else {
                0.2
            }
        }
        '–' | '—' if before == ' ' && after == ' ' => 1.0,
        '…' if is_letter(before) && !is_letter(after) => 0.7,
        '–' | '—' | '…' | '•' | '·' => {
            if in_word {
                -0.3
            } else {
                0.2
            }
        }
        '€' | '£' => {
            if in_word {
                -1.0
            } else {
                0.5
            }
        }
        '°' | 'º' | 'ª' if !is_letter(after) => {
            if near_number || is_letter(before) {
                0.5
            } else {
                0.1
            }
        }
        '²' | '³' | '¹' if !is_letter(after) => 0.5,
        'µ' if !is_letter(before) => 0.4,
        '±' | '×' | '÷' | '≤' | '≥' | '½' | '¼' | '¾' if !in_word => {
            if near_number {
                0.4
            } else {
                0.1
            }
        }
        '§' | '®' | '©' | '™' | '¿' | '¡' if !in_word => 0.1,
        _ if in_word => -1.0,
        _ => -0.3,
    }
}

fn letter(before: char, c: char, after: char) -> f64 {
    // The letters of French and its neighbours; the others are rarer than a wrong table.
    let weight = if "éèàêçôîâûùëïüœæöäßñóíáúãõÿåøÉÈÀÊÇÔÎÂÛÙËÏÜŒÆÖÄÑÓÍÁÚÃÕÅØŸ".contains(c)
    {
        1.0
    } else {
        0.4
    };
    let lower = |c: char| is_letter(c) && c.is_lowercase();
    let upper = |c: char| is_letter(c) && c.is_uppercase();
    if !is_letter(before) && !is_letter(after) {
        // A word of one letter: French à, y; else next to a digit or alone it says little.
        return if matches!(c, 'à' | 'À' | 'ó' | 'é' | 'è') && !before.is_ascii_digit() { 0.5 } else { -0.1 };
    }
    if c.is_uppercase() {
        // MOLIÈRE, Élise, É; not moliÈre.
        return if lower(before) { -1.0 } else { weight };
    }
    // molière, Hélène, être; not MOLIèRE.
    if upper(before) && upper(after) { -1.0 } else { weight }
}

#[cfg(test)]
mod tests {
    use super::{Encoding, encoding};

    const FRENCH: &str = "NIP;NOM;RÉSULTAT\n1;Hélène;opérée à gauche\n2;François;tumorectomie, cœur sain\n\
                          3;Zoë;MÉTASTASE OSSEUSE\n4;Noël;récidive à l’été 2012\n5;Jérôme;reçue, âgée\n";

    fn single(encoding: Encoding, text: &str) -> Vec<u8> {
        let table: Vec<(char, u8)> =
            (128..=255).map(|b| (encoding.decode(&[b]).0.chars().next().expect("one"), b)).collect();
        let byte = |c: char| match table.iter().find(|(known, _)| *known == c) {
            Some((_, b)) => *b,
            None => u8::try_from(c).ok().filter(u8::is_ascii).unwrap_or(b'\''),
        };
        text.chars().map(byte).collect()
    }

    #[test]
    fn french_in_every_western_table() {
        for wanted in [Encoding::Windows1252, Encoding::Iso8859_15, Encoding::Macintosh] {
            let found = encoding(&single(wanted, FRENCH), true, None);
            assert_eq!(found.encoding, wanted, "{}", found.why);
        }
        // Without œ and ’ the three Latin tables are the same; the superset is named.
        let latin = single(Encoding::Iso8859_1, &FRENCH.replace(['œ', '’'], "x"));
        assert_eq!(encoding(&latin, true, None).encoding, Encoding::Windows1252);
        let upper = single(Encoding::Macintosh, "NOM;ÉTAT\nHÉLÈNE;OPÉRÉE\nFRANÇOIS;DÉCÉDÉ\n");
        assert_eq!(encoding(&upper, true, None).encoding, Encoding::Macintosh);
    }

    #[test]
    fn unicode() {
        let le: Vec<u8> = FRENCH.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = FRENCH.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(encoding(&le, true, None).encoding, Encoding::Utf16Le);
        assert_eq!(encoding(&be, true, None).encoding, Encoding::Utf16Be);
        assert_eq!(encoding(FRENCH.as_bytes(), true, None).encoding, Encoding::Utf8);
        // Cut inside a character.
        let cut = FRENCH.find('é').expect("é") + 1;
        assert_eq!(encoding(&FRENCH.as_bytes()[..cut], false, None).encoding, Encoding::Utf8);
        let found = encoding("\u{FEFF}a".as_bytes(), true, Some(Encoding::Windows1252));
        assert_eq!((found.encoding, found.bom_bytes), (Encoding::Utf8, 3));
    }
}
