//! FHIRPath as far as SQL-on-FHIR needs it, and some more: an expression is parsed once into an [`Expr`] and evaluated on
//! the tree of a resource.
//!
//! FHIRPath 2.0 (<https://hl7.org/fhirpath/N1/>), with `join`, `lowBoundary` and `highBoundary` of its draft, and
//! `extension`, `hasValue`, `getValue`, `getResourceKey` and `getReferenceKey` of FHIR and SQL-on-FHIR v2. No model of FHIR
//! is at hand: the type of an element is known from the name of a choice (`valueQuantity`), from `resourceType`, and else
//! from its JSON.

mod boundary;
mod cell;
mod compare;
mod eval;
mod functions;
mod lexer;
mod moment;
mod parse;
mod strings;
mod types;

use rust_decimal::Decimal;

use super::json::Keep;

pub(super) use eval::{Context, Fault, Item};
pub(super) use functions::Function;
pub(super) use moment::Kind;
pub(super) use parse::parse;

/// What is wrong with an expression, and at which byte of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wrong {
    pub message: String,
    pub place: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Bool(bool),
    Number(Decimal),
    Text(String),
    Moment(Kind, String),
    /// The unit in quotes, or the word for one of time.
    Quantity(Decimal, String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Variable {
    Resource,
    RowIndex,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Implies,
    Or,
    Xor,
    And,
    In,
    Contains,
    Equal,
    Unequal,
    Equivalent,
    NotEquivalent,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Union,
    Add,
    Subtract,
    Concatenate,
    Multiply,
    Divide,
    Div,
    Mod,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr {
    /// What the expression stands on: `$this`, or what is not written before a name.
    Focus,
    /// `$index`
    Index,
    /// `{}`
    Empty,
    Literal(Literal),
    Variable(Variable),
    /// Names one below the other.
    Path(Box<Expr>, Vec<String>),
    At(Box<Expr>, Box<Expr>),
    Call(Box<Expr>, Function, Vec<Expr>),
    /// `ofType`, `as`, `is`, and the type that `getReferenceKey` expects.
    Typed(Box<Expr>, Function, String),
    Negative(Box<Expr>),
    Binary(Operator, Box<Expr>, Box<Expr>),
}

impl Expr {
    /// Notes the members that the expression may look at.
    pub fn note(&self, keep: &mut Keep) {
        match self {
            Expr::Path(_, names) => names.iter().for_each(|name| keep.add(name)),
            Expr::Call(_, function, _) | Expr::Typed(_, function, _) => function.note(keep),
            Expr::Literal(Literal::Quantity(..)) => ["value", "unit", "code"].iter().for_each(|name| keep.add(name)),
            _ => {}
        }
        self.parts().for_each(|part| part.note(keep));
    }

    pub fn mentions(&self, variable: Variable) -> bool {
        *self == Expr::Variable(variable) || self.parts().any(|part| part.mentions(variable))
    }

    fn parts(&self) -> impl Iterator<Item = &Expr> {
        let (first, second, more): (Option<&Expr>, Option<&Expr>, &[Expr]) = match self {
            Expr::Path(base, _) | Expr::Typed(base, ..) | Expr::Negative(base) => (Some(base), None, &[]),
            Expr::At(one, two) | Expr::Binary(_, one, two) => (Some(one), Some(two), &[]),
            Expr::Call(base, _, arguments) => (Some(base), None, arguments),
            Expr::Focus | Expr::Index | Expr::Empty | Expr::Literal(_) | Expr::Variable(_) => (None, None, &[]),
        };
        first.into_iter().chain(second).chain(more)
    }
}
