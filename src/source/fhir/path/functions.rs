//! The functions of FHIRPath (2.0, section 5), FHIR (R4, "FHIRPath") and SQL-on-FHIR ("Additional functions").

use std::borrow::Cow;

use rust_decimal::{Decimal, RoundingStrategy};

use super::super::json::{Keep, Value};
use super::boundary::{self, Side};
use super::eval::{Context, Fault, Item, Items, Plain, one, whole};
use super::{Expr, strings};

macro_rules! functions {
    ($($function:ident $name:literal $least:literal $most:literal)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(in super::super) enum Function { $($function),* }

        /// Each name, with the fewest and the most arguments.
        const FUNCTIONS: &[(&str, Function, usize, usize)] = &[$(($name, Function::$function, $least, $most)),*];
    };
}

functions! {
    Abs "abs" 0 0  All "all" 1 1  AllFalse "allFalse" 0 0  AllTrue "allTrue" 0 0  AnyFalse "anyFalse" 0 0  AnyTrue "anyTrue" 0 0
    As "as" 1 1  Ceiling "ceiling" 0 0  Children "children" 0 0  Combine "combine" 1 1  Contains "contains" 1 1  Count "count" 0 0
    Descendants "descendants" 0 0  Distinct "distinct" 0 0  Empty "empty" 0 0  EndsWith "endsWith" 1 1  Exclude "exclude" 1 1
    Exists "exists" 0 1  Extension "extension" 1 1  First "first" 0 0  Floor "floor" 0 0  GetReferenceKey "getReferenceKey" 0 1
    GetResourceKey "getResourceKey" 0 0  GetValue "getValue" 0 0  HasValue "hasValue" 0 0  HighBoundary "highBoundary" 0 1  Iif "iif" 2 3
    IndexOf "indexOf" 1 1  Intersect "intersect" 1 1  Is "is" 1 1  IsDistinct "isDistinct" 0 0  Join "join" 0 1  Last "last" 0 0
    Length "length" 0 0  LowBoundary "lowBoundary" 0 1  Lower "lower" 0 0  Not "not" 0 0  OfType "ofType" 1 1  Repeat "repeat" 1 1
    Replace "replace" 2 2  Round "round" 0 1  Select "select" 1 1  Single "single" 0 0  Skip "skip" 1 1  Split "split" 1 1
    StartsWith "startsWith" 1 1  SubsetOf "subsetOf" 1 1  Substring "substring" 1 2  SupersetOf "supersetOf" 1 1  Tail "tail" 0 0
    Take "take" 1 1  ToBoolean "toBoolean" 0 0  ToChars "toChars" 0 0  ToDecimal "toDecimal" 0 0  ToInteger "toInteger" 0 0
    ToString "toString" 0 0  Trim "trim" 0 0  Truncate "truncate" 0 0  Union "union" 1 1  Upper "upper" 0 0  Where "where" 1 1
}

impl Function {
    pub fn named(name: &str) -> Option<Function> {
        FUNCTIONS.iter().find(|(known, ..)| *known == name).map(|(_, function, ..)| *function)
    }

    pub fn arguments(self) -> (usize, usize) {
        FUNCTIONS.iter().find(|(_, function, ..)| *function == self).map_or((0, 0), |(_, _, least, most)| (*least, *most))
    }

    /// Whether its argument is a type.
    pub fn takes_type(self) -> bool {
        matches!(self, Function::As | Function::Is | Function::OfType | Function::GetReferenceKey)
    }

    /// Notes the members that the function looks at by itself.
    pub fn note(self, keep: &mut Keep) {
        let names: &[&str] = match self {
            Function::Extension => &["extension", "url"],
            Function::GetReferenceKey => &["reference", "type"],
            Function::LowBoundary => &["start"],
            Function::HighBoundary => &["end"],
            Function::Children | Function::Descendants => return keep.add_all(),
            _ => &[],
        };
        names.iter().for_each(|name| keep.add(name));
    }
}

/// `outer` is what the call stands in: arguments that are no criteria are evaluated on it.
pub(super) fn call<'t>(
    cx: &Context<'t>,
    function: Function,
    items: &[Item<'t>],
    arguments: &'t [Expr],
    outer: (&[Item<'t>], usize),
    out: &mut Items<'t>,
) -> Result<(), Fault> {
    let first = arguments.first().unwrap_or(&Expr::Empty);
    let mut say = |answer: bool| {
        out.push(Item::Bool(answer));
        Ok(())
    };
    match function {
        Function::Empty => say(items.is_empty()),
        Function::Exists if arguments.is_empty() => say(!items.is_empty()),
        Function::Exists => say(each(cx, items, first, |_, truth| truth == Some(true))?),
        Function::All => say(!each(cx, items, first, |_, truth| truth != Some(true))?),
        Function::AllTrue => say(!bools(cx, items, false)?),
        Function::AllFalse => say(!bools(cx, items, true)?),
        Function::AnyTrue => say(bools(cx, items, true)?),
        Function::AnyFalse => say(bools(cx, items, false)?),
        Function::Not => {
            out.extend(cx.truth(items)?.map(|truth| Item::Bool(!truth)));
            Ok(())
        }
        Function::Where => each(cx, items, first, |item, truth| {
            if truth == Some(true) {
                out.push(item.clone());
            }
            false
        })
        .map(|_| ()),
        Function::Select => items.iter().enumerate().try_for_each(|(index, item)| cx.eval(first, std::slice::from_ref(item), index, out)),
        Function::Repeat => repeat(cx, items, first, out),
        Function::Iif => {
            let met = cx.with(first, items, outer.1, |found| cx.truth(found))? == Some(true);
            arguments.get(if met { 1 } else { 2 }).map_or(Ok(()), |chosen| cx.eval(chosen, items, outer.1, out))
        }
        Function::Children | Function::Descendants => {
            items.iter().try_for_each(|item| nodes_below(cx, item, function == Function::Descendants, out))
        }
        Function::First => extend(out, items.first()),
        Function::Last => extend(out, items.last()),
        Function::Tail => extend(out, items.iter().skip(1)),
        Function::Single => extend(out, one(items)?),
        Function::Count => extend_with(out, Item::Number(Decimal::from(items.len() as u64))),
        Function::Distinct => cx.distinct(items.iter(), out),
        Function::IsDistinct => {
            let mut distinct = cx.take();
            cx.distinct(items.iter(), &mut distinct)?;
            let same = distinct.len() == items.len();
            cx.give(distinct);
            extend_with(out, Item::Bool(same))
        }
        Function::HasValue => {
            let valued = one(items)?.map(|item| cx.plain(item)).transpose()?;
            extend_with(out, Item::Bool(valued.is_some_and(|plain| !matches!(plain, Plain::Nothing | Plain::Complex(_)))))
        }
        Function::GetValue => {
            let item = one(items)?;
            match item.map(|item| cx.plain(item)).transpose()? {
                None | Some(Plain::Nothing | Plain::Complex(_)) => Ok(()),
                Some(_) => extend(out, item),
            }
        }
        Function::Extension => cx.with(first, outer.0, outer.1, |url| {
            let Some(Item::Text(url)) = one(url)? else { return Ok(()) };
            items.iter().try_for_each(|item| extensions(cx, item, url, out))
        }),
        Function::GetResourceKey => {
            for item in items {
                let Item::Node { at, .. } = item else { return Err(Fault::Kind) };
                if let Some(id) = cx.tree.member(*at, "id") {
                    out.push(Item::node(id));
                }
            }
            Ok(())
        }
        Function::GetReferenceKey => items.iter().try_for_each(|item| reference_key(cx, item, None, out)),
        Function::LowBoundary | Function::HighBoundary => {
            let side = if function == Function::LowBoundary { Side::Low } else { Side::High };
            let digits = cx.with(first, outer.0, outer.1, |found| cx.number(found)?.map(whole).transpose())?;
            if let Some(item) = one(items)? {
                out.extend(boundary::boundary(cx, item, side, digits)?);
            }
            Ok(())
        }
        Function::Abs | Function::Ceiling | Function::Floor | Function::Round | Function::Truncate => {
            let digits = cx.with(first, outer.0, outer.1, |found| cx.number(found)?.map(whole).transpose())?;
            out.extend(cx.number(items)?.map(|number| Item::Number(rounded(function, number, digits.unwrap_or(0)).normalize())));
            Ok(())
        }
        Function::Skip | Function::Take => {
            let count = cx.with(first, outer.0, outer.1, |found| cx.number(found)?.map(whole).transpose())?.unwrap_or(0);
            let count = usize::try_from(count).unwrap_or(0);
            if function == Function::Skip { extend(out, items.iter().skip(count)) } else { extend(out, items.iter().take(count)) }
        }
        Function::Combine | Function::Union | Function::Intersect | Function::Exclude | Function::SubsetOf | Function::SupersetOf => {
            cx.with(first, outer.0, outer.1, |others| sets(cx, function, items, others, out))
        }
        _ => strings::call(cx, function, items, arguments, outer, out),
    }
}

/// `ofType`, `as`, `is` and `getReferenceKey` with the type that they name.
pub(super) fn typed<'t>(cx: &Context<'t>, function: Function, items: &[Item<'t>], kind: &str, out: &mut Items<'t>) -> Result<(), Fault> {
    match function {
        Function::Is => {
            out.extend(one(items)?.map(|item| Item::Bool(cx.is_of(item, kind))));
            Ok(())
        }
        Function::GetReferenceKey => items.iter().try_for_each(|item| reference_key(cx, item, Some(kind), out)),
        _ => extend(out, items.iter().filter(|item| cx.is_of(item, kind))),
    }
}

fn extend<'i, 't: 'i>(out: &mut Items<'t>, items: impl IntoIterator<Item = &'i Item<'t>>) -> Result<(), Fault> {
    out.extend(items.into_iter().cloned());
    Ok(())
}

fn extend_with<'t>(out: &mut Items<'t>, item: Item<'t>) -> Result<(), Fault> {
    out.push(item);
    Ok(())
}

/// Evaluates a criterion on each item, until `stop` says so; whether it did.
fn each<'t>(cx: &Context<'t>, items: &[Item<'t>], criterion: &'t Expr, mut stop: impl FnMut(&Item<'t>, Option<bool>) -> bool) -> Result<bool, Fault> {
    for (index, item) in items.iter().enumerate() {
        let truth = cx.with(criterion, std::slice::from_ref(item), index, |found| cx.truth(found))?;
        if stop(item, truth) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether one of the items is `wanted`; all must be truth values.
fn bools<'t>(cx: &Context<'t>, items: &[Item<'t>], wanted: bool) -> Result<bool, Fault> {
    let mut found = false;
    for item in items {
        match cx.plain(item)? {
            Plain::Bool(value) => found |= value == wanted,
            _ => return Err(Fault::Kind),
        }
    }
    Ok(found)
}

/// What the expression gives on the items, on what it gave, and so on, each value once.
fn repeat<'t>(cx: &Context<'t>, items: &[Item<'t>], step: &'t Expr, out: &mut Items<'t>) -> Result<(), Fault> {
    let from = out.len();
    let mut found = cx.take();
    items.iter().enumerate().try_for_each(|(index, item)| cx.eval(step, std::slice::from_ref(item), index, &mut found))?;
    let mut next = from;
    loop {
        for item in found.drain(..) {
            // An element is itself alone; a computed value is every equal one.
            let known = out.get(from..).unwrap_or_default();
            let seen = match item {
                Item::Node { .. } => known.contains(&item),
                _ => cx.is_among(&item, known)?,
            };
            cx.spend(known.len())?;
            if !seen {
                out.push(item);
            }
        }
        let Some(item) = out.get(next).cloned() else { break };
        cx.eval(step, std::slice::from_ref(&item), next.saturating_sub(from), &mut found)?;
        next += 1;
    }
    cx.give(found);
    Ok(())
}

fn nodes_below<'t>(cx: &Context<'t>, item: &Item<'t>, deep: bool, out: &mut Items<'t>) -> Result<(), Fault> {
    let Item::Node { at, .. } = item else { return Ok(()) };
    let Some(end) = cx.tree.node(*at).map(|node| node.next) else { return Ok(()) };
    let mut next = at.saturating_add(1);
    while next < end {
        // What is below an element is below what it is in as well: each level of `descendants()` is that much longer.
        cx.spend(1)?;
        let Some(node) = cx.tree.node(next) else { return Ok(()) };
        let listed = node.value == Value::Array;
        if !listed && node.value != Value::Null && node.key != "resourceType" {
            out.push(Item::node(next));
        }
        // Of an array the elements come next.
        next = if deep || listed { next.saturating_add(1) } else { node.next };
    }
    Ok(())
}

fn sets<'t>(cx: &Context<'t>, function: Function, items: &[Item<'t>], others: &[Item<'t>], out: &mut Items<'t>) -> Result<(), Fault> {
    match function {
        Function::Combine => {
            cx.spend(items.len().saturating_add(others.len()))?;
            cx.copy(items.iter().chain(others), out)
        }
        Function::Union => cx.distinct(items.iter().chain(others), out),
        Function::SubsetOf | Function::SupersetOf => {
            let (part, whole) = if function == Function::SubsetOf { (items, others) } else { (others, items) };
            for item in part {
                if !cx.is_among(item, whole)? {
                    return extend_with(out, Item::Bool(false));
                }
            }
            extend_with(out, Item::Bool(true))
        }
        _ => {
            let mut kept = cx.take();
            for item in items {
                if cx.is_among(item, others)? == (function == Function::Intersect) {
                    kept.push(item.clone());
                }
            }
            let done = if function == Function::Intersect { cx.distinct(kept.iter(), out) } else { extend(out, &kept) };
            cx.give(kept);
            done
        }
    }
}

fn extensions<'t>(cx: &Context<'t>, item: &Item<'t>, url: &str, out: &mut Items<'t>) -> Result<(), Fault> {
    let Item::Node { at, .. } = item else { return Ok(()) };
    cx.step(*at, "extension", &mut |found| {
        if let Item::Node { at, .. } = found
            && cx.tree.member(at, "url").and_then(|place| cx.tree.text(place)) == Some(url)
        {
            out.push(found);
        }
        Ok(())
    })
}

/// The id in the reference, which is what `getResourceKey` gives of the resource: of `Patient/1`, of a URL that ends so, with
/// or without a version, and of `urn:uuid:…`, whose type is known from `Reference.type` alone and else taken as expected.
fn reference_key<'t>(cx: &Context<'t>, item: &Item<'t>, kind: Option<&str>, out: &mut Items<'t>) -> Result<(), Fault> {
    let Item::Node { at, .. } = item else { return Err(Fault::Kind) };
    let member = |name: &str| cx.tree.member(*at, name).and_then(|place| cx.tree.text(place));
    let Some(reference) = member("reference") else { return Ok(()) };
    if let Some(uuid) = reference.strip_prefix("urn:uuid:") {
        let named = member("type").map(|named| named.rsplit('/').next().unwrap_or(named));
        if kind.is_none() || named.is_none() || named == kind {
            out.push(Item::Text(Cow::Owned(uuid.into())));
        }
        return Ok(());
    }
    let reference = reference.split("/_history/").next().unwrap_or(reference);
    let mut parts = reference.rsplit('/');
    let (Some(id), Some(named)) = (parts.next(), parts.next()) else { return Ok(()) };
    let is_type = named.starts_with(|c: char| c.is_ascii_uppercase()) && named.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_type && is_id(id) && kind.is_none_or(|kind| kind == named) {
        out.push(Item::Text(Cow::Owned(id.into())));
    }
    Ok(())
}

/// The type `id` of FHIR.
fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
}

fn rounded(function: Function, number: Decimal, digits: i64) -> Decimal {
    match function {
        Function::Abs => number.abs(),
        Function::Ceiling => number.ceil(),
        Function::Floor => number.floor(),
        Function::Truncate => number.trunc(),
        _ => number.round_dp_with_strategy(u32::try_from(digits).unwrap_or(0), RoundingStrategy::MidpointAwayFromZero),
    }
}
