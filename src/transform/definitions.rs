//! Named expressions, each made once.
//!
//! An equal expression is one definition, so a date that three fields need is parsed once. The plan
//! lays the definitions out in levels, each a projection.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;
use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;
use foldhash::fast::FixedState;

use super::derive::{Functions, Kind, column, text_list};

/// A named expression of the plan.
#[derive(Debug, Clone)]
pub struct Definition {
    pub name: String,
    pub kind: Kind,
    pub expr: Expr,
}

/// Named expressions, each made once.
#[derive(Debug, Default, Clone)]
pub struct Definitions {
    pub list: Vec<Definition>,
    /// Places by the hash of the expression; of two with one hash the first.
    by_expr: HashMap<u64, usize, FixedState>,
    by_name: HashMap<String, usize, FixedState>,
}

impl Definitions {
    /// Names an expression and returns the column that stands for it; an equal expression keeps
    /// its first name.
    pub fn define(&mut self, hint: &str, kind: Kind, expr: Expr) -> Expr {
        if matches!(expr, Expr::Column(_)) {
            return expr;
        }
        let same = self.by_expr.get(&hash(&expr)).and_then(|at| self.list.get(*at)).filter(|same| same.expr == expr);
        if let Some(same) = same {
            return column(&same.name);
        }
        let mut name = hint.to_owned();
        let mut n = 1;
        while self.by_name.contains_key(&name) {
            n += 1;
            name = format!("{hint}#{n}");
        }
        self.insert(name.clone(), kind, expr);
        column(&name)
    }

    /// Names an expression under exactly this name (a field, a check).
    pub fn insert(&mut self, name: String, kind: Kind, expr: Expr) {
        self.by_expr.entry(hash(&expr)).or_insert(self.list.len());
        self.by_name.insert(name.clone(), self.list.len());
        self.list.push(Definition { name, kind, expr });
    }
}

fn hash(expr: &Expr) -> u64 {
    FixedState::default().hash_one(expr)
}

impl Definitions {
    /// The definition of a name.
    pub fn get(&self, name: &str) -> Option<&Definition> {
        self.by_name.get(name).map(|at| &self.list[*at])
    }

    /// Puts the functions of another set in place of those of the same name.
    pub fn rebind(&mut self, functions: &Functions) {
        use datafusion::common::tree_node::{Transformed, TreeNode};
        for definition in &mut self.list {
            let bound = definition.expr.clone().transform(|expr| {
                Ok(match expr {
                    Expr::ScalarFunction(mut call) => match functions.get(call.func.name()) {
                        Some(function) => {
                            call.func = Arc::clone(function);
                            Transformed::yes(Expr::ScalarFunction(call))
                        }
                        None => Transformed::no(Expr::ScalarFunction(call)),
                    },
                    other => Transformed::no(other),
                })
            });
            if let Ok(bound) = bound {
                definition.expr = bound.data;
            }
        }
    }

    /// Cuts long lists of codes, for people who read expressions; what is left cannot run.
    pub fn abridge(&mut self) {
        use datafusion::common::tree_node::{Transformed, TreeNode};
        for definition in &mut self.list {
            let cut = definition.expr.clone().transform(|expr| {
                let Expr::Literal(ScalarValue::List(list), _) = &expr else { return Ok(Transformed::no(expr)) };
                let values = list.values();
                let Some(texts) = values.as_string_view_opt().filter(|texts| texts.len() > 4) else { return Ok(Transformed::no(expr)) };
                let rest = format!("… {} more", texts.len() - 3);
                Ok(Transformed::yes(text_list(texts.iter().take(3).chain([Some(rest.as_str())]))))
            });
            if let Ok(cut) = cut {
                definition.expr = cut.data;
            }
        }
    }

    /// Definitions by level: each needs only source columns and earlier levels.
    ///
    /// # Errors
    /// The names that need each other.
    pub fn levels(&self) -> Result<Vec<Vec<&Definition>>, Vec<String>> {
        let mut done: HashSet<&str> = HashSet::new();
        let needs = |d: &Definition| d.expr.column_refs().into_iter().filter_map(|c| self.get(&c.name)).map(|d| d.name.as_str()).collect::<Vec<_>>();
        let mut open: Vec<(&Definition, Vec<&str>)> = self.list.iter().map(|d| (d, needs(d))).collect();
        let mut levels = vec![];
        while !open.is_empty() {
            let (ready, rest): (Vec<_>, Vec<_>) = open.into_iter().partition(|(_, needs)| needs.iter().all(|name| done.contains(name)));
            if ready.is_empty() {
                return Err(rest.into_iter().map(|(d, _)| d.name.clone()).collect());
            }
            done.extend(ready.iter().map(|(d, _)| d.name.as_str()));
            levels.push(ready.into_iter().map(|(d, _)| d).collect());
            open = rest;
        }
        Ok(levels)
    }
}
