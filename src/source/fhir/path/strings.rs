//! The functions of FHIRPath on texts, and conversions (2.0, sections 5.5 and 5.6; `join`, `split` and `trim` of the draft).

use std::borrow::Cow;

use rust_decimal::Decimal;

use super::eval::{Context, Fault, Item, Items, LONGEST, Plain, decimal, one, whole};
use super::{Expr, Function};

/// Steps that an item costs which is part of a text: it is a text of its own.
const PART: usize = 16;

pub(super) fn call<'t>(
    cx: &Context<'t>,
    function: Function,
    items: &[Item<'t>],
    arguments: &'t [Expr],
    outer: (&[Item<'t>], usize),
    out: &mut Items<'t>,
) -> Result<(), Fault> {
    let mut given: [Items<'t>; 2] = [vec![], vec![]];
    for (argument, values) in arguments.iter().zip(&mut given) {
        cx.eval(argument, outer.0, outer.1, values)?;
    }
    let [first, second] = &given;
    if function == Function::Join {
        out.push(Item::Text(join(cx, items, text(cx, first)?.unwrap_or_default())?.into()));
        return Ok(());
    }
    let Some(item) = one(items)? else { return Ok(()) };
    let plain = cx.plain(item)?;
    if let Function::ToBoolean | Function::ToDecimal | Function::ToInteger | Function::ToString = function {
        out.extend(converted(cx, function, item, plain));
        return Ok(());
    }
    let subject = match plain {
        Plain::Text(text) | Plain::Moment(text) => text,
        Plain::Nothing => return Ok(()),
        _ => return Err(Fault::Kind),
    };
    let parts = matches!(function, Function::ToChars | Function::Split);
    cx.spend(subject.len().saturating_mul(if parts { PART } else { 1 }))?;
    match function {
        Function::Length => out.push(count(subject.chars().count())),
        Function::Upper => out.push(owned(subject.to_uppercase())),
        Function::Lower => out.push(owned(subject.to_lowercase())),
        Function::Trim => out.push(owned(subject.trim().into())),
        Function::ToChars => out.extend(subject.chars().map(|c| owned(c.into()))),
        Function::Substring => {
            let start = cx.number(first)?.map(whole).transpose()?;
            let length = cx.number(second)?.map(whole).transpose()?;
            out.extend(start.and_then(|start| substring(subject, start, length)).map(owned));
        }
        _ => {
            let Some(other) = text(cx, first)? else { return Ok(()) };
            match function {
                Function::StartsWith => out.push(Item::Bool(subject.starts_with(other))),
                Function::EndsWith => out.push(Item::Bool(subject.ends_with(other))),
                Function::Contains => out.push(Item::Bool(subject.contains(other))),
                Function::Split => out.extend(subject.split(other).map(|part| owned(part.into()))),
                Function::IndexOf => out.push(match subject.split_once(other) {
                    Some((before, _)) => count(before.chars().count()),
                    None => Item::Number(Decimal::NEGATIVE_ONE),
                }),
                Function::Replace => {
                    let Some(new) = text(cx, second)? else { return Ok(()) };
                    let longest = subject.len().saturating_add(1).saturating_mul(new.len()).saturating_add(subject.len());
                    if longest > LONGEST {
                        return Err(Fault::Work);
                    }
                    out.push(owned(subject.replace(other, new)));
                }
                _ => return Err(Fault::Kind),
            }
        }
    }
    Ok(())
}

fn owned<'t>(text: String) -> Item<'t> {
    Item::Text(Cow::Owned(text))
}

fn count<'t>(count: usize) -> Item<'t> {
    Item::Number(Decimal::from(count as u64))
}

/// One text, or none.
fn text<'i, 't: 'i>(cx: &'i Context<'t>, items: &'i [Item<'t>]) -> Result<Option<&'i str>, Fault> {
    match one(items)?.map(|item| cx.plain(item)).transpose()? {
        None | Some(Plain::Nothing) => Ok(None),
        Some(Plain::Text(text) | Plain::Moment(text)) => Ok(Some(text)),
        Some(_) => Err(Fault::Kind),
    }
}

fn join<'t>(cx: &Context<'t>, items: &[Item<'t>], between: &str) -> Result<String, Fault> {
    let mut joined = String::new();
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            joined.push_str(between);
        }
        match cx.plain(item)? {
            Plain::Text(text) | Plain::Moment(text) => joined.push_str(text),
            Plain::Nothing => {}
            _ => return Err(Fault::Kind),
        }
        if joined.len() > LONGEST {
            return Err(Fault::Work);
        }
    }
    Ok(joined)
}

/// From the character `start`, counted from 0; `None` if that is not in the text.
fn substring(text: &str, start: i64, length: Option<i64>) -> Option<String> {
    let start = usize::try_from(start).ok()?;
    let mut rest = text.chars().skip(start).peekable();
    rest.peek()?;
    let length = length.map_or(usize::MAX, |length| usize::try_from(length).unwrap_or(0));
    Some(rest.take(length).collect())
}

fn converted<'t>(cx: &Context<'t>, function: Function, item: &Item<'t>, plain: Plain<'_>) -> Option<Item<'t>> {
    match (function, plain) {
        (Function::ToString, Plain::Nothing | Plain::Complex(_)) => None,
        (Function::ToString, _) => cx.cell(item).map(|text| owned(text.into_owned())),
        (Function::ToBoolean, Plain::Bool(value)) => Some(Item::Bool(value)),
        (Function::ToBoolean, Plain::Number(number)) if number == Decimal::ONE || number.is_zero() => Some(Item::Bool(!number.is_zero())),
        (Function::ToBoolean, Plain::Text(text)) => match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "1" | "1.0" => Some(Item::Bool(true)),
            "false" | "f" | "no" | "n" | "0" | "0.0" => Some(Item::Bool(false)),
            _ => None,
        },
        (Function::ToDecimal | Function::ToInteger, Plain::Bool(value)) => Some(Item::Number(Decimal::from(u8::from(value)))),
        (Function::ToDecimal, Plain::Number(number)) => Some(Item::Number(number)),
        (Function::ToDecimal, Plain::Text(text)) => decimal(text).ok().map(Item::Number),
        (Function::ToInteger, Plain::Number(number)) => number.fract().is_zero().then_some(Item::Number(number)),
        (Function::ToInteger, Plain::Text(text)) => text.parse::<i64>().ok().map(|number| Item::Number(Decimal::from(number))),
        _ => None,
    }
}
