//! SQL as the expression language: parsed, named, typed and made total.
//!
//! An expression is DataFusion SQL over the source's columns and the table's fields. What makes
//! it fit for rows of unknown quality happens here, once, at check:
//! * names are resolved in the parsed tree, so that a wrong one has its own caret;
//! * only functions that cannot fail on a row are open ([`FUNCTIONS`]);
//! * a raw column is text, and is read as a date or number where its surroundings want one;
//! * casts become `TRY_CAST` and divisors `NULLIF(…, 0)`: a failure is a null with a Reason,
//!   never the end of a run.

mod total;

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::arrow::array::{RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::{DataType, Field as ArrowField, Schema as ArrowSchema};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::execution::SessionState;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Expr, ExprSchemable};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::prelude::SessionConfig;
use datafusion::sql::sqlparser::ast::{self, ExprWithAlias, visit_expressions, visit_expressions_mut};

use total::{Total, Want, placeholder};

use crate::transform::derive::{FIELD, Functions, Named, RAW, field_column, raw_column};
use crate::transform::{Derive, Kind, Names, Role, Transform, Typed, date};
use crate::config::Name;
use crate::config::schema::{Field, FieldType};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Span, closest, code};

pub static SQL: Transform = Transform {
    key: "sql",
    role: Role::Origin,
    fallible: true,
    summary: "A DataFusion SQL expression over the source's columns and the table's other fields.",
    example: "{sql: \"date_diff('day', DATE_DIAG, coalesce(DATE_RECIDIVE, DATE_DN))\"}",
    lower: |d, node| {
        let sql = crate::config::read::text(node, "sql", d.found)?;
        let parsed = parse(d.scope, d.names, &sql, &SQL_CODES, d.found)?;
        if d.names.columns.is_none() {
            // The header could not be read, which is a finding already; types would be guesses.
            d.value = Some(d.nothing_of_the_type());
            return Some(());
        }
        let expr = plan(d.scope, d.names, parsed, &sql, code::SQL_TYPE, d.found)?;
        let wants = match d.field.kind.value {
            FieldType::Date | FieldType::Datetime => Want::Date,
            FieldType::Integer | FieldType::Decimal => Want::Number,
            _ => Want::Any,
        };
        let mut total = Total { reads: HashMap::new(), failures: vec![], refused: vec![], names: d.names };
        let expr = total.rewrite(expr, wants);
        if refused(&total, &sql, d.found) {
            return None;
        }
        let reads: Vec<(String, Want)> = total.reads.into_keys().collect();
        let guards = total.failures;
        let mut replacements = HashMap::new();
        let mut columns: Vec<(String, Want)> = reads;
        columns.sort();
        for (name, want) in columns {
            replacements.insert(placeholder(&name, want), read_column(d, &name, want)?);
        }
        let fill = |expr: Expr| fill(expr, &replacements);
        let expr = fill(expr);
        for (guard, rule) in guards {
            let policy = d.policy();
            let violated = fill(guard);
            let same = violated.to_string();
            d.failures.push(crate::transform::Failure { violated, code: code::EXPRESSION, rule, column: None, raw: None, policy, direct: false, same });
        }
        d.column = None;
        let (expr, data_type) = typed(d.scope, expr, d.names, d.definitions, &sql, code::SQL_TYPE, d.found)?;
        let Some(kind) = Kind::of(&data_type) else {
            d.found.push(
                Diagnostic::error(code::SQL_TYPE, sql.span, format!("the expression gives {data_type}, which no field can hold"))
                    .label("not a text, number, date or boolean")
                    .related(d.field.kind.span, format!("the field is of type `{}`", d.field.kind.value.word())),
            );
            return None;
        };
        let expr = if data_type == kind.data_type() { expr } else { datafusion::logical_expr::cast(expr, kind.data_type()) };
        if kind == Kind::Number {
            // The root of −1 is no number: null, with a Reason.
            let output = d.call("finite", vec![expr.clone()]);
            let input = d.definitions.define(&format!("p:{}", d.field.name.value), kind, expr);
            let output = match output {
                Expr::ScalarFunction(mut call) => {
                    call.args = vec![input.clone()];
                    Expr::ScalarFunction(call)
                }
                other => other,
            };
            d.fallible(&format!("p:{}", d.field.name.value), output, kind, input, code::EXPRESSION, "expression");
        } else {
            d.value = Some(Typed { expr, kind });
        }
        Some(())
    },
};

/// Functions an expression may call: total on every row, deterministic, without state.
pub const FUNCTIONS: [&str; 48] = [
    "abs", "age_years", "ascii", "btrim", "ceil", "char_length", "checksum", "coalesce", "concat", "concat_ws", "contains", "cos", "date_diff", "date_part",
    "date_trunc", "ends_with", "exp", "extract", "floor", "greatest", "initcap", "least", "left", "length", "ln", "log10", "log2", "lower", "ltrim",
    "nullif", "nvl", "power", "replace", "reverse", "right", "round", "rtrim", "signum", "sin", "split_part", "sqrt", "starts_with", "strpos", "substr",
    "substring", "trim", "upper", "within",
];

/// Parser, planner and types for expressions.
pub struct SqlScope {
    state: SessionState,
}

impl SqlScope {
    /// A scope in which our functions are known beside DataFusion's.
    pub fn new(functions: &Functions) -> Self {
        let config = SessionConfig::new().set_bool("datafusion.sql_parser.enable_ident_normalization", false);
        let mut builder = SessionStateBuilder::new_with_default_features().with_config(config);
        if let Some(udfs) = builder.scalar_functions() {
            udfs.extend(functions.values().cloned());
        }
        SqlScope { state: builder.build() }
    }
}

/// The codes under which mistakes in an expression are reported.
struct SqlCodes {
    syntax: Code,
    name: Code,
}

const SQL_CODES: SqlCodes = SqlCodes { syntax: code::SQL_SYNTAX, name: code::SQL_NAME };
const RULE_CODES: SqlCodes = SqlCodes { syntax: code::RULE_SYNTAX, name: code::RULE_FIELD };

/// A condition over the fields of a table: Boolean, total, its names the plan's.
pub fn condition(scope: &SqlScope, fields: &[Field], table: &str, sql: &Name, found: &mut Diagnostics) -> Option<Expr> {
    let names = Names { columns: Some(&[]), shaped: &[], fields, table, in_shape: false };
    let parsed = parse(scope, &names, sql, &RULE_CODES, found)?;
    let expr = plan(scope, &names, parsed, sql, code::RULE_TYPE, found)?;
    let mut total = Total { reads: HashMap::new(), failures: vec![], refused: vec![], names: &names };
    let expr = total.rewrite(expr, Want::Any);
    if refused(&total, sql, found) {
        return None;
    }
    let (expr, data_type) = typed(scope, expr, &names, &Default::default(), sql, code::RULE_TYPE, found)?;
    if data_type != DataType::Boolean {
        found.push(
            Diagnostic::error(code::RULE_TYPE, sql.span, "a rule is a condition: true, false or null")
                .label(format!("this gives {}", Kind::of(&data_type).map_or("something else", Kind::words))),
        );
        return None;
    }
    Some(expr)
}

/// Parses; names become the plan's columns, `c:` for raw ones.
fn parse(scope: &SqlScope, names: &Names<'_>, sql: &Name, codes: &SqlCodes, found: &mut Diagnostics) -> Option<ExprWithAlias> {
    let dialect = scope.state.config().options().sql_parser.dialect;
    let mut parsed = match scope.state.sql_to_expr_with_alias(&sql.value, &dialect) {
        Ok(parsed) => parsed,
        Err(error) => {
            let text = error.strip_backtrace();
            let text = text.split("ParserError(").last().unwrap_or(&text).trim_matches(['"', ')', '(']).to_owned();
            found.push(Diagnostic::error(codes.syntax, sql.span, "this SQL does not parse").label(text));
            return None;
        }
    };
    if let Some(alias) = &parsed.alias {
        found.push(Diagnostic::error(codes.syntax, place(sql, alias), "an expression has no alias").label("leave this out"));
        return None;
    }
    let before = found.items.len();
    let _ = visit_expressions_mut(&mut parsed.expr, |expr| resolve(expr, names, sql, codes, found));
    (found.items.len() == before).then_some(parsed)
}

/// Plans a parsed expression.
fn plan(scope: &SqlScope, names: &Names<'_>, parsed: ExprWithAlias, sql: &Name, wrong: Code, found: &mut Diagnostics) -> Option<Expr> {
    let mut mentioned = HashSet::new();
    let _ = visit_expressions(&parsed.expr, |expr| {
        if let ast::Expr::Identifier(ident) = expr {
            mentioned.insert(ident.value.clone());
        }
        ControlFlow::<()>::Continue(())
    });
    let schema = df_schema(names, &Default::default(), mentioned.iter().map(String::as_str))?;
    match scope.state.create_logical_expr_from_sql_expr(parsed, &schema) {
        Ok(expr) => Some(expr),
        Err(error) => {
            found.push(Diagnostic::error(wrong, sql.span, "this SQL cannot be planned").label(plain(&error.strip_backtrace())));
            None
        }
    }
}

/// Turns names into the plan's columns, and refuses what has no place in an expression.
fn resolve(expr: &mut ast::Expr, names: &Names<'_>, sql: &Name, codes: &SqlCodes, found: &mut Diagnostics) -> ControlFlow<()> {
    match expr {
        ast::Expr::Identifier(ident) => match names.find(&ident.value) {
            Some(Named::Column(name)) => *ident = ast::Ident::with_quote('"', raw_column(&name)),
            Some(Named::Field(field)) => *ident = ast::Ident::with_quote('"', field_column(&field.name.value)),
            None if ident.value.starts_with("c:") || ident.value.starts_with("f:") => {}
            None => unknown(names, sql, ident, codes, found),
        },
        ast::Expr::CompoundIdentifier(parts) => match parts.as_slice() {
            [table, field] if table.value == names.table && names.fields.iter().any(|f| f.name.value == field.value) => {
                *expr = ast::Expr::Identifier(ast::Ident::with_quote('"', field_column(&field.value)));
            }
            [_, last] | [last] => unknown(names, sql, &last.clone(), codes, found),
            _ => {
                if let Some(last) = parts.last().cloned() {
                    unknown(names, sql, &last, codes, found);
                }
            }
        },
        ast::Expr::Function(function) => {
            let called = function.name.to_string().to_lowercase();
            let is_window = function.over.is_some() || function.filter.is_some() || !function.within_group.is_empty();
            if is_window {
                form(sql, "a window or aggregate", found);
            } else if !FUNCTIONS.contains(&called.as_str()) {
                let aggregates = ["count", "sum", "avg", "min", "max", "median", "stddev", "array_agg", "first_value", "last_value"];
                let volatile = ["now", "current_date", "current_timestamp", "random", "uuid", "today"];
                if aggregates.contains(&called.as_str()) {
                    form(sql, &format!("`{called}` looks at many rows"), found);
                } else if volatile.contains(&called.as_str()) {
                    form(sql, &format!("`{called}` differs from run to run"), found);
                } else {
                    let at = function.name.0.first().and_then(|p| p.as_ident()).map_or(sql.span, |i| place(sql, i));
                    found.push(
                        Diagnostic::error(code::SQL_FUNCTION, at, format!("there is no function `{called}` for expressions")).label("not available").suggest(&called, FUNCTIONS),
                    );
                }
            } else if let Some(ident) = function.name.0.first_mut() {
                *ident = ast::ObjectNamePart::Identifier(ast::Ident::new(called));
            }
        }
        ast::Expr::Subquery(_) | ast::Expr::Exists { .. } | ast::Expr::InSubquery { .. } => {
            form(sql, "a subquery", found);
            // Its names are not ours to resolve.
            return ControlFlow::Break(());
        }
        _ => {}
    }
    ControlFlow::Continue(())
}

fn form(sql: &Name, what: &str, found: &mut Diagnostics) {
    found.push(Diagnostic::error(code::SQL_FORM, sql.span, "an expression is over one row").label(format!("{what} has no place here")));
}

fn unknown(names: &Names<'_>, sql: &Name, ident: &ast::Ident, codes: &SqlCodes, found: &mut Diagnostics) {
    let columns = names.columns.unwrap_or_default();
    let known: Vec<&str> = columns.iter().map(String::as_str).chain(names.fields.iter().map(|f| f.name.value.as_str())).collect();
    let mut finding = Diagnostic::error(codes.name, place(sql, ident), format!("`{}` is neither a column nor a field", ident.value)).label("unknown name");
    if columns.is_empty() {
        finding.message = format!("the table has no field `{}`", ident.value);
    }
    if ident.quote_style == Some('"') && closest(&ident.value, &known).is_none() {
        finding = finding.note("double quotes are for names; a text is written in single quotes");
    }
    found.push(finding.suggest(&ident.value, known));
}

/// Where a name of the SQL stands in the document; all of the SQL when it was folded or escaped.
fn place(sql: &Name, ident: &ast::Ident) -> Span {
    let length = sql.span.end - sql.span.start;
    let quotes = length.checked_sub(sql.value.len());
    let start = ident.span.start;
    if let (Some(quotes @ (0 | 2)), 1, column @ 1..) = (quotes, start.line, start.column) {
        let chars = usize::try_from(column - 1).unwrap_or(0);
        let offset: usize = sql.value.chars().take(chars).map(char::len_utf8).sum();
        let width = ident.value.len() + if ident.quote_style.is_some() { 2 } else { 0 };
        let from = sql.span.start + quotes / 2 + offset;
        if from + width <= sql.span.end {
            return Span { file: sql.span.file, start: from, end: from + width };
        }
    }
    sql.span
}

/// DataFusion's words without its frame, and without the plan's prefixes of names.
fn plain(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let line = line.rsplit("Error during planning: ").next().unwrap_or(line);
    line.replace("\"c:", "\"").replace("\"f:", "\"").replace(" f:", " ").replace(" c:", " ")
}

/// Reports what cannot be made total.
fn refused(total: &Total<'_>, sql: &Name, found: &mut Diagnostics) -> bool {
    for why in &total.refused {
        found.push(Diagnostic::error(code::SQL_FUNCTION, sql.span, "this could fail on a row").label(why.clone()));
    }
    !total.refused.is_empty()
}

/// A raw column, read as wanted; its failure is noted on the field.
fn read_column(d: &mut Derive<'_>, name: &str, want: Want) -> Option<Expr> {
    let cell = d.cell(name);
    d.column = Some(name.to_owned());
    let (hint, output, kind) = match want {
        Want::Any => return Some(cell),
        Want::Date => {
            (format!("d:{name}"), date::parse(d, cell.clone()), Kind::Date)
        }
        Want::Number => {
            let one = |v| crate::transform::derive::number(Some(v));
            let args = vec![
                cell.clone(),
                crate::transform::derive::text(d.locale.decimal.to_string()),
                crate::transform::derive::optional_text(d.locale.group.map(String::from)),
                one(1.0),
                one(1.0),
                one(0.0),
            ];
            (format!("n:{name}"), d.call("parse_number", args), Kind::Number)
        }
    };
    d.fallible(&hint, output, kind, cell, code::PARSE, "parse");
    d.value.take().map(|v| v.expr)
}

fn fill(expr: Expr, replacements: &HashMap<String, Expr>) -> Expr {
    use datafusion::common::tree_node::Transformed;
    expr.transform(|e| {
        Ok(match &e {
            Expr::Column(c) => match replacements.get(&c.name) {
                Some(with) => Transformed::new(with.clone(), true, TreeNodeRecursion::Jump),
                None => Transformed::no(e),
            },
            _ => Transformed::no(e),
        })
    })
    .map(|t| t.data)
    .unwrap_or_else(|_| Expr::Literal(ScalarValue::Null, None))
}

/// Coerces and types an expression over the plan's columns.
fn typed(
    scope: &SqlScope,
    expr: Expr,
    names: &Names<'_>,
    definitions: &crate::transform::Definitions,
    sql: &Name,
    code: Code,
    found: &mut Diagnostics,
) -> Option<(Expr, DataType)> {
    let schema = Arc::new(df_schema(names, definitions, expr.column_refs().into_iter().map(|c| c.name.as_str()))?);
    let context = SimplifyContext::builder().with_schema(Arc::clone(&schema)).with_config_options(Arc::clone(scope.state.config_options())).build();
    let simplifier = ExprSimplifier::new(context);
    let tried = simplifier.coerce(expr, &schema).and_then(|coerced| {
        let data_type = coerced.get_type(&schema)?;
        // Some functions, `coalesce` among them, exist only until they are simplified.
        try_out(scope, simplifier.simplify(coerced.clone())?, &schema)?;
        Ok((coerced, data_type))
    });
    match tried {
        Ok(typed) => Some(typed),
        Err(error) => {
            let text = plain(&error.strip_backtrace());
            found.push(Diagnostic::error(code, sql.span, "the parts of this expression do not fit").label(text));
            None
        }
    }
}

/// Runs an expression on a row of nulls and on a row of plain values, so that a literal which a
/// function refuses is found here and not in the middle of a run.
fn try_out(scope: &SqlScope, expr: Expr, schema: &DFSchema) -> Result<()> {
    let physical = scope.state.create_physical_expr(expr, schema)?;
    let arrow = Arc::clone(schema.inner());
    for nulls in [true, false] {
        let columns: Result<Vec<_>> = arrow
            .fields()
            .iter()
            .map(|field| {
                let value = match field.data_type() {
                    t if nulls => ScalarValue::try_from(t)?,
                    DataType::Utf8View => ScalarValue::Utf8View(Some("1".into())),
                    t => ScalarValue::new_one(t).or_else(|_| ScalarValue::try_from(t))?,
                };
                value.to_array_of_size(1)
            })
            .collect();
        let columns = columns?;
        let options = RecordBatchOptions::new().with_row_count(Some(1));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&arrow), columns, &options)?;
        physical.evaluate(&batch)?;
    }
    Ok(())
}

/// The columns that an expression mentions, each once, of those it can see, as DataFusion's schema.
fn df_schema<'a>(names: &Names<'_>, definitions: &crate::transform::Definitions, mentioned: impl Iterator<Item = &'a str>) -> Option<DFSchema> {
    let data_type = |name: &str| {
        let raw = name.strip_prefix(RAW).filter(|name| names.columns.unwrap_or_default().iter().any(|c| c == name));
        let field = name.strip_prefix(FIELD).and_then(|name| names.fields.iter().find(|f| f.name.value == name));
        match (raw, field) {
            (Some(column), _) => Some(names.kind(column).data_type()),
            (_, Some(field)) => Some(field.storage().data_type()),
            _ => definitions.get(name).map(|d| d.kind.data_type()),
        }
    };
    let fields = mentioned.filter_map(|name| Some(ArrowField::new(name, data_type(name)?, true)));
    DFSchema::try_from(ArrowSchema::new(fields.collect::<Vec<_>>())).ok()
}
