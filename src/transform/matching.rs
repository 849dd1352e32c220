//! Codes out of texts that are not listed one by one: the first pattern that is found counts.

use super::{Derive, Role, Transform, map};
use crate::config::yaml::Node;
use crate::diagnostic::{Diagnostic, code};
use crate::function::check_search;

pub static MATCH: Transform = Transform {
    key: "match",
    role: Role::Step,
    fallible: true,
    summary: "Regular expression to target value, as in `map`; the first that is found in the text counts. A text in which none is found follows `unmapped`.",
    example: "{from: PT, match: {\"^p?T1\": T1, \"^p?T2\": T2}}",
    lower,
};

fn lower(d: &mut Derive<'_>, node: &Node) -> Option<()> {
    let map::Targets { input, mode, pairs } = map::targets(d, "match", node)?;
    let mut sound = true;
    for (pattern, _) in &pairs {
        if let Err(why) = check_search(&pattern.value) {
            // The last line of the library's text says what is wrong; those before draw the pattern.
            let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            d.found.push(Diagnostic::error(code::SEARCH, pattern.span, format!("`{}` is not a regular expression", pattern.value)).label(why));
            sound = false;
        }
    }
    if !sound {
        return None;
    }
    let unmapped = map::unmapped(d)?;
    let pairs: Vec<_> = pairs.into_iter().map(|(pattern, value)| (pattern.value, value)).collect();
    let ignore_case = map::ignore_case(d);
    map::recode(d, &input, ("match_first", "is_unmatched"), mode, ignore_case, &pairs, unmapped);
    Some(())
}
