//! The evaluation of an expression on one resource (FHIRPath 2.0, sections 4 and 6).
//!
//! A collection is a list of [`Item`]s, an element of the resource is its place in the tree: no step copies a value.

use std::borrow::Cow;
use std::cell::Cell;

use rust_decimal::Decimal;

use super::compare::{equal, member_of};
use super::functions::{call, typed};
use super::moment::Kind;
use super::types::is_choice;
use super::{Expr, Literal, Operator, Variable};
use super::super::json::{Tree, Value};

/// Steps that one resource may take, so that no expression runs for ever on a large one.
const WORK: u64 = 50_000_000;
/// A text that grows beyond this is not built: a short expression doubles one again and again.
pub(super) const LONGEST: usize = 16 << 20;
/// Bytes of a text that are copied in a step.
const COPIED: usize = 8;

/// Why an expression has no value for a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Fault {
    /// Several values where one is expected.
    Several,
    /// A value of a kind that does not fit.
    Kind,
    /// A number of too many digits.
    Number,
    /// Too many steps or rows.
    Work,
}

#[derive(Debug, Clone, PartialEq)]
pub(in super::super) enum Item<'t> {
    Node {
        at: u32,
        /// Of a choice the place in the member's name at which its type begins, else 0.
        choice: u16,
    },
    Bool(bool),
    Number(Decimal),
    Text(Cow<'t, str>),
    Moment(Kind, Cow<'t, str>),
    Quantity(Decimal, Cow<'t, str>),
}

impl<'t> Item<'t> {
    pub(in super::super) fn node(at: u32) -> Item<'t> {
        Item::Node { at, choice: 0 }
    }
}

pub(super) type Items<'t> = Vec<Item<'t>>;

/// An item as the operators see it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Plain<'a> {
    Bool(bool),
    Number(Decimal),
    Text(&'a str),
    Moment(&'a str),
    Quantity(Decimal, &'a str),
    Complex(u32),
    /// A primitive that has extensions alone.
    Nothing,
}

pub(in super::super) struct Context<'t> {
    pub(super) tree: &'t Tree<'t>,
    pub(super) resource: u32,
    row: Cell<u32>,
    work: Cell<u64>,
    /// Lists to use again.
    pool: Cell<Vec<Items<'t>>>,
}

impl<'t> Context<'t> {
    pub fn new(tree: &'t Tree<'t>, resource: u32) -> Context<'t> {
        Context { tree, resource, row: Cell::new(0), work: Cell::new(WORK), pool: Cell::default() }
    }

    /// Sets `%rowIndex`, and gives what it was.
    pub fn row(&self, index: u32) -> u32 {
        self.row.replace(index)
    }

    pub fn take(&self) -> Items<'t> {
        let mut pool = self.pool.take();
        let list = pool.pop().unwrap_or_default();
        self.pool.set(pool);
        list
    }

    pub fn give(&self, mut list: Items<'t>) {
        list.clear();
        let mut pool = self.pool.take();
        pool.push(list);
        self.pool.set(pool);
    }

    pub(super) fn spend(&self, steps: usize) -> Result<(), Fault> {
        let left = self.work.get().checked_sub(steps as u64).ok_or(Fault::Work)?;
        self.work.set(left);
        Ok(())
    }

    /// Adds items that are there already.
    pub(super) fn copy<'i>(&self, items: impl IntoIterator<Item = &'i Item<'t>>, out: &mut Items<'t>) -> Result<(), Fault>
    where
        't: 'i,
    {
        for item in items {
            if let Item::Text(Cow::Owned(text)) | Item::Moment(_, Cow::Owned(text)) | Item::Quantity(_, Cow::Owned(text)) = item {
                self.spend(text.len() / COPIED)?;
            }
            out.push(item.clone());
        }
        Ok(())
    }

    /// Two texts as one.
    fn joined(&self, one: &str, two: &str) -> Result<Item<'t>, Fault> {
        let length = one.len().saturating_add(two.len());
        self.spend(length / COPIED)?;
        if length > LONGEST { Err(Fault::Work) } else { Ok(Item::Text(format!("{one}{two}").into())) }
    }

    /// Adds the values of an expression that stands on `input` to `out`; `index` is `$index`.
    pub fn eval(&self, expr: &'t Expr, input: &[Item<'t>], index: usize, out: &mut Items<'t>) -> Result<(), Fault> {
        self.spend(1)?;
        match expr {
            Expr::Focus => self.copy(input, out)?,
            Expr::Index => out.push(Item::Number(Decimal::from(index as u64))),
            Expr::Empty => {}
            Expr::Literal(literal) => out.push(item(literal)),
            Expr::Variable(Variable::Resource) => out.push(Item::node(self.resource)),
            Expr::Variable(Variable::RowIndex) => out.push(Item::Number(Decimal::from(self.row.get()))),
            Expr::Path(base, names) => match **base {
                Expr::Focus => self.walk_all(input, names, out)?,
                ref base => self.with(base, input, index, |items| self.walk_all(items, names, out))?,
            },
            Expr::At(base, at) => {
                let Some(place) = self.with(at, input, index, |items| self.number(items))? else { return Ok(()) };
                let place = whole(place)?;
                self.with(base, input, index, |items| {
                    out.extend(usize::try_from(place).ok().and_then(|place| items.get(place)).cloned());
                    Ok(())
                })?;
            }
            Expr::Call(base, function, arguments) => {
                self.with(base, input, index, |items| call(self, *function, items, arguments, (input, index), out))?;
            }
            Expr::Typed(base, function, kind) => self.with(base, input, index, |items| typed(self, *function, items, kind, out))?,
            Expr::Negative(inner) => {
                let number = self.with(inner, input, index, |items| self.number(items))?;
                out.extend(number.map(|number| Item::Number(-number)));
            }
            Expr::Binary(operator, left, right) => self.binary(*operator, (left, right), input, index, out)?,
        }
        Ok(())
    }

    /// What `use_it` makes of the values of an expression.
    pub(super) fn with<R>(
        &self,
        expr: &'t Expr,
        input: &[Item<'t>],
        index: usize,
        use_it: impl FnOnce(&[Item<'t>]) -> Result<R, Fault>,
    ) -> Result<R, Fault> {
        if *expr == Expr::Focus {
            return use_it(input);
        }
        let mut items = self.take();
        self.eval(expr, input, index, &mut items)?;
        let result = use_it(&items);
        self.give(items);
        result
    }

    fn walk_all(&self, items: &[Item<'t>], names: &'t [String], out: &mut Items<'t>) -> Result<(), Fault> {
        items.iter().try_for_each(|item| self.walk(item, names, out))
    }

    fn walk(&self, item: &Item<'t>, names: &'t [String], out: &mut Items<'t>) -> Result<(), Fault> {
        self.spend(1)?;
        let Some((name, rest)) = names.split_first() else {
            out.push(item.clone());
            return Ok(());
        };
        let Item::Node { at, .. } = item else { return Ok(()) };
        self.step(*at, name, &mut |found| self.walk(&found, rest, out))
    }

    /// Gives each element `name` of a node.
    pub(super) fn step(&self, at: u32, name: &str, found: &mut dyn FnMut(Item<'t>) -> Result<(), Fault>) -> Result<(), Fault> {
        let Some(node) = self.tree.node(at) else { return Ok(()) };
        if node.value != Value::Object {
            // A primitive: what FHIR says beside its value stands in `_name`.
            return match self.beside(at).filter(|_| matches!(name, "extension" | "id")) {
                Some(beside) => self.step(beside, name, found),
                None => Ok(()),
            };
        }
        if name.starts_with(|c: char| c.is_ascii_uppercase()) && self.is_resource(at, name) {
            return found(Item::node(at));
        }
        let mut choice = None;
        let mut beside = None;
        for (place, child) in self.tree.children(at) {
            if child.key == name {
                return self.each(place, 0, found);
            }
            if choice.is_none() && is_choice(&child.key, name) {
                choice = Some(place);
            } else if child.key.strip_prefix('_') == Some(name) {
                beside = Some(place);
            }
        }
        match (choice, beside) {
            (Some(place), _) => self.each(place, u16::try_from(name.len()).unwrap_or(0), found),
            (None, Some(place)) => self.each(place, 0, found),
            (None, None) => Ok(()),
        }
    }

    fn is_resource(&self, at: u32, name: &str) -> bool {
        self.tree.member(at, "resourceType").is_some_and(|kind| matches!(name, "Resource" | "DomainResource") || self.tree.text(kind) == Some(name))
    }

    /// A value, or the elements of an array; what is null is not there.
    pub(super) fn each(&self, at: u32, choice: u16, found: &mut dyn FnMut(Item<'t>) -> Result<(), Fault>) -> Result<(), Fault> {
        match self.tree.node(at).map(|node| &node.value) {
            None | Some(Value::Null) => Ok(()),
            Some(Value::Array) => {
                for (place, child) in self.tree.children(at) {
                    if !matches!(child.value, Value::Null | Value::Array) {
                        found(Item::node(place))?;
                    }
                }
                Ok(())
            }
            Some(_) => found(Item::Node { at, choice }),
        }
    }

    /// The node `_name` beside a primitive `name`.
    fn beside(&self, at: u32) -> Option<u32> {
        let node = self.tree.node(at)?;
        let parent = self.tree.node(node.parent)?;
        let (owner, key, place) = match parent.value {
            Value::Array => (parent.parent, &parent.key, self.tree.children(node.parent).position(|(place, _)| place == at)),
            _ => (node.parent, &node.key, None),
        };
        let (beside, _) = self.tree.children(owner).find(|(_, child)| child.key.strip_prefix('_') == Some(key))?;
        match place {
            Some(place) => self.tree.children(beside).nth(place).map(|(at, _)| at),
            None => Some(beside),
        }
    }

    /// Whether a node is the `_name` of a primitive that has no value.
    pub(super) fn is_beside(&self, at: u32) -> bool {
        let Some(node) = self.tree.node(at) else { return false };
        node.key.starts_with('_') || (node.key.is_empty() && self.tree.node(node.parent).is_some_and(|parent| parent.key.starts_with('_')))
    }

    pub(super) fn plain<'i>(&self, item: &'i Item<'t>) -> Result<Plain<'i>, Fault>
    where
        't: 'i,
    {
        Ok(match item {
            Item::Bool(value) => Plain::Bool(*value),
            Item::Number(value) => Plain::Number(*value),
            Item::Text(text) => Plain::Text(text),
            Item::Moment(_, text) => Plain::Moment(text),
            Item::Quantity(value, unit) => Plain::Quantity(*value, unit),
            Item::Node { at, .. } => match self.tree.node(*at).map(|node| &node.value) {
                Some(Value::Bool(value)) => Plain::Bool(*value),
                Some(Value::Number(text)) => Plain::Number(decimal(text)?),
                Some(Value::Text(text)) => match self.choice(item) {
                    Some("Date" | "DateTime" | "Instant" | "Time") => Plain::Moment(text),
                    _ => Plain::Text(text),
                },
                Some(Value::Object) if !self.is_beside(*at) => Plain::Complex(*at),
                _ => Plain::Nothing,
            },
        })
    }

    /// One number, or none.
    pub(super) fn number(&self, items: &[Item<'t>]) -> Result<Option<Decimal>, Fault> {
        match one(items)?.map(|item| self.plain(item)).transpose()? {
            None | Some(Plain::Nothing) => Ok(None),
            Some(Plain::Number(number)) => Ok(Some(number)),
            Some(_) => Err(Fault::Kind),
        }
    }

    /// One truth value, or none; another single value counts as true (section 4.5).
    pub(super) fn truth(&self, items: &[Item<'t>]) -> Result<Option<bool>, Fault> {
        Ok(match one(items)?.map(|item| self.plain(item)).transpose()? {
            None => None,
            Some(Plain::Bool(value)) => Some(value),
            Some(_) => Some(true),
        })
    }

    /// Whether a condition is met: of nothing it is not, and it has to be a truth value.
    pub fn boolean(&self, items: &[Item<'t>]) -> Result<bool, Fault> {
        match one(items)?.map(|item| self.plain(item)).transpose()? {
            None | Some(Plain::Nothing) => Ok(false),
            Some(Plain::Bool(value)) => Ok(value),
            Some(_) => Err(Fault::Kind),
        }
    }

    fn binary(&self, operator: Operator, sides: (&'t Expr, &'t Expr), input: &[Item<'t>], index: usize, out: &mut Items<'t>) -> Result<(), Fault> {
        use Operator::*;
        let (left, right) = sides;
        if let Implies | Or | Xor | And = operator {
            let one = self.with(left, input, index, |items| self.truth(items))?;
            match (operator, one) {
                (And, Some(false)) => out.push(Item::Bool(false)),
                (Or, Some(true)) | (Implies, Some(false)) => out.push(Item::Bool(true)),
                _ => {
                    let two = self.with(right, input, index, |items| self.truth(items))?;
                    out.extend(logic(operator, one, two).map(Item::Bool));
                }
            }
            return Ok(());
        }
        self.with(left, input, index, |one| {
            self.with(right, input, index, |two| {
                let truth = match operator {
                    Equal => equal(self, one, two)?,
                    Unequal => equal(self, one, two)?.map(|same| !same),
                    Equivalent => Some(self.equivalent(one, two)?),
                    NotEquivalent => Some(!self.equivalent(one, two)?),
                    Less | LessEqual | Greater | GreaterEqual => self.ordered(operator, one, two)?,
                    In => member_of(self, one, two)?,
                    Contains => member_of(self, two, one)?,
                    Union => return self.distinct(one.iter().chain(two), out),
                    Concatenate => {
                        out.push(self.joined(&self.text_or_empty(one)?, &self.text_or_empty(two)?)?);
                        None
                    }
                    _ => {
                        out.extend(self.arithmetic(operator, one, two)?);
                        None
                    }
                };
                out.extend(truth.map(Item::Bool));
                Ok(())
            })
        })
    }

    fn text_or_empty<'i>(&self, items: &'i [Item<'t>]) -> Result<Cow<'i, str>, Fault>
    where
        't: 'i,
    {
        match one(items)?.map(|item| self.plain(item)).transpose()? {
            None | Some(Plain::Nothing) => Ok(Cow::Borrowed("")),
            Some(Plain::Text(text) | Plain::Moment(text)) => Ok(Cow::Borrowed(text)),
            Some(_) => Err(Fault::Kind),
        }
    }

    fn arithmetic(&self, operator: Operator, one: &[Item<'t>], two: &[Item<'t>]) -> Result<Option<Item<'t>>, Fault> {
        let (Some(one), Some(two)) = (self::one(one)?, self::one(two)?) else { return Ok(None) };
        let (one, two) = match (self.plain(one)?, self.plain(two)?) {
            (Plain::Nothing, _) | (_, Plain::Nothing) => return Ok(None),
            (Plain::Number(one), Plain::Number(two)) => (one, two),
            (Plain::Text(one), Plain::Text(two)) if operator == Operator::Add => return self.joined(one, two).map(Some),
            _ => return Err(Fault::Kind),
        };
        let result = match operator {
            Operator::Add => one.checked_add(two),
            Operator::Subtract => one.checked_sub(two),
            Operator::Multiply => one.checked_mul(two),
            _ if two.is_zero() => return Ok(None),
            Operator::Divide => one.checked_div(two),
            Operator::Div => one.checked_div(two).map(|quotient| quotient.trunc()),
            Operator::Mod => one.checked_rem(two),
            _ => None,
        };
        result.map(|number| Some(Item::Number(number.normalize()))).ok_or(Fault::Number)
    }
}

fn item(literal: &Literal) -> Item<'_> {
    match literal {
        Literal::Bool(value) => Item::Bool(*value),
        Literal::Number(number) => Item::Number(*number),
        Literal::Text(text) => Item::Text(Cow::Borrowed(text)),
        Literal::Moment(kind, text) => Item::Moment(*kind, Cow::Borrowed(text)),
        Literal::Quantity(number, unit) => Item::Quantity(*number, Cow::Borrowed(unit)),
    }
}

/// Three-valued logic (section 6.5), where the left side does not decide alone.
fn logic(operator: Operator, one: Option<bool>, two: Option<bool>) -> Option<bool> {
    match operator {
        Operator::And if one == Some(false) || two == Some(false) => Some(false),
        Operator::Or if one == Some(true) || two == Some(true) => Some(true),
        Operator::Implies if two == Some(true) => Some(true),
        Operator::And => Some(one? && two?),
        Operator::Or => Some(one? || two?),
        Operator::Xor => Some(one? != two?),
        Operator::Implies => Some(!one? || two?),
        _ => None,
    }
}

pub(super) fn one<'a, 't>(items: &'a [Item<'t>]) -> Result<Option<&'a Item<'t>>, Fault> {
    match items {
        [] => Ok(None),
        [item] => Ok(Some(item)),
        _ => Err(Fault::Several),
    }
}

/// A number as JSON writes it.
pub(super) fn decimal(text: &str) -> Result<Decimal, Fault> {
    let plain = Decimal::from_str_exact(text).or_else(|_| Decimal::from_scientific(text));
    // Beyond 28 digits the last ones count for nothing here; the text of a cell keeps them.
    plain.or_else(|_| text.parse()).map_err(|_| Fault::Number)
}

pub(super) fn whole(number: Decimal) -> Result<i64, Fault> {
    if number.fract().is_zero() { i64::try_from(number).map_err(|_| Fault::Number) } else { Err(Fault::Kind) }
}
