//! Equality and order (FHIRPath 2.0, sections 6.1, 6.2 and 6.4).

use std::cmp::Ordering;

use super::Operator;
use super::eval::{Context, Fault, Item, Items, Plain, decimal, one};
use super::moment::Moment;
use super::super::json::{Keep, Tree, Value};

/// `=` of two collections: empty if one is.
pub(super) fn equal<'t>(cx: &Context<'t>, one: &[Item<'t>], two: &[Item<'t>]) -> Result<Option<bool>, Fault> {
    if one.is_empty() || two.is_empty() {
        return Ok(None);
    }
    if one.len() != two.len() {
        return Ok(Some(false));
    }
    let mut all = Some(true);
    for (one, two) in one.iter().zip(two) {
        match cx.same(one, two)? {
            Some(false) => return Ok(Some(false)),
            Some(true) => {}
            None => all = None,
        }
    }
    Ok(all)
}

/// `in`
pub(super) fn member_of<'t>(cx: &Context<'t>, item: &[Item<'t>], among: &[Item<'t>]) -> Result<Option<bool>, Fault> {
    one(item)?.map(|item| cx.is_among(item, among)).transpose()
}

impl<'t> Context<'t> {
    /// Whether two items are equal; `None` where the precision of a date leaves it open.
    pub(super) fn same(&self, one: &Item<'t>, two: &Item<'t>) -> Result<Option<bool>, Fault> {
        self.spend(1)?;
        Ok(match (self.plain(one)?, self.plain(two)?) {
            (Plain::Nothing, _) | (_, Plain::Nothing) => None,
            (Plain::Bool(one), Plain::Bool(two)) => Some(one == two),
            (Plain::Number(one), Plain::Number(two)) => Some(one == two),
            (Plain::Text(one), Plain::Text(two)) => Some(one == two),
            (Plain::Moment(one), Plain::Moment(two) | Plain::Text(two)) | (Plain::Text(one), Plain::Moment(two)) => match (Moment::parse(one), Moment::parse(two)) {
                _ if one == two => Some(true),
                (Some(one), Some(two)) => one.compare(&two).map(Ordering::is_eq),
                _ => Some(false),
            },
            (Plain::Complex(one), Plain::Complex(two)) => Some(one == two || self.same_object(one, two)?),
            (one, two) => match (self.quantity(one), self.quantity(two)) {
                (Some((one, unit)), Some((two, other))) => Some(one == two && unit == other),
                _ => Some(false),
            },
        })
    }

    pub(super) fn is_among(&self, item: &Item<'t>, among: &[Item<'t>]) -> Result<bool, Fault> {
        for other in among {
            if self.same(item, other)? == Some(true) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Adds the items that are not there already.
    pub(super) fn distinct<'i>(&self, items: impl Iterator<Item = &'i Item<'t>>, out: &mut Items<'t>) -> Result<(), Fault>
    where
        't: 'i,
    {
        let from = out.len();
        for item in items {
            if !self.is_among(item, out.get(from..).unwrap_or_default())? {
                out.push(item.clone());
            }
        }
        Ok(())
    }

    /// `~`: texts without regard to case and space, collections without regard to order.
    pub(super) fn equivalent(&self, one: &[Item<'t>], two: &[Item<'t>]) -> Result<bool, Fault> {
        if one.len() != two.len() {
            return Ok(false);
        }
        let mut left: Vec<&Item<'t>> = two.iter().collect();
        for item in one {
            let mut found = None;
            for (place, other) in left.iter().enumerate() {
                let alike = match (self.plain(item)?, self.plain(other)?) {
                    (Plain::Text(one), Plain::Text(two)) => folded(one).eq(folded(two)),
                    _ => self.same(item, other)? == Some(true),
                };
                if alike {
                    found = Some(place);
                    break;
                }
            }
            let Some(found) = found else { return Ok(false) };
            left.swap_remove(found);
        }
        Ok(true)
    }

    /// `<` and its relatives.
    pub(super) fn ordered(&self, operator: Operator, one: &[Item<'t>], two: &[Item<'t>]) -> Result<Option<bool>, Fault> {
        let (Some(one), Some(two)) = (self::one(one)?, self::one(two)?) else { return Ok(None) };
        let order = match (self.plain(one)?, self.plain(two)?) {
            (Plain::Nothing, _) | (_, Plain::Nothing) => None,
            (Plain::Number(one), Plain::Number(two)) => Some(one.cmp(&two)),
            // Two elements that look like dates are taken for dates.
            (Plain::Text(one), Plain::Text(two)) => match (dated(one), dated(two)) {
                (Some(one), Some(two)) => one.compare(&two),
                _ => Some(one.cmp(two)),
            },
            (Plain::Moment(one) | Plain::Text(one), Plain::Moment(two) | Plain::Text(two)) => match (Moment::parse(one), Moment::parse(two)) {
                (Some(one), Some(two)) => one.compare(&two),
                _ => return Err(Fault::Kind),
            },
            (one, two) => match (self.quantity(one), self.quantity(two)) {
                (Some((one, unit)), Some((two, other))) => (unit == other).then(|| one.cmp(&two)),
                _ => return Err(Fault::Kind),
            },
        };
        Ok(order.map(|order| match operator {
            Operator::Less => order.is_lt(),
            Operator::LessEqual => order.is_le(),
            Operator::Greater => order.is_gt(),
            _ => order.is_ge(),
        }))
    }

    /// The value and the unit of a quantity: of an element its code, or its unit. Units are not converted.
    fn quantity<'i>(&'i self, plain: Plain<'i>) -> Option<(rust_decimal::Decimal, &'i str)> {
        match plain {
            Plain::Quantity(value, unit) => Some((value, unit)),
            Plain::Complex(at) => {
                let Value::Number(value) = self.tree.node(self.tree.member(at, "value")?)?.value else { return None };
                let unit = self.tree.member(at, "code").or_else(|| self.tree.member(at, "unit")).and_then(|unit| self.tree.text(unit));
                Some((decimal(value).ok()?, unit.unwrap_or("1")))
            }
            _ => None,
        }
    }

    /// Whether two objects have the same members, in whatever order. The tree may lack some, so they are read again.
    fn same_object(&self, one: u32, two: u32) -> Result<bool, Fault> {
        let (one, two) = (self.tree.raw(one), self.tree.raw(two));
        self.spend(one.len().saturating_add(two.len()))?;
        let keep = Keep::everything();
        match (Tree::parse(one, &keep, 16), Tree::parse(two, &keep, 16)) {
            (Ok(one), Ok(two)) => same_nodes(&one, 0, &two, 0, self),
            _ => Ok(one == two),
        }
    }
}

/// The trees are no deeper than [`super::super::json::DEPTH`].
fn same_nodes(one: &Tree<'_>, at: u32, two: &Tree<'_>, other: u32, cx: &Context<'_>) -> Result<bool, Fault> {
    cx.spend(1)?;
    let (Some(left), Some(right)) = (one.node(at), two.node(other)) else { return Ok(false) };
    match (&left.value, &right.value) {
        (Value::Number(left), Value::Number(right)) => Ok(left == right || decimal(left)? == decimal(right)?),
        (Value::Array, Value::Array) => {
            let (mut left, mut right) = (one.children(at), two.children(other));
            loop {
                match (left.next(), right.next()) {
                    (None, None) => return Ok(true),
                    (Some((at, _)), Some((other, _))) if same_nodes(one, at, two, other, cx)? => {}
                    _ => return Ok(false),
                }
            }
        }
        (Value::Object, Value::Object) => {
            if one.children(at).count() != two.children(other).count() {
                return Ok(false);
            }
            for (at, child) in one.children(at) {
                match two.member(other, &child.key) {
                    Some(other) if same_nodes(one, at, two, other, cx)? => {}
                    _ => return Ok(false),
                }
            }
            Ok(true)
        }
        (left, right) => Ok(left == right),
    }
}

fn folded(text: &str) -> impl Iterator<Item = char> {
    text.split_whitespace().flat_map(|word| std::iter::once(' ').chain(word.chars().flat_map(char::to_lowercase)))
}

/// A date from `2011-12` on, with a time or not.
fn dated(text: &str) -> Option<Moment> {
    if text.as_bytes().get(4) == Some(&b'-') { Moment::parse(text) } else { None }
}
