//! Expressions made total: a value or null on every row, and a condition that says which.
//!
//! A raw column is text and is read as what its surroundings want. Casts become `TRY_CAST`, a zero
//! divisor and the root of a negative number become null, and each of them leaves the condition
//! under which it failed, so that a Reason can be given.

use std::collections::HashMap;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::expr::{BinaryExpr, Case, ScalarFunction};
use datafusion::logical_expr::{Expr, Operator, TryCast, lit, when};
use datafusion::prelude::nullif;

use crate::transform::{Kind, Names};
use crate::transform::derive::column;

/// What the surroundings of a raw column want of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Want {
    Any,
    Date,
    Number,
}

pub fn placeholder(name: &str, want: Want) -> String {
    format!("{}:{name}", match want { Want::Any => "t?", Want::Date => "d?", Want::Number => "n?" })
}

/// Makes an expression total: raw columns read as wanted, casts and divisions guarded.
pub struct Total<'a> {
    pub reads: HashMap<(String, Want), ()>,
    /// Conditions that are true where the expression failed, with the rule's name.
    pub failures: Vec<(Expr, &'static str)>,
    /// What cannot be made total, in words.
    pub refused: Vec<String>,
    pub names: &'a Names<'a>,
}

impl Total<'_> {
    fn raw<'e>(&self, expr: &'e Expr) -> Option<&'e str> {
        match expr {
            Expr::Column(c) => c.name.strip_prefix("c:").filter(|name| self.names.kind(name) == Kind::Text),
            _ => None,
        }
    }

    /// The kind an expression has by itself, where that is plain; raw columns have none.
    pub fn kind(&self, expr: &Expr) -> Option<Want> {
        match expr {
            Expr::Column(c) => {
                let kind = match c.name.strip_prefix("c:") {
                    Some(column) => self.names.kind(column),
                    None => c.name.strip_prefix("f:").and_then(|n| self.names.fields.iter().find(|f| f.name.value == n))?.storage(),
                };
                match kind {
                    Kind::Date | Kind::Datetime => Some(Want::Date),
                    Kind::Integer | Kind::Number => Some(Want::Number),
                    _ => None,
                }
            }
            Expr::Literal(value, _) => match value.data_type() {
                t if t.is_numeric() => Some(Want::Number),
                t if t.is_temporal() => Some(Want::Date),
                _ => None,
            },
            Expr::Cast(c) => want_of(c.field.data_type()),
            Expr::TryCast(c) => want_of(c.field.data_type()),
            Expr::BinaryExpr(b) if is_arithmetic(b.op) => match (self.kind(&b.left), self.kind(&b.right)) {
                (Some(Want::Date), _) | (_, Some(Want::Date)) if b.op != Operator::Minus => Some(Want::Date),
                _ => Some(Want::Number),
            },
            Expr::Negative(_) => Some(Want::Number),
            Expr::ScalarFunction(f) => match f.name() {
                "date_trunc" => Some(Want::Date),
                "date_diff" | "age_years" | "date_part" | "extract" | "length" | "char_length" | "character_length" | "strpos" => Some(Want::Number),
                maths if MATHS.contains(&maths) => Some(Want::Number),
                "coalesce" | "nullif" | "greatest" | "least" | "nvl" => f.args.iter().find_map(|a| self.kind(a)),
                _ => None,
            },
            Expr::Case(case) => case.when_then_expr.iter().map(|(_, t)| t.as_ref()).chain(case.else_expr.as_deref()).find_map(|e| self.kind(e)),
            _ => None,
        }
    }

    pub fn rewrite(&mut self, expr: Expr, want: Want) -> Expr {
        if let Some(name) = self.raw(&expr).map(str::to_owned) {
            self.reads.insert((name.clone(), want), ());
            return column(&placeholder(&name, want));
        }
        match expr {
            Expr::BinaryExpr(b) => self.binary(b, want),
            Expr::ScalarFunction(f) => self.function(f, want),
            Expr::Case(case) => {
                let want = if want == Want::Any { case.when_then_expr.iter().map(|(_, t)| t.as_ref()).chain(case.else_expr.as_deref()).find_map(|e| self.kind(e)).unwrap_or(want) } else { want };
                let base = case.expr.as_ref().and_then(|e| self.kind(e)).or_else(|| case.expr.as_ref().and_then(|_| case.when_then_expr.iter().find_map(|(w, _)| self.kind(w)))).unwrap_or(Want::Any);
                let has_base = case.expr.is_some();
                Expr::Case(Case {
                    expr: case.expr.map(|e| Box::new(self.rewrite(*e, base))),
                    when_then_expr: case
                        .when_then_expr
                        .into_iter()
                        .map(|(w, t)| (Box::new(self.rewrite(*w, if has_base { base } else { Want::Any })), Box::new(self.rewrite(*t, want))))
                        .collect(),
                    else_expr: case.else_expr.map(|e| Box::new(self.rewrite(*e, want))),
                })
            }
            Expr::Between(mut between) => {
                let inner = [&between.expr, &between.low, &between.high].into_iter().find_map(|e| self.kind(e)).unwrap_or(Want::Any);
                between.expr = Box::new(self.rewrite(*between.expr, inner));
                between.low = Box::new(self.rewrite(*between.low, inner));
                between.high = Box::new(self.rewrite(*between.high, inner));
                Expr::Between(between)
            }
            Expr::InList(mut list) => {
                let inner = list.list.iter().chain([list.expr.as_ref()]).find_map(|e| self.kind(e)).unwrap_or(Want::Any);
                list.expr = Box::new(self.rewrite(*list.expr, inner));
                list.list = list.list.into_iter().map(|e| self.rewrite(e, inner)).collect();
                Expr::InList(list)
            }
            Expr::Negative(inner) => Expr::Negative(Box::new(self.rewrite(*inner, Want::Number))),
            Expr::Not(inner) => Expr::Not(Box::new(self.rewrite(*inner, Want::Any))),
            Expr::Cast(cast) => {
                let input = self.rewrite(*cast.expr, Want::Any);
                self.guarded(input, cast.field)
            }
            Expr::TryCast(cast) => {
                let input = self.rewrite(*cast.expr, Want::Any);
                Expr::TryCast(TryCast::new_from_field(Box::new(input), cast.field))
            }
            other => {
                let children = other.map_children(|child| Ok(Transformed::yes(self.rewrite(child, Want::Any))));
                children.map(|t| t.data).unwrap_or_else(|_| Expr::Literal(ScalarValue::Null, None))
            }
        }
    }

    fn guarded(&mut self, input: Expr, field: datafusion::arrow::datatypes::FieldRef) -> Expr {
        let output = Expr::TryCast(TryCast::new_from_field(Box::new(input.clone()), field));
        self.failures.push((input.is_not_null().and(output.clone().is_null()), "cast"));
        output
    }

    fn binary(&mut self, b: BinaryExpr, want: Want) -> Expr {
        let (left, right) = (self.kind(&b.left), self.kind(&b.right));
        let inner = match b.op {
            op if is_arithmetic(op) => match (left, right) {
                (Some(Want::Date), _) | (_, Some(Want::Date)) if op == Operator::Minus => Want::Date,
                _ if want == Want::Date => Want::Date,
                _ => Want::Number,
            },
            Operator::And | Operator::Or => Want::Any,
            _ => left.or(right).unwrap_or(Want::Any),
        };
        if !is_total(b.op) {
            self.refused.push(format!("the operator `{}` is not available here", b.op));
        }
        let mut left = self.rewrite(*b.left, inner);
        let mut right = self.rewrite(*b.right, inner);
        if matches!(b.op, Operator::Divide | Operator::Modulo) {
            // Real division: 7 / 2 is 3.5, and no whole number overflows.
            left = crate::transform::number::as_number(left);
            right = crate::transform::number::as_number(right);
            let zero = left.clone().is_not_null().and(right.clone().eq(lit(0.0)));
            if !matches!(&right, Expr::Cast(c) if matches!(c.expr.as_ref(), Expr::Literal(value, _) if value.to_string().parse::<f64>().is_ok_and(|v| v != 0.0))) {
                self.failures.push((zero, "division by zero"));
                right = nullif(right, lit(0.0));
            }
        }
        Expr::BinaryExpr(BinaryExpr { left: Box::new(left), op: b.op, right: Box::new(right) })
    }

    fn function(&mut self, f: ScalarFunction, want: Want) -> Expr {
        let name = f.name().to_owned();
        let own = f.args.iter().find_map(|a| self.kind(a));
        if matches!(name.as_str(), "substr" | "substring" | "split_part" | "left" | "right") {
            let plain = |e: &Expr| matches!(e, Expr::Literal(value, _) if value.to_string().parse::<i64>().is_ok_and(|n| (1..=1_000_000).contains(&n)));
            let bad = f.args.iter().skip(if name == "split_part" { 2 } else { 1 }).any(|a| !plain(a));
            if bad {
                self.refused.push(format!("`{name}` takes plain counts from 1 here"));
            }
        }
        let mut args: Vec<Expr> = f
            .args
            .into_iter()
            .enumerate()
            .map(|(i, arg)| {
                let inner = match (name.as_str(), i) {
                    ("date_diff", 1 | 2) | ("age_years", _) | ("date_part" | "date_trunc" | "extract", 1) => Want::Date,
                    (maths, _) if MATHS.contains(&maths) => Want::Number,
                    ("coalesce" | "nullif" | "greatest" | "least" | "nvl", _) => {
                        if want == Want::Any {
                            own.unwrap_or(Want::Any)
                        } else {
                            want
                        }
                    }
                    _ => Want::Any,
                };
                self.rewrite(arg, inner)
            })
            .collect();
        // On Float64 no function of numbers overflows, and what is no number comes out as NaN or ±∞.
        if MATHS.contains(&name.as_str()) {
            let counts = usize::from(name == "round");
            let floats = args.len() - counts.min(args.len().saturating_sub(1));
            args = args.into_iter().enumerate().map(|(i, arg)| if i < floats { crate::transform::number::as_number(arg) } else { arg }).collect();
        }
        if name == "sqrt" {
            // DataFusion ends the query at the root of a negative number.
            args = args.into_iter().map(|arg| when(arg.clone().lt(lit(0.0)), lit(f64::NAN)).otherwise(arg.clone()).unwrap_or(arg)).collect();
        }
        Expr::ScalarFunction(ScalarFunction { func: f.func, args })
    }
}

/// Functions of numbers.
const MATHS: [&str; 13] = ["abs", "round", "floor", "ceil", "power", "sqrt", "ln", "log10", "log2", "exp", "signum", "sin", "cos"];

/// Operators that give a value or null on every row.
fn is_total(op: Operator) -> bool {
    use Operator::*;
    is_arithmetic(op) || matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | And | Or | IsDistinctFrom | IsNotDistinctFrom | StringConcat | LikeMatch | ILikeMatch | NotLikeMatch | NotILikeMatch)
}

fn is_arithmetic(op: Operator) -> bool {
    matches!(op, Operator::Plus | Operator::Minus | Operator::Multiply | Operator::Divide | Operator::Modulo)
}

fn want_of(t: &DataType) -> Option<Want> {
    if t.is_numeric() {
        Some(Want::Number)
    } else if t.is_temporal() {
        Some(Want::Date)
    } else {
        None
    }
}
